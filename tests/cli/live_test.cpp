#include "tests/cli/run_alpha.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

namespace {

std::vector<std::string> live(const std::string& scenario, const std::string& journal) {
    return {"live", "--broker", "paper", "--config", scenario, "--journal", journal, "--json"};
}

/// Head and state of a run, as one text.
std::string digests(const std::string& json) {
    return json_field(json, "log_head") + json_field(json, "state_digest");
}

}  // namespace

TEST_CASE("a live session on paper is the backtest, byte for byte", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 20'000) + "snapshot_interval: 300s\n");
    const Ran back = here.alpha({"backtest", "s.yaml", "--journal", "back", "--json"});
    const Ran lived = here.alpha(live("s.yaml", "live"));
    REQUIRE(back.code == 0);
    INFO(lived.err);
    REQUIRE(lived.code == 0);
    CHECK(digests(lived.out) == digests(back.out));
    CHECK(here.alpha({"diff", "back", "live"}).code == 0);
    CHECK(here.alpha({"replay", "--verify", "--journal", "live"}).code == 0);
    // Again on its finished journal: everything is compared, nothing is new.
    const Ran again = here.alpha(live("s.yaml", "live"));
    CHECK(again.code == 0);
    CHECK(digests(again.out) == digests(back.out));
}

TEST_CASE("killed again and again, a live session ends with the head of one that never was", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 150'000) + "snapshot_interval: 60s\n");
    const Ran back = here.alpha({"backtest", "s.yaml", "--journal", "back", "--json", "--fills", "back.csv"});
    REQUIRE(back.code == 0);
    const unsigned seed = std::random_device()();
    CAPTURE(seed);
    std::mt19937 random(seed);
    for (int i = 0; i < 8; ++i) {
        const pid_t process = here.start(live("s.yaml", "live"));
        std::this_thread::sleep_for(std::chrono::milliseconds(10 + random() % 150));
        ::kill(process, SIGKILL);
        here.finish(process);
        if (here.has("live")) {
            const Ran verified = here.alpha({"verify", "--journal", "live"});
            INFO(verified.err);
            REQUIRE(verified.code == 0);
        }
    }
    std::vector<std::string> last = live("s.yaml", "live");
    last.insert(last.end(), {"--fills", "live.csv"});
    const Ran lived = here.alpha(last);
    INFO(lived.err);
    REQUIRE(lived.code == 0);
    CHECK(digests(lived.out) == digests(back.out));
    CHECK(here.read("live.csv") == here.read("back.csv"));
}

TEST_CASE("a live session is ended cleanly by a signal, and goes on from there", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 2'000));
    const Ran back = here.alpha({"backtest", "s.yaml", "--journal", "back", "--json"});
    std::vector<std::string> slow = live("s.yaml", "live");
    slow.insert(slow.end(), {"--speed", "10x"});
    const int signal = GENERATE(SIGINT, SIGTERM);
    const pid_t process = here.start(slow);
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    REQUIRE(::kill(process, signal) == 0);
    const Ran stopped = here.finish(process);
    INFO(stopped.err);
    CHECK(stopped.code == 130);
    CHECK(json_field(stopped.out, "interrupted") == "true");
    CHECK(std::stoi(json_field(stopped.out, "ticks")) < 2'000);
    const Ran verified = here.alpha({"verify", "--journal", "live", "--json"});
    CHECK(verified.code == 0);
    CHECK(json_field(verified.out, "clean_end") == "true");
    CHECK(json_field(verified.out, "log_head") == json_field(stopped.out, "log_head"));
    const Ran lived = here.alpha(live("s.yaml", "live"));
    CHECK(lived.code == 0);
    CHECK(digests(lived.out) == digests(back.out));
}

TEST_CASE("a journal goes on with its own configuration and data only, and is left alone otherwise", "[cli]") {
    const Workplace here;
    here.write("ticks.csv", few_quotes("100.00"));
    here.write("s.yaml", hold_scenario("story", "ticks.csv"));
    const Ran first = here.alpha(live("s.yaml", "live"));
    INFO(first.err);
    REQUIRE(first.code == 0);
    SECTION("another scenario") {
        here.write("s.yaml", hold_scenario("tale", "ticks.csv"));
        const Ran refused = here.alpha(live("s.yaml", "live"));
        CHECK(refused.code == 2);
        CHECK(contains(refused.err, "another scenario: 'story', not 'tale'"));
    }
    SECTION("another configuration") {
        here.write("s.yaml", hold_scenario("story", "ticks.csv") + "snapshot_interval: 60s\n");
        const Ran refused = here.alpha(live("s.yaml", "live"));
        CHECK(refused.code == 2);
        CHECK(contains(refused.err, "configuration is not the one"));
    }
    SECTION("other data") {
        here.write("ticks.csv", few_quotes("101.00"));
        const Ran refused = here.alpha(live("s.yaml", "live"));
        CHECK(refused.code == 3);
        CHECK(contains(refused.err, "the data changed under the journal"));
    }
    SECTION("less data") {
        const std::string all = few_quotes("100.00");
        here.write("ticks.csv", all.substr(0, all.rfind('\n', all.size() - 2) + 1));
        const Ran refused = here.alpha(live("s.yaml", "live"));
        CHECK(refused.code == 3);
        CHECK(contains(refused.err, "The feeds end where the journal goes on"));
    }
    const Ran verified = here.alpha({"verify", "--journal", "live", "--json"});
    CHECK(verified.code == 0);
    CHECK(json_field(verified.out, "log_head") == json_field(first.out, "log_head"));
}

TEST_CASE("a live session says what it cannot do", "[cli]") {
    const Workplace here;
    here.write("s.yaml", synth_scenario("story", 100));
    CHECK(here.alpha({"live", "--broker", "friend", "--config", "s.yaml"}).code == 2);
    const std::string speed = GENERATE("fast", "0x", "x", "1", "-1x", "1.5x");
    const Ran refused = here.alpha({"live", "--broker", "paper", "--config", "s.yaml", "--speed", speed});
    CAPTURE(speed);
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "write max, or a number with an x"));
    CHECK_FALSE(here.has("runs"));
}
