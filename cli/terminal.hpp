#pragma once
/// How results look on a terminal: sparklines, aligned tables, a progress bar and readable diffs. How a value reads is in views/format.hpp.
/// Pure text in, pure text out (UTF-8); only ProgressBar touches a stream. Programs read --json instead.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// How wide text may be where no terminal says so.
inline constexpr std::size_t kDefaultColumns = 80;

/// How text looks on one stream: its colours, or none where it is no terminal or NO_COLOR is set, and how wide it may be.
class Style {
public:
    explicit Style(bool colours, std::size_t columns = kDefaultColumns)
        : colours_(colours), columns_(columns == 0 ? kDefaultColumns : columns) {}

    bool colours() const { return colours_; }
    std::size_t columns() const { return columns_; }
    std::string bold(std::string_view text) const { return paint("1", text); }
    std::string dim(std::string_view text) const { return paint("2", text); }
    std::string red(std::string_view text) const { return paint("31", text); }
    std::string green(std::string_view text) const { return paint("32", text); }
    std::string yellow(std::string_view text) const { return paint("33", text); }
    /// Green above zero, red below, plain at zero.
    std::string gain(int sign, std::string_view text) const;

private:
    std::string paint(const char* code, std::string_view text) const;
    bool colours_;
    std::size_t columns_;
};

/// Columns `text` takes on a terminal: two for the wide characters of East Asia and for emoji, none for what combines with the
/// character before it, for control characters and for colour escapes.
std::size_t display_columns(std::string_view text);
/// As much of the text, which has no colours, as fits; what is cut ends with "…".
std::string cut_to_columns(std::string_view text, std::size_t columns);
/// How wide the terminal is now; 0 where `descriptor` is none, or does not know.
std::size_t terminal_columns(int descriptor);

/// What stands for the samples that share a column of a sparkline.
enum class Bucket : std::uint8_t { last, highest };

/// The series as at most `columns` blocks from ▁ to █, between its lowest and highest shown value;
/// level when they are the same. Empty for no values.
std::string sparkline(std::span<const double> values, std::size_t columns, Bucket bucket);

/// Rows under a header, columns as wide as their widest cell. Where a line gets too wide, optional columns are left out, the
/// last one first.
class Table {
public:
    enum class Align : std::uint8_t { left, right };
    struct Column {
        std::string title;
        Align align = Align::right;
        bool is_optional = false;
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
    /// Requires as many cells as there are columns. Cells may be coloured.
    void row(std::vector<std::string> cells);
    /// Takes a column away, with its cells.
    void drop(std::string_view title);
    /// Every line ends with a newline and no line with a space.
    std::string text(const Style& style) const;

private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// Two texts compared line by line.
struct LineDiff {
    std::size_t first_line = 0;  ///< 1-based line of `expected` at which they part; 0: they are the same
    std::size_t removed = 0;
    std::size_t added = 0;
    std::string text;  ///< unified hunks with three lines of context; cut short after kMaxDiffLines
};
inline constexpr std::size_t kMaxDiffLines = 80;

LineDiff diff_lines(std::string_view expected, std::string_view actual, const Style& style);

/// "████░░░░ 45%  84.0 MB/s  3 s left", or only what has been read where the total is unknown (0).
std::string progress_line(std::uint64_t done, std::uint64_t total, double elapsed_s);

/// What draws a line over the one the cursor is in on standard error, a terminal, cut to how wide that is at this moment.
std::string drawn_line(std::string_view line);
/// What wipes it.
inline constexpr const char* kWipedLine = "\r\x1b[K";

/// A progress line on stderr, redrawn at most ten times a second and wiped at the end. Does nothing
/// unless `shown`.
class ProgressBar {
public:
    explicit ProgressBar(bool shown);
    ~ProgressBar() { clear(); }
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    /// `done` of `total` bytes; both 0 when unknown.
    void update(std::uint64_t done, std::uint64_t total);
    void clear();

private:
    using Clock = std::chrono::steady_clock;
    bool shown_;
    bool drawn_ = false;
    Clock::time_point start_;
    Clock::time_point next_;
};

}  // namespace alpha
