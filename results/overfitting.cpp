#include "results/overfitting.hpp"

#include "events/assert.hpp"
#include "results/numbers.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <set>

namespace alpha {

namespace {

constexpr std::size_t kBlocksMax = 16;

/// Of some days: enough to add and to know mean and deviation of the whole.
struct Moments {
    double sum = 0;
    double squares = 0;
};

/// Its order is that of the Sharpe ratio.
double sharpe_of(Moments moments, double days) {
    const double mean = moments.sum / days;
    const double variance = (moments.squares - moments.sum * mean) / (days - 1);
    // Far above rounding of the squares' sum, far below what is traded.
    return variance > 1e-18 ? mean / std::sqrt(variance) : 0;
}

bool is_usable(std::span<const std::vector<double>> returns) {
    return !returns.empty() && std::ranges::all_of(returns, [&](const std::vector<double>& row) {
        return row.size() == returns.front().size() &&
               std::ranges::all_of(row, [](double value) { return std::isfinite(value); });
    });
}

/// By trial and block.
std::vector<Moments> block_moments(std::span<const std::vector<double>> returns, std::size_t blocks, std::size_t days) {
    std::vector<Moments> all;
    all.reserve(returns.size() * blocks);
    for (const std::vector<double>& row : returns) {
        const std::span<const double> used = std::span(row).last(blocks * days);
        for (std::size_t block = 0; block < blocks; ++block) {
            Sum sum;
            Sum squares;
            for (const double value : used.subspan(block * days, days)) {
                sum.add(value);
                squares.add(value * value);
            }
            all.push_back(Moments{sum.value(), squares.value()});
        }
    }
    return all;
}

}  // namespace

double expected_max_sharpe(std::uint64_t trials, double variance) {
    ALPHA_ASSERT(trials > 0 && variance >= 0, "the highest Sharpe ratio needs trials and a variance of at least zero");
    if (trials == 1) {
        return 0;
    }
    const auto n = static_cast<double>(trials);
    // -Q(1/n) and not Q(1 - 1/n): it is the same, and exact for many trials.
    return std::sqrt(variance) * ((1 - std::numbers::egamma) * -normal_quantile(1 / n) +
                                  std::numbers::egamma * -normal_quantile(1 / (n * std::numbers::e)));
}

std::optional<Overfitting> overfitting_of(std::span<const std::vector<double>> trials, std::size_t blocks_max) {
    if (!is_usable(trials)) {
        return std::nullopt;
    }
    const std::set<std::vector<double>> distinct(trials.begin(), trials.end());
    const std::vector<std::vector<double>> returns(distinct.begin(), distinct.end());
    if (returns.size() < 2) {
        return std::nullopt;
    }
    const std::size_t blocks = std::min({blocks_max, kBlocksMax, returns.front().size() / 2}) / 2 * 2;
    if (blocks < 2) {
        return std::nullopt;
    }
    const std::size_t days = returns.front().size() / blocks;
    const std::vector<Moments> moments = block_moments(returns, blocks, days);
    const std::size_t half = blocks / 2;
    const auto half_days = static_cast<double>(days * half);

    Overfitting result{.blocks = blocks};
    std::uint64_t overfitted = 0;
    std::vector<double> inside(returns.size());
    std::vector<double> outside(returns.size());
    for (std::uint32_t chosen = 0; chosen < (1U << blocks); ++chosen) {
        if (static_cast<std::size_t>(std::popcount(chosen)) != half) {
            continue;
        }
        for (std::size_t trial = 0; trial < returns.size(); ++trial) {
            Moments in;
            Moments out;
            for (std::size_t block = 0; block < blocks; ++block) {
                const Moments& part = moments[trial * blocks + block];
                Moments& whole = ((chosen >> block) & 1U) != 0 ? in : out;
                whole.sum += part.sum;
                whole.squares += part.squares;
            }
            inside[trial] = sharpe_of(in, half_days);
            outside[trial] = sharpe_of(out, half_days);
        }
        const auto best = static_cast<std::size_t>(std::ranges::max_element(inside) - inside.begin());
        if (std::ranges::count(inside, inside[best]) > 1) {
            continue;
        }
        const double found = outside[best];
        const auto below = std::ranges::count_if(outside, [&](double value) { return value < found; });
        const auto same = std::ranges::count(outside, found);
        // Twice the rank, below + (same + 1) / 2, against n + 1: whole numbers, so that the median is met exactly.
        overfitted += 2 * below + same + 1 <= static_cast<std::ptrdiff_t>(returns.size()) + 1 ? 1U : 0U;
        ++result.splits;
    }
    if (result.splits == 0) {
        return std::nullopt;
    }
    result.probability = static_cast<double>(overfitted) / static_cast<double>(result.splits);
    return result;
}

}  // namespace alpha
