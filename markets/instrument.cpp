#include "markets/instrument.hpp"

#include "events/limits.hpp"
#include "events/text.hpp"
#include "markets/rows.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <tuple>
#include <type_traits>
#include <utility>

namespace alpha::markets {
namespace {

constexpr std::size_t kMaxColumns = 64;
constexpr std::size_t kMaxExchangeBytes = 16;
constexpr std::size_t kMaxQuoted = 48;
constexpr std::size_t kBadRowsShown = 10;
constexpr Date kFirstDate{0};
constexpr Date kLastDate{static_cast<std::int32_t>(kMaxTime.ns / kDayNs) - 1};

constexpr std::array<std::string_view, kFields> kFieldNames{"token", "isin",       "name",   "segment",
                                                            "kind",  "underlying", "expiry", "strike",
                                                            "tick",  "lot",        "freeze", "multiplier"};

/// Calls `visit` with the member that a field is.
template <class Visit>
auto with_member(Field field, Visit visit) {
    switch (field) {
    case Field::token: return visit(&Listing::token);
    case Field::isin: return visit(&Listing::isin);
    case Field::name: return visit(&Listing::name);
    case Field::segment: return visit(&Listing::segment);
    case Field::kind: return visit(&Listing::kind);
    case Field::underlying: return visit(&Listing::underlying);
    case Field::expiry: return visit(&Listing::expiry);
    case Field::strike: return visit(&Listing::strike);
    case Field::tick: return visit(&Listing::tick);
    case Field::lot: return visit(&Listing::lot);
    case Field::freeze: return visit(&Listing::freeze);
    case Field::multiplier: break;
    }
    return visit(&Listing::multiplier);
}

bool is_derivative(InstrumentKind kind) {
    return kind == InstrumentKind::future || kind == InstrumentKind::call || kind == InstrumentKind::put;
}

// ---- cells ------------------------------------------------------------------------------------------------------------

/// One line, cut. Cells are views into it, or into `unescaped` where a doubled quote stood in them.
struct Cut {
    std::array<std::string_view, kMaxColumns> cells;
    std::size_t count = 0;
    std::string unescaped;

    std::span<const std::string_view> all() const { return {cells.data(), count}; }
};

/// Says what is wrong; null: nothing.
const char* cut(std::string_view line, Cut& into) {
    into.count = 0;
    into.unescaped.clear();
    std::size_t at = 0;
    while (true) {
        if (into.count == kMaxColumns) {
            return "has more than 64 cells";
        }
        std::string_view& cell = into.cells[into.count++];
        if (at < line.size() && line[at] == '"') {
            std::size_t end = line.find('"', ++at);
            bool has_doubled = false;
            while (end < line.size() && line.substr(end, 2) == "\"\"") {
                has_doubled = true;
                end = line.find('"', end + 2);
            }
            if (end == std::string_view::npos) {
                return "has a quote that is not closed";
            }
            cell = line.substr(at, end - at);
            if (has_doubled) {
                into.unescaped.reserve(line.size());  // so that cells of this line stay where they are
                const std::size_t begin = into.unescaped.size();
                for (std::size_t i = 0; i < cell.size(); ++i) {
                    into.unescaped += cell[i];
                    i += cell[i] == '"' ? 1U : 0U;
                }
                cell = std::string_view(into.unescaped).substr(begin);
            }
            at = end + 1;
            if (at < line.size() && line[at] != ',') {
                return "has something behind a quote that is closed";
            }
        } else {
            const std::size_t end = std::min(line.find(',', at), line.size());
            cell = line.substr(at, end - at);
            at = end;
        }
        if (at == line.size()) {
            return nullptr;
        }
        ++at;
    }
}

/// Cuts the next line off the front of `text`, without its end.
std::string_view next_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// A decimal of at most `most`, rounded half-even to 1e-8: dumps are written from binary floats, as 0.05000000074505806. Says what is wrong;
/// null: nothing.
const char* read_decimal(std::string_view text, std::int64_t most, std::int64_t& raw) {
    const bool is_negative = text.starts_with('-');
    std::size_t at = is_negative ? 1 : 0;
    const std::size_t point = std::min(text.find('.'), text.size());
    if (at == point || (point != text.size() && point + 1 == text.size())) {
        return "is not a number";
    }
    std::int64_t value = 0;
    for (; at < point; ++at) {
        if (!is_digit(text[at])) {
            return "is not a number";
        }
        value = std::min(value * 10 + (text[at] - '0'), most / kScale + 1);  // what is larger stays too large
    }
    const bool is_too_large = value > most / kScale;
    std::int64_t scaled = is_too_large ? most : value * kScale;
    std::int64_t unit = kScale;
    int dropped = 0;  // of what is behind the eighth digit: -1 less than half, 0 nothing, 1 half, 2 more
    for (at = point + 1; at < text.size(); ++at) {
        if (!is_digit(text[at])) {
            return "is not a number";
        }
        const int digit = text[at] - '0';
        if (unit > 1) {
            unit /= 10;
            scaled += digit * unit;
        } else if (unit == 1) {
            unit = 0;
            dropped = digit > 5 ? 2 : digit == 5 ? 1 : digit > 0 ? -1 : 0;
        } else if (digit != 0) {
            dropped = dropped == 1 ? 2 : dropped == 0 ? -1 : dropped;
        }
    }
    if (dropped == 2 || (dropped == 1 && scaled % 2 != 0)) {
        ++scaled;
    }
    if (is_too_large || scaled > most) {
        return "is too large";
    }
    if (is_negative && scaled != 0) {
        return "is negative";
    }
    raw = scaled;
    return nullptr;
}

const char* read_token(std::string_view text, std::uint32_t& token) {
    std::uint64_t value = 0;
    for (const char c : text) {
        if (!is_digit(c)) {
            return "is not a whole number";
        }
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
        if (value > std::numeric_limits<std::uint32_t>::max()) {
            return "is too large";
        }
    }
    token = static_cast<std::uint32_t>(value);
    return nullptr;
}

const char* read_date(std::string_view text, Date& date) {
    const Result<Date> read = parse_date(text);
    if (!read) {
        return "is not a date such as 2026-01-27";
    }
    if (*read < kFirstDate || *read > kLastDate) {
        return "is not a date from 1970 to 2199";
    }
    date = *read;
    return nullptr;
}

bool is_plain_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

const char* read_text(std::string_view cell, std::size_t most, std::string& into) {
    if (cell.size() > most) {
        return "is too long";
    }
    if (!is_plain_ascii(cell) && !is_printable(cell)) {
        return "has bytes that cannot be shown";
    }
    into = cell;
    return nullptr;
}

/// Two letters, nine letters or digits, and a digit that makes the sum right (ISO 6166: Luhn over the digits, letters counting from 10).
bool is_isin(std::string_view text) {
    if (text.size() != 12 || !is_digit(text.back())) {
        return false;
    }
    std::array<int, 24> digits{};
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_letter = text[i] >= 'A' && text[i] <= 'Z';
        if (!is_letter && (i < 2 || !is_digit(text[i]))) {
            return false;
        }
        const int value = is_letter ? text[i] - 'A' + 10 : text[i] - '0';
        if (is_letter) {
            digits[count++] = value / 10;
        }
        digits[count++] = value % 10;
    }
    int sum = 0;
    for (std::size_t i = 0; i < count; ++i) {  // the last counts once, the one before it twice, ...
        const int digit = digits[count - 1 - i] * (i % 2 == 0 ? 1 : 2);
        sum += digit / 10 + digit % 10;
    }
    return sum % 10 == 0;
}

bool is_exchange(std::string_view text) {
    const auto may_stand = [](char c) {
        return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    };
    return !text.empty() && text.size() <= kMaxExchangeBytes && std::ranges::all_of(text, may_stand);
}

bool is_symbol(std::string_view exchange, std::string_view text) {
    return !text.empty() && exchange.size() + 1 + text.size() <= limits::kMaxNameBytes && !text.starts_with(' ') &&
           !text.ends_with(' ') && text.find('"') == std::string_view::npos &&
           (is_plain_ascii(text) || is_printable(text));
}

InstrumentKind kite_kind(std::string_view type) {
    return type == "EQ"    ? InstrumentKind::share
           : type == "FUT" ? InstrumentKind::future
           : type == "CE"  ? InstrumentKind::call
           : type == "PE"  ? InstrumentKind::put
                           : InstrumentKind::other;
}

/// A cell of a field, in the plain form's terms. Says what is wrong; null: nothing.
const char* read_field(Field field, std::string_view cell, Listing& into) {
    std::int64_t raw = 0;
    const char* why = nullptr;
    switch (field) {
    case Field::token: return read_token(cell, into.token);
    case Field::isin:
        into.isin = cell;
        return is_isin(cell) ? nullptr : "is not an ISIN: twelve characters, the last a check digit";
    case Field::name: return read_text(cell, limits::kMaxTextBytes, into.name);
    case Field::segment: return read_text(cell, limits::kMaxNameBytes, into.segment);
    case Field::kind:
        if (const auto kind = named_as(cell, InstrumentKind::other, InstrumentKind::share)) {
            into.kind = *kind;
            return nullptr;
        }
        return "must be share, index, future, call, put or other";
    case Field::underlying: return read_text(cell, limits::kMaxNameBytes, into.underlying);
    case Field::expiry: return read_date(cell, into.expiry);
    case Field::strike: return read_decimal(cell, limits::kMaxPrice.raw, into.strike.raw);
    case Field::tick: return read_decimal(cell, limits::kMaxPrice.raw, into.tick.raw);
    case Field::lot: return read_decimal(cell, limits::kMaxQty.raw, into.lot.raw);
    case Field::freeze: return read_decimal(cell, limits::kMaxQty.raw, into.freeze.raw);
    case Field::multiplier:
        why = read_decimal(cell, limits::kMaxPrice.raw, raw);
        into.multiplier = Decimal(raw);
        return why != nullptr ? why : raw == 0 ? "must be more than 0" : nullptr;
    }
    return "is of no field";
}

/// What a listing as a whole cannot be; null: nothing.
const char* impossible(const Listing& listing, bool knows_strike) {
    if (is_derivative(listing.kind) && listing.expiry == kNoExpiry) {
        return "a future or an option needs its expiry";
    }
    const bool is_option = listing.kind == InstrumentKind::call || listing.kind == InstrumentKind::put;
    if (is_option && knows_strike && listing.strike == Price{0}) {
        return "an option needs a strike above 0";
    }
    if (listing.kind != InstrumentKind::index && listing.tick == Price{0}) {
        return "the tick is 0: only an index may have none";
    }
    if (listing.kind != InstrumentKind::index && listing.lot == Qty{0}) {
        return "the lot is 0: only an index may have none";
    }
    return nullptr;
}

/// Kite's columns that say something of ours.
constexpr std::array<std::pair<std::string_view, Field>, 8> kKiteFields{{{"instrument_token", Field::token},
                                                                         {"name", Field::name},
                                                                         {"segment", Field::segment},
                                                                         {"instrument_type", Field::kind},
                                                                         {"expiry", Field::expiry},
                                                                         {"strike", Field::strike},
                                                                         {"tick_size", Field::tick},
                                                                         {"lot_size", Field::lot}}};
constexpr std::string_view kKiteSymbol = "tradingsymbol";

}  // namespace

// ---- listings ---------------------------------------------------------------------------------------------------------

std::string_view name_of(Field field) {
    return kFieldNames[static_cast<std::size_t>(field)];
}

std::string text_of(const Listing& listing, Field field) {
    return with_member(field, [&](auto member) -> std::string {
        const auto& value = listing.*member;
        using Value = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string>) {
            return value;
        } else if constexpr (std::is_same_v<Value, std::uint32_t>) {
            return std::to_string(value);
        } else if constexpr (std::is_same_v<Value, InstrumentKind>) {
            return std::string(name_of(value));
        } else if constexpr (std::is_same_v<Value, Date>) {
            return value == kNoExpiry ? std::string() : to_iso(value);
        } else {
            return to_string(value);
        }
    });
}

FieldSet changed_fields(const Listing& a, const Listing& b) {
    FieldSet changed;
    for (std::size_t i = 0; i < kFields; ++i) {
        changed[i] = with_member(static_cast<Field>(i), [&](auto member) { return a.*member != b.*member; });
    }
    return changed;
}

void copy_fields(Listing& to, const Listing& from, FieldSet fields) {
    for (std::size_t i = 0; i < kFields; ++i) {
        if (fields[i]) {
            with_member(static_cast<Field>(i), [&](auto member) { to.*member = from.*member; });
        }
    }
}

std::string full_name(const Listing& listing) {
    return listing.exchange + ':' + listing.symbol;
}

// ---- files ------------------------------------------------------------------------------------------------------------

/// What is needed while rows are read, kept so that its memory is used again.
struct ListingFile::Reading {
    Cut cut;
    Listing listing;
    std::string why;
};

Result<ListingFile> ListingFile::read(std::string file, std::string_view text, std::optional<Date> day) {
    ListingFile made;
    made.file_ = std::move(file);
    made.text_ = text;
    made.day_ = day;
    std::string_view rest = text;
    if (rest.starts_with("\xEF\xBB\xBF")) {  // as some spreadsheets begin a file
        rest.remove_prefix(3);
    }
    Reading reading;
    std::uint32_t number = 0;
    while (!rest.empty()) {
        const auto offset = static_cast<std::uint64_t>(rest.data() - text.data());
        const std::string_view line = next_line(rest);
        ++number;
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        if (!made.columns_.empty()) {
            if (made.good_rows_ + made.bad_row_count_ == kMaxListingRows) {
                return refuse_at({made.file_, number, 0}, "a file of instruments has at most 1,000,000 rows: cut it");
            }
            made.take_row(line, offset, number, reading);
            continue;
        }
        if (const char* const why = cut(line, reading.cut); why != nullptr) {
            return refuse_at({made.file_, number, 0}, fmt::format("the header {}", why));
        }
        if (Result<void> ok = made.read_header(reading.cut.all(), number); !ok) {
            return tl::make_unexpected(ok.error());
        }
        made.entries_.reserve(static_cast<std::size_t>(std::ranges::count(rest, '\n')) + 1);
    }
    if (made.good_rows_ == 0 && made.bad_row_count_ == 0) {
        return refuse_at({made.file_, 0, 0}, "there is no instrument in it; write a header and a row for each");
    }
    made.refuse_twins();
    return made;
}

Result<void> ListingFile::read_header(std::span<const std::string_view> cells, std::uint64_t line) {
    const ErrorPlace place{file_, line, 0};
    const auto has = [&](std::string_view column) { return std::ranges::find(cells, column) != cells.end(); };
    for (auto each = cells.begin(); each != cells.end(); ++each) {
        if (each->empty() || std::find(cells.begin(), each, *each) != each) {
            return refuse_at(place, fmt::format("the header names column '{}' twice or has one without a name",
                                                printable(each->substr(0, kMaxQuoted))));
        }
    }
    is_kite_ = has(kKiteFields[0].first) && has(kKiteSymbol);
    const std::string_view symbol = is_kite_ ? kKiteSymbol : "symbol";
    if (!has("exchange") || !has(symbol)) {
        return refuse_at(
            place, fmt::format("the header is neither Kite's (instrument_token, tradingsymbol, ..., exchange) nor "
                               "a plain one (exchange, symbol, ...): it begins with '{}'",
                               printable(cells[0].substr(0, kMaxQuoted))));
    }
    for (const auto& [column, field] : kKiteFields) {
        if (is_kite_ && !has(column)) {
            return refuse_at(place, fmt::format("column '{}' of Kite's form is missing", column));
        }
    }
    columns_.reserve(cells.size());
    for (const std::string_view cell : cells) {
        ColumnRole role;
        if (cell == "exchange" || cell == symbol) {
            role.what = cell == "exchange" ? Column::exchange : Column::symbol;
        } else if (is_kite_) {
            if (const auto found = std::ranges::find(kKiteFields, cell, &decltype(kKiteFields)::value_type::first);
                found != kKiteFields.end()) {
                role = {Column::field, found->second};
            }
        } else if (cell == "from") {
            role.what = Column::from;
            has_from_ = true;
        } else if (const auto field = named_as(cell, Field::multiplier)) {
            role = {Column::field, *field};
        } else {
            return refuse_at(place, fmt::format("there is no column '{}'; known are exchange, symbol, from, {}",
                                                printable(cell.substr(0, kMaxQuoted)), fmt::join(kFieldNames, ", ")));
        }
        if (role.what == Column::field) {
            fields_.set(static_cast<std::size_t>(role.field));
        }
        columns_.push_back(role);
    }
    if (is_kite_) {
        fields_.set(static_cast<std::size_t>(Field::underlying));
    }
    if (!has_from_ && !day_) {
        return fail(ErrorKind::usage,
                    fmt::format("{} does not say from when it holds; give the day with --date YYYY-MM-DD", file_));
    }
    return {};
}

bool ListingFile::parse(std::span<const std::string_view> cells, Listing& into, std::string& why) const {
    if (cells.size() != columns_.size()) {
        why = fmt::format("{} cells, but the header has {}", cells.size(), columns_.size());
        return false;
    }
    static const Listing kDefaults;
    copy_fields(into, kDefaults, FieldSet().set());
    into.from = day_.value_or(Date{});
    bool has_from = day_.has_value();
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string_view cell = cells[i];
        const ColumnRole role = columns_[i];
        const char* wrong = nullptr;
        if (role.what == Column::exchange) {
            into.exchange = cell;
        } else if (role.what == Column::symbol) {
            into.symbol = cell;
        } else if (role.what == Column::from && !cell.empty()) {
            wrong = read_date(cell, into.from);
            has_from = true;
        } else if (role.what == Column::field && is_kite_ && role.field == Field::kind) {
            into.kind = kite_kind(cell);
        } else if (role.what == Column::field && !cell.empty()) {
            wrong = read_field(role.field, cell, into);
        } else if (role.what == Column::field && is_kite_ && (role.field == Field::tick || role.field == Field::lot)) {
            wrong = "must not be empty";
        }
        if (wrong != nullptr) {
            std::string_view column = role.what == Column::from ? "from" : name_of(role.field);
            if (is_kite_) {
                column = std::ranges::find(kKiteFields, role.field, &decltype(kKiteFields)::value_type::second)->first;
            }
            why = fmt::format("column '{}' has '{}': it {}", column, printable(cell.substr(0, kMaxQuoted)), wrong);
            return false;
        }
    }
    if (!is_exchange(into.exchange)) {
        why = fmt::format("exchange '{}' must be letters, digits and _, at most {}",
                          printable(std::string_view(into.exchange).substr(0, kMaxQuoted)), kMaxExchangeBytes);
        return false;
    }
    if (!is_symbol(into.exchange, into.symbol)) {
        why = fmt::format("symbol '{}' is empty, too long, begins or ends with a space, or holds a quote or bytes that "
                          "cannot be shown",
                          printable(std::string_view(into.symbol).substr(0, kMaxQuoted)));
        return false;
    }
    if (!has_from) {
        why = "column 'from' is empty; give the day for such rows with --date YYYY-MM-DD";
        return false;
    }
    if (is_kite_) {
        if (into.segment == "INDICES") {
            into.kind = InstrumentKind::index;
        }
        if (is_derivative(into.kind)) {
            into.underlying = into.name;
        }
    }
    if (const char* const wrong = impossible(into, fields_[static_cast<std::size_t>(Field::strike)]);
        wrong != nullptr) {
        why = wrong;
        return false;
    }
    return true;
}

void ListingFile::take_row(std::string_view line, std::uint64_t offset, std::uint32_t number, Reading& reading) {
    if (const char* const why = cut(line, reading.cut); why != nullptr) {
        add_bad(number, why);
        return;
    }
    const std::span<const std::string_view> cells = reading.cut.all();
    const bool is_good = parse(cells, reading.listing, reading.why);
    if (!is_good) {
        add_bad(number, std::move(reading.why));
    }
    Entry entry;
    entry.offset = offset;
    entry.line = number;
    entry.from = reading.listing.from;
    entry.is_bad = !is_good;
    if (cells.size() != columns_.size()) {
        return;
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (columns_[i].what == Column::exchange) {
            entry.exchange = cells[i];
        } else if (columns_[i].what == Column::symbol) {
            entry.symbol = cells[i];
        }
    }
    if (is_good) {
        entry.token = reading.listing.token;
        ++good_rows_;
    } else if (!is_exchange(entry.exchange) || !is_symbol(entry.exchange, entry.symbol)) {
        return;  // nobody can say of what it speaks
    }
    entries_.push_back(entry);
}

void ListingFile::refuse_twins() {
    struct Twin {
        std::uint32_t line;
        std::uint32_t first_line;
        bool by_token;
        const Entry* first;
    };
    std::vector<Twin> twins;
    const auto key = [](const Entry& e) { return std::tie(e.exchange, e.symbol, e.from); };
    std::ranges::sort(entries_, [&](const Entry& a, const Entry& b) {
        return std::tie(a.exchange, a.symbol, a.from, a.line) < std::tie(b.exchange, b.symbol, b.from, b.line);
    });
    const Entry* first = nullptr;  // the first good one of its key
    for (Entry& entry : entries_) {
        if (entry.is_bad) {
            continue;
        }
        if (first != nullptr && key(*first) == key(entry)) {
            entry.is_bad = true;
            twins.push_back({entry.line, first->line, false, first});
        } else {
            first = &entry;
        }
    }
    std::vector<Entry*> by_token;
    for (Entry& entry : entries_) {
        if (!entry.is_bad && entry.token != 0) {
            by_token.push_back(&entry);
        }
    }
    std::ranges::sort(by_token, [](const Entry* a, const Entry* b) {
        return std::tie(a->token, a->from, a->line) < std::tie(b->token, b->from, b->line);
    });
    for (std::size_t i = 1, of_first = 0; i < by_token.size(); ++i) {
        if (by_token[i]->token == by_token[of_first]->token && by_token[i]->from == by_token[of_first]->from) {
            by_token[i]->is_bad = true;
            twins.push_back({by_token[i]->line, by_token[of_first]->line, true, by_token[of_first]});
        } else {
            of_first = i;
        }
    }
    std::ranges::sort(twins, {}, &Twin::line);
    good_rows_ -= twins.size();
    bad_row_count_ += twins.size();
    twins.resize(std::min(twins.size(), kMaxBadRowsKept));
    bad_rows_.reserve(bad_rows_.size() + twins.size());
    for (const Twin& twin : twins) {
        bad_rows_.push_back(
            {twin.line, twin.by_token ? fmt::format("token {} is that of {}:{} in line {} already", twin.first->token,
                                                    twin.first->exchange, twin.first->symbol, twin.first_line)
                                      : fmt::format("{}:{} stands in line {} already", twin.first->exchange,
                                                    twin.first->symbol, twin.first_line)});
    }
    std::ranges::sort(bad_rows_, {}, &BadRow::line);
    bad_rows_.resize(std::min(bad_rows_.size(), kMaxBadRowsKept));
}

void ListingFile::add_bad(std::uint64_t line, std::string why) {
    ++bad_row_count_;
    if (bad_rows_.size() < kMaxBadRowsKept) {
        bad_rows_.push_back({line, std::move(why)});
    }
}

Listing ListingFile::listing(const Entry& entry) const {
    std::string_view rest = text_.substr(entry.offset);
    Cut cells;
    Listing listing;
    std::string why;
    const bool is_good = cut(next_line(rest), cells) == nullptr && parse(cells.all(), listing, why);
    ALPHA_ASSERT(is_good && !entry.is_bad, "a bad row is asked for");
    return listing;
}

tl::unexpected<Error> ListingFile::bad_rows_refusal() const {
    std::string message;
    for (const BadRow& bad : std::span(bad_rows_).first(std::min(bad_rows_.size(), kBadRowsShown))) {
        fmt::format_to(std::back_inserter(message), "{}:{}: {}\n", file_, bad.line, bad.why);
    }
    fmt::format_to(std::back_inserter(message),
                   "{} of {} rows are bad, and nothing was loaded; mend them, or leave them out with --skip-bad",
                   bad_row_count_, bad_row_count_ + good_rows_);
    return fail(ErrorKind::data, std::move(message), ErrorCode::bad_record,
                {file_, bad_rows_.empty() ? 0 : bad_rows_.front().line, 0});
}

}  // namespace alpha::markets
