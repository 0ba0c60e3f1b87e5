// What the kernel makes of words from a broker outside: which facts, in whose books, and what it lets out meanwhile.

#include "events/order_tag.hpp"
#include "tests/kernel/support.hpp"

using namespace alpha;
using namespace alpha::test;

namespace {

constexpr BrokerId kKite{0};
constexpr BrokerId kPaper{1};
constexpr std::uint32_t kLog = 77;
constexpr Date kToday{19'723};  // 2024-01-01

/// Two portfolios at a broker outside, and one at a venue: strategies 0, 1 and 2.
Setup three_books() {
    return Setup()
        .instrument("IBM")
        .instrument("BAC")
        .portfolio("main", "100000")
        .portfolio("side", "100000")
        .portfolio("shadow", "100000")
        .broker("kite")
        .broker("paper")
        .strategy("one", {kIbm, kBac}, kMain, kKite)
        .strategy("two", {kIbm}, kSide, kKite)
        .strategy("three", {kIbm}, PortfolioId{2}, kPaper);
}

/// A broker outside that is up, and what it says.
struct Desk {
    Floor floor{three_books()};
    std::int64_t second = hms(9, 30);
    std::uint64_t trades = 0;

    explicit Desk(bool comes_up = true) {
        floor.broker(0).links = false;
        OutsideRules rules;
        rules.needs_product = false;
        rules.market_rest = Duration{3 * kSecondNs};
        say(BrokerRulesSet{kKite, kLog, rules});
        floor.quote(now(), "99.99", "100.01");
        if (comes_up) {
            say(BrokerSessionChanged{kKite, SessionChange::reconciling});
            say(BrokerSessionChanged{kKite, SessionChange::up});
        }
        floor.said();
    }

    Time now() const { return at(second); }
    Time next() { return at(++second); }
    template <class Word>
    void say(const Word& word) {
        floor.word(next(), word);
    }
    OrderId place(const OrderTerms& terms, std::size_t strategy = 0) { return floor.place(next(), terms, strategy); }
    OrderId buy(std::string_view quantity = "10", std::size_t strategy = 0) {
        return place(limit_order(Side::buy, quantity, "99.5", kIbm, TimeInForce::day), strategy);
    }
    static std::string tag(OrderId order) { return to_string(OrderTag{kLog, order}); }
    static std::string id(OrderId order) { return "B" + std::to_string(order.value); }
    const Wire& wire(OrderId order) const { return *floor.state().outside.at(kKite).book.find(order); }
    void start(OrderId order, Send what = Send::place) {
        say(SendStarted{order, what, 1, what == Send::place ? "" : id(order), what == Send::place ? tag(order) : ""});
    }
    void end(OrderId order, SendOutcome outcome, Send what = Send::place) {
        say(SendEnded{order, what, 1, outcome, outcome == SendOutcome::acked || what != Send::place ? id(order) : "",
                      ""});
    }
    OrderId live(std::string_view quantity = "10", std::size_t strategy = 0) {
        const OrderId order = buy(quantity, strategy);
        start(order);
        end(order, SendOutcome::acked);
        return order;
    }
    BrokerOrderSeen row(OrderId order, RowStatus status, std::string_view quantity = "10",
                        std::string_view filled = "0") {
        const Order& its = floor.order(order.value);
        BrokerOrderSeen seen;
        seen.broker_order = id(order);
        seen.order_tag = tag(order);
        seen.instrument = its.terms.instrument;
        seen.side = its.terms.side;
        seen.quantity = qty(quantity);
        seen.filled = qty(filled);
        seen.price = its.terms.limit_price;
        seen.status = status;
        seen.placed_at = now();
        return seen;
    }
    void trade(OrderId order, std::string_view quantity, std::string_view price = "99.5") {
        BrokerTradeSeen seen;
        seen.broker_order = id(order);
        seen.exchange = "NSE";
        seen.trade = "T" + std::to_string(++trades);
        seen.instrument = kIbm;
        seen.quantity = qty(quantity);
        seen.price = px(price);
        seen.day = kToday;
        say(seen);
    }
    void read(bool with_account = false) {
        BookRead seen;
        seen.begun_at = now();
        seen.day = kToday;
        seen.with_account = with_account;
        say(seen);
    }
    void holds(std::string_view quantity) {
        say(AccountRead{kKite, AccountRowKind::position, kIbm, Product::none, qty(quantity), px("98"), kToday});
    }
    Rule refused(const OrderTerms& terms, std::size_t strategy = 0) {
        const std::size_t before = floor.count_of("order_refused");
        place(terms, strategy);
        if (floor.count_of("order_refused") == before) {
            return Rule::none;
        }
        for (auto at = floor.events().rbegin();; ++at) {
            if (const auto* const refusal = std::get_if<OrderRefused>(&at->event)) {
                return refusal->rule;
            }
        }
    }
};

const OrderTerms kBuy = limit_order(Side::buy, "10", "99.5", kIbm, TimeInForce::day);

}  // namespace

TEST_CASE("an order goes to a venue where its broker is outside, or its fill is not walked back to it",
          "[kernel][outside]") {
    Desk desk;
    const OrderId order = desk.live();
    CHECK(desk.floor.broker(0).effects.empty());
    CHECK(desk.floor.order(order.value).status == OrderStatus::working);
    CHECK(desk.floor.order(order.value).broker_order == "B1");
    desk.trade(order, "10");
    CHECK(desk.floor.order(order.value).status == OrderStatus::filled);
    CHECK(desk.floor.position().net == qty("10"));
    CHECK(desk.wire(order).state == WireState::ended);
    const auto& events = desk.floor.events();
    const auto fill = std::ranges::find_if(
        events, [](const DecodedEvent& e) { return std::holds_alternative<OrderFilled>(e.event); });
    REQUIRE(fill != events.end());
    const DecodedEvent& word = events[fill->envelope.causation];
    REQUIRE(std::holds_alternative<BrokerTradeSeen>(word.event));
    const DecodedEvent& sent = events[word.envelope.causation];
    REQUIRE(std::holds_alternative<SendStarted>(sent.event));
    CHECK(std::holds_alternative<OrderIntended>(events[sent.envelope.causation].event));
    CHECK(fill->envelope.correlation == sent.envelope.correlation);
}

TEST_CASE("orders are taken for a broker that is not there, or that nobody knows to be in order", "[kernel][outside]") {
    Desk desk(false);
    CHECK(desk.refused(kBuy) == Rule::broker_down);
    desk.say(BrokerSessionChanged{kKite, SessionChange::reconciling});
    CHECK(desk.refused(kBuy) == Rule::broker_down);
    CHECK(desk.refused(kBuy, 2) == Rule::none);  // at the venue nothing changes
    desk.say(BrokerSessionChanged{kKite, SessionChange::up});
    CHECK(desk.refused(kBuy) == Rule::none);
    desk.say(BrokerSessionChanged{kKite, SessionChange::login_needed});
    CHECK(desk.refused(kBuy) == Rule::broker_down);
    CHECK(desk.refused(limit_order(Side::buy, "10", "99.5")) == Rule::broker_down);
    desk.say(BrokerSessionChanged{kKite, SessionChange::up});
    CHECK(desk.refused(limit_order(Side::buy, "10", "99.5")) == Rule::not_supported);  // until cancelled
    CHECK(desk.refused(market_order(Side::buy, "10")) == Rule::none);
}

TEST_CASE("an order without a product goes to a broker that needs one", "[kernel][outside]") {
    Desk desk;
    desk.say(BrokerRulesSet{kKite, kLog, OutsideRules{}});
    OrderTerms terms = limit_order(Side::buy, "10", "99.5", kIbm, TimeInForce::day);
    CHECK(desk.refused(terms) == Rule::not_supported);
    CHECK(desk.refused(terms, 2) == Rule::none);  // at the venue nothing changes
    terms.product = Product::mis;
    CHECK(desk.refused(terms) == Rule::none);
}

TEST_CASE("a strategy goes on in an instrument in which nobody knows what became of its order", "[kernel][outside]") {
    Desk desk;
    const OrderId order = desk.buy();
    desk.start(order);
    desk.end(order, SendOutcome::unknown);
    CHECK(desk.floor.count_of("outcome_unknown") == 1);
    CHECK(desk.refused(kBuy) == Rule::unknown_outcome);
    CHECK(desk.refused(kBuy, 1) == Rule::none);  // another one's
    OrderTerms other = kBuy;
    other.instrument = kBac;
    desk.floor.quote(desk.next(), "99.99", "100.01", kBac);
    CHECK(desk.refused(other) == Rule::none);
    CHECK(desk.floor.position().open_buys == qty("10"));  // reserved all the while
    desk.say(desk.row(order, RowStatus::open));
    CHECK(desk.floor.order(order.value).status == OrderStatus::working);
    CHECK(desk.refused(kBuy) == Rule::none);
}

TEST_CASE("a conflict at one broker stops a portfolio at another", "[kernel][outside]") {
    Desk desk;
    const OrderId mine = desk.live();
    const OrderId others = desk.live("10", 1);
    const OrderId shadow = desk.buy("10", 2);
    desk.floor.tell(desk.next(), report(ReportKind::accepted, shadow.value, "P1"));
    BrokerOrderSeen twice = desk.row(mine, RowStatus::open);
    twice.broker_order = "B99";
    desk.say(twice);
    CHECK(desk.floor.count_of("order_conflict") == 1);
    CHECK(desk.floor.portfolio(kMain).latch == LatchScope::all);
    CHECK(desk.floor.portfolio(kSide).latch == LatchScope::all);
    CHECK(desk.floor.portfolio(PortfolioId{2}).latch == LatchScope::none);
    CHECK(desk.floor.order(mine.value).cancel_pending);
    CHECK(desk.floor.order(others.value).cancel_pending);
    CHECK_FALSE(desk.floor.order(shadow.value).cancel_pending);
    CHECK(desk.refused(kBuy) == Rule::kill_switch);
    CHECK(desk.refused(kBuy, 2) == Rule::none);
    // Cancels of all three are wished, whatever is latched.
    CHECK(desk.floor.state().outside.at(kKite).book.wishes().size() == 3);
    desk.floor.release(desk.next(), kMain);
    CHECK(desk.refused(kBuy) == Rule::none);
    CHECK(desk.refused(kBuy, 1) == Rule::kill_switch);
}

TEST_CASE("a kill leaves what waits to be sent, or touches another broker's", "[kernel][outside]") {
    Desk desk;
    const OrderId live = desk.live();
    const OrderId sending = desk.buy();
    desk.start(sending);
    const OrderId held = desk.buy();
    const OrderId others = desk.buy("10", 1);
    desk.floor.kill(desk.next(), kMain);
    CHECK(desk.floor.order(held.value).status == OrderStatus::cancelled);
    CHECK(desk.wire(live).cancel == ChangeState::wanted);
    CHECK(desk.wire(sending).cancel == ChangeState::wanted);  // once its number is known
    CHECK(desk.wire(others).state == WireState::held);
    desk.end(sending, SendOutcome::withheld);
    CHECK(desk.floor.order(sending.value).status == OrderStatus::cancelled);
    const Lines cancelled = desk.floor.said_of("order_cancelled");
    REQUIRE(cancelled.size() == 2);
    CHECK(cancelled[0].find("not sent: killed") != std::string::npos);
    CHECK(cancelled[1].find("not sent: killed") != std::string::npos);
}

TEST_CASE("an order waits for longer than it may, or a market order rests", "[kernel][outside]") {
    Desk desk;
    const OrderId held = desk.buy();
    const std::int64_t decided = desk.second;
    desk.second += 3;
    desk.floor.quote(desk.next(), "99.99", "100.01");
    CHECK(desk.floor.order(held.value).status == OrderStatus::intended);
    CHECK(desk.second < decided + 5);
    desk.second = decided + 6;
    desk.floor.quote(desk.now(), "99.99", "100.01");
    CHECK(desk.floor.order(held.value).status == OrderStatus::cancelled);
    CHECK(desk.floor.said_of("order_cancelled").back().find("not sent: expired") != std::string::npos);

    const OrderId market = desk.place(market_order(Side::buy, "10"));
    desk.start(market);
    desk.end(market, SendOutcome::acked);
    const std::int64_t accepted = desk.second;
    desk.floor.restart();  // what falls due is not forgotten with the kernel
    desk.second = accepted + 4;
    desk.floor.quote(desk.now(), "99.99", "100.01");
    CHECK(desk.floor.order(market.value).cancel_pending);
    CHECK(desk.floor.count_of("order_overdue") == 2);
}

TEST_CASE("what was not sent is sent after a restart, or what was is guessed at", "[kernel][outside]") {
    Desk desk;
    const OrderId held = desk.buy();
    const OrderId sending = desk.buy();
    desk.start(sending);
    desk.floor.restart();
    desk.say(BrokerSessionChanged{kKite, SessionChange::restarted});
    CHECK(desk.floor.order(held.value).status == OrderStatus::cancelled);
    CHECK(desk.floor.order(sending.value).status == OrderStatus::intended);
    CHECK(desk.wire(sending).state == WireState::unknown);
    CHECK(desk.floor.state().outside.at(kKite).book.wishes().empty());
}

TEST_CASE("an order that was over is alive at the broker and is not reserved again", "[kernel][outside]") {
    Desk desk;
    const OrderId order = desk.buy();
    desk.start(order);
    desk.end(order, SendOutcome::refused);
    CHECK(desk.floor.order(order.value).status == OrderStatus::rejected);
    CHECK(desk.floor.position().open_buys == qty("0"));
    desk.say(desk.row(order, RowStatus::open));
    CHECK(desk.floor.count_of("order_conflict") == 1);
    CHECK(desk.floor.count_of("order_revived") == 1);
    CHECK(desk.floor.order(order.value).status == OrderStatus::working);
    CHECK(desk.floor.order(order.value).cancel_pending);
    CHECK(desk.floor.position().open_buys == qty("10"));
    desk.trade(order, "4");
    desk.say(desk.row(order, RowStatus::cancelled, "10", "4"));
    CHECK(desk.floor.order(order.value).status == OrderStatus::cancelled);
    CHECK(desk.floor.position().net == qty("4"));
    CHECK(desk.floor.position().open_buys == qty("0"));
}

TEST_CASE("a terminal row ends an order before its trades are there", "[kernel][outside]") {
    Desk desk;
    const OrderId order = desk.live();
    desk.say(desk.row(order, RowStatus::cancelled, "10", "4"));
    CHECK(desk.floor.order(order.value).status == OrderStatus::working);
    CHECK(desk.floor.position().open_buys == qty("10"));
    for (int i = 0; i < 3; ++i) {
        desk.second += 10;
        desk.read();
    }
    CHECK(desk.floor.count_of("reconciliation_differs") == 1);
    CHECK(desk.refused(limit_order(Side::buy, "1", "99", kIbm, TimeInForce::day), 1) == Rule::frozen_instrument);
    desk.trade(order, "4");
    CHECK(desk.floor.order(order.value).status == OrderStatus::cancelled);
    CHECK(desk.floor.position().net == qty("4"));
}

TEST_CASE("a trade that nobody here asked for is made to fit", "[kernel][outside]") {
    Desk desk;
    const OrderId order = desk.live();
    BrokerTradeSeen foreign;
    foreign.broker_order = "phone";
    foreign.exchange = "NSE";
    foreign.trade = "T900";
    foreign.instrument = kIbm;
    foreign.side = Side::sell;
    foreign.quantity = qty("25");
    foreign.price = px("100");
    foreign.day = kToday;
    desk.say(foreign);
    BrokerOrderSeen row = desk.row(order, RowStatus::complete);
    row.broker_order = "phone";
    row.order_tag = "";
    row.side = Side::sell;
    row.quantity = row.filled = qty("25");
    desk.say(row);
    desk.read();
    CHECK(desk.floor.count_of("outside_filled") == 1);
    CHECK(desk.floor.position().net == qty("0"));
    const OutsideBroker& broker = desk.floor.state().outside.at(kKite);
    REQUIRE(broker.outside.size() == 1);
    CHECK(broker.outside.begin()->second.net == qty("-25"));
    CHECK(broker.outside.begin()->second.cost == money("-2500"));
    CHECK(desk.refused(kBuy) == Rule::frozen_instrument);
    // A person gives it to a portfolio, at a price: the books balance, and entries go on.
    desk.say(OutsideAssigned{kMain, kKite, kIbm, Product::none, qty("-25"), px("100"), "meera", "hedge"});
    CHECK(desk.floor.position().net == qty("-25"));
    CHECK(desk.floor.portfolio().cash == money("102500"));
    CHECK(desk.floor.state().outside.at(kKite).outside.empty());
    CHECK(desk.refused(kBuy) == Rule::none);
}

TEST_CASE("what a person assigns and takes away again leaves a row of its product", "[kernel][outside]") {
    Desk desk;
    const auto assign = [&desk](std::string_view quantity) {
        desk.say(OutsideAssigned{kMain, kKite, kIbm, Product::cnc, qty(quantity), px("100"), "meera", "hedge"});
    };
    assign("25");
    CHECK(desk.floor.position().holdings.size() == 1);
    assign("-25");
    CHECK(desk.floor.position().holdings.empty());
    check_invariants(desk.floor.state());
}

TEST_CASE("an order that only reduces outlives what a person says was sold outside", "[kernel][outside]") {
    Desk desk;
    desk.trade(desk.live(), "10");
    OrderTerms terms = limit_order(Side::sell, "10", "101", kIbm, TimeInForce::day);
    terms.reduce_only = true;
    const OrderId exit = desk.place(terms);
    desk.start(exit);
    desk.end(exit, SendOutcome::acked);
    const auto sold = [&desk](std::string_view quantity) {
        desk.say(OutsideAssigned{kMain, kKite, kIbm, Product::none, qty(quantity), px("100"), "meera", "by phone"});
    };
    sold("-4");
    CHECK(desk.floor.order(exit.value).pending_quantity == qty("6"));
    desk.start(exit, Send::modify);
    desk.end(exit, SendOutcome::acked, Send::modify);
    desk.say(desk.row(exit, RowStatus::open, "6"));
    sold("-6");
    CHECK(desk.floor.order(exit.value).cancel_pending);
}

TEST_CASE("what an account held before the journal is a difference for ever", "[kernel][outside]") {
    Desk desk(false);
    desk.say(BrokerSessionChanged{kKite, SessionChange::reconciling});
    desk.say(AccountRead{kKite, AccountRowKind::holding, kIbm, Product::cnc, qty("40"), px("98"), kToday});
    desk.read(true);
    desk.say(BrokerSessionChanged{kKite, SessionChange::up});
    CHECK(desk.floor.said_of("reconciled") == Lines{"reconciled broker=kite differences=0 cause=10 root=10"});
    CHECK(desk.floor.state().outside.at(kKite).outside.begin()->second.net == qty("40"));
    CHECK(desk.refused(kBuy) == Rule::none);
    CHECK(desk.floor.position().net == qty("0"));
}

TEST_CASE("an account holds another quantity than the books, and nobody says so", "[kernel][outside]") {
    Desk desk;
    const OrderId order = desk.live();
    desk.trade(order, "10");
    desk.holds("10");
    desk.read(true);
    CHECK(desk.floor.count_of("reconciliation_differs") == 0);
    desk.holds("7");  // three are gone: perhaps a row that lags
    desk.read(true);
    CHECK(desk.floor.count_of("reconciliation_differs") == 0);
    desk.read(true);
    CHECK(desk.floor.count_of("reconciliation_differs") == 1);
    CHECK(desk.floor.said_of("reconciliation_differs").front().find("ours=10 theirs=7") != std::string::npos);
    CHECK(desk.refused(kBuy) == Rule::frozen_instrument);
    CHECK(desk.refused(limit_order(Side::sell, "5", "101", kIbm, TimeInForce::day)) == Rule::none);  // it reduces
    desk.read(true);
    CHECK(desk.floor.count_of("reconciliation_differs") == 1);  // once
    desk.say(InstrumentThawed{kKite, kIbm, "meera", "gifted"});
    CHECK(desk.refused(kBuy) == Rule::none);
}

TEST_CASE("a difference that a person has looked at freezes its instrument again, or a new one does not",
          "[kernel][outside]") {
    Desk desk;
    desk.trade(desk.live(), "10");
    const auto hold = [&desk](std::string_view quantity) {
        desk.holds(quantity);
        desk.read(true);
        desk.read(true);
    };
    hold("7");
    CHECK(desk.refused(kBuy) == Rule::frozen_instrument);
    desk.say(InstrumentThawed{kKite, kIbm, "meera", "gifted"});
    hold("7");
    CHECK(desk.floor.count_of("reconciliation_differs") == 1);
    CHECK(desk.refused(kBuy) == Rule::none);
    hold("6");
    CHECK(desk.floor.count_of("reconciliation_differs") == 2);
    CHECK(desk.refused(kBuy) == Rule::frozen_instrument);
    desk.say(InstrumentThawed{kKite, kIbm, "meera", "gifted"});
    desk.say(BrokerSessionChanged{kKite, SessionChange::up});  // who comes up says all that differs
    CHECK(desk.floor.count_of("reconciliation_differs") == 3);
    CHECK(desk.refused(kBuy) == Rule::frozen_instrument);
}

TEST_CASE("a difference in what nobody here trades is said at each read", "[kernel][outside]") {
    Desk desk;
    desk.holds("7");
    for (int i = 0; i < 5; ++i) {
        desk.read(true);
    }
    CHECK(desk.floor.count_of("reconciliation_differs") == 1);
    CHECK(desk.refused(kBuy) == Rule::none);
    desk.live();  // it is used now
    desk.read(true);
    CHECK(desk.floor.count_of("reconciliation_differs") == 2);
    CHECK(desk.refused(kBuy) == Rule::frozen_instrument);
}

TEST_CASE("a change is asked of an order whose number nobody knows, or more often than the broker allows",
          "[kernel][outside]") {
    Desk desk;
    const OrderId order = desk.buy();
    desk.start(order);
    const auto modify = [&](std::string_view quantity) {
        const std::size_t before = desk.floor.count_of("modify_intended");
        desk.floor.act(desk.next(), [&](Context& c) { c.modify(order, qty(quantity), px("99.5"), {}); });
        return desk.floor.count_of("modify_intended") != before;
    };
    CHECK_FALSE(modify("20"));
    desk.end(order, SendOutcome::acked);
    for (unsigned i = 1; i <= 25; ++i) {
        const std::string quantity = std::to_string(10 + i);
        REQUIRE(modify(quantity));
        desk.say(SendStarted{order, Send::modify, static_cast<std::uint8_t>(i), Desk::id(order)});
        desk.say(SendEnded{order, Send::modify, static_cast<std::uint8_t>(i), SendOutcome::acked, Desk::id(order), ""});
        desk.say(desk.row(order, RowStatus::open, quantity));
        REQUIRE(desk.floor.order(order.value).terms.quantity == qty(quantity));
    }
    CHECK_FALSE(modify("50"));
    CHECK(desk.floor.said_of("change_refused").back().find("rule=modifications") != std::string::npos);
}

TEST_CASE("entries go on while a live source of prices is gone", "[kernel][outside]") {
    Desk desk;
    const OrderId order = desk.live();
    desk.trade(order, "10");
    desk.say(FeedChanged{"kite", FeedState::down, "no bytes"});
    CHECK(desk.refused(kBuy) == Rule::feed_down);
    CHECK(desk.refused(limit_order(Side::sell, "10", "101", kIbm, TimeInForce::day)) == Rule::none);
    desk.say(FeedChanged{"kite", FeedState::up});
    CHECK(desk.refused(kBuy) == Rule::none);
}

TEST_CASE("more orders wait to be sent than may", "[kernel][outside]") {
    Desk desk;
    const auto burst = [&](Context& c) {
        for (int i = 0; i < 25; ++i) {
            c.place(kBuy);
        }
    };
    desk.floor.act(desk.next(), burst);
    CHECK(desk.floor.count_of("order_intended") == 20);
    CHECK(desk.floor.said_of("order_refused").back().find("rule=send_backlog limit=20 observed=21") !=
          std::string::npos);
}
