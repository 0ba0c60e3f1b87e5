#pragma once
/// What each strategy's file gives to the catalog: its description, made beside the code it
/// describes.

#include "events/limits.hpp"
#include "strategies/catalog.hpp"

namespace alpha {

StrategySpec buy_and_hold_spec();
StrategySpec ema_cross_spec();
StrategySpec market_maker_spec();
StrategySpec script_spec();
StrategySpec sma_cross_spec();

/// Longest average, in ticks or bars.
inline constexpr std::int64_t kMaxPeriods = 1'000'000;

/// A required decimal above zero, up to `max`: a quantity or a price.
constexpr ParamSpec positive_param(std::string_view name, Decimal max, std::string_view help) {
    return {name, ParamKind::decimal, "", Decimal{1}, max, help};
}
constexpr ParamSpec quantity_param(std::string_view name, std::string_view help) {
    return positive_param(name, Decimal{limits::kMaxQty.raw}, help);
}
constexpr ParamSpec periods_param(std::string_view name, std::string_view help) {
    return {name, ParamKind::count, "", decimal_of(1), decimal_of(kMaxPeriods), help};
}

/// For strategies with two averages: `fast` must be shorter than `slow`.
std::vector<ParamError> check_fast_below_slow(const StrategyConfig& config, std::span<const Instrument> listed);

}  // namespace alpha
