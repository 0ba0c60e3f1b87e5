#pragma once
/// Events to bytes and back. The canonical bytes of an event, all little-endian, are what the log hashes:
///
///   u32 payload length | u16 wire tag | u8 version | u8 flags (bit 0: has correlation and causation) | i64 time, ns
///   [ u64 correlation | u64 causation ]                                                   only with bit 0
///   payload: the fields in order; Price, Qty, Time, Duration i64; Money, Decimal i128; ids u32 or u64; enums u8;
///            strings and lists a u32 count, then their bytes or elements
///
/// The sequence number is not stored: it is the event's place in the log. docs/event_log.md has a worked example.

#include "events/bytes.hpp"
#include "events/event.hpp"
#include "events/limits.hpp"
#include "events/result.hpp"

#include <vector>

namespace alpha {

inline constexpr std::size_t kHeaderBytes = 16;
inline constexpr std::size_t kLinkBytes = 16;

/// Appends the event. About 10 ns for a quote.
template <class E>
void encode(ByteBuffer& out, const Envelope& envelope, const E& event);
void encode(ByteBuffer& out, const Envelope& envelope, const Event& event);

/// Appends a bar as data sets hold it: at its label, in the bytes of version 1, which lack what the set says once for all.
void encode_stored_bar(ByteBuffer& out, Time label, const BarClosed& bar);

/// The fixed part of an encoded event.
struct EncodedHeader {
    std::uint32_t payload_bytes = 0;
    std::uint16_t tag = 0;
    std::uint8_t version = 0;
    bool has_links = false;
    Envelope envelope;
    std::size_t header_bytes = kHeaderBytes;  ///< with links, if any
    std::size_t total_bytes() const { return header_bytes + payload_bytes; }
};

/// Reads the header at the front of `bytes`; `seq` becomes the envelope's. Refuses what is cut short or out of bounds.
Result<EncodedHeader> decode_header(Bytes bytes, Seq seq);

/// Decodes the payload of a given type at its current version. False when a length is wrong, bytes are left over or missing,
/// or an enum or boolean has a value it cannot have: re-encoding what was read gives the same bytes, unless a newer
/// program wrote more into a struct of it than this one knows.
template <class E>
bool decode_payload(Bytes payload, E& event);

/// What encode_stored_bar appends.
inline constexpr std::size_t kStoredBarBytes = kHeaderBytes + 4 + 5 * sizeof(std::int64_t);
inline constexpr std::uint8_t kStoredBarVersion = 1;

struct DecodedEvent {
    Envelope envelope;
    Event event;
    std::size_t bytes = 0;  ///< how many were read
};

/// Reads one event from the front of `bytes`. Older versions are upcast to the current shape; a newer version or an unknown
/// tag is refused (kind data).
Result<DecodedEvent> decode(Bytes bytes, Seq seq);

/// Reads the quote, or the trade, at the front of `bytes` and returns how many bytes it takes; 0 when anything else is there, or
/// nothing whole. A few ns, against 25 for decode(): what reads a log goes through these first.
std::size_t decode_tick(Bytes bytes, Seq seq, Envelope& envelope, QuoteTick& quote);
std::size_t decode_tick(Bytes bytes, Seq seq, Envelope& envelope, TradeTick& trade);

/// Events per leaf of the hash chain. ON DISK, DO NOT CHANGE.
inline constexpr std::uint32_t kLeafEvents = 4'096;

/// Many consecutive events, as the kernel wrote them and the log stores them: always whole steps.
struct Frame {
    Seq first_seq = 0;
    std::uint32_t events = 0;
    ByteBuffer bytes{128U << 10U};
    /// Offsets in `bytes` at which an event with seq % kLeafEvents == 0 begins (seq 0 excepted): where hash leaves end.
    std::vector<std::size_t> leaf_cuts;

    Seq next_seq() const { return first_seq + events; }
    /// Before event `seq` is appended.
    void note_leaf(Seq seq) {
        if (seq % kLeafEvents == 0 && seq != 0) [[unlikely]] {
            leaf_cuts.push_back(bytes.size());
        }
    }
    void begin(Seq seq) {
        first_seq = seq;
        events = 0;
        bytes.clear();
        leaf_cuts.clear();
    }
};

/// Appends an event to the frame. Requires envelope.seq == frame.next_seq().
template <class E>
void append(Frame& frame, const Envelope& envelope, const E& event) {
    frame.note_leaf(envelope.seq);
    encode(frame.bytes, envelope, event);
    ++frame.events;
}

}  // namespace alpha
