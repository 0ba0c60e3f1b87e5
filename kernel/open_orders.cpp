#include "kernel/open_orders.hpp"

#include "kernel/visits.hpp"

#include <algorithm>
#include <functional>

namespace alpha {

std::vector<Weighed> weighed_orders(const State& state, PortfolioId portfolio, InstrumentId instrument, Side side,
                                    std::optional<Product> product, Weight weight, const RiskQuestion* judged) {
    std::vector<Weighed> orders;
    const auto add = [&](Qty quantity, Money value) {
        if (quantity.raw > 0) {
            orders.push_back({quantity, value});
        }
    };
    const Order* const changed = judged == nullptr ? nullptr : judged->changed;
    for (const PlacedOrder& placed : state.orders_of(portfolio, instrument)) {
        ++visits;
        const Order& order = state.open_orders.at(placed.order);
        const OrderTerms& terms = order.terms;
        const bool is_changed =
            changed != nullptr && (order.id == changed->id || (terms.legs != 0 && terms.group == changed->terms.group &&
                                                               terms.side == changed->terms.side));
        if (terms.side != side || terms.reduce_only || is_changed || (product && terms.product != *product) ||
            !leads_reservation(state, order)) {
            continue;
        }
        const Reserved reserved = reserved_by(state, order);
        add(reserved.quantity, weight == Weight::value ? reserved.value : reserved.funds);
    }
    if (judged != nullptr && judged->terms.instrument == instrument && judged->terms.side == side &&
        (!product || judged->terms.product == *product)) {
        const Qty rest = judged->terms.quantity - judged->filled;
        const Weighed own =
            weight == Weight::funds
                ? weighed_funds(*judged)
                : Weighed{std::max(rest, judged->standing.quantity),
                          std::max(notional(judged->instrument(), judged->valued_at, rest), judged->standing.value)};
        add(own.quantity, own.value);
    }
    return orders;
}

Weighed weighed_funds(const RiskQuestion& judged) {
    Qty rest = judged.terms.quantity - judged.filled;
    Price per_unit = judged.funds_at();
    if (judged.changed != nullptr && !judged.changed->terms.reduce_only) {
        rest = std::max(rest, judged.changed->leaves());
        per_unit = std::max(per_unit, judged.changed->funds_at);
    }
    return {std::max(rest, judged.standing.quantity),
            std::max(notional(judged.instrument(), per_unit, rest), judged.standing.funds)};
}

Money dearest(std::vector<Weighed> orders, Qty beyond) {
    const auto price = [](const Weighed& each) {
        const Int128 quantity = each.quantity.raw;
        return each.value.raw / quantity * kScale + each.value.raw % quantity * kScale / quantity;
    };
    std::ranges::stable_sort(orders, std::greater<>{}, price);
    Money value;
    for (const Weighed& each : orders) {
        const Qty opens = std::min(beyond, each.quantity);
        value += pro_rata(each.value, opens, each.quantity);
        beyond -= opens;
    }
    return value;
}

}  // namespace alpha
