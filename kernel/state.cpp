#include "kernel/state.hpp"

#include "kernel/actions.hpp"
#include "kernel/find_recent.hpp"
#include "kernel/margin.hpp"
#include "kernel/settlement.hpp"
#include "kernel/visits.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace alpha {

namespace {

Portfolio& portfolio_of(State& state, PortfolioId id) {
    ALPHA_ASSERT(id.value < state.portfolios.size(), "the fact names a portfolio that event 0 does not");
    return state.portfolios[id.value];
}

Market& market_of(State& state, InstrumentId id) {
    ALPHA_ASSERT(id.value < state.markets.size(), "the fact names an instrument that was never listed");
    return state.markets[id.value];
}

/// To be changed.
Position& position_of(State& state, PortfolioId portfolio, InstrumentId instrument) {
    Portfolio& p = portfolio_of(state, portfolio);
    if (instrument.value >= p.positions.size()) {
        ALPHA_ASSERT(instrument.value < state.instruments.size(), "the fact names an instrument that was never listed");
        p.positions.resize(instrument.value + 1);
    }
    p.sums.note_change(instrument);
    return p.positions[instrument.value];
}

bool is_used(const Position& position) {
    return position.net.raw != 0 || position.open_buys.raw != 0 || position.open_sells.raw != 0 ||
           std::ranges::any_of(position.holdings, [](const Holding& each) { return each.net.raw != 0; });
}

/// Notes whether the portfolio uses the instrument, once its position has changed. O(log users), more where that has changed.
void note_use(State& state, PortfolioId portfolio, InstrumentId instrument) {
    std::vector<PortfolioId>& users = state.markets[instrument.value].users;
    const auto at = std::ranges::lower_bound(users, portfolio);
    const bool is_noted = at != users.end() && *at == portfolio;
    const bool uses = is_used(state.portfolios[portfolio.value].position(instrument));
    if (uses == is_noted) [[likely]] {
        return;
    }
    uses ? void(users.insert(at, portfolio)) : void(users.erase(at));
    note_margin_use(state, portfolio, instrument, uses);
}

Money reserved_value(const State& state, const Order& order) {
    return notional(state.instruments[order.terms.instrument.value], std::max(order.valued_at, order.pending_value),
                    order.leaves());
}

Money reserved_funds(const State& state, const Order& order) {
    return notional(state.instruments[order.terms.instrument.value], std::max(order.funds_at, order.pending_funds),
                    order.leaves());
}

Order& known_order(State& state, OrderId id) {
    const auto open = find_recent(state.open_orders, id);
    if (open != state.open_orders.end()) {
        return open->second;
    }
    const auto closed = find_recent(state.closed_orders, id);
    ALPHA_ASSERT(closed != state.closed_orders.end(), "the fact names an order that the state does not know");
    return closed->second;
}

/// At most limits::kMaxQty: no leg can take more from another one.
Qty filled_by_other_legs(const State& state, const Order& order) {
    Qty filled;
    for (std::uint64_t leg = 0; leg < order.terms.legs; ++leg) {
        const OrderId id{order.terms.group.value + leg};
        if (const Order* const other = id == order.id ? nullptr : state.find_order(id); other != nullptr) {
            filled = std::min(limits::kMaxQty, filled + other->filled);
        }
    }
    return filled;
}

OrderFunds funds_of(const State& state, const Order& order) {
    const Reserved reserved = reserved_by(state, order);
    const Qty reducing = order.terms.reduce_only ? order.leaves() : Qty{};
    return order.terms.side == Side::buy ? OrderFunds{reserved.funds, {}, reducing, {}}
                                         : OrderFunds{{}, reserved.funds, {}, reducing};
}

/// What the order reserves, put on its position's sums (`sign` 1) or taken off them (-1).
Position& move_reservation(State& state, const Order& order, int sign) {
    Position& position = position_of(state, order.portfolio, order.terms.instrument);
    const Reserved reserved = reserved_by(state, order);
    const OrderFunds funds = funds_of(state, order);
    const Qty quantity{reserved.quantity.raw * sign};
    const Money value{reserved.value.raw * sign};
    const bool buys = order.terms.side == Side::buy;
    if (order.terms.product != Product::none) {
        Holding& row = position.row(order.terms.product);
        (buys ? row.open_buys : row.open_sells) += quantity;
        row.orders.add(funds, sign);
    }
    Qty& open = buys ? position.open_buys : position.open_sells;
    open += quantity;
    (buys ? position.open_buy_value : position.open_sell_value) += value;
    position.orders.add(funds, sign);
    portfolio_of(state, order.portfolio).open_value += value;
    ALPHA_ASSERT(open.raw >= 0, "more was released than had been reserved");
    return position;
}

/// Working quantity is reserved in the position, so that two orders cannot both count on the same room.
void reserve(State& state, const Order& order) {
    Position& position = move_reservation(state, order, 1);
    if (order.terms.product != Product::none) {
        position.tidy(order.terms.product);
    }
}
/// What becomes of the product's row is seen when the order is reserved anew.
void release(State& state, const Order& order) {
    move_reservation(state, order, -1);
}

/// An entry that is made larger takes its exits with it, as its broker does, as far as they are smaller than it.
void grow_exits(State& state, const Order& entry, Qty more) {
    for (std::uint64_t i = 1; i < limits::kMaxLegs; ++i) {
        const auto exit = state.open_orders.find(OrderId{entry.id.value + i});
        if (exit != state.open_orders.end() && exit->second.terms.parent == entry.id &&
            exit->second.whole < entry.whole) {
            const Qty grown = std::min(more, entry.whole - exit->second.whole);
            exit->second.whole += grown;
            exit->second.pending_whole += exit->second.pending_whole.raw != 0 ? grown : Qty{};
        }
    }
}

void end_change(Order& order) {
    order.modify_pending = false;
    order.pending_quantity = order.pending_whole = Qty{};
    order.pending_reduce_only = false;
    order.pending_value = order.pending_funds = Price{};
}

bool are_linked(const Order& a, const Order& b) {
    return a.terms.parent == b.id || b.terms.parent == a.id ||
           (a.terms.group.value != 0 && a.terms.group == b.terms.group);
}

/// Those among which an order's links are: what is linked was placed together, so its numbers follow one another.
template <class Orders>
auto neighbours(Orders& orders, OrderId id) {
    constexpr std::uint64_t kReach = limits::kMaxLegs - 1;
    return std::ranges::subrange(orders.lower_bound(OrderId{id.value - std::min(id.value, kReach)}),
                                 orders.upper_bound(OrderId{id.value + kReach}));
}

void forget_closed(State& state) {
    for (; state.closings.size() > limits::kMaxClosedOrders; state.closings.pop_front()) {
        state.closed_orders.erase(state.closings.front());
    }
}

/// An order that has just closed, and with it what only it has kept from being forgotten, may be forgotten in its turn.
void note_closed(State& state, const Order& order) {
    if (!is_bound(state, order)) {
        state.closings.push_back(order.id);
    }
    for (const auto& [id, other] : neighbours(state.closed_orders, order.id)) {
        if (id != order.id && are_linked(order, other) && !is_bound(state, other)) {
            state.closings.push_back(id);
        }
    }
    forget_closed(state);
}

/// Changes an order under its reservation, and moves it to the closed ones when that ended it.
template <class F>
void change_order(State& state, OrderId id, F&& change) {
    Order& order = known_order(state, id);
    const bool was_open = !is_terminal(order.status);
    release(state, order);
    change(order);
    reserve(state, order);
    note_use(state, order.portfolio, order.terms.instrument);
    ALPHA_ASSERT(was_open || is_terminal(order.status), "a terminal order stays terminal");
    if (was_open && is_terminal(order.status)) {
        order.cancel_pending = false;
        end_change(order);
        --portfolio_of(state, order.portfolio).open_orders;
        state.placed.erase({order.portfolio, order.terms.instrument, id});
        state.closed_orders.insert(state.closed_orders.end(), state.open_orders.extract(id));
        note_closed(state, order);
    }
}

void end_order(State& state, OrderId id, ReportKind kind) {
    change_order(state, id, [&](Order& order) {
        const Transition t = transition(order.status, kind);
        ALPHA_ASSERT(t.allowed, "the order cannot end this way");
        order.status = t.next;
    });
}

/// Keeps for its strategy, where that is halted, how the order stands.
void note_missed(State& state, OrderId id, bool change_failed = false) {
    const Order& order = known_order(state, id);
    if (order.strategy == kOperator) {
        return;
    }
    if (StrategyState& strategy = state.strategies[order.strategy.value]; strategy.halted) [[unlikely]] {
        const auto at = std::ranges::lower_bound(strategy.missed_orders, id, {}, &MissedUpdate::order);
        const MissedUpdate word{id, order.status, change_failed};
        at != strategy.missed_orders.end() && at->order == id ? void(*at = word)
                                                              : void(strategy.missed_orders.insert(at, word));
    }
}

void note_order_sent(State& state, Portfolio& portfolio, Time now) {
    const bool limited =
        std::ranges::any_of(state.config.risk, [](const RiskLimit& r) { return r.rule == Rule::order_rate; });
    if (!limited) {
        return;
    }
    std::vector<Time>& sent = portfolio.recent_orders;
    sent.erase(sent.begin(), std::ranges::upper_bound(sent, now - Duration{kSecondNs}));
    sent.push_back(now);
}

/// (bid + ask) / 2, half-even. The sum cannot overflow below limits::kMaxPrice.
Price mid(Price bid, Price ask) {
    const std::int64_t sum = bid.raw + ask.raw;
    const std::int64_t half = sum >> 1;
    return Price{half + ((sum & 1) & (half & 1))};
}

// ---- marks and what they move -------------------------------------------------------------------------------------------

void note_fall(EquityPath& path) {
    if (path.peak.raw > 0 && is_deeper(path.peak, path.equity, path.worst_peak, path.worst_trough)) {
        path.worst_peak = path.peak;
        path.worst_trough = path.equity;
    }
}

void note_equity(EquityPath& path) {
    if (path.equity > path.peak) {
        path.peak = path.equity;
        if (path.worst_peak.raw <= 0) {  // until then there was nothing to lose a part of
            path.worst_peak = path.worst_trough = path.peak;
        }
        return;
    }
    // Peaks only grow, so a fall that is deeper as a part of its peak is deeper in money, too: nearly every mark ends here.
    if (path.peak - path.equity > path.worst_peak - path.worst_trough) [[unlikely]] {
        note_fall(path);
    }
}

/// The market's mark, and what it does to the equity of whoever holds the instrument.
void set_mark(State& state, InstrumentId instrument, Price mark) {
    Market& market = state.markets[instrument.value];
    if (market.mark == mark) {
        return;
    }
    const Price before = std::exchange(market.mark, mark);
    note_margin_mark(state, instrument);
    if (market.users.empty()) {
        return;
    }
    for (const PortfolioId user : market.users) {
        ++visits;
        Portfolio& portfolio = state.portfolios[user.value];
        portfolio.sums.note_change(instrument);
        if (const Position& position = portfolio.position(instrument); position.net.raw != 0) {
            const Instrument& of = state.instruments[instrument.value];
            const Money moved = notional(of, mark, position.net) - notional(of, before, position.net);
            portfolio.equity += moved;
            state.path.equity += moved;
        }
    }
    note_equity(state.path);
}

/// From here on something may have moved the books: the next boundary is worth a snapshot. Under the first edition of the rules
/// snapshots asked for each other instead.
void ask_for_snapshot(State& state, Time now) {
    const std::int64_t interval = state.config.snapshot_interval.ns;
    if (interval > 0 && state.config.rules >= 2 &&
        std::ranges::any_of(state.portfolios, [](const Portfolio& p) { return p.is_open; })) {
        state.next_snapshot = floor_of(now, Duration{interval}) + Duration{interval};
    }
}

BarSeries& longer_series_of(Market& market, Duration interval) {
    const auto at = std::ranges::lower_bound(market.series, interval, {}, &BarSeries::interval);
    return at != market.series.end() && at->interval == interval ? *at : *market.series.insert(at, BarSeries{interval});
}

/// Nearly every instrument has bars of one interval.
BarSeries& series_of(Market& market, Duration interval) {
    return market.is_shortest(interval) ? market.series.front() : longer_series_of(market, interval);
}

/// Whether something finer than the bar came while it lasted. A shorter bar that closes as this one begins is of the time before,
/// and one that closes with it says nothing that came before: which of two closes is told first does not matter.
bool is_shadowed(const Market& market, const BarClosed& bar, Time now) {
    return std::max(market.quoted, market.traded) >= bar.label ||
           std::ranges::any_of(market.series, [&](const BarSeries& finer) {
               return finer.interval < bar.interval &&
                      (finer.label >= bar.label || (finer.closed > bar.label && finer.closed < now));
           });
}

/// A price of a bar that counts: it is newer than any quote.
void take_bar_price(State& state, InstrumentId instrument, Price price, Time now) {
    Market& market = state.markets[instrument.value];
    market.has_touch = false;
    market.updated = now;
    set_mark(state, instrument, price);
}

void note_times(State& state) {
    const Result<void> done = derive_times(state);
    ALPHA_ASSERT(done, "calendars in the log are ones that can be");
}

void note_traded(State& state) {
    state.traded.clear();
    for (const StrategyConfig& strategy : state.config.strategies) {
        std::ranges::sort(state.traded.emplace_back(strategy.instruments));
    }
}

/// The charges of a day, begun anew where it is later than the last.
DayCharges& begun_day(Portfolio& portfolio, Date date) {
    if (date > portfolio.day.date) {
        portfolio.day = {};
        portfolio.day.date = date;
    }
    return portfolio.day;
}

/// What an order has executed on its day, which charges are reckoned by, and what was booked for it. `unarrived`: of what it sold, what had
/// not been delivered.
void note_charged(State& state, Portfolio& portfolio, const OrderFilled& fill, Qty unarrived) {
    DayCharges& day = begun_day(portfolio, state.markets[fill.instrument.value].session_date);
    const auto at = std::ranges::lower_bound(day.orders, fill.order, {}, &DayOrder::order);
    DayOrder& order = at != day.orders.end() && at->order == fill.order
                          ? *at
                          : *day.orders.insert(at, {fill.order,
                                                    fill.instrument,
                                                    fill.side,
                                                    fill.product,
                                                    std::nullopt,
                                                    fill.strategy == kOperator && fill.order_tag == kSquareOffTag,
                                                    {},
                                                    {}});
    order.unarrived += unarrived;
    order.executed.add(markets::Liquidity::taker, fill.notional, fill.quantity);
    for (const markets::ChargeAmount& each : fill.lines) {
        day.booked[each.line] += each.amount;
    }
}

/// What was exercised or delivered, for the day's note.
void note_settled(State& state, Portfolio& portfolio, const PositionSettled& e) {
    if (e.lines.empty()) {
        return;
    }
    DayCharges& day = begun_day(portfolio, e.date);
    for (const SettledLeg& leg : legs_of(state.instruments[e.instrument.value], e)) {
        DayOrder order;
        order.order = OrderId{kFirstSettlement.value + day.orders.size()};
        order.instrument = e.instrument;
        order.side = leg.side;
        order.product = e.product;
        order.segment = leg.segment;
        order.executed = leg.executed;
        day.orders.push_back(order);
    }
    for (const markets::ChargeAmount& each : e.lines) {
        day.booked[each.line] += each.amount;
    }
}

/// What limits add up is computed anew: they mean something else from here on.
void begin_sums(State& state) {
    for (Portfolio& portfolio : state.portfolios) {
        portfolio.sums = {};
        for (std::uint32_t i = 0; i < portfolio.positions.size(); ++i) {
            if (is_used(portfolio.positions[i])) {
                portfolio.sums.note_change(InstrumentId{i});
            }
        }
    }
    derive_margins(state);
}

// ---- orders at brokers outside ------------------------------------------------------------------------------------------

OutsideBroker& outside_broker(State& state, BrokerId id) {
    const auto at = state.outside.find(id);
    ALPHA_ASSERT(at != state.outside.end(), "the fact names a broker that is none outside");
    return at->second;
}

/// The one that has the order, or had it; null: none.
OutsideBroker* broker_of_wire(State& state, OrderId id) {
    for (auto& [broker, its] : state.outside) {
        if (its.book.find(id) != nullptr) {
            return &its;
        }
    }
    return nullptr;
}

OutsideBroker& broker_of_word(State& state, OrderId id) {
    OutsideBroker* const broker = broker_of_wire(state, id);
    ALPHA_ASSERT(broker != nullptr, "the fact names an order that no broker outside has");
    return *broker;
}

/// An order goes to its broker, where that is outside.
void intend_outside(State& state, OrderId id, Qty quantity, Time now) {
    const Order& order = state.open_orders.at(id);
    if (const auto broker = state.outside.find(order.broker); broker != state.outside.end()) {
        const OrderTerms& terms = order.terms;
        broker->second.follows.clear();
        broker->second.book.intend(id, terms.instrument, terms.side, terms.product, quantity,
                                   state.times[terms.instrument.value].date_of(now), now);
    }
}

CancelBy cancelled_by(Rule rule) {
    switch (rule) {
    case Rule::none: return CancelBy::strategy;
    case Rule::operator_kill:
    case Rule::daily_loss:
    case Rule::overfill:
    case Rule::unmatched_fill:
    case Rule::conflict: return CancelBy::kill;
    default: return CancelBy::rule;
    }
}

/// At a broker outside an order that is being made larger stays open until the broker has answered.
bool may_grow(const State& state, const Order& order) {
    return state.outside_of(order.broker) != nullptr && order.pending_quantity > order.filled;
}

/// A person lets a portfolio trade again: its broker takes orders, whatever it was latched for.
void release_outside(State& state, PortfolioId portfolio) {
    if (state.outside.empty()) {
        return;
    }
    const BrokerConfig* const broker = broker_of(state.config, portfolio);
    const auto at =
        broker == nullptr
            ? state.outside.end()
            : state.outside.find(BrokerId{static_cast<std::uint32_t>(broker - state.config.brokers.data())});
    if (at != state.outside.end()) {
        at->second.book.release();
    }
}

// ---- one fold a fact -----------------------------------------------------------------------------------------------------

void fold(State& state, const Envelope&, const RunConfigured& e) {
    ALPHA_ASSERT(state.instruments.empty() && state.portfolios.empty(), "a session is configured once");
    state.config = e;
    state.instruments = e.instruments;
    state.markets.resize(e.instruments.size());
    note_times(state);
    state.portfolios.resize(e.portfolios.size());
    state.strategies.resize(e.strategies.size());
    note_traded(state);
    for (const PortfolioConfig& portfolio : e.portfolios) {
        state.path.equity += portfolio.cash;
    }
    state.path.peak = state.path.worst_peak = state.path.worst_trough = state.path.equity;
}

void fold(State& state, const Envelope& envelope, const RunReconfigured& e) {
    const RunConfigured& before = state.config;
    ALPHA_ASSERT(e.config.instruments == before.instruments && e.config.portfolios == before.portfolios &&
                     e.config.brokers.size() == before.brokers.size() &&
                     e.config.strategies.size() == before.strategies.size(),
                 "a session keeps its instruments, portfolios, brokers and strategies");
    if (e.config.snapshot_interval != before.snapshot_interval) {
        const std::int64_t interval = e.config.snapshot_interval.ns;
        // Before the first session nothing is due; its opening asks for the first boundary.
        const bool has_begun = state.trading_date != kNoDay &&
                               std::ranges::any_of(state.portfolios, [](const Portfolio& p) { return p.is_open; });
        state.next_snapshot =
            interval > 0 && has_begun ? floor_of(envelope.time, Duration{interval}) + Duration{interval} : kNever;
    }
    state.config = e.config;
    note_traded(state);
    begin_sums(state);
}

void fold(State& state, const Envelope&, const InstrumentListed& e) {
    ALPHA_ASSERT(e.instrument.value == state.instruments.size(), "instrument ids are dense");
    state.instruments.push_back(e.definition);
    state.markets.emplace_back();
    state.times.push_back(state.calendars.times_of(e.definition));
    note_margin_listing(state, e.instrument);
}

void fold(State& state, const Envelope&, const MarketRulesSet& e) {
    state.rules = e.rules;
    note_times(state);
    derive_margins(state);
}

void fold(State& state, const Envelope&, const MarginRulesSet& e) {
    state.margin_rules = e.rules;
    begin_sums(state);
    // What is open binds what it would if it were made now.
    for (auto& [id, order] : state.open_orders) {
        release(state, order);
        order.funds_at = funds_per_unit(state, order.terms, order.valued_at);
        order.pending_funds =
            order.pending_value.raw == 0 ? Price{} : funds_per_unit(state, order.terms, order.pending_value);
        reserve(state, order);
    }
}

void fold(State& state, const Envelope& envelope, const ProductRulesSet& e) {
    state.products = e.rules;
    for (std::uint32_t i = 0; i < state.markets.size(); ++i) {
        state.markets[i].squares_off = next_square_off(state, InstrumentId{i}, envelope.time);
    }
}

void fold(State& state, const Envelope& envelope, const SquareOffBegun& e) {
    // What should have been closed a day before is on its way now.
    for (Portfolio& portfolio : state.portfolios) {
        if (e.instrument.value < portfolio.positions.size()) {
            for (Holding& held : portfolio.positions[e.instrument.value].holdings) {
                held.left_over = held.left_over == LeftOver::no ? LeftOver::no : LeftOver::closing;
            }
        }
    }
    market_of(state, e.instrument).squares_off = next_square_off(state, e.instrument, envelope.time);
}

void fold(State& state, const Envelope&, const InstrumentChanged& e) {
    Market& market = market_of(state, e.instrument);
    Instrument& its = state.instruments[e.instrument.value];
    market.is_expired = market.is_expired && its.expiry == e.definition.expiry;
    const bool is_family_other =
        its.name != e.definition.name || its.underlying != e.definition.underlying || its.kind != e.definition.kind;
    its = e.definition;
    state.times[e.instrument.value] = state.calendars.times_of(e.definition);
    is_family_other ? derive_margins(state) : derive_margin_terms(state, e.instrument);
}

/// No price that was there before is one of the share from here on. What holders gain or lose by it is in their own facts.
void fold(State& state, const Envelope&, const CorporateAction& e) {
    Market& market = market_of(state, e.instrument);
    // What has not traded yet is taken for what the action makes it, or equity would fall until it does.
    if (Market& other = market_of(state, e.other); e.other != e.instrument && other.mark.raw == 0) {
        other.mark = first_mark_of_other(market.mark, e);
        note_margin_mark(state, e.other);
    }
    market.mark = mark_after(market.mark, e.kind == ActionKind::demerger ? market_of(state, e.other).mark : Price{}, e);
    market.has_touch = false;
    market.acted = std::max(market.acted, e.ex_date);
    for (std::size_t i = 0; i < state.strategies.size(); ++i) {
        if (state.strategies[i].halted && std::ranges::binary_search(state.traded[i], e.instrument)) {
            state.strategies[i].missed_actions.push_back(e);
        }
    }
    note_margin_mark(state, e.instrument);
    for (const PortfolioId user : market.users) {
        state.portfolios[user.value].sums.note_change(e.instrument);
    }
}

/// What an action or a settlement leaves of what is held under a product (`fact`). What was held before it.
template <class Fact>
Holding put_holding(Position& position, const Fact& fact) {
    Holding before = position.of(fact.product);
    position.net += fact.quantity - before.net;
    position.cost += fact.cost - before.cost;
    position.realized_pnl += fact.realized_pnl;
    if (fact.product != Product::none) {
        Holding& row = position.row(fact.product);
        row.net = fact.quantity;
        row.cost = fact.cost;
        row.left_over = fact.quantity.raw != 0 ? row.left_over : LeftOver::no;
    }
    return before;
}

void fold(State& state, const Envelope&, const PositionAdjusted& e) {
    Portfolio& portfolio = portfolio_of(state, e.portfolio);
    Position& position = position_of(state, e.portfolio, e.instrument);
    const Holding before = put_holding(position, e);
    if (e.product != Product::none) {
        Holding& row = position.row(e.product);
        // What is to come grows and shrinks with the whole; what a cut leaves over is there.
        for (Arrival& each : row.to_come) {
            each.quantity =
                Qty{before.net.raw <= 0 ? 0
                                        : static_cast<std::int64_t>(static_cast<Int128>(each.quantity.raw) *
                                                                    std::max(e.quantity, Qty{}).raw / before.net.raw)};
        }
        std::erase_if(row.to_come, [](const Arrival& each) { return each.quantity.raw == 0; });
        position.tidy(e.product);
    }
    portfolio.cash += e.cash;
    portfolio.realized_pnl += e.realized_pnl;
    portfolio.equity += e.equity_change;
    state.path.equity += e.equity_change;
    note_equity(state.path);
    note_use(state, e.portfolio, e.instrument);
}

void fold(State& state, const Envelope&, const OrderAdjusted& e) {
    change_order(state, e.order, [&](Order& order) {
        const Int128 before = order.terms.quantity.raw;
        const Int128 after = e.quantity.raw;
        const auto grown = [&](Qty quantity) {
            return Qty{
                static_cast<std::int64_t>(std::min<Int128>(quantity.raw * after / before, limits::kMaxPosition.raw))};
        };
        order.whole = std::max(grown(order.whole), e.quantity);
        order.valued_at = Price{static_cast<std::int64_t>(
            std::min<Int128>(divide_half_even(order.valued_at.raw * before, after), limits::kMaxPrice.raw))};
        order.funds_at = Price{static_cast<std::int64_t>(
            std::min<Int128>(divide_half_even(order.funds_at.raw * before, after), limits::kMaxPrice.raw))};
        order.terms.quantity = e.quantity;
        order.filled = e.filled;
        order.terms.limit_price = e.limit_price;
        order.terms.stop_price = e.stop_price;
    });
    note_missed(state, e.order);
}

void fold(State& state, const Envelope&, const SettlementPrice& e) {
    Market& market = market_of(state, e.instrument);
    market.settlement_date = e.date;
    market.settlement = e.price;
}

void fold(State& state, const Envelope&, const ContractExpired& e) {
    market_of(state, e.instrument).is_expired = true;
}

void fold(State& state, const Envelope&, const PositionSettled& e) {
    Portfolio& portfolio = portfolio_of(state, e.portfolio);
    Position& position = position_of(state, e.portfolio, e.instrument);
    put_holding(position, e);
    position.charges += e.charges;
    if (e.product != Product::none) {
        Holding& row = position.row(e.product);
        if (e.kind == SettlementKind::shares && e.settled.raw < 0) {
            note_delivery(row, Side::sell, -e.settled, e.date, {});
        }
        position.tidy(e.product);
    }
    portfolio.cash += e.cash - e.charges;
    portfolio.realized_pnl += e.realized_pnl;
    portfolio.charges += e.charges;
    portfolio.equity += e.equity_change;
    state.path.equity += e.equity_change;
    note_equity(state.path);
    note_use(state, e.portfolio, e.instrument);
    if (state.has_charge_plan()) {
        note_settled(state, portfolio, e);
    }
}

void fold(State& state, const Envelope&, const ChargesBooked& e) {
    Portfolio& portfolio = portfolio_of(state, e.portfolio);
    for (const markets::ChargeAmount& each : e.lines) {
        portfolio.day.booked[each.line] += each.amount;
    }
    portfolio.day_end_charges += e.charges;
    portfolio.charges += e.charges;
    portfolio.cash -= e.charges;
    portfolio.equity -= e.charges;
    state.path.equity -= e.charges;
    note_equity(state.path);
}

void fold(State& state, const Envelope& envelope, const QuoteTick& e) {
    Market& market = market_of(state, e.instrument);
    market.bid = e.bid;
    market.ask = e.ask;
    market.bid_qty = e.bid_qty;
    market.ask_qty = e.ask_qty;
    market.quoted = market.updated = envelope.time;
    market.has_touch = true;
    Price mark = market.mark;
    if (e.bid.raw != 0 && e.ask.raw != 0) [[likely]] {
        mark = market.traded == kBeforeAll || e.bid > e.ask ? mid(e.bid, e.ask) : std::clamp(mark, e.bid, e.ask);
    } else if (mark.raw == 0) {
        mark = e.bid.raw != 0 ? e.bid : e.ask;
    } else if (state.config.rules >= 2) {
        // Where only buyers are left nobody sells for less than they bid, and the other way round.
        mark = e.bid.raw != 0 ? std::max(mark, e.bid) : e.ask.raw != 0 ? std::min(mark, e.ask) : mark;
    }
    set_mark(state, e.instrument, mark);
    if (state.next_snapshot == kNever) {
        ask_for_snapshot(state, envelope.time);
    }
    ++state.quotes;
}

/// A quote that stands goes on standing: a trade is no offer.
void fold(State& state, const Envelope& envelope, const TradeTick& e) {
    Market& market = market_of(state, e.instrument);
    market.last = e.price;
    market.last_qty = e.quantity;
    market.volume = e.volume;
    market.open_interest = e.open_interest;
    market.traded = market.updated = envelope.time;
    set_mark(state, e.instrument, e.price);
    if (state.next_snapshot == kNever) {
        ask_for_snapshot(state, envelope.time);
    }
    ++state.trades;
}

void fold(State& state, const Envelope& envelope, const BarOpened& e) {
    BarSeries& series = series_of(market_of(state, e.instrument), e.interval);
    series.label = e.label;
    series.counts = !series.is_shadowed;
    if (series.counts) {
        take_bar_price(state, e.instrument, e.open, envelope.time);
    }
    if (state.next_snapshot == kNever) {
        ask_for_snapshot(state, envelope.time);
    }
}

void fold(State& state, const Envelope& envelope, const BarClosed& e) {
    Market& market = market_of(state, e.instrument);
    BarSeries& series = series_of(market, e.interval);
    series.is_shadowed = state.config.rules >= 2 && is_shadowed(market, e, envelope.time);
    series.counts = !series.is_shadowed;
    series.closed = envelope.time;
    if (series.counts) {
        take_bar_price(state, e.instrument, e.close, envelope.time);
    }
    if (state.next_snapshot == kNever) {
        ask_for_snapshot(state, envelope.time);
    }
    ++state.bars;
}

void fold(State& state, const Envelope& envelope, const TradingSessionOpened& e) {
    Market& market = market_of(state, e.instrument);
    const markets::DayTimes& times = state.times[e.instrument.value];
    for (const OrderId id : std::exchange(market.undated, {})) {
        ++visits;
        if (const auto order = state.open_orders.find(id); order != state.open_orders.end()) {
            order->second.good_until = e.date;
        }
    }
    market.acted = market.session_date == kNoDay ? e.date : market.acted;  // what came before it has done its work
    market.session_date = e.date;
    market.day_ends = times.end_of(e.date);
    market.session_closes = times.close_on(e.date);
    market.squares_off = next_square_off(state, e.instrument, envelope.time);
    derive_margin_terms(state, e.instrument);
    if (e.date > state.trading_date) {
        state.trading_date = e.date;
        for (Portfolio& portfolio : state.portfolios) {
            portfolio.day_start_equity = portfolio.equity;
        }
    }
}

void fold(State& state, const Envelope&, const TradingSessionClosed& e) {
    Market& market = market_of(state, e.instrument);
    market.session_closes = market.squares_off = kNever;
    for (Portfolio& portfolio : state.portfolios) {
        if (e.instrument.value < portfolio.positions.size()) {
            for (Holding& held : portfolio.positions[e.instrument.value].holdings) {
                if (held.net.raw != 0 && square_off_time(state, e.instrument, held.product, e.date) != kNever) {
                    held.left_over = LeftOver::waits;
                }
            }
        }
    }
}

void fold(State& state, const Envelope&, const TimerFired& e) {
    const bool was_set = state.timers.erase(e.strategy, e.timer);
    ALPHA_ASSERT(was_set, "a timer fires once, and only when set");
    if (StrategyState& strategy = state.strategies[e.strategy.value]; strategy.halted) {
        strategy.missed_timers.push_back(e.timer);
    }
}

void fold(State& state, const Envelope&, const PnlSnapshot& e) {
    portfolio_of(state, e.portfolio);
    state.next_snapshot = kNever;
}

void fold(State& state, const Envelope&, const PortfolioOpened& e) {
    Portfolio& portfolio = portfolio_of(state, e.portfolio);
    ALPHA_ASSERT(!portfolio.is_open, "a portfolio is opened once");
    portfolio.is_open = true;
    portfolio.initial_cash = e.cash;
    portfolio.cash = e.cash;
    portfolio.day_start_equity = e.cash;
    portfolio.equity = e.cash;
}

void fold(State&, const Envelope&, const SignalRaised&) {}

void fold(State& state, const Envelope& envelope, const OrderIntended& e) {
    ALPHA_ASSERT(e.order >= state.next_order, "order ids only grow");
    state.next_order = OrderId{e.order.value + 1};
    Order order;
    order.id = e.order;
    order.strategy = e.strategy;
    order.portfolio = e.portfolio;
    order.broker = e.broker;
    order.terms = e.terms;
    order.good_until = e.good_until;
    order.whole = e.terms.quantity;
    order.valued_at = e.valued_at;
    order.funds_at = funds_per_unit(state, e.terms, e.valued_at);
    order.held = e.held;
    if (e.terms.tif == TimeInForce::day && e.good_until.days == 0 && state.config.rules >= 2) {
        market_of(state, e.terms.instrument).undated.push_back(e.order);
    }
    order.intent = envelope.seq;
    order.correlation = envelope.correlation;
    if (order.terms.legs != 0) {  // what its group reserves so far, reserved anew with this leg
        order.status = OrderStatus::cancelled;
        release(state, order);
        order.status = OrderStatus::intended;
    }
    reserve(state, order);
    note_use(state, e.portfolio, e.terms.instrument);
    state.placed.insert({e.portfolio, e.terms.instrument, e.order});
    state.open_orders.emplace_hint(state.open_orders.end(), e.order, std::move(order));
    Portfolio& portfolio = portfolio_of(state, e.portfolio);
    ++portfolio.open_orders;
    if (e.terms.product != Product::none) {
        Market& market = state.markets[e.terms.instrument.value];
        market.squares_off = next_square_off(state, e.terms.instrument, envelope.time);
    }
    if (e.terms.parent.value == 0) {  // an exit was judged with its entry
        note_order_sent(state, portfolio, envelope.time);
    }
    ++state.orders;
    if (!e.held) {
        intend_outside(state, e.order, e.terms.quantity, envelope.time);
    }
}

void fold(State& state, const Envelope&, const OrderRefused& e) {
    ALPHA_ASSERT(e.order >= state.next_order, "order ids only grow");
    state.next_order = OrderId{e.order.value + 1};
}

void fold(State& state, const Envelope&, const CancelIntended& e) {
    known_order(state, e.order).cancel_pending = true;
    if (OutsideBroker* const broker = broker_of_wire(state, e.order); broker != nullptr) {
        broker->follows.clear();
        broker->book.cancel(e.order, broker->follows, cancelled_by(e.rule));
    }
}

void fold(State& state, const Envelope& envelope, const ModifyIntended& e) {
    const bool by_strategy = e.rule == Rule::none;
    change_order(state, e.order, [&](Order& order) {
        order.modify_pending = true;
        order.pending_quantity = e.quantity;
        order.pending_whole = by_strategy ? e.quantity + filled_by_other_legs(state, order) : Qty{};
        order.pending_reduce_only = e.reduce_only;
        order.pending_value = e.valued_at;
        OrderTerms terms = order.terms;
        terms.limit_price = e.limit_price;
        terms.stop_price = e.stop_price;
        terms.reduce_only = e.reduce_only;
        order.pending_funds = e.valued_at.raw == 0 ? Price{} : funds_per_unit(state, terms, e.valued_at);
    });
    if (by_strategy) {
        note_order_sent(state, portfolio_of(state, known_order(state, e.order).portfolio), envelope.time);
    }
    if (OutsideBroker* const broker = broker_of_wire(state, e.order); broker != nullptr) {
        broker->follows.clear();
        const bool done = broker->book.modify(e.order, e.quantity, broker->follows, e.limit_price, e.stop_price);
        ALPHA_ASSERT(done, "an order is changed only where its broker can be asked to");
    }
}

void fold(State&, const Envelope&, const ChangeRefused&) {}

void fold(State& state, const Envelope&, const TimerSet& e) {
    state.timers.set(e.strategy, e.timer, e.due);
}

void fold(State& state, const Envelope&, const TimerCancelled& e) {
    state.timers.erase(e.strategy, e.timer);
}

void fold(State& state, const Envelope&, const KillSwitchLatched& e) {
    Portfolio& portfolio = portfolio_of(state, e.portfolio);
    portfolio.latch = e.scope;
    portfolio.killed_by = e.rule;
    if (e.scope == LatchScope::flatten) {
        release_outside(state, e.portfolio);  // what closes positions is to be sent
    }
}

void fold(State& state, const Envelope&, const KillSwitchReleased& e) {
    Portfolio& portfolio = portfolio_of(state, e.portfolio);
    portfolio.latch = LatchScope::none;
    portfolio.killed_by = Rule::none;
    release_outside(state, e.portfolio);
}

void fold(State& state, const Envelope&, const StrategyHalted& e) {
    ALPHA_ASSERT(e.strategy.value < state.strategies.size(), "the fact names a strategy that event 0 does not");
    state.strategies[e.strategy.value].halted = true;
    if (state.config.rules < 2) {  // nothing could let it go on
        state.timers.erase_all_of(e.strategy);
    }
}

void fold(State& state, const Envelope&, const StrategyResumed& e) {
    ALPHA_ASSERT(e.strategy.value < state.strategies.size(), "the fact names a strategy that event 0 does not");
    state.strategies[e.strategy.value] = {};
}

void fold(State& state, const Envelope& envelope, const OrderReleased& e) {
    change_order(state, e.order, [&](Order& order) {
        order.held = false;
        order.terms.quantity = e.quantity;
    });
    intend_outside(state, e.order, e.quantity, envelope.time);
}

void fold(State& state, const Envelope& envelope, const OrderAccepted& e) {
    change_order(state, e.order, [&](Order& order) {
        order.status = transition(order.status, ReportKind::accepted).next;
        order.broker_order = e.broker_order;
    });
    note_missed(state, e.order);
    if (OutsideBroker* const broker = broker_of_wire(state, e.order); broker != nullptr) {
        broker->book.note_live(e.order, envelope.time);
    }
}

void fold(State& state, const Envelope&, const OrderRejected& e) {
    end_order(state, e.order, ReportKind::rejected);
    note_missed(state, e.order);
}

void fold(State& state, const Envelope&, const OrderTriggered& e) {
    change_order(state, e.order, [](Order& order) {
        order.status = transition(order.status, ReportKind::triggered).next;
        order.triggered = true;
    });
    note_missed(state, e.order);
}

void fold(State& state, const Envelope& envelope, const OrderFilled& e) {
    Portfolio& portfolio = portfolio_of(state, e.portfolio);
    Position& position = position_of(state, e.portfolio, e.instrument);
    Market& market = market_of(state, e.instrument);
    market.is_expired = false;  // what has come late is to be settled as well
    const Instrument& of = state.instruments[e.instrument.value];
    const PositionChange change = with_fill(position, e.product, e.side, e.quantity, e.price, e.notional, of);
    ALPHA_ASSERT(change.realized_pnl == e.realized_pnl, "the fill's realized profit is the books'");
    const Money paid = cash_change(of, e.side, e.notional, e.realized_pnl, e.charges);
    const Money moved = paid + market_value(of, change.after, market.mark) - market_value(of, position, market.mark);
    portfolio.equity += moved;
    state.path.equity += moved;
    note_equity(state.path);
    position = change.after;
    position.charges += e.charges;
    Qty unarrived;
    if (e.product != Product::none && !state.products.is_silent()) {
        const Date today = market.session_date == kNoDay ? Date{} : market.session_date;
        unarrived = note_delivery(position.row(e.product), e.side, e.quantity, today, e.settles);
    }
    portfolio.cash += paid;
    portfolio.realized_pnl += e.realized_pnl;
    portfolio.charges += e.charges;
    ++portfolio.fills;
    ++state.fills;
    if (state.has_charge_plan()) {
        note_charged(state, portfolio, e, unarrived);
    }
    if (state.next_snapshot == kNever) {
        ask_for_snapshot(state, envelope.time);
    }
    change_order(state, e.order, [&](Order& order) {
        order.status = transition(order.status, ReportKind::filled).next;
        order.filled += e.quantity;
        order.trades.book(e.trade);
        const bool grows = state.config.rules < 2 ? order.pending_quantity > order.filled : may_grow(state, order);
        if (!is_terminal(order.status) && order.filled >= order.terms.quantity && !grows) {
            order.status = OrderStatus::filled;
        }
    });
    if (e.strategy != kOperator && state.strategies[e.strategy.value].halted) [[unlikely]] {
        state.strategies[e.strategy.value].missed_fills.push_back(e);
        note_missed(state, e.order);
    }
}

void fold(State& state, const Envelope&, const OrderCancelled& e) {
    end_order(state, e.order, ReportKind::cancelled);
    note_missed(state, e.order);
}

void fold(State& state, const Envelope&, const OrderExpired& e) {
    end_order(state, e.order, ReportKind::expired);
    note_missed(state, e.order);
}

void fold(State& state, const Envelope&, const OrderModified& e) {
    change_order(state, e.order, [&](Order& order) {
        if (!order.held) {  // one that the broker has not seen is not at work
            order.status = transition(order.status, ReportKind::modified).next;
        }
        order.terms.quantity = e.quantity;
        order.terms.limit_price = e.limit_price;
        order.terms.stop_price = e.stop_price;
        order.terms.reduce_only = e.reduce_only;
        if (e.rule == Rule::none) {  // what was asked for; otherwise that is still on its way
            if (order.pending_whole.raw != 0) {
                const Qty more = order.pending_whole - order.whole;
                order.whole = order.pending_whole;
                if (more.raw > 0 && order.terms.parent.value == 0) {
                    grow_exits(state, order, more);
                }
            }
            if (order.pending_value.raw != 0) {
                order.valued_at = order.pending_value;
                order.funds_at = order.pending_funds;
            }
            end_change(order);
        }
        if (order.filled >= order.terms.quantity && !may_grow(state, order)) {
            order.status = OrderStatus::filled;
        }
    });
    note_missed(state, e.order);
}

void fold(State& state, const Envelope&, const ChangeRejected& e) {
    change_order(state, e.order, [&](Order& order) {
        if (e.kind == ReportKind::cancel_rejected) {
            order.cancel_pending = false;
            return;
        }
        end_change(order);
        if (!is_terminal(order.status) && order.filled >= order.terms.quantity) {
            order.status = OrderStatus::filled;
        }
    });
    note_missed(state, e.order, true);
}

void fold(State&, const Envelope&, const ReportIgnored&) {}

// ---- brokers outside -------------------------------------------------------------------------------------------------------
//
// A word and what follows from it are two kinds of facts. Folding the word brings the broker's book forward; what follows is kept beside it for
// the kernel, which records it. Where a log is only folded, those facts are in the log, and what is kept is dropped with the next word.

void fold(State& state, const Envelope&, const BrokerRulesSet& e) {
    const auto [at, is_new] = state.outside.try_emplace(e.broker, e.log_number);
    ALPHA_ASSERT(is_new || at->second.book.log_number() == e.log_number, "a journal's number stays");
    at->second.book.set_rules(e.rules);
}

void fold(State& state, const Envelope&, const BrokerSessionChanged& e) {
    OutsideBroker& broker = outside_broker(state, e.broker);
    broker.follows.clear();
    broker.book.on(e.change, broker.follows);
    broker.session = e.change;
    broker.account = e.account.empty() ? broker.account : e.account;
    broker.differences = e.change == SessionChange::reconciling ? 0 : broker.differences;
    if (e.change ==
        SessionChange::restarted) {  // whoever reads now tells all that is there, and of what has gone nothing
        broker.account_rows.clear();
        broker.suspected.clear();
    }
}

void fold(State& state, const Envelope& envelope, const SendStarted& e) {
    OutsideBroker& broker = broker_of_word(state, e.order);
    const Wire& wire = *broker.book.find(e.order);
    const Date day = state.times[wire.instrument.value].date_of(envelope.time);
    broker.book.on(e, envelope.time, day, envelope.seq);
    constexpr Duration kMinute{60 * kSecondNs};
    std::vector<Time>& recent = broker.recent_sends;
    recent.erase(recent.begin(), std::ranges::upper_bound(recent, envelope.time - kMinute));
    recent.push_back(envelope.time);
    if (day > broker.sends_day) {
        broker.sends_day = day;
        broker.sends_today = 0;
    }
    ++broker.sends_today;
}

void fold(State& state, const Envelope& envelope, const SendEnded& e) {
    OutsideBroker& broker = broker_of_word(state, e.order);
    broker.follows.clear();
    broker.book.on(e, envelope.time, broker.follows);
}

void fold(State& state, const Envelope&, const BrokerOrderSeen& e) {
    OutsideBroker& broker = outside_broker(state, e.broker);
    broker.follows.clear();
    broker.book.on(e, broker.follows);
}

void fold(State& state, const Envelope&, const BrokerTradeSeen& e) {
    OutsideBroker& broker = outside_broker(state, e.broker);
    broker.follows.clear();
    broker.book.on(e, broker.follows);
}

void fold(State& state, const Envelope& envelope, const BookRead& e) {
    OutsideBroker& broker = outside_broker(state, e.broker);
    broker.follows.clear();
    broker.book.on(e, envelope.time, broker.follows);
    if (e.with_account) {
        const auto before = std::exchange(broker.suspected, {});
        for (const auto& [instrument, more] : differing_positions(state, e.broker)) {
            const auto at = before.find(instrument);
            const bool is_same = at != before.end() && at->second.more == more;
            broker.suspected.emplace(instrument, is_same ? at->second : Suspected{more});
        }
    }
    for (const OrderId order : broker.book.forget(e)) {
        if (const auto at = state.closed_orders.find(order);
            at != state.closed_orders.end() && !is_bound(state, at->second)) {
            state.closings.push_back(order);
        }
    }
    forget_closed(state);
}

void fold(State& state, const Envelope&, const OrderResolved& e) {
    OutsideBroker& broker = broker_of_word(state, e.order);
    broker.follows.clear();
    broker.book.on(e, broker.follows);
}

void fold(State& state, const Envelope&, const AccountRead& e) {
    if (e.instrument == kUnknownInstrument) {
        return;
    }
    auto& rows = outside_broker(state, e.broker).account_rows;
    const std::tuple key{e.kind, e.instrument, e.product};
    e.quantity.raw == 0 ? void(rows.erase(key)) : void(rows.insert_or_assign(key, AccountRow{e.quantity, e.average}));
}

void fold(State&, const Envelope&, const FundsRead&) {}

/// What is held outside after a quantity came to it, or went, at a price.
void change_outside(State& state, BrokerId broker, InstrumentId instrument, Product product, Qty signed_quantity,
                    Price price) {
    if (instrument == kUnknownInstrument) {
        return;
    }
    auto& held = outside_broker(state, broker).outside;
    OutsideHolding& row = held[{instrument, product}];
    const Qty after = row.net + signed_quantity;
    const bool closes = (row.net.raw > 0) != (signed_quantity.raw > 0) && row.net.raw != 0;
    const Instrument& of = state.instruments[instrument.value];
    if (!closes) {
        row.cost += notional(of, price, signed_quantity);
    } else if (abs(after) <= abs(row.net) && (after.raw > 0) == (row.net.raw > 0)) {
        row.cost = pro_rata(row.cost, abs(after), abs(row.net));
    } else {
        row.cost = notional(of, price, after);  // through zero: what is left was traded at this price
    }
    row.net = after;
    if (row.net.raw == 0) {
        held.erase({instrument, product});
    }
}

void fold(State& state, const Envelope&, const OutsideFilled& e) {
    const Qty quantity = signed_qty(e.side, e.quantity);
    change_outside(state, e.broker, e.instrument, e.product, e.leaves ? -quantity : quantity, e.price);
}

void fold(State& state, const Envelope&, const OutsideAssigned& e) {
    change_outside(state, e.broker, e.instrument, e.product, -e.quantity, e.price);
    Portfolio& portfolio = portfolio_of(state, e.portfolio);
    Position& position = position_of(state, e.portfolio, e.instrument);
    const Market& market = market_of(state, e.instrument);
    const Instrument& of = state.instruments[e.instrument.value];
    const Side side = e.quantity.raw > 0 ? Side::buy : Side::sell;
    const Money value = notional(of, e.price, abs(e.quantity));
    const PositionChange change = with_fill(position, e.product, side, abs(e.quantity), e.price, value, of);
    const Money paid = cash_change(of, side, value, change.realized_pnl, Money{});
    const Money moved = paid + market_value(of, change.after, market.mark) - market_value(of, position, market.mark);
    portfolio.equity += moved;
    state.path.equity += moved;
    note_equity(state.path);
    const auto fills = position.fills;
    position = change.after;
    position.fills = fills;  // none of an order
    if (e.product != Product::none && !state.products.is_silent()) {
        const Date today = market.session_date == kNoDay ? Date{} : market.session_date;
        note_delivery(position.row(e.product), side, abs(e.quantity), today, {});
    }
    position.tidy(e.product);  // what it closes leaves nothing
    portfolio.cash += paid;
    portfolio.realized_pnl += change.realized_pnl;
    note_use(state, e.portfolio, e.instrument);
    const auto& outside = outside_broker(state, e.broker).outside;
    const bool is_any_left =
        std::ranges::any_of(outside, [&](const auto& each) { return each.first.first == e.instrument; });
    if (!is_any_left) {
        outside_broker(state, e.broker).book.thaw(e.instrument);
    }
}

void fold(State& state, const Envelope&, const InstrumentThawed& e) {
    outside_broker(state, e.broker).book.thaw(e.instrument);
}

void fold(State& state, const Envelope&, const OrderOverdue& e) {
    OutsideBroker& broker = broker_of_word(state, e.order);
    broker.follows.clear();
    broker.book.overdue(e.order, broker.follows);
}

void fold(State&, const Envelope&, const OutcomeUnknown&) {}
void fold(State&, const Envelope&, const OutcomeStale&) {}
void fold(State&, const Envelope&, const OrderConflict&) {}

/// It is open again, and on its way to be cancelled.
void fold(State& state, const Envelope&, const OrderRevived& e) {
    auto node = state.closed_orders.extract(e.order);
    ALPHA_ASSERT(!node.empty(), "what is revived was over");
    std::erase(state.closings, e.order);
    Order& order = node.mapped();
    release(state, order);  // what the other legs of its group reserve so far
    order.status = OrderStatus::working;
    order.cancel_pending = true;
    state.placed.insert({order.portfolio, order.terms.instrument, order.id});
    ++portfolio_of(state, order.portfolio).open_orders;
    // What it may come to, the row has said that it was revived by. An open order has something left, whatever a second one filled of it.
    const Wire& wire = *broker_of_word(state, e.order).book.find(e.order);
    order.terms.quantity = std::max({order.terms.quantity, wire.total(), order.filled + Qty{1}});
    const Order& revived = state.open_orders.insert(std::move(node)).position->second;
    reserve(state, revived);
    note_use(state, revived.portfolio, revived.terms.instrument);
    note_missed(state, e.order);
    // What a link binds to it is remembered as long as it is open.
    std::erase_if(state.closings, [&](OrderId id) {
        const auto at = state.closed_orders.find(id);
        return at != state.closed_orders.end() && is_bound(state, at->second);
    });
}

void fold(State& state, const Envelope&, const ReconciliationDiffers& e) {
    OutsideBroker& broker = outside_broker(state, e.broker);
    ++broker.differences;
    const bool freezes = e.action == DifferenceAction::frozen && e.instrument != kUnknownInstrument;
    if (freezes) {
        broker.book.freeze(e.instrument);
    }
    if (e.what == DifferenceKind::position) {
        broker.suspected.insert_or_assign(e.instrument, Suspected{e.theirs - e.ours, true, freezes});
    }
}

void fold(State& state, const Envelope&, const Reconciled& e) {
    OutsideBroker& broker = outside_broker(state, e.broker);
    broker.differences = 0;
    broker.is_reconciled = true;
}

void fold(State& state, const Envelope&, const FeedChanged& e) {
    e.state == FeedState::up ? void(state.bad_feeds.erase(e.source))
                             : void(state.bad_feeds.insert_or_assign(e.source, e.state));
}

}  // namespace

const OutsideBroker* State::outside_of(OrderId id) const {
    for (const auto& [broker, its] : outside) {
        if (its.book.find(id) != nullptr) {
            return &its;
        }
    }
    return nullptr;
}

const Order* State::find_order(OrderId id) const {
    if (const auto open = find_recent(open_orders, id); open != open_orders.end()) {
        return &open->second;
    }
    const auto closed = find_recent(closed_orders, id);
    return closed != closed_orders.end() ? &closed->second : nullptr;
}

std::map<InstrumentId, Qty> differing_positions(const State& state, BrokerId broker) {
    const OutsideBroker& outside = state.outside.at(broker);
    std::map<InstrumentId, Qty> more;
    for (const auto& [key, row] : outside.account_rows) {
        more[std::get<InstrumentId>(key)] += row.quantity;
    }
    for (const auto& [key, held] : outside.outside) {
        more[key.first] -= held.net;
    }
    for (std::uint32_t p = 0; p < state.portfolios.size(); ++p) {
        if (broker_of(state.config, PortfolioId{p}) != &state.config.brokers[broker.value]) {
            continue;
        }
        const std::vector<Position>& positions = state.portfolios[p].positions;
        for (std::uint32_t i = 0; i < positions.size(); ++i) {
            if (positions[i].net.raw != 0) {
                more[InstrumentId{i}] -= positions[i].net;
            }
        }
    }
    std::erase_if(more, [](const auto& each) { return each.second.raw == 0; });
    return more;
}

Reserved reserved_by(const State& state, const Order& order) {
    Reserved most = reserved_by_other_legs(state, order);
    if (!order.terms.reduce_only) {
        most = {std::max(most.quantity, order.leaves()), std::max(most.value, reserved_value(state, order)),
                std::max(most.funds, reserved_funds(state, order))};
    }
    return most;
}

Reserved reserved_by_other_legs(const State& state, const Order& order) {
    Reserved most;
    for (std::uint64_t leg = 0; leg < order.terms.legs; ++leg) {
        const OrderId id{order.terms.group.value + leg};
        const auto other = id == order.id ? state.open_orders.end() : state.open_orders.find(id);
        if (other != state.open_orders.end() && other->second.terms.side == order.terms.side &&
            !other->second.terms.reduce_only) {
            most.quantity = std::max(most.quantity, other->second.leaves());
            most.value = std::max(most.value, reserved_value(state, other->second));
            most.funds = std::max(most.funds, reserved_funds(state, other->second));
        }
    }
    return most;
}

Qty alive_leaves(const State& state, const Order& order) {
    const Order* const entry = order.terms.parent.value == 0 ? nullptr : state.find_order(order.terms.parent);
    if (entry == nullptr) {
        return order.leaves();
    }
    return std::clamp(entry->filled - order.filled - filled_by_other_legs(state, order), Qty{}, order.leaves());
}

Qty linked_total(const State& state, const Order& order) {
    for (std::uint64_t leg = 0; leg < order.terms.legs; ++leg) {
        const OrderId id{order.terms.group.value + leg};
        const Order* const other = id == order.id ? nullptr : state.find_order(id);
        if (other != nullptr && other->status == OrderStatus::filled) {
            return order.filled;
        }
    }
    const Order* const entry = order.terms.parent.value == 0 ? nullptr : state.find_order(order.terms.parent);
    Qty total = order.terms.quantity;  // what is gone stays gone, but for exits whose entry goes on filling
    if (entry != nullptr) {
        total = std::min(order.whole, entry->filled) - filled_by_other_legs(state, order);
    } else if (order.terms.legs != 0) {
        total = std::min(total, order.whole - filled_by_other_legs(state, order));
    }
    return std::max(total, order.filled);
}

bool is_bound(const State& state, const Order& order) {
    const OutsideBroker* const outside = state.outside_of(order.broker);
    if (outside != nullptr && outside->book.find(order.id) != nullptr) {
        return true;
    }
    return std::ranges::any_of(neighbours(state.open_orders, order.id),
                               [&](const auto& entry) { return are_linked(order, entry.second); });
}

bool leads_reservation(const State& state, const Order& order) {
    for (std::uint64_t leg = 0; leg < order.terms.legs; ++leg) {
        const auto other = state.open_orders.find(OrderId{order.terms.group.value + leg});
        if (other != state.open_orders.end() && other->second.terms.side == order.terms.side &&
            !other->second.terms.reduce_only) {
            return other->first == order.id;
        }
    }
    return true;
}

bool is_deeper(Money peak, Money trough, Money other_peak, Money other_trough) {
    // trough / peak < other_trough / other_peak, multiplied out: what is left of one against what is left of the other.
    if ((trough.raw < 0) != (other_trough.raw < 0)) {
        return trough.raw < 0;
    }
    const auto product = [](Money a, Money b) {
        using Wide = UInt128;
        constexpr unsigned kHalf = 64;
        const auto magnitude = [](Money m) { return static_cast<Wide>(m.raw < 0 ? -m.raw : m.raw); };
        const auto low = [](Wide w) { return static_cast<Wide>(static_cast<std::uint64_t>(w)); };
        const Wide x = magnitude(a);
        const Wide y = magnitude(b);
        const Wide cross = low(x) * (y >> kHalf) + (low(x) * low(y) >> kHalf);
        const Wide other_cross = (x >> kHalf) * low(y) + low(cross);
        return std::pair{(x >> kHalf) * (y >> kHalf) + (cross >> kHalf) + (other_cross >> kHalf),
                         other_cross << kHalf | low(low(x) * low(y))};
    };
    const auto kept = product(trough, other_peak);
    const auto other_kept = product(other_trough, peak);
    return trough.raw < 0 ? kept > other_kept : kept < other_kept;
}

Valuation value(const State& state, const Portfolio& portfolio) {
    Valuation sum;
    sum.cash = portfolio.cash;
    sum.realized_pnl = portfolio.realized_pnl;
    sum.charges = portfolio.charges;
    for (std::size_t i = 0; i < portfolio.positions.size(); ++i) {
        const Position& position = portfolio.positions[i];
        if (position.net.raw == 0 && position.cost.raw == 0) {
            continue;
        }
        const Instrument& of = state.instruments[i];
        const Price mark = state.markets[i].mark;
        sum.market_value += market_value(of, position, mark);
        sum.unrealized_pnl += unrealized_pnl(of, position, mark);
        sum.gross_exposure += abs(notional(of, mark, position.net));
    }
    sum.equity = sum.cash + sum.market_value;
    return sum;
}

Time square_off_time(const State& state, InstrumentId instrument, Product product, Date day) {
    const ProductRow* const row = state.product_row(instrument, product, day);
    if (row == nullptr || row->square_off_s == 0) {
        return kNever;
    }
    const markets::DayTimes& times = state.times[instrument.value];
    const auto hours = times.calendar() == nullptr ? std::nullopt : times.calendar()->hours_on(day);
    const Time closes = hours ? hours->close : times.close_on(day);
    const Time opens = hours ? hours->open : times.open_on(day);
    return std::max(closes - Duration{row->square_off_s * kSecondNs}, opens);  // a session may be a short one
}

Time next_square_off(const State& state, InstrumentId instrument, Time now) {
    const Market& market = state.market(instrument);
    Time next = kNever;
    if (market.session_closes == kNever || state.products.is_silent()) {
        return next;
    }
    for (const Portfolio& portfolio : state.portfolios) {
        for (const Holding& held : portfolio.position(instrument).holdings) {
            const Time due = square_off_time(state, instrument, held.product, market.session_date);
            if (held.left_over == LeftOver::waits && due != kNever) {
                next = std::min(next, now);
            } else if (due > now) {
                next = std::min(next, due);
            }
        }
    }
    return next;
}

Result<void> derive_times(State& state) {
    Result<markets::Calendars> calendars = markets::Calendars::make(state.rules);
    if (!calendars) {
        return tl::unexpected(calendars.error());
    }
    state.calendars = std::move(*calendars);
    state.times.clear();
    state.times.reserve(state.instruments.size());
    for (const Instrument& instrument : state.instruments) {
        state.times.push_back(state.calendars.times_of(instrument));
    }
    return {};
}

void derive(State& state) {
    note_traded(state);
    note_times(state);
    state.placed.clear();
    for (const auto& [id, order] : state.open_orders) {
        state.placed.insert({order.portfolio, order.terms.instrument, id});
    }
    for (Market& market : state.markets) {
        market.users.clear();
    }
    for (std::uint32_t p = 0; p < state.portfolios.size(); ++p) {
        Portfolio& portfolio = state.portfolios[p];
        portfolio.equity = value(state, portfolio).equity;
        portfolio.open_value = {};
        for (Position& position : portfolio.positions) {
            position.orders = {};
            for (Holding& held : position.holdings) {
                held.orders = {};
            }
        }
        for (std::uint32_t i = 0; i < portfolio.positions.size(); ++i) {
            const Position& position = portfolio.positions[i];
            portfolio.open_value += position.open_buy_value + position.open_sell_value;
            if (is_used(position)) {
                state.markets[i].users.push_back(PortfolioId{p});
            }
        }
    }
    for (const auto& [id, order] : state.open_orders) {
        OrderFunds funds = funds_of(state, order);
        if (!leads_reservation(state, order)) {  // its group's are its leader's
            funds.buy_funds = funds.sell_funds = {};
        }
        Position& position = state.portfolios[order.portfolio.value].positions[order.terms.instrument.value];
        position.orders.add(funds, 1);
        if (order.terms.product != Product::none) {
            position.row(order.terms.product).orders.add(funds, 1);
        }
    }
    begin_sums(state);
}

template <class E>
void apply(State& state, const Envelope& envelope, const E& event) {
    ALPHA_ASSERT(envelope.seq == state.next_seq, "facts are folded in order, each once");
    ALPHA_ASSERT(envelope.time >= state.now, "event time never goes back");
    state.next_seq = envelope.seq + 1;
    state.now = envelope.time;
    fold(state, envelope, event);
}

#define ALPHA_INSTANTIATE(E) template void apply(State&, const Envelope&, const E&);
ALPHA_EVENTS(ALPHA_INSTANTIATE)
#undef ALPHA_INSTANTIATE

void apply(State& state, const Envelope& envelope, const Event& event) {
    std::visit([&](const auto& e) { apply(state, envelope, e); }, event);
}

namespace {

/// What is held under each product is a book of its own, and its orders reserve what they may still fill.
void check_holdings(const State& state, PortfolioId portfolio, InstrumentId instrument) {
    const Position& position = state.portfolios[portfolio.value].positions[instrument.value];
    std::map<Product, std::pair<Qty, Qty>> open;
    for (const PlacedOrder& placed : state.orders_of(portfolio, instrument)) {
        const Order& order = state.open_orders.at(placed.order);
        if (leads_reservation(state, order)) {
            auto& [buys, sells] = open[order.terms.product];
            (order.terms.side == Side::buy ? buys : sells) += reserved_by(state, order).quantity;
        }
    }
    Product last = Product::none;
    for (std::size_t p = 0; p < kProducts; ++p) {
        const Holding held = position.of(static_cast<Product>(p));
        ALPHA_ASSERT(held.net.raw != 0 || held.cost.raw == 0, "what is flat has no cost left over");
        ALPHA_ASSERT(held.open_buys == open[held.product].first && held.open_sells == open[held.product].second,
                     "reservations under a product are those of its open orders");
    }
    for (const Holding& held : position.holdings) {
        ALPHA_ASSERT(held.product > last && held != (Holding{held.product, {}, {}, {}, {}, LeftOver::no, {}}),
                     "rows of products stand in their order, and each says something");
        last = held.product;
        Qty to_come;
        for (const Arrival& each : held.to_come) {
            to_come += each.quantity;
        }
        ALPHA_ASSERT(to_come <= std::max(held.net, Qty{}), "no more is to come than is held");
    }
}

}  // namespace

void check_invariants(const State& state) {
    std::uint64_t fills = 0;
    Money account;
    std::vector<std::vector<PortfolioId>> users(state.instruments.size());
    std::set<PlacedOrder> placed;
    std::vector<std::uint32_t> open_orders(state.portfolios.size());
    std::vector<std::vector<Position>> working(state.portfolios.size());
    for (auto& positions : working) {
        positions.resize(state.instruments.size());
    }
    for (const auto& [id, order] : state.open_orders) {
        ALPHA_ASSERT(!is_terminal(order.status), "an open order is not terminal");
        ALPHA_ASSERT(order.leaves().raw > 0, "an open order has something left");
        ++open_orders[order.portfolio.value];
        placed.insert({order.portfolio, order.terms.instrument, id});
        if (!leads_reservation(state, order)) {
            continue;
        }
        Position& sum = working[order.portfolio.value][order.terms.instrument.value];
        const Reserved reserved = reserved_by(state, order);
        (order.terms.side == Side::buy ? sum.open_buys : sum.open_sells) += reserved.quantity;
        (order.terms.side == Side::buy ? sum.open_buy_value : sum.open_sell_value) += reserved.value;
    }
    std::size_t bound = 0;
    for (const auto& [id, order] : state.closed_orders) {
        ALPHA_ASSERT(is_terminal(order.status), "a closed order is terminal");
        bound += is_bound(state, order) ? 1U : 0U;
    }
    ALPHA_ASSERT(state.closings.size() + bound == state.closed_orders.size() &&
                     std::ranges::all_of(state.closings,
                                         [&](OrderId id) {
                                             const auto at = state.closed_orders.find(id);
                                             return at != state.closed_orders.end() && !is_bound(state, at->second);
                                         }),
                 "what has closed is remembered by when it closed, and as long as a link binds it");
    for (std::size_t p = 0; p < state.portfolios.size(); ++p) {
        const Portfolio& portfolio = state.portfolios[p];
        Money cost;
        Money realized;
        Money charges = portfolio.day_end_charges;
        Money open_value;
        std::uint64_t portfolio_fills = 0;
        for (std::size_t i = 0; i < portfolio.positions.size(); ++i) {
            const Position& position = portfolio.positions[i];
            check_holdings(state, PortfolioId{static_cast<std::uint32_t>(p)},
                           InstrumentId{static_cast<std::uint32_t>(i)});
            ALPHA_ASSERT(position.open_buys == working[p][i].open_buys &&
                             position.open_sells == working[p][i].open_sells &&
                             position.open_buy_value == working[p][i].open_buy_value &&
                             position.open_sell_value == working[p][i].open_sell_value,
                         "reservations are those of the open orders");
            if (is_used(position)) {
                users[i].push_back(PortfolioId{static_cast<std::uint32_t>(p)});
            }
            open_value += position.open_buy_value + position.open_sell_value;
            cost += state.instruments[i].is_marked_daily() ? Money{} : position.cost;
            realized += position.realized_pnl;
            charges += position.charges;
            portfolio_fills += position.fills;
        }
        ALPHA_ASSERT(portfolio.cash == portfolio.initial_cash - cost + realized - charges,
                     "cash is what the fills left");
        ALPHA_ASSERT(portfolio.realized_pnl == realized && portfolio.charges == charges,
                     "totals are the positions' sums");
        const Valuation v = value(state, portfolio);
        ALPHA_ASSERT(v.equity == portfolio.initial_cash + v.realized_pnl + v.unrealized_pnl - v.charges,
                     "equity is initial cash plus profit less charges");
        ALPHA_ASSERT(portfolio.equity == v.equity, "equity moves with the marks and the fills");
        ALPHA_ASSERT(portfolio.open_value == open_value, "what open orders are worth is what positions reserve");
        ALPHA_ASSERT(portfolio.fills == portfolio_fills, "fills are counted once");
        ALPHA_ASSERT(portfolio.open_orders == open_orders[p], "open orders are counted once");
        ALPHA_ASSERT(portfolio.is_open || (portfolio.fills == 0 && portfolio.cash.raw == 0), "nothing trades unopened");
        fills += portfolio_fills;
        account += portfolio.is_open ? v.equity : state.config.portfolios[p].cash;
    }
    ALPHA_ASSERT(state.path.equity == account, "the account's equity is its portfolios'");
    for (std::size_t i = 0; i < users.size(); ++i) {
        ALPHA_ASSERT(state.markets[i].users == users[i], "who uses an instrument is noted with it");
    }
    ALPHA_ASSERT(state.placed == placed, "open orders stand by portfolio and instrument, too");
    ALPHA_ASSERT(state.fills == fills, "every fill belongs to a portfolio");
    ALPHA_ASSERT(state.markets.size() == state.instruments.size(), "every instrument has a market");
}

}  // namespace alpha
