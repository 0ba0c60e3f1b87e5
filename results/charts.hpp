#pragma once
/// The figures of a report (results/report.hpp), each as HTML: a caption that says what is found in it, and the drawing. Where there is too little to
/// draw, a sentence says so in its place. Figures that are as wide as the page are drawn twice, for wide and for narrow screens.

#include "results/results.hpp"

#include <string>
#include <vector>

namespace alpha {

/// A figure: heading, sentence, then what it shows.
std::string figure(std::string_view title, std::string_view finding, std::string_view drawing,
                   std::string_view style = {});

/// What an instrument's local times are ahead of UTC; 0 where that is not known.
std::int32_t utc_offset_of(const Results& results, InstrumentId instrument);

/// Daily equity, each day's end, as numbers, with what it began with in front.
std::vector<double> daily_equity(const Results& results);
/// The deepest five falls.
std::vector<DrawdownPeriod> worst_drawdowns(const Results& results);

/// Equity, the benchmark and the worst drawdowns over the time that passed, and under it how far equity was below its peak.
std::string equity_figure(const Results& results);
/// Returns by month, a row a year, as a table.
std::string monthly_figure(const Results& results);
/// Daily returns: their histogram, each day, each year.
std::string return_figures(const Results& results);
/// Sharpe ratio, volatility and beta of the last 63 days on each day.
std::string rolling_figures(const Results& results);
/// Prices of what was traded most, with entries and exits.
std::string price_figures(const Results& results);
/// Net against how far a trade was down and up, and net of each trade.
std::string trade_figures(const Results& results);
/// From what prices gave to the net, step by step.
std::string cost_figure(const Results& results);

}  // namespace alpha
