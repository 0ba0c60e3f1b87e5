#include "runtime/compare.hpp"

#include "events/codec.hpp"
#include "store/background_log.hpp"

#include <algorithm>
#include <cstring>

namespace alpha {

namespace {

/// How many bytes the event at the front takes.
Result<std::size_t> length_at(Bytes bytes, Seq seq) {
    return decode_header(bytes, seq).map([](const EncodedHeader& header) { return header.total_bytes(); });
}

/// A log as one run of bytes, and the event at the front of it.
class EventStream {
public:
    EventStream(const LogReader& log, Seq from) : frames_(log, from), seq_(from) {}

    /// What is left of the frame at hand, or all of the next one; empty at the end.
    Result<Bytes> front() {
        while (rest_.empty()) {
            const Frame* frame = frames_.next();
            if (frame == nullptr) {
                return frames_.outcome().map([] { return Bytes{}; });
            }
            rest_ = frame->bytes.view();
            end_ = frame->next_seq();
            for (Seq seq = frame->first_seq; seq < seq_ && !rest_.empty(); ++seq) {
                const Result<std::size_t> bytes = length_at(rest_, seq);
                if (!bytes) {
                    return tl::make_unexpected(bytes.error());
                }
                rest_ = rest_.subspan(*bytes);
            }
        }
        return rest_;
    }
    Seq seq() const { return seq_; }
    /// The event behind the last one of the frame at hand.
    Seq end() const { return end_; }
    void advance(std::size_t bytes, Seq to) {
        rest_ = rest_.subspan(bytes);
        seq_ = to;
    }

private:
    ReadAhead frames_;
    Bytes rest_;
    Seq seq_;
    Seq end_ = 0;
};

/// The first event that differs in two runs of bytes that begin with the same event and are known to differ.
Result<Seq> first_event_unlike(Bytes a, Bytes b, Seq seq) {
    for (;; ++seq) {
        const Result<std::size_t> of_a = length_at(a, seq);
        const Result<std::size_t> of_b = length_at(b, seq);
        if (!of_a || !of_b) {
            return tl::make_unexpected(of_a ? of_b.error() : of_a.error());
        }
        if (*of_a != *of_b || std::memcmp(a.data(), b.data(), *of_a) != 0) {
            return seq;
        }
        a = a.subspan(*of_a);
        b = b.subspan(*of_b);
    }
}

}  // namespace

Result<std::optional<Seq>> first_difference(const LogReader& a, const LogReader& b, Seq from) {
    const Seq common = std::min(a.next_seq(), b.next_seq());
    EventStream left(a, from);
    EventStream right(b, from);
    while (left.seq() < common) {
        const Result<Bytes> of_a = left.front();
        const Result<Bytes> of_b = right.front();
        if (!of_a || !of_b) {
            return tl::make_unexpected(of_a ? of_b.error() : of_a.error());
        }
        const std::size_t bytes = std::min(of_a->size(), of_b->size());
        if (std::memcmp(of_a->data(), of_b->data(), bytes) != 0) {
            return first_event_unlike(*of_a, *of_b, left.seq()).map([](Seq seq) { return std::optional(seq); });
        }
        // Equal bytes are equal events, so the shorter run ends between two events of the longer one.
        const Seq to = of_a->size() < of_b->size() ? left.end() : right.end();
        left.advance(bytes, to);
        right.advance(bytes, to);
    }
    if (a.next_seq() == b.next_seq()) {
        return std::optional<Seq>{};
    }
    return std::optional(std::max(common, from));
}

namespace {

/// Whether two events are the same but for where their causes stand, which alignments have moved.
Result<bool> is_same_beside(Bytes a, Bytes b, const std::vector<Alignment>& alignments, Alignment at) {
    const Result<EncodedHeader> of_a = decode_header(a, at.a);
    const Result<EncodedHeader> of_b = decode_header(b, at.b);
    if (!of_a || !of_b) {
        return tl::make_unexpected(of_a ? of_b.error() : of_a.error());
    }
    const auto moved = [&](Seq link) {
        for (auto alignment = alignments.rbegin(); alignment != alignments.rend(); ++alignment) {
            if (link >= alignment->a) {
                return link - alignment->a + alignment->b;
            }
        }
        return link;
    };
    if (of_a->tag != of_b->tag || of_a->version != of_b->version || of_a->has_links != of_b->has_links ||
        of_a->envelope.time != of_b->envelope.time || of_a->total_bytes() != of_b->total_bytes() ||
        (of_a->has_links && (moved(of_a->envelope.correlation) != of_b->envelope.correlation ||
                             moved(of_a->envelope.causation) != of_b->envelope.causation))) {
        return false;
    }
    return std::memcmp(a.data() + of_a->header_bytes, b.data() + of_b->header_bytes, of_a->payload_bytes) == 0;
}

}  // namespace

Result<std::optional<Alignment>> first_difference(const LogReader& a, const LogReader& b,
                                                  const std::vector<Alignment>& alignments) {
    ALPHA_ASSERT(!alignments.empty(), "two logs are compared from somewhere on");
    Alignment at = alignments.back();
    EventStream left(a, at.a);
    EventStream right(b, at.b);
    for (; at.a < a.next_seq() && at.b < b.next_seq(); ++at.a, ++at.b) {
        const Result<Bytes> of_a = left.front();
        const Result<Bytes> of_b = right.front();
        if (!of_a || !of_b) {
            return tl::make_unexpected(of_a ? of_b.error() : of_a.error());
        }
        const Result<bool> same = is_same_beside(*of_a, *of_b, alignments, at);
        const Result<std::size_t> bytes_a = length_at(*of_a, at.a);
        const Result<std::size_t> bytes_b = length_at(*of_b, at.b);
        if (!same || !bytes_a || !bytes_b) {
            return tl::make_unexpected(!same ? same.error() : !bytes_a ? bytes_a.error() : bytes_b.error());
        }
        if (!*same) {
            return std::optional(at);
        }
        left.advance(*bytes_a, at.a + 1);
        right.advance(*bytes_b, at.b + 1);
    }
    return at.a < a.next_seq() || at.b < b.next_seq() ? std::optional(at) : std::nullopt;
}

}  // namespace alpha
