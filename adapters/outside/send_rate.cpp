#include "adapters/outside/send_rate.hpp"

#include <algorithm>

namespace alpha {

namespace {

constexpr Duration kMinute{60 * kSecondNs};

}  // namespace

SendRate::SendRate(SendLimits limits, std::span<const Time> recent, std::uint32_t today, Date day)
    : limits_(limits), sent_(recent.begin(), recent.end()), today_(today), day_(day) {}

/// How many of a limit are there for such a message.
std::uint32_t SendRate::most_of(std::uint32_t limit, Send what, Time now) const {
    const std::uint32_t most = now < halved_until_ ? limit / 2 : limit;
    const std::uint32_t kept = what == Send::cancel ? 0 : limits_.kept_for_cancels;
    return most > kept ? most - kept : 0;
}

Time SendRate::next(Send what, Time now, Date day) const {
    if (what != Send::cancel && day == day_ && today_ >= limits_.in_day) {
        return kNever;
    }
    const auto free_at = [&](std::uint32_t limit, Duration window) {
        const std::uint32_t most = most_of(limit, what, now);
        if (most == 0) {
            return now < halved_until_ ? halved_until_ : kNever;
        }
        // The one that has to be out of the window for one more to have room.
        return sent_.size() < most ? now : std::max(now, Time{sent_[sent_.size() - most].ns + window.ns});
    };
    return std::max(free_at(limits_.in_window, limits_.window), free_at(limits_.in_minute, kMinute));
}

bool SendRate::take(Send what, Time now, Date day) {
    if (day != day_) {
        day_ = day;
        today_ = 0;
    }
    while (!sent_.empty() && sent_.front().ns + kMinute.ns <= now.ns) {
        sent_.pop_front();
    }
    if (next(what, now, day) > now) {
        return false;
    }
    sent_.push_back(now);
    ++today_;
    return true;
}

}  // namespace alpha
