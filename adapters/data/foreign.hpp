#pragma once
/// Files as other programs write them: recognised by how they begin, and translated on the way into the CSV of bars that alpha reads
/// (adapters/data/csv.hpp). So everything behind it (positions, hashes, the order of merging) knows only that one.
///
/// What a file leaves open is asked for, never guessed: the order of day and month, the zone of times without an offset. Refusals are of
/// kind data and name the line of the file as it stands. docs/how-to-import.md has the table of formats.
///
/// Rows in order of time are translated as they come, in constant memory; others are sorted in memory, up to kMaxSortedRows.

#include "adapters/data/byte_source.hpp"
#include "adapters/data/feed.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace alpha {

inline constexpr std::uint64_t kMaxSortedRows = 8'000'000;

/// What a file was taken for and what was done to its rows.
struct ForeignReport {
    std::string read_as;           ///< "yfinance, 3 header lines, dates"
    std::vector<std::string> did;  ///< "dropped 2 empty rows"
    std::vector<std::string> symbols;
    std::uint64_t bars = 0;
    Duration interval;  ///< the shortest distance of two bars of one instrument; a day where they are labelled by date
    std::string interval_doubt;  ///< why it cannot be told
    bool names_instruments = false;
};

/// The files that an entry stands for: itself, those of a folder, or those that a pattern with * and ? in its last part fits, by name.
/// Refuses (kind data) where there is none.
Result<std::vector<std::string>> files_of(const DataSource& source);

/// Reads all of the source's files as another program's and says what that comes to; nothing where it is alpha's own CSV.
Result<std::optional<ForeignReport>> look_at_foreign(const DataSource& source, const TimesOf& times);

/// The text of the source as alpha reads it: as it stands, or translated.
Result<std::unique_ptr<ByteSource>> open_text(const DataSource& source, const TimesOf& times);

/// Reads "2024-01-02" or a time with its offset. Refuses (kind usage) anything else.
Result<DataBound> parse_bound(std::string_view text);

/// Whose bars a file holds that does not say it: its name without what tells the format, or nothing where that is no name.
std::string instrument_after(const std::string& file);

}  // namespace alpha
