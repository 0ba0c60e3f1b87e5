#include "results/trades.hpp"
#include "tests/kernel/market_rules.hpp"
#include "tests/kernel/support.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <vector>

using namespace alpha;
using namespace alpha::test;

namespace {

Instrument share() {
    Instrument of;
    of.name = "X";
    return of;
}

/// Tells a book what happens, one event a step.
struct Teller {
    TradeBook book;
    Instrument of = share();
    InstrumentId id{0};
    Seq seq = 1;
    std::int64_t now_s = 0;
    std::uint64_t order = 0;
    Date today = parse_date("2024-01-02").value();
    Price last{};

    Envelope step() {
        ++seq;
        ++now_s;
        return {seq, at(now_s), seq - 1, seq - 1};
    }
    OrderFilled filled(Side side, const char* quantity, const char* price, const char* charges = "0") {
        OrderFilled fill;
        fill.order = OrderId{order};
        fill.instrument = id;
        fill.side = side;
        fill.quantity = qty(quantity);
        fill.price = px(price);
        fill.notional = notional(of, fill.price, fill.quantity);
        fill.charges = money(charges);
        return fill;
    }
    /// By an order of its own.
    void fill(Side side, const char* quantity, const char* price, const char* charges = "0") {
        ++order;
        more(side, quantity, price, charges);
    }
    /// Another piece of the last order.
    void more(Side side, const char* quantity, const char* price, const char* charges = "0") {
        book.fill(step(), today, of, filled(side, quantity, price, charges));
    }
    void mark(const char* price) {
        last = px(price);
        book.mark(id, last);
    }
    void finish() {
        book.finish({of}, at(now_s), today, [&](InstrumentId) { return last; });
    }
};

}  // namespace

TEST_CASE("what was bought first is sold first, and a round is from flat to flat", "[results]") {
    Teller t;
    t.fill(Side::buy, "100", "10", "1");
    t.fill(Side::buy, "50", "12", "0.50");
    t.fill(Side::sell, "120", "15", "2.40");
    t.mark("14");
    t.finish();
    const std::vector<Trade>& lots = t.book.lots();
    REQUIRE(lots.size() == 3);
    CHECK(lots[0].quantity == qty("100"));
    CHECK(lots[0].entry.price == px("10"));
    CHECK(lots[0].exit.price == px("15"));
    CHECK(lots[0].gross == money("500"));
    CHECK(lots[0].charges == money("3"));  // 1 of its entry and 100/120 of 2.40
    CHECK(lots[0].end == TradeEnd::fill);
    CHECK(lots[1].quantity == qty("20"));
    CHECK(lots[1].gross == money("60"));
    CHECK(lots[1].charges == money("0.60"));  // 20/50 of 0.50 and 20/120 of 2.40
    CHECK(lots[2].is_open());
    CHECK(lots[2].quantity == qty("30"));
    CHECK(lots[2].gross == money("60"));
    CHECK(lots[2].charges == money("0.30"));
    REQUIRE(t.book.rounds().size() == 1);
    const Trade& round = t.book.rounds()[0];
    CHECK(round.is_open());
    CHECK(round.quantity == qty("150"));
    CHECK(round.entry.price == px("10.66666667"));
    CHECK(round.gross == money("620"));
    CHECK(round.charges == money("3.90"));
}

TEST_CASE("an order that goes through flat ends one trade and begins another", "[results]") {
    Teller t;
    t.fill(Side::buy, "10", "100", "1");
    t.fill(Side::sell, "25", "103", "2.50");
    t.fill(Side::buy, "15", "101", "1.50");
    t.finish();
    const std::vector<Trade>& lots = t.book.lots();
    REQUIRE(lots.size() == 2);
    CHECK(lots[0].side == Side::buy);
    CHECK(lots[0].gross == money("30"));
    CHECK(lots[0].charges == money("2"));
    CHECK(lots[1].side == Side::sell);
    CHECK(lots[1].quantity == qty("15"));
    CHECK(lots[1].gross == money("30"));
    CHECK(lots[1].charges == money("3"));
    REQUIRE(t.book.rounds().size() == 2);
    CHECK(t.book.rounds()[0].gross == money("30"));
    CHECK(t.book.rounds()[1].gross == money("30"));
    CHECK(t.book.is_flat());
}

TEST_CASE("an order that fills in pieces is one entry and one exit", "[results]") {
    Teller t;
    t.fill(Side::buy, "4", "10");
    t.more(Side::buy, "6", "11");
    t.fill(Side::sell, "7", "12");
    t.more(Side::sell, "3", "14");
    t.finish();
    REQUIRE(t.book.lots().size() == 1);
    const Trade& trade = t.book.lots()[0];
    CHECK(trade.quantity == qty("10"));
    CHECK(trade.entry.price == px("10.6"));
    CHECK(trade.exit.price == px("12.6"));
    CHECK(trade.gross == money("20"));
    CHECK(trade.held() == Duration{3 * kSecondNs});
}

TEST_CASE("an order that fills on two days is two lots, for a day counts for taxes", "[results]") {
    Teller t;
    t.fill(Side::buy, "4", "10");
    t.today = parse_date("2024-01-03").value();
    t.more(Side::buy, "6", "10");
    t.fill(Side::sell, "10", "12");
    t.finish();
    CHECK(t.book.lots().size() == 2);
    CHECK(t.book.rounds().size() == 1);
}

TEST_CASE("how far a trade was up and down", "[results]") {
    Teller t;
    t.mark("90");  // before it: not its own
    t.fill(Side::buy, "10", "100");
    t.mark("97");
    t.mark("105");
    t.fill(Side::buy, "10", "104");
    t.mark("101");
    t.mark("108");
    t.fill(Side::sell, "10", "107");
    t.mark("80");
    t.fill(Side::sell, "10", "102");
    t.mark("200");
    t.finish();
    const std::vector<Trade>& lots = t.book.lots();
    REQUIRE(lots.size() == 2);
    CHECK(lots[0].worst == money("-30"));
    CHECK(lots[0].best == money("80"));
    CHECK(lots[1].worst == money("-240"));
    CHECK(lots[1].best == money("40"));
    REQUIRE(t.book.rounds().size() == 1);
    CHECK(t.book.rounds()[0].worst == money("-170"));  // 70 won on the first ten at 107 of 204 paid, ten more at 80
    CHECK(t.book.rounds()[0].best == money("120"));    // twenty at 108 for 2,040
}

TEST_CASE("a short is up where the price is down", "[results]") {
    Teller t;
    t.fill(Side::sell, "10", "100");
    t.mark("97");
    t.mark("105");
    t.fill(Side::buy, "10", "101");
    t.finish();
    REQUIRE(t.book.lots().size() == 1);
    CHECK(t.book.lots()[0].best == money("30"));
    CHECK(t.book.lots()[0].worst == money("-50"));
    CHECK(t.book.lots()[0].gross == money("-10"));
}

TEST_CASE("a bar's range counts for what is held through it, not for what ends or begins within it", "[results]") {
    Teller t;
    t.fill(Side::buy, "10", "100");
    t.mark("100");
    const Envelope stopped = t.step();
    t.book.range(t.id, px("104"), px("88"), stopped.correlation);
    ++t.order;
    t.book.fill(stopped, t.today, t.of, t.filled(Side::sell, "4", "95"));  // its stop, somewhere in the bar
    ++t.order;
    t.book.fill(stopped, t.today, t.of, t.filled(Side::buy, "5", "96"));  // and an entry in it
    t.last = px("99");
    t.mark("99");
    t.fill(Side::sell, "11", "99");
    t.finish();
    const std::vector<Trade>& lots = t.book.lots();
    REQUIRE(lots.size() == 3);
    CHECK(lots[0].worst == money("-20"));  // four at 95
    CHECK(lots[0].best == money("0"));
    CHECK(lots[1].worst == money("-72"));  // the other six at 88
    CHECK(lots[1].best == money("24"));
    CHECK(lots[2].worst == money("0"));  // five at 96: the bar was there before
    CHECK(lots[2].best == money("15"));
}

TEST_CASE("a split leaves a trade what it was, and sells the fraction", "[results]") {
    Teller t;
    t.fill(Side::buy, "5", "300");
    t.mark("280");
    t.fill(Side::buy, "2", "310");
    CorporateAction action = split(t.id, 3, 2);
    PositionAdjusted adjusted;
    adjusted.instrument = t.id;
    adjusted.kind = ActionKind::split;
    adjusted.quantity = qty("10");  // of 10.5
    adjusted.fraction = qty("0.5");
    adjusted.cash = money("105");
    t.book.adjust(t.step(), action, t.of, adjusted, t.today);
    t.mark("210");
    t.fill(Side::sell, "10", "220");
    t.finish();
    const std::vector<Trade>& lots = t.book.lots();
    REQUIRE(lots.size() == 3);
    CHECK(lots[0].quantity == qty("0.5"));  // first in, first out: half a new share of 7.5 that cost 1,500
    CHECK(lots[0].gross == money("5"));
    CHECK(lots[0].end == TradeEnd::action);
    CHECK(lots[1].quantity == qty("7"));
    CHECK(lots[1].entry.price == px("200"));
    CHECK(lots[1].gross == money("140"));
    CHECK(lots[1].worst == money("-93.33333338"));  // 280 was 186.66666666 of a new share
    CHECK(lots[2].quantity == qty("3"));
    CHECK(lots[2].gross == money("40"));  // for 620
    REQUIRE(t.book.rounds().size() == 1);
    CHECK(t.book.rounds()[0].gross == money("185"));
}

TEST_CASE("a dividend is part of the trades that were open on its day", "[results]") {
    Teller t;
    t.fill(Side::sell, "6", "50");
    t.fill(Side::sell, "4", "50");
    PositionAdjusted paid;
    paid.instrument = t.id;
    paid.kind = ActionKind::dividend;
    paid.quantity = qty("-10");
    paid.cash = money("-5");
    t.book.adjust(t.step(), dividend(t.id, money("0.50")), t.of, paid, t.today);
    t.fill(Side::buy, "10", "49");
    t.finish();
    REQUIRE(t.book.lots().size() == 2);
    CHECK(t.book.lots()[0].gross == money("3"));
    CHECK(t.book.lots()[1].gross == money("2"));
    CHECK(t.book.rounds()[0].gross == money("5"));
}

TEST_CASE("a merger carries entries over to the other share; one for cash alone ends them", "[results]") {
    Teller t;
    Instrument other = share();
    other.name = "Y";
    CorporateAction action;
    action.kind = ActionKind::merger;
    action.instrument = t.id;
    action.other = InstrumentId{1};
    action.new_shares = 1;
    action.old_shares = 2;
    PositionAdjusted gone;
    gone.instrument = t.id;
    gone.kind = ActionKind::merger;
    gone.cash = money("20");

    t.fill(Side::buy, "10", "40");
    SECTION("shares come") {
        PositionAdjusted came;
        came.instrument = action.other;
        came.kind = ActionKind::merger;
        came.quantity = qty("5");
        const Envelope step = t.step();
        t.book.adjust(step, action, t.of, gone, t.today);
        t.book.adjust(step, action, other, came, t.today);
        OrderFilled sold = t.filled(Side::sell, "5", "90");
        sold.instrument = action.other;
        sold.order = OrderId{7};
        t.book.fill(t.step(), t.today, other, sold);
        t.book.finish({t.of, other}, at(t.now_s), t.today, [](InstrumentId) { return Price{}; });
        REQUIRE(t.book.lots().size() == 1);
        CHECK(t.book.lots()[0].instrument == action.other);
        CHECK(t.book.lots()[0].entry.order == OrderId{1});
        CHECK(t.book.lots()[0].entry.price == px("80"));
        CHECK(t.book.lots()[0].gross == money("70"));  // 450 and 20 for 400
        REQUIRE(t.book.rounds().size() == 1);
        CHECK(t.book.rounds()[0].gross == money("70"));
    }
    SECTION("cash alone") {
        t.book.adjust(t.step(), action, t.of, gone, t.today);
        t.finish();
        REQUIRE(t.book.lots().size() == 1);
        CHECK(t.book.lots()[0].end == TradeEnd::action);
        CHECK(t.book.lots()[0].gross == money("-380"));
        CHECK(t.book.rounds()[0].gross == money("-380"));
        CHECK(t.book.is_flat());
    }
}

TEST_CASE("a demerger takes a part of the cost to the other share", "[results]") {
    Teller t;
    Instrument other = share();
    other.name = "Y";
    CorporateAction action;
    action.kind = ActionKind::demerger;
    action.instrument = t.id;
    action.other = InstrumentId{1};
    action.cost_part = parse_decimal("0.25").value();
    PositionAdjusted stays;
    stays.instrument = t.id;
    stays.kind = ActionKind::demerger;
    stays.quantity = qty("10");
    PositionAdjusted came = stays;
    came.instrument = action.other;
    t.fill(Side::buy, "10", "40");
    const Envelope step = t.step();
    t.book.adjust(step, action, t.of, stays, t.today);
    t.book.adjust(step, action, other, came, t.today);
    t.fill(Side::sell, "10", "35");
    OrderFilled sold = t.filled(Side::sell, "10", "9");
    sold.instrument = action.other;
    sold.order = OrderId{7};
    t.book.fill(t.step(), t.today, other, sold);
    t.book.finish({t.of, other}, at(t.now_s), t.today, [](InstrumentId) { return Price{}; });
    REQUIRE(t.book.lots().size() == 2);
    CHECK(t.book.lots()[0].gross == money("50"));   // 350 for 300
    CHECK(t.book.lots()[1].gross == money("-10"));  // 90 for 100
    REQUIRE(t.book.rounds().size() == 2);
    CHECK(t.book.rounds()[0].gross == money("50"));
    CHECK(t.book.rounds()[1].gross == money("-10"));
}

TEST_CASE("a contract ends by its settlement, and its shares come at that price", "[results]") {
    Teller t;
    t.of.kind = InstrumentKind::call;
    t.of.multiplier = 50;
    t.fill(Side::buy, "2", "10", "4");
    PositionSettled settled;
    settled.instrument = t.id;
    settled.kind = SettlementKind::exercised;
    settled.settled = qty("2");
    settled.price = parse_decimal("12.5").value();
    settled.charges = money("3");
    t.book.settle(t.step(), t.of, settled);
    PositionSettled shares;
    shares.instrument = InstrumentId{1};
    shares.kind = SettlementKind::shares;
    shares.settled = qty("-100");
    shares.price = parse_decimal("70").value();
    const Instrument underlying = share();
    t.book.settle(t.step(), underlying, shares);
    t.book.finish({t.of, underlying}, at(t.now_s), t.today, [](InstrumentId) { return price_of(68); });
    REQUIRE(t.book.lots().size() == 2);
    CHECK(t.book.lots()[0].end == TradeEnd::settlement);
    CHECK(t.book.lots()[0].gross == money("250"));
    CHECK(t.book.lots()[0].charges == money("7"));
    CHECK(t.book.lots()[1].side == Side::sell);
    CHECK(t.book.lots()[1].gross == money("200"));
}

TEST_CASE("long term is more than twelve months", "[results]") {
    const auto term = [](const char* bought, const char* sold) {
        Teller t;
        t.today = parse_date(bought).value();
        t.fill(Side::buy, "1", "10");
        t.today = parse_date(sold).value();
        t.fill(Side::sell, "1", "10");
        t.finish();
        return t.book.lots().at(0).is_long_term;
    };
    CHECK_FALSE(term("2023-01-10", "2024-01-10"));
    CHECK(term("2023-01-10", "2024-01-11"));
    CHECK_FALSE(term("2024-02-29", "2025-02-28"));
    CHECK(term("2024-02-29", "2025-03-01"));
}

// ---- laws -----------------------------------------------------------------------------------------------------------------------

namespace {

/// Every share by itself, with every price that it saw.
struct PlainLot {
    Side side = Side::buy;
    std::int64_t entry = 0;  ///< whole
    std::int64_t low = 0;
    std::int64_t high = 0;
};
struct PlainTrade {
    std::int64_t gross = 0;
    std::int64_t best = 0;
    std::int64_t worst = 0;
};

}  // namespace

TEST_CASE("trades are those of a model that keeps every share by itself", "[results]") {
    Dice dice(20'261'128);
    for (int run = 0; run < 200; ++run) {
        Teller t;
        std::vector<PlainLot> held;
        PlainTrade plain;
        std::int64_t cash = 0;
        std::int64_t mark = 100;
        t.mark("100");
        for (int i = 0; i < 120; ++i) {
            if (dice.below(3) != 0) {
                mark = std::max<std::int64_t>(1, mark + static_cast<std::int64_t>(dice.below(9)) - 4);
                t.mark(std::to_string(mark).c_str());
                for (PlainLot& lot : held) {
                    lot.low = std::min(lot.low, mark);
                    lot.high = std::max(lot.high, mark);
                }
                continue;
            }
            const Side side = dice.below(2) == 0 ? Side::buy : Side::sell;
            const std::int64_t quantity = 1 + static_cast<std::int64_t>(dice.below(6));
            const std::int64_t price = mark + static_cast<std::int64_t>(dice.below(3)) - 1;
            t.fill(side, std::to_string(quantity).c_str(), std::to_string(price).c_str());
            cash += side == Side::buy ? -quantity * price : quantity * price;
            for (std::int64_t each = 0; each < quantity; ++each) {
                if (held.empty() || held.front().side == side) {
                    held.push_back({side, price, price, price});
                    continue;
                }
                const PlainLot lot = held.front();
                held.erase(held.begin());
                const auto up = [&](std::int64_t at) {
                    return lot.side == Side::buy ? at - lot.entry : lot.entry - at;
                };
                plain.gross += up(price);
                plain.best += std::max({up(lot.low), up(lot.high), up(price), std::int64_t{0}});
                plain.worst += std::min({up(lot.low), up(lot.high), up(price), std::int64_t{0}});
            }
        }
        t.finish();
        Money gross;
        Money best;
        Money worst;
        Money everything;
        for (const Trade& trade : t.book.lots()) {
            everything += trade.gross;
            if (!trade.is_open()) {
                gross += trade.gross;
                best += trade.best;
                worst += trade.worst;
            }
            REQUIRE(trade.worst <= trade.gross);
            REQUIRE(trade.gross <= trade.best);
        }
        REQUIRE(gross == money_of(plain.gross));
        REQUIRE(best == money_of(plain.best));
        REQUIRE(worst == money_of(plain.worst));
        std::int64_t value = 0;
        for (const PlainLot& lot : held) {
            value += lot.side == Side::buy ? mark : -mark;
        }
        REQUIRE(everything == money_of(cash + value));
        Money of_rounds;
        for (const Trade& trade : t.book.rounds()) {
            of_rounds += trade.gross;
            REQUIRE(trade.worst <= trade.gross);
            REQUIRE(trade.gross <= trade.best);
        }
        REQUIRE(of_rounds == everything);
    }
}

TEST_CASE("charges of trades are the charges of their fills to the last unit", "[results]") {
    Dice dice(7);
    for (int run = 0; run < 100; ++run) {
        Teller t;
        t.mark("100");
        Money charged;
        for (int i = 0; i < 60; ++i) {
            const std::string charges = "0." + std::to_string(1 + dice.below(99'999'999));
            charged += money(charges.c_str());
            t.fill(dice.below(2) == 0 ? Side::buy : Side::sell, std::to_string(1 + dice.below(7)).c_str(), "100.03",
                   charges.c_str());
        }
        t.finish();
        Money of_lots;
        for (const Trade& trade : t.book.lots()) {
            of_lots += trade.charges;
        }
        Money of_rounds;
        for (const Trade& trade : t.book.rounds()) {
            of_rounds += trade.charges;
        }
        REQUIRE(of_lots == charged);
        REQUIRE(of_rounds == charged);
    }
}
