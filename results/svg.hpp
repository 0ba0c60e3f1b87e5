#pragma once
/// Drawings for a page: small SVG without scripts, sizes in the units of its own view box. What a mark looks like is said by its class, in the page's
/// style sheet (results/report.css), so that one drawing serves light, dark and paper. Coordinates have one decimal: the same numbers
/// are the same bytes everywhere.

#include "events/fixed.hpp"
#include "events/time.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// Text as HTML and XML have it, in an element and between quotes alike. Control characters become their pictures (␀ to ␡), and what is no UTF-8, no
/// character or turns the direction of what follows becomes U+FFFD: a name shows what it is and changes nothing around it.
std::string escaped(std::string_view text);

/// A straight way from values to coordinates.
struct Scale {
    double low = 0;
    double high = 1;
    double from = 0;  ///< where `low` lies
    double to = 1;    ///< where `high` lies
    double at(double value) const {
        return high > low ? from + (value - low) / (high - low) * (to - from) : (from + to) / 2;
    }
};

/// From the lowest to the highest of some numbers.
struct Extent {
    double low = 0;
    double high = 0;
    bool is_empty = true;
    void add(double value);
    void add(std::span<const double> values);
};

/// A mark of an axis.
struct Tick {
    double value = 0;
    std::string text;
};

/// The step of 1, 2 or 5 times a power of ten that makes at most `most` steps from low to high. 1 where they are not apart.
double nice_step(double low, double high, std::size_t most);
/// The extent widened to whole steps; around a single value it is made up.
Extent nice_extent(Extent extent, std::size_t most);
/// The extent with a little room above and below.
Extent padded(Extent extent);
/// The multiples of the step within the extent.
std::vector<double> multiples(const Extent& extent, double step);

/// Ticks that read as per cent: 0.05 is "5%".
std::vector<Tick> percent_ticks(const Extent& extent, std::size_t most);
/// Ticks that read as short amounts: "$1.5M"; of INR "₹2.5L" (lakh), "₹1.2Cr" (crore).
std::vector<Tick> money_ticks(const Extent& extent, std::size_t most, std::string_view currency);
/// Ticks that read as plain numbers.
std::vector<Tick> number_ticks(const Extent& extent, std::size_t most);
/// Where days, weeks, months or years begin in a row of days, whichever makes at most `most` ticks; their values are places in the row.
std::vector<Tick> date_ticks(std::span<const Date> days, std::size_t most);
/// The same in a row of times, which may be within a day.
std::vector<Tick> time_ticks(std::span<const Time> times, std::int32_t utc_offset_s, std::size_t most);

/// What the texts of a y axis need to the left of a plot.
double room_for(std::span<const Tick> ticks);

/// Local time to the minute: "2024-01-05 09:15".
std::string show_minute(Time time, std::int32_t utc_offset_s);

struct Point {
    double x = 0;
    double y = 0;  ///< not finite: a gap
};

enum class Shape : std::uint8_t { up, down, diamond, cross, dot };

/// The part of a drawing that data lie in.
struct Plot {
    double left = 0;
    double top = 0;
    double right = 0;
    double bottom = 0;
    double width() const { return right - left; }
    double height() const { return bottom - top; }
    Scale across(double low, double high) const { return {low, high, left, right}; }
    Scale upwards(const Extent& extent) const { return {extent.low, extent.high, bottom, top}; }
};

/// One drawing. What comes later lies on top.
class Drawing {
public:
    /// `style`: classes of the whole.
    Drawing(double width, double height, std::string_view style);

    void line(Point from, Point to, std::string_view style);
    /// A tooltip where `title` is not empty.
    void rect(double x, double y, double width, double height, std::string_view style, std::string_view title = {});
    void text(double x, double y, std::string_view text, std::string_view style);
    void marker(Shape shape, Point at, double size, std::string_view style, std::string_view title = {});
    /// A line through the points, broken at gaps.
    void path(std::span<const Point> points, std::string_view style);
    /// What lies between the points and a level.
    void area(std::span<const Point> points, double level, std::string_view style);
    /// What lies between two lines of as many points, without gaps.
    void band(std::span<const Point> upper, std::span<const Point> lower, std::string_view style);
    /// Vertical strokes (wicks), and boxes (bodies), all of one style in one element.
    void strokes(std::span<const std::pair<Point, Point>> strokes, std::string_view style);
    void boxes(std::span<const std::pair<Point, Point>> corners, std::string_view style);

    /// Rules across the plot with their texts on its left.
    void y_axis(const Plot& plot, const Scale& scale, std::span<const Tick> ticks);
    /// Short rules under the plot with their texts; one that would run into the one before is left out.
    void x_axis(const Plot& plot, const Scale& scale, std::span<const Tick> ticks);
    /// The whole, with what it shows in one sentence for who cannot see it.
    std::string finish(std::string_view finding) const;

private:
    double width_;
    double height_;
    std::string style_;
    std::string body_;
};

}  // namespace alpha
