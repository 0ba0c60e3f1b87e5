#pragma once
/// How long a strategy from a library may take for one callback. For live sessions: a backtest's result may not depend on how fast a
/// machine is.
///
/// What counts is the processor time of its thread: a machine that was suspended, or busy with something else, halts nobody. One that
/// took longer has done what it asked for; it is for the session to halt it then (Kernel::halt, an input of the log, so that a replay
/// halts it at the same place). Beside it stands a generous bound in real time, for one that waits for something: five times as
/// long, and at least five seconds. One that does not return at all keeps the session from doing anything: after ten times as long,
/// and at least ten seconds, a watchdog ends the process with its name in the last line of the log. Both are counted in the
/// watchdog's looks, which stand still with the machine.

#include "kernel/strategy.hpp"
#include "strategies/catalog.hpp"

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spdlog {
class logger;
}

namespace alpha {

class CallbackBudget {
public:
    struct Overrun {
        StrategyId strategy;
        std::string reason;
    };

    /// Zero: no bound, and nothing is measured. Outlives the strategies that it watches.
    CallbackBudget(std::chrono::milliseconds most, std::shared_ptr<spdlog::logger> log,
                   std::chrono::milliseconds least_patience = std::chrono::seconds(10));
    ~CallbackBudget();
    CallbackBudget(const CallbackBudget&) = delete;
    CallbackBudget& operator=(const CallbackBudget&) = delete;

    /// Puts a clock around those strategies of the session that come from libraries.
    void watch(std::vector<std::unique_ptr<Strategy>>& strategies, const RunConfigured& config,
               std::span<const StrategySpec> catalog);
    /// Measures from here on. Before, a session that is taken up decides again what it had decided: that halts nobody.
    void start();

    /// Whether a callback took too long since take() was last called. As cheap as it looks.
    bool any() const { return !overruns_.empty(); }
    /// Who did, in the order in which they did.
    std::vector<Overrun> take() { return std::exchange(overruns_, {}); }

private:
    class Watched;
    class Watchdog;

    std::chrono::milliseconds most_;
    std::chrono::milliseconds patience_;
    std::shared_ptr<spdlog::logger> log_;
    bool watches_ = false;
    std::unique_ptr<Watchdog> watchdog_;  // null until start()
    std::vector<Overrun> overruns_;
    std::chrono::nanoseconds cpu_known_{0};                 ///< used by the session's thread
    std::chrono::steady_clock::time_point cpu_known_at_{};  ///< and when
};

}  // namespace alpha
