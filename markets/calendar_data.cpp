#include "markets/calendar.hpp"
#include "markets/data/calendars.csv.hpp"
#include "markets/data/days.csv.hpp"
#include "markets/data/sessions.csv.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <tuple>

namespace alpha::markets {
namespace {

/// A row and where it stands.
template <class T>
using Placed = std::pair<T, ErrorPlace>;

/// What one file says of one calendar.
struct Additions {
    std::string zone_name;
    std::vector<Placed<KnownRow>> trading_known;
    std::vector<Placed<KnownRow>> settlement_known;
    std::vector<Placed<SessionRow>> sessions;
    std::vector<Placed<DayRow>> days;
};
using ByName = std::map<std::string, Additions>;

constexpr std::array<std::string_view, 7> kWeekdays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/// "mon-fri", "sun-thu", "sat", "listed"; nothing where it is none of these.
std::optional<std::uint8_t> weekdays_of(std::string_view text) {
    if (text == "listed") {
        return std::uint8_t{0};
    }
    const auto number = [](std::string_view name) { return std::ranges::find(kWeekdays, name) - kWeekdays.begin(); };
    const auto first = number(text.substr(0, 3));
    const auto last = text.size() == 3 ? first : number(text.size() == 7 && text[3] == '-' ? text.substr(4) : "");
    if (first == 7 || last == 7) {
        return std::nullopt;
    }
    unsigned mask = 0;
    for (auto day = first;; day = (day + 1) % 7) {
        mask |= 1U << static_cast<unsigned>(day);
        if (day == last) {
            return static_cast<std::uint8_t>(mask);
        }
    }
}

/// Rows of a file stand in ascending order for each calendar.
template <class T, class Key>
bool ascends(const std::vector<Placed<T>>& rows, const T& next, Key key) {
    return rows.empty() || key(rows.back().first) < key(next);
}

class Reader {
public:
    explicit Reader(const std::vector<CalendarDraft>& base) {
        for (const CalendarDraft& draft : base) {
            zones_[draft.table.name] = draft.table.zone_name;
        }
    }

    Result<void> calendar(const Row& row) {
        Cells cells(row, {"calendars", "zone", "what", "from", "to", "source", "grade"});
        const std::vector<std::string> names = cells.words("calendars");
        const std::string zone(cells.text("zone"));
        const std::string_view what = cells.text("what");
        if (what != "trading" && what != "settlement") {
            cells.refuse("what", "must be trading or settlement");
        }
        const KnownRow known{cells.date("from"), cells.date("to"), cells.source()};
        for (const std::string& name : names) {
            const auto [found, is_new] = zones_.try_emplace(name, zone);
            if (found->second != zone) {
                cells.refuse("zone", fmt::format("was {} for {} before", found->second, name));
            }
            Additions& to = read_[name];
            auto& rows = what == "trading" ? to.trading_known : to.settlement_known;
            if (!ascends(rows, known, [](const KnownRow& each) { return each.from; })) {
                cells.refuse("from", fmt::format("is not after the row before of {}", name));
            }
            rows.emplace_back(known, row.place);
        }
        return done(cells);
    }

    Result<void> session(const Row& row) {
        Cells cells(row, {"calendars", "set", "weekdays", "from", "to", "phase", "open", "close", "ends_from", "source",
                          "grade"});
        const std::vector<std::string> names = cells.words("calendars");
        SessionRow session;
        session.set = cells.text("set");
        if (const auto weekdays = weekdays_of(cells.text("weekdays"))) {
            session.weekdays = *weekdays;
        } else {
            cells.refuse("weekdays", "must be such as mon-fri, sat, or listed");
        }
        session.from = cells.date("from");
        session.to = cells.optional("to").empty() ? kNoLastDate : cells.date("to");
        if (const auto phase = named_as(cells.text("phase"), Phase::post_close)) {
            session.phase = *phase;
        } else {
            cells.refuse("phase", "is no phase of a market");
        }
        session.open_s = cells.time_s("open");
        session.close_s = cells.time_s("close");
        session.ends_from_s = cells.optional("ends_from").empty() ? session.close_s : cells.time_s("ends_from");
        session.source = cells.source();
        for (const std::string& name : names) {
            if (!is_known(cells, name)) {
                break;
            }
            auto& rows = read_[name].sessions;
            const bool same_set = !rows.empty() && rows.back().first.set == session.set;
            const auto key = [](const SessionRow& each) { return std::pair(each.from, each.open_s); };
            if (same_set && key(session) < key(rows.back().first)) {
                cells.refuse("open",
                             fmt::format("is before the row before of {}'s set {}: rows of a set ascend by from, "
                                         "then open",
                                         name, session.set));
            }
            const auto of_set = [&](const Placed<SessionRow>& each) { return each.first.set == session.set; };
            if (!same_set && std::ranges::any_of(rows, of_set)) {
                cells.refuse("set", fmt::format("is interrupted: rows of {}'s set stand together", name));
            }
            rows.emplace_back(session, row.place);
        }
        return done(cells);
    }

    Result<void> day(const Row& row) {
        Cells cells(row, {"calendars", "date", "kind", "set", "settles", "name", "source", "grade"});
        const std::vector<std::string> names = cells.words("calendars");
        DayRow day;
        day.date = cells.date("date");
        if (const auto kind = named_as(cells.text("kind"), DayKind::hours_unknown)) {
            day.kind = *kind;
        } else {
            cells.refuse("kind", "must be holiday, regular, special or hours_unknown");
        }
        day.set = cells.optional("set");
        day.settles = cells.yes("settles");
        day.name = cells.text("name");
        day.source = cells.source();
        for (const std::string& name : names) {
            if (!is_known(cells, name)) {
                break;
            }
            auto& rows = read_[name].days;
            if (!ascends(rows, day, [](const DayRow& each) { return each.date; })) {
                cells.refuse("date",
                             rows.back().first.date == day.date
                                 ? fmt::format("is listed for {} in line {} already", name, rows.back().second.line)
                                 : fmt::format("is before the row before of {}: dates ascend", name));
            }
            rows.emplace_back(day, row.place);
        }
        return done(cells);
    }

    /// What was read, put over `base`.
    std::vector<CalendarDraft> over(std::vector<CalendarDraft> base) && {
        for (auto& [name, more] : read_) {
            auto found = std::ranges::find(base, name, [](const CalendarDraft& each) { return each.table.name; });
            if (found == base.end()) {
                found = base.insert(base.end(), CalendarDraft{});
                found->table.name = name;
                found->table.zone_name = zones_[name];
            }
            merge(*found, more);
        }
        std::ranges::sort(base, {}, [](const CalendarDraft& each) { return each.table.name; });
        return base;
    }

private:
    bool is_known(Cells& cells, const std::string& name) {
        if (!zones_.contains(name)) {
            cells.refuse("calendars", fmt::format("names {}, which no row of the calendars defines", name));
        }
        return cells.ok();
    }
    static Result<void> done(const Cells& cells) {
        if (!cells.ok()) {
            return cells.failure();
        }
        return {};
    }

    /// Adds `more` to `rows` and `places`, and orders all by `key`.
    template <class T, class Key>
    static void put(std::vector<T>& rows, std::vector<ErrorPlace>& places, std::vector<Placed<T>>& more, Key key) {
        places.resize(rows.size());
        std::vector<Placed<T>> all;
        all.reserve(rows.size() + more.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            all.emplace_back(std::move(rows[i]), std::move(places[i]));
        }
        std::ranges::move(more, std::back_inserter(all));
        std::ranges::sort(all, {}, [&](const Placed<T>& each) { return key(each.first); });
        rows.clear();
        places.clear();
        for (auto& [row, place] : all) {
            rows.push_back(std::move(row));
            places.push_back(std::move(place));
        }
    }

    /// Takes what stands in `draft` of a set on dates `from` to `to` out of it.
    static void cut_out(CalendarDraft& draft, const std::string& set, Date from, Date to) {
        std::vector<SessionRow> rows;
        std::vector<ErrorPlace> places;
        draft.places.sessions.resize(draft.table.sessions.size());
        for (std::size_t i = 0; i < draft.table.sessions.size(); ++i) {
            const SessionRow& row = draft.table.sessions[i];
            const auto keep = [&](Date first, Date last) {
                if (first <= last) {
                    rows.push_back(row);
                    rows.back().from = first;
                    rows.back().to = last;
                    places.push_back(draft.places.sessions[i]);
                }
            };
            if (row.set != set || row.to < from || row.from > to) {
                keep(row.from, row.to);
                continue;
            }
            keep(row.from, Date{from.days - 1});
            if (to < row.to) {
                keep(Date{to.days + 1}, row.to);
            }
        }
        draft.table.sessions = std::move(rows);
        draft.places.sessions = std::move(places);
    }

    static void merge(CalendarDraft& draft, Additions& more) {
        const auto from = [](const KnownRow& row) { return row.from; };
        put(draft.table.trading_known, draft.places.trading_known, more.trading_known, from);
        put(draft.table.settlement_known, draft.places.settlement_known, more.settlement_known, from);

        std::map<std::string, std::pair<Date, Date>> dates_of_set;
        for (const auto& [row, place] : more.sessions) {
            const auto [found, is_new] = dates_of_set.try_emplace(row.set, row.from, row.to);
            found->second = {std::min(found->second.first, row.from), std::max(found->second.second, row.to)};
        }
        for (const auto& [set, dates] : dates_of_set) {
            cut_out(draft, set, dates.first, dates.second);
        }
        put(draft.table.sessions, draft.places.sessions, more.sessions,
            [](const SessionRow& row) { return std::tuple(row.set, row.from, row.open_s); });

        for (const auto& [day, place] : more.days) {
            std::vector<DayRow>& days = draft.table.days;
            const auto found = std::ranges::lower_bound(days, day.date, {}, &DayRow::date);
            if (found != days.end() && found->date == day.date) {
                draft.places.days.resize(days.size());
                draft.places.days.erase(draft.places.days.begin() + (found - days.begin()));
                days.erase(found);
            }
        }
        put(draft.table.days, draft.places.days, more.days, [](const DayRow& row) { return row.date; });
    }

    std::map<std::string, std::string> zones_;  // of every calendar, by name
    ByName read_;
};

}  // namespace

Result<std::vector<CalendarDraft>> read_calendars(const CalendarRows& rows, std::vector<CalendarDraft> base) {
    Reader reader(base);
    Result<void> good;
    const auto read = [&](const std::vector<Row>& all, Result<void> (Reader::*one)(const Row&)) {
        for (auto row = all.begin(); good && row != all.end(); ++row) {
            good = (reader.*one)(*row);
        }
    };
    read(rows.calendars, &Reader::calendar);
    read(rows.sessions, &Reader::session);
    read(rows.days, &Reader::day);
    if (!good) {
        return tl::unexpected(good.error());
    }
    return std::move(reader).over(std::move(base));
}

Result<std::vector<CalendarDraft>> built_in_calendars() {
    CalendarRows rows;
    struct Table {
        const char* file;
        std::string_view text;
        std::vector<Row>* rows;
    };
    for (const Table& table : {Table{"calendars.csv", embedded::kCalendarsCsv, &rows.calendars},
                               Table{"sessions.csv", embedded::kSessionsCsv, &rows.sessions},
                               Table{"days.csv", embedded::kDaysCsv, &rows.days}}) {
        Result<std::vector<Row>> read = read_csv_rows(fmt::format("(built in) {}", table.file), table.text);
        if (!read) {
            return tl::unexpected(read.error());
        }
        *table.rows = std::move(*read);
    }
    return read_calendars(rows);
}

}  // namespace alpha::markets
