#pragma once
/// The arithmetic of the strategies. Averages that decide by comparison are exact integers where
/// the rule allows it (simple averages), else IEEE doubles in a fixed order of operations
/// (exponential ones): built with -ffp-contract=off, every machine gets the same bits.

#include "events/assert.hpp"
#include "events/event.hpp"
#include "events/fixed.hpp"
#include "kernel/actions.hpp"
#include "kernel/strategy.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace alpha {

/// Whether the quote has both sides; one without has no mid.
inline bool has_both_sides(const QuoteTick& quote) {
    return quote.bid.raw > 0 && quote.ask.raw > 0;
}

/// The middle of the touch, from the doubles nearest to both decimals.
inline double mid_of(const QuoteTick& quote) {
    return (to_double(quote.bid) + to_double(quote.ask)) * 0.5;
}

/// What a new value weighs in an exponential average over `periods`: 2 / (n + 1).
inline double ema_weight(std::int64_t periods) {
    return 2.0 / static_cast<double>(periods + 1);
}

/// The exponential average after one more value. One that begins at its first value is begun by
/// assigning it.
inline double ema_step(double average, double weight, double value) {
    return average + weight * (value - average);
}

/// What an action leaves of an average of prices. A demerger leaves it: what it takes is not known yet.
inline double average_after(double average, const CorporateAction& action) {
    switch (action.kind) {
    case ActionKind::split:
        return average * static_cast<double>(action.old_shares) / static_cast<double>(action.new_shares);
    case ActionKind::dividend: {
        const double rest = average - static_cast<double>(action.amount.raw) / 1e8;
        return rest > 0 ? rest : 0;
    }
    case ActionKind::merger:
    case ActionKind::demerger: break;
    }
    return average;
}

/// A simple moving average kept as its sum, so that no rounding ever decides a cross. Memory grows
/// with the values seen, up to the window. push is O(1).
class ExactSma {
public:
    /// Requires 1 <= periods <= 1,000,000, which also keeps `compare` far below 2^127 for any
    /// price.
    explicit ExactSma(std::int64_t periods) : periods_(periods) {
        ALPHA_ASSERT(periods >= 1 && periods <= 1'000'000, "a moving average needs 1 to 1,000,000 periods");
    }

    void push(Price value) {
        sum_ += value.raw;
        if (!full()) {
            values_.push_back(value);
            return;
        }
        sum_ -= values_[oldest_].raw;
        values_[oldest_] = value;
        oldest_ = oldest_ + 1 == values_.size() ? 0 : oldest_ + 1;
    }

    /// Every value becomes what an action leaves of a price: prices that follow are of another share.
    void adjust(const CorporateAction& action) {
        sum_ = 0;
        for (Price& value : values_) {
            value = mark_after(value, Price{}, action);
            sum_ += value.raw;
        }
    }

    bool full() const { return values_.size() == static_cast<std::size_t>(periods_); }
    /// How many values are in the window now.
    std::size_t size() const { return values_.size(); }
    /// The i-th value of the window, the oldest first. Requires i < size().
    Price at(std::size_t i) const {
        const std::size_t place = oldest_ + i;
        return values_[place < values_.size() ? place : place - values_.size()];
    }

    /// The sign of (average of a) - (average of b): -1, 0 or 1, exactly. Requires both windows to
    /// be full.
    friend int compare(const ExactSma& a, const ExactSma& b) {
        ALPHA_ASSERT(a.full() && b.full(), "an average of a window that is not full yet");
        const Int128 left = a.sum_ * b.periods_;
        const Int128 right = b.sum_ * a.periods_;
        return (left > right ? 1 : 0) - (left < right ? 1 : 0);
    }

private:
    std::int64_t periods_;
    std::vector<Price> values_;  // a ring once it is full
    std::size_t oldest_ = 0;
    Int128 sum_ = 0;
};

}  // namespace alpha
