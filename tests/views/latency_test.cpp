#include "views/latency.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <vector>

using namespace alpha;

TEST_CASE("a latency histogram's quantiles are those of its values, within a sixteenth", "[views]") {
    LatencyHistogram histogram;
    CHECK(histogram.quantile_ns(0.99) == 0);
    std::mt19937_64 random(17);  // NOLINT(cert-msc51-cpp): the same every time
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t value = random() >> (34 + random() % 30);  // of every size up to 2^30
        values.push_back(value);
        histogram.add(static_cast<std::int64_t>(value));
    }
    std::ranges::sort(values);
    CHECK(histogram.count() == values.size());
    CHECK(histogram.max_ns() == values.back());
    for (const double share : {0.0001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const auto exact = values[static_cast<std::size_t>(std::max(share * 20'000 - 1, 0.0))];
        CAPTURE(share, exact);
        CHECK(histogram.quantile_ns(share) >= exact);
        CHECK(histogram.quantile_ns(share) <= exact + exact / 16 + 1);
    }
    histogram.add(-5);
    histogram.add(std::int64_t{1} << 62, 3);
    CHECK(histogram.count() == values.size() + 4);
    CHECK(histogram.quantile_ns(1) == std::uint64_t{1} << 62U);
}
