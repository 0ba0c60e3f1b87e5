#pragma once
/// A tradebook: executions as Zerodha's Console lists them, whoever wrote them down. Its times are those of India, to the second and without a zone in the
/// text; it knows no product, no portfolio, no settlement and no corporate action.

#include "events/fixed.hpp"
#include "events/instrument.hpp"
#include "events/side.hpp"
#include "events/time.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// What Zerodha's times are in, all year.
inline constexpr std::int32_t kIndiaOffsetS = 19'800;

/// The columns, in Zerodha's order; the last only where a row has one.
inline constexpr std::string_view kTradebookColumns =
    "symbol,isin,trade_date,exchange,segment,series,trade_type,auction,"
    "quantity,price,trade_id,order_id,order_execution_time";
inline constexpr std::string_view kTradebookExpiry = "expiry_date";

/// One execution. Texts that nobody knows are empty.
struct TradebookRow {
    std::string symbol;    ///< "INFY", "NIFTY24JAN21500CE"
    std::string isin;      ///< of shares
    Date date;             ///< the trading day
    std::string exchange;  ///< "NSE", "BSE", "MCX": of a contract as well the exchange itself
    std::string segment;   ///< "EQ", "FO", "CDS", "COM"
    std::string series;
    Side side = Side::buy;
    bool is_auction = false;
    Qty quantity;
    Price price;
    std::string trade;  ///< the exchange's number: unique on one exchange and day only
    std::string order;
    Time time;             ///< of the execution, whole seconds in a file
    Date expiry = kNoDay;  ///< of a contract

    std::uint32_t file = 0;  ///< where it is from: which of the files, 0 for a journal,
    std::uint64_t line = 0;  ///< and its line, or the journal's event

    /// Whether it is of what is owned (units of funds too), and no contract.
    bool is_share() const { return expiry == kNoDay && segment != "FO" && segment != "CDS" && segment != "COM"; }
    Money amount() const { return notional(price, quantity); }
    /// The day in India on which it was executed: that of trade_date, or the one after, of a session that goes on behind midnight.
    Date executed_on() const { return TradingHours{.utc_offset_s = kIndiaOffsetS}.date_of(time); }
    /// The second in which it was executed, since 1970.
    std::int64_t second() const { return floor_of(time, Duration{kSecondNs}).ns / kSecondNs; }
};

/// The instrument as alpha and Kite name it: "NSE:INFY", "NFO:NIFTY24JAN21500CE".
std::string instrument_of(const TradebookRow& row);
/// Fills in what a row says of an instrument: symbol, isin, exchange, segment, series and expiry.
void describe_instrument(TradebookRow& row, const Instrument& of);

/// By execution time, then trade id (as numbers where both are), order id and instrument.
bool is_before(const TradebookRow& a, const TradebookRow& b);

/// "2024-01-01T09:15:32" in India.
std::string india_time(Time t);

/// The columns and a line a row, as Zerodha writes them: six decimals at least.
std::string tradebook_csv(std::span<const TradebookRow> rows);
/// The same fields, as one object on one line without a line feed; numbers are minimal decimals, expiry_date is null where there is none.
std::string tradebook_json(const TradebookRow& row);

}  // namespace alpha
