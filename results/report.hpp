#pragma once
/// The report of a run: one HTML file that stands alone. It asks for nothing from outside, runs no script, and is the same bytes for the same
/// results on every machine. It is XML as well, so that programs can read it.
///
/// In this order: what was run; verdict cards and what to mind before believing them; equity and drawdowns; returns by month, day and year; rolling
/// statistics; prices with fills; trades; costs; groups of trades; every statistic; findings in the data; assumptions; trials; formulas; the commands
/// that make it again.

#include "results/results.hpp"

#include <string>
#include <string_view>

namespace alpha {

/// O(days + trades). At most 500 trades are listed and some hundred points drawn a line, so that it stays below a megabyte.
std::string report_html(const Results& results);

/// A statistic as people read it: "+12.30%", "1.21", "₹41,208.00", "3 d 04 h"; "n/a" where it cannot be said.
std::string metric_text(const Metric& metric, std::string_view currency);

}  // namespace alpha
