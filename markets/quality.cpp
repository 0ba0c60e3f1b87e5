#include "markets/quality.hpp"

#include "events/assert.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <fmt/format.h>
#include <limits>
#include <utility>

namespace alpha::markets {

namespace {

// ---- counting in constant memory ----------------------------------------------------------------------------------------

struct Mark {
    Time time;
    std::uint64_t record = 0;
};

struct Count {
    std::uint64_t count = 0;
    Mark first;
    void add(const Mark& mark) {
        if (count++ == 0) {
            first = mark;
        }
    }
    void take(const Count& other) {
        if (other.count != 0 && (count == 0 || other.first.time < first.time)) {
            first = other.first;
        }
        count += other.count;
    }
};

/// Steps of a quarter of a doubling from 1 on; exact below 8. Requires x > 0.
int steps_of(std::uint64_t x) {
    constexpr int kTop = 63;
    const int zeros = std::countl_zero(x);
    const auto fourths = static_cast<int>((x << static_cast<unsigned>(zeros)) >> (kTop - 2U) & 3U);
    return bounds::kStepsPerDoubling * (kTop - zeros) + fourths;
}

constexpr int kSizes = 128;
/// In which a part is as large as the whole; the smallest is 2^-27, the largest some 27 times.
constexpr int kWholeSize = 108;

/// How large a part is of a whole, in steps. No division: it would take longer than all the rest. Requires both above 0.
int size_of_steps(int part, int whole) {
    return std::clamp(part - whole + kWholeSize, 0, kSizes - 1);
}
int size_of(std::int64_t part, std::int64_t whole) {
    return size_of_steps(steps_of(static_cast<std::uint64_t>(part)), steps_of(static_cast<std::uint64_t>(whole)));
}

std::int64_t distance(std::int64_t a, std::int64_t b) {
    return a < b ? b - a : a - b;
}

/// How often which size was seen.
struct Sizes {
    std::array<std::uint64_t, kSizes> counts{};
    std::uint64_t all = 0;

    void add(int size) {
        ++counts[static_cast<std::size_t>(size)];
        ++all;
    }
    /// Requires that there is one.
    int median() const {
        std::uint64_t below = 0;
        int size = 0;
        for (; size < kSizes - 1; ++size) {
            below += counts[static_cast<std::size_t>(size)];
            if (2 * below >= all) {
                break;
            }
        }
        return size;
    }
};

/// What is rare, by its size in steps.
class Rare {
public:
    struct Bucket {
        explicit Bucket(int steps_) : steps(steps_) {}
        int steps;
        std::uint64_t count = 0;
        std::uint64_t sum = 0;
        std::uint64_t longest = 0;
        Mark first;
        Mark longest_at;
    };

    void add(int steps, std::uint64_t length, const Mark& mark) {
        const auto at = std::ranges::lower_bound(buckets_, steps, {}, &Bucket::steps);
        Bucket& bucket = at != buckets_.end() && at->steps == steps ? *at : *buckets_.insert(at, Bucket(steps));
        if (bucket.count++ == 0) {
            bucket.first = mark;
        }
        bucket.sum += length;
        if (length > bucket.longest) {
            bucket.longest = length;
            bucket.longest_at = mark;
        }
    }
    void add_run(std::uint64_t length, const Mark& mark) { add(steps_of(length), length, mark); }
    /// By size alone; the longest is the largest.
    void add_size(int size, const Mark& mark) { add(size, static_cast<std::uint64_t>(size), mark); }

    /// All of at least so many steps, as one.
    Bucket from(int steps) const {
        Bucket all(steps);
        for (const Bucket& bucket : buckets_) {
            if (bucket.steps < steps) {
                continue;
            }
            if (all.count == 0 || bucket.first.time < all.first.time) {
                all.first = bucket.first;
            }
            all.count += bucket.count;
            all.sum += bucket.sum;
            if (bucket.longest > all.longest) {
                all.longest = bucket.longest;
                all.longest_at = bucket.longest_at;
            }
        }
        return all;
    }
    /// Runs that are surely at least so long.
    Bucket from_length(std::uint64_t length) const {
        const int steps = steps_of(std::max<std::uint64_t>(length, 1));
        const bool is_exact = length < 2U << bounds::kStepsPerDoubling / 2;
        return from(is_exact ? steps : steps + 1);
    }
    /// Without those from a length on that are as many as `often`: they are a habit.
    Rare without_habits(std::uint64_t length, std::uint64_t often) const {
        Rare rest;
        for (const Bucket& bucket : buckets_) {
            if (bucket.longest < length || bucket.count < often) {
                rest.buckets_.push_back(bucket);
            }
        }
        return rest;
    }

private:
    std::vector<Bucket> buckets_;  ///< ascending; at most some hundred
};

/// Whether numbers are multiples of one, without a division: by its inverse modulo 2^64.
class Multiples {
public:
    explicit Multiples(std::uint64_t of) : shift_(std::countr_zero(of)), most_(~std::uint64_t{0} / of) {
        const std::uint64_t odd = of >> static_cast<unsigned>(shift_);
        for (int i = 0; i < 6; ++i) {  // each doubles the bits that are right, of which there is one
            inverse_ *= 2 - odd * inverse_;
        }
    }
    bool has(std::int64_t x) const { return std::rotr(static_cast<std::uint64_t>(x) * inverse_, shift_) <= most_; }

private:
    std::uint64_t inverse_ = 1;
    int shift_;
    std::uint64_t most_;
};

/// The least length of a run that by chance alone comes less than once in bounds::kChance such files, where `hits` of `slots` belong to runs.
std::uint64_t chance_bound(std::uint64_t slots, std::uint64_t hits, std::uint64_t least) {
    constexpr int kMostBits = 40;
    constexpr int kPointBits = 32;
    constexpr std::uint64_t kLongest = 100'000;
    const int excess = std::max(0, static_cast<int>(std::bit_width(slots)) - kMostBits);
    slots >>= static_cast<unsigned>(excess);
    hits >>= static_cast<unsigned>(excess);
    if (hits >= slots) {
        return std::numeric_limits<std::uint64_t>::max();
    }
    UInt128 expected = UInt128{slots} << kPointBits;
    std::uint64_t length = 0;
    while (expected * bounds::kChance >= UInt128{1} << kPointBits && length < kLongest) {
        expected = expected * hits / slots;
        ++length;
    }
    return std::max(least, bounds::kClustering * length);
}

// ---- the day that a record is in --------------------------------------------------------------------------------------

struct Span {
    Time open;
    Time close;
};

/// A trading date of an instrument; all that is asked of it for each record.
struct DayView {
    Date date = kNoDay;
    Time from = kNever;
    Time until = kBeforeAll;
    bool is_closed = false;
    bool has_hours = false;    ///< what follows is known
    Time first;                ///< of any phase
    Time last;                 ///< of any phase
    std::vector<Span> trades;  ///< continuous trading

    bool has(Time t) const { return t >= from && t < until; }
    void enter(const DayTimes& times, Time t) {
        date = times.date_of(t);
        from = std::min(t, times.end_of(Date{date.days - 1}));
        until = std::max(Time{t.ns + 1}, times.end_of(date));
        is_closed = has_hours = false;
        trades.clear();
        if (const Calendar* const calendar = times.calendar(); calendar != nullptr) {
            const DayKind kind = calendar->day(date).kind;
            is_closed = kind == DayKind::closed || kind == DayKind::holiday;
            for (const PhaseTimes& phase : calendar->phases_on(date)) {
                first = has_hours ? first : phase.open;
                last = phase.close;
                has_hours = true;
                if (phase.phase == Phase::continuous) {
                    trades.push_back({phase.open, phase.close});
                }
            }
        } else if (!times.is_always_open()) {
            has_hours = true;
            first = times.open_on(date);
            last = times.close_on(date);
            trades.push_back({first, last});
        }
    }
    const Span* span_at(Time t) const {
        const auto found =
            std::ranges::find_if(trades, [t](const Span& span) { return t >= span.open && t < span.close; });
        return found == trades.end() ? nullptr : &*found;
    }
    /// How many bars fit into trading from `a` to `b`.
    std::uint64_t bars_between(Time a, Time b, Duration interval) const {
        std::uint64_t bars = 0;
        for (const Span& span : trades) {
            const Time begin = std::max(a, span.open);
            const Time end = std::min(b, span.close);
            bars += begin < end ? static_cast<std::uint64_t>((end - begin).ns / interval.ns) : 0;
        }
        return bars;
    }
};

bool is_weekend(Date date) {
    constexpr int kSaturday = 5;
    return weekday_of(date) >= kSaturday;
}

/// Weekdays after `a` and before `b`. Requires a < b.
std::uint64_t weekdays_between(Date a, Date b) {
    constexpr std::int32_t kWeek = 7;
    constexpr std::uint64_t kWorking = 5;
    const std::int32_t days = b.days - a.days - 1;
    std::uint64_t sum = kWorking * static_cast<std::uint64_t>(days / kWeek);
    for (Date date{b.days - days % kWeek}; date < b; ++date.days) {
        sum += is_weekend(date) ? 0U : 1U;
    }
    return sum;
}

/// On which days there are records.
struct Days {
    Date last = kNoDay;
    std::uint64_t recorded = 0;
    std::uint64_t weekends = 0;
    Count closed;    ///< days, not records
    Rare missing;    ///< runs of days of trading; without a calendar, of weekdays
    Rare every_day;  ///< without a calendar: runs of days

    void enter(const DayTimes& times, const DayView& day, const Mark& mark) {
        if (last != kNoDay && day.date <= last) {
            return;
        }
        if (last != kNoDay && day.date.days > last.days + 1) {
            note_missing(times, day.date);
        }
        last = day.date;
        ++recorded;
        if (times.calendar() == nullptr && is_weekend(day.date)) {
            ++weekends;
            closed.add(mark);
        } else if (day.is_closed) {
            closed.add(mark);
        }
    }

private:
    void note_missing(const DayTimes& times, Date date) {
        const Calendar* const calendar = times.calendar();
        if (calendar == nullptr) {
            const auto days = static_cast<std::uint64_t>(date.days - last.days - 1);
            const Mark mark{times.hours().midnight(Date{last.days + 1})};
            every_day.add_run(days, mark);
            if (const std::uint64_t weekdays = weekdays_between(last, date); weekdays != 0) {
                Date first{last.days + 1};
                while (is_weekend(first)) {
                    ++first.days;
                }
                missing.add_run(weekdays, {times.hours().midnight(first)});
            }
            return;
        }
        std::uint64_t run = 0;
        Mark mark;
        for (Date each{last.days + 1}; each < date; ++each.days) {
            if (calendar->day(each).trades()) {
                mark = run++ == 0 ? Mark{times.open_on(each)} : mark;
            }
        }
        if (run != 0) {
            missing.add_run(run, mark);
        }
    }
};

// ---- prices one after the other ---------------------------------------------------------------------------------------

struct SplitSeen {
    Time time;
    Price before;
    Price after;
    SplitRatio ratio;
};

/// Of one price a record: a bar's close, a quote's mid (doubled).
struct Moves {
    std::int64_t before = 0;  ///< the one before the last
    std::int64_t last = 0;
    int last_steps = 0;
    Mark last_mark;
    bool is_far = false;       ///< the last is off the one before
    bool is_same_day = false;  ///< both are of one day
    Sizes sizes;
    Rare spikes;
    Count jumps;

    /// Whether the last one turns out to have been a spike.
    bool see(std::int64_t price, const Mark& mark, bool is_new_day) {
        const bool was_spike = is_far && judge(price);
        is_far = false;
        if (price != last && last != 0) {
            const std::int64_t moved = distance(price, last);
            sizes.add(size_of_steps(steps_of(static_cast<std::uint64_t>(moved)), last_steps));
            is_far = !was_spike && moved > last / bounds::kSpikePart;  // to come back is no second one
        }
        before = last;
        last = price;
        last_steps = steps_of(static_cast<std::uint64_t>(price));
        last_mark = mark;
        is_same_day = !is_new_day;
        return was_spike;
    }
    /// In steps, from where on something is far off.
    int spike_bound() const {
        if (sizes.all < bounds::kMovesLeast) {
            return size_of(1, bounds::kUnknownSpikePart);
        }
        return sizes.median() + bounds::kSpikeSteps;
    }

private:
    bool judge(std::int64_t price) {
        const std::int64_t moved = distance(last, before);
        if (distance(price, before) <= moved / bounds::kSpikeRemains) {
            spikes.add_size(size_of(moved, before), last_mark);
            return true;
        }
        if (is_same_day && (last / bounds::kJumpTimes >= before || before / bounds::kJumpTimes >= last)) {
            jumps.add(last_mark);
        }
        return false;
    }
};

/// From one day to the next.
struct Nights {
    Sizes sizes;
    std::vector<SplitSeen> splits;  ///< the first few
    Count others;                   ///< splits beyond those
    bool is_fresh = false;          ///< the last night is the last of `splits`

    void see(std::int64_t before, std::int64_t after, const Mark& mark, bool is_explained) {
        const std::int64_t less = std::min(before, after);
        if (less <= 0) {
            return;
        }
        if (before != after) {
            sizes.add(size_of(distance(before, after), less));
        }
        const std::optional<SplitRatio> ratio = split_like(Price{before}, Price{after});
        const bool was_seen = std::exchange(is_fresh, false);
        if (!ratio || is_explained) {
            return;
        }
        constexpr std::int64_t kNearPart = 5;
        if (was_seen && distance(after, splits.back().before.raw) <= splits.back().before.raw / kNearPart) {
            splits.pop_back();  // a day of wrong prices is told as a jump
            return;
        }
        is_fresh = splits.size() < bounds::kSplitsNamed;
        if (splits.size() < bounds::kSplitsNamed) {
            splits.push_back({mark.time, Price{before}, Price{after}, *ratio});
        } else {
            others.add(mark);
        }
    }
};

constexpr std::int64_t power_of_ten(int exponent) {
    std::int64_t power = 1;
    for (int i = 0; i < exponent; ++i) {
        power *= 10;
    }
    return power;
}
/// The step of prices with as many decimals as an exchange has.
constexpr std::int64_t kFinest = power_of_ten(kScaleDigits - bounds::kDecimalsMost);

/// Steps of prices.
struct Steps {
    explicit Steps(Price tick_) : tick(tick_), steps(static_cast<std::uint64_t>(tick_.raw > 0 ? tick_.raw : kFinest)) {}

    Price tick;
    Multiples steps;
    std::uint64_t prices = 0;
    Count off_tick;
    Count fine;  ///< more decimals than an exchange has

    void see(std::int64_t price, const Mark& mark) {
        ++prices;
        if (!steps.has(price)) [[unlikely]] {
            note(price, mark);
        }
    }

private:
    void note(std::int64_t price, const Mark& mark) {
        if (tick.raw > 0) {
            off_tick.add(mark);
        }
        if (price >= kScale && price % kFinest != 0) {
            fine.add(mark);
        }
    }
};

// ---- bars -------------------------------------------------------------------------------------------------------------

struct BarSeries {
    BarSeries(Duration interval_, Price tick) : interval(interval_), steps(tick) {}

    Duration interval;
    std::uint64_t bars = 0;
    std::int64_t open = 0;  // of the last bar
    std::int64_t high = 0;
    std::int64_t low = 0;
    Volume volume;
    std::int64_t high_before = 0;  // of the one before; 0: none
    std::int64_t low_before = 0;
    Time label = kBeforeAll;
    Mark mark;
    DayView day;
    Days days;
    Moves moves;
    Nights nights;
    Steps steps;
    Rare outliers;
    Count impossible;
    Count conflicts;
    Count duplicates;

    // Within sessions:
    std::uint64_t expected = 0;  // bars that there are, and bars that might have been
    Rare missing;
    Time day_first;
    bool is_on_grid = true;
    std::uint64_t in_session = 0;
    Count off_grid;
    Count off_hours;
    Count at_close;
    Count ended;              // days that look stamped at the end
    std::uint64_t begun = 0;  // days that look stamped at the beginning

    // Runs of the same four prices:
    std::uint64_t run = 0;
    Mark run_mark;
    std::uint64_t same = 0;
    Rare stale;

    Count zero_volume;
    Count zero_but_moved;

    bool is_intraday() const { return interval.ns > 0 && interval.ns < kDayNs; }
    bool has_days() const { return interval.ns <= kDayNs; }
};

/// Labels that belong to an interval where nobody knows when trading opens: zones are quarters of an hour apart.
bool is_on_usual_grid(Time label, Duration interval) {
    constexpr Duration kQuarter{900 * kSecondNs};
    const std::int64_t step = std::min(interval.ns, kQuarter.ns);
    return label.ns % step == 0 || kQuarter.ns % step != 0;
}

bool is_on_grid(const DayView& day, const DayTimes& times, Time label, Duration interval) {
    if (!day.has_hours) {
        return is_on_usual_grid(label, interval);
    }
    const Span* const span = day.span_at(label);
    if (span == nullptr) {
        return true;  // before and after trading there is no grid
    }
    const Time midnight =
        times.calendar() == nullptr ? times.hours().midnight(day.date) : times.calendar()->zone().utc_of(day.date, 0);
    return (label - span->open).ns % interval.ns == 0 || (label - midnight).ns % interval.ns == 0;
}

/// Whether the labels of a day begin and end where those of bars do that bear the time of their end.
void judge_stamps(BarSeries& s, const DayTimes& times) {
    constexpr std::int64_t kQuarterNs = 900 * kSecondNs;
    const Mark mark{s.day_first, 0};
    if (s.day.has_hours) {
        if (s.day.trades.empty()) {
            return;
        }
        const Time open = s.day.trades.front().open;
        const Time close = std::min(times.close_on(s.day.date), s.day.trades.back().close);
        const bool is_daily = !s.is_intraday();
        if (s.label == close && (is_daily || s.day_first == open + s.interval)) {
            s.ended.add(mark);
        } else if (s.day_first <= open) {
            ++s.begun;
        }
        return;
    }
    if (!s.is_intraday() || kQuarterNs % s.interval.ns != 0 || kQuarterNs == s.interval.ns) {
        return;
    }
    if (s.day_first.ns % kQuarterNs == 0) {
        ++s.begun;
    } else if ((s.day_first - s.interval).ns % kQuarterNs == 0 && s.label.ns % kQuarterNs == 0) {
        s.ended.add(mark);
    }
}

/// Bars that might have been between the last one and `until`, on its day.
void note_missing(BarSeries& s, Time from, Time until) {
    std::uint64_t missing = 0;
    if (s.day.has_hours) {
        missing = s.day.bars_between(from, until, s.interval);
    } else if (from < until) {
        missing = static_cast<std::uint64_t>((until - from).ns / s.interval.ns);
    }
    if (missing != 0) {
        s.missing.add_run(missing, {from, 0});
    }
}

void end_day(BarSeries& s, const DayTimes& times, bool is_last) {
    if (s.day.date == kNoDay || !s.has_days()) {
        return;
    }
    judge_stamps(s, times);
    if (s.is_intraday() && s.day.has_hours && !is_last) {
        note_missing(s, s.label + s.interval, s.day.last);
    }
}

void place_in_day(BarSeries& s, const DayTimes& times, const Mark& mark, bool is_new_day) {
    const Time label = mark.time;
    const bool follows = !is_new_day && label == s.label + s.interval;
    if (!follows) {
        s.is_on_grid = is_on_grid(s.day, times, label, s.interval);
        const bool is_first_day = s.days.recorded == 1;
        if (!is_new_day) {
            note_missing(s, s.label + s.interval, label);
        } else if (s.day.has_hours && label < s.day.last && !is_first_day) {  // else: an evening session
            note_missing(s, s.day.trades.empty() ? s.day.first : s.day.trades.front().open, label);
        }
    }
    if (!s.is_on_grid) [[unlikely]] {
        s.off_grid.add(mark);
    }
    if (!s.day.has_hours || (label >= s.day.first && label < s.day.last)) [[likely]] {
        ++s.in_session;
    } else if (label == s.day.last || label == times.close_on(s.day.date)) {
        s.at_close.add(mark);
    } else if (!s.day.is_closed) {
        s.off_hours.add(mark);
    }
}

/// The high and low of the last bar, now that both neighbours are known.
void judge_reach(BarSeries& s, const BarClosed& next) {
    if (s.high_before == 0) {
        return;
    }
    const std::int64_t ceiling = std::max(s.high_before, next.high.raw);
    const std::int64_t floor = std::min(s.low_before, next.low.raw);
    if (s.high - ceiling > ceiling / bounds::kOutlierPart) [[unlikely]] {
        s.outliers.add_size(size_of(s.high - ceiling, ceiling), s.mark);
    } else if (floor - s.low > floor / bounds::kOutlierPart) [[unlikely]] {
        s.outliers.add_size(size_of(floor - s.low, floor), s.mark);
    }
}

void end_run(BarSeries& s) {
    if (s.run >= bounds::kStaleBarsLeast) {
        s.stale.add_run(s.run, s.run_mark);
    }
    s.run = 0;
}

bool is_possible(const BarClosed& bar) {
    return bar.low.raw > 0 && bar.low <= bar.open && bar.open <= bar.high && bar.low <= bar.close &&
           bar.close <= bar.high;
}

/// Whether a price is nearer to `one` than to `other`, as ratios.
bool is_nearer(std::int64_t price, std::int64_t one, std::int64_t other) {
    const UInt128 square = static_cast<UInt128>(price) * static_cast<UInt128>(price);
    const UInt128 middle = static_cast<UInt128>(one) * static_cast<UInt128>(other);
    return one < other ? square < middle : square > middle;
}

void see_bar(BarSeries& s, const DayTimes& times, const std::vector<Date>& acted, const Mark& mark,
             const BarClosed& bar) {
    ++s.bars;
    if (!is_possible(bar)) [[unlikely]] {
        s.impossible.add(mark);
        return;
    }
    const bool is_same =
        bar.open.raw == s.open && bar.high.raw == s.high && bar.low.raw == s.low && bar.close.raw == s.moves.last;
    if (mark.time == s.label) [[unlikely]] {
        (is_same && bar.volume == s.volume ? s.duplicates : s.conflicts).add(mark);
        return;
    }
    const bool is_new_day = !s.day.has(mark.time);
    if (is_new_day) {
        end_day(s, times, false);
        s.day.enter(times, mark.time);
        s.day_first = mark.time;
        if (s.has_days()) {
            s.days.enter(times, s.day, mark);
        }
        if (s.moves.last != 0) {
            // An opening far off from which the close is back was a wrong opening.
            const bool is_back = is_nearer(bar.close.raw, s.moves.last, bar.open.raw);
            s.nights.see(s.moves.last, bar.open.raw, mark, is_back || std::ranges::binary_search(acted, s.day.date));
        }
    }
    if (s.is_intraday()) {
        place_in_day(s, times, mark, is_new_day);
    }
    if (is_same && s.moves.last != 0) {
        s.run_mark = s.run == 0 ? s.mark : s.run_mark;
        ++s.run;
        ++s.same;
    } else if (s.run != 0) {
        end_run(s);
    }
    if (bar.volume.raw == 0) {
        s.zero_volume.add(mark);
        if (bar.high != bar.low) {
            s.zero_but_moved.add(mark);
        }
    }
    s.steps.see(bar.open.raw, mark);
    s.steps.see(bar.high.raw, mark);
    s.steps.see(bar.low.raw, mark);
    s.steps.see(bar.close.raw, mark);
    if (!s.moves.see(bar.close.raw, mark, is_new_day)) {
        judge_reach(s, bar);
    }
    s.high_before = s.high;
    s.low_before = s.low;
    s.open = bar.open.raw;
    s.high = bar.high.raw;
    s.low = bar.low.raw;
    s.volume = bar.volume;
    s.label = mark.time;
    s.mark = mark;
}

// ---- quotes -----------------------------------------------------------------------------------------------------------

enum class Sides : std::uint8_t { both, locked, crossed, one };
constexpr std::size_t kSides = 4;

Sides sides_of(const QuoteTick& quote) {
    if (quote.bid.raw <= 0 || quote.ask.raw <= 0) {
        return Sides::one;
    }
    return quote.bid < quote.ask ? Sides::both : quote.bid == quote.ask ? Sides::locked : Sides::crossed;
}

struct QuoteSeries {
    explicit QuoteSeries(Price tick) : steps(tick) {}

    std::uint64_t quotes = 0;
    QuoteTick last;
    Mark mark;
    Sides sides = Sides::one;
    std::size_t spread = 0;  // the size of the last one
    std::array<std::uint64_t, kSides> by_sides{};
    std::array<Mark, kSides> first_by_sides{};
    DayView day;
    // While quotes are in these bounds nothing of the day changes.
    Time inside_from = kNever;
    Time inside_until = kBeforeAll;
    bool is_inside = false;   // whether that is trading, or may be
    bool is_opening = false;  // the first price of the day is still to come
    Days days;
    Moves moves;
    Nights nights;
    Steps steps;
    Sizes spreads;
    std::array<Mark, kSizes> first_spreads{};
    Count off_hours;
    Count duplicates;

    std::int64_t waited_ns = 0;  // between quotes within a session
    std::uint64_t waits = 0;
    Rare silences;  // in seconds

    std::uint64_t run = 0;
    Mark run_mark;
    std::uint64_t same = 0;
    Rare stale;
};

/// Comes to the part of the day in which `t` is.
void place_in_day(QuoteSeries& s, const DayTimes& times, const Mark& mark) {
    const Time t = mark.time;
    if (!s.day.has(t)) {
        s.day.enter(times, t);
        s.days.enter(times, s.day, mark);
        s.is_opening = true;
    }
    s.is_inside = !s.day.has_hours || (t >= s.day.first && t < s.day.last);
    if (!s.day.has_hours) {
        s.inside_from = s.day.from;
        s.inside_until = s.day.until;
        return;
    }
    // Up to the next bound of any kind.
    s.inside_from = t;
    s.inside_until = s.day.until;
    const auto bound = [&](Time at) {
        if (at > t) {
            s.inside_until = std::min(s.inside_until, at);
        }
    };
    bound(s.day.first);
    bound(s.day.last);
    for (const Span& span : s.day.trades) {
        bound(span.open);
        bound(span.close);
    }
}

void see_change(QuoteSeries& s, const std::vector<Date>& acted, const Mark& mark, const QuoteTick& quote) {
    s.sides = sides_of(quote);
    if (quote.bid.raw > 0 && quote.bid != s.last.bid) {
        s.steps.see(quote.bid.raw, mark);
    }
    if (quote.ask.raw > 0 && quote.ask != s.last.ask) {
        s.steps.see(quote.ask.raw, mark);
    }
    if (s.sides == Sides::one || s.sides == Sides::crossed) {
        return;
    }
    const std::int64_t mid = quote.bid.raw + quote.ask.raw;  // doubled
    if (s.is_opening && s.moves.last != 0) {
        s.nights.see(s.moves.last / 2, mid / 2, mark, std::ranges::binary_search(acted, s.day.date));
    }
    s.moves.see(mid, mark, s.is_opening);
    s.is_opening = false;
    if (s.sides == Sides::both) {
        const auto spread = static_cast<std::uint64_t>(2 * (quote.ask.raw - quote.bid.raw));
        s.spread = static_cast<std::size_t>(size_of_steps(steps_of(spread), s.moves.last_steps));
    }
}

void end_run(QuoteSeries& s) {
    if (s.run >= bounds::kStaleQuotesLeast && s.mark.time - s.run_mark.time >= bounds::kStaleQuotesTime) {
        s.stale.add_run(s.run, s.run_mark);
    }
    s.run = 0;
}

void see_quote(QuoteSeries& s, const DayTimes& times, const std::vector<Date>& acted, const Mark& mark,
               const QuoteTick& quote) {
    ++s.quotes;
    if (mark.time < s.inside_from || mark.time >= s.inside_until) [[unlikely]] {
        place_in_day(s, times, mark);
    } else if (s.is_inside) [[likely]] {
        const std::int64_t waited = (mark.time - s.mark.time).ns;
        s.waited_ns += waited;
        ++s.waits;
        if (waited >= bounds::kSilenceLeast.ns) [[unlikely]] {
            s.silences.add_run(static_cast<std::uint64_t>(waited / kSecondNs), s.mark);
        }
    }
    if (!s.is_inside && !s.day.is_closed) [[unlikely]] {
        s.off_hours.add(mark);
    }
    if (quote.bid == s.last.bid && quote.ask == s.last.ask) {
        s.run_mark = s.run == 0 ? s.mark : s.run_mark;
        ++s.run;
        ++s.same;
        if (mark.time == s.mark.time && quote.bid_qty == s.last.bid_qty && quote.ask_qty == s.last.ask_qty &&
            s.quotes > 1) [[unlikely]] {
            s.duplicates.add(mark);
        }
    } else {
        if (s.run != 0) {
            end_run(s);
        }
        see_change(s, acted, mark, quote);
    }
    const auto sides = static_cast<std::size_t>(s.sides);
    if (s.by_sides[sides]++ == 0) [[unlikely]] {
        s.first_by_sides[sides] = mark;
    }
    if (s.sides == Sides::both) [[likely]] {
        if (s.spreads.counts[s.spread] == 0) [[unlikely]] {
            s.first_spreads[s.spread] = mark;
        }
        s.spreads.add(static_cast<int>(s.spread));
    }
    s.last = quote;
    s.mark = mark;
}

// ---- sentences --------------------------------------------------------------------------------------------------------

/// "1,234 bars"
std::string counted(std::uint64_t count, std::string_view what) {
    constexpr std::size_t kGroup = 3;
    std::string text = std::to_string(count);
    for (std::size_t at = text.size(); at > kGroup;) {
        at -= kGroup;
        text.insert(at, ",");
    }
    return fmt::format("{} {}{}", text, what, count == 1 ? "" : "s");
}

/// "0.03 %" of all; at least the last digit is not 0.
std::string share(std::uint64_t part, std::uint64_t all) {
    constexpr std::uint64_t kHundredths = 10'000;
    const auto hundredths = static_cast<std::uint64_t>(UInt128{part} * kHundredths / std::max<std::uint64_t>(all, 1));
    if (hundredths == 0) {
        return "less than 0.01 %";
    }
    constexpr std::uint64_t kOne = 100;
    return hundredths < kOne ? fmt::format("0.{:02} %", hundredths) : fmt::format("{} %", hundredths / kOne);
}

/// On the market's clock where one is known.
std::string shown(const DayTimes& times, Time t) {
    const std::int32_t offset_s =
        times.calendar() != nullptr ? times.calendar()->zone().offset_s_at(t) : times.hours().utc_offset_s;
    std::string text = to_iso(Time{t.ns + offset_s * kSecondNs});
    if (offset_s != 0 && text.ends_with('Z')) {
        constexpr int kMinute = 60;
        const int minutes = (offset_s < 0 ? -offset_s : offset_s) / kMinute;
        text.pop_back();
        text += fmt::format("{}{:02}:{:02}", offset_s < 0 ? '-' : '+', minutes / kMinute, minutes % kMinute);
    }
    return text;
}

bool is_often(std::uint64_t part, std::uint64_t all) {
    return part * bounds::kOften >= all;
}

/// Writes the findings of one series.
class Writer {
public:
    /// `by_date`: the time of day says nothing.
    Writer(const std::string& name, const DayTimes& times, bool by_date, std::vector<DataFinding>& out)
        : name_(name), times_(times), by_date_(by_date), out_(out) {}

    void days(const Days& days, std::string_view what) {
        const bool has_calendar = times_.calendar() != nullptr;
        const bool trades_weekends = !has_calendar && days.weekends * bounds::kWeekendDays >= days.recorded;
        const Rare& runs = trades_weekends ? days.every_day : days.missing;
        const Rare::Bucket all = runs.from(0);
        std::uint64_t least = has_calendar || trades_weekends ? 1 : bounds::kWeekdaysRun;
        const bool is_thin = all.count >= bounds::kThinRuns && all.count * bounds::kThinDays > days.recorded;
        if (is_thin) {
            least = std::max(bounds::kWeekdaysRun, bounds::kThinTimes * all.sum / all.count);
        }
        if (const Rare::Bucket odd = runs.from_length(least); odd.count != 0) {
            const std::string longest = odd.count == 1 ? "" : fmt::format(", at most {} in a row", odd.longest);
            add(Flaw::missing_days, has_calendar ? Gravity::serious : Gravity::doubtful, odd.sum, odd.first,
                fmt::format("no {} on {}{}, first on {}{}: {}", what,
                            counted(odd.sum, trades_weekends ? "day"
                                             : has_calendar  ? "trading day"
                                                             : "weekday"),
                            has_calendar || trades_weekends ? "" : " in long rows", date(odd.first.time), longest,
                            has_calendar ? "data are missing, or the instrument did not trade"
                                         : "data are missing, or the market was closed (a calendar would tell)"));
        }
        if (days.closed.count == 0 || trades_weekends) {
            return;
        }
        if (!has_calendar) {
            add(Flaw::closed_days, Gravity::note, days.closed,
                fmt::format("{} on {} that {} a Saturday or Sunday, first on {}: a special session, or another zone's "
                            "dates",
                            what, counted(days.closed.count, "day"), days.closed.count == 1 ? "is" : "are",
                            date(days.closed.first.time)));
            return;
        }
        const bool is_many = days.closed.count * bounds::kClosedDays >= days.recorded;
        add(Flaw::closed_days, is_many ? Gravity::serious : Gravity::doubtful, days.closed,
            fmt::format("{} on {} on which {} was closed, first on {}: {}", what, counted(days.closed.count, "day"),
                        times_.calendar()->name(), date(days.closed.first.time),
                        is_many ? "the dates are another zone's, or it is another market's calendar"
                                : "a special session that the calendar does not know, or a slip in the dates"));
    }

    void moves(const Moves& moves, std::string_view what) {
        if (const Rare::Bucket odd = moves.spikes.from(moves.spike_bound()); odd.count != 0) {
            add(Flaw::spike, Gravity::serious, odd.count, odd.first,
                fmt::format("{} far from the {} before and back with the next, first {}{}: a wrong price; strategies "
                            "will trade on it",
                            counted(odd.count, what), what, when(odd.first), farthest(odd)));
        }
        if (moves.jumps.count != 0) {
            add(Flaw::jump, Gravity::serious, moves.jumps,
                fmt::format("{} within a day to five times the price before it or a fifth, first {}: another "
                            "instrument or unit",
                            counted(moves.jumps.count, "jump"), when(moves.jumps.first)));
        }
    }

    void nights(const Nights& nights) {
        const bool is_wild =
            nights.sizes.all >= bounds::kNightsLeast && nights.sizes.median() + bounds::kSplitSteps > kWholeSize;
        if (nights.splits.empty() || is_wild) {
            return;
        }
        std::string seen;
        for (const SplitSeen& split : nights.splits) {
            seen += fmt::format("{}{} on {} ({} after {})", seen.empty() ? "" : ", ", split.ratio.text(),
                                date(split.time), to_string(split.after), to_string(split.before));
        }
        if (nights.others.count != 0) {
            seen += fmt::format(" and {} more", nights.others.count);
        }
        add(Flaw::split, Gravity::serious, nights.splits.size() + nights.others.count, {nights.splits.front().time, 0},
            fmt::format("opened as after a split: {}; if it was one, say so with actions, or use adjusted prices",
                        seen));
    }

    void steps(const Steps& steps) {
        const Price tick = steps.tick;
        const std::uint64_t prices = steps.prices;
        const Count& off_tick = steps.off_tick;
        const Count& fine = steps.fine;
        const bool is_much_off = tick.raw != 0 && 2 * off_tick.count > prices;
        if (fine.count != 0 && is_often(fine.count, prices)) {
            add(Flaw::adjusted, Gravity::doubtful, fine,
                fmt::format("{} of prices have more than {} decimals, first {}: the prices look adjusted for splits "
                            "or dividends, or computed in floating point; nobody traded at them",
                            share(fine.count, prices), bounds::kDecimalsMost, when(fine.first)));
        } else if (is_much_off) {
            add(Flaw::adjusted, Gravity::doubtful, off_tick,
                fmt::format("{} of prices are off the tick of {}, first {}: the prices look adjusted, or the tick is "
                            "another",
                            share(off_tick.count, prices), to_string(tick), when(off_tick.first)));
        } else if (off_tick.count != 0) {
            add(Flaw::off_tick, Gravity::doubtful, off_tick,
                fmt::format("{} ({}) off the tick of {}, first {}: the tick was another then, or prices are rounded",
                            counted(off_tick.count, "price"), share(off_tick.count, prices), to_string(tick),
                            when(off_tick.first)));
        }
    }

    void bars(const BarSeries& s) {
        const std::string interval = to_string(s.interval);
        const std::string what = s.interval.ns == 0 ? "bars" : fmt::format("bars of {}", interval);
        const auto some = [&](const Count& count) {
            return s.interval.ns == 0 ? counted(count.count, "bar")
                                      : fmt::format("{} of {}", counted(count.count, "bar"), interval);
        };
        if (s.impossible.count != 0) {
            add(Flaw::impossible_bar, Gravity::serious, s.impossible,
                fmt::format("{} with a low above another price, a high below one, or a price of zero, first {}",
                            some(s.impossible), when(s.impossible.first)));
        }
        if (s.conflicts.count != 0) {
            add(Flaw::conflicting_bars, Gravity::serious, s.conflicts,
                fmt::format("{} with the label of another and other values, first {}: one of them is wrong",
                            some(s.conflicts), when(s.conflicts.first)));
        }
        const bool is_ended = s.ended.count > s.begun;
        if (is_ended) {
            stamps(s, interval);
        }
        days(s.days, what);
        nights(s.nights);
        moves(s.moves, "close");
        if (const Rare::Bucket odd = s.outliers.from(s.moves.spike_bound()); odd.count != 0) {
            const bool is_wild = static_cast<int>(odd.longest) >= size_of(1, bounds::kWildPart);
            add(Flaw::outlier, is_wild ? Gravity::serious : Gravity::doubtful, odd.count, odd.first,
                fmt::format("{} with a high or low far outside of both neighbours', first {}{}: a wrong price, or a "
                            "freak trade; stops would have filled there",
                            counted(odd.count, "bar"), when(odd.first), farthest(odd)));
        }
        gaps(s);
        if (s.off_grid.count != 0) {
            add(Flaw::off_grid, Gravity::doubtful, s.off_grid,
                fmt::format("{} with a label that is no multiple of {}, first {}: another interval, or times of "
                            "trades instead of labels",
                            counted(s.off_grid.count, "bar"), interval, when(s.off_grid.first)));
        }
        Count outside = s.off_hours;
        if (!is_ended && s.is_intraday()) {
            outside.take(s.at_close);
        }
        off_hours(outside, s.bars, "bar");
        duplicates(s.duplicates, s.bars, "bar");
        const std::uint64_t least = chance_bound(s.bars, s.same, bounds::kStaleBarsLeast);
        if (const Rare::Bucket odd = s.stale.from_length(least); odd.count != 0) {
            add(Flaw::stale, Gravity::doubtful, odd.count, odd.first,
                fmt::format(
                    "the same four prices for up to {} bars on end, {}, first from {}: the feed stood still, or "
                    "bars were filled in",
                    odd.longest + 1, counted(odd.count, "time"), at(odd.first.time)));
        }
        steps(s.steps);
        volumes(s);
    }

    void quotes(const QuoteSeries& s) {
        days(s.days, "quotes");
        nights(s.nights);
        moves(s.moves, "quote");
        silence(s);
        off_hours(s.off_hours, s.quotes, "quote");
        duplicates(s.duplicates, s.quotes, "quote");
        const std::uint64_t least = chance_bound(s.quotes, s.same, bounds::kStaleQuotesLeast);
        if (const Rare::Bucket odd = s.stale.from_length(least); odd.count != 0) {
            add(Flaw::stale, Gravity::doubtful, odd.count, odd.first,
                fmt::format("the same bid and ask for up to {} quotes on end, {}, first from {}: the feed stood still",
                            odd.longest + 1, counted(odd.count, "time"), at(odd.first.time)));
        }
        steps(s.steps);
        sides(s, Sides::crossed, Flaw::crossed, Gravity::doubtful, "a bid above the ask",
              "two feeds that are not in step, or a side that was not withdrawn");
        sides(s, Sides::locked, Flaw::locked, Gravity::note, "the same bid and ask", "usual where venues are merged");
        sides(s, Sides::one, Flaw::one_sided, Gravity::note, "one side only",
              "the other side was empty, as at a price band, or is missing");
        wide(s);
    }

private:
    /// "on 2024-01-02", or "at 2024-01-02T09:15:00+05:30"
    std::string when(const Mark& mark) const { return by_date_ ? "on " + date(mark.time) : "at " + at(mark.time); }
    /// Of several, by size.
    std::string farthest(const Rare::Bucket& odd) const {
        return odd.count == 1 ? "" : ", the farthest " + when(odd.longest_at);
    }
    std::string at(Time t) const { return by_date_ ? date(t) : shown(times_, t); }
    std::string date(Time t) const { return to_iso(times_.date_of(t)); }

    void add(Flaw flaw, Gravity gravity, std::uint64_t count, const Mark& first, std::string sentence) {
        out_.push_back({flaw, gravity, name_, count, first.time, first.record, std::move(sentence)});
    }
    void add(Flaw flaw, Gravity gravity, const Count& count, std::string sentence) {
        add(flaw, gravity, count.count, count.first, std::move(sentence));
    }

    void stamps(const BarSeries& s, const std::string& interval) {
        const std::string first = at(s.ended.first.time);
        if (!s.is_intraday()) {
            add(Flaw::end_stamped, Gravity::serious, s.ended,
                fmt::format("bars of {} bear the time of the close on {}, first {}: alpha takes a label for the "
                            "beginning; label them by date",
                            interval, counted(s.ended.count, "day"), first));
            return;
        }
        add(Flaw::end_stamped, s.day.has_hours ? Gravity::serious : Gravity::doubtful, s.ended,
            fmt::format("on {} the first label is {} after the open and the last is the close, first {}: the bars {} "
                        "stamped at their end, and alpha takes a label for the beginning; subtract {} from each",
                        counted(s.ended.count, "day"), interval, first, s.day.has_hours ? "are" : "look", interval));
    }

    void gaps(const BarSeries& s) {
        if (!s.is_intraday()) {
            return;
        }
        const Rare runs =
            times_.is_always_open()
                ? s.missing.without_habits(static_cast<std::uint64_t>(bounds::kPauseLeast.ns / s.interval.ns),
                                           (s.days.recorded + bounds::kPauseDays - 1) / bounds::kPauseDays)
                : s.missing;
        const std::uint64_t missing = runs.from(0).sum;
        const std::uint64_t least = chance_bound(s.bars + missing, missing, bounds::kMissingBarsLeast);
        if (const Rare::Bucket odd = runs.from_length(least); odd.count != 0) {
            add(Flaw::missing_bars, Gravity::doubtful, odd.sum, odd.first,
                fmt::format("{} of {} in {} longer than the instrument's usual, first from {}, the longest of {} from "
                            "{}: data are missing, or trading was halted",
                            counted(odd.sum, "missing bar"), to_string(s.interval), counted(odd.count, "gap"),
                            at(odd.first.time), odd.longest, at(odd.longest_at.time)));
        }
    }

    void silence(const QuoteSeries& s) {
        if (s.waits == 0) {
            return;
        }
        Rare runs = s.silences;
        if (times_.is_always_open()) {
            runs = runs.without_habits(static_cast<std::uint64_t>(bounds::kPauseLeast.ns / kSecondNs),
                                       (s.days.recorded + bounds::kPauseDays - 1) / bounds::kPauseDays);
        }
        const std::uint64_t habits_s = s.silences.from(0).sum - runs.from(0).sum;
        const auto waited_s = static_cast<std::uint64_t>(s.waited_ns / kSecondNs) - habits_s;
        // Waiting times of random events fall to 15/16 in each sixteenth of their mean.
        constexpr std::uint64_t kParts = 16;
        std::uint64_t parts = 0;
        UInt128 expected = UInt128{s.waits} << 32U;
        while (expected * bounds::kChance >= UInt128{1} << 32U) {
            expected = expected * (kParts - 1) / kParts;
            ++parts;
        }
        const std::uint64_t least =
            std::max(static_cast<std::uint64_t>(bounds::kSilenceLeast.ns / kSecondNs),
                     static_cast<std::uint64_t>(UInt128{bounds::kClustering} * parts * waited_s / kParts / s.waits));
        if (const Rare::Bucket odd = runs.from_length(least); odd.count != 0) {
            add(Flaw::silence, Gravity::doubtful, odd.count, odd.first,
                fmt::format(
                    "{} without a quote for longer than is usual, first from {}, the longest of {} from {}: data "
                    "are missing, or trading was halted",
                    counted(odd.count, "time"), at(odd.first.time),
                    to_string(Duration{static_cast<std::int64_t>(odd.longest) * kSecondNs}), at(odd.longest_at.time)));
        }
    }

    void off_hours(const Count& count, std::uint64_t all, std::string_view what) {
        if (count.count == 0) {
            return;
        }
        add(Flaw::off_hours, Gravity::doubtful, count,
            fmt::format("{} ({}) outside of the session, first {}: trading before or after hours, or another zone's "
                        "times",
                        counted(count.count, what), share(count.count, all), when(count.first)));
    }

    void duplicates(const Count& count, std::uint64_t all, std::string_view what) {
        if (count.count != 0) {
            const bool is_habit = is_often(count.count, all);
            add(Flaw::duplicate, is_habit ? Gravity::note : Gravity::doubtful, count,
                fmt::format("{} ({}) of the same time and values as the one before, first {}: {}",
                            counted(count.count, what), share(count.count, all), when(count.first),
                            is_habit ? "the feed repeats itself" : "written twice"));
        }
    }

    void volumes(const BarSeries& s) {
        const std::uint64_t zero = s.zero_volume.count;
        if (zero == 0) {
            return;
        }
        if (zero + s.impossible.count + s.duplicates.count + s.conflicts.count == s.bars) {
            add(Flaw::no_volume, Gravity::note, s.zero_volume,
                fmt::format("none of {} has volume: an index, or a source without it; what goes by volume sees none",
                            counted(s.bars, "bar")));
            return;
        }
        const bool moved = s.zero_but_moved.count != 0;
        const Count& of = moved ? s.zero_but_moved : s.zero_volume;
        add(Flaw::zero_volume, moved && !is_often(zero, s.bars) ? Gravity::doubtful : Gravity::note, s.zero_volume,
            fmt::format("{} ({}) without volume{}, first {}: {}", counted(zero, "bar"), share(zero, s.bars),
                        moved ? fmt::format(", in {} of which the price moved all the same", of.count) : "",
                        when(s.zero_volume.first),
                        moved ? "volume is missing, or the prices are not of trades"
                              : "nothing was traded, and the bars were filled in"));
    }

    void sides(const QuoteSeries& s, Sides sides, Flaw flaw, Gravity gravity, std::string_view has,
               std::string_view meaning) {
        const std::uint64_t count = s.by_sides[static_cast<std::size_t>(sides)];
        const Mark& first = s.first_by_sides[static_cast<std::size_t>(sides)];
        if (count != 0) {
            add(flaw, gravity, count, first,
                fmt::format("{} ({}) with {}, first {}: {}", counted(count, "quote"), share(count, s.quotes), has,
                            when(first), meaning));
        }
    }

    void wide(const QuoteSeries& s) {
        if (s.spreads.all < bounds::kMovesLeast) {
            return;
        }
        Count wide;
        for (int size = s.spreads.median() + bounds::kWideSteps; size < kSizes; ++size) {
            const auto at = static_cast<std::size_t>(size);
            wide.take({s.spreads.counts[at], s.first_spreads[at]});
        }
        if (wide.count != 0) {
            add(Flaw::wide_spread, Gravity::note, wide,
                fmt::format("{} ({}) with a spread of more than 10 times the median, first {}: thin moments, or a "
                            "side that is a placeholder",
                            counted(wide.count, "quote"), share(wide.count, s.quotes), when(wide.first)));
        }
    }

    const std::string& name_;
    const DayTimes& times_;
    bool by_date_;
    std::vector<DataFinding>& out_;
};

}  // namespace

// ---- names ------------------------------------------------------------------------------------------------------------

std::string_view name_of(Gravity gravity) {
    switch (gravity) {
    case Gravity::serious: return "serious";
    case Gravity::doubtful: return "doubtful";
    case Gravity::note: return "note";
    }
    ALPHA_ASSERT(false, "a gravity that is none");
    return {};
}

std::string_view name_of(Flaw flaw) {
    switch (flaw) {
#define ALPHA_FLAW(NAME)                                                                                               \
    case Flaw::NAME: return #NAME
        ALPHA_FLAW(impossible_bar);
        ALPHA_FLAW(conflicting_bars);
        ALPHA_FLAW(end_stamped);
        ALPHA_FLAW(split);
        ALPHA_FLAW(missing_days);
        ALPHA_FLAW(closed_days);
        ALPHA_FLAW(spike);
        ALPHA_FLAW(jump);
        ALPHA_FLAW(outlier);
        ALPHA_FLAW(missing_bars);
        ALPHA_FLAW(silence);
        ALPHA_FLAW(off_grid);
        ALPHA_FLAW(off_hours);
        ALPHA_FLAW(duplicate);
        ALPHA_FLAW(stale);
        ALPHA_FLAW(crossed);
        ALPHA_FLAW(adjusted);
        ALPHA_FLAW(off_tick);
        ALPHA_FLAW(zero_volume);
        ALPHA_FLAW(wide_spread);
        ALPHA_FLAW(locked);
        ALPHA_FLAW(one_sided);
        ALPHA_FLAW(no_volume);
#undef ALPHA_FLAW
    }
    ALPHA_ASSERT(false, "a flaw that is none");
    return {};
}

// ---- splits -----------------------------------------------------------------------------------------------------------

std::string SplitRatio::text() const {
    return is_reverse ? fmt::format("1 for {}", shares) : fmt::format("{} for 1", shares);
}

std::optional<SplitRatio> split_like(Price before, Price after) {
    if (before.raw <= 0 || after.raw <= 0) {
        return std::nullopt;
    }
    const bool fell = after < before;
    const Int128 more = fell ? before.raw : after.raw;
    const Int128 less = fell ? after.raw : before.raw;
    for (const std::int64_t ratio : {2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 50, 100}) {
        const Int128 off = more > less * ratio ? more - less * ratio : less * ratio - more;
        if (off * bounds::kSplitNearness <= less * ratio) {
            return SplitRatio{ratio, !fell};
        }
    }
    return std::nullopt;
}

// ---- the whole --------------------------------------------------------------------------------------------------------

struct DataQuality::Watched {
    explicit Watched(WatchedInstrument instrument) : is(std::move(instrument)) {}

    WatchedInstrument is;
    std::vector<Date> acted;                         // ascending
    std::unique_ptr<QuoteSeries> quotes;             // null: none yet
    std::vector<std::unique_ptr<BarSeries>> series;  // one an interval
    BarSeries* recent = nullptr;

    BarSeries& of(Duration interval) {
        if (recent == nullptr || recent->interval != interval) [[unlikely]] {
            const auto found = std::ranges::find(series, interval, [](const auto& each) { return each->interval; });
            recent = found != series.end() ? found->get()
                                           : series.emplace_back(std::make_unique<BarSeries>(interval, is.tick)).get();
        }
        return *recent;
    }
};

DataQuality::DataQuality() = default;
DataQuality::DataQuality(DataQuality&&) noexcept = default;
DataQuality& DataQuality::operator=(DataQuality&&) noexcept = default;
DataQuality::~DataQuality() = default;

std::uint32_t DataQuality::watch(WatchedInstrument instrument) {
    watched_.push_back(std::make_unique<Watched>(std::move(instrument)));
    return static_cast<std::uint32_t>(watched_.size() - 1);
}

void DataQuality::announce(std::uint32_t instrument, Date ex_date) {
    std::vector<Date>& acted = watched_[instrument]->acted;
    acted.insert(std::ranges::upper_bound(acted, ex_date), ex_date);
}

void DataQuality::see(std::uint32_t instrument, Time time, const QuoteTick& quote, std::uint64_t record) {
    Watched& its = *watched_[instrument];
    if (its.quotes == nullptr) [[unlikely]] {
        its.quotes = std::make_unique<QuoteSeries>(its.is.tick);
    }
    see_quote(*its.quotes, its.is.times, its.acted, {time, record}, quote);
}

void DataQuality::see(std::uint32_t instrument, Time time, const BarClosed& bar, std::uint64_t record) {
    Watched& its = *watched_[instrument];
    see_bar(its.of(bar.interval), its.is.times, its.acted, {bar.interval.ns == 0 ? time : bar.label, record}, bar);
}

std::vector<DataFinding> DataQuality::finish() {
    std::vector<DataFinding> findings;
    for (const auto& its : watched_) {
        for (const auto& series : its->series) {
            end_day(*series, its->is.times, true);
            end_run(*series);
            if (its->is.is_derivative) {
                series->nights.splits.clear();
            }
            Writer(its->is.name, its->is.times, !series->is_intraday(), findings).bars(*series);
        }
        if (its->quotes != nullptr) {
            end_run(*its->quotes);
            if (its->is.is_derivative) {
                its->quotes->nights.splits.clear();
            }
            Writer(its->is.name, its->is.times, false, findings).quotes(*its->quotes);
        }
    }
    std::ranges::stable_sort(findings, {}, &DataFinding::gravity);
    return findings;
}

}  // namespace alpha::markets
