#include "strategies/catalog.hpp"
#include "tests/strategies/support.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

namespace alpha {

namespace {

const StrategySpec& spec_of(std::string_view name) {
    const StrategySpec* spec = find_strategy(name);
    REQUIRE(spec != nullptr);
    return *spec;
}

auto validate(const StrategySpec& spec, const std::vector<Setting>& given) {
    StrategyConfig config;
    config.params = given;
    return validate_params(spec, config, {});
}

std::vector<ParamError> errors_of(std::string_view name, const std::vector<Setting>& given) {
    const auto result = validate(spec_of(name), given);
    REQUIRE(!result);
    return result.error();
}

}  // namespace

TEST_CASE("a strategy cannot be found, or is listed out of order", "[strategies]") {
    const auto catalog = strategy_catalog();
    REQUIRE(catalog.size() == 5);
    CHECK(std::is_sorted(catalog.begin(), catalog.end(),
                         [](const StrategySpec& a, const StrategySpec& b) { return a.name < b.name; }));
    for (const StrategySpec& spec : catalog) {
        CHECK(find_strategy(spec.name) == &spec);
        CHECK(!spec.summary.empty());
        CHECK(spec.uses.any());
        std::set<std::string_view> names;
        for (const ParamSpec& param : spec.params) {
            CHECK(names.insert(param.name).second);
            CHECK(param.min <= param.max);
            CHECK(!param.help.empty());
        }
    }
    CHECK(find_strategy("ema_crss") == nullptr);
    CHECK(find_strategy("") == nullptr);
    CHECK(name_of(spec_of("ema_cross").uses) == "quotes");
    CHECK(name_of(spec_of("sma_cross").uses) == "bars");
    CHECK(name_of(spec_of("script").uses) == "quotes, trades and bars");
}

TEST_CASE("the same parameters written differently give different logs", "[strategies]") {
    const auto plain = validate(spec_of("ema_cross"), {{"fast", "10"}, {"quantity", "1.5"}, {"slow", "30"}});
    const auto odd = validate(spec_of("ema_cross"), {{"slow", "030"}, {"quantity", "1.500"}, {"fast", "10.0"}});
    REQUIRE(plain);
    REQUIRE(odd);
    CHECK(*plain == *odd);
    CHECK(*plain == std::vector<Setting>{{"fast", "10"}, {"quantity", "1.5"}, {"slow", "30"}});
    CHECK(count_param(*plain, "slow") == 30);
    CHECK(qty_param(*plain, "quantity") == Qty{150'000'000});
}

TEST_CASE("a default is not written into the log", "[strategies]") {
    const auto params =
        validate(spec_of("market_maker"),
                 {{"requote", "0.02"}, {"quantity", "10"}, {"max_inventory", "50"}, {"half_spread", "0.05"}});
    REQUIRE(params);
    CHECK(*params == std::vector<Setting>{{"half_spread", "0.05"},
                                          {"max_inventory", "50"},
                                          {"quantity", "10"},
                                          {"refresh", "0"},
                                          {"requote", "0.02"}});
    CHECK(price_param(*params, "half_spread") == cents(5));
}

TEST_CASE("only the first of several mistakes is told", "[strategies]") {
    const auto errors = errors_of("ema_cross", {{"fats", "3"}, {"slow", "2.5"}, {"quantity", "-5"}});
    REQUIRE(errors.size() == 4);
    CHECK(errors[0].param == "fast");
    CHECK(errors[0].message == "fast is missing: ticks of the fast average; below slow");
    CHECK(errors[1].param == "slow");
    CHECK(errors[1].message == "slow must be a whole number from 1 to 1000000, not 2.5");
    CHECK(errors[2].param == "quantity");
    CHECK(errors[2].message == "quantity must be a number from 0.00000001 to 10000000000, not -5");
    CHECK(errors[3].param == "fats");
    CHECK(errors[3].message == "'fats' is not a parameter of ema_cross; it has: fast, slow, quantity");
}

TEST_CASE("a parameter outside its bounds trades", "[strategies]") {
    const auto accepts = [](const std::string& fast, const std::string& slow, const std::string& quantity) {
        return validate(spec_of("sma_cross"), {{"fast", fast}, {"slow", slow}, {"quantity", quantity}}).has_value();
    };
    CHECK(accepts("1", "2", "0.00000001"));
    CHECK(accepts("999999", "1000000", "10000000000"));
    CHECK(!accepts("0", "2", "1"));
    CHECK(!accepts("-1", "2", "1"));
    CHECK(!accepts("1", "1000001", "1"));
    CHECK(!accepts("1", "2", "0"));
    CHECK(!accepts("1", "2", "10000000000.00000001"));
    CHECK(!accepts("1", "2", "0.000000001"));
    CHECK(!accepts("1", "2", "99999999999999999999999999999999999999999"));
    CHECK(!accepts("1", "2", "1e3"));
    CHECK(!accepts("1", "2", "lots"));
    CHECK(!accepts("1", "2", ""));
    CHECK(!accepts("1", "2", "nan"));
}

TEST_CASE("a fast average that is not faster is accepted", "[strategies]") {
    for (const char* name : {"ema_cross", "sma_cross"}) {
        for (const char* fast : {"1000", "5000"}) {
            const auto errors = errors_of(name, {{"fast", fast}, {"slow", "1000"}, {"quantity", "1"}});
            REQUIRE(errors.size() == 1);
            CHECK(errors[0].param == "fast");
            CHECK(errors[0].message == "fast must be below slow, and " + std::string(fast) + " is not below 1000");
        }
    }
    const auto errors =
        errors_of("market_maker", {{"requote", "1"}, {"quantity", "10"}, {"max_inventory", "9"}, {"half_spread", "1"}});
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].param == "max_inventory");
}

TEST_CASE("a parameter given twice silently takes one of them", "[strategies]") {
    const auto errors = errors_of("buy_and_hold", {{"quantity", "1"}, {"quantity", "2"}});
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].param == "quantity");
    CHECK(errors[0].message == "quantity is given more than once");
}

TEST_CASE("an instrument that is not the strategy's is taken for a parameter", "[strategies]") {
    static constexpr std::array kHedge = {ParamSpec{"hedge", ParamKind::instrument, "", {}, {}, "an example"}};
    StrategySpec spec;
    spec.name = "example";
    spec.params = kHedge;
    std::vector<Instrument> listed(3);
    listed[0].name = "IBM";
    listed[1].name = "BAC";
    listed[2].name = "ACME";
    StrategyConfig config;
    config.instruments = {InstrumentId{2}, InstrumentId{0}};
    config.params = {{"hedge", "IBM"}};
    CHECK(validate_params(spec, config, listed) == std::vector<Setting>{{"hedge", "IBM"}});
    config.params = {{"hedge", "BAC"}};
    const auto wrong = validate_params(spec, config, listed);
    REQUIRE(!wrong);
    CHECK(wrong.error()[0].message == "hedge must be one of the strategy's instruments, not 'BAC'");
}

TEST_CASE("a flag takes anything for true", "[strategies]") {
    static constexpr std::array kFlags = {ParamSpec{"eager", ParamKind::flag, "false", {}, {}, "an example"}};
    StrategySpec spec;
    spec.name = "example";
    spec.params = kFlags;
    const auto by_default = validate(spec, {});
    REQUIRE(by_default);
    CHECK(!flag_param(*by_default, "eager"));
    const auto set = validate(spec, {{"eager", "true"}});
    REQUIRE(set);
    CHECK(flag_param(*set, "eager"));
    const auto wrong = validate(spec, {{"eager", "yes"}});
    REQUIRE(!wrong);
    CHECK(wrong.error()[0].message == "eager must be true or false, not 'yes'");
}

TEST_CASE("an interval has two spellings, or takes anything", "[strategies]") {
    static constexpr std::array kInterval = {
        ParamSpec{"interval", ParamKind::interval, kOnlyInterval, {}, {}, "an example"}};
    StrategySpec spec;
    spec.name = "example";
    spec.params = kInterval;
    CHECK(interval_param(*validate(spec, {}), "interval") == Duration{});
    CHECK(validate(spec, {{"interval", "300s"}}) == std::vector<Setting>{{"interval", "5m"}});
    CHECK(interval_param(*validate(spec, {{"interval", "day"}}), "interval") == Duration{kDayNs});
    for (const char* wrong : {"0s", "five", "5", ""}) {
        const auto refused = validate(spec, {{"interval", wrong}});
        REQUIRE(!refused);
        CHECK(refused.error()[0].message ==
              "interval must be an interval of bars such as 1m or day, or only, not '" + std::string(wrong) + "'");
    }
}

}  // namespace alpha
