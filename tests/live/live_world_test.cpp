#include "tests/live/live_world.hpp"

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
    std::size_t inputs = 0;
    std::string text;
};

/// Of all seeds a quarter, so that four cores share them. More or others by ALPHA_SEEDS=100000 and ALPHA_FIRST_SEED=7.
void walk_quarter(std::uint64_t quarter) {
#ifdef ALPHA_SANITIZED
    constexpr std::uint64_t kSeeds = 400;
#else
    constexpr std::uint64_t kSeeds = 10'000;
#endif
    const std::uint64_t all = number_of("ALPHA_SEEDS", kSeeds);
    const std::uint64_t first = number_of("ALPHA_FIRST_SEED", 1);
    const std::uint64_t begin = first + all * quarter / 4;
    const std::uint64_t end = first + all * (quarter + 1) / 4;
    std::map<std::string, Finding> found;  // by what does not hold
    for (std::uint64_t seed = begin; seed < end; ++seed) {
        LiveWorld world(seed);
        try {
            world.walk();
        } catch (const Broken& what) {
            const std::string text = what.what();
            if (all == 1) {
                fmt::print("{}\n{}\n", fmt::join(world.story(100'000), "\n"), text);
            }
            Finding& its = found[text.substr(0, text.find(':'))];
            if (its.seeds++ == 0 || world.inputs() < its.inputs) {
                its.inputs = world.inputs();
                its.text = fmt::format("seed {}: {}\n  {}", seed, text, fmt::join(world.story(60), "\n  "));
            }
        }
    }
    for (const auto& [what, its] : found) {
        UNSCOPED_INFO(
            fmt::format("{}: {} of {} seeds, the shortest walk:\n{}", what, its.seeds, end - begin, its.text));
    }
    CHECK(found.empty());
}

}  // namespace

TEST_CASE("an order is sent twice, guessed at, or its books are not the exchange's: first quarter", "[live]") {
    walk_quarter(0);
}
TEST_CASE("an order is sent twice, guessed at, or its books are not the exchange's: second quarter", "[live]") {
    walk_quarter(1);
}
TEST_CASE("an order is sent twice, guessed at, or its books are not the exchange's: third quarter", "[live]") {
    walk_quarter(2);
}
TEST_CASE("an order is sent twice, guessed at, or its books are not the exchange's: last quarter", "[live]") {
    walk_quarter(3);
}

}  // namespace alpha::test
