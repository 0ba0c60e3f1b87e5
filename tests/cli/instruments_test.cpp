#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <sys/wait.h>
#include <thread>

namespace {

constexpr const char* kHead = "exchange,symbol,token,isin,name,kind,expiry,tick,lot\n";
constexpr const char* kJanuary = "NSE,INFY,408065,INE009A01021,Infosys,share,,0.05,1\n"
                                 "BSE,INFY,128053508,INE009A01021,Infosys,share,,0.05,1\n"
                                 "NFO,NIFTY26JANFUT,77,,Nifty,future,2026-01-27,0.1,75\n"
                                 "NFO,NIFTY26FEBFUT,78,,Nifty,future,2026-02-24,0.1,75\n";
constexpr const char* kFebruary = "NSE,INFY,408065,INE009A01021,Infosys,share,,0.1,1\n"
                                  "BSE,INFY,128053508,INE009A01021,Infosys,share,,0.05,1\n"
                                  "NFO,NIFTY26FEBFUT,78,,Nifty,future,2026-02-24,0.1,65\n"
                                  "NFO,NIFTY26APRFUT,77,,Nifty,future,2026-04-28,0.1,65\n";

/// A workplace with two months loaded.
struct Loaded : Workplace {
    Loaded() {
        write("january.csv", std::string(kHead) + kJanuary);
        write("february.csv", std::string(kHead) + kFebruary);
        for (const auto& [file, date] : {std::pair{"january.csv", "2026-01-05"}, {"february.csv", "2026-02-02"}}) {
            const Ran ran = alpha({"instruments", "load", file, "--date", date});
            CAPTURE(ran.out, ran.err);
            REQUIRE(ran.code == 0);
        }
    }
    Ran ask(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "instruments");
        return alpha(arguments);
    }
};

}  // namespace

TEST_CASE("an instrument is shown as it was on a day, by symbol, token and ISIN", "[cli][instruments]") {
    const Loaded here;
    const Ran both = here.ask({"show", "INFY"});
    CAPTURE(both.out, both.err);
    CHECK(both.code == 0);
    CHECK(contains(both.out, "on 2026-02-02"));
    CHECK(contains(both.out, "BSE:INFY · since 2026-01-05"));
    CHECK(contains(both.out, "NSE:INFY · since 2026-02-02"));
    const std::string before = here.ask({"show", "NSE:INFY", "--date", "2026-02-01", "--json"}).out;
    CAPTURE(before);
    CHECK(contains(before, "{\"date\":\"2026-02-01\",\"listings\":[{\"exchange\":\"NSE\",\"symbol\":\"INFY\","
                           "\"from\":\"2026-01-05\",\"token\":408065,\"isin\":\"INE009A01021\""));
    CHECK(contains(before, "\"tick\":\"0.05\",\"lot\":\"1\",\"freeze\":\"0\",\"multiplier\":\"1\"}"));
    CHECK(contains(here.ask({"show", "--token", "77", "--date", "2026-01-27"}).out, "NFO:NIFTY26JANFUT"));
    CHECK(contains(here.ask({"show", "--token", "77"}).out, "NFO:NIFTY26APRFUT"));
    const std::string isin = here.ask({"show", "--isin", "INE009A01021"}).out;
    CHECK(contains(isin, "BSE:INFY"));
    CHECK(contains(isin, "NSE:INFY"));
    const Ran history = here.ask({"show", "NFO:NIFTY26FEBFUT", "--history"});
    CHECK(contains(history.out, "lot 75 -> 65"));
    CHECK(contains(here.ask({"show", "NFO:NIFTY26FEBFUT", "--history", "--json"}).out,
                   "{\"instruments\":[{\"exchange\":\"NFO\",\"symbol\":\"NIFTY26FEBFUT\",\"versions\":[{\"from\":"
                   "\"2026-01-05\",\"listed\":true,"));
}

TEST_CASE("instruments are found by text, and two days are compared", "[cli][instruments]") {
    const Loaded here;
    const Ran found = here.ask({"find", "nifty", "--limit", "1"});
    CHECK(found.code == 0);
    CHECK(contains(found.out, "1 of 2 on 2026-02-02"));
    CHECK(contains(found.out, "NFO:NIFTY26APRFUT"));
    CHECK_FALSE(contains(found.out, "NFO:NIFTY26FEBFUT"));
    CHECK(contains(here.ask({"find", "INFO", "--json"}).out, "\"total\":2,\"listings\":[{\"exchange\":\"BSE\""));
    CHECK(here.ask({"find", "nothing"}).out == "0 of 0 on 2026-02-02\n");
    const Ran diff = here.ask({"diff", "2026-01-05", "2026-02-02"});
    CAPTURE(diff.out);
    CHECK(contains(diff.out, "2026-01-05 → 2026-02-02: 1 listed, 1 delisted, 2 changed\n"));
    CHECK(contains(diff.out, "+ NFO:NIFTY26APRFUT  future\n"));
    CHECK(contains(diff.out, "- NFO:NIFTY26JANFUT  future, expired 2026-01-27\n"));
    CHECK(contains(diff.out, "~ NFO:NIFTY26FEBFUT  lot 75 -> 65\n"));
    CHECK(contains(diff.out, "~ NSE:INFY  tick 0.05 -> 0.1\n"));
    const std::string json = here.ask({"diff", "2026-01-05", "2026-02-02", "--exchange", "NSE", "--json"}).out;
    CHECK(contains(json, "\"listed\":[],\"delisted\":[],\"changed\":[{\"exchange\":\"NSE\",\"symbol\":\"INFY\","
                         "\"since\":\"2026-02-02\",\"changes\":[{\"field\":\"tick\",\"before\":\"0.05\",\"after\":"
                         "\"0.1\"}]}]"));
}

TEST_CASE("what is asked of instruments wrongly is said with what to do", "[cli][instruments]") {
    const Loaded here;
    const auto refused = [&](const std::vector<std::string>& arguments, int code, std::string_view part) {
        const Ran ran = here.ask(arguments);
        CAPTURE(arguments, ran.out, ran.err);
        CHECK(ran.code == code);
        CHECK(contains(ran.err, part));
    };
    refused({"show", "NSE:INFYY"}, 2, "there is no instrument 'NSE:INFYY'; did you mean 'NSE:INFY'?");
    refused({"show", "INFU"}, 2, "did you mean 'INFY'?");
    refused({"show", "something else"}, 2, "alpha instruments find");
    refused({"show", "NIFTY26JANFUT"}, 2, "NIFTY26JANFUT is not listed on 2026-02-02; --history shows when it was");
    refused({"show", "INFU", "--history"}, 2, "did you mean 'INFY'?");
    refused({"show", "--token", "99"}, 2, "no instrument had the token 99 on 2026-02-02");
    refused({"show", "--token", "0"}, 2, "--token");
    refused({"show", "--isin", "INE002A01018"}, 2, "the ISIN 'INE002A01018'");
    refused({"show"}, 2, "in one way");
    refused({"show", "INFY", "--token", "77"}, 2, "in one way");
    refused({"show", "INFY", "--history", "--date", "2026-01-05"}, 2, "--history");
    refused({"show", "INFY", "--date", "tomorrow"}, 2, "write it as 2026-01-27");
    refused({"show", "INFY", "--registry", "none"}, 2, "There is no registry at none");
    refused({"show", "INFY", "--registry", "."}, 2, "is no registry of instruments");
    refused({"diff", "2026-01-05", "2026-02-30"}, 2, "the second day 2026-02-30");
    refused({"diff", "2026-01-05", "2026-02-02", "--exchange", "NFL"}, 2, "did you mean 'NFO'?");
    refused({"load", "january.csv"}, 2, "--date YYYY-MM-DD");
    refused({"load", "january.csv", "--date", "2026-01-31"}, 3,
            "january.csv:3: BSE:INFY is for 2026-01-31, but BSE was loaded for 2026-02-02 already");
    refused({"load", "none.csv", "--date", "2026-03-02"}, 3, "none.csv");
    CHECK_FALSE(here.has("none"));
    CHECK(contains(here.ask({"show", "NSE:INFYY", "--json"}).out, "\"code\":\"not_found\""));
}

TEST_CASE("bad rows refuse a file by their lines and make no registry, or are skipped and listed",
          "[cli][instruments]") {
    const Workplace here;
    here.write("bad.csv", std::string(kHead) + kJanuary + "NSE,X,1,,X,share,,0,1\nNSE,INFY,2,,Twice,share,,1,1\n");
    const Ran refused = here.alpha({"instruments", "load", "bad.csv", "--date", "2026-01-05"});
    CAPTURE(refused.out, refused.err);
    CHECK(refused.code == 3);
    CHECK(contains(refused.err, "bad.csv:6: the tick is 0"));
    CHECK(contains(refused.err, "bad.csv:7: NSE:INFY stands in line 2 already"));
    CHECK(contains(refused.err, "--skip-bad"));
    CHECK_FALSE(here.has("registry"));
    const Ran skipped = here.alpha({"instruments", "load", "bad.csv", "--date", "2026-01-05", "--skip-bad"});
    CHECK(skipped.code == 0);
    CHECK(contains(skipped.err, "bad.csv:6: the tick is 0"));
    CHECK(contains(skipped.out, "skipped    2"));
    const Ran json = here.alpha({"instruments", "load", "bad.csv", "--date", "2026-01-05", "--skip-bad", "--json"});
    CHECK(contains(json.out, "\"rows\":4,\"listed\":4,\"changed\":0,\"unchanged\":0,\"expired\":0,\"delisted\":0,"
                             "\"versions_written\":0,"));
    CHECK(contains(json.out, "\"bad_row_count\":2,\"bad_rows\":[{\"line\":6,\"message\":\"the tick is 0"));
}

TEST_CASE("a partial file leaves the others, and a file of a history says its days itself", "[cli][instruments]") {
    const Loaded here;
    here.write("freeze.csv", "exchange,symbol,freeze,from\nNFO,NIFTY26FEBFUT,1800,2026-02-02\n"
                             "NFO,NIFTY26FEBFUT,1200,2026-02-10\n");
    REQUIRE(here.ask({"load", "freeze.csv"}).code == 0);
    CHECK(contains(here.ask({"show", "NIFTY26FEBFUT", "--date", "2026-02-09"}).out, "freeze      1800"));
    CHECK(contains(here.ask({"show", "NIFTY26FEBFUT"}).out, "freeze      1200"));
    CHECK(contains(here.ask({"show", "NIFTY26APRFUT"}).out, "lot         65"));
    here.write("one.csv", "exchange,symbol,lot\nNFO,NIFTY26FEBFUT,60\n");
    REQUIRE(here.ask({"load", "one.csv", "--date", "2026-02-11", "--partial"}).code == 0);
    CHECK(contains(here.ask({"find", "NIFTY", "--date", "2026-02-11"}).out, "2 of 2"));
    REQUIRE(here.ask({"load", "one.csv", "--date", "2026-02-12"}).code == 0);
    CHECK(contains(here.ask({"find", "NIFTY", "--date", "2026-02-12"}).out, "1 of 1"));
}

TEST_CASE("a load that is killed leaves what was there", "[cli][instruments]") {
    const Loaded here;
    std::string text = "exchange,symbol,lot\n";
    for (int i = 0; i < 30'000; ++i) {
        text += "NSE,F" + std::to_string(i) + ",1\n";
    }
    here.write("many.csv", text);
    int killed = 0;
    for (int i = 0; i < 12; ++i) {
        const pid_t process = here.start({"instruments", "load", "many.csv", "--date", "2026-03-02"});
        std::this_thread::sleep_for(std::chrono::milliseconds(20 + i * 37 % 60));
        ::kill(process, SIGKILL);
        killed += here.finish(process).code == 128 + SIGKILL ? 1 : 0;
        const std::string found = here.ask({"find", "f", "--date", "2026-03-02", "--limit", "0"}).out;
        CAPTURE(found);
        CHECK((found == "0 of 3 on 2026-03-02\n" || found == "0 of 30,002 on 2026-03-02\n"));
    }
    CHECK(killed > 0);
    const std::string before = here.ask({"find", "f", "--date", "2026-03-02", "--limit", "0"}).out;
    const Ran cut =
        here.shell("sed 's/,1$/,2/' many.csv > other.csv; ulimit -f 100; $ALPHA instruments load other.csv --date "
                   "2026-03-03 --json");
    CAPTURE(cut.out, cut.err);
    CHECK(cut.code == 2);
    CHECK(contains(cut.err, "cannot be written"));
    CHECK(contains(cut.out, "\"code\":\"file_too_large\""));
    CHECK(here.ask({"diff", "2026-03-02", "2026-03-03"}).out ==
          "2026-03-02 → 2026-03-03: 0 listed, 0 delisted, 0 changed\n");
    CHECK(here.ask({"find", "f", "--date", "2026-03-02", "--limit", "0"}).out == before);
    CHECK(here.ask({"load", "many.csv", "--date", "2026-03-02"}).code == 0);
    CHECK(contains(here.ask({"find", "f", "--date", "2026-03-02", "--limit", "0"}).out, "0 of 30,002 on"));
}

TEST_CASE("the example on the page of instruments works as it says", "[cli][instruments]") {
    std::ostringstream page;
    page << std::ifstream(ALPHA_SOURCE_DIR "/docs/reference-instruments.md").rdbuf();
    const std::string text = page.str();
    const auto block = [&](std::string_view name) {
        const std::size_t begin = text.find(std::string("```") + std::string(name) + '\n');
        CAPTURE(name);
        REQUIRE(begin != std::string::npos);
        const std::size_t from = text.find('\n', begin) + 1;
        return text.substr(from, text.find("```", from) - from);
    };
    const Workplace here;
    here.write("january.csv", block("csv january.csv"));
    here.write("february.csv", block("csv february.csv"));
    here.write("freeze.csv", block("csv freeze.csv"));
    std::string commands = block("sh");
    for (std::size_t at = commands.find("alpha "); at != std::string::npos; at = commands.find("alpha ", at + 8)) {
        commands.replace(at, 6, "$ALPHA ");
    }
    const Ran ran = here.shell("set -e; " + commands);
    CAPTURE(ran.out, ran.err);
    CHECK(ran.code == 0);
    const std::string shown = block("text");
    CHECK(ran.out.ends_with(shown));
}
