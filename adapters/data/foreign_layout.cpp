#include "adapters/data/foreign_layout.hpp"

#include "adapters/data/lean.hpp"
#include "adapters/data/record_stream.hpp"
#include "events/time.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

namespace alpha::foreign {

namespace {

constexpr std::array<std::string_view, 4> kSeparators{",", ";", "\t", "|"};

/// "PREV_CLOSE " and "<OPEN>" as "prev close" and "open".
std::string plain_name(std::string_view field) {
    std::string name;
    for (const char c : lower_case(trimmed(field))) {
        if (c != '<' && c != '>') {
            name += c == '_' ? ' ' : c;
        }
    }
    return name;
}

// ---- what is no table of market data ----------------------------------------------------------------------------------

std::string_view no_market_data(std::string_view text) {
    if (text.starts_with("\xD0\xCF\x11\xE0")) {
        return "is an old Excel workbook (.xls); open it and save the sheet as CSV";
    }
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && text[first] == '<') {
        const std::string tag = lower_case(text.substr(first, 16));
        const bool is_column =
            tag.starts_with("<date>") || tag.starts_with("<ticker>") || tag.starts_with("<dtyyyymmdd>");
        return is_column ? std::string_view()
                         : "is a web page or XML, not a table: the site answered with a page, perhaps to log in or "
                           "that it was "
                           "busy; download the CSV again in a browser, and look into it before";
    }
    return {};
}

std::string_view no_market_data(const std::vector<std::string>& names) {
    const auto has = [&names](std::string_view name) { return std::ranges::find(names, name) != names.end(); };
    if (has("trade type") && (has("order execution time") || has("trade id"))) {
        return "is Zerodha's tradebook: the trades of an account, not prices of a market; download candles of the "
               "instruments instead, such as Kite's historical candles or the exchange's bhavcopy";
    }
    const bool has_order = has("order id") || has("order no") || has("orderid");
    if ((has_order && (has("status") || has("transaction type") || has("order type"))) ||
        (has("product") && has("status") && (has("type") || has("qty.")))) {
        return "is a list of an account's orders, not prices of a market; download candles of the instruments instead, "
               "such "
               "as Kite's historical candles or the exchange's bhavcopy";
    }
    return {};
}

// ---- columns ----------------------------------------------------------------------------------------------------------

struct Alias {
    Role role;
    std::vector<std::string_view> names;
};

/// What programs call the columns, the best name first.
const std::vector<Alias>& aliases() {
    static const std::vector<Alias> kAliases{
        {Role::open, {"open", "o", "open price"}},
        {Role::high, {"high", "h", "high price"}},
        {Role::low, {"low", "l", "low price"}},
        {Role::close, {"close", "c", "close price"}},
        {Role::volume,
         {"volume", "tickvol", "vol", "vol.", "v", "ttl trd qnty", "tottrdqty", "contracts", "total traded quantity",
          "traded quantity", "shares traded", "no.of shares", "no. of shares", "no. of contracts", "quantity", "qty"}},
        {Role::symbol, {"instrument", "symbol", "ticker", "tradingsymbol", "trading symbol", "name", "stock", "scrip"}},
        {Role::price, {"price", "ltp", "last price", "last traded price", "last"}},
        {Role::quantity, {"quantity", "qty", "size", "last quantity", "last traded quantity", "volume", "vol"}},
        {Role::bid, {"bid", "bid price", "best bid"}},
        {Role::ask, {"ask", "ask price", "best ask", "offer"}},
    };
    return kAliases;
}
constexpr std::array<std::string_view, 15> kTimeNames{
    "timestamp", "datetime", "date time", "date",  "time",   "ts",         "ts ns",         "ts ms",
    "open time", "unix",     "epoch",     "date1", "traddt", "trade date", "unix timestamp"};

struct Meant {
    Role role;
    std::string_view name;
};
constexpr std::array<Meant, 13> kMeant{{{Role::time, "date"},
                                        {Role::time, "timestamp"},
                                        {Role::clock, "time"},
                                        {Role::open, "open"},
                                        {Role::high, "high"},
                                        {Role::low, "low"},
                                        {Role::close, "close"},
                                        {Role::volume, "volume"},
                                        {Role::symbol, "instrument"},
                                        {Role::price, "price"},
                                        {Role::quantity, "quantity"},
                                        {Role::bid, "bid"},
                                        {Role::ask, "ask"}}};

/// A header while it is read.
class Header {
public:
    Header(const std::string& file, const std::vector<std::string>& names) : file_(&file), names_(&names) {}

    std::size_t find(std::string_view name) const {
        const auto at = std::ranges::find(*names_, name);
        return at == names_->end() ? kAbsent : static_cast<std::size_t>(at - names_->begin());
    }
    bool has(std::string_view name) const { return find(name) != kAbsent; }
    bool has_all(std::initializer_list<std::string_view> names) const {
        return std::ranges::all_of(names, [this](std::string_view name) { return has(name); });
    }
    /// The first of the names that is a column. Refuses one that is there twice.
    Result<std::size_t> first_of(const std::vector<std::string_view>& names) const {
        for (const std::string_view name : names) {
            const std::size_t at = find(name);
            if (at == kAbsent) {
                continue;
            }
            if (std::ranges::count(*names_, name) > 1) {
                return tl::unexpected(refusal_at(
                    *file_, 1, fmt::format("column {} is there twice; remove one of the two", in_quotes(name))));
            }
            return at;
        }
        return kAbsent;
    }
    /// Fills in what the table says by the usual names.
    Result<void> fill(Layout& layout) const {
        for (const Alias& alias : aliases()) {
            const auto at = first_of(alias.names);
            if (!at) {
                return tl::unexpected(at.error());
            }
            layout.put(alias.role, *at);
        }
        const auto time = std::ranges::find_if(
            *names_, [](const std::string& name) { return std::ranges::find(kTimeNames, name) != kTimeNames.end(); });
        layout.put(Role::time, time == names_->end() ? kAbsent : static_cast<std::size_t>(time - names_->begin()));
        if (layout.has(Role::time) && has("date") && has("time") && (*time == "date" || *time == "time")) {
            layout.put(Role::time, find("date"));
            layout.put(Role::clock, find("time"));
        }
        return {};
    }
    /// What the user says of the columns goes over it. Refuses (kind data) a column that is not there.
    Result<void> map(Layout& layout, const ForeignOptions& options) const {
        for (const auto& [meant, column] : options.columns) {
            const auto role = std::ranges::find(kMeant, meant, &Meant::name);
            if (role == kMeant.end()) {
                return fail(
                    ErrorKind::usage,
                    fmt::format(
                        "{}: map: {} is nothing that a column can hold; write one of date, timestamp, time, open, "
                        "high, low, close, volume, instrument, price, quantity, bid, ask",
                        *file_, in_quotes(meant)));
            }
            const std::size_t at = find(plain_name(column));
            if (at == kAbsent) {
                return tl::unexpected(
                    refusal_at(*file_, 1,
                               fmt::format("there is no column {} for {}; the columns are {}", in_quotes(column), meant,
                                           in_quotes(fmt::format("{}", fmt::join(*names_, ", "))))));
            }
            layout.put(role->role, at);
            // Whoever counts adjusted closes wants bars that hold together.
            const bool is_adjusted = role->role == Role::close && (*names_)[at].starts_with("adj");
            layout.unadjusted = is_adjusted ? find("close") : layout.unadjusted;
        }
        return {};
    }

    /// Whether the table has an expiry beside its symbol, and perhaps a strike and a type.
    bool put_contract(Layout& layout) const {
        const auto put = [&](Role role, std::initializer_list<std::string_view> names) {
            const auto at = std::ranges::find_if(names, [this](std::string_view name) { return has(name); });
            layout.put(role, at == names.end() ? kAbsent : find(*at));
        };
        put(Role::expiry, {"expiry", "expiry date", "expirydate"});
        put(Role::strike, {"strike price", "strike", "strikeprice"});
        put(Role::option, {"option type", "optiontype"});
        return layout.has(Role::expiry);
    }

private:
    const std::string* file_;
    const std::vector<std::string>* names_;
};

void put_udiff(Layout& layout, const Header& header) {
    const std::pair<Role, std::string_view> columns[] = {
        {Role::time, "traddt"},     {Role::open, "opnpric"},   {Role::high, "hghpric"},
        {Role::low, "lwpric"},      {Role::close, "clspric"},  {Role::volume, "ttltradgvol"},
        {Role::symbol, "tckrsymb"}, {Role::series, "sctysrs"}, {Role::expiry, "xprydt"},
        {Role::strike, "strkpric"}, {Role::option, "optntp"},  {Role::type, "fininstrmtp"},
        {Role::exchange, "src"},    {Role::segment, "sgmt"},   {Role::contract, "fininstrmnm"}};
    for (const auto& [role, name] : columns) {
        layout.put(role, header.find(name));
    }
    layout.name = "the exchanges' UDiFF bhavcopy";
    layout.naming = Naming::udiff;
    layout.drops_untraded = true;
}

void put_nse_fo(Layout& layout, const Header& header) {
    const std::pair<Role, std::string_view> columns[] = {{Role::type, "instrument"},   {Role::symbol, "symbol"},
                                                         {Role::expiry, "expiry dt"},  {Role::strike, "strike pr"},
                                                         {Role::option, "option typ"}, {Role::time, "timestamp"}};
    for (const auto& [role, name] : columns) {
        layout.put(role, header.find(name));
    }
    layout.name = "NSE's F&O bhavcopy";
    layout.naming = Naming::nse_fo;
    layout.drops_untraded = true;
}

/// Tells the tables of one header line apart, once the usual columns were found.
void name_table(Layout& layout, const Header& header, std::string_view line) {
    if (header.has_all({"traddt", "tckrsymb", "opnpric", "hghpric", "lwpric", "clspric"})) {
        return put_udiff(layout, header);
    }
    if (header.has_all({"instrument", "symbol", "expiry dt", "strike pr", "option typ"})) {
        return put_nse_fo(layout, header);
    }
    if (header.has_all({"symbol", "series", "tottrdqty"}) || header.has_all({"symbol", "series", "date1"})) {
        layout.name = header.has("date1") ? "NSE's full bhavcopy" : "NSE's equity bhavcopy";
        layout.put(Role::series, header.find("series"));
        layout.naming = Naming::equity;
        layout.drops_untraded = true;
    } else if (header.has_all({"series", "prev. close", "vwap"})) {
        layout.name = "NSE's site";
    } else if (line.starts_with('<')) {
        layout.name = "MetaTrader 5";
        layout.keeps_sides = true;
    } else if (header.has("adj close") || header.has_all({"dividends", "stock splits"})) {
        layout.name = "yfinance";
    } else if (header.has_all({"open time", "close time"})) {
        layout.name = "Binance";
    } else if (line.starts_with("time,open,high,low,close")) {
        layout.name = "TradingView";
    } else {
        layout.name = "plain table";
    }
}

char separator_of(std::string_view line) {
    char best = '\0';
    std::size_t most = 0;
    for (const std::string_view separator : kSeparators) {
        std::size_t count = 0;
        bool quoted = false;
        for (const char c : line) {
            quoted = quoted != (c == '"');
            count += !quoted && c == separator[0] ? 1U : 0U;
        }
        if (count > most) {
            most = count;
            best = separator[0];
        }
    }
    return best;
}

// ---- alpha's own ------------------------------------------------------------------------------------------------------

/// What alpha's own reader takes as it stands.
bool is_own_label(std::string_view text) {
    constexpr std::size_t kDateBytes = 10;
    return text.size() == kDateBytes ? parse_date(text).has_value() : parse_timestamp(text).has_value();
}

/// Whether the header is one of alpha's own, or so near that its reader knows best what is wrong.
bool has_own_header(const Fields& fields, char separator, bool& of_quotes) {
    constexpr std::array<std::string_view, 6> kQuotes{"ts_ns", "instrument", "bid", "bid_qty", "ask", "ask_qty"};
    constexpr std::size_t kNearly = 4;
    std::size_t known = 0;
    std::array<bool, 5> bars{};
    for (std::size_t f = 0; f < fields.size(); ++f) {
        const std::string name = lower_case(fields[f]);
        known += std::ranges::find(kQuotes, name) != kQuotes.end() ? 1U : 0U;
        bars[0] = bars[0] || name == "date" || name == "timestamp";
        bars[1] = bars[1] || name == "open";
        bars[2] = bars[2] || name == "high";
        bars[3] = bars[3] || name == "low";
        bars[4] = bars[4] || name == "close";
    }
    of_quotes = known >= kNearly;
    return separator == ',' && (of_quotes || std::ranges::all_of(bars, [](bool is_there) { return is_there; }));
}

/// Whether the first rows hold something that only other programs write. What is merely wrong is left to alpha's own reader.
bool has_foreign_rows(const Head& head, const Layout& layout, bool has_zone) {
    const std::vector<std::string_view> lines = head.lines();
    Fields fields;
    std::vector<Time> labels;
    bool falls = true;
    bool is_utc = false;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        if (lines[i].empty() || !fields.split(lines[i], ',') || fields.size() != layout.fields) {
            continue;
        }
        const std::string_view label = fields[layout.of(Role::time)];
        TimeText time;
        const bool is_time = read_time(label, {}, time) == nullptr;
        if (is_time && !is_own_label(label)) {
            constexpr std::size_t kDateBytes = 10;
            const bool is_iso = time.shape == TimeText::Shape::fixed && label.size() >= kDateBytes && label[4] == '-';
            if (!is_iso || (has_zone && time.has_clock && !time.has_offset)) {
                return true;
            }
        }
        const auto is_in_bounds = [](Date day) {
            return day.days > kMinTime.ns / kDayNs && day.days < kMaxTime.ns / kDayNs;
        };
        if (Date day; is_time && day_of(time, DateOrder::unknown, day) && is_in_bounds(day)) {
            labels.push_back(Time{day.days * kDayNs + time.clock_ns});
            falls = falls && (labels.size() == 1 || labels.back() < labels[labels.size() - 2]);
            is_utc = is_utc || (time.has_offset && time.offset_s == 0 && time.clock_ns != 0);
        }
        if (const std::size_t volume = layout.of(Role::volume); volume < fields.size()) {
            Number number;
            if (!parse_decimal(fields[volume]) &&
                (is_absent(fields[volume]) || read_number(fields[volume], {}, number) == nullptr)) {
                return true;
            }
        }
        std::size_t absent = 0;
        for (const Role role : {Role::open, Role::high, Role::low, Role::close}) {
            const std::string_view text = fields[layout.of(role)];
            Number number;
            absent += is_absent(text) ? 1U : 0U;
            if (!is_absent(text) && !parse_price(text) && read_number(text, {}, number) == nullptr) {
                return true;
            }
        }
        if (absent == 4) {
            return true;
        }
    }
    // Days that are labelled in UTC are days of another place's clock.
    constexpr std::int64_t kShortDayNs = 20 * 3'600LL * kSecondNs;
    const auto is_near = [](Time a, Time b) { return (b - a).ns < kShortDayNs; };
    const bool are_days = labels.size() > 1 && std::ranges::adjacent_find(labels, is_near) == labels.end();
    constexpr std::size_t kEnough = 3;
    return (falls && labels.size() >= kEnough) || (has_zone && is_utc && are_days);
}

// ---- yfinance's several header lines ----------------------------------------------------------------------------------

/// The columns of a table whose first two lines name instruments and prices. Null where it is none.
Result<std::optional<Layout>> recognise_wide(const std::vector<std::string_view>& lines, const std::string& file,
                                             const ForeignOptions& options) {
    if (lines.size() < 3) {
        return std::nullopt;
    }
    std::array<Fields, 3> rows;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!rows[i].split(lines[i], ',')) {
            return std::nullopt;
        }
    }
    const std::string corner = lower_case(rows[0][0]);
    const std::string second = lower_case(rows[1][0]);
    const std::string third = lower_case(rows[2][0]);
    const bool is_wide = rows[0].size() == rows[1].size() && rows[0].size() > 1 &&
                         (corner == "price" || corner == "ticker" || corner.empty()) &&
                         (second == "price" || second == "ticker" || second.empty()) &&
                         (third == "date" || third == "datetime");
    if (!is_wide) {
        return std::nullopt;
    }
    constexpr std::array<std::string_view, 5> kPrices{"open", "high", "low", "close", "volume"};
    const auto is_price = [&](std::string_view name) {
        return std::ranges::find(kPrices, lower_case(name)) != kPrices.end();
    };
    const bool by_ticker = !is_price(rows[0][1]) && lower_case(rows[0][1]) != "adj close";
    const Fields& tickers = rows[by_ticker ? 0 : 1];
    const Fields& prices = rows[by_ticker ? 1 : 0];
    std::array<std::string, 5> wanted{"open", "high", "low", "close", "volume"};
    for (const auto& [meant, column] : options.columns) {
        const auto at = std::ranges::find(kPrices, meant);
        if (at == kPrices.end()) {
            return fail(
                ErrorKind::usage,
                fmt::format("{}: map: {} cannot be chosen in this table; write one of open, high, low, close, volume",
                            file, in_quotes(meant)));
        }
        wanted[static_cast<std::size_t>(at - kPrices.begin())] = lower_case(column);
    }
    Layout layout;
    layout.field_of.fill(kAbsent);
    layout.name = "yfinance";
    layout.header_lines = rows.size();
    layout.fields = rows[0].size();
    layout.put(Role::time, 0);
    layout.naming = Naming::column;
    for (std::size_t f = 1; f < tickers.size(); ++f) {
        const auto field = std::ranges::find(wanted, lower_case(prices[f]));
        const std::string symbol = name_of_yahoo(tickers[f]);
        auto group = std::ranges::find(layout.groups, symbol, &Group::symbol);
        if (group == layout.groups.end()) {
            layout.groups.push_back({symbol, {}});
            layout.groups.back().field.fill(kAbsent);
            group = std::prev(layout.groups.end());
        }
        if (field != wanted.end()) {
            group->field[static_cast<std::size_t>(field - wanted.begin())] = f;
        }
        constexpr std::size_t kClose = 3;
        if (wanted[kClose].starts_with("adj") && lower_case(prices[f]) == "close") {
            group->unadjusted = f;
        }
    }
    for (const Group& group : layout.groups) {
        for (std::size_t p = 0; p < 4; ++p) {
            if (group.field[p] == kAbsent) {
                return tl::unexpected(
                    refusal_at(file, 1,
                               fmt::format("{} has no column {}; download it again with all prices, or name another, "
                                           "as in map: {{{}: Adj Close}} (--map \"{}=Adj Close\")",
                                           in_quotes(group.symbol), wanted[p], kPrices[p], kPrices[p])));
            }
        }
    }
    return layout;
}

// ---- tables without a header, and JSON --------------------------------------------------------------------------------

bool is_number(std::string_view text) {
    Number number;
    return read_number(text, {}, number) == nullptr;
}

std::optional<Layout> recognise_headless(std::string_view line) {
    const char separator = separator_of(line);
    Fields fields;
    if (separator == '\0' || !fields.split(line, separator)) {
        return std::nullopt;
    }
    Layout layout;
    layout.field_of.fill(kAbsent);
    layout.separator = separator;
    layout.fields = fields.size();
    const auto numbers = [&fields](std::size_t from, std::size_t to) {
        bool good = fields.size() >= to;
        for (std::size_t f = from; good && f < to; ++f) {
            good = is_number(fields[f]);
        }
        return good;
    };
    const auto put_prices = [&layout](std::size_t from) {
        for (const Role role : {Role::open, Role::high, Role::low, Role::close, Role::volume}) {
            layout.put(role, from++);
        }
    };
    constexpr std::size_t kBinanceFields = 12;
    constexpr std::size_t kMetaFields = 7;
    if (fields.size() == kBinanceFields && fields[0].size() >= 13 && numbers(0, 7)) {
        layout.name = "Binance";
        layout.put(Role::time, 0);
        put_prices(1);
        return layout;
    }
    const bool is_meta_date = fields[0].size() == 10 && fields[0][4] == '.' && fields[0][7] == '.';
    if (fields.size() == kMetaFields && is_meta_date && fields[1].find(':') != std::string_view::npos &&
        numbers(2, kMetaFields)) {
        layout.name = "MetaTrader 4";
        layout.put(Role::time, 0);
        layout.put(Role::clock, 1);
        put_prices(2);
        return layout;
    }
    return std::nullopt;
}

Layout kite_candles() {
    Layout layout;
    layout.field_of.fill(kAbsent);
    layout.name = "Kite candles";
    layout.is_json = true;
    std::size_t field = 0;
    for (const Role role : {Role::time, Role::open, Role::high, Role::low, Role::close, Role::volume}) {
        layout.put(role, field++);
    }
    return layout;
}

}  // namespace

std::string name_of_yahoo(std::string_view ticker) {
    for (const auto& [suffix, exchange] :
         {std::pair<std::string_view, std::string_view>{".NS", "NSE:"}, {".BO", "BSE:"}}) {
        if (ticker.ends_with(suffix) && ticker.size() > suffix.size() && ticker.find(':') == std::string_view::npos) {
            return std::string(exchange).append(ticker.substr(0, ticker.size() - suffix.size()));
        }
    }
    return std::string(ticker);
}

Error refusal_at(const std::string& name, std::uint64_t line, std::string_view what) {
    return {ErrorKind::data, fmt::format("{}:{}: {}", name, line, what), ErrorCode::bad_record, {name, line, 0}};
}

bool Fields::split(std::string_view line, char separator) {
    fields_.clear();
    unquoted_.clear();
    unquoted_.reserve(line.size());  // no field grows by unquoting, so views into it stay valid
    std::size_t at = 0;
    while (true) {
        std::size_t first = at;
        while (first < line.size() && line[first] == ' ') {
            ++first;
        }
        if (first < line.size() && line[first] == '"') {
            const std::size_t from = unquoted_.size();
            at = first + 1;
            while (at < line.size() && (line[at] != '"' || (at + 1 < line.size() && line[at + 1] == '"'))) {
                unquoted_ += line[at];
                at += line[at] == '"' ? 2U : 1U;
            }
            if (at == line.size()) {
                return false;
            }
            ++at;
            fields_.push_back(trimmed(std::string_view(unquoted_).substr(from)));
            while (at < line.size() && line[at] == ' ' && separator != ' ') {
                ++at;
            }
        } else {
            const std::size_t end = std::min(line.find(separator, at), line.size());
            fields_.push_back(trimmed(line.substr(at, end - at)));
            at = end;
        }
        if (at == line.size()) {
            return true;
        }
        if (line[at] != separator) {
            return false;
        }
        ++at;
    }
}

std::vector<std::string_view> Head::lines() const {
    std::vector<std::string_view> lines;
    const char ending = has_lone_cr ? '\r' : '\n';
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t end = text.find(ending, from);
        if (end == std::string::npos) {
            if (is_whole) {
                lines.push_back(std::string_view(text).substr(from));
            }
            break;
        }
        std::string_view line = std::string_view(text).substr(from, end - from);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        lines.push_back(line);
        from = end + 1;
    }
    return lines;
}

Result<std::optional<Layout>> recognise(const Head& head, const std::string& name, const ForeignOptions& options,
                                        bool has_zone, bool is_one_of_many) {
    if (const std::string_view why = no_market_data(head.text); !why.empty()) {
        return tl::unexpected(refusal_at(name, 1, why));
    }
    const std::size_t first = head.text.find_first_not_of(" \t\r\n");
    if (first != std::string::npos && (head.text[first] == '{' || head.text[first] == '[')) {
        return kite_candles();
    }
    const std::vector<std::string_view> lines = head.lines();
    if (lines.empty() || lines[0].empty()) {
        return std::nullopt;
    }
    if (auto wide = recognise_wide(lines, name, options); !wide || *wide) {
        return wide;
    }
    if (auto headless = recognise_headless(lines[0])) {
        return headless;
    }
    if (is_like_lean(lines[0])) {
        return tl::unexpected(refusal_at(name, 1,
                                         "looks like a row of QuantConnect's LEAN, whose folders say of what day and "
                                         "instrument it is and how its prices are written; name the zip archive in "
                                         "them, as in equity/usa/minute/aapl/20131007_trade.zip"));
    }
    Layout layout;
    layout.field_of.fill(kAbsent);
    layout.separator = separator_of(lines[0]);
    layout.header_lines = 1;
    Fields fields;
    if (layout.separator == '\0' || !fields.split(lines[0], layout.separator)) {
        return std::nullopt;
    }
    std::vector<std::string> names;
    names.reserve(fields.size());
    for (std::size_t f = 0; f < fields.size(); ++f) {
        names.push_back(plain_name(fields[f]));
    }
    if (const std::string_view why = no_market_data(names); !why.empty()) {
        return tl::unexpected(refusal_at(name, 1, why));
    }
    layout.fields =
        names.back().empty() ? 0 : names.size();  // a comma behind the last name, and perhaps not behind the rows
    const Header header(name, names);
    bool of_quotes = false;
    const bool is_own = has_own_header(fields, layout.separator, of_quotes);
    if (is_own && of_quotes && options.resample.ns == 0) {
        return std::nullopt;
    }
    if (auto filled = header.fill(layout); !filled) {
        return is_own ? Result<std::optional<Layout>>(std::nullopt) : tl::unexpected(filled.error());
    }
    name_table(layout, header, lines[0]);
    if (auto mapped = header.map(layout, options); !mapped) {
        return tl::unexpected(mapped.error());
    }
    if (layout.naming == Naming::file && layout.has(Role::symbol)) {
        layout.naming = header.put_contract(layout) ? Naming::contract : Naming::column;
    }
    const bool has_range = layout.has(Role::open) && layout.has(Role::high) && layout.has(Role::low);
    if (has_range && !layout.has(Role::close) && layout.has(Role::price)) {
        layout.put(Role::close, layout.of(Role::price));
    }
    const bool is_bars = has_range && layout.has(Role::close);
    const bool is_quotes = layout.has(Role::bid) && layout.has(Role::ask);
    layout.content = is_bars ? Content::bars : is_quotes ? Content::quotes : Content::trades;
    if (!layout.has(Role::time) || (!is_bars && !is_quotes && !layout.has(Role::price))) {
        return std::nullopt;
    }
    const bool stays = is_own && !is_one_of_many && !head.has_lone_cr && !options.changes_content() &&
                       layout.name == "plain table" &&
                       (!layout.has(Role::symbol) || header.find("instrument") == layout.of(Role::symbol)) &&
                       header.find("volume") == layout.of(Role::volume) && !layout.has(Role::clock) &&
                       !has_foreign_rows(head, layout, has_zone);
    return stays ? Result<std::optional<Layout>>(std::nullopt) : std::optional<Layout>(std::move(layout));
}

}  // namespace alpha::foreign
