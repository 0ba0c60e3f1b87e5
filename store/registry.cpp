#include "store/registry.hpp"

#include "events/cursor.hpp"
#include "store/database.hpp"
#include "store/disk.hpp"
#include "store/failpoint.hpp"
#include "store/machine.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <span>
#include <system_error>

namespace alpha {
namespace {

using markets::Listing;
using markets::ListingFile;
namespace fs = std::filesystem;

constexpr char kRegistryName[] = "alpha registry ";
constexpr int kRegistryFormat = 1;
constexpr char kDayPrefix[] = "day/";
constexpr char kVersionsFamily[] = "versions";
constexpr char kTokensFamily[] = "tokens";
constexpr char kIsinsFamily[] = "isins";
/// Where a load builds its files; they are moved out of it in one step.
constexpr char kLoadFolder[] = "/load";

constexpr std::size_t kBlockBytes = 16U << 10U;
constexpr std::size_t kCacheBytes = 8U << 20U;
constexpr std::size_t kMemtableBytes = 1U << 20U;  // nothing is ever written through one
constexpr int kOpenAttempts = 5;
/// So many files of a family are too many: each lookup asks all of them.
constexpr std::size_t kFilesMax = 8;

constexpr std::uint8_t kDelisted = 0;
constexpr std::uint8_t kListed = 1;

tl::unexpected<Error> failed(const std::string& path, const std::string& what, const rocksdb::Status& status) {
    return refused_by_library("The registry " + path + " " + what, status.ToString(), ErrorKind::data);
}

tl::unexpected<Error> damaged(const std::string& path, const std::string& what) {
    return fail(ErrorKind::data,
                "The registry " + path + " is damaged: " + what +
                    ". Make a new one and load the files again, the oldest first.",
                ErrorCode::damaged);
}

// ---- keys -------------------------------------------------------------------------------------------------------------

void append_number(std::string& key, std::uint32_t value) {
    const std::uint32_t big_endian = __builtin_bswap32(value);
    key.append(reinterpret_cast<const char*>(&big_endian), sizeof big_endian);
}

/// Days before 1970 are asked for at most, and before all versions.
std::uint32_t number_of(Date date) {
    return static_cast<std::uint32_t>(std::max(date.days, 0));
}

std::uint32_t number_at(std::string_view bytes) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return __builtin_bswap32(value);
}

/// EXCHANGE 0 SYMBOL
std::string pair_of(std::string_view exchange, std::string_view symbol) {
    std::string key(exchange);
    key += '\0';
    key += symbol;
    return key;
}

/// What all versions of an instrument begin with.
std::string version_prefix(std::string_view exchange, std::string_view symbol) {
    return pair_of(exchange, symbol) += '\0';
}

std::string version_key(std::string_view exchange, std::string_view symbol, Date from) {
    std::string key = version_prefix(exchange, symbol);
    append_number(key, number_of(from));
    return key;
}

struct Whose {
    std::string_view exchange;
    std::string_view symbol;
    friend bool operator==(const Whose&, const Whose&) = default;
};

std::optional<Whose> split_pair(std::string_view pair) {
    const std::size_t end = pair.find('\0');
    if (end == std::string_view::npos || pair.find('\0', end + 1) != std::string_view::npos) {
        return std::nullopt;
    }
    return Whose{pair.substr(0, end), pair.substr(end + 1)};
}

struct VersionKey {
    Whose instrument;
    Date from;
};

std::optional<VersionKey> split_version_key(std::string_view key) {
    if (key.size() < sizeof(std::uint32_t) + 1 || key[key.size() - sizeof(std::uint32_t) - 1] != '\0') {
        return std::nullopt;
    }
    const std::string_view pair = key.substr(0, key.size() - sizeof(std::uint32_t) - 1);
    const std::optional<Whose> instrument = split_pair(pair);
    if (!instrument) {
        return std::nullopt;
    }
    return VersionKey{*instrument, Date{static_cast<std::int32_t>(number_at(key.substr(pair.size() + 1)))}};
}

std::string token_key(const Listing& listing) {
    std::string key;
    append_number(key, listing.token);
    append_number(key, number_of(listing.from));
    return key += pair_of(listing.exchange, listing.symbol);
}

std::string isin_key(const Listing& listing) {
    return listing.isin + '\0' + version_key(listing.exchange, listing.symbol, listing.from);
}

// ---- versions ---------------------------------------------------------------------------------------------------------

void encode(const ListingVersion& version, ByteBuffer& into) {
    into.clear();
    OutCursor out(into);
    out(version.is_listed ? kListed : kDelisted);
    if (version.is_listed) {
        out(version.listing);
    }
}

/// Whether an instrument is listed on `date` by this version, the newest up to then.
bool holds(const ListingVersion& version, Date date) {
    return version.is_listed && date <= version.listing.expiry;
}

bool says_the_same(const ListingVersion& version, const Listing& listing) {
    return version.is_listed && markets::changed_fields(version.listing, listing).none();
}

/// ASCII alone: names and symbols of exchanges are.
char lowered(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool contains_text(std::string_view text, std::string_view part) {
    const auto same = [](char a, char b) { return lowered(a) == lowered(b); };
    return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

// ---- what a load writes -----------------------------------------------------------------------------------------------

/// Keys that are put or removed, in the order in which they come, and then by themselves. Of a key that is both, it is put.
class Keys {
public:
    void add(std::string_view key, bool is_put) {
        places_.push_back({static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(key.size()), is_put});
        bytes_ += key;
    }
    template <class Each>
    void in_order(Each each) {
        std::ranges::sort(places_, [&](const Place& a, const Place& b) {
            const int order = at(a).compare(at(b));
            return order != 0 ? order < 0 : a.is_put && !b.is_put;
        });
        for (std::size_t i = 0; i < places_.size(); ++i) {
            if (i == 0 || at(places_[i]) != at(places_[i - 1])) {
                each(at(places_[i]), places_[i].is_put);
            }
        }
    }

private:
    struct Place {
        std::uint32_t begin;
        std::uint32_t size;
        bool is_put;
    };
    std::string_view at(const Place& place) const { return std::string_view(bytes_).substr(place.begin, place.size); }

    std::string bytes_;
    std::vector<Place> places_;
};

}  // namespace

// ---- the database -----------------------------------------------------------------------------------------------------

class RegistryDatabase {
public:
    using Access = Registry::Access;
    enum Family : std::size_t { meta, versions, tokens, isins, kFamilies };

    static rocksdb::ColumnFamilyOptions family_options() {
        rocksdb::BlockBasedTableOptions table;
        table.format_version = 5;
        table.checksum = rocksdb::kXXH3;
        table.block_size = kBlockBytes;
        table.block_cache = rocksdb::NewLRUCache(kCacheBytes);
        rocksdb::ColumnFamilyOptions options;
        options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
        options.compression = rocksdb::kSnappyCompression;  // not LZ4: store/database.cpp says why
        options.write_buffer_size = kMemtableBytes;
        // Files lie beside one another, the newest first, until merge_files() makes one of some: RocksDB would do that on threads of
        // its own, and a process ends right after its load.
        options.compaction_style = rocksdb::kCompactionStyleUniversal;
        options.num_levels = 1;
        options.disable_auto_compactions = true;
        return options;
    }

    static std::vector<rocksdb::ColumnFamilyDescriptor> families() {
        const rocksdb::ColumnFamilyOptions options = family_options();
        return {{rocksdb::kDefaultColumnFamilyName, options},
                {kVersionsFamily, options},
                {kTokensFamily, options},
                {kIsinsFamily, options}};
    }

    static Result<std::unique_ptr<RegistryDatabase>> open(const std::string& path, Access access) {
        const Result<bool> exists = is_there(path);
        if (!exists) {
            return tl::make_unexpected(exists.error());
        }
        if (!*exists) {
            if (access == Access::read) {
                return fail(ErrorKind::usage,
                            "There is no registry at " + path +
                                ". Make one with alpha instruments load, or name another with --registry.",
                            ErrorCode::not_found);
            }
            if (Result<void> made = make_empty(path); !made) {
                return tl::make_unexpected(made.error());
            }
        }
        if (Result<void> ok = check_format(path); !ok) {
            return tl::make_unexpected(ok.error());
        }
        auto opened = std::make_unique<RegistryDatabase>(path, access);
        if (Result<void> ok = opened->open_database(families()); !ok) {
            return tl::make_unexpected(ok.error());
        }
        if (access == Access::write) {
            std::error_code ignored;  // what a load that was killed left behind; if it stays, the next step says so
            fs::remove_all(path + kLoadFolder, ignored);
        }
        return opened;
    }

    RegistryDatabase(std::string path, Access access) : path_(std::move(path)), access_(access) {}
    RegistryDatabase(const RegistryDatabase&) = delete;
    RegistryDatabase& operator=(const RegistryDatabase&) = delete;
    ~RegistryDatabase() {
        for (rocksdb::ColumnFamilyHandle* const handle : handles_) {
            static_cast<void>(db_->DestroyColumnFamilyHandle(handle).ok());  // fails for handles of others alone
        }
    }

    const std::string& path() const { return path_; }
    bool may_write() const { return access_ == Access::write; }

    Result<std::optional<std::string>> get(Family family, const std::string& key) const {
        std::string value;
        const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), handles_[family], key, &value);
        if (status.IsNotFound()) {
            return std::nullopt;
        }
        if (!status.ok()) {
            return failed(path_, "cannot be read", status);
        }
        return value;
    }

    std::unique_ptr<rocksdb::Iterator> iterate(Family family, bool is_long) const {
        rocksdb::ReadOptions reading;
        reading.fill_cache = !is_long;
        return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(reading, handles_[family]));
    }

    Result<void> check(const rocksdb::Iterator& at) const {
        if (!at.status().ok()) {
            return failed(path_, "cannot be read", at.status());
        }
        return {};
    }

    Result<ListingVersion> decode(const VersionKey& key, std::string_view value) const {
        ListingVersion version;
        version.listing.exchange = key.instrument.exchange;
        version.listing.symbol = key.instrument.symbol;
        version.listing.from = key.from;
        std::uint8_t state = kDelisted;
        InCursor in(bytes_of(rocksdb::Slice(value.data(), value.size())));
        in(state);
        version.is_listed = state == kListed;
        if (version.is_listed) {
            in(version.listing);
        }
        if (in.is_newer()) {
            return fail(ErrorKind::data, "The registry " + path_ + " holds listings of a newer alpha. Use that one.",
                        ErrorCode::newer_format);
        }
        if (!in.ok() || in.left() != 0 || state > kListed) {
            return damaged(path_, fmt::format("a version of {}:{} cannot be read", key.instrument.exchange,
                                              key.instrument.symbol));
        }
        return version;
    }

    Result<std::vector<std::pair<std::string, Date>>> exchanges() const {
        std::vector<std::pair<std::string, Date>> found;
        const std::unique_ptr<rocksdb::Iterator> at = iterate(meta, false);
        for (at->Seek(kDayPrefix); at->Valid() && at->key().starts_with(kDayPrefix); at->Next()) {
            const std::string_view exchange = at->key().ToStringView().substr(sizeof kDayPrefix - 1);
            Date day;
            InCursor in(bytes_of(at->value()));
            in(day);
            if (!in.ok() || in.left() != 0) {
                return damaged(path_, fmt::format("the newest day of {} cannot be read", exchange));
            }
            found.emplace_back(exchange, day);
        }
        return check(*at).map([&] { return std::move(found); });
    }

    /// Merges files of families that have too many. What is kept stays the same, so it is no matter if it fails.
    void merge_files() const {
        for (rocksdb::ColumnFamilyHandle* const family : handles_) {
            rocksdb::ColumnFamilyMetaData said;
            db_->GetColumnFamilyMetaData(family, &said);
            const std::vector<rocksdb::SstFileMetaData>& files = said.levels.front().files;  // the newest first
            if (files.size() < kFilesMax) {
                continue;
            }
            // Small ones among themselves, so that the large ones of years are seldom written again.
            std::vector<std::string> merged;
            merged.reserve(files.size());
            std::uint64_t bytes = 0;
            for (const rocksdb::SstFileMetaData& file : files) {
                if (merged.size() >= kFilesMax / 2 && file.size > 2 * bytes) {
                    break;
                }
                merged.push_back(file.name);
                bytes += file.size;
            }
            static_cast<void>(db_->CompactFiles(rocksdb::CompactionOptions(), family, merged, 0).ok());
        }
    }

    const std::unique_ptr<rocksdb::DB>& db() const { return db_; }
    rocksdb::ColumnFamilyHandle* handle(Family family) const { return handles_[family]; }

private:
    static rocksdb::DBOptions options_for(Access access) {
        rocksdb::DBOptions options = quiet_options();
        // A reader holds all files open, so that it goes on while a writer replaces them.
        options.max_open_files = access == Access::read ? -1 : 64;
        return options;
    }

    /// A registry appears whole, with its format, or not at all.
    static Result<void> make_empty(const std::string& path) {
        Result<Partial> partial = Partial::make_folder(path, "load into it again");
        if (!partial) {
            return tl::make_unexpected(partial.error());
        }
        RegistryDatabase made(partial->where(), Access::write);
        rocksdb::DBOptions options = options_for(Access::write);
        options.create_if_missing = true;
        options.create_missing_column_families = true;
        rocksdb::DB* db = nullptr;
        rocksdb::Status status = rocksdb::DB::Open(options, made.path_, families(), &made.handles_, &db);
        made.db_.reset(db);
        rocksdb::WriteOptions durable;
        durable.sync = true;
        if (status.ok()) {
            status = db->Put(durable, kFormatKey, kRegistryName + std::to_string(kRegistryFormat));
        }
        if (status.ok()) {
            status = db->Flush(rocksdb::FlushOptions());
        }
        if (!status.ok()) {
            return failed(path, "cannot be made", status);
        }
        return partial->publish();
    }

    static Result<void> check_format(const std::string& path) {
        const Result<bool> has_database = is_there(path + "/CURRENT");
        if (!has_database) {
            return tl::make_unexpected(has_database.error());
        }
        const std::string what =
            path + " is no registry of instruments. Name one, or a folder that does not exist yet, with --registry.";
        if (!*has_database) {
            return fail(ErrorKind::usage, what);
        }
        RegistryDatabase peek(path, Access::read);
        if (Result<void> ok = peek.open_database({{rocksdb::kDefaultColumnFamilyName, family_options()}}); !ok) {
            return ok;
        }
        const Result<std::optional<std::string>> format = peek.get(meta, kFormatKey);
        if (!format) {
            return tl::make_unexpected(format.error());
        }
        if (!*format || !(*format)->starts_with(kRegistryName)) {
            return fail(ErrorKind::usage, what);
        }
        if (**format != kRegistryName + std::to_string(kRegistryFormat)) {
            return fail(ErrorKind::data,
                        fmt::format("The registry {} is of the format \"{}\", and this version reads \"{}{}\". Use a "
                                    "newer alpha.",
                                    path, **format, kRegistryName, kRegistryFormat),
                        ErrorCode::newer_format);
        }
        return {};
    }

    Result<void> open_database(const std::vector<rocksdb::ColumnFamilyDescriptor>& wanted) {
        rocksdb::Status status;
        for (int attempt = 0; attempt < kOpenAttempts; ++attempt) {
            rocksdb::DB* db = nullptr;
            status = access_ == Access::read
                         ? rocksdb::DB::OpenForReadOnly(options_for(access_), path_, wanted, &handles_, &db)
                         : rocksdb::DB::Open(options_for(access_), path_, wanted, &handles_, &db);
            db_.reset(db);
            if (status.ok()) {
                return {};
            }
            if (access_ == Access::write || status.IsInvalidArgument()) {
                break;  // else a writer may have replaced a file between its being listed and opened
            }
        }
        const std::string said = status.ToString();
        if (access_ == Access::write && (said.find("lock hold by current process") != std::string::npos ||
                                         said.find("While lock file") != std::string::npos)) {
            return fail(ErrorKind::transient,
                        "The registry " + path_ +
                            " is in use: another process loads into it. Try again once that has ended.",
                        ErrorCode::in_use);
        }
        return failed(path_, "cannot be opened", status);
    }

    std::string path_;
    Access access_;
    std::unique_ptr<rocksdb::DB> db_;
    std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

namespace {

/// The versions of one instrument as they are kept. Its memory is used again for the next one.
struct Group {
    struct Kept {
        Date from;
        std::string value;
    };
    std::string exchange;
    std::string symbol;
    std::vector<Kept> kept;
    std::size_t count = 0;  ///< of `kept` that are of this instrument

    std::span<const Kept> versions() const { return {kept.data(), count}; }
    /// The newest one from `date` or before; null: none.
    const Kept* at(Date date) const {
        const auto all = versions();
        const auto after = std::ranges::upper_bound(all, date, {}, &Kept::from);
        return after == all.begin() ? nullptr : &*std::prev(after);
    }
};

/// Goes over instruments, in order, with all versions of each.
class Walk {
public:
    /// Of one exchange, or of all where it is empty.
    Walk(const RegistryDatabase& db, std::string_view exchange)
        : db_(db), at_(db.iterate(RegistryDatabase::versions, true)), prefix_(exchange) {
        if (!prefix_.empty()) {
            prefix_ += '\0';
        }
        at_->Seek(prefix_);
        next();
    }

    /// Whether there is an instrument. False at the end and where something is wrong.
    bool valid() const { return valid_; }
    const Group& group() const { return group_; }
    void next() {
        valid_ = false;
        group_.count = 0;
        for (; at_->Valid() && at_->key().starts_with(prefix_); at_->Next()) {
            const std::optional<VersionKey> key = split_version_key(at_->key().ToStringView());
            if (!key) {
                is_damaged_ = true;
                valid_ = false;
                return;
            }
            if (!valid_) {
                group_.exchange = key->instrument.exchange;
                group_.symbol = key->instrument.symbol;
                valid_ = true;
            } else if (key->instrument != Whose{group_.exchange, group_.symbol}) {
                return;
            }
            if (group_.count == group_.kept.size()) {
                group_.kept.emplace_back();
            }
            Group::Kept& kept = group_.kept[group_.count++];
            kept.from = key->from;
            kept.value = at_->value().ToStringView();
        }
    }
    /// Goes to the first instrument from `symbol` on. Requires an exchange.
    void seek(std::string_view symbol) {
        at_->Seek(prefix_ + std::string(symbol) + '\0');
        next();
    }
    Result<ListingVersion> version(const Group::Kept& kept) const {
        return db_.decode({{group_.exchange, group_.symbol}, kept.from}, kept.value);
    }
    /// What was listed on `date`.
    Result<std::optional<Listing>> on(Date date) const {
        const Group::Kept* const kept = group_.at(date);
        if (kept == nullptr) {
            return std::nullopt;
        }
        return version(*kept).map([&](ListingVersion version) {
            return holds(version, date) ? std::optional(std::move(version.listing)) : std::nullopt;
        });
    }
    /// Of the whole walk, once it has ended.
    Result<void> end() const { return is_damaged_ ? damaged(db_.path(), "a key cannot be read") : db_.check(*at_); }

private:
    const RegistryDatabase& db_;
    std::unique_ptr<rocksdb::Iterator> at_;
    std::string prefix_;
    Group group_;
    bool valid_ = false;
    bool is_damaged_ = false;
};

/// One load: compares the file with what is kept, writes what differs to files of its own, and hands them over in one step.
class Load {
public:
    Load(const RegistryDatabase& db, const ListingFile& file, const LoadOptions& options)
        : db_(db), file_(file), partial_(options.partial || file.has_from()), folder_(db.path() + kLoadFolder) {}

    Result<LoadReport> run() {
        std::error_code error;
        fs::create_directory(folder_, error);
        if (error) {
            return refused_by_system("Cannot make " + folder_, error.value(), ErrorKind::data);
        }
        const Result<void> done =
            check_days().and_then([&] { return compare(); }).and_then([&] { return hand_over(); });
        fs::remove_all(folder_, error);  // what is left there is of no meaning, and the next load removes it
        if (!done) {
            return tl::make_unexpected(done.error());
        }
        return report_;
    }

private:
    using Entry = ListingFile::Entry;

    /// The span of entries from the front of `rest` that `same` finds alike.
    template <class Same>
    static std::span<const Entry> front_of(std::span<const Entry> rest, Same same) {
        const auto end = std::ranges::find_if_not(rest, [&](const Entry& entry) { return same(entry, rest.front()); });
        return {rest.begin(), end};
    }

    Result<void> check_days() {
        Result<std::vector<std::pair<std::string, Date>>> known = db_.exchanges();
        if (!known) {
            return tl::make_unexpected(known.error());
        }
        for (const Entry& entry : file_.entries()) {
            if (entry.is_bad) {
                continue;
            }
            if (report_.newest.empty() || report_.newest.back().first != entry.exchange) {
                const auto found = std::ranges::find(*known, entry.exchange, &std::pair<std::string, Date>::first);
                was_newest_.push_back(found == known->end() ? std::nullopt : std::optional(found->second));
                report_.newest.emplace_back(entry.exchange, was_newest_.back().value_or(entry.from));
            }
            if (was_newest_.back() && entry.from < *was_newest_.back()) {
                return fail(ErrorKind::data,
                            fmt::format("{}:{}: {}:{} is for {}, but {} was loaded for {} already, and history is "
                                        "appended, not rewritten; load days from then on, or make a new registry and "
                                        "load all days in their order",
                                        file_.file(), entry.line, entry.exchange, entry.symbol, to_iso(entry.from),
                                        entry.exchange, to_iso(*was_newest_.back())),
                            ErrorCode::bad_record, {file_.file(), entry.line, 0});
            }
            report_.newest.back().second = std::max(report_.newest.back().second, entry.from);
        }
        return {};
    }

    Result<void> compare() {
        std::span<const Entry> rest = file_.entries();
        while (!rest.empty()) {
            const auto exchange =
                front_of(rest, [](const Entry& a, const Entry& b) { return a.exchange == b.exchange; });
            rest = rest.subspan(exchange.size());
            const auto good = std::ranges::find(exchange, false, &Entry::is_bad);
            if (good == exchange.end()) {
                continue;  // the file says nothing of this exchange that could be used
            }
            if (Result<void> ok = compare_exchange(exchange, good->from); !ok) {
                return ok;
            }
        }
        return {};
    }

    Result<void> compare_exchange(std::span<const Entry> rest, Date day) {
        Walk walk(db_, rest.front().exchange);
        while (!rest.empty()) {
            const auto rows = front_of(rest, [](const Entry& a, const Entry& b) { return a.symbol == b.symbol; });
            rest = rest.subspan(rows.size());
            if (Result<void> ok = pass(walk, rows.front().symbol, day); !ok) {
                return ok;
            }
            const bool is_kept = walk.valid() && walk.group().symbol == rows.front().symbol;
            if (Result<void> ok = take(rows, walk, is_kept); !ok) {
                return ok;
            }
            if (is_kept) {
                walk.next();
            }
        }
        while (!partial_ && walk.valid()) {
            if (Result<void> ok = leave_out(walk, day); !ok) {
                return ok;
            }
            walk.next();
        }
        return walk.end();
    }

    /// Goes to `symbol`; what lies before it is not in the file.
    Result<void> pass(Walk& walk, std::string_view symbol, Date day) {
        if (partial_) {
            if (walk.valid() && walk.group().symbol < symbol) {
                walk.seek(symbol);
            }
            return {};
        }
        for (; walk.valid() && walk.group().symbol < symbol; walk.next()) {
            if (Result<void> ok = leave_out(walk, day); !ok) {
                return ok;
            }
        }
        return {};
    }

    /// The newest two versions: no older one can matter, as none is for a day after the newest load's.
    Result<std::vector<ListingVersion>> newest_two(const Walk& walk) const {
        std::vector<ListingVersion> found;
        const auto all = walk.group().versions();
        for (const Group::Kept& kept : all.last(std::min<std::size_t>(all.size(), 2))) {
            Result<ListingVersion> version = walk.version(kept);
            if (!version) {
                return tl::make_unexpected(version.error());
            }
            found.push_back(std::move(*version));
        }
        return found;
    }

    Result<void> take(std::span<const Entry> rows, const Walk& walk, bool is_kept) {
        std::vector<ListingVersion> known;  // ascending
        if (is_kept) {
            Result<std::vector<ListingVersion>> found = newest_two(walk);
            if (!found) {
                return tl::make_unexpected(found.error());
            }
            known = std::move(*found);
        }
        for (const Entry& row : rows) {
            if (row.is_bad) {
                continue;
            }
            if (Result<void> ok = take_row(file_.listing(row), known); !ok) {
                return ok;
            }
        }
        return {};
    }

    Result<void> take_row(Listing row, std::vector<ListingVersion>& known) {
        const Date day = row.from;
        const bool has_today = !known.empty() && known.back().listing.from == day;
        const ListingVersion* const today = has_today ? &known.back() : nullptr;
        const std::size_t before_count = known.size() - (has_today ? 1 : 0);
        const ListingVersion* const before = before_count == 0 ? nullptr : &known[before_count - 1];
        const bool was_listed = before != nullptr && holds(*before, day);
        // What the file has no column for stays as it was; what was not listed begins anew.
        if (today != nullptr && today->is_listed) {
            markets::copy_fields(row, today->listing, ~file_.fields());
        } else if (was_listed) {
            markets::copy_fields(row, before->listing, ~file_.fields());
        }
        const bool is_as_before = before != nullptr && says_the_same(*before, row);
        ++report_.rows;
        const bool has_expired = row.expiry < day;
        ++(has_expired    ? report_.expired
           : !was_listed  ? report_.listed
           : is_as_before ? report_.unchanged
                          : report_.changed);
        if (is_as_before) {
            if (today != nullptr) {
                if (Result<void> ok = remove(*today); !ok) {
                    return ok;
                }
                known.pop_back();
            }
            return {};
        }
        if (today != nullptr && says_the_same(*today, row)) {
            return {};
        }
        if (today != nullptr) {
            index(*today, false);
            known.pop_back();
        }
        known.push_back({true, std::move(row)});
        return put(known.back());
    }

    /// Of an instrument that the file, which names all there are, does not name.
    Result<void> leave_out(const Walk& walk, Date day) {
        const Result<std::vector<ListingVersion>> known = newest_two(walk);
        if (!known) {
            return tl::make_unexpected(known.error());
        }
        const bool has_today = known->back().listing.from == day;
        const ListingVersion* const today = has_today ? &known->back() : nullptr;
        const std::size_t before_count = known->size() - (has_today ? 1 : 0);
        const bool was_listed = before_count != 0 && holds((*known)[before_count - 1], day);
        report_.delisted += was_listed ? 1 : 0;
        if (!was_listed) {
            return today == nullptr ? Result<void>{} : remove(*today);
        }
        if (today != nullptr && !today->is_listed) {
            return {};
        }
        if (today != nullptr) {
            index(*today, false);
        }
        ListingVersion delisted{false, {}};
        delisted.listing.exchange = walk.group().exchange;
        delisted.listing.symbol = walk.group().symbol;
        delisted.listing.from = day;
        return put(delisted);
    }

    // ---- writing ----

    void index(const ListingVersion& version, bool is_put) {
        if (version.is_listed && version.listing.token != 0) {
            tokens_.add(token_key(version.listing), is_put);
        }
        if (version.is_listed && !version.listing.isin.empty()) {
            isins_.add(isin_key(version.listing), is_put);
        }
    }

    Result<void> put(const ListingVersion& version) {
        ++report_.versions_written;
        index(version, true);
        encode(version, buffer_);
        const Listing& key = version.listing;
        return into(RegistryDatabase::versions, version_key(key.exchange, key.symbol, key.from), true,
                    slice_of(buffer_.view()));
    }

    Result<void> remove(const ListingVersion& version) {
        ++report_.versions_removed;
        index(version, false);
        const Listing& key = version.listing;
        return into(RegistryDatabase::versions, version_key(key.exchange, key.symbol, key.from), false, {});
    }

    /// Into the file of a family, which is made when the first key comes. Keys must ascend.
    Result<void> into(RegistryDatabase::Family family, std::string_view key, bool is_put, const rocksdb::Slice& value) {
        std::unique_ptr<rocksdb::SstFileWriter>& file = files_[family];
        rocksdb::Status status;
        if (file == nullptr) {
            const rocksdb::Options options(quiet_options(), RegistryDatabase::family_options());
            file = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), options, db_.handle(family));
            status = file->Open(name_of_file(family));
        }
        if (status.ok()) {
            status = is_put ? file->Put(key, value) : file->Delete(key);
        }
        if (!status.ok()) {
            return failed(db_.path(), "cannot be written", status);
        }
        return {};
    }

    std::string name_of_file(std::size_t family) const { return folder_ + '/' + std::to_string(family) + ".sst"; }

    Result<void> write_keys(RegistryDatabase::Family family, Keys& keys) {
        Result<void> done;
        keys.in_order([&](std::string_view key, bool is_put) {
            if (done) {
                done = into(family, key, is_put, {});
            }
        });
        return done;
    }

    Result<void> hand_over() {
        for (const auto& [family, keys] :
             {std::pair{RegistryDatabase::tokens, &tokens_}, std::pair{RegistryDatabase::isins, &isins_}}) {
            if (Result<void> ok = write_keys(family, *keys); !ok) {
                return ok;
            }
        }
        for (std::size_t i = 0; i < report_.newest.size(); ++i) {
            const auto& [exchange, day] = report_.newest[i];
            if (was_newest_[i] == day) {
                continue;
            }
            buffer_.clear();
            OutCursor out(buffer_);
            out(day);
            if (Result<void> ok = into(RegistryDatabase::meta, kDayPrefix + exchange, true, slice_of(buffer_.view()));
                !ok) {
                return ok;
            }
        }
        failpoint("registry: compared, not written");
        std::vector<rocksdb::IngestExternalFileArg> files;
        for (std::size_t family = 0; family < files_.size(); ++family) {
            if (files_[family] == nullptr) {
                continue;
            }
            if (const rocksdb::Status status = files_[family]->Finish(); !status.ok()) {
                return failed(db_.path(), "cannot be written", status);
            }
            rocksdb::IngestExternalFileArg& file = files.emplace_back();
            file.column_family = db_.handle(static_cast<RegistryDatabase::Family>(family));
            file.external_files = {name_of_file(family)};
            file.options.move_files = true;
            file.options.write_global_seqno = false;  // the manifest holds it
        }
        failpoint("registry: written, not handed over");
        if (files.empty()) {
            return {};
        }
        // One record of the manifest for all families, made durable before it returns.
        if (const rocksdb::Status status = db_.db()->IngestExternalFiles(files); !status.ok()) {
            return failed(db_.path(), "cannot be written", status);
        }
        failpoint("registry: handed over");
        db_.merge_files();
        return {};
    }

    const RegistryDatabase& db_;
    const ListingFile& file_;
    bool partial_;
    std::string folder_;
    std::vector<std::optional<Date>> was_newest_;  // beside report_.newest
    ByteBuffer buffer_;
    Keys tokens_;
    Keys isins_;
    std::array<std::unique_ptr<rocksdb::SstFileWriter>, RegistryDatabase::kFamilies> files_;
    LoadReport report_;
};

}  // namespace

// ---- the registry -----------------------------------------------------------------------------------------------------

Registry::Registry(std::unique_ptr<RegistryDatabase> db) : db_(std::move(db)) {}
Registry::Registry(Registry&&) noexcept = default;
Registry& Registry::operator=(Registry&&) noexcept = default;
Registry::~Registry() = default;

Result<Registry> Registry::open(const std::string& path, Access access) {
    return RegistryDatabase::open(path, access).map([](std::unique_ptr<RegistryDatabase> db) {
        return Registry(std::move(db));
    });
}

Result<LoadReport> Registry::load(const markets::ListingFile& file, const LoadOptions& options) {
    ALPHA_ASSERT(db_->may_write(), "a registry is loaded into that was opened for reading");
    if (file.bad_row_count() != 0 && !options.skip_bad) {
        return file.bad_rows_refusal();
    }
    return Load(*db_, file, options).run();
}

Result<std::optional<Listing>> Registry::find(std::string_view exchange, std::string_view symbol, Date date) const {
    if (date < Date{0}) {
        return std::nullopt;
    }
    const std::unique_ptr<rocksdb::Iterator> at = db_->iterate(RegistryDatabase::versions, false);
    at->SeekForPrev(version_key(exchange, symbol, date));
    if (Result<void> ok = db_->check(*at); !ok) {
        return tl::make_unexpected(ok.error());
    }
    const std::optional<VersionKey> key = at->Valid() ? split_version_key(at->key().ToStringView()) : std::nullopt;
    if (!key || key->instrument != Whose{exchange, symbol}) {
        return std::nullopt;
    }
    return db_->decode(*key, at->value().ToStringView()).map([&](ListingVersion version) {
        return holds(version, date) ? std::optional(std::move(version.listing)) : std::nullopt;
    });
}

Result<std::optional<Listing>> Registry::find_token(std::uint32_t token, Date date) const {
    ALPHA_ASSERT(token != 0, "no instrument has the token 0");
    if (date < Date{0}) {
        return std::nullopt;
    }
    std::string begin;
    append_number(begin, token);
    std::string end = begin;
    append_number(end, number_of(date) + 1);
    const std::unique_ptr<rocksdb::Iterator> at = db_->iterate(RegistryDatabase::tokens, false);
    for (at->SeekForPrev(end); at->Valid() && at->key().starts_with(begin); at->Prev()) {
        const std::string_view key = at->key().ToStringView();
        const std::optional<Whose> had = split_pair(key.substr(std::min(key.size(), end.size())));
        if (!had) {
            return damaged(db_->path(), fmt::format("who had the token {} cannot be read", token));
        }
        Result<std::optional<Listing>> found = find(had->exchange, had->symbol, date);
        if (!found || (*found && (*found)->token == token)) {
            return found;
        }
    }
    return db_->check(*at).map([] { return std::optional<Listing>(); });
}

Result<std::vector<Listing>> Registry::find_isin(std::string_view isin, Date date) const {
    const std::string prefix = std::string(isin) + '\0';
    std::vector<Listing> listings;
    const std::unique_ptr<rocksdb::Iterator> at = db_->iterate(RegistryDatabase::isins, false);
    std::string last;  // versions of one instrument follow one another
    for (at->Seek(prefix); at->Valid() && at->key().starts_with(prefix); at->Next()) {
        const std::optional<VersionKey> key = split_version_key(at->key().ToStringView().substr(prefix.size()));
        if (!key) {
            return damaged(db_->path(), "who has an ISIN cannot be read");
        }
        std::string pair = pair_of(key->instrument.exchange, key->instrument.symbol);
        if (pair == last) {
            continue;
        }
        last = std::move(pair);
        Result<std::optional<Listing>> found = find(key->instrument.exchange, key->instrument.symbol, date);
        if (!found) {
            return tl::make_unexpected(found.error());
        }
        if (*found && (*found)->isin == isin) {
            listings.push_back(std::move(**found));
        }
    }
    return db_->check(*at).map([&] { return std::move(listings); });
}

Result<std::vector<ListingVersion>> Registry::history(std::string_view exchange, std::string_view symbol) const {
    const std::string prefix = version_prefix(exchange, symbol);
    std::vector<ListingVersion> versions;
    const std::unique_ptr<rocksdb::Iterator> at = db_->iterate(RegistryDatabase::versions, false);
    for (at->Seek(prefix); at->Valid() && at->key().starts_with(prefix); at->Next()) {
        const std::optional<VersionKey> key = split_version_key(at->key().ToStringView());
        if (!key) {
            return damaged(db_->path(), "a key cannot be read");
        }
        Result<ListingVersion> version = db_->decode(*key, at->value().ToStringView());
        if (!version) {
            return tl::make_unexpected(version.error());
        }
        versions.push_back(std::move(*version));
    }
    return db_->check(*at).map([&] { return std::move(versions); });
}

Result<Registry::Found> Registry::search(std::string_view text, Date date, std::size_t limit) const {
    Found found;
    Walk walk(*db_, {});
    for (; walk.valid(); walk.next()) {
        Result<std::optional<Listing>> listing = walk.on(date);
        if (!listing) {
            return tl::make_unexpected(listing.error());
        }
        if (!*listing || (!contains_text((*listing)->symbol, text) && !contains_text((*listing)->name, text))) {
            continue;
        }
        ++found.total;
        if (found.listings.size() < limit) {
            found.listings.push_back(std::move(**listing));
        }
    }
    return walk.end().map([&] { return std::move(found); });
}

Result<RegistryDiff> Registry::diff(Date a, Date b, std::string_view exchange) const {
    RegistryDiff diff;
    Walk walk(*db_, exchange);
    for (; walk.valid(); walk.next()) {
        Result<std::optional<Listing>> before = walk.on(a);
        Result<std::optional<Listing>> after = walk.on(b);
        if (!before || !after) {
            return tl::make_unexpected(!before ? before.error() : after.error());
        }
        if (*before && *after) {
            if (markets::changed_fields(**before, **after).any()) {
                diff.changed.push_back({std::move(**before), std::move(**after)});
            }
        } else if (*after) {
            diff.listed.push_back(std::move(**after));
        } else if (*before) {
            diff.delisted.push_back(std::move(**before));
        }
    }
    return walk.end().map([&] { return std::move(diff); });
}

Result<std::vector<std::string>> Registry::names() const {
    std::vector<std::string> names;
    Walk walk(*db_, {});
    for (; walk.valid(); walk.next()) {
        names.push_back(walk.group().exchange + ':' + walk.group().symbol);
    }
    return walk.end().map([&] { return std::move(names); });
}

Result<std::vector<std::pair<std::string, Date>>> Registry::exchanges() const {
    return db_->exchanges();
}

}  // namespace alpha
