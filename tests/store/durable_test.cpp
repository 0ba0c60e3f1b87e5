/// What has a name under which it is looked for is durable, and so is the name: seen in the calls that the kernel gets, because a disk that
/// is simulated cannot see a sync that is never asked for.

#include "store/anchor.hpp"
#include "store/data_set.hpp"
#include "store/disk.hpp"
#include "store/journal.hpp"
#include "tests/faults/system_calls.hpp"
#include "tests/store/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>

using namespace alpha;
using namespace alpha::store_test;
namespace fs = std::filesystem;

namespace {

using Calls = std::vector<std::string>;

/// The calls on what lies in the folder while `work` is done.
template <class Work>
Calls calls_of(const TempFolder& folder, Work work) {
    faults::watch_calls({.folder = fs::canonical(folder / "").string()});
    work();
    return faults::end_watch();
}

/// From where on `call` comes, its paths being names in the folder; the end if it does not.
Calls::const_iterator find(const TempFolder& folder, const Calls& calls, const std::string& what,
                           const std::string& name, Calls::const_iterator from) {
    const std::string path = fs::weakly_canonical(folder / name).string();
    return std::find(from, calls.end(), what + " " + path);
}

/// Where something is given this name.
Calls::const_iterator find_naming(const TempFolder& folder, const Calls& calls, const std::string& name) {
    const std::string path = " " + fs::weakly_canonical(folder / name).string();
    return std::ranges::find_if(
        calls, [&](const std::string& call) { return call.starts_with("rename ") && call.ends_with(path); });
}

Batch batch_of(const LogWriter& log, int events) {
    Batch batch;
    batch.begin(log.next_seq());
    for (int i = 0; i < events; ++i) {
        append_mixed(batch.frame, batch.frame.next_seq());
    }
    return batch;
}

}  // namespace

TEST_CASE("a name that was given to bytes not durable, or was not made durable itself, is noticed", "[store]") {
    using faults::undurable_name;
    CHECK(undurable_name({"write /a/x", "sync /a/x", "rename /a/x /a/y", "sync /a"}).empty());
    CHECK(undurable_name({"write /a/x", "rename /a/x /a/y", "sync /a"}) ==
          "/a/y got its name before this was durable: /a/x");
    CHECK(undurable_name({"write /a/x", "sync /a/x", "write /a/x", "rename /a/x /a/y", "sync /a"}) ==
          "/a/y got its name before this was durable: /a/x");
    CHECK(undurable_name({"write /a/x/1", "rename /a/x /a/y", "sync /a"}) ==
          "/a/y got its name before this was durable: /a/x/1");
    CHECK(undurable_name({"write /a/x", "sync /a/x", "rename /a/x /a/y"}) == "the name was not made durable: /a/y");
    CHECK(undurable_name({"sync /a", "rename /a/x /a/y"}) == "the name was not made durable: /a/y");
}

TEST_CASE("a file is synced when it says so", "[store]") {
    const TempFolder folder;
    const Calls calls = calls_of(folder, [&] {
        Result<Partial::WithFile> made = Partial::make_file(folder / "x", "");
        REQUIRE(made);
        REQUIRE(made->file.write(Bytes(std::array<std::uint8_t, 1>{1})));
        REQUIRE(made->file.sync());
        REQUIRE(sync_folder(folder / "."));
    });
    const auto written = std::ranges::find_if(calls, [](const auto& call) { return call.starts_with("write "); });
    REQUIRE(written != calls.end());
    CHECK(std::find(written, calls.end(), "sync " + written->substr(6)) != calls.end());
    CHECK(find(folder, calls, "sync", "", written) != calls.end());
}

TEST_CASE("a file for the user is durable before it replaces another, and its name after", "[store]") {
    const TempFolder folder;
    write_file(folder / "out.csv", {1});
    const Calls calls = calls_of(folder, [&] {
        Result<OutputFile> file = OutputFile::open(folder / "out.csv");
        REQUIRE(file);
        REQUIRE(file->write("new"));
        REQUIRE(file->commit());
    });
    REQUIRE(find_naming(folder, calls, "out.csv") != calls.end());
    CHECK(faults::undurable_name(calls).empty());
}

TEST_CASE("an output whose calls are refused one at a time is the old one or the new one, whole", "[store]") {
    const std::string text(200'000, 'x');  // several writes
    const std::vector<std::uint8_t> old_bytes{1};
    const std::vector<std::uint8_t> new_bytes(text.begin(), text.end());
    for (const int error : {EIO, ENOSPC, EDQUOT, EROFS, EMFILE, faults::kShort}) {
        std::string refused = "the first";
        for (std::uint64_t call = 1; !refused.empty(); ++call) {
            const TempFolder folder;
            const std::string path = folder / "out.csv";
            write_file(path, old_bytes);
            faults::watch_calls({fs::canonical(folder / "").string(), call, error});
            Result<OutputFile> file = OutputFile::open(path);
            Result<void> done = file ? file->write(text) : tl::make_unexpected(file.error());
            done = done ? file->commit() : done;
            refused = faults::refused_call();
            static_cast<void>(faults::end_watch());
            CAPTURE(error, call, refused);
            const bool is_new = store_test::read_file(path) == new_bytes;
            CHECK((is_new || store_test::read_file(path) == old_bytes));
            CHECK((is_new || !done));
            CHECK((done || !done.error().message.empty()));
            if (error == faults::kShort) {  // no refusal: the rest is still to be written
                CHECK(done);
            }
        }
    }
}

TEST_CASE("a data set is durable before it has its name, and its name after", "[store]") {
    const TempFolder folder;
    const Calls calls = calls_of(folder, [&] {
        const Result<std::unique_ptr<DataSetWriter>> set =
            DataSetWriter::create(folder / "x.alpha", DataKind::quotes, {}, false);
        REQUIRE(set);
        REQUIRE((*set)->finish());
    });
    REQUIRE(find_naming(folder, calls, "x.alpha") != calls.end());
    CHECK(faults::undurable_name(calls).empty());
}

TEST_CASE("a data set whose calls are refused one at a time is whole or not there", "[store]") {
    for (const int error : {EIO, ENOSPC, EDQUOT, EROFS, EMFILE, faults::kShort}) {
        std::string refused = "the first";
        for (std::uint64_t call = 1; !refused.empty(); ++call) {
            const TempFolder folder;
            const std::string path = folder / "x.alpha";
            faults::watch_calls({fs::canonical(folder / "").string(), call, error});
            const Result<std::unique_ptr<DataSetWriter>> set = DataSetWriter::create(path, DataKind::quotes, {}, false);
            const Result<DataSetInfo> done = set ? (*set)->finish() : tl::make_unexpected(set.error());
            refused = faults::refused_call();
            static_cast<void>(faults::end_watch());
            CAPTURE(error, call, refused);
            const bool is_there = fs::exists(path);
            CHECK((!is_there || verify_data_set(path)));
            CHECK((is_there || !done));
            CHECK((done || !done.error().message.empty()));
            if (error == faults::kShort) {
                CHECK(done);
            }
        }
    }
}

TEST_CASE("a journal is durable with all its files and their names before it has its own, and that one after",
          "[store]") {
    const TempFolder folder;
    const Calls calls = calls_of(folder, [&] {
        Result<std::unique_ptr<LogWriter>> log = create_journal(folder / "journal");
        REQUIRE(log);
        Batch batch = batch_of(**log, 100);
        REQUIRE((*log)->append(batch));
        REQUIRE((*log)->finish({}));
    });
    CHECK(faults::undurable_name(calls).empty());
    const auto named = find_naming(folder, calls, "journal");
    REQUIRE(named != calls.end());
    const std::string built = named->substr(7, named->find(' ', 7) - 7);
    // The anchor is the last to be made: its name must be there, too.
    const auto anchored = std::find(calls.begin(), named, "sync " + built + "/" + kAnchorFile);
    REQUIRE(anchored != named);
    CHECK(std::find(anchored, named, "sync " + built) != named);
}

TEST_CASE("what a commit acknowledges was synced: the log first, then the anchor", "[store]") {
    const TempFolder folder;
    Result<std::unique_ptr<LogWriter>> log = continue_journal(folder / "journal");
    REQUIRE(log);
    Batch batch = batch_of(**log, 10);
    const Calls calls = calls_of(folder, [&] {
        REQUIRE((*log)->append(batch));
        REQUIRE((*log)->commit());
    });
    const auto log_written = std::ranges::find_if(
        calls, [](const auto& call) { return call.starts_with("write ") && call.ends_with(".log"); });
    REQUIRE(log_written != calls.end());
    const auto log_synced = std::find(log_written, calls.end(), "sync " + log_written->substr(6));
    const auto anchored = find(folder, calls, "write", std::string("journal/") + kAnchorFile, log_synced);
    REQUIRE(anchored != calls.end());
    CHECK(find(folder, calls, "sync", std::string("journal/") + kAnchorFile, anchored) != calls.end());
}

TEST_CASE("a journal of format 1 has its anchor's name on disk before its format says that there is one", "[store]") {
    const TempFolder folder;
    fs::copy(ALPHA_SOURCE_DIR "/tests/store/journals/v1-kill-switch", folder / "journal", fs::copy_options::recursive);
    const Calls calls = calls_of(folder, [&] { REQUIRE(continue_journal(folder / "journal")); });
    const auto anchored = find(folder, calls, "sync", std::string("journal/") + kAnchorFile, calls.begin());
    REQUIRE(anchored != calls.end());
    const auto named = find(folder, calls, "sync", "journal", anchored);
    const auto marked = std::find_if(
        anchored, calls.end(), [](const auto& call) { return call.starts_with("write ") && call.ends_with(".log"); });
    REQUIRE(marked != calls.end());
    CHECK(named < marked);
}
