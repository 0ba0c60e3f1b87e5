#include "adapters/data/synth.hpp"
#include "events/codec.hpp"
#include "store/chain.hpp"
#include "tests/data/support.hpp"
#include "tests/faults/system_calls.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>

using namespace alpha;
using namespace alpha::test;

namespace {

DataSource synth(const SynthSpec& spec) {
    DataSource source;
    source.synth = spec;
    return source;
}

/// SHA-256 of the records' canonical bytes, with the feed's own symbols as instruments.
std::string hash_of(const SynthSpec& spec) {
    const auto feed = open_feed({synth(spec)}, {});
    REQUIRE(feed.has_value());
    ByteBuffer bytes;
    for (Seq seq = 0;;) {
        const auto records = (*feed)->next();
        REQUIRE(records.has_value());
        if (records->empty()) {
            break;
        }
        for (const FeedRecord& record : *records) {
            Envelope envelope;
            envelope.seq = seq++;
            envelope.time = record.time;
            encode(bytes, envelope, std::get<QuoteTick>(record.event));
        }
    }
    return to_hex(sha256(bytes.view()));
}

struct Quote {
    Time time;
    QuoteTick tick;
};

std::vector<Quote> quotes_of(const SynthSpec& spec) {
    std::vector<Quote> out;
    const auto feed = open_feed({synth(spec)}, {});
    REQUIRE(feed.has_value());
    while (true) {
        const auto records = (*feed)->next();
        REQUIRE(records.has_value());
        if (records->empty()) {
            return out;
        }
        for (const FeedRecord& record : *records) {
            out.push_back({record.time, std::get<QuoteTick>(record.event)});
        }
    }
}

}  // namespace

TEST_CASE("a seed stands for other data than it did", "[data]") {
    SynthSpec spec;
    spec.ticks = 1'000;
    CHECK(hash_of(spec) == "a43024b6aa52577497cc32f9090aed4c28ce8ddb0575e74aea7eaa0ea9368be0");
    spec.ticks = 100'000;
    CHECK(hash_of(spec) == "21cf0bb09d1224af0bf848eb62f164dd78af01ff11c8b845f5533d3875a05e5c");
    spec.seed = 7;
    spec.instruments = {"NSE:ONE", "NSE:TWO", "NSE:THREE"};
    CHECK(hash_of(spec) == "5ac14216b51193a6cf7d704a04f4c6feac19b0aea80cb8f89934e6a1a3b71c15");
}

TEST_CASE("synthetic days look like no day at an exchange", "[data]") {
    SynthSpec spec;
    spec.ticks = 200'000;
    const std::vector<Quote> quotes = quotes_of(spec);
    REQUIRE(quotes.size() == spec.ticks);
    const TradingHours nse = nse_hours("");
    std::array<std::size_t, 3> by_spread{};
    std::map<std::int64_t, std::size_t> by_quarter_hour;
    std::array<Price, 2> least{};
    std::array<Price, 2> most{};
    Time last = kMinTime;
    for (const Quote& q : quotes) {
        REQUIRE(q.time >= last);
        last = q.time;
        REQUIRE(nse.is_open_at(q.time));
        const std::int32_t weekday = (nse.date_of(q.time).days + 4) % 7;
        REQUIRE((weekday != 0 && weekday != 6));
        REQUIRE(q.tick.bid.raw % 5'000'000 == 0);
        const std::int64_t spread = (q.tick.ask.raw - q.tick.bid.raw) / 5'000'000;
        REQUIRE((spread >= 1 && spread <= 3));
        ++by_spread[static_cast<std::size_t>(spread - 1)];
        REQUIRE(q.tick.bid_qty > Qty{0});
        REQUIRE(q.tick.ask_qty > Qty{0});
        const std::size_t i = q.tick.instrument.value;
        least.at(i) = least[i].raw == 0 ? q.tick.bid : std::min(least[i], q.tick.bid);
        most.at(i) = std::max(most[i], q.tick.ask);
        const std::int64_t since_open = q.time.ns - nse.open_on(nse.date_of(q.time)).ns;
        ++by_quarter_hour[since_open / (900 * kSecondNs)];
    }
    CHECK(std::all_of(by_spread.begin(), by_spread.end(), [](std::size_t n) { return n > 1'000; }));
    for (const std::size_t i : {0U, 1U}) {
        CHECK(least[i] > price_of(75));
        CHECK(most[i] < price_of(1'900));
        CHECK(most[i].raw > least[i].raw / 100 * 101);  // it moves at all
    }
    // Busy opens and closes, quiet noons: 25 quarters of an hour.
    CHECK(by_quarter_hour[0] > 2 * by_quarter_hour[12]);
    CHECK(by_quarter_hour[24] > 2 * by_quarter_hour[12]);
}

TEST_CASE("an instrument's synthetic data change with its neighbours", "[data]") {
    SynthSpec one;
    one.instruments = {"A"};
    one.ticks = 1'000;
    SynthSpec two = one;
    two.instruments = {"A", "B"};
    two.ticks = 2'000;
    const std::vector<Quote> alone = quotes_of(one);
    std::vector<Quote> beside;
    const auto feed = open_feed({synth(two)}, {});
    REQUIRE(feed.has_value());
    while (true) {
        const auto records = (*feed)->next();
        REQUIRE(records.has_value());
        if (records->empty()) {
            break;
        }
        for (const FeedRecord& record : *records) {
            const auto& tick = std::get<QuoteTick>(record.event);
            if ((*feed)->symbols()[tick.instrument.value] == "A") {
                beside.push_back({record.time, tick});
            }
        }
    }
    REQUIRE(beside.size() > 500);
    for (std::size_t i = 0; i < std::min(alone.size(), beside.size()); ++i) {
        REQUIRE(alone[i].time == beside[i].time);
        REQUIRE(alone[i].tick.bid == beside[i].tick.bid);
        REQUIRE(alone[i].tick.ask_qty == beside[i].tick.ask_qty);
    }
}

TEST_CASE("synthetic data written as CSV come back different", "[data]") {
    const TempDir dir;
    SynthSpec spec;
    spec.ticks = 5'000;
    spec.instruments = {"NSE:A,B", "NSE:\"C\""};
    const std::string file = dir.path("synth.csv");
    REQUIRE(write_synth_csv(spec, file).has_value());
    const Reading direct = read_all({synth(spec)});
    const Reading written = read_all({quotes(file)});
    CHECK(written.error.empty());
    CHECK(written.lines == direct.lines);
    const auto again = write_synth_csv(spec, file);
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().kind == ErrorKind::usage);
    CHECK_FALSE(write_synth_csv(spec, dir.path("synth.csv/of-a-file.csv")).has_value());
    CHECK(dir.files() == 1);
}

TEST_CASE("synthetic data are durable before they have their name, and that is after", "[data]") {
    const TempDir dir;
    SynthSpec spec;
    spec.ticks = 10;
    faults::watch_calls({.folder = std::filesystem::canonical(dir.path(".")).string()});
    REQUIRE(write_synth_csv(spec, dir.path("synth.csv")).has_value());
    const std::vector<std::string> calls = faults::end_watch();
    CHECK(std::ranges::any_of(calls, [](const auto& call) { return call.starts_with("rename "); }));
    CHECK(faults::undurable_name(calls).empty());
}

TEST_CASE("a synthetic spec that cannot be followed crashes or runs for ever", "[data]") {
    SynthSpec none;
    none.instruments.clear();
    CHECK_THAT(read_all({synth(none)}).error, Catch::Contains("at least one instrument"));
    SynthSpec twice;
    twice.instruments = {"A", "A"};
    CHECK_THAT(read_all({synth(twice)}).error, Catch::Contains("named twice"));
    SynthSpec past;
    past.first_day = Date{-62'100};
    CHECK_THAT(read_all({synth(past)}).error, Catch::Contains("first day"));
    SynthSpec late;
    late.first_day = Date{84'003};  // 2199-12-30, a Monday: two days are left
    late.ticks = 1'000'000;
    const Reading reading = read_all({synth(late)});
    CHECK(reading.kind == ErrorKind::usage);
    CHECK_THAT(reading.error, Catch::Contains("year 2200"));
    CHECK(reading.lines.size() > 10'000);
    SynthSpec zero;
    zero.ticks = 0;
    CHECK(read_all({synth(zero)}).lines.empty());
}
