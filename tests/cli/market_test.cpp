/// Calendars, charges and registries of scenarios, through the real program.

#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>

namespace {

constexpr const char* kHead = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
// 2026-08-03 and 04, 10:00 and 10:01 IST.
constexpr const char* kMonday = "1785731400000000000,NSE:TCS,100,500,100,500\n"
                                "1785731460000000000,NSE:TCS,100,500,100,500\n";
constexpr const char* kTuesday = "1785817800000000000,NSE:TCS,101,500,101,500\n"
                                 "1785817860000000000,NSE:TCS,101,500,101,500\n";
constexpr const char* kWednesday = "1785904200000000000,NSE:TCS,101,500,101,500\n";

std::string scenario(const std::string& orders, const std::string& more) {
    return "name: market\n"
           "account: {currency: INR, cash: 100000}\n"
           "data: [{file: q.csv, kind: quotes}]\n"
           "strategies:\n"
           "  - {id: t, use: script, instruments: [\"NSE:TCS\"], product: cnc, params: {orders: " +
           orders + "}}\n" + more;
}
const std::string kCalendar = "default_instrument: {calendar: NSE_EQ}\n";
const std::string kCharged = kCalendar + "charges: zerodha\n";

/// A workplace with three days of quotes.
struct Market : Workplace {
    Market() { write("q.csv", std::string(kHead) + kMonday + kTuesday + kWednesday); }
    Ran backtest(const std::string& text, const std::vector<std::string>& more = {}) const {
        write("s.yaml", text);
        std::vector<std::string> arguments{"backtest", "s.yaml", "--journal", "j", "--json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return alpha(arguments);
    }
};

}  // namespace

TEST_CASE("the contract note of a day is what the session booked for it", "[cli][market]") {
    const Market here;
    const Ran ran = here.backtest(scenario("at 1 buy 100 NSE:TCS; at 3 sell 100 NSE:TCS", kCharged));
    CAPTURE(ran.err);
    REQUIRE(ran.code == 0);
    // Bought: STT 10, exchange 0.31, SEBI 0.01, stamp 1.50 -> 2, GST of 0.33 -> 0.06, and the paisa of brokerage.
    const Ran bought = here.alpha({"charges", "j", "--note", "2026-08-03"});
    CAPTURE(bought.out, bought.err);
    CHECK(bought.code == 0);
    CHECK(contains(bought.out, "charges ₹12.39 (by the API ₹11.88)"));
    CHECK(contains(bought.out, "booked by the session, with what the depository asks: ₹12.39"));
    // Sold: STT 10.10 -> 10, exchange 0.31, SEBI 0.01, GST 0.06, brokerage 0.01; and 15.34 for the depository.
    const Ran sold = here.alpha({"charges", "--journal", "j", "--note", "2026-08-04", "--json"});
    CAPTURE(sold.out);
    CHECK(contains(sold.out, "\"charges\":\"10.39\""));
    CHECK(json_field(sold.out, "booked") == "\"25.73\"");
    CHECK(json_field(ran.out, "cash") == "\"100061.88\"");  // 100000 + 100 - 12.39 - 25.73
    CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
}

TEST_CASE("a note that cannot be made says why", "[cli][market]") {
    const Market here;
    REQUIRE(here.backtest(scenario("at 1 buy 100 NSE:TCS", kCharged)).code == 0);
    const auto said = [&](const std::vector<std::string>& arguments) {
        const Ran ran = here.alpha(arguments);
        CHECK(ran.code == 2);
        CHECK(ran.out.empty());
        return ran.err;
    };
    CHECK(contains(said({"charges", "j", "--note", "2026-08-05"}), "nothing was traded on 2026-08-05"));
    CHECK(contains(said({"charges", "j", "--note", "03-08-2026"}), "--note 03-08-2026:"));
    CHECK(contains(said({"charges", "j", "--note", "2026-08-03", "--portfolio", "mian"}), "did you mean 'main'?"));
    CHECK(contains(said({"charges", "j"}), "write a journal and a day"));
    CHECK(contains(said({"charges", "explain", "--side", "bye"}), "--side bye: "));
    CHECK(contains(said({"charges", "explain", "--exchange", "NYSE"}), "it knows nothing of equity on 'NYSE'"));
    CHECK(contains(said({"charges", "explain", "--price", "1"}), "both --price and --quantity"));
    std::filesystem::remove_all(here.path("j"));
    REQUIRE(here.backtest(scenario("at 1 buy 100 NSE:TCS", kCalendar)).code == 0);
    CHECK(contains(said({"charges", "j", "--note", "2026-08-03"}), "no table of charges"));
}

TEST_CASE("what one order costs is explained line by line", "[cli][market]") {
    const Workplace here;
    // Kite's live answer of 2026-09-25: STT 8.45, exchange 2.00, SEBI 0.01, brokerage 20, GST 3.96; 34.42 in all.
    const Ran ran = here.alpha({"charges", "explain", "--segment", "options", "--exchange", "NFO", "--side", "sell",
                                "--date", "2026-09-25", "--price", "86.70", "--quantity", "65"});
    CAPTURE(ran.out, ran.err);
    CHECK(ran.code == 0);
    CHECK(contains(ran.out, "0.15% of premium"));
    CHECK(contains(ran.out, "turnover 5635.5, charges 34.42260581"));
}

TEST_CASE("a table of charges may be YAML, and is refused by its place", "[cli][market]") {
    const Market here;
    here.write("own.yaml", "- {line: brokerage, base: order, value: 7}\n"
                           "- {line: fee, base: turnover, value: 0.1%, rounding: paisa}\n");
    const Ran ran = here.backtest(scenario("at 1 buy 100 NSE:TCS", kCalendar + "charges: own.yaml\n"));
    CAPTURE(ran.out, ran.err);
    CHECK(ran.code == 0);
    CHECK(json_field(ran.out, "charges") == "\"17\"");
    here.write("bad.yaml", "extends: india\nrows:\n  - {line: brokerage, base: order, value: -7}\n");
    const Ran bad = here.backtest(scenario("at 1 buy 100 NSE:TCS", "charges: bad.yaml\n"));
    CHECK(bad.code == 2);
    CHECK(contains(bad.err, "s.yaml:6:10: charges: "));
    CHECK(contains(bad.err, "bad.yaml:3:"));
    here.write("odd.yaml", "extend: india\n");
    const Ran odd = here.backtest(scenario("at 1 buy 100 NSE:TCS", "charges: odd.yaml\n"));
    CHECK(contains(odd.err, "odd.yaml:1:1: 'extend' is unknown here"));
    // A table is an input like any other: nothing is written over it.
    const Ran over = here.backtest(scenario("at 1 buy 100 NSE:TCS", "charges: own.yaml\n"), {"--fills", "own.yaml"});
    CHECK(over.code == 2);
    CHECK(contains(here.read("own.yaml"), "line: brokerage"));
}

TEST_CASE("a day that no table knows is told of, and an error to who is strict", "[cli][market]") {
    const Market here;
    here.write("q.csv", std::string(kHead) + "1798774200000000000,NSE:TCS,100,500,100,500\n"    // 2027-01-01
                                             "1798860600000000000,NSE:TCS,100,500,100,500\n");  // and 02
    const Ran ran = here.backtest(scenario("at 1 buy 100 NSE:TCS", kCalendar));
    CHECK(ran.code == 0);
    CHECK(contains(ran.out, "calendar NSE_EQ does not know when its market trades on 2 days, from 2027-01-01 to "
                            "2027-01-02: it was taken to trade all day long"));
    std::filesystem::remove_all(here.path("j"));
    CHECK(here.backtest(scenario("at 1 buy 100 NSE:TCS", kCalendar), {"--strict"}).code == 3);
    std::filesystem::remove_all(here.path("j"));
    const Ran strict = here.backtest(scenario("at 1 buy 100 NSE:TCS", kCalendar + "calendar: strict\n"));
    CHECK(contains(strict.out, "\"refused_by\":{\"unknown_day\":1}"));
}

TEST_CASE("instruments are what a registry says on each day, and the journal needs it no more", "[cli][market]") {
    const Market here;
    here.write("aug.csv", "exchange,symbol,tick,lot,freeze,kind\nNSE,TCS,0.05,1,,share\n");
    here.write("tue.csv", "exchange,symbol,tick,lot,freeze,kind\nNSE,TCS,0.10,5,60,share\n");
    REQUIRE(here.alpha({"instruments", "load", "aug.csv", "--date", "2026-08-01"}).code == 0);
    REQUIRE(here.alpha({"instruments", "load", "tue.csv", "--date", "2026-08-04"}).code == 0);
    const std::string text =
        scenario("at 1 buy 1 NSE:TCS limit 99.05; at 3 buy 5 NSE:TCS limit 99.05; at 3 buy 1 NSE:TCS; "
                 "at 3 buy 65 NSE:TCS; at 3 buy 60 NSE:TCS",
                 kCalendar + "instruments: {registry: registry}\n");
    const Ran ran = here.backtest(text);
    CAPTURE(ran.err);
    REQUIRE(ran.code == 0);
    CHECK(contains(ran.out, "\"refused_by\":{\"tick_size\":1,\"lot_size\":1,\"freeze_quantity\":1}"));
    const Ran changed = here.alpha({"log", "--journal", "j", "--type", "instrument_changed"});
    CHECK(line_count(changed.out) == 1);
    CHECK(contains(changed.out, "2026-08-04T04:30:00Z instrument_changed"));
    std::filesystem::remove_all(here.path("registry"));
    CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
    const Ran gone = here.backtest(text);
    CHECK(gone.code == 2);
    CHECK(contains(gone.err, "instruments.registry: "));
}

TEST_CASE("a dump of instruments serves as a registry that holds on every day", "[cli][market]") {
    const Market here;
    here.write("dump.csv",
               "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,"
               "instrument_type,segment,exchange\n"
               "2953217,11536,TCS,TATA CONSULTANCY,0,,0,0.10,1,EQ,NSE,NSE\n");
    const std::string text = scenario("at 1 buy 1 NSE:TCS limit 99.05; at 1 buy 1 NSE:TCS limit 99.1",
                                      "instruments: {registry: dump.csv}\n");
    const Ran ran = here.backtest(text);
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    CHECK(contains(ran.out, "\"refused_by\":{\"tick_size\":1}"));
    here.write("dump.csv", "exchange,symbol,tick\nNSE,TCS,-1\n");
    CHECK(contains(here.backtest(text).err, "dump.csv:2: "));
}

TEST_CASE("a name that the registry does not have is answered with the one that was meant", "[cli][market]") {
    const Market here;
    here.write("aug.csv", "exchange,symbol\nNSE,TCX\n");
    REQUIRE(here.alpha({"instruments", "load", "aug.csv", "--date", "2026-08-01"}).code == 0);
    const Ran ran = here.backtest(scenario("at 1 buy 1 NSE:TCS", "instruments: {registry: registry}\n"));
    CHECK(ran.code == 2);
    CHECK(contains(ran.err, "the registry has no 'NSE:TCS'; did you mean 'NSE:TCX'?"));
}

TEST_CASE("a session that goes on with other tables goes by them from there", "[cli][market]") {
    const Market here;
    here.write("days.csv", "calendars,date,kind,set,settles,name,source,grade\n");
    here.write("q.csv", std::string(kHead) + kMonday);
    const std::string text = scenario("at 1 buy 10 NSE:TCS; at 3 buy 10 NSE:TCS; at 5 buy 10 NSE:TCS",
                                      kCharged + "calendars: {days: days.csv}\n");
    here.write("s.yaml", text);
    const std::vector<std::string> live{"live", "--broker", "paper", "--config", "s.yaml", "--journal", "j", "--json"};
    REQUIRE(here.alpha(live).code == 0);
    // Announced on Monday: Tuesday is a holiday.
    here.write("days.csv", "calendars,date,kind,set,settles,name,source,grade\n"
                           "NSE_EQ,2026-08-04,holiday,,no,announced,a circular,stated\n");
    here.write("q.csv", std::string(kHead) + kMonday + kTuesday + kWednesday);
    const Ran again = here.alpha(live);
    CAPTURE(again.err);
    REQUIRE(again.code == 0);
    CHECK(line_count(here.alpha({"log", "--journal", "j", "--type", "market_rules_set"}).out) == 2);
    const Ran sessions = here.alpha({"log", "--journal", "j", "--type", "session_opened"});
    CHECK(line_count(sessions.out) == 2);
    CHECK_FALSE(contains(sessions.out, "2026-08-04"));
    // What was ordered on the holiday fills on Wednesday.
    CHECK(line_count(here.alpha({"log", "--journal", "j", "--type", "order_filled"}).out) == 3);
    CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
    // The same tables once more write nothing.
    REQUIRE(here.alpha(live).code == 0);
    CHECK(line_count(here.alpha({"log", "--journal", "j", "--type", "market_rules_set"}).out) == 2);
}

TEST_CASE("live with calendars and charges is the backtest, byte for byte", "[cli][market]") {
    const Market here;
    const std::string text =
        scenario("at 1 buy 100 NSE:TCS; at 2 buy 10 NSE:TCS limit 99 day; at 3 sell 60 NSE:TCS", kCharged);
    const Ran back = here.backtest(text);
    REQUIRE(back.code == 0);
    const Ran live = here.alpha({"live", "--broker", "paper", "--config", "s.yaml", "--journal", "l", "--json"});
    REQUIRE(live.code == 0);
    CHECK(json_field(live.out, "log_head") == json_field(back.out, "log_head"));
    CHECK(json_field(live.out, "state_digest") == json_field(back.out, "state_digest"));
}
