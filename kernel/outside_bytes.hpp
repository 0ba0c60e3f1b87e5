#pragma once
/// What is known of brokers outside, as the bytes of a snapshot.

#include "events/cursor.hpp"
#include "kernel/state.hpp"

namespace alpha {

/// Appends them; equal brokers give equal bytes. O(orders, trades and rows that are remembered).
void save_outside(OutCursor& ar, const std::map<BrokerId, OutsideBroker>& brokers);
/// Reads what save_outside wrote; fails the cursor where it cannot have.
void load_outside(InCursor& ar, std::map<BrokerId, OutsideBroker>& brokers);
/// Whether a log can fold into it: every id in it is one that the rest of the state has. Null: it can; else why not.
const char* fault_of_outside(const State& state);

}  // namespace alpha
