#include "store/days.hpp"

#include "store/disk.hpp"
#include "store/disk_space.hpp"
#include "store/failpoint.hpp"
#include "store/frame.hpp"
#include "store/machine.hpp"
#include "store/owner.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <filesystem>
#include <rocksdb/env.h>
#include <sys/stat.h>

namespace alpha {

namespace {

namespace fs = std::filesystem;

constexpr char kDayPrefix[] = "day/";
constexpr std::size_t kDigits = 20;
constexpr std::size_t kPieceBytes = 1U << 20U;
constexpr std::uint64_t kReaderMemtableBytes = 1U << 20U;  // of which a reader fills none

std::string digits_of(Seq seq) {
    const std::string digits = std::to_string(seq);
    return std::string(kDigits - digits.size(), '0') + digits;
}

std::string folder_of(const std::string& path, const Day& day) {
    return path + "/" + day.name();
}

std::optional<Day> read_day(const std::string& digits, Bytes value) {
    Day day;
    WireReader rest(value);
    const Bytes end = rest.take(HeadRecord::kBytes);
    day.date.days = rest.get<std::int32_t>();
    const Bytes stamp = rest.take(day.stamp.size());
    if (!rest.ok() || rest.left() != 0 || digits.size() != kDigits ||
        !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) {
        return std::nullopt;
    }
    day.first_seq = std::strtoull(digits.c_str(), nullptr, 10);
    day.end = HeadRecord::from(end);
    std::ranges::copy(stamp, day.stamp.begin());
    return day;
}

/// Each file with what the system says of it, by name.
Result<std::vector<std::pair<std::string, struct stat>>> files_of_day(const std::string& folder) {
    std::vector<std::pair<std::string, struct stat>> found;
    std::error_code error;
    for (fs::directory_iterator at(folder, error); !error && at != fs::directory_iterator(); at.increment(error)) {
        struct stat status{};
        if (::lstat(at->path().c_str(), &status) != 0) {
            return refused_by_system("Cannot look at " + at->path().string(), errno, ErrorKind::data);
        }
        found.emplace_back(at->path().filename().string(), status);
    }
    if (error) {
        return refused_by_system("Cannot look into " + folder, error.value(), ErrorKind::data);
    }
    std::ranges::sort(found, {}, [](const auto& file) { return file.first; });
    return found;
}

/// The frames in one database, beginning with the one that holds an event.
class StoredFrames {
public:
    StoredFrames(const Database& db, std::string path, Seq from)
        : db_(&db), path_(std::move(path)), at_(db.iterate(db.log())) {
        seek(from);
    }
    void seek(Seq from) {
        const SeqKey key = key_of(from);
        at_->SeekForPrev(slice_of(key));
        fresh_ = true;
    }
    Result<bool> next(StoredFrame& frame) {
        if (!std::exchange(fresh_, false) && at_->Valid()) {
            at_->Next();
        }
        if (!at_->Valid()) {
            return db_->check("cannot be read", at_->status()).map([] { return false; });
        }
        frame.first_seq = seq_of_key(at_->key());
        if (frame.first_seq == kNoSeq) {
            return wrong_journal(path_, "has a key that is no event number");
        }
        frame.bytes.clear();
        frame.bytes.append(bytes_of(at_->value()));
        return true;
    }

private:
    const Database* db_;
    std::string path_;
    std::unique_ptr<rocksdb::Iterator> at_;
    bool fresh_ = true;  // where it was sent, and that is not handed out yet
};

class JournalFrames final : public FrameCursor {
public:
    JournalFrames(const Database& db, const std::string& path, const std::vector<Day>& days,
                  std::shared_ptr<rocksdb::FileSystem> files, Seq from)
        : db_(db), path_(path), days_(days), files_(std::move(files)) {
        seek(from);
    }

    void seek(Seq from) override {
        const auto holds = std::ranges::upper_bound(days_, from, {}, [](const Day& day) { return day.end.next_seq; });
        enter(static_cast<std::size_t>(holds - days_.begin()), from);
    }

    Result<bool> next(StoredFrame& frame) override {
        for (;;) {
            if (!frames_) {
                return tl::make_unexpected(not_opened_);
            }
            Result<bool> read = frames_->next(frame);
            const bool in_days = at_ != days_.size();
            if (!read || (!*read && !in_days)) {
                return read;
            }
            if (!*read) {
                enter(at_ + 1, days_[at_].end.next_seq);
            } else if (in_days || frame.first_seq >= cut_of(days_)) {  // and no twin of what a day holds
                return read;
            }
        }
    }

private:
    /// Goes into a day, or behind the last one into the journal's own database.
    void enter(std::size_t at, Seq from) {
        if (frames_ && at == at_) {  // with the iterator that is there
            frames_->seek(from);
            return;
        }
        at_ = at;
        frames_.reset();
        day_.reset();
        if (at != days_.size()) {
            Result<std::unique_ptr<Database>> day = open_day(path_, days_[at], files_);
            if (!day) {
                not_opened_ = day.error();
                return;
            }
            day_ = std::move(*day);
        }
        frames_.emplace(day_ ? *day_ : db_, path_, from);
    }

    const Database& db_;
    const std::string& path_;
    const std::vector<Day> days_;  // a writer may cut another one meanwhile
    std::shared_ptr<rocksdb::FileSystem> files_;
    std::size_t at_ = 0;                  // which day; days_.size(): none, its own database
    std::unique_ptr<Database> day_;       // of that day
    std::optional<StoredFrames> frames_;  // nothing: the day could not be opened
    Error not_opened_;
};

}  // namespace

std::string Day::name() const {
    return digits_of(first_seq) + "-" + to_iso(date);
}

std::string Day::key() const {
    return kDayPrefix + digits_of(first_seq);
}

ByteBuffer Day::value() const {
    ByteBuffer out;
    out.append(end.bytes());
    put(out, date.days);
    out.append(stamp);
    return out;
}

Seq cut_of(const std::vector<Day>& days) {
    return days.empty() ? 0 : days.back().end.next_seq;
}

Result<std::vector<Day>> read_days(const Database& db, const std::string& path) {
    std::vector<Day> days;
    const std::unique_ptr<rocksdb::Iterator> at = db.iterate(db.meta());
    for (at->Seek(kDayPrefix); at->Valid() && at->key().starts_with(kDayPrefix); at->Next()) {
        const std::optional<Day> day =
            read_day(at->key().ToString().substr(sizeof kDayPrefix - 1), bytes_of(at->value()));
        if (!day || day->first_seq != cut_of(days) || day->end.next_seq <= day->first_seq) {
            return wrong_journal(path, "has days that do not follow one another");
        }
        days.push_back(*day);
    }
    if (Result<void> ok = db.check("cannot be read", at->status()); !ok) {
        return tl::make_unexpected(ok.error());
    }
    return days;
}

Result<void> drop_unrecorded_days(const std::string& path, const std::vector<Day>& days) {
    std::vector<fs::path> left;
    std::error_code error;
    for (fs::directory_iterator at(path, error); !error && at != fs::directory_iterator(); at.increment(error)) {
        const std::string name = at->path().filename().string();
        const std::size_t digits = name.find_first_not_of("0123456789");
        const bool is_day = digits == kDigits && name[digits] == '-' && at->is_directory(error);
        if (is_day && std::ranges::find(days, name, &Day::name) == days.end()) {
            left.push_back(at->path());
        }
    }
    for (const fs::path& folder : left) {
        fs::remove_all(folder, error);
    }
    return error ? refused_by_system("Cannot clean up " + path, error.value(), ErrorKind::data) : Result<void>{};
}

std::optional<Digest> stamp_of_day(const std::string& path, const Day& day) {
    const auto files = files_of_day(folder_of(path, day));
    if (!files) {
        return std::nullopt;
    }
    ByteBuffer out;
    for (const auto& [name, status] : *files) {
        put(out, static_cast<std::uint64_t>(name.size()));
        out.append(bytes_of(name));
        put(out, static_cast<std::uint64_t>(status.st_size));
        put(out, static_cast<std::uint64_t>(status.st_ino));
        put(out, status.st_ctim.tv_sec * kSecondNs + status.st_ctim.tv_nsec);
    }
    return sha256(out.view());
}

std::uint64_t bytes_of_day(const std::string& path, const Day& day) {
    std::uint64_t bytes = 0;
    if (const auto files = files_of_day(folder_of(path, day))) {
        for (const auto& [name, status] : *files) {
            bytes += static_cast<std::uint64_t>(status.st_size);
        }
    }
    return bytes;
}

Result<std::unique_ptr<Database>> open_day(const std::string& path, const Day& day,
                                           const std::shared_ptr<rocksdb::FileSystem>& files) {
    const std::string folder = folder_of(path, day);
    const Result<bool> is_there_now = is_there(folder + "/CURRENT");
    if (!is_there_now) {
        return tl::make_unexpected(is_there_now.error());
    }
    if (!*is_there_now) {
        return wrong_journal(path,
                             "lacks a day: there is no " + day.name() + " in it, which holds its events " +
                                 std::to_string(day.first_seq) + " to " + std::to_string(day.end.next_seq - 1) +
                                 ". Put that folder back from a copy",
                             ErrorCode::lost_events);
    }
    if (Result<void> ok = check_folder(folder); !ok) {
        return tl::make_unexpected(ok.error());
    }
    Result<std::unique_ptr<Database>> db = Database::open(folder, Database::Mode::read, files, kReaderMemtableBytes,
                                                          {kSnapshotFamily, kModelFamily, kEvidenceFamily});
    if (!db) {
        return db;
    }
    const Result<std::string> end = (*db)->get_meta(kHeadKey);
    if (!end) {
        return tl::make_unexpected(end.error());
    }
    if (end->size() != HeadRecord::kBytes || HeadRecord::from(bytes_of(*end)) != day.end) {
        return wrong_journal(path,
                             "was not cut into the day that is in it as " + day.name() +
                                 ": that folder is of another journal, or was altered",
                             ErrorCode::altered);
    }
    return db;
}

Result<void> make_day(const std::string& path, const Day& day, const HeadRecord& begins, rocksdb::Iterator& frames,
                      const std::shared_ptr<rocksdb::FileSystem>& files, std::uint64_t log_file_bytes,
                      const std::function<Result<void>(std::size_t bytes)>& check_space) {
    Result<Partial> partial = Partial::make_folder_within(folder_of(path, day), "start again");
    if (!partial) {
        return tl::make_unexpected(partial.error());
    }
    const std::string where = partial->where();
    Result<std::unique_ptr<Database>> db = Database::open(where, Database::Mode::build, files, log_file_bytes);
    if (!db) {
        return tl::make_unexpected(db.error());
    }
    const auto put_into = [&](rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* family,
                              const rocksdb::Slice& key, const rocksdb::Slice& value) {
        return (*db)->check("cannot be written", batch.Put(family, key, value));
    };
    rocksdb::WriteBatch batch;
    const auto begin = begins.bytes();
    const auto end = day.end.bytes();
    const auto write = [&]() -> Result<void> {
        Result<void> ok = check_space(batch.GetDataSize() + (*db)->unwritten_bytes());
        ok = ok ? (*db)->write(batch) : ok;
        batch.Clear();
        return ok;
    };
    Result<void> ok = put_into(batch, (*db)->meta(), kFormatKey, kFormatName + std::to_string(kJournalFormat));
    ok = ok ? put_into(batch, (*db)->meta(), kBeginsKey, slice_of(begin)) : ok;
    ok = ok ? put_into(batch, (*db)->meta(), kHeadKey, slice_of(end)) : ok;
    const SeqKey first = key_of(day.first_seq);
    Seq next = day.first_seq;
    for (frames.Seek(slice_of(first));
         ok && frames.Valid() && seq_of_key(frames.key()) == next && next < day.end.next_seq; frames.Next()) {
        next += events_in(bytes_of(frames.value()));
        ok = put_into(batch, (*db)->log(), frames.key(), frames.value());
        ok = ok && batch.GetDataSize() >= kPieceBytes ? write() : ok;
    }
    ok = ok ? (*db)->check("cannot be read", frames.status()) : ok;
    if (ok && next != day.end.next_seq) {  // what was copied is removed later, so it must be all there is
        ok = wrong_journal(path, "lacks event " + std::to_string(next) + ", so the day cannot be cut off");
    }
    ok = ok ? write() : ok;
    failpoint("day: written, not flushed");
    ok = ok ? (*db)->flush() : ok;
    ok = ok ? (*db)->close() : ok;
    if (!ok) {
        return ok;
    }
    db->reset();
    drop_options(*files, where);
    ok = sync_folder(where);
    failpoint("day: whole, not named");
    ok = ok ? partial->publish() : ok;
    failpoint("day: named, not recorded");
    return ok;
}

std::unique_ptr<FrameCursor> journal_frames(const Database& db, const std::string& path, const std::vector<Day>& days,
                                            const std::shared_ptr<rocksdb::FileSystem>& files, Seq from) {
    return std::make_unique<JournalFrames>(db, path, days, files, from);
}

}  // namespace alpha
