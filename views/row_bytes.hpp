#pragma once
/// Rows as bytes, for the sources of this folder alone.
///
/// A version byte, then the fields in order, little-endian: money 128 bits, enums and booleans a byte, texts behind a u32
/// length. Ids that are in the key are not repeated; keys are big-endian.

#include "events/assert.hpp"
#include "store/journal.hpp"
#include "store/wire.hpp"
#include "views/rows.hpp"

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

namespace alpha {

template <class T>
concept Number = std::is_integral_v<T> && !std::is_same_v<T, bool>;
template <class E>
inline constexpr std::pair<E, E> kValues{};
template <>
inline constexpr std::pair<Side, Side> kValues<Side>{Side::buy, Side::sell};
template <>
inline constexpr std::pair<OrderType, OrderType> kValues<OrderType>{OrderType::market, OrderType::stop_limit};
template <>
inline constexpr std::pair<TimeInForce, TimeInForce> kValues<TimeInForce>{TimeInForce::day, TimeInForce::ioc};
template <>
inline constexpr std::pair<Rule, Rule> kValues<Rule>{Rule::none, static_cast<Rule>(kRules - 1)};
template <>
inline constexpr std::pair<OrderStatus, OrderStatus> kValues<OrderStatus>{OrderStatus::intended, OrderStatus::refused};

inline Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class RowWriter {
public:
    explicit RowWriter(ByteBuffer& out) : out_(out) {}

    template <class... Ts>
    void operator()(const Ts&... fields) {
        (put(fields), ...);
    }

private:
    template <Number T>
    void put(T value) {
        store(out_.extend(sizeof value), value);
    }
    void put(bool value) { put(static_cast<std::uint8_t>(value)); }
    template <class E>
        requires std::is_enum_v<E>
    void put(E value) {
        put(static_cast<std::uint8_t>(value));
    }
    template <class Tag, class Rep>
    void put(Id<Tag, Rep> id) {
        put(id.value);
    }
    void put(Price price) { put(price.raw); }
    void put(Qty quantity) { put(quantity.raw); }
    void put(Time time) { put(time.ns); }
    void put(Date date) { put(date.days); }
    void put(Money amount) {
        const auto raw = static_cast<UInt128>(amount.raw);
        put(static_cast<std::uint64_t>(raw));
        put(static_cast<std::uint64_t>(raw >> 64U));
    }
    void put(const std::string& text) {
        put(static_cast<std::uint32_t>(text.size()));
        out_.append(bytes_of(text));
    }
    ByteBuffer& out_;
};

class RowReader {
public:
    explicit RowReader(Bytes bytes) : rest_(bytes) {}

    template <class... Ts>
    void operator()(Ts&... fields) {
        (get(fields), ...);
    }
    bool whole() const { return ok_ && rest_.ok() && rest_.left() == 0; }

private:
    template <Number T>
    void get(T& value) {
        value = rest_.get<T>();
    }
    void get(bool& value) {
        const auto raw = rest_.get<std::uint8_t>();
        ok_ = ok_ && raw <= 1;
        value = raw == 1;
    }
    template <class E>
        requires std::is_enum_v<E>
    void get(E& value) {
        value = static_cast<E>(rest_.get<std::uint8_t>());
        ok_ = ok_ && value >= kValues<E>.first && value <= kValues<E>.second;
    }
    template <class Tag, class Rep>
    void get(Id<Tag, Rep>& id) {
        get(id.value);
    }
    void get(Price& price) { get(price.raw); }
    void get(Qty& quantity) { get(quantity.raw); }
    void get(Time& time) { get(time.ns); }
    void get(Date& date) { get(date.days); }
    void get(Money& amount) {
        const UInt128 low = rest_.get<std::uint64_t>();
        const UInt128 high = rest_.get<std::uint64_t>();
        amount.raw = static_cast<Int128>(high << 64U | low);
    }
    void get(std::string& text) {
        const Bytes bytes = rest_.take(rest_.get<std::uint32_t>());
        text.assign(bytes.begin(), bytes.end());
    }
    WireReader rest_;
    bool ok_ = true;
};

// Each row's fields once, for both directions.
/// Each row's fields once, for both directions.
template <class M, class Row>
concept FieldsOf = std::same_as<std::remove_const_t<M>, Row>;

template <class Ar, FieldsOf<PositionView> M>
void fields(Ar& ar, M& m) {
    ar(m.instrument, m.net, m.cost, m.realized_pnl, m.charges, m.traded, m.fills);
}
template <class Ar, FieldsOf<PortfolioView> M>
void fields(Ar& ar, M& m) {
    ar(m.name, m.currency, m.is_open, m.initial_cash, m.cash, m.realized_pnl, m.charges, m.killed, m.killed_by,
       m.open_orders, m.fills);
}
template <class Ar, FieldsOf<OrderView> M>
void fields(Ar& ar, M& m) {
    ar(m.strategy, m.portfolio, m.broker, m.instrument);
    ar(m.terms.instrument, m.terms.side, m.terms.type, m.terms.tif, m.terms.quantity, m.terms.limit_price,
       m.terms.stop_price, m.good_until);
    ar(m.terms.reduce_only, m.terms.parent, m.terms.group, m.terms.legs, m.terms.tag);
    ar(m.status, m.triggered, m.cancel_pending, m.modify_pending, m.refused_by, m.limit, m.observed, m.filled,
       m.filled_notional, m.broker_order, m.reason, m.created, m.created_time, m.updated, m.updated_time);
}
template <class Ar, FieldsOf<FillView> M>
void fields(Ar& ar, M& m) {
    ar(m.time, m.order, m.strategy, m.portfolio, m.instrument, m.side, m.quantity, m.price, m.notional, m.charges,
       m.realized_pnl, m.trade);
}

template <class T>
void append_big_endian(ByteBuffer& key, T number) {
    std::uint8_t* at = key.extend(sizeof number);
    for (unsigned shift = 8 * sizeof number; shift > 0; shift -= 8) {
        *at++ = static_cast<std::uint8_t>(number >> (shift - 8));
    }
}

/// The number in the key from `at` on; what is missing reads as zero.
inline std::uint64_t number_in(const std::string& key, std::size_t at, std::size_t bytes) {
    std::uint64_t number = 0;
    for (std::size_t i = at; i < at + bytes && i < key.size(); ++i) {
        number = number << 8U | static_cast<std::uint8_t>(key[i]);
    }
    return number;
}

// clang-format off
inline void append_key(ByteBuffer& key, const PortfolioView& m) { append_big_endian(key, m.id.value); }
inline void append_key(ByteBuffer& key, const OrderView& m) { append_big_endian(key, m.id.value); }
inline void append_key(ByteBuffer& key, const FillView& m) { append_big_endian(key, m.event); }
inline void take_key(const std::string& key, PortfolioView& m) { m.id.value = static_cast<std::uint32_t>(number_in(key, 0, 4)); }
inline void take_key(const std::string& key, PositionView& m) { m.id.value = static_cast<std::uint32_t>(number_in(key, 4, 4)); }
inline void take_key(const std::string& key, OrderView& m) { m.id.value = number_in(key, 0, 8); }
inline void take_key(const std::string& key, FillView& m) { m.event = number_in(key, 0, 8); }
// clang-format on
template <class Model>
void add_value(Rows& rows, const Model& model) {
    rows.begin_value();
    RowWriter ar(rows.bytes());
    ar(kReadModelVersion);
    fields(ar, model);
}
template <class Model>
void add_row(Rows& rows, ReadModel table, const Model& model) {
    rows.begin(static_cast<std::uint8_t>(table));
    append_key(rows.bytes(), model);
    add_value(rows, model);
}

template <class Model>
bool read_row(const std::string& key, const std::string& value, Model& model) {
    RowReader ar(bytes_of(value));
    std::uint8_t version = 0;
    ar(version);
    fields(ar, model);
    take_key(key, model);
    return version == kReadModelVersion && ar.whole();
}

inline void add_about_row(Rows& rows) {
    rows.begin(static_cast<std::uint8_t>(ReadModel::about));
    rows.begin_value();
    RowWriter ar(rows.bytes());
    ar(kReadModelVersion);
}

// ---- of a journal --------------------------------------------------------------------------------------------------------

/// The version of the journal's rows; 0: it has none.
Result<std::uint8_t> stored_version(const Journal& journal);
/// Refuses (kind data) a row, by its name.
tl::unexpected<Error> row_differs(ReadModel table, const std::string& key, const char* how);

}  // namespace alpha
