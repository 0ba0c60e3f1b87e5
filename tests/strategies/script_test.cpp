#include "tests/strategies/support.hpp"

namespace alpha {

namespace {

std::vector<ParamError> errors_of(const std::string& orders) {
    std::vector<Instrument> listed(1);
    listed[0].name = "ACME";
    StrategyConfig config;
    config.instruments = {InstrumentId{0}};
    config.params = {{"orders", orders}};
    const auto result = validate_params(*find_strategy("script"), config, listed);
    return result ? std::vector<ParamError>{} : result.error();
}

}  // namespace

TEST_CASE("a script trades at another event than its line says, or twice", "[strategies]") {
    Stage stage("script", {{"orders", "at 2 buy 10 I0; at 4 sell 5 I0 limit 101.5 day"}});
    for (std::size_t event = 1; event <= 6; ++event) {
        stage.quote(cents(10'000), cents(10'010));
        CHECK(stage.placed.size() == (event < 2 ? 0U : event < 4 ? 1U : 2U));
        stage.restart();
    }
    CHECK(stage.placed[0] == OrderTerms{{0}, Side::buy, OrderType::market, TimeInForce::gtc, qty_of(10), {}, {}});
    CHECK(stage.placed[1] ==
          OrderTerms{{0}, Side::sell, OrderType::limit, TimeInForce::day, qty_of(5), cents(10'150), {}});
    stage.check_damage_is_refused();
}

TEST_CASE("a script's cancel or modify reaches another order than the one it names", "[strategies]") {
    Stage stage("script", {{"orders", "at 1 buy 10 I0 limit 99 as low; at 1 buy 20 I0 limit 98 as lower; "
                                      "at 2 modify lower 30 limit 97; at 3 cancel low"}});
    stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
    stage.quote(cents(10'000), cents(10'010));
    REQUIRE(stage.state().open_orders.size() == 2);
    stage.restart();
    stage.quote(cents(10'000), cents(10'010));
    stage.quote(cents(10'000), cents(10'010));
    const Order& left = stage.only(Side::buy);
    CHECK(left.terms.quantity == qty_of(30));
    CHECK(left.terms.limit_price == cents(9'700));
}

TEST_CASE("an instrument with spaces in its name cannot be traded by a script", "[strategies]") {
    std::vector<Instrument> listed(5);
    listed[0].name = "NIFTY 50";
    listed[1].name = "A;B  \"C\"";
    listed[2].name = "O'REILLY";
    listed[3].name = "5\"";
    listed[4].name = "limit";
    const auto canonical = [&](const std::string& orders) {
        StrategyConfig config;
        config.instruments = {{0}, {1}, {2}, {3}, {4}};
        config.params = {{"orders", orders}};
        const auto result = validate_params(*find_strategy("script"), config, listed);
        INFO(orders);
        REQUIRE(result);
        return result->front().value;
    };
    CHECK(canonical("at 1  buy 10 \"NIFTY 50\"\n\n at 2 sell 10  \"NIFTY 50\" limit 3 as \"the exit\"\nat 3 cancel "
                    "\"the exit\"") ==
          "at 1 buy 10 \"NIFTY 50\"; at 2 sell 10 \"NIFTY 50\" limit 3 as \"the exit\"; at 3 cancel \"the exit\"");
    // Spaces and semicolons in quotes are those of the name; a quote in it is written twice.
    CHECK(canonical("at 1 buy 10 \"A;B  \"\"C\"\"\"; at 2 buy 1 O'REILLY") ==
          "at 1 buy 10 \"A;B  \"\"C\"\"\"; at 2 buy 1 O'REILLY");
    CHECK(canonical("at 1 buy 10 5\"") == "at 1 buy 10 5\"");
    CHECK(canonical("at 1 buy 10 limit limit 5") == "at 1 buy 10 limit limit 5");
}

TEST_CASE("a slip in a script is not refused, or not told", "[strategies]") {
    CHECK(errors_of("at 1 buy 10 ACME limit 99.5 day as entry; at 2 modify entry 5; at 3 cancel entry").empty());
    for (const auto& [orders, says] : std::vector<std::pair<std::string, std::string>>{
             {"buy 10 ACME", "does not begin with 'at'"},
             {"at 0 buy 10 ACME", "'0' is not the number of a market event"},
             {"at 1.5 buy 10 ACME", "'1.5' is not the number of a market event"},
             {"at 1 by 10 ACME", "'by' is not buy, sell, cancel or modify"},
             {"at 1 buy -10 ACME", "'-10' is not a quantity"},
             {"at 1 buy 10", "ends where an instrument is expected"},
             {"at 1 buy 10 ACNE", "'ACNE' is not among the strategy's instruments"},
             {"at 1 buy 10 ACME limit", "ends where a price is expected"},
             {"at 1 buy 10 ACME limit 1e3", "'1e3' is not a price"},
             {"at 1 buy 10 ACME soon", "'soon' is not limit, stop, day, gtc, ioc or as"},
             {"at 2 buy 10 ACME; at 1 buy 10 ACME", "comes after a line for a later event"},
             {"at 1 cancel entry", "no order was named 'entry' before"},
             {"at 1 buy 10 ACME as a; at 2 cancel a b", "'b' is one word too many"},
             {"at 1 buy 10 \"ACME", "has a quote that is not closed"},
             {"at 1 buy 10 \"\"", "has nothing between two quotes"},
             {"at 1 buy 10 ACME as \"my entry\"; at 2 cancel my entry", "'entry' is one word too many"}}) {
        INFO(orders);
        const auto errors = errors_of(orders);
        REQUIRE(errors.size() == 1);
        CHECK(errors[0].param == "orders");
        CHECK(errors[0].message.find(says) != std::string::npos);
    }
    CHECK(errors_of("  ").size() == 1);
}

}  // namespace alpha
