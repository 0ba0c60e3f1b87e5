#include "tests/faults/system_calls.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <set>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace alpha::faults {

namespace {

namespace fs = std::filesystem;

struct Watch {
    std::atomic<bool> on{false};
    std::mutex mutex;
    CallPlan plan;
    std::uint64_t count = 0;
    std::vector<std::string> calls;
    std::string refused;
};
/// Never destroyed: files are still closed and removed while the process ends.
Watch& watch() {
    static auto* const one = new Watch;
    return *one;
}

std::string path_of(int descriptor) {
    char link[64];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    char path[4'096];
    const ssize_t bytes = ::readlink(link, path, sizeof path);
    return bytes > 0 ? std::string(path, static_cast<std::size_t>(bytes)) : std::string();
}

/// As the kernel names it: absolute. A journal's files are named by way of its open folder.
std::string path_at(int folder, const std::string& path) {
    constexpr std::string_view kDescriptors = "/proc/self/fd/";
    if (const std::size_t end = path.find('/', kDescriptors.size());
        path.starts_with(kDescriptors) && end != std::string::npos) {
        return path_of(std::atoi(path.c_str() + kDescriptors.size())) + path.substr(end);
    }
    if (path.starts_with('/') || folder == AT_FDCWD) {
        std::error_code ignored;
        return fs::absolute(path, ignored).lexically_normal().string();
    }
    return path_of(folder).append("/").append(path);
}

bool lies_in(const std::string& path, const std::string& folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

/// Notes the call. What it must be answered with instead of being made: an errno, kShort, or 0.
int pass(const char* what, const std::string& path, const std::string& to = "") {
    Watch& w = watch();
    const std::lock_guard lock(w.mutex);
    if (!w.on || !lies_in(path, w.plan.folder)) {
        return 0;
    }
    std::string call = std::string(what).append(" ").append(path);
    if (!to.empty()) {
        call.append(" ").append(to);
    }
    const bool is_refused = ++w.count == w.plan.refuse;
    if (is_refused) {
        w.refused = call;
    }
    const bool goes_on = w.calls.empty() || call != w.calls.back() || call.starts_with("sync ");
    if (goes_on && (!is_refused || w.plan.error == kShort)) {
        w.calls.push_back(std::move(call));
    }
    return is_refused ? w.plan.error : 0;
}

/// Makes the call unless it is to be refused.
template <class Real>
auto unless_refused(int refusal, Real real) -> decltype(real()) {
    if (refusal > 0) {
        errno = refusal;
        return -1;
    }
    return real();
}

/// The C library's, which ours hides.
template <class Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

bool watching() {
    return watch().on;
}

std::size_t length_of(int refusal, std::size_t wanted) {
    return refusal == kShort && wanted > 1 ? wanted / 2 : wanted;
}

mode_t mode_behind(int flags, va_list rest) {
    return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
}

}  // namespace

void watch_calls(CallPlan plan) {
    Watch& w = watch();
    const std::lock_guard lock(w.mutex);
    w.plan = std::move(plan);
    w.count = 0;
    w.calls.clear();
    w.refused.clear();
    w.on = true;
}

std::vector<std::string> end_watch() {
    Watch& w = watch();
    const std::lock_guard lock(w.mutex);
    w.on = false;
    return std::move(w.calls);
}

std::uint64_t watched_calls() {
    Watch& w = watch();
    const std::lock_guard lock(w.mutex);
    return w.count;
}

std::string refused_call() {
    Watch& w = watch();
    const std::lock_guard lock(w.mutex);
    return w.refused;
}

std::string undurable_name(const std::vector<std::string>& calls) {
    std::set<std::string> unsynced;  // files written, and folders in which a name was given
    for (const std::string& call : calls) {
        const std::size_t space = call.find(' ');
        const std::string what = call.substr(0, space);
        const std::string path = call.substr(space + 1);
        if (what == "write") {
            unsynced.insert(path);
        } else if (what == "sync" || what == "remove") {
            unsynced.erase(path);
        } else if (what == "rename") {
            const std::size_t between = path.find(' ');
            const std::string from = path.substr(0, between);
            const std::string to = path.substr(between + 1);
            const auto lost = std::ranges::find_if(unsynced, [&](const auto& name) { return lies_in(name, from); });
            if (lost != unsynced.end()) {
                return std::string(to).append(" got its name before this was durable: ").append(*lost);
            }
            unsynced.insert(fs::path(to).parent_path().string());
        }
    }
    for (const std::string& call : calls) {
        if (call.starts_with("rename ")) {
            const std::string to = call.substr(call.rfind(' ') + 1);
            if (unsynced.contains(fs::path(to).parent_path().string())) {
                return std::string("the name was not made durable: ").append(to);
            }
        }
    }
    return "";
}

}  // namespace alpha::faults

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the names in the C library are reserved ones
extern "C" {

using namespace alpha::faults;

int open(const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = mode_behind(flags, rest);
    va_end(rest);
    static auto* const made = real<int(const char*, int, ...)>("open");
    return unless_refused(watching() ? pass("open", path_at(AT_FDCWD, path)) : 0,
                          [&] { return made(path, flags, mode); });
}

int openat(int folder, const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = mode_behind(flags, rest);
    va_end(rest);
    static auto* const made = real<int(int, const char*, int, ...)>("openat");
    return unless_refused(watching() ? pass("open", path_at(folder, path)) : 0,
                          [&] { return made(folder, path, flags, mode); });
}

ssize_t write(int descriptor, const void* bytes, std::size_t n) {
    static auto* const made = real<ssize_t(int, const void*, std::size_t)>("write");
    const int refusal = watching() ? pass("write", path_of(descriptor)) : 0;
    return unless_refused(refusal, [&] { return made(descriptor, bytes, length_of(refusal, n)); });
}

ssize_t pwrite(int descriptor, const void* bytes, std::size_t n, off_t at) {
    static auto* const made = real<ssize_t(int, const void*, std::size_t, off_t)>("pwrite");
    const int refusal = watching() ? pass("write", path_of(descriptor)) : 0;
    return unless_refused(refusal, [&] { return made(descriptor, bytes, length_of(refusal, n), at); });
}

int fsync(int descriptor) {
    static auto* const made = real<int(int)>("fsync");
    return unless_refused(watching() ? pass("sync", path_of(descriptor)) : 0, [&] { return made(descriptor); });
}

int fdatasync(int descriptor) {
    static auto* const made = real<int(int)>("fdatasync");
    return unless_refused(watching() ? pass("sync", path_of(descriptor)) : 0, [&] { return made(descriptor); });
}

int rename(const char* from, const char* to) noexcept {
    static auto* const made = real<int(const char*, const char*)>("rename");
    const int refusal = watching() ? pass("rename", path_at(AT_FDCWD, from), path_at(AT_FDCWD, to)) : 0;
    return unless_refused(refusal, [&] { return made(from, to); });
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
    static auto* const made = real<int(int, const char*, int, const char*, unsigned)>("renameat2");
    const int refusal = watching() ? pass("rename", path_at(from_folder, from), path_at(to_folder, to)) : 0;
    return unless_refused(refusal, [&] { return made(from_folder, from, to_folder, to, flags); });
}

int unlink(const char* path) noexcept {
    static auto* const made = real<int(const char*)>("unlink");
    return unless_refused(watching() ? pass("remove", path_at(AT_FDCWD, path)) : 0, [&] { return made(path); });
}

int mkdir(const char* path, mode_t mode) noexcept {
    static auto* const made = real<int(const char*, mode_t)>("mkdir");
    return unless_refused(watching() ? pass("folder", path_at(AT_FDCWD, path)) : 0, [&] { return made(path, mode); });
}

int ftruncate(int descriptor, off_t size) noexcept {
    static auto* const made = real<int(int, off_t)>("ftruncate");
    return unless_refused(watching() ? pass("cut", path_of(descriptor)) : 0, [&] { return made(descriptor, size); });
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
