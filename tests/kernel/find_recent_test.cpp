#include "kernel/find_recent.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <utility>

using namespace alpha;

TEST_CASE("an order is found wherever it stands, and what is not there is not found", "[orders]") {
    std::map<int, int> map;
    for (int size = 0; size <= 12; ++size) {
        CAPTURE(size);
        for (int key = -1; key <= 4 * size + 1; ++key) {
            CAPTURE(key);
            const bool same = find_recent(map, key) == map.find(key);
            CHECK(same);
            const bool same_of_const = find_recent(std::as_const(map), key) == map.find(key);
            CHECK(same_of_const);
        }
        map.emplace(4 * size + size % 3, size);  // with gaps before, between and behind
    }
}
