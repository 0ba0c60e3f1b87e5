#pragma once
/// What a strategy is and what it may see and ask. Callbacks get the market, timers, orders and fills in log order; requests
/// go through Context and are judged one by one after the callback returns, so a strategy never sees a half-done step.
///
/// Determinism is the strategy's side of the bargain: no clock (use View::now), no randomness, no I/O, no iteration over
/// unordered containers. IEEE doubles are fine for signals; prices are exact doubles by to_double below.

#include "events/venue.hpp"
#include "kernel/state.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>

namespace alpha {

/// The price as the double nearest to its decimal. By division: raw / 1e8 is correctly rounded, raw * 1e-8 is not.
inline double to_double(Price price) {            // determinism-ok: strategies may compute in IEEE doubles
    return static_cast<double>(price.raw) / 1e8;  // determinism-ok: strategies may compute in IEEE doubles
}

/// Read-only eyes on the state, from one strategy's portfolio.
class View {
public:
    View(const State& state, StrategyId strategy) : state_(&state), strategy_(strategy) {}

    Time now() const { return state_->now; }
    bool is_listed(InstrumentId id) const { return id.value < state_->instruments.size(); }
    const Instrument& instrument(InstrumentId id) const { return state_->instruments[id.value]; }
    const Market& market(InstrumentId id) const { return state_->markets[id.value]; }
    const Portfolio& portfolio() const { return state_->portfolios[config().portfolio.value]; }
    /// Shared with the other strategies of the same portfolio.
    const Position& position(InstrumentId id) const { return portfolio().position(id); }
    Valuation valuation() const { return value(*state_, portfolio()); }
    const StrategyConfig& config() const { return state_->config.strategies[strategy_.value]; }
    /// Null when the order is neither open nor lately closed.
    const Order* order(OrderId id) const { return state_->find_order(id); }

private:
    const State* state_;
    StrategyId strategy_;
};

/// What became of one of the strategy's own orders. For refusals, `rule` says why; the log has limit and observed value.
struct OrderUpdate {
    OrderId order;
    OrderStatus status = OrderStatus::intended;
    Rule rule = Rule::none;
    bool change_failed = false;  ///< a cancel or modify was refused or rejected; the order stands
};

/// The requests a strategy may utter. Each becomes a fact: intended, refused, set.
class Context {
public:
    virtual ~Context() = default;
    virtual const View& view() const = 0;

    /// Returns the id the order will have, whether it passes the rules or not; on_order tells which.
    virtual OrderId place(const OrderTerms& terms) = 0;
    /// Orders that links bind, all or none of them (Rule::links): in one instrument, at most limits::kMaxLegs. `parent` and
    /// `group` are positions in `orders`, from 1: a parent stands before its exits, which are of the other side and reduce only;
    /// the legs of a group stand side by side and name the first of them. Returns the first one's id; the others follow.
    virtual OrderId place_linked(std::span<const OrderTerms> orders) = 0;
    virtual void cancel(OrderId order) = 0;
    /// `quantity` is the new total, fills included.
    virtual void modify(OrderId order, Qty quantity, Price limit_price, Price stop_price) = 0;
    /// Calls on_timer at `due`, at the earliest limits::kMinTimerDelayNs from now. Setting a pending timer moves it.
    virtual void set_timer(TimerId timer, Time due) = 0;
    virtual void cancel_timer(TimerId timer) = 0;
    virtual void signal(InstrumentId instrument, Direction direction) = 0;

    /// Limit and stop orders are DAY orders unless they say otherwise: they end with their session. Made while the market is shut,
    /// or on the bar that closes with the session, they belong to the next one. What is to protect a position overnight is gtc.
    OrderId market(InstrumentId instrument, Side side, Qty quantity, TimeInForce tif = TimeInForce::gtc) {
        return place({instrument, side, OrderType::market, tif, quantity, {}, {}});
    }
    OrderId limit(InstrumentId instrument, Side side, Qty quantity, Price price, TimeInForce tif = TimeInForce::day) {
        return place({instrument, side, OrderType::limit, tif, quantity, price, {}});
    }
    OrderId stop(InstrumentId instrument, Side side, Qty quantity, Price stop, TimeInForce tif = TimeInForce::day) {
        return place({instrument, side, OrderType::stop, tif, quantity, {}, stop});
    }
    OrderId stop_limit(InstrumentId instrument, Side side, Qty quantity, Price stop, Price limit,
                       TimeInForce tif = TimeInForce::day) {
        return place({instrument, side, OrderType::stop_limit, tif, quantity, limit, stop});
    }

    struct Bracket {
        OrderId entry;
        OrderId stop;
        OrderId target;
    };
    /// An entry with a stop that limits its loss and a target that takes its profit. Both come alive with its fills, for what
    /// has filled; one cancels the other. They last until they fill or are cancelled.
    Bracket bracket(const OrderTerms& entry, Price stop, Price target) {
        OrderTerms exit = entry;
        exit.side = opposite(entry.side);
        exit.tif = TimeInForce::gtc;
        exit.reduce_only = true;
        exit.parent = OrderId{1};
        exit.group = OrderId{2};
        std::array<OrderTerms, 3> orders{entry, exit, exit};
        orders[1].type = OrderType::stop;
        orders[1].limit_price = Price{};
        orders[1].stop_price = stop;
        orders[2].type = OrderType::limit;
        orders[2].limit_price = target;
        orders[2].stop_price = Price{};
        const OrderId first = place_linked(orders);
        return {first, OrderId{first.value + 1}, OrderId{first.value + 2}};
    }
    /// Two orders of which one cancels the other. Returns the first one's id; the other follows.
    OrderId one_cancels_other(const OrderTerms& one, const OrderTerms& other) {
        std::array<OrderTerms, 2> orders{one, other};
        orders[0].group = orders[1].group = OrderId{1};
        return place_linked(orders);
    }
};

/// A trading rule. Override what you need; every callback runs on the kernel's thread.
class Strategy {
public:
    virtual ~Strategy() = default;

    virtual void on_quote(const QuoteTick&, Context&) {}
    virtual void on_trade(const TradeTick&, Context&) {}
    virtual void on_bar_opened(const BarOpened&, Context&) {}
    virtual void on_bar(const BarClosed&, Context&) {}
    virtual void on_timer(TimerId, Context&) {}
    virtual void on_order(const OrderUpdate&, Context&) {}
    virtual void on_fill(const OrderFilled&, Context&) {}
    /// A share of its instruments is another from here on, and positions, orders and marks are: what it remembers of prices is of the share
    /// before. Prices, quantities and volumes that follow are as they are traded, never adjusted.
    virtual void on_corporate_action(const CorporateAction&, Context&) {}

    /// The state that future decisions depend on, in canonical bytes; empty where there is none. `load` gets what `save`
    /// wrote and refuses anything else.
    virtual void save(ByteBuffer&) const {}
    virtual Result<void> load(Bytes) { return {}; }
};

}  // namespace alpha
