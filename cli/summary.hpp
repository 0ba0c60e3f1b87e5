#pragma once
/// A run's result as a person reads it.

#include "cli/terminal.hpp"
#include "cli/zone.hpp"
#include "config/scenario.hpp"
#include "views/books.hpp"
#include "views/format.hpp"

#include <string>
#include <vector>

namespace alpha {

/// Kill switches that are latched and strategies that are halted: what exit code 6 stands for.
std::vector<std::string> halts_of(const RunResult& result, const std::string& journal);

/// What a trader should not overlook: the scenario's warnings, what is odd about the data, halts, refused orders, an interrupted
/// run. The journal's path is for the commands that say more.
std::vector<std::string> warnings_of(const Scenario& scenario, const RunResult& result, const std::string& journal);

/// A row a portfolio; a row for every instrument that a portfolio ever traded, empty when there is none.
std::string portfolio_table(const RunResult& result, const Style& style);
std::string instrument_table(const RunResult& result, const Style& style);

/// The beginning of a digest, as much as a person compares.
std::string short_digest(const std::string& digest);

/// The screen at the end of a run.
std::string run_summary(const Scenario& scenario, const RunResult& result, const RunFacts& facts, const Zone& zone,
                        const Style& style);

/// The same in one line.
std::string run_summary_line(const RunResult& result, const RunFacts& facts);

}  // namespace alpha
