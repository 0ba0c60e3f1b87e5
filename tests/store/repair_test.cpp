#include "store/database.hpp"
#include "store/journal.hpp"
#include "store/verify.hpp"
#include "tests/store/raw_database.hpp"
#include "tests/store/support.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

using namespace alpha;
using namespace alpha::store_test;
namespace fs = std::filesystem;

namespace {

constexpr std::uint8_t kTable = 3;
constexpr Seq kEvents = 400;

Result<void> write_some(LogWriter& log, std::uint32_t events) {
    Batch batch;
    batch.begin(log.next_seq());
    for (std::uint32_t i = 0; i < events; ++i) {
        append_mixed(batch.frame, batch.frame.next_seq());
    }
    const std::string end = std::to_string(batch.frame.next_seq());
    batch.rows.add({kTable, end, "row " + end});
    batch.snapshot.resize(300);
    std::fill_n(batch.snapshot.data(), 300, static_cast<std::uint8_t>(batch.frame.next_seq()));
    return log.append(batch);
}

/// A journal whose four families each have a file of their own, in their order.
std::string finished_journal(const TempFolder& folder) {
    const std::string path = folder / "journal";
    Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
    REQUIRE(log);
    for (Seq end = 0; end < kEvents; end += 100) {
        REQUIRE(write_some(**log, 100));
    }
    REQUIRE((*log)->finish({}));
    return path;
}

/// The table file of a family.
std::string table_of(const std::string& path, const std::string& family) {
    const RawDatabase db(path, RawDatabase::Mode::read);
    for (const rocksdb::LiveFileMetaData& file : db.files()) {
        if (file.column_family_name == family) {
            return path + file.name;
        }
    }
    FAIL("the family " << family << " has no table");
    return {};
}

void damage(const std::string& file, const std::string& how) {
    std::vector<std::uint8_t> bytes = store_test::read_file(file);
    if (how == "lost") {
        fs::remove(file);
    } else if (how == "cut short") {
        fs::resize_file(file, bytes.size() / 2);
    } else {
        bytes[20] ^= 0x10U;
        write_file(file, bytes);
    }
}

std::map<std::string, std::vector<std::uint8_t>> contents_of(const std::string& path) {
    std::map<std::string, std::vector<std::uint8_t>> found;
    for (const auto& entry : fs::directory_iterator(path)) {
        found[entry.path().filename().string()] = store_test::read_file(entry.path().string());
    }
    return found;
}

std::vector<std::string> rows_in(const Journal& journal) {
    std::vector<std::string> rows;
    REQUIRE(journal.rows(kTable, [&](const std::string&, const std::string& value) {
        rows.push_back(value);
        return true;
    }));
    return rows;
}

/// The rows of a log as write_some makes them.
Result<Rows> made_anew(const LogReader& log) {
    Rows rows;
    const Result<void> scanned = log.scan(0, [&](const Frame& frame) {
        const std::string end = std::to_string(frame.next_seq());
        rows.add({kTable, end, "row " + end});
        return true;
    });
    return scanned ? Result<Rows>(std::move(rows)) : tl::make_unexpected(scanned.error());
}

}  // namespace

TEST_CASE("rows and checkpoints that are damaged or lost are dropped and made anew, and that is said", "[store]") {
    const std::string family = GENERATE("snapshots", "models", "both");
    const std::string how = GENERATE("lost", "cut short", "altered");
    INFO(family << " " << how);
    const TempFolder folder;
    const std::string path = finished_journal(folder);
    const bool snapshots_go = family != "models";
    const bool rows_go = family != "snapshots";
    const std::string snapshots = table_of(path, "snapshots");
    const std::string models = table_of(path, "models");
    if (snapshots_go) {
        damage(snapshots, how);
    }
    if (rows_go) {
        damage(models, how);
    }
    JournalOptions options;
    std::vector<std::string> told;
    options.tell = [&](const std::string& text) { told.push_back(text); };
    options.make_rows = made_anew;
    {
        const Result<std::unique_ptr<LogWriter>> log = continue_journal(path, options);
        INFO((log ? "" : log.error().message));
        REQUIRE(log);
        CHECK((*log)->next_seq() == kEvents);
        CHECK(told.size() == (family == "both" ? 2 : 1));
        CHECK((told[0].find("checkpoints") != std::string::npos) == snapshots_go);
        CHECK((told.back().find("rows") != std::string::npos) == rows_go);
        // Before anything is appended.
        const Result<std::unique_ptr<Journal>> journal = open_journal(path);
        REQUIRE(journal);
        CHECK(verify_journal(**journal));
        CHECK(rows_in(**journal) == std::vector<std::string>{"row 100", "row 200", "row 300", "row 400"});
        const auto snapshot = (*journal)->newest_snapshot(kEvents);
        REQUIRE(snapshot);
        CHECK(snapshot->has_value() == !snapshots_go);
        REQUIRE(write_some(**log, 100));
        REQUIRE((*log)->finish({}));
    }
    told.clear();
    REQUIRE(continue_journal(path, options));
    CHECK(told.empty());
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    REQUIRE(journal);
    CHECK(verify_journal(**journal));
    CHECK(rows_in(**journal).size() == 5);
    const auto snapshot = (*journal)->newest_snapshot(kNoSeq - 1);
    REQUIRE(snapshot);
    REQUIRE(*snapshot);
    CHECK((*snapshot)->next_seq == kEvents + 100);
}

TEST_CASE("rows that nobody makes anew stay away, and the journal goes on", "[store]") {
    const TempFolder folder;
    const std::string path = finished_journal(folder);
    damage(table_of(path, "models"), "lost");
    REQUIRE(continue_journal(path));
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    REQUIRE(journal);
    CHECK(rows_in(**journal).empty());
    CHECK(verify_journal(**journal));
}

TEST_CASE("a mending that was cut off is made again", "[store]") {
    const TempFolder folder;
    const std::string path = finished_journal(folder);
    REQUIRE(Database::drop(path, rocksdb::FileSystem::Default(), {"snapshots", "models"}));
    REQUIRE_FALSE(open_journal(path));  // what it should have is not there
    JournalOptions options;
    options.make_rows = made_anew;
    REQUIRE(continue_journal(path, options));
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    REQUIRE(journal);
    CHECK(verify_journal(**journal));
    CHECK(rows_in(**journal).size() == 4);
}

TEST_CASE("a log that is damaged is refused and left as it was, whatever is the matter beside it", "[store]") {
    const std::string family = GENERATE("log", "default");
    const std::string how = GENERATE("lost", "cut short", "altered");
    const bool beside = GENERATE(false, true);
    INFO(family << " " << how << (beside ? ", and the rows lost" : ""));
    const TempFolder folder;
    const std::string path = finished_journal(folder);
    const std::string models = table_of(path, "models");
    damage(table_of(path, family), how);
    if (beside) {
        damage(models, "lost");
    }
    const auto before = contents_of(path);
    JournalOptions options;
    int told = 0;
    options.tell = [&](const std::string&) { ++told; };
    options.make_rows = made_anew;
    const Result<std::unique_ptr<LogWriter>> log = continue_journal(path, options);
    REQUIRE_FALSE(log);
    CHECK(log.error().kind == ErrorKind::data);
    CHECK(told == 0);
    CHECK(contents_of(path) == before);
}

TEST_CASE("rows that cannot be made anew leave the journal refused and as it was", "[store]") {
    const TempFolder folder;
    const std::string path = finished_journal(folder);
    damage(table_of(path, "models"), "altered");
    const auto before = contents_of(path);
    JournalOptions options;
    options.make_rows = [](const LogReader&) -> Result<Rows> { return fail(ErrorKind::transient, "no memory"); };
    const Result<std::unique_ptr<LogWriter>> log = continue_journal(path, options);
    REQUIRE_FALSE(log);
    CHECK(log.error().message == "no memory");
    CHECK(contents_of(path) == before);
}

TEST_CASE("evidence whose files are lost keeps a journal shut, or takes rows and checkpoints along", "[store]") {
    const std::string how = GENERATE("lost", "cut short", "altered");
    INFO(how);
    const TempFolder folder;
    const std::string path = finished_journal(folder);
    {
        const Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
        REQUIRE(log);
        Batch batch;
        batch.begin(kEvents);
        append_mixed(batch.frame, kEvents);
        batch.evidence.push_back({kEvents, std::string(100, 'x')});
        REQUIRE((*log)->append(batch));
        REQUIRE((*log)->finish({}));
    }
    damage(table_of(path, "evidence"), how);
    const Result<std::unique_ptr<Journal>> damaged = open_journal(path);
    const Result<Verified> verified = damaged ? verify_journal(**damaged) : tl::make_unexpected(damaged.error());
    REQUIRE_FALSE(verified);
    CHECK(verified.error().kind == ErrorKind::data);

    JournalOptions options;
    std::vector<std::string> told;
    options.tell = [&](const std::string& text) { told.push_back(text); };
    for (int i = 0; i < 2; ++i) {
        const Result<std::unique_ptr<LogWriter>> log = continue_journal(path, options);
        REQUIRE(log);
        REQUIRE((*log)->finish({}));
    }
    // What is altered within a file is no matter to a session, and stays for whoever verifies.
    CHECK(told == (how == "altered"
                       ? std::vector<std::string>()
                       : std::vector<std::string>{
                             "The journal " + path +
                             " has lost files with evidence of what a broker outside said. Its log is whole: what is "
                             "left of the evidence is dropped, for nothing can make it anew."}));
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    REQUIRE(journal);
    CHECK(rows_in(**journal).size() == 4);
    CHECK((*journal)->newest_snapshot(kEvents).value());
    CHECK(verify_journal(**journal).has_value() == (how != "altered"));
}
