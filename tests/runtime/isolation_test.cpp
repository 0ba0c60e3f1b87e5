#include "events/assert.hpp"
#include "plugins/crash.hpp"
#include "runtime/isolation.hpp"
#include "tests/runtime/support.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

using namespace alpha;
using namespace alpha::runtime_test;

namespace {

/// What is written to a standard stream while this lives goes to a file.
class Captured {
public:
    Captured(int stream, const std::string& path) : stream_(stream), before_(dup(stream)) {
        std::fflush(nullptr);
        const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ALPHA_ASSERT(file >= 0, "the temporary folder takes files");
        dup2(file, stream_);
        close(file);
    }
    Captured(const Captured&) = delete;
    Captured& operator=(const Captured&) = delete;
    ~Captured() {
        std::fflush(nullptr);
        dup2(before_, stream_);
        close(before_);
    }

private:
    int stream_;
    int before_;
};

volatile std::sig_atomic_t g_told = 0;
extern "C" void note_signal(int /*signal*/) {
    g_told = 1;
}

[[noreturn]] void die_of(int signal) {
    std::signal(signal, SIG_DFL);  // Catch2 listens to some
    std::raise(signal);
    std::abort();
}

}  // namespace

TEST_CASE("an abort ends in an exit code while that is asked for, and is one afterwards", "[runtime]") {
    const Result<int> code = run_isolated("Trying", [] {
        const AbortEnds ends("it is damaged", 3);
        std::abort();
        return 0;
    });
    REQUIRE(code);
    CHECK(*code == 3);
    const Result<int> later = run_isolated("Trying", [] {
        { const AbortEnds ends("it is damaged", 3); }
        std::abort();
        return 0;
    });
    REQUIRE_FALSE(later);
    CHECK(later.error().message.find("ended in signal 6") != std::string::npos);
}

TEST_CASE("a silent death under a limit on memory is not called damage, one with last words is", "[runtime]") {
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_DATA, &before) == 0);
    REQUIRE(before.rlim_cur == RLIM_INFINITY);
    rlimit limited = before;
    limited.rlim_cur = RLIM_INFINITY - 1;  // a limit, with room for whatever a sanitizer asks for
    REQUIRE(setrlimit(RLIMIT_DATA, &limited) == 0);
    const Result<int> silent = run_isolated("Trying", [] {
        die_of(SIGSEGV);
        return 0;
    });
    const Result<int> spoken = run_isolated("Trying", [] {
        std::fputs("x.cpp:1: f(): Assertion `a' failed.\n", stderr);
        die_of(SIGABRT);
        return 0;
    });
    REQUIRE(setrlimit(RLIMIT_DATA, &before) == 0);
    REQUIRE_FALSE(silent);
    CHECK(silent.error().kind == ErrorKind::transient);
    CHECK(silent.error().code == ErrorCode::no_memory);
    CHECK(silent.error().message ==
          "Trying ended in signal 11 (Segmentation fault) under a limit on memory, which it may "
          "have met; raise the limit (ulimit -v) and try again");
    REQUIRE_FALSE(spoken);
    CHECK(spoken.error().kind == ErrorKind::data);
}

TEST_CASE("an isolated child's exit code and words are its own", "[runtime]") {
    const TempFolder folder;
    Result<int> code = 0;
    {
        const Captured out(STDOUT_FILENO, folder / "out");
        const Captured err(STDERR_FILENO, folder / "err");
        std::fputs("before ", stdout);  // buffered, and not printed twice
        code = run_isolated("Counting", [] {
            std::fputs("printed", stdout);
            std::fputs("a warning\nno end of line", stderr);
            return 7;
        });
    }
    REQUIRE(code);
    CHECK(*code == 7);
    CHECK(read_text(folder / "out") == "before printed");
    CHECK(read_text(folder / "err") == "a warning\nno end of line");
}

TEST_CASE("a child that a signal ends is damage, told with the assert that ended it", "[runtime]") {
    const TempFolder folder;
    const auto ended = [&](const std::function<int()>& work) {
        const Captured err(STDERR_FILENO, folder / "err");
        return run_isolated("Reading the journal x", work);
    };
    SECTION("abort") {
        const Result<int> code = ended([]() -> int { die_of(SIGABRT); });
        REQUIRE_FALSE(code);
        CHECK(code.error().kind == ErrorKind::data);
        CHECK(code.error().message == "Reading the journal x ended in signal 6 (Aborted): it is damaged.");
    }
    SECTION("an assert") {
        const Result<int> code = ended([]() -> int {
            std::signal(SIGABRT, SIG_DFL);
            std::fputs("progress", stderr);
            std::fputs("\n", stderr);
            ALPHA_ASSERT(getpid() == 0, "the fact contradicts the state");
            return 0;
        });
        REQUIRE_FALSE(code);
        CHECK(code.error().message.find("signal 6") != std::string::npos);
        CHECK(code.error().message.find("the fact contradicts the state") != std::string::npos);
        CHECK(read_text(folder / "err") == "progress\n");
    }
    SECTION("a segmentation fault") {
        const Result<int> code = ended([]() -> int { die_of(SIGSEGV); });
        REQUIRE_FALSE(code);
        CHECK(code.error().kind == ErrorKind::data);
        CHECK(code.error().message.find("signal 11 (Segmentation fault)") != std::string::npos);
    }
}

TEST_CASE("a signal to the parent reaches the child, and neither leaves a core behind", "[runtime]") {
    // The child tells its parent to end, as a service manager would.
    const Result<int> clean = run_isolated("Following", [] {
        std::signal(SIGTERM, note_signal);
        kill(getppid(), SIGTERM);
        for (int i = 0; i < 500 && g_told == 0; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        rlimit cores{};
        getrlimit(RLIMIT_CORE, &cores);
        return g_told == 1 && cores.rlim_cur == 0 ? 130 : 1;
    });
    REQUIRE(clean);
    CHECK(*clean == 130);

    const Result<int> interrupted = run_isolated("Following", [] {
        std::signal(SIGTERM, SIG_DFL);
        kill(getppid(), SIGTERM);
        for (int i = 0; i < 500; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return 1;
    });
    REQUIRE_FALSE(interrupted);
    CHECK(interrupted.error().kind == ErrorKind::interrupted);
}
