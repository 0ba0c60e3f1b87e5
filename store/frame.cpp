#include "store/frame.hpp"

#include "store/bar_columns.hpp"
#include "store/checksum.hpp"
#include "store/columns.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <array>
#include <lz4.h>

namespace alpha {

namespace {

constexpr std::uint8_t kMagic = 0xA1;
constexpr std::uint8_t kColumns = 1;
constexpr std::uint8_t kColumnsLz4 = 2;
constexpr std::uint8_t kBarColumns = 3;
constexpr std::uint8_t kBarColumnsLz4 = 4;
constexpr std::size_t kCheckedHeaderBytes = 16;
constexpr std::size_t kHeaderWithChecksum = kCheckedHeaderBytes + 4;
/// LZ4 cannot shrink anything further than this, so a larger claim is false.
constexpr std::size_t kMaxLz4Ratio = 255;

/// Of either transform.
constexpr std::size_t max_plain_bytes(std::size_t canonical_bytes) {
    return std::max(max_column_bytes(canonical_bytes), max_bar_column_bytes(canonical_bytes));
}
static_assert(max_plain_bytes(kMaxFrameBytes) <= LZ4_MAX_INPUT_SIZE);

std::uint32_t checksum(Seq first_seq, Bytes header, Bytes body) {
    std::array<std::uint8_t, sizeof(Seq)> place{};
    store(place.data(), first_seq);
    return crc32c(body, crc32c(header, crc32c(place)));
}

tl::unexpected<Error> damaged(Seq first_seq, const char* what) {
    return fail(ErrorKind::data, "The stored frame at event " + std::to_string(first_seq) + " " + what + ".",
                ErrorCode::damaged);
}

}  // namespace

void encode_frame(const Frame& frame, ByteBuffer& out) {
    ALPHA_ASSERT(frame.bytes.size() <= kMaxFrameBytes, "a frame is too large to be stored");
    thread_local ByteBuffer columns;  // kept from frame to frame: its size settles after the first
    columns.clear();
    const bool bars = has_bars(frame);
    bars ? to_bar_columns(frame, columns) : to_columns(frame, columns);
    ALPHA_ASSERT(columns.size() <= max_plain_bytes(frame.bytes.size()), "columns are larger than their bound");

    const std::size_t begin = out.size();
    const auto plain_size = static_cast<int>(columns.size());
    const int bound = LZ4_compressBound(plain_size);
    std::uint8_t* const header = out.extend(kHeaderWithChecksum + static_cast<std::size_t>(bound));
    std::uint8_t* const body = header + kHeaderWithChecksum;
    const int packed_size = LZ4_compress_default(reinterpret_cast<const char*>(columns.data()),
                                                 reinterpret_cast<char*>(body), plain_size, bound);
    const bool packed = packed_size > 0 && packed_size < plain_size;
    const std::size_t body_size = packed ? static_cast<std::size_t>(packed_size) : columns.size();
    if (!packed) {
        std::memcpy(body, columns.data(), columns.size());
    }
    header[0] = kMagic;
    header[1] = bars ? (packed ? kBarColumnsLz4 : kBarColumns) : (packed ? kColumnsLz4 : kColumns);
    store(header + 2, std::uint16_t{0});
    store(header + 4, frame.events);
    store(header + 8, static_cast<std::uint32_t>(frame.bytes.size()));
    store(header + 12, static_cast<std::uint32_t>(columns.size()));
    store(header + kCheckedHeaderBytes, checksum(frame.first_seq, {header, kCheckedHeaderBytes}, {body, body_size}));
    out.resize(begin + kHeaderWithChecksum + body_size);
}

std::uint32_t events_in(Bytes stored) {
    return stored.size() < kHeaderWithChecksum ? 0 : load<std::uint32_t>(stored.data() + 4);
}

Result<void> decode_frame(Bytes stored, Seq first_seq, Frame& frame) {
    frame.begin(first_seq);
    if (stored.size() < kHeaderWithChecksum) {
        return damaged(first_seq, "is cut short");
    }
    const std::uint8_t* const header = stored.data();
    const std::uint8_t encoding = header[1];
    const Bytes body = stored.subspan(kHeaderWithChecksum);
    if (header[0] != kMagic || load<std::uint16_t>(header + 2) != 0 || encoding < kColumns ||
        encoding > kBarColumnsLz4) {
        return damaged(first_seq, "is of no kind this version knows");
    }
    if (checksum(first_seq, stored.first(kCheckedHeaderBytes), body) !=
        load<std::uint32_t>(header + kCheckedHeaderBytes)) {
        return damaged(first_seq, "is damaged: its checksum differs");
    }
    const auto events = load<std::uint32_t>(header + 4);
    const std::size_t canonical_bytes = load<std::uint32_t>(header + 8);
    const std::size_t columns_bytes = load<std::uint32_t>(header + 12);
    const bool packed = encoding == kColumnsLz4 || encoding == kBarColumnsLz4;
    const bool bars = encoding == kBarColumns || encoding == kBarColumnsLz4;
    const std::size_t most = !packed ? body.size() : body.size() * kMaxLz4Ratio;
    if (canonical_bytes > kMaxFrameBytes || columns_bytes > max_plain_bytes(canonical_bytes) || columns_bytes > most ||
        events > canonical_bytes / kHeaderBytes || first_seq > kNoSeq / 2) {
        return damaged(first_seq, "claims a size it cannot have");
    }
    thread_local ByteBuffer columns;  // kept from frame to frame: its size settles after the first
    columns.resize(columns_bytes + kColumnPadding);
    if (packed) {
        const int size =
            LZ4_decompress_safe(reinterpret_cast<const char*>(body.data()), reinterpret_cast<char*>(columns.data()),
                                static_cast<int>(body.size()), static_cast<int>(columns_bytes));
        if (size < 0 || static_cast<std::size_t>(size) != columns_bytes) {
            return damaged(first_seq, "does not decompress");
        }
    } else if (body.size() == columns_bytes) {
        std::memcpy(columns.data(), body.data(), body.size());
    } else {
        return damaged(first_seq, "claims a size it cannot have");
    }
    std::memset(columns.data() + columns_bytes, 0, kColumnPadding);
    const Bytes plain{columns.data(), columns_bytes};
    if (!(bars ? from_bar_columns(plain, events, canonical_bytes, frame)
               : from_columns(plain, events, canonical_bytes, frame))) {
        frame.begin(first_seq);
        return damaged(first_seq, "holds no whole events");
    }
    return {};
}

}  // namespace alpha
