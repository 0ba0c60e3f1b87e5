/// Scenarios of any text: no crash, mistakes with their place, and what is accepted is a session that can be logged.

#include "config/scenario.hpp"
#include "events/codec.hpp"
#include "strategies/catalog.hpp"
#include "tests/fuzz/findings.hpp"
#include "tests/fuzz/input.hpp"

#include <string_view>

namespace {

constexpr std::string_view kPath = "fuzz/scenario.yaml";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace alpha;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto scenario = parse_scenario(text, std::string(kPath));
    if (!scenario) {
        ALPHA_ASSERT(scenario.error().kind == ErrorKind::usage, "a bad scenario is the user's mistake");
        fuzz::check_findings(scenario.error().message, kPath);
        return 0;
    }
    for (const std::string& warning : scenario->warnings) {
        fuzz::check_finding(warning, kPath);
    }
    ByteBuffer bytes;
    encode(bytes, Envelope{}, scenario->config);
    const auto decoded = decode(bytes.view(), 0);
    ALPHA_ASSERT(decoded && std::get<RunConfigured>(decoded->event) == scenario->config,
                 "an accepted scenario can be event 0");
    for (const StrategyConfig& strategy : scenario->config.strategies) {
        const StrategySpec* const spec = find_strategy(strategy.use);
        ALPHA_ASSERT(spec != nullptr && spec->make(strategy, scenario->config.instruments) != nullptr,
                     "an accepted strategy can be made");
    }
    return 0;
}
