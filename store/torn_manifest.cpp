#include "store/torn_manifest.hpp"

#include "store/checksum.hpp"
#include "store/machine.hpp"
#include "store/owner.hpp"
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

/// A file that is in memory, read from its beginning.
class TextFile final : public rocksdb::FSSequentialFile {
public:
    explicit TextFile(std::string text) : text_(std::move(text)) {}
    rocksdb::IOStatus Read(std::size_t n, const rocksdb::IOOptions&, rocksdb::Slice* result, char* scratch,
                           rocksdb::IODebugContext*) override {
        n = std::min(n, text_.size() - at_);
        std::copy_n(text_.data() + at_, n, scratch);
        at_ += n;
        *result = rocksdb::Slice(scratch, n);
        return rocksdb::IOStatus::OK();
    }
    rocksdb::IOStatus Skip(std::uint64_t n) override {
        at_ += static_cast<std::size_t>(std::min<std::uint64_t>(n, text_.size() - at_));
        return rocksdb::IOStatus::OK();
    }

private:
    std::string text_;
    std::size_t at_ = 0;
};

/// Files of which one reads as something else.
class FilesWithOneReplaced final : public rocksdb::FileSystemWrapper {
public:
    FilesWithOneReplaced(const std::shared_ptr<rocksdb::FileSystem>& files, std::string path, std::string text)
        : FileSystemWrapper(files), path_(std::move(path)), text_(std::move(text)) {}
    const char* Name() const override { return "AlphaFilesWithOneReplaced"; }
    rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                        rocksdb::IODebugContext* debug) override {
        if (path != path_) {
            return target_->NewSequentialFile(path, options, file, debug);
        }
        *file = std::make_unique<TextFile>(text_);
        return rocksdb::IOStatus::OK();
    }

private:
    std::string path_;
    std::string text_;
};

tl::unexpected<Error> refused(const std::string& folder, const std::string& name, const rocksdb::IOStatus& status) {
    return refused_by_library("The " + name + " of the journal " + folder + " cannot be mended",
                              with_name(status.ToString(), folder), ErrorKind::data);
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

Result<std::optional<TornManifest>> TornManifest::find(const std::shared_ptr<rocksdb::FileSystem>& files,
                                                       const std::string& folder) {
    std::string name;
    if (const rocksdb::IOStatus read = rocksdb::ReadFileToString(files.get(), folder + "/CURRENT", &name); !read.ok()) {
        return refused(folder, "CURRENT", read);
    }
    name.erase(std::find(name.begin(), name.end(), '\n'), name.end());
    std::string path = std::string(folder).append("/").append(name);
    std::string contents;
    if (const rocksdb::IOStatus read = rocksdb::ReadFileToString(files.get(), path, &contents); !read.ok()) {
        return refused(folder, name, read);
    }
    const auto whole =
        bytes_before_torn_record({reinterpret_cast<const std::uint8_t*>(contents.data()), contents.size()});
    if (!whole) {
        return std::nullopt;
    }
    contents.resize(*whole);
    return TornManifest(files, std::move(path), std::move(contents));
}

std::shared_ptr<rocksdb::FileSystem> TornManifest::files_as_if_cut() const {
    return std::make_shared<FilesWithOneReplaced>(files_, path_, whole_);
}

Result<void> TornManifest::cut() const {
    const std::string temporary = path_ + ".cut";
    rocksdb::IOStatus done = rocksdb::WriteStringToFile(files_.get(), whole_, temporary, true);
    done = done.ok() ? files_->RenameFile(temporary, path_, rocksdb::IOOptions(), nullptr) : done;
    const std::size_t slash = path_.rfind('/');
    return done.ok() ? Result<void>{} : refused(path_.substr(0, slash), path_.substr(slash + 1), done);
}

}  // namespace alpha
