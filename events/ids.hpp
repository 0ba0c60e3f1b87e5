#pragma once
/// Identities. Each is its own type, so an order id cannot be passed where an instrument is wanted. Ids are dense and given
/// in the order things appear in the log, never random.

#include <compare>
#include <cstdint>
#include <limits>

namespace alpha {

template <class Tag, class Rep>
struct Id {
    Rep value = 0;
    friend constexpr auto operator<=>(Id, Id) = default;
};

using InstrumentId = Id<struct InstrumentTag, std::uint32_t>;
using PortfolioId = Id<struct PortfolioTag, std::uint32_t>;
using StrategyId = Id<struct StrategyTag, std::uint32_t>;
using BrokerId = Id<struct BrokerTag, std::uint32_t>;
using TimerId = Id<struct TimerTag, std::uint64_t>;  ///< chosen by the strategy, unique within it
using OrderId = Id<struct OrderTag, std::uint64_t>;  ///< begins at 1

/// Whose orders `alpha kill --flatten` sends: no strategy's.
inline constexpr StrategyId kOperator{std::numeric_limits<std::uint32_t>::max() - 1};

/// An event's place in the log: its offset, beginning at 0.
using Seq = std::uint64_t;
inline constexpr Seq kNoSeq = std::numeric_limits<Seq>::max();

}  // namespace alpha
