#include "store/torn_manifest.hpp"

#include "store/checksum.hpp"
#include "store/machine.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <utility>

namespace alpha {

namespace {

constexpr std::size_t kBlockBytes = 32'768;
constexpr std::size_t kHeaderBytes = 7;
constexpr std::uint8_t kFull = 1;
constexpr std::uint8_t kLast = 4;

/// The bytes a record at `at` takes with its header; 0 when there is none that is whole.
std::size_t whole_record(Bytes manifest, std::size_t at) {
    const std::size_t left_in_block = kBlockBytes - at % kBlockBytes;
    if (left_in_block < kHeaderBytes || manifest.size() - at < kHeaderBytes) {
        return 0;
    }
    const std::uint8_t* const header = manifest.data() + at;
    const std::size_t length = load<std::uint16_t>(header + 4);
    const std::uint8_t type = header[6];
    if (type < kFull || type > kLast || kHeaderBytes + length > std::min(left_in_block, manifest.size() - at)) {
        return 0;
    }
    const std::uint32_t crc = crc32c(manifest.subspan(at + 6, 1 + length));
    const std::uint32_t masked = (crc >> 15U | crc << 17U) + 0xa282ead8U;
    return masked == load<std::uint32_t>(header) ? kHeaderBytes + length : 0;
}

rocksdb::IOStatus replace(rocksdb::FileSystem& files, const std::string& path, const std::string& contents) {
    const std::string temporary = path + ".cut";
    rocksdb::IOStatus done = rocksdb::WriteStringToFile(&files, contents, temporary, true);
    return done.ok() ? files.RenameFile(temporary, path, rocksdb::IOOptions(), nullptr) : done;
}

}  // namespace

std::optional<std::size_t> bytes_before_torn_record(Bytes manifest) {
    std::size_t at = 0;
    std::size_t whole = 0;  // up to the end of the last record all of whose parts are there
    while (at < manifest.size()) {
        if (const std::size_t left = kBlockBytes - at % kBlockBytes; left < kHeaderBytes) {
            at += left;  // a block's last bytes hold no header
            continue;
        }
        const std::size_t bytes = whole_record(manifest, at);
        if (bytes == 0) {
            break;
        }
        const std::uint8_t type = manifest[at + 6];
        at += bytes;
        whole = type == kFull || type == kLast ? at : whole;
    }
    if (at >= manifest.size() || whole == 0) {
        return std::nullopt;
    }
    for (std::size_t later = at + 1; later < manifest.size(); ++later) {
        if (whole_record(manifest, later) != 0) {
            return std::nullopt;
        }
    }
    return whole;
}

Result<TornManifest> TornManifest::cut(rocksdb::FileSystem& files, const std::string& folder) {
    const auto refused = [&](const std::string& path, const rocksdb::IOStatus& status) {
        return refused_by_library("The journal's " + path + " cannot be mended", status.ToString(), ErrorKind::data);
    };
    std::string name;
    if (const rocksdb::IOStatus read = rocksdb::ReadFileToString(&files, folder + "/CURRENT", &name); !read.ok()) {
        return refused("CURRENT", read);
    }
    name.erase(std::find(name.begin(), name.end(), '\n'), name.end());
    const std::string path = std::string(folder).append("/").append(name);
    std::string contents;
    if (const rocksdb::IOStatus read = rocksdb::ReadFileToString(&files, path, &contents); !read.ok()) {
        return refused(name, read);
    }
    const auto whole =
        bytes_before_torn_record({reinterpret_cast<const std::uint8_t*>(contents.data()), contents.size()});
    if (!whole) {
        return TornManifest(files, "", "");
    }
    if (const rocksdb::IOStatus done = replace(files, path, contents.substr(0, *whole)); !done.ok()) {
        return refused(name, done);
    }
    return TornManifest(files, path, std::move(contents));
}

TornManifest::TornManifest(TornManifest&& other) noexcept
    : files_(other.files_), path_(std::exchange(other.path_, {})), before_(std::move(other.before_)) {}

TornManifest::~TornManifest() {
    if (!path_.empty()) {
        static_cast<void>(replace(*files_, path_, before_).ok());  // it was refused with it, and will be without
    }
}

}  // namespace alpha
