#include "store/anchor.hpp"

#include "store/checksum.hpp"
#include "store/failpoint.hpp"
#include "store/machine.hpp"
#include "store/owner.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <cstring>
#include <rocksdb/file_system.h>

namespace alpha {

namespace {

constexpr char kMagic[] = "alpha anchor 1\n";
constexpr std::size_t kPageBytes = kAnchorBytes / 2;
constexpr std::size_t kMagicBytes = sizeof kMagic;
constexpr std::size_t kCheckedBytes = kMagicBytes + 2 * sizeof(std::uint64_t) + std::tuple_size_v<Digest>;
constexpr std::size_t kSlotBytes = kCheckedBytes + sizeof(std::uint32_t);
static_assert(kMagicBytes == 16);

using Slot = std::array<std::uint8_t, kSlotBytes>;

Slot slot_of(const AnchorRecord& record) {
    Slot slot{};
    std::memcpy(slot.data(), kMagic, kMagicBytes);
    store(slot.data() + kMagicBytes, record.generation);
    store(slot.data() + kMagicBytes + 8, record.next_seq);
    std::ranges::copy(record.head, slot.begin() + kMagicBytes + 16);
    store(slot.data() + kCheckedBytes, crc32c(Bytes(slot).first(kCheckedBytes)));
    return slot;
}

/// Requires kSlotBytes bytes.
std::optional<AnchorRecord> record_in(Bytes slot, std::uint64_t parity) {
    AnchorRecord record;
    if (std::memcmp(slot.data(), kMagic, kMagicBytes) != 0 ||
        crc32c(slot.first(kCheckedBytes)) != load<std::uint32_t>(slot.data() + kCheckedBytes)) {
        return std::nullopt;
    }
    record.generation = load<std::uint64_t>(slot.data() + kMagicBytes);
    record.next_seq = load<Seq>(slot.data() + kMagicBytes + 8);
    std::copy_n(slot.begin() + kMagicBytes + 16, record.head.size(), record.head.begin());
    if (record.generation % 2 != parity) {
        return std::nullopt;
    }
    return record;
}

std::uint64_t place_of(const AnchorRecord& record) {
    return record.generation % 2 * kPageBytes;
}

tl::unexpected<Error> refused(const char* what, const std::string& path, const rocksdb::IOStatus& status) {
    const std::string folder = path.substr(0, path.size() - sizeof kAnchorFile);
    return refused_by_library("The anchor " + path + " " + what, with_name(status.ToString(), folder), ErrorKind::data);
}

rocksdb::Slice slice_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

const AnchorRecord* AnchorSlots::newest() const {
    if (slots[0] && (!slots[1] || slots[0]->generation > slots[1]->generation)) {
        return &*slots[0];
    }
    return slots[1] ? &*slots[1] : nullptr;
}

AnchorSlots parse_anchor(Bytes bytes) {
    AnchorSlots found;
    found.in_order = bytes.size() == kAnchorBytes;
    for (std::size_t i = 0; i < 2; ++i) {
        const std::size_t at = i * kPageBytes;
        if (bytes.size() < at + kSlotBytes) {
            found.in_order = false;
            break;
        }
        found.slots[i] = record_in(bytes.subspan(at, kSlotBytes), i);
        const Bytes padding =
            bytes.subspan(at + kSlotBytes, std::min(kPageBytes - kSlotBytes, bytes.size() - at - kSlotBytes));
        found.in_order = found.in_order && found.slots[i].has_value() &&
                         std::ranges::all_of(padding, [](std::uint8_t byte) { return byte == 0; });
    }
    return found;
}

Result<AnchorSlots> read_anchor(rocksdb::FileSystem& files, const std::string& folder) {
    const std::string path = folder + "/" + kAnchorFile;
    std::string text;
    const rocksdb::IOStatus status = rocksdb::ReadFileToString(&files, path, &text);
    if (!status.ok()) {
        return refused("cannot be read", path, status);
    }
    const AnchorSlots found = parse_anchor({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    if (found.newest() == nullptr) {
        return fail(ErrorKind::data, "The anchor " + path + " is damaged: neither of its slots can be read.",
                    ErrorCode::damaged);
    }
    return found;
}

Anchor::Anchor(std::unique_ptr<rocksdb::FSRandomRWFile> file, std::string path, const AnchorRecord& newest)
    : file_(std::move(file)), path_(std::move(path)), newest_(newest) {}
Anchor::Anchor(Anchor&&) noexcept = default;
Anchor& Anchor::operator=(Anchor&&) noexcept = default;
Anchor::~Anchor() = default;

Result<Anchor> Anchor::create(rocksdb::FileSystem& files, const std::string& folder, Seq next_seq, const Digest& head) {
    const std::string path = folder + "/" + kAnchorFile;
    std::string contents(kAnchorBytes, '\0');
    for (const std::uint64_t generation : {0U, 1U}) {
        const AnchorRecord record{generation, next_seq, head};
        const Slot slot = slot_of(record);
        std::memcpy(contents.data() + place_of(record), slot.data(), slot.size());
    }
    const rocksdb::IOStatus written = rocksdb::WriteStringToFile(&files, contents, path, true);
    if (!written.ok()) {
        return refused("cannot be written", path, written);
    }
    return open(files, folder);
}

Result<Anchor> Anchor::open(rocksdb::FileSystem& files, const std::string& folder) {
    const Result<AnchorSlots> found = read_anchor(files, folder);
    if (!found) {
        return tl::make_unexpected(found.error());
    }
    const std::string path = folder + "/" + kAnchorFile;
    std::unique_ptr<rocksdb::FSRandomRWFile> file;
    const rocksdb::IOStatus opened = files.NewRandomRWFile(path, rocksdb::FileOptions(), &file, nullptr);
    if (!opened.ok()) {
        return refused("cannot be opened", path, opened);
    }
    return Anchor(std::move(file), path, *found->newest());
}

Result<void> Anchor::write(Seq next_seq, const Digest& head) {
    const AnchorRecord record{newest_.generation + 1, next_seq, head};
    const Slot slot = slot_of(record);
    const rocksdb::IOStatus written = file_->Write(place_of(record), slice_of(slot), rocksdb::IOOptions(), nullptr);
    if (!written.ok()) {
        return refused("cannot be written", path_, written);
    }
    failpoint("anchor written, not synced");
    const rocksdb::IOStatus synced = file_->Sync(rocksdb::IOOptions(), nullptr);
    if (!synced.ok()) {
        return refused("cannot be made durable", path_, synced);
    }
    newest_ = record;
    return {};
}

}  // namespace alpha
