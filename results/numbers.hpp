#pragma once
/// What statistics are reckoned with. Every sum runs from the first value to the last and keeps what a plain sum of doubles loses, so
/// the same values give the same number in every build. Only what is taken from the C library (pow, log, exp, erfc) may differ in
/// its last bit between machines.

#include <optional>
#include <span>

namespace alpha {

/// Nothing: it cannot be said.
using Maybe = std::optional<double>;

/// A daily return's deviation below this is rounding: equity is kept to 1e-8.
inline constexpr double kNoDeviation = 1e-14;

/// A compensated sum (Neumaier 1974).
class Sum {
public:
    void add(double value);
    double value() const { return sum_ + lost_; }

private:
    double sum_ = 0;
    double lost_ = 0;
};

double sum_of(std::span<const double> values);
/// Nothing of no values.
Maybe mean_of(std::span<const double> values);
/// Sum of (a - mean of a)(b - mean of b) over n - 1. Nothing of fewer than two. Both are as long.
Maybe covariance_of(std::span<const double> a, std::span<const double> b);
/// Of a sample (n - 1). Nothing of fewer than two, or where it is rounding.
Maybe deviation_of(std::span<const double> values);
/// The sample's skewness without bias (G1), as pandas gives it. Nothing of fewer than three, or without a deviation.
Maybe skew_of(std::span<const double> values);
/// The sample's excess kurtosis without bias (G2), as pandas gives it; 0 for a normal distribution. Nothing of fewer than four.
Maybe kurtosis_of(std::span<const double> values);
/// Between the two nearest in proportion, as numpy and pandas do. `sorted` rises; 0 <= share <= 1. Nothing of no values.
Maybe quantile_of(std::span<const double> sorted, double share);
/// a / b. Nothing where one is nothing or b is zero.
Maybe ratio_of(Maybe a, Maybe b);

/// The probability that a standard normal variable is below x.
double normal_below(double x);
/// The x below which it is with the probability p. Requires 0 < p < 1.
double normal_quantile(double p);

}  // namespace alpha
