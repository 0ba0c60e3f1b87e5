#pragma once
/// What a strategy says of itself: its name, and parameters that describe and validate themselves; and those that alpha ships. The
/// scenario reader uses this to fill in defaults and to refuse; the CLI to document; the session to build. Strategies from
/// libraries (plugins/plugin.hpp) are described in the same way.

#include "events/event.hpp"
#include "events/result.hpp"
#include "kernel/strategy.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

enum class ParamKind : std::uint8_t {
    count,  ///< whole
    decimal,
    flag,
    text,
    instrument,  ///< the name of one of the strategy's own
    interval     ///< of the bars that are read: a duration, or kOnlyInterval
};
/// What stands for an interval where an instrument has bars of one alone.
inline constexpr std::string_view kOnlyInterval = "only";

/// One parameter: bounds are inclusive, in the parameter's own units; only numbers have them.
struct ParamSpec {
    std::string_view name;
    ParamKind kind = ParamKind::count;
    std::string_view default_value;  ///< canonical text; empty: required
    Decimal min;
    Decimal max;
    std::string_view help;
};

/// A parameter's place in an error: which one is wrong, and why.
struct ParamError {
    std::string param;  ///< empty: the set as a whole
    std::string message;
};

/// What there is of a market, or what somebody looks at of it.
struct MarketKinds {
    bool quotes = false;
    bool trades = false;
    bool bars = false;

    bool any() const { return quotes || trades || bars; }
    friend MarketKinds operator&(MarketKinds a, MarketKinds b) {
        return {a.quotes && b.quotes, a.trades && b.trades, a.bars && b.bars};
    }
};
/// Such as "quotes and bars".
std::string name_of(MarketKinds kinds);

struct StrategySpec {
    std::string_view name;
    std::string_view summary;
    std::span<const ParamSpec> params;
    MarketKinds uses;
    bool is_plugin = false;  ///< from a library, which may do what it likes with the time it is given
    /// Checks what no single parameter can (fast below slow), on params that are canonical. `listed` are the session's instruments by
    /// id. Empty: nothing to check.
    std::function<std::vector<ParamError>(const StrategyConfig& config, std::span<const Instrument> listed)> check;
    /// Builds it. Requires params that passed `validate_params`.
    std::function<std::unique_ptr<Strategy>(const StrategyConfig& config, std::span<const Instrument> listed)> make;
};

/// All strategies that alpha ships, sorted by name.
std::span<const StrategySpec> strategy_catalog();
/// Null when there is none of that name.
const StrategySpec* find_strategy(std::string_view name, std::span<const StrategySpec> catalog = strategy_catalog());

/// Checks the values that `given` has as params (text as written) against the spec, fills in defaults, and returns canonical settings
/// sorted by key: counts and decimals in minimal form, flags as "true" or "false", texts with single spaces and their lines
/// joined by "; ". `listed` are the session's instruments by id, of which `given` names the strategy's. All errors at once.
tl::expected<std::vector<Setting>, std::vector<ParamError>> validate_params(const StrategySpec& spec,
                                                                            const StrategyConfig& given,
                                                                            std::span<const Instrument> listed);

/// What is wrong where a strategy reads bars of one interval, was not told of which, and an instrument has several.
std::string which_interval(std::string_view strategy, std::string_view instrument, std::span<const Duration> intervals);

/// Reads a canonical setting; asserts that it is there (validated before).
std::int64_t count_param(const std::vector<Setting>& params, std::string_view key);
Qty qty_param(const std::vector<Setting>& params, std::string_view key);
Price price_param(const std::vector<Setting>& params, std::string_view key);
/// Zero: the only one there is.
Duration interval_param(const std::vector<Setting>& params, std::string_view key);
bool flag_param(const std::vector<Setting>& params, std::string_view key);
const std::string& text_param(const std::vector<Setting>& params, std::string_view key);

}  // namespace alpha
