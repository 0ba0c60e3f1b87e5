#include "cli/control.hpp"

#include "cli/summary.hpp"
#include "runtime/fold.hpp"
#include "runtime/isolation.hpp"
#include "runtime/operator.hpp"
#include "views/as_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <utility>

namespace alpha {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRunsFolder = "runs";

// ---- how a session stands ---------------------------------------------------------------------------------------------

std::string stream_lines(const SessionStatus& s) {
    std::string lines;
    for (const StreamStatus& each : s.streams) {
        const char* const state = each.has_ended      ? "ended"
                                  : each.is_connected ? "a sender is connected"
                                                      : "no sender is connected";
        lines +=
            fmt::format("{}  {}{} · {} records, {} {} ago", each.name, state,
                        each.is_left_out ? " · silent, and left out" : "", show_count(each.records),
                        each.records == 0 ? "opened" : "the last one", show_seconds(seconds_of(silence_of(s, each))));
        if (each.refused_records != 0) {
            lines += fmt::format(" · {} too late and refused", show_count(each.refused_records));
        }
        if (each.refused_senders != 0) {
            lines += fmt::format("\n! {} senders refused, the last one: {}", show_count(each.refused_senders),
                                 each.last_refusal);
        }
        lines += "\n";
    }
    return lines;
}

std::string show_latency(std::uint64_t ns) {
    constexpr double kMicro = 1e3;
    constexpr double kMilli = 1e6;
    const auto value = static_cast<double>(ns);
    return value < kMilli ? fmt::format("{:.1f} µs", value / kMicro) : fmt::format("{:.1f} ms", value / kMilli);
}

std::string latency_line(const char* what, const LatencyHistogram& h) {
    if (h.count() == 0) {
        return {};
    }
    return fmt::format("{}  p50 {} · p99 {} · p99.9 {} · max {}  of {}\n", what, show_latency(h.quantile_ns(0.5)),
                       show_latency(h.quantile_ns(0.99)), show_latency(h.quantile_ns(0.999)), show_latency(h.max_ns()),
                       show_count(h.count()));
}

std::string risk_table(const std::vector<RiskHeadroom>& risk, const Style& style) {
    if (risk.empty()) {
        return {};
    }
    Table table({{"Portfolio", Table::Align::left}, {"Rule", Table::Align::left}, {"Used"}, {"Limit"}, {"Room"}});
    for (const RiskHeadroom& each : risk) {
        const std::string room = to_string(each.room);
        table.row({each.portfolio, name_of(each.rule), to_string(each.used), to_string(each.limit),
                   each.room.raw < 0 ? style.red(room) : room});
    }
    return table.text(style) + "\n";
}

std::string books_text(const RunResult& books, const Style& style) {
    const std::string instruments = instrument_table(books, style);
    std::string text = portfolio_table(books, style) + "\n";
    text += instruments.empty() ? "" : instruments + "\n";
    return text;
}

/// What stands in the way of trading, and the command that says more; the journal's path is one that whoever reads it can use.
std::string kill_switch_lines(const RunResult& books, const std::string& journal, bool is_running) {
    std::string lines;
    for (const PortfolioResult& portfolio : books.portfolios) {
        if (portfolio.killed) {
            const std::string mend = is_running
                                         ? fmt::format("alpha kill --release --journal {} --portfolio {} lets it "
                                                       "trade again",
                                                       shell_path(journal), shell_word(portfolio.portfolio))
                                         : "a live session can be released once it runs again";
            lines += fmt::format("! {}: the kill switch is latched ({}); {}\n", portfolio.portfolio,
                                 name_of(portfolio.latch), mend);
        }
    }
    for (const std::string& strategy : halted_of(books)) {
        lines += fmt::format("! {}: this strategy is halted; alpha log {} --type strategy_halted says why\n", strategy,
                             shell_path(journal));
    }
    return lines;
}

std::string status_text(const SessionStatus& s, const SessionFacts& facts, const Style& style) {
    const RunResult& b = s.books;
    std::string text = fmt::format("{} · {} · {}\n", style.bold(b.scenario), facts.mode, standing_of(s));
    text += fmt::format("{}  event {}, {} not on disk yet\n", facts.journal, show_count(b.events),
                        show_count(b.events - std::min(s.durable_seq, b.events)));
    text +=
        fmt::format("{}  {} records · speed {} · last one {} ago · up {}\n", to_iso(b.last), show_count(s.feed_records),
                    s.speed, show_seconds(seconds_of(s.since_last_input)), show_seconds(seconds_of(s.running)));
    text += stream_lines(s);
    text += fmt::format("{} orders, {} open · {} fills · P&L {} realized, {} unrealized, {} charges\n",
                        show_count(b.orders), show_count(s.books.open_orders), show_count(b.fills),
                        show_gain(b.realized_pnl, b.currency), show_gain(b.unrealized_pnl, b.currency),
                        show_money(b.charges, b.currency));
    text += latency_line("tick ", b.tick_latency) + latency_line("order", b.order_latency) +
            latency_line("due  ", b.due_latency);
    text += "\n" + books_text(b, style) + risk_table(s.risk, style) +
            kill_switch_lines(b, fs::absolute(facts.journal).string(), true);
    return text;
}

// ---- the session's side -----------------------------------------------------------------------------------------------

/// A request is "VERB FORMAT NAME"; the answer is an exit code on a line of its own, and what to print.
struct Asked {
    std::string verb;
    bool json = false;
    std::string name;  ///< of a portfolio; resume: of a strategy
};

Asked parse_request(const std::string& line) {
    Asked asked;
    const std::size_t first = std::min(line.find(' '), line.size());
    const std::size_t second = std::min(line.find(' ', std::min(first + 1, line.size())), line.size());
    asked.verb = line.substr(0, first);
    asked.json = first < line.size() && line.substr(first + 1, second - first - 1) == "json";
    asked.name = second < line.size() ? line.substr(second + 1) : "";
    return asked;
}

std::string change_text(const Asked& asked, const SessionStatus& s) {
    std::string text;
    for (const StrategyResult& strategy : s.books.strategies) {
        if (asked.verb == "resume" && asked.name == strategy.strategy) {
            text += fmt::format("{}: {}\n", strategy.strategy, strategy.halted ? "halted" : "goes on");
        }
    }
    for (const PortfolioResult& portfolio : s.books.portfolios) {
        if (asked.verb == "resume" || (!asked.name.empty() && asked.name != portfolio.portfolio)) {
            continue;
        }
        text += fmt::format("{}: the kill switch is {}\n", portfolio.portfolio,
                            portfolio.killed ? fmt::format("latched ({})", name_of(portfolio.latch)) : "released");
        for (const InstrumentResult& each : portfolio.instruments) {
            if (each.net != Qty{}) {
                text += fmt::format("  holds {} {}\n", to_string(each.net), each.instrument);
            }
        }
    }
    text += fmt::format("{} orders open · event {}\n", show_count(s.books.open_orders), show_count(s.books.events));
    return text;
}

std::string answer_text(const Asked& asked, const Reply::Outcome& outcome, const SessionFacts& facts, bool colours) {
    if (!outcome) {
        return fmt::format("{}\n{}", static_cast<int>(outcome.error().kind), outcome.error().message);
    }
    const SessionStatus& status = **outcome;
    return "0\n" + (asked.json               ? status_json(status, facts) + "\n"
                    : asked.verb == "status" ? status_text(status, facts, Style(colours))
                                             : change_text(asked, status));
}

// ---- the asking side --------------------------------------------------------------------------------------------------

/// Journals at which a session runs, among those in runs/.
std::vector<std::string> running_journals() {
    std::vector<std::string> found;
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(kRunsFolder, ignored)) {
        if (entry.is_directory(ignored) && is_session_running(entry.path().string())) {
            found.push_back(entry.path().string());
        }
    }
    std::ranges::sort(found);
    return found;
}

/// Asks, prints the answer, and returns its exit code.
Result<int> ask(const std::string& journal, const std::string& line, Wiring& wiring) {
    const Result<std::string> answer = ask_session(journal, line);
    if (!answer) {
        return tl::unexpected(answer.error());
    }
    int code = 1;
    const char* const end = answer->data() + answer->size();
    const auto read = std::from_chars(answer->data(), end, code);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != '\n') {
        return fail(ErrorKind::internal, fmt::format("{}: its session is of another version of alpha", journal));
    }
    const std::string_view text(read.ptr + 1, static_cast<std::size_t>(end - read.ptr - 1));
    if (code != kExitOk) {
        return fail(static_cast<ErrorKind>(code), std::string(text));
    }
    wiring.out.write(wiring.json ? std::string(text) : wiring.zone.show_all(text));
    return kExitOk;
}

/// What a journal says when nobody trades into it.
Result<int> status_at_rest(const std::string& path, Wiring& wiring) {
    return read_isolated(wiring, path, [&]() -> Result<int> {
        const Result<std::unique_ptr<Journal>> journal = open_journal(path);
        if (!journal) {
            return tl::unexpected(journal.error());
        }
        const Result<State> state = state_before(**journal, (*journal)->next_seq());
        if (!state) {
            return tl::unexpected(state.error());
        }
        const RunResult books = books_of(*state);
        const bool clean = (*journal)->info().clean_end;
        if (wiring.json) {
            wiring.out.write(journal_json(path, books, clean, risk_headroom(*state)) + "\n");
            return kExitOk;
        }
        wiring.out.write(fmt::format("{} · not running · {}\n{}  event {} · {}\n\n",
                                     wiring.out_style.bold(books.scenario),
                                     clean ? "ended cleanly" : "ended without sealing its journal", path,
                                     show_count(books.events), wiring.zone.show(books.last)));
        wiring.out.write(books_text(books, wiring.out_style) + risk_table(risk_headroom(*state), wiring.out_style) +
                         kill_switch_lines(books, path, false));
        return kExitOk;
    });
}

Result<int> show_status(const std::string& journal, Wiring& wiring) {
    const std::string request = wiring.json                  ? "status json"
                                : wiring.out_style.colours() ? "status colour"
                                                             : "status text";
    if (!journal.empty()) {
        return is_session_running(journal) ? ask(journal, request, wiring) : status_at_rest(journal, wiring);
    }
    const std::vector<std::string> running = running_journals();
    if (running.empty()) {
        return fail(ErrorKind::usage, "no session runs among the journals in runs/; name one with --journal");
    }
    int code = kExitOk;
    for (const std::string& each : running) {
        const Result<int> asked = ask(each, request, wiring);
        if (!asked) {
            return asked;
        }
        code = std::max(code, *asked);
    }
    return code;
}

struct KillOptions {
    std::string journal;
    std::string portfolio;
    bool entries = false;
    bool flatten = false;
    bool release = false;
};

/// The journal that was named, or that of the only session that runs.
Result<std::string> session_journal(const std::string& named) {
    if (!named.empty()) {
        return named;
    }
    const std::vector<std::string> running = running_journals();
    if (running.size() != 1) {
        return fail(ErrorKind::usage,
                    running.empty()
                        ? "no session runs among the journals in runs/; name one with --journal"
                        : fmt::format("several sessions run: {}; name one with --journal", fmt::join(running, ", ")));
    }
    return running.front();
}

Result<int> kill(const KillOptions& request, Wiring& wiring) {
    if (request.entries + request.flatten + request.release > 1) {
        return fail(ErrorKind::usage, "--entries, --flatten and --release exclude each other; write one of them");
    }
    const Result<std::string> journal = session_journal(request.journal);
    if (!journal) {
        return tl::unexpected(journal.error());
    }
    const char* const verb = request.release   ? "release"
                             : request.entries ? "kill-entries"
                             : request.flatten ? "kill-flatten"
                                               : "kill";
    return ask(*journal, fmt::format("{} {} {}", verb, wiring.json ? "json" : "text", request.portfolio), wiring);
}

Result<int> resume(const std::string& named, const std::string& strategy, Wiring& wiring) {
    const Result<std::string> journal = session_journal(named);
    if (!journal) {
        return tl::unexpected(journal.error());
    }
    return ask(*journal, fmt::format("resume {} {}", wiring.json ? "json" : "text", strategy), wiring);
}

}  // namespace

Control::Handler answer_requests(Inbox& inbox, SessionFacts facts) {
    return [&inbox, facts = std::move(facts)](const std::string& line, const std::shared_ptr<Control::Asker>& peer) {
        const Asked asked = parse_request(line);
        const bool colours = line.ends_with(" colour");
        Asker asker;
        asker.is_there = [peer] { return peer->is_there(); };
        asker.reply = [peer, asked, facts, colours](Reply::Outcome outcome) {
            // Put into words on the control's thread: the session's has other things to do.
            peer->answer([asked, facts, colours, outcome = std::move(outcome)] {
                return answer_text(asked, outcome, facts, colours);
            });
        };
        if (asked.verb == "status") {
            return inbox.ask_status(std::move(asker));
        }
        OperatorRequest request;
        request.name = asked.name;
        if (asked.verb == "kill" || asked.verb == "kill-entries" || asked.verb == "kill-flatten") {
            request.kind = OperatorRequest::Kind::kill;
            request.scope = asked.verb == "kill"           ? LatchScope::all
                            : asked.verb == "kill-entries" ? LatchScope::entries
                                                           : LatchScope::flatten;
        } else if (asked.verb == "resume") {
            request.kind = OperatorRequest::Kind::resume;
        } else if (asked.verb == "release") {
            request.kind = OperatorRequest::Kind::release;
        } else {
            return asker.reply(
                fail(ErrorKind::usage,
                     fmt::format("this session does not know '{}'; it is of another version of alpha", asked.verb)));
        }
        const bool is_kill = request.kind == OperatorRequest::Kind::kill;
        inbox.post({[request](const State& state) { return inputs_of(request, state); }, std::move(asker),
                    is_kill ? std::optional(request.name) : std::nullopt});
    };
}

std::string live_line(const RunResult& books, const Zone& zone) {
    return fmt::format("{}  {} events  {} orders, {} open  {} fills  P&L {}", zone.show(books.last),
                       show_count(books.events), show_count(books.orders), books.open_orders, show_count(books.fills),
                       show_gain(books.realized_pnl + books.unrealized_pnl - books.charges, books.currency));
}

void LiveLine::update(const State& state) {
    if (!shown_) {
        return;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) {
        return;
    }
    next_ = now + std::chrono::milliseconds(250);
    if (loggers_.is_terminal_free()) {
        drawn_ = true;
        loggers_.show([books = books_of(state), zone = zone_] { return drawn_line(live_line(books, zone)); });
    }
}

void LiveLine::clear() {
    if (std::exchange(drawn_, false)) {
        loggers_.show([] { return std::string(kWipedLine); });
    }
}

void add_status(Commands& commands) {
    auto journal = std::make_shared<std::string>();
    const Command command = commands.add(
        commands.program(), "status",
        "How a session stands: positions, P&L, room under its risk limits, kill switch, latency",
        "Example:\n"
        "  alpha status runs/demo-live\n\n"
        "Asks the session that runs at the journal; of a journal at which none runs it shows how it was left.\n"
        "Without --journal: every session that runs among the journals in runs/.",
        [journal](Wiring& wiring) { return show_status(*journal, wiring); });
    commands.prints_times(command);
    command.option("journal,--journal", *journal, "The session's journal; default: those in runs/ at which one runs");
}

void add_kill(Commands& commands) {
    auto request = std::make_shared<KillOptions>();
    const Command command = commands.add(
        commands.program(), "kill", "Latch the kill switch of a running session",
        "Example:\n"
        "  alpha kill --journal runs/demo-live             no order passes, all open ones are cancelled\n"
        "  alpha kill --entries --journal runs/demo-live   nothing is opened; what reduces a position lives on\n"
        "  alpha kill --flatten --journal runs/demo-live   all is cancelled and every position closed, then no order "
        "passes\n"
        "  alpha kill --release --journal runs/demo-live   orders pass again\n\n"
        "The session goes on and follows the market. The latch is in the journal, so it holds after a restart too; "
        "only a "
        "person\nreleases what a person has latched. When this returns, it is on disk, and what is still held is "
        "printed. A "
        "closing order\nof --flatten fills when its market gives a price: alpha status shows when it has.",
        [request](Wiring& wiring) { return kill(*request, wiring); });
    command.option("--journal", request->journal, "The session's journal; default: the one in runs/ at which one runs");
    command.option("--portfolio", request->portfolio, "Only this portfolio; default: all of them");
    command.flag("--entries", request->entries, "Only what may increase a position");
    command.flag("--flatten", request->flatten, "Close every position first, with reduce-only market orders");
    command.flag("--release", request->release, "Let it trade again");
}

void add_resume(Commands& commands) {
    auto journal = std::make_shared<std::string>();
    auto strategy = std::make_shared<std::string>();
    const Command command =
        commands.add(commands.program(), "resume", "Let a halted strategy of a running session go on",
                     "Example:\n"
                     "  alpha resume cross --journal runs/demo-live\n\n"
                     "It gets callbacks again, as it stands; its timers are gone. The journal records it.",
                     [journal, strategy](Wiring& wiring) { return resume(*journal, *strategy, wiring); });
    command.option("strategy", *strategy, "The strategy's id").required();
    command.option("--journal", *journal, "The session's journal; default: the one in runs/ at which one runs");
}

}  // namespace alpha
