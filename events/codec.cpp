#include "events/codec.hpp"

#include "events/archive.hpp"

#include <fmt/format.h>

namespace alpha {

namespace {

constexpr std::uint8_t kFlagLinks = 1;

enum class Read : std::uint8_t { whole, damaged, newer };

/// Reads a payload as `version` laid it out, whole or not at all.
template <class E>
Read read_payload(Bytes payload, std::uint8_t version, E& event) {
    bool bare = false;
    if constexpr (requires { E::bare_version; }) {
        bare = version <= E::bare_version;
    }
    InCursor ar(payload, version, bare);
    event.serialize(ar);
    if constexpr (requires { event.came_from(version); }) {
        event.came_from(version);
    }
    return ar.is_newer() ? Read::newer : ar.ok() && ar.left() == 0 ? Read::whole : Read::damaged;
}

// Bars that nothing caused, which are all of them, come as often as quotes: written at one go, as serialize() lays them out.
template <class... Fields>
[[gnu::always_inline]] inline void put_root(ByteBuffer& out, std::uint16_t tag, std::uint8_t version, Time time,
                                            const Fields&... fields) {
    constexpr std::uint32_t kPayload = (Layout<Fields>::size + ... + 0);
    OutCursor ar(out);
    ar(kPayload, tag, version, std::uint8_t{0}, time, fields...);
}
void put_bar(ByteBuffer& out, Time time, const BarOpened& e) {
    put_root(out, BarOpened::tag, BarOpened::version, time, e.instrument, e.open, e.label, e.interval);
}
void put_bar(ByteBuffer& out, Time time, const BarClosed& e) {
    put_root(out, BarClosed::tag, BarClosed::version, time, e.instrument, e.open, e.high, e.low, e.close, e.volume,
             e.label, e.interval);
}

}  // namespace

template <class E>
void encode(ByteBuffer& out, const Envelope& envelope, const E& event) {
    const bool links = !envelope.is_root();
    if constexpr (std::is_same_v<E, BarOpened> || std::is_same_v<E, BarClosed>) {
        if (!links) [[likely]] {
            put_bar(out, envelope.time, event);
            return;
        }
    }
    const std::size_t start = out.size();
    OutCursor ar(out);
    ar(std::uint32_t{0}, E::tag, E::version, links ? kFlagLinks : std::uint8_t{0}, envelope.time);
    if (links) {
        ar(envelope.correlation, envelope.causation);
    }
    const std::size_t payload = out.size();
    // cereal's protocol has one serialize for both directions; writing leaves the event as it is.
    const_cast<E&>(event).serialize(ar);
    ALPHA_ASSERT(out.size() - payload <= limits::kMaxEventBytes, "an event is too large for the log");
    const auto length = static_cast<std::uint32_t>(out.size() - payload);
    std::memcpy(out.data() + start, &length, sizeof length);
}

void encode_stored_bar(ByteBuffer& out, Time label, const BarClosed& bar) {
    OutCursor ar(out);
    ar(static_cast<std::uint32_t>(kStoredBarBytes - kHeaderBytes), BarClosed::tag, kStoredBarVersion, std::uint8_t{0},
       label, bar.instrument, bar.open, bar.high, bar.low, bar.close, bar.volume);
}

template <class E>
bool decode_payload(Bytes payload, E& event) {
    return read_payload(payload, E::version, event) == Read::whole;
}

#define ALPHA_INSTANTIATE(E)                                                                                           \
    template void encode(ByteBuffer&, const Envelope&, const E&);                                                      \
    template bool decode_payload(Bytes, E&);
ALPHA_EVENTS(ALPHA_INSTANTIATE)
#undef ALPHA_INSTANTIATE

void encode(ByteBuffer& out, const Envelope& envelope, const Event& event) {
    std::visit([&](const auto& e) { encode(out, envelope, e); }, event);
}

Result<EncodedHeader> decode_header(Bytes bytes, Seq seq) {
    const auto refuse = [&](const char* why) { return fail(ErrorKind::data, fmt::format("event {} {}", seq, why)); };
    EncodedHeader header;
    std::uint8_t flags = 0;
    InCursor ar(bytes);
    ar(header.payload_bytes, header.tag, header.version, flags, header.envelope.time);
    if (!ar.ok()) {
        return refuse("is cut short");
    }
    if (flags > kFlagLinks) {
        return refuse("has flags that this version does not know");
    }
    header.envelope.seq = seq;
    if (flags == kFlagLinks) {
        header.has_links = true;
        header.header_bytes += kLinkBytes;
        ar(header.envelope.correlation, header.envelope.causation);
        if (!ar.ok()) {
            return refuse("is cut short");
        }
        if (header.envelope.correlation >= seq || header.envelope.causation >= seq) {
            return refuse("names a cause that comes after it");
        }
    }
    if (header.payload_bytes > limits::kMaxEventBytes) {
        return refuse("claims to be larger than an event can be");
    }
    if (header.payload_bytes > ar.left()) {
        return refuse("is cut short");
    }
    return header;
}

Result<DecodedEvent> decode(Bytes bytes, Seq seq) {
    const auto header = decode_header(bytes, seq);
    if (!header) {
        return tl::unexpected(header.error());
    }
    const Bytes payload = bytes.subspan(header->header_bytes, header->payload_bytes);
    DecodedEvent decoded{header->envelope, {}, header->total_bytes()};
    const auto newer = [&](const char* name) {
        return fail(ErrorKind::data, fmt::format("event {}: {} was written by a newer alpha; use that", seq, name),
                    ErrorCode::newer_format);
    };
    const auto read = [&]<class E>(E& event) -> Result<DecodedEvent> {
        if (header->version > E::version) {
            return newer(E::name_v);
        }
        switch (header->version == 0 ? Read::damaged : read_payload(payload, header->version, event)) {
        case Read::whole: return std::move(decoded);
        case Read::newer: return newer(E::name_v);
        case Read::damaged: break;
        }
        return fail(ErrorKind::data, fmt::format("event {}: the payload of {} is damaged", seq, E::name_v));
    };
    switch (header->tag) {
#define ALPHA_DECODE(E)                                                                                                \
    case E::tag: return read(decoded.event.emplace<E>());
        ALPHA_EVENTS(ALPHA_DECODE)
#undef ALPHA_DECODE
    default:
        return fail(ErrorKind::data,
                    fmt::format("event {} has wire tag {}, which this alpha does not know; a newer one wrote it", seq,
                                header->tag),
                    ErrorCode::newer_format);
    }
}

namespace {

/// `fields` are all of the event's, in their order.
template <class E, class... Fields>
std::size_t decode_plain(Bytes bytes, Seq seq, Envelope& envelope, Fields&... fields) {
    constexpr std::size_t payload = (Layout<Fields>::size + ...);
    constexpr std::size_t whole = kHeaderBytes + payload;
    constexpr std::uint64_t front = payload | std::uint64_t{E::tag} << 32U | std::uint64_t{E::version} << 48U;
    std::uint64_t found = 0;
    if (bytes.size() < whole || (std::memcpy(&found, bytes.data(), sizeof found), found != front)) {
        return 0;
    }
    InCursor ar(bytes.subspan(sizeof front, whole - sizeof front));
    envelope.seq = seq;
    envelope.correlation = kNoSeq;
    envelope.causation = kNoSeq;
    ar(envelope.time, fields...);
    return ar.ok() ? whole : 0;
}

}  // namespace

std::size_t decode_tick(Bytes bytes, Seq seq, Envelope& envelope, QuoteTick& quote) {
    return decode_plain<QuoteTick>(bytes, seq, envelope, quote.instrument, quote.bid, quote.ask, quote.bid_qty,
                                   quote.ask_qty);
}

std::size_t decode_tick(Bytes bytes, Seq seq, Envelope& envelope, TradeTick& trade) {
    return decode_plain<TradeTick>(bytes, seq, envelope, trade.instrument, trade.price, trade.quantity, trade.volume,
                                   trade.open_interest, trade.exchange_time);
}

}  // namespace alpha
