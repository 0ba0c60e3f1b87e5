/// How contracts are settled: futures day by day, and all of them as they expire. Amounts were computed by hand from the table in
/// kernel/settlement.hpp. Days begin and end at midnight UTC, from Monday 2024-01-01 on, where no calendar says otherwise.

#include "kernel/settlement.hpp"
#include "tests/kernel/market_rules.hpp"
#include "tests/kernel/support.hpp"

#include <catch2/catch.hpp>

using namespace alpha;
using namespace alpha::test;

namespace {

constexpr InstrumentId kContract{0};
constexpr InstrumentId kUnderlying{1};

/// A contract that ends on Wednesday 2024-01-03, and what it is written on.
Setup with_contract(InstrumentKind kind, std::int64_t multiplier = 10, std::string_view strike = "100") {
    return Setup()
        .instrument("CONTRACT")
        .contract(kind, "2024-01-03", multiplier, "INDEX", strike)
        .instrument("INDEX")
        .portfolio("main", "100000")
        .broker("desk")
        .strategy("one", {kContract, kUnderlying});
}

struct Pit : Floor {
    explicit Pit(const Setup& setup) : Floor(setup) {}
    void trades(Time now, Side side, std::string_view quantity, std::string_view price) {
        broker().fill_at(price);
        strategy().once([&](Context& c) { c.place(market_order(side, quantity)); });
        quote(now, price, price, kContract);
        broker().obey();
    }
    void marks(Time now, std::string_view price, InstrumentId instrument = kContract) {
        quote(now, price, price, instrument);
    }
    /// "daily 1050: 3 at 31500, cash 1500", as each position was settled.
    Lines settled() const {
        Lines lines;
        for (const DecodedEvent& e : events()) {
            if (const auto* s = std::get_if<PositionSettled>(&e.event)) {
                lines.push_back(std::string(name_of(s->kind)) + " " + to_string(s->price) + ": " +
                                to_string(s->quantity) + " at " + to_string(s->cost) + ", cash " + to_string(s->cash) +
                                ", realized " + to_string(s->realized_pnl));
            }
        }
        return lines;
    }
    std::string books(InstrumentId instrument = kContract) const {
        return to_string(position(instrument).net) + " at " + to_string(position(instrument).cost) + ", cash " +
               to_string(portfolio().cash) + ", equity " + to_string(portfolio().equity);
    }
};

Time on(int day, std::int64_t second = 36'000) {
    return at(day * kDaySeconds + second);
}
Date date(int day) {
    return Date{parse_date("2024-01-01").value().days + day};
}

}  // namespace

TEST_CASE("a future's profit comes in day by day, and nothing else is paid for it", "[kernel][settlement]") {
    Pit pit(with_contract(InstrumentKind::future));
    pit.trades(on(0), Side::buy, "3", "1000");
    pit.marks(on(0, 40'000), "1040");
    CHECK(pit.books() == "3 at 30000, cash 100000, equity 101200");
    pit.settles(on(0, 80'000), kContract, date(0), "1050");  // not the last price
    pit.marks(on(1), "1060");
    CHECK(pit.settled() == Lines{"daily 1050: 3 at 31500, cash 1500, realized 1500"});
    CHECK(pit.books() == "3 at 31500, cash 101500, equity 101800");
    pit.trades(on(1), Side::sell, "1", "1055");  // 5 x 10 more than it was settled at
    CHECK(pit.books() == "2 at 21000, cash 101550, equity 101650");
    pit.restart();
    pit.marks(on(2), "1030");  // nobody told Tuesday's: its last price was 1055
    CHECK(pit.settled().back() == "daily 1055: 2 at 21100, cash 100, realized 100");
}

TEST_CASE("three days of a short future", "[kernel][settlement]") {
    Pit pit(with_contract(InstrumentKind::future));
    pit.trades(on(0), Side::sell, "2", "1000");
    pit.settles(on(0, 86'000), kContract, date(0), "1010");
    pit.marks(on(1), "990");
    pit.settles(on(1, 86'000), kContract, date(1), "985.5");
    pit.marks(on(2), "980");
    pit.settles(on(2, 86'000), kUnderlying, date(2), "970.05");
    pit.marks(on(3), "960", kUnderlying);
    CHECK(pit.settled() == Lines{"daily 1010: -2 at -20200, cash -200, realized -200",
                                 "daily 985.5: -2 at -19710, cash 490, realized 490",
                                 "cash 970.05: 0 at 0, cash 309, realized 309"});
    CHECK(pit.books() == "0 at 0, cash 100599, equity 100599");  // (1000 - 970.05) x 2 x 10
    CHECK(pit.count_of("contract_expired") == 1);
}

TEST_CASE("a future may settle below zero, whatever was quoted", "[kernel][settlement]") {
    Pit pit(with_contract(InstrumentKind::future, 100));
    pit.trades(on(2), Side::buy, "1", "20");
    pit.marks(on(2, 40'000), "0.05");
    pit.settles(on(2, 80'000), kContract, date(2), "-37.63");
    pit.marks(on(3), "1", kUnderlying);
    CHECK(pit.settled() == Lines{"cash -37.63: 0 at 0, cash -5763, realized -5763"});
    CHECK(pit.portfolio().cash == money("94237"));
}

TEST_CASE("an option in the money is worth what its underlying says, and one out of it nothing",
          "[kernel][settlement]") {
    struct Row {
        InstrumentKind kind;
        Side side;
        const char* underlying;
        const char* settled;
        const char* cash;
    };
    const Row rows[] = {
        {InstrumentKind::call, Side::buy, "112.5", "exercised 12.5: 0 at 0, cash 250, realized 150", "100150"},
        {InstrumentKind::call, Side::sell, "112.5", "exercised 12.5: 0 at 0, cash -250, realized -150", "99850"},
        {InstrumentKind::call, Side::buy, "100", "worthless 0: 0 at 0, cash 0, realized -100", "99900"},
        {InstrumentKind::call, Side::sell, "99", "worthless 0: 0 at 0, cash 0, realized 100", "100100"},
        {InstrumentKind::put, Side::buy, "92.5", "exercised 7.5: 0 at 0, cash 150, realized 50", "100050"},
        {InstrumentKind::put, Side::sell, "92.5", "exercised 7.5: 0 at 0, cash -150, realized -50", "99950"},
        {InstrumentKind::put, Side::buy, "100.05", "worthless 0: 0 at 0, cash 0, realized -100", "99900"},
    };
    for (const Row& row : rows) {
        CAPTURE(name_of(row.kind), name_of(row.side), row.underlying);
        Pit pit(with_contract(row.kind));
        pit.trades(on(1), row.side, "2", "5");  // 2 x 5 x 10
        pit.marks(on(1, 40'000), "6");
        pit.marks(on(2, 50'000), row.underlying, kUnderlying);
        pit.marks(on(3), "100", kUnderlying);
        CHECK(pit.settled() == Lines{row.settled});
        CHECK(to_string(pit.portfolio().cash) == row.cash);
        CHECK(pit.portfolio().equity == pit.portfolio().cash);
    }
}

TEST_CASE("a contract whose underlying has no price is settled at its own last", "[kernel][settlement]") {
    Pit pit(with_contract(InstrumentKind::call));
    pit.trades(on(1), Side::buy, "2", "5");
    pit.marks(on(2), "4.5");
    pit.marks(on(4), "4.5");
    CHECK(pit.settled() == Lines{"exercised 4.5: 0 at 0, cash 90, realized -10"});
}

TEST_CASE("orders of a contract end with it, and no new ones are taken", "[kernel][settlement]") {
    Pit pit(with_contract(InstrumentKind::future));
    pit.broker().obey();
    pit.place(on(1), limit_order(Side::buy, "1", "50"));
    pit.marks(on(2), "60");
    pit.marks(on(3, 10), "100", kUnderlying);
    CHECK(pit.order(1).status == OrderStatus::cancelled);
    CHECK(pit.said_of("cancel_intended").front().starts_with("cancel_intended order=1 rule=expired "));
    pit.place(on(3, 20), limit_order(Side::buy, "1", "50"));
    CHECK(pit.count_of("order_refused") == 1);
}

TEST_CASE("an execution that is told after the expiry is settled as well", "[kernel][settlement]") {
    Pit pit(with_contract(InstrumentKind::future));
    pit.broker().obey();
    pit.place(on(1), limit_order(Side::buy, "3", "50"));
    pit.marks(on(2), "60");
    pit.marks(on(2), "70", kUnderlying);
    pit.marks(on(3, 10), "71", kUnderlying);
    CHECK(pit.count_of("contract_expired") == 0);  // there was nothing left of it
    pit.tell(on(3, 20), filled(1, "2", "50", "late"));
    pit.restart();
    pit.marks(on(3, 30), "72", kUnderlying);
    CHECK(pit.settled() == Lines{"cash 71: 0 at 0, cash 420, realized 420"});
}

TEST_CASE("stock contracts end in shares", "[kernel][settlement]") {
    struct Row {
        InstrumentKind kind;
        Side side;
        const char* shares;
        const char* cost;
        const char* cash;  // 100,000, the premium of 100 paid or got, and the strike of 20 x 100 or the future's
    };
    const Row rows[] = {
        {InstrumentKind::call, Side::buy, "20", "2250", "97900"},
        {InstrumentKind::call, Side::sell, "-20", "-2250", "102100"},
        {InstrumentKind::put, Side::buy, "-20", "-1850", "101900"},  // at 92.5
        {InstrumentKind::put, Side::sell, "20", "1850", "98100"},
        {InstrumentKind::future, Side::buy, "20", "2250", "97900"},  // bought at 105: 2250 - 150
        {InstrumentKind::future, Side::sell, "-20", "-2250", "102100"},
    };
    for (const Row& row : rows) {
        CAPTURE(name_of(row.kind), name_of(row.side));
        Setup setup = with_contract(row.kind);
        const bool is_future = row.kind == InstrumentKind::future;
        RunConfigured config = setup.config();
        config.instruments[0].is_delivered = true;
        Floor floor(config);
        floor.broker().fill_at(is_future ? "105" : "5");
        floor.place(on(2), market_order(row.side, "2"));
        floor.broker().obey();
        floor.quote(on(2, 50'000), is_future ? "105" : "5", is_future ? "105" : "5");
        const char* last = row.kind == InstrumentKind::put ? "92.5" : "112.5";
        floor.quote(on(2, 60'000), last, last, kUnderlying);
        floor.quote(on(3), last, last, kUnderlying);
        CHECK(floor.position(kContract).net == Qty{});
        CHECK(to_string(floor.position(kUnderlying).net) == row.shares);
        CHECK(to_string(floor.position(kUnderlying).cost) == row.cost);
        CHECK(to_string(floor.portfolio().cash) == row.cash);
        CHECK(floor.count_of("position_settled") == 2);
    }
}

TEST_CASE("an expiry that its calendar has made a holiday is the trading day before", "[kernel][settlement]") {
    RunConfigured config = with_contract(InstrumentKind::future).config();
    for (Instrument& each : config.instruments) {
        each.calendar = "AUCTION";
    }
    config.instruments[0].expiry = parse_date("2024-01-26").value();  // a holiday, a Friday
    Floor floor(config);
    markets::MarketRules rules;
    rules.calendars = {auction_calendar()};
    floor.rules(Time{0}, rules);
    floor.broker().fill_at("100");
    floor.place(on(24, hms(10, 0)), market_order(Side::buy, "1"));  // Thursday
    floor.broker().obey();
    floor.quote(on(24, hms(15, 0)), "101", "101", kUnderlying);
    CHECK(last_day_of(floor.state(), kContract) == parse_date("2024-01-25").value());
    floor.quote(on(24, hms(15, 36)), "101", "101", kUnderlying);
    CHECK(floor.count_of("contract_expired") == 1);
    CHECK(floor.position(kContract).net == Qty{});
    CHECK(floor.portfolio().cash == money("100010"));
}

TEST_CASE("who exercises pays tax on what it is worth, and a brokerage for each order that the freeze quantity makes",
          "[kernel][settlement]") {
    RunConfigured config = with_contract(InstrumentKind::call, 1).config();
    config.instruments[0].exchange = "NFO";
    config.instruments[0].freeze = qty("1800");
    Floor floor(config);
    markets::MarketRules rules;
    rules.charges = markets::embedded_charges("zerodha").value();
    floor.rules(Time{0}, rules);
    floor.broker().fill_at("5");
    floor.place(on(2), market_order(Side::buy, "1800"));
    floor.place(on(2), market_order(Side::buy, "1200"));
    floor.broker().obey();
    floor.quote(on(2, 50'000), "200", "200", kUnderlying);
    floor.quote(on(3), "200", "200", kUnderlying);
    const PositionSettled* fact = nullptr;
    for (const DecodedEvent& e : floor.events()) {
        fact = std::get_if<PositionSettled>(&e.event) != nullptr ? std::get_if<PositionSettled>(&e.event) : fact;
    }
    REQUIRE(fact != nullptr);
    // 3000 x 100 at 0.125 per cent is 375 (INDIA.md, V11), and 1800 and 1200 are two orders of 20, with 18 per cent on those.
    CHECK(fact->lines == std::vector<markets::ChargeAmount>{{markets::ChargeLine::brokerage, money("40")},
                                                            {markets::ChargeLine::stt, money("375")},
                                                            {markets::ChargeLine::gst, money("7.2")}});
    CHECK(fact->cash == money("300000"));
    CHECK(floor.portfolio().day_end_charges < money("1"));  // the note says the same
}

TEST_CASE("Kite's arithmetic of positions comes out of the books", "[kernel][settlement]") {
    // KITE.md 3.4: GOLDGUINEA was carried at 3, bought once more and sold; its close of the day before was 23232.
    Pit gold(Setup()
                 .instrument("GOLDGUINEA")
                 .contract(InstrumentKind::future, "2024-06-03", 1)
                 .portfolio("main", "100000")
                 .broker("desk")
                 .strategy("one", {kContract}));
    gold.trades(on(0), Side::buy, "3", "23057");  // 69,171: with 23,388 the 92,559 that were bought in all
    gold.settles(on(0, 80'000), kContract, date(0), "23232");
    const auto realized = [&] { return to_string(gold.position(kContract).realized_pnl); };
    gold.marks(on(1), "23300");
    CHECK(realized() == "525");
    gold.trades(on(1, 40'000), Side::buy, "1", "23388");
    gold.trades(on(1, 50'000), Side::sell, "4", "23340");
    CHECK(realized() == "801");                                                   // pnl: 93,360 - 92,559
    CHECK(gold.position(kContract).realized_pnl - money("525") == money("276"));  // m2m: 93,360 - (3 x 23,232 + 23,388)
    // LEADMINI: one lot of a thousand.
    Pit lead(Setup()
                 .instrument("LEADMINI")
                 .contract(InstrumentKind::future, "2024-06-03", 1'000)
                 .portfolio("main", "1000000")
                 .broker("desk")
                 .strategy("one", {kContract}));
    lead.trades(on(0), Side::buy, "1", "161.05");
    lead.marks(on(0, 50'000), "161.05");
    CHECK(lead.books() == "1 at 161050, cash 1000000, equity 1000000");
    CHECK(lead.position(kContract).traded == money("161050"));
    // SBIN as a cover order: bought at 311, sold at 309.
    Pit cover(Setup::simple());
    cover.trades(on(0), Side::buy, "1", "311");
    cover.trades(on(0), Side::sell, "1", "309");
    CHECK(cover.position(kIbm).realized_pnl == money("-2"));
}

TEST_CASE("what cannot be delivered is settled in cash", "[kernel][settlement]") {
    const auto kinds = [](RunConfigured config, const char* settlement) {
        config.instruments[0].is_delivered = true;
        Floor floor(config);
        floor.broker().fill_at("105");
        floor.place(on(2), market_order(Side::buy, "2"));
        floor.broker().obey();
        floor.quote(on(2, 60'000), "112", "112", kUnderlying);
        if (settlement != nullptr) {
            floor.settles(on(2, 70'000), kContract, date(2), settlement);
        }
        floor.quote(on(3), "112", "112", kUnderlying);
        std::string text;
        for (const DecodedEvent& e : floor.events()) {
            const auto* fact = std::get_if<PositionSettled>(&e.event);
            text += fact != nullptr ? std::string(name_of(fact->kind)) + " " : "";
        }
        return text;
    };
    const RunConfigured future = with_contract(InstrumentKind::future).config();
    CHECK(kinds(future, nullptr) == "delivered shares ");
    CHECK(kinds(future, "-5") == "cash ");
    RunConfigured on_a_future = future;
    on_a_future.instruments[1].kind = InstrumentKind::future;  // as options of MCX: a lot is not a share
    CHECK(kinds(on_a_future, nullptr) == "cash ");
    RunConfigured on_itself = future;
    on_itself.instruments[0].underlying = "CONTRACT";
    CHECK(kinds(on_itself, nullptr) == "cash ");
    RunConfigured option = with_contract(InstrumentKind::call).config();
    CHECK(kinds(option, "-7") == "worthless ");
}

TEST_CASE("a loss that an expiry makes latches the kill switch at once", "[kernel][settlement]") {
    Setup setup = with_contract(InstrumentKind::call);
    setup.limit(Rule::daily_loss, "50");
    Pit pit(setup);
    pit.trades(on(2), Side::buy, "2", "5");
    pit.marks(on(2, 40'000), "5");
    pit.marks(on(2, 50'000), "99", kUnderlying);
    pit.kill(on(3, 1));  // runs what is due before it
    CHECK(pit.settled().size() == 1);
    CHECK(pit.said_of("kill_switch_latched").front().find("rule=daily_loss") != std::string::npos);
}

TEST_CASE("contracts end in the order of their times among all that falls due", "[kernel][settlement]") {
    RunConfigured config = with_contract(InstrumentKind::future).config();
    config.instruments[0].hours = {0, hms(9, 0), hms(15, 40)};
    config.instruments[1].hours = {0, hms(9, 0), hms(23, 30)};
    Floor floor(config);
    floor.broker().fill_at("100");
    floor.place(on(2), market_order(Side::buy, "1"));
    floor.broker().obey();
    floor.quote(on(2, 40'000), "100", "100", kUnderlying);
    floor.said();
    floor.quote(on(3), "100", "100", kUnderlying);
    Lines kinds;
    for (const std::string& line : floor.said()) {
        kinds.push_back(line.substr(line.find(' ') + 1, 10) + line.substr(line.find('T'), 9));
    }
    REQUIRE(kinds.size() >= 4);
    CHECK(kinds[0] == "2024-01-03T15:40:00");
    CHECK(floor.count_of("contract_expired") == 1);
    CHECK(floor.events().at(floor.events().size() - 4).envelope.time >= on(2, hms(15, 40)));
    for (const DecodedEvent& e : floor.events()) {
        if (std::holds_alternative<ContractExpired>(e.event)) {
            CHECK(e.envelope.time == on(2, hms(15, 40)));
        }
    }
}
