#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <thread>

TEST_CASE("a program can read the result: one JSON object, counts as numbers, money as strings", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 5'000));
    const Ran ran = here.alpha({"backtest", "s.yaml", "--json", "--journal", "j"});
    REQUIRE(ran.code == 0);
    CHECK(ran.err.empty());
    CHECK(line_count(ran.out) == 1);
    CHECK(json_field(ran.out, "scenario") == "\"story\"");
    CHECK(json_field(ran.out, "ticks") == "5000");
    CHECK(json_field(ran.out, "bars") == "0");
    CHECK(std::stoi(json_field(ran.out, "fills")) > 10);
    for (const char* count : {"events", "orders", "refused"}) {
        CAPTURE(count);
        CHECK(std::stoi(json_field(ran.out, count)) >= 0);
    }
    for (const char* amount :
         {"cash", "equity", "realized_pnl", "unrealized_pnl", "charges", "log_head", "state_digest"}) {
        CAPTURE(amount);
        CHECK(json_field(ran.out, amount).starts_with("\""));
    }
    CHECK(json_field(ran.out, "log_head").size() == 66);
    CHECK(json_field(ran.out, "journal") == "\"j\"");
    for (const char* measured : {"wall_s", "events_per_s", "peak_rss_mb"}) {
        CAPTURE(measured);
        CHECK(std::stod(json_field(ran.out, measured)) > 0);
    }
    CHECK(contains(ran.out, R"("portfolios":{"main":{)"));
    CHECK(contains(ran.out, R"("strategies":{"cross":{)"));
    here.write("result.json", ran.out);
    CHECK(here.shell("python3 -m json.tool result.json").code == 0);
}

TEST_CASE("the summary shows what a trader looks for", "[cli]") {
    const Workplace here;
    here.write("story.yaml", synth_scenario("story", 5'000));
    const Ran ran = here.alpha({"backtest", "story.yaml"});
    REQUIRE(ran.code == 0);
    CHECK(ran.err.empty());
    for (const char* part :
         {"Net return", "Max drawdown", "Equity", "Charges", "Fills", "instrument", "NSE:ALPHA", "strategy", "cross",
          "₹10,00,000.00", "log head", "journal: runs/story-1", "reproduce: alpha backtest story.yaml"}) {
        CAPTURE(part, ran.out);
        CHECK(contains(ran.out, part));
    }
}

TEST_CASE("quiet means one line", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 2'000));
    const Ran ran = here.alpha({"backtest", "s.yaml", "-q"});
    CHECK(ran.code == 0);
    CHECK(line_count(ran.out) == 1);
    CHECK(ran.err.empty());
}

TEST_CASE("the fills file holds every fill under the columns that others read", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 5'000));
    here.write("fills.csv", "an older file\n");
    const Ran ran = here.alpha({"backtest", "s.yaml", "--json", "--journal", "j", "--fills", "fills.csv"});
    REQUIRE(ran.code == 0);
    const std::string fills = here.read("fills.csv");
    CHECK(fills.starts_with("ts_ns,instrument,side,quantity,price,order,strategy,"));
    CHECK(contains(fills, ",BUY,10,"));
    CHECK(contains(fills, ",SELL,10,"));
    CHECK(std::to_string(line_count(fills) - 1) == json_field(ran.out, "fills"));
    CHECK(here.shell("ls -A | sort | tr '\\n' ' '").out == "fills.csv j runs s.yaml ");
}

TEST_CASE("a journal is never overwritten", "[cli]") {
    const Workplace here;
    here.write("a.yaml", synth_scenario("a", 2'000));
    here.write("b.yaml", synth_scenario("b", 3'000));
    REQUIRE(here.alpha({"backtest", "a.yaml", "--journal", "j"}).code == 0);
    const std::string before = here.alpha({"log", "--journal", "j"}).out;
    const Ran again = here.alpha({"backtest", "b.yaml", "--journal", "j", "--fills", "f.csv"});
    CHECK(again.code == 2);
    CHECK(contains(again.err, "j"));
    CHECK(again.out.empty());
    CHECK_FALSE(here.has("f.csv"));
    CHECK(here.alpha({"log", "--journal", "j"}).out == before);
}

TEST_CASE("without a name each run gets the next free journal", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("my-story", 1'000));
    for (const char* expected : {"\"runs/my-story-1\"", "\"runs/my-story-2\""}) {
        const Ran ran = here.alpha({"backtest", "s.yaml", "--json"});
        REQUIRE(ran.code == 0);
        CHECK(json_field(ran.out, "journal") == expected);
    }
    CHECK(here.has("runs/my-story-1"));
    CHECK(here.has("runs/my-story-2"));
}

TEST_CASE("a bad scenario is refused with every mistake on a line of its own", "[cli]") {
    const Workplace here;
    std::string text = synth_scenario("s", 1'000);
    text.replace(text.find("strategies:"), 11, "strategie:");
    text.replace(text.find("cash: 1000000"), 13, "cash: lots");
    here.write("bad.yaml", text);
    const auto before = here.names();
    const Ran ran = here.alpha({"backtest", "bad.yaml", "--journal", "j", "--fills", "f.csv"});
    CHECK(ran.code == 2);
    CHECK(ran.out.empty());
    CHECK(line_count(ran.err) >= 2);
    CHECK(contains(ran.err, "bad.yaml:2:"));
    CHECK(contains(ran.err, "bad.yaml:4:"));
    CHECK(here.names() == before);

    const Ran missing = here.alpha({"backtest", "none.yaml"});
    CHECK(missing.code == 2);
    CHECK(contains(missing.err, "none.yaml"));
    CHECK(here.names() == before);
}

TEST_CASE("bad data ends with its line and leaves neither journal nor fills", "[cli]") {
    const Workplace here;
    here.write("x.csv", few_quotes("nan"));
    here.write("s.yaml", hold_scenario("s", "x.csv"));
    here.write("fills.csv", "an older file\n");
    const auto before = here.names();
    const Ran ran = here.alpha({"backtest", "s.yaml", "--journal", "j", "--fills", "fills.csv"});
    CHECK(ran.code == 3);
    CHECK(contains(ran.err, "x.csv:4"));
    CHECK(ran.out.empty());
    CHECK(here.names() == before);
    CHECK(here.read("fills.csv") == "an older file\n");
}

TEST_CASE("a fills file that cannot be written is refused before the run", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 1'000));
    const auto before = here.names();
    CHECK(here.alpha({"backtest", "s.yaml", "--fills", "nowhere/f.csv"}).code == 2);
    CHECK(here.alpha({"backtest", "s.yaml", "--fills", "."}).code == 2);
    CHECK(here.names() == before);
}

TEST_CASE("a reader that goes away does not spoil the run", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 2'000));
    const Ran ran = here.shell("set -o pipefail; $ALPHA backtest s.yaml --journal j | head -n 1");
    CHECK(ran.code == 0);
    CHECK(ran.err.empty());
    CHECK(line_count(ran.out) == 1);
    const Ran none = here.shell("set -o pipefail; $ALPHA backtest s.yaml --journal k | true");
    CHECK(none.code == 0);
    CHECK(none.err.empty());
    CHECK(here.alpha({"log", "--journal", "k", "--limit", "1"}).code == 0);
}

TEST_CASE("an interrupted run ends with a whole journal and says that it was interrupted", "[cli]") {
    const Workplace here;
    // Minutes of work on any machine, of which only the beginning is done.
    here.write("s.yaml", synth_scenario("s", 400'000'000));
    const int signal = GENERATE(SIGINT, SIGTERM);
    const pid_t process = here.start({"backtest", "s.yaml", "--json", "--journal", "made/j", "--fills", "f.csv"});
    // The folder appears once the run has begun; signals are heeded from before that.
    for (int i = 0; i < 1'000 && !here.has("made"); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    REQUIRE(here.has("made"));
    REQUIRE(kill(process, signal) == 0);
    const Ran ran = here.finish(process);
    CHECK(ran.code == 130);
    CHECK(json_field(ran.out, "interrupted") == "true");
    CHECK(contains(ran.err, "interrupted"));
    const std::string events = json_field(ran.out, "events");
    const Ran last = here.alpha({"log", "--journal", "made/j", "--from", std::to_string(std::stoull(events) - 1)});
    CHECK(last.code == 0);
    CHECK(line_count(last.out) == 1);
    CHECK(std::to_string(line_count(here.read("f.csv")) - 1) == json_field(ran.out, "fills"));
}

TEST_CASE("a run that ended with its kill switch latched says so in its exit code", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 20'000) + "risk: {max_daily_loss: 1}\n");
    const Ran ran = here.alpha({"backtest", "s.yaml", "--journal", "j"});
    CHECK(ran.code == 6);
    CHECK(contains(ran.out, "kill switch"));
    CHECK(contains(ran.out, "journal: j"));
    const Ran quiet = here.alpha({"backtest", "s.yaml", "--journal", "quiet", "-q"});
    CHECK(quiet.code == 6);
    CHECK(quiet.err == "! portfolio main: the kill switch is latched (entries); since then it only reduces\n");
}

TEST_CASE("a warning of refused orders names the rules", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 5'000) + "risk: {max_position: 5}\n");
    const Ran ran = here.alpha({"backtest", "s.yaml", "--journal", "j"});
    REQUIRE(ran.code == 0);
    const Ran listed = here.alpha({"log", "j", "--type", "order_refused"});
    REQUIRE(line_count(listed.out) > 1);
    const std::string count = std::to_string(line_count(listed.out));
    CHECK(contains(ran.out,
                   "! orders were refused: " + count + " by position; alpha log j --type order_refused lists them\n"));
    const Ran json = here.alpha({"backtest", "s.yaml", "--journal", "json", "--json"});
    CHECK(contains(json.out, R"("refused_by":{"position":)" + count + "}"));
}

TEST_CASE("what is still open at the end of a run is mentioned", "[cli]") {
    const Workplace here;
    here.write("q.csv", few_quotes("100.20"));
    const auto scenario = [&](const std::string& orders) {
        here.write("s.yaml",
                   "name: s\naccount: {currency: INR, cash: 10000}\ndata: [{file: q.csv, kind: quotes}]\nstrategies:\n"
                   "  - {id: a, use: script, instruments: [\"NSE:X\"], params: {orders: \"" +
                       orders + "\"}}\n");
        return here.alpha({"backtest", "s.yaml"}).out;
    };
    CHECK(contains(scenario("at 1 buy 10 NSE:X; at 2 buy 10 NSE:X limit 90; at 2 buy 10 NSE:X limit 80"),
                   "\nStill open: 2 orders, 1 position (alpha show orders runs/s-1 --open)\n"));
    CHECK(line_count(here.alpha({"show", "orders", "runs/s-1", "--open"}).out) == 3);
    CHECK(contains(scenario("at 1 buy 10 NSE:X"), "\nStill open: 1 position\n"));
    CHECK_FALSE(contains(scenario("at 1 buy 10 NSE:X; at 2 sell 10 NSE:X"), "Still open"));
    CHECK(json_field(here.alpha({"backtest", "s.yaml", "--json"}).out, "open_orders") == "0");
}

TEST_CASE("twenty daily bars make an equity curve of twenty points, of two instruments too", "[cli]") {
    const Workplace here;
    std::string bars = "date,instrument,open,high,low,close,volume\n";
    for (int day = 1; day <= 20; ++day) {
        for (const char* instrument : {"A", "B"}) {
            bars += fmt::format("2024-01-{:02},{},{},{},{},{},1000\n", day, instrument, 100 + day, 103 + day, 99 + day,
                                102 + day);
        }
    }
    here.write("bars.csv", bars);
    here.write("s.yaml",
               "name: s\naccount: {currency: USD, cash: 10000}\ndata: [{file: bars.csv, kind: bars, interval: day}]\n"
               "strategies:\n  - {id: hold, use: buy_and_hold, instruments: [A, B], params: {quantity: 10}}\n");
    const Ran ran = here.alpha({"backtest", "s.yaml", "--journal", "j"});
    REQUIRE(ran.code == 0);
    const std::size_t begin = ran.out.find("\nEquity  ") + 9;
    const std::string curve = ran.out.substr(begin, ran.out.find("   DD  ") - begin);
    CHECK(curve.size() == 20 * std::string("█").size());
    CHECK(curve.starts_with("▁"));
    CHECK(curve.ends_with("█"));
}

TEST_CASE("commands that are printed can be pasted into a shell", "[cli]") {
    const Workplace here;
    const std::string paste = "alpha() { $ALPHA \"$@\"; }; ";
    here.write("it's a/my story.yaml",
               "name: s\naccount: {currency: INR, cash: 10000}\ndata: [{file: q.csv, kind: quotes}]\nstrategies:\n"
               "  - {id: a, use: script, instruments: [\"NSE:X\"], params: {orders: \""
               "at 1 buy 10 NSE:X limit 90; at 1 buy 100 NSE:X\"}}\nrisk: {max_position: 50}\n");
    here.write("it's a/q.csv", few_quotes("100.20"));
    const Ran ran = here.alpha({"backtest", "it's a/my story.yaml", "--journal", "my runs/1 (one)"});
    REQUIRE(ran.code == 0);
    here.write("out", ran.out);
    const auto pasted = [&](const std::string& pattern) {
        return here.shell(paste + "eval \"$(sed -n 's/" + pattern + "/\\1/p' out)\"");
    };
    const Ran again = pasted("^reproduce: \\(.*\\)$");
    CHECK(again.code == 0);
    CHECK(contains(again.out, "journal: runs/s-1"));
    const Ran open = pasted(".*(\\(alpha show .*\\))$");
    CHECK(open.code == 0);
    CHECK(line_count(open.out) == 2);
    const Ran refused = pasted(".*; \\(alpha log .*\\) lists them$");
    CHECK(refused.code == 0);
    CHECK(contains(refused.out, "rule=position"));
    here.write("out", here.alpha({"fork", "my runs/1 (one)", "--at", "0", "--to", "-f"}).out);
    CHECK(here.has("-f"));
    CHECK(contains(pasted("^compare: \\(.*\\)$").out, "identical"));
}

TEST_CASE("the summary of the demo fits eighty columns, and shows more on a wider terminal", "[cli]") {
    const Workplace here;
    const std::string run = "$ALPHA backtest '" ALPHA_SOURCE_DIR "/scenarios/demo.yaml' --journal ";
    const std::string widest =
        " | python3 -c 'import sys; print(max(len(l.rstrip()) for l in sys.stdin if not l.startswith(\"reproduce\")))'";
    CHECK(std::stoi(here.shell("NO_COLOR=1 " + run + "j" + widest).out) <= 80);
    const auto at = [&](int columns) {
        return here
            .shell(fmt::format(
                "NO_COLOR=1 script -qec \"stty cols {}; {} t{}\" /dev/null 2>&1 | tr '\\r' '\\n' | grep ^instrument",
                columns, run, columns))
            .out;
    };
    CHECK_FALSE(contains(at(80), "traded"));
    CHECK(contains(at(140), "traded"));
}

TEST_CASE("the summary's maximum drawdown is that of every mark, not of samples", "[cli]") {
    const Workplace here;
    // 90 bought at 101 of 10,000: cash 910. For one second of a thousand the mark is 40.5: equity 910 + 3,645 = 4,555, which is
    // 54.45 % below 10,000.
    std::string quotes = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
    for (int i = 0; i < 1'000; ++i) {
        quotes += std::to_string(1'704'167'100 + i);
        quotes += i == 500 ? "000000000,ACME,40,100,41,100\n" : "000000000,ACME,100,100,101,100\n";
    }
    here.write("q.csv", quotes);
    here.write("s.yaml", "name: dip\naccount: {currency: INR, cash: 10000}\ndata: [{file: q.csv, kind: quotes}]\n"
                         "strategies: [{id: e, use: buy_and_hold, instruments: [ACME], params: {quantity: 90}}]\n");
    const Ran shown = here.alpha({"backtest", "s.yaml"});
    CHECK(contains(shown.out, "-54.45%"));
    CHECK(contains(here.alpha({"backtest", "s.yaml", "--json"}).out,
                   R"("max_drawdown":{"peak":"10000","trough":"4555"})"));
}

TEST_CASE("an order beyond the account's cash is refused, and what leverage none allows is warned of", "[cli]") {
    const Workplace here;
    here.write("q.csv", "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n1704167100000000000,ACME,99.95,500,100.05,500\n"
                        "1704167101000000000,ACME,95,500,95.10,500\n");
    const auto scenario = [](const std::string& account) {
        return "name: cash\naccount: {currency: INR, cash: 1000" + account +
               "}\ndata: [{file: q.csv, kind: quotes}]\n"
               "strategies: [{id: b, use: buy_and_hold, instruments: [ACME], params: {quantity: 1000}}]\n";
    };
    here.write("s.yaml", scenario(""));
    const Ran refused = here.alpha({"backtest", "s.yaml", "--json"});
    CHECK(json_field(refused.out, "fills") == "0");
    CHECK(contains(refused.err, "by buying_power"));
    here.write("n.yaml", scenario(", leverage: none"));
    const Ran allowed = here.alpha({"backtest", "n.yaml"});
    CHECK(contains(allowed.out, "cash fell to"));
    here.write("l.yaml", scenario(", leverage: 5000"));
    CHECK(here.alpha({"backtest", "l.yaml"}).code == 2);
}

TEST_CASE("a strategy averages bars of two intervals of one instrument", "[cli]") {
    const Workplace here;
    const std::string header = "timestamp,instrument,open,high,low,close,volume\n";
    here.write("1m.csv", header + "2024-01-02T09:15:00Z,A,10,10,10,10,1\n2024-01-02T09:16:00Z,A,11,11,11,11,1\n");
    here.write("5m.csv", header + "2024-01-02T09:15:00Z,A,10,12,10,12,9\n");
    const auto scenario = [](const std::string& first, const std::string& second) {
        return "name: s\naccount: {currency: INR, cash: 1000}\ndata: [" + first + ", " + second +
               "]\nstrategies:\n  - {id: cross, use: sma_cross, instruments: [A], params: {fast: 1, slow: 2, quantity: "
               "1}}\n";
    };
    const std::string sentence = "sma_cross reads bars of one interval, and A has bars of 1m and 5m; say which: write "
                                 "interval: 1m or 5m among its params";
    here.write("unknown.yaml",
               scenario("{file: 1m.csv, kind: bars, interval: 1m}", "{file: 5m.csv, kind: bars, interval: 5m}"));
    CHECK(here.alpha({"backtest", "unknown.yaml", "--journal", "j", "-q"}).code == 6);
    CHECK(contains(here.alpha({"log", "j", "--type", "strategy_halted"}).out, sentence));
    // A data set says beforehand what it holds.
    for (const std::string interval : {"1m", "5m"}) {
        REQUIRE(here.alpha({"data", "import", interval + ".csv", "--to", interval + ".alpha", "--kind", "bars",
                            "--interval", interval, "-q"})
                    .code == 0);
    }
    here.write("known.yaml", scenario("{file: 1m.alpha}", "{file: 5m.alpha}"));
    const Ran refused = here.alpha({"backtest", "known.yaml", "-q"});
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "known.yaml:5:"));
    CHECK(contains(refused.err, sentence));
}

TEST_CASE("a gap that took an account beyond its buying power is told, though it is back within at the end", "[cli]") {
    const Workplace here;
    here.write("d.csv", "date,open,high,low,close,volume\n2024-01-01,100,100,100,100,1\n2024-01-02,110,120,110,120,1\n"
                        "2024-01-03,120,120,120,120,1\n");
    here.write("s.yaml",
               "name: gap\naccount: {currency: INR, cash: 1000}\n"
               "data: [{file: d.csv, kind: bars, instrument: ACME, interval: day}]\n"
               "strategies: [{id: h, use: script, instruments: [ACME], params: {orders: \"at 2 buy 10 ACME; at 4 sell "
               "10 ACME\"}}]\n"
               "broker: {paper: {fill: next_open}}\n");
    const Ran ran = here.alpha({"backtest", "s.yaml", "--json"});
    CHECK(json_field(ran.out, "cash") == "\"1100\"");
    CHECK(contains(ran.out, "portfolio main: a loss or a gap took what it holds and orders ₹100.00 beyond its buying "
                            "power (account.leverage)"));
}

TEST_CASE("data of before 1970 and volumes beyond any order are taken as they are", "[cli]") {
    const Workplace here;
    const std::string bars = "date,open,high,low,close,volume\n"
                             "1969-12-29,10,11,9,10,390000000000.5\n"
                             "1969-12-31,11,12,10,11,100.5\n"
                             "1970-01-01,12,13,11,12,92233720368\n"
                             "1970-01-02,12,13,11,13,5\n";
    here.write("old.csv", bars);
    const auto scenario = [](const std::string& source) {
        return "name: old\naccount: {currency: USD, cash: 1000}\ndata: [{" + source +
               "}]\nsnapshot_interval: 1d\nbroker: {paper: {use_size: true, volume_share: 1%}}\nstrategies:\n"
               "  - {id: b, use: buy_and_hold, instruments: [IBM], params: {quantity: 10}}\n";
    };
    here.write("s.yaml", scenario("file: old.csv, kind: bars, interval: day, instrument: IBM"));
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "j"}).code == 0);
    const std::string log = here.alpha({"log", "--journal", "j"}).out;
    CHECK(contains(log, "0 1800-01-01T00:00:00Z session_configured"));
    CHECK(contains(log, "1969-12-29T00:00:00Z session_opened instrument=IBM date=1969-12-29"));
    CHECK(contains(log, "1969-12-31T00:00:00Z pnl_snapshot"));  // at the boundary of a day before 1970
    CHECK(contains(log, "volume=390000000000 "));
    CHECK(contains(log, "side=buy quantity=10 price=10 "));  // of 1 % of that
    CHECK(contains(log, "volume=92233720368 "));
    CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
    CHECK(here.alpha({"verify", "j"}).code == 0);
    // The same from a data set, live, and cut in the middle.
    REQUIRE(here.alpha({"data", "import", "old.csv", "--kind", "bars", "--interval", "day", "--instrument", "IBM",
                        "--to", "old.alpha"})
                .code == 0);
    here.write("t.yaml", scenario("file: old.alpha"));
    REQUIRE(here.alpha({"backtest", "t.yaml", "--journal", "k"}).code == 0);
    CHECK(contains(here.alpha({"diff", "j", "k"}).out, "identical"));
    for (std::size_t lines = 2; lines <= 5; ++lines) {
        here.write("old.csv", first_lines(bars, lines));
        const Ran ran = here.alpha({"live", "--broker", "paper", "--config", "s.yaml", "--journal", "l"});
        CAPTURE(lines, ran.err);
        REQUIRE(ran.code == 0);
    }
    CHECK(contains(here.alpha({"diff", "j", "l"}).out, "identical"));
    here.write("old.csv", "date,open,high,low,close,volume\n1970-01-01,0.000000001,1,1,1,1\n");
    // Nine decimals are rounded to eight.
    CHECK(contains(here.alpha({"backtest", "s.yaml", "--journal", "n"}).err, "a price is 0"));
    here.write("old.csv", "date,open,high,low,close,volume\n1799-12-31,1,1,1,1,1\n");
    CHECK(contains(here.alpha({"backtest", "s.yaml", "--journal", "n"}).err,
                   "(1799-12-31T00:00:00Z) is outside 1800 to 2199"));
}
