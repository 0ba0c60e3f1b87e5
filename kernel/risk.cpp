#include "kernel/risk.hpp"

#include "events/links.hpp"
#include "kernel/charges.hpp"
#include "kernel/margin.hpp"
#include "kernel/open_orders.hpp"
#include "kernel/settlement.hpp"
#include "kernel/visits.hpp"

#include <algorithm>
#include <utility>

namespace alpha {

namespace {

constexpr Verdict kPass{};

Decimal units(Qty quantity) {
    return Decimal{quantity.raw};
}
Decimal units(Price price) {
    return Decimal{price.raw};
}
Decimal count(std::uint64_t n) {
    return Decimal{static_cast<Int128>(n) * kScale};
}
/// Nanoseconds as seconds, rounded up, so that what passed a limit never prints as the limit itself.
Decimal seconds(Duration d) {
    return Decimal{(static_cast<Int128>(d.ns) + 9) / 10};
}

Verdict refuse_above(Rule rule, const std::optional<Decimal>& limit, Decimal observed) {
    return limit && observed > *limit ? Verdict{rule, *limit, observed} : kPass;
}

/// The larger of what the position becomes if only its buys or only its sells fill.
Qty worst_case(const Position& position, Side side, Qty added) {
    const Qty longest = worst_case_long(position, side == Side::buy ? added : Qty{});
    const Qty shortest = worst_case_short(position, side == Side::sell ? added : Qty{});
    return std::max(abs(longest), abs(shortest));
}

}  // namespace

RiskLimits::RiskLimits(const RunConfigured& config) : allowed_(config.allowed_instruments) {
    for (const RiskLimit& entry : config.risk) {
        limits_[static_cast<std::size_t>(entry.rule)] = entry.limit;
    }
    std::ranges::sort(allowed_);
}

bool RiskLimits::allows(InstrumentId instrument) const {
    return !of(Rule::allowed_instruments) || std::ranges::binary_search(allowed_, instrument);
}

Price RiskQuestion::reference_price() const {
    if (needs_limit(terms.type)) {
        return terms.limit_price;
    }
    if (needs_stop(terms.type)) {
        return terms.stop_price;
    }
    return market().touch(terms.side);
}

Price RiskQuestion::funds_at() const {
    return funds_per_unit(state, terms, valued_at);
}

Qty RiskQuestion::opening() const {
    const Holding own = held();
    const Qty others = (terms.side == Side::buy ? own.open_buys : own.open_sells) - replaced.quantity;
    const Qty closing = std::max(Qty{}, reducible(terms.side, own.net) - others);
    return terms.quantity - filled - closing;
}

namespace {

Verdict check_valid(const RiskQuestion& q) {
    const OrderTerms& t = q.terms;
    if (const Qty most{limits::kMaxQty.raw / q.instrument().multiplier}; t.quantity.raw <= 0 || t.quantity > most) {
        return {Rule::invalid_order, units(most), units(t.quantity)};
    }
    if (t.tag.size() > limits::kMaxTagBytes) {
        return {Rule::invalid_order, count(limits::kMaxTagBytes), count(t.tag.size())};
    }
    if (t.quantity <= q.filled) {  // a modification to what has filled already leaves nothing to do
        return {Rule::invalid_order, units(q.filled), units(t.quantity)};
    }
    for (const auto& [used, price] :
         {std::pair{needs_limit(t.type), t.limit_price}, std::pair{needs_stop(t.type), t.stop_price}}) {
        const bool right = used ? price.raw > 0 && price <= limits::kMaxPrice : price.raw == 0;
        if (!right) {
            return {Rule::invalid_order, units(limits::kMaxPrice), units(price)};
        }
    }
    return kPass;
}

Verdict check_known_instrument(const RiskQuestion& q) {
    const bool known = std::ranges::binary_search(q.state.traded[q.strategy.value], q.terms.instrument);
    return known ? kPass : Verdict{Rule::unknown_instrument, {}, count(q.terms.instrument.value)};
}

Verdict check_kill_switch(const RiskQuestion& q) {
    const LatchScope latch = q.portfolio().latch;
    const bool passes = latch == LatchScope::none || (latch == LatchScope::entries && q.terms.reduce_only);
    return passes ? kPass : Verdict{Rule::kill_switch, {}, count(1)};
}

Verdict check_strategy_halted(const RiskQuestion& q) {
    return q.state.strategies[q.strategy.value].halted ? Verdict{Rule::strategy_halted, {}, count(1)} : kPass;
}

Verdict check_tick_size(const RiskQuestion& q) {
    const Price tick = q.instrument().tick;
    for (const Price price : {q.terms.limit_price, q.terms.stop_price}) {
        if (price.raw % tick.raw != 0) {
            return {Rule::tick_size, units(tick), units(price)};
        }
    }
    return kPass;
}

Verdict check_lot_size(const RiskQuestion& q) {
    const Qty lot = q.instrument().lot;
    return q.terms.quantity.raw % lot.raw == 0 ? kPass : Verdict{Rule::lot_size, units(lot), units(q.terms.quantity)};
}

Verdict check_allowed_instruments(const RiskQuestion& q) {
    const InstrumentId id = q.terms.instrument;
    return q.limits.allows(id) ? kPass : Verdict{Rule::allowed_instruments, {}, count(id.value)};
}

Date day_of(const RiskQuestion& q) {
    return q.times().date_of(q.asked_at());
}

Verdict check_product(const RiskQuestion& q) {
    if (q.state.products.is_silent()) {
        return kPass;
    }
    const Product product = q.terms.product;
    const bool is_one = product == Product::none
                            ? !markets::have_products(q.state.products, q.instrument())
                            : q.state.product_row(q.terms.instrument, product, day_of(q)) != nullptr;
    return is_one ? kPass : Verdict{Rule::product, {}, count(static_cast<std::uint64_t>(product))};
}

/// What orders that only reduce may sell of what is held under the product, the changed one not among them. O(open orders of the instrument).
Qty sold_by_reducing(const RiskQuestion& q) {
    Qty sum;
    for (const PlacedOrder& placed : q.state.orders_of(q.config().portfolio, q.terms.instrument)) {
        ++visits;
        const Order& order = q.state.open_orders.at(placed.order);
        const bool counts = order.terms.reduce_only && order.terms.side == Side::sell &&
                            order.terms.product == q.terms.product &&
                            (q.changed == nullptr || q.changed->id != order.id) &&
                            (order.terms.legs == 0 || order.terms.group == order.id);
        sum += counts ? alive_leaves(q.state, order) : Qty{};
    }
    return sum;
}

/// Shares that are sold out of an account have to be in it, and not promised to another order.
Verdict check_holdings(const RiskQuestion& q) {
    if (q.terms.side == Side::buy || q.terms.product == Product::none || q.state.products.is_silent()) {
        return kPass;
    }
    const Date day = day_of(q);
    const ProductRow* const row = q.state.product_row(q.terms.instrument, q.terms.product, day);
    if (row == nullptr || row->shorts) {
        return kPass;
    }
    const Holding held = q.held();
    const Qty there = held.net - (row->sells_unarrived ? Qty{} : held.unarrived(day));
    const Qty promised = held.open_sells - q.replaced.quantity;
    const Qty wanted = std::max(q.terms.quantity - q.filled, q.standing.quantity);
    // What only reduces is cut to what there is, unless another order takes that away under it.
    if (q.terms.reduce_only && promised.raw <= 0 && there == held.net && there.raw > 0) {
        return kPass;
    }
    const Qty free = there - promised - sold_by_reducing(q);
    return refuse_above(Rule::holdings, units(std::max(free, Qty{})), units(wanted));
}

Verdict check_freeze_quantity(const RiskQuestion& q) {
    const Qty freeze = q.instrument().freeze;
    return freeze.raw == 0 ? kPass : refuse_above(Rule::freeze_quantity, units(freeze), units(q.terms.quantity));
}

Decimal day_number(Date date) {
    return decimal_of(date.days);
}

Verdict check_expired(const RiskQuestion& q) {
    if (!q.instrument().expires()) {
        return kPass;
    }
    const Date last = last_day_of(q.state, q.terms.instrument);
    const Date day = day_of(q);
    const Time ends = expires_at(q.state, q.terms.instrument);
    // What is decided on a bar that closes with the last session comes before that is over.
    const bool is_over = q.state.now > ends || (q.state.now == ends && q.market().session_closes == kNever);
    return day > last || is_over ? Verdict{Rule::expired, day_number(last), day_number(day)} : kPass;
}

Verdict check_unknown_day(const RiskQuestion& q) {
    const markets::Calendar* const calendar = q.times().calendar();
    if (calendar == nullptr) {
        return kPass;
    }
    const markets::Moment moment = calendar->at(q.asked_at());
    return q.times().refuses(moment) ? Verdict{Rule::unknown_day, {}, day_number(moment.date)} : kPass;
}

/// While the market is closed an order waits for the session that opens next.
Verdict check_market_phase(const RiskQuestion& q) {
    const markets::Calendar* const calendar = q.times().calendar();
    // What is decided on a bar that closes with the session is in time for that close.
    if (calendar == nullptr || q.market().session_closes == q.state.now) {
        return kPass;
    }
    const markets::Phase phase = q.times().phase_of(calendar->at(q.asked_at()));
    if (phase == markets::Phase::unknown || phase == markets::Phase::closed || phase == markets::Phase::post_close) {
        return kPass;
    }
    const markets::PhaseRules rules = markets::rules_of(phase);
    const OrderTerms& terms = q.terms;
    const bool takes_type = needs_stop(terms.type)            ? rules.takes_stop
                            : terms.type == OrderType::market ? rules.takes_market
                                                              : rules.takes_limit;
    const bool takes_tif = terms.tif != TimeInForce::ioc || rules.takes_ioc;
    return takes_type && takes_tif ? kPass : Verdict{Rule::market_phase, {}, count(static_cast<std::uint64_t>(phase))};
}

/// When a day begins by the market's own clock.
Time midnight_of(const markets::DayTimes& times, Date date) {
    return times.calendar() == nullptr ? times.hours().midnight(date) : times.calendar()->zone().utc_of(date, 0);
}

/// Until the session closes nothing new is held within the day once the broker closes what is: what comes afterwards is of another day. What
/// a session has closed over is to be closed first.
Verdict check_square_off(const RiskQuestion& q) {
    const Market& market = q.market();
    if (q.terms.product == Product::none || q.state.products.is_silent()) {
        return kPass;
    }
    const bool is_left_over = q.held().left_over != LeftOver::no;
    const bool is_open = market.session_closes != kNever && q.state.now < market.session_closes;
    const Time due = square_off_time(q.state, q.terms.instrument, q.terms.product, market.session_date);
    if (due == kNever || (!is_left_over && (!is_open || q.state.now < due))) {
        return kPass;
    }
    const Time midnight = midnight_of(q.times(), market.session_date);
    return {Rule::square_off, decimal_of((due - midnight).ns / kSecondNs), seconds(q.state.now - midnight)};
}

/// Where the present lies in its day, against when that opens and closes: seconds of the market's own clock.
Verdict outside_of_session(const RiskQuestion& q) {
    const markets::DayTimes& times = q.times();
    const Date date = times.date_of(q.state.now);
    const Time midnight = midnight_of(times, date);
    const Duration in_day = q.state.now - midnight;
    const Duration opens = times.open_on(date) - midnight;
    const auto whole_seconds = [](Duration d) { return decimal_of(d.ns / kSecondNs); };
    if (in_day < opens) {  // rounded down: never the very moment it opens
        return {Rule::session_hours, whole_seconds(opens), Decimal{in_day.ns / 10}};
    }
    return {Rule::session_hours, whole_seconds(times.close_on(date) - midnight), seconds(in_day)};
}

Verdict check_session_hours(const RiskQuestion& q) {
    // What is decided on a bar that closes with the session comes before TradingSessionClosed, and is in time for that close.
    if (!q.limits.of(Rule::session_hours) || q.market().session_closes == q.state.now) {
        return kPass;
    }
    const markets::DayTimes& times = q.times();
    if (const markets::Calendar* const calendar = times.calendar(); calendar != nullptr) {
        const markets::Moment moment = calendar->at(q.asked_at());
        const markets::Phase phase = times.phase_of(moment);
        const markets::PhaseRules rules = markets::rules_of(phase);
        if (times.trades(moment) ||
            ((rules.takes_limit || rules.takes_market) && phase != markets::Phase::post_close)) {
            return kPass;
        }
    } else if (times.is_open_at(q.state.now)) {
        return kPass;
    }
    return outside_of_session(q);
}

Verdict check_market(const RiskQuestion& q) {
    return q.reference_price().raw > 0 ? kPass : Verdict{Rule::no_market, {}, {}};
}

// ---- brokers outside ----

/// Null: it executes inside the process.
const OutsideBroker* outside_of(const RiskQuestion& q) {
    return q.state.outside.empty() ? nullptr : q.state.outside_of(q.config().broker);
}

/// Kite, as others, has no order that lasts for longer than a day (a market order needs none), and none without a product. What was let through with
/// its entry, such as an exit, may be changed.
Verdict check_supported(const RiskQuestion& q) {
    const OutsideBroker* const outside = outside_of(q);
    if (outside == nullptr || q.is_modification) {
        return kPass;
    }
    const bool lasts = q.terms.tif == TimeInForce::gtc && q.terms.type != OrderType::market;
    const bool lacks_product = q.terms.product == Product::none && outside->book.rules().needs_product;
    return lasts || lacks_product ? Verdict{Rule::not_supported, {}, count(1)} : kPass;
}

Verdict check_broker(const RiskQuestion& q) {
    const OutsideBroker* const outside = outside_of(q);
    return outside != nullptr && !outside->book.is_up() ? Verdict{Rule::broker_down, {}, count(1)} : kPass;
}

Verdict check_feeds(const RiskQuestion& q) {
    return q.state.bad_feeds.empty() || q.terms.reduce_only || q.reduces()
               ? kPass
               : Verdict{Rule::feed_down, {}, count(q.state.bad_feeds.size())};
}

/// While nobody knows what became of an order of the strategy's in the instrument, it sends nothing more there.
Verdict check_outcomes(const RiskQuestion& q) {
    const OutsideBroker* const outside = outside_of(q);
    if (outside == nullptr) {
        return kPass;
    }
    for (const PlacedOrder& placed : q.state.orders_of(q.config().portfolio, q.terms.instrument)) {
        const Wire* const wire = outside->book.find(placed.order);
        const bool is_open = wire != nullptr && (wire->state == WireState::unknown || wire->state == WireState::stale);
        if (is_open && q.state.open_orders.at(placed.order).strategy == q.strategy) {
            return {Rule::unknown_outcome, {}, count(placed.order.value)};
        }
    }
    return kPass;
}

Verdict check_frozen(const RiskQuestion& q) {
    const OutsideBroker* const outside = outside_of(q);
    return outside != nullptr && outside->book.is_frozen(q.terms.instrument) && !q.reduces()
               ? Verdict{Rule::frozen_instrument, {}, count(1)}
               : kPass;
}

Verdict check_backlog(const RiskQuestion& q) {
    const OutsideBroker* const outside = outside_of(q);
    if (outside == nullptr || q.is_modification) {
        return kPass;
    }
    const std::size_t waiting = outside->book.waiting() + 1;
    const std::size_t most = outside->book.rules().backlog;
    return waiting > most ? Verdict{Rule::send_backlog, count(most), count(waiting)} : kPass;
}

Verdict check_modifications(const RiskQuestion& q) {
    const OutsideBroker* const outside = outside_of(q);
    const Wire* const wire = outside == nullptr || q.changed == nullptr ? nullptr : outside->book.find(q.changed->id);
    const std::size_t most = outside == nullptr ? 0 : outside->book.rules().modifications;
    return wire != nullptr && wire->modifications >= most
               ? Verdict{Rule::modifications, count(most), count(wire->modifications + std::size_t{1})}
               : kPass;
}

Verdict check_stale_data(const RiskQuestion& q) {
    const auto& limit = q.limits.of(Rule::stale_data);
    if (!limit) {
        return kPass;
    }
    if (q.market().updated == kBeforeAll) {  // it has no age: it was never seen
        return {Rule::no_market, {}, {}};
    }
    return refuse_above(Rule::stale_data, limit, seconds(q.state.now - q.market().updated));
}

Verdict check_price_band(const RiskQuestion& q) {
    const auto& band = q.limits.of(Rule::price_band);
    const Price mark = q.market().mark;
    if (!band || (q.terms.limit_price.raw == 0 && q.terms.stop_price.raw == 0)) {
        return kPass;
    }
    if (mark.raw == 0) {  // no price to be near to
        return {Rule::no_market, {}, {}};
    }
    for (const Price price : {q.terms.limit_price, q.terms.stop_price}) {
        if (price.raw == 0) {
            continue;
        }
        const std::int64_t distance = price > mark ? price.raw - mark.raw : mark.raw - price.raw;
        const Int128 percent_scaled = static_cast<Int128>(distance) * 100 * kScale;
        // Rounded up, so that what passed the band never prints as the band itself.
        const Decimal percent{(percent_scaled + mark.raw - 1) / mark.raw};
        if (const Verdict v = refuse_above(Rule::price_band, band, percent); v.refused()) {
            return v;
        }
    }
    return kPass;
}

Verdict check_order_quantity(const RiskQuestion& q) {
    return refuse_above(Rule::order_quantity, q.limits.of(Rule::order_quantity), units(q.terms.quantity));
}

Verdict check_order_notional(const RiskQuestion& q) {
    const auto& limit = q.limits.of(Rule::order_notional);
    return limit ? refuse_above(Rule::order_notional, limit,
                                notional(q.instrument(), q.reference_price(), q.terms.quantity))
                 : kPass;
}

Verdict check_shorting(const RiskQuestion& q) {
    if (!q.limits.of(Rule::shorting) || q.terms.side == Side::buy || q.added().raw <= 0 || q.terms.reduce_only) {
        return kPass;
    }
    const Qty shortest = worst_case_short(q.portfolio().position(q.terms.instrument), q.added());
    return shortest.raw < 0 ? Verdict{Rule::shorting, {}, units(shortest)} : kPass;
}

Verdict check_position(const RiskQuestion& q) {
    if (q.added().raw <= 0 || q.terms.reduce_only) {  // making an order smaller is never refused
        return kPass;
    }
    const auto& limit = q.limits.of(Rule::position);
    const Decimal hard = units(Qty{limits::kMaxQty.raw / q.instrument().multiplier});
    const Position& position = q.portfolio().position(q.terms.instrument);
    // Only the order's own side: a sell must pass while what is already working on the buy side is at the limit.
    const Qty reached =
        q.terms.side == Side::buy ? worst_case_long(position, q.added()) : -worst_case_short(position, q.added());
    return refuse_above(Rule::position, limit ? std::min(*limit, hard) : hard, units(reached));
}

Money gross_of(const Instrument& of, const Position& position, Price mark) {
    return notional(of, mark, worst_case(position, Side::buy, Qty{}));
}

/// A position's part in a sum, as it was last settled.
Money settled(const std::vector<Money>& parts, InstrumentId instrument) {
    return instrument.value < parts.size() ? parts[instrument.value] : Money{};
}

Verdict check_gross_exposure(const RiskQuestion& q) {
    const auto& limit = q.limits.of(Rule::gross_exposure);
    if (!limit || q.terms.reduce_only) {
        return kPass;
    }
    const Portfolio& portfolio = q.portfolio();
    const Position& position = portfolio.position(q.terms.instrument);
    Money others = portfolio.sums.gross_exposure - gross_of(q.instrument(), position, q.market().mark);
    for (const InstrumentId i : portfolio.sums.changed) {
        ++visits;
        others += gross_of(q.state.instruments[i.value], portfolio.position(i), q.state.market(i).mark) -
                  settled(portfolio.sums.gross, i);
    }
    const Price mark = q.market().mark.raw != 0 ? q.market().mark : q.reference_price();
    const Money own_before = gross_of(q.instrument(), position, mark);
    const Money own_after = notional(q.instrument(), mark, worst_case(position, q.terms.side, q.added()));
    if (own_after <= own_before) {
        return kPass;
    }
    return refuse_above(Rule::gross_exposure, limit, others + own_after);
}

/// What a portfolio's open orders reserve, one by one; asked for only where some of them close what is held and others open.
class OrdersOf {
public:
    /// `judged`: one that is not among the open ones yet, or changes one of them. May be null.
    OrdersOf(const State& state, PortfolioId portfolio, const RiskQuestion* judged)
        : state_(state), portfolio_(portfolio), judged_(judged) {}

    /// What the last `beyond` units of one side cost where the cheapest fill first, and close: nobody knows which will. O(k log k) in
    /// the portfolio's open orders of the instrument.
    Money dearest(InstrumentId instrument, Side side, Qty beyond) const {
        return alpha::dearest(
            weighed_orders(state_, portfolio_, instrument, side, std::nullopt, Weight::value, judged_), beyond);
    }

    const Instrument& instrument(InstrumentId id) const { return state_.instruments[id.value]; }

private:
    const State& state_;
    PortfolioId portfolio_;
    const RiskQuestion* judged_;
};

/// What a position is worth, either way, once all its orders of one side have filled, with more of them added.
Money side_value(const Position& position, InstrumentId instrument, Price mark, Side side, Qty more, Money more_value,
                 const OrdersOf& orders) {
    const Instrument& of = orders.instrument(instrument);
    const Qty held = side == Side::buy ? position.net : -position.net;
    const Qty open = (side == Side::buy ? position.open_buys : position.open_sells) + more;
    const Money open_value = (side == Side::buy ? position.open_buy_value : position.open_sell_value) + more_value;
    if (held.raw >= 0) {
        return notional(of, mark, held) + open_value;
    }
    const Qty beyond = open + held;  // what is left of the orders once they have closed what is held the other way
    if (beyond.raw <= 0) {
        return notional(of, mark, -beyond);
    }
    return orders.dearest(instrument, side, beyond);
}

Money exposure_of(const Position& position, InstrumentId instrument, Price mark, Side side, Qty more, Money more_value,
                  const OrdersOf& orders) {
    return std::max(side_value(position, instrument, mark, side, more, more_value, orders),
                    side_value(position, instrument, mark, opposite(side), Qty{}, Money{}, orders));
}

/// As it stands, nothing added.
Money exposure_of(const State& state, const Portfolio& portfolio, InstrumentId instrument, const OrdersOf& orders) {
    ++visits;
    return exposure_of(portfolio.position(instrument), instrument, state.market(instrument).mark, Side::buy, {}, {},
                       orders);
}

/// Over all instruments.
Money exposure_of(const State& state, const Portfolio& portfolio, const OrdersOf& orders) {
    Money exposure = portfolio.sums.exposure;
    for (const InstrumentId i : portfolio.sums.changed) {
        exposure += exposure_of(state, portfolio, i, orders) - settled(portfolio.sums.exposures, i);
    }
    return exposure;
}

/// What the open orders will cost in charges, about. A plan's are in what each order is valued at.
Money charges_to_come(const State& state, Money open_value, std::uint32_t orders) {
    const ChargesConfig& charges = state.config.charges;
    if (orders == 0 || state.has_charge_plan()) {
        return {};
    }
    return charges_for(charges, open_value) + Money{charges.per_fill.raw * (orders - 1)};
}

}  // namespace

void settle_sums(State& state, const RiskLimits& limits, PortfolioId id) {
    const bool by_margin = !state.margin_rules.is_silent();
    const bool by_power = !by_margin && limits.of(Rule::buying_power).has_value();
    const bool by_gross = limits.of(Rule::gross_exposure).has_value();
    if (!by_margin && !by_power && !by_gross) {
        return;
    }
    if (by_margin) {
        settle_margins(state, id);
    }
    Portfolio& portfolio = state.portfolios[id.value];
    PositionSums& sums = portfolio.sums;
    const OrdersOf orders(state, id, nullptr);
    sums.exposures.resize(state.instruments.size());
    sums.gross.resize(state.instruments.size());
    const auto settle = [](Money& part, Money& sum, Money now) {
        sum += now - part;
        part = now;
    };
    for (const InstrumentId i : sums.changed) {
        sums.is_changed[i.value] = false;
        if (by_power) {
            settle(sums.exposures[i.value], sums.exposure, exposure_of(state, portfolio, i, orders));
        }
        if (by_gross) {
            settle(sums.gross[i.value], sums.gross_exposure,
                   gross_of(state.instruments[i.value], portfolio.position(i), state.market(i).mark));
        }
    }
    sums.changed.clear();
}

namespace {

Money buying_power_of(const RiskLimits& limits, const Portfolio& portfolio) {
    return times(portfolio.equity, *limits.of(Rule::buying_power));
}

/// Where the order increases anything: the sum over the portfolio's instruments of the larger of what it holds with all buys filled
/// and with all sells filled, holdings at the mark and orders at what they are valued at, plus the charges of open orders, against
/// leverage times equity. Of several orders that together close a position and open another, the dearest are taken to open. A gap may
/// take a position past it: nothing is closed for that. O(positions that have changed since they were last settled), and where there
/// are such orders in one of them, O(its open orders).
Verdict check_buying_power(const RiskQuestion& q) {
    const auto& leverage = q.limits.of(Rule::buying_power);
    if (!leverage || !q.state.margin_rules.is_silent() || q.reduces()) {
        return kPass;
    }
    const Qty more = q.added();
    const Money value = notional(q.instrument(), q.valued_at, q.terms.quantity - q.filled);
    const Money more_value = std::max(value, q.standing.value) - q.replaced.value;
    if (q.is_modification && more.raw <= 0 && more_value.raw <= 0) {
        return kPass;
    }
    const Portfolio& portfolio = q.portfolio();
    const PortfolioId id = q.config().portfolio;
    const OrdersOf as_it_stands(q.state, id, nullptr);
    const OrdersOf with_this(q.state, id, &q);
    Money exposure = exposure_of(q.state, portfolio, as_it_stands);
    exposure -= exposure_of(q.state, portfolio, q.terms.instrument, as_it_stands);
    exposure += exposure_of(portfolio.position(q.terms.instrument), q.terms.instrument, q.market().mark, q.terms.side,
                            more, more_value, with_this);
    const std::uint32_t orders = portfolio.open_orders + (q.is_modification ? 0U : 1U);
    return refuse_above(Rule::buying_power, buying_power_of(q.limits, portfolio),
                        exposure + charges_to_come(q.state, portfolio.open_value + more_value, orders));
}

/// What it binds, against what is free. What binds nothing more passes, whatever there is: to close is never refused but where that takes
/// the protection off what is sold. O(as settle_margins).
Verdict check_margin(const RiskQuestion& q) {
    if (q.state.margin_rules.is_silent()) {
        return kPass;
    }
    const Portfolio& portfolio = q.portfolio();
    const MarginChange bound = margin_with(q);
    if (bound.after <= bound.before) {
        return kPass;
    }
    const Money value = notional(q.instrument(), q.valued_at, q.terms.quantity - q.filled);
    const Money more_value = q.terms.reduce_only ? Money{} : std::max(value, q.standing.value) - q.replaced.value;
    const std::uint32_t orders = portfolio.open_orders + (q.is_modification ? 0U : 1U);
    const Money free =
        portfolio.equity - bound.before - charges_to_come(q.state, portfolio.open_value, portfolio.open_orders);
    const Money needed = bound.after - bound.before +
                         charges_to_come(q.state, portfolio.open_value + more_value, orders) -
                         charges_to_come(q.state, portfolio.open_value, portfolio.open_orders);
    return refuse_above(Rule::margin, free, needed);
}

}  // namespace

namespace {

Money buying_power_used(const State& state, const Portfolio& portfolio) {
    const PortfolioId id{static_cast<std::uint32_t>(&portfolio - state.portfolios.data())};
    return exposure_of(state, portfolio, OrdersOf(state, id, nullptr)) +
           charges_to_come(state, portfolio.open_value, portfolio.open_orders);
}

}  // namespace

std::optional<Funds> funds_of(const State& state, const RiskLimits& limits, const Portfolio& portfolio) {
    const PortfolioId id{static_cast<std::uint32_t>(&portfolio - state.portfolios.data())};
    if (!state.margin_rules.is_silent()) {
        return Funds{Rule::margin, portfolio.equity,
                     margin_bound(state, id) + charges_to_come(state, portfolio.open_value, portfolio.open_orders)};
    }
    if (!limits.of(Rule::buying_power)) {
        return std::nullopt;
    }
    return Funds{Rule::buying_power, buying_power_of(limits, portfolio), buying_power_used(state, portfolio)};
}

namespace {

Verdict check_open_orders(const RiskQuestion& q) {
    if (q.is_modification) {
        return kPass;
    }
    const Decimal with_this = count(std::uint64_t{q.portfolio().open_orders} + q.placed_together);
    const Decimal hard = count(limits::kMaxOpenOrders);
    const auto& limit = q.limits.of(Rule::open_orders);
    return refuse_above(Rule::open_orders, limit ? std::min(*limit, hard) : hard, with_this);
}

Verdict check_order_rate(const RiskQuestion& q) {
    const auto& limit = q.limits.of(Rule::order_rate);
    if (!limit) {
        return kPass;
    }
    const Time window_start = q.state.now - Duration{kSecondNs};
    const auto& sent = q.portfolio().recent_orders;
    const auto recent = sent.end() - std::ranges::upper_bound(sent, window_start);
    return refuse_above(Rule::order_rate, limit, count(static_cast<std::uint64_t>(recent) + q.entries_together));
}

/// Where the day's loss is already past its limit: after a release, before the next mark latches again.
Verdict check_loss_so_far(const RiskQuestion& q) {
    if (q.terms.reduce_only) {
        return kPass;
    }
    return check_daily_loss(q.limits, q.portfolio());
}

/// In the order in which they are asked. A check that is left out here is not used, and does not compile.
struct Check {
    Rule rule;
    Verdict (*ask)(const RiskQuestion&);
};
constexpr Check kChecks[] = {
    {Rule::invalid_order, check_valid},
    {Rule::unknown_instrument, check_known_instrument},
    {Rule::expired, check_expired},
    {Rule::kill_switch, check_kill_switch},
    {Rule::strategy_halted, check_strategy_halted},
    {Rule::broker_down, check_broker},
    {Rule::not_supported, check_supported},
    {Rule::tick_size, check_tick_size},
    {Rule::lot_size, check_lot_size},
    {Rule::freeze_quantity, check_freeze_quantity},
    {Rule::allowed_instruments, check_allowed_instruments},
    {Rule::product, check_product},
    {Rule::unknown_day, check_unknown_day},
    {Rule::market_phase, check_market_phase},
    {Rule::session_hours, check_session_hours},
    {Rule::square_off, check_square_off},
    {Rule::no_market, check_market},
    {Rule::feed_down, check_feeds},
    {Rule::frozen_instrument, check_frozen},
    {Rule::unknown_outcome, check_outcomes},
    {Rule::send_backlog, check_backlog},
    {Rule::modifications, check_modifications},
    {Rule::stale_data, check_stale_data},
    {Rule::price_band, check_price_band},
    {Rule::order_quantity, check_order_quantity},
    {Rule::order_notional, check_order_notional},
    {Rule::holdings, check_holdings},
    {Rule::shorting, check_shorting},
    {Rule::position, check_position},
    {Rule::gross_exposure, check_gross_exposure},
    {Rule::buying_power, check_buying_power},
    {Rule::margin, check_margin},
    {Rule::open_orders, check_open_orders},
    {Rule::order_rate, check_order_rate},
    {Rule::daily_loss, check_loss_so_far},
};

}  // namespace

Verdict judge(Rule rule, const RiskQuestion& q) {
    const auto* const check = std::ranges::find(kChecks, rule, &Check::rule);
    ALPHA_ASSERT(check != std::end(kChecks), "a rule that orders are judged by");
    return check->ask(q);
}

Verdict judge(const RiskQuestion& q) {
    for (const Check& check : kChecks) {
        if (const Verdict verdict = check.ask(q); verdict.refused()) {
            return verdict;
        }
    }
    return kPass;
}

Verdict judge_exit(const RiskQuestion& q) {
    for (const auto check : {check_valid, check_tick_size, check_lot_size, check_freeze_quantity}) {
        if (const Verdict verdict = check(q); verdict.refused()) {
            return verdict;
        }
    }
    return kPass;
}

Verdict check_daily_loss(const RiskLimits& limits, const Portfolio& portfolio) {
    const auto& limit = limits.of(Rule::daily_loss);
    if (!limit) {
        return kPass;
    }
    return refuse_above(Rule::daily_loss, limit, portfolio.day_start_equity - portfolio.equity);
}

Money daily_loss_room(const RiskLimits& limits, const Portfolio& portfolio) {
    return Money{limits.of(Rule::daily_loss)->raw} - (portfolio.day_start_equity - portfolio.equity);
}

}  // namespace alpha
