#include "runtime/fork.hpp"

#include "cli/command.hpp"
#include "cli/diff.hpp"
#include "cli/summary.hpp"
#include "store/background_log.hpp"
#include "views/as_json.hpp"

#include <fmt/format.h>
#include <memory>

namespace alpha {
namespace {

struct ForkRequest {
    std::string journal;
    std::string to;
    Seq at = 0;
    std::vector<std::string> settings;
    std::vector<std::string> plugins;
};

std::string books_json(const RunResult& books) {
    JsonObject object;
    object.count("events", books.events).count("orders", books.orders).count("fills", books.fills);
    add_books(object, books).text("log_head", books.log_head).text("state_digest", books.state_digest);
    return object.done();
}

std::string fork_json(const ForkRequest& request, const Forked& forked, const Differences& found, double wall_s) {
    JsonObject object;
    object.text("scenario", forked.now.scenario)
        .text("currency", forked.now.currency)
        .text("forked_from", request.journal)
        .text("journal", request.to)
        .count("asked_at", request.at)
        .count("at", forked.at)
        .flag("reconfigured", forked.reconfigured)
        .count("events", forked.now.events)
        .text("log_head", forked.now.log_head)
        .text("state_digest", forked.now.state_digest)
        .json("then", books_json(forked.then))
        .json("now", books_json(forked.now))
        .json("first_difference", found.first_decision.empty() ? "null" : found.first_decision)
        .json("differences", json_array(found.json))
        .measured("wall_s", wall_s)
        .measured("peak_rss_mb", peak_rss_mb());
    return object.done() + '\n';
}

std::string figures(const Forked& forked, const Style& style) {
    const std::string& currency = forked.now.currency;
    Table table({{"", Table::Align::left}, {"then"}, {"now"}, {"difference"}});
    const auto money = [&](const char* name, Money then, Money now) {
        const Money gain = now - then;
        const int sign = gain.raw == 0 ? 0 : gain.raw > 0 ? 1 : -1;
        table.row({name, show_money(then, currency), show_money(now, currency),
                   sign == 0 ? "-" : style.gain(sign, show_gain(gain, currency))});
    };
    const auto count = [&](const char* name, std::uint64_t then, std::uint64_t now) {
        const std::string apart = show_count(now > then ? now - then : then - now);
        table.row({name, show_count(then), show_count(now), now == then ? "-" : (now > then ? "+" : "-") + apart});
    };
    money("equity", forked.then.equity, forked.now.equity);
    money("realized", forked.then.realized_pnl, forked.now.realized_pnl);
    money("charges", forked.then.charges, forked.now.charges);
    count("orders", forked.then.orders, forked.now.orders);
    count("fills", forked.then.fills, forked.now.fills);
    return table.text(style);
}

std::string fork_text(const ForkRequest& request, const Forked& forked, const Differences& found, double wall_s,
                      const Wiring& wiring) {
    const Style& style = wiring.out_style;
    const std::string& currency = forked.now.currency;
    if (wiring.quiet) {
        return fmt::format("{}: forked at {}, equity {} (then {}), {} fills (then {}), journal {}\n",
                           forked.now.scenario, forked.at, show_money(forked.now.equity, currency),
                           show_money(forked.then.equity, currency), show_count(forked.now.fills),
                           show_count(forked.then.fills), request.to);
    }
    std::string text = fmt::format("{} · {}\n", style.bold(request.to), style.bold(forked.now.scenario));
    text += style.dim(fmt::format("{} forked at event {} · {} events · {}", request.journal, forked.at,
                                  show_count(forked.now.events), show_seconds(wall_s))) +
            '\n';
    if (forked.at != request.at) {
        text += fmt::format("event {} is not the first of an input; what that input led to ends before event {}\n",
                            request.at, forked.at);
    }
    text += '\n' + figures(forked, style) + '\n' + portfolio_table(forked.now, style) + '\n';
    const std::string instruments = instrument_table(forked.now, style);
    text += instruments + (instruments.empty() ? "" : "\n");
    if (found.none()) {
        text += style.green("identical: the fork is the journal, byte for byte") + '\n';
    } else {
        text += fmt::format("A is {}, B is {}\n{}", request.journal, request.to, found.text);
    }
    text += fmt::format("\nlog head {}  state {}\n", short_digest(forked.now.log_head),
                        short_digest(forked.now.state_digest));
    return text + fmt::format("compare: alpha diff {} {}\n", shell_path(request.journal), shell_path(request.to));
}

Result<int> make_fork(const ForkRequest& request, Wiring& wiring) {
    const StopWatch watch;
    const Result<std::unique_ptr<Journal>> journal = open_journal(request.journal);
    if (!journal) {
        return tl::unexpected(journal.error());
    }
    Result<Plugins> plugins = load_plugins(request.plugins, **journal, wiring);
    if (!plugins) {
        return tl::unexpected(plugins.error());
    }
    Result<Forked> forked;
    {
        Result<std::unique_ptr<LogWriter>> created = create_journal(request.to);
        if (!created) {
            return tl::unexpected(created.error());
        }
        const std::unique_ptr<LogWriter> log = make_background_log(std::move(*created));
        ProgressBar progress(wiring.progress);
        ForkOptions options;
        options.at = request.at;
        options.settings = request.settings;
        options.settings_come_from = "--set ";
        options.plugins = std::move(*plugins);
        options.stop = &stop_on_signals();
        if (wiring.progress) {
            options.on_progress = [&progress](Seq done, Seq total) { progress.update(done, total); };
        }
        forked = fork_journal(**journal, *log, options);
    }
    if (!forked) {
        if (forked.error().kind == ErrorKind::mismatch) {
            return fail(ErrorKind::mismatch, fmt::format("{}\nalpha replay {} --verify shows how",
                                                         forked.error().message, shell_path(request.journal)));
        }
        return tl::unexpected(forked.error());
    }
    const Result<std::unique_ptr<Journal>> made = open_journal(request.to);
    if (!made) {
        return tl::unexpected(made.error());
    }
    const Result<Differences> found = differences_of(**journal, **made, wiring.out_style, wiring.zone);
    if (!found) {
        return tl::unexpected(found.error());
    }
    wiring.out.write(wiring.json ? fork_json(request, *forked, *found, watch.seconds())
                                 : fork_text(request, *forked, *found, watch.seconds(), wiring));
    return kExitOk;
}

}  // namespace

void add_fork(Commands& commands) {
    auto request = std::make_shared<ForkRequest>();
    const Command command = commands.add(
        commands.program(), "fork", "What if: tell a journal's session again from some event on, with other settings",
        "Example:\n"
        "  alpha fork runs/demo --at 100000 --set strategies.trend.params.fast=50 --set "
        "risk.max_position=100 "
        "--to runs/what-if\n\n"
        "The new journal begins with the same events; from there on the inputs of the old one are decided under the\n"
        "new settings. Without --set it is the same, byte for byte. Keys are those of a scenario: risk.KEY, "
        "charges.KEY,\n"
        "snapshot_interval, strategies.ID.params.KEY, broker.NAME.KEY; nothing behind the '=' takes a setting away.",
        [request](Wiring& wiring) {
            return read_isolated(wiring, "the journal " + request->journal,
                                 [&] { return make_fork(*request, wiring); });
        });
    journal_option(command, request->journal).required();
    commands.prints_times(command);
    command.option("--at", request->at, "The first event that may differ").required();
    command.option("--set", request->settings, "A setting to change: key=value; repeat for several").repeatable();
    command.option("--plugin", request->plugins, "A library with a strategy of the session; repeat for several")
        .repeatable();
    command.option("--to", request->to, "Where to write the new journal; must not exist").required();
}

}  // namespace alpha
