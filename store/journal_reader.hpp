#pragma once
/// Reading a journal, for who goes on with it. Private to store/.

#include "store/days.hpp"
#include "store/journal.hpp"

#include <optional>
#include <rocksdb/file_system.h>
#include <string>
#include <vector>

namespace alpha {

std::shared_ptr<rocksdb::FileSystem> files_of(const JournalOptions& options);

/// Refuses (kind usage) a path where nothing is, and (kind data) what is no journal.
Result<void> check_is_journal(const std::string& path);

/// What is known of a journal before RocksDB may write to it, whose recovery throws away what it cannot read.
struct Found {
    HeadRecord head;
    std::vector<std::string> damaged;  ///< families beside the log
    std::optional<Rows> rows;          ///< made anew, where those are
    Seq snapshot_seq = kNoSeq;         ///< that the mark vouches for
    Digest snapshot{};
    std::vector<Day> days;  ///< with the stamps of what was verified
};

/// Verifies the log from where nobody has touched it on, and looks at each row and snapshot. Writes nothing. Refuses what
/// continue_journal refuses of a journal that is nobody else's.
Result<Found> look_into(const std::string& path, const JournalOptions& options);

}  // namespace alpha
