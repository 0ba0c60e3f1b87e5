#include "cli/command.hpp"
#include "config/suggest.hpp"
#include "events/text.hpp"
#include "runtime/session.hpp"
#include "views/json.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <system_error>

namespace alpha {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxTextBytes = 1U << 30U;

struct GoldenOptions {
    std::vector<std::string> stories;  ///< empty: all
    std::string golden = "golden";
    std::string scenarios = "scenarios";
};

std::string story_path(const GoldenOptions& options, const std::string& story) {
    return (fs::path(options.scenarios) / "stories" / (story + ".yaml")).string();
}
std::string golden_path(const GoldenOptions& options, const std::string& story) {
    return (fs::path(options.golden) / (story + ".txt")).string();
}

/// Names of the files in `folder` that end in `extension`, without it, sorted. Empty when there is
/// no such folder.
std::vector<std::string> stems_in(const fs::path& folder, std::string_view extension) {
    std::vector<std::string> stems;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        if (entry->path().extension() == extension) {
            stems.push_back(entry->path().stem().string());
        }
    }
    std::sort(stems.begin(), stems.end());
    return stems;
}

/// The whole file, or nothing when it is not there.
Result<std::optional<std::string>> text_of(const std::string& path) {
    const Result<bool> exists = is_there(path);
    if (!exists || !*exists) {
        return exists ? Result<std::optional<std::string>>(std::nullopt) : tl::unexpected(exists.error());
    }
    return read_file(path, kMaxTextBytes).map([](std::string text) { return std::optional(std::move(text)); });
}

Result<void> write_text(const std::string& path, const std::string& text) {
    std::error_code error;  // that there is no folder is said when the file is opened
    fs::create_directories(fs::path(path).parent_path(), error);
    Result<OutputFile> file = OutputFile::open(path);
    if (!file) {
        return tl::unexpected(file.error());
    }
    Result<void> written = file->write(text);
    return written ? file->commit() : written;
}

/// The comment at the top of a story: what it tells, and why it is locked.
std::string leading_comment(const std::string& yaml) {
    std::string comment;
    std::size_t begin = 0;
    while (begin < yaml.size() && yaml[begin] == '#') {
        const std::size_t end = std::min(yaml.find('\n', begin), yaml.size());
        comment += yaml.substr(begin, end - begin) + '\n';
        begin = end + 1;
    }
    return comment;
}

void append_books(std::string& text, const RunResult& result) {
    for (const PortfolioResult& each : result.portfolios) {
        text += fmt::format("portfolio {} initial_cash={} cash={} equity={} realized_pnl={} "
                            "unrealized_pnl={} charges={} fills={}{}{}\n",
                            each.portfolio, to_string(each.initial_cash), to_string(each.cash), to_string(each.equity),
                            to_string(each.realized_pnl), to_string(each.unrealized_pnl), to_string(each.charges),
                            each.fills, result.brokers.size() > 1 ? " broker=" + each.broker : "",
                            each.killed ? " killed" : "");
        for (const InstrumentResult& held : each.instruments) {
            text += fmt::format("  {} net={} average={} mark={} realized_pnl={} unrealized_pnl={} "
                                "charges={} traded={} fills={}\n",
                                held.instrument, to_string(held.net), to_string(held.average), to_string(held.mark),
                                to_string(held.realized_pnl), to_string(held.unrealized_pnl), to_string(held.charges),
                                to_string(held.traded), held.fills);
        }
    }
}

struct Told {
    std::string text;
    std::vector<InUse> inputs;  ///< what it was told from
};

/// Runs a story and writes down all of it: comment, every event, the books, the digests.
Result<Told> tell(const GoldenOptions& options, const std::string& story, const std::atomic<bool>& stop,
                  const Wiring& wiring) {
    const std::string path = story_path(options, story);
    const Result<std::optional<std::string>> yaml = text_of(path);
    if (!yaml) {
        return tl::unexpected(yaml.error());
    }
    const Result<Scenario> scenario = load_scenario(path);
    if (!scenario) {
        return tl::unexpected(scenario.error());
    }
    std::vector<InUse> inputs = inputs_of(*scenario);
    if (Result<void> apart = check_apart("--log-file", wiring.log_file, inputs); !apart) {
        return tl::unexpected(apart.error());
    }
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    RunOptions run;
    run.stop = &stop;
    run.log = wiring.loggers.of("session");
    const Result<RunResult> result = run_scenario(*scenario, *log, run);
    if (!result) {
        return tl::unexpected(result.error());
    }
    if (result->interrupted) {
        return fail(ErrorKind::interrupted, fmt::format("{}: interrupted", path));
    }

    std::string text = leading_comment(yaml->value_or(""));
    text += text.empty() ? "" : "\n";
    Names names;
    const Result<void> read = for_each_event(*log, 0, [&](const Envelope& envelope, const Event& event) {
        names.learn(event);
        text += to_text(envelope, event, names) + '\n';
        return true;
    });
    if (!read) {
        return tl::unexpected(read.error());
    }
    text += '\n';
    append_books(text, *result);
    text += fmt::format("log_head {}\nstate_digest {}\n", result->log_head, result->state_digest);
    return Told{std::move(text), std::move(inputs)};
}

/// The stories asked for, or all of them. A name that is none is an error with the one that was
/// probably meant.
Result<std::vector<std::string>> chosen_stories(const GoldenOptions& options) {
    const fs::path folder = fs::path(options.scenarios) / "stories";
    std::vector<std::string> all = stems_in(folder, ".yaml");
    if (all.empty()) {
        return fail(
            ErrorKind::usage,
            fmt::format("{}: no stories (*.yaml) here; name the folder above with --scenarios", folder.string()));
    }
    if (options.stories.empty()) {
        return all;
    }
    std::string unknown;
    for (const std::string& story : options.stories) {
        if (!std::binary_search(all.begin(), all.end(), story)) {
            const std::vector<std::string_view> known(all.begin(), all.end());
            const std::string meant = did_you_mean(story, known);
            unknown += fmt::format("{}unknown story {}{}", unknown.empty() ? "" : "\n", story,
                                   meant.empty() ? "" : fmt::format("; did you mean {}?", meant));
        }
    }
    if (!unknown.empty()) {
        return fail(ErrorKind::usage, unknown);
    }
    return options.stories;
}

/// What became of one story, for people and for programs.
struct Outcome {
    std::string story;
    std::string status;  ///< as_expected, differs, missing, orphan, failed; update: unchanged,
                         ///< changed, new, failed
    std::string detail;  ///< lines below the status line; each ends with a newline
    std::size_t first_line = 0;
};

std::string outcome_json(const Outcome& outcome) {
    JsonObject object;
    object.text("story", outcome.story).text("status", outcome.status);
    if (outcome.first_line != 0) {
        object.count("first_line", outcome.first_line);
    }
    if (!outcome.detail.empty()) {
        object.text("detail", outcome.detail);
    }
    return object.done();
}

void print_json(Wiring& wiring, const std::vector<Outcome>& outcomes, const char* counted, std::size_t count) {
    std::vector<std::string> results;
    results.reserve(outcomes.size());
    for (const Outcome& outcome : outcomes) {
        results.push_back(outcome_json(outcome));
    }
    JsonObject object;
    object.count("stories", outcomes.size()).count(counted, count).json("results", json_array(results));
    wiring.out.write(object.done() + '\n');
}

/// What to say of a story that could not be run at all: each line of the error, indented.
std::string indented(const std::string& message) {
    std::string text = "  ";
    for (const char c : message) {
        text += c == '\n' ? "\n  " : std::string(1, c);
    }
    return text + '\n';
}

/// What a person types to have the text written.
std::string update_command(const GoldenOptions& options, const std::string& story) {
    const GoldenOptions usual;
    std::string command = "alpha golden update " + shell_word(story);
    command += options.golden == usual.golden ? "" : " --dir " + shell_path(options.golden);
    command += options.scenarios == usual.scenarios ? "" : " --scenarios " + shell_path(options.scenarios);
    return command;
}

Result<Outcome> check_story(const GoldenOptions& options, const std::string& story, const std::string& told,
                            const Style& style) {
    const std::string path = golden_path(options, story);
    const Result<std::optional<std::string>> expected = text_of(path);
    if (!expected) {
        return tl::unexpected(expected.error());
    }
    if (!expected->has_value()) {
        return Outcome{story, "missing",
                       fmt::format("  {} is not there; {} writes it\n", path, update_command(options, story)), 0};
    }
    const LineDiff diff = diff_lines(**expected, told, style);
    if (diff.first_line == 0) {
        return Outcome{story, "as_expected", "", 0};
    }
    return Outcome{story, "differs",
                   fmt::format("{}\n{}\n{}", style.bold(fmt::format("--- {} (expected)", path)),
                               style.bold(fmt::format("+++ {} (what it gives now)", story_path(options, story))),
                               diff.text),
                   diff.first_line};
}

Result<int> golden_check(const GoldenOptions& options, Wiring& wiring) {
    const std::atomic<bool>& stop = stop_on_signals();
    const Result<std::vector<std::string>> stories = chosen_stories(options);
    if (!stories) {
        return tl::unexpected(stories.error());
    }
    const Style style = wiring.json ? Style(false) : wiring.out_style;
    std::vector<Outcome> outcomes;
    int code = kExitOk;
    for (const std::string& story : *stories) {
        const Result<Told> told = tell(options, story, stop, wiring);
        Result<Outcome> outcome = told ? check_story(options, story, told->text, style) : tl::unexpected(told.error());
        if (!outcome) {
            if (outcome.error().kind == ErrorKind::interrupted) {
                return tl::unexpected(outcome.error());
            }
            // A story that no longer runs outranks one that runs differently.
            code = code == kExitOk || code == kExitMismatch ? static_cast<int>(outcome.error().kind) : code;
            outcomes.push_back({story, "failed", indented(outcome.error().message), 0});
            continue;
        }
        if (outcome->status != "as_expected" && code == kExitOk) {
            code = kExitMismatch;
        }
        outcomes.push_back(std::move(*outcome));
    }
    const std::size_t run = outcomes.size();
    if (options.stories.empty()) {
        for (const std::string& golden : stems_in(options.golden, ".txt")) {
            if (!std::binary_search(stories->begin(), stories->end(), golden)) {
                outcomes.push_back({golden, "orphan",
                                    fmt::format("  {} has no story {}; remove it or bring the story back\n",
                                                golden_path(options, golden), story_path(options, golden)),
                                    0});
                code = code == kExitOk ? kExitMismatch : code;
            }
        }
    }

    const auto good = static_cast<std::size_t>(std::count_if(
        outcomes.begin(), outcomes.end(), [](const Outcome& each) { return each.status == "as_expected"; }));
    if (wiring.json) {
        print_json(wiring, outcomes, "as_expected", good);
        return code;
    }
    for (const Outcome& outcome : outcomes) {
        if (outcome.status == "as_expected") {
            if (!wiring.quiet) {
                wiring.out.write(fmt::format("{} {}\n", style.green("ok     "), outcome.story));
            }
            continue;
        }
        const std::string where =
            outcome.first_line == 0
                ? ""
                : fmt::format(": first at {}:{}", golden_path(options, outcome.story), outcome.first_line);
        wiring.out.write(fmt::format("{} {}{}\n{}", style.red(fmt::format("{:<7}", outcome.status)), outcome.story,
                                     where, outcome.detail));
    }
    wiring.out.write(fmt::format("{} {}, {} as expected\n", run, run == 1 ? "story" : "stories", good));
    return code;
}

Result<int> golden_update(const GoldenOptions& options, Wiring& wiring) {
    if (wiring.in_ci) {
        return fail(ErrorKind::usage, "golden update is refused in CI (the environment variable CI is set): "
                                      "expected texts are changed by a person who read the difference");
    }
    const std::atomic<bool>& stop = stop_on_signals();
    const Result<std::vector<std::string>> stories = chosen_stories(options);
    if (!stories) {
        return tl::unexpected(stories.error());
    }
    std::vector<Outcome> outcomes;
    std::size_t written = 0;
    int code = kExitOk;
    for (const std::string& story : *stories) {
        const std::string path = golden_path(options, story);
        const Result<Told> told = tell(options, story, stop, wiring);
        if (!told) {
            if (told.error().kind == ErrorKind::interrupted) {
                return tl::unexpected(told.error());
            }
            code = code == kExitOk ? static_cast<int>(told.error().kind) : code;
            outcomes.push_back({story, "failed", indented(told.error().message), 0});
            continue;
        }
        const Result<std::optional<std::string>> before = text_of(path);
        if (!before) {
            return tl::unexpected(before.error());
        }
        if (before->has_value() && **before == told->text) {
            outcomes.push_back({story, "unchanged", "", 0});
            continue;
        }
        Result<void> stored = check_apart("golden update:", path, told->inputs);
        stored = stored ? write_text(path, told->text) : stored;
        if (!stored) {
            return tl::unexpected(stored.error());
        }
        ++written;
        if (before->has_value()) {
            const LineDiff diff = diff_lines(**before, told->text, Style(false));
            outcomes.push_back({story, "changed",
                                fmt::format("  {}: {} lines removed, {} added\n", path, diff.removed, diff.added),
                                diff.first_line});
        } else {
            outcomes.push_back({story, "new", fmt::format("  {}\n", path), 0});
        }
    }
    if (wiring.json) {
        print_json(wiring, outcomes, "written", written);
        return code;
    }
    for (const Outcome& outcome : outcomes) {
        if (!wiring.quiet || outcome.status == "failed") {
            wiring.out.write(fmt::format("{:<9} {}\n{}", outcome.status, outcome.story, outcome.detail));
        }
    }
    wiring.out.write(fmt::format("{} {}, {} written{}\n", outcomes.size(), outcomes.size() == 1 ? "story" : "stories",
                                 written, written == 0 ? "" : "; read the difference (git diff) before you commit it"));
    return code;
}

void add_golden_options(const Command& command, const std::shared_ptr<GoldenOptions>& options) {
    command.option("story", options->stories, "Stories by name; default: all in SCENARIOS/stories");
    command.option("--dir", options->golden, "Where the expected texts are").shows_default();
    command.option("--scenarios", options->scenarios, "The folder above stories/").shows_default();
}

}  // namespace

void add_golden(Commands& commands) {
    const Command group =
        Commands::add_group(commands.program(), "golden", "Compare stories with their expected text, or renew it",
                            "Example:\n  alpha golden check");
    auto options = std::make_shared<GoldenOptions>();
    const Command check =
        commands.add(group, "check", "Run stories and show where they differ from golden/; exit 4 if any does",
                     "Example:\n  alpha golden check partial-fill flip",
                     [options](Wiring& wiring) { return golden_check(*options, wiring); });
    add_golden_options(check, options);
    const Command update = commands.add(group, "update", "Write what stories give now into golden/; refused in CI",
                                        "Example:\n  alpha golden update partial-fill && git diff golden/",
                                        [options](Wiring& wiring) { return golden_update(*options, wiring); });
    add_golden_options(update, options);
}

}  // namespace alpha
