#pragma once
/// Tables that somebody wrote: rows of cells that know where they stand, how sure each is, and how a cell is read. What is wrong is
/// refused as "file:line: what". Nothing here opens a file; a table in YAML becomes rows as one in CSV does.

#include "events/market.hpp"
#include "events/result.hpp"
#include "events/time.hpp"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alpha::markets {

/// One row: cells by the name of their column, in the order of the file.
struct Row {
    ErrorPlace place;
    std::vector<std::pair<std::string, std::string>> cells;
};

/// A refusal at a place of a table (kind data, code bad_record): "file:line: message".
tl::unexpected<Error> refuse_at(const ErrorPlace& place, std::string_view message);

/// Reads CSV: a header, then rows of as many cells. Cells with commas or quotes stand in double quotes, a quote in them doubled; no cell
/// goes over a line's end. Lines that begin with # and empty lines are skipped; spaces around cells are not. At most 100,000 rows.
Result<std::vector<Row>> read_csv_rows(const std::string& file, std::string_view text);

/// Rows of a table within the program that stand under one name in its first column, without that. Refused (kind usage, code not_found)
/// where it has none of that name. `of`: what it is a table of, "products".
Result<std::vector<Row>> read_plan(const std::string& file, std::string_view text, std::string_view of,
                                   std::string_view name);

/// Words between spaces; none in an empty text.
std::vector<std::string> words_of(std::string_view text);

/// The enumerator from `first` to `last` that is called `name`; nothing where none is.
template <class E>
std::optional<E> named_as(std::string_view name, E last, E first = E{}) {
    for (auto at = static_cast<unsigned>(first); at <= static_cast<unsigned>(last); ++at) {
        if (name == name_of(static_cast<E>(at))) {
            return static_cast<E>(at);
        }
    }
    return std::nullopt;
}

/// "stated, official, ..."
template <class E>
std::string names_up_to(E last) {
    std::string names;
    for (unsigned at = 0; at <= static_cast<unsigned>(last); ++at) {
        names.append(names.empty() ? "" : ", ").append(name_of(static_cast<E>(at)));
    }
    return names;
}

/// A row's cells, taken column by column. The first that is wrong is kept and said by `failure`; what is taken after it is empty.
class Cells {
public:
    /// Refuses a row with a column that is not in `columns`.
    Cells(const Row& row, std::initializer_list<std::string_view> columns);

    /// Empty where the row has no such column or nothing in it.
    std::string_view optional(std::string_view column);
    /// Refuses an empty cell.
    std::string_view text(std::string_view column);
    Date date(std::string_view column);
    /// "yes" or "no".
    bool yes(std::string_view column);
    /// "HH:MM" or "HH:MM:SS" in seconds after midnight, up to 24:00; "-1" or "+1" behind it is the day before or after.
    std::int32_t time_s(std::string_view column);
    /// The columns `source` and `grade`; both are required.
    Source source();
    /// The same where neither is required, as in a user's own table: no grade means that it is stated.
    Source source_if_any();
    /// Words between spaces, at least one.
    std::vector<std::string> words(std::string_view column);

    /// Says that what `column` holds is wrong, as "column 'open' has '9:99': it is not a time".
    void refuse(std::string_view column, std::string_view why);
    bool ok() const { return failure_.empty(); }
    tl::unexpected<Error> failure() const { return refuse_at(row_.place, failure_); }

private:
    const Row& row_;
    std::string failure_;
};

/// Sorts dated rows (members from, to, line_number) by `key` and day. Refused where two of one key hold on the same day; `say` says what
/// they are of.
template <class R, class Key, class Say>
Result<void> order_by_day(std::vector<R>& rows, const std::string& file, Key key, Say say) {
    std::ranges::stable_sort(
        rows, [&](const R& a, const R& b) { return key(a) != key(b) ? key(a) < key(b) : a.from < b.from; });
    for (std::size_t i = 1; i < rows.size(); ++i) {
        const R& before = rows[i - 1];
        const R& row = rows[i];
        if (key(before) == key(row) && before.to >= row.from) {
            return refuse_at({file, std::max(before.line_number, row.line_number), 0},
                             say(row) + " has another row for " + to_iso(row.from) + ", in line " +
                                 std::to_string(std::min(before.line_number, row.line_number)));
        }
    }
    return {};
}

}  // namespace alpha::markets
