#pragma once
/// Rules of a market as plain values: calendars with their time zones, and what executions are charged. A session that goes by any has them
/// in its log (MarketRulesSet), so that a journal needs no table of any program. What they mean is markets/.
///
/// ON DISK, DO NOT CHANGE: numbers of enumerators stay, and what is new comes last, with a higher struct_version (events/event.hpp).

#include "events/fixed.hpp"
#include "events/named.hpp"
#include "events/side.hpp"
#include "events/time.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace alpha::markets {

// ---- where a fact comes from --------------------------------------------------------------------------------------------

/// How sure a fact is, the surest first.
enum class Grade : std::uint8_t {
    stated,    ///< who wrote the table means it so: a user's own
    official,  ///< an exchange's or regulator's text, perhaps as somebody summarized it
    exchange,  ///< a page of an exchange or clearing house
    document,  ///< numbers of a real contract note, or of a live answer of a broker's program
    broker,
    press,
    code,      ///< what a public program holds as data
    computed,  ///< from other facts by a rule that the source states
    general,   ///< generally known; no source was seen
    unknown    ///< assumed, or sources disagree
};
inline constexpr std::size_t kGrades = 10;
/// "official"
std::string_view name_of(Grade grade);
constexpr bool is_valid(Grade grade) {
    return grade <= Grade::unknown;
}

/// Where a row's fact comes from and how sure it is.
struct Source {
    static constexpr std::uint8_t struct_version = 1;
    std::string text;
    Grade grade = Grade::unknown;
    friend bool operator==(const Source&, const Source&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("text", text), named("grade", grade));
    }
};

// ---- calendars ------------------------------------------------------------------------------------------------------------

/// What a market does at a moment.
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
constexpr bool is_valid(Phase phase) {
    return static_cast<std::size_t>(phase) < kPhases;
}

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
constexpr bool is_valid(DayKind kind) {
    return kind <= DayKind::hours_unknown;
}

struct ZoneChange {
    static constexpr std::uint8_t struct_version = 1;
    Time from;                  ///< kBeforeAll for the first
    std::int32_t offset_s = 0;  ///< local time less UTC, within a day
    friend bool operator==(const ZoneChange&, const ZoneChange&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("from_ns", from), named("offset_s", offset_s));
    }
};

/// A time zone, as whoever loads a calendar hands it in (config/zones.hpp makes one of the system's tz database).
struct Zone {
    static constexpr std::uint8_t struct_version = 1;
    std::string name;                 ///< IANA's, such as America/New_York
    std::vector<ZoneChange> changes;  ///< ascending

    /// Seconds from UTC at `t`. Requires a zone that Calendar::make took.
    std::int32_t offset_s_at(Time t) const;
    /// When the clocks of the zone show `second` on `date`. What they show twice is the first time; what they skip is the moment of the
    /// change.
    Time utc_of(Date date, std::int32_t second) const;
    friend bool operator==(const Zone&, const Zone&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("name", name), named("changes", changes));
    }
};

/// Days of which something is known.
struct KnownRow {
    static constexpr std::uint8_t struct_version = 1;
    Date from;
    Date to;  ///< inclusive
    Source source;
    friend bool operator==(const KnownRow&, const KnownRow&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("from", from), named("to", to), named("source", source));
    }
};

/// In a SessionRow: as long as the calendar is known.
inline constexpr Date kNoLastDate{std::numeric_limits<std::int32_t>::max()};

/// One phase of a set of sessions, on trading dates `from` to `to`. Times are seconds after local midnight of the trading date, from -1
/// day to +2 days.
struct SessionRow {
    static constexpr std::uint8_t struct_version = 1;
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
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("set", set), named("weekdays", weekdays), named("from", from), named("to", to), named("phase", phase),
           named("open_s", open_s), named("close_s", close_s), named("ends_from_s", ends_from_s),
           named("source", source));
    }
};

/// A day that differs from what its weekday says.
struct DayRow {
    static constexpr std::uint8_t struct_version = 1;
    Date date;
    DayKind kind = DayKind::holiday;  ///< holiday, regular (of interest for `settles`), special or hours_unknown
    std::string set;                  ///< of a special day, else empty
    bool settles = false;             ///< whether funds and shares change hands
    std::string name;                 ///< "Diwali"
    Source source;
    friend bool operator==(const DayRow&, const DayRow&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("date", date), named("kind", kind), named("set", set), named("settles", settles), named("name", name),
           named("source", source));
    }
};

/// All that decides when a market trades, but for its zone.
struct CalendarTable {
    static constexpr std::uint8_t struct_version = 1;
    std::string name;                        ///< "NSE_EQ": letters, digits and _
    std::string zone_name;                   ///< IANA's
    std::vector<KnownRow> trading_known;     ///< ascending, apart
    std::vector<KnownRow> settlement_known;  ///< ascending, apart, each within days whose trading is known
    std::vector<SessionRow> sessions;        ///< by set, then ascending by from and open
    std::vector<DayRow> days;                ///< ascending by date
    friend bool operator==(const CalendarTable&, const CalendarTable&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("name", name), named("zone", zone_name), named("trading_known", trading_known),
           named("settlement_known", settlement_known), named("sessions", sessions), named("days", days));
    }
};

// ---- charges ----------------------------------------------------------------------------------------------------------------

/// What is charged. The order is that in which lines are shown.
enum class ChargeLine : std::uint8_t {
    brokerage,  ///< the broker's, of an executed order
    stt,        ///< securities transaction tax
    ctt,        ///< commodities transaction tax
    exchange,   ///< the exchange's transaction charge
    clearing,   ///< a clearing member's or house's
    sebi,       ///< the regulator's turnover fee
    ipft,       ///< NSE's investor protection fund
    stamp,      ///< stamp duty
    fee,        ///< any other, for markets elsewhere
    levy,       ///< one more
    gst,        ///< a tax on the lines that are marked so
    note,       ///< once a contract note; not of an execution
    dp,  ///< the depository participant's, of shares sold out of the account, once a scrip and day; not of an execution
    dp_btst,     ///< the same of shares that were bought the day before and had not arrived
    square_off,  ///< of an order by which the broker closes a position; not of an execution
};
inline constexpr std::size_t kChargeLines = 15;
/// "brokerage"
const char* name_of(ChargeLine line);
constexpr bool is_valid(ChargeLine line) {
    return static_cast<std::size_t>(line) < kChargeLines;
}

/// What is traded, or what becomes of it.
enum class ChargeSegment : std::uint8_t {
    equity,  ///< shares and units of funds
    futures,
    options,   ///< turnover: the premium
    exercise,  ///< an option settled in cash; buy: who holds it, sell: who wrote it; turnover: the intrinsic value
    physical  ///< a derivative settled by delivery; buy: who receives the shares; turnover: their value at the settlement price or strike
};
const char* name_of(ChargeSegment segment);
constexpr bool is_valid(ChargeSegment segment) {
    return segment <= ChargeSegment::physical;
}

/// Whether shares are delivered (CNC, MTF) or bought and sold within the day (MIS). Rows of derivatives hold for both.
enum class ChargeProduct : std::uint8_t { delivery, intraday };
const char* name_of(ChargeProduct product);
constexpr bool is_valid(ChargeProduct product) {
    return product <= ChargeProduct::intraday;
}

/// Whether an execution took liquidity from the book or gave it. Who does not know says taker: it is never the cheaper.
enum class Liquidity : std::uint8_t { taker, maker };
const char* name_of(Liquidity liquidity);
constexpr bool is_valid(Liquidity liquidity) {
    return liquidity <= Liquidity::maker;
}

/// Of what a line is a part, or how often it is due.
enum class ChargeBase : std::uint8_t {
    turnover,   ///< rate x price x quantity
    premium,    ///< the same, of options
    intrinsic,  ///< rate x intrinsic value, of options exercised
    charges,    ///< rate x the sum of the lines marked gst
    order,      ///< an amount per executed order
    share,      ///< an amount per unit of quantity
    note,       ///< an amount per contract note on which such an execution stands
    scrip_day   ///< an amount per scrip and day
};
const char* name_of(ChargeBase base);
constexpr bool is_valid(ChargeBase base) {
    return base <= ChargeBase::scrip_day;
}

/// How the note prints a line. `none`: half-even to 1e-8. The others: half up, by the exchanges' rules and the notes that were seen.
enum class ChargeRounding : std::uint8_t { none, paisa, rupee };
const char* name_of(ChargeRounding rounding);
constexpr bool is_valid(ChargeRounding rounding) {
    return rounding <= ChargeRounding::rupee;
}

/// An exact fraction at 1e-14. Exchanges quote rupees per crore with two decimals (306.99 per crore is 0.000030699, 0.01 is 1e-9), which
/// the 1e-8 of Decimal cannot hold; 1e-14 holds every percentage that can be written (eight decimals) and every amount per crore with seven, and
/// turnover times rate is exact at 1e-22.
struct ChargeRate {
    std::int64_t e14 = 0;
    friend constexpr auto operator<=>(ChargeRate, ChargeRate) = default;
};
inline constexpr std::int64_t kChargeRateOne = 100'000'000'000'000;

/// One row of a plan. What of its key is empty holds for any. Rows of one line never hold for the same execution: read_charges sees to it.
struct ChargeRow {
    static constexpr std::uint8_t struct_version = 1;
    ChargeLine line = ChargeLine::brokerage;
    ChargeLine shown = ChargeLine::brokerage;  ///< within which line notes and the API print it; mostly `line`
    std::string exchange;                      ///< "NSE", "NFO": a segment of an exchange, as Kite names them
    std::optional<ChargeSegment> segment;
    std::string group;  ///< "ordinary", "equity_fund", an index's name: see charges.csv
    std::optional<ChargeProduct> product;
    std::optional<Side> side;
    std::optional<Liquidity> liquidity;
    ChargeBase base = ChargeBase::turnover;
    ChargeRate rate;          ///< of turnover, premium, intrinsic and charges. Below 0 (a rebate) only of makers
    Money amount;             ///< of order, share, note and scrip_day
    Money minimum;            ///< of an order that executed at all, over all its fills; 0: none
    Money maximum;            ///< of an order, over all its fills; 0: none. It goes before the minimum
    ChargeRate maximum_rate;  ///< the same as a part of turnover
    ChargeRounding rounding = ChargeRounding::none;
    bool in_gst_base = false;
    std::string column;  ///< of gst: the column of the note in which it is added up; empty: the exchange's own
    Date from;           ///< first day
    Date to;             ///< last day
    Source source;
    std::string doubt;              ///< what of it is not settled; empty: nothing
    std::uint32_t line_number = 0;  ///< in the file it came from

    friend bool operator==(const ChargeRow&, const ChargeRow&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("line", line), named("shown", shown), named("exchange", exchange), named("segment", segment),
           named("group", group), named("product", product), named("side", side), named("liquidity", liquidity),
           named("base", base), named("rate_e14", rate.e14), named("amount", amount), named("minimum", minimum),
           named("maximum", maximum), named("maximum_rate_e14", maximum_rate.e14), named("rounding", rounding),
           named("in_gst_base", in_gst_base), named("column", column), named("from", from), named("to", to),
           named("source", source), named("doubt", doubt), named("line_number", line_number));
    }
};

struct ChargePlan {
    static constexpr std::uint8_t struct_version = 1;
    std::string name;
    std::vector<ChargeRow>
        rows;  ///< by line, exchange, segment, group, product, side, liquidity and day; none: no plan
    friend bool operator==(const ChargePlan&, const ChargePlan&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("name", name), named("rows", rows));
    }
};

/// What an execution, or a day, was charged under one line.
struct ChargeAmount {
    static constexpr std::uint8_t struct_version = 1;
    ChargeLine line = ChargeLine::brokerage;
    Money amount;
    friend bool operator==(const ChargeAmount&, const ChargeAmount&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("line", line), named("amount", amount));
    }
};

// ---- all of them --------------------------------------------------------------------------------------------------------------

/// What becomes of a day of which a calendar knows nothing.
enum class UnknownDays : std::uint8_t {
    lenient = 1,  ///< it trades all day long, and who runs the session is told
    strict = 2    ///< orders are refused on it (rule unknown_day), and nothing fills
};
std::string_view name_of(UnknownDays days);
constexpr bool is_valid(UnknownDays days) {
    return days == UnknownDays::lenient || days == UnknownDays::strict;
}

struct CalendarRules {
    static constexpr std::uint8_t struct_version = 1;
    CalendarTable table;
    Zone zone;
    friend bool operator==(const CalendarRules&, const CalendarRules&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("table", table), named("zone", zone));
    }
};

struct MarketRules {
    static constexpr std::uint8_t struct_version = 1;
    UnknownDays unknown_days = UnknownDays::lenient;
    std::vector<CalendarRules> calendars;  ///< by name; those that instruments go by
    ChargePlan charges;                    ///< without rows: event 0's charges hold
    friend bool operator==(const MarketRules&, const MarketRules&) = default;
    /// Whether nothing goes by any rule of a market.
    bool is_silent() const { return calendars.empty() && charges.rows.empty(); }
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("unknown_days", unknown_days), named("calendars", calendars), named("charges", charges));
    }
};

}  // namespace alpha::markets
