#pragma once
/// What the commands share: how one is declared, what it is handed when it runs, and where its
/// results go. main.cpp makes all of it once and passes it down; no command looks anything up.

#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "cli/zone.hpp"
#include "events/result.hpp"
#include "plugins/plugin.hpp"
#include "runtime/logging.hpp"
#include "store/journal.hpp"
#include "views/format.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// Standard output. A reader that went away (`| head`) is no error: what follows is dropped and
/// `closed` says so.
class Output {
public:
    void write(std::string_view text);
    /// Whether nobody reads any more. Long outputs stop then.
    bool closed() const { return closed_; }
    /// Flushes. Anything but a closed reader (a full disk) is an error.
    Result<void> finish();

private:
    void note_failure();
    bool closed_ = false;
    int error_ = 0;  ///< errno of the first failure that is not EPIPE
};

/// Options every command takes.
struct CommonOptions {
    bool json = false;
    bool quiet = false;
    int verbose = 0;
    std::string log_file;
    std::string tz;  ///< of the commands that print times
};

/// What a command is handed.
struct Wiring {
    Output& out;
    Style out_style;  ///< for standard output
    Style err_style;  ///< for standard error
    Zone zone;        ///< that times are shown in
    const Loggers& loggers;
    std::string log_file;  ///< where that goes besides; empty: nowhere
    bool json = false;
    bool quiet = false;
    bool progress = false;  ///< standard error is a terminal and wants a progress bar
    bool in_ci = false;     ///< the environment variable CI is set

    /// A line on standard error that is no error, e.g. a warning; nothing when quiet.
    void note(std::string_view text) const;
    /// One that is printed even when quiet.
    void alarm(std::string_view text) const;
};

/// How long something takes, on a clock that nobody sets.
class StopWatch {
public:
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count(); }

private:
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

/// A result of one of these leaves with that exit code; an error leaves with its kind.
/// events/result.hpp lists them all.
inline constexpr int kExitOk = 0;
inline constexpr int kExitMismatch = static_cast<int>(ErrorKind::mismatch);
inline constexpr int kExitRiskHalt = static_cast<int>(ErrorKind::risk_halt);
inline constexpr int kExitInterrupted = static_cast<int>(ErrorKind::interrupted);

using CommandRun = std::function<Result<int>(Wiring&)>;

/// The commands that were declared, and what each does.
class Commands {
public:
    Commands(CommonOptions& common, const std::string& summary, const std::string& version, const std::string& footer);
    Commands(const Commands&) = delete;
    Commands& operator=(const Commands&) = delete;
    ~Commands();

    /// What commands are declared under.
    Command program() const;
    /// Declares a command under `parent`: its help ends with `example`; the common options are
    /// added.
    Command add(const Command& parent, const std::string& name, const std::string& summary, const std::string& example,
                CommandRun run);
    /// Adds --tz to a command that prints times; `more`: what else the zone is for.
    void prints_times(const Command& command, const std::string& more = {}) const;
    /// A command that only groups others.
    static Command add_group(const Command& parent, const std::string& name, const std::string& summary,
                             const std::string& example);

    std::string help() const;
    /// What was asked for, its options filled in; null where that was help or the version, which are printed then. Refuses (kind
    /// usage) what was not declared, with what was probably meant.
    Result<const CommandRun*> parse(int argc, char** argv) const;

private:
    struct Entry {
        const CLI::App* command = nullptr;
        CommandRun run;
    };
    CommonOptions* common_;
    std::unique_ptr<CLI::App> app_;
    std::vector<Entry> entries_;
};

void add_backtest(Commands& commands);
void add_live(Commands& commands);
void add_status(Commands& commands);
void add_kill(Commands& commands);
void add_resume(Commands& commands);
void add_golden(Commands& commands);
void add_log(Commands& commands);
void add_show(Commands& commands);
void add_report(Commands& commands);
void add_why(Commands& commands);
void add_why_not(Commands& commands);
void add_replay(Commands& commands);
void add_verify(Commands& commands);
void add_diff(Commands& commands);
void add_fork(Commands& commands);
void add_data(Commands& commands);
void add_init(Commands& commands);
void add_calendar(Commands& commands);
void add_charges(Commands& commands);
void add_instruments(Commands& commands);
void add_tradebook(Commands& commands);
void add_journal(Commands& commands);

/// Runs `work`, which opens what `task` names for reading, in a child that may come to grief by damage
/// (runtime/isolation.hpp), and leaves with its exit code. What it prints is printed there.
Result<int> read_isolated(Wiring& wiring, const std::string& task, const std::function<Result<int>()>& work);

/// Declares the journal a command reads, by its place or as --journal.
Option journal_option(const Command& command, std::string& into);

/// Loads the libraries of --plugin for a session of the journal, with a note where they are not those it was decided with.
Result<Plugins> load_plugins(const std::vector<std::string>& libraries, const Journal& journal, const Wiring& wiring);

/// The day that an option or argument gives; refused (kind usage) with its name and how a day is written.
Result<Date> date_option(std::string_view option, const std::string& text);

/// By the machine's clock: for defaults of what a person asks, never for what is decided.
Time time_of_machine();

/// The most memory this process has held so far.
double peak_rss_mb();

/// From here on the first Ctrl-C, SIGTERM or SIGHUP only sets the flag, so that work ends cleanly
/// after its present step; the second ends the process at once.
const std::atomic<bool>& stop_on_signals();

/// Prints an error on standard error, each of its lines as "error: ...".
void print_error(const Error& error, const Style& style);

}  // namespace alpha
