// What a kernel makes of a broker outside: what the walks of tests/live found, each by itself. Floor folds, saves and loads after every step.

#include "events/order_tag.hpp"
#include "tests/kernel/support.hpp"

#include <catch2/catch.hpp>
#include <optional>
#include <string>

namespace alpha::test {

namespace {

constexpr BrokerId kDesk{0};
constexpr std::uint32_t kLog = 7;

/// One strategy in IBM and BAC at a broker outside that is up.
struct Outside {
    explicit Outside(OutsideRules rules = {}) : floor(Setup::simple()) {
        floor.broker().links = false;
        rules.needs_product = false;
        say(BrokerRulesSet{kDesk, kLog, rules});
    }
    void say(const Input& word) { floor.word(now = now + Duration{kSecondNs}, word); }
    void session(SessionChange change) { say(BrokerSessionChanged{kDesk, change}); }
    void read() {
        BookRead read;
        read.begun_at = now;
        read.day = day();
        read.with_account = true;
        say(read);
    }
    void account(AccountRowKind kind, std::int64_t quantity) {
        AccountRead row;
        row.kind = kind;
        row.instrument = kIbm;
        row.quantity = qty_of(quantity);
        row.day = day();
        say(row);
    }
    Date day() const { return TradingHours{}.date_of(now); }
    OrderId place(const OrderTerms& terms) {
        now = now + Duration{kSecondNs};
        return floor.place(now, terms);
    }
    /// The broker has it, as "B" and its number.
    void take(OrderId order) {
        say(SendStarted{order, Send::place, 1, {}, to_string(OrderTag{kLog, order})});
        say(SendEnded{order, Send::place, 1, SendOutcome::acked, name(order), {}});
    }
    static std::string name(OrderId order) { return "B" + std::to_string(order.value); }
    void trade(OrderId order, const std::string& number, std::int64_t quantity, Side side = Side::buy) {
        say(BrokerTradeSeen{name(order), "NSE", number, kIbm, side, qty_of(quantity), px("100"), day()});
    }
    void row(OrderId order, RowStatus status, std::int64_t filled, std::int64_t quantity, Side side = Side::buy) {
        BrokerOrderSeen seen;
        seen.broker_order = name(order);
        seen.order_tag = to_string(OrderTag{kLog, order});
        seen.instrument = kIbm;
        seen.side = side;
        seen.quantity = qty_of(quantity);
        seen.filled = qty_of(filled);
        seen.price = px("100");
        seen.status = status;
        seen.placed_at = now;
        say(seen);
    }
    const OutsideBroker& outside() const { return floor.state().outside.at(kDesk); }
    Qty apart() const {
        const auto at = outside().outside.find({kIbm, Product::none});
        return at == outside().outside.end() ? Qty{} : at->second.net;
    }

    Floor floor;
    Time now = at(36'000);
};

OrderTerms day_limit(Side side, std::string_view quantity, std::string_view price) {
    return limit_order(side, quantity, price, kIbm, TimeInForce::day);
}

}  // namespace

TEST_CASE("what the account held before the journal is not what it held in the morning", "[outside]") {
    Outside world;
    world.session(SessionChange::reconciling);
    world.account(AccountRowKind::holding, 40);
    world.account(AccountRowKind::position, 9);  // its trades are on their way
    world.read();
    world.session(SessionChange::up);
    CHECK(world.apart() == qty("40"));
}

TEST_CASE("a row of the account that went while nobody looked is believed after a restart", "[outside]") {
    Outside world;
    world.session(SessionChange::reconciling);
    world.account(AccountRowKind::holding, 40);
    world.read();
    world.session(SessionChange::up);
    world.session(SessionChange::restarted);
    CHECK(world.outside().account_rows.empty());
}

TEST_CASE("positions agree with an account that was not read", "[outside]") {
    Outside world;
    world.session(SessionChange::reconciling);
    BookRead read;
    read.begun_at = world.now;
    read.day = world.day();
    world.floor.said();
    world.say(read);
    const Lines said = world.floor.said_of("book_read");
    REQUIRE(said.size() == 1);
    CHECK(said.front().find("positions_agree=false") != std::string::npos);
}

TEST_CASE("what another changes at the broker answers a change that was asked for", "[outside]") {
    Outside world;
    world.session(SessionChange::up);
    const OrderId order = world.place(day_limit(Side::buy, "7", "100"));
    world.take(order);
    world.now = world.now + Duration{kSecondNs};
    world.floor.act(world.now, [&](Context& c) { c.modify(order, qty("10"), px("100"), {}); });
    world.say(SendStarted{order, Send::modify, 1, Outside::name(order)});
    world.say(SendEnded{order, Send::modify, 1, SendOutcome::unknown, Outside::name(order), {}});
    world.trade(order, "T1", 8);
    world.row(order, RowStatus::open, 8, 8);  // by hand
    CHECK_FALSE(is_terminal(world.floor.order(order.value).status));
    CHECK(world.floor.order(order.value).leaves() == qty("2"));
    world.row(order, RowStatus::complete, 8, 8);
    CHECK(world.floor.order(order.value).status == OrderStatus::filled);
}

TEST_CASE("an order is overdue for a kernel that goes on from a snapshot, and was not before", "[outside]") {
    OutsideRules rules;
    rules.cancels_most = 1;
    Outside world(rules);
    world.session(SessionChange::up);
    const OrderId order = world.place(market_order(Side::buy, "10"));
    world.take(order);
    world.row(order, RowStatus::open, 0, 10);
    world.now = world.now + rules.market_rest;
    world.read();  // it rests for too long
    world.say(SendStarted{order, Send::cancel, 1, Outside::name(order)});
    world.say(SendEnded{order, Send::cancel, 1, SendOutcome::refused, Outside::name(order), {}});
    world.read();  // and was not cancelled
    const Lines before = world.floor.said_of("order_overdue");
    world.read();
    const std::size_t more = world.floor.said_of("order_overdue").size();
    CHECK(before.size() == 1);
    CHECK(more == 1);  // at once, as after a restart
}

TEST_CASE("a leg that was over and is alive reserves besides its group", "[outside]") {
    Outside world;
    world.session(SessionChange::up);
    OrderId first;
    world.now = world.now + Duration{kSecondNs};
    world.floor.act(world.now, [&](Context& c) {
        first = c.one_cancels_other(day_limit(Side::buy, "10", "99"), day_limit(Side::buy, "10", "98"));
    });
    const OrderId second{first.value + 1};
    world.take(first);
    world.take(second);
    world.row(second, RowStatus::cancelled, 0, 10);
    REQUIRE(is_terminal(world.floor.order(second.value).status));
    world.row(second, RowStatus::open, 0, 10);  // Floor checks the sums
    CHECK(world.floor.order(second.value).status == OrderStatus::working);
    CHECK(world.floor.position().open_buys == qty("10"));
}

TEST_CASE("an exit cannot be changed because it lasts", "[outside]") {
    Outside world;
    world.session(SessionChange::up);
    Context::Bracket bracket{};
    world.now = world.now + Duration{kSecondNs};
    world.floor.act(world.now,
                    [&](Context& c) { bracket = c.bracket(day_limit(Side::buy, "10", "100"), px("95"), px("105")); });
    world.take(bracket.entry);
    world.trade(bracket.entry, "T1", 10);
    world.take(bracket.target);
    world.now = world.now + Duration{kSecondNs};
    world.floor.said();
    world.floor.act(world.now, [&](Context& c) { c.modify(bracket.target, qty("10"), px("106"), {}); });
    CHECK(world.floor.said_of("change_refused").empty());
}

}  // namespace alpha::test
