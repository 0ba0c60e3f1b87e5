#include "results/statistics.hpp"

#include "events/assert.hpp"
#include "results/numbers.hpp"
#include "results/overfitting.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <functional>
#include <iterator>
#include <numbers>
#include <type_traits>
#include <utility>

namespace alpha {

namespace {

constexpr double kCalendarYearDays = 365.25;
constexpr double kUnits = static_cast<double>(kScale);

double number_of(Money amount) {
    return static_cast<double>(amount.raw) / kUnits;
}

/// Rounded half-even once. Requires count > 0.
Money share_of(Money sum, std::size_t count) {
    return Money{divide_half_even(sum.raw, static_cast<Int128>(count))};
}

/// Where the equity is below its peak: indices into the equity, what it began with being 0.
struct Fall {
    std::size_t peak = 0;  ///< the last that was at the peak
    std::size_t trough = 0;
    std::size_t recovered = 0;  ///< 0: not yet
    double depth = 0;
    std::size_t days = 0;
};

/// In order of time.
std::vector<Fall> falls_of(std::span<const double> equity) {
    std::vector<Fall> falls;
    bool is_falling = false;
    double peak = 0;
    std::size_t at_peak = 0;
    for (std::size_t i = 0; i < equity.size(); ++i) {
        if (equity[i] >= peak || peak <= 0) {  // nothing falls from zero
            if (is_falling) {
                falls.back().recovered = i;
                falls.back().days = i - falls.back().peak;
            }
            is_falling = false;
            peak = equity[i];
            at_peak = i;
            continue;
        }
        if (!is_falling) {
            falls.push_back(Fall{.peak = at_peak, .trough = i});
            is_falling = true;
        }
        Fall& fall = falls.back();
        fall.days = i - fall.peak;
        const double depth = (equity[i] - peak) / peak;
        if (depth < fall.depth) {
            fall.depth = depth;
            fall.trough = i;
        }
    }
    return falls;
}

std::vector<double> sorted_of(std::vector<double> values) {
    std::ranges::sort(values);
    return values;
}

/// Each from the one before; none where one of those is not above zero.
std::vector<double> returns_of(std::span<const double> equity) {
    std::vector<double> returns;
    for (std::size_t i = 1; i < equity.size(); ++i) {
        if (!(equity[i - 1] > 0) || !std::isfinite(equity[i])) {
            return {};
        }
        returns.push_back((equity[i] - equity[i - 1]) / equity[i - 1]);
    }
    return returns;
}

using Month = std::chrono::year_month;

Month month_of(Date date) {
    const std::chrono::year_month_day day{std::chrono::sys_days{std::chrono::days{date.days}}};
    return day.year() / day.month();
}

/// Returns of calendar months, or of years: from the last day of the one before to its own last day.
template <typename Key>
std::vector<double> returns_by(std::span<const Date> days, std::span<const double> equity, const Key& key) {
    std::vector<double> ends{equity.front()};
    for (std::size_t i = 0; i < days.size(); ++i) {
        if (i + 1 == days.size() || key(days[i]) != key(days[i + 1])) {
            ends.push_back(equity[i + 1]);
        }
    }
    return returns_of(ends);
}

template <typename Keep>
std::vector<double> only(std::span<const double> values, const Keep& keep) {
    std::vector<double> kept;
    std::ranges::copy_if(values, std::back_inserter(kept), keep);
    return kept;
}
bool is_up(double value) {
    return value > 0;
}
bool is_down(double value) {
    return value < 0;
}
std::vector<double> ups_of(std::span<const double> values) {
    return only(values, is_up);
}
std::vector<double> downs_of(std::span<const double> values) {
    return only(values, is_down);
}

/// Those above zero among those that are not zero.
Maybe share_up(std::span<const double> values) {
    const auto up = static_cast<double>(std::ranges::count_if(values, is_up));
    const auto down = static_cast<double>(std::ranges::count_if(values, is_down));
    return ratio_of(up, up + down);
}

/// How many in a row, at most.
template <typename Range, typename Is>
std::uint64_t longest_run(const Range& values, const Is& is) {
    std::uint64_t longest = 0;
    std::uint64_t run = 0;
    for (const auto& value : values) {
        run = is(value) ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    return longest;
}

/// (1 + r) of all multiplied, to the power of 1 / n, less 1. Nothing where one lost everything.
Maybe geometric_mean(std::span<const double> returns) {
    Sum logs;
    for (const double value : returns) {
        if (value <= -1) {
            return std::nullopt;
        }
        logs.add(std::log1p(value));
    }
    return returns.empty() ? Maybe{} : Maybe{std::expm1(logs.value() / static_cast<double>(returns.size()))};
}

Maybe times(Maybe a, Maybe b) {
    return a && b ? Maybe{*a * *b} : std::nullopt;
}
Maybe minus(Maybe a, Maybe b) {
    return a && b ? Maybe{*a - *b} : std::nullopt;
}
Maybe negative(Maybe a) {
    return a ? Maybe{-*a} : std::nullopt;
}
Maybe highest(std::span<const double> values) {
    return values.empty() ? Maybe{} : Maybe{std::ranges::max(values)};
}
Maybe lowest(std::span<const double> values) {
    return values.empty() ? Maybe{} : Maybe{std::ranges::min(values)};
}

/// Sums over closed trades that several metrics share.
struct TradeSums {
    std::vector<const TradeFact*> closed;
    std::vector<double> returns;  ///< empty where one has no notional
    std::vector<double> nets;
    Money net;
    Money won;   ///< at least 0
    Money lost;  ///< at most 0
    std::size_t wins = 0;
    std::size_t losses = 0;

    explicit TradeSums(std::span<const TradeFact> trades) {
        bool has_returns = true;
        for (const TradeFact& trade : trades) {
            if (trade.is_open) {
                continue;
            }
            closed.push_back(&trade);
            nets.push_back(number_of(trade.net));
            has_returns = has_returns && trade.entry_notional > Money{};
            returns.push_back(
                has_returns ? static_cast<double>(trade.net.raw) / static_cast<double>(trade.entry_notional.raw) : 0);
            net += trade.net;
            (trade.net > Money{} ? won : lost) += trade.net;
            wins += trade.net > Money{} ? 1U : 0U;
            losses += trade.net < Money{} ? 1U : 0U;
        }
        if (!has_returns) {
            returns.clear();
        }
    }
    std::size_t count() const { return closed.size(); }
};

/// What several metrics share. `equity` is that of a series and its benchmark alike.
struct Series {
    std::vector<double> equity;   ///< what it began with in front
    std::vector<double> returns;  ///< empty where one cannot be said
    Maybe mean;
    Maybe deviation;
    Maybe annual_return;
    Maybe cagr;
    std::vector<Fall> falls;

    Series(std::vector<double> values, std::span<const Date> days, double year) : equity(std::move(values)) {
        if (equity.size() < 2 || !(equity.front() > 0)) {
            return;
        }
        returns = returns_of(equity);
        mean = mean_of(returns);
        deviation = deviation_of(returns);
        falls = falls_of(equity);
        if (const double growth = equity.back() / equity.front(); growth > 0 && !returns.empty()) {
            annual_return = std::pow(growth, year / static_cast<double>(returns.size())) - 1;
            const double calendar_days = days.back().days - days.front().days + 1;
            cagr = std::pow(growth, kCalendarYearDays / calendar_days) - 1;
        }
    }
    bool has_days() const { return equity.size() > 1 && equity.front() > 0; }
    Maybe total() const { return has_days() ? Maybe{(equity.back() - equity.front()) / equity.front()} : Maybe{}; }
    Maybe max_drawdown() const {
        if (!has_days()) {
            return std::nullopt;
        }
        double depth = 0;
        for (const Fall& fall : falls) {
            depth = std::min(depth, fall.depth);
        }
        return depth;
    }
};

std::vector<double> curve_of(const StatisticsInput& in) {
    std::vector<double> curve{number_of(in.initial)};
    std::ranges::transform(in.equity, std::back_inserter(curve), number_of);
    return curve;
}

std::vector<double> benchmark_of(const StatisticsInput& in) {
    if (in.benchmark.empty()) {
        return {};
    }
    std::vector<double> curve{number_of(in.initial)};
    curve.insert(curve.end(), in.benchmark.begin(), in.benchmark.end());
    return curve;
}

/// The input and what several metrics share.
struct Facts {
    const StatisticsInput& in;
    Series own;
    Series other;                ///< the benchmark
    std::vector<double> sorted;  ///< daily returns
    std::vector<double> months;
    std::vector<double> years;
    TradeSums trades;
    double year;       ///< trading days
    double root_year;  ///< its square root

    explicit Facts(const StatisticsInput& input)
        : in(input),
          own(curve_of(input), input.days, input.periods_per_year),
          other(benchmark_of(input), input.days, input.periods_per_year),
          sorted(sorted_of(own.returns)),
          trades(input.trades),
          year(input.periods_per_year),
          root_year(std::sqrt(input.periods_per_year)) {
        if (!own.returns.empty()) {
            months = returns_by(in.days, own.equity, month_of);
            years = returns_by(in.days, own.equity, [](Date date) { return month_of(date).year(); });
        }
    }

    std::span<const double> returns() const { return own.returns; }
    bool has_pairs() const { return !own.returns.empty() && own.returns.size() == other.returns.size(); }

    Maybe quantile(double share) const { return quantile_of(sorted, share); }
    Maybe sharpe_day() const { return ratio_of(own.mean, own.deviation); }
    Maybe total_up() const { return own.returns.empty() ? Maybe{} : Maybe{sum_of(ups_of(returns()))}; }
    /// Above zero, or nothing.
    Maybe total_down() const {
        const std::vector<double> down = downs_of(returns());
        return down.empty() ? Maybe{} : Maybe{-sum_of(down)};
    }
    /// Root of the mean square of what is below zero, a day.
    Maybe downside() const {
        if (own.returns.empty()) {
            return std::nullopt;
        }
        Sum squares;
        for (const double value : own.returns) {
            squares.add(value < 0 ? value * value : 0);
        }
        const double downside = std::sqrt(squares.value() / static_cast<double>(own.returns.size()));
        return downside < kNoDeviation ? Maybe{} : Maybe{downside};
    }
    Maybe sortino() const { return times(ratio_of(own.mean, downside()), root_year); }
    Maybe geometric_volatility() const {
        const Maybe day = geometric_mean(returns());
        if (!day || !own.deviation) {
            return std::nullopt;
        }
        // sqrt((v + g^2)^year - g^(2 year)), without the difference of two numbers that are nearly the same
        const double growth = 1 + *day;
        const double spread = *own.deviation / growth;
        return std::pow(growth, year) * std::sqrt(std::expm1(year * std::log1p(spread * spread)));
    }
    /// What a Sharpe ratio is divided by where days follow those before them.
    Maybe smart_penalty() const {
        const std::size_t n = own.returns.size();
        if (n < 2) {
            return std::nullopt;
        }
        const auto before = returns().first(n - 1);
        const auto after = returns().last(n - 1);
        const Maybe correlation =
            ratio_of(covariance_of(before, after), times(deviation_of(before), deviation_of(after)));
        if (!correlation) {
            return 1;
        }
        Sum sum;
        double power = 1;
        for (std::size_t i = 1; i < n; ++i) {
            power *= std::abs(*correlation);
            sum.add(static_cast<double>(n - i) / static_cast<double>(n) * power);
        }
        return std::sqrt(1 + 2 * sum.value());
    }
    Maybe ulcer() const {
        if (own.returns.size() < 2) {
            return std::nullopt;
        }
        Sum squares;
        double peak = own.equity.front();
        for (const double value : own.equity) {
            peak = std::max(peak, value);
            squares.add((value - peak) / peak * ((value - peak) / peak));
        }
        return std::sqrt(squares.value() / static_cast<double>(own.returns.size() - 1));
    }
    /// The probability that the true Sharpe ratio (a day) is above this.
    Maybe sharpe_above(double threshold) const {
        const Maybe sharpe = sharpe_day();
        const Maybe skew = skew_of(returns());
        const Maybe kurtosis = kurtosis_of(returns());
        if (!sharpe || !skew || !kurtosis) {
            return std::nullopt;
        }
        const double spread = 1 - *skew * *sharpe + (*kurtosis + 2) / 4 * *sharpe * *sharpe;
        if (!(spread > 0)) {
            return std::nullopt;
        }
        return normal_below((*sharpe - threshold) * std::sqrt(static_cast<double>(own.returns.size() - 1) / spread));
    }
    Maybe day_payoff() const { return ratio_of(mean_of(ups_of(returns())), negative(mean_of(downs_of(returns())))); }
    Maybe tail_ratio() const {
        const Maybe ratio = ratio_of(quantile(0.95), quantile(0.05));
        return ratio ? Maybe{std::abs(*ratio)} : Maybe{};
    }

    Maybe beta() const {
        if (!has_pairs() || !other.deviation) {
            return std::nullopt;
        }
        return ratio_of(covariance_of(own.returns, other.returns), times(other.deviation, other.deviation));
    }
    Maybe correlation() const { return ratio_of(times(beta(), other.deviation), own.deviation); }
    std::vector<double> differences() const {
        std::vector<double> all;
        for (std::size_t i = 0; has_pairs() && i < own.returns.size(); ++i) {
            all.push_back(own.returns[i] - other.returns[i]);
        }
        return all;
    }
    Maybe information_day() const {
        const std::vector<double> all = differences();
        return ratio_of(mean_of(all), deviation_of(all));
    }
    Maybe log_beta() const {
        if (!has_pairs() || own.equity.back() <= 0 || other.equity.back() <= 0) {
            return std::nullopt;
        }
        std::vector<double> logs;
        std::vector<double> other_logs;
        for (std::size_t i = 0; i < own.returns.size(); ++i) {
            logs.push_back(std::log1p(own.returns[i]));
            other_logs.push_back(std::log1p(other.returns[i]));
        }
        const Maybe deviation = deviation_of(other_logs);
        return ratio_of(covariance_of(logs, other_logs), times(deviation, deviation));
    }

    const Fall* deepest() const {
        const auto place = std::ranges::min_element(own.falls, {}, &Fall::depth);
        return place == own.falls.end() ? nullptr : &*place;
    }
    /// The day of a place in the equity: the first where it is what the equity began with.
    Date date_at(std::size_t place) const { return in.days[std::max(place, std::size_t{1}) - 1]; }

    Maybe mean_equity() const {
        Money sum;
        for (const Money equity : in.equity) {
            sum += equity;
        }
        if (in.equity.empty() || sum <= Money{}) {
            return std::nullopt;
        }
        return number_of(sum) / static_cast<double>(in.equity.size());
    }

    Maybe win_rate() const { return ratio_of(static_cast<double>(trades.wins), static_cast<double>(trades.count())); }
    Maybe payoff() const {
        if (trades.wins == 0 || trades.losses == 0) {
            return std::nullopt;
        }
        return number_of(trades.won) / static_cast<double>(trades.wins) /
               (-number_of(trades.lost) / static_cast<double>(trades.losses));
    }
    /// Of closed trades. Nothing of none.
    template <typename Of, typename Is>
    MetricValue average_of(const Of& of, const Is& is) const {
        using Value = std::invoke_result_t<Of, const TradeFact&>;
        Money sum;
        Int128 sum_ns = 0;  // 300 years in all are soon reached by many trades
        std::size_t count = 0;
        for (const TradeFact* trade : trades.closed) {
            if (!is(*trade)) {
                continue;
            }
            ++count;
            if constexpr (std::same_as<Value, Money>) {
                sum += of(*trade);
            } else {
                sum_ns += of(*trade).ns;
            }
        }
        if (count == 0) {
            return {};
        }
        if constexpr (std::same_as<Value, Money>) {
            return share_of(sum, count);
        } else {
            return Duration{static_cast<std::int64_t>(divide_half_even(sum_ns, static_cast<Int128>(count)))};
        }
    }
    /// The greatest by `less`. Nothing of no closed trades.
    template <typename Of, typename Less>
    MetricValue greatest_of(const Of& of, const Less& less) const {
        if (trades.count() == 0) {
            return {};
        }
        auto greatest = of(*trades.closed.front());
        for (const TradeFact* trade : trades.closed) {
            if (less(greatest, of(*trade))) {
                greatest = of(*trade);
            }
        }
        return greatest;
    }
    std::uint64_t count_of(bool is_long) const {
        return static_cast<std::uint64_t>(
            std::ranges::count_if(trades.closed, [&](const TradeFact* trade) { return trade->is_long == is_long; }));
    }
    Money net_of(bool is_long) const {
        Money sum;
        for (const TradeFact* trade : trades.closed) {
            sum += trade->is_long == is_long ? trade->net : Money{};
        }
        return sum;
    }
};

Money net_of(const TradeFact& trade) {
    return trade.net;
}
Duration held_of(const TradeFact& trade) {
    return trade.held;
}
Money best_of(const TradeFact& trade) {
    return trade.best;
}
Money worst_of(const TradeFact& trade) {
    return trade.worst;
}
Money given_back(const TradeFact& trade) {
    return trade.gross - trade.best;
}
bool is_any(const TradeFact& /*trade*/) {
    return true;
}
bool is_win(const TradeFact& trade) {
    return trade.net > Money{};
}
bool is_loss(const TradeFact& trade) {
    return trade.net < Money{};
}

MetricValue said(Maybe value) {
    return value && std::isfinite(*value) ? MetricValue{*value} : MetricValue{};
}

MetricValue counted(std::size_t count) {
    return static_cast<std::uint64_t>(count);
}

/// A metric and how it comes about.
struct Row {
    MetricSpec spec;
    MetricValue (*of)(const Facts& facts);
};

using Unit = MetricUnit;

// The page names the versions whose numbers these were compared with (docs/reference-statistics.md).
constexpr Row kRows[] = {
    Row{{"start", "start", "run", Unit::date, "The first trading day.", "backtesting.py Start"},
        [](const Facts& f) -> MetricValue { return f.in.days.empty() ? MetricValue{} : f.in.days.front(); }},
    Row{{"end", "end", "run", Unit::date, "The last trading day.", "backtesting.py End"},
        [](const Facts& f) -> MetricValue { return f.in.days.empty() ? MetricValue{} : f.in.days.back(); }},
    Row{{"duration", "duration", "run", Unit::duration, "From the first record to the last.",
         "backtesting.py Duration"},
        [](const Facts& f) -> MetricValue {
            return f.in.lasted > Duration{} ? MetricValue{f.in.lasted} : MetricValue{};
        }},
    Row{{"trading_days", "trading days", "run", Unit::count, "n: the days that have an equity at their end.", "alpha"},
        [](const Facts& f) -> MetricValue { return counted(f.in.days.size()); }},
    Row{{"exposure_time", "time in the market", "run", Unit::percent,
         "The time in which any position was held over the duration.",
         "backtesting.py Exposure Time, by time and not by bars"},
        [](const Facts& f) -> MetricValue {
            return said(ratio_of(static_cast<double>(f.in.held.ns), static_cast<double>(f.in.lasted.ns)));
        }},
    Row{{"average_exposure", "average exposure", "run", Unit::percent,
         "Mean of gross exposure over equity at the end of each day.", "alpha"},
        [](const Facts& f) -> MetricValue { return said(mean_of(f.in.exposure)); }},
    Row{{"max_exposure", "highest exposure", "run", Unit::percent,
         "The highest gross exposure over equity at the end of a day.", "alpha"},
        [](const Facts& f) -> MetricValue { return said(highest(f.in.exposure)); }},
    Row{{"equity_start", "equity at the start", "run", Unit::money, "E0: the equity before the first day.",
         "LEAN Start Equity"},
        [](const Facts& f) -> MetricValue { return f.in.initial; }},
    Row{{"equity_final", "equity at the end", "run", Unit::money, "En.",
         "backtesting.py Equity Final; LEAN End Equity"},
        [](const Facts& f) -> MetricValue { return f.in.equity.empty() ? f.in.initial : f.in.equity.back(); }},
    Row{{"equity_peak", "highest equity", "run", Unit::money, "The highest of E0 .. En.", "backtesting.py Equity Peak"},
        [](const Facts& f) -> MetricValue {
            return f.in.equity.empty() ? f.in.initial : std::max(f.in.initial, std::ranges::max(f.in.equity));
        }},
    Row{{"net_profit", "net profit", "run", Unit::money, "En - E0.", "alpha"},
        [](const Facts& f) -> MetricValue {
            return (f.in.equity.empty() ? f.in.initial : f.in.equity.back()) - f.in.initial;
        }},
    Row{{"charges", "charges", "run", Unit::money, "All charges of all fills.",
         "backtesting.py Commissions; LEAN Total Fees"},
        [](const Facts& f) -> MetricValue { return f.in.charges; }},
    Row{{"traded", "traded", "run", Unit::money, "The notional of all fills, both sides.", "LEAN volume"},
        [](const Facts& f) -> MetricValue { return f.in.traded; }},
    Row{{"turnover", "turnover a year", "run", Unit::percent, "traded / 2 / mean of E1 .. En x P / n.", "alpha"},
        [](const Facts& f) -> MetricValue {
            return said(times(ratio_of(number_of(f.in.traded), f.mean_equity()),
                              f.year / 2 / static_cast<double>(f.in.days.size())));
        }},
    Row{{"turnover_day", "turnover a day", "run", Unit::percent, "traded / mean of E1 .. En / n.",
         "LEAN Portfolio Turnover, which divides day by day"},
        [](const Facts& f) -> MetricValue {
            return said(
                times(ratio_of(number_of(f.in.traded), f.mean_equity()), 1 / static_cast<double>(f.in.days.size())));
        }},
    Row{{"net_return", "net return", "return", Unit::percent, "En / E0 - 1.",
         "backtesting.py Return; quantstats stats.comp"},
        [](const Facts& f) -> MetricValue { return said(f.own.total()); }},
    Row{{"gross_return", "gross return", "return", Unit::percent, "(En + charges) / E0 - 1.", "alpha"},
        [](const Facts& f) -> MetricValue {
            return f.own.has_days()
                       ? said((number_of(f.in.equity.back() + f.in.charges - f.in.initial)) / f.own.equity.front())
                       : MetricValue{};
        }},
    Row{{"annual_return", "annual return", "return", Unit::percent, "(En / E0)^(P / n) - 1.",
         "backtesting.py Return (Ann.); quantstats stats.cagr"},
        [](const Facts& f) -> MetricValue { return said(f.own.annual_return); }},
    Row{{"cagr", "CAGR", "return", Unit::percent,
         "(En / E0)^(365.25 / calendar days from the first day to the last, both counted) - 1.", "backtesting.py CAGR"},
        [](const Facts& f) -> MetricValue { return said(f.own.cagr); }},
    Row{{"average_day", "average day", "return", Unit::percent, "Mean of r.", "arithmetic mean"},
        [](const Facts& f) -> MetricValue { return said(f.own.mean); }},
    Row{{"expected_day", "expected day", "return", Unit::percent, "(En / E0)^(1 / n) - 1.",
         "quantstats stats.expected_return"},
        [](const Facts& f) -> MetricValue { return said(geometric_mean(f.returns())); }},
    Row{{"expected_month", "expected month", "return", Unit::percent, "(En / E0)^(1 / calendar months) - 1.",
         "quantstats stats.expected_return(aggregate=ME)"},
        [](const Facts& f) -> MetricValue { return said(geometric_mean(f.months)); }},
    Row{{"expected_year", "expected year", "return", Unit::percent, "(En / E0)^(1 / calendar years) - 1.",
         "quantstats stats.expected_return(aggregate=YE)"},
        [](const Facts& f) -> MetricValue { return said(geometric_mean(f.years)); }},
    Row{{"best_day", "best day", "return", Unit::percent, "Highest r.", "quantstats stats.best"},
        [](const Facts& f) -> MetricValue { return said(highest(f.returns())); }},
    Row{{"worst_day", "worst day", "return", Unit::percent, "Lowest r.", "quantstats stats.worst"},
        [](const Facts& f) -> MetricValue { return said(lowest(f.returns())); }},
    Row{{"best_month", "best month", "return", Unit::percent, "Highest return of a calendar month.",
         "quantstats stats.best(aggregate=ME)"},
        [](const Facts& f) -> MetricValue { return said(highest(f.months)); }},
    Row{{"worst_month", "worst month", "return", Unit::percent, "Lowest return of a calendar month.",
         "quantstats stats.worst(aggregate=ME)"},
        [](const Facts& f) -> MetricValue { return said(lowest(f.months)); }},
    Row{{"best_year", "best year", "return", Unit::percent, "Highest return of a calendar year.",
         "quantstats stats.best(aggregate=YE)"},
        [](const Facts& f) -> MetricValue { return said(highest(f.years)); }},
    Row{{"worst_year", "worst year", "return", Unit::percent, "Lowest return of a calendar year.",
         "quantstats stats.worst(aggregate=YE)"},
        [](const Facts& f) -> MetricValue { return said(lowest(f.years)); }},
    Row{{"win_days", "days won", "return", Unit::percent, "Days with r > 0 over days with r other than 0.",
         "quantstats stats.win_rate"},
        [](const Facts& f) -> MetricValue { return said(share_up(f.returns())); }},
    Row{{"win_months", "months won", "return", Unit::percent, "Months above 0 over months other than 0.",
         "quantstats stats.win_rate(aggregate=ME)"},
        [](const Facts& f) -> MetricValue { return said(share_up(f.months)); }},
    Row{{"win_years", "years won", "return", Unit::percent, "Years above 0 over years other than 0.",
         "quantstats stats.win_rate(aggregate=YE)"},
        [](const Facts& f) -> MetricValue { return said(share_up(f.years)); }},
    Row{{"average_up_day", "average day up", "return", Unit::percent, "Mean of r above 0.", "quantstats stats.avg_win"},
        [](const Facts& f) -> MetricValue { return said(mean_of(ups_of(f.returns()))); }},
    Row{{"average_down_day", "average day down", "return", Unit::percent, "Mean of r below 0.",
         "quantstats stats.avg_loss"},
        [](const Facts& f) -> MetricValue { return said(mean_of(downs_of(f.returns()))); }},
    Row{{"average_up_month", "average month up", "return", Unit::percent, "Mean of months above 0.",
         "quantstats stats.avg_win(aggregate=ME)"},
        [](const Facts& f) -> MetricValue { return said(mean_of(ups_of(f.months))); }},
    Row{{"average_down_month", "average month down", "return", Unit::percent, "Mean of months below 0.",
         "quantstats stats.avg_loss(aggregate=ME)"},
        [](const Facts& f) -> MetricValue { return said(mean_of(downs_of(f.months))); }},
    Row{{"longest_up_days", "longest run of days up", "return", Unit::days, "Most days in a row with r > 0.",
         "quantstats stats.consecutive_wins"},
        [](const Facts& f) -> MetricValue {
            return f.own.returns.empty() ? MetricValue{} : longest_run(f.own.returns, is_up);
        }},
    Row{{"longest_down_days", "longest run of days down", "return", Unit::days, "Most days in a row with r < 0.",
         "quantstats stats.consecutive_losses"},
        [](const Facts& f) -> MetricValue {
            return f.own.returns.empty() ? MetricValue{} : longest_run(f.own.returns, is_down);
        }},
    Row{{"annual_volatility", "annual volatility", "risk", Unit::percent, "sd x sqrt(P).",
         "quantstats stats.volatility"},
        [](const Facts& f) -> MetricValue { return said(times(f.own.deviation, f.root_year)); }},
    Row{{"annual_volatility_geometric", "annual volatility, compounded", "risk", Unit::percent,
         "sqrt((sd^2 + g^2)^P - g^(2 P)), g = (En / E0)^(1 / n).", "backtesting.py Volatility (Ann.)"},
        [](const Facts& f) -> MetricValue { return said(f.geometric_volatility()); }},
    Row{{"downside_deviation", "downside deviation", "risk", Unit::percent, "sqrt(mean of min(r, 0)^2) x sqrt(P).",
         "quantstats stats.sortino's divisor"},
        [](const Facts& f) -> MetricValue { return said(times(f.downside(), f.root_year)); }},
    Row{{"var_95", "value at risk 95%", "risk", Unit::percent, "Q(0.05) of r: one day in twenty was worse.",
         "historical"},
        [](const Facts& f) -> MetricValue { return said(f.quantile(0.05)); }},
    Row{{"var_99", "value at risk 99%", "risk", Unit::percent, "Q(0.01) of r.", "historical"},
        [](const Facts& f) -> MetricValue { return said(f.quantile(0.01)); }},
    Row{{"cvar_95", "expected shortfall 95%", "risk", Unit::percent, "Mean of r at or below Q(0.05).",
         "quantstats stats.cvar(method=historical)"},
        [](const Facts& f) -> MetricValue {
            const Maybe edge = f.quantile(0.05);
            return said(mean_of(only(f.returns(), [&](double value) { return value <= *edge; })));
        }},
    Row{{"var_95_parametric", "value at risk 95%, normal", "risk", Unit::percent, "mean + sd x Z(0.05).",
         "quantstats stats.var; LEAN Value at Risk 95%"},
        [](const Facts& f) -> MetricValue {
            return said(minus(f.own.mean, times(f.own.deviation, -normal_quantile(0.05))));
        }},
    Row{{"var_99_parametric", "value at risk 99%, normal", "risk", Unit::percent, "mean + sd x Z(0.01).",
         "quantstats stats.var(confidence=0.99); LEAN Value at Risk 99%"},
        [](const Facts& f) -> MetricValue {
            return said(minus(f.own.mean, times(f.own.deviation, -normal_quantile(0.01))));
        }},
    Row{{"cvar_95_parametric", "expected shortfall 95%, normal", "risk", Unit::percent,
         "mean - sd x density at Z(0.05) / 0.05.", "quantstats stats.cvar"},
        [](const Facts& f) -> MetricValue {
            const double edge = normal_quantile(0.05);
            const double density = std::exp(-edge * edge / 2) / std::sqrt(2 * std::numbers::pi);
            return said(minus(f.own.mean, times(f.own.deviation, density / 0.05)));
        }},
    Row{{"skew", "skew", "risk", Unit::ratio, "Skewness of r without bias (G1); three days at least.",
         "quantstats stats.skew"},
        [](const Facts& f) -> MetricValue { return said(skew_of(f.returns())); }},
    Row{{"kurtosis", "kurtosis", "risk", Unit::ratio,
         "Excess kurtosis of r without bias (G2), 0 for a normal distribution; four days at least.",
         "quantstats stats.kurtosis"},
        [](const Facts& f) -> MetricValue { return said(kurtosis_of(f.returns())); }},
    Row{{"tail_ratio", "tail ratio", "risk", Unit::ratio, "|Q(0.95) / Q(0.05)| of r.", "quantstats stats.tail_ratio"},
        [](const Facts& f) -> MetricValue { return said(f.tail_ratio()); }},
    Row{{"outlier_win_ratio", "outlier win ratio", "risk", Unit::ratio, "Q(0.99) / mean of r at or above 0.",
         "quantstats stats.outlier_win_ratio"},
        [](const Facts& f) -> MetricValue {
            return said(
                ratio_of(f.quantile(0.99), mean_of(only(f.returns(), [](double value) { return value >= 0; }))));
        }},
    Row{{"outlier_loss_ratio", "outlier loss ratio", "risk", Unit::ratio, "Q(0.01) / mean of r below 0.",
         "quantstats stats.outlier_loss_ratio"},
        [](const Facts& f) -> MetricValue { return said(ratio_of(f.quantile(0.01), mean_of(downs_of(f.returns())))); }},
    Row{{"sharpe", "Sharpe", "ratio", Unit::ratio, "mean / sd x sqrt(P).", "quantstats stats.sharpe"},
        [](const Facts& f) -> MetricValue { return said(times(f.sharpe_day(), f.root_year)); }},
    Row{{"sharpe_geometric", "Sharpe, compounded", "ratio", Unit::ratio, "annual_return / annual_volatility_geometric.",
         "backtesting.py Sharpe Ratio"},
        [](const Facts& f) -> MetricValue { return said(ratio_of(f.own.annual_return, f.geometric_volatility())); }},
    Row{{"sharpe_smart", "Sharpe, smart", "ratio", Unit::ratio,
         "sharpe / sqrt(1 + 2 x sum over i = 1 .. n - 1 of (n - i) / n x |c|^i), c the correlation of r with the r of "
         "the day before.",
         "quantstats stats.smart_sharpe"},
        [](const Facts& f) -> MetricValue {
            return said(ratio_of(times(f.sharpe_day(), f.root_year), f.smart_penalty()));
        }},
    Row{{"probabilistic_sharpe", "probabilistic Sharpe", "ratio", Unit::percent,
         "N(s x sqrt((n - 1) / (1 - skew x s + (kurtosis + 2) / 4 x s^2))), s = mean / sd: how probable it is that the "
         "true Sharpe ratio is above 0.",
         "quantstats stats.probabilistic_sharpe_ratio; Bailey and Lopez de Prado 2012"},
        [](const Facts& f) -> MetricValue { return said(f.sharpe_above(0)); }},
    Row{{"probabilistic_sharpe_one", "probabilistic Sharpe above 1", "ratio", Unit::percent,
         "The same for a Sharpe ratio of 1 a year: s - 1 / sqrt(P) before the root.",
         "LEAN Probabilistic Sharpe Ratio"},
        [](const Facts& f) -> MetricValue { return said(f.sharpe_above(1 / f.root_year)); }},
    Row{{"deflated_sharpe", "deflated Sharpe", "ratio", Unit::percent,
         "The same for the highest Sharpe ratio to expect of the trials: sqrt(V) x ((1 - 0.5772) x Z(1 - 1/k) + 0.5772 "
         "x Z(1 - 1/(k e))), k trials whose Sharpe ratios a day have the variance V; nothing where they are not known.",
         "Bailey and Lopez de Prado 2014"},
        [](const Facts& f) -> MetricValue {
            if (!f.in.trials || *f.in.trials == 0 || (*f.in.trials > 1 && !f.in.trial_sharpe_variance)) {
                return {};
            }
            return said(f.sharpe_above(expected_max_sharpe(*f.in.trials, f.in.trial_sharpe_variance.value_or(0))));
        }},
    Row{{"sortino", "Sortino", "ratio", Unit::ratio, "mean x P / downside_deviation.", "quantstats stats.sortino"},
        [](const Facts& f) -> MetricValue { return said(f.sortino()); }},
    Row{{"sortino_geometric", "Sortino, compounded", "ratio", Unit::ratio, "annual_return / downside_deviation.",
         "backtesting.py Sortino Ratio"},
        [](const Facts& f) -> MetricValue {
            return said(ratio_of(f.own.annual_return, times(f.downside(), f.root_year)));
        }},
    Row{{"sortino_smart", "Sortino, smart", "ratio", Unit::ratio, "sortino over the same root as sharpe_smart.",
         "quantstats stats.smart_sortino"},
        [](const Facts& f) -> MetricValue { return said(ratio_of(f.sortino(), f.smart_penalty())); }},
    Row{{"sortino_adjusted", "Sortino over root 2", "ratio", Unit::ratio,
         "sortino / sqrt(2), to be held against the Sharpe ratio.", "quantstats stats.adjusted_sortino"},
        [](const Facts& f) -> MetricValue { return said(ratio_of(f.sortino(), std::numbers::sqrt2)); }},
    Row{{"calmar", "Calmar", "ratio", Unit::ratio, "annual_return / |max_drawdown|.",
         "backtesting.py Calmar Ratio; quantstats stats.calmar"},
        [](const Facts& f) -> MetricValue {
            return said(ratio_of(f.own.annual_return, negative(f.own.max_drawdown())));
        }},
    Row{{"omega", "Omega", "ratio", Unit::ratio, "Sum of r above 0 / |sum of r below 0|; two days at least.",
         "quantstats stats.omega"},
        [](const Facts& f) -> MetricValue {
            return f.own.returns.size() < 2 ? MetricValue{} : said(ratio_of(f.total_up(), f.total_down()));
        }},
    Row{{"gain_to_pain", "gain to pain", "ratio", Unit::ratio, "Sum of r / |sum of r below 0|.",
         "quantstats stats.gain_to_pain_ratio"},
        [](const Facts& f) -> MetricValue {
            return said(ratio_of(minus(f.total_up(), f.total_down()), f.total_down()));
        }},
    Row{{"day_payoff", "payoff of days", "ratio", Unit::ratio, "average_up_day / |average_down_day|.",
         "quantstats stats.payoff_ratio"},
        [](const Facts& f) -> MetricValue { return said(f.day_payoff()); }},
    Row{{"day_profit_factor", "profit factor of days", "ratio", Unit::ratio, "Sum of r above 0 / |sum of r below 0|.",
         "quantstats stats.profit_factor"},
        [](const Facts& f) -> MetricValue { return said(ratio_of(f.total_up(), f.total_down())); }},
    Row{{"day_kelly", "Kelly criterion of days", "ratio", Unit::percent, "win_days - (1 - win_days) / day_payoff.",
         "quantstats stats.kelly_criterion"},
        [](const Facts& f) -> MetricValue {
            return said(minus(share_up(f.returns()), ratio_of(minus(1, share_up(f.returns())), f.day_payoff())));
        }},
    Row{{"common_sense_ratio", "common sense ratio", "ratio", Unit::ratio, "day_profit_factor x tail_ratio.",
         "quantstats stats.common_sense_ratio"},
        [](const Facts& f) -> MetricValue {
            return said(times(ratio_of(f.total_up(), f.total_down()), f.tail_ratio()));
        }},
    Row{{"recovery_factor", "recovery factor", "ratio", Unit::ratio, "Sum of r / |max_drawdown|.",
         "quantstats stats.recovery_factor, which drops the sign"},
        [](const Facts& f) -> MetricValue {
            return f.own.returns.empty() ? MetricValue{}
                                         : said(ratio_of(sum_of(f.returns()), negative(f.own.max_drawdown())));
        }},
    Row{{"upi", "ulcer performance index", "ratio", Unit::ratio, "net_return / ulcer_index.",
         "quantstats stats.ulcer_performance_index"},
        [](const Facts& f) -> MetricValue { return said(ratio_of(f.own.total(), f.ulcer())); }},
    Row{{"max_drawdown", "max drawdown, by day", "drawdown", Unit::percent,
         "Lowest of Ei / highest of E0 .. Ei - 1; 0 where there is none. alpha backtest prints the fall over every "
         "mark, "
         "which is as deep or deeper.",
         "quantstats stats.max_drawdown; backtesting.py Max. Drawdown"},
        [](const Facts& f) -> MetricValue { return said(f.own.max_drawdown()); }},
    Row{{"max_drawdown_money", "max drawdown in money, by day", "drawdown", Unit::money,
         "Lowest of Ei - highest of E0 .. Ei.", "alpha"},
        [](const Facts& f) -> MetricValue {
            Money peak = f.in.initial;
            Money depth;
            for (const Money equity : f.in.equity) {
                peak = std::max(peak, equity);
                depth = std::min(depth, equity - peak);
            }
            return f.in.equity.empty() ? MetricValue{} : depth;
        }},
    Row{{"max_drawdown_peak", "max drawdown: peak", "drawdown", Unit::date,
         "The last day at the peak before the deepest fall; the first day where that is E0.", "alpha"},
        [](const Facts& f) -> MetricValue {
            return f.deepest() == nullptr ? MetricValue{} : f.date_at(f.deepest()->peak);
        }},
    Row{{"max_drawdown_trough", "max drawdown: trough", "drawdown", Unit::date, "Its lowest day.",
         "quantstats Max DD Date"},
        [](const Facts& f) -> MetricValue {
            return f.deepest() == nullptr ? MetricValue{} : f.date_at(f.deepest()->trough);
        }},
    Row{{"max_drawdown_recovered", "max drawdown: recovered", "drawdown", Unit::date,
         "The day on which it was made up for.", "quantstats Max DD Period End, which is a day earlier"},
        [](const Facts& f) -> MetricValue {
            return f.deepest() == nullptr || f.deepest()->recovered == 0 ? MetricValue{}
                                                                         : f.date_at(f.deepest()->recovered);
        }},
    Row{{"max_drawdown_days", "longest drawdown", "drawdown", Unit::days,
         "Most trading days from a peak to the day on which it was made up for, or to the end.",
         "backtesting.py Max. Drawdown Duration, in calendar days"},
        [](const Facts& f) -> MetricValue {
            std::size_t longest = 0;
            for (const Fall& fall : f.own.falls) {
                longest = std::max(longest, fall.days);
            }
            return f.own.falls.empty() ? MetricValue{} : counted(longest);
        }},
    Row{{"average_drawdown", "average drawdown", "drawdown", Unit::percent, "Mean depth of all drawdowns.",
         "backtesting.py Avg. Drawdown"},
        [](const Facts& f) -> MetricValue {
            std::vector<double> depths;
            std::ranges::transform(f.own.falls, std::back_inserter(depths), &Fall::depth);
            return said(mean_of(depths));
        }},
    Row{{"average_drawdown_days", "average length of a drawdown", "drawdown", Unit::days,
         "Mean of the trading days of all drawdowns, each as in max_drawdown_days.",
         "backtesting.py Avg. Drawdown Duration, in calendar days"},
        [](const Facts& f) -> MetricValue {
            std::vector<double> lengths;
            std::ranges::transform(f.own.falls, std::back_inserter(lengths),
                                   [](const Fall& fall) { return static_cast<double>(fall.days); });
            return said(mean_of(lengths));
        }},
    Row{{"drawdown_recovery_days", "longest recovery", "drawdown", Unit::days,
         "Most trading days from a peak to the day on which it was made up for.",
         "LEAN Drawdown Recovery, in calendar days"},
        [](const Facts& f) -> MetricValue {
            std::size_t longest = 0;
            for (const Fall& fall : f.own.falls) {
                longest = std::max(longest, fall.recovered > 0 ? fall.days : 0);
            }
            return longest == 0 ? MetricValue{} : counted(longest);
        }},
    Row{{"end_drawdown", "drawdown at the end", "drawdown", Unit::percent, "En / highest of E0 .. En - 1.", "alpha"},
        [](const Facts& f) -> MetricValue {
            if (!f.own.has_days()) {
                return {};
            }
            const double peak = std::ranges::max(f.own.equity);
            return said((f.own.equity.back() - peak) / peak);
        }},
    Row{{"ulcer_index", "ulcer index", "drawdown", Unit::percent,
         "sqrt(sum of squares of Ei / highest of E0 .. Ei - 1, over n - 1); two days at least.",
         "quantstats stats.ulcer_index"},
        [](const Facts& f) -> MetricValue { return said(f.ulcer()); }},
    Row{{"buy_hold_return", "buy and hold", "benchmark", Unit::percent, "Bn / B0 - 1.",
         "backtesting.py Buy & Hold Return"},
        [](const Facts& f) -> MetricValue { return said(f.other.total()); }},
    Row{{"excess_return", "return above buy and hold", "benchmark", Unit::percent, "net_return - buy_hold_return.",
         "alpha"},
        [](const Facts& f) -> MetricValue { return said(minus(f.own.total(), f.other.total())); }},
    Row{{"alpha", "alpha", "benchmark", Unit::percent, "(mean of r - beta x mean of b) x P.",
         "quantstats stats.greeks; LEAN Alpha"},
        [](const Facts& f) -> MetricValue {
            return said(times(minus(f.own.mean, times(f.beta(), f.other.mean)), f.year));
        }},
    Row{{"alpha_total", "alpha of the whole run", "benchmark", Unit::percent,
         "net_return - beta_log x buy_hold_return.", "backtesting.py Alpha"},
        [](const Facts& f) -> MetricValue { return said(minus(f.own.total(), times(f.log_beta(), f.other.total()))); }},
    Row{{"beta", "beta", "benchmark", Unit::ratio, "Covariance of r and b / variance of b.",
         "quantstats stats.greeks; LEAN Beta"},
        [](const Facts& f) -> MetricValue { return said(f.beta()); }},
    Row{{"beta_log", "beta of log returns", "benchmark", Unit::ratio,
         "Covariance of log(1 + r) and log(1 + b) / variance of log(1 + b).", "backtesting.py Beta"},
        [](const Facts& f) -> MetricValue { return said(f.log_beta()); }},
    Row{{"correlation", "correlation", "benchmark", Unit::ratio, "Covariance of r and b / (sd of r x sd of b).",
         "quantstats Correlation"},
        [](const Facts& f) -> MetricValue { return said(f.correlation()); }},
    Row{{"r_squared", "R squared", "benchmark", Unit::ratio, "correlation^2.", "quantstats stats.r_squared"},
        [](const Facts& f) -> MetricValue { return said(times(f.correlation(), f.correlation())); }},
    Row{{"tracking_error", "tracking error", "benchmark", Unit::percent, "sd of r - b x sqrt(P).",
         "LEAN Tracking Error"},
        [](const Facts& f) -> MetricValue { return said(times(deviation_of(f.differences()), f.root_year)); }},
    Row{{"information_ratio", "information ratio", "benchmark", Unit::ratio, "mean of r - b / sd of r - b x sqrt(P).",
         "LEAN Information Ratio"},
        [](const Facts& f) -> MetricValue { return said(times(f.information_day(), f.root_year)); }},
    Row{{"information_ratio_day", "information ratio a day", "benchmark", Unit::ratio, "mean of r - b / sd of r - b.",
         "quantstats stats.information_ratio"},
        [](const Facts& f) -> MetricValue { return said(f.information_day()); }},
    Row{{"treynor", "Treynor", "benchmark", Unit::ratio, "mean of r x P / beta.", "LEAN Treynor Ratio"},
        [](const Facts& f) -> MetricValue { return said(ratio_of(times(f.own.mean, f.year), f.beta())); }},
    Row{{"treynor_total", "Treynor of the whole run", "benchmark", Unit::ratio, "net_return / beta.",
         "quantstats stats.treynor_ratio"},
        [](const Facts& f) -> MetricValue { return said(ratio_of(f.own.total(), f.beta())); }},
    Row{{"benchmark_annual_return", "benchmark's annual return", "benchmark", Unit::percent, "(Bn / B0)^(P / n) - 1.",
         "quantstats stats.cagr"},
        [](const Facts& f) -> MetricValue { return said(f.other.annual_return); }},
    Row{{"benchmark_cagr", "benchmark's CAGR", "benchmark", Unit::percent, "As cagr, of B.", "backtesting.py CAGR"},
        [](const Facts& f) -> MetricValue { return said(f.other.cagr); }},
    Row{{"benchmark_volatility", "benchmark's annual volatility", "benchmark", Unit::percent, "sd of b x sqrt(P).",
         "quantstats stats.volatility"},
        [](const Facts& f) -> MetricValue { return said(times(f.other.deviation, f.root_year)); }},
    Row{{"benchmark_sharpe", "benchmark's Sharpe", "benchmark", Unit::ratio, "mean of b / sd of b x sqrt(P).",
         "quantstats stats.sharpe"},
        [](const Facts& f) -> MetricValue {
            return said(times(ratio_of(f.other.mean, f.other.deviation), f.root_year));
        }},
    Row{{"benchmark_max_drawdown", "benchmark's max drawdown, by day", "benchmark", Unit::percent,
         "As max_drawdown, of B.", "quantstats stats.max_drawdown"},
        [](const Facts& f) -> MetricValue { return said(f.other.max_drawdown()); }},
    Row{{"trades", "trades", "trade", Unit::count, "k: trades that were closed. All below are of these.",
         "backtesting.py # Trades"},
        [](const Facts& f) -> MetricValue { return counted(f.trades.count()); }},
    Row{{"open_trades", "open trades", "trade", Unit::count, "Trades that were not closed.",
         "backtesting.py leaves them out too"},
        [](const Facts& f) -> MetricValue { return counted(f.in.trades.size() - f.trades.count()); }},
    Row{{"long_trades", "long trades", "trade", Unit::count, "Trades that bought first.", "alpha"},
        [](const Facts& f) -> MetricValue { return f.count_of(true); }},
    Row{{"short_trades", "short trades", "trade", Unit::count, "Trades that sold first.", "alpha"},
        [](const Facts& f) -> MetricValue { return f.count_of(false); }},
    Row{{"winning_trades", "winning trades", "trade", Unit::count, "w: trades whose net is above 0.",
         "LEAN NumberOfWinningTrades"},
        [](const Facts& f) -> MetricValue { return counted(f.trades.wins); }},
    Row{{"losing_trades", "losing trades", "trade", Unit::count, "l: trades whose net is below 0.",
         "LEAN NumberOfLosingTrades, which counts those at 0"},
        [](const Facts& f) -> MetricValue { return counted(f.trades.losses); }},
    Row{{"win_rate", "win rate", "trade", Unit::percent, "w / k.", "backtesting.py Win Rate"},
        [](const Facts& f) -> MetricValue { return said(f.win_rate()); }},
    Row{{"trade_profit", "net of trades", "trade", Unit::money, "Sum of nets.", "LEAN TotalProfitLoss"},
        [](const Facts& f) -> MetricValue { return f.trades.net; }},
    Row{{"long_profit", "net of long trades", "trade", Unit::money, "Sum of nets of long trades.", "alpha"},
        [](const Facts& f) -> MetricValue { return f.net_of(true); }},
    Row{{"short_profit", "net of short trades", "trade", Unit::money, "Sum of nets of short trades.", "alpha"},
        [](const Facts& f) -> MetricValue { return f.net_of(false); }},
    Row{{"total_win", "sum of wins", "trade", Unit::money, "Sum of nets above 0.", "LEAN TotalProfit"},
        [](const Facts& f) -> MetricValue { return f.trades.won; }},
    Row{{"total_loss", "sum of losses", "trade", Unit::money, "Sum of nets below 0.", "LEAN TotalLoss"},
        [](const Facts& f) -> MetricValue { return f.trades.lost; }},
    Row{{"best_trade", "best trade", "trade", Unit::percent, "Highest t, t = net / notional of the entry.",
         "backtesting.py Best Trade"},
        [](const Facts& f) -> MetricValue { return said(highest(f.trades.returns)); }},
    Row{{"worst_trade", "worst trade", "trade", Unit::percent, "Lowest t.", "backtesting.py Worst Trade"},
        [](const Facts& f) -> MetricValue { return said(lowest(f.trades.returns)); }},
    Row{{"average_trade", "average trade", "trade", Unit::percent,
         "(1 + t) of all multiplied, to the power of 1 / k, less 1.", "backtesting.py Avg. Trade"},
        [](const Facts& f) -> MetricValue { return said(geometric_mean(f.trades.returns)); }},
    Row{{"expectancy", "expectancy", "trade", Unit::percent, "Mean of t.", "backtesting.py Expectancy"},
        [](const Facts& f) -> MetricValue { return said(mean_of(f.trades.returns)); }},
    Row{{"expectancy_ratio", "expectancy for one lost", "trade", Unit::ratio, "w / k x payoff - l / k.",
         "LEAN Expectancy, which is of returns"},
        [](const Facts& f) -> MetricValue {
            return said(minus(times(f.win_rate(), f.payoff()),
                              ratio_of(static_cast<double>(f.trades.losses), static_cast<double>(f.trades.count()))));
        }},
    Row{{"average_profit", "average net of a trade", "trade", Unit::money, "Sum of nets / k.",
         "LEAN AverageProfitLoss"},
        [](const Facts& f) -> MetricValue { return f.average_of(net_of, is_any); }},
    Row{{"average_win", "average win", "trade", Unit::money, "Sum of nets above 0 / w.", "LEAN AverageProfit"},
        [](const Facts& f) -> MetricValue { return f.average_of(net_of, is_win); }},
    Row{{"average_loss", "average loss", "trade", Unit::money, "Sum of nets below 0 / l.", "LEAN AverageLoss"},
        [](const Facts& f) -> MetricValue { return f.average_of(net_of, is_loss); }},
    Row{{"largest_win", "largest win", "trade", Unit::money, "The highest net, where it is above 0.",
         "LEAN LargestProfit"},
        [](const Facts& f) -> MetricValue {
            return f.trades.wins == 0 ? MetricValue{} : f.greatest_of(net_of, std::less<>{});
        }},
    Row{{"largest_loss", "largest loss", "trade", Unit::money, "The lowest net, where it is below 0.",
         "LEAN LargestLoss"},
        [](const Facts& f) -> MetricValue {
            return f.trades.losses == 0 ? MetricValue{} : f.greatest_of(net_of, std::greater<>{});
        }},
    Row{{"payoff", "payoff", "trade", Unit::ratio, "average_win / |average_loss|.", "LEAN ProfitLossRatio"},
        [](const Facts& f) -> MetricValue { return said(f.payoff()); }},
    Row{{"profit_factor", "profit factor", "trade", Unit::ratio, "total_win / |total_loss|.", "LEAN ProfitFactor"},
        [](const Facts& f) -> MetricValue {
            return said(ratio_of(number_of(f.trades.won), -number_of(f.trades.lost)));
        }},
    Row{{"profit_factor_returns", "profit factor of returns", "trade", Unit::ratio,
         "Sum of t above 0 / |sum of t below 0|.", "backtesting.py Profit Factor"},
        [](const Facts& f) -> MetricValue {
            return f.trades.returns.empty()
                       ? MetricValue{}
                       : said(ratio_of(sum_of(ups_of(f.trades.returns)), -sum_of(downs_of(f.trades.returns))));
        }},
    Row{{"sqn", "SQN", "trade", Unit::ratio, "sqrt(k) x mean of nets / sd of nets.", "backtesting.py SQN"},
        [](const Facts& f) -> MetricValue {
            return said(times(ratio_of(mean_of(f.trades.nets), deviation_of(f.trades.nets)),
                              std::sqrt(static_cast<double>(f.trades.count()))));
        }},
    Row{{"kelly", "Kelly criterion", "trade", Unit::percent, "win_rate - (1 - win_rate) / payoff.",
         "backtesting.py Kelly Criterion"},
        [](const Facts& f) -> MetricValue {
            return said(minus(f.win_rate(), ratio_of(minus(1, f.win_rate()), f.payoff())));
        }},
    Row{{"longest_wins", "longest run of wins", "trade", Unit::count, "Most wins in a row, in the order of exits.",
         "LEAN MaxConsecutiveWinningTrades"},
        [](const Facts& f) -> MetricValue {
            return f.trades.count() == 0
                       ? MetricValue{}
                       : longest_run(f.trades.closed, [](const TradeFact* trade) { return is_win(*trade); });
        }},
    Row{{"longest_losses", "longest run of losses", "trade", Unit::count,
         "Most losses in a row, in the order of exits.", "LEAN MaxConsecutiveLosingTrades"},
        [](const Facts& f) -> MetricValue {
            return f.trades.count() == 0
                       ? MetricValue{}
                       : longest_run(f.trades.closed, [](const TradeFact* trade) { return is_loss(*trade); });
        }},
    Row{{"average_held", "average time held", "trade", Unit::duration, "Mean of the times from entry to exit.",
         "backtesting.py Avg. Trade Duration, which rounds up"},
        [](const Facts& f) -> MetricValue { return f.average_of(held_of, is_any); }},
    Row{{"average_held_wins", "average time wins were held", "trade", Unit::duration, "The same, of wins.",
         "LEAN AverageWinningTradeDuration"},
        [](const Facts& f) -> MetricValue { return f.average_of(held_of, is_win); }},
    Row{{"average_held_losses", "average time losses were held", "trade", Unit::duration, "The same, of losses.",
         "LEAN AverageLosingTradeDuration"},
        [](const Facts& f) -> MetricValue { return f.average_of(held_of, is_loss); }},
    Row{{"longest_held", "longest time held", "trade", Unit::duration, "The longest time from entry to exit.",
         "backtesting.py Max. Trade Duration"},
        [](const Facts& f) -> MetricValue { return f.greatest_of(held_of, std::less<>{}); }},
    Row{{"average_mae", "average worst of a trade", "trade", Unit::money,
         "Mean of the most that each was down while it was held (maximum adverse excursion), gross.",
         "LEAN AverageMAE"},
        [](const Facts& f) -> MetricValue { return f.average_of(worst_of, is_any); }},
    Row{{"average_mfe", "average best of a trade", "trade", Unit::money,
         "Mean of the most that each was up while it was held (maximum favourable excursion), gross.",
         "LEAN AverageMFE"},
        [](const Facts& f) -> MetricValue { return f.average_of(best_of, is_any); }},
    Row{{"largest_mae", "worst of any trade", "trade", Unit::money, "The lowest maximum adverse excursion.",
         "LEAN LargestMAE"},
        [](const Facts& f) -> MetricValue { return f.greatest_of(worst_of, std::greater<>{}); }},
    Row{{"largest_mfe", "best of any trade", "trade", Unit::money, "The highest maximum favourable excursion.",
         "LEAN LargestMFE"},
        [](const Facts& f) -> MetricValue { return f.greatest_of(best_of, std::less<>{}); }},
    Row{{"end_trade_drawdown", "average given back", "trade", Unit::money,
         "Mean of gross - best: what a trade lost of the most that it was up.", "LEAN AverageEndTradeDrawdown"},
        [](const Facts& f) -> MetricValue { return f.average_of(given_back, is_any); }},
    Row{{"max_end_trade_drawdown", "most given back", "trade", Unit::money, "The lowest of gross - best.",
         "LEAN MaximumEndTradeDrawdown"},
        [](const Facts& f) -> MetricValue { return f.greatest_of(given_back, std::greater<>{}); }},
};

constexpr auto kSpecs = [] {
    std::array<MetricSpec, std::size(kRows)> specs{};
    std::ranges::transform(kRows, specs.begin(), &Row::spec);
    return specs;
}();

}  // namespace

const Metric* Statistics::find(std::string_view id) const {
    const auto place = std::ranges::find_if(metrics, [&](const Metric& metric) { return metric.id == id; });
    return place == metrics.end() ? nullptr : &*place;
}

std::optional<double> Statistics::number(std::string_view id) const {
    const Metric* metric = find(id);
    if (metric == nullptr) {
        return std::nullopt;
    }
    if (const auto* number = std::get_if<double>(&metric->value)) {
        return *number;
    }
    if (const auto* amount = std::get_if<Money>(&metric->value)) {
        return number_of(*amount);
    }
    if (const auto* count = std::get_if<std::uint64_t>(&metric->value)) {
        return static_cast<double>(*count);
    }
    return std::nullopt;
}

Statistics statistics_of(const StatisticsInput& input) {
    ALPHA_ASSERT(input.equity.size() == input.days.size(), "every day has one equity");
    ALPHA_ASSERT(input.exposure.empty() || input.exposure.size() == input.days.size(),
                 "every day has one exposure, or none has");
    ALPHA_ASSERT(input.benchmark.empty() || input.benchmark.size() == input.days.size(),
                 "every day has one benchmark, or none has");
    const Facts facts(input);
    Statistics statistics;
    statistics.metrics.reserve(std::size(kRows));
    for (const Row& row : kRows) {
        statistics.metrics.push_back(Metric{row.spec.id, row.spec.title, row.spec.group, row.spec.unit, row.of(facts)});
    }
    return statistics;
}

std::span<const MetricSpec> metric_specs() {
    return kSpecs;
}

std::vector<DrawdownPeriod> drawdowns(std::span<const double> equity, std::span<const Date> dates, std::size_t most) {
    if (dates.empty()) {
        return {};
    }
    ALPHA_ASSERT(equity.size() == dates.size() + 1, "equity holds a day more than there are dates");
    std::vector<Fall> falls = falls_of(equity);
    std::ranges::stable_sort(falls, {}, &Fall::depth);
    falls.resize(std::min(falls.size(), most));
    const auto date_at = [&](std::size_t place) { return dates[std::max(place, std::size_t{1}) - 1]; };
    std::vector<DrawdownPeriod> periods;
    periods.reserve(falls.size());
    for (const Fall& fall : falls) {
        periods.push_back(DrawdownPeriod{.peak = date_at(fall.peak),
                                         .trough = date_at(fall.trough),
                                         .recovered = fall.recovered > 0 ? date_at(fall.recovered) : kNoDay,
                                         .depth = fall.depth,
                                         .days = fall.days});
    }
    return periods;
}

}  // namespace alpha
