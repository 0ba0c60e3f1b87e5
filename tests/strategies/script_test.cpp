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

namespace {

OrderTerms terms(Side side, OrderType type, TimeInForce tif, std::int64_t quantity, int limit, int stop) {
    return {{0}, side, type, tif, qty_of(quantity), cents(limit), cents(stop)};
}
OrderTerms reducing(OrderTerms order) {
    order.reduce_only = true;
    return order;
}
OrderTerms linked(OrderTerms order, std::uint64_t parent, std::uint64_t group) {
    order.parent = OrderId{parent};
    order.group = OrderId{group};
    return order;
}

}  // namespace

TEST_CASE("a script's words for linked orders ask for others than they say", "[strategies]") {
    constexpr auto kBuy = Side::buy;
    constexpr auto kSell = Side::sell;
    constexpr auto kDay = TimeInForce::day;
    constexpr auto kGtc = TimeInForce::gtc;
    const OrderTerms entry = terms(kBuy, OrderType::limit, kDay, 100, 9'900, 0);
    const OrderTerms stop = terms(kSell, OrderType::stop, kGtc, 100, 0, 9'500);
    const OrderTerms target = terms(kSell, OrderType::limit, kGtc, 100, 11'000, 0);
    OrderTerms tagged = terms(kSell, OrderType::market, kGtc, 5, 0, 0);
    tagged.reduce_only = true;
    tagged.tag = "two words";
    OrderTerms tagged_entry = terms(kBuy, OrderType::market, kGtc, 100, 0, 0);
    OrderTerms tagged_stop = stop;
    tagged_entry.tag = tagged_stop.tag = "x";
    struct Case {
        const char* line;
        std::vector<OrderTerms> orders;
    };
    for (const Case& each : std::vector<Case>{
             {"sell 100 I0 stop 95 reduce_only", {reducing(stop)}},
             {"sell 5 I0 tag \"two words\" reduce_only", {tagged}},
             {"buy 100 I0 day limit 99 then stop 95 target 110 as e",
              {entry, linked(stop, 1, 2), linked(target, 1, 2)}},
             {"buy 100 I0 limit 99 day as e then target 110 stop 95",
              {entry, linked(stop, 1, 2), linked(target, 1, 2)}},
             {"buy 100 I0 limit 99 day then target 110", {entry, linked(target, 1, 0)}},
             {"buy 100 I0 then stop 95 tag x", {tagged_entry, linked(tagged_stop, 1, 0)}},
             {"sell 100 I0 limit 110 as up or sell 100 I0 stop 95 as down", {linked(target, 0, 1), linked(stop, 0, 1)}},
             {"buy 100 I0 day limit 99 then stop 95 target 110 or sell 100 I0 stop 95 then stop 99",
              {linked(entry, 0, 1), linked(stop, 0, 1), linked(stop, 1, 3), linked(target, 1, 3),
               linked(terms(kBuy, OrderType::stop, kGtc, 100, 0, 9'900), 2, 0)}},
         }) {
        INFO(each.line);
        Stage stage("script", {{"orders", std::string("at 1 ") + each.line}});
        stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
        stage.quote(cents(10'000), cents(10'010));
        CHECK(stage.placed == each.orders);
        CHECK(stage.placed_together == (each.orders.size() > 1 ? each.orders.size() : 0U));
    }
}

TEST_CASE("a script does not find the exits of an order by their names, or forgets them in a restart", "[strategies]") {
    Stage stage("script", {{"orders", "at 1 buy 100 I0 limit 99 then stop 95 target 110 as long; "
                                      "at 1 sell 50 I0 limit 111 as up or sell 50 I0 stop 94 as down; "
                                      "at 2 modify long.stop 80 stop 96; at 2 modify down 40; "
                                      "at 3 cancel long.target; at 3 cancel up"}});
    stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
    stage.quote(cents(10'000), cents(10'010));
    REQUIRE(stage.state().open_orders.size() == 5);
    stage.restart();
    stage.quote(cents(10'000), cents(10'010));
    stage.restart();
    stage.quote(cents(10'000), cents(10'010));
    const auto& open = stage.state().open_orders;
    REQUIRE(open.size() == 3);
    CHECK(open.at(OrderId{1}).terms.limit_price == cents(9'900));
    CHECK(open.at(OrderId{2}).terms.quantity == qty_of(80));
    CHECK(open.at(OrderId{5}).terms.quantity == qty_of(40));
    CHECK(stage.changed == std::vector<Stage::Changed>{{OrderId{2}, qty_of(80), {}, cents(9'600)},
                                                       {OrderId{5}, qty_of(40), {}, cents(9'400)}});
    stage.check_damage_is_refused();
}

TEST_CASE("a change in the event that places the order forgets the prices that it does not name", "[strategies]") {
    Stage stage("script", {{"orders", "at 1 buy 10 I0 limit 99 stop 101 as both; at 1 modify both 5 limit 99.5; "
                                      "at 1 buy 10 I0 stop 102 as one; at 1 modify one 5"}});
    stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
    stage.quote(cents(10'000), cents(10'010));
    CHECK(stage.changed == std::vector<Stage::Changed>{{OrderId{1}, qty_of(5), cents(9'950), cents(10'100)},
                                                       {OrderId{2}, qty_of(5), {}, cents(10'200)}});
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
             {"at 1 buy 10 ACME soon",
              "'soon' is not limit, stop, day, gtc, ioc, reduce_only, cnc, mis, nrml, mtf, tag, as, then or or"},
             {"at 2 buy 10 ACME; at 1 buy 10 ACME", "comes after a line for a later event"},
             {"at 1 cancel entry", "no order was named 'entry' before"},
             {"at 1 buy 10 ACME as a; at 2 cancel a b", "'b' is one word too many"},
             {"at 1 buy 10 \"ACME", "has a quote that is not closed"},
             {"at 1 buy 10 \"\"", "has nothing between two quotes"},
             {"at 1 buy 10 ACME tag", "ends where a tag is expected"},
             {"at 1 buy 10 ACME tag 123456789012345678901234567890123", "'123456789012345678901234567890123' is too "
                                                                        "long for a tag; the most are 32 bytes"},
             {"at 1 buy 10 ACME then", "has neither stop nor target after 'then'"},
             {"at 1 buy 10 ACME then stop", "ends where a price is expected"},
             {"at 1 buy 10 ACME then stop 95 day", "'day' after 'then' is not stop, target, tag or as"},
             {"at 1 buy 10 ACME target 110", "'target' is not limit, stop, day"},
             {"at 1 buy 10 ACME then stop 110 target 95", "the stop of what is bought lies below"},
             {"at 1 sell 10 ACME then stop 95 target 110", "the stop of what is sold lies above"},
             {"at 1 buy 10 ACME reduce_only then stop 95", "has 'then' after 'reduce_only'"},
             {"at 1 buy 10 ACME or", "ends where buy or sell is expected"},
             {"at 1 buy 10 ACME or cancel x", "'cancel' after 'or' is not buy or sell"},
             {"at 1 buy 10 ACME limit 9 or sell 10 ACNE stop 8", "names 'ACNE' after 'or', and 'ACME' before"},
             {"at 1 buy 1 ACME or buy 2 ACME or buy 3 ACME or buy 4 ACME or buy 5 ACME or buy 6 ACME or buy 7 ACME "
              "or buy 8 ACME then stop 5",
              "places 9 orders that are linked; the most are 8"},
             {"at 1 buy 10 ACME then stop 95 as e; at 2 cancel e.target", "no order was named 'e.target' before"},
             {"at 1 buy 10 ACME as e; at 2 modify e 5 reduce_only", "'reduce_only' is not limit or stop"},
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
