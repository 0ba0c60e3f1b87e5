#pragma once
/// The timers that strategies have set, by when they are due and by name.

#include "events/ids.hpp"
#include "events/time.hpp"

#include <compare>
#include <cstddef>
#include <map>
#include <set>

namespace alpha {

struct PendingTimer {
    Time due;
    StrategyId strategy;
    TimerId timer;
    friend auto operator<=>(const PendingTimer&, const PendingTimer&) = default;
};

/// Each is pending once. All but the walks are O(log timers).
class Timers {
public:
    /// In place of the strategy's timer of that name, where one is pending.
    void set(StrategyId strategy, TimerId timer, Time due);
    /// False where none of that name is pending.
    bool erase(StrategyId strategy, TimerId timer);
    /// O(the strategy's).
    void erase_all_of(StrategyId strategy);

    bool contains(StrategyId strategy, TimerId timer) const;
    std::size_t count_of(StrategyId strategy) const;
    bool empty() const { return by_due_.empty(); }
    std::size_t size() const { return by_due_.size(); }
    /// The next that is due; at the same time by strategy, then by name. Requires one.
    const PendingTimer& front() const { return *by_due_.begin(); }
    auto begin() const { return by_due_.begin(); }
    auto end() const { return by_due_.end(); }
    friend bool operator==(const Timers& a, const Timers& b) { return a.by_due_ == b.by_due_; }

private:
    struct Sooner {
        bool operator()(const PendingTimer& a, const PendingTimer& b) const;
    };
    std::set<PendingTimer, Sooner> by_due_;
    std::map<StrategyId, std::map<TimerId, Time>> by_name_;
};

}  // namespace alpha
