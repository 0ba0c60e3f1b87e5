#include "tests/strategies/support.hpp"

#include <vector>

namespace alpha {

namespace {

const std::vector<Setting> kParams = {{"fast", "5"}, {"slow", "20"}, {"quantity", "100"}};

/// The rule once more, as plainly as it can be said.
struct Plain {
    double fast = 0;
    double slow = 0;
    int ticks = 0;
    bool held = false;
    /// Whether it trades at this tick, and then is long as `held` says.
    bool tick(Price bid, Price ask, int fast_n, int slow_n) {
        const double mid = (static_cast<double>(bid.raw) / 1e8 + static_cast<double>(ask.raw) / 1e8) * 0.5;
        if (ticks++ == 0) {
            fast = slow = mid;
        }
        fast += 2.0 / (fast_n + 1) * (mid - fast);
        slow += 2.0 / (slow_n + 1) * (mid - slow);
        if (ticks < slow_n || (fast > slow) == held) {
            return false;
        }
        held = !held;
        return true;
    }
};

/// Moves the price so that the averages cross upwards, then waits there.
void rise(Stage& stage) {
    for (int i = 0; i < 30; ++i) {
        stage.quote(cents(20'000 + i), cents(20'002 + i));
    }
}
void fall(Stage& stage) {
    for (int i = 0; i < 30; ++i) {
        stage.quote(cents(10'000 - i), cents(10'002 - i));
    }
}
void begin_flat(Stage& stage) {
    fall(stage);
    REQUIRE(stage.placed.empty());
}

}  // namespace

TEST_CASE("ema_cross decides otherwise than its rule", "[strategies]") {
    Stage stage("ema_cross", kParams, 3);
    Dice dice(42);
    std::vector<Plain> plain(3);
    std::vector<std::int64_t> bid = {18'000, 1'500, 99'999};
    std::vector<OrderTerms> expected;
    for (int i = 0; i < 30'000; ++i) {
        const auto which = static_cast<std::uint32_t>(dice.below(3));
        bid[which] = std::max<std::int64_t>(100, bid[which] + dice.around(9));
        const Price b = cents(bid[which]);
        const Price a = cents(bid[which] + dice.around(3));  // crossed and locked quotes are data too
        if (plain[which].tick(b, a, 5, 20)) {
            const Side side = plain[which].held ? Side::buy : Side::sell;
            expected.push_back({InstrumentId{which}, side, OrderType::market, TimeInForce::gtc, qty_of(100), {}, {}});
        }
        if (dice.below(500) == 0) {
            stage.restart();
        }
        stage.quote(b, a, InstrumentId{which});
        REQUIRE(stage.placed == expected);
    }
    CHECK(expected.size() > 500);
    REQUIRE(stage.signals.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(stage.signals[i].first == expected[i].instrument);
        CHECK(stage.signals[i].second == (expected[i].side == Side::buy ? Direction::lengthen : Direction::flat));
    }
}

TEST_CASE("ema_cross takes a missing side for a price of zero", "[strategies]") {
    Stage with("ema_cross", kParams);
    Stage without("ema_cross", kParams);
    for (Stage* stage : {&with, &without}) {
        fall(*stage);
    }
    with.quote(Price{0}, cents(12'000));
    with.quote(cents(9'000), Price{0});
    with.quote(Price{0}, Price{0});
    CHECK(Stage::saved(with.strategy()) == Stage::saved(without.strategy()));
    CHECK(with.placed.empty());
}

TEST_CASE("ema_cross hammers a rule that says no", "[strategies]") {
    for (const Answer no : {Answer::refuse, Answer::reject}) {
        Stage stage("ema_cross", kParams);
        begin_flat(stage);
        stage.on_arrival = [&](const OrderTerms&) { return no; };
        rise(stage);
        rise(stage);
        CHECK(stage.placed.size() == 1);

        // Down again: there is nothing to sell.
        fall(stage);
        CHECK(stage.placed.size() == 1);

        // The next cross upwards is the next chance.
        stage.on_arrival = [](const OrderTerms&) { return Answer::fill; };
        rise(stage);
        CHECK(stage.placed.size() == 2);
        CHECK(stage.net() == qty_of(100));

        // A refused sell keeps the position, and the next cross upwards does not double it.
        stage.on_arrival = [&](const OrderTerms&) { return no; };
        fall(stage);
        CHECK(stage.placed.size() == 3);
        rise(stage);
        CHECK(stage.placed.size() == 3);
        stage.on_arrival = [](const OrderTerms&) { return Answer::fill; };
        fall(stage);
        CHECK(stage.placed.size() == 4);
        CHECK(stage.net() == Qty{0});
    }
}

TEST_CASE("ema_cross sells more than was filled", "[strategies]") {
    Stage stage("ema_cross", kParams);
    begin_flat(stage);
    stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
    rise(stage);
    const OrderId buy = stage.only(Side::buy).id;
    stage.fill(buy, qty_of(40));
    stage.end(buy, OrderStatus::cancelled);
    rise(stage);
    CHECK(stage.placed.size() == 1);
    stage.on_arrival = [](const OrderTerms&) { return Answer::fill; };
    fall(stage);
    REQUIRE(stage.placed.size() == 2);
    CHECK(stage.placed[1].quantity == qty_of(40));
    CHECK(stage.net() == Qty{0});
}

TEST_CASE("ema_cross orders again while its order is under way", "[strategies]") {
    Stage stage("ema_cross", kParams);
    begin_flat(stage);
    stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
    rise(stage);
    fall(stage);
    rise(stage);
    fall(stage);
    CHECK(stage.placed.size() == 1);
    CHECK(stage.signals.size() == 4);

    SECTION("the cross is answered once the order has filled") {
        stage.on_arrival = [](const OrderTerms&) { return Answer::fill; };
        stage.restart();
        stage.fill_all();
        CHECK(stage.placed.size() == 1);
        stage.quote(cents(9'000), cents(9'002));
        REQUIRE(stage.placed.size() == 2);
        CHECK(stage.placed[1].side == Side::sell);
        CHECK(stage.net() == Qty{0});
    }
    SECTION("or never, when nothing was bought") {
        stage.end(stage.only(Side::buy).id, OrderStatus::cancelled);
        fall(stage);
        CHECK(stage.placed.size() == 1);
    }
}

TEST_CASE("ema_cross loads a damaged state", "[strategies]") {
    Stage stage("ema_cross", kParams, 2);
    stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
    fall(stage);
    rise(stage);
    stage.check_damage_is_refused();

    auto bytes = Stage::saved(stage.strategy());
    bytes[20] = 2;  // a flag is 0 or 1
    CHECK(!stage.make()->load(bytes));
    bytes = Stage::saved(stage.strategy());
    bytes[16] = 21;  // more ticks than are ever counted
    CHECK(!stage.make()->load(bytes));
    bytes = Stage::saved(stage.strategy());
    bytes[6] = 0xf0;  // not a finite number
    bytes[7] = 0x7f;
    CHECK(!stage.make()->load(bytes));
    bytes = Stage::saved(stage.strategy());
    bytes[7] = 0x60;  // an average that no prices have
    CHECK(!stage.make()->load(bytes));
    bytes = Stage::saved(stage.strategy());
    bytes[2 * 22 + 7] = 0x7f;  // a position with which the next order overflows
    CHECK(!stage.make()->load(bytes));
}

}  // namespace alpha
