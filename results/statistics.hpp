#pragma once
/// Statistics of a run: numbers that people compare, each by the formula of docs/reference-statistics.md. Pure functions of a
/// series of daily equity and a list of trades.
///
/// Returns are those of trading days, r = equity / equity of the day before - 1, the first against the initial cash; a year has
/// 252 of them (periods_per_year). Deviations are those of a sample (n - 1). The risk-free rate is zero. Where the equity begins or comes to
/// zero or below before the last day, what follows has no return, and no metric of returns can be said.
///
/// The last digits of a double may differ between C libraries (results/numbers.hpp): what compares or prints one takes twelve at most.

#include "events/fixed.hpp"
#include "events/time.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace alpha {

/// Nothing: it cannot be said, for want of days, trades, losses or a benchmark.
using MetricValue = std::variant<std::monostate, double, Money, std::uint64_t, Duration, Date>;

/// How a value is written.
enum class MetricUnit : std::uint8_t {
    ratio,    ///< a plain number
    percent,  ///< a double, 0.01 is one per cent
    money,
    count,
    duration,
    days,  ///< a count of trading days
    date
};

struct Metric {
    const char* id = "";     ///< "max_drawdown": its name in JSON and CSV, its anchor in docs/reference-statistics.md
    const char* title = "";  ///< "max drawdown"
    const char* group = "";  ///< "run", "return", "risk", "ratio", "drawdown", "benchmark", "trade"
    MetricUnit unit = MetricUnit::ratio;
    MetricValue value;
};

/// In their published order; every one that there is, whether or not it can be said.
struct Statistics {
    std::vector<Metric> metrics;

    /// Null where there is none of that id.
    const Metric* find(std::string_view id) const;
    /// The number, where it is one and can be said: a double, a count, or an amount in units of the currency.
    std::optional<double> number(std::string_view id) const;
};

/// A trade as statistics see it.
struct TradeFact {
    Money gross;
    Money net;
    Money entry_notional;  ///< > 0: its return is net / entry_notional
    Money best;            ///< maximum favourable excursion, at least 0
    Money worst;           ///< maximum adverse excursion, at most 0
    Duration held;
    bool is_open = false;  ///< it is not counted among trades
    bool is_long = true;
};

/// What statistics are made of.
struct StatisticsInput {
    Money initial;  ///< equity before the first day
    std::vector<Date>
        days;  ///< trading days, rising; equity, exposure and benchmark are as long, or the last two empty
    std::vector<Money> equity;     ///< at the end of each
    std::vector<double> exposure;  ///< gross exposure over equity at the end of each; empty: not known
    std::vector<double>
        benchmark;  ///< what `initial` would be worth in the benchmark at the end of each; empty: there is none
    std::vector<TradeFact> trades;  ///< in the order of their exits
    Money charges;
    Money traded;     ///< sum of notionals of both sides
    Duration held;    ///< how long any position was held, of `lasted`
    Duration lasted;  ///< from the first record to the last
    std::optional<std::uint64_t>
        trials;  ///< distinct configurations tried, for the deflated Sharpe ratio; nothing: not known
    std::optional<double> trial_sharpe_variance;  ///< of the Sharpe ratios (a day) of those
    double periods_per_year = 252;
};

/// All of them. O(days + trades), or O(n log n) where something is sorted.
Statistics statistics_of(const StatisticsInput& input);

/// Every metric's id, title, group, unit, formula and where that comes from: what docs/reference-statistics.md shows.
struct MetricSpec {
    const char* id;
    const char* title;
    const char* group;
    MetricUnit unit;
    const char* formula;  ///< one line of plain text
    const char* source;   ///< "quantstats 0.0.62 stats.sharpe", "backtesting.py", "LEAN", or a paper
};
std::span<const MetricSpec> metric_specs();

/// A drawdown: a fall of the daily equity below its peak, from that day to the day it is made up for.
struct DrawdownPeriod {
    Date peak;  ///< the last day at the peak; the first day where the peak is what it began with
    Date trough;
    Date recovered;        ///< kNoDay: not yet
    double depth = 0;      ///< below zero
    std::size_t days = 0;  ///< trading days from the peak to the recovery, or to the end
};

/// The deepest first, at most `most` of them. `equity` holds each day's end and, in front, what it began with; `dates` is one shorter.
std::vector<DrawdownPeriod> drawdowns(std::span<const double> equity, std::span<const Date> dates, std::size_t most);

}  // namespace alpha
