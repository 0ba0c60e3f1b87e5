#include "runtime/isolation.hpp"

#include "plugins/crash.hpp"
#include "store/machine.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace alpha {

namespace {

constexpr std::array kForwarded{SIGINT, SIGTERM, SIGHUP};

std::atomic<pid_t> g_child{0};
std::atomic<int> g_received{0};
static_assert(std::atomic<pid_t>::is_always_lock_free, "a signal handler may only touch lock-free values");

/// A key on the terminal reaches the child by itself; what another process sends reaches only this one.
extern "C" void forward_signal(int signal, siginfo_t* info, void* /*context*/) {
    g_received.store(signal);
    const pid_t child = g_child.load();
    if (child > 0 && info->si_code <= 0) {
        kill(child, signal);
    }
}

/// Forwards signals to the child for as long as this lives.
class Forwarding {
public:
    Forwarding() {
        g_received.store(0);
        struct sigaction action{};
        action.sa_sigaction = forward_signal;
        action.sa_flags = SA_SIGINFO;
        for (std::size_t i = 0; i < kForwarded.size(); ++i) {
            sigaction(kForwarded[i], nullptr, &before_[i]);
            if (before_[i].sa_handler != SIG_IGN) {  // under nohup a hang-up stays ignored
                sigaction(kForwarded[i], &action, nullptr);
            }
        }
    }
    Forwarding(const Forwarding&) = delete;
    Forwarding& operator=(const Forwarding&) = delete;
    ~Forwarding() {
        restore();
        g_child.store(0);
    }
    void restore() const {
        for (std::size_t i = 0; i < kForwarded.size(); ++i) {
            sigaction(kForwarded[i], &before_[i], nullptr);
        }
    }

private:
    std::array<struct sigaction, kForwarded.size()> before_{};
};

/// What an assert says before it aborts, in words of glibc or of events/assert.hpp; and whose code crashed.
bool is_last_words(std::string_view line) {
    return tells_of_a_crash(line) || line.find("Assertion `") != std::string_view::npos ||
           line.find("internal error at ") != std::string_view::npos;
}

/// Passes the child's standard error on as it comes, but for the last words, which are returned.
std::string relay(int from) {
    std::string last_words;
    std::string line;  // begun and not passed on yet, because it may become last words
    const auto pass_on = [](std::string_view text) {
        while (!text.empty()) {
            const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
            if (written < 0 && errno != EINTR) {
                return;
            }
            text.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
        }
    };
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t got = read(from, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        line.append(buffer.data(), static_cast<std::size_t>(got));
        // Progress lines have no end: only what may yet become last words is held back.
        std::size_t begin = 0;
        for (std::size_t end = line.find('\n'); end != std::string::npos; end = line.find('\n', begin)) {
            const std::string_view whole = std::string_view(line).substr(begin, end + 1 - begin);
            if (is_last_words(whole)) {
                last_words = whole.substr(0, whole.size() - 1);
            } else {
                pass_on(whole);
            }
            begin = end + 1;
        }
        line.erase(0, begin);
        if (!is_last_words(line)) {
            pass_on(line);
            line.clear();
        }
    }
    if (is_last_words(line)) {
        last_words = line;
    } else {
        pass_on(line);
    }
    return last_words;
}

/// Code of libraries that meets such a limit may die of it, at once and without a word, as it does of damage.
bool memory_is_limited() {
    return std::ranges::any_of(std::array{RLIMIT_AS, RLIMIT_DATA}, [](const auto resource) {
        rlimit limit{};
        return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    });
}

[[noreturn]] void be_the_child(pid_t parent, int errors, const std::function<int()>& work) {
    dup2(errors, STDERR_FILENO);
    close(errors);
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {  // it died before that was said
        _exit(static_cast<int>(ErrorKind::interrupted));
    }
    const int code = work();
    // Threads of libraries and what they hold end with the process: nothing of it is worth unwinding.
    std::fflush(nullptr);
    _exit(code);
}

}  // namespace

Result<int> run_isolated(const std::string& task, const std::function<int()>& work) {
    const auto no_child = [&] {
        return refused_by_system(task + ": no process could be had", errno, ErrorKind::internal);
    };
    std::fflush(nullptr);  // or the child would print it as well
    std::array<int, 2> errors{};
    if (pipe(errors.data()) != 0) {
        return no_child();
    }
    const Forwarding forwarding;
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child < 0) {
        close(errors[0]);
        close(errors[1]);
        return no_child();
    }
    if (child == 0) {
        forwarding.restore();
        close(errors[0]);
        be_the_child(parent, errors[1], work);
    }
    g_child.store(child);
    close(errors[1]);
    if (const int early = g_received.load(); early != 0) {  // it came before the child was known
        kill(child, early);
    }
    const std::string last_words = relay(errors[0]);
    close(errors[0]);
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return no_child();
        }
    }
    if (WIFEXITED(status)) {
        return WEXITSTATUS(status);
    }
    const int signal = WTERMSIG(status);
    if (std::ranges::find(kForwarded, signal) != kForwarded.end()) {
        return fail(ErrorKind::interrupted, fmt::format("{} was interrupted.", task));
    }
    if (signal == SIGKILL) {
        return fail(ErrorKind::internal, fmt::format("{} was killed from outside.", task));
    }
    if (tells_of_a_crash(last_words)) {
        return fail(ErrorKind::data,
                    fmt::format("{} came to an end by code that is not alpha's.\n{}", task, last_words));
    }
    if (last_words.empty() && memory_is_limited()) {
        return fail(
            ErrorKind::transient,
            fmt::format("{} ended in signal {} ({}) under a limit on memory, which it may have met; raise the limit "
                        "(ulimit -v) and try again",
                        task, signal, sigdescr_np(signal)),
            ErrorCode::no_memory);
    }
    return fail(ErrorKind::data, fmt::format("{} ended in signal {} ({}): it is damaged.{}", task, signal,
                                             sigdescr_np(signal), last_words.empty() ? "" : "\n" + last_words));
}

}  // namespace alpha
