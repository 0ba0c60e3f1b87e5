#pragma once
/// A log that is written, read back: folded into a state, and walked back from an event to what caused it.

#include "events/text.hpp"
#include "kernel/state.hpp"
#include "store/journal.hpp"

#include <functional>
#include <vector>

namespace alpha {

/// Folds the events from state.next_seq up to `end` (not included) into the state. A fact that contradicts the state stops
/// the process (kernel/state.hpp): who reads logs of unknown origin does so in a child (runtime/isolation.hpp). Refuses
/// (kind data) what LogReader::scan and visit_events refuse. About 20 ns an event, read on a second thread.
Result<void> fold(const LogReader& log, Seq end, State& state);

/// Calls `use` with the snapshots taken at or before event `seq`, the newest first, until it returns true: one may be of a
/// version that is not read any more.
Result<void> try_snapshots(const Journal& journal, Seq seq, const std::function<bool(const StoredSnapshot&)>& use);

/// The state before event `seq`: the newest snapshot at or before it that can be read, and the fold from there. `begun`, if
/// given, is told the event that the fold began with. Requires seq <= journal.next_seq().
Result<State> state_before(const Journal& journal, Seq seq, Seq* begun = nullptr);

/// What ids are called in a state.
Names names_of(const State& state);

/// The event and what caused it, one by one, back to the input at the root.
Result<std::vector<DecodedEvent>> causes(const LogReader& log, DecodedEvent event);

}  // namespace alpha
