#include "results/numbers.hpp"

#include "events/assert.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace alpha {

namespace {

struct Moments {
    double second = 0;  ///< mean of the squares of what differs from the mean
    double third = 0;
    double fourth = 0;
};

std::optional<Moments> moments_of(std::span<const double> values) {
    if (!deviation_of(values)) {
        return std::nullopt;
    }
    const double mean = *mean_of(values);
    Sum second;
    Sum third;
    Sum fourth;
    for (const double value : values) {
        const double square = (value - mean) * (value - mean);
        second.add(square);
        third.add(square * (value - mean));
        fourth.add(square * square);
    }
    const auto n = static_cast<double>(values.size());
    return Moments{second.value() / n, third.value() / n, fourth.value() / n};
}

template <std::size_t n>
double polynomial(const std::array<double, n>& coefficients, double x) {
    double value = 0;
    for (std::size_t i = n; i-- > 0;) {
        value = value * x + coefficients[i];
    }
    return value;
}

}  // namespace

void Sum::add(double value) {
    const double next = sum_ + value;
    lost_ += std::abs(sum_) >= std::abs(value) ? (sum_ - next) + value : (value - next) + sum_;
    sum_ = next;
}

double sum_of(std::span<const double> values) {
    Sum sum;
    for (const double value : values) {
        sum.add(value);
    }
    return sum.value();
}

Maybe mean_of(std::span<const double> values) {
    if (values.empty()) {
        return std::nullopt;
    }
    return sum_of(values) / static_cast<double>(values.size());
}

Maybe covariance_of(std::span<const double> a, std::span<const double> b) {
    ALPHA_ASSERT(a.size() == b.size(), "covariance needs pairs");
    if (a.size() < 2) {
        return std::nullopt;
    }
    const double mean_a = *mean_of(a);
    const double mean_b = *mean_of(b);
    Sum sum;
    for (std::size_t i = 0; i < a.size(); ++i) {
        sum.add((a[i] - mean_a) * (b[i] - mean_b));
    }
    return sum.value() / static_cast<double>(a.size() - 1);
}

Maybe deviation_of(std::span<const double> values) {
    const Maybe variance = covariance_of(values, values);
    if (!variance || std::sqrt(*variance) < kNoDeviation) {
        return std::nullopt;
    }
    return std::sqrt(*variance);
}

Maybe skew_of(std::span<const double> values) {
    const auto moments = moments_of(values);
    if (!moments || values.size() < 3) {
        return std::nullopt;
    }
    const auto n = static_cast<double>(values.size());
    return std::sqrt(n * (n - 1)) / (n - 2) * moments->third / (moments->second * std::sqrt(moments->second));
}

Maybe kurtosis_of(std::span<const double> values) {
    const auto moments = moments_of(values);
    if (!moments || values.size() < 4) {
        return std::nullopt;
    }
    const auto n = static_cast<double>(values.size());
    const double plain = moments->fourth / (moments->second * moments->second);
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * plain - 3 * (n - 1));
}

Maybe quantile_of(std::span<const double> sorted, double share) {
    if (sorted.empty()) {
        return std::nullopt;
    }
    const double place = share * static_cast<double>(sorted.size() - 1);
    const auto below = std::min(static_cast<std::size_t>(place), sorted.size() - 1);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (place - static_cast<double>(below));
}

Maybe ratio_of(Maybe a, Maybe b) {
    if (!a || !b || *b == 0) {
        return std::nullopt;
    }
    return *a / *b;
}

double normal_below(double x) {
    return std::erfc(-x / std::numbers::sqrt2) / 2;
}

// Wichura, Algorithm AS 241 (1988), PPND16: to about one part in 1e16.
double normal_quantile(double p) {
    ALPHA_ASSERT(p > 0 && p < 1, "a quantile needs a probability between 0 and 1");
    const double q = p - 0.5;
    if (std::abs(q) <= 0.425) {
        constexpr std::array kUp{3.3871328727963666080,   1.3314166789178437745e2, 1.9715909503065514427e3,
                                 1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                                 3.3430575583588128105e4, 2.5090809287301226727e3};
        constexpr std::array kDown{1.0,
                                   4.2313330701600911252e1,
                                   6.8718700749205790830e2,
                                   5.3941960214247511077e3,
                                   2.1213794301586595867e4,
                                   3.9307895800092710610e4,
                                   2.8729085735721942674e4,
                                   5.2264952788528545610e3};
        const double r = 0.180625 - q * q;
        return q * polynomial(kUp, r) / polynomial(kDown, r);
    }
    const double tail = std::sqrt(-std::log(q < 0 ? p : 1 - p));
    double value = 0;
    if (tail <= 5) {
        constexpr std::array kUp{1.42343711074968357734,    4.63033784615654529590,   5.76949722146069140550,
                                 3.64784832476320460504,    1.27045825245236838258,   2.41780725177450611770e-1,
                                 2.27238449892691845833e-2, 7.74545014278341407640e-4};
        constexpr std::array kDown{1.0,
                                   2.05319162663775882187,
                                   1.67638483018380384940,
                                   6.89767334985100004550e-1,
                                   1.48103976427480074590e-1,
                                   1.51986665636164571966e-2,
                                   5.47593808499534494600e-4,
                                   1.05075007164441684324e-9};
        value = polynomial(kUp, tail - 1.6) / polynomial(kDown, tail - 1.6);
    } else {
        constexpr std::array kUp{6.65790464350110377720,    5.46378491116411436990,    1.78482653991729133580,
                                 2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                 2.71155556874348757815e-5, 2.01033439929228813265e-7};
        constexpr std::array kDown{1.0,
                                   5.99832206555887937690e-1,
                                   1.36929880922735805310e-1,
                                   1.48753612908506148525e-2,
                                   7.86869131145613259100e-4,
                                   1.84631831751005468180e-5,
                                   1.42151175831644588870e-7,
                                   2.04426310338993978564e-15};
        value = polynomial(kUp, tail - 5) / polynomial(kDown, tail - 5);
    }
    return q < 0 ? -value : value;
}

}  // namespace alpha
