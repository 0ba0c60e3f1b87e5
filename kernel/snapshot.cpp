#include "kernel/snapshot.hpp"

#include "events/archive.hpp"

namespace alpha {

constexpr bool is_valid(OrderStatus v) {
    return v >= OrderStatus::intended && v <= OrderStatus::expired;
}

template <class Ar>
void serialize(Ar& ar, Market& m) {
    ar(m.mark, m.bid, m.ask, m.bid_qty, m.ask_qty, m.updated, m.session_date, m.day_ends, m.session_closes);
}
template <class Ar>
void serialize(Ar& ar, Position& p) {
    ar(p.net, p.cost, p.realized_pnl, p.charges, p.traded, p.open_buys, p.open_sells, p.fills);
}
template <class Ar>
void serialize(Ar& ar, Portfolio& p) {
    ar(p.is_open, p.initial_cash, p.cash, p.realized_pnl, p.charges, p.day_start_equity, p.killed, p.killed_by,
       p.open_orders, p.fills);
    ar(p.positions, p.recent_orders);
}
template <class Ar>
void serialize(Ar& ar, Order& o) {
    ar(o.id, o.strategy, o.portfolio, o.broker);
    o.terms.serialize(ar);
    ar(o.good_until, o.status, o.filled, o.asked, o.triggered, o.cancel_pending, o.modify_pending, o.intent,
       o.correlation);
    ar(o.broker_order, o.trades);
}
template <class Ar>
void serialize(Ar& ar, PendingTimer& t) {
    ar(t.due, t.strategy, t.timer);
}
template <class Ar>
void serialize(Ar& ar, StrategyState& s) {
    ar(s.halted);
}

namespace {

void save_orders(OutCursor& ar, const std::map<OrderId, Order>& orders) {
    ar.count(orders.size());
    for (const auto& [id, order] : orders) {
        ar(order);
    }
}

void load_orders(InCursor& ar, std::map<OrderId, Order>& orders) {
    for (std::size_t n = ar.count(1); n > 0 && ar.ok(); --n) {
        Order order;
        ar(order);
        const bool in_order = orders.empty() || orders.rbegin()->first < order.id;
        if (!in_order) {  // sorted and unique, or it is not what save_state writes
            ar.fail();
        }
        orders.emplace_hint(orders.end(), order.id, std::move(order));
    }
}

/// Everything but the two order books, in both directions.
template <class Ar>
void flat_fields(Ar& ar, State& s) {
    ar(s.config);
    ar(s.instruments, s.markets, s.portfolios, s.strategies, s.timers);
    ar(s.next_seq, s.next_order, s.now, s.trading_date, s.next_snapshot, s.quotes, s.bars, s.orders, s.fills);
}

}  // namespace

void save_state(const State& state, ByteBuffer& out) {
    OutCursor ar(out);
    ar(kStateVersion);
    flat_fields(ar, const_cast<State&>(state));  // cereal's one serialize for both directions; writing only reads
    save_orders(ar, state.open_orders);
    save_orders(ar, state.closed_orders);
}

Result<State> load_state(Bytes bytes) {
    InCursor ar(bytes);
    std::uint16_t version = 0;
    ar(version);
    if (!ar.ok() || version != kStateVersion) {
        return fail(ErrorKind::data, "the state snapshot is of another version");
    }
    State state;
    flat_fields(ar, state);
    load_orders(ar, state.open_orders);
    load_orders(ar, state.closed_orders);
    const bool consistent = ar.ok() && ar.left() == 0 && state.markets.size() == state.instruments.size() &&
                            state.portfolios.size() == state.config.portfolios.size() &&
                            state.strategies.size() == state.config.strategies.size();
    if (!consistent) {
        return fail(ErrorKind::data, "the state snapshot is damaged");
    }
    return state;
}

}  // namespace alpha
