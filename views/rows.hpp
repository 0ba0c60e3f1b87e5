#pragma once
/// Rows: what the log says of portfolios, orders and fills, kept beside it, so that who asks need not fold the log. They are
/// written together with the frame they follow from (views/projection.hpp) and can be made anew from the log at any time; nothing
/// in the engine reads them back.
///
/// What needs a price (equity, unrealized profit) is not in them: it would change with every tick.

#include "kernel/orders.hpp"
#include "kernel/portfolio.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace alpha {

/// Which table a row is in. Numbers are big-endian in keys, so that rows come in their order. ON DISK: never renumber.
enum class ReadModel : std::uint8_t {
    portfolios = 1,  ///< u32 portfolio; behind each, u32 portfolio | u32 instrument: its positions
    orders = 2,      ///< u64 order, refused ones included
    fills = 3,       ///< u64 event
    about = 4        ///< one row, without a key: there since event 0, so no row is missing
};

/// Every row's first byte. Raised whenever a row's fields change: rows of another version are rebuilt, never converted.
inline constexpr std::uint8_t kReadModelVersion = 3;

/// What of a position is held under one product.
struct HoldingView {
    Product product = Product::none;
    Qty net;
    Money cost;
    friend bool operator==(const HoldingView&, const HoldingView&) = default;
};

struct PositionView {
    InstrumentId id;
    std::string instrument;
    Qty net;
    Money cost;
    Money realized_pnl;
    Money charges;
    Money traded;
    std::uint64_t fills = 0;
    std::vector<HoldingView> holdings;  ///< by product, none not among them
    std::int64_t multiplier = 1;        ///< units in a quantity of one
    /// What a unit cost on average. Half-even; zero for a flat position.
    Price average_price() const { return average_price(cost, net); }
    Price average_price(Money of, Qty quantity) const {
        return alpha::average_price(of, Qty{quantity.raw * multiplier});
    }
    friend bool operator==(const PositionView&, const PositionView&) = default;
};

struct PortfolioView {
    PortfolioId id;
    std::string name;
    std::string currency;
    bool is_open = false;  ///< until it is, it holds what the scenario will give it
    Money initial_cash;
    Money cash;
    Money realized_pnl;
    Money charges;
    bool killed = false;
    Rule killed_by = Rule::none;
    std::uint32_t open_orders = 0;
    std::uint64_t fills = 0;
    std::vector<PositionView> positions;  ///< those ever traded, by instrument id
    friend bool operator==(const PortfolioView&, const PortfolioView&) = default;
};

struct OrderView {
    OrderId id;
    std::string strategy;
    std::string portfolio;
    std::string broker;
    std::string instrument;
    OrderTerms terms;  ///< as last confirmed by the broker
    Date good_until;   ///< DAY orders: the trading day whose close ends them
    OrderStatus status = OrderStatus::intended;
    bool triggered = false;
    bool cancel_pending = false;
    bool modify_pending = false;
    Rule refused_by = Rule::none;  ///< and the limit it broke, in the rule's units
    Decimal limit;
    Decimal observed;
    Qty filled;
    Money filled_notional;  ///< price x quantity x multiplier of all its fills
    std::int64_t multiplier = 1;
    std::string broker_order;  ///< the broker's own id
    std::string reason;        ///< the broker's words where it rejected or cancelled
    Seq created = 0;           ///< the event that intended or refused it
    Time created_time;
    Seq updated = 0;  ///< the last event that changed it
    Time updated_time;
    friend bool operator==(const OrderView&, const OrderView&) = default;

    /// Half-even; zero before the first fill.
    Price average_price() const { return alpha::average_price(filled_notional, Qty{filled.raw * multiplier}); }
};

struct FillView {
    Seq event = 0;
    Time time;
    OrderId order;
    std::string strategy;
    std::string portfolio;
    std::string instrument;
    Side side = Side::buy;
    Qty quantity;
    Price price;
    Money notional;
    Money charges;
    Money realized_pnl;
    std::string trade;  ///< the broker's own id
    Product product = Product::none;
    friend bool operator==(const FillView&, const FillView&) = default;
};

}  // namespace alpha
