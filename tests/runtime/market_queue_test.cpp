#include "runtime/market_queue.hpp"
#include "tests/runtime/support.hpp"
#include "tests/virtual_clock.hpp"

#include <catch2/catch.hpp>
#include <thread>

using namespace alpha;
using namespace alpha::runtime_test;
using alpha::test::TakesPart;
using alpha::test::VirtualClock;

namespace {

constexpr Clock::TimePoint kForEver = Clock::TimePoint::max();

/// A session in virtual time, and a market queue that does not spin.
struct Virtual {
    VirtualClock clock{Time{1'700'000'000 * kSecondNs}};
    TakesPart session{clock};
    MarketQueueOptions options(std::uint32_t speed) {
        MarketQueueOptions options;
        options.clock = &clock;
        options.speed = speed;
        options.spin = std::chrono::nanoseconds(0);
        return options;
    }
};

const TimesOf kAnyHours = [](const std::string&) { return TradingHours{}; };

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

std::vector<std::string> all_of(MarketQueue& queue) {
    std::vector<std::string> texts;
    MarketBatch batch;
    for (;;) {
        const auto got = queue.next(batch, kForEver);
        REQUIRE(got);
        REQUIRE(*got != MarketQueue::Got::nothing);
        if (*got == MarketQueue::Got::end) {
            return texts;
        }
        for (const FeedRecord& record : batch.records) {
            texts.push_back(text_of(record, *batch.symbols));
        }
    }
}

}  // namespace

TEST_CASE("a reader on its own thread hands out what a direct one does, however slowly it is taken", "[runtime]") {
    Virtual at;
    const auto direct = make_direct_market_queue(synth(40'000), kAnyHours, {});
    const auto threaded = make_threaded_market_queue(synth(40'000), kAnyHours, at.options(0));
    test::sleep(at.clock, std::chrono::seconds(1));  // its queue is full by now
    const std::vector<std::string> texts = all_of(*threaded);
    CHECK(texts.size() == 40'000);
    CHECK(texts == all_of(*direct));
    MarketBatch batch;
    CHECK(threaded->next(batch, {}) == MarketQueue::Got::end);  // and stays there
}

TEST_CASE("from every position that a reader knows it goes on with the records behind it", "[runtime]") {
    const std::vector<std::string> whole = all_of(*make_direct_market_queue(synth(40'000), kAnyHours, {}));
    const auto first = make_threaded_market_queue(synth(40'000), kAnyHours, {});
    MarketBatch batch;
    std::size_t taken = 0;
    std::size_t positions = 0;
    while (first->next(batch, kForEver) == MarketQueue::Got::records) {
        taken += batch.records.size();
        if (!first->has_position()) {
            continue;
        }
        ++positions;
        MarketQueueOptions options;
        first->save_position(options.position);
        const auto second = make_threaded_market_queue(synth(40'000), kAnyHours, std::move(options));
        const std::vector<std::string> rest = all_of(*second);
        CHECK_FALSE(second->from_beginning());
        CHECK(std::vector<std::string>(whole.begin() + static_cast<std::ptrdiff_t>(taken), whole.end()) == rest);
    }
    CHECK(positions >= 3);
}

TEST_CASE("files that are not those of the position are read from their beginning, so that the difference is found",
          "[runtime]") {
    const bool threaded = GENERATE(true, false);
    const auto make = threaded ? make_threaded_market_queue : make_direct_market_queue;
    const auto first = make_direct_market_queue(synth(1'000), kAnyHours, {});
    MarketBatch batch;
    REQUIRE(first->next(batch, {}));
    MarketQueueOptions options;
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
    const auto queue = (threaded ? make_threaded_market_queue : make_direct_market_queue)({source}, kAnyHours, {});
    MarketBatch batch;
    REQUIRE(queue->next(batch, kForEver) == MarketQueue::Got::records);
    CHECK(batch.records.size() == 1);
    const auto refused = queue->next(batch, kForEver);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("q.csv:3: ") != std::string::npos);
}

TEST_CASE("a reader that waits comes back when it is woken, when time is over and when it is stopped", "[runtime]") {
    Virtual at;
    const auto queue = make_threaded_market_queue(synth(1'000), kAnyHours, at.options(1));
    MarketBatch batch;
    // The second record of the day is seconds away.
    while (queue->next(batch, kForEver) != MarketQueue::Got::records) {}
    const Clock::TimePoint until = at.clock.now() + std::chrono::milliseconds(30);
    REQUIRE(queue->next(batch, until) == MarketQueue::Got::nothing);
    CHECK(at.clock.now() == until);

    const std::jthread waker = start_thread(at.clock, [&] {
        test::sleep(at.clock, std::chrono::milliseconds(5));
        queue->wake();
    });
    REQUIRE(queue->next(batch, kForEver) == MarketQueue::Got::nothing);
    CHECK(at.clock.now() == until + std::chrono::milliseconds(5));

    queue->stop();
    CHECK(queue->next(batch, kForEver) == MarketQueue::Got::end);
    CHECK(at.clock.now() == until + std::chrono::milliseconds(5));
}

TEST_CASE("records that the journal has are not held back, and those behind them are", "[runtime]") {
    Virtual at;
    MarketQueueOptions options = at.options(1);
    options.records_known = 700;
    const auto queue = make_threaded_market_queue(synth(1'000), kAnyHours, std::move(options));
    MarketBatch batch;
    std::size_t taken = 0;
    const Clock::TimePoint begun = at.clock.now();
    Time last{};
    while (taken < 700) {
        REQUIRE(queue->next(batch, kForEver) == MarketQueue::Got::records);
        taken += batch.records.size();
        last = batch.records.back().time;
    }
    CHECK(taken == 700);
    CHECK(at.clock.now() == begun);
    // From the first one behind them on, time passes as it was recorded.
    std::vector<Time> times;
    std::vector<Clock::TimePoint> seen;
    while (taken < 1'000) {
        if (queue->next(batch, kForEver) == MarketQueue::Got::nothing) {
            continue;
        }
        taken += batch.records.size();
        times.push_back(batch.records.back().time);
        seen.push_back(at.clock.now());
    }
    REQUIRE(times.size() > 100);
    CHECK(times.front() >= last);
    for (std::size_t i = 1; i < times.size(); ++i) {
        CHECK(std::chrono::nanoseconds(seen[i] - seen[0]).count() == (times[i] - times[0]).ns);
    }
}

TEST_CASE("paced records are handed out when they fall due, all that are, and not one before", "[runtime]") {
    const TempFolder folder;
    std::string lines = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
    constexpr std::int64_t kStepNs = 2'000'000;
    for (std::int64_t i = 0; i < 2'000; ++i) {
        lines += std::to_string(1'700'000'000'000'000'000 + i * kStepNs) + ",NSE:X,1,1,2,1\n";
    }
    write_text(folder / "q.csv", lines);
    DataSource source;
    source.file = folder / "q.csv";
    Virtual at;
    const auto queue = make_threaded_market_queue({source}, kAnyHours, at.options(2));
    MarketBatch batch;
    std::vector<Clock::TimePoint> due;
    std::vector<std::size_t> together;
    while (due.size() < 100) {
        const auto got = queue->next(batch, kForEver);
        REQUIRE(got);
        if (*got == MarketQueue::Got::nothing) {
            continue;
        }
        for (const FeedRecord& record : batch.records) {
            due.push_back(batch.pace.due(record.time));
            CHECK(due.back() <= at.clock.now());
            CHECK(batch.received(record) == (due.back() <= batch.asked ? due.back() : batch.found));
        }
        CHECK(due.back() + std::chrono::nanoseconds(kStepNs / 2) > at.clock.now());  // none is kept back
        together.push_back(batch.records.size());
        if (due.size() == 50) {
            test::sleep(at.clock, std::chrono::milliseconds(10));  // ten fall due meanwhile
        }
    }
    CHECK(std::ranges::count(together, 10U) == 1);
    CHECK(std::ranges::count(together, 1U) == 90);
    for (std::size_t i = 1; i < due.size(); ++i) {
        CHECK(due[i] - due[i - 1] == std::chrono::nanoseconds(kStepNs / 2));
    }
}

TEST_CASE("in a silence it is known how far time has come, and no farther than the next record", "[runtime]") {
    const TempFolder folder;
    const std::int64_t begin = 1'700'000'000 * kSecondNs;
    write_text(folder / "q.csv", "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n" + std::to_string(begin) +
                                     ",NSE:X,1,1,2,1\n" + std::to_string(begin + 60 * kSecondNs) + ",NSE:X,1,1,2,1\n");
    DataSource source;
    source.file = folder / "q.csv";
    Virtual at;
    const auto queue = make_threaded_market_queue({source}, kAnyHours, at.options(10));
    MarketBatch batch;
    CHECK(queue->passed() == kBeforeAll);
    while (queue->next(batch, kForEver) != MarketQueue::Got::records) {}
    const Clock::TimePoint first = at.clock.now();
    REQUIRE(queue->next(batch, first + std::chrono::seconds(2)) == MarketQueue::Got::nothing);
    CHECK(queue->passed() == Time{begin + 20 * kSecondNs});
    // What is due at 30 s has passed a moment after it, when it can no longer be told from what came before.
    CHECK(queue->passes(Time{begin + 30 * kSecondNs}) == first + std::chrono::seconds(3) + std::chrono::nanoseconds(1));
    REQUIRE(queue->next(batch, queue->passes(Time{begin + 30 * kSecondNs})) == MarketQueue::Got::nothing);
    CHECK(queue->passed() > Time{begin + 30 * kSecondNs});
    CHECK(queue->passes(Time{begin + 60 * kSecondNs}) == kForEver);  // that record comes first
    CHECK(queue->passes(kNever) == kForEver);
    test::sleep(at.clock, std::chrono::seconds(30));
    CHECK(queue->passed() == Time{begin + 60 * kSecondNs});
    REQUIRE(queue->next(batch, kForEver) == MarketQueue::Got::records);
    CHECK(queue->passed() == kBeforeAll);  // who knows what comes next
}

TEST_CASE("time in a silence is known at every speed, however long the session lasts", "[runtime]") {
    Virtual at;
    const auto queue = make_threaded_market_queue(synth(1'000), kAnyHours, at.options(4'000'000'000));
    MarketBatch batch;
    while (queue->next(batch, kForEver) != MarketQueue::Got::records) {}
    const Clock::TimePoint soon = at.clock.now() + std::chrono::nanoseconds(1);
    REQUIRE(queue->next(batch, at.clock.now()) == MarketQueue::Got::nothing);
    const Time before = queue->passed();
    test::sleep(at.clock, soon);
    test::sleep(at.clock, std::chrono::hours(24));
    CHECK(queue->passed() > before);  // the next record's
    REQUIRE(queue->next(batch, kForEver) == MarketQueue::Got::records);
}

TEST_CASE("no clock runs for data that come as fast as they are read", "[runtime]") {
    const bool threaded = GENERATE(true, false);
    const auto queue = (threaded ? make_threaded_market_queue : make_direct_market_queue)(synth(100), kAnyHours, {});
    MarketBatch batch;
    REQUIRE(queue->next(batch, kForEver) == MarketQueue::Got::records);
    CHECK(queue->passed() == kBeforeAll);
    CHECK(queue->passes(Time{1}) == kForEver);
}

TEST_CASE("a record counts from when it was read, waited for the session, or was seen by it", "[runtime]") {
    MarketBatch batch;
    batch.read = Clock::TimePoint(std::chrono::seconds(100));
    batch.asked = batch.read + std::chrono::nanoseconds(100);
    batch.found = batch.read + std::chrono::nanoseconds(500);
    batch.pace = {Time{5'000}, batch.read - std::chrono::nanoseconds(70), 10};
    const auto received = [&](std::int64_t ns) { return (batch.received({Time{ns}, {}}) - batch.read).count(); };
    CHECK(received(5'000) == 0);  // due before it was read
    CHECK(received(5'700) == 0);
    CHECK(received(5'710) == 1);  // due while the session was at work
    CHECK(received(6'700) == 100);
    CHECK(received(6'710) == 500);  // while it waited
    batch.pace = {};
    CHECK(received(6'710) == 0);
}

TEST_CASE("what is read and not due yet is not handed out after a stop", "[runtime]") {
    Virtual at;
    const auto queue = make_threaded_market_queue(synth(1'000), kAnyHours, at.options(1));
    MarketBatch batch;
    while (queue->next(batch, kForEver) != MarketQueue::Got::records) {}
    CHECK(batch.records.size() < 1'000);
    queue->stop();
    CHECK(queue->next(batch, kForEver) == MarketQueue::Got::end);
    CHECK(batch.records.empty());
}

TEST_CASE("a reader that nobody takes from any more ends", "[runtime]") {
    Virtual at;
    const auto queue = make_threaded_market_queue(synth(10'000'000), kAnyHours, at.options(0));
    test::sleep(at.clock, std::chrono::seconds(1));  // it waits for room
}
