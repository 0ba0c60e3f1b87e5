#pragma once
/// Rows of read models on their way to the journal. They change hands between threads hundreds of times a second, so they lie
/// one behind the other in memory that is used again: a text of its own for each would be allocated on one thread and freed
/// on the other.

#include "events/bytes.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace alpha {

/// A row of a read model as it stands after the frame it comes with. The log can always make it anew.
struct Row {
    std::uint8_t table = 0;
    std::string_view key;
    std::string_view value;
    friend bool operator==(const Row&, const Row&) = default;
};

class Rows {
public:
    std::size_t size() const { return places_.size(); }
    bool empty() const { return places_.empty(); }
    /// Good until a row is added.
    Row operator[](std::size_t i) const;

    void add(const Row& row);
    /// Begins a row: what is appended to bytes() until begin_value() is its key, what is appended from then on its value.
    void begin(std::uint8_t table) { places_.push_back({bytes_.size(), bytes_.size(), table}); }
    void begin_value() { places_.back().value = bytes_.size(); }
    ByteBuffer& bytes() { return bytes_; }

    void clear() {
        places_.clear();
        bytes_.clear();
    }

private:
    struct Place {
        std::size_t key = 0;
        std::size_t value = 0;
        std::uint8_t table = 0;
    };
    std::vector<Place> places_;
    ByteBuffer bytes_;
};

}  // namespace alpha
