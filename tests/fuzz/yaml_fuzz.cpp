/// Scenarios of any text: no crash, mistakes with their place, and what is accepted is a session that can be logged.

#include "config/scenario.hpp"
#include "events/codec.hpp"
#include "strategies/catalog.hpp"
#include "tests/fuzz/input.hpp"

#include <string_view>

namespace alpha::fuzz {

namespace {

constexpr std::string_view kPath = "fuzz/scenario.yaml";

/// "FILE:LINE:COLUMN: what"; the last line may count what was left out instead.
void check_finding(std::string_view line) {
    ALPHA_ASSERT(line.starts_with(kPath), "a finding begins with the file");
    line.remove_prefix(kPath.size());
    if (line.starts_with(": and ") && line.ends_with(" more")) {
        return;
    }
    for (int number = 0; number < 2; ++number) {
        ALPHA_ASSERT(line.starts_with(":"), "a finding has a line and a column");
        line.remove_prefix(1);
        const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
        ALPHA_ASSERT(digits > 0 && line[0] != '0', "lines and columns begin with 1");
        line.remove_prefix(digits);
    }
    ALPHA_ASSERT(line.starts_with(": ") && line.size() > 2, "a finding says what is wrong");
}

void check_findings(std::string_view text) {
    ALPHA_ASSERT(!text.empty(), "a refusal says why");
    for (const char c : text) {
        ALPHA_ASSERT((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) || c == '\n',
                     "a refusal is fit for a terminal");
    }
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        check_finding(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

}  // namespace

}  // namespace alpha::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace alpha;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto scenario = parse_scenario(text, std::string(fuzz::kPath));
    if (!scenario) {
        ALPHA_ASSERT(scenario.error().kind == ErrorKind::usage, "a bad scenario is the user's mistake");
        fuzz::check_findings(scenario.error().message);
        return 0;
    }
    for (const std::string& warning : scenario->warnings) {
        fuzz::check_finding(warning);
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
