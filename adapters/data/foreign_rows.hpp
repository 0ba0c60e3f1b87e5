#pragma once
/// Inside adapters/data: the rows of other programs' files, read one after the other as they stand.

#include "adapters/data/byte_source.hpp"
#include "adapters/data/foreign_layout.hpp"
#include "adapters/data/lean.hpp"
#include "adapters/data/record_stream.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace alpha::foreign {

/// A bar, or a trade in place of one: then all four prices are its.
struct Row {
    Time time;                             ///< of bars their label; of a date its midnight UTC
    std::int64_t price[4] = {0, 0, 0, 0};  ///< open, high, low, close, in 1e-8
    std::int64_t volume = 0;               ///< Volume::raw
    std::int32_t offset_s = 0;             ///< from UTC, as written
    std::uint32_t symbol = 0;
    std::uint32_t line = 0;
    std::uint32_t part = 0;  ///< which file

    bool has_same_values(const Row& other) const {
        return std::equal(std::begin(price), std::end(price), std::begin(other.price)) && volume == other.volume;
    }
};

/// One file, and everything that had to be known of all of it before the first row could be read.
struct Part {
    std::string path;
    std::string name;  ///< in messages
    Layout layout;
    std::optional<LeanFile> lean;
    bool has_lone_cr = false;
    NumberStyle numbers;
    DateOrder order = DateOrder::unknown;
    std::int64_t unit_ns = 0;  ///< of counts since 1970
    bool by_date = false;      ///< its rows are of dates, not of times
    std::map<std::string, std::set<Date>, std::less<>> expiries;
    std::map<std::string, std::set<Date>, std::less<>> futures;  ///< those expiries that have one
    std::string symbol;                                          ///< whose rows they are, where the rows do not say it
};

/// What was done with the rows, for whoever asks.
struct Counts {
    std::uint64_t rows = 0;
    std::uint64_t rounded = 0;
    std::uint64_t empty = 0;
    std::uint64_t untraded = 0;
    std::uint64_t suspicious = 0;  ///< of LEAN's, and those without a price
    std::uint64_t no_volume = 0;
    std::uint64_t adjusted = 0;       ///< rows whose open, high and low were scaled as their close is
    std::uint64_t repeated = 0;       ///< whole rows that were there before
    std::uint64_t replaced = 0;       ///< rows of one time, of which one was kept
    std::uint64_t outside = 0;        ///< of the session
    std::uint64_t out_of_range = 0;   ///< before --from or after --to
    std::vector<std::string> others;  ///< some instruments that were not asked for
};

/// The lines of a file, or the candles of a JSON text.
class Records {
public:
    virtual ~Records() = default;
    /// The next record that holds anything; false at the end. Valid until the next call.
    virtual Result<bool> next(Fields& fields, std::uint64_t& line) = 0;
    virtual FeedProgress progress() const = 0;
    /// Records so far that say themselves that they do not count.
    virtual std::uint64_t left_out() const { return 0; }
};
Result<std::unique_ptr<Records>> open_records(const Part& part);
/// The lines of bytes that come from elsewhere. The part must outlive them.
std::unique_ptr<Records> open_lines(const Part& part, std::unique_ptr<ByteSource> bytes);

/// Reads the whole file for what must be known before a row of it can be read. Refuses (kind data) what stays ambiguous.
Result<void> survey(Part& part, const ForeignOptions& options);

/// The zone of times without an offset; null: nobody says.
using ZoneOf = std::function<const markets::Zone*(std::uint32_t symbol)>;

/// The rows of one file in its own order.
class FileRows {
public:
    /// All of these outlive this.
    FileRows(const Part& part, std::uint32_t number, const ForeignOptions& options, SymbolTable& symbols,
             ZoneOf zone_of, Counts& counts);
    Result<bool> next(Row& row);
    FeedProgress progress() const { return records_ == nullptr ? FeedProgress{} : records_->progress(); }

private:
    Result<void> read_record();
    Result<void> read_prices(const std::array<std::size_t, 5>& field, std::size_t unadjusted, std::string_view symbol,
                             const TimeText& time);
    Result<void> adjust(std::size_t unadjusted, Row& row);
    Result<bool> read_number_at(std::size_t field, const char* what, std::int64_t& into);
    Result<void> read_volume_at(std::size_t field, std::int64_t& into);
    Result<void> place(const TimeText& time, Row& row) const;
    std::int32_t shown_offset_s(const Row& row) const;
    std::string symbol_of() const;
    bool is_in_range(const Row& row) const;
    Error refusal(std::string_view what) const { return refusal_at(part_->name, line_, what); }

    const Part* part_;
    std::uint32_t number_;
    const ForeignOptions* options_;
    SymbolTable* symbols_;
    ZoneOf zone_of_;
    Counts* counts_;
    std::unique_ptr<Records> records_;
    Fields fields_;
    std::uint64_t line_ = 0;
    std::array<std::string, 2> sides_;  ///< the last bid and ask, where an empty one is that
    std::vector<Row> waiting_;          ///< of the present record, the last in front
};

/// "2024-01-02T09:15:00+05:30"
std::string text_of(Time time, std::int32_t offset_s);

}  // namespace alpha::foreign
