#pragma once
/// The word that an order carries to a broker outside and back, so that a row of the broker's book can be told to be ours: "A", six characters
/// for the log, ten for the order, three to check. At most 20 letters and digits, which is what Kite allows.
///
/// The log's number is random and made with the journal. Without it two journals of one account, which both count their orders from 1, would take
/// each other's orders for their own.

#include "events/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace alpha {

inline constexpr std::uint32_t kMaxLogNumber = (1U << 30U) - 1;
inline constexpr std::uint64_t kMaxTaggedOrder = (1ULL << 50U) - 1;

struct OrderTag {
    std::uint32_t log = 0;  ///< up to kMaxLogNumber
    OrderId order;          ///< up to kMaxTaggedOrder
    friend bool operator==(const OrderTag&, const OrderTag&) = default;
};

/// Requires both within their bounds.
std::string to_string(const OrderTag& tag);
/// Nothing where the text is no such word, however near it comes: a person's own word on an order is none of ours.
std::optional<OrderTag> parse_order_tag(std::string_view text);

}  // namespace alpha
