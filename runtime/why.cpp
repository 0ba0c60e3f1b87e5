#include "runtime/why.hpp"

#include "runtime/fold.hpp"
#include "views/read_models.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <type_traits>
#include <utility>

namespace alpha {
namespace {

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
    const Position& position = state.portfolios[by.portfolio.value].position(instrument);
    const Holding held = position.book_of(by.terms.product);
    seen.held = held.net;
    seen.cost = held.cost;
    seen.net = position.net;
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
        if constexpr (std::is_same_v<E, QuoteTick> || std::is_same_v<E, TradeTick>) {
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
        if constexpr (std::is_same_v<E, QuoteTick> || std::is_same_v<E, TradeTick>) {
            return;
        }
        if (envelope.seq == story_.order.created) {
            note_verdict(state);
        } else if (!story_.facts.empty() && story_.facts.back().fact.envelope.seq == envelope.seq) {
            const Seen seen = seen_in(state, decision_);
            story_.facts.back().held_after = seen.held;
            story_.facts.back().cost_after = seen.cost;
            story_.facts.back().net_after = seen.net;
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

template <class E>
bool is_caused_by(const OrderFact& fact) {
    return fact.cause && std::holds_alternative<E>(fact.cause->event);
}

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
                     : is_caused_by<CorporateAction>(fact)       ? EndedBy::corporate_action
                     : fact.linked                               ? EndedBy::linked_order
                     : story.order.terms.tif == TimeInForce::ioc ? EndedBy::no_fill_at_once
                                                                 : EndedBy::broker;
        } else if (std::holds_alternative<OrderExpired>(fact.fact.event)) {
            end.ended = i;
            end.by = is_caused_by<TradingSessionClosed>(fact)    ? EndedBy::session_end
                     : is_caused_by<ContractExpired>(fact)       ? EndedBy::expiry
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

}  // namespace alpha
