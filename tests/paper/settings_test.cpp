#include "adapters/paper/paper_broker.hpp"
#include "events/limits.hpp"

#include <catch2/catch.hpp>

namespace alpha {
namespace {

std::string refusal(const std::vector<Setting>& settings) {
    const Result<PaperSettings> read = paper_settings(settings);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().kind == ErrorKind::usage);
    return read.error().message;
}

TEST_CASE("settings come back from the log unchanged", "[paper]") {
    for (const FillModel fill : {FillModel::touch, FillModel::next_open}) {
        for (const bool use_size : {false, true}) {
            for (const Price slippage : {Price{0}, Price{1}, limits::kMaxPrice}) {
                for (const Duration latency : {Duration{0}, Duration{1'500'000}, kMaxPaperLatency}) {
                    const PaperSettings settings{fill, slippage, latency, use_size};
                    const Result<PaperSettings> read = paper_settings(to_settings(settings));
                    REQUIRE(read.has_value());
                    CHECK(*read == settings);
                }
            }
        }
    }
}

TEST_CASE("two spellings of the same settings are one configuration", "[paper]") {
    const std::vector<Setting> canonical{
        {"fill", "next_open"}, {"latency", "1500ms"}, {"slippage", "0.05"}, {"use_size", "true"}};
    const Result<PaperSettings> read =
        paper_settings({{"use_size", "true"}, {"slippage", "0.0500"}, {"latency", "1500000us"}, {"fill", "next_open"}});
    REQUIRE(read.has_value());
    CHECK(to_settings(*read) == canonical);
    CHECK(to_settings({}) ==
          std::vector<Setting>{{"fill", "touch"}, {"latency", "0s"}, {"slippage", "0"}, {"use_size", "false"}});
    CHECK(paper_settings({}).value() == PaperSettings{});
}

TEST_CASE("a slip in a setting is never taken for something else", "[paper]") {
    CHECK(refusal({{"fil", "touch"}}) ==
          "paper broker: unknown setting 'fil'; known are fill, latency, slippage and use_size");
    CHECK(refusal({{"fill", "Touch"}}) == "paper broker: 'fill' must be touch or next_open, not 'Touch'");
    CHECK(refusal({{"use_size", "yes"}}) == "paper broker: 'use_size' must be true or false, not 'yes'");
    CHECK(refusal({{"fill", "touch"}, {"fill", "touch"}}) == "paper broker: 'fill' is given more than once");
    for (const char* latency : {"", "5", "-5s", "1.5s", "25h", "day ", "999999999999999999d"}) {
        CHECK(refusal({{"latency", latency}}) ==
              "paper broker: 'latency' must be a duration such as 250ms, from 0s to 1d, not '" + std::string(latency) +
                  "'");
    }
    for (const char* slippage : {"", "-0.01", "5%", "1e3", "0.000000001", "10000000000.01"}) {
        CHECK(refusal({{"slippage", slippage}}) ==
              "paper broker: 'slippage' must be a price difference such as 0.05, from 0 to "
              "10000000000, not '" +
                  std::string(slippage) + "'");
    }
}

}  // namespace
}  // namespace alpha
