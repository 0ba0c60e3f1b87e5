/// What a market's calendar and charges decide. The calendar is tests/kernel/market_rules.hpp's, in UTC, from Monday 2024-01-01 on.

#include "tests/kernel/market_rules.hpp"
#include "tests/kernel/support.hpp"

#include <catch2/catch.hpp>

using namespace alpha;
using namespace alpha::test;

namespace {

Setup auction_setup() {
    return Setup()
        .instrument("IBM")
        .calendar("AUCTION")
        .instrument("BAC")
        .portfolio("main", "100000")
        .broker("desk")
        .strategy("one", {kIbm, kBac});
}

markets::MarketRules calendar_rules(markets::UnknownDays unknown = markets::UnknownDays::lenient) {
    markets::MarketRules rules;
    rules.unknown_days = unknown;
    rules.calendars = {auction_calendar()};
    return rules;
}

markets::MarketRules charge_rules() {
    markets::MarketRules rules;
    rules.charges = small_plan();
    return rules;
}

/// A floor with the calendar, on which brokers accept and do no more.
struct Auction : Floor {
    explicit Auction(const Setup& setup = auction_setup(), const markets::MarketRules& given = calendar_rules())
        : Floor(setup) {
        rules(Time{0}, given);
        broker().obey();
    }
    /// The rule that refuses these terms at `now`; "none" where none does.
    std::string rule_at(Time now, const OrderTerms& terms) {
        const std::size_t before = events().size();
        place(now, terms);
        for (std::size_t i = before; i < events().size(); ++i) {
            if (const auto* refused = std::get_if<OrderRefused>(&events()[i].event)) {
                return name_of(refused->rule);
            }
        }
        return "none";
    }
    /// Whether a quote at `now` reaches the broker.
    bool is_told(Time now) {
        bool told = false;
        broker().at_market = [&](Time, InstrumentId, Price, Price, Reports&) { told = true; };
        quote(now, "99", "101");
        broker().at_market = nullptr;
        return told;
    }
};

OrderTerms stop(Side side, std::string_view quantity, std::string_view price) {
    return {kIbm, side, OrderType::stop, TimeInForce::gtc, qty(quantity), {}, px(price)};
}

/// The charges of each fill, and of each day's end: "brokerage 1 gst 0.18".
Lines charges_of(const Floor& floor) {
    Lines lines;
    const auto add = [&](const std::string& what, const std::vector<markets::ChargeAmount>& amounts, Money sum) {
        std::string line = what;
        Money total;
        for (const markets::ChargeAmount& each : amounts) {
            line += std::string(" ") + name_of(each.line) + " " + to_string(each.amount);
            total += each.amount;
        }
        CHECK(total == sum);
        lines.push_back(line);
    };
    for (const DecodedEvent& e : floor.events()) {
        if (const auto* fill = std::get_if<OrderFilled>(&e.event)) {
            add("fill", fill->lines, fill->charges);
        } else if (const auto* end = std::get_if<ChargesBooked>(&e.event)) {
            add("day " + to_iso(end->date), end->lines, end->charges);
        }
    }
    return lines;
}

}  // namespace

TEST_CASE("a market takes in each phase of its day what it takes, and nothing else", "[kernel][market]") {
    struct Row {
        std::int64_t second;
        const char* limit;
        const char* market;
        const char* stop;
        const char* ioc;
        bool fills;
    };
    const char* const no = "market_phase";
    const Row rows[] = {
        {hms(8, 0), "none", "none", "none", "none", false},  // closed: it waits for the session
        {hms(9, 0), "none", "none", no, no, false},
        {hms(9, 4, 59), "none", "none", no, no, false},
        {hms(9, 5), "none", no, no, no, false},
        {hms(9, 10), no, no, no, no, true},
        {hms(9, 12), no, no, no, no, false},
        {hms(9, 15), "none", "none", "none", "none", true},
        {hms(15, 14, 59), "none", "none", "none", "none", true},
        {hms(15, 15), no, no, no, no, false},
        {hms(15, 20), "none", "none", no, no, false},
        {hms(15, 25), "none", no, no, no, false},
        {hms(15, 30), no, no, no, no, true},
        {hms(15, 36), "none", "none", "none", "none", false},
        {hms(15, 50), "none", "none", "none", "none", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.second);
        const Time now = at(row.second);
        CHECK(Auction().rule_at(now, limit_order(Side::buy, "1", "90")) == row.limit);
        CHECK(Auction().rule_at(now, market_order(Side::buy, "1")) == row.market);
        CHECK(Auction().rule_at(now, stop(Side::buy, "1", "120")) == row.stop);
        CHECK(Auction().rule_at(now, limit_order(Side::buy, "1", "90", kIbm, TimeInForce::ioc)) == row.ioc);
        CHECK(Auction().is_told(now) == row.fills);
    }
}

TEST_CASE("an order that comes while the market does not trade meets no price of before", "[kernel][market]") {
    Auction floor;
    floor.quote(at(hms(9, 20)), "99", "101");
    floor.place(at(hms(9, 21)), market_order(Side::buy, "1"));
    CHECK(floor.broker().forgotten.empty());
    floor.place(at(hms(15, 22)), market_order(Side::buy, "1"));
    CHECK(floor.broker().forgotten == std::vector<InstrumentId>{kIbm});
    floor.place(at(hms(20, 0)), market_order(Side::buy, "1"));
    CHECK(floor.broker().forgotten.size() == 2);
}

TEST_CASE("what is decided on the bar that closes with trading is in time for its close", "[kernel][market]") {
    Auction floor;
    floor.bar_opened(at(hms(15, 14)), "100");
    floor.strategy().on_bar = [](const BarClosed&, Context& c) { c.place(market_order(Side::buy, "1")); };
    floor.bar_closed(at(hms(15, 15)), "100");
    CHECK(floor.count_of("order_refused") == 0);
    CHECK(floor.broker().forgotten.empty());
    CHECK(floor.broker().effects.size() == 1);
}

TEST_CASE("a session ends with the closing auction, and DAY orders with it", "[kernel][market]") {
    Auction floor;
    floor.place(at(hms(9, 1)), limit_order(Side::buy, "1", "90", kIbm, TimeInForce::day));
    CHECK(floor.order(1).good_until == parse_date("2024-01-01").value());
    floor.said();
    floor.quote(at(hms(15, 34, 59)), "99", "101");
    CHECK(floor.said_of("session_closed").empty());
    floor.quote(at(hms(15, 40)), "99", "101");
    const auto closed = std::ranges::find_if(
        floor.events(), [](const DecodedEvent& e) { return std::holds_alternative<TradingSessionClosed>(e.event); });
    REQUIRE(closed != floor.events().end());
    CHECK(closed->envelope.time == at(hms(15, 35)));
    // What comes after the close is the next session's.
    floor.place(at(hms(15, 41)), limit_order(Side::buy, "1", "90", kIbm, TimeInForce::day));
    CHECK(floor.order(2).good_until == parse_date("2024-01-02").value());
    // Before the day's first record, too: the day is to come.
    floor.place(at(kDaySeconds + hms(3, 0)), limit_order(Side::buy, "1", "90", kIbm, TimeInForce::day));
    CHECK(floor.order(3).good_until == parse_date("2024-01-02").value());
}

TEST_CASE("on a day without trading no session opens, and an order waits for the next one", "[kernel][market]") {
    Auction floor;
    const std::int64_t friday = 25 * kDaySeconds;  // 2024-01-26, a holiday
    floor.quote(at(friday - kDaySeconds + hms(10, 0)), "99", "101");
    floor.quote(at(friday + hms(10, 0)), "98", "100");
    floor.place(at(friday + hms(10, 1)), market_order(Side::buy, "1", kIbm, TimeInForce::day));
    floor.quote(at(friday + kDaySeconds + hms(10, 0)), "98", "100");  // a Saturday
    CHECK(floor.count_of("session_opened") == 1);
    CHECK(floor.order(1).good_until == parse_date("2024-01-29").value());
    CHECK(floor.state().market(kIbm).mark == px("99"));
    floor.quote(at(friday + 3 * kDaySeconds + hms(9, 15)), "98", "100");
    CHECK(floor.count_of("session_opened") == 2);
}

TEST_CASE("a day that a calendar does not know trades all day long, or not at all", "[kernel][market]") {
    for (const std::int64_t day : {31, 60}) {  // hours that nobody said, and a day past the table's end
        CAPTURE(day);
        const Time now = at(day * kDaySeconds + hms(3, 0));
        Auction lenient;
        CHECK(lenient.rule_at(now, market_order(Side::buy, "1")) == "none");
        CHECK(lenient.is_told(now));
        CHECK(lenient.broker().forgotten.empty());
        CHECK(lenient.state().market(kIbm).session_closes == at((day + 1) * kDaySeconds));
        Auction strict(auction_setup(), calendar_rules(markets::UnknownDays::strict));
        CHECK(strict.rule_at(now, market_order(Side::buy, "1")) == "unknown_day");
        CHECK_FALSE(strict.is_told(now));
    }
}

TEST_CASE("the day's stops that have not triggered end where a closing auction begins", "[kernel][market]") {
    Auction floor;
    const auto day_stop = [](std::string_view quantity, std::string_view price) {
        OrderTerms terms = stop(Side::buy, quantity, price);
        terms.tif = TimeInForce::day;
        return terms;
    };
    floor.place(at(hms(10, 0)), day_stop("1", "120"));
    floor.place(at(hms(10, 1)), stop(Side::buy, "1", "119"));  // lasts longer than the day: it stays
    floor.place(at(hms(10, 2)), day_stop("2", "121"));
    floor.tell(at(hms(10, 3)), report(ReportKind::triggered, 3));
    floor.said();
    floor.quote(at(hms(15, 16)), "99", "101");
    CHECK(floor.said_of("cancel_intended") == Lines{"cancel_intended order=1 rule=market_phase cause=14 root=14"});
    CHECK(floor.order(1).status == OrderStatus::cancelled);
    CHECK(floor.order(2).status == OrderStatus::working);
    CHECK(floor.order(3).status == OrderStatus::working);
    floor.quote(at(hms(15, 17)), "99", "101");
    CHECK(floor.said_of("cancel_intended").empty());
}

TEST_CASE("an auction's price is told as that, and a bar of the whole day is a bar", "[kernel][market]") {
    Auction floor;
    floor.quote(at(hms(9, 11)), "99", "101");
    floor.bar_opened(at(hms(9, 15)), "100");
    floor.bar_opened(at(hms(15, 30)), "102");
    floor.bar_closed(at(hms(15, 31)), "103");
    REQUIRE(floor.broker().auctions.size() == 3);
    CHECK(floor.broker().auctions[0].bid == px("99"));
    CHECK(floor.broker().auctions[0].ask_qty == qty("100"));
    CHECK(floor.broker().auctions[1].bid == px("102"));
    CHECK(floor.broker().auctions[2].ask == px("103"));
    // A daily bar began before the auction: it is met in its range, as any bar.
    Auction daily;
    constexpr Duration kDay{kSecondNs * 60 * 380};
    daily.bar_opened(at(hms(9, 15)), "103", kIbm, kDay);
    bool closed = false;
    daily.broker().on_close = [&](const BarClosed&) { closed = true; };
    daily.bar_closed(at(hms(15, 35)), "104", kIbm, kDay);
    CHECK(closed);
    CHECK(daily.broker().auctions.empty());
}

TEST_CASE("what is decided on a bar that closes with the auction is in time for that close", "[kernel][market]") {
    Auction floor;
    floor.bar_opened(at(hms(9, 15)), "100", kIbm, Duration{kSecondNs * 60 * 380});
    floor.strategy().on_bar = [](const BarClosed&, Context& c) {
        c.place(market_order(Side::buy, "1"));
        c.place(limit_order(Side::buy, "1", "90", kIbm, TimeInForce::day));
    };
    floor.bar_closed(at(hms(15, 35)), "100", kIbm, Duration{kSecondNs * 60 * 380});
    CHECK(floor.count_of("order_refused") == 0);
    CHECK(floor.broker().forgotten.empty());
    CHECK(floor.order(2).good_until == parse_date("2024-01-02").value());
}

TEST_CASE("derivatives have a pre-opening in their last month, and options none", "[kernel][market]") {
    const auto told = [](InstrumentKind kind, const char* expiry) {
        Auction floor;
        Instrument contract = floor.state().instruments[0];
        contract.kind = kind;
        contract.expiry = parse_date(expiry).value();
        floor.change(Time{0}, kIbm, contract);
        const bool is_told = floor.is_told(at(hms(9, 11)));
        CHECK(floor.rule_at(at(hms(9, 11, 1)), market_order(Side::buy, "1")) == (is_told ? "market_phase" : "none"));
        CHECK(floor.is_told(at(hms(9, 15))));
        return is_told;
    };
    CHECK(told(InstrumentKind::share, "1970-01-01"));
    CHECK(told(InstrumentKind::future, "2024-01-25"));
    CHECK_FALSE(told(InstrumentKind::future, "2024-02-29"));
    CHECK_FALSE(told(InstrumentKind::call, "2024-01-25"));
    CHECK_FALSE(told(InstrumentKind::put, "2024-01-25"));
}

TEST_CASE("orders of a contract end with its last session", "[kernel][market]") {
    Auction floor;
    Instrument contract = floor.state().instruments[0];
    contract.expiry = parse_date("2024-01-02").value();
    floor.change(Time{0}, kIbm, contract);
    floor.place(at(hms(10, 0)), limit_order(Side::buy, "1", "90"));
    floor.quote(at(kDaySeconds + hms(15, 34)), "99", "101");
    CHECK(floor.order(1).status == OrderStatus::working);
    floor.quote(at(kDaySeconds + hms(15, 36)), "99", "101");
    CHECK(floor.order(1).status == OrderStatus::cancelled);
    // Also where nothing came on its last day.
    Auction silent;
    silent.change(Time{0}, kIbm, contract);
    silent.place(at(hms(10, 0)), limit_order(Side::buy, "1", "90"));
    silent.quote(at(2 * kDaySeconds + hms(10, 0)), "99", "101");
    CHECK(silent.order(1).status == OrderStatus::cancelled);
}

TEST_CASE("positions are closed in orders that the exchange takes", "[kernel][market]") {
    Floor floor(Setup::simple());
    floor.broker().fill_at("100");
    floor.place(at(1), market_order(Side::buy, "25"));
    Instrument frozen = floor.state().instruments[0];
    frozen.freeze = qty("11");
    frozen.lot = qty("5");
    floor.change(at(2), kIbm, frozen);
    floor.broker().effects.clear();
    floor.kill(at(3), kMain, LatchScope::flatten);
    std::vector<Qty> sent;
    for (const Effect& effect : floor.broker().effects) {
        if (const auto* place = std::get_if<PlaceOrder>(&effect)) {
            sent.push_back(place->terms.quantity);
        }
    }
    CHECK(sent == std::vector<Qty>{qty("10"), qty("10"), qty("5")});
    CHECK(floor.position().net == Qty{});
}

TEST_CASE("instruments without a calendar know nothing of another's", "[kernel][market]") {
    Auction floor;
    bool told = false;
    floor.broker().at_market = [&](Time, InstrumentId, Price, Price, Reports&) { told = true; };
    floor.quote(at(hms(3, 0)), "99", "101", kBac);
    CHECK(told);
    floor.act(at(hms(3, 1)), [](Context& c) { c.place(market_order(Side::buy, "1", kBac)); }, 0, kBac);
    CHECK(floor.count_of("order_refused") == 0);
    CHECK(floor.broker().forgotten.empty());
}

TEST_CASE("rules may change while a session runs, and the present session ends as it was opened", "[kernel][market]") {
    Auction floor;
    floor.quote(at(hms(10, 0)), "99", "101");
    markets::MarketRules early = calendar_rules();
    // A holiday that is announced on Monday for Tuesday.
    early.calendars[0].table.days.insert(
        early.calendars[0].table.days.begin(),
        {parse_date("2024-01-02").value(), markets::DayKind::holiday, "", false, "announced", stated()});
    floor.rules(at(hms(11, 0)), early);
    CHECK(floor.state().market(kIbm).session_closes == at(hms(15, 35)));
    floor.quote(at(kDaySeconds + hms(10, 0)), "99", "101");
    CHECK(floor.count_of("session_opened") == 1);
    floor.restart();
    floor.quote(at(2 * kDaySeconds + hms(10, 0)), "99", "101");
    CHECK(floor.count_of("session_opened") == 2);
}

TEST_CASE("session_hours goes by the calendar: an auction's entry is within them", "[kernel][market]") {
    const Setup setup = auction_setup().limit(Rule::session_hours, "0");
    CHECK(Auction(setup).rule_at(at(hms(8, 59)), limit_order(Side::buy, "1", "90")) == "session_hours");
    CHECK(Auction(setup).rule_at(at(hms(9, 0)), limit_order(Side::buy, "1", "90")) == "none");
    CHECK(Auction(setup).rule_at(at(hms(15, 24)), limit_order(Side::buy, "1", "90")) == "none");
    CHECK(Auction(setup).rule_at(at(hms(15, 36)), limit_order(Side::buy, "1", "90")) == "session_hours");
    CHECK(Auction(setup).rule_at(at(hms(15, 51)), limit_order(Side::buy, "1", "90")) == "session_hours");
}

TEST_CASE("an instrument's terms bind: the freeze quantity, the last day, and what they change to",
          "[kernel][market]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    Instrument contract = floor.state().instruments[0];
    contract.freeze = qty("50");
    contract.expiry = parse_date("2024-01-02").value();
    floor.change(at(0), kIbm, contract);
    floor.place(at(1), limit_order(Side::buy, "50", "90"));
    floor.place(at(2), limit_order(Side::buy, "51", "90"));
    floor.place(at(2 * kDaySeconds - 1), limit_order(Side::buy, "1", "90"));
    floor.place(at(2 * kDaySeconds), limit_order(Side::buy, "1", "90"));
    contract.lot = qty("5");
    contract.expiry = Date{};
    floor.change(at(2 * kDaySeconds), kIbm, contract);
    floor.place(at(2 * kDaySeconds + 1), limit_order(Side::buy, "1", "90"));
    Lines refusals;
    for (const DecodedEvent& e : floor.events()) {
        if (const auto* refused = std::get_if<OrderRefused>(&e.event)) {
            refusals.push_back(std::to_string(refused->order.value) + " " + name_of(refused->rule) + " " +
                               to_string(refused->limit) + " " + to_string(refused->observed));
        }
    }
    CHECK(refusals == Lines{"2 freeze_quantity 50 51", "4 expired 19724 19725", "5 lot_size 5 1"});
}

// ---- charges --------------------------------------------------------------------------------------------------------------

TEST_CASE("a fill's charges are those of its order and day, whatever its fills", "[kernel][market]") {
    Floor floor(Setup::simple());
    floor.rules(Time{0}, charge_rules());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "30", "100"));
    floor.tell(at(2), filled(1, "10", "100", "a"));
    floor.tell(at(3), filled(1, "10", "100", "b"));
    floor.tell(at(4), filled(1, "10", "100", "c"));  // the cap of 2 an order is reached
    CHECK(charges_of(floor) == Lines{"fill brokerage 1 gst 0.18", "fill brokerage 1 gst 0.18", "fill"});
    // Another day, another order's worth.
    floor.place(at(5), limit_order(Side::buy, "20", "100"));
    floor.tell(at(6), filled(2, "10", "100", "d"));
    floor.quote(at(kDaySeconds + 1), "99", "101");
    floor.tell(at(kDaySeconds + 2), filled(2, "10", "100", "e"));
    CHECK(charges_of(floor).back() == "fill brokerage 1 gst 0.18");
    CHECK(floor.portfolio().charges == floor.position().charges + floor.portfolio().day_end_charges);
}

TEST_CASE("the day's end books what the note rounds otherwise", "[kernel][market]") {
    Floor floor(Setup::simple());
    floor.rules(Time{0}, charge_rules());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "10", "100"));
    floor.tell(at(2), filled(1, "10", "100", "a"));
    floor.place(at(3), limit_order(Side::sell, "10", "100.5"));
    floor.tell(at(4), filled(2, "10", "100.5", "b"));
    const Money before = floor.portfolio().cash;
    floor.quote(at(kDaySeconds + 1), "99", "101");
    // The note: brokerage 2.005 -> 2.01, tax 1.005 -> 1, GST 18 % of 2.01 -> 0.36.
    CHECK(charges_of(floor) == Lines{"fill brokerage 1 gst 0.18", "fill brokerage 1.005 stt 1.005 gst 0.1809",
                                     "day 2024-01-01 brokerage 0.005 stt -0.005 gst -0.0009"});
    CHECK(floor.portfolio().cash == before + money("0.0009"));
    CHECK(floor.portfolio().charges == money("3.37"));
    // A day without a fill asks nothing.
    floor.quote(at(2 * kDaySeconds + 1), "99", "101");
    CHECK(charges_of(floor).size() == 3);
}

TEST_CASE("a depository asks for shares that were held and sold, and for nothing that was sold short",
          "[kernel][market]") {
    Floor floor(Setup::simple());
    floor.rules(Time{0}, charge_rules());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "10", "100"));
    floor.tell(at(2), filled(1, "10", "100", "a"));
    floor.quote(at(kDaySeconds + 1), "99", "101");
    floor.place(at(kDaySeconds + 2), limit_order(Side::sell, "20", "100"));
    floor.tell(at(kDaySeconds + 3), filled(2, "20", "100", "b"));
    floor.quote(at(2 * kDaySeconds + 1), "99", "101");
    // 13, and 18 % of it: 2.34.
    CHECK(charges_of(floor).back() == "day 2024-01-02 gst 2.34 dp 13");
    floor.place(at(2 * kDaySeconds + 2), limit_order(Side::sell, "10", "100"));  // short already
    floor.tell(at(2 * kDaySeconds + 3), filled(3, "10", "100", "c"));
    floor.quote(at(3 * kDaySeconds + 1), "99", "101");
    CHECK(charges_of(floor).back() == "fill brokerage 1 stt 1 gst 0.18");
}

TEST_CASE("an order whose charges nobody knows is refused, and one that comes to such a day is cancelled",
          "[kernel][market]") {
    Floor floor(Setup::simple());
    markets::MarketRules short_lived = charge_rules();
    for (markets::ChargeRow& row : short_lived.charges.rows) {
        row.to = parse_date("2024-01-01").value();
    }
    floor.rules(Time{0}, short_lived);
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    CHECK(floor.order(1).status == OrderStatus::working);
    floor.said();
    floor.quote(at(kDaySeconds + 1), "99", "101");
    CHECK(floor.order(1).status == OrderStatus::cancelled);
    CHECK_THAT(floor.said_of("cancel_intended").at(0), Catch::Contains("order=1 rule=no_charges"));
    floor.place(at(kDaySeconds + 2), limit_order(Side::buy, "10", "90"));
    CHECK_THAT(floor.said_of("order_refused").at(0), Catch::Contains("rule=no_charges"));
}

TEST_CASE("buying power counts what an order will be charged", "[kernel][market]") {
    // 999 x 100 = 99,900; brokerage is capped at 2, GST 0.36: 99,902.36.
    Setup setup = Setup::simple().limit(Rule::buying_power, "1");
    Floor floor(setup);
    floor.rules(Time{0}, charge_rules());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "999", "100"));
    CHECK(floor.order(1).valued_at > px("100.0023"));
    CHECK(floor.order(1).valued_at < px("100.0024"));
    floor.place(at(2), limit_order(Side::buy, "1", "97.64"));
    CHECK_THAT(floor.said_of("order_refused").at(0),
               Catch::Contains("rule=buying_power limit=100000 observed=100000."));
}
