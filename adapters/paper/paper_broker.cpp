#include "adapters/paper/paper_broker.hpp"

#include "events/limits.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace alpha {

namespace {

// ---- state --------------------------------------------------------------------------------------

/// An order that has taken hold and can still fill.
struct OpenOrder {
    OrderId id;
    OrderTerms terms;
    Date good_until;
    Qty filled;
    bool triggered = false;
    bool awaits_open = false;  ///< next_open: asleep until the instrument's next bar opens
    /// Since this instrument's latest bar close began to be matched. Only that matching asks, so it
    /// is never saved.
    bool triggered_now = false;

    Qty leaves() const { return terms.quantity - filled; }
    bool is_armed_stop() const {
        return !triggered && (terms.type == OrderType::stop || terms.type == OrderType::stop_limit);
    }
    bool has_limit() const { return terms.type == OrderType::limit || terms.type == OrderType::stop_limit; }
};

/// A wish on its way to the market.
struct PendingWish {
    Time due;
    Effect wish;
};

/// All that is known of one instrument. What a quiet quote touches comes first.
struct Book {
    Price bid;  ///< of the latest quote; zero: no price on this side
    Price ask;
    Qty bid_left;  ///< of the displayed size, what nobody has taken yet
    Qty ask_left;
    Price bar_price;                   ///< of the latest bar: its open, then its close; zero until one is seen
    bool has_quote = false;            ///< a quote was seen, even one without prices
    std::vector<OpenOrder> orders;     ///< by arrival
    std::vector<PendingWish> pending;  ///< by arrival, which is by due time

    bool is_untouched() const { return !has_quote && bar_price == Price{} && orders.empty() && pending.empty(); }
};

/// Where an order is that is open or on its way, since cancels and modifies do not name the
/// instrument.
struct Whereabouts {
    InstrumentId instrument;
    OrderType type = OrderType::market;
};

struct BrokerState {
    std::vector<Book> books;  ///< by instrument id
    std::map<OrderId, Whereabouts> whereabouts;
    std::uint64_t trades = 0;  ///< executions so far
};

// ---- what makes terms and prices valid ----------------------------------------------------------

bool in_range(Price price) {
    return price >= Price{0} && price <= limits::kMaxPrice;
}

bool needs_limit(OrderType type) {
    return type == OrderType::limit || type == OrderType::stop_limit;
}

bool needs_stop(OrderType type) {
    return type == OrderType::stop || type == OrderType::stop_limit;
}

bool prices_fit(OrderType type, Price limit_price, Price stop_price) {
    return in_range(limit_price) && in_range(stop_price) && (!needs_limit(type) || limit_price > Price{0}) &&
           (!needs_stop(type) || stop_price > Price{0});
}

bool quantity_fits(Qty quantity) {
    return quantity > Qty{0} && quantity <= limits::kMaxQty;
}

bool terms_fit(const OrderTerms& terms) {
    return quantity_fits(terms.quantity) && prices_fit(terms.type, terms.limit_price, terms.stop_price);
}

/// Whether `price` is the limit or better.
bool within_limit(const OpenOrder& order, Price price) {
    return order.terms.side == Side::buy ? price <= order.terms.limit_price : price >= order.terms.limit_price;
}

/// Whether `price` is at the stop or through it.
bool through_stop(const OpenOrder& order, Price price) {
    return order.terms.side == Side::buy ? price >= order.terms.stop_price : price <= order.terms.stop_price;
}

// ---- bytes --------------------------------------------------------------------------------------
//
// u8 version | u64 executions | u32 books, each:
//   u32 instrument (ascending) | u8 has_quote | i64 bid, ask, bid_left, ask_left, bar_price
//   u32 orders, each:  u64 id | terms | i32 good_until | i64 filled | u8 triggered | u8 awaits_open
//   u32 wishes, each:  i64 due | u8 kind | u64 id | place: terms, i32 good_until
//                                                 | modify: i64 quantity, limit_price, stop_price
// terms: u8 side, type, tif | i64 quantity, limit_price, stop_price; the instrument is the book's.
// Books that nothing has touched are left out. All little-endian.

constexpr std::uint8_t kStateVersion = 1;
constexpr std::uint8_t kPlace = 1;
constexpr std::uint8_t kCancel = 2;
constexpr std::uint8_t kModify = 3;

/// The least bytes each element takes: no list can be longer than what is left allows.
constexpr std::size_t kBookBytes = 4 + 1 + 5 * 8 + 4 + 4;
constexpr std::size_t kOrderBytes = 8 + 27 + 4 + 8 + 2;
constexpr std::size_t kWishBytes = 8 + 1 + 8;

class Writer {
public:
    explicit Writer(ByteBuffer& out) : out_(&out) {}

    void u8(std::uint8_t value) { put(value, 1); }
    void u32(std::uint32_t value) { put(value, 4); }
    void u64(std::uint64_t value) { put(value, 8); }
    void i32(std::int32_t value) { put(static_cast<std::uint32_t>(value), 4); }
    void i64(std::int64_t value) { put(static_cast<std::uint64_t>(value), 8); }
    void count(std::size_t value) { u32(static_cast<std::uint32_t>(value)); }
    void flag(bool value) { u8(value ? 1 : 0); }
    void terms(const OrderTerms& value) {
        u8(static_cast<std::uint8_t>(value.side));
        u8(static_cast<std::uint8_t>(value.type));
        u8(static_cast<std::uint8_t>(value.tif));
        i64(value.quantity.raw);
        i64(value.limit_price.raw);
        i64(value.stop_price.raw);
    }

private:
    void put(std::uint64_t value, std::size_t bytes) {
        std::uint8_t* at = out_->extend(bytes);
        for (std::size_t i = 0; i < bytes; ++i) {
            at[i] = static_cast<std::uint8_t>(value >> (8U * i));
        }
    }

    ByteBuffer* out_;
};

/// Reads until something is wrong, then only zeros; `ok` tells. The first fault stays.
class Reader {
public:
    explicit Reader(Bytes bytes) : rest_(bytes) {}

    bool ok() const { return fault_ == nullptr; }
    const char* fault() const { return fault_; }
    bool at_end() const { return rest_.empty(); }
    void refuse(const char* why) {
        if (ok()) {
            fault_ = why;
        }
    }
    /// Refuses unless `condition` holds.
    void require(bool condition, const char* why) {
        if (!condition) {
            refuse(why);
        }
    }

    std::uint8_t u8() { return static_cast<std::uint8_t>(take(1)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(take(4)); }
    std::uint64_t u64() { return take(8); }
    std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
    std::int64_t i64() { return static_cast<std::int64_t>(take(8)); }
    bool flag() {
        const std::uint8_t value = u8();
        require(value <= 1, "holds a flag that is neither 0 nor 1");
        return value == 1;
    }
    std::uint32_t count(std::size_t element_bytes) {
        const std::uint32_t value = u32();
        require(value <= rest_.size() / element_bytes, "holds a list longer than itself");
        return ok() ? value : 0;
    }
    Price price() {
        const Price value{i64()};
        require(in_range(value), "holds a price out of range");
        return value;
    }
    Qty size() {
        const Qty value{i64()};
        require(value >= Qty{0} && value <= limits::kMaxQty, "holds a quantity out of range");
        return value;
    }
    OrderTerms terms(InstrumentId instrument) {
        OrderTerms value;
        value.instrument = instrument;
        value.side = static_cast<Side>(choice(2));
        value.type = static_cast<OrderType>(choice(4));
        value.tif = static_cast<TimeInForce>(choice(3));
        value.quantity = size();
        value.limit_price = price();
        value.stop_price = price();
        require(terms_fit(value), "holds an order whose terms do not fit its type");
        return value;
    }

private:
    /// An enum numbered 1..last.
    std::uint8_t choice(std::uint8_t last) {
        const std::uint8_t value = u8();
        require(value >= 1 && value <= last, "holds an order side, type or time in force of no meaning");
        return ok() ? value : std::uint8_t{1};
    }
    std::uint64_t take(std::size_t bytes) {
        if (rest_.size() < bytes) {
            refuse("is cut short");
        }
        if (!ok()) {
            return 0;
        }
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < bytes; ++i) {
            value |= static_cast<std::uint64_t>(rest_[i]) << (8U * i);
        }
        rest_ = rest_.subspan(bytes);
        return value;
    }

    Bytes rest_;
    const char* fault_ = nullptr;
};

void write_wish(Writer& to, const PlaceOrder& place) {
    to.u8(kPlace);
    to.u64(place.order.value);
    to.terms(place.terms);
    to.i32(place.good_until.days);
}

void write_wish(Writer& to, const CancelOrder& cancel) {
    to.u8(kCancel);
    to.u64(cancel.order.value);
}

void write_wish(Writer& to, const ModifyOrder& modify) {
    to.u8(kModify);
    to.u64(modify.order.value);
    to.i64(modify.quantity.raw);
    to.i64(modify.limit_price.raw);
    to.i64(modify.stop_price.raw);
}

PendingWish read_wish(Reader& from, InstrumentId instrument) {
    PendingWish pending;
    pending.due = Time{from.i64()};
    from.require(pending.due > kMinTime && pending.due < kMaxTime + kMaxPaperLatency,
                 "holds a wish due at no possible time");
    const std::uint8_t kind = from.u8();
    const OrderId id{from.u64()};
    from.require(id.value != 0, "holds an order without a number");
    switch (kind) {
    case kPlace: {
        const OrderTerms terms = from.terms(instrument);
        pending.wish = PlaceOrder{id, terms, Date{from.i32()}};
        break;
    }
    case kCancel: pending.wish = CancelOrder{id}; break;
    case kModify: {
        const Qty quantity = from.size();
        const Price limit_price = from.price();
        const Price stop_price = from.price();
        from.require(quantity_fits(quantity), "holds a change to no quantity");
        pending.wish = ModifyOrder{id, quantity, limit_price, stop_price};
        break;
    }
    default: from.refuse("holds a wish of no known kind");
    }
    return pending;
}

OrderId order_of(const Effect& effect) {
    return std::visit([](const auto& wish) { return wish.order; }, effect);
}

/// Keeps the elements for which `stays` returns true. Asks each once, from the first to the last:
/// asking has effects.
template <class T, class Stays>
void keep_if(std::vector<T>& list, Stays stays) {
    auto kept = list.begin();
    for (auto it = list.begin(); it != list.end(); ++it) {
        if (stays(*it)) {
            if (kept != it) {
                *kept = std::move(*it);
            }
            ++kept;
        }
    }
    list.erase(kept, list.end());
}

// ---- the broker ---------------------------------------------------------------------------------

class PaperBroker final : public Broker {
public:
    explicit PaperBroker(const PaperSettings& settings) : settings_(settings) {
        ALPHA_ASSERT(in_range(settings.slippage), "slippage out of range");
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
        take_hold_all_due(now, book, out);
        keep_if(book.orders, [&](OpenOrder& order) { return match_quote(book, order, out); });
    }

    void on_bar_opened(Time now, const BarOpened& bar, Reports& out) override {
        Book& book = book_of(bar.instrument);
        book.bar_price = bar.open;
        take_hold_all_due(now, book, out);
        if (bar.open > Price{0}) {
            keep_if(book.orders, [&](OpenOrder& order) { return match_bar_open(book, order, bar.open, out); });
        }
    }

    void on_bar_closed(Time now, const BarClosed& bar, Reports& out) override {
        Book& book = book_of(bar.instrument);
        book.bar_price = bar.close;
        for (OpenOrder& order : book.orders) {
            order.triggered_now = false;
        }
        keep_if(book.orders, [&](OpenOrder& order) { return match_bar_range_stop(order, bar, out); });
        keep_if(book.orders, [&](OpenOrder& order) { return match_bar_range(book, order, bar, out); });
        // What arrives with the close was not there while the bar traded: it meets the close, not the range.
        take_hold_all_due(now, book, out);
    }

    void on_session_closed(Time, const SessionClosed& session, Reports& out) override {
        Book& book = book_of(session.instrument);
        const auto ends = [&](const OrderTerms& terms, Date good_until) {
            return terms.tif == TimeInForce::day && good_until <= session.date;
        };
        keep_if(book.orders, [&](OpenOrder& order) {
            return !ends(order.terms, order.good_until) || finish(order.id, ReportKind::expired, "", out);
        });
        keep_if(book.pending, [&](const PendingWish& pending) {
            const auto* place = std::get_if<PlaceOrder>(&pending.wish);
            return place == nullptr || !ends(place->terms, place->good_until) ||
                   finish(place->order, ReportKind::expired, "", out);
        });
    }

    void perform(Time now, const Effect& effect, Reports& out) override {
        if (const auto* place = std::get_if<PlaceOrder>(&effect)) {
            enter(*place);
        }
        const OrderId id = order_of(effect);
        const auto known = state_.whereabouts.find(id);
        if (known == state_.whereabouts.end()) {
            const bool is_cancel = std::holds_alternative<CancelOrder>(effect);
            report(id, is_cancel ? ReportKind::cancel_rejected : ReportKind::modify_rejected, kNotOpen, out);
            return;
        }
        if (const auto* modify = std::get_if<ModifyOrder>(&effect)) {
            ALPHA_ASSERT(quantity_fits(modify->quantity) &&
                             prices_fit(known->second.type, modify->limit_price, modify->stop_price),
                         "a change whose terms were not judged");
        }
        Book& book = book_of(known->second.instrument);
        if (settings_.latency == Duration{0}) {
            take_hold(book, effect, out);
            return;
        }
        const Time due = now + settings_.latency;
        ALPHA_ASSERT(book.pending.empty() || book.pending.back().due <= due, "time went back");
        book.pending.push_back({due, effect});
    }

    bool needs_durability() const override { return false; }

    void save(ByteBuffer& out) const override;
    Result<void> load(Bytes bytes) override;

private:
    static constexpr const char* kNotOpen = "order is not open";

    Book& book_of(InstrumentId id) {
        if (id.value >= state_.books.size()) [[unlikely]] {
            return add_book(state_.books, id);
        }
        return state_.books[id.value];
    }

    [[gnu::noinline]] static Book& add_book(std::vector<Book>& books, InstrumentId id) {
        ALPHA_ASSERT(id.value < limits::kMaxInstruments, "an instrument number out of range");
        books.resize(std::size_t{id.value} + 1);
        return books[id.value];
    }

    // ---- wishes ----

    /// Takes note of a new order, wherever it stands until it finishes.
    void enter(const PlaceOrder& place) {
        ALPHA_ASSERT(place.order.value != 0 && terms_fit(place.terms), "an order whose terms were not judged");
        const Whereabouts here{place.terms.instrument, place.terms.type};
        const bool is_new = state_.whereabouts.emplace(place.order, here).second;
        ALPHA_ASSERT(is_new, "two orders with one number");
    }

    /// Lets every wish whose time has come take hold.
    void take_hold_all_due(Time now, Book& book, Reports& out) {
        std::size_t done = 0;
        while (done < book.pending.size() && book.pending[done].due <= now) {
            take_hold(book, book.pending[done].wish, out);
            ++done;
        }
        book.pending.erase(book.pending.begin(), book.pending.begin() + static_cast<std::ptrdiff_t>(done));
    }

    void take_hold(Book& book, const Effect& effect, Reports& out) {
        std::visit([&](const auto& wish) { execute(book, wish, out); }, effect);
    }

    void execute(Book& book, const PlaceOrder& place, Reports& out) {
        OpenOrder& order = book.orders.emplace_back();
        order.id = place.order;
        order.terms = place.terms;
        order.good_until = place.good_until;
        report(order.id, ReportKind::accepted, "", out);
        if (!arrive(book, order, out)) {
            book.orders.pop_back();
        }
    }

    static std::vector<OpenOrder>::iterator find_order(Book& book, OrderId id) {
        return std::find_if(book.orders.begin(), book.orders.end(),
                            [id](const OpenOrder& order) { return order.id == id; });
    }

    void execute(Book& book, const CancelOrder& cancel, Reports& out) {
        const auto order = find_order(book, cancel.order);
        if (order == book.orders.end()) {
            report(cancel.order, ReportKind::cancel_rejected, kNotOpen, out);
            return;
        }
        finish(order->id, ReportKind::cancelled, "", out);
        book.orders.erase(order);
    }

    void execute(Book& book, const ModifyOrder& modify, Reports& out) {
        const auto order = find_order(book, modify.order);
        if (order == book.orders.end()) {
            report(modify.order, ReportKind::modify_rejected, kNotOpen, out);
            return;
        }
        if (modify.quantity <= order->filled) {
            report(modify.order, ReportKind::modify_rejected, "quantity already filled", out);
            return;
        }
        OrderTerms& terms = order->terms;
        const bool keeps_place = modify.quantity <= terms.quantity && modify.limit_price == terms.limit_price &&
                                 modify.stop_price == terms.stop_price;
        terms.quantity = modify.quantity;
        terms.limit_price = modify.limit_price;
        terms.stop_price = modify.stop_price;

        BrokerReport& modified = report(order->id, ReportKind::modified, "", out);
        modified.quantity = modify.quantity;
        modified.limit_price = modify.limit_price;
        modified.stop_price = modify.stop_price;
        if (keeps_place) {
            return;
        }
        std::rotate(order, order + 1, book.orders.end());
        if (!arrive(book, book.orders.back(), out)) {
            book.orders.pop_back();
        }
    }

    // ---- matching; each returns whether the order stays open ----

    /// What an order meets when it takes hold, or takes hold again with new terms.
    bool arrive(Book& book, OpenOrder& order, Reports& out) {
        if (settings_.fill == FillModel::next_open) {
            order.awaits_open = true;
            return true;
        }
        const bool has_price = touch(book, order.terms.side) > Price{0};
        if (!match_touch(book, order, out)) {
            return false;
        }
        if (order.terms.tif != TimeInForce::ioc) {
            return true;
        }
        const bool unpriced = order.terms.type == OrderType::market && !has_price;
        return finish(order.id, ReportKind::cancelled, unpriced ? "no quote" : "ioc", out);
    }

    /// Takes what the touch offers, as one who comes to the market rather than waits in it.
    bool match_touch(Book& book, OpenOrder& order, Reports& out) {
        const Price price = touch(book, order.terms.side);
        if (price <= Price{0}) {
            return true;
        }
        if (order.is_armed_stop()) {
            if (!through_stop(order, price)) {
                return true;
            }
            trigger(order, out);
        }
        if (!order.has_limit()) {
            return fill_displayed(book, order, worsened(order.terms.side, price), out);
        }
        return !within_limit(order, price) || fill_displayed(book, order, price, out);
    }

    bool match_quote(Book& book, OpenOrder& order, Reports& out) {
        if (order.awaits_open) {
            return true;
        }
        if (!order.has_limit() || order.is_armed_stop()) {
            return match_touch(book, order, out);
        }
        const Price price = touch(book, order.terms.side);
        return price <= Price{0} || !within_limit(order, price) ||
               fill_displayed(book, order, order.terms.limit_price, out);
    }

    bool match_bar_open(const Book& book, OpenOrder& order, Price open, Reports& out) {
        const bool arrives = std::exchange(order.awaits_open, false);
        const bool triggers = order.is_armed_stop() && through_stop(order, open);
        if (triggers) {
            trigger(order, out);
        }
        if (order.is_armed_stop()) {
            // Nothing to fill yet.
        } else if (order.has_limit()) {
            if (within_limit(order, open)) {
                return fill(order, order.leaves(), open, out);
            }
        } else if (arrives || triggers || !book.has_quote) {
            // Any other market order is the rest of one that waits for the next quote's size.
            return fill(order, order.leaves(), worsened(order.terms.side, open), out);
        }
        return !arrives || order.terms.tif != TimeInForce::ioc || finish(order.id, ReportKind::cancelled, "ioc", out);
    }

    bool match_bar_range_stop(OpenOrder& order, const BarClosed& bar, Reports& out) {
        const Price extreme = order.terms.side == Side::buy ? bar.high : bar.low;
        if (order.awaits_open || !order.is_armed_stop() || extreme <= Price{0} || !through_stop(order, extreme)) {
            return true;
        }
        trigger(order, out);
        const Price stop = order.terms.stop_price;
        if (!order.has_limit()) {
            return fill(order, order.leaves(), worsened(order.terms.side, stop), out);
        }
        return !within_limit(order, stop) || fill(order, order.leaves(), stop, out);
    }

    bool match_bar_range(const Book& book, OpenOrder& order, const BarClosed& bar, Reports& out) {
        const bool triggered_now = std::exchange(order.triggered_now, false);
        if (order.awaits_open || order.is_armed_stop() || triggered_now) {
            return true;
        }
        if (!order.has_limit()) {
            return book.has_quote || bar.close <= Price{0} ||
                   fill(order, order.leaves(), worsened(order.terms.side, bar.close), out);
        }
        const Price extreme = order.terms.side == Side::buy ? bar.low : bar.high;
        return extreme <= Price{0} || !within_limit(order, extreme) ||
               fill(order, order.leaves(), order.terms.limit_price, out);
    }

    // ---- prices ----

    static Price touch(const Book& book, Side side) {
        if (!book.has_quote) {
            return book.bar_price;
        }
        return side == Side::buy ? book.ask : book.bid;
    }

    Price worsened(Side side, Price price) const {
        const std::int64_t slippage = settings_.slippage.raw;
        if (side == Side::buy) {
            return Price{std::min(price.raw + slippage, limits::kMaxPrice.raw)};
        }
        return Price{std::max(price.raw - slippage, std::int64_t{1})};
    }

    // ---- answers ----

    static BrokerReport& report(OrderId id, ReportKind kind, const char* text, Reports& out) {
        BrokerReport& answer = out.emplace_back();
        answer.order = id;
        answer.kind = kind;
        answer.text = text;
        return answer;
    }

    static void trigger(OpenOrder& order, Reports& out) {
        order.triggered = true;
        order.triggered_now = true;
        report(order.id, ReportKind::triggered, "", out);
    }

    /// Reports an end without a fill and forgets the order. Always false: it is open no more.
    bool finish(OrderId id, ReportKind kind, const char* why, Reports& out) {
        report(id, kind, why, out);
        state_.whereabouts.erase(id);
        return false;
    }

    /// Fills as much as the quote still displays, or everything where sizes do not count.
    bool fill_displayed(Book& book, OpenOrder& order, Price price, Reports& out) {
        if (!settings_.use_size || !book.has_quote) {
            return fill(order, order.leaves(), price, out);
        }
        Qty& left = order.terms.side == Side::buy ? book.ask_left : book.bid_left;
        const Qty quantity = std::min(order.leaves(), left);
        if (quantity <= Qty{0}) {
            return true;
        }
        left -= quantity;
        return fill(order, quantity, price, out);
    }

    bool fill(OpenOrder& order, Qty quantity, Price price, Reports& out) {
        ALPHA_ASSERT(quantity > Qty{0} && quantity <= order.leaves(), "a fill beyond the order");
        order.filled += quantity;
        ++state_.trades;
        BrokerReport& filled = report(order.id, ReportKind::filled, "", out);
        filled.quantity = quantity;
        filled.price = price;
        filled.trade = std::to_string(state_.trades);
        if (order.leaves() > Qty{0}) {
            return true;
        }
        state_.whereabouts.erase(order.id);
        return false;
    }

    // ---- loading ----

    OpenOrder read_order(Reader& from, InstrumentId instrument) const;
    static void require_consistent(Reader& from, const BrokerState& state);

    PaperSettings settings_;
    BrokerState state_;
};

void PaperBroker::save(ByteBuffer& out) const {
    Writer to(out);
    to.u8(kStateVersion);
    to.u64(state_.trades);
    to.count(static_cast<std::size_t>(std::count_if(state_.books.begin(), state_.books.end(),
                                                    [](const Book& book) { return !book.is_untouched(); })));
    for (std::size_t i = 0; i < state_.books.size(); ++i) {
        const Book& book = state_.books[i];
        if (book.is_untouched()) {
            continue;
        }
        to.u32(static_cast<std::uint32_t>(i));
        to.flag(book.has_quote);
        to.i64(book.bid.raw);
        to.i64(book.ask.raw);
        to.i64(book.bid_left.raw);
        to.i64(book.ask_left.raw);
        to.i64(book.bar_price.raw);
        to.count(book.orders.size());
        for (const OpenOrder& order : book.orders) {
            to.u64(order.id.value);
            to.terms(order.terms);
            to.i32(order.good_until.days);
            to.i64(order.filled.raw);
            to.flag(order.triggered);
            to.flag(order.awaits_open);
        }
        to.count(book.pending.size());
        for (const PendingWish& pending : book.pending) {
            to.i64(pending.due.ns);
            std::visit([&](const auto& wish) { write_wish(to, wish); }, pending.wish);
        }
    }
}

OpenOrder PaperBroker::read_order(Reader& from, InstrumentId instrument) const {
    OpenOrder order;
    order.id = OrderId{from.u64()};
    order.terms = from.terms(instrument);
    order.good_until = Date{from.i32()};
    order.filled = from.size();
    order.triggered = from.flag();
    order.awaits_open = from.flag();
    from.require(order.id.value != 0, "holds an order without a number");
    from.require(order.filled < order.terms.quantity, "holds an open order that has filled");
    from.require(!order.triggered || needs_stop(order.terms.type), "holds a triggered order that has no stop");
    const bool next_open = settings_.fill == FillModel::next_open;
    from.require(!order.awaits_open || next_open, "holds an order of another fill model");
    from.require(order.awaits_open ||
                     (order.terms.tif != TimeInForce::ioc && (order.terms.type != OrderType::market || !next_open)),
                 "holds an order that cannot have stayed open");
    return order;
}

/// What holds between orders and wishes: one number one order, and changes stay with their order.
void PaperBroker::require_consistent(Reader& from, const BrokerState& state) {
    for (std::size_t i = 0; i < state.books.size(); ++i) {
        const Book& book = state.books[i];
        std::set<OrderId> named;
        Time latest = kBeforeAll;
        for (const PendingWish& pending : book.pending) {
            from.require(pending.due >= latest, "holds wishes out of order");
            latest = pending.due;
            const OrderId id = order_of(pending.wish);
            const bool first_time = named.insert(id).second;
            if (std::holds_alternative<PlaceOrder>(pending.wish)) {
                from.require(first_time, "holds a change made before its order");
                continue;
            }
            const auto known = state.whereabouts.find(id);
            if (known == state.whereabouts.end()) {
                continue;  // the order has finished while the wish was on its way
            }
            from.require(known->second.instrument.value == i, "holds a change of another instrument's order");
            if (const auto* modify = std::get_if<ModifyOrder>(&pending.wish)) {
                from.require(prices_fit(known->second.type, modify->limit_price, modify->stop_price),
                             "holds a change that does not fit its order");
            }
        }
    }
}

Result<void> PaperBroker::load(Bytes bytes) {
    Reader from(bytes);
    BrokerState loaded;
    from.require(from.u8() == kStateVersion, "has a version this program does not know");
    loaded.trades = from.u64();
    const std::uint32_t books = from.count(kBookBytes);
    for (std::uint32_t b = 0; b < books && from.ok(); ++b) {
        const InstrumentId instrument{from.u32()};
        if (instrument.value < loaded.books.size() || instrument.value >= limits::kMaxInstruments) {
            from.refuse("holds an instrument out of range or out of order");
            break;
        }
        Book& book = add_book(loaded.books, instrument);
        book.has_quote = from.flag();
        book.bid = from.price();
        book.ask = from.price();
        book.bid_left = from.size();
        book.ask_left = from.size();
        book.bar_price = from.price();
        from.require(book.has_quote || (book.bid == Price{} && book.ask == Price{} && book.bid_left == Qty{} &&
                                        book.ask_left == Qty{}),
                     "holds prices of a quote never seen");
        const auto remember = [&](OrderId id, OrderType type) {
            from.require(loaded.whereabouts.emplace(id, Whereabouts{instrument, type}).second,
                         "holds two orders with one number");
        };
        const std::uint32_t orders = from.count(kOrderBytes);
        for (std::uint32_t i = 0; i < orders && from.ok(); ++i) {
            const OpenOrder& order = book.orders.emplace_back(read_order(from, instrument));
            remember(order.id, order.terms.type);
        }
        const std::uint32_t wishes = from.count(kWishBytes);
        from.require(wishes == 0 || settings_.latency > Duration{0},
                     "holds wishes on their way although there is no latency");
        for (std::uint32_t i = 0; i < wishes && from.ok(); ++i) {
            book.pending.push_back(read_wish(from, instrument));
            if (const auto* place = std::get_if<PlaceOrder>(&book.pending.back().wish)) {
                remember(place->order, place->terms.type);
            }
        }
        from.require(!book.is_untouched(), "holds an instrument of which nothing is known");
    }
    if (from.ok()) {
        require_consistent(from, loaded);
    }
    from.require(from.at_end(), "goes on after its end");
    if (!from.ok()) {
        return fail(ErrorKind::data, std::string("the saved state of the paper broker ") + from.fault());
    }
    state_ = std::move(loaded);
    return {};
}

// ---- settings -----------------------------------------------------------------------------------

const char* name_of(FillModel fill) {
    return fill == FillModel::touch ? "touch" : "next_open";
}

tl::unexpected<Error> refuse_value(const Setting& setting, const std::string& expected) {
    return fail(ErrorKind::usage, "paper broker: '" + setting.key + "' must be " + expected + ", not '" +
                                      setting.value.substr(0, 48) + "'");
}

/// Reads one setting into `settings`.
Result<void> read_setting(const Setting& setting, PaperSettings& settings) {
    if (setting.key == "fill") {
        for (const FillModel fill : {FillModel::touch, FillModel::next_open}) {
            if (setting.value == name_of(fill)) {
                settings.fill = fill;
                return {};
            }
        }
        return refuse_value(setting, "touch or next_open");
    }
    if (setting.key == "latency") {
        const Result<Duration> latency = parse_duration(setting.value);
        if (!latency || *latency < Duration{0} || *latency > kMaxPaperLatency) {
            return refuse_value(setting, "a duration such as 250ms, from 0s to " + to_string(kMaxPaperLatency));
        }
        settings.latency = *latency;
        return {};
    }
    if (setting.key == "slippage") {
        const Result<Price> slippage = parse_price(setting.value);
        if (!slippage || !in_range(*slippage)) {
            return refuse_value(setting, "a price difference such as 0.05, from 0 to " + to_string(limits::kMaxPrice));
        }
        settings.slippage = *slippage;
        return {};
    }
    if (setting.key == "use_size") {
        if (setting.value != "true" && setting.value != "false") {
            return refuse_value(setting, "true or false");
        }
        settings.use_size = setting.value == "true";
        return {};
    }
    return fail(ErrorKind::usage, "paper broker: unknown setting '" + setting.key.substr(0, 48) +
                                      "'; known are fill, latency, slippage and use_size");
}

}  // namespace

std::vector<Setting> to_settings(const PaperSettings& settings) {
    return {{"fill", name_of(settings.fill)},
            {"latency", to_string(settings.latency)},
            {"slippage", to_string(settings.slippage)},
            {"use_size", settings.use_size ? "true" : "false"}};
}

Result<PaperSettings> paper_settings(const std::vector<Setting>& settings) {
    PaperSettings result;
    std::set<std::string> seen;
    for (const Setting& setting : settings) {
        if (const Result<void> read = read_setting(setting, result); !read) {
            return tl::unexpected<Error>(read.error());
        }
        if (!seen.insert(setting.key).second) {
            return fail(ErrorKind::usage, "paper broker: '" + setting.key + "' is given more than once");
        }
    }
    return result;
}

std::unique_ptr<Broker> make_paper_broker(const PaperSettings& settings) {
    return std::make_unique<PaperBroker>(settings);
}

}  // namespace alpha
