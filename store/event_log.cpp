#include "store/event_log.hpp"

#include "store/disk.hpp"
#include "store/frame.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <vector>

namespace alpha {

namespace {

constexpr char kLogFamily[] = "log";
constexpr char kFormatKey[] = "format";
constexpr char kFormat[] = "alpha journal 1";
constexpr char kHeadKey[] = "head";
constexpr char kEndKey[] = "end";
constexpr char kCleanEnd[] = "clean";

constexpr std::size_t kMemtableBytes = 16U << 20U;  // two of them bound what a journal keeps in memory
constexpr std::size_t kBlockBytes = 64U << 10U;
constexpr std::size_t kCacheBytes = 4U << 20U;  // index blocks; a scan reads each frame once
constexpr std::size_t kReadAheadBytes = 2U << 20U;
constexpr int kMaxOpenFiles = 256;

Result<void> check_appendable(const Frame& frame, bool finished) {
    if (finished) {
        return fail(ErrorKind::internal, "An event was appended to a log that is finished.");
    }
    if (frame.bytes.size() > kMaxFrameBytes) {
        return fail(ErrorKind::internal, "A step of " + std::to_string(frame.bytes.size()) +
                                             " bytes is too large for one frame of the log.");
    }
    return {};
}

// ---- memory -------------------------------------------------------------------------------------------------------------

class MemoryLog final : public EventLog {
public:
    Result<void> append(const Frame& frame) override {
        if (Result<void> ok = check_appendable(frame, finished_); !ok) {
            return ok;
        }
        hasher_.append(frame);
        if (frame.events != 0) {
            stored_.clear();
            encode_frame(frame, stored_);
            frames_.push_back({frame.first_seq, {stored_.view().begin(), stored_.view().end()}});
        }
        return {};
    }
    Seq next_seq() const override { return hasher_.next_seq(); }
    Digest head() const override { return hasher_.head(); }

    Result<void> scan(Seq from, const std::function<bool(const Frame&)>& visit) const override {
        if (from >= next_seq()) {
            return {};
        }
        auto at = std::upper_bound(frames_.begin(), frames_.end(), from,
                                   [](Seq seq, const Stored& stored) { return seq < stored.first_seq; });
        Frame frame;
        for (--at; at != frames_.end(); ++at) {
            if (Result<void> ok = decode_frame(at->bytes, at->first_seq, frame); !ok) {
                return ok;
            }
            if (!visit(frame)) {
                break;
            }
        }
        return {};
    }
    Result<void> finish() override {
        finished_ = true;
        return {};
    }

private:
    struct Stored {
        Seq first_seq;
        std::vector<std::uint8_t> bytes;
    };

    ChainHasher hasher_;
    std::vector<Stored> frames_;
    ByteBuffer stored_;
    bool finished_ = false;
};

// ---- RocksDB ------------------------------------------------------------------------------------------------------------

/// RocksDB's own log would put host names and paths into journals and write to those that are only
/// read. Its errors come back as statuses.
class SilentLogger final : public rocksdb::Logger {
public:
    using rocksdb::Logger::Logv;
    void Logv(const char*, va_list) override {}
};

rocksdb::Slice slice_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
Bytes bytes_of(const rocksdb::Slice& slice) {
    return {reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()};
}

/// Keys sort as their numbers do.
using Key = std::array<std::uint8_t, sizeof(Seq)>;
Key key_of(Seq seq) {
    Key key{};
    store(key.data(), __builtin_bswap64(seq));
    return key;
}

struct HeadRecord {
    static constexpr std::size_t kBytes = sizeof(Seq) + 2 * std::tuple_size_v<Digest>;
    Seq next_seq = 0;
    Digest chain{};
    Digest head{};

    std::array<std::uint8_t, kBytes> bytes() const {
        std::array<std::uint8_t, kBytes> out{};
        store(out.data(), next_seq);
        std::copy(chain.begin(), chain.end(), out.begin() + sizeof next_seq);
        std::copy(head.begin(), head.end(), out.begin() + sizeof next_seq + chain.size());
        return out;
    }
    /// Requires kBytes bytes.
    static HeadRecord from(Bytes bytes) {
        HeadRecord record;
        record.next_seq = load<Seq>(bytes.data());
        std::copy_n(bytes.begin() + sizeof(Seq), record.chain.size(), record.chain.begin());
        std::copy_n(bytes.begin() + sizeof(Seq) + record.chain.size(), record.head.size(), record.head.begin());
        return record;
    }
};

/// An open RocksDB with the families of a journal.
class Database {
public:
    enum class Mode { create, read };

    static Result<std::unique_ptr<Database>> open(const std::string& path, Mode mode) {
        rocksdb::DBOptions options;
        options.create_if_missing = mode == Mode::create;
        options.create_missing_column_families = mode == Mode::create;
        options.error_if_exists = mode == Mode::create;
        options.paranoid_checks = true;
        // Of the modes that open after an ordinary torn tail, the one that hides least (measured on
        // every bit of a WAL).
        options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
        options.max_open_files = kMaxOpenFiles;
        options.info_log = std::make_shared<SilentLogger>();
        options.db_host_id.clear();  // a journal does not tell on which machine it was written
        options.stats_dump_period_sec = 0;

        rocksdb::BlockBasedTableOptions table;
        table.format_version = 5;
        table.checksum = rocksdb::kXXH3;
        table.block_size = kBlockBytes;
        table.block_cache = rocksdb::NewLRUCache(kCacheBytes);
        rocksdb::ColumnFamilyOptions family;
        family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
        family.compression = rocksdb::kNoCompression;  // frames are compressed already
        family.write_buffer_size = kMemtableBytes;
        family.max_write_buffer_number = 2;
        family.disable_auto_compactions = true;  // keys only ever grow: there is nothing to merge

        const std::vector<rocksdb::ColumnFamilyDescriptor> families{{rocksdb::kDefaultColumnFamilyName, family},
                                                                    {kLogFamily, family}};
        std::vector<rocksdb::ColumnFamilyHandle*> handles;
        rocksdb::DB* db = nullptr;
        const rocksdb::Status status = mode == Mode::create
                                           ? rocksdb::DB::Open(options, path, families, &handles, &db)
                                           : rocksdb::DB::OpenForReadOnly(options, path, families, &handles, &db);
        if (!status.ok()) {
            return failed("cannot be opened", path, status);
        }
        return std::unique_ptr<Database>(new Database(db, std::move(handles), path));
    }

    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database() {
        for (rocksdb::ColumnFamilyHandle* const handle : handles_) {
            // Fails only for handles that are not the database's.
            static_cast<void>(db_->DestroyColumnFamilyHandle(handle).ok());
        }
    }

    rocksdb::ColumnFamilyHandle* meta() const { return handles_[0]; }
    rocksdb::ColumnFamilyHandle* log() const { return handles_[1]; }

    Result<void> write(rocksdb::WriteBatch& batch) { return check("cannot be written", db_->Write(writing_, &batch)); }

    Result<std::string> get_meta(const char* key) const {
        rocksdb::ReadOptions reading;
        reading.verify_checksums = true;
        std::string value;
        const rocksdb::Status status = db_->Get(reading, meta(), key, &value);
        if (!status.ok()) {
            return failed(std::string("does not say its \"") + key + "\"", path_, status);
        }
        return value;
    }

    /// Over the frames, by event number.
    std::unique_ptr<rocksdb::Iterator> frames() const {
        rocksdb::ReadOptions reading;
        reading.verify_checksums = true;
        reading.fill_cache = false;
        reading.readahead_size = kReadAheadBytes;
        return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(reading, log()));
    }

    /// Flushes all to its files.
    Result<void> flush() {
        rocksdb::FlushOptions flushing;
        flushing.wait = true;
        return check("cannot be made durable", db_->Flush(flushing, handles_));
    }

    /// The last word RocksDB has to say; nothing may follow.
    Result<void> close() {
        for (rocksdb::ColumnFamilyHandle* const handle : handles_) {
            if (Result<void> ok = check("cannot be closed", db_->DestroyColumnFamilyHandle(handle)); !ok) {
                return ok;
            }
        }
        handles_.clear();
        return check("cannot be closed", db_->Close());
    }

    static tl::unexpected<Error> failed(const std::string& what, const std::string& path,
                                        const rocksdb::Status& status) {
        return fail(ErrorKind::data, "The journal " + path + " " + what + ": " + status.ToString() + ".");
    }
    Result<void> check(const char* what, const rocksdb::Status& status) const {
        if (!status.ok()) {
            return failed(what, path_, status);
        }
        return {};
    }

private:
    Database(rocksdb::DB* db, std::vector<rocksdb::ColumnFamilyHandle*> handles, std::string path)
        : db_(db), handles_(std::move(handles)), path_(std::move(path)) {
        // A journal under its temporary name is whole or gone, so a write-ahead log would be
        // written for nothing: finish() flushes all to synced files before the journal takes its
        // name.
        writing_.disableWAL = true;
    }

    std::unique_ptr<rocksdb::DB> db_;
    std::vector<rocksdb::ColumnFamilyHandle*> handles_;
    std::string path_;
    rocksdb::WriteOptions writing_;
};

/// Reads a journal whose head is known, checking it on the way.
Result<void> scan_database(const Database& db, const std::string& path, const HeadRecord& end, Seq from,
                           const std::function<bool(const Frame&)>& visit) {
    const auto wrong = [&](const std::string& what) {
        return fail(ErrorKind::data, "The journal " + path + " " + what + ".");
    };
    if (from >= end.next_seq) {
        return {};
    }
    ChainHasher hasher;
    Frame frame;
    Seq next = kNoSeq;  // not known before the first frame
    const std::unique_ptr<rocksdb::Iterator> at = db.frames();
    const Key first_key = key_of(from);
    for (at->SeekForPrev(slice_of(first_key)); at->Valid(); at->Next()) {
        const Bytes key = bytes_of(at->key());
        if (key.size() != sizeof(Seq)) {
            return wrong("has a key that is no event number");
        }
        const Seq seq = __builtin_bswap64(load<Seq>(key.data()));
        if (next != kNoSeq && seq != next) {
            return wrong("lacks events: after " + std::to_string(next - 1) + " comes " + std::to_string(seq));
        }
        if (Result<void> ok = decode_frame(bytes_of(at->value()), seq, frame); !ok) {
            return wrong("is damaged: " + ok.error().message);
        }
        if (next == kNoSeq && frame.next_seq() <= from) {
            return wrong("lacks events: the frame of event " + std::to_string(from) + " is missing");
        }
        next = frame.next_seq();
        if (frame.events == 0 || next > end.next_seq) {
            return wrong("has events past its recorded end at " + std::to_string(end.next_seq));
        }
        if (from == 0) {
            hasher.append(frame);
        }
        if (!visit(frame)) {
            return {};
        }
    }
    if (Result<void> ok = db.check("cannot be read", at->status()); !ok) {
        return ok;
    }
    if (next != end.next_seq) {
        return wrong(next == kNoSeq ? "lacks events: event " + std::to_string(from) + " is missing"
                                    : "lacks events: it ends at " + std::to_string(next) + " instead of " +
                                          std::to_string(end.next_seq));
    }
    if (from == 0 && hasher.head() != end.head) {
        return wrong("was altered: the hash chain of its " + std::to_string(next) + " events ends at " +
                     to_hex(hasher.head()) + ", its recorded head is " + to_hex(end.head));
    }
    return {};
}

/// A journal from its first frame to its finished state.
class NewJournal final : public EventLog {
public:
    static Result<std::unique_ptr<EventLog>> create(const std::string& path) {
        Result<Partial> partial = Partial::make_folder(path, "choose another --journal or remove it");
        if (!partial) {
            return tl::make_unexpected(partial.error());
        }
        Result<std::unique_ptr<Database>> db = Database::open(partial->where(), Database::Mode::create);
        if (!db) {
            return tl::make_unexpected(db.error());
        }
        std::unique_ptr<NewJournal> journal(new NewJournal(std::move(*partial), std::move(*db)));
        rocksdb::WriteBatch batch;
        if (Result<void> ok =
                journal->db_->check("cannot be written", batch.Put(journal->db_->meta(), kFormatKey, kFormat));
            !ok) {
            return tl::make_unexpected(ok.error());
        }
        if (Result<void> ok = journal->write_with_head(batch); !ok) {
            return tl::make_unexpected(ok.error());
        }
        return journal;
    }

    Result<void> append(const Frame& frame) override {
        if (Result<void> ok = check_appendable(frame, finished_); !ok) {
            return ok;
        }
        if (broken_) {
            return fail(ErrorKind::data, "The journal " + partial_.where() + " could not be written before.");
        }
        hasher_.append(frame);
        if (frame.events == 0) {
            return {};
        }
        stored_.clear();
        encode_frame(frame, stored_);
        batch_.Clear();
        const Key key = key_of(frame.first_seq);
        const Result<void> put =
            db_->check("cannot be written", batch_.Put(db_->log(), slice_of(key), slice_of(stored_.view())));
        Result<void> written = put ? write_with_head(batch_) : put;
        broken_ = !written;
        return written;
    }
    Seq next_seq() const override { return hasher_.next_seq(); }
    Digest head() const override { return hasher_.head(); }

    Result<void> scan(Seq from, const std::function<bool(const Frame&)>& visit) const override {
        if (db_ == nullptr) {
            Result<std::unique_ptr<Database>> db = Database::open(partial_.where(), Database::Mode::read);
            if (!db) {
                return tl::make_unexpected(db.error());
            }
            db_ = std::move(*db);
        }
        return scan_database(*db_, partial_.where(), record(), from, visit);
    }

    Result<void> finish() override {
        if (finished_) {
            return {};
        }
        if (broken_) {
            return fail(ErrorKind::data, "The journal " + partial_.where() + " could not be written before.");
        }
        broken_ = true;  // until all of the following has succeeded
        rocksdb::WriteBatch batch;
        Result<void> ok = db_->check("cannot be written", batch.Put(db_->meta(), kEndKey, kCleanEnd));
        ok = ok ? write_with_head(batch) : ok;
        ok = ok ? db_->flush() : ok;
        ok = ok ? db_->close() : ok;
        ok = ok ? sync_folder(partial_.where()) : ok;
        if (!ok) {
            return ok;
        }
        db_.reset();
        ok = partial_.publish();
        finished_ = ok.has_value();
        broken_ = !ok;
        return ok;
    }

private:
    NewJournal(Partial partial, std::unique_ptr<Database> db) : partial_(std::move(partial)), db_(std::move(db)) {}

    HeadRecord record() const { return {hasher_.next_seq(), hasher_.chain(), hasher_.head()}; }

    Result<void> write_with_head(rocksdb::WriteBatch& batch) {
        const auto head = record().bytes();
        if (Result<void> ok = db_->check("cannot be written", batch.Put(db_->meta(), kHeadKey, slice_of(head))); !ok) {
            return ok;
        }
        return db_->write(batch);
    }

    Partial partial_;                       // outlives the database within it
    mutable std::unique_ptr<Database> db_;  // closed by finish(); a scan after that opens it for reading
    ChainHasher hasher_;
    ByteBuffer stored_;
    rocksdb::WriteBatch batch_;
    bool finished_ = false;
    bool broken_ = false;
};

/// A journal that was written before.
class StoredJournal final : public EventLog {
public:
    static Result<std::unique_ptr<EventLog>> open(const std::string& path) {
        std::error_code error;
        const std::filesystem::path folder(path);
        if (!std::filesystem::exists(folder, error)) {
            return fail(ErrorKind::usage, "There is no journal at " + path + ".");
        }
        if (!std::filesystem::exists(folder / "CURRENT", error)) {
            return fail(ErrorKind::data, path + " is not a journal.");
        }
        Result<std::unique_ptr<Database>> db = Database::open(path, Database::Mode::read);
        if (!db) {
            return tl::make_unexpected(db.error());
        }
        const Result<std::string> format = (*db)->get_meta(kFormatKey);
        if (!format) {
            return tl::make_unexpected(format.error());
        }
        if (*format != kFormat) {
            return fail(ErrorKind::data, "The journal " + path + " is of the format \"" + *format +
                                             "\", and this version reads \"" + kFormat + "\".");
        }
        const Result<std::string> head = (*db)->get_meta(kHeadKey);
        if (!head) {
            return tl::make_unexpected(head.error());
        }
        if (head->size() != HeadRecord::kBytes) {
            return fail(ErrorKind::data, "The journal " + path + " records no head.");
        }
        std::unique_ptr<StoredJournal> journal(
            new StoredJournal(path, std::move(*db), HeadRecord::from(bytes_of(*head))));
        if (Result<void> ok = journal->check_ends(); !ok) {
            return tl::make_unexpected(ok.error());
        }
        return journal;
    }

    Result<void> append(const Frame&) override {
        return fail(ErrorKind::internal, "The journal " + path_ + " is open for reading only.");
    }
    Seq next_seq() const override { return end_.next_seq; }
    Digest head() const override { return end_.head; }
    Result<void> scan(Seq from, const std::function<bool(const Frame&)>& visit) const override {
        return scan_database(*db_, path_, end_, from, visit);
    }
    Result<void> finish() override { return {}; }

private:
    StoredJournal(std::string path, std::unique_ptr<Database> db, const HeadRecord& end)
        : path_(std::move(path)), db_(std::move(db)), end_(end) {}

    /// The first frame is there, and the last one ends where the meta says, with nothing behind it.
    Result<void> check_ends() const {
        const std::unique_ptr<rocksdb::Iterator> at = db_->frames();
        at->SeekToLast();
        const bool empty = !at->Valid();
        if (Result<void> ok = db_->check("cannot be read", at->status()); !ok) {
            return ok;
        }
        if (empty != (end_.next_seq == 0)) {
            return fail(ErrorKind::data, "The journal " + path_ + " does not hold the " +
                                             std::to_string(end_.next_seq) + " events it records.");
        }
        if (empty) {
            return {};
        }
        const auto go_on = [](const Frame&) { return true; };
        if (Result<void> ok = scan(end_.next_seq - 1, go_on); !ok) {
            return ok;
        }
        return scan(0, [](const Frame&) { return false; });
    }

    std::string path_;
    std::unique_ptr<Database> db_;
    HeadRecord end_;
};

}  // namespace

std::unique_ptr<EventLog> make_memory_log() {
    return std::make_unique<MemoryLog>();
}

Result<std::unique_ptr<EventLog>> create_journal(const std::string& path) {
    return NewJournal::create(path);
}

Result<std::unique_ptr<EventLog>> open_journal(const std::string& path) {
    return StoredJournal::open(path);
}

Result<void> for_each_event(const EventLog& log, Seq from,
                            const std::function<bool(const Envelope&, const Event&)>& visit) {
    Result<void> outcome;
    const Result<void> scanned = log.scan(from, [&](const Frame& frame) {
        Bytes rest = frame.bytes.view();
        for (Seq seq = frame.first_seq; seq < frame.next_seq(); ++seq) {
            if (seq < from) {
                const Result<EncodedHeader> header = decode_header(rest, seq);
                if (!header || header->total_bytes() > rest.size()) {
                    outcome = fail(ErrorKind::data, "Event " + std::to_string(seq) + " of the log cannot be read.");
                    return false;
                }
                rest = rest.subspan(header->total_bytes());
                continue;
            }
            const Result<DecodedEvent> decoded = decode(rest, seq);
            if (!decoded) {
                outcome = tl::make_unexpected(decoded.error());
                return false;
            }
            if (!visit(decoded->envelope, decoded->event)) {
                return false;
            }
            rest = rest.subspan(decoded->bytes);
        }
        return true;
    });
    return scanned ? outcome : scanned;
}

}  // namespace alpha
