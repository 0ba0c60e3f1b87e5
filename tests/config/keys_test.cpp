#include "config/keys.hpp"
#include "config/scenario.hpp"
#include "tests/runtime/support.hpp"

#include <catch2/catch.hpp>

using namespace alpha;
using namespace alpha::runtime_test;

namespace {

const std::string kPage = std::string(ALPHA_SOURCE_DIR) + "/docs/reference-scenario.md";

}  // namespace

// After a change of the tables: test_config "[write-reference]", then commit the page with it.
TEST_CASE("writes docs/reference-scenario.md", "[.][write-reference]") {
    write_text(kPage, config::scenario_reference());
    CHECK(read_text(kPage) == config::scenario_reference());
}

TEST_CASE("the reference page tells other keys or defaults than are in force", "[config]") {
    const bool equal = read_text(kPage) == config::scenario_reference();
    INFO("Run test_config \"[write-reference]\" and commit docs/reference-scenario.md.");
    CHECK(equal);
}

TEST_CASE("the example of the reference page is refused", "[config]") {
    const TempFolder folder;
    write_text(folder / "ticks.csv.zst", "x");
    write_text(folder / "ibm.csv", "x");
    const std::string page = config::scenario_reference();
    const std::string fence = "```yaml\n";
    const std::size_t begin = page.find(fence) + fence.size();
    const std::string example = page.substr(begin, page.find("```", begin) - begin);
    const auto scenario = parse_scenario(example, folder / "s.yaml");
    INFO((scenario ? std::string() : scenario.error().message));
    REQUIRE(scenario);
    CHECK(scenario->warnings.empty());
    CHECK(scenario->config.name == "ema-cross");
}
