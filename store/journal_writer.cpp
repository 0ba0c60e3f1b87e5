#include "store/anchor.hpp"
#include "store/database.hpp"
#include "store/days.hpp"
#include "store/disk.hpp"
#include "store/disk_space.hpp"
#include "store/evidence.hpp"
#include "store/failpoint.hpp"
#include "store/frame.hpp"
#include "store/journal.hpp"
#include "store/journal_reader.hpp"
#include "store/machine.hpp"
#include "store/migrations.hpp"
#include "store/owner.hpp"
#include "store/torn_manifest.hpp"
#include "store/verified_mark.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <thread>

namespace alpha {

namespace {

/// Free space is looked at when so much was appended since, and at every commit.
constexpr std::size_t kSpaceCheckBytes = 256U << 10U;
/// Rows that are made anew are written in pieces of this size.
constexpr std::size_t kRowBatchBytes = 1U << 20U;
/// How many snapshots are kept: the newest ones, and those before them about as far from one another, so that no event is far behind one.
constexpr std::size_t kNewestSnapshots = 4;
constexpr std::size_t kMaxSnapshots = 64;

class JournalWriter final : public LogWriter {
public:
    static Result<NamedJournal> create(Result<Partial> partial, const JournalOptions& options) {
        if (!partial) {
            return tl::make_unexpected(partial.error());
        }
        std::string path = partial->path();
        return build(std::move(*partial), options).map([&](std::unique_ptr<JournalWriter> writer) {
            return NamedJournal{std::move(path), std::move(writer)};
        });
    }

    static Result<std::unique_ptr<LogWriter>> go_on(const std::string& path, const JournalOptions& options) {
        const Result<bool> exists = is_there(path);
        if (!exists) {
            return tl::make_unexpected(exists.error());
        }
        if (!*exists) {
            if (Result<void> made = make_empty(path, options); !made) {
                return tl::make_unexpected(made.error());
            }
        }
        Result<Taken> taken = take(path, options);
        if (!taken) {
            return tl::make_unexpected(taken.error());
        }
        if (Result<void> ok = taken->owner.settle(); !ok) {
            return tl::make_unexpected(ok.error());
        }
        const JournalOptions& owned = taken->options;
        if (Result<void> ok = drop_damaged(path, owned, taken->found); !ok) {
            return tl::make_unexpected(ok.error());
        }
        Result<std::unique_ptr<Database>> db =
            Database::open(path, Database::Mode::write, owned.files, owned.log_file_bytes);
        if (!db) {
            return tl::make_unexpected(db.error());
        }
        std::unique_ptr<JournalWriter> writer(new JournalWriter(
            path, std::move(*db), owned.files, std::move(taken->space), std::move(taken->owner), owned.log_file_bytes));
        if (Result<void> ok = writer->take_up(taken->found); !ok) {
            return tl::make_unexpected(ok.error());
        }
        return writer;
    }

    static Result<Forgotten> forget(const std::string& path, Time before, const JournalOptions& options) {
        Result<Taken> taken = take(path, options);
        if (!taken) {
            return tl::make_unexpected(taken.error());
        }
        const Result<std::unique_ptr<Journal>> journal = open_journal(path, taken->options);
        if (!journal) {
            return tl::make_unexpected(journal.error());
        }
        Result<Forgotten> forgotten = evidence_before(**journal, before);
        if (!forgotten) {
            return forgotten;
        }
        // What was noted as forgotten may still be in the files, where that was cut off.
        const Seq noted = (*journal)->info().forgotten_before;
        if (forgotten->pieces == 0 && noted == 0) {
            return forgotten;
        }
        Result<void> ok = taken->owner.settle();
        Result<std::unique_ptr<Database>> db =
            ok ? Database::open(path, Database::Mode::write, taken->options.files, taken->options.log_file_bytes)
               : tl::make_unexpected(ok.error());
        if (!db) {
            return tl::make_unexpected(db.error());
        }
        ok = (*db)->forget_evidence_before(std::max(forgotten->before, noted));
        ok = ok ? (*db)->close() : ok;
        if (!ok) {
            return tl::make_unexpected(ok.error());
        }
        return forgotten;
    }

    Result<void> append(Batch& batch) override {
        if (Result<void> ok = check_appendable(batch.frame, next_seq(), finished_); !ok) {
            return ok;
        }
        if (Result<void> ok = unbroken(); !ok) {
            return ok;
        }
        Result<void> written = take_in_day(batch.ended_day.has_value());
        if (written && batch.ended_day) {
            cut_day(*batch.ended_day);
        }
        if (written && batch.frame.events != 0) {
            written = write(batch);
        }
        broken_ = !written;
        batch.begin(next_seq());
        return written;
    }

    Result<void> commit() override {
        if (Result<void> ok = unbroken(); !ok || !anchor_) {
            return ok;
        }
        Result<void> committed = take_in_day(false);
        committed = committed && anchor_->newest().next_seq != next_seq() ? make_durable() : committed;
        // Looked at last: what is acknowledged lay where it belongs when it was durable.
        committed = committed ? owner_->check_in_place() : committed;
        broken_ = !committed;
        return committed;
    }

    Result<void> finish(const std::optional<Ending>& ending) override {
        if (finished_) {
            return {};
        }
        if (Result<void> ok = unbroken(); !ok) {
            return ok;
        }
        Result<void> ended = take_in_day(true);
        ended = ended ? end(ending) : ended;
        finished_ = ended.has_value();
        broken_ = !ended;
        return ended;
    }

    Seq next_seq() const override { return hasher_.next_seq(); }
    Digest head() const override { return hasher_.head(); }
    std::unique_ptr<FrameCursor> frames(Seq from) const override {
        const std::lock_guard lock(days_mutex_);
        return journal_frames(*db_, path_, days_, files_, from);
    }

private:
    JournalWriter(std::string path, std::unique_ptr<Database> db, std::shared_ptr<rocksdb::FileSystem> files,
                  DiskSpace space, std::optional<Owner> owner, std::uint64_t log_file_bytes)
        : owner_(std::move(owner)),
          path_(std::move(path)),
          files_(std::move(files)),
          space_(std::move(space)),
          log_file_bytes_(log_file_bytes),
          db_(std::move(db)) {}

    static Result<std::unique_ptr<JournalWriter>> build(Partial partial, const JournalOptions& options) {
        const std::string where = partial.where();
        const std::shared_ptr<rocksdb::FileSystem> files =
            private_files(files_of(options), where, partial.folder(), options.files == nullptr);
        DiskSpace space(files, where, options.free_space_floor_bytes);
        if (Result<void> ok = space.check(0); !ok) {
            return tl::make_unexpected(ok.error());
        }
        Result<std::unique_ptr<Database>> db =
            Database::open(where, Database::Mode::build, files, options.log_file_bytes);
        if (!db) {
            return tl::make_unexpected(db.error());
        }
        std::unique_ptr<JournalWriter> writer(
            new JournalWriter(where, std::move(*db), files, std::move(space), {}, options.log_file_bytes));
        writer->partial_.emplace(std::move(partial));
        rocksdb::WriteBatch batch;
        Result<void> ok =
            writer->put(batch, writer->db_->meta(), kFormatKey, kFormatName + std::to_string(kJournalFormat));
        ok = ok ? writer->put_position(batch, 0) : ok;
        ok = ok ? writer->db_->write(batch) : ok;
        if (!ok) {
            return tl::make_unexpected(ok.error());
        }
        return writer;
    }

    /// A journal that is this process's alone, and sound, before RocksDB may write to it.
    struct Taken {
        Owner owner;
        JournalOptions options;
        DiskSpace space;
        Found found;
    };
    static Result<Taken> take(const std::string& path, const JournalOptions& options) {
        if (Result<void> ok = check_is_journal(path); !ok) {
            return tl::make_unexpected(ok.error());
        }
        Result<Owner> owner = Owner::take(path);
        if (!owner) {
            return tl::make_unexpected(owner.error());
        }
        failpoint("recovery: owned, not verified");
        JournalOptions owned = options;
        owned.files = private_files(files_of(options), path, owner->folder(), options.files == nullptr);
        DiskSpace space(owned.files, path, options.free_space_floor_bytes);
        if (Result<void> ok = space.check(0); !ok) {
            drop_ballast(*owned.files, path);  // the next start has that much more
            return tl::make_unexpected(ok.error());
        }
        Result<Found> found = look_into(path, owned);
        if (!found) {
            found = look_past_torn_record(path, owned, found.error());
        }
        if (!found) {
            return tl::make_unexpected(found.error());
        }
        return Taken{std::move(*owner), std::move(owned), std::move(space), std::move(*found)};
    }

    /// What forgetting the evidence of events before a time takes away.
    static Result<Forgotten> evidence_before(const Journal& journal, Time time) {
        EventReader events(journal);
        Forgotten found;
        for (Seq end = journal.next_seq(); found.before < end;) {
            const Seq middle = found.before + (end - found.before) / 2;
            const Result<DecodedEvent> event = events.read(middle);
            if (!event) {
                return tl::make_unexpected(event.error());
            }
            (event->envelope.time < time ? found.before : end) = event->envelope.time < time ? middle + 1 : middle;
        }
        const Result<void> read = journal.evidence_from(0, [&](Seq seq, std::uint8_t, std::string_view bytes) {
            const bool goes = seq < found.before;
            found.pieces += goes ? 1 : 0;
            found.bytes += goes ? bytes.size() : 0;
            found.pieces_left += goes ? 0 : 1;
            return true;
        });
        return read ? Result<Forgotten>(found) : tl::make_unexpected(read.error());
    }

    /// An empty journal under its own name.
    static Result<void> make_empty(const std::string& path, const JournalOptions& options) {
        Result<Partial> partial = Partial::make_folder(path, "start again");
        if (!partial) {
            return tl::make_unexpected(partial.error());
        }
        Result<std::unique_ptr<JournalWriter>> writer = build(std::move(*partial), options);
        return writer ? (*writer)->publish() : tl::make_unexpected(writer.error());
    }

    /// look_into() without a torn record at the end of RocksDB's MANIFEST, which is then cut off; that the anchor's promise is kept
    /// proves it meant nothing. Nothing is written before that is known.
    static Result<Found> look_past_torn_record(const std::string& path, const JournalOptions& options,
                                               const Error& before) {
        const Result<std::optional<TornManifest>> torn = TornManifest::find(options.files, path);
        if (!torn || !*torn) {
            return tl::make_unexpected(before);
        }
        JournalOptions cut = options;
        cut.files = (*torn)->files_as_if_cut();
        Result<Found> found = look_into(path, cut);
        if (!found) {
            return tl::make_unexpected(before);
        }
        if (Result<void> done = (*torn)->cut(); !done) {
            return tl::make_unexpected(done.error());
        }
        failpoint("recovery: torn record cut");
        return found;
    }

    static Result<void> drop_damaged(const std::string& path, const JournalOptions& options, const Found& found) {
        if (found.damaged.empty()) {
            return {};
        }
        if (options.tell) {
            for (const std::string& family : found.damaged) {
                options.tell(
                    "The journal " + path +
                    (family == kSnapshotFamily
                         ? " has lost checkpoints, or they are damaged. Its log is whole: all of them are "
                           "dropped, the session is decided again from event 0, and takes new ones."
                     : family == kModelFamily
                         ? " has lost rows of its read models, or they are damaged. Its log is whole: the rows "
                           "are dropped and made anew from it."
                         : " has lost files with evidence of what a broker outside said. Its log is whole: what "
                           "is left of the evidence is dropped, for nothing can make it anew."));
            }
        }
        Result<void> dropped = Database::drop(path, options.files, found.damaged);
        failpoint("recovery: damaged families dropped");
        return dropped;
    }

    /// Goes on where the log ends.
    Result<void> take_up(const Found& found) {
        const Result<int> format = format_of(*db_, path_);
        if (!format) {
            return tl::make_unexpected(format.error());
        }
        const Result<HeadRecord> head = read_head(*db_, path_);
        if (!head) {
            return tl::make_unexpected(head.error());
        }
        if (head->next_seq != found.head.next_seq || head->head != found.head.head) {
            return wrong_journal(path_, "changed while it was being opened");
        }
        failpoint("recovery: verified, not migrated");
        if (Result<void> ok = migrate(*db_, *files_, path_, *format, *head); !ok) {
            return ok;
        }
        days_ = found.days;
        if (Result<void> ok = rehash_last_leaf(*head); !ok) {
            return ok;
        }
        Result<Anchor> anchor = Anchor::open(*files_, path_);
        if (!anchor) {
            return tl::make_unexpected(anchor.error());
        }
        anchor_.emplace(std::move(*anchor));
        const Result<DerivedRecord> derived = read_derived(*db_);
        if (!derived) {
            return tl::make_unexpected(derived.error());
        }
        derived_ = *derived;
        snapshot_seq_ = found.snapshot_seq;
        snapshot_ = found.snapshot;
        if (Result<void> ok = list_snapshots(); !ok) {
            return ok;
        }
        if (Result<void> ok = replace_damaged(found); !ok) {
            return ok;
        }
        // The days' frames are with the days: what is left of them here goes before the mark says which files there are.
        Result<void> ok = drop_unrecorded_days(path_, days_);
        ok = ok ? db_->drop_log_before(cut_of(days_)) : ok;
        // A clean end says that both slots of the anchor are whole, so its mark goes before the anchor is touched.
        rocksdb::WriteBatch batch;
        ok = ok ? remove(batch, db_->meta(), kEndKey) : ok;
        for (const Day& day : days_) {
            const std::string key = day.key();
            const ByteBuffer value = day.value();
            ok = ok ? put(batch, db_->meta(), key, slice_of(value.view())) : ok;
        }
        ok = ok ? put_verified(batch) : ok;
        ok = ok ? db_->write(batch) : ok;
        ok = ok ? db_->sync() : ok;
        failpoint("recovery: end mark removed");
        // What survived a crash without having been promised counts from now on.
        ok = ok ? make_durable() : ok;
        ok = ok ? owner_->check_in_place() : ok;
        if (!ok) {
            return ok;
        }
        failpoint("recovery: anchored");
        make_ballast(*files_, path_);
        return {};
    }

    /// What was dropped is no longer looked for, and the rows are there again. The mark of the rows comes last: before it, a reader makes
    /// its own.
    Result<void> replace_damaged(const Found& found) {
        if (found.damaged.empty()) {
            return {};
        }
        rocksdb::WriteBatch batch;
        Result<void> ok;
        for (const std::string& family : found.damaged) {
            if (family == kSnapshotFamily) {
                derived_.snapshot_seq = kNoSeq;
            } else if (family == kModelFamily) {
                derived_.rows_seq = kNoSeq;
            }
        }
        const auto none = derived_.bytes();
        ok = put(batch, db_->meta(), kDerivedKey, slice_of(none));
        if (found.rows) {
            for (std::size_t i = 0; i < found.rows->size(); ++i) {
                ok = ok ? put_row(batch, (*found.rows)[i]) : ok;
                if (batch.GetDataSize() >= kRowBatchBytes) {
                    ok = ok ? check_space(batch.GetDataSize()) : ok;
                    ok = ok ? db_->write(batch) : ok;
                    batch.Clear();
                }
            }
            derived_.rows_seq = hasher_.next_seq();
            const auto again = derived_.bytes();
            ok = ok ? put_rows_mark(batch) : ok;
            ok = ok ? put(batch, db_->meta(), kDerivedKey, slice_of(again)) : ok;
        }
        ok = ok ? db_->write(batch) : ok;
        ok = ok ? db_->sync() : ok;
        failpoint("recovery: rows made anew");
        return ok;
    }

    Result<void> put_row(rocksdb::WriteBatch& batch, const Row& row) {
        row_key_.assign(1, static_cast<char>(row.table));
        row_key_ += row.key;
        return put(batch, db_->models(), row_key_, row.value);
    }
    Result<void> put_rows_mark(rocksdb::WriteBatch& batch) const {
        std::array<std::uint8_t, sizeof(Seq)> mark{};
        store(mark.data(), derived_.rows_seq);
        return put(batch, db_->models(), slice_of(kRowsMark), slice_of(mark));
    }

    /// The hasher is brought to the head from the last full leaf.
    Result<void> rehash_last_leaf(const HeadRecord& head) {
        const Seq leaf = head.next_seq / kLeafEvents * kLeafEvents;
        hasher_.resume(leaf, head.chain);
        if (leaf == head.next_seq) {
            return {};
        }
        const std::unique_ptr<FrameCursor> frames = journal_frames(*db_, path_, days_, files_, leaf);
        return scan_frames(*frames, FrameCheck("The journal " + path_, leaf, head.next_seq), head.next_seq,
                           [&](const Frame& frame) {
                               hasher_.append(frame);
                               return true;
                           });
    }

    // ---- days --------------------------------------------------------------------------------------------------------

    /// A day on its way to its folder.
    struct Cutting {
        Day day;
        HeadRecord begins;
        std::unique_ptr<rocksdb::Iterator> frames;  // as they were when it was cut
        std::atomic<bool> is_done{false};
        Result<void> outcome;
        std::jthread thread;  // last: it uses all of the above
    };

    /// What is there so far is a day. It is copied on a thread of its own, while the next one is written.
    void cut_day(Date date) {
        const Seq begins = cut_of(days_);
        if (partial_ || hasher_.next_seq() == begins) {  // whole or gone: nobody cuts it
            return;
        }
        cutting_ = std::make_unique<Cutting>();
        cutting_->day = {begins, {hasher_.next_seq(), hasher_.chain(), hasher_.head()}, date};
        cutting_->begins = days_.empty() ? HeadRecord{} : days_.back().end;
        cutting_->frames = db_->iterate(db_->log());
        cutting_->thread = std::jthread([this, &cutting = *cutting_] {
            const auto check = [this](std::size_t bytes) { return space_.check(bytes); };
            cutting.outcome = no_exceptions([&] {
                return make_day(path_, cutting.day, cutting.begins, *cutting.frames, files_, log_file_bytes_, check);
            });
            cutting.is_done = true;
        });
    }

    /// A day that is in its folder, and durable, is said to be there; `waits` for it where it is not. Its frames stay here as well until
    /// the next cut: readers that opened the journal before may be among them.
    Result<void> take_in_day(bool waits) {
        if (cutting_ == nullptr || (!waits && !cutting_->is_done)) {
            return {};
        }
        cutting_->thread.join();
        const std::unique_ptr<Cutting> cut = std::move(cutting_);
        if (!cut->outcome) {
            return cut->outcome;
        }
        Day& day = cut->day;
        day.stamp = stamp_of_day(path_, day).value_or(Digest{});
        const std::string key = day.key();
        const ByteBuffer value = day.value();
        rocksdb::WriteBatch batch;
        Result<void> ok = put(batch, db_->meta(), key, slice_of(value.view()));
        ok = ok ? db_->write(batch) : ok;
        failpoint("day: recorded");
        ok = ok ? db_->drop_log_before(cut_of(days_)) : ok;
        const std::lock_guard lock(days_mutex_);
        days_.push_back(day);
        return ok;
    }

    Result<void> list_snapshots() {
        const std::unique_ptr<rocksdb::Iterator> at = db_->iterate(db_->snapshots());
        for (at->SeekToFirst(); at->Valid(); at->Next()) {
            snapshots_.push_back(seq_of_key(at->key()));
        }
        return db_->check("cannot be read", at->status());
    }

    Result<void> unbroken() const {
        return broken_ ? wrong_journal(path_, "could not be written before") : Result<void>{};
    }

    Result<void> put(rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* family, const rocksdb::Slice& key,
                     const rocksdb::Slice& value) const {
        return db_->check("cannot be written", batch.Put(family, key, value));
    }
    Result<void> remove(rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* family,
                        const rocksdb::Slice& key) const {
        return db_->check("cannot be written", batch.Delete(family, key));
    }

    /// How far the log and its feeds have come.
    Result<void> put_position(rocksdb::WriteBatch& batch, std::uint64_t feed_records) const {
        const auto head = HeadRecord{hasher_.next_seq(), hasher_.chain(), hasher_.head()}.bytes();
        std::array<std::uint8_t, sizeof feed_records> feed{};
        store(feed.data(), feed_records);
        const auto derived = derived_.bytes();
        Result<void> ok = put(batch, db_->meta(), kHeadKey, slice_of(head));
        ok = ok ? put(batch, db_->meta(), kFeedKey, slice_of(feed)) : ok;
        return ok ? put(batch, db_->meta(), kDerivedKey, slice_of(derived)) : ok;
    }

    /// The log as it lies in its files is whole, for it was verified or hashed here. Requires that all of it lies in files.
    Result<void> put_verified(rocksdb::WriteBatch& batch) const {
        std::optional<std::vector<FileStamp>> files = stamps_of_log(*db_, path_);
        if (!files) {
            return {};
        }
        const Seq next = hasher_.next_seq();
        const VerifiedMark mark{{next / kLeafEvents * kLeafEvents, hasher_.chain()},
                                next,
                                hasher_.head(),
                                snapshot_seq_,
                                snapshot_,
                                *std::move(files)};
        ByteBuffer bytes;
        mark.write(bytes);
        return put(batch, db_->meta(), kVerifiedKey, slice_of(bytes.view()));
    }

    Result<void> write(const Batch& batch) {
        hasher_.append(batch.frame);
        stored_.clear();
        encode_frame(batch.frame, stored_);
        std::size_t bytes = stored_.size() + batch.snapshot.size();
        for (const Evidence& each : batch.evidence) {
            bytes += each.bytes.size();
        }
        appended_bytes_ += bytes;
        if (appended_bytes_ >= kSpaceCheckBytes) {
            if (Result<void> ok = check_space(bytes); !ok) {
                return ok;
            }
        }
        batch_.Clear();
        const SeqKey key = key_of(batch.frame.first_seq);
        Result<void> ok = put(batch_, db_->log(), slice_of(key), slice_of(stored_.view()));
        for (std::size_t i = 0; i < batch.rows.size(); ++i) {
            ok = ok ? put_row(batch_, batch.rows[i]) : ok;
        }
        if (!batch.rows.empty()) {
            derived_.rows_seq = hasher_.next_seq();
            ok = ok ? put_rows_mark(batch_) : ok;
        }
        ok = ok && !batch.snapshot.empty() ? put_snapshot(batch.snapshot.view()) : ok;
        ok = ok ? put_evidence(batch) : ok;
        ok = ok ? put_position(batch_, batch.feed_records) : ok;
        for (const auto& [note, text] : batch.notes) {
            ok = ok ? put(batch_, db_->meta(), kNotePrefix + note, text) : ok;
        }
        if (!ok) {
            return ok;
        }
        failpoint("append: batch made, not written");
        ok = db_->write(batch_);
        failpoint("append: batch written");
        return ok;
    }

    Result<void> put_evidence(const Batch& batch) {
        Seq seq = kNoSeq;
        std::uint8_t number = 0;
        for (const Evidence& each : batch.evidence) {
            ALPHA_ASSERT(each.seq >= batch.frame.first_seq && each.seq < batch.frame.next_seq(),
                         "evidence comes with the frame of its event");
            ALPHA_ASSERT(seq == kNoSeq || each.seq >= seq, "evidence is in the order of its events");
            ALPHA_ASSERT(each.bytes.size() <= kMaxEvidenceBodyBytes, "evidence is cut before it comes here");
            number = each.seq == seq ? static_cast<std::uint8_t>(number + 1) : std::uint8_t{0};
            ALPHA_ASSERT(each.seq != seq || number != 0, "an event has at most 256 pieces of evidence");
            seq = each.seq;
            const EvidenceKey key = evidence_key_of(seq, number);
            if (Result<void> ok = put(batch_, db_->evidence(), slice_of(key), each.bytes); !ok) {
                return ok;
            }
        }
        return {};
    }

    Result<void> check_space(std::size_t about_to_write) {
        appended_bytes_ = 0;
        Result<void> ok = space_.check(db_->unwritten_bytes() + about_to_write);
        if (!ok) {
            drop_ballast(*files_, path_);
        }
        return ok;
    }

    Result<void> put_snapshot(Bytes bytes) {
        const SeqKey key = key_of(hasher_.next_seq());
        stored_.clear();
        ::alpha::put(stored_, snapshot_checksum(key, bytes));
        stored_.append(bytes);
        if (snapshots_.empty() || snapshots_.back() != hasher_.next_seq()) {
            snapshots_.push_back(hasher_.next_seq());
        }
        derived_.snapshot_seq = hasher_.next_seq();
        snapshot_seq_ = hasher_.next_seq();
        snapshot_ = sha256(bytes);
        Result<void> ok = put(batch_, db_->snapshots(), slice_of(key), slice_of(stored_.view()));
        if (snapshots_.size() <= kMaxSnapshots) {
            return ok;
        }
        // The one whose neighbours lie closest together.
        const auto gap_without = [&](std::size_t i) { return snapshots_[i + 1] - (i == 0 ? 0 : snapshots_[i - 1]); };
        std::size_t least = 0;
        for (std::size_t i = 1; i + kNewestSnapshots < snapshots_.size(); ++i) {
            least = gap_without(i) < gap_without(least) ? i : least;
        }
        const SeqKey old = key_of(snapshots_[least]);
        snapshots_.erase(snapshots_.begin() + static_cast<std::ptrdiff_t>(least));
        return ok ? remove(batch_, db_->snapshots(), slice_of(old)) : ok;
    }

    Result<void> make_durable() {
        if (Result<void> ok = check_space(0); !ok) {
            return ok;
        }
        failpoint("commit: not synced");
        if (Result<void> ok = db_->sync(); !ok) {
            return ok;
        }
        failpoint("commit: synced, not anchored");
        Result<void> ok = anchor_->write(next_seq(), head());
        failpoint("commit: anchored");
        return ok;
    }

    Result<void> end(const std::optional<Ending>& ending) {
        ByteBuffer mark;
        mark.append(bytes_of(kCleanEnd));
        if (ending) {
            ::alpha::put(mark, ending->state_version);
            mark.append(ending->state_digest);
        }
        rocksdb::WriteBatch batch;
        Result<void> ok = put(batch, db_->meta(), kEndKey, slice_of(mark.view()));
        if (partial_) {
            ok = ok ? db_->flush_log() : ok;
            ok = ok ? put_verified(batch) : ok;
            ok = ok ? db_->write(batch) : ok;
            return ok ? publish() : ok;
        }
        // Both slots first: after a clean end the loss of either is damage that can be told.
        ok = ok ? make_durable() : ok;
        ok = ok ? owner_->check_in_place() : ok;
        failpoint("finish: one slot anchored");
        ok = ok ? anchor_->write(next_seq(), head()) : ok;
        failpoint("finish: anchored, not marked clean");
        ok = ok ? db_->flush_log() : ok;
        ok = ok ? put_verified(batch) : ok;
        ok = ok ? db_->write(batch) : ok;
        ok = ok ? db_->sync() : ok;
        failpoint("finish: marked clean, not flushed");
        ok = ok ? db_->flush() : ok;
        ok = ok ? db_->close() : ok;
        if (ok) {
            db_.reset();
            drop_ballast(*files_, path_);
            owner_.reset();
        }
        return ok;
    }

    /// All to its files, the anchor beside them, then its own name.
    Result<void> publish() {
        Result<void> ok = db_->flush();
        ok = ok ? db_->close() : ok;
        if (!ok) {
            return ok;
        }
        db_.reset();
        drop_options(*files_, path_);
        failpoint("publish: closed, not anchored");
        if (const Result<Anchor> anchor = Anchor::create(*files_, path_, next_seq(), head()); !anchor) {
            return tl::make_unexpected(anchor.error());
        }
        ok = sync_folder(path_);
        failpoint("publish: anchored, not named");
        ok = ok ? partial_->publish() : ok;
        failpoint("publish: named");
        return ok;
    }

    std::optional<Partial> partial_;  // of a journal that is whole or gone; outlives the database within it
    std::optional<Owner> owner_;      // of a journal that goes on; outlives it, too
    std::string path_;
    std::shared_ptr<rocksdb::FileSystem> files_;
    DiskSpace space_;
    std::uint64_t log_file_bytes_;
    std::unique_ptr<Database> db_;  // closed by finish()
    std::vector<Day> days_;
    mutable std::mutex days_mutex_;  // while they are added to, or looked at by who does not write
    std::unique_ptr<Cutting> cutting_;
    std::optional<Anchor> anchor_;  // of a journal that goes on
    ChainHasher hasher_;
    DerivedRecord derived_;
    std::vector<Seq> snapshots_;  // those stored, oldest first
    Seq snapshot_seq_ = kNoSeq;   // of the newest that a session took from a state it had folded to itself
    Digest snapshot_{};           // its SHA-256
    ByteBuffer stored_;
    std::string row_key_;
    rocksdb::WriteBatch batch_;
    std::size_t appended_bytes_ = kSpaceCheckBytes;  // since free space was last looked at
    bool finished_ = false;
    bool broken_ = false;
};

}  // namespace

Result<Forgotten> forget_evidence(const std::string& path, Time before, const JournalOptions& options) {
    return JournalWriter::forget(path, before, options);
}

Result<std::unique_ptr<LogWriter>> create_journal(const std::string& path, const JournalOptions& options) {
    return JournalWriter::create(Partial::make_folder(path, "choose another --journal or remove it"), options)
        .map([](NamedJournal made) { return std::move(made.log); });
}

Result<NamedJournal> create_numbered_journal(const std::string& stem, const JournalOptions& options) {
    return JournalWriter::create(Partial::make_numbered_folder(stem), options);
}

Result<std::unique_ptr<LogWriter>> continue_journal(const std::string& path, const JournalOptions& options) {
    return JournalWriter::go_on(path, options);
}

}  // namespace alpha
