#include "cli/command.hpp"
#include "runtime/crash.hpp"
#include "runtime/isolation.hpp"
#include "runtime/scenario.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fmt/format.h>
#include <iostream>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>

namespace alpha {
namespace {

std::atomic<bool> g_stop{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch a lock-free flag");

constexpr std::array kStopSignals{SIGINT, SIGTERM, SIGHUP};

extern "C" void on_stop_signal(int /*signal*/) {
    g_stop.store(true);
    for (const int each : kStopSignals) {
        std::signal(each, SIG_DFL);
    }
}

/// A variable of the environment that is set to something. Read on the main thread before any other
/// exists.
bool is_set(const char* variable) {
    const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): no other thread runs yet
    return value != nullptr && *value != '\0';
}

bool is_dumb_terminal() {
    const char* term = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): no other thread runs yet
    return term != nullptr && std::string_view(term) == "dumb";
}

/// The innermost command that was named on the command line.
CLI::App* named_command(CLI::App& app) {
    CLI::App* command = &app;
    while (!command->get_subcommands().empty()) {
        command = command->get_subcommands().front();
    }
    return command;
}

/// "backtest", "golden check"; empty for the program itself.
std::string command_path(const CLI::App* command) {
    std::string path;
    for (; command->get_parent() != nullptr; command = command->get_parent()) {
        path.insert(0, command->get_name() + (path.empty() ? "" : " "));
    }
    return path;
}

/// `; did you mean ...?` with the closest of `known`, or nothing.
std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
    const std::vector<std::string_view> names(known.begin(), known.end());
    const std::string meant = did_you_mean(word, names);
    return meant.empty() ? "" : fmt::format("; did you mean {}?", meant);
}

/// What CLI11 could not place, the first as typed; empty when everything was placed. It lists leftovers in an order of its own.
std::string first_leftover(const CLI::App& app, int argc, char** argv) {
    const std::vector<std::string> leftovers = app.remaining(true);
    for (int i = 1; i < argc; ++i) {
        if (std::find(leftovers.begin(), leftovers.end(), argv[i]) != leftovers.end()) {
            return argv[i];
        }
    }
    return {};
}

/// CLI11's error in our words: what was not understood and what was probably meant.
std::string explain(CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
    CLI::App* command = named_command(app);
    const std::vector<CLI::App*> subcommands = command->get_subcommands({});
    const std::string leftover = first_leftover(app, argc, argv);
    // A missing argument is most often a misspelt one, so what was left over explains both kinds of error. They are told
    // by exit code, because CLI11 2.1 puts the command's name where the error's name belongs.
    const bool from_leftover =
        !leftover.empty() && (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError) ||
                              error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError));
    std::vector<std::string> known;
    std::string message;
    if (from_leftover && leftover.starts_with('-')) {
        const std::string option = leftover.substr(0, leftover.find('='));
        for (const CLI::Option* each : command->get_options()) {
            for (const std::string& name : each->get_lnames()) {
                known.push_back("--" + name);
            }
        }
        message = fmt::format("unknown option {}{}", option, suggestion(option, known));
    } else if (from_leftover && !subcommands.empty()) {
        for (const CLI::App* each : subcommands) {
            known.push_back(each->get_name());
        }
        message = fmt::format("unknown command {}{}", leftover, suggestion(leftover, known));
    } else if (from_leftover) {
        message = fmt::format("unexpected argument {}", leftover);
    } else if (!subcommands.empty() && command->get_subcommands().empty()) {
        message = "a command is missing";
    } else {
        message = error.what();
    }
    const std::string path = command_path(command);
    return fmt::format("{} (see alpha {}{}--help)", message, path, path.empty() ? "" : " ");
}

/// Flushes, says what went wrong, and returns the exit code.
int conclude(const Result<int>& code, Output& out, const Style& err_style) {
    // What was printed before an error (the stories that did pass, say) is flushed first, so that
    // the error comes last.
    const Result<void> printed = out.finish();
    if (!code) {
        print_error(code.error(), err_style);
        return static_cast<int>(code.error().kind);
    }
    if (!printed) {
        print_error(printed.error(), err_style);
        return static_cast<int>(printed.error().kind);
    }
    return *code;
}

int run_program(int argc, char** argv) {
    // A reader that goes away shows as a failed write, which Output takes as the end, not as a
    // death by signal that would leave an unfinished journal behind.
    std::signal(SIGPIPE, SIG_IGN);

    const bool wants_colours = !is_set("NO_COLOR") && !is_dumb_terminal();
    const bool err_is_terminal = isatty(STDERR_FILENO) == 1;
    const Style err_style(wants_colours && err_is_terminal);

    CLI::App app("alpha: a deterministic, event-sourced trading engine. The same scenario gives "
                 "the same log, byte for byte.",
                 "alpha");
    app.set_version_flag("--version", "alpha " ALPHA_VERSION);
    app.require_subcommand(1);
    app.footer("Example:\n  alpha backtest scenarios/demo.yaml\n\n"
               "Exit codes: 0 ok, 1 internal, 2 usage or configuration, 3 data, 4 golden or "
               "verification mismatch,\n"
               "5 broker or authentication, 6 risk halt, 130 interrupted.");

    CommonOptions common;
    Commands commands(common);
    add_backtest(app, commands);
    add_live(app, commands);
    add_status(app, commands);
    add_kill(app, commands);
    add_golden(app, commands);
    add_log(app, commands);
    add_show(app, commands);
    add_replay(app, commands);
    add_verify(app, commands);
    add_diff(app, commands);
    add_fork(app, commands);
    add_data(app, commands);

    if (argc <= 1) {
        std::cerr << app.help();
        return static_cast<int>(ErrorKind::usage);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& help_or_version) {
        return app.exit(help_or_version, std::cout, std::cerr);
    } catch (const CLI::ParseError& error) {
        print_error({ErrorKind::usage, explain(app, error, argc, argv)}, err_style);
        return static_cast<int>(ErrorKind::usage);
    }

    const CommandRun* run = commands.find(named_command(app));
    ALPHA_ASSERT(run != nullptr, "a command without anything to do");
    tell_of_crashes_in(common.log_file);
    const Loggers loggers({.verbosity = common.quiet ? -1 : common.verbose, .file = common.log_file});
    Output out;
    Wiring wiring{.out = out,
                  .out_style = Style(wants_colours && isatty(STDOUT_FILENO) == 1),
                  .err_style = err_style,
                  .loggers = loggers,
                  .json = common.json,
                  .quiet = common.quiet,
                  .progress = err_is_terminal && !common.quiet && !is_dumb_terminal(),
                  .in_ci = is_set("CI")};
    return conclude((*run)(wiring), out, err_style);
}

}  // namespace

void Output::write(std::string_view text) {
    if (!closed_ && error_ == 0 && std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
        note_failure();
    }
}

Result<void> Output::finish() {
    if (!closed_ && error_ == 0 && std::fflush(stdout) != 0) {
        note_failure();
    }
    if (error_ != 0) {
        return fail(ErrorKind::internal,
                    fmt::format("cannot write to standard output: {}", std::generic_category().message(error_)));
    }
    return {};
}

void Output::note_failure() {
    if (errno == EPIPE) {
        closed_ = true;
    } else {
        error_ = errno;
    }
}

void Wiring::note(std::string_view text) const {
    if (!quiet) {
        std::fputs(fmt::format("{} {}\n", err_style.yellow("!"), text).c_str(), stderr);
    }
}

CLI::App& Commands::add(CLI::App& parent, const std::string& name, const std::string& summary,
                        const std::string& example, CommandRun run) {
    CLI::App& command = *parent.add_subcommand(name, summary);
    command.footer(example);
    command.add_flag("--json", common_->json, "One JSON value a line instead of text for people");
    command.add_flag("-q,--quiet", common_->quiet, "No progress, no warnings; results in as few words as possible");
    command.add_flag("-v,--verbose", common_->verbose, "Log what happens (repeat for more: -vv debug, -vvv trace)");
    command.add_option("--log-file", common_->log_file, "Also append the log, at debug level, to this file");
    entries_.push_back({&command, std::move(run)});
    return command;
}

CLI::App& Commands::add_group(CLI::App& parent, const std::string& name, const std::string& summary,
                              const std::string& example) {
    CLI::App& group = *parent.add_subcommand(name, summary);
    group.footer(example);
    group.require_subcommand(1);
    return group;
}

const CommandRun* Commands::find(const CLI::App* command) const {
    for (const Entry& entry : entries_) {
        if (entry.command == command) {
            return &entry.run;
        }
    }
    return nullptr;
}

Result<int> read_isolated(Wiring& wiring, const std::string& task, const std::function<Result<int>()>& work) {
    return run_isolated("Reading " + task, [&] { return conclude(work(), wiring.out, wiring.err_style); });
}

Result<Plugins> load_plugins(const std::vector<std::string>& libraries, const Journal& journal, const Wiring& wiring) {
    Plugins plugins;
    for (const std::string& library : libraries) {
        if (const Result<void> loaded = plugins.load(library); !loaded) {
            return fail(loaded.error().kind, "--plugin: " + loaded.error().message);
        }
    }
    for (const std::string& difference : plugins.differences(journal.info().notes)) {
        wiring.note(difference);
    }
    return plugins;
}

double peak_rss_mb() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024.0;  // Linux reports kB
}

const std::atomic<bool>& stop_on_signals() {
    for (const int each : kStopSignals) {
        // Under nohup a hang-up stays ignored.
        if (std::signal(each, on_stop_signal) == SIG_IGN && each == SIGHUP) {
            std::signal(each, SIG_IGN);
        }
    }
    return g_stop;
}

void print_error(const Error& error, const Style& style) {
    std::string_view rest = error.message;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        std::fputs(fmt::format("{} {}\n", style.red("error:"), rest.substr(0, end)).c_str(), stderr);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
}

}  // namespace alpha

int main(int argc, char** argv) {
    try {
        return alpha::run_program(argc, argv);
    } catch (const std::exception& error) {
        std::fputs("error: internal: ", stderr);
        std::fputs(error.what(), stderr);
        std::fputs("\n", stderr);
        return static_cast<int>(alpha::ErrorKind::internal);
    }
}
