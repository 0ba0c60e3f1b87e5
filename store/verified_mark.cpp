#include "store/verified_mark.hpp"

#include "store/wire.hpp"

#include <algorithm>
#include <charconv>
#include <sys/stat.h>

namespace alpha {

namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
constexpr std::size_t kStampBytes = 4 * sizeof(std::uint64_t);

/// "000014.sst"; 0 where it is no such name.
std::uint64_t number_of(std::string_view name) {
    std::uint64_t number = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), number);
    return read.ec == std::errc() ? number : 0;
}

/// Nothing where the system cannot be asked.
std::optional<FileStamp> stamp_of(const std::string& path, const std::string& name) {
    struct stat status{};
    if (::lstat((path + "/" + name).c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return std::nullopt;
    }
    return FileStamp{number_of(name), static_cast<std::uint64_t>(status.st_size), status.st_ino,
                     static_cast<std::uint64_t>(status.st_ctim.tv_sec) * kNsPerSecond +
                         static_cast<std::uint64_t>(status.st_ctim.tv_nsec)};
}

}  // namespace

void VerifiedMark::write(ByteBuffer& out) const {
    put(out, leaf.seq);
    out.append(leaf.chain);
    put(out, next_seq);
    out.append(head);
    put(out, snapshot_seq);
    out.append(snapshot);
    put(out, static_cast<std::uint32_t>(files.size()));
    for (const FileStamp& file : files) {
        put(out, file.number);
        put(out, file.bytes);
        put(out, file.inode);
        put(out, file.changed_ns);
    }
}

std::optional<VerifiedMark> VerifiedMark::read(Bytes bytes) {
    VerifiedMark mark;
    WireReader rest(bytes);
    const auto take_digest = [&](Digest& digest) {
        const Bytes taken = rest.take(digest.size());
        std::ranges::copy(taken, digest.begin());
    };
    mark.leaf.seq = rest.get<Seq>();
    take_digest(mark.leaf.chain);
    mark.next_seq = rest.get<Seq>();
    take_digest(mark.head);
    mark.snapshot_seq = rest.get<Seq>();
    take_digest(mark.snapshot);
    const std::size_t files = rest.get<std::uint32_t>();
    if (!rest.ok() || rest.left() != files * kStampBytes || mark.leaf.seq > mark.next_seq ||
        mark.leaf.seq % kLeafEvents != 0) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < files; ++i) {
        FileStamp& file = mark.files.emplace_back();
        file.number = rest.get<std::uint64_t>();
        file.bytes = rest.get<std::uint64_t>();
        file.inode = rest.get<std::uint64_t>();
        file.changed_ns = rest.get<std::uint64_t>();
    }
    return mark;
}

Result<std::optional<VerifiedMark>> read_mark(const Database& db) {
    return db.find(db.meta(), kVerifiedKey).map([](const std::optional<std::string>& found) {
        return found ? VerifiedMark::read(bytes_of(*found)) : std::nullopt;
    });
}

std::optional<std::vector<FileStamp>> stamps_of_log(const Database& db, const std::string& path) {
    std::vector<FileStamp> stamps;
    for (const Database::LogFile& file : db.log_files()) {
        const std::optional<FileStamp> stamp = stamp_of(path, file.name);
        if (!stamp) {
            return std::nullopt;
        }
        stamps.push_back(*stamp);
    }
    std::ranges::sort(stamps, {}, &FileStamp::number);
    return stamps;
}

bool is_untouched(const VerifiedMark& mark, const Database& db, const std::string& path) {
    std::size_t found = 0;
    for (const Database::LogFile& file : db.log_files()) {
        const auto known = std::ranges::lower_bound(mark.files, number_of(file.name), {}, &FileStamp::number);
        const bool is_of_mark = known != mark.files.end() && known->number == number_of(file.name);
        if (is_of_mark ? stamp_of(path, file.name) != *known : file.first_seq < mark.next_seq) {
            return false;
        }
        found += is_of_mark ? 1 : 0;
    }
    return found == mark.files.size();
}

}  // namespace alpha
