#include "tests/cli/run_alpha.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <sys/file.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using Row = std::vector<std::string>;

std::vector<Row> rows_of(const std::string& csv) {
    std::vector<Row> rows;
    std::istringstream lines(csv);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("#")) {
            continue;
        }
        Row row;
        std::istringstream fields(line + ",");
        for (std::string field; std::getline(fields, field, ',');) {
            row.push_back(field);
        }
        rows.push_back(row);
    }
    return rows;
}

/// The fields of each line under these columns.
std::vector<Row> columns(const std::string& csv, const std::vector<std::string>& names) {
    const std::vector<Row> rows = rows_of(csv);
    std::vector<Row> picked;
    for (std::size_t i = 1; i < rows.size(); ++i) {
        Row row;
        for (const std::string& name : names) {
            const auto at = std::ranges::find(rows[0], name);
            REQUIRE(at != rows[0].end());
            row.push_back(rows[i].at(static_cast<std::size_t>(at - rows[0].begin())));
        }
        picked.push_back(row);
    }
    return picked;
}

/// With two decimals at least, as backtesting_py_N.csv has them.
std::string two_decimals(const std::string& number) {
    const std::size_t point = number.find('.');
    if (point == std::string::npos) {
        return number + ".00";
    }
    return number + std::string(number.size() - point < 3 ? 3 - (number.size() - point) : 0, '0');
}

/// The demo's report, made where nothing was tried before.
std::string demo_report() {
    const Workplace here;
    here.shell("mkdir scenarios && cp " ALPHA_SOURCE_DIR "/scenarios/demo.yaml scenarios/");
    REQUIRE(
        here.alpha({"backtest", "scenarios/demo.yaml", "-q", "--journal", "runs/demo", "--report", "demo.html"}).code ==
        0);
    return here.read("demo.html");
}
const std::string kDemo = ALPHA_SOURCE_DIR "/scenarios/demo.yaml";
constexpr const char* kDemoReport = ALPHA_SOURCE_DIR "/docs/demo-report.html";

/// Four daily bars, each closing below its open and above the close before, held from the first close on.
void write_four_days(const Workplace& here) {
    here.write("five.csv", "date,open,high,low,close,volume\n2024-01-04,100,100,100,100,1000\n"
                           "2024-01-05,101,111,101,110,1000\n2024-01-08,121,121,120,120,1000\n"
                           "2024-01-09,131,131,130,130,1000\n");
    here.write("five.yaml",
               "name: five\naccount: {currency: INR, cash: 100000}\ndata: [{file: five.csv}]\nsnapshot_interval: 1d\n"
               "strategies: [{id: h, use: buy_and_hold, instruments: [five], params: {quantity: 100}}]\n");
}

}  // namespace

TEST_CASE("trades are backtesting.py's on three series", "[cli][results]") {
    const int series = GENERATE(1, 2, 3);
    CAPTURE(series);
    const Workplace here;
    const std::string number = std::to_string(series);
    const std::string peers = "python3 -B " ALPHA_SOURCE_DIR "/tests/results/peers.py ";
    REQUIRE(here.shell(peers + "bars " + number + " > bars.csv").code == 0);
    std::string strategy = series == 1 ? "sma_cross, params: {fast: 5, slow: 20, quantity: 10}"
                                       : "sma_cross, params: {fast: 3, slow: 11, quantity: 10}";
    if (series == 3) {
        std::string orders = here.shell(peers + "orders").out;
        std::ranges::replace(orders, '\n', ';');
        strategy = "script, params: {orders: \"" + orders + "\"}";
    }
    here.write("s.yaml", "name: peers\naccount: {currency: USD, cash: 1000000}\n"
                         "data: [{file: bars.csv, kind: bars, instrument: X, interval: day}]\n"
                         "brokers: {paper: {paper: {fill: next_open}}}\n"
                         "strategies: [{id: s, instruments: [X], use: " +
                             strategy + "}]\n");
    const Ran ran = here.alpha({"backtest", "s.yaml", "-q", "--journal", "j", "--trades", "trades.csv"});
    CAPTURE(ran.err);
    REQUIRE(ran.code == 0);
    std::vector<Row> got;
    for (const Row& row : columns(here.read("trades.csv"), {"side", "quantity", "entry_time", "exit_time",
                                                            "entry_price", "exit_price", "gross_pnl", "ended"})) {
        if (row[7] == "fill") {
            got.push_back({(row[0] == "SELL" ? "-" : "") + row[1], row[2].substr(0, 10), row[3].substr(0, 10),
                           two_decimals(row[4]), two_decimals(row[5]), two_decimals(row[6])});
        }
    }
    std::vector<Row> expected =
        rows_of(here.shell("cat " ALPHA_SOURCE_DIR "/tests/results/backtesting_py_" + number + ".csv").out);
    expected.erase(expected.begin());
    REQUIRE(expected.size() > 15);
    // It makes a trade of each pair of orders, as alpha does; trades that end together may stand in another order.
    std::ranges::sort(got);
    std::ranges::sort(expected);
    CHECK(got == expected);
}

TEST_CASE("a report of the same journal is the same, and says what the run said", "[cli][results]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 20'000));
    const Ran ran = here.alpha({"backtest", "s.yaml", "--json", "--journal", "j", "--report", "first.html"});
    REQUIRE(ran.code == 0);
    const Ran json = here.alpha({"report", "j", "--json"});
    REQUIRE(json.code == 0);
    for (const std::string field :
         {"equity", "realized_pnl", "charges", "orders", "fills", "log_head", "state_digest"}) {
        CAPTURE(field);
        CHECK(json_field(json.out, field) == json_field(ran.out, field));
    }
    CHECK_FALSE(here.has("j.html"));
    const Ran text = here.alpha({"report", "j", "--plot"});
    CHECK(text.code == 0);
    CHECK(contains(text.out, "report: j.html\n"));
    const std::string once = here.read("j.html");
    REQUIRE(here.alpha({"report", "j", "-q"}).out == "j.html\n");
    CHECK(here.read("j.html") == once);
    CHECK(here.alpha({"report", "j", "--to", "-"}).out == once);
    CHECK(here.read("first.html") == once);
    CHECK(contains(once, "<code>alpha backtest</code> with the file of the scenario s, whose place no journal knows"));
    // A second run is nothing new to the ledger.
    here.shell("rm -r j");
    REQUIRE(here.alpha({"backtest", "s.yaml", "--json", "--journal", "j", "--report", "second.html"}).code == 0);
    CHECK(here.read("second.html") == here.read("first.html"));
    CHECK(line_count(here.read("runs/ledger.tsv")) == 3);
}

TEST_CASE("a live session has the results of its backtest", "[cli][results]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 20'000));
    REQUIRE(here.alpha({"backtest", "s.yaml", "-q", "--journal", "j", "--trades", "j.csv"}).code == 0);
    REQUIRE(here.alpha({"live", "--broker", "paper", "s.yaml", "-q", "--journal", "k", "--trades", "k.csv"}).code == 0);
    CHECK(here.read("k.csv") == here.read("j.csv"));
    CHECK(line_count(here.read("k.csv")) > 5);
    const std::string of_backtest = here.shell("$ALPHA report j --json | sed 's/\"journal\":\"j\"//'").out;
    CHECK(of_backtest == here.shell("$ALPHA report k --json | sed 's/\"journal\":\"k\"//'").out);
}

TEST_CASE("costs add up from what prices gave to the net, and trades to the realized profit", "[cli][results]") {
    const Workplace here;
    REQUIRE(here.alpha({"backtest", kDemo, "-q", "--journal", "j"}).code == 0);
    const Ran checked = here.shell("$ALPHA report j --json > r.json && $ALPHA show trades j --csv > lots.csv && $ALPHA "
                                   "show trades j --rounds --csv > "
                                   "rounds.csv && python3 - <<'E'\n"
                                   "import csv, json\n"
                                   "from decimal import Decimal as D\n"
                                   "r = json.load(open('r.json'))\n"
                                   "net = D(r['equity']) - D(r['initial_cash'])\n"
                                   "assert sum(D(c['amount']) for c in r['costs']) == net\n"
                                   "assert D(r['realized_pnl']) + D(r['unrealized_pnl']) - D(r['charges']) == net\n"
                                   "for file in 'lots.csv', 'rounds.csv':\n"
                                   "    rows = list(csv.DictReader(open(file)))\n"
                                   "    assert rows\n"
                                   "    assert sum(D(t['net_pnl']) for t in rows) == net, file\n"
                                   "    assert sum(D(t['charges']) for t in rows) == D(r['charges'])\n"
                                   "    for t in rows:\n"
                                   "        assert D(t['mae']) <= D(t['gross_pnl']) <= D(t['mfe'])\n"
                                   "        assert int(t['entry_ts_ns']) <= int(t['exit_ts_ns'])\n"
                                   "closed = [t for t in csv.DictReader(open('lots.csv')) if t['ended'] != 'open']\n"
                                   "by = sum(g['trades'] for g in r['by_instrument'])\n"
                                   "assert by == len(closed) == sum(g['trades'] for g in r['by_hour']) == "
                                   "sum(g['trades'] for g in r['by_weekday'])\n"
                                   "days = r['days']\n"
                                   "assert len(days) == 5 and days[-1]['equity'] == r['equity']\n"
                                   "E");
    CAPTURE(checked.err);
    CHECK(checked.code == 0);
}

TEST_CASE("show trades narrows by name, and says what a misspelt one may mean", "[cli][results]") {
    const Workplace here;
    REQUIRE(here.alpha({"backtest", kDemo, "-q", "--journal", "j"}).code == 0);
    const std::size_t all = line_count(here.alpha({"show", "trades", "j", "--csv"}).out);
    const std::size_t maker = line_count(here.alpha({"show", "trades", "j", "--csv", "--strategy", "maker"}).out);
    const std::size_t trend = line_count(here.alpha({"show", "trades", "j", "--csv", "--portfolio", "main"}).out);
    CHECK(maker > 20);
    CHECK(maker + trend - 1 == all);
    CHECK(line_count(here.alpha({"show", "trades", "j", "--json", "--limit", "3"}).out) == 3);
    CHECK(line_count(here.alpha({"show", "trades", "j", "--rounds", "--open"}).out) == 4);
    const Ran none = here.alpha({"show", "trades", "j", "--instrument", "NSE:BETTA"});
    CHECK(none.code == 0);
    CHECK(contains(none.err, "j: no trade of instrument NSE:BETTA; did you mean NSE:BETA?"));
}

TEST_CASE("a benchmark is named, or refused with what there is", "[cli][results]") {
    const Workplace here;
    REQUIRE(here.alpha({"backtest", kDemo, "-q", "--journal", "j"}).code == 0);
    CHECK(json_field(here.alpha({"report", "j", "--json"}).out, "benchmark") == "\"3 instruments in equal parts\"");
    CHECK(json_field(here.alpha({"report", "j", "--json", "--benchmark", "NSE:BETA"}).out, "benchmark") ==
          "\"NSE:BETA\"");
    const Ran refused = here.alpha({"report", "j", "--benchmark", "NIFTY"});
    CHECK(refused.code == 2);
    CHECK(contains(refused.err,
                   "no price of NIFTY is in the log, so there is nothing to compare with; it holds NSE:ALPHA, "
                   "NSE:BETA, NSE:GAMMA"));
}

TEST_CASE("out of how many a result was chosen is counted, and a ledger that was changed is refused",
          "[cli][results]") {
    const Workplace here;
    const std::string scenario = here.shell("cat " ALPHA_SOURCE_DIR "/scenarios/demo.yaml").out;
    for (int i = 0; i < 3; ++i) {
        std::string other = scenario;
        const std::size_t at = other.find("fast: 2_000");
        const std::size_t plain = other.find("fast: 2000");
        REQUIRE((at != std::string::npos || plain != std::string::npos));
        other.replace(plain != std::string::npos ? plain : at, plain != std::string::npos ? 10 : 11,
                      "fast: " + std::to_string(1'000 + 100 * i));
        here.write("s.yaml", other);
        REQUIRE(here.alpha({"backtest", "s.yaml", "-q", "--journal", "j" + std::to_string(i)}).code == 0);
    }
    REQUIRE(here.alpha({"backtest", "s.yaml", "-q", "--journal", "again"}).code == 0);
    const std::string said = here.alpha({"report", "j0", "--json"}).out;
    CHECK(json_field(said, "distinct") == "3");
    CHECK(json_field(said, "is_recorded") == "true");
    CHECK(contains(here.alpha({"report", "j0"}).out,
                   "chosen out of 3 distinct runs of ema_cross+market_maker on NSE:ALPHA, NSE:BETA, NSE:GAMMA"));
    here.shell("sed -i 3d runs/ledger.tsv");
    const Ran refused = here.alpha({"report", "j0"});
    CHECK(refused.code == 3);
    CHECK(contains(refused.err, "runs/ledger.tsv:3: does not follow from the row before it: rows are missing"));
    // The run itself does not depend on it.
    here.write("runs/ledger.tsv", "mine\n");
    const Ran noted = here.alpha({"backtest", "s.yaml", "--json", "--journal", "j9"});
    CHECK(noted.code == 0);
    CHECK(contains(noted.err, "this run is not in the trial ledger: runs/ledger.tsv: its last line is no row"));
}

TEST_CASE("a report takes the place of a file that was written by hand", "[cli][results]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("s", 2'000));
    here.write("mine.yaml", "name: mine\n");
    const std::string refusal = "error: mine.yaml: exists and is no report of alpha's; name another\n";
    const Ran run = here.alpha({"backtest", "s.yaml", "-q", "--journal", "j", "--report", "mine.yaml"});
    CHECK(run.code == 2);
    CHECK(run.err == refusal);
    CHECK_FALSE(here.has("j"));
    REQUIRE(here.alpha({"backtest", "s.yaml", "-q", "--journal", "j", "--report", "r.html"}).code == 0);
    CHECK(here.alpha({"report", "j", "--to", "mine.yaml"}).err == refusal);
    CHECK(here.alpha({"report", "j", "--csv", "--to", "mine.yaml"}).err == refusal);
    CHECK(here.read("mine.yaml") == "name: mine\n");
    // One of ours is replaced, by its own form alone, and so is an empty file.
    here.write("e.html", "");
    for (int time = 0; time < 2; ++time) {
        CHECK(here.alpha({"report", "j", "--to", "r.html"}).code == 0);
        CHECK(here.alpha({"report", "j", "--to", "e.html"}).code == 0);
        CHECK(here.alpha({"report", "j", "--csv", "--to", "r.csv"}).out == "r.csv\n");
        CHECK(here.alpha({"report", "j", "--json", "--to", "r.json"}).out.empty());
    }
    CHECK(here.alpha({"report", "j", "--json", "--to", "r.csv"}).code == 2);
    CHECK(here.alpha({"report", "j", "--csv", "--to", "r.html"}).code == 2);
    // --to says where they go; without it, and with -, it is standard output.
    CHECK(here.read("r.csv") == here.alpha({"report", "j", "--csv"}).out);
    CHECK(here.read("r.json") == here.alpha({"report", "j", "--json", "--to", "-"}).out);
    CHECK_FALSE(here.has("j.html"));
}

TEST_CASE("from a file as it was downloaded to a report in two commands", "[cli][results]") {
    const Workplace here;
    // As yfinance 0.2.51 and later writes one ticker.
    std::string csv = "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n";
    int cents = 18'000;
    for (int month = 1; month <= 6; ++month) {
        for (int day = 1; day <= 28; ++day) {
            cents += ((month * 31 + day * 17) % 13 - 6) * 40 + ((month % 2 == 0) ? 25 : -25);
            const std::string close = std::to_string(cents / 100) + "." + std::to_string(cents % 100 + 100).substr(1);
            const std::string noisy = close + "0000305175781";  // floats that were printed whole
            const std::string date = "2024-0" + std::to_string(month) + "-" + std::to_string(day + 100).substr(1);
            for (const std::string& field :
                 {date, noisy, std::to_string(cents / 100 + 3), std::to_string(cents / 100 - 3), noisy}) {
                csv += field;
                csv += ',';
            }
            csv += "1000000\n";
        }
    }
    here.write("AAPL.csv", csv);
    const Ran first = here.alpha({"init", "AAPL.csv"});
    CAPTURE(first.err);
    REQUIRE(first.code == 0);
    CHECK(contains(first.out, "AAPL.csv: 168 bars of 1 instrument\nscenario: AAPL.yaml\n"));
    const Ran second = here.alpha({"backtest", "AAPL.yaml", "--report", "AAPL.html"});
    CAPTURE(second.err);
    REQUIRE(second.code == 0);
    CHECK(contains(second.out, "report: AAPL.html\n"));
    const std::string report = here.read("AAPL.html");
    CHECK(contains(report, "<html"));
    CHECK(contains(report, "with the file of the scenario AAPL"));
    CHECK(contains(second.out, "Fills"));
    // Nothing of what is there is written over.
    const Ran again = here.alpha({"init", "AAPL.csv"});
    CHECK(again.code == 2);
    CHECK(contains(again.err, "AAPL.yaml: is there already; name another with --to"));
    CHECK(here.alpha({"init", "AAPL.csv", "--to", "-"}).out == here.read("AAPL.yaml"));
}

TEST_CASE("the demo's report in docs/ is what make demo makes, renew it with test_cli [write-reference]",
          "[cli][results]") {
    std::ostringstream text;
    text << std::ifstream(kDemoReport).rdbuf();
    CHECK((text.str() == demo_report()));
}

TEST_CASE("write the demo's report", "[.][write-reference]") {
    std::ofstream(kDemoReport) << demo_report();
}

TEST_CASE("an assumption of a report names a setting, or a value of one, that a scenario does not take",
          "[cli][results]") {
    const Workplace here;
    here.write("bars.csv", "date,open,high,low,close,volume\n2024-01-04,100,101,99,100,1000\n"
                           "2024-01-05,101,102,100,101,1000\n2024-01-08,102,103,101,102,1000\n");
    here.write("quotes.csv", few_quotes("100.00"));
    const std::string bars = "name: s\naccount: {currency: INR, cash: 100000}\ndata: [{file: bars.csv}]\n"
                             "strategies: [{id: s, use: buy_and_hold, instruments: [bars], params: {quantity: 1}}]\n";
    const std::string quotes =
        "name: s\naccount: {currency: INR, cash: 100000}\ndata: [{file: quotes.csv, kind: quotes}]\n"
        "strategies: [{id: s, use: buy_and_hold, instruments: [\"NSE:X\"], params: {quantity: 1}}]\n";
    int runs = 0;
    const auto run = [&](const std::string& scenario) {
        here.write("s.yaml", scenario);
        return here.alpha({"backtest", "s.yaml", "-q", "--journal", "runs/" + std::to_string(++runs)});
    };
    // Between them, each sentence of results/assumptions.cpp that names a setting.
    std::set<std::string> named;
    for (const std::string& scenario : {bars + "charges: {per_fill: 1}\n", quotes}) {
        const Ran ran = run(scenario);
        CAPTURE(scenario, ran.err);
        REQUIRE(ran.code == 0);
        const std::string report = here.alpha({"report", "runs/" + std::to_string(runs), "--json"}).out;
        static const std::regex kAssumption("\\{\"title\":\"([^\"]*)\",\"text\":\"([^\"]*)\"\\}");
        for (std::sregex_iterator each(report.begin(), report.end(), kAssumption), end; each != end; ++each) {
            const bool is_brokers = (*each)[1].str().starts_with("paper: ");
            const std::string text = (*each)[2];
            static const std::regex kSetting("\\b([a-z][a-z_]+): ?([a-z][a-z_]*)?");
            for (std::sregex_iterator at(text.begin(), text.end(), kSetting); at != end; ++at) {
                const std::string key = (*at)[1];
                if (key == "price" || key == "day") {  // prose: "meets the next price: results ..."
                    continue;
                }
                // A value stands right before what the sentence says of it; "set latency:" leaves it to the reader.
                const bool is_open = text.substr(0, static_cast<std::size_t>(at->position())).ends_with("set ");
                const std::vector<std::string> values =
                    is_open ? std::vector<std::string>{"1", "1s"} : std::vector<std::string>{(*at)[2]};
                CAPTURE(text, key, values);
                CHECK(std::ranges::any_of(values, [&](const std::string& value) {
                    const std::string setting = fmt::format("{}: {}", key, value);
                    return run(bars + (is_brokers ? fmt::format("broker: {{paper: {{{}}}}}", setting) : setting))
                               .code == 0;
                }));
                named.insert(key);
            }
        }
    }
    CHECK(named == std::set<std::string>{"charges", "fill", "latency", "limit_fill", "slippage", "use_size"});
}

TEST_CASE("the max drawdown of a report does not say that it is by day, where that of a run is by every mark",
          "[cli][results]") {
    const Workplace here;
    write_four_days(here);
    const Ran run = here.alpha({"backtest", "five.yaml", "--journal", "j"});
    CHECK(contains(run.out, "Max drawdown        -0.10%"));
    CHECK(contains(here.alpha({"report", "j"}).out, "max drawdown, by day     0.00%"));
    CHECK(contains(here.read("j.html"), "max drawdown, by day"));
    CHECK(contains(here.alpha({"report", "j", "--csv"}).out, "max_drawdown,0,"));
}

// As docs/how-to-results.md says of both.
TEST_CASE("the days of a report are not the closes, or daily snapshots are not taken before them", "[cli][results]") {
    const Workplace here;
    write_four_days(here);
    REQUIRE(here.alpha({"backtest", "five.yaml", "--journal", "j", "-q"}).code == 0);
    const std::string report = here.alpha({"report", "j", "--json"}).out;
    CHECK(contains(report, R"("days":[{"date":"2024-01-04","equity":"100000",)"));
    CHECK(contains(report, R"({"date":"2024-01-05","equity":"101000",)"));
    CHECK(contains(report, R"({"date":"2024-01-08","equity":"102000",)"));
    CHECK(contains(report, R"({"date":"2024-01-09","equity":"103000",)"));
    const Ran rows =
        here.shell("$ALPHA log j --type pnl_snapshot | sed -E 's/^[0-9]+ (.*T).* (equity=[0-9]+) .*/\\1 \\2/'");
    CHECK(rows.out == "2024-01-05T equity=100000\n2024-01-06T equity=100100\n2024-01-07T equity=101000\n"
                      "2024-01-09T equity=102100\n2024-01-10T equity=103100\n");
}

TEST_CASE("weekly bars labelled by date are not taken for daily ones", "[cli][results]") {
    const Workplace here;
    std::string csv = "Date,Open,High,Low,Close,Adj Close,Volume\n";
    for (const char* const date :
         {"2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22", "2024-01-29", "2024-02-05"}) {
        csv += date;
        csv += ",10,11,9,10.5,10.5,100\n";
    }
    here.write("W.csv", csv);
    const Ran refused = here.alpha({"init", "W.csv"});
    CHECK(refused.code == 3);
    CHECK(contains(refused.err, "W.csv:3: the bars are 7 days apart or more, so they seem to be of weeks or months"));
    const std::string scenario =
        "account: {currency: USD, cash: 1000}\n"
        "strategies: [{id: h, use: buy_and_hold, instruments: [W], params: {quantity: 1}}]\nname: w\n";
    here.write("s.yaml", scenario + "data: [{file: W.csv}]\n");
    const Ran no_run = here.alpha({"backtest", "s.yaml", "-q"});
    CHECK(no_run.code == 2);
    CHECK(contains(no_run.err, "the bars are 7 days apart or more"));
    here.write("s.yaml",
               scenario + "data: [{file: W.csv, kind: bars, instrument: W, interval: day}]\n");  // who says so means it
    CHECK(here.alpha({"backtest", "s.yaml", "-q"}).code == 0);
}

TEST_CASE("the report of a year of minutes is under a megabyte", "[cli][results]") {
    const Workplace here;
    const Ran made = here.shell("python3 -c '\n"
                                "import datetime\n"
                                "print(\"timestamp,open,high,low,close,volume\")\n"
                                "day, close, roll = datetime.date(2024, 1, 1), 100_000, 1\n"
                                "for _ in range(250):\n"
                                "    while day.weekday() > 4: day += datetime.timedelta(days=1)\n"
                                "    for minute in range(375):\n"
                                "        roll = (roll * 6364136223846793005 + 1442695040888963407) % 2**64\n"
                                "        opened, close = close, max(1000, close + (roll >> 33) % 201 - 100)\n"
                                "        low, high = min(opened, close) - 5, max(opened, close) + 5\n"
                                "        at = 9 * 60 + 15 + minute\n"
                                "        print(f\"{day}T{at // 60:02}:{at % 60:02}:00+05:30,\" + \",\".join(f\"{p / "
                                "100}\" for p in (opened, high, low, close)) + \",100\")\n"
                                "    day += datetime.timedelta(days=1)\n"
                                "' > minutes.csv");
    REQUIRE(made.code == 0);
    here.write("s.yaml",
               "name: year\naccount: {currency: INR, cash: 1000000}\ndata: [{file: minutes.csv, instrument: X}]\n"
               "instruments: {X: {session: nse}}\n"
               "strategies: [{id: s, use: sma_cross, instruments: [X], params: {fast: 10, slow: 30, quantity: 10}}]\n");
    const Ran ran = here.alpha({"backtest", "s.yaml", "--json", "--report", "year.html"});
    CAPTURE(ran.err);
    REQUIRE(ran.code == 0);
    CHECK(json_field(ran.out, "bars") == "93750");
    CHECK(std::filesystem::file_size(here.path("year.html")) < 1'000'000);
    CHECK(std::filesystem::file_size(here.path("year.html")) > 100'000);
}

TEST_CASE("a statistic of the AAPL run is not what quantstats and backtesting.py say of it", "[cli][results]") {
    // tests/results/compare_run.py says how expected_aapl.csv was made.
    const std::string folder = std::string(ALPHA_SOURCE_DIR) + "/../shared/data/daily";
    if (!std::filesystem::exists(folder)) {
        WARN("SKIPPED: there is no " + folder);
        return;
    }
    const Workplace here;
    here.write("aapl.yaml",
               "name: aapl\naccount: {currency: USD, cash: 100000}\ndata: [{file: " + folder +
                   "/aapl.csv, instrument: AAPL}]\nactions: [{file: " + folder +
                   "/aapl-actions.csv, instrument: AAPL}]\ninstruments: {AAPL: {calendar: XNYS}}\n"
                   "strategies: [{id: cross, use: sma_cross, instruments: [AAPL], params: {fast: 20, slow: "
                   "50, quantity: 100}}]\nbroker: {paper: {fill: next_open}}\ncharges: {rate: 0.001}\n");
    const Ran ran = here.alpha({"backtest", "aapl.yaml", "--journal", "j", "-q"});
    CAPTURE(ran.err);
    REQUIRE(ran.code == 0);
    const Ran report = here.alpha({"report", "j", "--json"});
    const std::string_view said = std::string_view(report.out).substr(report.out.find("\"statistics\":{"));
    std::ifstream expected(std::string(ALPHA_SOURCE_DIR) + "/tests/results/expected_aapl.csv");
    std::string line;
    std::size_t compared = 0;
    std::getline(expected, line);
    while (std::getline(expected, line)) {
        const std::size_t comma = line.find(',');
        const std::string metric = line.substr(0, comma);
        const std::string value = line.substr(comma + 1, line.find(',', comma + 1) - comma - 1);
        std::string ours = json_field(said, metric);
        std::erase(ours, '"');
        CAPTURE(metric, value, ours);
        char* end = nullptr;
        const double theirs = std::strtod(value.c_str(), &end);
        if (value.empty()) {
            CHECK(ours == "null");
        } else if (*end != '\0') {  // a date
            CHECK(ours == value);
        } else {
            CHECK(std::stod(ours) == Approx(theirs).epsilon(1e-9).margin(1e-12));
        }
        ++compared;
    }
    CHECK(compared == 133);
}

TEST_CASE("a ledger that somebody keeps locked holds a run up", "[cli][results]") {
    const Workplace here;
    here.write("s.yaml", hold_scenario("s", "x.csv"));
    here.write("x.csv", few_quotes("100.00"));
    REQUIRE(here.alpha({"backtest", "s.yaml", "-q", "--journal", "j"}).code == 0);
    const int ledger = ::open(here.path("runs/ledger.tsv").c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(::flock(ledger, LOCK_EX) == 0);
    const pid_t process = here.start({"backtest", "s.yaml", "--journal", "k", "--report", "k.html"});
    std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
    REQUIRE(::kill(process, GENERATE(SIGINT, SIGTERM)) == 0);
    const Ran ran = here.finish(process);
    ::close(ledger);
    CHECK(ran.code == 0);
    CHECK(contains(ran.err, "waiting for the trial ledger runs/ledger.tsv, which another process has locked\n"));
    CHECK(contains(ran.err, "this run is not in the trial ledger: runs/ledger.tsv: another process has it locked, and "
                            "the wait for it was ended"));
    CHECK(contains(ran.out, "journal: k"));
    CHECK(here.has("k.html"));
    CHECK(line_count(here.read("runs/ledger.tsv")) == 2);
}

TEST_CASE("fills of other orders in between make several trades of one", "[cli][results]") {
    const Workplace here;
    here.write("q.csv", "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n"
                        "1781495000000000000,X,99.90,50,100.00,50\n"
                        "1781495060000000000,X,101.00,3,101.10,50\n"
                        "1781495120000000000,X,100.50,50,100.60,50\n"
                        "1781495180000000000,X,101.00,50,101.10,50\n");
    here.write("s.yaml",
               "name: s\naccount: {currency: INR, cash: 100000}\ndata: [{file: q.csv, kind: quotes}]\n"
               "broker: {paper: {use_size: true}}\ncharges: none\nstrategies: [{id: t, use: script, "
               "instruments: [X], params: {orders: at 1 buy 9 X; at 1 sell 6 X limit 101; at 3 sell 3 X}}]\n");
    REQUIRE(here.alpha({"backtest", "s.yaml", "-q", "--journal", "j", "--trades", "t.csv"}).code == 0);
    const std::string csv = here.read("t.csv");
    const auto rows =
        columns(csv, {"entry_order", "exit_order", "quantity", "exit_price", "mfe", "fills", "exit_event"});
    CHECK(rows ==
          std::vector<Row>{{"1", "3", "3", "100.5", "3.15", "2", "14"}, {"1", "2", "6", "101", "6.3", "3", "16"}});
    const Ran log = here.alpha({"log", "j", "--from", "16", "--to", "16"});
    CHECK(contains(log.out, columns(csv, {"exit_time"}).at(1).at(0)));
    CHECK(json_field(here.alpha({"report", "j", "--json"}).out, "trades") == "2");
}

TEST_CASE("a benchmark loses what a split or a dividend takes off the price", "[cli][results]") {
    const Workplace here;
    here.write("x.csv", "date,open,high,low,close,volume\n2024-01-01,100,100,100,100,1\n2024-01-02,100,100,100,100,1\n"
                        "2024-01-03,50,50,50,50,1\n2024-01-04,50,50,50,50,1\n");
    here.write("a.csv", "ex_date,action,value\n2024-01-03,split,2\n");
    here.write("s.yaml", "name: s\naccount: {currency: USD, cash: 1000}\ndata: [{file: x.csv, instrument: X}]\n"
                         "actions: [{file: a.csv, instrument: X}]\ncharges: none\n"
                         "strategies: [{id: h, use: buy_and_hold, instruments: [X], params: {quantity: 1}}]\n");
    const Ran ran = here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"});
    CAPTURE(ran.err);
    REQUIRE(ran.code == 0);
    CHECK(json_field(here.alpha({"report", "j", "--json"}).out, "buy_hold_return") == "0");
}

TEST_CASE("the way from prices to net leaves out what is charged at the end of a day", "[cli][results]") {
    const Workplace here;
    here.write("x.csv", "date,open,high,low,close,volume\n2024-01-01,100,100,100,100,1\n2024-01-02,100,100,100,100,1\n"
                        "2024-01-03,100,100,100,100,1\n2024-01-04,100,100,100,100,1\n2024-01-05,100,100,100,100,1\n"
                        "2024-01-08,100,100,100,100,1\n2024-01-09,100,100,100,100,1\n");
    here.write(
        "s.yaml",
        "name: s\naccount: {currency: INR, cash: 100000}\ndata: [{file: x.csv, instrument: \"NSE:X\"}]\n"
        "instruments: {\"NSE:X\": {session: nse, exchange: NSE, kind: share}}\ncharges: zerodha\n"
        "strategies: [{id: t, use: script, product: cnc, instruments: [\"NSE:X\"], params: {orders: \"at 1 buy 10 "
        "NSE:X; at 5 sell 10 NSE:X\"}}]\n");
    const Ran ran = here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"});
    CAPTURE(ran.err);
    REQUIRE(ran.code == 0);
    const Ran json = here.alpha({"report", "j", "--json"});
    CAPTURE(json.out);
    CHECK(contains(json.out, "\"name\":\"dp\""));
}
