#pragma once
/// A log that is written, read back: folded into a state, and walked back from an event to what caused it.

#include "events/text.hpp"
#include "kernel/state.hpp"
#include "store/background_log.hpp"
#include "store/journal.hpp"

#include <functional>
#include <utility>
#include <vector>

namespace alpha {

/// Folds the events from state.next_seq up to `end` (not included) into the state. A fact that contradicts the state stops
/// the process (kernel/state.hpp): who reads logs of unknown origin does so in a child (runtime/isolation.hpp). Refuses
/// (kind data) what LogReader::scan and visit_events refuse. About 20 ns an event, read on a second thread.
Result<void> fold(const LogReader& log, Seq end, State& state);

/// The same from state.next_seq on for who looks at each event: `before(state, envelope, event)` sees it with the state that it meets, `after`
/// with what it made of it. The first event for which `before` returns false is not folded, and the last.
template <class Before, class After>
Result<void> walk(const LogReader& log, State& state, Before before, After after);

/// Calls `use` with the snapshots taken at or before event `seq`, the newest first, until it returns true: one may be of a
/// version that is not read any more.
Result<void> try_snapshots(const Journal& journal, Seq seq, const std::function<bool(const StoredSnapshot&)>& use);

/// The state in the newest snapshot at or before event `seq` that can be read, or the one before event 0.
Result<State> snapshot_before(const Journal& journal, Seq seq);

/// The state before event `seq`: the newest snapshot at or before it that can be read, and the fold from there. `begun`, if
/// given, is told the event that the fold began with. Requires seq <= journal.next_seq().
Result<State> state_before(const Journal& journal, Seq seq, Seq* begun = nullptr);

/// What ids are called in a state.
Names names_of(const State& state);

/// The event and what caused it, one by one, back to the input at the root.
Result<std::vector<DecodedEvent>> causes(const LogReader& log, DecodedEvent event);

// ---- implementation ----------------------------------------------------------------------------------------------------

template <class Before, class After>
Result<void> walk(const LogReader& log, State& state, Before before, After after) {
    Result<void> outcome;
    const Result<void> scanned = scan_ahead(log, state.next_seq, [&](const Frame& frame) {
        const Result<bool> visited = visit_events(frame, state.next_seq, [&](const Envelope& envelope, const auto& e) {
            if (!before(std::as_const(state), envelope, e)) {
                return false;
            }
            apply(state, envelope, e);
            after(std::as_const(state), envelope, e);
            return true;
        });
        if (!visited) {
            outcome = tl::make_unexpected(visited.error());
        }
        return visited && *visited;
    });
    return scanned ? outcome : scanned;
}

}  // namespace alpha
