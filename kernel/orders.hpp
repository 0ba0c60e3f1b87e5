#pragma once
/// The life of an order, as a table. Terminal orders stay terminal; only a late fill may still change their books.

#include "events/event.hpp"
#include "kernel/trades.hpp"

#include <cstdint>
#include <string>

namespace alpha {

/// Values are in snapshots: do not renumber.
enum class OrderStatus : std::uint8_t {
    intended = 1,  ///< passed risk, on its way to the broker
    working = 2,   ///< the broker has it
    filled = 3,
    cancelled = 4,
    rejected = 5,
    expired = 6,
    refused = 7  ///< never left: only in callbacks, never in the state
};

const char* name_of(OrderStatus status);

constexpr bool is_valid(OrderStatus status) {
    return status >= OrderStatus::intended && status <= OrderStatus::refused;
}

constexpr bool is_terminal(OrderStatus status) {
    return status >= OrderStatus::filled;
}

/// An order the engine knows: open ones, and closed ones for as long as late reports may come (State::closings).
struct Order {
    OrderId id;
    StrategyId strategy;
    PortfolioId portfolio;
    BrokerId broker;
    OrderTerms terms;  ///< as last confirmed by the broker
    Date good_until;
    OrderStatus status = OrderStatus::intended;
    Qty filled;
    Qty pending_quantity;              ///< the total a pending modify asks for; zero when none is pending
    Qty whole;                         ///< the total its strategy wants, before links take from it
    Qty pending_whole;                 ///< the same of a pending modify, where the strategy asked for it; else zero
    bool pending_reduce_only = false;  ///< of a pending modify, as is the next
    Price pending_value;               ///< what one unit is valued at once it is done; zero: as before
    Price pending_funds;               ///< and what it binds
    bool triggered = false;
    bool cancel_pending = false;
    bool modify_pending = false;
    bool held = false;    ///< an exit that the kernel keeps back until its entry fills
    Price valued_at;      ///< per unit, for buying power; zero where nothing is reserved
    Price funds_at;       ///< per unit, what it binds beside its family's margin: see kernel/margin.hpp
    Seq intent = 0;       ///< the OrderIntended event
    Seq correlation = 0;  ///< the input that led to it
    std::string broker_order;
    Trades trades;  ///< booked so far

    /// What may still fill, counting the larger of the confirmed and the pending quantity.
    Qty leaves() const {
        const Qty total = pending_quantity > terms.quantity ? pending_quantity : terms.quantity;
        return is_terminal(status) || filled >= total ? Qty{0} : total - filled;
    }
    friend bool operator==(const Order&, const Order&) = default;
};

/// Whether a report can be true of an order in `status`, and what the order becomes. Fills are decided by quantity.
struct Transition {
    bool allowed = false;
    OrderStatus next = OrderStatus::intended;
};
Transition transition(OrderStatus status, ReportKind kind);

}  // namespace alpha
