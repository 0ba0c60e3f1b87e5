#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <sstream>

namespace fs = std::filesystem;

namespace {

/// A journal of a short run that trades often.
std::string make_journal(const Workplace& here, int ticks = 4'000) {
    here.write("s.yaml", synth_scenario("s", ticks));
    const Ran ran = here.alpha({"backtest", "s.yaml", "--json", "--journal", "j"});
    REQUIRE(ran.code == 0);
    return ran.out;
}

}  // namespace

TEST_CASE("a fork without settings is its journal to every command", "[cli]") {
    const Workplace here;
    const std::string ran = make_journal(here);
    const Ran fork = here.alpha({"fork", "--journal", "j", "--at", "1500", "--to", "f", "--json"});
    REQUIRE(fork.code == 0);
    CHECK(json_field(fork.out, "log_head") == json_field(ran, "log_head"));
    CHECK(json_field(fork.out, "state_digest") == json_field(ran, "state_digest"));
    CHECK(json_field(fork.out, "events") == json_field(ran, "events"));
    CHECK(json_field(fork.out, "reconfigured") == "false");
    CHECK(json_field(fork.out, "first_difference") == "null");
    CHECK(json_field(fork.out, "asked_at") == "1500");
    CHECK(here.alpha({"diff", "j", "f"}).code == 0);
    for (const char* of : {"portfolios", "orders", "fills"}) {
        const Ran shown = here.alpha({"show", of, "--journal", "f", "--json"});
        CHECK(shown.code == 0);
        CHECK(shown.out == here.alpha({"show", of, "--journal", "j", "--json"}).out);
    }
    CHECK(here.alpha({"verify", "--journal", "f"}).code == 0);
    const Ran text = here.alpha({"fork", "--journal", "j", "--at", "1500", "--to", "g"});
    CHECK(contains(text.out, "identical: the fork is the journal, byte for byte"));
}

TEST_CASE("a fork with settings says what they changed, and is a journal like any other", "[cli]") {
    const Workplace here;
    make_journal(here);
    const Ran fork =
        here.alpha({"fork", "--journal", "j", "--at", "1500", "--set", "risk.max_order_quantity=1", "--to", "f"});
    REQUIRE(fork.code == 0);
    CHECK(fork.err.empty());
    CHECK(contains(fork.out, "A is j, B is f\nfrom event 15"));
    CHECK(contains(fork.out, "on the sessions are configured differently"));
    CHECK(contains(fork.out, "risk[order_quantity]"));
    CHECK(contains(fork.out, " order_refused "));
    CHECK(contains(fork.out, "compare: alpha diff j f\n"));
    const Ran verified = here.alpha({"replay", "--journal", "f", "--verify", "--json"});
    REQUIRE(verified.code == 0);
    CHECK(json_field(verified.out, "verified") == "true");
    CHECK(here.alpha({"verify", "--journal", "f"}).code == 0);
    const Ran log = here.alpha({"log", "--journal", "f", "--type", "session_reconfigured"});
    CHECK(line_count(log.out) == 1);
    const Ran diff = here.alpha({"diff", "j", "f"});
    CHECK(diff.code == 4);
    CHECK(contains(fork.out, diff.out));
    const Ran quiet = here.alpha({"fork", "--journal", "j", "--at", "1500", "--set", "risk.max_order_quantity=1",
                                  "--set", "charges=none", "--to", "q", "-q"});
    CHECK(line_count(quiet.out) == 1);
    CHECK(contains(quiet.out, ", journal q\n"));
    // A fork of the fork lifts the limit again.
    const Ran again = here.alpha(
        {"fork", "--journal", "f", "--at", "2500", "--set", "risk.max_order_quantity=", "--to", "ff", "--json"});
    REQUIRE(again.code == 0);
    CHECK(here.alpha({"replay", "--journal", "ff", "--verify", "-q"}).code == 0);
    CHECK(contains(again.out, "\"settings\":[{\"setting\":\"risk[order_quantity]"));
}

TEST_CASE("a fork whose settings change no decision has no first difference", "[cli]") {
    const Workplace here;
    make_journal(here);
    const Ran fork = here.alpha(
        {"fork", "--journal", "j", "--at", "1500", "--set", "risk.max_order_quantity=100000", "--to", "f", "--json"});
    REQUIRE(fork.code == 0);
    CHECK(json_field(fork.out, "reconfigured") == "true");
    CHECK(json_field(fork.out, "first_difference") == "null");
    CHECK(contains(fork.out, R"("differences":[{)"));  // the settings themselves
}

TEST_CASE("a fork that is refused leaves nothing behind", "[cli]") {
    const Workplace here;
    make_journal(here);
    const auto refused = [&](const std::vector<std::string>& more, int code) {
        std::vector<std::string> arguments{"fork", "--journal", "j"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const std::vector<std::string> before = here.names();
        const Ran ran = here.alpha(arguments);
        CHECK(ran.code == code);
        CHECK(here.names() == before);
        return ran.err;
    };
    CHECK(contains(refused({"--at", "5", "--to", "j"}, 2), "j"));
    CHECK(contains(refused({"--at", "5"}, 2), "--to"));
    CHECK(contains(refused({"--at", "9999999", "--to", "f"}, 2), "--at 9999999 is behind the end: the journal holds "));
    CHECK(contains(refused({"--at", "5", "--to", "f", "--set", "risk.max_postion=5"}, 2),
                   "error: --set risk.max_postion=5: risk: unknown key 'max_postion'; did you mean 'max_position'?\n"));
    const std::string two = refused({"--at", "5", "--to", "f", "--set", "name=x", "--set", "charges.rate=7"}, 2);
    CHECK(contains(two, "error: --set name=x: 'name' cannot change within a session; what can: risk, risk.KEY"));
    CHECK(contains(two, "error: --set charges.rate=7: charges.rate: '7' is out of range"));
    CHECK(here.alpha({"fork", "--journal", "none", "--at", "5", "--to", "f"}).code == 2);

    for (const fs::directory_entry& entry : fs::directory_iterator(here.path("j"))) {
        if (entry.path().extension() == ".sst" && entry.file_size() > 2'000) {
            std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
            file.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
            file.write("damaged!", 8);
        }
    }
    refused({"--at", "3000", "--to", "f"}, 3);
}

TEST_CASE("a fork that is interrupted leaves nothing behind", "[cli]") {
    const Workplace here;
    make_journal(here, 400'000);
    const std::vector<std::string> before = here.names();
    const pid_t process = here.start({"fork", "--journal", "j", "--at", "390000", "--to", "f"});
    kill(process, SIGINT);
    const Ran ran = here.finish(process);
    CHECK(ran.code == 130);
    CHECK(here.names() == before);
}
