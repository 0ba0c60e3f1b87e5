#pragma once
/// A log whose hashing, compression and disk work happen on a thread of their own, so that the kernel's thread only hands
/// over full batches; and a reader that decodes ahead of whoever folds what it reads.

#include "store/event_log.hpp"

#include <atomic>
#include <chrono>
#include <memory>

namespace alpha {

struct BackgroundOptions {
    /// Batches that may wait; whoever appends to a full queue waits in turn, so memory stays bounded and nothing is lost.
    std::size_t queue_batches = 8;
    /// How long something written may stay uncommitted: commits gather what arrives in the meantime.
    std::chrono::milliseconds commit_interval{10};
};

/// One thread appends; commit() and durable_seq() may be called by others too. What goes wrong behind the queue is returned by
/// every call from then on.
class BackgroundLog : public LogWriter {
public:
    /// Everything before this event is durable.
    virtual Seq durable_seq() const = 0;
    /// Waits until the queue is empty. O(1) when it is.
    Digest head() const override = 0;
};

/// Takes over `log`. Destroying it without finish() writes what waits, commits it, and leaves the log without a clean end.
std::unique_ptr<BackgroundLog> make_background_log(std::unique_ptr<LogWriter> log,
                                                   const BackgroundOptions& options = {});

/// LogReader::scan with the reading, checking and decompressing of frames on a second thread, a few frames ahead of `visit`,
/// which is called on this one.
Result<void> scan_ahead(const LogReader& log, Seq from, const FrameVisit& visit);

}  // namespace alpha
