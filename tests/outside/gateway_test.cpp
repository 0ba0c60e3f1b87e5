#include "adapters/outside/gateway.hpp"
#include "events/event.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <string>
#include <vector>

using namespace alpha;

namespace {

constexpr Date kDay{20'000};
constexpr Time kStart{kDay.days * kDayNs + 4 * 3'600LL * kSecondNs};

Time at(double s) {
    return Time{kStart.ns + static_cast<std::int64_t>(s * 1e9)};
}

struct Client final : OutsideClient {
    std::vector<std::string> did;
    SendToken last = 0;
    void begin(SendToken token, const OutsideMessage& message) override {
        last = token;
        did.push_back(fmt::format("{} {}", name_of(message.started.what), message.started.order.value));
    }
    void abandon(SendToken token) override { did.push_back(fmt::format("abandon {}", token)); }
    void read_book() override { did.emplace_back("read"); }
};

std::string text_of(const OutsideWord& word) {
    return std::visit(
        overloaded{[](const SendEnded& e) {
                       return fmt::format("{} {} {}{}", name_of(e.what), e.order.value, name_of(e.outcome),
                                          e.broker_order.empty() ? "" : " " + e.broker_order);
                   },
                   [](const BrokerOrderSeen& e) { return fmt::format("row {} {}", e.broker_order, name_of(e.status)); },
                   [](const BrokerTradeSeen& e) { return fmt::format("trade {}", e.trade); },
                   [](const AccountRead& e) {
                       return fmt::format("account {} {}", e.instrument.value, to_string(e.quantity));
                   },
                   [](const BookRead& e) { return fmt::format("book{}", e.is_final ? ", final" : ""); },
                   [](SessionChange e) { return std::string(name_of(e)); }},
        word);
}

struct Desk {
    Client client;
    std::vector<std::string> said;
    Turn turn = Turn::begin;
    std::vector<std::string> raws;  ///< with words that came with any
    Gateway gateway{client,
                    [this](const OutsideWord& word, std::string_view raw) {
                        said.push_back(text_of(word));
                        if (!raw.empty()) {
                            raws.push_back(said.back() + ": " + std::string(raw));
                        }
                    },
                    [this](const OutsideMessage&, Time) { return turn; }};

    std::vector<std::string> take() { return std::exchange(said, {}); }
    std::vector<std::string> asked() { return std::exchange(client.did, {}); }
    void read(double s, const std::vector<BrokerOrderSeen>& rows = {},
              const std::vector<BrokerTradeSeen>& trades = {}) {
        OutsideRead read{kDay, false, {}, {}, true};
        for (const BrokerOrderSeen& each : rows) {
            read.orders.push_back({each});
        }
        for (const BrokerTradeSeen& each : trades) {
            read.trades.push_back({each});
        }
        gateway.was_read(read, at(s));
    }
    /// Connected at 0, up at 1.
    void come_up() {
        gateway.connect(at(0));
        read(0.2);
        gateway.tick(at(1));
        read(1);
        REQUIRE(gateway.is_up());
        take();
        asked();
    }
};

using Texts = std::vector<std::string>;

OutsideMessage message(std::uint64_t order, Send what = Send::place) {
    OutsideMessage made;
    made.started = {OrderId{order}, what, 1, what == Send::place ? "" : "B" + std::to_string(order)};
    return made;
}
BrokerOrderSeen row(const std::string& id, RowStatus status = RowStatus::open) {
    BrokerOrderSeen made;
    made.broker_order = id;
    made.status = status;
    return made;
}
BrokerTradeSeen trade(const std::string& id, const std::string& name) {
    BrokerTradeSeen made;
    made.broker_order = id;
    made.exchange = "NSE";
    made.trade = name;
    made.day = kDay;
    return made;
}

}  // namespace

TEST_CASE("a gateway is up before two reads in a row said the same", "[outside]") {
    Desk desk;
    desk.gateway.connect(at(0));
    CHECK(desk.take() == Texts{"reconciling"});
    CHECK(desk.asked() == Texts{"read"});
    desk.read(0.2, {row("B1")});
    CHECK(desk.take() == Texts{"row B1 open", "book"});
    CHECK_FALSE(desk.gateway.is_up());
    CHECK(desk.asked().empty());
    CHECK(desk.gateway.next_due() == at(1));
    desk.gateway.tick(at(1));
    CHECK(desk.asked() == Texts{"read"});
    desk.read(1.1, {row("B1"), row("B2")}, {trade("B2", "t1")});
    CHECK(desk.take() == Texts{"trade t1", "row B2 open", "book"});
    desk.gateway.tick(at(2));
    desk.gateway.was_read(std::nullopt, at(2.1));  // no whole read: it is as if there had been none
    CHECK(desk.take().empty());
    desk.gateway.tick(at(3));
    desk.read(3.1, {row("B1"), row("B2")}, {trade("B2", "t1")});
    CHECK(desk.take() == Texts{"book", "up"});
    CHECK(desk.gateway.is_up());
}

TEST_CASE("a message begins where nobody is connected, is held or is too old", "[outside]") {
    Desk desk;
    desk.gateway.send(message(1), at(0));
    CHECK(desk.take() == Texts{"place 1 not_started"});
    desk.come_up();
    desk.turn = Turn::withhold_killed;
    desk.gateway.send(message(2), at(2));
    desk.turn = Turn::withhold_old;
    desk.gateway.send(message(3), at(2));
    CHECK(desk.take() == Texts{"place 2 withheld", "place 3 withheld"});
    CHECK(desk.asked().empty());
    desk.turn = Turn::begin;
    desk.gateway.send(message(4), at(2));
    desk.gateway.send(message(5, Send::cancel), at(2));
    CHECK(desk.asked() == Texts{"place 4", "cancel 5"});
    desk.gateway.answered(desk.client.last, {SendOutcome::acked, "whatever", "", false}, at(2.1));
    CHECK(desk.take() == Texts{"cancel 5 acked B5"});  // whom it was for
}

TEST_CASE("a message has two ends, or none", "[outside]") {
    Desk desk;
    desk.come_up();
    desk.gateway.send(message(1), at(2));
    const SendToken first = desk.client.last;
    desk.asked();
    desk.gateway.tick(at(8.9));
    CHECK(desk.take().empty());
    CHECK(desk.asked() == Texts{"read"});  // one that is on the way is looked for
    desk.read(8.95);
    desk.take();
    desk.gateway.tick(at(9));
    CHECK(desk.take() == Texts{"place 1 unknown"});
    CHECK(desk.asked().front() == fmt::format("abandon {}", first));
    desk.gateway.answered(first, {SendOutcome::acked, "B1", "", false}, at(9.1));
    CHECK(desk.take().empty());
    // What is on the way when the session ends has its end as well.
    desk.gateway.send(message(2), at(10));
    desk.gateway.disconnect(SessionChange::down);
    CHECK(desk.take() == Texts{"down"});
    CHECK(desk.gateway.next_due() == at(17));
    desk.gateway.tick(at(17));
    CHECK(desk.take() == Texts{"place 2 unknown"});
    CHECK(desk.gateway.next_due() == kNever);
}

TEST_CASE("a broker that asks for a login is sent more", "[outside]") {
    Desk desk;
    desk.come_up();
    desk.gateway.send(message(1), at(2));
    desk.gateway.answered(desk.client.last, {SendOutcome::refused, "", "token", true}, at(2.1));
    CHECK(desk.take() == Texts{"place 1 refused", "login_needed"});
    desk.asked();
    desk.gateway.send(message(2), at(2.2));
    CHECK(desk.take() == Texts{"place 2 not_started"});
    desk.gateway.tick(at(60));
    CHECK(desk.asked().empty());
    desk.gateway.connect(at(61));
    CHECK(desk.take() == Texts{"reconciling"});
    CHECK(desk.asked() == Texts{"read"});
}

TEST_CASE("the book is read seldom where something is open, or often where nothing is", "[outside]") {
    Desk desk;
    desk.come_up();
    CHECK(desk.gateway.next_due() == at(21));
    desk.gateway.expect(0, 2);
    CHECK(desk.gateway.next_due() == at(6));
    desk.gateway.expect(1, 2);
    CHECK(desk.gateway.next_due() == at(2));
    desk.gateway.expect(0, 0);
    desk.gateway.hint(at(1.1));
    CHECK(desk.asked().empty());  // three a second, whatever is hinted
    CHECK(desk.gateway.next_due() == at(1.333));
    desk.gateway.tick(at(1.333));
    CHECK(desk.asked() == Texts{"read"});
    desk.gateway.hint(at(1.4));
    CHECK(desk.asked().empty());  // one at a time
    desk.read(1.5);
    CHECK(desk.asked().empty());
    desk.gateway.tick(at(1.7));
    CHECK(desk.asked() == Texts{"read"});
}

TEST_CASE("a book that shrank, or of which nothing was read for long, is believed", "[outside]") {
    Desk desk;
    desk.gateway.connect(at(0));
    desk.read(0.1, {row("B1")}, {trade("B1", "t1")});
    desk.gateway.tick(at(1));
    desk.read(1, {row("B1")}, {trade("B1", "t1")});
    REQUIRE(desk.gateway.is_up());
    desk.take();
    desk.gateway.tick(at(31));
    desk.asked();
    desk.read(31, {}, {trade("B1", "t1")});
    desk.gateway.tick(at(31.5));
    CHECK(desk.take() == Texts{"down"});  // 30 seconds without a whole one
    CHECK_FALSE(desk.gateway.is_up());
    desk.gateway.tick(at(32));
    CHECK(desk.asked() == Texts{"read"});
    desk.gateway.tick(at(37));  // no answer: asked again
    CHECK(desk.asked() == Texts{"read"});
    desk.read(37.1, {row("B1", RowStatus::complete)}, {trade("B1", "t1"), trade("B1", "t2")});
    CHECK(desk.take() == Texts{"trade t2", "row B1 complete", "book"});
    desk.gateway.tick(at(38.1));
    desk.read(38.2, {row("B1", RowStatus::complete)}, {trade("B1", "t1"), trade("B1", "t2")});
    CHECK(desk.take() == Texts{"book", "up"});
}

TEST_CASE("a new day's book is taken for one that shrank", "[outside]") {
    Desk desk;
    desk.gateway.connect(at(0));
    desk.read(0.1, {row("B1"), row("B2")});
    desk.take();
    desk.gateway.tick(at(1));
    desk.gateway.was_read(OutsideRead{Date{kDay.days + 1}, false, {{row("B3")}}, {}}, at(1.1));
    CHECK(desk.take() == Texts{"row B3 open", "book"});
}

TEST_CASE("a session is up before it was read what the account holds", "[gateway]") {
    Desk desk;
    desk.gateway.connect(at(0));
    const OutsideRead without{kDay, false, {}, {}};
    desk.gateway.was_read(without, at(0.2));
    desk.gateway.tick(at(1.2));
    desk.gateway.was_read(without, at(1.4));
    CHECK_FALSE(desk.gateway.is_up());
    desk.gateway.tick(at(2.4));
    desk.read(2.6);
    CHECK(desk.gateway.is_up());
}
TEST_CASE("the bytes of a row or an answer do not go with their word, or a row is told again for its bytes alone",
          "[outside]") {
    Desk desk;
    desk.come_up();
    const auto read = [&](double s, const std::string& raw) {
        desk.gateway.was_read(OutsideRead{kDay, false, {{row("B1"), raw}}, {{trade("B1", "t1"), "of t1"}}, false},
                              at(s));
        desk.gateway.tick(at(s + 30));
    };
    desk.gateway.tick(at(30));
    read(30.1, "once");
    read(60.2, "again");
    desk.gateway.send(message(1), at(91));
    SendAnswer answer{SendOutcome::refused, {}, "no"};
    answer.http = 400;
    answer.error_type = "InputException";
    answer.raw = "a body";
    desk.gateway.answered(desk.client.last, answer, at(91.1));
    CHECK(desk.raws == std::vector<std::string>{"trade t1: of t1", "row B1 open: once", "place 1 refused: a body"});
}
