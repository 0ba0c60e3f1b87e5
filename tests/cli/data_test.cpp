#include "tests/cli/run_alpha.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fmt/format.h>

TEST_CASE("synthetic data, its CSV and the data set made of it hold the same records", "[cli]") {
    const Workplace here;
    const std::vector<std::string> synth{"data",        "synth",      "--seed",        "5",
                                         "--ticks",     "3000",       "--instruments", "NSE:P,NSE:Q",
                                         "--first-day", "2024-02-05", "--json",        "--to"};
    const auto with = [](std::vector<std::string> arguments, const char* last) {
        arguments.emplace_back(last);
        return arguments;
    };
    REQUIRE(here.alpha(with(synth, "t.csv")).code == 0);
    const Ran direct = here.alpha(with(synth, "direct.alpha"));
    REQUIRE(direct.code == 0);
    const Ran imported =
        here.alpha({"data", "import", "t.csv", "--kind", "quotes", "--to", "imported.alpha", "--json"});
    REQUIRE(imported.code == 0);
    CHECK(json_field(direct.out, "content_hash").size() == 66);
    CHECK(json_field(direct.out, "content_hash") == json_field(imported.out, "content_hash"));

    const Ran csv = here.alpha({"data", "info", "t.csv", "--json"});
    const Ran set = here.alpha({"data", "info", "imported.alpha", "--json"});
    REQUIRE(csv.code == 0);
    REQUIRE(set.code == 0);
    for (const char* key : {"kind", "symbols", "records", "first_ts_ns", "last_ts_ns"}) {
        CAPTURE(key);
        CHECK(json_field(csv.out, key) == json_field(set.out, key));
    }
    CHECK(json_field(set.out, "records") == "3000");
    const Ran text = here.alpha({"data", "info", "t.csv"});
    for (const char* part : {"3,000 quotes", "NSE:P", "NSE:Q", "2024-02-05T03:45:"}) {
        CAPTURE(part, text.out);
        CHECK(contains(text.out, part));
    }
}

TEST_CASE("data files are never overwritten", "[cli]") {
    const Workplace here;
    here.write("t.csv", few_quotes("100.30"));
    here.write("t.alpha", "precious");
    CHECK(here.alpha({"data", "synth", "--to", "t.csv"}).code == 2);
    CHECK(here.alpha({"data", "import", "t.csv", "--kind", "quotes", "--to", "t.alpha"}).code == 2);
    CHECK(here.read("t.csv") == few_quotes("100.30"));
    CHECK(here.read("t.alpha") == "precious");
    const Ran odd = here.alpha({"data", "synth", "--to", "t.parquet"});
    CHECK(odd.code == 2);
    CHECK(contains(odd.err, ".csv"));
}

TEST_CASE("a bad import names its line and leaves nothing behind", "[cli]") {
    const Workplace here;
    here.write("t.csv", few_quotes("-1"));
    const auto before = here.names();
    const Ran ran = here.alpha({"data", "import", "t.csv", "--kind", "quotes", "--to", "t.alpha"});
    CHECK(ran.code == 3);
    CHECK(contains(ran.err, "t.csv:4"));
    CHECK(here.names() == before);
}

TEST_CASE("a last line without its end is told of where it goes into a data set", "[cli]") {
    const Workplace here;
    const std::string whole = few_quotes("100");
    here.write("cut.csv", whole.substr(0, whole.size() - 1));
    here.write("whole.csv", whole);
    const std::string says = "cut.csv: its last line is taken, but has no line feed";
    CHECK(contains(here.alpha({"data", "import", "cut.csv", "--kind", "quotes", "--to", "a.alpha", "-q"}).err, says));
    CHECK(contains(here.alpha({"data", "info", "cut.csv", "-q"}).err, says));
    CHECK(here.alpha({"data", "import", "whole.csv", "--kind", "quotes", "--to", "b.alpha", "-q"}).err.empty());
    CHECK(here.read("a.alpha") == here.read("b.alpha"));
}

TEST_CASE("daily bars beside times of day need a session that somebody has written", "[cli]") {
    const Workplace here;
    here.write("d.csv", "date,open,high,low,close,volume\n2024-01-02,100,101,99,100,1\n");
    here.write("m.csv", "timestamp,open,high,low,close,volume\n2024-01-02T09:15:00+05:30,100,101,99,100,1\n"
                        "2024-01-02T09:16:00+05:30,100,101,99,100,1\n");
    const auto run = [&](const std::string& more) {
        here.write("s.yaml", "name: s\naccount: {currency: INR, cash: 1000}\ndata:\n"
                             "  - {file: m.csv, kind: bars, instrument: A, interval: 1m}\n"
                             "  - {file: d.csv, kind: bars, instrument: A, interval: day}\n"
                             "strategies: [{id: h, use: buy_and_hold, instruments: [A], params: {quantity: 1}}]\n" +
                                 more);
        return here.alpha({"backtest", "s.yaml", "-q"});
    };
    const Ran silent = run("");
    CHECK(silent.code == 3);
    CHECK(contains(
        silent.err,
        "give it a calendar or a session, as in instruments: {A: {session: ...}} (utc for the whole UTC day)"));
    CHECK(run("instruments: {A: {tick: 0.05}}\n").code == 3);
    CHECK(run("instruments: {A: {session: utc}}\n").code == 0);
    CHECK(run("default_instrument: {session: utc}\n").code == 0);
    CHECK(run("default_instrument: {session: nse}\n").code == 0);
}

TEST_CASE("what a CSV holds is told without being told its kind", "[cli]") {
    const Workplace here;
    here.write("infy.csv", "date,open,high,low,close,volume\n"
                           "2024-01-01,100,110,90,105,1000\n"
                           "2024-01-02,105,106,104,105.5,1200\n");
    const Ran bars = here.alpha({"data", "info", "infy.csv", "--json"});
    CAPTURE(bars.err);
    REQUIRE(bars.code == 0);
    CHECK(json_field(bars.out, "kind") == "\"bars\"");
    CHECK(json_field(bars.out, "records") == "2");
    CHECK(contains(bars.out, "\"infy\""));

    here.write("letter.csv", "Dear reader,\nthis is no market data.\n");
    const Ran neither = here.alpha({"data", "info", "letter.csv"});
    CHECK(neither.code == 3);
    CHECK(contains(neither.err, "letter.csv:1"));
    CHECK(here.alpha({"data", "info", "nowhere.csv"}).code == 2);
}

TEST_CASE("options that do not belong to the kind of data are refused", "[cli]") {
    const Workplace here;
    here.write("t.csv", few_quotes("100.30"));
    CHECK(here.alpha({"data", "import", "t.csv", "--kind", "quotes", "--interval", "1m", "--to", "t.alpha"}).code == 2);
    CHECK(here.alpha({"data", "import", "t.csv", "--kind", "bars", "--instrument", "X", "--to", "t.alpha"}).code == 3);
    CHECK_FALSE(here.has("t.alpha"));
}

TEST_CASE("bars made on the command line do not begin with the session", "[cli]") {
    const Workplace here;
    here.write("m.csv", "timestamp,open,high,low,close\n2024-01-02 09:14:00,9,9,9,9\n2024-01-02 09:15:00,1,1,1,1\n"
                        "2024-01-02 10:14:00,2,2,2,2\n2024-01-02 10:15:00,3,3,3,3\n2024-01-02 15:29:00,4,4,4,4\n");
    for (const char* when : {"--session=nse", "--session=09:15-15:30+05:30", "--calendar=NSE_EQ"}) {
        const Ran ran = here.alpha({"data", "info", "m.csv", "--resample", "1h", when, "--json"});
        CAPTURE(when, ran.err);
        REQUIRE(ran.code == 0);
        CHECK(contains(ran.out, R"("first_ts_ns":"1704167100000000000","last_ts_ns":"1704188700000000000")"));
        CHECK(contains(ran.out, "left out 1 row outside of the session"));
    }
    const Ran midnight = here.alpha({"data", "info", "m.csv", "--resample", "1h", "--tz", "Asia/Kolkata", "--json"});
    CHECK(contains(midnight.out, R"("first_ts_ns":"1704166200000000000")"));
    CHECK(contains(here.alpha({"data", "info", "m.csv", "--calendar", "NSE"}).err, "there is no such calendar; write"));
    CHECK(here.alpha({"data", "info", "m.csv", "--calendar", "NSE_EQ", "--session", "nse"}).code == 2);
}

TEST_CASE("bars made of shorter ones reach over a break of their session", "[cli]") {
    const Workplace here;
    std::string minutes = "timestamp,open,high,low,close\n";
    for (int minute = 9 * 60 + 15; minute < 12 * 60 + 30; ++minute) {
        minutes += fmt::format("2024-03-02 {:02}:{:02}:00,1,1,1,1\n", minute / 60, minute % 60);
    }
    here.write("m.csv", minutes);  // a Saturday that trades from 09:15 to 10:00 and from 11:30 to 12:30
    const auto told = [&](const char* length) {
        return here.alpha({"data", "info", "m.csv", "--resample", length, "--calendar", "NSE_EQ", "--json"}).out;
    };
    CHECK(contains(told("30m"), R"("records":4,)"));
    CHECK(contains(told("30m"), "left out 90 rows outside of the session"));
    CHECK(contains(told("1h"), R"("records":2,)"));
    CHECK(contains(told("day"), R"("records":1,)"));
}

TEST_CASE("data info reads what import reads, and tells the same", "[cli]") {
    const Workplace here;
    here.write("named.csv", "timestamp,instrument,open,high,low,close,volume\n"
                            "2024-01-02T09:15:00+05:30,A,100,101,99,100,1\n"
                            "2024-01-02T09:20:00+05:30,A,100,101,99,100,1\n"
                            "2024-01-02T09:20:00+05:30,B,100,101,99,100,1\n");
    here.write("one.csv", "timestamp,open,high,low,close\n2024-01-02T09:15:00+05:30,100,101,99,100\n");
    const auto compare = [&](const std::string& file, std::vector<std::string> options) {
        CAPTURE(file);
        options.insert(options.begin(), {"data", "info", file, "--json"});
        const Ran told = here.alpha(options);
        options[1] = "import";
        options.insert(options.end(), {"--to", file + ".alpha"});
        if (std::find(options.begin(), options.end(), "--interval") == options.end()) {
            options.insert(options.end(), {"--kind", "bars", "--interval", "5m"});
        }
        CHECK(here.alpha(options).code == 0);
        const Ran set = here.alpha({"data", "info", file + ".alpha", "--json"});
        CHECK(told.code == 0);
        for (const char* key : {"kind", "interval", "date_only", "symbols", "records", "first_ts_ns", "last_ts_ns"}) {
            CAPTURE(key, told.out, told.err);
            CHECK(json_field(told.out, key) == json_field(set.out, key));
            CHECK_FALSE(json_field(told.out, key).empty());
        }
    };
    compare("named.csv", {});
    compare("one.csv", {"--kind", "bars", "--interval", "1m", "--instrument", "NSE:ONE"});
    const Ran fives = here.alpha({"data", "info", "named.csv", "--interval", "1m"});
    CHECK(fives.code == 0);  // one gap shows nothing
    const Ran wrong = here.alpha({"data", "info", "named.csv", "--instrument", "A"});
    CHECK(wrong.code == 3);
    CHECK(contains(wrong.err, "named.csv:4: instrument 'B' is not 'A'"));
    here.write("q.csv", few_quotes("100.30"));
    CHECK(here.alpha({"data", "info", "q.csv", "--interval", "1m"}).code == 2);
}

TEST_CASE("what was packed with the longest window is read, or the memory that it needs is named", "[cli]") {
    const Workplace here;
    const std::string text = few_quotes("100.30");
    here.write("q.csv", text);
    // A frame as `zstd --long=31` begins one, and one block that is stored as it is.
    const auto block = static_cast<unsigned>(text.size() << 3U | 1U);
    here.write("q.csv.zst", std::string{'\x28', '\xB5', '\x2F', '\xFD', '\0', '\xA8', static_cast<char>(block),
                                        static_cast<char>(block >> 8U), static_cast<char>(block >> 16U)} +
                                text);
    const Ran whole = here.alpha({"data", "info", "q.csv.zst"});
    CAPTURE(whole.err);
    CHECK(whole.code == 0);
    CHECK(contains(whole.out, "3 quotes"));
    // The window is 2 GB; a program under sanitizers cannot be held to so little.
    if (here.shell("ulimit -v 1500000; $ALPHA data info q.csv").code != 0) {
        WARN("SKIPPED: this build needs more than 1.5 GB of addresses for itself");
        return;
    }
    const Ran held = here.shell("ulimit -v 1500000; $ALPHA data info q.csv.zst");
    CHECK(held.code == 3);
    CHECK(contains(held.err, "q.csv.zst: its zstd stream was made with so long a window"));
}

// ---- data that lack something -----------------------------------------------------------------------------------------

namespace {

std::string scenario_on(const std::string& data, const std::string& use, const std::string& instruments,
                        const std::string& params) {
    return fmt::format("name: lacks\n"
                       "account: {{currency: INR, cash: 100000}}\n"
                       "data: [{}]\n"
                       "strategies: [{{id: s, use: {}, instruments: [{}], params: {{{}}}}}]\n",
                       data, use, instruments, params);
}

const std::string kMinutes = "timestamp,open,high,low,close\n"
                             "2024-01-02T09:15:00+05:30,10,10,10,10\n"
                             "2024-01-02T09:16:00+05:30,11,11,11,11\n";

}  // namespace

TEST_CASE("data that lack what a strategy trades on are told of in every form, and refused with --strict", "[cli]") {
    const Workplace here;
    here.write("q.csv", few_quotes("100.30"));
    here.write("m.csv", kMinutes);
    here.write("none.csv", "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n");
    const std::string quotes = "{file: q.csv, kind: quotes}";
    const std::string minutes = "{file: m.csv, kind: bars, instrument: \"NSE:M\", interval: 1m}";
    struct Case {
        std::string data;
        std::string use;
        std::string instruments;
        std::string params;
        std::vector<std::string> warnings;
    };
    const std::string crossing = "fast: 2, slow: 3, quantity: 1";
    const std::vector<Case> cases{
        {quotes,
         "buy_and_hold",
         "\"NSE:Y\"",
         "quantity: 1",
         {"strategy s: 'NSE:Y' never appeared in the data; did you mean 'NSE:X'?"}},
        {quotes,
         "buy_and_hold",
         "\"NSE:X\", PLUM",
         "quantity: 1",
         {"strategy s: 'PLUM' never appeared in the data; they hold NSE:X"}},
        {quotes,
         "sma_cross",
         "\"NSE:X\"",
         crossing,
         {"strategy s: sma_cross trades on bars, and the data hold only quotes of 'NSE:X'"}},
        {minutes,
         "ema_cross",
         "\"NSE:M\"",
         crossing,
         {"strategy s: ema_cross trades on quotes, and the data hold only bars of 'NSE:M'"}},
        {minutes + ", " + quotes,
         "market_maker",
         "\"NSE:M\", \"NSE:X\"",
         "quantity: 1, max_inventory: 5, half_spread: 0.1, requote: 0.1",
         {"strategy s: market_maker trades on quotes, and the data hold only bars of 'NSE:M'"}},
        {"{file: none.csv, kind: quotes}", "buy_and_hold", "\"NSE:X\"", "quantity: 1", {"none.csv: holds no record"}},
        {quotes + ", {file: none.csv, kind: quotes}",
         "buy_and_hold",
         "\"NSE:X\"",
         "quantity: 1",
         {"none.csv: holds no record"}},
        {quotes, "buy_and_hold", "\"NSE:X\"", "quantity: 1", {}},
        {minutes, "buy_and_hold", "\"NSE:M\"", "quantity: 1", {}},
        {minutes, "script", "\"NSE:M\"", "orders: \"at 1 buy 1 NSE:M\"", {}},
    };
    int n = 0;
    for (const Case& each : cases) {
        const std::string journal = "j" + std::to_string(++n);
        here.write("s.yaml", scenario_on(each.data, each.use, each.instruments, each.params));
        const Ran json = here.alpha({"backtest", "s.yaml", "--json", "-q", "--journal", journal});
        const Ran text = here.alpha({"backtest", "s.yaml", "--journal", journal + "t"});
        const Ran live = here.alpha({"live", "--broker", "paper", "--config", "s.yaml", "-q", "--strict", "--journal",
                                     journal + "l", "--fills", journal + ".csv"});
        const Ran strict =
            here.alpha({"backtest", "s.yaml", "-q", "--strict", "--journal", journal + "s", "--fills", "f.csv"});
        CAPTURE(each.data, each.use, each.instruments, json.err, text.err, strict.err, live.err);
        CHECK(json.code == 0);
        CHECK(text.code == 0);
        CHECK(line_count(json.err) == each.warnings.size());
        for (const std::string& warning : each.warnings) {
            CHECK(contains(json.err, "! " + (warning.starts_with("strategy") ? warning : "")));
            CHECK(contains(json.err, warning));
            CHECK(contains(json.out, warning));
            CHECK(contains(text.err, warning));
            CHECK(contains(text.out, "! "));
            CHECK(contains(strict.err, "error: "));
            CHECK(contains(strict.err, warning));
            CHECK(contains(live.err, "error: "));
            CHECK(contains(live.err, warning));
        }
        const bool lacks = !each.warnings.empty();
        CHECK(strict.code == (lacks ? 3 : 0));
        CHECK(live.code == (lacks ? 3 : 0));
        CHECK(here.has(journal + "s") != lacks);  // a backtest is to be run again under the same name
        CHECK(here.has("f.csv") != lacks);
        CHECK(here.has(journal + "l"));  // what a session did stays
        CHECK(here.has(journal + ".csv"));
        CHECK(here.alpha({"verify", "--journal", journal + "l"}).code == 0);
        here.shell("rm -f f.csv");
    }
}

TEST_CASE("a live session that goes on where it was has not forgotten what appeared before", "[cli]") {
    const Workplace here;
    here.write("q.csv", few_quotes("100.30") + "1704080703000000000,NSE:Z,1,1,2,1\n");
    here.write("s.yaml", scenario_on("{file: q.csv, kind: quotes}", "buy_and_hold", "\"NSE:X\"", "quantity: 1"));
    const std::vector<std::string> live{"live",     "--broker", "paper",     "--config", "s.yaml",
                                        "--strict", "-q",       "--journal", "j"};
    CHECK(here.alpha(live).code == 0);
    const Ran again = here.alpha(live);
    CAPTURE(again.err);
    CHECK(again.code == 0);
    CHECK(again.err.empty());
}

TEST_CASE("bars from a sender whose interval looks too short are warned of, not refused", "[cli]") {
    const Workplace here;
    here.write("five.csv", "timestamp,open,high,low,close\n"
                           "2024-01-02T09:15:00+05:30,10,10,10,10\n"
                           "2024-01-02T09:20:00+05:30,11,11,11,11\n"
                           "2024-01-02T09:25:00+05:30,11,11,11,11\n"
                           "2024-01-02T09:30:00+05:30,11,11,11,11\n");
    here.write("s.yaml", scenario_on("{stream: stdin, kind: bars, instrument: X, interval: 1m}", "buy_and_hold", "X",
                                     "quantity: 1"));
    const Ran ran = here.shell("$ALPHA backtest s.yaml -q --strict --journal j < five.csv");
    CHECK(ran.code == 0);
    CHECK(line_count(ran.err) == 1);
    CHECK(contains(ran.err, "! standard input:3: the interval is 1m, but within sessions bars begin 5m apart"));
    // The same as a file is refused before anything is decided.
    here.write("f.yaml", scenario_on("{file: five.csv, kind: bars, instrument: X, interval: 1m}", "buy_and_hold", "X",
                                     "quantity: 1"));
    const Ran refused = here.alpha({"backtest", "f.yaml", "-q", "--journal", "k"});
    CHECK(refused.code == 3);
    CHECK(contains(refused.err, "five.csv:3: the interval is 1m"));
    CHECK_FALSE(here.has("k"));
}

TEST_CASE("downloads that overlap are one market", "[cli]") {
    const Workplace here;
    const std::string head = "timestamp,open,high,low,close,volume\n";
    const auto bar = [](int minute, int price) {
        return fmt::format("2024-01-02T09:{}:00+05:30,{},{},{},{},1000\n", minute, price, price, price, price);
    };
    here.write("a.csv", head + bar(15, 10) + bar(16, 9) + bar(17, 8));
    here.write("b.csv", head + bar(17, 8) + bar(18, 9) + bar(19, 10));
    const std::string data = "{file: a.csv, kind: bars, instrument: X, interval: 1m}, "
                             "{file: b.csv, kind: bars, instrument: X, interval: 1m}";
    here.write("s.yaml", scenario_on(data, "sma_cross", "X", "fast: 2, slow: 3, quantity: 1"));
    const Ran ran = here.alpha({"backtest", "s.yaml", "-q", "--strict", "--journal", "j", "--fills", "f.csv"});
    CHECK(ran.code == 0);
    CHECK(contains(ran.err, "b.csv:2: the 1m bar of 'X' at 2024-01-02T03:47:00Z is at "));
    CHECK(line_count(ran.err) == 1);
    // Averages of 10 9 8 9 10: the short one is above at the fifth close, 09:20.
    CHECK(here.read("f.csv") == "ts_ns,instrument,side,quantity,price,order,strategy,portfolio,product,notional,"
                                "charges,realized_pnl,tag,time\n1704167400000000000,X,BUY,1,10,1,"
                                "s,main,,10,0,0,,2024-01-02T03:50:00Z\n");
    here.write("b.csv", head + bar(17, 7) + bar(18, 9) + bar(19, 10));
    const Ran refused = here.alpha({"backtest", "s.yaml", "--journal", "k"});
    CHECK(refused.code == 3);
    CHECK(contains(refused.err, "b.csv:2: "));
    CHECK(contains(refused.err, "a.csv:4 already, with other values"));
    CHECK_FALSE(here.has("k"));
}

TEST_CASE("a file of trades is not looked at, not begun with, or imported as what it is not", "[cli]") {
    const Workplace here;
    std::string text = "ts_ns,instrument,price,quantity,volume\n";
    for (int i = 0; i < 50; ++i) {
        text += fmt::format("{},NSE:A,{}.5,{},{}\n", 1'704'186'900'000'000'000 + i * 1'000'000'000LL, 100 + i % 3,
                            1 + i, i);
    }
    here.write("t.csv", text);
    const Ran info = here.alpha({"data", "info", "t.csv", "--kind", "trades"});
    CHECK(contains(info.out, "records  50 trades\n"));
    const Ran check = here.alpha({"data", "check", "t.csv", "--kind", "trades"});
    CHECK(check.code == 0);
    CHECK(contains(check.out, "nothing found in 50 trades (which are read, but not looked at) of 1 instrument"));
    const Ran import = here.alpha({"data", "import", "t.csv", "--kind", "trades", "--to", "t.alpha"});
    CHECK(import.code == 2);
    CHECK(contains(import.err, "a data set cannot hold trades yet"));
    CHECK(here.alpha({"data", "import", "t.csv", "--kind", "bars", "--interval", "10s", "--to", "t.alpha"}).code == 0);
    REQUIRE(here.alpha({"init", "t.csv", "--kind", "trades", "--to", "s.yaml"}).code == 0);
    const Ran run = here.alpha({"backtest", "s.yaml", "--journal", "j", "--json"});
    INFO(run.err);
    REQUIRE(run.code == 0);
    CHECK(json_field(run.out, "ticks") == "50");
    CHECK(json_field(run.out, "fills") == "1");
    CHECK(here.alpha({"replay", "--verify", "--journal", "j"}).code == 0);
    CHECK(json_field(here.alpha({"report", "j", "--json"}).out, "trade_ticks") == "50");
    here.write("wrong.yaml", "name: w\naccount: {currency: INR, cash: 1}\ndata: [{file: t.csv, kind: trades}]\n"
                             "strategies: [{id: a, use: ema_cross, instruments: [\"NSE:A\"],\n"
                             "  params: {fast: 2, slow: 3, quantity: 1}}]\n");
    CHECK(contains(here.alpha({"backtest", "wrong.yaml", "--journal", "k"}).err,
                   "ema_cross trades on quotes, and the data hold only trades of 'NSE:A'"));
}
