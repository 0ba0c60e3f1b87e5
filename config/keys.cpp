#include "config/keys.hpp"

#include "adapters/data/source.hpp"
#include "config/brokers.hpp"
#include "config/suggest.hpp"
#include "events/assert.hpp"
#include "events/limits.hpp"
#include "strategies/catalog.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>

namespace alpha::config {

namespace {

constexpr std::string_view kNoLimit = "(no limit)";
constexpr std::string_view kAsDefault = "(that of default_instrument)";
constexpr std::int64_t kDaySeconds = kDayNs / kSecondNs;
constexpr Decimal kAboveZero{1};
constexpr Decimal kMaxPriceBound{limits::kMaxPrice.raw};
constexpr Decimal kMaxQtyBound{limits::kMaxQty.raw};

constexpr Decimal seconds_of(Duration duration) {
    return Decimal{static_cast<Int128>(duration.ns) / (kSecondNs / kScale)};
}

constexpr Key plain(std::string_view name, Form form, std::string_view fallback, std::string_view help) {
    return {name, form, fallback, {}, {}, {}, help};
}
constexpr Key choice(std::string_view name, std::string_view fallback, std::string_view choices,
                     std::string_view help) {
    return {name, Form::choice, fallback, {}, {}, choices, help};
}
constexpr Key day(std::string_view name, std::string_view fallback, std::string_view help) {
    return {name, Form::date, fallback, {}, {}, {}, help};
}
constexpr Key number(std::string_view name, Form form, std::string_view fallback, Decimal min, Decimal max,
                     std::string_view help) {
    return {name, form, fallback, min, max, {}, help};
}

constexpr std::array kRootKeys{
    plain("name", Form::name, kRequired, "What the run is called, in its log and its reports."),
    plain("account", Form::map, kRequired, "The account's currency and cash."),
    plain("data", Form::list, kRequired,
          "Where the market comes from. Several entries are merged by time; at the same time, "
          "earlier entries go first."),
    plain("instruments", Form::map, "(all as default_instrument)",
          "Tick, lot, session and more by instrument name. `registry: PATH` beside them, a registry's folder or a dump "
          "of "
          "Kite's: instruments are what that says of EXCHANGE:SYMBOL on each day, and over it what is written here "
          "([instruments](reference-instruments.md))."),
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
    plain("charges", Form::charges, "none",
          "What each fill costs: none; `zerodha` or `india`, dated tables of the program; a table of your own, CSV or "
          "YAML ([charges](reference-charges.md)); or a map of per_fill and rate."),
    plain("products", Form::table,
          "(zerodha where a strategy names a product of NSE, BSE, NFO and the like, else none)",
          "How positions can be held, by a dated table: `zerodha`, the program's; a CSV of your own; or `none`, and "
          "products "
          "decide nothing but charges and which books a position is in ([products](reference-products.md))."),
    plain(
        "margins", Form::table, "(zerodha where products are zerodha's, else none)",
        "What positions and open orders ask of a portfolio's equity, by a dated table: `zerodha`, the program's; a CSV "
        "of your own; or `none`, and account.leverage alone limits what is bought ([margins](reference-margins.md))."),
    plain(
        "actions", Form::actions, "(none)",
        "Splits, bonuses, dividends, renames, mergers and demergers: the path of a CSV that names its instruments, or "
        "a list "
        "of such paths and of {file, instrument} for files of one ([actions](reference-actions.md))."),
    plain("settlements", Form::file, "(none: last prices)",
          "A CSV of instrument, date and price: at what futures settle each day, and contracts and what they are "
          "written on at their end ([contracts](reference-contracts.md))."),
    choice(
        "calendar", "lenient", "lenient|strict",
        "What becomes of a day that an instrument's calendar does not know: it trades all day long with a warning, or "
        "orders are refused on it. Refused where no instrument goes by a calendar."),
    plain("calendars", Form::map, "(the program's own)",
          "Files that go over the program's calendars ([calendars](reference-calendars.md))."),
    plain("risk", Form::map, "(no limits)", "Rules that every order must pass; each portfolio is judged by itself."),
    number("snapshot_interval", Form::duration, "none", decimal_of(1), decimal_of(31 * kDaySeconds),
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
    plain(
        "file", Form::file, "(synthetic data)",
        "A CSV or another program's file ([which](how-to-import.md)), plain or compressed as .gz or .zst; a folder or "
        "a pattern such as `data/*.csv`, whose files are read as one; or a data set made by `alpha data import`. "
        "Relative to the scenario's folder."),
    plain("stream", Form::stream, "(a file)",
          "A sender of CSV lines in place of a file: `stdin`, `unix:PATH` or `tcp:127.0.0.1:PORT`. A sender begins at "
          "line 1 "
          "whenever it connects; what was taken before is compared and skipped. Sockets are for `alpha live`, and end "
          "with it."),
    number("idle", Form::duration, "(for ever)", Decimal{kScale / 1'000}, decimal_of(kDaySeconds),
           "Streams only: how long, in real time, the other sources' records wait for this one to show its next. Then "
           "they go on without it until it sends again; what comes too late by then is refused "
           "([how](how-to-run-live.md))."),
    choice("clock", "sender", "sender|wall",
           "Streams of quotes or trades only: whose clock stamps the lines. With `wall` it is this machine's: while "
           "none comes, "
           "what "
           "falls due happens all the same, and a line that comes too late for that is refused "
           "([how](how-to-run-live.md)). It is then the only entry."),
    plain("gives_again", Form::flag, "true",
          "With `clock: wall` only: `false` where the sender cannot send once more what it has sent. A session that "
          "goes on, or "
          "hears another sender, takes what comes as new; what was sent while nobody listened is lost."),
    choice("kind", "(told from the file)", "quotes|trades|bars", "Required for a stream, and for trades."),
    plain("instrument", Form::name, "(the file's instrument column, else its name)",
          "Bars only: whose bars these are, where the file has no such column; of another program's file that has one, "
          "which of its instruments to take."),
    number("interval", Form::duration, "(the shortest distance of two bars)", seconds_of(kShortestBar),
           seconds_of(kLongestBar),
           "Length of a bar; `day` is 1d. Required for a stream of bars. Bars that all lie farther apart are refused."),
    plain("tz", Form::text, "(the instrument's session's)",
          "Zone of a file's times that have no UTC offset, such as Asia/Kolkata."),
    plain("from", Form::text, "(the first row)", "Rows of the file from this date or time on."),
    plain("until", Form::text, "(the last row)",
          "Rows of the file up to this date, the day included, or before this time."),
    plain(
        "map", Form::map, "(the usual names)",
        "Which column of the file holds what, as in `map: {close: Adj Close}`: date, timestamp, time, open, high, low, "
        "close, volume, instrument, price, quantity, bid or ask."),
    choice("dates", "(shown by the file)", "dmy|mdy|ymd", "The order of dates such as 01/02/2024."),
    number("decimals", Form::count, "8", {}, decimal_of(std::int64_t{kScaleDigits}),
           "How many decimals the file's prices keep; the last is rounded half-even."),
    choice("duplicates", "(refused)", "first|last", "Which of two different bars of one instrument and time counts."),
    number("resample", Form::duration, "(as the rows are)", seconds_of(kShortestBar), seconds_of(Duration{kDayNs}),
           "Makes bars of this length of the file's shorter ones, or of its single prices, counted from the opening of "
           "the instrument's session."),
    number("max_gap", Form::duration, "366d", decimal_of(1), seconds_of(kLongestGap),
           "The longest time from any record to one of this source that comes next. What is farther ahead is refused, "
           "for it has "
           "a slip in its time, and timers would fire all the way there: write more where the data have such a hole."),
    plain("synth", Form::map, "(a file)", "Makes quotes from a seed in place of a file."),
};
constexpr std::array kSynthKeys{
    number("seed", Form::count, "1", {},
           Decimal{static_cast<Int128>(std::numeric_limits<std::uint64_t>::max()) * kScale},
           "The same seed gives the same market, everywhere and always."),
    number("ticks", Form::count, "100000", decimal_of(1), decimal_of(static_cast<std::int64_t>(kMaxSynthTicks)),
           "How many quotes to make, over all instruments."),
    plain("instruments", Form::names, "[NSE:ALPHA, NSE:BETA]", "Whose quotes they are."),
    plain("first_day", Form::date, "2024-01-01", "Day of the first quote; weekends are skipped."),
};
constexpr std::string_view kTickHelp = "Smallest price step of an order; orders off it are refused.";
constexpr std::string_view kLotHelp = "Smallest quantity step of an order.";
constexpr std::string_view kSessionHelp =
    "Daily trading hours in exchange time: nse (09:15-15:30+05:30), utc (the whole UTC day), or "
    "HH:MM-HH:MM with a UTC offset.";
constexpr std::string_view kCalendarHelp = "When it trades: NSE_EQ, NSE_EQ_CAS (shares with derivatives), NSE_FO, "
                                           "BSE_EQ, BSE_EQ_CAS, BSE_FO, MCX, NSE_CD, XNYS, or "
                                           "one of `calendars`. In place of session.";
constexpr std::string_view kExchangeHelp = "Its segment of an exchange, as charges name it: NSE, BSE, NFO, BFO, MCX.";
constexpr std::string_view kGroupHelp = "Its group in the table of charges, where that tells some apart: equity_fund.";
constexpr std::array kDefaultInstrumentKeys{
    number("tick", Form::decimal, "0.01", kAboveZero, kMaxPriceBound, kTickHelp),
    number("lot", Form::decimal, "1", kAboveZero, kMaxQtyBound, kLotHelp),
    plain("session", Form::hours, "utc", kSessionHelp),
    plain("calendar", Form::name, "(none: as session)", kCalendarHelp),
    plain("exchange", Form::name, "(what stands before a colon in its name)", kExchangeHelp),
    plain("group", Form::name, "ordinary", kGroupHelp),
};
constexpr std::array kInstrumentKeys{
    number("tick", Form::decimal, kAsDefault, kAboveZero, kMaxPriceBound, kTickHelp),
    number("lot", Form::decimal, kAsDefault, kAboveZero, kMaxQtyBound, kLotHelp),
    plain("session", Form::hours, kAsDefault, kSessionHelp),
    plain("calendar", Form::name, kAsDefault, kCalendarHelp),
    plain("exchange", Form::name, kAsDefault, kExchangeHelp),
    plain("group", Form::name, kAsDefault, kGroupHelp),
    choice("kind", "(a share)", "share|index|future|call|put|other", "What it is."),
    plain("isin", Form::name, "(not known)", "By which a share is the same on all exchanges."),
    number("freeze", Form::decimal, "(not known)", kAboveZero, kMaxQtyBound,
           "The largest quantity that the exchange takes in one order."),
    day("expiry", "(none)",
        "A derivative's last day: what is held of it is settled as its session closes, and orders are refused after "
        "it. "
        "Where its calendar does not trade on it, the trading day before."),
    number("multiplier", Form::count, "1", decimal_of(1), decimal_of(limits::kMaxMultiplier),
           "Units of the underlying in a quantity of one: what a price of 1 is worth."),
    number("strike", Form::decimal, "(none)", kAboveZero, kMaxPriceBound,
           "Of an option. Required where its underlying settles it."),
    plain("underlying", Form::name, "(none)",
          "What a derivative is written on, by its name here; its price settles the contract."),
    choice("settlement", "cash", "cash|delivery",
           "Whether it ends in cash, as an index's, or in shares ([contracts](reference-contracts.md))."),
};
constexpr std::array kCalendarsKeys{
    plain("calendars", Form::file, "(none)", "Names, zones and the days that are known."),
    plain("sessions", Form::file, "(none)", "Phases of days."),
    plain("days", Form::file, "(none)", "Days that differ from their weekday: a holiday announced on Monday, say."),
};
constexpr std::array kActionKeys{
    plain("file", Form::file, kRequired, "A CSV of actions. Relative to the scenario's folder."),
    plain("instrument", Form::name, "(the file's instrument column)", "Whose they are."),
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
    choice("product", "none", "none|cnc|mis|nrml|mtf",
           "How an Indian broker holds what it trades, unless an order says otherwise."),
    plain("params", Form::map, "(each parameter's default)", "The strategy's own parameters."),
};
constexpr std::array kChargesKeys{
    number("per_fill", Form::decimal, "0", {}, decimal_of(1'000'000), "Currency per fill."),
    number("rate", Form::decimal, "0", {}, Decimal{kScale / 10},
           "Fraction of each fill's notional: 0.0003 is 3 basis points."),
};
constexpr std::array kRiskKeys{
    plain("allowed_instruments", Form::names, kNoLimit,
          "Only these may be traded. Each must be named elsewhere in the scenario."),
    plain("session_hours", Form::flag, "false", "Refuse orders outside the instrument's session."),
    number("max_data_age", Form::duration, kNoLimit, Decimal{kScale / 1'000}, decimal_of(31 * kDaySeconds),
           "Refuse orders when the instrument's last price is older than this."),
    number("price_band_percent", Form::decimal, kNoLimit, kAboveZero, decimal_of(100),
           "How far a limit or stop price may lie from the last price, in per cent."),
    number("max_order_quantity", Form::decimal, kNoLimit, kAboveZero, kMaxQtyBound, "Largest quantity of one order."),
    number("max_order_notional", Form::decimal, kNoLimit, kAboveZero, limits::kMaxCash,
           "Largest price times quantity of one order."),
    plain("allow_short", Form::flag, "true", "Whether positions may fall below zero."),
    number("max_position", Form::decimal, kNoLimit, kAboveZero, kMaxQtyBound,
           "Largest position in one instrument, long or short, open orders included."),
    number("max_gross_exposure", Form::decimal, kNoLimit, kAboveZero, limits::kMaxCash,
           "Largest sum of the absolute values of all positions."),
    number("max_open_orders", Form::count, kNoLimit, decimal_of(1), decimal_of(limits::kMaxOpenOrders),
           "How many orders may be open at once."),
    number("max_orders_per_second", Form::count, kNoLimit, decimal_of(1), decimal_of(limits::kMaxOrderRate),
           "How many orders may be sent in a second of event time."),
    number(
        "max_daily_loss", Form::decimal, kNoLimit, kAboveZero, limits::kMaxCash,
        "Loss since the day began at which nothing more is opened: entries are cancelled and refused, exits live on."),
    choice("max_daily_loss_latch", "trading_day", "trading_day|until_released",
           "How long that lasts: until the next trading day, or until a person releases it."),
};
/// A limit whose key nobody describes does not compile.
consteval LimitKey limit(Rule rule, std::string_view key) {
    return {rule, key, std::ranges::find(kRiskKeys, key, &Key::name)->form};
}
constexpr std::array kLimits{
    limit(Rule::price_band, "price_band_percent"),     limit(Rule::order_quantity, "max_order_quantity"),
    limit(Rule::order_notional, "max_order_notional"), limit(Rule::position, "max_position"),
    limit(Rule::gross_exposure, "max_gross_exposure"), limit(Rule::daily_loss, "max_daily_loss"),
    limit(Rule::open_orders, "max_open_orders"),       limit(Rule::order_rate, "max_orders_per_second"),
};

}  // namespace

const Section kRoot{"", "", "", {kRootKeys.begin(), kRootKeys.end()}};
const Section kAccount{"account", "{currency: INR, cash: 1000000}", "", {kAccountKeys.begin(), kAccountKeys.end()}};
const Section kData{"data",
                    "{file: ticks.csv.zst, kind: quotes}",
                    "A list of entries, each with a `file` or with `synth`.",
                    {kDataKeys.begin(), kDataKeys.end()}};
const Section kSynth{"data.synth", "{seed: 7, ticks: 1000000}", "", {kSynthKeys.begin(), kSynthKeys.end()}};
const Section kDefaultInstrument{"default_instrument",
                                 "{tick: 0.05, lot: 1, session: nse}",
                                 "",
                                 {kDefaultInstrumentKeys.begin(), kDefaultInstrumentKeys.end()}};
const Section kInstrument{
    "instruments.NAME", "{tick: 0.05, lot: 1, session: nse}", "", {kInstrumentKeys.begin(), kInstrumentKeys.end()}};
const Section kCalendars{"calendars", "{days: my-days.csv}", "", {kCalendarsKeys.begin(), kCalendarsKeys.end()}};
const Section kActions{"actions",
                       "{file: aapl-actions.csv, instrument: AAPL}",
                       "A list of entries, where it is no single path.",
                       {kActionKeys.begin(), kActionKeys.end()}};
const Section kPortfolio{"portfolios.NAME", "{cash: 500000}", "", {kPortfolioKeys.begin(), kPortfolioKeys.end()}};
const Section kStrategy{"strategies",
                        "{id: cross, use: ema_cross, instruments: [IBM], params: {fast: 10, slow: 30}}",
                        "A list of entries.",
                        {kStrategyKeys.begin(), kStrategyKeys.end()}};
const Section kCharges{"charges", "{per_fill: 20, rate: 0.0003}", "", {kChargesKeys.begin(), kChargesKeys.end()}};
const Section kRisk{"risk", "{max_order_quantity: 10000}", "", {kRiskKeys.begin(), kRiskKeys.end()}};

namespace {

struct BrokerSections {
    Section flat;    ///< broker.NAME
    Section nested;  ///< brokers.NAME.KIND
};

/// By kind, as broker_catalog().
const std::vector<BrokerSections>& broker_sections() {
    static const std::string kKinds = fmt::format("{}", fmt::join(broker_kinds(), "|"));
    static const std::vector<BrokerSections> kAll = [] {
        std::vector<BrokerSections> all;
        for (const BrokerSpec& spec : broker_catalog()) {
            BrokerSections& of = all.emplace_back();
            of.nested = {fmt::format("brokers.NAME.{}", spec.kind),
                         std::string(spec.example),
                         "",
                         {spec.keys.begin(), spec.keys.end()}};
            of.flat = of.nested;
            of.flat.path = all.size() == 1 ? "broker.NAME" : fmt::format("broker.NAME of kind {}", spec.kind);
            of.flat.keys.insert(of.flat.keys.begin(),
                                choice("kind", "(the broker's name)", kKinds, "Which broker it is."));
        }
        return all;
    }();
    return kAll;
}

const BrokerSections& sections_of(const BrokerSpec& spec) {
    return broker_sections()[static_cast<std::size_t>(&spec - broker_catalog().data())];
}

}  // namespace

const Section& broker_section(const BrokerSpec& spec) {
    return sections_of(spec).flat;
}

const Section& settings_section(const BrokerSpec& spec) {
    return sections_of(spec).nested;
}

const Section& brokers_section() {
    static const Section kSection = [] {
        const std::span<const BrokerSpec> all = broker_catalog();
        Section section{"brokers.NAME", fmt::format("{{{}: {}}}", all.front().kind, all.front().example), "", {}};
        for (const BrokerSpec& spec : all) {
            section.keys.push_back(
                plain(spec.kind, Form::map, all.size() == 1 ? kRequired : "(another kind)", spec.help));
        }
        return section;
    }();
    return kSection;
}

std::span<const LimitKey> limit_keys() {
    return kLimits;
}

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

namespace {

std::string seconds_text(Decimal seconds) {
    return to_string(Duration{static_cast<std::int64_t>(seconds.raw * (kSecondNs / kScale))});
}

std::string range_text(const Key& key) {
    const bool time = key.form == Form::duration;
    const auto text = [&](Decimal bound) { return time ? seconds_text(bound) : to_string(bound); };
    return key.min == kAboveZero ? fmt::format("above 0, at most {}", text(key.max))
                                 : fmt::format("from {} to {}", text(key.min), text(key.max));
}

}  // namespace

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
    case Form::charges: return "none, zerodha, the path of a table, or a map";
    case Form::table: return "none, zerodha or the path of a table";
    case Form::actions: return "the path of a table, or a list";
    }
    ALPHA_ASSERT(false, "a form without a description");
    return {};
}

namespace {

constexpr std::string_view kTableHead = "| key | write | default | meaning |\n|---|---|---|---|\n";

std::string row_of(std::string_view name, std::string_view write, std::string_view fallback, std::string_view help) {
    const bool literal = fallback != kRequired && !fallback.starts_with('(');
    const std::string_view words = fallback.starts_with('(') ? fallback.substr(1, fallback.size() - 2) : fallback;
    return fmt::format("| `{}` | {} | {}{}{} | {} |\n", name, write, literal ? "`" : "", words, literal ? "`" : "",
                       help);
}

}  // namespace

std::string table_of(const Section& section) {
    std::string out(kTableHead);
    for (const Key& key : section.keys) {
        out += row_of(key.name, describe(key), key.fallback, key.help);
    }
    return out;
}

std::string scenario_reference() {
    std::string out = "# Scenario files\n\n"
                      "Every key of a scenario. This page is generated from the tables that validate one "
                      "(config/keys.cpp); a test keeps them equal.\n\n"
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
    std::vector<const Section*> sections{&kRoot,       &kAccount,   &kData,    &kSynth,     &kDefaultInstrument,
                                         &kInstrument, &kCalendars, &kActions, &kPortfolio, &kStrategy};
    const std::vector<BrokerSections>& brokers = broker_sections();
    for (const BrokerSections& of : brokers) {
        sections.push_back(&of.flat);
    }
    sections.push_back(&brokers_section());
    for (const BrokerSections& of : brokers) {
        sections.push_back(&of.nested);
    }
    sections.insert(sections.end(), {&kCharges, &kRisk});
    for (const Section* section : sections) {
        out += section->path.empty() ? "\n## Top level\n\n" : fmt::format("\n## {}\n\n", section->path);
        if (!section->help.empty()) {
            out += fmt::format("{} ", section->help);
        }
        if (!section->example.empty()) {
            out += fmt::format("For example `{}`.\n\n", section->example);
        }
        out += table_of(*section);
    }
    out += "\n## Strategies\n";
    for (const StrategySpec& spec : strategy_catalog()) {
        out += fmt::format("\n### {}\n\n{}; trades on {}.\n\n", spec.name, spec.summary, name_of(spec.uses));
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
            out += row_of(param.name, describe(key), param.default_value.empty() ? kRequired : param.default_value,
                          param.help);
        }
    }
    return out;
}

}  // namespace alpha::config
