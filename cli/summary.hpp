#pragma once
/// A run's result as a person and as a program read it.

#include "cli/json.hpp"
#include "cli/terminal.hpp"
#include "cli/zone.hpp"
#include "runtime/scenario.hpp"
#include "runtime/session.hpp"

#include <string>
#include <vector>

namespace alpha {

/// What the command knows of a run beside its result. None of it is in the log: it differs from
/// machine to machine.
struct RunFacts {
    std::string command;  ///< what repeats it, e.g. "alpha backtest scenarios/demo.yaml"
    std::string journal;
    std::string fills_file;  ///< empty: none was written
    double wall_s = 0;
    double peak_rss_mb = 0;
};

/// Kill switches that are latched and strategies that are halted: what exit code 6 stands for.
std::vector<std::string> halts_of(const RunResult& result, const std::string& journal);

/// What a trader should not overlook: the scenario's warnings, what is odd about the data, halts, refused orders, an interrupted run. The journal's path is
/// for the commands that say more.
std::vector<std::string> warnings_of(const Scenario& scenario, const RunResult& result, const std::string& journal);

/// One object on one line, as docs/reference-cli.md lists its fields.
std::string run_json(const Scenario& scenario, const RunResult& result, const RunFacts& facts);

/// Adds the fields that every report of books has: cash, equity, realized_pnl, unrealized_pnl, charges, positions
/// `{instrument: quantity}`, portfolios `{id: {initial_cash, cash, equity, ..., positions}}`.
JsonObject& add_books(JsonObject& json, const RunResult& result);
/// `{id: {kind, portfolios}}`.
std::string brokers_json(const RunResult& result);

/// `{tick: {count, p50_ns, ...}, order: {...}}`.
std::string latency_json(const RunResult& result);

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
