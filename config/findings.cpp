#include "config/findings.hpp"

#include "events/text.hpp"

#include <algorithm>

namespace alpha::config {

std::string in_quotes(std::string_view text) {
    constexpr std::size_t kMaxQuotedBytes = 48;
    const bool cut = text.size() > kMaxQuotedBytes;
    return fmt::format("'{}{}'", text.substr(0, kMaxQuotedBytes), cut ? "..." : "");
}

std::vector<std::string> Findings::lines(std::vector<Finding> findings, const std::string& path) {
    std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) { return a.at < b.at; });
    std::vector<std::string> out;
    for (const Finding& finding : findings) {
        if (out.size() == kMaxReported) {
            out.push_back(fmt::format("{}: and {} more", path, findings.size() - kMaxReported));
            break;
        }
        out.push_back(fmt::format("{}:{}:{}: {}", path, finding.at.line, finding.at.column, printable(finding.text)));
    }
    return out;
}

Error usage_error(const Findings& findings, const std::string& path) {
    const Place first = std::ranges::min(findings.errors, {}, &Findings::Finding::at).at;
    return {ErrorKind::usage,
            fmt::format("{}", fmt::join(Findings::lines(findings.errors, path), "\n")),
            ErrorCode::bad_scenario,
            {path, static_cast<std::uint64_t>(first.line), static_cast<std::uint64_t>(first.column)}};
}

}  // namespace alpha::config
