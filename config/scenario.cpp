#include "config/scenario.hpp"

#include "config/reader.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <system_error>

namespace alpha {

using config::Findings;
using config::Item;

Result<Scenario> parse_scenario(const std::string& text, const std::string& path) {
    Findings findings;
    std::vector<Item> nodes = config::parse_yaml(text, findings);
    if (findings.errors.empty() && (nodes.empty() || nodes.front().kind == Item::Kind::nothing)) {
        findings.error({}, "is empty; write at least name, account, data and strategies");
    }
    if (findings.errors.empty() && nodes.front().kind != Item::Kind::map) {
        findings.error(nodes.front().at, "expects a map, found {}; write name: and the run's name first",
                       config::kind_text(nodes.front()));
    }
    if (!findings.errors.empty()) {
        return tl::unexpected(config::usage_error(findings, path));
    }
    config::refuse_commas(nodes, findings);
    config::refuse_duplicate_keys(nodes, findings);
    Scenario scenario = config::read_scenario(nodes, path, findings);
    if (!findings.errors.empty()) {
        return tl::unexpected(config::usage_error(findings, path));
    }
    scenario.warnings = Findings::lines(findings.warnings, path);
    return scenario;
}

Result<Scenario> load_scenario(const std::string& path) {
    const Result<bool> exists = is_there(path);
    if (!exists) {
        return tl::unexpected(exists.error());
    }
    if (!*exists) {
        return fail(ErrorKind::usage, fmt::format("{}: does not exist; write the path of a scenario", path),
                    ErrorCode::not_found, {path});
    }
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (std::filesystem::is_directory(status)) {
        return fail(ErrorKind::usage, fmt::format("{}: is a folder; write the path of a scenario in it", path));
    }
    if (!std::filesystem::is_regular_file(status)) {
        return fail(ErrorKind::usage,
                    fmt::format("{}: is a pipe or a device; write the scenario into a file and name that", path));
    }
    // More than is allowed, so that parse_scenario sees that there is more, behind a byte-order mark too.
    Result<std::string> text = read_file(path, config::kMaxFileBytes + 3);
    if (!text) {
        return fail(text.error().kind == ErrorKind::data ? ErrorKind::usage : text.error().kind, text.error().message);
    }
    return parse_scenario(*text, path);
}

std::vector<InUse> inputs_of(const Scenario& scenario) {
    std::vector<InUse> inputs{{"the scenario", scenario.path}};
    for (const DataSource& source : scenario.data) {
        constexpr std::string_view kUnix = "unix:";
        if (!source.file.empty()) {
            inputs.push_back({"the data file", source.file});
        } else if (source.stream == "stdin") {
            inputs.push_back({"standard input", "/dev/stdin"});
        } else if (source.stream.starts_with(kUnix)) {
            inputs.push_back({"the socket", source.stream.substr(kUnix.size())});
        }
    }
    for (const std::string& library : scenario.libraries) {
        inputs.push_back({"the library", library});
    }
    for (const std::string& table : scenario.tables) {
        inputs.push_back({"the table", table});
    }
    return inputs;
}

}  // namespace alpha
