#pragma once
/// The reversible transform of a frame that holds bars. ON DISK, DO NOT CHANGE: a new shape is a new
/// encoding of frame.cpp.
///
/// Five kinds of plain events, which are those without links, become columns, each kind in a lane
/// of its own: bars as data sets hold them (BarClosed version 1), openings (BarOpened version 2),
/// closes (BarClosed version 2), and what stands between bars of dates, TradingSessionOpened and
/// TradingSessionClosed version 1. Everything else is kept together, in its order, as the columns of
/// store/columns.hpp.
///
///   varints: events of each of those kinds | bytes of runs | bytes of the five lanes | other events |
///            canonical bytes of those
///   i64 time of the first of the bars | i64 interval of the first opening or close, 0 without one
///   runs    varints 8 x events + kind (0 other, 1 stored bar, 2 opening, 3 close, 4 session opened,
///           5 session closed), until the frame is whole; neighbours differ in kind
///   lanes   one after the other: blocks of kBlockBars bars, the last of which may be smaller; a block
///           is its columns one after the other:
///             stored bar  instrument, time, open, close, high, low, volume
///             opening     instrument, time, label, interval, open
///             close       instrument, time, label, interval, open, close, high, low, volume
///             session     instrument, time, date
///   others  the columns of the other events; nothing when there are none
///
///   column  u8 shape; 0: every value is 0, and that is all. Otherwise the shape is 64 + k with k up to
///           kMaxLowBits | varint scale, not 0 | a bit string, filled up to a byte with zeros: for each
///           value q = value / scale, q >> k in ones and a zero, then the low k bits of q. Where q >> k
///           is kEscapeOnes or more: that many ones, 6 bits width of q less 1, q.
///
/// A value is what is left of a field once it has been foretold from the events before it in the
/// frame: bars repeat themselves and each other (bar_columns.cpp, `Foretold`). Differences that
/// can be negative are zigzagged. All arithmetic is modulo 2^64, so every field comes back. Nothing
/// outside of the frame is consulted.

#include "events/codec.hpp"

namespace alpha {

/// Upper bound of the transform of so many canonical bytes, for checking claimed sizes before memory
/// is set aside.
constexpr std::size_t max_bar_column_bytes(std::size_t canonical_bytes) {
    return canonical_bytes + canonical_bytes / 2 + 1'024;
}

/// Whether the frame holds a bar that has a lane here.
bool has_bars(const Frame& frame);

/// Appends the transform of the frame's bytes to `out`.
void to_bar_columns(const Frame& frame, ByteBuffer& out);

/// Fills the frame (whose first_seq is set) with `events` events of `canonical_bytes` bytes in all.
/// False, with the frame in no particular state, unless the columns hold exactly that. `columns`
/// must be followed by kColumnPadding (store/columns.hpp) readable bytes.
bool from_bar_columns(Bytes columns, std::uint32_t events, std::size_t canonical_bytes, Frame& frame);

}  // namespace alpha
