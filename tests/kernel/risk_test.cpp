#include "kernel/risk.hpp"
#include "tests/kernel/support.hpp"

namespace alpha::test {

namespace {

/// "pass", or "rule limit observed".
std::string told(const Verdict& v) {
    return v.refused() ? std::string(name_of(v.rule)) + ' ' + to_string(v.limit) + ' ' + to_string(v.observed) : "pass";
}

/// As the kernel values an order without slippage.
Price value_of(const OrderTerms& terms, const State& state) {
    const Market& market = state.market(terms.instrument);
    const Price own = terms.limit_price.raw != 0  ? terms.limit_price
                      : terms.stop_price.raw != 0 ? terms.stop_price
                                                  : market.touch(terms.side);
    return terms.side == Side::sell ? std::max(own, market.mark) : own;
}

/// Asks a rule about new terms, as the first strategy. The state may be doctored.
std::string ask(Rule rule, const State& state, const OrderTerms& terms) {
    const RiskLimits limits(state.config);
    return told(judge(rule, {state, limits, StrategyId{0}, terms, value_of(terms, state)}));
}
std::string ask(Rule rule, const Floor& floor, const OrderTerms& terms) {
    return ask(rule, floor.state(), terms);
}
/// The same about a change of an order that stands.
std::string ask_change(Rule rule, const Floor& floor, std::uint64_t id, std::string_view quantity) {
    const RiskLimits limits(floor.state().config);
    const Order& order = floor.order(id);
    OrderTerms terms = order.terms;
    terms.quantity = qty(quantity);
    RiskQuestion question{floor.state(), limits, order.strategy, terms, value_of(terms, floor.state())};
    question.is_modification = true;
    question.replaced = reserved_by(floor.state(), order);
    question.standing = reserved_by_other_legs(floor.state(), order);
    question.filled = order.filled;
    return told(judge(rule, question));
}

OrderTerms stop_order(Side side, std::string_view quantity, std::string_view stop) {
    return {kIbm, side, OrderType::stop, TimeInForce::gtc, qty(quantity), {}, px(stop)};
}
OrderTerms stop_limit_order(Side side, std::string_view quantity, std::string_view stop, std::string_view limit) {
    return {kIbm, side, OrderType::stop_limit, TimeInForce::gtc, qty(quantity), px(limit), px(stop)};
}

constexpr TradingHours kIndia{19'800, hms(9, 15), hms(15, 30)};

}  // namespace

TEST_CASE("a latch lets pass what its scope says: all, what reduces, or nothing", "[kernel]") {
    State state = Floor(Setup::simple()).state();
    OrderTerms reducing = market_order(Side::sell, "1");
    reducing.reduce_only = true;
    const auto passes = [&](LatchScope scope, const OrderTerms& terms) {
        state.portfolios[0].latch = scope;
        return ask(Rule::kill_switch, state, terms) == "pass";
    };
    for (const LatchScope scope : {LatchScope::none, LatchScope::entries, LatchScope::flatten, LatchScope::all}) {
        CAPTURE(static_cast<int>(scope));
        CHECK(passes(scope, market_order(Side::sell, "1")) == (scope == LatchScope::none));
        CHECK(passes(scope, reducing) == (scope <= LatchScope::entries));
    }
}

TEST_CASE("an order of the largest quantity passes, one unit more does not", "[kernel]") {
    const Floor floor(Setup::simple().limit(Rule::order_quantity, "100"));
    CHECK(ask(Rule::order_quantity, floor, market_order(Side::buy, "100")) == "pass");
    CHECK(ask(Rule::order_quantity, floor, market_order(Side::buy, "100.00000001")) ==
          "order_quantity 100 100.00000001");
    CHECK(ask(Rule::order_quantity, Floor(Setup::simple()), market_order(Side::buy, "1000000")) == "pass");
}

TEST_CASE("an order's notional is computed at its limit, its stop, or the touch that it would take", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::order_notional, "1000"));
    floor.quote(at(1), "99.99", "100.01");
    CHECK(ask(Rule::order_notional, floor, limit_order(Side::buy, "10", "100")) == "pass");
    CHECK(ask(Rule::order_notional, floor, limit_order(Side::buy, "10", "100.01")) == "order_notional 1000 1000.1");
    CHECK(ask(Rule::order_notional, floor, limit_order(Side::buy, "10.00000001", "100")) ==
          "order_notional 1000 1000.000001");
    CHECK(ask(Rule::order_notional, floor, stop_order(Side::sell, "10", "100")) == "pass");
    CHECK(ask(Rule::order_notional, floor, stop_order(Side::sell, "10", "101")) == "order_notional 1000 1010");
    CHECK(ask(Rule::order_notional, floor, stop_limit_order(Side::buy, "10", "99", "100.5")) ==
          "order_notional 1000 1005");
    CHECK(ask(Rule::order_notional, floor, market_order(Side::buy, "10")) == "order_notional 1000 1000.1");
    CHECK(ask(Rule::order_notional, floor, market_order(Side::sell, "10")) == "pass");
    // A quote without a bid: a sell is computed at the mark.
    floor.quote(at(2), "0", "100.01");
    CHECK(ask(Rule::order_notional, floor, market_order(Side::sell, "11")) == "order_notional 1000 1100");
}

TEST_CASE("the position limit counts working orders of the same side, and not the other's", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::position, "100"));
    floor.broker().obey();
    CHECK(ask(Rule::position, floor, market_order(Side::buy, "100")) == "pass");
    CHECK(ask(Rule::position, floor, market_order(Side::buy, "100.00000001")) == "position 100 100.00000001");
    CHECK(ask(Rule::position, floor, market_order(Side::sell, "100")) == "pass");
    CHECK(ask(Rule::position, floor, market_order(Side::sell, "100.00000001")) == "position 100 100.00000001");
    floor.place(at(1), limit_order(Side::buy, "60", "90"));
    CHECK(ask(Rule::position, floor, market_order(Side::buy, "40")) == "pass");
    CHECK(ask(Rule::position, floor, market_order(Side::buy, "41")) == "position 100 101");
    CHECK(ask(Rule::position, floor, market_order(Side::sell, "100")) == "pass");
    CHECK(ask(Rule::position, floor, market_order(Side::sell, "101")) == "position 100 101");
    floor.tell(at(2), filled(1, "50", "90", "t1"));
    CHECK(ask(Rule::position, floor, market_order(Side::buy, "41")) == "position 100 101");
    CHECK(ask(Rule::position, floor, market_order(Side::sell, "150")) == "pass");
    CHECK(ask(Rule::position, floor, market_order(Side::sell, "151")) == "position 100 101");
    // Another instrument has room of its own.
    CHECK(ask(Rule::position, floor, market_order(Side::buy, "100", kBac)) == "pass");
}

TEST_CASE("positions are bounded even without a rule, so that no sum of orders overflows", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.act(at(1), [](Context& c) {
        for (int i = 0; i < 20; ++i) {
            c.place(limit_order(Side::buy, "10000000000", "90"));
            c.place(limit_order(Side::sell, "10000000000", "90"));
        }
    });
    CHECK(floor.state().open_orders.size() == 2);
    CHECK(ask(Rule::position, floor, market_order(Side::buy, "1")) == "position 10000000000 10000000001");
    CHECK(ask(Rule::position, floor, market_order(Side::sell, "1")) == "position 10000000000 10000000001");
    Floor lenient(Setup::simple().limit(Rule::position, "90000000000"));  // a rule cannot lift the bound
    CHECK(ask(Rule::position, lenient, market_order(Side::buy, "10000000000.00000001")) ==
          "position 10000000000 10000000000.00000001");
}

TEST_CASE("a modification is judged by what it adds to the order's own working quantity", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::position, "100"));
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "60", "90"));
    floor.tell(at(2), filled(1, "10", "90", "t1"));
    CHECK(ask_change(Rule::position, floor, 1, "100") == "pass");
    CHECK(ask_change(Rule::position, floor, 1, "101") == "position 100 101");
    CHECK(ask_change(Rule::position, floor, 1, "11") == "pass");
    CHECK(ask_change(Rule::invalid_order, floor, 1, "11") == "pass");
    CHECK(ask_change(Rule::invalid_order, floor, 1, "10") == "invalid_order 10 10");
    CHECK(ask_change(Rule::invalid_order, floor, 1, "9") == "invalid_order 10 9");
}

TEST_CASE("two strategies cannot both spend the same limit", "[kernel]") {
    Floor floor(Setup::without_strategy().strategy("one", {kIbm}).strategy("two", {kIbm}).limit(Rule::position, "100"));
    floor.broker().obey();
    floor.strategy(0).once([](Context& c) { c.place(limit_order(Side::buy, "60", "90")); });
    floor.strategy(1).once([](Context& c) {
        c.place(limit_order(Side::buy, "60", "90"));
        c.place(limit_order(Side::buy, "40", "90"));
    });
    floor.quote(at(1), "99", "101");
    floor.said();
    CHECK(floor.heard(0) == Lines{"quote", "order 1 working"});
    CHECK(floor.heard(1) == Lines{"quote", "order 2 refused by position", "order 3 working"});
    CHECK(floor.position().open_buys == qty("100"));
}

TEST_CASE("gross exposure adds up all instruments at their marks, working orders included", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::gross_exposure, "1000"));
    floor.quote(at(1), "99", "101");
    floor.quote(at(1), "49", "51", kBac);
    CHECK(ask(Rule::gross_exposure, floor, market_order(Side::buy, "10")) == "pass");
    CHECK(ask(Rule::gross_exposure, floor, market_order(Side::sell, "10")) == "pass");
    CHECK(ask(Rule::gross_exposure, floor, market_order(Side::buy, "10.01")) == "gross_exposure 1000 1001");
    CHECK(ask(Rule::gross_exposure, floor, market_order(Side::sell, "10.01")) == "gross_exposure 1000 1001");
    floor.broker().fill_at("50");
    floor.act(at(2), [](Context& c) { c.place(market_order(Side::sell, "5", kBac)); });  // short 250
    floor.broker().obey();
    floor.act(at(3), [](Context& c) { c.place(limit_order(Side::buy, "3", "90")); });  // working 300 at the mark
    CHECK(ask(Rule::gross_exposure, floor, market_order(Side::buy, "4.5")) == "pass");
    CHECK(ask(Rule::gross_exposure, floor, market_order(Side::buy, "5")) == "gross_exposure 1000 1050");
}

TEST_CASE("gross exposure counts what works in an instrument without a price at the new order's price", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::gross_exposure, "1000"));
    floor.broker().obey();
    floor.act(at(1), [](Context& c) { c.place(limit_order(Side::buy, "6", "100", kBac)); });
    REQUIRE(floor.position(kBac).open_buys == qty("6"));
    CHECK(ask(Rule::gross_exposure, floor, limit_order(Side::buy, "4", "100", kBac)) == "pass");
    CHECK(ask(Rule::gross_exposure, floor, limit_order(Side::buy, "5", "100", kBac)) == "gross_exposure 1000 1100");
}

TEST_CASE("gross exposure never refuses a reduction", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::gross_exposure, "1000"));
    floor.quote(at(1), "100", "100");
    floor.broker().fill_at("100");
    floor.place(at(2), market_order(Side::buy, "10"));
    floor.quote(at(3), "200", "200");  // 2,000: the market has carried it past the limit
    CHECK(ask(Rule::gross_exposure, floor, market_order(Side::sell, "1")) == "pass");
    CHECK(ask(Rule::gross_exposure, floor, market_order(Side::sell, "20")) == "pass");  // as large, the other way
    CHECK(ask(Rule::gross_exposure, floor, market_order(Side::sell, "21")) == "gross_exposure 1000 2200");
    CHECK(ask(Rule::gross_exposure, floor, market_order(Side::buy, "1")) == "gross_exposure 1000 2200");
}

TEST_CASE("open orders are counted with this one, and bounded even without a rule", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::open_orders, "2"));
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "1", "90"));
    CHECK(ask(Rule::open_orders, floor, market_order(Side::buy, "1")) == "pass");
    floor.place(at(2), limit_order(Side::buy, "1", "90"));
    CHECK(ask(Rule::open_orders, floor, market_order(Side::buy, "1")) == "open_orders 2 3");
    CHECK(ask_change(Rule::open_orders, floor, 1, "5") == "pass");
    floor.act(at(3), [](Context& c) { c.cancel(OrderId{1}); });
    CHECK(ask(Rule::open_orders, floor, market_order(Side::buy, "1")) == "pass");

    State crowded = Floor(Setup::simple()).state();
    crowded.portfolios[0].open_orders = limits::kMaxOpenOrders - 1;
    CHECK(ask(Rule::open_orders, crowded, market_order(Side::buy, "1")) == "pass");
    crowded.portfolios[0].open_orders = limits::kMaxOpenOrders;
    CHECK(ask(Rule::open_orders, crowded, market_order(Side::buy, "1")) == "open_orders 10000 10001");
    crowded.config.risk = {{Rule::open_orders, money("20000")}};  // a rule cannot lift the bound
    CHECK(ask(Rule::open_orders, crowded, market_order(Side::buy, "1")) == "open_orders 10000 10001");
}

TEST_CASE("an order leaves the rate's window exactly one second after it was sent", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::order_rate, "2"));
    floor.broker().obey();
    floor.place(at(10), limit_order(Side::buy, "1", "90"));
    CHECK(ask(Rule::order_rate, floor, market_order(Side::buy, "1")) == "pass");
    floor.place(at(10, 500'000'000), limit_order(Side::buy, "1", "90"));
    CHECK(ask(Rule::order_rate, floor, market_order(Side::buy, "1")) == "order_rate 2 3");
    floor.quote(at(10, 999'999'999), "99", "101");
    CHECK(ask(Rule::order_rate, floor, market_order(Side::buy, "1")) == "order_rate 2 3");
    floor.quote(at(11), "99", "101");
    CHECK(ask(Rule::order_rate, floor, market_order(Side::buy, "1")) == "pass");
    floor.place(at(11), limit_order(Side::buy, "1", "90"));
    CHECK(floor.portfolio().recent_orders == std::vector<Time>{at(10, 500'000'000), at(11)});
    CHECK(ask(Rule::order_rate, floor, market_order(Side::buy, "1")) == "order_rate 2 3");
}

TEST_CASE("the order rate holds within one callback, and counts modifications but not refusals or "
          "cancels",
          "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::order_rate, "3"));
    floor.broker().obey();
    floor.act(at(1), [](Context& c) {
        c.place(limit_order(Side::buy, "1", "90"));
        c.place(limit_order(Side::buy, "-1", "90"));  // refused: not counted
        c.modify(OrderId{1}, qty("2"), px("90"), {});
        c.place(limit_order(Side::buy, "1", "90"));
        c.place(limit_order(Side::buy, "1", "90"));
        c.modify(OrderId{3}, qty("2"), px("90"), {});
        c.cancel(OrderId{1});
    });
    CHECK(floor.said_of("order_refused") ==
          Lines{"order_refused order=2 strategy=one portfolio=main instrument=IBM side=buy "
                "order_type=limit tif=gtc "
                "quantity=-1 limit_price=90 rule=invalid_order limit=10000000000 observed=-1 "
                "cause=3 root=3",
                "order_refused order=4 strategy=one portfolio=main instrument=IBM side=buy "
                "order_type=limit tif=gtc "
                "quantity=1 limit_price=90 rule=order_rate limit=3 observed=4 cause=3 root=3"});
    CHECK(floor.order(3).terms.quantity == qty("1"));
    CHECK(floor.order(1).status == OrderStatus::cancelled);
    CHECK(floor.heard() == Lines{"quote", "order 2 refused by invalid_order", "order 4 refused by order_rate",
                                 "order 3 intended by order_rate change failed", "order 1 working", "order 1 working",
                                 "order 3 working", "order 1 cancelled"});
}

TEST_CASE("nothing is kept for the order rate where no rule asks for it", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "1", "90"));
    CHECK(floor.portfolio().recent_orders.empty());
}

TEST_CASE("the price band binds limit and stop on both sides of the mark", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::price_band, "5"));
    // Without a price to be near to nobody knows how far it is.
    CHECK(ask(Rule::price_band, floor, limit_order(Side::buy, "1", "7")) == "no_market 0 0");
    CHECK(ask(Rule::price_band, floor, stop_order(Side::sell, "1", "7")) == "no_market 0 0");
    CHECK(ask(Rule::price_band, Floor(Setup::simple()), limit_order(Side::buy, "1", "7")) == "pass");
    floor.quote(at(1), "99", "101");
    CHECK(ask(Rule::price_band, floor, limit_order(Side::buy, "1", "105")) == "pass");
    CHECK(ask(Rule::price_band, floor, limit_order(Side::sell, "1", "95")) == "pass");
    CHECK(ask(Rule::price_band, floor, limit_order(Side::buy, "1", "105.00000001")) == "price_band 5 5.00000001");
    CHECK(ask(Rule::price_band, floor, limit_order(Side::buy, "1", "94.99999999")) == "price_band 5 5.00000001");
    CHECK(ask(Rule::price_band, floor, stop_order(Side::buy, "1", "110")) == "price_band 5 10");
    CHECK(ask(Rule::price_band, floor, stop_limit_order(Side::buy, "1", "105", "106")) == "price_band 5 6");
    CHECK(ask(Rule::price_band, floor, stop_limit_order(Side::buy, "1", "107", "105")) == "price_band 5 7");
    CHECK(ask(Rule::price_band, floor, market_order(Side::buy, "1")) == "pass");
    // One third of a per cent has no end: what is beyond the band never prints as the band.
    floor.quote(at(2), "300", "300");
    CHECK(ask(Rule::price_band, floor, limit_order(Side::buy, "1", "315.00000001")) == "price_band 5 5.00000001");
}

TEST_CASE("without shorting, sells are bounded by the position less the sells that are working", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::shorting, "0"));
    floor.broker().fill_at("100");
    CHECK(ask(Rule::shorting, floor, market_order(Side::sell, "0.00000001")) == "shorting 0 -0.00000001");
    CHECK(ask(Rule::shorting, floor, market_order(Side::buy, "5")) == "pass");
    floor.place(at(1), market_order(Side::buy, "10"));
    CHECK(ask(Rule::shorting, floor, market_order(Side::sell, "10")) == "pass");
    CHECK(ask(Rule::shorting, floor, market_order(Side::sell, "11")) == "shorting 0 -1");
    floor.broker().obey();
    floor.place(at(2), limit_order(Side::sell, "6", "110"));
    CHECK(ask(Rule::shorting, floor, market_order(Side::sell, "4")) == "pass");
    CHECK(ask(Rule::shorting, floor, market_order(Side::sell, "5")) == "shorting 0 -1");
    floor.place(at(3), limit_order(Side::buy, "20", "90"));  // a buy that has not filled is nothing to sell
    CHECK(ask(Rule::shorting, floor, market_order(Side::sell, "5")) == "shorting 0 -1");
    CHECK(ask_change(Rule::shorting, floor, 1 + 1, "10") == "pass");
    CHECK(ask_change(Rule::shorting, floor, 1 + 1, "11") == "shorting 0 -1");
    CHECK(ask(Rule::shorting, Floor(Setup::simple()), market_order(Side::sell, "5")) == "pass");
}

TEST_CASE("without shorting, an order that has become too large may still be made smaller", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::shorting, "0"));
    floor.broker().fill_at("100");
    floor.place(at(1), market_order(Side::buy, "10"));
    floor.broker().obey();
    floor.place(at(2), limit_order(Side::sell, "6", "110"));
    floor.act(at(3), [](Context& c) { c.cancel(OrderId{2}); });
    floor.place(at(4), limit_order(Side::sell, "10", "110"));
    floor.tell(at(5), filled(2, "6", "110", "late"));
    REQUIRE(floor.position().net - floor.position().open_sells == qty("-6"));
    CHECK(ask_change(Rule::shorting, floor, 3, "5") == "pass");
    CHECK(ask_change(Rule::shorting, floor, 3, "11") == "shorting 0 -7");
    CHECK(ask(Rule::shorting, floor, market_order(Side::sell, "1")) == "shorting 0 -7");
}

TEST_CASE("only allowed instruments, and an empty list allows none", "[kernel]") {
    CHECK(ask(Rule::allowed_instruments, Floor(Setup::simple().allowed({kIbm})), market_order(Side::buy, "1")) ==
          "pass");
    CHECK(ask(Rule::allowed_instruments, Floor(Setup::simple().allowed({kIbm})), market_order(Side::buy, "1", kBac)) ==
          "allowed_instruments 0 1");
    CHECK(ask(Rule::allowed_instruments, Floor(Setup::simple().allowed({kBac, kIbm})),
              market_order(Side::buy, "1", kBac)) == "pass");
    CHECK(ask(Rule::allowed_instruments, Floor(Setup::simple().allowed({})), market_order(Side::buy, "1")) ==
          "allowed_instruments 0 0");
    CHECK(ask(Rule::allowed_instruments, Floor(Setup::simple()), market_order(Side::buy, "1", kBac)) == "pass");
}

TEST_CASE("a session's first instant is inside and its last is not", "[kernel]") {
    const Setup setup = Setup()
                            .instrument("IBM", kIndia)
                            .portfolio("main", "1")
                            .broker("desk")
                            .strategy("one", {kIbm})
                            .limit(Rule::session_hours, "1");
    State state = Floor(setup).state();
    const auto when = [&](Time now) {
        state.now = now;
        return ask(Rule::session_hours, state, market_order(Side::buy, "1"));
    };
    const std::int64_t open = hms(9, 15) - 19'800;
    const std::int64_t close = hms(15, 30) - 19'800;
    CHECK(when(at(open)) == "pass");
    CHECK(when(at(open, -1)).substr(0, 19) == "session_hours 33300");
    CHECK(when(at(open - 1)) == "session_hours 33300 33299");
    CHECK(when(at(close, -1)) == "pass");
    CHECK(when(at(close)) == "session_hours 55800 55800");
    CHECK(when(at(close + 60)) == "session_hours 55800 55860");
    CHECK(when(at(-19'800)) == "session_hours 33300 0");  // local midnight
    CHECK(when(at(open + 3 * kDaySeconds)) == "pass");
    state.config.risk.clear();
    CHECK(when(at(close)) == "pass");
}

TEST_CASE("what is decided on the bar that closes with its session is in time for that close", "[kernel]") {
    const std::int64_t open = hms(9, 15) - 19'800;
    const std::int64_t close = hms(15, 30) - 19'800;
    Floor floor(Setup()
                    .instrument("IBM", kIndia)
                    .instrument("BAC")
                    .portfolio("main", "100000")
                    .broker("desk")
                    .strategy("one", {kIbm, kBac})
                    .limit(Rule::session_hours, "1"));
    floor.broker().obey();
    floor.bar_opened(at(open), "100");
    floor.strategy().on_bar = [](const BarClosed& bar, Context& c) {
        c.place(market_order(Side::buy, "1", bar.instrument));
    };
    floor.bar_closed(at(close), "101");
    CHECK(floor.order(1).status == OrderStatus::working);
    // Once TradingSessionClosed is recorded it is too late, at the same instant or later; and so it is before the next open.
    floor.strategy().on_bar = nullptr;
    floor.heard();
    floor.strategy().once([](Context& c) { c.place(market_order(Side::buy, "1")); });
    floor.quote(at(close), "49", "51", kBac);
    CHECK(floor.heard() == Lines{"quote", "order 2 refused by session_hours"});
    CHECK(floor.count_of("session_closed") == 1);
    floor.strategy().once([](Context& c) { c.place(market_order(Side::buy, "1")); });
    floor.quote(at(kDaySeconds + open, -1), "49", "51", kBac);
    CHECK(floor.heard() == Lines{"quote", "order 3 refused by session_hours"});
}

TEST_CASE("data may be as old as the limit and not a nanosecond older", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::stale_data, "5"));
    floor.quote(at(10), "99", "101");
    State state = floor.state();
    state.now = at(15);
    CHECK(ask(Rule::stale_data, state, market_order(Side::buy, "1")) == "pass");
    state.now = at(15, 1);
    CHECK(ask(Rule::stale_data, state, market_order(Side::buy, "1")) == "stale_data 5 5.00000001");
    CHECK(ask(Rule::stale_data, floor, market_order(Side::buy, "1", kBac)) == "no_market 0 0");  // no age: none at all
    CHECK(ask(Rule::stale_data, Floor(Setup::simple()), market_order(Side::buy, "1", kBac)) == "pass");
}

TEST_CASE("orders keep to ticks and lots", "[kernel]") {
    const Floor floor(
        Setup().instrument("IBM", {}, "0.05", "25").portfolio("main", "1").broker("desk").strategy("one", {kIbm}));
    CHECK(ask(Rule::tick_size, floor, limit_order(Side::buy, "25", "100.05")) == "pass");
    CHECK(ask(Rule::tick_size, floor, limit_order(Side::buy, "25", "100.01")) == "tick_size 0.05 100.01");
    CHECK(ask(Rule::tick_size, floor, stop_limit_order(Side::buy, "25", "100.02", "100")) == "tick_size 0.05 100.02");
    CHECK(ask(Rule::tick_size, floor, market_order(Side::buy, "25")) == "pass");
    CHECK(ask(Rule::lot_size, floor, market_order(Side::buy, "75")) == "pass");
    CHECK(ask(Rule::lot_size, floor, market_order(Side::buy, "30")) == "lot_size 25 30");
    CHECK(ask(Rule::lot_size, floor, market_order(Side::buy, "25.00000001")) == "lot_size 25 25.00000001");
}

TEST_CASE("an order without a quantity, or with prices that its type does not use or lacks, is no order", "[kernel]") {
    const Floor floor(Setup::simple());
    const auto valid = [&](const OrderTerms& terms) { return ask(Rule::invalid_order, floor, terms); };
    CHECK(valid(market_order(Side::buy, "0.00000001")) == "pass");
    CHECK(valid(market_order(Side::buy, "10000000000")) == "pass");
    CHECK(valid(market_order(Side::buy, "0")) == "invalid_order 10000000000 0");
    CHECK(valid(market_order(Side::buy, "-1")) == "invalid_order 10000000000 -1");
    CHECK(valid(market_order(Side::buy, "10000000000.00000001")) == "invalid_order 10000000000 10000000000.00000001");
    CHECK(valid(limit_order(Side::buy, "1", "10000000000")) == "pass");
    CHECK(valid(limit_order(Side::buy, "1", "10000000000.00000001")) ==
          "invalid_order 10000000000 10000000000.00000001");
    CHECK(valid(limit_order(Side::buy, "1", "0")) == "invalid_order 10000000000 0");
    CHECK(valid(limit_order(Side::buy, "1", "-1")) == "invalid_order 10000000000 -1");
    CHECK(valid(stop_order(Side::buy, "1", "5")) == "pass");
    CHECK(valid(stop_order(Side::buy, "1", "0")) == "invalid_order 10000000000 0");
    CHECK(valid(stop_limit_order(Side::buy, "1", "5", "6")) == "pass");
    CHECK(valid(stop_limit_order(Side::buy, "1", "0", "6")) == "invalid_order 10000000000 0");
    CHECK(valid(stop_limit_order(Side::buy, "1", "5", "0")) == "invalid_order 10000000000 0");
    OrderTerms surplus = market_order(Side::buy, "1");
    surplus.limit_price = px("5");
    CHECK(valid(surplus) == "invalid_order 10000000000 5");
    surplus = limit_order(Side::buy, "1", "5");
    surplus.stop_price = px("4");
    CHECK(valid(surplus) == "invalid_order 10000000000 4");
}

TEST_CASE("a market order needs a price seen, on either side", "[kernel]") {
    Floor floor(Setup::simple());
    CHECK(ask(Rule::no_market, floor, market_order(Side::buy, "1")) == "no_market 0 0");
    floor.quote(at(1), "99", "0");
    CHECK(ask(Rule::no_market, floor, market_order(Side::buy, "1")) == "pass");  // at the mark
    CHECK(ask(Rule::no_market, floor, market_order(Side::sell, "1")) == "pass");
    CHECK(ask(Rule::no_market, floor, market_order(Side::buy, "1", kBac)) == "no_market 0 0");
    floor.bar_opened(at(2), "7", kBac);
    CHECK(ask(Rule::no_market, floor, market_order(Side::buy, "1", kBac)) == "pass");
}

TEST_CASE("rules are judged in the order of their numbers: the first that is broken names itself", "[kernel]") {
    struct Rung {
        Rule rule;
        std::function<void(State&, OrderTerms&)> mend;
    };
    const auto without = [](Rule rule) {
        return [rule](State& s, OrderTerms&) {
            std::erase_if(s.config.risk, [&](const RiskLimit& l) { return l.rule == rule; });
        };
    };
    Setup setup;
    setup.instrument("IBM", kIndia).instrument("BAC").portfolio("main", "1").broker("desk").strategy("one", {kBac});
    setup.allowed({kBac}).limit(Rule::session_hours, "1").limit(Rule::stale_data, "5").limit(Rule::price_band, "1");
    setup.limit(Rule::order_quantity, "1").limit(Rule::order_notional, "1").limit(Rule::shorting, "0");
    setup.limit(Rule::position, "1").limit(Rule::gross_exposure, "1").limit(Rule::open_orders, "1");
    setup.limit(Rule::order_rate, "1").limit(Rule::buying_power, "1").limit(Rule::daily_loss, "0");
    State broken = Floor(setup).state();
    broken.now = at(0);
    broken.markets[0].mark = px("100");
    broken.markets[0].updated = at(-6);
    broken.portfolios[0].latch = LatchScope::all;
    broken.strategies[0].halted = true;
    broken.portfolios[0].open_orders = 1;
    broken.portfolios[0].recent_orders = {at(0)};
    broken.portfolios[0].day_start_equity = money("2");
    const std::vector<Rung> common{
        {Rule::unknown_instrument,
         [](State& s, OrderTerms&) {
             s.config.strategies[0].instruments = {kIbm};
             derive(s);
         }},
        {Rule::kill_switch, [](State& s, OrderTerms&) { s.portfolios[0].latch = LatchScope::none; }},
        {Rule::strategy_halted, [](State& s, OrderTerms&) { s.strategies[0].halted = false; }},
        {Rule::tick_size, [](State&, OrderTerms& t) { t.limit_price = px("200"); }},
        {Rule::lot_size, [](State&, OrderTerms& t) { t.quantity = qty("1000"); }},
        {Rule::allowed_instruments, without(Rule::allowed_instruments)},
        {Rule::session_hours, without(Rule::session_hours)},
        {Rule::no_market, [](State& s, OrderTerms&) { s.markets[0].mark = px("100"); }},
        {Rule::stale_data, without(Rule::stale_data)},
        {Rule::price_band, without(Rule::price_band)},
        {Rule::order_quantity, without(Rule::order_quantity)},
        {Rule::order_notional, without(Rule::order_notional)},
        {Rule::shorting, without(Rule::shorting)},
        {Rule::position, without(Rule::position)},
        {Rule::gross_exposure, without(Rule::gross_exposure)},
        {Rule::buying_power, without(Rule::buying_power)},  // numbered later, judged with the other sums
        {Rule::open_orders, without(Rule::open_orders)},
        {Rule::order_rate, without(Rule::order_rate)},
        {Rule::daily_loss, without(Rule::daily_loss)},
    };
    // A limit order can break all but no_market, a market order all but what looks at its own
    // prices.
    const auto climb = [&](State state, OrderTerms terms, const std::vector<Rule>& not_broken) {
        for (const Rung& rung : common) {
            INFO(name_of(rung.rule));
            if (std::ranges::find(not_broken, rung.rule) == not_broken.end()) {
                CHECK(name_of(judge({state, RiskLimits(state.config), StrategyId{0}, terms, value_of(terms, state)})
                                  .rule) == std::string(name_of(rung.rule)));
                rung.mend(state, terms);
            }
        }
        CHECK_FALSE(judge({state, RiskLimits(state.config), StrategyId{0}, terms, value_of(terms, state)}).refused());
    };
    const OrderTerms worst = limit_order(Side::sell, "1000.5", "200.005");
    const OrderTerms none = limit_order(Side::sell, "-0.5", "200.005");
    CHECK(told(judge({broken, RiskLimits(broken.config), StrategyId{0}, none, value_of(none, broken)})) ==
          "invalid_order 10000000000 -0.5");
    climb(broken, worst, {Rule::no_market});
    broken.markets[0].mark = {};
    climb(broken, market_order(Side::sell, "1000.5"), {Rule::tick_size, Rule::price_band});
}

// ---- daily loss and the kill switch -------------------------------------------------------------

namespace {

/// Long 10 IBM at 100 with a limit of 100 on the day's loss, and a resting order beside it.
void take_the_risk(Floor& floor) {
    floor.broker().fill_at("100");
    floor.place(at(1), market_order(Side::buy, "10"));
    floor.broker().obey();
    floor.act(at(2), [](Context& c) { c.place(limit_order(Side::buy, "3", "50")); });
    floor.said();
    floor.heard();
}

}  // namespace

TEST_CASE("a loss of the limit is allowed, one beyond latches and cancels what is open", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::daily_loss, "100"));
    take_the_risk(floor);
    floor.quote(at(3), "90", "90");
    CHECK_FALSE(floor.portfolio().killed());
    floor.said();
    floor.quote(at(4), "89.99999998", "90");  // mid 89.99999999
    CHECK(floor.said() == Lines{"11 2024-01-01T00:00:04Z quote instrument=IBM bid=89.99999998 ask=90 bid_qty=100 "
                                "ask_qty=100",
                                "12 2024-01-01T00:00:04Z kill_switch_latched portfolio=main rule=daily_loss limit=100 "
                                "observed=100.0000001 scope=entries cause=11 root=11",
                                "13 2024-01-01T00:00:04Z cancel_intended order=2 rule=daily_loss cause=12 root=11",
                                "14 2024-01-01T00:00:04Z order_cancelled order=2 reason=asked cause=13 root=7"});
    CHECK(floor.heard() == Lines{"quote", "order 2 cancelled", "quote"});
    CHECK(floor.portfolio().killed());
    CHECK(floor.portfolio().killed_by == Rule::daily_loss);

    // Nothing that could open passes; the market may come back and it stays latched, once.
    floor.act(at(5), [](Context& c) {
        c.place(market_order(Side::buy, "1"));
        c.place(market_order(Side::sell, "10.00000001"));
    });
    floor.quote(at(6), "50", "50");
    const Lines lines = floor.said();
    CHECK(lines.at(1).find("rule=kill_switch limit=0 observed=1") != std::string::npos);
    CHECK(lines.at(2).find("rule=kill_switch limit=0 observed=1") != std::string::npos);
    CHECK(std::ranges::none_of(lines, [](const auto& l) { return l.find("latched") != std::string::npos; }));
}

TEST_CASE("a loss limit's latch ends with its trading day, as a fact, and the next begins with the equity it finds",
          "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::daily_loss, "100"));
    take_the_risk(floor);
    CHECK(floor.portfolio().day_start_equity == money("100000"));
    floor.quote(at(4), "80", "80");
    REQUIRE(floor.portfolio().killed());
    floor.quote(at(kDaySeconds - 1), "81", "81");
    REQUIRE(floor.portfolio().killed());
    floor.said();
    floor.quote(at(kDaySeconds + 1), "79", "79");
    CHECK_FALSE(floor.portfolio().killed());
    CHECK(floor.portfolio().killed_by == Rule::none);
    CHECK(floor.said_of("kill_switch_released") == Lines{"kill_switch_released portfolio=main cause=16 root=16"});
    CHECK(floor.portfolio().day_start_equity == money("99810"));  // the night's gap belongs to the new day
    floor.quote(at(kDaySeconds + 3), "71", "71");
    CHECK_FALSE(floor.portfolio().killed());  // 100 since the day began
    floor.quote(at(kDaySeconds + 4), "70.99", "70.99");
    CHECK(floor.portfolio().killed());
}

TEST_CASE("a loss limit's latch may be made to stand until a person releases it", "[kernel]") {
    RunConfigured config = Setup::simple().limit(Rule::daily_loss, "100").config();
    config.daily_loss_latch_ends = LatchEnd::released;
    Floor floor(config);
    take_the_risk(floor);
    floor.quote(at(4), "80", "80");
    REQUIRE(floor.portfolio().killed());
    floor.quote(at(kDaySeconds + 1), "79", "79");
    CHECK(floor.portfolio().latch == LatchScope::entries);
    CHECK(floor.portfolio().killed_by == Rule::daily_loss);
    floor.release(at(kDaySeconds + 2));
    CHECK_FALSE(floor.portfolio().killed());
}

TEST_CASE("after a release within the same day the same loss latches again", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::daily_loss, "100"));
    take_the_risk(floor);
    floor.quote(at(4), "80", "80");
    floor.release(at(5));
    CHECK_FALSE(floor.portfolio().killed());
    floor.quote(at(6), "80.01", "80.01");  // the market moves, though for the better
    CHECK(floor.portfolio().killed());
    // With a market that stands still, the next order finds it.
    floor.release(at(7));
    floor.broker().fill_at("80.01");
    floor.strategy().once([](Context& c) { c.place(market_order(Side::buy, "1")); });
    floor.quote(at(8), "80.01", "80.01");
    CHECK(floor.position().net == qty("10"));
    CHECK(floor.heard().back() == "order 3 refused by daily_loss");
}

TEST_CASE("a fill that loses too much latches in its own step, before what its callback asks", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::daily_loss, "100"));
    floor.broker().fill_at("111");  // marked at 100
    floor.strategy().on_fill = [](const OrderFilled&, Context& c) { c.place(market_order(Side::buy, "1")); };
    floor.place(at(1), market_order(Side::buy, "10"));
    CHECK(floor.portfolio().killed());
    CHECK(floor.said_of("kill_switch_latched") ==
          Lines{"kill_switch_latched portfolio=main rule=daily_loss limit=100 observed=110 scope=entries cause=6 "
                "root=3"});
    CHECK(floor.heard() ==
          Lines{"quote", "order 1 working", "fill 1", "order 1 filled", "order 2 refused by kill_switch"});
}

TEST_CASE("the loss is followed to the last unit over any number of marks, of several instruments", "[kernel]") {
    Floor floor(Setup::without_strategy().strategy("one", {kIbm, kBac}).limit(Rule::daily_loss, "100"));
    floor.broker().fill_at("100");
    floor.strategy().once([](Context& c) {
        c.place(market_order(Side::buy, "7"));
        OrderTerms other = market_order(Side::sell, "3");
        other.instrument = kBac;
        c.place(other);
    });
    floor.quote(at(0), "100", "100", kBac);
    floor.quote(at(1), "100", "100");
    std::uint64_t random = 88'172'645'463'325'252ULL;
    std::int64_t ibm = 10'000'000'000;
    std::int64_t bac = 10'000'000'000;
    int steps = 0;
    while (!floor.portfolio().killed() && steps < 100'000) {
        ++steps;
        random ^= random << 13U;
        random ^= random >> 7U;
        random ^= random << 17U;
        const auto move = static_cast<std::int64_t>(random % 200'000'001) - 100'000'000;
        std::int64_t& moved = steps % 3 == 0 ? bac : ibm;
        moved = std::max<std::int64_t>(moved + move, 1'000'000);
        floor.quote(at(2 + steps), to_string(Price{moved}), to_string(Price{moved}), steps % 3 == 0 ? kBac : kIbm);
        const Money lost = floor.portfolio().day_start_equity - floor.portfolio().equity;
        REQUIRE(floor.portfolio().killed() == (lost > money("100")));
    }
    CHECK(floor.portfolio().killed());
    CHECK(steps > 50);
}

TEST_CASE("charges count towards the day's loss", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::daily_loss, "100").charges("100.00000001", "0"));
    floor.broker().fill_at("100");
    floor.place(at(1), market_order(Side::buy, "1"));
    CHECK(floor.portfolio().killed());
}

TEST_CASE("each portfolio has a daily loss and a kill switch of its own", "[kernel]") {
    Floor floor(Setup::without_strategy()
                    .portfolio("side", "100000")
                    .strategy("one", {kIbm})
                    .strategy("two", {kIbm}, kSide)
                    .limit(Rule::daily_loss, "100"));
    floor.broker().fill_at("100");
    floor.strategy(0).once([](Context& c) { c.place(market_order(Side::buy, "10")); });
    floor.strategy(1).once([](Context& c) { c.place(market_order(Side::sell, "10")); });
    floor.quote(at(1), "100", "100");
    floor.quote(at(2), "80", "80");
    CHECK(floor.portfolio(kMain).killed());
    CHECK_FALSE(floor.portfolio(kSide).killed());
    floor.quote(at(3), "111", "111");
    CHECK(floor.portfolio(kSide).killed());
}

TEST_CASE("a person's kill cancels everything open, once, until a person releases it", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "1", "90"));
    floor.place(at(2), limit_order(Side::sell, "1", "110"));
    floor.said();
    const auto requests = floor.broker().effects.size();
    floor.kill(at(3));
    const Lines lines = floor.said();
    REQUIRE(lines.size() == 5);
    CHECK(lines[0].find("kill_switch_latched portfolio=main rule=operator_kill") != std::string::npos);
    CHECK(lines[1].find("cancel_intended order=1 rule=operator_kill") != std::string::npos);
    CHECK(lines[2].find("cancel_intended order=2 rule=operator_kill") != std::string::npos);
    CHECK(lines[3].find("order_cancelled order=1") != std::string::npos);
    CHECK(lines[4].find("order_cancelled order=2") != std::string::npos);
    CHECK(floor.broker().effects.size() == requests + 2);
    floor.kill(at(4));
    CHECK(floor.said().empty());
    floor.release(at(5));
    CHECK(floor.said_of("kill_switch_released") == Lines{"kill_switch_released portfolio=main"});
    CHECK(floor.portfolio().killed_by == Rule::none);
    floor.release(at(6));
    CHECK(floor.said().empty());
    floor.place(at(7), limit_order(Side::buy, "1", "90"));
    CHECK(floor.order(3).status == OrderStatus::working);
}

TEST_CASE("a kill does not ask twice for a cancel that is on its way", "[kernel]") {
    Floor floor(Setup::simple());
    floor.place(at(1), limit_order(Side::buy, "1", "90"));
    floor.act(at(2), [](Context& c) {
        c.cancel(OrderId{1});
        c.cancel(OrderId{1});
    });
    CHECK(floor.broker().effects.size() == 2);  // the order and one cancel
    floor.kill(at(3));
    CHECK(floor.broker().effects.size() == 2);
}

}  // namespace alpha::test
