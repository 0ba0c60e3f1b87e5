#include "adapters/data/import.hpp"
#include "adapters/data/synth.hpp"
#include "cli/command.hpp"
#include "cli/data_check.hpp"
#include "store/data_set.hpp"
#include "store/disk.hpp"
#include "views/json.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <system_error>

namespace alpha {
namespace {

namespace fs = std::filesystem;

struct ImportRequest {
    std::string file;
    std::string kind;
    std::string instrument;
    std::string interval;
    std::string to;
};

struct InfoRequest {
    std::string file;
    std::string kind;  ///< empty: told from the header
    std::string instrument;
    std::string interval;
};

struct SynthRequest {
    SynthSpec spec;
    std::string first_day;
    std::string to;
};

constexpr std::string_view kDataSetSuffix = ".alpha";
constexpr std::string_view kCsvSuffix = ".csv";

const char* kind_name(DataKind kind) {
    return kind == DataKind::quotes ? "quotes" : "bars";
}

/// What a data set or CSV holds, however it was found out.
struct Contents {
    std::string file;
    std::string format;  ///< "data set" or "CSV"
    DataSetInfo info;
    bool has_hash = false;  ///< a CSV has none
};

std::string contents_json(const Contents& contents) {
    const DataSetInfo& info = contents.info;
    JsonObject object;
    object.text("file", contents.file).text("format", contents.format).text("kind", kind_name(info.kind));
    if (info.kind == DataKind::bars) {
        object.text("interval", to_string(info.interval)).flag("date_only", info.date_only);
    }
    object.texts("symbols", info.symbols).count("records", info.records);
    if (info.records != 0) {
        object.time_ns("first_ts_ns", info.first).time_ns("last_ts_ns", info.last);
    }
    if (contents.has_hash) {
        object.text("content_hash", to_hex(info.content_hash));
    }
    object.count("file_bytes", info.file_bytes);
    return object.done() + '\n';
}

std::string contents_text(const Contents& contents, const Style& style, const Zone& zone) {
    const DataSetInfo& info = contents.info;
    std::string symbols;
    for (const std::string& symbol : info.symbols) {
        symbols += (symbols.empty() ? "" : ", ") + symbol;
    }
    std::string text = fmt::format("{} · {} · {}\n", style.bold(contents.file), contents.format,
                                   show_bytes(static_cast<double>(info.file_bytes)));
    text += info.kind == DataKind::quotes
                ? fmt::format("records  {} quotes\n", show_count(info.records))
                : fmt::format("records  {} bars of {}{}\n", show_count(info.records), to_string(info.interval),
                              info.date_only ? ", labelled by date" : "");
    if (info.records != 0) {
        text += fmt::format("first    {}\nlast     {}\n", zone.show(info.first), zone.show(info.last));
    }
    text += fmt::format("symbols  {}: {}\n", info.symbols.size(), symbols);
    if (contents.has_hash) {
        text += fmt::format("content  {}\n", to_hex(info.content_hash));
    }
    return text;
}

void print_contents(Wiring& wiring, const Contents& contents) {
    if (wiring.json) {
        wiring.out.write(contents_json(contents));
    } else if (wiring.quiet) {
        wiring.out.write(
            fmt::format("{}: {} {}\n", contents.file, contents.info.records, kind_name(contents.info.kind)));
    } else {
        wiring.out.write(contents_text(contents, wiring.out_style, wiring.zone));
    }
}

Result<DataSource> source_of(const std::string& file, const std::string& kind, const std::string& instrument,
                             const std::string& interval) {
    DataSource source;
    source.file = file;
    source.kind = kind == "bars" ? DataKind::bars : DataKind::quotes;
    source.instrument = instrument;
    if (source.kind == DataKind::quotes) {
        if (!instrument.empty() || !interval.empty()) {
            return fail(ErrorKind::usage,
                        "--instrument and --interval belong to --kind bars; quotes name their instrument");
        }
        return source;
    }
    if (interval.empty()) {
        return fail(ErrorKind::usage, "--kind bars needs --interval, such as 1m, 5m or day");
    }
    const Result<Duration> duration = parse_duration(interval);
    if (!duration) {
        return fail(ErrorKind::usage, "--interval: " + duration.error().message);
    }
    if (*duration < kShortestBar || *duration > kLongestBar) {
        return fail(ErrorKind::usage, fmt::format("--interval {}: write a duration from {} to {}", interval,
                                                  to_string(kShortestBar), to_string(kLongestBar)));
    }
    source.interval = *duration;
    return source;
}

/// With -q too: in the data set nobody sees it any more.
void warn_of_end(const DataSource& source, const DataSetInfo& info, const Wiring& wiring) {
    if (info.lacks_end) {
        wiring.alarm(fmt::format("{}: {}", source.file, kLacksEnd));
    }
}

/// Imports `source` into a new data set and prints what is in it.
Result<int> import_to(const DataSource& source, const std::string& to, Wiring& wiring) {
    ProgressBar progress(wiring.progress);
    const Result<DataSetInfo> info =
        import_data(source, to, [&progress](const FeedProgress& at) { progress.update(at.done, at.total); });
    progress.clear();
    if (!info) {
        return tl::unexpected(info.error());
    }
    warn_of_end(source, *info, wiring);
    print_contents(wiring, {to, "data set", *info, true});
    return kExitOk;
}

Result<int> data_import(const ImportRequest& request, Wiring& wiring) {
    const Result<DataSource> source = source_of(request.file, request.kind, request.instrument, request.interval);
    if (!source) {
        return tl::unexpected(source.error());
    }
    return import_to(*source, request.to, wiring);
}

/// Reads a CSV to its end and prints what is in it.
Result<int> show_csv(const DataSource& source, Wiring& wiring) {
    ProgressBar progress(wiring.progress);
    const Result<DataSetInfo> info =
        scan_csv(source, [&progress](const FeedProgress& at) { progress.update(at.done, at.total); });
    progress.clear();
    if (!info) {
        return tl::unexpected(info.error());
    }
    warn_of_end(source, *info, wiring);
    print_contents(wiring, {source.file, "CSV", *info, false});
    return kExitOk;
}

Result<int> data_info(const InfoRequest& request, Wiring& wiring) {
    const Result<bool> exists = is_there(request.file);
    if (!exists) {
        return tl::unexpected(exists.error());
    }
    if (!*exists) {
        return fail(ErrorKind::usage, fmt::format("{}: there is no such file", request.file));
    }
    if (looks_like_data_set(request.file)) {
        const Result<std::unique_ptr<DataSetReader>> reader = DataSetReader::open(request.file);
        if (!reader) {
            return tl::unexpected(reader.error());
        }
        print_contents(wiring, {request.file, "data set", (*reader)->info(), true});
        return kExitOk;
    }
    // What the request leaves open, the file says.
    DataSource guess;
    guess.file = request.file;
    guess.kind = request.kind == "bars" ? DataKind::bars : DataKind::quotes;
    guess.instrument = request.instrument;
    if (Result<void> told = complete_from_csv(guess, request.kind.empty()); !told) {
        return tl::unexpected(told.error());
    }
    const bool is_bars = guess.kind == DataKind::bars;
    const Result<DataSource> source =
        source_of(request.file, kind_name(guess.kind), is_bars ? guess.instrument : request.instrument,
                  is_bars && request.interval.empty() ? to_string(guess.interval) : request.interval);
    if (!source) {
        return tl::unexpected(source.error());
    }
    return show_csv(*source, wiring);
}

Result<int> data_synth(const SynthRequest& request, Wiring& wiring) {
    SynthSpec spec = request.spec;
    if (!request.first_day.empty()) {
        const Result<Date> day = date_option("--first-day", request.first_day);
        if (!day) {
            return tl::unexpected(day.error());
        }
        spec.first_day = *day;
    }
    if (!request.to.ends_with(kCsvSuffix)) {
        if (!request.to.ends_with(kDataSetSuffix)) {
            return fail(ErrorKind::usage, fmt::format("--to {}: name it {} for text or {} for a data set", request.to,
                                                      kCsvSuffix, kDataSetSuffix));
        }
        DataSource source;
        source.synth = spec;
        return import_to(source, request.to, wiring);
    }
    const Result<void> written = write_synth_csv(spec, request.to);
    if (!written) {
        return tl::unexpected(written.error());
    }
    DataSource source;
    source.file = request.to;
    return show_csv(source, wiring);
}

void add_import(const Command& group, Commands& commands) {
    auto request = std::make_shared<ImportRequest>();
    const Command command =
        commands.add(group, "import", "Make a data set, which reads much faster, from a CSV",
                     "Example:\n"
                     "  alpha data import infy-1m.csv.gz --kind bars --instrument NSE:INFY --interval 1m "
                     "--to infy-1m.alpha",
                     [request](Wiring& wiring) { return data_import(*request, wiring); });
    command.option("file", request->file, "The CSV, plain, .gz or .zst").required();
    command.option("--kind", request->kind, "What its lines are: quotes or bars").required().one_of({"quotes", "bars"});
    command.option("--instrument", request->instrument, "Bars: whose they are, where the file has no such column");
    command.option("--interval", request->interval, "Bars: how long each is, such as 1m or day");
    command.option("--to", request->to, "The data set to write; refused when it exists").required();
}

void add_info(const Command& group, Commands& commands) {
    auto request = std::make_shared<InfoRequest>();
    const Command command = commands.add(
        group, "info", "What is in a data set or CSV: symbols, records, first and last",
        "Example:\n  alpha data info infy-1m.alpha", [request](Wiring& wiring) { return data_info(*request, wiring); });
    commands.prints_times(command);
    command.option("file", request->file, "A data set, or a CSV, plain, .gz or .zst").required();
    command.option("--kind", request->kind, "CSV: quotes or bars; default: told from its header")
        .one_of({"quotes", "bars"});
    command.option("--instrument", request->instrument,
                   "CSV of bars: whose they are, where the file has no such column; default: the file's name");
    command.option("--interval", request->interval,
                   "CSV of bars: how long each is; default: the shortest distance of two of them");
}

void add_synth(const Command& group, Commands& commands) {
    auto request = std::make_shared<SynthRequest>();
    const Command command =
        commands.add(group, "synth", "Make synthetic quotes from a seed: the same everywhere, always",
                     "Example:\n"
                     "  alpha data synth --seed 7 --ticks 1000000 --instruments NSE:A,NSE:B --to ticks.csv",
                     [request](Wiring& wiring) { return data_synth(*request, wiring); });
    command.option("--seed", request->spec.seed, "The seed").shows_default();
    command.option("--ticks", request->spec.ticks, "How many quotes", 1, kMaxSynthTicks).shows_default();
    command.option("--instruments", request->spec.instruments, "Names, separated by commas")
        .separated_by(',')
        .shows_default();
    command.option("--first-day", request->first_day, "First trading day, YYYY-MM-DD; default: 2024-01-01");
    command.option("--to", request->to, "NAME.csv for text, NAME.alpha for a data set; refused when it exists")
        .required();
}

}  // namespace

void add_data(Commands& commands) {
    const Command group =
        Commands::add_group(commands.program(), "data", "Market data: import it, look into it, make some",
                            "Example:\n  alpha data import ticks.csv.zst --kind quotes --to ticks.alpha");
    add_import(group, commands);
    add_info(group, commands);
    add_data_check(group, commands);
    add_synth(group, commands);
}

}  // namespace alpha
