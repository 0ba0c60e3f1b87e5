#include "store/event_log.hpp"

#include "store/frame.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <mutex>

namespace alpha {

namespace {

class MemoryLogImpl final : public MemoryLog {
public:
    Result<void> append(Batch& batch) override {
        if (Result<void> ok = check_appendable(batch.frame, next_seq(), finished_); !ok) {
            return ok;
        }
        const Frame& frame = batch.frame;
        hasher_.append(frame);
        if (frame.events != 0) {
            stored_.clear();
            encode_frame(frame, stored_);
            const std::lock_guard lock(mutex_);
            frames_.push_back({frame.first_seq, ByteBuffer(stored_.size())});
            frames_.back().bytes.append(stored_.view());
        }
        batch.begin(next_seq());
        return {};
    }
    Result<void> commit() override { return {}; }
    Result<void> finish(const std::optional<Ending>&) override {
        finished_ = true;
        return {};
    }
    Seq next_seq() const override { return hasher_.next_seq(); }
    Digest head() const override { return hasher_.head(); }

    std::string name() const override { return "The log"; }

    std::unique_ptr<FrameCursor> frames(Seq from) const override { return std::make_unique<Cursor>(*this, from); }

private:
    class Cursor final : public FrameCursor {
    public:
        Cursor(const MemoryLogImpl& log, Seq from) : log_(log) { seek(from); }
        void seek(Seq from) override {
            const std::lock_guard lock(log_.mutex_);
            const auto behind = std::ranges::upper_bound(log_.frames_, from, {}, &StoredFrame::first_seq);
            at_ = static_cast<std::size_t>(behind - log_.frames_.begin());
            at_ -= at_ == 0 ? 0 : 1;
        }
        Result<bool> next(StoredFrame& frame) override {
            const std::lock_guard lock(log_.mutex_);
            if (at_ == log_.frames_.size()) {
                return false;
            }
            const StoredFrame& stored = log_.frames_[at_];
            frame.first_seq = stored.first_seq;
            frame.bytes.clear();
            frame.bytes.append(stored.bytes.view());
            ++at_;
            return true;
        }

    private:
        const MemoryLogImpl& log_;
        std::size_t at_ = 0;
    };

    mutable std::mutex mutex_;
    ChainHasher hasher_;
    std::deque<StoredFrame> frames_;
    ByteBuffer stored_;
    bool finished_ = false;
};

}  // namespace

Result<void> check_appendable(const Frame& frame, Seq next_seq, bool finished) {
    ALPHA_ASSERT(frame.first_seq == next_seq, "a frame begins where the log ends");
    if (finished) {
        return fail(ErrorKind::internal, "An event was appended to a log that is finished.");
    }
    if (frame.bytes.size() > kMaxFrameBytes) {
        return fail(ErrorKind::internal, "A step of " + std::to_string(frame.bytes.size()) +
                                             " bytes is too large for one frame of the log.");
    }
    return {};
}

tl::unexpected<Error> FrameCheck::wrong(const std::string& what) const {
    return fail(ErrorKind::data, log_ + " " + what + ".", ErrorCode::lost_events);
}

Result<void> FrameCheck::take(const StoredFrame& stored, Frame& frame) {
    const Seq seq = stored.first_seq;
    if (next_ != kNoSeq && seq != next_) {
        return wrong("lacks events: after " + std::to_string(next_ - 1) + " comes " + std::to_string(seq));
    }
    if (seq >= end_) {
        return wrong("has events past its recorded end at " + std::to_string(end_));
    }
    if (Result<void> ok = decode_frame(stored.bytes.view(), seq, frame); !ok) {
        return fail(ErrorKind::data, log_ + " is damaged: " + ok.error().message, ErrorCode::damaged);
    }
    if (next_ == kNoSeq && (seq > from_ || frame.next_seq() <= from_)) {
        return wrong("lacks events: the frame of event " + std::to_string(from_) + " is missing");
    }
    next_ = frame.next_seq();
    if (frame.events == 0 || next_ > end_) {
        return wrong("has events past its recorded end at " + std::to_string(end_));
    }
    return {};
}

Result<void> FrameCheck::has_come_to(Seq to) const {
    if (from_ >= to || (next_ != kNoSeq && next_ >= to)) {
        return {};
    }
    return wrong(next_ == kNoSeq
                     ? "lacks events: event " + std::to_string(from_) + " is missing"
                     : "lacks events: it ends at " + std::to_string(next_) + " instead of " + std::to_string(end_));
}

Result<void> scan_frames(FrameCursor& cursor, FrameCheck check, Seq end, const FrameVisit& visit) {
    StoredFrame stored;
    Frame frame;
    for (;;) {
        const Result<bool> read = cursor.next(stored);
        if (!read) {
            return tl::make_unexpected(read.error());
        }
        if (!*read) {
            return check.has_come_to(end);
        }
        if (Result<void> ok = check.take(stored, frame); !ok) {
            return ok;
        }
        if (!visit(frame)) {
            return {};
        }
    }
}

Result<void> LogReader::scan(Seq from, const FrameVisit& visit) const {
    return from >= next_seq() ? Result<void>{}
                              : scan_frames(*frames(from), FrameCheck(name(), from, next_seq()), next_seq(), visit);
}

std::unique_ptr<MemoryLog> make_memory_log() {
    return std::make_unique<MemoryLogImpl>();
}

Result<void> for_each_event(const LogReader& log, Seq from,
                            const std::function<bool(const Envelope&, const Event&)>& visit) {
    Result<void> outcome;
    const Result<void> scanned = log.scan(from, [&](const Frame& frame) {
        const Result<bool> visited = visit_events(
            frame, from, [&](const Envelope& envelope, const auto& event) { return visit(envelope, Event(event)); });
        if (!visited) {
            outcome = tl::make_unexpected(visited.error());
        }
        return visited && *visited;
    });
    return scanned ? outcome : scanned;
}

Result<DecodedEvent> EventReader::read(Seq seq) {
    if (seq >= log_.next_seq()) {
        return fail(ErrorKind::usage,
                    "There is no event " + std::to_string(seq) + ": the log holds " + std::to_string(log_.next_seq()) +
                        ", numbered from 0.",
                    ErrorCode::not_found);
    }
    if (seq < frame_.first_seq || seq >= frame_.next_seq()) {
        if (cursor_ == nullptr) {
            cursor_ = log_.frames(seq);
        } else {
            cursor_->seek(seq);
        }
        frame_.begin(0);
        FrameCheck check(log_.name(), seq, log_.next_seq());
        const Result<bool> read = cursor_->next(stored_);
        Result<void> ok = !read   ? tl::make_unexpected(read.error())
                          : *read ? check.take(stored_, frame_)
                                  : Result<void>{};
        ok = ok ? check.has_come_to(seq + 1) : ok;
        if (!ok) {
            frame_.begin(0);
            return tl::make_unexpected(ok.error());
        }
    }
    std::optional<DecodedEvent> found;
    const Result<bool> visited = visit_events(frame_, seq, [&](const Envelope& envelope, const auto& event) {
        found = DecodedEvent{envelope, event, 0};
        return false;
    });
    if (!visited) {
        return tl::make_unexpected(visited.error());
    }
    ALPHA_ASSERT(found.has_value(), "the frame that holds an event has it");
    return *std::move(found);
}

Result<DecodedEvent> read_event(const LogReader& log, Seq seq) {
    return EventReader(log).read(seq);
}

}  // namespace alpha
