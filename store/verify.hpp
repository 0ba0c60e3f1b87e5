#pragma once
/// Proves that a log is what it says: every event decodes, the hash chain is computed anew, and the anchor's promise is kept.

#include "store/journal.hpp"

#include <functional>

namespace alpha {

/// The chain after a full leaf.
struct ChainPlace {
    Seq seq = 0;  ///< a multiple of kLeafEvents
    Digest chain{};
    friend bool operator==(const ChainPlace&, const ChainPlace&) = default;
};

struct Verified {
    Seq events = 0;
    Digest head{};
    ChainPlace last_leaf;  ///< the last full one
};

/// As many as the machine has processors, within reason.
unsigned all_processors();

struct VerifyOptions {
    /// What the log must pass through: an event and the head there.
    std::optional<std::pair<Seq, Digest>> promised = {};
    /// Where the chain is known already; what stands before is not read.
    ChainPlace from = {};
    /// At least 1: this one counts.
    unsigned threads = all_processors();
    /// Called now and then, on this thread, with how many events have been looked at.
    std::function<void(Seq done, Seq total)> progress = {};
    /// Called on this thread with each frame in order, decoded and hashed: what is read once serves both. Returns false to give up.
    /// Whether the chain ends where it should is not known before the last one.
    FrameVisit visit = {};
};

/// Hashes and decodes the log from `options.from` on, which one reader hands out to all threads: each byte is read once. Refuses (kind
/// data) gaps, events that cannot be decoded or whose time runs backwards, and a chain that does not end at log.head() or does not pass
/// through what was promised. What was promised before `options.from` is not looked at. Memory does not grow with the log.
Result<Verified> verify_chain(const LogReader& log, const VerifyOptions& options = {});

/// Refuses (kind data) evidence that is not what its event says. Evidence that is not there any more is no fault. Of a log that was
/// verified; reads the frames of events that have some.
Result<void> check_evidence(const Journal& journal);

/// verify_chain of a journal and its anchor, Journal::check_rest and check_evidence.
Result<Verified> verify_journal(const Journal& journal, VerifyOptions options = {});

}  // namespace alpha
