#pragma once
/// The session loop: feed -> kernel -> log, one path for backtest, paper and live. Wires the parts together and reports what
/// came out.

#include "kernel/state.hpp"
#include "runtime/scenario.hpp"
#include "store/event_log.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace spdlog {
class logger;
}

namespace alpha {

struct InstrumentResult {
    std::string instrument;
    Qty net;
    Price average;
    Price mark;
    Money realized_pnl;
    Money unrealized_pnl;
    Money charges;
    Money traded;
    std::uint64_t fills = 0;
};

struct PortfolioResult {
    std::string portfolio;
    Money initial_cash;
    Money cash;
    Money equity;
    Money realized_pnl;
    Money unrealized_pnl;
    Money charges;
    bool killed = false;
    std::uint64_t fills = 0;
    std::vector<InstrumentResult> instruments;  ///< those ever traded, by id
};

struct StrategyResult {
    std::string strategy;
    std::string portfolio;
    std::uint64_t orders = 0;
    std::uint64_t refused = 0;
    std::uint64_t fills = 0;
    Money realized_pnl;  ///< of its own fills, gross
    Money charges;
    bool halted = false;
};

/// Account equity sampled along the run for sparklines: never feeds back into anything.
struct EquitySample {
    Time time;
    Money equity;
};

struct RunResult {
    std::string scenario;
    std::string currency;
    std::uint64_t events = 0;
    std::uint64_t ticks = 0;
    std::uint64_t bars = 0;
    std::uint64_t orders = 0;
    std::uint64_t refused = 0;
    std::uint64_t fills = 0;
    Money initial_cash;
    Money cash;
    Money equity;
    Money realized_pnl;
    Money unrealized_pnl;
    Money charges;
    Time first;
    Time last;
    std::vector<PortfolioResult> portfolios;
    std::vector<StrategyResult> strategies;
    std::vector<EquitySample> equity_curve;  ///< at most a few hundred points
    std::string log_head;                    ///< hexadecimal
    std::string state_digest;
    std::string journal;  ///< where it was written
    bool interrupted = false;
};

/// A fill as a CSV or a program wants it.
struct FillRow {
    Time time;
    std::string instrument;
    Side side = Side::buy;
    Qty quantity;
    Price price;
};

struct RunOptions {
    std::function<void(const FillRow&)> on_fill;           ///< may be null
    std::function<void(const FeedProgress&)> on_progress;  ///< called every few thousand records; may be null
    const std::atomic<bool>* stop = nullptr;               ///< set by a signal: ends cleanly after the present step
    /// Recorded time passes so many times as fast as real time; 0: as fast as it can. A log that catches up is not waited for.
    std::uint32_t speed = 0;
    Seq snapshot_events = Seq{1} << 20U;  ///< between two snapshots: what a replay folds at most, in 50 ms
    std::shared_ptr<spdlog::logger> log;  ///< of the component "session"; never null
};

/// Everything of a RunResult that a state tells: counts, sums and portfolios, under the names of its configuration. O(positions).
RunResult books_of(const State& state);

/// Runs the scenario into `log` (and finishes it). Bad data is an error of kind data and leaves the log unfinished.
Result<RunResult> run_scenario(const Scenario& scenario, LogWriter& log, const RunOptions& options);

}  // namespace alpha
