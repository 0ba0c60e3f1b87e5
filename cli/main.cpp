#include "cli/command.hpp"
#include "events/text.hpp"
#include "plugins/crash.hpp"
#include "runtime/isolation.hpp"
#include "store/disk.hpp"
#include "store/machine.hpp"
#include "views/json.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <new>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>

namespace alpha {
namespace {

std::atomic<bool> g_stop{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch a lock-free flag");

constexpr std::array kStopSignals{SIGINT, SIGTERM, SIGHUP};
constexpr std::size_t kLastWordsBytes = 4U << 20U;

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

/// Flushes, says what went wrong, and returns the exit code.
const char* name_of(ErrorKind kind) {
    switch (kind) {
    case ErrorKind::internal: return "internal";
    case ErrorKind::usage: return "usage";
    case ErrorKind::data: return "data";
    case ErrorKind::mismatch: return "mismatch";
    case ErrorKind::broker: return "broker";
    case ErrorKind::risk_halt: return "risk_halt";
    case ErrorKind::transient: return "transient";
    case ErrorKind::interrupted: return "interrupted";
    }
    return "internal";
}

/// What a program reads instead of the message.
std::string error_json(const Error& error) {
    JsonObject object;
    object.text("kind", name_of(error.kind))
        .count("exit_code", static_cast<std::uint64_t>(error.kind))
        .text("code", name_of(error.code))
        .flag("transient", error.is_transient());
    if (!error.place.file.empty()) {
        object.text("file", error.place.file);
    }
    if (error.place.line != 0) {
        object.count("line", error.place.line);
    }
    if (error.place.column != 0) {
        object.count("column", error.place.column);
    }
    return JsonObject().json("error", object.text("message", error.message).done()).done() + '\n';
}

/// With `json`, an error is an object on standard output too.
int conclude(const Result<int>& code, Output& out, const Style& err_style, bool json) {
    if (!code && json) {
        out.write(error_json(code.error()));
    }
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

/// Room for the last words of a process that has run out of memory.
std::unique_ptr<std::array<char, kLastWordsBytes>> g_last_words_room;

/// The end where nothing can be unwound: told as any other error, with nothing half-made left. Only one thread comes to that.
[[noreturn]] void end_at_once(const Error& error) noexcept {
    print_error(error, Style(false));
    remove_unfinished();
    _exit(static_cast<int>(error.kind));
}
void make_room_for_last_words() noexcept {
    static std::atomic<bool> g_ending{false};
    thread_local bool t_ending = false;
    if (t_ending) {
        _exit(static_cast<int>(ErrorKind::transient));  // not even that could be said
    }
    t_ending = true;
    while (g_ending.exchange(true)) {
        pause();  // another thread is at it
    }
    g_last_words_room.reset();
}

/// What even main cannot catch, thrown within a library, say.
[[noreturn]] void on_terminate() noexcept {
    make_room_for_last_words();
    const bool thrown = std::current_exception() != nullptr;
    end_at_once(thrown ? error_of_exception() : Error{ErrorKind::internal, "internal: a library ended the program"});
}

/// Libraries come to grief by memory that they do not get, each in its way, so it does not come to that. Code that is not ours is told:
/// it may have asked for too much.
void on_no_memory() {
    if (is_blamed()) {
        throw std::bad_alloc();
    }
    make_room_for_last_words();
    end_at_once({kind_of(ENOMEM, ErrorKind::internal), reason_of(ENOMEM)});
}

/// The log file may be nothing else that the command line names. What a scenario names is for those who read it.
Result<void> check_log_file(const std::string& log_file, int argc, char** argv) {
    std::vector<InUse> named;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument(argv[i]);
        const std::size_t value = argument.starts_with("--") ? argument.find('=') + 1 : 0;
        const std::string path(argument.substr(std::min(value, argument.size())));
        std::error_code error;
        const bool is_log_file = argument.starts_with("--log-file=") || std::string_view(argv[i - 1]) == "--log-file";
        const bool may_hold_it =
            std::filesystem::is_directory(path, error) && !std::filesystem::exists(path + "/CURRENT", error);
        if (!is_log_file && !may_hold_it) {
            const std::string_view before(argv[i - 1]);
            const bool has_option = value == 0 && i > 1 && before.starts_with("--") && before.find('=') == before.npos;
            named.push_back({value != 0   ? fmt::format("what {} names,", argument.substr(0, value - 1))
                             : has_option ? fmt::format("what {} names,", before)
                                          : "the argument",
                             path});
        }
    }
    return check_apart("--log-file", log_file, named);
}

/// A file that is opened while one of the first three descriptors is free would get what is written to it.
void hold_standard_streams() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(descriptor, F_GETFD) < 0) {
            static_cast<void>(open("/dev/null", O_PATH));  // which can be neither read nor written, as before
        }
    }
}

/// Libraries put large objects on the stack, and what does not fit there ends a process without a word.
Result<void> check_stack() {
    constexpr rlim_t kLeastBytes = 256U << 10U;
    rlimit stack{};
    if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur < kLeastBytes) {
        return fail(ErrorKind::transient,
                    fmt::format("the stack may not grow beyond {} kB here, and {} kB are needed; raise the limit on it "
                                "(ulimit -s)",
                                stack.rlim_cur >> 10U, kLeastBytes >> 10U));
    }
    return {};
}

int run_program(int argc, char** argv) {
    hold_standard_streams();
    // A reader that goes away shows as a failed write, which Output takes as the end, not as a
    // death by signal that would leave an unfinished journal behind. So does a limit on the size of files.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    g_last_words_room = std::make_unique<std::array<char, kLastWordsBytes>>();
    std::set_terminate(on_terminate);
    std::set_new_handler(on_no_memory);

    const bool wants_colours = !is_set("NO_COLOR") && !is_dumb_terminal();
    const bool err_is_terminal = isatty(STDERR_FILENO) == 1;
    const Style err_style(wants_colours && err_is_terminal);

    if (const Result<void> stack = check_stack(); !stack) {
        print_error(stack.error(), err_style);
        return static_cast<int>(stack.error().kind);
    }

    CommonOptions common;
    Commands commands(common,
                      "alpha: a deterministic, event-sourced trading engine. The same scenario gives "
                      "the same log, byte for byte.",
                      "alpha " ALPHA_VERSION,
                      "Example:\n  alpha backtest scenarios/demo.yaml\n\n"
                      "Exit codes: 0 ok, 1 internal, 2 usage or configuration, 3 data, 4 golden or "
                      "verification mismatch,\n"
                      "5 broker or authentication, 6 risk halt, 75 passes by itself or with more room: try again, "
                      "130 interrupted.");
    add_backtest(commands);
    add_live(commands);
    add_status(commands);
    add_kill(commands);
    add_resume(commands);
    add_golden(commands);
    add_log(commands);
    add_show(commands);
    add_report(commands);
    add_why(commands);
    add_why_not(commands);
    add_replay(commands);
    add_verify(commands);
    add_diff(commands);
    add_fork(commands);
    add_data(commands);
    add_init(commands);
    add_calendar(commands);
    add_charges(commands);
    add_instruments(commands);
    add_tradebook(commands);
    add_journal(commands);

    if (argc <= 1) {
        std::fputs(commands.help().c_str(), stderr);
        return static_cast<int>(ErrorKind::usage);
    }
    const Result<const CommandRun*> run = commands.parse(argc, argv);
    if (!run) {
        print_error(run.error(), err_style);
        return static_cast<int>(run.error().kind);
    }
    if (*run == nullptr) {
        return kExitOk;
    }
    if (const Result<void> apart = check_log_file(common.log_file, argc, argv); !apart) {
        print_error(apart.error(), err_style);
        return static_cast<int>(apart.error().kind);
    }
    Result<Zone> zone = common.tz.empty() ? Result<Zone>(Zone()) : Zone::named(common.tz);
    if (!zone) {
        print_error(zone.error(), err_style);
        return static_cast<int>(zone.error().kind);
    }
    tell_of_crashes_in(common.log_file);
    const Loggers loggers({.verbosity = common.quiet ? -1 : common.verbose, .file = common.log_file});
    Output out;
    Wiring wiring{.out = out,
                  .out_style = Style(wants_colours && isatty(STDOUT_FILENO) == 1, terminal_columns(STDOUT_FILENO)),
                  .err_style = err_style,
                  .zone = std::move(*zone),
                  .loggers = loggers,
                  .log_file = common.log_file,
                  .json = common.json,
                  .quiet = common.quiet,
                  .progress = err_is_terminal && !common.quiet && !is_dumb_terminal(),
                  .in_ci = is_set("CI")};
    return conclude(no_exceptions([&] { return (**run)(wiring); }), out, err_style, common.json);
}

}  // namespace

void Output::write(std::string_view as_given) {
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80U; };
    const std::string shown = std::ranges::all_of(as_given, is_ascii) ? std::string() : revealed(as_given);
    const std::string_view text = shown.empty() ? as_given : shown;
    if (!closed_ && error_ == 0 && std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
        note_failure();
    }
}

Result<void> Output::finish() {
    if (!closed_ && error_ == 0 && std::fflush(stdout) != 0) {
        note_failure();
    }
    if (error_ != 0) {
        return refused_by_system("cannot write to standard output", error_, ErrorKind::internal);
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
        alarm(text);
    }
}

void Wiring::alarm(std::string_view text) const {
    std::fputs(fmt::format("{} {}\n", err_style.yellow("!"), revealed(text)).c_str(), stderr);
}

Result<int> read_isolated(Wiring& wiring, const std::string& task, const std::function<Result<int>()>& work) {
    return run_isolated("Reading " + task,
                        [&] { return conclude(no_exceptions(work), wiring.out, wiring.err_style, wiring.json); });
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

Result<Date> date_option(std::string_view option, const std::string& text) {
    const Result<Date> date = parse_date(text);
    if (!date) {
        return fail(ErrorKind::usage, fmt::format("{} {}: {}; write it as 2026-01-27", option, text, date.error().why));
    }
    return *date;
}

Time time_of_machine() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return Time{std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()};
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
    const std::string shown = revealed(error.message);
    std::string_view rest = shown;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        std::fputs(fmt::format("{} {}\n", style.red("error:"), rest.substr(0, end)).c_str(), stderr);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
}

}  // namespace alpha

int main(int argc, char** argv) {
    const alpha::Result<int> code =
        alpha::no_exceptions([&] { return alpha::Result<int>(alpha::run_program(argc, argv)); });
    if (!code) {
        alpha::print_error(code.error(), alpha::Style(false));
    }
    return code ? *code : static_cast<int>(code.error().kind);
}
