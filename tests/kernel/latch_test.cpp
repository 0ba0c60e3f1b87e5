#include "tests/kernel/support.hpp"

namespace alpha::test {

namespace {

OrderTerms stop(Side side, std::string_view quantity, std::string_view price) {
    return {kIbm, side, OrderType::stop, TimeInForce::gtc, qty(quantity), {}, px(price)};
}

/// Long 10 IBM bought at 100, with a venue that does as it is told; orders begin at 2.
struct Long : Floor {
    explicit Long(const Setup& setup = Setup::simple().limit(Rule::daily_loss, "100")) : Floor(setup) {
        broker().fill_at("100");
        place(at(1), market_order(Side::buy, "10"));
        broker().obey();
        said();
        heard();
    }
    /// A loss past the limit.
    void lose() { quote(at(100), "80", "80"); }
    std::string is(std::uint64_t id) const {
        const Order& found = order(id);
        return std::string(name_of(found.status)) + (found.terms.reduce_only ? " reduce-only" : "") + " x" +
               to_string(found.terms.quantity);
    }
};

}  // namespace

TEST_CASE("a loss limit leaves the exits, the oldest first up to what is held, and cancels all that may open",
          "[kernel]") {
    Long floor;
    floor.place(at(2), limit_order(Side::buy, "5", "70"));    // 2: opens
    floor.place(at(3), stop(Side::sell, "6", "60"));          // 3: an exit
    floor.place(at(4), limit_order(Side::sell, "6", "120"));  // 4: 4 of it are one, too
    floor.place(at(5), limit_order(Side::sell, "6", "130"));  // 5: nothing is left for it
    floor.said();
    floor.lose();
    CHECK(floor.portfolio().latch == LatchScope::entries);
    CHECK(floor.is(2) == "cancelled x5");
    CHECK(floor.is(3) == "working reduce-only x6");
    CHECK(floor.is(4) == "working reduce-only x4");
    CHECK(floor.is(5) == "cancelled x6");
    CHECK(floor.position().open_buys == Qty{});
    CHECK(floor.position().open_sells == Qty{});  // what only reduces reserves nothing
    const Lines lines = floor.said();
    CHECK(lines.at(1).find("kill_switch_latched portfolio=main rule=daily_loss limit=100 observed=200 scope=entries") !=
          std::string::npos);
    CHECK(lines.at(2).find("cancel_intended order=2 rule=daily_loss") != std::string::npos);
    CHECK(lines.at(3).find("modify_intended order=3 quantity=6 stop_price=60 reduce_only=true rule=daily_loss") !=
          std::string::npos);
    CHECK(lines.at(4).find("modify_intended order=4 quantity=4 limit_price=120 reduce_only=true rule=daily_loss") !=
          std::string::npos);
}

TEST_CASE("what has filled in part keeps what it has, and orders of a short are buys", "[kernel]") {
    Floor floor(Setup::simple().limit(Rule::daily_loss, "100"));
    floor.broker().fill_at("100");
    floor.place(at(1), market_order(Side::sell, "10"));
    floor.broker().obey();
    floor.place(at(2), limit_order(Side::buy, "12", "90"));
    floor.tell(at(3), filled(2, "3", "90", "t2"));
    floor.place(at(4), limit_order(Side::sell, "1", "130"));
    floor.quote(at(5), "130", "130");
    CHECK(floor.position().net == qty("-7"));
    CHECK(floor.order(2).terms.quantity == qty("10"));  // 3 have filled, 7 are still to be bought back
    CHECK(floor.order(2).terms.reduce_only);
    CHECK(floor.order(3).status == OrderStatus::cancelled);
}

TEST_CASE("legs of a pair share what they may reduce, and both live on", "[kernel]") {
    for (const bool links : {true, false}) {
        Long floor;
        floor.broker().links = links;
        floor.act(at(2), [](Context& c) {
            c.one_cancels_other(stop(Side::sell, "10", "60"), limit_order(Side::sell, "10", "120"));
        });
        floor.place(at(3), limit_order(Side::sell, "1", "125"));
        floor.lose();
        CHECK(floor.is(2) == "working reduce-only x10");
        CHECK(floor.is(3) == "working reduce-only x10");
        CHECK(floor.is(4) == "cancelled x1");
        CHECK(floor.position().open_sells == Qty{});
        floor.act(at(101), [](Context& c) {
            c.cancel(OrderId{2});
            c.cancel(OrderId{3});
        });
        CHECK(floor.portfolio().open_orders == 0);
    }
}

TEST_CASE("a bracket whose entry has not filled is cancelled, and takes nothing from the exits of what is held",
          "[kernel]") {
    for (const bool links : {true, false}) {
        Floor floor(Setup::simple().limit(Rule::daily_loss, "100"));
        floor.broker().links = links;
        floor.broker().obey();
        // 1, 2 and 3 are older than the stop of what is held, but sleep.
        floor.act(at(1), [](Context& c) { c.bracket(limit_order(Side::buy, "10", "50"), px("40"), px("60")); });
        floor.place(at(2), market_order(Side::buy, "10"));
        floor.tell(at(3), filled(4, "10", "100", "t4"));
        floor.place(at(4), stop(Side::sell, "10", "70"));
        floor.quote(at(5), "80", "80");
        CHECK(floor.order(1).status == OrderStatus::cancelled);
        CHECK(floor.order(5).status == OrderStatus::working);
        CHECK(floor.order(5).terms.quantity == qty("10"));
        CHECK(floor.order(5).terms.reduce_only);
        if (!links) {  // a venue ends them itself
            CHECK(floor.order(2).status == OrderStatus::cancelled);
            CHECK(floor.order(3).status == OrderStatus::cancelled);
        }
    }
}

TEST_CASE("while entries are shut, what reduces passes and what might open does not", "[kernel]") {
    Long floor;
    floor.lose();
    floor.broker().answer = nullptr;
    const auto told = [&](const OrderTerms& terms) {
        floor.heard();
        floor.place(at(200), terms);
        for (const std::string& line : floor.heard()) {
            if (line.find("refused") != std::string::npos) {
                return line.substr(line.find("by ") + 3);
            }
        }
        return std::string("pass");
    };
    CHECK(told(limit_order(Side::buy, "1", "50")) == "kill_switch");
    CHECK(told(market_order(Side::sell, "10.00000001")) == "kill_switch");
    CHECK(told(limit_order(Side::sell, "6", "120")) == "pass");
    CHECK(floor.order(4).terms.reduce_only);  // its strategy's plain order has become just that
    OrderTerms exit = limit_order(Side::sell, "100", "120");
    exit.reduce_only = true;
    CHECK(told(exit) == "pass");
    // Other rules hold for exits all the same.
    exit.limit_price = px("120.001");
    CHECK(told(exit) == "tick_size");
    CHECK(floor.count_of("order_refused") == 3);
}

TEST_CASE("a plain order that closes has become reduce-only, so it can close no more than there is", "[kernel]") {
    Long floor;
    floor.lose();
    floor.act(at(200), [](Context& c) { c.place(market_order(Side::sell, "10")); });
    const auto* sent = std::get_if<PlaceOrder>(&floor.broker().effects.back());
    REQUIRE(sent != nullptr);
    CHECK(sent->terms.reduce_only);
    CHECK(floor.position().open_sells == Qty{});
}

TEST_CASE("while entries are shut, a pair that closes passes as one, and one that might open does not", "[kernel]") {
    for (const bool links : {true, false}) {
        Long floor;
        floor.broker().links = links;
        floor.lose();
        floor.act(at(200), [](Context& c) {
            c.one_cancels_other(stop(Side::sell, "10", "60"), limit_order(Side::sell, "10", "120"));
        });
        CHECK(floor.is(2) == "working reduce-only x10");
        CHECK(floor.order(3).terms.reduce_only);
        CHECK(floor.count_of("order_refused") == 0);
        floor.act(at(201), [](Context& c) {
            c.one_cancels_other(stop(Side::sell, "11", "60"), limit_order(Side::sell, "10", "120"));
        });
        CHECK(floor.count_of("order_refused") == 2);
        floor.act(at(202), [](Context& c) {
            c.one_cancels_other(stop(Side::sell, "10", "60"), limit_order(Side::buy, "1", "50"));
        });
        CHECK(floor.count_of("order_refused") == 4);
        floor.act(at(203), [](Context& c) { c.bracket(limit_order(Side::sell, "10", "70"), px("90"), px("50")); });
        CHECK(floor.count_of("order_refused") == 7);
    }
}

TEST_CASE("a change of an exit passes while entries are shut, within what reduces", "[kernel]") {
    Long floor;
    floor.place(at(2), stop(Side::sell, "10", "60"));
    floor.lose();
    floor.heard();
    floor.act(at(200), [](Context& c) { c.modify(OrderId{2}, qty("10"), {}, px("75")); });
    CHECK(floor.order(2).terms.stop_price == px("75"));
    CHECK(floor.order(2).terms.reduce_only);
    floor.kill(at(201));
    CHECK(floor.order(2).status == OrderStatus::cancelled);
}

TEST_CASE("a release lets entries pass again, what has become reduce-only stays that", "[kernel]") {
    Long floor(Setup::simple());
    floor.place(at(2), stop(Side::sell, "10", "60"));
    floor.kill(at(3), kMain, LatchScope::entries);
    floor.release(at(4));
    CHECK(floor.is(2) == "working reduce-only x10");
    floor.place(at(5), limit_order(Side::buy, "1", "50"));
    CHECK(floor.order(3).status == OrderStatus::working);
}

TEST_CASE("a person's kill of entries leaves exits, all cancels those as well, a lesser one changes nothing",
          "[kernel]") {
    Long floor(Setup::simple());
    floor.place(at(2), stop(Side::sell, "10", "60"));
    floor.place(at(3), limit_order(Side::buy, "1", "50"));
    floor.said();
    floor.kill(at(4), kMain, LatchScope::entries);
    CHECK(floor.is(2) == "working reduce-only x10");
    CHECK(floor.is(3) == "cancelled x1");
    CHECK(floor.said_of("kill_switch_latched") ==
          Lines{"kill_switch_latched portfolio=main rule=operator_kill limit=0 observed=0 scope=entries"});
    floor.kill(at(5), kMain, LatchScope::entries);
    CHECK(floor.said().empty());
    floor.kill(at(6), kMain, LatchScope::all);
    CHECK(floor.is(2) == "cancelled reduce-only x10");
    floor.said();
    floor.kill(at(7), kMain, LatchScope::entries);
    floor.kill(at(8), kMain, LatchScope::all);
    CHECK(floor.said().empty());
    CHECK(floor.portfolio().latch == LatchScope::all);
}

TEST_CASE("a person's latch outlasts the day, a loss limit's does not, and the person's takes over from it",
          "[kernel]") {
    const auto next_day = [](Floor& floor) { floor.quote(at(kDaySeconds + 1), "80", "80"); };
    Long entries(Setup::simple());
    entries.kill(at(3), kMain, LatchScope::entries);
    next_day(entries);
    CHECK(entries.portfolio().latch == LatchScope::entries);

    Long limit;
    limit.lose();
    next_day(limit);
    CHECK(limit.portfolio().latch == LatchScope::none);

    Long both;
    both.lose();
    both.said();
    both.kill(at(101), kMain, LatchScope::entries);
    CHECK(both.said_of("kill_switch_latched").size() == 1);
    CHECK(both.portfolio().killed_by == Rule::operator_kill);
    both.kill(at(102), kMain, LatchScope::entries);
    CHECK(both.said().empty());
    next_day(both);
    CHECK(both.portfolio().latch == LatchScope::entries);

    Long all;
    all.lose();
    all.kill(at(101));
    next_day(all);
    CHECK(all.portfolio().latch == LatchScope::all);
}

TEST_CASE("the day that ends a loss limit's latch is the account's: any instrument that enters it will do",
          "[kernel]") {
    Long floor;
    floor.lose();
    floor.said();
    floor.quote(at(kDaySeconds + 1), "5", "5", kBac);
    CHECK(floor.said_of("kill_switch_released").size() == 1);
    CHECK(floor.portfolio().day_start_equity == money("99800"));
    floor.quote(at(kDaySeconds + 2), "80", "80");
    CHECK(floor.count_of("kill_switch_released") == 1);
    CHECK_FALSE(floor.portfolio().killed());
}

// ---- flattening ---------------------------------------------------------------------------------

TEST_CASE("a flattening kill cancels all, closes every position by orders of the operator, then latches all",
          "[kernel]") {
    Long floor(Setup::simple());
    floor.broker().fill_at("50");
    floor.strategy().once([](Context& c) { c.place(market_order(Side::sell, "4", kBac)); });
    floor.quote(at(2), "50", "50", kBac);
    floor.broker().obey();
    floor.place(at(3), limit_order(Side::sell, "3", "120"));
    floor.place(at(4), limit_order(Side::buy, "3", "50"));
    floor.said();
    floor.heard();
    floor.kill(at(5), kMain, LatchScope::flatten);
    CHECK(floor.portfolio().latch == LatchScope::flatten);
    CHECK(floor.order(3).status == OrderStatus::cancelled);
    CHECK(floor.order(4).status == OrderStatus::cancelled);
    CHECK(floor.said_of("order_intended") ==
          Lines{"order_intended order=5 strategy=operator portfolio=main broker=desk instrument=IBM side=sell "
                "order_type=market tif=gtc quantity=10 reduce_only=true cause=18 root=18",
                "order_intended order=6 strategy=operator portfolio=main broker=desk instrument=BAC side=buy "
                "order_type=market tif=gtc quantity=4 reduce_only=true cause=18 root=18"});
    CHECK(floor.heard() == Lines{"order 3 cancelled", "order 4 cancelled"});  // nobody hears of the operator's orders
    // Strategies get nothing through meanwhile, not even what reduces.
    floor.place(at(6), limit_order(Side::sell, "1", "120"));
    CHECK(floor.heard() == Lines{"quote", "order 7 refused by kill_switch"});
    floor.tell(at(7), filled(5, "10", "99", "f1"));
    CHECK(floor.portfolio().latch == LatchScope::flatten);  // BAC is still to be bought back
    floor.said();
    floor.restart();
    floor.tell(at(8), filled(6, "4", "51", "f2"));
    CHECK(floor.said_of("kill_switch_latched") ==
          Lines{"kill_switch_latched portfolio=main rule=operator_kill limit=0 observed=0 scope=all cause=30 root=18"});
    CHECK(floor.portfolio().latch == LatchScope::all);
    CHECK(floor.position().net == Qty{});
    CHECK(floor.position(kBac).net == Qty{});
    CHECK(floor.portfolio().open_orders == 0);
}

TEST_CASE("a flattening of nothing latches all at once, and one of what all has latched closes it", "[kernel]") {
    Floor flat(Setup::simple());
    flat.quote(at(1), "99", "101");
    flat.kill(at(2), kMain, LatchScope::flatten);
    CHECK(flat.portfolio().latch == LatchScope::all);
    CHECK(flat.count_of("kill_switch_latched") == 2);

    Long held(Setup::simple());
    held.kill(at(2));
    held.broker().fill_at("100");
    held.kill(at(3), kMain, LatchScope::flatten);
    CHECK(held.position().net == Qty{});
    CHECK(held.portfolio().latch == LatchScope::all);

    // A closing order that ends without a fill ends the flattening, too: what is left is there to be seen.
    Long rejected(Setup::simple());
    rejected.broker().answer = [](Time, const Effect& e, Reports& out) {
        out.push_back(report(ReportKind::rejected, std::get<PlaceOrder>(e).order.value, "closed"));
    };
    rejected.kill(at(2), kMain, LatchScope::flatten);
    CHECK(rejected.position().net == qty("10"));
    CHECK(rejected.portfolio().latch == LatchScope::all);
}

TEST_CASE("a kill of all ends a flattening with its orders, a release ends it without", "[kernel]") {
    Long killed(Setup::simple());
    killed.kill(at(2), kMain, LatchScope::flatten);
    killed.kill(at(3), kMain, LatchScope::flatten);  // under way already
    CHECK(killed.count_of("order_intended") == 2);
    killed.kill(at(4), kMain, LatchScope::all);
    CHECK(killed.order(2).status == OrderStatus::cancelled);
    CHECK(killed.portfolio().latch == LatchScope::all);

    Long released(Setup::simple());
    released.kill(at(2), kMain, LatchScope::flatten);
    released.release(at(3));
    released.tell(at(4), filled(2, "10", "99", "f1"));
    CHECK_FALSE(released.portfolio().killed());
    CHECK(released.position().net == Qty{});
}

TEST_CASE("a position larger than an order can be is closed as far as an order goes", "[kernel]") {
    Long floor(Setup::simple());
    floor.place(at(2), limit_order(Side::buy, "1", "90"));
    floor.tell(at(3), filled(2, "10000000000", "90", "t2"));
    floor.tell(at(4), filled(2, "5000000000", "90", "t3"));
    floor.kill(at(5), kMain, LatchScope::flatten);
    CHECK(floor.order(3).terms.quantity == limits::kMaxQty);
}

// ---- halts --------------------------------------------------------------------------------------

TEST_CASE("a halted strategy that is let go on gets callbacks and places orders again", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.act(at(1), [](Context& c) { c.set_timer(TimerId{1}, at(60)); });
    floor.halt(at(2), 0, "too slow");
    floor.heard();
    floor.said();
    floor.quote(at(3), "99", "101");
    CHECK(floor.heard().empty());
    floor.resume(at(4), 0);
    CHECK(floor.said().back() == "7 2024-01-01T00:00:04Z strategy_resumed strategy=one");
    floor.resume(at(5), 0);
    CHECK(floor.said().empty());  // it is not halted
    floor.restart();
    floor.place(at(6), limit_order(Side::buy, "1", "90"));
    CHECK(floor.heard() == Lines{"quote", "order 1 working"});
    floor.quote(at(120), "99", "101");
    CHECK(floor.heard() == Lines{"timer 1", "quote"});  // which was due at 60, and stood
}

}  // namespace alpha::test
