#include "results/svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace alpha {
namespace {

constexpr double kTickGap = 10;
constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// One decimal at most, never "-0".
void append_coordinate(std::string& out, double value) {
    ALPHA_ASSERT(std::isfinite(value), "a coordinate that is a number");
    const std::int64_t tenths = std::llround(std::clamp(value, -1e6, 1e6) * 10.0);
    const std::int64_t whole = std::abs(tenths) / 10;
    const std::int64_t rest = std::abs(tenths) % 10;
    fmt::format_to(std::back_inserter(out), "{}{}", tenths < 0 ? "-" : "", whole);
    if (rest != 0) {
        fmt::format_to(std::back_inserter(out), ".{}", rest);
    }
}

std::string coordinate(double value) {
    std::string text;
    append_coordinate(text, value);
    return text;
}

void append_point(std::string& out, char command, Point point) {
    out += command;
    append_coordinate(out, point.x);
    out += ' ';
    append_coordinate(out, point.y);
}

std::string titled(std::string_view title) {
    return title.empty() ? "/>" : fmt::format("><title>{}</title>", escaped(title));
}

/// What a text of an axis takes, in a wide font.
double width_of(std::string_view text) {
    constexpr double kCharacter = 7.3;
    constexpr double kWide = 11.5;
    double width = 0;
    for (const char c : text) {
        const bool goes_on = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
        width += goes_on ? 0 : c == '%' || c == 'M' ? kWide : kCharacter;
    }
    return width;
}

/// How many decimals the multiples of a step need.
int decimals_of(double step) {
    int decimals = 0;
    while (decimals < 8 && std::abs(step - std::round(step)) > 1e-6 * step) {
        step *= 10;
        ++decimals;
    }
    return decimals;
}

std::string plain(double value, int decimals) {
    const std::string text = fmt::format("{:.{}f}", value, decimals);
    return text.find_first_not_of("-0.") == std::string::npos ? text.substr(text.front() == '-' ? 1 : 0) : text;
}

struct Civil {
    std::int64_t year = 0;
    unsigned month = 0;
    unsigned day = 0;
};

/// Howard Hinnant's civil_from_days.
Civil civil_of(Date date) {
    const std::int64_t z = std::int64_t{date.days} + 719'468;
    const std::int64_t era = (z >= 0 ? z : z - 146'096) / 146'097;
    const auto doe = static_cast<unsigned>(z - era * 146'097);
    const unsigned yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
    const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const unsigned mp = (5 * doy + 2) / 153;
    const unsigned month = mp < 10 ? mp + 3 : mp - 9;
    return {static_cast<std::int64_t>(yoe) + era * 400 + (month <= 2 ? 1 : 0), month, doy - (153 * mp + 2) / 5 + 1};
}

/// What a row of days is cut into: a number that changes where the next piece begins, and how the piece is called.
struct Cut {
    std::int64_t (*piece)(Date);
    std::string (*name)(Date);
};

std::string day_and_month(Date date) {
    const Civil civil = civil_of(date);
    return fmt::format("{} {}", civil.day, kMonths[civil.month - 1]);
}
std::string month_and_year(Date date) {
    const Civil civil = civil_of(date);
    return fmt::format("{} {}", kMonths[civil.month - 1], civil.year);
}
std::string year(Date date) {
    return std::to_string(civil_of(date).year);
}
std::int64_t months(Date date) {
    const Civil civil = civil_of(date);
    return civil.year * 12 + static_cast<std::int64_t>(civil.month) - 1;
}

constexpr std::array<Cut, 9> kCuts{{
    {[](Date date) { return std::int64_t{date.days}; }, day_and_month},
    {[](Date date) { return (std::int64_t{date.days} + 7'000'003) / 7; }, day_and_month},  // weeks begin on Monday
    {[](Date date) { return months(date); }, month_and_year},
    {[](Date date) { return months(date) / 2; }, month_and_year},
    {[](Date date) { return months(date) / 3; }, month_and_year},
    {[](Date date) { return months(date) / 6; }, month_and_year},
    {[](Date date) { return civil_of(date).year; }, year},
    {[](Date date) { return civil_of(date).year / 2; }, year},
    {[](Date date) { return civil_of(date).year / 5; }, year},
}};

Date local_date(Time time, std::int32_t utc_offset_s) {
    return TradingHours{utc_offset_s, 0, 86'400}.date_of(time);
}

/// Every so many-th place of a row, at most `most` of them.
template <class Name>
std::vector<Tick> even_ticks(std::size_t count, std::size_t most, Name name) {
    std::vector<Tick> ticks;
    const std::size_t step = std::max<std::size_t>(1, (count + most - 1) / std::max<std::size_t>(1, most));
    for (std::size_t i = 0; i < count; i += step) {
        ticks.push_back({static_cast<double>(i), name(i)});
    }
    return ticks;
}

}  // namespace

std::string escaped(std::string_view text) {
    constexpr std::string_view kNoCharacter = "\uFFFD";
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
        const unsigned first = byte(i);
        if (first < 0x80) {
            ++i;
            switch (first) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            case 0x7F: out += "\u2421"; break;
            default:
                if (first < 0x20) {  // U+2400 and on are their pictures
                    out += "\xE2\x90";
                    out += static_cast<char>(0x80 + first);
                } else {
                    out += static_cast<char>(first);
                }
            }
            continue;
        }
        const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
        std::uint32_t code = first & (0x7FU >> bytes);
        bool is_whole = first >= 0xC2 && first <= 0xF4 && i + bytes <= text.size();
        for (std::size_t j = 1; is_whole && j < bytes; ++j) {
            is_whole = (byte(i + j) & 0xC0U) == 0x80U;
            code = code << 6U | (byte(i + j) & 0x3FU);
        }
        const bool is_shortest = bytes == 2 || code >= (bytes == 3 ? 0x800U : 0x10000U);
        if (!is_whole || !is_shortest || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
            out += kNoCharacter;
            ++i;
            continue;
        }
        const bool is_control = code < 0xA0;
        const bool is_no_character = (code & 0xFFFEU) == 0xFFFE || (code >= 0xFDD0 && code <= 0xFDEF);
        const bool is_direction = code == 0x061C || code == 0x200E || code == 0x200F ||
                                  (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
                                  code == 0x2028 || code == 0x2029;
        if (is_control || is_no_character || is_direction) {
            out += kNoCharacter;
        } else {
            out += text.substr(i, bytes);
        }
        i += bytes;
    }
    return out;
}

void Extent::add(double value) {
    if (!std::isfinite(value)) {
        return;
    }
    low = is_empty ? value : std::min(low, value);
    high = is_empty ? value : std::max(high, value);
    is_empty = false;
}

void Extent::add(std::span<const double> values) {
    for (const double value : values) {
        add(value);
    }
}

double nice_step(double low, double high, std::size_t most) {
    const double least = (high - low) / static_cast<double>(std::max<std::size_t>(1, most));
    if (!std::isfinite(least) || least <= 0) {
        return 1;
    }
    double power = 1;
    while (power > least) {
        power /= 10;
    }
    while (power * 10 <= least) {
        power *= 10;
    }
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (power * factor >= least * (1 - 1e-9)) {
            return power * factor;
        }
    }
    return power * 10;
}

Extent nice_extent(Extent extent, std::size_t most) {
    if (extent.is_empty) {
        return {0, 1, false};
    }
    const double size = std::max(std::abs(extent.low), std::abs(extent.high));
    if (extent.high - extent.low <= size * 1e-9) {
        const double margin = size > 0 ? size * 0.01 : 1;
        extent.low -= margin;
        extent.high += margin;
    }
    const double step = nice_step(extent.low, extent.high, most);
    return {std::floor(extent.low / step + 1e-9) * step, std::ceil(extent.high / step - 1e-9) * step, false};
}

Extent padded(Extent extent) {
    if (extent.is_empty || extent.high <= extent.low) {
        return nice_extent(extent, 4);
    }
    const double margin = (extent.high - extent.low) * 0.05;
    return {extent.low - margin, extent.high + margin, false};
}

double room_for(std::span<const Tick> ticks) {
    double most = 0;
    for (const Tick& tick : ticks) {
        most = std::max(most, width_of(tick.text));
    }
    return most + 8;
}

std::vector<double> multiples(const Extent& extent, double step) {
    std::vector<double> values;
    const double first = std::ceil(extent.low / step - 1e-9);
    const double last = std::floor(extent.high / step + 1e-9);
    constexpr double kMost = 100;
    const auto count = static_cast<std::size_t>(std::clamp(last - first + 1, 0.0, kMost));
    values.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        values.push_back((first + static_cast<double>(i)) * step);
    }
    return values;
}

std::vector<Tick> percent_ticks(const Extent& extent, std::size_t most) {
    const double step = nice_step(extent.low, extent.high, most);
    std::vector<Tick> ticks;
    for (const double value : multiples(extent, step)) {
        ticks.push_back({value, plain(value * 100, decimals_of(step * 100)) + '%'});
    }
    return ticks;
}

std::vector<Tick> money_ticks(const Extent& extent, std::size_t most, std::string_view currency) {
    struct Unit {
        double size;
        const char* name;
    };
    static constexpr std::array<Unit, 4> kPlain{{{1e9, "B"}, {1e6, "M"}, {1e3, "k"}, {1, ""}}};
    static constexpr std::array<Unit, 4> kIndian{{{1e7, "Cr"}, {1e5, "L"}, {1e3, "k"}, {1, ""}}};
    const bool is_indian = currency == "INR";
    const double step = nice_step(extent.low, extent.high, most);
    const double size = std::max(std::abs(extent.low), std::abs(extent.high));
    const auto& units = is_indian ? kIndian : kPlain;
    const Unit unit =
        *std::ranges::find_if(units, [&](const Unit& each) { return size >= each.size || each.size == 1; });
    const char* const symbol = is_indian ? "₹" : currency == "USD" ? "$" : "";
    std::vector<Tick> ticks;
    for (const double value : multiples(extent, step)) {
        const std::string text = plain(value / unit.size, decimals_of(step / unit.size));
        const bool is_minus = text.front() == '-';
        const bool is_zero = text.find_first_not_of("0.") == std::string::npos;
        ticks.push_back({value, fmt::format("{}{}{}{}", is_minus ? "-" : "", symbol, is_minus ? text.substr(1) : text,
                                            is_zero ? "" : unit.name)});
    }
    return ticks;
}

std::vector<Tick> number_ticks(const Extent& extent, std::size_t most) {
    const double step = nice_step(extent.low, extent.high, most);
    std::vector<Tick> ticks;
    for (const double value : multiples(extent, step)) {
        ticks.push_back({value, plain(value, decimals_of(step))});
    }
    return ticks;
}

std::vector<Tick> date_ticks(std::span<const Date> days, std::size_t most) {
    for (const Cut& cut : kCuts) {
        std::vector<Tick> ticks;
        for (std::size_t i = 0; i < days.size() && ticks.size() <= most; ++i) {
            // The row may begin in the middle of a piece; of days each is whole.
            if (i == 0 ? &cut == kCuts.data() : cut.piece(days[i]) != cut.piece(days[i - 1])) {
                ticks.push_back({static_cast<double>(i), cut.name(days[i])});
            }
        }
        if (ticks.size() <= most) {
            return ticks.size() >= 2 || days.size() < 2
                       ? ticks
                       : even_ticks(days.size(), most, [&](std::size_t i) { return to_iso(days[i]); });
        }
    }
    return even_ticks(days.size(), most, [&](std::size_t i) { return year(days[i]); });
}

std::vector<Tick> time_ticks(std::span<const Time> times, std::int32_t utc_offset_s, std::size_t most) {
    std::vector<Date> days;
    days.reserve(times.size());
    for (const Time time : times) {
        days.push_back(local_date(time, utc_offset_s));
    }
    if (times.empty() || days.back().days - days.front().days >= 2) {
        return date_ticks(days, most);
    }
    const bool is_one_day = days.back() == days.front();
    return even_ticks(times.size(), is_one_day ? most : std::max<std::size_t>(2, most / 2), [&](std::size_t i) {
        const std::string minute = show_minute(times[i], utc_offset_s);
        return is_one_day ? minute.substr(minute.size() - 5)
                          : day_and_month(days[i]) + minute.substr(minute.size() - 6);
    });
}

std::string show_minute(Time time, std::int32_t utc_offset_s) {
    const Date date = local_date(time, utc_offset_s);
    const std::int64_t local_s = (time.ns - TradingHours{utc_offset_s, 0, 86'400}.midnight(date).ns) / kSecondNs;
    return fmt::format("{} {:02}:{:02}", to_iso(date), local_s / 3600, local_s / 60 % 60);
}

Drawing::Drawing(double width, double height, std::string_view style) : width_(width), height_(height), style_(style) {}

void Drawing::line(Point from, Point to, std::string_view style) {
    body_ += fmt::format("<path class=\"{}\" d=\"", style);
    append_point(body_, 'M', from);
    append_point(body_, 'L', to);
    body_ += "\"/>";
}

void Drawing::rect(double x, double y, double width, double height, std::string_view style, std::string_view title) {
    body_ += fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}{}", style, coordinate(x),
                         coordinate(y), coordinate(std::max(0.0, width)), coordinate(std::max(0.0, height)),
                         titled(title), title.empty() ? "" : "</rect>");
}

void Drawing::text(double x, double y, std::string_view text, std::string_view style) {
    body_ += fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>", style, coordinate(x), coordinate(y),
                         escaped(text));
}

void Drawing::marker(Shape shape, Point at, double size, std::string_view style, std::string_view title) {
    std::string path;
    const auto draw = [&](std::initializer_list<Point> corners) {
        char command = 'M';
        for (const Point corner : corners) {
            append_point(path, command, {at.x + corner.x * size, at.y + corner.y * size});
            command = 'L';
        }
    };
    switch (shape) {
    case Shape::up: draw({{0, -1}, {0.9, 0.8}, {-0.9, 0.8}}); break;
    case Shape::down: draw({{0, 1}, {0.9, -0.8}, {-0.9, -0.8}}); break;
    case Shape::diamond: draw({{0, -1}, {1, 0}, {0, 1}, {-1, 0}}); break;
    case Shape::cross:
        draw({{-0.8, -0.8}, {0.8, 0.8}});
        draw({{-0.8, 0.8}, {0.8, -0.8}});
        break;
    case Shape::dot: break;
    }
    if (shape == Shape::dot) {
        body_ += fmt::format("<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"{}\"{}{}", style, coordinate(at.x),
                             coordinate(at.y), coordinate(size), titled(title), title.empty() ? "" : "</circle>");
        return;
    }
    body_ += fmt::format("<path class=\"{}\" d=\"{}{}\"{}{}", style, path, shape == Shape::cross ? "" : "Z",
                         titled(title), title.empty() ? "" : "</path>");
}

void Drawing::path(std::span<const Point> points, std::string_view style) {
    std::string data;
    bool is_down = false;
    for (const Point point : points) {
        const bool is_there = std::isfinite(point.x) && std::isfinite(point.y);
        if (is_there) {
            append_point(data, is_down ? 'L' : 'M', point);
        }
        is_down = is_there;
    }
    if (!data.empty()) {
        body_ += fmt::format("<path class=\"{}\" d=\"{}\"/>", style, data);
    }
}

void Drawing::area(std::span<const Point> points, double level, std::string_view style) {
    if (points.size() < 2) {
        return;
    }
    std::string data;
    append_point(data, 'M', {points.front().x, level});
    for (const Point point : points) {
        append_point(data, 'L', {point.x, std::isfinite(point.y) ? point.y : level});
    }
    append_point(data, 'L', {points.back().x, level});
    body_ += fmt::format("<path class=\"{}\" d=\"{}Z\"/>", style, data);
}

void Drawing::band(std::span<const Point> upper, std::span<const Point> lower, std::string_view style) {
    if (upper.size() < 2) {
        return;
    }
    std::string data;
    for (const Point point : upper) {
        append_point(data, data.empty() ? 'M' : 'L', point);
    }
    for (std::size_t i = lower.size(); i-- > 0;) {
        append_point(data, 'L', lower[i]);
    }
    body_ += fmt::format("<path class=\"{}\" d=\"{}Z\"/>", style, data);
}

void Drawing::strokes(std::span<const std::pair<Point, Point>> strokes, std::string_view style) {
    std::string data;
    for (const auto& [from, to] : strokes) {
        append_point(data, 'M', from);
        append_point(data, 'L', to);
    }
    if (!data.empty()) {
        body_ += fmt::format("<path class=\"{}\" d=\"{}\"/>", style, data);
    }
}

void Drawing::boxes(std::span<const std::pair<Point, Point>> corners, std::string_view style) {
    std::string data;
    for (const auto& [from, to] : corners) {
        append_point(data, 'M', from);
        data += 'H';
        append_coordinate(data, to.x);
        data += 'V';
        append_coordinate(data, to.y);
        data += 'H';
        append_coordinate(data, from.x);
        data += 'Z';
    }
    if (!data.empty()) {
        body_ += fmt::format("<path class=\"{}\" d=\"{}\"/>", style, data);
    }
}

void Drawing::y_axis(const Plot& plot, const Scale& scale, std::span<const Tick> ticks) {
    for (const Tick& tick : ticks) {
        const double y = scale.at(tick.value);
        line({plot.left, y}, {plot.right, y}, tick.value == 0 ? "zero" : "rule");
        text(plot.left - 6, y + 4, tick.text, "end");
    }
}

void Drawing::x_axis(const Plot& plot, const Scale& scale, std::span<const Tick> ticks) {
    line({plot.left, plot.bottom}, {plot.right, plot.bottom}, "axis");
    double free_from = -1e6;
    for (const Tick& tick : ticks) {
        const double x = scale.at(tick.value);
        const double half = width_of(tick.text) / 2;
        // Kept within the drawing at both ends.
        const double middle = std::clamp(x, std::min(half, width_ / 2), std::max(width_ - half, width_ / 2));
        if (middle - half < free_from) {
            continue;
        }
        line({x, plot.bottom}, {x, plot.bottom + 4}, "axis");
        text(middle, plot.bottom + 17, tick.text, "mid");
        free_from = middle + half + kTickGap;
    }
}

std::string Drawing::finish(std::string_view finding) const {
    return fmt::format("<svg class=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}</svg>\n", style_,
                       coordinate(width_), coordinate(height_), escaped(finding), body_);
}

}  // namespace alpha
