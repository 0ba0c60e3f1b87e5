#include "kernel/snapshot.hpp"

#include "events/archive.hpp"
#include "kernel/outside_bytes.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <ranges>
#include <string>
#include <utility>

namespace alpha {

template <class Ar>
void serialize(Ar& ar, BarSeries& s) {
    ar(s.interval, s.label, s.closed, s.is_shadowed, s.counts);
}
template <class Ar>
void serialize(Ar& ar, Market& m) {
    ar(m.mark, m.bid, m.ask, m.bid_qty, m.ask_qty, m.quoted, m.has_touch, m.last, m.last_qty, m.volume, m.open_interest,
       m.traded, m.updated, m.session_date, m.day_ends, m.session_closes, m.is_expired, m.settlement_date, m.settlement,
       m.acted, m.squares_off);
    ar(m.series, m.undated);
}
template <class Ar>
void serialize(Ar& ar, EquityPath& p) {
    ar(p.equity, p.peak, p.worst_peak, p.worst_trough);
}
template <class Ar>
void serialize(Ar& ar, Arrival& a) {
    ar(a.bought, a.arrives, a.quantity);
}
template <class Ar>
void serialize(Ar& ar, Holding& h) {
    ar(h.product, h.net, h.cost, h.open_buys, h.open_sells, h.left_over, h.to_come);
}
template <class Ar>
void serialize(Ar& ar, Position& p) {
    ar(p.net, p.cost, p.realized_pnl, p.charges, p.traded, p.open_buys, p.open_sells, p.open_buy_value,
       p.open_sell_value, p.fills);
    ar(p.holdings);
}
template <class Ar>
void serialize(Ar& ar, DayOrder& o) {
    ar(o.order, o.instrument, o.side, o.product, o.segment, o.is_square_off, o.unarrived, o.executed.turnover,
       o.executed.quantity, o.executed.maker_turnover, o.executed.maker_quantity);
}
template <class Ar>
void serialize(Ar& ar, DayCharges& d) {
    ar(d.date, d.orders);
    for (Money& amount : d.booked.by_line) {
        ar(amount);
    }
}
template <class Ar>
void serialize(Ar& ar, Portfolio& p) {
    ar(p.is_open, p.initial_cash, p.cash, p.realized_pnl, p.charges, p.day_start_equity, p.latch, p.killed_by,
       p.open_orders, p.fills);
    ar(p.positions, p.recent_orders, p.day_end_charges, p.day);
}
template <class Ar>
void serialize(Ar& ar, Order& o) {
    ar(o.id, o.strategy, o.portfolio, o.broker);
    inlined(ar, o.terms);
    ar(o.good_until, o.status, o.filled, o.pending_quantity, o.whole, o.pending_whole, o.pending_reduce_only,
       o.pending_value, o.pending_funds, o.triggered, o.cancel_pending, o.modify_pending, o.held, o.valued_at,
       o.funds_at, o.intent, o.correlation);
    ar(o.broker_order);
    if constexpr (requires { ar.ok(); }) {
        std::vector<std::string> trades;
        ar(trades);
        for (const std::string& trade : trades) {
            o.trades.book(trade);
        }
    } else {
        ar(o.trades.all());
    }
}
template <class Ar>
void serialize(Ar& ar, PendingTimer& t) {
    ar(t.due, t.strategy, t.timer);
}
inline void CEREAL_SAVE_FUNCTION_NAME(OutArchive& ar, const Timers& timers) {
    ar.count(timers.size());
    for (const PendingTimer& timer : timers) {
        ar(timer);
    }
}
template <class Ar>
void serialize(Ar& ar, MissedUpdate& u) {
    ar(u.order, u.status, u.change_failed);
}
template <class Ar>
void serialize(Ar& ar, StrategyState& s) {
    ar(s.halted);
    if (s.halted) {  // nobody else has missed anything
        ar(s.missed_fills, s.missed_orders, s.missed_timers, s.missed_actions);
    }
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
        // Sorted and unique, and none that never left, or it is not what save_state writes.
        ar.require((orders.empty() || orders.rbegin()->first < order.id) && order.status != OrderStatus::refused);
        orders.emplace_hint(orders.end(), order.id, std::move(order));
    }
}

void timers_of(OutCursor& ar, const State& s) {
    ar(s.timers);
}
void timers_of(InCursor& ar, State& s) {
    std::vector<PendingTimer> timers;
    ar(timers);
    if (std::ranges::adjacent_find(timers, std::greater_equal{}) != timers.end()) {
        ar.fail();  // out of order: not what save_state writes
    }
    for (const PendingTimer& timer : timers) {
        s.timers.set(timer.strategy, timer.timer, timer.due);
    }
    if (s.timers.size() != timers.size()) {
        ar.fail();  // one is set twice
    }
}

/// Everything but the two order books, in both directions.
template <class Ar>
void flat_fields(Ar& ar, State& s) {
    ar(s.config, s.rules, s.products, s.margin_rules);
    ar(s.instruments, s.markets, s.portfolios, s.strategies);
    timers_of(ar, s);
    ar(s.next_seq, s.next_order, s.now, s.trading_date, s.next_snapshot, s.quotes, s.bars, s.orders, s.fills, s.trades);
    ar(s.path);
}

void save_sources(OutCursor& ar, const State& state) {
    save_outside(ar, state.outside);
    ar.count(state.bad_feeds.size());
    for (const auto& [source, feed] : state.bad_feeds) {
        ar(source, feed);
    }
}

void load_sources(InCursor& ar, State& state) {
    load_outside(ar, state.outside);
    for (std::size_t n = ar.count(1); n > 0 && ar.ok(); --n) {
        std::string source;
        FeedState feed{};
        ar(source, feed);
        ar.require((state.bad_feeds.empty() || state.bad_feeds.rbegin()->first < source) && feed != FeedState::up);
        state.bad_feeds.insert_or_assign(std::move(source), feed);
    }
}

void save_closings(OutCursor& ar, const State& state) {
    ar.count(state.closings.size());
    for (const OrderId id : state.closings) {
        ar(id);
    }
}

void load_closings(InCursor& ar, State& state) {
    for (std::size_t n = ar.count(Layout<OrderId>::size); n > 0 && ar.ok(); --n) {
        ar(state.closings.emplace_back());
    }
    std::vector<OrderId> by_id(state.closings.begin(), state.closings.end());
    std::ranges::sort(by_id);
    const auto may_be_forgotten = [&](const auto& entry) { return !is_bound(state, entry.second); };
    if (!std::ranges::equal(by_id, state.closed_orders | std::views::filter(may_be_forgotten), {}, {},
                            [](const auto& entry) { return entry.first; })) {
        ar.fail();  // each of them once, and no other
    }
}

/// Everything before the closed orders.
void save_front(OutCursor& ar, const State& state) {
    ar(kStateVersion);
    flat_fields(ar, const_cast<State&>(state));  // cereal's one serialize for both directions; writing only reads
    save_sources(ar, state);
    save_orders(ar, state.open_orders);
}

// ---- whether a session can resume from a state ---------------------------------------------------------------------------------
//
// Whoever goes on from a state indexes by its ids, adds up its amounts and divides by its steps without asking again. So
// what is loaded has to be a state that a log can fold into; each of these names the first thing that is not, or nothing.

using Fault = const char*;

/// Far above any book, and so far below the edge that the books of every instrument can be summed.
constexpr Int128 kMostMoney = Int128{1} << 108U;
/// The calendar runs ahead of the time: a session that is open closes later, a DAY order may wait for the next one.
constexpr Date kFirstDay{static_cast<std::int32_t>(kMinTime.ns / kDayNs) - 2};
constexpr std::int32_t kLastDay = static_cast<std::int32_t>(kMaxTime.ns / kDayNs) + 2;
constexpr Duration kLongestInterval{366 * kDayNs};
/// How far from its date, in UTC, a trading day can end.
constexpr Duration kFarthestBound{4 * kDayNs};
constexpr std::uint64_t kMostIds = std::uint64_t{1} << 62U;

bool within(Money amount) {
    return amount.raw >= -kMostMoney && amount.raw <= kMostMoney;
}
bool within(Price price) {
    return price.raw >= 0 && price <= limits::kMaxPrice;
}
bool within(Qty quantity, Qty most) {
    return quantity.raw >= 0 && quantity <= most;
}
bool abs_within(Qty quantity, Qty most) {
    return quantity.raw >= -most.raw && quantity <= most;
}
bool within(Date date) {
    return date == kNoDay || (date >= kFirstDay && date.days <= kLastDay);
}
bool within(Time time) {
    return time >= kMinTime && time <= kMaxTime;
}

Fault fault_of(const Instrument& instrument) {
    const TradingHours& hours = instrument.hours;
    const bool steps = instrument.tick.raw > 0 && within(instrument.tick) && instrument.lot.raw > 0 &&
                       within(instrument.lot, limits::kMaxQty);
    const bool terms = instrument.multiplier > 0 && instrument.multiplier <= limits::kMaxMultiplier &&
                       within(instrument.freeze, limits::kMaxQty) && within(instrument.strike) &&
                       within(instrument.expiry);
    const bool clock = hours.open_s >= 0 && hours.open_s < hours.close_s && hours.close_s <= kDayNs / kSecondNs &&
                       std::abs(std::int64_t{hours.utc_offset_s}) <= kDayNs / kSecondNs;
    return steps && terms && clock ? nullptr : "an instrument has a step, terms or hours that none can have";
}

Fault fault_of_config(const RunConfigured& config) {
    if (config.instruments.size() > limits::kMaxInstruments || config.portfolios.size() > limits::kMaxPortfolios ||
        config.strategies.size() > limits::kMaxStrategies || config.brokers.size() > limits::kMaxBrokers) {
        return "it configures more than there can be";
    }
    const auto listed = [&](InstrumentId id) { return id.value < config.instruments.size(); };
    for (const StrategyConfig& strategy : config.strategies) {
        if (strategy.portfolio.value >= config.portfolios.size() || strategy.broker.value >= config.brokers.size() ||
            !std::ranges::all_of(strategy.instruments, listed)) {
            return "a strategy is configured with an id that does not exist";
        }
    }
    const ChargesConfig& charges = config.charges;
    const bool computed = charges.per_fill.raw >= 0 && charges.per_fill <= limits::kMaxCash && charges.rate.raw >= 0 &&
                          charges.rate.raw <= kScale && config.snapshot_interval.ns >= 0 &&
                          config.snapshot_interval <= kLongestInterval;
    return computed ? fault_of(config.default_instrument) : "charges or the interval of snapshots are out of range";
}

Fault fault_of_market(const State& state, const Market& market) {
    const auto past = [&](Time time) { return time == kBeforeAll || (within(time) && time <= state.now); };
    const bool plausible = within(market.mark) && within(market.bid) && within(market.ask) &&
                           within(market.bid_qty, limits::kMaxQty) && within(market.ask_qty, limits::kMaxQty) &&
                           past(market.updated) && past(market.quoted) && past(market.traded) && within(market.last) &&
                           within(market.last_qty, limits::kMaxQty) && market.volume.is_valid() &&
                           market.open_interest.is_valid() && within(market.acted) && within(market.settlement_date) &&
                           within(Money{market.settlement.raw});
    if (!plausible) {
        return "a market has a price, a size or a time that none can have";
    }
    for (std::size_t i = 0; i < market.series.size(); ++i) {
        const BarSeries& series = market.series[i];
        if (!past(series.label) || !past(series.closed) || series.interval.ns < 0 ||
            (i > 0 && series.interval <= market.series[i - 1].interval)) {
            return "a market has bars that none can have";
        }
    }
    const Date date = market.session_date;
    const bool never_opened = date == kNoDay && market.day_ends == kBeforeAll && market.session_closes == kNever &&
                              market.squares_off == kNever;
    // Rules and terms may have changed since the session was opened: its bounds are those of its time, near its date all the same.
    const Int128 from_date = static_cast<Int128>(market.day_ends.ns) - static_cast<Int128>(date.days) * kDayNs;
    const bool opened = within(date) && date <= state.trading_date && from_date <= kFarthestBound.ns &&
                        -from_date <= kFarthestBound.ns &&
                        (market.session_closes == kNever || market.session_closes <= market.day_ends) &&
                        (market.squares_off == kNever || market.squares_off <= market.day_ends);
    return never_opened || opened ? nullptr : "a market's session is not one of its date";
}

Fault fault_of_markets(const State& state) {
    const std::vector<Instrument>& configured = state.config.instruments;
    if (state.instruments.size() < configured.size() || state.instruments.size() > limits::kMaxInstruments ||
        state.markets.size() != state.instruments.size()) {
        return "its instruments are not those configured and listed";
    }
    for (std::size_t i = 0; i < state.instruments.size(); ++i) {
        if (const Fault fault = fault_of(state.instruments[i]); fault != nullptr) {
            return fault;
        }
        if (const Fault fault = fault_of_market(state, state.markets[i]); fault != nullptr) {
            return fault;
        }
    }
    return nullptr;
}

/// What the orders add up to, by portfolio; to be compared with what its books say.
struct OpenSums {
    std::uint64_t orders = 0;
    std::vector<Int128> buys;  ///< by instrument
    std::vector<Int128> sells;
    std::vector<Int128> buy_values;
    std::vector<Int128> sell_values;
    std::map<std::pair<std::uint32_t, Product>, std::pair<Int128, Int128>> by_product;  ///< buys and sells
};

Fault fault_of_order(const State& state, const std::vector<std::vector<InstrumentId>>& traded, const Order& order) {
    const OrderTerms& terms = order.terms;
    const bool by_operator = order.strategy == kOperator;
    if ((!by_operator && order.strategy.value >= state.strategies.size()) ||
        order.portfolio.value >= state.portfolios.size() || order.broker.value >= state.config.brokers.size() ||
        terms.instrument.value >= state.portfolios[order.portfolio.value].positions.size() ||
        (!by_operator && !std::ranges::binary_search(traded[order.strategy.value], terms.instrument))) {
        return "an order names an id that does not exist";
    }
    const std::int64_t multiplier = state.instruments[terms.instrument.value].multiplier;
    const Qty most{limits::kMaxQty.raw / multiplier};
    const bool plausible = order.id.value != 0 && order.id < state.next_order && order.intent < state.next_seq &&
                           order.correlation < state.next_seq && terms.quantity.raw > 0 &&
                           within(terms.quantity, most) && within(terms.limit_price) && within(terms.stop_price) &&
                           within(order.filled, Qty{limits::kMaxPosition.raw / multiplier}) &&
                           within(order.pending_quantity, most) && within(order.whole, limits::kMaxPosition) &&
                           within(order.pending_whole, limits::kMaxPosition) && within(order.good_until) &&
                           within(order.valued_at) && within(order.pending_value) && within(order.funds_at) &&
                           within(order.pending_funds) && terms.legs <= limits::kMaxLegs && terms.group <= order.id &&
                           terms.parent < order.id && terms.tag.size() <= limits::kMaxTagBytes;
    return plausible ? nullptr : "an order has a number, a size, a price or a day that none can have";
}

Fault fault_of_orders(const State& state, std::vector<OpenSums>& sums) {
    std::vector<std::vector<InstrumentId>> traded;
    for (const StrategyConfig& strategy : state.config.strategies) {
        std::ranges::sort(traded.emplace_back(strategy.instruments));
    }
    // What an order reserves is asked of its other legs as well: all of them are looked at first.
    for (const auto* orders : {&state.open_orders, &state.closed_orders}) {
        for (const auto& [id, order] : *orders) {
            if (const Fault fault = fault_of_order(state, traded, order); fault != nullptr) {
                return fault;
            }
        }
    }
    for (const auto& [id, order] : state.open_orders) {
        if (is_terminal(order.status) || order.leaves().raw <= 0 || state.closed_orders.contains(id)) {
            return "an open order is not open";
        }
        OpenSums& sum = sums[order.portfolio.value];
        ++sum.orders;
        if (leads_reservation(state, order)) {
            const Reserved reserved = reserved_by(state, order);
            const bool buys = order.terms.side == Side::buy;
            const std::uint32_t instrument = order.terms.instrument.value;
            (buys ? sum.buys : sum.sells)[instrument] += reserved.quantity.raw;
            auto& own = sum.by_product[{instrument, order.terms.product}];
            (buys ? own.first : own.second) += reserved.quantity.raw;
            (buys ? sum.buy_values : sum.sell_values)[instrument] += reserved.value.raw;
        }
    }
    for (const auto& [id, order] : state.closed_orders) {
        if (!is_terminal(order.status)) {
            return "a closed order is not closed";
        }
    }
    return nullptr;
}

Fault fault_of_day(const State& state, const DayCharges& day) {
    const auto is_right = [&](const DayOrder& each) {
        const markets::Executed& executed = each.executed;
        return each.order.value != 0 && (each.order < state.next_order || each.order >= kFirstSettlement) &&
               (each.order >= kFirstSettlement) == each.segment.has_value() &&
               each.instrument.value < state.instruments.size() && executed.quantity.raw > 0 &&
               executed.turnover.raw >= 0 && within(executed.turnover) && executed.maker_quantity.raw >= 0 &&
               executed.maker_quantity <= executed.quantity && executed.maker_turnover.raw >= 0 &&
               executed.maker_turnover <= executed.turnover && each.unarrived.raw >= 0 &&
               each.unarrived <= executed.quantity;
    };
    const bool booked = std::ranges::all_of(day.booked.by_line, [](Money amount) { return within(amount); });
    const auto follows = [](const DayOrder& a, const DayOrder& b) { return a.order >= b.order; };
    return within(day.date) && booked && std::ranges::all_of(day.orders, is_right) &&
                   std::ranges::adjacent_find(day.orders, follows) == day.orders.end()
               ? nullptr
               : "a day's executions or charges are none that can be";
}

/// What is held under products, beside what is held under none, is what the position says.
Fault fault_of_holdings(const Position& position, std::uint32_t instrument, const OpenSums& open) {
    const auto reserves = [&](const Holding& held) {
        const auto at = open.by_product.find({instrument, held.product});
        const auto [buys, sells] = at == open.by_product.end() ? std::pair<Int128, Int128>{} : at->second;
        return held.open_buys.raw == buys && held.open_sells.raw == sells;
    };
    const auto fits = [](const Holding& held) {
        return abs_within(held.net, limits::kMaxPosition) && within(held.cost) &&
               within(held.open_buys, limits::kMaxWorking) && within(held.open_sells, limits::kMaxWorking) &&
               (held.net.raw != 0 || (held.cost.raw == 0 && held.left_over == LeftOver::no));
    };
    Product last = Product::none;
    for (const Holding& held : position.holdings) {
        Int128 to_come = 0;
        Date bought = kNoDay;
        for (const Arrival& each : held.to_come) {
            if (each.quantity.raw <= 0 || each.bought <= bought || !within(each.bought) || each.arrives < each.bought) {
                return "shares are to come that nobody can have bought";
            }
            bought = each.bought;
            to_come += each.quantity.raw;
        }
        if (held.product <= last || !fits(held) || !reserves(held) || to_come > std::max<Int128>(held.net.raw, 0)) {
            return "something is held under a product that cannot be";
        }
        last = held.product;
    }
    return fits(position.of(Product::none)) ? nullptr : "what is held under no product is none that can be";
}

Fault fault_of_portfolio(const State& state, const Portfolio& portfolio, const OpenSums& open) {
    Int128 cost = 0;
    Int128 realized = 0;
    Int128 charges = portfolio.day_end_charges.raw;
    std::uint64_t fills = 0;
    for (std::size_t i = 0; i < portfolio.positions.size(); ++i) {
        const Position& position = portfolio.positions[i];
        const Int128 units = static_cast<Int128>(position.net.raw) * state.instruments[i].multiplier;
        const bool plausible = units >= -limits::kMaxPosition.raw && units <= limits::kMaxPosition.raw &&
                               abs_within(position.net, limits::kMaxPosition) && within(position.cost) &&
                               within(position.realized_pnl) && within(position.charges) && within(position.traded) &&
                               within(position.open_buys, limits::kMaxWorking) &&
                               within(position.open_sells, limits::kMaxWorking);
        if (!plausible) {
            return "a position holds what none can";
        }
        if (const Fault fault = fault_of_holdings(position, static_cast<std::uint32_t>(i), open); fault != nullptr) {
            return fault;
        }
        if (position.open_buys.raw != open.buys[i] || position.open_sells.raw != open.sells[i] ||
            position.open_buy_value.raw != open.buy_values[i] || position.open_sell_value.raw != open.sell_values[i]) {
            return "what positions reserve is not what the open orders may still fill";
        }
        cost += state.instruments[i].is_marked_daily() ? 0 : position.cost.raw;
        realized += position.realized_pnl.raw;
        charges += position.charges.raw;
        fills += position.fills;
    }
    const bool plausible = within(portfolio.initial_cash) && within(portfolio.cash) &&
                           within(portfolio.day_start_equity) && portfolio.open_orders == open.orders &&
                           portfolio.open_orders <= limits::kMaxOpenOrders &&
                           (portfolio.is_open || (fills == 0 && portfolio.cash.raw == 0));
    const bool balanced = portfolio.cash.raw == portfolio.initial_cash.raw - cost + realized - charges &&
                          portfolio.realized_pnl.raw == realized && portfolio.charges.raw == charges &&
                          portfolio.fills == fills;
    if (!plausible || !balanced) {
        return "the books of a portfolio do not balance";
    }
    if (const Fault fault = fault_of_day(state, portfolio.day); fault != nullptr) {
        return fault;
    }
    const std::vector<Time>& recent = portfolio.recent_orders;
    const auto sent = [&](Time time) { return within(time) && time <= state.now; };
    return std::ranges::is_sorted(recent) && std::ranges::all_of(recent, sent)
               ? nullptr
               : "the times at which orders were sent are in no order";
}

Fault fault_of_books(const State& state) {
    if (state.portfolios.size() != state.config.portfolios.size() ||
        state.strategies.size() != state.config.strategies.size()) {
        return "it has not the portfolios and strategies that are configured";
    }
    std::vector<OpenSums> sums(state.portfolios.size());
    for (std::size_t p = 0; p < sums.size(); ++p) {
        const std::size_t positions = state.portfolios[p].positions.size();
        if (positions > state.instruments.size()) {
            return "a portfolio has positions in instruments that were never listed";
        }
        for (std::vector<Int128>* each : {&sums[p].buys, &sums[p].sells, &sums[p].buy_values, &sums[p].sell_values}) {
            each->resize(positions);
        }
    }
    if (const Fault fault = fault_of_orders(state, sums); fault != nullptr) {
        return fault;
    }
    std::uint64_t fills = 0;
    Money account;
    for (std::size_t p = 0; p < sums.size(); ++p) {
        if (const Fault fault = fault_of_portfolio(state, state.portfolios[p], sums[p]); fault != nullptr) {
            return fault;
        }
        fills += state.portfolios[p].fills;
        account +=
            state.portfolios[p].is_open ? value(state, state.portfolios[p]).equity : state.config.portfolios[p].cash;
    }
    const EquityPath& path = state.path;
    if (path.equity != account || path.peak < path.equity || path.worst_peak < path.worst_trough ||
        path.peak < path.worst_peak || !within(path.peak) || !within(path.worst_trough)) {
        return "the path of its equity is not one that its books can have taken";
    }
    for (const StrategyConfig& strategy : state.config.strategies) {
        if (!state.portfolios[strategy.portfolio.value].is_open) {
            return "a strategy trades in a portfolio that was never opened";
        }
    }
    return fills == state.fills ? nullptr : "its fills are not those of its portfolios";
}

Fault fault_of_timers(const State& state) {
    for (const PendingTimer& timer : state.timers) {
        if (timer.strategy.value >= state.strategies.size() || !within(timer.due) ||
            state.timers.count_of(timer.strategy) > limits::kMaxTimersPerStrategy) {
            return "a timer is set that nobody can have set";
        }
    }
    return nullptr;
}

Fault fault_of_strategies(const State& state) {
    for (std::uint32_t i = 0; i < state.strategies.size(); ++i) {
        const StrategyState& strategy = state.strategies[i];
        const auto fits = [&](const OrderFilled& fill) {
            return fill.strategy.value == i && fill.order < state.next_order &&
                   fill.instrument.value < state.instruments.size() && fill.quantity.raw > 0 &&
                   fill.quantity <= limits::kMaxQty && fill.price.raw > 0 && fill.price <= limits::kMaxPrice;
        };
        const auto follows = [](const MissedUpdate& a, const MissedUpdate& b) { return a.order >= b.order; };
        if (!std::ranges::all_of(strategy.missed_fills, fits) ||
            std::ranges::adjacent_find(strategy.missed_orders, follows) != strategy.missed_orders.end() ||
            (!strategy.missed_orders.empty() && strategy.missed_orders.back().order >= state.next_order)) {
            return "a strategy has missed what cannot have happened";
        }
    }
    return nullptr;
}

Fault fault_of_progress(const State& state) {
    const bool counted = state.next_seq <= kMostIds && state.next_order.value >= 1 &&
                         state.next_order.value <= kMostIds && within(state.now) && within(state.trading_date) &&
                         state.closings.size() <= limits::kMaxClosedOrders;
    if (!counted) {
        return "it has come further than a log can";
    }
    const auto is_open = [](const Portfolio& portfolio) { return portfolio.is_open; };
    const bool snapshots = state.config.snapshot_interval.ns > 0 && std::ranges::any_of(state.portfolios, is_open) &&
                           state.next_snapshot >= kMinTime && state.next_snapshot <= kMaxTime + kLongestInterval;
    return state.next_snapshot == kNever || snapshots ? nullptr : "a snapshot is due that was never asked for";
}

Fault fault_of_state(const State& state) {
    if (state.next_seq == 0) {
        return state == State{} ? nullptr : "it holds something although nothing has happened";
    }
    if (const Fault fault = fault_of_config(state.config); fault != nullptr) {
        return fault;
    }
    // Each relies on what those before it have judged.
    for (Fault (*const judge)(const State&) : {fault_of_progress, fault_of_markets, fault_of_books, fault_of_outside,
                                               fault_of_timers, fault_of_strategies}) {
        if (const Fault fault = judge(state); fault != nullptr) {
            return fault;
        }
    }
    return nullptr;
}

}  // namespace

void append_canonical(const State& state, ByteBuffer& out) {
    OutCursor ar(out);
    save_front(ar, state);
    save_orders(ar, state.closed_orders);
}

void save_state(const State& state, ByteBuffer& out) {
    append_canonical(state, out);
    OutCursor ar(out);
    save_closings(ar, state);
}

void save_state(const State& state, const OrderBytes& closed, ByteBuffer& out) {
    ALPHA_ASSERT(closed.size() == state.closed_orders.size(), "every closed order is kept, and no other");
    OutCursor ar(out);
    save_front(ar, state);
    ar.count(closed.size());
    closed.append_to(out);
    save_closings(ar, state);
}

void save_order(const Order& order, ByteBuffer& out) {
    OutCursor ar(out);
    ar(order);
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
    if (ar.ok() && !derive_times(state)) {
        return fail(ErrorKind::data, "the state snapshot is damaged: its calendars are none");
    }
    load_sources(ar, state);
    load_orders(ar, state.open_orders);
    load_orders(ar, state.closed_orders);
    load_closings(ar, state);
    if (!ar.ok() || ar.left() != 0) {
        return fail(ErrorKind::data, "the state snapshot is damaged");
    }
    if (const Fault fault = fault_of_state(state); fault != nullptr) {
        return fail(ErrorKind::data, std::string("the state snapshot is damaged: ") + fault);
    }
    derive(state);
    return state;
}

}  // namespace alpha
