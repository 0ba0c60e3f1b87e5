#pragma once
/// Results made up by a small generator, so that a report of them is the same everywhere. Trades add up: the equity at the end is what it began with
/// and the net of all of them; costs lead to that net.

#include "results/results.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace alpha {

/// What a name could try: markup, quotes, an entity, a control character, text turned around, and what is no UTF-8.
inline constexpr const char* kHostileName =
    "</title><script>alert('x')</script>\" onload=\"y\" &amp; \x01\x1b[31m\u202E \xff]]> 'q' ";

struct SampleShape {
    std::size_t days = 420;
    std::size_t trades = 150;
    std::int64_t edge_paise = 260;    ///< what each trade gains a share on average, beside chance
    std::int64_t luck_paise = 2'400;  ///< the most that chance adds or takes a share
    bool has_benchmark = true;
    bool has_open = true;
    std::string prefix{};  ///< of every name
};

class SampleMaker {
public:
    explicit SampleMaker(SampleShape shape) : shape_(std::move(shape)) {}

    Results make() {
        set_up();
        walk_prices();
        trade();
        sum_up();
        return std::move(r_);
    }

private:
    static constexpr std::int64_t kPaisa = kScale / 100;
    static constexpr std::size_t kBandsADay = 3;
    static constexpr std::int32_t kIndia = 19'800;
    static constexpr Date kMonday{19'359};  // 2023-01-02

    /// Numerical Recipes' generator of 64 bits, its upper half.
    std::int64_t chance(std::int64_t low, std::int64_t high) {
        seed_ = seed_ * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
        return low + static_cast<std::int64_t>((seed_ >> 33U) % static_cast<std::uint64_t>(high - low + 1));
    }
    static Money paise(std::int64_t amount) { return Money{Int128{amount} * kPaisa}; }
    static Date day(std::size_t i) { return Date{kMonday.days + static_cast<std::int32_t>(i / 5 * 7 + i % 5)}; }
    static Time at(std::size_t i, std::int64_t minute) {
        return TradingHours{kIndia, 0, 86'400}.midnight(day(i)) + Duration{minute * 60 * kSecondNs};
    }

    void set_up() {
        r_.scenario = shape_.prefix + "breakout";
        r_.currency = "INR";
        r_.config.name = r_.scenario;
        r_.config.currency = "INR";
        r_.log_head = "9c1e5ab0d3f6472185b2c4e6f8091a3b5c7d9e1f20314253647586978a9bacbd";
        r_.state_digest = "1f2e3d4c5b6a79880716253443526170a1b2c3d4e5f60718293a4b5c6d7e8f90";
        r_.journal = "runs/" + shape_.prefix + "breakout";
        r_.portfolios = {shape_.prefix + "main"};
        r_.strategies = {shape_.prefix + "breakout", shape_.prefix + "reversal"};
        r_.instruments = {shape_.prefix + "NSE:ALPHA", shape_.prefix + "NSE:BETA", shape_.prefix + "NSE:GAMMA"};
        r_.multipliers = {1, 1, 1};
        r_.utc_offsets_s = {kIndia, kIndia, kIndia};
        r_.initial_cash = paise(100'000'000);
        r_.bars = shape_.days * 375 * 3;
        r_.first = at(0, 555);
        r_.last = at(std::max<std::size_t>(shape_.days, 1) - 1, 930);
        if (shape_.has_benchmark) {
            r_.benchmark_name = shape_.prefix + "NSE:INDEX";
        }
    }

    void walk_prices() {
        for (std::uint32_t i = 0; i < 3; ++i) {
            TradedInstrument traded;
            traded.id = InstrumentId{i};
            traded.name = r_.instruments[i];
            std::int64_t price = std::array<std::int64_t, 3>{152'340, 48'215, 310'905}[i];
            const std::int64_t step = price / 110;
            for (std::size_t d = 0; d < shape_.days; ++d) {
                for (std::size_t b = 0; b < kBandsADay; ++b) {
                    const std::int64_t open = price;
                    price = std::max<std::int64_t>(step, price + chance(-step, step) + step / 28);
                    const std::int64_t high = std::max(open, price) + chance(0, step / 2);
                    const std::int64_t low = std::min(open, price) - chance(0, step / 2);
                    const auto minute = static_cast<std::int64_t>(555 + b * 125);
                    traded.prices.push_back(
                        {at(d, minute), at(d, minute + 124), rupees(open), rupees(low), rupees(high), rupees(price)});
                }
            }
            if (!traded.prices.empty()) {
                traded.first = Price{std::int64_t{152'340} * kPaisa};
                traded.last = Price{price * kPaisa};
            }
            prices_.push_back(traded.prices);
            if (shape_.trades > i) {
                r_.traded.push_back(std::move(traded));
            }
        }
        double index = 1'000'000;
        for (std::size_t d = 0; d < shape_.days && shape_.has_benchmark; ++d) {
            index *= 1 + static_cast<double>(chance(-950, 1'030)) / 1e5;
            r_.benchmark.push_back(index);
        }
    }
    static double rupees(std::int64_t amount) { return static_cast<double>(amount) / 100; }

    void trade() {
        std::vector<Trade> trades;
        for (std::size_t i = 0; i < shape_.trades; ++i) {
            const auto which = static_cast<std::uint32_t>(
                i < 3 ? i
                      : static_cast<std::size_t>(std::array{0, 0, 0, 1, 1, 2}[static_cast<std::size_t>(chance(0, 5))]));
            const std::size_t from = i * shape_.days / shape_.trades;
            const std::size_t to = std::min(shape_.days - 1, from + static_cast<std::size_t>(chance(0, 4)));
            const auto band = static_cast<std::size_t>(chance(0, kBandsADay - 1));
            Trade trade;
            trade.instrument = InstrumentId{which};
            trade.strategy = StrategyId{chance(0, 2) == 0 ? 1U : 0U};
            trade.product = from == to ? Product::mis : Product::cnc;
            trade.side = chance(0, 3) == 0 ? Side::sell : Side::buy;
            trade.fills = static_cast<std::uint32_t>(chance(2, 4));
            const std::int64_t price = static_cast<std::int64_t>(prices_[which][from * kBandsADay + band].close * 100);
            const std::int64_t quantity = 60'000'000 / price + 1;
            const std::int64_t moved = shape_.edge_paise + chance(-shape_.luck_paise, shape_.luck_paise);
            const std::int64_t left = std::max<std::int64_t>(1, price + (trade.side == Side::buy ? moved : -moved));
            const std::int64_t gained = trade.side == Side::buy ? left - price : price - left;
            trade.quantity = Qty{quantity * kScale};
            const std::int64_t minute = chance(556, 640) + static_cast<std::int64_t>(band) * 120;
            trade.entry = {at(from, minute),
                           day(from),
                           1'000 + i * 40,
                           OrderId{2 * i + 1},
                           Price{price * kPaisa},
                           paise(price * quantity),
                           shape_.prefix + (trade.strategy.value == 0 ? "breakout" : "reversal")};
            trade.exit = {at(to, std::min<std::int64_t>(929, minute + chance(3, 200))),
                          day(to),
                          1'020 + i * 40,
                          OrderId{2 * i + 2},
                          Price{left * kPaisa},
                          paise(left * quantity),
                          shape_.prefix + (gained < 0          ? "stop"
                                           : chance(0, 3) == 0 ? "end of day"
                                                               : "target")};
            trade.end = TradeEnd::fill;
            trade.gross = paise(gained * quantity);
            charge(trade, price * quantity, left * quantity);
            trade.best = paise(std::max<std::int64_t>(0, gained) * quantity + chance(0, 350) * quantity);
            trade.worst = paise(std::min<std::int64_t>(0, gained) * quantity - chance(0, 350) * quantity);
            trades.push_back(trade);
        }
        if (shape_.has_open && !trades.empty()) {
            trades.back().end = TradeEnd::open;
            trades.back().exit = {r_.last,    day(shape_.days - 1),     kNoSeq,
                                  OrderId{0}, trades.back().exit.price, trades.back().exit.notional,
                                  {}};
        }
        std::ranges::stable_sort(trades, [](const Trade& a, const Trade& b) {
            return std::pair(a.is_open(), a.exit.time) < std::pair(b.is_open(), b.exit.time);
        });
        r_.rounds = trades;
        r_.lots = std::move(trades);
    }

    /// Twenty rupees an order, 0.025% on sales and 0.00345% on both, 18% of the first and the last.
    void charge(Trade& trade, std::int64_t bought, std::int64_t sold) {
        const std::int64_t brokerage = 4'000;
        const std::int64_t stt = sold * 25 / 100'000;
        const std::int64_t exchange = (bought + sold) * 345 / 10'000'000;
        const std::int64_t gst = (brokerage + exchange) * 18 / 100;
        trade.charges = paise(brokerage + stt + exchange + gst);
        lines_["1brokerage"] += brokerage;
        lines_["2stt"] += stt;
        lines_["3exchange"] += exchange;
        lines_["4gst"] += gst;
        slippage_ += (bought + sold) * 2 / 10'000;
    }

    void sum_up() {
        StatisticsInput input;
        input.initial = r_.initial_cash;
        Money equity = r_.initial_cash;
        std::map<Date, Money> by_day;
        Money gross;
        for (const Trade& trade : r_.rounds) {
            by_day[trade.exit.date] += trade.net();
            gross += trade.gross;
            r_.charges += trade.charges;
            (trade.is_open() ? r_.unrealized_pnl : r_.realized_pnl) += trade.gross;
            r_.fills += trade.fills;
            input.traded += trade.entry.notional + (trade.is_open() ? Money{} : trade.exit.notional);
            input.held.ns += trade.is_open() ? 0 : std::min(trade.held().ns, kDayNs / 4);
            input.trades.push_back({trade.gross, trade.net(), trade.entry.notional, trade.best, trade.worst,
                                    trade.held(), trade.is_open(), trade.side == Side::buy});
        }
        for (std::size_t d = 0; d < shape_.days; ++d) {
            const double before = static_cast<double>(equity.raw) / static_cast<double>(kScale);
            equity += by_day[day(d)];
            const double after = static_cast<double>(equity.raw) / static_cast<double>(kScale);
            r_.days.push_back({day(d), equity, static_cast<double>(chance(0, 60)) / 100});
            for (std::size_t b = 0; b < kBandsADay; ++b) {
                const auto minute = static_cast<std::int64_t>(555 + b * 125);
                const double close = before + (after - before) * static_cast<double>(b + 1) / kBandsADay;
                const double open = before + (after - before) * static_cast<double>(b) / kBandsADay;
                const auto spread = static_cast<double>(chance(0, 900));
                r_.equity_curve.push_back({at(d, minute), at(d, minute + 124), open, std::min(open, close) - spread,
                                           std::max(open, close) + spread, close});
            }
            input.days.push_back(day(d));
            input.equity.push_back(equity);
            input.exposure.push_back(r_.days.back().exposure);
        }
        input.held.ns = std::min(input.held.ns, (r_.last - r_.first).ns / 5 * 4);
        r_.equity = equity;
        r_.orders = r_.rounds.size() * 2 + 6;
        r_.refused = r_.rounds.empty() ? 0 : 6;
        r_.events = 1'000 + r_.rounds.size() * 40 + shape_.days * 375;
        input.benchmark = r_.benchmark;
        input.charges = r_.charges;
        input.lasted = r_.last - r_.first;
        if (shape_.trades > 50) {
            r_.trials = Trials{"breakout on " + r_.instruments[0], "ab12cd34ef567890", 12, true, {}, 0.31};
            input.trials = 12;
            input.trial_sharpe_variance = 0.0009;
        }
        r_.statistics = statistics_of(input);
        if (r_.trials) {
            r_.trials->deflated_sharpe = r_.statistics.number("deflated_sharpe");
        }
        cost_up(gross);
        group_up();
        if (shape_.trades > 0) {
            divide(input);
            remark();
        }
    }

    void cost_up(Money gross) {
        r_.costs.push_back({"price", gross + paise(slippage_)});
        r_.costs.push_back({"slippage", -paise(slippage_)});
        for (const auto& [name, amount] : lines_) {
            r_.costs.push_back({name.substr(1), -paise(amount)});
        }
    }

    void group_up() {
        std::map<std::string, GroupRow> tags;
        std::map<std::string, GroupRow> instruments;
        std::map<std::string, GroupRow> exits;
        for (const char* const name : {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}) {
            r_.by_weekday.push_back({name, 0, 0, {}, {}});
        }
        for (int hour = 0; hour < 24; ++hour) {
            r_.by_hour.push_back({fmt::format("{:02}", hour), 0, 0, {}, {}});
        }
        for (const Trade& trade : r_.lots) {
            if (trade.is_open()) {
                continue;
            }
            const auto add = [&](GroupRow& row) {
                ++row.trades;
                row.wins += trade.net().raw > 0 ? 1U : 0U;
                row.gross += trade.gross;
                row.charges += trade.charges;
            };
            add(tags[trade.entry.tag]);
            add(instruments[r_.instruments[trade.instrument.value]]);
            add(exits[trade.exit.tag]);
            add(r_.by_weekday[static_cast<std::size_t>((trade.entry.date.days - kMonday.days) % 7)]);
            const Time midnight = TradingHours{kIndia, 0, 86'400}.midnight(trade.entry.date);
            add(r_.by_hour[static_cast<std::size_t>((trade.entry.time - midnight).ns / (3'600 * kSecondNs))]);
        }
        const auto take = [](std::map<std::string, GroupRow>& from, std::vector<GroupRow>& to) {
            for (auto& [name, row] : from) {
                row.name = name;
                to.push_back(row);
            }
        };
        take(tags, r_.by_tag);
        take(instruments, r_.by_instrument);
        take(exits, r_.by_exit);
    }

    void divide(const StatisticsInput& whole) {
        if (shape_.has_benchmark) {
            StatisticsInput input;
            input.initial = r_.initial_cash;
            input.days = whole.days;
            for (const double value : r_.benchmark) {
                input.equity.push_back(Money{static_cast<Int128>(value * static_cast<double>(kScale))});
            }
            input.lasted = whole.lasted;
            r_.sections.push_back({"benchmark", r_.benchmark_name, statistics_of(input)});
        }
        for (const TradedInstrument& traded : r_.traded) {
            StatisticsInput input;
            input.initial = r_.initial_cash;
            input.lasted = whole.lasted;
            for (std::size_t i = 0; i < r_.rounds.size(); ++i) {
                if (r_.rounds[i].instrument == traded.id) {
                    input.trades.push_back(whole.trades[i]);
                    input.charges += r_.rounds[i].charges;
                }
            }
            r_.sections.push_back({"instrument", traded.name, statistics_of(input)});
        }
    }

    void remark() {
        const std::string name = r_.instruments[0];
        r_.findings.push_back(
            {"missing_days", "doubtful", name, 3,
             "3 sessions of " + name +
                 " have no bars, the first on 2023-03-07: a holiday that no calendar knows, or missing data.",
             812});
        r_.findings.push_back(
            {"outlier", "serious", name, 1,
             "A bar of " + name + " closed 11.2% from the one before and came back: a bad tick, or thin trading.",
             90'331});
        r_.assumptions.push_back({"paper: fills at the touch",
                                  "Orders fill at once at the bid or ask that is shown, and with bars at the close "
                                  "that the strategy has just "
                                  "seen. A real order arrives later and meets the next price."});
        r_.assumptions.push_back({"no latency", "An order reaches the market in the instant it is decided on. "
                                                "Strategies that trade often are flattered by it."});
        r_.assumptions.push_back({"bars, not ticks", "Within a bar nobody knows whether the high or the low came "
                                                     "first; where both an exit at a loss and one at a profit could "
                                                     "have filled, the loss is taken."});
    }

    SampleShape shape_;
    Results r_;
    std::uint64_t seed_ = 20'260'128;
    std::vector<std::vector<Band>> prices_;
    std::map<std::string, std::int64_t> lines_;  // numbered, so that they come in the order of a contract note
    std::int64_t slippage_ = 0;
};

inline Results sample_results(SampleShape shape = {}) {
    return SampleMaker(std::move(shape)).make();
}

/// No trades, one day, no benchmark.
inline Results empty_results() {
    return sample_results({.days = 1, .trades = 0, .has_benchmark = false});
}

}  // namespace alpha
