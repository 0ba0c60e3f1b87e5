/// Futures and options of scenarios, through the real program.

#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <filesystem>

namespace {

constexpr const char* kHead = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
// 2026-09-28 and 29, a Monday and the contract's last day, at 10:00 IST, and 15:29 of the index.
const std::string kQuotes = std::string(kHead) + "1790569800000000000,NFO:F,100,500,100,500\n"
                                                 "1790569860000000000,NFO:F,101,500,101,500\n"
                                                 "1790656200000000000,NFO:F,103,500,103,500\n"
                                                 "1790675940000000000,NSE:I,104,1,104,1\n";

std::string scenario(const std::string& more = "") {
    return "name: contracts\n"
           "account: {currency: INR, cash: 100000}\n"
           "data: [{file: q.csv, kind: quotes}]\n"
           "instruments:\n"
           "  \"NFO:F\": {calendar: NSE_FO, kind: future, multiplier: 5, underlying: \"NSE:I\", expiry: 2026-09-29}\n"
           "  \"NSE:I\": {calendar: NSE_EQ, kind: index}\n"
           "strategies:\n"
           "  - {id: t, use: script, instruments: [\"NFO:F\"], params: {orders: at 1 buy 10 NFO:F}}\n" +
           more;
}

struct Desk : Workplace {
    Desk() {
        write("q.csv", kQuotes);
        write("s.yaml", scenario());
    }
    Ran backtest(const std::string& text, const std::string& journal = "j") const {
        write("s.yaml", text);
        std::filesystem::remove_all(path(journal));
        return alpha({"backtest", "s.yaml", "--journal", journal, "--json"});
    }
};

}  // namespace

TEST_CASE("a contract that ends on the last day of the data is settled, though nothing comes after its close",
          "[cli][contracts]") {
    const Desk here;
    const Ran ran = here.backtest(scenario());
    CAPTURE(ran.err);
    REQUIRE(ran.code == 0);
    CHECK(json_field(ran.out, "cash") == "\"100200\"");  // (104 - 100) x 10 x 5
    CHECK(json_field(ran.out, "equity") == "\"100200\"");
    CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
    const Ran settled = here.alpha({"log", "--journal", "j", "--type", "position_settled"});
    CHECK(contains(settled.out, "kind=daily date=2026-09-28 price=101 settled=10 quantity=10 cost=5050 cash=50"));
    CHECK(contains(settled.out, "kind=cash date=2026-09-29 price=104 settled=10 quantity=0 cost=0 cash=150"));
    // The same in a live session that is begun again for each record.
    for (std::size_t lines = 2; lines <= 4; ++lines) {
        here.write("q.csv", first_lines(kQuotes, lines));
        const Ran live = here.alpha({"live", "--broker", "paper", "--config", "s.yaml", "--journal", "l", "--json"});
        CAPTURE(lines, live.err);
        REQUIRE(live.code == 0);
    }
    CHECK(contains(here.alpha({"log", "--journal", "l", "--type", "position_settled"}).out,
                   "kind=cash date=2026-09-29 price=103"));
    CHECK(here.alpha({"replay", "--verify", "--journal", "l"}).code == 0);
}

TEST_CASE("prices of settlement come from a table, and a mistake in it has its place", "[cli][contracts]") {
    const Desk here;
    here.write("p.csv", "instrument,date,price\n"
                        "NFO:OTHER,2026-09-28,1\n"
                        "NFO:F,2020-01-01,1\n"
                        "NFO:F,2026-09-28,99.5\n"
                        "NSE:I,2026-09-29,90.25\n");
    const Ran ran = here.backtest(scenario("settlements: p.csv\n"));
    CAPTURE(ran.err);
    REQUIRE(ran.code == 0);
    CHECK(json_field(ran.out, "cash") == "\"99512.5\"");  // (90.25 - 100) x 50
    CHECK(line_count(here.alpha({"log", "--journal", "j", "--type", "settlement_price"}).out) == 2);
    CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
    const auto said = [&](const std::string& row) {
        here.write("p.csv", "instrument,date,price\n" + row + "\n");
        const Ran bad = here.backtest(scenario("settlements: p.csv\n"));
        CHECK(bad.code == 2);
        return bad.err;
    };
    CHECK(contains(said("NFO:F,2026-09-28,x"), "p.csv:2: column 'price' has 'x': it is no price"));
    CHECK(contains(said("NFO:F,28-09-2026,1"), "p.csv:2: column 'date'"));
    CHECK(contains(said("NFO:G,2026-09-28,1"), "did you mean 'NFO:F'?"));
    std::filesystem::remove(here.path("p.csv"));
    CHECK(contains(here.backtest(scenario("settlements: p.csv\n")).err, "s.yaml:9:14: settlements: "));
}

TEST_CASE("what a contract lacks is told before it is traded", "[cli][contracts]") {
    const Desk here;
    std::string text = scenario();
    text.replace(text.find("kind: future"), 12, "kind: call");
    CHECK(
        contains(here.backtest(text).err, "settles an option by its strike, which is not written; add strike: 25000"));
    text = scenario();
    text.replace(text.find("underlying: \"NSE:I\""), 19, "underlying: \"NSE:J\"");
    const Ran ran = here.backtest(text);
    CHECK(ran.code == 0);
    CHECK(contains(ran.err, "NFO:F is written on 'NSE:J', which the scenario does not name"));
    CHECK(json_field(ran.out, "cash") == "\"100150\"");  // at its own last price
    text.replace(text.find("multiplier: 5"), 13, "multiplier: 0");
    CHECK(contains(here.backtest(text).err, "multiplier"));
}

TEST_CASE("shares that came by delivery can be sold by what only reduces, and those that went are not sold again",
          "[cli][contracts]") {
    const Desk here;
    here.write("q.csv", std::string(kHead) + "1790569800000000000,NFO:P,5,500,5,500\n"
                                             "1790569860000000000,NSE:S,90,500,90,500\n"
                                             "1790656200000000000,NSE:S,90,500,90,500\n"
                                             "1790742600000000000,NSE:S,80,500,80,500\n"
                                             "1790742660000000000,NSE:S,80,500,80,500\n"
                                             "1790742720000000000,NSE:S,120,500,120,500\n");
    const auto traded = [&](const std::string& side, const std::string& orders) {
        const Ran ran =
            here.backtest("name: delivered\n"
                          "account: {currency: INR, cash: 100000}\n"
                          "data: [{file: q.csv, kind: quotes}]\n"
                          "instruments:\n"
                          "  \"NFO:P\": {calendar: NSE_FO, kind: put, strike: 100, underlying: \"NSE:S\", "
                          "expiry: 2026-09-29, settlement: delivery}\n"
                          "  \"NSE:S\": {calendar: NSE_EQ}\n"
                          "strategies:\n"
                          "  - {id: p, use: script, instruments: [\"NFO:P\"], product: nrml, params: "
                          "{orders: at 1 " +
                          side +
                          " 10 NFO:P}}\n"
                          "  - {id: s, use: script, instruments: [\"NSE:S\"], product: cnc, params: {orders: \"" +
                          orders + "\"}}\n");
        CAPTURE(ran.err);
        CHECK(ran.code == 0);
        CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
        return ran.out;
    };
    // Who wrote the put receives ten at 100; an order that only reduces sells them at 80.
    const std::string received = traded("sell", "at 4 sell 10 NSE:S reduce_only");
    CHECK(json_field(received, "cash") == "\"99850\"");
    // Who holds it delivers the ten that were bought at 90: a stop that guarded them ends, and so does a sale that waited.
    const std::string delivered = traded("buy", "at 1 buy 10 NSE:S; at 2 sell 10 NSE:S stop 85 gtc reduce_only");
    CHECK(json_field(delivered, "cash") == "\"100050\"");
    CHECK(contains(delivered, "\"positions\":{}"));
    const std::string promised = traded("buy", "at 1 buy 10 NSE:S; at 2 sell 10 NSE:S limit 115 gtc");
    CHECK(json_field(promised, "cash") == "\"100050\"");
    CHECK(contains(promised, "\"positions\":{}"));
}
