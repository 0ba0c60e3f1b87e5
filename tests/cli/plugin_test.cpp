#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <unistd.h>

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

TEST_CASE("a lull is many steps: it costs no memory, and whoever ends in it goes on as if nothing had been", "[cli]") {
    const Workplace here;
    put_library(here, "ticking");
    // Four days between two quotes, and a timer each second.
    here.write("q.csv", "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n1704167100000000000,ACME,99,1,101,1\n"
                        "1704512700000000000,ACME,99,1,101,1\n1704512701000000000,ACME,99,1,101,1\n");
    here.write("s.yaml", "name: lull\naccount: {currency: INR, cash: 1000}\nplugins: [libticking.so]\n"
                         "instruments: {ACME: {session: nse}}\ndata: [{file: q.csv, kind: quotes}]\n"
                         "strategies: [{id: t, use: ticking, instruments: [ACME], params: {ms: 1000}}]\n");
    const std::vector<std::string> live{"live", "--broker", "paper", "--config", "s.yaml", "--journal", "j", "-q"};
    REQUIRE(here.alpha({"backtest", "s.yaml", "--journal", "whole", "-q"}).code == 0);
    const std::string head = json_field(here.alpha({"verify", "whole", "--json"}).out, "log_head");
    CHECK(line_count(here.alpha({"log", "whole", "--type", "timer_fired"}).out) == 345'601);
    CHECK(here.alpha({"replay", "whole", "--verify", "--plugin", "libticking.so", "-q"}).code == 0);

    const int signal = GENERATE(SIGKILL, SIGTERM);
    CAPTURE(signal);
    const pid_t process = here.start(live);
    while (!here.has("j/CURRENT")) {
        usleep(1'000);
    }
    usleep(300'000);
    ::kill(process, signal);
    here.finish(process);
    CHECK(here.alpha({"replay", "j", "--verify", "--plugin", "libticking.so", "-q"}).code == 0);
    CHECK(here.alpha(live).code == 0);
    CHECK(json_field(here.alpha({"verify", "j", "--json"}).out, "log_head") == head);
}

TEST_CASE("a person is heard in a lull, and what he asks for is decided again there", "[cli]") {
    const Workplace here;
    put_library(here, "ticking");
    here.write("q.csv", "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n1704167100000000000,ACME,99,1,101,1\n"
                        "1799512700000000000,ACME,99,1,101,1\n");
    here.write("s.yaml", "name: lull\naccount: {currency: INR, cash: 1000}\nplugins: [libticking.so]\n"
                         "instruments: {ACME: {session: nse}}\ndata: [{file: q.csv, kind: quotes, max_gap: 2000d}]\n"
                         "strategies: [{id: t, use: ticking, instruments: [ACME], params: {ms: 1000}}]\n");
    const pid_t process = here.start({"live", "--broker", "paper", "--config", "s.yaml", "--journal", "j", "-q"});
    Ran killed;
    for (int i = 0; i < 200 && killed.out.empty(); ++i) {
        killed = here.alpha({"kill", "--journal", "j"});
        usleep(10'000);
    }
    CHECK(contains(killed.out, "main: the kill switch is latched (all)"));
    CHECK(here.alpha({"kill", "--release", "--journal", "j"}).code == 0);
    CHECK(here.alpha({"kill", "--entries", "--journal", "j"}).code == 0);
    ::kill(process, SIGTERM);
    CHECK(here.finish(process).code == 130);
    CHECK(line_count(here.alpha({"log", "j", "--type", "kill_switch_latched"}).out) == 2);
    const Ran again = here.alpha({"replay", "j", "--verify", "--plugin", "libticking.so", "-q"});
    INFO(again.err);
    CHECK(again.code == 0);
}
