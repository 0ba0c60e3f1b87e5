#include "views/csv.hpp"

namespace alpha {

std::string csv_field(std::string_view name) {
    const bool is_formula = !name.empty() && std::string_view("=+-@").find(name.front()) != std::string_view::npos;
    std::string text = is_formula ? "'" : "";
    text += name;
    if (text.find_first_of(",\"\n\r") == std::string::npos) {
        return text;
    }
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    }
    return quoted + '"';
}

}  // namespace alpha
