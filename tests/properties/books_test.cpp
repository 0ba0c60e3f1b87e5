#include "kernel/charges.hpp"
#include "kernel/portfolio.hpp"
#include "tests/kernel/support.hpp"
#include "tests/properties/exact_model.hpp"

#include <rapidcheck/catch.h>

namespace alpha::test {

namespace {

/// Raw quantities and prices that are awkward: few or many units, seldom round.
rc::Gen<std::int64_t> awkward(std::int64_t most) {
    return rc::gen::oneOf(
        rc::gen::inRange<std::int64_t>(1, 8), rc::gen::inRange<std::int64_t>(1, most),
        rc::gen::map(rc::gen::inRange<std::int64_t>(1, most / kScale + 1), [](std::int64_t n) { return n * kScale; }));
}

struct Trade {
    bool buy = false;
    std::int64_t quantity = 1;
    std::int64_t price = 1;
};
std::ostream& operator<<(std::ostream& out, const Trade& t) {
    return out << (t.buy ? "buy " : "sell ") << t.quantity << " at " << t.price;
}

/// Trades of a few raw units each, so that halves, which must go to even, are met all the time.
rc::Gen<std::vector<Trade>> tiny_trades() {
    return rc::gen::container<std::vector<Trade>>(rc::gen::build<Trade>(
        rc::gen::set(&Trade::buy), rc::gen::set(&Trade::quantity, rc::gen::inRange<std::int64_t>(1, 9)),
        rc::gen::set(&Trade::price, rc::gen::map(rc::gen::inRange<std::int64_t>(1, 8),
                                                 [](std::int64_t n) { return n * kScale / 2; }))));
}

rc::Gen<std::vector<Trade>> trades() {
    return rc::gen::oneOf(tiny_trades(),
                          rc::gen::container<std::vector<Trade>>(rc::gen::build<Trade>(
                              rc::gen::set(&Trade::buy), rc::gen::set(&Trade::quantity, awkward(1'000 * kScale)),
                              rc::gen::set(&Trade::price, awkward(10'000 * kScale)))));
}

}  // namespace

TEST_CASE("whatever is traded, the books are those of the exact model", "[properties]") {
    rc::prop("positions, costs, profit and cash agree to the last unit", [] {
        const ChargesConfig config{Money{*rc::gen::inRange<std::int64_t>(0, 1'000)},
                                   Money{*rc::gen::inRange<std::int64_t>(0, kScale)}};
        const Money initial = money_of(1'000);
        model::Books books;
        Position position;
        Money cash = initial;
        Money charges_sum;
        for (const Trade& t : *trades()) {
            const Side side = t.buy ? Side::buy : Side::sell;
            const Money worth = notional(Price{t.price}, Qty{t.quantity});
            RC_ASSERT(worth.raw == model::notional_of(t.price, t.quantity));
            const Money charges = charges_for(config, worth);
            RC_ASSERT(charges.raw == config.per_fill.raw + model::nearest({worth.raw * config.rate.raw, model::kOne}));

            const Position before = position;
            const PositionChange change =
                with_fill(position, Product::none, side, Qty{t.quantity}, Price{t.price}, worth);
            position = change.after;
            cash += cash_change({}, side, worth, {}, charges);
            charges_sum += charges;
            books.fill({t.buy, t.quantity, t.price, charges.raw});

            const model::Books::Sums exact = books.sums();
            RC_ASSERT(position.net.raw == exact.net());
            RC_ASSERT(position.cost.raw == exact.cost());
            RC_ASSERT(position.realized_pnl.raw == exact.realized);
            RC_ASSERT(cash.raw == initial.raw + exact.cash);
            RC_ASSERT(charges_sum.raw == exact.charges);

            // Nothing appears or vanishes: what moved is the notional, as cost or as profit.
            const Money moved = side == Side::buy ? worth : -worth;
            RC_ASSERT(moved == (position.cost - before.cost) - change.realized_pnl);
            RC_ASSERT(cash == initial - position.cost + position.realized_pnl - charges_sum);
            RC_ASSERT(position.net.raw != 0 || position.cost.raw == 0);
            RC_ASSERT((position.net.raw > 0 ? position.cost.raw >= 0 : position.cost.raw <= 0));
            // Equity moves by profit and charges alone, whatever the mark.
            const Price mark{t.price / 2 + 1};
            const Money equity = cash + market_value({}, position, mark);
            RC_ASSERT(equity == initial + position.realized_pnl + unrealized_pnl({}, position, mark) - charges_sum);
        }
    });

    rc::prop("closing at the mark realizes what was unrealized", [] {
        Position position;
        for (const Trade& t : *trades()) {
            position = with_fill(position, Product::none, t.buy ? Side::buy : Side::sell, Qty{t.quantity},
                                 Price{t.price}, notional(Price{t.price}, Qty{t.quantity}))
                           .after;
        }
        RC_PRE(position.net.raw != 0);
        const Price mark{*awkward(10'000 * kScale)};
        const Money expected = unrealized_pnl({}, position, mark);
        const Qty all = abs(position.net);
        const PositionChange closed = with_fill(position, Product::none, position.net.raw > 0 ? Side::sell : Side::buy,
                                                all, mark, notional(mark, all));
        RC_ASSERT(closed.realized_pnl == expected);
        RC_ASSERT(closed.after.cost.raw == 0);
    });

    rc::prop("turning every trade round turns position, cost and profit round", [] {
        // Half-even is symmetric about zero, so nothing may depend on the side.
        Position one;
        Position other;
        for (const Trade& t : *trades()) {
            const Money worth = notional(Price{t.price}, Qty{t.quantity});
            one = with_fill(one, Product::none, t.buy ? Side::buy : Side::sell, Qty{t.quantity}, Price{t.price}, worth)
                      .after;
            other =
                with_fill(other, Product::none, t.buy ? Side::sell : Side::buy, Qty{t.quantity}, Price{t.price}, worth)
                    .after;
            RC_ASSERT(one.net == -other.net);
            RC_ASSERT(one.cost == -other.cost);
        }
    });
}

TEST_CASE("the model itself rounds half to even", "[properties]") {
    const auto nearest = [](int n, int d) { return static_cast<int>(model::nearest({n, d})); };
    CHECK(nearest(1, 2) == 0);
    CHECK(nearest(3, 2) == 2);
    CHECK(nearest(5, 2) == 2);
    CHECK(nearest(-1, 2) == 0);
    CHECK(nearest(-3, 2) == -2);
    CHECK(nearest(-5, 2) == -2);
    CHECK(nearest(5, 4) == 1);
    CHECK(nearest(7, 4) == 2);
    CHECK(nearest(-5, 4) == -1);
    CHECK(nearest(-7, 4) == -2);
}

}  // namespace alpha::test
