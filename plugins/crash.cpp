#include "plugins/crash.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <ctime>
#include <date/date.h>
#include <fcntl.h>
#include <limits.h>
#include <memory>
#include <unistd.h>

namespace alpha {

namespace {

constexpr std::array kCrashes{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr std::string_view kWords = " crashed in ";
constexpr std::size_t kStackBytes = 64U << 10U;
constexpr std::size_t kLineBytes = 512;

// What a signal handler may look at: plain memory, set before.
thread_local std::atomic<const char*> t_who{nullptr};
thread_local std::atomic<const char*> t_doing{nullptr};
std::array<char, PATH_MAX> g_log_file{};
std::array<char, kLineBytes> g_ending{};
std::atomic<int> g_ending_code{0};  // 0: an abort is one
static_assert(std::atomic<const char*>::is_always_lock_free, "a signal handler may only touch lock-free values");

/// A stack for the handler, because the thread's own may be what ran out.
class SpareStack {
public:
    SpareStack() {
        stack_t before{};
        if (sigaltstack(nullptr, &before) != 0 || (before.ss_flags & SS_DISABLE) == 0) {
            return;  // somebody, a sanitizer say, has given it one
        }
        memory_ = std::make_unique<std::array<char, kStackBytes>>();
        stack_t spare{};
        spare.ss_sp = memory_->data();
        spare.ss_size = memory_->size();
        sigaltstack(&spare, nullptr);
    }
    SpareStack(const SpareStack&) = delete;
    SpareStack& operator=(const SpareStack&) = delete;
    ~SpareStack() {
        if (memory_ != nullptr) {
            stack_t none{};
            none.ss_flags = SS_DISABLE;
            sigaltstack(&none, nullptr);
        }
    }

private:
    std::unique_ptr<std::array<char, kStackBytes>> memory_;
};

/// A line put together without memory from the heap.
class Line {
public:
    void add(std::string_view text) {
        const std::size_t n = std::min(text.size(), line_.size() - size_ - 1);  // room for the line's end
        std::memcpy(line_.data() + size_, text.data(), n);
        size_ += n;
    }
    void add(long number, int digits) {
        std::array<char, 20> text{};
        for (int i = digits; i > 0; --i) {
            text[static_cast<std::size_t>(i - 1)] = static_cast<char>('0' + number % 10);
            number /= 10;
        }
        add(std::string_view(text.data(), static_cast<std::size_t>(digits)));
    }
    void write_to(int file) {
        line_[size_] = '\n';
        const char* from = line_.data();
        for (std::size_t left = size_ + 1; left > 0;) {
            const ssize_t written = write(file, from, left);
            if (written <= 0) {
                return;
            }
            from += written;
            left -= static_cast<std::size_t>(written);
        }
    }

private:
    std::array<char, kLineBytes> line_{};
    std::size_t size_ = 0;
};

/// The time as log lines have it.
void add_time(Line& line) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    // Plain arithmetic, which a signal handler may do; gmtime_r takes a lock.
    const long days = now.tv_sec / 86'400;
    const date::year_month_day day{date::sys_days{date::days{days}}};
    line.add(static_cast<int>(day.year()), 4);
    line.add("-");
    line.add(static_cast<unsigned>(day.month()), 2);
    line.add("-");
    line.add(static_cast<unsigned>(day.day()), 2);
    line.add("T");
    const long second = now.tv_sec % 86'400;
    line.add(second / 3'600, 2);
    line.add(":");
    line.add(second / 60 % 60, 2);
    line.add(":");
    line.add(second % 60, 2);
    line.add(".");
    line.add(now.tv_nsec / 1'000, 6);
    line.add("Z");
}

std::string_view name_of_signal(int signal) {
    switch (signal) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    default: return "SIGABRT";
    }
}

extern "C" void on_crash(int signal) {
    const char* const who = t_who.load(std::memory_order_relaxed);
    if (who != nullptr) {
        Line line;
        add_time(line);
        line.add(" critical plugin: ");
        line.add(who);
        line.add(kWords);
        line.add(t_doing.load(std::memory_order_relaxed));
        line.add(": ");
        line.add(name_of_signal(signal));
        line.write_to(STDERR_FILENO);
        if (g_log_file[0] != '\0') {
            const int file = open(g_log_file.data(), O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC);
            if (file >= 0) {
                line.write_to(file);
                close(file);
            }
        }
    }
    const int code = g_ending_code.load();
    if (who == nullptr && signal == SIGABRT && code != 0) {
        Line line;
        line.add(g_ending.data());
        line.write_to(STDERR_FILENO);
        _exit(code);
    }
    // The default action is back in force (SA_RESETHAND). The signal is blocked until this returns to where it came from, which is
    // what a core then shows.
    raise(signal);
}

}  // namespace

CrashContext::CrashContext(const char* who, const char* doing) {
    thread_local const SpareStack stack;
    t_doing.store(doing, std::memory_order_relaxed);
    t_who.store(who, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

CrashContext::~CrashContext() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    t_who.store(nullptr, std::memory_order_relaxed);
}

AbortEnds::AbortEnds(const std::string& message, int exit_code) {
    const std::string line = "error: " + message;
    const std::size_t n = std::min(line.size(), g_ending.size() - 1);
    std::memcpy(g_ending.data(), line.data(), n);
    g_ending[n] = '\0';
    tell_of_crashes();
    g_ending_code.store(exit_code);
}

AbortEnds::~AbortEnds() {
    g_ending_code.store(0);
}

bool is_blamed() {
    return t_who.load(std::memory_order_relaxed) != nullptr;
}

void tell_of_crashes() {
    struct sigaction action{};
    action.sa_handler = on_crash;
    action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND);
    for (const int signal : kCrashes) {
        sigaction(signal, &action, nullptr);
    }
}

void tell_of_crashes_in(const std::string& log_file) {
    if (log_file.size() < g_log_file.size()) {
        std::memcpy(g_log_file.data(), log_file.c_str(), log_file.size() + 1);
    }
}

bool tells_of_a_crash(std::string_view line) {
    return line.find(" critical plugin: ") != std::string_view::npos && line.find(kWords) != std::string_view::npos;
}

}  // namespace alpha
