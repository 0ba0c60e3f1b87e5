#pragma once
/// The session loop: feed -> kernel -> log, one path for backtest, paper and live. Wires the parts together and reports what
/// came out.

#include "config/scenario.hpp"
#include "runtime/outside_links.hpp"
#include "store/clock.hpp"
#include "store/journal.hpp"
#include "views/books.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace spdlog {
class logger;
}

namespace alpha {

class BackgroundLog;
class Inbox;

struct RunOptions {
    std::function<void(const FillRow&)> on_fill;  ///< may be null
    /// Called with every batch of records; may be null.
    std::function<void(const FeedProgress&, const State&)> on_progress;
    const std::atomic<bool>* stop = nullptr;  ///< set by a signal: what was received is taken, then it ends cleanly
    /// Between two snapshots lie so many events, which a replay folds in 50 ms, and so many times the bytes that the last one
    /// took: the state is as large as its open orders and instruments make it.
    Seq snapshot_events = Seq{1} << 20U;
    std::uint32_t snapshot_growth = 16;
    /// A backtest that was not interrupted ends with an error (kind data) where the data lack something that somebody counts on, and
    /// leaves the log unfinished. Who runs a live session, whose log is kept, looks at its result: strict_error().
    bool is_strict = false;
    std::uint32_t frame_events = 1'024;   ///< per stored frame; no byte of the log depends on it
    std::shared_ptr<spdlog::logger> log;  ///< of the component "session"; never null

    // Of a session that is live. A backtest reads its data itself and waits for nothing.

    bool is_live =
        false;  ///< reads on a thread of its own, stores what it has when nothing arrives, measures latencies
    std::uint32_t speed = 0;  ///< recorded time passes so many times as fast as real time; 0: as fast as it can
    std::chrono::nanoseconds spin{std::chrono::microseconds{200}};  ///< MarketQueueOptions::spin
    Clock* clock = &real_clock();                                   ///< never null; outlives the session
    /// How long `stop` may go unseen while nothing comes: a signal wakes nobody.
    std::chrono::nanoseconds look_for_stop{std::chrono::milliseconds{50}};
    std::optional<unsigned> cpu;  ///< the processor that the kernel's thread moves to; nothing else should be there
    std::chrono::nanoseconds duration{0};  ///< real time after which it ends; 0: with its feeds
    /// How long a strategy from a library may take for a callback (runtime/callback_budget.hpp); zero: as long as it likes.
    std::chrono::milliseconds callback_budget{0};
    bool cut_days = false;       ///< marks where a day of its records begins (Batch::ended_day)
    bool commit_orders = false;  ///< an order counts as handed over once what led to it is on disk
    Inbox* inbox = nullptr;      ///< may be null; outlives the session
    /// A latch, a halt, a feed lost, in a sentence; from any thread, and must not wait; may be null.
    std::function<void(const std::string&)> on_alarm;
    /// Brokers outside that orders go to; each is one of the scenario's. Its sources are stamped by the machine's clock.
    std::vector<OutsideBrokerOptions> outside;
    /// The log, where it is one: commits are then asked for, and the session goes on meanwhile; null: it waits for them.
    BackgroundLog* background = nullptr;
};

/// What the data lack, as an error of kind data; nothing when they lack nothing.
std::optional<Error> strict_error(const std::vector<DataWarning>& warnings);

/// Runs the scenario into `log` (and finishes it). Bad data is an error of kind data; a backtest leaves its log unfinished then, a
/// live session finishes it: what was taken before stands, orders that are open stay open, and the error says how many.
///
/// `stored`, if given, shows what `log` holds already: the session goes on from there. What was decided since the newest checkpoint
/// is decided again and compared, and so is what the feeds give with what was taken from them. Refuses
///   - (kind usage) another configuration than the log's;
///   - (kind data) feeds that give other records than before, or fewer;
///   - (kind mismatch) a log that this program would have decided otherwise.
Result<RunResult> run_scenario(const Scenario& scenario, LogWriter& log, const RunOptions& options,
                               std::unique_ptr<Journal> stored = nullptr);

}  // namespace alpha
