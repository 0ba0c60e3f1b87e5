#include "kernel/risk.hpp"
#include "tests/kernel/support.hpp"

namespace alpha::test {

namespace {

OrderTerms stop(Side side, std::string_view quantity, std::string_view price, InstrumentId instrument = kIbm) {
    return {instrument, side, OrderType::stop, TimeInForce::gtc, qty(quantity), {}, px(price)};
}

/// 1,000 of cash and an account of `leverage`. IBM is bid 99 and asked 101, BAC 49 and 51: marks of 100 and 50.
struct Account : Floor {
    explicit Account(std::string_view leverage = "1", Setup setup = base())
        : Floor(leverage.empty() ? setup : setup.limit(Rule::buying_power, leverage)) {
        broker().obey();
        quote(at(0), "99", "101");
        quote(at(0), "49", "51", kBac);
    }
    static Setup base() {
        return Setup()
            .instrument("IBM")
            .instrument("BAC")
            .portfolio("main", "1000")
            .broker("desk")
            .strategy("one", {kIbm, kBac});
    }
    /// Holds `net` of the instrument, bought or sold at its mark.
    Account& holding(std::string_view net, InstrumentId instrument = kIbm) {
        const Qty held = qty(net);
        const Price mark = state().market(instrument).mark;
        const std::uint64_t id = state().next_order.value;
        const OrderTerms terms =
            limit_order(held.raw > 0 ? Side::buy : Side::sell, to_string(abs(held)), to_string(mark), instrument);
        act([&](Context& c) { c.place(terms); });
        REQUIRE(order(id).status == OrderStatus::working);
        tell(state().now, filled(id, to_string(abs(held)), to_string(mark), "h" + std::to_string(id)));
        return *this;
    }
    /// IBM is bid and asked at `price` from here on.
    void moves_to(std::string_view price) {
        bid_ = ask_ = price;
        quote(state().now, bid_, ask_);
    }
    /// At an unchanged market, so that the marks stay what they are.
    void act(std::function<void(Context&)> request) {
        strategy().once(std::move(request));
        quote(state().now, bid_, ask_);
    }
    /// What becomes of the order: "pass", or "limit observed".
    std::string place(const OrderTerms& terms) {
        return told([&](Context& c) { c.place(terms); });
    }
    std::string modify(std::uint64_t id, std::string_view quantity, std::string_view limit_price) {
        return told([&](Context& c) { c.modify(OrderId{id}, qty(quantity), px(limit_price), {}); });
    }
    std::string told(std::function<void(Context&)> request) {
        const std::size_t before = events().size();
        act(std::move(request));
        for (std::size_t i = before; i < events().size(); ++i) {
            if (const auto* refusal = std::get_if<OrderRefused>(&events()[i].event)) {
                return text(refusal->rule, refusal->limit, refusal->observed);
            }
            if (const auto* refusal = std::get_if<ChangeRefused>(&events()[i].event)) {
                return text(refusal->rule, refusal->limit, refusal->observed);
            }
        }
        return "pass";
    }
    std::string used() const { return to_string(funds_of(state(), RiskLimits(state().config), portfolio())->used); }
    std::string power() const { return to_string(funds_of(state(), RiskLimits(state().config), portfolio())->limit); }

private:
    std::string bid_ = "99";
    std::string ask_ = "101";
    static std::string text(Rule rule, Decimal limit, Decimal observed) {
        const std::string numbers = to_string(limit) + ' ' + to_string(observed);
        return rule == Rule::buying_power ? numbers : std::string(name_of(rule)) + ' ' + numbers;
    }
};

}  // namespace

TEST_CASE("what an order is taken to cost: its limit, its stop, or the touch, a sell at least the mark", "[kernel]") {
    // Each order alone, against 1,000.
    struct Row {
        const char* why;
        OrderTerms terms;
        const char* told;
    };
    const Row rows[] = {
        {"10 at 100", limit_order(Side::buy, "10", "100"), "pass"},
        {"10 at 100.01 is 1,000.1", limit_order(Side::buy, "10", "100.01"), "1000 1000.1"},
        {"11 at 90 is 990", limit_order(Side::buy, "11", "90"), "pass"},
        {"a buy at its limit though the mark is higher: 12 at 90 is 1,080", limit_order(Side::buy, "12", "90"),
         "1000 1080"},
        {"a market buy at the ask: 9 at 101 is 909", market_order(Side::buy, "9"), "pass"},
        {"10 at 101 is 1,010", market_order(Side::buy, "10"), "1000 1010"},
        {"a stop at its stop: 9 at 110 is 990", stop(Side::buy, "9", "110"), "pass"},
        {"10 at 110 is 1,100", stop(Side::buy, "10", "110"), "1000 1100"},
        {"a short at the mark, not at its lower limit: 10 at 100", limit_order(Side::sell, "10", "90"), "pass"},
        {"11 at 100 is 1,100", limit_order(Side::sell, "11", "90"), "1000 1100"},
        {"a short at its limit where that is higher: 9 at 112 is 1,008", limit_order(Side::sell, "9", "112"),
         "1000 1008"},
        {"a market short at the mark, above the bid: 10 at 100", market_order(Side::sell, "10"), "pass"},
        {"11 at 100", market_order(Side::sell, "11"), "1000 1100"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        CHECK(Account().place(row.terms) == row.told);
    }
}

TEST_CASE("a market order costs the touch worsened by what its broker adds", "[kernel]") {
    Account plain;
    plain.broker().slippage = px("10");
    CHECK(plain.place(market_order(Side::buy, "9")) == "pass");  // 9 at 111 is 999
    Account more;
    more.broker().slippage = px("10.12");
    CHECK(more.place(market_order(Side::buy, "9")) == "1000 1000.08");
    CHECK(more.place(limit_order(Side::buy, "10", "100")) == "pass");  // a limit is a limit
}

TEST_CASE("open orders count on their side, and the dearer side of an instrument is what counts", "[kernel]") {
    Account account;
    CHECK(account.place(limit_order(Side::buy, "4", "100")) == "pass");  // 400
    CHECK(account.place(limit_order(Side::buy, "6", "100")) == "pass");  // 1,000
    CHECK(account.place(limit_order(Side::buy, "1", "1")) == "1000 1001");
    CHECK(account.place(limit_order(Side::sell, "9", "110")) == "pass");  // 990 on the other side: only one can fill
    CHECK(account.place(limit_order(Side::sell, "1", "110")) == "1000 1100");
    CHECK(account.used() == "1000");
    // Another instrument is added: it can fill as well.
    CHECK(account.place(limit_order(Side::buy, "1", "40", kBac)) == "1000 1040");
    account.act([](Context& c) { c.cancel(OrderId{1}); });
    CHECK(account.used() == "990");  // the sells now
    CHECK(account.place(limit_order(Side::buy, "1", "10", kBac)) == "pass");
}

TEST_CASE("a position counts at its mark, with what its orders may add", "[kernel]") {
    Account account;
    account.holding("4");
    CHECK(account.used() == "400");
    CHECK(account.power() == "1000");
    CHECK(account.place(limit_order(Side::buy, "6", "100")) == "pass");
    CHECK(account.place(limit_order(Side::buy, "1", "0.01")) == "1000 1000.01");
    // The mark rises to 150: 4 are worth 600, with the orders at the 100 that they were judged at 1,200; equity is 1,200 too.
    account.moves_to("150");
    CHECK(account.used() == "1200");
    CHECK(account.power() == "1200");
    // It falls to 50: 200 and 600, against an equity of 800. Nothing is closed, and nothing may be added.
    account.moves_to("50");
    CHECK(account.used() == "800");
    CHECK(account.power() == "800");
}

TEST_CASE("what only takes off a position passes, whatever the account can pay", "[kernel]") {
    Account account("1");
    account.holding("9");
    account.moves_to("40");  // equity 1,000 - 9 x 60 = 460, exposure 360
    CHECK(account.place(limit_order(Side::buy, "2", "60")) == "460 480");
    CHECK(account.place(limit_order(Side::sell, "9", "200")) == "pass");
    // All is spoken for, so one more would open a short: 10 sells at 200 less the 9 held are 200, and the 9 held are 360.
    CHECK(account.place(limit_order(Side::sell, "1", "200")) == "pass");
    CHECK(account.place(limit_order(Side::sell, "2", "200")) == "460 600");  // 12 sells less 9 are 3 at 200
}

TEST_CASE("a flip needs what it opens, not what it closes", "[kernel]") {
    // Short 5 at 100, then the buys that close it and open a long: equity 1,000.
    Account account;
    account.holding("-5");
    CHECK(account.used() == "500");
    CHECK(account.place(limit_order(Side::buy, "5", "100")) == "pass");  // closes
    account.act([](Context& c) { c.cancel(OrderId{2}); });
    CHECK(account.place(limit_order(Side::buy, "15", "100")) == "pass");  // 10 open: 1,000
    account.act([](Context& c) { c.cancel(OrderId{3}); });
    CHECK(account.place(limit_order(Side::buy, "16", "100")) == "1000 1100");
    // Long 5, market sells valued at the mark of 100.
    Account other;
    other.holding("5");
    CHECK(other.place(market_order(Side::sell, "16")) == "1000 1100");
    CHECK(other.place(market_order(Side::sell, "15")) == "pass");
}

TEST_CASE("an order reduces up to the net less what other orders of its side would take off", "[kernel]") {
    Account account;
    account.holding("8");
    CHECK(account.place(limit_order(Side::buy, "2", "100")) == "pass");  // used: 1,000
    CHECK(account.place(limit_order(Side::sell, "5", "100")) == "pass");
    CHECK(account.place(limit_order(Side::sell, "3", "100")) == "pass");  // 8 in all
    // The ninth opens a short of 1 if all fill; with 9 of 9 at 100 that is 100, and the buys' side stays at 1,000.
    CHECK(account.place(limit_order(Side::sell, "1", "100")) == "pass");
    CHECK(account.place(limit_order(Side::sell, "10", "100")) == "1000 1100");  // 19 sells less 8 held are 11 at 100
}

TEST_CASE("of orders that close a position and open another, the dearest may be the ones that open", "[kernel]") {
    // Short 9 at 100, equity 1,000. Either of two buys of 9 closes it, and whichever fills last opens a long of 9.
    Account account;
    account.holding("-9");
    CHECK(account.place(limit_order(Side::buy, "9", "90")) == "pass");
    CHECK(account.place(stop(Side::buy, "9", "115")) == "1000 1035");
    CHECK(account.place(stop(Side::buy, "9", "111")) == "pass");  // 999
    CHECK(account.used() == "999");
    CHECK(account.modify(2, "10", "90") == "1000 1089");  // the cheap one's tenth unit: 9 at 111 and 1 at 90
    Account other_way;
    other_way.holding("-9");
    CHECK(other_way.place(stop(Side::buy, "9", "115")) == "pass");  // closes
    CHECK(other_way.place(limit_order(Side::buy, "9", "90")) == "1000 1035");
    CHECK(other_way.place(limit_order(Side::buy, "8", "90")) == "pass");  // 8 at 115: 920
    // A change is judged as the order that it becomes.
    Account longer;
    longer.holding("9");
    CHECK(longer.place(limit_order(Side::sell, "9", "101")) == "pass");
    CHECK(longer.place(limit_order(Side::sell, "9", "105")) == "pass");
    CHECK(longer.modify(3, "9", "115") == "1000 1035");
    CHECK(longer.modify(3, "9", "110") == "pass");
    CHECK(longer.modify(3, "10", "101") == "1000 1010");  // and no longer as the one that it was, 9 at 110
    // The larger leg of a pair counts once.
    Account paired;
    paired.holding("-9");
    CHECK(paired.told([](Context& c) {
        c.one_cancels_other(limit_order(Side::buy, "9", "90"), limit_order(Side::buy, "9", "95"));
    }) == "pass");
    CHECK(paired.used() == "900");
    CHECK(paired.place(limit_order(Side::buy, "2", "92")) == "pass");
}

TEST_CASE("exits reserve nothing and free nothing until they fill", "[kernel]") {
    Account account;
    CHECK(account.told([](Context& c) { c.bracket(limit_order(Side::buy, "10", "100"), px("90"), px("120")); }) ==
          "pass");
    CHECK(account.used() == "1000");
    CHECK(account.place(limit_order(Side::buy, "1", "1")) == "1000 1001");
    account.tell(account.state().now, filled(1, "10", "100", "t1"));
    CHECK(account.used() == "1000");  // the stop is no sale yet
    CHECK(account.place(limit_order(Side::buy, "1", "1")) == "1000 1001");
    CHECK(account.place(limit_order(Side::sell, "10", "120")) == "pass");  // closes, as no plain order does so far
    account.tell(account.state().now, filled(3, "10", "120", "t2"));
    CHECK(account.power() == "1200");
}

TEST_CASE("reduce-only orders pass, and reserve nothing", "[kernel]") {
    Account account;
    OrderTerms exit = limit_order(Side::sell, "100", "100");
    exit.reduce_only = true;
    CHECK(account.place(exit) == "pass");
    CHECK(account.used() == "0");
    CHECK(account.position().open_sells == Qty{});
}

TEST_CASE("a change is judged by what it adds, and what it frees is free once it is done", "[kernel]") {
    Account account;
    CHECK(account.place(limit_order(Side::buy, "5", "100")) == "pass");
    CHECK(account.modify(1, "10", "100") == "pass");
    CHECK(account.modify(1, "10", "100.01") == "1000 1000.1");
    CHECK(account.modify(1, "11", "100") == "1000 1100");
    CHECK(account.modify(1, "20", "50") == "pass");
    CHECK(account.used() == "1000");
    CHECK(account.modify(1, "10", "50") == "pass");
    CHECK(account.used() == "500");
    CHECK(account.place(limit_order(Side::buy, "5", "100")) == "pass");
    // While the answer is on its way both could be true: the dearer counts.
    account.broker().answer = nullptr;
    CHECK(account.modify(1, "5", "40") == "pass");
    CHECK(account.used() == "1000");
    account.tell(account.state().now, report(ReportKind::modify_rejected, 1, "no"));
    CHECK(account.used() == "1000");
    CHECK(account.modify(1, "5", "40") == "pass");
    account.tell(account.state().now, modified(1, "5", "40"));
    CHECK(account.used() == "700");
}

TEST_CASE("a change that makes an order smaller or cheaper passes where the account is over its power", "[kernel]") {
    Account account;
    CHECK(account.holding("5").place(limit_order(Side::buy, "5", "100")) == "pass");
    account.moves_to("10");  // equity 550; 50 held and 500 ordered
    account.moves_to("5");   // equity 525; 25 and 500
    CHECK(account.used() == "525");
    CHECK(account.power() == "525");
    // One of the orders fills dearly. 6 held at 2 and 4 ordered at 100 are 412; so is the equity: 1,000 - 600 + 12.
    account.tell(account.state().now, filled(2, "1", "100", "t2"));
    account.moves_to("2");
    CHECK(account.used() == "412");
    CHECK(account.power() == "412");
    CHECK(account.modify(2, "6", "100") == "412 512");
    CHECK(account.modify(2, "5", "99") == "pass");
    CHECK(account.modify(2, "4", "99") == "pass");
}

TEST_CASE("charges to come are counted: per order, and a part of what the orders are worth", "[kernel]") {
    // 1 an order and a tenth of a per cent: 9 at 100 cost 900, and 1 + 0.9 of charges.
    Account account("1", Account::base().charges("1", "0.001"));
    CHECK(account.place(limit_order(Side::buy, "9", "100")) == "pass");
    CHECK(account.used() == "901.9");
    // 0.96 at 100: 996 in all, 2 for two orders, 0.996 of them: 998.996.
    CHECK(account.place(limit_order(Side::buy, "1", "96")) == "pass");
    CHECK(account.used() == "998.996");
    CHECK(account.place(limit_order(Side::buy, "1", "0.01")) == "1000 1000.00601");
    // What has been paid is gone from the equity, and no more to come.
    account.tell(account.state().now, filled(1, "9", "100", "t1"));
    CHECK(account.power() == "998.1");
    CHECK(account.used() == "997.096");  // 900 held, 96 ordered, 1 + 0.096
}

TEST_CASE("leverage multiplies the equity, in parts as well, none asks for nothing", "[kernel]") {
    CHECK(Account("2").place(limit_order(Side::buy, "20", "100")) == "pass");
    CHECK(Account("2").place(limit_order(Side::buy, "20", "100.01")) == "2000 2000.2");
    CHECK(Account("2.5").place(limit_order(Side::buy, "25", "100")) == "pass");
    CHECK(Account("0.5").place(limit_order(Side::buy, "6", "100")) == "500 600");
    CHECK(Account("").place(limit_order(Side::buy, "10000", "100")) == "pass");
    // A loss counts as often: 20 held at 100, the price falls by a tenth, equity 800 carries 1,600, of which 1,800 is held.
    Account account("2");
    account.holding("20");
    account.moves_to("90");
    CHECK(account.power() == "1600");
    CHECK(account.used() == "1800");
}

TEST_CASE("an account without equity can pay for nothing", "[kernel]") {
    Account account("2");
    account.holding("20");
    account.moves_to("49");
    CHECK(account.power() == "-40");
    const RiskLimits limits(account.state().config);
    const RiskQuestion question{account.state(), limits, StrategyId{0}, limit_order(Side::buy, "1", "1"), px("1")};
    CHECK(judge(Rule::buying_power, question).limit == money("-40"));
    const RiskQuestion closes{account.state(), limits, StrategyId{0}, market_order(Side::sell, "20"), px("49")};
    CHECK_FALSE(judge(Rule::buying_power, closes).refused());
}

TEST_CASE("the largest book there can be does not overflow what buying power computes", "[kernel]") {
    Setup setup = Setup::without_strategy().strategy("one", {kIbm, kBac}).charges("1000000", "0.99999999");
    Floor floor(setup.limit(Rule::buying_power, "1000000"));
    floor.broker().obey();
    floor.quote(at(1), "10000000000", "10000000000");
    floor.act(at(2), [](Context& c) {
        c.place(limit_order(Side::buy, "10000000000", "10000000000"));
        c.place(limit_order(Side::sell, "10000000000", "10000000000"));
        c.place(limit_order(Side::buy, "10000000000", "10000000000", kBac));
    });
    CHECK(floor.count_of("order_refused") == 3);
    // A broker that fills what nobody asked for leads there all the same.
    floor.place(at(3), limit_order(Side::buy, "1", "1"));
    floor.tell(at(4), filled(4, "10000000000", "10000000000", "t1"));
    floor.tell(at(5), filled(4, "9999999999", "10000000000", "t2"));
    floor.quote(at(6), "10000000000", "10000000000");
    const RiskLimits limits(floor.state().config);
    const RiskQuestion question{floor.state(), limits, StrategyId{0},
                                limit_order(Side::buy, "10000000000", "10000000000"), limits::kMaxPrice};
    CHECK(judge(Rule::buying_power, question).refused());
}

}  // namespace alpha::test
