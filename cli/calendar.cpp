#include "markets/calendar.hpp"

#include "cli/command.hpp"
#include "config/market.hpp"
#include "config/suggest.hpp"
#include "config/zones.hpp"
#include "views/json.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace alpha {

namespace {

using namespace markets;

constexpr std::int32_t kDaysMax = 366;

struct CalendarRequest {
    std::string name;
    std::string from;
    std::string to;
    config::CalendarFiles files;
};

// ---- words --------------------------------------------------------------------------------------------------------------

constexpr std::array<const char*, 7> kWeekdays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

const char* weekday_name(Date date) {
    return kWeekdays[static_cast<std::size_t>(weekday_of(date))];
}

/// "09:15", as the zone's clock shows it; with the day's number where that is another than `date`.
std::string wall_clock(const Calendar& calendar, Date date, Time t) {
    const Time local{t.ns + calendar.zone().offset_s_at(t) * kSecondNs};
    const TradingHours utc;
    const Date shown = utc.date_of(local);
    const std::int64_t second = (local.ns - utc.midnight(shown).ns) / kSecondNs;
    std::string text = fmt::format("{:02}:{:02}", second / 3'600, second / 60 % 60);
    if (second % 60 != 0) {
        text += fmt::format(":{:02}", second % 60);
    }
    return shown == date ? text : text + fmt::format("{:+}", shown.days - date.days);
}

std::string settles_text(const Day& day) {
    return !day.settles ? "not known" : *day.settles ? "yes" : "no";
}

// ---- one calendar over some days ------------------------------------------------------------------------------------------

std::string phase_json(const Calendar& calendar, Date date, const PhaseTimes& phase, const SessionRow& row) {
    JsonObject json;
    json.text("phase", name_of(phase.phase))
        .text("opens", wall_clock(calendar, date, phase.open))
        .text("closes", wall_clock(calendar, date, phase.close));
    if (phase.ends_from != phase.close) {
        json.text("may_end_from", wall_clock(calendar, date, phase.ends_from));
    }
    return json.time_ns("opens_ns", phase.open)
        .time_ns("closes_ns", phase.close)
        .text("source", row.source.text)
        .text("grade", name_of(row.source.grade))
        .done();
}

std::string day_json(const Calendar& calendar, const Day& day) {
    JsonObject json;
    json.text("date", to_iso(day.date)).text("weekday", weekday_name(day.date)).text("kind", name_of(day.kind));
    json.json("settles", !day.settles ? "null" : *day.settles ? "true" : "false");
    if (const DayRow* row = calendar.listed(day.date); row != nullptr) {
        json.text("name", row->name).text("source", row->source.text).text("grade", name_of(row->source.grade));
    }
    std::vector<std::string> phases;
    const std::vector<PhaseTimes> times = calendar.phases_on(day.date);
    const std::vector<const SessionRow*> rows = calendar.sessions_on(day.date);
    phases.reserve(times.size());
    for (std::size_t i = 0; i < times.size(); ++i) {
        phases.push_back(phase_json(calendar, day.date, times[i], *rows[i]));
    }
    return json.json("phases", json_array(phases)).done();
}

void add_day_rows(const Calendar& calendar, const Day& day, Table& table) {
    const std::string date = fmt::format("{} {}", to_iso(day.date), weekday_name(day.date));
    const DayRow* const listed = calendar.listed(day.date);
    const std::string kind(name_of(day.kind));
    const std::vector<PhaseTimes> times = calendar.phases_on(day.date);
    if (times.empty()) {
        table.row({date, kind, "", "", "", "", settles_text(day),
                   listed == nullptr ? "" : std::string(name_of(listed->source.grade)),
                   listed == nullptr ? "" : fmt::format("{}: {}", listed->name, listed->source.text)});
        return;
    }
    const std::vector<const SessionRow*> rows = calendar.sessions_on(day.date);
    for (std::size_t i = 0; i < times.size(); ++i) {
        const PhaseTimes& phase = times[i];
        table.row({i == 0 ? date : "", i == 0 ? kind : "", std::string(name_of(phase.phase)),
                   wall_clock(calendar, day.date, phase.open), wall_clock(calendar, day.date, phase.close),
                   phase.ends_from == phase.close ? "" : wall_clock(calendar, day.date, phase.ends_from),
                   i == 0 ? settles_text(day) : "", std::string(name_of(rows[i]->source.grade)), rows[i]->source.text});
    }
}

Result<int> show_days(const Calendar& calendar, Date from, Date to, Wiring& wiring) {
    std::vector<std::string> days;
    Table table({{"date", Table::Align::left},
                 {"day", Table::Align::left},
                 {"phase", Table::Align::left},
                 {"opens"},
                 {"closes"},
                 {"may end from"},
                 {"settles", Table::Align::left},
                 {"grade", Table::Align::left},
                 {"source", Table::Align::left}});
    for (Date date = from; date <= to; ++date.days) {
        const Day day = calendar.day(date);
        if (wiring.json) {
            days.push_back(day_json(calendar, day));
        } else {
            add_day_rows(calendar, day, table);
        }
    }
    if (wiring.json) {
        wiring.out.write(JsonObject()
                             .text("calendar", calendar.name())
                             .text("zone", calendar.zone().name)
                             .json("days", json_array(days))
                             .done() +
                         "\n");
    } else {
        wiring.out.write(fmt::format("{}, on the clock of {}\n\n{}", calendar.name(), calendar.zone().name,
                                     table.text(wiring.out_style)));
    }
    return kExitOk;
}

// ---- all calendars ----------------------------------------------------------------------------------------------------

Result<int> list_calendars(const std::vector<CalendarDraft>& drafts, Wiring& wiring) {
    Table table({{"calendar", Table::Align::left}, {"zone", Table::Align::left}, {"knows from"}, {"to"}});
    std::vector<std::string> all;
    for (const CalendarDraft& draft : drafts) {
        const std::string from = to_iso(draft.table.trading_known.front().from);
        const std::string to = to_iso(draft.table.trading_known.back().to);
        table.row({draft.table.name, draft.table.zone_name, from, to});
        all.push_back(JsonObject()
                          .text("calendar", draft.table.name)
                          .text("zone", draft.table.zone_name)
                          .text("known_from", from)
                          .text("known_to", to)
                          .done());
    }
    wiring.out.write(wiring.json ? JsonObject().json("calendars", json_array(all)).done() + "\n"
                                 : table.text(wiring.out_style));
    return kExitOk;
}

Result<int> show_calendar(const CalendarRequest& request, Wiring& wiring) {
    Result<std::vector<CalendarDraft>> drafts = config::calendar_drafts(request.files);
    if (!drafts) {
        return tl::unexpected(drafts.error());
    }
    if (request.name.empty()) {
        return list_calendars(*drafts, wiring);
    }
    const auto found = std::ranges::find(*drafts, request.name, [](const CalendarDraft& d) { return d.table.name; });
    if (found == drafts->end()) {
        std::vector<std::string_view> names;
        for (const CalendarDraft& draft : *drafts) {
            names.emplace_back(draft.table.name);
        }
        return fail(ErrorKind::usage,
                    fmt::format("there is no calendar '{}'; write {}", request.name, config::one_of(names)));
    }
    const Result<Calendar> calendar = config::calendar_of(std::move(*found));
    if (!calendar) {
        return tl::unexpected(calendar.error());
    }
    const Result<Date> from =
        request.from.empty() ? Result<Date>(calendar->at(time_of_machine()).date) : date_option("--from", request.from);
    const Result<Date> to = request.to.empty() ? from : date_option("--to", request.to);
    for (const Result<Date>& date : {from, to}) {
        if (!date) {
            return tl::unexpected(date.error());
        }
    }
    if (*to < *from || to->days - from->days >= kDaysMax) {
        return fail(ErrorKind::usage, fmt::format("--to {}: write a day from {} on, at most {} days in all",
                                                  to_iso(*to), to_iso(*from), kDaysMax));
    }
    return show_days(*calendar, *from, *to, wiring);
}

}  // namespace

void add_calendar(Commands& commands) {
    auto request = std::make_shared<CalendarRequest>();
    const Command command = commands.add(
        commands.program(), "calendar", "When a market trades, in which phases, and how that is known",
        "Example:\n"
        "  alpha calendar NSE_EQ_CAS --from 2026-07-31 --to 2026-08-03\n\n"
        "Without a name it lists the calendars. Times are the wall clock of the market. A day that the calendar does "
        "not\n"
        "know is shown as unknown. Tables of your own go over the program's (docs/reference-calendars.md).",
        [request](Wiring& wiring) { return show_calendar(*request, wiring); });
    command.option("name", request->name, "Which one; default: list them all");
    command.option("--from", request->from, "The first day, YYYY-MM-DD; default: today");
    command.option("--to", request->to, "The last day; default: the first");
    command.option("--calendars", request->files.calendars, "A CSV of calendars beside the program's");
    command.option("--sessions", request->files.sessions, "A CSV of sessions that go over the program's");
    command.option("--days", request->files.days, "A CSV of days that go over the program's, such as a new holiday");
}

}  // namespace alpha
