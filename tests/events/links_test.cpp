#include "events/links.hpp"
#include "tests/events/support.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace alpha;
using alpha::test::qty;

namespace {

ReducingOrder sells(std::uint64_t order, const char* leaves, std::uint64_t group = 0) {
    return {OrderId{order}, Side::sell, OrderId{group}, qty(leaves)};
}
ReducingOrder buys(std::uint64_t order, const char* leaves, std::uint64_t group = 0) {
    return {OrderId{order}, Side::buy, OrderId{group}, qty(leaves)};
}

std::vector<std::string> cut(std::vector<ReducingOrder> orders, const char* net) {
    cut_to_net(orders, qty(net));
    std::vector<std::string> left;
    for (const ReducingOrder& order : orders) {
        left.push_back(to_string(order.leaves));
    }
    return left;
}

using Left = std::vector<std::string>;

}  // namespace

TEST_CASE("only what is held can be taken off, from the side that takes it off", "[events]") {
    CHECK(reducible(Side::sell, qty("10")) == qty("10"));
    CHECK(reducible(Side::buy, qty("10")) == Qty{});
    CHECK(reducible(Side::buy, qty("-10")) == qty("10"));
    CHECK(reducible(Side::sell, qty("-10")) == Qty{});
    CHECK(reducible(Side::buy, Qty{}) == Qty{});
    CHECK(reducible(Side::sell, Qty{}) == Qty{});
}

TEST_CASE("orders that only reduce share what is held, the oldest first", "[events]") {
    CHECK(cut({}, "10").empty());
    CHECK(cut({sells(1, "10")}, "10") == Left{"10"});
    CHECK(cut({sells(1, "10")}, "4") == Left{"4"});
    CHECK(cut({sells(1, "10")}, "0") == Left{"0"});
    CHECK(cut({sells(1, "10")}, "-4") == Left{"0"});
    CHECK(cut({sells(1, "6"), sells(2, "6"), sells(3, "6")}, "10") == Left{"6", "4", "0"});
    CHECK(cut({buys(1, "6"), sells(2, "6"), buys(3, "6")}, "-10") == Left{"6", "0", "4"});
    CHECK(cut({sells(1, "0.00000001"), sells(2, "1")}, "0.5") == Left{"0.00000001", "0.49999999"});
}

TEST_CASE("legs of one group share one part, since one of them ends the others", "[events]") {
    CHECK(cut({sells(1, "10", 1), sells(2, "10", 1)}, "10") == Left{"10", "10"});
    CHECK(cut({sells(1, "10", 1), sells(2, "10", 1)}, "4") == Left{"4", "4"});
    // The second leg is larger: what it takes beyond the first comes off what is left for others.
    CHECK(cut({sells(1, "4", 1), sells(2, "6", 1), sells(3, "10")}, "10") == Left{"4", "6", "4"});
    CHECK(cut({sells(1, "6", 1), sells(2, "4", 1), sells(3, "10")}, "10") == Left{"6", "4", "4"});
    // Two brackets of 10 each on 15 that are held.
    CHECK(cut({sells(2, "10", 2), sells(3, "10", 2), sells(5, "10", 5), sells(6, "10", 5)}, "15") ==
          Left{"10", "10", "5", "5"});
    // Legs of both sides: each takes off what its side can.
    CHECK(cut({sells(1, "5", 1), buys(2, "5", 1), sells(3, "5", 1)}, "3") == Left{"3", "0", "3"});
}
