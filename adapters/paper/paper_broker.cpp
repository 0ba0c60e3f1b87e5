#include "adapters/paper/paper_broker.hpp"

#include "adapters/paper/matching.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace alpha {

namespace {

using paper::Book;
using paper::BrokerState;
using paper::kEntryEnded;
using paper::kNotOpen;
using paper::OpenOrder;
using paper::Pass;
using paper::PendingRequest;

constexpr const char* kCorporateAction = "corporate action";

/// Keeps the prices that stand and the requests on their way; whom a price meets, and what comes of it, is Matching's.

class PaperVenue final : public Venue {
public:
    explicit PaperVenue(const PaperSettings& settings) : settings_(settings) {
        ALPHA_ASSERT(paper::in_range(settings.slippage), "slippage out of range");
        ALPHA_ASSERT(settings.latency >= Duration{0} && settings.latency <= kMaxPaperLatency, "latency out of range");
    }

    void on_quote(Time now, const QuoteTick& quote, Reports& out) override {
        Book& book = book_of(quote.instrument);
        book.bid = quote.bid;
        book.ask = quote.ask;
        book.bid_left = quote.bid_qty;
        book.ask_left = quote.ask_qty;
        book.has_quote = true;
        if (book.orders.empty() && book.pending.empty()) [[likely]] {
            return;
        }
        Pass pass{book, now, out};
        become_effective(pass);
        matching_.at_quote(pass);
        clear_done(book);
    }

    void on_trade(Time now, const TradeTick& trade, Reports& out) override {
        Book& book = book_of(trade.instrument);
        if (!book.has_quote) {
            take_last_price(book, now, trade.price, false);
        }
        book.volume_left = settings_.use_size ? trade.quantity : Qty{};
        if (book.orders.empty() && book.pending.empty()) [[likely]] {
            return;
        }
        Pass pass{book, now, out};
        pass.trade = &trade;
        become_effective(pass);
        matching_.at_trade(pass);
        clear_done(book);
    }

    void on_bar_opened(Time now, const BarOpened& bar, bool is_shortest, Reports& out) override {
        Book& book = book_of(bar.instrument);
        take_last_price(book, now, bar.open, true);
        book.volume_left = Qty{};
        if (book.orders.empty() && book.pending.empty()) {
            return;
        }
        Pass pass{book, now, out};
        pass.is_shortest_open = is_shortest;
        become_effective(pass);
        if (bar.open > Price{0}) {
            matching_.at_open(pass, bar.open);
        }
        clear_done(book);
    }

    void on_shadowed_open(Time now, const BarOpened& bar, Reports& out) override {
        Book& book = book_of(bar.instrument);
        const bool is_awaited = matching_.takes_shadowed_opens() && bar.open > Price{0};
        if (!is_awaited || (book.orders.empty() && book.pending.empty())) {
            return;
        }
        Pass pass{book, now, out};
        pass.is_shortest_open = true;
        pass.awaited_open = bar.open;
        become_effective(pass);
        matching_.at_shadowed_open(pass, bar.open);
        clear_done(book);
    }

    void on_bar_closed(Time now, const BarClosed& bar, Reports& out) override {
        Book& book = book_of(bar.instrument);
        const bool had_its_open = book.last_is_open && book.last_time == bar.label && !book.has_quote;
        take_last_price(book, now, bar.close, false);
        book.volume_left = settings_.use_size ? matching_.share_of(bar.volume) : Qty{};
        if (book.orders.empty() && book.pending.empty()) {
            return;
        }
        Pass pass{book, now, out};
        pass.bar = &bar;
        pass.meets_close = true;
        matching_.at_close(pass, had_its_open);
        become_effective(pass);
        for (OpenOrder& order : book.orders) {
            order.triggered_now = order.born_inside = false;
            order.fresh = Qty{};
        }
        clear_done(book);
    }

    void on_auction(Time now, const AuctionPrices& prices, Reports& out) override {
        Book& book = book_of(prices.instrument);
        if (!book.orders.empty() || !book.pending.empty()) {
            const bool is_sized = prices.bid_qty > Qty{0} || prices.ask_qty > Qty{0};
            book.bid = prices.bid;
            book.ask = prices.ask;
            book.bid_left = is_sized ? prices.bid_qty : limits::kMaxQty;
            book.ask_left = is_sized ? prices.ask_qty : limits::kMaxQty;
            book.has_quote = true;
            Pass pass{book, now, out};
            pass.is_auction = true;
            become_effective(pass);
            matching_.at_quote(pass);
            clear_done(book);
        }
        forget(book);
    }

    void forget_price(InstrumentId instrument) override { forget(book_of(instrument)); }

    void on_session_opened(Time now, const TradingSessionOpened& session, Reports& out) override {
        Book& book = book_of(session.instrument);
        end_day_orders(now, book, Date{session.date.days - 1}, out);  // of sessions in which nothing came
        const auto date = [&](auto& order) {
            if (order.terms.tif == TimeInForce::day && order.good_until.days == 0) {
                order.good_until = session.date;
            }
        };
        std::ranges::for_each(book.orders, date);
        for (PendingRequest& pending : book.pending) {
            paper::each_placed(pending.request, date);
        }
    }

    void on_session_closed(Time now, const TradingSessionClosed& session, Reports& out) override {
        end_day_orders(now, book_of(session.instrument), session.date, out);
    }

    void on_corporate_action(Time now, const CorporateAction& action, std::span<const OrderAdjusted> orders,
                             std::span<const PositionAdjusted> positions, Reports& out) override {
        book_of(action.other);  // a book that is new moves the others
        Book& book = book_of(action.instrument);
        forget(book);
        if (action.kind == ActionKind::dividend) {
            return;
        }
        adjust_nets(action.instrument, positions);
        const auto numbers_of = [&](OrderId id) {
            const auto at = std::ranges::lower_bound(orders, id, {}, &OrderAdjusted::order);
            return at != orders.end() && at->order == id ? &*at : nullptr;
        };
        Pass pass{book, now, out};
        paper::each_order(pass, [&](OpenOrder& order) {
            if (const OrderAdjusted* const to = numbers_of(order.id); to != nullptr) {
                adjust(order, *to);
            } else {
                matching_.finish(pass, order, ReportKind::cancelled, kCorporateAction);
            }
        });
        std::erase_if(book.pending, [&](PendingRequest& pending) {
            bool is_over = false;
            paper::each_placed(pending.request, [&](const PlaceOrder& place) {
                is_over = is_over || numbers_of(place.order) == nullptr;
            });
            paper::each_placed(pending.request, [&](PlaceOrder& place) {
                if (is_over) {
                    paper::report(place.order, ReportKind::cancelled, kCorporateAction, out);
                    state_.whereabouts.erase(place.order);
                } else {
                    adjust(place.terms, *numbers_of(place.order));
                }
            });
            return is_over;
        });
        recut(pass, positions);
        clear_done(book);
        if (action.other != action.instrument) {
            Book& other = book_of(action.other);
            Pass other_pass{other, now, out};
            recut(other_pass, positions);
            clear_done(other);
        }
    }

    void on_expired(Time now, const ContractExpired& expired, Reports& out) override {
        Book& book = book_of(expired.instrument);
        Pass pass{book, now, out};
        paper::each_order(pass, [&](OpenOrder& order) {
            matching_.finish(pass, order, ReportKind::expired, "its contract is over");
        });
        for (PendingRequest& pending : book.pending) {
            paper::each_placed(pending.request, [&](const PlaceOrder& place) {
                paper::report(place.order, ReportKind::expired, "its contract is over", out);
                state_.whereabouts.erase(place.order);
            });
        }
        book.pending.clear();
        clear_done(book);
    }

    void on_settled(Time now, std::span<const PositionSettled> positions, Reports& out) override {
        std::vector<std::pair<PortfolioId, Product>> own;  // of this broker's portfolios
        for (const PositionSettled& position : positions) {
            Book& book = book_of(position.instrument);
            const std::pair key(position.portfolio, position.product);
            const bool is_own = std::ranges::binary_search(book.nets, key, {}, &paper::Net::key);
            if (position.kind != SettlementKind::shares) {
                if (is_own) {
                    own.emplace_back(position.portfolio, Product::none);
                    set_net(position.instrument, key, position.quantity);
                }
                continue;
            }
            // Shares follow their contract, which stands before them.
            if (!own.empty() && own.back().first == position.portfolio) {
                set_net(position.instrument, key, position.quantity);
                Pass pass{book, now, out};
                if (book.linked != 0) {
                    matching_.cut_reducing_orders(pass, position.portfolio, position.product);
                }
                clear_done(book);
            }
        }
    }

    void perform(Time now, const Effect& effect, Reports& out) override {
        paper::each_placed(effect, [&](const PlaceOrder& place) { enter(place); });
        const OrderId id = order_of(effect);
        const auto known = state_.whereabouts.find(id);
        if (known == state_.whereabouts.end()) {
            const bool is_cancel = std::holds_alternative<CancelOrder>(effect);
            paper::report(id, is_cancel ? ReportKind::cancel_rejected : ReportKind::modify_rejected, kNotOpen, out);
            return;
        }
        if (const auto* modify = std::get_if<ModifyOrder>(&effect)) {
            ALPHA_ASSERT(paper::quantity_fits(modify->quantity) &&
                             paper::prices_fit(known->second.type, modify->limit_price, modify->stop_price),
                         "a change whose terms were not judged");
        }
        Book& book = book_of(known->second.instrument);
        if (settings_.latency == Duration{0}) {
            Pass pass{book, now, out};
            execute(pass, effect);
            clear_done(book);
            return;
        }
        const Time due = now + settings_.latency;
        ALPHA_ASSERT(book.pending.empty() || book.pending.back().due <= due, "time went back");
        book.pending.push_back({due, effect});
    }

    Price worst_fill(Side side, Price touch, Price tick) const override {
        return matching_.worsened(side, touch, tick);
    }
    bool links_orders() const override { return settings_.links == Links::venue; }

    void save(ByteBuffer& out) const override { paper::save(state_, out); }
    Result<void> load(Bytes bytes) override {
        return paper::load(bytes, settings_).map([&](BrokerState&& loaded) { state_ = std::move(loaded); });
    }

private:
    Book& book_of(InstrumentId id) {
        if (id.value >= state_.books.size()) [[unlikely]] {
            return paper::book_at(state_.books, id);
        }
        return state_.books[id.value];
    }

    /// DAY orders of this day and of earlier ones end.
    void end_day_orders(Time now, Book& book, Date day, Reports& out) {
        const auto ends = [&](const auto& order) {
            return order.terms.tif == TimeInForce::day && order.good_until.days != 0 && order.good_until <= day;
        };
        Pass pass{book, now, out};
        paper::each_order(pass, [&](OpenOrder& order) {
            if (ends(order)) {
                matching_.finish(pass, order, ReportKind::expired, "");
            }
        });
        std::erase_if(book.pending, [&](PendingRequest& pending) {
            if (const auto* place = std::get_if<PlaceOrder>(&pending.request)) {
                return ends_on_its_way(*place, ends(*place), out);
            }
            auto* linked = std::get_if<PlaceLinked>(&pending.request);
            if (linked == nullptr) {
                return false;
            }
            std::erase_if(linked->orders,
                          [&](const PlaceOrder& place) { return ends_on_its_way(place, ends(place), out); });
            return linked->orders.empty();
        });
        clear_done(book);
    }

    /// Ends an order that has not become effective yet where its day is over or its entry has ended.
    bool ends_on_its_way(const PlaceOrder& place, bool is_over, Reports& out) {
        const OrderId entry = place.terms.parent;
        if (entry.value != 0 && !state_.whereabouts.contains(entry)) {
            paper::report(place.order, ReportKind::cancelled, kEntryEnded, out);
        } else if (is_over) {
            paper::report(place.order, ReportKind::expired, "", out);
        } else {
            return false;
        }
        state_.whereabouts.erase(place.order);
        return true;
    }

    /// What this broker's portfolios hold is what the facts say.
    void adjust_nets(InstrumentId instrument, std::span<const PositionAdjusted> positions) {
        const std::vector<paper::Net> before = book_of(instrument).nets;
        for (const PositionAdjusted& position : positions) {
            const std::pair key(position.portfolio, position.product);
            if (!std::ranges::binary_search(before, key, {}, &paper::Net::key)) {
                continue;  // of another broker
            }
            set_net(position.instrument, key, position.quantity);
        }
    }
    void set_net(InstrumentId instrument, std::pair<PortfolioId, Product> key, Qty quantity) {
        std::vector<paper::Net>& nets = book_of(instrument).nets;
        const auto at = std::ranges::lower_bound(nets, key, {}, &paper::Net::key);
        const bool is_there = at != nets.end() && at->key() == key;
        if (is_there && quantity.raw != 0) {
            at->quantity = quantity;
        } else if (is_there) {
            nets.erase(at);
        } else if (quantity.raw != 0) {
            nets.insert(at, {key.first, key.second, quantity});
        }
    }
    /// What only reduces does so as things are now.
    void recut(Pass& pass, std::span<const PositionAdjusted> positions) {
        if (pass.book.linked != 0) {
            for (const PositionAdjusted& position : positions) {
                matching_.cut_reducing_orders(pass, position.portfolio, position.product);
            }
        }
    }
    static void adjust(OrderTerms& terms, const OrderAdjusted& to) {
        terms.quantity = to.quantity;
        terms.limit_price = to.limit_price;
        terms.stop_price = to.stop_price;
    }
    /// What an exit guards grows with it; what an open has promised was a price of before.
    static void adjust(OpenOrder& order, const OrderAdjusted& to) {
        const Int128 grown = static_cast<Int128>(order.covered.raw) * to.quantity.raw / order.terms.quantity.raw;
        const std::int64_t unit = std::min(order.lot.raw, kScale);
        order.covered = std::min(Qty{static_cast<std::int64_t>(grown) / unit * unit}, to.quantity - to.filled);
        order.filled = to.filled;
        order.awaits = order.awaits || order.promised != Price{};
        order.promised = Price{};
        adjust(order.terms, to);
    }

    static void forget(Book& book) {
        take_last_price(book, kBeforeAll, Price{}, false);
        book.bid = book.ask = Price{};
        book.bid_left = book.ask_left = book.volume_left = Qty{};
    }
    static void take_last_price(Book& book, Time now, Price price, bool is_open) {
        book.has_quote = false;
        book.last_price = price;
        book.last_time = now;
        book.last_is_open = is_open;
    }

    static void clear_done(Book& book) {
        std::erase_if(book.orders, [&](const OpenOrder& order) {
            book.linked -= order.is_done && order.is_linked() ? 1U : 0U;
            return order.is_done;
        });
    }
    static OpenOrder& add(Book& book, OpenOrder order) {
        book.linked += order.is_linked() ? 1U : 0U;
        return book.orders.emplace_back(std::move(order));
    }

    // ---- requests ----

    /// Takes note of a new order, wherever it stands until it finishes.
    void enter(const PlaceOrder& place) {
        ALPHA_ASSERT(place.order.value != 0 && paper::terms_fit(place.terms), "an order whose terms were not judged");
        const bool is_new =
            state_.whereabouts.emplace(place.order, paper::Whereabouts{place.terms.instrument, place.terms.type})
                .second;
        ALPHA_ASSERT(is_new, "two orders with one number");
    }

    /// Lets every request whose time has come become effective.
    void become_effective(Pass& pass) {
        std::vector<PendingRequest>& pending = pass.book.pending;
        std::size_t done = 0;
        while (done < pending.size() && pending[done].due <= pass.now) {
            pass.meets_close = pass.bar != nullptr && pending[done].due < pass.now;
            execute(pass, pending[done].request);
            ++done;
        }
        pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(done));
    }

    void execute(Pass& pass, const Effect& effect) {
        std::visit([&](const auto& request) { execute(pass, request); }, effect);
    }

    OpenOrder& accept(Pass& pass, const PlaceOrder& place) {
        OpenOrder order;
        order.id = place.order;
        order.portfolio = place.portfolio;
        order.terms = place.terms;
        order.good_until = place.good_until;
        order.tick = place.tick;
        order.lot = place.lot;
        order.arrived = pass.now;
        if (settings_.links == Links::kernel) {
            order.terms.parent = order.terms.group = OrderId{};
            order.terms.legs = 0;
            order.terms.reduce_only = false;
        }
        paper::report(order.id, ReportKind::accepted, "", pass.out);
        return add(pass.book, std::move(order));
    }

    void execute(Pass& pass, const PlaceOrder& place) {
        OpenOrder& added = accept(pass, place);
        if (added.terms.reduce_only) {
            matching_.cut_reducing_orders(pass, added.portfolio, added.terms.product);
        }
        if (!added.is_done) {
            matching_.arrive(pass, added);
            matching_.settle(pass);
        }
    }

    /// All of them are there before the first can fill.
    void execute(Pass& pass, const PlaceLinked& linked) {
        const std::size_t first = pass.book.orders.size();
        bool reduces = false;
        for (const PlaceOrder& place : linked.orders) {
            const OpenOrder& added = accept(pass, place);
            reduces = reduces || (added.terms.reduce_only && !added.is_asleep());
        }
        if (reduces) {
            matching_.cut_reducing_orders(pass, linked.orders.front().portfolio, linked.orders.front().terms.product);
        }
        for (std::size_t i = first; i < first + linked.orders.size(); ++i) {
            OpenOrder& order = pass.book.orders[i];
            if (!order.is_done && !order.is_exit()) {  // exits arrive when their entry fills
                matching_.arrive(pass, order);
                matching_.settle(pass);
            }
        }
    }

    void execute(Pass& pass, const CancelOrder& cancel) {
        OpenOrder* order = paper::find_order(pass.book, cancel.order);
        if (order == nullptr) {
            paper::report(cancel.order, ReportKind::cancel_rejected, kNotOpen, pass.out);
            return;
        }
        matching_.finish(pass, *order, ReportKind::cancelled, "");
    }

    void execute(Pass& pass, const ModifyOrder& modify) {
        OpenOrder* order = paper::find_order(pass.book, modify.order);
        if (order == nullptr) {
            paper::report(modify.order, ReportKind::modify_rejected, kNotOpen, pass.out);
            return;
        }
        // What links have taken or added since it was asked for is gone from what is asked for, or comes to it.
        const Qty since = modify.known == Qty{} ? Qty{} : order->terms.quantity - modify.known;
        Qty quantity = std::min(limits::kMaxQty, modify.quantity + since);
        if (quantity <= order->filled) {
            paper::report(modify.order, ReportKind::modify_rejected, "quantity already filled", pass.out);
            return;
        }
        if (order->entry_ended) {  // no more than what it is an exit of
            quantity = std::min(quantity, order->filled + order->covered);
        }
        OrderTerms& terms = order->terms;
        const bool keeps_place = quantity <= terms.quantity && modify.limit_price == terms.limit_price &&
                                 modify.stop_price == terms.stop_price;
        const Qty more = quantity - terms.quantity;
        terms.quantity = quantity;
        terms.limit_price = modify.limit_price;
        terms.stop_price = modify.stop_price;
        if (modify.reduce_only && !terms.reduce_only && settings_.links == Links::venue) {
            pass.book.linked += order->is_linked() ? 0U : 1U;
            terms.reduce_only = true;
        }
        paper::report_modified(*order, Rule::none, pass.out);
        if (more > Qty{} && pass.book.linked != 0 && !order->is_exit()) {
            matching_.grow_exits(pass, order->id, quantity, more);
            matching_.cut_reducing_orders(pass, order->portfolio, order->terms.product);
        }
        if (!keeps_place) {
            OpenOrder moved = *order;
            moved.arrived = pass.now;
            moved.triggered_now = moved.triggered_now && pass.meets_close;
            order->is_done = true;
            order = &add(pass.book, std::move(moved));
        }
        if (order->terms.reduce_only) {
            matching_.cut_reducing_orders(pass, order->portfolio, order->terms.product);
        }
        if (!keeps_place && !order->is_done) {
            matching_.arrive(pass, *order);
            matching_.settle(pass);
        }
    }

    PaperSettings settings_;
    BrokerState state_;
    paper::Matching matching_{settings_, state_};
};

}  // namespace

std::unique_ptr<Venue> make_paper_broker(const PaperSettings& settings) {
    return std::make_unique<PaperVenue>(settings);
}

}  // namespace alpha
