#pragma once
/// Proves that a log is what it says: every event decodes, the hash chain is computed anew, and the anchor's promise is kept.

#include "store/journal.hpp"

#include <functional>

namespace alpha {

struct Verified {
    Seq events = 0;
    Digest head{};
};

/// Called now and then with how many events have been looked at, from any of the threads, one at a time.
using VerifyProgress = std::function<void(Seq done, Seq total)>;

/// Hashes and decodes the whole log on `threads` threads (at least 1). Refuses (kind data) gaps, events that cannot be
/// decoded or whose time runs backwards, and a chain that does not end at log.head() or does not pass through `promised`.
/// Memory does not grow with the log beyond 32 bytes for each 4,096 events.
Result<Verified> verify_chain(const LogReader& log,
                              const std::optional<std::pair<Seq, Digest>>& promised = std::nullopt,
                              unsigned threads = 2, const VerifyProgress& progress = {});

/// verify_chain of a journal and its anchor, and Journal::check_rest.
Result<Verified> verify_journal(const Journal& journal, unsigned threads = 2, const VerifyProgress& progress = {});

}  // namespace alpha
