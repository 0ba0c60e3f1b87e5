// What Kite says becomes words, and what is not on the list of answers that never lie is believed by nobody.

#include "adapters/zerodha/kite_translate.hpp"
#include "events/order_tag.hpp"
#include "events/text.hpp"
#include "tests/zerodha/kite.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace alpha;
using namespace alpha::kite;

namespace {

std::vector<alpha::Instrument> two_shares() {
    std::vector<alpha::Instrument> shares(2);
    shares[0].name = "NSE:INFY";
    shares[0].isin = "INE009A01021";
    shares[1].name = "NSE:SBIN";
    shares[1].isin = "INE062A01020";
    return shares;
}
const Symbols kNames(two_shares());
constexpr InstrumentId kInfy{0};
constexpr InstrumentId kSbin{1};

OrderRow a_row(const char* status) {
    OrderRow row;
    row.order_id = "261127000000001";
    row.status = status;
    row.exchange = "NSE";
    row.tradingsymbol = "INFY";
    row.transaction_type = Side::sell;
    row.product = kite::Product::mis;
    row.quantity = 40;
    row.filled_quantity = 15;
    row.price = rupees(1'000);
    row.tag = to_string(OrderTag{7, OrderId{3}});
    row.order_timestamp = ist(10, 0);
    return row;
}

OutsideMessage a_place(alpha::OrderType type) {
    OutsideMessage message;
    message.started = {OrderId{3}, Send::place, 1, {}, to_string(OrderTag{7, OrderId{3}})};
    message.tag = message.started.order_tag;
    message.terms.instrument = kSbin;
    message.terms.side = Side::sell;
    message.terms.type = type;
    message.terms.tif = TimeInForce::day;
    message.terms.quantity = qty_of(40);
    message.terms.product = alpha::Product::mis;
    return message;
}

}  // namespace

TEST_CASE("an answer is believed that is not on the list, or one that is not believed", "[kite]") {
    struct Case {
        std::uint16_t http;
        const char* type;
        const char* message;
        const char* id;
        SendOutcome outcome;
        bool needs_login = false;
    };
    using enum SendOutcome;
    const std::vector<Case> cases{
        {200, "", "", "261127000000001", acked},
        {200, "", "", "", unknown},  // an answer without a number tells of no order
        {200, "", "", "261127000000001261127000000001261127000000001", unknown},
        {0, "", "", "", unknown},
        {403, "TokenException", "Incorrect `api_key` or `access_token`.", "", refused, true},
        {403, "PermissionException", "Orders are taken from registered addresses only.", "", refused},
        {400, "PermissionException", "", "", refused},
        {400, "MarginException", "Insufficient funds.", "", refused},
        {400, "HoldingException", "", "", refused},
        {400, "UserException", "", "", refused},
        {400, "InputException", "Market orders without market protection are not allowed via API.", "", refused},
        {400, "InputException", "Tick size for this script is 5.00. Kindly enter price in the multiple.", "", refused},
        {400, "InputException", "The order timed out. Please check the order book.", "", unknown},
        {400, "InputException", "Request Timeout", "", unknown},
        {400, "InputException", "Time-out at the exchange", "", unknown},
        {400, "InputException", "See your orderbook before placing another", "", unknown},
        {400, "InputException", "Please try again", "", unknown},
        {400, "InputException", "Order cannot be modified or cancelled as it is being processed.", "", unknown},
        {400, "InputException", "Gateway is down", "", unknown},
        {400, "InputException", "Unable to place the order", "", unknown},
        {400, "InputException", "A NETWORK error", "", unknown},
        {400, "OrderException", "Insufficient funds.", "", unknown},
        {400, "GeneralException", "", "", unknown},
        {400, "", "", "", unknown},
        {403, "MarginException", "", "", unknown},
        {403, "", "", "", unknown},
        {404, "DataException", "", "", unknown},
        {429, "NetworkException", "Too many requests", "", doubtful},
        {500, "GeneralException", "", "", unknown},
        {500, "MarginException", "", "", unknown},
        {502, "", "", "", unknown},
        {503, "NetworkException", "", "", unknown},
        {504, "", "", "", unknown},
    };
    for (const Case& each : cases) {
        const SendAnswer answer = outcome_of({each.http, each.type, each.message, each.id});
        INFO(each.http << ' ' << each.type << ": " << each.message);
        CHECK(answer.outcome == each.outcome);
        CHECK(answer.needs_login == each.needs_login);
        CHECK(answer.broker_order.empty() == (each.outcome != acked));
    }
    CHECK(outcome_of({400, "UserException", std::string(600, 'x') + "\x1b", {}}).text == std::string(512, 'x'));
}

TEST_CASE("a row of the book is another order than the one it is of", "[kite]") {
    const BrokerOrderSeen word = word_of(a_row("OPEN"), kNames).value();
    CHECK(word.is_bounded());
    CHECK(word.broker_order == "261127000000001");
    CHECK(parse_order_tag(word.order_tag) == OrderTag{7, OrderId{3}});
    CHECK(word.instrument == kInfy);
    CHECK(word.side == Side::sell);
    CHECK(word.product == alpha::Product::mis);
    CHECK(word.quantity == qty_of(40));
    CHECK(word.filled == qty_of(15));
    CHECK(word.price == rupees(1'000));
    CHECK(word.placed_at == ist(10, 0));
    const auto status = [](const char* text) { return word_of(a_row(text), kNames).value().status; };
    CHECK(status("OPEN") == RowStatus::open);
    CHECK(status("TRIGGER PENDING") == RowStatus::trigger_pending);
    CHECK(status("COMPLETE") == RowStatus::complete);
    CHECK(status("CANCELLED") == RowStatus::cancelled);
    CHECK(status("REJECTED") == RowStatus::rejected);
    for (const char* pending : {"PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "MODIFIED",
                                "MODIFY PENDING", "NOT MODIFIED", "CANCEL PENDING"}) {
        CHECK(status(pending) == RowStatus::pending);
        CHECK(word_of(a_row(pending), kNames).value().raw_status.empty());
    }
    const BrokerOrderSeen odd = word_of(a_row("AMO REQ RECEIVED"), kNames).value();
    CHECK(odd.status == RowStatus::pending);
    CHECK(odd.raw_status == "AMO REQ RECEIVED");
}

TEST_CASE("a row that cannot be one is taken for one", "[kite]") {
    OrderRow row = a_row("OPEN");
    row.order_id.clear();
    CHECK_FALSE(word_of(row, kNames));
    row = a_row("OPEN");
    row.quantity = -1;
    CHECK_FALSE(word_of(row, kNames));
    TradeRow trade;
    trade.order_id = "1";
    trade.trade_id = "2";
    trade.exchange = "NSE";
    trade.tradingsymbol = "INFY";
    trade.quantity = 5;
    trade.average_price = rupees(1'000);
    trade.fill_timestamp = ist(10, 0);
    trade.product = kite::Product::cnc;
    CHECK(word_of(trade, kNames).value().day == kFriday);
    CHECK(word_of(trade, kNames).value().product == alpha::Product::cnc);
    for (auto spoil : {+[](TradeRow& t) { t.trade_id.clear(); }, +[](TradeRow& t) { t.quantity = 0; },
                       +[](TradeRow& t) { t.average_price = {}; }, +[](TradeRow& t) { t.exchange = "NINECHARS"; }}) {
        TradeRow spoiled = trade;
        spoil(spoiled);
        CHECK_FALSE(word_of(spoiled, kNames));
    }
}

TEST_CASE("an instrument that the session does not know is taken for one of its own, or has no name", "[kite]") {
    OrderRow row = a_row("OPEN");
    row.tradingsymbol = "TCS";
    const BrokerOrderSeen word = word_of(row, kNames).value();
    CHECK(word.instrument == kUnknownInstrument);
    CHECK(word.text == "NSE:TCS");
}

TEST_CASE("what the account holds is counted twice or not at all", "[kite]") {
    PositionRow sold;
    sold.exchange = "NSE";
    sold.tradingsymbol = "SBIN";
    sold.product = kite::Product::cnc;
    sold.quantity = -20;
    PositionRow closed = sold;
    closed.product = kite::Product::mis;
    closed.quantity = 0;
    PositionRow strange = sold;
    strange.tradingsymbol = "TCS";
    strange.quantity = 3;
    strange.overnight_quantity = 5;
    HoldingRow held;
    held.exchange = "BSE";  // the same share by its ISIN
    held.tradingsymbol = "SBIN";
    held.isin = "INE062A01020";
    held.opening_quantity = 50;
    held.quantity = 40;
    held.t1_quantity = 10;
    const std::vector<AccountRead> words = words_of({sold, closed, strange}, {held}, kNames, kFriday);
    REQUIRE(words.size() == 4);
    CHECK(words[0].instrument == kSbin);
    CHECK(words[0].kind == AccountRowKind::position);
    CHECK(words[0].quantity == qty_of(-20));
    CHECK(words[1].symbol == "NSE:TCS");
    CHECK(words[1].kind == AccountRowKind::holding);
    CHECK(words[1].quantity == qty_of(5));
    CHECK(words[2].symbol == "NSE:TCS");
    CHECK(words[2].quantity == qty_of(-2));
    CHECK(words[3].kind == AccountRowKind::holding);
    CHECK(words[3].instrument == kSbin);
    CHECK(words[3].quantity == qty_of(50));
}

TEST_CASE("a book is of another day than it was read on", "[kite]") {
    CHECK(book_day(ist(9, 15)).day == kFriday);
    CHECK_FALSE(book_day(ist(16, 29, 59)).is_final);
    CHECK(book_day(ist(16, 30)).is_final);
    CHECK(book_day(ist(23, 59)).day == kFriday);
    CHECK(book_day(ist(5, 59, 0, 0, 1)).day == kFriday);  // it's emptied at six
    CHECK(book_day(ist(5, 59, 0, 0, 1)).is_final);
    CHECK(book_day(ist(6, 0, 0, 0, 1)).day == Date{kFriday.days + 1});
}

TEST_CASE("an order is asked for on other terms than it was decided", "[kite]") {
    OutsideMessage message = a_place(alpha::OrderType::limit);
    message.terms.limit_price = rupees(800);
    kite::PlaceOrder order = order_of(message, kNames, 100).value();
    CHECK(order.exchange == "NSE");
    CHECK(order.tradingsymbol == "SBIN");
    CHECK(order.transaction_type == Side::sell);
    CHECK(order.order_type == kite::OrderType::limit);
    CHECK(order.product == kite::Product::mis);
    CHECK(order.quantity == 40);
    CHECK(order.price == rupees(800));
    CHECK(order.tag == message.tag);
    CHECK(order.market_protection == kNoProtection);

    message = a_place(alpha::OrderType::market);
    message.terms.tif = TimeInForce::gtc;  // none rests
    order = order_of(message, kNames, 150).value();
    CHECK(order.order_type == kite::OrderType::market);
    CHECK(order.validity == Validity::day);
    CHECK(order.market_protection == 150);

    message = a_place(alpha::OrderType::stop);
    message.terms.stop_price = rupees(790);
    order = order_of(message, kNames, 150).value();
    CHECK(order.order_type == kite::OrderType::sl_m);
    CHECK(order.trigger_price == rupees(790));
    CHECK(order.market_protection == 150);

    message = a_place(alpha::OrderType::limit);
    message.terms.product = alpha::Product::none;
    CHECK_FALSE(order_of(message, kNames, 100));
    message = a_place(alpha::OrderType::limit);
    message.terms.quantity.raw += 1;
    CHECK_FALSE(order_of(message, kNames, 100));

    message = a_place(alpha::OrderType::limit);
    message.started = {OrderId{3}, Send::modify, 1, "261127000000001"};
    message.terms.limit_price = rupees(801);
    const ModifyOrder change = change_of(message).value();
    CHECK(change.order_id == "261127000000001");
    CHECK(change.quantity == 40);
    CHECK(change.price == rupees(801));
    CHECK_FALSE(change.trigger_price);
}
