#pragma once
/// What a journal came to, for the commands that show it.

#include "results/fold.hpp"
#include "store/trial_ledger.hpp"

#include <string>

namespace alpha {

/// Opens the journal and folds it. `ledger` (store/trial_ledger.hpp) may be missing, and empty: it is not asked; one that was tampered with
/// is refused.
Result<FoldedResults> results_of_journal(const std::string& journal, ResultsOptions options,
                                         const std::string& ledger = kTrialLedger);

}  // namespace alpha
