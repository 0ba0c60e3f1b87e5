/// Journals whose days were cut off: they are one log, whatever becomes of the process while a day is on its way, and a day that is not
/// the one that was cut is told.

#include "store/days.hpp"
#include "store/failpoint.hpp"
#include "store/journal.hpp"
#include "store/verify.hpp"
#include "tests/faults/system_calls.hpp"
#include "tests/store/raw_database.hpp"
#include "tests/store/support.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <rocksdb/file_system.h>
#include <sys/stat.h>
#include <sys/wait.h>

using namespace alpha;
using namespace alpha::store_test;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kFrame = 300;
constexpr Seq kDayEvents = 3'000;  // no multiple of a leaf: the chain goes on in the middle of one
constexpr std::uint8_t kTable = 2;

/// Appends the market up to event `to`; every kDayEvents a day ends, where they are to be `cut`.
Result<void> write_to(LogWriter& log, Seq to, bool cut = true) {
    Batch batch;
    batch.begin(log.next_seq());
    while (log.next_seq() < to) {
        const Seq begins = log.next_seq();
        if (cut && begins != 0 && begins % kDayEvents == 0) {
            batch.ended_day = Date{static_cast<std::int32_t>(begins / kDayEvents)};
        }
        while (batch.frame.events < kFrame) {
            append_mixed(batch.frame, batch.frame.next_seq());
        }
        const std::string end = std::to_string(batch.frame.next_seq());
        batch.rows.add({kTable, end, "row " + end});
        batch.snapshot.resize(50);
        std::fill_n(batch.snapshot.data(), 50, static_cast<std::uint8_t>(batch.frame.next_seq()));
        if (Result<void> ok = log.append(batch); !ok) {
            return ok;
        }
    }
    return {};
}

std::unique_ptr<LogWriter> go_on(const std::string& path, const JournalOptions& options = {}) {
    Result<std::unique_ptr<LogWriter>> log = continue_journal(path, options);
    INFO((log ? std::string() : log.error().message));
    REQUIRE(log);
    return std::move(*log);
}

std::unique_ptr<Journal> opened(const std::string& path) {
    Result<std::unique_ptr<Journal>> journal = open_journal(path);
    INFO((journal ? std::string() : journal.error().message));
    REQUIRE(journal);
    return std::move(*journal);
}

Digest head_after(Seq events) {
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    REQUIRE(write_to(*log, events));
    return log->head();
}

/// Folders of days, oldest first.
std::vector<std::string> days_in(const std::string& path) {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(path)) {
        const std::string name = entry.path().filename().string();
        if (entry.is_directory() && name.front() == '0') {
            found.push_back(name);
        }
    }
    std::ranges::sort(found);
    return found;
}

std::string finished(const TempFolder& folder, const std::string& name, Seq events) {
    const std::string path = folder / name;
    const std::unique_ptr<LogWriter> log = go_on(path);
    REQUIRE(write_to(*log, events));
    REQUIRE(log->finish({}));
    return path;
}

std::string table_in(const std::string& folder) {
    std::string largest;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const bool is_larger = largest.empty() || entry.file_size() > fs::file_size(largest);
        largest = entry.path().extension() == ".sst" && is_larger ? entry.path().string() : largest;
    }
    REQUIRE_FALSE(largest.empty());
    return largest;
}

std::string why_not(const std::string& path) {
    const Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
    return log ? std::string() : log.error().message;
}

std::string why_not_verified(const std::string& path) {
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    if (!journal) {
        return journal.error().message;
    }
    const Result<Verified> verified = verify_journal(**journal);
    return verified ? std::string() : verified.error().message;
}

bool says(const std::string& message, const std::string& text) {
    UNSCOPED_INFO(message);
    return message.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a journal whose days are cut off is one log", "[store][day]") {
    const TempFolder folder;
    constexpr Seq kEnd = 4 * kDayEvents + 900;
    const std::string path = finished(folder, "journal", kEnd);
    REQUIRE(days_in(path) ==
            std::vector<std::string>{"00000000000000000000-1970-01-02", "00000000000000003000-1970-01-03",
                                     "00000000000000006000-1970-01-04", "00000000000000009000-1970-01-05"});
    const std::unique_ptr<Journal> journal = opened(path);
    CHECK(journal->head() == head_after(kEnd));
    const Result<Verified> verified = verify_journal(*journal);
    REQUIRE(verified);
    CHECK(verified->events == kEnd);

    // From anywhere, and with one cursor back and forth.
    EventReader reader(*journal);
    for (const Seq from : {Seq{0}, Seq{2'999}, Seq{3'000}, Seq{6'001}, Seq{11'999}, Seq{12'000}, Seq{5}, kEnd - 1}) {
        Seq expected = from;
        const Result<void> walked = for_each_event(*journal, from, [&](const Envelope& envelope, const Event&) {
            REQUIRE(envelope.seq == expected);
            ++expected;
            return true;
        });
        REQUIRE(walked);
        CHECK(expected == kEnd);
        const Result<DecodedEvent> event = reader.read(from);
        REQUIRE(event);
        CHECK(event->envelope.seq == from);
    }
    Seq rows = 0;
    REQUIRE(journal->rows(kTable, [&](const std::string&, const std::string&) {
        ++rows;
        return true;
    }));
    CHECK(rows == kEnd / kFrame);
    const Result<std::optional<StoredSnapshot>> snapshot = journal->newest_snapshot(5'000);
    REQUIRE(snapshot);
    REQUIRE(*snapshot);
    CHECK((*snapshot)->next_seq <= 5'000);

    struct stat status{};
    REQUIRE(::stat((path + "/" + days_in(path)[1]).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0700);
    REQUIRE(::stat(table_in(path + "/" + days_in(path)[1]).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600);
}

TEST_CASE("days are cut in any session of a journal, or in none", "[store][day]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    for (const auto& [to, cut] : {std::pair{2 * kDayEvents + 600, false},
                                  {3 * kDayEvents + 600, true},
                                  {4 * kDayEvents + 600, false},
                                  {6 * kDayEvents, true},
                                  {6 * kDayEvents + 600, true}}) {
        const std::unique_ptr<LogWriter> log = go_on(path);
        REQUIRE(write_to(*log, to, cut));
        REQUIRE(log->finish({}));
        CHECK(log->head() == head_after(to));
    }
    CHECK(why_not_verified(path).empty());
    // What was not cut in its time goes with the next day that is.
    CHECK(days_in(path) == std::vector<std::string>{"00000000000000000000-1970-01-04",
                                                    "00000000000000009000-1970-01-06",
                                                    "00000000000000015000-1970-01-07"});
}

TEST_CASE("a session that goes on looks at no day that nobody touched", "[store][day]") {
    const TempFolder folder;
    const std::string path = finished(folder, "journal", 5 * kDayEvents + 300);
    const auto opened_in_days = [&] {
        class Watching final : public rocksdb::FileSystemWrapper {
        public:
            Watching() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
            const char* Name() const override { return "Watching"; }
            rocksdb::IOStatus NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                                                  std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                                  rocksdb::IODebugContext* debug) override {
                // But the last one: the leaf that lies across the cut begins there.
                in_days += name.find("-1970-01-") != std::string::npos && name.find("-1970-01-06") == std::string::npos;
                return FileSystemWrapper::NewRandomAccessFile(name, options, file, debug);
            }
            std::atomic<int> in_days{0};
        };
        const auto files = std::make_shared<Watching>();
        JournalOptions options;
        options.files = files;
        REQUIRE(go_on(path, options)->finish({}));
        return files->in_days.load();
    };
    CHECK(opened_in_days() == 0);

    // Touched, and as it was: it is verified from there on, and known again afterwards.
    const std::string table = table_in(path + "/" + days_in(path)[2]);
    write_file(table, store_test::read_file(table));
    CHECK(opened_in_days() > 0);
    CHECK(opened_in_days() == 0);
}

TEST_CASE("a day that is not the one that was cut off is told, and nothing is written then", "[store][day]") {
    const TempFolder folder;
    constexpr Seq kEnd = 3 * kDayEvents + 600;
    const std::string path = finished(folder, "journal", kEnd);
    const std::string other = folder / "other";
    {
        const std::unique_ptr<LogWriter> log = go_on(other);
        Batch batch;
        batch.begin(0);
        for (Seq k = 0; k < kDayEvents; ++k) {
            append(batch.frame, dull_envelope(k), dull_quote(k + 1));
        }
        REQUIRE(log->append(batch));
        REQUIRE(write_to(*log, 2 * kDayEvents));
        REQUIRE(log->finish({}));
    }
    const std::string day = path + "/" + days_in(path)[0];
    const auto both_say = [&](const std::string& text) {
        const auto before = fs::last_write_time(path + "/CURRENT");
        CHECK(says(why_not_verified(path), text));
        CHECK(says(why_not(path), text));
        CHECK(fs::last_write_time(path + "/CURRENT") == before);
        CHECK_FALSE(fs::exists(path + "/owner"));
    };

    SECTION("lost") {
        fs::rename(day, folder / "elsewhere");
        both_say("lacks a day: there is no 00000000000000000000-1970-01-02 in it, which holds its events 0 to 2999");
        fs::rename(folder / "elsewhere", day);  // put back
        CHECK(why_not_verified(path).empty());
        CHECK(why_not(path).empty());
    }
    SECTION("damaged") {
        const std::string table = table_in(day);
        std::vector<std::uint8_t> bytes = store_test::read_file(table);
        bytes[bytes.size() / 3] ^= 0x08U;
        write_file(table, bytes);
        both_say("journal");
    }
    SECTION("lacking a file") {
        fs::remove(table_in(day));
        both_say("journal");
    }
    SECTION("another journal's") {
        fs::remove_all(day);
        fs::copy(other + "/" + days_in(other)[0], day);
        both_say("that folder is of another journal, or was altered");
    }
    SECTION("another day's") {
        fs::remove_all(day);
        fs::copy(path + "/" + days_in(path)[1], day);
        both_say("that folder is of another journal, or was altered");
    }
    SECTION("a link") {
        const std::string table = table_in(day);
        fs::rename(table, folder / "table");
        fs::create_symlink(folder / "table", table);
        both_say("holds a link");
    }
    SECTION("taken for a journal") {
        CHECK(says(why_not_verified(day), "is one day of a journal. Name the folder that it lies in"));
        CHECK_FALSE(why_not(day).empty());
        CHECK(why_not_verified(path).empty());
    }
}

TEST_CASE("a process that ends while a day is on its way loses nothing, and the day is cut again",
          "[store][day][forks]") {
    const TempFolder folder;
    const std::vector<std::string> places{"day: written, not flushed", "day: whole, not named",
                                          "day: named, not recorded", "day: recorded"};
    // All of them first: RocksDB's threads do not come along into a child.
    for (const std::string& place : places) {
        CAPTURE(place);
        const pid_t child = ::fork();
        if (child == 0) {
            ::alarm(60);
            std::atomic<bool> ends{false};
            arm_failpoints([&](const std::string& name) {  // first: later a day is on its way
                if (ends && name == place) {
                    ::_exit(42);
                }
            });
            Result<std::unique_ptr<LogWriter>> log = continue_journal(folder / place);
            bool done = log.has_value() && write_to(**log, 2 * kDayEvents).has_value() && (*log)->commit().has_value();
            ends = true;
            done = done && write_to(**log, 2 * kDayEvents + 600).has_value() && (*log)->finish({}).has_value();
            ::_exit(done ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFEXITED(status));
        REQUIRE(WEXITSTATUS(status) == 42);
    }
    for (const std::string& place : places) {
        CAPTURE(place);
        const std::string path = folder / place;
        CHECK(why_not_verified(path).empty());
        {
            const std::unique_ptr<LogWriter> log = go_on(path);
            CHECK(log->next_seq() >= 2 * kDayEvents);
            REQUIRE(write_to(*log, 4 * kDayEvents + 300));
            REQUIRE(log->finish({}));
        }
        CHECK(opened(path)->head() == head_after(4 * kDayEvents + 300));
        CHECK(why_not_verified(path).empty());
        const auto db = Database::open(path, Database::Mode::read, rocksdb::FileSystem::Default(), 1U << 20U);
        REQUIRE(db);
        const Result<std::vector<Day>> days = read_days(**db, path);
        REQUIRE(days);
        CHECK(cut_of(*days) == 4 * kDayEvents);
        CHECK(days_in(path).size() == days->size());  // and none that nobody knows of
    }
}

TEST_CASE("a day has its name once its bytes are durable", "[store][day]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const std::unique_ptr<LogWriter> log = go_on(path);
    REQUIRE(write_to(*log, kDayEvents));
    REQUIRE(log->commit());
    faults::watch_calls({.folder = fs::canonical(path).string()});
    REQUIRE(write_to(*log, kDayEvents + 300));
    REQUIRE(log->finish({}));
    const std::vector<std::string> calls = faults::end_watch();
    CHECK(std::ranges::any_of(calls, [](const std::string& call) {
        return call.starts_with("rename ") && call.ends_with("/00000000000000000000-1970-01-02");
    }));
    CHECK(faults::undurable_name(calls).empty());
}

TEST_CASE("what lies in days does not stay in the journal's own files for ever", "[store][day]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    JournalOptions options;
    options.log_file_bytes = 64U << 10U;
    constexpr Seq kDays = 120;
    {
        const std::unique_ptr<LogWriter> log = go_on(path, options);
        REQUIRE(write_to(*log, kDays * kDayEvents));
        REQUIRE(log->finish({}));
    }
    REQUIRE(go_on(path, options)->finish({}));
    const auto bytes_in = [](const std::string& in) {
        std::uintmax_t bytes = 0;
        for (const auto& entry : fs::directory_iterator(in)) {
            bytes += entry.path().extension() == ".sst" ? entry.file_size() : 0;
        }
        return bytes;
    };
    std::uintmax_t days = 0;
    for (const std::string& day : days_in(path)) {
        days += bytes_in(std::string(path).append("/").append(day));
    }
    CHECK(days > 1'000'000);
    CHECK(bytes_in(path) < days / 2);
}

TEST_CASE("a day is not cut off where one of its frames is missing", "[store][day]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    {
        const std::unique_ptr<LogWriter> log = go_on(path);
        REQUIRE(write_to(*log, kDayEvents, false));
        REQUIRE(log->finish({}));
    }
    const auto cut = [&](Seq first, Seq lost) {
        const RawDatabase db(path);
        if (lost != kNoSeq) {
            REQUIRE(db->Delete({}, db.family("log"), raw_key_of(lost)).ok());
        }
        const std::unique_ptr<rocksdb::Iterator> frames(db->NewIterator({}, db.family("log")));
        const Day day{first, {kDayEvents, {}, {}}, Date{1}};
        const Result<void> made = make_day(folder / "", day, {}, *frames, rocksdb::FileSystem::Default(), 1U << 20U,
                                           [](std::size_t) { return Result<void>{}; });
        CHECK(fs::exists(folder / day.name()) == made.has_value());
        return made ? std::string() : made.error().message;
    };
    CHECK(cut(0, kNoSeq).empty());
    CHECK(says(cut(300, 2'700), "lacks event 2700"));  // the last one
    CHECK(says(cut(600, 900), "lacks event 900"));
    CHECK(says(cut(900, kNoSeq), "lacks event 900"));  // the first one
}

TEST_CASE("a day's frames are read once, though nothing was written behind it", "[store][day]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    {
        const std::unique_ptr<LogWriter> log = go_on(path);
        REQUIRE(write_to(*log, kDayEvents, false));
        Batch batch;
        batch.begin(log->next_seq());
        batch.ended_day = Date{1};
        REQUIRE(log->append(batch));
        REQUIRE(log->finish({}));
    }
    REQUIRE(days_in(path).size() == 1);
    const std::unique_ptr<Journal> journal = opened(path);
    Seq expected = 0;
    REQUIRE(journal->scan(0, [&](const Frame& frame) {
        CHECK(frame.first_seq == expected);
        expected = frame.next_seq();
        return true;
    }));
    CHECK(expected == kDayEvents);
    StoredFrame frame;
    const std::unique_ptr<FrameCursor> frames = journal->frames(kDayEvents - 1);
    Result<bool> read = frames->next(frame);
    REQUIRE((read && *read));
    read = frames->next(frame);
    REQUIRE(read);
    CHECK_FALSE(*read);
}

TEST_CASE("days that do not follow one another are told", "[store][day]") {
    const TempFolder folder;
    const std::string path = finished(folder, "journal", 3 * kDayEvents + 300);
    const std::string day = days_in(path).at(1);
    {
        const RawDatabase db(std::string(path).append("/").append(day));
        std::string begins;
        REQUIRE(db->Get({}, db.family("default"), kBeginsKey, &begins).ok());
        REQUIRE(begins.size() == HeadRecord::kBytes);
        begins.back() = static_cast<char>(begins.back() ^ 1);
        REQUIRE(db->Put({}, db.family("default"), kBeginsKey, begins).ok());
    }
    const Result<void> rest = opened(path)->check_rest();
    REQUIRE_FALSE(rest);
    CHECK(says(rest.error().message, "does not begin where the one before it ends"));
    {
        const RawDatabase db(path);
        REQUIRE(db->Delete({}, db.family("default"), "day/00000000000000003000").ok());
    }
    CHECK(says(why_not_verified(path), "has days that do not follow one another"));
}
