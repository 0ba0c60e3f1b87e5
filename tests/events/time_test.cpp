#include "events/time.hpp"
#include "tests/events/support.hpp"

#include <catch2/catch.hpp>
#include <limits>

using namespace alpha;

namespace {

constexpr std::int64_t kHour = 3'600 * kSecondNs;
/// 2024-03-28T00:00:00Z.
constexpr std::int64_t kThatDay = 1'711'584'000 * kSecondNs;
constexpr std::int32_t kIndia = 19'800;

std::string refusal(std::string_view text) {
    const auto stamp = parse_timestamp(text);
    return stamp ? "accepted as " + to_iso(stamp->time) : stamp.error().message;
}

/// Numbers that look random and are the same everywhere (SplitMix64).
std::uint64_t next_number(std::uint64_t& state) {
    std::uint64_t z = state += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
}

}  // namespace

TEST_CASE("every form of a timestamp names the same moment", "[events]") {
    struct Row {
        const char* text;
        std::int64_t ns;
        std::int32_t offset_s;
    };
    // clang-format off
    const Row rows[] = {
        {"1970-01-01T00:00:00Z",                0,                                            0},
        {"2024-03-28T09:15Z",                   kThatDay + 9 * kHour + 900 * kSecondNs,       0},
        {"2024-03-28 09:15Z",                   kThatDay + 9 * kHour + 900 * kSecondNs,       0},
        {"2024-03-28T09:15:01Z",                kThatDay + 9 * kHour + 901 * kSecondNs,       0},
        {"2024-03-28T00:00:00.5Z",              kThatDay + kSecondNs / 2,                     0},
        {"2024-03-28T00:00:00.000000001Z",      kThatDay + 1,                                 0},
        {"2024-03-28T00:00:00.123456789Z",      kThatDay + 123'456'789,                       0},
        {"2024-03-28T23:59:59.999999999Z",      kThatDay + kDayNs - 1,                        0},
        {"2024-03-28T05:30:00+05:30",           kThatDay,                                     kIndia},
        {"2024-03-28 05:30:00+0530",            kThatDay,                                     kIndia},
        {"2024-03-28T05:30+05:30",              kThatDay,                                     kIndia},
        {"2024-03-28T05:30:00.000000+05:30",    kThatDay,                                     kIndia},
        {"2024-03-27T20:00:00-04:00",           kThatDay,                                     -14'400},
        {"2024-03-27T20:30:00-0330",            kThatDay,                                     -12'600},
        {"2024-03-28T00:00:00+00:00",           kThatDay,                                     0},
        {"2024-03-28T00:00:00-00:00",           kThatDay,                                     0},
        {"2024-03-28T14:00:00+14:00",           kThatDay,                                     50'400},
        {"1970-01-01T00:00:00+05:30",           -5 * kHour - 1'800 * kSecondNs,               kIndia},
        {"2024-02-29T00:00:00Z",                kThatDay - 28 * kDayNs,                       0},
        {"2000-02-29T00:00:00Z",                951'782'400 * kSecondNs,                      0},
        {"2199-12-31T23:59:59.999999999Z",      kMaxTime.ns - 1,                              0},
        {"1678-01-01T00:00:00+15:59",           -9'214'560'000 * kSecondNs - 57'540 * kSecondNs, 57'540},
        {"2261-12-31T23:59:59.999999999-15:59", 9'214'646'400 * kSecondNs + 57'540 * kSecondNs - 1, -57'540},
    };
    // clang-format on
    for (const Row& row : rows) {
        INFO(row.text);
        const auto stamp = parse_timestamp(row.text);
        REQUIRE(stamp.has_value());
        CHECK(stamp->time == Time{row.ns});
        CHECK(stamp->utc_offset_s == row.offset_s);
    }
}

TEST_CASE("a local time without an offset is refused, because it would be a guess", "[events]") {
    CHECK(refusal("2024-03-28T09:15:00") == "'2024-03-28T09:15:00' has no UTC offset: write one, such as +05:30 or Z");
    CHECK_THAT(refusal("2024-03-28T09:15:00.123"), Catch::Contains("has no UTC offset"));
}

TEST_CASE("what is not quite a timestamp is refused", "[events]") {
    for (const char* text : {"",
                             "2024-03-28",
                             "2024-03-28T",
                             "2024-03-28T09",
                             "2024-03-28T09:15",
                             "2024-03-28T9:15:00Z",
                             "2024-03-28t09:15:00Z",
                             "2024-03-28T09:15:00z",
                             "2024-03-28T09:15:00 Z",
                             " 2024-03-28T09:15:00Z",
                             "2024-03-28T09:15:00Z ",
                             "2024-03-28T24:00:00Z",
                             "2024-03-28T09:60:00Z",
                             "2024-03-28T09:15:60Z",
                             "2024-03-28T09:15:5Z",
                             "2024-03-28T09:15:Z",
                             "2024-03-28T09:15:00.Z",
                             "2024-03-28T09:15:00,5Z",
                             "2024-03-28T09.15.00Z",
                             "2024-03-28T09:15.5Z",
                             "2024-03-28T-9:15:00Z",
                             "2024/03/28T09:15:00Z",
                             "28-03-2024T09:15:00Z",
                             "20240328T091500Z",
                             "2024-03-28T09:15:00+5:30",
                             "2024-03-28T09:15:00+05",
                             "2024-03-28T09:15:00+05:3",
                             "2024-03-28T09:15:00+05:60",
                             "2024-03-28T09:15:00+16:00",
                             "2024-03-28T09:15:00+05:30x",
                             "2024-03-28T09:15:00+05-30",
                             "2024-03-28T09:15:00 05:30",
                             "2024-03-28T09:15:00+-5:30",
                             "2024-03-28T09:15:00ZZ",
                             "2024-03-28T09:15:00IST",
                             "1711617300000000000"}) {
        INFO(text);
        CHECK_FALSE(parse_timestamp(text).has_value());
    }
    CHECK_THAT(refusal("2024-03-28T00:00:00.1234567891Z"), Catch::EndsWith("is finer than a nanosecond"));
}

TEST_CASE("days that the calendar does not have are refused", "[events]") {
    for (const char* text : {"2023-02-29", "1900-02-29", "2100-02-29", "2024-02-30", "2024-04-31", "2024-13-01",
                             "2024-00-10", "2024-01-00", "2024-01-32"}) {
        INFO(text);
        const auto date = parse_date(text);
        REQUIRE_FALSE(date.has_value());
        CHECK_THAT(date.error().message, Catch::EndsWith("is a day that does not exist"));
        CHECK_THAT(refusal(std::string(text) + "T00:00:00Z"), Catch::EndsWith("is a day that does not exist"));
    }
    for (const char* text : {"", "2024-3-28", "2024-03-8", "24-03-28", "2024-03-28 ", "2024-03-281", "2024.03.28",
                             "-024-03-28", "+024-03-28", "20240328", "2024-03-2x"}) {
        INFO(text);
        CHECK_FALSE(parse_date(text).has_value());
    }
}

TEST_CASE("leap days are counted", "[events]") {
    CHECK(parse_date("1970-01-01").value() == Date{0});
    CHECK(parse_date("2024-02-28").value() == Date{19'781});
    CHECK(parse_date("2024-02-29").value() == Date{19'782});
    CHECK(parse_date("2024-03-01").value() == Date{19'783});
    CHECK(parse_date("2000-02-29").value() == Date{11'016});
    CHECK(parse_date("2100-03-01").value().days - parse_date("2100-02-28").value().days == 1);
    CHECK(parse_date("1969-12-31").value() == Date{-1});
}

TEST_CASE("a year that nanoseconds cannot hold is refused, not wrapped into a plausible one", "[events]") {
    // 2^64 ns are 584.6 years: unchecked, 2598-07-20 would come out in the 2010s.
    for (const char* text :
         {"2598-07-20", "2262-01-01", "1677-12-31", "9999-12-31", "0001-01-01", "0000-01-01", "3000-01-01"}) {
        INFO(text);
        const auto date = parse_date(text);
        REQUIRE_FALSE(date.has_value());
        CHECK_THAT(date.error().message, Catch::EndsWith("is not within the years 1678 to 2261"));
        CHECK_FALSE(parse_timestamp(std::string(text) + "T00:00:00Z").has_value());
    }
    constexpr TradingHours kFarWest{-57'540, 0, 86'400};
    CHECK(to_iso(TradingHours{}.midnight(parse_date("1678-01-01").value())) == "1678-01-01T00:00:00Z");
    CHECK(to_iso(kFarWest.close_on(parse_date("2261-12-31").value())) == "2262-01-01T15:59:00Z");
}

TEST_CASE("times print in UTC with decimals in groups of three", "[events]") {
    CHECK(to_iso(Time{0}) == "1970-01-01T00:00:00Z");
    CHECK(to_iso(Time{1'381'152'600'072'000'000}) == "2013-10-07T13:30:00.072Z");
    CHECK(to_iso(Time{1'381'152'600'000'000'000}) == "2013-10-07T13:30:00Z");
    CHECK(to_iso(Time{1'381'152'600'072'100'000}) == "2013-10-07T13:30:00.072100Z");
    CHECK(to_iso(Time{1'381'152'600'000'000'001}) == "2013-10-07T13:30:00.000000001Z");
    CHECK(to_iso(Time{-1}) == "1969-12-31T23:59:59.999999999Z");
    CHECK(to_iso(kMaxTime) == "2200-01-01T00:00:00Z");
    CHECK(to_iso(Date{15'985}) == "2013-10-07");
}

TEST_CASE("the ends of time and dates of damaged bytes print without overflow", "[events]") {
    CHECK(to_iso(kBeforeAll) == "1677-09-21T00:12:43.145224192Z");
    CHECK(to_iso(kNever) == "2262-04-11T23:47:16.854775807Z");
    CHECK(to_iso(Date{-719'528}) == "0000-01-01");
    CHECK(to_iso(Date{2'932'896}) == "9999-12-31");
    CHECK(to_iso(Date{-719'529}) == "#-719529");
    CHECK(to_iso(Date{2'932'897}) == "#2932897");
    CHECK(to_iso(Date{std::numeric_limits<std::int32_t>::max()}) == "#2147483647");
    CHECK(to_iso(Date{std::numeric_limits<std::int32_t>::min()}) == "#-2147483648");
}

TEST_CASE("ten thousand times read back as they were printed", "[events]") {
    std::uint64_t state = 20'240'328;
    for (int i = 0; i < 10'000; ++i) {
        const auto range = static_cast<std::uint64_t>(kMaxTime.ns);
        auto ns = static_cast<std::int64_t>(next_number(state) % range);
        // A third each in seconds, milliseconds and nanoseconds, so that every number of decimals is met.
        ns -= i % 3 == 0 ? ns % kSecondNs : i % 3 == 1 ? ns % 1'000'000 : 0;
        const std::string text = to_iso(Time{ns});
        const auto stamp = parse_timestamp(text);
        INFO(text);
        REQUIRE(stamp.has_value());
        REQUIRE(stamp->time == Time{ns});
        const Date day = TradingHours{}.date_of(Time{ns});
        REQUIRE(parse_date(to_iso(day)).value() == day);
        REQUIRE(text.substr(0, 10) == to_iso(day));
    }
}

TEST_CASE("the trading day turns at local midnight, to the nanosecond", "[events]") {
    const Date day = parse_date("2024-03-28").value();
    for (const std::int32_t offset_s : {0, kIndia, -14'400, -43'200, 50'400}) {
        INFO(offset_s);
        const TradingHours hours{offset_s, 0, 86'400};
        const Time midnight{kThatDay - offset_s * kSecondNs};
        CHECK(hours.midnight(day) == midnight);
        CHECK(hours.date_of(midnight) == day);
        CHECK(hours.date_of(midnight - Duration{1}) == Date{day.days - 1});
        CHECK(hours.date_of(midnight + Duration{kDayNs - 1}) == day);
        CHECK(hours.date_of(midnight + Duration{kDayNs}) == Date{day.days + 1});
    }
}

TEST_CASE("days before 1970 are rounded down, not towards zero", "[events]") {
    const TradingHours new_york{-14'400, 0, 86'400};
    CHECK(new_york.date_of(Time{0}) == Date{-1});
    CHECK(new_york.date_of(Time{4 * kHour - 1}) == Date{-1});
    CHECK(new_york.date_of(Time{4 * kHour}) == Date{0});
    CHECK(TradingHours{}.date_of(Time{-1}) == Date{-1});
    CHECK(TradingHours{}.date_of(Time{-kDayNs}) == Date{-1});
    CHECK(TradingHours{}.date_of(Time{-kDayNs - 1}) == Date{-2});
}

TEST_CASE("a session is open from its opening to just before its close", "[events]") {
    const TradingHours nse{kIndia, 33'300, 55'800};  // 09:15 to 15:30 in India
    const Date day = parse_date("2024-03-28").value();
    const Time open = parse_timestamp("2024-03-28T09:15:00+05:30").value().time;
    const Time close = parse_timestamp("2024-03-28T15:30:00+05:30").value().time;
    CHECK(nse.open_on(day) == open);
    CHECK(nse.close_on(day) == close);
    CHECK_FALSE(nse.is_open_at(open - Duration{1}));
    CHECK(nse.is_open_at(open));
    CHECK(nse.is_open_at(close - Duration{1}));
    CHECK_FALSE(nse.is_open_at(close));
    CHECK_FALSE(nse.is_open_at(nse.midnight(day)));
    CHECK_FALSE(nse.is_open_at(nse.midnight(day) + Duration{kDayNs - 1}));
    CHECK_FALSE(nse.whole_day());
}

TEST_CASE("a session that spans two UTC days belongs to its local day", "[events]") {
    const TradingHours chicago{-21'600, 61'200, 86'400};  // 17:00 to midnight, six hours behind UTC
    const Date day = parse_date("2024-03-28").value();
    CHECK(to_iso(chicago.open_on(day)) == "2024-03-28T23:00:00Z");
    CHECK(to_iso(chicago.close_on(day)) == "2024-03-29T06:00:00Z");
    CHECK(chicago.is_open_at(chicago.close_on(day) - Duration{1}));
    CHECK_FALSE(chicago.is_open_at(chicago.close_on(day)));
    CHECK(chicago.date_of(chicago.close_on(day) - Duration{1}) == day);
}

TEST_CASE("the default session never closes", "[events]") {
    CHECK(TradingHours{}.whole_day());
    CHECK(TradingHours{}.is_open_at(Time{0}));
    CHECK(TradingHours{}.is_open_at(Time{kDayNs - 1}));
    CHECK(TradingHours{}.is_open_at(Time{kThatDay}));
}

TEST_CASE("a duration reads in each unit, and prints in its shortest spelling", "[events]") {
    struct Row {
        const char* text;
        std::int64_t ns;
        const char* printed;
    };
    // clang-format off
    const Row rows[] = {
        {"0s",                    0,                                   "0s"},
        {"100ns",                 100,                                 "100ns"},
        {"10us",                  10'000,                              "10us"},
        {"250ms",                 250'000'000,                         "250ms"},
        {"1500ms",                1'500'000'000,                       "1500ms"},
        {"5s",                    5 * kSecondNs,                       "5s"},
        {"300s",                  300 * kSecondNs,                     "5m"},
        {"90s",                   90 * kSecondNs,                      "90s"},
        {"1m",                    60 * kSecondNs,                      "1m"},
        {"2h",                    2 * kHour,                           "2h"},
        {"24h",                   kDayNs,                              "1d"},
        {"1d",                    kDayNs,                              "1d"},
        {"day",                   kDayNs,                              "1d"},
        {"007s",                  7 * kSecondNs,                       "7s"},
        {"1000000000000000001ns", 1'000'000'000'000'000'001,           "1000000000000000001ns"},
        {"9223372036854775807ns", std::numeric_limits<std::int64_t>::max(), "9223372036854775807ns"},
        {"106751d",               106'751 * kDayNs,                    "106751d"},
    };
    // clang-format on
    for (const Row& row : rows) {
        INFO(row.text);
        REQUIRE(parse_duration(row.text).has_value());
        CHECK(parse_duration(row.text).value() == Duration{row.ns});
        CHECK(to_string(Duration{row.ns}) == row.printed);
        CHECK(parse_duration(row.printed).value() == Duration{row.ns});
    }
    CHECK(to_string(Duration{-5 * kSecondNs}) == "-5s");
}

TEST_CASE("what is not a whole number of a known unit is no duration", "[events]") {
    for (const char* text : {"", "5", "s", "5 s", " 5s", "5s ", "1.5s", "-5s", "+5s", "5S", "5sec", "5min", "1w",
                             "days", "1day", "1h30m", "5ms5", "0x5s"}) {
        INFO(text);
        CHECK_FALSE(parse_duration(text).has_value());
    }
    for (const char* text : {"9223372036854775808ns", "106752d", "99999999999999999999999999s"}) {
        INFO(text);
        const auto duration = parse_duration(text);
        REQUIRE_FALSE(duration.has_value());
        CHECK_THAT(duration.error().message, Catch::EndsWith("is too long (at most 292 years)"));
    }
}
