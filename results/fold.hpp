#pragma once
/// From the log to results: one fold, whoever wrote the log. O(events), some 30 ns beside the fold of the state; memory grows with trades
/// and days, not with ticks.

#include "kernel/state.hpp"
#include "results/results.hpp"
#include "store/event_log.hpp"

#include <functional>
#include <string>

namespace alpha {

struct ResultsOptions {
    /// What to compare with: buying this instrument at its first price and holding it. Empty: all instruments that strategies name, in equal
    /// parts.
    std::string benchmark;
    /// Different configurations that were tried, and the variance of their daily Sharpe ratios (results/ledger.hpp); nothing: not known.
    std::optional<std::uint64_t> trials;
    std::optional<double> trial_sharpe_variance;
    /// Called now and then with the events folded so far; may be null.
    std::function<void(Seq events)> on_progress;
};

/// What a log came to, and the state at its end.
struct FoldedResults {
    Results results;  ///< without what only its caller knows: journal, log_head, state_digest, trials
    State state;
};

/// Folds the events before `end`. Refuses (kind data) what LogReader::scan and visit_events refuse, and (kind usage) a benchmark that the log
/// does not know. A fact that contradicts the state stops the process (kernel/state.hpp): who reads logs of unknown origin does so in a child
/// (runtime/isolation.hpp).
Result<FoldedResults> results_of(const LogReader& log, Seq end, const ResultsOptions& options = {});

/// The periods of such days in a year: 252, or 365 where weekends are among them, 52 of weeks and 12 of months. What every statistic of a
/// year is reckoned with.
double periods_per_year(std::span<const Date> days);

}  // namespace alpha
