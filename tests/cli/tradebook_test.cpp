/// Tradebooks through the real program: out of a journal, back to books, and compared.

#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <fmt/format.h>
#include <random>
#include <string>
#include <vector>

namespace {

/// Reckons the books of t.csv by itself and holds them against what alpha says of t.csv and of the journal j. What one order bought on a day is
/// one lot, at its average (results/results.hpp); a part of it costs its share, half-even to 1e-8, which round() of a fraction is.
constexpr const char* kReckon = R"(import collections, csv, fractions, json
F = fractions.Fraction
lots, realized = collections.defaultdict(collections.deque), collections.defaultdict(F)
for row in csv.DictReader(open("t.csv")):
    name, price = row["exchange"] + ":" + row["symbol"], F(row["price"])
    left = F(row["quantity"]) * (1 if row["trade_type"] == "buy" else -1)
    held = lots[name]
    while left and held and held[0]["net"] * left < 0:
        lot = held[0]
        part = min(abs(left), abs(lot["net"]))
        cost = lot["cost"] if part == abs(lot["net"]) else F(round(lot["cost"] * part / abs(lot["net"]) * 10**8), 10**8)
        sign = 1 if lot["net"] > 0 else -1
        realized[name] += sign * (price * part - cost)
        lot["net"] -= sign * part
        lot["cost"] -= cost
        left += sign * part
        if not lot["net"]:
            held.popleft()
    if left:
        key = row["order_id"], row["trade_date"]
        if not held or held[-1]["key"] != key:
            held.append({"key": key, "net": F(0), "cost": F(0)})
        held[-1]["net"] += left
        held[-1]["cost"] += abs(left) * price
books = json.loads(open("books.json").read())
assert books["scrips"]
said = {s["instrument"]: F(s["realized_pnl"]) for s in books["scrips"]}
assert said == {n: realized[n] for n in lots}, (said, realized)
net = {n: sum(lot["net"] for lot in held) for n, held in lots.items()}
assert {s["instrument"]: F(s["net"]) for s in books["scrips"]} == net
assert F(books["realized_pnl"]) == sum(realized.values())
portfolio, = map(json.loads, open("portfolios.jsonl"))
assert {n: F(p["net"]) for n, p in portfolio["positions"].items()} == net
closed = collections.defaultdict(F)
for trade in map(json.loads, open("trades.jsonl")):
    closed[trade["instrument"]] += F(trade["gross_pnl"]) if trade["ended"] != "open" else 0
assert {n: closed[n] for n in net} == {n: realized[n] for n in net}
)";

/// The journal j, by its tradebook t.csv, of one portfolio.
void check_round_trip(const Workplace& here, const std::string& portfolio) {
    here.write("reckon.py", kReckon);
    const Ran made = here.shell("set -e\n"
                                "$ALPHA tradebook export j --portfolio " +
                                portfolio +
                                " > t.csv\n"
                                "$ALPHA tradebook books t.csv --json > books.json 2> doubts\n"
                                "$ALPHA show portfolios j --json --portfolio " +
                                portfolio +
                                " > portfolios.jsonl\n"
                                "$ALPHA show trades j --json --portfolio " +
                                portfolio +
                                " > trades.jsonl\n"
                                "python3 reckon.py");
    CAPTURE(made.err);
    CHECK(made.code == 0);
    const Ran same = here.alpha({"tradebook", "compare", "j", "t.csv", "--portfolio", portfolio});
    CAPTURE(same.out);
    CHECK(same.code == 0);
    CHECK(contains(same.out, "the same: "));
}

/// Orders at random on two shares over three days.
void run_random(const Workplace& here, unsigned seed) {
    std::mt19937 random(seed);
    const auto upto = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    constexpr int kQuotes = 60;
    std::string quotes = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
    std::string orders;
    for (int i = 0; i < kQuotes; ++i) {
        // 2026-08-03 10:00 in India and on: 20 quotes a day, some in one second.
        const std::int64_t ns = 1'785'731'400'000'000'000 + (i / 20) * std::int64_t{86'400'000'000'000} +
                                (i % 20) * std::int64_t{700'000'000};
        const unsigned paise = 10'000 + upto(200);
        for (const char* const name : {"NSE:X", "BSE:Y"}) {
            quotes += fmt::format("{},{},{}.{:02},{},{}.{:02},{}\n", ns, name, paise / 100, paise % 100, 20 + upto(80),
                                  (paise + 5) / 100, (paise + 5) % 100, 20 + upto(80));
        }
        orders += fmt::format("{}at {} {} {} {}", i == 0 ? "" : "; ", i + 1, upto(2) == 0 ? "buy" : "sell",
                              1 + upto(60), upto(3) == 0 ? "BSE:Y" : "NSE:X");
    }
    here.write("q.csv", quotes);
    here.write("s.yaml",
               "name: random\naccount: {currency: INR, cash: 10000000}\n"
               "data: [{file: q.csv, kind: quotes}]\n"
               "default_instrument: {session: nse}\n"
               "strategies:\n  - {id: t, use: script, instruments: [\"NSE:X\", \"BSE:Y\"], params: {orders: \"" +
                   orders + "\"}}\nbroker: {paper: {fill: touch, use_size: true}}\ncharges: none\n");
    const Ran ran = here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"});
    CAPTURE(ran.err);
    REQUIRE(ran.code == 0);
}

}  // namespace

TEST_CASE("a journal's tradebook has its positions and its profit", "[cli][tradebook]") {
    SECTION("of the demo") {
        const Workplace here;
        const std::string demo = ALPHA_SOURCE_DIR "/scenarios/demo.yaml";
        REQUIRE(here.alpha({"backtest", demo, "--journal", "j", "-q"}).code == 0);
        check_round_trip(here, "main");
        check_round_trip(here, "maker");
    }
    for (unsigned seed = 1; seed <= 5; ++seed) {
        DYNAMIC_SECTION("of orders by chance, " << seed) {
            const Workplace here;
            run_random(here, seed);
            check_round_trip(here, "main");
        }
    }
}

TEST_CASE("one price that differs by a paisa is found, and that trade alone", "[cli][tradebook]") {
    const Workplace here;
    run_random(here, 9);
    REQUIRE(here.shell("$ALPHA tradebook export j > t.csv").code == 0);
    const std::size_t trades = line_count(here.read("t.csv")) - 1;
    REQUIRE(trades > 20);
    for (const std::size_t changed : {std::size_t{2}, trades / 2, trades + 1}) {
        // Also where only what was traded tells trades apart: with the broker's own ids.
        for (const char* const ids : {"", "r[10] = '9' + r[10]; r[11] = '8' + r[11]"}) {
            CAPTURE(changed, ids);
            here.write("change.py", fmt::format("import csv, decimal\n"
                                                "rows = list(csv.reader(open('t.csv')))\n"
                                                "for r in rows[1:]:\n"
                                                "    {}\n"
                                                "r = rows[{} - 1]\n"
                                                "r[9] = str(decimal.Decimal(r[9]) + decimal.Decimal('0.01'))\n"
                                                "csv.writer(open('u.csv', 'w')).writerows(rows)\n",
                                                *ids == '\0' ? "pass" : ids, changed));
            REQUIRE(here.shell("python3 change.py").code == 0);
            const Ran text = here.alpha({"tradebook", "compare", "j", "u.csv"});
            CAPTURE(text.out, text.err);
            CHECK(text.code == 4);
            CHECK(contains(text.out, fmt::format("u.csv:{}\n", changed)));
            CHECK(contains(text.out, "no other differs"));
            const Ran json = here.alpha({"tradebook", "compare", "j", "u.csv", "--json"});
            CHECK(json.code == 4);
            CHECK(json_field(json.out, "differences") == "1");
            CHECK(json_field(json.out, "columns") == "[\"price\"]");
            CHECK(json_field(json.out, "same_trades") == std::to_string(trades - 1));
            CHECK(json_field(json.out, "place") == fmt::format("\"u.csv:{}\"", changed));
        }
    }
}

TEST_CASE("many trades that differ are not counted in English", "[cli][tradebook]") {
    const Workplace here;
    run_random(here, 9);
    REQUIRE(here.shell("$ALPHA tradebook export j > t.csv").code == 0);
    here.write("change.py", "import csv, decimal, sys\n"
                            "rows = list(csv.reader(open('t.csv')))\n"
                            "for r in rows[1:3]:\n"
                            "    r[9] = str(decimal.Decimal(r[9]) + decimal.Decimal('0.01'))\n"
                            "csv.writer(open('u.csv', 'w')).writerows(rows)\n"
                            "csv.writer(open('v.csv', 'w')).writerows(rows[:1] + rows[3:])\n");
    REQUIRE(here.shell("python3 change.py").code == 0);
    CHECK(contains(here.alpha({"tradebook", "compare", "j", "u.csv"}).out,
                   "2 differences in all: 2 trades that differ, 0 only in the journal, 0 only in the files"));
    CHECK(contains(here.alpha({"tradebook", "compare", "j", "v.csv"}).out,
                   "2 differences in all: 0 trades that differ, 2 only in the journal"));
}

TEST_CASE("days and portfolios narrow what is exported and compared", "[cli][tradebook]") {
    const Workplace here;
    run_random(here, 4);
    const auto lines = [&](const std::vector<std::string>& more) {
        std::vector<std::string> arguments{"tradebook", "export", "j"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return line_count(here.alpha(arguments).out) - 1;
    };
    const std::size_t all = lines({});
    const std::size_t first = lines({"--to", "2026-08-03"});
    const std::size_t rest = lines({"--from", "2026-08-04"});
    CHECK(first > 0);
    CHECK(rest > 0);
    CHECK(first + rest == all);
    CHECK(line_count(here.alpha({"tradebook", "export", "j", "--json"}).out) == all);
    REQUIRE(here.shell("$ALPHA tradebook export j --to 2026-08-03 > day.csv").code == 0);
    const Ran other = here.alpha({"tradebook", "compare", "j", "day.csv"});
    CHECK(other.code == 4);
    CHECK(contains(other.out, "only the journal has this trade"));
    CHECK(contains(other.out, "--from and --to compare the days that both have"));
    CHECK(here.alpha({"tradebook", "compare", "j", "day.csv", "--to", "2026-08-03"}).code == 0);
    const Ran misspelt = here.alpha({"tradebook", "export", "j", "--portfolio", "mian"});
    CHECK(misspelt.code == 2);
    CHECK(contains(misspelt.err, "did you mean 'main'?"));
    CHECK(here.alpha({"tradebook", "export", "j", "--from", "2026-08-05", "--to", "2026-08-03"}).code == 2);
    CHECK(here.alpha({"tradebook", "books", "none.csv"}).code == 3);
}

TEST_CASE("books say what they cannot know", "[cli][tradebook]") {
    const Workplace here;
    here.write("t.csv",
               "symbol,isin,trade_date,exchange,segment,series,trade_type,auction,quantity,price,trade_id,order_id,"
               "order_execution_time,expiry_date\n"
               "X,,2024-01-02,NSE,EQ,EQ,sell,false,10,100,1,1,2024-01-02T10:00:00,\n"
               "Y,,2024-01-02,NSE,EQ,EQ,sell,false,10,100,2,2,2024-01-02T10:00:00,\n"
               "NIFTY2410421500CE,,2024-01-02,NSE,FO,,buy,false,50,10,3,3,2024-01-02T10:00:00,2024-01-04\n"
               "X,,2024-01-05,NSE,EQ,EQ,buy,false,10,90,4,4,2024-01-05T10:00:00,\n"
               "Z,,2024-01-05,NSE,EQ,EQ,buy,false,1,90,5,5,2024-01-06T00:10:00,\n");
    const Ran books = here.alpha({"tradebook", "books", "t.csv", "t.csv"});
    CAPTURE(books.out, books.err);
    CHECK(books.code == 0);
    CHECK(contains(books.err, "t.csv:2: 10 of NSE:X are sold beyond"));
    CHECK(contains(books.err, "and so it is with 1 other share"));
    CHECK(contains(books.err,
                   "t.csv:6: NSE:Z was executed after the midnight of its trade_date, 2024-01-05, and counts "
                   "as of that day\n"));
    CHECK(contains(books.err, "1 contract expired and is still held, NFO:NIFTY2410421500CE first"));
    CHECK(contains(books.out, "realized +₹100.00 before charges"));
    CHECK(contains(books.out, "5 trades more than once, and taken once"));
    // Charges of those days, by the table: two notes, of what was traded on each.
    const Ran charged = here.alpha({"tradebook", "books", "t.csv", "--charges", "india", "--json"});
    CHECK(charged.code == 0);
    CHECK(contains(charged.out, "\"note_charges\":\""));
    const Ran lots = here.alpha({"tradebook", "books", "t.csv", "--trades"});
    CHECK(lots.code == 0);
    CHECK(line_count(lots.out) == 5);  // a header, one that is closed, three that are open
    const Ran bad = here.shell("sed -i '3s/,10,100,/,ten,100,/' t.csv; $ALPHA tradebook books t.csv --json");
    CHECK(bad.code == 3);
    CHECK(contains(bad.err, "t.csv:3: quantity 'ten': "));
    CHECK(contains(bad.out, "\"code\":\"bad_record\""));
}
