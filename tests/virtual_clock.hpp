#pragma once
/// Time that passes when nobody has anything to do: a day of a live session takes as long as its work. Once every thread that takes
/// part waits, it is the earliest moment that one of them waits for. What they do at that moment they do at once, so no test sleeps,
/// and none depends on how fast the machine is.
///
/// Whoever blocks in another way, on a pipe or for a thread to end, counts as at work, and time stands still meanwhile.

#include "store/clock.hpp"

#include <algorithm>
#include <list>

namespace alpha::test {

class VirtualClock final : public Clock {
public:
    explicit VirtualClock(Time wall) : begun_at_(wall) {}

    TimePoint now() const override {
        const std::lock_guard lock(mutex_);
        return now_;
    }
    Time wall() const override {
        const std::lock_guard lock(mutex_);
        return Time{begun_at_.ns + std::chrono::nanoseconds(now_ - kBegun).count()};
    }
    /// When the time of day will be that.
    TimePoint at(Time wall) const { return kBegun + std::chrono::nanoseconds(wall.ns - begun_at_.ns); }

    void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, TimePoint until,
                    const std::function<bool()>& done) override {
        while (!done()) {
            std::unique_lock own(mutex_);
            if (now_ >= until) {
                return;
            }
            Waiter waiter{&changed, until, false, {}};
            const auto place = waiters_.insert(waiters_.end(), &waiter);
            --at_work_;
            pass();
            lock.unlock();  // whoever changes something with it held finds the waiter
            waiter.woken.wait(own, [&] { return waiter.is_woken; });
            waiters_.erase(place);
            own.unlock();
            lock.lock();
        }
    }
    void notify_all(std::condition_variable& changed) override {
        const std::lock_guard lock(mutex_);
        for (Waiter* const waiter : waiters_) {
            if (waiter->changed == &changed) {
                wake(*waiter);
            }
        }
    }
    void thread_begins() override {
        const std::lock_guard lock(mutex_);
        ++at_work_;
    }
    void thread_ends() override {
        const std::lock_guard lock(mutex_);
        --at_work_;
        pass();
    }

    /// How often time went on.
    std::uint64_t steps() const {
        const std::lock_guard lock(mutex_);
        return steps_;
    }

private:
    struct Waiter {
        const std::condition_variable* changed;
        TimePoint until;
        bool is_woken;
        std::condition_variable woken;
    };

    void wake(Waiter& waiter) {
        if (!waiter.is_woken) {
            waiter.is_woken = true;
            ++at_work_;
            waiter.woken.notify_one();
        }
    }
    /// With the lock held.
    void pass() {
        if (at_work_ != 0 || waiters_.empty()) {
            return;
        }
        const TimePoint next = (*std::ranges::min_element(waiters_, {}, &Waiter::until))->until;
        if (next == TimePoint::max()) {
            return;  // somebody from outside will have to call
        }
        now_ = std::max(now_, next);
        ++steps_;
        for (Waiter* const waiter : waiters_) {
            if (waiter->until <= now_) {
                wake(*waiter);
            }
        }
    }

    static constexpr TimePoint kBegun{std::chrono::hours(1)};

    mutable std::mutex mutex_;
    std::list<Waiter*> waiters_;
    TimePoint now_ = kBegun;
    Time begun_at_;
    int at_work_ = 0;
    std::uint64_t steps_ = 0;
};

/// The thread that made it takes part, until it is gone.
class TakesPart {
public:
    explicit TakesPart(Clock& clock) : clock_(clock) { clock_.thread_begins(); }
    TakesPart(const TakesPart&) = delete;
    TakesPart& operator=(const TakesPart&) = delete;
    ~TakesPart() { clock_.thread_ends(); }

private:
    Clock& clock_;
};

/// Waits, on a thread that takes part, for nothing but time.
inline void sleep(Clock& clock, Clock::TimePoint until) {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    clock.wait_until(lock, never, until, [] { return false; });
}
inline void sleep(Clock& clock, std::chrono::nanoseconds time) {
    sleep(clock, clock.now() + time);
}
inline void sleep(VirtualClock& clock, Time until) {
    sleep(clock, clock.at(until));
}

}  // namespace alpha::test
