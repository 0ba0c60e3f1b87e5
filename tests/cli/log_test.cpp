#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace {

/// A journal "j" of a short run; returns how many events it holds.
std::uint64_t make_journal(const Workplace& here, int ticks = 2'000) {
    here.write("s.yaml", synth_scenario("s", ticks));
    const Ran ran = here.alpha({"backtest", "s.yaml", "--json", "--journal", "j"});
    REQUIRE(ran.code == 0);
    return std::stoull(json_field(ran.out, "events"));
}

}  // namespace

TEST_CASE("the log prints every event once, in order, as text and as JSON", "[cli]") {
    const Workplace here;
    const std::uint64_t events = make_journal(here);
    const Ran text = here.alpha({"log", "--journal", "j"});
    CHECK(text.code == 0);
    CHECK(text.err.empty());
    CHECK(line_count(text.out) == events);
    const Ran json = here.alpha({"log", "--journal", "j", "--json"});
    CHECK(json.code == 0);
    CHECK(line_count(json.out) == events);
    here.write("log.jsonl", json.out);
    const Ran parsed = here.shell("python3 -c 'import json\nfor n, line in enumerate(open(\"log.jsonl\")): "
                                  "assert json.loads(line)[\"seq\"] == n, line'");
    CHECK(parsed.code == 0);
}

TEST_CASE("the journal is named by its place or as --journal, once", "[cli]") {
    const Workplace here;
    make_journal(here);
    for (const std::string command : {"log", "verify -q", "replay -q", "show orders", "show fills", "show portfolios",
                                      "status", "log --type quote,order_filled --limit 9"}) {
        CAPTURE(command);
        const Ran named = here.shell("$ALPHA " + command + " --journal j");
        REQUIRE(named.code == 0);
        REQUIRE_FALSE(named.out.empty());
        CHECK(here.shell("$ALPHA " + command + " j").out == named.out);
        const Ran twice = here.shell("$ALPHA " + command + " j --journal j");
        CHECK(twice.code == 2);
        CHECK(contains(twice.err, "--journal is given more than once"));
    }
    const Ran live = here.alpha({"live", "--broker", "paper", "s.yaml", "--journal", "lived", "-q"});
    CHECK(live.code == 0);
    CHECK(here.alpha({"diff", "j", "lived"}).code == 0);
}

TEST_CASE("times are shown in the zone that is asked for, to people only", "[cli]") {
    const Workplace here;
    here.write("q.csv", "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n"
                        "1704080700000000000,NSE:X,100.00,50,100.05,50\n"    // 2024-01-01T03:45:00Z
                        "1720000000123456789,NSE:X,100.10,50,100.15,50\n");  // 2024-07-03T09:46:40.123456789Z
    here.write("s.yaml", hold_scenario("s", "q.csv"));
    const Ran run = here.alpha({"backtest", "s.yaml", "--journal", "j", "--tz", "Pacific/Auckland"});
    REQUIRE(run.code == 0);
    CHECK(contains(run.out, "2024-01-01 → 2024-07-03 Pacific/Auckland\n"));
    const auto times = [&](const std::string& zone) {
        return here.shell("$ALPHA log j --type quote --tz " + zone + " | cut -d' ' -f2").out;
    };
    CHECK(times("UTC") == "2024-01-01T03:45:00Z\n2024-07-03T09:46:40.123456789Z\n");
    CHECK(times("Asia/Kolkata") == "2024-01-01T09:15:00+05:30\n2024-07-03T15:16:40.123456789+05:30\n");
    CHECK(times("+05:30") == times("Asia/Kolkata"));
    CHECK(times("-0330") == "2024-01-01T00:15:00-03:30\n2024-07-03T06:16:40.123456789-03:30\n");
    CHECK(times("America/New_York") ==
          "2023-12-31T22:45:00-05:00\n2024-07-03T05:46:40.123456789-04:00\n");  // with summer time
    CHECK(here.alpha({"log", "j", "--json", "--tz", "Asia/Kolkata"}).out == here.alpha({"log", "j", "--json"}).out);

    CHECK(contains(here.alpha({"show", "orders", "j", "--tz", "+01:00"}).out, " 2024-01-01T04:45:00+01:00 "));
    CHECK(contains(here.alpha({"show", "fills", "j", "--tz", "+01:00"}).out, " 2024-01-01T04:45:00+01:00 "));
    CHECK(contains(here.alpha({"replay", "j", "--to", "4", "--tz", "+01:00"}).out, "at 2024-01-01T04:45:00+01:00:"));
    CHECK(contains(here.alpha({"status", "j", "--tz", "+01:00"}).out, "2024-07-03T10:46:40.123456789+01:00"));
    CHECK(contains(here.alpha({"data", "info", "q.csv", "--tz", "+01:00"}).out, "first    2024-01-01T04:45:00+01:00"));
    here.write("q.csv", few_quotes("99"));
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "other"}).code == 0);
    CHECK(contains(here.alpha({"diff", "j", "other", "--tz", "+01:00"}).out, " 2024-01-01T04:45:01+01:00 quote"));

    for (const std::string zone : {"Asia/Calcuta", "IST", "+25:00", "+05:60", "+5:30", "05:30", "../../etc/passwd"}) {
        const Ran refused = here.alpha({"log", "j", "--tz", zone});
        CAPTURE(zone);
        CHECK(refused.code == 2);
        CHECK(refused.out.empty());
        CHECK(contains(refused.err, "--tz " + zone));
    }
    CHECK(contains(here.alpha({"log", "j", "--tz", "Asia/Calcuta"}).err, "did you mean Asia/Calcutta?"));
}

TEST_CASE("a range of the log holds its ends and knows the names given before it", "[cli]") {
    const Workplace here;
    make_journal(here);
    const Ran ran = here.alpha({"log", "--journal", "j", "--from", "1000", "--to", "1009"});
    CHECK(ran.code == 0);
    CHECK(line_count(ran.out) == 10);
    CHECK(ran.out.starts_with("1000 "));
    CHECK(contains(ran.out, "\n1009 "));
    CHECK(contains(ran.out, "instrument=NSE:"));
    CHECK_FALSE(contains(ran.out, "instrument=#"));
    CHECK(line_count(here.alpha({"log", "--journal", "j", "--limit", "7"}).out) == 7);
    CHECK(here.alpha({"log", "--journal", "j", "--from", "9", "--to", "8"}).code == 2);
    const Ran beyond = here.alpha({"log", "--journal", "j", "--from", "99999999"});
    CHECK(beyond.code == 0);
    CHECK(beyond.out.empty());
    CHECK(contains(beyond.err, "holds"));
}

TEST_CASE("the log can be narrowed to types and to an instrument with the whole life of its orders", "[cli]") {
    const Workplace here;
    make_journal(here, 5'000);
    const Ran fills = here.alpha({"log", "--journal", "j", "--type", "order_filled"});
    CHECK(fills.code == 0);
    CHECK(line_count(fills.out) > 10);
    CHECK(line_count(here.shell("$ALPHA log --journal j --type order_filled | grep -v ' order_filled '").out) == 0);
    const Ran two = here.alpha({"log", "--journal", "j", "--type", "order_filled,order_intended"});
    CHECK(line_count(two.out) == 2 * line_count(fills.out));

    // Orders of one instrument, from the middle on: those that name only the order must be found as
    // well.
    const std::string all = here.alpha({"log", "--journal", "j", "--from", "2000", "--type", "order_accepted"}).out;
    std::size_t by_instrument = 0;
    for (const char* instrument : {"NSE:ALPHA", "NSE:BETA"}) {
        const Ran one = here.alpha(
            {"log", "--journal", "j", "--from", "2000", "--type", "order_accepted", "--instrument", instrument});
        CHECK(one.code == 0);
        by_instrument += line_count(one.out);
    }
    CHECK(by_instrument == line_count(all));
    CHECK(by_instrument > 0);
}

TEST_CASE("a misspelt type or instrument is answered with the one that was meant", "[cli]") {
    const Workplace here;
    make_journal(here);
    const Ran type = here.alpha({"log", "--journal", "j", "--type", "order_fileld"});
    CHECK(type.code == 2);
    CHECK(contains(type.err, "did you mean order_filled?"));
    const Ran instrument = here.alpha({"log", "--journal", "j", "--instrument", "NSE:ALHPA"});
    CHECK(instrument.code == 2);
    CHECK(contains(instrument.err, "did you mean NSE:ALPHA?"));
}

TEST_CASE("a long log piped into head ends quietly", "[cli]") {
    const Workplace here;
    make_journal(here, 50'000);
    const Ran ran = here.shell("set -o pipefail; $ALPHA log --journal j | head -n 3");
    CHECK(ran.code == 0);
    CHECK(ran.err.empty());
    CHECK(line_count(ran.out) == 3);
}

TEST_CASE("what is no journal is refused, not shown as an empty one", "[cli]") {
    const Workplace here;
    here.write("folder/file", "text");
    for (const char* path : {"nowhere", "folder", "folder/file"}) {
        const Ran ran = here.alpha({"log", "--journal", path});
        CAPTURE(path, ran.err);
        CHECK((ran.code == 2 || ran.code == 3));
        CHECK(ran.out.empty());
        CHECK(contains(ran.err, path));
    }
    CHECK_FALSE(here.has("nowhere"));
}
