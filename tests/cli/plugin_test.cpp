#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace {

std::string library(const std::string& name) {
    return ALPHA_TEST_PLUGINS "/lib" + name + ".so";
}

/// Ten thousand quotes for the strategy of libmisbehaves.so.
std::string wild(const std::string& params) {
    return "name: wild\naccount: {currency: INR, cash: 100000}\ndata: [{synth: {seed: 3, ticks: 10000}}]\n"
           "plugins: [./libmisbehaves.so]\nstrategies:\n"
           "  - {id: beast, use: misbehaves, instruments: [\"NSE:ALPHA\"], params: " +
           params + "}\n";
}

void put_library(const Workplace& here, const std::string& name) {
    std::filesystem::copy_file(library(name), here.path("lib" + name + ".so"));
}

std::string last_line(const std::string& text) {
    const std::size_t end = text.find_last_not_of('\n') + 1;
    const std::size_t before = text.rfind('\n', end - 1);
    return text.substr(before == std::string::npos ? 0 : before + 1,
                       end - (before == std::string::npos ? 0 : before + 1));
}

}  // namespace

TEST_CASE("a crash in a strategy's callback ends the process as it is, and names the strategy last", "[cli]") {
    const Workplace here;
    put_library(here, "misbehaves");
    struct Crash {
        std::string how;
        int signal;
        std::string name;
    };
    for (const Crash& crash : {Crash{"writes nowhere", SIGSEGV, "SIGSEGV"}, Crash{"aborts", SIGABRT, "SIGABRT"},
                               Crash{"goes too deep", SIGSEGV, "SIGSEGV"}}) {
        CAPTURE(crash.how);
        here.write("s.yaml", wild("{how: " + crash.how + ", at: 700}"));
        std::filesystem::remove(here.path("log"));
        std::filesystem::remove_all(here.path("j"));
        const Ran ran = here.alpha({"live", "--broker", "paper", "--config", "s.yaml", "--journal", "j", "--speed",
                                    "10000x", "--log-file", "log", "-q"});
        CHECK(ran.code == 128 + crash.signal);
        const std::string words =
            " critical plugin: the strategy 'beast' (misbehaves) crashed in on_quote: " + crash.name;
        CHECK(last_line(ran.err).ends_with(words));
        CHECK(last_line(here.read("log")).ends_with(words));
        // What was committed is there, and whole.
        const Ran verified = here.alpha({"verify", "--journal", "j"});
        CHECK(verified.code == 0);
        CHECK(contains(verified.out, "not ended"));
    }
}

TEST_CASE("a session with a strategy of one's own is replayed with its library, and with no other unnoticed", "[cli]") {
    const Workplace here;
    put_library(here, "misbehaves");
    here.write("s.yaml", wild("{how: throws}"));
    const Ran ran = here.alpha({"backtest", "s.yaml", "--journal", "j", "--json"});
    REQUIRE(ran.code == 6);

    CHECK(here.alpha({"replay", "--journal", "j"}).code == 0);
    const Ran without = here.alpha({"replay", "--journal", "j", "--verify"});
    CHECK(without.code == 3);
    CHECK(contains(without.err, "there is no strategy named 'misbehaves'"));
    CHECK(contains(without.err, "--plugin PATH"));

    const Ran with = here.alpha(
        {"replay", "--journal", "j", "--verify", "--plugin", library("plain_c"), "--plugin", "libmisbehaves.so"});
    CHECK(with.code == 0);
    CHECK(with.err.empty());
    CHECK(contains(with.out, "verified"));

    std::ofstream(here.path("libmisbehaves.so"), std::ios::app) << "another";
    const Ran other = here.alpha({"replay", "--journal", "j", "--verify", "--plugin", "libmisbehaves.so"});
    CHECK(other.code == 0);
    CHECK(
        contains(other.err, "the library of the strategy misbehaves is not the one that the journal was written with"));

    const Ran none = here.alpha({"replay", "--journal", "j", "--verify", "--plugin", "s.yaml"});
    CHECK(none.code == 2);
    CHECK(contains(none.err, "--plugin: 's.yaml' cannot be loaded"));
}

TEST_CASE("a strategy that was halted shows on standard error, quiet or not, and in the exit code", "[cli]") {
    const Workplace here;
    put_library(here, "misbehaves");
    here.write("s.yaml", wild("{how: throws}"));
    const std::string words = "strategy beast was halted; alpha log j --type strategy_halted says why";
    const Ran quiet = here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"});
    CHECK(quiet.code == 6);
    CHECK(quiet.err == "! " + words + "\n");
    CHECK(line_count(quiet.out) == 1);
    CHECK(line_count(here.shell("$ALPHA log j --type strategy_halted").out) == 1);
    std::filesystem::remove_all(here.path("j"));
    const Ran json = here.alpha({"backtest", "s.yaml", "--journal", "j", "-q", "--json"});
    CHECK(json.code == 6);
    CHECK(json.err == "! " + words + "\n");
    CHECK(contains(json.out, words));
    const Ran text = here.alpha({"backtest", "s.yaml", "--journal", "other"});
    CHECK(text.code == 6);
    CHECK(contains(text.out, "! strategy beast was halted"));

    // At rest it is told too.
    CHECK(contains(here.alpha({"status", "j"}).out,
                   "! beast: this strategy is halted; alpha log j --type strategy_halted"));
    CHECK(contains(here.alpha({"status", "j", "--json"}).out, R"("halted_strategies":["beast"])"));
}

TEST_CASE("a session with a strategy of one's own is forked with its library", "[cli]") {
    const Workplace here;
    put_library(here, "misbehaves");
    here.write("s.yaml", wild("{how: sleeps, at: 100}"));
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"}).code == 0);
    CHECK(here.alpha({"fork", "--journal", "j", "--at", "50", "--to", "none"}).code == 3);
    CHECK_FALSE(here.has("none"));

    const auto fork = [&](const std::string& to, const std::vector<std::string>& settings) {
        std::vector<std::string> arguments{"fork",     "--journal",       "j", "--at", "50", "--to", to,
                                           "--plugin", "libmisbehaves.so"};
        arguments.insert(arguments.end(), settings.begin(), settings.end());
        return here.alpha(arguments);
    };
    const Ran same = fork("same", {});
    CHECK(same.code == 0);
    CHECK(contains(same.out, "identical"));
    const Ran other = fork("other", {"--set", "strategies.beast.params.how=throws"});
    CHECK(other.code == 0);
    CHECK_FALSE(contains(other.out, "identical"));
    CHECK(here.alpha({"replay", "--journal", "other", "--verify", "--plugin", "libmisbehaves.so"}).code == 0);
    CHECK(fork("slip", {"--set", "strategies.beast.params.att=1"}).code == 2);
}

TEST_CASE("a replay in which a strategy crashes names it last, and does not call the journal damaged", "[cli]") {
    const Workplace here;
    put_library(here, "misbehaves");
    here.write("s.yaml", wild("{how: sleeps}"));
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "j", "-q"}).code == 0);
    // Another library with a strategy of that name.
    const Ran ran = here.alpha({"replay", "--journal", "j", "--verify", "--plugin", library("crashes")});
    CHECK(ran.code == 3);
    CHECK(contains(last_line(ran.err), "the strategy 'beast' (misbehaves) crashed in on_quote: SIGABRT"));
    CHECK_FALSE(contains(ran.err, "damaged"));
}

TEST_CASE("a callback that is too slow for live halts its strategy there, and replays so", "[cli]") {
    const Workplace here;
    put_library(here, "misbehaves");
    here.write("s.yaml", wild("{how: spins, at: 5, ms: 200}"));
    const auto live = [&](const std::string& journal, const std::string& most) {
        return here.alpha({"live", "--broker", "paper", "--config", "s.yaml", "--journal", journal, "--callback-ms-max",
                           most, "--json"});
    };
    const Ran slow = live("slow", "20");
    REQUIRE(slow.code == 6);
    CHECK(contains(slow.err, "the strategy 'beast' is halted: on_quote took "));
    CHECK(contains(slow.out, "\"halted\":true"));
    CHECK(here.alpha({"replay", "--journal", "slow", "--verify", "--plugin", "libmisbehaves.so"}).code == 0);

    const Ran patient = live("patient", "0");
    REQUIRE(patient.code == 0);
    CHECK(contains(patient.out, "\"halted\":false"));
    const Ran backtest = here.alpha({"backtest", "s.yaml", "--journal", "backtest", "--json"});
    REQUIRE(backtest.code == 0);
    CHECK(json_field(backtest.out, "log_head") == json_field(patient.out, "log_head"));
}
