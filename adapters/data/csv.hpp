#pragma once
/// Market data from CSV text: quotes, trades and bars. Every refusal is of kind data and reads "FILE:LINE:
/// what; how to mend it", the header being line 1. A byte-order mark, CRLF and blank lines at the
/// end are tolerated; guesses about values are not made.
///
///   quotes  ts_ns,instrument,bid,bid_qty,ask,ask_qty             any order; no other column
///   trades  ts_ns,instrument,price,quantity[,volume][,open_interest][,exchange_ns]   as above; what TradeTick says of each
///   bars    date|timestamp,open,high,low,close[,volume][,instrument]   any order; other columns
///   are ignored

#include "adapters/data/byte_source.hpp"
#include "adapters/data/record_stream.hpp"

namespace alpha {

/// The header that alpha itself writes for quotes.
inline constexpr std::string_view kQuoteHeader = "ts_ns,instrument,bid,bid_qty,ask,ask_qty";

inline constexpr std::string_view kTradeHeader = "ts_ns,instrument,price,quantity";

/// Quotes or trades, by its kind: opens `source.file` and reads its header.
Result<std::unique_ptr<RecordStream>> open_csv_ticks(const DataSource& source);
/// Bars may also be written as other programs write them (adapters/data/foreign.hpp), which reads times without an offset by `times`.
Result<std::unique_ptr<BarRows>> open_csv_bars(const DataSource& source, const TimesOf& times = {});

/// What a scenario says of bars, before any are there: refuses (kind usage) an interval or a name that cannot be.
Result<void> judge_csv_bars(const DataSource& source);

/// The same from what one sender of the stream `source.stream` says, of which nothing is read yet. A last line without its end
/// is not taken: the sender may have died in the middle of it. Bars must have been judged.
std::unique_ptr<RecordStream> csv_ticks_from(const DataSource& source, std::unique_ptr<ByteSource> text);
std::unique_ptr<BarRows> csv_bars_from(const DataSource& source, std::unique_ptr<ByteSource> text);

/// What a CSV of bars says of itself.
struct BarShape {
    bool names_instruments = false;  ///< has a column for them
    Duration interval;               ///< the shortest distance of two bars; a day where they are labelled by date
    std::string doubt;               ///< why it cannot be told
};
/// Reads all labels of the source's file. Refuses (kind data) another header; what is wrong further on is not judged.
Result<BarShape> shape_of_csv_bars(const DataSource& source);

}  // namespace alpha
