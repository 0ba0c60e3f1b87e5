/// Strategies of your own, in C++17 or later: write a class, name it in one macro, compile it to a shared library, and name that in
/// a scenario. docs/tutorial-plugin.md builds one; <alpha/plugin.h> is what lies beneath, and says more of units, ownership,
/// threads and growth.
///
///   class Mine final : public alpha::Strategy {
///   public:
///       static constexpr const char* name = "mine";
///       static constexpr const char* summary = "buys once";
///       static constexpr alpha::Param params[] = {alpha::decimal("quantity", "how much to buy").at_least("1")};
///
///       explicit Mine(const alpha::Settings& settings) : quantity_(settings.quantity("quantity")) {}
///       void on_quote(const alpha::Quote& quote, alpha::Context& context) override { ... }
///   };
///   ALPHA_STRATEGY(Mine)
///
/// A callback that throws anything halts the strategy: nothing that it asked for happens, the reason is in the log, and the rest
/// of the session goes on. A constructor that throws refuses the scenario.
///
/// Keep what decides within the class, and decide from what the callbacks are told alone: no clock, no randomness, no files.
#pragma once

#include <alpha/plugin.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace alpha {
inline namespace plugin {

// ---- values ---------------------------------------------------------------------------------------------------------------

/// A whole number of 1e-8. Prices and quantities are each their own kind.
template <class Kind>
struct Fixed {
    std::int64_t raw = 0;

    /// The double nearest to its decimal: by division, which rounds correctly.
    constexpr double to_double() const { return static_cast<double>(raw) / 1e8; }
    constexpr explicit operator bool() const { return raw != 0; }

    friend constexpr Fixed operator+(Fixed a, Fixed b) { return {a.raw + b.raw}; }
    friend constexpr Fixed operator-(Fixed a, Fixed b) { return {a.raw - b.raw}; }
    friend constexpr Fixed operator-(Fixed a) { return {-a.raw}; }
    friend constexpr Fixed operator*(Fixed a, std::int64_t times) { return {a.raw * times}; }
    friend constexpr bool operator==(Fixed a, Fixed b) { return a.raw == b.raw; }
    friend constexpr bool operator!=(Fixed a, Fixed b) { return a.raw != b.raw; }
    friend constexpr bool operator<(Fixed a, Fixed b) { return a.raw < b.raw; }
    friend constexpr bool operator>(Fixed a, Fixed b) { return a.raw > b.raw; }
    friend constexpr bool operator<=(Fixed a, Fixed b) { return a.raw <= b.raw; }
    friend constexpr bool operator>=(Fixed a, Fixed b) { return a.raw >= b.raw; }
};
using Price = Fixed<struct PriceKind>;
using Quantity = Fixed<struct QuantityKind>;

/// whole + fraction / 1e8; both parts have the same sign.
struct Money {
    std::int64_t whole = 0;
    std::int64_t fraction = 0;
    constexpr double to_double() const { return static_cast<double>(whole) + static_cast<double>(fraction) / 1e8; }
};

/// Since 1970-01-01 UTC, in event time.
using Time = std::chrono::nanoseconds;
using InstrumentId = std::uint32_t;
using OrderId = std::uint64_t;
using TimerId = std::uint64_t;  ///< of the strategy's own choosing

enum class Side : std::uint32_t { buy = ALPHA_BUY, sell = ALPHA_SELL };
enum class OrderType : std::uint32_t {
    market = ALPHA_MARKET,
    limit = ALPHA_LIMIT,
    stop = ALPHA_STOP,
    stop_limit = ALPHA_STOP_LIMIT
};
enum class TimeInForce : std::uint32_t { day = ALPHA_DAY, gtc = ALPHA_GTC, ioc = ALPHA_IOC };
enum class Direction : std::uint32_t { flat = ALPHA_FLAT, lengthen = ALPHA_LENGTHEN, shorten = ALPHA_SHORTEN };
enum class OrderStatus : std::uint32_t {
    intended = ALPHA_INTENDED,
    working = ALPHA_WORKING,
    filled = ALPHA_FILLED,
    cancelled = ALPHA_CANCELLED,
    rejected = ALPHA_REJECTED,
    expired = ALPHA_EXPIRED,
    refused = ALPHA_REFUSED
};
/// Whether the order is over; a late fill may still come.
constexpr bool is_terminal(OrderStatus status) {
    return status >= OrderStatus::filled;
}

struct Instrument {
    InstrumentId id = 0;
    std::string name;
    Price tick;
    Quantity lot;
};

/// The best bid and ask. A side that is absent has price and quantity zero.
struct Quote {
    InstrumentId instrument = 0;
    Price bid;
    Price ask;
    Quantity bid_quantity;
    Quantity ask_quantity;
};
/// A trade that was told of. A source may tell of the last one only: what was traded in between is in `volume`.
struct Trade {
    InstrumentId instrument = 0;
    Price price;
    Quantity quantity;       ///< zero: not told
    Quantity volume;         ///< traded so far on the day, 92233720368.54775807 at most; zero: not told
    Quantity open_interest;  ///< as above
    Time exchange_time{};    ///< on the exchange's clock; zero: not told
};
/// A bar begins; only its open is known yet.
struct BarOpened {
    InstrumentId instrument = 0;
    Price open;
    Time label{};     ///< when it begins, which is now
    Time interval{};  ///< which of the instrument's bars it is one of: std::chrono::minutes(1)
};
struct Bar {
    InstrumentId instrument = 0;
    Price open;
    Price high;
    Price low;
    Price close;
    Quantity volume;  ///< 92233720368.54775807 at most: of what is more that is said
    Time label{};     ///< when it began; what its BarOpened says
    Time interval{};  ///< which of the instrument's bars it is one of
};
/// What became of one of the strategy's own orders.
struct OrderUpdate {
    OrderId order = 0;
    OrderStatus status = OrderStatus::intended;
    bool change_failed = false;  ///< a cancel or modify was refused or rejected; the order stands
    const char* rule = "none";   ///< the rule that refused it, such as "max_position"
};
struct Fill {
    OrderId order = 0;
    InstrumentId instrument = 0;
    Side side = Side::buy;
    Quantity quantity;
    Price price;
    Money notional;
    Money charges;
    Money realized_pnl;  ///< gross
    std::string tag;     ///< what the strategy called the order
};

/// What is known of an instrument's market; zero until seen.
struct Market {
    Price mark;  ///< bars: the open, then the close; quotes: the middle of both sides
    Price bid;
    Price ask;
    Quantity bid_quantity;
    Quantity ask_quantity;
};
/// What the strategy's portfolio holds, together with the other strategies of that portfolio.
struct Position {
    Quantity net;         ///< positive long, negative short
    Price average_price;  ///< of the open part; zero when flat
    Quantity open_buys;   ///< what working orders may still buy
    Quantity open_sells;
    Money realized_pnl;
};
struct Valuation {
    Money cash;
    Money equity;
    Money realized_pnl;
    Money unrealized_pnl;
    Money charges;
};
struct Order {
    OrderStatus status = OrderStatus::intended;
    InstrumentId instrument = 0;
    Side side = Side::buy;
    OrderType type = OrderType::market;
    TimeInForce tif = TimeInForce::gtc;
    Quantity quantity;
    Quantity filled;
    Price limit_price;
    Price stop_price;
    bool reduce_only = false;
    OrderId parent = 0;  ///< the order that it is an exit of; 0: none
    OrderId group = 0;   ///< the first of the orders of which one cancels the others; 0: none
    std::string tag;
};

/// An order to be placed.
///
///   context.place(OrderTerms::stop(bar.instrument, Side::sell, held, bar.low).only_reducing().with_tag("protect"));
struct OrderTerms {
    InstrumentId instrument = 0;
    Side side = Side::buy;
    OrderType type = OrderType::market;
    TimeInForce tif = TimeInForce::gtc;
    Quantity quantity;
    Price limit_price{};  ///< as its type needs; else zero, like stop_price
    Price stop_price{};
    bool reduce_only = false;  ///< fills only against what the portfolio holds, and is cut as that shrinks
    std::uint32_t parent = 0;  ///< see Context::place_linked
    std::uint32_t group = 0;
    std::string tag{};  ///< comes back with fills; at most ALPHA_TAG_BYTES bytes that can be shown

    static OrderTerms market(InstrumentId instrument, Side side, Quantity quantity,
                             TimeInForce tif = TimeInForce::gtc) {
        return {instrument, side, OrderType::market, tif, quantity};
    }
    static OrderTerms limit(InstrumentId instrument, Side side, Quantity quantity, Price price,
                            TimeInForce tif = TimeInForce::day) {
        return {instrument, side, OrderType::limit, tif, quantity, price};
    }
    static OrderTerms stop(InstrumentId instrument, Side side, Quantity quantity, Price stop,
                           TimeInForce tif = TimeInForce::day) {
        return {instrument, side, OrderType::stop, tif, quantity, {}, stop};
    }
    static OrderTerms stop_limit(InstrumentId instrument, Side side, Quantity quantity, Price stop, Price limit,
                                 TimeInForce tif = TimeInForce::day) {
        return {instrument, side, OrderType::stop_limit, tif, quantity, limit, stop};
    }
    OrderTerms only_reducing() const {
        OrderTerms copy = *this;
        copy.reduce_only = true;
        return copy;
    }
    OrderTerms with_tag(std::string word) const {
        OrderTerms copy = *this;
        copy.tag = std::move(word);
        return copy;
    }
};
/// The numbers of a bracket's orders; 0 where there is none.
struct Bracket {
    OrderId entry = 0;
    OrderId stop = 0;
    OrderId target = 0;
};

// ---- parameters -----------------------------------------------------------------------------------------------------------

/// A parameter, made by one of the functions below. Without a default the scenario must give it. Numbers are written as text,
/// so that they mean exactly what they say: "0.05".
struct Param : alpha_param {
    constexpr Param(std::uint32_t kind_, const char* name_, const char* doc_)
        : alpha_param{name_, kind_, 0, doc_, nullptr, nullptr, nullptr} {}
    constexpr Param by_default(const char* value) const {
        Param copy = *this;
        copy.default_value = value;
        return copy;
    }
    constexpr Param at_least(const char* value) const {
        Param copy = *this;
        copy.minimum = value;
        return copy;
    }
    constexpr Param at_most(const char* value) const {
        Param copy = *this;
        copy.maximum = value;
        return copy;
    }
};
constexpr Param integer(const char* name, const char* doc) {
    return {ALPHA_INTEGER, name, doc};
}
constexpr Param decimal(const char* name, const char* doc) {
    return {ALPHA_DECIMAL, name, doc};
}
constexpr Param flag(const char* name, const char* doc) {
    return {ALPHA_FLAG, name, doc};
}
constexpr Param text(const char* name, const char* doc) {
    return {ALPHA_TEXT, name, doc};
}
/// Of the bars that are read: a duration such as 5m, or "only", which is refused where an instrument is known to have several.
constexpr Param interval(const char* name, const char* doc) {
    return {ALPHA_INTERVAL, name, doc};
}
/// One of the strategy's own instruments.
constexpr Param instrument(const char* name, const char* doc) {
    return {ALPHA_INSTRUMENT, name, doc};
}

namespace detail {

inline Money money_of(const alpha_money& money) {
    return {money.whole, money.fraction};
}
inline Instrument instrument_of(const alpha_instrument& from) {
    return {from.id, from.name, {from.tick}, {from.lot}};
}
/// A structure that the host fills in.
template <class T>
T asking() {
    T out{};
    out.struct_size = static_cast<std::uint32_t>(sizeof out);
    return out;
}
inline void require(int outcome, const char* what) {
    if (outcome != ALPHA_OK) {
        throw std::invalid_argument(what);
    }
}

}  // namespace detail

/// What the scenario says of one strategy: what its constructor is given. Good until the constructor returns. Asking for a
/// parameter that is not in `params`, or by another kind than it has, throws.
class Settings {
public:
    explicit Settings(const alpha_host* host) : host_(host) {}

    /// The strategy's id in the scenario.
    std::string strategy_name() const { return host_->strategy_name(host_); }
    std::int64_t integer(const char* param) const { return setting(param, ALPHA_INTEGER).value; }
    Price price(const char* param) const { return {setting(param, ALPHA_DECIMAL).value}; }
    Quantity quantity(const char* param) const { return {setting(param, ALPHA_DECIMAL).value}; }
    double number(const char* param) const { return static_cast<double>(setting(param, ALPHA_DECIMAL).value) / 1e8; }
    bool flag(const char* param) const { return setting(param, ALPHA_FLAG).value != 0; }
    std::string text(const char* param) const { return setting(param, ALPHA_TEXT).text; }
    InstrumentId instrument(const char* param) const {
        return static_cast<InstrumentId>(setting(param, ALPHA_INSTRUMENT).value);
    }
    /// Zero: the only one there is.
    Time interval(const char* param) const { return Time(setting(param, ALPHA_INTERVAL).value); }
    /// The strategy's own, in the scenario's order.
    std::vector<Instrument> instruments() const {
        std::vector<Instrument> all;
        for (std::uint32_t i = 0; i < host_->instrument_count(host_); ++i) {
            auto one = detail::asking<alpha_instrument>();
            detail::require(host_->own_instrument(host_, i, &one), "there is no such instrument");
            all.push_back(detail::instrument_of(one));
        }
        return all;
    }

private:
    alpha_setting setting(const char* param, std::uint32_t kind) const {
        auto found = detail::asking<alpha_setting>();
        if (host_->setting(host_, param, &found) != ALPHA_OK || found.kind != kind) {
            throw std::invalid_argument(std::string("the strategy has no parameter ") + param +
                                        " of the kind that it asks for");
        }
        return found;
    }
    const alpha_host* host_;
};

// ---- callbacks ------------------------------------------------------------------------------------------------------------

/// Eyes and requests within a callback. Good until the callback returns: do not keep it. Asking for an instrument that does not exist
/// throws; so do requests that mean nothing.
///
/// StrategyContext is not doing: requests are judged by the risk rules, one by one, after the callback has returned.
class Context {
public:
    explicit Context(const alpha_host* host) : host_(host) {}

    Time now() const { return Time(host_->now(host_)); }
    Instrument instrument(InstrumentId id) const {
        auto out = detail::asking<alpha_instrument>();
        detail::require(host_->instrument(host_, id, &out), "there is no such instrument");
        return detail::instrument_of(out);
    }
    Market market(InstrumentId id) const {
        auto out = detail::asking<alpha_market>();
        detail::require(host_->market(host_, id, &out), "there is no such instrument");
        return {{out.mark}, {out.bid}, {out.ask}, {out.bid_quantity}, {out.ask_quantity}};
    }
    Position position(InstrumentId id) const {
        auto out = detail::asking<alpha_position>();
        detail::require(host_->position(host_, id, &out), "there is no such instrument");
        return {{out.net}, {out.average_price}, {out.open_buys}, {out.open_sells}, detail::money_of(out.realized_pnl)};
    }
    Valuation valuation() const {
        auto out = detail::asking<alpha_valuation>();
        detail::require(host_->valuation(host_, &out), "there is no valuation");
        return {detail::money_of(out.cash), detail::money_of(out.equity), detail::money_of(out.realized_pnl),
                detail::money_of(out.unrealized_pnl), detail::money_of(out.charges)};
    }
    /// Nothing when the order is neither open nor lately closed.
    std::optional<Order> order(OrderId id) const {
        auto out = detail::asking<alpha_order>();
        if (host_->order(host_, id, &out) != ALPHA_OK) {
            return std::nullopt;
        }
        return Order{static_cast<OrderStatus>(out.status),
                     out.instrument,
                     static_cast<Side>(out.side),
                     static_cast<OrderType>(out.type),
                     static_cast<TimeInForce>(out.time_in_force),
                     {out.quantity},
                     {out.filled},
                     {out.limit_price},
                     {out.stop_price},
                     out.reduce_only != 0,
                     out.parent,
                     out.group,
                     out.tag};
    }

    /// Returns the id that the order will have, whether it passes the rules or not; on_order tells which.
    OrderId place(const OrderTerms& order) { return place_linked(&order, 1); }
    OrderId place(InstrumentId instrument, Side side, OrderType type, TimeInForce tif, Quantity quantity,
                  Price limit_price = {}, Price stop_price = {}) {
        return place({instrument, side, type, tif, quantity, limit_price, stop_price});
    }
    OrderId buy(InstrumentId instrument, Quantity quantity) {
        return place(OrderTerms::market(instrument, Side::buy, quantity));
    }
    OrderId sell(InstrumentId instrument, Quantity quantity) {
        return place(OrderTerms::market(instrument, Side::sell, quantity));
    }
    /// Limit and stop orders are DAY orders unless they say otherwise: they end with their session. Made while the market is shut,
    /// or on the bar that closes with the session, they belong to the next one. What is to protect a position overnight is gtc.
    OrderId limit(InstrumentId instrument, Side side, Quantity quantity, Price price,
                  TimeInForce tif = TimeInForce::day) {
        return place(OrderTerms::limit(instrument, side, quantity, price, tif));
    }
    OrderId stop(InstrumentId instrument, Side side, Quantity quantity, Price stop,
                 TimeInForce tif = TimeInForce::day) {
        return place(OrderTerms::stop(instrument, side, quantity, stop, tif));
    }

    /// An entry with a stop that limits its loss and a target that takes its profit; a price of zero leaves that exit out. Both come
    /// alive with the entry's fills, for what has filled, only ever reduce, and one cancels the other. They last until they fill or
    /// are cancelled, whatever the entry's time in force, and carry its tag.
    Bracket bracket(const OrderTerms& entry, Price stop, Price target) {
        std::vector<OrderTerms> orders{entry};
        Bracket made;
        OrderTerms exit = entry;
        exit.side = entry.side == Side::buy ? Side::sell : Side::buy;
        exit.tif = TimeInForce::gtc;
        exit.reduce_only = true;
        exit.parent = 1;
        exit.group = stop && target ? 2 : 0;
        if (stop) {
            exit.type = OrderType::stop;
            exit.limit_price = {};
            exit.stop_price = stop;
            orders.push_back(exit);
            made.stop = orders.size() - 1;
        }
        if (target) {
            exit.type = OrderType::limit;
            exit.limit_price = target;
            exit.stop_price = {};
            orders.push_back(exit);
            made.target = orders.size() - 1;
        }
        made.entry = place_linked(orders);
        made.stop = stop ? made.entry + made.stop : 0;
        made.target = target ? made.entry + made.target : 0;
        return made;
    }
    /// Two orders of which one cancels the other: a fill takes its quantity from what the other has left. Returns the first one's id;
    /// the other follows.
    OrderId one_cancels_other(OrderTerms one, OrderTerms other) {
        one.group = other.group = 1;
        return place_linked({std::move(one), std::move(other)});
    }
    /// Up to ALPHA_LINKED_ORDERS orders in one instrument, all or none of them. `parent` and `group` are places in `orders`, from 1:
    /// a parent stands before its exits, which are of the other side and only reduce; the legs of a group stand side by side and
    /// name the first of them. Returns the first one's id; the others follow.
    OrderId place_linked(const std::vector<OrderTerms>& orders) { return place_linked(orders.data(), orders.size()); }

    void cancel(OrderId order) { detail::require(host_->cancel(host_, order), "a cancel that means nothing"); }
    /// `quantity` is the new total, fills included.
    void modify(OrderId order, Quantity quantity, Price limit_price = {}, Price stop_price = {}) {
        detail::require(host_->modify(host_, order, quantity.raw, limit_price.raw, stop_price.raw),
                        "a change that means nothing");
    }
    /// Calls on_timer at `due`, at the earliest a millisecond from now. Setting a pending timer moves it.
    void set_timer(TimerId timer, Time due) {
        detail::require(host_->set_timer(host_, timer, due.count()), "a timer that means nothing");
    }
    void cancel_timer(TimerId timer) {
        detail::require(host_->cancel_timer(host_, timer), "a timer that means nothing");
    }
    /// Puts an opinion into the log; nothing follows from it.
    void signal(InstrumentId instrument, Direction direction) {
        detail::require(host_->signal(host_, instrument, static_cast<std::uint32_t>(direction)),
                        "a signal that means nothing");
    }

private:
    OrderId place_linked(const OrderTerms* orders, std::size_t count) {
        detail::require(count > ALPHA_LINKED_ORDERS ? ALPHA_FAILED : ALPHA_OK, "too many orders that are linked");
        alpha_linked_order all[ALPHA_LINKED_ORDERS];
        for (std::size_t i = 0; i < count; ++i) {
            const OrderTerms& from = orders[i];
            auto& to = all[i] = detail::asking<alpha_linked_order>();
            to.instrument = from.instrument;
            to.side = static_cast<std::uint32_t>(from.side);
            to.type = static_cast<std::uint32_t>(from.type);
            to.time_in_force = static_cast<std::uint32_t>(from.tif);
            to.reduce_only = from.reduce_only ? 1 : 0;
            to.quantity = from.quantity.raw;
            to.limit_price = from.limit_price.raw;
            to.stop_price = from.stop_price.raw;
            to.parent = from.parent;
            to.group = from.group;
            to.tag = from.tag.c_str();
            detail::require(from.tag.size() <= ALPHA_TAG_BYTES ? ALPHA_OK : ALPHA_FAILED,
                            "a tag of more than 32 bytes");
        }
        OrderId first = 0;
        detail::require(host_->place_linked(host_, all, static_cast<std::uint32_t>(count), &first),
                        "an order that means nothing");
        return first;
    }

    const alpha_host* host_;
};

/// Appends what future decisions depend on.
class StateWriter {
public:
    explicit StateWriter(const alpha_host* host) : host_(host) {}
    /// A value whose bytes are all that there is to it: a number, or a structure of numbers without gaps.
    template <class T>
    void put(const T& value) {
        static_assert(std::is_trivially_copyable<T>::value && !std::is_pointer<T>::value,
                      "write the numbers that it is made of");
        bytes(&value, sizeof value);
    }
    void bytes(const void* from, std::size_t size) {
        detail::require(host_->write(host_, from, size), "state is written while it is saved");
    }

private:
    const alpha_host* host_;
};

/// Reads back what StateWriter wrote; throws where there is less.
class StateReader {
public:
    StateReader(const void* bytes, std::size_t size) : at_(static_cast<const unsigned char*>(bytes)), left_(size) {}
    template <class T>
    T get() {
        static_assert(std::is_trivially_copyable<T>::value && !std::is_pointer<T>::value,
                      "read the numbers that it is made of");
        T value;
        bytes(&value, sizeof value);
        return value;
    }
    void bytes(void* to, std::size_t size) {
        if (left_ < size) {
            throw std::runtime_error("the saved state ends too early");
        }
        std::memcpy(to, at_, size);
        at_ += size;
        left_ -= size;
    }
    std::size_t left() const { return left_; }

private:
    const unsigned char* at_;
    std::size_t left_;
};

/// Override, publicly, what you need; what you do not is never called. save and load come together, and a strategy that has them
/// can be taken up in the middle of a session; without them it decides everything anew from the first event then.
class Strategy {
public:
    virtual ~Strategy() = default;

    virtual void on_quote(const Quote&, Context&) {}
    virtual void on_trade(const Trade&, Context&) {}
    virtual void on_bar_opened(const BarOpened&, Context&) {}
    virtual void on_bar(const Bar&, Context&) {}
    virtual void on_timer(TimerId, Context&) {}
    virtual void on_order(const OrderUpdate&, Context&) {}
    virtual void on_fill(const Fill&, Context&) {}

    virtual void save(StateWriter&) const {}
    /// Called on a strategy just made. Throws on what `save` cannot have written.
    virtual void load(StateReader&) {}
};

// ---- beneath --------------------------------------------------------------------------------------------------------------

namespace detail {

/// Runs `work`; nothing thrown gets past here.
template <class Work>
int guarded(const alpha_host* host, Work work) noexcept {
    try {
        work();
        return ALPHA_OK;
    } catch (const std::exception& e) {
        return host->fail(host, e.what());
    } catch (...) {
        return host->fail(host, "it threw something that is no std::exception");
    }
}

/// Whether a pointer to T's member is not one of Strategy itself.
template <class Member>
struct IsOverride : std::true_type {};
template <class Returns, class... Arguments>
struct IsOverride<Returns (Strategy::*)(Arguments...)> : std::false_type {};
template <class Returns, class... Arguments>
struct IsOverride<Returns (Strategy::*)(Arguments...) const> : std::false_type {};

/// The parameters that T declares, if any.
template <class T, class = void>
struct ParamsOf {
    static constexpr const alpha_param* first = nullptr;
    static constexpr std::uint32_t count = 0;
};
template <class T>
struct ParamsOf<T, std::void_t<decltype(T::params)>> {
    static constexpr const alpha_param* first = &T::params[0];
    static constexpr std::uint32_t count = sizeof T::params / sizeof T::params[0];
};

/// The library's table for the class T.
template <class T>
struct Table {
    static T& of(void* self) { return *static_cast<T*>(self); }

    static int create(const alpha_host* host, void** self) {
        return guarded(host, [&] { *self = std::make_unique<T>(Settings(host)).release(); });
    }
    static void destroy(void* self) { delete static_cast<T*>(self); }
    static int on_quote(void* self, const alpha_host* host, const alpha_quote* e) {
        return guarded(host, [&] {
            Context context(host);
            of(self).on_quote({e->instrument, {e->bid}, {e->ask}, {e->bid_quantity}, {e->ask_quantity}}, context);
        });
    }
    static int on_trade(void* self, const alpha_host* host, const alpha_trade* e) {
        return guarded(host, [&] {
            Context context(host);
            of(self).on_trade(
                {e->instrument, {e->price}, {e->quantity}, {e->volume}, {e->open_interest}, Time(e->exchange_time)},
                context);
        });
    }
    static int on_bar_opened(void* self, const alpha_host* host, const alpha_bar_opened* e) {
        return guarded(host, [&] {
            Context context(host);
            of(self).on_bar_opened({e->instrument, {e->open}, Time(e->label), Time(e->interval)}, context);
        });
    }
    static int on_bar(void* self, const alpha_host* host, const alpha_bar* e) {
        return guarded(host, [&] {
            Context context(host);
            of(self).on_bar({e->instrument,
                             {e->open},
                             {e->high},
                             {e->low},
                             {e->close},
                             {e->volume},
                             Time(e->label),
                             Time(e->interval)},
                            context);
        });
    }
    static int on_timer(void* self, const alpha_host* host, std::uint64_t timer) {
        return guarded(host, [&] {
            Context context(host);
            of(self).on_timer(timer, context);
        });
    }
    static int on_order(void* self, const alpha_host* host, const alpha_order_update* e) {
        return guarded(host, [&] {
            Context context(host);
            of(self).on_order({e->order, static_cast<OrderStatus>(e->status), e->change_failed != 0, e->rule}, context);
        });
    }
    static int on_fill(void* self, const alpha_host* host, const alpha_fill* e) {
        return guarded(host, [&] {
            Context context(host);
            of(self).on_fill({e->order,
                              e->instrument,
                              static_cast<Side>(e->side),
                              {e->quantity},
                              {e->price},
                              money_of(e->notional),
                              money_of(e->charges),
                              money_of(e->realized_pnl),
                              e->tag},
                             context);
        });
    }
    static int save(void* self, const alpha_host* host) {
        return guarded(host, [&] {
            StateWriter out(host);
            of(self).save(out);
        });
    }
    static int load(void* self, const alpha_host* host, const void* bytes, std::size_t size) {
        return guarded(host, [&] {
            StateReader in(bytes, size);
            of(self).load(in);
            if (in.left() != 0) {
                throw std::runtime_error("the saved state is longer than what was read of it");
            }
        });
    }

    static const alpha_plugin* get(std::uint32_t host_abi_version, std::uint32_t host_struct_size) {
        static_assert(std::is_base_of<Strategy, T>::value, "derive the class from alpha::Strategy");
        static_assert(sizeof(Param) == sizeof(alpha_param), "a Param adds nothing to an alpha_param");
        constexpr bool saves = IsOverride<decltype(&T::save)>::value;
        static_assert(saves == IsOverride<decltype(&T::load)>::value, "save and load come together");
        static const alpha_plugin table = {
            sizeof(alpha_plugin),
            ALPHA_ABI_VERSION,
            T::name,
            T::summary,
            ParamsOf<T>::first,
            ParamsOf<T>::count,
            sizeof(alpha_param),
            &create,
            &destroy,
            IsOverride<decltype(&T::on_quote)>::value ? &on_quote : nullptr,
            IsOverride<decltype(&T::on_bar_opened)>::value ? &on_bar_opened : nullptr,
            IsOverride<decltype(&T::on_bar)>::value ? &on_bar : nullptr,
            IsOverride<decltype(&T::on_timer)>::value ? &on_timer : nullptr,
            IsOverride<decltype(&T::on_order)>::value ? &on_order : nullptr,
            IsOverride<decltype(&T::on_fill)>::value ? &on_fill : nullptr,
            saves ? &save : nullptr,
            saves ? &load : nullptr,
            IsOverride<decltype(&T::on_trade)>::value ? &on_trade : nullptr,
        };
        return host_abi_version == ALPHA_ABI_VERSION && host_struct_size >= sizeof(alpha_host) ? &table : nullptr;
    }
};

}  // namespace detail

}  // namespace plugin
}  // namespace alpha

/// Makes the library one that holds this strategy. Once, outside of any namespace.
#define ALPHA_STRATEGY(Class)                                                                                          \
    extern "C" ALPHA_PLUGIN_EXPORT const alpha_plugin* alpha_plugin_entry(std::uint32_t host_abi_version,              \
                                                                          std::uint32_t host_struct_size) {            \
        return ::alpha::detail::Table<Class>::get(host_abi_version, host_struct_size);                                 \
    }
