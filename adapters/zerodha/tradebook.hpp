#pragma once
/// Zerodha's tradebook as Console gives it for download (Reports, Tradebook, CSV): a header, then an execution a row, newest or oldest first.
///
/// | column               | holds                                         | may be absent or empty                    |
/// |----------------------|-----------------------------------------------|-------------------------------------------|
/// | symbol               | what was traded                               | no                                        |
/// | trade_date           | `2024-01-01`                                  | no                                        |
/// | trade_type           | `buy` or `sell`                               | no                                        |
/// | quantity, price      | decimals above 0                              | no                                        |
/// | trade_id, order_id   | as the exchange and the broker have them      | no                                        |
/// | order_execution_time | `2024-01-01T09:15:32` in India, or with space | no                                        |
/// | exchange, segment    | `NSE`, `EQ`                                   | empty; then it is an instrument of neither |
/// | isin, series         | texts                                         | yes                                       |
/// | auction              | `true` or `false`                             | yes: false                                |
/// | expiry_date          | `2024-01-25`, of contracts                    | yes                                       |
///
/// Columns stand in any order, other columns are passed over, names of columns are read in any case and with spaces for underscores. A byte-order
/// mark, CRLF, quotes and empty lines are tolerated. Every refusal is of kind data and reads "FILE:LINE: what; how to mend it".

#include "events/result.hpp"
#include "views/tradebook.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// What several files come to together.
struct Tradebook {
    std::vector<TradebookRow> rows;  ///< in the order of is_before
    std::vector<std::string> files;  ///< by TradebookRow::file
    std::uint64_t duplicates = 0;    ///< rows that another one said already, and that were left out

    /// "FILE:LINE"
    std::string place_of(const TradebookRow& row) const;
};

/// Takes files one after another. O(rows log rows).
class TradebookReader {
public:
    /// The rows of a file, of which `text` is all. Refuses what is no tradebook, a row that is wrong, and more than kMaxTradebookRows rows in all.
    Result<void> add(const std::string& file, std::string_view text);
    /// The same of the file of this name.
    Result<void> add_file(const std::string& file);
    /// Nothing may follow. A trade that stands there twice is taken once; refused where the two rows differ.
    Result<Tradebook> finish();

private:
    Tradebook book_;
};

inline constexpr std::size_t kMaxTradebookRows = 10'000'000;

}  // namespace alpha
