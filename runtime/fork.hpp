#pragma once
/// What-if: a journal's session told again from some event on under another configuration.

#include "plugins/plugin.hpp"
#include "runtime/session.hpp"
#include "store/journal.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace alpha {

struct ForkOptions {
    Seq at = 0;
    std::vector<std::string> settings;  ///< "key=value", as with_settings (config/settings.hpp) takes them
    std::string settings_come_from;     ///< how refusals name them: "--set "
    Plugins plugins;                    ///< what the session's strategies are found in
    std::function<void(Seq done, Seq total)> on_progress;  ///< may be null
    const std::atomic<bool>* stop = nullptr;  ///< set by a signal: refused (kind interrupted), the log unfinished
    Seq snapshot_events = Seq{1} << 20U;      ///< between two snapshots
};

struct Forked {
    Seq at = 0;                 ///< the first event that is not the journal's own: `at`, or the end of the input there
    bool reconfigured = false;  ///< whether the settings are others than the journal's
    RunResult then;             ///< the journal's books where it ends
    RunResult now;              ///< the fork's, with its head and digest
};

/// Writes the events [0, at) of `journal` into `log`, then RunReconfigured if the settings change anything, then all inputs
/// that the journal holds from there on with what they lead to now, and finishes it. Without changes that is the journal byte
/// for byte. What comes before `at` is decided from the newest checkpoint that can be read, and has to agree with the journal.
///
/// Refuses (kind usage) an `at` behind the journal's end, and what with_settings and Reexecution::reconfigure refuse; (kind data)
/// a journal that is damaged or ends within an input; (kind mismatch) one that this program decides differently.
Result<Forked> fork_journal(const Journal& journal, LogWriter& log, const ForkOptions& options);

}  // namespace alpha
