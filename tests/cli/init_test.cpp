#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace {

const char* const kDaily = "Date,Open,High,Low,Close,Volume\n"
                           "2024-01-02,162,163,160,161,3825000\n"
                           "2024-01-03,161,162,160,160,4086100\n"
                           "2024-01-04,160,161,159,160,3212000\n";

/// Three minutes of one price.
std::string minutes(const std::string& price, const std::string& offset) {
    std::string csv = "date,open,high,low,close,volume\n";
    for (const char* const minute : {"15", "16", "17"}) {
        csv += fmt::format("2024-01-02T09:{0}:00{2},{1},{1},{1},{1},5\n", minute, price, offset);
    }
    return csv;
}

}  // namespace

TEST_CASE("an option that a message names is not taken by the command that says it", "[cli][init]") {
    const Workplace here;
    here.write("p.csv", "Date;Last\n01/02/2024 10:00:00;10\n02/02/2024 10:00:30;11\n02/02/2024 10:01:30;12\n");
    const std::vector<std::string> said{"--dates", "dmy", "--tz", "Asia/Kolkata", "--resample", "1m"};
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"init", "p.csv"}, {"data", "check", "p.csv"}, {"data", "info", "p.csv"}}) {
        CAPTURE(command);
        CHECK(contains(here.alpha(command).err, "--dates dmy or mdy on the command line"));
        std::vector<std::string> whole = command;
        whole.insert(whole.end(), said.begin(), said.end());
        const Ran ran = here.alpha(whole);
        CAPTURE(ran.err);
        CHECK(ran.code == 0);
    }
    // What was said is in the scenario, and so a backtest reads the same.
    CHECK(
        contains(here.read("p.yaml"), R"(data: [{file: "p.csv", tz: "Asia/Kolkata", dates: "dmy", resample: "1m"}])"));
    const Ran run = here.alpha({"backtest", "p.yaml", "--json"});
    CAPTURE(run.err);
    CHECK(run.code == 0);
    CHECK(json_field(run.out, "bars") == json_field(here.alpha({"data", "info", "p.csv", "--json", "--dates", "dmy",
                                                                "--tz", "Asia/Kolkata", "--resample", "1m"})
                                                        .out,
                                                    "records"));
}

TEST_CASE("what init was told of a file is not what its scenario says", "[cli][init]") {
    const Workplace here;
    here.write("m.csv", minutes("10", ""));
    const Ran ran = here.alpha({"init",         "m.csv",      "--calendar",   "NSE_EQ",     "--kind",     "bars",
                                "--interval",   "1m",         "--instrument", "X",          "--map",      "close=open",
                                "--from",       "2024-01-02", "--until",      "2024-01-02", "--decimals", "2",
                                "--duplicates", "last",       "--to",         "-"});
    CAPTURE(ran.err);
    REQUIRE(ran.code == 0);
    CHECK(contains(ran.out, R"(data: [{file: "m.csv", kind: "bars", instrument: "X", interval: "1m", )"
                            R"(from: "2024-01-02", until: "2024-01-02", decimals: "2", duplicates: "last", )"
                            R"(map: {"close": "open"}}])"));
    CHECK(contains(ran.out, "default_instrument: {calendar: \"NSE_EQ\"}\n"));
    CHECK(contains(here.alpha({"init", "m.csv", "--session", "nse", "--to", "-"}).out,
                   "default_instrument: {session: \"nse\"}\n"));
    here.write("two.csv", "timestamp,instrument,open,high,low,close\n2024-01-02T09:15:00Z,A,1,1,1,1\n"
                          "2024-01-02T09:15:00Z,B,1,1,1,1\n2024-01-02T09:15:00Z,C,1,1,1,1\n");
    const Ran two = here.alpha({"init", "two.csv", "--instrument", "A,C", "--to", "-"});
    CAPTURE(two.err);
    CHECK(contains(two.out, R"(instruments: ["A", "C"])"));
    CHECK(contains(two.out, R"(data: [{file: "two.csv"}])"));
}

TEST_CASE("init writes what a backtest refuses", "[cli][init]") {
    const Workplace here;
    here.write("d.csv", kDaily);
    here.write("q.csv", few_quotes("100.30"));
    const auto refused = [&](const std::string& file, const char* option, const char* value) {
        const Ran ran = here.alpha({"init", file, option, value});
        CHECK(ran.code == 2);
        CHECK(ran.out.empty());
        CHECK_FALSE(here.has("d.yaml"));
        CHECK_FALSE(here.has("q.yaml"));
        return ran.err;
    };
    CHECK(contains(refused("d.csv", "--use", "foo"), "strategies.use: there is no strategy 'foo'; write buy_and_hold"));
    CHECK(contains(refused("q.csv", "--use", "market_maker"), "strategies.params: "));
    CHECK(contains(refused("d.csv", "--currency", "Rupees"), "account.currency: 'Rupees' is not a currency"));
    CHECK(refused("d.csv", "--use", "ema_cross") ==
          "error: --use ema_cross: reads quotes alone, and d.csv holds bars; write buy_and_hold or sma_cross\n");
    CHECK(refused("q.csv", "--use", "sma_cross") ==
          "error: --use sma_cross: reads bars alone, and q.csv holds quotes; write buy_and_hold or ema_cross\n");
    REQUIRE(here.alpha({"data", "import", "d.csv", "--to", "d.alpha"}).code == 0);
    CHECK(contains(refused("d.alpha", "--from", "2024-01-03"), "d.alpha: is a data set, whose lines were read when it "
                                                               "was made; leave out --from"));
}

TEST_CASE("init buys what its cash does not pay for", "[cli][init]") {
    const Workplace here;
    const auto written = [&](const std::string& price, const std::string& offset, std::vector<std::string> more = {}) {
        here.write("X.csv", minutes(price, offset));
        more.insert(more.begin(), {"init", "X.csv", "--to", "-"});
        const Ran ran = here.alpha(more);
        CAPTURE(ran.err);
        CHECK(ran.code == 0);
        return ran.out;
    };
    const std::string cheap = written("160", "Z");
    CHECK(contains(cheap, "account: {currency: \"USD\", cash: 100000}\n"));
    CHECK(contains(cheap, "quantity: 156}"));
    CHECK(contains(cheap, "# quantity: at 160, the highest price, it costs at most 1/4 of the cash\n"));
    const std::string dear = written("62000", "Z");
    CHECK(contains(dear, "account: {currency: \"USD\", cash: 500000}  # enough for 4 units at 62000\n"));
    CHECK(contains(dear, "quantity: 2}"));
    CHECK(contains(written("25000", "Z"), "cash: 100000}\n"));
    CHECK(contains(written("25000.01", "Z"), "cash: 200000}"));
    CHECK(contains(written("0.00000001", "Z"), "quantity: 10000000000}"));
    // Rupees where the times are India's.
    const std::string index = written("22400", "+05:30");
    CHECK(contains(index, "account: {currency: \"INR\", cash: 1000000}\n"));
    CHECK(contains(index, "quantity: 11}"));
    CHECK(contains(written("22400", "", {"--tz", "Asia/Kolkata"}), "currency: \"INR\""));
    CHECK(contains(written("22400", "", {"--calendar", "NSE_EQ"}), "currency: \"INR\""));
    CHECK(contains(written("22400", "+05:30", {"--currency", "EUR"}), "account: {currency: \"EUR\", cash: 100000}"));
    // A data set has no offsets, but prices.
    REQUIRE(here.alpha({"data", "import", "X.csv", "--to", "x.alpha"}).code == 0);
    CHECK(contains(here.alpha({"init", "x.alpha", "--to", "-"}).out, "currency: \"USD\", cash: 100000}"));
    // Of five instruments all can be held at once.
    std::string many = "timestamp,instrument,open,high,low,close\n";
    for (const char* const minute : {"15", "16"}) {
        for (const char* const name : {"A", "B", "C", "D", "E", "F"}) {
            many += fmt::format("2024-01-02T09:{}:00Z,{},100,100,100,100\n", minute, name);
        }
    }
    here.write("many.csv", many);
    REQUIRE(here.alpha({"init", "many.csv", "--use", "buy_and_hold"}).code == 0);
    CHECK(contains(here.read("many.yaml"), "quantity: 166}"));
    const Ran run = here.alpha({"backtest", "many.yaml", "--json"});
    CHECK(json_field(run.out, "fills") == "5");
    CHECK(json_field(run.out, "refused") == "0");
}

TEST_CASE("a range without a row is an empty market", "[cli][init]") {
    const Workplace here;
    here.write("d.csv", kDaily);
    const std::string spans = "the first is of 2024-01-02, the last of 2024-01-04; check the dates\n";
    const Ran later = here.alpha({"data", "import", "d.csv", "--from", "2025-01-01", "--to", "d.alpha"});
    CHECK(later.code == 3);
    CHECK(later.err == "error: d.csv:1: no row lies in the range from 2025-01-01: " + spans);
    CHECK_FALSE(here.has("d.alpha"));
    CHECK(here.alpha({"data", "info", "d.csv", "--from", "2023-01-01", "--until", "2023-06-30"}).err ==
          "error: d.csv:1: no row lies in the range from 2023-01-01 until 2023-06-30: " + spans);
    const Ran turned = here.alpha({"data", "info", "d.csv", "--from", "2024-02-01", "--until", "2024-01-01"});
    CHECK(turned.code == 2);
    CHECK(turned.err == "error: --from 2024-02-01 and --until 2024-01-01: nothing lies between them; exchange them\n");
    CHECK(here.alpha({"data", "info", "d.csv", "--from", "2024-01-02T10:00Z", "--until", "2024-01-02T10:00Z"}).code ==
          2);
    CHECK(here.alpha({"data", "info", "d.csv", "--from", "2024-01-04", "--until", "2024-01-04"}).code == 0);
    here.write("h.csv", "Date,Open,High,Low,Close,Volume\n");
    CHECK(here.alpha({"data", "info", "h.csv"}).code == 0);  // nobody asked for a part of it
}

TEST_CASE("a scenario and a data set are read by options that they do not take", "[cli][init]") {
    const Workplace here;
    here.write("d.csv", kDaily);
    REQUIRE(here.alpha({"init", "d.csv"}).code == 0);
    REQUIRE(here.alpha({"data", "import", "d.csv", "--to", "d.alpha"}).code == 0);
    const Ran scenario = here.alpha({"data", "check", "d.yaml", "--dates", "dmy", "--calendar", "XNYS"});
    CHECK(scenario.code == 2);
    CHECK(contains(scenario.err, "a scenario says itself how its files are read, when its instruments trade and in "
                                 "which ticks; leave out --dates, --calendar\n"));
    for (const char* const command : {"info", "check"}) {
        const Ran set = here.alpha({"data", command, "d.alpha", "--from", "2024-01-03"});
        CHECK(set.code == 2);
        CHECK(contains(set.err, "d.alpha: is a data set, whose lines were read when it was made; leave out --from\n"));
    }
    CHECK(here.alpha({"data", "check", "d.alpha", "--calendar", "XNYS"}).code == 0);
}

TEST_CASE("a folder has no bytes", "[cli][init]") {
    const Workplace here;
    here.shell("mkdir f");
    here.write("f/A.csv", kDaily);
    here.write("f/B.csv", kDaily);
    const std::string bytes = std::to_string(2 * std::string_view(kDaily).size());
    CHECK(json_field(here.alpha({"data", "info", "f", "--json"}).out, "file_bytes") == bytes);
    REQUIRE(here.alpha({"init", "f/"}).code == 0);
    CHECK(here.alpha({"backtest", "f.yaml", "-q"}).code == 0);
    CHECK(contains(here.alpha({"init", "f/*.csv"}).err, "--to is missing"));
}

TEST_CASE("what comes in on standard input is called by a path that nobody typed", "[cli][init]") {
    const Workplace here;
    const Ran neither = here.shell("printf 'x;y\\n' | $ALPHA data import - --to x.alpha");
    CHECK(neither.code == 3);
    CHECK(contains(neither.err, "as bars: standard input:1: is separated by semicolons"));
    CHECK(here.shell("printf '' | $ALPHA data import - --to x.alpha").err ==
          "error: standard input: the file is empty\n");
}
