#include "tests/properties/outside_world.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <string>

namespace alpha::test {

namespace {

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nobody sets it meanwhile
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Finding {
    std::uint64_t seeds = 0;
    std::size_t steps = 0;
    std::string text;
};

}  // namespace

// More or others by ALPHA_SEEDS=1000000 and ALPHA_FIRST_SEED=7.
TEST_CASE("an order is sent twice, lost or guessed at, or its books are not the broker's", "[outside]") {
    const std::uint64_t first = number_of("ALPHA_FIRST_SEED", 1);
#ifdef ALPHA_SANITIZED
    const std::uint64_t seeds = number_of("ALPHA_SEEDS", 400);
#else
    const std::uint64_t seeds = number_of("ALPHA_SEEDS", 10'000);
#endif
    std::map<std::string, Finding> found;  // by invariant
    for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
        OutsideWorld world(seed);
        try {
            world.walk();
        } catch (const Broken& what) {
            const std::string text = what.what();
            Finding& its = found[text.substr(0, text.find(':'))];
            if (its.seeds++ == 0 || world.trace().size() < its.steps) {
                its.steps = world.trace().size();
                its.text = fmt::format("seed {}: {}\n  {}", seed, text, fmt::join(world.trace(), "\n  "));
            }
        }
    }
    for (const auto& [invariant, its] : found) {
        UNSCOPED_INFO(fmt::format("{}: {} of {} seeds, the shortest walk:\n{}", invariant, its.seeds, seeds, its.text));
    }
    CHECK(found.empty());
}

}  // namespace alpha::test
