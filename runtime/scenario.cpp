#include "runtime/scenario.hpp"

#include "adapters/data/stream.hpp"
#include "adapters/paper/paper_broker.hpp"
#include "events/limits.hpp"
#include "events/text.hpp"
#include "store/data_set.hpp"
#include "strategies/catalog.hpp"

#include <algorithm>
#include <array>
#include <compare>
#include <filesystem>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <utility>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace alpha {

namespace {

// ---- bounds of the file itself: a hostile one costs a second at most ------------------------------

constexpr std::size_t kMaxFileBytes = 1U << 20U;
constexpr std::size_t kMaxDepth = 16;  // the deepest key lies four levels down
constexpr std::size_t kMaxReported = 100;
constexpr std::size_t kMaxQuotedBytes = 48;

// ---- every key: what is written there, what it is when it is not, and what it means ---------------
// Validation, defaults and docs/reference-scenario.md all come from these tables.

enum class Form : std::uint8_t {
    name,      ///< 1 to limits::kMaxNameBytes printable bytes
    choice,    ///< one of Key::choices
    decimal,   ///< exact, at most eight places
    count,     ///< whole
    duration,  ///< bounds in seconds
    flag,
    date,
    hours,
    currency,
    file,
    stream,
    files,  ///< paths
    names,
    text,      ///< of a strategy's own making
    interval,  ///< of bars, or "only"
    map,
    list,
    map_or_word
};

struct Key {
    std::string_view name;
    Form form = Form::name;
    /// What holds where the key is absent: a value as one would write it, kRequired, or, in
    /// parentheses, words for what the code makes of its absence.
    std::string_view fallback;
    Money min;  ///< bounds are inclusive
    Money max;
    std::string_view choices;  ///< separated by '|'
    std::string_view help;
};

constexpr std::string_view kRequired = "required";
constexpr std::string_view kNoLimit = "(no limit)";
constexpr std::string_view kAsDefault = "(that of default_instrument)";
constexpr std::int64_t kDaySeconds = kDayNs / kSecondNs;
constexpr Money kAboveZero{1};
constexpr Money kMaxPriceBound{limits::kMaxPrice.raw};
constexpr Money kMaxQtyBound{limits::kMaxQty.raw};

constexpr Money seconds_of(Duration duration) {
    return {static_cast<Int128>(duration.ns) / (kSecondNs / kScale)};
}

constexpr Key plain(std::string_view name, Form form, std::string_view fallback, std::string_view help) {
    return {name, form, fallback, {}, {}, {}, help};
}
constexpr Key choice(std::string_view name, std::string_view fallback, std::string_view choices,
                     std::string_view help) {
    return {name, Form::choice, fallback, {}, {}, choices, help};
}
constexpr Key number(std::string_view name, Form form, std::string_view fallback, Money min, Money max,
                     std::string_view help) {
    return {name, form, fallback, min, max, {}, help};
}

struct Section {
    std::string_view path;  ///< as it leads in messages; NAME stands for a name of the user's
    std::string_view example;
    std::string_view help;
    std::span<const Key> keys;
};

constexpr std::array kRootKeys{
    plain("name", Form::name, kRequired, "What the run is called, in its log and its reports."),
    plain("account", Form::map, kRequired, "The account's currency and cash."),
    plain("data", Form::list, kRequired,
          "Where the market comes from. Several entries are merged by time; at the same time, "
          "earlier entries go first."),
    plain("instruments", Form::map, "(all as default_instrument)", "Tick, lot and session by instrument name."),
    plain("default_instrument", Form::map, "(tick 0.01, lot 1, session utc)",
          "Tick, lot and session wherever `instruments` is silent."),
    plain("portfolios", Form::map, "(one named main, holding the account's cash)",
          "Books that are kept and limited apart, by name."),
    plain("plugins", Form::files, "(none)",
          "Libraries with strategies of your own ([tutorial](tutorial-plugin.md)). Relative to the scenario's folder."),
    plain("strategies", Form::list, "(none: nothing trades)",
          "Who trades. Their order is the order in which they see each event."),
    plain("broker", Form::map, "(one named paper, of kind paper)",
          "Brokers by name; one named after its kind needs no `kind`."),
    plain(
        "brokers", Form::map, "(as `broker` says)",
        "Several brokers beside each other on one feed, by name, each with its kind and settings. Every portfolio then "
        "names the one it belongs to. In place of `broker`."),
    plain("charges", Form::map_or_word, "none", "What each fill costs: none, or a map of per_fill and rate."),
    plain("risk", Form::map, "(no limits)", "Rules that every order must pass; each portfolio is judged by itself."),
    number("snapshot_interval", Form::duration, "none", money_of(1), money_of(31 * kDaySeconds),
           "How often the log records profit and loss, in event time."),
    plain("notify", Form::text, "(none)",
          "`alpha live`: a command for /bin/sh, run when a kill switch latches, a strategy is halted or a feed is "
          "lost; what "
          "happened stands in its environment as ALPHA_NOTIFY."),
};
constexpr std::array kAccountKeys{
    plain("currency", Form::currency, kRequired, "The one currency of all prices and cash."),
    number("cash", Form::decimal, "(the sum of the portfolios' cash)", kAboveZero, limits::kMaxCash,
           "What the account begins with. Required unless portfolios are given; what they leave "
           "unused is not traded."),
    plain(
        "leverage", Form::text, "1",
        "How many times its equity a portfolio may hold and order, a number from 0.01 to 1000 (rule buying_power); or "
        "`none`: cash is no limit."),
};
constexpr std::array kDataKeys{
    plain("file", Form::file, "(synthetic data)",
          "A CSV, plain or compressed as .gz or .zst, or a data set made by `alpha data import`. "
          "Relative to the scenario's folder."),
    plain("stream", Form::stream, "(a file)",
          "A sender of CSV lines in place of a file: `stdin`, `unix:PATH` or `tcp:127.0.0.1:PORT`. A sender begins at "
          "line 1 "
          "whenever it connects; what was taken before is compared and skipped. Sockets are for `alpha live`, and end "
          "with it."),
    number("idle", Form::duration, "(for ever)", {kScale / 1'000}, money_of(kDaySeconds),
           "Streams only: how long, in real time, the other sources' records wait for this one to show its next. Then "
           "they go on without it until it sends again; what comes too late by then is refused "
           "([how](how-to-run-live.md))."),
    choice("kind", "(the data set's own)", "quotes|bars", "Required for a CSV."),
    plain("instrument", Form::name, "(the file's instrument column)",
          "Bars only: whose bars these are, where the CSV has no such column."),
    number("interval", Form::duration, "(the data set's own)", seconds_of(kShortestBar), seconds_of(kLongestBar),
           "Length of a bar; `day` is 1d. Required for a CSV of bars. Bars that all lie farther apart are refused."),
    number("max_gap", Form::duration, "366d", money_of(1), seconds_of(kLongestGap),
           "The longest time from any record to one of this source that comes next. What is farther ahead is refused, "
           "for it has "
           "a slip in its time, and timers would fire all the way there: write more where the data have such a hole."),
    plain("synth", Form::map, "(a file)", "Makes quotes from a seed in place of a file."),
};
constexpr std::array kSynthKeys{
    number("seed", Form::count, "1", {}, {static_cast<Int128>(std::numeric_limits<std::uint64_t>::max()) * kScale},
           "The same seed gives the same market, everywhere and always."),
    number("ticks", Form::count, "100000", money_of(1), money_of(static_cast<std::int64_t>(kMaxSynthTicks)),
           "How many quotes to make, over all instruments."),
    plain("instruments", Form::names, "[NSE:ALPHA, NSE:BETA]", "Whose quotes they are."),
    plain("first_day", Form::date, "2024-01-01", "Day of the first quote; weekends are skipped."),
};
constexpr std::string_view kTickHelp = "Smallest price step of an order; orders off it are refused.";
constexpr std::string_view kLotHelp = "Smallest quantity step of an order.";
constexpr std::string_view kSessionHelp =
    "Daily trading hours in exchange time: nse (09:15-15:30+05:30), utc (the whole UTC day), or "
    "HH:MM-HH:MM with a UTC offset.";
constexpr std::array kDefaultInstrumentKeys{
    number("tick", Form::decimal, "0.01", kAboveZero, kMaxPriceBound, kTickHelp),
    number("lot", Form::decimal, "1", kAboveZero, kMaxQtyBound, kLotHelp),
    plain("session", Form::hours, "utc", kSessionHelp),
};
constexpr std::array kInstrumentKeys{
    number("tick", Form::decimal, kAsDefault, kAboveZero, kMaxPriceBound, kTickHelp),
    number("lot", Form::decimal, kAsDefault, kAboveZero, kMaxQtyBound, kLotHelp),
    plain("session", Form::hours, kAsDefault, kSessionHelp),
};
constexpr std::array kPortfolioKeys{
    number("cash", Form::decimal, kRequired, kAboveZero, limits::kMaxCash,
           "What the portfolio begins with. Together they hold at most the account's cash."),
    plain("broker", Form::name, "(the only one)",
          "The broker it belongs to: all of its strategies' orders go there. Required where `brokers` has several."),
};
constexpr std::array kStrategyKeys{
    plain("id", Form::name, kRequired, "Its name in the log and in reports; unique."),
    plain("use", Form::name, kRequired, "Which strategy: one of those below, or of `plugins`."),
    plain("portfolio", Form::name, "(the only one)", "Whose cash and positions it trades."),
    plain("broker", Form::name, "(its portfolio's)",
          "Where its orders go. A portfolio's strategies all have one broker, so it is shorter to name it there."),
    plain("instruments", Form::names, kRequired, "The only instruments it sees and trades."),
    plain("params", Form::map, "(each parameter's default)", "The strategy's own parameters."),
};
constexpr std::array kBrokerKeys{
    choice("kind", "(the broker's name)", "paper", "Which broker it is."),
    choice("fill", "touch", "touch|next_open",
           "How market orders find their price: at once at the bid or ask (with bars: at the close "
           "just seen), or at the open of the next bar."),
    choice("limit_fill", "reached", "reached|through",
           "When a limit order that rests fills: once the price comes to its limit, or only once it goes beyond, since "
           "others were before us in the queue."),
    plain(
        "slippage", Form::text, "0",
        "Added to the price of every market and stop fill, always against us: a price (`0.05`), ticks (`2 ticks`) or a "
        "part of the price (`0.1%`, rounded up to whole ticks)."),
    number("latency", Form::duration, "0s", {}, money_of(kDaySeconds),
           "Event time an order travels before it reaches the market."),
    plain("use_size", Form::flag, "false",
          "Fill at most the quantity each quote displays, or `volume_share` of what a bar traded; the rest waits for "
          "the next."),
    plain("volume_share", Form::text, "10%",
          "use_size with bars: the part of a bar's volume that all our orders together can be."),
    choice("links", "venue", "venue|kernel",
           "Who links orders: the broker, before each fill; or the kernel, from the broker's reports, as with brokers "
           "that "
           "know no linked orders."),
};
constexpr std::span<const Key> kPaperKeys = std::span<const Key>(kBrokerKeys).subspan(1);  // all but the kind
constexpr std::array kBrokersKeys{
    plain("paper", Form::map, kRequired, "A paper broker, with the settings below."),
};
constexpr std::array kChargesKeys{
    number("per_fill", Form::decimal, "0", {}, money_of(1'000'000), "Currency per fill."),
    number("rate", Form::decimal, "0", {}, {kScale / 10},
           "Fraction of each fill's notional: 0.0003 is 3 basis points."),
};
constexpr std::array kRiskKeys{
    plain("allowed_instruments", Form::names, kNoLimit,
          "Only these may be traded. Each must be named elsewhere in the scenario."),
    plain("session_hours", Form::flag, "false", "Refuse orders outside the instrument's session."),
    number("max_data_age", Form::duration, kNoLimit, {kScale / 1'000}, money_of(31 * kDaySeconds),
           "Refuse orders when the instrument's last price is older than this."),
    number("price_band_percent", Form::decimal, kNoLimit, kAboveZero, money_of(100),
           "How far a limit or stop price may lie from the last price, in per cent."),
    number("max_order_quantity", Form::decimal, kNoLimit, kAboveZero, kMaxQtyBound, "Largest quantity of one order."),
    number("max_order_notional", Form::decimal, kNoLimit, kAboveZero, limits::kMaxCash,
           "Largest price times quantity of one order."),
    plain("allow_short", Form::flag, "true", "Whether positions may fall below zero."),
    number("max_position", Form::decimal, kNoLimit, kAboveZero, kMaxQtyBound,
           "Largest position in one instrument, long or short, open orders included."),
    number("max_gross_exposure", Form::decimal, kNoLimit, kAboveZero, limits::kMaxCash,
           "Largest sum of the absolute values of all positions."),
    number("max_open_orders", Form::count, kNoLimit, money_of(1), money_of(limits::kMaxOpenOrders),
           "How many orders may be open at once."),
    number("max_orders_per_second", Form::count, kNoLimit, money_of(1), money_of(limits::kMaxOrderRate),
           "How many orders may be sent in a second of event time."),
    number(
        "max_daily_loss", Form::decimal, kNoLimit, kAboveZero, limits::kMaxCash,
        "Loss since the day began at which nothing more is opened: entries are cancelled and refused, exits live on."),
    choice("max_daily_loss_latch", "trading_day", "trading_day|until_released",
           "How long that lasts: until the next trading day, or until a person releases it."),
};

constexpr Section kRoot{"", "", "", kRootKeys};
constexpr Section kAccount{"account", "{currency: INR, cash: 1000000}", "", kAccountKeys};
constexpr Section kData{"data", "{file: ticks.csv.zst, kind: quotes}",
                        "A list of entries, each with a `file` or with `synth`.", kDataKeys};
constexpr Section kSynth{"data.synth", "{seed: 7, ticks: 1000000}", "", kSynthKeys};
constexpr Section kDefaultInstrument{"default_instrument", "{tick: 0.05, lot: 1, session: nse}", "",
                                     kDefaultInstrumentKeys};
constexpr Section kInstrument{"instruments.NAME", "{tick: 0.05, lot: 1, session: nse}", "", kInstrumentKeys};
constexpr Section kPortfolio{"portfolios.NAME", "{cash: 500000}", "", kPortfolioKeys};
constexpr Section kStrategy{"strategies",
                            "{id: cross, use: ema_cross, instruments: [IBM], params: {fast: 10, slow: 30}}",
                            "A list of entries.", kStrategyKeys};
constexpr Section kBroker{"broker.NAME", "{fill: touch}", "", kBrokerKeys};
constexpr Section kBrokers{"brokers.NAME", "{paper: {fill: touch}}", "", kBrokersKeys};
constexpr Section kPaper{"brokers.NAME.paper", "{fill: touch}", "", kPaperKeys};
constexpr Section kCharges{"charges", "{per_fill: 20, rate: 0.0003}", "", kChargesKeys};
constexpr Section kRisk{"risk", "{max_order_quantity: 10000}", "", kRiskKeys};
constexpr std::array kSections{&kRoot,       &kAccount,   &kData,     &kSynth,  &kDefaultInstrument,
                               &kInstrument, &kPortfolio, &kStrategy, &kBroker, &kBrokers,
                               &kPaper,      &kCharges,   &kRisk};

/// Top-level maps whose keys are names of the user's.
constexpr std::string_view kPortfoliosExample = "{main: {cash: 1000000}}";
constexpr std::string_view kInstrumentsExample = "{IBM: {tick: 0.01, lot: 1}}";
constexpr std::string_view kBrokerExample = "{paper: {fill: touch}}";
constexpr std::string_view kBrokersExample = "{touch: {paper: {fill: touch}}, slow: {paper: {fill: next_open}}}";

std::vector<std::string_view> choices_of(const Key& key) {
    std::vector<std::string_view> out;
    std::string_view rest = key.choices;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('|'), rest.size());
        out.push_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
}

/// "a, b or c".
std::string one_of(const std::vector<std::string_view>& words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        out += i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
        out += words[i];
    }
    return out;
}

std::string seconds_text(Money seconds) {
    return to_string(Duration{static_cast<std::int64_t>(seconds.raw * (kSecondNs / kScale))});
}

std::string range_text(const Key& key) {
    const bool time = key.form == Form::duration;
    const auto text = [&](Money bound) { return time ? seconds_text(bound) : to_string(bound); };
    return key.min == kAboveZero ? fmt::format("above 0, at most {}", text(key.max))
                                 : fmt::format("from {} to {}", text(key.min), text(key.max));
}

/// What to write for a key, as it reads after "write" and in the reference.
std::string describe(const Key& key) {
    switch (key.form) {
    case Form::name: return fmt::format("a name of 1 to {} printable characters", limits::kMaxNameBytes);
    case Form::choice: return one_of(choices_of(key));
    case Form::decimal: return "a plain number " + range_text(key);
    case Form::count: return "a whole number " + range_text(key);
    case Form::duration:
        return (key.fallback == "none" ? "none, or a duration such as 5s " : "a duration such as 5s ") +
               range_text(key);
    case Form::flag: return "true or false";
    case Form::date: return "a date such as 2024-01-01";
    case Form::hours: return "nse, utc or hours such as 09:15-15:30+05:30";
    case Form::currency: return "three capital letters such as INR";
    case Form::file: return "the path of a file";
    case Form::stream: return "stdin, unix:PATH or tcp:127.0.0.1:PORT";
    case Form::files: return "a list of paths such as [./libmine.so]";
    case Form::names: return "a list of names such as [IBM, BAC]";
    case Form::text: return "text";
    case Form::interval: return fmt::format("an interval of bars such as 5m or day, or `{}`", kOnlyInterval);
    case Form::map: return "a map";
    case Form::list: return "a list";
    case Form::map_or_word: return "none or a map";
    }
    ALPHA_ASSERT(false, "a form without a description");
    return {};
}

// ---- text ------------------------------------------------------------------------------------------

std::string in_quotes(std::string_view text) {
    const bool cut = text.size() > kMaxQuotedBytes;
    return fmt::format("'{}{}'", text.substr(0, kMaxQuotedBytes), cut ? "..." : "");
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= limits::kMaxNameBytes && is_printable(text) && text.front() != ' ' &&
           text.back() != ' ';
}

// ---- findings --------------------------------------------------------------------------------------

/// Where something stands in the file, counted from 1 as editors do.
struct Place {
    std::int32_t line = 1;
    std::int32_t column = 1;
    friend auto operator<=>(const Place&, const Place&) = default;
};

Place place_of(const YAML::Mark& mark) {
    return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1};
}

struct Findings {
    struct Finding {
        Place at;
        std::string text;
    };
    std::vector<Finding> errors;
    std::vector<Finding> warnings;

    template <class... Args>
    void error(Place at, fmt::format_string<Args...> text, Args&&... args) {
        errors.push_back({at, fmt::format(text, std::forward<Args>(args)...)});
    }
    template <class... Args>
    void warn(Place at, fmt::format_string<Args...> text, Args&&... args) {
        warnings.push_back({at, fmt::format(text, std::forward<Args>(args)...)});
    }
    /// Suggestions cost time; beyond what is printed nobody reads them.
    bool wants_suggestions() const { return errors.size() < kMaxReported; }

    static std::vector<std::string> lines(std::vector<Finding> findings, const std::string& path) {
        std::stable_sort(findings.begin(), findings.end(),
                         [](const Finding& a, const Finding& b) { return a.at < b.at; });
        std::vector<std::string> out;
        for (const Finding& finding : findings) {
            if (out.size() == kMaxReported) {
                out.push_back(fmt::format("{}: and {} more", path, findings.size() - kMaxReported));
                break;
            }
            out.push_back(
                fmt::format("{}:{}:{}: {}", path, finding.at.line, finding.at.column, printable(finding.text)));
        }
        return out;
    }
};

// ---- YAML ------------------------------------------------------------------------------------------

struct Item {
    enum class Kind : std::uint8_t { nothing, text, list, map };
    struct Entry {
        std::string key;  ///< empty in lists
        Place at;
        std::uint32_t value = 0;  ///< index of a node
    };
    Kind kind = Kind::nothing;
    Place at;
    std::string text;
    std::vector<Entry> entries;  ///< in file order
};

std::string kind_text(const Item& node) {
    switch (node.kind) {
    case Item::Kind::nothing: return "nothing";
    case Item::Kind::text: return in_quotes(node.text);
    case Item::Kind::list: return "a list";
    case Item::Kind::map: return "a map";
    }
    ALPHA_ASSERT(false, "a node of no kind");
    return {};
}

/// A part of YAML that scenarios do without.
struct Unsupported : YAML::ParserException {
    using YAML::ParserException::ParserException;
};

/// Collects the parser's events into a flat tree. We do not use YAML::Node: it keeps no place for
/// keys, and following aliases it can be made to grow without bound.
class Tree : public YAML::EventHandler {
public:
    explicit Tree(std::string_view source) : source_(source) {}

    const std::vector<Item>& nodes() const { return nodes_; }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_anchor(mark, anchor);
        if (awaits_key()) {
            throw Unsupported(mark, "a key is missing before the colon; write key: value");
        }
        add(Item::Kind::nothing, mark, {});
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        throw Unsupported(mark, "aliases (*) are not supported; write the value itself");
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        refuse_open_quote(mark);
        if (awaits_key()) {
            open_.back().key = value;
            open_.back().key_at = place_of(mark);
            open_.back().has_key = true;
            return;
        }
        add(Item::Kind::text, mark, value);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        begin(Item::Kind::list, mark, tag, anchor);
    }
    void OnSequenceEnd() override { open_.pop_back(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        begin(Item::Kind::map, mark, tag, anchor);
    }
    void OnMapEnd() override { open_.pop_back(); }

private:
    struct Open {
        std::uint32_t node = 0;
        bool has_key = false;
        std::string key;
        Place key_at;
    };

    bool awaits_key() const {
        return !open_.empty() && nodes_[open_.back().node].kind == Item::Kind::map && !open_.back().has_key;
    }
    void begin(Item::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        if (awaits_key()) {
            throw Unsupported(mark, "a list or map cannot be a key; write a word");
        }
        if (open_.size() == kMaxDepth) {
            throw Unsupported(mark, "nested too deeply; no key of a scenario lies this deep");
        }
        open_.push_back({add(kind, mark, {}), false, {}, {}});
    }
    std::uint32_t add(Item::Kind kind, const YAML::Mark& mark, const std::string& text) {
        const auto index = static_cast<std::uint32_t>(nodes_.size());
        const Place at = place_of(mark);
        nodes_.push_back({kind, at, text, {}});
        if (!open_.empty()) {
            Open& parent = open_.back();
            // Of an empty value yaml-cpp gives the place of whatever comes next; its key's is of
            // more use.
            if (parent.has_key && kind == Item::Kind::nothing) {
                nodes_[index].at = parent.key_at;
            }
            nodes_[parent.node].entries.push_back({std::move(parent.key), parent.has_key ? parent.key_at : at, index});
            parent.key.clear();
            parent.has_key = false;
        }
        return index;
    }
    static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor != 0) {
            throw Unsupported(mark, "anchors (&) are not supported; write the value where it is used");
        }
    }
    static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
        // "?" and "!" are what yaml-cpp calls plain and quoted values without a tag.
        if (!tag.empty() && tag != "?" && tag != "!") {
            throw Unsupported(mark, "tags (!) are not supported; write the value alone");
        }
    }
    /// yaml-cpp takes the end of the file for a closing quote: half a file would become one value.
    void refuse_open_quote(const YAML::Mark& mark) const {
        const auto start = static_cast<std::size_t>(std::max(mark.pos, 0));
        if (start >= source_.size() || (source_[start] != '\'' && source_[start] != '"')) {
            return;
        }
        const char quote = source_[start];
        for (std::size_t i = start + 1; i < source_.size(); ++i) {
            if (quote == '"' && source_[i] == '\\') {
                ++i;
            } else if (source_[i] == quote) {
                // In single quotes a doubled one stands for itself and closes nothing.
                if (quote == '"' || i + 1 >= source_.size() || source_[i + 1] != quote) {
                    return;
                }
                ++i;
            }
        }
        throw Unsupported(mark, "this quote is never closed; close it");
    }

    std::string_view source_;
    std::vector<Item> nodes_;
    std::vector<Open> open_;
};

/// What to look for where the parser gave up; it does not say so of tabs.
std::string_view syntax_hint(std::string_view text, Place at) {
    std::size_t start = 0;
    for (std::int32_t line = 1; line < at.line; ++line) {
        start = std::min(text.find('\n', start), text.size() - 1) + 1;
    }
    const std::size_t first = text.find_first_not_of(' ', start);
    return first < text.size() && text[first] == '\t'
               ? "indent with spaces, not tabs"
               : "look for an open bracket or quote, a missing \"- \" or colon, or uneven "
                 "indentation";
}

/// Parses the text; the root is node 0. What is not one YAML document goes into `findings`.
std::vector<Item> parse_yaml(std::string_view text, Findings& findings) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
    }
    if (text.size() > kMaxFileBytes) {
        findings.error({}, "is larger than {} bytes; a scenario holds no data: name its file under data",
                       kMaxFileBytes);
        return {};
    }
    Place at;
    for (std::string_view rest = text; !rest.empty();) {
        const char c = rest.front();
        const std::size_t n = c == '\n' || c == '\r' || c == '\t' ? 1 : printable_length(rest);
        if (n == 0) {
            findings.error(at, "byte 0x{:02X} is not text; write the scenario in UTF-8",
                           static_cast<unsigned>(static_cast<unsigned char>(c)));
            return {};
        }
        at = c == '\n' ? Place{at.line + 1, 1} : Place{at.line, at.column + static_cast<std::int32_t>(n)};
        rest.remove_prefix(n);
    }
    Tree tree(text);
    try {
        std::istringstream in{std::string(text)};
        YAML::Parser parser(in);
        if (parser.HandleNextDocument(tree)) {
            Tree second(text);
            if (parser.HandleNextDocument(second)) {
                findings.error(second.nodes().empty() ? Place{} : second.nodes().front().at,
                               "a second document begins here; write one scenario a file");
            }
        }
    } catch (const Unsupported& e) {
        findings.error(place_of(e.mark), "{}", e.msg);
    } catch (const YAML::Exception& e) {
        findings.error(place_of(e.mark), "is not YAML: {}; {}", e.msg, syntax_hint(text, place_of(e.mark)));
    } catch (const std::exception& e) {
        findings.error({}, "cannot be read as YAML: {}; write it as in docs/reference-scenario.md", e.what());
    }
    return findings.errors.empty() ? tree.nodes() : std::vector<Item>{};
}

/// yaml-cpp keeps both of two equal keys; whichever we took, the other would be ignored silently.
void refuse_duplicate_keys(const std::vector<Item>& nodes, Findings& findings) {
    for (const Item& node : nodes) {
        if (node.kind != Item::Kind::map) {
            continue;
        }
        std::map<std::string_view, Place> first;
        for (const Item::Entry& entry : node.entries) {
            const auto [seen, is_new] = first.emplace(entry.key, entry.at);
            if (!is_new) {
                findings.error(entry.at, "{} is already given at {}:{}; keep one of them", in_quotes(entry.key),
                               seen->second.line, seen->second.column);
            }
        }
    }
}

// ---- reading one map by its table -------------------------------------------------------------------

/// " Did you mean 'x'?", or else what there is to choose from.
std::string suggestion(std::string_view word, const std::vector<std::string_view>& known, const Findings& findings) {
    const std::string close = findings.wants_suggestions() ? did_you_mean(word, known) : "";
    if (!close.empty()) {
        return fmt::format("did you mean '{}'?", printable(close));
    }
    constexpr std::size_t kListed = 24;
    if (known.empty() || known.size() > kListed) {
        return "write one that is";
    }
    return "write " + one_of(known);
}

/// HH:MM at the front of `text`, in seconds; -1 when there is none.
std::int32_t clock_seconds(std::string_view text) {
    const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
    if (text.size() < 5 || !digit(0) || !digit(1) || text[2] != ':' || !digit(3) || !digit(4)) {
        return -1;
    }
    const std::int32_t hour = (text[0] - '0') * 10 + (text[1] - '0');
    const std::int32_t minute = (text[3] - '0') * 10 + (text[4] - '0');
    return minute > 59 ? -1 : hour * 3'600 + minute * 60;
}

Result<TradingHours> parse_hours(std::string_view text) {
    if (text == "utc") {
        return TradingHours{};
    }
    const std::string_view form = text == "nse" ? "09:15-15:30+05:30" : text;
    const auto refuse = [](const char* why) { return fail(ErrorKind::usage, why); };
    TradingHours hours;
    hours.open_s = clock_seconds(form);
    hours.close_s = form.size() >= 11 && form[5] == '-' ? clock_seconds(form.substr(6)) : -1;
    if (hours.open_s < 0 || hours.close_s < 0) {
        return refuse("are no trading hours");
    }
    const std::string_view zone = form.substr(11);
    if (zone.empty()) {
        return refuse("have no UTC offset");
    }
    if (zone != "Z") {
        constexpr std::int32_t kMaxOffset = 14 * 3'600;
        const std::int32_t offset = zone.size() == 6 ? clock_seconds(zone.substr(1)) : -1;
        if ((zone[0] != '+' && zone[0] != '-') || offset < 0 || offset > kMaxOffset) {
            return refuse("have a UTC offset that does not exist");
        }
        hours.utc_offset_s = zone[0] == '-' ? -offset : offset;
    }
    if (hours.close_s > kDaySeconds) {
        return refuse("end after 24:00");
    }
    if (hours.open_s >= hours.close_s) {
        return refuse("do not end after they begin (sessions across midnight are not supported)");
    }
    return hours;
}

/// One map of the file, read key by key. Complains about unknown keys when made, about the others
/// when they are asked for; an empty answer means absent or complained about.
class Fields {
public:
    /// `node` null: the map is not there, every key has its default.
    Fields(Findings& findings, const std::vector<Item>& nodes, const Section& section, std::string where,
           const Item* node)
        : findings_(&findings), nodes_(&nodes), section_(&section), where_(std::move(where)) {
        if (node == nullptr || node->kind == Item::Kind::nothing) {
            at_ = node == nullptr ? Place{} : node->at;
            present_ = node != nullptr;
            return;
        }
        at_ = node->at;
        if (node->kind != Item::Kind::map) {
            findings.error(at_, "{}: expects a map, found {}; write {}", where_, kind_text(*node), section.example);
            return;
        }
        present_ = true;
        node_ = node;
        std::vector<std::string_view> known;
        known.reserve(section.keys.size());
        for (const Key& key : section.keys) {
            known.push_back(key.name);
        }
        for (const Item::Entry& entry : node->entries) {
            if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
                misspelt_.push_back(findings.wants_suggestions() ? did_you_mean(entry.key, known) : "");
                findings.error(entry.at, "{}unknown key {}; {}", where_.empty() ? "" : where_ + ": ",
                               in_quotes(entry.key), suggestion(entry.key, known, findings));
            }
        }
    }

    Place at() const { return at_; }
    bool has(std::string_view name) const { return entry(name) != nullptr; }
    /// The value as a node; null when absent.
    const Item* value(std::string_view name) const {
        const Item::Entry* found = entry(name);
        return found == nullptr ? nullptr : &(*nodes_)[found->value];
    }
    /// Of the value if there is one, else of the map.
    Place place(std::string_view name) const {
        const Item* node = value(name);
        return node == nullptr ? at_ : node->at;
    }
    std::string path(std::string_view name) const {
        return where_.empty() ? std::string(name) : fmt::format("{}.{}", where_, name);
    }
    /// As value; a required one that is absent is complained about.
    const Item* child(std::string_view name) {
        const Item* node = value(name);
        if (node == nullptr && key(name).fallback == kRequired) {
            complain_missing(name);
        }
        return node;
    }
    template <class... Args>
    void error(std::string_view name, fmt::format_string<Args...> what, Args&&... args) {
        findings_->error(place(name), "{}: {}", path(name), fmt::format(what, std::forward<Args>(args)...));
    }
    template <class... Args>
    void warn(std::string_view name, fmt::format_string<Args...> what, Args&&... args) {
        findings_->warn(place(name), "{}: {}", path(name), fmt::format(what, std::forward<Args>(args)...));
    }
    void complain_missing(std::string_view name) {
        // The map itself was refused, or the key is there under a misspelt name: one complaint is
        // enough.
        if (!present_ || std::find(misspelt_.begin(), misspelt_.end(), name) != misspelt_.end()) {
            return;
        }
        findings_->error(at_, "{}'{}' is missing; write {}: and {}", where_.empty() ? "" : where_ + ": ", name, name,
                         describe(key(name)));
    }

    std::optional<std::string> name(std::string_view name) {
        auto text = written(name);
        if (text && !is_name(*text)) {
            wrong(name, *text, "is not a name");
            return std::nullopt;
        }
        return text;
    }
    std::optional<std::string> file(std::string_view name) {
        auto text = written(name);
        if (text && (text->empty() || !is_printable(*text))) {
            wrong(name, *text, "is not a path");
            return std::nullopt;
        }
        return text;
    }
    std::optional<std::string> choice(std::string_view name) {
        auto text = written(name);
        const auto known = choices_of(key(name));
        if (text && std::find(known.begin(), known.end(), *text) == known.end()) {
            error(name, "{} is unknown; {}", in_quotes(*text), suggestion(*text, known, *findings_));
            return std::nullopt;
        }
        return text;
    }
    /// As it is written, for whoever knows what it means.
    std::optional<std::string> text(std::string_view name) { return written(name); }
    std::optional<Money> decimal(std::string_view name) {
        const auto text = written(name);
        if (!text) {
            return std::nullopt;
        }
        const auto number = parse_money(*text);
        if (!number) {
            wrong(name, *text, "is not a number with at most eight decimal places");
            return std::nullopt;
        }
        if (*number < key(name).min || *number > key(name).max) {
            wrong(name, *text, "is out of range");
            return std::nullopt;
        }
        return *number;
    }
    std::optional<Price> price(std::string_view name) {
        const auto number = decimal(name);
        return number ? std::optional(Price{static_cast<std::int64_t>(number->raw)}) : std::nullopt;
    }
    std::optional<std::uint64_t> count(std::string_view name) {
        const auto number = decimal(name);
        if (number && number->raw % kScale != 0) {
            wrong(name, to_string(*number), "is not whole");
            return std::nullopt;
        }
        return number ? std::optional(static_cast<std::uint64_t>(number->raw / kScale)) : std::nullopt;
    }
    std::optional<Duration> duration(std::string_view name) {
        const auto text = written(name);
        if (!text) {
            return std::nullopt;
        }
        if (*text == "none" && key(name).fallback == "none") {
            return Duration{};
        }
        const auto duration = parse_duration(*text);
        if (!duration) {
            wrong(name, *text, "is not a duration");
            return std::nullopt;
        }
        const Int128 scaled = static_cast<Int128>(duration->ns) * kScale;
        if (scaled < key(name).min.raw * kSecondNs || scaled > key(name).max.raw * kSecondNs) {
            wrong(name, *text, "is out of range");
            return std::nullopt;
        }
        return *duration;
    }
    std::optional<bool> flag(std::string_view name) {
        const auto text = written(name);
        if (text && *text != "true" && *text != "false") {
            wrong(name, *text, "is neither true nor false");
            return std::nullopt;
        }
        return text ? std::optional(*text == "true") : std::nullopt;
    }
    std::optional<Date> date(std::string_view name) {
        const auto text = written(name);
        const auto day = text ? parse_date(*text) : fail(ErrorKind::usage, "");
        const bool in_range = day && day->days * kDayNs >= kMinTime.ns && day->days < kMaxTime.ns / kDayNs;
        if (text && !in_range) {
            wrong(name, *text, "is not a day from 1970 to 2199");
        }
        return in_range ? std::optional(*day) : std::nullopt;
    }
    std::optional<TradingHours> hours(std::string_view name) {
        const auto text = written(name);
        const auto hours = text ? parse_hours(*text) : fail(ErrorKind::usage, "");
        if (text && !hours) {
            wrong(name, *text, hours.error().message);
        }
        return hours ? std::optional(*hours) : std::nullopt;
    }
    std::optional<std::string> currency(std::string_view name) {
        auto text = written(name);
        const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
        if (text && (text->size() != 3 || !std::all_of(text->begin(), text->end(), capital))) {
            wrong(name, *text, "is not a currency");
            return std::nullopt;
        }
        return text;
    }

    struct NameAt {
        std::string name;
        Place at;
    };
    /// A list of at least one name, none twice; only the good ones.
    std::vector<NameAt> names(std::string_view name) {
        const Item* node = child(name);
        std::vector<NameAt> out;
        if (node == nullptr) {
            const std::string_view fallback = key(name).fallback;
            std::string_view rest = fallback.starts_with('[') ? fallback.substr(1, fallback.size() - 2) : "";
            while (!rest.empty()) {
                const std::size_t end = std::min(rest.find(", "), rest.size());
                out.push_back({std::string(rest.substr(0, end)), at_});
                rest.remove_prefix(std::min(end + 2, rest.size()));
            }
            return out;
        }
        if (node->kind != Item::Kind::list || node->entries.empty()) {
            error(name, "expects a list of names, found {}; write {}",
                  node->kind == Item::Kind::list ? "an empty one" : kind_text(*node),
                  node->kind == Item::Kind::text && is_name(node->text) ? fmt::format("[{}]", node->text)
                                                                        : "one such as [IBM, BAC]");
            return out;
        }
        std::set<std::string_view> seen;
        for (const Item::Entry& entry : node->entries) {
            const Item& item = (*nodes_)[entry.value];
            if (item.kind != Item::Kind::text || !is_name(item.text)) {
                findings_->error(item.at, "{}: {} is not a name; write 1 to {} printable characters", path(name),
                                 kind_text(item), limits::kMaxNameBytes);
            } else if (!seen.insert(item.text).second) {
                findings_->error(item.at, "{}: {} is already in the list; keep it once", path(name),
                                 in_quotes(item.text));
            } else {
                out.push_back({item.text, item.at});
            }
        }
        return out;
    }

    /// A list of paths; only the good ones.
    std::vector<NameAt> files(std::string_view name) {
        const Item* node = child(name);
        std::vector<NameAt> out;
        if (node == nullptr || node->kind == Item::Kind::nothing) {
            return out;
        }
        if (node->kind != Item::Kind::list) {
            error(name, "expects a list of paths, found {}; write {}", kind_text(*node),
                  node->kind == Item::Kind::text ? fmt::format("[{}]", node->text) : "one such as [./libmine.so]");
            return out;
        }
        for (const Item::Entry& entry : node->entries) {
            const Item& item = (*nodes_)[entry.value];
            if (item.kind != Item::Kind::text || item.text.empty() || !is_printable(item.text)) {
                findings_->error(item.at, "{}: {} is not a path; write the path of a library", path(name),
                                 kind_text(item));
            } else {
                out.push_back({item.text, item.at});
            }
        }
        return out;
    }

private:
    const Key& key(std::string_view name) const {
        const auto found = std::find_if(section_->keys.begin(), section_->keys.end(),
                                        [&](const Key& key) { return key.name == name; });
        ALPHA_ASSERT(found != section_->keys.end(), "a key that no table holds");
        return *found;
    }
    const Item::Entry* entry(std::string_view name) const {
        if (node_ == nullptr) {
            return nullptr;
        }
        const auto found = std::find_if(node_->entries.begin(), node_->entries.end(),
                                        [&](const Item::Entry& entry) { return entry.key == name; });
        return found == node_->entries.end() ? nullptr : &*found;
    }
    /// The text of a value, or of its default; empty when it has neither.
    std::optional<std::string> written(std::string_view name) {
        const Item* node = child(name);
        const std::string_view fallback = key(name).fallback;
        if (node == nullptr) {
            const bool literal = fallback != kRequired && !fallback.starts_with('(');
            return literal ? std::optional<std::string>(fallback) : std::nullopt;
        }
        if (node->kind != Item::Kind::text) {
            error(name, "expects a value, found {}; write {}", kind_text(*node), describe(key(name)));
            return std::nullopt;
        }
        return node->text;
    }
    void wrong(std::string_view name, std::string_view text, std::string_view why) {
        error(name, "{} {}; write {}", in_quotes(text), why, describe(key(name)));
    }

    Findings* findings_;
    const std::vector<Item>* nodes_;
    const Section* section_;
    std::string where_;
    const Item* node_ = nullptr;
    Place at_;
    bool present_ = false;
    std::vector<std::string> misspelt_;  ///< known keys that unknown ones were probably meant to be
};

/// Limits that are one number.
struct LimitKey {
    Rule rule;
    std::string_view key;
};
constexpr std::array kLimits{
    LimitKey{Rule::price_band, "price_band_percent"},     LimitKey{Rule::order_quantity, "max_order_quantity"},
    LimitKey{Rule::order_notional, "max_order_notional"}, LimitKey{Rule::position, "max_position"},
    LimitKey{Rule::gross_exposure, "max_gross_exposure"}, LimitKey{Rule::daily_loss, "max_daily_loss"}};
constexpr std::array kCounts{LimitKey{Rule::open_orders, "max_open_orders"},
                             LimitKey{Rule::order_rate, "max_orders_per_second"}};

// ---- the scenario ------------------------------------------------------------------------------------

class ScenarioReader {
public:
    ScenarioReader(const std::vector<Item>& nodes, const std::string& path, Findings& findings)
        : nodes_(&nodes), findings_(&findings), root_(findings, nodes, kRoot, "", &nodes.front()) {
        scenario_.path = path;
    }

    /// Call once. What it returns is complete if there were no errors.
    Scenario read() {
        config().name = root_.name("name").value_or("");
        read_instruments();
        read_data();
        read_brokers();
        read_portfolios();
        warn_of_unused_brokers();
        read_plugins();
        read_strategies();
        warn_of_shared_positions();
        read_charges();
        read_risk();
        config().snapshot_interval = root_.duration("snapshot_interval").value_or(Duration{});
        scenario_.notify = root_.text("notify").value_or("");
        return std::move(scenario_);
    }

    /// The configuration with what may change read anew, from a tree as SettingsTree makes it.
    SessionConfigured reread(const SessionConfigured& present, const Plugins& plugins) {
        scenario_.plugins = plugins;
        config() = present;
        config().brokers.clear();
        config().charges = {};
        config().risk.clear();
        config().allowed_instruments.clear();
        // Whatever data there was, it is in the log.
        has_quotes_ = has_bars_ = true;
        for (std::uint32_t i = 0; i < present.instruments.size(); ++i) {
            instrument_ids_.emplace(present.instruments[i].name, InstrumentId{i});
        }
        read_several_brokers();
        const Item* strategies = root_.value("strategies");
        for (std::size_t s = 0; s < present.strategies.size(); ++s) {
            StrategyConfig& strategy = config().strategies[s];
            Fields fields = this->fields(kStrategy, "strategies." + strategy.name, &node(strategies->entries[s]));
            if (const StrategySpec* spec = find_strategy(strategy.use, scenario_.plugins.catalog())) {
                strategy.params = read_params(fields, *spec, strategy);
            }
        }
        read_charges();
        Fields account = fields(kAccount, "account", root_.child("account"));
        read_leverage(account);
        read_risk();
        config().snapshot_interval = root_.duration("snapshot_interval").value_or(Duration{});
        return std::move(config());
    }

private:
    SessionConfigured& config() { return scenario_.config; }
    Fields fields(const Section& section, std::string where, const Item* node) {
        return {*findings_, *nodes_, section, std::move(where), node};
    }
    const Item& node(const Item::Entry& entry) const { return (*nodes_)[entry.value]; }
    /// What a path in the scenario leads to.
    std::string beside_scenario(const std::string& file) const {
        return (std::filesystem::path(scenario_.path).parent_path() / file).lexically_normal().string();
    }

    /// The entries of a root key's map whose keys are the user's names; bad names are complained
    /// about.
    std::vector<const Item::Entry*> named_entries(std::string_view key, std::string_view example, std::size_t most) {
        const Item* map = root_.child(key);
        std::vector<const Item::Entry*> out;
        if (map == nullptr || map->kind == Item::Kind::nothing) {
            return out;
        }
        if (map->kind != Item::Kind::map) {
            root_.error(key, "expects a map of names, found {}; write {}", kind_text(*map), example);
            return out;
        }
        if (map->entries.size() > most) {
            root_.error(key, "holds {} entries; write at most {}", map->entries.size(), most);
            return out;
        }
        std::set<std::string_view> seen;
        for (const Item::Entry& entry : map->entries) {
            if (!is_name(entry.key)) {
                findings_->error(entry.at, "{}: {} is not a name; write 1 to {} printable characters", key,
                                 in_quotes(entry.key), limits::kMaxNameBytes);
            } else if (seen.insert(entry.key).second) {
                out.push_back(&entry);
            }
        }
        return out;
    }
    /// The entries of a root key's list.
    std::span<const Item::Entry> listed_entries(std::string_view key, const Section& section) {
        const Item* list = root_.value(key);
        if (list == nullptr || list->kind == Item::Kind::nothing) {
            return {};
        }
        if (list->kind != Item::Kind::list) {
            root_.error(key, "expects a list, found {}; write [{}]", kind_text(*list), section.example);
            return {};
        }
        return list->entries;
    }

    // ---- instruments

    InstrumentId instrument_id(const std::string& name) {
        const auto [found, is_new] =
            instrument_ids_.emplace(name, InstrumentId{static_cast<std::uint32_t>(config().instruments.size())});
        if (is_new) {
            Instrument instrument = config().default_instrument;
            instrument.name = name;
            config().instruments.push_back(std::move(instrument));
        }
        return found->second;
    }
    void read_instrument(Fields&& given, Instrument& instrument) {
        instrument.tick = given.price("tick").value_or(instrument.tick);
        if (const auto lot = given.decimal("lot")) {
            instrument.lot = Qty{static_cast<std::int64_t>(lot->raw)};
        }
        instrument.hours = given.hours("session").value_or(instrument.hours);
        if (given.has("session")) {  // the default is no word of the user's
            scenario_.with_session.insert(instrument.name);
        }
    }
    void read_instruments() {
        read_instrument(fields(kDefaultInstrument, "default_instrument", root_.child("default_instrument")),
                        config().default_instrument);
        for (const Item::Entry* entry : named_entries("instruments", kInstrumentsExample, limits::kMaxInstruments)) {
            if (entry->key == "registry" && node(*entry).kind == Item::Kind::text) {
                findings_->error(entry->at,
                                 "instruments.registry: is not available yet; write each "
                                 "instrument, such as {}, or default_instrument",
                                 kInstrumentsExample);
                continue;
            }
            const InstrumentId id = instrument_id(entry->key);
            read_instrument(fields(kInstrument, "instruments." + entry->key, &node(*entry)),
                            config().instruments[id.value]);
        }
    }

    // ---- data

    void read_data() {
        const Item* list = root_.child("data");
        const auto entries = listed_entries("data", kData);
        if (list != nullptr &&
            (list->kind == Item::Kind::nothing || (list->kind == Item::Kind::list && list->entries.empty()))) {
            root_.error("data", "is empty; write at least one entry, such as [{}]", kData.example);
        }
        for (const Item::Entry& entry : entries) {
            Fields data = fields(kData, "data", &node(entry));
            if (node(entry).kind == Item::Kind::nothing || (node(entry).kind == Item::Kind::map && !data.has("file") &&
                                                            !data.has("synth") && !data.has("stream"))) {
                findings_->error(node(entry).at,
                                 "data: an entry needs a file, a stream or synth; write {} or {{synth: {}}}",
                                 kData.example, kSynth.example);
            } else if (data.has("synth")) {
                read_synth(data);
            } else {
                read_file(data);
            }
        }
    }
    void read_synth(Fields& data) {
        for (const std::string_view key : {"file", "stream", "idle", "kind", "instrument", "interval", "max_gap"}) {
            if (data.has(key)) {
                data.error(key, "describes a file and cannot stand beside synth; make it an entry of its own");
            }
        }
        Fields fields = this->fields(kSynth, "data.synth", data.child("synth"));
        SynthSpec spec;
        spec.seed = fields.count("seed").value_or(spec.seed);
        spec.ticks = fields.count("ticks").value_or(spec.ticks);
        spec.first_day = fields.date("first_day").value_or(spec.first_day);
        spec.instruments.clear();
        for (Fields::NameAt& name : fields.names("instruments")) {
            spec.instruments.push_back(std::move(name.name));
        }
        has_quotes_ = true;
        DataSource source;
        source.kind = DataKind::quotes;
        source.synth = std::move(spec);
        scenario_.data.push_back(std::move(source));
    }
    void read_stream(Fields& data, DataSource& source) {
        if (data.has("file")) {
            data.error("file", "cannot stand beside stream; make it an entry of its own");
        }
        const auto stream = data.file("stream");
        if (!stream) {
            return;
        }
        source.stream = *stream;
        constexpr std::string_view kUnix = "unix:";
        if (source.stream.starts_with(kUnix) && source.stream.size() > kUnix.size()) {
            const std::filesystem::path folder = std::filesystem::path(scenario_.path).parent_path();
            source.stream =
                std::string(kUnix) + (folder / source.stream.substr(kUnix.size())).lexically_normal().string();
        }
        if (const std::string why = stream_refusal(source.stream); !why.empty()) {
            data.error("stream", "{} {}", in_quotes(*stream), why);
        }
        const auto is_stdin = [](const DataSource& each) { return each.stream == "stdin"; };
        if (source.stream == "stdin" && std::ranges::any_of(scenario_.data, is_stdin)) {
            data.error("stream", "stdin is another entry's already; there is only one");
        }
        source.idle = data.duration("idle").value_or(Duration{});
    }
    void read_file(Fields& data) {
        DataSource source;
        const auto file = data.has("file") ? data.file("file") : std::nullopt;
        if (data.has("stream")) {
            read_stream(data, source);
        } else if (data.has("idle")) {
            data.error("idle", "is how long a silent stream is waited for, and a file is never silent; leave it out");
        }
        const auto kind = data.choice("kind");
        const auto instrument = data.name("instrument");
        const auto interval = data.duration("interval");
        bool is_set = false;
        if (file) {
            source.file = beside_scenario(*file);
            std::error_code error;
            const auto status = std::filesystem::status(source.file, error);
            if (const Result<bool> exists = is_there(source.file); !exists) {
                data.error("file", "{}", exists.error().message);
            } else if (!*exists) {
                data.error("file",
                           "{} does not exist (looked for {}); write its path relative to the "
                           "scenario",
                           in_quotes(*file), source.file);
            } else if (!std::filesystem::is_regular_file(status)) {
                data.error(
                    "file",
                    "{} is not a file; write the path of a CSV or a data set, or stream: stdin for what is sent to "
                    "standard input",
                    in_quotes(*file));
            } else {
                is_set = looks_like_data_set(source.file);
            }
        }
        source.kind = kind == "bars" ? DataKind::bars : DataKind::quotes;
        source.instrument = instrument.value_or("");
        source.interval = interval.value_or(Duration{});
        source.max_gap = data.duration("max_gap").value_or(kUsualGap);
        if (is_set) {
            read_data_set(data, source);
        } else {
            if (!data.has("kind")) {
                data.complain_missing("kind");
            }
            if (kind == "bars" && !data.has("interval")) {
                data.complain_missing("interval");
            }
            all_bars_known_ = all_bars_known_ && (kind != "bars" || instrument.has_value());
        }
        has_quotes_ = has_quotes_ || source.kind == DataKind::quotes;
        has_bars_ = has_bars_ || source.kind == DataKind::bars;
        if (source.kind == DataKind::quotes && (kind || is_set)) {
            for (const std::string_view key : {"instrument", "interval"}) {
                if (data.has(key)) {
                    data.error(key, "is for bars; quotes name their instruments in the file, so leave it out");
                }
            }
        }
        if (instrument && source.kind == DataKind::bars) {
            if (interval) {
                bar_intervals_[*instrument].insert(source.interval);
            }
            instrument_id(*instrument);
        }
        scenario_.data.push_back(std::move(source));
    }
    /// A data set knows what it holds; what is written beside it must agree.
    void read_data_set(Fields& data, DataSource& source) {
        const auto reader = DataSetReader::open(source.file);
        if (!reader) {
            all_bars_known_ = false;  // a damaged file is for the feed to refuse, as data
            return;
        }
        const DataSetInfo& info = (*reader)->info();
        const auto name = [](DataKind kind) { return kind == DataKind::bars ? "bars" : "quotes"; };
        if (data.has("kind") && source.kind != info.kind) {
            data.error("kind", "the data set holds {}; write kind: {} or leave it out", name(info.kind),
                       name(info.kind));
        }
        if (info.kind == DataKind::bars && source.interval.ns != 0 && source.interval != info.interval) {
            data.error("interval", "the data set holds bars of {}; write that or leave it out",
                       to_string(info.interval));
        }
        source.kind = info.kind;
        source.interval = info.interval;
        for (const std::string& symbol : info.symbols) {
            if (info.kind == DataKind::bars) {
                bar_intervals_[symbol].insert(info.interval);
            }
        }
    }

    // ---- account and portfolios

    void read_leverage(Fields& account) {
        const std::string text = account.text("leverage").value_or("1");
        if (text == "none") {
            return;
        }
        constexpr Money kLeast{kScale / 100};
        constexpr Money kMost = money_of(1'000);
        const Result<Money> leverage = parse_money(text);
        if (!leverage || *leverage < kLeast || *leverage > kMost) {
            account.error("leverage", "{} is no leverage; write a number from 0.01 to 1000, or none", in_quotes(text));
            return;
        }
        config().risk.push_back({Rule::buying_power, *leverage});
    }

    void read_portfolios() {
        const Item* node = root_.child("account");
        Fields account = fields(kAccount, "account", node);
        config().currency = account.currency("currency").value_or("");
        read_leverage(account);
        const auto cash = account.decimal("cash");
        const auto entries = named_entries("portfolios", kPortfoliosExample, limits::kMaxPortfolios);
        bool all_known = true;
        Money sum;
        for (const Item::Entry* entry : entries) {
            Fields portfolio = fields(kPortfolio, "portfolios." + entry->key, &this->node(*entry));
            const auto own = portfolio.decimal("cash");
            all_known = all_known && own.has_value();
            sum += own.value_or(Money{});
            config().portfolios.push_back({entry->key, own.value_or(Money{})});
            // Of a scenario with `broker`, the strategies may name it instead.
            const bool must_name = several_brokers_ && config().brokers.size() > 1;
            portfolio_brokers_.push_back(must_name || portfolio.has("broker")
                                             ? std::optional(index_of(portfolio, "broker", config().brokers))
                                             : std::nullopt);
        }
        if (entries.empty()) {
            if (node != nullptr && !account.has("cash")) {
                account.complain_missing("cash");
            }
            config().portfolios.push_back({"main", cash.value_or(Money{})});
            portfolio_brokers_.emplace_back();
            if (several_brokers_ && config().brokers.size() > 1 && !root_.has("portfolios")) {
                root_.error("brokers",
                            "there are {}, and no portfolio names its own; write portfolios, such as "
                            "{{main: {{cash: 1000000, broker: {}}}}}",
                            config().brokers.size(), config().brokers.front().name);
            }
        } else if (cash && all_known && sum > *cash) {
            account.error("cash",

                          "the portfolios hold {}, more than the account's {}; write at least {}, or "
                          "leave it out",
                          to_string(sum), to_string(*cash), to_string(sum));
        } else if (cash && all_known && sum < *cash) {
            account.warn("cash",

                         "the portfolios hold only {} of the account's {}; the rest is not traded", to_string(sum),
                         to_string(*cash));
        }
    }

    // ---- brokers

    void read_brokers() {
        if (root_.has("brokers")) {
            return read_several_brokers();
        }
        const auto entries = named_entries("broker", kBrokerExample, limits::kMaxBrokers);
        if (entries.empty()) {
            read_broker("paper", nullptr, root_.has("broker") ? root_.place("broker") : root_.place("data"));
        }
        for (const Item::Entry* entry : entries) {
            read_broker(entry->key, &node(*entry), entry->at);
        }
    }
    void read_several_brokers() {
        several_brokers_ = true;
        if (root_.has("broker")) {
            root_.error("brokers", "cannot stand beside broker; keep one of them");
        }
        const Item* map = root_.value("brokers");
        if (map->kind == Item::Kind::nothing || (map->kind == Item::Kind::map && map->entries.empty())) {
            root_.error("brokers", "is empty; write at least one, such as {}", kBrokersExample);
        }
        for (const Item::Entry* entry : named_entries("brokers", kBrokersExample, limits::kMaxBrokers)) {
            Fields broker = fields(kBrokers, "brokers." + entry->key, &node(*entry));
            Fields paper = fields(kPaper, broker.path("paper"), broker.child("paper"));
            add_paper_broker(entry->key, paper, entry->at);
            broker_places_.push_back(entry->at);
        }
    }
    void read_broker(const std::string& name, const Item* node, Place at) {
        Fields broker = fields(kBroker, "broker." + name, node);
        const bool is_map = node == nullptr || node->kind == Item::Kind::map || node->kind == Item::Kind::nothing;
        if (name == "zerodha" && !broker.has("kind")) {
            findings_->error(at, "broker.zerodha: is not available yet; write paper");
        } else if (is_map && !broker.has("kind") && name != "paper") {
            findings_->error(at, "broker: {} is no kind of broker; write paper, or {}: {{kind: paper}}",
                             in_quotes(name), name);
        }
        broker.choice("kind");
        add_paper_broker(name, broker, at);
    }
    void add_paper_broker(const std::string& name, Fields& paper, Place at) {
        PaperSettings settings;
        const auto fill = paper.choice("fill");
        settings.fill = fill == "next_open" ? FillModel::next_open : FillModel::touch;
        settings.limit_fill = paper.choice("limit_fill") == "through" ? LimitFill::through : LimitFill::reached;
        settings.links = paper.choice("links") == "kernel" ? Links::kernel : Links::venue;
        for (const char* const key : {"slippage", "volume_share"}) {  // the broker knows how they are written
            if (const auto text = paper.text(key)) {
                if (const Result<void> read = read_paper_setting({key, *text}, settings); !read) {
                    paper.error(key, "{}", read.error().message);
                }
            }
        }
        settings.latency = paper.duration("latency").value_or(Duration{});
        settings.use_size = paper.flag("use_size").value_or(false);
        const Place fill_at = paper.has("fill") ? paper.place("fill") : at;
        if (fill == "next_open" && has_quotes_ && !has_bars_) {
            findings_->error(fill_at, "{}: the data has no bars to open; write touch, or add bars", paper.path("fill"));
        }
        if (fill == "touch" && has_bars_ && !has_quotes_) {
            findings_->warn(fill_at,
                            "{}: touch fills at the close of the very bar that was decided on, which "
                            "is optimistic; next_open is safer with bars alone",
                            paper.path("fill"));
        }
        if (fill == "next_open" && settings.use_size && has_bars_ && has_quotes_) {
            findings_->warn(fill_at,
                            "{}: with use_size an open counts only where no quote comes while its bar lasts; an "
                            "instrument that has both may never fill: write touch, or leave its quotes or use_size out",
                            paper.path("fill"));
        }
        config().brokers.push_back({name, "paper", to_settings(settings)});
    }
    void warn_of_unused_brokers() {
        for (std::uint32_t b = 0; b < broker_places_.size() && broker_places_.size() > 1; ++b) {
            if (std::find(portfolio_brokers_.begin(), portfolio_brokers_.end(), b) == portfolio_brokers_.end()) {
                findings_->warn(broker_places_[b],
                                "brokers.{}: no portfolio belongs to it; give it one, or leave it out",
                                config().brokers[b].name);
            }
        }
    }

    // ---- strategies

    void read_plugins() {
        for (const Fields::NameAt& file : root_.files("plugins")) {
            const std::string path = beside_scenario(file.name);
            scenario_.libraries.push_back(path);
            if (const Result<void> loaded = scenario_.plugins.load(path); !loaded) {
                findings_->error(file.at, "plugins: {}", loaded.error().message);
                plugin_refused_ = true;
            }
        }
    }
    void read_strategies() {
        const auto entries = listed_entries("strategies", kStrategy);
        if (entries.empty()) {
            findings_->warn(root_.has("strategies") ? root_.place("strategies") : root_.at(),
                            "strategies: there are none; nothing will trade");
        }
        if (entries.size() > limits::kMaxStrategies) {
            root_.error("strategies", "holds {} entries; write at most {}", entries.size(), limits::kMaxStrategies);
            return;
        }
        std::map<std::string, Place> ids;
        for (const Item::Entry& entry : entries) {
            const Item& node = this->node(entry);
            if (node.kind == Item::Kind::nothing) {
                findings_->error(node.at, "strategies: this entry is empty; write {}", kStrategy.example);
                continue;
            }
            Fields strategy = fields(kStrategy, "strategies", &node);
            const auto id = strategy.name("id");
            if (id) {
                const auto [first, is_new] = ids.emplace(*id, strategy.place("id"));
                if (!is_new) {
                    strategy.error("id", "{} is already the id of the strategy at {}:{}; write another", in_quotes(*id),
                                   first->second.line, first->second.column);
                }
            }
            if (node.kind == Item::Kind::map) {
                read_strategy(strategy, id.value_or(""));
            }
        }
    }
    void read_strategy(Fields& strategy, std::string id) {
        StrategyConfig out;
        out.name = std::move(id);
        out.portfolio = PortfolioId{index_of(strategy, "portfolio", config().portfolios)};
        out.broker = broker_of(strategy, out.portfolio);
        for (const Fields::NameAt& name : strategy.names("instruments")) {
            out.instruments.push_back(instrument_id(name.name));
        }
        const auto use = strategy.name("use");
        const std::span<const StrategySpec> catalog = scenario_.plugins.catalog();
        const StrategySpec* spec = use ? find_strategy(*use, catalog) : nullptr;
        if (use && spec == nullptr && !plugin_refused_) {
            std::vector<std::string_view> known;
            known.reserve(catalog.size());
            for (const StrategySpec& each : catalog) {
                known.push_back(each.name);
            }
            strategy.error("use", "there is no strategy {}; {}", in_quotes(*use), suggestion(*use, known, *findings_));
        }
        if (spec != nullptr) {
            out.use = spec->name;
            out.params = read_params(strategy, *spec, out);
            const auto reads = std::ranges::find(spec->params, ParamKind::interval, &ParamSpec::kind);
            if (reads != spec->params.end() && !out.params.empty()) {
                check_interval(strategy, *spec, interval_param(out.params, reads->name), out.instruments);
            }
        }
        config().strategies.push_back(std::move(out));
    }
    /// One net position for two minds: what one buys the other may sell.
    void warn_of_shared_positions() {
        std::map<std::pair<PortfolioId, InstrumentId>, const StrategyConfig*> first;
        for (const StrategyConfig& strategy : config().strategies) {
            for (const InstrumentId instrument : strategy.instruments) {
                const auto [at, is_new] = first.try_emplace({strategy.portfolio, instrument}, &strategy);
                if (!is_new && at->second != &strategy) {
                    findings_->warn(
                        root_.has("strategies") ? root_.place("strategies") : root_.at(),
                        "strategies: {} and {} share the position in {} of portfolio {}; give each a portfolio "
                        "of its own unless that is meant",
                        at->second->name, strategy.name, config().instruments[instrument.value].name,
                        config().portfolios[strategy.portfolio.value].name);
                }
            }
        }
    }
    /// A strategy that reads bars of one interval has to say which, as far as the data is known.
    void check_interval(Fields& strategy, const StrategySpec& spec, Duration wanted,
                        const std::vector<InstrumentId>& instruments) {
        const Place at = strategy.has("params") ? strategy.place("params") : strategy.at();
        for (const InstrumentId id : instruments) {
            const std::string& name = config().instruments[id.value].name;
            const auto known = bar_intervals_.find(name);
            if (known == bar_intervals_.end()) {
                continue;
            }
            const std::vector<Duration> intervals(known->second.begin(), known->second.end());
            if (wanted == Duration{} && intervals.size() > 1) {
                findings_->error(at, "strategies.params: {}", which_interval(spec.name, name, intervals));
            } else if (wanted != Duration{} && all_bars_known_ && !known->second.contains(wanted)) {
                findings_->warn(at, "strategies.params: {} reads bars of {}, and the data has none of {}", spec.name,
                                to_string(wanted), in_quotes(name));
            }
        }
    }
    /// A portfolio belongs to one broker: the one it names, or else the one that the first of its strategies names.
    BrokerId broker_of(Fields& strategy, PortfolioId portfolio) {
        std::optional<std::uint32_t>& of_portfolio = portfolio_brokers_[portfolio.value];
        if (of_portfolio && !strategy.has("broker")) {
            return BrokerId{*of_portfolio};
        }
        const std::uint32_t named = index_of(strategy, "broker", config().brokers);
        if (of_portfolio && *of_portfolio != named) {
            strategy.error("broker", "its portfolio {} belongs to the broker {}; write that, or another portfolio",
                           in_quotes(config().portfolios[portfolio.value].name),
                           in_quotes(config().brokers[*of_portfolio].name));
        }
        of_portfolio = of_portfolio.value_or(named);
        return BrokerId{*of_portfolio};
    }
    /// The place in `all` of the portfolio or broker that is named, or of the only one.
    template <class Config>
    std::uint32_t index_of(Fields& given, std::string_view key, const std::vector<Config>& all) {
        std::vector<std::string_view> known;
        known.reserve(all.size());
        for (const Config& each : all) {
            known.push_back(each.name);
        }
        if (!given.has(key)) {
            if (all.size() > 1) {
                findings_->error(given.at(), "{} is missing, and there are {}; write {}: and {}", given.path(key),
                                 all.size(), key, known.size() <= 8 ? one_of(known) : "one of them");
            }
            return 0;
        }
        const auto name = given.name(key);
        const auto found = std::find(known.begin(), known.end(), name.value_or(""));
        if (name && found == known.end()) {
            given.error(key, "there is no {} {}; {}", key, in_quotes(*name), suggestion(*name, known, *findings_));
        }
        return found == known.end() ? 0 : static_cast<std::uint32_t>(found - known.begin());
    }
    std::vector<Setting> read_params(Fields& strategy, const StrategySpec& spec, StrategyConfig out) {
        const Item* params = strategy.child("params");
        std::vector<std::string_view> known;
        known.reserve(spec.params.size());
        for (const ParamSpec& param : spec.params) {
            known.push_back(param.name);
        }
        std::vector<Setting> given;
        std::map<std::string_view, Place> places;
        std::set<std::string_view> complained;  // of these the catalog must not complain again
        if (params != nullptr && params->kind != Item::Kind::map && params->kind != Item::Kind::nothing) {
            strategy.error("params", "expects a map, found {}; write {{{}: ...}}", kind_text(*params),
                           known.empty() ? std::string_view() : known.front());
            return {};
        }
        // A view, not a copy: places and complained keep views of the keys.
        const std::span<const Item::Entry> entries =
            params == nullptr ? std::span<const Item::Entry>() : params->entries;
        for (const Item::Entry& entry : entries) {
            const Item& value = node(entry);
            if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
                findings_->error(entry.at, "strategies.params: {} has no parameter {}; {}", spec.name,
                                 in_quotes(entry.key), suggestion(entry.key, known, *findings_));
                // The parameter it was probably meant to be is not missing as well.
                const std::string close = did_you_mean(entry.key, known);
                const auto meant = std::find(known.begin(), known.end(), close);
                if (meant != known.end()) {
                    complained.insert(*meant);
                }
            } else if (value.kind != Item::Kind::text) {
                findings_->error(value.at, "strategies.params.{}: expects a value, found {}; write one", entry.key,
                                 kind_text(value));
                complained.insert(entry.key);
            } else if (places.emplace(entry.key, value.at).second) {
                given.push_back({entry.key, value.text});
            }
        }
        out.params = std::move(given);
        auto settings = validate_params(spec, out, config().instruments);
        if (settings) {
            return std::move(*settings);
        }
        for (const ParamError& error : settings.error()) {
            if (complained.contains(error.param)) {
                continue;
            }
            const auto place = places.find(error.param);
            const Place at = place != places.end()    ? place->second
                             : strategy.has("params") ? strategy.place("params")
                                                      : strategy.at();
            findings_->error(at, "strategies.params: {}", error.message);
        }
        return {};
    }

    // ---- charges and risk

    void read_charges() {
        const Item* node = root_.child("charges");
        if (node == nullptr || (node->kind == Item::Kind::text && node->text == "none")) {
            return;
        }
        if (node->kind != Item::Kind::map) {
            root_.error("charges", "{} is {}; write none or {}", kind_text(*node),
                        node->kind == Item::Kind::text && node->text == "zerodha" ? "not available yet" : "unknown",
                        kCharges.example);
            return;
        }
        Fields charges = fields(kCharges, "charges", node);
        config().charges.per_fill = charges.decimal("per_fill").value_or(Money{});
        config().charges.rate = charges.decimal("rate").value_or(Money{});
    }
    void read_risk() {
        Fields risk = fields(kRisk, "risk", root_.child("risk"));
        const auto add = [&](Rule rule, Money limit) { config().risk.push_back({rule, limit}); };
        for (const LimitKey& limit : kLimits) {
            if (const auto value = risk.decimal(limit.key)) {
                add(limit.rule, *value);
            }
        }
        for (const LimitKey& limit : kCounts) {
            if (const auto value = risk.count(limit.key)) {
                add(limit.rule, money_of(static_cast<std::int64_t>(*value)));
            }
        }
        config().daily_loss_latch_ends =
            risk.choice("max_daily_loss_latch") == "until_released" ? LatchEnd::released : LatchEnd::trading_day;
        if (!risk.flag("allow_short").value_or(true)) {
            add(Rule::shorting, {});
        }
        if (risk.flag("session_hours").value_or(false)) {
            add(Rule::session_hours, {});
        }
        if (const auto age = risk.duration("max_data_age")) {
            constexpr std::int64_t kMicrosecondNs = 1'000;
            if (age->ns % kMicrosecondNs != 0) {
                risk.error("max_data_age", "is finer than a microsecond; write whole microseconds");
            }
            add(Rule::stale_data, Money{age->ns / (kSecondNs / kScale)});
        }
        read_allowed(risk);
        std::sort(config().risk.begin(), config().risk.end(),
                  [](const RiskLimit& a, const RiskLimit& b) { return a.rule < b.rule; });
    }
    void read_allowed(Fields& risk) {
        if (!risk.has("allowed_instruments")) {
            return;
        }
        std::vector<std::string_view> known;
        known.reserve(config().instruments.size());
        for (const Instrument& instrument : config().instruments) {
            known.push_back(instrument.name);
        }
        for (const Fields::NameAt& name : risk.names("allowed_instruments")) {
            const auto found = instrument_ids_.find(name.name);
            if (found != instrument_ids_.end()) {
                config().allowed_instruments.push_back(found->second);
                continue;
            }
            findings_->error(name.at, "risk.allowed_instruments: no strategy trades {}; {}", in_quotes(name.name),
                             suggestion(name.name, known, *findings_));
        }
        std::sort(config().allowed_instruments.begin(), config().allowed_instruments.end());
        config().risk.push_back({Rule::allowed_instruments, {}});
    }

    const std::vector<Item>* nodes_;
    Findings* findings_;
    Fields root_;
    Scenario scenario_;
    std::map<std::string, InstrumentId> instrument_ids_;
    bool several_brokers_ = false;                                 ///< `brokers` is given
    std::vector<Place> broker_places_;                             ///< of the names under `brokers`
    std::vector<std::optional<std::uint32_t>> portfolio_brokers_;  ///< by portfolio, as far as known
    bool has_quotes_ = false;
    bool has_bars_ = false;
    bool plugin_refused_ = false;                              ///< it may have been the one that a strategy uses
    std::map<std::string, std::set<Duration>> bar_intervals_;  ///< by symbol
    bool all_bars_known_ = true;                               ///< whether these are all
};

// ---- settings of a configuration ---------------------------------------------------------------------

constexpr std::string_view kChangeable =
    "risk, risk.KEY, charges, charges.KEY, snapshot_interval, strategies.ID.params.KEY and broker.NAME.KEY";

/// What may change of a configuration, as a scenario would hold it, but with the strategies' entries in a map by id. What
/// a setting puts there stands on the line of its number, counted from 1.
class SettingsTree {
public:
    explicit SettingsTree(const SessionConfigured& config) : config_(config) {
        add(Item::Kind::map, {});
        for (const BrokerConfig& broker : config.brokers) {
            put_settings({"brokers", broker.name, broker.kind}, broker.settings);
        }
        put({"strategies"}, add(Item::Kind::map, {}));
        for (const StrategyConfig& strategy : config.strategies) {
            put_settings({"strategies", strategy.name, "params"}, strategy.params);
        }
        put_text({"charges", "per_fill"}, to_string(config.charges.per_fill));
        put_text({"charges", "rate"}, to_string(config.charges.rate));
        put({"risk"}, add(Item::Kind::map, {}));
        put_text({"account", "leverage"}, "none");
        for (const RiskLimit& limit : config.risk) {
            put_limit(limit);
        }
        put_text({"risk", "max_daily_loss_latch"},
                 config.daily_loss_latch_ends == LatchEnd::released ? "until_released" : "trading_day");
        put_text({"snapshot_interval"},
                 config.snapshot_interval.ns == 0 ? "none" : to_string(config.snapshot_interval));
    }
    const std::vector<Item>& nodes() const { return nodes_; }

    /// Puts "key=value" in place; what is wrong with it otherwise.
    std::string change(std::string_view setting, Place at) {
        const std::size_t equals = setting.find('=');
        if (equals == std::string_view::npos) {
            return "is no setting; write key=value";
        }
        std::vector<std::string> path;
        if (std::string wrong = find_path(setting.substr(0, equals), path); !wrong.empty()) {
            return wrong;
        }
        Findings findings;
        std::vector<Item> value = parse_yaml(setting.substr(equals + 1), findings);
        if (!findings.errors.empty()) {
            return "the value cannot be read: " + findings.errors.front().text;
        }
        at_ = at;
        if (value.empty() || value.front().kind == Item::Kind::nothing) {
            // A whole section goes back to its defaults.
            if (path.size() == 3) {
                put(path, add(Item::Kind::map, {}));
            } else {
                take(path);
            }
            return {};
        }
        const auto first = static_cast<std::uint32_t>(nodes_.size());
        for (Item& item : value) {
            item.at = at;
            for (Item::Entry& entry : item.entries) {
                entry.at = at;
                entry.value += first;
            }
            nodes_.push_back(std::move(item));
        }
        put(path, first);
        return {};
    }

private:
    using Path = std::vector<std::string>;

    std::uint32_t add(Item::Kind kind, std::string text) {
        nodes_.push_back({kind, at_, std::move(text), {}});
        return static_cast<std::uint32_t>(nodes_.size() - 1);
    }
    /// The map at `path` without its last part; made where there is none.
    std::uint32_t map_above(const Path& path) {
        std::uint32_t map = 0;
        for (std::size_t i = 0; i + 1 < path.size(); ++i) {
            const auto& entries = nodes_[map].entries;
            const auto found = std::ranges::find(entries, path[i], &Item::Entry::key);
            if (found != entries.end() && nodes_[found->value].kind == Item::Kind::map) {
                map = found->value;
                continue;
            }
            const std::uint32_t made = add(Item::Kind::map, {});
            set(map, path[i], made);
            map = made;
        }
        return map;
    }
    void set(std::uint32_t map, const std::string& key, std::uint32_t value) {
        auto& entries = nodes_[map].entries;
        const auto found = std::ranges::find(entries, key, &Item::Entry::key);
        if (found != entries.end()) {
            found->at = at_;
            found->value = value;
        } else {
            entries.push_back({key, at_, value});
        }
    }
    void put(const Path& path, std::uint32_t value) { set(map_above(path), path.back(), value); }
    void take(const Path& path) {
        std::erase_if(nodes_[map_above(path)].entries,
                      [&](const Item::Entry& entry) { return entry.key == path.back(); });
    }
    void put_text(const Path& path, std::string text) { put(path, add(Item::Kind::text, std::move(text))); }
    void put_settings(Path section, const std::vector<Setting>& settings) {
        put(section, add(Item::Kind::map, {}));
        section.emplace_back();
        for (const Setting& setting : settings) {
            section.back() = setting.key;
            put_text(section, setting.value);
        }
    }
    void put_limit(const RiskLimit& limit) {
        const auto rule = [&](const LimitKey& each) { return each.rule == limit.rule; };
        for (const LimitKey& each : kLimits) {
            if (rule(each)) {
                put_text({"risk", std::string(each.key)}, to_string(limit.limit));
            }
        }
        for (const LimitKey& each : kCounts) {
            if (rule(each)) {
                put_text({"risk", std::string(each.key)}, to_string(limit.limit));
            }
        }
        if (limit.rule == Rule::buying_power) {
            put_text({"account", "leverage"}, to_string(limit.limit));
        } else if (limit.rule == Rule::shorting) {
            put_text({"risk", "allow_short"}, "false");
        } else if (limit.rule == Rule::session_hours) {
            put_text({"risk", "session_hours"}, "true");
        } else if (limit.rule == Rule::stale_data) {
            const Duration age{static_cast<std::int64_t>(limit.limit.raw * (kSecondNs / kScale))};
            put_text({"risk", "max_data_age"}, to_string(age));
        } else if (limit.rule == Rule::allowed_instruments) {
            const std::uint32_t list = add(Item::Kind::list, {});
            for (const InstrumentId id : config_.allowed_instruments) {
                const std::uint32_t name = add(Item::Kind::text, config_.instruments[id.value].name);
                nodes_[list].entries.push_back({"", at_, name});
            }
            put({"risk", "allowed_instruments"}, list);
        }
    }

    /// Where a key stands in the tree; what is wrong with it otherwise.
    std::string find_path(std::string_view key, Path& path) const {
        const std::size_t dot = std::min(key.find('.'), key.size());
        const std::string_view top = key.substr(0, dot);
        const std::string_view rest = key.substr(std::min(dot + 1, key.size()));
        if (top == "risk" || top == "charges" || (top == "snapshot_interval" && rest.empty())) {
            path = {std::string(top)};
            if (dot != key.size()) {
                path.emplace_back(rest);
            }
            return {};
        }
        if (key == "account.leverage") {
            path = {"account", "leverage"};
            return {};
        }
        if (top == "strategies") {
            return find_named(rest, config_.strategies, top, "params", "params", path);
        }
        if (top == "broker") {
            return find_named(rest, config_.brokers, top, "", "paper", path);
        }
        if (top == "brokers") {
            return find_named(rest, config_.brokers, top, "paper", "paper", path);
        }
        std::vector<std::string_view> known{"risk", "charges", "strategies", "broker", "brokers", "snapshot_interval"};
        const bool is_fixed = std::ranges::find(kRootKeys, top, &Key::name) != kRootKeys.end();
        const std::string meant = is_fixed ? "" : did_you_mean(top, known);
        return meant.empty()
                   ? fmt::format("{} cannot change within a session; what can: {}", in_quotes(top), kChangeable)
                   : fmt::format("unknown key {}; did you mean '{}'?", in_quotes(top), meant);
    }
    /// NAME.SECTION, NAME.SECTION.KEY, or without a section NAME and NAME.KEY; names may hold dots.
    template <class Config>
    static std::string find_named(std::string_view rest, const std::vector<Config>& all, std::string_view top,
                                  std::string_view section, std::string_view node, Path& path) {
        const std::string place = top == "strategies" ? "strategies" : "brokers";
        const Config* named = nullptr;
        std::vector<std::string_view> known;
        for (const Config& each : all) {
            known.push_back(each.name);
            const bool begins = rest == each.name || (rest.starts_with(each.name) && rest[each.name.size()] == '.');
            if (begins && (named == nullptr || each.name.size() > named->name.size())) {
                named = &each;
            }
        }
        if (named == nullptr) {
            const std::string_view word = rest.substr(0, rest.find('.'));
            return fmt::format("there is no {} {}; {}", top == "strategies" ? "strategy" : "broker", in_quotes(word),
                               suggestion(word, known, Findings{}));
        }
        rest.remove_prefix(std::min(named->name.size() + 1, rest.size()));
        if (!section.empty()) {
            const bool in_section = rest == section || (rest.starts_with(section) && rest[section.size()] == '.');
            if (!in_section) {
                return fmt::format("of {}.{} only {}.KEY can change within a session", top, named->name, section);
            }
            rest.remove_prefix(std::min(section.size() + 1, rest.size()));
        }
        path = {place, named->name, std::string(node)};
        if (!rest.empty()) {
            path.emplace_back(rest);
        }
        return {};
    }

    const SessionConfigured& config_;
    std::vector<Item> nodes_;
    Place at_{0, 0};
};

Error usage_error(const Findings& findings, const std::string& path) {
    const Place first = std::ranges::min(findings.errors, {}, &Findings::Finding::at).at;
    return {ErrorKind::usage,
            fmt::format("{}", fmt::join(Findings::lines(findings.errors, path), "\n")),
            ErrorCode::bad_scenario,
            {path, static_cast<std::uint64_t>(first.line), static_cast<std::uint64_t>(first.column)}};
}

}  // namespace

Result<Scenario> parse_scenario(const std::string& text, const std::string& path) {
    Findings findings;
    const std::vector<Item> nodes = parse_yaml(text, findings);
    if (findings.errors.empty() && (nodes.empty() || nodes.front().kind == Item::Kind::nothing)) {
        findings.error({}, "is empty; write at least name, account, data and strategies");
    }
    if (findings.errors.empty() && nodes.front().kind != Item::Kind::map) {
        findings.error(nodes.front().at, "expects a map, found {}; write name: and the run's name first",
                       kind_text(nodes.front()));
    }
    if (!findings.errors.empty()) {
        return tl::unexpected(usage_error(findings, path));
    }
    refuse_duplicate_keys(nodes, findings);
    Scenario scenario = ScenarioReader(nodes, path, findings).read();
    if (!findings.errors.empty()) {
        return tl::unexpected(usage_error(findings, path));
    }
    scenario.warnings = Findings::lines(findings.warnings, path);
    return scenario;
}

Result<SessionConfigured> with_settings(const SessionConfigured& config, const std::vector<std::string>& settings,
                                        const Plugins& plugins, std::string_view come_from) {
    if (settings.empty()) {
        return config;
    }
    Findings findings;
    SettingsTree tree(config);
    for (std::size_t i = 0; i < settings.size(); ++i) {
        const Place at{static_cast<std::int32_t>(i) + 1, 1};
        if (const std::string wrong = tree.change(settings[i], at); !wrong.empty()) {
            findings.error(at, "{}", wrong);
        }
    }
    SessionConfigured changed = ScenarioReader(tree.nodes(), "", findings).reread(config, plugins);
    if (findings.errors.empty()) {
        return changed;
    }
    std::ranges::stable_sort(findings.errors, {}, &Findings::Finding::at);
    std::string lines;
    for (const Findings::Finding& finding : findings.errors) {
        const auto line = static_cast<std::size_t>(std::max(finding.at.line, 0));
        lines += lines.empty() ? "" : "\n";
        lines +=
            printable(line == 0 ? finding.text : fmt::format("{}{}: {}", come_from, settings[line - 1], finding.text));
    }
    return fail(ErrorKind::usage, lines);
}

Result<Scenario> load_scenario(const std::string& path) {
    const Result<bool> exists = is_there(path);
    if (!exists) {
        return tl::unexpected(exists.error());
    }
    if (!*exists) {
        return fail(ErrorKind::usage, fmt::format("{}: does not exist; write the path of a scenario", path),
                    ErrorCode::not_found, {path});
    }
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (std::filesystem::is_directory(status)) {
        return fail(ErrorKind::usage, fmt::format("{}: is a folder; write the path of a scenario in it", path));
    }
    if (!std::filesystem::is_regular_file(status)) {
        return fail(ErrorKind::usage,
                    fmt::format("{}: is a pipe or a device; write the scenario into a file and name that", path));
    }
    // More than is allowed, so that parse_scenario sees that there is more, behind a byte-order mark too.
    Result<std::string> text = read_file(path, kMaxFileBytes + 3);
    if (!text) {
        return fail(text.error().kind == ErrorKind::data ? ErrorKind::usage : text.error().kind, text.error().message);
    }
    return parse_scenario(*text, path);
}

std::vector<InUse> inputs_of(const Scenario& scenario) {
    std::vector<InUse> inputs{{"the scenario", scenario.path}};
    for (const DataSource& source : scenario.data) {
        constexpr std::string_view kUnix = "unix:";
        if (!source.file.empty()) {
            inputs.push_back({"the data file", source.file});
        } else if (source.stream == "stdin") {
            inputs.push_back({"standard input", "/dev/stdin"});
        } else if (source.stream.starts_with(kUnix)) {
            inputs.push_back({"the socket", source.stream.substr(kUnix.size())});
        }
    }
    for (const std::string& library : scenario.libraries) {
        inputs.push_back({"the library", library});
    }
    return inputs;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
    // Case and hyphens are the commonest slips and cost nothing.
    const auto fold = [](std::string_view text) {
        std::string out(text);
        for (char& c : out) {
            c = c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
        return out;
    };
    if (word.empty() || word.size() > limits::kMaxNameBytes) {
        return {};
    }
    const std::string a = fold(word);
    std::string_view best;
    std::size_t best_distance = std::min<std::size_t>(3, std::max<std::size_t>(1, a.size() / 3)) + 1;
    std::array<std::array<std::size_t, limits::kMaxNameBytes + 1>, 3> rows{};
    for (const std::string_view candidate : known) {
        const std::size_t apart =
            candidate.size() > a.size() ? candidate.size() - a.size() : a.size() - candidate.size();
        if (candidate.size() > limits::kMaxNameBytes || apart >= best_distance) {
            continue;
        }
        // Damerau-Levenshtein, restricted: insert, delete, replace, or swap two neighbours.
        const std::string b = fold(candidate);
        for (std::size_t j = 0; j <= b.size(); ++j) {
            rows[0][j] = j;
        }
        for (std::size_t i = 1; i <= a.size(); ++i) {
            const auto& above = rows[(i - 1) % 3];
            auto& row = rows[i % 3];
            row[0] = i;
            for (std::size_t j = 1; j <= b.size(); ++j) {
                const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
                row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                    row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
                }
            }
        }
        const std::size_t distance = rows[a.size() % 3][b.size()];
        // A word wholly replaced is another word, however short.
        if (distance < best_distance && distance < std::max(a.size(), b.size())) {
            best = candidate;
            best_distance = distance;
        }
    }
    return std::string(best);
}

std::string scenario_reference() {
    std::string out = "# Scenario files\n\n"
                      "Every key of a scenario. This page is generated from the tables that validate one "
                      "(runtime/scenario.cpp); a test keeps them equal.\n\n"
                      "Unknown keys, wrong types and implausible values are refused, all at once, each with "
                      "file:line:column. Numbers are plain decimals with at most eight places; durations are a "
                      "whole number with a unit "
                      "(ns, us, ms, s, m, h, d); quotes around a value change nothing. Anchors, aliases and tags "
                      "are not supported.\n\n"
                      "```yaml\n"
                      "name: ema-cross\n"
                      "account: {currency: USD, cash: 1000000}\n"
                      "data:\n"
                      "  - {file: ticks.csv.zst, kind: quotes}    # ts_ns,instrument,bid,bid_qty,ask,ask_qty\n"
                      "  - {file: ibm.csv, kind: bars, instrument: IBM, interval: day}\n"
                      "  - {synth: {seed: 7, ticks: 1000000}}\n"
                      "instruments: {IBM: {tick: 0.01, lot: 1}}\n"
                      "portfolios: {main: {cash: 1000000}}\n"
                      "strategies:\n"
                      "  - {id: cross, use: ema_cross, portfolio: main, instruments: [BAC, IBM],\n"
                      "     params: {fast: 100, slow: 1000, quantity: 100}}\n"
                      "broker: {paper: {fill: touch}}\n"
                      "charges: none\n"
                      "risk: {max_order_quantity: 10000}\n"
                      "snapshot_interval: 300s\n"
                      "```\n";
    const auto row = [&](std::string_view name, std::string_view write, std::string_view fallback,
                         std::string_view help) {
        const bool literal = fallback != kRequired && !fallback.starts_with('(');
        const std::string_view words = fallback.starts_with('(') ? fallback.substr(1, fallback.size() - 2) : fallback;
        out += fmt::format("| `{}` | {} | {}{}{} | {} |\n", name, write, literal ? "`" : "", words, literal ? "`" : "",
                           help);
    };
    constexpr std::string_view kTableHead = "| key | write | default | meaning |\n|---|---|---|---|\n";
    for (const Section* section : kSections) {
        out += section->path.empty() ? "\n## Top level\n\n" : fmt::format("\n## {}\n\n", section->path);
        if (!section->help.empty()) {
            out += fmt::format("{} ", section->help);
        }
        if (!section->example.empty()) {
            out += fmt::format("For example `{}`.\n\n", section->example);
        }
        out += kTableHead;
        for (const Key& key : section->keys) {
            row(key.name, describe(key), key.fallback, key.help);
        }
    }
    out += "\n## Strategies\n";
    for (const StrategySpec& spec : strategy_catalog()) {
        out += fmt::format("\n### {}\n\n{}; trades on {}.\n\n", spec.name, spec.summary,
                           spec.uses_quotes && spec.uses_bars ? "quotes and bars"
                           : spec.uses_quotes                 ? "quotes"
                                                              : "bars");
        if (!spec.params.empty()) {
            out += "| parameter | write | default | meaning |\n|---|---|---|---|\n";
        }
        for (const ParamSpec& param : spec.params) {
            Key key;
            switch (param.kind) {
            case ParamKind::count: key.form = Form::count; break;
            case ParamKind::decimal: key.form = Form::decimal; break;
            case ParamKind::flag: key.form = Form::flag; break;
            case ParamKind::text: key.form = Form::text; break;
            case ParamKind::instrument: key.form = Form::name; break;
            case ParamKind::interval: key.form = Form::interval; break;
            }
            key.min = param.min;
            key.max = param.max;
            row(param.name, describe(key), param.default_value.empty() ? kRequired : param.default_value, param.help);
        }
    }
    return out;
}

}  // namespace alpha
