#include "runtime/sends.hpp"

#include "events/order_tag.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace alpha {

namespace {

SendStarted started_for(const OutsideBook& book, const SendWish& wish) {
    const Wire& wire = *book.find(wish.order);
    const auto one_more = [](unsigned attempts) { return static_cast<std::uint8_t>(std::min(attempts + 1, 0xFFU)); };
    switch (wish.what) {
    case Send::place:
        return {wish.order, wish.what, one_more(wire.attempts), {}, to_string(OrderTag{book.log_number(), wish.order})};
    case Send::cancel: return {wish.order, wish.what, one_more(wire.cancel_attempt), wish.broker_order};
    case Send::modify: return {wish.order, wish.what, one_more(wire.modifications), wish.broker_order};
    }
    return {};
}

}  // namespace

Sends::Sends(const State& state, BrokerId broker, Outbox& outbox, SendLimits limits)
    : broker_(broker),
      outbox_(outbox),
      rate_(limits, state.outside.at(broker).recent_sends, state.outside.at(broker).sends_today,
            state.outside.at(broker).sends_day) {}

std::size_t Sends::start(Kernel& kernel, Time now) {
    const OutsideBook& book = kernel.state().outside.at(broker_).book;
    if (book.changes() == seen_ && now < next_due_) [[likely]] {
        return 0;
    }
    kernel.advance(now, std::numeric_limits<std::uint32_t>::max());
    withdraw(book);
    if (kernel.next_due() <= now) {
        // What falls due at this very moment may end what would begin, and is done once an input has come or the moment is past: of a log that has
        // no input of the moment nobody could tell how much of it was done.
        next_due_ = Time{now.ns + 1};
        return 0;
    }
    next_due_ = kNever;
    std::size_t begun = 0;
    for (const SendWish& wish : book.wishes()) {
        const Wire& wire = *book.find(wish.order);
        const Date day = kernel.state().times[wire.instrument.value].date_of(now);
        if (!rate_.take(wish.what, now, day)) {
            next_due_ = rate_.next(wish.what, now, day);
            break;  // those behind it have less right to go
        }
        const SendStarted started = started_for(book, wish);
        kernel.take(now, started);
        push(kernel.state(), wish, started);
        ++begun;
    }
    seen_ = book.changes();
    return begun;
}

/// Whoever wants an order cancelled, be it a strategy, a latch or a person: while its place has not begun there is nothing to cancel.
void Sends::withdraw(const OutsideBook& book) {
    for (const auto& [order, wire] : book.wires()) {
        if (wire.state == WireState::sending && wire.cancel == ChangeState::wanted) {
            outbox_.withdraw(order);
        }
    }
}

std::optional<Sends::Expected> Sends::expected(const State& state) {
    const OutsideBook& book = state.outside.at(broker_).book;
    if (std::exchange(expected_at_, book.changes()) == book.changes()) [[likely]] {
        return std::nullopt;
    }
    Expected expected;
    for (const auto& [id, wire] : book.wires()) {
        const bool waits = wire.is_nobody_sure() || wire.is_ending || wire.cancel != ChangeState::none ||
                           wire.modify != ChangeState::none;
        expected.unsure += waits ? 1U : 0U;
        expected.working += !waits && wire.is_reserved() ? 1U : 0U;
    }
    return expected;
}

void Sends::push(const State& state, const SendWish& wish, const SendStarted& started) {
    const OutsideBook& book = state.outside.at(broker_).book;
    const Wire& wire = *book.find(wish.order);
    const Order* const order = state.find_order(wish.order);
    ALPHA_ASSERT(order != nullptr, "what is sent is an order that is known");
    OutsideMessage message;
    message.started = started;
    message.seq = state.next_seq - 1;
    message.tag = started.order_tag;
    message.terms = order->terms;
    if (wish.what == Send::place) {
        message.decided = wire.decided;
        message.age_most = order->terms.type == OrderType::market ? book.rules().market_age : book.rules().order_age;
        message.terms.quantity = wire.confirmed;
    } else if (wish.what == Send::modify) {
        message.terms.quantity = wire.asked;
        message.terms.limit_price = wire.asked_price;
        message.terms.stop_price = wire.asked_trigger;
    }
    outbox_.push(std::move(message));
}

}  // namespace alpha
