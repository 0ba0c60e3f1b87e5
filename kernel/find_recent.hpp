#pragma once

namespace alpha {

/// `map.find(key)` for ids that are given out in order: the newest few are asked for most, and are found from the end. A tree
/// of tens of thousands of orders is a dozen cache misses deep otherwise, more than all else that a fill costs. What is older
/// than everything there is missed as quickly.
template <class Map>
auto find_recent(Map& map, const typename Map::key_type& key) {
    constexpr int kRecent = 4;
    auto at = map.end();
    for (int i = 0; i < kRecent && at != map.begin(); ++i) {
        --at;
        if (!(key < at->first)) {
            return at->first < key ? map.end() : at;
        }
    }
    return at == map.begin() || key < map.begin()->first ? map.end() : map.find(key);
}

}  // namespace alpha
