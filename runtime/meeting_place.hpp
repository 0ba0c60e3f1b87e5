#pragma once
/// Where a session and those who ask it meet: a Unix socket in the journal's folder, `control.sock`.
///
/// Where that folder cannot hold one (its file system has no sockets, or something that is not ours lies at the name), it lies in
/// XDG_RUNTIME_DIR, named after the folder's device and inode. Its mode is 0600 from its first moment on, whatever the umask.
/// Both sides reach it through the folder they have opened: paths of any length serve, and a folder that is renamed takes its
/// socket along.

#include "events/result.hpp"
#include "store/disk.hpp"

#include <chrono>
#include <string>
#include <sys/types.h>

namespace alpha {

/// The name of the socket in a journal's folder.
inline constexpr const char* kControlSocket = "control.sock";

/// Whether the other side of a connected Unix socket is a process of our user or of root.
bool is_trusted(int descriptor);

/// A session's own socket, which listens; removed at the end, if it is still this one that lies there. Movable.
class MeetingPlace {
public:
    /// Makes the socket of the journal at `path`. The caller holds the journal's lock: so a socket of our user that lies there
    /// is what a killed session left, and is replaced. Anything else at the name is left alone. The error (kind usage) says, for
    /// each place, what is in its way.
    static Result<MeetingPlace> take(const std::string& path);

    MeetingPlace(MeetingPlace&&) noexcept = default;
    MeetingPlace& operator=(MeetingPlace&&) = delete;
    MeetingPlace(const MeetingPlace&) = delete;
    MeetingPlace& operator=(const MeetingPlace&) = delete;
    ~MeetingPlace();

    /// Listens; its calls do not wait, and programs that are started do not inherit it. Stays this object's.
    int descriptor() const { return listener_.descriptor(); }
    /// Where it lies, for messages.
    const std::string& where() const { return listener_.path(); }
    /// Why it does not lie in the journal's folder; empty: it does.
    const std::string& detour() const { return detour_; }

private:
    MeetingPlace(File folder, std::string name, File journal, File listener, dev_t device, ino_t inode);

    File folder_;
    std::string name_;
    File journal_;  // kept open
    File listener_;
    std::string detour_;
    dev_t device_;
    ino_t inode_;
};

/// A connection to the session at the journal, whose process is of our user or of root. Refuses (kind usage) a journal at which
/// none runs or another user's does, and (kind transient) one that lets nobody in within `patience`.
Result<File> call_session(const std::string& path, std::chrono::milliseconds patience);

}  // namespace alpha
