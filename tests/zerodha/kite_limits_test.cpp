/// Each limit and each check of the simulated Kite at its edge, and sessions.

#include "tests/zerodha/kite.hpp"

using namespace alpha;
using namespace alpha::kite;

TEST_CASE("more orders than a calendar second's are taken", "[kite]") {
    World w(small_world(), 1, ist(10, 0, 0, 900));
    const std::string id = w.id_of(limit(Side::buy, 1, rupees(950)));
    w.pass(ms(60));
    for (int i = 0; i < 7; ++i) {
        CHECK(w.place(limit(Side::buy, 1, rupees(950))).is_success());
    }
    w.pass(ms(39));  // the last of the second
    CHECK(w.modify({id, 2}).is_success());
    CHECK(w.cancel(id).http == 400);  // counted, though refused for another reason
    const Reply refused = w.place(limit(Side::buy, 1, rupees(950), "T11"));
    CHECK(refused.http == 429);
    CHECK(refused.error_type == "NetworkException");
    CHECK_FALSE(refused.taken);
    CHECK(w.cancel(id).http == 429);
    CHECK(places_of(w.kite.ledger(), "T11") == 0);
    // The phone is not counted, nor reads with orders.
    CHECK(w.kite.place(w.now, Caller::phone("AB1234"), limit(Side::buy, 1, rupees(950))).is_success());
    CHECK(w.kite.orders(w.now, w.api()).is_success());
    w.pass(ms(1));
    for (int i = 0; i < 10; ++i) {
        CHECK(w.place(limit(Side::buy, 1, rupees(950))).is_success());
    }
    CHECK(w.place(limit(Side::buy, 1, rupees(950))).http == 429);
    // Another account has its own.
    CHECK(
        w.kite.place(w.now, Caller::api(w.kite.login(w.now, "CD5678")), limit(Side::buy, 1, rupees(950))).is_success());
}

TEST_CASE("the second is not that of the server's clock", "[kite]") {
    Settings settings = small_world();
    settings.clock_skew = ms(300);
    settings.limits.orders_per_second = 1;
    World w(settings, 1, ist(10, 0, 0, 699));
    CHECK(w.place(limit(Side::buy, 1, rupees(950))).date == ist(10, 0, 0));
    CHECK(w.place(limit(Side::buy, 1, rupees(950))).http == 429);
    w.pass(ms(1));
    const Reply reply = w.place(limit(Side::buy, 1, rupees(950)));
    CHECK(reply.is_success());
    CHECK(reply.date == ist(10, 0, 1));
    CHECK(w.row(reply.order_id).order_timestamp == ist(10, 0, 1));
}

TEST_CASE("more orders than a minute's or a day's are taken", "[kite]") {
    Settings settings = small_world();
    settings.limits.orders_per_minute = 3;
    settings.limits.orders_per_day = 5;
    World w(settings, 1, ist(10, 0, 59));
    const auto place = [&] { return w.place(limit(Side::buy, 1, rupees(950))).http; };
    CHECK(place() == 200);
    CHECK(place() == 200);
    CHECK(place() == 200);
    CHECK(place() == 429);
    w.pass(seconds(1));
    CHECK(place() == 200);
    CHECK(place() == 200);
    CHECK(place() == 429);
    w.pass(seconds(60));
    CHECK(place() == 429);
    w.now = ist(9, 30, 0, 0, 3);
    w.token = w.kite.login(w.now, "AB1234");
    CHECK(place() == 200);
}

TEST_CASE("more reads than a second's are answered", "[kite]") {
    World w;
    for (int i = 0; i < 5; ++i) {
        CHECK(w.kite.orders(w.now, w.api()).is_success());
        CHECK(w.kite.trades(w.now, w.api()).is_success());
    }
    CHECK(w.kite.positions(w.now, w.api()).http == 429);
    CHECK(w.place(limit(Side::buy, 1, rupees(950))).is_success());
    w.pass(seconds(1));
    CHECK(w.kite.positions(w.now, w.api()).is_success());
}

TEST_CASE("an order is modified more than 25 times", "[kite]") {
    World w;
    const std::string id = w.open(limit(Side::buy, 10, rupees(950)));
    for (int i = 0; i < 25; ++i) {
        CHECK(w.modify({id, 11 + i}).is_success());
        w.settle();
    }
    CHECK(w.row(id).quantity == 35);
    CHECK(w.modify({id, 99}).message == "Maximum allowed order modifications exceeded.");
    CHECK(w.cancel(id).is_success());
}

TEST_CASE("a dead token is taken", "[kite]") {
    World w;
    CHECK(w.kite.profile(w.now, w.api()).is_success());
    const std::string second = w.kite.login(w.now, "AB1234");
    const Reply dead = w.place(limit(Side::buy, 1, rupees(950)));
    CHECK(dead.http == 403);
    CHECK(dead.error_type == "TokenException");
    CHECK(w.kite.profile(w.now, w.api()).http == 403);
    CHECK(w.kite.profile(w.now, Caller::api("")).http == 403);
    w.token = second;
    CHECK(std::get<Profile>(w.kite.profile(w.now, w.api()).data).user_id == "AB1234");
    w.now = ist(5, 59, 59, 999, 1);
    CHECK(w.kite.profile(w.now, w.api()).is_success());
    w.pass(ms(1));
    CHECK(w.kite.profile(w.now, w.api()).http == 403);
    // Before six it lives till six.
    w.now = ist(5, 0, 0, 0, 2);
    w.token = w.kite.login(w.now, "AB1234");
    w.now = ist(6, 0, 0, 0, 2);
    CHECK(w.kite.profile(w.now, w.api()).http == 403);
    w.token = w.kite.login(w.now, "AB1234");
    CHECK(w.kite.logout(w.now, w.api()).is_success());
    CHECK(w.kite.profile(w.now, w.api()).http == 403);
}

TEST_CASE("an order is taken from an address that is not registered", "[kite]") {
    Settings settings = small_world();
    settings.accounts[0].addresses = {"127.0.0.2"};
    World w(settings);
    const Caller other = Caller::api(w.token, "127.0.0.3");
    CHECK(w.kite.place(w.now, other, limit(Side::buy, 1, rupees(950))).error_type == "PermissionException");
    CHECK(w.kite.orders(w.now, other).is_success());
    const Caller own = Caller::api(w.token, "127.0.0.2");
    CHECK(w.kite.place(w.now, own, limit(Side::buy, 1, rupees(950))).is_success());
}

TEST_CASE("a request that is wrong is taken", "[kite]") {
    World w;
    const auto wrong = [&](auto&& change, const char* says) {
        PlaceOrder order = limit(Side::buy, 10, rupees(990), "SHAPE");
        change(order);
        const Reply reply = w.place(order);
        w.pass(seconds(1));
        INFO(says);
        CHECK(reply.http == 400);
        CHECK(reply.error_type == "InputException");
        CHECK(reply.message.find(says) != std::string::npos);
    };
    wrong([](PlaceOrder& o) { o.tradingsymbol = "INFYY"; }, "does not exist");
    wrong([](PlaceOrder& o) { o.exchange = "BSE"; }, "does not exist");
    wrong([](PlaceOrder& o) { o.quantity = 0; }, "lot size 1");
    wrong([](PlaceOrder& o) { o.quantity = -1; }, "lot size 1");
    wrong([](PlaceOrder& o) { o.tag = "123456789012345678901"; }, "tag");
    wrong([](PlaceOrder& o) { o.price = paise(99'001); }, "tick size 0.05");
    wrong([](PlaceOrder& o) { o.price = {}; }, "tick size 0.05");
    wrong([](PlaceOrder& o) { o.product = Product::nrml; }, "product");
    wrong([](PlaceOrder& o) { o.product = Product::mtf; }, "Not simulated");
    wrong([](PlaceOrder& o) { o.variety = Variety::amo; }, "Not simulated");
    wrong([](PlaceOrder& o) { o.validity = Validity::ttl; }, "Not simulated");
    wrong([](PlaceOrder& o) { o = market(Side::buy, 1, kNoProtection); }, "market protection");
    wrong([](PlaceOrder& o) { o = market(Side::buy, 1, -2); }, "market_protection");
    wrong([](PlaceOrder& o) { o = market(Side::buy, 1, 10'001); }, "market_protection");
    wrong([](PlaceOrder& o) { o = stop(Side::buy, 1, rupees(1'000), paise(99'995)); }, "Trigger price");
    wrong([](PlaceOrder& o) { o = stop(Side::sell, 1, rupees(1'000), paise(100'005)); }, "Trigger price");
    wrong([](PlaceOrder& o) { o = stop(Side::sell, 1, paise(99'999), rupees(990)); }, "Trigger price should");
    wrong(
        [](PlaceOrder& o) {
            o = stop(Side::sell, 1, rupees(995), rupees(990));
            o.validity = Validity::ioc;
        },
        "validity");
    wrong(
        [](PlaceOrder& o) {
            o.exchange = "NFO";
            o.tradingsymbol = "NIFTY26DECFUT";
            o.quantity = 66;
            o.product = Product::nrml;
        },
        "lot size 65");
    wrong(
        [](PlaceOrder& o) {
            o.exchange = "NFO";
            o.tradingsymbol = "NIFTY26DECFUT";
            o.quantity = 65;
        },
        "product");
    CHECK(w.kite.ledger().empty());
    CHECK(w.orders().empty());
    PlaceOrder longest = limit(Side::buy, 1, rupees(990), "12345678901234567890");
    CHECK(w.place(longest).is_success());
    const std::string id = w.open(limit(Side::buy, 10, rupees(990)));
    CHECK(w.modify({id, 0}).http == 400);
    CHECK(w.modify({id, {}, paise(99'001)}).http == 400);
    CHECK(w.modify({id, {}, {}, paise(99'001)}).http == 400);
    const std::string waiting = w.open(stop(Side::sell, 1, rupees(995), rupees(990)));
    CHECK(w.modify({waiting, {}, rupees(996)}).message == "Trigger price lies beyond the price.");
    CHECK(w.modify({waiting, {}, rupees(991), rupees(991)}).is_success());
}

TEST_CASE("what RMS has to reject it lets pass", "[kite]") {
    struct Case {
        PlaceOrder order;
        const char* error_type;
        const char* says;
    };
    PlaceOrder unheld = limit(Side::sell, 51, rupees(950));
    unheld.tradingsymbol = "SBIN";
    PlaceOrder trigger = stop(Side::buy, 1, paise(110'005), paise(110'005));
    const std::vector<Case> cases{
        {limit(Side::buy, 10'001, rupees(900)), "InputException", "freeze quantity 10000"},
        {limit(Side::buy, 1, paise(110'005)), "InputException", "circuit limits 900 and 1100"},
        {limit(Side::buy, 1, paise(89'995)), "InputException", "circuit"},
        {trigger, "InputException", "circuit"},
        {limit(Side::buy, 1'001, rupees(1'000)), "MarginException",
         "Required margin is 1001000 but available margin is 1000000"},
        {intraday(limit(Side::sell, 1'001, rupees(1'000))), "MarginException", "Insufficient funds"},
        {unheld, "HoldingException", "holding"},
    };
    for (const Case& each : cases) {
        INFO(each.says);
        World w;
        const std::string id = w.open(each.order);
        CHECK(w.row(id).status == "REJECTED");
        CHECK(w.row(id).status_message->find(each.says) != std::string::npos);
        CHECK(w.statuses(id) == Texts{"PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "REJECTED"});

        Settings strict = small_world();
        strict.checks_at_request = true;
        World s(strict);
        const Reply reply = s.place(each.order);
        CHECK(reply.http == 400);
        CHECK(reply.error_type == each.error_type);
        CHECK(s.orders().empty());
    }
    // At the edge of each.
    PlaceOrder held = limit(Side::sell, 50, rupees(950));
    held.tradingsymbol = "SBIN";
    for (const PlaceOrder& fits : {limit(Side::buy, 1'000, rupees(1'000)), limit(Side::buy, 1, rupees(1'100)),
                                   limit(Side::buy, 1, rupees(900)), held}) {
        World w;
        const std::string id = w.open(fits);
        CHECK(w.row(id).status != "REJECTED");
    }
    Settings rich = small_world();
    rich.accounts[0].cash = money_of(100'000'000);
    World w(rich);
    const std::string id = w.open(limit(Side::buy, 10'000, rupees(950)));
    CHECK(w.row(id).status == "OPEN");
}

TEST_CASE("margin is lent twice", "[kite]") {
    World w;
    w.quote("INFY", rupees(980), 1, rupees(1'010), 1, rupees(1'000));
    const std::string first = w.open(limit(Side::buy, 600, rupees(1'000)));
    CHECK(w.margins().net == money_of(400'000));
    const std::string second = w.open(limit(Side::buy, 401, rupees(1'000)));
    CHECK(w.row(second).status == "REJECTED");
    const std::string third = w.open(limit(Side::buy, 400, rupees(1'000)));
    CHECK(w.row(third).status == "OPEN");
    CHECK(w.margins().net == money_of(0));
    // A modify that needs more is not made.
    REQUIRE(w.modify({third, 401}).is_success());
    w.settle();
    CHECK(w.row(third).quantity == 400);
    CHECK(w.row(third).status == "OPEN");
    CHECK(w.row(third).status_message->find("Insufficient funds") != std::string::npos);
    REQUIRE(w.cancel(first).is_success());
    w.settle();
    CHECK(w.margins().net == money_of(600'000));
    // While a modify is up in the air, what it will need is not lent to another.
    REQUIRE(w.modify({third, 1'000}).is_success());
    w.pass(ms(6));
    const std::string fourth = w.open(limit(Side::buy, 1, rupees(1'000)));
    CHECK(w.row(third).quantity == 1'000);
    CHECK(w.row(fourth).status == "REJECTED");
}

TEST_CASE("what closes a position is asked for margin, or its second closing is not", "[kite]") {
    World w;
    w.quote("INFY", rupees(980), 0, rupees(1'000), 1'000, rupees(1'000));
    w.open(intraday(limit(Side::buy, 1'000, rupees(1'000))));
    CHECK(w.margins().net == money_of(0));
    const std::string closing = w.open(intraday(limit(Side::sell, 1'000, rupees(1'010))));
    CHECK(w.row(closing).status == "OPEN");
    const std::string again = w.open(intraday(limit(Side::sell, 1, rupees(1'010))));
    CHECK(w.row(again).status == "REJECTED");
    w.quote("INFY", rupees(1'010), 1'000, rupees(1'020), 0, rupees(1'010));
    CHECK(w.row(closing).status == "COMPLETE");
    CHECK(w.margins().net == money_of(1'010'000));
}

TEST_CASE("shares are sold twice", "[kite]") {
    World w;
    PlaceOrder sell = limit(Side::sell, 30, rupees(950));
    sell.tradingsymbol = "SBIN";
    CHECK(w.row(w.open(sell)).status == "OPEN");
    const std::string second = w.open(sell);
    CHECK(w.row(second).status == "REJECTED");
    sell.quantity = 20;
    CHECK(w.row(w.open(sell)).status == "OPEN");
    // What was bought today may be sold today.
    w.open(limit(Side::buy, 10, rupees(1'000)));
    CHECK(w.row(w.open(limit(Side::sell, 10, rupees(1'050)))).status == "OPEN");
    const std::string more = w.open(limit(Side::sell, 1, rupees(1'050)));
    CHECK(w.row(more).status == "REJECTED");
}
