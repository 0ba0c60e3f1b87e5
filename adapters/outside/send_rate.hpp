#pragma once
/// How many messages about orders may leave in which time. Kite counts per account and calendar second of its own clock, which may be a quarter
/// of a second off and see what left evenly in lumps: so the window here is longer than a second. What is over the limit is not sent late by
/// itself: whoever asks comes again at `next`.

#include "events/outside.hpp"

#include <cstdint>
#include <deque>
#include <span>

namespace alpha {

struct SendLimits {
    std::uint32_t in_window = 10;
    Duration window{1'250'000'000};
    std::uint32_t kept_for_cancels = 2;  ///< of the window's, and of the minute's
    std::uint32_t in_minute = 380;
    std::uint32_t in_day = 4'900;  ///< of orders and changes; a cancel is never held back by it
};

class SendRate {
public:
    /// `recent`: when messages left in the minute before, in order; `today`: how many did on `day`. So a restart begins no new second.
    explicit SendRate(SendLimits limits, std::span<const Time> recent = {}, std::uint32_t today = 0, Date day = {});

    /// Whether one may leave now, and counts it where it may. Times do not go back. O(messages that grow older than a minute).
    bool take(Send what, Time now, Date day);
    /// When one may leave, if none else does before; kNever: not on this day.
    Time next(Send what, Time now, Date day) const;
    /// The broker said that there were too many: half of everything for a minute.
    void halve(Time now) { halved_until_ = Time{now.ns + 60 * kSecondNs}; }
    std::uint32_t today() const { return today_; }

private:
    std::uint32_t most_of(std::uint32_t limit, Send what, Time now) const;

    SendLimits limits_;
    std::deque<Time> sent_;  ///< of the last minute
    std::uint32_t today_ = 0;
    Date day_;
    Time halved_until_ = kBeforeAll;
};

}  // namespace alpha
