#pragma once
/// A YAML document as a flat tree in which every key and value knows its place. Only what scenarios and fault scripts need: no anchors, aliases and
/// tags, and bounds on size and depth, so that a hostile file costs a second at most.

#include "config/findings.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace alpha::config {

constexpr std::size_t kMaxFileBytes = 1U << 20U;

/// One node of the tree.
struct Item {
    enum class Kind : std::uint8_t { nothing, text, list, map };
    struct Entry {
        std::string key;  ///< empty in lists
        Place at;
        std::uint32_t value = 0;  ///< index of a node
    };
    Kind kind = Kind::nothing;
    Place at;
    std::string text;
    std::vector<Entry> entries;  ///< in file order
};

/// What messages say was found.
std::string kind_text(const Item& node);

/// Parses the text; the root is node 0. What is not one YAML document goes into `findings`.
std::vector<Item> parse_yaml(std::string_view text, Findings& findings);

/// Refuses numbers with commas, of which YAML between braces takes the rest for keys ("cash: 1,00,000"), and joins them, so that nothing
/// else is said of those keys.
void refuse_commas(std::vector<Item>& nodes, Findings& findings);

/// yaml-cpp keeps both of two equal keys; whichever we took, the other would be ignored silently.
void refuse_duplicate_keys(const std::vector<Item>& nodes, Findings& findings);

}  // namespace alpha::config
