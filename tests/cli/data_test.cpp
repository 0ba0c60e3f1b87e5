#include "tests/cli/run_alpha.hpp"

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
    CHECK(here.alpha({"data", "import", "t.csv", "--kind", "bars", "--instrument", "X", "--to", "t.alpha"}).code == 2);
    CHECK_FALSE(here.has("t.alpha"));
}
