#include "store/disk.hpp"
#include "store/machine.hpp"
#include "tests/store/support.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>

using namespace alpha;
using namespace alpha::store_test;
namespace fs = std::filesystem;

namespace {

std::string text_in(const std::string& path) {
    const std::vector<std::uint8_t> bytes = store_test::read_file(path);
    return {bytes.begin(), bytes.end()};
}

void put_text(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

/// What OutputFile makes of it, or the error's message.
std::string written_to(const std::string& path, const std::string& text) {
    Result<OutputFile> file = OutputFile::open(path);
    Result<void> done = file ? file->write(text) : tl::make_unexpected(file.error());
    done = done ? file->commit() : done;
    return done ? "written" : done.error().message;
}

mode_t mode_of(const std::string& path) {
    struct stat status{};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode;
}

/// Something left by another process: locked where that is alive.
class Leftover {
public:
    explicit Leftover(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        REQUIRE(::flock(descriptor_, LOCK_EX | LOCK_NB) == 0);
    }
    Leftover(const Leftover&) = delete;
    Leftover& operator=(const Leftover&) = delete;
    ~Leftover() { ::close(descriptor_); }

private:
    int descriptor_;
};

}  // namespace

TEST_CASE("an output replaces a file as a whole, or leaves it as it was", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "out.csv";
    put_text(path, "old");
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    {
        Result<OutputFile> given_up = OutputFile::open(path);
        REQUIRE(given_up);
        REQUIRE(given_up->write(std::string(1U << 20U, 'x')));
        CHECK(text_in(path) == "old");
        CHECK(folder.names().size() == 2);
    }
    CHECK(text_in(path) == "old");
    CHECK(folder.names().size() == 1);
    CHECK(written_to(path, "new") == "written");
    CHECK(text_in(path) == "new");
    CHECK((mode_of(path) & 0777U) == 0640);
    CHECK(folder.names().size() == 1);
}

TEST_CASE("what lies behind a file's end is not read as anything", "[store]") {
    const TempFolder folder;
    put_text(folder / "file", "12345");
    const Result<File> file = File::open(folder / "file");
    REQUIRE(file);
    std::array<std::uint8_t, 4> bytes{};
    CHECK(file->read_at(1, bytes.data(), bytes.size()));
    CHECK(bytes == std::array<std::uint8_t, 4>{'2', '3', '4', '5'});
    const Result<void> cut = file->read_at(2, bytes.data(), bytes.size());
    REQUIRE_FALSE(cut);
    CHECK(cut.error().kind == ErrorKind::data);
    CHECK(cut.error().message == (folder / "file") + " is cut short.");
}

TEST_CASE("an output goes through links to what they lead to", "[store]") {
    const TempFolder folder;
    fs::create_directory(folder / "deep");
    put_text(folder / "deep/real.csv", "old");
    fs::create_symlink("real.csv", folder / "deep/latest.csv");
    fs::create_symlink("deep/latest.csv", folder / "link.csv");
    CHECK(written_to(folder / "link.csv", "new") == "written");
    CHECK(text_in(folder / "deep/real.csv") == "new");
    CHECK(fs::is_symlink(folder / "link.csv"));
    CHECK(fs::is_symlink(folder / "deep/latest.csv"));

    fs::create_symlink("deep/not-yet.csv", folder / "dangling.csv");
    CHECK(written_to(folder / "dangling.csv", "made") == "written");
    CHECK(fs::is_symlink(folder / "dangling.csv"));
    CHECK(text_in(folder / "deep/not-yet.csv") == "made");

    fs::create_symlink("round.csv", folder / "round.csv");
    CHECK(written_to(folder / "round.csv", "x") != "written");
    CHECK(fs::is_symlink(folder / "round.csv"));
}

TEST_CASE("an output is written into a pipe, which stays one", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "pipe";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    std::string received;
    const std::string text(3U << 20U, 'x');  // more than a pipe holds
    std::thread reader([&] { received = text_in(path); });
    CHECK(written_to(path, text) == "written");
    reader.join();
    CHECK(received == text);
    CHECK(S_ISFIFO(mode_of(path)));
    CHECK(folder.names().size() == 1);
}

TEST_CASE("a reader that goes away, or is slow, does not hold an output up", "[store]") {
    std::signal(SIGPIPE, SIG_IGN);  // as the program does
    const TempFolder folder;
    const std::string path = folder / "pipe";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    Result<OutputFile> file = OutputFile::open(path);
    REQUIRE(file);
    for (int i = 0; i < 8; ++i) {  // nobody reads, and nothing waits
        REQUIRE(file->write(std::string(1U << 20U, 'x')));
    }
    ::close(reader);
    CHECK(file->write(std::string(1U << 20U, 'x')));
    CHECK(file->commit());
    CHECK(S_ISFIFO(mode_of(path)));
}

TEST_CASE("an output is written to a device, which stays one", "[store]") {
    const TempFolder folder;
    const std::string null = folder / "null";
    const std::string full = folder / "full";
    if (::mknod(null.c_str(), S_IFCHR | 0666U, makedev(1, 3)) != 0 || ::open(null.c_str(), O_WRONLY) < 0) {
        WARN("SKIPPED: no device can be made here (mknod), so none was written to");
        return;
    }
    REQUIRE(::mknod(full.c_str(), S_IFCHR | 0666U, makedev(1, 7)) == 0);
    CHECK(written_to(null, "x") == "written");
    CHECK(S_ISCHR(mode_of(null)));
    CHECK(written_to(full, "x") == "Cannot write " + full + ": the disk is full; make room, then start again.");
    CHECK(S_ISCHR(mode_of(full)));
    CHECK(folder.names().size() == 2);
    const std::string disk = folder / "disk";
    REQUIRE(::mknod(disk.c_str(), S_IFBLK | 0666U, makedev(7, 250)) == 0);
    CHECK(written_to(disk, "x") == "Cannot write " + disk + ": it is a disk, and what is on it would be lost.");
}

TEST_CASE("what no file can be written to is refused before anything is made", "[store]") {
    const TempFolder folder;
    put_text(folder / "file", "");
    CHECK(written_to(folder / "", "x").find("it is a folder") != std::string::npos);
    CHECK(written_to(folder / "none/x.csv", "x").find("there is no folder") != std::string::npos);
    CHECK(written_to(folder / "file/x.csv", "x") != "written");
    CHECK(folder.names().size() == 1);
}

TEST_CASE("what a dead process was building is removed, and nothing that a living one is", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "out.csv";
    put_text(folder / "out.csv.partial-1-0", "dead");
    put_text(folder / "out.csv.partial-1-1", "alive");
    put_text(folder / "out.csv.partial-notes", "mine");
    put_text(folder / "other.csv.partial-1-0", "of another name");
    const Leftover alive(folder / "out.csv.partial-1-1");
    CHECK(written_to(path, "new") == "written");
    CHECK_FALSE(fs::exists(folder / "out.csv.partial-1-0"));
    CHECK(text_in(folder / "out.csv.partial-1-1") == "alive");
    CHECK(text_in(folder / "out.csv.partial-notes") == "mine");
    CHECK(fs::exists(folder / "other.csv.partial-1-0"));

    // What must be new is not begun while another process builds it.
    const Result<Partial> refused = Partial::make_folder(path, "choose");
    CHECK(refused.error().kind == ErrorKind::usage);
    fs::remove(path);
    const Result<Partial> busy = Partial::make_folder(path, "choose another name");
    REQUIRE_FALSE(busy);
    CHECK(busy.error().kind == ErrorKind::transient);
    CHECK(busy.error().message ==
          path + " is being written by process 1: wait for that one to end, or choose another name.");
}

TEST_CASE("an output that is an input is found under any name", "[store]") {
    const TempFolder folder;
    put_text(folder / "s.yaml", "x");
    fs::create_directory(folder / "journal");
    put_text(folder / "journal/CURRENT", "x");
    fs::create_symlink("s.yaml", folder / "link");
    fs::create_hard_link(folder / "s.yaml", folder / "twin");
    fs::create_symlink("journal", folder / "j");
    const std::vector<InUse> others{
        {"the scenario", folder / "s.yaml"}, {"the journal", folder / "journal"}, {"the log", ""}};
    for (const char* const bad : {"s.yaml", "./s.yaml", "journal/../s.yaml", "link", "twin", "journal", "journal/x.csv",
                                  "j/new/x.csv", "journal/CURRENT"}) {
        CAPTURE(bad);
        const Result<void> apart = check_apart("--fills", folder / bad, others);
        REQUIRE_FALSE(apart);
        CHECK(apart.error().kind == ErrorKind::usage);
        CHECK(apart.error().message.find("--fills") == 0);
    }
    for (const char* const good : {"s.yam", "s.yaml.csv", "journals", "journal.csv", "x/s.yaml", "none"}) {
        CAPTURE(good);
        CHECK(check_apart("--fills", folder / good, others));
    }
    CHECK(check_apart("--fills", "", others));
    CHECK(check_apart("--fills", "/dev/null", std::vector<InUse>{{"the log", "/dev/null"}}));
}

TEST_CASE("a limit of the machine is told from a fault, and says what can be done", "[store]") {
    for (const int passes : {ENOSPC, EDQUOT, EMFILE, ENFILE, EAGAIN, ENOMEM}) {
        CHECK(kind_of(passes, ErrorKind::data) == ErrorKind::transient);
    }
    for (const int forbidden : {EACCES, EPERM, EROFS, EFBIG}) {
        CHECK(kind_of(forbidden, ErrorKind::data) == ErrorKind::usage);
    }
    CHECK(kind_of(EIO, ErrorKind::data) == ErrorKind::data);
    CHECK(refused_by_library("It", "IO error: No space left on device: x", ErrorKind::data).value().message ==
          "It: the disk is full; make room, then start again.");
    CHECK(refused_by_library("It", "corrupt", ErrorKind::data).value().message == "It: corrupt.");

    const auto thrown = [](auto&& exception) {
        return no_exceptions([&]() -> Result<void> { throw exception; }).error();
    };
    CHECK(thrown(std::bad_alloc()).kind == ErrorKind::transient);
    CHECK(thrown(std::system_error(EAGAIN, std::generic_category())).message.find("no more threads") == 0);
    CHECK(thrown(std::runtime_error("why")).message == "internal: why");
    CHECK(thrown(7).kind == ErrorKind::internal);
}
