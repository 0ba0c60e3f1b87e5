#include "store/journal.hpp"
#include "store/torn_manifest.hpp"
#include "tests/store/support.hpp"

#include <catch2/catch.hpp>

using namespace alpha;
using namespace alpha::store_test;

namespace {

/// A journal left by a crash, and where its MANIFEST is.
std::string crashed_journal(const TempFolder& folder) {
    const std::string path = folder / "journal";
    for (int session = 0; session < 3; ++session) {
        const Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
        REQUIRE(log);
        Batch batch;
        batch.begin((*log)->next_seq());
        for (int i = 0; i < 100; ++i) {
            append_mixed(batch.frame, batch.frame.next_seq());
        }
        REQUIRE((*log)->append(batch));
        REQUIRE((*log)->commit());
    }
    return path;
}

std::string manifest_of(const std::string& path) {
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
        if (entry.path().filename().string().starts_with("MANIFEST")) {
            return entry.path().string();
        }
    }
    FAIL("there is no MANIFEST");
    return {};
}

}  // namespace

TEST_CASE("garbage behind the MANIFEST's records is cut off, and the journal goes on", "[store]") {
    const TempFolder folder;
    const std::string path = crashed_journal(folder);
    const std::string manifest = manifest_of(path);
    std::vector<std::uint8_t> bytes = read_file(manifest);
    CHECK_FALSE(bytes_before_torn_record(bytes));
    const std::size_t whole = bytes.size();
    // A header that looks sound before what is not its payload: what RocksDB takes for corruption.
    for (const std::uint8_t byte : std::initializer_list<std::uint8_t>{0x12, 0x34, 0x56, 0x78, 0x20, 0x00, 0x01}) {
        bytes.push_back(byte);
    }
    bytes.resize(bytes.size() + 100, 0xAB);
    write_file(manifest, bytes);
    CHECK(bytes_before_torn_record(bytes) == whole);
    REQUIRE_FALSE(open_journal(path));
    const Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
    INFO((log ? std::string() : log.error().message));
    REQUIRE(log);
    CHECK((*log)->next_seq() == 300);
}

TEST_CASE("a MANIFEST damaged before its end is refused and left as it was", "[store]") {
    const TempFolder folder;
    const std::string path = crashed_journal(folder);
    const std::string manifest = manifest_of(path);
    const std::vector<std::uint8_t> good = read_file(manifest);
    int refused = 0;
    for (std::size_t at = 0; at < good.size(); at += 11) {
        std::vector<std::uint8_t> bad = good;
        bad[at] ^= 0x40U;
        write_file(manifest, bad);
        const Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
        if (log) {
            CHECK((*log)->next_seq() == 300);
            break;  // what it wrote replaces the MANIFEST
        }
        ++refused;
        CHECK(read_file(manifest) == bad);
    }
    CHECK(refused > 5);
}
