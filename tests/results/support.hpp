#pragma once
/// The series of tests/results/series.csv, made as tests/results/oracle.py makes them, and what it said of them.

#include "results/statistics.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace alpha::results_test {

/// Knuth's MMIX generator, its upper 31 bits.
class Lcg {
public:
    explicit Lcg(std::uint64_t seed) : state_(seed) {}
    std::int64_t next() {
        state_ = state_ * 6364136223846793005U + 1442695040888963407U;
        return static_cast<std::int64_t>(state_ >> 33U);
    }

private:
    std::uint64_t state_;
};

inline std::string folder() {
    return std::string(ALPHA_SOURCE_DIR) + "/tests/results/";
}

using Row = std::map<std::string, std::string>;

/// Of a file without quotes whose first line that is no comment names the columns.
inline std::vector<Row> read_rows(const std::string& path) {
    std::ifstream file(path);
    REQUIRE(file);
    std::vector<std::string> names;
    std::vector<Row> rows;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#')) {
            continue;
        }
        std::vector<std::string> cells;
        std::istringstream in(line);
        for (std::string cell; std::getline(in, cell, ',');) {
            cells.push_back(cell);
        }
        if (names.empty()) {
            names = cells;
            continue;
        }
        cells.resize(names.size());
        Row& row = rows.emplace_back();
        for (std::size_t i = 0; i < names.size(); ++i) {
            row[names[i]] = cells[i];
        }
    }
    return rows;
}

/// What the oracle said, by series and metric; empty: it cannot be said.
inline std::map<std::string, Row> expected() {
    std::map<std::string, Row> all;
    for (const Row& row : read_rows(folder() + "expected_statistics.csv")) {
        all[row.at("series")][row.at("metric")] = row.at("value");
    }
    return all;
}

/// One in a thousand million, or nothing that is seen near zero.
inline bool is_close(double value, double wanted) {
    return std::abs(value - wanted) <= std::max(1e-12, 1e-9 * std::abs(wanted));
}

inline StatisticsInput make(const Row& row) {
    const auto number = [&](const char* key) { return static_cast<std::int64_t>(std::stoll(row.at(key))); };
    constexpr std::int64_t kFirstDay = 18'632;  // 2021-01-05, a Tuesday
    Lcg lcg(static_cast<std::uint64_t>(number("seed")));
    const auto move = [&](Int128 what, std::int64_t drift, std::int64_t spread) {
        return what * (1'000'000 + drift + lcg.next() % (2 * spread + 1) - spread) / 1'000'000;
    };
    StatisticsInput in;
    in.initial = money_of(1'000'000);
    std::int64_t date = kFirstDay;
    Int128 own = in.initial.raw;
    Int128 other = in.initial.raw;
    const std::int64_t ruin_day = number("ruin_day");
    for (std::int64_t i = 0; i < number("days"); ++i) {
        in.days.push_back(Date{static_cast<std::int32_t>(date)});
        ++date;
        while ((date + 3) % 7 >= 5) {  // 1970-01-01 was a Thursday
            ++date;
        }
        own = move(own, number("drift_ppm"), number("spread_ppm"));
        if (ruin_day >= 0 && i >= ruin_day) {
            own = money_of((i - ruin_day - 3) * 10'000).raw;
        }
        in.equity.push_back(Money{own});
        in.exposure.push_back(static_cast<double>(lcg.next() % 2001) / 1000);
        other = move(other, number("benchmark_drift_ppm"), number("benchmark_spread_ppm"));
        in.benchmark.push_back(static_cast<double>(other) / 1e8);
    }
    if (number("has_benchmark") == 0) {
        in.benchmark.clear();
    }
    for (std::int64_t i = 0; i < number("trades"); ++i) {
        TradeFact trade;
        const std::int64_t spread = number("trade_spread_ppm");
        trade.entry_notional = money_of(10'000 + lcg.next() % 90'000);
        trade.net = Money{trade.entry_notional.raw / 1'000'000 *
                          (number("trade_drift_ppm") + lcg.next() % (2 * spread + 1) - spread)};
        trade.gross = trade.net + Money{trade.entry_notional.raw / 10'000};
        trade.best = std::max(trade.gross, Money{}) + money_of(lcg.next() % 500);
        trade.worst = std::min(trade.gross, Money{}) - money_of(lcg.next() % 500);
        trade.held = Duration{(60 + lcg.next() % 259'200) * kSecondNs};
        trade.is_long = lcg.next() % 3 != 0;
        trade.is_open = i >= number("trades") - number("open_trades");
        in.charges += trade.gross - trade.net;
        in.traded += trade.entry_notional + trade.entry_notional;
        in.trades.push_back(trade);
    }
    if (!in.days.empty()) {
        in.lasted = Duration{(in.days.back().days - in.days.front().days) * kDayNs + 22'500 * kSecondNs};
        in.held = Duration{in.lasted.ns / 16 * 7};
    }
    if (number("trials") > 0) {
        in.trials = static_cast<std::uint64_t>(number("trials"));
        in.trial_sharpe_variance = static_cast<double>(number("trial_variance_ppm")) / 1e6;
    }
    return in;
}

inline StatisticsInput series(const std::string& name) {
    for (const Row& row : read_rows(folder() + "series.csv")) {
        if (row.at("name") == name) {
            return make(row);
        }
    }
    FAIL("tests/results/series.csv has no series " << name);
    return {};
}

}  // namespace alpha::results_test
