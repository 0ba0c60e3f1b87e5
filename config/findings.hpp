#pragma once
/// What is wrong with a scenario, or odd about it: collected while it is read, told all at once in the order of the file.

#include "config/suggest.hpp"
#include "events/result.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alpha::config {

/// What somebody wrote, as messages quote it: in quotes, and cut where it is long.
std::string in_quotes(std::string_view text);

/// Where something stands in the file, counted from 1 as editors do.
struct Place {
    std::int32_t line = 1;
    std::int32_t column = 1;
    friend auto operator<=>(const Place&, const Place&) = default;
};

struct Findings {
    struct Finding {
        Place at;
        std::string text;
    };
    std::vector<Finding> errors;
    std::vector<Finding> warnings;

    template <class... Args>
    void error(Place at, fmt::format_string<Args...> text, Args&&... args) {
        errors.push_back({at, fmt::format(text, std::forward<Args>(args)...)});
    }
    template <class... Args>
    void warn(Place at, fmt::format_string<Args...> text, Args&&... args) {
        warnings.push_back({at, fmt::format(text, std::forward<Args>(args)...)});
    }
    /// Suggestions cost time; beyond what is printed nobody reads them.
    bool wants_suggestions() const { return errors.size() < kMaxReported; }
    /// As config::suggestion, as long as somebody reads it.
    std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) const {
        return config::suggestion(word, known, wants_suggestions());
    }

    /// "path:line:column: text" of each, in the order of the file; beyond kMaxReported only how many more there are.
    static std::vector<std::string> lines(std::vector<Finding> findings, const std::string& path);

private:
    static constexpr std::size_t kMaxReported = 100;
};

/// The errors, of which there is at least one, as one of kind usage.
Error usage_error(const Findings& findings, const std::string& path);

}  // namespace alpha::config
