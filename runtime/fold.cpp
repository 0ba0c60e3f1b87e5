#include "runtime/fold.hpp"

#include "kernel/snapshot.hpp"
#include "runtime/components.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace alpha {

Result<void> try_snapshots(const Journal& journal, Seq seq, const std::function<bool(const StoredSnapshot&)>& use) {
    for (;;) {
        const Result<std::optional<StoredSnapshot>> found = journal.newest_snapshot(seq);
        if (!found) {
            return tl::make_unexpected(found.error());
        }
        if (!*found || use(**found) || (*found)->next_seq == 0) {
            return {};
        }
        seq = (*found)->next_seq - 1;
    }
}

Result<void> fold(const LogReader& log, Seq end, State& state) {
    if (state.next_seq >= end) {
        return {};
    }
    Result<void> outcome;
    const Result<void> scanned = scan_ahead(log, state.next_seq, [&](const Frame& frame) {
        const Result<bool> visited = visit_events(frame, state.next_seq, [&](const Envelope& envelope, const auto& e) {
            if (envelope.seq >= end) {
                return false;
            }
            apply(state, envelope, e);
            return true;
        });
        if (!visited) {
            outcome = tl::make_unexpected(visited.error());
        }
        return visited && *visited && state.next_seq < end;
    });
    return scanned ? outcome : scanned;
}

Result<State> snapshot_before(const Journal& journal, Seq seq) {
    State state;
    const Result<void> looked = try_snapshots(journal, seq, [&](const StoredSnapshot& snapshot) {
        Result<State> loaded = load_checkpoint(snapshot.bytes.view());
        const bool usable = loaded && loaded->next_seq == snapshot.next_seq;
        if (usable) {
            state = std::move(*loaded);
        }
        return usable;
    });
    return looked ? Result<State>(std::move(state)) : tl::make_unexpected(looked.error());
}

Result<State> state_before(const Journal& journal, Seq seq, Seq* begun) {
    Result<State> state = snapshot_before(journal, seq);
    if (!state) {
        return state;
    }
    if (begun != nullptr) {
        *begun = state->next_seq;
    }
    if (Result<void> folded = fold(journal, seq, *state); !folded) {
        return tl::make_unexpected(folded.error());
    }
    return state;
}

Names names_of(const State& state) {
    Names names;
    names.learn(state.config);
    for (std::size_t i = state.config.instruments.size(); i < state.instruments.size(); ++i) {
        names.learn(InstrumentListed{InstrumentId{static_cast<std::uint32_t>(i)}, state.instruments[i]});
    }
    return names;
}

Result<std::vector<DecodedEvent>> causes(const LogReader& log, DecodedEvent event) {
    std::vector<DecodedEvent> chain{std::move(event)};
    EventReader events(log);
    while (!chain.back().envelope.is_root()) {
        Result<DecodedEvent> cause = events.read(chain.back().envelope.causation);
        if (!cause) {
            return tl::make_unexpected(cause.error());
        }
        chain.push_back(std::move(*cause));
    }
    return chain;
}

}  // namespace alpha
