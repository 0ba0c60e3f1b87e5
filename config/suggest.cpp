#include "config/suggest.hpp"

#include "events/limits.hpp"
#include "events/text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fmt/format.h>

namespace alpha {

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
    // Case and hyphens are the commonest slips and cost nothing.
    const auto fold = [](std::string_view text) {
        std::string out(text);
        for (char& c : out) {
            c = c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
        return out;
    };
    if (word.empty() || word.size() > limits::kMaxNameBytes) {
        return {};
    }
    const std::string a = fold(word);
    std::string_view best;
    std::size_t best_distance = std::min<std::size_t>(3, std::max<std::size_t>(1, a.size() / 3)) + 1;
    std::array<std::array<std::size_t, limits::kMaxNameBytes + 1>, 3> rows{};
    for (const std::string_view candidate : known) {
        const std::size_t apart =
            candidate.size() > a.size() ? candidate.size() - a.size() : a.size() - candidate.size();
        if (candidate.size() > limits::kMaxNameBytes || apart >= best_distance) {
            continue;
        }
        // Damerau-Levenshtein, restricted: insert, delete, replace, or swap two neighbours.
        const std::string b = fold(candidate);
        for (std::size_t j = 0; j <= b.size(); ++j) {
            rows[0][j] = j;
        }
        for (std::size_t i = 1; i <= a.size(); ++i) {
            const auto& above = rows[(i - 1) % 3];
            auto& row = rows[i % 3];
            row[0] = i;
            for (std::size_t j = 1; j <= b.size(); ++j) {
                const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
                row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                    row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
                }
            }
        }
        const std::size_t distance = rows[a.size() % 3][b.size()];
        // A word wholly replaced is another word, however short.
        if (distance < best_distance && distance < std::max(a.size(), b.size())) {
            best = candidate;
            best_distance = distance;
        }
    }
    return std::string(best);
}

namespace config {

std::string one_of(const std::vector<std::string_view>& words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        out += i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
        out += words[i];
    }
    return out;
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known, bool seeks) {
    const std::string close = seeks ? did_you_mean(word, known) : "";
    if (!close.empty()) {
        return fmt::format("did you mean '{}'?", printable(close));
    }
    constexpr std::size_t kListed = 24;
    if (known.empty() || known.size() > kListed) {
        return "write one that is";
    }
    return "write " + one_of(known);
}

}  // namespace config

}  // namespace alpha
