#include "markets/charges.hpp"

#include <rapidcheck/catch.h>
namespace alpha::test {
TEST_CASE("the plans within the program are read") {
    const auto plan = embedded_charges("zerodha");
    INFO((plan ? std::string() : plan.error().message));
    REQUIRE(plan);
    for (const auto& row : plan->rows) {
        UNSCOPED_INFO(name_of(row.line) << " " << describe(row));
    }
    CHECK(plan->rows.size() > 100);
}
}  // namespace alpha::test
