#include "store/owner.hpp"

#include "store/anchor.hpp"
#include "store/machine.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <rocksdb/file_system.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace alpha {

namespace {

namespace fs = std::filesystem;

constexpr char kPinned[] = "/proc/self/fd/";
constexpr std::size_t kMaxOwnerBytes = 64;
/// Between taking the lock and signing, a writer is nobody yet.
constexpr int kLooks = 5;
constexpr std::chrono::milliseconds kLook{2};
constexpr int kMaxTries = 100;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kAnyMode = 07777;

tl::unexpected<Error> refused(const char* what, const std::string& path, int error) {
    return refused_by_system(std::string("Cannot ") + what + " " + path, error, ErrorKind::data);
}

std::string within(const std::string& folder, const std::string& name) {
    return folder + "/" + name;
}

/// A path to the folder behind a descriptor, wherever it is now.
std::string pinned_path(const File& folder) {
    return kPinned + std::to_string(folder.descriptor());
}

std::string text_in(const File& file) {
    std::string text(kMaxOwnerBytes, '\0');
    const ssize_t got = ::pread(file.descriptor(), text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

/// Best effort: on a full disk the next one is told "another process".
void put_text(const File& file, const std::string& text) {
    if (::ftruncate(file.descriptor(), 0) == 0) {
        static_cast<void>(::pwrite(file.descriptor(), text.data(), text.size(), 0) > 0);
    }
}

/// Calls `look` with each entry's name and what it is, no link followed.
template <class Look>
Result<void> look_at_entries(const File& folder, const std::string& path, Look look) {
    std::error_code error;
    fs::directory_iterator at(pinned_path(folder), error);
    if (error) {  // no /proc here
        at = fs::directory_iterator(path, error);
    }
    for (; !error && at != fs::directory_iterator(); at.increment(error)) {
        const std::string name = at->path().filename().string();
        struct stat status{};
        if (::fstatat(folder.descriptor(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT) {  // a writer removed it
                continue;
            }
            return refused("look at", within(path, name), errno);
        }
        if (Result<void> ok = look(name, status); !ok) {
            return ok;
        }
    }
    return error ? refused("look into", path, error.value()) : Result<void>{};
}

Result<void> check_entry(const std::string& path, const std::string& name, const struct stat& status, uid_t user) {
    if (S_ISLNK(status.st_mode)) {
        return fail(ErrorKind::data, "The journal " + path + " holds a link, " + name +
                                         "; none is followed inside a journal. Put the file itself in its place.");
    }
    if (status.st_uid != user) {
        return fail(ErrorKind::data,
                    "The journal " + path + " holds " + name + ", which belongs to another user (uid " +
                        std::to_string(status.st_uid) + "). Find out who put it there; chown gives it back.",
                    ErrorCode::not_permitted);
    }
    return {};
}

Result<void> check_entries(const File& folder, const std::string& path, uid_t user) {
    return look_at_entries(folder, path, [&](const std::string& name, const struct stat& status) -> Result<void> {
        if (Result<void> ok = check_entry(path, name, status, user); !ok) {
            return ok;
        }
        // The one file that is written in place: under a second name it is another journal's too.
        if (name == kAnchorFile && status.st_nlink > 1) {
            return fail(ErrorKind::data, "The anchor of the journal " + path +
                                             " has a second name (a hard link), so another journal would change with "
                                             "it. Copy the journal's files instead of linking them.");
        }
        return {};
    });
}

Result<void> narrow(const File& folder, const std::string& path, const std::string& name) {
    const std::string full = within(path, name);
    const File file(::openat(folder.descriptor(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), full);
    struct stat status{};
    if (file.descriptor() < 0 || ::fstat(file.descriptor(), &status) != 0 ||
        ::fchmod(file.descriptor(), status.st_mode & kFileMode) != 0) {
        return refused("keep to its owner", full, errno);
    }
    return {};
}

}  // namespace

pid_t writer_of(const std::string& path) {
    const std::string name = within(path, kOwnerFile);
    const File file(::open(name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), name);
    if (file.descriptor() < 0) {
        return 0;
    }
    const std::string text = text_in(file);
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    const bool alive = pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM);
    return alive ? pid : 0;
}

std::string name_of_process(pid_t pid) {
    if (pid <= 0) {
        return "another process";
    }
    const std::string name = "process " + std::to_string(pid);
    const std::string comm = "/proc/" + std::to_string(pid) + "/comm";
    const File file(::open(comm.c_str(), O_RDONLY | O_CLOEXEC), comm);
    std::string program = file.descriptor() >= 0 ? text_in(file) : "";
    program.erase(std::ranges::find(program, '\n'), program.end());
    return program.empty() ? name : name + " (" + program + ")";
}

tl::unexpected<Error> in_use(const std::string& path, pid_t writer) {
    return fail(ErrorKind::transient,
                "The journal " + path + " is being written by " + name_of_process(writer) +
                    "; only one can at a time. End that one first, or choose another --journal.",
                ErrorCode::in_use);
}

Result<void> check_folder(const std::string& path) {
    const File folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), path);
    struct stat status{};
    if (folder.descriptor() < 0 || ::fstat(folder.descriptor(), &status) != 0) {
        return refused("open", path, errno);
    }
    return look_at_entries(folder, path, [&](const std::string& name, const struct stat& entry) {
        return check_entry(path, name, entry, status.st_uid);
    });
}

Owner::Owner(std::string path, File folder, dev_t device, ino_t inode)
    : path_(std::move(path)), folder_(std::move(folder)), pid_(::getpid()), device_(device), inode_(inode) {}

Result<Owner> Owner::take(const std::string& path) {
    File folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), path);
    struct stat status{};
    if (folder.descriptor() < 0 || ::fstat(folder.descriptor(), &status) != 0) {
        return refused("open", path, errno);
    }
    // Where folders cannot be locked (NFS), the file alone must do.
    if (::flock(folder.descriptor(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        pid_t writer = writer_of(path);
        for (int i = 1; i < kLooks && writer == 0; ++i) {
            std::this_thread::sleep_for(kLook);
            writer = writer_of(path);
        }
        return in_use(path, writer);
    }
    if (status.st_uid != ::geteuid()) {
        return fail(ErrorKind::data,
                    "The journal " + path + " belongs to another user (uid " + std::to_string(status.st_uid) +
                        "); only that one can write it.",
                    ErrorCode::not_permitted);
    }
    if (Result<void> ok = check_entries(folder, path, status.st_uid); !ok) {
        return tl::make_unexpected(ok.error());
    }
    Owner owner(path, std::move(folder), status.st_dev, status.st_ino);
    if (Result<void> ok = owner.sign(); !ok) {
        return tl::make_unexpected(ok.error());
    }
    return owner;
}

Result<void> Owner::sign() {
    const std::string name = within(path_, kOwnerFile);
    for (int i = 0; i < kMaxTries; ++i) {
        constexpr int kHow = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
        bool was_there = false;
        File file(::openat(folder_.descriptor(), kOwnerFile, kHow | O_CREAT | O_EXCL, kFileMode), name);
        if (file.descriptor() < 0 && errno == EEXIST) {
            was_there = true;
            file = File(::openat(folder_.descriptor(), kOwnerFile, kHow), name);
            if (file.descriptor() < 0 && errno == ENOENT) {
                continue;
            }
        }
        struct stat opened{};
        if (file.descriptor() < 0 || ::fstat(file.descriptor(), &opened) != 0) {
            return refused("write", name, errno);
        }
        if (!S_ISREG(opened.st_mode) || static_cast<std::size_t>(opened.st_size) > kMaxOwnerBytes) {
            return fail(ErrorKind::data, name + " is not what a writer puts there; remove it.");
        }
        if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
            return errno == EWOULDBLOCK ? in_use(path_, writer_of(path_)) : refused("lock", name, errno);
        }
        // Whoever ended in between has removed it: what is locked must be what the next one finds.
        struct stat named{};
        if (::fstatat(folder_.descriptor(), kOwnerFile, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
            named.st_ino != opened.st_ino) {
            continue;
        }
        if (was_there) {
            before_ = text_in(file);
        } else {
            static_cast<void>(::fchmod(file.descriptor(), kFileMode));  // the umask may have left it less
        }
        put_text(file, std::to_string(pid_) + "\n");
        file_ = std::move(file);
        return {};
    }
    return refused("lock", name, EAGAIN);
}

Owner::~Owner() {
    if (file_.descriptor() >= 0 && ::getpid() == pid_) {  // a child that was forked has the descriptors, not the right
        if (before_ && !settled_) {
            put_text(file_, *before_);
        } else {
            static_cast<void>(::unlinkat(folder_.descriptor(), kOwnerFile, 0));
        }
        // Closing would not do where a child holds them open.
        ::flock(file_.descriptor(), LOCK_UN);
        ::flock(folder_.descriptor(), LOCK_UN);
    }
}

Result<void> Owner::settle() {
    if (::fchmod(folder_.descriptor(), kFolderMode) != 0) {
        return refused("keep to its owner", path_, errno);
    }
    settled_ = true;
    // Again: until now others may have been able to put something there.
    if (Result<void> ok = check_entries(folder_, path_, ::geteuid()); !ok) {
        return ok;
    }
    return look_at_entries(folder_, path_, [&](const std::string& name, const struct stat& status) {
        const bool is_wide = S_ISREG(status.st_mode) && (status.st_mode & kAnyMode & ~kFileMode) != 0;
        return is_wide ? narrow(folder_, path_, name) : Result<void>{};
    });
}

Result<void> Owner::check_in_place() const {
    struct stat now{};
    if (::stat(path_.c_str(), &now) == 0 && now.st_dev == device_ && now.st_ino == inode_) {
        return {};
    }
    return fail(ErrorKind::transient,
                "The journal " + path_ +
                    " is no longer where it was: its folder was moved, replaced or removed while it was being written. "
                    "Nothing more is acknowledged; what was committed is in the folder that was opened. Put that one "
                    "back, then start again.",
                ErrorCode::moved);
}

// ---- files for their owner alone --------------------------------------------------------------------------------------

namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class PrivateFiles final : public rocksdb::FileSystemWrapper {
public:
    PrivateFiles(const std::shared_ptr<rocksdb::FileSystem>& files, std::string path, File folder, bool pinned)
        : FileSystemWrapper(files), path_(std::move(path)), folder_(std::move(folder)) {
        struct stat here{};
        struct stat there{};
        while (path_.size() > 1 && path_.back() == '/') {
            path_.pop_back();
        }
        const std::string at = pinned_path(folder_);
        const bool leads_there = ::stat(at.c_str(), &there) == 0 && ::fstat(folder_.descriptor(), &here) == 0 &&
                                 here.st_dev == there.st_dev && here.st_ino == there.st_ino;
        base_ = pinned && leads_there ? at : path_;
    }
    const char* Name() const override { return "AlphaPrivateFiles"; }

    IOStatus NewWritableFile(const std::string& name, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
        make_anew(name);
        return target_->NewWritableFile(at(name), options, file, debug);
    }
    IOStatus ReopenWritableFile(const std::string& name, const FileOptions& options,
                                std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
        make_if_missing(name);
        return target_->ReopenWritableFile(at(name), options, file, debug);
    }
    IOStatus ReuseWritableFile(const std::string& name, const std::string& old_name, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
        return target_->ReuseWritableFile(at(name), at(old_name), options, file, debug);
    }
    IOStatus LockFile(const std::string& name, const IOOptions& options, rocksdb::FileLock** lock,
                      IODebugContext* debug) override {
        make_if_missing(name);
        return target_->LockFile(at(name), options, lock, debug);
    }

    // The rest is where names lead.
    IOStatus NewSequentialFile(const std::string& name, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext* debug) override {
        return target_->NewSequentialFile(at(name), options, file, debug);
    }
    IOStatus NewRandomAccessFile(const std::string& name, const FileOptions& options,
                                 std::unique_ptr<rocksdb::FSRandomAccessFile>* file, IODebugContext* debug) override {
        return target_->NewRandomAccessFile(at(name), options, file, debug);
    }
    IOStatus NewRandomRWFile(const std::string& name, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSRandomRWFile>* file, IODebugContext* debug) override {
        return target_->NewRandomRWFile(at(name), options, file, debug);
    }
    IOStatus NewDirectory(const std::string& name, const IOOptions& options,
                          std::unique_ptr<rocksdb::FSDirectory>* folder, IODebugContext* debug) override {
        return target_->NewDirectory(at(name), options, folder, debug);
    }
    IOStatus FileExists(const std::string& name, const IOOptions& options, IODebugContext* debug) override {
        return target_->FileExists(at(name), options, debug);
    }
    IOStatus GetChildren(const std::string& name, const IOOptions& options, std::vector<std::string>* children,
                         IODebugContext* debug) override {
        return target_->GetChildren(at(name), options, children, debug);
    }
    IOStatus GetChildrenFileAttributes(const std::string& name, const IOOptions& options,
                                       std::vector<rocksdb::FileAttributes>* children, IODebugContext* debug) override {
        return target_->GetChildrenFileAttributes(at(name), options, children, debug);
    }
    IOStatus DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) override {
        return target_->DeleteFile(at(name), options, debug);
    }
    IOStatus Truncate(const std::string& name, std::size_t size, const IOOptions& options,
                      IODebugContext* debug) override {
        return target_->Truncate(at(name), size, options, debug);
    }
    IOStatus CreateDirIfMissing(const std::string& name, const IOOptions& options, IODebugContext* debug) override {
        return target_->CreateDirIfMissing(at(name), options, debug);
    }
    IOStatus GetFileSize(const std::string& name, const IOOptions& options, std::uint64_t* size,
                         IODebugContext* debug) override {
        return target_->GetFileSize(at(name), options, size, debug);
    }
    IOStatus GetFileModificationTime(const std::string& name, const IOOptions& options, std::uint64_t* time,
                                     IODebugContext* debug) override {
        return target_->GetFileModificationTime(at(name), options, time, debug);
    }
    IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                        IODebugContext* debug) override {
        return target_->RenameFile(at(from), at(to), options, debug);
    }
    IOStatus GetFreeSpace(const std::string& name, const IOOptions& options, std::uint64_t* free,
                          IODebugContext* debug) override {
        return target_->GetFreeSpace(at(name), options, free, debug);
    }
    IOStatus IsDirectory(const std::string& name, const IOOptions& options, bool* is_folder,
                         IODebugContext* debug) override {
        return target_->IsDirectory(at(name), options, is_folder, debug);
    }

private:
    bool is_inside(const std::string& name) const {
        return name.starts_with(path_) && (name.size() == path_.size() || name[path_.size()] == '/');
    }
    /// What a name within the folder is called there; empty: it lies elsewhere, or is the folder.
    std::string entry_of(const std::string& name) const {
        const std::size_t from = is_inside(name) ? name.find_first_not_of('/', path_.size()) : std::string::npos;
        return from == std::string::npos ? "" : name.substr(from);
    }
    std::string at(const std::string& name) const {
        const std::string entry = entry_of(name);
        return !entry.empty() ? within(base_, entry) : is_inside(name) ? base_ : name;
    }
    /// An empty file of our own, so that the one who opens it next makes none that others may read. What goes wrong here goes wrong
    /// there again, and is told.
    bool make(const std::string& entry) const {
        const File file(::openat(folder_.descriptor(), entry.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode),
                        entry);
        return file.descriptor() >= 0 && ::fchmod(file.descriptor(), kFileMode) == 0;
    }
    void make_if_missing(const std::string& name) const {
        if (const std::string entry = entry_of(name); !entry.empty()) {
            static_cast<void>(make(entry));
        }
    }
    /// What a crash left under the name goes, rather than being written over: it could be a link, or open to others.
    void make_anew(const std::string& name) const {
        const std::string entry = entry_of(name);
        if (!entry.empty() && !make(entry) && errno == EEXIST &&
            ::unlinkat(folder_.descriptor(), entry.c_str(), 0) == 0) {
            static_cast<void>(make(entry));
        }
    }

    std::string path_;
    std::string base_;  // where names within path_ are looked up
    File folder_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> private_files(const std::shared_ptr<rocksdb::FileSystem>& files,
                                                   const std::string& path, const File& folder, bool pinned) {
    // Opened anew: a lock on `folder` ends with its owner, whoever still holds these files.
    File own(::openat(folder.descriptor(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), path);
    return std::make_shared<PrivateFiles>(files, path, std::move(own), pinned);
}

std::string with_name(std::string said, const std::string& path) {
    const std::string_view pinned(kPinned);
    for (std::size_t from = said.find(pinned); from != std::string::npos; from = said.find(pinned, from)) {
        const std::size_t end = std::min(said.find_first_not_of("0123456789", from + pinned.size()), said.size());
        said.replace(from, end - from, path);
        from += path.size();
    }
    return said;
}

}  // namespace alpha
