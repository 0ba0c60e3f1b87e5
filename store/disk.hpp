#pragma once
/// Files and folders, and the one place where files for the user are written. What alpha writes appears whole or not at all: built
/// under a temporary name beside its own, then renamed. Each call says in its error which path the system refused and why
/// (store/machine.hpp).

#include "events/bytes.hpp"
#include "events/result.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace alpha {

/// A file descriptor with an owner.
class File {
public:
    /// For reading. Never waits: a pipe is opened whether or not somebody writes to it, and size() refuses it.
    static Result<File> open(const std::string& path);
    /// Takes the descriptor over.
    File(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
    File(File&& other) noexcept;
    File& operator=(File&& other) noexcept;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File();

    /// Refuses (kind data) what is no regular file.
    Result<std::uint64_t> size() const;
    /// Reads exactly `n` bytes; a file that ends before is an error.
    Result<void> read_at(std::uint64_t offset, std::uint8_t* to, std::size_t n) const;
    Result<void> write(Bytes bytes);
    /// Makes what was written survive a power cut.
    Result<void> sync();
    int descriptor() const { return descriptor_; }
    const std::string& path() const { return path_; }

private:
    int descriptor_ = -1;
    std::string path_;
};

/// The whole of a regular file of at most so many bytes; of a larger one so many and one more.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

/// Whether something is there. Where that may not be looked at (kind usage) nothing is said to be absent.
Result<bool> is_there(const std::string& path);

/// Something being built as "PATH.partial-PID-N", where nobody else looks. Removed at the end unless it was given its name. As long as
/// it is being built it is locked (flock): what a process that was killed left behind is not, and the next one that builds
/// something of that name removes it.
class Partial {
public:
    /// Makes the parent folders and an empty folder under the temporary name, its owner's alone (0700). Refuses when `path` exists (kind usage; `remedy` is
    /// what the user can do then) or somebody else is building it (kind transient).
    static Result<Partial> make_folder(const std::string& path, const std::string& remedy);
    /// The same in a folder that exists and whose lock is the caller's: nobody else takes names there, so none is waited for.
    static Result<Partial> make_folder_within(const std::string& path, const std::string& remedy);
    /// The same as `stem` and the first number from 1 on that neither exists nor is being built. Of any number of processes that ask
    /// at once each gets its own.
    static Result<Partial> make_numbered_folder(const std::string& stem);
    /// As make_folder for a file, open for writing, its owner's alone (0600).
    struct WithFile;
    static Result<WithFile> make_file(const std::string& path, const std::string& remedy);
    /// The same for a file that takes the place of the one that is there, if any, and that the umask says who may read. The parent
    /// folder must exist.
    static Result<WithFile> make_replacement(const std::string& path);

    Partial(Partial&& other) noexcept;
    Partial& operator=(Partial&&) = delete;
    Partial(const Partial&) = delete;
    Partial& operator=(const Partial&) = delete;
    ~Partial();

    /// Where it stands now: the temporary name, or its own once it has that.
    const std::string& where() const { return named_ ? path_ : partial_; }
    /// The name it will have.
    const std::string& path() const { return path_; }
    /// Of a folder that has not got its name yet: that folder, open.
    const File& folder() const { return *lock_; }
    /// Gives it its own name, durably, and unlocks it. Its contents must be durable. Refuses (kind usage) when something took the
    /// name that is not to be replaced, and (kind transient) when the folder that was being built is no longer under its temporary name.
    Result<void> publish();

private:
    Partial(std::string path, std::string partial, std::string remedy, std::optional<File> lock);

    std::string path_;
    std::string partial_;
    std::string remedy_;  ///< empty: what has its name is replaced
    bool named_ = false;
    std::optional<File> lock_;  ///< of a folder; a file is locked by its own descriptor
};

struct Partial::WithFile {
    Partial partial;
    File file;
};

/// Removes whatever this process has not finished building: for the last moments of one that cannot unwind.
void remove_unfinished() noexcept;

/// What a run reads or builds.
struct InUse {
    std::string what;  ///< "the scenario"
    std::string path;
};
/// Refuses (kind usage) an output that is one of these files under whatever name, or that lies in one of these folders. `option` is
/// where the user named it. An empty path is none.
Result<void> check_apart(std::string_view option, const std::string& output, std::span<const InUse> others);

/// A file for the user, under the name he gave. Through links it is written to what they lead to. A pipe, a terminal or a device is
/// written as it is, while the text comes: a reader that goes away is no error (where SIGPIPE is ignored), one that is slow holds the
/// writer up only once kSlowReaderBytes wait for it. Any other file is replaced by commit() as a whole, and left as it was without it.
class OutputFile {
public:
    static constexpr std::size_t kSlowReaderBytes = 16U << 20U;

    /// Refuses what cannot be written before anything is. For the reader of a pipe it waits some seconds.
    static Result<OutputFile> open(const std::string& path);

    /// Collects the text and writes it in large pieces.
    Result<void> write(std::string_view text);
    Result<void> commit();

private:
    OutputFile(std::string path, File file) : path_(std::move(path)), file_(std::move(file)) {}
    static Result<OutputFile> open_replacement(const std::string& path);
    static Result<OutputFile> open_as_it_is(const std::string& path, mode_t type);

    /// Writes until at most `rest` bytes are left.
    Result<void> send(std::size_t rest);

    std::string path_;
    File file_;
    std::optional<Partial> partial_;  ///< of a file that is replaced
    std::optional<mode_t> mode_;      ///< of the one that was there
    std::string waiting_;
    std::size_t sent_ = 0;  ///< of what waits
    bool reader_gone_ = false;
};

/// Makes the entries of a folder survive a power cut.
Result<void> sync_folder(const std::string& path);

}  // namespace alpha
