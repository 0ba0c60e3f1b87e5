#include "views/projection.hpp"

#include "kernel/find_recent.hpp"
#include "kernel/snapshot.hpp"
#include "kernel/visits.hpp"
#include "store/wire.hpp"
#include "views/row_bytes.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace alpha {

namespace {

/// Whether an event can change a row. One that is not listed here is looked at, and found missing there.
constexpr bool moves_rows(std::uint16_t tag) {
    switch (tag) {
    case InstrumentListed::tag:
    case QuoteTick::tag:
    case BarOpened::tag:
    case BarClosed::tag:
    case TradingSessionClosed::tag:
    case TimerFired::tag:
    case PnlSnapshot::tag:
    case MarketRulesSet::tag:
    case ProductRulesSet::tag:
    case MarginRulesSet::tag:
    case SquareOffBegun::tag:
    case CorporateAction::tag:
    case SettlementPrice::tag:
    case ContractExpired::tag:
    case InstrumentChanged::tag:
    case SignalRaised::tag:
    case ChangeRefused::tag:
    case RunReconfigured::tag:
    case TimerSet::tag:
    case TimerCancelled::tag:
    case StrategyHalted::tag:
    case StrategyResumed::tag:
    case ReportIgnored::tag:
    case TradeTick::tag:
    case BrokerRulesSet::tag:
    case BrokerSessionChanged::tag:
    case SendStarted::tag:
    case SendEnded::tag:
    case BrokerOrderSeen::tag:
    case BrokerTradeSeen::tag:
    case BookRead::tag:
    case OrderResolved::tag:
    case AccountRead::tag:
    case FundsRead::tag:
    case InstrumentThawed::tag:
    case OrderOverdue::tag:
    case OutcomeUnknown::tag:
    case OutcomeStale::tag:
    case OrderConflict::tag:
    case OutsideFilled::tag:
    case ReconciliationDiffers::tag:
    case Reconciled::tag:
    case FeedChanged::tag: return false;
    default: return true;
    }
}

/// Market inputs as the kernel writes them, told by their first eight bytes: a size need not be read to find the next event, so
/// that a walk over a thousand of them waits for no load.
template <class E>
constexpr std::size_t kPayloadBytes = 0;  // no other kind is skipped
template <>
constexpr std::size_t kPayloadBytes<QuoteTick> = 4 + 4 * 8;
template <>
constexpr std::size_t kPayloadBytes<TradeTick> = 4 + 5 * 8;
template <>
constexpr std::size_t kPayloadBytes<BarOpened> = 4 + 3 * 8;
template <>
constexpr std::size_t kPayloadBytes<BarClosed> = 4 + 7 * 8;
/// Takes one of this kind off the front; false, with nothing taken, for any other event.
template <class E>
bool skip_plain(Bytes& events) {
    constexpr std::size_t kBytes = kHeaderBytes + kPayloadBytes<E>;
    constexpr std::uint64_t kFront = kPayloadBytes<E> | std::uint64_t{E::tag} << 32U | std::uint64_t{E::version} << 48U;
    if (events.size() < kBytes || load<std::uint64_t>(events.data()) != kFront) {
        return false;
    }
    events = events.subspan(kBytes);
    return true;
}

std::uint64_t ticks_of(const State& state) {
    return state.quotes + state.trades;
}

/// What a walk needs of any other event.
struct Front {
    std::uint16_t tag = 0;
    std::size_t total_bytes = 0;
};
Front front_of(Bytes event) {
    ALPHA_ASSERT(event.size() >= kHeaderBytes, "a frame to take holds events that decode");
    const bool has_links = (event[7] & 1U) != 0;
    const std::size_t bytes = kHeaderBytes + (has_links ? kLinkBytes : 0) + load<std::uint32_t>(event.data());
    ALPHA_ASSERT(bytes <= event.size(), "a frame to take holds events that decode");
    return {load<std::uint16_t>(event.data() + 4), bytes};
}

}  // namespace

// ---- from frames to rows -------------------------------------------------------------------------------------------------

/// One frame: notes what its events changed, then writes each changed row once.
class Projection::Pass {
public:
    Pass(Projection& projection, const State& after, Rows& rows)
        : projection_(projection), orders_(projection.orders_), after_(after), rows_(rows) {}

    void look_at(const Frame& frame) {
        Bytes rest = frame.bytes.view();
        for (Seq seq = frame.first_seq; seq < frame.next_seq(); ++seq) {
            if (skip_plain<QuoteTick>(rest) || skip_plain<TradeTick>(rest) || skip_plain<BarOpened>(rest) ||
                skip_plain<BarClosed>(rest)) [[likely]] {
                continue;
            }
            const Front front = front_of(rest);
            if (moves_rows(front.tag)) [[unlikely]] {
                const Result<DecodedEvent> decoded = decode(rest, seq);
                ALPHA_ASSERT(decoded.has_value(), "a frame to take holds events that decode");
                std::visit([&](const auto& event) { note(decoded->envelope, event); }, decoded->event);
            }
            rest = rest.subspan(front.total_bytes);
        }
    }

    void write_rows() {
        each_once(changed_portfolios_);
        each_once(changed_positions_);
        each_once(changed_orders_);
        for (const PortfolioId portfolio : changed_portfolios_) {
            add_row(rows_, ReadModel::portfolios, portfolio_view(portfolio));
        }
        for (const auto& [portfolio, instrument] : changed_positions_) {
            write_position(portfolio, instrument);
        }
        for (const OrderId id : changed_orders_) {
            write_order(id);
        }
        for (const OrderId id : changed_orders_) {
            if (after_.find_order(id) == nullptr) {  // closed and forgotten within the frame, or changed before it was
                projection_.forget(id);
            }
        }
        projection_.forget_with(after_);
    }

private:
    void note(const Envelope&, const RunConfigured& e) {
        add_about_row(rows_);
        for (std::uint32_t p = 0; p < e.portfolios.size(); ++p) {
            changed_portfolios_.push_back(PortfolioId{p});
        }
    }
    void note(const Envelope&, const PortfolioOpened& e) { changed_portfolios_.push_back(e.portfolio); }
    void note(const Envelope&, const ChargesBooked& e) { changed_portfolios_.push_back(e.portfolio); }
    void note(const Envelope&, const KillSwitchLatched& e) { changed_portfolios_.push_back(e.portfolio); }
    void note(const Envelope&, const KillSwitchReleased& e) { changed_portfolios_.push_back(e.portfolio); }

    void note(const Envelope& envelope, const OrderIntended& e) {
        Tracked order;
        order.strategy = e.strategy;
        order.portfolio = e.portfolio;
        order.broker = e.broker;
        order.terms = e.terms;
        order.good_until = e.good_until;
        order.created = envelope.seq;
        order.created_time = envelope.time;
        if (e.terms.tif == TimeInForce::day && e.good_until.days == 0) {
            projection_.undated_[e.terms.instrument].push_back(e.order);
        }
        orders_.emplace_hint(orders_.end(), e.order, std::move(order));
        changed(envelope, e.order);
    }
    /// Its row is written here: nothing can happen to it any more.
    void note(const Envelope& envelope, const OrderRefused& e) {
        OrderView order;
        order.id = e.order;
        name(order, e.strategy, e.portfolio, e.terms.instrument);
        order.broker = after_.config.brokers[after_.config.strategies[e.strategy.value].broker.value].name;
        order.terms = e.terms;
        order.status = OrderStatus::refused;
        order.refused_by = e.rule;
        order.limit = e.limit;
        order.observed = e.observed;
        order.created = order.updated = envelope.seq;
        order.created_time = order.updated_time = envelope.time;
        add_row(rows_, ReadModel::orders, order);
    }
    /// DAY orders made while the market was shut have their day now.
    void note(const Envelope& envelope, const TradingSessionOpened& e) {
        const auto undated = projection_.undated_.find(e.instrument);
        if (undated == projection_.undated_.end()) {
            return;
        }
        for (const OrderId id : undated->second) {
            const auto order = orders_.find(id);
            if (order != orders_.end() && !is_terminal(order->second.status) &&
                order->second.filled < order->second.terms.quantity) {
                changed(envelope, id).good_until = e.date;
            }
        }
        projection_.undated_.erase(undated);
    }
    void note(const Envelope& envelope, const CancelIntended& e) { changed(envelope, e.order); }
    void note(const Envelope& envelope, const ModifyIntended& e) { changed(envelope, e.order); }
    void note(const Envelope& envelope, const ChangeRejected& e) { changed(envelope, e.order); }
    void note(const Envelope& envelope, const OrderAccepted& e) {
        changed(envelope, e.order).broker_order = e.broker_order;
    }
    void note(const Envelope& envelope, const OrderTriggered& e) { changed(envelope, e.order).triggered = true; }
    void note(const Envelope& envelope, const OrderModified& e) {
        Tracked& order = changed(envelope, e.order);
        order.terms.quantity = e.quantity;
        order.terms.limit_price = e.limit_price;
        order.terms.stop_price = e.stop_price;
        order.terms.reduce_only = e.reduce_only;
    }
    void note(const Envelope& envelope, const OrderReleased& e) {
        changed(envelope, e.order).terms.quantity = e.quantity;
    }
    void note(const Envelope& envelope, const OrderRejected& e) {
        end(envelope, e.order, OrderStatus::rejected).reason = e.reason;
    }
    void note(const Envelope& envelope, const OrderCancelled& e) {
        end(envelope, e.order, OrderStatus::cancelled).reason = e.reason;
    }
    void note(const Envelope& envelope, const OrderExpired& e) { end(envelope, e.order, OrderStatus::expired); }

    void note(const Envelope& envelope, const OrderFilled& e) {
        Tracked& order = changed(envelope, e.order);
        order.filled += e.quantity;
        order.filled_notional += e.notional;
        changed_positions_.emplace_back(e.portfolio, e.instrument);
        FillView fill;
        fill.event = envelope.seq;
        fill.time = envelope.time;
        fill.order = e.order;
        name(fill, e.strategy, e.portfolio, e.instrument);
        fill.side = e.side;
        fill.quantity = e.quantity;
        fill.price = e.price;
        fill.notional = e.notional;
        fill.charges = e.charges;
        fill.realized_pnl = e.realized_pnl;
        fill.trade = e.trade;
        fill.product = e.product;
        add_row(rows_, ReadModel::fills, fill);
    }

    void note(const Envelope&, const PositionAdjusted& e) {
        changed_positions_.emplace_back(e.portfolio, e.instrument);
        changed_portfolios_.push_back(e.portfolio);
    }
    void note(const Envelope&, const PositionSettled& e) {
        changed_positions_.emplace_back(e.portfolio, e.instrument);
        changed_portfolios_.push_back(e.portfolio);
    }
    void note(const Envelope&, const OutsideAssigned& e) {
        changed_positions_.emplace_back(e.portfolio, e.instrument);
        changed_portfolios_.push_back(e.portfolio);
    }
    void note(const Envelope& envelope, const OrderRevived& e) {
        Tracked& order = changed(envelope, e.order);
        order.status = OrderStatus::working;
        order.reason.clear();
        if (order.filled >= order.terms.quantity) {
            order.terms.quantity = order.filled + Qty{1};  // as its fold has it
        }
        projection_.has_revived_ = true;
    }
    void note(const Envelope& envelope, const OrderAdjusted& e) {
        Tracked& order = changed(envelope, e.order);
        order.terms.quantity = e.quantity;
        order.terms.limit_price = e.limit_price;
        order.terms.stop_price = e.stop_price;
        order.filled = e.filled;
    }

    template <class E>
    void note(const Envelope&, const E&) {
        static_assert(!moves_rows(E::tag),
                      "an event has a note that says which rows it changes, or a case in moves_rows");
    }

    template <class T>
    static void each_once(std::vector<T>& values) {
        std::ranges::sort(values);
        const auto rest = std::ranges::unique(values);
        values.erase(rest.begin(), rest.end());
    }

    Tracked& changed(const Envelope& envelope, OrderId id) {
        const auto found = find_recent(orders_, id);
        ALPHA_ASSERT(found != orders_.end(), "the fact names an order that was never intended, or is forgotten");
        Tracked& order = found->second;
        order.updated = envelope.seq;
        order.updated_time = envelope.time;
        changed_orders_.push_back(id);
        changed_portfolios_.push_back(order.portfolio);
        return order;
    }
    Tracked& end(const Envelope& envelope, OrderId id, OrderStatus status) {
        Tracked& order = changed(envelope, id);
        order.status = status;
        return order;
    }

    /// As the scenario names it, whatever it is called later: a row does not depend on which events are written together.
    const std::string& name_of(InstrumentId instrument) const {
        const std::vector<Instrument>& named = after_.config.instruments;
        return instrument.value < named.size() ? named[instrument.value].name
                                               : after_.instruments[instrument.value].name;
    }
    /// The strategy can have asked for an instrument that does not exist; that is what its order was refused for.
    template <class Model>
    void name(Model& model, StrategyId strategy, PortfolioId portfolio, InstrumentId instrument) const {
        model.strategy = strategy == kOperator ? "operator" : after_.config.strategies[strategy.value].name;
        model.portfolio = after_.config.portfolios[portfolio.value].name;
        model.instrument =
            instrument.value < after_.instruments.size() ? name_of(instrument) : "#" + std::to_string(instrument.value);
    }

    PortfolioView portfolio_view(PortfolioId id) const {
        const Portfolio& portfolio = after_.portfolios[id.value];
        const PortfolioConfig& config = after_.config.portfolios[id.value];
        PortfolioView model;
        model.id = id;
        model.name = config.name;
        model.currency = after_.config.currency;
        model.is_open = portfolio.is_open;
        model.initial_cash = portfolio.is_open ? portfolio.initial_cash : config.cash;
        model.cash = portfolio.is_open ? portfolio.cash : config.cash;
        model.realized_pnl = portfolio.realized_pnl;
        model.charges = portfolio.charges;
        model.killed = portfolio.killed();
        model.killed_by = portfolio.killed_by;
        model.open_orders = portfolio.open_orders;
        model.fills = portfolio.fills;
        return model;
    }

    void write_position(PortfolioId portfolio, InstrumentId instrument) {
        const Position& position = after_.portfolios[portfolio.value].position(instrument);
        PositionView model;
        model.instrument = name_of(instrument);
        model.net = position.net;
        model.cost = position.cost;
        model.realized_pnl = position.realized_pnl;
        model.charges = position.charges;
        model.traded = position.traded;
        model.fills = position.fills;
        model.multiplier = after_.instruments[instrument.value].multiplier;
        for (const Holding& held : position.holdings) {
            if (held.net.raw != 0) {
                model.holdings.push_back({held.product, held.net, held.cost});
            }
        }
        rows_.begin(static_cast<std::uint8_t>(ReadModel::portfolios));
        append_big_endian(rows_.bytes(), portfolio.value);
        append_big_endian(rows_.bytes(), instrument.value);
        add_value(rows_, model);
    }

    void write_order(OrderId id) {
        Tracked& order = find_recent(orders_, id)->second;
        const Order* known = after_.find_order(id);
        if (known != nullptr) {
            order.status = known->status;
        } else if (!is_terminal(order.status)) {
            order.status = OrderStatus::filled;  // forgotten, so it ended, and no fact ended it in another way
        }
        projection_.keep(id, order, known);
        OrderView model;
        model.id = id;
        name(model, order.strategy, order.portfolio, order.terms.instrument);
        model.broker = after_.config.brokers[order.broker.value].name;
        model.terms = order.terms;
        model.good_until = order.good_until;
        model.status = order.status;
        model.triggered = order.triggered;
        model.cancel_pending = known != nullptr && known->cancel_pending;
        model.modify_pending = known != nullptr && known->modify_pending;
        model.filled = order.filled;
        model.filled_notional = order.filled_notional;
        model.multiplier = after_.instruments[order.terms.instrument.value].multiplier;
        model.broker_order = order.broker_order;
        model.reason = order.reason;
        model.created = order.created;
        model.created_time = order.created_time;
        model.updated = order.updated;
        model.updated_time = order.updated_time;
        add_row(rows_, ReadModel::orders, model);
    }

    Projection& projection_;
    std::map<OrderId, Tracked>& orders_;  // of the projection
    const State& after_;
    Rows& rows_;
    // With repetitions, until all are noted.
    std::vector<PortfolioId> changed_portfolios_;
    std::vector<std::pair<PortfolioId, InstrumentId>> changed_positions_;
    std::vector<OrderId> changed_orders_;
};

void Projection::take(const Frame& frame, const State& after, Rows& rows) {
    ALPHA_ASSERT(frame.first_seq == next_seq_ && frame.next_seq() == after.next_seq,
                 "frames are taken in order, each once, with the state after it");
    const bool ticks_alone = ticks_of(after) - ticks_ == frame.events;
    next_seq_ = after.next_seq;
    ticks_ = ticks_of(after);
    if (ticks_alone) [[likely]] {
        return;
    }
    Pass pass(*this, after, rows);
    pass.look_at(frame);
    pass.write_rows();
}

void Projection::keep(OrderId id, const Tracked& order, const Order* known) {
    encoded_.clear();
    OutCursor ar(encoded_);
    ar(id, order.filled_notional, order.reason, order.created_time);
    saved_.put(id, encoded_.view());
    if (known != nullptr && !is_terminal(known->status)) {
        closed_.erase(id);  // one that was over may be open again
    } else if (known != nullptr) {
        encoded_.clear();
        save_order(*known, encoded_);
        closed_.put(id, encoded_.view());
    }
}

namespace {

/// How many have ever come to stand in State::closings: of all that have closed, those that are remembered elsewhere have not yet.
std::uint64_t queued_ever(const State& state) {
    const std::uint64_t bound = state.closed_orders.size() - state.closings.size();
    return state.orders - state.open_orders.size() - bound;
}

}  // namespace

/// Forgets what the state forgot of those that could be forgotten before the frame. O(that, and how many more can be since).
void Projection::forget_with(const State& after) {
    if (std::exchange(has_revived_, false)) {  // what stood there may be bound again: it is looked at anew
        for (const OrderId id : closings_) {
            if (after.find_order(id) == nullptr) {
                forget(id);
            }
        }
        closings_.assign(after.closings.begin(), after.closings.end());
        queued_ever_ = queued_ever(after);
        return;
    }
    const std::uint64_t queued = queued_ever(after) - queued_ever_;
    const std::uint64_t kept = after.closings.size() - std::min<std::uint64_t>(queued, after.closings.size());
    for (; closings_.size() > kept; closings_.pop_front()) {
        ++visits;
        forget(closings_.front());
    }
    closings_.insert(closings_.end(), std::next(after.closings.begin(), static_cast<std::ptrdiff_t>(kept)),
                     after.closings.end());
    queued_ever_ += queued;
}

void Projection::forget(OrderId id) {
    orders_.erase(id);
    saved_.erase(id);
    closed_.erase(id);
}

void Projection::save(ByteBuffer& out) const {
    OutCursor ar(out);
    ar(kReadModelVersion, static_cast<std::uint32_t>(orders_.size()));
    saved_.append_to(out);
}

Result<Projection> Projection::load(const State& state, Bytes bytes) {
    const auto refuse = [] { return fail(ErrorKind::data, "the snapshot of the read models is damaged"); };
    InCursor ar(bytes);
    std::uint8_t version = 0;
    std::uint32_t count = 0;
    ar(version, count);
    if (version != kReadModelVersion || count != state.open_orders.size() + state.closed_orders.size()) {
        return refuse();
    }
    Projection projection;
    projection.next_seq_ = state.next_seq;
    projection.ticks_ = ticks_of(state);
    projection.closings_ = state.closings;
    projection.queued_ever_ = queued_ever(state);
    for (; count > 0; --count) {
        OrderId id;
        Tracked order;
        ar(id, order.filled_notional, order.reason, order.created_time);
        const Order* known = state.find_order(id);
        const bool behind = projection.orders_.empty() || projection.orders_.rbegin()->first < id;
        if (known == nullptr || !behind) {
            return refuse();
        }
        order.strategy = known->strategy;
        order.portfolio = known->portfolio;
        order.broker = known->broker;
        order.terms = known->terms;
        order.good_until = known->good_until;
        order.status = known->status;
        order.triggered = known->triggered;
        order.filled = known->filled;
        order.broker_order = known->broker_order;
        order.created = known->intent;
        projection.keep(id, order, known);
        projection.orders_.emplace_hint(projection.orders_.end(), id, std::move(order));
    }
    for (std::uint32_t i = 0; i < state.markets.size(); ++i) {
        if (!state.markets[i].undated.empty()) {
            projection.undated_[InstrumentId{i}] = state.markets[i].undated;
        }
    }
    return ar.ok() && ar.left() == 0 ? Result<Projection>(std::move(projection)) : refuse();
}

// ---- from the whole log --------------------------------------------------------------------------------------------------

Result<Rebuilt> rebuild_read_models(const LogReader& log) {
    Rebuilt rebuilt;
    std::map<std::pair<std::uint8_t, std::string>, std::string> latest;
    Rows rows;
    Result<void> folded;
    const Result<void> scanned = log.scan(0, [&](const Frame& frame) {
        const Result<bool> whole =
            visit_events(frame, frame.first_seq, [&](const Envelope& envelope, const auto& event) {
                apply(rebuilt.state, envelope, event);
                return true;
            });
        if (!whole) {
            folded = tl::make_unexpected(whole.error());
            return false;
        }
        rebuilt.projection.take(frame, rebuilt.state, rows);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const Row row = rows[i];
            latest.insert_or_assign({row.table, std::string(row.key)}, row.value);
        }
        rows.clear();
        return true;
    });
    if (!scanned || !folded) {
        return tl::make_unexpected(scanned ? folded.error() : scanned.error());
    }
    while (!latest.empty()) {
        const auto first = latest.extract(latest.begin());
        rebuilt.rows.add({first.key().first, first.key().second, first.mapped()});
    }
    return rebuilt;
}

}  // namespace alpha
