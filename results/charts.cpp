#include "results/charts.hpp"

#include "results/svg.hpp"
#include "views/format.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <numeric>

namespace alpha {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kRollingDays = 63;
constexpr std::size_t kPricesShown = 6;
constexpr std::size_t kDotsMost = 400;

double number_of(Money amount) {
    return static_cast<double>(amount.raw) / static_cast<double>(kScale);
}

Money amount_of(double number) {
    constexpr double kMost = 1e20;
    if (!std::isfinite(number)) {
        return {};
    }
    return Money{static_cast<Int128>(std::clamp(number, -kMost, kMost) * static_cast<double>(kScale))};
}

/// "12.34%".
std::string share(double ratio) {
    const std::string text = show_percent(ratio);
    return text.front() == '+' ? text.substr(1) : text;
}

/// How large a figure over the whole page is drawn.
struct Canvas {
    const char* style;
    double width;
    std::size_t x_ticks;
    std::size_t points;  ///< at most so many on a line
    bool is_wide;
};
constexpr Canvas kWide{"wide", 960, 10, 480, true};
constexpr Canvas kNarrow{"narrow", 360, 4, 240, false};
constexpr double kRight = 12;

/// One of several figures beside each other.
constexpr double kSmallWidth = 360;
constexpr double kSmallHeight = 214;
constexpr double kSmallTop = 14;
constexpr double kSmallBottom = kSmallHeight - 26;

Plot small_plot(std::span<const Tick> ticks) {
    return {room_for(ticks), kSmallTop, kSmallWidth - kRight, kSmallBottom};
}

template <class Draw>
std::string for_screens(Draw draw) {
    return draw(kWide) + draw(kNarrow);
}

std::string sentence(std::string_view title, std::string_view text) {
    return fmt::format("<p class=\"absent\"><strong>{}:</strong> {}</p>\n", escaped(title), escaped(text));
}

/// Ticks for a plot so high.
std::size_t ticks_in(double height) {
    return std::max<std::size_t>(2, static_cast<std::size_t>(height / 42));
}

/// The pieces [begin, end) that `count` things fall into, at most `most`.
std::vector<std::pair<std::size_t, std::size_t>> pieces(std::size_t count, std::size_t most) {
    std::vector<std::pair<std::size_t, std::size_t>> all;
    const std::size_t pieces = std::min(count, most);
    all.reserve(pieces);
    for (std::size_t i = 0; i < pieces; ++i) {
        all.emplace_back(i * count / pieces, (i + 1) * count / pieces);
    }
    return all;
}

std::vector<Date> dates_of(const Results& results) {
    std::vector<Date> dates;
    dates.reserve(results.days.size());
    for (const DayPoint& day : results.days) {
        dates.push_back(day.date);
    }
    return dates;
}

/// value / value before - 1; nothing where what was before is not above zero.
std::vector<double> returns_of(const std::vector<double>& values) {
    std::vector<double> returns;
    for (std::size_t i = 1; i < values.size(); ++i) {
        returns.push_back(values[i - 1] > 0 ? values[i] / values[i - 1] - 1 : kNothing);
    }
    return returns;
}

/// The benchmark, with what it began with in front. Empty: there is none.
std::vector<double> daily_benchmark(const Results& results) {
    if (results.benchmark.empty() || results.benchmark.size() != results.days.size()) {
        return {};
    }
    std::vector<double> values{number_of(results.initial_cash)};
    values.insert(values.end(), results.benchmark.begin(), results.benchmark.end());
    return values;
}

std::string year_and_month(Date date) {
    return to_iso(date).substr(0, 7);
}
std::string year_of(Date date) {
    return to_iso(date).substr(0, 4);
}

/// The return of each stretch of days with the same name, in order.
template <class Name>
std::vector<std::pair<std::string, double>> returns_by(const std::vector<Date>& dates,
                                                       const std::vector<double>& values, Name name) {
    std::vector<std::pair<std::string, double>> all;
    double before = values.front();
    for (std::size_t i = 0; i < dates.size(); ++i) {
        if (i + 1 == dates.size() || name(dates[i]) != name(dates[i + 1])) {
            all.emplace_back(name(dates[i]), before > 0 ? values[i + 1] / before - 1 : kNothing);
            before = values[i + 1];
        }
    }
    return all;
}

// ---- equity ------------------------------------------------------------------------------------------------------------------------

/// Equity in places that are as far from each other as they are drawn: days, or, where there are few, the bands of the curve, so that nights take no
/// room.
struct EquityLine {
    std::vector<std::string> names;
    std::vector<double> equity;
    std::vector<double> low;
    std::vector<double> high;
    std::vector<double> drawdown;   ///< the deepest of each place
    std::vector<double> benchmark;  ///< empty: there is none
    std::vector<Tick> ticks;
    std::vector<std::size_t> first;  ///< of days: which of the equity with its beginning in front a place begins with
};

constexpr std::size_t kDaysLeast = 20;

EquityLine line_of_days(const Results& results, const Canvas& canvas) {
    const std::vector<double> equity = daily_equity(results);
    const std::vector<double> benchmark = daily_benchmark(results);
    std::vector<double> drawdown;
    double peak = equity.front();
    for (const double value : equity) {
        peak = std::max(peak, value);
        drawdown.push_back(peak > 0 ? value / peak - 1 : 0);
    }
    EquityLine line;
    std::vector<Date> dates;
    for (const auto& [begin, end] : pieces(equity.size(), canvas.points)) {
        const auto part = [&, from = begin, to = end](const std::vector<double>& values) {
            return std::span(values).subspan(from, to - from);
        };
        const std::size_t last = end - 1;
        const Date date = results.days[last == 0 ? 0 : last - 1].date;
        dates.push_back(date);
        line.names.push_back(last == 0 ? "the beginning" : to_iso(date));
        line.first.push_back(begin);
        line.equity.push_back(equity[last]);
        line.low.push_back(std::ranges::min(part(equity)));
        line.high.push_back(std::ranges::max(part(equity)));
        line.drawdown.push_back(std::ranges::min(part(drawdown)));
        if (!benchmark.empty()) {
            line.benchmark.push_back(benchmark[last]);
        }
    }
    line.ticks = date_ticks(dates, canvas.x_ticks);
    return line;
}

EquityLine line_of_curve(const Results& results, const Canvas& canvas) {
    const std::int32_t offset_s = utc_offset_of(results, InstrumentId{0});
    const std::vector<double> benchmark = daily_benchmark(results);
    EquityLine line;
    std::vector<Time> times;
    double peak = number_of(results.initial_cash);
    for (const auto& [begin, end] : pieces(results.equity_curve.size(), canvas.points)) {
        Band band = results.equity_curve[begin];
        for (std::size_t i = begin; i < end; ++i) {
            const Band& each = results.equity_curve[i];
            band.low = std::min(band.low, each.low);
            band.high = std::max(band.high, each.high);
            band.close = each.close;
            band.last = each.last;
        }
        // Which of its low and its high came first a band does not say: the fall that is certain.
        const double before = peak;
        peak = std::max(peak, band.high);
        times.push_back(band.first);
        line.names.push_back(show_minute(band.last, offset_s));
        line.equity.push_back(band.close);
        line.low.push_back(band.low);
        line.high.push_back(band.high);
        line.drawdown.push_back(before > 0 ? std::min({0.0, band.low / before - 1, band.close / peak - 1}) : 0);
        if (!benchmark.empty()) {
            // What it was at the end of the last day that is over by then.
            const Date date = TradingHours{offset_s, 0, 86'400}.date_of(band.last);
            const auto over = std::ranges::lower_bound(results.days, date, {}, &DayPoint::date) - results.days.begin();
            line.benchmark.push_back(benchmark[static_cast<std::size_t>(over)]);
        }
    }
    if (!line.benchmark.empty()) {
        line.benchmark.back() = benchmark.back();
    }
    line.ticks = time_ticks(times, offset_s, canvas.x_ticks);
    return line;
}

std::vector<Point> points_of(const std::vector<double>& values, const Scale& x, const Scale& y) {
    std::vector<Point> points;
    points.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        points.push_back({x.at(static_cast<double>(i)), std::isfinite(values[i]) ? y.at(values[i]) : kNothing});
    }
    return points;
}

/// What lies under the pointer says what was there.
template <class Title>
void hover_columns(Drawing& drawing, const Plot& plot, std::size_t places, std::size_t most, Title title) {
    for (const auto& [begin, end] : pieces(places, most)) {
        const double width = plot.width() / static_cast<double>(places);
        drawing.rect(plot.left + width * static_cast<double>(begin), plot.top, width * static_cast<double>(end - begin),
                     plot.height(), "hover", title(end - 1));
    }
}

void legend(Drawing& drawing, double x, double y, std::span<const std::pair<const char*, std::string>> entries,
            double gap) {
    for (const auto& [style, name] : entries) {
        drawing.line({x, y - 4}, {x + 18, y - 4}, style);
        drawing.text(x + 23, y, name, "start");
        x += gap;
    }
}

/// As much of a name as there is room for.
std::string cut(std::string_view name, std::size_t characters) {
    std::size_t bytes = 0;
    for (std::size_t count = 0; bytes < name.size(); ++count) {
        if (count + 1 >= characters && name.size() - bytes > 1) {
            return std::string(name.substr(0, bytes)) + "…";
        }
        ++bytes;
        while (bytes < name.size() && (static_cast<unsigned char>(name[bytes]) & 0xC0U) == 0x80U) {
            ++bytes;
        }
    }
    return std::string(name);
}

std::string draw_equity(const Results& results, const Canvas& canvas, std::string_view finding) {
    const bool has_days = results.days.size() >= kDaysLeast;
    const EquityLine line = has_days ? line_of_days(results, canvas) : line_of_curve(results, canvas);
    const double height = canvas.is_wide ? 430 : 330;
    const double split = canvas.is_wide ? 286 : 214;
    constexpr double kTop = 30;
    Extent extent;
    extent.add(line.low);
    extent.add(line.high);
    extent.add(line.benchmark);
    extent.add(number_of(results.initial_cash));
    extent = padded(extent);
    const std::vector<Tick> amounts = money_ticks(extent, ticks_in(split - kTop), results.currency);
    Extent falls;
    falls.add(line.drawdown);
    falls.add(0.0);
    if (falls.low == 0) {
        falls.low = -0.01;
    }
    const std::size_t depth_ticks = ticks_in(height - split - 60);
    const double step = nice_step(falls.low, 0, depth_ticks);
    falls.low = std::floor(falls.low / step + 1e-9) * step;
    const std::vector<Tick> parts = percent_ticks(falls, depth_ticks);

    const Plot upper{std::max(room_for(amounts), room_for(parts)), kTop, canvas.width - kRight, split};
    const Plot lower{upper.left, split + 34, canvas.width - kRight, height - 26};
    Drawing drawing(canvas.width, height, canvas.style);
    const Scale x = upper.across(0, std::max(1.0, static_cast<double>(line.equity.size() - 1)));
    const Scale y = upper.upwards(extent);
    const double beginning = y.at(number_of(results.initial_cash));

    if (has_days) {
        // Where each of the worst began and ended; numbers tell them apart, and the table names them.
        const std::vector<DrawdownPeriod> worst = worst_drawdowns(results);
        const auto place = [&](Date date) {
            const auto day = std::ranges::lower_bound(results.days, date, {}, &DayPoint::date) - results.days.begin();
            const auto at =
                std::ranges::upper_bound(line.first, static_cast<std::size_t>(day) + 1) - line.first.begin();
            return x.at(static_cast<double>(std::max<std::ptrdiff_t>(1, at) - 1));
        };
        std::vector<double> numbered;
        for (std::size_t i = 0; i < worst.size(); ++i) {
            const double from = worst[i].peak < results.days.front().date ? x.at(0) : place(worst[i].peak);
            const double to = worst[i].recovered == kNoDay ? upper.right : place(worst[i].recovered);
            drawing.rect(from, upper.top, to - from, upper.height(), "fall");
            drawing.rect(from, upper.top, to - from, 3, "fall-edge");
            const double middle = (from + to) / 2;
            if (std::ranges::all_of(numbered, [&](double other) { return std::abs(other - middle) > 12; })) {
                drawing.text(middle, upper.top + 16, std::to_string(i + 1), "mid fallen");
                numbered.push_back(middle);
            }
        }
    }
    drawing.y_axis(upper, y, amounts);
    const std::vector<Point> points = points_of(line.equity, x, y);
    // Up or down from where it began: the axis need not reach down to zero.
    drawing.area(points, beginning, "under");
    drawing.line({upper.left, beginning}, {upper.right, beginning}, "beginning");
    drawing.band(points_of(line.high, x, y), points_of(line.low, x, y), "within");
    if (!line.benchmark.empty()) {
        drawing.path(points_of(line.benchmark, x, y), "other");
    }
    drawing.path(points, "own");
    drawing.line({upper.left, upper.bottom}, {upper.right, upper.bottom}, "axis");
    std::vector<std::pair<const char*, std::string>> entries{{"own", "equity"}};
    if (!line.benchmark.empty()) {
        entries.emplace_back("other", cut(results.benchmark_name, canvas.is_wide ? 48 : 26));
    }
    legend(drawing, upper.left, 18, entries, 84);

    const Scale depth = lower.upwards(falls);
    drawing.y_axis(lower, depth, parts);
    const std::vector<Point> depths = points_of(line.drawdown, x, depth);
    drawing.area(depths, depth.at(0), "lost");
    drawing.path(depths, "loss-line");
    drawing.text(lower.left, lower.top - 8, "drawdown", "start");
    drawing.x_axis(lower, x, line.ticks);
    const Plot both{upper.left, upper.top, upper.right, lower.bottom};
    hover_columns(drawing, both, line.equity.size(), canvas.is_wide ? 120 : 48, [&](std::size_t i) {
        std::string title =
            fmt::format("{}: equity {}, drawdown {}", line.names[i],
                        show_money(amount_of(line.equity[i]), results.currency), show_percent(line.drawdown[i]));
        if (!line.benchmark.empty()) {
            title += fmt::format(", {} {}", results.benchmark_name,
                                 show_money(amount_of(line.benchmark[i]), results.currency));
        }
        return title;
    });
    return drawing.finish(finding);
}

// ---- small figures -----------------------------------------------------------------------------------------------------------------

/// A number a day as a line.
std::string small_line(std::string_view title, std::string_view finding, const std::vector<Date>& dates,
                       const std::vector<double>& values, bool is_percent) {
    Drawing drawing(kSmallWidth, kSmallHeight, "small");
    std::vector<double> shown;
    std::vector<Date> days;
    for (const auto& [begin, end] : pieces(values.size(), kNarrow.points)) {
        shown.push_back(values[end - 1]);
        days.push_back(dates[end - 1]);
    }
    Extent extent;
    extent.add(shown);
    if (!extent.is_empty) {
        extent.low = std::min(extent.low, 0.0);
        extent.high = std::max(extent.high, 0.0);
    }
    extent = nice_extent(extent, 4);
    const std::vector<Tick> ticks = is_percent ? percent_ticks(extent, 4) : number_ticks(extent, 4);
    const Plot plot = small_plot(ticks);
    const Scale x = plot.across(0, std::max(1.0, static_cast<double>(shown.size() - 1)));
    const Scale y = plot.upwards(extent);
    drawing.y_axis(plot, y, ticks);
    drawing.path(points_of(shown, x, y), "own");
    drawing.x_axis(plot, x, date_ticks(days, 4));
    return figure(title, finding, drawing.finish(finding));
}

std::string histogram(const Results& results, const std::vector<double>& returns) {
    Extent extent;
    extent.add(returns);
    const auto mark = [&](const char* id) {
        const std::optional<double> value = results.statistics.number(id);
        return value ? std::optional<double>(-std::abs(*value)) : std::nullopt;  // of a loss, whatever its sign
    };
    const std::optional<double> at_risk = mark("var_95");
    const std::optional<double> beyond = mark("cvar_95");
    constexpr std::size_t kBins = 32;
    extent = nice_extent(extent, kBins);
    const double step = nice_step(extent.low, extent.high, kBins);
    const auto bins = static_cast<std::size_t>(std::clamp(std::round((extent.high - extent.low) / step), 1.0, 100.0));
    std::vector<std::size_t> counts(bins);
    std::size_t said = 0;
    std::size_t gains = 0;
    for (const double value : returns) {
        if (std::isfinite(value)) {
            const double bin = std::floor((value - extent.low) / step + 1e-9);
            ++counts[std::min(bins - 1, static_cast<std::size_t>(std::max(0.0, bin)))];
            ++said;
            gains += value > 0 ? 1U : 0U;
        }
    }
    std::string finding = fmt::format("{} of {} days gained", show_count(gains), show_count(said));
    const bool is_many = said >= 20;
    finding += is_many && at_risk ? fmt::format("; one in twenty lost more than {}", share(-*at_risk)) : "";
    finding += is_many && at_risk && beyond ? fmt::format(", {} on average", share(-*beyond)) : "";
    finding += '.';
    Drawing drawing(kSmallWidth, kSmallHeight, "small");
    Extent heights{0, static_cast<double>(std::ranges::max(counts)), false};
    heights = nice_extent(heights, 4);
    const std::vector<Tick> ticks = number_ticks(heights, 4);
    // The marks' names have lines of their own.
    const Plot plot{room_for(ticks), kSmallTop + 26, kSmallWidth - kRight, kSmallBottom};
    const Scale x = plot.across(extent.low, extent.low + step * static_cast<double>(bins));
    const Scale y = plot.upwards(heights);
    drawing.y_axis(plot, y, ticks);
    for (std::size_t i = 0; i < bins; ++i) {
        const double low = extent.low + step * static_cast<double>(i);
        const double left = x.at(low) + 0.5;
        if (counts[i] != 0) {
            const double top = y.at(static_cast<double>(counts[i]));
            drawing.rect(
                left, top, x.at(low + step) - left - 0.5, plot.bottom - top,
                low + step / 2 < 0 ? "loss-bar" : "gain-bar",
                fmt::format("{} to {}: {}", show_percent(low), show_percent(low + step), counted(counts[i], "day")));
        }
    }
    drawing.x_axis(plot, x, percent_ticks(extent, 5));
    const auto name = [&](std::optional<double> value, double above, const char* style, const char* what) {
        if (value && *value >= extent.low) {
            drawing.line({x.at(*value), plot.top - above}, {x.at(*value), plot.bottom}, style);
            drawing.text(x.at(*value) + 4, plot.top - above + 9, what, "start marked");
        }
    };
    name(beyond, 32, "mark dotted", "CVaR 95");
    name(at_risk, 18, "mark", "VaR 95");
    return figure("Distribution of daily returns", finding, drawing.finish(finding));
}

std::string daily_bars(const std::vector<Date>& dates, const std::vector<double>& returns) {
    Drawing drawing(kSmallWidth, kSmallHeight, "small");
    Extent extent;
    extent.add(returns);
    extent.add(0.0);
    std::size_t best = 0;
    std::size_t worst = 0;
    for (std::size_t i = 0; i < returns.size(); ++i) {
        // Comparisons with what cannot be said are false.
        best = returns[i] > returns[best] ? i : best;
        worst = returns[i] < returns[worst] ? i : worst;
    }
    const std::string finding =
        fmt::format("The best day was {} ({}), the worst {} ({}).", to_iso(dates[best]), show_percent(returns[best]),
                    to_iso(dates[worst]), show_percent(returns[worst]));
    extent = nice_extent(extent, 4);
    const std::vector<Tick> ticks = percent_ticks(extent, 4);
    const Plot plot = small_plot(ticks);
    const Scale y = plot.upwards(extent);
    drawing.y_axis(plot, y, ticks);
    std::vector<std::pair<Point, Point>> gains;
    std::vector<std::pair<Point, Point>> losses;
    std::vector<Date> days;
    // More days than there is room for share a bar, from the worst of them to the best.
    const auto parts = pieces(returns.size(), static_cast<std::size_t>(plot.width() / 2));
    const double width = plot.width() / static_cast<double>(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto [begin, end] = parts[i];
        days.push_back(dates[end - 1]);
        const double left = plot.left + width * static_cast<double>(i) + width * 0.1;
        Extent part;
        part.add(std::span(returns).subspan(begin, end - begin));
        if (part.high > 0) {
            gains.push_back({{left, y.at(0)}, {left + width * 0.8, y.at(part.high)}});
        }
        if (part.low < 0) {
            losses.push_back({{left, y.at(0)}, {left + width * 0.8, y.at(part.low)}});
        }
    }
    drawing.boxes(gains, "gain-bar");
    drawing.boxes(losses, "loss-bar");
    const Scale x = plot.across(-0.5, static_cast<double>(parts.size()) - 0.5);
    drawing.x_axis(plot, x, date_ticks(days, 4));
    return figure("Daily returns", finding, drawing.finish(finding));
}

std::string yearly_bars(const Results& results, const std::vector<Date>& dates) {
    const auto years = returns_by(dates, daily_equity(results), year_of);
    const std::vector<double> benchmark = daily_benchmark(results);
    const auto others = benchmark.empty() ? decltype(years){} : returns_by(dates, benchmark, year_of);
    Extent extent;
    extent.add(0.0);
    std::size_t ahead = 0;
    std::size_t gained = 0;
    for (std::size_t i = 0; i < years.size(); ++i) {
        extent.add(years[i].second);
        gained += years[i].second > 0 ? 1U : 0U;
        if (!others.empty()) {
            extent.add(others[i].second);
            ahead += years[i].second > others[i].second ? 1U : 0U;
        }
    }
    std::string finding = fmt::format("{} of {} gained", gained, counted(years.size(), "year"));
    finding +=
        others.empty() ? "." : fmt::format("; {} did better than {} (hollow bars).", ahead, results.benchmark_name);
    Drawing drawing(kSmallWidth, kSmallHeight, "small");
    extent = nice_extent(extent, 4);
    const std::vector<Tick> parts = percent_ticks(extent, 4);
    const Plot plot = small_plot(parts);
    const Scale y = plot.upwards(extent);
    drawing.y_axis(plot, y, parts);
    const double room = plot.width() / static_cast<double>(years.size());
    const double width = std::min(room * 0.36, 44.0);
    std::vector<Tick> ticks;
    for (std::size_t i = 0; i < years.size(); ++i) {
        const double middle = plot.left + room * (static_cast<double>(i) + 0.5);
        ticks.push_back({static_cast<double>(i), years[i].first});
        const auto bar = [&](double value, double left, const char* style, std::string_view name) {
            if (std::isfinite(value)) {
                const double top = std::min(y.at(value), y.at(0));
                drawing.rect(left, top, width, std::abs(y.at(value) - y.at(0)), style,
                             fmt::format("{}: {} {}", years[i].first, name, show_percent(value)));
            }
        };
        bar(years[i].second, others.empty() ? middle - width / 2 : middle - width - 1,
            years[i].second < 0 ? "loss-bar" : "gain-bar", "");
        if (!others.empty()) {
            bar(others[i].second, middle + 1, "other-bar", results.benchmark_name);
        }
    }
    drawing.x_axis(plot, plot.across(-0.5, static_cast<double>(years.size()) - 0.5), ticks);
    return figure("Yearly returns", finding, drawing.finish(finding));
}

double mean_of(std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double covariance(std::span<const double> a, std::span<const double> b) {
    const double mean_a = mean_of(a);
    const double mean_b = mean_of(b);
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        sum += (a[i] - mean_a) * (b[i] - mean_b);
    }
    return sum / static_cast<double>(a.size() - 1);
}

// ---- prices ------------------------------------------------------------------------------------------------------------------------

std::vector<Band> merged(const std::vector<Band>& bands, std::size_t most) {
    std::vector<Band> all;
    for (const auto& [begin, end] : pieces(bands.size(), most)) {
        Band band = bands[begin];
        for (std::size_t i = begin + 1; i < end; ++i) {
            band.low = std::min(band.low, bands[i].low);
            band.high = std::max(band.high, bands[i].high);
            band.close = bands[i].close;
            band.last = bands[i].last;
        }
        all.push_back(band);
    }
    return all;
}

Price price_from(double number) {
    constexpr double kMost = 9e10;
    return Price{std::llround(std::clamp(number, -kMost, kMost) * static_cast<double>(kScale))};
}

double number_of(Price price) {
    return static_cast<double>(price.raw) / static_cast<double>(kScale);
}

/// The trades of an instrument that are marked: those that matter most where there are more than can be told apart, in the order of their entries.
std::vector<const Trade*> marked(const std::vector<const Trade*>& trades, std::size_t most) {
    std::vector<const Trade*> all = trades;
    if (all.size() > most) {
        std::ranges::stable_sort(all, [](const Trade* a, const Trade* b) { return abs(a->net()) > abs(b->net()); });
        all.resize(most);
    }
    std::ranges::stable_sort(all, [](const Trade* a, const Trade* b) { return a->entry.time < b->entry.time; });
    return all;
}

constexpr std::size_t kMarksWide = 90;
constexpr std::size_t kMarksNarrow = 30;

std::string draw_prices(const Results& results, const TradedInstrument& traded, const std::vector<const Trade*>& trades,
                        const Canvas& canvas, std::string_view finding) {
    const double height = canvas.is_wide ? 330 : 270;
    const std::int32_t offset_s = utc_offset_of(results, traded.id);
    const std::vector<Band> bands = merged(traded.prices, canvas.is_wide ? 160 : 70);
    Drawing drawing(canvas.width, height, canvas.style);
    Extent extent;
    std::vector<Time> times;
    for (const Band& band : bands) {
        extent.add(band.low);
        extent.add(band.high);
        times.push_back(band.first);
    }
    const std::vector<const Trade*> shown = marked(trades, canvas.is_wide ? kMarksWide : kMarksNarrow);
    for (const Trade* const trade : shown) {
        extent.add(number_of(trade->entry.price));
        extent.add(number_of(trade->exit.price));
    }
    extent = padded(extent);
    const std::vector<Tick> ticks = number_ticks(extent, ticks_in(height - 40));
    const Plot plot{room_for(ticks), 14, canvas.width - kRight, height - 26};
    const Scale y = plot.upwards(extent);
    const Scale x = plot.across(-0.5, static_cast<double>(bands.size()) - 0.5);
    drawing.y_axis(plot, y, ticks);

    std::vector<std::pair<Point, Point>> wicks;
    std::vector<std::pair<Point, Point>> rising;
    std::vector<std::pair<Point, Point>> falling;
    const double half = std::min(6.0, plot.width() / static_cast<double>(bands.size()) * 0.33);
    for (std::size_t i = 0; i < bands.size(); ++i) {
        const Band& band = bands[i];
        const double middle = x.at(static_cast<double>(i));
        const double top = y.at(std::max(band.open, band.close));
        const double bottom = std::max(y.at(std::min(band.open, band.close)), top + 0.6);
        wicks.push_back({{middle, y.at(band.high)}, {middle, top}});
        wicks.push_back({{middle, bottom}, {middle, y.at(band.low)}});
        (band.close >= band.open ? rising : falling).push_back({{middle - half, top}, {middle + half, bottom}});
    }
    drawing.strokes(wicks, "wick");
    drawing.boxes(rising, "rising");
    drawing.boxes(falling, "falling");

    const auto place = [&](Time time) {
        const auto at = std::ranges::lower_bound(bands, time, {}, &Band::last) - bands.begin();
        return x.at(static_cast<double>(std::min<std::ptrdiff_t>(at, std::ssize(bands) - 1)));
    };
    std::vector<std::pair<Point, Point>> won;
    std::vector<std::pair<Point, Point>> lost;
    for (const Trade* const trade : shown) {
        const Point entry{place(trade->entry.time), y.at(number_of(trade->entry.price))};
        const Point exit{place(trade->exit.time), y.at(number_of(trade->exit.price))};
        (trade->net().raw < 0 ? lost : won).emplace_back(entry, exit);
    }
    drawing.strokes(won, "won");
    drawing.strokes(lost, "gone");
    const double size = canvas.is_wide ? 5 : 4.5;
    for (const Trade* const trade : shown) {
        const bool is_long = trade->side == Side::buy;
        const auto leg = [&](const TradeLeg& each, std::string_view what) {
            return fmt::format("{} {} at {}, {}", what, show_qty(abs(trade->quantity), results.currency),
                               show_price(each.price, results.currency), show_minute(each.time, offset_s));
        };
        drawing.marker(is_long ? Shape::up : Shape::down,
                       {place(trade->entry.time), y.at(number_of(trade->entry.price))}, size, "entry",
                       leg(trade->entry, is_long ? "bought" : "sold short"));
        if (!trade->is_open()) {
            const bool is_loss = trade->net().raw < 0;
            drawing.marker(is_loss ? Shape::cross : Shape::diamond,
                           {place(trade->exit.time), y.at(number_of(trade->exit.price))}, size,
                           is_loss ? "exit loss-mark" : "exit gain-mark",
                           leg(trade->exit, is_long ? "sold" : "bought back") + ": net " +
                               show_gain(trade->net(), results.currency));
        }
    }
    drawing.x_axis(plot, x, time_ticks(times, offset_s, canvas.x_ticks));
    return drawing.finish(finding);
}

// ---- trades ------------------------------------------------------------------------------------------------------------------------

std::vector<const Trade*> closed_rounds(const Results& results) {
    std::vector<const Trade*> trades;
    for (const Trade& trade : results.rounds) {
        if (!trade.is_open()) {
            trades.push_back(&trade);
        }
    }
    return trades;
}

/// Net upwards against an excursion to the right.
std::string scatter(const Results& results, const std::vector<const Trade*>& trades, bool is_worst,
                    std::string_view title, std::string_view finding) {
    Drawing drawing(kSmallWidth, kSmallHeight + 16, "small");
    const auto excursion = [&](const Trade& trade) { return number_of(is_worst ? -trade.worst : trade.best); };
    Extent across{0, 0, false};
    Extent up{0, 0, false};
    for (const Trade* const trade : trades) {
        across.add(excursion(*trade));
        up.add(number_of(trade->net()));
    }
    across = nice_extent(across, 5);
    across.low = std::max(0.0, across.low);
    up = nice_extent(up, 4);
    const std::vector<Tick> ticks = money_ticks(up, 4, results.currency);
    const Plot plot = small_plot(ticks);
    const Scale x = plot.across(across.low, across.high);
    const Scale y = plot.upwards(up);
    drawing.y_axis(plot, y, ticks);
    for (const auto& [begin, end] : pieces(trades.size(), kDotsMost)) {
        const Trade& trade = *trades[end - 1];
        const bool is_loss = trade.net().raw < 0;
        drawing.marker(is_loss ? Shape::cross : Shape::dot, {x.at(excursion(trade)), y.at(number_of(trade.net()))},
                       is_loss ? 3 : 2.6, is_loss ? "spot loss-mark" : "spot gain-mark",
                       trades.size() <= 120
                           ? fmt::format("net {}, {} {}", show_gain(trade.net(), results.currency),
                                         is_worst ? "was down" : "was up",
                                         show_money(is_worst ? -trade.worst : trade.best, results.currency))
                           : std::string());
    }
    drawing.x_axis(plot, x, money_ticks(across, 4, results.currency));
    drawing.text(plot.right, plot.bottom + 33, is_worst ? "the most it was down" : "the most it was up", "end");
    return figure(title, finding, drawing.finish(finding));
}

std::string profits(const Results& results, const std::vector<const Trade*>& trades) {
    Drawing drawing(kSmallWidth, kSmallHeight + 16, "small");
    constexpr std::size_t kBars = 280;
    const std::size_t each = (trades.size() + kBars - 1) / kBars;
    std::vector<double> sums;
    for (std::size_t begin = 0; begin < trades.size(); begin += each) {
        Money sum;
        for (std::size_t i = begin; i < std::min(begin + each, trades.size()); ++i) {
            sum += trades[i]->net();
        }
        sums.push_back(number_of(sum));
    }
    Extent extent{0, 0, false};
    extent.add(sums);
    extent = nice_extent(extent, 4);
    const std::vector<Tick> amounts = money_ticks(extent, 4, results.currency);
    const Plot plot = small_plot(amounts);
    const Scale y = plot.upwards(extent);
    drawing.y_axis(plot, y, amounts);
    std::vector<std::pair<Point, Point>> gains;
    std::vector<std::pair<Point, Point>> losses;
    const double width = plot.width() / static_cast<double>(sums.size());
    const double half = std::min(width * 0.4, 16.0);
    for (std::size_t i = 0; i < sums.size(); ++i) {
        const double middle = plot.left + width * (static_cast<double>(i) + 0.5);
        (sums[i] < 0 ? losses : gains).push_back({{middle - half, y.at(0)}, {middle + half, y.at(sums[i])}});
    }
    drawing.boxes(gains, "gain-bar");
    drawing.boxes(losses, "loss-bar");
    std::vector<Tick> ticks;
    const auto count = static_cast<double>(trades.size());
    for (const double number : multiples({1, count, false}, std::max(1.0, nice_step(0, count, 5)))) {
        ticks.push_back({number, show_count(static_cast<std::uint64_t>(number))});
    }
    drawing.x_axis(plot, plot.across(0.5, count + 0.5), ticks);
    drawing.text(plot.right, plot.bottom + 33, "trade, in the order of exits", "end");
    const auto [least, most] = std::ranges::minmax(trades, {}, [](const Trade* trade) { return trade->net(); });
    std::string finding = fmt::format("The best trade made {}, the worst {}.", show_gain(most->net(), results.currency),
                                      show_gain(least->net(), results.currency));
    if (each > 1) {
        finding += fmt::format(" Each bar is the sum of {} trades.", each);
    }
    return figure("Net by trade", finding, drawing.finish(finding));
}

}  // namespace

std::string figure(std::string_view title, std::string_view finding, std::string_view drawing, std::string_view style) {
    // A minus stays with its amount.
    std::string said;
    char before = ' ';
    for (const char c : escaped(finding)) {
        said += c;
        said += c == '-' && (before == ' ' || before == '(') ? "\u2060" : "";
        before = c;
    }
    return fmt::format("<figure class=\"{}\"><figcaption><h3>{}</h3><p>{}</p></figcaption>\n{}</figure>\n",
                       style.empty() ? "panel" : style, escaped(title), said, drawing);
}

std::int32_t utc_offset_of(const Results& results, InstrumentId instrument) {
    return instrument.value < results.utc_offsets_s.size() ? results.utc_offsets_s[instrument.value] : 0;
}

std::vector<double> daily_equity(const Results& results) {
    std::vector<double> values{number_of(results.initial_cash)};
    for (const DayPoint& day : results.days) {
        values.push_back(number_of(day.equity));
    }
    return values;
}

std::vector<DrawdownPeriod> worst_drawdowns(const Results& results) {
    constexpr std::size_t kWorst = 5;
    return drawdowns(daily_equity(results), dates_of(results), kWorst);
}

std::string equity_figure(const Results& results) {
    const bool has_days = results.days.size() >= kDaysLeast;
    if (!has_days && results.equity_curve.size() < 2) {
        return sentence("Equity", "there are too few marks to draw a line.");
    }
    const double ratio =
        results.initial_cash.raw > 0 ? number_of(results.equity) / number_of(results.initial_cash) - 1 : kNothing;
    std::string finding =
        fmt::format("Equity went from {} to {} ({})", show_money(results.initial_cash, results.currency),
                    show_money(results.equity, results.currency), show_percent(ratio));
    const std::vector<DrawdownPeriod> worst = worst_drawdowns(results);
    finding += worst.empty() ? "; no day ended below an earlier one's peak"
                             : fmt::format("; the deepest fall by the ends of days was {}, from {} to {}",
                                           show_percent(worst.front().depth), to_iso(worst.front().peak),
                                           to_iso(worst.front().trough));
    if (!results.benchmark.empty()) {
        finding += fmt::format("; {} would have ended at {}", results.benchmark_name,
                               show_money(amount_of(results.benchmark.back()), results.currency));
    }
    finding += '.';
    return figure("Equity and drawdown", finding,
                  for_screens([&](const Canvas& canvas) { return draw_equity(results, canvas, finding); }));
}

std::string monthly_figure(const Results& results) {
    if (results.days.size() < 2) {
        return sentence("Monthly returns", "there are fewer than two trading days.");
    }
    const std::vector<Date> dates = dates_of(results);
    const std::vector<double> equity = daily_equity(results);
    const auto months = returns_by(dates, equity, year_and_month);
    const auto years = returns_by(dates, equity, year_of);
    std::map<std::string, double> by_month;
    std::vector<double> sizes;
    std::size_t gained = 0;
    for (const auto& [name, value] : months) {
        by_month[name] = value;
        if (std::isfinite(value)) {
            sizes.push_back(std::abs(value));
            gained += value > 0 ? 1U : 0U;
        }
    }
    std::ranges::sort(sizes);
    // One month in ten may be off the scale, so that it does not take the colour from all others.
    const double most = sizes.empty() ? 0 : sizes[(sizes.size() - 1) * 9 / 10];
    const auto cell = [&](double value, std::string_view style) {
        if (!std::isfinite(value)) {
            return std::string("<td>n/a</td>");
        }
        constexpr double kLevels = 5;
        const double level = most > 0 ? std::clamp(std::ceil(std::abs(value) / most * kLevels), 0.0, kLevels) : 0;
        std::string classes(style);
        if (style.empty() && level > 0) {
            classes = fmt::format("{}{:.0f}", value > 0 ? 'g' : 'l', level);
        }
        std::string text = fmt::format("{:+.1f}", value * 100);
        text = text == "+0.0" || text == "-0.0" ? "0.0" : text;
        return fmt::format("<td class=\"{}\">{}</td>", classes, text);
    };
    static constexpr std::array<const char*, 12> kNames{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::string table = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Monthly returns\"><table "
                        "class=\"heat\"><thead><tr><th scope=\"col\">%</th>";
    for (const char* const name : kNames) {
        table += fmt::format("<th scope=\"col\">{}</th>", name);
    }
    table += "<th scope=\"col\">Year</th></tr></thead><tbody>\n";
    for (const auto& [year, total] : years) {
        table += fmt::format("<tr><th scope=\"row\">{}</th>", escaped(year));
        for (unsigned month = 1; month <= 12; ++month) {
            const auto at = by_month.find(fmt::format("{}-{:02}", year, month));
            table += at == by_month.end() ? "<td></td>" : cell(at->second, {});
        }
        table += cell(total, "total") + "</tr>\n";
    }
    table += "</tbody></table></div>\n";
    const std::string finding = fmt::format("{} of {} gained. Per cent; the first and the last month may be partial. "
                                            "Blue and + is a gain, orange and - a loss.",
                                            gained, counted(months.size(), "month"));
    return figure("Monthly returns", finding, table);
}

std::string return_figures(const Results& results) {
    if (results.days.size() < 2) {
        return sentence("Daily returns", "there are fewer than two trading days.");
    }
    const std::vector<Date> dates = dates_of(results);
    const std::vector<double> returns = returns_of(daily_equity(results));
    return "<div class=\"grid\">\n" + histogram(results, returns) + daily_bars(dates, returns) +
           yearly_bars(results, dates) + "</div>\n";
}

std::string rolling_figures(const Results& results) {
    if (results.days.size() < kRollingDays) {
        return sentence("Rolling statistics",
                        fmt::format("they are those of the last {} trading days, and the run has {}.", kRollingDays,
                                    show_count(results.days.size())));
    }
    const std::vector<Date> dates = dates_of(results);
    const std::vector<double> returns = returns_of(daily_equity(results));
    const std::vector<double> others = returns_of(daily_benchmark(results));
    std::vector<Date> days;
    std::vector<double> sharpe;
    std::vector<double> volatility;
    std::vector<double> beta;
    const double year = std::sqrt(results.periods_per_year);
    for (std::size_t end = kRollingDays; end <= returns.size(); ++end) {
        const auto own = std::span(returns).subspan(end - kRollingDays, kRollingDays);
        const double deviation = std::sqrt(covariance(own, own));
        days.push_back(dates[end - 1]);
        // Of a level line a deviation is what rounding left.
        sharpe.push_back(deviation > 1e-12 ? mean_of(own) / deviation * year : kNothing);
        volatility.push_back(deviation * year);
        if (!others.empty()) {
            const auto other = std::span(others).subspan(end - kRollingDays, kRollingDays);
            const double variance = covariance(other, other);
            beta.push_back(variance > 1e-24 ? covariance(own, other) / variance : kNothing);
        }
    }
    const auto ends = [](const std::vector<double>& values, auto show) {
        Extent extent;
        extent.add(values);
        return extent.is_empty ? std::string("It cannot be said on any day.")
                               : fmt::format("Between {} and {}; {} at the end.", show(extent.low), show(extent.high),
                                             std::isfinite(values.back()) ? show(values.back()) : "n/a");
    };
    const auto plain = [](double value) {
        const std::string text = fmt::format("{:.2f}", value);
        return text == "-0.00" ? std::string("0.00") : text;
    };
    std::string html = "<div class=\"grid\">\n";
    html += small_line("Rolling Sharpe ratio, 63 days", ends(sharpe, plain), days, sharpe, false);
    html += small_line("Rolling volatility, 63 days", ends(volatility, share), days, volatility, true);
    if (!others.empty()) {
        html += small_line("Rolling beta, 63 days", ends(beta, plain), days, beta, false);
    }
    html += "</div>\n";
    return others.empty() ? html + sentence("Rolling beta", "there is no benchmark.") : html;
}

std::string price_figures(const Results& results) {
    if (results.traded.empty()) {
        return sentence("Prices and fills", "nothing was traded.");
    }
    struct Ranked {
        const TradedInstrument* instrument;
        std::vector<const Trade*> trades;
        std::uint64_t fills = 0;
    };
    std::map<InstrumentId, Ranked> by_id;
    for (const TradedInstrument& traded : results.traded) {
        by_id[traded.id].instrument = &traded;
    }
    for (const Trade& trade : results.rounds) {
        if (const auto at = by_id.find(trade.instrument); at != by_id.end()) {
            at->second.trades.push_back(&trade);
            at->second.fills += trade.fills;
        }
    }
    std::vector<const Ranked*> order;
    order.reserve(by_id.size());
    for (const auto& [id, ranked] : by_id) {
        order.push_back(&ranked);
    }
    std::ranges::stable_sort(order, [](const Ranked* a, const Ranked* b) { return a->fills > b->fills; });
    std::string html =
        "<ul class=\"key\"><li>▲ bought</li><li>▼ sold short</li><li>◆ left with a gain</li><li>✕ left with a loss</li>"
        "<li>hollow: the price rose; filled: it fell</li></ul>\n";
    for (std::size_t i = 0; i < std::min(order.size(), kPricesShown); ++i) {
        const TradedInstrument& traded = *order[i]->instrument;
        if (traded.prices.size() < 2) {
            html += sentence(traded.name, "there are too few prices to draw.");
            continue;
        }
        const double first = traded.prices.front().open;
        const double last = traded.prices.back().close;
        std::string finding = fmt::format(
            "{} went from {} to {} ({}) while {} were made.", traded.name,
            show_price(price_from(first), results.currency), show_price(price_from(last), results.currency),
            show_percent(first > 0 ? last / first - 1 : kNothing), counted(order[i]->trades.size(), "trade"));
        if (order[i]->trades.size() > kMarksWide) {
            finding += fmt::format(" Marked are the {} that won or lost most.", kMarksWide);
        }
        html += figure(traded.name, finding, for_screens([&](const Canvas& canvas) {
                           return draw_prices(results, traded, order[i]->trades, canvas, finding);
                       }));
    }
    if (order.size() > kPricesShown) {
        html += sentence("More", fmt::format("{} were traded; these {} had the most fills.",
                                             counted(order.size(), "instrument"), kPricesShown));
    }
    return html;
}

std::string trade_figures(const Results& results) {
    const std::vector<const Trade*> trades = closed_rounds(results);
    if (trades.empty()) {
        return sentence("Trades", "none was closed.");
    }
    std::size_t winners = 0;
    std::size_t saved = 0;  // winners that were further down than they ended up
    std::size_t losers = 0;
    std::size_t missed = 0;  // losers that had been up
    for (const Trade* const trade : trades) {
        const bool is_loss = trade->net().raw < 0;
        winners += is_loss ? 0U : 1U;
        losers += is_loss ? 1U : 0U;
        saved += !is_loss && -trade->worst > trade->net() ? 1U : 0U;
        missed += is_loss && trade->best > -trade->net() ? 1U : 0U;
    }
    const std::string sampled = trades.size() > kDotsMost
                                    ? fmt::format(" {} of {} trades are drawn.", kDotsMost, show_count(trades.size()))
                                    : "";
    const std::string down = fmt::format("{} of {} winners were down by more than they made. Dots won, crosses lost.{}",
                                         saved, show_count(winners), sampled);
    const std::string up =
        fmt::format("{} of {} losers had been up by more than they lost.{}", missed, show_count(losers), sampled);
    return "<div class=\"grid\">\n" + scatter(results, trades, true, "Net against the worst moment (MAE)", down) +
           scatter(results, trades, false, "Net against the best moment (MFE)", up) + profits(results, trades) +
           "</div>\n";
}

std::string cost_figure(const Results& results) {
    if (std::ranges::all_of(results.costs, [](const CostRow& row) { return row.amount.raw == 0; })) {
        return sentence("From gross to net", "nothing was traded.");
    }
    struct Step {
        std::string name;
        double from;
        double to;
        Money amount;
    };
    std::vector<Step> steps;
    Money sum;
    Extent extent{0, 0, false};
    for (const CostRow& row : results.costs) {
        const Money before = sum;
        sum += row.amount;
        steps.push_back({row.name, number_of(before), number_of(sum), row.amount});
        extent.add(number_of(sum));
    }
    steps.push_back({"net", 0, number_of(sum), sum});
    constexpr double kWidth = 400;
    constexpr double kRow = 26;
    const double height = kRow * static_cast<double>(steps.size()) + 28;
    Drawing drawing(kWidth, height, "small");
    const Plot plot{86, 4, kWidth - 100, height - 24};
    if (extent.high <= extent.low) {
        extent.high = extent.low + 1;
    }
    const Scale x = plot.across(extent.low, extent.high);
    drawing.line({x.at(0), plot.top}, {x.at(0), plot.bottom}, "zero");
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const Step& step = steps[i];
        const double top = plot.top + kRow * static_cast<double>(i);
        const double left = std::min(x.at(step.from), x.at(step.to));
        const double width = std::max(1.0, std::abs(x.at(step.to) - x.at(step.from)));
        const bool is_net = i + 1 == steps.size();
        const char* const style = is_net ? "net-bar" : step.amount.raw < 0 ? "loss-bar" : "gain-bar";
        drawing.rect(left, top + 5, width, kRow - 10, style,
                     fmt::format("{}: {}", step.name, show_gain(step.amount, results.currency)));
        drawing.text(plot.left - 8, top + kRow / 2 + 4, cut(step.name, 13), is_net ? "end strong" : "end");
        drawing.text(kWidth - 2, top + kRow / 2 + 4, show_gain(step.amount, results.currency),
                     is_net ? "end strong ink" : "end ink");
        if (!is_net) {
            drawing.line({x.at(step.to), top + kRow - 5}, {x.at(step.to), top + kRow + 5}, "axis");
        }
    }
    drawing.x_axis(plot, x, money_ticks(extent, 3, results.currency));
    const Money gross = results.costs.front().amount;
    const std::string finding =
        gross.raw > 0 ? fmt::format("Of {} that prices gave, {} were left ({}).", show_money(gross, results.currency),
                                    show_money(sum, results.currency), share(number_of(sum) / number_of(gross)))
                      : fmt::format("Prices gave {}; after costs it was {}.", show_gain(gross, results.currency),
                                    show_gain(sum, results.currency));
    return figure("From gross to net", finding, drawing.finish(finding));
}

}  // namespace alpha
