#pragma once
/// What the built-in strategies remember: a flat table by instrument, and the strategy's own position from its own fills. In snapshots it
/// is written and read by the cursors of events/cursor.hpp.

#include "events/assert.hpp"
#include "events/cursor.hpp"
#include "events/event.hpp"
#include "events/limits.hpp"
#include "events/result.hpp"
#include "kernel/actions.hpp"
#include "kernel/strategy.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alpha {

/// A double by its bits.
inline void write_real(OutCursor& out, double value) {
    out(std::bit_cast<std::uint64_t>(value));
}
/// Fails where it is not finite.
inline double read_real(InCursor& in) {
    std::uint64_t bits = 0;
    in(bits);
    const auto value = std::bit_cast<double>(bits);
    in.require(std::isfinite(value));
    return value;
}
/// What `load` ends with: refuses (kind data) unless all that was read is plausible and nothing is left over.
inline Result<void> check_read(const InCursor& in, std::string_view strategy) {
    if (in.ok() && in.left() == 0) {
        return {};
    }
    return fail(ErrorKind::data, "The saved state of a " + std::string(strategy) +
                                     " strategy is damaged or belongs to other parameters.");
}

/// One T for each of a strategy's instruments, found by indexing: no search on the way of a quote.
template <class T>
class PerInstrument {
public:
    PerInstrument(std::vector<InstrumentId> instruments, const T& initial) : ids_(std::move(instruments)) {
        std::sort(ids_.begin(), ids_.end());
        ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
        values_.assign(ids_.empty() ? 0 : std::size_t{ids_.back().value} + 1, initial);
    }

    T& operator[](InstrumentId id) {
        ALPHA_ASSERT(id.value < values_.size(), "a strategy met an instrument that is not its own");
        return values_[id.value];
    }
    const T& operator[](InstrumentId id) const {
        ALPHA_ASSERT(id.value < values_.size(), "a strategy met an instrument that is not its own");
        return values_[id.value];
    }
    /// The strategy's instruments, ascending.
    const std::vector<InstrumentId>& ids() const { return ids_; }

private:
    std::vector<InstrumentId> ids_;
    std::vector<T> values_;  // by id; places of instruments that are not the strategy's stay unused
};

/// What a saved position can be. Whatever was asked for can be computed with it without overflow.
inline bool is_position(Qty position) {
    return position.raw >= -limits::kMaxWorking.raw && position <= limits::kMaxWorking;
}

/// What an action makes of a strategy's own position: of a merger nothing, for what is given is another instrument's.
inline Qty position_after(Qty position, const CorporateAction& action, const View& view) {
    switch (action.kind) {
    case ActionKind::split: return whole_shares_after(position, view.instrument(action.instrument).lot, action);
    case ActionKind::merger: return Qty{};
    case ActionKind::dividend:
    case ActionKind::demerger: break;
    }
    return position;
}

/// A strategy's own positions, from its own fills (a portfolio's are shared with other strategies),
/// for strategies that have at most one order per instrument under way and never modify it.
class Holdings {
public:
    explicit Holdings(const std::vector<InstrumentId>& instruments) : held_(instruments, {}) {}

    Qty position(InstrumentId id) const { return held_[id].position; }
    /// Whether an order is still under way: neither filled in full nor ended otherwise.
    bool waiting(InstrumentId id) const { return held_[id].order != OrderId{}; }

    /// Notes the order just placed. Requires that none is under way.
    void ordered(InstrumentId id, OrderId order, Qty quantity) {
        ALPHA_ASSERT(!waiting(id) && order != OrderId{}, "one order at a time for each instrument");
        // A number that was promised to a callback which failed is given again: the order it stood for never came to be.
        if (const auto found = under_way_.find(order); found != under_way_.end()) {
            let_go(held_[found->second]);
        }
        under_way_.emplace(order, id);
        held_[id].order = order;
        held_[id].leaves = quantity;
    }
    /// Lets go of an order that ended, in whatever way. O(log orders under way).
    void on_order(const OrderUpdate& update) {
        if (!is_terminal(update.status)) {
            return;
        }
        if (const auto found = under_way_.find(update.order); found != under_way_.end()) {
            let_go(held_[found->second]);
        }
    }
    /// Books every fill, late ones of orders that had ended included.
    void on_fill(const OrderFilled& fill) {
        Holding& held = held_[fill.instrument];
        held.position += signed_qty(fill.side, fill.quantity);
        if (held.order != fill.order) {
            return;
        }
        held.leaves -= fill.quantity;
        if (held.leaves.raw <= 0) {
            let_go(held);
        }
    }

    /// What it holds becomes what the action makes of it; of an order under way, what the state says.
    void on_action(const CorporateAction& action, const View& view) {
        Holding& held = held_[action.instrument];
        held.position = position_after(held.position, action, view);
        const Order* const order = view.order(held.order);
        if (order != nullptr && !is_terminal(order->status)) {
            held.leaves = order->leaves();
        }
    }
    void save(OutCursor& out) const {
        for (const InstrumentId id : held_.ids()) {
            out(held_[id].position, held_[id].order, held_[id].leaves);
        }
    }
    void load(InCursor& in) {
        under_way_.clear();
        for (const InstrumentId id : held_.ids()) {
            Holding& held = held_[id];
            in(held.position, held.order, held.leaves);
            in.require(is_position(held.position));
            in.require(held.order == OrderId{} ? held.leaves.raw == 0
                                               : held.leaves.raw > 0 && held.leaves <= limits::kMaxQty);
            if (held.order != OrderId{}) {
                in.require(under_way_.emplace(held.order, id).second);  // no order is of two instruments
            }
        }
    }

private:
    struct Holding {
        Qty position;
        OrderId order;  // zero: none under way
        Qty leaves;     // what of it has not filled yet
    };

    void let_go(Holding& held) {
        under_way_.erase(held.order);
        held.order = {};
        held.leaves = {};
    }

    PerInstrument<Holding> held_;
    std::map<OrderId, InstrumentId> under_way_;  // not saved
};

}  // namespace alpha
