#include "cli/command.hpp"
#include "cli/control.hpp"
#include "cli/report.hpp"
#include "cli/summary.hpp"
#include "config/brokers.hpp"
#include "config/suggest.hpp"
#include "plugins/crash.hpp"
#include "results/export.hpp"
#include "results/report.hpp"
#include "runtime/notifier.hpp"
#include "runtime/scheduling.hpp"
#include "runtime/session.hpp"
#include "store/background_log.hpp"
#include "store/disk.hpp"
#include "store/journal.hpp"
#include "store/trial_ledger.hpp"
#include "views/as_json.hpp"
#include "views/csv.hpp"
#include "views/projection.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <limits>
#include <memory>
#include <optional>
#include <spdlog/logger.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace alpha {
namespace {

constexpr Duration kLongestSession{366 * kDayNs};
constexpr Duration kLongestSpin{kSecondNs};

/// Events between two snapshots of a live session: what starting again decides at most, in a few ms.
constexpr Seq kLiveSnapshotEvents = Seq{1} << 16U;

constexpr const char* kStrictHelp =
    "Data without a record, or without what a strategy trades on, are an error (exit code 3) and no warning";

/// What backtest and live are asked for.
struct RunRequest {
    std::string scenario;
    std::string journal;
    std::string fills;
    std::string trades;
    std::string report;
    std::string ledger = kTrialLedger;      ///< backtest
    std::string broker = "paper";           ///< live
    bool is_strict = false;                 ///< data that lack something are an error
    std::string speed = "max";              ///< live
    std::string duration;                   ///< live: real time; empty: until the data end
    std::string spin = "200us";             ///< live
    std::optional<unsigned> cpu;            ///< live
    bool commit_orders = false;             ///< live
    std::string rotate;                     ///< live: "day", or empty
    std::uint32_t callback_ms_max = 1'000;  ///< live
};

constexpr std::string_view kFillColumns =
    "ts_ns,instrument,side,quantity,price,order,strategy,portfolio,product,notional,charges,realized_pnl,tag,time";

/// The fills as a CSV.
class FillsFile {
public:
    static Result<FillsFile> open(const std::string& path) {
        return OutputFile::open(path).map([](OutputFile file) { return FillsFile(std::move(file)); });
    }

    void add(const FillRow& fill) {
        const bool has_product = fill.product != Product::none;
        write(fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", fill.time.ns, csv_field(fill.instrument),
                          fill.side == Side::buy ? "BUY" : "SELL", to_string(fill.quantity), to_string(fill.price),
                          fill.order.value, csv_field(fill.strategy), csv_field(fill.portfolio),
                          has_product ? name_of(fill.product) : "", to_string(fill.notional), to_string(fill.charges),
                          to_string(fill.realized_pnl), csv_field(fill.tag), to_iso(fill.time)));
    }
    Result<void> commit() { return written_ ? file_.commit() : written_; }

private:
    explicit FillsFile(OutputFile file) : file_(std::move(file)) { write(std::string(kFillColumns) + '\n'); }

    void write(const std::string& text) {
        if (written_) {
            written_ = file_.write(text);
        }
    }

    OutputFile file_;
    Result<void> written_;  ///< or the first write that failed
};

/// The scenario's name as one plain part of a path.
std::string file_name_of(const std::string& scenario) {
    std::string name;
    for (const char c : scenario) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || (c == '.' && !name.empty());
        name += plain ? c : '-';
    }
    return name.empty() ? "run" : name;
}

/// A log to run into, and what it holds already.
struct OpenedLog {
    std::string path;
    std::unique_ptr<LogWriter> log;
    std::unique_ptr<Journal> stored;   ///< null: nothing
    std::unique_ptr<Control> control;  ///< of a live session
};

/// While it lives, nobody who logs waits; what was logged comes before what is printed behind it.
class LoggedAside {
public:
    /// Null: all stays as it is.
    explicit LoggedAside(const Loggers* loggers) : loggers_(loggers) {
        if (loggers_ != nullptr) {
            loggers_->begin_aside();
        }
    }
    LoggedAside(const LoggedAside&) = delete;
    LoggedAside& operator=(const LoggedAside&) = delete;
    ~LoggedAside() { end(); }
    void end() const {
        if (loggers_ != nullptr) {
            loggers_->end_aside();
        }
    }

private:
    const Loggers* loggers_;
};

/// No output of the run may be what it reads, nor lie in its journal.
Result<void> check_outputs(const RunRequest& request, bool is_live, const std::string& journal,
                           const Scenario& scenario, const Wiring& wiring) {
    std::vector<InUse> in_use = inputs_of(scenario);
    in_use.push_back({"the journal", journal});
    Result<void> apart = check_apart("--ledger", is_live ? "" : request.ledger, in_use);
    in_use.push_back({"the trial ledger", request.ledger});
    apart = apart ? check_apart("--log-file", wiring.log_file, in_use) : apart;
    in_use.push_back({"the log file", wiring.log_file});
    for (const auto& [option, path] : {std::pair<const char*, const std::string&>{"--fills", request.fills},
                                       {"--trades", request.trades},
                                       {"--report", request.report}}) {
        apart = apart ? check_apart(option, path, in_use) : apart;
        in_use.push_back({option, path});
    }
    return apart ? check_replaced(request.report, kHtmlReport) : apart;
}

/// "-" is standard output, as everywhere.
Result<std::optional<OutputFile>> open_output(const std::string& path) {
    if (path.empty()) {
        return std::optional<OutputFile>{};
    }
    return OutputFile::open(path == "-" ? "/dev/stdout" : path).map([](OutputFile file) {
        std::optional<OutputFile> opened;
        opened.emplace(std::move(file));
        return opened;
    });
}

/// Files of what follows from the log alone: it is read from the log, as anybody would later.
class ResultFiles {
public:
    /// Refuses what cannot be written before anything is run.
    static Result<ResultFiles> open(const RunRequest& request) {
        Result<std::optional<OutputFile>> trades = open_output(request.trades);
        Result<std::optional<OutputFile>> report = open_output(request.report);
        if (!trades || !report) {
            return tl::make_unexpected(trades ? report.error() : trades.error());
        }
        return ResultFiles(std::move(*trades), std::move(*report), request.ledger);
    }
    Result<void> write(const std::string& journal) {
        if (!trades_ && !report_) {
            return {};
        }
        const Result<FoldedResults> folded = results_of_journal(journal, {}, ledger_);
        if (!folded) {
            return tl::make_unexpected(folded.error());
        }
        Result<void> written;
        if (trades_) {
            written = write_whole(*trades_, trades_csv(folded->results, folded->results.lots));
        }
        return written && report_ ? write_whole(*report_, report_html(folded->results)) : written;
    }

private:
    ResultFiles(std::optional<OutputFile> trades, std::optional<OutputFile> report, std::string ledger)
        : trades_(std::move(trades)), report_(std::move(report)), ledger_(std::move(ledger)) {}
    static Result<void> write_whole(OutputFile& file, const std::string& text) {
        const Result<void> written = file.write(text);
        return written ? file.commit() : written;
    }
    std::optional<OutputFile> trades_;
    std::optional<OutputFile> report_;
    std::string ledger_;
};

/// That this was tried. Where it cannot be written down the run is no worse, but who looks at the best of many should know.
void note_trial(const std::string& ledger, const Scenario& scenario, const RunResult& result, const Wiring& wiring) {
    TrialRow row;
    row.when = time_of_machine();
    row.family = trial_family(scenario.config);
    row.log_head = result.log_head;
    row.initial_cash = result.initial_cash;
    for (const DayEquity& day : result.day_equity) {
        row.days.emplace_back(day.date, day.equity);
    }
    LedgerWait wait;
    wait.stop = &stop_on_signals();
    wait.tell = [&wiring](const std::string& what) { wiring.note("waiting for the trial ledger " + what); };
    if (const Result<void> added = append_trial(ledger, std::move(row), wait); !added) {
        wiring.note("this run is not in the trial ledger: " + added.error().message);
    }
}

/// Loads the scenario, opens a log, runs the one into the other, and reports. `open` is given the journal's path, empty where a
/// backtest takes the next free one, and called before any data is read, so that a journal that cannot be used is refused at once.
template <class Open>
Result<int> run_and_report(const RunRequest& request, const std::string& command, RunOptions run, Open open,
                           Wiring& wiring) {
    const StopWatch watch;
    const LoggedAside aside(run.is_live ? &wiring.loggers : nullptr);
    run.stop = &stop_on_signals();
    run.is_strict = request.is_strict;
    run.log = wiring.loggers.of("session");
    const Result<Scenario> scenario = load_scenario(request.scenario);
    if (!scenario) {
        return tl::unexpected(scenario.error());
    }
    if (!run.is_live) {
        for (const DataSource& source : scenario->data) {
            if (source.is_stream() && source.stream != "stdin") {
                return fail(ErrorKind::usage,
                            fmt::format("{}: a backtest ends with its data, and {} has no end; run it "
                                        "with alpha live --broker paper {}",
                                        request.scenario, source.name(), shell_path(request.scenario)));
            }
        }
    }
    const std::string stem = "runs/" + file_name_of(scenario->config.name) + "-";
    std::string journal_path = request.journal.empty() && run.is_live ? stem + "live" : request.journal;
    if (Result<void> apart = check_outputs(request, run.is_live, journal_path, *scenario, wiring); !apart) {
        return tl::unexpected(apart.error());
    }
    run.log->debug("configuration: {} loaded", scenario->config.name);
    std::optional<FillsFile> fills;
    Result<ResultFiles> files = ResultFiles::open(request);
    if (!files) {
        return tl::unexpected(files.error());
    }
    RunResult result;
    {
        if (!request.fills.empty()) {
            Result<FillsFile> created = FillsFile::open(request.fills == "-" ? "/dev/stdout" : request.fills);
            if (!created) {
                return tl::unexpected(created.error());
            }
            fills.emplace(std::move(*created));
        }
        Result<OpenedLog> opened = open(journal_path, stem, run);
        if (!opened) {
            return tl::unexpected(opened.error());
        }
        journal_path = opened->path;
        // Of a journal that took the next free number nobody knew the name before.
        if (Result<void> apart = check_apart("--ledger", run.is_live ? "" : request.ledger,
                                             std::array{InUse{"the journal", journal_path}});
            !apart) {
            return tl::unexpected(apart.error());
        }
        std::unique_ptr<Notifier> notifier;
        if (run.is_live && !scenario->notify.empty()) {
            notifier = make_notifier(scenario->notify, wiring.loggers.of("notify"));
            run.on_alarm = [&notifier](const std::string& sentence) { notifier->say(sentence); };
        }
        ProgressBar progress(wiring.progress && !run.is_live);
        LiveLine line(wiring.progress && run.is_live, wiring.zone, wiring.loggers);
        if (fills) {
            run.on_fill = [&fills](const FillRow& fill) { fills->add(fill); };
        }
        if (wiring.progress) {
            run.on_progress = [&](const FeedProgress& at, const State& state) {
                progress.update(at.done, at.total);
                line.update(state);
            };
        }
        Result<RunResult> ran = run_scenario(*scenario, *opened->log, run, std::move(opened->stored));
        if (run.inbox != nullptr) {
            run.inbox->close();
        }
        if (!ran) {
            return tl::unexpected(ran.error());
        }
        result = std::move(*ran);
    }
    run.log->debug("stopped");
    aside.end();
    if (fills) {
        const Result<void> written = fills->commit();
        if (!written) {
            return fail(written.error().kind, fmt::format("{}\nThe run itself is whole: its journal is {}",
                                                          written.error().message, journal_path));
        }
    }

    RunFacts facts;
    if (!run.is_live && !result.interrupted) {
        note_trial(request.ledger, *scenario, result, wiring);
    }
    if (Result<void> written = files->write(journal_path); !written) {
        return fail(written.error().kind, fmt::format("{}\nThe run itself is whole: its journal is {}",
                                                      written.error().message, journal_path));
    }
    facts.trades_file = request.trades;
    facts.report_file = request.report;
    facts.command = command + shell_path(request.scenario);
    facts.journal = journal_path;
    facts.fills_file = request.fills;
    facts.wall_s = watch.seconds();
    facts.peak_rss_mb = peak_rss_mb();
    if (wiring.json) {
        wiring.out.write(run_json(result, warnings_of(*scenario, result, facts.journal), facts) + '\n');
    } else if (wiring.quiet) {
        wiring.out.write(run_summary_line(result, facts));
    } else {
        wiring.out.write(run_summary(*scenario, result, facts, wiring.zone, wiring.out_style));
    }
    const std::vector<std::string> halts = halts_of(result, facts.journal);
    for (const std::string& warning : warnings_of(*scenario, result, facts.journal)) {
        const bool is_of_data =
            std::ranges::find(result.data_warnings, warning, &DataWarning::text) != result.data_warnings.end();
        const bool is_halt = std::ranges::find(halts, warning) != halts.end();
        if (is_of_data || (is_halt && wiring.quiet)) {
            wiring.alarm(warning);
        } else if (wiring.json) {
            wiring.note(warning);
        }
    }

    if (result.interrupted) {
        return kExitInterrupted;
    }
    if (std::optional<Error> lacking = strict_error(result.data_warnings); lacking && request.is_strict) {
        return tl::make_unexpected(*std::move(lacking));
    }
    return halts.empty() ? kExitOk : kExitRiskHalt;
}

Result<OpenedLog> begin_journal(const std::string& path, const std::string& stem, RunOptions&) {
    const auto opened = [](NamedJournal journal) {
        return OpenedLog{std::move(journal.path), make_background_log(std::move(journal.log)), nullptr, nullptr};
    };
    if (path.empty()) {
        return create_numbered_journal(stem).map(opened);
    }
    return create_journal(path).map([&](std::unique_ptr<LogWriter> log) { return opened({path, std::move(log)}); });
}

Result<int> backtest(const RunRequest& request, Wiring& wiring) {
    return run_and_report(request, "alpha backtest ", {}, begin_journal, wiring);
}

/// "max", or so many times as fast as real time: "1x", "10x".
Result<std::uint32_t> speed_of(const std::string& text) {
    std::uint32_t speed = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, speed);
    if (text == "max") {
        return 0;
    }
    if (read.ec != std::errc() || read.ptr + 1 != end || *read.ptr != 'x' || speed == 0) {
        return fail(ErrorKind::usage,
                    fmt::format("--speed {}: write max, or a number with an x such as 1x or 10x, at most {}x", text,
                                std::numeric_limits<std::uint32_t>::max()));
    }
    return speed;
}

/// "90s", "10m", "6h": real time, above zero.
Result<std::chrono::nanoseconds> duration_of(const char* option, const std::string& text, const char* such_as,
                                             Duration most) {
    const Result<Duration> duration = parse_duration(text);
    if (!duration || duration->ns <= 0 || *duration > most) {
        return fail(ErrorKind::usage,
                    fmt::format("{} {}: write a time such as {}, at most {}", option, text, such_as, to_string(most)));
    }
    return std::chrono::nanoseconds(duration->ns);
}

/// The journal of a session that goes on where it ends, and the line on which others ask about it.
Result<OpenedLog> resume_journal(const std::string& path, const std::string& broker, RunOptions& run,
                                 const Wiring& wiring) {
    JournalOptions options;
    options.tell = [log = run.log](const std::string& mended) { log->warn("{}", mended); };
    options.make_rows = [](const LogReader& log) {
        return rebuild_read_models(log).map([](Rebuilt&& rebuilt) { return std::move(rebuilt.rows); });
    };
    const AbortEnds damaged("Opening the journal " + path + " ended in an abort of its storage library: it is damaged.",
                            static_cast<int>(ErrorKind::data));
    Result<std::unique_ptr<LogWriter>> journal = continue_journal(path, options);
    if (!journal) {
        return tl::unexpected(journal.error());
    }
    Result<std::unique_ptr<Journal>> stored = open_journal(path);
    if (!stored) {
        return tl::unexpected(stored.error());
    }
    run.log->info("journal: {} events", (*stored)->next_seq());
    std::unique_ptr<BackgroundLog> log = make_background_log(std::move(*journal));
    run.background = log.get();
    auto control = Control::listen(
        path, answer_requests(*run.inbox, {path, broker, static_cast<std::uint64_t>(getpid())}),
        [&wiring] { wiring.loggers.reopen(); }, wiring.loggers.of("control"));
    if (!control) {
        wiring.note(control.error().message);
        return OpenedLog{path, std::move(log), std::move(*stored), nullptr};
    }
    run.log->debug("control: listening");
    return OpenedLog{path, std::move(log), std::move(*stored), std::move(*control)};
}

Result<int> live(const RunRequest& request, Wiring& wiring) {
    if (find_broker(request.broker) == nullptr) {
        return fail(ErrorKind::usage, fmt::format("there is no broker '{}' yet; write --broker {}", request.broker,
                                                  config::one_of(broker_kinds())));
    }
    if (!request.rotate.empty() && request.rotate != "day") {
        return fail(ErrorKind::usage, fmt::format("--rotate {}: write day, or leave it out", request.rotate));
    }
    const Result<std::uint32_t> speed = speed_of(request.speed);
    if (!speed) {
        return tl::unexpected(speed.error());
    }
    const Result<std::chrono::nanoseconds> duration =
        request.duration.empty() ? std::chrono::nanoseconds(0)
                                 : duration_of("--duration", request.duration, "90s, 10m or 6h", kLongestSession);
    const Result<std::chrono::nanoseconds> spin = duration_of("--spin", request.spin, "200us or 5ms", kLongestSpin);
    if (!duration || !spin) {
        return tl::unexpected(duration ? spin.error() : duration.error());
    }
    if (request.cpu) {  // before any other thread is there
        if (Result<void> reserved = reserve_cpu(*request.cpu); !reserved) {
            return fail(ErrorKind::usage, "--cpu: " + reserved.error().message);
        }
    }
    Inbox inbox;
    RunOptions run;
    run.is_live = true;
    run.cpu = request.cpu;
    run.speed = *speed;
    run.duration = *duration;
    run.spin = *spin;
    run.commit_orders = request.commit_orders;
    run.cut_days = !request.rotate.empty();
    run.snapshot_events = kLiveSnapshotEvents;
    run.callback_budget = std::chrono::milliseconds(request.callback_ms_max);
    run.inbox = &inbox;
    const auto open = [&](const std::string& path, const std::string&, RunOptions& options) {
        return resume_journal(path, request.broker, options, wiring);
    };
    return run_and_report(request, fmt::format("alpha live --broker {} ", request.broker), run, open, wiring);
}

void add_outputs(const Command& command, RunRequest& request) {
    command.option("--fills", request.fills,
                   "Also write every fill to this CSV: ts_ns,instrument,side,quantity,price, and what follows them");
    command.option("--trades", request.trades,
                   "Also write every trade, from entry to exit, to this CSV (alpha show trades)");
    command.option("--report", request.report, "Also write a report to this HTML file (alpha report)");
}

}  // namespace

void add_backtest(Commands& commands) {
    auto options = std::make_shared<RunRequest>();
    const Command command = commands.add(
        commands.program(), "backtest",
        "Run a scenario on its data with the paper broker; write the journal and a summary",
        "Example:\n"
        "  alpha backtest scenarios/demo.yaml --journal runs/mine --fills fills.csv\n\n"
        "Ctrl-C ends the run after the present step: the journal is whole, the summary printed, "
        "the exit code 130.\n"
        "Exit code 6 says that a portfolio ended with its kill switch latched, or that a strategy was halted.",
        [options](Wiring& wiring) { return backtest(*options, wiring); });
    command.option("scenario", options->scenario, "The scenario, a YAML file").required();
    commands.prints_times(command);
    command.option("--journal", options->journal, "Where to write the journal; default: runs/NAME-N, the next free N");
    command.flag("--strict", options->is_strict, kStrictHelp);
    add_outputs(command, *options);
    command
        .option("--ledger", options->ledger,
                "Where it is written down that this was tried, for reports to say out of how many a result was chosen")
        .shows_default();
}

void add_live(Commands& commands) {
    auto options = std::make_shared<RunRequest>();
    const Command command = commands.add(
        commands.program(), "live",
        "Trade with a journal that is resumed: killed at any moment, it starts again where it was",
        "Example:\n"
        "  alpha live --broker paper scenarios/demo.yaml --speed 10x --journal runs/paper\n\n"
        "The same session as backtest, byte for byte; only its journal is made durable as it goes.\n"
        "Started again with its journal, configuration and data, it goes on where it was: what was decided since the "
        "last\n"
        "checkpoint is decided again and compared, and so is the data. A changed configuration is refused (exit code "
        "2),\n"
        "so is changed data (3). Data may come from a sender, too: see stream in docs/reference-scenario.md.\n"
        "alpha status and alpha kill talk to it from another terminal; SIGHUP opens the log file anew.\n"
        "Ctrl-C or SIGTERM takes what was received, seals the journal and leaves with exit code 130.",
        [options](Wiring& wiring) { return live(*options, wiring); });
    command.option("--broker", options->broker, "Who executes the orders: " + config::one_of(broker_kinds()))
        .required();
    command.option("config,--config", options->scenario, "The scenario, a YAML file").required();
    commands.prints_times(command);
    command.option("--journal", options->journal, "Its journal, made or resumed; default: runs/NAME-live");
    command.flag("--strict", options->is_strict, kStrictHelp);
    command.option("--speed", options->speed,
                   "How fast recorded data comes: max, or times real time such as 1x or 10x; default: max");
    command.option("--duration", options->duration,
                   "End cleanly after so much real time, such as 90s, 10m or 6h; default: when the data end");
    command.option("--spin", options->spin,
                   "How long to look for the next record before sleeping: longer is faster and keeps a core awake; "
                   "default: 200us");
    command.option("--cpu", options->cpu,
                   "The number of a processor that only the thread that decides may use, with --spin the one to "
                   "choose where latency matters");
    command.flag("--commit-orders", options->commit_orders,
                 "Have every order on disk before the next record is taken, as with a broker outside of the process");
    command.option("--rotate", options->rotate,
                   "day: the frames of each day that is over get a folder of their own within the journal, which every "
                   "command takes as one; by itself a journal is one folder");
    add_outputs(command, *options);
    command.option("--callback-ms-max", options->callback_ms_max,
                   "How long a strategy from a library may take for one callback before it is halted; 0: no bound; "
                   "default: 1000");
}

}  // namespace alpha
