#pragma once
/// JSON as alpha writes it: counts are numbers; money, prices, quantities and times are strings in
/// minimal decimals.

#include "events/fixed.hpp"
#include "events/text.hpp"
#include "events/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// One object, written field by field in the order given, on one line.
class JsonObject {
public:
    JsonObject& text(std::string_view key, std::string_view value) { return json(key, json_string(value)); }
    JsonObject& count(std::string_view key, std::uint64_t value) { return json(key, std::to_string(value)); }
    JsonObject& flag(std::string_view key, bool value) { return json(key, value ? "true" : "false"); }
    JsonObject& decimal(std::string_view key, Decimal value) { return text(key, to_string(value)); }
    JsonObject& decimal(std::string_view key, Price value) { return text(key, to_string(value)); }
    JsonObject& decimal(std::string_view key, Qty value) { return text(key, to_string(value)); }
    JsonObject& time_ns(std::string_view key, Time value) { return text(key, std::to_string(value.ns)); }
    /// A measurement: three decimals, for figures that differ from run to run anyway.
    JsonObject& measured(std::string_view key, double value);
    JsonObject& texts(std::string_view key, const std::vector<std::string>& values);
    /// `value` is JSON already.
    JsonObject& json(std::string_view key, std::string_view value) {
        body_ += body_.empty() ? "" : ",";
        body_ += json_string(key);
        body_ += ':';
        body_ += value;
        return *this;
    }
    std::string done() const { return "{" + body_ + "}"; }

private:
    std::string body_;
};

/// "[a,b]" of values that are JSON already.
std::string json_array(const std::vector<std::string>& values);

}  // namespace alpha
