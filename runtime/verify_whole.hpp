#pragma once
/// All that can be proved of a journal, in one pass over it.

#include "kernel/state.hpp"
#include "store/verify.hpp"

namespace alpha {

struct WholeVerified {
    Verified log;
    State state;                ///< where the log ends
    std::size_t snapshots = 0;  ///< compared; those of another version are not
};

/// verify_journal, while the frames that it hashed are folded on this thread: the state must be that of every snapshot on the way and
/// of the end, and the rows of the read models must be those of the log. Refuses
///   - (kind data) what verify_journal refuses, and rows that are not the log's;
///   - (kind mismatch) a snapshot or an end that the log does not fold into.
/// Facts that no kernel wrote stop the process: it runs in a child (runtime/isolation.hpp), and verify_journal alone then says whether
/// the log was altered. Memory does not grow with the log.
Result<WholeVerified> verify_whole(const Journal& journal);

}  // namespace alpha
