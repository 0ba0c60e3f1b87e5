#pragma once
/// The bytes of a file, unpacked on the way: plain, gzip, zstd or a zip archive of one file, told apart by how the file
/// begins and never by its name. UTF-16 becomes UTF-8. Memory is constant: one block of the file at a time and the
/// decompressor's window.

#include "events/result.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace alpha {

class ByteSource {
public:
    virtual ~ByteSource() = default;
    /// Fills the front of `into`, which is not empty, and says how many bytes it wrote: 0 at the
    /// end, and only there. A file that is cut short or corrupt is refused (kind data) once what
    /// precedes the damage was given out.
    virtual Result<std::size_t> read(std::span<char> into) = 0;
    /// Whether read() has something to give, be it the end. A file always has; of a sender (adapters/data/stream.hpp) what is
    /// not there yet may not be read.
    virtual bool is_ready() { return true; }
    /// Bytes of the file itself, as stored, read so far and in all.
    virtual std::uint64_t consumed() const = 0;
    virtual std::uint64_t file_bytes() const = 0;
    /// Of a text that was made of a file's: where the line of that number comes from. Without a file's name: it is the file's own.
    virtual ErrorPlace origin(std::uint64_t /*line*/) const { return {}; }
};

/// Opens a regular file; `path` is also its name in messages. Refuses (kind data) what is missing
/// or cannot be read, and an archive of several files.
Result<std::unique_ptr<ByteSource>> open_bytes(const std::string& path);

/// The names of the files in a zip archive, sorted, without those that a desktop leaves in it; empty where the file is no zip archive.
/// Refuses (kind data) what cannot be read.
Result<std::vector<std::string>> files_in_zip(const std::string& path);
/// Opens one of them.
Result<std::unique_ptr<ByteSource>> open_in_zip(const std::string& path, const std::string& file);

}  // namespace alpha
