#pragma once
/// Between the kernel and whatever executes its orders: requests out (Effect), reports in (BrokerReport).
///
/// A BROKER is what a portfolio trades through: configuration, scenarios, ids and reports name it. A VENUE is the fold that executes
/// a broker's orders inside the process: paper, and test doubles. It is as pure as the kernel, and saved and decided again with it. A
/// broker outside the process has none: the durable log is its outbox, and what it reports comes back as inputs of their own.

#include "events/bytes.hpp"
#include "events/event.hpp"
#include "events/result.hpp"

#include <span>
#include <string>
#include <variant>
#include <vector>

namespace alpha {

/// A new order. `good_until` of a DAY order is absent while its market is shut: the next session that opens sets it.
struct PlaceOrder {
    OrderId order;
    OrderTerms terms;
    Date good_until;
    PortfolioId portfolio{};  ///< whose net position a reduce-only order follows
    Price tick{1'000'000};    ///< of the instrument
    Qty lot{kScale};
};
/// Orders that links bind, placed together or not at all. Exits stand behind their entry.
struct PlaceLinked {
    std::vector<PlaceOrder> orders;
};
struct CancelOrder {
    OrderId order;
};
/// `quantity` is the new total, fills included; never below what has filled when it was asked for.
struct ModifyOrder {
    OrderId order;
    Qty quantity;
    Price limit_price;
    Price stop_price;
    bool reduce_only = false;
    Qty known{};  ///< the total when it was asked for: what links have taken or added since, they do to `quantity`; zero: not known
};
using Effect = std::variant<PlaceOrder, PlaceLinked, CancelOrder, ModifyOrder>;
/// The order that it is about; of linked ones the first.
inline OrderId order_of(const Effect& effect) {
    return std::visit(overloaded{[](const PlaceLinked& linked) { return linked.orders.front().order; },
                                 [](const auto& one) { return one.order; }},
                      effect);
}

/// What a broker says of one order. Fields that `kind` does not use are empty.
struct BrokerReport {
    using Record = void;  ///< what comes of it is recorded; a venue says it again whenever it is asked the same
    OrderId order;
    ReportKind kind = ReportKind::accepted;
    Qty quantity;              ///< filled: this execution; modified: the new total
    Price price;               ///< filled
    Price limit_price;         ///< modified
    Price stop_price;          ///< modified
    std::string trade;         ///< filled: unique for this order at this broker
    std::string text;          ///< accepted: the broker's order id; rejected, cancelled: why
    bool reduce_only = false;  ///< modified
    Rule rule = Rule::none;    ///< modified: what the broker did it for, where nobody asked
    friend bool operator==(const BrokerReport&, const BrokerReport&) = default;
};

/// Where a venue puts its answers, oldest first.
using Reports = std::vector<BrokerReport>;

/// The prices at which an auction's orders meet, from a quote, a trade or a bar of its time. A size of zero: not known.
struct AuctionPrices {
    InstrumentId instrument;
    Price bid;
    Price ask;
    Qty bid_qty{};
    Qty ask_qty{};
};

/// Executes orders inside the process. Called on the kernel's thread only, never while a fact is half applied. Its answers go into
/// `out`.
class Venue {
public:
    virtual ~Venue() = default;

    /// Market inputs, each after it was marked and before any strategy sees it. Of bars only what counts (kernel/state.hpp):
    /// a shadowed bar is no price. `is_shortest`: the instrument has no bars of a shorter interval.
    virtual void on_quote(Time now, const QuoteTick& quote, Reports& out) = 0;
    virtual void on_trade(Time /*now*/, const TradeTick& /*trade*/, Reports& /*out*/) {}
    virtual void on_bar_opened(Time now, const BarOpened& bar, bool is_shortest, Reports& out) = 0;
    virtual void on_bar_closed(Time now, const BarClosed& bar, Reports& out) = 0;
    /// The open of a bar of the shortest interval that does not count, since quotes or trades came in the bar before: no price to be marked
    /// or matched by, but what waits for just such an open (`fill: next_open`) has it.
    virtual void on_shadowed_open(Time /*now*/, const BarOpened& /*bar*/, Reports& /*out*/) {}
    /// An opening or closing auction finds its price: market and limit orders that are there meet it, whatever they had met before. Stops and
    /// IOC orders take no part, and it stands for nobody who comes later.
    virtual void on_auction(Time now, const AuctionPrices& prices, Reports& out) = 0;
    /// Orders cannot fill for a while: no price stands until the next one that is told. What rests stays.
    virtual void forget_price(InstrumentId instrument) = 0;
    virtual void on_session_opened(Time now, const TradingSessionOpened& session, Reports& out) = 0;
    virtual void on_session_closed(Time now, const TradingSessionClosed& session, Reports& out) = 0;

    /// A share is another: `orders` are what open ones are now, by number, and `positions` what portfolios hold after it. But for a
    /// dividend, orders that are not among them are cancelled, those on their way too. No price of before stands.
    virtual void on_corporate_action(Time now, const CorporateAction& action, std::span<const OrderAdjusted> orders,
                                     std::span<const PositionAdjusted> positions, Reports& out) = 0;

    /// A contract is over: its orders end, those on their way too.
    virtual void on_expired(Time /*now*/, const ContractExpired& /*expired*/, Reports& /*out*/) {}
    /// Positions are what settlement has left: what only reduces is cut to them.
    virtual void on_settled(Time /*now*/, std::span<const PositionSettled> /*positions*/, Reports& /*out*/) {}

    /// Carries out one request.
    virtual void perform(Time now, const Effect& effect, Reports& out) = 0;

    /// What a market order may pay (or get) where the touch is `touch`: the touch, worsened by what the venue is known to add.
    virtual Price worst_fill(Side side, Price touch, Price tick) const = 0;
    /// Whether it enforces links and reduce_only before each fill. Where it does not, the kernel does after each report.
    virtual bool links_orders() const = 0;

    /// The state that future answers depend on, in canonical bytes; `load` refuses bytes that `save` cannot have written.
    virtual void save(ByteBuffer& out) const = 0;
    virtual Result<void> load(Bytes bytes) = 0;
};

}  // namespace alpha
