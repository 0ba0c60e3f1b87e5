#include "adapters/paper/book.hpp"
#include "events/cursor.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace alpha::paper {

namespace {

// u8 version | u64 executions | u32 books, each:
//   u32 instrument (ascending) | u8 has_quote | i64 bid, ask, bid_left, ask_left, last_price, last_time | u8 last_is_open |
//   i64 volume_left
//   u32 orders, each:  place | i64 filled, covered, arrived, promised | u8 awaits | u8 entry_ended | u8 triggered
//   u32 requests, each:  i64 due | u8 kind | place: place
//                                        | linked: u32 orders, each: place
//                                        | cancel: u64 id
//                                        | modify: u64 id | i64 quantity, limit_price, stop_price | u8 reduce_only | i64 known
//   u32 nets, each:    u32 portfolio | u8 product (ascending, together) | i64 quantity
// place: u64 id | terms | i32 good_until | u32 portfolio | i64 tick, lot
// terms: u8 side, type, tif | i64 quantity, limit_price, stop_price | u8 reduce_only | u64 parent, group | u8 legs |
//        u8 bytes of tag, tag | u8 product; the instrument is the book's.
// Books that nothing has touched are left out. All little-endian.

constexpr std::uint8_t kStateVersion = 3;
constexpr std::uint8_t kPlace = 1;
constexpr std::uint8_t kCancel = 2;
constexpr std::uint8_t kModify = 3;
constexpr std::uint8_t kLinked = 4;

/// The least bytes each element takes: no list can be longer than what is left allows.
constexpr std::size_t kBookBytes = 4 + 1 + 6 * std::size_t{8} + 1 + 8 + 4 + 4 + 4;
constexpr std::size_t kPlaceBytes = 8 + 47 + 4 + 4 + 16;
constexpr std::size_t kOrderBytes = kPlaceBytes + 4 * std::size_t{8} + 3;
constexpr std::size_t kRequestBytes = 8 + 1 + 4;
constexpr std::size_t kNetBytes = 4 + 1 + 8;

void write_place(OutCursor& to, const PlaceOrder& place) {
    const OrderTerms& terms = place.terms;
    to(place.order, terms.side, terms.type, terms.tif, terms.quantity, terms.limit_price, terms.stop_price,
       terms.reduce_only, terms.parent, terms.group, terms.legs, static_cast<std::uint8_t>(terms.tag.size()));
    to.raw(terms.tag.data(), terms.tag.size());
    to(terms.product, place.good_until, place.portfolio, place.tick, place.lot);
}

/// Reads until something is wrong, then only zeros; `ok` tells. The first fault stays.
class Reader {
public:
    explicit Reader(Bytes bytes) : in_(bytes) {}

    bool ok() const { return fault_ == nullptr; }
    const char* fault() const { return fault_; }
    bool at_end() const { return in_.left() == 0; }
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

    /// A field that any value fits.
    template <FixedField T>
    T get() {
        return get(T{}, "");
    }
    /// The field, or `otherwise` once something is wrong; `why`: what is, where it has a value that it cannot have.
    template <FixedField T>
    T get(T otherwise, const char* why) {
        T value{};
        require(in_.left() >= Layout<T>::size, "is cut short");
        in_(value);
        require(in_.ok(), why);
        return ok() ? value : otherwise;
    }
    bool flag() { return get(false, "holds a flag that is neither 0 nor 1"); }
    std::uint32_t count(std::size_t element_bytes) {
        const auto value = get<std::uint32_t>();
        require(value <= in_.left() / element_bytes, "holds a list longer than itself");
        return ok() ? value : 0;
    }
    Price price() {
        const auto value = get<Price>();
        require(in_range(value), "holds a price out of range");
        return value;
    }
    Qty size() {
        const auto value = get<Qty>();
        require(value >= Qty{0} && value <= limits::kMaxQty, "holds a quantity out of range");
        return value;
    }
    OrderTerms terms(InstrumentId instrument) {
        constexpr const char* kNoMeaning = "holds an order side, type or time in force of no meaning";
        OrderTerms value;
        value.instrument = instrument;
        value.side = get(Side::buy, kNoMeaning);
        value.type = get(OrderType::market, kNoMeaning);
        value.tif = get(TimeInForce::day, kNoMeaning);
        value.quantity = size();
        value.limit_price = price();
        value.stop_price = price();
        value.reduce_only = flag();
        value.parent = get<OrderId>();
        value.group = get<OrderId>();
        value.legs = get<std::uint8_t>();
        value.tag = text(get<std::uint8_t>());
        value.product = get(Product::none, "holds a product of no meaning");
        require(terms_fit(value), "holds an order whose terms do not fit its type");
        require(value.legs <= limits::kMaxLegs && (value.legs == 0) == (value.group.value == 0) &&
                    value.tag.size() <= limits::kMaxTagBytes,
                "holds an order with links that none can have");
        return value;
    }
    PlaceOrder place(InstrumentId instrument) {
        PlaceOrder value;
        value.order = get<OrderId>();
        value.terms = terms(instrument);
        value.good_until = get<Date>();
        value.portfolio = get<PortfolioId>();
        value.tick = price();
        value.lot = size();
        require(value.order.value != 0, "holds an order without a number");
        require(value.tick.raw > 0 && value.lot.raw > 0, "holds an order of an instrument without steps");
        return value;
    }

private:
    std::string text(std::size_t bytes) {
        require(bytes <= in_.left(), "is cut short");
        std::string value(ok() ? bytes : 0, '\0');
        in_.raw(value.data(), value.size());
        return value;
    }

    InCursor in_;
    const char* fault_ = nullptr;
};

void write_request(OutCursor& to, const PlaceOrder& place) {
    to(kPlace);
    write_place(to, place);
}

void write_request(OutCursor& to, const PlaceLinked& linked) {
    to(kLinked);
    to.count(linked.orders.size());
    for (const PlaceOrder& place : linked.orders) {
        write_place(to, place);
    }
}

void write_request(OutCursor& to, const CancelOrder& cancel) {
    to(kCancel, cancel.order);
}

void write_request(OutCursor& to, const ModifyOrder& modify) {
    to(kModify, modify.order, modify.quantity, modify.limit_price, modify.stop_price, modify.reduce_only, modify.known);
}

PendingRequest read_request(Reader& from, InstrumentId instrument) {
    PendingRequest pending;
    pending.due = from.get<Time>();
    from.require(pending.due > kMinTime && pending.due < kMaxTime + kMaxPaperLatency,
                 "holds a request due at no possible time");
    switch (from.get<std::uint8_t>()) {
    case kPlace: pending.request = from.place(instrument); break;
    case kLinked: {
        PlaceLinked linked;
        const std::uint32_t orders = from.count(kPlaceBytes);
        from.require(orders > 0, "holds linked orders that are none");
        for (std::uint32_t i = 0; i < orders && from.ok(); ++i) {
            linked.orders.push_back(from.place(instrument));
        }
        if (from.ok()) {
            pending.request = std::move(linked);
        }
        break;
    }
    case kCancel: pending.request = CancelOrder{from.get<OrderId>()}; break;
    case kModify: {
        ModifyOrder modify;
        modify.order = from.get<OrderId>();
        modify.quantity = from.size();
        modify.limit_price = from.price();
        modify.stop_price = from.price();
        modify.reduce_only = from.flag();
        modify.known = from.size();
        from.require(quantity_fits(modify.quantity), "holds a change to no quantity");
        pending.request = modify;
        break;
    }
    default: from.refuse("holds a request of no known kind");
    }
    from.require(order_of(pending.request).value != 0, "holds an order without a number");
    return pending;
}

OpenOrder read_order(Reader& from, InstrumentId instrument, const PaperSettings& settings) {
    const PlaceOrder place = from.place(instrument);
    OpenOrder order;
    order.id = place.order;
    order.portfolio = place.portfolio;
    order.terms = place.terms;
    order.good_until = place.good_until;
    order.tick = place.tick;
    order.lot = place.lot;
    order.filled = from.size();
    order.covered = from.size();
    order.arrived = from.get<Time>();
    order.promised = from.price();
    order.awaits = from.flag();
    order.entry_ended = from.flag();
    order.triggered = from.flag();
    from.require(order.filled < order.terms.quantity, "holds an open order that has filled");
    from.require(!order.triggered || needs_stop(order.terms.type), "holds a triggered order that has no stop");
    from.require(order.is_exit() || (order.covered == Qty{} && !order.entry_ended), "holds an exit that has no entry");
    from.require(!order.entry_ended || !order.is_asleep(), "holds an exit that nothing can wake");
    from.require(order.promised == Price{} || settings.use_size, "holds a promise although sizes do not count");
    from.require(order.terms.tif != TimeInForce::ioc || order.awaits || order.promised != Price{} || order.is_asleep(),
                 "holds an order that cannot have stayed open");
    return order;
}

/// What holds between orders and requests: changes stay with their order.
void require_consistent(Reader& from, const BrokerState& state) {
    for (std::size_t i = 0; i < state.books.size(); ++i) {
        const Book& book = state.books[i];
        std::set<OrderId> named;
        Time latest = kBeforeAll;
        for (const PendingRequest& pending : book.pending) {
            from.require(pending.due >= latest, "holds requests out of order");
            latest = pending.due;
            each_placed(pending.request, [&](const PlaceOrder& place) {
                from.require(named.insert(place.order).second, "holds a change made before its order");
            });
            const OrderId id = order_of(pending.request);
            named.insert(id);
            const auto known = state.whereabouts.find(id);
            if (known == state.whereabouts.end()) {
                continue;  // the order has finished while the request was on its way
            }
            from.require(known->second.instrument.value == i, "holds a change of another instrument's order");
            if (const auto* modify = std::get_if<ModifyOrder>(&pending.request)) {
                from.require(prices_fit(known->second.type, modify->limit_price, modify->stop_price),
                             "holds a change that does not fit its order");
            }
        }
    }
}

void read_nets(Reader& from, Book& book) {
    const std::uint32_t nets = from.count(kNetBytes);
    for (std::uint32_t i = 0; i < nets && from.ok(); ++i) {
        const Net net{from.get<PortfolioId>(), from.get(Product::none, "holds a product of no meaning"),
                      from.get<Qty>()};
        from.require(net.quantity.raw != 0 && (book.nets.empty() || book.nets.back().key() < net.key()),
                     "holds positions out of order");
        book.nets.push_back(net);
    }
}

}  // namespace

Book& book_at(std::vector<Book>& books, InstrumentId id) {
    ALPHA_ASSERT(id.value < limits::kMaxInstruments, "an instrument number out of range");
    if (id.value >= books.size()) {
        books.resize(std::size_t{id.value} + 1);
    }
    return books[id.value];
}

void save(const BrokerState& state, ByteBuffer& out) {
    OutCursor to(out);
    to(kStateVersion, state.trades);
    to.count(static_cast<std::size_t>(
        std::ranges::count_if(state.books, [](const Book& book) { return !book.is_untouched(); })));
    for (std::size_t i = 0; i < state.books.size(); ++i) {
        const Book& book = state.books[i];
        if (book.is_untouched()) {
            continue;
        }
        to(static_cast<std::uint32_t>(i), book.has_quote, book.bid, book.ask, book.bid_left, book.ask_left,
           book.last_price, book.last_time, book.last_is_open, book.volume_left);
        to.count(book.orders.size());
        for (const OpenOrder& order : book.orders) {
            write_place(to, {order.id, order.terms, order.good_until, order.portfolio, order.tick, order.lot});
            to(order.filled, order.covered, order.arrived, order.promised, order.awaits, order.entry_ended,
               order.triggered);
        }
        to.count(book.pending.size());
        for (const PendingRequest& pending : book.pending) {
            to(pending.due);
            std::visit([&](const auto& request) { write_request(to, request); }, pending.request);
        }
        to.count(book.nets.size());
        for (const Net& net : book.nets) {
            to(net.portfolio, net.product, net.quantity);
        }
    }
}

Result<BrokerState> load(Bytes bytes, const PaperSettings& settings) {
    Reader from(bytes);
    BrokerState loaded;
    from.require(from.get<std::uint8_t>() == kStateVersion, "has a version this program does not know");
    loaded.trades = from.get<std::uint64_t>();
    const std::uint32_t books = from.count(kBookBytes);
    for (std::uint32_t b = 0; b < books && from.ok(); ++b) {
        const auto instrument = from.get<InstrumentId>();
        if (instrument.value < loaded.books.size() || instrument.value >= limits::kMaxInstruments) {
            from.refuse("holds an instrument out of range or out of order");
            break;
        }
        Book& book = book_at(loaded.books, instrument);
        book.has_quote = from.flag();
        book.bid = from.price();
        book.ask = from.price();
        book.bid_left = from.size();
        book.ask_left = from.size();
        book.last_price = from.price();
        book.last_time = from.get<Time>();
        book.last_is_open = from.flag();
        book.volume_left = from.size();
        const auto remember = [&](OrderId id, OrderType type) {
            from.require(loaded.whereabouts.emplace(id, Whereabouts{instrument, type}).second,
                         "holds two orders with one number");
        };
        const std::uint32_t orders = from.count(kOrderBytes);
        for (std::uint32_t i = 0; i < orders && from.ok(); ++i) {
            const OpenOrder& order = book.orders.emplace_back(read_order(from, instrument, settings));
            book.linked += order.is_linked() ? 1U : 0U;
            remember(order.id, order.terms.type);
        }
        const std::uint32_t requests = from.count(kRequestBytes);
        from.require(requests == 0 || settings.latency > Duration{0},
                     "holds requests on their way although there is no latency");
        for (std::uint32_t i = 0; i < requests && from.ok(); ++i) {
            book.pending.push_back(read_request(from, instrument));
            each_placed(book.pending.back().request,
                        [&](const PlaceOrder& place) { remember(place.order, place.terms.type); });
        }
        read_nets(from, book);
        from.require(!book.is_untouched(), "holds an instrument of which nothing is known");
    }
    if (from.ok()) {
        require_consistent(from, loaded);
    }
    from.require(from.at_end(), "goes on after its end");
    if (!from.ok()) {
        return fail(ErrorKind::data, std::string("the saved state of the paper broker ") + from.fault());
    }
    return loaded;
}

}  // namespace alpha::paper
