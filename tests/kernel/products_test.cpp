/// What products allow, how what is held under them is booked apart, and how the broker closes what is held within the day. The calendar
/// is tests/kernel/market_rules.hpp's, in UTC, from Monday 2024-01-01 on: continuous trading ends at 15:15, and mis is closed an hour before.

#include "tests/kernel/market_rules.hpp"
#include "tests/kernel/support.hpp"

#include <catch2/catch.hpp>

using namespace alpha;
using namespace alpha::test;

namespace {

Setup desk() {
    return Setup()
        .instrument("IBM")
        .calendar("AUCTION")
        .instrument("BAC")
        .calendar("AUCTION")
        .portfolio("main", "100000")
        .broker("desk")
        .strategy("one", {kIbm, kBac});
}

markets::MarketRules settling_calendar() {
    markets::MarketRules rules;
    rules.calendars = {auction_calendar()};
    markets::CalendarTable& table = rules.calendars.front().table;
    table.settlement_known = table.trading_known;
    return rules;
}

OrderTerms as(Product product, OrderTerms terms) {
    terms.product = product;
    return terms;
}
OrderTerms cnc(Side side, std::string_view quantity) {
    return as(Product::cnc, market_order(side, quantity));
}
OrderTerms mis(Side side, std::string_view quantity) {
    return as(Product::mis, market_order(side, quantity));
}

/// A floor with the calendar and the table, whose broker fills at 100 unless the test says otherwise.
struct Desk : Floor {
    explicit Desk(bool sells_unarrived = true, const Setup& setup = desk()) : Floor(setup) {
        rules(Time{0}, settling_calendar());
        products(Time{0}, small_products(sells_unarrived));
        broker().fill_at("100");
    }
    /// "none", or the rule that refuses and its numbers: "holdings 4 6".
    std::string asks(Time now, const OrderTerms& terms) {
        const std::size_t before = events().size();
        place(now, terms);
        for (std::size_t i = before; i < events().size(); ++i) {
            if (const auto* refused = std::get_if<OrderRefused>(&events()[i].event)) {
                return std::string(name_of(refused->rule)) + " " + to_string(refused->limit) + " " +
                       to_string(refused->observed);
            }
        }
        return "none";
    }
    std::string held(Product product) const { return to_string(position().of(product).net); }
    /// Orders of the operator's, as "sell 10 mis square_off reduce_only".
    Lines closing() const {
        Lines lines;
        for (const DecodedEvent& e : events()) {
            if (const auto* order = std::get_if<OrderIntended>(&e.event);
                order != nullptr && order->strategy == kOperator) {
                lines.push_back(std::string(name_of(order->terms.side)) + " " + to_string(order->terms.quantity) + " " +
                                name_of(order->terms.product) + " " + order->terms.tag +
                                (order->terms.reduce_only ? " reduce_only" : ""));
            }
        }
        return lines;
    }
};

Time on(int day, std::int64_t second) {
    return at(day * kDaySeconds + second);
}

}  // namespace

TEST_CASE("an order names a product that its exchange has on the day", "[kernel][products]") {
    Desk floor;
    const Time now = on(0, hms(10, 0));
    CHECK(floor.asks(now, market_order(Side::buy, "1")) == "product 0 0");
    CHECK(floor.asks(now, as(Product::mtf, market_order(Side::buy, "1"))) == "product 0 4");
    CHECK(floor.asks(now, cnc(Side::buy, "1")) == "none");
    CHECK(floor.asks(now, as(Product::nrml, market_order(Side::sell, "1"))) == "none");
    ProductRules past = small_products();
    for (ProductRow& row : past.rows) {
        row.to = parse_date("2023-12-31").value();
    }
    floor.products(now, past);
    CHECK(floor.asks(now, cnc(Side::buy, "1")) == "product 0 1");
    // Nothing is known of another exchange: nothing but no product is one there.
    for (ProductRow& row : past.rows) {
        row.exchange = "NSE";
        row.to = Date{40'000};
    }
    floor.products(now, past);
    CHECK(floor.asks(now, cnc(Side::buy, "1")) == "product 0 1");
    CHECK(floor.asks(now, market_order(Side::buy, "1")) == "none");
    floor.products(now, {});
    CHECK(floor.asks(now, as(Product::mtf, market_order(Side::buy, "1"))) == "none");
}

TEST_CASE("links bind orders of one product", "[kernel][products]") {
    Desk floor;
    floor.act(on(0, hms(10, 0)), [](Context& c) {
        c.one_cancels_other(as(Product::nrml, limit_order(Side::buy, "1", "99")),
                            as(Product::mis, limit_order(Side::buy, "1", "98")));
    });
    CHECK(floor.count_of("order_refused") == 2);
    CHECK(floor.state().open_orders.empty());
}

TEST_CASE("shares that are not there are not sold", "[kernel][products]") {
    Desk floor;
    const Time now = on(0, hms(10, 0));
    CHECK(floor.asks(now, cnc(Side::sell, "1")) == "holdings 0 1");
    CHECK(floor.asks(now, cnc(Side::buy, "10")) == "none");
    CHECK(floor.asks(now, cnc(Side::sell, "11")) == "holdings 10 11");
    floor.broker().obey();  // what is sold from here on rests
    CHECK(floor.asks(now, as(Product::cnc, limit_order(Side::sell, "6", "110"))) == "none");
    CHECK(floor.asks(now, cnc(Side::sell, "5")) == "holdings 4 5");
    CHECK(floor.asks(now, cnc(Side::buy, "5")) == "none");  // on its way is not there
    CHECK(floor.asks(now, cnc(Side::sell, "5")) == "holdings 4 5");
    CHECK(floor.asks(now, cnc(Side::sell, "4")) == "none");
    // What is held under another product is not held under this one.
    floor.broker().fill_at("100");
    CHECK(floor.asks(now, mis(Side::buy, "7")) == "none");
    CHECK(floor.asks(now, cnc(Side::sell, "1")) == "holdings 0 1");
    // A change may not ask for more either.
    floor.act(now, [](Context& c) { c.modify(OrderId{4}, qty("7"), px("110"), {}); });
    CHECK(floor.count_of("change_refused") == 1);
    CHECK(floor.order(4).terms.quantity == qty("6"));
}

TEST_CASE("orders that only reduce, and others, do not sell the same shares twice", "[kernel][products]") {
    Desk floor;
    const Time now = on(0, hms(10, 0));
    CHECK(floor.asks(now, cnc(Side::buy, "10")) == "none");
    floor.broker().obey();
    OrderTerms exit = as(Product::cnc, limit_order(Side::sell, "10", "110"));
    exit.reduce_only = true;
    CHECK(floor.asks(now, exit) == "none");
    CHECK(floor.asks(now, cnc(Side::sell, "1")) == "holdings 0 1");
    exit.quantity = qty("25");  // it is cut to what there is
    CHECK(floor.asks(now, exit) == "none");
    Desk other;
    CHECK(other.asks(now, cnc(Side::buy, "10")) == "none");
    other.broker().obey();
    CHECK(other.asks(now, as(Product::cnc, limit_order(Side::sell, "6", "110"))) == "none");
    CHECK(other.asks(now, exit) == "holdings 4 25");  // the other order may take them away under it
}

TEST_CASE("what has not arrived is sold where that is allowed, and counted", "[kernel][products]") {
    const Time bought = on(0, hms(10, 0));  // Monday: it arrives on Tuesday
    Desk strict(false);
    CHECK(strict.asks(bought, cnc(Side::buy, "10")) == "none");
    CHECK(strict.asks(bought, cnc(Side::sell, "3")) == "none");  // the exchange nets a day
    CHECK(strict.asks(on(1, hms(10, 0)), cnc(Side::sell, "1")) == "holdings 0 1");
    CHECK(strict.asks(on(1, hms(10, 1)), cnc(Side::buy, "5")) == "none");
    CHECK(strict.asks(on(1, hms(10, 2)), cnc(Side::sell, "5")) == "none");
    CHECK(strict.asks(on(2, hms(10, 0)), cnc(Side::sell, "7")) == "none");
    CHECK(strict.held(Product::cnc) == "0");

    Desk floor;
    CHECK(floor.asks(bought, cnc(Side::buy, "10")) == "none");
    CHECK(floor.position().of(Product::cnc).to_come ==
          std::vector<Arrival>{{parse_date("2024-01-01").value(), parse_date("2024-01-02").value(), qty("10")}});
    CHECK(floor.asks(on(1, hms(10, 0)), cnc(Side::sell, "4")) == "none");
    CHECK(floor.position().of(Product::cnc).to_come.front().quantity == qty("6"));
    floor.restart();
    CHECK(floor.asks(on(1, hms(10, 1)), cnc(Side::sell, "6")) == "none");
    CHECK(floor.position().holdings.empty());
}

TEST_CASE("a holiday of settlement makes shares arrive later", "[kernel][products]") {
    Desk floor(false);
    // Thursday the 25th: Friday is a holiday, and nothing settles on it or on the weekend.
    CHECK(floor.asks(on(24, hms(10, 0)), cnc(Side::buy, "10")) == "none");
    CHECK(floor.position().of(Product::cnc).to_come.front().arrives == parse_date("2024-01-29").value());
    CHECK(floor.asks(on(28, hms(10, 0)), cnc(Side::sell, "10")) == "holdings 0 10");  // Monday: it arrives today
    CHECK(floor.asks(on(29, hms(10, 0)), cnc(Side::sell, "10")) == "none");
}

TEST_CASE("what is held under each product has a cost and a profit of its own", "[kernel][products]") {
    Desk floor;
    const Time now = on(0, hms(10, 0));
    floor.asks(now, cnc(Side::buy, "10"));
    floor.broker().fill_at("110");
    floor.asks(now, mis(Side::sell, "10"));  // short within the day, beside shares that stay
    CHECK(floor.position().net == Qty{});
    CHECK(floor.position().cost == money("-100"));  // 1000 paid, 1100 got
    CHECK(floor.position().realized_pnl == Money{});
    floor.broker().fill_at("105");
    floor.asks(now, mis(Side::buy, "10"));
    CHECK(floor.position().realized_pnl == money("50"));
    CHECK(floor.position().of(Product::cnc).cost == money("1000"));
    CHECK(floor.held(Product::mis) == "0");
}

TEST_CASE("what is held within the day is closed when its time comes, and nothing new is begun", "[kernel][products]") {
    Desk floor;
    floor.asks(on(0, hms(10, 0)), mis(Side::buy, "10"));
    floor.asks(on(0, hms(10, 0)), cnc(Side::buy, "3"));
    floor.broker().answer = nullptr;
    floor.broker().obey();
    floor.asks(on(0, hms(10, 1)), as(Product::mis, limit_order(Side::buy, "5", "90")));
    floor.asks(on(0, hms(10, 1)), as(Product::cnc, limit_order(Side::buy, "5", "90")));
    floor.said();
    floor.broker().fill_at("100");
    floor.quote(on(0, hms(14, 20)), "99", "101");
    const Lines said = floor.said();
    REQUIRE(said.size() > 6);
    CHECK(said[0].find("2024-01-01T14:15:00Z square_off_begun instrument=IBM date=2024-01-01") != std::string::npos);
    CHECK(said[1].find("cancel_intended order=3 rule=square_off") != std::string::npos);
    CHECK(floor.closing() == Lines{"sell 10 mis square_off reduce_only"});
    CHECK(floor.held(Product::mis) == "0");
    CHECK(floor.held(Product::cnc) == "3");
    CHECK(floor.order(4).status == OrderStatus::working);
    // 14:15 is 51,300 s after midnight.
    CHECK(floor.asks(on(0, hms(14, 21)), mis(Side::buy, "1")) == "square_off 51300 51660");
    CHECK(floor.asks(on(0, hms(14, 21)), cnc(Side::buy, "1")) == "none");
    CHECK(floor.held(Product::cnc) == "4");
    CHECK(floor.closing().size() == 1);
    // What comes once the session has closed is of the next one.
    floor.broker().obey();
    CHECK(floor.asks(on(0, hms(16, 30)), mis(Side::buy, "1")) == "none");
    floor.quote(on(1, hms(9, 20)), "99", "101");
    CHECK(floor.count_of("square_off_begun") == 1);
    floor.quote(on(1, hms(14, 30)), "99", "101");
    CHECK(floor.count_of("square_off_begun") == 2);  // it was still open
    CHECK(floor.state().open_orders.size() == 1);    // cnc's
    // A day without any of it has none.
    floor.quote(on(2, hms(14, 30)), "99", "101");
    CHECK(floor.count_of("square_off_begun") == 2);
}

TEST_CASE("a short is bought back, in parts that the exchange takes", "[kernel][products]") {
    Desk floor;
    floor.asks(on(0, hms(10, 0)), mis(Side::sell, "25"));
    Instrument frozen = floor.state().instruments[0];
    frozen.freeze = qty("10");
    floor.change(on(0, hms(10, 1)), kIbm, frozen);
    floor.quote(on(0, hms(14, 15)), "99", "101");
    CHECK(floor.closing() == Lines{"buy 10 mis square_off reduce_only", "buy 10 mis square_off reduce_only",
                                   "buy 5 mis square_off reduce_only"});
    CHECK(floor.held(Product::mis) == "0");
}

TEST_CASE("nothing is closed before the broker has answered, and a late fill is closed as well", "[kernel][products]") {
    Desk floor;
    floor.broker().obey();
    floor.asks(on(0, hms(10, 0)), as(Product::mis, limit_order(Side::buy, "5", "99")));
    floor.tell(on(0, hms(10, 1)), filled(1, "2", "99", "a"));
    floor.broker().answer = nullptr;  // the market is slow
    floor.quote(on(0, hms(14, 16)), "99", "101");
    CHECK(floor.closing().empty());  // the cancel is on its way
    floor.restart();
    floor.tell(on(0, hms(14, 17)), filled(1, "1", "99", "b"));
    CHECK(floor.closing().empty());
    floor.tell(on(0, hms(14, 17)), report(ReportKind::cancelled, 1));
    CHECK(floor.closing() == Lines{"sell 3 mis square_off reduce_only"});
    floor.tell(on(0, hms(14, 18)), report(ReportKind::accepted, 2));
    // An execution that the broker had not told of yet.
    floor.tell(on(0, hms(14, 19)), filled(1, "2", "99", "c"));
    CHECK(floor.closing() == Lines{"sell 3 mis square_off reduce_only", "sell 2 mis square_off reduce_only"});
    floor.tell(on(0, hms(14, 20)), filled(2, "3", "98", "d"));
    floor.tell(on(0, hms(14, 20)), filled(3, "2", "98", "e"));
    CHECK(floor.held(Product::mis) == "0");
    CHECK(floor.closing().size() == 2);
}

TEST_CASE("a broker that does not take the closing order is not asked for ever", "[kernel][products]") {
    Desk floor;
    floor.asks(on(0, hms(10, 0)), mis(Side::buy, "10"));
    floor.broker().answer = [](Time, const Effect& effect, Reports& out) {
        out.push_back(report(ReportKind::rejected, order_of(effect).value, "no"));
    };
    floor.quote(on(0, hms(14, 16)), "99", "101");
    floor.quote(on(0, hms(14, 17)), "99", "101");
    CHECK(floor.closing() == Lines{"sell 10 mis square_off reduce_only"});
    // The next day it is tried again.
    floor.broker().fill_at("100");
    floor.quote(on(1, hms(10, 0)), "99", "101");
    floor.quote(on(1, hms(14, 16)), "99", "101");
    CHECK(floor.held(Product::mis) == "0");
}

TEST_CASE("a strategy that asks on when it hears of the square-off asks in vain, and breaks nothing",
          "[kernel][products]") {
    Desk floor;
    floor.broker().obey();
    floor.asks(on(0, hms(10, 0)), as(Product::mis, limit_order(Side::buy, "5", "99")));
    floor.tell(on(0, hms(10, 1)), filled(1, "2", "99", "a"));
    floor.strategy().on_order = [](const OrderUpdate& update, Context& c) {
        if (update.status == OrderStatus::cancelled) {
            c.place(mis(Side::buy, "4"));
            c.place(cnc(Side::buy, "4"));
        }
    };
    floor.quote(on(0, hms(14, 16)), "99", "101");
    CHECK(floor.closing() == Lines{"sell 2 mis square_off reduce_only"});
    CHECK(floor.count_of("order_refused") == 1);
    CHECK(floor.state().open_orders.size() == 2);
}

TEST_CASE("a kill switch closes what is held under each product by an order of its own", "[kernel][products]") {
    Desk floor;
    floor.asks(on(0, hms(10, 0)), cnc(Side::buy, "10"));
    floor.asks(on(0, hms(10, 0)), mis(Side::sell, "4"));
    floor.kill(on(0, hms(10, 5)), kMain, LatchScope::flatten);
    CHECK(floor.closing() == Lines{"sell 10 cnc  reduce_only", "buy 4 mis  reduce_only"});
    CHECK(floor.position().net == Qty{});
    CHECK(floor.position().holdings.empty());
}

TEST_CASE("while only exits pass, what reduces is seen product by product", "[kernel][products]") {
    Desk floor;
    floor.asks(on(0, hms(10, 0)), cnc(Side::buy, "10"));
    floor.kill(on(0, hms(10, 5)), kMain, LatchScope::entries);
    CHECK(floor.asks(on(0, hms(10, 6)), mis(Side::sell, "4")) == "kill_switch 0 1");  // it would open a short
    CHECK(floor.asks(on(0, hms(10, 6)), cnc(Side::sell, "4")) == "none");
}

TEST_CASE("the depository asks for what was in the account, and by its own row for what had not arrived",
          "[kernel][products]") {
    Desk floor;
    markets::MarketRules rules = settling_calendar();
    rules.charges = small_plan();
    markets::ChargeRow btst = rules.charges.rows.back();
    btst.line = btst.shown = markets::ChargeLine::dp_btst;
    btst.amount = money_of(5);
    rules.charges.rows.push_back(btst);
    markets::ChargeRow square_off = rules.charges.rows.front();
    square_off.line = square_off.shown = markets::ChargeLine::square_off;
    square_off.base = markets::ChargeBase::order;
    square_off.rate = {};
    square_off.maximum = {};
    square_off.amount = money_of(50);
    rules.charges.rows.push_back(square_off);
    floor.rules(Time{0}, rules);
    const auto booked = [&](int day) {
        std::string text;
        for (const DecodedEvent& e : floor.events()) {
            const auto* each = std::get_if<ChargesBooked>(&e.event);
            if (each != nullptr && each->date.days == parse_date("2024-01-01").value().days + day) {
                for (const markets::ChargeAmount& line : each->lines) {
                    text += std::string(name_of(line.line)) + " " + to_string(line.amount) + " ";
                }
            }
        }
        return text;
    };
    floor.asks(on(0, hms(10, 0)), cnc(Side::buy, "10"));
    floor.asks(on(1, hms(10, 0)), cnc(Side::sell, "4"));  // not arrived
    floor.asks(on(2, hms(10, 0)), cnc(Side::sell, "6"));
    floor.asks(on(3, hms(10, 0)), mis(Side::buy, "10"));
    floor.quote(on(4, hms(10, 0)), "99", "101");
    CHECK(booked(1).find("dp_btst 5 ") != std::string::npos);
    CHECK(booked(1).find("dp 13") == std::string::npos);
    CHECK(booked(2).find("dp 13 ") != std::string::npos);
    CHECK(booked(3).find("square_off 50 ") != std::string::npos);
}
