/// What a journal costs does not grow faster than what is asked of it: counted in files opened and bytes read, not in time.

#include "store/journal.hpp"
#include "store/verify.hpp"
#include "tests/store/raw_database.hpp"
#include "tests/store/support.hpp"

#include <catch2/catch.hpp>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/file_system.h>

using namespace alpha;
using namespace alpha::store_test;
namespace fs = std::filesystem;

namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

/// What was read of tables.
struct Reads {
    std::atomic<std::uint64_t> files{0};  ///< opened
    std::atomic<std::uint64_t> bytes{0};
};

class CountedFile final : public rocksdb::FSRandomAccessFileWrapper {
public:
    CountedFile(std::unique_ptr<rocksdb::FSRandomAccessFile> file, Reads& reads)
        : FSRandomAccessFileWrapper(file.get()), file_(std::move(file)), reads_(reads) {}
    IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions& options, rocksdb::Slice* result, char* scratch,
                  IODebugContext* debug) const override {
        IOStatus status = file_->Read(offset, n, options, result, scratch, debug);
        reads_.bytes += result->size();
        return status;
    }
    IOStatus MultiRead(rocksdb::FSReadRequest* requests, std::size_t n, const IOOptions& options,
                       IODebugContext* debug) override {
        IOStatus status = file_->MultiRead(requests, n, options, debug);
        for (std::size_t i = 0; i < n; ++i) {
            reads_.bytes += requests[i].result.size();
        }
        return status;
    }
    IOStatus Prefetch(std::uint64_t, std::size_t, const IOOptions&, IODebugContext*) override {
        return IOStatus::NotSupported();  // it would be read twice: once by the kernel, once for us
    }

private:
    std::unique_ptr<rocksdb::FSRandomAccessFile> file_;
    Reads& reads_;
};

/// The machine's files, with what is read of tables counted.
class CountedFiles final : public rocksdb::FileSystemWrapper {
public:
    CountedFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
    const char* Name() const override { return "CountedFiles"; }
    IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& options,
                                 std::unique_ptr<rocksdb::FSRandomAccessFile>* file, IODebugContext* debug) override {
        std::unique_ptr<rocksdb::FSRandomAccessFile> real;
        IOStatus status = FileSystemWrapper::NewRandomAccessFile(path, options, &real, debug);
        if (status.ok()) {
            ++reads.files;
            *file = std::make_unique<CountedFile>(std::move(real), reads);
        }
        return status;
    }
    Reads reads;
};

/// RocksDB opens the first files of each family ahead of their use, sixteen at most, and three families have any.
constexpr std::uint64_t kOpenedAhead = 48;
constexpr std::uint64_t kSmallFile = 64U << 10U;  // the smallest that RocksDB makes

struct Long {
    std::string path;
    Seq events = 0;
    std::size_t files = 0;  ///< of the log, and a few more
    std::uint64_t bytes = 0;
};

/// A journal that ended, with about so many files.
Long journal_of(const TempFolder& folder, std::size_t files) {
    Long made{folder / std::to_string(files), 0, 0, 0};
    Result<std::unique_ptr<LogWriter>> log = continue_journal(made.path, {.log_file_bytes = kSmallFile});
    REQUIRE(log);
    std::mt19937_64 random = random_from(files);
    constexpr std::uint32_t kPerFrame = 500;
    constexpr std::size_t kFramesAFile = 8;
    Batch batch;
    for (std::size_t n = 0; n < files * kFramesAFile; ++n) {
        batch.begin((*log)->next_seq());
        for (std::uint32_t i = 0; i < kPerFrame; ++i) {
            const Seq seq = batch.frame.next_seq();
            QuoteTick quote = dull_quote(seq);
            quote.bid_qty.raw = static_cast<std::int64_t>(random() >> 2U);
            quote.ask_qty.raw = static_cast<std::int64_t>(random() >> 2U);
            quote.bid.raw += static_cast<std::int64_t>(random() % 1'000'000);
            append(batch.frame, dull_envelope(seq), quote);
        }
        batch.snapshot.clear();
        REQUIRE((*log)->append(batch));
    }
    made.events = (*log)->next_seq();
    REQUIRE((*log)->finish({}));
    for (const auto& entry : fs::directory_iterator(made.path)) {
        if (entry.path().extension() == ".sst") {
            ++made.files;
            made.bytes += entry.file_size();
        }
    }
    return made;
}

/// Puts a frame under another one's key behind the store's back, into a file of its own.
void replace_frame(const std::string& path) {
    const RawDatabase db(path);
    rocksdb::ColumnFamilyHandle* const log = db.family("log");
    std::string frame;
    REQUIRE(db->Get({}, log, raw_key_of(1'000), &frame).ok());
    REQUIRE(db->Put({}, log, raw_key_of(500), frame).ok());
    REQUIRE(db->Flush({}, log).ok());
}

struct Cost {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
};

/// What `work(files)` reads.
template <class Work>
Cost cost_of(Work work) {
    const auto files = std::make_shared<CountedFiles>();
    work(files);
    return {files->reads.files, files->reads.bytes};
}

}  // namespace

TEST_CASE("opening, seeking and verifying cost what they look at, at 4 files and at 400, starting again, what is new",
          "[store]") {
    const TempFolder folder;
    const Long small = journal_of(folder, 4);
    const Long large = journal_of(folder, 400);
    REQUIRE(large.files >= 350);
    REQUIRE(large.bytes >= 50 * small.bytes);

    const auto open = [](const Long& journal) {
        return cost_of([&](const auto& files) { REQUIRE(open_journal(journal.path, {.files = files})); });
    };
    CHECK(open(large).files <= open(small).files + kOpenedAhead);
    CHECK(open(large).bytes <= 16 * open(small).bytes);

    const auto seek = [](const Long& journal, int seeks) {
        Cost before;
        const Cost all = cost_of([&](const auto& files) {
            const Result<std::unique_ptr<Journal>> log = open_journal(journal.path, {.files = files});
            REQUIRE(log);
            before = {files->reads.files, files->reads.bytes};
            for (int i = 0; i < seeks; ++i) {
                REQUIRE(read_event(**log, journal.events / 2 + static_cast<Seq>(i)));
            }
        });
        return Cost{all.files - before.files, all.bytes - before.bytes};
    };
    CHECK(seek(large, 1).files <= 8);  // the one that holds it, and those that have not moved down yet
    CHECK(seek(large, 1).bytes <= 8 * kSmallFile);
    CHECK(seek(large, 100).files <= 8);

    const auto verify = [](const Long& journal) {
        return cost_of([&](const auto& files) {
            const Result<std::unique_ptr<Journal>> log = open_journal(journal.path, {.files = files});
            REQUIRE(log);
            REQUIRE(verify_journal(**log));
        });
    };
    const Cost verified = verify(large);
    CHECK(verified.bytes >= large.bytes * 9 / 10);
    CHECK(verified.bytes <= large.bytes * 12 / 10);
    CHECK(verified.files <= 2 * large.files + kOpenedAhead);

    const auto restart = [](const Long& journal) {
        return cost_of([&](const auto& files) {
            Result<std::unique_ptr<LogWriter>> log = continue_journal(journal.path, {.files = files});
            REQUIRE(log);
            CHECK((*log)->next_seq() == journal.events);
            REQUIRE((*log)->finish({}));
        });
    };
    const Cost restarted = restart(large);
    CHECK(restarted.bytes <= restart(small).bytes + 64 * kSmallFile);
    CHECK(restarted.bytes < large.bytes / 4);
    CHECK(restart(large).bytes < large.bytes / 4);  // and again

    // A file that came later and holds what was verified: the frame of event 500 with the one of event 1000 in its place.
    Long overlaid = small;
    overlaid.path = folder / "overlaid";
    fs::copy(small.path, overlaid.path);
    CHECK(restart(overlaid).bytes > 0);  // the copy's files are known from here on
    replace_frame(overlaid.path);
    const Result<std::unique_ptr<LogWriter>> altered = continue_journal(overlaid.path);
    REQUIRE_FALSE(altered);
    CHECK(altered.error().kind == ErrorKind::data);

    // What was touched since is verified again.
    std::string table;  // of the log
    std::uint64_t largest = 0;
    for (const auto& entry : fs::directory_iterator(large.path)) {
        if (entry.path().extension() == ".sst" && entry.file_size() > largest) {
            largest = entry.file_size();
            table = entry.path().string();
        }
    }
    const std::vector<std::uint8_t> bytes = read_file(table);
    const fs::file_time_type time = fs::last_write_time(table);
    write_file(table, bytes);
    CHECK(restart(large).bytes > large.bytes);
    CHECK(restart(large).bytes < large.bytes / 4);  // what was verified need not be again

    fs::copy_file(table, table + ".copy");
    fs::rename(table + ".copy", table);
    fs::last_write_time(table, time);
    CHECK(restart(large).bytes > large.bytes);

    std::vector<std::uint8_t> flipped = bytes;
    flipped[flipped.size() / 3] ^= 16;
    write_file(table, flipped);
    fs::last_write_time(table, time);
    const Result<std::unique_ptr<LogWriter>> refused = continue_journal(large.path);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::data);
    CHECK(read_file(table) == flipped);
}

TEST_CASE("a file of the log that was verified and is gone is missed, though nothing else changed", "[store]") {
    const TempFolder folder;
    const Long journal = journal_of(folder, 40);
    const std::size_t files = [&] {
        const RawDatabase db(journal.path);
        const std::size_t before = db.files().size();
        const std::string first = raw_key_of(journal.events / 4);
        const std::string last = raw_key_of(journal.events / 2);
        const rocksdb::Slice from(first);
        const rocksdb::Slice to(last);
        REQUIRE(rocksdb::DeleteFilesInRange(db.get(), db.family("log"), &from, &to).ok());
        return before - db.files().size();
    }();
    REQUIRE(files > 1);
    const Result<std::unique_ptr<LogWriter>> log = continue_journal(journal.path);
    REQUIRE_FALSE(log);
    CHECK(log.error().kind == ErrorKind::data);
    CHECK(log.error().message.find("lacks events") != std::string::npos);
}
