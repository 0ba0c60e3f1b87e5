#include "kernel/outside.hpp"

#include "events/assert.hpp"
#include "events/order_tag.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace alpha {

namespace {

using Kind = OutsideFactKind;

}  // namespace

const char* name_of(WireState state) {
    switch (state) {
    case WireState::held: return "held";
    case WireState::sending: return "sending";
    case WireState::doubtful: return "doubtful";
    case WireState::unknown: return "unknown";
    case WireState::stale: return "stale";
    case WireState::live: return "live";
    case WireState::stray: return "stray";
    case WireState::ended: return "ended";
    }
    return "";
}

const char* name_of(WireEnd end) {
    switch (end) {
    case WireEnd::none: return "none";
    case WireEnd::not_sent: return "not_sent";
    case WireEnd::refused: return "refused";
    case WireEnd::doubted: return "doubted";
    case WireEnd::resolved: return "resolved";
    case WireEnd::by_evidence: return "by_evidence";
    case WireEnd::closed: return "closed";
    case WireEnd::filled: return "filled";
    case WireEnd::cancelled: return "cancelled";
    case WireEnd::rejected: return "rejected";
    case WireEnd::expired: return "expired";
    }
    return "";
}

const char* name_of(OutsideFactKind kind) {
    switch (kind) {
    case Kind::accepted: return "accepted";
    case Kind::rejected: return "rejected";
    case Kind::cancelled: return "cancelled";
    case Kind::expired: return "expired";
    case Kind::triggered: return "triggered";
    case Kind::modified: return "modified";
    case Kind::cancel_rejected: return "cancel_rejected";
    case Kind::modify_rejected: return "modify_rejected";
    case Kind::filled: return "filled";
    case Kind::moved: return "moved";
    case Kind::outside_filled: return "outside_filled";
    case Kind::outcome_unknown: return "outcome_unknown";
    case Kind::outcome_stale: return "outcome_stale";
    case Kind::conflict: return "conflict";
    case Kind::differs: return "differs";
    case Kind::revived: return "revived";
    }
    return "";
}

Wire& OutsideBook::wire(OrderId order) {
    ++changes_;
    if (auto over = ended_.extract(order); !over.empty()) {
        return wires_.insert(std::move(over)).position->second;
    }
    const auto at = wires_.find(order);
    ALPHA_ASSERT(at != wires_.end(), "an order of this broker");
    return at->second;
}

/// Once a call is done: what is over is not looked at again and again.
void OutsideBook::put_away(OrderId order) {
    const auto at = wires_.find(order);
    if (at == wires_.end() || at->second.state != WireState::ended) {
        return;
    }
    const bool has_others = std::ranges::any_of(
        at->second.others, [](const auto& each) { return each.second.cancel != ChangeState::none; });
    if (!has_others) {
        ended_.insert(wires_.extract(at));
    }
}

void OutsideBook::put_away_all() {
    for (auto at = wires_.begin(); at != wires_.end();) {
        put_away((at++)->first);
    }
}

template <class F>
void OutsideBook::for_all(F&& each) const {
    std::ranges::for_each(wires_, each);
    std::ranges::for_each(ended_, each);
}

const Wire* OutsideBook::find(OrderId order) const {
    for (const std::map<OrderId, Wire>* const wires : {&wires_, &ended_}) {
        if (const auto at = wires->find(order); at != wires->end()) {
            return &at->second;
        }
    }
    return nullptr;
}

std::size_t OutsideBook::waiting() const {
    return static_cast<std::size_t>(
        std::ranges::count(wires_, WireState::held, [](const auto& each) { return each.second.state; }));
}

// ---- what the kernel decides --------------------------------------------------------------------------------------------

void OutsideBook::intend(OrderId order, InstrumentId instrument, Side side, Product product, Qty quantity, Date day,
                         Time decided) {
    ++changes_;
    Wire made;
    made.instrument = instrument;
    made.side = side;
    made.product = product;
    made.day = day;
    made.decided = decided;
    made.confirmed = made.asked = quantity;
    const bool is_new = wires_.emplace(order, std::move(made)).second;
    ALPHA_ASSERT(is_new, "an order's number is its own");
}

void OutsideBook::cancel(OrderId order, Facts& facts, CancelBy by) {
    Wire& its = wire(order);
    if (its.state == WireState::held) {
        close(order, WireEnd::not_sent, Kind::cancelled,
              by == CancelBy::kill ? "not sent: killed" : "not sent: cancelled first", facts);
    } else if (its.is_reserved()) {
        its.must_go = its.must_go || by != CancelBy::strategy;
        its.cancel = its.cancel == ChangeState::none ? ChangeState::wanted : its.cancel;
    }
    put_away(order);
}

bool OutsideBook::can_modify(OrderId order) const {
    const Wire* const its = find(order);
    return its != nullptr &&
           (its->state == WireState::held || (its->state == WireState::live && !its->is_ending && !its->is_missing &&
                                              its->modify == ChangeState::none && its->cancel == ChangeState::none));
}

bool OutsideBook::modify(OrderId order, Qty quantity, Facts& facts, Price price, Price trigger) {
    if (!can_modify(order)) {
        return false;
    }
    Wire& its = wire(order);
    its.asked_price = price;
    its.asked_trigger = trigger;
    its.asked = quantity;
    if (its.state == WireState::held) {
        its.confirmed = quantity;
        facts.push_back(
            {.kind = Kind::modified, .order = order, .quantity = quantity, .price = price, .trigger = trigger});
    } else {
        its.modify = ChangeState::wanted;
    }
    return true;
}

void OutsideBook::latch(Facts& facts) {
    ++changes_;
    is_latched_ = true;
    for (auto& [order, its] : wires_) {
        if (its.state == WireState::held) {
            close(order, WireEnd::not_sent, Kind::cancelled, "not sent: killed", facts);
        } else if (its.is_reserved()) {
            its.must_go = true;
            its.cancel = its.cancel == ChangeState::none ? ChangeState::wanted : its.cancel;
        }
    }
}

void OutsideBook::release() {
    ++changes_;
    is_latched_ = false;
}

void OutsideBook::overdue(OrderId order, Facts& facts) {
    if (wire(order).state == WireState::held) {
        close(order, WireEnd::not_sent, Kind::cancelled, "not sent: expired", facts);
    }
    put_away(order);
}

// ---- messages -----------------------------------------------------------------------------------------------------------

void OutsideBook::on(const SendStarted& started, Time now, Date day, Seq seq) {
    Wire& its = wire(started.order);
    switch (started.what) {
    case Send::place:
        ALPHA_ASSERT(its.state == WireState::held, "what may have been sent is not sent again");
        its.state = WireState::sending;
        ++its.attempts;
        its.sent_at = now;
        its.sent = seq;
        its.day = day;
        its.has_final_read = false;
        return;
    case Send::cancel:
        if (const auto other = its.others.find(started.broker_order); other != its.others.end()) {
            other->second.cancel = ChangeState::sending;
            return;
        }
        its.cancel = ChangeState::sending;
        its.cancel_attempt = started.attempt;
        its.cancels = static_cast<std::uint8_t>(std::min<unsigned>(its.cancels + 1U, rules_.cancels_most));
        return;
    case Send::modify:
        its.modify = ChangeState::sending;
        its.modify_attempt = started.attempt;
        its.modify_ended_at = now;  // where a restart takes its end
        its.modify_reads = 0;
        its.modifications = static_cast<std::uint8_t>(std::min(its.modifications + 1, 0xFF));
        return;
    }
}

void OutsideBook::on(const SendEnded& ended, Time now, Facts& facts) {
    Wire& its = wire(ended.order);
    if (ended.what == Send::place) {
        end_place(ended.order, ended, now, facts);
        return put_away_all();  // a conflict ends others, too
    }
    if (const auto other = its.others.find(ended.broker_order);
        ended.what == Send::cancel && other != its.others.end()) {
        // It is over when its row says so; until then a read decides whether it is asked again.
        if (other->second.cancel != ChangeState::none) {
            other->second = {ended.outcome == SendOutcome::not_started ? ChangeState::wanted : ChangeState::acked, now};
        }
        return;
    }
    end_change(its, ended, now);
}

void OutsideBook::end_change(Wire& its, const SendEnded& ended, Time now) {
    const bool is_cancel = ended.what == Send::cancel;
    ChangeState& change = is_cancel ? its.cancel : its.modify;
    if (change == ChangeState::none || ended.attempt != (is_cancel ? its.cancel_attempt : its.modify_attempt)) {
        return;  // its order's row was faster, and the next one may be on the way
    }
    (is_cancel ? its.cancel_ended_at : its.modify_ended_at) = now;
    switch (ended.outcome) {
    case SendOutcome::acked: change = ChangeState::acked; return;
    case SendOutcome::refused: change = ChangeState::refused; return;
    case SendOutcome::unknown: change = ChangeState::unknown; return;
    case SendOutcome::not_started: change = ChangeState::wanted; return;
    // To cancel twice does no harm; to modify twice may undo a third change.
    case SendOutcome::doubtful:
    case SendOutcome::withheld: change = is_cancel ? ChangeState::wanted : ChangeState::unknown; return;
    }
}

void OutsideBook::end_place(OrderId order, const SendEnded& ended, Time now, Facts& facts) {
    Wire& its = wire(order);
    const auto of_another = of_broker_.find(ended.broker_order);
    if (ended.outcome == SendOutcome::acked && of_another != of_broker_.end() && of_another->second != order) {
        conflict(
            order,
            fmt::format("the broker answers with {}, which is order {}", ended.broker_order, of_another->second.value),
            facts);
    }
    // An answer without a number, or with another order's, tells of none.
    const bool is_acked = ended.outcome == SendOutcome::acked && !ended.broker_order.empty() &&
                          (of_another == of_broker_.end() || of_another->second == order);
    switch (its.state) {
    case WireState::sending: break;
    case WireState::doubtful:
    case WireState::unknown:
    case WireState::stale:
        if (is_acked) {
            its.state = WireState::live;
            learn_of_answer(order, ended.broker_order, facts);
        }
        return;
    case WireState::live:
    case WireState::stray:
        if (is_acked && ended.broker_order != its.broker_order) {
            second(order, ended.broker_order, false, facts);
        }
        return;  // of what is known already the record is enough
    case WireState::ended:
        if (is_acked && its.broker_order.empty()) {  // the broker has what was over here
            conflict(order, fmt::format("it is alive at the broker as {}", ended.broker_order), facts);
            revive(order, facts);
            learn_of_answer(order, ended.broker_order, facts);
        } else if (is_acked && ended.broker_order != its.broker_order) {
            second(order, ended.broker_order, false, facts);
        }
        return;
    case WireState::held: return;
    }
    its.ended_at = now;
    switch (ended.outcome) {
    case SendOutcome::acked:
        if (is_acked) {
            its.state = WireState::live;
            return learn_of_answer(order, ended.broker_order, facts);
        }
        [[fallthrough]];
    case SendOutcome::unknown:
        its.state = WireState::unknown;
        its.clean_reads = 0;
        facts.push_back({.kind = Kind::outcome_unknown, .order = order});
        return;
    case SendOutcome::refused: return close(order, WireEnd::refused, Kind::rejected, ended.text, facts);
    case SendOutcome::doubtful:
        its.state = WireState::doubtful;
        its.clean_reads = 0;
        return;
    case SendOutcome::not_started:
        if (its.cancel == ChangeState::none && its.attempts < rules_.places_most && is_up_ && !is_latched_) {
            its.state = WireState::held;
            return;
        }
        return close(order, WireEnd::not_sent, Kind::cancelled,
                     is_latched_ || its.must_go           ? "not sent: killed"
                     : its.cancel != ChangeState::none    ? "not sent: cancelled first"
                     : its.attempts >= rules_.places_most ? "not sent: the broker cannot be reached"
                                                          : "not sent: session down",
                     facts);
    case SendOutcome::withheld:
        return close(order, WireEnd::not_sent, Kind::cancelled,
                     is_latched_ || its.must_go ? "not sent: killed" : "not sent: expired", facts);
    }
}

// ---- rows of the book ---------------------------------------------------------------------------------------------------

/// Whether an order of the broker's that bears no tag may be it.
bool OutsideBook::may_be_a_stranger(const Wire& its) const {
    return std::ranges::any_of(
        strangers_, [&](const auto& each) { return each.second.row.order_tag.empty() && fits(its, each.second.row); });
}

/// Type and prices are left out: a protected market order comes back as a limit at a price that nobody sent.
bool OutsideBook::fits(const Wire& its, const BrokerOrderSeen& row) const {
    const bool is_quantity = row.quantity == its.confirmed || row.quantity == its.asked;
    return row.instrument == its.instrument && row.side == its.side && row.product == its.product && is_quantity &&
           row.placed_at.ns >= its.sent_at.ns - rules_.clock_off.ns;
}

std::optional<OrderId> OutsideBook::order_of(std::string_view broker_order, std::string_view order_tag) const {
    if (const auto known = of_broker_.find(broker_order); known != of_broker_.end()) {
        return known->second;
    }
    if (const auto tag = parse_order_tag(order_tag); tag && tag->log == log_ && find(tag->order) != nullptr) {
        return tag->order;
    }
    return std::nullopt;
}

std::optional<OrderId> OutsideBook::order_of(const BrokerOrderSeen& row) const {
    if (const auto known = order_of(row.broker_order, row.order_tag)) {
        return known;
    }
    // A person knows it, where the broker lost the tag.
    for (const auto& [order, its] : wires_) {
        if (row.order_tag.empty() && its.told_id == row.broker_order && its.is_nobody_sure() && fits(its, row)) {
            return order;
        }
    }
    return std::nullopt;
}

void OutsideBook::on(const BrokerOrderSeen& row, Facts& facts) {
    ++changes_;
    const std::optional<OrderId> order = order_of(row);
    if (!order) {
        const bool is_new = strangers_.insert_or_assign(row.broker_order, Stranger{row}).second;
        const auto tag = parse_order_tag(row.order_tag);
        if (is_new && tag && tag->log == log_) {
            facts.push_back({.kind = Kind::differs,
                             .order = tag->order,
                             .text = "the broker has an order of this journal's that it does not know: the journal is "
                                     "older than the book"});
        }
        for (auto& [told, its] : wires_) {
            if (!its.told_id.empty() && its.told_id == row.broker_order) {
                its.told_id.clear();
                facts.push_back(
                    {.kind = Kind::differs,
                     .order = told,
                     .text = fmt::format("{}, which it was said to be, is another order", row.broker_order)});
            }
        }
        return;
    }
    see(*order, row, facts);
    put_away_all();
}

void OutsideBook::see(OrderId order, const BrokerOrderSeen& row, Facts& facts) {
    Wire& its = wire(order);
    if (!its.broker_order.empty() && its.broker_order != row.broker_order) {
        return second(order, row.broker_order, is_terminal(row.status), facts);
    }
    switch (its.state) {
    case WireState::held:
        // Nothing of it was sent from here, and the broker has it.
        conflict(order, fmt::format("the broker has it as {} before it was sent", row.broker_order), facts);
        break;
    case WireState::ended: break;
    case WireState::sending:
    case WireState::doubtful:
    case WireState::unknown:
    case WireState::stale: return adopt(order, row, facts);
    case WireState::live:
    case WireState::stray: return judge(order, row, facts);
    }
    if (its.broker_order.empty()) {
        if (!its.is_conflict) {
            conflict(order, fmt::format("it is alive at the broker as {}", row.broker_order), facts);
        }
        revive(order, facts);
        learn(order, row.broker_order, facts);
    } else {
        const bool is_alive = !is_terminal(row.status) && its.end != WireEnd::filled && row.quantity > its.booked;
        const bool has_grown = row.status == RowStatus::open && row.filled < row.quantity && row.quantity > its.total();
        const bool is_short = row.filled > its.booked;
        if (!is_alive && !has_grown && !is_short) {
            return;
        }
        differ(order,
               is_short ? fmt::format("the broker filled {} of it, {} are booked", to_string(row.filled),
                                      to_string(its.booked))
                        : std::string("it is over here and open at the broker"),
               true, facts);
        revive(order, facts);
    }
    judge(order, row, facts);
}

/// What was over here is alive: reserved again, and to go.
void OutsideBook::revive(OrderId order, Facts& facts) {
    facts.push_back({.kind = Kind::revived, .order = order});
    Wire& its = wire(order);
    its.must_go = true;
    its.state = WireState::stray;
    its.end = WireEnd::none;
    its.is_ending = false;
    its.short_reads = 0;
    its.cancel = ChangeState::wanted;
    its.cancels = 0;
}

/// The broker has what nobody was sure of.
void OutsideBook::adopt(OrderId order, const BrokerOrderSeen& row, Facts& facts) {
    Wire& its = wire(order);
    const bool is_ours = fits(its, row);
    its.state = WireState::live;
    its.told_id.clear();
    learn(order, row.broker_order, facts);
    if (!is_ours) {
        conflict(order, "the broker has other terms under its tag", facts);
    }
    judge(order, row, facts);  // it may be over already, and will not be told again
}

void OutsideBook::learn(OrderId order, const std::string& broker_order, Facts& facts) {
    Wire& its = wire(order);
    if (const auto other = of_broker_.find(broker_order); other != of_broker_.end() && other->second != order) {
        // A person took it for another's.
        conflict(other->second, fmt::format("{} is order {} of here", broker_order, order.value), facts);
    }
    its.broker_order = broker_order;
    of_broker_.insert_or_assign(broker_order, order);
    strangers_.erase(broker_order);
    facts.push_back({.kind = Kind::accepted, .order = order, .text = broker_order});
    take_trades(order, broker_order, facts);
}

/// Its row may have been told before, as one without a tag, and is then not told again.
void OutsideBook::learn_of_answer(OrderId order, const std::string& broker_order, Facts& facts) {
    const auto row = strangers_.extract(broker_order);
    learn(order, broker_order, facts);
    row ? judge(order, row.mapped().row, facts) : finish(order, facts);
}

/// What was told of a broker's order before it was known whose it is.
void OutsideBook::take_trades(OrderId order, const std::string& broker_order, Facts& facts) {
    const auto take = [&](std::map<TradeKey, BrokerTradeSeen>& from, Kind kind) {
        for (auto at = from.begin(); at != from.end();) {
            if (at->second.broker_order != broker_order) {
                ++at;
                continue;
            }
            const BrokerTradeSeen trade = at->second;
            at = from.erase(at);
            book(order, trade, kind, facts);
        }
    };
    take(parked_, Kind::filled);
    take(outside_, Kind::moved);
}

/// One more order that bears the tag: both are to go.
void OutsideBook::second(OrderId order, const std::string& broker_order, bool is_over, Facts& facts) {
    Wire& its = wire(order);
    if (const auto known = its.others.find(broker_order); known != its.others.end()) {
        known->second.cancel = is_over ? ChangeState::none : known->second.cancel;
        return;
    }
    const auto row = strangers_.extract(broker_order);
    is_over = is_over || (row && is_terminal(row.mapped().row.status));
    its.others.emplace(broker_order, OtherOrder{is_over ? ChangeState::none : ChangeState::wanted, {}});
    of_broker_.insert_or_assign(broker_order, order);
    conflict(order, fmt::format("the broker has it twice, as {} and {}", its.broker_order, broker_order), facts);
    take_trades(order, broker_order, facts);
}

/// What a row says of an order whose id is known.
void OutsideBook::judge(OrderId order, const BrokerOrderSeen& row, Facts& facts) {
    Wire& its = wire(order);
    const bool is_same_order = row.instrument == its.instrument && row.side == its.side && row.product == its.product;
    if (!is_same_order && !its.is_conflict) {
        conflict(order, "the broker has something else under its number", facts);
    }
    its.broker_filled = std::max(its.broker_filled, row.filled);
    its.is_pending = row.status == RowStatus::pending;
    if (its.is_pending) {
        its.announced = row.quantity;  // it may come to that
        return finish(order, facts);
    }
    its.announced = {};
    const bool has_other_quantity = row.quantity != its.confirmed;
    const bool has_other_price = its.has_row && (row.price != its.price || row.trigger != its.trigger);
    if (has_other_quantity || has_other_price) {
        // A modify is done once the row has the total that it asked for.
        const bool is_sent = its.modify != ChangeState::none && its.modify != ChangeState::wanted;
        if (is_sent && row.quantity == its.asked) {
            its.modify = ChangeState::none;
        } else {
            differ(order, "its terms were changed at the broker", false, facts);
            its.asked = its.modify == ChangeState::none ? row.quantity : its.asked;
        }
        its.confirmed = row.quantity;
        facts.push_back({.kind = Kind::modified,
                         .order = order,
                         .quantity = row.quantity,
                         .price = row.price,
                         .trigger = row.trigger});
    }
    if (its.row == RowStatus::trigger_pending && (row.status == RowStatus::open || row.status == RowStatus::complete)) {
        facts.push_back({.kind = Kind::triggered, .order = order});
    }
    its.has_row = true;
    its.row = row.status;
    its.price = row.price;
    its.trigger = row.trigger;
    its.is_ending = is_terminal(row.status);
    its.row_text = row.text;
    if (its.is_ending) {
        its.cancel = ChangeState::none;
        its.modify = ChangeState::none;
    }
    finish(order, facts);
}

/// A terminal row ends an order only once the trades are there that it speaks of.
void OutsideBook::finish(OrderId order, Facts& facts) {
    Wire& its = wire(order);
    if (its.state != WireState::live && its.state != WireState::stray) {
        return;
    }
    const bool is_settled = its.is_ending && its.booked >= its.broker_filled;
    if (its.booked >= its.total() || (is_settled && its.row == RowStatus::complete)) {
        its.state = WireState::ended;
        its.end = WireEnd::filled;
        its.cancel = ChangeState::none;
        its.modify = ChangeState::none;
        if (its.booked < its.confirmed) {
            facts.push_back({.kind = Kind::cancelled, .order = order, .text = "complete at the broker with less"});
        } else if (its.booked < its.asked) {  // who asked for more still waits for it
            facts.push_back({.kind = Kind::modify_rejected, .order = order, .text = "complete at the broker"});
        }
    } else if (is_settled && its.row == RowStatus::cancelled) {
        close(order, WireEnd::cancelled, Kind::cancelled, its.row_text, facts);
    } else if (is_settled && its.row == RowStatus::rejected) {
        close(order, WireEnd::rejected, Kind::rejected, its.row_text, facts);
    }
}

void OutsideBook::close(OrderId order, WireEnd end, OutsideFactKind kind, std::string text, Facts& facts) {
    Wire& its = wire(order);
    its.state = WireState::ended;
    its.end = end;
    its.cancel = ChangeState::none;
    its.modify = ChangeState::none;
    facts.push_back({.kind = kind, .order = order, .text = std::move(text)});
}

void OutsideBook::conflict(OrderId order, std::string text, Facts& facts) {
    wire(order).is_conflict = true;
    facts.push_back({.kind = Kind::conflict, .order = order, .text = std::move(text)});
    latch(facts);
}

void OutsideBook::differ(OrderId order, std::string text, bool freezes, Facts& facts) {
    if (freezes) {
        frozen_.insert(wire(order).instrument);
    }
    facts.push_back({.kind = Kind::differs, .order = order, .text = std::move(text), .freezes = freezes});
}

// ---- trades -------------------------------------------------------------------------------------------------------------

void OutsideBook::on(const BrokerTradeSeen& trade, Facts& facts) {
    ++changes_;
    const TradeKey key = key_of(trade);
    if (booked_.contains(key) || outside_.contains(key) || parked_.contains(key)) {
        return;
    }
    if (const auto known = of_broker_.find(trade.broker_order); known != of_broker_.end()) {
        book(known->second, trade, Kind::filled, facts);
        finish(known->second, facts);
        put_away(known->second);
    } else {
        parked_.emplace(key, trade);  // its row may be on the way
    }
}

void OutsideBook::book(OrderId order, const BrokerTradeSeen& trade, OutsideFactKind kind, Facts& facts) {
    booked_.emplace(key_of(trade), trade.day);
    Wire& its = wire(order);
    if (trade.broker_order == its.broker_order) {  // a second order's fills end nothing of the first
        its.booked += trade.quantity;
    }
    facts.push_back({.kind = kind, .order = order, .trade = trade});
}

void OutsideBook::put_outside(const BrokerTradeSeen& trade, Facts& facts) {
    bool is_traded_here = false;
    for_all([&](const auto& each) { is_traded_here = is_traded_here || each.second.instrument == trade.instrument; });
    if (is_traded_here) {
        frozen_.insert(trade.instrument);
    }
    outside_.emplace(key_of(trade), trade);
    facts.push_back({.kind = Kind::outside_filled, .trade = trade, .freezes = is_traded_here});
}

// ---- complete reads -----------------------------------------------------------------------------------------------------

void OutsideBook::on(const BookRead& read, Time now, Facts& facts) {
    for (auto at = parked_.begin(); at != parked_.end();) {
        const bool is_nobodys = strangers_.contains(at->second.broker_order) || read.day > at->second.day;
        const BrokerTradeSeen trade = at->second;
        at = is_nobodys ? parked_.erase(at) : std::next(at);
        if (is_nobodys) {
            put_outside(trade, facts);
        }
    }
    ++changes_;
    for (const auto& each : wires_) {
        read_one(each.first, read, now, facts);
    }
    put_away_all();
    for (auto& [order, its] : ended_) {
        its.has_final_read = its.has_final_read || (read.is_final && read.day == its.day);
    }
}

std::vector<OrderId> OutsideBook::forget(const BookRead& read) {
    constexpr std::int32_t kWeek = 7;
    std::vector<OrderId> forgotten;
    if (pruned_on_ == Date{}) {
        pruned_on_ = read.day;
    }
    if (read.day <= pruned_on_ || (!read.is_final && read.day.days < pruned_on_.days + kWeek)) {
        return forgotten;
    }
    pruned_on_ = read.day;
    const auto is_past = [&](Date day) { return day < read.day; };
    std::erase_if(ended_, [&](const auto& each) {
        if (is_past(each.second.day)) {
            forgotten.push_back(each.first);
        }
        return is_past(each.second.day);
    });
    std::erase_if(of_broker_, [&](const auto& each) { return find(each.second) == nullptr; });
    std::erase_if(booked_, [&](const auto& each) { return is_past(each.second); });
    std::erase_if(outside_, [&](const auto& each) { return is_past(each.second.day); });
    std::erase_if(strangers_, [&](const auto& each) { return each.second.is_old; });
    for (auto& [broker_order, stranger] : strangers_) {
        stranger.is_old = true;
    }
    return forgotten;
}

void OutsideBook::read_one(OrderId order, const BookRead& read, Time now, Facts& facts) {
    Wire& its = wire(order);
    // A book of before it was sent, or of a day before, says nothing of it.
    if (its.state == WireState::held || read.day < its.day || read.begun_at < its.sent_at) {
        return;
    }
    const bool is_own_day = read.day == its.day;
    for (auto& [id, other] : its.others) {
        const bool was_seen = read.begun_at.ns >= other.ended_at.ns + rules_.seen_after.ns;
        if (!is_own_day) {
            other.cancel = ChangeState::none;  // orders last a day
        } else if (other.cancel == ChangeState::acked && was_seen) {
            other.cancel = ChangeState::wanted;
        }
    }
    its.has_final_read = its.has_final_read || (read.is_final && is_own_day);
    const auto begun_after = [&read](Time from, Duration later) { return read.begun_at.ns >= from.ns + later.ns; };
    switch (its.state) {
    case WireState::held:
    case WireState::sending:
    case WireState::ended: return;
    case WireState::doubtful:
        if (!is_own_day || may_be_a_stranger(its)) {  // a later day's book says nothing of it
            its.state = WireState::stale;
            facts.push_back({.kind = Kind::outcome_stale, .order = order});
        } else if (begun_after(its.ended_at, rules_.seen_after) && ++its.clean_reads >= rules_.reads) {
            close(order, WireEnd::doubted, Kind::rejected, "the broker did not take it", facts);
        }
        return;
    case WireState::unknown:
    case WireState::stale: {
        constexpr Duration kSoon{kSecondNs};
        if (its.state == WireState::unknown && begun_after(its.sent_at, kSoon)) {
            its.clean_reads = static_cast<std::uint8_t>(std::min<unsigned>(its.clean_reads + 1U, rules_.reads_to_ask));
            if (its.clean_reads >= rules_.reads_to_ask && now.ns - its.sent_at.ns >= rules_.ask_after.ns) {
                its.state = WireState::stale;
                facts.push_back({.kind = Kind::outcome_stale, .order = order});
            }
        }
        const bool is_disputed = its.is_conflict && its.broker_order.empty();
        if (read.is_final && read.positions_agree && is_own_day && !is_disputed && !may_be_a_stranger(its)) {
            close(order, WireEnd::by_evidence, Kind::cancelled, "closed by evidence", facts);
        }
        return;
    }
    case WireState::live:
    case WireState::stray: break;
    }
    if (!is_own_day) {
        if (its.has_final_read && its.booked >= its.broker_filled) {
            return close(order, WireEnd::expired, Kind::expired, {}, facts);
        }
        its.cancel = ChangeState::none;
        its.modify = ChangeState::none;
        if (!std::exchange(its.is_missing, true)) {
            differ(order, "its day is over, and what became of it was not seen", true, facts);
        }
        return;
    }
    if (its.is_ending && its.booked < its.broker_filled) {
        constexpr std::uint8_t kShortReads = 3;
        its.short_reads = static_cast<std::uint8_t>(std::min<unsigned>(its.short_reads + 1U, kShortReads));
        if (its.short_reads == kShortReads && !std::exchange(its.is_missing, true)) {
            differ(order,
                   fmt::format("the broker filled {} of it, {} are booked", to_string(its.broker_filled),
                               to_string(its.booked)),
                   true, facts);
        }
        return;
    }
    if (!its.is_ending) {
        read_changes(order, read, facts);
    }
    finish(order, facts);
}

/// What a read that shows an order as it was says of its cancel and its modify.
void OutsideBook::read_changes(OrderId order, const BookRead& read, Facts& facts) {
    Wire& its = wire(order);
    const auto begun_after = [&](Time from) { return read.begun_at.ns >= from.ns + rules_.seen_after.ns; };
    const bool must_go = is_latched_ || its.must_go || its.is_conflict;
    const auto is_later = [&](Time ended_at) { return read.begun_at >= ended_at; };
    const bool is_refused = its.cancel == ChangeState::refused && is_later(its.cancel_ended_at);
    const bool is_unseen = (its.cancel == ChangeState::unknown && is_later(its.cancel_ended_at)) ||
                           (its.cancel == ChangeState::acked && begun_after(its.cancel_ended_at));
    if (is_refused || is_unseen) {
        const bool tries_again = must_go || (is_unseen && its.cancels < rules_.cancels_most);
        its.cancel = tries_again ? ChangeState::wanted : ChangeState::none;
        if (!tries_again) {
            facts.push_back({.kind = Kind::cancel_rejected, .order = order, .text = "the broker keeps it open"});
        }
    }
    if ((its.modify == ChangeState::refused && is_later(its.modify_ended_at)) ||
        ((its.modify == ChangeState::acked || its.modify == ChangeState::unknown) && !its.is_pending &&
         begun_after(its.modify_ended_at))) {
        const std::uint8_t need = its.modify == ChangeState::refused ? std::uint8_t{1} : rules_.reads;
        if (++its.modify_reads >= need) {
            its.modify = ChangeState::none;
            its.asked = its.confirmed;
            facts.push_back({.kind = Kind::modify_rejected, .order = order, .text = "the broker keeps its terms"});
        }
    }
}

// ---- sessions and people ------------------------------------------------------------------------------------------------

void OutsideBook::note_live(OrderId order, Time now) {
    wire(order).live_since = now;
    put_away(order);
}

void OutsideBook::on(SessionChange change, Facts& facts) {
    ++changes_;
    is_up_ = change == SessionChange::up;
    if (is_up_ || change == SessionChange::reconciling) {
        return;
    }
    const bool is_restart = change == SessionChange::restarted;
    for (auto& [order, its] : wires_) {
        if (its.state == WireState::held) {
            close(order, WireEnd::not_sent, Kind::cancelled,
                  is_restart ? "not sent: restarted" : "not sent: session down", facts);
        }
        if (its.modify == ChangeState::wanted) {  // the market that it was decided on is gone
            its.modify = ChangeState::none;
            its.asked = its.confirmed;
            facts.push_back({.kind = Kind::modify_rejected, .order = order, .text = "not sent"});
            finish(order, facts);  // it may have waited for that alone
        }
        if (!is_restart) {
            continue;
        }
        if (its.state == WireState::sending) {
            its.state = WireState::unknown;
            its.clean_reads = 0;
            facts.push_back({.kind = Kind::outcome_unknown, .order = order});
        }
        its.cancel = its.cancel == ChangeState::sending ? ChangeState::unknown : its.cancel;
        its.modify = its.modify == ChangeState::sending ? ChangeState::unknown : its.modify;
        for (auto& [id, other] : its.others) {
            other.cancel = other.cancel == ChangeState::none ? ChangeState::none : ChangeState::wanted;
        }
    }
    put_away_all();
}

bool OutsideBook::on(const OrderResolved& resolved, Facts& facts) {
    const bool is_done = resolve(resolved, facts);
    put_away_all();
    return is_done;
}

bool OutsideBook::resolve(const OrderResolved& resolved, Facts& facts) {
    if (find(resolved.order) == nullptr) {
        return false;
    }
    Wire& its = wire(resolved.order);
    const bool is_asked_about =
        its.state == WireState::doubtful || its.state == WireState::unknown || its.state == WireState::stale;
    switch (resolved.how) {
    case Resolution::closed:
        if ((its.state != WireState::live && its.state != WireState::stray) || (!its.is_missing && !its.is_ending)) {
            return false;
        }
        differ(resolved.order, fmt::format("accepted as it is by {}", resolved.by), false, facts);
        close(resolved.order, WireEnd::closed, Kind::cancelled, fmt::format("closed by {}", resolved.by), facts);
        return true;
    case Resolution::not_placed:
        if (!is_asked_about) {
            return false;
        }
        close(resolved.order, WireEnd::resolved, Kind::cancelled,
              fmt::format("resolved as not placed by {}", resolved.by), facts);
        return true;
    case Resolution::placed: break;
    }
    const auto is_told = [&](const auto& each) { return each.second.told_id == resolved.broker_order; };
    const auto is_of_it = [&](const auto& each) { return each.second.broker_order == resolved.broker_order; };
    if (!is_asked_about || resolved.broker_order.empty() || of_broker_.contains(resolved.broker_order) ||
        std::ranges::any_of(wires_, is_told) || std::ranges::any_of(outside_, is_of_it)) {
        return false;
    }
    const auto stranger = strangers_.find(resolved.broker_order);
    if (stranger == strangers_.end()) {
        its.told_id = resolved.broker_order;  // until its row comes
        return true;
    }
    const BrokerOrderSeen row = stranger->second.row;
    if (!row.order_tag.empty() || !fits(its, row)) {
        return false;
    }
    adopt(resolved.order, row, facts);
    return true;
}

// ---- what may be sent ---------------------------------------------------------------------------------------------------

std::vector<SendWish> OutsideBook::wishes() const {
    std::vector<SendWish> cancels;
    std::vector<SendWish> modifies;
    std::vector<SendWish> places;
    for (const auto& [order, its] : wires_) {
        const bool is_alive = its.state == WireState::live || its.state == WireState::stray;
        if (is_alive && its.cancel == ChangeState::wanted && !its.is_ending) {
            cancels.push_back({order, Send::cancel, its.broker_order});
        }
        for (const auto& [id, other] : its.others) {
            if (other.cancel == ChangeState::wanted) {
                cancels.push_back({order, Send::cancel, id});
            }
        }
        if (!is_up_ || is_latched_) {
            continue;
        }
        if (its.state == WireState::live && its.modify == ChangeState::wanted && its.cancel == ChangeState::none) {
            modifies.push_back({order, Send::modify, its.broker_order});
        }
        if (its.state == WireState::held) {
            places.push_back({order, Send::place, {}});
        }
    }
    cancels.insert(cancels.end(), modifies.begin(), modifies.end());
    cancels.insert(cancels.end(), places.begin(), places.end());
    return cancels;
}

}  // namespace alpha
