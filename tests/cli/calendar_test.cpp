#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <utility>

TEST_CASE("the day on which the closing auction begins is shown beside the one before, with sources", "[cli]") {
    const Workplace here;
    const Ran ran = here.alpha({"calendar", "NSE_EQ_CAS", "--from", "2026-07-31", "--to", "2026-08-03"});
    CAPTURE(ran.out, ran.err);
    REQUIRE(ran.code == 0);
    CHECK(contains(ran.out, "NSE_EQ_CAS, on the clock of Asia/Kolkata"));
    const std::size_t friday = ran.out.find("2026-07-31 Fri");
    const std::size_t saturday = ran.out.find("2026-08-01 Sat");
    const std::size_t monday = ran.out.find("2026-08-03 Mon");
    REQUIRE((friday < saturday && saturday < monday && monday != std::string::npos));
    const std::string before = ran.out.substr(friday, saturday - friday);
    const std::string after = ran.out.substr(monday);
    CHECK(contains(before, "continuous"));
    CHECK(contains(before, "15:30"));
    CHECK_FALSE(contains(before, "closing_entry"));
    CHECK(contains(after, "closing_entry"));
    CHECK(contains(after, "NSE/CMTR/74466"));
    CHECK(contains(ran.out.substr(saturday, monday - saturday), "closed"));
}

TEST_CASE("New York's opening moves with its clocks, and what is not known says so", "[cli]") {
    const Workplace here;
    // 2026-03-08 and 2026-11-01: 09:30 there is 14:30 UTC in winter, 13:30 in summer.
    for (const auto& [date, ns] : {std::pair{"2026-03-06", "1772807400000000000"},
                                   {"2026-03-09", "1773063000000000000"},
                                   {"2026-10-30", "1793367000000000000"},
                                   {"2026-11-02", "1793629800000000000"}}) {
        const Ran ran = here.alpha({"calendar", "XNYS", "--from", date, "--json"});
        CAPTURE(date, ran.out, ran.err);
        CHECK(contains(ran.out, std::string("\"opens\":\"09:30\"")));
        CHECK(contains(ran.out, std::string("\"opens_ns\":\"") + ns + '"'));
    }
    const Ran unknown = here.alpha({"calendar", "NSE_EQ", "--from", "2031-01-01", "--json"});
    CHECK(unknown.code == 0);
    CHECK(contains(unknown.out, "\"kind\":\"unknown\",\"settles\":null,\"phases\":[]"));
}

TEST_CASE("a holiday of one's own goes over the program's, and a table that is wrong is refused by its line", "[cli]") {
    const Workplace here;
    constexpr const char* kHead = "calendars,date,kind,set,settles,name,source,grade\n";
    here.write("new.csv", std::string(kHead) + "NSE_EQ,2026-12-09,holiday,,no,A strike,a circular,official\n");
    const Ran closed = here.alpha({"calendar", "NSE_EQ", "--from", "2026-12-09", "--days", "new.csv"});
    CAPTURE(closed.out, closed.err);
    CHECK(closed.code == 0);
    CHECK(contains(closed.out, "holiday"));
    CHECK(contains(closed.out, "A strike: a circular"));
    here.write("bad.csv", std::string(kHead) + "NSE_EQ,2026-12-32,holiday,,no,A strike,a circular,official\n");
    const Ran bad = here.alpha({"calendar", "NSE_EQ", "--days", "bad.csv"});
    CHECK(bad.code == 3);
    CHECK(contains(bad.err, "bad.csv:2"));
    CHECK(here.alpha({"calendar", "NSE"}).code == 2);
    CHECK(contains(here.alpha({"calendar", "NSE"}).err, "there is no calendar 'NSE'; write BSE_EQ"));
    CHECK(here.alpha({"calendar", "NSE_EQ", "--from", "2026-12-09", "--to", "2026-12-08"}).code == 2);
    CHECK(here.alpha({"calendar", "NSE_EQ", "--from", "tomorrow"}).code == 2);
    CHECK(contains(here.alpha({"calendar"}).out, "XNYS"));
}
