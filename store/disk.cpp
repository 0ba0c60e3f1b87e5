#include "store/disk.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace alpha {

namespace {

namespace fs = std::filesystem;

constexpr int kMaxNameTries = 1'000;

tl::unexpected<Error> refused(const char* what, const std::string& path, int error) {
    return fail(ErrorKind::data,
                std::string("Cannot ") + what + " " + path + ": " + std::generic_category().message(error) + ".");
}

tl::unexpected<Error> exists_already(const std::string& path, const std::string& remedy) {
    return fail(ErrorKind::usage, path + " exists already: " + remedy + ".");
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

/// Calls `make` with one temporary name after the other until it succeeds. `make` returns 0 or an
/// errno.
template <class Make>
Result<std::string> make_partial(const std::string& path, const std::string& remedy, Make make) {
    std::error_code error;
    // A dangling link is something, too: what it points to is not ours to make.
    if (fs::exists(fs::symlink_status(path, error))) {
        return exists_already(path, remedy);
    }
    fs::create_directories(parent_of(path), error);
    if (error) {
        return refused("make the folder", parent_of(path), error.value());
    }
    for (int i = 0; i < kMaxNameTries; ++i) {
        std::string partial = path + ".partial-" + std::to_string(::getpid()) + "-" + std::to_string(i);
        const int status = make(partial);
        if (status == 0) {
            return partial;
        }
        if (status != EEXIST) {
            return refused("make", partial, status);
        }
    }
    return refused("find a free temporary name for", path, EEXIST);
}

}  // namespace

// ---- File -------------------------------------------------------------------------------------------------------------

Result<File> File::open(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
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
            return fail(ErrorKind::data, path_ + " is cut short.");
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

// ---- Partial ------------------------------------------------------------------------------------------------------------

Result<Partial> Partial::make_folder(const std::string& wanted, const std::string& remedy) {
    const std::string path = trimmed(wanted);
    Result<std::string> partial = make_partial(
        path, remedy, [](const std::string& name) { return ::mkdir(name.c_str(), 0777) == 0 ? 0 : errno; });
    if (!partial) {
        return tl::make_unexpected(partial.error());
    }
    return Partial(path, std::move(*partial), remedy);
}

Result<Partial::WithFile> Partial::make_file(const std::string& path, const std::string& remedy) {
    int descriptor = -1;
    Result<std::string> partial = make_partial(path, remedy, [&](const std::string& name) {
        descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        return descriptor >= 0 ? 0 : errno;
    });
    if (!partial) {
        return tl::make_unexpected(partial.error());
    }
    File file(descriptor, *partial);
    return WithFile{Partial(path, std::move(*partial), remedy), std::move(file)};
}

Partial::Partial(Partial&& other) noexcept
    : path_(std::move(other.path_)),
      partial_(std::exchange(other.partial_, {})),
      remedy_(std::move(other.remedy_)),
      named_(other.named_) {}

Partial::~Partial() {
    if (!named_ && !partial_.empty()) {
        std::error_code ignored;  // nobody is left to tell; the name says what it is
        fs::remove_all(partial_, ignored);
    }
}

Result<void> Partial::publish() {
    // Where the file system cannot promise not to replace, an ordinary rename must do: a folder
    // with something in it is never replaced, and make_partial has looked for a file.
    int status = ::renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE);
    if (status != 0 && (errno == EINVAL || errno == ENOSYS)) {
        status = ::rename(partial_.c_str(), path_.c_str());
    }
    if (status != 0) {
        const int error = errno;
        return error == EEXIST || error == ENOTEMPTY ? exists_already(path_, remedy_)
                                                     : refused("give its name to", path_, error);
    }
    named_ = true;
    return sync_folder(parent_of(path_));
}

}  // namespace alpha
