#include "config/brokers.hpp"

#include "adapters/outside/outside_venue.hpp"
#include "adapters/paper/spec.hpp"

#include <algorithm>
#include <array>

namespace alpha {

std::span<const BrokerSpec> broker_catalog() {
    static const std::array kCatalog{paper_spec()};
    return kCatalog;
}

const BrokerSpec* find_broker(std::string_view kind) {
    const std::span<const BrokerSpec> all = broker_catalog();
    const auto found = std::ranges::find(all, kind, &BrokerSpec::kind);
    return found == all.end() ? nullptr : &*found;
}

const BrokerSpec* find_any_broker(std::string_view kind) {
    return kind == zerodha_spec().kind ? &zerodha_spec() : find_broker(kind);
}

std::vector<std::string_view> broker_kinds() {
    std::vector<std::string_view> kinds;
    for (const BrokerSpec& spec : broker_catalog()) {
        kinds.push_back(spec.kind);
    }
    return kinds;
}

}  // namespace alpha
