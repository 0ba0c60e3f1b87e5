/// `alpha data check`, through the real program.

#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fmt/format.h>
#include <string>
#include <vector>

namespace {

/// Minutes of NSE's session on a day of July 2024, one rupee up and down in turn; `from` and `to` count from 09:15. Labels are moved by `shift`.
std::string minutes(int day, int from, int to, int shift = 0, int price = 1'000) {
    std::string lines;
    for (int i = from; i < to; ++i) {
        const int clock = 9 * 60 + 15 + i + shift;
        lines += fmt::format("2024-07-{:02}T{:02}:{:02}:00+05:30,{},{},{},{},{}\n", day, clock / 60, clock % 60,
                             price + i % 2, price + 2, price - 1, price + i % 3, 100 + i % 7);
    }
    return lines;
}
constexpr const char* kHead = "timestamp,open,high,low,close,volume\n";

/// A week of it.
std::string week(int shift = 0) {
    std::string text = kHead;
    for (int day = 1; day <= 5; ++day) {
        text += minutes(day, 0, 375, shift);
    }
    return text;
}

/// Data beside the project, which it does not need.
std::string shared(const std::string& file) {
    for (const char* const beside : {"/../shared/data/", "/../../shared/data/"}) {
        if (std::string path = fmt::format("{}{}{}", ALPHA_SOURCE_DIR, beside, file); std::filesystem::exists(path)) {
            return path;
        }
    }
    WARN("SKIPPED: ../shared/data/" << file << " is not there");
    return {};
}

}  // namespace

TEST_CASE("clean data: nothing is found, and that is said", "[cli][quality]") {
    const Workplace here;
    here.write("x.csv", week());
    for (const std::vector<std::string>& given :
         std::vector<std::vector<std::string>>{{},
                                               {"--calendar", "NSE_EQ"},
                                               {"--session", "nse"},
                                               {"--session", "09:15-15:30+05:30", "--tick", "0.05"}}) {
        std::vector<std::string> arguments{"data", "check", "x.csv", "--strict"};
        arguments.insert(arguments.end(), given.begin(), given.end());
        const Ran ran = here.alpha(arguments);
        CHECK(ran.out == "nothing found in 1,875 bars of 1 instrument\n");
        CHECK(ran.err.empty());
        CHECK(ran.code == 0);
    }
    const Ran json = here.alpha({"data", "check", "x.csv", "--json"});
    CHECK(json.out ==
          R"({"verdict":"good","serious":0,"doubtful":0,"notes":0,"instruments":1,"bars":1875,"quotes":0,"trades":0})"
          "\n");
}

TEST_CASE("synthetic NSE data are clean, as text and as a data set", "[cli][quality]") {
    const Workplace here;
    for (const std::string file : {"t.csv", "t.alpha"}) {
        REQUIRE(here.alpha({"data", "synth", "--ticks", "200000", "--to", file, "-q"}).code == 0);
        for (const std::string session : {"nse", "utc"}) {
            CHECK(here.alpha({"data", "check", file, "--session", session}).out ==
                  "nothing found in 200,000 quotes of 2 instruments\n");
        }
    }
}

TEST_CASE("what is found is said with its file, instrument, count and meaning, the most serious first",
          "[cli][quality]") {
    const Workplace here;
    // Wednesday: a hole from 11:00 to 11:40, and after it a close ten times too high. No Thursday.
    here.write("x.csv", kHead + minutes(1, 0, 375) + minutes(2, 0, 375) + minutes(3, 0, 105) + minutes(3, 145, 300) +
                            "2024-07-03T14:15:00+05:30,1000,10000,999,10000,100\n" + minutes(3, 301, 375) +
                            minutes(5, 0, 375));
    const std::string spike =
        "x.csv: serious spike: x (1)\n"
        "  1 close far from the close before and back with the next, first at 2024-07-03T14:15:00+05:30: a wrong "
        "price; strategies will trade on it\n";
    const std::string day =
        "x.csv: serious missing_days: x (1)\n"
        "  no bars of 1m on 1 trading day, first on 2024-07-04: data are missing, or the instrument did not trade\n";
    const std::string hole =
        "x.csv: doubtful missing_bars: x (40)\n"
        "  40 missing bars of 1m in 1 gap longer than the instrument's usual, first from 2024-07-03T11:00:00+05:30, "
        "the longest of 40 from 2024-07-03T11:00:00+05:30: data are missing, or trading was halted\n";
    const std::string verdict = "2 serious, 1 doubtful, 0 notes in 1,460 bars of 1 instrument\n";
    const std::vector<std::string> check{"data", "check", "x.csv", "--calendar", "NSE_EQ"};
    const auto with = [&](const std::vector<std::string>& more) {
        std::vector<std::string> arguments = check;
        arguments.insert(arguments.end(), more.begin(), more.end());
        return here.alpha(arguments);
    };
    const Ran ran = with({});
    CHECK(ran.out == day + spike + hole + verdict);
    CHECK(ran.err.empty());
    CHECK(ran.code == 0);
    CHECK(with({"--strict"}).code == 3);
    CHECK(with({"--strict"}).out == ran.out);
    CHECK(with({"-q"}).out == verdict);
    CHECK(with({"--limit", "1"}).out == day + "2 findings more; --limit 0 shows all\n" + verdict);
    CHECK(with({"--limit", "0"}).out == ran.out);
    // Weekdays without a record may be holidays where nobody names a calendar; the spike is none the less one.
    const Ran weekdays = here.alpha({"data", "check", "x.csv", "--session", "nse"});
    CHECK(weekdays.out == spike + hole + "1 serious, 1 doubtful, 0 notes in 1,460 bars of 1 instrument\n");
    const Ran json = with({"--json"});
    CHECK(line_count(json.out) == 4);
    CHECK(
        first_lines(json.out, 1) ==
        R"({"file":"x.csv","instrument":"x","kind":"missing_days","gravity":"serious","count":1,)"
        R"("first_ts_ns":"1720064700000000000","sentence":"no bars of 1m on 1 trading day, first on 2024-07-04: data )"
        R"(are missing, or the instrument did not trade"})"
        "\n");
    CHECK(contains(json.out, R"("kind":"spike","gravity":"serious","count":1,"first_ts_ns":"1719996300000000000",)"
                             R"("first_record":1011,)"));
    CHECK(contains(json.out, R"({"verdict":"serious","serious":2,"doubtful":1,"notes":0,"instruments":1,"bars":1460,)"
                             R"("quotes":0,"trades":0})"));
}

TEST_CASE("bars that bear the time of their end are told of, also in a data set", "[cli][quality]") {
    const Workplace here;
    here.write("x.csv", week(1));
    const std::string are =
        "  on 5 days the first label is 1m after the open and the last is the close, first 2024-07-01T09:16:00+05:30: "
        "the "
        "bars are stamped at their end, and alpha takes a label for the beginning; subtract 1m from each\n";
    CHECK(here.alpha({"data", "check", "x.csv", "--calendar", "NSE_EQ"}).out ==
          "x.csv: serious end_stamped: x (5)\n" + are +
              "1 serious, 0 doubtful, 0 notes in 1,875 bars of 1 instrument\n");
    REQUIRE(here.alpha({"data", "import", "x.csv", "--kind", "bars", "--interval", "1m", "--instrument", "NSE:X",
                        "--to", "x.alpha"})
                .code == 0);
    const Ran both = here.alpha({"data", "check", "x.csv", "x.alpha", "--session", "nse", "--strict"});
    CHECK(both.out == "x.csv: serious end_stamped: x (5)\n" + are + "x.alpha: serious end_stamped: NSE:X (5)\n" + are +
                          "2 serious, 0 doubtful, 0 notes in 3,750 bars of 2 instruments\n");
    CHECK(both.code == 3);
}

TEST_CASE("a scenario is checked with its calendar, ticks and corporate actions", "[cli][quality]") {
    const Workplace here;
    // Friday opens at half of Thursday's price; Tuesday is missing.
    here.write("x.csv",
               kHead + minutes(1, 0, 375) + minutes(3, 0, 375) + minutes(4, 0, 375) + minutes(5, 0, 375, 0, 500));
    const auto scenario = [&](const std::string& tick, const std::string& more) {
        here.write("s.yaml", "name: checked\n"
                             "account: {currency: INR, cash: 100000}\n"
                             "data: [{file: x.csv, kind: bars, interval: 1m, instrument: \"NSE:X\"}]\n"
                             "default_instrument: {calendar: NSE_EQ, tick: " +
                                 tick +
                                 "}\n"
                                 "strategies:\n"
                                 "  - {id: hold, use: buy_and_hold, instruments: [\"NSE:X\"], params: {quantity: 10}}\n"
                                 "broker: {paper: {fill: next_open}}\n"
                                 "charges: none\n" +
                                 more);
        return here.alpha({"data", "check", "s.yaml"}).out;
    };
    const std::string split =
        "s.yaml: serious split: NSE:X (1)\n"
        "  opened as after a split: 2 for 1 on 2024-07-05 (500 after 1002); if it was one, say so with actions, or use "
        "adjusted prices\n";
    const std::string day =
        "s.yaml: serious missing_days: NSE:X (1)\n"
        "  no bars of 1m on 1 trading day, first on 2024-07-02: data are missing, or the instrument did not trade\n";
    const std::string in = " in 1,500 bars of 1 instrument\n";
    here.write("a.csv", "instrument,ex_date,action,value\nNSE:X,2024-07-05,split,2\n");
    CHECK(scenario("0.05", "") == day + split + "2 serious, 0 doubtful, 0 notes" + in);
    CHECK(scenario("0.05", "actions: a.csv\n") == day + "1 serious, 0 doubtful, 0 notes" + in);
    // A day has 187 odd opens, 375 odd lows and 125 odd closes: 687 of 1,500 prices.
    CHECK(scenario("2", "") ==
          day + split +
              "s.yaml: doubtful off_tick: NSE:X (2,748)\n"
              "  2,748 prices (45 %) off the tick of 2, first at 2024-07-01T09:15:00+05:30: the tick "
              "was another then, or prices are rounded\n"
              "2 serious, 1 doubtful, 0 notes" +
              in);
    CHECK(contains(here.alpha({"data", "check", "s.yaml", "--tick", "1"}).err, "a scenario says itself"));
}

TEST_CASE("what cannot be checked is refused, behind what was found before", "[cli][quality]") {
    const Workplace here;
    here.write("x.csv", week());
    const auto refusal = [&](const std::vector<std::string>& more) {
        std::vector<std::string> arguments{"data", "check"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Ran ran = here.alpha(arguments);
        CHECK(ran.code == 2);
        CHECK(ran.out.empty());
        return ran.err;
    };
    CHECK(refusal({"no.csv"}) == "error: no.csv: there is no such file\n");
    CHECK(refusal({"x.csv", "--calendar", "NSE"}) ==
          "error: --calendar NSE: there is no such calendar; write BSE_EQ, BSE_EQ_CAS, BSE_FO, MCX, NSE_CD, NSE_EQ, "
          "NSE_EQ_CAS, NSE_FO or XNYS\n");
    CHECK(refusal({"x.csv", "--calendar", "NSE_EQ", "--session", "nse"}) ==
          "error: --calendar and --session both say when the market trades; write one of them\n");
    CHECK(refusal({"x.csv", "--session", "9-15"}) ==
          "error: --session 9-15 are no trading hours; write nse, utc, or hours such as 09:15-15:30+05:30\n");
    CHECK(refusal({"x.csv", "--tick", "0"}) == "error: --tick 0: write a price step such as 0.05\n");
    CHECK(contains(refusal({"x.csv", "--interval", "0m"}), "error: --interval 0m: write a duration from 1ms to"));
    here.write("none.csv", kHead);
    const Ran none = here.alpha({"data", "check", "none.csv", "--interval", "1m", "--strict"});
    CHECK(none.out == "no records at all\n");
    CHECK(none.err == "! none.csv: holds no record\n");
    CHECK(none.code == 3);
    here.write("cut.csv", week() + "2024-07-08T09:15:00+05:30,1,2\n");
    const Ran cut = here.alpha({"data", "check", "cut.csv"});
    CHECK(cut.code == 3);
    CHECK(contains(cut.err, "cut.csv:1877"));
    CHECK(cut.out == "nothing found in 1,875 bars of 1 instrument\n");
}

TEST_CASE("what is known of public prices is found in them", "[cli][quality][shared]") {
    const Workplace here;
    if (const std::string aapl = shared("daily/aapl.csv"); !aapl.empty()) {
        // Its splits, by its list of actions; the day of its profit warning, when it halved; lows with a digit lost.
        const std::string said = here.alpha({"data", "check", aapl, "--calendar", "XNYS"}).out;
        for (const char* part : {"2 for 1 on 2000-06-21 (", "2 for 1 on 2000-09-29 (", "2 for 1 on 2005-02-28 (",
                                 "7 for 1 on 2014-06-09 (", "4 for 1 on 2020-08-31 (", "the farthest on 2009-09-21",
                                 "2 serious, 0 doubtful, 0 notes"}) {
            CAPTURE(said, part);
            CHECK(contains(said, part));
        }
    }
    if (const std::string ibm = shared("daily/ibm.csv"); !ibm.empty()) {
        // On 2002-12-23 it opened at twice its price, which was no split.
        const std::string said = here.alpha({"data", "check", ibm, "--calendar", "XNYS"}).out;
        CAPTURE(said);
        CHECK(contains(said, "opened as after a split: 2 for 1 on 1999-05-27 (116.69 after 235.5); if"));
        CHECK(contains(said, "the farthest on 2002-12-23"));
    }
    for (const char* minute : {"nse/juniorbees-1m.csv", "nse/nifty50-1m.csv"}) {
        if (const std::string file = shared(minute); !file.empty()) {
            const std::string said = here.alpha({"data", "check", file, "--calendar", "NSE_EQ"}).out;
            CAPTURE(said);
            CHECK((contains(said, "nothing found") || contains(said, "0 serious, 0 doubtful, 1 note")));
        }
    }
}
