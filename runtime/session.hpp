#pragma once
/// The session loop: feed -> kernel -> log, one path for backtest, paper and live. Wires the parts together and reports what
/// came out.

#include "kernel/state.hpp"
#include "runtime/latency.hpp"
#include "runtime/scenario.hpp"
#include "store/clock.hpp"
#include "store/journal.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
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
    std::string broker;  ///< that it belongs to; empty where several are and nobody trades it
    Money initial_cash;
    Money cash;
    Money equity;
    Money realized_pnl;
    Money unrealized_pnl;
    Money charges;
    bool killed = false;
    LatchScope latch = LatchScope::none;  ///< how far its kill switch reaches
    /// What it holds and has ordered beyond its buying power: a gap, or a loss. At the present marks or, of a run, the most that a fill
    /// for more than its order was judged at took it there. Zero: it is within.
    Money beyond_power;
    std::uint64_t fills = 0;
    std::vector<InstrumentResult> instruments;  ///< those ever traded, by id
};

struct BrokerResult {
    std::string broker;
    std::string kind;
    std::vector<std::string> portfolios;  ///< that belong to it
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

/// Account equity at the end of an instant, for sparklines: never feeds back into anything.
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
    std::map<Rule, std::uint64_t> refused_by;  ///< how many orders each rule refused
    std::uint64_t fills = 0;
    std::uint64_t open_orders = 0;
    Money initial_cash;
    Money cash;
    Money equity;
    Money realized_pnl;
    Money unrealized_pnl;
    Money charges;
    /// The deepest fall of the account's equity, relative to its peak: exact, over every mark and fill. Equal where there was none.
    Money drawdown_peak;
    Money drawdown_trough;
    Money lowest_cash;  ///< of any portfolio, after any fill of this run; zero where none was below
    Time first;
    Time last;
    std::vector<PortfolioResult> portfolios;
    std::vector<BrokerResult> brokers;
    std::vector<StrategyResult> strategies;
    std::vector<EquitySample> equity_curve;  ///< at most a few hundred points
    std::string log_head;                    ///< hexadecimal
    std::string state_digest;
    std::string journal;  ///< where it was written
    bool interrupted = false;
    /// What is odd about the data, in the order in which it was seen: what the feed warned of, and at the end instruments of
    /// strategies that never appeared, or only as what the strategy does not trade on.
    std::vector<DataWarning> data_warnings;
    LatencyHistogram tick_latency;   ///< live: from a record received to all its consequences decided on and encoded
    LatencyHistogram order_latency;  ///< live: from a record received to an order handed to its broker
    /// Live, paced data: from a record due to all its consequences. More than tick_latency by how late the session saw it although it
    /// had nothing else to do: other programs, interrupts and hosts take the processor away.
    LatencyHistogram due_latency;
};

/// A fill as a CSV or a program wants it.
struct FillRow {
    Time time;
    std::string instrument;
    Side side = Side::buy;
    Qty quantity;
    Price price;
};

/// One rule of one portfolio: how much of it is used. Units as in kernel/risk.hpp.
struct RiskHeadroom {
    std::string portfolio;
    Rule rule = Rule::none;
    Money limit;
    Money used;
    Money room;  ///< limit - used; below zero: past it
};

/// How a session stands.
struct SessionStatus {
    RunResult books;              ///< heads and digests empty
    bool is_catching_up = false;  ///< its feeds have not come to where its journal goes on
    bool is_stopping = false;
    std::string speed;    ///< "max", "10x"
    Seq durable_seq = 0;  ///< every event before it is on disk
    std::uint64_t feed_records = 0;
    FeedProgress feed;
    std::vector<StreamStatus> streams;             ///< of its feeds, in the order of the scenario
    std::chrono::nanoseconds since_last_input{0};  ///< on the machine's clock
    std::chrono::nanoseconds running{0};
    std::vector<RiskHeadroom> risk;  ///< rules that a state can be measured against
};

class BackgroundLog;
class Inbox;

struct RunOptions {
    std::function<void(const FillRow&)> on_fill;  ///< may be null
    /// Called with every packet of records; may be null.
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
    std::chrono::nanoseconds spin{std::chrono::microseconds{200}};  ///< IntakeOptions::spin
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
    /// The log, where it is one: commits are then asked for, and the session goes on meanwhile; null: it waits for them.
    BackgroundLog* background = nullptr;
};

/// What the data lack, as an error of kind data; nothing when they lack nothing.
std::optional<Error> strict_error(const std::vector<DataWarning>& warnings);

/// How much of each rule's limit is used, of every portfolio that trades: position (the largest), gross exposure, open orders,
/// daily loss. O(positions).
std::vector<RiskHeadroom> risk_headroom(const State& state);

/// Everything of a RunResult that a state tells: counts, sums, portfolios, and which strategies are halted, under the names of its
/// configuration. O(positions).
RunResult books_of(const State& state);

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
