#pragma once
/// A trading desk with one paper broker, for tests: say what the market does or what is requested, get
/// back what the broker reports, one line a report: "1 accepted", "1 filled 100 at 10.5 #1", "2
/// cancelled: ioc".

#include "adapters/paper/paper_broker.hpp"
#include "events/fixed.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alpha::test {

using Said = std::vector<std::string>;

inline Price px(std::string_view text) {
    const Result<Price> price = parse_price(text);
    ALPHA_ASSERT(price.has_value(), "a price in a test that does not parse");
    return *price;
}

inline std::string to_line(const BrokerReport& report) {
    std::string line = std::to_string(report.order.value);
    switch (report.kind) {
    case ReportKind::accepted: line += " accepted"; break;
    case ReportKind::rejected: line += " rejected"; break;
    case ReportKind::triggered: line += " triggered"; break;
    case ReportKind::filled:
        line += " filled " + to_string(report.quantity) + " at " + to_string(report.price) + " #" + report.trade;
        break;
    case ReportKind::cancelled: line += " cancelled"; break;
    case ReportKind::expired: line += " expired"; break;
    case ReportKind::modified:
        line += " modified " + to_string(report.quantity) + " limit " + to_string(report.limit_price) + " stop " +
                to_string(report.stop_price);
        break;
    case ReportKind::cancel_rejected: line += " cancel_rejected"; break;
    case ReportKind::modify_rejected: line += " modify_rejected"; break;
    }
    return report.text.empty() ? line : line + ": " + report.text;
}

/// An order in the making: buy(100).limit("10").ioc().
struct Ticket {
    OrderTerms terms;
    Date good_until{};
    PortfolioId portfolio{};
    Qty lot{kScale};

    Ticket limit(std::string_view price) const {
        Ticket next = *this;
        next.terms.type = terms.type == OrderType::stop ? OrderType::stop_limit : OrderType::limit;
        next.terms.limit_price = px(price);
        return next;
    }
    Ticket stop(std::string_view price) const {
        Ticket next = *this;
        next.terms.type = terms.type == OrderType::limit ? OrderType::stop_limit : OrderType::stop;
        next.terms.stop_price = px(price);
        return next;
    }
    Ticket ioc() const {
        Ticket next = *this;
        next.terms.tif = TimeInForce::ioc;
        return next;
    }
    Ticket day(int date) const {
        Ticket next = *this;
        next.terms.tif = TimeInForce::day;
        next.good_until = Date{date};
        return next;
    }
    Ticket reduce_only() const {
        Ticket next = *this;
        next.terms.reduce_only = true;
        return next;
    }
    Ticket tagged(std::string_view tag) const {
        Ticket next = *this;
        next.terms.tag = tag;
        return next;
    }
    Ticket of_portfolio(std::uint32_t id) const {
        Ticket next = *this;
        next.portfolio = PortfolioId{id};
        return next;
    }
    Ticket in_lots_of(std::int64_t size) const {
        Ticket next = *this;
        next.lot = qty_of(size);
        return next;
    }
    Ticket of(std::uint32_t instrument) const {
        Ticket next = *this;
        next.terms.instrument = InstrumentId{instrument};
        return next;
    }
};

inline Ticket buy(std::int64_t quantity) {
    return {{{}, Side::buy, OrderType::market, TimeInForce::gtc, qty_of(quantity), {}, {}}};
}
inline Ticket sell(std::int64_t quantity) {
    return {{{}, Side::sell, OrderType::market, TimeInForce::gtc, qty_of(quantity), {}, {}}};
}

/// Time stands still unless wait() moves it: everything may share one nanosecond, as in real data.
class Desk {
public:
    explicit Desk(const PaperSettings& settings = {}) : broker_(make_paper_broker(settings)) {}

    Desk& wait(std::int64_t seconds) {
        now_ = now_ + Duration{seconds * kSecondNs};
        return *this;
    }
    Said place(const Ticket& ticket) { return perform(placement(ticket)); }
    /// An entry with exits, of which one cancels the others where there are several.
    Said entry_with(const Ticket& entry, std::vector<Ticket> exits) {
        PlaceLinked linked;
        linked.orders.push_back(placement(entry));
        const OrderId first{orders_ + 1};
        for (Ticket& exit : exits) {
            exit.terms.parent = linked.orders.front().order;
            exit.terms.reduce_only = true;
            exit.terms.group = exits.size() > 1 ? first : OrderId{};
            exit.terms.legs = exits.size() > 1 ? static_cast<std::uint8_t>(exits.size()) : std::uint8_t{0};
            linked.orders.push_back(placement(exit));
        }
        return perform(linked);
    }
    Said bracket(const Ticket& entry, std::string_view stop, std::string_view target) {
        Ticket exit = entry;
        exit.terms.type = OrderType::market;
        exit.terms.tif = TimeInForce::gtc;
        exit.terms.side = opposite(entry.terms.side);
        exit.terms.limit_price = exit.terms.stop_price = Price{};
        return entry_with(entry, {exit.stop(stop), exit.limit(target)});
    }
    Said oco(std::vector<Ticket> legs) {
        PlaceLinked linked;
        const OrderId first{orders_ + 1};
        for (Ticket& leg : legs) {
            leg.terms.group = first;
            leg.terms.legs = static_cast<std::uint8_t>(legs.size());
            linked.orders.push_back(placement(leg));
        }
        return perform(linked);
    }
    Said cancel(std::uint64_t order) { return perform(CancelOrder{OrderId{order}}); }
    /// `known`: the total when it was asked for, where links have made it smaller since.
    Said modify(std::uint64_t order, std::int64_t quantity, std::string_view limit = "0", std::string_view stop = "0",
                std::int64_t known = 0) {
        return perform(ModifyOrder{OrderId{order}, qty_of(quantity), px(limit), px(stop), false, qty_of(known)});
    }
    Said quote(std::string_view bid, std::string_view ask, std::int64_t bid_qty = 100, std::int64_t ask_qty = 100,
               std::uint32_t instrument = 0) {
        broker_->on_quote(now_, {InstrumentId{instrument}, px(bid), px(ask), qty_of(bid_qty), qty_of(ask_qty)},
                          reports_);
        return said();
    }
    Said trade(std::string_view price, std::int64_t quantity = 100, std::uint32_t instrument = 0) {
        broker_->on_trade(now_, {InstrumentId{instrument}, px(price), qty_of(quantity), {}, {}, {}}, reports_);
        return said();
    }
    Said auction(std::string_view bid, std::string_view ask, std::int64_t size = 0) {
        broker_->on_auction(now_, {InstrumentId{0}, px(bid), px(ask), qty_of(size), qty_of(size)}, reports_);
        return said();
    }
    Said forget() {
        broker_->forget_price(InstrumentId{0});
        return said();
    }
    /// Bars of a minute: the one that closes next began here.
    Said opened(std::string_view open, std::uint32_t instrument = 0, bool is_shortest = true) {
        label_ = now_;
        broker_->on_bar_opened(now_, {InstrumentId{instrument}, px(open), now_, kInterval}, is_shortest, reports_);
        return said();
    }
    /// The next bar to close began here, told or not.
    Desk& label() {
        label_ = now_;
        return *this;
    }
    Said closed(std::string_view open, std::string_view high, std::string_view low, std::string_view close,
                std::uint32_t instrument = 0, std::int64_t volume = 1'000) {
        broker_->on_bar_closed(
            now_, {InstrumentId{instrument}, px(open), px(high), px(low), px(close), qty_of(volume), label_, kInterval},
            reports_);
        return said();
    }
    Said session_opened(int date, std::uint32_t instrument = 0) {
        broker_->on_session_opened(now_, {InstrumentId{instrument}, Date{date}}, reports_);
        return said();
    }
    Said session_closed(int date, std::uint32_t instrument = 0) {
        broker_->on_session_closed(now_, {InstrumentId{instrument}, Date{date}}, reports_);
        return said();
    }
    Venue& broker() { return *broker_; }

private:
    PlaceOrder placement(const Ticket& ticket) {
        return {OrderId{++orders_}, ticket.terms, ticket.good_until, ticket.portfolio, px("0.01"), ticket.lot};
    }
    Said perform(const Effect& effect) {
        broker_->perform(now_, effect, reports_);
        return said();
    }
    Said said() {
        Said lines;
        for (const BrokerReport& report : std::exchange(reports_, {})) {
            lines.push_back(to_line(report));
        }
        return lines;
    }

    static constexpr Duration kInterval{60 * kSecondNs};

    std::unique_ptr<Venue> broker_;
    Reports reports_;
    Time label_{1'700'000'000 * kSecondNs};
    Time now_{1'700'000'000 * kSecondNs};
    std::uint64_t orders_ = 0;
};

}  // namespace alpha::test
