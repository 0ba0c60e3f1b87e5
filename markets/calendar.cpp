#include "markets/calendar.hpp"

#include "events/assert.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <map>

namespace alpha::markets {
namespace {

constexpr std::int32_t kDayS = 86'400;
constexpr std::size_t kMaxRowsOfCalendar = 100'000;
constexpr std::size_t kMaxSessionRows = 4'096;  // they are compared in pairs
constexpr std::size_t kMaxZoneChanges = 10'000;
constexpr std::size_t kMaxPhasesOfDay = 64;
/// 1678-01-02 and 2261-12-30: a day to each side still has a midnight in any zone.
constexpr Date kFirstDate{-106'650};
constexpr Date kLastDate{106'649};

constexpr Date plus(Date date, std::int32_t days) {
    return Date{date.days + days};
}

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= 32 && std::ranges::all_of(name, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

/// What is wrong with a zone, or empty.
std::string fault_of(const Zone& zone) {
    if (zone.changes.empty() || zone.changes.size() > kMaxZoneChanges || zone.changes.front().from != kBeforeAll) {
        return "must begin with what holds before all time, and have at most 10,000 changes";
    }
    for (std::size_t i = 0; i < zone.changes.size(); ++i) {
        const ZoneChange& here = zone.changes[i];
        if (here.offset_s <= -kDayS || here.offset_s >= kDayS) {
            return "has an offset of a day or more";
        }
        // Neither the moments nor what the clocks show at the end of each stretch may go back.
        if (i != 0 && (here.from.ns < kFirstDate.days * kDayNs || here.from.ns > kLastDate.days * kDayNs ||
                       here.from <= zone.changes[i - 1].from)) {
            return "has changes that do not ascend or are out of range";
        }
        if (i >= 2 && here.from.ns + zone.changes[i - 1].offset_s * kSecondNs <=
                          zone.changes[i - 1].from.ns + zone.changes[i - 2].offset_s * kSecondNs) {
            return "has two changes within the hours that one repeats";
        }
    }
    return {};
}

}  // namespace

PhaseRules rules_of(Phase phase) {
    switch (phase) {
    case Phase::pre_open:
    case Phase::closing_entry: return {.takes_limit = true, .takes_market = true};
    case Phase::pre_open_limit:
    case Phase::closing_limit: return {.takes_limit = true};
    case Phase::pre_open_match:
    case Phase::closing_match: return {.trades = true};
    case Phase::continuous:
        return {.takes_limit = true, .takes_market = true, .takes_stop = true, .takes_ioc = true, .trades = true};
    case Phase::post_close: return {.takes_market = true, .trades = true};
    case Phase::unknown:
    case Phase::closed:
    case Phase::pre_open_buffer:
    case Phase::closing_reference: break;
    }
    return {};
}

// ---- making one -------------------------------------------------------------------------------------------------------

/// What make() looks for in a table, and how it says where.
struct Calendar::Check {
    const CalendarTable& table;
    const CalendarPlaces& places;

    tl::unexpected<Error> refuse(std::string_view what, const std::vector<ErrorPlace>& where, std::size_t row,
                                 std::string_view why) const {
        if (row < where.size()) {
            return refuse_at(where[row], fmt::format("calendar {}: {}", table.name, why));
        }
        return refuse_at({fmt::format("calendar {}, {} row {}", table.name, what, row + 1), 0, 0}, why);
    }

    Result<void> known(const std::vector<KnownRow>& rows, const std::vector<ErrorPlace>& where) const {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const KnownRow& row = rows[i];
            if (row.from > row.to || row.from < kFirstDate || row.to > kLastDate) {
                return refuse(
                    "calendars", where, i,
                    fmt::format("{} to {} is no range of days within 1678 to 2261", to_iso(row.from), to_iso(row.to)));
            }
            if (i != 0 && row.from <= rows[i - 1].to) {
                return refuse("calendars", where, i,
                              fmt::format("{} is said to be known twice, or the rows do not ascend", to_iso(row.from)));
            }
        }
        return {};
    }

    Result<void> session(std::size_t i) const {
        const SessionRow& row = table.sessions[i];
        const auto no = [&](std::string_view why) {
            return tl::make_unexpected(refuse("sessions", places.sessions, i, why).value());
        };
        if (!is_name(row.set)) {
            return no("a set needs a name of letters, digits and _");
        }
        if (row.from > row.to) {
            return no(fmt::format("it ends on {} before it begins on {}", to_iso(row.to), to_iso(row.from)));
        }
        if (row.phase == Phase::unknown || row.phase == Phase::closed ||
            static_cast<std::size_t>(row.phase) >= kPhases) {
            return no("it needs a phase in which something happens");
        }
        if (row.open_s >= row.close_s) {
            return no("it closes before it opens");
        }
        if (row.open_s < -kDayS || row.close_s > 2 * kDayS) {
            return no("it reaches further than a day before or after its date");
        }
        if (row.ends_from_s <= row.open_s || row.ends_from_s > row.close_s) {
            return no("its earliest end is not between its open and its close");
        }
        if (row.weekdays > 0x7F) {
            return no("a week has seven days");
        }
        if (i == 0) {
            return {};
        }
        const SessionRow& before = table.sessions[i - 1];
        if (row.set < before.set) {
            return no("sets are not in the order of their names");
        }
        if (row.set != before.set) {
            return {};
        }
        if (row.weekdays != before.weekdays) {
            return no(fmt::format("set {} has other weekdays in the row before", row.set));
        }
        if (std::pair(row.from, row.open_s) < std::pair(before.from, before.open_s)) {
            return no("rows of a set do not ascend by from, then open");
        }
        for (std::size_t j = i; j > 0; --j) {
            const SessionRow& other = table.sessions[j - 1];
            if (other.set != row.set) {
                break;
            }
            if (row.from <= other.to && other.from <= row.to && row.open_s < other.close_s &&
                other.open_s < row.close_s) {
                return no(fmt::format("on {} it overlaps with the set's {} from {}",
                                      to_iso(std::max(row.from, other.from)), name_of(other.phase),
                                      to_iso(other.from)));
            }
        }
        return {};
    }

    Result<void> day(std::size_t i) const {
        const DayRow& row = table.days[i];
        const auto no = [&](std::string_view why) {
            return tl::make_unexpected(
                refuse("days", places.days, i, fmt::format("{}: {}", to_iso(row.date), why)).value());
        };
        if (i != 0 && row.date <= table.days[i - 1].date) {
            return no(row.date == table.days[i - 1].date ? "the day is listed twice" : "days do not ascend");
        }
        if (row.kind == DayKind::unknown || row.kind == DayKind::closed || row.kind > DayKind::hours_unknown) {
            return no("a day is a holiday, regular, special or hours_unknown");
        }
        if (row.kind == DayKind::special && row.set.empty()) {
            return no("a special day needs a set of sessions");
        }
        if (row.kind != DayKind::special && !row.set.empty()) {
            return no(fmt::format("a day that is {} has no set of its own", name_of(row.kind)));
        }
        const auto covers = [&](const KnownRow& known) { return known.from <= row.date && row.date <= known.to; };
        if (std::ranges::none_of(table.trading_known, covers)) {
            return no("the calendar does not say that it knows this day");
        }
        return {};
    }

    Result<void> all(const Zone& zone) const {
        if (!is_name(table.name)) {
            return refuse_at({"calendar '" + table.name.substr(0, 32) + "'", 0, 0},
                             "its name must be of at most 32 letters, digits and _");
        }
        const std::string of_zone = fault_of(zone);
        if (zone.name != table.zone_name || !of_zone.empty()) {
            return refuse_at({"calendar " + table.name, 0, 0},
                             of_zone.empty() ? fmt::format("it is in {}, not in {}", table.zone_name, zone.name)
                                             : fmt::format("time zone {} {}", zone.name, of_zone));
        }
        if (table.trading_known.empty()) {
            return refuse_at({"calendar " + table.name, 0, 0}, "it knows no day");
        }
        if (table.sessions.size() > kMaxSessionRows || table.days.size() > kMaxRowsOfCalendar ||
            table.trading_known.size() + table.settlement_known.size() > kMaxRowsOfCalendar) {
            return refuse_at(
                {"calendar " + table.name, 0, 0},
                fmt::format("it has more than {} sessions or {} other rows", kMaxSessionRows, kMaxRowsOfCalendar));
        }
        Result<void> good = known(table.trading_known, places.trading_known);
        if (good) {
            good = known(table.settlement_known, places.settlement_known);
        }
        for (std::size_t i = 0; good && i < table.sessions.size(); ++i) {
            good = session(i);
        }
        for (std::size_t i = 0; good && i < table.days.size(); ++i) {
            good = day(i);
        }
        return good;
    }
};

Result<Calendar> Calendar::make(CalendarTable table, Zone zone, const CalendarPlaces& places) {
    const Check check{table, places};
    if (const Result<void> good = check.all(zone); !good) {
        return tl::unexpected(good.error());
    }
    Calendar made;
    const auto join = [](const std::vector<KnownRow>& rows, std::vector<Run>& runs) {
        for (const KnownRow& row : rows) {
            if (!runs.empty() && plus(runs.back().to, 1) == row.from) {
                runs.back().to = row.to;
            } else {
                runs.push_back({row.from, row.to});
            }
        }
    };
    join(table.trading_known, made.trading_runs_);
    join(table.settlement_known, made.settlement_runs_);
    for (std::size_t i = 0; i < table.settlement_known.size(); ++i) {
        const KnownRow& row = table.settlement_known[i];
        const Run* run = run_of(made.trading_runs_, row.from);
        if (run == nullptr || row.to > run->to) {
            return check.refuse("calendars", places.settlement_known, i,
                                "its settlement cannot be known on days whose trading is not");
        }
    }

    // Rows of one set stand together.
    struct Set {
        std::string_view name;
        std::size_t begin;
        std::size_t end;
        std::uint8_t weekdays;
    };
    std::vector<Set> sets;
    for (std::size_t i = 0; i < table.sessions.size(); ++i) {
        const SessionRow& row = table.sessions[i];
        if (sets.empty() || sets.back().name != row.set) {
            sets.push_back({row.set, i, i, row.weekdays});
        }
        sets.back().end = i + 1;
    }
    const auto hours_of = [&](const Set& set, Date date) {
        Pattern hours;
        for (std::size_t i = set.begin; i < set.end; ++i) {
            const SessionRow& row = table.sessions[i];
            if (row.from <= date && date <= row.to) {
                hours.push_back({row.phase, row.open_s, row.close_s, row.ends_from_s});
            }
        }
        std::ranges::sort(hours, {}, &Hours::open_s);
        return hours;
    };

    made.first_ = made.trading_runs_.front().from;
    made.entries_.resize(static_cast<std::size_t>(made.trading_runs_.back().to.days - made.first_.days) + 1);
    made.patterns_.emplace_back();
    std::map<Pattern, std::uint16_t> numbers;
    std::int32_t last_close_s = -2 * kDayS;  // of the day before, after its midnight
    auto listed = table.days.begin();
    for (const Run& run : made.trading_runs_) {
        last_close_s = -2 * kDayS;
        for (Date date = run.from; date <= run.to; date = plus(date, 1)) {
            const DayRow* row = nullptr;
            if (listed != table.days.end() && listed->date == date) {
                row = &*listed++;
            }
            const auto no = [&](std::string_view why) {
                const std::string what = fmt::format("{}: {}", to_iso(date), why);
                return row == nullptr
                           ? refuse_at({"calendar " + table.name, 0, 0}, what)
                           : check.refuse("days", places.days, static_cast<std::size_t>(row - table.days.data()), what);
            };
            DayEntry& entry = made.entries_[static_cast<std::size_t>(date.days - made.first_.days)];
            Pattern hours;
            if (row != nullptr && row->kind == DayKind::special) {
                const auto set = std::ranges::find(sets, row->set, &Set::name);
                if (set != sets.end()) {
                    hours = hours_of(*set, date);
                }
                if (hours.empty()) {
                    return no(fmt::format("set {} has no sessions on this day", row->set));
                }
                entry.kind = DayKind::special;
            } else if (row != nullptr && row->kind != DayKind::regular) {
                entry.kind = row->kind;
            } else {
                bool has_hours = false;  // a set whose weekday it is
                for (const Set& set : sets) {
                    if ((set.weekdays >> static_cast<unsigned>(weekday_of(date)) & 1U) == 0) {
                        continue;
                    }
                    has_hours = true;
                    Pattern more = hours_of(set, date);
                    if (!hours.empty() && !more.empty()) {
                        return no("two sets of sessions apply");
                    }
                    hours = hours.empty() ? std::move(more) : std::move(hours);
                }
                if (has_hours && hours.empty()) {
                    return no("it is known and its weekday trades, but it has no sessions");
                }
                if (!has_hours && row != nullptr) {
                    return no("it is listed as regular, but its weekday does not trade");
                }
                entry.kind = has_hours ? DayKind::regular : DayKind::closed;
            }
            if (!hours.empty()) {
                if (hours.size() > kMaxPhasesOfDay) {
                    return no(fmt::format("a day has at most {} phases", kMaxPhasesOfDay));
                }
                if (hours.front().open_s < last_close_s) {
                    return no("it opens before the day before has closed");
                }
                made.begins_the_day_before_ |= hours.front().open_s < 0;
                made.ends_the_day_after_ |= hours.back().close_s > kDayS;
                const auto [number, is_new] =
                    numbers.try_emplace(hours, static_cast<std::uint16_t>(made.patterns_.size()));
                if (is_new) {
                    if (made.patterns_.size() > 0xFFFF) {
                        return no("too many kinds of days");
                    }
                    made.patterns_.push_back(hours);
                }
                entry.pattern = number->second;
            }
            // What ended earlier days matters less a day later.
            last_close_s = std::max(hours.empty() ? -2 * kDayS : hours.back().close_s, last_close_s) - kDayS;
            if (entry.kind == DayKind::regular || entry.kind == DayKind::special ||
                entry.kind == DayKind::hours_unknown) {
                made.trading_days_.push_back(date);
            }
            if (run_of(made.settlement_runs_, date) != nullptr) {
                const bool settles = row == nullptr ? entry.kind == DayKind::regular : row->settles;
                entry.settles = settles ? 2 : 1;
                if (settles) {
                    made.settlement_days_.push_back(date);
                }
            }
        }
    }
    made.table_ = std::move(table);
    made.zone_ = std::move(zone);
    return made;
}

// ---- questions --------------------------------------------------------------------------------------------------------

const Calendar::DayEntry* Calendar::entry(Date date) const {
    const std::int64_t at = std::int64_t{date.days} - first_.days;
    return at < 0 || at >= static_cast<std::int64_t>(entries_.size()) ? nullptr
                                                                      : &entries_[static_cast<std::size_t>(at)];
}

const Calendar::Run* Calendar::run_of(const std::vector<Run>& runs, Date date) {
    const auto after = std::ranges::upper_bound(runs, date, {}, &Run::from);
    return after == runs.begin() || date > std::prev(after)->to ? nullptr : &*std::prev(after);
}

Day Calendar::day(Date date) const {
    const DayEntry* found = entry(date);
    if (found == nullptr) {
        return {date, DayKind::unknown, std::nullopt};
    }
    return {date, found->kind, found->settles == 0 ? std::nullopt : std::optional<bool>(found->settles == 2)};
}

const DayRow* Calendar::listed(Date date) const {
    const auto found = std::ranges::lower_bound(table_.days, date, {}, &DayRow::date);
    return found == table_.days.end() || found->date != date ? nullptr : &*found;
}

std::vector<const SessionRow*> Calendar::sessions_on(Date date) const {
    std::vector<const SessionRow*> rows;
    const Day that = day(date);
    if (that.kind != DayKind::regular && that.kind != DayKind::special) {
        return rows;
    }
    const unsigned weekday = 1U << static_cast<unsigned>(weekday_of(date));
    for (const SessionRow& row : table_.sessions) {
        const bool applies =
            that.kind == DayKind::special ? row.set == listed(date)->set : (row.weekdays & weekday) != 0;
        if (applies && row.from <= date && date <= row.to) {
            rows.push_back(&row);
        }
    }
    std::ranges::sort(rows, {}, [](const SessionRow* row) { return row->open_s; });
    return rows;
}

std::vector<PhaseTimes> Calendar::phases_on(Date date) const {
    std::vector<PhaseTimes> phases;
    if (const DayEntry* found = entry(date); found != nullptr) {
        for (const Hours& hours : pattern_of(*found)) {
            phases.push_back({hours.phase, zone_.utc_of(date, hours.open_s), zone_.utc_of(date, hours.close_s),
                              zone_.utc_of(date, hours.ends_from_s)});
        }
    }
    return phases;
}

std::optional<DayHours> Calendar::hours_on(Date date) const {
    const std::vector<PhaseTimes> phases = phases_on(date);
    if (phases.empty()) {
        return std::nullopt;
    }
    DayHours hours{phases.front().open, phases.front().open, phases.back().close, phases.back().close};
    const auto is_continuous = [](const PhaseTimes& times) { return times.phase == Phase::continuous; };
    if (const auto first = std::ranges::find_if(phases, is_continuous); first != phases.end()) {
        hours.open = first->open;
        hours.close = std::find_if(phases.rbegin(), phases.rend(), is_continuous)->close;
    }
    return hours;
}

Time Calendar::ends(Date date) const {
    Time end = zone_.utc_of(plus(date, 1), 0);
    if (const DayEntry* found = entry(date); found != nullptr && found->pattern != 0) {
        end = std::max(end, zone_.utc_of(date, pattern_of(*found).back().close_s));
    }
    if (const DayEntry* next = entry(plus(date, 1)); next != nullptr && next->pattern != 0) {
        end = std::min(end, zone_.utc_of(plus(date, 1), pattern_of(*next).front().open_s));
    }
    return end;
}

Time Calendar::closes(Date date) const {
    const DayEntry* const found = entry(date);
    const Pattern* const pattern = found == nullptr ? &patterns_.front() : &pattern_of(*found);
    const auto trades = [](const Hours& hours) {
        return hours.phase == Phase::continuous || hours.phase == Phase::closing_match;
    };
    if (const auto last = std::find_if(pattern->rbegin(), pattern->rend(), trades); last != pattern->rend()) {
        return zone_.utc_of(date, last->close_s);
    }
    return pattern->empty() ? ends(date) : zone_.utc_of(date, pattern->back().close_s);
}

Moment Calendar::inside(Date date, const Pattern& pattern, Time t) const {
    Moment moment{date, entry(date)->kind, Phase::closed, kNever};
    for (const Hours& hours : pattern) {
        if (const Time open = zone_.utc_of(date, hours.open_s); t < open) {
            moment.until = open;  // between two sessions
            break;
        }
        if (const Time close = zone_.utc_of(date, hours.close_s); t < close) {
            moment.phase = hours.phase;
            moment.until = close;
            break;
        }
    }
    return moment;
}

Moment Calendar::at(Time t) const {
    // No calendar reaches beyond what Time can hold less a few days: such times are answered as the last that are held.
    const Time held = std::clamp(t, Time{kFirstDate.days * kDayNs}, Time{kLastDate.days * kDayNs});
    Date civil = TradingHours{zone_.offset_s_at(held)}.date_of(held);
    if (held >=
        zone_.utc_of(plus(civil, 1), 0)) {  // clocks went back over midnight: the new day has begun all the same
        civil = plus(civil, 1);
    }
    const std::int32_t from = ends_the_day_after_ ? -1 : 0;
    const std::int32_t to = begins_the_day_before_ ? 1 : 0;
    for (std::int32_t shift = from; shift <= to; ++shift) {
        const Date date = plus(civil, shift);
        const DayEntry* found = entry(date);
        if (found == nullptr || found->pattern == 0) {
            continue;
        }
        const Pattern& pattern = pattern_of(*found);
        if (held >= zone_.utc_of(date, pattern.front().open_s) && held < zone_.utc_of(date, pattern.back().close_s)) {
            return inside(date, pattern, held);
        }
    }
    const DayKind kind = day(civil).kind;
    const bool says_nothing = kind == DayKind::unknown || kind == DayKind::hours_unknown;
    Moment moment{civil, kind, says_nothing ? Phase::unknown : Phase::closed, zone_.utc_of(plus(civil, 1), 0)};
    if (const std::optional<Time> opens = opening_after(civil, held); opens) {
        moment.until = std::min(moment.until, *opens);
    }
    if (held != t) {
        moment.until = t < held ? held : kNever;
    }
    return moment;
}

/// When the next trading day from `civil` on opens after `t`: at its first phase, or with the day itself where nobody knows its hours.
std::optional<Time> Calendar::opening_after(Date civil, Time t) const {
    for (auto each = std::ranges::lower_bound(trading_days_, civil); each != trading_days_.end(); ++each) {
        const Pattern& pattern = pattern_of(*entry(*each));
        if (const Time opens = zone_.utc_of(*each, pattern.empty() ? 0 : pattern.front().open_s); opens > t) {
            return opens;
        }
    }
    return std::nullopt;
}

std::optional<Time> Calendar::next_change(Time t) const {
    Moment moment = at(t);
    const Phase phase = moment.phase;
    while (moment.phase == phase) {
        const Run* run = run_of(trading_runs_, moment.date);
        if (run == nullptr) {
            const auto later = std::ranges::upper_bound(trading_runs_, moment.date, {}, &Run::from);
            if (later == trading_runs_.end()) {
                return std::nullopt;
            }
            t = std::min(zone_.utc_of(later->from, 0), opening_after(moment.date, t).value_or(kNever));
        } else if (const Moment next = at(moment.until);
                   phase == Phase::closed && next.phase == Phase::closed && next.date != moment.date) {
            // Nights and holidays are passed over at once.
            t = std::min(zone_.utc_of(plus(run->to, 1), 0), opening_after(moment.date, t).value_or(kNever));
        } else {
            t = moment.until;
        }
        moment = at(t);
    }
    return t;
}

std::optional<Date> Calendar::next_trading_day(Date date) const {
    const Run* run = run_of(trading_runs_, date);
    const auto after = std::ranges::upper_bound(trading_days_, date);
    return run == nullptr || after == trading_days_.end() || *after > run->to ? std::nullopt : std::optional(*after);
}

std::optional<Date> Calendar::previous_trading_day(Date date) const {
    const Run* run = run_of(trading_runs_, date);
    const auto here = std::ranges::lower_bound(trading_days_, date);
    return run == nullptr || here == trading_days_.begin() || *std::prev(here) < run->from
               ? std::nullopt
               : std::optional(*std::prev(here));
}

std::optional<Date> Calendar::settlement_date(Date date, int n) const {
    ALPHA_ASSERT(n >= 0, "a trade does not settle before it is made");
    const Run* run = run_of(settlement_runs_, date);
    const auto first =
        n == 0 ? std::ranges::lower_bound(settlement_days_, date) : std::ranges::upper_bound(settlement_days_, date);
    const std::int64_t steps = std::max(n - 1, 0);
    if (run == nullptr || settlement_days_.end() - first <= steps || *(first + steps) > run->to) {
        return std::nullopt;
    }
    return *(first + steps);
}

// ---- what is asked of an instrument -----------------------------------------------------------------------------------

Time DayTimes::open_on(Date date) const {
    if (calendar_ == nullptr) {
        return hours_.open_on(date);
    }
    const std::optional<DayHours> hours = calendar_->hours_on(date);
    return hours ? hours->open : calendar_->zone().utc_of(date, 0);
}

Phase DayTimes::phase_of(const Moment& moment) const {
    const bool is_pre_open = moment.phase >= Phase::pre_open && moment.phase <= Phase::pre_open_buffer;
    if (!is_pre_open ||
        (kind_ != InstrumentKind::future && kind_ != InstrumentKind::call && kind_ != InstrumentKind::put)) {
        return moment.phase;
    }
    const auto month_of = [](Date date) {
        const std::chrono::year_month_day day{std::chrono::sys_days{std::chrono::days{date.days}}};
        return std::pair(day.year(), day.month());
    };
    const bool joins = kind_ == InstrumentKind::future && month_of(expiry_) == month_of(moment.date);
    return joins ? moment.phase : Phase::closed;
}

bool DayTimes::trades(const Moment& moment) const {
    const Phase phase = phase_of(moment);
    return phase == Phase::unknown ? unknown_ == UnknownDays::lenient
                                   : rules_of(phase).trades && phase != Phase::post_close;
}

Result<Calendars> Calendars::make(const MarketRules& rules) {
    Calendars calendars;
    calendars.unknown_ = rules.unknown_days;
    for (const CalendarRules& each : rules.calendars) {
        Result<Calendar> made = Calendar::make(each.table, each.zone);
        if (!made) {
            return tl::unexpected(made.error());
        }
        calendars.by_name_.emplace(each.table.name, std::make_shared<const Calendar>(std::move(*made)));
    }
    return calendars;
}

DayTimes Calendars::times_of(const Instrument& instrument) const {
    const auto found = by_name_.find(instrument.calendar);
    return found == by_name_.end() ? DayTimes(instrument.hours) : DayTimes(found->second, unknown_, instrument);
}

}  // namespace alpha::markets
