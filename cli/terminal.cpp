#include "cli/terminal.hpp"

#include "events/assert.hpp"
#include "views/format.hpp"

#include <algorithm>
#include <array>
#include <clocale>
#include <cmath>
#include <cstdio>
#include <cwchar>
#include <fmt/format.h>
#include <numeric>
#include <sys/ioctl.h>
#include <unistd.h>

namespace alpha {
namespace {

constexpr std::array<std::string_view, 8> kBlocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::size_t kProgressColumns = 24;
constexpr std::chrono::milliseconds kRedrawEvery{100};
constexpr std::size_t kContextLines = 3;

/// Edits beyond which two texts are shown as wholly different: the search keeps one row of the edit
/// graph per edit, so this bounds it to about 32 MB.
constexpr std::ptrdiff_t kMaxEdits = 2'000;

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

/// The character that a text begins with.
struct Character {
    std::size_t bytes = 1;
    std::size_t columns = 1;
};

/// Requires a text that is not empty. A byte that is no UTF-8 is a character of its own.
Character first_character(std::string_view text) {
    const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return {1, first < 0x20 || first == 0x7F ? 0U : 1U};
    }
    const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
    if (bytes == 1 || bytes > text.size()) {
        return {};
    }
    wchar_t code = static_cast<wchar_t>(first & (0x7FU >> bytes));
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) {
            return {};
        }
        code = static_cast<wchar_t>((static_cast<unsigned>(code) << 6U) | (byte(i) & 0x3FU));
    }
    // The C library's table, of a locale that it always has.
    static const locale_t kUtf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (kUtf8 == nullptr) {
        return {bytes, 1};
    }
    const locale_t before = uselocale(kUtf8);
    const int columns = wcwidth(code);
    uselocale(before);
    return {bytes, columns < 0 ? 1 : static_cast<std::size_t>(columns)};
}

/// One line of an edit script: kept (in both), removed (only expected) or added (only actual).
enum class Edit : std::uint8_t { keep, remove, add };

/// The shortest edit script from `a` to `b` (Myers 1986), or, beyond kMaxEdits, all of `a` removed
/// and all of `b` added.
std::vector<Edit> edit_script(std::span<const std::string_view> a, std::span<const std::string_view> b) {
    const auto n = static_cast<std::ptrdiff_t>(a.size());
    const auto m = static_cast<std::ptrdiff_t>(b.size());
    const auto line = [](std::span<const std::string_view> lines, std::ptrdiff_t i) {
        return lines[static_cast<std::size_t>(i)];
    };
    // rows[d][k + d]: how far into `a` diagonal k (= x - y) is reached with d edits.
    std::vector<std::vector<std::ptrdiff_t>> rows;
    const auto reach = [&rows](std::ptrdiff_t d, std::ptrdiff_t k) {
        return rows[static_cast<std::size_t>(d)][static_cast<std::size_t>(k + d)];
    };
    // The step onto diagonal k at edit d came from k + 1 (an added line) rather than k - 1 (a
    // removed one).
    const auto came_down = [&reach](std::ptrdiff_t d, std::ptrdiff_t k) {
        return k == -d || (k != d && reach(d - 1, k - 1) < reach(d - 1, k + 1));
    };
    bool found = false;
    for (std::ptrdiff_t d = 0; d <= std::min(n + m, kMaxEdits) && !found; ++d) {
        std::vector<std::ptrdiff_t> row(static_cast<std::size_t>(2 * d + 1), -1);
        for (std::ptrdiff_t k = -d; k <= d; k += 2) {
            std::ptrdiff_t x = 0;
            if (d != 0) {
                x = came_down(d, k) ? reach(d - 1, k + 1) : reach(d - 1, k - 1) + 1;
            }
            while (x < n && x - k < m && x - k >= 0 && line(a, x) == line(b, x - k)) {
                ++x;
            }
            row[static_cast<std::size_t>(k + d)] = x;
            if (x >= n && x - k >= m) {
                found = true;
                break;
            }
        }
        rows.push_back(std::move(row));
    }

    std::vector<Edit> script;
    if (!found) {
        script.assign(a.size(), Edit::remove);
        script.insert(script.end(), b.size(), Edit::add);
        return script;
    }
    std::ptrdiff_t x = n;
    std::ptrdiff_t y = m;
    for (auto d = static_cast<std::ptrdiff_t>(rows.size()) - 1; d > 0; --d) {
        const std::ptrdiff_t k = x - y;
        const bool down = came_down(d, k);
        const std::ptrdiff_t from_x = reach(d - 1, down ? k + 1 : k - 1);
        const std::ptrdiff_t after_edit_x = down ? from_x : from_x + 1;
        script.insert(script.end(), static_cast<std::size_t>(x - after_edit_x), Edit::keep);
        script.push_back(down ? Edit::add : Edit::remove);
        x = from_x;
        y = from_x - (down ? k + 1 : k - 1);
    }
    ALPHA_ASSERT(x == y, "the first edit does not begin on the main diagonal");
    script.insert(script.end(), static_cast<std::size_t>(x), Edit::keep);
    std::reverse(script.begin(), script.end());
    return script;
}

/// A run of the script that is shown: changes and the context around them.
struct Hunk {
    std::size_t begin = 0;
    std::size_t end = 0;
};

std::vector<Hunk> hunks_of(const std::vector<Edit>& script) {
    std::vector<Hunk> hunks;
    for (std::size_t i = 0; i < script.size(); ++i) {
        if (script[i] == Edit::keep) {
            continue;
        }
        const std::size_t begin = i > kContextLines ? i - kContextLines : 0;
        const std::size_t end = std::min(script.size(), i + kContextLines + 1);
        if (!hunks.empty() && begin <= hunks.back().end) {
            hunks.back().end = end;
        } else {
            hunks.push_back({begin, end});
        }
    }
    return hunks;
}

}  // namespace

std::string Style::gain(int sign, std::string_view text) const {
    if (sign == 0) {
        return std::string(text);
    }
    return sign > 0 ? green(text) : red(text);
}

std::string Style::paint(const char* code, std::string_view text) const {
    return colours_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::size_t display_columns(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        if (text.front() == '\x1b') {
            text.remove_prefix(std::min(text.find('m'), text.size() - 1) + 1);
            continue;
        }
        const Character next = first_character(text);
        columns += next.columns;
        text.remove_prefix(next.bytes);
    }
    return columns;
}

std::string cut_to_columns(std::string_view text, std::size_t columns) {
    if (display_columns(text) <= columns) {
        return std::string(text);
    }
    std::size_t kept = 0;
    std::size_t left = columns == 0 ? 0 : columns - 1;  // the last one is for the mark
    for (;;) {
        const Character next = first_character(text.substr(kept));
        if (next.columns > left) {
            break;
        }
        left -= next.columns;
        kept += next.bytes;
    }
    return std::string(text.substr(0, kept)) + (columns == 0 ? "" : "…");
}

std::size_t terminal_columns(int descriptor) {
    winsize size{};
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

std::string sparkline(std::span<const double> values, std::size_t columns, Bucket bucket) {
    if (values.empty() || columns == 0) {
        return {};
    }
    std::vector<double> shown;
    const std::size_t count = std::min(columns, values.size());
    for (std::size_t i = 0; i < count; ++i) {
        const auto part =
            values.subspan(i * values.size() / count, (i + 1) * values.size() / count - i * values.size() / count);
        shown.push_back(bucket == Bucket::last ? part.back() : *std::max_element(part.begin(), part.end()));
    }
    const auto [low, high] = std::minmax_element(shown.begin(), shown.end());
    std::string line;
    for (const double value : shown) {
        const double height = *high > *low ? (value - *low) / (*high - *low) : 0.0;
        const auto block = static_cast<std::size_t>(std::lround(height * static_cast<double>(kBlocks.size() - 1)));
        line += kBlocks[std::min(block, kBlocks.size() - 1)];
    }
    return line;
}

void Table::row(std::vector<std::string> cells) {
    ALPHA_ASSERT(cells.size() == columns_.size(), "a table row with too many or too few cells");
    rows_.push_back(std::move(cells));
}

void Table::drop(std::string_view title) {
    const auto at = std::ranges::find(columns_, title, &Column::title) - columns_.begin();
    ALPHA_ASSERT(at < std::ssize(columns_), "a column that is there");
    columns_.erase(columns_.begin() + at);
    for (std::vector<std::string>& cells : rows_) {
        cells.erase(cells.begin() + at);
    }
}

namespace {

/// Columns of a line with these of a table's columns, two spaces between them.
std::size_t width_of(const std::vector<std::size_t>& shown, const std::vector<std::size_t>& widths) {
    std::size_t width = 0;
    std::size_t end = 0;  // no line ends with spaces
    for (const std::size_t c : shown) {
        width += widths[c] + (c == shown.front() ? 0 : 2);
        end = widths[c] == 0 ? end : width;
    }
    return end;
}

}  // namespace

std::string Table::text(const Style& style) const {
    std::vector<std::size_t> widths;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
        std::size_t width = display_columns(columns_[c].title);
        for (const auto& cells : rows_) {
            width = std::max(width, display_columns(cells[c]));
        }
        widths.push_back(width);
    }
    std::string text;
    std::vector<std::size_t> shown(columns_.size());
    std::iota(shown.begin(), shown.end(), 0U);
    for (std::size_t c = columns_.size(); c-- > 0 && width_of(shown, widths) > style.columns();) {
        if (columns_[c].is_optional) {
            std::erase(shown, c);
        }
    }
    const auto append_row = [&](const std::vector<std::string>& cells) {
        for (const std::size_t c : shown) {
            const std::string padding(widths[c] - display_columns(cells[c]), ' ');
            const bool right = columns_[c].align == Align::right;
            const bool last = c == shown.back();
            text += c == shown.front() ? "" : "  ";
            text += right ? padding + cells[c] : cells[c] + (last ? "" : padding);
        }
        text.resize(text.find_last_not_of(' ') + 1);
        text += '\n';
    };
    std::vector<std::string> titles;
    titles.reserve(columns_.size());
    for (const Column& column : columns_) {
        titles.push_back(style.dim(column.title));
    }
    append_row(titles);
    for (const auto& cells : rows_) {
        append_row(cells);
    }
    return text;
}

LineDiff diff_lines(std::string_view expected, std::string_view actual, const Style& style) {
    LineDiff diff;
    if (expected == actual) {
        return diff;
    }
    const std::vector<std::string_view> a = lines_of(expected);
    const std::vector<std::string_view> b = lines_of(actual);

    // What they share at both ends needs no search; most differences are a few lines in a long
    // text.
    std::size_t head = 0;
    while (head < a.size() && head < b.size() && a[head] == b[head]) {
        ++head;
    }
    std::size_t tail = 0;
    while (tail < a.size() - head && tail < b.size() - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
        ++tail;
    }
    std::vector<Edit> script(head, Edit::keep);
    const std::vector<Edit> middle = edit_script(std::span(a).subspan(head, a.size() - head - tail),
                                                 std::span(b).subspan(head, b.size() - head - tail));
    script.insert(script.end(), middle.begin(), middle.end());
    script.insert(script.end(), tail, Edit::keep);

    diff.first_line = head + 1;
    diff.removed = static_cast<std::size_t>(std::count(script.begin(), script.end(), Edit::remove));
    diff.added = static_cast<std::size_t>(std::count(script.begin(), script.end(), Edit::add));
    if (script.size() == head + tail) {
        diff.text = "  only the newline at the end differs\n";
        return diff;
    }

    std::size_t at = 0;
    std::size_t in_a = 0;
    std::size_t in_b = 0;
    std::size_t printed = 0;
    std::size_t unprinted_changes = 0;
    for (const Hunk& hunk : hunks_of(script)) {
        in_a += hunk.begin - at;
        in_b += hunk.begin - at;
        at = hunk.begin;
        const auto count_of = [&script, &hunk](Edit other) {
            std::size_t count = 0;
            for (std::size_t i = hunk.begin; i < hunk.end; ++i) {
                count += script[i] == Edit::keep || script[i] == other ? 1U : 0U;
            }
            return count;
        };
        if (printed < kMaxDiffLines) {
            diff.text += style.dim(fmt::format("@@ -{},{} +{},{} @@", in_a + 1, count_of(Edit::remove), in_b + 1,
                                               count_of(Edit::add))) +
                         '\n';
        }
        for (; at < hunk.end; ++at) {
            const Edit edit = script[at];
            const std::string_view line = edit == Edit::add ? b[in_b] : a[in_a];
            in_a += edit == Edit::add ? 0U : 1U;
            in_b += edit == Edit::remove ? 0U : 1U;
            if (printed >= kMaxDiffLines) {
                unprinted_changes += edit == Edit::keep ? 0U : 1U;
                continue;
            }
            ++printed;
            if (edit == Edit::keep) {
                diff.text += fmt::format(" {}\n", line);
            } else if (edit == Edit::remove) {
                diff.text += style.red(fmt::format("-{}", line)) + '\n';
            } else {
                diff.text += style.green(fmt::format("+{}", line)) + '\n';
            }
        }
    }
    if (unprinted_changes != 0) {
        diff.text += style.dim(fmt::format("  ... and {} more changed lines", show_count(unprinted_changes))) + '\n';
    }
    return diff;
}

std::string progress_line(std::uint64_t done, std::uint64_t total, double elapsed_s) {
    const double rate = elapsed_s > 0 ? static_cast<double>(done) / elapsed_s : 0.0;
    if (total == 0) {
        return done == 0 ? show_seconds(elapsed_s)
                         : fmt::format("{}  {}/s", show_bytes(static_cast<double>(done)), show_bytes(rate));
    }
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    const auto full = static_cast<std::size_t>(part * static_cast<double>(kProgressColumns));
    std::string line;
    for (std::size_t i = 0; i < kProgressColumns; ++i) {
        line += i < full ? "█" : "░";
    }
    line += fmt::format(" {:3.0f}%  {}/s", std::floor(part * 100.0), show_bytes(rate));
    if (rate > 0 && done < total) {
        line += fmt::format("  {} left", show_seconds(static_cast<double>(total - done) / rate));
    }
    return line;
}

std::string drawn_line(std::string_view line) {
    const std::size_t columns = terminal_columns(STDERR_FILENO);
    // Not the last column: some terminals go on to the next line behind it.
    return fmt::format("\r{}\x1b[K", cut_to_columns(line, (columns == 0 ? kDefaultColumns : columns) - 1));
}

ProgressBar::ProgressBar(bool shown) : shown_(shown), start_(Clock::now()), next_(start_ + kRedrawEvery) {}

void ProgressBar::update(std::uint64_t done, std::uint64_t total) {
    if (!shown_) {
        return;
    }
    const Clock::time_point now = Clock::now();
    if (now < next_) {
        return;
    }
    next_ = now + kRedrawEvery;
    drawn_ = true;
    std::fputs(drawn_line(progress_line(done, total, std::chrono::duration<double>(now - start_).count())).c_str(),
               stderr);
    std::fflush(stderr);
}

void ProgressBar::clear() {
    if (drawn_) {
        std::fputs(kWipedLine, stderr);
        std::fflush(stderr);
        drawn_ = false;
    }
}

}  // namespace alpha
