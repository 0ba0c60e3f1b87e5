#pragma once
/// The state as bytes: what its digest is taken over, and what a snapshot stores between steps.

#include "events/bytes.hpp"
#include "events/result.hpp"
#include "kernel/order_bytes.hpp"
#include "kernel/state.hpp"

namespace alpha {

/// In front of the canonical bytes, and so part of every digest. Raised whenever State or its encoding changes, or the same log folds into
/// another state: snapshots are a cache and of older versions simply dropped, and digests of other versions are not compared.
inline constexpr std::uint16_t kStateVersion = 7;

/// Appends what the digest is taken over: the state but for the order in which orders closed, which follows from the log alone. Equal
/// states give equal bytes on every machine. O(state).
void append_canonical(const State& state, ByteBuffer& out);
/// Appends the state whole: its canonical bytes, and behind them State::closings. O(state).
void save_state(const State& state, ByteBuffer& out);
/// The same bytes from closed orders encoded before, by save_order, as each closed: `closed` must hold just those of the state.
void save_state(const State& state, const OrderBytes& closed, ByteBuffer& out);
/// Appends an order as it stands in a saved state.
void save_order(const Order& order, ByteBuffer& out);

/// Reads what save_state wrote. Refuses (kind data) another version, damage, left-over bytes, and any state that no log folds
/// into: ids that there are not, books that do not balance, timers out of order. What it returns is safe to go on from,
/// whoever made the bytes; whether it is the state of a certain log is for its digest to say. O(state).
Result<State> load_state(Bytes bytes);

}  // namespace alpha
