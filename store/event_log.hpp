#pragma once
/// The event log as its users see it: batches of whole steps go in at one end, frames come out in order. Journals
/// (store/journal.hpp) keep it on disk; the memory log has the same head and serves tests and sweeps.

#include "events/codec.hpp"
#include "store/chain.hpp"
#include "store/rows.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace alpha {

/// What is to be found beside a log without being part of it: text by key. Neither the chain nor a digest knows of them.
using Notes = std::map<std::string, std::string>;

/// Raw bytes behind what an event says (store/evidence.hpp).
struct Evidence {
    Seq seq = 0;  ///< of the event
    std::string bytes;
};

/// What is stored at once or not at all: a frame of whole steps, and what derives from the log up to its end.
struct Batch {
    Frame frame;
    Rows rows;                       ///< those that changed
    ByteBuffer snapshot;             ///< taken after the frame; empty: none
    std::uint64_t feed_records = 0;  ///< how many records of its feeds the session has read
    Notes notes;                     ///< each replaces the one of its key
    std::vector<Evidence>
        evidence;  ///< of events of the frame, in their order; several of one have the numbers 0, 1, ...
    std::optional<Date> ended_day;  ///< the events before the frame are a day that is over: a journal may cut it off

    void begin(Seq seq) {
        frame.begin(seq);
        rows.clear();
        snapshot.clear();
        notes.clear();
        evidence.clear();
        ended_day.reset();
    }
};

/// What is known of the state where a log ends. Digests compare only between equal versions.
struct Ending {
    std::uint16_t state_version = 0;
    Digest state_digest{};
    friend bool operator==(const Ending&, const Ending&) = default;
};

/// Returns false to stop. The frame is the visitor's until it returns: it may swap the contents away.
using FrameVisit = std::function<bool(Frame& frame)>;

/// A frame as it is stored (store/frame.hpp): for who decodes on several threads what one of them reads.
struct StoredFrame {
    Seq first_seq = 0;
    ByteBuffer bytes;
};

/// Walks the stored frames of a log in order. One thread at a time; the log outlives it.
class FrameCursor {
public:
    virtual ~FrameCursor() = default;
    /// Goes to the frame that holds `from`.
    virtual void seek(Seq from) = 0;
    /// False at the end. Refuses (kind data) what cannot be read; whether frames are whole and follow one another, FrameCheck says.
    virtual Result<bool> next(StoredFrame& frame) = 0;
};

/// Decodes frames, which must follow one another without a gap from the one that holds `from`, in a log that ends at event `end`.
class FrameCheck {
public:
    /// `log` names the log in errors: "The journal j".
    FrameCheck(std::string log, Seq from, Seq end) : log_(std::move(log)), from_(from), end_(end) {}
    /// Refuses (kind data) a frame that is damaged, or in the wrong place.
    Result<void> take(const StoredFrame& stored, Frame& frame);
    /// Refuses (kind data) where frames before event `to` are missing.
    Result<void> has_come_to(Seq to) const;

private:
    tl::unexpected<Error> wrong(const std::string& what) const;

    std::string log_;
    Seq from_;
    Seq end_;
    Seq next_ = kNoSeq;  // not known before the first frame
};

/// Decodes what the cursor reads and hands it to `visit`, until that returns false or the log's end at `end` has come.
Result<void> scan_frames(FrameCursor& cursor, FrameCheck check, Seq end, const FrameVisit& visit);

class LogReader {
public:
    virtual ~LogReader() = default;

    virtual Seq next_seq() const = 0;
    virtual Digest head() const = 0;
    /// "The journal j", for errors.
    virtual std::string name() const = 0;
    /// Begins with the frame that holds `from`. Reads what it hands out, and no more than a little ahead.
    virtual std::unique_ptr<FrameCursor> frames(Seq from) const = 0;

    /// Calls `visit` with each stored frame in order, beginning with the one that holds `from`. A frame may begin before
    /// `from`.
    ///
    /// What comes from disk is checked as it is read (kind data): checksums, and that frames follow one another without a
    /// gap up to next_seq(). Hashes are not: verify_journal (store/verify.hpp) computes them.
    Result<void> scan(Seq from, const FrameVisit& visit) const;
};

class LogWriter {
public:
    virtual ~LogWriter() = default;

    /// Stores the batch, and leaves it begun at next_seq() for the next one, with the memory of this one or of another.
    /// Requires batch.frame.first_seq == next_seq(). Refuses (kind internal) a frame that is too large and anything after
    /// finish(); what the disk refuses is of kind data, and nothing can be appended after it. A batch without events
    /// stores nothing.
    virtual Result<void> append(Batch& batch) = 0;

    /// Returns once what was appended would survive a power cut. A log that is whole or gone (memory, or a journal being
    /// built under a temporary name) has nothing to do before finish().
    virtual Result<void> commit() = 0;

    /// Commits and marks the end as clean. A journal created under a temporary name takes its own.
    virtual Result<void> finish(const std::optional<Ending>& ending) = 0;

    virtual Seq next_seq() const = 0;
    /// The head after all that was appended.
    virtual Digest head() const = 0;
    /// What was appended so far, from the frame that holds `from` on, through what it is written with. Any thread, while others append;
    /// each its own.
    virtual std::unique_ptr<FrameCursor> frames(Seq from) const = 0;
};

class MemoryLog : public LogReader, public LogWriter {
public:
    Seq next_seq() const override = 0;
    Digest head() const override = 0;
    std::unique_ptr<FrameCursor> frames(Seq from) const override = 0;
};
std::unique_ptr<MemoryLog> make_memory_log();

/// What every log asks of a frame before it takes it.
Result<void> check_appendable(const Frame& frame, Seq next_seq, bool finished);

/// Calls `visit(envelope, event)` for every event of the frame from `from` on, with the event's own type: quotes, which are
/// nearly all of a log, are decoded where they lie (about 10 ns). `visit` returns false to stop, and then so does this.
/// Refuses (kind data) an event that cannot be decoded.
template <class Visit>
Result<bool> visit_events(const Frame& frame, Seq from, Visit&& visit);

/// Calls `visit` with every decoded event from `from` on, in order, until it returns false.
Result<void> for_each_event(const LogReader& log, Seq from,
                            const std::function<bool(const Envelope&, const Event&)>& visit);

/// Reads single events, wherever they stand, with one cursor. The log outlives it.
class EventReader {
public:
    explicit EventReader(const LogReader& log) : log_(log) {}
    /// Refuses (kind usage) a number that the log does not have. O(one frame), and less within the frame of the one read before.
    Result<DecodedEvent> read(Seq seq);

private:
    const LogReader& log_;
    std::unique_ptr<FrameCursor> cursor_;
    StoredFrame stored_;
    Frame frame_;
};

/// Reads one event, as EventReader does.
Result<DecodedEvent> read_event(const LogReader& log, Seq seq);

// ---- implementation ----------------------------------------------------------------------------------------------------

template <class Visit>
Result<bool> visit_events(const Frame& frame, Seq from, Visit&& visit) {
    Bytes rest = frame.bytes.view();
    for (Seq seq = frame.first_seq; seq < frame.next_seq(); ++seq) {
        if (seq < from) {
            const Result<EncodedHeader> header = decode_header(rest, seq);
            if (!header) {
                return tl::make_unexpected(header.error());
            }
            rest = rest.subspan(header->total_bytes());
            continue;
        }
        Envelope envelope;
        QuoteTick quote;
        if (const std::size_t bytes = decode_tick(rest, seq, envelope, quote); bytes != 0) [[likely]] {
            if (!visit(std::as_const(envelope), std::as_const(quote))) {
                return false;
            }
            rest = rest.subspan(bytes);
            continue;
        }
        TradeTick trade;
        if (const std::size_t bytes = decode_tick(rest, seq, envelope, trade); bytes != 0) {
            if (!visit(std::as_const(envelope), std::as_const(trade))) {
                return false;
            }
            rest = rest.subspan(bytes);
            continue;
        }
        const Result<DecodedEvent> decoded = decode(rest, seq);
        if (!decoded) {
            return tl::make_unexpected(decoded.error());
        }
        const bool go_on =
            std::visit([&](const auto& event) -> bool { return visit(decoded->envelope, event); }, decoded->event);
        if (!go_on) {
            return false;
        }
        rest = rest.subspan(decoded->bytes);
    }
    if (!rest.empty()) {
        return fail(ErrorKind::data,
                    "The frame at event " + std::to_string(frame.first_seq) + " has bytes past its last event.");
    }
    return true;
}

}  // namespace alpha
