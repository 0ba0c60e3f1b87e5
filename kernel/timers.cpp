#include "kernel/timers.hpp"

#include "kernel/visits.hpp"

namespace alpha {

bool Timers::Sooner::operator()(const PendingTimer& a, const PendingTimer& b) const {
    ++visits;
    return a < b;
}

void Timers::set(StrategyId strategy, TimerId timer, Time due) {
    erase(strategy, timer);
    by_due_.insert({due, strategy, timer});
    by_name_[strategy].emplace(timer, due);
}

bool Timers::erase(StrategyId strategy, TimerId timer) {
    const auto its = by_name_.find(strategy);
    if (its == by_name_.end()) {
        return false;
    }
    const auto found = its->second.find(timer);
    if (found == its->second.end()) {
        return false;
    }
    by_due_.erase({found->second, strategy, timer});
    its->second.erase(found);
    return true;
}

void Timers::erase_all_of(StrategyId strategy) {
    const auto its = by_name_.find(strategy);
    if (its == by_name_.end()) {
        return;
    }
    for (const auto& [timer, due] : its->second) {
        by_due_.erase({due, strategy, timer});
    }
    by_name_.erase(its);
}

bool Timers::contains(StrategyId strategy, TimerId timer) const {
    const auto its = by_name_.find(strategy);
    return its != by_name_.end() && its->second.contains(timer);
}

std::size_t Timers::count_of(StrategyId strategy) const {
    const auto its = by_name_.find(strategy);
    return its == by_name_.end() ? 0 : its->second.size();
}

}  // namespace alpha
