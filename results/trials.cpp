#include "results/trials.hpp"

#include "results/numbers.hpp"
#include "results/overfitting.hpp"

#include <algorithm>
#include <set>

namespace alpha {

namespace {

/// Day over day, the first against the initial cash; empty where equity is not above zero.
std::vector<double> returns_of(const TrialRow& row) {
    std::vector<double> returns;
    Money before = row.initial_cash;
    for (const auto& [date, equity] : row.days) {
        if (before.raw <= 0) {
            return {};
        }
        returns.push_back(static_cast<double>(equity.raw) / static_cast<double>(before.raw) - 1);
        before = equity;
    }
    return returns;
}

/// The returns of those that ran over the days of `log_head`, or of the last one where that is not among them: only they can be compared.
std::vector<std::vector<double>> same_days(const std::vector<const TrialRow*>& rows, const std::string& log_head) {
    const auto found =
        std::ranges::find(rows, log_head, [](const TrialRow* row) -> const std::string& { return row->log_head; });
    const TrialRow& of = found != rows.end() ? **found : *rows.back();
    std::vector<std::vector<double>> matrix;
    for (const TrialRow* const row : rows) {
        if (std::ranges::equal(row->days, of.days, {}, &std::pair<Date, Money>::first,
                               &std::pair<Date, Money>::first)) {
            if (std::vector<double> returns = returns_of(*row); !returns.empty()) {
                matrix.push_back(std::move(returns));
            }
        }
    }
    return matrix;
}

}  // namespace

std::optional<TrialSummary> trials_of(const std::vector<TrialRow>& rows, const std::string& family,
                                      const std::string& log_head) {
    TrialSummary summary;
    Trials& trials = summary.trials;
    trials.family = family;
    std::set<std::string> seen;
    std::string all;
    std::vector<double> sharpes;
    std::vector<const TrialRow*> distinct;
    for (const TrialRow& row : rows) {
        if (row.family != family || !seen.insert(row.log_head).second) {
            continue;
        }
        all += row.log_head + '\n';
        const std::vector<double> returns = returns_of(row);
        if (const Maybe sharpe = ratio_of(mean_of(returns), deviation_of(returns))) {
            sharpes.push_back(*sharpe);
        }
        distinct.push_back(&row);
    }
    if (seen.empty()) {
        return {};
    }
    trials.is_recorded = seen.contains(log_head);
    trials.distinct = seen.size() + (trials.is_recorded ? 0U : 1U);
    trials.head = to_hex(sha256(Bytes(reinterpret_cast<const std::uint8_t*>(all.data()), all.size())));
    summary.sharpe_variance = covariance_of(sharpes, sharpes);
    if (const std::optional<Overfitting> overfitting = overfitting_of(same_days(distinct, log_head))) {
        trials.overfitting_probability = overfitting->probability;
    }
    return summary;
}

}  // namespace alpha
