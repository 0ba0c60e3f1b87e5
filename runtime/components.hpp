#pragma once
/// The strategies and brokers that event 0 names, made ready to run, and their state on its way to a snapshot and back.

#include "events/venue.hpp"
#include "kernel/state.hpp"
#include "kernel/strategy.hpp"
#include "store/chain.hpp"
#include "strategies/catalog.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace alpha {

class Kernel;
class Projection;

struct Components {
    std::vector<std::unique_ptr<Strategy>> strategies;  ///< by StrategyId
    std::vector<std::unique_ptr<Venue>> venues;         ///< by BrokerId

    std::vector<Venue*> venue_pointers() const;
};

/// Makes what the configuration names, of these strategies. Refuses (kind usage) a strategy or broker that does not exist, or with
/// parameters it cannot have, and (kind data) ids of nothing: a configuration may come from a log of another version, or a forged one.
Result<Components> make_components(const RunConfigured& config,
                                   std::span<const StrategySpec> catalog = strategy_catalog());
/// How parts are made wherever an event 0 turns up.
using ComponentsMaker = std::function<Result<Components>(const RunConfigured& config)>;
Result<Components> make_built_in_components(const RunConfigured& config);

/// What a running session may change (alpha fork): risk, charges, the interval of P&L snapshots, parameters of strategies and
/// settings of brokers. Refuses (kind usage) any other difference, naming it.
Result<void> check_reconfiguration(const RunConfigured& present, const RunConfigured& next);

/// Lets the kernel go on under `config`, between two steps. Strategies whose parameters differ begin anew; brokers whose
/// settings differ are replaced in `venues`, which owns the kernel's, by ones that hold what those held. Refuses, nothing
/// changed, what check_reconfiguration and make_components refuse, and (kind usage) settings with which a broker could not have
/// come to hold what it does: a market order that waits, a request on its way.
Result<void> reconfigure(Kernel& kernel, std::vector<std::unique_ptr<Venue>>& venues, const RunConfigured& config,
                         const ComponentsMaker& make);

/// The digest by which two states are told apart. O(state).
Digest state_digest(const State& state);

/// What a session goes on with beside its kernel.
struct SessionComponents {
    const Projection& projection;  ///< it has taken every frame up to the state
    Bytes feed_position;           ///< Feed::save_position
    Bytes summary;                 ///< what its summary says of everything so far
};
/// The same as it was saved.
struct SessionBytes {
    Bytes projection;  ///< Projection::save
    Bytes feed_position;
    Bytes summary;
};

/// Appends everything a session goes on from, between two steps: the state, and what its parts save.
///
///   u16 version | four lists of (u32 length | bytes): the state alone, the strategies, the brokers, and the session's three, or
///   none where no session goes on from here; each list after a u32 count
///
/// Snapshots are a cache: when this or kStateVersion changes, older ones are simply not used.
///
/// A running session waits for this. What takes long is closed orders, tens of thousands of them, so its projection has them ready.
void save_checkpoint(const State& state, const std::vector<std::unique_ptr<Strategy>>& strategies,
                     const std::vector<Venue*>& venues, const std::optional<SessionComponents>& session,
                     ByteBuffer& out);

/// The state in a checkpoint, its parts not looked at. Refuses (kind data) what save_checkpoint did not write.
Result<State> load_checkpoint(Bytes bytes);
/// The same with the parts brought to theirs; `parts` must be as make_components left them. Refuses (kind data) where they do not save
/// again what they were given: a part that was not restored whole would decide otherwise than the one that was saved.
Result<State> load_checkpoint(Bytes bytes, Components& parts);
/// What the session saved, within `bytes`. Refuses (kind data) a checkpoint without it.
Result<SessionBytes> session_bytes(Bytes bytes);

}  // namespace alpha
