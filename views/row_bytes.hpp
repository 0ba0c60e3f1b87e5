#pragma once
/// Rows as bytes, for the sources of this folder alone.
///
/// A version byte, then the fields in order, as events/cursor.hpp lays them out. Ids that are in the key are not repeated; keys are
/// big-endian.

#include "events/archive.hpp"
#include "events/cursor.hpp"
#include "store/journal.hpp"
#include "views/rows.hpp"

#include <concepts>
#include <string>
#include <type_traits>

namespace alpha {

inline Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Each row's fields once, for both directions.
template <class M, class Row>
concept FieldsOf = std::same_as<std::remove_const_t<M>, Row>;

template <class Ar>
void serialize(Ar& ar, HoldingView& m) {
    ar(m.product, m.net, m.cost);
}
template <class Ar, FieldsOf<PositionView> M>
void fields(Ar& ar, M& m) {
    ar(m.instrument, m.net, m.cost, m.realized_pnl, m.charges, m.traded, m.fills, m.holdings, m.multiplier);
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
    ar(m.terms.reduce_only, m.terms.parent, m.terms.group, m.terms.legs, m.terms.tag, m.terms.product);
    ar(m.status, m.triggered, m.cancel_pending, m.modify_pending, m.refused_by, m.limit, m.observed, m.filled,
       m.filled_notional, m.multiplier, m.broker_order, m.reason, m.created, m.created_time, m.updated, m.updated_time);
}
template <class Ar, FieldsOf<FillView> M>
void fields(Ar& ar, M& m) {
    ar(m.time, m.order, m.strategy, m.portfolio, m.instrument, m.side, m.quantity, m.price, m.notional, m.charges,
       m.realized_pnl, m.trade, m.product);
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
    OutCursor ar(rows.bytes());
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
    InCursor ar(bytes_of(value));
    std::uint8_t version = 0;
    ar(version);
    fields(ar, model);
    take_key(key, model);
    return version == kReadModelVersion && ar.ok() && ar.left() == 0;
}

inline void add_about_row(Rows& rows) {
    rows.begin(static_cast<std::uint8_t>(ReadModel::about));
    rows.begin_value();
    OutCursor ar(rows.bytes());
    ar(kReadModelVersion);
}

// ---- of a journal --------------------------------------------------------------------------------------------------------

/// The version of the journal's rows; 0: it has none.
Result<std::uint8_t> stored_version(const Journal& journal);
/// Refuses (kind data) a row, by its name.
tl::unexpected<Error> row_differs(ReadModel table, const std::string& key, const char* how);

}  // namespace alpha
