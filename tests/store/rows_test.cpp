#include "store/rows.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace alpha;

TEST_CASE("rows come back whole and in order, however they were written and whatever was there before", "[store]") {
    Rows rows;
    for (int round = 0; round < 3; ++round) {
        rows.clear();
        CHECK(rows.empty());
        rows.add({1, "key", "value"});
        rows.add({2, "", "no key"});
        rows.add({3, "no value", ""});
        rows.begin(4);
        *rows.bytes().extend(1) = 'k';
        rows.begin_value();
        *rows.bytes().extend(1) = 'v';
        const std::string long_value(static_cast<std::size_t>(10'000 * round), 'x');  // which moves what was there
        rows.add({5, std::string("\0\1", 2), long_value});
        REQUIRE(rows.size() == 5);
        CHECK(rows[0] == Row{1, "key", "value"});
        CHECK(rows[1] == Row{2, "", "no key"});
        CHECK(rows[2] == Row{3, "no value", ""});
        CHECK(rows[3] == Row{4, "k", "v"});
        CHECK(rows[4] == Row{5, std::string_view("\0\1", 2), long_value});
    }
}
