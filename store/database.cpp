#include "store/database.hpp"

#include "store/checksum.hpp"
#include "store/failpoint.hpp"
#include "store/machine.hpp"
#include "store/owner.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

namespace alpha {

namespace {

constexpr char kLogFamily[] = "log";

constexpr std::size_t kSmallMemtableBytes = 2U << 20U;
constexpr std::size_t kWalBytes = 64U << 20U;
constexpr std::size_t kBlockBytes = 64U << 10U;
constexpr std::size_t kCacheBytes = 4U << 20U;  // index blocks; a scan reads each frame once
/// Files of the log that lie beside one another before they move down; every seek looks into each of these.
constexpr int kTopFiles = 4;
constexpr std::uint64_t kEndless = std::uint64_t{1} << 60U;
constexpr int kMaxOpenFiles = 64;  // what is known of one takes 100 KB

/// RocksDB's own log would put host names and paths into journals and write to those that are only read. Its errors come
/// back as statuses.
class SilentLogger final : public rocksdb::Logger {
public:
    using rocksdb::Logger::Logv;
    void Logv(const char*, va_list) override {}
};

rocksdb::DBOptions database_options(Database::Mode mode, rocksdb::Env* env) {
    const bool build = mode == Database::Mode::build;
    rocksdb::DBOptions options = quiet_options();
    options.env = env;
    options.create_if_missing = build;
    options.create_missing_column_families = build || mode == Database::Mode::write;
    options.error_if_exists = build;
    // Drops a torn tail, garbage included; what else it would hide, the anchor tells (docs/decisions/0005).
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    options.max_total_wal_size = kWalBytes;
    options.max_open_files = kMaxOpenFiles;
    options.table_cache_numshardbits = 0;  // of sixty-four shards, as by default, each would have room for one
    return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> families(std::uint64_t log_file_bytes) {
    rocksdb::BlockBasedTableOptions table;
    table.format_version = 5;
    table.checksum = rocksdb::kXXH3;
    table.block_size = kBlockBytes;
    table.block_cache = rocksdb::NewLRUCache(kCacheBytes);
    rocksdb::ColumnFamilyOptions common;
    common.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    common.compression = rocksdb::kNoCompression;
    common.max_write_buffer_number = 2;
    // Keys mostly ascend behind their first byte: inserting looks where the last one went.
    common.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));

    // Keys only ever grow, so files never overlap: moving one down is a record in the MANIFEST, and no byte of it is read or written.
    // Down there a seek finds the one file that it needs. The writer never waits for it.
    rocksdb::ColumnFamilyOptions growing = common;
    growing.num_levels = 2;
    growing.level0_file_num_compaction_trigger = kTopFiles;
    growing.level0_slowdown_writes_trigger = 1 << 20;
    growing.level0_stop_writes_trigger = 1 << 20;
    growing.max_bytes_for_level_base = kEndless;
    growing.max_compaction_bytes = kEndless;
    growing.soft_pending_compaction_bytes_limit = 0;
    growing.hard_pending_compaction_bytes_limit = 0;
    rocksdb::ColumnFamilyOptions log = growing;   // frames are compressed already
    log.write_buffer_size = log_file_bytes;       // two of them bound what the family keeps in memory
    rocksdb::ColumnFamilyOptions small = common;  // the same few keys again and again
    small.write_buffer_size = kSmallMemtableBytes;
    rocksdb::ColumnFamilyOptions packed = small;
    // Not LZ4: without memory RocksDB hands it a null pointer, where Snappy throws.
    packed.compression = rocksdb::kSnappyCompression;
    rocksdb::ColumnFamilyOptions evidence = growing;
    evidence.write_buffer_size = kSmallMemtableBytes;
    evidence.compression = packed.compression;
    return {{rocksdb::kDefaultColumnFamilyName, small},
            {kLogFamily, log},
            {kSnapshotFamily, packed},
            {kModelFamily, packed},
            {kEvidenceFamily, evidence}};
}

tl::unexpected<Error> failed(const std::string& what, const std::string& path, const rocksdb::Status& status) {
    return refused_by_library("The journal " + path + " " + what, with_name(status.ToString(), path), ErrorKind::data);
}

/// Leaves of the families those that the database has.
rocksdb::Status keep_present(const std::string& path, const rocksdb::DBOptions& options,
                             std::vector<rocksdb::ColumnFamilyDescriptor>& wanted) {
    std::vector<std::string> present;
    rocksdb::Status status = rocksdb::DB::ListColumnFamilies(options, path, &present);
    std::erase_if(wanted, [&](const auto& family) { return std::ranges::find(present, family.name) == present.end(); });
    return status;
}

}  // namespace

rocksdb::DBOptions quiet_options() {
    rocksdb::DBOptions options;
    options.paranoid_checks = true;
    // RocksDB opens sixteen files at most ahead of their use. With threads of its own for it, of which it always starts fifteen a
    // family, it would end the process where there are no threads to be had.
    options.max_file_opening_threads = 1;
    options.skip_stats_update_on_db_open =
        true;  // they would be read from twenty files, and nothing here asks for them
    options.info_log = std::make_shared<SilentLogger>();
    options.db_host_id.clear();  // what is written does not tell on which machine
    options.stats_dump_period_sec = 0;
    return options;
}

tl::unexpected<Error> wrong_journal(const std::string& path, const std::string& what, ErrorCode code) {
    return fail(ErrorKind::data, "The journal " + path + " " + what + ".", code);
}

SeqKey key_of(Seq seq) {
    SeqKey key{};
    store(key.data(), __builtin_bswap64(seq));
    return key;
}

Seq seq_of_key(const rocksdb::Slice& key) {
    return key.size() == sizeof(Seq) ? __builtin_bswap64(load<Seq>(bytes_of(key).data())) : kNoSeq;
}

EvidenceKey evidence_key_of(Seq seq, std::uint8_t number) {
    EvidenceKey key{};
    store(key.data(), __builtin_bswap64(seq));
    key.back() = number;
    return key;
}

rocksdb::Slice slice_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes bytes_of(const rocksdb::Slice& slice) {
    return {reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()};
}

std::array<std::uint8_t, HeadRecord::kBytes> HeadRecord::bytes() const {
    std::array<std::uint8_t, kBytes> out{};
    store(out.data(), next_seq);
    std::ranges::copy(chain, out.begin() + sizeof next_seq);
    std::ranges::copy(head, out.begin() + sizeof next_seq + chain.size());
    return out;
}

HeadRecord HeadRecord::from(Bytes bytes) {
    HeadRecord record;
    record.next_seq = load<Seq>(bytes.data());
    std::copy_n(bytes.begin() + sizeof(Seq), record.chain.size(), record.chain.begin());
    std::copy_n(bytes.begin() + sizeof(Seq) + record.chain.size(), record.head.size(), record.head.begin());
    return record;
}

std::array<std::uint8_t, DerivedRecord::kBytes> DerivedRecord::bytes() const {
    std::array<std::uint8_t, kBytes> out{};
    store(out.data(), rows_seq);
    store(out.data() + sizeof rows_seq, snapshot_seq);
    return out;
}

DerivedRecord DerivedRecord::from(Bytes bytes) {
    return {load<Seq>(bytes.data()), load<Seq>(bytes.data() + sizeof(Seq))};
}

Database::Database(std::string path, Mode mode, std::unique_ptr<rocksdb::Env> env, rocksdb::DB* db,
                   std::vector<rocksdb::ColumnFamilyHandle*> handles)
    : path_(std::move(path)), env_(std::move(env)), db_(db), handles_(std::move(handles)) {
    // A journal under its temporary name is whole or gone, so a write-ahead log would be written for nothing: finish()
    // flushes all to synced files before the journal takes its name.
    writing_.disableWAL = mode == Mode::build;
}

Database::~Database() {
    for (rocksdb::ColumnFamilyHandle* const handle : handles_) {
        // Fails only for handles that are not the database's.
        static_cast<void>(db_->DestroyColumnFamilyHandle(handle).ok());
    }
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Mode mode,
                                                 const std::shared_ptr<rocksdb::FileSystem>& files,
                                                 std::uint64_t log_file_bytes,
                                                 const std::vector<std::string>& without) noexcept {
    std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
    const rocksdb::DBOptions options = database_options(mode, env.get());
    std::vector<rocksdb::ColumnFamilyDescriptor> wanted = families(log_file_bytes);
    if (mode == Mode::read) {
        if (const rocksdb::Status status = keep_present(path, options, wanted); !status.ok()) {
            return failed("cannot be opened", path, status);
        }
        if (wanted.size() < 2) {
            return fail(ErrorKind::data, "The journal " + path + " holds no log.", ErrorCode::damaged);
        }
        std::erase_if(wanted,
                      [&](const auto& family) { return std::ranges::find(without, family.name) != without.end(); });
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    rocksdb::Status status;
    switch (mode) {
    case Mode::build:
    case Mode::write: status = rocksdb::DB::Open(options, path, wanted, &handles, &db); break;
    case Mode::read: status = rocksdb::DB::OpenForReadOnly(options, path, wanted, &handles, &db); break;
    }
    if (!status.ok()) {
        const std::string said = status.ToString();
        if (mode == Mode::write && (said.find("lock hold by current process") != std::string::npos ||
                                    said.find("While lock file") != std::string::npos)) {
            return in_use(path, 0);  // by an older alpha, or where only RocksDB can lock
        }
        return failed("cannot be opened", path, status);
    }
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): ends the process, as database.hpp says
    return std::unique_ptr<Database>(new Database(path, mode, std::move(env), db, std::move(handles)));
}

Result<void> Database::drop(const std::string& path, const std::shared_ptr<rocksdb::FileSystem>& files,
                            const std::vector<std::string>& names) noexcept {
    const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
    rocksdb::DBOptions options = database_options(Mode::write, env.get());
    options.paranoid_checks = false;  // or a table that is missing would keep the database shut
    std::vector<rocksdb::ColumnFamilyDescriptor> present = families(kSmallMemtableBytes);
    if (const rocksdb::Status status = keep_present(path, options, present); !status.ok()) {
        return failed("cannot be opened", path, status);
    }
    for (rocksdb::ColumnFamilyDescriptor& family : present) {
        family.options.disable_auto_compactions = true;  // nothing is to be made of what is damaged
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    if (const rocksdb::Status status = rocksdb::DB::Open(options, path, present, &handles, &db); !status.ok()) {
        return failed("cannot be mended", path, status);
    }
    Database opened(path, Mode::write, nullptr, db, std::move(handles));
    for (const std::string& name : names) {
        rocksdb::ColumnFamilyHandle* const family = opened.named(name.c_str());
        if (family == nullptr) {
            continue;
        }
        if (Result<void> ok = opened.check("cannot be mended", db->DropColumnFamily(family)); !ok) {
            return ok;
        }
    }
    return opened.close();
}

rocksdb::ColumnFamilyHandle* Database::named(const char* family) const {
    const auto found = std::ranges::find(handles_, family, [](const auto* handle) { return handle->GetName(); });
    return found == handles_.end() ? nullptr : *found;
}

Result<void> Database::write(rocksdb::WriteBatch& batch) noexcept {
    return check("cannot be written", db_->Write(writing_, &batch));
}

Result<void> Database::sync() noexcept {
    return writing_.disableWAL ? Result<void>{} : check("cannot be made durable", db_->SyncWAL());
}

Result<void> Database::flush() noexcept {
    return check("cannot be made durable", db_->Flush(rocksdb::FlushOptions(), handles_));
}

Result<void> Database::flush_log() noexcept {
    return check("cannot be made durable", db_->Flush(rocksdb::FlushOptions(), log()));
}

Result<void> Database::drop_log_before(Seq seq) noexcept {
    const SeqKey first = key_of(0);
    const SeqKey end = key_of(seq);
    const rocksdb::Slice from = slice_of(first);
    const rocksdb::Slice to = slice_of(end);
    return check("cannot be written", rocksdb::DeleteFilesInRange(db_.get(), log(), &from, &to, false));
}

Result<void> Database::forget_evidence_before(Seq seq) noexcept {
    const SeqKey first = key_of(0);
    const SeqKey end = key_of(seq);
    const rocksdb::Slice from = slice_of(first);
    const rocksdb::Slice to = slice_of(end);
    std::array<std::uint8_t, sizeof seq> mark{};
    store(mark.data(), seq);
    rocksdb::WriteBatch batch;
    Result<void> ok = check("cannot be written", batch.DeleteRange(evidence(), from, to));
    ok = ok ? check("cannot be written", batch.Put(meta(), kForgottenKey, slice_of(mark))) : ok;
    ok = ok ? write(batch) : ok;
    // That it is gone is now written behind it, in files that still hold it. So does the write-ahead log, until all is flushed.
    ok = ok ? flush() : ok;
    failpoint("forget: noted, not removed");
    rocksdb::CompactRangeOptions removing;
    removing.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    return ok ? check("cannot be written", db_->CompactRange(removing, evidence(), &from, &to)) : ok;
}

Result<void> Database::close() noexcept {
    for (rocksdb::ColumnFamilyHandle* const handle : handles_) {
        if (Result<void> ok = check("cannot be closed", db_->DestroyColumnFamilyHandle(handle)); !ok) {
            return ok;
        }
    }
    handles_.clear();
    return check("cannot be closed", db_->Close());
}

Result<std::string> Database::get_meta(const char* key) const {
    Result<std::optional<std::string>> found = find(meta(), key);
    if (!found) {
        return tl::make_unexpected(found.error());
    }
    if (!*found) {
        return fail(ErrorKind::data, "The journal " + path_ + " does not say its \"" + key + "\".", ErrorCode::damaged);
    }
    return std::move(**found);
}

Result<std::optional<std::string>> Database::find(rocksdb::ColumnFamilyHandle* family,
                                                  const rocksdb::Slice& key) const {
    rocksdb::ReadOptions reading;
    reading.verify_checksums = true;
    std::string value;
    const rocksdb::Status status = db_->Get(reading, family, key, &value);
    if (status.IsNotFound()) {
        return std::nullopt;
    }
    if (!status.ok()) {
        return failed("cannot be read", path_, status);
    }
    return value;
}

std::unique_ptr<rocksdb::Iterator> Database::iterate(rocksdb::ColumnFamilyHandle* family) const {
    rocksdb::ReadOptions reading;
    reading.verify_checksums = true;
    reading.fill_cache = false;  // RocksDB reads ahead by itself once it sees that a scan goes on
    return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(reading, family));
}

Result<void> Database::check(rocksdb::ColumnFamilyHandle* family) const {
    const std::unique_ptr<rocksdb::Iterator> at = iterate(family);
    for (at->SeekToFirst(); at->Valid(); at->Next()) {}
    return check("cannot be read", at->status());
}

Result<void> Database::check_properties() const {
    for (rocksdb::ColumnFamilyHandle* const family : handles_) {
        rocksdb::TablePropertiesCollection properties;
        if (Result<void> ok = check("is damaged", db_->GetPropertiesOfAllTables(family, &properties)); !ok) {
            return ok;
        }
    }
    return {};
}

std::vector<Database::LogFile> Database::log_files() const {
    std::vector<rocksdb::LiveFileMetaData> files;
    db_->GetLiveFilesMetaData(&files);
    std::vector<LogFile> found;
    for (const rocksdb::LiveFileMetaData& file : files) {
        if (file.column_family_name == kLogFamily) {
            found.push_back({file.name.substr(file.name.starts_with('/') ? 1 : 0), seq_of_key(file.smallestkey)});
        }
    }
    return found;
}

std::uint64_t Database::unwritten_bytes() const {
    std::uint64_t bytes = 0;
    return db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kSizeAllMemTables, &bytes) ? bytes : 0;
}

Result<void> Database::check(const char* what, const rocksdb::Status& status) const {
    if (!status.ok()) {
        return failed(what, path_, status);
    }
    return {};
}

std::uint32_t snapshot_checksum(const SeqKey& key, Bytes bytes) {
    return crc32c(bytes, crc32c(key));
}

Result<HeadRecord> read_head(const Database& db, const std::string& path) {
    const Result<std::string> head = db.get_meta(kHeadKey);
    if (!head) {
        return tl::make_unexpected(head.error());
    }
    if (head->size() != HeadRecord::kBytes) {
        return wrong_journal(path, "records no head");
    }
    return HeadRecord::from(bytes_of(*head));
}

Result<Seq> read_forgotten(const Database& db) {
    const Result<std::optional<std::string>> said = db.find(db.meta(), kForgottenKey);
    if (!said) {
        return tl::make_unexpected(said.error());
    }
    return *said && (*said)->size() == sizeof(Seq) ? load<Seq>(bytes_of(**said).data()) : 0;
}

Result<DerivedRecord> read_derived(const Database& db) {
    const Result<std::optional<std::string>> said = db.find(db.meta(), kDerivedKey);
    if (!said) {
        return tl::make_unexpected(said.error());
    }
    const bool known = *said && (*said)->size() == DerivedRecord::kBytes;
    return known ? DerivedRecord::from(bytes_of(**said)) : DerivedRecord{};
}

}  // namespace alpha
