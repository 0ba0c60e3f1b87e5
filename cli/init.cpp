#include "adapters/data/byte_source.hpp"
#include "adapters/data/feed.hpp"
#include "adapters/data/foreign.hpp"
#include "cli/command.hpp"
#include "cli/reading.hpp"
#include "config/scenario.hpp"
#include "config/suggest.hpp"
#include "events/fixed.hpp"
#include "events/limits.hpp"
#include "store/disk.hpp"
#include "strategies/catalog.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fmt/format.h>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace alpha {
namespace {

struct InitRequest {
    ReadRequest read;
    std::string use;       ///< empty: what its data suit
    std::string currency;  ///< empty: by the instruments' exchange and the file's times
    std::string to;        ///< empty: the file's name with .yaml
};

/// A strategy that needs no more than a quantity and what stands here.
struct FirstStrategy {
    std::string_view use;
    std::string_view params;
};
constexpr std::array<FirstStrategy, 3> kFirstStrategies{
    {{"buy_and_hold", ""}, {"ema_cross", "fast: 100, slow: 1000, "}, {"sma_cross", "fast: 10, slow: 30, "}}};

/// What is in the files, as a backtest reads them.
struct Contents {
    std::uint64_t records = 0;
    std::vector<std::string> symbols;
    std::vector<Price> highest;  ///< by symbol
    DataKind kind = DataKind::quotes;
    bool is_indian = false;  ///< by the instruments' exchange or the files' times
};

/// In double quotes, as YAML reads them back.
std::string yaml_text(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return quoted + '"';
}

/// One of them.
std::string record_name(DataKind kind) {
    const std::string all = name_of(kind);
    return all.substr(0, all.size() - 1);
}

/// Exchanges of India, as Kite names them.
bool is_indian(const std::string& instrument) {
    return std::ranges::any_of(std::initializer_list<std::string_view>{"NSE:", "BSE:", "NFO:", "BFO:", "MCX:", "CDS:"},
                               [&](std::string_view exchange) { return instrument.starts_with(exchange); });
}

std::string whole(Int128 number) {
    return to_string(Decimal{number * kScale});
}

/// Whether the files' times are India's: as --tz, --calendar or --session says, or as the first of them is written.
bool is_on_indian_time(const Told& told, const std::string& symbol) {
    constexpr std::int32_t kIndia = 19'800;
    const DataSource& source = told.source;
    const auto times = told.times ? told.times(symbol) : std::nullopt;
    const auto* const calendar = times ? times->calendar() : nullptr;
    if ((source.foreign.zone && source.foreign.zone->offset_s_at(Time{}) == kIndia) ||
        (calendar != nullptr && calendar->zone().offset_s_at(Time{}) == kIndia) ||
        (times && times->hours().utc_offset_s == kIndia)) {
        return true;
    }
    constexpr std::size_t kEnough = 4'096;
    std::string text(kEnough, '\0');
    auto bytes = told.set ? Result<std::unique_ptr<ByteSource>>(nullptr) : open_text(source, told.times);
    text.resize(bytes && *bytes != nullptr ? (*bytes)->read(text).value_or(0) : 0);
    const std::size_t row = std::min(text.find('\n'), text.size());
    return std::string_view(text).substr(row, text.find('\n', row + 1) - row).find("+05:30") != std::string_view::npos;
}

Result<Contents> contents_of(const Told& told, bool shows_progress) {
    Contents contents;
    contents.kind = told.source.kind;
    const auto feed = open_feed({told.source}, told.times);
    if (!feed) {
        return tl::make_unexpected(feed.error());
    }
    const auto see = [&](InstrumentId symbol, Price price) {
        ++contents.records;
        contents.highest.resize(std::max<std::size_t>(contents.highest.size(), symbol.value + 1));
        contents.highest[symbol.value] = std::max(contents.highest[symbol.value], price);
    };
    ProgressBar progress(shows_progress);
    while (true) {
        const auto records = (*feed)->next();
        if (!records) {
            return tl::make_unexpected(records.error());
        }
        if (records->empty()) {
            break;
        }
        for (const FeedRecord& record : *records) {
            if (const auto* const bar = std::get_if<BarClosed>(&record.event)) {
                see(bar->instrument, bar->high);
            } else if (const auto* const quote = std::get_if<QuoteTick>(&record.event)) {
                see(quote->instrument, quote->ask);
            } else if (const auto* const trade = std::get_if<TradeTick>(&record.event)) {
                see(trade->instrument, trade->price);
            }
        }
        const FeedProgress at = (*feed)->progress();
        progress.update(at.done, at.total);
    }
    progress.clear();
    contents.symbols = (*feed)->symbols();
    contents.highest.resize(contents.symbols.size());
    contents.is_indian = !contents.symbols.empty() &&
                         (is_indian(contents.symbols.front()) || is_on_indian_time(told, contents.symbols.front()));
    return contents;
}

/// The entry that is read as the files were just now.
std::string data_entry(const InitRequest& request, const Zone& zone) {
    const ReadRequest& read = request.read;
    const std::filesystem::path to(request.to);
    const std::filesystem::path folder = to.parent_path().empty() ? std::filesystem::path(".") : to.parent_path();
    std::string entry = "file: " + yaml_text(std::filesystem::proximate(read.files.front(), folder).string());
    // Of several instruments the strategy names those it trades.
    const bool has_one = named_instruments(read).size() == 1;
    for (const auto& [key, text] : std::initializer_list<std::pair<const char*, std::string>>{
             {"kind", read.kind},
             {"instrument", has_one ? read.instrument : ""},
             {"interval", read.interval},
             {"tz", zone.is_named() ? zone.name() : ""},
             {"from", read.from},
             {"until", read.until},
             {"dates", read.dates},
             {"decimals", read.decimals ? std::to_string(*read.decimals) : ""},
             {"duplicates", read.duplicates},
             {"resample", read.resample}}) {
        entry += text.empty() ? "" : fmt::format(", {}: {}", key, yaml_text(text));
    }
    std::string map;
    for (const std::string& each : read.map) {
        const std::size_t equals = each.find('=');
        map += fmt::format("{}{}: {}", map.empty() ? "" : ", ", yaml_text(each.substr(0, equals)),
                           yaml_text(each.substr(equals + 1)));
    }
    return map.empty() ? entry : fmt::format("{}, map: {{{}}}", entry, map);
}

/// How much is bought at once, and of what.
struct Means {
    Int128 cash = 0;  ///< whole
    Int128 quantity = 1;
    Int128 shares = 4;  ///< of the cash, of which a position may cost one
    bool is_raised = false;
};

Means means_of(Price dearest, std::size_t instruments, Int128 usual_cash) {
    Means means;
    means.cash = usual_cash;
    means.shares = std::max<Int128>(4, static_cast<Int128>(instruments) + 1);  // all of them can be held at once
    const Int128 least = dearest.raw * means.shares;
    for (Int128 power = 1; means.cash * kScale < least; power *= 10) {
        for (const int digit : {1, 2, 5}) {
            if (means.cash * kScale < least && digit * power > means.cash) {
                means.cash = digit * power;
                means.is_raised = true;
            }
        }
    }
    if (dearest.raw > 0) {
        means.quantity = std::min<Int128>(means.cash * kScale / least, limits::kMaxQty.raw / kScale);
    }
    return means;
}

std::string scenario_of(const InitRequest& request, const Contents& contents, const std::string& use,
                        const std::string& name, const Zone& zone) {
    constexpr std::size_t kMost = 5;  // a first look needs no more
    const ReadRequest& read = request.read;
    const std::string& file = read.files.front();
    const std::size_t known = contents.symbols.size();
    const std::size_t traded = named_instruments(read).size() > 1 ? known : std::min(known, kMost);
    std::string instruments;
    Price dearest;
    for (std::size_t i = 0; i < traded; ++i) {
        instruments += (i == 0 ? "" : ", ") + yaml_text(contents.symbols[i]);
        dearest = std::max(dearest, contents.highest[i]);
    }
    const std::string currency = !request.currency.empty() ? request.currency : contents.is_indian ? "INR" : "USD";
    const Means means = means_of(dearest, traded, currency == "INR" ? 1'000'000 : 100'000);
    const auto* const first = std::ranges::find(kFirstStrategies, use, &FirstStrategy::use);
    const bool has_quantity = first != kFirstStrategies.end();
    std::string text = fmt::format("# Made by alpha init from {}: {} of {}. Every line is yours to change.\n"
                                   "# What each key can be: docs/reference-scenario.md\n"
                                   "name: {}\n",
                                   file, counted(contents.records, record_name(contents.kind)),
                                   counted(known, "instrument"), yaml_text(name));
    text += fmt::format(
        "account: {{currency: {}, cash: {}}}{}\n", yaml_text(currency), whole(means.cash),
        means.is_raised ? fmt::format("  # enough for {} units at {}", whole(means.shares), to_string(dearest)) : "");
    text += fmt::format("data: [{{{}}}]\n", data_entry(request, zone));
    if (!read.calendar.empty() || !read.session.empty()) {
        text += read.calendar.empty() ? fmt::format("default_instrument: {{session: {}}}\n", yaml_text(read.session))
                                      : fmt::format("default_instrument: {{calendar: {}}}\n", yaml_text(read.calendar));
    }
    text += "strategies:\n";
    text += fmt::format("  - {{id: first, use: {}, instruments: [{}], params: {{{}}}}}\n", yaml_text(use), instruments,
                        has_quantity ? fmt::format("{}quantity: {}", first->params, whole(means.quantity)) : "");
    if (has_quantity && dearest.raw > 0) {
        text += fmt::format("    # quantity: at {}, the highest price, it costs at most 1/{} of the cash\n",
                            to_string(dearest), whole(means.shares));
    }
    if (known > traded) {
        text += fmt::format("    # the file has {} more: alpha data info {}\n", known - traded, shell_path(file));
    }
    text += contents.kind == DataKind::bars
                ? "broker: {paper: {fill: next_open}}  # decided on a close, filled at the next open\n"
                : "broker: {paper: {fill: touch}}\n";
    text += is_indian(contents.symbols.front())
                ? "charges: zerodha                    # none, or a table of your own: docs/reference-charges.md\n"
                : "charges: {rate: 0.001}              # a tenth of a per cent of what is traded: yours may differ\n";
    return text;
}

/// A strategy to begin with. Refuses (kind usage) one that would never be told of a price of these data.
Result<std::string> strategy_of(const InitRequest& request, DataKind kind) {
    if (request.use.empty()) {
        return kind == DataKind::bars ? "sma_cross" : kind == DataKind::quotes ? "ema_cross" : "buy_and_hold";
    }
    const MarketKinds held{kind == DataKind::quotes, kind == DataKind::trades, kind == DataKind::bars};
    const auto suits = [&held](const StrategySpec& spec) { return (spec.uses & held).any(); };
    const StrategySpec* const asked = find_strategy(request.use);
    if (asked == nullptr || suits(*asked)) {
        return request.use;
    }
    std::vector<std::string_view> others;
    for (const FirstStrategy& each : kFirstStrategies) {
        if (suits(*find_strategy(each.use))) {
            others.push_back(each.use);
        }
    }
    return fail(ErrorKind::usage,
                fmt::format("--use {}: reads {} alone, and {} holds {}; write {}", request.use, name_of(asked->uses),
                            request.read.files.front(), name_of(kind), config::one_of(others)));
}

Result<int> init(InitRequest request, Wiring& wiring) {
    const std::string& file = request.read.files.front();
    const std::string stem = (std::filesystem::path(file) / "").parent_path().stem().string();
    if (request.to.empty() && stem.find_first_of("*?") != std::string::npos) {
        return fail(ErrorKind::usage, "--to is missing: name the scenario to write, as in --to first.yaml");
    }
    request.to = request.to.empty() ? stem + ".yaml" : request.to;
    // Somebody may have changed the one that is there.
    const Result<bool> exists = request.to == "-" ? false : is_there(request.to);
    if (!exists || *exists) {
        return exists ? fail(ErrorKind::usage, fmt::format("{}: is there already; name another with --to", request.to))
                      : tl::make_unexpected(exists.error());
    }
    const Result<Told> told = source_of(request.read, wiring.zone);
    if (!told) {
        return tl::make_unexpected(told.error());
    }
    const Result<std::string> use = strategy_of(request, told->source.kind);
    if (!use) {
        return tl::make_unexpected(use.error());
    }
    const Result<Contents> contents = contents_of(*told, wiring.progress);
    if (!contents) {
        return tl::make_unexpected(contents.error());
    }
    if (contents->records == 0) {
        return fail(ErrorKind::data, fmt::format("{}: has no record", file));
    }
    const std::string text = scenario_of(request, *contents, *use, stem, wiring.zone);
    if (const Result<Scenario> good = parse_scenario(text, request.to); !good) {
        return fail(ErrorKind::usage,
                    fmt::format("the scenario would be refused, so it is not written:\n{}", good.error().message));
    }
    if (request.to == "-") {
        wiring.out.write(text);
        return kExitOk;
    }
    Result<OutputFile> output = OutputFile::open(request.to);
    Result<void> written = output ? output->write(text) : tl::make_unexpected(output.error());
    written = written ? output->commit() : written;
    if (!written) {
        return tl::make_unexpected(written.error());
    }
    wiring.out.write(
        wiring.quiet ? request.to + '\n'
                     : fmt::format("{}: {} of {}\nscenario: {}\nrun it:   alpha backtest {} --report {}\n", file,
                                   counted(contents->records, record_name(contents->kind)),
                                   counted(contents->symbols.size(), "instrument"), request.to, shell_path(request.to),
                                   shell_path(std::filesystem::path(request.to).replace_extension(".html").string())));
    return kExitOk;
}

}  // namespace

void add_init(Commands& commands) {
    const auto request = std::make_shared<InitRequest>();
    const Command command = commands.add(commands.program(), "init", "Write a first scenario for a file of market data",
                                         "Example:\n"
                                         "  alpha init AAPL.csv && alpha backtest AAPL.yaml --report AAPL.html\n\n"
                                         "The file may be one of yfinance, Kite, NSE and others as it was downloaded "
                                         "(docs/how-to-import.md), or a data set.",
                                         [request](Wiring& wiring) { return init(*request, wiring); });
    request->read.files.resize(1);
    command.option("file", request->read.files.front(), "The file of market data").required();
    add_reading(command, request->read);
    command.option("--to", request->to,
                   "The scenario to write; default: the file's name with .yaml; - is standard output");
    command.option("--use", request->use, "The strategy; default: sma_cross on bars, ema_cross on quotes");
    command.option("--currency", request->currency,
                   "Of the account; default: INR for exchanges of India and files with its time, else USD");
    commands.prints_times(command, std::string(kReadsIn) + ", and the scenario says so");
}

}  // namespace alpha
