#pragma once
/// An event with what caused it, as a person and as a program read it.

#include "events/codec.hpp"
#include "events/text.hpp"

#include <string>
#include <vector>

namespace alpha {

/// The events, one an indented line, each caused by the next; none of the first `skip`.
std::string chain_text(const std::vector<DecodedEvent>& chain, const Names& names, std::size_t skip = 0);

/// The events behind the first as an array of objects.
std::string causes_json(const std::vector<DecodedEvent>& chain, const Names& names);

}  // namespace alpha
