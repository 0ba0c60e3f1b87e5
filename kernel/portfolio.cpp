#include "kernel/portfolio.hpp"

#include <algorithm>

namespace alpha {

namespace {

Money signed_notional(Side side, Money notional) {
    return side == Side::buy ? notional : -notional;
}

bool same_direction(const Holding& held, Side side) {
    return held.net.raw == 0 || (held.net.raw > 0) == (side == Side::buy);
}

void open_part(Holding& held, Side side, Qty quantity, Money notional) {
    held.net += signed_qty(side, quantity);
    held.cost += signed_notional(side, notional);
}

/// Takes `quantity` off what is held for `notional`, and returns what that gained.
Money close_part(Holding& held, Side side, Qty quantity, Money notional) {
    const Qty all = abs(held.net);
    const Money cost = quantity == all ? held.cost : pro_rata(held.cost, quantity, all);
    const Money gained = -signed_notional(side, notional) - cost;
    held.net += signed_qty(side, quantity);
    held.cost -= cost;
    return gained;
}

/// Returns what it gained.
Money fill(Holding& held, Side side, Qty quantity, Price price, Money notional_of_fill, const Instrument& of) {
    if (same_direction(held, side)) {
        open_part(held, side, quantity, notional_of_fill);
        return {};
    }
    const Qty closing = std::min(quantity, abs(held.net));
    if (closing == quantity) {
        return close_part(held, side, quantity, notional_of_fill);
    }
    const Money closing_notional = notional(of, price, closing);
    const Money gained = close_part(held, side, closing, closing_notional);
    open_part(held, side, quantity - closing, notional_of_fill - closing_notional);
    return gained;
}

}  // namespace

Qty Holding::unarrived(Date on) const {
    Qty sum;
    for (const Arrival& each : to_come) {
        sum += each.bought < on && each.arrives >= on ? each.quantity : Qty{};
    }
    return sum;
}

void OrderFunds::add(const OrderFunds& other, int sign) {
    buy_funds += Money{other.buy_funds.raw * sign};
    sell_funds += Money{other.sell_funds.raw * sign};
    reducing_buys += Qty{other.reducing_buys.raw * sign};
    reducing_sells += Qty{other.reducing_sells.raw * sign};
}

Holding Position::of(Product product) const {
    Holding held = book_of(product);
    if (product != Product::none) {
        const auto at = std::ranges::lower_bound(holdings, product, {}, &Holding::product);
        if (at != holdings.end() && at->product == product) {
            held.to_come = at->to_come;
        }
    }
    return held;
}

Holding Position::book_of(Product product) const {
    if (product != Product::none) {
        const auto at = std::ranges::lower_bound(holdings, product, {}, &Holding::product);
        return at != holdings.end() && at->product == product
                   ? Holding{product, at->net, at->cost, at->open_buys, at->open_sells, at->left_over, {}, at->orders}
                   : Holding{product, {}, {}, {}, {}, LeftOver::no, {}};
    }
    Holding rest{Product::none, net, cost, open_buys, open_sells, LeftOver::no, {}, orders};
    for (const Holding& each : holdings) {
        rest.net -= each.net;
        rest.cost -= each.cost;
        rest.open_buys -= each.open_buys;
        rest.open_sells -= each.open_sells;
        rest.orders.add(each.orders, -1);
    }
    return rest;
}

Qty Position::net_of(Product product) const {
    Qty rest = product == Product::none ? net : Qty{};
    for (const Holding& each : holdings) {
        rest += each.product == product ? each.net : product == Product::none ? -each.net : Qty{};
    }
    return rest;
}

Holding& Position::row(Product product) {
    ALPHA_ASSERT(product != Product::none, "what is held under no product has no row");
    const auto at = std::ranges::lower_bound(holdings, product, {}, &Holding::product);
    if (at != holdings.end() && at->product == product) {
        return *at;
    }
    return *holdings.insert(at, Holding{product, {}, {}, {}, {}, LeftOver::no, {}});
}

void Position::tidy(Product product) {
    const auto says_nothing = [&](const Holding& each) {
        return each.product == product && each == Holding{product, {}, {}, {}, {}, LeftOver::no, {}};
    };
    std::erase_if(holdings, says_nothing);
}

PositionChange with_fill(const Position& before, Product product, Side side, Qty quantity, Price price,
                         Money notional_of_fill, const Instrument& of) {
    ALPHA_ASSERT(quantity.raw > 0 && price.raw > 0, "a fill has a positive quantity and price");
    PositionChange change{before, Money{}};
    Position& after = change.after;
    Holding held = before.of(product);
    const Qty net_before = held.net;
    const Money cost_before = held.cost;
    change.realized_pnl = fill(held, side, quantity, price, notional_of_fill, of);
    after.net += held.net - net_before;
    after.cost += held.cost - cost_before;
    if (product != Product::none) {
        Holding& row = after.row(product);
        row.net = held.net;
        row.cost = held.cost;
        row.left_over = held.net.raw != 0 ? row.left_over : LeftOver::no;
    }
    after.realized_pnl += change.realized_pnl;
    after.traded += notional_of_fill;
    ++after.fills;
    ALPHA_ASSERT(after.net == before.net + signed_qty(side, quantity), "a fill moves the position by its quantity");
    return change;
}

Money join(Holding& held, Qty quantity, Money cost) {
    const Side side = quantity.raw < 0 ? Side::sell : Side::buy;
    if (quantity.raw == 0 || same_direction(held, side)) {
        held.net += quantity;
        held.cost += cost;
        return {};
    }
    const Qty closing = std::min(abs(quantity), abs(held.net));
    const Money closing_cost = pro_rata(abs(cost), closing, abs(quantity));
    const Money gained = close_part(held, side, closing, closing_cost);
    if (closing < abs(quantity)) {
        open_part(held, side, abs(quantity) - closing, abs(cost) - closing_cost);
    }
    return gained;
}

Qty note_delivery(Holding& after, Side side, Qty quantity, Date on, Date arrives) {
    std::vector<Arrival>& to_come = after.to_come;
    std::erase_if(to_come, [&](const Arrival& each) { return each.arrives < on; });
    if (side == Side::buy) {
        if (arrives.days == 0) {
            return {};
        }
        if (to_come.empty() || to_come.back().bought != on) {
            to_come.push_back({on, arrives, {}});
        }
        to_come.back().quantity += std::clamp(after.net, Qty{}, quantity);  // what covers a short comes to nobody
        return {};
    }
    Qty all;
    for (const Arrival& each : to_come) {
        all += each.quantity;
    }
    Qty left = quantity;
    const auto take = [&](Arrival& from) {
        const Qty taken = std::min(left, from.quantity);
        from.quantity -= taken;
        left -= taken;
        return taken;
    };
    if (!to_come.empty() && to_come.back().bought == on) {
        all -= take(to_come.back());
    }
    // `net` is that after the sale: what was there before it is what of all was not to come.
    const Qty there = std::max(Qty{}, after.net + left - all);
    left -= std::min(left, there);
    Qty unarrived;
    for (Arrival& each : to_come) {
        unarrived += take(each);
    }
    std::erase_if(to_come, [](const Arrival& each) { return each.quantity.raw == 0; });
    return unarrived;
}

markets::Executed DayCharges::executed_by(OrderId order, Date on) const {
    const auto at = std::ranges::lower_bound(orders, order, {}, &DayOrder::order);
    return on == date && at != orders.end() && at->order == order ? at->executed : markets::Executed{};
}

void PositionSums::note_first_change(InstrumentId instrument) {
    if (instrument.value >= is_changed.size()) {
        is_changed.resize(instrument.value + 1);
    }
    is_changed[instrument.value] = true;
    changed.push_back(instrument);
}

Money unrealized_pnl(const Instrument& of, const Position& position, Price mark) {
    return notional(of, mark, position.net) - position.cost;
}

Money cash_change(const Instrument& of, Side side, Money notional, Money realized_pnl, Money charges) {
    return (of.is_marked_daily() ? realized_pnl : -signed_notional(side, notional)) - charges;
}

Qty worst_case_long(const Position& position, Qty buying) {
    return position.net + position.open_buys + buying;
}

Qty worst_case_short(const Position& position, Qty selling) {
    return position.net - position.open_sells - selling;
}

}  // namespace alpha
