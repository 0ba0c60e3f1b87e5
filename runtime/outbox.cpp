#include "runtime/outbox.hpp"

#include "events/assert.hpp"

#include <algorithm>
#include <utility>

namespace alpha {

void Outbox::push(OutsideMessage message) {
    bool is_ready = false;
    {
        const std::scoped_lock lock(mutex_);
        std::deque<OutsideMessage>& queue = message.started.what == Send::cancel ? cancels_ : others_;
        ALPHA_ASSERT(queue.empty() || queue.back().seq < message.seq, "messages come in the order of the log");
        is_ready = message.seq < durable_;
        queue.push_back(std::move(message));
    }
    if (is_ready && on_ready_) {
        on_ready_();
    }
}

void Outbox::set_durable(Seq before) {
    bool is_ready = false;
    {
        const std::scoped_lock lock(mutex_);
        durable_ = std::max(durable_, before);
        const auto has_one = [this](const std::deque<OutsideMessage>& queue) {
            return !queue.empty() && queue.front().seq < durable_;
        };
        is_ready = has_one(cancels_) || has_one(others_);
    }
    if (is_ready && on_ready_) {
        on_ready_();
    }
}

void Outbox::withdraw(OrderId order) {
    const std::scoped_lock lock(mutex_);
    for (OutsideMessage& message : others_) {
        message.is_withdrawn =
            message.is_withdrawn || (message.started.order == order && message.started.what == Send::place);
    }
}

void Outbox::release(Seq seq) {
    released_at_.store(seq, std::memory_order_seq_cst);
    hold_places(false);
}

std::optional<OutsideMessage> Outbox::take() {
    const std::scoped_lock lock(mutex_);
    for (std::deque<OutsideMessage>* const queue : {&cancels_, &others_}) {
        if (!queue->empty() && queue->front().seq < durable_) {
            OutsideMessage message = std::move(queue->front());
            queue->pop_front();
            return message;
        }
    }
    return std::nullopt;
}

Turn Outbox::turn_of(const OutsideMessage& message, Time now) const {
    if (message.started.what != Send::place) {
        return Turn::begin;
    }
    if (message.is_withdrawn) {
        return Turn::withhold_cancelled;
    }
    // In this order: whoever lifts the hold has said before what stays withheld.
    if (holds_places_.load(std::memory_order_seq_cst) || message.seq < released_at_.load(std::memory_order_seq_cst)) {
        return Turn::withhold_killed;
    }
    const bool is_old = message.age_most.ns != 0 && now.ns - message.decided.ns > message.age_most.ns;
    return is_old ? Turn::withhold_old : Turn::begin;
}

std::size_t Outbox::size() const {
    const std::scoped_lock lock(mutex_);
    return cancels_.size() + others_.size();
}

}  // namespace alpha
