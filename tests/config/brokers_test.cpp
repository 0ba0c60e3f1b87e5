#include "config/brokers.hpp"
#include "config/keys.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace alpha;

namespace {

std::vector<Setting> canonical(const BrokerSpec& spec, const std::vector<Setting>& given) {
    auto settings = spec.canonical(given);
    INFO(spec.kind << ": " << (settings ? std::string() : settings.error().message));
    REQUIRE(settings);
    return *settings;
}

}  // namespace

TEST_CASE("a kind of broker has other settings or defaults than it says", "[config]") {
    for (const BrokerSpec& spec : broker_catalog()) {
        INFO(spec.kind);
        std::vector<Setting> said;
        for (const Key& key : spec.keys) {
            said.push_back({std::string(key.name), std::string(key.fallback)});
            CHECK_FALSE(key.help.empty());
        }
        std::ranges::sort(said, {}, &Setting::key);
        CHECK(canonical(spec, {}) == said);
        CHECK(canonical(spec, said) == said);
        CHECK(find_broker(spec.kind) == &spec);
    }
    CHECK(find_broker("none") == nullptr);
}

TEST_CASE("a kind of broker refuses what it says can be chosen, or takes what cannot", "[config]") {
    for (const BrokerSpec& spec : broker_catalog()) {
        for (const Key& key : spec.keys) {
            const std::string name(key.name);
            for (const std::string_view choice : config::choices_of(key)) {
                const Setting chosen{name, std::string(choice)};
                CHECK(std::ranges::count(canonical(spec, {chosen}), chosen) == 1);
            }
            CHECK_FALSE(spec.canonical({{name, "\n"}}));
            CHECK_FALSE(spec.make({{name, "\n"}}));
            CHECK_FALSE(spec.canonical({{name, std::string(key.fallback)}, {name, std::string(key.fallback)}}));
        }
        CHECK_FALSE(spec.canonical({{"no such setting", "1"}}));
        CHECK_FALSE(spec.make({{"no such setting", "1"}}));
    }
}

TEST_CASE("a broker that replaces another forgets what that held", "[config]") {
    for (const BrokerSpec& spec : broker_catalog()) {
        const std::vector<Setting> settings = canonical(spec, {});
        const auto broker = spec.make(settings);
        REQUIRE(broker);
        PlaceOrder order;
        order.order = OrderId{1};
        order.terms.type = OrderType::limit;
        order.terms.quantity = qty_of(2);
        order.terms.limit_price = price_of(5);
        Reports reports;
        (*broker)->perform(Time{1}, order, reports);
        ByteBuffer held;
        (*broker)->save(held);
        const auto next = spec.hold(settings, settings, **broker);
        REQUIRE(next);
        ByteBuffer again;
        (*next)->save(again);
        CHECK(std::ranges::equal(again.view(), held.view()));
    }
}
