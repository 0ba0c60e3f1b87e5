#pragma once
/// The durable end of a log that is being written, for those within the process who follow it: each on a thread of its own, at its
/// own pace, from any event on. Frames come in order, none twice and none left out, once they are durable and not before.
///
/// A frame is copied once, on the log's thread, and shared by all. What they may still want is kept up to `bytes_max`; who falls behind that reads back what is stored, through the writer's own database. So a slow follower costs nobody
/// anything: not the thread that decides, which knows of none of this, and not the other followers. Without followers nothing is kept.
///
/// Made by make_background_log (store/background_log.hpp), whose thread fills it.

#include "events/codec.hpp"
#include "store/clock.hpp"
#include "store/event_log.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace alpha {

using SharedFrame = std::shared_ptr<const Frame>;

class LogTail {
public:
    /// `stored` opens a cursor over what was appended; any thread may call it, and use its own cursor while the log is written to.
    LogTail(std::function<std::unique_ptr<FrameCursor>(Seq from)> stored, Seq durable, Clock& clock,
            std::size_t bytes_max);
    LogTail(const LogTail&) = delete;
    LogTail& operator=(const LogTail&) = delete;

    /// One follower's place. One thread at a time; the tail outlives it.
    class Follower {
    public:
        Follower(LogTail& tail, Seq from) : tail_(tail), next_(from) {}
        Follower(const Follower&) = delete;
        Follower& operator=(const Follower&) = delete;
        ~Follower() { tail_.leave(*this); }

        /// The next durable frame, waited for until then; the first one may begin before the event that was asked for. Null: there is
        /// none yet, or, once the log has ended, none any more. Refuses what it cannot read back (kind data), and (kind transient) where
        /// the log was closed before it had come so far: whoever opens it next may go on from next_seq().
        Result<SharedFrame> next(Clock::TimePoint until);
        /// Everything before this event was handed out.
        Seq next_seq() const { return next_; }

    private:
        friend LogTail;
        Result<SharedFrame> read_back(Seq durable);

        LogTail& tail_;
        Seq next_;
        /// Of one that is behind. The tail takes the cursor away when the log is closed.
        struct Reading {
            std::mutex mutex;  // taken before the tail's
            std::unique_ptr<FrameCursor> cursor;
            Seq at = 0;  ///< the event it has come to
        };
        std::shared_ptr<Reading> reading_ = std::make_shared<Reading>();
        StoredFrame stored_;
    };
    /// Any thread. `from` may lie behind the end: then it waits for that event.
    std::unique_ptr<Follower> follow(Seq from);

    /// Whether the log has ended: what is durable is all there will be.
    bool has_ended() const;
    /// Memory that frames are kept in for followers.
    std::size_t kept_bytes() const;

    // The log's thread.

    /// For keep(), before the frame is stored and its memory used again; null where nobody follows.
    SharedFrame copy_for_followers(const Frame& frame);
    /// The frame was stored, behind the last one that was kept.
    void keep(SharedFrame frame);
    /// Everything before this event is durable.
    void advance(Seq durable);
    /// What is stored can be read back no more; returns once nobody is reading.
    void close_stored();
    /// Nothing more will be durable.
    void end();

private:
    void leave(const Follower& follower);
    /// The frame that holds this event, if it is kept.
    SharedFrame kept_with(Seq seq) const;

    const std::function<std::unique_ptr<FrameCursor>(Seq from)> stored_at_;
    Clock& clock_;
    const std::size_t bytes_max_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::shared_ptr<Follower::Reading>> followers_;
    std::deque<SharedFrame> kept_;  // without a gap, up to the last one that was stored
    std::size_t kept_bytes_ = 0;
    Seq durable_;
    bool is_closed_ = false;
    bool has_ended_ = false;
};

}  // namespace alpha
