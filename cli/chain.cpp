#include "cli/chain.hpp"

#include "views/json.hpp"

namespace alpha {

std::string chain_text(const std::vector<DecodedEvent>& chain, const Names& names, std::size_t skip) {
    std::string text;
    for (std::size_t i = skip; i < chain.size(); ++i) {
        text += "  " + to_text(chain[i].envelope, chain[i].event, names) + '\n';
    }
    return text;
}

std::string causes_json(const std::vector<DecodedEvent>& chain, const Names& names) {
    std::vector<std::string> events;
    for (std::size_t i = 1; i < chain.size(); ++i) {
        events.push_back(to_json(chain[i].envelope, chain[i].event, names));
    }
    return json_array(events);
}

}  // namespace alpha
