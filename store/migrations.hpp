#pragma once
/// Older store formats become the present one, version by version, when a journal is opened for writing. Readers read every
/// format as it is: what a format lacks is absent. Private to store/.

#include "store/database.hpp"

namespace alpha {

/// The format a journal says it has. Refuses (kind data) what is no journal and what is newer than kJournalFormat.
Result<int> format_of(const Database& db, const std::string& path);

/// Brings a verified journal, open for writing, from `format` to kJournalFormat. Each step is durable and can be repeated:
/// one that was cut off is made again by the next who opens the journal.
Result<void> migrate(Database& db, rocksdb::FileSystem& files, const std::string& path, int format,
                     const HeadRecord& head);

}  // namespace alpha
