/// Stored frames from any bytes, with their checksum mended so that what lies behind it is reached; and frames of any events,
/// which must come back as they were.

#include "store/checksum.hpp"
#include "store/frame.hpp"
#include "store/wire.hpp"
#include "tests/fuzz/input.hpp"

#include <array>
#include <lz4.h>

namespace alpha::fuzz {

namespace {

constexpr std::size_t kChecked = 16;
constexpr std::size_t kHeader = kChecked + 4;

/// Sequence numbers near which something happens: the beginning, the end of a leaf, the end of all numbers.
Seq place(Input& input) {
    const std::array<Seq, 6> places{0, kLeafEvents - 3, kLeafEvents, 7 * kLeafEvents - 1, kNoSeq / 2, 1'000'003};
    return places[input.below(places.size())];
}

bool equal(const Frame& a, const Frame& b) {
    return a.first_seq == b.first_seq && a.events == b.events && a.leaf_cuts == b.leaf_cuts &&
           std::ranges::equal(a.bytes.view(), b.bytes.view());
}

void check_roundtrip(const Frame& frame) {
    ByteBuffer stored;
    encode_frame(frame, stored);
    Frame again;
    const auto decoded = decode_frame(stored.view(), frame.first_seq, again);
    ALPHA_ASSERT(decoded.has_value() && equal(frame, again), "a frame comes back as it was stored");
}

void check_decoding(Bytes stored, Seq first_seq) {
    Frame frame;
    const auto decoded = decode_frame(stored, first_seq, frame);
    if (!decoded) {
        ALPHA_ASSERT(decoded.error().kind == ErrorKind::data, "a refused frame is bad data");
        ALPHA_ASSERT(frame.events == 0 && frame.bytes.empty() && frame.leaf_cuts.empty(),
                     "a refused frame leaves nothing behind");
        return;
    }
    check_roundtrip(frame);
}

void mend_checksum(std::vector<std::uint8_t>& stored, Seq first_seq) {
    std::array<std::uint8_t, sizeof(Seq)> seq{};
    store(seq.data(), first_seq);
    const Bytes all(stored);
    store(stored.data() + kChecked, crc32c(all.subspan(kHeader), crc32c(all.first(kChecked), crc32c(seq))));
}

/// A header around columns, with lanes of bars or without, LZ4 or not. Its counts are the input's.
std::vector<std::uint8_t> framed(Input& input) {
    const std::uint8_t dice = input.byte();
    const bool packed = dice % 2 != 0;
    const bool bars = dice / 2 % 2 != 0;
    const auto events = input.number<std::uint16_t>();
    const auto canonical = input.number<std::uint16_t>();
    const Bytes columns = input.rest();
    std::vector<std::uint8_t> stored(kHeader);
    stored[0] = 0xA1;
    stored[1] = static_cast<std::uint8_t>((packed ? 2 : 1) + (bars ? 2 : 0));
    store(stored.data() + 4, std::uint32_t{events});
    store(stored.data() + 8, std::uint32_t{canonical});
    store(stored.data() + 12, static_cast<std::uint32_t>(columns.size()));
    if (!packed) {
        stored.insert(stored.end(), columns.begin(), columns.end());
        return stored;
    }
    const auto size = static_cast<int>(columns.size());
    stored.resize(kHeader + static_cast<std::size_t>(LZ4_compressBound(size)));
    const int bytes =
        LZ4_compress_default(reinterpret_cast<const char*>(columns.data()),
                             reinterpret_cast<char*>(stored.data() + kHeader), size, LZ4_compressBound(size));
    stored.resize(kHeader + static_cast<std::size_t>(bytes));
    return stored;
}

/// A run of bars, plain ones when the envelope has no links: openings, closes and bars as data sets hold them.
void append_bars(Input& input, std::uint8_t kind, Frame& frame, Envelope envelope) {
    BarClosed bar;
    bar.instrument.value = kind % 8 == 2 ? input.number<std::uint32_t>() : kind % 3;
    bar.open.raw = static_cast<std::int64_t>(input.number<std::uint64_t>());
    bar.volume.raw = static_cast<std::int64_t>(input.number<std::uint64_t>());
    bar.interval.ns = static_cast<std::int64_t>(input.number<std::uint32_t>()) << input.below(32);
    for (unsigned n = input.below(200); n > 0; --n) {
        bar.label = envelope.time;
        bar.high.raw = bar.open.raw / 2 + static_cast<std::int64_t>(n % 5) * kScale;
        bar.low.raw = bar.high.raw / 3;
        bar.close.raw = bar.open.raw / 2 - static_cast<std::int64_t>(n % 7) * kScale;
        envelope.seq = frame.next_seq();
        append(frame, envelope, BarOpened{bar.instrument, bar.open, bar.label, bar.interval});
        envelope.seq = frame.next_seq();
        envelope.time.ns = static_cast<std::int64_t>(static_cast<std::uint64_t>(envelope.time.ns) +
                                                     static_cast<std::uint64_t>(bar.interval.ns));
        append(frame, envelope, bar);
        if (n % 3 == 0) {
            frame.note_leaf(frame.next_seq());
            encode_stored_bar(frame.bytes, envelope.time, bar);
            ++frame.events;
        }
    }
}

void frame_of_any_events(Input& input) {
    Frame frame;
    frame.begin(place(input));
    while (!input.empty()) {
        Envelope envelope;
        envelope.seq = frame.next_seq();
        envelope.time = Time{static_cast<std::int64_t>(input.number<std::uint32_t>()) << input.below(32)};
        if (input.flag() && envelope.seq > 0) {
            envelope.correlation = input.number<std::uint64_t>() % envelope.seq;
            envelope.causation = envelope.seq - 1;
        }
        const std::uint8_t kind = input.byte();
        if (kind % 4 == 0) {
            std::visit([&](const auto& event) { append(frame, envelope, event); }, arbitrary_event(input));
            continue;
        }
        if (kind % 4 == 2) {
            append_bars(input, kind, frame, envelope);
            continue;
        }
        // Runs of quotes: what columns are made for.
        QuoteTick quote;
        quote.instrument.value = kind % 8 == 1 ? input.number<std::uint32_t>() : kind % 3;
        quote.bid.raw = static_cast<std::int64_t>(input.number<std::uint64_t>());
        for (unsigned n = input.below(200); n > 0; --n) {
            quote.ask.raw = quote.bid.raw / 2 + static_cast<std::int64_t>(n % 7) * 1'000'000;
            quote.bid_qty.raw = static_cast<std::int64_t>(n) * kScale;
            envelope.seq = frame.next_seq();
            append(frame, envelope, quote);
        }
    }
    check_roundtrip(frame);
}

}  // namespace

}  // namespace alpha::fuzz

/// u8 what is made of the rest: a stored frame as it is, one with its checksum mended, columns, or events.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace alpha;
    fuzz::Input input({data, size});
    const unsigned kind = input.below(4);
    if (kind == 3) {
        fuzz::frame_of_any_events(input);
        return 0;
    }
    const Seq first_seq = fuzz::place(input);
    if (kind == 0) {
        fuzz::check_decoding(input.rest(), first_seq);
        return 0;
    }
    std::vector<std::uint8_t> stored =
        kind == 2 ? fuzz::framed(input) : std::vector<std::uint8_t>(input.rest().begin(), input.rest().end());
    if (stored.size() >= fuzz::kHeader) {
        fuzz::mend_checksum(stored, first_seq);
    }
    fuzz::check_decoding(stored, first_seq);
    return 0;
}
