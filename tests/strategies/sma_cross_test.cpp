#include "tests/strategies/support.hpp"

#include <vector>

namespace alpha {

namespace {

const std::vector<Setting> kParams = {{"fast", "2"}, {"slow", "4"}, {"quantity", "100"}};

/// Closes that cross upwards on the last bar, from below.
void cross_up(Stage& stage) {
    for (const int close : {40, 30, 20, 10, 90}) {
        stage.bar(price_of(close));
    }
}
void cross_down(Stage& stage) {
    for (const int close : {60, 70, 80, 90, 10}) {
        stage.bar(price_of(close));
    }
}

}  // namespace

TEST_CASE("sma_cross decides otherwise than its rule", "[strategies]") {
    constexpr std::size_t kFast = 5;
    constexpr std::size_t kSlow = 12;
    Stage stage("sma_cross", {{"fast", "5"}, {"slow", "12"}, {"quantity", "100"}}, 2);
    stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
    struct Plain {
        std::vector<std::int64_t> closes;
        bool seen = false;
        int before = 0;
        bool held = false;
    };
    std::vector<Plain> plain(2);
    Dice dice(7);
    std::vector<OrderTerms> expected;
    int touches = 0;
    for (int i = 0; i < 20'000; ++i) {
        const auto which = static_cast<std::uint32_t>(dice.below(2));
        Plain& p = plain[which];
        stage.fill_all();  // at the open of the bar
        if (dice.below(400) == 0) {
            stage.restart();
        }
        const std::int64_t last = p.closes.empty() ? 50 : p.closes.back();
        p.closes.push_back(std::max<std::int64_t>(1, last + dice.around(2)));
        if (p.closes.size() >= kSlow) {
            std::int64_t fast = 0;
            std::int64_t slow = 0;
            for (std::size_t k = 1; k <= kSlow; ++k) {
                const std::int64_t close = p.closes[p.closes.size() - k];
                slow += close * static_cast<std::int64_t>(kFast);
                fast += k <= kFast ? close * static_cast<std::int64_t>(kSlow) : 0;
            }
            const int sign = (fast > slow ? 1 : 0) - (fast < slow ? 1 : 0);
            touches += sign == 0 ? 1 : 0;
            if (p.seen && p.before == (p.held ? 1 : -1) && sign == -p.before) {
                p.held = !p.held;
                const Side side = p.held ? Side::buy : Side::sell;
                expected.push_back(
                    {InstrumentId{which}, side, OrderType::market, TimeInForce::gtc, qty_of(100), {}, {}});
            }
            p.seen = true;
            p.before = sign;
        }
        stage.bar(cents(p.closes.back()), InstrumentId{which});
        REQUIRE(stage.placed == expected);
    }
    CHECK(expected.size() > 300);
    CHECK(touches > 50);
    CHECK(stage.signals.size() == expected.size());
}

TEST_CASE("sma_cross takes a touch for a cross", "[strategies]") {
    Stage stage("sma_cross", kParams);
    // Averages of two and four closes: 15 below 25, then 25 touching 25, then 45 above 30.
    for (const int close : {40, 30, 20, 10, 40, 50}) {
        stage.bar(price_of(close));
    }
    CHECK(stage.placed.empty());
    // Without the touch in between, the same end is a cross.
    cross_up(stage);
    CHECK(stage.placed.size() == 1);
}

TEST_CASE("sma_cross hammers a rule that says no", "[strategies]") {
    for (const Answer no : {Answer::refuse, Answer::reject}) {
        Stage stage("sma_cross", kParams);
        stage.on_arrival = [&](const OrderTerms&) { return no; };
        cross_up(stage);
        REQUIRE(stage.placed.size() == 1);
        for (int i = 0; i < 50; ++i) {
            stage.bar(price_of(100 + i));
        }
        CHECK(stage.placed.size() == 1);
        stage.on_arrival = [](const OrderTerms&) { return Answer::fill; };
        cross_up(stage);
        CHECK(stage.placed.size() == 2);
        CHECK(stage.net() == qty_of(100));
    }
}

TEST_CASE("sma_cross orders again while its order is under way", "[strategies]") {
    Stage stage("sma_cross", kParams);
    stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
    cross_up(stage);
    cross_down(stage);
    cross_up(stage);
    CHECK(stage.placed.size() == 1);
    stage.fill_all();
    cross_down(stage);
    REQUIRE(stage.placed.size() == 2);
    CHECK(stage.placed[1].side == Side::sell);
}

TEST_CASE("sma_cross sells more than was filled", "[strategies]") {
    Stage stage("sma_cross", kParams);
    stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
    cross_up(stage);
    const OrderId buy = stage.only(Side::buy).id;
    stage.fill(buy, qty_of(30));
    stage.end(buy, OrderStatus::expired);
    cross_down(stage);
    REQUIRE(stage.placed.size() == 2);
    CHECK(stage.placed[1].side == Side::sell);
    CHECK(stage.placed[1].quantity == qty_of(30));
}

TEST_CASE("sma_cross loads a damaged state", "[strategies]") {
    Stage stage("sma_cross", kParams, 2);
    stage.on_arrival = [](const OrderTerms&) { return Answer::rest; };
    cross_up(stage);
    stage.check_damage_is_refused();

    // A window of another length belongs to other parameters.
    Stage longer("sma_cross", {{"fast", "2"}, {"slow", "5"}, {"quantity", "100"}}, 2);
    cross_up(longer);
    CHECK(!stage.make()->load(Stage::saved(longer.strategy())));

    auto bytes = Stage::saved(stage.strategy());
    bytes[4 + 7] = 0x80;  // a close below zero
    CHECK(!stage.make()->load(bytes));
}

TEST_CASE("sma_cross averages bars of two intervals together", "[strategies]") {
    const Duration minute{60 * kSecondNs};
    const Duration five{300 * kSecondNs};
    const auto feed = [&](Stage& stage, Duration interval, int close) {
        std::vector<BarSeries>& series = stage.state().markets[0].series;
        if (std::ranges::find(series, interval, &BarSeries::interval) == series.end()) {
            series.push_back({interval});
        }
        stage.bar(price_of(close), {}, interval);
    };
    const auto with_interval = [](const char* interval) {
        std::vector<Setting> params = kParams;
        params.push_back({"interval", interval});
        return params;
    };
    Stage named("sma_cross", with_interval("60s"));
    Stage alone("sma_cross", kParams);
    for (const int close : {40, 30, 20, 10, 90}) {
        feed(alone, minute, close);
        feed(named, five, 100 - close);
        feed(named, minute, close);
    }
    CHECK(alone.placed.size() == 1);
    CHECK(named.placed == alone.placed);
    CHECK_THROWS_WITH(feed(alone, five, 50), "sma_cross reads bars of one interval, and I0 has bars of 1m and 5m; say "
                                             "which: write interval: 1m or 5m among its params");
}

}  // namespace alpha
