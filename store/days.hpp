#pragma once
/// Days that were cut off a journal. The frames of a day that is over lie in a folder of their own inside the journal's, which nobody
/// writes again: an archive can take it as it is, and damage to one day stays there. The journal's own database holds everything else
/// (rows, snapshots, the frames since the last cut) and says where each day ended, so every command takes the chain as one log. Private
/// to store/.
///
///   folder   J/<first event, 20 digits>-<date>: a RocksDB database with the families of a journal and no anchor
///              "format"   as a journal's
///              "begins"   the head record where the day before ended; zeros for the first
///              "head"     the head record where this one ended
///              family "log": its frames
///   "day/<first event, 20 digits>" in family "default" of the journal:
///     head record where the day ended | i32 date, days after 1970-01-01 | SHA-256 of the folder as the system sees it
///
/// The journal's own database may still hold frames of days that were cut: they are the day's copy's twins and are not read. ON DISK, DO
/// NOT CHANGE.

#include "store/database.hpp"
#include "store/event_log.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace alpha {

inline constexpr char kBeginsKey[] = "begins";

struct Day {
    Seq first_seq = 0;
    HeadRecord end;  ///< of the log, where the day ended
    Date date;       ///< of its last record
    Digest stamp{};  ///< of the folder when it was last known to be whole (stamp_of_day)

    /// Of its folder within the journal's.
    std::string name() const;
    std::string key() const;
    ByteBuffer value() const;
};

/// Where the events begin that no day holds.
Seq cut_of(const std::vector<Day>& days);

/// The days of the journal at `path`, in their order. Refuses (kind data) records that cannot be read or do not follow one another.
Result<std::vector<Day>> read_days(const Database& db, const std::string& path);

/// Removes folders of days that the journal does not know of: a process ended before it had said that they were there, and their frames
/// are where they were. The log must have been verified without them.
Result<void> drop_unrecorded_days(const std::string& path, const std::vector<Day>& days);

/// Names, sizes, inodes and times of the last change of what lies in a day's folder; nothing where that cannot be told.
std::optional<Digest> stamp_of_day(const std::string& path, const Day& day);
/// What a day's files take, as far as it can be told.
std::uint64_t bytes_of_day(const std::string& path, const Day& day);

/// A day's database, open for reading. Refuses (kind data) a folder that is missing, or that is not the one that the journal was cut into.
Result<std::unique_ptr<Database>> open_day(const std::string& path, const Day& day,
                                           const std::shared_ptr<rocksdb::FileSystem>& files);

/// Copies the day's frames into their folder, durably. Reads and writes each byte once. `files` are the journal's own; `check_space` is
/// asked before each piece; `log_file_bytes` as in JournalOptions.
Result<void> make_day(const std::string& path, const Day& day, const HeadRecord& begins, rocksdb::Iterator& frames,
                      const std::shared_ptr<rocksdb::FileSystem>& files, std::uint64_t log_file_bytes,
                      const std::function<Result<void>(std::size_t bytes)>& check_space);

/// The frames of a journal, of its days and then of its own database, beginning with the one that holds `from`. All outlive it. One day
/// is open at a time.
std::unique_ptr<FrameCursor> journal_frames(const Database& db, const std::string& path, const std::vector<Day>& days,
                                            const std::shared_ptr<rocksdb::FileSystem>& files, Seq from);

}  // namespace alpha
