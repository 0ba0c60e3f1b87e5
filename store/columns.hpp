#pragma once
/// The reversible column transform of a frame's canonical bytes. ON DISK, DO NOT CHANGE: a new
/// shape is a new encoding of frame.cpp.
///
/// Plain quotes (QuoteTick version 1 without links, 52 bytes) become columns; every other event is
/// kept as it is.
///
///   u32 quotes | u32 bytes of runs | u32 bytes of others | runs | others | blocks
///   runs    pairs of varints: so many quotes, then so many other events, until the frame is whole
///   others  the canonical bytes of all other events, one after the other
///   block   up to kBlockQuotes quotes: i64 time before the first | u8 bytes of an instrument id |
///   5 x shape | ids | 5 x column shape   u8 exponent | u8 widest | u16 bytes of data: of time,
///   bid, ask, bid quantity, ask quantity column  2-bit codes, four a byte from the low end, then
///   the data: each value is a difference, divided by
///           10^exponent, zigzagged, in 0, 1, middle_width(widest) or `widest` bytes as its code
///           says
///
/// Times differ from the quote before; prices and quantities from the last quote in the frame of
/// the same instrument, or of another one that shares its slot (id modulo kSlots). All arithmetic
/// is modulo 2^64, so every value comes back. Nothing outside the frame is consulted.

#include "events/codec.hpp"

namespace alpha {

/// How many readable bytes must follow what from_columns reads, whatever they hold.
inline constexpr std::size_t kColumnPadding = 64;

/// Upper bound of the transform of so many canonical bytes, for checking claimed sizes before
/// memory is set aside.
constexpr std::size_t max_column_bytes(std::size_t canonical_bytes) {
    return canonical_bytes + canonical_bytes / 2 + 256;
}

/// Appends the transform of the frame's bytes to `out`.
void to_columns(const Frame& frame, ByteBuffer& out);

/// Fills the frame (whose first_seq is set) with `events` events of `canonical_bytes` bytes in all.
/// False, with the frame in no particular state, unless the columns hold exactly that. `columns`
/// must be followed by kColumnPadding readable bytes.
bool from_columns(Bytes columns, std::uint32_t events, std::size_t canonical_bytes, Frame& frame);

}  // namespace alpha
