#include "runtime/meeting_place.hpp"

#include "store/machine.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace alpha {

namespace {

constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;
constexpr int kWaitingToBeHeard = 128;
/// How often a socket of our own is cleared away that is there again at once.
constexpr int kAttempts = 3;

/// A folder that was opened, and the socket's name in it.
struct Place {
    File folder;
    std::string name;
    std::string where;  ///< both, for messages
    File journal{
        -1, ""};  ///< where it is named after its number: as long as this is open, no other folder gets that number
};

std::optional<struct stat> status_of(int descriptor) {
    struct stat status{};
    return ::fstat(descriptor, &status) == 0 ? std::optional(status) : std::nullopt;
}

std::optional<struct stat> status_at(const Place& place) {
    struct stat status{};
    return ::fstatat(place.folder.descriptor(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0
               ? std::optional(status)
               : std::nullopt;
}

File open_folder(const std::string& path) {
    return {::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), path};
}

/// Where a session of the journal may be, in the order in which both sides try.
std::vector<Place> places_of(const std::string& path) {
    std::vector<Place> places;
    File folder = open_folder(path);
    const std::optional<struct stat> journal = status_of(folder.descriptor());
    if (!journal) {
        return places;
    }
    places.push_back({std::move(folder), kControlSocket, path + "/" + kControlSocket});
    const char* const runtime = std::getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe): nobody here sets one
    if (runtime == nullptr || *runtime != '/') {
        return places;
    }
    File own = open_folder(runtime);
    const std::optional<struct stat> status = status_of(own.descriptor());
    // Where others may write, others may take the name.
    if (status && status->st_uid == ::geteuid() && (status->st_mode & kOthers) == 0) {
        std::string name = fmt::format("alpha-{:x}-{:x}.sock", journal->st_dev, journal->st_ino);
        std::string where = fmt::format("{}/{}", runtime, name);
        places.push_back({std::move(own), std::move(name), std::move(where), open_folder(path)});
    }
    return places;
}

/// The address of a place. Through /proc it is that of the folder that was opened, and short; without /proc, its path must do.
std::optional<sockaddr_un> address_of(const Place& place) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string folder = fmt::format("/proc/self/fd/{}", place.folder.descriptor());
    const std::string path = ::access(folder.c_str(), F_OK) == 0 ? folder + "/" + place.name : place.where;
    if (path.size() >= sizeof address.sun_path) {
        return std::nullopt;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

tl::unexpected<Error> no_place(const Place& place, const std::string& why) {
    return fail(ErrorKind::usage, fmt::format("{}: {}", place.where, why));
}

const char* kind_of_file(mode_t mode) {
    return S_ISSOCK(mode)   ? "a socket of another user"
           : S_ISLNK(mode)  ? "a link"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISDIR(mode)  ? "a folder"
                            : "a file";
}

/// Clears a dead session's socket away; anything else is left alone.
Result<void> clear(const Place& place) {
    const std::optional<struct stat> there = status_at(place);
    if (!there) {
        return {};
    }
    if (!S_ISSOCK(there->st_mode) || there->st_uid != ::geteuid()) {
        return no_place(place, fmt::format("{} lies where the session's own socket belongs; remove it",
                                           kind_of_file(there->st_mode)));
    }
    if (::unlinkat(place.folder.descriptor(), place.name.c_str(), 0) != 0 && errno != ENOENT) {
        return no_place(place, fmt::format("the socket of an earlier session cannot be removed: {}", reason_of(errno)));
    }
    return {};
}

/// A socket that lies at the place, and listens.
Result<File> bind_at(const Place& place) {
    const std::optional<sockaddr_un> address = address_of(place);
    if (!address) {
        return no_place(place, "its path is too long for a socket, and there is no /proc to shorten it");
    }
    File listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), place.where);
    // Linux makes the file with the socket's own mode: nobody else can connect, not for a moment.
    if (listener.descriptor() < 0 || ::fchmod(listener.descriptor(), kOwnerOnly) != 0) {
        return no_place(place, reason_of(errno));
    }
    const auto bind = [&] {
        return ::bind(listener.descriptor(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0;
    };
    bool bound = bind();
    for (int attempt = 1; !bound && errno == EADDRINUSE && attempt < kAttempts; ++attempt) {
        if (Result<void> cleared = clear(place); !cleared) {
            return tl::unexpected(cleared.error());
        }
        bound = bind();
    }
    if (!bound) {
        return no_place(place, reason_of(errno));
    }
    return listener;
}

}  // namespace

bool is_trusted(int descriptor) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == ::geteuid() || peer.uid == 0);
}

MeetingPlace::MeetingPlace(File folder, std::string name, File journal, File listener, dev_t device, ino_t inode)
    : folder_(std::move(folder)),
      name_(std::move(name)),
      journal_(std::move(journal)),
      listener_(std::move(listener)),
      device_(device),
      inode_(inode) {}

MeetingPlace::~MeetingPlace() {
    struct stat there{};
    if (folder_.descriptor() >= 0 && listener_.descriptor() >= 0 &&
        ::fstatat(folder_.descriptor(), name_.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_dev == device_ &&
        there.st_ino == inode_) {
        ::unlinkat(folder_.descriptor(), name_.c_str(), 0);
    }
}

Result<MeetingPlace> MeetingPlace::take(const std::string& path) {
    std::string in_the_way;
    for (Place& place : places_of(path)) {
        Result<File> listener = bind_at(place);
        if (!listener) {
            in_the_way += (in_the_way.empty() ? "" : "; ") + listener.error().message;
            continue;
        }
        const std::optional<struct stat> made = status_at(place);
        if (!made || !S_ISSOCK(made->st_mode) || made->st_uid != ::geteuid()) {
            in_the_way += fmt::format("{}{}: somebody else has just taken this name", in_the_way.empty() ? "" : "; ",
                                      place.where);
            continue;
        }
        MeetingPlace taken(std::move(place.folder), place.name, std::move(place.journal), std::move(*listener),
                           made->st_dev, made->st_ino);
        // A umask can only have taken rights away; a file system that gives more than was asked for serves nobody.
        const bool is_open_to_others = (made->st_mode & kOthers) != 0;
        if (is_open_to_others || ::fchmodat(taken.folder_.descriptor(), taken.name_.c_str(), kOwnerOnly, 0) != 0 ||
            ::listen(taken.descriptor(), kWaitingToBeHeard) != 0) {
            in_the_way += fmt::format("{}{}: {}", in_the_way.empty() ? "" : "; ", place.where,
                                      is_open_to_others ? "its file system lets everybody in" : reason_of(errno));
            continue;
        }
        taken.detour_ = std::move(in_the_way);
        return taken;
    }
    return fail(ErrorKind::usage,
                in_the_way.empty() ? fmt::format("{}: is not there to listen for", path) : in_the_way);
}

Result<File> call_session(const std::string& path, std::chrono::milliseconds patience) {
    Error refused{ErrorKind::usage, fmt::format("{}: no session runs there", path)};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience);
    const timeval limit{seconds.count(), std::chrono::microseconds(patience - seconds).count()};
    for (const Place& place : places_of(path)) {
        // What is no socket is not followed: a link could lead to another session.
        const std::optional<struct stat> there = status_at(place);
        const std::optional<sockaddr_un> address = there && S_ISSOCK(there->st_mode) ? address_of(place) : std::nullopt;
        if (!address) {
            continue;
        }
        File socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), place.where);
        if (socket.descriptor() < 0) {
            return refused_by_system(path, errno, ErrorKind::internal);
        }
        // Where nobody is let in any more, connect waits; this bounds it.
        ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        if (::connect(socket.descriptor(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
            if (errno == EAGAIN || errno == EINTR) {
                return fail(
                    ErrorKind::transient,
                    fmt::format("{}: its session lets nobody in; it may be busy, or stopped. Ask again.", path));
            }
            if (errno == EACCES || errno == EPERM) {
                refused.message = fmt::format("{}: its session is another user's", path);
            }
            continue;
        }
        if (is_trusted(socket.descriptor())) {
            return socket;
        }
        refused.message = fmt::format("{}: its session is another user's", path);
    }
    return tl::unexpected(refused);
}

}  // namespace alpha
