#include "kernel/kernel.hpp"

#include "kernel/charges.hpp"

#include <algorithm>
#include <exception>
#include <optional>

namespace alpha {

/// A wish of a strategy, waiting to be judged.
struct Kernel::Request {
    enum class Kind : std::uint8_t { place, cancel, modify, set_timer, cancel_timer, signal };
    Kind kind = Kind::place;
    StrategyId strategy;
    OrderId order;
    OrderTerms terms;  // modify: quantity and prices; signal: instrument
    TimerId timer;
    Time due;
    Direction direction = Direction::flat;
};

struct Kernel::Work {
    std::variant<Request, BrokerReport> item;
    Cause cause;
};

/// The Context that strategies see: notes wishes down, with the event that moved them.
class Kernel::Asking final : public Context {
public:
    explicit Asking(Kernel& kernel) : kernel_(kernel), view_(kernel.state_, StrategyId{}) {}

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

Kernel::Kernel(Parts parts, Frame& frame) : Kernel(State{}, std::move(parts), frame) {}

Kernel::Kernel(State state, Parts parts, Frame& frame)
    : state_(std::move(state)),
      parts_(std::move(parts)),
      frame_(&frame),
      limits_(state_.config),
      next_order_(state_.next_order),
      asking_(std::make_unique<Asking>(*this)) {
    if (state_.next_seq == 0) {
        return;
    }
    ALPHA_ASSERT(parts_.strategies.size() == state_.config.strategies.size(),
                 "one strategy for each that is configured");
    ALPHA_ASSERT(parts_.brokers.size() == state_.config.brokers.size(), "one broker for each that is configured");
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
    if constexpr (!std::is_same_v<E, QuoteTick> && !std::is_same_v<E, BarOpened> && !std::is_same_v<E, BarClosed>) {
        loss_room_.clear();
    }
    if (parts_.observer != nullptr) {
        if constexpr (std::is_same_v<E, OrderFilled>) {
            parts_.observer->on_fill(envelope, event);
        } else if constexpr (std::is_same_v<E, OrderIntended>) {
            parts_.observer->on_order(envelope, event);
        } else if constexpr (std::is_same_v<E, OrderRefused>) {
            parts_.observer->on_refusal(envelope, event);
        }
    }
    return envelope.seq;
}

void Kernel::enter_step(Time now) {
    ALPHA_ASSERT(next_work_ == work_.size(), "a step ends with nothing left to do");
    step_root_ = state_.next_seq;
    step_time_ = now;
}

template <class E>
Seq Kernel::begin_step(Time now, const E& input) {
    enter_step(now);
    return record(input, Cause{});
}

void Kernel::configure(const SessionConfigured& config) {
    ALPHA_ASSERT(state_.next_seq == 0, "a session is configured once");
    ALPHA_ASSERT(parts_.strategies.size() == config.strategies.size(), "one strategy for each that is configured");
    ALPHA_ASSERT(parts_.brokers.size() == config.brokers.size(), "one broker for each that is configured");
    const Seq root = begin_step(Time{0}, config);
    limits_ = RiskLimits(config);
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

void Kernel::reconfigure(const SessionConfigured& config, std::vector<std::unique_ptr<Strategy>> anew,
                         std::vector<Broker*> brokers) {
    ALPHA_ASSERT(state_.next_seq != 0, "a session is configured before it is reconfigured");
    ALPHA_ASSERT(anew.size() == parts_.strategies.size(), "one strategy, or none, for each that is configured");
    ALPHA_ASSERT(brokers.size() == parts_.brokers.size(), "one broker for each that is configured");
    const Seq root = begin_step(state_.now, SessionReconfigured{config});
    limits_ = RiskLimits(config);
    parts_.brokers = std::move(brokers);
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

InstrumentId Kernel::list_instrument(Time now, const Instrument& definition) {
    run_due(now, true);
    const InstrumentId id{static_cast<std::uint32_t>(state_.instruments.size())};
    begin_step(now, InstrumentListed{id, definition});
    subscribers_.emplace_back();
    return id;
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
}

void Kernel::run_due(Time now, bool session_end_included) {
    // The last boundary that `now` has reached: the ones skipped over (a night, a weekend) get no snapshot of their own.
    const auto last_boundary = [&] {
        const std::int64_t interval = state_.config.snapshot_interval.ns;
        return Time{now.ns / interval * interval};
    };
    while (next_due_ <= now) {
        const Time session_end = session_ends_.empty() ? kNever : session_ends_.begin()->first;
        const bool session_due = session_end < now || (session_end == now && session_end_included);
        const Time timer_due = state_.timers.empty() ? kNever : state_.timers.front().due;
        const Time snapshot_due = state_.next_snapshot <= now ? last_boundary() : kNever;
        if (session_due && session_end <= timer_due && session_end <= snapshot_due) {
            const InstrumentId instrument = session_ends_.begin()->second;
            session_ends_.erase(session_ends_.begin());
            close_session(session_end, {instrument, state_.markets[instrument.value].session_date});
        } else if (timer_due <= now && timer_due <= snapshot_due) {
            fire_timer(timer_due, state_.timers.front());
        } else if (snapshot_due <= now) {
            take_snapshots(snapshot_due);
        } else {
            break;  // a session that ends exactly now, after the bar that closes with it
        }
        refresh_next_due();
    }
}

void Kernel::close_session(Time now, const SessionClosed& closed) {
    const Time at = std::max(now, state_.now);
    const Seq root = begin_step(at, closed);
    for (Broker* broker : parts_.brokers) {
        broker->on_session_closed(at, closed, reports_);
    }
    queue_reports(Cause{root, root});
    drain();
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
    const TradingHours& hours = state_.instruments[instrument.value].hours;
    const Date date = hours.date_of(reference);
    // DAY orders of a day on which the instrument had no data: no session of it opened, so none could close.
    Date missed;
    for (const auto& [id, order] : state_.open_orders) {
        if (order.terms.instrument == instrument && order.good_until < date) {
            missed = std::max(missed, order.good_until);
        }
    }
    if (missed.days != 0) {
        close_session(hours.close_on(missed), {instrument, missed});
    }
    begin_step(now, SessionOpened{instrument, date});
    session_ends_.emplace(market.session_closes, instrument);
    refresh_next_due();
}

// ---- inputs ----------------------------------------------------------------------------------------------------------------

template <class E, class ToBroker, class ToStrategy>
void Kernel::market_step(Time now, Time session_reference, const E& input, ToBroker to_broker, ToStrategy to_strategy) {
    if (next_due_ <= now) [[unlikely]] {
        run_due(now, session_reference == now);
    }
    if (session_reference >= state_.markets[input.instrument.value].day_ends) [[unlikely]] {
        open_session(now, input.instrument, session_reference);
    }
    const Price mark_before = state_.markets[input.instrument.value].mark;
    const Seq root = begin_step(now, input);
    const Cause cause{root, root};
    for (Broker* broker : parts_.brokers) {
        to_broker(*broker);
    }
    if (!reports_.empty()) [[unlikely]] {
        queue_reports(cause);
        drain();
    }
    // A mark that stands moves no equity; fills are checked where they are taken.
    if (limits_.of(Rule::daily_loss) && state_.markets[input.instrument.value].mark != mark_before) {
        check_daily_losses(input.instrument, mark_before, cause);
    }
    for (const StrategyId strategy : subscribers_[input.instrument.value]) {
        call_strategy(strategy, cause, to_strategy);
        if (!work_.empty()) [[unlikely]] {
            drain();
        }
    }
}

void Kernel::on_quote(Time now, const QuoteTick& quote) {
    market_step(
        now, now, quote, [&](Broker& broker) { broker.on_quote(now, quote, reports_); },
        [&](Strategy& strategy, Context& context) { strategy.on_quote(quote, context); });
}

void Kernel::on_bar_opened(Time now, const BarOpened& bar) {
    market_step(
        now, now, bar, [&](Broker& broker) { broker.on_bar_opened(now, bar, reports_); },
        [&](Strategy& strategy, Context& context) { strategy.on_bar_opened(bar, context); });
}

void Kernel::on_bar_closed(Time now, const BarClosed& bar) {
    // A bar that closes with its session still belongs to it.
    const Time within{now.ns - 1};
    market_step(
        now, within, bar, [&](Broker& broker) { broker.on_bar_closed(now, bar, reports_); },
        [&](Strategy& strategy, Context& context) { strategy.on_bar(bar, context); });
}

void Kernel::on_report(Time now, const BrokerReport& report) {
    run_due(now, true);
    enter_step(now);
    work_.push_back({report, Cause{}});
    drain();
}

// What a person or the runtime asks for between two inputs runs only what the next input would find due as well: where
// nothing comes of it, nothing records that it was asked for, and whoever replays must not need to know.

void Kernel::kill(Time now, PortfolioId portfolio) {
    run_due(now, false);
    if (!state_.portfolios[portfolio.value].killed) {
        enter_step(now);
        latch(portfolio, Verdict{Rule::operator_kill, {}, {}}, Cause{});
        drain();
    }
}

void Kernel::release(Time now, PortfolioId portfolio) {
    run_due(now, false);
    if (state_.portfolios[portfolio.value].killed) {
        begin_step(now, KillSwitchReleased{portfolio});
    }
}

void Kernel::halt(Time now, StrategyId strategy, std::string reason) {
    if (state_.strategies[strategy.value].halted) {
        return;
    }
    // A timer may halt the strategy; that the halt was asked for is recorded nevertheless.
    run_due(now, false);
    enter_step(now);
    halt_strategy(strategy, Cause{}, std::move(reason));
}

// ---- strategies ------------------------------------------------------------------------------------------------------------

template <class Callback>
void Kernel::call_strategy(StrategyId id, Cause cause, Callback callback) {
    if (state_.strategies[id.value].halted) [[unlikely]] {
        return;
    }
    asking_->speak_for(id, cause);
    const std::size_t asked_before = work_.size();
    const OrderId order_before = next_order_;
    std::optional<std::string> thrown;
    try {
        callback(*parts_.strategies[id.value], *asking_);
    } catch (const std::exception& e) {
        thrown = e.what();
    } catch (...) {
        thrown = "it threw something that is no std::exception";
    }
    if (thrown) [[unlikely]] {
        // What it asked for in the callback that failed is half a thought: none of it happens.
        work_.resize(asked_before);
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
    while (next_work_ < work_.size()) {
        const Work work = std::move(work_[next_work_]);
        ++next_work_;
        if (const auto* report = std::get_if<BrokerReport>(&work.item)) {
            take_report(*report, work.cause);
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

void Kernel::carry_out(const Request& request, Cause cause) {
    if (state_.strategies[request.strategy.value].halted) {
        return;
    }
    // Orders are refused past the bound; a strategy that answers refusals with more wishes is stopped at twice the bound.
    if (facts_in_step() >= Seq{2} * limits::kMaxFactsPerStep) {
        return halt_strategy(request.strategy, cause, "it kept asking past the bound of facts in one step");
    }
    switch (request.kind) {
    case Request::Kind::place: return place(request, cause);
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
    Verdict verdict;
    if (facts_in_step() >= limits::kMaxFactsPerStep) {
        verdict = {Rule::step_facts, money_of(limits::kMaxFactsPerStep), money_of(limits::kMaxFactsPerStep + 1)};
    } else if (request.terms.instrument.value >= state_.instruments.size()) {
        verdict = {Rule::unknown_instrument, {}, money_of(request.terms.instrument.value)};
    } else {
        verdict = judge({state_, limits_, request.strategy, request.terms, {}, {}, false});
    }
    if (verdict.refused()) {
        return refuse(request, verdict, cause);
    }
    const Market& market = state_.markets[request.terms.instrument.value];
    const TradingHours& hours = state_.instruments[request.terms.instrument.value].hours;
    Date good_until;
    if (request.terms.tif == TimeInForce::day) {
        const Date today = std::max(market.session_date, hours.date_of(state_.now));
        const bool before_close = market.session_closes != kNever && state_.now < market.session_closes;
        good_until =
            before_close ? market.session_date : Date{today.days + (state_.now < hours.close_on(today) ? 0 : 1)};
    }
    const Seq intent = record(
        OrderIntended{request.order, request.strategy, config.portfolio, config.broker, request.terms, good_until},
        cause);
    perform(config.broker, PlaceOrder{request.order, request.terms, good_until}, Cause{cause.root, intent});
}

void Kernel::refuse(const Request& request, const Verdict& verdict, Cause cause) {
    const PortfolioId portfolio = state_.config.strategies[request.strategy.value].portfolio;
    const Seq refusal = record(OrderRefused{request.order, request.strategy, portfolio, request.terms, verdict.rule,
                                            verdict.limit, verdict.observed},
                               cause);
    const OrderUpdate update{request.order, OrderStatus::refused, verdict.rule, false};
    call_strategy(request.strategy, Cause{cause.root, refusal},
                  [&](Strategy& strategy, Context& context) { strategy.on_order(update, context); });
}

void Kernel::cancel(const Request& request, Cause cause) {
    const Order* order = state_.find_order(request.order);
    if (order == nullptr || is_terminal(order->status) || order->strategy != request.strategy) {
        return refuse_change(request, Verdict{Rule::not_open, {}, {}}, cause);
    }
    if (order->cancel_pending) {
        return;  // it is on its way already
    }
    const BrokerId broker = order->broker;
    const Seq intent = record(CancelIntended{request.order, Rule::none}, cause);
    perform(broker, CancelOrder{request.order}, Cause{cause.root, intent});
}

void Kernel::modify(const Request& request, Cause cause) {
    const Order* order = state_.find_order(request.order);
    if (order == nullptr || is_terminal(order->status) || order->strategy != request.strategy ||
        order->modify_pending) {
        return refuse_change(request, Verdict{Rule::not_open, {}, {}}, cause);
    }
    OrderTerms terms = order->terms;
    terms.quantity = request.terms.quantity;
    terms.limit_price = request.terms.limit_price;
    terms.stop_price = request.terms.stop_price;
    Verdict verdict;
    if (facts_in_step() >= limits::kMaxFactsPerStep) {
        verdict = {Rule::step_facts, money_of(limits::kMaxFactsPerStep), money_of(limits::kMaxFactsPerStep + 1)};
    } else {
        verdict = judge({state_, limits_, request.strategy, terms, order->leaves(), order->filled, true});
    }
    if (verdict.refused()) {
        return refuse_change(request, verdict, cause);
    }
    const BrokerId broker = order->broker;
    const Seq intent =
        record(ModifyIntended{request.order, terms.quantity, terms.limit_price, terms.stop_price}, cause);
    perform(broker, ModifyOrder{request.order, terms.quantity, terms.limit_price, terms.stop_price},
            Cause{cause.root, intent});
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
    const auto held = std::ranges::count_if(state_.timers, [&](const PendingTimer& t) {
        return t.strategy == request.strategy && t.timer != request.timer;
    });
    if (static_cast<std::size_t>(held) >= limits::kMaxTimersPerStrategy) {
        return halt_strategy(request.strategy, cause, "more timers are pending than limits::kMaxTimersPerStrategy");
    }
    const Time earliest = state_.now + Duration{limits::kMinTimerDelayNs};
    record(TimerSet{request.strategy, request.timer, std::min(std::max(request.due, earliest), kMaxTime)}, cause);
    refresh_next_due();
}

void Kernel::cancel_timer(const Request& request, Cause cause) {
    const bool pending = std::ranges::any_of(state_.timers, [&](const PendingTimer& t) {
        return t.strategy == request.strategy && t.timer == request.timer;
    });
    if (pending) {
        record(TimerCancelled{request.strategy, request.timer}, cause);
        refresh_next_due();
    }
}

// ---- brokers ---------------------------------------------------------------------------------------------------------------

void Kernel::perform(BrokerId broker, const Effect& effect, Cause cause) {
    parts_.brokers[broker.value]->perform(state_.now, effect, reports_);
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
    if (report.kind == ReportKind::filled) {
        return take_fill(*order, report, link);
    }
    if (!transition(order->status, report.kind).allowed) {
        return ignore_report(report, "the order cannot do that in its state", link);
    }
    Seq fact = 0;
    bool change_failed = false;
    switch (report.kind) {
    case ReportKind::accepted: fact = record(OrderAccepted{order->id, report.text}, link); break;
    case ReportKind::rejected: fact = record(OrderRejected{order->id, report.text}, link); break;
    case ReportKind::triggered: fact = record(OrderTriggered{order->id}, link); break;
    case ReportKind::cancelled: fact = record(OrderCancelled{order->id, report.text}, link); break;
    case ReportKind::expired: fact = record(OrderExpired{order->id}, link); break;
    case ReportKind::modified: {
        const bool plausible = report.quantity.raw > 0 && report.quantity <= limits::kMaxQty &&
                               report.limit_price.raw >= 0 && report.limit_price <= limits::kMaxPrice &&
                               report.stop_price.raw >= 0 && report.stop_price <= limits::kMaxPrice;
        const Position& position = state_.portfolios[order->portfolio.value].position(order->terms.instrument);
        const Qty working = order->terms.side == Side::buy ? position.open_buys : position.open_sells;
        if (!plausible || working + report.quantity > limits::kMaxWorking) {
            return ignore_report(report, "implausible terms", link);
        }
        fact = record(OrderModified{order->id, report.quantity, report.limit_price, report.stop_price}, link);
        break;
    }
    case ReportKind::cancel_rejected:
    case ReportKind::modify_rejected:
        fact = record(ChangeRejected{order->id, report.kind, report.text}, link);
        change_failed = true;
        break;
    case ReportKind::filled: break;  // taken above
    }
    const Order* after = state_.find_order(report.order);
    ALPHA_ASSERT(after != nullptr, "an order that was just reported on is remembered");
    tell_order(*after, Cause{link.root, fact}, change_failed);
}

void Kernel::take_fill(const Order& order, const BrokerReport& report, Cause cause) {
    if (std::ranges::find(order.trades, report.trade) != order.trades.end()) {
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
    if (abs(net_after) > limits::kMaxPosition || order.filled + report.quantity > limits::kMaxPosition) {
        return ignore_report(report, "more than the books can hold", cause);
    }
    const Qty leaves = order.terms.quantity > order.filled ? order.terms.quantity - order.filled : Qty{};
    const bool overfill = report.quantity > std::max(leaves, order.leaves());
    const Money asked{order.terms.quantity.raw};
    const Money got{(order.filled + report.quantity).raw};
    OrderFilled fill;
    fill.order = order.id;
    fill.strategy = order.strategy;
    fill.portfolio = portfolio;
    fill.instrument = order.terms.instrument;
    fill.side = order.terms.side;
    fill.quantity = report.quantity;
    fill.price = report.price;
    fill.notional = notional(report.price, report.quantity);
    fill.charges = charges_for(state_.config.charges, fill.notional);
    fill.realized_pnl = with_fill(position, fill.side, fill.quantity, fill.price, fill.notional).realized_pnl;
    fill.trade = report.trade;
    const Seq fact = record(fill, cause);
    const Cause after{cause.root, fact};
    call_strategy(fill.strategy, after, [&](Strategy& strategy, Context& context) { strategy.on_fill(fill, context); });
    if (const Order* done = state_.find_order(fill.order); done != nullptr && is_terminal(done->status)) {
        tell_order(*done, after, false);
    }
    if (overfill) {
        latch(portfolio, Verdict{Rule::overfill, asked, got}, after);
    }
    if (const Verdict loss = check_daily_loss(state_, limits_, state_.portfolios[portfolio.value]); loss.refused()) {
        latch(portfolio, loss, after);
    }
}

void Kernel::ignore_report(const BrokerReport& report, const char* why, Cause cause) {
    const Seq fact = record(ReportIgnored{report.order, report.kind, report.quantity, report.price, report.limit_price,
                                          report.stop_price, report.trade, report.text, why},
                            cause);
    const Order* order = state_.find_order(report.order);
    const bool booked = order != nullptr && std::ranges::find(order->trades, report.trade) != order->trades.end();
    if (report.kind != ReportKind::filled || booked) {
        return;
    }
    // The account holds something the books do not: nobody trades on until a person has looked.
    const Cause after{cause.root == kNoSeq ? fact : cause.root, fact};
    for (std::uint32_t p = 0; p < state_.portfolios.size(); ++p) {
        if (state_.portfolios[p].is_open && (order == nullptr || order->portfolio == PortfolioId{p})) {
            latch(PortfolioId{p}, Verdict{Rule::unmatched_fill, {}, Money{report.quantity.raw}}, after);
        }
    }
}

// ---- the kill switch ---------------------------------------------------------------------------------------------------

void Kernel::latch(PortfolioId portfolio, const Verdict& verdict, Cause cause) {
    if (state_.portfolios[portfolio.value].killed) {
        return;
    }
    const Seq fact = record(KillSwitchLatched{portfolio, verdict.rule, verdict.limit, verdict.observed}, cause);
    const Seq root = cause.root == kNoSeq ? fact : cause.root;
    std::vector<std::pair<OrderId, BrokerId>> open;
    for (const auto& [id, order] : state_.open_orders) {
        if (order.portfolio == portfolio && !order.cancel_pending) {
            open.emplace_back(id, order.broker);
        }
    }
    for (const auto& [id, broker] : open) {
        const Seq intent = record(CancelIntended{id, verdict.rule}, Cause{root, fact});
        perform(broker, CancelOrder{id}, Cause{root, intent});
    }
}

void Kernel::check_daily_losses(InstrumentId instrument, Price mark_before, Cause cause) {
    const Price mark = state_.markets[instrument.value].mark;
    for (std::uint32_t p = 0; p < state_.portfolios.size(); ++p) {
        const Portfolio& portfolio = state_.portfolios[p];
        const Position& position = portfolio.position(instrument);
        if (portfolio.killed || position.net.raw == 0) {
            continue;
        }
        loss_room_.resize(state_.portfolios.size());
        std::optional<Money>& room = loss_room_[p];
        if (room) {
            // Equity is cash and the positions at their marks, so this is exactly what the mark's move did to it.
            *room += market_value(position, mark) - market_value(position, mark_before);
            if (*room >= Money{}) [[likely]] {
                continue;
            }
        }
        if (const Verdict loss = check_daily_loss(state_, limits_, portfolio); loss.refused()) {
            latch(PortfolioId{p}, loss, cause);
            drain();
        } else {
            ALPHA_ASSERT(!room, "the room for losses moves with the marks");
            room = daily_loss_room(state_, limits_, portfolio);
        }
    }
}

}  // namespace alpha
