#pragma once
/// Time as it passes on the machine, and waiting for it: one interface for every thread of a live session, so that tests run all of
/// them under virtual time (tests/virtual_clock.hpp). No byte of a log comes from it but through the time that an input is stamped
/// with.
///
/// Real time stays where something outside is timed: other processes (runtime/control.hpp), a library's code
/// (runtime/callback_budget.hpp), a terminal.

#include "events/time.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace alpha {

class Clock {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    virtual ~Clock() = default;
    /// Any thread, as all that follows. Never goes back.
    virtual TimePoint now() const = 0;
    /// UTC: the machine's when this clock was made, and what has passed since, also while the machine was suspended. Never goes back
    /// and never jumps, whatever is done to the machine's clock.
    virtual Time wall() const = 0;

    /// Returns once `done` is true, or at `until`; TimePoint::max() is never. `done` is called with the lock held.
    virtual void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, TimePoint until,
                            const std::function<bool()>& done) = 0;
    /// Wakes who waits there. What they wait for was changed with their mutex held, or it was held in between.
    virtual void notify_all(std::condition_variable& changed) = 0;

    /// A thread that takes part begins and ends: virtual time stands still while one of them is at work. Called by who starts it,
    /// and at its end by itself.
    virtual void thread_begins() {}
    virtual void thread_ends() {}
};

/// The machine's.
Clock& real_clock();

/// A thread that takes part in this clock's time.
template <class Work>
std::jthread start_thread(Clock& clock, Work work) {
    clock.thread_begins();
    return std::jthread([&clock, work = std::move(work)]() mutable {
        work();
        clock.thread_ends();
    });
}

}  // namespace alpha
