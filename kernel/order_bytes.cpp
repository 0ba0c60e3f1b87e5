#include "kernel/order_bytes.hpp"

#include "events/assert.hpp"
#include "kernel/find_recent.hpp"
#include "kernel/visits.hpp"

#include <iterator>

namespace alpha {

OrderBytes::Place OrderBytes::place_of(const Chunk& chunk, OrderId id) {
    Place place{chunk.entries.size(), chunk.bytes.size(), false};
    while (place.entry > chunk.entries_gone &&
           chunk.entries[place.entry - 1].id >= id) {  // from the end: the newest change most
        ++visits;
        --place.entry;
        place.offset -= chunk.entries[place.entry].size;
        place.is_there = chunk.entries[place.entry].id == id;
    }
    return place;
}

void OrderBytes::put(OrderId id, Bytes bytes) {
    const std::uint64_t range = id.value / kIds;
    auto found = find_recent(chunks_, range);
    if (found == chunks_.end()) {
        found = chunks_.try_emplace(chunks_.end(), range);
    }
    Chunk& chunk = found->second;
    const Place place = place_of(chunk, id);
    const auto at = std::next(chunk.bytes.begin(), static_cast<std::ptrdiff_t>(place.offset));
    if (place.is_there) {
        Entry& entry = chunk.entries[place.entry];
        bytes_ -= entry.size;
        const auto behind = chunk.bytes.erase(at, std::next(at, entry.size));
        chunk.bytes.insert(behind, bytes.begin(), bytes.end());
        entry.size = static_cast<std::uint32_t>(bytes.size());
    } else {
        ++size_;
        chunk.bytes.insert(at, bytes.begin(), bytes.end());
        chunk.entries.insert(std::next(chunk.entries.begin(), static_cast<std::ptrdiff_t>(place.entry)),
                             Entry{id, static_cast<std::uint32_t>(bytes.size())});
    }
    bytes_ += bytes.size();
}

void OrderBytes::erase(OrderId id) {
    const auto found = find_recent(chunks_, id.value / kIds);
    if (found == chunks_.end()) {
        return;
    }
    Chunk& chunk = found->second;
    const Place place = chunk.entries[chunk.entries_gone].id == id ? Place{chunk.entries_gone, chunk.bytes_gone, true}
                                                                   : place_of(chunk, id);
    if (!place.is_there) {
        return;
    }
    const auto entry = std::next(chunk.entries.begin(), static_cast<std::ptrdiff_t>(place.entry));
    --size_;
    bytes_ -= entry->size;
    if (place.entry == chunk.entries_gone) {
        ++chunk.entries_gone;
        chunk.bytes_gone += entry->size;
    } else {
        const auto at = std::next(chunk.bytes.begin(), static_cast<std::ptrdiff_t>(place.offset));
        chunk.bytes.erase(at, std::next(at, entry->size));
        chunk.entries.erase(entry);
    }
    if (chunk.entries_gone == chunk.entries.size()) {
        chunks_.erase(found);
    }
}

void OrderBytes::append_to(ByteBuffer& out) const {
    out.reserve(out.size() + bytes_);
    for (const auto& [range, chunk] : chunks_) {
        out.append(Bytes(chunk.bytes).subspan(chunk.bytes_gone));
    }
}

}  // namespace alpha
