#include "kernel/portfolio.hpp"

#include <algorithm>

namespace alpha {

namespace {

Money signed_notional(Side side, Money notional) {
    return side == Side::buy ? notional : -notional;
}

bool same_direction(const Position& position, Side side) {
    return position.net.raw == 0 || (position.net.raw > 0) == (side == Side::buy);
}

void open_part(Position& position, Side side, Qty quantity, Money notional) {
    position.net += signed_qty(side, quantity);
    position.cost += signed_notional(side, notional);
}

/// Takes `quantity` off the position for `notional`, and returns what that gained.
Money close_part(Position& position, Side side, Qty quantity, Money notional) {
    const Qty held = abs(position.net);
    const Money cost = quantity == held ? position.cost : pro_rata(position.cost, quantity, held);
    const Money gained = -signed_notional(side, notional) - cost;
    position.net += signed_qty(side, quantity);
    position.cost -= cost;
    return gained;
}

}  // namespace

PositionChange with_fill(const Position& before, Side side, Qty quantity, Price price, Money notional_of_fill) {
    ALPHA_ASSERT(quantity.raw > 0 && price.raw > 0, "a fill has a positive quantity and price");
    PositionChange change{before, Money{}};
    Position& after = change.after;
    if (same_direction(before, side)) {
        open_part(after, side, quantity, notional_of_fill);
    } else {
        const Qty closing = std::min(quantity, abs(before.net));
        if (closing == quantity) {
            change.realized_pnl = close_part(after, side, quantity, notional_of_fill);
        } else {
            const Money closing_notional = notional(price, closing);
            change.realized_pnl = close_part(after, side, closing, closing_notional);
            open_part(after, side, quantity - closing, notional_of_fill - closing_notional);
        }
    }
    after.realized_pnl += change.realized_pnl;
    after.traded += notional_of_fill;
    ++after.fills;
    ALPHA_ASSERT(after.net == before.net + signed_qty(side, quantity), "a fill moves the position by its quantity");
    return change;
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

Money unrealized_pnl(const Position& position, Price mark) {
    return market_value(position, mark) - position.cost;
}

Money cash_change(Side side, Money notional, Money charges) {
    return -signed_notional(side, notional) - charges;
}

Qty worst_case_long(const Position& position, Qty buying) {
    return position.net + position.open_buys + buying;
}

Qty worst_case_short(const Position& position, Qty selling) {
    return position.net - position.open_sells - selling;
}

}  // namespace alpha
