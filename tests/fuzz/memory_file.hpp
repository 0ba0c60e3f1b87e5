#pragma once
/// A file of a fuzzer's bytes.

#include "events/assert.hpp"
#include "events/bytes.hpp"

#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace alpha::fuzz {

/// A file that lies in memory and has a path.
class MemoryFile {
public:
    explicit MemoryFile(Bytes bytes) : descriptor_(::memfd_create("alpha-fuzz", MFD_CLOEXEC)) {
        ALPHA_ASSERT(descriptor_ >= 0, "no memory file could be made");
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        ALPHA_ASSERT(written == static_cast<ssize_t>(bytes.size()), "a memory file could not be written");
    }
    ~MemoryFile() { static_cast<void>(::close(descriptor_)); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

private:
    int descriptor_;
};

}  // namespace alpha::fuzz
