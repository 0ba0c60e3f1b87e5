#pragma once
/// Every bound of the engine in one place. Reaching one is a recorded refusal or a clear error, never a silent growth.

#include "events/fixed.hpp"

#include <cstddef>
#include <cstdint>

namespace alpha::limits {

/// Largest accepted price and quantity per order or record. Their product stays far below 2^126, so sums of books fit.
inline constexpr Price kMaxPrice = price_of(10'000'000'000);
inline constexpr Qty kMaxQty = qty_of(10'000'000'000);
/// Units of the underlying that a quantity of one can stand for.
inline constexpr std::int64_t kMaxMultiplier = 1'000'000;
/// Shares on either side of a corporate action's ratio.
inline constexpr std::int64_t kMaxActionShares = 1'000'000;
/// Largest position that a broker's fills can lead to, either way: twice what orders can ask for. Past it no fill is booked.
inline constexpr Qty kMaxPosition{2 * kMaxQty.raw};
/// Most that a broker's changes of orders can have working on one side of one position.
inline constexpr Qty kMaxWorking{4 * kMaxQty.raw};
/// Largest cash a portfolio may begin with.
inline constexpr Money kMaxCash = money_of(1'000'000'000'000'000);

inline constexpr std::size_t kMaxInstruments = 100'000;
inline constexpr std::size_t kMaxPortfolios = 1'000;
inline constexpr std::size_t kMaxStrategies = 1'000;
inline constexpr std::size_t kMaxBrokers = 16;
inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxTextBytes = 1'024;
/// A strategy's own word on an order.
inline constexpr std::size_t kMaxTagBytes = 32;
/// Orders that one group can bind.
inline constexpr std::uint8_t kMaxLegs = 8;

/// Facts one step may hold before strategies' further requests are refused (broker reports are never dropped).
inline constexpr std::uint32_t kMaxFactsPerStep = 1'000;
/// Orders a portfolio may have open at once, whatever its risk rules say.
inline constexpr std::uint32_t kMaxOpenOrders = 10'000;
/// Closed orders remembered for late fills and duplicate reports, beside those that a link binds to an open one; who closed first is
/// forgotten first. Each costs a session 2.5 KB, and every checkpoint 150 bytes.
inline constexpr std::size_t kMaxClosedOrders = 2'048;
/// Largest order rate that can be configured, per second and portfolio.
inline constexpr std::uint32_t kMaxOrderRate = 1'000;
/// Pending timers a strategy may hold.
inline constexpr std::size_t kMaxTimersPerStrategy = 1'000;
/// Nearest a timer may be set, ns: bounds how often one can fire over an overnight gap.
inline constexpr std::int64_t kMinTimerDelayNs = 1'000'000;

/// Largest encoded event, and bound of every length read while decoding.
inline constexpr std::size_t kMaxEventBytes = 32U << 20U;

}  // namespace alpha::limits
