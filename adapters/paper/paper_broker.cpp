#include "adapters/paper/paper_broker.hpp"

#include "adapters/paper/book.hpp"
#include "events/links.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace alpha {

namespace {

using paper::Book;
using paper::BrokerState;
using paper::OpenOrder;
using paper::PendingWish;

constexpr const char* kNotOpen = "order is not open";
constexpr const char* kLinked = "linked";
constexpr const char* kNothingToReduce = "nothing to reduce";
constexpr const char* kEntryEnded = "its entry has ended";

/// Whether `price` is the limit or better.
bool within_limit(const OpenOrder& order, Price price) {
    return order.terms.side == Side::buy ? price <= order.terms.limit_price : price >= order.terms.limit_price;
}

/// Whether `price` is at the stop or through it.
bool through_stop(const OpenOrder& order, Price price) {
    return order.terms.side == Side::buy ? price >= order.terms.stop_price : price <= order.terms.stop_price;
}

/// A price that an order meets, and what is to be had there.
struct Offer {
    enum class Kind : std::uint8_t {
        touch,  ///< a quote's, or a bar's price at this very instant
        open,   ///< of the bar that opens now
        close   ///< of the bar that closes now, for who came while it lasted
    };
    Kind kind = Kind::touch;
    Price price;          ///< zero: none on this side
    Qty* left = nullptr;  ///< what may fill of it; null: as much as one likes
};

class PaperBroker final : public Broker {
public:
    explicit PaperBroker(const PaperSettings& settings) : settings_(settings) {
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
        match_each(pass, [&](OpenOrder& order) { meet(pass, order, touch_for(book, order.terms.side)); });
        clear_done(book);
    }

    void on_bar_opened(Time now, const BarOpened& bar, bool is_shortest, Reports& out) override {
        Book& book = book_of(bar.instrument);
        take_bar_price(book, now, bar.open, true);
        book.volume_left = Qty{};
        if (book.orders.empty() && book.pending.empty()) {
            return;
        }
        Pass pass{book, now, out};
        pass.is_shortest_open = is_shortest;
        become_effective(pass);
        if (bar.open > Price{0}) {
            match_each(pass, [&](OpenOrder& order) { meet(pass, order, {Offer::Kind::open, bar.open, nullptr}); });
        }
        clear_done(book);
    }

    void on_shadowed_open(Time now, const BarOpened& bar, Reports& out) override {
        Book& book = book_of(bar.instrument);
        // How much a shadowed bar trades is never told, so with use_size there is nothing to be had of it.
        const bool is_awaited = settings_.fill == FillModel::next_open && !settings_.use_size && bar.open > Price{0};
        if (!is_awaited || (book.orders.empty() && book.pending.empty())) {
            return;
        }
        Pass pass{book, now, out};
        pass.is_shortest_open = true;
        pass.awaited_open = bar.open;
        become_effective(pass);
        match_each(pass, [&](OpenOrder& order) {
            if (order.awaits && !order.is_exit()) {
                meet(pass, order, {Offer::Kind::open, bar.open, nullptr});
            }
        });
        clear_done(book);
    }

    void on_bar_closed(Time now, const BarClosed& bar, Reports& out) override {
        Book& book = book_of(bar.instrument);
        const bool had_its_open = book.bar_is_open && book.bar_time == bar.label && !book.has_quote;
        take_bar_price(book, now, bar.close, false);
        book.volume_left = settings_.use_size ? share_of(bar.volume) : Qty{};
        if (book.orders.empty() && book.pending.empty()) {
            return;
        }
        Pass pass{book, now, out};
        pass.bar = &bar;
        pass.meets_close = true;
        match_each(pass, [&](OpenOrder& order) { had_its_open ? keep_promise(pass, order) : forget_promise(order); });
        match_range_stops(pass);
        match_each(pass, [&](OpenOrder& order) {
            match_range_limit(pass, order);
            if (pass.has_born) {  // the stops of an entry that has filled just now go before the next limit
                match_range_stops(pass);
            }
        });
        match_each(pass, [&](OpenOrder& order) { match_close(pass, order); });
        become_effective(pass);
        for (OpenOrder& order : book.orders) {
            order.triggered_now = order.born_inside = false;
            order.fresh = Qty{};
        }
        clear_done(book);
    }

    void on_session_opened(Time, const SessionOpened& session, Reports&) override {
        Book& book = book_of(session.instrument);
        const auto date = [&](auto& order) {
            if (order.terms.tif == TimeInForce::day && order.good_until.days == 0) {
                order.good_until = session.date;
            }
        };
        std::ranges::for_each(book.orders, date);
        for (PendingWish& pending : book.pending) {
            paper::each_placed(pending.wish, date);
        }
    }

    void on_session_closed(Time now, const SessionClosed& session, Reports& out) override {
        Book& book = book_of(session.instrument);
        const auto ends = [&](const auto& order) {
            return order.terms.tif == TimeInForce::day && order.good_until.days != 0 &&
                   order.good_until <= session.date;
        };
        Pass pass{book, now, out};
        each_order(pass, [&](OpenOrder& order) {
            if (ends(order)) {
                finish(pass, order, ReportKind::expired, "");
            }
        });
        std::erase_if(book.pending, [&](PendingWish& pending) {
            if (const auto* place = std::get_if<PlaceOrder>(&pending.wish)) {
                return ends_on_its_way(*place, ends(*place), out);
            }
            auto* linked = std::get_if<PlaceLinked>(&pending.wish);
            if (linked == nullptr) {
                return false;
            }
            std::erase_if(linked->orders,
                          [&](const PlaceOrder& place) { return ends_on_its_way(place, ends(place), out); });
            return linked->orders.empty();
        });
        clear_done(book);
    }

    void perform(Time now, const Effect& effect, Reports& out) override {
        paper::each_placed(effect, [&](const PlaceOrder& place) { enter(place); });
        const OrderId id = paper::order_of(effect);
        const auto known = state_.whereabouts.find(id);
        if (known == state_.whereabouts.end()) {
            const bool is_cancel = std::holds_alternative<CancelOrder>(effect);
            report(id, is_cancel ? ReportKind::cancel_rejected : ReportKind::modify_rejected, kNotOpen, out);
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

    Price worst_fill(Side side, Price touch, Price tick) const override { return worsened(side, touch, tick); }
    bool links_orders() const override { return settings_.links == Links::venue; }
    bool needs_durability() const override { return false; }

    void save(ByteBuffer& out) const override { paper::save(state_, out); }
    Result<void> load(Bytes bytes) override {
        return paper::load(bytes, settings_).map([&](BrokerState&& loaded) { state_ = std::move(loaded); });
    }

private:
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
        const BarClosed* bar = nullptr;  ///< that closes now
        bool is_shortest_open = false;   ///< a bar opens that orders which wait for an open have waited for
        Price awaited_open{};            ///< an open that is a price for what waited for one, and for nothing else
        std::vector<Born> born{};
        std::vector<Over> over{};
        bool has_born = false;     ///< exits have come alive inside the bar: their stops are to be looked at
        bool meets_close = false;  ///< what arrives now was on its way before the bar's close
    };

    Book& book_of(InstrumentId id) {
        if (id.value >= state_.books.size()) [[unlikely]] {
            return paper::book_at(state_.books, id);
        }
        return state_.books[id.value];
    }

    /// Ends an order that has not become effective yet where its day is over or its entry has ended.
    bool ends_on_its_way(const PlaceOrder& place, bool is_over, Reports& out) {
        const OrderId entry = place.terms.parent;
        if (entry.value != 0 && !state_.whereabouts.contains(entry)) {
            report(place.order, ReportKind::cancelled, kEntryEnded, out);
        } else if (is_over) {
            report(place.order, ReportKind::expired, "", out);
        } else {
            return false;
        }
        state_.whereabouts.erase(place.order);
        return true;
    }

    static void take_bar_price(Book& book, Time now, Price price, bool is_open) {
        book.has_quote = false;
        book.bar_price = price;
        book.bar_time = now;
        book.bar_is_open = is_open;
    }

    /// Visits the orders that are there now, by arrival; what a visit does to others is seen when their turn comes.
    template <class Visit>
    static void each_order(Pass& pass, Visit visit) {
        const std::size_t count = pass.book.orders.size();
        for (std::size_t i = 0; i < count; ++i) {
            if (!pass.book.orders[i].is_done) {
                visit(pass.book.orders[i]);
            }
        }
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

    // ---- wishes ----

    /// Takes note of a new order, wherever it stands until it finishes.
    void enter(const PlaceOrder& place) {
        ALPHA_ASSERT(place.order.value != 0 && paper::terms_fit(place.terms), "an order whose terms were not judged");
        const bool is_new =
            state_.whereabouts.emplace(place.order, paper::Whereabouts{place.terms.instrument, place.terms.type})
                .second;
        ALPHA_ASSERT(is_new, "two orders with one number");
    }

    /// Lets every wish whose time has come become effective.
    void become_effective(Pass& pass) {
        std::vector<PendingWish>& pending = pass.book.pending;
        std::size_t done = 0;
        while (done < pending.size() && pending[done].due <= pass.now) {
            pass.meets_close = pass.bar != nullptr && pending[done].due < pass.now;
            execute(pass, pending[done].wish);
            ++done;
        }
        pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(done));
    }

    void execute(Pass& pass, const Effect& effect) {
        std::visit([&](const auto& wish) { execute(pass, wish); }, effect);
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
        report(order.id, ReportKind::accepted, "", pass.out);
        return add(pass.book, std::move(order));
    }

    void execute(Pass& pass, const PlaceOrder& place) {
        OpenOrder& added = accept(pass, place);
        if (added.terms.reduce_only) {
            cut_reducing_orders(pass, added.portfolio);
        }
        if (!added.is_done) {
            arrive(pass, added);
            settle(pass);
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
            cut_reducing_orders(pass, linked.orders.front().portfolio);
        }
        for (std::size_t i = first; i < first + linked.orders.size(); ++i) {
            OpenOrder& order = pass.book.orders[i];
            if (!order.is_done && !order.is_exit()) {  // exits arrive when their entry fills
                arrive(pass, order);
                settle(pass);
            }
        }
    }

    void execute(Pass& pass, const CancelOrder& cancel) {
        OpenOrder* order = find_order(pass.book, cancel.order);
        if (order == nullptr) {
            report(cancel.order, ReportKind::cancel_rejected, kNotOpen, pass.out);
            return;
        }
        finish(pass, *order, ReportKind::cancelled, "");
    }

    void execute(Pass& pass, const ModifyOrder& modify) {
        OpenOrder* order = find_order(pass.book, modify.order);
        if (order == nullptr) {
            report(modify.order, ReportKind::modify_rejected, kNotOpen, pass.out);
            return;
        }
        // What links have taken or added since it was asked for is gone from what is asked for, or comes to it.
        const Qty since = modify.known == Qty{} ? Qty{} : order->terms.quantity - modify.known;
        Qty quantity = std::min(limits::kMaxQty, modify.quantity + since);
        if (quantity <= order->filled) {
            report(modify.order, ReportKind::modify_rejected, "quantity already filled", pass.out);
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
        report_modified(*order, Rule::none, pass.out);
        if (more > Qty{} && pass.book.linked != 0 && !order->is_exit()) {
            grow_exits(pass, order->id, quantity, more);
            cut_reducing_orders(pass, order->portfolio);
        }
        if (!keeps_place) {
            OpenOrder moved = *order;
            moved.arrived = pass.now;
            moved.triggered_now = moved.triggered_now && pass.meets_close;
            order->is_done = true;
            order = &add(pass.book, std::move(moved));
        }
        if (order->terms.reduce_only) {
            cut_reducing_orders(pass, order->portfolio);
        }
        if (!keeps_place && !order->is_done) {
            arrive(pass, *order);
            settle(pass);
        }
    }

    static OpenOrder* find_order(Book& book, OrderId id) {
        const auto found = std::ranges::find_if(
            book.orders, [id](const OpenOrder& order) { return order.id == id && !order.is_done; });
        return found == book.orders.end() ? nullptr : &*found;
    }

    // ---- arriving ----

    /// What an order meets when it becomes effective, or does so again with new terms, or comes alive.
    void arrive(Pass& pass, OpenOrder& order) {
        if (order.is_asleep()) {
            return;
        }
        order.awaits = true;
        order.promised = Price{};
        if (settings_.fill == FillModel::next_open && !order.is_exit() && !pass.is_shortest_open) {
            return;
        }
        if (pass.meets_close) {
            meet(pass, order, {Offer::Kind::close, pass.bar->close, size_left(pass.book)});
        } else if (pass.awaited_open > Price{0}) {
            meet(pass, order, {Offer::Kind::open, pass.awaited_open, nullptr});
        } else if (pass.book.has_quote) {
            meet(pass, order, touch_for(pass.book, order.terms.side));
        } else if (pass.book.bar_time == pass.now && pass.book.bar_price > Price{0}) {
            const auto kind = pass.book.bar_is_open ? Offer::Kind::open : Offer::Kind::touch;
            meet(pass, order, {kind, pass.book.bar_price, pass.book.bar_is_open ? nullptr : size_left(pass.book)});
        }
    }

    /// Of the bar that has just closed; null where sizes do not count.
    Qty* size_left(Book& book) const { return settings_.use_size ? &book.volume_left : nullptr; }

    Offer touch_for(Book& book, Side side) const {
        const bool buys = side == Side::buy;
        Qty* left = buys ? &book.ask_left : &book.bid_left;
        return {Offer::Kind::touch, buys ? book.ask : book.bid, settings_.use_size ? left : nullptr};
    }

    // ---- matching ----

    /// The order meets a price: as its first, or at rest.
    void meet(Pass& pass, OpenOrder& order, Offer offer) {
        if (order.is_asleep()) {
            return;
        }
        forget_promise(order);
        const bool waits_for_open = settings_.fill == FillModel::next_open && order.awaits && !order.is_exit();
        if (waits_for_open && (offer.kind != Offer::Kind::open || !pass.is_shortest_open)) {
            return;
        }
        const bool arrives = std::exchange(order.awaits, false);
        order.arrived = arrives ? pass.now : order.arrived;
        const bool waits_for_close = offer.kind == Offer::Kind::open && settings_.use_size;
        // A stop-limit fills at its stop on the bar that triggered it, or not at all.
        const bool is_over = order.triggered_now && order.has_limit();
        if (offer.price > Price{0} && !is_over) {
            take(pass, order, offer, arrives, waits_for_close);
        }
        if (!order.is_done && order.promised == Price{} && order.terms.tif == TimeInForce::ioc && arrives) {
            const bool unpriced = order.terms.type == OrderType::market && offer.price <= Price{0};
            end_ioc(pass, order, unpriced ? "no quote" : "ioc");
        }
    }

    void take(Pass& pass, OpenOrder& order, const Offer& offer, bool arrives, bool waits_for_close) {
        if (order.is_armed_stop()) {
            if (!through_stop(order, offer.price)) {
                return;
            }
            trigger(order, pass.out);
            arrives = true;  // from here on it comes to the market rather than rests in it
        }
        Price price = worsened(order.terms.side, offer.price, order.tick);
        if (order.has_limit()) {
            const bool rests = !arrives || offer.kind == Offer::Kind::close;
            if (rests ? !reaches(order, offer.price) : !within_limit(order, offer.price)) {
                return;
            }
            // Who waits gets the price he asked for; an open is the first price of all, so it is his as well.
            price = rests && offer.kind != Offer::Kind::open ? order.terms.limit_price : offer.price;
        }
        if (waits_for_close) {
            order.promised = price;
            return;
        }
        fill(pass, order, offer.left, price);
    }

    /// It has met its first price. An entry's end waits until the exits of what has filled have met it, too.
    void end_ioc(Pass& pass, OpenOrder& order, const char* why) {
        if (order.is_exit()) {
            finish(pass, order, ReportKind::cancelled, why);
        } else {
            pass.over.push_back({order.id, why});
        }
    }

    /// Whether a price that comes to a resting limit fills it.
    bool reaches(const OpenOrder& order, Price price) const {
        return within_limit(order, price) &&
               (settings_.limit_fill == LimitFill::reached || price != order.terms.limit_price);
    }

    /// The bar that would have decided on it has proved to be old news. What fills at its first price alone waits for another.
    static void forget_promise(OpenOrder& order) {
        if (std::exchange(order.promised, Price{}) != Price{}) {
            order.awaits = order.awaits || order.terms.type == OrderType::market || order.terms.tif == TimeInForce::ioc;
        }
    }

    /// use_size: what the bar's open would have given, of what the bar traded.
    void keep_promise(Pass& pass, OpenOrder& order) {
        const Price price = std::exchange(order.promised, Price{});
        if (price == Price{}) {
            return;
        }
        const bool was_ioc = order.terms.tif == TimeInForce::ioc;
        fill(pass, order, &pass.book.volume_left, price, Moment::at_open);
        if (was_ioc && !order.is_done) {
            end_ioc(pass, order, "ioc");
        }
    }

    /// Whether the order was there while the whole of the bar traded: it had met its first price by then.
    bool saw_range(const Pass& pass, const OpenOrder& order) const {
        return !order.is_asleep() && !order.awaits && order.arrived <= pass.bar->label;
    }

    void match_range_stops(Pass& pass) {
        do {
            pass.has_born = false;
            match_each(pass, [&](OpenOrder& order) { match_range_stop(pass, order); });
        } while (pass.has_born);
    }

    void match_range_stop(Pass& pass, OpenOrder& order) {
        // More of an exit that the bar has stopped already is stopped as well.
        const bool is_more_of_it = order.triggered_now && order.born_inside && !order.has_limit();
        if (order.is_asleep() ||
            !(is_more_of_it || (order.is_armed_stop() && (saw_range(pass, order) || order.born_inside)))) {
            return;
        }
        const bool buys = order.terms.side == Side::buy;
        const Price extreme = buys ? pass.bar->high : pass.bar->low;
        if (extreme <= Price{0} || !through_stop(order, extreme)) {
            return;
        }
        if (!order.triggered) {
            trigger(order, pass.out);
        }
        order.triggered_now = true;
        order.awaits = false;
        const bool was_born = std::exchange(order.born_inside, false);
        // An open through the stop was seen by whoever could meet it; for the others it is worse than the stop. So is the
        // price at which the entry has filled.
        const Price first = was_born ? order.born_at : pass.bar->open;
        const Price at = first > Price{0} && through_stop(order, first) ? first : order.terms.stop_price;
        if (!order.has_limit()) {
            fill(pass, order, size_left(pass.book), worsened(order.terms.side, at, order.tick), Moment::inside, at);
        } else if (within_limit(order, at)) {
            fill(pass, order, size_left(pass.book), at, Moment::inside, at);
        }
        if (!order.is_done && order.terms.tif == TimeInForce::ioc) {  // an exit that has come alive inside the bar
            finish(pass, order, ReportKind::cancelled, "ioc");
        }
    }

    void match_range_limit(Pass& pass, OpenOrder& order) {
        if (!order.has_limit() || order.is_armed_stop() || order.triggered_now || order.born_inside ||
            !saw_range(pass, order)) {
            return;
        }
        const Price extreme = order.terms.side == Side::buy ? pass.bar->low : pass.bar->high;
        if (extreme > Price{0} && order.fresh < order.leaves() && reaches(order, extreme)) {
            fill(pass, order, size_left(pass.book), order.terms.limit_price, Moment::inside, order.terms.limit_price);
        }
    }

    /// What meets the bar's close alone: who came while the bar lasted, and market orders that are left.
    void match_close(Pass& pass, OpenOrder& order) {
        const bool rests = order.has_limit() || order.is_armed_stop();
        if (order.triggered_now || (rests && !order.awaits && saw_range(pass, order) && order.fresh == Qty{})) {
            return;
        }
        meet(pass, order, {Offer::Kind::close, pass.bar->close, size_left(pass.book)});
    }

    // ---- prices and sizes ----

    Price worsened(Side side, Price price, Price tick) const {
        Int128 amount = settings_.slippage.raw + static_cast<Int128>(settings_.slippage_ticks) * tick.raw;
        if (settings_.slippage_percent.raw != 0) {
            constexpr Int128 kWhole = Int128{100} * kScale;
            const Int128 step = kWhole * tick.raw;
            const Int128 part = static_cast<Int128>(price.raw) * settings_.slippage_percent.raw;
            amount += (part + step - 1) / step * tick.raw;
        }
        const Int128 worse = side == Side::buy ? price.raw + amount : price.raw - amount;
        return Price{static_cast<std::int64_t>(std::clamp<Int128>(worse, Int128{1}, Int128{limits::kMaxPrice.raw}))};
    }

    /// Our share of what a bar traded.
    Qty share_of(Qty volume) const {
        constexpr Int128 kWhole = Int128{100} * kScale;
        return Qty{static_cast<std::int64_t>(volume.raw * settings_.volume_share.raw / kWhole)};
    }

    // ---- fills and what follows from them ----

    /// Fills as much as there is at `price`, off the stock that all share, and lets the links take hold.
    /// `market`: inside a bar, where its price stood.
    void fill(Pass& pass, OpenOrder& order, Qty* left, Price price, Moment moment = Moment::now, Price market = {}) {
        // An exit that rests takes inside the bar what it guarded at its open; the rest came while it lasted.
        const bool is_target = moment == Moment::inside && !order.triggered_now;
        Qty quantity = is_target ? order.leaves() - order.fresh : order.leaves();
        if (left != nullptr && *left < quantity) {
            quantity = *left;
            if (left == &pass.book.volume_left) {  // nobody sells a part of a lot
                quantity -= Qty{quantity.raw % order.lot.raw};
            }
        }
        if (quantity <= Qty{0}) {
            return;
        }
        if (left != nullptr) {
            *left -= quantity;
        }
        order.filled += quantity;
        ++state_.trades;
        BrokerReport& filled = report(order.id, ReportKind::filled, "", pass.out);
        filled.quantity = quantity;
        filled.price = price;
        filled.trade = std::to_string(state_.trades);
        if (order.is_exit()) {
            order.covered -= quantity;
        }
        if (order.terms.quantity <= order.filled) {
            order.is_done = true;
            state_.whereabouts.erase(order.id);
        }
        hold(pass.book, order.portfolio, signed_qty(order.terms.side, quantity));
        if (pass.book.linked != 0) {
            follow_links(pass, order, quantity, moment, market);
        }
    }

    static Qty net_of(const Book& book, PortfolioId portfolio) {
        const auto at = std::ranges::lower_bound(book.nets, portfolio, {}, &paper::Net::portfolio);
        return at != book.nets.end() && at->portfolio == portfolio ? at->quantity : Qty{};
    }
    static void hold(Book& book, PortfolioId portfolio, Qty change) {
        const auto at = std::ranges::lower_bound(book.nets, portfolio, {}, &paper::Net::portfolio);
        if (at == book.nets.end() || at->portfolio != portfolio) {
            book.nets.insert(at, {portfolio, change});
        } else if (at->quantity += change; at->quantity.raw == 0) {
            book.nets.erase(at);
        }
    }

    /// After a fill and before the next: other legs shrink or end, exits come alive, what only reduces follows the net.
    void follow_links(Pass& pass, const OpenOrder& filled, Qty quantity, Moment moment, Price market) {
        if (filled.terms.legs != 0) {
            each_order(pass, [&](OpenOrder& leg) {
                if (leg.terms.group == filled.terms.group && leg.id != filled.id) {
                    filled.is_done ? finish(pass, leg, ReportKind::cancelled, kLinked)
                                   : take_off(pass, leg, quantity, kLinked);
                }
            });
        }
        bool has_born = false;
        each_order(pass, [&](OpenOrder& exit) {
            if (exit.terms.parent != filled.id) {
                return;
            }
            if (exit.is_asleep()) {
                has_born = true;
                exit.arrived = moment == Moment::at_open ? pass.bar->label : pass.now;
                exit.born_inside = moment == Moment::inside;
                exit.is_born = !exit.born_inside;
                pass.has_born = pass.has_born || exit.born_inside;
                exit.born_at = market;
                // More of a stop-limit that the bar has triggered already rests with it.
                exit.awaits = moment != Moment::inside || !exit.triggered_now;
            }
            exit.covered += quantity;
            exit.fresh += moment == Moment::inside ? quantity : Qty{};
        });
        if (filled.is_done) {
            end_entry(pass, filled.id);
        }
        cut_reducing_orders(pass, filled.portfolio);
        if (has_born && moment != Moment::inside) {
            pass.born.push_back({filled.id, moment});
        }
    }

    /// Before anything else is matched: what has come alive meets its first price, exits that limit a loss first; then what an
    /// IOC order did not get is cancelled.
    void settle(Pass& pass) {
        for (const Born& born : std::exchange(pass.born, {})) {  // exits have no exits of their own
            bring_to_life(pass, born.entry, born.moment, true);
            bring_to_life(pass, born.entry, born.moment, false);
        }
        for (const Over& over : std::exchange(pass.over, {})) {
            if (OpenOrder* const order = find_order(pass.book, over.order); order != nullptr) {
                finish(pass, *order, ReportKind::cancelled, over.why);
            }
        }
    }
    template <class Visit>
    void match_each(Pass& pass, Visit visit) {
        each_order(pass, [&](OpenOrder& order) {
            visit(order);
            settle(pass);
        });
    }

    /// Exits of the entry meet the price it has filled at: those that limit a loss first.
    void bring_to_life(Pass& pass, OrderId entry, Moment moment, bool stops) {
        each_order(pass, [&](OpenOrder& exit) {
            // One that waits for a price of its own, changed in the middle of this bar, say, is none of them.
            if (exit.terms.parent != entry || needs_stop(exit.terms.type) != stops ||
                !std::exchange(exit.is_born, false) || !exit.awaits || exit.is_asleep()) {
                return;
            }
            if (moment == Moment::at_open) {
                meet(pass, exit, {Offer::Kind::touch, pass.bar->open, &pass.book.volume_left});
                exit.arrived = pass.bar->label;
            } else {
                arrive(pass, exit);
            }
        });
    }

    /// The entry can fill no more: its exits keep what has filled, and end where that is nothing.
    void end_entry(Pass& pass, OrderId entry) {
        each_order(pass, [&](OpenOrder& exit) {
            if (exit.terms.parent != entry) {
                return;
            }
            exit.entry_ended = true;
            const Qty beyond = exit.terms.quantity - exit.filled - exit.covered;
            if (beyond > Qty{0}) {
                exit.terms.quantity -= beyond;
                exit.covered.raw <= 0 ? close(pass, exit, ReportKind::cancelled, kEntryEnded)
                                      : report_modified(exit, Rule::linked_fill, pass.out);
            }
        });
    }

    /// What an entry may fill more has its exits, too, as far as they are smaller than the entry.
    void grow_exits(Pass& pass, OrderId entry, Qty whole, Qty more) {
        each_order(pass, [&](OpenOrder& exit) {
            if (exit.terms.parent == entry && exit.terms.quantity < whole) {
                exit.terms.quantity += std::min(more, whole - exit.terms.quantity);
                report_modified(exit, Rule::linked_fill, pass.out);
            }
        });
    }

    /// Takes `quantity` off what the order may still fill.
    void take_off(Pass& pass, OpenOrder& order, Qty quantity, const char* why) {
        order.terms.quantity = std::max(order.filled, order.terms.quantity - quantity);
        if (order.is_exit()) {
            order.covered = std::max(Qty{}, order.covered - quantity);
        }
        const bool may_wake = order.is_exit() && !order.entry_ended;
        if (order.terms.quantity <= order.filled || (order.is_asleep() && !may_wake)) {
            finish(pass, order, ReportKind::cancelled, why);
        } else {
            report_modified(order, Rule::linked_fill, pass.out);
        }
    }

    void cut_reducing_orders(Pass& pass, PortfolioId portfolio) {
        std::vector<ReducingOrder> reducing;
        each_order(pass, [&](const OpenOrder& order) {
            if (order.terms.reduce_only && order.portfolio == portfolio && !order.is_asleep()) {
                reducing.push_back({order.id, order.terms.side, order.terms.group, order.leaves()});
            }
        });
        if (reducing.empty()) {
            return;
        }
        std::ranges::sort(reducing, {}, &ReducingOrder::order);
        cut_to_net(reducing, net_of(pass.book, portfolio));
        for (const ReducingOrder& kept : reducing) {
            OpenOrder* order = find_order(pass.book, kept.order);
            if (order != nullptr && kept.leaves < order->leaves()) {
                take_off(pass, *order, order->leaves() - kept.leaves, kNothingToReduce);
            }
        }
    }

    // ---- answers ----

    static BrokerReport& report(OrderId id, ReportKind kind, const char* text, Reports& out) {
        BrokerReport& answer = out.emplace_back();
        answer.order = id;
        answer.kind = kind;
        answer.text = text;
        return answer;
    }

    static void report_modified(const OpenOrder& order, Rule rule, Reports& out) {
        BrokerReport& modified = report(order.id, ReportKind::modified, "", out);
        modified.quantity = order.terms.quantity;
        modified.limit_price = order.terms.limit_price;
        modified.stop_price = order.terms.stop_price;
        modified.reduce_only = order.terms.reduce_only;
        modified.rule = rule;
    }

    static void trigger(OpenOrder& order, Reports& out) {
        order.triggered = true;
        report(order.id, ReportKind::triggered, "", out);
    }

    void close(Pass& pass, OpenOrder& order, ReportKind kind, const char* why) {
        order.is_done = true;
        report(order.id, kind, why, pass.out);
        state_.whereabouts.erase(order.id);
    }
    /// Reports an end without a fill, and ends what depends on it.
    void finish(Pass& pass, OpenOrder& order, ReportKind kind, const char* why) {
        close(pass, order, kind, why);
        if (pass.book.linked != 0 && !order.is_exit()) {
            end_entry(pass, order.id);
        }
    }

    PaperSettings settings_;
    BrokerState state_;
};

}  // namespace

std::unique_ptr<Broker> make_paper_broker(const PaperSettings& settings) {
    return std::make_unique<PaperBroker>(settings);
}

}  // namespace alpha
