#pragma once
/// Books, a session's status and rows as JSON: one object on one line, without a line feed, its fields as docs/reference-cli.md
/// lists them. Whoever shows one of them to a program (a command, a session's control, a server) shows it so.

#include "views/books.hpp"
#include "views/json.hpp"
#include "views/rows.hpp"
#include "views/status.hpp"

#include <string>
#include <vector>

namespace alpha {

/// A run that has ended.
std::string run_json(const RunResult& result, const std::vector<std::string>& warnings, const RunFacts& facts);
/// A session that runs.
std::string status_json(const SessionStatus& status, const SessionFacts& facts);
/// A journal at which none does.
std::string journal_json(const std::string& journal, const RunResult& books, bool clean_end,
                         const std::vector<RiskHeadroom>& risk);

// Rows (views/read_models.hpp). `config` is their journal's.

std::string portfolio_json(const PortfolioView& portfolio, const RunConfigured& config);
std::string order_json(const OrderView& order);
std::string fill_json(const FillView& fill);

// Components of other reports.

/// Adds the fields that every report of books has: cash, equity, realized_pnl, unrealized_pnl, charges, positions
/// `{instrument: quantity}`, portfolios `{id: {initial_cash, cash, equity, ..., positions}}`.
JsonObject& add_books(JsonObject& json, const RunResult& result);
/// `{id: {kind, portfolios}}`.
std::string brokers_json(const RunResult& result);

}  // namespace alpha
