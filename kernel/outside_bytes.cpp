#include "kernel/outside_bytes.hpp"

#include "events/archive.hpp"
#include "events/order_tag.hpp"

#include <algorithm>
#include <utility>

namespace alpha {

// The values of these enums stand in the bytes.
constexpr bool is_valid(WireState v) {
    return v >= WireState::held && v <= WireState::ended;
}
constexpr bool is_valid(WireEnd v) {
    return v <= WireEnd::expired;
}
constexpr bool is_valid(ChangeState v) {
    return v <= ChangeState::unknown;
}

namespace {

/// A value that is read is told by the cursor: one serialize for both directions.
template <class Ar>
constexpr bool kReads = requires(Ar& ar) { ar.ok(); };

template <class Ar>
void fields(Ar& ar, OtherOrder& o);
template <class Ar>
void fields(Ar& ar, Wire& w);
template <class Ar>
void fields(Ar& ar, OutsideHolding& h);
template <class Ar>
void fields(Ar& ar, AccountRow& r);
template <class Ar>
void fields(Ar& ar, Suspected& s);
template <class Ar>
void fields(Ar& ar, OutsideBroker& b);

template <class Ar, class T>
void field(Ar& ar, T& value) {
    if constexpr (requires { value.first; }) {
        field(ar, const_cast<std::remove_const_t<decltype(value.first)>&>(value.first));
        field(ar, value.second);
    } else if constexpr (requires { std::tuple_size<T>::value; }) {
        std::apply([&](auto&... each) { (field(ar, each), ...); }, value);
    } else if constexpr (requires { fields(ar, value); }) {
        fields(ar, value);
    } else if constexpr (requires { T::name_v; }) {
        value.serialize(ar);
    } else {
        ar(value);
    }
}

/// A map or set as its entries, in their order, each once.
template <class Ar, class Map>
void entries(Ar& ar, Map& map) {
    if constexpr (kReads<Ar>) {
        for (std::size_t n = ar.count(1); n > 0 && ar.ok(); --n) {
            if constexpr (requires { typename Map::mapped_type; }) {
                std::pair<typename Map::key_type, typename Map::mapped_type> entry;
                field(ar, entry);
                ar.require(map.empty() || map.rbegin()->first < entry.first);
                map.insert_or_assign(map.end(), std::move(entry.first), std::move(entry.second));
            } else {
                typename Map::key_type key;
                field(ar, key);
                ar.require(map.empty() || *map.rbegin() < key);
                map.insert(map.end(), std::move(key));
            }
        }
    } else {
        ar.count(map.size());
        for (const auto& entry : map) {
            field(ar, const_cast<std::remove_cvref_t<decltype(entry)>&>(entry));
        }
    }
}

template <class Ar>
void fields(Ar& ar, OtherOrder& o) {
    ar(o.cancel, o.ended_at);
}

template <class Ar>
void fields(Ar& ar, Wire& w) {
    ar(w.instrument, w.side, w.product, w.day, w.state, w.end, w.attempts, w.clean_reads, w.decided, w.sent_at, w.sent,
       w.ended_at, w.live_since, w.confirmed, w.asked, w.announced, w.booked, w.broker_filled, w.row, w.price,
       w.trigger, w.asked_price, w.asked_trigger, w.modifications, w.must_go, w.is_ending, w.short_reads, w.cancel,
       w.cancels, w.cancel_attempt, w.cancel_ended_at, w.modify, w.modify_attempt, w.modify_reads, w.modify_ended_at,
       w.is_conflict, w.has_final_read, w.has_row, w.is_pending, w.is_missing);
    ar(w.broker_order, w.told_id, w.row_text);
    entries(ar, w.others);
}

}  // namespace

/// Sees into a book.
struct OutsideBookBytes {
    template <class Ar>
    static void all(Ar& ar, OutsideBook& b) {
        ar(b.log_);
        b.rules_.serialize(ar);
        entries(ar, b.wires_);
        entries(ar, b.ended_);
        entries(ar, b.of_broker_);
        entries(ar, b.parked_);
        entries(ar, b.outside_);
        entries(ar, b.booked_);
        strangers(ar, b.strangers_);
        entries(ar, b.frozen_);
        ar(b.is_up_, b.is_latched_, b.pruned_on_);
    }

    template <class Ar, class Map>
    static void strangers(Ar& ar, Map& map) {
        std::map<std::string, std::pair<BrokerOrderSeen, bool>> rows;
        for (const auto& [id, stranger] : map) {
            rows.emplace_hint(rows.end(), id, std::pair{stranger.row, stranger.is_old});
        }
        entries(ar, rows);
        if constexpr (kReads<Ar>) {
            for (auto& [id, row] : rows) {
                map.insert_or_assign(id, OutsideBook::Stranger{std::move(row.first), row.second});
            }
        }
    }

    /// Whether each id in it is one that `knows` has.
    static const char* fault(const OutsideBook& book, const State& state) {
        const auto is_listed = [&](InstrumentId id) { return id.value < state.instruments.size(); };
        const auto is_known = [&](InstrumentId id) { return id == kUnknownInstrument || is_listed(id); };
        const auto fits = [](Qty quantity) { return quantity.raw >= 0 && quantity <= limits::kMaxPosition; };
        for (const std::map<OrderId, Wire>* const wires : {&book.wires_, &book.ended_}) {
            for (const auto& [id, wire] : *wires) {
                const bool is_right = is_listed(wire.instrument) && state.find_order(id) != nullptr &&
                                      fits(wire.confirmed) && fits(wire.asked) && fits(wire.announced) &&
                                      fits(wire.booked) && fits(wire.broker_filled);
                if (!is_right || (wires == &book.ended_ && wire.state != WireState::ended)) {
                    return "a broker outside has an order that there is not";
                }
            }
        }
        const auto has_order = [&](const auto& each) { return book.find(each.second) != nullptr; };
        const auto trades = [&](const auto& each) {
            return is_known(each.second.instrument) && fits(each.second.quantity);
        };
        const auto rows = [&](const auto& each) { return is_known(each.second.row.instrument); };
        return book.log_ <= kMaxLogNumber && std::ranges::all_of(book.of_broker_, has_order) &&
                       std::ranges::all_of(book.parked_, trades) && std::ranges::all_of(book.outside_, trades) &&
                       std::ranges::all_of(book.strangers_, rows) && std::ranges::all_of(book.frozen_, is_known)
                   ? nullptr
                   : "a broker outside has told of what there is not";
    }
};

namespace {

template <class Ar>
void fields(Ar& ar, OutsideHolding& h) {
    ar(h.net, h.cost);
}
template <class Ar>
void fields(Ar& ar, AccountRow& r) {
    ar(r.quantity, r.average);
}

template <class Ar>
void fields(Ar& ar, Suspected& s) {
    ar(s.more, s.is_said, s.froze);
}

template <class Ar>
void fields(Ar& ar, OutsideBroker& b) {
    OutsideBookBytes::all(ar, b.book);
    ar(b.session, b.is_reconciled, b.differences, b.sends_day, b.sends_today);
    ar(b.account, b.recent_sends);
    entries(ar, b.outside);
    entries(ar, b.account_rows);
    entries(ar, b.suspected);
}

}  // namespace

void save_outside(OutCursor& ar, const std::map<BrokerId, OutsideBroker>& brokers) {
    entries(ar, brokers);
}

void load_outside(InCursor& ar, std::map<BrokerId, OutsideBroker>& brokers) {
    entries(ar, brokers);
}

const char* fault_of_outside(const State& state) {
    for (const auto& [id, broker] : state.outside) {
        if (id.value >= state.config.brokers.size()) {
            return "a broker is outside that is not configured";
        }
        if (const char* const fault = OutsideBookBytes::fault(broker.book, state); fault != nullptr) {
            return fault;
        }
        const auto is_listed = [&](InstrumentId instrument) { return instrument.value < state.instruments.size(); };
        const bool holds = std::ranges::all_of(
            broker.outside, [&](const auto& each) { return is_listed(each.first.first) && each.second.net.raw != 0; });
        const bool rows = std::ranges::all_of(broker.account_rows,
                                              [&](const auto& each) { return is_listed(std::get<1>(each.first)); });
        const bool suspects =
            std::ranges::all_of(broker.suspected, [&](const auto& each) { return is_listed(each.first); });
        if (!holds || !rows || !suspects || !std::ranges::is_sorted(broker.recent_sends)) {
            return "a broker outside holds what there is not";
        }
    }
    for (const auto& [id, order] : state.open_orders) {
        const OutsideBroker* const outside = order.held ? nullptr : state.outside_of(order.broker);
        if (outside != nullptr && outside->book.find(id) == nullptr) {
            return "an order at a broker outside is not known there";
        }
    }
    return nullptr;
}

}  // namespace alpha
