#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>

namespace {

/// A story of three quotes, its expected text written.
void tell_story(const Workplace& here) {
    here.write("scenarios/stories/x.csv", few_quotes("100.30"));
    here.write("scenarios/stories/hold.yaml", hold_scenario("hold", "x.csv"));
    REQUIRE(here.alpha({"golden", "update"}).code == 0);
}

}  // namespace

TEST_CASE("a price that moves by one paisa fails its story and is shown", "[cli]") {
    const Workplace here;
    tell_story(here);
    const Ran same = here.alpha({"golden", "check"});
    CHECK(same.code == 0);
    CHECK(contains(same.out, "1 story, 1 as expected"));

    here.write("scenarios/stories/x.csv", few_quotes("100.31"));
    const Ran moved = here.alpha({"golden", "check", "hold"});
    CHECK(moved.code == 4);
    CHECK(contains(moved.out, "golden/hold.txt:"));
    CHECK(contains(moved.out, "bid=100.3 "));
    CHECK(contains(moved.out, "bid=100.31 "));
    CHECK(contains(moved.out, "\n-log_head "));
    CHECK(contains(moved.out, "\n+log_head "));
    CHECK(contains(moved.out, "1 story, 0 as expected"));

    const Ran json = here.alpha({"golden", "check", "--json"});
    CHECK(json.code == 4);
    CHECK(json_field(json.out, "stories") == "1");
    CHECK(json_field(json.out, "as_expected") == "0");
    CHECK(json_field(json.out, "status") == "\"differs\"");
}

TEST_CASE("an expected text can be reviewed: the story's words, each event, the books, the digests", "[cli]") {
    const Workplace here;
    tell_story(here);
    const std::string text = here.read("golden/hold.txt");
    CHECK(text.starts_with("# Buys ten and holds them.\n# Nothing else happens.\n\n0 "));
    CHECK(contains(text, " order_filled "));
    // Ten bought at 100.05; worth 100.325 each, the mid of the last quote.
    CHECK(contains(text, "\nportfolio main initial_cash=10000 cash=8999.5 equity=10002.75 "
                         "realized_pnl=0 unrealized_pnl=2.75 "
                         "charges=0 fills=1\n"));
    CHECK(contains(text, "\n  NSE:X net=10 average=100.05 mark=100.325 "));
    CHECK(contains(text, "\nlog_head "));
    CHECK(contains(text, "\nstate_digest "));
}

TEST_CASE("update says which stories changed and leaves the others alone", "[cli]") {
    const Workplace here;
    tell_story(here);
    here.write("scenarios/stories/other.yaml", hold_scenario("other", "x.csv"));
    const Ran both = here.alpha({"golden", "update"});
    CHECK(both.code == 0);
    CHECK(contains(both.out, "unchanged hold"));
    CHECK(contains(both.out, "new       other"));
    CHECK(contains(both.out, "2 stories, 1 written"));
    CHECK(here.alpha({"golden", "check"}).code == 0);
}

TEST_CASE("CI can never renew what it is to check", "[cli]") {
    const Workplace here;
    tell_story(here);
    const std::string before = here.read("golden/hold.txt");
    here.write("scenarios/stories/x.csv", few_quotes("100.31"));
    const Ran ran = here.shell("CI=true $ALPHA golden update");
    CHECK(ran.code == 2);
    CHECK(contains(ran.err, "CI"));
    CHECK(here.read("golden/hold.txt") == before);
}

TEST_CASE("a story without expected text, or a text without its story, is not as expected", "[cli]") {
    const Workplace here;
    tell_story(here);
    here.write("golden/gone.txt", "of a story that was removed\n");
    const Ran orphan = here.alpha({"golden", "check"});
    CHECK(orphan.code == 4);
    CHECK(contains(orphan.out, "gone"));
    CHECK(here.alpha({"golden", "check", "hold"}).code == 0);

    here.write("scenarios/stories/untold.yaml", hold_scenario("untold", "x.csv"));
    const Ran missing = here.alpha({"golden", "check", "untold"});
    CHECK(missing.code == 4);
    CHECK(contains(missing.out, "alpha golden update untold"));
}

TEST_CASE("a story that no longer runs fails with its own error, after the others were checked", "[cli]") {
    const Workplace here;
    tell_story(here);
    here.write("scenarios/stories/bad.yaml", hold_scenario("bad", "nan.csv"));
    here.write("scenarios/stories/nan.csv", few_quotes("nan"));
    const Ran ran = here.alpha({"golden", "check"});
    CHECK(ran.code == 3);
    CHECK(contains(ran.out, "nan.csv:4"));
    CHECK(contains(ran.out, "ok      hold"));
}

TEST_CASE("a misspelt story is answered with the one that was meant", "[cli]") {
    const Workplace here;
    tell_story(here);
    const Ran ran = here.alpha({"golden", "check", "hodl"});
    CHECK(ran.code == 2);
    CHECK(contains(ran.err, "did you mean hold?"));
    CHECK(here.alpha({"golden", "check", "--scenarios", "nowhere"}).code == 2);
}
