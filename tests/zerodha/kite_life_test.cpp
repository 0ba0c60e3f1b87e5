/// The life of each kind of order at the simulated Kite, and how it trades.

#include "tests/zerodha/kite.hpp"

#include <algorithm>

using namespace alpha;
using namespace alpha::kite;

TEST_CASE("a limit order does not pass through Kite's states in their order", "[kite]") {
    World w;
    const std::string id = w.open(limit(Side::buy, 10, rupees(990), "T1"));
    CHECK(w.statuses(id) == Texts{"PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "OPEN"});
    const std::vector<OrderRow> states = w.history(id);
    CHECK(states[0].instrument_token == 1);
    CHECK(states[1].instrument_token == 408'065);
    CHECK_FALSE(states[2].exchange_order_id);
    CHECK(states[3].exchange_order_id);
    CHECK(states[3].exchange_timestamp == ist(10, 0));
    CHECK(states[3].pending_quantity == 10);
    CHECK(states[3].tag == "T1");
    CHECK(states[3].tags == Texts{"T1"});
    CHECK(id.size() == 19);
    CHECK(id.starts_with("261127"));
    w.quote("INFY", rupees(985), 100, rupees(989), 100, rupees(989));
    CHECK(w.row(id).status == "COMPLETE");
    CHECK(w.row(id).filled_quantity == 10);
    CHECK(w.row(id).average_price == rupees(990));  // it rested: its own limit
    CHECK(w.row(id).pending_quantity == 0);
}

TEST_CASE("an order that crosses the quote does not trade at the quote", "[kite]") {
    World w;
    const std::string bought = w.open(limit(Side::buy, 10, rupees(1'005)));
    CHECK(w.row(bought).average_price == rupees(1'000));
    const std::string sold = w.open(intraday(limit(Side::sell, 10, rupees(990))));
    CHECK(w.row(sold).average_price == rupees(999));
    REQUIRE(w.trades().size() == 2);
    CHECK(w.trades()[0].trade_id != w.trades()[1].trade_id);
    CHECK(w.trades()[0].order_id == bought);
    CHECK(w.trades()[0].average_price == rupees(1'000));
    CHECK(w.trades()[0].exchange_order_id == w.row(bought).exchange_order_id);
}

TEST_CASE("a quote's units are traded more than once", "[kite]") {
    World w;
    const std::string first = w.open(limit(Side::buy, 70, rupees(1'000)));
    const std::string second = w.open(limit(Side::buy, 70, rupees(1'000)));
    CHECK(w.row(first).status == "COMPLETE");
    CHECK(w.row(second).status == "OPEN");
    CHECK(w.row(second).filled_quantity == 30);
    CHECK(w.row(second).pending_quantity == 40);
    w.settle();
    CHECK(w.row(second).filled_quantity == 30);
    w.quote("INFY", rupees(999), 100, rupees(1'000), 25, rupees(1'000));
    CHECK(w.row(second).filled_quantity == 55);
    w.quote("INFY", rupees(999), 100, rupees(1'000), 100, rupees(1'000));
    CHECK(w.row(second).status == "COMPLETE");
    CHECK(w.trades().size() == 4);
}

TEST_CASE("what the quote was never away from trades at its limit", "[kite]") {
    World w;
    const std::string id = w.open(limit(Side::buy, 200, rupees(1'010)));
    w.quote("INFY", rupees(999), 100, rupees(1'000), 50, rupees(1'000));
    CHECK(w.row(id).average_price == rupees(1'000));
    w.quote("INFY", rupees(999), 100, rupees(1'020), 50, rupees(1'020));
    w.quote("INFY", rupees(999), 100, rupees(1'000), 50, rupees(1'000));
    CHECK(w.trades().back().average_price == rupees(1'010));
}

TEST_CASE("what trades in part is not in whole lots", "[kite]") {
    World w;
    PlaceOrder order = limit(Side::buy, 195, rupees(1'000));
    order.exchange = "NFO";
    order.tradingsymbol = "NIFTY26DECFUT";
    order.product = Product::nrml;
    w.quote("NIFTY26DECFUT", rupees(999), 0, rupees(1'000), 150, rupees(1'000));
    const std::string id = w.open(order);
    CHECK(w.row(id).filled_quantity == 130);
}

TEST_CASE("a protected market order does not come back as a limit that nobody sent", "[kite]") {
    World w;
    const auto [side, protection, price, tag] = GENERATE(table<Side, std::int32_t, Price, const char*>({
        {Side::buy, 200, rupees(1'020), "mktp:2.00"},
        {Side::buy, 3, paise(100'030), "mktp:0.03"},
        {Side::sell, 3, paise(99'970), "mktp:0.03"},
        {Side::buy, kAutoProtection, rupees(1'050), "mktp:5.00"},
        {Side::buy, 10'000, rupees(1'100), "mktp:100.00"},  // the circuit
        {Side::sell, 10'000, rupees(900), "mktp:100.00"},
    }));
    w.quote("INFY", rupees(1'000), 5, rupees(1'000), 5, rupees(1'000));
    PlaceOrder order = intraday(market(side, 10, protection));
    order.tag = "MINE";
    const std::string id = w.id_of(order);
    CHECK(w.row(id).order_type == OrderType::market);
    w.settle();
    CHECK(w.row(id).order_type == OrderType::limit);
    CHECK(w.row(id).price == price);
    CHECK(w.row(id).market_protection == 0);
    CHECK(w.row(id).tag == "MINE");
    CHECK(w.row(id).tags == Texts{"MINE", "mktp", tag});
    CHECK(w.row(id).filled_quantity == 5);
    CHECK(w.row(id).status == "OPEN");  // it rests, as any limit
}

TEST_CASE("the price of protection is not rounded towards the market", "[kite]") {
    World w;
    w.quote("INFY", paise(99'985), 5, paise(100'015), 5, paise(100'015));
    CHECK(w.row(w.open(intraday(market(Side::buy, 1, 1)))).price == paise(100'025));   // 1000.250015
    CHECK(w.row(w.open(intraday(market(Side::sell, 1, 1)))).price == paise(100'005));  // 1000.049985
}

TEST_CASE("an IOC order leaves something behind", "[kite]") {
    World w;
    PlaceOrder order = limit(Side::buy, 150, rupees(1'000));
    order.validity = Validity::ioc;
    const std::string id = w.open(order);
    CHECK(w.row(id).status == "CANCELLED");
    CHECK(w.row(id).filled_quantity == 100);
    CHECK(w.row(id).cancelled_quantity == 50);
    CHECK(w.row(id).pending_quantity == 50);  // as Kite's rows say
    order.price = rupees(990);
    const std::string none = w.open(order);
    CHECK(w.row(none).status == "CANCELLED");
    CHECK(w.row(none).filled_quantity == 0);
}

TEST_CASE("a stop trades before its trigger, or not after it", "[kite]") {
    World w;
    const std::string id = w.open(stop(Side::sell, 10, rupees(995), rupees(990)));
    CHECK(w.statuses(id).back() == "TRIGGER PENDING");
    w.quote("INFY", paise(99'500), 100, rupees(996), 100, paise(99'505));
    CHECK(w.row(id).status == "TRIGGER PENDING");
    w.quote("INFY", rupees(989), 100, rupees(996), 100, rupees(995));
    CHECK(w.row(id).status == "OPEN");  // triggered, and its limit is not met
    CHECK(w.row(id).order_type == OrderType::sl);
    w.quote("INFY", rupees(990), 100, rupees(1'000), 100, rupees(1'000));
    CHECK(w.row(id).status == "COMPLETE");
    CHECK(w.row(id).average_price == rupees(990));

    const std::string buy = w.open(stop(Side::buy, 10, rupees(1'001), rupees(1'002)));
    CHECK(w.row(buy).status == "TRIGGER PENDING");
    w.quote("INFY", rupees(999), 100, rupees(1'001), 100, rupees(1'001));
    CHECK(w.row(buy).status == "COMPLETE");
    CHECK(w.row(buy).average_price == rupees(1'001));
}

TEST_CASE("SL-M is not made an SL by its protection", "[kite]") {
    World w;
    PlaceOrder order = stop(Side::sell, 10, rupees(990), {});
    order.order_type = OrderType::sl_m;
    order.market_protection = 100;
    const std::string id = w.open(order);
    CHECK(w.row(id).order_type == OrderType::sl);
    CHECK(w.row(id).price == paise(98'010));
    w.quote("INFY", rupees(985), 100, rupees(990), 100, rupees(990));
    CHECK(w.row(id).average_price == rupees(985));
}

TEST_CASE("a modify does not pass through its states, or its terms are seen before", "[kite]") {
    World w;
    const std::string id = w.open(limit(Side::buy, 10, rupees(990)));
    REQUIRE(w.modify({id, 20, paise(99'010)}).is_success());
    w.settle();
    CHECK(w.statuses(id) == Texts{"PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "OPEN",
                                  "MODIFY VALIDATION PENDING", "MODIFY PENDING", "MODIFIED", "OPEN"});
    const std::vector<OrderRow> states = w.history(id);
    CHECK(states[6].price == rupees(990));
    CHECK(states[7].price == paise(99'010));
    CHECK(states[7].quantity == 20);
    CHECK_FALSE(states[7].modified);
    REQUIRE(w.modify({id, std::nullopt, rupees(1'000)}).is_success());
    w.settle();
    CHECK(w.row(id).status == "COMPLETE");
    CHECK(w.row(id).average_price == rupees(1'000));
}

TEST_CASE("a modify takes effect though its quantity has traded", "[kite]") {
    World w;
    const std::string id = w.open(limit(Side::buy, 150, rupees(1'000)));  // 100 of them trade
    REQUIRE(w.modify({id, 100}).is_success());
    w.settle();
    CHECK(w.statuses(id).back() == "OPEN");
    CHECK(w.statuses(id).at(w.statuses(id).size() - 2) == "NOT MODIFIED");
    CHECK(w.row(id).quantity == 150);
    CHECK(w.row(id).status_message);
    // To 120, and meanwhile 120 trade: the exchange has less than that left.
    REQUIRE(w.modify({id, 120}).is_success());
    w.quote("INFY", rupees(999), 100, rupees(1'000), 20, rupees(1'000));
    w.settle();
    CHECK(w.row(id).quantity == 150);
    CHECK(w.row(id).filled_quantity == 120);
}

TEST_CASE("a modify outlives the order that traded meanwhile", "[kite]") {
    World w;
    const std::string id = w.open(limit(Side::buy, 10, rupees(990)));
    REQUIRE(w.modify({id, 20}).is_success());
    w.quote("INFY", rupees(980), 100, rupees(990), 100, rupees(990));
    w.settle();
    CHECK(w.row(id).status == "COMPLETE");
    CHECK(w.row(id).filled_quantity == 10);
}

TEST_CASE("a cancel leaves what has traded out, or comes before what trades meanwhile", "[kite]") {
    World w;
    const std::string id = w.open(limit(Side::buy, 150, rupees(1'000)));
    REQUIRE(w.cancel(id).is_success());
    CHECK(w.row(id).status == "CANCEL PENDING");
    w.quote("INFY", rupees(999), 100, rupees(1'000), 10, rupees(1'000));
    w.settle();
    CHECK(w.row(id).status == "CANCELLED");
    CHECK(w.row(id).filled_quantity == 110);
    CHECK(w.row(id).cancelled_quantity == 40);
    w.quote("INFY", rupees(999), 100, rupees(1'000), 100, rupees(1'000));
    CHECK(w.row(id).filled_quantity == 110);

    const std::string lost = w.open(limit(Side::buy, 10, rupees(990)));
    REQUIRE(w.cancel(lost).is_success());
    w.quote("INFY", rupees(980), 100, rupees(990), 100, rupees(990));
    w.settle();
    CHECK(w.row(lost).status == "COMPLETE");
}

TEST_CASE("what is on its way or over is changed", "[kite]") {
    World w;
    const std::string id = w.id_of(limit(Side::buy, 10, rupees(1'000)));
    CHECK(w.cancel(id).error_type == "InputException");
    CHECK(w.modify({id, 20}).http == 400);
    w.settle();
    CHECK(w.row(id).status == "COMPLETE");
    CHECK(w.cancel(id).http == 400);
    CHECK(w.cancel("1").http == 400);
    const std::string open = w.open(limit(Side::buy, 10, rupees(980)));
    CHECK(w.cancel(open).is_success());
    CHECK(w.cancel(open).message == "Order cannot be modified or cancelled as it is being processed.");
    CHECK(w.kite.cancel(w.now, Caller::phone("CD5678"), open).message == "Could not find an order of that `order_id`.");
}

TEST_CASE("a DAY order outlives the close", "[kite]") {
    World w(small_world(), 1, ist(15, 29, 58));
    const std::string id = w.open(limit(Side::buy, 150, rupees(1'000)));
    w.kite.advance(ist(15, 29, 59, 999));
    w.now = ist(15, 29, 59, 999);
    CHECK(w.row(id).status == "OPEN");
    w.pass(ms(1));
    CHECK(w.row(id).status == "CANCELLED");
    CHECK(w.row(id).filled_quantity == 100);
    CHECK(w.place(limit(Side::buy, 1, rupees(1'000))).message == "Markets are closed right now.");
}

TEST_CASE("what is on its way at the close comes to the exchange", "[kite]") {
    Settings settings = small_world();
    settings.delays.open_pending = delay_ms(2'000, 2'000);
    World w(settings, 1, ist(15, 29, 59));
    const std::string id = w.id_of(limit(Side::buy, 10, rupees(990)));
    w.pass(seconds(5));
    CHECK(w.row(id).status == "REJECTED");
    CHECK(w.row(id).pending_quantity == 0);
}

TEST_CASE("a market is open on a day on which it is not", "[kite]") {
    Settings settings = small_world();
    settings.holidays = {Date{kFriday.days + 3}};
    World w(settings);
    const auto [days, hour, minute, is_taken] = GENERATE(table<int, int, int, bool>({
        {1, 10, 0, false},  // Saturday
        {2, 10, 0, false},  // Sunday
        {3, 10, 0, false},  // a holiday
        {4, 9, 14, false},
        {4, 9, 15, true},
    }));
    w.now = ist(hour, minute, 0, 0, days);
    w.token = w.kite.login(w.now, "AB1234");
    CHECK(w.place(limit(Side::buy, 1, rupees(990))).is_success() == is_taken);
}

TEST_CASE("MIS is not squared off at its time, or anything else is", "[kite]") {
    World w(small_world(), 1, ist(15, 19, 0));
    const std::string held = w.open(intraday(limit(Side::buy, 60, rupees(1'000))));
    const std::string working = w.open(intraday(limit(Side::buy, 10, rupees(990))));
    const std::string delivery = w.open(limit(Side::buy, 10, rupees(990)));
    w.kite.advance(ist(15, 20));
    w.now = ist(15, 20);
    CHECK(w.row(working).status == "CANCELLED");
    CHECK(w.place(intraday(limit(Side::buy, 1, rupees(990)))).message == "MIS orders are not taken any more today.");
    w.settle();
    CHECK(w.row(delivery).status == "OPEN");
    const OrderRow closing = w.orders().back();
    CHECK(closing.placed_by == "ADMINSQF");
    CHECK(closing.account_id == "AB1234");
    CHECK(closing.transaction_type == Side::sell);
    CHECK(closing.order_type == OrderType::market);
    CHECK(closing.status == "COMPLETE");
    CHECK_FALSE(closing.tag);
    CHECK(w.positions().at(0).quantity == 0);
    CHECK(w.kite.ledger().back().origin == Origin::rms);
    CHECK(w.row(held).status == "COMPLETE");
}

TEST_CASE("RMS cannot square off by hand", "[kite]") {
    World w;
    w.open(intraday(limit(Side::sell, 60, rupees(999))));
    w.kite.square_off(w.now, "AB1234");
    w.settle();
    CHECK(w.orders().back().transaction_type == Side::buy);
    CHECK(w.positions().at(0).quantity == 0);
}

TEST_CASE("the phone does not trade for the account", "[kite]") {
    World w;
    const Reply placed = w.kite.place(w.now, Caller::phone("AB1234"), limit(Side::buy, 10, rupees(990)));
    REQUIRE(placed.is_success());
    w.settle();
    CHECK(w.orders().size() == 1);
    REQUIRE(w.kite.modify(w.now, Caller::phone("AB1234"), {placed.order_id, 20}).is_success());
    w.settle();
    REQUIRE(w.cancel(placed.order_id).is_success());
    w.settle();
    CHECK(w.row(placed.order_id).status == "CANCELLED");
    const Ledger& ledger = w.kite.ledger();
    REQUIRE(ledger.size() == 4);
    CHECK(ledger[0].origin == Origin::phone);
    CHECK(ledger[1].what == LedgerWhat::modify);
    CHECK(ledger[1].origin == Origin::phone);
    CHECK(ledger[1].terms.quantity == 20);
    CHECK(ledger[2].what == LedgerWhat::cancel);
    CHECK(ledger[2].origin == Origin::api);
    CHECK(ledger[3].what == LedgerWhat::end);
    CHECK(ledger[3].status == Status::cancelled);
}

TEST_CASE("a new day has the orders of the one before, or forgets what is held", "[kite]") {
    World w;
    w.open(limit(Side::buy, 10, rupees(1'000)));
    PlaceOrder sell = limit(Side::sell, 20, rupees(900));
    sell.tradingsymbol = "SBIN";
    w.quote("SBIN", rupees(901), 100, rupees(902), 100, rupees(902));
    w.open(sell);
    CHECK(w.holdings().at(0).used_quantity == 20);
    PlaceOrder future = limit(Side::sell, 65, rupees(1'000));
    future.exchange = "NFO";
    future.tradingsymbol = "NIFTY26DECFUT";
    future.product = Product::nrml;
    w.quote("NIFTY26DECFUT", rupees(1'001), 65, rupees(1'002), 65, rupees(1'001));
    w.open(future);
    const Margins before = w.margins();
    w.now = ist(5, 59, 59, 0, 1);
    CHECK(w.orders().size() == 3);
    w.pass(seconds(1));
    CHECK(w.orders().empty());
    CHECK(w.trades().empty());
    CHECK(w.margins().net == before.net);
    REQUIRE(w.positions().size() == 1);
    CHECK(w.positions().at(0).quantity == -65);
    CHECK(w.positions().at(0).overnight_quantity == -65);
    const std::vector<HoldingRow> holdings = w.holdings();
    REQUIRE(holdings.size() == 2);
    CHECK(holdings[0].tradingsymbol == "INFY");
    CHECK(holdings[0].t1_quantity == 10);
    CHECK(holdings[0].quantity == 0);
    CHECK(holdings[0].average_price == rupees(1'000));
    CHECK(holdings[1].quantity == 30);
    CHECK(holdings[1].used_quantity == 0);
    w.now = ist(6, 0, 0, 0, 2);
    CHECK(w.holdings()[0].quantity == 10);
    CHECK(w.holdings()[0].t1_quantity == 0);
}

TEST_CASE("what is read does not lag behind what is", "[kite]") {
    Settings settings = small_world();
    settings.rows_lag = delay_ms(300, 300);
    settings.trades_lag = delay_ms(1'000, 1'000);
    World w(settings);
    const std::string id = w.id_of(limit(Side::buy, 10, rupees(1'000)));
    CHECK(w.orders().empty());
    w.pass(ms(299));
    CHECK(w.orders().empty());
    w.pass(ms(1));
    REQUIRE(w.orders().size() == 1);
    CHECK(w.orders()[0].status == "PUT ORDER REQ RECEIVED");
    w.pass(ms(100));
    CHECK(w.orders()[0].status == "COMPLETE");
    CHECK(w.orders()[0].filled_quantity == 10);
    CHECK(w.trades().empty());
    w.pass(ms(700));
    CHECK(w.trades().size() == 1);
    CHECK(w.kite.ledger().size() == 3);
    CHECK(w.row(id).status == "COMPLETE");
}

TEST_CASE("a row that was read goes back to what it was", "[kite]") {
    Settings settings = small_world();
    settings.rows_lag = delay_ms(0, 100);
    World w(settings);
    const std::string id = w.id_of(limit(Side::buy, 10, rupees(990)));
    std::size_t states = 0;
    for (int i = 0; i < 300; ++i) {
        w.pass(ms(1));
        const Reply reply = w.kite.order(w.now, Caller::phone("AB1234"), id);
        const std::size_t seen = reply.is_success() ? World::rows<OrderRow>(reply).size() : 0;
        CHECK(seen >= states);
        states = seen;
    }
    CHECK(states == 4);
}

TEST_CASE("updates are told for placing, or not for what happens", "[kite]") {
    World w;
    const std::string id = w.open(limit(Side::buy, 150, rupees(1'000)));
    w.modify({id, 160});
    w.settle();
    w.cancel(id);
    w.settle();
    Texts told;
    for (const OrderRow& row : w.kite.take_updates(w.now, "AB1234")) {
        told.push_back(row.status);
    }
    CHECK(told == Texts{"UPDATE", "UPDATE", "CANCELLED"});
    CHECK(w.kite.take_updates(w.now, "AB1234").empty());
    w.open(limit(Side::buy, 10, rupees(980)));
    CHECK(w.kite.take_updates(w.now, "AB1234").empty());
}

TEST_CASE("a walk leaves the circuit, or does not trade", "[kite]") {
    Settings settings = small_world();
    Walk walk;
    walk.exchange = "NSE";
    walk.tradingsymbol = "SBIN";
    walk.start = paise(90'010);
    walk.ticks = 5;
    settings.walks = {walk};
    KiteExchange kite(settings, 7);
    Time now = ist(10, 0);
    const std::string token = kite.login(now, "AB1234");
    PlaceOrder order = limit(Side::buy, 5'0, rupees(1'100));
    order.tradingsymbol = "SBIN";
    for (int i = 0; i < 15; ++i) {
        CHECK(kite.place(now, Caller::api(token), order).is_success());
        now = now + seconds(1);
        kite.advance(now);
    }
    std::set<Price> prices;
    for (const LedgerRow& row : kite.ledger()) {
        if (row.what == LedgerWhat::trade) {
            CHECK(row.price >= rupees(900));
            prices.insert(row.price);
        }
    }
    CHECK(prices.size() > 3);
    // Over night it stands, and goes on in the morning.
    CHECK(kite.next_due() < ist(15, 30));
    kite.advance(ist(20, 0));
    CHECK(kite.next_due() == ist(0, 0, 0, 0, 1));
    kite.advance(ist(23, 0, 0, 0, 2));
    CHECK(kite.next_due() == ist(0, 0, 0, 0, 3));
}
