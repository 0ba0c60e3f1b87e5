#pragma once
/// Event time: nanoseconds since 1970-01-01T00:00:00Z. Nothing here reads a clock; time enters the engine with its inputs.

#include "events/result.hpp"

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace alpha {

struct Duration {
    std::int64_t ns = 0;
    friend constexpr auto operator<=>(Duration, Duration) = default;
};

struct Time {
    std::int64_t ns = 0;
    friend constexpr auto operator<=>(Time, Time) = default;
    friend constexpr Time operator+(Time t, Duration d) { return Time{t.ns + d.ns}; }
    friend constexpr Time operator-(Time t, Duration d) { return Time{t.ns - d.ns}; }
    friend constexpr Duration operator-(Time a, Time b) { return Duration{a.ns - b.ns}; }
};

inline constexpr Time kNever{std::numeric_limits<std::int64_t>::max()};
inline constexpr Time kBeforeAll{std::numeric_limits<std::int64_t>::min()};
inline constexpr std::int64_t kSecondNs = 1'000'000'000;
inline constexpr std::int64_t kDayNs = 86'400 * kSecondNs;

/// Accepted input times: 1800-01-01 up to, not including, 2200-01-01.
inline constexpr Time kMinTime{-5'364'662'400 * kSecondNs};
inline constexpr Time kMaxTime{7'258'118'400 * kSecondNs};

/// A calendar day, as days since 1970-01-01.
struct Date {
    std::int32_t days = 0;
    friend constexpr auto operator<=>(Date, Date) = default;
};

/// In place of a day that has not come yet. Before all others, and no day to reckon with.
inline constexpr Date kNoDay{std::numeric_limits<std::int32_t>::min()};

/// The last whole multiple of `step` since 1970 at or before `t`. Requires step > 0.
constexpr Time floor_of(Time t, Duration step) {
    return Time{t.ns / step.ns * step.ns - (t.ns % step.ns < 0 ? step.ns : 0)};
}

/// When an instrument trades, every day, in its exchange's local time (a fixed offset: Indian markets have no daylight
/// saving). Pinned in the log with the instrument. The default is the whole UTC day.
struct TradingHours {
    std::int32_t utc_offset_s = 0;
    std::int32_t open_s = 0;        ///< seconds after local midnight
    std::int32_t close_s = 86'400;  ///< seconds after local midnight, exclusive; greater than open_s
    friend constexpr bool operator==(const TradingHours&, const TradingHours&) = default;

    constexpr bool whole_day() const { return open_s == 0 && close_s == 86'400; }
    /// The local calendar day that `t` falls on.
    constexpr Date date_of(Time t) const {
        const std::int64_t local = t.ns + utc_offset_s * kSecondNs;
        const std::int64_t days = local / kDayNs - (local % kDayNs < 0 ? 1 : 0);
        return Date{static_cast<std::int32_t>(days)};
    }
    constexpr Time midnight(Date d) const { return Time{d.days * kDayNs - utc_offset_s * kSecondNs}; }
    constexpr Time open_on(Date d) const { return Time{midnight(d).ns + open_s * kSecondNs}; }
    constexpr Time close_on(Date d) const { return Time{midnight(d).ns + close_s * kSecondNs}; }
    constexpr bool is_open_at(Time t) const {
        const Date d = date_of(t);
        return t >= open_on(d) && t < close_on(d);
    }
};

/// ISO 8601 in UTC with as many decimals as needed in groups of three: "2013-10-07T13:30:00.072Z".
std::string to_iso(Time t);
/// "2013-10-07". A day outside the years 0 to 9999, which only damaged bytes can name, reads "#days".
std::string to_iso(Date d);

/// Reads "YYYY-MM-DD". Refuses days that do not exist and years that Time cannot hold whole (before 1678, after 2261), so any
/// date that was read has a midnight in any zone.
Result<Date> parse_date(std::string_view text);

/// A timestamp as read, with the offset it was written with.
struct Timestamp {
    Time time;
    std::int32_t utc_offset_s = 0;
};

/// Reads "YYYY-MM-DD(T| )HH:MM[:SS[.fraction]](Z|±HH:MM|±HHMM)". The offset is required: local time without one is a guess.
Result<Timestamp> parse_timestamp(std::string_view text);

/// Reads "250ms", "5s", "1m", "2h", "1d", "10us", "100ns", or "day" (= 1d). Whole numbers only.
Result<Duration> parse_duration(std::string_view text);
/// The shortest spelling, e.g. "5s", "1500ms"; parse_duration reads it back unless it is negative.
std::string to_string(Duration d);

}  // namespace alpha
