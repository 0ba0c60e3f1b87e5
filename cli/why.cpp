#include "runtime/why.hpp"

#include "cli/chain.hpp"
#include "cli/command.hpp"
#include "markets/calendar.hpp"
#include "views/as_json.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <memory>

namespace alpha {
namespace {

// ---- a page ----------------------------------------------------------------------------------------------------------------

/// Lines of a label, a sentence and the event that says so, at most a hundred columns wide.
class Page {
public:
    explicit Page(const Style& style) : style_(style) {}

    /// A heading: no label.
    void head(const std::string& sentence, std::optional<Seq> event) { put("", sentence, event, true); }
    void line(const std::string& label, const std::string& sentence, std::optional<Seq> event = std::nullopt) {
        put(label, sentence, event, false);
    }
    std::string text() const { return text_; }

private:
    static constexpr std::size_t kLabel = 11;
    static constexpr std::size_t kSentence = 74;

    void put(const std::string& label, const std::string& sentence, std::optional<Seq> event, bool bold) {
        const std::size_t indent = bold ? 0 : kLabel;
        std::string_view rest = sentence;
        bool first = true;
        do {
            const std::string_view piece = take_line(rest, kSentence + kLabel - indent);
            const std::string shown = bold ? style_.bold(piece) : std::string(piece);
            std::string line =
                (bold ? "" : style_.dim(first ? label : "") + spaces(kLabel, first ? label : "")) + shown;
            if (first && event) {
                line += spaces(kSentence + kLabel + 1 - indent, piece) + style_.dim(fmt::format("event {}", *event));
            }
            text_ += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
            first = false;
        } while (!rest.empty());
    }
    static std::string spaces(std::size_t columns, std::string_view behind) {
        const std::size_t taken = display_columns(behind);
        return std::string(taken + 1 < columns ? columns - taken : 1, ' ');
    }
    /// As many words as fit, and at least one.
    static std::string_view take_line(std::string_view& rest, std::size_t columns) {
        std::size_t end = rest.size();
        while (end != std::string_view::npos && display_columns(rest.substr(0, end)) > columns) {
            const std::size_t space = end == 0 ? std::string_view::npos : rest.rfind(' ', end - 1);
            if (space == std::string_view::npos || space == 0) {
                break;
            }
            end = space;
        }
        const std::string_view piece = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return piece;
    }

    const Style& style_;
    std::string text_;
};

// ---- words -----------------------------------------------------------------------------------------------------------------

/// Numbers, prices and events as this page says them: exact, in the currency's grouping.
class Words {
public:
    Words(const Names& names, std::string currency, const Zone& zone)
        : names_(names), currency_(std::move(currency)), zone_(zone) {}

    std::string qty(Qty quantity) const { return show_qty(quantity, currency_); }
    std::string money(Money amount) const { return show_money(amount, currency_); }
    std::string gain(Money amount) const { return show_gain(amount, currency_); }
    std::string time(Time t) const { return zone_.show(t); }
    /// Two to four decimals, or all that it has.
    std::string price(Price price) const {
        return price.raw % 10'000 == 0 ? show_price(price, currency_) : to_string(price);
    }
    /// "99.95 x 100"; a side that is absent as "-".
    std::string touch(Price bid, Price ask) const { return side(bid) + " x " + side(ask); }
    const Names& names() const { return names_; }
    const std::string& currency() const { return currency_; }

    /// "BUY 100 ACME limit 99.50"
    std::string terms(const OrderTerms& terms) const {
        std::string text = fmt::format("{} {} {}", terms.side == Side::buy ? "BUY" : "SELL", qty(terms.quantity),
                                       names_.instrument(terms.instrument));
        if (terms.type == OrderType::market) {
            text += " at market";
        }
        text += terms.stop_price.raw == 0 ? "" : " stop " + price(terms.stop_price);
        return text + (terms.limit_price.raw == 0 ? "" : " limit " + price(terms.limit_price));
    }

    /// What happened, in a few words.
    std::string event(const DecodedEvent& event) const {
        return std::visit([this](const auto& e) { return said(e); }, event.event);
    }

private:
    std::string side(Price price_of_side) const { return price_of_side.raw == 0 ? "-" : price(price_of_side); }

    std::string said(const QuoteTick& e) const {
        return fmt::format("quote {} {}", names_.instrument(e.instrument), touch(e.bid, e.ask));
    }
    std::string said(const TradeTick& e) const {
        return fmt::format("trade {} {}", names_.instrument(e.instrument), price(e.price));
    }
    std::string said(const BarOpened& e) const {
        return fmt::format("{} bar of {} opened at {}", to_string(e.interval), names_.instrument(e.instrument),
                           price(e.open));
    }
    std::string said(const BarClosed& e) const {
        return fmt::format("{} bar of {} closed at {}, between {} and {}", to_string(e.interval),
                           names_.instrument(e.instrument), price(e.close), price(e.low), price(e.high));
    }
    std::string said(const TradingSessionOpened& e) const {
        return fmt::format("session of {} opened, {}", names_.instrument(e.instrument), to_iso(e.date));
    }
    std::string said(const TradingSessionClosed& e) const {
        return fmt::format("session of {} closed, {}", names_.instrument(e.instrument), to_iso(e.date));
    }
    std::string said(const TimerFired& e) const {
        return fmt::format("timer {} of {}", e.timer.value, names_.strategy(e.strategy));
    }
    std::string said(const TimerSet& e) const { return fmt::format("timer {} for {}", e.timer.value, time(e.due)); }
    std::string said(const TimerCancelled& e) const { return fmt::format("timer {} taken back", e.timer.value); }
    std::string said(const SignalRaised& e) const {
        return fmt::format("signal {} {}", names_.instrument(e.instrument), name_of(e.direction));
    }
    std::string said(const OrderIntended& e) const {
        return fmt::format("order {}: {}", e.order.value, terms(e.terms));
    }
    std::string said(const OrderRefused& e) const {
        return fmt::format("order {}: {}, refused by {}", e.order.value, terms(e.terms), name_of(e.rule));
    }
    std::string said(const OrderFilled& e) const {
        return fmt::format("order {} filled: {} {} {} at {}", e.order.value, e.side == Side::buy ? "bought" : "sold",
                           qty(e.quantity), names_.instrument(e.instrument), price(e.price));
    }
    std::string said(const OrderAccepted& e) const { return fmt::format("order {} accepted", e.order.value); }
    std::string said(const OrderTriggered& e) const { return fmt::format("order {} triggered", e.order.value); }
    std::string said(const OrderExpired& e) const { return fmt::format("order {} expired", e.order.value); }
    std::string said(const OrderCancelled& e) const { return fmt::format("order {} cancelled", e.order.value); }
    std::string said(const OrderRejected& e) const { return fmt::format("order {} rejected", e.order.value); }
    std::string said(const OrderModified& e) const { return fmt::format("order {} changed", e.order.value); }
    std::string said(const OrderReleased& e) const { return fmt::format("order {} released", e.order.value); }
    std::string said(const CancelIntended& e) const { return fmt::format("cancel of order {}", e.order.value); }
    std::string said(const ModifyIntended& e) const {
        return fmt::format("change of order {} to {}", e.order.value, change(e));
    }
    std::string said(const ChangeRefused& e) const {
        return fmt::format("change of order {}, refused by {}", e.order.value, name_of(e.rule));
    }
    std::string said(const KillSwitchLatched& e) const {
        return fmt::format("kill switch of {} latched by {}, {}", names_.portfolio(e.portfolio),
                           e.rule == Rule::operator_kill ? "a person" : name_of(e.rule), name_of(e.scope));
    }
    std::string said(const KillSwitchReleased& e) const {
        return fmt::format("kill switch of {} released", names_.portfolio(e.portfolio));
    }
    std::string said(const StrategyHalted& e) const {
        return fmt::format("{} was halted: {}", names_.strategy(e.strategy), e.reason);
    }
    std::string said(const StrategyResumed& e) const {
        return fmt::format("{} was resumed by a person", names_.strategy(e.strategy));
    }
    std::string said(const SquareOffBegun& e) const {
        return fmt::format("square-off of {} by the broker", names_.instrument(e.instrument));
    }
    std::string said(const CorporateAction& e) const {
        return fmt::format("{} of {}", name_of(e.kind), names_.instrument(e.instrument));
    }
    std::string said(const ContractExpired& e) const {
        return fmt::format("{} expired", names_.instrument(e.instrument));
    }
    template <class E>
    std::string said(const E&) const {
        std::string name = E::name_v;
        std::ranges::replace(name, '_', ' ');
        return name;
    }

public:
    /// "60 limit 99.50": what an order is to be, or has become.
    template <class E>
    std::string change(const E& e) const {
        std::string text = qty(e.quantity);
        text += e.stop_price.raw == 0 ? "" : " stop " + price(e.stop_price);
        return text + (e.limit_price.raw == 0 ? "" : " limit " + price(e.limit_price));
    }

private:
    const Names& names_;
    std::string currency_;
    const Zone& zone_;
};

/// Seconds of a day as its clock shows them.
std::string show_day_time(Decimal seconds) {
    const auto whole = static_cast<std::int64_t>(seconds.raw / kScale);
    return fmt::format("{:02}:{:02}:{:02}", whole / 3'600, whole / 60 % 60, whole % 60);
}

Date day_in(Decimal number) {
    return Date{static_cast<std::int32_t>(number.raw / kScale)};
}

Qty qty_in(Decimal units) {
    return Qty{static_cast<std::int64_t>(units.raw)};
}

/// An amount to the last digit that it has, so that what passed a limit never reads as the limit itself.
std::string exact_money(Decimal amount, const Words& words) {
    return amount.raw % 1'000'000 == 0 ? words.money(Money{amount.raw})
                                       : fmt::format("{} {}", words.currency(), to_string(amount));
}

/// What a rule found wrong, with its limit, what it saw and how much was short, in its own units.
std::string refusal(const OrderView& order, const OrderTerms& terms, const Words& words) {
    const Decimal limit = order.limit;
    const Decimal observed = order.observed;
    const Decimal excess = excess_of(order);
    const std::string& instrument = order.instrument;
    const auto units = [&](const char* what, const char* beyond) {
        return fmt::format("{} {}, at most {}: {} {}", what, words.qty(qty_in(observed)), words.qty(qty_in(limit)),
                           words.qty(qty_in(excess)), beyond);
    };
    const auto amounts = [&](const char* what, const char* beyond) {
        return fmt::format("{} {}, at most {}: {} {}", what, exact_money(observed, words), exact_money(limit, words),
                           exact_money(excess, words), beyond);
    };
    const auto counts = [&](const char* what) {
        return fmt::format("{} {}, at most {}", what, to_string(observed), to_string(limit));
    };
    switch (order.refused_by) {
    case Rule::invalid_order:
        return fmt::format("it is no order: a quantity, price or tag out of bounds (was {}, the bound is {})",
                           to_string(observed), to_string(limit));
    case Rule::unknown_instrument: return fmt::format("{} is not among its strategy's instruments", instrument);
    case Rule::kill_switch: return fmt::format("the kill switch of {} was latched", order.portfolio);
    case Rule::strategy_halted: return fmt::format("{} was halted", order.strategy);
    case Rule::tick_size:
        return fmt::format("the price {} is no multiple of the tick {}", to_string(observed), to_string(limit));
    case Rule::lot_size:
        return fmt::format("the quantity {} is no multiple of the lot {}", words.qty(qty_in(observed)),
                           words.qty(qty_in(limit)));
    case Rule::allowed_instruments: return fmt::format("{} is not among the allowed instruments", instrument);
    case Rule::session_hours:
        return fmt::format("it was {} on the market's clock, and the session {} at {}", show_day_time(observed),
                           observed < limit ? "opens" : "closed", show_day_time(limit));
    case Rule::no_market: return fmt::format("no price of {} had been seen", instrument);
    case Rule::stale_data:
        return fmt::format("the newest price was {} s old, at most {} s: {} s too old", to_string(observed),
                           to_string(limit), to_string(excess));
    case Rule::price_band:
        return fmt::format("the price lay {} % off the mark, at most {} %: {} % too far", to_string(observed),
                           to_string(limit), to_string(excess));
    case Rule::order_quantity: return units("its quantity was", "too many");
    case Rule::order_notional: return amounts("it was worth", "too much");
    case Rule::shorting:
        return fmt::format("it could have left {} short, and shorting is not allowed", words.qty(qty_in(excess)));
    case Rule::position: return units("the position could have reached", "too many");
    case Rule::gross_exposure: return amounts("gross exposure could have reached", "too much");
    case Rule::open_orders: return counts("open orders with it would have been");
    case Rule::order_rate: return counts("orders and changes within a second, with it,");
    case Rule::daily_loss: return amounts("the day's loss was", "beyond it");
    case Rule::step_facts: return counts("what its strategy asked for in one step:");
    case Rule::buying_power:
        return fmt::format("all that is held and ordered would have used {} of {} of buying power: {} short",
                           exact_money(observed, words), exact_money(limit, words), exact_money(excess, words));
    case Rule::links:
        return fmt::format(
            "order {} of those placed together cannot be linked so (at most {} orders of one instrument)",
            to_string(observed), to_string(limit));
    case Rule::market_phase:
        return fmt::format("the market takes no such order in the phase {}",
                           markets::name_of(static_cast<markets::Phase>(observed.raw / kScale)));
    case Rule::unknown_day:
        return fmt::format("the calendar of {} does not know {}", instrument, to_iso(day_in(observed)));
    case Rule::freeze_quantity: return units("more than the exchange takes in one order: the quantity was", "too many");
    case Rule::expired:
        return fmt::format("{} is the last day of {}, and it was {}", to_iso(day_in(limit)), instrument,
                           to_iso(day_in(observed)));
    case Rule::no_charges: return "the table of charges does not say what it would cost";
    case Rule::product:
        return fmt::format("{} cannot be held under the product {}", instrument, name_of(terms.product));
    case Rule::holdings:
        return fmt::format("{} were to be sold, and {} are there: {} short", words.qty(qty_in(observed)),
                           words.qty(qty_in(limit)), words.qty(qty_in(excess)));
    case Rule::square_off:
        return fmt::format("it was {} on the market's clock, and the broker closes what is held within the day from {} "
                           "on",
                           show_day_time(observed), show_day_time(limit));
    case Rule::margin:
        return fmt::format("it needed {} of margin, and {} was free: {} short", exact_money(observed, words),
                           exact_money(limit, words), exact_money(excess, words));
    case Rule::broker_down: return "the broker was not there, or not yet known to be in order";
    case Rule::not_supported:
        return terms.tif == TimeInForce::gtc && terms.type != OrderType::market
                   ? "the broker has no order that lasts for longer than a day"
                   : "the broker has no order without a product: give its strategy one, such as product: mis";
    case Rule::feed_down: return fmt::format("{} live sources of prices were not there", to_string(observed));
    case Rule::frozen_instrument:
        return fmt::format("broker and books differ in {}, and nobody had looked", instrument);
    case Rule::unknown_outcome:
        return fmt::format("nobody knew what had become of order {} in {}", to_string(observed), instrument);
    case Rule::send_backlog: return counts("orders that wait to be sent, with it,");
    case Rule::modifications: return counts("changes of it");
    case Rule::none:
    case Rule::operator_kill:
    case Rule::conflict:
    case Rule::not_open:
    case Rule::overfill:
    case Rule::unmatched_fill:
    case Rule::change_pending:
    case Rule::linked_fill:
    case Rule::corporate_action: break;  // no order is refused for them
    }
    return name_of(order.refused_by);
}

std::string show_limit(const RiskLimit& limit) {
    switch (limit.rule) {
    case Rule::shorting: return "no shorting";
    case Rule::session_hours:
    case Rule::allowed_instruments: return name_of(limit.rule);
    default: return fmt::format("{} {}", name_of(limit.rule), to_string(limit.limit));
    }
}

/// What `say` makes of each.
template <class Range, class Say>
std::vector<std::string> said_of(const Range& range, Say say) {
    std::vector<std::string> all;
    all.reserve(range.size());
    for (const auto& each : range) {
        all.push_back(say(each));
    }
    return all;
}

std::string join(const std::vector<std::string>& parts, const char* between) {
    return fmt::format("{}", fmt::join(parts, between));
}

std::string more_log(const std::string& journal, Seq from, Seq to) {
    return fmt::format("alpha log {} --from {} --to {}", shell_path(journal), from, to);
}

// ---- alpha why ---------------------------------------------------------------------------------------------------------------

/// Beyond so many facts of its life only the first and the last are shown.
constexpr std::size_t kMostFacts = 10;
constexpr std::size_t kFirstFacts = 4;
constexpr std::size_t kLastFacts = 3;
/// Causes beyond the first few and the root are left out.
constexpr std::size_t kMostCauses = 3;
constexpr std::size_t kMostLimits = 4;
constexpr std::size_t kMostLinked = 3;

class StoryText {
public:
    StoryText(const OrderStory& story, const std::string& journal, const Wiring& wiring)
        : story_(story),
          journal_(journal),
          words_(story.names, story.currency, wiring.zone),
          page_(wiring.out_style),
          asked_(std::holds_alternative<OrderIntended>(story.decision.event)
                     ? std::get<OrderIntended>(story.decision.event).terms
                     : std::get<OrderRefused>(story.decision.event).terms) {}

    std::string text() {
        heading();
        because();
        linked();
        judged();
        life();
        ended();
        more();
        return page_.text();
    }
    /// One line.
    std::string brief() const {
        const OrderView& order = story_.order;
        return fmt::format("order {} of {}: {}; {}\n", order.id.value, order.strategy, what(), outcome());
    }

private:
    std::string what() const {
        std::string text = words_.terms(asked_);
        if (asked_.tif == TimeInForce::day) {
            text +=
                story_.order.good_until.days == 0 ? ", day" : ", until the close of " + to_iso(story_.order.good_until);
        } else if (asked_.tif == TimeInForce::ioc) {
            text += ", at once or not at all";
        }
        text += asked_.product == Product::none ? "" : std::string(", ") + name_of(asked_.product);
        text += asked_.reduce_only ? ", only to reduce" : "";
        return text + (asked_.tag.empty() ? "" : ", tag " + asked_.tag);
    }

    void heading() {
        const OrderView& order = story_.order;
        page_.head(fmt::format("order {} of {}: {}, {} via {}", order.id.value, order.strategy, what(), order.portfolio,
                               order.broker),
                   story_.decision.envelope.seq);
    }

    bool is_operators() const { return story_.order.strategy == "operator"; }

    void because() {
        const std::vector<DecodedEvent>& causes = story_.causes;
        for (std::size_t i = 0; i < causes.size(); ++i) {
            if (i >= kMostCauses && i + 1 < causes.size()) {
                continue;
            }
            const std::string left_out =
                i > kMostCauses ? fmt::format("{} in between; ", counted(i - kMostCauses, "event")) : std::string();
            page_.line(i == 0 ? "because" : "because of",
                       fmt::format("{}{}{}", left_out, words_.event(causes[i]),
                                   i == 0 || causes[i].envelope.is_root()
                                       ? " at " + words_.time(causes[i].envelope.time)
                                       : std::string()),
                       causes[i].envelope.seq);
        }
        const Seen& seen = story_.seen;
        std::string saw = fmt::format("{} saw ", is_operators() ? "the books" : story_.order.strategy);
        if (seen.mark.raw == 0) {
            saw += "no price";
        } else {
            saw += "mark " + words_.price(seen.mark);
            saw += seen.bid.raw == 0 && seen.ask.raw == 0 ? "" : " (" + words_.touch(seen.bid, seen.ask) + ")";
        }
        saw += ", held " + held(seen.held, seen.net, "");
        if (story_.signals.empty()) {
            page_.line("", saw);
            return;
        }
        const auto& signal = std::get<SignalRaised>(story_.signals.back().event);
        page_.line("", fmt::format("{}; signalled {}", saw, name_of(signal.direction)),
                   story_.signals.back().envelope.seq);
    }

    std::string product() const {
        return asked_.product == Product::none ? std::string(" without a product")
                                               : fmt::format(" in {}", name_of(asked_.product));
    }
    /// "140 ACME"; "-45 NSE:A in mis, -24 in all", for an order moves what is held of its product alone.
    std::string held(Qty of_product, Qty in_all, const std::string& instrument) const {
        const bool is_part = of_product != in_all;
        return fmt::format("{}{}{}{}", words_.qty(of_product), instrument,
                           is_part || asked_.product != Product::none ? product() : "",
                           is_part ? fmt::format(", {} in all", words_.qty(in_all)) : std::string());
    }

    void linked() {
        for (std::size_t i = 0; i < std::min(story_.linked.size(), kMostLinked); ++i) {
            const LinkedOrder& other = story_.linked[i];
            const char* how = other.kind == LinkKind::entry  ? "the entry that it exits"
                              : other.kind == LinkKind::exit ? "an exit, for what it fills"
                                                             : "one cancels the other";
            page_.line("linked", fmt::format("order {}: {}; {}", other.order.value, words_.terms(other.terms), how),
                       other.event);
        }
        if (story_.linked.size() > kMostLinked) {
            page_.line("linked", fmt::format("and {} more", story_.linked.size() - kMostLinked));
        }
    }

    void judged() {
        if (story_.is_refused()) {
            page_.line("refused", fmt::format("by {}: {}", name_of(story_.order.refused_by),
                                              refusal(story_.order, asked_, words_)));
            if (!story_.linked.empty()) {
                page_.line("", "it was placed with others, which are refused together");
            }
            return;
        }
        if (is_operators()) {
            page_.line("judged", "by no rule: it closes what is held, for the operator or the broker");
            return;
        }
        if (asked_.parent.value != 0) {
            page_.line("judged", "as an exit: it can only reduce, so no limit counts");
        } else {
            std::string limits;
            for (std::size_t i = 0; i < std::min(story_.limits.size(), kMostLimits); ++i) {
                limits += (limits.empty() ? "" : ", ") + show_limit(story_.limits[i]);
            }
            if (story_.limits.size() > kMostLimits) {
                limits += fmt::format(" and {} more", story_.limits.size() - kMostLimits);
            }
            page_.line("judged", limits.empty() ? "passed every rule; no limits are set"
                                                : "passed every rule, with the limits " + limits);
        }
        reserved();
    }

    void reserved() {
        if (story_.funds && story_.reserved.value.raw != 0) {
            const Funds& funds = *story_.funds;
            page_.line("", fmt::format("reserved {}; {} then {} used of {}", words_.money(story_.reserved.value),
                                       funds.rule == Rule::margin ? "margin" : "buying power", words_.money(funds.used),
                                       words_.money(funds.limit)));
        }
        if (story_.held_back) {
            page_.line("held", "back until what it is linked with lets it go: its broker knows no links");
        }
    }

    void life() {
        const std::size_t facts = story_.facts.size();
        for (std::size_t i = 0; i < facts; ++i) {
            if (facts <= kMostFacts || i < kFirstFacts || i >= facts - kLastFacts) {
                fact(story_.facts[i]);
            } else if (i == kFirstFacts) {
                left_out(i, facts - kLastFacts);
            }
        }
    }

    void left_out(std::size_t from, std::size_t to) {
        std::uint64_t fills = 0;
        std::uint64_t changes = 0;
        Qty quantity;
        for (std::size_t i = from; i < to; ++i) {
            const Event& event = story_.facts[i].fact.event;
            if (const auto* const fill = std::get_if<OrderFilled>(&event); fill != nullptr) {
                ++fills;
                quantity += fill->quantity;
            }
            changes += std::holds_alternative<OrderModified>(event) ? 1U : 0U;
        }
        std::vector<std::string> parts;
        if (fills != 0) {
            parts.push_back(fmt::format("{} of {}", counted(fills, "fill"), words_.qty(quantity)));
        }
        if (changes != 0) {
            parts.push_back(counted(changes, "change"));
        }
        page_.line("…", fmt::format("{} more{}{}", counted(to - from, "event"), parts.empty() ? "" : ", ",
                                    join(parts, " and ")));
    }

    void fact(const OrderFact& fact) {
        std::visit([&](const auto& event) { say(fact, event); }, fact.fact.event);
    }
    void say(const OrderFact& fact, const char* label, const std::string& sentence) {
        const Time before = last_time_;
        last_time_ = fact.fact.envelope.time;
        page_.line(label, last_time_ == before ? sentence : fmt::format("{}, at {}", sentence, words_.time(last_time_)),
                   fact.fact.envelope.seq);
    }

    void say(const OrderFact& fact, const OrderAccepted& e) {
        say(fact, "sent",
            fmt::format("accepted by {}{}", story_.order.broker,
                        e.broker_order.empty() ? "" : " as " + e.broker_order));
    }
    void say(const OrderFact& fact, const OrderReleased& e) {
        say(fact, "released", fmt::format("{} to {}{}", words_.qty(e.quantity), story_.order.broker, by_linked(fact)));
    }
    void say(const OrderFact& fact, const OrderTriggered&) {
        say(fact, "triggered",
            fmt::format("traded through its stop; the market showed {}", words_.price(fact.seen.touch)));
    }
    void say(const OrderFact& fact, const OrderFilled& e) {
        std::string text =
            fmt::format("{} at {}{}", words_.qty(e.quantity), words_.price(e.price), against_touch(e, fact.seen));
        text += against(e.price, story_.seen.mark, "the mark at decision", "; ");
        text += "; charges " + words_.money(e.charges);
        text += e.realized_pnl.raw == 0 ? "" : "; realized " + words_.gain(e.realized_pnl);
        say(fact, "filled", text);
    }
    void say(const OrderFact& fact, const ModifyIntended& e) {
        say(fact, "change", fmt::format("to {}, {}", words_.change(e), on_whose_behalf(e.rule, fact)));
    }
    void say(const OrderFact& fact, const OrderModified& e) {
        const bool unasked = e.rule != Rule::none;
        say(fact, "changed",
            fmt::format("now {}{}", words_.change(e),
                        unasked ? fmt::format(", by {}{}", story_.order.broker, by_linked(fact)) : std::string()));
    }
    void say(const OrderFact& fact, const CancelIntended& e) { say(fact, "cancel", on_whose_behalf(e.rule, fact)); }
    void say(const OrderFact& fact, const ChangeRefused& e) {
        say(fact, "change", fmt::format("asked by {} and refused by {}", story_.order.strategy, name_of(e.rule)));
    }
    void say(const OrderFact& fact, const ChangeRejected& e) {
        say(fact, "change",
            fmt::format("{} would not {} it{}", story_.order.broker,
                        e.kind == ReportKind::cancel_rejected ? "cancel" : "change",
                        e.reason.empty() ? "" : ": " + e.reason));
    }
    void say(const OrderFact& fact, const OrderAdjusted& e) {
        say(fact, "adjusted", fmt::format("to {} by {}", words_.change(e), cause(fact, "a corporate action")));
    }
    void say(const OrderFact& fact, const ReportIgnored& e) {
        say(fact, "ignored", fmt::format("a report '{}' of {}: {}", name_of(e.kind), story_.order.broker, e.why));
    }
    // What ended it says ended(), where it is the end.
    void say(const OrderFact& fact, const OrderCancelled&) { say(fact, "cancelled", outcome()); }
    void say(const OrderFact& fact, const OrderExpired&) { say(fact, "expired", outcome()); }
    void say(const OrderFact& fact, const OrderRejected&) { say(fact, "rejected", outcome()); }
    template <class E>
    void say(const OrderFact& fact, const E&) {
        say(fact, "then", words_.event(fact.fact));
    }

    /// ", the ask"; ", 0.01 worse than the ask 182.52"
    std::string against_touch(const OrderFilled& e, const Seen& seen) const {
        const Price quoted = e.side == Side::buy ? seen.ask : seen.bid;
        if (seen.touch.raw == 0) {
            return "";
        }
        const std::string what = quoted.raw == 0 ? "the market's price" : e.side == Side::buy ? "the ask" : "the bid";
        return e.price == seen.touch ? ", " + what
                                     : against(e.price, seen.touch, what + " " + words_.price(seen.touch), ", ");
    }
    /// "; 0.005 worse than the mark at decision"
    std::string against(Price price, Price other, const std::string& what, const char* before) const {
        if (other.raw == 0) {
            return "";
        }
        const std::int64_t above = price.raw - other.raw;
        if (above == 0) {
            return fmt::format("{}as {}", before, what);
        }
        const bool is_worse = (above > 0) == (asked_.side == Side::buy);
        return fmt::format("{}{} {} than {}", before, to_string(Price{above < 0 ? -above : above}),
                           is_worse ? "worse" : "better", what);
    }

    /// "; order 3 filled: …": what had just happened to a linked one.
    std::string by_linked(const OrderFact& fact) const {
        return fact.linked ? fmt::format(", as {} (event {})", words_.event(*fact.linked), fact.linked->envelope.seq)
                           : std::string();
    }
    std::string cause(const OrderFact& fact, const std::string& otherwise) const {
        return fact.cause ? fmt::format("{} (event {})", words_.event(*fact.cause), fact.cause->envelope.seq)
                          : otherwise;
    }
    std::string on_whose_behalf(Rule rule, const OrderFact& fact) const {
        if (rule == Rule::none) {
            return fmt::format("asked by {}, called with {}", story_.order.strategy, cause(fact, "its order"));
        }
        if (rule == Rule::linked_fill) {
            return "for its links" + by_linked(fact);
        }
        return fmt::format("for rule {}: {}", name_of(rule), cause(fact, "its order"));
    }

    std::string outcome() const {
        const OrderView& order = story_.order;
        const OrderEnd& end = story_.end;
        const OrderFact* const last = end.ended ? &story_.facts[*end.ended] : nullptr;
        const OrderFact* const asked = end.asked ? &story_.facts[*end.asked] : nullptr;
        const Qty left = order.terms.quantity > order.filled ? order.terms.quantity - order.filled : Qty{};
        const std::string rest =
            order.filled.raw == 0 ? "nothing filled" : fmt::format("{} filled", words_.qty(order.filled));
        const auto with_rest = [&](const std::string& why) { return why + "; " + rest; };
        switch (end.by) {
        case EndedBy::nothing:
            return fmt::format("{} of {} may still fill", words_.qty(left), words_.qty(order.terms.quantity));
        case EndedBy::refusal: return fmt::format("refused by {}", name_of(order.refused_by));
        case EndedBy::fill: return "filled whole";
        case EndedBy::strategy: return with_rest("by " + order.strategy + " itself");
        case EndedBy::kill_switch:
            return with_rest(fmt::format("by the kill switch of {}{}", order.portfolio,
                                         end.rule == Rule::none ? "" : std::string(", ") + name_of(end.rule)));
        case EndedBy::linked_order: {
            const OrderFact* const says = asked != nullptr && asked->linked ? asked : last;
            return with_rest("by its links" + (says == nullptr ? "" : by_linked(*says)));
        }
        case EndedBy::session_end:
            return with_rest("with its session" + (last != nullptr && last->cause
                                                       ? fmt::format(": {} (event {})", words_.event(*last->cause),
                                                                     last->cause->envelope.seq)
                                                       : std::string()));
        case EndedBy::no_fill_at_once: return with_rest("what could not fill at once");
        case EndedBy::rule: return with_rest(fmt::format("by rule {}", name_of(end.rule)));
        case EndedBy::corporate_action:
            return with_rest(
                "by " + (last == nullptr ? std::string("a corporate action") : cause(*last, "a corporate action")));
        case EndedBy::expiry: return with_rest("with its contract");
        case EndedBy::broker:
            return with_rest(fmt::format("by {}{}", order.broker, end.reason.empty() ? "" : ": " + end.reason));
        }
        return {};
    }

    void ended() {
        const FillSums& sums = story_.fills;
        if (sums.fills > 1) {
            const std::int64_t worse = sums.worse_than_mark.raw;
            page_.line("in all",
                       fmt::format("{} in {} at {} on average{}; charges {}; realized {}", words_.qty(sums.quantity),
                                   counted(sums.fills, "fill"), words_.price(sums.average),
                                   worse == 0 ? std::string()
                                              : fmt::format(", {} {} than the mark at decision",
                                                            to_string(Price{worse < 0 ? -worse : worse}),
                                                            worse > 0 ? "worse" : "better"),
                                   words_.money(sums.charges), words_.gain(sums.realized_pnl)));
        }
        if (story_.end.by == EndedBy::nothing) {
            page_.line("open", outcome() + (story_.order.cancel_pending   ? "; a cancel is under way"
                                            : story_.order.modify_pending ? "; a change is under way"
                                                                          : ""));
        }
        if (sums.fills > 0) {
            const OrderFact& last =
                *std::find_if(story_.facts.rbegin(), story_.facts.rend(), [](const OrderFact& each) {
                    return std::holds_alternative<OrderFilled>(each.fact.event);
                });
            const bool is_part = last.held_after != last.net_after;
            const std::string cost = last.held_after.raw == 0 ? std::string()
                                                              : fmt::format(", cost{} {}", is_part ? product() : "",
                                                                            words_.money(last.cost_after));
            page_.line("then", fmt::format("{} held {}{}", story_.order.portfolio,
                                           held(last.held_after, last.net_after, " " + story_.order.instrument), cost));
        }
    }

    void more() {
        const Seq from = story_.causes.empty() ? story_.decision.envelope.seq : story_.causes.front().envelope.seq;
        constexpr Seq kShown = 200;
        if (story_.last_event - from <= kShown) {
            page_.line("more", more_log(journal_, from, story_.last_event));
        } else {
            page_.line("more", fmt::format("{} --instrument {}", more_log(journal_, from, story_.last_event),
                                           shell_word(story_.order.instrument)));
        }
        if (story_.order.refused_by == Rule::kill_switch) {
            page_.line(
                "", fmt::format("alpha log {} --type kill_switch_latched,kill_switch_released", shell_path(journal_)));
        } else if (story_.order.refused_by == Rule::strategy_halted) {
            page_.line("", fmt::format("alpha log {} --type strategy_halted,strategy_resumed", shell_path(journal_)));
        }
    }

    const OrderStory& story_;
    const std::string& journal_;
    Words words_;
    Page page_;
    OrderTerms asked_;
    Time last_time_ = story_.decision.envelope.time;
};

std::string event_or_null(const std::optional<DecodedEvent>& event, const Names& names) {
    return event ? to_json(event->envelope, event->event, names) : "null";
}

std::string events_json(const std::vector<DecodedEvent>& events, const Names& names) {
    return json_array(
        said_of(events, [&](const DecodedEvent& each) { return to_json(each.envelope, each.event, names); }));
}

std::string seen_json(const Seen& seen) {
    JsonObject object;
    object.decimal("mark", seen.mark).decimal("bid", seen.bid).decimal("ask", seen.ask).decimal("touch", seen.touch);
    object.json("updated_ts_ns", seen.updated == kBeforeAll ? "null" : json_string(std::to_string(seen.updated.ns)))
        .decimal("held", seen.held)
        .decimal("cost", seen.cost)
        .decimal("net", seen.net);
    return object.done();
}

std::string fact_json(const OrderFact& fact, const Names& names) {
    JsonObject object;
    object.json("event", to_json(fact.fact.envelope, fact.fact.event, names))
        .json("cause", event_or_null(fact.cause, names))
        .json("linked", event_or_null(fact.linked, names))
        .json("saw", seen_json(fact.seen))
        .decimal("held_after", fact.held_after)
        .decimal("cost_after", fact.cost_after)
        .decimal("net_after", fact.net_after);
    return object.done();
}

std::string story_json(const OrderStory& story) {
    const auto linked = said_of(story.linked, [](const LinkedOrder& each) {
        JsonObject object;
        object.count("order", each.order.value).text("kind", name_of(each.kind)).count("event", each.event);
        return object.done();
    });
    const auto limits = said_of(story.limits, [](const RiskLimit& each) {
        JsonObject object;
        object.text("rule", name_of(each.rule)).decimal("limit", each.limit);
        return object.done();
    });
    const auto facts = said_of(story.facts, [&](const OrderFact& each) { return fact_json(each, story.names); });
    std::string funds = "null";
    if (story.funds) {
        JsonObject object;
        object.text("rule", name_of(story.funds->rule))
            .decimal("limit", story.funds->limit)
            .decimal("used", story.funds->used);
        funds = object.done();
    }
    JsonObject sums;
    sums.count("fills", story.fills.fills)
        .decimal("quantity", story.fills.quantity)
        .decimal("notional", story.fills.notional)
        .decimal("average_price", story.fills.average)
        .decimal("charges", story.fills.charges)
        .decimal("realized_pnl", story.fills.realized_pnl)
        .decimal("worse_than_mark", story.fills.worse_than_mark);
    JsonObject end;
    end.text("by", name_of(story.end.by))
        .text("rule", name_of(story.end.rule))
        .text("reason", story.end.reason)
        .json("event", story.end.ended ? std::to_string(story.facts[*story.end.ended].fact.envelope.seq) : "null");
    JsonObject object;
    object.json("order", order_json(story.order))
        .json("decision", to_json(story.decision.envelope, story.decision.event, story.names))
        .json("causes", events_json(story.causes, story.names))
        .json("signals", events_json(story.signals, story.names))
        .json("saw", seen_json(story.seen))
        .json("linked", json_array(linked))
        .json("limits", json_array(limits))
        .decimal("excess", excess_of(story.order))
        .decimal("reserved", story.reserved.value)
        .json("funds", funds)
        .flag("held_back", story.held_back)
        .json("facts", json_array(facts))
        .json("fills", sums.done())
        .json("end", end.done());
    return object.done() + '\n';
}

struct WhyOptions {
    std::string journal;
    std::string order;
    std::optional<std::uint64_t> fill;
};

Result<OrderId> order_asked(const WhyOptions& options, const Journal& journal) {
    if (options.fill) {
        return options.order.empty() ? order_of_event(journal, *options.fill)
                                     : fail(ErrorKind::usage, fmt::format("order {} and --fill {}: give one of them",
                                                                          options.order, *options.fill));
    }
    if (options.order.empty()) {
        return fail(
            ErrorKind::usage,
            fmt::format("which order? Give its number, or --fill with the event of a fill; alpha show orders {} "
                        "lists them (see alpha why --help)",
                        shell_path(options.journal)));
    }
    std::string_view text = options.order;
    text.remove_prefix(text.starts_with('#') ? 1 : 0);
    OrderId order;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), order.value);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) {
        return fail(ErrorKind::usage,
                    fmt::format("{}: an order is a number, such as 12; alpha show orders {} lists them",
                                printable(options.order), shell_path(options.journal)));
    }
    return order;
}

Result<int> why(const WhyOptions& options, Wiring& wiring) {
    const Result<std::unique_ptr<Journal>> journal = open_journal(options.journal);
    if (!journal) {
        return tl::unexpected(journal.error());
    }
    const Result<OrderId> order = order_asked(options, **journal);
    const Result<OrderStory> story = order ? story_of(**journal, *order) : tl::make_unexpected(order.error());
    if (!story) {
        return tl::unexpected(story.error());
    }
    if (wiring.json) {
        wiring.out.write(story_json(*story));
        return kExitOk;
    }
    StoryText text(*story, options.journal, wiring);
    wiring.out.write(wiring.quiet ? text.brief() : text.text());
    return kExitOk;
}

// ---- alpha why-not -------------------------------------------------------------------------------------------------------------

constexpr std::size_t kMostOrders = 3;
constexpr std::size_t kMostAsked = 4;
constexpr std::size_t kMostInstruments = 8;

class WhyNotText {
public:
    WhyNotText(const WhyNot& found, const std::string& journal, const Wiring& wiring)
        : found_(found),
          journal_(journal),
          zone_(wiring.zone),
          words_(found.names, found.currency, wiring.zone),
          page_(wiring.out_style) {}

    std::string text() {
        page_.head(fmt::format("{} ({}) of {} at {}, behind {} of {}", found_.strategy.name, found_.strategy.use,
                               found_.portfolio, zone_.show(found_.time), counted(found_.end, "event"),
                               show_count(found_.events)),
                   std::nullopt);
        page_.line("answer", answer());
        if (found_.end != 0) {
            switches();
            instruments();
            waiting();
            timers();
            steps();
            orders();
        }
        more();
        return page_.text();
    }
    std::string brief() const { return fmt::format("{}: {}\n", found_.strategy.name, answer()); }

private:
    std::string answer() const {
        switch (answer_of(found_)) {
        case Answer::not_begun:
            return found_.end == 0 ? "the session had not begun"
                                   : "nothing it trades on had come yet: it had not been called";
        case Answer::halted:
            return "it was halted, and is told nothing until a person resumes it" +
                   (found_.halted_by ? ": " + std::get<StrategyHalted>(found_.halted_by->event).reason : std::string());
        case Answer::asked: return "there is one: " + asked_orders();
        case Answer::refused: return "it asked, and was refused: " + asked_orders();
        case Answer::waiting: return "it has not seen enough to decide: " + waits(found_.waiting.front());
        case Answer::not_called: {
            const Seq last = found_.last->called_with.envelope.seq;
            return fmt::format(
                "it was not called: nothing that it trades on came {}; at event {} it asked for no order",
                found_.next ? fmt::format("between event {} and event {}", last, found_.next->called_with.envelope.seq)
                            : fmt::format("behind event {}", last),
                last);
        }
        case Answer::looked: break;
        }
        return fmt::format("it was called with {} and asked for no order", words_.event(found_.last->called_with));
    }

    std::string asked_orders() const {
        std::vector<std::string> all;
        for (const DecodedEvent& each : found_.last->asked) {
            if (std::holds_alternative<OrderIntended>(each.event) || std::holds_alternative<OrderRefused>(each.event)) {
                all.push_back(words_.event(each));
            }
        }
        return some(all, "; ");
    }
    static std::string some(std::vector<std::string> all, const char* between) {
        const std::size_t left_out = all.size() > kMostAsked ? all.size() - kMostAsked : 0;
        all.resize(all.size() - left_out);
        return join(all, between) + (left_out == 0 ? "" : fmt::format("{}and {} more", between, left_out));
    }

    void switches() {
        std::string text = found_.halted ? "halted" : "not halted";
        text += found_.latch == LatchScope::none
                    ? fmt::format("; the kill switch of {} is not latched", found_.portfolio)
                    : fmt::format("; the kill switch of {} is latched by {} ({})", found_.portfolio,
                                  name_of(found_.latched_by), name_of(found_.latch));
        page_.line("switches", text,
                   found_.halted_by ? std::optional(found_.halted_by->envelope.seq) : std::optional<Seq>());
        for (const RiskHeadroom& each : found_.exhausted) {
            page_.line("no room", fmt::format("{}: {} used of {}", name_of(each.rule), to_string(each.used),
                                              to_string(each.limit)));
        }
    }

    static const char* words_of(Obstacle obstacle) {
        switch (obstacle) {
        case Obstacle::no_price: return "no price yet";
        case Obstacle::no_bar: return "no bar has closed yet";
        case Obstacle::no_quote: return "no quote yet";
        case Obstacle::not_open_yet: return "no session has opened yet";
        case Obstacle::closed: return "its market is closed";
        case Obstacle::unknown_day: return "its calendar does not know the day";
        case Obstacle::expired: break;
        }
        return "the contract's last day is over";
    }

    void instruments() {
        for (std::size_t i = 0; i < std::min(found_.instruments.size(), kMostInstruments); ++i) {
            instrument(found_.instruments[i]);
        }
        if (found_.instruments.size() > kMostInstruments) {
            page_.line("", fmt::format("and {} more instruments: name one with --instrument",
                                       found_.instruments.size() - kMostInstruments));
        }
    }
    void instrument(const KnownInstrument& known) {
        std::vector<std::string> parts;
        const Market& market = known.market;
        if (market.mark.raw != 0) {
            parts.push_back(
                fmt::format("mark {}{}{}", words_.price(market.mark),
                            market.has_touch ? " (" + words_.touch(market.bid, market.ask) + ")" : std::string(),
                            market.updated == kBeforeAll ? std::string() : " of " + zone_.show(market.updated)));
        }
        for (const Obstacle each : known.obstacles) {
            parts.emplace_back(words_of(each));
        }
        if (!known.may_trade) {
            parts.emplace_back("not among the allowed instruments");
        }
        parts.push_back(fmt::format("{} holds {}", found_.portfolio, words_.qty(known.held)));
        std::size_t open = 0;
        std::vector<std::string> orders;
        for (const Order& order : found_.open_orders) {
            if (order.terms.instrument != known.id) {
                continue;
            }
            ++open;
            if (orders.size() < kMostOrders) {
                orders.push_back(fmt::format("{} {} {}{}", order.id.value,
                                             order.terms.side == Side::buy ? "buy" : "sell", words_.qty(order.leaves()),
                                             order.cancel_pending   ? ", a cancel under way"
                                             : order.modify_pending ? ", a change under way"
                                             : order.held           ? ", held back"
                                                                    : ""));
            }
        }
        parts.push_back(open == 0 ? "no open orders"
                                  : fmt::format("{}: {}{}", counted(open, "open order"), join(orders, ", "),
                                                open > kMostOrders ? ", …" : ""));
        page_.line(known.name.size() < 11 ? known.name : "",
                   (known.name.size() < 11 ? "" : known.name + ": ") + join(parts, "; "));
    }

    std::string waits(const Waiting& each) const {
        const auto of_position = [](int sign) { return sign < 0 ? "below" : sign > 0 ? "above" : "at"; };
        switch (each.what) {
        case Waiting::For::bars:
        case Waiting::For::quotes: {
            const char* const what = each.what == Waiting::For::bars ? "closed bars" : "quotes with both sides";
            return each.seen < each.needed
                       ? fmt::format("{} of the {} {} of {} that it needs", show_count(each.seen),
                                     show_count(each.needed), what, each.instrument)
                       : fmt::format("it has the {} {} of {} that it needs, and asks on a cross alone",
                                     show_count(each.needed), what, each.instrument);
        }
        case Waiting::For::cross: {
            const bool holds = each.held.raw > 0;
            return fmt::format(
                "a cross in {}: its fast average {} is {} the slow one {}; {} when one close finds it {} "
                "and the next {}",
                each.instrument, show_price(each.fast, found_.currency), of_position(each.now),
                show_price(each.slow, found_.currency), holds ? "it sells" : "it buys", holds ? "above" : "below",
                holds ? "below" : "above");
        }
        case Waiting::For::script_line:
            return fmt::format("its market event {}; it has seen {}. The next line is: {}", show_count(each.needed),
                               show_count(each.seen), each.text);
        case Waiting::For::script_end:
            return fmt::format(
                "nothing: all lines of its script were carried out by its market event {}; it has seen {}",
                show_count(each.needed), show_count(each.seen));
        case Waiting::For::holding: break;
        }
        return fmt::format("{} of the {} {} that it wants are held; what is missing it tries once a trading day",
                           words_.qty(each.held), words_.qty(each.quantity), each.instrument);
    }

    void waiting() {
        for (std::size_t i = 0; i < std::min(found_.waiting.size(), kMostInstruments); ++i) {
            page_.line(i == 0 ? "waits for" : "", waits(found_.waiting[i]));
        }
    }

    void timers() {
        if (!found_.timers.empty()) {
            const PendingTimer& next = found_.timers.front();
            page_.line("timers", fmt::format("{} pending, the next is timer {} at {}", show_count(found_.timers.size()),
                                             next.timer.value, zone_.show(next.due)));
        }
    }

    void step(const char* label, const StrategyStep& step) {
        const auto asked = said_of(step.asked, [&](const DecodedEvent& each) { return words_.event(each); });
        page_.line(label,
                   fmt::format("with {}, at {}: {}", words_.event(step.called_with),
                               zone_.show(step.called_with.envelope.time),
                               asked.empty() ? "asked for nothing" : "asked for " + some(asked, ", ")),
                   step.called_with.envelope.seq);
    }
    void steps() {
        if (found_.last) {
            step("called", *found_.last);
        }
        if (found_.next) {
            step("next", *found_.next);
        } else {
            page_.line("next", "it is not called again in this journal");
        }
    }

    void order(const char* label, const OrderView& row) {
        const bool is_refused = row.status == OrderStatus::refused;
        const std::string became = is_refused                ? fmt::format("refused by {}", name_of(row.refused_by))
                                   : is_terminal(row.status) ? fmt::format("in the end {}", name_of(row.status))
                                                             : std::string("still open at the end of the journal");
        page_.line(label, fmt::format("order {}: {}, {}", row.id.value, words_.terms(row.terms), became), row.created);
    }
    void orders() {
        if (found_.last_order) {
            order("last order", *found_.last_order);
        }
        if (found_.next_order) {
            order("next order", *found_.next_order);
        }
    }

    void more() {
        if (found_.last) {
            const Seq to = found_.next ? found_.next->end : found_.end;
            page_.line("more", more_log(journal_, found_.last->called_with.envelope.seq, to == 0 ? 0 : to - 1));
        }
        if (const auto& near = found_.next_order ? found_.next_order : found_.last_order; near) {
            page_.line(found_.last ? "" : "more", fmt::format("alpha why {} {}", shell_path(journal_), near->id.value));
        }
    }

    const WhyNot& found_;
    const std::string& journal_;
    const Zone& zone_;
    Words words_;
    Page page_;
};

std::string time_or_null(Time t) {
    return t == kBeforeAll || t == kNever ? "null" : json_string(std::to_string(t.ns));
}

std::string step_json(const std::optional<StrategyStep>& step, const Names& names) {
    if (!step) {
        return "null";
    }
    JsonObject object;
    object.json("called_with", to_json(step->called_with.envelope, step->called_with.event, names))
        .count("calls", step->calls)
        .json("asked", events_json(step->asked, names));
    return object.done();
}

std::string known_json(const KnownInstrument& known) {
    const auto obstacles = said_of(known.obstacles, [](Obstacle each) { return std::string(name_of(each)); });
    const Market& market = known.market;
    JsonObject object;
    object.text("instrument", known.name)
        .decimal("mark", market.mark)
        .decimal("bid", market.has_touch ? market.bid : Price{})
        .decimal("ask", market.has_touch ? market.ask : Price{})
        .json("updated_ts_ns", time_or_null(market.updated))
        .json("session_date", market.session_date == kNoDay ? "null" : json_string(to_iso(market.session_date)))
        .json("session_closes_ts_ns", time_or_null(market.session_closes))
        .decimal("held", known.held)
        .decimal("cost", known.cost)
        .texts("obstacles", obstacles)
        .flag("may_trade", known.may_trade);
    return object.done();
}

std::string waiting_json(const Waiting& each) {
    JsonObject object;
    object.text("for", name_of(each.what))
        .text("instrument", each.instrument)
        .count("needed", each.needed)
        .count("seen", each.seen)
        .text("text", each.text)
        .decimal("fast", each.fast)
        .decimal("slow", each.slow)
        .decimal("wanted", each.quantity)
        .decimal("held", each.held);
    return object.done();
}

std::string why_not_json(const WhyNot& found) {
    const auto open = said_of(found.open_orders, [&](const Order& each) {
        JsonObject object;
        object.count("order", each.id.value)
            .text("instrument", found.names.instrument(each.terms.instrument))
            .text("side", name_of(each.terms.side))
            .decimal("leaves", each.leaves())
            .text("status", name_of(each.status))
            .flag("cancel_pending", each.cancel_pending)
            .flag("modify_pending", each.modify_pending)
            .flag("held_back", each.held);
        return object.done();
    });
    const auto timers = said_of(found.timers, [](const PendingTimer& each) {
        JsonObject object;
        object.count("timer", each.timer.value).time_ns("due_ts_ns", each.due);
        return object.done();
    });
    const auto exhausted = said_of(found.exhausted, [](const RiskHeadroom& each) {
        JsonObject object;
        object.text("rule", name_of(each.rule)).decimal("limit", each.limit).decimal("used", each.used);
        return object.done();
    });
    JsonObject object;
    object.text("strategy", found.strategy.name)
        .text("use", found.strategy.use)
        .text("portfolio", found.portfolio)
        .text("broker", found.broker)
        .text("answer", name_of(answer_of(found)))
        .time_ns("at_ts_ns", found.time)
        .count("behind", found.end)
        .count("events", found.events)
        .flag("halted", found.halted)
        .json("halted_by", event_or_null(found.halted_by, found.names))
        .text("kill_switch", name_of(found.latch))
        .text("latched_by", name_of(found.latched_by))
        .json("exhausted", json_array(exhausted))
        .json("instruments", json_array(said_of(found.instruments, known_json)))
        .json("open_orders", json_array(open))
        .json("timers", json_array(timers))
        .json("waiting", json_array(said_of(found.waiting, waiting_json)))
        .json("last", step_json(found.last, found.names))
        .json("next", step_json(found.next, found.names))
        .json("last_order", found.last_order ? order_json(*found.last_order) : "null")
        .json("next_order", found.next_order ? order_json(*found.next_order) : "null");
    return object.done() + '\n';
}

struct WhyNotOptions {
    std::string journal;
    std::string strategy;
    std::string at;
    std::string instrument;
};

Result<AskedAt> read_at(const std::string& text, const Zone& zone) {
    if (!text.starts_with('@')) {
        return zone.read("--at", text).map([](Time time) { return AskedAt{{}, time}; });
    }
    Seq event = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + 1, end, event);
    if (text.size() == 1 || read.ec != std::errc() || read.ptr != end) {
        return fail(ErrorKind::usage, fmt::format("--at {}: write an event as @261", printable(text)));
    }
    return AskedAt{event, {}};
}

Result<int> tell_why_not(const WhyNotOptions& options, Wiring& wiring) {
    const Result<AskedAt> at = read_at(options.at, wiring.zone);
    const Result<std::unique_ptr<Journal>> journal =
        at ? open_journal(options.journal) : tl::make_unexpected(at.error());
    const Result<WhyNot> found =
        journal ? why_not(**journal, options.strategy, *at, options.instrument) : tl::make_unexpected(journal.error());
    if (!found) {
        return tl::unexpected(found.error());
    }
    if (wiring.json) {
        wiring.out.write(why_not_json(*found));
        return kExitOk;
    }
    WhyNotText text(*found, options.journal, wiring);
    wiring.out.write(wiring.quiet ? text.brief() : text.text());
    return kExitOk;
}

}  // namespace

void add_why(Commands& commands) {
    auto options = std::make_shared<WhyOptions>();
    const Command command = commands.add(commands.program(), "why", "Tell why there is an order, and what became of it",
                                         "Example:\n"
                                         "  alpha why runs/demo 12\n"
                                         "  alpha why runs/demo --fill 261",
                                         [options](Wiring& wiring) {
                                             return read_isolated(wiring, "the journal " + options->journal,
                                                                  [&] { return why(*options, wiring); });
                                         });
    journal_option(command, options->journal).required();
    commands.prints_times(command);
    command.option("ORDER", options->order, "The order's number; refused ones have one, too");
    command.option("--fill", options->fill,
                   "In place of ORDER: the event of one of its fills, or of anything else of it");
}

void add_why_not(Commands& commands) {
    auto options = std::make_shared<WhyNotOptions>();
    const Command command = commands.add(commands.program(), "why-not",
                                         "Tell what a strategy knew at a time, and why it asked for no order",
                                         "Example:\n"
                                         "  alpha why-not runs/demo trend --at 2024-01-01T09:20:00+05:30\n"
                                         "  alpha why-not runs/demo trend --at @261 --instrument NSE:BETA",
                                         [options](Wiring& wiring) {
                                             return read_isolated(wiring, "the journal " + options->journal,
                                                                  [&] { return tell_why_not(*options, wiring); });
                                         });
    journal_option(command, options->journal).required();
    commands.prints_times(command);
    command.option("STRATEGY", options->strategy, "The strategy's id in the scenario").required();
    command
        .option("--at", options->at,
                "The time, with its offset or as the clocks of --tz show it, or @N: behind the step of event N")
        .required();
    command.option("--instrument", options->instrument, "Only this one of its instruments");
}

}  // namespace alpha
