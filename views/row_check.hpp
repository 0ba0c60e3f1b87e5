#pragma once
/// Whether the rows of a journal are those that its log gives.

#include "views/projection.hpp"

#include <array>
#include <map>
#include <string>
#include <utility>

namespace alpha {

/// Compares the journal's rows with those its log gives. Refuses (kind data) the first row that differs, is missing or should
/// not be there. A journal without rows, or with those of another version, has nothing to compare. Memory as rebuild_read_models.
Result<void> verify_read_models(const Journal& journal);

/// Whether a journal's rows are those its log gives, for who folds that log anyway. Keeps a sum over the rows and the digests of those
/// that may still change, so memory does not grow with the log. Finds damage, not forgery: rows are no evidence of anything.
class RowCheck {
public:
    /// As Projection::take.
    void take(const Frame& frame, const State& after);
    /// Behind the last frame: refuses what verify_read_models does.
    Result<void> compare(const Journal& journal) const;

private:
    using Sum = std::array<std::uint64_t, 4>;
    static void add(Sum& sum, const Sum& row);
    static Sum digest(const Row& row);
    void forget_closed(const State& state);

    Projection projection_;
    Rows rows_;
    Sum sum_{};
    std::map<std::pair<std::uint8_t, std::string>, Sum>
        changing_;  ///< of all rows but fills and orders that the state forgot
    std::size_t swept_at_ = kSweepRows;
    static constexpr std::size_t kSweepRows = 4'096;
};

}  // namespace alpha
