#include "config/suggest.hpp"

#include <catch2/catch.hpp>

using namespace alpha;

TEST_CASE("a suggestion is far-fetched, or fails to come", "[config]") {
    const std::vector<std::string_view> known{"ema_cross", "sma_cross", "fill", "IBM", "touch", "next_open", "account"};
    CHECK(did_you_mean("ema_crss", known) == "ema_cross");
    CHECK(did_you_mean("ema-cross", known) == "ema_cross");
    CHECK(did_you_mean("EMA_CROSS", known) == "ema_cross");
    CHECK(did_you_mean("sma_corss", known) == "sma_cross");
    CHECK(did_you_mean("ibm", known) == "IBM");
    CHECK(did_you_mean("IBN", known) == "IBM");
    CHECK(did_you_mean("fil", known) == "fill");
    CHECK(did_you_mean("nextopen", known) == "next_open");
    CHECK(did_you_mean("acconut", known) == "account");
    CHECK(did_you_mean("XYZ", known).empty());
    CHECK(did_you_mean("a", known).empty());
    CHECK(did_you_mean("", known).empty());
    CHECK(did_you_mean("bollinger", known).empty());
    CHECK(did_you_mean("ema_cross", {}).empty());
    CHECK(did_you_mean(std::string(10'000, 'x'), known).empty());
    CHECK(did_you_mean("x", {std::string_view("")}).empty());
}
