#pragma once
/// Room on the disk of a journal, and what is written there beside it. Private to store/.

#include "events/result.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace rocksdb {
class FileSystem;
}

namespace alpha {

/// Stops a writer while there is still room to end cleanly. Any thread.
class DiskSpace {
public:
    DiskSpace(std::shared_ptr<rocksdb::FileSystem> files, std::string path, std::uint64_t floor_bytes)
        : files_(std::move(files)), path_(std::move(path)), floor_bytes_(floor_bytes) {}

    /// Refuses (kind transient) when less than the floor would be free beside what is yet to be written.
    Result<void> check(std::uint64_t unwritten_bytes) const;

private:
    std::shared_ptr<rocksdb::FileSystem> files_;
    std::string path_;
    std::uint64_t floor_bytes_;
};

/// Room set aside while a journal is being written, given back when the disk is full so that it can be closed. A comfort, not a
/// promise: where it cannot be had, the floor alone must do.
void make_ballast(rocksdb::FileSystem& files, const std::string& folder);
void drop_ballast(rocksdb::FileSystem& files, const std::string& folder);

/// RocksDB notes its options beside every database that it opens, 24 KB each, for tools that alpha does not use. Under a temporary name
/// only: RocksDB's readers look at the newest of them, and would find it going.
void drop_options(rocksdb::FileSystem& files, const std::string& folder);

}  // namespace alpha
