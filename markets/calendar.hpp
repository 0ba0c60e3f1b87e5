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

#include "events/instrument.hpp"
#include "events/market.hpp"
#include "events/result.hpp"
#include "events/time.hpp"
#include "markets/rows.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alpha::markets {

// ---- phases -----------------------------------------------------------------------------------------------------------

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
/// Whether one price is found at which all orders meet that were collected.
constexpr bool is_auction(Phase phase) {
    return phase == Phase::pre_open_match || phase == Phase::closing_match;
}

/// 0 Monday to 6 Sunday. 1970-01-01 was a Thursday.
constexpr int weekday_of(Date date) {
    return ((date.days + 3) % 7 + 7) % 7;
}

// ---- the table --------------------------------------------------------------------------------------------------------

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
    /// When trading ends on this date: with the closing auction's match, else with continuous trading; what is traded at the closing price
    /// afterwards does not count. As `ends` where nobody knows hours. O(phases of the day).
    Time closes(Date date) const;
    /// The first moment that belongs to a later date: local midnight, or where a session reaches over that, its open or close.
    Time ends(Date date) const;

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
    friend bool operator==(const Calendar& a, const Calendar& b) { return a.table_ == b.table_ && a.zone_ == b.zone_; }
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

// ---- what is asked of an instrument -----------------------------------------------------------------------------------------

/// When an instrument trades: by a calendar, or in the same hours every day. Whoever asks which day it is, whether it is open, or when it
/// ends, asks here. Copies are cheap.
class DayTimes {
public:
    /// Every day the same.
    DayTimes(TradingHours hours = {}) : hours_(hours) {}  // NOLINT(google-explicit-constructor)
    /// Of a calendar, and what days are of which it knows nothing.
    DayTimes(std::shared_ptr<const Calendar> calendar, UnknownDays unknown, const Instrument& instrument)
        : calendar_(std::move(calendar)), unknown_(unknown), kind_(instrument.kind), expiry_(instrument.expiry) {}

    /// Null where the hours are the same every day.
    const Calendar* calendar() const { return calendar_.get(); }
    const TradingHours& hours() const { return hours_; }

    Date date_of(Time t) const { return calendar_ == nullptr ? hours_.date_of(t) : calendar_->at(t).date; }
    /// The bounds of trading on a date. Of a day that is closed or not known: of the whole day.
    Time open_on(Date date) const;
    Time close_on(Date date) const { return calendar_ == nullptr ? hours_.close_on(date) : calendar_->closes(date); }
    /// The first moment of a later date.
    Time end_of(Date date) const {
        return calendar_ == nullptr ? hours_.midnight(Date{date.days + 1}) : calendar_->ends(date);
    }
    /// Whether orders can fill.
    bool is_open_at(Time t) const { return calendar_ == nullptr ? hours_.is_open_at(t) : trades(calendar_->at(t)); }
    /// Whether it is open at every moment of every day.
    bool is_always_open() const { return calendar_ == nullptr && hours_.whole_day(); }

    // Of a moment that the calendar gave. Requires one.

    /// The phase, as far as the instrument takes part in it: of derivatives only futures of the present month have a pre-opening, for others
    /// the market is closed then (NSE/FAOP/71092; of the next month's, which join in the last days, nothing is known here).
    Phase phase_of(const Moment& moment) const;
    bool trades(const Moment& moment) const;
    /// Whether a moment's date is one of trading.
    bool opens(const Moment& moment) const { return moment.kind != DayKind::closed && moment.kind != DayKind::holiday; }
    /// Whether the moment's day is not known, and that is no reason to trade.
    bool refuses(const Moment& moment) const {
        return unknown_ == UnknownDays::strict && moment.phase == Phase::unknown;
    }

    friend bool operator==(const DayTimes& a, const DayTimes& b) {
        const bool is_same_calendar = a.calendar_ == b.calendar_ || (a.calendar_ != nullptr && b.calendar_ != nullptr &&
                                                                     *a.calendar_ == *b.calendar_);
        return a.hours_ == b.hours_ && a.unknown_ == b.unknown_ && a.kind_ == b.kind_ && a.expiry_ == b.expiry_ &&
               is_same_calendar;
    }

private:
    TradingHours hours_;
    std::shared_ptr<const Calendar> calendar_;
    UnknownDays unknown_ = UnknownDays::lenient;
    InstrumentKind kind_ = InstrumentKind::share;
    Date expiry_{};
};

/// The calendars of a session's rules. Copies share them.
class Calendars {
public:
    Calendars() = default;
    /// Refused (kind data) where one contradicts itself. O(days that they know).
    static Result<Calendars> make(const MarketRules& rules);

    /// By the calendar that the instrument names, where it is among these; else by its hours.
    DayTimes times_of(const Instrument& instrument) const;
    bool is_empty() const { return by_name_.empty(); }

    friend bool operator==(const Calendars& a, const Calendars& b) {
        return a.unknown_ == b.unknown_ &&
               std::ranges::equal(a.by_name_, b.by_name_, [](const auto& one, const auto& other) {
                   return one.second == other.second || *one.second == *other.second;
               });
    }

private:
    std::map<std::string, std::shared_ptr<const Calendar>, std::less<>> by_name_;
    UnknownDays unknown_ = UnknownDays::lenient;
};

}  // namespace alpha::markets
