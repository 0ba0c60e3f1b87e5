#pragma once
/// Virtual time, and numbers that are the same on every machine.

#include "events/time.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace alpha::test {

/// splitmix64.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t x = state_ += 0x9E37'79B9'7F4A'7C15U;
        x = (x ^ (x >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
        x = (x ^ (x >> 27U)) * 0x94D0'49BB'1331'11EBU;
        return x ^ (x >> 31U);
    }
    /// From 0 to n - 1.
    std::uint64_t below(std::uint64_t n) { return next() % n; }
    std::int64_t between(std::int64_t least, std::int64_t most) {
        return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least + 1)));
    }
    bool one_in(std::uint64_t n) { return below(n) == 0; }
    Duration ms(std::int64_t least, std::int64_t most) { return Duration{between(least, most) * 1'000'000}; }
    std::uint64_t state() const { return state_; }

private:
    std::uint64_t state_;
};

/// What is to happen, in the order of its time and then of its being asked for.
class Timeline {
public:
    using Task = std::function<void()>;

    Time now() const { return now_; }
    void at(Time when, Task task) { tasks_.emplace(std::pair{std::max(when, now_), ++number_}, std::move(task)); }
    void after(Duration wait, Task task) { at(now_ + wait, std::move(task)); }
    Time next() const { return tasks_.empty() ? kNever : tasks_.begin()->first.first; }
    /// Lets time come to `when`, up to which nothing else is to happen.
    void come_to(Time when) { now_ = std::max(now_, when); }
    /// Runs what is to happen next.
    void run_next() {
        auto next = tasks_.extract(tasks_.begin());
        now_ = std::max(now_, next.key().first);
        next.mapped()();
    }

private:
    Time now_ = kBeforeAll;
    std::uint64_t number_ = 0;
    std::map<std::pair<Time, std::uint64_t>, Task> tasks_;
};

}  // namespace alpha::test
