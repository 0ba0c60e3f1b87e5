#include "config/zones.hpp"
#include "markets/calendar.hpp"

#include <catch2/catch.hpp>
#include <iostream>
using namespace alpha;
using namespace alpha::markets;
TEST_CASE("built in") {
    auto d = built_in_calendars();
    if (!d) {
        FAIL(d.error().message);
    }
    for (auto& x : *d) {
        auto n = x.table.name;
        auto c = config::calendar_of(std::move(x));
        if (!c) {
            FAIL(c.error().message);
        }
        std::cout << n << " " << c->zone().changes.size() << "\n";
    }
}
