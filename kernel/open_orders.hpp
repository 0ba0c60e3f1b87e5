#pragma once
/// What a portfolio's open orders reserve, one by one: for sums of which some orders close what is held and others open.

#include "kernel/risk.hpp"
#include "kernel/state.hpp"

#include <optional>
#include <vector>

namespace alpha {

/// An order, or the larger leg of a group, as a sum sees it.
struct Weighed {
    Qty quantity;
    Money value;
};

/// What of an order is summed up.
enum class Weight { value, funds };

/// The orders of one side of a portfolio's instrument, or those under one product alone, that are not only to reduce. With `judged`, which
/// may be null, among them: new, or in the place of the one that it changes. O(the portfolio's open orders of the instrument).
std::vector<Weighed> weighed_orders(const State& state, PortfolioId portfolio, InstrumentId instrument, Side side,
                                    std::optional<Product> product, Weight weight, const RiskQuestion* judged);

/// What the judged order, or the larger leg of its group, reserves of funds. Of a change the larger of what was and what is asked, for
/// either may be what the broker has.
Weighed weighed_funds(const RiskQuestion& judged);

/// What the last `beyond` units cost where the cheapest fill first, and close: nobody knows which will. O(k log k).
Money dearest(std::vector<Weighed> orders, Qty beyond);

}  // namespace alpha
