// What must be noticed, done wrong on purpose: mostly by a few dozen walks.

#include "tests/live/live_world.hpp"

#include <catch2/catch.hpp>
#include <string_view>

namespace alpha::test {

namespace {

/// Whether a walk complains of just that. `needs_two`: it takes a second broker that is compared with itself.
bool is_noticed(const Breaks& breaks, std::string_view as = {}, bool needs_two = false) {
    constexpr std::uint64_t kSeeds = 4'000;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        LiveWorld world(seed, breaks);
        if (needs_two && !world.is_compared()) {
            continue;
        }
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

TEST_CASE("a place of an order that was to be cancelled while it waited is not noticed", "[live]") {
    CHECK(is_noticed({.places_what_is_cancelled = true}, "an order leaves that was to be cancelled"));
}

TEST_CASE("an order that was decided before a restart and is sent after it is not noticed", "[live]") {
    CHECK(is_noticed({.restarts_in_silence = true}, "an order leaves that was decided before a restart"));
}

TEST_CASE("a kill that holds back the other broker's orders is not noticed", "[live]") {
    CHECK(is_noticed({.holds_everywhere = true}, "what a broker does depends on another one outside", true));
}

TEST_CASE("a kill that does not hold back the orders of its own broker is not noticed", "[live]") {
    CHECK(is_noticed({.holds_at_first = true}, "an order leaves after a kill"));
}

TEST_CASE("a message that goes to another broker is not noticed", "[live]") {
    CHECK(is_noticed({.mixes_up_messages = true}, "an order's message goes to another broker"));
}

TEST_CASE("rows of one broker's book that are taken for another's are not noticed", "[live]") {
    CHECK(is_noticed({.mixes_up_rows = true}));
}

}  // namespace alpha::test
