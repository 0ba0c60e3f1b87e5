#pragma once
/// Inside adapters/data: how long bars last that do not say it, told from how far apart they lie.

#include "events/time.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <map>
#include <string>

namespace alpha {

/// Takes the distances of bars that follow one another. The shortest is how long they last, unless the others bear witness against it: then
/// the bar before it would close before its prices were traded.
class IntervalGuess {
public:
    void add(Duration gap) {
        const Duration whole = in_days(gap);
        ++gaps_;
        shortest_ = gaps_ == 1 ? whole : std::min(shortest_, whole);
        if (counts_.size() < kMostLengths || counts_.contains(whole.ns)) {
            ++counts_[whole.ns];
        }
    }
    bool is_empty() const { return gaps_ == 0; }
    /// Requires a distance.
    Duration shortest() const { return shortest_; }

    /// Why it cannot be told; empty where it can.
    std::string doubt() const {
        constexpr std::uint64_t kEnough = 4;
        constexpr Duration kWeek{7 * kDayNs};
        if (gaps_ != 0 && shortest_ > kWeek) {
            return fmt::format("the bars lie {} apart or more, so they seem to be of months, which do not last equally "
                               "long: each would close before its prices were traded. Use daily bars",
                               to_string(shortest_));
        }
        if (gaps_ < kEnough) {
            return {};
        }
        const auto most = std::ranges::max_element(counts_, {}, [](const auto& each) { return each.second; });
        const auto least = counts_.find(shortest_.ns);
        const std::uint64_t of_shortest = least == counts_.end() ? 1 : least->second;
        // Bars are left out where nothing was traded: a multiple alone says little.
        const bool is_multiple = most->first % shortest_.ns == 0;
        const bool is_rare = 5 * of_shortest < gaps_ && 2 * most->second >= gaps_;
        if (most->second < 2 * of_shortest || (is_multiple && !is_rare)) {
            return {};
        }
        return fmt::format("most bars lie {} apart, but some only {}, and nothing says how long one lasts; leave out "
                           "those that last less, and write it, "
                           "as in interval: {} (--interval {} on the command line)",
                           to_string(Duration{most->first}), to_string(shortest_), to_string(Duration{most->first}),
                           to_string(Duration{most->first}));
    }

private:
    /// Where the clocks change, a day lasts 23 or 25 hours.
    static Duration in_days(Duration gap) {
        constexpr Duration kShortDay{20 * 3'600LL * kSecondNs};
        constexpr Duration kLongDay{28 * 3'600LL * kSecondNs};
        if (gap < kShortDay || (gap > kLongDay && gap.ns < 2 * kDayNs - 2 * 3'600LL * kSecondNs)) {
            return gap;
        }
        return Duration{(gap.ns + kDayNs / 2) / kDayNs * kDayNs};
    }

    static constexpr std::size_t kMostLengths = 1'000;
    std::uint64_t gaps_ = 0;
    Duration shortest_;
    std::map<std::int64_t, std::uint64_t> counts_;
};

}  // namespace alpha
