#pragma once
/// Files and folders that appear whole or not at all: built under a temporary name beside their
/// own, made durable, then renamed. Each call says in its error which path the system refused and
/// why.

#include "events/bytes.hpp"
#include "events/result.hpp"

#include <string>

namespace alpha {

/// A file descriptor with an owner.
class File {
public:
    static Result<File> open(const std::string& path);
    File(File&& other) noexcept;
    File& operator=(File&& other) noexcept;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File();

    Result<std::uint64_t> size() const;
    /// Reads exactly `n` bytes; a file that ends before is an error.
    Result<void> read_at(std::uint64_t offset, std::uint8_t* to, std::size_t n) const;
    Result<void> write(Bytes bytes);
    /// Makes what was written survive a power cut.
    Result<void> sync();

private:
    friend class Partial;
    File(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}

    int descriptor_ = -1;
    std::string path_;
};

/// Something being built as "PATH.partial-PID-N", where nobody else looks. Removed at the end
/// unless it was given its name. What a process that was killed leaves behind is never touched:
/// another one may still be building there.
class Partial {
public:
    /// Makes the parent folders and an empty folder under the temporary name. Refuses (kind usage)
    /// when `path` exists; `remedy` is what the user can do then.
    static Result<Partial> make_folder(const std::string& path, const std::string& remedy);
    /// The same for a file, open for writing.
    struct WithFile;
    static Result<WithFile> make_file(const std::string& path, const std::string& remedy);

    Partial(Partial&& other) noexcept;
    Partial& operator=(Partial&&) = delete;
    Partial(const Partial&) = delete;
    Partial& operator=(const Partial&) = delete;
    ~Partial();

    /// Where it stands now: the temporary name, or its own once it has that.
    const std::string& where() const { return named_ ? path_ : partial_; }
    /// Gives it its own name, durably. Its contents must be durable. Refuses (kind usage) when
    /// something took the name.
    Result<void> publish();

private:
    Partial(std::string path, std::string partial, std::string remedy)
        : path_(std::move(path)), partial_(std::move(partial)), remedy_(std::move(remedy)) {}

    std::string path_;
    std::string partial_;
    std::string remedy_;
    bool named_ = false;
};

struct Partial::WithFile {
    Partial partial;
    File file;
};

/// Makes the entries of a folder survive a power cut.
Result<void> sync_folder(const std::string& path);

}  // namespace alpha
