#pragma once
/// How long things took, as counts in buckets at most 1/16 apart, from a nanosecond to ten minutes. Adding is a few
/// instructions and allocates nothing.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace alpha {

class LatencyHistogram {
public:
    void add(std::int64_t ns, std::uint64_t times = 1) {
        const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0));
        counts_[std::min(bucket_of(value), counts_.size() - 1)] += times;
        count_ += times;
        max_ns_ = std::max(max_ns_, value);
    }

    std::uint64_t count() const { return count_; }
    std::uint64_t max_ns() const { return max_ns_; }
    /// What `share` of all (0.99: ninety-nine in a hundred) stayed within: the upper end of a bucket, at most the maximum; 0
    /// where nothing was added.
    std::uint64_t quantile_ns(double share) const {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_) + 0.999'999);
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen != 0 && seen >= wanted) {
                return i + 1 == counts_.size() ? max_ns_ : std::min(last_of(i), max_ns_);
            }
        }
        return max_ns_;
    }

private:
    static constexpr unsigned kBits = 4;  // of a value, behind its first
    static constexpr std::uint64_t kSteps = 1U << kBits;

    /// The first values have a bucket each; then every doubling has kSteps.
    static constexpr std::size_t bucket_of(std::uint64_t value) {
        if (value < kSteps) {
            return static_cast<std::size_t>(value);
        }
        const auto shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
        return static_cast<std::size_t>((shift + 1) * kSteps + ((value >> shift) - kSteps));
    }
    static constexpr std::uint64_t last_of(std::size_t bucket) {
        if (bucket < kSteps) {
            return bucket;
        }
        const std::uint64_t shift = bucket / kSteps - 1;
        return ((kSteps + bucket % kSteps + 1) << shift) - 1;
    }

    std::array<std::uint64_t, 37 * kSteps> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ns_ = 0;
};

}  // namespace alpha
