#include "events/fixed.hpp"

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <utility>

namespace alpha {

void assert_failed(const char* file, int line, const char* condition, const char* message) noexcept {
    std::fprintf(stderr, "alpha: internal error at %s:%d: %s (%s)\n", file, line, message, condition);
    std::abort();
}

namespace {

constexpr Int128 kMaxInt128 = static_cast<Int128>((~static_cast<UInt128>(0)) >> 1);
constexpr Int128 kMaxInt64 = std::numeric_limits<std::int64_t>::max();

/// Parses into a raw value at 1e-8 whose magnitude is at most `limit`.
Result<Int128> parse_raw(std::string_view text, Int128 limit) {
    const auto refuse = [&](const char* why) { return fail_to_parse(text, why); };
    std::size_t i = 0;
    const bool negative = i < text.size() && text[i] == '-';
    if (negative) {
        ++i;
    }
    Int128 value = 0;
    int digits = 0;
    int fraction_digits = -1;  // -1 until the point is seen
    for (; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '.') {
            if (fraction_digits >= 0 || digits == 0) {
                return refuse("is not a decimal number");
            }
            fraction_digits = 0;
            continue;
        }
        if (c < '0' || c > '9') {
            return refuse("is not a decimal number");
        }
        if (fraction_digits == kScaleDigits) {
            if (c == '0') {
                continue;  // 1.000000000 is exact, however many zeros it is written with
            }
            return refuse("has more than eight decimal places");
        }
        if (fraction_digits >= 0) {
            ++fraction_digits;
        }
        ++digits;
        if (value > (limit - (c - '0')) / 10) {
            return refuse("is too large");
        }
        value = value * 10 + (c - '0');
    }
    if (digits == 0 || fraction_digits == 0) {
        return refuse("is not a decimal number");
    }
    for (int d = fraction_digits < 0 ? 0 : fraction_digits; d < kScaleDigits; ++d) {
        if (value > limit / 10) {
            return refuse("is too large");
        }
        value *= 10;
    }
    return negative ? -value : value;
}

}  // namespace

Int128 divide_half_even(Int128 value, Int128 divisor) {
    ALPHA_ASSERT(divisor > 0, "division by a non-positive number");
    Int128 quotient = value / divisor;
    const Int128 remainder = value % divisor;
    const Int128 magnitude = remainder < 0 ? -remainder : remainder;
    const Int128 other_half = divisor - magnitude;
    if (magnitude > other_half || (magnitude == other_half && (quotient & 1) != 0)) {
        quotient += value < 0 ? -1 : 1;
    }
    return quotient;
}

Money pro_rata(Money amount, Qty part, Qty whole) {
    ALPHA_ASSERT(part.raw >= 0 && part <= whole && whole.raw > 0, "pro rata needs 0 <= part <= whole");
    const bool negative = amount.raw < 0;
    const UInt128 magnitude =
        negative ? UInt128{0} - static_cast<UInt128>(amount.raw) : static_cast<UInt128>(amount.raw);
    const auto multiplier = static_cast<std::uint64_t>(part.raw);
    const auto divisor = static_cast<std::uint64_t>(whole.raw);
    // magnitude x multiplier has up to 190 bits: three 64-bit limbs, divided from the top like long division on paper.
    constexpr UInt128 kLow = ~std::uint64_t{0};
    const UInt128 low = (magnitude & kLow) * multiplier;
    const UInt128 high = (magnitude >> 64U) * multiplier + (low >> 64U);
    UInt128 remainder = high % divisor;
    const UInt128 top = high / divisor;
    const UInt128 rest = (remainder << 64U) | (low & kLow);
    UInt128 quotient = (top << 64U) + rest / divisor;
    remainder = rest % divisor;
    const UInt128 other_half = divisor - remainder;
    if (remainder > other_half || (remainder == other_half && (quotient & 1U) != 0)) {
        ++quotient;
    }
    // The sign is put on before the cast: the least amount has no positive counterpart.
    return Money{static_cast<Int128>(negative ? UInt128{0} - quotient : quotient)};
}

Price average_price(Money cost, Qty quantity) {
    if (quantity.raw == 0) {
        return Price{0};
    }
    const Int128 magnitude = quantity.raw < 0 ? -static_cast<Int128>(quantity.raw) : quantity.raw;
    const Int128 signed_cost = quantity.raw < 0 ? (-cost).raw : cost.raw;
    Int128 scaled = 0;
    ALPHA_ASSERT(!__builtin_mul_overflow(signed_cost, static_cast<Int128>(kScale), &scaled), "average price overflow");
    const Int128 average = divide_half_even(scaled, magnitude);
    ALPHA_ASSERT(average >= -kMaxInt64 && average <= kMaxInt64, "average price overflow");
    return Price{static_cast<std::int64_t>(average)};
}

Result<Price> parse_price(std::string_view text) {
    return parse_raw(text, kMaxInt64).map([](Int128 raw) { return Price{static_cast<std::int64_t>(raw)}; });
}

Result<Qty> parse_qty(std::string_view text) {
    return parse_raw(text, kMaxInt64).map([](Int128 raw) { return Qty{static_cast<std::int64_t>(raw)}; });
}

Result<Volume> parse_volume(std::string_view text) {
    return parse_raw(text, static_cast<Int128>(kMaxInt64) * kScale).map([](Int128 raw) {
        if (raw >= -kMaxInt64 && raw <= kMaxInt64) {
            return Volume(Qty{static_cast<std::int64_t>(raw)});
        }
        Volume whole;
        whole.raw = static_cast<std::int64_t>(-raw / kScale);
        return whole;
    });
}

Result<Money> parse_money(std::string_view text) {
    return parse_raw(text, kMaxInt128).map([](Int128 raw) { return Money{raw}; });
}

Result<Decimal> parse_decimal(std::string_view text) {
    return parse_raw(text, kMaxInt128).map([](Int128 raw) { return Decimal{raw}; });
}

void append_decimal(std::string& out, Int128 raw) {
    UInt128 magnitude = raw < 0 ? UInt128{0} - static_cast<UInt128>(raw) : static_cast<UInt128>(raw);
    char digits[48];
    char* const end = digits + sizeof digits;
    char* p = end;
    bool significant = false;
    for (int i = 0; i < kScaleDigits; ++i) {
        const auto digit = static_cast<unsigned>(magnitude % 10);
        magnitude /= 10;
        significant = significant || digit != 0;
        if (significant) {
            *--p = static_cast<char>('0' + digit);
        }
    }
    if (significant) {
        *--p = '.';
    }
    do {
        *--p = static_cast<char>('0' + static_cast<unsigned>(magnitude % 10));
        magnitude /= 10;
    } while (magnitude != 0);
    if (raw < 0) {
        *--p = '-';
    }
    out.append(p, static_cast<std::size_t>(end - p));
}

std::string to_string(Price value) {
    std::string out;
    append_decimal(out, value.raw);
    return out;
}

std::string to_string(Volume value) {
    std::string out;
    append_decimal(out, value.scaled());
    return out;
}
std::string to_string(Qty value) {
    std::string out;
    append_decimal(out, value.raw);
    return out;
}

std::string to_string(Money value) {
    std::string out;
    append_decimal(out, value.raw);
    return out;
}

std::string to_string(Decimal value) {
    std::string out;
    append_decimal(out, value.raw);
    return out;
}

}  // namespace alpha
