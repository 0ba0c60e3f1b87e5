#pragma once
/// A log whose hashing, compression and disk work happen on a thread of their own, so that the kernel's thread only hands
/// over full batches; and a reader that decodes ahead of whoever folds what it reads.

#include "store/clock.hpp"
#include "store/event_log.hpp"
#include "store/log_tail.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

namespace alpha {

struct BackgroundOptions {
    /// Batches that may wait; whoever appends to a full queue waits in turn, so memory stays bounded and nothing is lost.
    std::size_t queue_batches = 8;
    /// How long something written may stay uncommitted, besides the few ms until the thread looks for it: commits gather what
    /// arrives in the meantime.
    std::chrono::milliseconds commit_interval{10};
    Clock* clock = &real_clock();  ///< outlives the log
    /// Memory for frames that followers have not taken yet; there is one more frame than that.
    std::size_t tail_bytes_max = std::size_t{8} << 20U;
};

/// A batch comes back from append() with the memory of an earlier one, and of an earlier snapshot.
/// One thread appends; commit() and durable_seq() may be called by others too. What goes wrong behind the queue is returned by
/// every call from then on.
class BackgroundLog : public LogWriter {
public:
    /// Everything before this event is durable.
    virtual Seq durable_seq() const = 0;
    /// Asks that everything appended so far be made durable soon, and does not wait: what comes until then shares the same sync.
    /// `on_durable` is called once, on the log's thread or this one: with nothing, or with why it could not be made so. It must not
    /// wait, and not call this log.
    virtual void ask_commit(std::function<void(const Result<void>&)> on_durable) = 0;
    /// What went wrong behind the queue, if anything did.
    virtual Result<void> health() const = 0;
    /// Waits until the queue is empty. O(1) when it is.
    Digest head() const override = 0;
    /// For those who follow what becomes durable, any thread. Followers are gone before the log is.
    virtual LogTail& tail() = 0;
};

/// Takes over `log`. Destroying it without finish() writes what waits, commits it, and leaves the log without a clean end.
std::unique_ptr<BackgroundLog> make_background_log(std::unique_ptr<LogWriter> log,
                                                   const BackgroundOptions& options = {});

/// The frames of a log, read, checked and decompressed on a thread of their own, a few ahead of who takes them.
class ReadAhead {
public:
    /// Begins with the frame that holds `from`. The log outlives this.
    ReadAhead(const LogReader& log, Seq from);
    ReadAhead(const ReadAhead&) = delete;
    ReadAhead& operator=(const ReadAhead&) = delete;
    ~ReadAhead();

    /// The next frame, the caller's until it asks for another; null at the end, or where reading failed.
    Frame* next();
    /// Why next() returned null.
    Result<void> outcome() const;

private:
    struct Work;
    std::unique_ptr<Work> work_;
};

/// LogReader::scan with a ReadAhead; `visit` is called on this thread.
Result<void> scan_ahead(const LogReader& log, Seq from, const FrameVisit& visit);

}  // namespace alpha
