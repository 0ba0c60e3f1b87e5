#include "adapters/data/import.hpp"
#include "tests/data/support.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace alpha;
using namespace alpha::test;

namespace {

/// The source's records, and those of the data set made of it, must be the same.
void check_same(const TempDir& dir, const DataSource& source, const TimesOf& hours = {}) {
    const Reading direct = read_all({source}, hours);
    REQUIRE(direct.error.empty());
    REQUIRE_FALSE(direct.lines.empty());
    const auto info = import_data(source, dir.path("set.alpha"), {});
    REQUIRE(info.has_value());
    CHECK(looks_like_data_set(dir.path("set.alpha")));
    DataSource set;
    set.file = dir.path("set.alpha");
    set.kind = source.kind;
    const Reading stored = read_all({set}, hours);
    CHECK(stored.error.empty());
    CHECK(stored.lines == direct.lines);
    CHECK(stored.symbols == direct.symbols);
    CHECK(info->kind == source.kind);
    CHECK(info->records == direct.lines.size() / (source.kind == DataKind::bars ? 2 : 1));
}

const std::string kQuotes = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";

}  // namespace

TEST_CASE("quotes trade differently through a data set", "[data]") {
    const TempDir dir;
    std::string text = kQuotes;
    for (int i = 0; i < 30'000; ++i) {
        text += fmt::format("{},N{},{}.{},{},{},{}\n", 1'381'152'600'072'000'000 + i / 2, i * i % 11, 1 + i % 900,
                            i % 10, i % 3, i % 4 == 0 ? 0 : 1 + i % 77, i);
    }
    check_same(dir, quotes(dir.write("q.csv", text)));
}

TEST_CASE("synthetic quotes trade differently through a data set", "[data]") {
    const TempDir dir;
    DataSource source;
    source.synth = SynthSpec{};
    source.synth->ticks = 5'000;
    check_same(dir, source);
}

TEST_CASE("minute bars trade differently through a data set", "[data]") {
    const TempDir dir;
    std::string text = "timestamp,instrument,open,high,low,close,volume\n";
    for (int i = 0; i < 2'000; ++i) {
        text += fmt::format("2024-01-{:02}T{:02}:{:02}:00+05:30,{},{}.5,{}.75,{}.25,{}.5,{}\n", 1 + i / 600,
                            9 + i / 2 % 300 / 60, i / 2 % 60, i % 2 == 0 ? "B" : "A", i + 1, i + 1, i + 1, i + 1, i);
    }
    check_same(dir, bars(dir.write("b.csv", text), kMinute));
}

TEST_CASE("dates trade differently through a data set, with a session or without", "[data]") {
    const TempDir first;
    const std::string text = "date,open,high,low,close,volume\n2024-01-01,1,3,1,2,10\n2024-01-02,2,"
                             "3,1,2,10\n2024-03-01,2,3,1,2,0\n";
    check_same(first, bars(first.write("d.csv", text), kDay, "IBM"));
    const TempDir second;
    check_same(second, bars(second.write("d.csv", text), kDay, "IBM"), nse_hours);
}

TEST_CASE("a bad CSV leaves a data set behind", "[data]") {
    const TempDir dir;
    const std::string late = dir.write("late.csv", kQuotes + "5,A,1,1,2,1\n4,A,1,1,2,1\n");
    const auto backwards = import_data(quotes(late), dir.path("set.alpha"), {});
    REQUIRE_FALSE(backwards.has_value());
    CHECK(backwards.error().kind == ErrorKind::data);
    CHECK_THAT(backwards.error().message, Catch::Contains("late.csv:3: "));
    const std::string overlap = dir.write("overlap.csv", "timestamp,open,high,low,close\n2024-01-01T00:00:00Z,1,1,1,"
                                                         "1\n2024-01-01T00:00:30Z,1,1,1,1\n");
    CHECK_THAT(import_data(bars(overlap, kMinute, "A"), dir.path("set.alpha"), {}).error().message,
               Catch::Contains("overlap.csv:3: "));
    CHECK_FALSE(import_data(quotes(dir.path("nowhere.csv")), dir.path("set.alpha"), {}).has_value());
    CHECK(dir.files() == 2);
}

TEST_CASE("a CSV is told to hold something else than the data set made of it", "[data]") {
    const std::string minutes = "2024-01-02T09:15:00+05:30,1,1,1,1\n2024-01-02T09:16:00+05:30,1,1,1,1\n";
    struct Case {
        std::string name;
        std::string text;
        std::string interval;  ///< guessed; of quotes: empty
        std::string first;
        std::string last;
    };
    const std::string head = "timestamp,open,high,low,close\n";
    const std::vector<Case> cases{
        {"quotes.csv", kQuotes + "1381152600072000000,B,1,1,2,1\n1381152600073000000,A,1,1,2,1\n", "",
         "2013-10-07T13:30:00.072Z", "2013-10-07T13:30:00.073Z"},
        {"minutes.csv", head + minutes, "1m", "2024-01-02T03:45:00Z", "2024-01-02T03:46:00Z"},
        {"one.csv", head + "2024-01-02T09:15:00+05:30,1,1,1,1\n", "1m", "2024-01-02T03:45:00Z", "2024-01-02T03:45:00Z"},
        {"fives.csv",
         head + "2024-01-02T09:15:00+05:30,1,1,1,1\n2024-01-02T09:30:00+05:30,1,1,1,1\n"
                "2024-01-02T09:35:00+05:30,1,1,1,1\n",
         "5m", "2024-01-02T03:45:00Z", "2024-01-02T04:05:00Z"},
        {"days.csv", "date,open,high,low,close\n2024-01-05,1,1,1,1\n2024-01-08,1,1,1,1\n", "1d", "2024-01-05T00:00:00Z",
         "2024-01-08T00:00:00Z"},
        {"stamped-days.csv",
         head + "2024-01-05T00:00:00+0530,1,1,1,1\n2024-01-08T00:00:00+0530,1,1,1,1\n"
                "2024-01-09T00:00:00+0530,1,1,1,1\n",
         "1d", "2024-01-05T00:00:00Z", "2024-01-09T00:00:00Z"},
        {"one-day.csv", head + "2024-01-05T00:00:00+0530,1,1,1,1\n", "1d", "2024-01-05T00:00:00Z",
         "2024-01-05T00:00:00Z"},
        // Two names in one file, whose bars lie a minute apart only across the names.
        {"named.csv",
         "timestamp,instrument,open,high,low,close,note\n2024-01-02T09:15:00Z,Q,1,1,1,1,x\n"
         "2024-01-02T09:16:00Z,P,1,1,1,1,x\n2024-01-02T09:45:00Z,Q,1,1,1,1,x\n",
         "30m", "2024-01-02T09:15:00Z", "2024-01-02T09:45:00Z"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.name);
        const TempDir dir;
        DataSource source;
        source.file = dir.write(each.name, each.text);
        REQUIRE(complete_from_csv(source, true).has_value());
        CHECK((source.kind == DataKind::quotes ? "" : to_string(source.interval)) == each.interval);
        const auto scanned = scan_csv(source, {});
        const auto imported = import_data(source, dir.path("set.alpha"), {});
        REQUIRE(scanned.has_value());
        REQUIRE(imported.has_value());
        CHECK(to_iso(scanned->first) == each.first);
        CHECK(to_iso(scanned->last) == each.last);
        CHECK(scanned->file_bytes == each.text.size());
        CHECK(scanned->kind == imported->kind);
        CHECK(scanned->interval == imported->interval);
        CHECK(scanned->date_only == imported->date_only);
        CHECK(scanned->symbols == imported->symbols);
        CHECK(scanned->records == imported->records);
        CHECK(scanned->first == imported->first);
        CHECK(scanned->last == imported->last);
    }
    const TempDir dir;
    DataSource known = bars(dir.write("m.csv", head + minutes), Duration{2 * kMinute.ns}, "GIVEN");
    REQUIRE(complete_from_csv(known, false).has_value());
    CHECK(known.interval == Duration{2 * kMinute.ns});
    CHECK(known.instrument == "GIVEN");
    DataSource unnamed;
    unnamed.file = dir.write(std::string(80, 'n'), head + minutes);  // too long for a name
    REQUIRE(complete_from_csv(unnamed, true).has_value());
    CHECK(scan_csv(unnamed, {})->symbols == std::vector<std::string>{"unnamed"});
    DataSource letter;
    letter.file = dir.write("letter.csv", "Dear reader,\nthis is no market data.\n");
    CHECK_THAT(complete_from_csv(letter, true).error().message,
               Catch::Contains("as quotes: ") && Catch::Contains("as bars: "));
    CHECK_THAT(complete_from_csv(letter, true).error().message, !Catch::Contains("\n"));
    const auto refusal = [&dir](const std::string& text) {
        DataSource source;
        source.file = dir.write("x.csv", text);
        return complete_from_csv(source, true).error().message;
    };
    // The reading that was probably meant, alone.
    CHECK_THAT(refusal(""), Catch::EndsWith("x.csv: the file is empty"));
    CHECK_THAT(refusal("\xEF\xBB\xBF"), Catch::EndsWith("x.csv: the file is empty"));
    CHECK_THAT(refusal("Date,Open,hi\n1,2,3\n"), Catch::Contains("x.csv:1: the header lacks") &&
                                                     !Catch::Contains("ts_ns") && !Catch::Contains("as bars"));
    CHECK_THAT(refusal("ts_ns,instrument,bid,bid_qty,ask\n1,2,3\n"),
               Catch::Contains("x.csv:1: the header lacks ask_qty") && !Catch::Contains("as quotes"));
    DataSource damaged;
    damaged.file = dir.write("damaged.csv", head + minutes + "2024-01-02T09:17:00+05:30,1,1,1\n");
    REQUIRE(complete_from_csv(damaged, true).has_value());
    CHECK_THAT(scan_csv(damaged, {}).error().message, Catch::Contains("damaged.csv:4: has 4 fields"));
}

TEST_CASE("an import overwrites a file, or eats its own kind", "[data]") {
    const TempDir dir;
    const std::string csv = dir.write("q.csv", kQuotes + "5,A,1,1,2,1\n");
    const std::string taken = dir.write("taken", "precious");
    const auto refused = import_data(quotes(csv), taken, {});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::usage);
    REQUIRE(import_data(quotes(csv), dir.path("set.alpha"), {}).has_value());
    const auto again = import_data(quotes(dir.path("set.alpha")), dir.path("other.alpha"), {});
    REQUIRE_FALSE(again.has_value());
    CHECK_THAT(again.error().message, Catch::Contains("is a data set already"));
    CHECK(dir.files() == 3);
}

TEST_CASE("a data set is read as what it is not", "[data]") {
    const TempDir dir;
    const std::string csv = dir.write("b.csv", "timestamp,open,high,low,close\n2024-01-01T00:00:00Z,1,1,1,1\n");
    const std::string set = dir.path("set.alpha");
    REQUIRE(import_data(bars(csv, kMinute, "A"), set, {}).has_value());
    CHECK_THAT(read_all({quotes(set)}).error,
               Catch::Contains("is a data set of bars, not of quotes; write kind: bars"));
    CHECK_THAT(read_all({bars(set, kDay)}).error, Catch::Contains("its bars last 1m, not 1d; write interval: 1m"));
    CHECK_THAT(read_all({bars(set, kMinute, "B")}).error, Catch::Contains("holds instrument 'A' beside 'B'"));
    CHECK(read_all({bars(set, kMinute, "A")}).error.empty());
}

TEST_CASE("dates in a data set are mixed with times of day without a session", "[data]") {
    const TempDir dir;
    const std::string csv = dir.write("d.csv", "date,open,high,low,close\n2024-01-01,1,1,1,1\n");
    const std::string set = dir.path("set.alpha");
    REQUIRE(import_data(bars(csv, kDay, "IBM"), set, {}).has_value());
    DataSource synth;
    synth.synth = SynthSpec{};
    const auto feed = open_feed({bars(set, Duration{}), synth}, {});
    REQUIRE_FALSE(feed.has_value());
    CHECK_THAT(feed.error().message, Catch::Contains("give it a calendar or a session"));
    CHECK(open_feed({bars(set, Duration{}), synth}, nse_hours).has_value());
}

TEST_CASE("a data set made by another program skips the checks of a CSV", "[data]") {
    const TempDir dir;
    const auto write = [&](const std::string& file, DataKind kind, Duration interval, bool date_only, const auto& add) {
        auto writer = DataSetWriter::create(file, kind, interval, date_only);
        REQUIRE(writer.has_value());
        REQUIRE((*writer)->symbol("A").value == 0);
        add(**writer);
        REQUIRE((*writer)->finish().has_value());
    };
    const QuoteTick good{InstrumentId{0}, price_of(1), price_of(2), qty_of(1), qty_of(1)};
    const std::string silent = dir.path("silent.alpha");
    write(silent, DataKind::quotes, Duration{}, false, [&](DataSetWriter& writer) {
        REQUIRE(writer.add(Time{5}, good).has_value());
        REQUIRE(writer.add(Time{6}, QuoteTick{}).has_value());
    });
    const Reading quiet = read_all({quotes(silent)});
    CHECK(quiet.lines.size() == 1);
    CHECK(quiet.kind == ErrorKind::data);
    CHECK_THAT(quiet.error, Catch::Contains("silent.alpha: record 2: bid and ask are both 0"));

    const std::string seconds = dir.path("seconds.alpha");
    write(seconds, DataKind::quotes, Duration{}, false,
          [&](DataSetWriter& writer) { REQUIRE(writer.add(Time{1'381'152'600}, good).has_value()); });
    CHECK_THAT(read_all({quotes(seconds)}).error,
               Catch::Contains("seconds.alpha: record 1: ts_ns 1381152600 looks like seconds"));

    const BarClosed bar{InstrumentId{0}, price_of(1), price_of(1), price_of(1), price_of(1), Qty{}};
    const std::string overlap = dir.path("overlap.alpha");
    write(overlap, DataKind::bars, kMinute, false, [&](DataSetWriter& writer) {
        REQUIRE(writer.add(Time{kMinute.ns}, bar).has_value());
        REQUIRE(writer.add(Time{kMinute.ns + 1}, bar).has_value());
    });
    CHECK_THAT(read_all({bars(overlap, kMinute)}).error,
               Catch::Contains("overlap.alpha: record 2: ") && Catch::Contains("overlaps"));

    const std::string noon = dir.path("noon.alpha");
    write(noon, DataKind::bars, kDay, true,
          [&](DataSetWriter& writer) { REQUIRE(writer.add(Time{kDayNs / 2}, bar).has_value()); });
    CHECK_THAT(read_all({bars(noon, kDay)}).error,
               Catch::Contains("noon.alpha: record 1: is not at the midnight of its date"));
}
