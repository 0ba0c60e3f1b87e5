#pragma once
/// What has to hold of mistakes that are found in a file of YAML.

#include "events/assert.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace alpha::fuzz {

/// "FILE:LINE:COLUMN: what"; the last line may count what was left out instead.
inline void check_finding(std::string_view line, std::string_view path) {
    ALPHA_ASSERT(line.starts_with(path), "a finding begins with the file");
    line.remove_prefix(path.size());
    if (line.starts_with(": and ") && line.ends_with(" more")) {
        return;
    }
    for (int number = 0; number < 2; ++number) {
        ALPHA_ASSERT(line.starts_with(":"), "a finding has a line and a column");
        line.remove_prefix(1);
        const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
        ALPHA_ASSERT(digits > 0 && line[0] != '0', "lines and columns begin with 1");
        line.remove_prefix(digits);
    }
    ALPHA_ASSERT(line.starts_with(": ") && line.size() > 2, "a finding says what is wrong");
}

inline void check_findings(std::string_view text, std::string_view path) {
    ALPHA_ASSERT(!text.empty(), "a refusal says why");
    for (const char c : text) {
        ALPHA_ASSERT((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) || c == '\n',
                     "a refusal is fit for a terminal");
    }
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        check_finding(text.substr(0, end), path);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

}  // namespace alpha::fuzz
