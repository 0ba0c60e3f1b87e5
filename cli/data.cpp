#include "adapters/data/import.hpp"
#include "adapters/data/synth.hpp"
#include "cli/command.hpp"
#include "cli/data_check.hpp"
#include "cli/reading.hpp"
#include "store/data_set.hpp"
#include "store/disk.hpp"
#include "store/machine.hpp"
#include "views/json.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace alpha {
namespace {

namespace fs = std::filesystem;

struct ImportRequest {
    ReadRequest read;
    std::string to;
};

struct SynthRequest {
    SynthSpec spec;
    std::string first_day;
    std::string to;
};

constexpr std::string_view kDataSetSuffix = ".alpha";
constexpr std::string_view kCsvSuffix = ".csv";

/// What a data set or CSV holds, however it was found out.
struct Contents {
    std::string file;
    std::string format;  ///< "data set" or "CSV"
    DataSetInfo info;
    bool has_hash = false;  ///< a CSV has none
    std::optional<ForeignReport> foreign = std::nullopt;
};

std::string contents_json(const Contents& contents) {
    const DataSetInfo& info = contents.info;
    JsonObject object;
    object.text("file", contents.file).text("format", contents.format).text("kind", name_of(info.kind));
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
    if (contents.foreign) {
        object.text("read_as", contents.foreign->read_as).texts("did", contents.foreign->did);
    }
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
    text += info.kind != DataKind::bars
                ? fmt::format("records  {} {}\n", show_count(info.records), name_of(info.kind))
                : fmt::format("records  {} bars of {}{}\n", show_count(info.records), to_string(info.interval),
                              info.date_only ? ", labelled by date" : "");
    if (info.records != 0) {
        text += fmt::format("first    {}\nlast     {}\n", zone.show(info.first), zone.show(info.last));
    }
    text += fmt::format("symbols  {}: {}\n", info.symbols.size(), symbols);
    if (contents.has_hash) {
        text += fmt::format("content  {}\n", to_hex(info.content_hash));
    }
    if (contents.foreign) {
        text += fmt::format("read as  {}\n", contents.foreign->read_as);
        for (const std::string& did : contents.foreign->did) {
            text += fmt::format("         {}\n", did);
        }
    }
    return text;
}

void print_contents(Wiring& wiring, const Contents& contents) {
    if (wiring.json) {
        wiring.out.write(contents_json(contents));
    } else if (wiring.quiet) {
        wiring.out.write(fmt::format("{}: {} {}\n", contents.file, contents.info.records, name_of(contents.info.kind)));
    } else {
        wiring.out.write(contents_text(contents, wiring.out_style, wiring.zone));
    }
}

/// With -q too: in the data set nobody sees it any more.
void warn_of_end(const DataSource& source, const DataSetInfo& info, const Wiring& wiring) {
    if (info.lacks_end) {
        wiring.alarm(fmt::format("{}: {}", source.name(), kLacksEnd));
    }
}

/// Imports `source` into a new data set and prints what is in it.
Result<int> import_to(const Told& told, const std::string& to, Wiring& wiring) {
    ProgressBar progress(wiring.progress);
    const Result<DataSetInfo> info = import_data(
        told.source, to, [&progress](const FeedProgress& at) { progress.update(at.done, at.total); }, told.times);
    progress.clear();
    if (!info) {
        return tl::unexpected(info.error());
    }
    warn_of_end(told.source, *info, wiring);
    print_contents(wiring, {to, "data set", *info, true, told.foreign});
    return kExitOk;
}

/// What came in on standard input, as a file without a name: it is read more than once.
class Spool {
public:
    static Result<std::unique_ptr<Spool>> of_stdin(const std::string& beside) {
        const fs::path folder = fs::path(beside).parent_path();
        const std::string place = folder.empty() ? "." : folder.string();
        auto spool = std::unique_ptr<Spool>(new Spool);
        spool->descriptor_ = ::open(place.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (spool->descriptor_ < 0) {  // a file system without such files
            std::string name = place + "/.alpha-import-XXXXXX";
            spool->descriptor_ = ::mkstemp(name.data());
            if (spool->descriptor_ < 0) {
                return refused_by_system(place + ": standard input cannot be kept there", errno, ErrorKind::usage);
            }
            static_cast<void>(::unlink(name.c_str()));
        }
        std::vector<char> block(1U << 20U);
        while (true) {
            const ssize_t got = ::read(STDIN_FILENO, block.data(), block.size());
            if (got == 0) {
                return spool;
            }
            if (got < 0 && errno != EINTR) {
                return refused_by_system("standard input: cannot be read", errno, ErrorKind::data);
            }
            for (ssize_t done = 0; done < got;) {
                const ssize_t wrote =
                    ::write(spool->descriptor_, block.data() + done, static_cast<std::size_t>(got - done));
                if (wrote < 0 && errno != EINTR) {
                    return refused_by_system(place + ": standard input cannot be kept there", errno, ErrorKind::usage);
                }
                done += std::max<ssize_t>(wrote, 0);
            }
        }
    }
    ~Spool() {
        if (descriptor_ >= 0) {
            static_cast<void>(::close(descriptor_));
        }
    }
    Spool(const Spool&) = delete;
    Spool& operator=(const Spool&) = delete;
    std::string path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

private:
    Spool() = default;
    int descriptor_ = -1;
};

Result<int> data_import(const ImportRequest& request, Wiring& wiring) {
    ReadRequest read = request.read;
    const bool is_stdin = read.files == std::vector<std::string>{"-"};
    std::string to = request.to;
    if (to.empty()) {
        const std::string name = is_stdin ? std::string() : instrument_after(read.files.front());
        if (name.empty() || read.files.size() > 1 || name.find_first_of("*?") != std::string::npos) {
            return fail(ErrorKind::usage, "--to is missing: name the data set to write, as in --to prices.alpha");
        }
        to = (fs::path(read.files.front()).parent_path() / (name + std::string(kDataSetSuffix))).string();
    }
    if (const Result<bool> exists = is_there(to); exists && *exists) {  // before much is read
        return fail(ErrorKind::usage, fmt::format("{}: exists already; choose another name", to));
    }
    std::unique_ptr<Spool> spool;
    if (is_stdin) {
        auto kept = Spool::of_stdin(to);
        if (!kept) {
            return tl::unexpected(kept.error());
        }
        spool = std::move(*kept);
        read.files = {spool->path()};
    }
    for (const std::string& file : read.files) {
        if (looks_like_data_set(file)) {
            return fail(ErrorKind::usage,
                        fmt::format("{}: is a data set already; use it as it is, or copy the file", file));
        }
    }
    auto told = source_of(read, wiring.zone, is_stdin ? "standard input" : "");
    if (!told) {
        return tl::unexpected(told.error());
    }
    return import_to(*told, to, wiring);
}

/// Reads a CSV to its end and prints what is in it.
Result<int> show_csv(const Told& told, Wiring& wiring) {
    ProgressBar progress(wiring.progress);
    const Result<DataSetInfo> info =
        scan_csv(told.source, [&progress](const FeedProgress& at) { progress.update(at.done, at.total); }, told.times);
    progress.clear();
    if (!info) {
        return tl::unexpected(info.error());
    }
    warn_of_end(told.source, *info, wiring);
    print_contents(wiring, {told.source.name(), "CSV", *info, false, told.foreign});
    return kExitOk;
}

Result<int> data_info(const ReadRequest& request, Wiring& wiring) {
    const std::string& file = request.files.front();
    const Result<bool> exists = is_there(file);
    if (!exists) {
        return tl::unexpected(exists.error());
    }
    if (!*exists && file.find_first_of("*?") == std::string::npos) {
        return fail(ErrorKind::usage, fmt::format("{}: there is no such file", file));
    }
    auto told = source_of(request, wiring.zone);
    if (!told) {
        return tl::unexpected(told.error());
    }
    if (told->set) {
        print_contents(wiring, {file, "data set", *told->set, true});
        return kExitOk;
    }
    return show_csv(*told, wiring);
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
        Told told;
        told.source.synth = spec;
        return import_to(told, request.to, wiring);
    }
    const Result<void> written = write_synth_csv(spec, request.to);
    if (!written) {
        return tl::unexpected(written.error());
    }
    Told told;
    told.source.file = request.to;
    return show_csv(told, wiring);
}

void add_import(const Command& group, Commands& commands) {
    auto request = std::make_shared<ImportRequest>();
    const Command command =
        commands.add(group, "import", "Make a data set, which reads much faster, from CSVs and other programs' files",
                     "Example:\n  alpha data import AAPL.csv --to aapl.alpha",
                     [request](Wiring& wiring) { return data_import(*request, wiring); });
    commands.prints_times(command, kReadsIn);
    command.option("file", request->read.files, "Files, plain, .gz, .zst or .zip; folders; or - for standard input")
        .required();
    add_reading(command, request->read);
    command.option("--to", request->to,
                   "The data set to write; refused when it exists; default: beside the file, named after it");
}

void add_info(const Command& group, Commands& commands) {
    auto request = std::make_shared<ReadRequest>();
    const Command command = commands.add(
        group, "info", "What is in a data set, a CSV or another program's file: symbols, records, first and last",
        "Example:\n  alpha data info infy-1m.alpha", [request](Wiring& wiring) { return data_info(*request, wiring); });
    commands.prints_times(command, kReadsIn);
    request->files.resize(1);
    command.option("file", request->files.front(), "A data set, or a file as `data import` takes it").required();
    add_reading(command, *request);
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
