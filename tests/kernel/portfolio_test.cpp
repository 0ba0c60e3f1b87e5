#include "kernel/charges.hpp"
#include "kernel/portfolio.hpp"
#include "tests/kernel/support.hpp"

namespace alpha::test {

namespace {

Position holding(std::string_view net, std::string_view cost) {
    Position position;
    position.net = qty(net);
    position.cost = money(cost);
    return position;
}

PositionChange fill(const Position& before, Side side, std::string_view quantity, std::string_view price) {
    return with_fill(before, Product::none, side, qty(quantity), px(price), notional(px(price), qty(quantity)));
}

/// "net cost realized", of one change.
std::string told(const PositionChange& change) {
    return to_string(change.after.net) + ' ' + to_string(change.after.cost) + ' ' + to_string(change.realized_pnl);
}

/// A position of so many raw units (1e-8) at so many raw units of cost, closed in part for nothing.
Money cost_taken(std::int64_t net, std::int64_t cost, std::int64_t closed) {
    Position before;
    before.net = Qty{net};
    before.cost = Money{cost};
    const Side side = net > 0 ? Side::sell : Side::buy;
    const PositionChange change = with_fill(before, Product::none, side, Qty{closed}, Price{1}, Money{0});
    REQUIRE(change.realized_pnl == -(before.cost - change.after.cost));
    return before.cost - change.after.cost;
}

}  // namespace

TEST_CASE("a sell adds cash, a buy takes it, and charges always take", "[kernel]") {
    CHECK(cash_change({}, Side::sell, money("1000"), {}, money("0")) == money("1000"));
    CHECK(cash_change({}, Side::buy, money("1000"), {}, money("0")) == money("-1000"));
    CHECK(cash_change({}, Side::sell, money("1000"), {}, money("1.5")) == money("998.5"));
    CHECK(cash_change({}, Side::buy, money("1000"), {}, money("1.5")) == money("-1001.5"));
}

TEST_CASE("every way a fill can move a position has the right quantity, cost and profit", "[kernel]") {
    struct Row {
        const char* fear;
        const char* net;
        const char* cost;
        Side side;
        const char* quantity;
        const char* price;
        const char* after;  // net, cost, realized
    };
    const Row rows[] = {
        {"opens long", "0", "0", Side::buy, "10", "100", "10 1000 0"},
        {"opens short: the cost is the proceeds, negative", "0", "0", Side::sell, "10", "100", "-10 -1000 0"},
        {"adds to a long at a higher price", "10", "1000", Side::buy, "5", "130", "15 1650 0"},
        {"adds to a short at a lower price", "-10", "-1000", Side::sell, "5", "70", "-15 -1350 0"},
        {"a long's part closes with profit", "10", "1000", Side::sell, "4", "110", "6 600 40"},
        {"a long's part closes with loss", "10", "1000", Side::sell, "4", "90", "6 600 -40"},
        {"a short's profit is earned when the price falls", "-10", "-1000", Side::buy, "4", "90", "-6 -600 40"},
        {"a short's loss is taken when the price rises", "-10", "-1000", Side::buy, "4", "110", "-6 -600 -40"},
        {"a long closes whole", "10", "1000", Side::sell, "10", "110", "0 0 100"},
        {"a short closes whole", "-10", "-1000", Side::buy, "10", "110", "0 0 -100"},
        {"a flip from long closes with the old cost and opens with the new", "10", "1000", Side::sell, "15", "110",
         "-5 -550 100"},
        {"a flip from short closes with the old cost and opens with the new", "-10", "-1000", Side::buy, "15", "90",
         "5 450 100"},
        {"a flip by one unit only", "10", "1000", Side::sell, "10.00000001", "100", "-0.00000001 -0.000001 0"},
    };
    for (const Row& row : rows) {
        INFO(row.fear);
        CHECK(told(fill(holding(row.net, row.cost), row.side, row.quantity, row.price)) == row.after);
    }
}

TEST_CASE("a fill adds to what was realized and traded before, and counts itself", "[kernel]") {
    Position before = holding("10", "1000");
    before.realized_pnl = money("7");
    before.traded = money("1000");
    before.charges = money("3");
    before.open_buys = qty("2");
    before.open_sells = qty("1");
    before.fills = 4;
    const Position after = fill(before, Side::sell, "15", "110").after;
    CHECK(after.realized_pnl == money("107"));
    CHECK(after.traded == money("2650"));
    CHECK(after.fills == 5);
    // Not a fill's business: charges and reservations are the fold's.
    CHECK(after.charges == money("3"));
    CHECK(after.open_buys == qty("2"));
    CHECK(after.open_sells == qty("1"));
}

TEST_CASE("a partial close takes cost in proportion and rounds half to even", "[kernel]") {
    struct Row {
        std::int64_t net, cost, closed, taken;
    };
    const Row rows[] = {
        {4, 2, 1, 0},    // 0.5
        {4, 6, 1, 2},    // 1.5
        {4, 10, 1, 2},   // 2.5
        {4, 14, 1, 4},   // 3.5
        {4, 5, 1, 1},    // 1.25
        {4, 7, 1, 2},    // 1.75
        {4, 6, 3, 4},    // 4.5
        {-4, -2, 1, 0},  // the same for a short
        {-4, -6, 1, -2}, {-4, -10, 1, -2}, {-4, -14, 1, -4}, {-4, -5, 1, -1},
        {-4, -7, 1, -2}, {3, 10, 2, 7},    {-3, -10, 2, -7},
    };
    for (const Row& row : rows) {
        INFO(row.closed << " of " << row.net << " at " << row.cost);
        CHECK(cost_taken(row.net, row.cost, row.closed) == Money{row.taken});
    }
}

TEST_CASE("the last close takes the remainder, whatever rounding left", "[kernel]") {
    for (const std::int64_t sign : {1, -1}) {
        Position position;
        position.net = Qty{3 * sign};
        position.cost = Money{10 * sign};
        const Side side = sign > 0 ? Side::sell : Side::buy;
        Lines left;
        for (int i = 0; i < 3; ++i) {
            position = with_fill(position, Product::none, side, Qty{1}, Price{1}, Money{0}).after;
            left.push_back(to_string(Money{position.cost.raw * kScale * sign}));
        }
        CHECK(left == Lines{"7", "3", "0"});  // 10/3 -> 3, 7/2 = 3.5 -> 4, all that is left
        CHECK(position.net.raw == 0);
        CHECK(position.realized_pnl == Money{-10 * sign});
    }
}

TEST_CASE("a cost far beyond 64 bits is divided exactly", "[kernel]") {
    Position position;
    position.net = limits::kMaxQty;
    position.cost = notional(limits::kMaxPrice, limits::kMaxQty);
    const PositionChange change =
        with_fill(position, Product::none, Side::sell, Qty{limits::kMaxQty.raw / 2}, limits::kMaxPrice,
                  notional(limits::kMaxPrice, Qty{limits::kMaxQty.raw / 2}));
    CHECK(change.after.cost == money("50000000000000000000"));
    CHECK(change.realized_pnl == Money{});
}

TEST_CASE("a flip loses nothing of the notional to rounding", "[kernel]") {
    // 0.5 per unit: closing one raw unit is worth 0.5 -> 0, the whole three are worth 1.5 -> 2.
    Position position;
    position.net = Qty{1};
    const PositionChange change =
        with_fill(position, Product::none, Side::sell, Qty{3}, px("0.5"), notional(px("0.5"), Qty{3}));
    CHECK(change.after.net == Qty{-2});
    CHECK(change.realized_pnl == Money{0});
    CHECK(change.after.cost == Money{-2});
    CHECK(change.after.traded == Money{2});
}

TEST_CASE("market value and unrealized profit have the sign of what closing would bring", "[kernel]") {
    CHECK(market_value({}, holding("10", "1000"), px("110")) == money("1100"));
    CHECK(unrealized_pnl({}, holding("10", "1000"), px("110")) == money("100"));
    CHECK(unrealized_pnl({}, holding("10", "1000"), px("90")) == money("-100"));
    CHECK(market_value({}, holding("-10", "-1000"), px("110")) == money("-1100"));
    CHECK(unrealized_pnl({}, holding("-10", "-1000"), px("110")) == money("-100"));
    CHECK(unrealized_pnl({}, holding("-10", "-1000"), px("90")) == money("100"));
    CHECK(unrealized_pnl({}, holding("0", "0"), px("90")) == money("0"));
}

TEST_CASE("a multiplier counts in every amount, and of a future only profit is paid", "[kernel]") {
    Instrument lead;  // a quantity of one is a thousand kilograms
    lead.kind = InstrumentKind::future;
    lead.multiplier = 1'000;
    CHECK(notional(lead, px("161.05"), qty("1")) == money("161050"));
    const Position bought = with_fill({}, Product::nrml, Side::buy, qty("2"), px("161"), money("322000"), lead).after;
    CHECK(bought.cost == money("322000"));
    CHECK(market_value(lead, bought, px("162")) == money("2000"));
    CHECK(unrealized_pnl(lead, bought, px("162")) == money("2000"));
    CHECK(cash_change(lead, Side::buy, money("322000"), {}, money("20")) == money("-20"));
    // Over zero: the part that closes is priced with its multiplier, too.
    const PositionChange flipped =
        with_fill(bought, Product::nrml, Side::sell, qty("3"), px("162"), money("486000"), lead);
    CHECK(flipped.realized_pnl == money("2000"));
    CHECK(flipped.after.cost == money("-162000"));
    CHECK(cash_change(lead, Side::sell, money("486000"), flipped.realized_pnl, money("0")) == money("2000"));
    Instrument option = lead;
    option.kind = InstrumentKind::call;
    CHECK(market_value(option, bought, px("162")) == money("324000"));
    CHECK(cash_change(option, Side::buy, money("322000"), {}, money("20")) == money("-322020"));
}

TEST_CASE("the worst case counts only working orders of its own side", "[kernel]") {
    Position position = holding("10", "1000");
    position.open_buys = qty("5");
    position.open_sells = qty("30");
    CHECK(worst_case_long(position, qty("2")) == qty("17"));
    CHECK(worst_case_short(position, qty("2")) == qty("-22"));
}

TEST_CASE("charges are per fill plus a rate rounded half to even once", "[kernel]") {
    const auto charged = [](std::string_view per_fill, std::string_view rate, Money notional) {
        return to_string(charges_for({money(per_fill), money(rate)}, notional));
    };
    CHECK(charged("0", "0", money("1000")) == "0");
    CHECK(charged("20", "0", money("1000")) == "20");
    CHECK(charged("20", "0.0003", money("1234.56")) == "20.370368");
    CHECK(charged("0", "0.5", Money{1}) == "0");           // 0.5 raw -> 0
    CHECK(charged("0", "0.5", Money{3}) == "0.00000002");  // 1.5 raw -> 2
    CHECK(charged("0", "0.5", Money{5}) == "0.00000002");  // 2.5 raw -> 2
}

TEST_CASE("realized profit is gross: charges stand beside it, and cash has both", "[kernel]") {
    Floor floor(Setup::simple().charges("1", "0.001"));
    floor.broker().fill_at("100");
    floor.place(at(1), market_order(Side::buy, "10"));
    CHECK(floor.portfolio().cash == money("98998"));  // 100,000 - 1,000 - (1 + 1)
    floor.broker().fill_at("110");
    floor.place(at(2), market_order(Side::sell, "10"));
    CHECK(floor.portfolio().realized_pnl == money("100"));
    CHECK(floor.portfolio().charges == money("4.1"));
    CHECK(floor.portfolio().cash == money("100095.9"));
    CHECK(floor.position().realized_pnl == money("100"));
    CHECK(floor.position().charges == money("4.1"));
    CHECK(floor.position().traded == money("2100"));
    CHECK(value(floor.state(), floor.portfolio()).equity == money("100095.9"));
}

TEST_CASE("a short sold first and bought back pays into cash, then out of it", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().fill_at("100");
    floor.place(at(1), market_order(Side::sell, "10"));
    CHECK(floor.portfolio().cash == money("101000"));
    CHECK(value(floor.state(), floor.portfolio()).equity == money("100000"));
    CHECK(value(floor.state(), floor.portfolio()).gross_exposure == money("1000"));
    floor.quote(at(2), "110", "110");
    CHECK(value(floor.state(), floor.portfolio()).unrealized_pnl == money("-100"));
    CHECK(value(floor.state(), floor.portfolio()).market_value == money("-1100"));
    floor.broker().fill_at("90");
    floor.place(at(3), market_order(Side::buy, "10"));
    CHECK(floor.portfolio().cash == money("100100"));
    CHECK(floor.portfolio().realized_pnl == money("100"));
}

TEST_CASE("portfolios keep their books apart", "[kernel]") {
    Floor floor(
        Setup::without_strategy().portfolio("side", "500").strategy("one", {kIbm}).strategy("two", {kIbm}, kSide));
    floor.broker().fill_at("10");
    floor.strategy(0).once([](Context& c) { c.place(market_order(Side::buy, "10")); });
    floor.strategy(1).once([](Context& c) { c.place(market_order(Side::sell, "3")); });
    floor.quote(at(1), "10", "10");
    CHECK(floor.position(kIbm, kMain).net == qty("10"));
    CHECK(floor.portfolio(kMain).cash == money("99900"));
    CHECK(floor.position(kIbm, kSide).net == qty("-3"));
    CHECK(floor.portfolio(kSide).cash == money("530"));
}

}  // namespace alpha::test
