#pragma once
/// The calls by which this process changes files, seen from below: whatever makes them, our own code or RocksDB, comes by here. A program
/// that links system_calls.cpp has them (its definitions come before the C library's); nothing needs to be loaded, so it works wherever
/// the tests are built, sanitizers included.

#include <cstdint>
#include <string>
#include <vector>

namespace alpha::faults {

struct CallPlan {
    std::string folder;        ///< only calls on what lies in it count
    std::uint64_t refuse = 0;  ///< the n-th of them fails, from 1; 0: none does
    int error = 0;  ///< with this errno; kShort: a write that writes less than it should, and others as if nothing were
};
inline constexpr int kShort = -1;

/// From now on calls are counted and written down, anew.
void watch_calls(CallPlan plan);
/// Ends that. In order: "open PATH", "write PATH", "sync PATH", "rename FROM TO", "remove PATH", "folder PATH", "cut PATH". Writes to one
/// file that follow one another are one entry.
std::vector<std::string> end_watch();
/// How many there were since watch_calls().
std::uint64_t watched_calls();
/// What was refused: "write PATH"; empty: nothing yet.
std::string refused_call();

/// The first name that is given, by a rename, to something of which not every byte is durable; or that is never made durable itself
/// although it was given. Empty: none.
std::string undurable_name(const std::vector<std::string>& calls);

}  // namespace alpha::faults
