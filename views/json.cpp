#include "views/json.hpp"

#include <fmt/format.h>

namespace alpha {

JsonObject& JsonObject::measured(std::string_view key, double value) {
    return json(key, fmt::format("{:.3f}", value));
}

JsonObject& JsonObject::texts(std::string_view key, const std::vector<std::string>& values) {
    std::vector<std::string> quoted;
    quoted.reserve(values.size());
    for (const std::string& value : values) {
        quoted.push_back(json_string(value));
    }
    return json(key, json_array(quoted));
}

std::string json_array(const std::vector<std::string>& values) {
    return fmt::format("[{}]", fmt::join(values, ","));
}

}  // namespace alpha
