#pragma once
/// Who may write a journal: one session at a time, known by name, in a folder of its own. Private to store/.
///
/// The lock (flock) is on the journal's folder itself, so it holds under every name that the folder has or gets: links, bind mounts,
/// renames. Beside it the file "owner" holds the writer's process number, so that whoever is refused is told by whom; it is locked too,
/// for file systems that lock files only. It is there while the journal is being written, and after a crash, when it means nothing.
/// Readers take no lock.

#include "events/result.hpp"
#include "store/disk.hpp"

#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>

namespace rocksdb {
class FileSystem;
}

namespace alpha {

inline constexpr char kOwnerFile[] = "owner";

/// The process that says of itself that it writes the journal at `path`; 0: nobody that is alive does.
pid_t writer_of(const std::string& path);

/// "process 4711 (alpha)", as far as it can be told: "another process" for 0.
std::string name_of_process(pid_t pid);

/// The refusal (kind transient) of whoever finds the journal at `path` being written.
tl::unexpected<Error> in_use(const std::string& path, pid_t writer);

/// Refuses (kind data) a journal's folder that holds a symbolic link, or anything of another user than the folder itself: what alpha
/// did there would happen elsewhere, or be undone by somebody else.
Result<void> check_folder(const std::string& path);

/// The right to write one journal, from take() to the end of this object.
class Owner {
public:
    /// Refuses at once (kind transient) a journal that is being written, by this process or another; (kind data) what check_folder()
    /// refuses, a folder of another user, and an anchor with a second name. The path to the folder may lead through links. `path` must
    /// be a folder. Until settle(), the end of this object leaves the folder as it was found.
    static Result<Owner> take(const std::string& path);
    Owner(Owner&& other) noexcept = default;
    Owner& operator=(Owner&&) = delete;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    ~Owner();

    /// The journal is sound and will be written: folder and files become their owner's alone (0700, 0600).
    Result<void> settle();
    /// Refuses (kind transient) when the folder that was taken is no longer the one at its path. One system call.
    Result<void> check_in_place() const;
    const File& folder() const { return folder_; }

private:
    Owner(std::string path, File folder, dev_t device, ino_t inode);
    Result<void> sign();

    std::string path_;
    File folder_;
    File file_{-1, {}};                  ///< "owner"
    std::optional<std::string> before_;  ///< what stood in it; none: it was not there
    bool settled_ = false;
    pid_t pid_;
    dev_t device_;
    ino_t inode_;
};

/// `files` for what is written into one folder, `path`, open as `folder`: new files are their owner's alone (0600) from the moment they
/// exist, whatever the umask, and never take over what lies there under their name, such as a link. With `pinned`, which needs the
/// machine's own files, names within `path` are looked up in that folder even when it has been moved and something else has its name.
std::shared_ptr<rocksdb::FileSystem> private_files(const std::shared_ptr<rocksdb::FileSystem>& files,
                                                   const std::string& path, const File& folder, bool pinned);

/// What a library says of a file in a pinned folder, with the name the user knows.
std::string with_name(std::string said, const std::string& path);

}  // namespace alpha
