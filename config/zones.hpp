#pragma once
/// Time zones for calendars, out of the system's tz database.

#include "events/result.hpp"
#include "events/time.hpp"
#include "markets/calendar.hpp"

#include <string>

namespace alpha::config {

/// The zone of this IANA name with its changes from `from` to `to`; outside of them it stays as it is at the nearest end. Refuses (kind
/// usage) a name that nobody knows, and says so where the system has no time zones. A zone named UTC needs none.
Result<markets::Zone> zone_named(const std::string& name, Date from, Date to);

/// The zone of an IANA name or an offset such as +05:30, for data of any time. Refuses (kind usage) what is neither.
Result<markets::Zone> zone_of_data(const std::string& name);

/// The calendar of a draft: with the zone that it names, over all days it knows.
Result<markets::Calendar> calendar_of(markets::CalendarDraft draft);

}  // namespace alpha::config
