#include "adapters/data/feed.hpp"
#include "tests/data/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace alpha;
using namespace alpha::test;

namespace {

const std::string kQuotes = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
const std::string kBars = "timestamp,instrument,open,high,low,close,volume\n";

/// A quote at whole minutes after 1970.
std::string quote_at(std::int64_t minutes, const std::string& instrument, int bid) {
    return fmt::format("{},{},{},1,{},1\n", minutes * kMinute.ns, instrument, bid, bid + 1);
}

std::string bar_at(std::int64_t minute, const std::string& instrument, int price) {
    return fmt::format("1970-01-01T00:{:02}:00Z,{},{},{},{},{},1\n", minute, instrument, price, price, price, price);
}

/// The lines without the values: "minutes kind NAME".
std::vector<std::string> outline(const Reading& reading) {
    std::vector<std::string> out;
    for (const std::string& line : reading.lines) {
        const std::size_t blank = line.find(' ');
        const std::size_t name = line.find(' ', blank + 1);
        const std::int64_t minutes = std::stoll(line.substr(0, blank)) / kMinute.ns;
        out.push_back(std::to_string(minutes) + line.substr(blank, line.find(' ', name + 1) - blank));
    }
    return out;
}

}  // namespace

TEST_CASE("records of one time leave in an order that depends on chance", "[data]") {
    const TempDir dir;
    const DataSource bar_file = bars(dir.write("b.csv", kBars + bar_at(1, "B", 10) + bar_at(2, "B", 11)), kMinute);
    const DataSource first = quotes(dir.write("q1.csv", kQuotes + quote_at(2, "Z", 1) + quote_at(2, "Z", 2)));
    const DataSource second =
        quotes(dir.write("q2.csv", kQuotes + quote_at(1, "A", 7) + quote_at(2, "A", 3) + quote_at(3, "A", 4)));
    const Reading merged = read_all({bar_file, first, second});
    CHECK(merged.error.empty());
    CHECK(outline(merged) == std::vector<std::string>{"1 quote A", "1 open B", "2 close B", "2 quote Z", "2 quote Z",
                                                      "2 quote A", "2 open B", "3 close B", "3 quote A"});
    CHECK(merged.lines[3] == "120000000000 quote Z 1 1 2 1");
    CHECK(merged.lines[4] == "120000000000 quote Z 2 1 3 1");
    CHECK(outline(read_all({second, bar_file, first})) ==
          std::vector<std::string>{"1 quote A", "1 open B", "2 close B", "2 quote A", "2 quote Z", "2 quote Z",
                                   "2 open B", "3 close B", "3 quote A"});
}

TEST_CASE("symbols are numbered by what a source read ahead instead of by the merged records", "[data]") {
    const TempDir dir;
    const DataSource late = quotes(dir.write("late.csv", kQuotes + quote_at(5, "LATE", 1) + quote_at(6, "BOTH", 1)));
    const DataSource early = quotes(
        dir.write("early.csv", kQuotes + quote_at(1, "EARLY", 1) + quote_at(7, "BOTH", 1) + quote_at(8, "LAST", 1)));
    CHECK(read_all({late, early}).symbols == std::vector<std::string>{"EARLY", "LATE", "BOTH", "LAST"});
    CHECK(read_all({early, late}).symbols == std::vector<std::string>{"EARLY", "LATE", "BOTH", "LAST"});
}

TEST_CASE("bars of several instruments in one file leave out of order", "[data]") {
    const TempDir dir;
    const Reading reading =
        read_all({bars(dir.write("two.csv", kBars + bar_at(1, "A", 1) + bar_at(1, "B", 2) + bar_at(2, "B", 3) +
                                                bar_at(2, "A", 4) + bar_at(5, "A", 5)),
                       Duration{2 * kMinute.ns})});
    CHECK_THAT(reading.error, Catch::Contains("two.csv:4: the bar at 1970-01-01T00:02:00Z overlaps"));
    const Reading good =
        read_all({bars(dir.write("good.csv", kBars + bar_at(1, "A", 1) + bar_at(1, "B", 2) + bar_at(2, "C", 3) +
                                                 bar_at(3, "B", 4) + bar_at(4, "A", 5)),
                       Duration{2 * kMinute.ns})});
    CHECK(good.error.empty());
    CHECK(outline(good) == std::vector<std::string>{"1 open A", "1 open B", "2 open C", "3 close A", "3 close B",
                                                    "3 open B", "4 close C", "4 open A", "5 close B", "6 close A"});
    CHECK(good.lines[3] == "180000000000 close A 1 1 1 1 1");
}

TEST_CASE("a pre-open bar before a gap is refused", "[data]") {
    const TempDir dir;
    const Reading reading = read_all(
        {bars(dir.write("n.csv", kBars + bar_at(7, "N", 1) + bar_at(15, "N", 2) + bar_at(16, "N", 2)), kMinute)});
    CHECK(reading.error.empty());
    CHECK(outline(reading) ==
          std::vector<std::string>{"7 open N", "8 close N", "15 open N", "16 close N", "16 open N", "17 close N"});
}

TEST_CASE("a date-only bar opens and closes elsewhere than its session", "[data]") {
    const TempDir dir;
    const std::string file =
        dir.write("d.csv", "date,open,high,low,close,volume\n2024-01-01,1,3,1,2,10\n2024-01-02,2,3,1,2,10\n");
    const std::int64_t day = 19'723 * kDayNs;
    CHECK(read_all({bars(file, kDay, "IBM")}).lines ==
          std::vector<std::string>{
              fmt::format("{} open IBM 1", day), fmt::format("{} close IBM 1 3 1 2 10", day + kDayNs),
              fmt::format("{} open IBM 2", day + kDayNs), fmt::format("{} close IBM 2 3 1 2 10", day + 2 * kDayNs)});
    const std::int64_t open = day + std::int64_t{225} * kMinute.ns;  // 09:15 IST
    const std::int64_t close = day + std::int64_t{600} * kMinute.ns;
    CHECK(read_all({bars(file, kDay, "IBM")}, nse_hours).lines ==
          std::vector<std::string>{fmt::format("{} open IBM 1", open), fmt::format("{} close IBM 1 3 1 2 10", close),
                                   fmt::format("{} open IBM 2", open + kDayNs),
                                   fmt::format("{} close IBM 2 3 1 2 10", close + kDayNs)});
}

TEST_CASE("dates of exchanges around the world in one file leave out of order", "[data]") {
    const TempDir dir;
    const std::string file =
        dir.write("w.csv", "date,instrument,open,high,low,close\n2024-01-01,US,1,1,1,1\n2024-01-01,NZ,2,2,2,2\n"
                           "2024-01-02,US,3,3,3,3\n2024-01-02,NZ,4,4,4,4\n");
    const auto hours = [](const std::string& name) {
        return name == "US" ? TradingHours{-10 * 3'600, 9 * 3'600, 23 * 3'600}
                            : TradingHours{13 * 3'600, 9 * 3'600, 17 * 3'600};
    };
    const Reading reading = read_all({bars(file, kDay)}, hours);
    CHECK(reading.error.empty());
    CHECK(reading.symbols == std::vector<std::string>{"NZ", "US"});
    std::vector<std::int64_t> times;
    times.reserve(reading.lines.size());
    for (const std::string& line : reading.lines) {
        times.push_back(std::stoll(line));
    }
    CHECK(times.size() == 8);
    CHECK(std::is_sorted(times.begin(), times.end()));
}

TEST_CASE("dates without a session are mixed with times of day", "[data]") {
    const TempDir dir;
    const DataSource daily = bars(dir.write("d.csv", "date,open,high,low,close\n2024-01-01,1,1,1,1\n"), kDay, "IBM");
    const DataSource named =
        bars(dir.write("n.csv", "date,instrument,open,high,low,close\n2024-01-01,IBM,1,1,1,1\n"), kDay);
    const DataSource ticks = quotes(dir.write("q.csv", kQuotes + quote_at(1, "A", 1)));
    const DataSource minutes = bars(dir.write("m.csv", kBars + bar_at(1, "A", 1)), kMinute);
    for (const DataSource& intraday : {ticks, minutes}) {
        const auto feed = open_feed({daily, intraday}, {});
        REQUIRE_FALSE(feed.has_value());
        CHECK(feed.error().kind == ErrorKind::data);
        CHECK_THAT(feed.error().message,
                   Catch::Contains("d.csv: ") && Catch::Contains("instruments: {IBM: {session: ...}}"));
        const Reading found_later = read_all({named, intraday});
        CHECK_THAT(found_later.error, Catch::Contains("n.csv:2: ") && Catch::Contains("give it a session"));
        CHECK(read_all({daily, intraday}, nse_hours).error.empty());
    }
    CHECK(read_all({daily, named}).error.empty());
}

TEST_CASE("a session that no exchange could have breaks the order of bars", "[data]") {
    const TempDir dir;
    const DataSource daily = bars(dir.write("d.csv", "date,open,high,low,close\n2024-01-01,1,1,1,1\n"), kDay, "IBM");
    for (const TradingHours& hours : {TradingHours{90'000, 0, 100}, TradingHours{0, 100, 100}, TradingHours{0, -1, 100},
                                      TradingHours{0, 0, 86'401}}) {
        CHECK_THAT(read_all({daily}, [&](const std::string&) { return hours; }).error,
                   Catch::Contains("mend its session"));
    }
}

TEST_CASE("the merge of long sources loses, repeats or reorders records", "[data]") {
    const TempDir dir;
    std::vector<DataSource> sources;
    std::size_t records = 0;
    for (int s = 0; s < 5; ++s) {
        std::string text = kQuotes;
        for (int i = 0; i < 700 + 300 * s; ++i) {
            text += quote_at(i * (s + 1) / 3, fmt::format("S{}", s), i + 1);
            ++records;
        }
        sources.push_back(quotes(dir.write(fmt::format("s{}.csv", s), text)));
    }
    const Reading merged = read_all(sources);
    CHECK(merged.error.empty());
    REQUIRE(merged.lines.size() == records);
    // Independent of the merge: gather everything and sort it stably by time, sources in their
    // order.
    std::vector<std::string> expected;
    for (const DataSource& source : sources) {
        const Reading alone = read_all({source});
        expected.insert(expected.end(), alone.lines.begin(), alone.lines.end());
    }
    std::stable_sort(expected.begin(), expected.end(),
                     [](const std::string& a, const std::string& b) { return std::stoll(a) < std::stoll(b); });
    CHECK(merged.lines == expected);
}

TEST_CASE("one bad source hides the good records of the merge before it", "[data]") {
    const TempDir dir;
    const DataSource good =
        quotes(dir.write("g.csv", kQuotes + quote_at(1, "A", 1) + quote_at(3, "A", 2) + quote_at(9, "A", 3)));
    const DataSource bad =
        quotes(dir.write("b.csv", kQuotes + quote_at(2, "B", 1) + quote_at(4, "B", 2) + "rubbish\n"));
    const Reading reading = read_all({good, bad});
    CHECK(outline(reading) == std::vector<std::string>{"1 quote A", "2 quote B", "3 quote A", "4 quote B"});
    CHECK_THAT(reading.error, Catch::Contains("b.csv:4: "));
}

TEST_CASE("progress runs past its end or never reaches it", "[data]") {
    const TempDir dir;
    std::string text = kQuotes;
    for (int i = 1; i < 20'000; ++i) {
        text += quote_at(i, "A", i);
    }
    const std::string packed = zstd(text);
    const auto feed = open_feed({quotes(dir.write("p.csv", text)), quotes(dir.write("p.zst", packed))}, {});
    REQUIRE(feed.has_value());
    std::uint64_t last = 0;
    while (true) {
        const auto records = (*feed)->next();
        REQUIRE(records.has_value());
        const FeedProgress now = (*feed)->progress();
        REQUIRE(now.total == text.size() + packed.size());
        REQUIRE(now.done >= last);
        REQUIRE(now.done <= now.total);
        last = now.done;
        if (records->empty()) {
            break;
        }
    }
    CHECK(last == text.size() + packed.size());
}

TEST_CASE("no sources, or a header alone, is not an empty feed", "[data]") {
    const TempDir dir;
    CHECK(read_all({}).error.empty());
    const Reading reading = read_all({quotes(dir.write("h.csv", kQuotes))});
    CHECK(reading.error.empty());
    CHECK(reading.lines.empty());
}
