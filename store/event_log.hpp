#pragma once
/// The event log: frames of whole steps, appended in order, hash-chained. A journal is a RocksDB
/// directory; the memory log has the same head and serves tests and sweeps.
///
/// In a journal, column family "log" maps the first event's number (8 bytes, big-endian) to the
/// stored frame (store/frame.hpp), and the default family holds what is said of the log, written in
/// the same batch as the frame:
///
///   "format"  "alpha journal 1"
///   "head"    u64 next_seq | chain after the last full leaf | head
///   "end"     "clean", once finished
///
/// ON DISK, DO NOT CHANGE.

#include "events/codec.hpp"
#include "store/chain.hpp"

#include <functional>
#include <memory>
#include <string>

namespace alpha {

class EventLog {
public:
    virtual ~EventLog() = default;

    /// Stores the frame. Requires frame.first_seq == next_seq(). The frame may be reused once this
    /// returns. Refuses (kind internal) a frame that is too large and any frame after finish();
    /// what the disk refuses is of kind data, and nothing can be appended after it.
    virtual Result<void> append(const Frame& frame) = 0;
    virtual Seq next_seq() const = 0;
    virtual Digest head() const = 0;

    /// Calls `visit` with each stored frame in order, beginning with the one that holds `from`. A
    /// frame may begin before `from`. `visit` returns false to stop. The frame lasts until the next
    /// call.
    ///
    /// A journal is checked as it is read (kind data): checksums, and that frames follow one
    /// another without a gap up to next_seq(). A scan from 0 that is not stopped also hashes what
    /// it reads, and ends in an error when that is not head().
    virtual Result<void> scan(Seq from, const std::function<bool(const Frame&)>& visit) const = 0;

    /// Makes everything durable and marks the end as clean. A journal created under a temporary
    /// name takes its own.
    virtual Result<void> finish() = 0;
};

std::unique_ptr<EventLog> make_memory_log();

/// Begins a journal at `path`, built beside it under a temporary name until finish(); without
/// finish() nothing is left behind. Refuses (kind usage) when `path` exists; parent folders are
/// made.
Result<std::unique_ptr<EventLog>> create_journal(const std::string& path);

/// Opens an existing journal for reading, and writes nothing to it. Refuses (kind usage) a path
/// where nothing is, and (kind data) what is no journal of this version or lacks its first or last
/// frame. head() is what was recorded; scan checks it.
Result<std::unique_ptr<EventLog>> open_journal(const std::string& path);

/// Calls `visit` with every decoded event from `from` on, in order, until it returns false.
Result<void> for_each_event(const EventLog& log, Seq from,
                            const std::function<bool(const Envelope&, const Event&)>& visit);

}  // namespace alpha
