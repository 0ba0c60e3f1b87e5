#pragma once
/// What the paper broker remembers: per instrument the newest prices, open orders and requests on their way. Saved and loaded as
/// canonical bytes (state.cpp).

#include "adapters/paper/paper_broker.hpp"
#include "events/limits.hpp"

#include <map>
#include <utility>
#include <vector>

namespace alpha::paper {

/// An order that has become effective and can still fill.
struct OpenOrder {
    OrderId id;
    PortfolioId portfolio;
    OrderTerms terms;
    Date good_until;
    Price tick;
    Qty lot;
    Qty filled;
    Qty covered;          ///< an exit: what its entry has filled and no fill of a leg and no cut has taken; else unused
    Time arrived;         ///< when it became effective; an exit when it came alive
    bool awaits = false;  ///< it has not met its first price
    bool entry_ended = false;  ///< an exit: its entry can fill no more
    bool triggered = false;
    Price promised;  ///< use_size: what it would have filled at when the bar opened; zero: nothing

    // Only the matching of one input asks for these; they are never saved.
    bool triggered_now = false;  ///< by this bar's range: what followed inside the bar is unknown
    bool is_born = false;        ///< of one input: an exit that has come alive, and has not met its first price yet
    bool born_inside = false;    ///< an exit of a fill inside this bar
    Price born_at;               ///< then: where the bar's price stood
    Qty fresh;                   ///< an exit: what came alive inside this bar
    bool is_done = false;        ///< finished: taken off the list when the input has been matched

    bool is_exit() const { return terms.parent.value != 0; }
    bool is_linked() const { return is_exit() || terms.legs != 0 || terms.reduce_only; }
    /// What may fill now.
    Qty leaves() const {
        const Qty whole = terms.quantity - filled;
        return is_exit() && covered < whole ? covered : whole;
    }
    bool is_asleep() const { return is_exit() && covered.raw <= 0; }
    bool is_armed_stop() const {
        return !triggered && (terms.type == OrderType::stop || terms.type == OrderType::stop_limit);
    }
    bool has_limit() const { return terms.type == OrderType::limit || terms.type == OrderType::stop_limit; }
};

/// A request on its way to the market.
struct PendingRequest {
    Time due;
    Effect request;
};

/// What a portfolio holds of the instrument under a product by this broker's fills.
struct Net {
    PortfolioId portfolio;
    Product product = Product::none;
    Qty quantity;

    auto key() const { return std::pair(portfolio, product); }
};

/// All that is known of one instrument. What a quiet quote touches comes first.
struct Book {
    Price bid;  ///< of the latest quote; zero: no price on this side
    Price ask;
    Qty bid_left;  ///< of the displayed size, what nobody has taken yet
    Qty ask_left;
    bool has_quote = false;  ///< a quote stands, even one without prices
    Price last_price;        ///< of the newest open, close or trade that no quote stands before; zero until one is seen
    Time last_time = kBeforeAll;    ///< when it came: an order of the same instant meets it
    bool last_is_open = false;      ///< it is an open
    Qty volume_left;                ///< use_size: of the newest trade, or our share of that bar once it has closed
    std::vector<OpenOrder> orders;  ///< by arrival
    std::vector<PendingRequest> pending;  ///< by arrival, which is by due time
    std::vector<Net> nets;                ///< by portfolio and product; those that are not flat
    std::size_t linked = 0;               ///< orders with links; entries are not among them. Not saved

    bool is_untouched() const {
        return !has_quote && last_time == kBeforeAll && orders.empty() && pending.empty() && nets.empty();
    }
};

/// Where an order is that is open or on its way, since cancels and modifies do not name the instrument.
struct Whereabouts {
    InstrumentId instrument;
    OrderType type = OrderType::market;
};

struct BrokerState {
    std::vector<Book> books;  ///< by instrument id
    std::map<OrderId, Whereabouts> whereabouts;
    std::uint64_t trades = 0;  ///< executions so far
};

Book& book_at(std::vector<Book>& books, InstrumentId id);

// ---- what makes terms and prices valid ----

inline bool in_range(Price price) {
    return price >= Price{0} && price <= limits::kMaxPrice;
}
inline bool prices_fit(OrderType type, Price limit_price, Price stop_price) {
    return in_range(limit_price) && in_range(stop_price) && (!needs_limit(type) || limit_price > Price{0}) &&
           (!needs_stop(type) || stop_price > Price{0});
}
inline bool quantity_fits(Qty quantity) {
    return quantity > Qty{0} && quantity <= limits::kMaxQty;
}
inline bool terms_fit(const OrderTerms& terms) {
    return quantity_fits(terms.quantity) && prices_fit(terms.type, terms.limit_price, terms.stop_price);
}

/// Visits each order that the request places.
template <class Request, class Visit>
void each_placed(Request& request, Visit visit) {
    if (auto* place = std::get_if<PlaceOrder>(&request)) {
        visit(*place);
    } else if (auto* linked = std::get_if<PlaceLinked>(&request)) {
        for (auto& order : linked->orders) {
            visit(order);
        }
    }
}

void save(const BrokerState& state, ByteBuffer& out);
/// Refuses (kind data) what `save` cannot have written under these settings.
Result<BrokerState> load(Bytes bytes, const PaperSettings& settings);

}  // namespace alpha::paper
