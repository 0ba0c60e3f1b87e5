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

/// Reads numbers and bytes off the front of untrusted bytes. Once something is missing it stays
/// failed and reads as zero, so a caller checks once, after the last read.
class WireReader {
public:
    explicit WireReader(Bytes bytes) : rest_(bytes) {}

    bool ok() const { return ok_; }
    std::size_t left() const { return rest_.size(); }

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

}  // namespace alpha
