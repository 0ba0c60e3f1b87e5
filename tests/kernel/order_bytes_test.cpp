#include "kernel/order_bytes.hpp"
#include "kernel/visits.hpp"
#include "tests/kernel/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <vector>

using namespace alpha;
using namespace alpha::test;

TEST_CASE("what is kept of each order is what was put last, by id, whatever was put and erased between",
          "[order_bytes]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Dice dice(seed);
        std::map<std::uint64_t, std::vector<std::uint8_t>> expected;
        OrderBytes kept;
        std::uint64_t newest = 0;
        for (int step = 0; step < 3'000; ++step) {
            newest += dice.below(3);
            // Mostly new and late ones, sometimes one long gone.
            const std::uint64_t id = dice.below(10) == 0 ? dice.below(newest + 1)
                                                         : newest - dice.below(std::min(newest + 1, std::uint64_t{5}));
            if (dice.below(4) == 0) {
                expected.erase(id);
                kept.erase(OrderId{id});
            } else {
                std::vector<std::uint8_t>& bytes = expected[id];
                const std::size_t size = dice.below(40);
                bytes.assign(size, static_cast<std::uint8_t>(dice.next()));
                kept.put(OrderId{id}, bytes);
            }
            if (step % 300 != 299) {
                continue;
            }
            std::vector<std::uint8_t> all{1, 2};
            for (const auto& [each, bytes] : expected) {
                all.insert(all.end(), bytes.begin(), bytes.end());
            }
            ByteBuffer out;
            out.append(std::vector<std::uint8_t>{1, 2});
            kept.append_to(out);
            CHECK(std::ranges::equal(out.view(), all));
            CHECK(kept.size() == expected.size());
            CHECK(kept.bytes() == all.size() - 2);
        }
    }
}

TEST_CASE("an order in the middle is put and erased as cheaply among many as among few", "[order_bytes]") {
    const std::vector<std::uint8_t> some(40, 7);
    for (const std::uint64_t orders : {1'000U, 16'000U}) {
        OrderBytes kept;
        for (std::uint64_t id = 1; id <= orders; ++id) {
            kept.put(OrderId{id}, some);
        }
        Dice dice(orders);
        for (int i = 0; i < 500; ++i) {
            const OrderId id{1 + dice.below(orders)};
            visits = 0;
            kept.erase(id);
            kept.put(id, some);
            CHECK(visits <= 2 * OrderBytes::kIds);
        }
    }
}
