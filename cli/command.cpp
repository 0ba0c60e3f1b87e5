#include "cli/command.hpp"

#include "config/suggest.hpp"
#include "events/assert.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <iostream>
#include <system_error>
#include <type_traits>
#include <utility>

namespace alpha {

namespace {

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
        if (const std::size_t end = message.find(": At Most 1 required"); end != std::string::npos) {
            message = message.substr(0, end) + " is given more than once";
        }
    }
    const std::string path = command_path(command);
    return fmt::format("{} (see alpha {}{}--help)", message, path, path.empty() ? "" : " ");
}

/// The whole number that was typed, plainly: no sign, no spaces, no other base.
template <class Number>
Number typed_number(const std::string& name, const std::string& text, Number min, Number max) {
    Number number = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end || number < min || number > max) {
        throw CLI::ValidationError(fmt::format("{} {}: write a whole number from {} to {}", name, text, min, max));
    }
    return number;
}

/// An option that takes a whole number; `Into` is that number or may hold it.
template <class Number, class Into>
CLI::Option& number_option(CLI::App& app, const std::string& name, Into& into, const std::string& help, Number min,
                           Number max) {
    const auto take = [&into, name, min, max](const CLI::results_t& typed) {
        into = typed_number<Number>(name, typed.back(), min, max);
        return true;
    };
    CLI::Option& option = *app.add_option(name, take, help)->type_name("NUMBER")->expected(1);
    if constexpr (std::is_same_v<Number, Into>) {
        option.default_function([&into] { return std::to_string(into); });
    }
    return option;
}

}  // namespace

// ---- options -------------------------------------------------------------------------------------------------------------

const Option& Option::required() const {
    option_->required();
    return *this;
}
const Option& Option::one_of(const std::vector<std::string>& values) const {
    option_->check(CLI::IsMember(values));
    return *this;
}
const Option& Option::separated_by(char separator) const {
    option_->delimiter(separator)->allow_extra_args(false);
    return *this;
}
const Option& Option::repeatable() const {
    option_->take_all()->expected(1)->allow_extra_args(false);
    return *this;
}
const Option& Option::shows_default() const {
    option_->capture_default_str();
    return *this;
}

Option Command::option(const std::string& name, std::string& into, const std::string& help) const {
    return Option(*app_->add_option(name, into, help));
}
Option Command::option(const std::string& name, std::vector<std::string>& into, const std::string& help) const {
    return Option(*app_->add_option(name, into, help));
}
Option Command::option(const std::string& name, std::uint32_t& into, const std::string& help, std::uint32_t min,
                       std::uint32_t max) const {
    return Option(number_option(*app_, name, into, help, min, max));
}
Option Command::option(const std::string& name, std::uint64_t& into, const std::string& help, std::uint64_t min,
                       std::uint64_t max) const {
    return Option(number_option(*app_, name, into, help, min, max));
}
Option Command::option(const std::string& name, std::optional<std::uint32_t>& into, const std::string& help,
                       std::uint32_t min, std::uint32_t max) const {
    return Option(number_option(*app_, name, into, help, min, max));
}
Option Command::option(const std::string& name, std::optional<std::uint64_t>& into, const std::string& help,
                       std::uint64_t min, std::uint64_t max) const {
    return Option(number_option(*app_, name, into, help, min, max));
}
void Command::flag(const std::string& name, bool& into, const std::string& help) const {
    app_->add_flag(name, into, help);
}
void Command::flag(const std::string& name, int& into, const std::string& help) const {
    app_->add_flag(name, into, help);
}

// ---- commands ------------------------------------------------------------------------------------------------------------

Commands::Commands(CommonOptions& common, const std::string& summary, const std::string& version,
                   const std::string& footer)
    : common_(&common), app_(std::make_unique<CLI::App>(summary, "alpha")) {
    app_->set_version_flag("--version", version);
    app_->require_subcommand(1);
    app_->footer(footer);
}
Commands::~Commands() = default;

Command Commands::program() const {
    return Command(*app_);
}

Command Commands::add(const Command& parent, const std::string& name, const std::string& summary,
                      const std::string& example, CommandRun run) {
    CLI::App& app = *parent.app_->add_subcommand(name, summary);
    app.footer(example);
    entries_.push_back({&app, std::move(run)});
    Command command(app);
    command.flag("--json", common_->json, "One JSON value a line instead of text for people");
    command.flag("-q,--quiet", common_->quiet,
                 "No progress, no warnings but those about the data and of halts; results in as few words as possible");
    command.flag("-v,--verbose", common_->verbose, "Log what happens (repeat for more: -vv debug, -vvv trace)");
    command.option("--log-file", common_->log_file, "Also append the log, at debug level, to this file");
    return command;
}

void Commands::prints_times(const Command& command, const std::string& more) const {
    command.option("--tz", common_->tz,
                   "Show times in this time zone: a name such as Asia/Kolkata, an offset such as +05:30; default: UTC" +
                       more);
}

Command Commands::add_group(const Command& parent, const std::string& name, const std::string& summary,
                            const std::string& example) {
    CLI::App& app = *parent.app_->add_subcommand(name, summary);
    app.footer(example);
    app.require_subcommand(1);
    return Command(app);
}

Option journal_option(const Command& command, std::string& into) {
    return command.option("journal,--journal", into, "The journal's folder");
}

std::string Commands::help() const {
    return app_->help();
}

Result<const CommandRun*> Commands::parse(int argc, char** argv) const {
    try {
        app_->parse(argc, argv);
    } catch (const CLI::Success& help_or_version) {
        app_->exit(help_or_version, std::cout, std::cerr);
        return nullptr;
    } catch (const CLI::ParseError& error) {
        return fail(ErrorKind::usage, explain(*app_, error, argc, argv));
    }
    // Most likely a variable of the shell's that is not set; left out, the option would mean something else.
    for (const CLI::Option* option : named_command(*app_)->get_options()) {
        const std::vector<std::string>& given = option->results();
        if (option->get_items_expected_max() > 0 && std::ranges::find(given, "") != given.end()) {
            return fail(ErrorKind::usage, fmt::format("{} is given, but empty; leave it out, or write a value",
                                                      option->get_name(false, true)));
        }
    }
    const auto entry = std::ranges::find(entries_, named_command(*app_), &Entry::command);
    ALPHA_ASSERT(entry != entries_.end(), "a command without anything to do");
    return &entry->run;
}

}  // namespace alpha
