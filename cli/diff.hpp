#pragma once
/// Where two journals part, for people and for programs.

#include "cli/terminal.hpp"
#include "cli/zone.hpp"
#include "events/result.hpp"
#include "store/journal.hpp"

#include <string>
#include <vector>

namespace alpha {

struct Differences {
    std::vector<std::string> json;  ///< one object each, as docs/reference-cli.md lists its fields
    std::string text;
    std::string first_decision;  ///< of `json`, the one that is more than another configuration; empty: there is none
    bool none() const { return json.empty(); }
};

/// How the configurations differ, in event 0 and where one journal was forked off the other, and the first event besides that
/// differs. Both journals are folded up to there.
Result<Differences> differences_of(const Journal& a, const Journal& b, const Style& style, const Zone& zone);

}  // namespace alpha
