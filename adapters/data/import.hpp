#pragma once
/// From CSV to a data set: parsed once, then read back many times without parsing.

#include "adapters/data/feed.hpp"
#include "adapters/data/foreign.hpp"

#include <optional>

namespace alpha {

/// Fills in what a file says of itself and `source` does not: with `tells_kind` the kind, and of bars the interval (the shortest
/// distance of two of them, a day where they are labelled by date) and, where no column names it, the instrument (after the
/// file). Refuses (kind data) a file that begins neither as quotes nor as bars. What it says is nothing where the CSV is alpha's own.
Result<std::optional<ForeignReport>> complete_from_csv(DataSource& source, bool tells_kind, const TimesOf& times = {});

/// Called every few hundred records of a long piece of work; may be null.
using OnProgress = std::function<void(const FeedProgress&)>;

/// Writes the records of `source`, a CSV file or synthetic data, to a new data set at `to`; `times` say when its instruments trade,
/// where that counts for how other programs' files are read. A feed
/// of the set gives exactly the records that a feed of the source gives. Whatever is wrong with the
/// source leaves nothing behind.
Result<DataSetInfo> import_data(const DataSource& source, const std::string& to, const OnProgress& on_progress,
                                const TimesOf& times = {});

/// What import_data() would say of the CSV's data set, without making one: all but content_hash, and of the file its own bytes.
Result<DataSetInfo> scan_csv(const DataSource& source, const OnProgress& on_progress, const TimesOf& times = {});

}  // namespace alpha
