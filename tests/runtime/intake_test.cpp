#include "runtime/intake.hpp"
#include "runtime/latency.hpp"
#include "tests/runtime/support.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <thread>

using namespace alpha;
using namespace alpha::runtime_test;

namespace {

using Clock = Intake::Clock;

/// The same numbers every time: a failure must come back when the test is run again.
std::mt19937_64 random_from(std::uint64_t seed) {
    return std::mt19937_64(seed);
}

const HoursOf kAnyHours = [](const std::string&) { return TradingHours{}; };

std::vector<DataSource> synth(std::uint64_t ticks) {
    DataSource source;
    source.synth = SynthSpec{7, ticks, {"NSE:A", "NSE:B", "NSE:C"}, Date{19'723}};
    return {source};
}

/// A record and the name of its instrument, as one text.
std::string text_of(const FeedRecord& record, const std::vector<std::string>& symbols) {
    const auto& quote = std::get<QuoteTick>(record.event);
    return std::to_string(record.time.ns) + " " + symbols[quote.instrument.value] + " " + std::to_string(quote.bid.raw);
}

std::vector<std::string> all_of(Intake& intake) {
    std::vector<std::string> texts;
    Packet packet;
    for (;;) {
        const auto got = intake.next(packet, Clock::now() + std::chrono::seconds(10));
        REQUIRE(got);
        REQUIRE(*got != Intake::Got::nothing);
        if (*got == Intake::Got::end) {
            return texts;
        }
        for (const FeedRecord& record : packet.records) {
            texts.push_back(text_of(record, *packet.symbols));
        }
    }
}

}  // namespace

TEST_CASE("a reader on its own thread hands out what a direct one does, however slowly it is taken", "[runtime]") {
    const auto direct = make_direct_intake(synth(40'000), kAnyHours, {});
    const auto threaded = make_threaded_intake(synth(40'000), kAnyHours, {});
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // its queue is full by now
    const std::vector<std::string> texts = all_of(*threaded);
    CHECK(texts.size() == 40'000);
    CHECK(texts == all_of(*direct));
    Packet packet;
    CHECK(threaded->next(packet, {}) == Intake::Got::end);  // and stays there
}

TEST_CASE("from every position that a reader knows it goes on with the records behind it", "[runtime]") {
    const std::vector<std::string> whole = all_of(*make_direct_intake(synth(40'000), kAnyHours, {}));
    const auto first = make_threaded_intake(synth(40'000), kAnyHours, {});
    Packet packet;
    std::size_t taken = 0;
    std::size_t positions = 0;
    while (first->next(packet, Clock::now() + std::chrono::seconds(10)) == Intake::Got::records) {
        taken += packet.records.size();
        if (!first->has_position()) {
            continue;
        }
        ++positions;
        IntakeOptions options;
        first->save_position(options.position);
        const auto second = make_threaded_intake(synth(40'000), kAnyHours, std::move(options));
        const std::vector<std::string> rest = all_of(*second);
        CHECK_FALSE(second->from_beginning());
        CHECK(std::vector<std::string>(whole.begin() + static_cast<std::ptrdiff_t>(taken), whole.end()) == rest);
    }
    CHECK(positions >= 3);
}

TEST_CASE("files that are not those of the position are read from their beginning, so that the difference is found",
          "[runtime]") {
    const bool threaded = GENERATE(true, false);
    const auto make = threaded ? make_threaded_intake : make_direct_intake;
    const auto first = make_direct_intake(synth(1'000), kAnyHours, {});
    Packet packet;
    REQUIRE(first->next(packet, {}));
    IntakeOptions options;
    first->save_position(options.position);
    std::vector<DataSource> other = synth(1'000);
    other.front().synth->seed = 8;
    const auto second = make(other, kAnyHours, std::move(options));
    CHECK(all_of(*second).size() == 1'000);
    CHECK(second->from_beginning());
}

TEST_CASE("what is good before a bad line is handed out before its refusal", "[runtime]") {
    const TempFolder folder;
    write_text(folder / "q.csv", "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n"
                                 "1700000000000000000,NSE:X,1,1,2,1\n1700000000000000001,NSE:X,1,1,oops,1\n");
    DataSource source;
    source.file = folder / "q.csv";
    const bool threaded = GENERATE(true, false);
    const auto intake = (threaded ? make_threaded_intake : make_direct_intake)({source}, kAnyHours, {});
    Packet packet;
    REQUIRE(intake->next(packet, Clock::now() + std::chrono::seconds(10)) == Intake::Got::records);
    CHECK(packet.records.size() == 1);
    const auto refused = intake->next(packet, Clock::now() + std::chrono::seconds(10));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("q.csv:3: ") != std::string::npos);
}

TEST_CASE("a reader that waits comes back when it is woken, when time is over and when it is stopped", "[runtime]") {
    IntakeOptions options;
    options.speed = 1;  // the second record of the day is seconds away
    const auto intake = make_threaded_intake(synth(1'000), kAnyHours, std::move(options));
    Packet packet;
    const auto soon = [] { return Clock::now() + std::chrono::seconds(20); };
    while (intake->next(packet, Clock::now() + std::chrono::milliseconds(30)) == Intake::Got::records) {}
    const Clock::time_point begun = Clock::now();
    std::thread waker([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        intake->wake();
    });
    while (intake->next(packet, soon()) == Intake::Got::records) {}
    waker.join();
    intake->stop();
    while (intake->next(packet, soon()) == Intake::Got::records) {}
    CHECK(intake->next(packet, soon()) == Intake::Got::end);
    CHECK(Clock::now() - begun < std::chrono::seconds(10));
}

TEST_CASE("records that the journal has are not held back, and those behind them are", "[runtime]") {
    IntakeOptions options;
    options.speed = 1;
    options.records_known = 700;
    const auto intake = make_threaded_intake(synth(1'000), kAnyHours, std::move(options));
    Packet packet;
    std::size_t taken = 0;
    const Clock::time_point until = Clock::now() + std::chrono::milliseconds(500);
    while (Clock::now() < until) {
        const auto got = intake->next(packet, until);
        REQUIRE(got);
        taken += packet.records.size();
    }
    CHECK(taken >= 700);
    CHECK(taken < 1'000);
}

TEST_CASE("paced records are handed out when they fall due, all that are, and not one before", "[runtime]") {
    const TempFolder folder;
    std::string lines = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
    constexpr std::int64_t kStepNs = 2'000'000;
    for (std::int64_t i = 0; i < 20'000; ++i) {  // more than even a busy machine misses
        lines += std::to_string(1'700'000'000'000'000'000 + i * kStepNs) + ",NSE:X,1,1,2,1\n";
    }
    write_text(folder / "q.csv", lines);
    DataSource source;
    source.file = folder / "q.csv";
    IntakeOptions options;
    options.speed = 2;
    options.spin = std::chrono::microseconds(GENERATE(0, 200, 5'000));
    const auto intake = make_threaded_intake({source}, kAnyHours, std::move(options));
    Packet packet;
    std::vector<Clock::time_point> due;
    std::size_t together = 0;
    std::size_t waited = 0;  // for the session
    while (due.size() < 40 || together < 10 || waited < 9) {
        const auto got = intake->next(packet, Clock::now() + std::chrono::seconds(10));
        REQUIRE(got);
        REQUIRE(*got == Intake::Got::records);
        for (const FeedRecord& record : packet.records) {
            due.push_back(packet.pace.due(record.time));
            CHECK(due.back() <= Clock::now());
            CHECK(packet.received(record) == (due.back() <= packet.asked ? due.back() : packet.found));
            waited += due.back() <= packet.asked ? 1U : 0U;
        }
        together = std::max(together, packet.records.size());
        if (due.size() >= 10 && waited < 9) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));  // ten fall due meanwhile
        }
    }
    for (std::size_t i = 1; i < due.size(); ++i) {
        CHECK(due[i] - due[i - 1] == std::chrono::nanoseconds(kStepNs / 2));
    }
}

TEST_CASE("a record counts from when it was read, waited for the session, or was seen by it", "[runtime]") {
    Packet packet;
    packet.read = Clock::time_point(std::chrono::seconds(100));
    packet.asked = packet.read + std::chrono::nanoseconds(100);
    packet.found = packet.read + std::chrono::nanoseconds(500);
    packet.pace = {Time{5'000}, packet.read - std::chrono::nanoseconds(70), 10};
    const auto received = [&](std::int64_t ns) { return (packet.received({Time{ns}, {}}) - packet.read).count(); };
    CHECK(received(5'000) == 0);  // due before it was read
    CHECK(received(5'700) == 0);
    CHECK(received(5'710) == 1);  // due while the session was at work
    CHECK(received(6'700) == 100);
    CHECK(received(6'710) == 500);  // while it waited
    packet.pace = {};
    CHECK(received(6'710) == 0);
}

TEST_CASE("what is read and not due yet is not handed out after a stop", "[runtime]") {
    IntakeOptions options;
    options.speed = 1;
    const auto intake = make_threaded_intake(synth(1'000), kAnyHours, std::move(options));
    Packet packet;
    REQUIRE(intake->next(packet, Clock::now() + std::chrono::seconds(10)) == Intake::Got::records);
    CHECK(packet.records.size() < 1'000);
    intake->stop();
    CHECK(intake->next(packet, Clock::now() + std::chrono::seconds(10)) == Intake::Got::end);
    CHECK(packet.records.empty());
}

TEST_CASE("a reader that nobody takes from any more ends", "[runtime]") {
    const auto started = Clock::now();
    { const auto intake = make_threaded_intake(synth(10'000'000), kAnyHours, {}); }
    CHECK(Clock::now() - started < std::chrono::seconds(10));
}

TEST_CASE("a latency histogram's quantiles are those of its values, within a sixteenth", "[runtime]") {
    LatencyHistogram histogram;
    CHECK(histogram.quantile_ns(0.99) == 0);
    std::mt19937_64 random = random_from(17);
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t value = random() >> (34 + random() % 30);  // of every size up to 2^30
        values.push_back(value);
        histogram.add(static_cast<std::int64_t>(value));
    }
    std::ranges::sort(values);
    CHECK(histogram.count() == values.size());
    CHECK(histogram.max_ns() == values.back());
    for (const double share : {0.0001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const auto exact = values[static_cast<std::size_t>(std::max(share * 20'000 - 1, 0.0))];
        CAPTURE(share, exact);
        CHECK(histogram.quantile_ns(share) >= exact);
        CHECK(histogram.quantile_ns(share) <= exact + exact / 16 + 1);
    }
    histogram.add(-5);
    histogram.add(std::int64_t{1} << 62, 3);
    CHECK(histogram.count() == values.size() + 4);
    CHECK(histogram.quantile_ns(1) == std::uint64_t{1} << 62U);
}
