#include "store/disk.hpp"

#include "store/machine.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <poll.h>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace alpha {

namespace {

namespace fs = std::filesystem;

constexpr int kMaxNameTries = 1'000;
constexpr int kMaxNumbered = 1'000'000;
constexpr int kMaxLinks = 40;
constexpr std::string_view kPartialMark = ".partial-";
/// How often, and how long in all, something is looked at that another process is about to do.
constexpr std::chrono::milliseconds kLook{2};
constexpr std::chrono::seconds kFolderPatience{5};
constexpr std::chrono::seconds kReaderPatience{10};
constexpr std::size_t kPieceBytes = 64U << 10U;

tl::unexpected<Error> refused(const char* what, const std::string& path, int error,
                              ErrorKind otherwise = ErrorKind::data) {
    return refused_by_system(std::string("Cannot ") + what + " " + path, error, otherwise);
}

/// What is wrong with a path that the user gave for an output.
tl::unexpected<Error> unusable(const std::string& path, const std::string& why) {
    return fail(ErrorKind::usage, "Cannot write " + path + ": " + why + ".");
}

tl::unexpected<Error> exists_already(const std::string& path, const std::string& remedy) {
    return fail(ErrorKind::usage, path + " exists already: " + remedy + ".", ErrorCode::already_exists);
}

/// Without the slashes at its end, so that names can be put behind it.
std::string trimmed(std::string path) {
    while (path.size() > 1 && path.back() == '/') {
        path.pop_back();
    }
    return path;
}

std::string parent_of(const std::string& path) {
    const std::string parent = fs::path(path).parent_path().string();
    return parent.empty() ? "." : parent;
}

// ---- who is building what ------------------------------------------------------------------------------------------------

/// Everything this process is building. Never destroyed: the last to look is whoever ends the process.
struct Unfinished {
    std::mutex mutex;
    std::set<std::string> paths;
};
Unfinished& unfinished() {
    static auto* const all = new Unfinished;
    return *all;
}

/// Held for the moments in which names in a folder are looked at and taken. Where such locks do not work, or somebody else sits on
/// this one, we go on without: renaming still never replaces what it must not.
class FolderLock {
public:
    explicit FolderLock(const std::string& folder)
        : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), folder) {
        const auto until = std::chrono::steady_clock::now() + kFolderPatience;
        while (folder_.descriptor() >= 0) {
            held_ = ::flock(folder_.descriptor(), LOCK_EX | LOCK_NB) == 0;
            if (held_ || (errno != EWOULDBLOCK && errno != EINTR) || std::chrono::steady_clock::now() > until) {
                break;
            }
            std::this_thread::sleep_for(kLook);
        }
    }
    bool held() const { return held_; }

private:
    File folder_;
    bool held_ = false;
};

/// "NAME.partial-PID-N", taken apart.
struct Builder {
    std::string name;
    std::string pid;
};
std::optional<Builder> builder_of(const std::string& entry) {
    const std::size_t mark = entry.rfind(kPartialMark);
    if (mark == std::string::npos || mark == 0) {
        return std::nullopt;
    }
    const std::string numbers = entry.substr(mark + kPartialMark.size());
    const std::size_t dash = numbers.find('-');
    const auto digits = [](std::string_view text) {
        return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
    };
    if (dash == std::string::npos || !digits(numbers.substr(0, dash)) || !digits(numbers.substr(dash + 1))) {
        return std::nullopt;
    }
    return Builder{entry.substr(0, mark), numbers.substr(0, dash)};
}

/// What is in a folder under names that somebody is about to take.
struct Neighbours {
    std::vector<std::string> names;  ///< that exist
    std::vector<Builder> builders;   ///< alive
    std::vector<File> leftovers;     ///< of processes that are gone, locked by us
};

/// Without the folder's lock a leftover may be somebody's, made and not locked yet; a builder is one in any case.
template <class Wanted>
Neighbours look_around(const std::string& folder, Wanted wanted) {
    Neighbours found;
    std::error_code error;
    for (fs::directory_iterator at(folder, error); !error && at != fs::directory_iterator(); at.increment(error)) {
        const std::string entry = at->path().filename().string();
        if (wanted(entry)) {
            found.names.push_back(entry);
            continue;
        }
        std::optional<Builder> builder = builder_of(entry);
        if (!builder || !wanted(builder->name)) {
            continue;
        }
        const std::string path = at->path().string();
        File file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), path);
        if (file.descriptor() >= 0 && ::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0) {
            found.leftovers.push_back(std::move(file));
        } else if (file.descriptor() >= 0 && errno == EWOULDBLOCK) {
            found.builders.push_back(std::move(*builder));
        }
    }
    return found;
}

/// A temporary name that was taken, and the lock on what stands there.
struct Taken {
    std::string partial;
    File lock;
};

/// Calls `make` with one temporary name of `path` after the other until it succeeds: a descriptor, or -1 and an errno.
template <class Make>
Result<Taken> take_partial(const std::string& path, Make make) {
    for (int i = 0; i < kMaxNameTries; ++i) {
        std::string partial = path + std::string(kPartialMark) + std::to_string(::getpid()) + "-" + std::to_string(i);
        const int descriptor = make(partial);
        const int error = errno;
        if (descriptor >= 0) {
            static_cast<void>(::flock(descriptor, LOCK_EX | LOCK_NB));  // nobody else knows of it yet
            return Taken{partial, File(descriptor, partial)};
        }
        if (error != EEXIST) {
            return refused("make", path, error, ErrorKind::usage);
        }
    }
    return refused("find a free temporary name for", path, EEXIST);
}

constexpr mode_t kOwnFolder = 0700;
constexpr mode_t kOwnFile = 0600;
constexpr mode_t kUserFile = 0666;

/// For its owner alone, whatever the umask.
int make_locked_folder(const std::string& path) {
    if (::mkdir(path.c_str(), kOwnFolder) != 0) {
        return -1;
    }
    constexpr int kHow = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int descriptor = ::open(path.c_str(), kHow);
    if (descriptor < 0 && errno == EACCES && ::chmod(path.c_str(), kOwnFolder) == 0) {
        descriptor = ::open(path.c_str(), kHow);  // the umask had taken it from its owner, too
    }
    if (descriptor < 0 || ::fchmod(descriptor, kOwnFolder) != 0) {
        const int error = errno;
        if (descriptor >= 0) {
            ::close(descriptor);
        }
        ::rmdir(path.c_str());
        errno = error;
        return -1;
    }
    return descriptor;
}

/// O_EXCL: what lies there, a link also, is not opened.
int make_locked_file(const std::string& path, mode_t mode) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (descriptor >= 0 && mode == kOwnFile && ::fchmod(descriptor, mode) != 0) {
        const int error = errno;
        ::close(descriptor);
        ::unlink(path.c_str());
        errno = error;
        return -1;
    }
    return descriptor;
}
int make_own_file(const std::string& path) {
    return make_locked_file(path, kOwnFile);
}
int make_user_file(const std::string& path) {
    return make_locked_file(path, kUserFile);
}

Result<void> make_folders(const std::string& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    return error ? refused("make the folder", folder, error.value(), ErrorKind::usage) : Result<void>{};
}

void remove_all(const std::string& path) {
    std::error_code ignored;  // nobody is left to tell; the name says what it is
    fs::remove_all(path, ignored);
}

/// What stands under `path` while it is being made. With a remedy it must be new: nothing is there, and nobody is building it.
template <class Make>
Result<Taken> take_name(const std::string& path, const std::string& remedy, Make make) {
    const std::string folder = parent_of(path);
    const std::string name = fs::path(path).filename().string();
    std::vector<File> leftovers;
    const auto take = [&]() -> Result<Taken> {
        const FolderLock lock(folder);
        std::error_code error;
        // A dangling link is something, too: what it points to is not ours to make.
        if (!remedy.empty() && fs::exists(fs::symlink_status(path, error))) {
            return exists_already(path, remedy);
        }
        Neighbours found = look_around(folder, [&](const std::string& entry) { return entry == name; });
        if (lock.held()) {
            leftovers = std::move(found.leftovers);
        }
        if (!remedy.empty() && !found.builders.empty()) {
            return fail(ErrorKind::transient,
                        path + " is being written by process " + found.builders.front().pid +
                            ": wait for that one to end, or " + remedy + ".",
                        ErrorCode::in_use);
        }
        return take_partial(path, make);
    };
    Result<Taken> taken = take();
    for (const File& leftover : leftovers) {
        remove_all(leftover.path());
    }
    return taken;
}

}  // namespace

// ---- File -------------------------------------------------------------------------------------------------------------

Result<File> File::open(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) {
        return refused("open", path, errno);
    }
    return File(descriptor, path);
}

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(path_, other.path_);
    return *this;
}

File::~File() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

Result<std::uint64_t> File::size() const {
    struct stat status{};
    if (::fstat(descriptor_, &status) != 0) {
        return refused("look at", path_, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return fail(ErrorKind::data, path_ + " is not a file.");
    }
    return static_cast<std::uint64_t>(status.st_size);
}

Result<void> File::read_at(std::uint64_t offset, std::uint8_t* to, std::size_t n) const {
    while (n > 0) {
        const ssize_t got = ::pread(descriptor_, to, n, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return refused("read", path_, errno);
        }
        if (got == 0) {
            return fail(ErrorKind::data, path_ + " is cut short.", ErrorCode::damaged);
        }
        offset += static_cast<std::uint64_t>(got);
        to += got;
        n -= static_cast<std::size_t>(got);
    }
    return {};
}

Result<void> File::write(Bytes bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return refused("write", path_, errno);
        }
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    return {};
}

Result<void> File::sync() {
    if (::fsync(descriptor_) != 0) {
        return refused("make durable", path_, errno);
    }
    return {};
}

Result<void> sync_folder(const std::string& path) {
    Result<File> folder = File::open(path);
    return folder ? folder->sync() : tl::make_unexpected(folder.error());
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
    const Result<File> file = File::open(path);
    if (!file) {
        return tl::make_unexpected(file.error());
    }
    const Result<std::uint64_t> size = file->size();
    if (!size) {
        return tl::make_unexpected(size.error());
    }
    std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(*size, max_bytes + 1)), '\0');
    Result<void> read = file->read_at(0, reinterpret_cast<std::uint8_t*>(text.data()), text.size());
    return read ? Result<std::string>(std::move(text)) : tl::make_unexpected(read.error());
}

Result<bool> is_there(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) {
        return true;
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        return false;
    }
    return refused("look at", path, errno, ErrorKind::usage);
}

// ---- Partial ------------------------------------------------------------------------------------------------------------

Partial::Partial(std::string path, std::string partial, std::string remedy, std::optional<File> lock)
    : path_(std::move(path)), partial_(std::move(partial)), remedy_(std::move(remedy)), lock_(std::move(lock)) {
    const std::lock_guard guard(unfinished().mutex);
    unfinished().paths.insert(partial_);
}

Result<Partial> Partial::make_folder(const std::string& wanted, const std::string& remedy) {
    const std::string path = trimmed(wanted);
    if (Result<void> made = make_folders(parent_of(path)); !made) {
        return tl::make_unexpected(made.error());
    }
    Result<Taken> taken = take_name(path, remedy, make_locked_folder);
    if (!taken) {
        return tl::make_unexpected(taken.error());
    }
    return Partial(path, taken->partial, remedy, std::move(taken->lock));
}

Result<Partial> Partial::make_folder_within(const std::string& path, const std::string& remedy) {
    Result<Taken> taken = take_partial(path, make_locked_folder);
    if (!taken) {
        return tl::make_unexpected(taken.error());
    }
    return Partial(path, taken->partial, remedy, std::move(taken->lock));
}

Result<Partial> Partial::make_numbered_folder(const std::string& stem) {
    const std::string folder = parent_of(stem);
    const std::string front = fs::path(stem).filename().string();
    if (Result<void> made = make_folders(folder); !made) {
        return tl::make_unexpected(made.error());
    }
    const auto number_of = [&](const std::string& name) {
        int number = 0;
        const char* const end = name.data() + name.size();
        const bool fits = name.starts_with(front);
        const auto read = fits ? std::from_chars(name.data() + front.size(), end, number) : std::from_chars_result{};
        return fits && read.ec == std::errc() && read.ptr == end && number > 0 ? number : 0;
    };
    std::vector<File> leftovers;
    const auto take = [&]() -> Result<Partial> {
        const FolderLock lock(folder);
        Neighbours found = look_around(folder, [&](const std::string& entry) { return number_of(entry) != 0; });
        if (lock.held()) {
            leftovers = std::move(found.leftovers);
        }
        std::set<int> taken;
        for (const std::string& name : found.names) {
            taken.insert(number_of(name));
        }
        for (const Builder& builder : found.builders) {
            taken.insert(number_of(builder.name));
        }
        int number = 1;
        while (taken.contains(number)) {
            ++number;
        }
        if (number > kMaxNumbered) {
            return fail(ErrorKind::usage, stem + "*: all numbers are taken; name a place with --journal.");
        }
        std::string path = stem + std::to_string(number);
        Result<Taken> partial = take_partial(path, make_locked_folder);
        if (!partial) {
            return tl::make_unexpected(partial.error());
        }
        return Partial(std::move(path), partial->partial, "name another place with --journal",
                       std::move(partial->lock));
    };
    Result<Partial> taken = take();
    for (const File& leftover : leftovers) {
        remove_all(leftover.path());
    }
    return taken;
}

Result<Partial::WithFile> Partial::make_file(const std::string& path, const std::string& remedy) {
    if (Result<void> made = make_folders(parent_of(path)); !made) {
        return tl::make_unexpected(made.error());
    }
    return take_name(path, remedy, make_own_file).map([&](Taken taken) {
        return WithFile{Partial(path, taken.partial, remedy, std::nullopt), std::move(taken.lock)};
    });
}

Result<Partial::WithFile> Partial::make_replacement(const std::string& path) {
    return take_name(path, "", make_user_file).map([&](Taken taken) {
        return WithFile{Partial(path, taken.partial, "", std::nullopt), std::move(taken.lock)};
    });
}

Partial::Partial(Partial&& other) noexcept
    : path_(std::move(other.path_)),
      partial_(std::exchange(other.partial_, {})),
      remedy_(std::move(other.remedy_)),
      named_(other.named_),
      lock_(std::move(other.lock_)) {}

Partial::~Partial() {
    if (!partial_.empty()) {
        if (!named_) {
            remove_all(partial_);
        }
        const std::lock_guard guard(unfinished().mutex);
        unfinished().paths.erase(partial_);
    }
}

Result<void> Partial::publish() {
    const bool replaces = remedy_.empty();
    struct stat built{};
    struct stat named{};
    if (lock_ && (::fstat(lock_->descriptor(), &built) != 0 || ::lstat(partial_.c_str(), &named) != 0 ||
                  built.st_dev != named.st_dev || built.st_ino != named.st_ino)) {
        return fail(ErrorKind::transient,
                    "What was being built for " + path_ + " was moved, replaced or removed. Start again.");
    }
    // Where the file system cannot promise not to replace, an ordinary rename must do: a folder
    // with something in it is never replaced, and take_name has looked for a file.
    int status = ::renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, path_.c_str(), replaces ? 0 : RENAME_NOREPLACE);
    if (status != 0 && (errno == EINVAL || errno == ENOSYS)) {
        status = ::rename(partial_.c_str(), path_.c_str());
    }
    if (status != 0) {
        const int error = errno;
        return !replaces && (error == EEXIST || error == ENOTEMPTY) ? exists_already(path_, remedy_)
                                                                    : refused("give its name to", path_, error);
    }
    named_ = true;
    lock_.reset();
    return sync_folder(parent_of(path_));
}

void remove_unfinished() noexcept {
    constexpr int kTries = 100;
    // Other threads are still there: they may write one more file, or have the memory that this needs. What is left after all is
    // removed by the next run of that name.
    for (int i = 0; i < kTries; ++i) {
        try {
            const std::unique_lock lock(unfinished().mutex, std::try_to_lock);
            bool left = !lock.owns_lock();
            for (auto path = unfinished().paths.begin(); !left && path != unfinished().paths.end(); ++path) {
                remove_all(*path);
                left = ::access(path->c_str(), F_OK) == 0;
            }
            if (!left) {
                return;
            }
        } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): tried again
        }
        ::poll(nullptr, 0, static_cast<int>(kLook.count()));
    }
}

// ---- files for the user --------------------------------------------------------------------------------------------------

namespace {

/// Where a path leads, link after link, whether or not something is there.
Result<std::string> behind_links(const std::string& path) {
    fs::path at = path;
    for (int i = 0; i < kMaxLinks; ++i) {
        std::error_code error;
        if (!fs::is_symlink(fs::symlink_status(at, error))) {
            return at.string();
        }
        const fs::path next = fs::read_symlink(at, error);
        if (error) {
            return refused("follow the link", at.string(), error.value(), ErrorKind::usage);
        }
        at = next.is_absolute() ? next : at.parent_path() / next;
    }
    return refused("follow the link", path, ELOOP, ErrorKind::usage);
}

bool is_same(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// Which of standard output and standard error goes to this very file; -1: neither.
int standard_stream_to(const struct stat& status) {
    for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
        struct stat standard{};
        if (::fstat(descriptor, &standard) == 0 && is_same(standard, status)) {
            return descriptor;
        }
    }
    return -1;
}

/// The path with all links resolved as far as it exists; the text of one that cannot be looked at.
fs::path full_name(const std::string& path) {
    std::error_code error;
    const Result<std::string> target = behind_links(path);
    const fs::path absolute = fs::absolute(target.value_or(path), error);
    fs::path name = fs::weakly_canonical(absolute, error);
    return error ? absolute.lexically_normal() : name;
}

}  // namespace

Result<void> check_apart(std::string_view option, const std::string& output, std::span<const InUse> others) {
    if (output.empty()) {
        return {};
    }
    struct stat status{};
    const bool exists = ::stat(output.c_str(), &status) == 0;
    if (exists && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        return {};  // writing to a device destroys nothing
    }
    const fs::path name = full_name(output);
    for (const InUse& other : others) {
        if (other.path.empty()) {
            continue;
        }
        struct stat in_use{};
        const bool is_one = ::stat(other.path.c_str(), &in_use) == 0;
        const fs::path folder = full_name(other.path);
        const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), name.begin(), name.end());
        if ((exists && is_one && is_same(status, in_use)) || end == folder.end()) {
            const bool within = end == folder.end() && rest != name.end();
            return fail(ErrorKind::usage, std::string(option) + " " + output + (within ? " lies in " : " is ") +
                                              other.what + " " + other.path + " of this run; choose another place.");
        }
    }
    return {};
}

Result<OutputFile> OutputFile::open(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        if (errno != ENOENT) {
            return refused("write", path, errno, ErrorKind::usage);
        }
        return open_replacement(path);
    }
    if (S_ISDIR(status.st_mode)) {
        return unusable(path, "it is a folder; write the name of a file");
    }
    if (S_ISBLK(status.st_mode)) {
        return unusable(path, "it is a disk, and what is on it would be lost");
    }
    if (S_ISREG(status.st_mode) || S_ISSOCK(status.st_mode)) {
        // Replaced, it would not be where the summary goes any more.
        if (const int stream = standard_stream_to(status); stream >= 0) {
            const int descriptor = ::fcntl(stream, F_DUPFD_CLOEXEC, 0);
            return descriptor >= 0 ? Result<OutputFile>(OutputFile(path, File(descriptor, path)))
                                   : refused("write", path, errno, ErrorKind::usage);
        }
        return S_ISREG(status.st_mode) ? open_replacement(path) : unusable(path, "it is a socket");
    }
    return open_as_it_is(path, status.st_mode);
}

Result<OutputFile> OutputFile::open_replacement(const std::string& path) {
    const Result<std::string> target = behind_links(path);
    if (!target) {
        return tl::make_unexpected(target.error());
    }
    std::error_code error;
    if (!fs::is_directory(parent_of(*target), error)) {
        return error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory
                   ? refused("write", path, error.value(), ErrorKind::usage)
                   : unusable(path, "there is no folder " + parent_of(*target) + "; make it first");
    }
    struct stat status{};
    const bool exists = ::stat(target->c_str(), &status) == 0;
    // A file that is protected against writing is protected against being replaced.
    if (exists && ::faccessat(AT_FDCWD, target->c_str(), W_OK, AT_EACCESS) != 0) {
        return refused("write", path, errno, ErrorKind::usage);
    }
    Result<Partial::WithFile> made = Partial::make_replacement(*target);
    if (!made) {
        return tl::make_unexpected(made.error());
    }
    OutputFile output(path, std::move(made->file));
    output.partial_.emplace(std::move(made->partial));
    if (exists) {
        output.mode_ = status.st_mode & 07777U;
    }
    return output;
}

Result<OutputFile> OutputFile::open_as_it_is(const std::string& path, mode_t type) {
    const auto until = std::chrono::steady_clock::now() + kReaderPatience;
    for (;;) {
        const int descriptor = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (descriptor >= 0) {
            return OutputFile(path, File(descriptor, path));
        }
        if (errno != ENXIO || !S_ISFIFO(type)) {
            return refused("write", path, errno, ErrorKind::usage);
        }
        if (std::chrono::steady_clock::now() > until) {
            return unusable(path, "nobody reads from this pipe; start its reader first");
        }
        std::this_thread::sleep_for(kLook);
    }
}

Result<void> OutputFile::write(std::string_view text) {
    waiting_ += text;
    const std::size_t waiting = waiting_.size() - sent_;
    return waiting < kPieceBytes ? Result<void>{} : send(partial_ ? 0 : kSlowReaderBytes);
}

Result<void> OutputFile::send(std::size_t rest) {
    while (sent_ < waiting_.size() && !reader_gone_) {
        const ssize_t put = ::write(file_.descriptor(), waiting_.data() + sent_, waiting_.size() - sent_);
        if (put >= 0) {
            sent_ += static_cast<std::size_t>(put);
        } else if (errno == EPIPE) {
            reader_gone_ = true;
        } else if (errno == EAGAIN) {
            if (waiting_.size() - sent_ <= rest) {
                return {};
            }
            pollfd ready{file_.descriptor(), POLLOUT, 0};
            ::poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return refused("write", path_, errno, ErrorKind::internal);
        }
    }
    waiting_.clear();
    sent_ = 0;
    return {};
}

Result<void> OutputFile::commit() {
    if (Result<void> sent = send(0); !sent || !partial_) {
        return sent;
    }
    if (mode_) {
        static_cast<void>(::fchmod(file_.descriptor(), *mode_));  // where that does not work it has the usual one
    }
    Result<void> synced = file_.sync();
    return synced ? partial_->publish() : synced;
}

}  // namespace alpha
