// What must be noticed, done wrong on purpose: mostly by a few dozen walks.

#include "tests/live/live_world.hpp"

#include <catch2/catch.hpp>
#include <string_view>

namespace alpha::test {

namespace {

/// Whether a walk complains of just that.
bool is_noticed(const Breaks& breaks, std::string_view as = {}) {
    constexpr std::uint64_t kSeeds = 4'000;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        LiveWorld world(seed, breaks);
        try {
            world.walk();
        } catch (const Broken& broken) {
            if (std::string_view(broken.what()).starts_with(as)) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace

TEST_CASE("a place that is sent again on a time-out is not noticed", "[live]") {
    CHECK(is_noticed({.sends_again = true}, "an order is sent twice"));
}

TEST_CASE("a second attempt after a write began is not noticed", "[live]") {
    CHECK(is_noticed({.denies_what_it_sent = true}, "an order is sent twice"));
}

TEST_CASE("a message that leaves before it is durable is not noticed", "[live]") {
    CHECK(is_noticed({.sends_before_durable = true}, "a message leaves that a crash would forget"));
}

TEST_CASE("tags without the log's number are not noticed", "[live]") {
    CHECK(is_noticed({.tags_without_log = true}));
}

TEST_CASE("a hint taken for truth is not noticed", "[live]") {
    CHECK(is_noticed({.takes_hints_for_truth = true}));
}

TEST_CASE("a place after the kill is not noticed", "[live]") {
    CHECK(is_noticed({.places_after_kill = true}, "an order leaves after a kill"));
}

TEST_CASE("an order that was decided before a restart and is sent after it is not noticed", "[live]") {
    CHECK(is_noticed({.restarts_in_silence = true}, "an order leaves that was decided before a restart"));
}

}  // namespace alpha::test
