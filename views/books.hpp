#pragma once
/// Books: what a state says of cash, positions, orders and profit, under the names of its configuration, and what a run that
/// folded it came to beside that. Everybody who is shown a book is shown one of these.

#include "events/event.hpp"
#include "kernel/state.hpp"
#include "views/feed_status.hpp"
#include "views/latency.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace alpha {

struct InstrumentResult {
    std::string instrument;
    Qty net;
    Price average;
    Price mark;
    Money realized_pnl;
    Money unrealized_pnl;
    Money charges;
    Money traded;
    std::uint64_t fills = 0;
};

struct PortfolioResult {
    std::string portfolio;
    std::string broker;  ///< that it belongs to; empty where several are and nobody trades it
    Money initial_cash;
    Money cash;
    Money equity;
    Money realized_pnl;
    Money unrealized_pnl;
    Money charges;
    bool killed = false;
    LatchScope latch = LatchScope::none;  ///< how far its kill switch reaches
    /// What it holds and has ordered beyond its buying power: a gap, or a loss. At the present marks or, of a run, the most that a fill
    /// for more than its order was judged at took it there. Zero: it is within.
    Money beyond_power;
    std::uint64_t fills = 0;
    std::vector<InstrumentResult> instruments;  ///< those ever traded, by id
};

struct BrokerResult {
    std::string broker;
    std::string kind;
    std::vector<std::string> portfolios;  ///< that belong to it
};

struct StrategyResult {
    std::string strategy;
    std::string portfolio;
    std::uint64_t orders = 0;
    std::uint64_t refused = 0;
    std::uint64_t fills = 0;
    Money realized_pnl;  ///< of its own fills, gross
    Money charges;
    bool halted = false;
};

/// Account equity at the end of an instant, for sparklines: never feeds back into anything.
struct EquitySample {
    Time time;
    Money equity;
};

/// The account at the end of a trading day.
struct DayEquity {
    Date date;
    Money equity;
};

struct RunResult {
    std::string scenario;
    std::string currency;
    std::uint64_t events = 0;
    std::uint64_t ticks = 0;  ///< quotes, and trades of the market
    std::uint64_t bars = 0;
    std::uint64_t orders = 0;
    std::uint64_t refused = 0;
    std::map<Rule, std::uint64_t> refused_by;  ///< how many orders each rule refused
    std::uint64_t fills = 0;
    std::uint64_t open_orders = 0;
    Money initial_cash;
    Money cash;
    Money equity;
    Money realized_pnl;
    Money unrealized_pnl;
    Money charges;
    /// The deepest fall of the account's equity, relative to its peak: exact, over every mark and fill. Equal where there was none.
    Money drawdown_peak;
    Money drawdown_trough;
    Money lowest_cash;  ///< of any portfolio, after any fill of this run; zero where none was below
    Time first;
    Time last;
    std::vector<PortfolioResult> portfolios;
    std::vector<BrokerResult> brokers;
    std::vector<StrategyResult> strategies;
    std::vector<EquitySample> equity_curve;  ///< at most a few hundred points
    std::vector<DayEquity> day_equity;       ///< of the days since this process began
    std::string log_head;                    ///< hexadecimal
    std::string state_digest;
    std::string journal;  ///< where it was written
    bool interrupted = false;
    /// What is odd about the data, in the order in which it was seen: what the feed warned of, and at the end instruments of
    /// strategies that never appeared, or only as what the strategy does not trade on.
    std::vector<DataWarning> data_warnings;
    LatencyHistogram tick_latency;   ///< live: from a record received to all its consequences decided on and encoded
    LatencyHistogram order_latency;  ///< live: from a record received to an order handed to its broker
    /// Live, paced data: from a record due to all its consequences. More than tick_latency by how late the session saw it although it
    /// had nothing else to do: other programs, interrupts and hosts take the processor away.
    LatencyHistogram due_latency;
};

/// A fill as a CSV or a program wants it.
struct FillRow {
    Time time;
    std::string instrument;
    Side side = Side::buy;
    Qty quantity;
    Price price;
    OrderId order;
    std::string strategy;  ///< "operator": a person's order, or the broker's
    std::string portfolio;
    Product product = Product::none;
    Money notional;
    Money charges;
    Money realized_pnl;  ///< gross
    std::string tag;
};

/// One rule of one portfolio: how much of it is used. Units as in kernel/risk.hpp.
struct RiskHeadroom {
    std::string portfolio;
    Rule rule = Rule::none;
    Decimal limit;
    Decimal used;
    Decimal room;  ///< limit - used; below zero: past it
};

/// What whoever ran it knows of a run beside its result. None of it is in the log: it differs from machine to machine.
struct RunFacts {
    std::string command;  ///< what repeats it, e.g. "alpha backtest scenarios/demo.yaml"
    std::string journal;
    std::string fills_file;  ///< empty: none was written; as are the next two
    std::string trades_file;
    std::string report_file;
    double wall_s = 0;
    double peak_rss_mb = 0;
};
/// Zero where no time has passed.
double events_per_s(const RunResult& result, const RunFacts& facts);

/// How much of each rule's limit is used, of every portfolio that trades: position (the largest), gross exposure, open orders,
/// daily loss. O(positions).
std::vector<RiskHeadroom> risk_headroom(const State& state);

/// Everything of a RunResult that a state tells: counts, sums, portfolios, and which strategies are halted, under the names of its
/// configuration. O(positions).
RunResult books_of(const State& state);

/// The names of the strategies that are halted.
std::vector<std::string> halted_of(const RunResult& books);

}  // namespace alpha
