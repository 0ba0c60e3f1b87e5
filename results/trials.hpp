#pragma once
/// How much trying a result stands on: the rows of the trial ledger (store/trial_ledger.hpp) that belong to its family.

#include "results/results.hpp"
#include "store/trial_ledger.hpp"

#include <optional>
#include <string>
#include <vector>

namespace alpha {

/// Of the family, distinct runs alone: the same configuration on the same data was not tried twice.
struct TrialSummary {
    Trials trials;  ///< without deflated_sharpe, which is a statistic
    std::optional<double>
        sharpe_variance;  ///< of the daily Sharpe ratios of the distinct runs; nothing: of fewer than two
};

/// `log_head`: of the run that is looked at; where the ledger does not have it, it counts as one more. `trials.head` is a hash over the
/// distinct runs in their order, without the times at which they ran: a run that is repeated changes nothing. Nothing where the ledger
/// has no run of the family.
std::optional<TrialSummary> trials_of(const std::vector<TrialRow>& rows, const std::string& family,
                                      const std::string& log_head);

}  // namespace alpha
