#pragma once
/// Two tradebooks of the same trades: what alpha booked, and what the broker lists. Found together are, in this order,
///
///   1. rows with the same trade id and order id that say the same; their times may differ (a journal has when the report came)
///   2. rows of one order that say the same, to the second
///   3. rows of one order, side and price whose quantities come to the same sum: an exchange may cut a fill otherwise
///   4. rows of the same instrument, side, second, quantity and price, in order of time: where the journal has no ids of the broker
///
/// What is left differs. Rows of the same ids, else of the same instrument, side and day that have most in common, are shown as a pair.

#include "views/tradebook.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace alpha {

/// A trade that is not the same in both, or that one lacks.
struct TradeDifference {
    std::optional<std::size_t> ours;    ///< index into our rows
    std::optional<std::size_t> theirs;  ///< index into their rows; at least one of both is there
    std::vector<std::string> columns;   ///< that differ, as a tradebook calls them; of a pair alone
};

struct TradebookComparison {
    std::uint64_t same = 0;                    ///< of our rows
    std::uint64_t cut_otherwise = 0;           ///< orders whose quantity is cut otherwise
    std::int64_t apart_s_max = 0;              ///< the most that times of rows with the same ids lie apart
    std::vector<TradeDifference> differences;  ///< by execution time, the earlier of a pair's

    struct Position {
        std::string instrument;
        Qty ours;
        Qty theirs;
    };
    std::vector<Position> positions;  ///< what the trades come to, by instrument

    bool is_same() const { return differences.empty(); }
};

/// Rows in any order. O(n log n).
TradebookComparison compare_tradebooks(std::span<const TradebookRow> ours, std::span<const TradebookRow> theirs);

}  // namespace alpha
