#pragma once
/// Little-endian numbers in the store's own files.

#include "events/bytes.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace alpha {

static_assert(std::endian::native == std::endian::little, "numbers are written as the machine holds them");

template <class T>
T load(const std::uint8_t* from) {
    static_assert(std::has_unique_object_representations_v<T>);  // numbers without padding, __int128 too
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <class T>
void store(std::uint8_t* to, T value) {
    static_assert(std::has_unique_object_representations_v<T>);  // numbers without padding, __int128 too
    std::memcpy(to, &value, sizeof value);
}

template <class T>
void put(ByteBuffer& out, T value) {
    store(out.extend(sizeof value), value);
}

/// Seven bits a byte from the low end, all but the last with the high bit set.
inline void put_varint(ByteBuffer& out, std::uint64_t value) {
    while (value >= 0x80) {
        put(out, static_cast<std::uint8_t>(value | 0x80U));
        value >>= 7U;
    }
    put(out, static_cast<std::uint8_t>(value));
}

/// Small for differences that are small on either side of zero: 0, -1, 1, -2, ... become 0, 1, 2, 3, ...
constexpr std::uint64_t zigzag(std::uint64_t v) {
    return v << 1U ^ (0 - (v >> 63U));
}
constexpr std::uint64_t unzigzag(std::uint64_t z) {
    return z >> 1U ^ (0 - (z & 1U));
}

/// Reads numbers and bytes off the front of untrusted bytes. Once something is missing it stays
/// failed and reads as zero, so a caller checks once, after the last read.
class WireReader {
public:
    explicit WireReader(Bytes bytes) : rest_(bytes) {}

    bool ok() const { return ok_; }
    std::size_t left() const { return rest_.size(); }
    Bytes rest() const { return rest_; }

    template <class T>
    T get() {
        const Bytes bytes = take(sizeof(T));
        return bytes.empty() ? T{} : load<T>(bytes.data());
    }
    /// The next `n` bytes, or none.
    Bytes take(std::size_t n) {
        if (n > rest_.size()) {
            ok_ = false;
            rest_ = {};
            return {};
        }
        const Bytes bytes = rest_.first(n);
        rest_ = rest_.subspan(n);
        return bytes;
    }

private:
    Bytes rest_;
    bool ok_ = true;
};

/// A varint no longer than it need be and at most `most`; false for any other bytes.
inline bool get_varint(WireReader& in, std::uint64_t most, std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const auto byte = in.get<std::uint8_t>();
        value |= std::uint64_t{byte & 0x7FU} << shift;
        if (byte < 0x80) {
            const bool whole = shift != 63 || byte == 1;  // of the tenth byte one bit is left
            return in.ok() && whole && (byte != 0 || shift == 0) && value <= most;
        }
    }
    return false;
}

}  // namespace alpha
