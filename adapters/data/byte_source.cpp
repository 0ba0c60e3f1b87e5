#include "adapters/data/byte_source.hpp"

#include "events/assert.hpp"
#include "store/machine.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <utility>
#include <vector>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

namespace alpha {

namespace {

constexpr std::size_t kBlockBytes = 256U << 10U;

/// A file being read front to back, and how far.
class File {
public:
    File(std::string name, std::FILE* stream, std::uint64_t bytes)
        : name_(std::move(name)), stream_(stream), bytes_(bytes) {}

    Result<std::size_t> read(std::span<char> into) {
        const std::size_t got = std::fread(into.data(), 1, into.size(), stream_.get());
        if (got == 0 && std::ferror(stream_.get()) != 0) {
            return refused_by_system(name_ + ": cannot be read", errno, ErrorKind::data);
        }
        consumed_ += got;
        return got;
    }
    const std::string& name() const { return name_; }
    std::uint64_t consumed() const { return consumed_; }
    std::uint64_t bytes() const { return bytes_; }

private:
    struct Close {
        void operator()(std::FILE* stream) const { static_cast<void>(std::fclose(stream)); }
    };
    std::string name_;
    std::unique_ptr<std::FILE, Close> stream_;
    std::uint64_t bytes_ = 0;
    std::uint64_t consumed_ = 0;
};

tl::unexpected<Error> cut_short(const File& file, const char* format) {
    return fail(ErrorKind::data,
                fmt::format("{}: its {} stream ends early, so the file is cut short; copy or download it again",
                            file.name(), format));
}

tl::unexpected<Error> corrupt(const File& file, const char* format, const char* why) {
    return fail(ErrorKind::data,
                fmt::format("{}: its {} stream is corrupt ({}); copy or download it again", file.name(), format, why));
}

tl::unexpected<Error> needs_memory(const File& file) {
    return fail(
        ErrorKind::data,
        fmt::format("{}: its zstd stream was made with so long a window (zstd --long) that reading it needs more "
                    "memory than there is; unpack it where there is more (zstd -d --long=31), or pack it again "
                    "without --long",
                    file.name()));
}

class PlainSource final : public ByteSource {
public:
    explicit PlainSource(File file) : file_(std::move(file)) {}
    Result<std::size_t> read(std::span<char> into) override { return file_.read(into); }
    std::uint64_t consumed() const override { return file_.consumed(); }
    std::uint64_t file_bytes() const override { return file_.bytes(); }

private:
    File file_;
};

class GzipSource final : public ByteSource {
public:
    explicit GzipSource(File file) : file_(std::move(file)) {
        constexpr int kLargestWindow = 15;
        constexpr int kGzipOnly = 16;
        const int code = inflateInit2(&stream_, kLargestWindow + kGzipOnly);
        ALPHA_ASSERT(code == Z_OK, "zlib refused to start");
    }
    ~GzipSource() override { static_cast<void>(inflateEnd(&stream_)); }
    GzipSource(const GzipSource&) = delete;
    GzipSource& operator=(const GzipSource&) = delete;

    Result<std::size_t> read(std::span<char> into) override {
        stream_.next_out = reinterpret_cast<Bytef*>(into.data());
        stream_.avail_out = static_cast<uInt>(into.size());
        while (stream_.avail_out == into.size()) {
            if (stream_.avail_in == 0) {
                const auto got = file_.read(block_);
                if (!got) {
                    return tl::unexpected(got.error());
                }
                if (*got == 0 && between_members_) {
                    return 0;
                }
                stream_.next_in = reinterpret_cast<Bytef*>(block_.data());
                stream_.avail_in = static_cast<uInt>(*got);
            }
            if (between_members_) {  // a gzip file may be several members, one after the other
                static_cast<void>(inflateReset(&stream_));
                between_members_ = false;
            }
            // With no input left this still hands out what zlib holds back; without progress, the
            // end is missing.
            const int code = inflate(&stream_, Z_NO_FLUSH);
            if (code == Z_STREAM_END) {
                between_members_ = true;
            } else if (code == Z_BUF_ERROR && stream_.avail_in == 0) {
                return cut_short(file_, "gzip");
            } else if (code != Z_OK) {
                return corrupt(file_, "gzip", stream_.msg != nullptr ? stream_.msg : "no reason given");
            }
        }
        return into.size() - stream_.avail_out;
    }
    std::uint64_t consumed() const override { return file_.consumed(); }
    std::uint64_t file_bytes() const override { return file_.bytes(); }

private:
    File file_;
    std::vector<char> block_ = std::vector<char>(kBlockBytes);
    z_stream stream_{};
    bool between_members_ = false;
};

class ZstdSource final : public ByteSource {
public:
    explicit ZstdSource(File file) : file_(std::move(file)), context_(ZSTD_createDCtx()) {
        ALPHA_ASSERT(context_ != nullptr, "zstd refused to start");
        // Without this, what `zstd --long=28` and longer made is refused. Only such frames take the memory.
        const int longest = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound;
        ALPHA_ASSERT(ZSTD_isError(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, longest)) == 0,
                     "zstd takes its own bound");
    }

    Result<std::size_t> read(std::span<char> into) override {
        ZSTD_outBuffer out{into.data(), into.size(), 0};
        while (out.pos == 0) {
            bool at_end = false;
            if (in_.pos == in_.size) {
                const auto got = file_.read(block_);
                if (!got) {
                    return tl::unexpected(got.error());
                }
                at_end = *got == 0;
                if (at_end && between_frames_) {
                    return 0;
                }
                in_ = {block_.data(), *got, 0};
            }
            // With no input left this still hands out what zstd holds back; without progress, the
            // end is missing.
            const std::size_t code = ZSTD_decompressStream(context_.get(), &out, &in_);
            switch (ZSTD_getErrorCode(code)) {
            case ZSTD_error_no_error: break;
            case ZSTD_error_memory_allocation:
            case ZSTD_error_frameParameter_windowTooLarge: return needs_memory(file_);
            default: return corrupt(file_, "zstd", ZSTD_getErrorName(code));
            }
            between_frames_ = code == 0;
            if (at_end && out.pos == 0 && !between_frames_) {
                return cut_short(file_, "zstd");
            }
        }
        return out.pos;
    }
    std::uint64_t consumed() const override { return file_.consumed(); }
    std::uint64_t file_bytes() const override { return file_.bytes(); }

private:
    struct Free {
        void operator()(ZSTD_DCtx* context) const { static_cast<void>(ZSTD_freeDCtx(context)); }
    };
    File file_;
    std::unique_ptr<ZSTD_DCtx, Free> context_;
    std::vector<char> block_ = std::vector<char>(kBlockBytes);
    ZSTD_inBuffer in_{nullptr, 0, 0};
    bool between_frames_ = false;
};

bool begins_as_gzip(const std::array<unsigned char, 4>& head) {
    return head[0] == 0x1F && head[1] == 0x8B;
}

/// A zstd frame, or the skippable frame that some tools write in front of one.
bool begins_as_zstd(const std::array<unsigned char, 4>& head) {
    const bool frame = head[0] == 0x28 && head[1] == 0xB5 && head[2] == 0x2F && head[3] == 0xFD;
    const bool skippable = (head[0] & 0xF0U) == 0x50U && head[1] == 0x2A && head[2] == 0x4D && head[3] == 0x18;
    return frame || skippable;
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_bytes(const std::string& path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (status.type() == std::filesystem::file_type::none) {
        return refused_by_system(path + ": cannot be opened", error.value(), ErrorKind::data);
    }
    if (!std::filesystem::exists(status)) {
        return fail(ErrorKind::data,
                    fmt::format("{}: there is no such file; check the name and the folder it is relative to", path));
    }
    if (!std::filesystem::is_regular_file(status)) {
        return fail(ErrorKind::data, fmt::format("{}: is not a regular file; name a CSV file or a data set", path));
    }
    const std::uintmax_t bytes = std::filesystem::file_size(path, error);
    std::FILE* const stream = std::fopen(path.c_str(), "rbe");
    if (stream == nullptr) {
        return refused_by_system(path + ": cannot be opened", errno, ErrorKind::data);
    }
    // Every read is a whole block, so stdio's own buffer would only be one copy more.
    static_cast<void>(std::setvbuf(stream, nullptr, _IONBF, 0));
    File file(path, stream, error ? 0 : bytes);
    std::array<unsigned char, 4> head{};
    static_cast<void>(std::fread(head.data(), 1, head.size(), stream));
    if (std::fseek(stream, 0, SEEK_SET) != 0) {
        return refused_by_system(path + ": cannot be read", errno, ErrorKind::data);
    }
    std::unique_ptr<ByteSource> source;
    if (begins_as_gzip(head)) {
        source = std::make_unique<GzipSource>(std::move(file));
    } else if (begins_as_zstd(head)) {
        source = std::make_unique<ZstdSource>(std::move(file));
    } else {
        source = std::make_unique<PlainSource>(std::move(file));
    }
    return source;
}

}  // namespace alpha
