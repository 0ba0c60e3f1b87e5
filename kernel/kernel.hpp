#pragma once
/// The kernel: the one single-threaded loop that turns inputs into facts. Everything that can be known from the log is in
/// State; everything here besides is wiring or derived from it.
///
/// One input is one step:
///   1. what fell due before it, each a step of its own: sessions closing, timers, P&L snapshots
///   2. the input itself: encoded into the frame and folded (the mark moves)
///   3. venues see it: resting orders fill; their reports are judged, folded and told to their strategies
///   4. daily loss is checked at the new mark
///   5. each strategy subscribed to the instrument, in the scenario's order: its callback, then all it asked for, first in
///      first out, with every answer and every callback those cause, before the next strategy sees the input
///
/// Every fact is folded before the next decision is taken, so two strategies cannot both spend the same limit.

#include "events/codec.hpp"
#include "events/input.hpp"
#include "events/links.hpp"
#include "kernel/charges.hpp"
#include "kernel/risk.hpp"
#include "kernel/settlement.hpp"
#include "kernel/state.hpp"
#include "kernel/strategy.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace alpha {

/// Who listens to decisions as they are taken. Listeners see facts; nothing they do can reach the kernel.
class KernelObserver {
public:
    virtual ~KernelObserver() = default;
    virtual void on_fill(const Envelope&, const OrderFilled&) {}
    virtual void on_order(const Envelope&, const OrderIntended&) {}
    virtual void on_refusal(const Envelope&, const OrderRefused&) {}
    virtual void on_latch(const Envelope&, const KillSwitchLatched&) {}
    virtual void on_halt(const Envelope&, const StrategyHalted&) {}
    virtual void on_session(const Envelope&, const TradingSessionOpened&) {}
    virtual void on_day_end(const Envelope&, const ChargesBooked&) {}
    /// Why the plan of charges does not say what an order would cost.
    virtual void on_no_charges(const Error&) {}
    /// Nobody knows what became of an order and a person is to be asked; the broker says what cannot be; broker and books differ.
    virtual void on_stale(const Envelope&, const OutcomeStale&) {}
    virtual void on_conflict(const Envelope&, const OrderConflict&) {}
    virtual void on_difference(const Envelope&, const ReconciliationDiffers&) {}
};

class Kernel {
public:
    struct Components {
        std::vector<std::unique_ptr<Strategy>> strategies;  ///< by StrategyId, as event 0 names them
        std::vector<Venue*> venues;                         ///< by BrokerId; outlive the kernel
        KernelObserver* observer = nullptr;                 ///< may be null
    };

    /// A kernel before event 0. Events go into `frame`, which the caller may store and begin anew between any two calls.
    Kernel(Components parts, Frame& frame);
    /// A kernel that goes on from a state; strategies and venues in `parts` have theirs loaded.
    Kernel(State state, Components parts, Frame& frame);
    ~Kernel();
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;

    const State& state() const { return state_; }
    /// For snapshots between two steps.
    const Components& parts() const { return parts_; }

    /// Event 0 at `begins`, and the opening of every portfolio that a strategy uses. Requires an empty state, and that no input is earlier.
    void configure(const RunConfigured& config, Time begins = Time{0});

    /// The session goes on under `config`, between two steps: RunReconfigured at state().now, and TimerCancelled for every
    /// timer of a strategy that begins anew. `anew` holds a strategy where it does and null where the present one stays;
    /// `venues` is as in Components, each holding what the one before it held. Books, open orders, kill switches, halts, the
    /// windows of risk rules and the timers of the strategies that stay are as they were; a new interval of P&L snapshots
    /// counts from its next boundary. Requires that names, instruments, portfolios and strategies are those configured, each
    /// strategy with its portfolio, broker and instruments, and that event 0 was made.
    void reconfigure(const RunConfigured& config, std::vector<std::unique_ptr<Strategy>> anew,
                     std::vector<Venue*> venues);

    /// The one door in: the input is recorded, and all that follows from it, what fell due before it first. Requires time >=
    /// state().now, and that what the input names is there: its instrument is listed, its portfolio or strategy configured.
    template <InputType E>
    void take(Time now, const E& input) {
        on(now, input);
    }
    void take(Time now, const Input& input) {
        std::visit([&](const auto& of_kind) { on(now, of_kind); }, input);
    }

    /// Whether a portfolio holds something of the instrument, under whatever product, or has an order.
    bool is_in_use(InstrumentId instrument) const;
    /// When the last contract is over that somebody holds or has orders in, of those that end by the end of the latest trading day; kNever:
    /// none does. Where data end before their day's close, whoever drives the kernel lets it come to that.
    Time last_expiry_today() const;
    /// When the next thing falls due that needs no input; kNever: nothing.
    Time next_due() const { return next_due_; }
    /// While nothing comes: runs what falls due before `now`, at most `steps` of it, each a step of its own, as the input at `now`
    /// would. True where more is left. What falls due at `now` itself waits for that input.
    bool advance(Time now, std::uint32_t steps);
    /// One step of what is due at `now` or before, for who knows from a log what it was. False where there is none; a session that
    /// ends exactly now is none unless it is included.
    bool step_due(Time now, bool session_end_included);

private:
    class StrategyContext;
    struct Request;
    /// Why something is being done: the event at hand, and the input at the root of its chain.
    struct Cause {
        Seq root = kNoSeq;
        Seq parent = kNoSeq;
    };
    struct Work;
    /// What is held within the day, to be looked at once nothing else is left to do: closing orders get numbers that no request was promised.
    struct ToSquareOff {
        PortfolioId portfolio;
        InstrumentId instrument;
        Product product = Product::none;
        Cause cause;
    };

    // Facts.
    template <class E>
    Seq record(const E& event, Cause cause);
    void enter_step(Time now);
    template <class E>
    Seq begin_step(Time now, const E& input);

    // What falls due.
    void run_due(Time now, bool session_end_included);
    bool run_next_due(Time now, bool session_end_included);
    void refresh_next_due();
    void close_session(Time now, const TradingSessionClosed& closed);
    void end_day(PortfolioId portfolio, Cause cause);
    void end_day_with_last_market(Cause cause);
    // Contracts, as their days and they themselves end.
    void settle_day(InstrumentId instrument, Date date, Cause cause);
    void expire(Time now, const ContractExpired& expired);
    void settle(InstrumentId instrument, const Settlement& settlement, Cause cause);
    void settle(PortfolioId portfolio, InstrumentId instrument, const Holding& held, Settlement settlement, Cause cause,
                std::vector<PositionSettled>& facts);
    void cancel_uncovered(PortfolioId portfolio, InstrumentId instrument, Product product, Cause cause);
    void note_expiry(InstrumentId instrument);
    std::optional<InstrumentId> underlying_of(InstrumentId contract);
    // What is held within the day.
    void begin_square_off(Time now, const SquareOffBegun& begun);
    bool is_squaring_off(PortfolioId portfolio, InstrumentId instrument, Product product) const;
    void square_off(const ToSquareOff& what);
    void note_square_off(InstrumentId instrument);
    // What the market allows when, by its calendar.
    const markets::Moment* moment_of(InstrumentId instrument, Time t);
    bool is_trading(InstrumentId instrument, Time t);
    void enter_phase(InstrumentId instrument, const markets::Moment& moment, Cause cause);
    Date next_session_of(InstrumentId instrument) const;
    template <class Ends>
    void end_orders_of(InstrumentId instrument, Rule rule, Cause cause, Ends ends);
    bool knows_charges(const OrderTerms& terms);
    Date date_of(InstrumentId instrument) const;
    StrategyId only_trader_of(const OrderFilled& fill) const;
    Date arrival_of(const OrderTerms& terms, Date day) const;
    void fire_timer(Time now, const PendingTimer& timer);
    void take_snapshots(Time boundary);
    void open_session(Time now, InstrumentId instrument, Time reference);

#define ALPHA_ON(T) void on(Time now, const T& input);
    ALPHA_INPUTS(ALPHA_ON)
#undef ALPHA_ON
    // One market input.
    template <class E, class ToVenues, class ToStrategy>
    void market_step(Time now, Time session_reference, const E& input, ToVenues to_venues, ToStrategy to_strategy);
    template <class Callback>
    void call_strategy(StrategyId strategy, Cause cause, Callback callback);
    void halt_strategy(StrategyId strategy, Cause cause, std::string reason);

    // Work within a step.
    std::uint32_t count_request(StrategyId strategy);
    Verdict too_much_asked(StrategyId strategy) const;
    Verdict judged(const RiskQuestion& question);
    void drain();
    void do_work();
    void carry_out(const Request& request, Cause cause);
    void place(const Request& request, Cause cause);
    void place_linked(const Request& request, Cause cause);
    Seq intend(OrderId order, StrategyId strategy, const OrderTerms& terms, bool held, Cause cause);
    PlaceOrder placement_of(OrderId order) const;
    Price valued_at(const OrderTerms& terms, BrokerId broker);
    Price with_charges(const OrderTerms& terms, Price price);
    void refuse(OrderId order, StrategyId strategy, const OrderTerms& terms, const Verdict& verdict, Cause cause);
    void cancel(const Request& request, Cause cause);
    void modify(const Request& request, Cause cause);
    void refuse_change(const Request& request, const Verdict& verdict, Cause cause);
    void set_timer(const Request& request, Cause cause);
    void cancel_timer(const Request& request, Cause cause);
    void perform(BrokerId broker, const Effect& effect, Cause cause);
    void queue_reports(Cause cause);
    void take_report(const BrokerReport& report, Cause cause);
    void take_fill(const Order& order, const BrokerReport& report, Cause cause);
    void ignore_report(const BrokerReport& report, const char* why, Cause cause);
    void tell_order(const Order& order, Cause cause, bool change_failed);
    // Brokers outside.
    template <class E>
    void take_word(Time now, const E& word, BrokerId broker, Cause links);
    void take_word_of(Time now, OrderId order, const auto& word);
    Cause links_of(OrderId order) const;
    void queue_follows(BrokerId broker, Cause cause);
    void take_follow(BrokerId broker, const OutsideFact& fact, Cause cause);
    void take_conflict(BrokerId broker, const OutsideFact& fact, Cause cause);
    void latch_all_of(BrokerId broker, Cause cause);
    void reconcile(BrokerId broker, Cause cause);
    bool is_used_at(BrokerId broker, InstrumentId instrument) const;
    void take_difference(BrokerId broker, InstrumentId instrument, Qty more, Cause cause);
    bool can_be_changed(const Order& order) const;
    void note_overdue(const OutsideBroker& outside, OrderId id);
    void note_overdues(const OutsideBroker& outside);
    void fall_overdue(Time now, OrderId order);
    void cancel_for(OrderId order, Rule rule, Cause cause);
    void resize_for(OrderId order, Qty quantity, bool reduce_only, Rule rule, Cause cause);
    void latch(PortfolioId portfolio, LatchScope scope, const Verdict& verdict, Cause cause);
    void leave_exits_only(PortfolioId portfolio, Rule rule, Cause cause);
    void send_closing_orders(PortfolioId portfolio, Cause cause);
    void send_closing_orders(PortfolioId portfolio, InstrumentId instrument, Product product, Qty net, const char* tag,
                             Cause cause);
    void end_flattening(PortfolioId portfolio, Cause cause);
    // Links, for brokers that know none.
    bool links_by_kernel(const Order& order) const;
    bool links_any_by_kernel() const;
    std::vector<ReducingOrder> left_by_links(PortfolioId portfolio, InstrumentId instrument, OrderId also) const;
    void adjust_positions(const CorporateAction& action, Price mark, Price other_mark, Cause cause,
                          std::vector<PositionAdjusted>& adjusted);
    void adjust_orders(const CorporateAction& action, Cause cause, std::vector<OrderAdjusted>& adjusted);
    void release_held(OrderId order, Cause cause);
    void follow_fill(OrderId filled, Cause cause);
    void follow_answer(OrderId order, bool as_asked, Cause cause);
    void follow_end(OrderId ended, Cause cause);
    void follow_links(PortfolioId portfolio, InstrumentId instrument, Cause cause);
    void check_daily_losses(InstrumentId instrument, Cause cause);

    State state_;
    Components parts_;
    Frame* frame_;
    RiskLimits limits_;
    std::vector<std::vector<StrategyId>> subscribers_;          // by instrument
    std::set<std::pair<Time, InstrumentId>> session_ends_;      // open sessions, by when they close
    std::set<std::pair<Time, InstrumentId>> expiries_;          // of contracts, when they are over
    std::map<std::string, InstrumentId, std::less<>> by_name_;  // all instruments, once somebody has asked for one
    std::size_t names_known_ = 0;
    std::set<std::pair<Time, InstrumentId>> square_offs_;  // those in which something is held within the day
    std::set<std::pair<Time, OrderId>> overdues_;  // orders at brokers outside that may not wait or rest for longer
    Time next_due_ = kNever;
    std::vector<Work> work_;
    std::size_t next_work_ = 0;
    std::vector<ToSquareOff> to_square_off_;
    Reports reports_;
    Seq step_root_ = 0;
    /// By strategy, how much it has requested in a step: what others do in it is not held against it.
    struct Requested {
        Seq step = kNoSeq;
        std::uint32_t requests = 0;
    };
    std::vector<Requested> requested_;
    Time step_time_ = kBeforeAll;  // what every fact of the step is stamped with
    Time moment_ =
        kBeforeAll;  // by which calendars are asked in the step: a bar that closes is still of the time before
    /// By instrument, what its calendar said last; asked again when it may have changed.
    struct KeptMoment {
        Time since = kNever;
        markets::Moment moment;
        markets::Phase entered = markets::Phase::unknown;  // the latest phase that a record came in
    };
    std::vector<KeptMoment> moments_;
    DayRates day_rates_;
    OrderId next_order_{1};  // ids already promised to requests that are not judged yet
    std::unique_ptr<StrategyContext> context_;
};

}  // namespace alpha
