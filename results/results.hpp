#pragma once
/// Results: what a session came to, as people compare it. Everything in here follows from the log alone (results/fold.hpp), so it is
/// the same for a backtest, a live session and its replay. Amounts are exact; what is a number and no amount (a ratio, a
/// volatility) is a double that nothing ever reads back.

#include "events/event.hpp"
#include "events/fixed.hpp"
#include "events/time.hpp"
#include "results/statistics.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace alpha {

/// How a trade ended.
enum class TradeEnd : std::uint8_t {
    open,        ///< it has not: its exit is the last mark
    fill,        ///< by an order
    settlement,  ///< its contract expired
    action       ///< what was held became something else, or was paid out
};
const char* name_of(TradeEnd end);

/// One side of a trade.
struct TradeLeg {
    Time time;
    Date date;           ///< the instrument's trading day
    Seq event = kNoSeq;  ///< of an entry's first fill and an exit's last, as `time`; `alpha log --from` shows it
    OrderId order;       ///< 0: none, by settlement or action
    Price price;         ///< average, half-even
    Money notional;      ///< price x quantity x multiplier, of the fills
    std::string tag;     ///< of its order
};

/// What was held between an entry and an exit. Two lists of them are kept:
///   lots    first in, first out, a row for each pair of entry order and exit order (and their days): what taxes go by
///   rounds  from flat to flat, at average prices: what a trader calls a trade
struct Trade {
    PortfolioId portfolio;
    StrategyId strategy;  ///< of the entry's order; kOperator: a person's
    InstrumentId instrument;
    Product product = Product::none;
    Side side = Side::buy;  ///< of the entry: buy is long
    Qty quantity;           ///< rounds: the most that was held
    TradeLeg entry;
    TradeLeg exit;
    TradeEnd end = TradeEnd::open;
    Money gross;    ///< before charges; open ones at the last mark
    Money charges;  ///< of its fills, each in proportion
    /// The most it was up at any mark while it was held, gross; at least 0 (maximum favourable excursion). Of several parts the sum: what
    /// was held then, at that mark, and what those that were closed by then had made.
    Money best;
    Money worst;  ///< the most it was down; at most 0 (maximum adverse excursion)
    std::uint32_t fills = 0;
    bool is_long_term = false;  ///< lots: held for more than twelve months

    Money net() const { return gross - charges; }
    bool is_open() const { return end == TradeEnd::open; }
    Duration held() const { return exit.time - entry.time; }
};

/// The end of a trading day.
struct DayPoint {
    Date date;
    Money equity;
    double exposure = 0;  ///< gross exposure over equity at its end
};

/// Several marks in one, for drawing: at most some hundred of these, whatever the length.
struct Band {
    Time first;
    Time last;
    double open = 0;
    double low = 0;
    double high = 0;
    double close = 0;
};

/// Where trades are put together by what they have in common.
struct GroupRow {
    std::string name;
    std::uint64_t trades = 0;
    std::uint64_t wins = 0;
    Money gross;
    Money charges;
    Money net() const { return gross - charges; }
};

/// An instrument that was traded.
struct TradedInstrument {
    InstrumentId id;
    std::string name;
    std::vector<Band> prices;
    Price first;  ///< mark
    Price last;
};

/// One part of the way from gross to net. They add up to the net exactly.
struct CostRow {
    std::string name;  ///< "brokerage", "gst", …; "charges" where no plan gives lines
    Money amount;      ///< below zero: paid
};

/// Something odd about the data (markets/quality.hpp).
struct Finding {
    std::string kind;     ///< "missing_days", "split", …
    std::string gravity;  ///< "serious", "doubtful", "note"
    std::string instrument;
    std::uint64_t count = 0;
    std::string text;    ///< one sentence: what, where first, what it may mean
    Seq event = kNoSeq;  ///< the first
};

/// Something that the result rests on, in words.
struct Assumption {
    std::string title;
    std::string text;
};

/// A portfolio, a strategy or an instrument by itself; or the benchmark, as if it had been bought instead.
struct Section {
    std::string kind;  ///< "benchmark", "portfolio", "strategy", "instrument"
    std::string name;
    Statistics statistics;
};

/// How much trying this result stands on (results/trials.hpp).
struct Trials {
    std::string family;          ///< "sma_cross on NSE:INFY": what was tried, without its parameters
    std::string head;            ///< a hash over the distinct runs, hexadecimal
    std::uint64_t distinct = 0;  ///< different runs of the family, this one among them
    bool is_recorded = false;    ///< whether the ledger has this one
    std::optional<double>
        deflated_sharpe;  ///< probability that the true Sharpe ratio is above zero after so many trials
    std::optional<double>
        overfitting_probability;  ///< by combinatorial cross-validation over the distinct runs of the same days
};

struct Results {
    std::string scenario;
    std::string currency;
    RunConfigured config;  ///< as event 0 gave it
    std::string log_head;  ///< hexadecimal
    std::string state_digest;
    std::string journal;  ///< as a person named it
    Seq events = 0;
    std::uint64_t quotes = 0;
    std::uint64_t trade_ticks = 0;  ///< trades of the market that were told of
    std::uint64_t bars = 0;
    std::uint64_t orders = 0;
    std::uint64_t refused = 0;
    std::uint64_t fills = 0;
    Time first;
    Time last;
    Money initial_cash;
    Money equity;
    Money realized_pnl;
    Money unrealized_pnl;
    Money charges;
    std::vector<std::string> portfolios;    ///< by id
    std::vector<std::string> strategies;    ///< by id
    std::vector<std::string> instruments;   ///< by id
    std::vector<std::int64_t> multipliers;  ///< by instrument
    std::vector<std::int32_t>
        utc_offsets_s;  ///< by instrument: what its local times were ahead of UTC at the end; empty: not known, UTC
    double periods_per_year = 252;  ///< how many days such as these a year has

    Statistics statistics;          ///< of the account
    std::vector<Section> sections;  ///< the benchmark; portfolios, strategies and instruments where there are several
    std::vector<DayPoint> days;
    std::vector<Band> equity_curve;
    std::vector<double> benchmark;  ///< by day: what initial_cash would be worth; empty: there is none
    std::string benchmark_name;
    std::vector<Trade> lots;    ///< by exit time, open ones last
    std::vector<Trade> rounds;  ///< the same
    std::vector<TradedInstrument> traded;
    std::vector<CostRow>
        costs;  ///< from what prices gave, at the marks at which orders were decided, by slippage and charges, to net
    std::vector<GroupRow> by_tag;
    std::vector<GroupRow> by_instrument;
    std::vector<GroupRow> by_weekday;  ///< of the entry, Monday first
    std::vector<GroupRow> by_hour;     ///< of the entry, local to its instrument; 24
    std::vector<GroupRow> by_exit;     ///< how they ended, by tag of the exit's order
    std::vector<Finding> findings;
    std::vector<Assumption> assumptions;
    std::optional<Trials> trials;
};

}  // namespace alpha
