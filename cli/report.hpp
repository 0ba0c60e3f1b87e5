#pragma once
/// What a journal came to, for the commands that show it.

#include "results/fold.hpp"
#include "store/trial_ledger.hpp"

#include <string>

namespace alpha {

/// Opens the journal and folds it; `command` is what makes it again, empty where nobody knows. `ledger` (store/trial_ledger.hpp) may be
/// missing, and empty: it is not asked; one that was tampered with is refused.
Result<FoldedResults> results_of_journal(const std::string& journal, const std::string& command, ResultsOptions options,
                                         const std::string& ledger = kTrialLedger);

}  // namespace alpha
