#pragma once
/// Journals: event logs on disk. A folder with a RocksDB database (store/database.hpp) and, outside it, the anchor
/// (store/anchor.hpp). Nothing that was committed is lost, by a crash, a power cut or a full disk, without the next one who
/// opens the journal being told.
///
/// A journal is made in one of two ways:
///   create_journal     a run that is whole or gone: built under a temporary name, fast, durable when it is finished
///   continue_journal   one that outlives its process: created empty or resumed, durable commit by commit
///
/// Batches are atomic and hold whole steps, so what a crash leaves ends between two steps: there is never half a step to cut.

#include "store/event_log.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rocksdb {
class FileSystem;
}

namespace alpha {

struct JournalOptions {
    /// Where all of a journal's bytes go through; null: the machine's own. Tests put faults in between.
    std::shared_ptr<rocksdb::FileSystem> files = {};
    /// A writer stops, with everything so far whole, before less than this is free beside what RocksDB has yet to write: on
    /// a full disk RocksDB would abort the process, and abort again when opened.
    std::uint64_t free_space_floor_bytes = 32U << 20U;
    /// How large a file of the log becomes. Twice as much is kept in memory until it is written.
    std::uint64_t log_file_bytes = 8U << 20U;
    /// Of continue_journal: is told, in a sentence, what was mended. Null: nobody is.
    std::function<void(const std::string&)> tell = {};
    /// Of continue_journal: makes all rows of the read models anew from a verified log, where those that are stored are damaged or lost.
    /// Null: the journal is then without rows.
    std::function<Result<Rows>(const LogReader&)> make_rows = {};
};

/// Begins a journal at `path`, built beside it under a temporary name until finish(); without finish() nothing is left
/// behind. Refuses when `path` exists (kind usage) or is being built by another process (kind transient); parent folders are made.
Result<std::unique_ptr<LogWriter>> create_journal(const std::string& path, const JournalOptions& options = {});

/// A journal that was begun under a name that was free.
struct NamedJournal {
    std::string path;
    std::unique_ptr<LogWriter> log;
};
/// create_journal at `stem` and the first number from 1 on that neither exists nor is being built. Processes that ask at once each
/// get a number of their own.
Result<NamedJournal> create_numbered_journal(const std::string& stem, const JournalOptions& options = {});

/// Opens the journal at `path` to go on with it, or creates an empty one. What is there is verified first, hashes and
/// anchor included, but for what was verified or written by a session that ended and lies in files that nobody touched since. A journal of an older format is brought to this one. Refuses
///   - (kind transient) one that another session is writing, this process's own included, at once and before anything is looked at;
///     and one whose disk has less free than the floor;
///   - (kind data) one whose log is damaged, or lacks events it once promised (its head is behind its anchor), and one that holds
///     links or other users' files. It is then left as it was, to the byte.
/// Snapshots and rows that are damaged or lost are dropped, which `tell` hears, and made anew: rows at once, snapshots by and by. Evidence
/// whose files are lost is dropped, which `tell` hears as well.
/// The folder and its files become their owner's alone. commit() refuses (kind transient) once the folder was moved, replaced or removed.
/// What was appended is durable once commit() has returned: the write-ahead log first, then the anchor.
Result<std::unique_ptr<LogWriter>> continue_journal(const std::string& path, const JournalOptions& options = {});

/// A snapshot: what the session wanted to find again, as it stood before event next_seq.
struct StoredSnapshot {
    Seq next_seq = 0;
    ByteBuffer bytes;
};

struct JournalInfo {
    int format = 0;
    bool clean_end = false;           ///< finished, rather than being written or left by a crash
    std::optional<Ending> ending;     ///< what finish() was told
    std::uint64_t feed_records = 0;   ///< read by the session so far
    std::optional<Seq> anchored_seq;  ///< durably promised: all events before this one; none in format 1
    Notes notes;                      ///< what batches noted beside the log
    Seq forgotten_before = 0;         ///< the evidence of events before this one was forgotten
};

/// A journal open for reading. Writes nothing, and may read while another process writes: it shows what was there when it
/// was opened, or last refreshed. Scans may run side by side, but not beside refresh().
class Journal : public LogReader {
public:
    virtual const JournalInfo& info() const = 0;
    /// What its files take, those of its days among them. O(files).
    virtual std::uint64_t disk_bytes() const = 0;

    /// The newest snapshot taken at or before `seq`. Of a damaged one nothing is seen: snapshots are a cache.
    virtual Result<std::optional<StoredSnapshot>> newest_snapshot(Seq seq) const = 0;
    /// Calls `visit` with the rows of one read model, by key from `first` on, until it returns false. Tables count from 1.
    virtual Result<void> rows_from(
        std::uint8_t table, const std::string& first,
        const std::function<bool(const std::string& key, const std::string& value)>& visit) const = 0;
    Result<void> rows(std::uint8_t table,
                      const std::function<bool(const std::string& key, const std::string& value)>& visit) const {
        return rows_from(table, {}, visit);
    }
    /// Calls `visit` with each piece of evidence of the events from `from` on, in their order, until it returns false.
    virtual Result<void> evidence_from(
        Seq from, const std::function<bool(Seq seq, std::uint8_t number, std::string_view bytes)>& visit) const = 0;
    /// Sees what was written since: opens the journal anew when its files have changed. O(files) when they have not; after a
    /// failure the journal shows what it showed before.
    virtual Result<void> refresh() = 0;
    /// Everything beside the log against its checksums: each row, snapshot and piece of evidence, what the files say of themselves, both slots of the anchor.
    virtual Result<void> check_rest() const = 0;
    /// The newest snapshot, where the session that took it had itself folded to it and it is still that one: it need not be compared with
    /// the log again. Of a log that was verified.
    virtual Result<std::optional<Seq>> own_snapshot() const = 0;
    /// What the log must contain: the anchor's position and the head there; nothing in format 1.
    virtual std::optional<std::pair<Seq, Digest>> promised() const = 0;
};

/// Opens an existing journal of any format for reading. Refuses (kind usage) a path where nothing is, and (kind data) what
/// is no journal, is of a newer format, lacks its first or last frame, or ends before its anchor. A damaged journal can make
/// RocksDB abort the process: who must not end that way opens it in a child (runtime/isolation.hpp).
Result<std::unique_ptr<Journal>> open_journal(const std::string& path, const JournalOptions& options = {});

/// Evidence that was forgotten, and what is left.
struct Forgotten {
    Seq before = 0;  ///< it was of the events before this one
    std::uint64_t pieces = 0;
    std::uint64_t bytes = 0;
    std::uint64_t pieces_left = 0;
};

/// Removes the evidence of events before a time from a journal, also from what its files hold without showing it. The log, its end and
/// what derives from it stay as they are. Refuses what continue_journal refuses; where there is no evidence, nothing is touched.
Result<Forgotten> forget_evidence(const std::string& path, Time before, const JournalOptions& options = {});

}  // namespace alpha
