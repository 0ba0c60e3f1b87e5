#include "adapters/zerodha/tradebook.hpp"

#include "events/limits.hpp"
#include "events/text.hpp"
#include "store/disk.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <tuple>
#include <utility>

namespace alpha {

namespace {

constexpr std::size_t kFileBytesMax = 1U << 30U;
constexpr std::size_t kQuotedBytes = 48;

enum class Column : std::uint8_t {
    symbol,
    isin,
    trade_date,
    exchange,
    segment,
    series,
    trade_type,
    auction,
    quantity,
    price,
    trade_id,
    order_id,
    order_execution_time,
    expiry_date
};
struct ColumnName {
    std::string_view name;
    bool is_required = false;
};
/// By Column.
constexpr std::array<ColumnName, 14> kColumns{{{"symbol", true},
                                               {"isin", false},
                                               {"trade_date", true},
                                               {"exchange", true},
                                               {"segment", true},
                                               {"series", false},
                                               {"trade_type", true},
                                               {"auction", false},
                                               {"quantity", true},
                                               {"price", true},
                                               {"trade_id", true},
                                               {"order_id", true},
                                               {"order_execution_time", true},
                                               {"expiry_date", false}}};
constexpr const char* kAsGiven = "take the file as Console gives it, without a spreadsheet in between";

constexpr std::size_t index_of(Column column) {
    return static_cast<std::size_t>(column);
}

tl::unexpected<Error> refuse(const ErrorPlace& place, std::string_view what) {
    return fail(ErrorKind::data, fmt::format("{}:{}: {}", place.file, place.line, what), ErrorCode::bad_record, place);
}

std::string lower(std::string text) {
    for (char& c : text) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return text;
}

std::string column_name(std::string text) {
    std::ranges::replace(text, ' ', '_');
    return lower(std::move(text));
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// "1.1E+15": what a spreadsheet makes of a long number, of which digits are lost.
bool is_rounded_number(std::string_view text) {
    const std::size_t exponent = text.find_first_of("eE");
    return exponent != 0 && exponent != std::string_view::npos && exponent + 1 < text.size() &&
           std::ranges::all_of(text.substr(0, exponent), [](char c) { return is_digit(c) || c == '.'; }) &&
           (text[exponent + 1] == '+' || text[exponent + 1] == '-');
}

/// Where each column stands.
using Places = std::array<std::optional<std::size_t>, kColumns.size()>;

Result<Places> read_header(const ErrorPlace& place, const std::vector<std::string>& cells) {
    Places places;
    bool has_any = false;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const auto* const known = std::ranges::find(kColumns, column_name(cells[i]), &ColumnName::name);
        if (known == kColumns.end()) {
            continue;
        }
        std::optional<std::size_t>& at = places[static_cast<std::size_t>(known - kColumns.begin())];
        if (at) {
            return refuse(place, fmt::format("the header names the column {} twice; {}", known->name, kAsGiven));
        }
        at = i;
        has_any = true;
    }
    std::string missing;
    for (std::size_t i = 0; i < kColumns.size(); ++i) {
        if (kColumns[i].is_required && !places[i]) {
            missing += fmt::format("{}{}", missing.empty() ? "" : ", ", kColumns[i].name);
        }
    }
    if (!missing.empty()) {
        return refuse(place, has_any ? fmt::format("the header lacks {}; {}", missing, kAsGiven)
                                     : fmt::format("this is no header of a tradebook, which reads {}[,{}]; download it "
                                                   "in Console under Reports, Tradebook, as CSV",
                                                   kTradebookColumns, kTradebookExpiry));
    }
    return places;
}

/// Reads a row's cells; the first that is wrong is kept.
class RowReader {
public:
    RowReader(const ErrorPlace& place, const Places& places, const std::vector<std::string>& cells)
        : place_(place), places_(places), cells_(cells) {}

    Result<TradebookRow> read() {
        TradebookRow row;
        row.symbol = name(Column::symbol);
        row.isin = name(Column::isin);
        row.date = date(Column::trade_date);
        row.exchange = name(Column::exchange);
        row.segment = name(Column::segment);
        row.series = name(Column::series);
        const std::string side = lower(cell(Column::trade_type));
        row.side = side == "sell" ? Side::sell : Side::buy;
        if (side != "buy" && side != "sell") {
            wrong(Column::trade_type, "write buy or sell");
        }
        const std::string auction = lower(cell(Column::auction));
        row.is_auction = auction == "true";
        if (!auction.empty() && auction != "true" && auction != "false") {
            wrong(Column::auction, "write true or false");
        }
        row.quantity = positive(Column::quantity, parse_qty(cell(Column::quantity)), limits::kMaxQty);
        row.price = positive(Column::price, parse_price(cell(Column::price)), limits::kMaxPrice);
        row.trade = id(Column::trade_id);
        row.order = id(Column::order_id);
        row.time = time(Column::order_execution_time);
        if (!cell(Column::expiry_date).empty()) {
            row.expiry = date(Column::expiry_date);
        }
        if (const std::int32_t later = row.executed_on().days - row.date.days; later != 0 && later != 1) {
            wrong(Column::order_execution_time,
                  fmt::format("it is on another day than the trade_date {}, which decides what is intraday and what is "
                              "long-term; {}",
                              cell(Column::trade_date).substr(0, kQuotedBytes), kAsGiven));
        }
        if (row.symbol.empty()) {
            wrong(Column::symbol, "a trade is of something");
        }
        if (row.symbol.size() + row.exchange.size() >= limits::kMaxNameBytes) {
            wrong(Column::symbol, "the name is too long");
        }
        if (!failure_.empty()) {
            return refuse(place_, failure_);
        }
        row.line = place_.line;
        return row;
    }

private:
    const std::string& cell(Column column) const {
        static const std::string kEmpty;
        const std::optional<std::size_t>& at = places_[index_of(column)];
        return at ? cells_[*at] : kEmpty;
    }
    /// An apostrophe that keeps a spreadsheet from reading a formula is not part of a name.
    std::string name(Column column) const {
        const std::string& text = cell(column);
        const bool is_kept =
            text.size() > 1 && text[0] == '\'' && std::string_view("=+-@").find(text[1]) != std::string_view::npos;
        return is_kept ? text.substr(1) : text;
    }
    std::string id(Column column) {
        const std::string text = name(column);
        if (text.empty()) {
            wrong(column, fmt::format("without it nobody knows whether a trade was listed twice; {}", kAsGiven));
        } else if (is_rounded_number(text)) {
            wrong(column, fmt::format("a spreadsheet has cut its digits; {}", kAsGiven));
        }
        return text;
    }
    Date date(Column column) {
        const Result<Date> date = parse_date(cell(column));
        if (!date) {
            wrong(column, fmt::format("{}; write it as 2024-01-31, or {}", date.error().why, kAsGiven));
        }
        return date ? *date : Date{};
    }
    Time time(Column column) {
        const Result<Timestamp> time = parse_timestamp(cell(column) + "+05:30");
        if (!time) {
            wrong(column,
                  fmt::format("write the time in India as 2024-01-31T09:15:32, without a zone, or {}", kAsGiven));
        } else if (time->time < kMinTime || time->time >= kMaxTime) {
            wrong(column, "it is before 1800 or after 2199");
        }
        return time ? time->time : Time{};
    }
    template <class Value>
    Value positive(Column column, const Result<Value>& value, Value max) {
        if (!value) {
            wrong(column, fmt::format("{}; write a plain decimal such as 1234.05", value.error().why));
        } else if (value->raw <= 0) {
            wrong(column, "it is above 0 in a trade, whichever side");
        } else if (*value > max) {
            wrong(column, fmt::format("it is more than {}", to_string(max)));
        }
        return value ? *value : Value{};
    }
    void wrong(Column column, std::string_view why) {
        if (failure_.empty()) {
            failure_ =
                fmt::format("{} '{}': {}", kColumns[index_of(column)].name, cell(column).substr(0, kQuotedBytes), why);
        }
    }

    const ErrorPlace& place_;
    const Places& places_;
    const std::vector<std::string>& cells_;
    std::string failure_;
};

/// What makes a trade that trade.
auto identity_of(const TradebookRow& row) {
    return std::tuple(std::string_view(row.trade), std::string_view(row.order), row.date,
                      std::string_view(row.exchange), std::string_view(row.segment));
}

/// What two rows of one trade say differently, as "price 100 there, 101 here"; empty: nothing.
std::string difference(const TradebookRow& there, const TradebookRow& here) {
    const auto say = [](std::string_view column, std::string_view a, std::string_view b) {
        return fmt::format("{} {} there, {} here", column, a, b);
    };
    if (there.symbol != here.symbol) {
        return say("symbol", there.symbol, here.symbol);
    }
    if (there.side != here.side) {
        return say("trade_type", name_of(there.side), name_of(here.side));
    }
    if (there.quantity != here.quantity) {
        return say("quantity", to_string(there.quantity), to_string(here.quantity));
    }
    if (there.price != here.price) {
        return say("price", to_string(there.price), to_string(here.price));
    }
    if (there.time != here.time) {
        return say("order_execution_time", india_time(there.time), india_time(here.time));
    }
    return "";
}

}  // namespace

std::string Tradebook::place_of(const TradebookRow& row) const {
    return fmt::format("{}:{}", files[row.file], row.line);
}

Result<void> TradebookReader::add(const std::string& file, std::string_view text) {
    const auto number = static_cast<std::uint32_t>(book_.files.size());
    book_.files.push_back(file);
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
    }
    ErrorPlace place{file, 0, 0};
    std::vector<std::string> cells;
    std::optional<Places> places;
    std::size_t columns = 0;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        ++place.line;
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        if (line.empty()) {
            continue;
        }
        if (!cut_csv_row(line, cells)) {
            return refuse(place,
                          fmt::format("a quote is not closed, or something stands behind one that is; {}", kAsGiven));
        }
        if (!places) {
            Result<Places> header = read_header(place, cells);
            if (!header) {
                return tl::make_unexpected(header.error());
            }
            places = *header;
            columns = cells.size();
            continue;
        }
        if (cells.size() != columns) {
            return refuse(place,
                          fmt::format("{} cells, but the header has {}; is the file whole?", cells.size(), columns));
        }
        Result<TradebookRow> row = RowReader(place, *places, cells).read();
        if (!row) {
            return tl::make_unexpected(row.error());
        }
        if (book_.rows.size() == kMaxTradebookRows) {
            return refuse(place,
                          fmt::format("more than {} trades in all; give fewer files at once", kMaxTradebookRows));
        }
        row->file = number;
        book_.rows.push_back(std::move(*row));
    }
    if (!places) {
        ++place.line;
        return refuse(place, "the file is empty; a tradebook begins with a header");
    }
    return {};
}

Result<void> TradebookReader::add_file(const std::string& file) {
    const Result<std::string> text = read_file(file, kFileBytesMax);
    if (!text) {
        return tl::make_unexpected(text.error());
    }
    if (text->size() > kFileBytesMax) {
        return fail(ErrorKind::data, fmt::format("{} is larger than a gigabyte; give a year in a file", file));
    }
    return add(file, *text);
}

Result<Tradebook> TradebookReader::finish() {
    std::vector<TradebookRow>& rows = book_.rows;
    const auto order = [](const TradebookRow& row) { return std::pair(row.file, row.line); };
    std::ranges::sort(rows, [&](const TradebookRow& a, const TradebookRow& b) {
        const auto left = identity_of(a);
        const auto right = identity_of(b);
        return left != right ? left < right : order(a) < order(b);
    });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (kept != 0 && identity_of(rows[kept - 1]) == identity_of(rows[i])) {
            if (const std::string differs = difference(rows[kept - 1], rows[i]); !differs.empty()) {
                return refuse(
                    {book_.files[rows[i].file], rows[i].line, 0},
                    fmt::format("trade {} of order {} stands in {} as well, and otherwise: {}; one of them was "
                                "changed, download both again",
                                rows[i].trade, rows[i].order, book_.place_of(rows[kept - 1]), differs));
            }
            ++book_.duplicates;
            continue;
        }
        if (kept != i) {
            rows[kept] = std::move(rows[i]);
        }
        ++kept;
    }
    rows.resize(kept);
    std::ranges::sort(rows, is_before);
    return std::move(book_);
}

}  // namespace alpha
