#include "config/zones.hpp"

#include "config/suggest.hpp"

#include <algorithm>
#include <date/tz.h>
#include <fmt/format.h>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace alpha::config {

Result<markets::Zone> zone_named(const std::string& name, Date from, Date to) {
    markets::Zone zone{name, {{kBeforeAll, 0}}};
    if (name == "UTC") {
        return zone;
    }
    try {
        const date::tzdb& database = date::get_tzdb();
        const auto found = std::ranges::find_if(database.zones, [&](const auto& each) { return each.name() == name; });
        if (found == database.zones.end()) {
            std::vector<std::string_view> known;
            known.reserve(database.zones.size());
            for (const date::time_zone& each : database.zones) {
                known.emplace_back(each.name());
            }
            const std::string meant = did_you_mean(name, known);
            return fail(ErrorKind::usage, fmt::format("there is no time zone '{}'; {}", name,
                                                      meant.empty() ? "write a name such as Asia/Kolkata"
                                                                    : fmt::format("did you mean {}?", meant)));
        }
        // A day to each side: a session may begin on the day before the first, and a day of the zone on another of UTC's.
        const date::sys_seconds end{date::days{to.days + 2}};
        date::sys_info info = found->get_info(date::sys_seconds{date::days{from.days - 2}});
        zone.changes.front().offset_s = static_cast<std::int32_t>(info.offset.count());
        while (info.end < end) {
            info = found->get_info(info.end);
            const auto offset_s = static_cast<std::int32_t>(info.offset.count());
            if (offset_s != zone.changes.back().offset_s) {  // a new name alone changes no clock
                zone.changes.push_back({Time{info.begin.time_since_epoch().count() * kSecondNs}, offset_s});
            }
        }
    } catch (const std::exception& error) {
        return fail(ErrorKind::usage,
                    fmt::format("time zone {}: the time zones of this system cannot be read ({}); install the package "
                                "tzdata",
                                name, error.what()));
    }
    return zone;
}

Result<markets::Zone> zone_of_data(const std::string& name) {
    if (name.starts_with('+') || name.starts_with('-')) {
        const auto stamp = parse_timestamp("2000-01-01T00:00" + name);
        if (!stamp) {
            return fail(
                ErrorKind::usage,
                fmt::format("there is no offset '{}'; write one such as +05:30, or a name such as Asia/Kolkata", name));
        }
        return markets::Zone{name, {{kBeforeAll, stamp->utc_offset_s}}};
    }
    return zone_named(name, Date{static_cast<std::int32_t>(kMinTime.ns / kDayNs)},
                      Date{static_cast<std::int32_t>(kMaxTime.ns / kDayNs)});
}

Result<markets::Calendar> calendar_of(markets::CalendarDraft draft) {
    const std::vector<markets::KnownRow>& known = draft.table.trading_known;
    if (known.empty()) {
        return fail(ErrorKind::data, fmt::format("calendar {}: it knows no day", draft.table.name));
    }
    Result<markets::Zone> zone = zone_named(draft.table.zone_name, known.front().from, known.back().to);
    if (!zone) {
        return fail(zone.error().kind, fmt::format("calendar {}: {}", draft.table.name, zone.error().message));
    }
    return markets::Calendar::make(std::move(draft.table), std::move(*zone), draft.places);
}

}  // namespace alpha::config
