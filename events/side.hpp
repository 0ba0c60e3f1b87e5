#pragma once
/// Which way an order trades.

#include <cstdint>

namespace alpha {

/// The numbers are on disk.
enum class Side : std::uint8_t { buy = 1, sell = 2 };
const char* name_of(Side side);
constexpr bool is_valid(Side side) {
    return side == Side::buy || side == Side::sell;
}

}  // namespace alpha
