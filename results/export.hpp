#pragma once
/// Results as programs want them: CSV and JSON. Amounts and prices are exact decimals in text, times nanoseconds since 1970 UTC; a
/// statistic is a JSON number with all its digits, or null where it cannot be said. docs/reference-results.md lists the fields.

#include "results/results.hpp"

#include <string>
#include <vector>

namespace alpha {

/// The columns and a line a trade.
std::string trades_csv(const Results& results, const std::vector<Trade>& trades);
/// One object on one line, without a line feed.
std::string trade_json(const Results& results, const Trade& trade);

/// Whose trade it is: a strategy's name, or "operator".
std::string strategy_of(const Results& results, const Trade& trade);

/// "section,name,metric,value,unit": every statistic that can be said, of the account and of each section.
std::string statistics_csv(const Results& results);
/// All but the curves and the trades: one object on one line, without a line feed.
std::string results_json(const Results& results);

/// A value as CSV and JSON have it; empty where it cannot be said. Durations are seconds.
std::string plain_text(const MetricValue& value);

}  // namespace alpha
