#pragma once
/// The RocksDB database inside a journal: its settings, families and keys, and nothing of what they mean. Private to store/.
///
///   family "default"    what is said of the log:
///                         "format"    "alpha journal 3"
///                         "head"      u64 next_seq | chain after the last full leaf | head
///                         "feed"      u64 records read from the feeds
///                         "derived"   u64 next event as of the newest rows | u64 of the newest snapshot; kNoSeq: none
///                         "verified"  what need not be verified again (store/verified_mark.hpp)
///                         "day/SEQ"   a day that was cut off (store/days.hpp)
///                         "forgotten" u64 event: the evidence of those before it was forgotten; absent where none was
///                         "note/KEY"  text of a batch's notes; any number of them, and no reader needs any
///                         "end"       "clean", or "clean" | u16 state version | state digest; absent while being written
///   family "log"        u64 first event, big-endian -> stored frame (store/frame.hpp)
///   family "snapshots"  u64 next event, big-endian  -> u32 CRC-32C of key and bytes | bytes
///   family "models"     u8 table, from 1 | key      -> row of a read model
///                       u8 0                        -> u64 next event as of the newest rows, as "derived" has it
///   family "evidence"   u64 event, big-endian | u8 number, from 0 -> raw bytes behind what the event says (store/evidence.hpp)
///
/// One write holds a frame, the rows, the snapshot and the evidence that came with it, "head" and "feed". ON DISK, DO NOT CHANGE:
/// store/migrations.hpp brings older formats here.

#include "events/result.hpp"
#include "store/chain.hpp"

#include <memory>
#include <rocksdb/db.h>
#include <rocksdb/file_system.h>
#include <rocksdb/write_batch.h>
#include <string>
#include <vector>

namespace alpha {

inline constexpr char kFormatKey[] = "format";
inline constexpr char kFormatName[] = "alpha journal ";  // and the number of the format
inline constexpr int kJournalFormat = 3;
inline constexpr char kHeadKey[] = "head";
inline constexpr char kFeedKey[] = "feed";
inline constexpr char kDerivedKey[] = "derived";
inline constexpr char kForgottenKey[] = "forgotten";
inline constexpr char kNotePrefix[] = "note/";
inline constexpr char kEndKey[] = "end";
inline constexpr char kCleanEnd[] = "clean";

/// The families beside the log: what the log can make anew.
inline constexpr char kSnapshotFamily[] = "snapshots";
inline constexpr char kModelFamily[] = "models";
/// Not to be made anew: what brokers outside said is nowhere else.
inline constexpr char kEvidenceFamily[] = "evidence";

/// What holds for every database of alpha's: strict, silent, and without a word of the machine.
rocksdb::DBOptions quiet_options();

/// Keys that sort as their numbers do.
using SeqKey = std::array<std::uint8_t, sizeof(Seq)>;
SeqKey key_of(Seq seq);
/// kNoSeq where the key is no event number.
Seq seq_of_key(const rocksdb::Slice& key);

/// The key of a piece of evidence: that of its event, and its number.
using EvidenceKey = std::array<std::uint8_t, sizeof(Seq) + 1>;
EvidenceKey evidence_key_of(Seq seq, std::uint8_t number);

rocksdb::Slice slice_of(Bytes bytes);
Bytes bytes_of(const rocksdb::Slice& slice);

/// The value of "head".
struct HeadRecord {
    static constexpr std::size_t kBytes = sizeof(Seq) + 2 * std::tuple_size_v<Digest>;
    Seq next_seq = 0;
    Digest chain{};
    Digest head{};
    friend bool operator==(const HeadRecord&, const HeadRecord&) = default;

    std::array<std::uint8_t, kBytes> bytes() const;
    /// Requires kBytes bytes.
    static HeadRecord from(Bytes bytes);
};

/// The value of "derived": what stands beside the log, so that its loss is told.
struct DerivedRecord {
    static constexpr std::size_t kBytes = 2 * sizeof(Seq);
    Seq rows_seq = kNoSeq;
    Seq snapshot_seq = kNoSeq;
    friend bool operator==(const DerivedRecord&, const DerivedRecord&) = default;

    std::array<std::uint8_t, kBytes> bytes() const;
    /// Requires kBytes bytes.
    static DerivedRecord from(Bytes bytes);
};

/// The key of the mark in the family of rows: of no table.
inline constexpr std::array<std::uint8_t, 1> kRowsMark{0};

/// Of a snapshot's key and bytes.
std::uint32_t snapshot_checksum(const SeqKey& key, Bytes bytes);

/// The refusal (kind data) "The journal PATH WHAT.".
tl::unexpected<Error> wrong_journal(const std::string& path, const std::string& what,
                                    ErrorCode code = ErrorCode::damaged);

/// RocksDB cannot be unwound: what it was doing stays half done, and closing it then waits for ever. So an exception out of it, where
/// memory or threads have run out, ends the process as a crash would (std::terminate); the program says why (cli/main.cpp).
class Database {
public:
    enum class Mode {
        build,  ///< new, without a write-ahead log: whole or gone
        write,  ///< existing, with a write-ahead log; one process at a time
        read,   ///< existing, as it is now; writes nothing
    };

    /// Without some families beside the log: for reading only. Files of the log are written at `log_file_bytes`.
    static Result<std::unique_ptr<Database>> open(const std::string& path, Mode mode,
                                                  const std::shared_ptr<rocksdb::FileSystem>& files,
                                                  std::uint64_t log_file_bytes,
                                                  const std::vector<std::string>& without = {}) noexcept;
    /// Drops these families, whatever state their files are in; the next open for writing makes them, empty. The log must have been
    /// verified, and nobody else may have the database open for writing.
    static Result<void> drop(const std::string& path, const std::shared_ptr<rocksdb::FileSystem>& files,
                             const std::vector<std::string>& names) noexcept;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    rocksdb::ColumnFamilyHandle* meta() const { return handles_[0]; }
    rocksdb::ColumnFamilyHandle* log() const { return handles_[1]; }
    /// Null, when open for reading, in a journal of format 1, and where they were left out or dropped.
    rocksdb::ColumnFamilyHandle* snapshots() const { return named(kSnapshotFamily); }
    rocksdb::ColumnFamilyHandle* models() const { return named(kModelFamily); }
    /// Null, when open for reading, in a journal of formats 1 and 2.
    rocksdb::ColumnFamilyHandle* evidence() const { return named(kEvidenceFamily); }

    Result<void> write(rocksdb::WriteBatch& batch) noexcept;
    /// Makes the write-ahead log durable.
    Result<void> sync() noexcept;
    /// Flushes all to its files.
    Result<void> flush() noexcept;
    /// Flushes the log to its files.
    Result<void> flush_log() noexcept;
    /// Removes files of the log that hold nothing but events before `seq`, where RocksDB has moved them down; the others stay until later.
    Result<void> drop_log_before(Seq seq) noexcept;
    /// Removes the evidence of events before `seq`, from the files as well, and notes that. Requires evidence(), open for writing.
    Result<void> forget_evidence_before(Seq seq) noexcept;
    /// The last word RocksDB has to say; nothing may follow.
    Result<void> close() noexcept;

    /// Fails (kind data) when there is no such key.
    Result<std::string> get_meta(const char* key) const;
    /// Nothing when there is no such key.
    Result<std::optional<std::string>> find(rocksdb::ColumnFamilyHandle* family, const rocksdb::Slice& key) const;
    /// Over a family, in the order of its keys, checksums verified. Reads what it comes to, and ahead only once it has gone on for a while.
    std::unique_ptr<rocksdb::Iterator> iterate(rocksdb::ColumnFamilyHandle* family) const;
    /// Reads all of a family against its checksums.
    Result<void> check(rocksdb::ColumnFamilyHandle* family) const;
    /// What tables say of themselves, which no iterator reads: a few hundred bytes each.
    Result<void> check_properties() const;
    struct LogFile {
        std::string name;
        Seq first_seq = kNoSeq;  ///< of its frames
    };
    /// The files of the log's family that are in use, in no order.
    std::vector<LogFile> log_files() const;
    /// How much RocksDB may still have to write to disk for what it has in memory.
    std::uint64_t unwritten_bytes() const;

    Result<void> check(const char* what, const rocksdb::Status& status) const;

private:
    Database(std::string path, Mode mode, std::unique_ptr<rocksdb::Env> env, rocksdb::DB* db,
             std::vector<rocksdb::ColumnFamilyHandle*> handles);
    rocksdb::ColumnFamilyHandle* named(const char* family) const;

    std::string path_;
    std::unique_ptr<rocksdb::Env> env_;  // outlives the database
    std::unique_ptr<rocksdb::DB> db_;
    std::vector<rocksdb::ColumnFamilyHandle*> handles_;
    rocksdb::WriteOptions writing_;
};

/// What "head" says. Refuses (kind data) a database without it.
Result<HeadRecord> read_head(const Database& db, const std::string& path);
/// What "forgotten" says: 0 where there is no such key.
Result<Seq> read_forgotten(const Database& db);
/// What "derived" says: none of either where there is no such key, as in format 1.
Result<DerivedRecord> read_derived(const Database& db);

}  // namespace alpha
