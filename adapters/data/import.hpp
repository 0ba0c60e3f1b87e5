#pragma once
/// From CSV to a data set: parsed once, then read back many times without parsing.

#include "adapters/data/feed.hpp"

namespace alpha {

/// Called every few hundred records of a long piece of work; may be null.
using OnProgress = std::function<void(const FeedProgress&)>;

/// Writes the records of `source`, a CSV file or synthetic data, to a new data set at `to`. A feed
/// of the set gives exactly the records that a feed of the source gives. Whatever is wrong with the
/// source leaves nothing behind.
Result<DataSetInfo> import_data(const DataSource& source, const std::string& to, const OnProgress& on_progress);

}  // namespace alpha
