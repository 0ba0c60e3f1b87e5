/// Random days at the simulated Kite: what must hold whatever is asked of it.

#include "tests/zerodha/kite.hpp"

#include <map>
#include <string>
#include <utility>

using namespace alpha;
using namespace alpha::kite;

namespace {

/// A generator apart from the simulator's (xorshift64*).
struct Dice {
    std::uint64_t state;
    std::int64_t below(std::int64_t n) {
        state ^= state >> 12U;
        state ^= state << 25U;
        state ^= state >> 27U;
        return static_cast<std::int64_t>((state * 0x2545'F491'4F6C'DD1DU) >> 33U) % n;
    }
};

Settings busy_world() {
    Settings settings = small_world();
    Walk walk;
    walk.exchange = "NSE";
    walk.tradingsymbol = "SBIN";
    walk.start = rupees(1'000);
    walk.step = ms(250);
    settings.walks = {walk};
    settings.rows_lag = delay_ms(0, 200);
    settings.trades_lag = delay_ms(0, 2'000);
    settings.updates_lag = delay_ms(0, 100);
    settings.accounts[0].cash = money_of(200'000);
    return settings;
}

std::vector<Fault> nuisance(bool has_late_fills) {
    const auto sometimes = [](Route route, std::uint32_t per_thousand, auto&& set) {
        Fault fault;
        fault.when.route = route;
        fault.when.per_thousand = per_thousand;
        set(fault.effect);
        return fault;
    };
    std::vector<Fault> faults{
        sometimes(Route::any, 30, [](FaultEffect& e) { e.answer = Answer{ReplyKind::timed_out, 0}; }),
        sometimes(Route::place, 30, [](FaultEffect& e) { e.is_lost = true; }),
        sometimes(Route::place, 30, [](FaultEffect& e) { e.again = 1; }),
        sometimes(Route::any, 30, [](FaultEffect& e) { e.late = seconds(2); }),
        sometimes(Route::place, 30, [](FaultEffect& e) { e.stuck = seconds(5); }),
        sometimes(Route::orders, 100, [](FaultEffect& e) { e.is_permuted = true; }),
    };
    if (has_late_fills) {
        faults.push_back(sometimes(Route::cancel, 200, [](FaultEffect& e) { e.late_fill = seconds(3); }));
    }
    return faults;
}

/// One account's random minutes, from `at` on; each thing it does is told to `see`.
template <class See>
void wander(World& w, Dice dice, int steps, See see) {
    Texts ids;
    for (int i = 0; i < steps; ++i) {
        w.pass(ms(dice.below(400)));
        const Side side = dice.below(2) == 0 ? Side::buy : Side::sell;
        PlaceOrder order =
            limit(side, 1 + dice.below(60), paise(100'000 + 5 * (dice.below(81) - 40)), "T" + std::to_string(i));
        order.tradingsymbol = dice.below(2) == 0 ? "INFY" : "SBIN";
        order.product = dice.below(3) == 0 ? Product::cnc : Product::mis;
        switch (dice.below(12)) {
        case 0:
            order.order_type = OrderType::market;
            order.price = {};
            order.market_protection = dice.below(2) == 0 ? kAutoProtection : 50;
            break;
        case 1:
            order.order_type = OrderType::sl;
            order.trigger_price = order.price;
            break;
        case 2: order.validity = Validity::ioc; break;
        default: break;
        }
        const std::string id =
            ids.empty() ? "1" : ids[static_cast<std::size_t>(dice.below(static_cast<int>(ids.size())))];
        const Caller who = dice.below(8) == 0 ? Caller::phone("AB1234") : w.api();
        Reply reply;
        switch (dice.below(9)) {
        case 0: reply = w.kite.cancel(w.now, who, id); break;
        case 1:
            reply = w.kite.modify(w.now, who, {id, 1 + dice.below(90), paise(100'000 + 5 * (dice.below(81) - 40))});
            break;
        case 2: reply = w.kite.orders(w.now, who); break;
        case 3: reply = w.kite.trades(w.now, who); break;
        case 4:
            w.quote("INFY", paise(99'995 + 5 * dice.below(5)), dice.below(50), paise(100'015 + 5 * dice.below(5)),
                    dice.below(50), paise(100'000 + 5 * dice.below(9)));
            break;
        case 5:
            if (dice.below(40) == 0) {
                w.kite.square_off(w.now, "AB1234");
            }
            break;
        default: reply = w.kite.place(w.now, who, order); break;
        }
        if (!reply.order_id.empty()) {
            ids.push_back(reply.order_id);
        }
        see(reply);
    }
}

struct Day {
    Ledger ledger;
    std::vector<Reply> replies;
    std::vector<OrderRow> updates;
};

Day day_of(std::uint64_t seed, std::uint64_t dice) {
    World w(busy_world(), seed);
    for (const Fault& fault : nuisance(true)) {
        w.kite.add_fault(fault);
    }
    Day day;
    wander(w, Dice{dice}, 300, [&](const Reply& reply) {
        day.replies.push_back(reply);
        for (OrderRow& row : w.kite.take_updates(w.now, "AB1234")) {
            day.updates.push_back(std::move(row));
        }
    });
    day.ledger = w.kite.ledger();
    return day;
}

}  // namespace

TEST_CASE("the same seed and calls give other replies or another ledger", "[kite]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Day day = day_of(seed, seed);
        const Day again = day_of(seed, seed);
        CHECK(day.ledger == again.ledger);
        CHECK(day.replies == again.replies);
        CHECK(day.updates == again.updates);
        CHECK(day.ledger.size() > 100);
        CHECK(day.ledger != day_of(seed + 1, seed).ledger);
    }
}

TEST_CASE("when the exchange is asked to go on decides what it does", "[kite]") {
    World often(busy_world());
    World seldom(busy_world());
    for (World* w : {&often, &seldom}) {
        PlaceOrder order = limit(Side::buy, 150, paise(100'050), "T1");
        order.tradingsymbol = "SBIN";
        w->id_of(order);
    }
    for (int i = 0; i < 6'000; ++i) {
        often.pass(ms(1));
    }
    seldom.pass(seconds(6));
    CHECK(often.kite.ledger() == seldom.kite.ledger());
    CHECK(often.kite.ledger().size() > 2);
}

TEST_CASE("a copy does not go on as the original does", "[kite]") {
    World w(busy_world());
    wander(w, Dice{3}, 100, [](const Reply&) {});
    World copy = w;
    wander(w, Dice{4}, 100, [](const Reply&) {});
    wander(copy, Dice{4}, 100, [](const Reply&) {});
    CHECK(w.kite.ledger() == copy.kite.ledger());
}

TEST_CASE("money or shares or fills come from nowhere", "[kite]") {
    const bool has_faults = GENERATE(false, true);
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        World w(busy_world(), seed);
        if (has_faults) {
            for (const Fault& fault : nuisance(false)) {
                w.kite.add_fault(fault);
            }
        }
        // Until nothing is on its way and all that has traded is seen.
        const auto rest = [&] {
            w.pass(seconds(10));
            for (const OrderRow& row : w.orders()) {
                (void)w.kite.cancel(w.now, Caller::phone("AB1234"), row.order_id);
            }
            w.pass(seconds(3));
        };
        bool was_ever_short_of_money = false;
        wander(w, Dice{seed * 7'919}, 250, [&](const Reply&) { was_ever_short_of_money |= w.margins().net < Money{}; });
        INFO("seed " << seed);
        CHECK_FALSE(was_ever_short_of_money);

        rest();
        std::map<std::pair<std::string, Product>, std::int64_t> nets;
        std::map<std::string, std::int64_t> filled;
        std::map<std::string, int> ends;
        std::set<std::string> trade_ids;
        for (const LedgerRow& row : w.kite.ledger()) {
            if (row.what == LedgerWhat::trade) {
                CHECK(ends[row.order_id] == 0);
                filled[row.order_id] += row.quantity;
                CHECK(filled[row.order_id] <= row.terms.quantity);
                const bool is_buy = row.terms.transaction_type == Side::buy;
                nets[{row.terms.tradingsymbol, row.terms.product}] += is_buy ? row.quantity : -row.quantity;
                CHECK(trade_ids.insert(row.trade_id).second);
                if (row.terms.order_type != OrderType::market) {
                    CHECK((is_buy ? row.price <= row.terms.price : row.price >= row.terms.price));
                }
            }
            if (row.what == LedgerWhat::end) {
                CHECK(++ends[row.order_id] == 1);
                CHECK(row.quantity == filled[row.order_id]);
            }
        }
        std::map<std::pair<std::string, Product>, std::int64_t> from_trades;
        for (const TradeRow& row : w.trades()) {
            from_trades[{row.tradingsymbol, row.product}] +=
                row.transaction_type == Side::buy ? row.quantity : -row.quantity;
        }
        CHECK(from_trades == nets);
        std::int64_t both = 0;
        for (const PositionRow& row : w.positions()) {
            CHECK(row.quantity == (nets[{row.tradingsymbol, row.product}]));
            CHECK(row.quantity == row.overnight_quantity + row.day_buy_quantity - row.day_sell_quantity);
            both += row.tradingsymbol == "INFY" ? row.quantity : 0;
            CHECK((row.product != Product::cnc || row.quantity >= (row.tradingsymbol == "SBIN" ? -50 : 0)));
        }
        CHECK(both == net_of(w.kite.ledger(), "AB1234", "NSE", "INFY"));
        for (const OrderRow& row : w.orders()) {
            CHECK(row.filled_quantity <= row.quantity);
            CHECK((row.status != "COMPLETE" || row.filled_quantity == row.quantity));
        }
    }
}

TEST_CASE("more than two orders of one tag come of one request", "[kite]") {
    World w(busy_world(), 5);
    for (const Fault& fault : nuisance(true)) {
        w.kite.add_fault(fault);
    }
    std::size_t doubled = 0;
    wander(w, Dice{5}, 1'000, [](const Reply&) {});
    w.pass(seconds(10));
    for (int i = 0; i < 1'000; ++i) {
        const std::size_t orders = places_of(w.kite.ledger(), "T" + std::to_string(i));
        CHECK(orders <= 2);
        doubled += orders == 2 ? 1 : 0;
    }
    CHECK(doubled > 0);
}
