#include "results/trades.hpp"
#include "tests/kernel/market_rules.hpp"
#include "tests/kernel/support.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <deque>
#include <map>
#include <set>
#include <tuple>
#include <utility>
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
        book.finish(at(now_s), today, [&](InstrumentId) { return last; });
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
    CHECK(lots[1].worst == money("-93.33333331"));  // 280 was 186.66666667 of a new share
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

TEST_CASE("a merger carries entries over to the other share, one for cash alone ends them", "[results]") {
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
        t.book.finish(at(t.now_s), t.today, [](InstrumentId) { return Price{}; });
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
    t.book.finish(at(t.now_s), t.today, [](InstrumentId) { return Price{}; });
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
    t.book.finish(at(t.now_s), t.today, [](InstrumentId) { return price_of(68); });
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

/// A share by itself: who bought and who sold it, and when. Moments are numbers of marks that were seen.
struct PlainShare {
    Side side = Side::buy;
    std::uint64_t entry_order = 0;
    std::int32_t entry_day = 0;
    Seq entry_event = 0;
    double entry_price = 0;
    double cost = 0;  ///< of what was left of its order
    std::size_t entered = 0;
    std::uint64_t exit_order = 0;  ///< 0: held
    std::int32_t exit_day = 0;
    Seq exit_event = 0;
    double exit_price = 0;
    std::size_t left = 0;

    double up(double at) const { return side == Side::buy ? at - cost : cost - at; }
    bool is_with(const PlainShare& other) const {
        return entry_order == other.entry_order && entry_day == other.entry_day;
    }
};
using PairOfOrders = std::tuple<std::uint64_t, std::int32_t, std::uint64_t, std::int32_t>;

PairOfOrders pair_of(const Trade& trade) {
    return {trade.entry.order.value, trade.entry.date.days, trade.exit.order.value,
            trade.is_open() ? 0 : trade.exit.date.days};
}

/// Of the fills of one order that follow each other what is left is at one price, whichever shares are sold.
void take_from_front(std::deque<PlainShare>& held, std::size_t quantity, std::vector<PlainShare>& taken) {
    const auto end =
        std::find_if(held.begin(), held.end(), [&](const PlainShare& each) { return !each.is_with(held.front()); });
    double sum = 0;
    std::for_each(held.begin(), end, [&](const PlainShare& each) { sum += each.cost; });
    std::for_each(held.begin(), end,
                  [&, price = sum / static_cast<double>(end - held.begin())](PlainShare& each) { each.cost = price; });
    const auto part = std::min(static_cast<std::ptrdiff_t>(quantity), end - held.begin());
    taken.insert(taken.end(), held.begin(), held.begin() + part);
    held.erase(held.begin(), held.begin() + part);
}

bool is_near(Money amount, double other) {
    return std::abs(static_cast<double>(amount.raw) / static_cast<double>(kScale) - other) < 1e-6;
}

void require_same(const Trade& trade, std::vector<PlainShare> shares, const std::vector<std::int64_t>& marks) {
    double apart = 0;
    for (const PlainShare& share : shares) {
        apart += (share.cost - share.entry_price) / static_cast<double>(shares.size());
    }
    for (PlainShare& share : shares) {
        share.cost = share.entry_price + apart;
    }
    std::set<Seq> entries;
    std::set<Seq> exits;
    double gross = 0;
    for (const PlainShare& share : shares) {
        entries.insert(share.entry_event);
        gross += share.up(share.exit_order == 0 ? static_cast<double>(marks.back()) : share.exit_price);
        if (share.exit_order != 0) {
            exits.insert(share.exit_event);
        }
    }
    double best = std::max(0.0, gross);
    double worst = std::min(0.0, gross);
    for (std::size_t i = 0; i < marks.size(); ++i) {
        bool is_held = false;
        double up = 0;
        for (const PlainShare& share : shares) {
            const bool has_left = share.exit_order != 0 && share.left <= i;
            is_held = is_held || (share.entered <= i && !has_left);
            up += share.entered > i ? 0 : share.up(has_left ? share.exit_price : static_cast<double>(marks[i]));
        }
        if (is_held) {
            best = std::max(best, up);
            worst = std::min(worst, up);
        }
    }
    REQUIRE(trade.quantity == qty_of(static_cast<std::int64_t>(shares.size())));
    REQUIRE(is_near(trade.gross, gross));
    REQUIRE(is_near(trade.best, best));
    REQUIRE(is_near(trade.worst, worst));
    REQUIRE(trade.fills == entries.size() + exits.size());
    REQUIRE(trade.exit.event == (exits.empty() ? kNoSeq : *exits.rbegin()));
}

}  // namespace

TEST_CASE("trades are those of a model that keeps every share by itself", "[results]") {
    Dice dice(20'261'128);
    for (int run = 0; run < 300; ++run) {
        Teller t;
        std::vector<PlainShare> done;
        std::deque<PlainShare> held;
        std::vector<std::int64_t> marks{100};
        const std::uint64_t slots = 1 + dice.below(4);  // orders that fill in turn
        std::array<Side, 4> sides{};
        std::array<std::uint64_t, 4> live{1, 2, 3, 4};
        std::uint64_t orders = 4;
        t.mark("100");
        for (int i = 0; i < 150; ++i) {
            if (dice.below(3) != 0) {
                marks.push_back(std::max<std::int64_t>(1, marks.back() + static_cast<std::int64_t>(dice.below(9)) - 4));
                t.mark(std::to_string(marks.back()).c_str());
                continue;
            }
            if (dice.below(20) == 0) {
                ++t.today.days;
            }
            const std::size_t slot = dice.below(slots);
            if (dice.below(3) == 0) {
                live[slot] = ++orders;
                sides[slot] = dice.below(2) == 0 ? Side::buy : Side::sell;
            }
            const Side side = sides[slot];
            const std::size_t quantity = 1 + dice.below(6);
            const std::int64_t price = marks.back() + static_cast<std::int64_t>(dice.below(3)) - 1;
            t.order = live[slot];
            t.more(side, std::to_string(quantity).c_str(), std::to_string(price).c_str());
            std::vector<PlainShare> taken;
            while (taken.size() < quantity && !held.empty() && held.front().side != side) {
                take_from_front(held, quantity - taken.size(), taken);
            }
            for (PlainShare& share : taken) {
                share.exit_order = t.order;
                share.exit_day = t.today.days;
                share.exit_event = t.seq;
                share.exit_price = static_cast<double>(price);
                share.left = marks.size();
            }
            done.insert(done.end(), taken.begin(), taken.end());
            for (std::size_t each = taken.size(); each < quantity; ++each) {
                held.push_back({side, t.order, t.today.days, t.seq, static_cast<double>(price),
                                static_cast<double>(price), marks.size(), 0, 0, 0, 0, 0});
            }
        }
        t.finish();
        while (!held.empty()) {
            take_from_front(held, held.size(), done);
        }
        std::map<PairOfOrders, std::vector<PlainShare>> plain;
        for (const PlainShare& share : done) {
            plain[{share.entry_order, share.entry_day, share.exit_order, share.exit_day}].push_back(share);
        }
        const std::vector<Trade>& lots = t.book.lots();
        REQUIRE(lots.size() == plain.size());
        Money everything;
        for (const Trade& trade : lots) {
            REQUIRE(plain.contains(pair_of(trade)));
            require_same(trade, plain.at(pair_of(trade)), marks);
            everything += trade.gross;
        }
        REQUIRE(std::ranges::is_sorted(lots, {},
                                       [](const Trade& trade) { return std::pair(trade.is_open(), trade.exit.time); }));
        Money of_rounds;
        for (const Trade& trade : t.book.rounds()) {
            of_rounds += trade.gross;
            REQUIRE(trade.worst <= trade.gross);
            REQUIRE(trade.gross <= trade.best);
        }
        REQUIRE(is_near(of_rounds - everything, 0));
    }
}

TEST_CASE("a trade that is a whole round is not as far up and down as the round", "[results]") {
    Dice dice(11);
    for (int run = 0; run < 300; ++run) {
        Teller t;
        std::int64_t mark = 100;
        const auto move = [&] {
            for (std::uint64_t i = dice.below(4); i > 0; --i) {
                mark += static_cast<std::int64_t>(dice.below(9)) - 4;
                t.mark(std::to_string(mark).c_str());
            }
        };
        const Side side = dice.below(2) == 0 ? Side::buy : Side::sell;
        const std::uint64_t entries = 1 + dice.below(4);
        t.order = 1;
        for (std::uint64_t i = 0; i < entries; ++i) {
            move();
            t.more(side, "6", std::to_string(mark).c_str());
        }
        move();
        PositionAdjusted paid;
        paid.instrument = t.id;
        paid.kind = ActionKind::dividend;
        paid.cash = money(side == Side::buy ? "5" : "-5");
        t.book.adjust(t.step(), dividend(t.id, money("1")), t.of, paid, t.today);
        t.order = 2;
        for (std::uint64_t left = entries * 6; left > 0;) {
            move();
            const std::uint64_t part = std::min(left, 1 + dice.below(9));
            left -= part;
            t.more(opposite(side), std::to_string(part).c_str(), std::to_string(mark).c_str());
        }
        t.finish();
        REQUIRE(t.book.lots().size() == 1);
        REQUIRE(t.book.rounds().size() == 1);
        const Trade& lot = t.book.lots().front();
        const Trade& round = t.book.rounds().front();
        REQUIRE(lot.best == round.best);
        REQUIRE(lot.worst == round.worst);
        REQUIRE(lot.gross == round.gross);
        REQUIRE(lot.fills == round.fills);
        REQUIRE(lot.entry.price == round.entry.price);
        REQUIRE(lot.exit.price == round.exit.price);
        REQUIRE(lot.exit.event == round.exit.event);
    }
}

TEST_CASE("what an order bought and another sold is not one trade where others fill in between", "[results]") {
    Teller t;
    t.order = 1;
    t.more(Side::buy, "9", "100");
    t.order = 2;
    t.more(Side::sell, "3", "101", "1");
    t.order = 3;
    t.more(Side::sell, "3", "100.5");
    t.order = 2;
    t.more(Side::sell, "3", "102", "2");
    t.finish();
    const std::vector<Trade>& lots = t.book.lots();
    REQUIRE(lots.size() == 2);
    CHECK(lots[0].exit.order == OrderId{3});  // it ended first
    CHECK(lots[0].quantity == qty("3"));
    CHECK(lots[1].exit.order == OrderId{2});
    CHECK(lots[1].quantity == qty("6"));
    CHECK(lots[1].exit.price == px("101.5"));
    CHECK(lots[1].charges == money("3"));
    CHECK(lots[1].fills == 3);
    CHECK(lots[1].exit.event == t.seq);
    CHECK(lots[1].exit.time == at(t.now_s));
}

TEST_CASE("an order that grew is judged at early marks by what it became", "[results]") {
    Teller t;
    t.order = 1;
    t.more(Side::buy, "1", "100");
    t.mark("99.95");
    t.more(Side::buy, "1", "99");
    t.mark("98.95");
    t.more(Side::buy, "98", "80");
    t.mark("79.95");
    t.mark("80.95");
    t.fill(Side::sell, "100", "80.90");
    t.finish();
    REQUIRE(t.book.lots().size() == 1);
    CHECK(t.book.lots()[0].best == money("56"));
    CHECK(t.book.lots()[0].worst == money("-44"));
    CHECK(t.book.lots()[0].fills == 4);
}

TEST_CASE("the price of what was split is not rounded half-even", "[results]") {
    Teller t;
    t.fill(Side::buy, "10", "666.66666667");
    t.today.days += 1;
    PositionAdjusted adjusted;
    adjusted.instrument = t.id;
    adjusted.kind = ActionKind::split;
    adjusted.quantity = qty("100");
    t.book.adjust(t.step(), split(t.id, 10, 1), t.of, adjusted, t.today);
    t.fill(Side::sell, "100", "70");
    t.finish();
    REQUIRE(t.book.lots().size() == 1);
    CHECK(t.book.lots()[0].entry.price == px("66.66666667"));
    CHECK(t.book.lots()[0].entry.notional == money("6666.66666670"));
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
