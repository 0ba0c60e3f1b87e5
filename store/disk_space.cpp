#include "store/disk_space.hpp"

#include "store/database.hpp"

#include <rocksdb/file_system.h>
#include <vector>

namespace alpha {

namespace {

constexpr char kBallastFile[] = "ballast";
constexpr std::size_t kBallastBytes = 8U << 20U;

}  // namespace

Result<void> DiskSpace::check(std::uint64_t unwritten_bytes) const {
    std::uint64_t free = 0;
    const rocksdb::IOStatus status = files_->GetFreeSpace(path_, rocksdb::IOOptions(), &free, nullptr);
    if (!status.ok()) {
        return wrong_journal(path_, "lies on a disk whose free space cannot be told: " + status.ToString());
    }
    const std::uint64_t needed = floor_bytes_ + unwritten_bytes;
    if (free >= needed) {
        return {};
    }
    const auto mb = [](std::uint64_t bytes) { return std::to_string(bytes >> 20U) + " MB"; };
    return fail(ErrorKind::transient,
                "The disk of the journal " + path_ + " is nearly full: " + mb(free) + " are free, and " + mb(needed) +
                    " must stay so. Nothing that was committed is lost. Make room, then start again.",
                ErrorCode::no_space);
}

void make_ballast(rocksdb::FileSystem& files, const std::string& folder) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    const std::string path = std::string(folder).append("/").append(kBallastFile);
    if (!files.NewWritableFile(path, rocksdb::FileOptions(), &file, nullptr).ok()) {
        return;
    }
    static_cast<void>(file->Allocate(0, kBallastBytes, rocksdb::IOOptions(), nullptr).ok());
    static_cast<void>(file->Close(rocksdb::IOOptions(), nullptr).ok());
}
void drop_ballast(rocksdb::FileSystem& files, const std::string& folder) {
    // Not there is as good as gone.
    const std::string path = std::string(folder).append("/").append(kBallastFile);
    static_cast<void>(files.DeleteFile(path, rocksdb::IOOptions(), nullptr).ok());
}

void drop_options(rocksdb::FileSystem& files, const std::string& folder) {
    std::vector<std::string> names;
    if (!files.GetChildren(folder, rocksdb::IOOptions(), &names, nullptr).ok()) {
        return;
    }
    for (const std::string& name : names) {
        if (name.starts_with("OPTIONS-")) {
            static_cast<void>(
                files.DeleteFile(std::string(folder).append("/").append(name), rocksdb::IOOptions(), nullptr).ok());
        }
    }
}

}  // namespace alpha
