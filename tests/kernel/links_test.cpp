#include "tests/kernel/support.hpp"

#include <array>

namespace alpha::test {

namespace {

/// Whom the kernel has to link orders for.
Setup unlinked() {
    return Setup::simple();
}

struct Unlinked : Floor {
    explicit Unlinked(const Setup& setup = unlinked()) : Floor(setup) {
        broker().links = false;
        broker().obey();
    }
    /// Buys 10 with a stop at 90 and a target at 120: orders 1, 2 and 3.
    void bracket(Time now, const OrderTerms& entry = limit_order(Side::buy, "10", "100")) {
        act(now, [entry](Context& c) { c.bracket(entry, px("90"), px("120")); });
    }
    /// What was asked of the broker, e.g. "place 2 x4", "modify 2 x7", "cancel 3".
    Lines asked() {
        Lines lines;
        for (const Effect& effect : std::exchange(broker().effects, {})) {
            lines.push_back(std::visit(
                overloaded{[](const PlaceOrder& e) {
                               return "place " + std::to_string(e.order.value) + " x" + to_string(e.terms.quantity);
                           },
                           [](const PlaceLinked& e) { return "linked " + std::to_string(e.orders.size()); },
                           [](const CancelOrder& e) { return "cancel " + std::to_string(e.order.value); },
                           [](const ModifyOrder& e) {
                               return "modify " + std::to_string(e.order.value) + " x" + to_string(e.quantity);
                           }},
                effect));
        }
        return lines;
    }
    std::string status(std::uint64_t id) const { return name_of(order(id).status); }
    void fill(Time now, std::uint64_t id, std::string_view quantity, std::string_view price) {
        tell(now, filled(id, quantity, price, std::to_string(++trades_)));
    }

private:
    int trades_ = 0;
};

using Orders = std::vector<OrderTerms>;

OrderTerms linked(OrderTerms terms, std::uint64_t parent, std::uint64_t group) {
    terms.parent = OrderId{parent};
    terms.group = OrderId{group};
    return terms;
}
OrderTerms stop(Side side, std::string_view quantity, std::string_view price) {
    return {kIbm, side, OrderType::stop, TimeInForce::gtc, qty(quantity), {}, px(price)};
}

}  // namespace

// ---- which links make sense ---------------------------------------------------------------------

TEST_CASE("links that make no sense are refused, every order of them, by the first that does not fit", "[kernel]") {
    const OrderTerms buy = limit_order(Side::buy, "1", "90");
    const OrderTerms sell = limit_order(Side::sell, "1", "110");
    struct Row {
        const char* fear;
        Orders orders;
        const char* observed;  // the number of the one that does not fit, or how many there are
    };
    const Row rows[] = {
        {"more than there can be", Orders(9, buy), "9"},
        {"another instrument", {buy, linked(limit_order(Side::sell, "1", "110", kBac), 1, 0)}, "2"},
        {"an exit of itself", {linked(buy, 1, 0), sell}, "1"},
        {"an exit before its entry", {linked(sell, 2, 0), buy}, "1"},
        {"an exit of an exit", {buy, linked(sell, 1, 0), linked(buy, 2, 0)}, "3"},
        {"an exit on its entry's side", {buy, linked(buy, 1, 0)}, "2"},
        {"a parent that does not exist", {buy, linked(sell, 7, 0)}, "2"},
        {"a leg of a later one", {linked(buy, 0, 2), linked(buy, 0, 2)}, "1"},
        {"a group of one", {linked(buy, 0, 1)}, "1"},
        {"a group with a gap", {linked(buy, 0, 1), linked(sell, 1, 0), linked(buy, 0, 1)}, "3"},
        {"a group of exits of two entries",
         {linked(buy, 0, 1), linked(buy, 0, 1), linked(sell, 1, 3), linked(sell, 2, 3)},
         "4"},
        {"two that nothing binds", {buy, buy}, "2"},
        {"an entry beside a group", {linked(buy, 0, 1), linked(buy, 0, 1), buy}, "3"},
        {"two groups of entries", {linked(buy, 0, 1), linked(buy, 0, 1), linked(buy, 0, 3), linked(buy, 0, 3)}, "3"},
    };
    for (const bool links : {true, false}) {
        for (const Row& row : rows) {
            INFO(row.fear);
            Floor floor(Setup::simple());
            floor.broker().links = links;
            floor.act(at(1), [&](Context& c) { c.place_linked(row.orders); });
            CHECK(floor.broker().effects.empty());
            std::size_t refused = 0;
            for (const DecodedEvent& e : floor.events()) {
                if (const auto* refusal = std::get_if<OrderRefused>(&e.event)) {
                    ++refused;
                    CHECK(refusal->order == OrderId{refused});
                    CHECK(refusal->rule == Rule::links);
                    CHECK(to_string(refusal->limit) == "8");
                    CHECK(to_string(refusal->observed) == row.observed);
                }
            }
            CHECK(refused == row.orders.size());
            CHECK(floor.place(at(2), buy) == OrderId{row.orders.size() + 1});
        }
    }
}

TEST_CASE("links that make sense go to the venue together, named by their orders' numbers", "[kernel]") {
    const OrderTerms buy = limit_order(Side::buy, "1", "90");
    const OrderTerms sell = limit_order(Side::sell, "1", "110");
    const Orders orders{linked(buy, 0, 1),  linked(buy, 0, 1),  linked(sell, 1, 3), linked(sell, 1, 3),
                        linked(sell, 2, 0), linked(sell, 2, 6), linked(sell, 2, 6)};
    Floor floor(Setup::simple().limit(Rule::order_quantity, "1"));
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "1", "80"));  // order 1, so that numbers and positions differ
    OrderId first;
    floor.act(at(2), [&](Context& c) { first = c.place_linked(orders); });
    CHECK(first == OrderId{2});
    REQUIRE(floor.broker().effects.size() == 2);
    const auto& sent = std::get<PlaceLinked>(floor.broker().effects.back()).orders;
    REQUIRE(sent.size() == orders.size());
    const std::uint64_t parents[] = {0, 0, 2, 2, 3, 3, 3};
    const std::uint64_t groups[] = {2, 2, 4, 4, 0, 7, 7};
    const int legs[] = {2, 2, 2, 2, 0, 2, 2};
    for (std::size_t i = 0; i < sent.size(); ++i) {
        INFO(i);
        CHECK(sent[i].order == OrderId{2 + i});
        CHECK(sent[i].terms.parent == OrderId{parents[i]});
        CHECK(sent[i].terms.group == OrderId{groups[i]});
        CHECK(int{sent[i].terms.legs} == legs[i]);
        CHECK(sent[i].terms.reduce_only == (parents[i] != 0));
        CHECK(sent[i].portfolio == kMain);
        CHECK(sent[i].tick == px("0.01"));
        CHECK(floor.order(2 + i).terms == sent[i].terms);
        CHECK_FALSE(floor.order(2 + i).held);
    }
}

TEST_CASE("a bracket is judged whole and once: its entry by every rule, its exits by what makes an order", "[kernel]") {
    const auto places = [](Setup setup, const OrderTerms& entry, const char* stop_price, const char* target) {
        Floor floor(setup.limit(Rule::shorting, "0"));
        floor.broker().obey();
        floor.act(at(1), [&](Context& c) { c.bracket(entry, px(stop_price), px(target)); });
        std::string told;
        for (const std::string& line : floor.heard()) {
            told += line.find("refused") != std::string::npos ? line + "; " : "";
        }
        return told.empty() ? "pass" : told;
    };
    const OrderTerms buy = limit_order(Side::buy, "10", "100");
    const auto all = [](const std::string& rule) {
        return "order 1 refused by " + rule + "; order 2 refused by " + rule + "; order 3 refused by " + rule + "; ";
    };
    CHECK(places(Setup::simple(), buy, "90", "110") == "pass");  // nothing to sell yet, and still no short
    CHECK(places(Setup::simple().limit(Rule::price_band, "5"), buy, "50", "200") == "pass");
    CHECK(places(Setup::simple().limit(Rule::position, "10"), buy, "90", "110") == "pass");
    CHECK(places(Setup::simple().limit(Rule::position, "9"), buy, "90", "110") == all("position"));
    CHECK(places(Setup::simple().limit(Rule::open_orders, "3"), buy, "90", "110") == "pass");
    CHECK(places(Setup::simple().limit(Rule::open_orders, "2"), buy, "90", "110") == all("open_orders"));
    CHECK(places(Setup::simple().limit(Rule::order_rate, "1"), buy, "90", "110") == "pass");  // one order to the market
    CHECK(places(Setup::simple(), buy, "90.001", "110") == all("tick_size"));
    CHECK(places(Setup::simple(), buy, "90", "0") == all("invalid_order"));
    CHECK(places(Setup::simple(), limit_order(Side::buy, "0", "100"), "90", "110") == all("invalid_order"));
    CHECK(places(Setup::simple(), limit_order(Side::sell, "10", "100"), "110", "90") == all("shorting"));
}

TEST_CASE("an order that is placed alone has no links, whatever its terms say", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "1", "90"));
    OrderTerms terms = linked(limit_order(Side::sell, "1", "110"), 1, 1);
    terms.legs = 2;
    floor.place(at(2), terms);
    CHECK(floor.order(2).terms == limit_order(Side::sell, "1", "110"));
}

TEST_CASE("the legs of a group are each an order to the rate of orders", "[kernel]") {
    for (const char* most : {"2", "1"}) {
        Floor floor(Setup::simple().limit(Rule::order_rate, most));
        floor.broker().obey();
        floor.act(at(1), [](Context& c) {
            c.one_cancels_other(limit_order(Side::buy, "1", "90"), stop(Side::buy, "1", "110"));
        });
        CHECK(floor.portfolio().recent_orders.size() == (std::string(most) == "2" ? 2 : 0));
        CHECK(floor.count_of("order_refused") == (std::string(most) == "2" ? 0 : 2));
    }
}

// ---- what a group reserves ----------------------------------------------------------------------

TEST_CASE("a group reserves its larger leg, and what is left of the others when that ends", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::position, "10"));
    floor.broker().obey();
    floor.act(at(1),
              [](Context& c) { c.one_cancels_other(limit_order(Side::buy, "10", "90"), stop(Side::buy, "6", "110")); });
    CHECK(floor.count_of("order_refused") == 0);  // not 16
    CHECK(floor.position().open_buys == qty("10"));
    CHECK(floor.position().open_buy_value == money("900"));  // the dearer of 10 at 90 and 6 at 110
    floor.act(at(2), [](Context& c) { c.cancel(OrderId{1}); });
    CHECK(floor.position().open_buys == qty("6"));
    CHECK(floor.position().open_buy_value == money("660"));
    floor.act(at(3), [](Context& c) { c.modify(OrderId{2}, qty("10"), {}, px("111")); });
    CHECK(floor.position().open_buys == qty("10"));
    floor.act(at(4), [](Context& c) { c.cancel(OrderId{2}); });
    CHECK(floor.position().open_buys == Qty{});
    CHECK(floor.position().open_buy_value == Money{});
}

TEST_CASE("a smaller leg may grow as far as its group reserves already", "[kernel]") {
    // Long 10 without shorting: a target of 10 and a stop of 5, of which one cancels the other.
    Floor floor(Setup::simple().limit(Rule::shorting, "0"));
    floor.broker().fill_at("100");
    floor.place(at(1), market_order(Side::buy, "10"));
    floor.broker().obey();
    floor.act(at(2), [](Context& c) {
        c.one_cancels_other(limit_order(Side::sell, "10", "120"), stop(Side::sell, "5", "90"));
    });
    REQUIRE(floor.position().open_sells == qty("10"));
    floor.act(at(3), [](Context& c) { c.modify(OrderId{3}, qty("10"), {}, px("91")); });
    CHECK(floor.order(3).terms.quantity == qty("10"));
    CHECK(floor.position().open_sells == qty("10"));
    floor.said();
    floor.act(at(4), [](Context& c) { c.modify(OrderId{3}, qty("11"), {}, px("91")); });
    CHECK(floor.said_of("change_refused") ==
          Lines{"change_refused order=3 strategy=one rule=shorting limit=0 observed=-1 cause=15 root=15"});
}

TEST_CASE("legs of both sides reserve on both", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.act(at(1),
              [](Context& c) { c.one_cancels_other(stop(Side::buy, "10", "110"), stop(Side::sell, "4", "90")); });
    CHECK(floor.position().open_buys == qty("10"));
    CHECK(floor.position().open_sells == qty("4"));
}

// ---- a broker that knows no links ---------------------------------------------------------------

TEST_CASE("exits are held until their entry fills, and go out for what has filled", "[kernel]") {
    Unlinked floor;
    floor.bracket(at(1));
    CHECK(floor.asked() == Lines{"place 1 x10"});
    CHECK(floor.order(2).held);
    CHECK(floor.status(2) == "intended");
    CHECK(floor.position().open_sells == Qty{});
    floor.said();
    floor.fill(at(2), 1, "4", "100");
    CHECK(floor.asked() == Lines{"place 2 x4", "place 3 x4"});
    CHECK(floor.said_of("order_released") == Lines{"order_released order=2 quantity=4 cause=8 root=3",
                                                   "order_released order=3 quantity=4 cause=8 root=3"});
    CHECK_FALSE(floor.order(2).held);
    CHECK(floor.status(2) == "working");
    floor.fill(at(3), 1, "6", "100");
    CHECK(floor.asked() == Lines{"modify 2 x10", "modify 3 x10"});
    CHECK(floor.order(2).terms.quantity == qty("10"));
    CHECK(floor.order(2).terms.reduce_only);  // though the broker never heard of such a thing
    CHECK(floor.order(3).terms.limit_price == px("120"));
}

TEST_CASE("two fills at once lose nothing: an exit that has a change on its way is looked at when it is answered",
          "[kernel]") {
    Unlinked floor;
    floor.bracket(at(1));
    floor.asked();
    // Three fills in one input, before any answer is taken.
    for (const char* part : {"2", "3", "5"}) {
        floor.broker().resting.push_back(filled(1, part, "100", std::string("t") + part));
    }
    floor.quote(at(2), "99", "101");
    CHECK(floor.position().net == qty("10"));
    CHECK(floor.order(2).terms.quantity == qty("10"));
    CHECK(floor.order(3).terms.quantity == qty("10"));
    CHECK(floor.status(1) == "filled");

    // The same where answers come late, as inputs of their own.
    Unlinked late;
    late.broker().answer = nullptr;
    late.bracket(at(1));
    late.tell(at(2), report(ReportKind::accepted, 1));
    late.fill(at(3), 1, "2", "100");
    late.tell(at(4), report(ReportKind::accepted, 2));
    late.tell(at(4), report(ReportKind::accepted, 3));
    late.asked();
    late.fill(at(5), 1, "3", "100");
    CHECK(late.asked() == Lines{"modify 2 x5", "modify 3 x5"});
    late.fill(at(6), 1, "5", "100");
    CHECK(late.asked().empty());  // one change at a time
    late.tell(at(7), modified(2, "5", "0", "90"));
    CHECK(late.asked() == Lines{"modify 2 x10"});
    late.tell(at(8), modified(2, "10", "0", "90"));
    late.tell(at(8), report(ReportKind::modify_rejected, 3, "no"));
    CHECK(late.asked().empty());  // what is refused is not asked for without end
    CHECK(late.order(2).terms.quantity == qty("10"));
    CHECK(late.order(3).terms.quantity == qty("2"));
}

TEST_CASE("a leg's fill shrinks the other, and the last one ends it", "[kernel]") {
    Unlinked floor;
    floor.bracket(at(1));
    floor.fill(at(2), 1, "10", "100");
    floor.asked();
    floor.fill(at(3), 3, "4", "120");
    CHECK(floor.asked() == Lines{"modify 2 x6"});
    CHECK(floor.order(2).terms.quantity == qty("6"));
    floor.said();
    floor.fill(at(4), 3, "6", "120");
    CHECK(floor.asked() == Lines{"cancel 2"});
    CHECK(floor.said_of("cancel_intended") == Lines{"cancel_intended order=2 rule=linked_fill cause=16 root=3"});
    CHECK(floor.status(2) == "cancelled");
    CHECK(floor.status(3) == "filled");
    CHECK(floor.position().net == Qty{});
    CHECK(floor.portfolio().open_orders == 0);
}

TEST_CASE("what an open order is linked to is remembered as long as it is open, however much closes meanwhile",
          "[kernel]") {
    const auto reject_more = [](Unlinked& floor, Time now, std::size_t count) {
        floor.broker().answer = [](Time, const Effect& effect, Reports& out) {
            if (const auto* place = std::get_if<PlaceOrder>(&effect)) {
                out.push_back(report(ReportKind::rejected, place->order.value, "no"));
            }
        };
        while (count > 0) {
            const std::size_t now_many = std::min<std::size_t>(count, 330);
            count -= now_many;
            floor.act(now, [now_many](Context& c) {
                for (std::size_t i = 0; i < now_many; ++i) {
                    c.place(limit_order(Side::buy, "1", "90"));
                }
            });
        }
        floor.broker().obey();
    };
    std::vector<Lines> asked;
    for (const std::size_t others : {std::size_t{3}, limits::kMaxClosedOrders + 3}) {
        CAPTURE(others);
        Unlinked floor;
        floor.bracket(at(1));
        floor.fill(at(2), 1, "10", "100");
        floor.fill(at(3), 3, "4", "120");
        floor.act(at(4), [](Context& c) { c.cancel(OrderId{3}); });
        REQUIRE(floor.status(1) == "filled");
        REQUIRE(floor.status(3) == "cancelled");
        reject_more(floor, at(5), others);
        const auto loaded = load_state(floor.saved());
        REQUIRE(loaded);
        CHECK(*loaded == floor.state());
        CHECK(linked_total(floor.state(), floor.order(2)) == qty("6"));  // four of ten are sold
        floor.asked();
        floor.act(at(6), [](Context& c) { c.modify(OrderId{2}, qty("10"), {}, px("91")); });
        asked.push_back(floor.asked());
        CHECK(floor.order(2).terms.quantity <= qty("6"));
        // Nothing holds them any longer.
        floor.fill(at(7), 2, "6", "91");
        REQUIRE(floor.position().net == Qty{});
        CHECK(floor.state().closed_orders.size() == floor.state().closings.size());
        for (const std::uint64_t id : {1U, 2U, 3U}) {
            CHECK(floor.state().find_order(OrderId{id}) != nullptr);
        }
        reject_more(floor, at(8), limits::kMaxClosedOrders - 3);
        CHECK(floor.state().find_order(OrderId{2}) != nullptr);
        reject_more(floor, at(9), 3);
        for (const std::uint64_t id : {1U, 2U, 3U}) {
            CHECK(floor.state().find_order(OrderId{id}) == nullptr);
        }
    }
    CHECK(asked[0] == asked[1]);
}

TEST_CASE("an exit is never more than it was for, however much its entry fills", "[kernel]") {
    // Half is sold at 110, the other half at 120; each without a group.
    Unlinked floor;
    floor.act(at(1), [](Context& c) {
        c.place_linked(Orders{limit_order(Side::buy, "10", "100"), linked(limit_order(Side::sell, "5", "110"), 1, 0),
                              linked(limit_order(Side::sell, "5", "120"), 1, 0)});
    });
    floor.fill(at(2), 1, "3", "100");
    CHECK(floor.order(2).terms.quantity == qty("3"));
    CHECK(floor.order(3).held);  // the oldest first: what there is to reduce is the first one's
    floor.fill(at(3), 1, "7", "100");
    CHECK(floor.order(2).terms.quantity == qty("5"));
    CHECK(floor.order(3).terms.quantity == qty("5"));
    CHECK_FALSE(floor.order(3).held);
    floor.fill(at(4), 2, "5", "110");
    CHECK(floor.order(3).terms.quantity == qty("5"));
    floor.fill(at(5), 3, "5", "120");
    CHECK(floor.position().net == Qty{});
}

TEST_CASE("an entry that is made larger takes its exits with it", "[kernel]") {
    Unlinked floor;
    floor.bracket(at(1));
    floor.fill(at(2), 1, "4", "100");
    floor.act(at(3), [](Context& c) { c.modify(OrderId{1}, qty("25"), px("100"), {}); });
    floor.fill(at(4), 1, "21", "100");
    CHECK(floor.order(2).terms.quantity == qty("25"));
    CHECK(floor.order(3).terms.quantity == qty("25"));
    floor.fill(at(5), 2, "25", "90");
    CHECK(floor.position().net == Qty{});
    CHECK(floor.status(3) == "cancelled");
}

TEST_CASE("an entry that ends without a fill takes its exits with it, one that has filled in part leaves them",
          "[kernel]") {
    Unlinked none;
    none.bracket(at(1));
    none.act(at(2), [](Context& c) { c.cancel(OrderId{1}); });
    CHECK(none.asked() == Lines{"place 1 x10", "cancel 1"});  // the exits were never sent
    CHECK(none.status(2) == "cancelled");
    CHECK(none.status(3) == "cancelled");
    CHECK(none.portfolio().open_orders == 0);

    Unlinked rejected;
    rejected.broker().answer = [](Time, const Effect& e, Reports& out) {
        out.push_back(report(ReportKind::rejected, std::get<PlaceOrder>(e).order.value, "margin"));
    };
    rejected.bracket(at(1));
    CHECK(rejected.status(1) == "rejected");
    CHECK(rejected.status(2) == "cancelled");
    CHECK(rejected.portfolio().open_orders == 0);

    Unlinked part;
    part.bracket(at(1));
    part.fill(at(2), 1, "4", "100");
    part.act(at(3), [](Context& c) { c.cancel(OrderId{1}); });
    CHECK(part.status(1) == "cancelled");
    CHECK(part.status(2) == "working");
    CHECK(part.order(2).terms.quantity == qty("4"));
    part.tell(at(4), filled(1, "1", "100", "late"));  // it was faster than the cancel
    CHECK(part.position().net == qty("5"));
    CHECK(part.order(2).terms.quantity == qty("5"));
}

TEST_CASE("an exit that ends at its broker while its entry is open ends that, too: more would have no exit",
          "[kernel]") {
    Unlinked floor;
    floor.bracket(at(1));
    floor.fill(at(2), 1, "4", "100");
    floor.asked();
    floor.fill(at(3), 2, "4", "90");
    CHECK(floor.asked() == Lines{"cancel 1", "cancel 3"});
    CHECK(floor.portfolio().open_orders == 0);
    CHECK(floor.position().net == Qty{});
}

TEST_CASE("the second of a pair goes out once the first has not filled at once, for what is left of it", "[kernel]") {
    const auto pair = [](Context& c) {
        c.one_cancels_other(limit_order(Side::buy, "10", "101"), stop(Side::buy, "10", "110"));
    };
    Unlinked rests;
    rests.act(at(1), pair);
    CHECK(rests.asked() == Lines{"place 1 x10", "place 2 x10"});
    rests.fill(at(2), 2, "3", "110");
    CHECK(rests.asked() == Lines{"modify 1 x7"});
    CHECK(rests.position().open_buys == qty("7"));
    rests.fill(at(3), 1, "7", "101");
    CHECK(rests.status(2) == "cancelled");
    CHECK(rests.position().net == qty("10"));
    CHECK(rests.position().open_buys == Qty{});

    Unlinked whole;
    whole.broker().fill_at("101");
    whole.act(at(1), pair);
    CHECK(whole.asked() == Lines{"place 1 x10"});
    CHECK(whole.status(2) == "cancelled");
    CHECK(whole.position().net == qty("10"));

    Unlinked part;
    part.broker().answer = [](Time, const Effect& e, Reports& out) {
        ScriptedBroker::obeyed(e, out);
        if (const auto* place = std::get_if<PlaceOrder>(&e); place != nullptr && place->order == OrderId{1}) {
            out.push_back(filled(1, "4", "101", "t1"));
        }
    };
    part.act(at(1), pair);
    CHECK(part.asked() == Lines{"place 1 x10", "place 2 x6"});
}

TEST_CASE("a pair that its strategy changes goes on sharing what it changed to", "[kernel]") {
    Unlinked floor;
    floor.act(at(1), [](Context& c) {
        c.one_cancels_other(limit_order(Side::buy, "10", "90"), stop(Side::buy, "10", "110"));
    });
    floor.fill(at(2), 1, "2", "90");
    CHECK(floor.order(2).terms.quantity == qty("8"));
    floor.act(at(3), [](Context& c) { c.modify(OrderId{2}, qty("5"), {}, px("111")); });
    CHECK(floor.order(2).terms.quantity == qty("5"));
    floor.fill(at(4), 1, "1", "90");
    CHECK(floor.order(2).terms.quantity == qty("4"));
}

TEST_CASE("a reduce-only order is sent for no more than there is to reduce, and cut as that shrinks", "[kernel]") {
    OrderTerms exit = stop(Side::sell, "10", "90");
    exit.reduce_only = true;
    Unlinked flat;
    flat.place(at(1), exit);
    CHECK(flat.asked().empty());
    CHECK(flat.status(1) == "cancelled");  // cut to nothing, not refused
    CHECK(flat.count_of("order_refused") == 0);

    Unlinked floor;
    floor.place(at(1), market_order(Side::buy, "8"));
    floor.fill(at(2), 1, "8", "100");
    floor.place(at(3), exit);
    CHECK(floor.asked() == Lines{"place 1 x8", "place 2 x8"});
    exit.quantity = qty("3");
    floor.place(at(4), exit);
    CHECK(floor.asked().empty());  // the older one has it all
    CHECK(floor.status(3) == "cancelled");
    floor.place(at(5), market_order(Side::sell, "5"));
    floor.fill(at(6), 4, "5", "100");
    CHECK(floor.asked() == Lines{"place 4 x5", "modify 2 x3"});
    CHECK(floor.order(2).terms.reduce_only);
    floor.place(at(7), market_order(Side::sell, "3"));
    floor.fill(at(8), 5, "3", "100");
    CHECK(floor.asked() == Lines{"place 5 x3", "cancel 2"});
    CHECK(floor.position().open_sells == Qty{});
}

TEST_CASE("a pair of reduce-only orders is cut before it is sent", "[kernel]") {
    Unlinked floor;
    floor.place(at(1), market_order(Side::buy, "4"));
    floor.fill(at(2), 1, "4", "100");
    floor.asked();
    floor.act(at(3), [](Context& c) {
        OrderTerms one = stop(Side::sell, "10", "90");
        OrderTerms other = limit_order(Side::sell, "10", "120");
        one.reduce_only = other.reduce_only = true;
        c.one_cancels_other(one, other);
    });
    CHECK(floor.asked() == Lines{"place 2 x4", "place 3 x4"});
}

TEST_CASE("what another broker fills of the portfolio cuts reduce-only orders, too, and a venue's are its own affair",
          "[kernel]") {
    Floor floor(Setup()
                    .instrument("IBM")
                    .portfolio("main", "100000")
                    .broker("venue")
                    .broker("outside")
                    .strategy("one", {kIbm})
                    .strategy("two", {kIbm}, kMain, BrokerId{1}));
    floor.broker(0).obey();
    floor.broker(1).obey();
    floor.broker(1).links = false;
    floor.place(at(1), market_order(Side::buy, "10"));
    floor.tell(at(2), filled(1, "10", "100", "t1"));
    OrderTerms exit = stop(Side::sell, "10", "90");
    exit.reduce_only = true;
    floor.place(at(3), exit);     // at the venue
    floor.place(at(4), exit, 1);  // outside
    CHECK(floor.order(3).terms.quantity == qty("10"));
    floor.place(at(5), market_order(Side::sell, "4"));
    const std::size_t asked = floor.broker(0).effects.size();
    floor.tell(at(6), filled(4, "4", "100", "t4"));
    CHECK(floor.order(3).terms.quantity == qty("6"));
    CHECK(floor.broker(0).effects.size() == asked);
    CHECK(floor.order(2).terms.quantity == qty("10"));
}

TEST_CASE("a change that a broker does not carry out as asked ends an order that is too large", "[kernel]") {
    for (const bool refuses : {true, false}) {
        Unlinked floor;
        floor.bracket(at(1));
        floor.fill(at(2), 1, "10", "100");
        floor.broker().answer = [refuses](Time, const Effect& e, Reports& out) {
            if (const auto* change = std::get_if<ModifyOrder>(&e)) {
                out.push_back(refuses ? report(ReportKind::modify_rejected, change->order.value, "no")
                                      : modified(change->order.value, "9", "0", "90"));
                return;
            }
            ScriptedBroker::obeyed(e, out);
        };
        floor.asked();
        floor.fill(at(3), 3, "4", "120");
        CHECK(floor.asked() == Lines{"modify 2 x6", "cancel 2"});
        CHECK(floor.status(2) == "cancelled");
    }
}

TEST_CASE("links outlast a restart: what is held goes out, and shrinks, all the same", "[kernel]") {
    Unlinked floor;
    floor.bracket(at(1));
    floor.restart();
    floor.fill(at(2), 1, "4", "100");
    floor.restart();
    floor.fill(at(3), 1, "6", "100");
    floor.restart();
    floor.fill(at(4), 2, "3", "90");
    CHECK(floor.order(3).terms.quantity == qty("7"));
    floor.restart();
    floor.fill(at(5), 3, "7", "120");
    CHECK(floor.status(2) == "cancelled");
    CHECK(floor.position().net == Qty{});
}

TEST_CASE("an order that is still held can be changed and cancelled, and the broker hears of neither", "[kernel]") {
    Unlinked floor;
    floor.bracket(at(1));
    floor.asked();
    floor.act(at(2), [](Context& c) {
        c.modify(OrderId{2}, qty("10"), {}, px("95"));
        c.cancel(OrderId{3});
    });
    CHECK(floor.asked().empty());
    CHECK(floor.order(2).terms.stop_price == px("95"));
    CHECK(floor.status(2) == "intended");
    CHECK(floor.status(3) == "cancelled");
    floor.fill(at(3), 1, "10", "100");
    CHECK(floor.asked() == Lines{"place 2 x10"});
}

TEST_CASE("what a broker says of an order that it was never sent is not true of it, and a fill of it latches",
          "[kernel]") {
    Unlinked floor;
    floor.bracket(at(1));
    floor.said();
    for (const ReportKind kind : {ReportKind::accepted, ReportKind::rejected, ReportKind::triggered,
                                  ReportKind::expired, ReportKind::cancel_rejected, ReportKind::modify_rejected}) {
        floor.tell(at(2), report(kind, 2));
    }
    CHECK(floor.said_of("report_ignored").size() == 6);
    CHECK(floor.status(2) == "intended");
    CHECK_FALSE(floor.portfolio().killed());
    floor.fill(at(3), 2, "4", "90");
    CHECK(floor.position().net == Qty{});
    CHECK(floor.portfolio().killed_by == Rule::unmatched_fill);
    CHECK(floor.portfolio().open_orders == 0);
}

TEST_CASE("what the kernel forces does not use up the rate of orders", "[kernel]") {
    Unlinked floor(Setup::simple().limit(Rule::order_rate, "1"));
    floor.bracket(at(1));
    floor.fill(at(10), 1, "4", "100");
    floor.fill(at(10, 1), 1, "6", "100");  // two changes of exits
    REQUIRE(floor.count_of("modify_intended") == 2);
    CHECK(floor.place(at(10, 2), limit_order(Side::buy, "1", "50")) == OrderId{4});
    CHECK(floor.status(4) == "working");
}

TEST_CASE("a tag comes back with the fills of its order", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().fill_at("100");
    OrderTerms terms = market_order(Side::buy, "1");
    terms.tag = "breakout 2";
    std::string tag;
    floor.strategy().on_fill = [&](const OrderFilled& fill, Context&) { tag = fill.order_tag; };
    floor.place(at(1), terms);
    CHECK(tag == "breakout 2");
    terms.tag = std::string(limits::kMaxTagBytes + 1, 'x');
    floor.said();
    floor.place(at(2), terms);
    CHECK(floor.said_of("order_refused").at(0).find("rule=invalid_order limit=32 observed=33") != std::string::npos);
}

}  // namespace alpha::test
