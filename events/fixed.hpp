#pragma once
/// Fixed-point money. Every price, quantity and amount is an integer at a scale of 1e-8, so sums are exact and equal on
/// every machine.
///
/// | operation            | result | rounding                       | overflow                     |
/// |----------------------|--------|--------------------------------|------------------------------|
/// | Qty ± Qty            | Qty    | none                           | asserts                      |
/// | Money ± Money        | Money  | none                           | asserts                      |
/// | notional(Price, Qty) | Money  | half-even, once                | cannot (63 + 63 bits)        |
/// | pro_rata(Money, a/b) | Money  | half-even, once                | cannot for 0 <= a <= b       |
/// | average_price        | Price  | half-even, once                | asserts                      |
/// | parse                | any    | none: too many digits refused  | refused                      |
///
/// Overflow from outside is refused while parsing (limits.hpp keeps accepted values far from the edge); inside the fold it
/// is our mistake and stops the process.

#include "events/assert.hpp"
#include "events/result.hpp"

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace alpha {

/// The one spelling of a 128-bit integer (ISO C++ has none).
__extension__ using Int128 = __int128;
__extension__ using UInt128 = unsigned __int128;

/// Units per one: 1.00 is stored as 100,000,000.
inline constexpr std::int64_t kScale = 100'000'000;
inline constexpr int kScaleDigits = 8;

/// A price per unit of the instrument, in the account's currency. Zero means "no price on this side".
struct Price {
    std::int64_t raw = 0;
    friend constexpr auto operator<=>(Price, Price) = default;
};

/// A quantity in units of the instrument (shares, not lots). Signed where it is a position, positive in orders and fills.
struct Qty {
    std::int64_t raw = 0;
    friend constexpr auto operator<=>(Qty, Qty) = default;
};

/// What was traded in a time, in units of the instrument: no order's quantity, and far beyond one in coins and indices. Up to 9.2e10 it is
/// exact to 1e-8; beyond that, up to 9.2e18, a whole number. On disk it is a Qty, whole numbers below zero.
struct Volume {
    std::int64_t raw = 0;  ///< in 1e-8; below zero: whole units, their sign turned
    constexpr Volume() = default;
    constexpr Volume(Qty quantity) : raw(quantity.raw) {}  // NOLINT(google-explicit-constructor)
    friend constexpr bool operator==(Volume, Volume) = default;

    /// In 1e-8. Below 2^90.
    constexpr Int128 scaled() const { return raw >= 0 ? Int128{raw} : -Int128{raw} * kScale; }
    /// The nearest that a quantity can be.
    constexpr Qty as_quantity() const { return raw >= 0 ? Qty{raw} : Qty{std::numeric_limits<std::int64_t>::max()}; }
    /// Whether it is written as it has to be: as whole units only where it is too large otherwise.
    constexpr bool is_valid() const {
        return raw >= 0 || (raw <= -kExactMax && raw != std::numeric_limits<std::int64_t>::min());
    }
    static constexpr std::int64_t kExactMax =
        std::numeric_limits<std::int64_t>::max() / kScale;  ///< whole units that are exact to 1e-8
};

/// An amount of the account's currency, 128 bits wide so that no book of 64-bit prices and quantities overflows it.
struct Money {
    Int128 raw = 0;
    friend constexpr auto operator<=>(Money, Money) = default;
};

/// A number whose unit its place says: a limit in shares, seconds or per cent, a rate. An amount is one too, but not the other way round.
struct Decimal {
    Int128 raw = 0;
    constexpr Decimal() = default;
    constexpr explicit Decimal(Int128 value) : raw(value) {}
    constexpr Decimal(Money amount) : raw(amount.raw) {}  // NOLINT(google-explicit-constructor)
    friend constexpr auto operator<=>(Decimal, Decimal) = default;
};

constexpr Price price_of(std::int64_t whole) {
    return Price{whole * kScale};
}
constexpr Qty qty_of(std::int64_t whole) {
    return Qty{whole * kScale};
}
constexpr Money money_of(std::int64_t whole) {
    return Money{static_cast<Int128>(whole) * kScale};
}
constexpr Decimal decimal_of(std::int64_t whole) {
    return Decimal{static_cast<Int128>(whole) * kScale};
}

inline Qty operator+(Qty a, Qty b) {
    Qty sum;
    ALPHA_ASSERT(!__builtin_add_overflow(a.raw, b.raw, &sum.raw), "quantity overflow");
    return sum;
}
inline Qty operator-(Qty a, Qty b) {
    Qty difference;
    ALPHA_ASSERT(!__builtin_sub_overflow(a.raw, b.raw, &difference.raw), "quantity overflow");
    return difference;
}
inline Qty operator-(Qty a) {
    return Qty{0} - a;
}
inline Qty& operator+=(Qty& a, Qty b) {
    return a = a + b;
}
inline Qty& operator-=(Qty& a, Qty b) {
    return a = a - b;
}
inline Qty abs(Qty a) {
    return a.raw < 0 ? -a : a;
}

inline Money operator+(Money a, Money b) {
    Money sum;
    ALPHA_ASSERT(!__builtin_add_overflow(a.raw, b.raw, &sum.raw), "money overflow");
    return sum;
}
inline Money operator-(Money a, Money b) {
    Money difference;
    ALPHA_ASSERT(!__builtin_sub_overflow(a.raw, b.raw, &difference.raw), "money overflow");
    return difference;
}
inline Money operator-(Money a) {
    return Money{0} - a;
}
inline Money& operator+=(Money& a, Money b) {
    return a = a + b;
}
inline Money& operator-=(Money& a, Money b) {
    return a = a - b;
}
inline Money abs(Money a) {
    return a.raw < 0 ? -a : a;
}

inline Decimal operator-(Decimal a, Decimal b) {
    Decimal difference;
    ALPHA_ASSERT(!__builtin_sub_overflow(a.raw, b.raw, &difference.raw), "decimal overflow");
    return difference;
}

/// value / divisor, ties to the even neighbour. Requires divisor > 0.
Int128 divide_half_even(Int128 value, Int128 divisor);

/// price x quantity, rounded half-even once to 1e-8. Carries the sign of the quantity. O(1).
inline Money notional(Price price, Qty quantity) {
    // Whole units need no division of 128 bits (some 20 ns), and nearly every quantity is whole: marks are computed on each
    // tick. The result is the same.
    if (const std::int64_t units = quantity.raw / kScale; units * kScale == quantity.raw) [[likely]] {
        return Money{static_cast<Int128>(price.raw) * units};
    }
    return Money{divide_half_even(static_cast<Int128>(price.raw) * quantity.raw, kScale)};
}

/// The same of an amount a unit that no price can be, such as a settlement below zero.
inline Money notional(Decimal amount, Qty quantity) {
    return Money{divide_half_even(amount.raw * quantity.raw, kScale)};
}

/// amount x part / whole, rounded half-even once; exact in 192 bits on the way. Requires 0 <= part <= whole, whole > 0.
Money pro_rata(Money amount, Qty part, Qty whole);

/// cost / quantity as a price, half-even: what a statement shows as the average. Zero for a flat position.
Price average_price(Money cost, Qty quantity);

/// Reads a decimal such as "-12.50" exactly: an optional sign, digits, at most eight of them behind the point. No
/// exponents, spaces, "nan" or "+". Anything else, or a value that does not fit, is refused with a reason.
Result<Price> parse_price(std::string_view text);
Result<Qty> parse_qty(std::string_view text);
Result<Money> parse_money(std::string_view text);
/// Beyond 9.2e10 what is behind the point is left out.
Result<Volume> parse_volume(std::string_view text);
Result<Decimal> parse_decimal(std::string_view text);

/// The shortest decimal of the value: no trailing zeros, no exponent, "0" for zero. It parses back to the same value, except
/// for the least of each type: parsing keeps the range symmetrical, so that a sign can always be turned.
std::string to_string(Price value);
std::string to_string(Qty value);
std::string to_string(Volume value);
std::string to_string(Money value);
std::string to_string(Decimal value);

/// As to_string, appended to `out` (no allocation where capacity suffices).
void append_decimal(std::string& out, Int128 raw);

}  // namespace alpha
