#pragma once
/// Work that may bring its process down, done in a child: RocksDB of Debian is built with its asserts and aborts on some
/// damaged journals, and the fold stops the process at a fact that contradicts the state.

#include "events/result.hpp"

#include <functional>
#include <string>

namespace alpha {

/// Runs `work` in a forked child and returns the exit code that it returned. The child has this process's standard output
/// and prints what it has to say; a SIGINT, SIGTERM or SIGHUP sent to this process reaches it, and it ends with this process.
///
/// Refuses (kind data) a child that a signal ended: "`task` ended in signal 6 (Aborted): it is damaged." and what the
/// assert that stopped it said; (kind transient) one that a signal ended without a word where memory is limited; (kind interrupted) one that ended by a signal that this process was sent; (kind internal) when
/// no child can be had. Requires that this process has one thread.
Result<int> run_isolated(const std::string& task, const std::function<int()>& work);

}  // namespace alpha
