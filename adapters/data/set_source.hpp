#pragma once
/// Inside adapters/data: data sets as sources.

#include "adapters/data/record_stream.hpp"

#include <memory>

namespace alpha {

/// Opens a data set of quotes, or of bars. Refuses (kind data) one that is not what the scenario says of it.
Result<std::unique_ptr<RecordStream>> open_set_quotes(const DataSource& source);
Result<std::unique_ptr<BarRows>> open_set_bars(const DataSource& source);

}  // namespace alpha
