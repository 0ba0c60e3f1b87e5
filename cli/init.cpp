#include "adapters/data/import.hpp"
#include "cli/command.hpp"
#include "config/zones.hpp"
#include "store/data_set.hpp"
#include "store/disk.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <string_view>

namespace alpha {
namespace {

struct InitRequest {
    std::string file;
    std::string use;       ///< empty: what its data suit
    std::string currency;  ///< empty: by the instruments' exchange
    std::string to;        ///< empty: the file's name with .yaml
};

/// In double quotes, as YAML reads them back.
std::string yaml_text(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return quoted + '"';
}

Result<DataSetInfo> contents_of(const InitRequest& request, DataSource& source) {
    if (looks_like_data_set(request.file)) {
        return DataSetReader::open(request.file).map([](const std::unique_ptr<DataSetReader>& reader) {
            return reader->info();
        });
    }
    if (const auto told = complete_from_csv(source, true); !told) {
        return tl::make_unexpected(told.error());
    }
    return scan_csv(source, nullptr);
}

/// Exchanges of India, as Kite names them.
bool is_indian(const std::string& instrument) {
    return std::ranges::any_of(std::initializer_list<std::string_view>{"NSE:", "BSE:", "NFO:", "BFO:", "MCX:", "CDS:"},
                               [&](std::string_view exchange) { return instrument.starts_with(exchange); });
}

std::string scenario_of(const InitRequest& request, const DataSetInfo& info, const std::string& name,
                        const Zone& zone) {
    constexpr std::size_t kMost = 5;  // a first look needs no more
    const bool are_bars = info.kind == DataKind::bars;
    const std::string use = !request.use.empty() ? request.use : are_bars ? "sma_cross" : "ema_cross";
    std::string instruments;
    for (std::size_t i = 0; i < std::min(info.symbols.size(), kMost); ++i) {
        instruments += (i == 0 ? "" : ", ") + yaml_text(info.symbols[i]);
    }
    const bool in_india = !info.symbols.empty() && is_indian(info.symbols.front());
    const std::string currency = !request.currency.empty() ? request.currency : in_india ? "INR" : "USD";
    const std::string params = use == "sma_cross"      ? "{fast: 10, slow: 30, quantity: 10}"
                               : use == "ema_cross"    ? "{fast: 100, slow: 1000, quantity: 10}"
                               : use == "buy_and_hold" ? "{quantity: 10}"
                                                       : "{}";
    std::string text = fmt::format("# Made by alpha init from {}: {} {} of {}. Every line is yours to change.\n"
                                   "# What each key can be: docs/reference-scenario.md\n",
                                   request.file, info.records, are_bars ? "bars" : "quotes",
                                   counted(info.symbols.size(), "instrument"));
    const std::string tz = zone.is_named() ? fmt::format(", tz: {}", yaml_text(zone.name())) : "";
    text += fmt::format("name: {}\naccount: {{currency: {}, cash: {}}}\n", yaml_text(name), currency,
                        in_india ? "1000000" : "100000");
    const std::filesystem::path written(request.to);
    const std::filesystem::path from =
        written.parent_path().empty() ? std::filesystem::path(".") : written.parent_path();
    text +=
        fmt::format("data: [{{file: {}{}}}]\n", yaml_text(std::filesystem::proximate(request.file, from).string()), tz);
    text += "strategies:\n";
    text += fmt::format("  - {{id: first, use: {}, instruments: [{}], params: {}}}\n", use, instruments, params);
    if (info.symbols.size() > kMost) {
        text += fmt::format("    # the file has {} more: alpha data info {}\n", info.symbols.size() - kMost,
                            shell_path(request.file));
    }
    text += are_bars ? "broker: {paper: {fill: next_open}}  # decided on a close, filled at the next open\n"
                     : "broker: {paper: {fill: touch}}\n";
    text += in_india
                ? "charges: zerodha                    # none, or a table of your own: docs/reference-charges.md\n"
                : "charges: {rate: 0.001}              # a tenth of a per cent of what is traded: yours may differ\n";
    return text;
}

Result<int> init(InitRequest request, Wiring& wiring) {
    DataSource source;
    source.file = request.file;
    if (wiring.zone.is_named()) {
        Result<markets::Zone> zone = config::zone_of_data(wiring.zone.name());
        if (!zone) {
            return tl::make_unexpected(zone.error());
        }
        source.foreign.zone = std::move(*zone);
    }
    const Result<DataSetInfo> info = contents_of(request, source);
    if (!info) {
        return tl::make_unexpected(info.error());
    }
    if (info->records == 0) {
        return fail(ErrorKind::data, fmt::format("{}: has no record", request.file));
    }
    const std::string stem = std::filesystem::path(request.file).stem().string();
    request.to = request.to.empty() ? stem + ".yaml" : request.to;
    const std::string text = scenario_of(request, *info, stem, wiring.zone);
    if (request.to == "-") {
        wiring.out.write(text);
        return kExitOk;
    }
    // Somebody may have changed the one that is there.
    const Result<bool> exists = is_there(request.to);
    if (!exists || *exists) {
        return exists ? fail(ErrorKind::usage, fmt::format("{}: is there already; name another with --to", request.to))
                      : tl::make_unexpected(exists.error());
    }
    Result<OutputFile> file = OutputFile::open(request.to);
    Result<void> written = file ? file->write(text) : tl::make_unexpected(file.error());
    written = written ? file->commit() : written;
    if (!written) {
        return tl::make_unexpected(written.error());
    }
    wiring.out.write(
        wiring.quiet
            ? request.to + '\n'
            : fmt::format("{}: {} {} of {}\nscenario: {}\nrun it:   alpha backtest {} --report {}\n", request.file,
                          show_count(info->records), info->kind == DataKind::bars ? "bars" : "quotes",
                          counted(info->symbols.size(), "instrument"), request.to, shell_path(request.to),
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
    command.option("file", request->file, "The file of market data").required();
    command.option("--to", request->to,
                   "The scenario to write; default: the file's name with .yaml; - is standard output");
    command.option("--use", request->use, "The strategy; default: sma_cross on bars, ema_cross on quotes");
    command.option("--currency", request->currency, "Of the account; default: INR for exchanges of India, else USD");
    commands.prints_times(command, ". A file's times without an offset are read in it, and the scenario says so");
}

}  // namespace alpha
