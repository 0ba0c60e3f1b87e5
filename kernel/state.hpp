#pragma once
/// Everything the log folds into, and the fold itself. `apply` cannot fail and reads nothing but the state and the fact: a
/// fact that contradicts the state is our own mistake (or a forged log) and stops the process.

#include "events/event.hpp"
#include "events/limits.hpp"
#include "kernel/orders.hpp"
#include "kernel/portfolio.hpp"

#include <map>
#include <string>
#include <vector>

namespace alpha {

/// What is known of an instrument's market. Shared by all portfolios: positions are marked from here, never copied.
struct Market {
    Price mark;  ///< bars: the open, then the close; quotes: the mid of both sides; zero until seen
    Price bid;
    Price ask;
    Qty bid_qty;
    Qty ask_qty;
    Time updated = kBeforeAll;
    Date session_date{-1};         ///< the trading day of the last market input
    Time day_ends = kBeforeAll;    ///< local midnight after it: the first input at or after it opens a new session
    Time session_closes = kNever;  ///< when SessionClosed falls due; kNever once it was recorded
    friend bool operator==(const Market&, const Market&) = default;
};

struct PendingTimer {
    Time due;
    StrategyId strategy;
    TimerId timer;
    friend auto operator<=>(const PendingTimer&, const PendingTimer&) = default;
};

struct StrategyState {
    bool halted = false;
    friend bool operator==(const StrategyState&, const StrategyState&) = default;
};

struct State {
    SessionConfigured config;             ///< as event 0 gave it, or the last SessionReconfigured
    std::vector<Instrument> instruments;  ///< by id
    std::vector<Market> markets;          ///< by id
    std::vector<Portfolio> portfolios;    ///< by id
    std::vector<StrategyState> strategies;
    std::map<OrderId, Order> open_orders;
    std::map<OrderId, Order> closed_orders;
    std::vector<PendingTimer> timers;  ///< sorted
    Seq next_seq = 0;
    OrderId next_order{1};
    Time now = kBeforeAll;
    Date trading_date{-1};        ///< the latest session date of any instrument
    Time next_snapshot = kNever;  ///< the boundary at which P&L snapshots fall due
    std::uint64_t quotes = 0;
    std::uint64_t bars = 0;
    std::uint64_t orders = 0;  ///< intended, refused ones not counted
    std::uint64_t fills = 0;
    friend bool operator==(const State&, const State&) = default;

    const Market& market(InstrumentId id) const { return markets[id.value]; }
    const Order* find_order(OrderId id) const;
};

/// Sums of one portfolio at the present marks. O(positions).
struct Valuation {
    Money cash;
    Money market_value;
    Money equity;
    Money realized_pnl;
    Money unrealized_pnl;
    Money charges;
    Money gross_exposure;
};
Valuation value(const State& state, const Portfolio& portfolio);
/// Just its equity: cash and what the positions are worth.
Money equity(const State& state, const Portfolio& portfolio);

/// Folds one fact. O(1) for market inputs; O(log open orders) for order facts.
template <class E>
void apply(State& state, const Envelope& envelope, const E& event);
void apply(State& state, const Envelope& envelope, const Event& event);

/// Panics unless the books balance: see kernel/portfolio.hpp, and counts agree with what they count. For tests, and
/// for a live engine every so many events. O(everything).
void check_invariants(const State& state);

}  // namespace alpha
