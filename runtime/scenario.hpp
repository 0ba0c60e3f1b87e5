#pragma once
/// A scenario file, read and validated as a whole: every mistake at once, each with file:line:column and a suggestion.

#include "adapters/data/feed.hpp"
#include "events/event.hpp"
#include "events/result.hpp"

#include <string>
#include <vector>

namespace alpha {

/// What a scenario means once every default is filled in. `config` goes into the log as event 0; `data` stays outside.
struct Scenario {
    std::string path;
    SessionConfigured config;
    std::vector<DataSource> data;       ///< files resolved relative to the scenario
    std::vector<std::string> warnings;  ///< file:line:column: legal, but surely not meant
};

/// Reads `path`. An error (kind usage) holds one line a mistake: "file:line:column: what is wrong; what to write instead".
Result<Scenario> load_scenario(const std::string& path);
/// The same from text; `path` is used in messages and to resolve data files.
Result<Scenario> parse_scenario(const std::string& text, const std::string& path);

/// The closest of `known` to `word` when it is close enough to be a slip of the hand, else empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace alpha
