#include "strategies/indicators.hpp"
#include "tests/strategies/support.hpp"

#include <cstdint>
#include <vector>

namespace alpha {

TEST_CASE("a moving average drifts from the values in its window", "[strategies]") {
    Dice dice(11);
    std::vector<std::int64_t> all;
    ExactSma fast(3);
    ExactSma slow(7);
    int signs[3] = {0, 0, 0};
    for (int i = 0; i < 5'000; ++i) {
        all.push_back(1 + dice.below(4));
        fast.push(Price{all.back()});
        slow.push(Price{all.back()});
        REQUIRE(fast.full() == (all.size() >= 3));
        if (!slow.full()) {
            continue;
        }
        std::int64_t fast_sum = 0;
        std::int64_t slow_sum = 0;
        for (std::size_t k = 0; k < 7; ++k) {
            REQUIRE(slow.at(k).raw == all[all.size() - 7 + k]);
            slow_sum += slow.at(k).raw;
            fast_sum += k >= 4 ? slow.at(k).raw : 0;
        }
        const int sign = (fast_sum * 7 > slow_sum * 3 ? 1 : 0) - (fast_sum * 7 < slow_sum * 3 ? 1 : 0);
        REQUIRE(compare(fast, slow) == sign);
        ++signs[sign + 1];
    }
    CHECK(signs[0] > 100);
    CHECK(signs[1] > 100);
    CHECK(signs[2] > 100);
}

TEST_CASE("a difference of one unit is lost in the longest averages of the highest prices", "[strategies]") {
    ExactSma one(1);
    ExactSma many(1'000'000);
    for (int i = 0; i < 1'000'000; ++i) {
        many.push(limits::kMaxPrice);
    }
    one.push(limits::kMaxPrice);
    CHECK(compare(one, many) == 0);
    one.push(Price{limits::kMaxPrice.raw - 1});
    CHECK(compare(one, many) == -1);
    CHECK(compare(many, one) == 1);
}

TEST_CASE("a mid is computed from rounded halves", "[strategies]") {
    // 0.1 and 0.3 have no exact doubles; the mid is the double nearest to each, added, halved, in
    // this order.
    const QuoteTick quote{{}, cents(10), cents(30), {}, {}};
    CHECK(mid_of(quote) == (0.1 + 0.3) * 0.5);
    CHECK(ema_weight(9) == 0.2);
    CHECK(ema_step(10.0, 0.2, 15.0) == 11.0);
    CHECK(has_both_sides(quote));
    CHECK(!has_both_sides({{}, Price{0}, cents(30), {}, {}}));
    CHECK(!has_both_sides({{}, cents(30), Price{0}, {}, {}}));
}

}  // namespace alpha
