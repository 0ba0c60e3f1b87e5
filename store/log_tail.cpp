#include "store/log_tail.hpp"

#include "events/assert.hpp"
#include "store/frame.hpp"

#include <algorithm>
#include <utility>

namespace alpha {

LogTail::LogTail(std::function<std::unique_ptr<FrameCursor>(Seq from)> stored, Seq durable, Clock& clock,
                 std::size_t bytes_max)
    : stored_at_(std::move(stored)), clock_(clock), bytes_max_(bytes_max), durable_(durable) {}

std::unique_ptr<LogTail::Follower> LogTail::follow(Seq from) {
    auto follower = std::make_unique<Follower>(*this, from);
    const std::lock_guard lock(mutex_);
    followers_.push_back(follower->reading_);
    return follower;
}

void LogTail::leave(const Follower& follower) {
    const std::lock_guard lock(mutex_);
    std::erase(followers_, follower.reading_);
}

bool LogTail::has_ended() const {
    const std::lock_guard lock(mutex_);
    return has_ended_;
}

std::size_t LogTail::kept_bytes() const {
    const std::lock_guard lock(mutex_);
    return kept_bytes_;
}

SharedFrame LogTail::copy_for_followers(const Frame& frame) {
    {
        const std::lock_guard lock(mutex_);
        if (followers_.empty()) {
            kept_.clear();
            kept_bytes_ = 0;
            return nullptr;
        }
    }
    auto copy =
        std::make_shared<Frame>(Frame{frame.first_seq, frame.events, ByteBuffer(frame.bytes.size()), frame.leaf_cuts});
    copy->bytes.append(frame.bytes.view());
    return copy;
}

void LogTail::keep(SharedFrame frame) {
    const std::lock_guard lock(mutex_);
    kept_bytes_ += frame->bytes.size();
    kept_.push_back(std::move(frame));
    for (; kept_bytes_ > bytes_max_ && kept_.size() > 1; kept_.pop_front()) {
        kept_bytes_ -= kept_.front()->bytes.size();
    }
}

void LogTail::advance(Seq durable) {
    const std::lock_guard lock(mutex_);
    durable_ = std::max(durable_, durable);
    clock_.notify_all(changed_);
}

void LogTail::close_stored() {
    std::vector<std::shared_ptr<Follower::Reading>> followers;
    {
        const std::lock_guard lock(mutex_);
        is_closed_ = true;  // from here on nobody opens a cursor
        followers = followers_;
    }
    for (const std::shared_ptr<Follower::Reading>& each : followers) {
        const std::lock_guard lock(each->mutex);
        each->cursor.reset();
    }
}

void LogTail::end() {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    clock_.notify_all(changed_);
}

SharedFrame LogTail::kept_with(Seq seq) const {
    const auto behind = std::ranges::upper_bound(kept_, seq, {}, [](const auto& frame) { return frame->first_seq; });
    return behind == kept_.begin() ? nullptr : *std::prev(behind);
}

Result<SharedFrame> LogTail::Follower::next(Clock::TimePoint until) {
    Seq durable = 0;
    {
        std::unique_lock lock(tail_.mutex_);
        tail_.clock_.wait_until(lock, tail_.changed_, until,
                                [&] { return next_ < tail_.durable_ || tail_.has_ended_; });
        if (next_ >= tail_.durable_) {
            return SharedFrame();
        }
        durable = tail_.durable_;
        if (SharedFrame kept = tail_.kept_with(next_)) {
            next_ = kept->next_seq();
            return kept;
        }
    }
    return read_back(durable);
}

Result<SharedFrame> LogTail::Follower::read_back(Seq durable) {
    const std::lock_guard reading(reading_->mutex);
    {
        const std::lock_guard lock(tail_.mutex_);
        if (tail_.is_closed_) {
            return fail(ErrorKind::transient,
                        "The log was closed before it was followed to its end: go on from event " +
                            std::to_string(next_) + " when it is opened again.");
        }
    }
    Result<SharedFrame> read = SharedFrame();
    // A cursor sees what was stored when it was opened. One that has come to its end, or that a day was cut away under, is opened anew.
    std::unique_ptr<FrameCursor>& cursor = reading_->cursor;
    for (const bool is_new : {cursor == nullptr || reading_->at != next_, true}) {
        if (is_new) {
            cursor = tail_.stored_at_(next_);
        }
        auto frame = std::make_shared<Frame>();
        const Result<bool> there = cursor->next(stored_);
        if (there && *there) {
            FrameCheck check("The log", next_, durable);
            const Result<void> taken = check.take(stored_, *frame);
            if (taken) {
                next_ = reading_->at = frame->next_seq();
                return SharedFrame(std::move(frame));
            }
            read = tl::make_unexpected(taken.error());
        } else {
            read = there
                       ? fail(ErrorKind::data, "The log lacks event " + std::to_string(next_) + ", which was durable.",
                              ErrorCode::lost_events)
                       : tl::make_unexpected(there.error());
        }
        if (is_new) {
            break;
        }
    }
    cursor.reset();
    return read;
}

}  // namespace alpha
