#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>

namespace {

/// A journal "j" of a run that trades often, and its fills as a CSV; returns what the run said.
std::string make_journal(const Workplace& here) {
    here.write("s.yaml", synth_scenario("s", 5'000));
    const Ran ran = here.alpha({"backtest", "s.yaml", "--json", "--journal", "j", "--fills", "fills.csv"});
    REQUIRE(ran.code == 0);
    return ran.out;
}

}  // namespace

TEST_CASE("show gives every fill of the run, as the CSV has them", "[cli]") {
    const Workplace here;
    const std::string said = make_journal(here);
    const Ran fills = here.alpha({"show", "fills", "--journal", "j", "--json"});
    CHECK(fills.code == 0);
    CHECK(fills.err.empty());
    CHECK(std::to_string(line_count(fills.out)) == json_field(said, "fills"));
    here.write("fills.jsonl", fills.out);
    const Ran same = here.shell("python3 -c 'import csv, json\n"
                                "rows = [json.loads(line) for line in open(\"fills.jsonl\")]\n"
                                "got = [[r[\"ts_ns\"], r[\"instrument\"], r[\"side\"].upper(), r[\"quantity\"], "
                                "r[\"price\"]] for r in rows]\n"
                                "assert got and got == [r[:5] for r in list(csv.reader(open(\"fills.csv\")))[1:]]'");
    CAPTURE(same.err);
    CHECK(same.code == 0);
    const Ran text = here.alpha({"show", "fills", "--journal", "j"});
    CHECK(line_count(text.out) == line_count(fills.out) + 1);
}

TEST_CASE("show gives the portfolios and orders that the run's summary counts", "[cli]") {
    const Workplace here;
    const std::string said = make_journal(here);
    const Ran portfolios = here.alpha({"show", "portfolios", "--journal", "j", "--json"});
    CHECK(portfolios.code == 0);
    CHECK(line_count(portfolios.out) == 1);
    for (const char* field : {"cash", "initial_cash", "realized_pnl", "charges", "fills"}) {
        CAPTURE(field);
        CHECK(json_field(portfolios.out, field) == json_field(said, field));
    }
    const Ran orders = here.alpha({"show", "orders", "--journal", "j", "--json"});
    CHECK(orders.code == 0);
    CHECK(line_count(orders.out) == std::stoull(json_field(said, "orders")) + std::stoull(json_field(said, "refused")));
    const Ran open = here.alpha({"show", "orders", "--journal", "j", "--json", "--open"});
    CHECK(std::to_string(line_count(open.out)) == json_field(portfolios.out, "open_orders"));
    const Ran text = here.alpha({"show", "portfolios", "--journal", "j"});
    CHECK(contains(text.out, "started with"));
    CHECK(contains(text.out, "average"));
}

TEST_CASE("what show prints can be narrowed", "[cli]") {
    const Workplace here;
    make_journal(here);
    const std::size_t all = line_count(here.alpha({"show", "orders", "--journal", "j", "--json"}).out);
    std::size_t by_instrument = 0;
    for (const char* instrument : {"NSE:ALPHA", "NSE:BETA"}) {
        const Ran one = here.alpha({"show", "orders", "--journal", "j", "--json", "--instrument", instrument});
        CHECK(one.code == 0);
        CHECK_FALSE(line_count(one.out) == all);
        by_instrument += line_count(one.out);
    }
    CHECK(by_instrument == all);
    const Ran two = here.alpha({"show", "fills", "--journal", "j", "--json", "--limit", "2"});
    CHECK(line_count(two.out) == 2);
    const std::string strategy = json_field(two.out, "strategy");
    const Ran of_strategy = here.alpha({"show", "fills", "--journal", "j", "--strategy",
                                        strategy.substr(1, strategy.size() - 2), "--limit", "3", "--json"});
    CHECK(line_count(of_strategy.out) == 3);
}

TEST_CASE("a misspelt name is answered by show with the one that was meant", "[cli]") {
    const Workplace here;
    make_journal(here);
    const Ran portfolio = here.alpha({"show", "orders", "--journal", "j", "--portfolio", "mian"});
    CHECK(portfolio.code == 2);
    CHECK(contains(portfolio.err, "no row of portfolio mian; did you mean main?"));
    // An instrument that never traded has no rows: its name may be right.
    const Ran instrument = here.alpha({"show", "fills", "--journal", "j", "--instrument", "NSE:ALHPA"});
    CHECK(instrument.code == 0);
    CHECK(contains(instrument.err, "no fill of instrument NSE:ALHPA; did you mean NSE:ALPHA?"));
    const Ran command = here.alpha({"show", "filsl", "--journal", "j"});
    CHECK(command.code == 2);
    CHECK(contains(command.err, "did you mean fills?"));
}

TEST_CASE("show folds the log of a journal that has no rows yet, and refuses what is no journal", "[cli]") {
    const Workplace here;
    const Ran copied = here.shell("cp -r '" ALPHA_SOURCE_DIR "/tests/store/journals/v1-two-portfolios' old");
    REQUIRE(copied.code == 0);
    const Ran old = here.alpha({"show", "portfolios", "--journal", "old", "--json"});
    CHECK(old.code == 0);
    CHECK(line_count(old.out) == 2);
    CHECK(contains(old.out, "\"portfolio\":\"hedge\""));
    const Ran nothing = here.alpha({"show", "fills", "--journal", "nowhere"});
    CHECK(nothing.code == 2);
    CHECK(nothing.out.empty());
    CHECK(contains(nothing.err, "nowhere"));
}
