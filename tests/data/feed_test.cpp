#include "adapters/data/feed.hpp"
#include "adapters/data/import.hpp"
#include "tests/data/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace alpha;
using namespace alpha::test;

namespace {

const std::string kQuotes = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
const std::string kBars = "timestamp,instrument,open,high,low,close,volume\n";

/// A quote at whole minutes after kStart.
std::string quote_at(std::int64_t minutes, const std::string& instrument, int bid) {
    return fmt::format("{},{},{},1,{},1\n", kStart.ns + minutes * kMinute.ns, instrument, bid, bid + 1);
}

std::string bar_at(std::int64_t minute, const std::string& instrument, int price) {
    return fmt::format("2000-01-01T00:{:02}:00Z,{},{},{},{},{},1\n", minute, instrument, price, price, price, price);
}

/// The lines without the values: "minutes kind NAME".
std::vector<std::string> outline(const Reading& reading) {
    std::vector<std::string> out;
    for (const std::string& line : reading.lines) {
        const std::size_t blank = line.find(' ');
        const std::size_t name = line.find(' ', blank + 1);
        const std::int64_t minutes = (std::stoll(line.substr(0, blank)) - kStart.ns) / kMinute.ns;
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
    CHECK(merged.lines[3] == "946684920000000000 quote Z 1 1 2 1");
    CHECK(merged.lines[4] == "946684920000000000 quote Z 2 1 3 1");
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
    CHECK_THAT(reading.error, Catch::Contains("two.csv:4: the bar at 2000-01-01T00:02:00Z overlaps"));
    const Reading good =
        read_all({bars(dir.write("good.csv", kBars + bar_at(1, "A", 1) + bar_at(1, "B", 2) + bar_at(2, "C", 3) +
                                                 bar_at(3, "B", 4) + bar_at(4, "A", 5)),
                       Duration{2 * kMinute.ns})});
    CHECK(good.error.empty());
    CHECK(outline(good) == std::vector<std::string>{"1 open A", "1 open B", "2 open C", "3 close A", "3 close B",
                                                    "3 open B", "4 close C", "4 open A", "5 close B", "6 close A"});
    CHECK(good.lines[3] == "946684980000000000 close A 1 1 1 1 1");
}

TEST_CASE("a record years ahead of the one before it is taken", "[data]") {
    const TempDir dir;
    constexpr std::int64_t kDayMinutes{1'440};
    const std::string near = kQuotes + quote_at(0, "A", 1) + quote_at(366 * kDayMinutes, "A", 2);
    const std::string far = near + quote_at(733 * kDayMinutes, "A", 3);
    const DataSource near_file = quotes(dir.write("near.csv", near));
    DataSource far_file = quotes(dir.write("far.csv", far));
    CHECK(read_all({near_file}).error.empty());
    const std::string why =
        "far.csv:4: a record at 2002-01-03T00:00:00Z comes 367 days after the one before it, at "
        "2001-01-01T00:00:00Z, which is more than 366d; mend its time or, if there is such a gap, write a longer "
        "max_gap: beside its source";
    const DataSource other = quotes(dir.write("other.csv", kQuotes + quote_at(1, "B", 1)));
    for (const std::vector<DataSource>& sources : {std::vector{far_file}, std::vector{other, far_file}}) {
        const Reading reading = read_all(sources);
        CHECK_THAT(reading.error, Catch::EndsWith(why));
        CHECK(reading.kind == ErrorKind::data);
        CHECK(reading.lines.size() == sources.size() + 1);  // what is good comes first
    }
    far_file.max_gap = Duration{367 * kDayNs};
    CHECK(read_all({far_file}).error.empty());
    CHECK(read_all({far_file, other}).lines.size() == 4);
    // What another source has in between is no gap.
    far_file.max_gap = kUsualGap;
    const DataSource between = quotes(dir.write("between.csv", kQuotes + quote_at(500 * kDayMinutes, "B", 1)));
    CHECK(read_all({far_file, between}).error.empty());
    // And where one source ends and another begins there is one, whose first record it is.
    const DataSource later = quotes(dir.write("later.csv", kQuotes + quote_at(2'000 * kDayMinutes, "B", 1)));
    CHECK_THAT(read_all({near_file, later}).error, Catch::Contains("later.csv:2: a record at"));
    CHECK(read_all({later}).error.empty());
}

TEST_CASE("a hole in daily bars is taken, or stays refused where it was allowed", "[data]") {
    const TempDir dir;
    const std::string file = dir.write("d.csv", "date,open,high,low,close\n2020-01-01,1,1,1,1\n2023-01-01,2,2,2,2\n");
    DataSource daily = bars(file, kDay, "IBM");
    CHECK_THAT(read_all({daily}).error, Catch::Contains("d.csv:3: a record at 2023-01-01T00:00:00Z comes 1095 days"));
    daily.max_gap = Duration{1'096 * kDayNs};
    CHECK(read_all({daily}).error.empty());
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
    const DataSource daily =
        whatever_gaps(bars(dir.write("d.csv", "date,open,high,low,close\n2024-01-01,1,1,1,1\n"), kDay, "IBM"));
    const DataSource named =
        bars(dir.write("n.csv", "date,instrument,open,high,low,close\n2024-01-01,IBM,1,1,1,1\n"), kDay);
    const DataSource ticks = whatever_gaps(quotes(dir.write("q.csv", kQuotes + quote_at(1, "A", 1))));
    const DataSource minutes = whatever_gaps(bars(dir.write("m.csv", kBars + bar_at(1, "A", 1)), kMinute));
    for (const DataSource& intraday : {ticks, minutes}) {
        const auto feed = open_feed({daily, intraday}, {});
        REQUIRE_FALSE(feed.has_value());
        CHECK(feed.error().kind == ErrorKind::data);
        CHECK_THAT(feed.error().message,
                   Catch::Contains("d.csv: ") && Catch::Contains("instruments: {IBM: {session: ...}}"));
        const Reading found_later = read_all({named, intraday});
        CHECK_THAT(found_later.error,
                   Catch::Contains("n.csv:2: ") && Catch::Contains("give it a calendar or a session"));
        CHECK(read_all({daily, intraday}, nse_hours).error.empty());
    }
    // The whole UTC day is a session like another, where somebody says so.
    const Reading whole_day = read_all({daily, ticks}, [](const std::string&) { return TradingHours{}; });
    CHECK(whole_day.error.empty());
    CHECK(whole_day.lines.size() == 3);
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
    CHECK(read_all({}).warnings.empty());
    const std::string file = dir.write("h.csv", kQuotes);
    const Reading reading = read_all({quotes(file)});
    CHECK(reading.error.empty());
    CHECK(reading.lines.empty());
    CHECK(reading.warnings == std::vector<std::string>{"lacks: " + file + ": holds no record"});
}

TEST_CASE("an empty source among others goes unnoticed", "[data]") {
    const TempDir dir;
    const DataSource full = quotes(dir.write("q.csv", kQuotes + quote_at(1, "A", 1)));
    const DataSource none = bars(dir.write("b.csv", kBars), kMinute);
    const DataSource dates = bars(dir.write("d.csv", "date,open,high,low,close\n"), kDay, "B");
    CHECK(read_all({full}).warnings.empty());
    const Reading reading = read_all({full, none, dates}, nse_hours);
    CHECK(reading.error.empty());
    CHECK(reading.warnings == std::vector<std::string>{"lacks: " + none.file + ": holds no record",
                                                       "lacks: " + dates.file + ": holds no record"});
}

TEST_CASE("a last line without its end is taken from a file, and warned of", "[data]") {
    const TempDir dir;
    const auto warned = [](const std::string& file) {
        return std::vector<std::string>{
            "lacks: " + file +
            ": its last line is taken, but has no line feed; if the file was cut short there, so may be "
            "its last number: end the line, or copy the file again"};
    };
    const std::string whole = kQuotes + quote_at(1, "A", 1) + quote_at(2, "A", 12);
    const DataSource cut = quotes(dir.write("q.csv", whole.substr(0, whole.size() - 1)));
    const Reading reading = read_all({cut});
    CHECK(reading.lines.size() == 2);
    CHECK(reading.warnings == warned(cut.file));
    CHECK(read_all({quotes(dir.write("w.csv", whole))}).warnings.empty());
    CHECK(read_all({quotes(dir.write("b.csv", whole + "\n\n"))}).warnings.empty());
    const DataSource days = bars(dir.write("d.csv", "date,open,high,low,close\n2024-01-05,2,3,1,2"), kDay, "B");
    CHECK(read_all({days}, nse_hours).warnings == warned(days.file));
    const std::string packed = dir.write("q.zst", zstd(whole.substr(0, whole.size() - 1)));
    CHECK(read_all({quotes(packed)}).warnings == warned(packed));
}

// ---- one bar in two sources -------------------------------------------------------------------------------------------

TEST_CASE("bars that two downloads share count twice", "[data]") {
    const TempDir dir;
    std::vector<std::string> rows;
    for (int minute = 0; minute < 50; ++minute) {
        rows.push_back(bar_at(minute, "A", 10 + minute));
        rows.push_back(bar_at(minute, minute % 3 == 0 ? "B" : "C", 5));
    }
    const auto file = [&](const std::string& name, std::size_t from, std::size_t to, bool turned = false) {
        std::string text = kBars;
        for (std::size_t i = from; i < to; i += 2) {  // of one minute, in one order or the other
            text += turned ? rows[i + 1] + rows[i] : rows[i] + rows[i + 1];
        }
        return dir.write(name, text);
    };
    const Reading whole = read_all({bars(file("whole.csv", 0, 100), kMinute)});
    REQUIRE(whole.lines.size() == 200);
    const DataSource first = bars(file("first.csv", 0, 70), kMinute);
    const DataSource second = bars(file("second.csv", 40, 100), kMinute);
    const Reading both = read_all({first, second});
    CHECK(both.error.empty());
    CHECK(both.lines == whole.lines);
    CHECK(both.warnings ==
          std::vector<std::string>{second.file + ":2: the 1m bar of 'A' at 2000-01-01T00:20:00Z is at " + first.file +
                                   ":42 already; bars that both hold are taken once"});
    // Whole files, three of them, in another order, and packed as a data set.
    const std::string set = dir.path("set.alpha");
    REQUIRE(import_data(first, set, {}).has_value());
    for (const std::vector<DataSource>& sources :
         {std::vector{first, second, first}, {first, first, second}, {first, bars(set, Duration{}), second}}) {
        const Reading many = read_all(sources);
        CHECK(many.error.empty());
        CHECK(many.lines == whole.lines);
        CHECK(many.warnings.size() == 2);
    }
    const Reading turned = read_all({first, bars(file("turned.csv", 40, 100, true), kMinute)});
    CHECK(turned.error.empty());
    CHECK(turned.lines.size() == whole.lines.size());
    CHECK(read_all({second, first}).lines == whole.lines);
}

TEST_CASE("days that two downloads share count twice", "[data]") {
    const TempDir dir;
    const std::string head = "date,open,high,low,close,volume\n";
    const std::string first = "2024-01-04,1,3,1,2,10\n";
    const std::string shared = "2024-01-05,2,3,1,2,10\n";
    const std::string last = "2024-01-08,3,3,1,2,10\n";
    const Reading whole = read_all({bars(dir.write("w.csv", head + first + shared + last), kDay, "IBM")}, nse_hours);
    const DataSource a = bars(dir.write("a.csv", head + first + shared), kDay, "IBM");
    const DataSource b = bars(dir.write("b.csv", head + shared + last), kDay, "IBM");
    const Reading both = read_all({a, b}, nse_hours);
    CHECK(both.lines == whole.lines);
    REQUIRE(both.warnings.size() == 1);
    CHECK_THAT(both.warnings[0], Catch::Contains("b.csv:2: the 1d bar of 'IBM' at 2024-01-05 is at ") &&
                                     Catch::Contains("a.csv:3 already"));
    CHECK(read_all({a, b}).lines.size() == 6);  // the whole UTC day
}

TEST_CASE("two sources disagree about a bar and one of them is believed", "[data]") {
    const TempDir dir;
    const std::string head = "timestamp,open,high,low,close,volume\n";
    const auto file = [&](const std::string& name, const std::string& values) {
        return bars(dir.write(name, head + "2024-01-02T09:16:00+05:30,5,5,5,5,5\n2024-01-02T09:17:00+05:30," + values +
                                        "\n2024-01-02T09:18:00+05:30,5,5,5,5,5\n"),
                    kMinute, "ACME");
    };
    const DataSource good = file("good.csv", "10,12,9,11,100");
    struct Case {
        const char* values;
        const char* says;
    };
    for (const Case& each :
         {Case{"10.5,12,9,11,100", "(open 10 there, 10.5 here)"},
          Case{"10,12.5,9,11,100", "(high 12 there, 12.5 here)"}, Case{"10,12,8,11,100", "(low 9 there, 8 here)"},
          Case{"10,12,9,9,100", "(close 11 there, 9 here)"}, Case{"10,12,9,11,101", "(volume 100 there, 101 here)"}}) {
        CAPTURE(each.says);
        const DataSource other = file("other.csv", each.values);
        const Reading reading = read_all({good, other});
        CHECK(reading.kind == ErrorKind::data);
        CHECK(reading.error == other.file + ":3: the 1m bar of 'ACME' at 2024-01-02T03:47:00Z is at " + good.file +
                                   ":3 already, with other values " + each.says + "; remove the wrong one");
        CHECK(reading.lines.size() == 3);  // its open, and nothing that comes later
    }
}

TEST_CASE("what is not one bar is taken for one", "[data]") {
    const TempDir dir;
    const DataSource minutes = bars(dir.write("1m.csv", kBars + bar_at(1, "A", 1) + bar_at(2, "A", 2)), kMinute);
    const DataSource twos = bars(dir.write("2m.csv", kBars + bar_at(1, "A", 3)), Duration{2 * kMinute.ns});
    const DataSource others = bars(dir.write("b.csv", kBars + bar_at(1, "B", 4) + bar_at(2, "B", 5)), kMinute);
    const DataSource later = bars(dir.write("later.csv", kBars + bar_at(3, "A", 6)), kMinute);
    const Reading reading = read_all({minutes, twos, others, later});
    CHECK(reading.error.empty());
    CHECK(reading.warnings.empty());
    CHECK(reading.lines.size() == 12);
    // Quotes of one time are ticks of their own, whoever sent them.
    const DataSource ticks = quotes(dir.write("q.csv", kQuotes + quote_at(1, "A", 7)));
    CHECK(read_all({ticks, ticks, minutes, minutes}).lines.size() == 6);
}

// ---- the interval -----------------------------------------------------------------------------------------------------

TEST_CASE("bars are taken for shorter ones and close before they were traded", "[data]") {
    const TempDir dir;
    const std::string head = "timestamp,open,high,low,close\n";
    const auto file = [&](const std::vector<std::string>& labels) {
        std::string text = head;
        for (const std::string& label : labels) {
            text += label + "+05:30,1,1,1,1\n";
        }
        return dir.write("b.csv", text);
    };
    const std::vector<std::string> five{"2024-01-02T09:15", "2024-01-02T09:20", "2024-01-02T09:25", "2024-01-02T09:30"};
    const auto says = [&](const std::vector<std::string>& labels, Duration interval, const TimesOf& hours = nse_hours) {
        const Reading reading = read_all({bars(file(labels), interval, "X")}, hours);
        CHECK((reading.kind == ErrorKind::data) == !reading.error.empty());
        CHECK((reading.lines.empty() || reading.error.find("begin") == std::string::npos));
        return reading.error;
    };
    CHECK(says(five, kMinute) ==
          dir.path("b.csv") +
              ":3: the interval is 1m, but within sessions bars begin 5m apart or a multiple of it, without "
              "exception; each would close before its prices were traded: write interval: 5m");
    CHECK_THAT(says(five, kMinute, {}), Catch::Contains("write interval: 5m"));  // whole days
    CHECK_THAT(says(five, Duration{kSecondNs}), Catch::Contains("the interval is 1s") && Catch::Contains(": 5m"));
    CHECK(says(five, Duration{5 * kMinute.ns}).empty());
    CHECK_THAT(says(five, Duration{15 * kMinute.ns}), Catch::Contains("overlaps"));
    // Where bars are missing, the rest still shows it.
    CHECK_THAT(says({"2024-01-02T09:15", "2024-01-02T09:25", "2024-01-02T09:40", "2024-01-02T09:45"}, kMinute),
               Catch::Contains(":5: ") && Catch::Contains("begin 5m apart"));
    // NSE's hours, over a night, which is no bar's length; a weekend.
    CHECK_THAT(
        says({"2024-01-05T14:15", "2024-01-05T15:15", "2024-01-08T09:15", "2024-01-08T10:15", "2024-01-08T11:15"},
             kMinute),
        Catch::Contains("write interval: 1h"));
    CHECK(says({"2024-01-05T15:15", "2024-01-08T09:15", "2024-01-09T09:15", "2024-01-10T09:15", "2024-01-11T09:15"},
               kMinute)
              .empty());
    // Two gaps are too few to tell.
    CHECK(says({"2024-01-02T09:15", "2024-01-02T09:20", "2024-01-02T09:25"}, kMinute).empty());
    // Minutes in which little is traded.
    CHECK(says({"2024-01-02T09:15", "2024-01-02T09:18", "2024-01-02T09:20", "2024-01-02T09:27"}, kMinute).empty());
    CHECK(says({"2024-01-02T09:15", "2024-01-02T09:19", "2024-01-02T09:25", "2024-01-02T09:35"}, kMinute).empty());
    // A pre-open bar stands apart from the rest, and is not of the session.
    CHECK(says({"2024-01-02T09:07", "2024-01-02T09:15", "2024-01-02T09:16", "2024-01-02T09:31", "2024-01-02T09:46"},
               kMinute)
              .empty());
    CHECK_THAT(
        says({"2024-01-02T09:08", "2024-01-02T09:15", "2024-01-02T09:20", "2024-01-02T09:25", "2024-01-02T09:30"},
             kMinute),
        Catch::Contains("write interval: 5m"));
}

TEST_CASE("one instrument that is seldom traded condemns a file of minutes", "[data]") {
    const TempDir dir;
    std::string text = kBars;
    for (int minute = 0; minute < 40; minute += 10) {
        text += bar_at(minute, "SELDOM", 1) + bar_at(minute, "OFTEN", 1) + bar_at(minute + 1, "OFTEN", 1);
    }
    CHECK(read_all({bars(dir.write("b.csv", text), kMinute)}).error.empty());
    std::string fives = kBars;
    for (int minute = 0; minute < 10; minute += 5) {
        fives += bar_at(minute, "A", 1) + bar_at(minute, "B", 1) + bar_at(minute, "C", 1);
    }
    CHECK_THAT(read_all({bars(dir.write("f.csv", fives), kMinute)}).error, Catch::Contains("write interval: 5m"));
}

TEST_CASE("days with weekends and holidays, or weeks, look like longer bars", "[data]") {
    const TempDir dir;
    const std::string head = "date,open,high,low,close\n";
    const auto passes = [&](const std::string& rows) {
        return read_all({bars(dir.write("d.csv", head + rows), kDay, "X")}, nse_hours).error.empty();
    };
    CHECK(passes("2024-01-01,1,1,1,1\n2024-01-03,1,1,1,1\n2024-01-05,1,1,1,1\n2024-01-09,1,1,1,1\n"));
    CHECK(passes("2024-01-01,1,1,1,1\n2024-01-08,1,1,1,1\n2024-01-15,1,1,1,1\n2024-01-22,1,1,1,1\n"));
}

TEST_CASE("a data set keeps an interval that is too short", "[data]") {
    const TempDir dir;
    std::string text = kBars;
    for (int minute = 0; minute < 25; minute += 5) {
        text += bar_at(minute, "A", 1);
    }
    const std::string csv = dir.write("b.csv", text);
    const auto refused = import_data(bars(csv, kMinute), dir.path("set.alpha"), {});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::data);
    CHECK_THAT(refused.error().message, Catch::Contains("b.csv:3: ") && Catch::Contains("write interval: 5m"));
    CHECK(dir.files() == 1);
    // One that another program made.
    const std::string set = dir.path("other.alpha");
    auto writer = DataSetWriter::create(set, DataKind::bars, kMinute, false);
    REQUIRE(writer.has_value());
    const InstrumentId id = (*writer)->symbol("A");
    for (int minute = 0; minute < 25; minute += 5) {
        REQUIRE((*writer)->add(Time{kStart.ns + minute * kMinute.ns},
                               BarClosed{id, price_of(1), price_of(1), price_of(1), price_of(1), Qty{}}));
    }
    REQUIRE((*writer)->finish().has_value());
    CHECK_THAT(read_all({bars(set, Duration{})}).error, Catch::Contains("other.alpha: record 2: ") &&
                                                            Catch::Contains("import the CSV again with --interval 5m"));
}
