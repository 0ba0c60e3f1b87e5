#pragma once
/// Every key of a scenario: what is written there, what it is when it is not, and what it means. Validation, defaults, help and
/// docs/reference-scenario.md all come from this one table.

#include "events/event.hpp"
#include "events/fixed.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alpha::config {

enum class Form : std::uint8_t {
    name,      ///< 1 to limits::kMaxNameBytes printable bytes
    choice,    ///< one of Key::choices
    decimal,   ///< exact, at most eight places
    count,     ///< whole
    duration,  ///< bounds in seconds
    flag,
    date,
    hours,
    currency,
    file,
    stream,
    files,  ///< paths
    names,
    text,      ///< of a strategy's own making
    interval,  ///< of bars, or "only"
    map,
    list,
    map_or_word
};

struct Key {
    std::string_view name;
    Form form = Form::name;
    /// What holds where the key is absent: a value as one would write it, kRequired, or, in
    /// parentheses, words for what the code makes of its absence.
    std::string_view fallback;
    Money min;  ///< bounds are inclusive
    Money max;
    std::string_view choices;  ///< separated by '|'
    std::string_view help;
};

inline constexpr std::string_view kRequired = "required";

struct Section {
    std::string_view path;  ///< as it leads in messages; NAME stands for a name of the user's
    std::string_view example;
    std::string_view help;
    std::span<const Key> keys;
};

extern const Section kRoot;
extern const Section kAccount;
extern const Section kData;
extern const Section kSynth;
extern const Section kDefaultInstrument;
extern const Section kInstrument;
extern const Section kPortfolio;
extern const Section kStrategy;
extern const Section kBroker;
extern const Section kBrokers;
extern const Section kPaper;
extern const Section kCharges;
extern const Section kRisk;

/// Top-level maps whose keys are names of the user's.
inline constexpr std::string_view kPortfoliosExample = "{main: {cash: 1000000}}";
inline constexpr std::string_view kInstrumentsExample = "{IBM: {tick: 0.01, lot: 1}}";
inline constexpr std::string_view kBrokerExample = "{paper: {fill: touch}}";
inline constexpr std::string_view kBrokersExample = "{touch: {paper: {fill: touch}}, slow: {paper: {fill: next_open}}}";

/// Limits that are one number.
struct LimitKey {
    Rule rule;
    std::string_view key;
};
inline constexpr std::array kLimits{
    LimitKey{Rule::price_band, "price_band_percent"},     LimitKey{Rule::order_quantity, "max_order_quantity"},
    LimitKey{Rule::order_notional, "max_order_notional"}, LimitKey{Rule::position, "max_position"},
    LimitKey{Rule::gross_exposure, "max_gross_exposure"}, LimitKey{Rule::daily_loss, "max_daily_loss"}};
inline constexpr std::array kCounts{LimitKey{Rule::open_orders, "max_open_orders"},
                                    LimitKey{Rule::order_rate, "max_orders_per_second"}};

std::vector<std::string_view> choices_of(const Key& key);
/// What to write for a key, as it reads after "write" and in the reference.
std::string describe(const Key& key);

/// Every key with its form, default and meaning, in Markdown, from the table that also validates:
/// docs/reference-scenario.md is this text.
std::string scenario_reference();

}  // namespace alpha::config
