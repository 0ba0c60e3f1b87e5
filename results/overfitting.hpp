#pragma once
/// How much of a good result is having tried often.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace alpha {

/// The highest Sharpe ratio to expect of this many independent trials of no skill, whose Sharpe ratios have this variance (in the same
/// unit: a day's, squared): sqrt(variance) x ((1 - g) Q(1 - 1/n) + g Q(1 - 1/(n e))), g being Euler's constant and Q the normal
/// quantile (Bailey and Lopez de Prado 2014). 0 of one trial. Requires trials > 0, variance >= 0.
double expected_max_sharpe(std::uint64_t trials, double variance);

/// The probability of backtest overfitting.
struct Overfitting {
    double probability =
        0;  ///< share of the splits in which the best trial of one half is at or below the median in the other
    std::uint64_t splits = 0;  ///< combinations of half of the blocks, in which one trial is the best
    std::size_t blocks = 0;    ///< as used
};

/// Combinatorially symmetric cross-validation (Bailey, Borwein, Lopez de Prado and Zhu 2015). `trials` holds a row of daily returns for
/// each trial, all of the same days. The days are cut into `blocks` blocks of as many days each (days % blocks of the oldest are left
/// out); for each choice of half of them the trial with the highest Sharpe ratio there is looked up in the other half: its rank among n
/// trials (1 the worst, ties share the mean of theirs) over n + 1 is at most 1/2 where it was overfitted. A trial that never moves has a
/// Sharpe ratio of zero. Trials that returned the same on each day are one. A choice in which several are the best is left out: there is
/// none to look up.
///
/// `blocks_max` is made even, at most 16, and lowered until a block has two days. Nothing for fewer than two trials or four days, rows of
/// different lengths, a return that is no finite number, or where no choice has a best. O(trials x (log trials x days + splits x
/// blocks)), at most 12,870 splits.
std::optional<Overfitting> overfitting_of(std::span<const std::vector<double>> trials, std::size_t blocks_max = 16);

}  // namespace alpha
