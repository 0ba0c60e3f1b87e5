#include "runtime/why.hpp"

#include "config/suggest.hpp"
#include "runtime/components.hpp"
#include "runtime/fold.hpp"
#include "store/background_log.hpp"
#include "strategies/catalog.hpp"
#include "strategies/indicators.hpp"
#include "views/read_models.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <type_traits>
#include <utility>

namespace alpha {
namespace {

/// Folds the log from state.next_seq on: `before` sees each event with the state that it meets, `after` with what it made of it. The
/// first event for which `before` returns false is not folded, and the last.
template <class Before, class After>
Result<void> walk(const LogReader& log, State& state, Before before, After after) {
    Result<void> outcome;
    const Result<void> scanned = scan_ahead(log, state.next_seq, [&](const Frame& frame) {
        const Result<bool> visited = visit_events(frame, state.next_seq, [&](const Envelope& envelope, const auto& e) {
            if (!before(std::as_const(state), envelope, e)) {
                return false;
            }
            apply(state, envelope, e);
            after(std::as_const(state), envelope, e);
            return true;
        });
        if (!visited) {
            outcome = tl::make_unexpected(visited.error());
        }
        return visited && *visited;
    });
    return scanned ? outcome : scanned;
}

/// The state of the newest checkpoint at or before event `seq`, or the one before event 0.
Result<State> checkpoint_before(const Journal& journal, Seq seq) {
    State state;
    const Result<void> looked = try_snapshots(journal, seq, [&](const StoredSnapshot& snapshot) {
        Result<State> loaded = load_checkpoint(snapshot.bytes.view());
        const bool usable = loaded && loaded->next_seq == snapshot.next_seq;
        if (usable) {
            state = std::move(*loaded);
        }
        return usable;
    });
    return looked ? Result<State>(std::move(state)) : tl::make_unexpected(looked.error());
}

/// The order that an event names; order 0, which never is, where it names none.
template <class E>
OrderId order_named(const E& event) {
    if constexpr (requires { event.order; }) {
        return event.order;
    } else {
        return {};
    }
}

/// What ends an order, or moves those that are linked with it.
template <class E>
constexpr bool kEndsOrFills = std::is_same_v<E, OrderFilled> || std::is_same_v<E, OrderCancelled> ||
                              std::is_same_v<E, OrderExpired> || std::is_same_v<E, OrderRejected>;

// ---- the story of an order -----------------------------------------------------------------------------------------------------

/// Of either verdict, what they have in common.
struct Decision {
    OrderTerms terms;
    StrategyId strategy;
    PortfolioId portfolio;
    Rule refused_by = Rule::none;
};

Result<Decision> decision_of(const DecodedEvent& event) {
    if (const auto* const intended = std::get_if<OrderIntended>(&event.event); intended != nullptr) {
        return Decision{intended->terms, intended->strategy, intended->portfolio, Rule::none};
    }
    if (const auto* const refused = std::get_if<OrderRefused>(&event.event); refused != nullptr) {
        return Decision{refused->terms, refused->strategy, refused->portfolio, refused->rule};
    }
    return fail(ErrorKind::data,
                fmt::format("The journal's read models are not what its log gives: event {} places no order; "
                            "alpha verify says more",
                            event.envelope.seq));
}

Seen seen_in(const State& state, const Decision& by) {
    Seen seen;
    seen.updated = kBeforeAll;
    const InstrumentId instrument = by.terms.instrument;
    // An order that was refused may have been for an instrument that there is not.
    if (instrument.value >= state.markets.size() || by.portfolio.value >= state.portfolios.size()) {
        return seen;
    }
    const Market& market = state.market(instrument);
    seen.mark = market.mark;
    seen.bid = market.has_touch ? market.bid : Price{};
    seen.ask = market.has_touch ? market.ask : Price{};
    seen.touch = market.touch(by.terms.side);
    seen.updated = market.updated;
    const Holding held = state.portfolios[by.portfolio.value].position(instrument).book_of(by.terms.product);
    seen.held = held.net;
    seen.cost = held.cost;
    return seen;
}

/// Reads the part of the log in which an order lives.
class StoryReader {
public:
    StoryReader(OrderStory& story, Decision decision) : story_(story), decision_(std::move(decision)) {}

    template <class E>
    bool before(const State& state, const Envelope& envelope, const E& event) {
        if (envelope.is_root()) {
            if (envelope.seq > last()) {
                return false;
            }
            linked_.reset();
        }
        if constexpr (std::is_same_v<E, QuoteTick>) {
            return true;
        }
        if (envelope.seq == story_.order.created) {
            story_.seen = seen_in(state, decision_);
        } else if (order_named(event) == story_.order.id && envelope.seq > story_.order.created) {
            OrderFact& fact = story_.facts.emplace_back();
            fact.fact = {envelope, event, 0};
            fact.linked = linked_;
            fact.seen = seen_in(state, decision_);
        }
        note_company(envelope, event);
        return true;
    }

    template <class E>
    void after(const State& state, const Envelope& envelope, const E& event) {
        if constexpr (std::is_same_v<E, QuoteTick>) {
            return;
        }
        if (envelope.seq == story_.order.created) {
            note_verdict(state);
        } else if (!story_.facts.empty() && story_.facts.back().fact.envelope.seq == envelope.seq) {
            const Seen seen = seen_in(state, decision_);
            story_.facts.back().held_after = seen.held;
            story_.facts.back().cost_after = seen.cost;
        }
        if constexpr (kEndsOrFills<E>) {
            if (std::ranges::find(story_.linked, event.order, &LinkedOrder::order) != story_.linked.end()) {
                linked_ = DecodedEvent{envelope, event, 0};
            }
        }
    }

private:
    Seq last() const { return story_.order.updated; }

    /// What its strategy asked for beside it, and thought.
    template <class E>
    void note_company(const Envelope& envelope, const E& event) {
        if (envelope.causation != story_.decision.envelope.causation) {
            return;
        }
        if constexpr (std::is_same_v<E, SignalRaised>) {
            if (event.strategy == decision_.strategy && event.instrument == decision_.terms.instrument) {
                story_.signals.push_back({envelope, event, 0});
            }
        } else if constexpr (std::is_same_v<E, OrderIntended> || std::is_same_v<E, OrderRefused>) {
            const std::optional<LinkKind> kind = link_to(event.order, event.terms);
            if (event.strategy == decision_.strategy && kind) {
                story_.linked.push_back({event.order, *kind, event.terms, envelope.seq});
            }
        }
    }

    std::optional<LinkKind> link_to(OrderId other, const OrderTerms& terms) const {
        // Those that were refused before links were looked at still name places in a list.
        const bool resolved = decision_.refused_by != Rule::links && decision_.refused_by != Rule::step_facts;
        const OrderId own = story_.order.id;
        if (!resolved || other == own) {
            return std::nullopt;
        }
        if (terms.parent == own) {
            return LinkKind::exit;
        }
        if (decision_.terms.parent == other) {
            return LinkKind::entry;
        }
        const bool same_group = terms.group.value != 0 && terms.group == decision_.terms.group;
        return same_group ? std::optional(LinkKind::leg) : std::nullopt;
    }

    void note_verdict(const State& state) {
        story_.limits = state.config.risk;
        story_.by_margins = !state.margin_rules.is_silent();
        const Portfolio& portfolio = state.portfolios[decision_.portfolio.value];
        story_.funds = funds_of(state, RiskLimits(state.config), portfolio);
        if (const Order* const order = state.find_order(story_.order.id); order != nullptr) {
            story_.reserved = reserved_by(state, *order);
            story_.held_back = order->held;
        }
    }

    OrderStory& story_;
    Decision decision_;
    std::optional<DecodedEvent> linked_;  // what last happened to a linked order in the present step
};

/// What the facts, in their order, say of how it ended.
OrderEnd end_of(const OrderStory& story) {
    OrderEnd end;
    const auto by_rule = [](Rule rule) {
        switch (rule) {
        case Rule::none: return EndedBy::strategy;
        case Rule::kill_switch:
        case Rule::operator_kill:
        case Rule::daily_loss:
        case Rule::overfill:
        case Rule::unmatched_fill: return EndedBy::kill_switch;
        case Rule::linked_fill: return EndedBy::linked_order;
        case Rule::corporate_action: return EndedBy::corporate_action;
        case Rule::expired: return EndedBy::expiry;
        default: return EndedBy::rule;
        }
    };
    if (story.is_refused()) {
        return {EndedBy::refusal, story.order.refused_by, {}, {}, {}};
    }
    for (std::size_t i = 0; i < story.facts.size(); ++i) {
        const OrderFact& fact = story.facts[i];
        const auto caused_by = [&fact](auto kind) {
            return fact.cause && std::holds_alternative<decltype(kind)>(fact.cause->event);
        };
        if (const auto* const asked = std::get_if<CancelIntended>(&fact.fact.event); asked != nullptr) {
            end.asked = i;
            end.rule = asked->rule;
        } else if (std::holds_alternative<ChangeRejected>(fact.fact.event)) {
            const bool of_cancel = std::get<ChangeRejected>(fact.fact.event).kind == ReportKind::cancel_rejected;
            end.asked = of_cancel ? std::nullopt : end.asked;
        } else if (const auto* const cancelled = std::get_if<OrderCancelled>(&fact.fact.event); cancelled != nullptr) {
            end.ended = i;
            end.reason = cancelled->reason;
            end.by = end.asked                                   ? by_rule(end.rule)
                     : caused_by(CorporateAction{})              ? EndedBy::corporate_action
                     : fact.linked                               ? EndedBy::linked_order
                     : story.order.terms.tif == TimeInForce::ioc ? EndedBy::no_fill_at_once
                                                                 : EndedBy::broker;
        } else if (std::holds_alternative<OrderExpired>(fact.fact.event)) {
            end.ended = i;
            end.by = caused_by(TradingSessionClosed{})           ? EndedBy::session_end
                     : caused_by(ContractExpired{})              ? EndedBy::expiry
                     : story.order.terms.tif == TimeInForce::day ? EndedBy::session_end
                                                                 : EndedBy::broker;
        } else if (const auto* const rejected = std::get_if<OrderRejected>(&fact.fact.event); rejected != nullptr) {
            end.ended = i;
            end.by = EndedBy::broker;
            end.reason = rejected->reason;
        } else if (std::holds_alternative<OrderFilled>(fact.fact.event) && end.by == EndedBy::nothing &&
                   story.order.status == OrderStatus::filled) {
            end.ended = i;  // the last one stands
        }
    }
    if (end.by == EndedBy::nothing && story.order.status == OrderStatus::filled) {
        end.by = EndedBy::fill;
    }
    if (end.by != EndedBy::strategy && !end.asked) {
        end.rule = Rule::none;
    }
    return end;
}

FillSums sums_of(const OrderStory& story, const Decision& decision) {
    FillSums sums;
    for (const OrderFact& fact : story.facts) {
        if (const auto* const fill = std::get_if<OrderFilled>(&fact.fact.event); fill != nullptr) {
            ++sums.fills;
            sums.quantity += fill->quantity;
            sums.notional += fill->notional;
            sums.charges += fill->charges;
            sums.realized_pnl += fill->realized_pnl;
        }
    }
    sums.average = story.order.average_price();
    if (sums.fills != 0 && story.seen.mark.raw != 0) {
        const std::int64_t above = sums.average.raw - story.seen.mark.raw;
        sums.worse_than_mark.raw = decision.terms.side == Side::buy ? above : -above;
    }
    return sums;
}

Result<OrderView> find_order_row(const Journal& journal, OrderId order) {
    const Result<ReadModels> models = ReadModels::of(journal);
    if (!models) {
        return tl::make_unexpected(models.error());
    }
    std::optional<OrderView> found;
    const Result<void> looked = models->orders(order, [&](const OrderView& row) {
        found = row.id == order ? std::optional(row) : std::nullopt;
        return false;
    });
    if (!looked) {
        return tl::make_unexpected(looked.error());
    }
    if (found) {
        return *found;
    }
    std::uint64_t orders = 0;
    OrderId last;
    if (const Result<void> counted = models->orders([&](const OrderView& row) {
            ++orders;
            last = row.id;
            return true;
        });
        !counted) {
        return tl::make_unexpected(counted.error());
    }
    return fail(ErrorKind::usage,
                orders == 0
                    ? fmt::format("{} has no order {}: nothing was ordered in it", journal.name(), order.value)
                    : fmt::format("{} has no order {}: it has {}, numbered from 1 to {}, refused ones among them",
                                  journal.name(), order.value, orders, last.value),
                ErrorCode::not_found);
}

/// Reads what directly led to each fact but fills, and to what order it was not already plain.
Result<void> read_causes_of_facts(const Journal& journal, OrderStory& story) {
    EventReader events(journal);
    for (OrderFact& fact : story.facts) {
        const Seq cause = fact.fact.envelope.causation;
        if (cause == kNoSeq || cause == story.order.created || std::holds_alternative<OrderFilled>(fact.fact.event)) {
            continue;
        }
        Result<DecodedEvent> read = events.read(cause);
        if (!read) {
            return tl::make_unexpected(read.error());
        }
        fact.cause = std::move(*read);
    }
    return {};
}

}  // namespace

const char* name_of(LinkKind kind) {
    switch (kind) {
    case LinkKind::entry: return "entry";
    case LinkKind::exit: return "exit";
    case LinkKind::leg: break;
    }
    return "leg";
}

const char* name_of(EndedBy by) {
    switch (by) {
    case EndedBy::nothing: return "nothing";
    case EndedBy::refusal: return "refusal";
    case EndedBy::fill: return "fill";
    case EndedBy::strategy: return "strategy";
    case EndedBy::kill_switch: return "kill_switch";
    case EndedBy::linked_order: return "linked_order";
    case EndedBy::session_end: return "session_end";
    case EndedBy::no_fill_at_once: return "no_fill_at_once";
    case EndedBy::rule: return "rule";
    case EndedBy::corporate_action: return "corporate_action";
    case EndedBy::expiry: return "expiry";
    case EndedBy::broker: break;
    }
    return "broker";
}

Result<OrderStory> story_of(const Journal& journal, OrderId order) {
    Result<OrderView> row = find_order_row(journal, order);
    if (!row) {
        return tl::make_unexpected(row.error());
    }
    OrderStory story;
    story.order = std::move(*row);
    Result<DecodedEvent> decided = read_event(journal, story.order.created);
    if (!decided) {
        return tl::make_unexpected(decided.error());
    }
    story.decision = *decided;
    const Result<Decision> decision = decision_of(story.decision);
    Result<std::vector<DecodedEvent>> chain = causes(journal, std::move(*decided));
    if (!decision || !chain) {
        return tl::make_unexpected(decision ? chain.error() : decision.error());
    }
    story.causes.assign(std::make_move_iterator(chain->begin() + 1), std::make_move_iterator(chain->end()));
    const Seq begin = story.causes.empty() ? story.order.created : story.causes.front().envelope.seq;
    Result<State> state = state_before(journal, begin);
    if (!state) {
        return tl::make_unexpected(state.error());
    }
    StoryReader reader(story, *decision);
    const Result<void> read = walk(
        journal, *state,
        [&](const State& now, const Envelope& envelope, const auto& e) { return reader.before(now, envelope, e); },
        [&](const State& now, const Envelope& envelope, const auto& e) { reader.after(now, envelope, e); });
    const Result<void> explained = read ? read_causes_of_facts(journal, story) : read;
    if (!explained) {
        return tl::make_unexpected(explained.error());
    }
    std::ranges::sort(story.linked, {}, &LinkedOrder::order);
    story.names = names_of(*state);
    story.currency = state->config.currency;
    story.fills = sums_of(story, *decision);
    story.end = end_of(story);
    story.last_event =
        std::max(story.order.updated, story.facts.empty() ? Seq{0} : story.facts.back().fact.envelope.seq);
    return story;
}

Result<OrderId> order_of_event(const Journal& journal, Seq event) {
    if (event >= journal.next_seq()) {
        return fail(ErrorKind::usage,
                    fmt::format("{} holds {} events, numbered from 0; there is no event {}", journal.name(),
                                journal.next_seq(), event),
                    ErrorCode::not_found);
    }
    const Result<DecodedEvent> read = read_event(journal, event);
    if (!read) {
        return tl::make_unexpected(read.error());
    }
    const OrderId order = std::visit([](const auto& e) { return order_named(e); }, read->event);
    if (order.value == 0) {
        return fail(ErrorKind::usage,
                    fmt::format("event {} is of type {} and about no order; alpha show fills lists the events of fills",
                                event, type_name(read->event)));
    }
    return order;
}

Decimal excess_of(const OrderView& order) {
    switch (order.refused_by) {
    case Rule::stale_data:
    case Rule::price_band:
    case Rule::order_quantity:
    case Rule::order_notional:
    case Rule::position:
    case Rule::gross_exposure:
    case Rule::open_orders:
    case Rule::order_rate:
    case Rule::daily_loss:
    case Rule::step_facts:
    case Rule::buying_power:
    case Rule::freeze_quantity:
    case Rule::holdings:
    case Rule::margin: return order.observed - order.limit;
    case Rule::shorting: return Decimal{} - order.observed;
    default: return {};
    }
}

// ---- no order ------------------------------------------------------------------------------------------------------------------

namespace {

/// What a strategy trades on.
struct Reads {
    bool quotes = true;
    bool bars = true;
    bool opens = true;  ///< of bars
};

Reads reads_of(const StrategyConfig& config) {
    const StrategySpec* const spec = find_strategy(config.use);
    if (spec == nullptr) {
        return {};  // from a library: nobody knows
    }
    return {spec->uses_quotes, spec->uses_bars, spec->uses_bars && config.use == "script"};
}

/// Follows a log step by step and notes those in which a strategy was called. What a broker outside reports between two inputs has no root
/// of its own, and counts to the step before it.
class StepFollower {
public:
    struct Step {
        Seq called_with = kNoSeq;
        std::uint64_t calls = 0;
        std::vector<Seq> asked;
        Seq end = 0;
    };

    StepFollower(StrategyId strategy, const StrategyConfig& config, std::span<const InstrumentId> of)
        : strategy_(strategy), reads_(reads_of(config)), of_(of.begin(), of.end()) {
        std::ranges::sort(of_);
    }

    /// Before the event is folded.
    template <class E>
    void look_at(const State& state, const Envelope& envelope, const E& event) {
        if (envelope.is_root()) {
            end_step(envelope.seq);
        }
        if (calls(state, event)) {
            ++now_.calls;
            now_.called_with = now_.called_with == kNoSeq ? envelope.seq : now_.called_with;
        }
        if constexpr (!std::is_same_v<E, QuoteTick>) {
            if (is_asked(state, event)) {
                now_.asked.push_back(envelope.seq);
            }
            if constexpr (std::is_same_v<E, StrategyHalted>) {
                halted_by_ = event.strategy == strategy_ ? std::optional(envelope.seq) : halted_by_;
            }
        }
    }
    /// The step ends before event `end`.
    void end_step(Seq end) {
        if (now_.called_with != kNoSeq) {
            now_.end = end;
            latest_ = std::exchange(now_, {});
        }
    }

    /// The latest step that has ended and in which it was called.
    const std::optional<Step>& latest() const { return latest_; }
    void forget_latest() { latest_.reset(); }
    std::optional<Seq> halted_by() const { return halted_by_; }

private:
    template <class E>
    bool calls(const State& state, const E& event) const {
        if constexpr (std::is_same_v<E, QuoteTick>) {
            return reads_.quotes && is_told(state, event.instrument);
        } else if constexpr (std::is_same_v<E, BarClosed>) {
            return reads_.bars && is_told(state, event.instrument);
        } else if constexpr (std::is_same_v<E, BarOpened>) {
            return reads_.opens && is_told(state, event.instrument);
        } else if constexpr (std::is_same_v<E, CorporateAction>) {
            return is_told(state, event.instrument);
        } else if constexpr (std::is_same_v<E, TimerFired> || std::is_same_v<E, OrderRefused> ||
                             std::is_same_v<E, ChangeRefused>) {
            return event.strategy == strategy_ && !halted(state);
        } else if constexpr (std::is_same_v<E, StrategyResumed>) {
            return event.strategy == strategy_;
        } else if constexpr (kEndsOrFills<E> || std::is_same_v<E, OrderAccepted> || std::is_same_v<E, OrderTriggered> ||
                             std::is_same_v<E, OrderModified> || std::is_same_v<E, ChangeRejected>) {
            return is_own(state, event.order) && !halted(state);
        } else {
            return false;
        }
    }

    template <class E>
    bool is_asked(const State& state, const E& event) const {
        if constexpr (std::is_same_v<E, SignalRaised> || std::is_same_v<E, OrderIntended> ||
                      std::is_same_v<E, OrderRefused> || std::is_same_v<E, ChangeRefused> ||
                      std::is_same_v<E, TimerSet> || std::is_same_v<E, TimerCancelled>) {
            return event.strategy == strategy_;
        } else if constexpr (std::is_same_v<E, CancelIntended> || std::is_same_v<E, ModifyIntended>) {
            return event.rule == Rule::none && is_own(state, event.order);
        } else {
            return false;
        }
    }

    bool halted(const State& state) const {
        return state.strategies.size() <= strategy_.value || state.strategies[strategy_.value].halted;
    }
    bool is_told(const State& state, InstrumentId instrument) const {
        return std::ranges::binary_search(of_, instrument) && !halted(state);
    }
    bool is_own(const State& state, OrderId id) const {
        const Order* const order = state.find_order(id);
        return order != nullptr && order->strategy == strategy_;
    }

    StrategyId strategy_;
    Reads reads_;
    std::vector<InstrumentId> of_;
    Step now_;
    std::optional<Step> latest_;
    std::optional<Seq> halted_by_;
};

std::optional<Price> average_of(const ExactSma& closes) {
    if (!closes.full()) {
        return std::nullopt;
    }
    Int128 sum = 0;
    for (std::size_t i = 0; i < closes.size(); ++i) {
        sum += closes.at(i).raw;
    }
    return Price{static_cast<std::int64_t>(divide_half_even(sum, static_cast<Int128>(closes.size())))};
}

/// The lines of a script as event 0 has them: "at 1 buy 10 X; at 3 sell 10 X". Semicolons within quotes are no ends.
std::vector<std::pair<std::uint64_t, std::string>> script_lines(std::string_view script) {
    std::vector<std::pair<std::uint64_t, std::string>> lines;
    bool quoted = false;
    std::string line;
    const auto end_line = [&] {
        const std::size_t first = line.find_first_not_of(" \t\r\n");
        const std::string text = first == std::string::npos ? "" : line.substr(first);
        constexpr std::string_view kAt = "at ";
        if (text.starts_with(kAt)) {
            std::uint64_t at = 0;
            std::from_chars(text.data() + kAt.size(), text.data() + text.size(), at);
            lines.emplace_back(at, text);
        }
        line.clear();
    };
    for (const char c : script) {
        quoted = quoted != (c == '"');
        if (!quoted && (c == ';' || c == '\n')) {
            end_line();
        } else {
            line += c;
        }
    }
    end_line();
    return lines;
}

/// Counts what a strategy that alpha ships waits for, from event 0 on, as the strategy does.
class Counter {
public:
    explicit Counter(StrategyId strategy) : strategy_(strategy) {}

    /// Whether it counts anything of such a strategy.
    static bool knows(const std::string& use) {
        return use == "sma_cross" || use == "ema_cross" || use == "script" || use == "buy_and_hold";
    }

    /// False once nothing more is to be counted.
    template <class E>
    bool take(const Envelope&, const E& event) {
        if constexpr (std::is_same_v<E, RunConfigured>) {
            begin(event.strategies[strategy_.value]);
        } else if constexpr (std::is_same_v<E, RunReconfigured>) {
            const std::vector<StrategyConfig>& next = event.config.strategies;
            if (strategy_.value < next.size() && next[strategy_.value].params != config_.params) {
                begin(next[strategy_.value]);
            }
        } else if constexpr (std::is_same_v<E, StrategyHalted> || std::is_same_v<E, StrategyResumed>) {
            halted_ = event.strategy == strategy_ ? std::is_same_v<E, StrategyHalted> : halted_;
        } else if constexpr (std::is_same_v<E, QuoteTick>) {
            Count* const count = count_of(event.instrument);
            if (count != nullptr && (is_script_ || (reads_quotes_ && has_both_sides(event)))) {
                ++count->seen;
            }
        } else if constexpr (std::is_same_v<E, BarOpened>) {
            Count* const count = count_of(event.instrument);
            if (count != nullptr && is_script_) {
                ++count->seen;
            }
        } else if constexpr (std::is_same_v<E, BarClosed>) {
            if (Count* const count = count_of(event.instrument); count != nullptr) {
                take_bar(event, *count);
            }
        } else if constexpr (std::is_same_v<E, CorporateAction>) {
            if (Count* const count = count_of(event.instrument); count != nullptr && reads_bars_) {
                count->fast.adjust(event);
                count->slow.adjust(event);
                count->now = count->slow.full() ? compare(count->fast, count->slow) : count->now;
            }
        }
        return true;
    }

    /// `wanted`: empty, or one of its instruments.
    std::vector<Waiting> waiting(const State& state, std::span<const InstrumentId> of) const {
        std::vector<Waiting> all;
        if (is_script_) {
            all.push_back(waiting_script());
            return all;
        }
        for (const Count& count : counts_) {
            if (std::ranges::find(of, count.instrument) == of.end()) {
                continue;
            }
            Waiting each;
            each.instrument = state.instruments[count.instrument.value].name;
            each.seen = count.seen;
            if (config_.use == "buy_and_hold") {
                each.what = Waiting::For::holding;
                each.quantity = qty_param(config_.params, "quantity");
                each.held = state.portfolios[config_.portfolio.value].position(count.instrument).net;
                all.push_back(std::move(each));
                continue;
            }
            each.needed = static_cast<std::uint64_t>(count_param(config_.params, "slow"));
            each.what = reads_quotes_ ? Waiting::For::quotes : Waiting::For::bars;
            each.seen = std::min(each.seen, each.needed);
            if (reads_bars_ && count.slow.full()) {
                each.what = Waiting::For::cross;
                each.seen = count.seen;
                each.fast = average_of(count.fast).value_or(Price{});
                each.slow = average_of(count.slow).value_or(Price{});
                each.before = count.before;
                each.now = count.now;
                each.quantity = qty_param(config_.params, "quantity");
                each.held = state.portfolios[config_.portfolio.value].position(count.instrument).net;
            }
            all.push_back(std::move(each));
        }
        return all;
    }

private:
    static constexpr int kUnknown = 2;
    struct Count {
        InstrumentId instrument;
        std::uint64_t seen = 0;
        ExactSma fast{1};
        ExactSma slow{1};
        int before = kUnknown;
        int now = kUnknown;
    };

    void begin(const StrategyConfig& config) {
        config_ = config;
        counts_.clear();
        is_script_ = config.use == "script";
        reads_quotes_ = config.use == "ema_cross";
        reads_bars_ = config.use == "sma_cross";
        interval_ = reads_bars_ ? interval_param(config.params, "interval") : Duration{};
        for (const InstrumentId id : config.instruments) {
            Count& count = counts_.emplace_back();
            count.instrument = id;
            if (reads_bars_) {
                count.fast = ExactSma(count_param(config.params, "fast"));
                count.slow = ExactSma(count_param(config.params, "slow"));
            }
        }
        places_.clear();
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            const std::size_t id = counts_[i].instrument.value;
            places_.resize(std::max(places_.size(), id + 1), kNone);
            places_[id] = i;
        }
    }

    void take_bar(const BarClosed& bar, Count& count) {
        if (is_script_) {
            ++count.seen;
        } else if (reads_bars_ && (interval_ == Duration{} || bar.interval == interval_)) {
            ++count.seen;
            count.fast.push(bar.close);
            count.slow.push(bar.close);
            if (count.slow.full()) {
                count.before = count.now;
                count.now = compare(count.fast, count.slow);
            }
        }
    }

    Waiting waiting_script() const {
        Waiting waiting;
        for (const Count& count : counts_) {
            waiting.seen += count.seen;
        }
        waiting.what = Waiting::For::script_end;
        for (const auto& [at, text] : script_lines(text_param(config_.params, "orders"))) {
            waiting.needed = at;
            if (at > waiting.seen) {
                waiting.what = Waiting::For::script_line;
                waiting.text = text;
                break;
            }
        }
        return waiting;
    }

    Count* count_of(InstrumentId id) {
        const std::size_t place = id.value < places_.size() ? places_[id.value] : kNone;
        return place == kNone || halted_ ? nullptr : &counts_[place];
    }

    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    StrategyId strategy_;
    StrategyConfig config_;
    bool is_script_ = false;
    bool reads_quotes_ = false;
    bool reads_bars_ = false;
    bool halted_ = false;
    Duration interval_;
    std::vector<Count> counts_;
    std::vector<std::size_t> places_;  // by instrument, in counts_
};

/// The first event that is later than `time`. O(log events) reads of a frame.
Result<Seq> first_after(const Journal& journal, Time time) {
    EventReader events(journal);
    Seq low = 0;
    Seq high = journal.next_seq();
    while (low < high) {
        const Seq middle = low + (high - low) / 2;
        const Result<DecodedEvent> read = events.read(middle);
        if (!read) {
            return tl::make_unexpected(read.error());
        }
        if (read->envelope.time > time) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/// "; did you mean cross?", or what there is.
std::string hint(const std::string& word, const std::vector<std::string>& names) {
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string meant = did_you_mean(word, known);
    return meant.empty() ? fmt::format("; there is {}", config::one_of(known))
                         : fmt::format("; did you mean {}?", meant);
}

std::vector<Obstacle> obstacles_of(const State& state, InstrumentId id, const Reads& reads, Time time) {
    std::vector<Obstacle> found;
    const Market& market = state.market(id);
    const markets::DayTimes& times = state.times[id.value];
    if (market.is_expired) {
        found.push_back(Obstacle::expired);
    }
    if (market.mark.raw == 0) {
        found.push_back(Obstacle::no_price);
    }
    if (reads.bars && !reads.quotes &&
        std::ranges::all_of(market.series, [](const BarSeries& each) { return each.closed == kBeforeAll; })) {
        found.push_back(Obstacle::no_bar);
    }
    if (reads.quotes && !reads.bars && market.quoted == kBeforeAll) {
        found.push_back(Obstacle::no_quote);
    }
    if (const markets::Calendar* const calendar = times.calendar(); calendar != nullptr) {
        const markets::Moment moment = calendar->at(time);
        if (times.refuses(moment)) {
            found.push_back(Obstacle::unknown_day);
        } else if (!times.trades(moment)) {
            found.push_back(Obstacle::closed);
        }
    } else if (market.session_date == kNoDay) {
        found.push_back(Obstacle::not_open_yet);
    } else if (market.session_closes == kNever || time >= market.session_closes) {
        found.push_back(Obstacle::closed);
    }
    return found;
}

/// Finds out all of it; one call of find() an object.
class WhyNotFinder {
public:
    WhyNotFinder(const Journal& journal, WhyNot& found, StrategyId strategy, std::vector<InstrumentId> of)
        : journal_(journal), found_(found), strategy_(strategy), of_(std::move(of)) {}

    Result<void> find(const AskedAt& at) {
        // Where an event is named, the moment ends with its step, which is behind it.
        const Seq about = at.event.value_or(found_.end);
        Result<State> state = checkpoint_before(journal_, about);
        if (!state) {
            return tl::make_unexpected(state.error());
        }
        const Seq begun = state->next_seq;
        Result<void> ok = around(*state, at);
        ok = ok ? further_back(begun) : ok;
        ok = ok ? read_steps() : ok;
        ok = ok ? orders_around() : ok;
        return ok ? count() : ok;
    }

private:
    using Step = StepFollower::Step;

    StepFollower follower() const { return {strategy_, found_.strategy, of_}; }

    /// From the checkpoint to the moment, and on to the next step in which it is called.
    Result<void> around(State& state, const AskedAt& at) {
        StepFollower steps = follower();
        bool passed = false;
        const auto is_behind = [&](const Envelope& envelope) {
            return at.event ? envelope.is_root() && envelope.seq > *at.event : envelope.seq >= found_.end;
        };
        const auto reach = [&](const State& now, Seq end) {
            passed = true;
            found_.end = end;
            steps.end_step(end);
            last_ = steps.latest();
            halted_by_ = steps.halted_by();
            steps.forget_latest();
            know(now, at);
        };
        const Result<void> walked = walk(
            journal_, state,
            [&](const State& now, const Envelope& envelope, const auto& event) {
                if (!passed && is_behind(envelope)) {
                    reach(now, envelope.seq);
                }
                steps.look_at(now, envelope, event);
                return !passed || !steps.latest();
            },
            [](const State&, const Envelope&, const auto&) {});
        if (!walked) {
            return walked;
        }
        if (!passed) {
            reach(state, state.next_seq);
        } else if (!steps.latest()) {
            steps.end_step(journal_.next_seq());
        }
        next_ = steps.latest();
        return {};
    }

    /// What it has done before that checkpoint: from the one before it, and so on.
    Result<void> further_back(Seq begun) {
        while (begun > 0 && (!last_ || (found_.halted && !halted_by_))) {
            Result<State> state = checkpoint_before(journal_, begun - 1);
            if (!state) {
                return tl::make_unexpected(state.error());
            }
            const Seq end = std::exchange(begun, state->next_seq);
            StepFollower steps = follower();
            const Result<void> walked = walk(
                journal_, *state,
                [&](const State& now, const Envelope& envelope, const auto& event) {
                    if (envelope.seq >= end) {
                        return false;
                    }
                    steps.look_at(now, envelope, event);
                    return true;
                },
                [](const State&, const Envelope&, const auto&) {});
            if (!walked) {
                return walked;
            }
            steps.end_step(end);
            last_ = last_ ? last_ : steps.latest();
            halted_by_ = halted_by_ ? halted_by_ : steps.halted_by();
        }
        return {};
    }

    /// What the state at the moment says.
    void know(const State& state, const AskedAt& at) {
        found_.names = names_of(state);
        found_.time = at.event ? state.now : at.time;
        if (state.next_seq == 0) {
            return;
        }
        found_.strategy = state.config.strategies[strategy_.value];
        const Portfolio& portfolio = state.portfolios[found_.strategy.portfolio.value];
        const Reads reads = reads_of(found_.strategy);
        const RiskLimits limits(state.config);
        found_.halted = state.strategies[strategy_.value].halted;
        found_.latch = portfolio.latch;
        found_.latched_by = portfolio.killed_by;
        for (const InstrumentId id : of_) {
            KnownInstrument& known = found_.instruments.emplace_back();
            known.id = id;
            known.name = state.instruments[id.value].name;
            known.market = state.market(id);
            known.held = portfolio.position(id).net;
            known.cost = portfolio.position(id).cost;
            known.obstacles = obstacles_of(state, id, reads, std::max(found_.time, state.now));
            known.may_trade = limits.allows(id);
        }
        for (const auto& [id, order] : state.open_orders) {
            if (order.strategy == strategy_ && std::ranges::find(of_, order.terms.instrument) != of_.end()) {
                found_.open_orders.push_back(order);
            }
        }
        for (const PendingTimer& timer : state.timers) {
            if (timer.strategy == strategy_) {
                found_.timers.push_back(timer);
            }
        }
        for (RiskHeadroom& room : risk_headroom(state)) {
            if (room.portfolio == found_.portfolio && room.room.raw <= 0) {
                found_.exhausted.push_back(std::move(room));
            }
        }
        next_order_ = state.next_order;
        at_moment_ = state;
    }

    Result<std::optional<StrategyStep>> read_step(EventReader& events, const std::optional<Step>& step) const {
        if (!step) {
            return std::nullopt;
        }
        StrategyStep read;
        Result<DecodedEvent> called = events.read(step->called_with);
        if (!called) {
            return tl::make_unexpected(called.error());
        }
        read.called_with = std::move(*called);
        read.calls = step->calls;
        read.end = step->end;
        for (const Seq seq : step->asked) {
            Result<DecodedEvent> asked = events.read(seq);
            if (!asked) {
                return tl::make_unexpected(asked.error());
            }
            read.asked.push_back(std::move(*asked));
        }
        return read;
    }

    Result<void> read_steps() {
        EventReader events(journal_);
        const auto read = [&](const std::optional<Step>& step, std::optional<StrategyStep>& into) -> Result<void> {
            Result<std::optional<StrategyStep>> found = read_step(events, step);
            if (!found) {
                return tl::make_unexpected(found.error());
            }
            into = std::move(*found);
            return {};
        };
        Result<void> ok = read(last_, found_.last);
        ok = ok ? read(next_, found_.next) : ok;
        if (ok && found_.halted && halted_by_) {
            Result<DecodedEvent> halted = events.read(*halted_by_);
            if (!halted) {
                return tl::make_unexpected(halted.error());
            }
            found_.halted_by = std::move(*halted);
        }
        return ok;
    }

    /// The rows of orders are by number, which is the order in which they were asked for.
    Result<void> orders_around() {
        const Result<ReadModels> models = ReadModels::of(journal_);
        if (!models) {
            return tl::make_unexpected(models.error());
        }
        const auto is_own = [&](const OrderView& row) {
            return row.strategy == found_.strategy.name && std::ranges::find(of_, row.terms.instrument) != of_.end();
        };
        Result<void> ok = models->orders(next_order_, [&](const OrderView& row) {
            found_.next_order = is_own(row) ? std::optional(row) : std::nullopt;
            return !found_.next_order;
        });
        constexpr std::uint64_t kAtOnce = 1'000;
        for (OrderId end = next_order_; ok && end.value > 1 && !found_.last_order;) {
            const OrderId begin{end.value > kAtOnce ? end.value - kAtOnce : 1};
            ok = models->orders(begin, [&](const OrderView& row) {
                if (row.id < end && is_own(row)) {
                    found_.last_order = row;
                }
                return row.id < end;
            });
            end = begin;
        }
        return ok;
    }

    Result<void> count() {
        if (!Counter::knows(found_.strategy.use) || found_.end == 0) {
            return {};
        }
        Counter counter(strategy_);
        Result<void> outcome;
        const Result<void> scanned = scan_ahead(journal_, 0, [&](const Frame& frame) {
            const Result<bool> visited = visit_events(frame, 0, [&](const Envelope& envelope, const auto& event) {
                return envelope.seq < found_.end && counter.take(envelope, event);
            });
            if (!visited) {
                outcome = tl::make_unexpected(visited.error());
            }
            return visited && *visited;
        });
        if (scanned && outcome) {
            found_.waiting = counter.waiting(at_moment_, of_);
        }
        return scanned ? outcome : scanned;
    }

    const Journal& journal_;
    WhyNot& found_;
    StrategyId strategy_;
    std::vector<InstrumentId> of_;  // that are asked about
    std::optional<Step> last_;
    std::optional<Step> next_;
    std::optional<Seq> halted_by_;
    OrderId next_order_{1};  // at the moment
    State at_moment_;
};

}  // namespace

const char* name_of(Obstacle obstacle) {
    switch (obstacle) {
    case Obstacle::no_price: return "no_price";
    case Obstacle::no_bar: return "no_bar";
    case Obstacle::no_quote: return "no_quote";
    case Obstacle::not_open_yet: return "not_open_yet";
    case Obstacle::closed: return "closed";
    case Obstacle::unknown_day: return "unknown_day";
    case Obstacle::expired: break;
    }
    return "expired";
}

const char* name_of(Waiting::For what) {
    switch (what) {
    case Waiting::For::bars: return "bars";
    case Waiting::For::quotes: return "quotes";
    case Waiting::For::cross: return "cross";
    case Waiting::For::script_line: return "script_line";
    case Waiting::For::script_end: return "script_end";
    case Waiting::For::holding: break;
    }
    return "holding";
}

const char* name_of(Answer answer) {
    switch (answer) {
    case Answer::not_begun: return "not_begun";
    case Answer::halted: return "halted";
    case Answer::asked: return "asked";
    case Answer::refused: return "refused";
    case Answer::waiting: return "waiting";
    case Answer::not_called: return "not_called";
    case Answer::looked: break;
    }
    return "looked";
}

Answer answer_of(const WhyNot& why_not) {
    if (why_not.halted) {
        return Answer::halted;
    }
    if (!why_not.last) {
        return Answer::not_begun;
    }
    const auto asked = [&](auto kind) {
        return std::ranges::any_of(why_not.last->asked, [](const DecodedEvent& each) {
            return std::holds_alternative<decltype(kind)>(each.event);
        });
    };
    if (asked(OrderIntended{})) {
        return Answer::asked;
    }
    if (asked(OrderRefused{})) {
        return Answer::refused;
    }
    const bool has_enough = std::ranges::any_of(why_not.waiting, [](const Waiting& each) {
        return (each.what != Waiting::For::bars && each.what != Waiting::For::quotes) || each.seen >= each.needed;
    });
    if (!why_not.waiting.empty() && !has_enough) {
        return Answer::waiting;
    }
    const bool is_over = why_not.last->end < why_not.end && why_not.last->called_with.envelope.time < why_not.time;
    return is_over ? Answer::not_called : Answer::looked;
}

Result<WhyNot> why_not(const Journal& journal, const std::string& strategy, const AskedAt& at,
                       const std::string& instrument) {
    const Result<DecodedEvent> first = read_event(journal, 0);
    if (!first) {
        return tl::make_unexpected(first.error());
    }
    const auto* const config = std::get_if<RunConfigured>(&first->event);
    if (config == nullptr) {
        return fail(ErrorKind::data, fmt::format("{} does not begin with its configuration", journal.name()));
    }
    const auto found = std::ranges::find(config->strategies, strategy, &StrategyConfig::name);
    if (found == config->strategies.end()) {
        std::vector<std::string> names;
        for (const StrategyConfig& each : config->strategies) {
            names.push_back(each.name);
        }
        return fail(ErrorKind::usage,
                    fmt::format("{} has no strategy {}{}", journal.name(), strategy, hint(strategy, names)),
                    ErrorCode::not_found);
    }
    // Nothing is folded yet that would have looked whether ids are of anything.
    if (found->portfolio.value >= config->portfolios.size() || found->broker.value >= config->brokers.size() ||
        std::ranges::any_of(found->instruments,
                            [&](InstrumentId id) { return id.value >= config->instruments.size(); })) {
        return fail(ErrorKind::data, fmt::format("{} gives strategy {} ids of nothing", journal.name(), strategy));
    }
    Names known;
    known.learn(first->event);
    std::vector<InstrumentId> of = found->instruments;
    if (!instrument.empty()) {
        std::vector<std::string> names;
        for (const InstrumentId id : found->instruments) {
            names.push_back(known.instrument(id));
        }
        const auto place = std::ranges::find(names, instrument);
        if (place == names.end()) {
            return fail(ErrorKind::usage,
                        fmt::format("{} has no instrument {}{}", strategy, instrument, hint(instrument, names)),
                        ErrorCode::not_found);
        }
        of = {found->instruments[static_cast<std::size_t>(place - names.begin())]};
    }
    WhyNot answer;
    answer.strategy = *found;
    answer.portfolio = known.portfolio(found->portfolio);
    answer.broker = known.broker(found->broker);
    answer.currency = config->currency;
    answer.events = journal.next_seq();
    const Reads reads = reads_of(*found);
    answer.reads_quotes = reads.quotes;
    answer.reads_bars = reads.bars;
    if (at.event && *at.event >= answer.events) {
        return fail(ErrorKind::usage,
                    fmt::format("{} holds {} events, numbered from 0; there is no event {}", journal.name(),
                                answer.events, *at.event),
                    ErrorCode::not_found);
    }
    if (!at.event) {
        const Result<Seq> end = first_after(journal, at.time);
        if (!end) {
            return tl::make_unexpected(end.error());
        }
        answer.end = *end;
    }
    const StrategyId id{static_cast<std::uint32_t>(found - config->strategies.begin())};
    const Result<void> told = WhyNotFinder(journal, answer, id, std::move(of)).find(at);
    return told ? Result<WhyNot>(std::move(answer)) : tl::make_unexpected(told.error());
}

}  // namespace alpha
