#pragma once
/// The rows of a journal, read: its portfolios, orders and fills, without a fold of its log.

#include "store/journal.hpp"
#include "views/rows.hpp"

#include <functional>
#include <string>
#include <utility>

namespace alpha {

/// Whether the journal's rows are whole and of this version: not so in format 1, or where another version wrote them.
Result<bool> has_read_models(const Journal& journal);

/// The rows of a journal, read; where it has none that can be read, they are folded from its log.
class ReadModels {
public:
    /// `journal` must outlive what is returned.
    static Result<ReadModels> of(const Journal& journal);
    /// All the rows of a log, sorted, as rebuild_read_models (views/projection.hpp) gives them.
    explicit ReadModels(Rows rebuilt) : rebuilt_(std::move(rebuilt)) {}

    // By id, until `visit` returns false. A row that cannot be read is refused (kind data).
    Result<void> portfolios(const std::function<bool(const PortfolioView&)>& visit) const;
    Result<void> orders(const std::function<bool(const OrderView&)>& visit) const;
    /// From one number on. O(log rows), and each as it is come to; of rows that were made anew O(rows).
    Result<void> orders(OrderId from, const std::function<bool(const OrderView&)>& visit) const;
    Result<void> fills(const std::function<bool(const FillView&)>& visit) const;

private:
    explicit ReadModels(const Journal& journal) : journal_(&journal) {}
    Result<void> rows(ReadModel table, const std::string& from,
                      const std::function<bool(const std::string& key, const std::string& value)>& visit) const;
    template <class Model>
    Result<void> each(ReadModel table, const std::string& from, const std::function<bool(const Model&)>& visit) const;

    const Journal* journal_ = nullptr;  // null: rebuilt
    Rows rebuilt_;
};

}  // namespace alpha
