#include "cli/chain.hpp"
#include "cli/command.hpp"
#include "cli/summary.hpp"
#include "kernel/snapshot.hpp"
#include "plugins/plugin.hpp"
#include "runtime/fold.hpp"
#include "runtime/reexecution.hpp"
#include "runtime/verify_whole.hpp"
#include "store/verify.hpp"
#include "views/as_json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <memory>

namespace alpha {
namespace {

double rate(Seq events, double seconds) {
    return seconds > 0 ? static_cast<double>(events) / seconds : 0.0;
}

std::string speed(Seq events, double seconds) {
    return fmt::format("{} · {} events/s", show_seconds(seconds),
                       show_count(static_cast<std::uint64_t>(rate(events, seconds))));
}

// ---- alpha replay ----------------------------------------------------------------------------------------------------------

struct ReplayOptions {
    std::string journal;
    Seq from = 0;
    Seq to = std::numeric_limits<Seq>::max();
    bool verify = false;
    std::vector<std::string> plugins;
};

/// What was decided is not what the log holds: both, and what led to each.
Result<std::string> show_disagreement(const Journal& journal, const Disagreement& found, const Wiring& wiring) {
    const auto chain_of = [&](const std::optional<DecodedEvent>& event) {
        return event ? causes(journal, *event) : Result<std::vector<DecodedEvent>>{};
    };
    const auto logged = chain_of(found.logged);
    const auto decided = chain_of(found.decided);
    if (!logged || !decided) {
        return tl::unexpected(logged ? decided.error() : logged.error());
    }
    const auto line = [&](const std::optional<DecodedEvent>& event, const char* nothing) {
        return event ? to_text(event->envelope, event->event, found.names) : std::string(nothing);
    };
    const auto json = [&](const std::optional<DecodedEvent>& event) {
        return event ? to_json(event->envelope, event->event, found.names) : std::string("null");
    };
    if (wiring.json) {
        JsonObject object;
        object.flag("verified", false)
            .count("seq", found.seq)
            .json("logged", json(found.logged))
            .json("decided", json(found.decided))
            .json("logged_causes", causes_json(*logged, found.names))
            .json("decided_causes", causes_json(*decided, found.names));
        return object.done() + '\n';
    }
    std::string text = wiring.out_style.bold(fmt::format("event {} is decided differently", found.seq)) + '\n';
    text += "logged   " + line(found.logged, "nothing: the log ends here") + '\n';
    text += "decided  " + line(found.decided, "nothing: no input leads to this event") + '\n';
    const std::string because = chain_text(*logged, found.names, 1);
    const std::string decided_because = chain_text(*decided, found.names, 1);
    if (because == decided_because || decided_because.empty()) {
        text += because.empty() ? "" : "caused by\n" + because;
    } else {
        text += because.empty() ? "" : "logged as caused by\n" + because;
        text += "decided because of\n" + decided_because;
    }
    return text;
}

struct Replayed {
    Seq events = 0;  ///< of the journal
    Seq begun = 0;   ///< where the fold began: a snapshot's place, or 0
    Seq from = 0;
    Seq end = 0;
    State state;
    Digest head{};
    bool verified = false;
    double wall_s = 0;
};

std::string replay_json(const ReplayOptions& options, const Replayed& replayed) {
    const RunResult books = books_of(replayed.state);
    JsonObject object;
    object.text("scenario", books.scenario)
        .text("currency", books.currency)
        .count("events", replayed.events)
        .count("from", replayed.from)
        .json("to", replayed.end == 0 ? "null" : std::to_string(replayed.end - 1))
        .count("folded", replayed.end - std::min(replayed.from, replayed.end))
        .count("fold_begun_at", replayed.begun)
        .count("ticks", books.ticks)
        .count("bars", books.bars)
        .count("orders", books.orders)
        .count("fills", books.fills)
        .time_ns("last_ts_ns", books.events == 0 ? Time{} : books.last)
        .decimal("initial_cash", books.initial_cash);
    add_books(object, books)
        .json("brokers", brokers_json(books))
        .flag("verified", replayed.verified)
        .text("log_head", to_hex(replayed.head))
        .text("state_digest", to_hex(state_digest(replayed.state)))
        .text("journal", options.journal)
        .measured("wall_s", replayed.wall_s)
        .measured("events_per_s", rate(replayed.end - replayed.begun, replayed.wall_s))
        .measured("peak_rss_mb", peak_rss_mb());
    return object.done() + '\n';
}

std::string replay_text(const ReplayOptions& options, const Replayed& replayed, const Wiring& wiring) {
    const Style& style = wiring.out_style;
    const RunResult books = books_of(replayed.state);
    const std::string digest = to_hex(state_digest(replayed.state));
    if (wiring.quiet) {
        return fmt::format("{}: {} events, equity {}, state {}\n", options.journal, show_count(replayed.events),
                           show_money(books.equity, books.currency), digest);
    }
    std::string text = fmt::format("{} · {}\n", style.bold(options.journal), style.bold(books.scenario));
    const std::string where = replayed.begun == 0 ? "the beginning" : fmt::format("the snapshot at {}", replayed.begun);
    text += style.dim(fmt::format("{} of {} events folded, from {} · {}", show_count(replayed.end - replayed.begun),
                                  show_count(replayed.events), where,
                                  speed(replayed.end - replayed.begun, replayed.wall_s))) +
            "\n\n";
    if (replayed.end != 0) {
        text += fmt::format("after event {} at {}: {}, {}\n", replayed.end - 1, wiring.zone.show(books.last),
                            counted(books.orders, "order"), counted(books.fills, "fill"));
        text += portfolio_table(books, style) + '\n';
        const std::string instruments = instrument_table(books, style);
        text += instruments + (instruments.empty() ? "" : "\n");
    }
    if (replayed.verified) {
        text += style.green("verified: the hash chain holds, and every event was decided again, byte for byte") + '\n';
    }
    return text + fmt::format("log head {}  state {}\n", short_digest(to_hex(replayed.head)), short_digest(digest));
}

Result<int> replay(const ReplayOptions& options, Wiring& wiring) {
    const StopWatch watch;
    const Result<std::unique_ptr<Journal>> opened = open_journal(options.journal);
    if (!opened) {
        return tl::unexpected(opened.error());
    }
    const Journal& journal = **opened;
    Replayed replayed;
    replayed.events = journal.next_seq();
    replayed.head = journal.head();
    replayed.from = options.from;
    replayed.end = options.to < replayed.events ? options.to + 1 : replayed.events;
    if (options.from > options.to) {
        return fail(ErrorKind::usage, fmt::format("--from {} is behind --to {}", options.from, options.to));
    }
    if (options.from > replayed.events) {
        return fail(ErrorKind::usage, fmt::format("{} holds {} events, numbered from 0; there is nothing at --from {}",
                                                  options.journal, show_count(replayed.events), options.from));
    }
    if (options.verify) {
        const Result<Verified> chain = verify_chain(journal, {.promised = journal.promised()});
        if (!chain) {
            return tl::unexpected(chain.error());
        }
        const Result<Plugins> plugins = load_plugins(options.plugins, journal, wiring);
        if (!plugins) {
            return tl::unexpected(plugins.error());
        }
        const Result<Reexecuted> again =
            reexecute(journal, options.from, replayed.end,
                      [&](const RunConfigured& config) { return make_components(config, plugins->catalog()); });
        if (!again) {
            return tl::unexpected(again.error());
        }
        if (again->disagreement) {
            const Result<std::string> shown = show_disagreement(journal, *again->disagreement, wiring);
            if (!shown) {
                return tl::unexpected(shown.error());
            }
            wiring.out.write(wiring.json ? *shown : wiring.zone.show_all(*shown));
            return kExitMismatch;
        }
        replayed.verified = true;
    }
    Result<State> state = state_before(journal, options.from, &replayed.begun);
    if (!state) {
        return tl::unexpected(state.error());
    }
    replayed.state = std::move(*state);
    if (const Result<void> folded = fold(journal, replayed.end, replayed.state); !folded) {
        return tl::unexpected(folded.error());
    }
    replayed.wall_s = watch.seconds();
    wiring.out.write(wiring.json ? replay_json(options, replayed) : replay_text(options, replayed, wiring));
    return kExitOk;
}

// ---- alpha verify ----------------------------------------------------------------------------------------------------------

Result<int> verify_hashes(const std::string& path) {
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    const Result<Verified> verified = journal ? verify_journal(**journal) : tl::make_unexpected(journal.error());
    return verified.map([](const Verified&) { return kExitOk; });
}

Result<int> verify(const std::string& path, Wiring& wiring) {
    const StopWatch watch;
    const Result<std::unique_ptr<Journal>> opened = open_journal(path);
    if (!opened) {
        return tl::unexpected(opened.error());
    }
    const Journal& journal = **opened;
    const JournalInfo& info = journal.info();
    const Result<WholeVerified> whole = verify_whole(journal);
    if (!whole) {
        return tl::unexpected(whole.error());
    }
    const Verified& verified = whole->log;
    const Digest digest = state_digest(whole->state);
    const double wall_s = watch.seconds();
    if (wiring.json) {
        JsonObject object;
        object.count("events", verified.events)
            .text("log_head", to_hex(verified.head))
            .text("state_digest", to_hex(digest))
            .text("journal", path)
            .count("format", static_cast<std::uint64_t>(info.format))
            .flag("clean_end", info.clean_end)
            .json("anchored_seq", info.anchored_seq ? std::to_string(*info.anchored_seq) : "null")
            .count("snapshots", whole->snapshots)
            .count("disk_bytes", journal.disk_bytes())
            .measured("wall_s", wall_s)
            .measured("events_per_s", rate(verified.events, wall_s))
            .measured("peak_rss_mb", peak_rss_mb());
        wiring.out.write(object.done() + '\n');
        return kExitOk;
    }
    wiring.out.write(fmt::format("{}: {} events, all as they were written\n", path, show_count(verified.events)));
    if (wiring.quiet) {
        return kExitOk;
    }
    const std::string anchored =
        info.anchored_seq ? fmt::format("anchored at {} · ", show_count(*info.anchored_seq)) : std::string();
    wiring.out.write(wiring.out_style.dim(fmt::format(
                         "format {} · {} · {}{} · {} · {}", info.format, info.clean_end ? "ended" : "not ended",
                         anchored, counted(whole->snapshots, "snapshot"),
                         show_bytes(static_cast<double>(journal.disk_bytes())), speed(verified.events, wall_s))) +
                     '\n');
    wiring.out.write(fmt::format("log head {}\nstate    {}\n", to_hex(verified.head), to_hex(digest)));
    return kExitOk;
}

}  // namespace

void add_replay(Commands& commands) {
    auto options = std::make_shared<ReplayOptions>();
    const Command command = commands.add(
        commands.program(), "replay",
        "Fold a journal again; with --verify also decide it again and name the first difference",
        "Example:\n"
        "  alpha replay runs/demo --to 5000\n\n"
        "What comes before --from is taken from a snapshot where there is one. --verify computes the hash chain, "
        "builds the\nstrategies and brokers of the session, feeds them the inputs of the log and compares every event, "
        "byte for byte;\nit exits 4 where one differs.",
        [options](Wiring& wiring) {
            return read_isolated(wiring, "the journal " + options->journal, [&] { return replay(*options, wiring); });
        });
    journal_option(command, options->journal).required();
    commands.prints_times(command);
    command.option("--from", options->from, "Fold from this event on; default: 0");
    command.option("--to", options->to, "The last event to fold; default: the last there is");
    command.flag("--verify", options->verify, "Also decide every event again and compare it with the log");
    command
        .option("--plugin", options->plugins,
                "With --verify: a library with a strategy of the session; repeat for several")
        .repeatable();
}

void add_verify(Commands& commands) {
    auto journal = std::make_shared<std::string>();
    const Command command = commands.add(
        commands.program(), "verify",
        "Prove that a journal is whole: hash chain, anchor, every event, snapshots, final state",
        "Example:\n"
        "  alpha verify runs/demo\n\n"
        "Exit code 3 says that the journal is damaged or was altered, 4 that it does not fold into the state it ended "
        "with.",
        [journal](Wiring& wiring) {
            const std::string task = "the journal " + *journal;
            Result<int> code = read_isolated(wiring, task, [&] { return verify(*journal, wiring); });
            if (code || code.error().kind != ErrorKind::data) {
                return code;
            }
            // Facts that no kernel wrote end the process that folds them: hashes alone tell whether the log was altered.
            const Result<int> altered = read_isolated(wiring, task, [&] { return verify_hashes(*journal); });
            return altered && *altered != kExitOk ? altered : code;
        });
    journal_option(command, *journal).required();
}

}  // namespace alpha
