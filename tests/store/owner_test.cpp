#include "store/anchor.hpp"
#include "store/disk.hpp"
#include "store/journal.hpp"
#include "store/owner.hpp"
#include "tests/store/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <map>
#include <rocksdb/file_system.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

using namespace alpha;
using namespace alpha::store_test;
namespace fs = std::filesystem;

namespace {

constexpr uid_t kStranger = 65'534;

Result<void> write_some(LogWriter& log, std::uint32_t events, std::size_t snapshot_bytes = 0) {
    Batch batch;
    batch.begin(log.next_seq());
    for (std::uint32_t i = 0; i < events; ++i) {
        append_mixed(batch.frame, batch.frame.next_seq());
    }
    batch.rows.add({1, "end", std::to_string(batch.frame.next_seq())});
    batch.snapshot.resize(snapshot_bytes);
    std::fill_n(batch.snapshot.data(), snapshot_bytes, std::uint8_t{7});
    return log.append(batch);
}

std::unique_ptr<LogWriter> go_on(const std::string& path) {
    Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
    INFO((log ? std::string() : log.error().message));
    REQUIRE(log);
    return std::move(*log);
}

/// A journal with 100 events, left by a crash.
std::string crashed_journal(const TempFolder& folder, const std::string& name = "journal") {
    const std::string path = folder / name;
    const std::unique_ptr<LogWriter> log = go_on(path);
    REQUIRE(write_some(*log, 100, 100));
    REQUIRE(log->commit());
    return path;
}

Error refusal(const std::string& path, const JournalOptions& options = {}) {
    const Result<std::unique_ptr<LogWriter>> log = continue_journal(path, options);
    REQUIRE_FALSE(log);
    return log.error();
}

bool says(const Error& error, const std::string& text) {
    UNSCOPED_INFO(error.message);
    return error.message.find(text) != std::string::npos;
}

mode_t mode_of(const std::string& path) {
    struct stat status{};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

/// Every file's bytes and mode.
using Contents = std::map<std::string, std::pair<std::vector<std::uint8_t>, mode_t>>;
Contents contents_of(const std::string& path) {
    Contents found;
    for (const auto& entry : fs::directory_iterator(path)) {
        found[entry.path().filename().string()] = {store_test::read_file(entry.path().string()),
                                                   mode_of(entry.path().string())};
    }
    found["."] = {{}, mode_of(path)};
    return found;
}

std::vector<std::string> names_in(const std::string& path) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) {
        names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
}

/// Another process at some work; killed at the end. `work` says over the pipe when the test may go on.
class OtherProcess {
public:
    explicit OtherProcess(const std::function<bool()>& work) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::alarm(60);
            const bool done = work();
            static_cast<void>(::write(ends[1], done ? "y" : "n", 1) == 1);
            for (;;) {
                ::pause();
            }
        }
        char said = 0;
        const bool heard = ::read(ends[0], &said, 1) == 1;
        ::close(ends[0]);
        ::close(ends[1]);
        REQUIRE(heard);
        REQUIRE(said == 'y');
    }
    OtherProcess(const OtherProcess&) = delete;
    OtherProcess& operator=(const OtherProcess&) = delete;
    ~OtherProcess() { kill(); }
    void kill() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(std::exchange(pid_, 0), nullptr, 0);
        }
    }
    pid_t pid() const { return pid_; }

private:
    pid_t pid_ = 0;
};

class Umask {
public:
    explicit Umask(mode_t mask) : before_(::umask(mask)) {}
    Umask(const Umask&) = delete;
    Umask& operator=(const Umask&) = delete;
    ~Umask() { ::umask(before_); }

private:
    mode_t before_;
};

}  // namespace

TEST_CASE("a second writer is told at once by whom, whatever state the journal is in", "[store]") {
    const TempFolder folder;
    const std::string path = crashed_journal(folder);
    const OtherProcess writer([&] {
        static const Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
        return log.has_value();
    });
    const std::string who = "process " + std::to_string(writer.pid()) + " (test_store)";
    const Error told = refusal(path);
    CHECK(told.kind == ErrorKind::transient);
    CHECK(says(told, "is being written by " + who));
    // Neither a full disk nor damage is looked at first, and the ballast is not the second one's to drop.
    JournalOptions full;
    full.free_space_floor_bytes = ~std::uint64_t{0} >> 1U;
    CHECK(says(refusal(path, full), who));
    CHECK(fs::exists(path + "/ballast"));
    fs::resize_file(path + "/anchor", 10);
    const Contents before = contents_of(path);
    CHECK(says(refusal(path), who));
    CHECK(contents_of(path) == before);
}

TEST_CASE("what a writer that was killed left behind stops nobody", "[store]") {
    const TempFolder folder;
    const std::string path = crashed_journal(folder);
    OtherProcess writer([&] {
        static const Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
        return log.has_value();
    });
    writer.kill();
    CHECK(fs::exists(path + "/owner"));
    CHECK(writer_of(path) == 0);
    const std::unique_ptr<LogWriter> log = go_on(path);
    CHECK(log->next_seq() == 100);
    CHECK(writer_of(path) == ::getpid());
    CHECK(says(refusal(path), "process " + std::to_string(::getpid()) + " "));
    REQUIRE(log->finish({}));
    CHECK_FALSE(fs::exists(path + "/owner"));
    CHECK(go_on(path)->next_seq() == 100);  // though the first writer is still there
}

TEST_CASE("the lock is on the folder, not on one of its names", "[store]") {
    const TempFolder folder;
    const std::string path = crashed_journal(folder);
    const std::string link = folder / "link";
    fs::create_directory_symlink(path, link);
    const std::unique_ptr<LogWriter> log = go_on(link);  // the way to a journal may be a link
    const auto refused = [](const std::string& name) {
        const Error error = refusal(name);
        return error.kind == ErrorKind::transient && says(error, "is being written by process");
    };
    CHECK(refused(path));
    CHECK(refused(link + "/"));
    REQUIRE(write_some(*log, 10));
    REQUIRE(log->commit());

    const std::string bound = folder / "bound";
    fs::create_directory(bound);
    if (::mount(path.c_str(), bound.c_str(), nullptr, MS_BIND, nullptr) == 0) {
        const bool told = refused(bound);
        ::umount(bound.c_str());
        CHECK(told);
    }
    // Without what is written in it, it is locked still.
    fs::remove(path + "/owner");
    fs::remove(path + "/LOCK");
    CHECK(says(refusal(path), "is being written by another process"));
    const std::string moved = folder / "moved";
    fs::rename(path, moved);
    CHECK(says(refusal(moved), "is being written by another process"));
}

TEST_CASE("a child that was forked meanwhile does not keep a journal locked", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    std::unique_ptr<LogWriter> log = go_on(path);
    const OtherProcess child([] { return true; });
    log.reset();
    CHECK(go_on(path)->next_seq() == 0);
}

TEST_CASE("a session whose folder is moved, replaced or removed acknowledges nothing more", "[store]") {
    const TempFolder folder;
    const std::string path = crashed_journal(folder);
    const std::string moved = folder / "moved";
    std::unique_ptr<LogWriter> log = go_on(path);
    REQUIRE(write_some(*log, 10));
    REQUIRE(log->commit());
    const auto check_stopped = [&] {
        const Result<void> committed = log->commit();
        REQUIRE_FALSE(committed);
        CHECK(committed.error().kind == ErrorKind::transient);
        CHECK(says(committed.error(), "moved, replaced or removed"));
        CHECK_FALSE(write_some(*log, 10));
        CHECK_FALSE(log->commit());
        CHECK_FALSE(log->finish({}));
    };
    SECTION("moved") {
        fs::rename(path, moved);
        REQUIRE(write_some(*log, 10));
        check_stopped();
        log.reset();
        CHECK(go_on(moved)->next_seq() >= 110);
    }
    SECTION("moved, with nothing to commit") {
        fs::rename(path, moved);
        check_stopped();
    }
    SECTION("moved before the end") {
        fs::rename(path, moved);
        const Result<void> ended = log->finish({});
        REQUIRE_FALSE(ended);
        CHECK(says(ended.error(), "moved, replaced or removed"));
        log.reset();
        const Result<std::unique_ptr<Journal>> left = open_journal(moved);
        REQUIRE(left);
        CHECK_FALSE((*left)->info().clean_end);
    }
    SECTION("replaced") {
        fs::rename(path, moved);
        crashed_journal(folder);
        REQUIRE(write_some(*log, 10));
        check_stopped();
    }
    SECTION("replaced by a copy of itself") {
        fs::copy(path, moved);
        fs::rename(path, folder / "before");
        fs::rename(moved, path);
        check_stopped();
    }
    SECTION("removed") {
        fs::remove_all(path);
        REQUIRE(write_some(*log, 10));
        check_stopped();
    }
}

TEST_CASE("a session never writes into the folder that took its own one's place", "[store]") {
    const TempFolder folder;
    const std::string path = crashed_journal(folder);
    const std::unique_ptr<LogWriter> log = go_on(path);
    fs::rename(path, folder / "moved");
    fs::create_directory(path);
    // Far more than RocksDB keeps in memory: it makes files, and removes and renames others.
    std::mt19937_64 random = random_from(1);
    for (int i = 0; i < 60; ++i) {
        Batch batch;
        batch.begin(log->next_seq());
        append_mixed(batch.frame, batch.frame.next_seq());
        batch.snapshot.resize(512U << 10U);
        std::generate_n(batch.snapshot.data(), batch.snapshot.size(),
                        [&] { return static_cast<std::uint8_t>(random()); });
        REQUIRE(log->append(batch));
    }
    CHECK_FALSE(log->finish({}));
    CHECK(names_in(path).empty());
    const std::vector<std::string> names = names_in(folder / "moved");
    CHECK(std::ranges::count_if(names, [](const std::string& name) { return name.ends_with(".sst"); }) > 3);
}

TEST_CASE("links and what belongs to others are refused inside a journal", "[store]") {
    const TempFolder folder;
    const std::string path = crashed_journal(folder);
    const auto check_refused = [&](const std::string& why) {
        const Contents before = contents_of(path);
        const Error error = refusal(path);
        CHECK(error.kind == ErrorKind::data);
        CHECK(says(error, why));
        CHECK(contents_of(path) == before);
    };
    const auto check_not_read = [&](const std::string& why) {
        const Result<std::unique_ptr<Journal>> read = open_journal(path);
        REQUIRE_FALSE(read);
        CHECK(read.error().kind == ErrorKind::data);
        CHECK(says(read.error(), why));
    };
    SECTION("a file that is a link") {
        fs::rename(path + "/anchor", folder / "anchor");
        fs::create_symlink(folder / "anchor", path + "/anchor");
        check_refused("holds a link, anchor");
        check_not_read("holds a link, anchor");
    }
    SECTION("a link that leads nowhere") {
        fs::create_symlink(folder / "nothing", path + "/owner");
        check_refused("holds a link, owner");
        CHECK_FALSE(fs::exists(folder / "nothing"));
    }
    SECTION("an anchor with a second name") {
        fs::create_hard_link(path + "/anchor", folder / "anchor");
        check_refused("has a second name");
    }
    SECTION("a file of another user") {
        if (::lchown((path + "/CURRENT").c_str(), kStranger, kStranger) == 0) {
            check_refused("CURRENT, which belongs to another user (uid 65534)");
            check_not_read("CURRENT, which belongs to another user (uid 65534)");
        }
    }
    SECTION("a folder of another user") {
        if (::lchown(path.c_str(), kStranger, kStranger) == 0) {
            check_refused("belongs to another user (uid 65534)");
        }
    }
    SECTION("an owner file that nobody here wrote") {
        std::ofstream(path + "/owner") << std::string(5'000, 'x');
        check_refused("is not what a writer puts there");
    }
}

TEST_CASE("a journal is its owner's alone, whatever the umask, which stays as it is", "[store]") {
    for (const mode_t mask : {mode_t{0}, mode_t{0777}}) {
        const TempFolder folder;
        INFO("umask " << std::oct << mask);
        const Umask hostile(mask);
        Result<std::unique_ptr<LogWriter>> built = create_journal(folder / "built");
        REQUIRE(built);
        REQUIRE(write_some(**built, 10, 10));
        REQUIRE((*built)->finish({}));
        const std::unique_ptr<LogWriter> grown = go_on(folder / "grown");
        REQUIRE(write_some(*grown, 10, 10));
        REQUIRE(grown->commit());
        const Result<Partial::WithFile> data = Partial::make_file(folder / "data", "");
        REQUIRE(data);
        CHECK(mode_of(data->partial.where()) == 0600);
        for (const std::string name : {"built", "grown"}) {
            CHECK(mode_of(folder / name) == 0700);
            for (const std::string& file : names_in(folder / name)) {
                INFO(file);
                CHECK(mode_of((folder / name) + "/" + file) == 0600);
            }
        }
        CHECK(::umask(mask) == mask);
        CHECK(names_in(folder / "grown").size() > 6);
    }
}

TEST_CASE("a journal with wider permissions is read as it is, and narrowed by who writes it", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    fs::copy(ALPHA_SOURCE_DIR "/tests/store/journals/v1-kill-switch", path);
    REQUIRE(::chmod(path.c_str(), 0777) == 0);
    const auto file = [&](const std::string& name) { return (fs::path(path) / name).string(); };
    for (const std::string& name : names_in(path)) {
        REQUIRE(::chmod(file(name).c_str(), 0666) == 0);
    }
    const Contents before = contents_of(path);
    REQUIRE(open_journal(path));
    CHECK(contents_of(path) == before);
    const std::unique_ptr<LogWriter> log = go_on(path);
    CHECK(mode_of(path) == 0700);
    for (const std::string& name : names_in(path)) {
        INFO(name);
        CHECK(mode_of(file(name)) == 0600);
    }
}

TEST_CASE("a journal that is refused is left as it was, to the byte", "[store]") {
    const TempFolder folder;
    const std::string path = crashed_journal(folder);
    const bool left_behind = GENERATE(false, true);
    if (left_behind) {
        std::ofstream(path + "/owner") << "999999999\n";
    }
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
    fs::path manifest;
    for (const auto& entry : fs::directory_iterator(path)) {
        REQUIRE(::chmod(entry.path().c_str(), 0644) == 0);
        manifest = entry.path().filename().string().starts_with("MANIFEST") ? entry.path() : manifest;
    }
    // A torn record that would be cut off, were the log not damaged as well.
    std::ofstream(manifest, std::ios::app | std::ios::binary)
        << std::string("\x12\x34\x56\x78\x20\x00\x01", 7) << std::string(100, 'x');
    const std::unique_ptr<MemoryLog> other = make_memory_log();
    for (const Frame& frame : frames_of(100, 50, append_mixed)) {
        REQUIRE(append_frame(*other, frame));
    }
    fs::remove(path + "/anchor");
    REQUIRE(Anchor::create(*rocksdb::FileSystem::Default(), path, 200, other->head()));
    const Contents before = contents_of(path);
    CHECK(refusal(path).kind == ErrorKind::data);
    CHECK(contents_of(path) == before);
}

TEST_CASE("readers take no lock, and find no writer where there is none", "[store]") {
    const TempFolder folder;
    const std::string path = crashed_journal(folder);
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    REQUIRE(journal);
    CHECK(writer_of(path) == 0);
    const std::unique_ptr<LogWriter> log = go_on(path);
    REQUIRE(write_some(*log, 10));
    REQUIRE(open_journal(path));
    CHECK((*journal)->refresh());
    CHECK((*journal)->next_seq() == 110);
    CHECK(log->commit());
}

TEST_CASE("a folder that was swapped while a journal was built there does not get its name", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    Result<std::unique_ptr<LogWriter>> log = create_journal(path);
    REQUIRE(log);
    REQUIRE(write_some(**log, 10));
    const std::string partial = folder / folder.names().at(0);
    fs::rename(partial, folder / "moved");
    fs::create_directory(partial);
    const Result<void> ended = (*log)->finish({});
    REQUIRE_FALSE(ended);
    CHECK(ended.error().kind == ErrorKind::transient);
    CHECK_FALSE(fs::exists(path));
    CHECK(names_in(partial).empty());
}

TEST_CASE("what is being built never goes through what lies under its temporary name", "[store]") {
    const TempFolder folder;
    std::ofstream(folder / "victim") << "mine";
    const std::string planted = folder / ("data.partial-" + std::to_string(::getpid()) + "-0");
    fs::create_symlink(folder / "victim", planted);
    {
        Result<Partial::WithFile> made = Partial::make_file(folder / "data", "");
        REQUIRE(made);
        CHECK(made->partial.where() != planted);
        REQUIRE(made->file.write(Bytes(std::array<std::uint8_t, 1>{1})));
    }
    CHECK(store_test::read_file(folder / "victim").size() == 4);
}

TEST_CASE("a slot of the anchor that stands in the other one's place does not count", "[store]") {
    const TempFolder folder;
    const std::string path = crashed_journal(folder);
    const std::vector<std::uint8_t> whole = store_test::read_file(path + "/anchor");
    const AnchorSlots found = parse_anchor(whole);
    REQUIRE(found.in_order);
    for (const std::size_t from : {0U, 1U}) {
        INFO("slot " << from);
        // The next promise would be written over this very one, so that a torn write would leave none.
        std::vector<std::uint8_t> copied = whole;
        const auto half = static_cast<std::ptrdiff_t>(copied.size() / 2);
        std::copy_n(whole.begin() + (from == 0 ? 0 : half), half, copied.begin() + (from == 0 ? half : 0));
        const AnchorSlots read = parse_anchor(copied);
        CHECK_FALSE(read.in_order);
        CHECK_FALSE(read.slots[1 - from].has_value());
        REQUIRE(read.newest() != nullptr);
        CHECK(read.newest()->generation == found.slots[from]->generation);
    }
}

TEST_CASE("a child that was forked and ends does not end its parent's right to write", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    fs::create_directory(path);
    Result<Owner> taken = Owner::take(path);
    REQUIRE(taken);
    std::optional<Owner> owner(std::move(*taken));
    {
        const OtherProcess child([&] {
            owner.reset();  // what leaving by way of main() or a stack that unwinds comes to
            return true;
        });
        CHECK(fs::exists(path + "/owner"));
        CHECK_FALSE(Owner::take(path));
    }
    owner.reset();
    CHECK_FALSE(fs::exists(path + "/owner"));
    CHECK(Owner::take(path));
}
