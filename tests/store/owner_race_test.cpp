/// Two writers where folders cannot be locked, as on some network file systems: the lock on the file "owner" alone must do, and whoever
/// ends removes that file. Seen from below, so that the other one ends at the very moment that matters.

#include "store/owner.hpp"
#include "tests/store/support.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <dlfcn.h>
#include <functional>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace alpha;
using namespace alpha::store_test;

namespace {

/// Comes before every lock of a file, and says whether folders can be locked.
std::function<void()>
    before_file_lock;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): flock has no other way to it

bool is_folder(int descriptor) {
    struct stat status{};
    return ::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the names in the C library are reserved ones
extern "C" int flock(int descriptor, int how) noexcept {
    static auto* const made = reinterpret_cast<int (*)(int, int)>(dlsym(RTLD_NEXT, "flock"));
    if (before_file_lock && (how & LOCK_UN) == 0) {
        if (is_folder(descriptor)) {
            errno = ENOLCK;
            return -1;
        }
        before_file_lock();
    }
    return made(descriptor, how);
}

TEST_CASE("a writer holds the file that others will find, though the last one removed its own meanwhile", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    std::filesystem::create_directory(path);
    const std::string name = path + "/owner";
    write_file(name, {'1', '\n'});
    const bool comes_another = GENERATE(false, true);  // and has made a file of its own
    int locks = 0;
    before_file_lock = [&] {
        if (++locks == 1) {  // it is opened and not yet locked
            if (comes_another) {
                write_file(name + ".next", {'2', '\n'});
                std::filesystem::rename(name + ".next", name);
            } else {
                std::filesystem::remove(name);
            }
        }
    };
    const Result<Owner> owner = Owner::take(path);
    before_file_lock = nullptr;
    REQUIRE(owner);
    CHECK(locks == 2);
    CHECK(writer_of(path) == ::getpid());
}
