#pragma once
/// The executions of one order by their ids, so that none is booked twice.

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace alpha {

/// Trade ids in the order in which they were booked. Most brokers give numbers that grow: then the ids are their own index. Only from
/// the first other one on is one kept beside them.
class Trades {
public:
    /// O(1) for the next of growing numbers, else O(log size).
    bool contains(const std::string& trade) const;
    /// O(1) for the next of growing numbers, else O(log size), but O(size log size) once.
    void book(const std::string& trade);

    std::size_t size() const { return booked_.size(); }
    const std::vector<std::string>& all() const { return booked_; }
    friend bool operator==(const Trades& a, const Trades& b) { return a.booked_ == b.booked_; }

private:
    struct Before {
        bool operator()(const std::string& a, const std::string& b) const;
    };
    std::vector<std::string> booked_;
    std::set<std::string, Before> index_;  // empty while they are numbers that grow
};

}  // namespace alpha
