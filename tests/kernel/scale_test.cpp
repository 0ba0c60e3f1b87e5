/// What a tick, a step and an order cost, counted: the same among many as among few. No test here looks at a clock.

#include "kernel/timers.hpp"
#include "kernel/visits.hpp"
#include "tests/kernel/support.hpp"

namespace alpha::test {

namespace {

/// So many instruments, one strategy on all of them, and a second portfolio with a strategy of its own.
Setup crowd(std::uint32_t instruments) {
    Setup setup;
    std::vector<InstrumentId> all;
    for (std::uint32_t i = 0; i < instruments; ++i) {
        setup.instrument("I" + std::to_string(i));
        all.push_back(InstrumentId{i});
    }
    setup.portfolio("main", "100000000").portfolio("other", "100000000").broker("desk");
    setup.strategy("one", all, PortfolioId{0}).strategy("two", all, PortfolioId{1});
    return setup.limit(Rule::buying_power, "1")
        .limit(Rule::gross_exposure, "100000000")
        .limit(Rule::daily_loss, "1000000");
}

/// Has strategy `i` place an order at a quote of the instrument. What that looks at is counted.
std::uint64_t visits_of_order(Floor& floor, const OrderTerms& terms, std::size_t i = 0) {
    const Time now{floor.state().now.ns + 1'000'000};
    visits = 0;
    floor.strategy(i).once([terms](Context& c) { c.place(terms); });
    floor.quote(now, "99.99", "100.01", terms.instrument);
    return visits;
}

/// Buys ten of the instrument.
std::uint64_t visits_of_trade(Floor& floor, InstrumentId instrument) {
    const OrderId order = floor.state().next_order;
    std::uint64_t seen = visits_of_order(floor, limit_order(Side::buy, "10", "100", instrument));
    visits = 0;
    floor.tell(floor.state().now, filled(order.value, "10", "100", std::to_string(order.value)));
    REQUIRE(floor.order(order.value).status == OrderStatus::filled);
    seen += visits;
    return seen;
}

}  // namespace

TEST_CASE("an order and its fill cost as much with many positions as with few", "[kernel][scale]") {
    std::vector<std::uint64_t> most;
    for (const std::uint32_t instruments : {40U, 160U}) {
        Floor floor(crowd(instruments).config());
        floor.broker().obey();
        std::uint64_t one = 0;
        for (std::uint32_t i = 0; i < instruments; ++i) {
            one = std::max(one, visits_of_trade(floor, InstrumentId{i}));
        }
        for (std::uint32_t i = 0; i < instruments; ++i) {  // again, each with a position
            one = std::max(one, visits_of_trade(floor, InstrumentId{i}));
        }
        most.push_back(one);
    }
    CHECK(most[0] > 0);
    CHECK(most[1] == most[0]);
}

TEST_CASE("marks that move cost one look each, with or without an order behind them", "[kernel][scale]") {
    constexpr std::uint32_t kInstruments = 100;
    Floor floor(crowd(kInstruments).config());
    floor.broker().obey();
    for (std::uint32_t i = 0; i < kInstruments; ++i) {
        visits_of_trade(floor, InstrumentId{i});
    }
    visits_of_order(floor, limit_order(Side::buy, "1", "90"));
    visits = 0;
    for (int round = 0; round < 5; ++round) {
        for (std::uint32_t i = 0; i < kInstruments; ++i) {
            floor.quote(Time{floor.state().now.ns + 1}, round % 2 == 0 ? "100" : "99", "102", InstrumentId{i});
        }
    }
    CHECK(visits == std::uint64_t{5} * kInstruments);
    const std::uint64_t first = visits_of_order(floor, limit_order(Side::buy, "1", "90"));
    const std::uint64_t second = visits_of_order(floor, limit_order(Side::buy, "1", "90"));
    CHECK(first <= 4 * kInstruments);  // what has changed is computed once
    CHECK(second <= 20);
}

TEST_CASE("a mark costs nothing to portfolios that do not use the instrument", "[kernel][scale]") {
    Setup setup;
    setup.instrument("IBM").instrument("BAC").broker("desk");
    for (std::uint32_t p = 0; p < 50; ++p) {
        setup.portfolio("p" + std::to_string(p), "100000");
        setup.strategy("s" + std::to_string(p), {kIbm, kBac}, PortfolioId{p});
    }
    setup.limit(Rule::daily_loss, "1000").limit(Rule::buying_power, "1");
    Floor floor(setup);
    floor.broker().obey();
    for (std::size_t i = 0; i < 50; ++i) {
        visits_of_order(floor, limit_order(Side::buy, "1", "90"), i);
    }
    visits = 0;
    floor.quote(at(100), "50", "51", kBac);
    floor.quote(at(101), "60", "61", kBac);
    CHECK(visits == 0);
}

TEST_CASE("orders that close and open are weighed among those of their portfolio and instrument alone",
          "[kernel][scale]") {
    std::vector<std::uint64_t> seen;
    for (const int others : {10, 200}) {
        Floor floor(crowd(3).config());
        floor.broker().obey();
        visits_of_trade(floor, InstrumentId{0});
        for (int i = 0; i < others; ++i) {
            visits_of_order(floor, limit_order(Side::sell, "1", "120", InstrumentId{1}));     // another instrument
            visits_of_order(floor, limit_order(Side::sell, "1", "120", InstrumentId{0}), 1);  // another portfolio
        }
        visits_of_order(floor, limit_order(Side::sell, "8", "110"));
        visits_of_order(floor, limit_order(Side::sell, "8", "110"));  // six of it open a short position
        seen.push_back(visits_of_order(floor, limit_order(Side::sell, "8", "110")));
        CHECK(floor.state().open_orders.size() == static_cast<std::size_t>(2 * others + 3));
    }
    CHECK(seen[0] > 3);  // they were weighed
    CHECK(seen[1] == seen[0]);
}

TEST_CASE("a kill switch visits the orders of its portfolio alone, and cancels them as they were placed",
          "[kernel][scale]") {
    Floor floor(crowd(2).config());
    floor.broker().obey();
    for (int i = 0; i < 100; ++i) {
        visits_of_order(floor, limit_order(Side::buy, "1", "90"), 1);
    }
    const std::uint64_t first = floor.state().next_order.value;
    visits_of_order(floor, limit_order(Side::buy, "1", "90", InstrumentId{1}));
    visits_of_order(floor, limit_order(Side::buy, "1", "90", InstrumentId{0}));
    floor.said();
    visits = 0;
    floor.kill(floor.state().now);
    CHECK(visits == 2);
    const Lines cancels = floor.said_of("cancel_intended");
    REQUIRE(cancels.size() == 2);
    CHECK_THAT(cancels[0], Catch::Contains("order=" + std::to_string(first) + " "));
    CHECK_THAT(cancels[1], Catch::Contains("order=" + std::to_string(first + 1) + " "));
}

TEST_CASE("a session that opens dates its own orders, however many wait elsewhere", "[kernel][scale]") {
    std::vector<std::uint64_t> seen;
    for (const int others : {10, 200}) {
        Floor floor(crowd(2).config());
        floor.broker().obey();
        floor.quote(at(0), "99", "101");
        floor.quote(at(0), "99", "101", InstrumentId{1});
        for (int i = 0; i < others; ++i) {
            visits_of_order(floor, limit_order(Side::buy, "1", "90"));
        }
        visits = 0;
        floor.quote(at(2 * 86'400), "99", "101", InstrumentId{1});
        CHECK(floor.count_of("session_opened") >= 3);
        seen.push_back(visits);
    }
    CHECK(seen[1] == seen[0]);
}

TEST_CASE("a timer among many is set, moved and cancelled by a few looks", "[kernel][scale]") {
    Timers timers;
    constexpr std::uint64_t kMany = 16'384;
    for (std::uint64_t i = 0; i < kMany; ++i) {
        timers.set(StrategyId{static_cast<std::uint32_t>(i % 16)}, TimerId{i}, at(static_cast<std::int64_t>(i)));
    }
    constexpr std::uint64_t kHeight = 2 * 15;
    for (std::uint64_t i = 0; i < kMany; i += 101) {
        const StrategyId strategy{static_cast<std::uint32_t>(i % 16)};
        visits = 0;
        timers.set(strategy, TimerId{i}, at(static_cast<std::int64_t>(kMany - i)));
        CHECK(visits <= 4 * kHeight);
        visits = 0;
        CHECK(timers.contains(strategy, TimerId{i}));
        CHECK(timers.erase(strategy, TimerId{i}));
        CHECK_FALSE(timers.erase(strategy, TimerId{i}));
        CHECK(visits <= 2 * kHeight);
    }
    timers.erase_all_of(StrategyId{1});
    CHECK(timers.count_of(StrategyId{1}) == 0);
    CHECK(std::ranges::none_of(timers, [](const PendingTimer& t) { return t.strategy == StrategyId{1}; }));
    CHECK(std::ranges::is_sorted(timers));
}

}  // namespace alpha::test
