#pragma once
/// What follows from a fill for the orders linked with it. One rule, for the venue inside the process (which applies it before
/// the next fill) and for the kernel (which applies it to reports, where the broker knows no links).

#include "events/event.hpp"

#include <span>

namespace alpha {

/// How much an order of this side can take off a net position: nothing where it would add to it.
constexpr Qty reducible(Side side, Qty net) {
    const Qty against = side == Side::sell ? net : -net;
    return against.raw > 0 ? against : Qty{};
}

/// A reduce-only order as it stands.
struct ReducingOrder {
    OrderId order;
    Side side = Side::buy;
    OrderId group;  ///< of which one cancels the others; 0: none
    Qty leaves;     ///< what it may still fill
};

/// Lowers `leaves` to what the net position still offers. By order number, so that the oldest come first; legs of one group share
/// what they may take, for one of them ends the others. O(orders x legs).
void cut_to_net(std::span<ReducingOrder> oldest_first, Qty net);

}  // namespace alpha
