#pragma once

#include <cstdint>

namespace alpha {

/// What searches and walks on the way of a tick, a frame or an order have looked at, on this thread. For tests alone: that something
/// costs as much among ten thousand as among a hundred is shown by this number, not by a clock. Logs are folded on several threads
/// outside of the kernel, so each counts for itself.
inline thread_local std::uint64_t visits = 0;  // determinism-ok: only tests read it

}  // namespace alpha
