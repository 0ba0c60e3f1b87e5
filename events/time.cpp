#include "events/time.hpp"

#include <array>
#include <date/date.h>
#include <fmt/format.h>

namespace alpha {

namespace {

/// Reads exactly `count` digits at `at`, or -1.
int digits(std::string_view text, std::size_t at, std::size_t count) {
    if (at + count > text.size()) {
        return -1;
    }
    int value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

struct Unit {
    std::string_view name;
    std::int64_t ns;
};
constexpr std::array<Unit, 7> kUnits{{{"d", kDayNs},
                                      {"h", 3'600 * kSecondNs},
                                      {"m", 60 * kSecondNs},
                                      {"s", kSecondNs},
                                      {"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"ns", 1}}};

/// The first days of the years 0 and 10000, between which ISO dates have four digits of year.
constexpr std::int32_t kYear0Days = -719'528;
constexpr std::int32_t kYear10000Days = 2'932'897;
/// The first and last year whose every nanosecond, at any offset, fits Time.
constexpr int kFirstYear = 1678;
constexpr int kLastYear = 2261;

}  // namespace

std::string to_iso(Date d) {
    if (d.days < kYear0Days || d.days >= kYear10000Days) {
        return fmt::format("#{}", d.days);
    }
    const date::year_month_day ymd{date::sys_days{date::days{d.days}}};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()),
                       static_cast<unsigned>(ymd.day()));
}

std::string to_iso(Time t) {
    const Date day = TradingHours{}.date_of(t);
    const std::int64_t in_day = t.ns % kDayNs + (t.ns % kDayNs < 0 ? kDayNs : 0);
    const std::int64_t seconds = in_day / kSecondNs;
    const std::int64_t ns = in_day % kSecondNs;
    std::string out =
        fmt::format("{}T{:02}:{:02}:{:02}", to_iso(day), seconds / 3'600, seconds / 60 % 60, seconds % 60);
    if (ns % 1'000 != 0) {
        out += fmt::format(".{:09}", ns);
    } else if (ns % 1'000'000 != 0) {
        out += fmt::format(".{:06}", ns / 1'000);
    } else if (ns != 0) {
        out += fmt::format(".{:03}", ns / 1'000'000);
    }
    return out + 'Z';
}

Result<Date> parse_date(std::string_view text) {
    const int y = digits(text, 0, 4);
    const int m = digits(text, 5, 2);
    const int d = digits(text, 8, 2);
    if (text.size() != 10 || y < 0 || m < 0 || d < 0 || text[4] != '-' || text[7] != '-') {
        return fail_to_parse(text, "is not a date such as 2024-03-28");
    }
    if (y < kFirstYear || y > kLastYear) {
        return fail_to_parse(text, "is not within the years 1678 to 2261");
    }
    const date::year_month_day ymd{date::year{y}, date::month{static_cast<unsigned>(m)},
                                   date::day{static_cast<unsigned>(d)}};
    if (!ymd.ok()) {
        return fail_to_parse(text, "is a day that does not exist");
    }
    return Date{static_cast<std::int32_t>(date::sys_days{ymd}.time_since_epoch().count())};
}

Result<Timestamp> parse_timestamp(std::string_view text) {
    constexpr const char* kForm = "is not a time such as 2024-03-28T09:15:00+05:30";
    if (text.size() < 17 || (text[10] != 'T' && text[10] != ' ')) {
        return fail_to_parse(text, kForm);
    }
    const auto day = parse_date(text.substr(0, 10));
    if (!day) {
        return tl::unexpected(day.error());
    }
    const int hour = digits(text, 11, 2);
    const int minute = digits(text, 14, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || text[13] != ':') {
        return fail_to_parse(text, kForm);
    }
    std::size_t at = 16;
    int second = 0;
    std::int64_t fraction_ns = 0;
    if (text[at] == ':') {
        second = digits(text, at + 1, 2);
        if (second < 0 || second > 59) {
            return fail_to_parse(text, kForm);
        }
        at += 3;
        if (at < text.size() && text[at] == '.') {
            std::int64_t unit = kSecondNs / 10;
            const std::size_t first = ++at;
            for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10) {
                if (unit == 0) {
                    return fail_to_parse(text, "is finer than a nanosecond");
                }
                fraction_ns += (text[at] - '0') * unit;
            }
            if (at == first) {
                return fail_to_parse(text, kForm);
            }
        }
    }
    const std::string_view zone = text.substr(at);
    std::int32_t offset_s = 0;
    if (zone != "Z") {
        const bool colon = zone.size() == 6 && zone[3] == ':';
        if (zone.empty()) {
            return fail_to_parse(text, "has no UTC offset: write one, such as +05:30 or Z");
        }
        const int zh = digits(zone, 1, 2);
        const int zm = digits(zone, colon ? 4 : 3, 2);
        if ((zone[0] != '+' && zone[0] != '-') || (!colon && zone.size() != 5) || zh < 0 || zh > 15 || zm < 0 ||
            zm > 59) {
            return fail_to_parse(text, kForm);
        }
        offset_s = (zh * 3'600 + zm * 60) * (zone[0] == '-' ? -1 : 1);
    }
    const std::int64_t local = day->days * kDayNs + (hour * 3'600 + minute * 60 + second) * kSecondNs + fraction_ns;
    return Timestamp{Time{local - offset_s * kSecondNs}, offset_s};
}

Result<Duration> parse_duration(std::string_view text) {
    if (text == "day") {
        return Duration{kDayNs};
    }
    std::size_t n = 0;
    std::int64_t value = 0;
    bool fits = true;
    for (; n < text.size() && text[n] >= '0' && text[n] <= '9'; ++n) {
        fits = fits && !__builtin_mul_overflow(value, std::int64_t{10}, &value) &&
               !__builtin_add_overflow(value, std::int64_t{text[n] - '0'}, &value);
    }
    for (const Unit& unit : kUnits) {
        std::int64_t ns = 0;
        if (n > 0 && text.substr(n) == unit.name) {
            if (!fits || __builtin_mul_overflow(value, unit.ns, &ns)) {
                return fail_to_parse(text, "is too long (at most 292 years)");
            }
            return Duration{ns};
        }
    }
    return fail_to_parse(text, "is not a duration such as 250ms, 5s, 1m, 2h or 1d");
}

std::string to_string(Duration d) {
    for (const Unit& unit : kUnits) {
        if (d.ns != 0 && d.ns % unit.ns == 0) {
            return fmt::format("{}{}", d.ns / unit.ns, unit.name);
        }
    }
    return "0s";
}

}  // namespace alpha
