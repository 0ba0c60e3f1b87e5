#include "config/zones.hpp"
#include "markets/calendar.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <rapidcheck/catch.h>
#include <sstream>

using namespace alpha;
using namespace alpha::markets;

namespace {

constexpr std::string_view kCalendars = "calendars,zone,what,from,to,source,grade\n"
                                        "X,America/New_York,trading,2026-03-02,2026-03-31,s,press\n"
                                        "X,America/New_York,settlement,2026-03-02,2026-03-20,s,press\n";
constexpr std::string_view kSessionsHead = "calendars,set,weekdays,from,to,phase,open,close,ends_from,source,grade\n";
constexpr std::string_view kSessions = "calendars,set,weekdays,from,to,phase,open,close,ends_from,source,grade\n"
                                       "X,regular,mon-fri,2026-01-01,,continuous,09:30,16:00,,s,press\n";
constexpr std::string_view kDaysHead = "calendars,date,kind,set,settles,name,source,grade\n";

Date day_of(std::string_view text) {
    return parse_date(text).value();
}
Time time_of(std::string_view text) {
    return parse_timestamp(text).value().time;
}

Result<std::vector<CalendarDraft>> read(std::string_view calendars, std::string_view sessions, std::string_view days,
                                        std::vector<CalendarDraft> base = {}) {
    CalendarRows rows;
    for (auto [file, text, to] :
         {std::tuple("calendars.csv", calendars, &rows.calendars), std::tuple("sessions.csv", sessions, &rows.sessions),
          std::tuple("days.csv", days, &rows.days)}) {
        auto read = read_csv_rows(file, text);
        if (!read) {
            return tl::unexpected(read.error());
        }
        *to = std::move(*read);
    }
    return read_calendars(rows, std::move(base));
}

/// The first calendar of tables.
Result<Calendar> made(std::string_view calendars, std::string_view sessions, std::string_view days) {
    auto drafts = read(calendars, sessions, days);
    if (!drafts) {
        return tl::unexpected(drafts.error());
    }
    return config::calendar_of(std::move(drafts->at(0)));
}
std::string refusal(std::string_view calendars, std::string_view sessions, std::string_view days) {
    const auto calendar = made(calendars, sessions, days);
    if (!calendar) {
        CHECK(calendar.error().kind == ErrorKind::data);
    }
    return calendar ? "made" : calendar.error().message;
}
std::string of_sessions(std::string_view rows) {
    return refusal(kCalendars, std::string(kSessionsHead) + std::string(rows), kDaysHead);
}
std::string of_days(std::string_view rows) {
    return refusal(kCalendars, kSessions, std::string(kDaysHead) + std::string(rows));
}
std::string of_calendars(std::string_view rows) {
    return refusal("calendars,zone,what,from,to,source,grade\n" + std::string(rows), kSessions, kDaysHead);
}

}  // namespace

TEST_CASE("a table that contradicts itself is refused where it does", "[markets]") {
    CHECK(refusal(kCalendars, kSessions, kDaysHead) == "made");

    const std::string regular = "X,regular,mon-fri,2026-01-01,,continuous,09:30,16:00,,s,press\n";
    CHECK(of_sessions(regular + "X,regular,mon-fri,2026-03-10,,post_close,15:30,17:00,,s,press\n") ==
          "sessions.csv:3: calendar X: on 2026-03-10 it overlaps with the set's continuous from 2026-01-01");
    CHECK(of_sessions(regular + "X,regular,mon-fri,2026-01-01,,post_close,09:30,09:31,,s,press\n") ==
          "sessions.csv:3: calendar X: on 2026-01-01 it overlaps with the set's continuous from 2026-01-01");
    CHECK(of_sessions(regular + "X,regular,mon-fri,2026-01-01,,pre_open,09:00,09:30,,s,press\n") ==
          "sessions.csv:3: column 'open' has '09:00': it is before the row before of X's set regular: rows of a set "
          "ascend by from, then open");
    CHECK(of_sessions("X,regular,mon-fri,2026-01-01,,continuous,16:00,09:30,,s,press\n") ==
          "sessions.csv:2: calendar X: it closes before it opens");
    CHECK(of_sessions("X,regular,mon-fri,2026-01-01,,continuous,09:30,09:30,,s,press\n") ==
          "sessions.csv:2: calendar X: it closes before it opens");
    CHECK(of_sessions("X,regular,mon-fri,2026-01-01,2025-01-01,continuous,09:30,16:00,,s,press\n") ==
          "sessions.csv:2: calendar X: it ends on 2025-01-01 before it begins on 2026-01-01");
    CHECK(of_sessions("X,regular,mon-fri,2026-01-01,,continuous,09:30,16:00,16:01,s,press\n") ==
          "sessions.csv:2: calendar X: its earliest end is not between its open and its close");
    CHECK(of_sessions("X,regular,mon-fri,2026-01-01,,closed,09:30,16:00,,s,press\n") ==
          "sessions.csv:2: calendar X: it needs a phase in which something happens");
    CHECK(of_sessions("X,regular,mon-fri,2026-01-01,,lunch,09:30,16:00,,s,press\n") ==
          "sessions.csv:2: column 'phase' has 'lunch': it is no phase of a market");
    CHECK(of_sessions("X,regular,weekdays,2026-01-01,,continuous,09:30,16:00,,s,press\n") ==
          "sessions.csv:2: column 'weekdays' has 'weekdays': it must be such as mon-fri, sat, or listed");
    CHECK(of_sessions("Y,regular,mon-fri,2026-01-01,,continuous,09:30,16:00,,s,press\n") ==
          "sessions.csv:2: column 'calendars' has 'Y': it names Y, which no row of the calendars defines");
    CHECK(of_sessions(regular + "X,regular,mon-thu,2026-01-01,,post_close,16:00,17:00,,s,press\n") ==
          "sessions.csv:3: calendar X: set regular has other weekdays in the row before");
    CHECK(of_sessions(regular + "X,other,listed,2026-01-01,,continuous,10:00,11:00,,s,press\n" +
                      "X,regular,mon-fri,2026-01-01,,post_close,16:00,17:00,,s,press\n") ==
          "sessions.csv:4: column 'set' has 'regular': it is interrupted: rows of X's set stand together");
    CHECK(of_sessions(regular + "X,short,fri,2026-01-01,,continuous,09:30,12:00,,s,press\n") ==
          "calendar X: 2026-03-06: two sets of sessions apply");
    CHECK(of_sessions("X,regular,mon-fri,2026-03-10,,continuous,09:30,16:00,,s,press\n") ==
          "calendar X: 2026-03-02: it is known and its weekday trades, but it has no sessions");
    CHECK(of_sessions("X,regular,mon-fri,2026-01-01,,continuous,18:00-1,17:30,,s,press\n") == "made");
    CHECK(of_sessions("X,regular,mon-fri,2026-01-01,,continuous,18:00-1,18:30,,s,press\n") ==
          "calendar X: 2026-03-03: it opens before the day before has closed");
    CHECK(of_sessions("X,regular,mon-fri,2026-01-01,,continuous,09:30,16:00,,s,surely\n") ==
          "sessions.csv:2: column 'grade' has 'surely': it must be one of stated, official, exchange, document, "
          "broker, press, "
          "code, computed, general, unknown");
    CHECK(of_sessions("X,regular,mon-fri,2026-01-01,,continuous,09:30,16:00,,,press\n") ==
          "sessions.csv:2: column 'source' is missing or empty");

    CHECK(of_days("X,2026-03-05,special,,yes,n,s,press\n") ==
          "days.csv:2: calendar X: 2026-03-05: a special day needs a set of sessions");
    CHECK(of_days("X,2026-03-05,special,half,yes,n,s,press\n") ==
          "days.csv:2: calendar X: 2026-03-05: set half has no sessions on this day");
    CHECK(of_days("X,2026-03-05,holiday,regular,yes,n,s,press\n") ==
          "days.csv:2: calendar X: 2026-03-05: a day that is holiday has no set of its own");
    CHECK(of_days("X,2026-03-05,closed,,yes,n,s,press\n") ==
          "days.csv:2: calendar X: 2026-03-05: a day is a holiday, regular, special or hours_unknown");
    CHECK(of_days("X,2026-03-07,regular,,no,n,s,press\n") ==
          "days.csv:2: calendar X: 2026-03-07: it is listed as regular, but its weekday does not trade");
    CHECK(of_days("X,2026-03-05,holiday,,no,n,s,press\nX,2026-03-05,holiday,,no,n,s,press\n") ==
          "days.csv:3: column 'date' has '2026-03-05': it is listed for X in line 2 already");
    CHECK(of_days("X,2026-03-05,holiday,,no,n,s,press\nX,2026-03-04,holiday,,no,n,s,press\n") ==
          "days.csv:3: column 'date' has '2026-03-04': it is before the row before of X: dates ascend");
    CHECK(of_days("X,2026-04-01,holiday,,no,n,s,press\n") ==
          "days.csv:2: calendar X: 2026-04-01: the calendar does not say that it knows this day");
    CHECK(of_days("X,2026-02-30,holiday,,no,n,s,press\n") ==
          "days.csv:2: column 'date' has '2026-02-30': it is a day that does not exist");
    CHECK(of_days("X,2026-03-05,holliday,,no,n,s,press\n") ==
          "days.csv:2: column 'kind' has 'holliday': it must be holiday, regular, special or hours_unknown");
    CHECK(of_days("X,2026-03-05,holiday,,,n,s,press\n") == "days.csv:2: column 'settles' is missing or empty");
    CHECK(of_days("X Z,2026-03-05,holiday,,no,n,s,press\n") ==
          "days.csv:2: column 'calendars' has 'X Z': it names Z, which no row of the calendars defines");

    CHECK(of_calendars("X,America/New_York,trading,2026-03-02,2026-03-01,s,press\n") ==
          "calendars.csv:2: calendar X: 2026-03-02 to 2026-03-01 is no range of days within 1678 to 2261");
    CHECK(of_calendars("X,America/New_York,trading,2026-03-02,2026-03-09,s,press\n"
                       "X,America/New_York,trading,2026-03-09,2026-03-12,s,press\n") ==
          "calendars.csv:3: calendar X: 2026-03-09 is said to be known twice, or the rows do not ascend");
    CHECK(of_calendars("X,America/New_York,trading,2026-03-02,2026-03-09,s,press\n"
                       "X,America/New_York,trading,2026-03-02,2026-03-12,s,press\n") ==
          "calendars.csv:3: column 'from' has '2026-03-02': it is not after the row before of X");
    CHECK(of_calendars("X,America/New_York,trading,2026-03-02,2026-03-09,s,press\n"
                       "X,America/New_York,settlement,2026-03-05,2026-03-12,s,press\n") ==
          "calendars.csv:3: calendar X: its settlement cannot be known on days whose trading is not");
    CHECK(of_calendars("X,America/New_York,settlement,2026-03-05,2026-03-12,s,press\n") ==
          "calendar X: it knows no day");
    CHECK(of_calendars("X,America/New_York,trading,2026-03-02,2026-03-09,s,press\n"
                       "X,Europe/London,trading,2026-03-12,2026-03-12,s,press\n") ==
          "calendars.csv:3: column 'zone' has 'Europe/London': it was America/New_York for X before");
    CHECK(of_calendars("X-Y,America/New_York,trading,2026-03-02,2026-03-09,s,press\n"
                       "X,America/New_York,trading,2026-03-02,2026-03-09,s,press\n") == "made");
    CHECK(of_calendars("A-Y,America/New_York,trading,2026-03-02,2026-03-09,s,press\n"
                       "X,America/New_York,trading,2026-03-02,2026-03-09,s,press\n") ==
          "calendar 'A-Y': its name must be of at most 32 letters, digits and _");
}

TEST_CASE("a table without a file is refused by its row", "[markets]") {
    const Zone utc{"UTC", {{kBeforeAll, 0}}};
    CalendarTable table;
    table.name = "X";
    table.zone_name = "UTC";
    table.trading_known = {{day_of("2026-03-02"), day_of("2026-03-31"), {"s", Grade::press}}};
    table.sessions = {{"regular", 0x1F, day_of("2026-01-01"), kNoLastDate, Phase::continuous, 3'600, 7'200, 7'200, {}}};
    REQUIRE(Calendar::make(table, utc));
    CHECK(Calendar::make(table, utc)->table() == table);
    table.days = {{day_of("2026-03-05"), DayKind::holiday, "", false, "n", {}},
                  {day_of("2026-03-05"), DayKind::holiday, "", false, "n", {}}};
    CHECK(Calendar::make(table, utc).error().message == "calendar X, days row 2: 2026-03-05: the day is listed twice");
    table.days.clear();
    table.sessions[0].phase = static_cast<Phase>(200);
    CHECK(Calendar::make(table, utc).error().message ==
          "calendar X, sessions row 1: it needs a phase in which something happens");
    table.sessions[0].phase = Phase::continuous;
    table.sessions[0].close_s = std::numeric_limits<std::int32_t>::max();
    table.sessions[0].ends_from_s = std::numeric_limits<std::int32_t>::max();
    CHECK(Calendar::make(table, utc).error().message ==
          "calendar X, sessions row 1: it reaches further than a day before or after its date");
    table.sessions.clear();
    CHECK(Calendar::make(table, utc));  // closed on every day

    // Zones that cannot be.
    const auto of_zone = [&](std::vector<ZoneChange> changes) {
        const auto calendar = Calendar::make(table, {"UTC", std::move(changes)});
        return calendar ? "made" : calendar.error().message;
    };
    CHECK(of_zone({}).starts_with("calendar X: time zone UTC must begin with what holds before all time"));
    CHECK(of_zone({{kMinTime, 0}}).starts_with("calendar X: time zone UTC must begin with what holds before all time"));
    CHECK(of_zone({{kBeforeAll, 86'400}}) == "calendar X: time zone UTC has an offset of a day or more");
    CHECK(of_zone({{kBeforeAll, 0}, {Time{100}, 0}, {Time{100}, 0}}) ==
          "calendar X: time zone UTC has changes that do not ascend or are out of range");
    CHECK(of_zone({{kBeforeAll, 0}, {Time{0}, 3'600}, {Time{1'800 * kSecondNs}, 7'200}}) == "made");
    CHECK(of_zone({{kBeforeAll, 7'200}, {Time{0}, 0}, {Time{1'800 * kSecondNs}, 7'200}}) ==
          "calendar X: time zone UTC has two changes within the hours that one repeats");
    CHECK(Calendar::make(table, {"Asia/Kolkata", {{kBeforeAll, 19'800}}}).error().message ==
          "calendar X: it is in UTC, not in Asia/Kolkata");
}

TEST_CASE("a user's rows go over ours", "[markets]") {
    auto base = built_in_calendars();
    REQUIRE(base);
    const std::size_t size = base->size();
    // A holiday three days from now, a Muhurat whose times are out, a market of their own, and new hours from 2027 on.
    const auto drafts = read(
        "calendars,zone,what,from,to,source,grade\n"
        "NSE_FO,Asia/Kolkata,trading,2027-01-01,2027-12-31,s,press\n"
        "MINE,UTC,trading,2026-01-01,2026-12-31,s,press\n",
        std::string(kSessionsHead) + "NSE_EQ,muhurat,listed,2026-11-08,2026-11-08,continuous,18:15,19:15,,s,official\n"
                                     "NSE_EQ,regular,mon-fri,2026-06-01,2026-06-14,continuous,10:00,14:00,,s,official\n"
                                     "MINE,all,mon-sun,2026-01-01,,continuous,00:00,24:00,,s,press\n",
        std::string(kDaysHead) + "NSE_EQ NSE_FO,2026-07-29,holiday,,no,Announced on Monday,s,official\n"
                                 "NSE_EQ,2026-11-08,special,muhurat,no,Muhurat,s,official\n"
                                 "NSE_FO,2027-01-26,holiday,,no,Republic Day,s,official\n",
        *base);
    if (!drafts) {
        FAIL(drafts.error().message);
    }
    REQUIRE(drafts->size() == size + 1);
    std::map<std::string, CalendarDraft> by_name;
    for (const CalendarDraft& draft : *drafts) {
        by_name[draft.table.name] = draft;
    }
    const auto cash = config::calendar_of(by_name["NSE_EQ"]);
    if (!cash) {
        FAIL(cash.error().message);
    }
    CHECK(cash->hours_on(day_of("2026-11-08"))->open == time_of("2026-11-08T18:15:00+05:30"));
    CHECK(cash->hours_on(day_of("2025-10-21"))->open == time_of("2025-10-21T13:45:00+05:30"));
    CHECK(cash->hours_on(day_of("2026-07-28"))->close == time_of("2026-07-28T15:30:00+05:30"));
    // New hours for two weeks: without the pre-open that was not named.
    CHECK(cash->phases_on(day_of("2026-05-29")).size() == 5);
    CHECK(cash->phases_on(day_of("2026-06-01")).size() == 1);
    CHECK(cash->hours_on(day_of("2026-06-12"))->close == time_of("2026-06-12T14:00:00+05:30"));
    CHECK(cash->phases_on(day_of("2026-06-15")).size() == 5);
    const auto fo = config::calendar_of(by_name["NSE_FO"]);
    REQUIRE(fo);
    CHECK(fo->day(day_of("2026-07-29")).kind == DayKind::holiday);
    CHECK(fo->listed(day_of("2026-07-29"))->name == "Announced on Monday");
    CHECK(fo->next_trading_day(day_of("2026-07-28")) == day_of("2026-07-30"));
    // Known days that touch are one stretch.
    CHECK(fo->next_trading_day(day_of("2026-12-31")) == day_of("2027-01-01"));
    CHECK(fo->hours_on(day_of("2027-01-27"))->close == time_of("2027-01-27T15:45:00+05:30"));
    const auto mine = config::calendar_of(by_name["MINE"]);
    REQUIRE(mine);
    CHECK(mine->at(time_of("2026-05-03T12:00:00Z")).phase == Phase::continuous);
    CHECK(mine->next_change(time_of("2026-05-03T12:00:00Z")) == time_of("2027-01-01T00:00:00Z"));
    CHECK(mine->hours_on(day_of("2026-05-03"))->close == time_of("2026-05-04T00:00:00Z"));
    // What was not spoken of is as it was.
    for (const CalendarDraft& draft : *base) {
        if (draft.table.name != "NSE_EQ" && draft.table.name != "NSE_FO") {
            CHECK(by_name[draft.table.name].table == draft.table);
        }
    }
    const auto twice = read("calendars,zone,what,from,to,source,grade\n"
                            "NSE_FO,UTC,trading,2027-01-01,2027-12-31,s,press\n",
                            kSessionsHead, kDaysHead, *base);
    REQUIRE_FALSE(twice);
    CHECK(twice.error().message == "calendars.csv:2: column 'zone' has 'UTC': it was Asia/Kolkata for NSE_FO before");
}

TEST_CASE("a day that begins on the evening before", "[markets]") {
    // As futures in Chicago: Monday's session opens on Sunday at 17:00; daylight saving begins on Sunday 8 March.
    const auto calendar =
        made("calendars,zone,what,from,to,source,grade\nX,America/Chicago,trading,2026-03-02,2026-03-13,s,general\n",
             std::string(kSessionsHead) + "X,regular,mon-fri,2026-01-01,,pre_open,16:45-1,17:00-1,,s,general\n"
                                          "X,regular,mon-fri,2026-01-01,,continuous,17:00-1,16:00,,s,general\n",
             std::string(kDaysHead) + "X,2026-03-11,holiday,,no,n,s,general\n");
    if (!calendar) {
        FAIL(calendar.error().message);
    }
    const auto at = [&](std::string_view text) { return calendar->at(time_of(text)); };
    CHECK(at("2026-03-08T21:44:00Z") ==
          Moment{day_of("2026-03-08"), DayKind::closed, Phase::closed, time_of("2026-03-08T21:45:00Z")});
    CHECK(at("2026-03-08T21:45:00Z") ==
          Moment{day_of("2026-03-09"), DayKind::regular, Phase::pre_open, time_of("2026-03-08T22:00:00Z")});
    CHECK(at("2026-03-08T22:00:00Z") ==
          Moment{day_of("2026-03-09"), DayKind::regular, Phase::continuous, time_of("2026-03-09T21:00:00Z")});
    CHECK(at("2026-03-09T21:30:00Z").date == day_of("2026-03-09"));
    CHECK(at("2026-03-09T21:30:00Z").phase == Phase::closed);
    CHECK(at("2026-03-09T21:50:00Z").date == day_of("2026-03-10"));
    // The evening of the 10th would be the 11th's, which is a holiday; that of the 11th is the 12th's.
    CHECK(at("2026-03-11T02:00:00Z") ==
          Moment{day_of("2026-03-10"), DayKind::regular, Phase::closed, time_of("2026-03-11T05:00:00Z")});
    CHECK(calendar->next_change(time_of("2026-03-10T21:00:00Z")) == time_of("2026-03-11T21:45:00Z"));
    CHECK(at("2026-03-12T02:00:00Z").date == day_of("2026-03-12"));
    // The first day's evening is before what is known, and trades all the same; the 14th is not known.
    CHECK(at("2026-03-02T02:00:00Z").date == day_of("2026-03-02"));
    CHECK(at("2026-03-02T02:00:00Z").phase == Phase::continuous);
    CHECK(calendar->next_change(time_of("2026-02-01T00:00:00Z")) == time_of("2026-03-01T22:45:00Z"));
    CHECK(at("2026-03-13T23:00:00Z").phase == Phase::closed);
    CHECK(calendar->next_change(time_of("2026-03-13T23:00:00Z")) == time_of("2026-03-14T05:00:00Z"));
}

// ---- against a model --------------------------------------------------------------------------------------------------

namespace {

/// What a random table says of each day, written down at once and looked through from end to end.
struct Model {
    struct Span {
        Date date;
        Phase phase;
        Time open;
        Time close;
    };
    std::map<std::int32_t, DayKind> kinds;
    std::vector<Span> spans;
    std::vector<std::pair<Time, std::int32_t>> clocks;  // offsets by the time from which they hold

    /// The first second at which the clocks show this or more, found by trying each offset there is.
    Time utc(Date date, std::int32_t second) const {
        const std::int64_t local_ns = date.days * kDayNs + second * kSecondNs;
        Time best = kNever;
        for (std::size_t i = 0; i < clocks.size(); ++i) {
            const Time end = i + 1 < clocks.size() ? clocks[i + 1].first : kNever;
            const Time t = std::max(Time{local_ns - clocks[i].second * kSecondNs}, clocks[i].first);
            if (t < end) {
                best = std::min(best, t);
            }
        }
        return best;
    }
    Moment at(Time t) const {
        auto civil = static_cast<std::int32_t>(t.ns / kDayNs) + 2;
        while (utc(Date{civil}, 0) > t) {
            --civil;
        }
        const Span* first_after = nullptr;
        for (const Span& span : spans) {
            if (span.open <= t && t < span.close) {
                return {span.date, kinds.at(span.date.days), span.phase, span.close};
            }
            if (span.open > t && (first_after == nullptr || span.open < first_after->open)) {
                first_after = &span;
            }
        }
        // Between two sessions of one date?
        if (first_after != nullptr) {
            for (const Span& span : spans) {
                if (span.date == first_after->date && span.close <= t) {
                    return {span.date, kinds.at(span.date.days), Phase::closed, first_after->open};
                }
            }
        }
        const auto kind = kinds.find(civil);
        Moment moment{Date{civil}, kind == kinds.end() ? DayKind::unknown : kind->second, Phase::closed,
                      utc(Date{civil + 1}, 0)};
        if (moment.kind == DayKind::unknown || moment.kind == DayKind::hours_unknown) {
            moment.phase = Phase::unknown;
        }
        if (first_after != nullptr) {
            moment.until = std::min(moment.until, first_after->open);
        }
        return moment;
    }
};

struct RandomCalendar {
    CalendarTable table;
    Zone zone;
    Model model;
};

RandomCalendar random_calendar() {
    RandomCalendar made;
    const Date first = day_of("2026-03-01");
    constexpr std::int32_t kDays = 40;
    made.table.name = "X";
    made.table.zone_name = "Z";
    made.zone.name = "Z";
    // Clocks that change up to three times in these days, by up to two hours.
    std::int32_t offset_s = *rc::gen::inRange(-14, 15) * 3'600;
    made.zone.changes.push_back({kBeforeAll, offset_s});
    made.model.clocks.emplace_back(kBeforeAll, offset_s);
    std::int32_t day = 0;
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
        day += *rc::gen::inRange(1, 12);
        offset_s += *rc::gen::element(-7'200, -3'600, -1'800, 1'800, 3'600);
        const Time from{(first.days + day) * kDayNs + *rc::gen::inRange<std::int64_t>(0, 24) * (3'600 * kSecondNs)};
        made.zone.changes.push_back({from, offset_s});
        made.model.clocks.emplace_back(from, offset_s);
    }
    // Days of which nothing is known between days of which all is.
    for (std::int32_t at = 0; at < kDays;) {
        const std::int32_t days = *rc::gen::inRange(1, 25);
        const Date to{first.days + std::min(at + days, kDays) - 1};
        made.table.trading_known.push_back({Date{first.days + at}, to, {"s", Grade::press}});
        at += days + *rc::gen::inRange(0, 4);
    }
    // Two sets; each is cut out of a day that begins up to 6 hours before and ends at most as long before the next one would begin.
    const std::int32_t begin_s = *rc::gen::inRange(-6, 3) * 3'600;
    for (const char* set : {"a", "b"}) {
        std::int32_t at_s = begin_s;
        const bool is_regular = set[0] == 'a';
        for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
            const std::int32_t open_s = at_s + *rc::gen::inRange(0, 4) * 1'800;
            const std::int32_t close_s = open_s + *rc::gen::inRange(1, 8) * 1'800;
            if (close_s > begin_s + 82'800) {  // an hour less than a day: clocks may take it from the night
                break;
            }
            at_s = close_s;
            made.table.sessions.push_back({set,
                                           static_cast<std::uint8_t>(is_regular ? 0x1F : 0),
                                           first,
                                           kNoLastDate,
                                           static_cast<Phase>(*rc::gen::inRange(2, 12)),
                                           open_s,
                                           close_s,
                                           close_s,
                                           {"s", Grade::press}});
        }
    }
    for (const KnownRow& known : made.table.trading_known) {
        for (Date date = known.from; date <= known.to; ++date.days) {
            const bool is_weekday = (date.days + 3) % 7 < 5;
            const int draw = *rc::gen::inRange(0, 12);
            DayKind kind = is_weekday ? DayKind::regular : DayKind::closed;
            const char* set = is_weekday ? "a" : "";
            if (draw < 3) {
                kind = draw == 0 ? DayKind::holiday : draw == 1 ? DayKind::special : DayKind::hours_unknown;
                set = draw == 1 ? "b" : "";
                made.table.days.push_back({date, kind, set, false, "n", {"s", Grade::press}});
            }
            made.model.kinds[date.days] = kind;
            for (const SessionRow& row : made.table.sessions) {
                if (row.set == set) {
                    const Model::Span span{date, row.phase, made.model.utc(date, row.open_s),
                                           made.model.utc(date, row.close_s)};
                    made.model.spans.push_back(span);
                }
            }
        }
    }
    return made;
}

}  // namespace

TEST_CASE("any calendar answers as its days written down do", "[markets]") {
    rc::prop("at, next_change, next and previous trading day", [] {
        const RandomCalendar random = random_calendar();
        const auto calendar = Calendar::make(random.table, random.zone);
        if (!calendar) {
            // Two changes of the clocks within hours of each other, or two days that meet.
            RC_DISCARD(calendar.error().message);
        }
        const Date first = random.table.trading_known.front().from;
        Time t{(first.days - 3) * kDayNs};
        const Time end{(first.days + 45) * kDayNs};
        while (t < end) {
            const Moment expected = random.model.at(t);
            const Moment actual = calendar->at(t);
            if (!(actual == expected)) {
                RC_LOG() << to_iso(t) << ": " << to_iso(actual.date) << " " << name_of(actual.kind) << " "
                         << name_of(actual.phase) << " until " << to_iso(actual.until) << ", expected "
                         << to_iso(expected.date) << " " << name_of(expected.kind) << " " << name_of(expected.phase)
                         << " until " << to_iso(expected.until) << "\n";
                RC_FAIL("at");
            }
            // The next change, by walking.
            Time walked = expected.until;
            while (walked < end && random.model.at(walked).phase == expected.phase) {
                walked = random.model.at(walked).until;
            }
            const auto change = calendar->next_change(t);
            RC_LOG() << "after " << to_iso(t) << " comes " << (change ? to_iso(*change) : "nothing") << ", by walking "
                     << to_iso(walked) << " " << name_of(expected.phase) << "\n";
            RC_ASSERT((walked < end ? change == walked : !change || *change >= end));
            t = Time{t.ns + *rc::gen::inRange<std::int64_t>(1, 18'000) * kSecondNs};
            t = *rc::gen::inRange(0, 3) == 0 ? std::max(expected.until, t) : t;
        }
        const auto trades = [&](Date date) {
            const auto kind = random.model.kinds.find(date.days);
            return kind != random.model.kinds.end() && kind->second >= DayKind::regular;
        };
        for (Date date{first.days - 2}; date.days < first.days + 45; ++date.days) {
            for (const std::int32_t step : {1, -1}) {
                Date walked = date;
                bool known = random.model.kinds.contains(date.days);
                do {
                    walked.days += step;
                    known = known && random.model.kinds.contains(walked.days);
                } while (known && !trades(walked));
                const auto expected = known ? std::optional(walked) : std::nullopt;
                RC_ASSERT((step == 1 ? calendar->next_trading_day(date) : calendar->previous_trading_day(date)) ==
                          expected);
            }
        }
    });
}

TEST_CASE("whatever a table holds, it is read or refused", "[markets]") {
    rc::prop("one byte of a table is another", [] {
        const std::string tables[] = {
            std::string(kCalendars),
            std::string(kSessions) + "X,half,listed,2026-01-01,,continuous,09:30,13:00,12:59,s,press\n",
            std::string(kDaysHead) + "X,2026-03-05,special,half,yes,n,s,press\nX,2026-03-10,holiday,,no,n,s,press\n"};
        std::string changed[] = {tables[0], tables[1], tables[2]};
        std::string& one = changed[*rc::gen::inRange(0, 3)];
        one[*rc::gen::inRange<std::size_t>(0, one.size())] = static_cast<char>(*rc::gen::inRange(0, 256));
        const auto calendar = made(changed[0], changed[1], changed[2]);
        if (calendar) {
            RC_ASSERT(!calendar->table().trading_known.empty());
            calendar->at(time_of("2026-03-05T15:00:00Z"));
        } else {
            RC_ASSERT(!calendar.error().message.empty());
        }
    });
}
