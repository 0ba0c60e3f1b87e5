#pragma once
/// What a journal came to, for the commands that show it.

#include "results/fold.hpp"
#include "store/trial_ledger.hpp"

#include <string>
#include <string_view>

namespace alpha {

/// How a file of ours is known: by what its head holds, or begins with.
struct ReportForm {
    std::string_view mark;
    bool is_first;
};
inline constexpr ReportForm kHtmlReport{"alpha report</title>", false};
inline constexpr ReportForm kCsvReport{"section,name,metric,value,unit\n", true};
inline constexpr ReportForm kJsonReport{"{\"scenario\":", true};

/// Refuses (kind usage) to replace a file that holds something and is no report of this form: somebody may have written it by hand.
Result<void> check_replaced(const std::string& path, const ReportForm& form);

/// Opens the journal and folds it. `ledger` (store/trial_ledger.hpp) may be missing, and empty: it is not asked; one that was tampered with
/// is refused.
Result<FoldedResults> results_of_journal(const std::string& journal, ResultsOptions options,
                                         const std::string& ledger = kTrialLedger);

}  // namespace alpha
