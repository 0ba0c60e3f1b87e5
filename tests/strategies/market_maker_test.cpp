#include "tests/strategies/support.hpp"

#include <vector>

namespace alpha {

namespace {

std::vector<Setting> params(const char* refresh = "0") {
    return {{"half_spread", "0.05"},
            {"max_inventory", "25"},
            {"quantity", "10"},
            {"refresh", refresh},
            {"requote", "0.02"}};
}

/// Orders rest until the test fills them.
void let_rest(Stage& stage) {
    stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
}

Price bid_of(const Stage& stage) {
    return stage.only(Side::buy).terms.limit_price;
}
Price ask_of(const Stage& stage) {
    return stage.only(Side::sell).terms.limit_price;
}

/// What must hold whatever the broker does, for one instrument.
void check_quotes(const Stage& stage, InstrumentId id) {
    const auto bids = stage.open_orders(id, Side::buy);
    const auto asks = stage.open_orders(id, Side::sell);
    REQUIRE(bids.size() <= 1);
    REQUIRE(asks.size() <= 1);
    const Qty bid = bids.empty() ? Qty{0} : bids[0]->leaves();
    const Qty ask = asks.empty() ? Qty{0} : asks[0]->leaves();
    REQUIRE(stage.net(id) + bid <= qty_of(25));
    REQUIRE(stage.net(id) - ask >= -qty_of(25));
    if (!bids.empty() && !asks.empty()) {
        REQUIRE(bids[0]->terms.limit_price < asks[0]->terms.limit_price);
    }
}

}  // namespace

TEST_CASE("market_maker rounds a quote towards the market", "[strategies]") {
    Stage stage("market_maker", params());
    let_rest(stage);
    stage.state().instruments[0].tick = cents(5);
    stage.quote(cents(10'001), cents(10'004));  // mid 100.025: 99.975 and 100.075 before rounding
    REQUIRE(stage.placed.size() == 2);
    const OrderTerms bid{{}, Side::buy, OrderType::limit, TimeInForce::day, qty_of(10), cents(9'995), {}};
    const OrderTerms ask{{}, Side::sell, OrderType::limit, TimeInForce::day, qty_of(10), cents(10'010), {}};
    CHECK(stage.placed[0] == bid);
    CHECK(stage.placed[1] == ask);
}

TEST_CASE("market_maker moves a price that is already on the tick", "[strategies]") {
    Stage stage("market_maker", params());
    let_rest(stage);
    stage.quote(cents(10'000), cents(10'002));
    CHECK(bid_of(stage) == cents(9'996));
    CHECK(ask_of(stage) == cents(10'006));
}

TEST_CASE("market_maker chases every flicker, or does not follow the market", "[strategies]") {
    Stage stage("market_maker", params());
    let_rest(stage);
    stage.quote(cents(10'000), cents(10'002));
    stage.quote(cents(10'002), cents(10'004));  // two cents: not more than requote
    CHECK(stage.modifies == 0);
    stage.quote(cents(10'003), cents(10'004));  // two and a half
    CHECK(stage.modifies == 2);
    CHECK(bid_of(stage) == cents(9'998));
    CHECK(ask_of(stage) == cents(10'009));
    CHECK(stage.placed.size() == 2);
    CHECK(stage.cancels == 0);

    // Quotes that say nothing of the mid move nothing.
    stage.quote(Price{0}, cents(11'000));
    stage.quote(cents(11'000), Price{0});
    stage.quote(cents(11'001), cents(11'000));
    CHECK(stage.modifies == 2);
}

TEST_CASE("market_maker trades with itself when the market jumps", "[strategies]") {
    Stage stage("market_maker", params());
    let_rest(stage);
    stage.quote(cents(10'000), cents(10'002));
    stage.on_change = ChangeAnswer::ignore;
    stage.quote(cents(10'100), cents(10'102));
    CHECK(stage.modifies == 1);  // the ask first; the bid waits while the old ask is in its way
    stage.quote(cents(10'100), cents(10'102));
    CHECK(stage.modifies == 1);
    stage.on_change = ChangeAnswer::done;
    stage.answer_modify(stage.only(Side::sell).id, true);
    stage.quote(cents(10'100), cents(10'102));
    CHECK(bid_of(stage) == cents(10'096));
    CHECK(ask_of(stage) == cents(10'106));
}

TEST_CASE("market_maker believes a change that failed", "[strategies]") {
    Stage stage("market_maker", params());
    let_rest(stage);
    stage.quote(cents(10'000), cents(10'002));
    stage.on_change = ChangeAnswer::ignore;
    stage.quote(cents(9'900), cents(9'902));
    REQUIRE(stage.modifies == 1);  // the bid
    stage.answer_modify(stage.only(Side::buy).id, false);
    stage.on_change = ChangeAnswer::done;
    // The bid still rests at 99.96, where the ask may not go; nor is the bid's change asked for
    // again at once.
    for (int i = 0; i < 10; ++i) {
        stage.quote(cents(9'900), cents(9'902));
        check_quotes(stage, InstrumentId{0});
    }
    CHECK(stage.modifies == 1);
    stage.quote(cents(9'890), cents(9'892));
    stage.quote(cents(9'890), cents(9'892));
    CHECK(bid_of(stage) == cents(9'886));
    CHECK(ask_of(stage) == cents(9'896));
}

TEST_CASE("market_maker holds more than max_inventory", "[strategies]") {
    Stage stage("market_maker", params());
    let_rest(stage);
    for (const int filled : {10, 10, 5}) {
        stage.quote(cents(10'000), cents(10'002));
        CHECK(stage.only(Side::buy).leaves() == qty_of(filled));
        stage.fill(stage.only(Side::buy).id, qty_of(filled));
    }
    CHECK(stage.net() == qty_of(25));
    stage.quote(cents(10'000), cents(10'002));
    CHECK(stage.open_orders({}, Side::buy).empty());
    CHECK(stage.only(Side::sell).leaves() == qty_of(10));
    stage.fill(stage.only(Side::sell).id, qty_of(3));
    stage.quote(cents(10'000), cents(10'002));
    CHECK(stage.only(Side::buy).leaves() == qty_of(3));
    CHECK(stage.only(Side::sell).leaves() == qty_of(7));
}

TEST_CASE("market_maker forgets partial fills when it moves a quote", "[strategies]") {
    Stage stage("market_maker", params());
    let_rest(stage);
    stage.quote(cents(10'000), cents(10'002));
    const OrderId bid = stage.only(Side::buy).id;
    stage.fill(bid, qty_of(4));
    stage.restart();
    stage.quote(cents(10'010), cents(10'012));
    stage.quote(cents(10'010), cents(10'012));
    CHECK(stage.only(Side::buy).id == bid);
    CHECK(stage.only(Side::buy).terms.quantity == qty_of(14));
    CHECK(stage.only(Side::buy).leaves() == qty_of(10));
}

TEST_CASE("market_maker cancels nothing when a late fill has taken its room", "[strategies]") {
    Stage stage("market_maker", params());
    let_rest(stage);
    for (int i = 0; i < 2; ++i) {
        stage.quote(cents(10'000), cents(10'002));
        stage.fill(stage.only(Side::buy).id, qty_of(10));
    }
    stage.quote(cents(10'000), cents(10'002));
    const OrderId resting_bid = stage.only(Side::buy).id;
    stage.strategy().on_fill({OrderId{1}, {}, {}, {}, Side::buy, qty_of(2), cents(9'996), {}, {}, {}, "late"}, stage);
    stage.quote(cents(10'000), cents(10'002));
    CHECK(stage.cancels == 1);
    stage.quote(cents(10'000), cents(10'002));
    CHECK(stage.only(Side::buy).id != resting_bid);
    CHECK(stage.only(Side::buy).leaves() == qty_of(3));
}

TEST_CASE("market_maker quotes odd lots", "[strategies]") {
    Stage stage("market_maker", params());
    let_rest(stage);
    stage.state().instruments[0].lot = qty_of(4);
    stage.quote(cents(10'000), cents(10'002));
    CHECK(stage.only(Side::buy).leaves() == qty_of(8));
    stage.state().instruments[0].lot = qty_of(11);
    Stage too_small("market_maker", params());
    too_small.state().instruments[0].lot = qty_of(11);
    too_small.quote(cents(10'000), cents(10'002));
    CHECK(too_small.placed.empty());
}

TEST_CASE("market_maker quotes a price of zero or less", "[strategies]") {
    Stage stage("market_maker", params());
    let_rest(stage);
    stage.quote(cents(4), cents(6));
    CHECK(stage.open_orders({}, Side::buy).empty());
    CHECK(ask_of(stage) == cents(10));
}

TEST_CASE("market_maker hammers a rule that says no", "[strategies]") {
    Stage stage("market_maker", params());
    for (const Answer no : {Answer::refuse, Answer::reject}) {
        stage.on_arrival = [&](const OrderTerms&) { return no; };
        stage.placed.clear();
        for (int i = 0; i < 20; ++i) {
            stage.quote(cents(10'000), cents(10'002));
        }
        CHECK(stage.placed.size() == 2);
        // Further off it may be another matter.
        stage.quote(cents(10'003), cents(10'005));
        CHECK(stage.placed.size() == 4);
    }
    let_rest(stage);
    stage.quote(cents(10'050), cents(10'052));
    check_quotes(stage, InstrumentId{0});
    CHECK(bid_of(stage) == cents(10'046));

    // Nor does it put back at once what someone else cancelled.
    const OrderId bid = stage.only(Side::buy).id;
    stage.placed.clear();
    stage.end(bid, OrderStatus::cancelled);
    stage.quote(cents(10'050), cents(10'052));
    CHECK(stage.placed.empty());
    stage.quote(cents(10'055), cents(10'057));
    CHECK(stage.placed.size() == 1);

    // The end of the session is no refusal.
    stage.end(stage.only(Side::buy).id, OrderStatus::expired);
    stage.quote(cents(10'055), cents(10'057));
    CHECK(stage.placed.size() == 2);
}

TEST_CASE("market_maker goes on while its portfolio is killed", "[strategies]") {
    Stage stage("market_maker", params());
    let_rest(stage);
    stage.state().portfolios[0].latch = LatchScope::all;
    stage.quote(cents(10'000), cents(10'002));
    CHECK(stage.placed.empty());
    stage.state().portfolios[0].latch = LatchScope::none;
    stage.quote(cents(10'000), cents(10'002));
    CHECK(stage.placed.size() == 2);
}

TEST_CASE("market_maker leaves stale quotes at the market", "[strategies]") {
    Stage stage("market_maker", params("5"));
    let_rest(stage);
    const Duration second{kSecondNs};
    stage.quote(cents(10'000), cents(10'002));
    REQUIRE(stage.timer);
    CHECK(*stage.timer == stage.state().now + Duration{5 * kSecondNs});

    // The bid is filled and placed anew two seconds later, so it is not stale when the ask is.
    stage.pass(Duration{2 * kSecondNs});
    stage.fill(stage.only(Side::buy).id, qty_of(10));
    stage.quote(cents(10'000), cents(10'002));
    stage.restart();
    stage.pass(Duration{3 * kSecondNs});
    CHECK(stage.cancels == 1);
    CHECK(stage.open_orders({}, Side::sell).empty());
    CHECK(stage.open_orders({}, Side::buy).size() == 1);
    stage.pass(second);
    CHECK(stage.cancels == 1);
    stage.pass(second);
    CHECK(stage.cancels == 2);
    CHECK(stage.state().open_orders.empty());

    // With nothing at the market nothing fires: nights are quiet.
    stage.pass(Duration{10 * kSecondNs});
    CHECK(!stage.timer);
    stage.quote(cents(10'000), cents(10'002));
    CHECK(stage.open_orders({}, Side::buy).size() == 1);
    CHECK(stage.open_orders({}, Side::sell).size() == 1);
    CHECK(stage.timer);

    // A cancel that fails is asked for again one refresh later, not sooner.
    stage.on_change = ChangeAnswer::refuse;
    stage.cancels = 0;
    stage.pass(Duration{5 * kSecondNs});
    CHECK(stage.cancels == 2);
    stage.pass(Duration{4 * kSecondNs});
    CHECK(stage.cancels == 2);
    stage.on_change = ChangeAnswer::done;
    stage.pass(second);
    CHECK(stage.cancels == 4);
    CHECK(stage.state().open_orders.empty());
}

TEST_CASE("market_maker waits for an answer by its timer", "[strategies]") {
    // A cancel that takes until the next price may take a night.
    Stage stage("market_maker", params("5"));
    let_rest(stage);
    stage.quote(cents(10'000), cents(10'002));
    stage.on_change = ChangeAnswer::ignore;
    const OrderId bid = stage.only(Side::buy).id;
    const OrderId ask = stage.only(Side::sell).id;
    stage.pass(Duration{5 * kSecondNs});
    CHECK(stage.cancels == 2);
    stage.pass(Duration{5 * kSecondNs});
    CHECK(!stage.timer);
    stage.restart();
    stage.pass(Duration{1'000 * kSecondNs});
    CHECK(!stage.timer);
    CHECK(stage.cancels == 2);
    // Once one was refused after all, it is asked for again.
    stage.refuse_cancel(bid);
    REQUIRE(stage.timer);
    stage.end(ask, OrderStatus::cancelled);
    stage.on_change = ChangeAnswer::done;
    stage.pass(Duration{5 * kSecondNs});
    CHECK(stage.cancels == 3);
    CHECK(stage.state().open_orders.empty());
    stage.pass(Duration{10 * kSecondNs});
    CHECK(!stage.timer);
}

TEST_CASE("market_maker forgets to refresh a quote whose change was under way for long", "[strategies]") {
    Stage stage("market_maker", params("5"));
    let_rest(stage);
    stage.quote(cents(10'000), cents(10'002));
    stage.on_change = ChangeAnswer::ignore;
    stage.quote(cents(10'003), cents(10'005));
    REQUIRE(stage.modifies == 2);
    const OrderId bid = stage.only(Side::buy).id;
    const OrderId ask = stage.only(Side::sell).id;
    stage.pass(Duration{100 * kSecondNs});
    CHECK(!stage.timer);
    stage.on_change = ChangeAnswer::done;
    stage.answer_modify(bid, true);
    stage.answer_modify(ask, true);
    REQUIRE(stage.timer);
    stage.pass(Duration{kSecondNs});
    CHECK(stage.cancels == 2);
}

TEST_CASE("market_maker without refresh sets timers", "[strategies]") {
    Stage stage("market_maker", params("0"));
    let_rest(stage);
    stage.quote(cents(10'000), cents(10'002));
    CHECK(!stage.timer);
}

TEST_CASE("market_maker breaks its limits under a broker that does anything", "[strategies]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Stage stage("market_maker", params("3"), 2);
        Dice dice(seed);
        stage.on_arrival = [&](const OrderTerms&) {
            const std::int64_t roll = dice.below(10);
            return roll == 0 ? Answer::refuse : roll == 1 ? Answer::reject : Answer::rest;
        };
        std::vector<std::int64_t> mid = {10'000, 500};
        std::size_t fills = 0;
        for (int i = 0; i < 2'000; ++i) {
            const InstrumentId id{static_cast<std::uint32_t>(dice.below(2))};
            const std::int64_t roll = dice.below(8);
            stage.on_change = roll == 0 ? ChangeAnswer::refuse : roll == 1 ? ChangeAnswer::ignore : ChangeAnswer::done;
            std::int64_t& m = mid[id.value];
            m = std::max<std::int64_t>(20, m + dice.around(dice.below(20) == 0 ? 100 : 4));
            const std::int64_t bid = m - dice.below(3);
            stage.quote(cents(bid), cents(m + 1 + dice.below(3)), id);
            check_quotes(stage, id);
            std::vector<OrderId> open;
            for (const auto& [order, unused] : stage.state().open_orders) {
                open.push_back(order);
            }
            for (const OrderId order_id : open) {
                const auto found = stage.state().open_orders.find(order_id);
                if (found == stage.state().open_orders.end()) {
                    continue;
                }
                const Order& order = found->second;
                const std::int64_t what = dice.below(12);
                if (order.modify_pending) {
                    stage.answer_modify(order_id, dice.below(2) == 0);
                } else if (order.cancel_pending) {
                    stage.end(order_id, OrderStatus::cancelled);
                } else if (what == 0) {
                    stage.fill(order_id, order.leaves());
                    ++fills;
                } else if (what == 1 && order.leaves() > qty_of(1)) {
                    stage.fill(order_id, qty_of(1 + dice.below(order.leaves().raw / kScale - 1)));
                    ++fills;
                } else if (what == 2 && dice.below(10) == 0) {
                    stage.end(order_id, dice.below(2) == 0 ? OrderStatus::cancelled : OrderStatus::expired);
                }
                check_quotes(stage, InstrumentId{0});
                check_quotes(stage, InstrumentId{1});
            }
            stage.pass(Duration{dice.below(kSecondNs)});
            if (dice.below(50) == 0) {
                stage.restart();
            }
        }
        CHECK(fills > 100);
        CHECK(stage.modifies > 100);
        CHECK(stage.cancels > 50);
    }
}

TEST_CASE("market_maker goes on otherwise after a restart", "[strategies]") {
    const auto run = [](bool restarts) {
        Stage stage("market_maker", params("3"));
        let_rest(stage);
        Dice dice(5);
        std::int64_t mid = 10'000;
        for (int i = 0; i < 1'000; ++i) {
            mid += dice.around(4);
            stage.quote(cents(mid), cents(mid + 2));
            const Side side = dice.below(2) == 0 ? Side::buy : Side::sell;
            const auto open = stage.open_orders({}, side);
            if (dice.below(4) == 0 && !open.empty()) {
                stage.fill(open[0]->id, open[0]->leaves());
            }
            stage.pass(Duration{kSecondNs / 2});
            if (restarts && i % 7 == 0) {
                stage.restart();
            }
        }
        return std::pair(stage.placed, std::pair(stage.modifies, stage.cancels));
    };
    const auto steady = run(false);
    CHECK(steady.first.size() > 100);
    CHECK(run(true) == steady);
}

TEST_CASE("market_maker loads a damaged state", "[strategies]") {
    Stage stage("market_maker", params("3"), 2);
    let_rest(stage);
    stage.quote(cents(10'000), cents(10'002));
    stage.check_damage_is_refused();
    auto bytes = Stage::saved(stage.strategy());
    bytes[0] = 7;
    CHECK(!stage.make()->load(bytes));
    // The highest bytes of: position, the bid's price, what it has filled, the mid it was priced at, when that was.
    for (const std::size_t place : {8U, 24U, 32U, 40U, 48U}) {
        bytes = Stage::saved(stage.strategy());
        bytes[place] = 0x7f;
        INFO("byte " << place);
        CHECK(!stage.make()->load(bytes));
    }
}

}  // namespace alpha
