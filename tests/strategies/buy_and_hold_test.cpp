#include "tests/strategies/support.hpp"

namespace alpha {

namespace {

void new_day(Stage& stage) {
    for (Market& market : stage.state().markets) {
        ++market.session_date.days;
    }
}

}  // namespace

TEST_CASE("buy_and_hold buys twice", "[strategies]") {
    Stage stage("buy_and_hold", {{"quantity", "10"}}, 2);
    stage.quote(cents(100), Price{0});
    CHECK(stage.placed.empty());  // no ask to buy from
    for (int day = 0; day < 3; ++day) {
        new_day(stage);
        for (int i = 0; i < 10; ++i) {
            stage.quote(cents(100), cents(101));
            stage.bar(cents(500), InstrumentId{1});
            stage.restart();
        }
    }
    REQUIRE(stage.placed.size() == 2);
    const OrderTerms first{InstrumentId{0}, Side::buy, OrderType::market, TimeInForce::gtc, qty_of(10), {}, {}};
    CHECK(stage.placed[0] == first);
    CHECK(stage.placed[1].instrument == InstrumentId{1});
    CHECK(stage.net(InstrumentId{0}) == qty_of(10));
    CHECK(stage.net(InstrumentId{1}) == qty_of(10));
    CHECK(stage.signals.size() == 2);
}

TEST_CASE("buy_and_hold hammers a rule that says no, or gives up for good", "[strategies]") {
    Stage stage("buy_and_hold", {{"quantity", "10"}});
    stage.on_arrival = [](const OrderTerms&) { return Answer::refuse; };
    for (int day = 0; day < 3; ++day) {
        new_day(stage);
        for (int i = 0; i < 10; ++i) {
            stage.quote(cents(100), cents(101));
        }
        CHECK(stage.placed.size() == static_cast<std::size_t>(day) + 1);
    }
    stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
    new_day(stage);
    stage.quote(cents(100), cents(101));
    const OrderId order = stage.only(Side::buy).id;
    stage.fill(order, qty_of(4));
    stage.restart();
    new_day(stage);
    stage.quote(cents(100), cents(101));
    CHECK(stage.placed.size() == 4);  // still under way
    stage.end(order, OrderStatus::cancelled);
    stage.quote(cents(100), cents(101));
    REQUIRE(stage.placed.size() == 5);
    CHECK(stage.placed[4].quantity == qty_of(6));
}

TEST_CASE("buy_and_hold loads a damaged state", "[strategies]") {
    Stage stage("buy_and_hold", {{"quantity", "10"}}, 2);
    stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
    stage.quote(cents(100), cents(101));
    stage.check_damage_is_refused();
    auto bytes = Stage::saved(stage.strategy());
    bytes[7] = 1;  // a day far out of range
    CHECK(!stage.make()->load(bytes));
    bytes = Stage::saved(stage.strategy());
    bytes[40] = 0;  // what is left of an order, without the order
    CHECK(!stage.make()->load(bytes));
    bytes = Stage::saved(stage.strategy());
    bytes[39] = 0x80;  // a position with which the next order overflows
    CHECK(!stage.make()->load(bytes));
}

}  // namespace alpha
