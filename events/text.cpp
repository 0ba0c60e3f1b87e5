#include "events/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>

namespace alpha {

const char* name_of(Side side) {
    return side == Side::buy ? "buy" : "sell";
}

const char* name_of(OrderType type) {
    switch (type) {
    case OrderType::market: return "market";
    case OrderType::limit: return "limit";
    case OrderType::stop: return "stop";
    case OrderType::stop_limit: return "stop_limit";
    }
    return "?";
}

const char* name_of(TimeInForce tif) {
    switch (tif) {
    case TimeInForce::day: return "day";
    case TimeInForce::gtc: return "gtc";
    case TimeInForce::ioc: return "ioc";
    }
    return "?";
}

const char* name_of(Product product) {
    switch (product) {
    case Product::none: return "none";
    case Product::cnc: return "cnc";
    case Product::mis: return "mis";
    case Product::nrml: return "nrml";
    case Product::mtf: return "mtf";
    }
    return "?";
}

const char* name_of(MarginKind kind) {
    switch (kind) {
    case MarginKind::share: return "share";
    case MarginKind::future: return "future";
    case MarginKind::option: return "option";
    }
    return "?";
}

const char* name_of(InstrumentKind kind) {
    switch (kind) {
    case InstrumentKind::share: return "share";
    case InstrumentKind::index: return "index";
    case InstrumentKind::future: return "future";
    case InstrumentKind::call: return "call";
    case InstrumentKind::put: return "put";
    case InstrumentKind::other: return "other";
    }
    return "?";
}

const char* name_of(SettlementKind kind) {
    switch (kind) {
    case SettlementKind::daily: return "daily";
    case SettlementKind::cash: return "cash";
    case SettlementKind::exercised: return "exercised";
    case SettlementKind::worthless: return "worthless";
    case SettlementKind::delivered: return "delivered";
    case SettlementKind::shares: return "shares";
    }
    return "?";
}

const char* name_of(ActionKind kind) {
    switch (kind) {
    case ActionKind::split: return "split";
    case ActionKind::dividend: return "dividend";
    case ActionKind::merger: return "merger";
    case ActionKind::demerger: return "demerger";
    }
    return "?";
}

const char* name_of(Direction direction) {
    switch (direction) {
    case Direction::flat: return "flat";
    case Direction::lengthen: return "long";
    case Direction::shorten: return "short";
    }
    return "?";
}

const char* name_of(Rule rule) {
    switch (rule) {
#define ALPHA_NAME(NAME, NUMBER)                                                                                       \
    case Rule::NAME: return #NAME;
        ALPHA_RULES(ALPHA_NAME)
#undef ALPHA_NAME
    }
    return "?";
}

const char* name_of(LatchScope scope) {
    switch (scope) {
    case LatchScope::none: return "none";
    case LatchScope::entries: return "entries";
    case LatchScope::flatten: return "flatten";
    case LatchScope::all: return "all";
    }
    return "?";
}

const char* name_of(LatchEnd end) {
    switch (end) {
    case LatchEnd::trading_day: return "trading_day";
    case LatchEnd::released: return "released";
    }
    return "?";
}

const char* name_of(ReportKind kind) {
    switch (kind) {
    case ReportKind::accepted: return "accepted";
    case ReportKind::rejected: return "rejected";
    case ReportKind::triggered: return "triggered";
    case ReportKind::filled: return "filled";
    case ReportKind::cancelled: return "cancelled";
    case ReportKind::expired: return "expired";
    case ReportKind::modified: return "modified";
    case ReportKind::cancel_rejected: return "cancel_rejected";
    case ReportKind::modify_rejected: return "modify_rejected";
    }
    return "?";
}

// ---- names -----------------------------------------------------------------------------------------------------------------

namespace {

std::string name_at(const std::vector<std::string>& names, std::uint32_t id) {
    return id < names.size() ? names[id] : fmt::format("#{}", id);
}

}  // namespace

void Names::learn(const Event& event) {
    if (const auto* config = std::get_if<RunConfigured>(&event)) {
        *this = Names{};
        for (const auto& instrument : config->instruments) {
            instruments_.push_back(instrument.name);
        }
        for (const auto& portfolio : config->portfolios) {
            portfolios_.push_back(portfolio.name);
        }
        for (const auto& strategy : config->strategies) {
            strategies_.push_back(strategy.name);
        }
        for (const auto& broker : config->brokers) {
            brokers_.push_back(broker.name);
        }
    } else if (const auto* listed = std::get_if<InstrumentListed>(&event)) {
        if (listed->instrument.value == instruments_.size()) {
            instruments_.push_back(listed->definition.name);
        }
    } else if (const auto* changed = std::get_if<InstrumentChanged>(&event)) {
        if (changed->instrument.value < instruments_.size()) {
            instruments_[changed->instrument.value] = changed->definition.name;
        }
    }
}

std::string Names::instrument(InstrumentId id) const {
    return name_at(instruments_, id.value);
}
std::string Names::portfolio(PortfolioId id) const {
    return name_at(portfolios_, id.value);
}
std::string Names::strategy(StrategyId id) const {
    return id == kOperator ? "operator" : name_at(strategies_, id.value);
}
std::string Names::broker(BrokerId id) const {
    return name_at(brokers_, id.value);
}

const char* type_name(const Event& event) {
    return std::visit([](const auto& e) { return std::remove_cvref_t<decltype(e)>::name_v; }, event);
}

const std::vector<const char*>& all_type_names() {
    static const std::vector<const char*> names{
#define ALPHA_NAME(E) E::name_v,
        ALPHA_EVENTS(ALPHA_NAME)
#undef ALPHA_NAME
    };
    return names;
}

// ---- JSON strings ---------------------------------------------------------------------------------------------------------

namespace {

/// Length of the valid UTF-8 sequence at the front, or 0.
std::size_t utf8_length(std::string_view s) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const auto continues = [&](std::size_t i) { return i < s.size() && (byte(i) & 0xC0U) == 0x80U; };
    const unsigned char c = byte(0);
    if (c < 0x80U) {
        return 1;
    }
    if (c >= 0xC2U && c <= 0xDFU) {
        return continues(1) ? 2 : 0;
    }
    if (c >= 0xE0U && c <= 0xEFU) {
        const bool ok =
            continues(1) && continues(2) && !(c == 0xE0U && byte(1) < 0xA0U) && !(c == 0xEDU && byte(1) > 0x9FU);
        return ok ? 3 : 0;
    }
    if (c >= 0xF0U && c <= 0xF4U) {
        const bool ok = continues(1) && continues(2) && continues(3) && !(c == 0xF0U && byte(1) < 0x90U) &&
                        !(c == 0xF4U && byte(1) > 0x8FU);
        return ok ? 4 : 0;
    }
    return 0;
}

/// Whether the code point at the front is one that terminals obey: C0, DEL, and C1 in its two bytes of UTF-8.
bool is_control(std::string_view text) {
    const auto c = static_cast<unsigned char>(text.front());
    return c < 0x20U || c == 0x7FU ||
           (c == 0xC2U && utf8_length(text) == 2 && static_cast<unsigned char>(text[1]) < 0xA0U);
}

/// The code point of a valid sequence of `n` bytes.
std::uint32_t code_point(std::string_view text, std::size_t n) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
    switch (n) {
    case 2: return (byte(0) & 0x1FU) << 6U | (byte(1) & 0x3FU);
    case 3: return (byte(0) & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
    case 4: return (byte(0) & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U | (byte(2) & 0x3FU) << 6U | (byte(3) & 0x3FU);
    default: return byte(0);
    }
}

/// First and last of those that Unicode calls format characters, fillers or line separators.
struct Unseen {
    std::uint32_t first;
    std::uint32_t last;
};
constexpr std::array kUnseen{Unseen{0x00AD, 0x00AD},   Unseen{0x034F, 0x034F},  Unseen{0x061C, 0x061C},
                             Unseen{0x115F, 0x1160},   Unseen{0x17B4, 0x17B5},  Unseen{0x180B, 0x180F},
                             Unseen{0x200B, 0x200F},   Unseen{0x2028, 0x202E},  Unseen{0x2060, 0x206F},
                             Unseen{0x2800, 0x2800},   Unseen{0x3164, 0x3164},  Unseen{0xFEFF, 0xFEFF},
                             Unseen{0xFFA0, 0xFFA0},   Unseen{0xFFF9, 0xFFFB},  Unseen{0x1BCA0, 0x1BCA3},
                             Unseen{0x1D173, 0x1D17A}, Unseen{0xE0000, 0xE0FFF}};

/// Whether the valid sequence of `n` bytes at the front shows nothing.
bool is_unseen(std::string_view text, std::size_t n) {
    if (n < 2) [[likely]] {
        return false;
    }
    const std::uint32_t code = code_point(text, n);
    return std::ranges::any_of(kUnseen,
                               [code](const Unseen& range) { return range.first <= code && code <= range.last; });
}

/// "\u202e"; two of them, as UTF-16 has it, above U+FFFF.
void append_escape(std::string& out, std::uint32_t code) {
    constexpr std::uint32_t kOnePlane = 0x10000;
    if (code < kOnePlane) {
        out += fmt::format("\\u{:04x}", code);
        return;
    }
    code -= kOnePlane;
    out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800U + (code >> 10U), 0xDC00U + (code & 0x3FFU));
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const char c = text.front();
        std::size_t n = utf8_length(text);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (is_control(text)) {
            // Below U+0100 the last byte is the code point's low byte: C1 begins at C2 80, which is U+0080.
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(text[n - 1])));
        } else if (n == 0) {
            out += "\\ufffd";
            n = 1;
        } else if (is_unseen(text, n)) {
            append_escape(out, code_point(text, n));
        } else {
            out.append(text.substr(0, n));
        }
        text.remove_prefix(n);
    }
    out += '"';
}

/// Whether a line of text can hold it as it is: no spaces, nothing a terminal would obey or a reader take for syntax.
bool is_plain(std::string_view text) {
    bool plain = !text.empty();
    while (plain && !text.empty()) {
        const char c = text.front();
        const std::size_t n = utf8_length(text);
        plain = n > 0 && !is_control(text) && !is_unseen(text, n) && c != ' ' && c != '"' && c != '\\' && c != '=';
        text.remove_prefix(plain ? n : 0);
    }
    return plain;
}

// ---- fields to text ----------------------------------------------------------------------------------------------------------

/// Dates that can be absent: the day a DAY order ends with, that of an expiry or settlement. Any other may well be 1970-01-01. Orders count from 1.
template <class T>
bool says_nothing(std::string_view name, const T& v) {
    if constexpr (std::is_same_v<T, Date>) {
        return v.days == 0 && (name == "good_until" || name == "expiry" || name == "settles");
    } else if constexpr (std::is_same_v<T, OrderId>) {
        return v.value == 0 && (name == "parent" || name == "group");
    } else {
        return false;
    }
}

/// Writes values as JSON; the text form uses it for lists and nested objects, and prints the rest bare.
class JsonWriter {
public:
    JsonWriter(std::string& out, const Names& names) : out_(out), names_(names) {}

    template <class... Ts>
    void operator()(Named<Ts>... fields) {
        (field(fields.name, fields.value), ...);
    }
    void key(const char* name) {
        if (out_.back() != '{') {
            out_ += ',';
        }
        append_json_string(out_, name);
        out_ += ':';
    }
    template <class T>
    void field(const char* name, T& v) {
        key(name);
        if (says_nothing(name, v)) {
            out_ += "null";
        } else {
            value(v);
        }
    }

    void value(const std::string& v) { append_json_string(out_, v); }
    void value(Price v) { quoted(v.raw); }
    void value(Qty v) { quoted(v.raw); }
    void value(Volume v) { quoted(v.scaled()); }
    void value(Money v) { quoted(v.raw); }
    void value(Decimal v) { quoted(v.raw); }
    void value(Time v) { out_ += fmt::format("\"{}\"", v.ns); }
    void value(Duration v) { out_ += fmt::format("\"{}\"", v.ns); }
    void value(Date v) { out_ += '"' + to_iso(v) + '"'; }
    void value(InstrumentId v) { value(names_.instrument(v)); }
    void value(PortfolioId v) { value(names_.portfolio(v)); }
    void value(StrategyId v) { value(names_.strategy(v)); }
    void value(BrokerId v) { value(names_.broker(v)); }
    void value(OrderId v) { out_ += fmt::format("{}", v.value); }
    void value(TimerId v) { out_ += fmt::format("{}", v.value); }
    template <class T>
        requires std::is_enum_v<T>
    void value(T v) {
        append_json_string(out_, name_of(v));
    }
    template <std::integral T>
    void value(T v) {
        out_ += fmt::format("{}", v);
    }
    template <class T>
    void value(std::optional<T>& v) {
        if (v) {
            value(*v);
        } else {
            out_ += "null";
        }
    }
    template <class T>
    void value(std::vector<T>& list) {
        out_ += '[';
        for (std::size_t i = 0; i < list.size(); ++i) {
            out_ += i == 0 ? "" : ",";
            value(list[i]);
        }
        out_ += ']';
    }
    template <class T>
        requires requires(T& t, JsonWriter& w) { t.serialize(w); }
    void value(T& object) {
        out_ += '{';
        object.serialize(*this);
        out_ += '}';
    }

private:
    void quoted(Int128 raw) {
        out_ += '"';
        append_decimal(out_, raw);
        out_ += '"';
    }
    std::string& out_;
    const Names& names_;
};

class TextWriter {
public:
    TextWriter(std::string& out, const Names& names) : out_(out), json_(out, names), names_(names) {}

    template <class... Ts>
    void operator()(Named<Ts>... fields) {
        (field(fields.name, fields.value), ...);
    }
    template <class T>
    void field(const char* name, T& v) {
        if (unused(name, v)) {
            return;
        }
        out_ += fmt::format(" {}=", name);
        value(v);
    }

private:
    /// Prices that the order's type does not use, dates and links that it has not, texts that say nothing.
    template <class T>
    static bool unused(std::string_view name, const T& v) {
        if constexpr (std::is_same_v<T, Price>) {
            return v.raw == 0 && (name == "limit_price" || name == "stop_price" || name == "valued_at");
        } else if constexpr (std::is_same_v<T, bool>) {
            return !v && (name == "reduce_only" || name == "held");
        } else if constexpr (std::is_same_v<T, Product>) {
            return v == Product::none;
        } else if constexpr (std::is_same_v<T, std::vector<markets::ChargeAmount>> || std::is_same_v<T, std::string>) {
            return v.empty();
        } else if constexpr (std::is_same_v<T, std::uint8_t>) {
            return v == 0 && name == "legs";
        } else {
            return says_nothing(name, v);
        }
    }
    void bare(const std::string& v) {
        if (!is_plain(v)) {
            json_.value(v);
        } else {
            out_ += v;
        }
    }
    void value(const std::string& v) { bare(v); }
    void value(Price v) { append_decimal(out_, v.raw); }
    void value(Qty v) { append_decimal(out_, v.raw); }
    void value(Volume v) { append_decimal(out_, v.scaled()); }
    void value(Money v) { append_decimal(out_, v.raw); }
    void value(Decimal v) { append_decimal(out_, v.raw); }
    void value(Time v) { out_ += to_iso(v); }
    void value(Duration v) { out_ += to_string(v); }
    void value(Date v) { out_ += to_iso(v); }
    void value(InstrumentId v) { bare(names_.instrument(v)); }
    void value(PortfolioId v) { bare(names_.portfolio(v)); }
    void value(StrategyId v) { bare(names_.strategy(v)); }
    void value(BrokerId v) { bare(names_.broker(v)); }
    /// In outline: whole tables are for JSON.
    void value(markets::MarketRules& v) {
        out_ += fmt::format("{{{}", name_of(v.unknown_days));
        for (const markets::CalendarRules& each : v.calendars) {
            out_ += fmt::format(", calendar {} of {} and {} rows", each.table.name, each.table.sessions.size(),
                                each.table.days.size());
        }
        if (!v.charges.rows.empty()) {
            out_ += fmt::format(", charges {} of {} rows", v.charges.name, v.charges.rows.size());
        }
        out_ += '}';
    }
    void value(MarginRules& v) { out_ += fmt::format("{{margins {} of {} rows}}", v.name, v.rows.size()); }
    void value(ProductRules& v) { out_ += fmt::format("{{products {} of {} rows}}", v.name, v.rows.size()); }
    template <class T>
        requires std::is_enum_v<T>
    void value(T v) {
        out_ += name_of(v);
    }
    template <class T>
        requires(!std::is_enum_v<T> && !std::is_same_v<T, std::string>)
    void value(T& v) {
        json_.value(v);
    }

    std::string& out_;
    JsonWriter json_;
    const Names& names_;
};

}  // namespace

std::size_t printable_length(std::string_view text) {
    return is_control(text) ? 0 : utf8_length(text);
}

bool is_printable(std::string_view text) {
    while (!text.empty()) {
        const std::size_t n = printable_length(text);
        if (n == 0) {
            return false;
        }
        text.remove_prefix(n);
    }
    return true;
}

std::string printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t n = printable_length(text);
        out += n == 0 ? std::string_view("?") : text.substr(0, n);
        text.remove_prefix(std::max<std::size_t>(n, 1));
    }
    return out;
}

std::string bounded(std::string_view text, std::size_t most) {
    const std::string whole = printable(text);
    std::size_t bytes = 0;
    for (std::string_view rest = whole; !rest.empty();) {
        const std::size_t n = printable_length(rest);
        if (bytes + n > most) {
            break;
        }
        bytes += n;
        rest.remove_prefix(n);
    }
    return whole.substr(0, bytes);
}

std::string revealed(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t n = utf8_length(text);
        if (is_unseen(text, n)) {
            append_escape(out, code_point(text, n));
        } else {
            out.append(text.substr(0, std::max<std::size_t>(n, 1)));
        }
        text.remove_prefix(std::max<std::size_t>(n, 1));
    }
    return out;
}

std::string json_string(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

namespace {

/// How much money an order lacked that was refused for want of it; nothing of any other event.
std::optional<Decimal> shortfall_of(const Event& event) {
    return std::visit(
        [](const auto& e) -> std::optional<Decimal> {
            if constexpr (requires { e.rule, e.limit, e.observed; }) {
                if (e.rule == Rule::margin) {
                    return e.observed - e.limit;
                }
            }
            return std::nullopt;
        },
        event);
}

}  // namespace

std::string to_text(const Envelope& envelope, const Event& event, const Names& names) {
    std::string out = fmt::format("{} {} {}", envelope.seq, to_iso(envelope.time), type_name(event));
    TextWriter writer(out, names);
    // serialize is one function for reading and writing; the writers only read.
    std::visit([&](const auto& e) { const_cast<std::remove_cvref_t<decltype(e)>&>(e).serialize(writer); }, event);
    if (const std::optional<Decimal> shortfall = shortfall_of(event); shortfall) {
        out += " short=" + to_string(*shortfall);
    }
    if (!envelope.is_root()) {
        out += fmt::format(" cause={} root={}", envelope.causation, envelope.correlation);
    }
    return out;
}

std::string to_json(const Envelope& envelope, const Event& event, const Names& names) {
    std::string out =
        fmt::format("{{\"seq\":{},\"ts_ns\":\"{}\",\"type\":\"{}\"", envelope.seq, envelope.time.ns, type_name(event));
    JsonWriter writer(out, names);
    if (!envelope.is_root()) {
        out += fmt::format(",\"cause\":{},\"root\":{}", envelope.causation, envelope.correlation);
    }
    std::visit([&](const auto& e) { const_cast<std::remove_cvref_t<decltype(e)>&>(e).serialize(writer); }, event);
    if (const std::optional<Decimal> shortfall = shortfall_of(event); shortfall) {
        out += ",\"short\":\"" + to_string(*shortfall) + '"';
    }
    return out + '}';
}

bool cut_csv_row(std::string_view line, std::vector<std::string>& cells) {
    cells.clear();
    std::size_t at = 0;
    while (true) {
        std::string cell;
        if (at < line.size() && line[at] == '"') {
            for (++at; at < line.size() && (line[at] != '"' || line.substr(at, 2) == "\"\""); ++at) {
                cell += line[at];
                if (line[at] == '"') {  // a doubled one is one
                    ++at;
                }
            }
            if (at == line.size()) {
                return false;
            }
            ++at;
            if (at < line.size() && line[at] != ',') {
                return false;
            }
        } else {
            const std::size_t end = std::min(line.find(',', at), line.size());
            cell = line.substr(at, end - at);
            at = end;
        }
        cells.push_back(std::move(cell));
        if (at == line.size()) {
            return true;
        }
        ++at;
    }
}

}  // namespace alpha
