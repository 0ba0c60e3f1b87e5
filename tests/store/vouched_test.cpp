/// What vouches for a journal, its anchor, its mark and the checksums of its snapshots, and does not vouch for another one's.

#include "store/anchor.hpp"
#include "store/checksum.hpp"
#include "store/journal.hpp"
#include "store/wire.hpp"
#include "tests/store/raw_database.hpp"
#include "tests/store/support.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <rocksdb/db.h>
#include <rocksdb/file_system.h>

using namespace alpha;
using namespace alpha::store_test;

namespace {

constexpr Seq kEvents = 5'000;  // more than a leaf holds

/// A journal that ended, with a snapshot at its end.
std::string ended_journal(const TempFolder& folder) {
    const std::string path = folder / "journal";
    const Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
    REQUIRE(log);
    Batch batch;
    for (const Frame& frame : frames_of(kEvents, 1'000, append_mixed)) {
        batch.begin(frame.first_seq);
        batch.frame.events = frame.events;
        batch.frame.bytes.append(frame.bytes.view());
        batch.frame.leaf_cuts = frame.leaf_cuts;
        batch.snapshot.clear();
        if (frame.next_seq() == kEvents) {
            batch.snapshot.resize(300);
            std::fill_n(batch.snapshot.data(), 300, std::uint8_t{7});
        }
        REQUIRE((*log)->append(batch));
    }
    REQUIRE((*log)->finish({}));
    return path;
}

Digest head_of(const std::string& path) {
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    REQUIRE(journal);
    return (*journal)->head();
}

/// Alters the newest snapshot as somebody with RocksDB at hand can.
void alter_snapshot(const std::string& path,
                    const std::function<void(const std::string& key, std::string& value)>& change) {
    const RawDatabase db(path);
    rocksdb::ColumnFamilyHandle* const snapshots = db.family("snapshots");
    std::string key;
    std::string value;
    {
        const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator({}, snapshots));
        at->SeekToLast();
        REQUIRE(at->Valid());
        key = at->key().ToString();
        value = at->value().ToString();
    }
    change(key, value);
    REQUIRE(db->Put({}, snapshots, key, value).ok());
}

Bytes bytes_of(const std::string& text, std::size_t from = 0) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()) + from, text.size() - from};
}

}  // namespace

TEST_CASE("a log that lacks a single event of what was promised is refused", "[store]") {
    const TempFolder folder;
    const std::string path = ended_journal(folder);
    const Digest head = head_of(path);
    REQUIRE(Anchor::create(*rocksdb::FileSystem::Default(), path, kEvents + 1, head));
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    REQUIRE_FALSE(journal);
    CHECK(journal.error().message.find("it holds 5000, and 5001 were safely on disk") != std::string::npos);
}

TEST_CASE("an anchor from before the mark's leaf is compared with the log, which is then verified from its beginning",
          "[store]") {
    const TempFolder folder;
    const std::string path = ended_journal(folder);
    const std::unique_ptr<MemoryLog> beginning = make_memory_log();
    for (const Frame& frame : frames_of(1'000, 1'000, append_mixed)) {
        REQUIRE(append_frame(*beginning, frame));
    }
    SECTION("of this log") {
        REQUIRE(Anchor::create(*rocksdb::FileSystem::Default(), path, 1'000, beginning->head()));
        const Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
        INFO((log ? "" : log.error().message));
        REQUIRE(log);
        CHECK((*log)->next_seq() == kEvents);
    }
    SECTION("of another one") {
        REQUIRE(Anchor::create(*rocksdb::FileSystem::Default(), path, 1'000, head_of(path)));
        const Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
        REQUIRE_FALSE(log);
        CHECK(log.error().kind == ErrorKind::data);
    }
}

TEST_CASE("a snapshot that is not the one whose checksum it has is not handed out", "[store]") {
    const TempFolder folder;
    const std::string path = ended_journal(folder);
    alter_snapshot(path, [](const std::string&, std::string& value) { value.back() = 8; });
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    REQUIRE(journal);
    const auto snapshot = (*journal)->newest_snapshot(kEvents);
    REQUIRE(snapshot);
    CHECK_FALSE(snapshot->has_value());
    CHECK_FALSE((*journal)->check_rest());
}

TEST_CASE("the mark vouches for the snapshot that its session took, and for no other in its place", "[store]") {
    const TempFolder folder;
    const std::string path = ended_journal(folder);
    const auto own = [&] {
        const Result<std::unique_ptr<Journal>> journal = open_journal(path);
        REQUIRE(journal);
        const Result<std::optional<Seq>> found = (*journal)->own_snapshot();
        REQUIRE(found);
        return *found;
    };
    CHECK(own() == kEvents);
    alter_snapshot(path, [](const std::string& key, std::string& value) {
        value.back() = 8;
        const std::uint32_t checksum = crc32c(bytes_of(value, sizeof checksum), crc32c(bytes_of(key)));
        store(reinterpret_cast<std::uint8_t*>(value.data()), checksum);
    });
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    REQUIRE(journal);
    const auto snapshot = (*journal)->newest_snapshot(kEvents);
    REQUIRE(snapshot);
    REQUIRE(snapshot->has_value());  // its checksum is its own
    CHECK_FALSE(own());
}
