#include "store/journal_reader.hpp"

#include "store/anchor.hpp"
#include "store/database.hpp"
#include "store/migrations.hpp"
#include "store/owner.hpp"
#include "store/verified_mark.hpp"
#include "store/verify.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <filesystem>
#include <rocksdb/env.h>
#include <span>

namespace alpha {

namespace {

namespace fs = std::filesystem;

/// The families beside the log.
constexpr const char* kBeside[] = {kSnapshotFamily, kModelFamily, kEvidenceFamily};

std::vector<std::string> all_beside_but(const std::string& family) {
    std::vector<std::string> others(std::begin(kBeside), std::end(kBeside));
    std::erase(others, family);
    return others;
}

/// Rows and snapshots hold what "derived" says: RocksDB may lose a file of theirs without a word.
/// Those that were left out are not looked for.
Result<void> check_derived(const Database& db, const std::string& path, const DerivedRecord& derived,
                           const std::vector<std::string>& without) {
    const auto is_left_out = [&](const char* family) { return std::ranges::find(without, family) != without.end(); };
    Seq rows_seq = kNoSeq;
    if (db.models() != nullptr) {
        const Result<std::optional<std::string>> mark = db.find(db.models(), slice_of(kRowsMark));
        if (!mark) {
            return tl::make_unexpected(mark.error());
        }
        rows_seq = *mark && (*mark)->size() == sizeof(Seq) ? load<Seq>(bytes_of(**mark).data()) : kNoSeq;
    }
    Seq snapshot_seq = kNoSeq;
    if (db.snapshots() != nullptr) {
        const std::unique_ptr<rocksdb::Iterator> at = db.iterate(db.snapshots());
        at->SeekToLast();
        snapshot_seq = at->Valid() ? seq_of_key(at->key()) : kNoSeq;
        if (Result<void> ok = db.check("cannot be read", at->status()); !ok) {
            return ok;
        }
    }
    if (rows_seq != derived.rows_seq && !is_left_out(kModelFamily)) {
        return wrong_journal(path, "lacks rows of its read models");
    }
    if (snapshot_seq != derived.snapshot_seq && !is_left_out(kSnapshotFamily)) {
        return wrong_journal(path, "lacks snapshots");
    }
    return {};
}

class StoredJournal final : public Journal {
public:
    static Result<std::unique_ptr<Journal>> open(const std::string& path, const JournalOptions& options) {
        if (Result<void> ok = check_is_journal(path); !ok) {
            return tl::make_unexpected(ok.error());
        }
        if (Result<void> ok = check_folder(path); !ok) {
            return tl::make_unexpected(ok.error());
        }
        // Beside a writer, RocksDB may delete a file between being found and being opened. What is damaged stays so.
        constexpr int kTries = 3;
        Result<std::unique_ptr<Journal>> opened = open_once(path, options);
        for (int i = 1; i < kTries && !opened && writer_of(path) != 0; ++i) {
            opened = open_once(path, options);
        }
        return opened;
    }

    /// The log alone, or with one of the families beside it: what is damaged there does not keep the log shut.
    static Result<std::unique_ptr<StoredJournal>> open_without(const std::string& path, const JournalOptions& options,
                                                               const std::vector<std::string>& families) {
        std::unique_ptr<StoredJournal> journal(new StoredJournal(path, files_of(options)));
        if (Result<void> ok = journal->take_in(families); !ok) {
            return tl::make_unexpected(ok.error());
        }
        return journal;
    }

    /// What stands in a family beside the log can be read. Of evidence it is enough that its files are there: nobody decides by what they
    /// hold, and no session reads it.
    Result<void> check_beside(std::string_view family) const {
        return family == kSnapshotFamily ? check_snapshots() : family == kModelFamily ? check_rows() : Result<void>{};
    }
    Result<void> check_snapshots() const {
        if (db_->snapshots() == nullptr) {
            return {};
        }
        const std::unique_ptr<rocksdb::Iterator> at = db_->iterate(db_->snapshots());
        for (at->SeekToFirst(); at->Valid(); at->Next()) {
            if (!snapshot_in(at->key(), at->value())) {
                return wrong_journal(path_, "has a damaged snapshot");
            }
        }
        return db_->check("cannot be read", at->status());
    }
    Result<void> check_rows() const { return db_->models() == nullptr ? Result<void>{} : db_->check(db_->models()); }

    Seq next_seq() const override { return head_.next_seq; }
    Digest head() const override { return head_.head; }
    const JournalInfo& info() const override { return info_; }
    std::uint64_t disk_bytes() const override {
        std::uint64_t sum = 0;
        for (const auto& [name, bytes] : stamp_) {
            sum += bytes;
        }
        for (const Day& day : days_) {
            sum += bytes_of_day(path_, day);
        }
        return sum;
    }

    std::string name() const override { return "The journal " + path_; }
    std::unique_ptr<FrameCursor> frames(Seq from) const override {
        return journal_frames(*db_, path_, days_, files_, from);
    }

    Result<std::optional<StoredSnapshot>> newest_snapshot(Seq seq) const override {
        std::optional<StoredSnapshot> found;
        if (db_->snapshots() == nullptr) {
            return found;
        }
        const std::unique_ptr<rocksdb::Iterator> at = db_->iterate(db_->snapshots());
        const SeqKey last = key_of(seq);
        for (at->SeekForPrev(slice_of(last)); at->Valid() && !found; at->Prev()) {
            found = snapshot_in(at->key(), at->value());
        }
        if (Result<void> ok = db_->check("cannot be read", at->status()); !ok) {
            return tl::make_unexpected(ok.error());
        }
        return found;
    }

    Result<void> rows_from(std::uint8_t table, const std::string& from,
                           const std::function<bool(const std::string&, const std::string&)>& visit) const override {
        if (db_->models() == nullptr || table == kRowsMark[0]) {
            return {};
        }
        const std::string first(1, static_cast<char>(table));
        const std::unique_ptr<rocksdb::Iterator> at = db_->iterate(db_->models());
        for (at->Seek(first + from); at->Valid() && at->key().starts_with(first); at->Next()) {
            if (!visit(at->key().ToString().substr(1), at->value().ToString())) {
                return {};
            }
        }
        return db_->check("cannot be read", at->status());
    }

    Result<void> evidence_from(Seq from,
                               const std::function<bool(Seq, std::uint8_t, std::string_view)>& visit) const override {
        if (db_->evidence() == nullptr) {
            return {};
        }
        const std::unique_ptr<rocksdb::Iterator> at = db_->iterate(db_->evidence());
        const SeqKey first = key_of(from);
        for (at->Seek(slice_of(first)); at->Valid(); at->Next()) {
            if (at->key().size() != std::tuple_size_v<EvidenceKey>) {
                return wrong_journal(path_, "has evidence of no event");
            }
            const Seq seq = seq_of_key({at->key().data(), sizeof(Seq)});
            if (!visit(seq, bytes_of(at->key()).back(), at->value().ToStringView())) {
                return {};
            }
        }
        return db_->check("cannot be read", at->status());
    }

    Result<void> refresh() override {
        if (Stamp now = stamp(); now != stamp_) {
            StoredJournal fresh(path_, files_);
            fresh.stamp_ = std::move(now);
            if (Result<void> ok = fresh.take_in(); !ok) {
                return ok;
            }
            *this = std::move(fresh);
        }
        return {};
    }

    Result<void> check_rest() const override {
        Result<void> ok = db_->check(db_->meta());
        ok = ok ? check_snapshots() : ok;
        ok = ok ? check_rows() : ok;
        ok = ok && db_->evidence() != nullptr ? db_->check(db_->evidence()) : ok;
        ok = ok ? db_->check_properties() : ok;
        ok = ok ? check_days() : ok;
        if (!ok) {
            return ok;
        }
        if (info_.format > 1 && info_.clean_end && !anchor_->in_order) {
            return wrong_journal(path_, "has a damaged anchor");
        }
        return {};
    }

    Result<std::optional<Seq>> own_snapshot() const override {
        const Result<std::optional<VerifiedMark>> mark = read_mark(*db_);
        if (!mark) {
            return tl::make_unexpected(mark.error());
        }
        if (!*mark || (*mark)->snapshot_seq == kNoSeq) {
            return std::nullopt;
        }
        const Result<std::optional<StoredSnapshot>> found = newest_snapshot((*mark)->snapshot_seq);
        if (!found) {
            return tl::make_unexpected(found.error());
        }
        const bool is_that_one = *found && (*found)->next_seq == (*mark)->snapshot_seq &&
                                 sha256((*found)->bytes.view()) == (*mark)->snapshot;
        return is_that_one ? std::optional((*mark)->snapshot_seq) : std::nullopt;
    }

    /// Whether the log is the mark's, in files that nobody touched since.
    bool is_as_it_was(const VerifiedMark& mark) const {
        const std::optional<std::pair<Seq, Digest>> kept = promised();
        const bool fits = mark.next_seq <= head_.next_seq && kept && kept->first >= mark.leaf.seq &&
                          (mark.next_seq != head_.next_seq || mark.head == head_.head);
        return fits && is_untouched(mark, *db_, path_);
    }
    const Database& database() const { return *db_; }
    const std::vector<Day>& days() const { return days_; }

    std::optional<std::pair<Seq, Digest>> promised() const override {
        if (info_.format == 1) {
            return std::nullopt;
        }
        return std::pair{anchor_->newest()->next_seq, anchor_->newest()->head};
    }

private:
    StoredJournal(std::string path, std::shared_ptr<rocksdb::FileSystem> files)
        : path_(std::move(path)), files_(std::move(files)), anchor_(tl::make_unexpected(Error{})) {}

    /// The names and sizes of a journal's files: they change with every commit.
    using Stamp = std::vector<std::pair<std::string, std::uint64_t>>;

    static Result<std::unique_ptr<Journal>> open_once(const std::string& path, const JournalOptions& options) {
        std::unique_ptr<StoredJournal> journal(new StoredJournal(path, files_of(options)));
        journal->stamp_ = journal->stamp();
        if (Result<void> ok = journal->take_in(); !ok) {
            return tl::make_unexpected(ok.error());
        }
        return journal;
    }

    Stamp stamp() const {
        Stamp found;
        std::error_code error;
        for (fs::directory_iterator at(path_, error); !error && at != fs::directory_iterator(); at.increment(error)) {
            std::error_code gone;  // or no file with a size, such as a socket
            const std::uint64_t bytes = at->file_size(gone);
            found.emplace_back(at->path().filename().string(), gone ? 0 : bytes);
        }
        std::ranges::sort(found);
        return found;
    }

    Result<void> take_in(const std::vector<std::string>& without = {}) {
        // The anchor first: a writer at work has made durable what it says, so the log that is opened afterwards has it.
        anchor_ = read_anchor(*files_, path_);
        Result<std::unique_ptr<Database>> db =
            Database::open(path_, Database::Mode::read, files_, JournalOptions{}.log_file_bytes, without);
        if (!db) {
            return tl::make_unexpected(db.error());
        }
        db_ = std::move(*db);
        Result<void> ok = look();
        Result<std::vector<Day>> days = ok ? read_days(*db_, path_) : tl::make_unexpected(ok.error());
        if (!days) {
            return tl::make_unexpected(days.error());
        }
        days_ = std::move(*days);
        ok = read_notes();
        ok = ok ? check_ends() : ok;
        const Result<Seq> forgotten = read_forgotten(*db_);
        if (!ok || !forgotten) {
            return ok ? tl::make_unexpected(forgotten.error()) : ok;
        }
        info_.forgotten_before = *forgotten;
        const Result<DerivedRecord> derived = read_derived(*db_);
        return derived ? check_derived(*db_, path_, *derived, without) : tl::make_unexpected(derived.error());
    }

    /// Reads what the database says of the log now.
    Result<void> look() {
        const Result<int> format = format_of(*db_, path_);
        if (!format) {
            return tl::make_unexpected(format.error());
        }
        info_.format = *format;
        const Result<std::optional<std::string>> begins = db_->find(db_->meta(), kBeginsKey);
        if (!begins || *begins) {
            return begins ? fail(ErrorKind::usage,
                                 path_ + " is one day of a journal. Name the folder that it lies in: every command "
                                         "takes that one's days together.",
                                 ErrorCode::not_a_journal)
                          : tl::make_unexpected(begins.error());
        }
        const Result<HeadRecord> head = read_head(*db_, path_);
        if (!head) {
            return tl::make_unexpected(head.error());
        }
        head_ = *head;
        if (*format > 1) {
            if (!anchor_) {
                return tl::make_unexpected(anchor_.error());
            }
            info_.anchored_seq = anchor_->newest()->next_seq;
            if (head_.next_seq < *info_.anchored_seq) {
                return wrong_journal(
                    path_,
                    "lacks events that were committed: it holds " + std::to_string(head_.next_seq) + ", and " +
                        std::to_string(*info_.anchored_seq) +
                        " were safely on disk. Its files were damaged or replaced by older ones; restore "
                        "them from a copy",
                    ErrorCode::lost_events);
            }
            if (head_.next_seq == *info_.anchored_seq && head_.head != anchor_->newest()->head) {
                return wrong_journal(
                    path_,
                    "holds another log than its anchor promises: files of two journals were mixed, or the "
                    "log was altered",
                    ErrorCode::altered);
            }
        }
        return read_end();
    }

    Result<void> read_end() {
        const Result<std::optional<std::string>> feed = db_->find(db_->meta(), kFeedKey);
        if (!feed) {
            return tl::make_unexpected(feed.error());
        }
        info_.feed_records = *feed && (*feed)->size() == 8 ? load<std::uint64_t>(bytes_of(**feed).data()) : 0;
        const Result<std::optional<std::string>> end = db_->find(db_->meta(), kEndKey);
        if (!end) {
            return tl::make_unexpected(end.error());
        }
        info_.clean_end = end->has_value();
        info_.ending.reset();
        WireReader rest(end->has_value() ? bytes_of(**end) : Bytes{});
        rest.take(sizeof kCleanEnd - 1);
        if (rest.left() != 0) {
            Ending ending;
            ending.state_version = rest.get<std::uint16_t>();
            const Bytes digest = rest.take(ending.state_digest.size());
            if (!rest.ok() || rest.left() != 0) {
                return wrong_journal(path_, "has an end mark that cannot be read");
            }
            std::ranges::copy(digest, ending.state_digest.begin());
            info_.ending = ending;
        }
        return {};
    }

    Result<void> read_notes() {
        info_.notes.clear();
        const std::unique_ptr<rocksdb::Iterator> at = db_->iterate(db_->meta());
        for (at->Seek(kNotePrefix); at->Valid() && at->key().starts_with(kNotePrefix); at->Next()) {
            info_.notes.emplace(at->key().ToString().substr(sizeof kNotePrefix - 1), at->value().ToString());
        }
        return db_->check("cannot be read", at->status());
    }

    /// What a day's folder holds beside its frames, which whoever reads the log comes by.
    Result<void> check_days() const {
        HeadRecord begins;
        for (const Day& day : days_) {
            const Result<std::unique_ptr<Database>> db = open_day(path_, day, files_);
            if (!db) {
                return tl::make_unexpected(db.error());
            }
            const Result<std::string> said = (*db)->get_meta(kBeginsKey);
            if (!said) {
                return tl::make_unexpected(said.error());
            }
            if (said->size() != HeadRecord::kBytes || HeadRecord::from(bytes_of(*said)) != begins) {
                return wrong_journal(path_,
                                     "has a day, " + day.name() + ", that does not begin where the one before it ends");
            }
            Result<void> ok = (*db)->check((*db)->meta());
            ok = ok ? (*db)->check_properties() : ok;
            if (!ok) {
                return ok;
            }
            begins = day.end;
        }
        return {};
    }

    /// The first frame is there, and the last one ends where the meta says, with nothing behind it.
    Result<void> check_ends() const {
        const std::unique_ptr<rocksdb::Iterator> at = db_->iterate(db_->log());
        at->SeekToLast();
        const bool empty = !at->Valid() && days_.empty();
        if (Result<void> ok = db_->check("cannot be read", at->status()); !ok) {
            return ok;
        }
        if (empty != (head_.next_seq == 0)) {
            return wrong_journal(path_, "does not hold the " + std::to_string(head_.next_seq) + " events it records");
        }
        if (empty) {
            return {};
        }
        if (Result<void> ok = scan(head_.next_seq - 1, [](const Frame&) { return true; }); !ok) {
            return ok;
        }
        // Days begin at event 0, and whether they are there is seen by whoever reads them.
        return days_.empty() ? scan(0, [](const Frame&) { return false; }) : Result<void>{};
    }

    std::optional<StoredSnapshot> snapshot_in(const rocksdb::Slice& key, const rocksdb::Slice& value) const {
        const Seq seq = seq_of_key(key);
        WireReader rest(bytes_of(value));
        const auto checksum = rest.get<std::uint32_t>();
        const Bytes bytes = rest.take(rest.left());
        if (seq > head_.next_seq || !rest.ok() || snapshot_checksum(key_of(seq), bytes) != checksum) {
            return std::nullopt;
        }
        StoredSnapshot snapshot{seq, ByteBuffer(bytes.size())};
        snapshot.bytes.append(bytes);
        return snapshot;
    }

    std::string path_;
    std::shared_ptr<rocksdb::FileSystem> files_;
    Result<AnchorSlots> anchor_;
    std::unique_ptr<Database> db_;
    HeadRecord head_;
    std::vector<Day> days_;
    JournalInfo info_;
    Stamp stamp_;
};

/// The last full leaf where these days end.
ChainPlace place_of(std::span<const Day> days) {
    return days.empty() ? ChainPlace{}
                        : ChainPlace{days.back().end.next_seq / kLeafEvents * kLeafEvents, days.back().end.chain};
}

/// How far the log lies in days that nobody touched since they were known to be whole. `days`: all of them, with the stamps they have now.
ChainPlace known_of_days(const StoredJournal& log, const std::string& path, std::vector<Day>& days) {
    days = log.days();
    std::size_t untouched = 0;
    for (std::size_t i = 0; i < days.size(); ++i) {
        const std::optional<Digest> stamp = stamp_of_day(path, days[i]);
        if (untouched == i && stamp == days[i].stamp) {
            ++untouched;
        }
        days[i].stamp = stamp.value_or(Digest{});
    }
    const ChainPlace known = place_of(std::span(days).first(untouched));
    const std::optional<std::pair<Seq, Digest>> promised = log.promised();
    return promised && promised->first >= known.seq ? known : ChainPlace{};
}

}  // namespace

Result<Found> look_into(const std::string& path, const JournalOptions& options) {
    Result<std::unique_ptr<StoredJournal>> log = StoredJournal::open_without(path, options, {});
    const bool opened_whole = log.has_value();
    if (!log) {  // without what lies beside the log, whatever is the matter there does not matter
        log = StoredJournal::open_without(path, options, {std::begin(kBeside), std::end(kBeside)});
    }
    if (!log) {
        return tl::make_unexpected(log.error());
    }
    const Result<std::optional<VerifiedMark>> mark = read_mark((*log)->database());
    if (!mark) {
        return tl::make_unexpected(mark.error());
    }
    Found found;
    const ChainPlace after_days = known_of_days(**log, path, found.days);
    const bool all_days = after_days == place_of((*log)->days());
    const ChainPlace from = all_days && *mark && (*log)->is_as_it_was(**mark) ? (*mark)->leaf : after_days;
    const Result<Verified> verified = verify_chain(**log, {.promised = (*log)->promised(), .from = from});
    if (!verified) {
        return tl::make_unexpected(verified.error());
    }
    found.head = HeadRecord{verified->events, {}, verified->head};
    if (*mark) {
        found.snapshot_seq = (*mark)->snapshot_seq;
        found.snapshot = (*mark)->snapshot;
    }
    for (const char* const family : kBeside) {
        Result<void> whole;
        if (opened_whole) {
            whole = (*log)->check_beside(family);
        } else if (const auto with = StoredJournal::open_without(path, options, all_beside_but(family)); with) {
            whole = (*with)->check_beside(family);
        } else {
            whole = tl::make_unexpected(with.error());
        }
        if (!whole && whole.error().kind != ErrorKind::data) {
            return tl::make_unexpected(whole.error());  // it says nothing of the family
        }
        if (!whole) {
            found.damaged.emplace_back(family);
        }
    }
    if (options.make_rows && std::ranges::find(found.damaged, kModelFamily) != found.damaged.end()) {
        Result<Rows> rows = options.make_rows(**log);
        if (!rows) {
            return tl::make_unexpected(rows.error());
        }
        found.rows = std::move(*rows);
    }
    return found;
}

std::shared_ptr<rocksdb::FileSystem> files_of(const JournalOptions& options) {
    return options.files != nullptr ? options.files : rocksdb::FileSystem::Default();
}

Result<void> check_is_journal(const std::string& path) {
    const Result<bool> exists = is_there(path);
    const Result<bool> is_journal = exists && *exists ? is_there(path + "/CURRENT") : exists;
    if (!is_journal) {
        return tl::make_unexpected(is_journal.error());
    }
    if (!*exists) {
        return fail(ErrorKind::usage, "There is no journal at " + path + ".", ErrorCode::not_found);
    }
    return *is_journal ? Result<void>{} : fail(ErrorKind::data, path + " is not a journal.", ErrorCode::not_a_journal);
}

Result<std::unique_ptr<Journal>> open_journal(const std::string& path, const JournalOptions& options) {
    return StoredJournal::open(path, options);
}

}  // namespace alpha
