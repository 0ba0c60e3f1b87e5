#include "adapters/data/foreign_values.hpp"

#include <algorithm>
#include <array>

namespace alpha::foreign {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool all_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_digit);
}
/// Of at most nine digits.
int value_of(std::string_view digits) {
    int value = 0;
    for (const char c : digits) {
        value = value * 10 + (c - '0');
    }
    return value;
}

// ---- numbers

/// The digits of a number without its sign, and where its point stands.
struct Digits {
    static constexpr std::size_t kMost = 72;
    std::array<char, kMost> of{};
    std::size_t size = 0;
    int scale = 0;        ///< so many of them are decimals
    bool is_cut = false;  ///< digits that are not 0 were left out behind the last

    bool push(char c) {
        if (size == 0 && c == '0') {
            return true;
        }
        if (size == kMost) {
            is_cut = is_cut || c != '0';
            return false;
        }
        of[size++] = c;
        return true;
    }
};

constexpr const char* kNoNumber = "is not a number";
constexpr const char* kTooLarge = "is too large";
constexpr const char* kBadGroups = "has its digits grouped neither by threes nor as in India";

/// Reads the whole part, groups and all, and moves behind it.
const char* read_whole(std::string_view text, std::size_t& at, char group, Digits& digits, bool& is_there) {
    std::array<std::size_t, 32> groups{};
    std::size_t count = 0;
    std::size_t length = 0;
    for (; at < text.size() && (is_digit(text[at]) || text[at] == group); ++at) {
        if (text[at] == group) {
            if (length == 0 || count + 1 >= groups.size()) {
                return kBadGroups;
            }
            groups[count++] = std::exchange(length, 0);
            continue;
        }
        ++length;
        is_there = true;
        if (!digits.push(text[at])) {
            return kTooLarge;
        }
    }
    if (count == 0) {
        return nullptr;
    }
    const std::size_t inner = count > 1 ? groups[1] : 3;
    bool good = length == 3 && groups[0] <= inner && (inner == 2 || inner == 3);
    for (std::size_t i = 1; i < count; ++i) {
        good = good && groups[i] == inner;
    }
    return good || (count == 1 && length == 3 && groups[0] <= 3) ? nullptr : kBadGroups;
}

/// Rounds to `decimals` and scales to 1e-8.
const char* round_to(const Digits& digits, unsigned decimals, Number& into) {
    constexpr int kMostDigits = 36;  // below 2^120
    const int shift = static_cast<int>(decimals) - digits.scale;
    const int kept = static_cast<int>(digits.size) + std::min(shift, 0);
    Int128 value = 0;
    if (kept + std::max(shift, 0) > kMostDigits - kScaleDigits + static_cast<int>(decimals) && digits.size != 0) {
        return kTooLarge;
    }
    for (int i = 0; i < kept; ++i) {
        value = value * 10 + (digits.of[static_cast<std::size_t>(i)] - '0');
    }
    for (int i = 0; i < shift && value != 0; ++i) {
        value *= 10;
    }
    bool lost = digits.is_cut;
    if (shift < 0) {
        const auto first = static_cast<std::size_t>(std::max(kept, 0));
        bool rest = digits.is_cut;
        for (std::size_t i = first; i < digits.size; ++i) {
            lost = lost || digits.of[i] != '0';
            rest = rest || (i != first && digits.of[i] != '0');
        }
        const int next = kept >= 0 && first < digits.size ? digits.of[first] - '0' : 0;
        constexpr int kHalf = 5;
        if (next > kHalf || (next == kHalf && (rest || value % 2 != 0))) {
            ++value;
        }
    }
    for (unsigned d = decimals; d < unsigned{kScaleDigits}; ++d) {
        value *= 10;
    }
    into.raw = value;
    into.is_rounded = lost;
    return nullptr;
}

// ---- times

constexpr const char* kNoTime = "is not a time or date of a known form";

constexpr std::array<std::string_view, 12> kMonths{"january",   "february", "march",    "april",
                                                   "may",       "june",     "july",     "august",
                                                   "september", "october",  "november", "december"};

/// 1 to 12, or 0.
int month_named(std::string_view text) {
    const std::string name = lower_case(text);
    constexpr std::size_t kShort = 3;
    for (std::size_t i = 0; i < kMonths.size(); ++i) {
        const bool is_sept = name == "sept" && kMonths[i] == "september";
        if (name == kMonths[i] || name == kMonths[i].substr(0, kShort) || is_sept) {
            return static_cast<int>(i) + 1;
        }
    }
    return 0;
}

int days_in(int year, int month) {
    constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month) - 1];
}

bool make_day(int year, int month, int day, Date& into) {
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) {
        return false;
    }
    // Years that begin in March, so that the leap day is the last.
    const int y = year - (month <= 2 ? 1 : 0);
    const int era = y / 400;
    const int of_era = y - era * 400;
    const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    into.days = era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
    return true;
}

/// A year of two digits: no market data is from before 1970 in so short a form.
int whole_year(int year) {
    constexpr int kTurn = 70;
    return year < kTurn ? 2'000 + year : 1'900 + year;
}

/// "+05:30", "-0500", "+05", "Z", "UTC", "GMT+0530"; false where the text is none of them.
bool read_offset(std::string_view text, TimeText& into) {
    if (text.empty()) {
        return true;
    }
    into.has_offset = true;
    if (text == "Z" || text == "z") {
        return true;
    }
    const std::string front = lower_case(text.substr(0, 3));
    if (front == "utc" || front == "gmt") {
        text = trimmed(text.substr(3));
        if (text.empty()) {
            return true;
        }
    }
    if (text[0] != '+' && text[0] != '-') {
        return false;
    }
    std::string digits;
    for (const char c : text.substr(1)) {
        if (c != ':') {
            digits += c;
        }
    }
    if (!all_digits(digits) || (digits.size() != 2 && digits.size() != 4)) {
        return false;
    }
    const int hours = value_of(std::string_view(digits).substr(0, 2));
    const int minutes = digits.size() == 4 ? value_of(std::string_view(digits).substr(2)) : 0;
    if (hours > 15 || minutes > 59) {
        return false;
    }
    into.offset_s = (hours * 3'600 + minutes * 60) * (text[0] == '-' ? -1 : 1);
    return true;
}

/// "09:15", "9:15:00.250 AM", "091500", each with an offset behind it or without.
const char* read_clock(std::string_view text, TimeText& into) {
    constexpr const char* kNoClock = "has a time of day that is none; write HH:MM or HH:MM:SS";
    std::size_t at = 0;
    std::array<int, 3> part{0, 0, 0};
    std::size_t parts = 0;
    std::size_t run = 0;
    while (run < text.size() && is_digit(text[run])) {
        ++run;
    }
    if (run == 4 || run == 6) {
        for (; parts < run / 2; ++parts) {
            part[parts] = value_of(text.substr(parts * 2, 2));
        }
        at = run;
    } else {
        while (parts < part.size()) {
            std::size_t end = at;
            while (end < text.size() && is_digit(text[end])) {
                ++end;
            }
            if (end == at || end - at > 2) {
                return kNoClock;
            }
            part[parts++] = value_of(text.substr(at, end - at));
            at = end;
            if (parts == part.size() || at == text.size() || text[at] != ':') {
                break;
            }
            ++at;
        }
        if (parts < 2) {
            return kNoClock;
        }
    }
    std::int64_t fraction_ns = 0;
    if (parts == 3 && at + 1 < text.size() && (text[at] == '.' || text[at] == ',') && is_digit(text[at + 1])) {
        std::int64_t unit = kSecondNs / 10;
        for (++at; at < text.size() && is_digit(text[at]); ++at, unit /= 10) {
            if (unit == 0 && text[at] != '0') {
                return "is finer than a nanosecond";
            }
            fraction_ns += (text[at] - '0') * unit;
        }
    }
    std::string_view rest = trimmed(text.substr(at));
    if (rest.size() >= 2 && is_letter(rest[0]) && (rest[1] == 'm' || rest[1] == 'M')) {
        const char half = static_cast<char>(rest[0] | 0x20);
        if ((half == 'a' || half == 'p')) {
            if (part[0] < 1 || part[0] > 12) {
                return kNoClock;
            }
            part[0] = part[0] % 12 + (half == 'p' ? 12 : 0);
            rest = trimmed(rest.substr(2));
        }
    }
    if (part[0] > 23 || part[1] > 59 || part[2] > 59) {
        return kNoClock;
    }
    if (!read_offset(rest, into)) {
        return "has letters behind its time that are no UTC offset; write one, such as +05:30 or Z";
    }
    into.has_clock = true;
    into.clock_ns = (part[0] * 3'600LL + part[1] * 60LL + part[2]) * kSecondNs + fraction_ns;
    return nullptr;
}

// Digits of a date and a time of day without anything between them.
constexpr std::size_t kToMinute = 12;
constexpr std::size_t kToSecond = 14;

bool read_epoch(std::string_view text, TimeText& into) {
    constexpr std::size_t kFewest = 9;
    constexpr std::size_t kMost = 19;
    const bool negative = text.starts_with('-');
    const std::string_view number = text.substr(negative ? 1 : 0);
    const std::size_t point = std::min(number.find('.'), number.size());
    const std::string_view whole = number.substr(0, point);
    const std::string_view decimals = point == number.size() ? std::string_view() : number.substr(point + 1);
    if (!all_digits(whole) || whole.size() < kFewest || whole.size() > kMost ||
        (point != number.size() && !all_digits(decimals))) {
        return false;
    }
    // 202401020915 and 20240102091500 are no counts: of milliseconds or microseconds they would be of 1970 to 1976. And no count begins
    // with a zero.
    const bool is_written_out = (whole.size() == kToMinute || whole.size() == kToSecond) &&
                                (whole.starts_with("19") || whole.starts_with("20"));
    if (is_written_out || whole.front() == '0') {
        return false;
    }
    constexpr std::int64_t kLimit = std::numeric_limits<std::int64_t>::max() / 10;
    into.count = 0;
    for (const char c : whole) {
        if (into.count >= kLimit) {
            return false;
        }
        into.count = into.count * 10 + (c - '0');
    }
    std::int64_t unit = kSecondNs / 10;
    for (const char c : decimals) {
        into.fraction += (c - '0') * unit;
        unit /= 10;
    }
    if (negative) {
        into.count = -into.count;
        into.fraction = -into.fraction;
    }
    into.shape = TimeText::Shape::epoch;
    into.digits = static_cast<int>(whole.size());
    return true;
}

const char* read_date(std::string_view text, TimeText& into) {
    constexpr std::size_t kCompact = 8;
    if (text.size() == kCompact && all_digits(text)) {
        into.part[0] = value_of(text.substr(0, 4));
        into.part[1] = value_of(text.substr(4, 2));
        into.part[2] = value_of(text.substr(6, 2));
        return nullptr;
    }
    std::array<std::string_view, 3> words;
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t from = text.find_first_not_of("-/. ,", at);
        if (from == std::string_view::npos) {
            break;
        }
        at = std::min(text.find_first_of("-/. ,", from), text.size());
        if (count == words.size()) {
            return kNoTime;
        }
        words[count++] = text.substr(from, at - from);
    }
    if (count != words.size()) {
        return kNoTime;
    }
    const auto is_short = [](std::string_view word) { return all_digits(word) && word.size() <= 2; };
    const auto is_year = [](std::string_view word) { return all_digits(word) && word.size() == 4; };
    if (is_year(words[0]) && is_short(words[1]) && is_short(words[2])) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            into.part[i] = value_of(words[i]);
        }
        return nullptr;
    }
    for (std::size_t named = 0; named < 2; ++named) {
        const int month = month_named(words[named]);
        const std::string_view day = words[1 - named];
        if (month != 0 && is_short(day) && (is_year(words[2]) || (is_short(words[2]) && words[2].size() == 2))) {
            const int year = value_of(words[2]);
            into.part[0] = is_year(words[2]) ? year : whole_year(year);
            into.part[1] = month;
            into.part[2] = value_of(day);
            return nullptr;
        }
    }
    if (!is_short(words[0]) || !is_short(words[1])) {
        return kNoTime;
    }
    if (is_year(words[2])) {
        into.shape = TimeText::Shape::two_year;
    } else if (is_short(words[2]) && words[2].size() == 2) {
        into.shape = TimeText::Shape::three;
    } else {
        return kNoTime;
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        into.part[i] = value_of(words[i]);
    }
    return nullptr;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

bool is_absent(std::string_view text) {
    constexpr std::size_t kLongest = 4;
    if (text.empty() || text == "-" || text == "--") {
        return true;
    }
    if (text.size() > kLongest || is_digit(text[0])) {
        return false;
    }
    const std::string word = lower_case(text);
    return word == "nan" || word == "null" || word == "none" || word == "n/a" || word == "na" || word == "#n/a";
}

const char* read_number(std::string_view text, const NumberStyle& style, Number& into) {
    std::size_t at = 0;
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) {
        ++at;
    }
    Digits digits;
    bool is_there = false;
    if (const char* const why = read_whole(text, at, style.point == '.' ? ',' : '.', digits, is_there);
        why != nullptr) {
        return why;
    }
    int scale = 0;
    if (at < text.size() && text[at] == style.point) {
        for (++at; at < text.size() && is_digit(text[at]); ++at) {
            const bool is_leading_zero = digits.size == 0 && text[at] == '0';
            scale += digits.push(text[at]) || is_leading_zero ? 1 : 0;
            is_there = true;
        }
    }
    if (!is_there) {
        return kNoNumber;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        const bool falls = at < text.size() && text[at] == '-';
        at += at < text.size() && (text[at] == '-' || text[at] == '+') ? 1U : 0U;
        constexpr std::size_t kLongest = 3;
        const std::string_view exponent = text.substr(at);
        if (!all_digits(exponent) || exponent.size() > kLongest) {
            return kNoNumber;
        }
        scale += falls ? value_of(exponent) : -value_of(exponent);
        at = text.size();
    }
    if (at != text.size()) {
        return kNoNumber;
    }
    digits.scale = scale;
    if (const char* const why = round_to(digits, style.decimals, into); why != nullptr) {
        return why;
    }
    into.raw = negative ? -into.raw : into.raw;
    return nullptr;
}

CommaSays comma_of(std::string_view text) {
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos) {
        return CommaSays::nothing;
    }
    const std::size_t point = text.rfind('.');
    if (point != std::string_view::npos) {
        return point > text.rfind(',') ? CommaSays::group : CommaSays::point;
    }
    if (text.rfind(',') != comma) {
        return CommaSays::group;
    }
    constexpr std::size_t kGroup = 3;
    const bool is_group = text.size() - comma - 1 == kGroup && comma <= kGroup && comma > 0 && text[0] != '0';
    return is_group ? CommaSays::either : CommaSays::point;
}

const char* name_of(DateOrder order) {
    switch (order) {
    case DateOrder::unknown: break;
    case DateOrder::dmy: return "dmy";
    case DateOrder::mdy: return "mdy";
    case DateOrder::ymd: return "ymd";
    }
    return "";
}

const char* read_time(std::string_view text, std::string_view clock, TimeText& into) {
    into = {};
    if (clock.empty() && read_epoch(text, into)) {
        return nullptr;
    }
    std::string_view date = text;
    if (clock.empty()) {
        constexpr std::size_t kCompact = 8;
        const std::size_t colon = text.find(':');
        std::size_t from = std::string_view::npos;
        if (colon != std::string_view::npos) {
            from = colon;
            while (from > 0 && is_digit(text[from - 1])) {
                --from;
            }
        } else if (text.size() > kCompact && all_digits(text.substr(0, kCompact)) &&
                   (text[kCompact] == ' ' || text[kCompact] == 'T')) {
            from = kCompact + 1;  // 20240102 170000
        }
        if ((text.size() == kToMinute || text.size() == kToSecond) && all_digits(text)) {  // 202401021700
            clock = text.substr(kCompact);
            date = text.substr(0, kCompact);
        } else if (from != std::string_view::npos) {
            if (from == 0) {
                return kNoTime;
            }
            clock = text.substr(from);
            date = text.substr(0, from);
            if (date.back() != ' ' && date.back() != 'T' && date.back() != ',') {
                return kNoTime;
            }
            date.remove_suffix(1);
        }
    }
    date = trimmed(date);
    if (const char* const why = read_date(date, into); why != nullptr) {
        return why;
    }
    return clock.empty() ? nullptr : read_clock(trimmed(clock), into);
}

bool day_of(const TimeText& time, DateOrder order, Date& into) {
    const int* const p = time.part;
    if (time.shape == TimeText::Shape::fixed) {
        return make_day(p[0], p[1], p[2], into);
    }
    const bool is_long = time.shape == TimeText::Shape::two_year;
    switch (order) {
    case DateOrder::dmy: return make_day(is_long ? p[2] : whole_year(p[2]), p[1], p[0], into);
    case DateOrder::mdy: return make_day(is_long ? p[2] : whole_year(p[2]), p[0], p[1], into);
    case DateOrder::ymd: return !is_long && make_day(whole_year(p[0]), p[1], p[2], into);
    case DateOrder::unknown: break;
    }
    return false;
}

std::int64_t unit_of(int digits) {
    constexpr int kSeconds = 11;
    constexpr int kMillis = 14;
    constexpr int kMicros = 17;
    return digits <= kSeconds ? kSecondNs : digits <= kMillis ? 1'000'000 : digits <= kMicros ? 1'000 : 1;
}

}  // namespace alpha::foreign
