#pragma once
/// What the built-in strategies remember, and how it becomes bytes: a flat table by instrument, the
/// strategy's own position from its own fills, and little-endian reading and writing for snapshots.

#include "events/assert.hpp"
#include "events/bytes.hpp"
#include "events/event.hpp"
#include "events/limits.hpp"
#include "events/result.hpp"
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

/// Appends state in canonical form: fixed widths, little-endian, doubles by their bits.
class StateWriter {
public:
    explicit StateWriter(ByteBuffer& out) : out_(&out) {}

    void flag(bool value) { put(value ? 1U : 0U, 1); }
    void u32(std::uint32_t value) { put(value, 4); }
    void u64(std::uint64_t value) { put(value, 8); }
    void i64(std::int64_t value) { put(static_cast<std::uint64_t>(value), 8); }
    void real(double value) { put(std::bit_cast<std::uint64_t>(value), 8); }

private:
    void put(std::uint64_t value, unsigned bytes) {
        std::uint8_t* at = out_->extend(bytes);
        for (unsigned i = 0; i < bytes; ++i) {
            at[i] = static_cast<std::uint8_t>(value >> (8 * i));
        }
    }

    ByteBuffer* out_;
};

/// Reads back what StateWriter wrote. The first thing wrong is remembered and everything read after
/// it is zero, so a reader checks once, with `finish`.
class StateReader {
public:
    explicit StateReader(Bytes bytes) : rest_(bytes) {}

    bool flag() {
        const std::uint64_t value = take(1);
        require(value <= 1);
        return value == 1;
    }
    std::uint32_t u32() { return static_cast<std::uint32_t>(take(4)); }
    std::uint64_t u64() { return take(8); }
    std::int64_t i64() { return static_cast<std::int64_t>(take(8)); }
    double real() {
        const auto value = std::bit_cast<double>(take(8));
        require(std::isfinite(value));
        return value;
    }
    /// Marks the bytes as ones that `save` cannot have written.
    void require(bool plausible) { ok_ = ok_ && plausible; }
    bool ok() const { return ok_; }

    /// Refuses (kind data) unless all went well and nothing is left over.
    Result<void> finish(std::string_view strategy) const {
        if (ok_ && rest_.empty()) {
            return {};
        }
        return fail(ErrorKind::data, "The saved state of a " + std::string(strategy) +
                                         " strategy is damaged or belongs to other parameters.");
    }

private:
    std::uint64_t take(std::size_t bytes) {
        if (!ok_ || rest_.size() < bytes) {
            ok_ = false;
            return 0;
        }
        std::uint64_t value = 0;
        for (std::size_t i = bytes; i > 0; --i) {
            value = value << 8U | rest_[i - 1];
        }
        rest_ = rest_.subspan(bytes);
        return value;
    }

    Bytes rest_;
    bool ok_ = true;
};

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

    void save(StateWriter& out) const {
        for (const InstrumentId id : held_.ids()) {
            out.i64(held_[id].position.raw);
            out.u64(held_[id].order.value);
            out.i64(held_[id].leaves.raw);
        }
    }
    void load(StateReader& in) {
        under_way_.clear();
        for (const InstrumentId id : held_.ids()) {
            Holding& held = held_[id];
            held.position = Qty{in.i64()};
            held.order = OrderId{in.u64()};
            held.leaves = Qty{in.i64()};
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
