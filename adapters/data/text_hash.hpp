#pragma once
/// Inside adapters/data: what a text is recognized by when it is read again.

#include "store/chain.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace alpha {

static_assert(std::endian::native == std::endian::little, "a text's hash is the same everywhere");

/// Tells a text from any other that comes about by accident: a change within eight bytes always shows, any other but once in
/// some 2^64. Eight lanes and one multiplication a word keep it hardly noticeable beside parsing, which SHA-256 would slow
/// by a fifth; the events made of the text are in the log under SHA-256.
class TextHash {
public:
    void update(std::string_view text) {
        if (held_ != 0) {
            const std::size_t n = std::min(text.size(), tail_.size() - held_);
            std::memcpy(tail_.data() + held_, text.data(), n);
            held_ += n;
            text.remove_prefix(n);
            if (held_ < tail_.size()) {
                return;
            }
            mix(tail_.data(), tail_.size());
        }
        const std::size_t whole = text.size() - text.size() % tail_.size();
        mix(text.data(), whole);  // NOLINT(bugprone-suspicious-stringview-data-usage): the size is the other argument
        held_ = text.size() - whole;
        if (held_ != 0) {
            std::memcpy(tail_.data(), text.data() + whole, held_);
        }
    }

    /// Of all so far. Texts of different lengths are for the caller to tell apart.
    Digest digest() const {
        TextHash end = *this;
        std::fill(end.tail_.begin() + static_cast<std::ptrdiff_t>(held_), end.tail_.end(), '\0');
        end.mix(end.tail_.data(), end.tail_.size());
        std::array<std::uint64_t, 4> halves{};
        for (std::size_t i = 0; i < halves.size(); ++i) {
            halves[i] = std::rotl(end.lanes_[i], 29) * kOdd + end.lanes_[i + halves.size()];
        }
        Digest digest;
        static_assert(sizeof digest == sizeof halves);
        std::memcpy(digest.data(), halves.data(), digest.size());
        return digest;
    }

private:
    using Lanes = std::array<std::uint64_t, 8>;
    static constexpr std::uint64_t kOdd = 0x9E37'79B9'7F4A'7C15U;

    /// No step loses anything: each can be undone for the lane and for the word.
    void mix(const char* from, std::size_t bytes) {
        Lanes lanes = lanes_;
        for (const char* const end = from + bytes; from != end; from += sizeof lanes) {
            Lanes words;
            std::memcpy(words.data(), from, sizeof words);
            for (std::size_t i = 0; i < lanes.size(); ++i) {
                lanes[i] = std::rotl(lanes[i] + words[i], 29) * kOdd;
            }
        }
        lanes_ = lanes;
    }

    Lanes lanes_{1, 2, 3, 4, 5, 6, 7, 8};
    std::array<char, sizeof(Lanes)> tail_{};  ///< what does not fill the lanes yet
    std::size_t held_ = 0;
};

}  // namespace alpha
