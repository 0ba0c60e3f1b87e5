#pragma once
/// What tests of stored frames check, whatever is in them. For tests that use Catch; the rest is in support.hpp.

#include "store/frame.hpp"
#include "tests/store/support.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <vector>

namespace alpha::store_test {

inline std::vector<std::uint8_t> stored_form(const Frame& frame) {
    ByteBuffer stored;
    encode_frame(frame, stored);
    return bytes_of(stored);
}

/// What was stored comes back, and is stored as the same bytes again.
inline void check_round_trip(const Frame& frame) {
    const std::vector<std::uint8_t> stored = stored_form(frame);
    Frame back;
    REQUIRE(decode_frame(stored, frame.first_seq, back));
    REQUIRE(back.first_seq == frame.first_seq);
    REQUIRE(back.events == frame.events);
    REQUIRE(back.leaf_cuts == frame.leaf_cuts);
    REQUIRE(bytes_of(back.bytes) == bytes_of(frame.bytes));
    REQUIRE(stored_form(back) == stored);
}

/// The numbers at which one more bit is needed, and one fewer.
inline std::array<std::int64_t, 3> around_power_of_two(unsigned bits) {
    const std::uint64_t power = std::uint64_t{1} << bits;
    return {static_cast<std::int64_t>(power + 1), static_cast<std::int64_t>(power),
            static_cast<std::int64_t>(power - 1)};
}

}  // namespace alpha::store_test
