#pragma once
/// What somebody probably meant who wrote a word that nobody knows.

#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// The closest of `known` to `word` when it is close enough to be a slip of the hand, else empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known);

namespace config {

/// "a, b or c".
std::string one_of(const std::vector<std::string_view>& words);

/// "did you mean 'x'?", or else what there is to choose from. `seeks` false saves the time that it takes to find x.
std::string suggestion(std::string_view word, const std::vector<std::string_view>& known, bool seeks = true);

}  // namespace config

}  // namespace alpha
