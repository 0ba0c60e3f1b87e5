#include "results/numbers.hpp"
#include "results/statistics.hpp"
#include "tests/results/support.hpp"

#include <set>

using namespace alpha;
using namespace alpha::results_test;

namespace {

const std::string kPage = std::string(ALPHA_SOURCE_DIR) + "/docs/reference-statistics.md";

std::string text_of(const MetricValue& value) {
    struct Text {
        std::string operator()(std::monostate /*nothing*/) const { return ""; }
        std::string operator()(double number) const {
            std::ostringstream out;
            out.precision(17);
            out << number;
            return out.str();
        }
        std::string operator()(Money amount) const { return to_string(amount); }
        std::string operator()(std::uint64_t count) const { return std::to_string(count); }
        std::string operator()(Duration duration) const { return std::to_string(duration.ns); }
        std::string operator()(Date date) const { return to_iso(date); }
    };
    return std::visit(Text{}, value);
}

/// Numbers nearly, all else to the letter.
bool is_as_expected(const MetricValue& value, const std::string& wanted) {
    const auto* number = std::get_if<double>(&value);
    return number == nullptr || wanted.empty() ? text_of(value) == wanted : is_close(*number, std::stod(wanted));
}

bool fits(MetricUnit unit, const MetricValue& value) {
    switch (unit) {
    case MetricUnit::ratio:
    case MetricUnit::percent: return std::holds_alternative<double>(value);
    case MetricUnit::money: return std::holds_alternative<Money>(value);
    case MetricUnit::count: return std::holds_alternative<std::uint64_t>(value);
    case MetricUnit::duration: return std::holds_alternative<Duration>(value);
    case MetricUnit::days: return std::holds_alternative<std::uint64_t>(value) || std::holds_alternative<double>(value);
    case MetricUnit::date: return std::holds_alternative<Date>(value);
    }
    return false;
}

const char* name_of(MetricUnit unit) {
    switch (unit) {
    case MetricUnit::ratio: return "number";
    case MetricUnit::percent: return "per cent";
    case MetricUnit::money: return "amount";
    case MetricUnit::count: return "count";
    case MetricUnit::duration: return "time";
    case MetricUnit::days: return "trading days";
    case MetricUnit::date: return "date";
    }
    return "";
}

std::string read_text(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// The page: what is written by hand, up to the first group, and the tables.
std::string page_of(const std::string& old) {
    std::string page = old.substr(0, old.find("## Metrics"));
    page += "## Metrics\nThis part is made from the program's own table (results/statistics.cpp); a test keeps them "
            "equal.\n";
    std::string group;
    for (const MetricSpec& spec : metric_specs()) {
        if (group != spec.group) {
            group = spec.group;
            page += "\n### " + group + "\n| id | name | unit | formula | as in |\n|---|---|---|---|---|\n";
        }
        const auto cell = [](std::string text) {
            for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
                text.insert(at, "\\");
            }
            return text;
        };
        page += std::string("| <a id=\"") + spec.id + "\"></a>`" + spec.id + "` | " + spec.title + " | " +
                name_of(spec.unit) + " | " + cell(spec.formula) + " | " + cell(spec.source) + " |\n";
    }
    return page;
}

StatisticsInput days_of(const std::vector<std::int64_t>& equity) {
    StatisticsInput in;
    in.initial = money_of(equity.front());
    for (std::size_t i = 1; i < equity.size(); ++i) {
        in.days.push_back(Date{static_cast<std::int32_t>(18'632 + i)});
        in.equity.push_back(money_of(equity[i]));
    }
    return in;
}

Row random_row(Lcg& lcg, std::uint64_t seed) {
    Row row;
    const auto put = [&](const char* key, std::int64_t value) { row[key] = std::to_string(value); };
    put("seed", static_cast<std::int64_t>(seed));
    put("days", 1 + lcg.next() % 120);
    put("drift_ppm", lcg.next() % 4001 - 2000);
    put("spread_ppm", lcg.next() % 30'000);
    put("ruin_day", -1);
    put("trades", lcg.next() % 40);
    put("open_trades", lcg.next() % 3);
    put("trade_drift_ppm", lcg.next() % 4001 - 2000);
    put("trade_spread_ppm", lcg.next() % 10'000);
    put("has_benchmark", lcg.next() % 2);
    put("benchmark_drift_ppm", 100);
    put("benchmark_spread_ppm", lcg.next() % 20'000);
    put("trials", lcg.next() % 30);
    put("trial_variance_ppm", lcg.next() % 1000);
    return row;
}

}  // namespace

TEST_CASE("every metric is what the other tools say", "[results]") {
    const std::map<std::string, Row> wanted = expected();
    std::set<std::string> seen;
    std::set<std::string> said;
    for (const Row& row : read_rows(folder() + "series.csv")) {
        const std::string& name = row.at("name");
        const Statistics statistics = statistics_of(make(row));
        REQUIRE(statistics.metrics.size() == metric_specs().size());
        for (const Metric& metric : statistics.metrics) {
            CAPTURE(name, metric.id);
            REQUIRE(wanted.at(name).contains(metric.id));
            const std::string& value = wanted.at(name).at(metric.id);
            CAPTURE(value, text_of(metric.value));
            CHECK(is_as_expected(metric.value, value));
            CHECK((value.empty() || fits(metric.unit, metric.value)));
            seen.insert(name + " " + metric.id);
            if (!value.empty()) {
                said.insert(metric.id);
            }
        }
        CHECK(wanted.at(name).size() == statistics.metrics.size());
    }
    for (const MetricSpec& spec : metric_specs()) {
        CAPTURE(spec.id);
        CHECK(said.contains(spec.id));
    }
    CHECK(seen.size() == metric_specs().size() * read_rows(folder() + "series.csv").size());
}

TEST_CASE("metrics have names of their own and are found by them", "[results]") {
    std::set<std::string> ids;
    for (const MetricSpec& spec : metric_specs()) {
        CHECK(ids.insert(spec.id).second);
        CHECK(std::string(spec.formula).ends_with('.'));
        CHECK(std::string(spec.formula).find('\n') == std::string::npos);
        CHECK(!std::string(spec.source).empty());
    }
    const Statistics statistics = statistics_of(series("one_day"));
    REQUIRE(statistics.find("trades") != nullptr);
    CHECK(statistics.find("trades")->value == MetricValue{std::uint64_t{1}});
    CHECK(statistics.number("trades") == 1.0);
    CHECK(statistics.number("equity_start") == 1'000'000.0);
    CHECK(statistics.number("max_drawdown").has_value());
    CHECK(!statistics.number("sharpe").has_value());
    CHECK(!statistics.number("start").has_value());
    CHECK(statistics.find("no such metric") == nullptr);
    CHECK(!statistics.number("no such metric").has_value());
}

// By hand: two peaks, of 110 and 121.
TEST_CASE("a drawdown lasts from its peak to the day on which it is made up for", "[results]") {
    const std::vector<double> equity{100, 110, 99, 104.5, 110, 121, 60.5, 90};
    std::vector<Date> dates;
    for (std::int32_t day = 1; day < 8; ++day) {
        dates.push_back(Date{day});
    }
    const std::vector<DrawdownPeriod> all = drawdowns(equity, dates, 10);
    REQUIRE(all.size() == 2);
    CHECK(all[0].peak == Date{5});
    CHECK(all[0].trough == Date{6});
    CHECK(all[0].recovered == kNoDay);
    CHECK(all[0].depth == -0.5);
    CHECK(all[0].days == 2);
    CHECK(all[1].peak == Date{1});
    CHECK(all[1].trough == Date{2});
    CHECK(all[1].recovered == Date{4});
    CHECK(is_close(all[1].depth, -0.1));
    CHECK(all[1].days == 3);
    CHECK(drawdowns(equity, dates, 1).size() == 1);
    CHECK(drawdowns(equity, dates, 0).empty());
    CHECK(drawdowns({}, {}, 3).empty());
    // Nothing falls from zero or below.
    CHECK(drawdowns(std::vector<double>{-5, -10, 0}, std::span(dates).first(2), 3).empty());
    // From the start, and on the last day alone.
    const std::vector<DrawdownPeriod> first =
        drawdowns(std::vector<double>{100, 90, 100}, std::span(dates).first(2), 3);
    REQUIRE(first.size() == 1);
    CHECK(first[0].peak == Date{1});
    CHECK(first[0].recovered == Date{2});
    CHECK(first[0].days == 2);
    CHECK(drawdowns(std::vector<double>{100, 110, 99}, std::span(dates).first(2), 3).at(0).days == 1);
}

TEST_CASE("equity at or below zero leaves no returns to speak of", "[results]") {
    const Statistics ruined = statistics_of(days_of({100, 90, 0, 50, 60}));
    for (const char* id :
         {"sharpe", "annual_return", "cagr", "worst_day", "var_95", "ulcer_index", "calmar", "best_month"}) {
        CAPTURE(id);
        CHECK(!ruined.number(id).has_value());
    }
    CHECK(ruined.number("net_return") == -0.4);
    CHECK(ruined.number("max_drawdown") == -1.0);
    // On the last day it is a return like others, but nothing that can be compounded.
    const Statistics last = statistics_of(days_of({100, 90, 0}));
    CHECK(last.number("worst_day") == -1.0);
    CHECK(last.number("sharpe").has_value());
    CHECK(!last.number("annual_return").has_value());
    CHECK(!last.number("sharpe_geometric").has_value());
    // Nothing to begin with.
    const Statistics nothing = statistics_of(days_of({0, 10, 20}));
    CHECK(!nothing.number("net_return").has_value());
    CHECK(!nothing.number("max_drawdown").has_value());
    CHECK(nothing.number("net_profit") == 20.0);
    CHECK(!statistics_of(days_of({-5, 10, 20})).number("gross_return").has_value());
}

TEST_CASE("what is too large for a number is not said", "[results]") {
    const Statistics huge = statistics_of(days_of({1, 1'000'000}));  // 1e6 to the power of 252
    CHECK(huge.number("net_return") == 999'999.0);
    CHECK(!huge.number("annual_return").has_value());
    CHECK(!huge.number("cagr").has_value());
}

TEST_CASE("a run that is its own benchmark has no tracking error", "[results]") {
    StatisticsInput in = series("rising");
    for (std::size_t i = 0; i < in.equity.size(); ++i) {
        in.benchmark[i] = static_cast<double>(in.equity[i].raw) / 1e8;
    }
    const Statistics own = statistics_of(in);
    CHECK(!own.number("tracking_error").has_value());
    CHECK(!own.number("information_ratio").has_value());
    CHECK(is_close(own.number("beta").value(), 1));
    CHECK(is_close(own.number("correlation").value(), 1));
    CHECK(is_close(own.number("alpha").value(), 0));
    CHECK(own.number("excess_return") == 0.0);
    // A benchmark that is worth nothing is no benchmark.
    in.benchmark[3] = 0;
    CHECK(!statistics_of(in).number("beta").has_value());
    CHECK(!statistics_of(in).number("benchmark_sharpe").has_value());
}

TEST_CASE("a steady rise has no deviation", "[results]") {
    // 1% a day to the last unit of 1e-8 that there is: what is left is rounding.
    StatisticsInput in;
    in.initial = money_of(100'000'000);
    Int128 equity = in.initial.raw;
    for (std::int32_t day = 0; day < 6; ++day) {
        equity = equity / 100 * 101;
        in.days.push_back(Date{18'632 + day});
        in.equity.push_back(Money{equity});
    }
    const Statistics steady = statistics_of(in);
    CHECK(is_close(steady.number("average_day").value(), 0.01));
    for (const char* id :
         {"annual_volatility", "sharpe", "sharpe_geometric", "sortino", "skew", "kurtosis", "var_95_parametric"}) {
        CAPTURE(id);
        CHECK(!steady.number(id).has_value());
    }
}

TEST_CASE("the deflated Sharpe ratio needs to know of the trials", "[results]") {
    StatisticsInput in = series("rising");
    const double probable = statistics_of(in).number("probabilistic_sharpe").value();
    in.trials = 1;
    in.trial_sharpe_variance.reset();
    CHECK(statistics_of(in).number("deflated_sharpe") == probable);
    in.trials = 2;
    CHECK(!statistics_of(in).number("deflated_sharpe").has_value());
    in.trial_sharpe_variance = 0.0001;
    const double two = statistics_of(in).number("deflated_sharpe").value();
    CHECK(two < probable);
    in.trials = 2000;
    CHECK(statistics_of(in).number("deflated_sharpe").value() < two);
    in.trials.reset();
    CHECK(!statistics_of(in).number("deflated_sharpe").has_value());
}

TEST_CASE("metrics of any run keep what they promise", "[results]") {
    Lcg lcg(99);
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        const StatisticsInput in = make(random_row(lcg, seed));
        const Statistics statistics = statistics_of(in);
        for (const Metric& metric : statistics.metrics) {
            const auto* number = std::get_if<double>(&metric.value);
            CAPTURE(metric.id);
            CHECK((number == nullptr || std::isfinite(*number)));
        }
        const double depth = statistics.number("max_drawdown").value();
        CHECK(depth <= 0);
        CHECK(depth >= -1);
        CHECK(statistics.number("end_drawdown").value() >= depth);
        CHECK(statistics.number("average_drawdown").value_or(0) >= depth);
        CHECK(statistics.number("max_drawdown_days").value_or(1) >=
              statistics.number("drawdown_recovery_days").value_or(0));
        CHECK(statistics.number("worst_day").value() <= statistics.number("var_99").value());
        CHECK(statistics.number("var_99").value() <= statistics.number("var_95").value());
        CHECK(statistics.number("cvar_95").value() <= statistics.number("var_95").value());

        // Money of another size: ratios stay.
        StatisticsInput tenfold = in;
        const auto scale = [](Money& amount) { amount.raw *= 10; };
        for (Money* amount : {&tenfold.initial, &tenfold.charges, &tenfold.traded}) {
            scale(*amount);
        }
        std::ranges::for_each(tenfold.equity, scale);
        for (double& value : tenfold.benchmark) {
            value *= 10;
        }
        for (TradeFact& trade : tenfold.trades) {
            for (Money* amount : {&trade.gross, &trade.net, &trade.entry_notional, &trade.best, &trade.worst}) {
                scale(*amount);
            }
        }
        const Statistics scaled = statistics_of(tenfold);
        for (std::size_t i = 0; i < scaled.metrics.size(); ++i) {
            const Metric& before = statistics.metrics[i];
            const Metric& after = scaled.metrics[i];
            CAPTURE(before.id, text_of(before.value), text_of(after.value));
            if (const auto* amount = std::get_if<Money>(&before.value)) {
                // A mean is rounded once: to half a unit before it is ten times as much.
                CHECK(abs(std::get<Money>(after.value) - Money{amount->raw * 10}).raw <= 5);
            } else if (const auto* number = std::get_if<double>(&before.value)) {
                CHECK(is_close(std::get<double>(after.value), *number));
            } else {
                CHECK(before.value == after.value);
            }
        }

        // What was lost is won.
        StatisticsInput turned = in;
        for (TradeFact& trade : turned.trades) {
            trade.net = -trade.net;
        }
        const Statistics other = statistics_of(turned);
        CHECK(other.find("winning_trades")->value == statistics.find("losing_trades")->value);
        CHECK(other.find("longest_losses")->value == statistics.find("longest_wins")->value);
        CHECK(other.number("total_win").value() == -statistics.number("total_loss").value());
        CHECK(other.number("average_loss").value_or(0) == -statistics.number("average_win").value_or(0));
        CHECK(other.number("largest_win").value_or(0) == -statistics.number("largest_loss").value_or(0));

        if (const auto factor = statistics.number("profit_factor"); factor && statistics.number("payoff")) {
            const double wins = statistics.number("winning_trades").value();
            const double losses = statistics.number("losing_trades").value();
            CHECK(is_close(*factor, *statistics.number("payoff") * wins / losses));
        }
        CHECK(statistics.number("long_trades").value() + statistics.number("short_trades").value() ==
              statistics.number("trades").value());
        CHECK(std::get<Money>(statistics.find("total_win")->value) +
                  std::get<Money>(statistics.find("total_loss")->value) ==
              std::get<Money>(statistics.find("trade_profit")->value));
    }
}

TEST_CASE("sums keep what a plain sum loses", "[results]") {
    CHECK(sum_of(std::vector<double>{1, 1e100, 1, -1e100}) == 2);
    CHECK(sum_of({}) == 0);
    CHECK(!mean_of({}).has_value());
    CHECK(quantile_of(std::vector<double>{1, 2, 4}, 0.75) == 3.0);
    CHECK(quantile_of(std::vector<double>{1, 2, 4}, 1) == 4.0);
    CHECK(!quantile_of({}, 0.5).has_value());
}

TEST_CASE("the normal distribution's quantiles are scipy's", "[results]") {
    const Row normal = expected().at("normal");
    for (const auto& [share, wanted] : normal) {
        CAPTURE(share, wanted);
        const double value = normal_quantile(std::stod(share));
        CHECK(is_close(value, std::stod(wanted)));
        CHECK(std::abs(normal_below(value) - std::stod(share)) <= 1e-13 * std::stod(share) * (1 + value * value));
    }
}

// After a change of the table: test_results "[write-reference]", then commit the page with it.
TEST_CASE("writes docs/reference-statistics.md", "[.][write-reference]") {
    const std::string page = page_of(read_text(kPage));
    std::ofstream(kPage) << page;
    CHECK(read_text(kPage) == page);
}

TEST_CASE("the reference page tells other metrics than there are", "[results]") {
    const std::string page = read_text(kPage);
    const bool equal = page == page_of(page);
    INFO("Run test_results \"[write-reference]\" and commit docs/reference-statistics.md.");
    CHECK(equal);
}
