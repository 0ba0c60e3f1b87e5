#pragma once
/// Messages to a broker outside, from being decided to their first byte. One leaves once its SendStarted is durable, cancels before all others,
/// and a place only while nobody holds places back and nobody wants its order cancelled.
///
/// Volatile on purpose: a crash loses nothing, since a SendStarted without its SendEnded is what a restart looks for. Nobody waits: the deciding
/// thread puts messages in, the log's thread says what is durable, the broker's thread takes them out, and the thread that hears of a kill first
/// holds places back before the kernel has heard of it.

#include "events/outside_message.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

namespace alpha {

class Outbox {
public:
    /// `on_ready` is called when there may be something to take; it must not wait, and not call the outbox.
    explicit Outbox(std::function<void()> on_ready = {}) : on_ready_(std::move(on_ready)) {}

    /// The deciding thread. Messages come in the order of their seq.
    void push(OutsideMessage message);
    /// The log's thread: every event before this one is durable.
    void set_durable(Seq before);
    /// The deciding thread: the order is to be cancelled, so its place is not begun any more, unless it was taken out. O(messages that wait).
    void withdraw(OrderId order);
    /// Any thread, and at once: no place begins from here on, whatever was decided.
    void hold_places(bool on) { holds_places_.store(on, std::memory_order_seq_cst); }
    bool holds_places() const { return holds_places_.load(std::memory_order_seq_cst); }
    /// The deciding thread, when a kill was lifted by the event at `seq` and that is durable: what was decided before it is never begun, and places
    /// of after it may.
    void release(Seq seq);

    /// The broker's thread: the next message whose SendStarted is durable, cancels first; none: nothing is ready.
    std::optional<OutsideMessage> take();
    /// The broker's thread, right before the first byte: nothing that may take long lies between this and it.
    Turn turn_of(const OutsideMessage& message, Time now) const;

    std::size_t size() const;

private:
    mutable std::mutex mutex_;
    std::deque<OutsideMessage> cancels_;
    std::deque<OutsideMessage> others_;
    Seq durable_ = 0;
    std::atomic<bool> holds_places_{false};
    std::atomic<Seq> released_at_{0};
    std::function<void()> on_ready_;
};

}  // namespace alpha
