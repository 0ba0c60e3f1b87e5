#include "cli/zone.hpp"

#include "config/suggest.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <date/tz.h>
#include <fmt/format.h>
#include <stdexcept>
#include <vector>

namespace alpha {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Whether `text` looks like `shape`, in which 0 stands for a digit.
bool looks_like(std::string_view text, std::string_view shape) {
    return text.size() == shape.size() &&
           std::ranges::equal(text, shape, [](char c, char s) { return s == '0' ? is_digit(c) : c == s; });
}

std::string show_offset(std::int32_t offset_s) {
    const std::int32_t size = std::abs(offset_s);
    std::string text = fmt::format("{}{:02}:{:02}", offset_s < 0 ? '-' : '+', size / 3'600, size / 60 % 60);
    return size % 60 == 0 ? text : text + fmt::format(":{:02}", size % 60);
}

/// Columns of the UTC time that `text` begins with, 0 if with none.
std::size_t time_at(std::string_view text) {
    constexpr std::string_view kShape = "0000-00-00T00:00:00";
    if (!looks_like(text.substr(0, kShape.size()), kShape)) {
        return 0;
    }
    std::size_t end = kShape.size();
    if (end < text.size() && text[end] == '.') {
        ++end;
        while (end < text.size() && is_digit(text[end])) {
            ++end;
        }
    }
    return end < text.size() && text[end] == 'Z' ? end + 1 : 0;
}

Error unknown_zone(const std::string& name) {
    std::vector<std::string_view> known;
    for (const date::time_zone& each : date::get_tzdb().zones) {
        if (each.name().find('/') != std::string::npos) {  // EST is nearer to IST than what was meant
            known.emplace_back(each.name());
        }
    }
    const std::string meant = did_you_mean(name, known);
    return {ErrorKind::usage,
            fmt::format("--tz {}: there is no such time zone; {}", name,
                        meant.empty() ? "write a name such as Asia/Kolkata, or an offset such as +05:30"
                                      : fmt::format("did you mean {}?", meant))};
}

}  // namespace

Result<Zone> Zone::named(const std::string& name) {
    Zone zone;
    zone.name_ = name;
    zone.is_named_ = true;
    if (name == "UTC" || name == "Z") {
        zone.name_ = "UTC";
        return zone;
    }
    const bool east = name.starts_with('+');
    if ((east || name.starts_with('-')) && (looks_like(std::string_view(name).substr(1), "00:00") ||
                                            looks_like(std::string_view(name).substr(1), "0000"))) {
        const auto two = [&](std::size_t at) { return (name[at] - '0') * 10 + (name[at + 1] - '0'); };
        const int hours = two(1);
        const int minutes = two(name.size() - 2);
        if (hours > 23 || minutes > 59) {
            return fail(ErrorKind::usage, fmt::format("--tz {}: an offset is at most 23:59", name));
        }
        zone.offset_s_ = (hours * 60 + minutes) * (east ? 60 : -60);
        zone.name_ = show_offset(zone.offset_s_);
        return zone;
    }
    try {
        const date::tzdb& database = date::get_tzdb();
        const auto found = std::ranges::find_if(database.zones, [&](const auto& each) { return each.name() == name; });
        if (found == database.zones.end()) {
            return tl::unexpected(unknown_zone(name));
        }
        zone.rules_ = &*found;
        zone.offset_s_at(kMinTime);  // reads its rules, which may fail
    } catch (const std::exception& error) {
        return fail(
            ErrorKind::usage,
            fmt::format("--tz {}: the time zones of this system cannot be read ({}); install the package tzdata, "
                        "or write an offset such as +05:30",
                        name, error.what()));
    }
    return zone;
}

std::int32_t Zone::offset_s_at(Time t) const {
    if (rules_ == nullptr) {
        return offset_s_;
    }
    const auto second = std::chrono::floor<std::chrono::seconds>(
        date::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(std::clamp(t, kMinTime, kMaxTime).ns)));
    return static_cast<std::int32_t>(rules_->get_info(second).offset.count());
}

std::string Zone::show(Time t) const {
    if (name_ == "UTC" || t < kMinTime || t > kMaxTime) {  // beyond: no time of a market
        return to_iso(t);
    }
    const std::int32_t offset_s = offset_s_at(t);
    std::string text = to_iso(t + Duration{offset_s * kSecondNs});
    text.pop_back();  // Z
    return text + show_offset(offset_s);
}

Result<Time> Zone::read(std::string_view option, const std::string& text) const {
    if (const Result<Timestamp> whole = parse_timestamp(text); whole) {
        return whole->time;
    }
    const Result<Timestamp> local = parse_timestamp(text + 'Z');
    if (!local) {
        return fail(ErrorKind::usage, fmt::format("{} {}: {}; write it as 2024-01-01T09:15:00+05:30", option, text,
                                                  local.error().why == nullptr ? "is no time" : local.error().why));
    }
    if (!is_named_) {
        return fail(ErrorKind::usage,
                    fmt::format("{} {}: of which time zone is that? Write it with its offset, as {}+05:30 or {}Z, or "
                                "give --tz",
                                option, text, text, text));
    }
    if (rules_ == nullptr) {
        return local->time - Duration{offset_s_ * kSecondNs};
    }
    const date::local_time<std::chrono::nanoseconds> clock{std::chrono::nanoseconds(local->time.ns)};
    return Time{rules_->to_sys(clock, date::choose::earliest).time_since_epoch().count()};
}

std::string Zone::show_date(Time t) const {
    return to_iso(TradingHours{.utc_offset_s = offset_s_at(t)}.date_of(t));
}

std::string Zone::show_all(std::string_view text) const {
    if (name_ == "UTC") {
        return std::string(text);
    }
    std::string shown;
    for (std::size_t at = 0; at < text.size();) {
        const bool in_a_word = at != 0 && std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0;
        const std::size_t size = in_a_word ? 0 : time_at(text.substr(at));
        const Result<Timestamp> time = size == 0 ? fail(ErrorKind::data, "") : parse_timestamp(text.substr(at, size));
        if (time) {
            shown += show(time->time);
            at += size;
        } else {
            shown += text[at++];
        }
    }
    return shown;
}

}  // namespace alpha
