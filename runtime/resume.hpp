#pragma once
/// How a session comes to where its journal ends: from the newest checkpoint that holds, with everything since decided again and
/// compared.

#include "runtime/components.hpp"
#include "runtime/summary.hpp"
#include "store/journal.hpp"
#include "views/projection.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace spdlog {
class logger;
}

namespace alpha {

/// A session where its journal ends.
struct Resumed {
    std::vector<std::unique_ptr<Venue>> venues;
    std::unique_ptr<Kernel> kernel;    ///< uses the venues
    Projection projection;             ///< has taken every frame
    Seq from = 0;                      ///< the event that deciding again began with: a checkpoint's, or 0
    ByteBuffer feed_position;          ///< of the feeds there; empty at 0
    std::uint64_t records_before = 0;  ///< that the journal took from its feeds before that
};

struct ResumeOptions {
    const RunConfigured& config;  ///< as the scenario has it; must be the journal's
    const ComponentsMaker& make;
    Frame& frame;  ///< which the kernel writes into from then on
    /// Whether every fill of the journal is to be heard of again; else what a summary said of them will do.
    bool tells_fills = false;
    std::function<bool()> is_stopped;  ///< ends it, at the next frame, with kind interrupted
    spdlog::logger& log;
};

/// `summary` comes to say what it said where the journal ends. Refuses
///   - (kind usage) another configuration than the journal's, and a fork that went on under another one;
///   - (kind mismatch) a journal that this program would have decided otherwise;
///   - (kind data) what cannot be read.
/// The journal stays as it is.
Result<Resumed> resume(const Journal& journal, Summary& summary, const ResumeOptions& options);

}  // namespace alpha
