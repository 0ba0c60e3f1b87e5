#pragma once
/// A frame on disk: a reversible column transform of the canonical bytes, then LZ4. Storage may
/// change without touching a digest, because hashing is over the canonical bytes.
///
///   u8 0xA1 | u8 encoding | u16 zero | u32 events | u32 canonical bytes | u32 bytes before LZ4 |
///   u32 CRC-32C | body
///
/// Encoding 1 is columns (store/columns.hpp), 2 the same through LZ4. Frames that hold bars have encoding 3, which is
/// columns with lanes of bars (store/bar_columns.hpp), or 4, the same through LZ4. The checksum covers the place
/// in the log, the header before it and the body: a damaged frame is refused, and so is one that
/// stands in another's place. ON DISK, DO NOT CHANGE.

#include "events/codec.hpp"

namespace alpha {

/// Largest frame that can be stored, in canonical bytes: bounds what a reader sets aside on a
/// frame's word.
inline constexpr std::size_t kMaxFrameBytes = 2 * limits::kMaxEventBytes;

/// Appends the stored form of a frame's canonical bytes to `out`. Requires at most kMaxFrameBytes
/// of them. The same frame always gives the same bytes.
void encode_frame(const Frame& frame, ByteBuffer& out);

/// How many events a stored frame says that it holds; 0 where it is too short to say. Not checked: decode_frame does that.
std::uint32_t events_in(Bytes stored);

/// Restores a frame from its stored form: bytes, count and leaf cuts. Refuses (kind data) what is
/// damaged, cut short or of another version, leaving the frame empty; never reads or writes out of
/// bounds whatever the bytes say. It does not look into payloads: decode (events/codec.hpp) does.
Result<void> decode_frame(Bytes stored, Seq first_seq, Frame& frame);

}  // namespace alpha
