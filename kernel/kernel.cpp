#include "kernel/kernel.hpp"

#include "kernel/actions.hpp"
#include "kernel/charges.hpp"
#include "kernel/visits.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <utility>

namespace alpha {

using markets::is_auction;

/// A request of a strategy, waiting to be judged.
struct Kernel::Request {
    enum class Kind : std::uint8_t { place, place_linked, cancel, modify, set_timer, cancel_timer, signal };
    Kind kind = Kind::place;
    StrategyId strategy;
    OrderId order;                   // of linked ones the first
    OrderTerms terms;                // modify: quantity and prices; signal: instrument
    std::vector<OrderTerms> linked;  // place_linked
    TimerId timer;
    Time due;
    Direction direction = Direction::flat;
};

/// What a broker outside has led to.
struct Followed {
    BrokerId broker;
    OutsideFact fact;
};

/// The next leg of a group is to go to a broker that knows no links.
struct NextLeg {
    OrderId order;
};

struct Kernel::Work {
    std::variant<Request, BrokerReport, NextLeg, Followed> item;
    Cause cause;
};

/// The Context that strategies see: notes requests down, with the event that moved them.
class Kernel::StrategyContext final : public Context {
public:
    explicit StrategyContext(Kernel& kernel) : kernel_(kernel), view_(kernel.state_, StrategyId{}) {}

    void speak_for(StrategyId strategy, Cause cause) {
        strategy_ = strategy;
        cause_ = cause;
        view_ = View(kernel_.state_, strategy);
    }

    const View& view() const override { return view_; }
    OrderId place(const OrderTerms& terms) override {
        Request request = of_kind(Request::Kind::place);
        request.order = kernel_.next_order_;
        request.terms = terms;
        kernel_.next_order_.value += 1;
        ask(request);
        return request.order;
    }
    OrderId place_linked(std::span<const OrderTerms> orders) override {
        Request request = of_kind(Request::Kind::place_linked);
        request.order = kernel_.next_order_;
        request.linked.assign(orders.begin(), orders.end());
        kernel_.next_order_.value += orders.size();
        ask(request);
        return request.order;
    }
    void cancel(OrderId order) override {
        Request request = of_kind(Request::Kind::cancel);
        request.order = order;
        ask(request);
    }
    void modify(OrderId order, Qty quantity, Price limit_price, Price stop_price) override {
        Request request = of_kind(Request::Kind::modify);
        request.order = order;
        request.terms.quantity = quantity;
        request.terms.limit_price = limit_price;
        request.terms.stop_price = stop_price;
        ask(request);
    }
    void set_timer(TimerId timer, Time due) override {
        Request request = of_kind(Request::Kind::set_timer);
        request.timer = timer;
        request.due = due;
        ask(request);
    }
    void cancel_timer(TimerId timer) override {
        Request request = of_kind(Request::Kind::cancel_timer);
        request.timer = timer;
        ask(request);
    }
    void signal(InstrumentId instrument, Direction direction) override {
        Request request = of_kind(Request::Kind::signal);
        request.terms.instrument = instrument;
        request.direction = direction;
        ask(request);
    }

private:
    Request of_kind(Request::Kind kind) const {
        Request request;
        request.kind = kind;
        request.strategy = strategy_;
        return request;
    }
    void ask(const Request& request) { kernel_.work_.push_back({request, cause_}); }

    Kernel& kernel_;
    View view_;
    StrategyId strategy_;
    Cause cause_;
};

namespace {

/// When what waits to be sent, or rests though it should have filled, may do so no longer.
Time overdue_at(const OutsideBroker& outside, const Order& order, const Wire& wire) {
    const OutsideRules& rules = outside.book.rules();
    const bool is_market = order.terms.type == OrderType::market;
    if (wire.state == WireState::held) {
        return wire.decided + (is_market ? rules.market_age : rules.order_age);
    }
    const bool rests =
        wire.state == WireState::live && is_market && rules.market_rest.ns != 0 && !wire.is_ending && !wire.is_missing;
    return rests && wire.cancel == ChangeState::none ? wire.live_since + rules.market_rest : kNever;
}

}  // namespace

Kernel::Kernel(Components parts, Frame& frame) : Kernel(State{}, std::move(parts), frame) {}

Kernel::Kernel(State state, Components parts, Frame& frame)
    : state_(std::move(state)),
      parts_(std::move(parts)),
      frame_(&frame),
      limits_(state_.config),
      next_order_(state_.next_order),
      context_(std::make_unique<StrategyContext>(*this)) {
    if (state_.next_seq == 0) {
        return;
    }
    ALPHA_ASSERT(parts_.strategies.size() == state_.config.strategies.size(),
                 "one strategy for each that is configured");
    ALPHA_ASSERT(parts_.venues.size() == state_.config.brokers.size(), "one venue for each broker that is configured");
    subscribers_.resize(state_.instruments.size());
    for (std::uint32_t s = 0; s < state_.config.strategies.size(); ++s) {
        for (const InstrumentId instrument : state_.config.strategies[s].instruments) {
            subscribers_[instrument.value].push_back(StrategyId{s});
        }
    }
    for (std::uint32_t i = 0; i < state_.markets.size(); ++i) {
        if (state_.markets[i].session_closes != kNever) {
            session_ends_.emplace(state_.markets[i].session_closes, InstrumentId{i});
        }
        note_square_off(InstrumentId{i});
        note_expiry(InstrumentId{i});
    }
    for (const auto& each : state_.outside) {
        note_overdues(each.second);
    }
    refresh_next_due();
}

Kernel::~Kernel() = default;

// ---- facts -----------------------------------------------------------------------------------------------------------------

template <class E>
Seq Kernel::record(const E& event, Cause cause) {
    const Envelope envelope{state_.next_seq, step_time_, cause.root, cause.parent};
    append(*frame_, envelope, event);
    apply(state_, envelope, event);
    if (state_.next_snapshot < next_due_) [[unlikely]] {
        next_due_ = state_.next_snapshot;
    }
    if (parts_.observer != nullptr) {
        if constexpr (std::is_same_v<E, OrderFilled>) {
            parts_.observer->on_fill(envelope, event);
        } else if constexpr (std::is_same_v<E, OrderIntended>) {
            parts_.observer->on_order(envelope, event);
        } else if constexpr (std::is_same_v<E, OrderRefused>) {
            parts_.observer->on_refusal(envelope, event);
        } else if constexpr (std::is_same_v<E, KillSwitchLatched>) {
            parts_.observer->on_latch(envelope, event);
        } else if constexpr (std::is_same_v<E, StrategyHalted>) {
            parts_.observer->on_halt(envelope, event);
        } else if constexpr (std::is_same_v<E, TradingSessionOpened>) {
            parts_.observer->on_session(envelope, event);
        } else if constexpr (std::is_same_v<E, ChargesBooked>) {
            parts_.observer->on_day_end(envelope, event);
        } else if constexpr (std::is_same_v<E, OutcomeStale>) {
            parts_.observer->on_stale(envelope, event);
        } else if constexpr (std::is_same_v<E, OrderConflict>) {
            parts_.observer->on_conflict(envelope, event);
        } else if constexpr (std::is_same_v<E, ReconciliationDiffers>) {
            parts_.observer->on_difference(envelope, event);
        }
    }
    return envelope.seq;
}

void Kernel::enter_step(Time now) {
    ALPHA_ASSERT(next_work_ == work_.size(), "a step ends with nothing left to do");
    step_root_ = state_.next_seq;
    step_time_ = moment_ = now;
}

template <class E>
Seq Kernel::begin_step(Time now, const E& input) {
    enter_step(now);
    return record(input, Cause{});
}

void Kernel::configure(const RunConfigured& config, Time begins) {
    ALPHA_ASSERT(state_.next_seq == 0, "a session is configured once");
    ALPHA_ASSERT(parts_.strategies.size() == config.strategies.size(), "one strategy for each that is configured");
    ALPHA_ASSERT(parts_.venues.size() == config.brokers.size(), "one venue for each broker that is configured");
    const Seq root = begin_step(begins, config);
    limits_ = RiskLimits(config);
    for (std::uint32_t i = 0; i < state_.instruments.size(); ++i) {
        note_expiry(InstrumentId{i});
    }
    refresh_next_due();
    subscribers_.resize(config.instruments.size());
    for (std::uint32_t s = 0; s < config.strategies.size(); ++s) {
        const StrategyConfig& strategy = config.strategies[s];
        for (const InstrumentId instrument : strategy.instruments) {
            subscribers_[instrument.value].push_back(StrategyId{s});
        }
        if (!state_.portfolios[strategy.portfolio.value].is_open) {
            record(PortfolioOpened{strategy.portfolio, config.portfolios[strategy.portfolio.value].cash},
                   Cause{root, root});
        }
    }
}

void Kernel::reconfigure(const RunConfigured& config, std::vector<std::unique_ptr<Strategy>> anew,
                         std::vector<Venue*> venues) {
    ALPHA_ASSERT(state_.next_seq != 0, "a session is configured before it is reconfigured");
    ALPHA_ASSERT(anew.size() == parts_.strategies.size(), "one strategy, or none, for each that is configured");
    ALPHA_ASSERT(venues.size() == parts_.venues.size(), "one venue for each broker that is configured");
    const Seq root = begin_step(state_.now, RunReconfigured{config});
    limits_ = RiskLimits(config);
    derive(state_);
    parts_.venues = std::move(venues);
    for (std::uint32_t s = 0; s < anew.size(); ++s) {
        if (anew[s] == nullptr) {
            continue;
        }
        parts_.strategies[s] = std::move(anew[s]);
        std::vector<TimerId> pending;
        for (const PendingTimer& timer : state_.timers) {
            if (timer.strategy == StrategyId{s}) {
                pending.push_back(timer.timer);
            }
        }
        for (const TimerId timer : pending) {
            record(TimerCancelled{StrategyId{s}, timer}, Cause{root, root});
        }
    }
    refresh_next_due();
}

// ---- what falls due ------------------------------------------------------------------------------------------------------

void Kernel::refresh_next_due() {
    next_due_ = state_.next_snapshot;
    if (!state_.timers.empty()) {
        next_due_ = std::min(next_due_, state_.timers.front().due);
    }
    if (!session_ends_.empty()) {
        next_due_ = std::min(next_due_, session_ends_.begin()->first);
    }
    if (!square_offs_.empty()) {
        next_due_ = std::min(next_due_, square_offs_.begin()->first);
    }
    if (!expiries_.empty()) {
        next_due_ = std::min(next_due_, expiries_.begin()->first);
    }
    if (!overdues_.empty()) {
        next_due_ = std::min(next_due_, overdues_.begin()->first);
    }
}

void Kernel::run_due(Time now, bool session_end_included) {
    while (next_due_ <= now && run_next_due(now, session_end_included)) {}
}

bool Kernel::advance(Time now, std::uint32_t steps) {
    for (; next_due_ < now && steps > 0; --steps) {
        run_next_due(now, false);
    }
    return next_due_ < now;
}

bool Kernel::step_due(Time now, bool session_end_included) {
    return next_due_ <= now && run_next_due(now, session_end_included);
}

/// What is due first, at `now` or before; of several at one time, as they stand here. False where that is a session that ends exactly now,
/// or a contract with it, after the bar that closes with it.
bool Kernel::run_next_due(Time now, bool session_end_included) {
    enum class Due : std::uint8_t { nothing, square_off, session_end, expiry, overdue, timer, snapshot };
    Due first = Due::nothing;
    Time when = kNever;
    const auto consider = [&](Due due, Time time, bool is_reached) {
        if (is_reached && time < when) {
            first = due;
            when = time;
        }
    };
    const auto has_ended = [&](Time time) { return time < now || (time == now && session_end_included); };
    const Time square_off_due = square_offs_.empty() ? kNever : square_offs_.begin()->first;
    const Time session_end = session_ends_.empty() ? kNever : session_ends_.begin()->first;
    const Time expiry = expiries_.empty() ? kNever : expiries_.begin()->first;
    const Time timer_due = state_.timers.empty() ? kNever : state_.timers.front().due;
    consider(Due::square_off, square_off_due, square_off_due <= now);
    consider(Due::session_end, session_end, has_ended(session_end));
    consider(Due::expiry, expiry, has_ended(expiry));
    const Time overdue = overdues_.empty() ? kNever : overdues_.begin()->first;
    consider(Due::overdue, overdue, overdue <= now);
    consider(Due::timer, timer_due, timer_due <= now);
    consider(Due::snapshot, state_.next_snapshot, state_.next_snapshot <= now);
    switch (first) {
    case Due::nothing: return false;
    case Due::square_off: {
        const InstrumentId instrument = square_offs_.begin()->second;
        square_offs_.erase(square_offs_.begin());
        if (state_.markets[instrument.value].squares_off == when) {  // else it has become another
            begin_square_off(when, {instrument, state_.markets[instrument.value].session_date});
        }
        break;
    }
    case Due::session_end: {
        const InstrumentId instrument = session_ends_.begin()->second;
        session_ends_.erase(session_ends_.begin());
        close_session(when, {instrument, state_.markets[instrument.value].session_date});
        break;
    }
    case Due::expiry: {
        const InstrumentId instrument = expiries_.begin()->second;
        expiries_.erase(expiries_.begin());
        if (is_in_use(instrument) && expires_at(state_, instrument) == when) {
            expire(when, {instrument, last_day_of(state_, instrument)});
        }
        break;
    }
    case Due::overdue: {
        const OrderId order = overdues_.begin()->second;
        overdues_.erase(overdues_.begin());
        fall_overdue(when, order);
        break;
    }
    case Due::timer: fire_timer(when, state_.timers.front()); break;
    case Due::snapshot: take_snapshots(when); break;
    }
    refresh_next_due();
    return true;
}

void Kernel::close_session(Time now, const TradingSessionClosed& closed) {
    const Time at = std::max(now, state_.now);
    const Seq root = begin_step(at, closed);
    for (Venue* venue : parts_.venues) {
        venue->on_session_closed(at, closed, reports_);
    }
    queue_reports(Cause{root, root});
    if (state_.instruments[closed.instrument.value].expires() &&
        closed.date >= last_day_of(state_, closed.instrument)) {
        end_orders_of(closed.instrument, Rule::expired, Cause{root, root}, [](const Order&) { return true; });
    }
    drain();
    settle_day(closed.instrument, closed.date, Cause{root, root});
    end_day_with_last_market(Cause{root, root});
}

// ---- contracts ---------------------------------------------------------------------------------------------------------------

/// Whether a portfolio holds something of it, under whatever product, or has an order.
bool Kernel::is_in_use(InstrumentId instrument) const {
    return !state_.markets[instrument.value].users.empty() ||
           std::ranges::any_of(state_.portfolios, [&](const Portfolio& portfolio) {
               return !portfolio.position(instrument).holdings.empty();
           });
}

void Kernel::note_expiry(InstrumentId instrument) {
    if (state_.instruments[instrument.value].expires() && !state_.markets[instrument.value].is_expired) {
        if (const Time due = expires_at(state_, instrument); due >= state_.now || is_in_use(instrument)) {
            expiries_.emplace(due, instrument);
        }
    }
}

Time Kernel::last_expiry_today() const {
    Time last = kNever;
    for (const auto& [due, instrument] : expiries_) {
        if (last_day_of(state_, instrument) > state_.trading_date) {
            break;  // nearly: those of one day close within it
        }
        last = is_in_use(instrument) ? due : last;
    }
    return last;
}

std::optional<InstrumentId> Kernel::underlying_of(InstrumentId contract) {
    const std::string& name = state_.instruments[contract.value].underlying;
    if (name.empty()) {
        return std::nullopt;
    }
    if (by_name_.empty() || names_known_ != state_.instruments.size()) {
        by_name_.clear();
        names_known_ = state_.instruments.size();
        for (std::uint32_t i = 0; i < state_.instruments.size(); ++i) {
            by_name_.emplace(state_.instruments[i].name, InstrumentId{i});
        }
        // What is called otherwise since is still what the contract was written on.
        for (std::uint32_t i = 0; i < state_.config.instruments.size(); ++i) {
            by_name_.emplace(state_.config.instruments[i].name, InstrumentId{i});
        }
    }
    const auto at = by_name_.find(name);
    return at == by_name_.end() || at->second == contract ? std::nullopt : std::optional(at->second);
}

/// What a future has gained since it was settled last comes in; as it expires that is the expiry's.
void Kernel::settle_day(InstrumentId instrument, Date date, Cause cause) {
    const Instrument& future = state_.instruments[instrument.value];
    if (!future.is_marked_daily() || (future.expires() && date >= last_day_of(state_, instrument))) {
        return;
    }
    if (const std::optional<Decimal> price = settlement_price(state_, instrument, date); price) {
        settle(instrument, {SettlementKind::daily, date, *price, {}, {}}, cause);
    }
}

void Kernel::expire(Time now, const ContractExpired& expired) {
    const Seq root = begin_step(std::max(now, state_.now), expired);
    const Cause cause{root, root};
    // Venues end their orders at once, those on their way too; others are asked to.
    for (Venue* venue : parts_.venues) {
        venue->on_expired(state_.now, expired, reports_);
    }
    queue_reports(cause);
    drain();
    end_orders_of(expired.instrument, Rule::expired, cause, [](const Order&) { return true; });
    drain();
    settle(expired.instrument,
           final_settlement(state_, expired.instrument, underlying_of(expired.instrument), expired.date), cause);
    for (std::uint32_t p = 0; p < state_.portfolios.size(); ++p) {
        if (const Verdict loss = check_daily_loss(limits_, state_.portfolios[p]); loss.refused()) {
            latch(PortfolioId{p}, LatchScope::entries, loss, cause);
            drain();
        }
    }
    end_day_with_last_market(cause);
}

/// All that is held of the instrument.
void Kernel::settle(InstrumentId instrument, const Settlement& settlement, Cause cause) {
    std::vector<PositionSettled> facts;
    for (std::uint32_t p = 0; p < state_.portfolios.size(); ++p) {
        for (std::size_t of = 0; of < kProducts; ++of) {
            const Holding held = state_.portfolios[p].position(instrument).of(static_cast<Product>(of));
            if (held.net.raw != 0) {
                settle(PortfolioId{p}, instrument, held, settlement, cause, facts);
            }
        }
    }
    if (settlement.kind == SettlementKind::daily || facts.empty()) {
        return;
    }
    for (Venue* venue : parts_.venues) {
        venue->on_settled(state_.now, facts, reports_);
    }
    queue_reports(cause);
    drain();
    for (const PositionSettled& fact : facts) {
        if (fact.kind == SettlementKind::shares) {
            cancel_uncovered(fact.portfolio, fact.instrument, fact.product, cause);
            if (links_any_by_kernel()) {
                follow_links(fact.portfolio, fact.instrument, cause);
            }
            drain();
        }
    }
}

/// Orders that are to sell shares which have gone for delivery: the newest go first, until the rest is there.
void Kernel::cancel_uncovered(PortfolioId portfolio, InstrumentId instrument, Product product, Cause cause) {
    const ProductRow* const row =
        product == Product::none ? nullptr : state_.product_row(instrument, product, date_of(instrument));
    if (row == nullptr || row->shorts) {
        return;
    }
    const Holding held = state_.portfolios[portfolio.value].position(instrument).of(product);
    Qty beyond = held.open_sells - std::max(held.net, Qty{});
    std::vector<OrderId> sells;
    for (const PlacedOrder& placed : state_.orders_of(portfolio, instrument)) {
        const Order& order = state_.open_orders.at(placed.order);
        if (order.terms.side == Side::sell && order.terms.product == product && !order.terms.reduce_only &&
            !order.cancel_pending) {
            sells.push_back(order.id);
        }
    }
    for (auto at = sells.rbegin(); at != sells.rend() && beyond.raw > 0; ++at) {
        beyond -= state_.open_orders.at(*at).leaves();
        cancel_for(*at, Rule::holdings, cause);
    }
}

void Kernel::settle(PortfolioId portfolio, InstrumentId instrument, const Holding& held, Settlement settlement,
                    Cause cause, std::vector<PositionSettled>& facts) {
    const auto worth = [&](InstrumentId id, const Position& position) {
        return market_value(state_.instruments[id.value], position, state_.markets[id.value].mark);
    };
    const Instrument& contract = state_.instruments[instrument.value];
    if (state_.has_charge_plan() && state_.portfolios[portfolio.value].day.date < settlement.date) {
        end_day(portfolio, cause);
    }
    if (settlement.shares) {  // as far as the books can hold them
        const Int128 moved = static_cast<Int128>(held.net.raw) * contract.multiplier;
        const Int128 most =
            limits::kMaxPosition.raw -
            static_cast<Int128>(abs(state_.portfolios[portfolio.value].position(*settlement.shares).net).raw);
        if (moved > most || -moved > most) {
            settlement.shares.reset();
            settlement.kind = contract.is_option() ? SettlementKind::exercised : SettlementKind::cash;
        }
    }
    PositionSettled fact = settled(portfolio, instrument, contract, held, settlement);
    if (state_.has_charge_plan()) {
        // A table that says nothing of it asks nothing.
        if (const Result<markets::ChargeAmounts> charges = settlement_charges(state_, fact, settlement.date); charges) {
            fact.lines = lines_of(*charges);
            fact.charges = charges->total();
        }
    }
    // Equity moves once, with the last of the facts.
    const Position& position = state_.portfolios[portfolio.value].position(instrument);
    Position after = position;
    after.net += fact.quantity - held.net;
    after.cost += fact.cost - held.cost;
    Money change = fact.cash - fact.charges + worth(instrument, after) - worth(instrument, position);
    if (!settlement.shares) {
        fact.equity_change = change;
        record(fact, cause);
        facts.push_back(fact);
        return;
    }
    // Under the product in which shares are delivered, where there are products.
    const InstrumentId shares = *settlement.shares;
    const Product product =
        state_.product_row(shares, Product::cnc, settlement.date) != nullptr ? Product::cnc : Product::none;
    const Position& held_shares = state_.portfolios[portfolio.value].position(shares);
    PositionSettled moved = shares_for(portfolio, contract, held, product, held_shares, settlement);
    Position shares_after = held_shares;
    const Holding before = held_shares.of(product);
    shares_after.net += moved.quantity - before.net;
    shares_after.cost += moved.cost - before.cost;
    moved.equity_change = change + moved.cash + worth(shares, shares_after) - worth(shares, held_shares);
    record(fact, cause);
    record(moved, cause);
    facts.push_back(fact);
    facts.push_back(moved);
}

/// Has what falls due of an instrument fall due.
void Kernel::note_square_off(InstrumentId instrument) {
    if (const Time due = state_.markets[instrument.value].squares_off; due != kNever) [[unlikely]] {
        square_offs_.emplace(due, instrument);
        next_due_ = std::min(next_due_, due);
    }
}

void Kernel::begin_square_off(Time now, const SquareOffBegun& begun) {
    const Seq root = begin_step(std::max(now, state_.now), begun);
    const Cause cause{root, root};
    note_square_off(begun.instrument);
    end_orders_of(begun.instrument, Rule::square_off, cause, [&](const Order& order) {
        return order.strategy != kOperator && is_squaring_off(order.portfolio, begun.instrument, order.terms.product);
    });
    for (std::uint32_t p = 0; p < state_.portfolios.size(); ++p) {
        for (std::size_t of = 1; of < kProducts; ++of) {
            if (const auto product = static_cast<Product>(of);
                is_squaring_off(PortfolioId{p}, begun.instrument, product)) {
                to_square_off_.push_back({PortfolioId{p}, begun.instrument, product, cause});
            }
        }
    }
    drain();
}

/// Whether the broker has begun to close what the portfolio holds under the product, and the session lasts.
bool Kernel::is_squaring_off(PortfolioId portfolio, InstrumentId instrument, Product product) const {
    const Market& market = state_.markets[instrument.value];
    if (product == Product::none || market.session_closes == kNever) {
        return false;
    }
    const Time due = square_off_time(state_, instrument, product, market.session_date);
    return (due <= state_.now && market.squares_off != due) ||
           state_.portfolios[portfolio.value].position(instrument).of(product).left_over == LeftOver::closing;
}

/// Closes what is held under the product, once no order of a strategy can change it any more: as far as orders that are under way do not.
/// Asked again whenever such an order has ended or filled.
void Kernel::square_off(const ToSquareOff& what) {
    const auto& [portfolio, instrument, product, cause] = what;
    Qty left = state_.portfolios[portfolio.value].position(instrument).net_of(product);
    for (const PlacedOrder& placed : state_.orders_of(portfolio, instrument)) {
        ++visits;
        const Order& order = state_.open_orders.at(placed.order);
        if (order.terms.product != product) {
            continue;
        }
        if (order.strategy != kOperator) {
            return;
        }
        left += signed_qty(order.terms.side, order.leaves());
    }
    send_closing_orders(portfolio, instrument, product, left, kSquareOffTag, cause);
}

/// The last market of the day has closed: its note can be made. One that opens again that day adds to it.
void Kernel::end_day_with_last_market(Cause cause) {
    if (state_.has_charge_plan() && session_ends_.empty()) {
        for (std::uint32_t p = 0; p < state_.portfolios.size(); ++p) {
            end_day(PortfolioId{p}, cause);
        }
    }
}

void Kernel::end_day(PortfolioId portfolio, Cause cause) {
    if (const std::optional<ChargesBooked> booked = day_end_charges(state_, portfolio); booked) {
        record(*booked, cause);
    }
}

void Kernel::fire_timer(Time now, const PendingTimer& timer) {
    const TimerFired fired{timer.strategy, timer.timer};
    const Seq root = begin_step(std::max(now, state_.now), fired);
    call_strategy(fired.strategy, Cause{root, root},
                  [&](Strategy& strategy, Context& context) { strategy.on_timer(fired.timer, context); });
    drain();
}

void Kernel::take_snapshots(Time boundary) {
    // One step: the first portfolio's snapshot is its root. With none open there is nothing to see, and the next boundary
    // is asked for again.
    Cause cause;
    const Time at = std::max(boundary, state_.now);
    for (std::uint32_t p = 0; p < state_.portfolios.size(); ++p) {
        const Portfolio& portfolio = state_.portfolios[p];
        if (!portfolio.is_open) {
            continue;
        }
        const Valuation v = value(state_, portfolio);
        const PnlSnapshot snapshot{PortfolioId{p}, v.cash,           v.market_value,
                                   v.equity,       v.realized_pnl,   v.unrealized_pnl,
                                   v.charges,      v.gross_exposure, portfolio.open_orders};
        if (cause.parent == kNoSeq) {
            const Seq root = begin_step(at, snapshot);
            cause = Cause{root, root};
        } else {
            record(snapshot, cause);
        }
    }
    ALPHA_ASSERT(cause.parent != kNoSeq, "snapshots are only scheduled with a portfolio open");
}

void Kernel::open_session(Time now, InstrumentId instrument, Time reference) {
    const Market& market = state_.markets[instrument.value];
    ALPHA_ASSERT(market.session_closes == kNever, "a session closes before the next one opens");
    const Date date = state_.times[instrument.value].date_of(reference);
    const Date day_before = state_.trading_date;
    const TradingSessionOpened opened{instrument, date};
    const Seq root = begin_step(now, opened);
    moment_ = reference;
    for (Venue* venue : parts_.venues) {
        venue->on_session_opened(now, opened, reports_);
    }
    queue_reports(Cause{root, root});
    if (state_.trading_date > day_before && state_.config.daily_loss_latch_ends == LatchEnd::trading_day) {
        for (std::uint32_t p = 0; p < state_.portfolios.size(); ++p) {
            if (state_.portfolios[p].latch == LatchScope::entries &&
                state_.portfolios[p].killed_by == Rule::daily_loss) {
                record(KillSwitchReleased{PortfolioId{p}}, Cause{root, root});
            }
        }
    }
    if (state_.instruments[instrument.value].expires() && date > last_day_of(state_, instrument)) {
        end_orders_of(instrument, Rule::expired, Cause{root, root}, [](const Order&) { return true; });
    }
    // Orders of a day before whose charges nobody knows today go nowhere.
    if (state_.has_charge_plan()) {
        end_orders_of(instrument, Rule::no_charges, Cause{root, root},
                      [&](const Order& order) { return !knows_charges(order.terms); });
    }
    drain();
    session_ends_.emplace(market.session_closes, instrument);
    note_square_off(instrument);
    refresh_next_due();
}

// ---- the market's day ------------------------------------------------------------------------------------------------------

/// Null where the instrument goes by no calendar.
const markets::Moment* Kernel::moment_of(InstrumentId instrument, Time t) {
    const markets::Calendar* const calendar = state_.times[instrument.value].calendar();
    if (calendar == nullptr) {
        return nullptr;
    }
    if (instrument.value >= moments_.size()) [[unlikely]] {
        moments_.resize(state_.instruments.size());
    }
    KeptMoment& kept = moments_[instrument.value];
    if (t < kept.since || t >= kept.moment.until) [[unlikely]] {
        kept.moment = calendar->at(t);
        kept.since = t;
    }
    return &kept.moment;
}

/// Whether the instrument's orders can fill.
bool Kernel::is_trading(InstrumentId instrument, Time t) {
    const markets::Moment* const moment = moment_of(instrument, t);
    return moment == nullptr || state_.times[instrument.value].trades(*moment);
}

/// The trading day of what is done to the instrument now.
Date Kernel::date_of(InstrumentId instrument) const {
    const Market& market = state_.market(instrument);
    return moment_ < market.day_ends ? market.session_date : state_.times[instrument.value].date_of(moment_);
}

/// A record came in this phase.
void Kernel::enter_phase(InstrumentId instrument, const markets::Moment& moment, Cause cause) {
    markets::Phase& entered = moments_[instrument.value].entered;
    if (entered == moment.phase) [[likely]] {
        return;
    }
    entered = moment.phase;
    // Before a closing auction the exchange cancels stops of the day that have not triggered (NSE/CMTR/73362). What lasts longer is kept by
    // whoever places it anew each day, and takes no part in auctions.
    if (moment.phase >= markets::Phase::closing_reference && moment.phase <= markets::Phase::closing_match) {
        end_orders_of(instrument, Rule::market_phase, cause, [](const Order& order) {
            return needs_stop(order.terms.type) && !order.triggered && order.terms.tif == TimeInForce::day;
        });
        drain();
    }
}

/// Cancels those open orders of an instrument that `ends` says yes to, in the order in which they were placed.
template <class Ends>
void Kernel::end_orders_of(InstrumentId instrument, Rule rule, Cause cause, Ends ends) {
    std::vector<OrderId> ended;
    for (std::uint32_t p = 0; p < state_.portfolios.size(); ++p) {
        for (const PlacedOrder& placed : state_.orders_of(PortfolioId{p}, instrument)) {
            const Order& order = state_.open_orders.at(placed.order);
            if (!order.cancel_pending && ends(order)) {
                ended.push_back(order.id);
            }
        }
    }
    std::ranges::sort(ended);
    for (const OrderId order : ended) {
        cancel_for(order, rule, cause);
    }
}

/// The day whose session a DAY order that is made while the market is shut belongs to, as far as a calendar says it; absent: the one that
/// opens next.
Date Kernel::next_session_of(InstrumentId instrument) const {
    const markets::Calendar* const calendar = state_.times[instrument.value].calendar();
    if (calendar == nullptr) {
        return {};
    }
    const Date today = calendar->at(moment_).date;
    const bool is_to_come = calendar->hours_on(today).has_value() && moment_ < calendar->closes(today) &&
                            state_.market(instrument).session_date < today;
    return is_to_come ? today : calendar->next_trading_day(today).value_or(Date{});
}

bool Kernel::knows_charges(const OrderTerms& terms) {
    if (!state_.has_charge_plan()) {
        return true;
    }
    const auto* rates = day_rates_.of(state_, terms.instrument, terms.product, terms.side, date_of(terms.instrument));
    if (rates == nullptr && parts_.observer != nullptr) {
        parts_.observer->on_no_charges(day_rates_.failure());
    }
    return rates != nullptr;
}

// ---- inputs ----------------------------------------------------------------------------------------------------------------

template <class E, class ToVenues, class ToStrategy>
void Kernel::market_step(Time now, Time session_reference, const E& input, ToVenues to_venues, ToStrategy to_strategy) {
    if (next_due_ <= now) [[unlikely]] {
        run_due(now, session_reference == now);
    }
    const markets::Moment* moment = nullptr;
    if (!state_.calendars.is_empty()) [[unlikely]] {
        moment = moment_of(input.instrument, session_reference);
    }
    if (session_reference >= state_.markets[input.instrument.value].day_ends) [[unlikely]] {
        if (moment == nullptr || state_.times[input.instrument.value].opens(*moment)) {
            open_session(now, input.instrument, session_reference);
        }
    }
    const Price mark_before = state_.markets[input.instrument.value].mark;
    const Seq root = begin_step(now, input);
    const Cause cause{root, root};
    moment_ = session_reference;
    if (moment != nullptr) [[unlikely]] {
        enter_phase(input.instrument, *moment, cause);
    }
    // What comes while orders cannot fill marks and is told, and meets no order.
    if (moment == nullptr) [[likely]] {
        to_venues(markets::Phase::continuous);
    } else if (const markets::DayTimes& times = state_.times[input.instrument.value]; times.trades(*moment)) {
        to_venues(times.phase_of(*moment));
    }
    if (!reports_.empty()) [[unlikely]] {
        queue_reports(cause);
        drain();
    }
    // A mark that stands moves no equity; fills are checked where they are taken.
    if (limits_.of(Rule::daily_loss) && state_.markets[input.instrument.value].mark != mark_before) {
        check_daily_losses(input.instrument, cause);
    }
    for (const StrategyId strategy : subscribers_[input.instrument.value]) {
        call_strategy(strategy, cause, to_strategy);
        if (!work_.empty()) [[unlikely]] {
            drain();
        }
    }
}

void Kernel::on(Time now, const QuoteTick& quote) {
    market_step(
        now, now, quote,
        [&](markets::Phase phase) {
            const AuctionPrices prices{quote.instrument, quote.bid, quote.ask, quote.bid_qty, quote.ask_qty};
            for (Venue* venue : parts_.venues) {
                is_auction(phase) ? venue->on_auction(now, prices, reports_) : venue->on_quote(now, quote, reports_);
            }
        },
        [&](Strategy& strategy, Context& context) { strategy.on_quote(quote, context); });
}

void Kernel::on(Time now, const TradeTick& trade) {
    market_step(
        now, now, trade,
        [&](markets::Phase phase) {
            const AuctionPrices prices{trade.instrument, trade.price, trade.price, trade.quantity, trade.quantity};
            for (Venue* venue : parts_.venues) {
                is_auction(phase) ? venue->on_auction(now, prices, reports_) : venue->on_trade(now, trade, reports_);
            }
        },
        [&](Strategy& strategy, Context& context) { strategy.on_trade(trade, context); });
}

void Kernel::on(Time now, const BarOpened& bar) {
    market_step(
        now, now, bar,
        [&](markets::Phase phase) {
            const Market& market = state_.markets[bar.instrument.value];
            for (Venue* venue : parts_.venues) {
                if (is_auction(phase)) {
                    if (market.counts(bar.interval)) {
                        venue->on_auction(now, {bar.instrument, bar.open, bar.open}, reports_);
                    }
                } else if (market.counts(bar.interval)) {
                    venue->on_bar_opened(now, bar, market.is_shortest(bar.interval), reports_);
                } else if (market.is_shortest(bar.interval)) {
                    venue->on_shadowed_open(now, bar, reports_);
                }
            }
        },
        [&](Strategy& strategy, Context& context) { strategy.on_bar_opened(bar, context); });
}

void Kernel::on(Time now, const BarClosed& bar) {
    // A bar that closes with its session still belongs to it.
    const Time within{now.ns - 1};
    market_step(
        now, within, bar,
        [&](markets::Phase phase) {
            // One that began before the auction has traded in the session as well: it is met as any bar is.
            const bool is_of_auction =
                is_auction(phase) && is_auction(state_.times[bar.instrument.value].calendar()->at(bar.label).phase);
            for (Venue* venue : parts_.venues) {
                if (!state_.markets[bar.instrument.value].counts(bar.interval)) {
                    continue;
                }
                is_of_auction ? venue->on_auction(now, {bar.instrument, bar.close, bar.close}, reports_)
                              : venue->on_bar_closed(now, bar, reports_);
            }
        },
        [&](Strategy& strategy, Context& context) { strategy.on_bar(bar, context); });
}

void Kernel::on(Time now, const ListInstrument& listing) {
    run_due(now, true);
    const InstrumentId id{static_cast<std::uint32_t>(state_.instruments.size())};
    begin_step(now, InstrumentListed{id, listing.definition});
    subscribers_.emplace_back();
    note_expiry(id);
    refresh_next_due();
}

void Kernel::on(Time now, const MarketRulesSet& set) {
    run_due(now, false);
    begin_step(now, set);
    moments_.clear();
    day_rates_.forget();
    // Other calendars close on other days, and at other times.
    expiries_.clear();
    for (std::uint32_t i = 0; i < state_.instruments.size(); ++i) {
        note_expiry(InstrumentId{i});
    }
    refresh_next_due();
}

void Kernel::on(Time now, const ProductRulesSet& set) {
    run_due(now, false);
    begin_step(now, set);
    square_offs_.clear();
    for (std::uint32_t i = 0; i < state_.markets.size(); ++i) {
        note_square_off(InstrumentId{i});
    }
    refresh_next_due();
}

void Kernel::on(Time now, const MarginRulesSet& set) {
    run_due(now, false);
    begin_step(now, set);
    refresh_next_due();
}

void Kernel::on(Time now, const CorporateAction& action) {
    run_due(now, true);
    const Price mark = state_.markets[action.instrument.value].mark;
    const Seq root = begin_step(now, action);
    const Price other_mark = state_.markets[action.other.value].mark;
    const Cause cause{root, root};
    std::vector<PositionAdjusted> positions;
    adjust_positions(action, mark, other_mark, cause, positions);
    std::vector<OrderAdjusted> orders;
    if (action.kind != ActionKind::dividend) {
        adjust_orders(action, cause, orders);
    }
    for (Venue* venue : parts_.venues) {
        venue->on_corporate_action(now, action, orders, positions, reports_);
    }
    queue_reports(cause);
    drain();
    if (links_any_by_kernel()) {
        for (const PositionAdjusted& position : positions) {
            follow_links(position.portfolio, position.instrument, cause);
            drain();
        }
    }
    for (const StrategyId strategy : subscribers_[action.instrument.value]) {
        call_strategy(strategy, cause,
                      [&](Strategy& its, Context& context) { its.on_corporate_action(action, context); });
        drain();
    }
    refresh_next_due();
}

/// What the action does to what each portfolio holds, by portfolio and product. Nothing is folded before all of a portfolio is known: equity
/// moves once.
void Kernel::adjust_positions(const CorporateAction& action, Price mark, Price other_mark, Cause cause,
                              std::vector<PositionAdjusted>& adjusted_positions) {
    const Instrument& instrument = state_.instruments[action.instrument.value];
    const Instrument& other = state_.instruments[action.other.value];
    const Price after = state_.markets[action.instrument.value].mark;
    const bool gives = action.other != action.instrument;
    for (std::uint32_t p = 0; p < state_.portfolios.size(); ++p) {
        const PortfolioId portfolio{p};
        const Position& position = state_.portfolios[p].position(action.instrument);
        const Position& others = state_.portfolios[p].position(action.other);
        std::vector<PositionAdjusted> facts;
        Qty net = position.net;
        Qty net_of_other = others.net;
        Money cash;
        for (std::size_t of = 0; of < kProducts; ++of) {
            const Holding held = position.of(static_cast<Product>(of));
            const std::optional<PositionAdjusted> own = adjusted(portfolio, held, instrument, mark, action);
            if (!own) {
                continue;
            }
            facts.push_back(*own);
            net += own->quantity - held.net;
            cash += own->cash;
            const Holding held_of_other = others.of(held.product);
            if (const auto given =
                    gives ? received(portfolio, held, held_of_other, other, other_mark, action) : std::nullopt) {
                facts.push_back(*given);
                net_of_other += given->quantity - held_of_other.net;
                cash += given->cash;
            }
        }
        if (facts.empty()) {
            continue;
        }
        facts.back().equity_change = cash + notional(instrument, after, net) - notional(instrument, mark, position.net);
        if (gives) {
            facts.back().equity_change +=
                notional(other, other_mark, net_of_other) - notional(other, other_mark, others.net);
        }
        for (const PositionAdjusted& fact : facts) {
            record(fact, cause);
        }
        adjusted_positions.insert(adjusted_positions.end(), facts.begin(), facts.end());
    }
}

/// What a split does to the orders of its instrument, and to those that have ended and that links bind to one of them. What cannot be
/// changed, or has a change of its own under way, is cancelled by its venue, as all are by any other action.
void Kernel::adjust_orders(const CorporateAction& action, Cause cause, std::vector<OrderAdjusted>& adjusted_orders) {
    const Instrument& instrument = state_.instruments[action.instrument.value];
    std::vector<OrderId> concerned;
    for (const auto* orders : {&state_.closed_orders, &state_.open_orders}) {
        for (const auto& [id, order] : *orders) {
            if (order.terms.instrument == action.instrument &&
                (!is_terminal(order.status) || is_bound(state_, order))) {
                concerned.push_back(id);
            }
        }
    }
    std::ranges::sort(concerned);
    for (const OrderId id : concerned) {
        const Order& order = *state_.find_order(id);
        const bool is_open = !is_terminal(order.status);
        std::optional<OrderAdjusted> after;
        if (action.kind == ActionKind::split && fits_after(order.terms.quantity, action)) {
            after = adjusted(order, instrument, action);
        }
        const bool stays = after && !order.modify_pending && state_.outside_of(order.broker) == nullptr &&
                           after->quantity > after->filled && after->quantity <= limits::kMaxQty;
        if (is_open && !stays) {
            if ((order.held || state_.outside_of(order.broker) != nullptr) && !order.cancel_pending) {
                cancel_for(id, Rule::corporate_action, cause);  // no venue knows it
            } else if (!order.cancel_pending) {
                record(CancelIntended{id, Rule::corporate_action}, cause);
            }
        } else if (after && after->quantity.raw > 0) {
            record(*after, cause);
            adjusted_orders.push_back(*after);
        }
    }
}

void Kernel::on(Time now, const InstrumentChanged& change) {
    const Instrument& before = state_.instruments[change.instrument.value];
    ALPHA_ASSERT(!is_in_use(change.instrument) ||
                     (change.definition.multiplier == before.multiplier && change.definition.kind == before.kind),
                 "what is held stays what it is");
    run_due(now, true);
    begin_step(now, change);
    moments_.clear();
    day_rates_.forget();
    by_name_.clear();
    note_expiry(change.instrument);
    refresh_next_due();
}

void Kernel::on(Time now, const SettlementPrice& price) {
    run_due(now, false);
    begin_step(now, price);
}

void Kernel::on(Time now, const BrokerReport& report) {
    run_due(now, true);
    enter_step(now);
    work_.push_back({report, Cause{}});
    drain();
}

// What a person or the runtime asks for between two inputs runs only what the next input would find due as well: where
// nothing comes of it, nothing records that it was asked for, and whoever replays must not need to know.

void Kernel::on(Time now, const KillRequest& kill) {
    const auto [portfolio, scope] = kill;
    run_due(now, false);
    const LatchScope stands = state_.portfolios[portfolio.value].latch;
    const bool is_more = scope == LatchScope::flatten ? stands != scope : stands < scope;
    // A person's latch outlasts the trading day that a loss limit's belongs to.
    const bool takes_over = scope == LatchScope::entries && stands == scope &&
                            state_.portfolios[portfolio.value].killed_by != Rule::operator_kill;
    if (is_more || takes_over) {
        enter_step(now);
        latch(portfolio, scope, Verdict{Rule::operator_kill, {}, {}}, Cause{});
        end_flattening(portfolio, Cause{step_root_, step_root_});  // at once where there is nothing to close
        drain();
    }
}

void Kernel::on(Time now, const ReleaseRequest& release) {
    run_due(now, false);
    if (state_.portfolios[release.portfolio.value].killed()) {
        begin_step(now, KillSwitchReleased{release.portfolio});
    }
}

void Kernel::on(Time now, const ResumeRequest& resume) {
    const StrategyId strategy = resume.strategy;
    run_due(now, false);
    if (!state_.strategies[strategy.value].halted) {
        return;
    }
    const StrategyState missed = state_.strategies[strategy.value];
    const Seq root = begin_step(now, StrategyResumed{strategy});
    const Cause cause{root, root};
    for (const CorporateAction& action : missed.missed_actions) {
        call_strategy(strategy, cause,
                      [&](Strategy& its, Context& context) { its.on_corporate_action(action, context); });
    }
    for (const OrderFilled& fill : missed.missed_fills) {
        call_strategy(strategy, cause, [&](Strategy& its, Context& context) { its.on_fill(fill, context); });
    }
    for (const MissedUpdate& word : missed.missed_orders) {
        const OrderUpdate update{word.order, word.status, Rule::none, word.change_failed};
        call_strategy(strategy, cause, [&](Strategy& its, Context& context) { its.on_order(update, context); });
    }
    for (const TimerId timer : missed.missed_timers) {
        call_strategy(strategy, cause, [&](Strategy& its, Context& context) { its.on_timer(timer, context); });
    }
    drain();
}

void Kernel::on(Time now, const HaltRequest& halt) {
    if (state_.strategies[halt.strategy.value].halted) {
        return;
    }
    // A timer may halt the strategy; that the halt was asked for is recorded nevertheless.
    run_due(now, false);
    enter_step(now);
    halt_strategy(halt.strategy, Cause{}, halt.reason);
}

// ---- strategies ------------------------------------------------------------------------------------------------------------

template <class Callback>
void Kernel::call_strategy(StrategyId id, Cause cause, Callback callback) {
    if (id == kOperator || state_.strategies[id.value].halted) [[unlikely]] {
        return;
    }
    context_->speak_for(id, cause);
    const std::size_t requests_before = work_.size();
    const OrderId order_before = next_order_;
    std::optional<std::string> thrown;
    try {
        callback(*parts_.strategies[id.value], *context_);
    } catch (const std::exception& e) {
        thrown = e.what();
    } catch (...) {
        thrown = "it threw something that is no std::exception";
    }
    if (thrown) [[unlikely]] {
        // What it asked for in the callback that failed is half a thought: none of it happens.
        work_.resize(requests_before);
        next_order_ = order_before;
        halt_strategy(id, cause, std::move(*thrown));
    }
}

void Kernel::halt_strategy(StrategyId strategy, Cause cause, std::string reason) {
    reason.resize(std::min(reason.size(), limits::kMaxTextBytes));
    record(StrategyHalted{strategy, std::move(reason)}, cause);
    refresh_next_due();
}

void Kernel::tell_order(const Order& order, Cause cause, bool change_failed) {
    const OrderUpdate update{order.id, order.status, Rule::none, change_failed};
    call_strategy(order.strategy, cause,
                  [&](Strategy& strategy, Context& context) { strategy.on_order(update, context); });
}

// ---- work within a step ---------------------------------------------------------------------------------------------------

void Kernel::drain() {
    do_work();
    while (!to_square_off_.empty()) [[unlikely]] {
        const std::vector<ToSquareOff> now = std::exchange(to_square_off_, {});
        for (const ToSquareOff& what : now) {
            square_off(what);
            do_work();
        }
    }
}

void Kernel::do_work() {
    while (next_work_ < work_.size()) {
        const Work work = std::move(work_[next_work_]);
        ++next_work_;
        if (const auto* report = std::get_if<BrokerReport>(&work.item)) {
            take_report(*report, work.cause);
        } else if (const auto* follow = std::get_if<Followed>(&work.item)) {
            take_follow(follow->broker, follow->fact, work.cause);
        } else if (const auto* leg = std::get_if<NextLeg>(&work.item)) {
            release_held(leg->order, work.cause);
        } else {
            carry_out(std::get<Request>(work.item), work.cause);
        }
    }
    work_.clear();
    next_work_ = 0;
    // Ids promised to a strategy that was halted before its turn came are given again: a kernel that goes on from the saved
    // state cannot know of them.
    next_order_ = state_.next_order;
}

/// One more request of the strategy in this step. Returns how many that makes.
std::uint32_t Kernel::count_request(StrategyId strategy) {
    requested_.resize(state_.strategies.size());
    Requested& requested = requested_[strategy.value];
    if (requested.step != step_root_) {
        requested = {step_root_, 0};
    }
    return ++requested.requests;
}

Verdict Kernel::too_much_asked(StrategyId strategy) const {
    const std::uint32_t requests = requested_[strategy.value].requests;
    return requests <= limits::kMaxFactsPerStep
               ? Verdict{}
               : Verdict{Rule::step_facts, money_of(limits::kMaxFactsPerStep), money_of(requests)};
}

/// Judges the question, with the sums it is judged by settled: the next one finds nothing left to compute.
Verdict Kernel::judged(const RiskQuestion& question) {
    settle_sums(state_, limits_, question.config().portfolio);
    const Verdict verdict = judge(question);
    return verdict.refused() || knows_charges(question.terms) ? verdict : Verdict{Rule::no_charges, {}, {}};
}

void Kernel::carry_out(const Request& request, Cause cause) {
    if (state_.strategies[request.strategy.value].halted) {
        return;
    }
    // Orders are refused past the bound; a strategy that answers refusals with more requests is stopped at twice the bound.
    if (count_request(request.strategy) > 2 * limits::kMaxFactsPerStep) {
        return halt_strategy(request.strategy, cause, "it kept asking past the bound of requests in one step");
    }
    switch (request.kind) {
    case Request::Kind::place: return place(request, cause);
    case Request::Kind::place_linked: return place_linked(request, cause);
    case Request::Kind::cancel: return cancel(request, cause);
    case Request::Kind::modify: return modify(request, cause);
    case Request::Kind::set_timer: return set_timer(request, cause);
    case Request::Kind::cancel_timer: return cancel_timer(request, cause);
    case Request::Kind::signal:
        record(SignalRaised{request.strategy, request.terms.instrument, request.direction}, cause);
    }
}

void Kernel::place(const Request& request, Cause cause) {
    const StrategyConfig& config = state_.config.strategies[request.strategy.value];
    OrderTerms terms = request.terms;
    terms.parent = terms.group = OrderId{};  // links are for place_linked
    terms.legs = 0;
    Verdict verdict = too_much_asked(request.strategy);
    if (!verdict.refused() && terms.instrument.value >= state_.instruments.size()) {
        verdict = {Rule::unknown_instrument, {}, money_of(terms.instrument.value)};
    }
    if (!verdict.refused()) {
        terms.product = terms.product == Product::none ? config.product : terms.product;
        RiskQuestion question{state_, limits_, request.strategy, terms, valued_at(terms, config.broker)};
        question.moment = moment_;
        // While entries are shut, what can only reduce is let through as just that.
        terms.reduce_only =
            terms.reduce_only || (question.portfolio().latch == LatchScope::entries && question.reduces());
        question.terms.reduce_only = terms.reduce_only;
        verdict = judged(question);
    }
    if (verdict.refused()) {
        return refuse(request.order, request.strategy, terms, verdict, cause);
    }
    // A broker that does not know what reduce-only is gets no more than there is to reduce.
    const bool held = terms.reduce_only && !parts_.venues[config.broker.value]->links_orders();
    const Seq intent = intend(request.order, request.strategy, terms, held, cause);
    const Cause after{cause.root, intent};
    held ? release_held(request.order, after) : perform(config.broker, placement_of(request.order), after);
}

namespace {

/// Turns positions in the list into order numbers, and refuses links that make no sense.
Verdict resolve_links(std::vector<OrderTerms>& orders, OrderId first) {
    const auto refused = [](std::size_t number) {
        return Verdict{Rule::links, money_of(limits::kMaxLegs), money_of(static_cast<std::int64_t>(number))};
    };
    if (orders.empty() || orders.size() > limits::kMaxLegs) {
        return refused(orders.size());
    }
    std::vector<std::uint64_t> groups;
    for (std::size_t i = 0; i < orders.size(); ++i) {
        const OrderTerms& order = orders[i];
        const std::uint64_t parent = order.parent.value;
        const std::uint64_t group = order.group.value;
        const bool parent_fits = parent == 0 || (parent <= i && orders[parent - 1].parent.value == 0 &&
                                                 orders[parent - 1].side != order.side);
        // The first leg names itself; the others name it and follow it without a gap, exits of one entry among themselves.
        const bool group_fits = group == 0 || group == i + 1 ||
                                (group <= i && groups[i - 1] == group && orders[group - 1].parent == order.parent);
        // Each is judged by itself, so nothing stands here that no link binds: entries are legs of the first one's group.
        const bool is_bound = i == 0 || parent != 0 || (group == 1 && orders.front().group == order.group);
        if (order.instrument != orders.front().instrument || order.product != orders.front().product || !parent_fits ||
            !group_fits || !is_bound) {
            return refused(i + 1);
        }
        groups.push_back(group);
    }
    for (std::size_t i = 0; i < orders.size(); ++i) {
        OrderTerms& order = orders[i];
        order.legs =
            groups[i] == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(std::ranges::count(groups, groups[i]));
        if (order.legs == 1) {
            return refused(i + 1);
        }
        order.group = groups[i] == 0 ? OrderId{} : OrderId{first.value + groups[i] - 1};
        order.parent = order.parent.value == 0 ? OrderId{} : OrderId{first.value + order.parent.value - 1};
        order.reduce_only = order.reduce_only || order.parent.value != 0;
    }
    return {};
}

}  // namespace

/// Judged whole and once: entries by every rule, exits by what makes an order, since they add nothing.
void Kernel::place_linked(const Request& request, Cause cause) {
    const StrategyConfig& config = state_.config.strategies[request.strategy.value];
    std::vector<OrderTerms> orders = request.linked;
    for (OrderTerms& order : orders) {
        order.product = order.product == Product::none ? config.product : order.product;
    }
    Verdict verdict = too_much_asked(request.strategy);
    if (!verdict.refused()) {
        verdict = resolve_links(orders, request.order);
    }
    if (!verdict.refused() && orders.front().instrument.value >= state_.instruments.size()) {
        verdict = {Rule::unknown_instrument, {}, money_of(orders.front().instrument.value)};
    }
    const auto entries = std::ranges::count(orders, OrderId{}, &OrderTerms::parent);
    // While entries are shut, a group whose larger leg can only reduce is let through as just that, as a single order is.
    if (!verdict.refused() && state_.portfolios[config.portfolio.value].latch == LatchScope::entries) {
        const auto reduces = [&](const OrderTerms& order) {
            return RiskQuestion{state_, limits_, request.strategy, order, Price{}}.reduces();
        };
        const bool is_one_group = std::ranges::all_of(orders, [&](const OrderTerms& order) {
            return order.parent.value == 0 && order.side == orders.front().side;
        });
        if (is_one_group && std::ranges::all_of(orders, reduces)) {
            for (OrderTerms& order : orders) {
                order.reduce_only = true;
            }
        }
    }
    for (std::size_t i = 0; i < orders.size() && !verdict.refused(); ++i) {
        RiskQuestion question{state_, limits_, request.strategy, orders[i], valued_at(orders[i], config.broker)};
        question.moment = moment_;
        std::optional<RiskQuestion> beside;
        const auto is_other_side = [&](const OrderTerms& before) {
            return before.group == orders[i].group && before.side != orders[i].side &&
                   before.instrument == orders[i].instrument && before.parent.value == 0;
        };
        if (const auto at =
                std::find_if(orders.begin(), orders.begin() + static_cast<std::ptrdiff_t>(i), is_other_side);
            orders[i].legs != 0 && at != orders.begin() + static_cast<std::ptrdiff_t>(i)) {
            beside.emplace(RiskQuestion{state_, limits_, request.strategy, *at, valued_at(*at, config.broker)});
            question.beside = &*beside;
        }
        question.placed_together = static_cast<std::uint32_t>(orders.size());
        question.entries_together = static_cast<std::uint32_t>(entries);
        verdict = orders[i].parent.value == 0 ? judged(question) : judge_exit(question);
    }
    if (verdict.refused()) {
        for (std::size_t i = 0; i < orders.size(); ++i) {
            refuse(OrderId{request.order.value + i}, request.strategy, orders[i], verdict, cause);
        }
        return;
    }
    const bool venue_links = parts_.venues[config.broker.value]->links_orders();
    Seq intent = kNoSeq;
    for (std::size_t i = 0; i < orders.size(); ++i) {
        const bool held = !venue_links && (i > 0 || orders[i].reduce_only);
        const Seq fact = intend(OrderId{request.order.value + i}, request.strategy, orders[i], held, cause);
        intent = i == 0 ? fact : intent;
    }
    const Cause after{cause.root, intent};
    if (!venue_links) {
        orders.front().reduce_only ? release_held(request.order, after)
                                   : perform(config.broker, placement_of(request.order), after);
        for (std::size_t i = 1; i < orders.size(); ++i) {
            if (orders[i].parent.value == 0) {  // once it is known that the legs before it have not filled at once
                work_.push_back({NextLeg{OrderId{request.order.value + i}}, after});
            }
        }
        return;
    }
    PlaceLinked linked;
    for (std::size_t i = 0; i < orders.size(); ++i) {
        linked.orders.push_back(placement_of(OrderId{request.order.value + i}));
    }
    perform(config.broker, linked, after);
}

Seq Kernel::intend(OrderId order, StrategyId strategy, const OrderTerms& terms, bool held, Cause cause) {
    const StrategyConfig& config = state_.config.strategies[strategy.value];
    const Market& market = state_.markets[terms.instrument.value];
    OrderIntended intended{order, strategy, config.portfolio, config.broker, terms, {}};
    if (terms.tif == TimeInForce::day && market.session_closes != kNever && state_.now < market.session_closes) {
        intended.good_until = market.session_date;
    } else if (terms.tif == TimeInForce::day) {
        intended.good_until = next_session_of(terms.instrument);
    }
    intended.valued_at = terms.reduce_only ? Price{} : valued_at(terms, config.broker);
    intended.held = held;
    const Seq fact = record(intended, cause);
    if (terms.product != Product::none) {
        note_square_off(terms.instrument);
    }
    return fact;
}

PlaceOrder Kernel::placement_of(OrderId id) const {
    const Order* order = state_.find_order(id);
    ALPHA_ASSERT(order != nullptr, "an order that was intended is remembered");
    const Instrument& instrument = state_.instruments[order->terms.instrument.value];
    return {id, order->terms, order->good_until, order->portfolio, instrument.tick, instrument.lot};
}

Price Kernel::valued_at(const OrderTerms& terms, BrokerId broker) {
    if (terms.instrument.value >= state_.instruments.size()) {
        return {};
    }
    const Market& market = state_.markets[terms.instrument.value];
    Price price = terms.limit_price.raw != 0 ? terms.limit_price : terms.stop_price;
    if (price.raw == 0) {
        const Price touch = market.touch(terms.side);
        price = touch.raw == 0 ? Price{}
                               : parts_.venues[broker.value]->worst_fill(
                                     terms.side, touch, state_.instruments[terms.instrument.value].tick);
    }
    price = terms.side == Side::sell ? std::max(price, market.mark) : price;
    return price.raw == 0 ? price : with_charges(terms, price);
}

/// What a unit costs with its charges, where a plan gives them: those of the whole order, rounded up.
Price Kernel::with_charges(const OrderTerms& terms, Price price) {
    if (!state_.has_charge_plan() || terms.quantity.raw <= 0 ||
        terms.quantity.raw > limits::kMaxQty.raw / state_.instruments[terms.instrument.value].multiplier) {
        return price;
    }
    const markets::ChargeRates* const rates =
        day_rates_.of(state_, terms.instrument, terms.product, terms.side, date_of(terms.instrument));
    if (rates == nullptr) {
        return price;
    }
    const Instrument& instrument = state_.instruments[terms.instrument.value];
    markets::Executed whole;
    whole.add(markets::Liquidity::taker, notional(instrument, price, terms.quantity), terms.quantity);
    const Int128 charges = std::max(Int128{0}, markets::charges_of(*rates, whole).total().raw);
    const Int128 units = instrument.units(terms.quantity).raw;
    const Int128 per_unit = (charges * kScale + units - 1) / units;
    return Price{static_cast<std::int64_t>(std::min<Int128>(price.raw + per_unit, limits::kMaxPrice.raw))};
}

void Kernel::refuse(OrderId order, StrategyId strategy, const OrderTerms& terms, const Verdict& verdict, Cause cause) {
    const PortfolioId portfolio = state_.config.strategies[strategy.value].portfolio;
    const Seq refusal =
        record(OrderRefused{order, strategy, portfolio, terms, verdict.rule, verdict.limit, verdict.observed}, cause);
    const OrderUpdate update{order, OrderStatus::refused, verdict.rule, false};
    call_strategy(strategy, Cause{cause.root, refusal},
                  [&](Strategy& strategy_, Context& context) { strategy_.on_order(update, context); });
}

void Kernel::cancel(const Request& request, Cause cause) {
    const Order* order = state_.find_order(request.order);
    if (order == nullptr || is_terminal(order->status) || order->strategy != request.strategy) {
        return refuse_change(request, Verdict{Rule::not_open, {}, {}}, cause);
    }
    if (order->cancel_pending) {
        return refuse_change(request, Verdict{Rule::change_pending, {}, {}}, cause);
    }
    cancel_for(request.order, Rule::none, cause);
}

/// Takes the order off the market, whoever wants it.
void Kernel::cancel_for(OrderId id, Rule rule, Cause cause) {
    const Order* order = state_.find_order(id);
    ALPHA_ASSERT(order != nullptr, "an order that is cancelled is open");
    const BrokerId broker = order->broker;
    const bool held = order->held;
    const Seq intent = record(CancelIntended{id, rule}, cause);
    if (!held) {
        return perform(broker, CancelOrder{id}, Cause{cause.root, intent});
    }
    BrokerReport never_sent;
    never_sent.order = id;
    never_sent.kind = ReportKind::cancelled;
    never_sent.text = "not sent yet";
    work_.push_back({std::move(never_sent), Cause{cause.root, intent}});
}

void Kernel::modify(const Request& request, Cause cause) {
    const Order* order = state_.find_order(request.order);
    if (order == nullptr || is_terminal(order->status) || order->strategy != request.strategy) {
        return refuse_change(request, Verdict{Rule::not_open, {}, {}}, cause);
    }
    if (order->modify_pending || !can_be_changed(*order)) {
        return refuse_change(request, Verdict{Rule::change_pending, {}, {}}, cause);
    }
    OrderTerms terms = order->terms;
    terms.quantity = request.terms.quantity;
    terms.limit_price = request.terms.limit_price;
    terms.stop_price = request.terms.stop_price;
    const BrokerId broker = order->broker;
    const Price value = valued_at(terms, broker);
    Verdict verdict = too_much_asked(request.strategy);
    if (!verdict.refused()) {
        RiskQuestion question{state_, limits_, request.strategy, terms, value};
        question.moment = moment_;
        question.is_modification = true;
        question.changed = order;
        question.replaced = reserved_by(state_, *order);
        question.standing = reserved_by_other_legs(state_, *order);
        question.filled = order->filled;
        verdict = judged(question);
    }
    if (verdict.refused()) {
        return refuse_change(request, verdict, cause);
    }
    const Qty known = order->terms.quantity;
    const bool held = order->held;
    const Seq intent = record(ModifyIntended{request.order, terms.quantity, terms.limit_price, terms.stop_price,
                                             terms.reduce_only, Rule::none, terms.reduce_only ? Price{} : value},
                              cause);
    const Cause after{cause.root, intent};
    const ModifyOrder change{request.order,    terms.quantity,    terms.limit_price,
                             terms.stop_price, terms.reduce_only, known};
    if (!held) {
        return perform(broker, change, after);
    }
    BrokerReport done;
    done.order = request.order;
    done.kind = ReportKind::modified;
    done.quantity = change.quantity;
    done.limit_price = change.limit_price;
    done.stop_price = change.stop_price;
    done.reduce_only = change.reduce_only;
    work_.push_back({std::move(done), after});
}

/// Changes how much of an order stands, because of a rule rather than a strategy.
void Kernel::resize_for(OrderId id, Qty quantity, bool reduce_only, Rule rule, Cause cause) {
    const Order* order = state_.find_order(id);
    ALPHA_ASSERT(order != nullptr, "an order that is changed is open");
    const ModifyOrder change{
        id, quantity, order->terms.limit_price, order->terms.stop_price, reduce_only, order->terms.quantity};
    const BrokerId broker = order->broker;
    const Seq intent =
        record(ModifyIntended{id, quantity, change.limit_price, change.stop_price, reduce_only, rule, {}}, cause);
    perform(broker, change, Cause{cause.root, intent});
}

void Kernel::refuse_change(const Request& request, const Verdict& verdict, Cause cause) {
    const Seq refusal =
        record(ChangeRefused{request.order, request.strategy, verdict.rule, verdict.limit, verdict.observed}, cause);
    const Order* order = state_.find_order(request.order);
    const OrderUpdate update{request.order, order != nullptr ? order->status : OrderStatus::refused, verdict.rule,
                             true};
    call_strategy(request.strategy, Cause{cause.root, refusal},
                  [&](Strategy& strategy, Context& context) { strategy.on_order(update, context); });
}

void Kernel::set_timer(const Request& request, Cause cause) {
    if (state_.timers.count_of(request.strategy) >= limits::kMaxTimersPerStrategy &&
        !state_.timers.contains(request.strategy, request.timer)) {
        return halt_strategy(request.strategy, cause, "more timers are pending than limits::kMaxTimersPerStrategy");
    }
    const Time earliest = state_.now + Duration{limits::kMinTimerDelayNs};
    record(TimerSet{request.strategy, request.timer, std::min(std::max(request.due, earliest), kMaxTime)}, cause);
    refresh_next_due();
}

void Kernel::cancel_timer(const Request& request, Cause cause) {
    if (state_.timers.contains(request.strategy, request.timer)) {
        record(TimerCancelled{request.strategy, request.timer}, cause);
        refresh_next_due();
    }
}

// ---- brokers ---------------------------------------------------------------------------------------------------------------

void Kernel::perform(BrokerId broker, const Effect& effect, Cause cause) {
    if (state_.outside_of(broker) != nullptr) [[unlikely]] {
        // What was recorded is on its way by that; what nothing was sent of yet is answered here.
        note_overdue(state_.outside.at(broker), order_of(effect));
        return queue_follows(broker, cause);
    }
    if (!state_.calendars.is_empty()) [[unlikely]] {
        // While orders cannot fill no price stands that one could meet.
        const Order* const order = state_.find_order(order_of(effect));
        if (order != nullptr && !is_trading(order->terms.instrument, moment_)) {
            parts_.venues[broker.value]->forget_price(order->terms.instrument);
        }
    }
    parts_.venues[broker.value]->perform(state_.now, effect, reports_);
    queue_reports(cause);
}

void Kernel::queue_reports(Cause cause) {
    for (BrokerReport& report : reports_) {
        work_.push_back({std::move(report), cause});
    }
    reports_.clear();
}

void Kernel::take_report(const BrokerReport& report, Cause cause) {
    const Order* order = state_.find_order(report.order);
    if (order == nullptr) {
        return ignore_report(report, "no such order", cause);
    }
    // An order's events share the root that led to it, whatever input a report came with.
    const Cause link =
        cause.parent == kNoSeq ? Cause{order->correlation, order->intent} : Cause{order->correlation, cause.parent};
    // What becomes of an order that is held back is said by the kernel itself: that it is changed, or cancelled.
    if (order->held && !is_terminal(order->status) && report.kind != ReportKind::modified &&
        report.kind != ReportKind::cancelled) {
        return ignore_report(report, "the order was never sent", link);
    }
    if (report.kind == ReportKind::filled) {
        return take_fill(*order, report, link);
    }
    // A fill that overtook the acceptance has set the order to work without its name at the broker.
    const bool is_accepted_twice = report.kind == ReportKind::accepted && order->status == OrderStatus::working &&
                                   (!order->broker_order.empty() || report.text.empty());
    if (!transition(order->status, report.kind).allowed || is_accepted_twice) {
        return ignore_report(report, "the order cannot do that in its state", link);
    }
    Seq fact = 0;
    bool change_failed = false;
    bool change_answered = false;
    bool as_asked = false;
    switch (report.kind) {
    case ReportKind::accepted: fact = record(OrderAccepted{order->id, report.text}, link); break;
    case ReportKind::rejected: fact = record(OrderRejected{order->id, report.text}, link); break;
    case ReportKind::triggered: fact = record(OrderTriggered{order->id}, link); break;
    case ReportKind::cancelled: fact = record(OrderCancelled{order->id, report.text}, link); break;
    case ReportKind::expired: fact = record(OrderExpired{order->id}, link); break;
    case ReportKind::modified: {
        // Without the prices that its type needs it would be no order, and could not be changed again.
        const bool plausible = report.quantity.raw > 0 && report.quantity <= limits::kMaxQty &&
                               report.limit_price.raw >= (needs_limit(order->terms.type) ? 1 : 0) &&
                               report.limit_price <= limits::kMaxPrice &&
                               report.stop_price.raw >= (needs_stop(order->terms.type) ? 1 : 0) &&
                               report.stop_price <= limits::kMaxPrice;
        const Position& position = state_.portfolios[order->portfolio.value].position(order->terms.instrument);
        const Qty working = order->terms.side == Side::buy ? position.open_buys : position.open_sells;
        const std::int64_t multiplier = state_.instruments[order->terms.instrument.value].multiplier;
        if (!plausible || working + report.quantity > Qty{limits::kMaxWorking.raw / multiplier}) {
            return ignore_report(report, "implausible terms", link);
        }
        change_answered = report.rule == Rule::none;
        as_asked = report.quantity == order->pending_quantity;
        // Of a broker that knows no links the kernel alone knows which orders only reduce.
        const bool reduce_only =
            links_by_kernel(*order) ? order->terms.reduce_only || order->pending_reduce_only : report.reduce_only;
        fact = record(
            OrderModified{order->id, report.quantity, report.limit_price, report.stop_price, reduce_only, report.rule},
            link);
        break;
    }
    case ReportKind::cancel_rejected:
    case ReportKind::modify_rejected:
        change_answered = report.kind == ReportKind::modify_rejected;
        fact = record(ChangeRejected{order->id, report.kind, report.text}, link);
        change_failed = true;
        break;
    case ReportKind::filled: break;  // taken above
    }
    const Order* after = state_.find_order(report.order);
    ALPHA_ASSERT(after != nullptr, "an order that was just reported on is remembered");
    const Cause because{link.root, fact};
    const OrderId id = after->id;
    tell_order(*after, because, change_failed);
    if (change_answered) {
        follow_answer(id, as_asked, because);
    }
    follow_end(id, because);
}

/// The strategy whose position the broker has closed: the one that trades the instrument in the portfolio. Of several nobody knows whose it
/// was, and none is told.
StrategyId Kernel::only_trader_of(const OrderFilled& fill) const {
    StrategyId only = fill.strategy;
    for (std::uint32_t s = 0; fill.strategy == kOperator && s < state_.config.strategies.size(); ++s) {
        if (state_.config.strategies[s].portfolio == fill.portfolio &&
            std::ranges::binary_search(state_.traded[s], fill.instrument)) {
            if (only != kOperator) {
                return kOperator;
            }
            only = StrategyId{s};
        }
    }
    return only;
}

/// When what is bought is delivered, as far as rules and calendar say it.
Date Kernel::arrival_of(const OrderTerms& terms, Date day) const {
    const ProductRow* const row = terms.side == Side::buy && terms.product != Product::none
                                      ? state_.product_row(terms.instrument, terms.product, day)
                                      : nullptr;
    const markets::Calendar* const calendar = state_.times[terms.instrument.value].calendar();
    return row == nullptr || row->delivery_days == 0 || calendar == nullptr
               ? Date{}
               : calendar->settlement_date(day, row->delivery_days).value_or(Date{});
}

void Kernel::take_fill(const Order& order, const BrokerReport& report, Cause cause) {
    if (order.trades.contains(report.trade)) {
        return ignore_report(report, "this trade is booked already", cause);
    }
    const bool plausible = report.quantity.raw > 0 && report.quantity <= limits::kMaxQty && report.price.raw > 0 &&
                           report.price <= limits::kMaxPrice && !report.trade.empty();
    if (!plausible) {
        return ignore_report(report, "implausible execution", cause);
    }
    const PortfolioId portfolio = order.portfolio;
    const Position& position = state_.portfolios[portfolio.value].position(order.terms.instrument);
    const Qty net_after = position.net + signed_qty(order.terms.side, report.quantity);
    const std::int64_t multiplier = state_.instruments[order.terms.instrument.value].multiplier;
    const Qty most{limits::kMaxPosition.raw / multiplier};
    if (abs(net_after) > most || order.filled + report.quantity > most) {
        return ignore_report(report, "more than the books can hold", cause);
    }
    const Qty leaves = order.terms.quantity > order.filled ? order.terms.quantity - order.filled : Qty{};
    const bool overfill = report.quantity > std::max(leaves, order.leaves());
    const Decimal asked{order.terms.quantity.raw};
    const Decimal got{(order.filled + report.quantity).raw};
    const Date date = date_of(order.terms.instrument);
    if (state_.has_charge_plan() && state_.portfolios[portfolio.value].day.date < date) {
        end_day(portfolio, cause);  // markets that are never closed all at once
    }
    OrderFilled fill;
    fill.order = order.id;
    fill.strategy = order.strategy;
    fill.portfolio = portfolio;
    fill.instrument = order.terms.instrument;
    fill.side = order.terms.side;
    fill.quantity = report.quantity;
    fill.price = report.price;
    const Instrument& instrument = state_.instruments[fill.instrument.value];
    fill.notional = notional(instrument, report.price, report.quantity);
    fill.product = order.terms.product;
    fill.settles = arrival_of(order.terms, date);
    const markets::ChargeRates* const rates =
        state_.has_charge_plan() ? day_rates_.of(state_, fill.instrument, fill.product, fill.side, date) : nullptr;
    if (rates != nullptr) {
        const markets::ChargeAmounts amounts =
            markets::charges_of_fill(*rates, state_.portfolios[portfolio.value].day.executed_by(order.id, date),
                                     markets::Liquidity::taker, fill.notional, fill.quantity);
        fill.lines = lines_of(amounts);
        fill.charges = amounts.total();
    } else {
        fill.charges = charges_for(state_.config.charges, fill.notional);
    }
    fill.realized_pnl =
        with_fill(position, fill.product, fill.side, fill.quantity, fill.price, fill.notional, instrument).realized_pnl;
    fill.trade = report.trade;
    fill.order_tag = order.terms.tag;
    const bool was_expired = state_.markets[fill.instrument.value].is_expired;
    settle_sums(state_, limits_, portfolio);  // whoever looks at a fill looks at its buying power, too
    const Seq fact = record(fill, cause);
    const Cause after{cause.root, fact};
    follow_fill(fill.order, after);
    const StrategyId hears = fill.order_tag == kSquareOffTag ? only_trader_of(fill) : fill.strategy;
    call_strategy(hears, after, [&](Strategy& strategy, Context& context) { strategy.on_fill(fill, context); });
    if (const Order* done = state_.find_order(fill.order); done != nullptr && is_terminal(done->status)) {
        tell_order(*done, after, false);
        follow_end(fill.order, after);
    }
    if (fill.strategy != kOperator && is_squaring_off(portfolio, fill.instrument, fill.product)) {
        to_square_off_.push_back({portfolio, fill.instrument, fill.product, after});  // it came all the same
    }
    if (was_expired || (instrument.expires() && state_.now > expires_at(state_, fill.instrument))) {
        note_expiry(fill.instrument);  // the broker told of it late
        refresh_next_due();
    }
    if (overfill) {
        latch(portfolio, LatchScope::all, Verdict{Rule::overfill, asked, got}, after);
    }
    if (const Verdict loss = check_daily_loss(limits_, state_.portfolios[portfolio.value]); loss.refused()) {
        latch(portfolio, LatchScope::entries, loss, after);
    }
}

void Kernel::ignore_report(const BrokerReport& report, const char* why, Cause cause) {
    const Seq fact = record(ReportIgnored{report.order, report.kind, report.quantity, report.price, report.limit_price,
                                          report.stop_price, report.trade, report.text, why},
                            cause);
    const Order* order = state_.find_order(report.order);
    const bool booked = order != nullptr && order->trades.contains(report.trade);
    if (report.kind != ReportKind::filled || booked) {
        return;
    }
    // The account holds something the books do not: nobody trades on until a person has looked.
    const Cause after{cause.root == kNoSeq ? fact : cause.root, fact};
    for (std::uint32_t p = 0; p < state_.portfolios.size(); ++p) {
        if (state_.portfolios[p].is_open && (order == nullptr || order->portfolio == PortfolioId{p})) {
            latch(PortfolioId{p}, LatchScope::all, Verdict{Rule::unmatched_fill, {}, Decimal{report.quantity.raw}},
                  after);
        }
    }
}

// ---- the kill switch ---------------------------------------------------------------------------------------------------

void Kernel::latch(PortfolioId portfolio, LatchScope scope, const Verdict& verdict, Cause cause) {
    const Portfolio& latched = state_.portfolios[portfolio.value];
    const bool by_person = verdict.rule == Rule::operator_kill;  // kill() has seen that it is more than what stands
    if (latched.latch >= scope && !by_person) {
        return;
    }
    const Seq fact = record(KillSwitchLatched{portfolio, verdict.rule, verdict.limit, verdict.observed, scope}, cause);
    const Cause after{cause.root == kNoSeq ? fact : cause.root, fact};
    if (scope == LatchScope::entries) {
        return leave_exits_only(portfolio, verdict.rule, after);
    }
    std::vector<OrderId> open;
    for (const PlacedOrder& placed : state_.orders_of(portfolio)) {
        ++visits;
        if (!state_.open_orders.at(placed.order).cancel_pending) {
            open.push_back(placed.order);
        }
    }
    std::ranges::sort(open);  // they are cancelled in the order in which they were placed, whatever their instrument
    for (const OrderId id : open) {
        cancel_for(id, verdict.rule, after);
    }
    if (scope == LatchScope::flatten) {
        send_closing_orders(portfolio, after);
    }
}

/// What may increase a position is cancelled. What reduces one stays, the oldest first up to the net, and only reduces from here on.
void Kernel::leave_exits_only(PortfolioId portfolio, Rule rule, Cause cause) {
    std::map<std::pair<InstrumentId, Product>, std::vector<ReducingOrder>> open;
    for (const PlacedOrder& placed : state_.orders_of(portfolio)) {
        ++visits;
        const Order& order = state_.open_orders.at(placed.order);
        if (!order.cancel_pending) {
            open[{placed.instrument, order.terms.product}].push_back(
                {order.id, order.terms.side, order.terms.group, alive_leaves(state_, order)});
        }
    }
    for (auto& [key, orders] : open) {
        cut_to_net(orders, state_.portfolios[portfolio.value].position(key.first).net_of(key.second));
        for (const ReducingOrder& kept : orders) {
            const Order& order = state_.open_orders.at(kept.order);
            if (order.terms.reduce_only) {
                continue;  // its broker, or the kernel, cuts it as the position shrinks; an exit ends with its entry
            }
            if (kept.leaves.raw == 0 || order.held || !can_be_changed(order)) {
                cancel_for(kept.order, rule, cause);
            } else {
                resize_for(kept.order, order.filled + kept.leaves, true, rule, cause);
            }
        }
    }
}

void Kernel::send_closing_orders(PortfolioId portfolio, Cause cause) {
    const std::vector<Position> positions = state_.portfolios[portfolio.value].positions;
    for (std::uint32_t i = 0; i < positions.size(); ++i) {
        for (std::size_t of = 0; of < kProducts; ++of) {
            const auto product = static_cast<Product>(of);
            send_closing_orders(portfolio, InstrumentId{i}, product, positions[i].net_of(product), "", cause);
        }
    }
}

/// Market orders of the operator's that close `net`, in parts that an exchange takes: so much in one order, in whole lots. They only reduce,
/// whatever else may still fill.
void Kernel::send_closing_orders(PortfolioId portfolio, InstrumentId instrument, Product product, Qty net,
                                 const char* tag, Cause cause) {
    const BrokerConfig* const broker = broker_of(state_.config, portfolio);
    if (net.raw == 0 || broker == nullptr) {
        return;
    }
    const Instrument& its = state_.instruments[instrument.value];
    const Qty freeze = its.freeze.raw == 0 ? limits::kMaxQty : std::min(its.freeze, limits::kMaxQty);
    const Qty whole{freeze.raw / its.lot.raw * its.lot.raw};
    const Qty most = whole.raw > 0 ? whole : freeze;
    std::uint32_t parts = 0;
    for (Qty left = std::min(abs(net), limits::kMaxQty); left.raw > 0;) {
        const Qty quantity = ++parts < limits::kMaxOpenOrders / 10 ? std::min(left, most) : left;
        left -= quantity;
        OrderIntended closing;
        closing.order = next_order_;
        closing.strategy = kOperator;
        closing.portfolio = portfolio;
        closing.broker = BrokerId{static_cast<std::uint32_t>(broker - state_.config.brokers.data())};
        closing.terms.instrument = instrument;
        closing.terms.side = net.raw > 0 ? Side::sell : Side::buy;
        closing.terms.quantity = quantity;
        closing.terms.reduce_only = true;
        closing.terms.tag = tag;
        closing.terms.product = product;
        next_order_.value += 1;
        const Seq intent = record(closing, cause);
        note_square_off(instrument);
        perform(closing.broker, placement_of(closing.order), Cause{cause.root, intent});
    }
}

/// Once the operator's orders have ended, nothing passes any more.
void Kernel::end_flattening(PortfolioId portfolio, Cause cause) {
    const auto closes = [&](const PlacedOrder& placed) {
        return state_.open_orders.at(placed.order).strategy == kOperator;
    };
    if (state_.portfolios[portfolio.value].latch == LatchScope::flatten &&
        std::ranges::none_of(state_.orders_of(portfolio), closes)) {
        latch(portfolio, LatchScope::all, Verdict{Rule::operator_kill, {}, {}}, cause);
    }
}

// ---- links, for brokers that know none ------------------------------------------------------------------------------------
//
// The broker fills before the kernel hears of it: two legs may both fill in between, and an exit is on its way only once its entry's
// fill was reported. Within these bounds the same follows from a fill as inside a venue (events/links.hpp): after each report the
// orders are asked to be what links leave of them. One that has a change on its way is looked at again when that is answered.

bool Kernel::links_by_kernel(const Order& order) const {
    return !parts_.venues[order.broker.value]->links_orders();
}

bool Kernel::links_any_by_kernel() const {
    return std::ranges::any_of(parts_.venues, [](const Venue* venue) { return !venue->links_orders(); });
}

/// What the linked orders of an instrument may still fill, by number: exits as far as their entries have filled, those that only
/// reduce as far as there is something to reduce. Of those that were held back only exits, and `also`.
std::vector<ReducingOrder> Kernel::left_by_links(PortfolioId portfolio, InstrumentId instrument, OrderId also) const {
    std::array<std::vector<ReducingOrder>, kProducts> by_product;
    std::vector<ReducingOrder> linked_orders;
    for (const PlacedOrder& placed : state_.orders_of(portfolio, instrument)) {
        ++visits;
        const OrderId id = placed.order;
        const Order& order = state_.open_orders.at(id);
        const OrderTerms& terms = order.terms;
        const bool is_exit = terms.parent.value != 0;
        const bool is_linked = terms.reduce_only || terms.legs != 0 || is_exit;
        if (order.cancel_pending || !is_linked || (order.held && !is_exit && id != also) || !links_by_kernel(order)) {
            continue;
        }
        const Qty left = linked_total(state_, order) - order.filled;
        auto& into = terms.reduce_only ? by_product[static_cast<std::size_t>(terms.product)] : linked_orders;
        into.push_back({id, terms.side, terms.group, left});
    }
    const Position& position = state_.portfolios[portfolio.value].position(instrument);
    for (std::size_t of = 0; of < kProducts; ++of) {
        if (!by_product[of].empty()) {
            cut_to_net(by_product[of], position.net_of(static_cast<Product>(of)));
            linked_orders.insert(linked_orders.end(), by_product[of].begin(), by_product[of].end());
        }
    }
    std::ranges::sort(linked_orders, {}, &ReducingOrder::order);
    return linked_orders;
}

/// A held order that waits for no entry goes out: for what links leave of it by now.
void Kernel::release_held(OrderId id, Cause cause) {
    const Order* order = state_.find_order(id);
    if (order == nullptr || is_terminal(order->status) || !order->held || order->cancel_pending) {
        return;
    }
    Qty quantity;
    for (const ReducingOrder& left : left_by_links(order->portfolio, order->terms.instrument, id)) {
        quantity = left.order == id ? left.leaves : quantity;
    }
    if (quantity.raw == 0) {
        return cancel_for(id, Rule::linked_fill, cause);
    }
    const BrokerId broker = order->broker;
    const Seq fact = record(OrderReleased{id, quantity}, cause);
    perform(broker, placement_of(id), Cause{cause.root, fact});
}

void Kernel::follow_fill(OrderId filled, Cause cause) {
    if (!links_any_by_kernel()) {
        return;
    }
    const Order* order = state_.find_order(filled);
    const PortfolioId portfolio = order->portfolio;
    const InstrumentId instrument = order->terms.instrument;
    if (links_by_kernel(*order) && order->status == OrderStatus::filled && order->terms.parent.value != 0) {
        // At the broker this exit has ended, and its other legs will: what the entry filled from here on would have none.
        const Order* entry = state_.find_order(order->terms.parent);
        if (entry != nullptr && !is_terminal(entry->status) && !entry->cancel_pending) {
            cancel_for(entry->id, Rule::linked_fill, cause);
        }
    }
    follow_links(portfolio, instrument, cause);
}

/// A change was answered. What has not become what was asked for is not asked for again: it ends where it is too large.
void Kernel::follow_answer(OrderId id, bool as_asked, Cause cause) {
    const Order* order = state_.find_order(id);
    if (order == nullptr || is_terminal(order->status) || order->held || !links_by_kernel(*order)) {
        return;
    }
    const PortfolioId portfolio = order->portfolio;
    const InstrumentId instrument = order->terms.instrument;
    if (!as_asked && !order->cancel_pending) {
        const std::vector<ReducingOrder> linked = left_by_links(portfolio, instrument, OrderId{});
        const auto left = std::ranges::find(linked, id, &ReducingOrder::order);
        if (left != linked.end() && order->filled + left->leaves < order->terms.quantity) {
            cancel_for(id, Rule::linked_fill, cause);
        }
        return;
    }
    follow_links(portfolio, instrument, cause);
}

/// An entry that can fill no more: exits that still wait for it never go out.
void Kernel::follow_end(OrderId ended, Cause cause) {
    const Order* order = state_.find_order(ended);
    if (order == nullptr || !is_terminal(order->status)) {
        return;
    }
    if (order->strategy == kOperator) {
        end_flattening(order->portfolio, cause);
        return;
    }
    if (is_squaring_off(order->portfolio, order->terms.instrument, order->terms.product)) {
        to_square_off_.push_back({order->portfolio, order->terms.instrument, order->terms.product, cause});
    }
    for (std::uint64_t i = 1; i < limits::kMaxLegs && links_by_kernel(*order); ++i) {
        const Order* exit = state_.find_order(OrderId{ended.value + i});
        if (exit != nullptr && exit->terms.parent == ended && exit->held && !is_terminal(exit->status) &&
            !exit->cancel_pending) {
            cancel_for(exit->id, Rule::linked_fill, cause);
        }
    }
}

/// Asks for what links leave of the portfolio's orders in the instrument.
void Kernel::follow_links(PortfolioId portfolio, InstrumentId instrument, Cause cause) {
    for (const ReducingOrder& left : left_by_links(portfolio, instrument, OrderId{})) {
        const Order& order = state_.open_orders.at(left.order);
        const Qty total = order.filled + left.leaves;
        if (order.held) {
            if (left.leaves.raw != 0) {
                const BrokerId broker = order.broker;
                const Seq fact = record(OrderReleased{left.order, left.leaves}, cause);
                perform(broker, placement_of(left.order), Cause{cause.root, fact});
            }
        } else if (total == order.terms.quantity || order.modify_pending || !can_be_changed(order)) {
            continue;  // asked again when that is answered
        } else if (left.leaves.raw == 0) {
            cancel_for(left.order, Rule::linked_fill, cause);
        } else {
            resize_for(left.order, total, order.terms.reduce_only, Rule::linked_fill, cause);
        }
    }
}

// ---- brokers outside -------------------------------------------------------------------------------------------------------
//
// A word is recorded as it came, and its broker's book is brought forward by that (kernel/state.cpp). What the book says that follows is taken here
// one by one, as reports of a venue are.

void Kernel::note_overdue(const OutsideBroker& outside, OrderId id) {
    const Order* const order = state_.find_order(id);
    const Wire* const wire = outside.book.find(id);
    if (order == nullptr || wire == nullptr || is_terminal(order->status)) {
        return;
    }
    if (const Time due = overdue_at(outside, *order, *wire); due != kNever) {
        overdues_.emplace(due, id);
        next_due_ = std::min(next_due_, due);
    }
}

/// A word may set any of them back to waiting or resting: what falls due then is what falls due for a kernel that goes on from the state.
void Kernel::note_overdues(const OutsideBroker& outside) {
    for (const auto& each : outside.book.wires()) {
        note_overdue(outside, each.first);
    }
}

void Kernel::fall_overdue(Time now, OrderId id) {
    const Order* const order = state_.find_order(id);
    const OutsideBroker* const outside = order == nullptr ? nullptr : state_.outside_of(order->broker);
    const Wire* const wire = outside == nullptr ? nullptr : outside->book.find(id);
    if (wire == nullptr || is_terminal(order->status) || overdue_at(*outside, *order, *wire) != now) {
        return;  // it has gone on
    }
    const bool is_held = wire->state == WireState::held;
    const BrokerId broker = order->broker;
    const Seq root = begin_step(std::max(now, state_.now), OrderOverdue{id});
    const Cause cause{root, root};
    is_held ? queue_follows(broker, cause) : cancel_for(id, Rule::none, cause);
    drain();
}

/// Whether its broker can be asked now to change it.
bool Kernel::can_be_changed(const Order& order) const {
    const OutsideBroker* const outside = order.held ? nullptr : state_.outside_of(order.broker);
    return outside == nullptr || outside->book.can_modify(order.id);
}

/// A word about an order names what it answers, so that it can be walked back from to what led to the order.
Kernel::Cause Kernel::links_of(OrderId id) const {
    const Order* const order = state_.find_order(id);
    if (order == nullptr) {
        return {};
    }
    const OutsideBroker* const outside = state_.outside_of(order->broker);
    const Wire* const wire = outside == nullptr ? nullptr : outside->book.find(id);
    const bool was_sent = wire != nullptr && wire->sent != kNoSeq;
    return {order->correlation, was_sent ? wire->sent : order->intent};
}

template <class E>
void Kernel::take_word(Time now, const E& word, BrokerId broker, Cause links) {
    if constexpr (requires { word.is_bounded(); }) {
        ALPHA_ASSERT(word.is_bounded(), "a word's texts are cut before they get here");
    }
    run_due(now, false);
    enter_step(now);
    const Seq seq = record(word, links);
    queue_follows(broker, {seq, seq});
    drain();
    note_overdues(state_.outside.at(broker));
    refresh_next_due();
}

void Kernel::take_word_of(Time now, OrderId order, const auto& word) {
    const Order* const of = state_.find_order(order);
    ALPHA_ASSERT(of != nullptr, "a word is about an order that is known");
    take_word(now, word, of->broker, links_of(order));
}

void Kernel::on(Time now, const BrokerRulesSet& set) {
    take_word(now, set, set.broker, Cause{});
}

void Kernel::on(Time now, const BrokerSessionChanged& changed) {
    run_due(now, false);
    const Seq seq = begin_step(now, changed);
    const Cause cause{seq, seq};
    queue_follows(changed.broker, cause);
    drain();
    if (changed.change == SessionChange::up) {
        reconcile(changed.broker, cause);
    }
    note_overdues(state_.outside.at(changed.broker));
    refresh_next_due();
}

void Kernel::on(Time now, const SendStarted& started) {
    take_word_of(now, started.order, started);
}

void Kernel::on(Time now, const SendEnded& ended) {
    take_word_of(now, ended.order, ended);
}

void Kernel::on(Time now, const BrokerOrderSeen& row) {
    const auto order = state_.outside.at(row.broker).book.order_of(row.broker_order, row.order_tag);
    take_word(now, row, row.broker, order ? links_of(*order) : Cause{});
}

void Kernel::on(Time now, const BrokerTradeSeen& trade) {
    const auto order = state_.outside.at(trade.broker).book.order_of(trade.broker_order, {});
    take_word(now, trade, trade.broker, order ? links_of(*order) : Cause{});
}

void Kernel::on(Time now, const BookRead& read) {
    run_due(now, false);
    BookRead judged = read;
    const std::map<InstrumentId, Qty> differing = differing_positions(state_, read.broker);
    judged.positions_agree = read.with_account && differing.empty();
    const OutsideBroker& outside = state_.outside.at(read.broker);
    const std::map<InstrumentId, Suspected> before = outside.suspected;
    const Seq seq = begin_step(now, judged);
    const Cause cause{seq, seq};
    queue_follows(read.broker, cause);
    drain();
    // A row may lag a fill: what differs by the same at two reads in a row is no lag. It is said once, and once more where somebody has come to
    // use the instrument since.
    for (const auto& [instrument, more] : differing) {
        const auto at = before.find(instrument);
        const bool lasts = read.with_account && at != before.end() && at->second.more == more;
        const bool is_news =
            lasts && (!at->second.is_said || (!at->second.froze && is_used_at(read.broker, instrument)));
        if (is_news && !outside.book.is_frozen(instrument)) {
            take_difference(read.broker, instrument, more, cause);
        }
    }
    note_overdues(outside);
    refresh_next_due();
}

void Kernel::on(Time now, const OrderResolved& resolved) {
    take_word_of(now, resolved.order, resolved);
}

void Kernel::on(Time now, const AccountRead& row) {
    take_word(now, row, row.broker, Cause{});
}

void Kernel::on(Time now, const FundsRead& funds) {
    take_word(now, funds, funds.broker, Cause{});
}

void Kernel::on(Time now, const OutsideAssigned& assigned) {
    run_due(now, false);
    const Seq seq = begin_step(now, assigned);
    follow_links(assigned.portfolio, assigned.instrument, {seq, seq});  // as after a fill: it may leave less to reduce
    drain();
    refresh_next_due();
}

void Kernel::on(Time now, const InstrumentThawed& thawed) {
    take_word(now, thawed, thawed.broker, Cause{});
}

void Kernel::on(Time now, const FeedChanged& changed) {
    run_due(now, false);
    begin_step(now, changed);
    refresh_next_due();
}

void Kernel::queue_follows(BrokerId broker, Cause cause) {
    const auto at = state_.outside.find(broker);
    if (at == state_.outside.end()) {
        return;
    }
    for (OutsideFact& fact : std::exchange(at->second.follows, {})) {
        work_.push_back({Followed{broker, std::move(fact)}, cause});
    }
}

void Kernel::take_follow(BrokerId broker, const OutsideFact& fact, Cause cause) {
    using enum OutsideFactKind;
    const Order* const order = state_.find_order(fact.order);
    const Cause link = order == nullptr ? cause : Cause{order->correlation, cause.parent};
    const auto report = [&](ReportKind kind) {
        BrokerReport said;
        said.order = fact.order;
        said.kind = kind;
        said.text = fact.text;
        return said;
    };
    const auto outside_trade = [&](bool leaves) {
        const BrokerTradeSeen& trade = fact.trade;
        record(OutsideFilled{broker, trade.broker_order, trade.exchange, trade.trade, trade.instrument, trade.side,
                             trade.product, trade.quantity, trade.price, leaves, fact.freezes},
               link);
    };
    switch (fact.kind) {
    case accepted:
        take_report(report(ReportKind::accepted), cause);
        if (const Order* const live = state_.find_order(fact.order); live != nullptr && !is_terminal(live->status)) {
            follow_links(live->portfolio, live->terms.instrument, Cause{link.root, state_.next_seq - 1});
        }
        return;
    case rejected: return take_report(report(ReportKind::rejected), cause);
    case cancelled: return take_report(report(ReportKind::cancelled), cause);
    case expired: return take_report(report(ReportKind::expired), cause);
    case triggered: return take_report(report(ReportKind::triggered), cause);
    case cancel_rejected: return take_report(report(ReportKind::cancel_rejected), cause);
    case modify_rejected: return take_report(report(ReportKind::modify_rejected), cause);
    case modified: {
        if (order == nullptr) {
            return;
        }
        BrokerReport said = report(ReportKind::modified);
        said.quantity = fact.quantity;
        // A protected market order has a price at the broker that nobody sent; to whoever asked for it it has none.
        said.limit_price = !needs_limit(order->terms.type) ? Price{}
                           : fact.price.raw != 0           ? fact.price
                                                           : order->terms.limit_price;
        said.stop_price = !needs_stop(order->terms.type) ? Price{}
                          : fact.trigger.raw != 0        ? fact.trigger
                                                         : order->terms.stop_price;
        // What another has changed is no answer to what was asked for: that may still come.
        const Wire* const wire = state_.outside.at(broker).book.find(fact.order);
        said.rule = wire != nullptr && wire->modify != ChangeState::none ? Rule::change_pending : Rule::none;
        return take_report(said, cause);
    }
    case moved: outside_trade(true); [[fallthrough]];
    case filled: {
        BrokerReport said = report(ReportKind::filled);
        said.quantity = fact.trade.quantity;
        said.price = fact.trade.price;
        said.trade = fact.trade.exchange + ':' + fact.trade.trade;
        return take_report(said, cause);
    }
    case outside_filled: return outside_trade(false);
    case outcome_unknown: record(OutcomeUnknown{fact.order}, link); return;
    case outcome_stale: record(OutcomeStale{fact.order}, link); return;
    case conflict: return take_conflict(broker, fact, link);
    case differs: {
        ReconciliationDiffers differs;
        differs.broker = broker;
        differs.action = fact.freezes ? DifferenceAction::frozen : DifferenceAction::noted;
        differs.order = fact.order;
        differs.instrument = order == nullptr ? kUnknownInstrument : order->terms.instrument;
        differs.product = order == nullptr ? Product::none : order->terms.product;
        differs.text = fact.text;
        if (order == nullptr && fact.order.value != 0) {  // it is this journal's, and is not in it
            differs.what = DifferenceKind::journal_older;
            differs.action = DifferenceAction::halted;
        }
        const Seq seq = record(differs, link);
        if (differs.action == DifferenceAction::halted) {
            latch_all_of(broker, {link.root, seq});
        }
        return;
    }
    case revived: break;
    }
    if (order != nullptr && is_terminal(order->status)) {
        const Seq seq = record(OrderRevived{fact.order}, link);
        tell_order(*state_.find_order(fact.order), Cause{link.root, seq}, false);
    }
}

/// Every portfolio of the broker is latched; what it has elsewhere goes on.
void Kernel::take_conflict(BrokerId broker, const OutsideFact& fact, Cause cause) {
    const Seq seq = record(OrderConflict{fact.order, fact.text}, cause);
    latch_all_of(broker, {cause.root, seq});
}

void Kernel::latch_all_of(BrokerId broker, Cause cause) {
    for (std::uint32_t p = 0; p < state_.portfolios.size(); ++p) {
        const BrokerConfig* const its = broker_of(state_.config, PortfolioId{p});
        if (state_.portfolios[p].is_open && its == &state_.config.brokers[broker.value]) {
            latch(PortfolioId{p}, LatchScope::all, Verdict{Rule::conflict, {}, {}}, cause);
        }
    }
}

/// Broker and books are compared, and entries are open from here on. What the account held in the morning of the journal's first day nobody here
/// asked for: it is booked outside. What came of that day its trades say.
void Kernel::reconcile(BrokerId broker, Cause cause) {
    if (!state_.outside.at(broker).is_reconciled) {
        const auto rows = state_.outside.at(broker).account_rows;
        for (const auto& [key, row] : rows) {
            const auto& [kind, instrument, product] = key;
            if (kind == AccountRowKind::holding) {
                record(OutsideFilled{broker,
                                     {},
                                     {},
                                     "before the journal",
                                     instrument,
                                     row.quantity.raw > 0 ? Side::buy : Side::sell,
                                     product,
                                     abs(row.quantity),
                                     row.average,
                                     false,
                                     false},
                       cause);
            }
        }
    }
    for (const auto& [instrument, more] : differing_positions(state_, broker)) {
        take_difference(broker, instrument, more, cause);
    }
    record(Reconciled{broker, state_.outside.at(broker).differences}, cause);
}

/// Whether a portfolio of the broker's holds the instrument, or has orders in it.
bool Kernel::is_used_at(BrokerId broker, InstrumentId instrument) const {
    return std::ranges::any_of(state_.markets[instrument.value].users, [&](PortfolioId user) {
        return broker_of(state_.config, user) == &state_.config.brokers[broker.value];
    });
}

/// Frozen where somebody here uses it; noted where not.
void Kernel::take_difference(BrokerId broker, InstrumentId instrument, Qty more, Cause cause) {
    ReconciliationDiffers differs;
    differs.broker = broker;
    differs.what = DifferenceKind::position;
    differs.instrument = instrument;
    differs.action = is_used_at(broker, instrument) ? DifferenceAction::frozen : DifferenceAction::noted;
    for (const auto& [key, row] : state_.outside.at(broker).account_rows) {
        differs.theirs += std::get<InstrumentId>(key) == instrument ? row.quantity : Qty{};
    }
    differs.ours = differs.theirs - more;
    differs.text = "the account holds another quantity than the books";
    record(differs, cause);
}

void Kernel::check_daily_losses(InstrumentId instrument, Cause cause) {
    const std::vector<PortfolioId>& users = state_.markets[instrument.value].users;
    for (auto at = users.begin(); at != users.end();) {
        const PortfolioId user = *at;
        const Portfolio& portfolio = state_.portfolios[user.value];
        if (!portfolio.killed() && portfolio.position(instrument).net.raw != 0) {
            if (const Verdict loss = check_daily_loss(limits_, portfolio); loss.refused()) {
                latch(user, LatchScope::entries, loss, cause);
                drain();
            }
        }
        at = std::ranges::upper_bound(users, user);  // what a latch leads to may change who uses the instrument
    }
}

}  // namespace alpha
