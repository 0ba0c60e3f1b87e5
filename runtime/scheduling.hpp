#pragma once
/// What a live session asks of the operating system for the threads that a tick passes through.

#include "events/result.hpp"

namespace alpha {

/// Asks that the calling thread get a processor soon after it wakes and nap no longer than it means to: a slice of a tenth
/// of a millisecond, which on Linux 6.12 and later lets it preempt threads with longer ones, and a timer slack of a microsecond
/// where threads have fifty by default. Needs no privilege and takes no share of the processor from others. Where the system does
/// not know of it, and where the thread is already under another policy than the usual (chrt), nothing changes.
void prefer_latency();

/// Keeps the calling thread, and those that it starts from now on, off a processor, so that one thread can have it for itself
/// with move_to_cpu(). Refuses (kind usage) a processor that is not there or the only one that there is, and changes nothing then.
Result<void> reserve_cpu(unsigned cpu);

/// From now on the calling thread runs on this processor alone. Refuses (kind usage) one that is not there.
Result<void> move_to_cpu(unsigned cpu);

}  // namespace alpha
