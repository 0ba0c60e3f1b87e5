/// Anchors of any bytes: damage is seen as damage, and what is read can be relied on.

#include "store/anchor.hpp"
#include "store/checksum.hpp"
#include "store/wire.hpp"
#include "tests/fuzz/input.hpp"

namespace alpha::fuzz {

namespace {

constexpr std::size_t kSlotBytes = kAnchorBytes / 2;
constexpr std::size_t kChecked = 16 + 8 + 8 + 32;

/// The file that holds these records and nothing else.
std::vector<std::uint8_t> file_of(const AnchorSlots& anchor) {
    std::vector<std::uint8_t> file(kAnchorBytes);
    for (std::size_t slot = 0; slot < anchor.slots.size(); ++slot) {
        std::uint8_t* const at = file.data() + slot * kSlotBytes;
        std::memcpy(at, "alpha anchor 1\n", 16);
        store(at + 16, anchor.slots[slot]->generation);
        store(at + 24, anchor.slots[slot]->next_seq);
        std::ranges::copy(anchor.slots[slot]->head, at + 32);
        store(at + kChecked, crc32c({at, kChecked}));
    }
    return file;
}

void check(Bytes bytes) {
    const AnchorSlots anchor = parse_anchor(bytes);
    const AnchorRecord* const newest = anchor.newest();
    const bool any = anchor.slots[0] || anchor.slots[1];
    ALPHA_ASSERT((newest != nullptr) == any, "the newest is one of the slots that can be read");
    ALPHA_ASSERT(!anchor.in_order || (anchor.slots[0] && anchor.slots[1] && std::ranges::equal(bytes, file_of(anchor))),
                 "an anchor in order has both slots and nothing else");
    for (const auto& slot : anchor.slots) {
        ALPHA_ASSERT(!slot || newest->generation >= slot->generation, "no slot is newer than the newest");
    }
}

}  // namespace

}  // namespace alpha::fuzz

/// u8 flags (bit 0: a whole file with zeros between and behind the slots, bit 1, 2: mend a slot's checksum), then the bytes of
/// the first and the second slot, half of the rest each.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace alpha;
    fuzz::Input input({data, size});
    const std::uint8_t flags = input.byte();
    if ((flags & 1U) == 0) {
        fuzz::check(input.rest());
        return 0;
    }
    std::vector<std::uint8_t> file(kAnchorBytes);
    const std::size_t half = std::min(input.rest().size() / 2, fuzz::kSlotBytes);
    for (std::size_t slot = 0; slot < 2; ++slot) {
        std::uint8_t* const at = file.data() + slot * fuzz::kSlotBytes;
        std::ranges::copy(input.take(half), at);
        if ((flags >> (slot + 1) & 1U) != 0) {
            store(at + fuzz::kChecked, crc32c({at, fuzz::kChecked}));
        }
    }
    fuzz::check(file);
    return 0;
}
