#include "store/event_log.hpp"

#include "store/frame.hpp"

#include <algorithm>

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
            frames_.push_back({frame.first_seq, {stored_.view().begin(), stored_.view().end()}});
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

    Result<void> scan(Seq from, const FrameVisit& visit) const override {
        if (from >= next_seq()) {
            return {};
        }
        auto at = std::upper_bound(frames_.begin(), frames_.end(), from,
                                   [](Seq seq, const Stored& stored) { return seq < stored.first_seq; });
        Frame frame;
        for (--at; at != frames_.end(); ++at) {
            if (Result<void> ok = decode_frame(at->bytes, at->first_seq, frame); !ok) {
                return ok;
            }
            if (!visit(frame)) {
                break;
            }
        }
        return {};
    }

private:
    struct Stored {
        Seq first_seq;
        std::vector<std::uint8_t> bytes;
    };

    ChainHasher hasher_;
    std::vector<Stored> frames_;
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

Result<DecodedEvent> read_event(const LogReader& log, Seq seq) {
    if (seq >= log.next_seq()) {
        return fail(ErrorKind::usage, "There is no event " + std::to_string(seq) + ": the log holds " +
                                          std::to_string(log.next_seq()) + ", numbered from 0.");
    }
    std::optional<DecodedEvent> found;
    const Result<void> read = for_each_event(log, seq, [&](const Envelope& envelope, const Event& event) {
        found = DecodedEvent{envelope, event, 0};
        return false;
    });
    if (!read) {
        return tl::make_unexpected(read.error());
    }
    ALPHA_ASSERT(found.has_value(), "a scan visits the event it begins at");
    return *found;
}

}  // namespace alpha
