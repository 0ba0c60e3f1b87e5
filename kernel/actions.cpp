#include "kernel/actions.hpp"

#include "events/limits.hpp"

#include <algorithm>
#include <cstdint>

namespace alpha {

namespace {

/// value x by / over, cut off towards zero. Exact: both factors fit 64 bits, and shares of an action 20.
Int128 cut_off(Int128 value, std::int64_t by, std::int64_t over) {
    return value * by / over;
}

/// What becomes of a quantity: whole shares, and the part of one that is paid. Where an instrument trades in parts of a share, those are
/// its whole ones.
struct Shares {
    Qty whole;
    Qty fraction;  ///< of the same sign
};
Shares shares_after(Qty before, Qty lot, const CorporateAction& action) {
    const Qty exact = with_ratio(before, action);
    const std::int64_t unit = std::min(lot.raw, kScale);
    const Qty whole{exact.raw / unit * unit};
    return {whole, exact - whole};
}

/// The part of the cost that goes with the fraction: all of it where nothing is left.
Money cost_of_fraction(Money cost, const Shares& shares) {
    const Qty all = abs(shares.whole + shares.fraction);
    return all.raw == 0 ? cost : pro_rata(cost, abs(shares.fraction), all);
}

/// To the other share, of a merger or demerger.
Money cost_that_goes(Money cost, const CorporateAction& action) {
    return action.kind == ActionKind::merger
               ? cost
               : pro_rata(cost, Qty{static_cast<std::int64_t>(action.cost_part.raw)}, Qty{kScale});
}

/// A price that has a value stays one that can be held.
Price held_price(Int128 raw) {
    return Price{static_cast<std::int64_t>(std::clamp<Int128>(raw, 1, limits::kMaxPrice.raw))};
}

/// To the tick below (`up`: above) where it is not on one, and at least one tick.
Price to_tick(Price price, Price tick, bool up) {
    const std::int64_t steps = (price.raw + (up ? tick.raw - 1 : 0)) / tick.raw;
    return Price{std::max<std::int64_t>(steps, 1) * tick.raw};
}

}  // namespace

Qty with_ratio(Qty quantity, const CorporateAction& action) {
    ALPHA_ASSERT(fits_after(quantity, action), "an action is taken where its quantities fit");
    return Qty{static_cast<std::int64_t>(cut_off(quantity.raw, action.new_shares, action.old_shares))};
}

Price with_ratio(Price price, const CorporateAction& action) {
    if (price.raw == 0 || action.new_shares == 0) {
        return price;
    }
    return held_price(
        divide_half_even(static_cast<Int128>(price.raw) * action.old_shares, static_cast<Int128>(action.new_shares)));
}

Qty whole_shares_after(Qty before, Qty lot, const CorporateAction& action) {
    return shares_after(before, lot, action).whole;
}

Price mark_after(Price mark, Price other_mark, const CorporateAction& action) {
    if (mark.raw == 0) {
        return mark;
    }
    switch (action.kind) {
    case ActionKind::split: return with_ratio(mark, action);
    case ActionKind::dividend: return held_price(mark.raw - action.amount.raw);
    case ActionKind::merger: return action.new_shares == 0 ? held_price(action.amount.raw) : mark;
    case ActionKind::demerger:
        return held_price(mark.raw - divide_half_even(static_cast<Int128>(other_mark.raw) * action.new_shares,
                                                      static_cast<Int128>(action.old_shares)));
    }
    return mark;
}

Price first_mark_of_other(Price mark, const CorporateAction& action) {
    if (action.kind != ActionKind::merger || action.new_shares == 0) {
        return action.fraction_price;
    }
    const Int128 in_shares = std::max<Int128>(mark.raw - action.amount.raw, 0) * action.old_shares;
    return held_price(divide_half_even(in_shares, static_cast<Int128>(action.new_shares)));
}

std::optional<PositionAdjusted> adjusted(PortfolioId portfolio, const Holding& held, const Instrument& instrument,
                                         Price mark, const CorporateAction& action) {
    if (held.net.raw == 0) {
        return std::nullopt;
    }
    PositionAdjusted after;
    after.portfolio = portfolio;
    after.instrument = action.instrument;
    after.product = held.product;
    after.kind = action.kind;
    after.quantity = held.net;
    after.cost = held.cost;
    switch (action.kind) {
    case ActionKind::split: {
        const Shares shares = shares_after(held.net, instrument.lot, action);
        const Money cost = cost_of_fraction(held.cost, shares);
        after.quantity = shares.whole;
        after.cost -= cost;
        after.fraction = abs(shares.fraction);
        after.cash =
            notional(action.fraction_price.raw != 0 ? action.fraction_price : mark_after(mark, Price{}, action),
                     shares.fraction);
        after.realized_pnl = after.cash - cost;
        break;
    }
    case ActionKind::dividend: after.cash = after.realized_pnl = notional(action.amount, held.net); break;
    case ActionKind::merger:
        after.quantity = {};
        after.cost = {};
        after.cash = notional(action.amount, held.net);
        after.realized_pnl = after.cash - (action.new_shares == 0 ? held.cost : Money{});
        break;
    case ActionKind::demerger: after.cost -= cost_that_goes(held.cost, action); break;
    }
    return after;
}

std::optional<PositionAdjusted> received(PortfolioId portfolio, const Holding& held, const Holding& others,
                                         const Instrument& other, Price other_mark, const CorporateAction& action) {
    if (held.net.raw == 0 || action.new_shares == 0) {
        return std::nullopt;
    }
    const Money all = cost_that_goes(held.cost, action);
    const Shares shares = shares_after(held.net, other.lot, action);
    const Money of_fraction = cost_of_fraction(all, shares);
    PositionAdjusted after;
    after.portfolio = portfolio;
    after.instrument = action.other;
    after.product = held.product;
    after.kind = action.kind;
    after.fraction = abs(shares.fraction);
    after.cash = notional(action.fraction_price.raw != 0 ? action.fraction_price : other_mark, shares.fraction);
    after.realized_pnl = after.cash - of_fraction;
    Holding together = others;
    after.realized_pnl += join(together, shares.whole, all - of_fraction);
    after.quantity = together.net;
    after.cost = together.cost;
    return after;
}

bool fits_after(Qty held, const CorporateAction& action) {
    const Int128 exact = cut_off(held.raw, action.new_shares, action.old_shares);
    return exact >= -limits::kMaxPosition.raw && exact <= limits::kMaxPosition.raw;
}

OrderAdjusted adjusted(const Order& order, const Instrument& instrument, const CorporateAction& action) {
    const bool buys = order.terms.side == Side::buy;
    const auto limit = [&](Price price) {
        return price.raw == 0 ? price : to_tick(with_ratio(price, action), instrument.tick, !buys);
    };
    const auto stop = [&](Price price) {
        return price.raw == 0 ? price : to_tick(with_ratio(price, action), instrument.tick, buys);
    };
    // In whole shares, as the position that they have led to.
    const Qty filled = whole_shares_after(std::min(order.filled, order.terms.quantity), instrument.lot, action);
    const Qty exact = with_ratio(order.terms.quantity - std::min(order.filled, order.terms.quantity), action);
    const Qty leaves{exact.raw / instrument.lot.raw * instrument.lot.raw};
    return {order.id, filled + leaves, filled, limit(order.terms.limit_price), stop(order.terms.stop_price)};
}

}  // namespace alpha
