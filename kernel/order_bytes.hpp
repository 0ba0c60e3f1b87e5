#pragma once
/// Orders encoded when they change, so that saving tens of thousands of them moves memory and visits none of them.

#include "events/bytes.hpp"
#include "events/ids.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace alpha {

/// Some bytes for each of many orders. Ids are given out one after the other, so a chunk holds those of a short range of ids, and a
/// change, wherever it is, moves the bytes of one chunk.
class OrderBytes {
public:
    static constexpr std::uint64_t kIds = 64;  ///< a chunk's

    std::size_t size() const { return size_; }  ///< orders
    std::size_t bytes() const { return bytes_; }
    // Both are O(log chunks + one chunk): the bytes of at most kIds orders move, however many there are.

    /// In place of what was there.
    void put(OrderId id, Bytes bytes);
    void erase(OrderId id);
    /// All of them, by id. O(bytes).
    void append_to(ByteBuffer& out) const;

private:
    struct Entry {
        OrderId id;
        std::uint32_t size = 0;
    };
    struct Chunk {
        std::vector<Entry> entries;  ///< by id
        std::vector<std::uint8_t> bytes;
        // Orders are forgotten from the front: what is gone there stays until the whole chunk is.
        std::size_t entries_gone = 0;
        std::size_t bytes_gone = 0;
    };
    /// Where an order's entry and bytes are, or would be.
    struct Place {
        std::size_t entry = 0;
        std::size_t offset = 0;
        bool is_there = false;
    };
    static Place place_of(const Chunk& chunk, OrderId id);

    std::map<std::uint64_t, Chunk> chunks_;  // by id / kIds
    std::size_t size_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace alpha
