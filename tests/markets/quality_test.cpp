/// Every flaw planted in clean data is found, where and as often as it was planted; clean data of several markets give nothing.

#include "config/zones.hpp"
#include "markets/quality.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace alpha;
using namespace alpha::markets;

namespace {

constexpr Duration kMinute{60 * kSecondNs};
constexpr Duration kDay{kDayNs};
constexpr Price kTick{5'000'000};  // 0.05

Date day_of(std::string_view text) {
    return parse_date(text).value();
}
Time time_of(std::string_view text) {
    return parse_timestamp(text).value().time;
}
Price price(std::string_view text) {
    return parse_price(text).value();
}

DayTimes by_calendar(const std::string& name) {
    static const auto all = [] {
        std::map<std::string, std::shared_ptr<const Calendar>> made;
        auto drafts = built_in_calendars();
        for (CalendarDraft& draft : drafts.value()) {
            auto calendar = std::make_shared<const Calendar>(config::calendar_of(std::move(draft)).value());
            made.emplace(calendar->name(), calendar);
        }
        return made;
    }();
    return DayTimes(all.at(name), UnknownDays::lenient, {});
}
DayTimes nse_hours() {
    return DayTimes(TradingHours{19'800, 33'300, 55'800});  // 09:15-15:30+05:30
}
DayTimes nobody_knows() {
    return DayTimes();
}

/// Small numbers that look random, the same on every machine.
class Dice {
public:
    /// 0 to below `sides`.
    std::int64_t roll(std::int64_t sides) {
        state_ = state_ * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
        return static_cast<std::int64_t>((state_ >> 33U) % static_cast<std::uint64_t>(sides));
    }

private:
    std::uint64_t state_ = 1;
};

/// A bar about `close`, which wanders by at most a few ticks.
BarClosed bar_at(Time label, Duration interval, Dice& dice, std::int64_t& close, std::int64_t reach = 6) {
    const std::int64_t open = close + dice.roll(3) - 1;
    close = std::max<std::int64_t>(100, open + dice.roll(2 * reach + 1) - reach);
    BarClosed bar;
    bar.open.raw = open * kTick.raw;
    bar.close.raw = close * kTick.raw;
    bar.high.raw = (std::max(open, close) + dice.roll(3)) * kTick.raw;
    bar.low.raw = (std::min(open, close) - dice.roll(3)) * kTick.raw;
    bar.volume = qty_of(1 + dice.roll(1'000));
    bar.label = label;
    bar.interval = interval;
    return bar;
}

using Bars = std::vector<BarClosed>;

/// All bars of a calendar's continuous trading, about 1,000.00.
Bars bars_of(const std::string& calendar, Duration interval, std::string_view from, std::string_view to) {
    Bars bars;
    Dice dice;
    std::int64_t close = 20'000;
    const DayTimes times = by_calendar(calendar);
    for (Date date = day_of(from); date <= day_of(to); ++date.days) {
        if (interval == kDay) {
            if (times.calendar()->day(date).trades()) {
                bars.push_back(bar_at(times.open_on(date), interval, dice, close, 300));
            }
            continue;
        }
        for (const PhaseTimes& phase : times.calendar()->phases_on(date)) {
            if (phase.phase == Phase::continuous) {
                for (Time label = phase.open; label < phase.close; label = label + interval) {
                    bars.push_back(bar_at(label, interval, dice, close));
                }
            }
        }
    }
    return bars;
}
/// Two weeks of minutes at NSE without a holiday: 3,750 bars.
Bars nse_minutes() {
    return bars_of("NSE_EQ", kMinute, "2024-07-01", "2024-07-12");
}

std::vector<DataFinding> findings_of(const Bars& bars, const DayTimes& times, Price tick = kTick,
                                     std::string_view acted = {}) {
    DataQuality quality;
    const std::uint32_t number = quality.watch({"X", times, tick, false});
    if (!acted.empty()) {
        quality.announce(number, day_of(acted));
    }
    std::uint64_t record = 0;
    for (const BarClosed& bar : bars) {
        quality.see(number, bar.label + bar.interval, bar, ++record);
    }
    return quality.finish();
}

/// A line a finding: "serious spike 1 2024-07-03T05:00:00Z".
std::string lines_of(const std::vector<DataFinding>& findings) {
    std::string lines;
    for (const DataFinding& finding : findings) {
        lines += fmt::format("{}{} {} {} {}", lines.empty() ? "" : "\n", name_of(finding.gravity),
                             name_of(finding.flaw), finding.count, to_iso(finding.first));
    }
    return lines;
}
std::string found_in(const Bars& bars, const DayTimes& times, Price tick = kTick, std::string_view acted = {}) {
    return lines_of(findings_of(bars, times, tick, acted));
}

/// The bar at this moment; required to be there.
BarClosed& at(Bars& bars, std::string_view label) {
    const auto found = std::ranges::find(bars, time_of(label), &BarClosed::label);
    REQUIRE(found != bars.end());
    return *found;
}
/// Takes away those from `from` to before `to`; gives how many.
std::size_t cut(Bars& bars, std::string_view from, std::string_view to) {
    return std::erase_if(bars,
                         [&](const BarClosed& bar) { return bar.label >= time_of(from) && bar.label < time_of(to); });
}
void move_all(BarClosed& bar, const std::function<std::int64_t(std::int64_t)>& change) {
    for (Price* each : {&bar.open, &bar.high, &bar.low, &bar.close}) {
        each->raw = change(each->raw);
    }
}

}  // namespace

// ---- nothing to find ------------------------------------------------------------------------------------------------

TEST_CASE("clean bars give no finding, whatever is known of their hours", "[quality]") {
    const Bars minutes = nse_minutes();
    REQUIRE(minutes.size() == 3'750);
    CHECK(found_in(minutes, by_calendar("NSE_EQ")).empty());
    CHECK(found_in(minutes, nse_hours()).empty());
    CHECK(found_in(minutes, nobody_knows()).empty());
    const Bars hours = bars_of("NSE_EQ", Duration{3'600 * kSecondNs}, "2024-07-01", "2024-09-30");
    CHECK(found_in(hours, by_calendar("NSE_EQ")).empty());
    CHECK(found_in(hours, nse_hours()).empty());
    CHECK(found_in(hours, nobody_knows()).empty());
}

TEST_CASE("Diwali, its Muhurat evening, holidays and weekends are no gaps", "[quality]") {
    // 2024-11-01: an hour in the evening; 2024-10-02, 11-15 and 11-20 were holidays.
    const Bars minutes = bars_of("NSE_EQ", kMinute, "2024-10-28", "2024-11-08");
    CHECK(found_in(minutes, by_calendar("NSE_EQ")).empty());
    const Bars days = bars_of("NSE_EQ", kDay, "2024-09-02", "2024-12-31");
    CHECK(found_in(days, by_calendar("NSE_EQ")).empty());
    CHECK(found_in(days, nse_hours()).empty());
    CHECK(found_in(days, nobody_knows()).empty());
    // To who goes by weekdays and hours alone, the evening is outside of them, and nothing else is odd.
    CHECK(found_in(minutes, nse_hours()).starts_with("doubtful off_hours 60 2024-11-01T12:"));
}

TEST_CASE("New York's change of clocks is no gap and no shift", "[quality]") {
    const Bars minutes = bars_of("XNYS", kMinute, "2024-03-04", "2024-03-15");
    REQUIRE(minutes.size() == 3'900);  // 10 days of 6.5 hours
    CHECK(found_in(minutes, by_calendar("XNYS")).empty());
    CHECK(found_in(minutes, nobody_knows()).empty());
}

TEST_CASE("an option that trades ten times a day, and not on every day, is no alarm", "[quality]") {
    Bars bars;
    Dice dice;
    std::int64_t close = 2'000;
    for (const BarClosed& minute : bars_of("NSE_FO", kMinute, "2024-07-01", "2024-09-30")) {
        const bool trades = minute.label.ns / kDayNs % 4 != 0;
        if (trades && dice.roll(375) < 10) {
            close = std::max<std::int64_t>(close + dice.roll(close / 4) - close / 8, 500);
            bars.push_back(bar_at(minute.label, kMinute, dice, close, 20));
        }
    }
    REQUIRE(bars.size() > 300);
    REQUIRE(bars.size() < 700);
    CHECK(found_in(bars, by_calendar("NSE_FO")).empty());
    CHECK(found_in(bars, nse_hours()).empty());
}

TEST_CASE("a market that never closes, and one that pauses for lunch, are known by their own days", "[quality]") {
    Bars always;
    Bars lunch;
    Dice dice;
    std::int64_t close = 20'000;
    for (Time label = time_of("2024-07-01T00:00Z"); label < time_of("2024-07-11T00:00Z"); label = label + kMinute) {
        always.push_back(bar_at(label, kMinute, dice, close));
        const std::int64_t minute = label.ns / kMinute.ns % 1'440;
        const bool is_workday = !(label >= time_of("2024-07-06T00:00Z") && label < time_of("2024-07-08T00:00Z"));
        if (is_workday && minute < 390 && (minute < 150 || minute >= 210)) {  // Tokyo
            lunch.push_back(always.back());
        }
    }
    CHECK(found_in(always, nobody_knows()).empty());
    CHECK(found_in(lunch, nobody_knows()).empty());
    // And what is missing there is found all the same.
    REQUIRE(cut(always, "2024-07-06T00:00Z", "2024-07-07T00:00Z") == 1'440);  // a Saturday
    CHECK(found_in(always, nobody_knows()) == "doubtful missing_days 1 2024-07-06T00:00:00Z");
    REQUIRE(cut(lunch, "2024-07-03T04:00Z", "2024-07-03T04:20Z") == 20);
    CHECK(found_in(lunch, nobody_knows()) == "doubtful missing_bars 20 2024-07-03T04:00:00Z");
}

// ---- gaps -----------------------------------------------------------------------------------------------------------

TEST_CASE("days without a record are found by the calendar, and long rows of them without one", "[quality]") {
    Bars days = bars_of("NSE_EQ", kDay, "2024-09-02", "2024-12-31");
    REQUIRE(cut(days, "2024-11-05T00:00+05:30", "2024-11-06T00:00+05:30") == 1);
    REQUIRE(cut(days, "2024-12-09T00:00+05:30", "2024-12-11T00:00+05:30") == 2);
    const auto findings = findings_of(days, by_calendar("NSE_EQ"));
    CHECK(lines_of(findings) == "serious missing_days 3 2024-11-05T03:45:00Z");
    CHECK(findings.front().sentence ==
          "no bars of 1d on 3 trading days, first on 2024-11-05, at most 2 in a row: data are missing, or the "
          "instrument did not trade");
    CHECK(found_in(days, nse_hours()).empty());  // they might have been holidays
    REQUIRE(cut(days, "2024-12-11T00:00+05:30", "2024-12-14T00:00+05:30") == 3);
    CHECK(found_in(days, nse_hours()) == "doubtful missing_days 5 2024-12-08T18:30:00Z");
}

TEST_CASE("records on closed days are found, and many of them are another zone", "[quality]") {
    Bars days = bars_of("NSE_EQ", kDay, "2024-09-02", "2024-12-31");
    // Gandhi's birthday.
    BarClosed extra = days.front();
    extra.label = time_of("2024-10-02T09:15+05:30");
    days.insert(std::ranges::upper_bound(days, extra.label, {}, &BarClosed::label), extra);
    CHECK(found_in(days, by_calendar("NSE_EQ")) == "doubtful closed_days 1 2024-10-02T03:45:00Z");
    // A day early, as midnight in Mumbai is in UTC: a Monday's bar is a Sunday's.
    Bars early = bars_of("NSE_EQ", kDay, "2024-07-01", "2024-07-31");
    for (BarClosed& bar : early) {
        bar.label = bar.label - kDay;
    }
    const std::string found = found_in(early, by_calendar("NSE_EQ"));
    CHECK(found.find("serious closed_days") != std::string::npos);
}

TEST_CASE("a hole within a session is found by its length", "[quality]") {
    Bars bars = nse_minutes();
    REQUIRE(cut(bars, "2024-07-03T11:00+05:30", "2024-07-03T11:30+05:30") == 30);
    REQUIRE(cut(bars, "2024-07-05T14:50+05:30", "2024-07-05T15:30+05:30") == 40);
    for (const DayTimes& times : {by_calendar("NSE_EQ"), nse_hours()}) {
        const auto findings = findings_of(bars, times);
        CHECK(lines_of(findings) == "doubtful missing_bars 70 2024-07-03T05:30:00Z");
        CHECK(findings.front().sentence ==
              "70 missing bars of 1m in 2 gaps longer than the instrument's usual, first from "
              "2024-07-03T11:00:00+05:30, the longest of 40 from 2024-07-05T14:50:00+05:30: data are missing, or "
              "trading was halted");
    }
    // Nobody knows when the market closes, so the end of a day is none.
    CHECK(found_in(bars, nobody_knows()) == "doubtful missing_bars 30 2024-07-03T05:30:00Z");
    // A late beginning.
    Bars late = nse_minutes();
    REQUIRE(cut(late, "2024-07-04T09:15+05:30", "2024-07-04T10:00+05:30") == 45);
    CHECK(found_in(late, nse_hours()) == "doubtful missing_bars 45 2024-07-04T03:45:00Z");
    CHECK(found_in(late, by_calendar("NSE_EQ")) == "doubtful missing_bars 45 2024-07-04T03:45:00Z");
    // A minute here and there is nothing.
    Bars thin = nse_minutes();
    Dice dice;
    std::erase_if(thin, [&](const BarClosed&) { return dice.roll(3) == 0; });
    CHECK(found_in(thin, nse_hours()).empty());
}

// ---- prices ---------------------------------------------------------------------------------------------------------

TEST_CASE("a close that is far off and back at once is a spike", "[quality]") {
    Bars bars = nse_minutes();
    BarClosed& spike = at(bars, "2024-07-03T11:00+05:30");
    spike.close.raw = spike.close.raw / 10 * 11;  // 10 % up
    spike.high = spike.close;
    const auto findings = findings_of(bars, nse_hours(), Price{});
    CHECK(lines_of(findings) == "serious spike 1 2024-07-03T05:30:00Z");
    CHECK(findings.front().first_record == 2 * 375 + 106);
    CHECK(findings.front().sentence ==
          "1 close far from the close before and back with the next, first at 2024-07-03T11:00:00+05:30: a wrong "
          "price; strategies will trade on it");
    Bars slipped = nse_minutes();
    at(slipped, "2024-07-03T11:00+05:30").close.raw *= 10;
    at(slipped, "2024-07-03T11:00+05:30").high.raw *= 10;
    CHECK(found_in(slipped, nse_hours(), Price{}) == "serious spike 1 2024-07-03T05:30:00Z");
    // One that stays is a market that moves.
    for (BarClosed& bar : bars) {
        if (bar.label > time_of("2024-07-03T11:00+05:30")) {
            move_all(bar, [](std::int64_t raw) { return raw / 10 * 11; });
        }
    }
    CHECK(found_in(bars, nse_hours(), Price{}).empty());
}

TEST_CASE("a jump within a day to another unit is no spike", "[quality]") {
    Bars bars = nse_minutes();
    for (BarClosed& bar : bars) {
        if (bar.label >= time_of("2024-07-03T11:00+05:30")) {
            move_all(bar, [](std::int64_t raw) { return raw * 100; });  // paise
        }
    }
    CHECK(found_in(bars, nse_hours()) == "serious jump 1 2024-07-03T05:30:00Z");
}

TEST_CASE("a high or low far outside of its neighbours is an outlier, and a serious one where digits slipped",
          "[quality]") {
    Bars bars = nse_minutes();
    BarClosed& freak = at(bars, "2024-07-03T11:00+05:30");
    freak.high.raw = freak.high.raw / 10 * 11;
    CHECK(found_in(bars, nse_hours(), Price{}) == "doubtful outlier 1 2024-07-03T05:30:00Z");
    BarClosed& slipped = at(bars, "2024-07-08T11:00+05:30");
    slipped.low.raw /= 10;
    const auto findings = findings_of(bars, nse_hours(), Price{});
    CHECK(lines_of(findings) == "serious outlier 2 2024-07-03T05:30:00Z");
    CHECK(findings.front().sentence.find("the farthest at 2024-07-08T11:00:00+05:30") != std::string::npos);
}

TEST_CASE("an opening as after a split is named, unless somebody told of it, or the instrument doubles every night",
          "[quality]") {
    const auto split = [](Bars bars, std::string_view from, std::int64_t shares) {
        for (BarClosed& bar : bars) {
            if (bar.label >= time_of(from)) {
                move_all(bar, [&](std::int64_t raw) { return raw / shares; });
            }
        }
        return bars;
    };
    const Bars minutes = split(nse_minutes(), "2024-07-04T00:00+05:30", 5);
    const auto findings = findings_of(minutes, nse_hours(), Price{});
    CHECK(lines_of(findings) == "serious split 1 2024-07-04T03:45:00Z");
    CHECK(findings.front().sentence.starts_with("opened as after a split: 5 for 1 on 2024-07-04 ("));
    CHECK(found_in(minutes, nse_hours(), Price{}, "2024-07-04").empty());
    const Bars days = split(bars_of("NSE_EQ", kDay, "2024-07-01", "2024-09-30"), "2024-08-01T00:00+05:30", 2);
    CHECK(found_in(days, by_calendar("NSE_EQ"), Price{}) == "serious split 1 2024-08-01T03:45:00Z");

    // The opening alone is far off: it was a wrong price.
    Bars wrong = bars_of("NSE_EQ", kDay, "2024-07-01", "2024-09-30");
    BarClosed& bar = at(wrong, "2024-08-01T09:15+05:30");
    bar.open.raw *= 2;
    bar.high = bar.open;
    CHECK(found_in(wrong, by_calendar("NSE_EQ"), Price{}) == "serious outlier 1 2024-08-01T03:45:00Z");

    // All prices of one day are.
    Bars tenfold = bars_of("NSE_EQ", kDay, "2024-07-01", "2024-09-30");
    move_all(at(tenfold, "2024-08-01T09:15+05:30"), [](std::int64_t raw) { return raw * 10; });
    const std::string found = found_in(tenfold, by_calendar("NSE_EQ"), Price{});
    CHECK(found.find("split") == std::string::npos);
    CHECK(found.find("2024-08-01T03:45:00Z") != std::string::npos);

    // A price that doubles or halves each night.
    Bars wild = bars_of("NSE_EQ", kDay, "2024-07-01", "2024-09-30");
    for (std::size_t i = 0; i < wild.size(); i += 2) {
        move_all(wild[i], [](std::int64_t raw) { return raw / 2; });
    }
    CHECK(found_in(wild, by_calendar("NSE_EQ"), Price{}).find("split") == std::string::npos);
}

TEST_CASE("what looks like a split", "[quality]") {
    const auto text = [](std::string_view before, std::string_view after) {
        const auto ratio = split_like(price(before), price(after));
        return ratio ? ratio->text() : "";
    };
    CHECK(text("100", "50") == "2 for 1");
    CHECK(text("100", "47.62") == "2 for 1");  // 2.09996: within 5 %
    CHECK(text("100", "47.61").empty());       // 2.1004
    CHECK(text("100", "52.63") == "2 for 1");  // 1.90006
    CHECK(text("100", "52.64").empty());       // 1.8997
    CHECK(text("645.57", "92.69") == "7 for 1");
    CHECK(text("50", "100") == "1 for 2");
    CHECK(text("1", "100") == "1 for 100");
    CHECK(text("100", "100").empty());
    CHECK(text("100", "60").empty());
    CHECK(text("0", "100").empty());
    CHECK(text("100", "0").empty());
}

TEST_CASE("prices off the tick, and prices that nobody traded at", "[quality]") {
    Bars bars = nse_minutes();
    CHECK(found_in(bars, nse_hours(), price("0.05")).empty());
    at(bars, "2024-07-03T11:00+05:30").high.raw += kScale / 50;  // 0.02
    CHECK(found_in(bars, nse_hours()) == "doubtful off_tick 1 2024-07-03T05:30:00Z");
    CHECK(found_in(bars, nse_hours(), Price{}).empty());
    const auto adjusted = [&](std::int64_t numerator, std::int64_t denominator, std::int64_t step) {
        Bars moved = nse_minutes();
        for (BarClosed& bar : moved) {
            move_all(bar, [&](std::int64_t raw) { return raw / denominator * numerator / step * step; });
        }
        return moved;
    };
    // Two decimals of a price less a dividend's part: four prices in five are off the tick.
    const Bars cents = adjusted(991, 1'000, kScale / 100);
    CHECK(found_in(cents, nse_hours()).starts_with("doubtful adjusted "));
    CHECK(found_in(cents, nse_hours(), Price{}).empty());
    // All digits.
    const Bars digits = adjusted(99'137, 100'000, 1);
    const auto findings = findings_of(digits, nse_hours(), Price{});
    REQUIRE(findings.size() == 1);
    CHECK(name_of(findings.front().flaw) == "adjusted");
    CHECK(findings.front().first == digits.front().label);
}

TEST_CASE("the same bar again and again is a feed that stands still", "[quality]") {
    Bars bars = nse_minutes();
    const BarClosed last = at(bars, "2024-07-03T11:00+05:30");
    for (BarClosed& bar : bars) {
        if (bar.label > last.label && bar.label <= time_of("2024-07-03T11:20+05:30")) {
            const Time label = bar.label;
            bar = last;
            bar.label = label;
        }
    }
    const auto findings = findings_of(bars, nse_hours());
    CHECK(lines_of(findings) == "doubtful stale 1 2024-07-03T05:30:00Z");
    CHECK(findings.front().sentence.starts_with(
        "the same four prices for up to 21 bars on end, 1 time, first from 2024-07-03T11:00:00+05:30"));
    // Of an instrument that stands still for most of its day it is nothing.
    Bars quiet = nse_minutes();
    for (std::size_t i = 1; i < quiet.size(); ++i) {
        if (i % 12 != 0) {
            const Time label = quiet[i].label;
            quiet[i] = quiet[i - 1];
            quiet[i].label = label;
        }
    }
    CHECK(found_in(quiet, nse_hours()).empty());
}

TEST_CASE("bars without volume, and data without any", "[quality]") {
    Bars bars = nse_minutes();
    BarClosed& flat = at(bars, "2024-07-03T11:00+05:30");
    flat.volume = {};
    flat.high = flat.low = flat.close = flat.open;
    CHECK(found_in(bars, nse_hours()) == "note zero_volume 1 2024-07-03T05:30:00Z");
    at(bars, "2024-07-03T11:02+05:30").volume = {};
    at(bars, "2024-07-03T11:02+05:30").high.raw += kTick.raw;
    CHECK(found_in(bars, nse_hours()) == "doubtful zero_volume 2 2024-07-03T05:30:00Z");
    for (BarClosed& bar : bars) {
        bar.volume = {};
    }
    CHECK(found_in(bars, nse_hours()) == "note no_volume 3750 2024-07-01T03:45:00Z");
}

TEST_CASE("bars that cannot be, and bars that are there twice", "[quality]") {
    Bars bars = nse_minutes();
    at(bars, "2024-07-03T11:00+05:30").low.raw *= 2;
    CHECK(found_in(bars, nse_hours()).starts_with("serious impossible_bar 1 2024-07-03T05:30:00Z"));
    bars = nse_minutes();
    const BarClosed again = at(bars, "2024-07-03T11:00+05:30");
    bars.insert(std::ranges::upper_bound(bars, again.label, {}, &BarClosed::label), again);
    CHECK(found_in(bars, nse_hours()) == "doubtful duplicate 1 2024-07-03T05:30:00Z");
    std::ranges::upper_bound(bars, again.label, {}, &BarClosed::label)[-1].close.raw += kTick.raw;
    CHECK(found_in(bars, nse_hours()) == "serious conflicting_bars 1 2024-07-03T05:30:00Z");
}

// ---- stamps ---------------------------------------------------------------------------------------------------------

TEST_CASE("bars that bear the time of their end are known by the first and last label of a day", "[quality]") {
    for (const std::int64_t minutes : {1, 5, 15, 75}) {
        CAPTURE(minutes);
        const Duration interval{minutes * kMinute.ns};
        Bars bars = bars_of("NSE_EQ", interval, "2024-07-01", "2024-07-12");
        for (BarClosed& bar : bars) {
            bar.label = bar.label + interval;
        }
        for (const DayTimes& times : {by_calendar("NSE_EQ"), nse_hours()}) {
            const auto findings = findings_of(bars, times);
            CHECK(lines_of(findings) ==
                  fmt::format("serious end_stamped 10 {}", to_iso(time_of("2024-07-01T09:15+05:30") + interval)));
        }
        // By the looks alone only of bars shorter than the quarter of an hour at which markets open and close.
        CHECK(found_in(bars, nobody_knows()) ==
              (minutes < 15
                   ? fmt::format("doubtful end_stamped 10 {}", to_iso(time_of("2024-07-01T09:15+05:30") + interval))
                   : ""));
    }
    Bars days = bars_of("NSE_EQ", kDay, "2024-07-01", "2024-07-12");
    for (BarClosed& bar : days) {
        bar.label = bar.label + Duration{375 * kMinute.ns};  // 15:30
    }
    CHECK(found_in(days, nse_hours()) == "serious end_stamped 10 2024-07-01T10:00:00Z");
}

TEST_CASE("labels off the grid, and outside of the session", "[quality]") {
    const Duration five{5 * kMinute.ns};
    Bars bars = bars_of("NSE_EQ", five, "2024-07-01", "2024-07-12");
    at(bars, "2024-07-03T11:00+05:30").label = time_of("2024-07-03T11:02+05:30");
    for (const DayTimes& times : {by_calendar("NSE_EQ"), nse_hours(), nobody_knows()}) {
        CHECK(found_in(bars, times) == "doubtful off_grid 1 2024-07-03T05:32:00Z");
    }
    Bars outside = nse_minutes();
    BarClosed early = outside.front();
    early.label = time_of("2024-07-01T08:59+05:30");
    outside.insert(outside.begin(), early);
    CHECK(found_in(outside, nse_hours()) == "doubtful off_hours 1 2024-07-01T03:29:00Z");
    // Hours that begin at a quarter, with labels of whole hours.
    Bars hours = bars_of("NSE_EQ", Duration{3'600 * kSecondNs}, "2024-07-01", "2024-07-12");
    for (BarClosed& bar : hours) {
        bar.label = bar.label + Duration{45 * kMinute.ns};  // 10:00, 11:00, ... 16:00
    }
    std::erase_if(hours, [](const BarClosed& bar) { return bar.label.ns % kDayNs >= 600 * kMinute.ns; });
    CHECK(found_in(hours, nse_hours()).empty());
}

// ---- quotes ---------------------------------------------------------------------------------------------------------

namespace {

struct Quote {
    Time time;
    QuoteTick tick;
};

/// A quote about each second of NSE's session on five days, one or two ticks wide.
std::vector<Quote> nse_quotes() {
    std::vector<Quote> quotes;
    Dice dice;
    std::int64_t bid = 20'000;
    for (int day = 0; day < 5; ++day) {
        const Time open = time_of("2024-07-01T09:15+05:30") + Duration{day * kDayNs};
        for (Time t = open; t < open + Duration{375 * kMinute.ns};
             t = t + Duration{(1 + dice.roll(2'000)) * 1'000'000}) {
            bid += dice.roll(5) - 2;
            const std::int64_t ask = bid + 1 + dice.roll(2);
            quotes.push_back(
                {t, {{}, Price{bid * kTick.raw}, Price{ask * kTick.raw}, qty_of(1 + dice.roll(500)), qty_of(7)}});
        }
    }
    return quotes;
}

std::string found_in(const std::vector<Quote>& quotes, const DayTimes& times, Price tick = kTick) {
    DataQuality quality;
    const std::uint32_t number = quality.watch({"X", times, tick, false});
    for (const Quote& quote : quotes) {
        quality.see(number, quote.time, quote.tick);
    }
    return lines_of(quality.finish());
}

}  // namespace

TEST_CASE("quotes: nothing in clean ones, and each flaw where it was planted", "[quality]") {
    const std::vector<Quote> clean = nse_quotes();
    const std::size_t i = 30'000;
    const std::string when = to_iso(clean[i].time);
    for (const DayTimes& times : {by_calendar("NSE_EQ"), nse_hours(), nobody_knows()}) {
        CHECK(found_in(clean, times).empty());
        const auto with = [&](const std::function<void(std::vector<Quote>&)>& change) {
            std::vector<Quote> quotes = clean;
            change(quotes);
            return found_in(quotes, times);
        };
        CHECK(with([&](auto& q) { std::swap(q[i].tick.bid, q[i].tick.ask); }) == "doubtful crossed 1 " + when);
        CHECK(with([&](auto& q) { q[i].tick.bid = q[i].tick.ask; }) == "note locked 1 " + when);
        CHECK(with([&](auto& q) { q[i].tick.ask = {}; }) == "note one_sided 1 " + when);
        CHECK(with([&](auto& q) { q[i].tick.ask.raw = q[i].tick.bid.raw + 40 * kTick.raw; }) ==
              "note wide_spread 1 " + when);
        CHECK(with([&](auto& q) {
                  q[i].tick.bid.raw = q[i].tick.bid.raw / kTick.raw / 10 * 11 * kTick.raw;
                  q[i].tick.ask.raw = q[i].tick.bid.raw + kTick.raw;
              }) == "serious spike 1 " + when);
        CHECK(with([&](auto& q) { q.insert(q.begin() + i, q[i]); }) == "doubtful duplicate 1 " + when);
        CHECK(with([&](auto& q) { q[i].tick.bid.raw -= kTick.raw / 5; }) == "doubtful off_tick 1 " + when);
        // Ten minutes of silence, and ten of a price that stands still.
        const auto until = std::ranges::lower_bound(clean, clean[i].time + Duration{600 * kSecondNs}, {}, &Quote::time);
        CHECK(with([&](auto& q) { q.erase(q.begin() + i, q.begin() + (until - clean.begin())); }) ==
              "doubtful silence 1 " + to_iso(clean[i - 1].time));
        CHECK(with([&](auto& q) {
                  for (std::size_t each = i + 1; clean[each].time < until->time; ++each) {
                      q[each].tick.bid = q[i].tick.bid;
                      q[each].tick.ask = q[i].tick.ask;
                  }
              }) == "doubtful stale 1 " + when);
    }
    std::vector<Quote> late = clean;
    late.push_back({time_of("2024-07-05T15:30+05:30"), clean.back().tick});
    CHECK(found_in(late, nse_hours()) == "doubtful off_hours 1 2024-07-05T10:00:00Z");
    std::vector<Quote> halved = clean;
    for (Quote& quote : halved) {
        if (quote.time >= time_of("2024-07-03T00:00+05:30")) {
            quote.tick.bid.raw /= 2;
            quote.tick.ask.raw /= 2;
        }
    }
    CHECK(found_in(halved, nse_hours(), Price{}) == "serious split 1 2024-07-03T03:45:00Z");
}

TEST_CASE("several instruments and intervals are judged apart, the most serious first", "[quality]") {
    DataQuality quality;
    Bars good = nse_minutes();
    Bars bad = nse_minutes();
    at(bad, "2024-07-03T11:00+05:30").volume = {};
    BarClosed& spike = at(bad, "2024-07-04T11:00+05:30");
    spike.close.raw = spike.close.raw / 10 * 11;
    spike.high = spike.close;
    const Bars fives = bars_of("NSE_EQ", Duration{5 * kMinute.ns}, "2024-07-01", "2024-07-12");
    const std::uint32_t first = quality.watch({"GOOD", nse_hours(), {}, false});
    const std::uint32_t second = quality.watch({"BAD", nse_hours(), {}, false});
    for (std::size_t i = 0; i < good.size(); ++i) {
        quality.see(first, good[i].label + kMinute, good[i]);
        quality.see(second, bad[i].label + kMinute, bad[i]);
        if (i % 5 == 4) {
            quality.see(first, good[i].label + kMinute, fives[i / 5]);
        }
    }
    const auto findings = quality.finish();
    CHECK(lines_of(findings) == "serious spike 1 2024-07-04T05:30:00Z\ndoubtful zero_volume 1 2024-07-03T05:30:00Z");
    for (const DataFinding& finding : findings) {
        CHECK(finding.instrument == "BAD");
    }
}
