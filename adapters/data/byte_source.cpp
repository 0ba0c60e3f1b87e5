#include "adapters/data/byte_source.hpp"

#include "events/assert.hpp"
#include "events/text.hpp"
#include "store/machine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <iconv.h>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>
#include <zip.h>
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

// ---- zip archives -----------------------------------------------------------------------------------------------------

struct DiscardZip {
    void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Zip = std::unique_ptr<zip_t, DiscardZip>;

tl::unexpected<Error> bad_zip(const std::string& path, const char* why) {
    return fail(ErrorKind::data,
                fmt::format("{}: the zip archive cannot be read ({}); copy or download it again", path, why));
}

Result<Zip> open_zip(const std::string& path) {
    int code = 0;
    if (zip_t* const archive = zip_open(path.c_str(), ZIP_RDONLY, &code); archive != nullptr) {
        return Zip(archive);
    }
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    auto refused = bad_zip(path, zip_error_strerror(&error));
    zip_error_fini(&error);
    return refused;
}

/// One file of an archive. libzip checks the sum of its bytes at its end.
class ZipSource final : public ByteSource {
public:
    static Result<std::unique_ptr<ByteSource>> open(const std::string& path, const std::string& name,
                                                    std::uint64_t file_bytes) {
        auto archive = open_zip(path);
        if (!archive) {
            return tl::unexpected(archive.error());
        }
        zip_stat_t about;
        zip_stat_init(&about);
        if (zip_stat(archive->get(), name.c_str(), 0, &about) != 0) {
            return bad_zip(path, zip_strerror(archive->get()));
        }
        if ((about.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && about.encryption_method != ZIP_EM_NONE) {
            return fail(ErrorKind::data,
                        fmt::format("{}: {} in it is locked with a password; unpack it and name the file", path,
                                    printable(name)));
        }
        zip_file_t* const file = zip_fopen_index(archive->get(), about.index, 0);
        if (file == nullptr) {
            return bad_zip(path, zip_strerror(archive->get()));
        }
        return std::unique_ptr<ByteSource>(new ZipSource(path, std::move(*archive), file, about.size, file_bytes));
    }

    Result<std::size_t> read(std::span<char> into) override {
        const zip_int64_t got = zip_fread(file_.get(), into.data(), into.size());
        if (got < 0) {
            return bad_zip(path_, zip_file_strerror(file_.get()));
        }
        given_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
    }
    /// In proportion to what was unpacked: libzip does not say where it reads.
    std::uint64_t consumed() const override {
        const double part =
            size_ == 0 ? 1.0 : static_cast<double>(std::min(given_, size_)) / static_cast<double>(size_);
        return static_cast<std::uint64_t>(part * static_cast<double>(file_bytes_));
    }
    std::uint64_t file_bytes() const override { return file_bytes_; }

private:
    struct Close {
        void operator()(zip_file_t* file) const { static_cast<void>(zip_fclose(file)); }
    };
    ZipSource(std::string path, Zip archive, zip_file_t* file, std::uint64_t size, std::uint64_t file_bytes)
        : path_(std::move(path)), archive_(std::move(archive)), file_(file), size_(size), file_bytes_(file_bytes) {}

    std::string path_;
    Zip archive_;
    std::unique_ptr<zip_file_t, Close> file_;
    std::uint64_t size_;
    std::uint64_t file_bytes_;
    std::uint64_t given_ = 0;
};

bool is_litter(std::string_view name) {
    const std::string_view last = name.substr(name.find_last_of('/') + 1);
    return last.empty() || last.starts_with('.') || name.starts_with("__MACOSX/");
}

Result<std::unique_ptr<ByteSource>> open_only_one(const std::string& path, std::uint64_t file_bytes) {
    const auto files = files_in_zip(path);
    if (!files) {
        return tl::unexpected(files.error());
    }
    const bool is_workbook = std::ranges::any_of(
        *files, [](const std::string& name) { return name == "[Content_Types].xml" || name.starts_with("xl/"); });
    if (is_workbook) {
        return fail(ErrorKind::data, fmt::format("{}: is an Excel workbook; open it and save the sheet as CSV", path));
    }
    if (files->size() != 1) {
        return fail(ErrorKind::data,
                    files->empty()
                        ? fmt::format("{}: is a zip archive without a file in it; download it again", path)
                        : fmt::format("{}: is a zip archive of {} files, {} and others; unpack it and name the file, "
                                      "or the folder where they belong together",
                                      path, files->size(), printable(files->front())));
    }
    return ZipSource::open(path, files->front(), file_bytes);
}

// ---- UTF-16 -----------------------------------------------------------------------------------------------------------

/// What was read of a source already stands in front of the rest.
class Again final : public ByteSource {
public:
    Again(std::string front, std::optional<Error> failure, std::unique_ptr<ByteSource> rest)
        : front_(std::move(front)), failure_(std::move(failure)), rest_(std::move(rest)) {}
    Result<std::size_t> read(std::span<char> into) override {
        if (!front_.empty()) {
            const std::size_t size = std::min(front_.size(), into.size());
            std::memcpy(into.data(), front_.data(), size);
            front_.erase(0, size);
            return size;
        }
        return failure_ ? tl::unexpected(*failure_) : rest_->read(into);
    }
    std::uint64_t consumed() const override { return rest_->consumed(); }
    std::uint64_t file_bytes() const override { return rest_->file_bytes(); }

private:
    std::string front_;
    std::optional<Error> failure_;
    std::unique_ptr<ByteSource> rest_;
};

/// UTF-16, as Excel's "Unicode text" has it, made UTF-8.
class Utf16Source final : public ByteSource {
public:
    Utf16Source(std::string name, const char* encoding, std::unique_ptr<ByteSource> wide)
        : name_(std::move(name)), wide_(std::move(wide)), converter_(iconv_open("UTF-8", encoding)) {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): POSIX has it so
        ALPHA_ASSERT(converter_ != reinterpret_cast<iconv_t>(-1), "the C library knows UTF-16");
    }
    ~Utf16Source() override { static_cast<void>(iconv_close(converter_)); }
    Utf16Source(const Utf16Source&) = delete;
    Utf16Source& operator=(const Utf16Source&) = delete;

    Result<std::size_t> read(std::span<char> into) override {
        constexpr std::size_t kLongestCharacter = 4;
        while (given_ == text_.size()) {
            given_ = 0;
            text_.resize(kBlockBytes * 2 + kLongestCharacter);
            const auto got = wide_->read(std::span(block_).subspan(held_));
            if (!got) {
                return tl::unexpected(got.error());
            }
            if (*got == 0) {
                text_.clear();
                return held_ == 0 ? Result<std::size_t>(0) : tl::unexpected(bad().error());
            }
            char* in = block_.data();
            std::size_t in_left = held_ + *got;
            char* out = text_.data();
            std::size_t out_left = text_.size();
            // What is left over is half a character, or none at all.
            if (iconv(converter_, &in, &in_left, &out, &out_left) == static_cast<std::size_t>(-1) && errno != EINVAL) {
                return bad();
            }
            text_.resize(text_.size() - out_left);
            std::memmove(block_.data(), in, in_left);
            held_ = in_left;
        }
        const std::size_t size = std::min(into.size(), text_.size() - given_);
        std::memcpy(into.data(), text_.data() + given_, size);
        given_ += size;
        return size;
    }
    std::uint64_t consumed() const override { return wide_->consumed(); }
    std::uint64_t file_bytes() const override { return wide_->file_bytes(); }

private:
    Result<std::size_t> bad() const {
        return fail(ErrorKind::data,
                    fmt::format("{}: begins as UTF-16 text and goes on as none; save it as UTF-8", name_));
    }

    std::string name_;
    std::unique_ptr<ByteSource> wide_;
    iconv_t converter_;
    std::vector<char> block_ = std::vector<char>(kBlockBytes);
    std::size_t held_ = 0;  ///< bytes of a character whose rest is still to come
    std::string text_;
    std::size_t given_ = 0;
};

/// Makes UTF-8 of a source that begins with the mark of UTF-16.
std::unique_ptr<ByteSource> as_utf8(const std::string& name, std::unique_ptr<ByteSource> source) {
    std::string front(2, '\0');
    std::size_t size = 0;
    std::optional<Error> failure;
    while (size < front.size() && !failure) {
        const auto got = source->read(std::span(front).subspan(size));
        if (!got) {
            failure = got.error();
        } else if (*got == 0) {
            break;
        } else {
            size += *got;
        }
    }
    front.resize(size);
    const bool is_little = front == "\xFF\xFE";
    if (!failure && (is_little || front == "\xFE\xFF")) {
        return std::make_unique<Utf16Source>(name, is_little ? "UTF-16LE" : "UTF-16BE", std::move(source));
    }
    return std::make_unique<Again>(std::move(front), std::move(failure), std::move(source));
}

// ---- how a file begins ------------------------------------------------------------------------------------------------

bool begins_as_zip(const std::array<unsigned char, 4>& head) {
    return head[0] == 'P' && head[1] == 'K' && ((head[2] == 3 && head[3] == 4) || (head[2] == 5 && head[3] == 6));
}

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
    const bool is_utf16 = (head[0] == 0xFF && head[1] == 0xFE) || (head[0] == 0xFE && head[1] == 0xFF);
    std::unique_ptr<ByteSource> source;
    if (begins_as_zip(head)) {
        auto only = open_only_one(path, file.bytes());
        return only ? as_utf8(path, std::move(*only)) : std::move(only);
    }
    if (begins_as_gzip(head)) {
        source = std::make_unique<GzipSource>(std::move(file));
    } else if (begins_as_zstd(head)) {
        source = std::make_unique<ZstdSource>(std::move(file));
    } else {
        source = std::make_unique<PlainSource>(std::move(file));
        return is_utf16 ? as_utf8(path, std::move(source)) : std::move(source);
    }
    return as_utf8(path, std::move(source));
}

Result<std::vector<std::string>> files_in_zip(const std::string& path) {
    std::vector<std::string> names;
    std::array<unsigned char, 4> head{};
    if (std::FILE* const stream = std::fopen(path.c_str(), "rbe"); stream != nullptr) {
        static_cast<void>(std::fread(head.data(), 1, head.size(), stream));
        static_cast<void>(std::fclose(stream));
    }
    if (!begins_as_zip(head)) {
        return names;
    }
    const auto archive = open_zip(path);
    if (!archive) {
        return tl::unexpected(archive.error());
    }
    const zip_int64_t count = zip_get_num_entries(archive->get(), 0);
    for (zip_int64_t i = 0; i < count; ++i) {
        const char* const name = zip_get_name(archive->get(), static_cast<zip_uint64_t>(i), 0);
        if (name != nullptr && !is_litter(name)) {
            names.emplace_back(name);
        }
    }
    std::ranges::sort(names);
    return names;
}

Result<std::unique_ptr<ByteSource>> open_in_zip(const std::string& path, const std::string& file) {
    std::error_code error;
    const std::uintmax_t bytes = std::filesystem::file_size(path, error);
    return ZipSource::open(path, file, error ? 0 : bytes);
}

}  // namespace alpha
