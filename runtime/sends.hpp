#pragma once
/// From what a broker's book wishes (kernel/outside.hpp) to messages in its outbox, as fast as the broker takes them. Each is recorded first: its
/// SendStarted is an input like any other, so that a journal says by itself what may be on its way.

#include "adapters/outside/send_rate.hpp"
#include "kernel/kernel.hpp"
#include "runtime/outbox.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace alpha {

/// Of one broker. On the deciding thread; the outbox outlives it.
class Sends {
public:
    /// What left in the last minute, and on the day, is in the state: a restart begins no new second.
    Sends(const State& state, BrokerId broker, Outbox& outbox, SendLimits limits = {});

    /// Begins what is wished and what the rate allows: cancels, then changes, then orders, each in the order in which it was decided. How many;
    /// they leave once the caller has made what was recorded durable and has told the outbox. What falls due before `now` falls due
    /// before; while something is due at `now` itself nothing begins. A place that has not begun, and whose order is to be cancelled, is withdrawn.
    /// O(1) where nothing has changed since it was asked last.
    std::size_t start(Kernel& kernel, Time now);
    /// When something that waits may be begun; kNever: nothing waits for the rate alone.
    Time next_due() const { return next_due_; }
    /// How many orders wait for something to become of them, and how many rest: how often the broker's book is read goes by it. Nothing where that
    /// cannot have changed since it was asked last. O(1) then, else O(orders that are not over).
    struct Expected {
        std::size_t unsure = 0;
        std::size_t working = 0;
    };
    std::optional<Expected> expected(const State& state);
    /// The broker said that there were too many.
    void halve(Time now) { rate_.halve(now); }

private:
    void withdraw(const OutsideBook& book);
    void push(const State& state, const SendWish& wish, const SendStarted& started);

    BrokerId broker_;
    Outbox& outbox_;
    SendRate rate_;
    std::uint64_t seen_ = 0;         ///< OutsideBook::changes when it looked last
    std::uint64_t expected_at_ = 0;  ///< the same, when `expected` did
    Time next_due_ = kNever;
};

}  // namespace alpha
