#include "store/rows.hpp"

namespace alpha {

namespace {

Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Row Rows::operator[](std::size_t i) const {
    const Place& place = places_[i];
    const std::size_t end = i + 1 < places_.size() ? places_[i + 1].key : bytes_.size();
    const std::string_view all(reinterpret_cast<const char*>(bytes_.data()), bytes_.size());
    return {place.table, all.substr(place.key, place.value - place.key), all.substr(place.value, end - place.value)};
}

void Rows::add(const Row& row) {
    begin(row.table);
    bytes_.append(bytes_of(row.key));
    begin_value();
    bytes_.append(bytes_of(row.value));
}

}  // namespace alpha
