#pragma once
/// Inside store: what a frame's transforms know of events while they walk over them.

#include "events/codec.hpp"
#include "store/wire.hpp"

namespace alpha {

/// The first 8 bytes of a plain event, which has no links: payload length, tag, version, no flags.
constexpr std::uint64_t plain_start(std::size_t payload_bytes, std::uint16_t tag, std::uint8_t version) {
    return payload_bytes | std::uint64_t{tag} << 32U | std::uint64_t{version} << 48U;
}

/// Length of any encoded event that begins at `at`, as far as its header tells. Requires
/// kHeaderBytes readable bytes.
inline std::size_t event_bytes(const std::uint8_t* at) {
    constexpr std::uint8_t kFlagLinks = 1;
    const bool links = (at[7] & kFlagLinks) != 0;
    return kHeaderBytes + (links ? kLinkBytes : 0) + std::size_t{load<std::uint32_t>(at)};
}

/// Notes the leaf cuts of a frame while its events are walked.
class LeafCuts {
public:
    explicit LeafCuts(Frame& frame) : frame_(frame), seq_(frame.first_seq) {
        next_cut_ = seq_ == 0 ? kLeafEvents : (seq_ + kLeafEvents - 1) / kLeafEvents * kLeafEvents;
    }
    /// `n` events of `size` bytes each, the first of which begins at `offset`.
    void pass(std::uint64_t n, std::size_t size, std::size_t offset) {
        while (next_cut_ - seq_ < n) {
            frame_.leaf_cuts.push_back(offset + static_cast<std::size_t>(next_cut_ - seq_) * size);
            next_cut_ += kLeafEvents;
        }
        seq_ += n;
    }

private:
    Frame& frame_;
    Seq seq_;
    Seq next_cut_;
};

}  // namespace alpha
