#include "markets/rows.hpp"

#include "events/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace alpha::markets {
namespace {

constexpr std::size_t kMaxRows = 100'000;
constexpr std::size_t kMaxQuoted = 48;

/// Two digits at `at`, -1 where there are none.
int two_digits(std::string_view text, std::size_t at) {
    const auto digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
    return digit(at) && digit(at + 1) ? (text[at] - '0') * 10 + (text[at + 1] - '0') : -1;
}

}  // namespace

tl::unexpected<Error> refuse_at(const ErrorPlace& place, std::string_view message) {
    return fail(ErrorKind::data,
                place.line == 0 ? fmt::format("{}: {}", place.file, message)
                                : fmt::format("{}:{}: {}", place.file, place.line, message),
                ErrorCode::bad_record, place);
}

Result<std::vector<Row>> read_csv_rows(const std::string& file, std::string_view text) {
    std::vector<Row> rows;
    std::vector<std::string> header;
    std::vector<std::string> cells;
    ErrorPlace place{file, 0, 0};
    if (text.starts_with("\xEF\xBB\xBF")) {  // as some spreadsheets begin a file
        text.remove_prefix(3);
    }
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        ++place.line;
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        if (!cut_csv_row(line, cells)) {
            return refuse_at(place, "a quote is not closed, or something stands behind one that is");
        }
        if (header.empty()) {
            header = cells;
            for (auto each = header.begin(); each != header.end(); ++each) {
                if (each->empty() || std::find(header.begin(), each, *each) != each) {
                    return refuse_at(place, fmt::format("the header names column '{}' twice or has one without a name",
                                                        each->substr(0, kMaxQuoted)));
                }
            }
            continue;
        }
        if (cells.size() != header.size()) {
            return refuse_at(place, fmt::format("{} cells, but the header has {}", cells.size(), header.size()));
        }
        if (rows.size() == kMaxRows) {
            return refuse_at(place, fmt::format("a table has at most {} rows", kMaxRows));
        }
        Row row{place, {}};
        row.cells.reserve(cells.size());
        for (std::size_t i = 0; i < cells.size(); ++i) {
            row.cells.emplace_back(header[i], std::move(cells[i]));
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

Result<std::vector<Row>> read_plan(const std::string& file, std::string_view text, std::string_view of,
                                   std::string_view name) {
    Result<std::vector<Row>> rows = read_csv_rows(file, text);
    if (!rows) {
        return rows;
    }
    std::string known;
    for (const Row& row : *rows) {
        if (known.find(row.cells.front().second) == std::string::npos) {
            known.append(known.empty() ? "" : ", ").append(row.cells.front().second);
        }
    }
    std::erase_if(*rows, [&](const Row& row) { return row.cells.front().second != name; });
    if (rows->empty()) {
        return fail(ErrorKind::usage,
                    fmt::format("there is no table of {} called '{}'; there is {}, or a file of your own", of,
                                name.substr(0, kMaxQuoted), known),
                    ErrorCode::not_found);
    }
    for (Row& row : *rows) {
        row.cells.erase(row.cells.begin());
    }
    return rows;
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (end != 0) {
            words.emplace_back(text.substr(0, end));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

Cells::Cells(const Row& row, std::initializer_list<std::string_view> columns) : row_(row) {
    for (const auto& [column, cell] : row.cells) {
        if (std::ranges::find(columns, column) == columns.end()) {
            failure_ = fmt::format("there is no column '{}'; known are {}", column.substr(0, kMaxQuoted),
                                   fmt::join(columns, ", "));
            return;
        }
    }
}

std::string_view Cells::optional(std::string_view column) {
    const auto found = std::ranges::find(row_.cells, column, [](const auto& cell) { return cell.first; });
    return !ok() || found == row_.cells.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view Cells::text(std::string_view column) {
    const std::string_view cell = optional(column);
    if (ok() && cell.empty()) {
        failure_ = fmt::format("column '{}' is missing or empty", column);
    }
    return cell;
}

void Cells::refuse(std::string_view column, std::string_view why) {
    if (ok()) {
        const std::string_view cell = optional(column).substr(0, kMaxQuoted);
        failure_ = fmt::format("column '{}' has '{}': it {}", column, cell, why);
    }
}

Date Cells::date(std::string_view column) {
    const std::string_view cell = text(column);
    const Result<Date> read = parse_date(cell);
    if (!read) {
        refuse(column, read.error().why == nullptr ? "is not a date" : read.error().why);
        return {};
    }
    return *read;
}

bool Cells::yes(std::string_view column) {
    const std::string_view cell = text(column);
    if (cell != "yes" && cell != "no") {
        refuse(column, "must be yes or no");
    }
    return cell == "yes";
}

std::int32_t Cells::time_s(std::string_view column) {
    std::string_view cell = text(column);
    std::int32_t day = 0;
    if (cell.ends_with("-1") || cell.ends_with("+1")) {
        day = cell[cell.size() - 2] == '-' ? -1 : 1;
        cell.remove_suffix(2);
    }
    const int hour = two_digits(cell, 0);
    const int minute = two_digits(cell, 3);
    const int second = cell.size() == 8 ? two_digits(cell, 6) : 0;
    const bool has_form =
        (cell.size() == 5 || cell.size() == 8) && cell[2] == ':' && (cell.size() == 5 || cell[5] == ':');
    const bool ends_the_day = hour == 24 && minute == 0 && second == 0;
    if (!has_form || hour < 0 || (hour > 23 && !ends_the_day) || minute < 0 || minute > 59 || second < 0 ||
        second > 59) {
        refuse(column, "is not a time such as 09:15, 09:15:30, 24:00 or 18:00-1");
        return 0;
    }
    return day * 86'400 + hour * 3'600 + minute * 60 + second;
}

Source Cells::source() {
    Source source{std::string(text("source")), Grade::unknown};
    if (const auto grade = named_as(text("grade"), Grade::unknown)) {
        source.grade = *grade;
    } else {
        refuse("grade", "must be one of " + names_up_to(Grade::unknown));
    }
    return source;
}

Source Cells::source_if_any() {
    const std::string_view grade = optional("grade");
    const auto named = grade.empty() ? std::optional(Grade::stated) : named_as(grade, Grade::unknown);
    if (!named) {
        refuse("grade", "is none; write one of " + names_up_to(Grade::unknown));
    }
    return {std::string(optional("source")), named.value_or(Grade::stated)};
}

std::vector<std::string> Cells::words(std::string_view column) {
    std::vector<std::string> words = words_of(text(column));
    if (words.empty()) {
        refuse(column, "must have at least one name");
    }
    return words;
}

}  // namespace alpha::markets
