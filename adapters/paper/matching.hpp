#pragma once
/// Matching: the orders of one book meet a price, fill, and bring about what their links say. One input is one Pass. Which price
/// comes when, and which requests become effective, is decided in paper_broker.cpp; the rules are those of paper_broker.hpp.

#include "adapters/paper/book.hpp"
#include "adapters/paper/fill_models.hpp"

#include <vector>

namespace alpha::paper {

inline constexpr const char* kNotOpen = "order is not open";
inline constexpr const char* kEntryEnded = "its entry has ended";

/// A price that an order meets, and what is to be had there.
struct Offer {
    PriceKind kind = PriceKind::touch;
    Price price;          ///< zero: none on this side
    Qty* left = nullptr;  ///< what may fill of it; null: as much as one likes
};

/// Where in a bar a fill lies, for the exits that it brings to life.
enum class Moment : std::uint8_t { now, at_open, inside };
/// An entry whose exits have come alive and have not met a price yet.
struct Born {
    OrderId entry;
    Moment moment = Moment::now;
};
/// An IOC order that has met its first price.
struct Over {
    OrderId order;
    const char* why = "";
};
/// The matching of one input. Orders stay where they are in the list until it is over.
struct Pass {
    Book& book;
    Time now;
    Reports& out;
    const BarClosed* bar = nullptr;        ///< that closes now
    const TradeTick* trade = nullptr;      ///< that is told of now
    std::vector<OrderId> came_to_quote{};  ///< with that trade, which was before them
    bool is_shortest_open = false;         ///< a bar opens that orders which wait for an open have waited for
    Price awaited_open{};                  ///< an open that is a price for what waited for one, and for nothing else
    std::vector<Born> born{};
    std::vector<Over> over{};
    bool has_born = false;     ///< exits have come alive inside the bar: their stops are to be looked at
    bool meets_close = false;  ///< what arrives now was on its way before the bar's close
    bool is_auction = false;   ///< at one price for all that take part
};

/// Visits the orders that are there now, by arrival; what a visit does to others is seen when their turn comes.
template <class Visit>
void each_order(Pass& pass, Visit visit) {
    const std::size_t count = pass.book.orders.size();
    for (std::size_t i = 0; i < count; ++i) {
        if (!pass.book.orders[i].is_done) {
            visit(pass.book.orders[i]);
        }
    }
}

// ---- answers ----

BrokerReport& report(OrderId id, ReportKind kind, const char* text, Reports& out);
/// The order's terms as they are now; `rule`: what the broker did it for, where nobody asked.
void report_modified(const OpenOrder& order, Rule rule, Reports& out);

/// The open order of that number, or null.
OpenOrder* find_order(Book& book, OrderId id);

/// Of the orders of one broker, under its settings.
class Matching {
public:
    /// Both outlive it; `state` holds the books of its passes.
    Matching(const PaperSettings& settings, BrokerState& state)
        : settings_(settings), fill_model_(spec_of(settings.fill)), state_(state) {}
    Matching(const Matching&) = delete;
    Matching& operator=(const Matching&) = delete;

    // What all orders of the pass's book meet.

    void at_quote(Pass& pass);
    /// Without a standing quote a trade is the touch of both sides. With one it fills what rests, and triggers stops, which come to the
    /// quote then.
    void at_trade(Pass& pass);
    void at_open(Pass& pass, Price open);
    /// The open of a bar that does not count: for what waits for one, and for nothing else.
    void at_shadowed_open(Pass& pass, Price open);
    bool takes_shadowed_opens() const {
        // How much a shadowed bar trades is never told, so with use_size there is nothing to be had of it.
        return fill_model_.takes_shadowed_opens && !settings_.use_size;
    }
    /// `had_its_open`: the bar's own open was the newest price until now.
    void at_close(Pass& pass, bool had_its_open);

    // One order.

    /// What an order meets when it becomes effective, or does so again with new terms, or comes alive.
    void arrive(Pass& pass, OpenOrder& order);
    /// Before anything else is matched: what has come alive meets its first price, exits that limit a loss first; then what an
    /// IOC order did not get is cancelled.
    void settle(Pass& pass);
    /// Reports an end without a fill, and ends what depends on it.
    void finish(Pass& pass, OpenOrder& order, ReportKind kind, const char* why);

    // Links.

    /// What an entry may fill more has its exits, too, as far as they are smaller than the entry.
    void grow_exits(Pass& pass, OrderId entry, Qty whole, Qty more);
    /// Reduce-only orders of the portfolio are no more than what it holds under their product, the oldest first.
    void cut_reducing_orders(Pass& pass, PortfolioId portfolio, Product product);

    Price worsened(Side side, Price price, Price tick) const;
    /// Our share of what a bar traded.
    Qty share_of(Volume volume) const;

private:
    template <class Visit>
    void match_each(Pass& pass, Visit visit) {
        each_order(pass, [&](OpenOrder& order) {
            visit(order);
            if (!pass.born.empty() || !pass.over.empty()) {
                settle(pass);
            }
        });
    }

    // matching.cpp: meeting a price.

    void meet(Pass& pass, OpenOrder& order, Offer offer);
    void take(Pass& pass, OpenOrder& order, const Offer& offer, bool arrives, bool waits_for_close);
    void trigger_by_trade(Pass& pass, OpenOrder& order);
    void end_ioc(Pass& pass, OpenOrder& order, const char* why);
    bool reaches(const OpenOrder& order, Price price) const;
    void keep_promise(Pass& pass, OpenOrder& order);
    void match_range_stops(Pass& pass);
    void match_range_stop(Pass& pass, OpenOrder& order);
    void match_range_limit(Pass& pass, OpenOrder& order);
    void match_close(Pass& pass, OpenOrder& order);
    Qty* size_left(Book& book) const { return settings_.use_size ? &book.volume_left : nullptr; }
    Offer touch_for(Book& book, Side side) const;

    // fills.cpp: filling, and what follows from it.

    void fill(Pass& pass, OpenOrder& order, Qty* left, Price price, Moment moment = Moment::now, Price market = {});
    void follow_links(Pass& pass, const OpenOrder& filled, Qty quantity, Moment moment, Price market);
    void bring_to_life(Pass& pass, OrderId entry, Moment moment, bool stops);
    void end_entry(Pass& pass, OrderId entry);
    void take_off(Pass& pass, OpenOrder& order, Qty quantity, const char* why);
    void close(Pass& pass, OpenOrder& order, ReportKind kind, const char* why);

    const PaperSettings& settings_;
    const FillModelSpec& fill_model_;
    BrokerState& state_;
};

}  // namespace alpha::paper
