/// The rows of the simulated Kite against Zerodha's own samples, where they are: they have no licence and are not part of the tree.

#include "adapters/zerodha/kite_exchange.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>

using namespace alpha::kite;

namespace {

/// Beside the tree, or beside the folder that several trees of it are in.
std::optional<std::string> sample(const std::string& name) {
    for (const char* up : {"/../shared/kite/mocks/", "/../../shared/kite/mocks/"}) {
        std::ifstream file(std::string(ALPHA_SOURCE) + up + name);
        if (file) {
            return std::string(std::istreambuf_iterator<char>(file), {});
        }
    }
    WARN("SKIPPED: no " << name << " in ../shared/kite/mocks: rows are not compared with Zerodha's samples");
    return std::nullopt;
}

/// The names of the rows in "data", which is a list: what stands behind two brackets and a brace.
std::set<std::string> keys_of(const std::string& json) {
    std::set<std::string> keys;
    int depth = 0;
    for (std::size_t i = 0; i < json.size(); ++i) {
        if (json[i] == '{' || json[i] == '[') {
            ++depth;
        } else if (json[i] == '}' || json[i] == ']') {
            --depth;
        } else if (json[i] == '"') {
            const std::size_t end = json.find('"', i + 1);
            REQUIRE(end != std::string::npos);
            const std::string text = json.substr(i + 1, end - i - 1);
            const std::size_t next = json.find_first_not_of(" \t\r\n", end + 1);
            if (depth == 3 && next != std::string::npos && json[next] == ':') {
                keys.insert(text);
            }
            i = end;
        }
    }
    return keys;
}

struct Names {
    std::set<std::string> names;
    template <class... Ts>
    void operator()(alpha::Named<Ts>... fields) {
        (names.insert(fields.name), ...);
    }
};

template <class Row>
std::set<std::string> names_of() {
    Names names;
    Row row;
    row.serialize(names);
    return names.names;
}

/// Each key is a field or left out for a reason, no reason is for nothing, and no field is invented.
void compare(const char* file, const std::set<std::string>& fields, const std::map<std::string, std::string>& left_out,
             bool is_all) {
    const std::optional<std::string> json = sample(file);
    if (!json) {
        return;
    }
    const std::set<std::string> keys = keys_of(*json);
    REQUIRE(keys.size() > 10);
    for (const std::string& key : keys) {
        INFO(file << ": " << key);
        CHECK(fields.contains(key) != left_out.contains(key));
    }
    if (is_all) {
        for (const std::string& field : fields) {
            INFO(file << ": " << field);
            CHECK(keys.contains(field));
        }
        for (const auto& [name, reason] : left_out) {
            INFO(file << ": " << name);
            CHECK(keys.contains(name));
        }
    }
}

}  // namespace

TEST_CASE("a key of Kite's order rows is no field and not left out for a reason", "[kite]") {
    const std::map<std::string, std::string> left_out{
        {"meta", "of icebergs and auctions, which are not simulated: always {}"},
        {"validity_ttl", "TTL is not simulated: always 0"},
        {"auction_number", "auctions are not simulated"},
        {"terminal_id", "of autoslice, which is not simulated"},
    };
    compare("orders.json", names_of<OrderRow>(), left_out, true);
    compare("order_info.json", names_of<OrderRow>(), left_out, false);
}

TEST_CASE("a key of Kite's trade rows is no field", "[kite]") {
    compare("trades.json", names_of<TradeRow>(), {}, true);
    compare("order_trades.json", names_of<TradeRow>(), {}, true);
}

TEST_CASE("a key of Kite's holdings is no field and not left out for a reason", "[kite]") {
    const std::string derived = "follows from the others, or is always 0 here";
    compare("holdings.json", names_of<HoldingRow>(),
            {{"product", "always CNC"},
             {"price", derived},
             {"realised_quantity", derived},
             {"authorised_quantity", "no authorisation is simulated"},
             {"authorised_date", "no authorisation is simulated"},
             {"authorisation", "no authorisation is simulated"},
             {"short_quantity", derived},
             {"collateral_quantity", "no collateral is simulated"},
             {"collateral_type", "no collateral is simulated"},
             {"discrepancy", derived},
             {"pnl", derived},
             {"day_change", derived},
             {"day_change_percentage", derived},
             {"mtf", "MTF is not simulated"}},
            true);
}
