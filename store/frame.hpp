#pragma once
/// A frame on disk: a reversible column transform of the canonical bytes, then LZ4. Storage may change without touching a
/// digest, because hashing is over the canonical bytes.

#include "events/codec.hpp"

namespace alpha {

/// Appends the stored form of a frame's canonical bytes to `out`.
void encode_frame(const Frame& frame, ByteBuffer& out);

/// Restores a frame from its stored form: bytes, count and leaf cuts. Refuses (kind data) anything that encode_frame cannot
/// have written; never reads or writes out of bounds whatever the bytes say.
Result<void> decode_frame(Bytes stored, Seq first_seq, Frame& frame);

}  // namespace alpha
