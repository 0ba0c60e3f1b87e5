#pragma once
/// The state as canonical bytes: what its digest is taken over, and what a snapshot stores between steps.

#include "events/bytes.hpp"
#include "events/result.hpp"
#include "kernel/state.hpp"

namespace alpha {

/// Raised whenever State or its encoding changes: snapshots are a cache and of older versions simply dropped.
inline constexpr std::uint16_t kStateVersion = 1;

/// Appends the state; equal states give equal bytes on every machine. O(state).
void save_state(const State& state, ByteBuffer& out);

/// Reads what save_state wrote. Refuses (kind data) another version, damage and left-over bytes.
Result<State> load_state(Bytes bytes);

}  // namespace alpha
