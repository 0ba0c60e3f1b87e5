#pragma once
/// A growable byte buffer that is reused from frame to frame: appending costs a bounds check and a pointer update.

#include "events/assert.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace alpha {

using Bytes = std::span<const std::uint8_t>;

class ByteBuffer {
public:
    explicit ByteBuffer(std::size_t capacity = 0) { reserve(capacity); }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::uint8_t* data() { return data_.get(); }
    const std::uint8_t* data() const { return data_.get(); }
    Bytes view() const { return {data_.get(), size_}; }

    void clear() { size_ = 0; }
    void resize(std::size_t size) {
        reserve(size);
        size_ = size;
    }
    void reserve(std::size_t capacity) {
        if (capacity > capacity_) {
            grow(capacity);
        }
    }
    /// Makes room for `n` more bytes and returns where they go; what is returned is not initialized.
    std::uint8_t* extend(std::size_t n) {
        if (capacity_ - size_ < n) [[unlikely]] {
            grow(size_ + n);
        }
        std::uint8_t* at = data_.get() + size_;
        size_ += n;
        return at;
    }
    void append(Bytes bytes) {
        if (!bytes.empty()) {
            std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
        }
    }

private:
    [[gnu::noinline]] void grow(std::size_t at_least) {
        const std::size_t capacity = at_least > 2 * capacity_ ? at_least : 2 * capacity_;
        std::unique_ptr<std::uint8_t[]> bigger(new std::uint8_t[capacity]);
        if (size_ != 0) {
            std::memcpy(bigger.get(), data_.get(), size_);
        }
        data_ = std::move(bigger);
        capacity_ = capacity;
    }

    std::unique_ptr<std::uint8_t[]> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace alpha
