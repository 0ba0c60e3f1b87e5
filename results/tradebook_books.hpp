#pragma once
/// The books that a tradebook comes to, and the tradebook of a journal. Amounts are exact; profits are first in, first out (results/trades.hpp), before
/// charges, and of trades alone: what a settlement, a dividend, a split or a bonus did is in no tradebook.

#include "markets/charges.hpp"
#include "results/results.hpp"
#include "store/event_log.hpp"
#include "views/tradebook.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace alpha {

/// Every fill of a journal as a row, in the order of its events.
struct JournalTrades {
    std::vector<TradebookRow> rows;
    std::vector<PortfolioId> portfolio_of;  ///< by row
    std::vector<std::string> portfolios;    ///< by id
    std::string currency;
};

/// Trading days are those of the instruments; orders and trades have the broker's ids where the journal has them, else alpha's. Refuses (kind data) what
/// LogReader::scan and visit_events refuse. O(events).
Result<JournalTrades> trades_of_journal(const LogReader& log);

/// What was traded of one share or contract. A share is the same on all exchanges where its ISIN says so.
struct ScripBook {
    std::string name;  ///< "NSE:INFY", as the latest trade has it
    std::string isin;
    Date expiry = kNoDay;
    bool is_share = true;
    std::uint64_t trades = 0;
    Qty bought;
    Qty sold;
    Money bought_amount;
    Money sold_amount;
    Price average;  ///< what a unit of what is held cost (of a short: brought), half-even; zero where nothing is held
    Money cost;     ///< of what is held; below zero: a short's, as in the books of a portfolio

    // Realized, by what it was. They add up to `realized`.
    Money realized;
    Money intraday;    ///< shares, bought and sold on one day
    Money short_term;  ///< shares, held for up to twelve months
    Money long_term;   ///< shares, for more
    Money contracts;   ///< futures and options

    Qty net() const { return bought - sold; }
};

/// A share of which more was sold than the rows bought until then.
struct Oversold {
    std::size_t row = 0;       ///< the first such sale
    Qty beyond;                ///< by how much that one went beyond
    std::uint64_t shares = 0;  ///< how many different shares that happened to
};

struct TradebookBooks {
    std::vector<ScripBook> scrips;  ///< by name
    Results
        results;  ///< lots, open ones at the last price of their scrip, and what trades_csv (results/export.hpp) asks for
    std::optional<Oversold> oversold;
    Date last;  ///< the latest trading day; 1970-01-01 where nothing was traded
};

/// Requires rows in the order of is_before. Refuses (kind data) quantities beyond limits::kMaxPosition of one scrip.
Result<TradebookBooks> books_of(std::span<const TradebookRow> rows);

/// Whether a quantity of one may be a lot of many units, which no tradebook tells (currency, commodities): amounts are then of lots.
bool is_in_lots(const TradebookRow& row);

/// What trading the rows cost.
struct TradebookCharges {
    Money notes;   ///< of the contract notes, a note a day, each line rounded as it is there
    Money ledger;  ///< beside them: what the depository asks for shares that were sold
    std::uint64_t days = 0;

    Money total() const { return notes + ledger; }
};

/// By a plan of charges, day by day. What was bought and sold of a share on one day counts as intraday, whatever the product, which no tradebook has;
/// every share counts as of the group "ordinary". Refuses (kind data) what is_in_lots or what the plan does not know, with the day.
Result<TradebookCharges> charges_of_tradebook(const markets::ChargePlan& plan, std::span<const TradebookRow> rows);

}  // namespace alpha
