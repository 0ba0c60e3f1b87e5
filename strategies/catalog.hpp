#pragma once
/// The strategies alpha ships, by name, with parameters that describe and validate themselves. The scenario reader uses
/// this to fill in defaults and to refuse; the CLI to document; the session to build.

#include "events/event.hpp"
#include "events/result.hpp"
#include "kernel/strategy.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

enum class ParamKind : std::uint8_t { count, decimal, flag, text };

/// One parameter: bounds are inclusive, in the parameter's own units; a text has none.
struct ParamSpec {
    std::string_view name;
    ParamKind kind = ParamKind::count;
    std::string_view default_value;  ///< canonical text; empty: required
    Money min;
    Money max;
    std::string_view help;
};

/// A parameter's place in an error: which one is wrong, and why.
struct ParamError {
    std::string param;  ///< empty: the set as a whole
    std::string message;
};

struct StrategySpec {
    std::string_view name;
    std::string_view summary;
    std::span<const ParamSpec> params;
    bool uses_quotes = false;
    bool uses_bars = false;
    /// Checks what no single parameter can (fast below slow), knowing the strategy's instruments. Null: nothing to check.
    std::vector<ParamError> (*check)(const std::vector<Setting>& params,
                                     std::span<const std::string> instruments) = nullptr;
    /// Builds it. Requires params that passed `validate_params`.
    std::unique_ptr<Strategy> (*make)(const StrategyConfig& config) = nullptr;
};

/// All strategies, sorted by name.
std::span<const StrategySpec> strategy_catalog();
/// Null when there is none of that name.
const StrategySpec* find_strategy(std::string_view name);

/// Checks given values (text as written) against the spec, fills in defaults, and returns canonical settings sorted by key:
/// counts and decimals in minimal form, flags as "true" or "false", texts with single spaces and their lines joined by
/// "; ". `instruments` are the strategy's, by name. All errors at once.
tl::expected<std::vector<Setting>, std::vector<ParamError>> validate_params(
    const StrategySpec& spec, const std::vector<Setting>& given, std::span<const std::string> instruments = {});

/// Reads a canonical setting; asserts that it is there (validated before).
std::int64_t count_param(const std::vector<Setting>& params, std::string_view key);
Qty qty_param(const std::vector<Setting>& params, std::string_view key);
Price price_param(const std::vector<Setting>& params, std::string_view key);
bool flag_param(const std::vector<Setting>& params, std::string_view key);
const std::string& text_param(const std::vector<Setting>& params, std::string_view key);

}  // namespace alpha
