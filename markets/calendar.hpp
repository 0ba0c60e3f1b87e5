#pragma once
/// When a market trades: which days, which hours, and what an order can do in each. A calendar is a dated table (markets/data/*.csv or a
/// user's file of the same form) and a time zone's changes; with both, every question is answered without a clock, a file or a guess.
/// What the table does not say is an answer of its own: unknown.
///
/// A **trading date** is the exchange's own name of a day. It is the civil date of the market's zone, unless a session reaches over
/// midnight: what trades from 18:00 on Sunday may be Monday's. Hours are held as the wall clock of the zone shows them and turned into UTC
/// for each date, so New York's hours move with daylight saving and India's do not. A date begins when the clocks first show its midnight.
///
/// | question                          | asked by                        | cost                 |
/// |-----------------------------------|---------------------------------|----------------------|
/// | which day, which phase, till when | at(t)                           | O(log zone changes)  |
/// | what kind of day; does it settle  | day(date)                       | O(1)                 |
/// | all phases of a day               | phases_on(date), hours_on(date) | O(phases of the day) |
/// | when does the phase change        | next_change(t)                  | O(log days)          |
/// | next, previous trading day        | next_trading_day, ...           | O(log days)          |
/// | when does a trade settle          | settlement_date(date, n)        | O(log days)          |
///
/// Who keeps a Moment needs to ask again only at its `until`.

#include "events/result.hpp"
#include "events/time.hpp"
#include "markets/rows.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace alpha::markets {

// ---- phases -----------------------------------------------------------------------------------------------------------

/// What a market does at a moment. The numbers may be written to logs and never change.
enum class Phase : std::uint8_t {
    unknown = 0,          ///< the calendar does not say
    closed = 1,           ///< no phase: before, between and after sessions
    pre_open = 2,         ///< orders are collected for the opening price
    pre_open_limit = 3,   ///< as pre_open, limit orders alone; market orders stay as they are (India, from 2026-09-07)
    pre_open_match = 4,   ///< the opening price is found
    pre_open_buffer = 5,  ///< between the opening price and the opening
    continuous = 6,       ///< orders meet as they come
    closing_reference =
        7,  ///< closing auction: the reference price is being found, nothing is entered (India, from 2026-08-03)
    closing_entry = 8,   ///< closing auction: orders are collected
    closing_limit = 9,   ///< closing auction: limit orders alone; market orders stay as they are
    closing_match = 10,  ///< closing auction: the closing price is found
    post_close = 11      ///< trades at the closing price
};
inline constexpr std::size_t kPhases = 12;
/// "pre_open", as tables spell it.
std::string_view name_of(Phase phase);

/// What an order can do in a phase. India: NSE/CMTR/73362 and 74466 (closing auction: no stop, IOC or disclosed orders; market orders
/// frozen in the last part), NSE/FAOP/71092 and NSE/CMTR/74969 (pre-open); post-close takes orders at the closing price alone.
struct PhaseRules {
    bool takes_limit = false;   ///< new limit orders
    bool takes_market = false;  ///< new market orders; in post_close they trade at the closing price
    bool takes_stop = false;    ///< new stop orders
    bool takes_ioc = false;     ///< orders that are filled at once or not at all
    bool trades = false;        ///< orders can be filled
    friend bool operator==(const PhaseRules&, const PhaseRules&) = default;
};
PhaseRules rules_of(Phase phase);

/// 0 Monday to 6 Sunday. 1970-01-01 was a Thursday.
constexpr int weekday_of(Date date) {
    return ((date.days + 3) % 7 + 7) % 7;
}

// ---- the table --------------------------------------------------------------------------------------------------------

/// In a SessionRow: as long as the calendar is known.
inline constexpr Date kNoLastDate{std::numeric_limits<std::int32_t>::max()};

/// A time zone, as whoever loads a calendar hands it in (config/zones.hpp makes one of the system's tz database).
struct ZoneChange {
    Time from;                  ///< kBeforeAll for the first
    std::int32_t offset_s = 0;  ///< local time less UTC, within a day
    friend bool operator==(const ZoneChange&, const ZoneChange&) = default;
};
struct Zone {
    std::string name;                 ///< IANA's, such as America/New_York
    std::vector<ZoneChange> changes;  ///< ascending

    /// Seconds from UTC at `t`. Requires a zone that Calendar::make took.
    std::int32_t offset_s_at(Time t) const;
    /// When the clocks of the zone show `second` on `date`. What they show twice is the first time; what they skip is the moment of the
    /// change.
    Time utc_of(Date date, std::int32_t second) const;
    friend bool operator==(const Zone&, const Zone&) = default;
};

/// Days of which something is known.
struct KnownRow {
    Date from;
    Date to;  ///< inclusive
    Source source;
    friend bool operator==(const KnownRow&, const KnownRow&) = default;
};

/// One phase of a set of sessions, on trading dates `from` to `to`. Times are seconds after local midnight of the trading date, from -1
/// day to +2 days.
struct SessionRow {
    std::string set;  ///< "regular", "muhurat", ...
    std::uint8_t weekdays =
        0;  ///< bit 0 Monday to bit 6 Sunday: days on which the set applies by itself; the same for a whole set
    Date from;
    Date to = kNoLastDate;  ///< inclusive
    Phase phase = Phase::unknown;
    std::int32_t open_s = 0;
    std::int32_t close_s = 0;      ///< exclusive
    std::int32_t ends_from_s = 0;  ///< the phase may end by chance from here on; close_s where it does not
    Source source;
    friend bool operator==(const SessionRow&, const SessionRow&) = default;
};

/// The numbers may be written to logs and never change.
enum class DayKind : std::uint8_t {
    unknown = 0,       ///< the calendar does not know this day
    closed = 1,        ///< as every week: a Saturday, a Sunday
    holiday = 2,       ///< closed, though its weekday trades
    regular = 3,       ///< the hours of its weekday
    special = 4,       ///< hours of its own: Muhurat, a drill, half a day, an evening session
    hours_unknown = 5  ///< trades, but nobody said when
};
/// "hours_unknown"
std::string_view name_of(DayKind kind);

/// A day that differs from what its weekday says.
struct DayRow {
    Date date;
    DayKind kind = DayKind::holiday;  ///< holiday, regular (of interest for `settles`), special or hours_unknown
    std::string set;                  ///< of a special day, else empty
    bool settles = false;             ///< whether funds and shares change hands
    std::string name;                 ///< "Diwali"
    Source source;
    friend bool operator==(const DayRow&, const DayRow&) = default;
};

/// All that decides, as plain values: event 0 can hold it field by field.
struct CalendarTable {
    std::string name;                        ///< "NSE_EQ": letters, digits and _
    std::string zone_name;                   ///< IANA's
    std::vector<KnownRow> trading_known;     ///< ascending, apart
    std::vector<KnownRow> settlement_known;  ///< ascending, apart, each within days whose trading is known
    std::vector<SessionRow> sessions;        ///< by set, then ascending by from and open
    std::vector<DayRow> days;                ///< ascending by date
    friend bool operator==(const CalendarTable&, const CalendarTable&) = default;
};

/// Where the rows of a CalendarTable stand, in parallel to them; a table that was read from no file has none.
struct CalendarPlaces {
    std::vector<ErrorPlace> trading_known;
    std::vector<ErrorPlace> settlement_known;
    std::vector<ErrorPlace> sessions;
    std::vector<ErrorPlace> days;
};

/// A table as read, which no zone has been given yet.
struct CalendarDraft {
    CalendarTable table;
    CalendarPlaces places;
};

/// Rows of the three kinds of tables (markets/data/ says which columns each has).
struct CalendarRows {
    std::vector<Row> calendars;
    std::vector<Row> sessions;
    std::vector<Row> days;
};

/// Reads calendars, by name. Rows may also change calendars of `base`, which come along: a day replaces the day of the same date; sessions
/// replace the set of their name from their first `from` to their last `to`; days become known that were not. Refuses, with file:line, what cannot be read, unsorted rows
/// and a calendar that nobody defines; Calendar::make refuses what contradicts itself.
Result<std::vector<CalendarDraft>> read_calendars(const CalendarRows& rows, std::vector<CalendarDraft> base = {});

/// The calendars of the program, by name: BSE_EQ, BSE_EQ_CAS, BSE_FO, MCX, NSE_CD, NSE_EQ, NSE_EQ_CAS, NSE_FO, XNYS. The ones in _CAS
/// are for shares that have derivatives. Which phases of a calendar an instrument takes part in (no pre-open for options) is the
/// instrument's matter.
Result<std::vector<CalendarDraft>> built_in_calendars();

// ---- the calendar -----------------------------------------------------------------------------------------------------

struct Day {
    Date date;
    DayKind kind = DayKind::unknown;
    std::optional<bool> settles;  ///< none: not known

    /// Whether the market opens at all; hours_unknown counts.
    bool trades() const {
        return kind == DayKind::regular || kind == DayKind::special || kind == DayKind::hours_unknown;
    }
    bool is_known() const { return kind != DayKind::unknown; }
    friend bool operator==(const Day&, const Day&) = default;
};

/// What is true from a moment on, and until when it surely stays so.
struct Moment {
    Date date;  ///< trading date; outside of sessions the civil date
    DayKind kind = DayKind::unknown;
    Phase phase = Phase::unknown;
    Time until = kNever;  ///< the first moment at which any of it may change
    friend bool operator==(const Moment&, const Moment&) = default;
};

/// [open, close) of a phase of one day.
struct PhaseTimes {
    Phase phase = Phase::unknown;
    Time open;
    Time close;
    Time ends_from;  ///< the phase may end by chance from here on; equal to close where it does not
    friend bool operator==(const PhaseTimes&, const PhaseTimes&) = default;
};

/// The bounds of a day that trades.
struct DayHours {
    Time first;  ///< its first phase opens
    Time open;   ///< continuous trading opens; as `first` where there is none
    Time close;  ///< continuous trading closes for the day; as `last` where there is none
    Time last;   ///< its last phase closes: nothing happens on this trading date any more
    friend bool operator==(const DayHours&, const DayHours&) = default;
};

/// Immutable; copies are cheap enough to keep one an owner (4 bytes a known day).
class Calendar {
public:
    /// Refuses (kind data) a table that contradicts itself: by its place, or as "calendar NSE_EQ, sessions row 3" where it has none.
    static Result<Calendar> make(CalendarTable table, Zone zone, const CalendarPlaces& places = {});

    const std::string& name() const { return table_.name; }
    const CalendarTable& table() const { return table_; }
    const Zone& zone() const { return zone_; }

    Day day(Date date) const;
    bool knows(Date date) const { return day(date).is_known(); }
    /// The row of days.csv that says why a day is not as others; null: none does.
    const DayRow* listed(Date date) const;
    /// The rows that give the day its hours, in the order of phases_on: where they come from, how sure they are.
    std::vector<const SessionRow*> sessions_on(Date date) const;

    /// Which trading date it is, which phase, and until when. Any time may be asked for.
    Moment at(Time t) const;
    /// The first moment after `t` at which the phase is another than at `t`; none where the calendar knows nothing from `t` on. To become
    /// unknown is a change.
    std::optional<Time> next_change(Time t) const;
    /// Ascending and disjoint; empty on a day that is closed or whose hours are not known.
    std::vector<PhaseTimes> phases_on(Date date) const;
    /// None on a day that is closed or whose hours are not known.
    std::optional<DayHours> hours_on(Date date) const;

    /// The first trading day after `date`, none where a day between, or `date` itself, is not known.
    std::optional<Date> next_trading_day(Date date) const;
    /// The last trading day before `date`, likewise.
    std::optional<Date> previous_trading_day(Date date) const;
    /// The day on which a trade of `date` settles at T+n: the n-th day after it that settles (for 0: `date`, or the first after it that
    /// does). None where it is not known of a day between whether it settles. Requires n >= 0.
    std::optional<Date> settlement_date(Date date, int n) const;

private:
    struct Hours {
        Phase phase;
        std::int32_t open_s;
        std::int32_t close_s;
        std::int32_t ends_from_s;
        auto operator<=>(const Hours&) const = default;
    };
    using Pattern = std::vector<Hours>;  // of one day, ascending
    struct DayEntry {
        DayKind kind = DayKind::unknown;
        std::uint8_t settles = 0;  // 0 not known, 1 no, 2 yes
        std::uint16_t pattern = 0;
    };
    struct Run {  // of days that are known, without a gap
        Date from;
        Date to;
    };
    struct Check;

    Calendar() = default;
    const DayEntry* entry(Date date) const;
    const Pattern& pattern_of(const DayEntry& entry) const { return patterns_[entry.pattern]; }
    Moment inside(Date date, const Pattern& pattern, Time t) const;
    std::optional<Time> opening_after(Date civil, Time t) const;
    static const Run* run_of(const std::vector<Run>& runs, Date date);

    CalendarTable table_;
    Zone zone_;
    // What follows from both:
    Date first_;                     // of entries_
    std::vector<DayEntry> entries_;  // a day each
    std::vector<Pattern> patterns_;  // the first is empty
    std::vector<Run> trading_runs_;
    std::vector<Run> settlement_runs_;
    std::vector<Date> trading_days_;
    std::vector<Date> settlement_days_;
    bool begins_the_day_before_ = false;  // some pattern does
    bool ends_the_day_after_ = false;
};

}  // namespace alpha::markets
