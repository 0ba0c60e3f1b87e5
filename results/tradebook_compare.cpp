#include "results/tradebook_compare.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

namespace alpha {

namespace {

/// A row as the passes see it.
struct Seen {
    const TradebookRow* row = nullptr;
    std::string instrument;
    std::size_t index = 0;  ///< as it was given
    bool is_found = false;
};

std::vector<Seen> seen_of(std::span<const TradebookRow> rows) {
    std::vector<Seen> seen;
    seen.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        seen.push_back({&rows[i], instrument_of(rows[i]), i, false});
    }
    std::ranges::stable_sort(seen, [](const Seen& a, const Seen& b) { return is_before(*a.row, *b.row); });
    return seen;
}

class Comparing {
public:
    Comparing(std::span<const TradebookRow> ours, std::span<const TradebookRow> theirs)
        : ours_(seen_of(ours)), theirs_(seen_of(theirs)) {}

    TradebookComparison run() {
        add_positions();
        const auto same = [&](Seen& a, Seen& b) { take(a, b); };
        pair_by(
            [](const Seen& s) {
                const TradebookRow& r = *s.row;
                return std::tuple(s.instrument, r.trade, r.order, r.date, r.side, r.quantity, r.price);
            },
            [&](Seen& a, Seen& b) {
                result_.apart_s_max = std::max(result_.apart_s_max, std::abs(a.row->second() - b.row->second()));
                take(a, b);
            });
        pair_by(
            [](const Seen& s) {
                const TradebookRow& r = *s.row;
                return std::tuple(s.instrument, r.order, r.side, r.second(), r.quantity, r.price);
            },
            same);
        take_cut_orders();
        pair_by(
            [](const Seen& s) {
                const TradebookRow& r = *s.row;
                return std::tuple(s.instrument, r.side, r.second(), r.quantity, r.price);
            },
            same);
        pair_what_differs();
        return std::move(result_);
    }

private:
    void take(Seen& a, Seen& b) {
        a.is_found = b.is_found = true;
        ++result_.same;
    }

    /// Calls `found` for each two rows of the same key, in order of time.
    template <class Key, class Found>
    void pair_by(Key key_of, Found found) {
        using K = decltype(key_of(std::declval<const Seen&>()));
        std::map<K, std::pair<std::vector<Seen*>, std::size_t>> waiting;
        for (Seen& each : theirs_) {
            if (!each.is_found) {
                waiting[key_of(each)].first.push_back(&each);
            }
        }
        if (waiting.empty()) {
            return;
        }
        for (Seen& each : ours_) {
            if (each.is_found) {
                continue;
            }
            const auto at = waiting.find(key_of(each));
            if (at != waiting.end() && at->second.second < at->second.first.size()) {
                found(each, *at->second.first[at->second.second++]);
            }
        }
    }

    void take_cut_orders() {
        struct Order {
            std::vector<Seen*> ours;
            std::vector<Seen*> theirs;
            Int128 balance = 0;
        };
        std::map<std::tuple<std::string, std::string, Side, Date, Price>, Order> orders;
        const auto add = [&](std::vector<Seen>& rows, std::vector<Seen*> Order::* list, int sign) {
            for (Seen& each : rows) {
                if (!each.is_found && !each.row->order.empty()) {
                    Order& order =
                        orders[{each.instrument, each.row->order, each.row->side, each.row->date, each.row->price}];
                    (order.*list).push_back(&each);
                    order.balance += Int128{each.row->quantity.raw} * sign;
                }
            }
        };
        add(ours_, &Order::ours, 1);
        add(theirs_, &Order::theirs, -1);
        for (auto& [key, order] : orders) {
            if (order.balance != 0 || order.ours.empty()) {
                continue;
            }
            ++result_.cut_otherwise;
            result_.same += order.ours.size();
            for (Seen* const each : order.ours) {
                each->is_found = true;
            }
            for (Seen* const each : order.theirs) {
                each->is_found = true;
            }
        }
    }

    void pair_what_differs() {
        const auto differ = [&](Seen& a, Seen& b) {
            a.is_found = b.is_found = true;
            result_.differences.push_back({a.index, b.index, columns_that_differ(a, b)});
            times_.push_back(std::min(a.row->second(), b.row->second()));
        };
        pair_by([](const Seen& s) { return std::tuple(s.row->trade, s.row->order, s.row->date); }, differ);
        // Of time, quantity and price two are the same, then one.
        for (const unsigned kept : {0b110U, 0b101U, 0b011U, 0b010U, 0b001U, 0b100U}) {
            pair_by(
                [kept](const Seen& s) {
                    const TradebookRow& r = *s.row;
                    return std::tuple(s.instrument, r.side, r.date, (kept & 0b100U) != 0 ? r.second() : 0,
                                      (kept & 0b010U) != 0 ? r.quantity : Qty{},
                                      (kept & 0b001U) != 0 ? r.price : Price{});
                },
                differ);
        }
        for (const Seen& each : ours_) {
            if (!each.is_found) {
                result_.differences.push_back({each.index, std::nullopt, {}});
                times_.push_back(each.row->second());
            }
        }
        for (const Seen& each : theirs_) {
            if (!each.is_found) {
                result_.differences.push_back({std::nullopt, each.index, {}});
                times_.push_back(each.row->second());
            }
        }
        std::vector<std::size_t> order(times_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::ranges::stable_sort(order, {}, [&](std::size_t i) { return times_[i]; });
        std::vector<TradeDifference> sorted;
        sorted.reserve(order.size());
        for (const std::size_t i : order) {
            sorted.push_back(std::move(result_.differences[i]));
        }
        result_.differences = std::move(sorted);
    }

    static std::vector<std::string> columns_that_differ(const Seen& a, const Seen& b) {
        const TradebookRow& x = *a.row;
        const TradebookRow& y = *b.row;
        std::vector<std::string> columns;
        const auto add = [&](bool differs, const char* column) {
            if (differs) {
                columns.emplace_back(column);
            }
        };
        add(a.instrument != b.instrument, "symbol");
        add(x.date != y.date, "trade_date");
        add(x.side != y.side, "trade_type");
        add(x.quantity != y.quantity, "quantity");
        add(x.price != y.price, "price");
        add(x.second() != y.second(), "order_execution_time");
        return columns;
    }

    void add_positions() {
        std::map<std::string, std::pair<Int128, Int128>> sums;
        const auto add = [&](const std::vector<Seen>& rows, Int128 std::pair<Int128, Int128>::* side) {
            for (const Seen& each : rows) {
                const Int128 quantity = each.row->quantity.raw;
                sums[each.instrument].*side += each.row->side == Side::buy ? quantity : -quantity;
            }
        };
        add(ours_, &std::pair<Int128, Int128>::first);
        add(theirs_, &std::pair<Int128, Int128>::second);
        const auto bounded = [](Int128 raw) {
            constexpr Int128 kMost = std::numeric_limits<std::int64_t>::max();
            return Qty{static_cast<std::int64_t>(std::clamp(raw, -kMost, kMost))};
        };
        for (const auto& [instrument, sum] : sums) {
            result_.positions.push_back({instrument, bounded(sum.first), bounded(sum.second)});
        }
    }

    std::vector<Seen> ours_;
    std::vector<Seen> theirs_;
    std::vector<std::int64_t> times_;  ///< of result_.differences, until they are sorted
    TradebookComparison result_;
};

}  // namespace

TradebookComparison compare_tradebooks(std::span<const TradebookRow> ours, std::span<const TradebookRow> theirs) {
    return Comparing(ours, theirs).run();
}

}  // namespace alpha
