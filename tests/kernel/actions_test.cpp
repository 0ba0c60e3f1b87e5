/// What corporate actions do to books, orders, marks and strategies. Amounts were computed by hand from the table in kernel/actions.hpp.

#include "kernel/actions.hpp"
#include "tests/kernel/market_rules.hpp"
#include "tests/kernel/support.hpp"

#include <catch2/catch.hpp>

using namespace alpha;
using namespace alpha::test;

namespace {

CorporateAction with_other(ActionKind kind, std::int64_t new_shares, std::int64_t old_shares) {
    CorporateAction action = split(kIbm, new_shares, old_shares, px("40"));
    action.kind = kind;
    action.other = kBac;
    return action;
}

std::string books(const Floor& floor, InstrumentId instrument = kIbm) {
    const Position& position = floor.position(instrument);
    return to_string(position.net) + " at " + to_string(position.cost) + ", realized " +
           to_string(position.realized_pnl) + ", cash " + to_string(floor.portfolio().cash);
}

/// `quantity` of IBM bought (or sold, where it is below zero) at 100, marked there.
Floor& with_ibm(Floor& floor, std::string_view quantity) {
    floor.broker().fill_at("100");
    const bool sells = quantity.starts_with('-');
    floor.place(at(1), market_order(sells ? Side::sell : Side::buy, sells ? quantity.substr(1) : quantity));
    floor.quote(at(2), "100", "100");
    floor.broker().obey();
    return floor;
}

}  // namespace

TEST_CASE("a split multiplies shares, keeps the cost and moves no equity", "[kernel][actions]") {
    Floor floor(Setup::simple());
    with_ibm(floor, "10");
    floor.act(at(10), split(kIbm, 4, 1));
    CHECK(books(floor) == "40 at 1000, realized 0, cash 99000");
    CHECK(floor.state().market(kIbm).mark == px("25"));
    CHECK_FALSE(floor.state().market(kIbm).has_touch);
    CHECK(floor.portfolio().equity == money("100000"));
    CHECK(floor.state().path.worst_trough == floor.state().path.worst_peak);
    CHECK(floor.said_of("position_adjusted") ==
          Lines{"position_adjusted portfolio=main instrument=IBM kind=split quantity=40 cost=1000 fraction=0 cash=0 "
                "realized_pnl=0 equity_change=0 cause=8 root=8"});
}

TEST_CASE("a part of a share is paid, with its part of the cost", "[kernel][actions]") {
    // 7 shares, 3 for 2: 10.5, of which a half is paid at 100 x 2/3 = 66.66666667 a share, or at the price that is stated.
    Floor by_mark(Setup::simple());
    with_ibm(by_mark, "7");
    by_mark.act(at(10), split(kIbm, 3, 2));
    // Its cost is 700 / 21 = 33.33333333; what is paid is 33.33333334 (half of the mark, half-even).
    CHECK(books(by_mark) == "10 at 666.66666667, realized 0.00000001, cash 99333.33333334");
    Floor stated(Setup::simple());
    with_ibm(stated, "7");
    stated.act(at(10), split(kIbm, 3, 2, px("60")));
    CHECK(books(stated) == "10 at 666.66666667, realized -3.33333333, cash 99330");
    Floor short_of(Setup::simple());
    with_ibm(short_of, "-7");
    short_of.act(at(10), split(kIbm, 3, 2, px("60")));
    CHECK(books(short_of) == "-10 at -666.66666667, realized 3.33333333, cash 100670");
    Floor gone(Setup::simple());
    with_ibm(gone, "7");
    gone.act(at(10), split(kIbm, 1, 10, px("1100")));
    CHECK(books(gone) == "0 at 0, realized 70, cash 100070");
}

TEST_CASE("of what trades in parts of a share only less than a part is paid", "[kernel][actions]") {
    Floor floor(Setup()
                    .instrument("BTC", {}, "0.01", "0.001")
                    .portfolio("main", "100000")
                    .broker("desk")
                    .strategy("one", {kIbm}));
    with_ibm(floor, "0.007");
    floor.act(at(10), split(kIbm, 3, 2));
    CHECK(to_string(floor.position().net) == "0.01");
    CHECK(to_string(floor.portfolio().cash) == "99999.33333333");  // 99999.3, and half a part at 66.66666667
}

TEST_CASE("a dividend is paid to the long and by the short, and lowers the mark", "[kernel][actions]") {
    Floor floor(Setup::simple());
    with_ibm(floor, "10");
    floor.act(at(10), dividend(kIbm, money("1.25")));
    CHECK(books(floor) == "10 at 1000, realized 12.5, cash 99012.5");
    CHECK(floor.state().market(kIbm).mark == px("98.75"));
    CHECK(floor.portfolio().equity == money("100000"));
    Floor other(Setup::simple());
    with_ibm(other, "-10");
    other.act(at(10), dividend(kIbm, money("1.25")));
    CHECK(books(other) == "-10 at -1000, realized -12.5, cash 100987.5");
    CHECK(other.portfolio().equity == money("100000"));
}

TEST_CASE("a merger gives other shares and cash, and the cost goes along", "[kernel][actions]") {
    Floor floor(Setup::simple());
    with_ibm(floor, "7");
    floor.quote(at(3), "50", "50", kBac);
    CorporateAction merger = with_other(ActionKind::merger, 3, 2);
    merger.amount = money("2");
    floor.act(at(10), merger);
    CHECK(books(floor) == "0 at 0, realized 14, cash 99334");  // 100,000 - 700 + 14 + half a share of 40
    // 10.5 shares at 700: the half goes at its cost of 33.33333333 for 20.
    CHECK(books(floor, kBac) == "10 at 666.66666667, realized -13.33333333, cash 99334");
    CHECK(floor.portfolio().equity == money("99834"));
    Floor cash(Setup::simple());
    with_ibm(cash, "7");
    CorporateAction bought_out = split(kIbm, 0, 1);
    bought_out.kind = ActionKind::merger;
    bought_out.amount = money("120");
    cash.act(at(10), bought_out);
    CHECK(books(cash) == "0 at 0, realized 140, cash 100140");
    CHECK(cash.portfolio().equity == money("100140"));
}

TEST_CASE("a merger into what is held the other way closes it", "[kernel][actions]") {
    Floor floor(Setup::simple());
    with_ibm(floor, "10");
    floor.broker().fill_at("50");
    floor.strategy().once([](Context& c) { c.place(market_order(Side::sell, "4", kBac)); });
    floor.quote(at(3), "50", "50", kBac);
    floor.act(at(10), with_other(ActionKind::merger, 1, 1));
    // 10 shares that cost 1000 meet a short of 4 sold for 200: of the cost 400 go with the 4.
    CHECK(books(floor, kBac) == "6 at 600, realized -200, cash 99200");
}

TEST_CASE("a demerger gives shares beside those held, with their part of the cost", "[kernel][actions]") {
    Floor floor(Setup::simple());
    with_ibm(floor, "10");
    floor.quote(at(3), "30", "30", kBac);
    CorporateAction demerger = with_other(ActionKind::demerger, 1, 2);
    demerger.cost_part = money("0.25");
    floor.act(at(10), demerger);
    CHECK(books(floor) == "10 at 750, realized 0, cash 99000");
    CHECK(books(floor, kBac) == "5 at 250, realized 0, cash 99000");
    CHECK(floor.state().market(kIbm).mark == px("85"));  // half a share of 30 is out of it
    CHECK(floor.portfolio().equity == money("100000"));
}

TEST_CASE("a split changes orders as it changes the share", "[kernel][actions]") {
    Floor floor(Setup::simple());
    with_ibm(floor, "10");
    floor.strategy().once([](Context& c) {
        c.limit(kIbm, Side::buy, qty("10"), px("90.01"), TimeInForce::gtc);
        c.limit(kIbm, Side::sell, qty("5"), px("110.01"), TimeInForce::gtc);
        c.stop(kIbm, Side::sell, qty("5"), px("80.01"), TimeInForce::gtc);
        c.limit(kIbm, Side::buy, qty("1"), px("0.01"), TimeInForce::gtc);
        c.limit(kBac, Side::buy, qty("1"), px("90"), TimeInForce::gtc);
    });
    floor.quote(at(5), "100", "100");
    floor.tell(at(6), filled(2, "4", "90.01", "part"));
    floor.said();
    floor.act(at(10), split(kIbm, 3, 2));
    CHECK(floor.said_of("order_adjusted").size() == 4);
    const auto terms = [&](std::uint64_t id) {
        const Order& order = floor.order(id);
        return to_string(order.terms.quantity) + " of which " + to_string(order.filled) + " at " +
               to_string(order.terms.limit_price) + " " + to_string(order.terms.stop_price);
    };
    CHECK(terms(2) == "15 of which 6 at 60 0");    // 60.00666667: a buy waits for less
    CHECK(terms(3) == "7 of which 0 at 73.34 0");  // 7.5 shares at 73.34
    CHECK(terms(4) == "7 of which 0 at 0 53.34");  // a stop to sell waits for less
    CHECK(terms(5) == "1 of which 0 at 0.01 0");   // no price below a tick
    CHECK(terms(6) == "1 of which 0 at 90 0");
    CHECK(floor.broker().adjusted.size() == 4);
    // What it fills from here on is of the new share.
    floor.tell(at(11), filled(2, "9", "60", "rest"));
    CHECK(floor.order(2).status == OrderStatus::filled);
    CHECK(to_string(floor.position().net) == "30");  // 14 x 3 / 2 and 9
}

TEST_CASE("an order that nothing is left of is cancelled, and one with a change under way", "[kernel][actions]") {
    Floor floor(Setup::simple());
    with_ibm(floor, "10");
    floor.broker().at_action = [](const CorporateAction&, std::span<const OrderAdjusted> orders, Reports& out) {
        for (const std::uint64_t id : {2U, 3U}) {
            if (std::ranges::find(orders, OrderId{id}, &OrderAdjusted::order) == orders.end()) {
                out.push_back(report(ReportKind::cancelled, id, "corporate action"));
            }
        }
    };
    floor.strategy().once([](Context& c) {
        c.limit(kIbm, Side::buy, qty("9"), px("90"), TimeInForce::gtc);
        c.limit(kIbm, Side::buy, qty("10"), px("90"), TimeInForce::gtc);
    });
    floor.quote(at(5), "100", "100");
    floor.broker().answer = nullptr;
    floor.act(at(6), [](Context& c) { c.modify(OrderId{3}, qty("20"), px("91"), {}); });
    floor.said();
    floor.heard();
    floor.act(at(10), split(kIbm, 1, 10));
    CHECK(floor.said_of("cancel_intended").size() == 2);
    CHECK(floor.order(2).status == OrderStatus::cancelled);
    CHECK(floor.order(3).status == OrderStatus::cancelled);
    CHECK(floor.heard() == Lines{"order 2 cancelled", "order 3 cancelled", "split"});
}

TEST_CASE("exits grow with what they guard, their ended entry among it", "[kernel][actions]") {
    for (const bool links : {true, false}) {
        Floor floor(Setup::simple());
        floor.broker().links = links;
        floor.broker().obey();
        floor.act(at(1), [](Context& c) { c.bracket(limit_order(Side::buy, "10", "100"), px("90"), px("120")); });
        floor.tell(at(2), filled(1, "10", "100", "a"));
        floor.act(at(10), split(kIbm, 2, 1));
        CHECK(to_string(floor.order(2).terms.quantity) == "20");
        CHECK(floor.order(2).terms.stop_price == px("45"));
        CHECK(floor.order(3).terms.limit_price == px("60"));
        floor.tell(at(11), filled(3, "5", "60", "b"));
        // The other leg guards what is left.
        if (!links) {
            CHECK(to_string(floor.order(2).leaves()) == "15");
        }
        floor.tell(at(12), filled(3, "15", "60", "c"));
        CHECK(to_string(floor.position().net) == "0");
        CHECK(floor.count_of("report_ignored") == 0);
    }
}

TEST_CASE("shares that have not arrived are split as well", "[kernel][actions]") {
    Floor floor(Setup()
                    .instrument("IBM")
                    .calendar("AUCTION")
                    .portfolio("main", "100000")
                    .broker("desk")
                    .strategy("one", {kIbm}));
    markets::MarketRules rules;
    rules.calendars = {auction_calendar()};
    rules.calendars[0].table.settlement_known = rules.calendars[0].table.trading_known;
    floor.rules(Time{0}, rules);
    floor.products(Time{0}, small_products(false));
    floor.broker().fill_at("100");
    OrderTerms buy = market_order(Side::buy, "7");
    buy.product = Product::cnc;
    floor.place(at(hms(10, 0)), buy);
    floor.act(at(kDaySeconds), split(kIbm, 3, 2, px("60")));
    const Holding held = floor.position().of(Product::cnc);
    CHECK(to_string(held.net) == "10");
    REQUIRE(held.to_come.size() == 1);
    CHECK(to_string(held.to_come[0].quantity) == "10");
}

TEST_CASE("no order meets a price of the share before", "[kernel][actions]") {
    Floor floor(Setup::simple());
    with_ibm(floor, "10");
    floor.act(at(10), split(kIbm, 2, 1));
    CHECK(floor.state().market(kIbm).touch(Side::buy) == px("50"));
    CHECK(floor.state().market(kIbm).acted == parse_date("2024-01-03").value());
    CHECK(floor.broker().actions.size() == 1);
}
