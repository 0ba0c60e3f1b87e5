#include "cli/report.hpp"

#include "cli/command.hpp"
#include "events/text.hpp"
#include "results/export.hpp"
#include "results/report.hpp"
#include "results/trials.hpp"
#include "runtime/components.hpp"
#include "store/disk.hpp"
#include "store/journal.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <memory>

namespace alpha {

namespace {

struct ReportRequest {
    std::string journal;
    std::string to;
    std::string benchmark;
    std::string ledger = kTrialLedger;
    bool csv = false;
    bool plot = false;
};

/// What a screen has room for, in its order; all of them are in the report.
constexpr const char* kShown[] = {"net_return",  "cagr",          "annual_volatility", "sharpe",        "sortino",
                                  "calmar",      "max_drawdown",  "max_drawdown_days", "exposure_time", "trades",
                                  "win_rate",    "profit_factor", "expectancy",        "average_trade", "best_trade",
                                  "worst_trade", "average_held",  "turnover",          "charges"};

std::string statistics_table(const Results& results, const Style& style) {
    const auto benchmark = std::ranges::find(results.sections, std::string("benchmark"),
                                             [](const Section& section) { return section.kind; });
    const bool has_benchmark = benchmark != results.sections.end();
    Table table({{"", Table::Align::left}, {"strategy"}, {"buy & hold"}});
    for (const char* const id : kShown) {
        const Metric* const metric = results.statistics.find(id);
        if (metric == nullptr) {
            continue;
        }
        const Metric* const other = has_benchmark ? benchmark->statistics.find(id) : nullptr;
        const bool is_said = other != nullptr && !std::holds_alternative<std::monostate>(other->value) &&
                             std::string_view(metric->group) != "trade";
        table.row({metric->title, metric_text(*metric, results.currency),
                   is_said ? metric_text(*other, results.currency) : ""});
    }
    if (!has_benchmark) {
        table.drop("buy & hold");
    }
    return table.text(style);
}

std::string costs_table(const Results& results, const Style& style) {
    Table table({{"from prices to net", Table::Align::left}, {""}});
    Money net;
    for (const CostRow& row : results.costs) {
        net += row.amount;
        table.row({row.name, show_gain(row.amount, results.currency)});
    }
    table.row({"net", show_gain(net, results.currency)});
    return table.text(style);
}

/// The equity of each day, or of each band within one, over so many rows of blocks.
std::string equity_plot(const Results& results, const Style& style) {
    constexpr std::size_t kRows = 12;
    constexpr std::size_t kLevels = 8;
    static constexpr const char* kBlocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const std::vector<Band>& curve = results.equity_curve;
    if (curve.empty()) {
        return "";
    }
    double low = curve.front().low;
    double high = curve.front().high;
    for (const Band& band : curve) {
        low = std::min(low, band.low);
        high = std::max(high, band.high);
    }
    const auto money = [&](double amount) {
        return show_money(Money{static_cast<Int128>(std::llround(amount * 100)) * (kScale / 100)}, results.currency);
    };
    const std::string top = money(high);
    const std::string bottom = money(low);
    const std::size_t margin = std::max(display_columns(top), display_columns(bottom));
    const std::size_t room = style.columns() > margin + 12 ? style.columns() - margin - 2 : 10;
    const std::size_t columns = std::min(curve.size(), room);
    std::string text = style.bold("Equity") + '\n';
    for (std::size_t row = kRows; row-- > 0;) {
        const std::string& label = row + 1 == kRows ? top : row == 0 ? bottom : std::string();
        text += std::string(margin - display_columns(label), ' ') + label + " ";
        std::string line;
        for (std::size_t column = 0; column < columns; ++column) {
            const double value = curve[(column + 1) * curve.size() / columns - 1].close;
            const double part = high > low ? (value - low) / (high - low) : 1;
            const auto levels =
                static_cast<std::size_t>(std::lround(part * static_cast<double>(kRows * kLevels - 1))) + 1;
            const std::size_t here = levels <= row * kLevels ? 0 : std::min(levels - row * kLevels, kLevels);
            line += kBlocks[here];
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    return text;
}

std::string trials_line(const Trials& trials) {
    std::string text =
        fmt::format("chosen out of {} of {}", counted(trials.distinct, "distinct run"), printable(trials.family));
    if (trials.deflated_sharpe) {
        text += fmt::format("; true Sharpe above zero with probability {:.2f}", *trials.deflated_sharpe);
    }
    if (trials.overfitting_probability) {
        text += fmt::format("; overfitted with probability {:.2f}", *trials.overfitting_probability);
    }
    return text + (trials.is_recorded ? "" : "; the ledger does not have this one");
}

std::string report_text(const Results& results, const Zone& zone, const Style& style, bool plot) {
    std::string text = style.bold(printable(results.scenario));
    text += fmt::format(" · {} → {} · {} · {} trades\n\n", zone.show_date(results.first), zone.show_date(results.last),
                        counted(results.days.size(), "trading day"),
                        show_count(static_cast<std::uint64_t>(
                            std::ranges::count_if(results.lots, [](const Trade& trade) { return !trade.is_open(); }))));
    text += statistics_table(results, style) + '\n';
    text += costs_table(results, style);
    if (plot) {
        text += '\n' + equity_plot(results, style);
    }
    if (results.trials) {
        text += '\n' + trials_line(*results.trials) + '\n';
    }
    for (const Finding& finding : results.findings) {
        if (finding.gravity != "note") {
            text += style.yellow(fmt::format("! {}: {}", printable(finding.instrument), finding.text)) + '\n';
        }
    }
    return text;
}

Result<int> report(const ReportRequest& request, Wiring& wiring) {
    ProgressBar progress(wiring.progress);
    ResultsOptions options;
    options.benchmark = request.benchmark;
    const Result<FoldedResults> folded = results_of_journal(request.journal, options, request.ledger);
    if (!folded) {
        return tl::make_unexpected(folded.error());
    }
    const Results& results = folded->results;
    const bool is_html = !wiring.json && !request.csv;
    const std::string text = wiring.json   ? results_json(results) + '\n'
                             : request.csv ? statistics_csv(results)
                                           : report_html(results);
    const bool to_screen = request.to == "-";
    if (to_screen && !is_html) {
        wiring.out.write(text);
        return kExitOk;
    }
    Result<OutputFile> file = OutputFile::open(to_screen ? "/dev/stdout" : request.to);
    Result<void> written = file ? file->write(text) : tl::make_unexpected(file.error());
    written = written ? file->commit() : written;
    if (!written) {
        return tl::make_unexpected(written.error());
    }
    if (!to_screen && !wiring.json) {
        wiring.out.write(wiring.quiet || !is_html ? request.to + '\n'
                                                  : report_text(results, wiring.zone, wiring.out_style, request.plot) +
                                                        fmt::format("\nreport: {}\n", request.to));
    }
    return kExitOk;
}

}  // namespace

Result<void> check_replaced(const std::string& path, const ReportForm& form) {
    constexpr std::size_t kHead = 4'096;
    std::error_code unknown;
    if (path == "-" || !std::filesystem::is_regular_file(path, unknown)) {
        return {};
    }
    const Result<std::string> head = read_file(path, kHead);
    if (!head) {
        return tl::make_unexpected(head.error());
    }
    const std::size_t at = head->find(form.mark);
    if (head->empty() || (form.is_first ? at == 0 : at != std::string::npos)) {
        return {};
    }
    return fail(ErrorKind::usage, fmt::format("{}: exists and is no report of alpha's; name another", path));
}

Result<FoldedResults> results_of_journal(const std::string& path, ResultsOptions options, const std::string& ledger) {
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    if (!journal) {
        return tl::make_unexpected(journal.error());
    }
    const std::string head = to_hex((*journal)->head());
    const Result<std::vector<TrialRow>> rows = ledger.empty() ? Result<std::vector<TrialRow>>{} : read_trials(ledger);
    if (!rows) {
        return tl::make_unexpected(rows.error());
    }
    std::optional<TrialSummary> trials;
    if (!rows->empty() && (*journal)->next_seq() != 0) {
        const Result<DecodedEvent> first = read_event(**journal, 0);
        const auto* const config = first ? std::get_if<RunConfigured>(&first->event) : nullptr;
        trials = config == nullptr ? std::nullopt : trials_of(*rows, trial_family(*config), head);
    }
    if (trials) {
        options.trials = trials->trials.distinct;
        options.trial_sharpe_variance = trials->sharpe_variance;
    }
    Result<FoldedResults> folded = results_of(**journal, (*journal)->next_seq(), options);
    if (folded) {
        Results& results = folded->results;
        results.journal = path;
        results.log_head = head;
        results.state_digest = to_hex(state_digest(folded->state));
        if (trials) {
            results.trials = std::move(trials->trials);
            results.trials->deflated_sharpe = results.statistics.number("deflated_sharpe");
        }
    }
    return folded;
}

void add_report(Commands& commands) {
    const auto request = std::make_shared<ReportRequest>();
    const Command command = commands.add(
        commands.program(), "report", "What a journal came to: statistics, costs, trades, as one HTML file",
        "Example:\n"
        "  alpha report runs/demo --to demo.html\n\n"
        "The file is whole in itself: no network, no script, the same bytes each time. Everything in it is read from "
        "the log, so it is the\n"
        "same for a backtest, a live session and its replay. --json and --csv print statistics instead.\n"
        "docs/reference-statistics.md has every formula.",
        [request](Wiring& wiring) {
            const bool is_html = !wiring.json && !request->csv;
            if (request->to.empty() && !is_html) {
                request->to = "-";
            } else if (request->to.empty()) {
                std::string name = std::filesystem::path(request->journal).lexically_normal().string();
                name.erase(name.find_last_not_of('/') + 1);
                request->to = name + ".html";
            }
            const std::array in_use{InUse{"the journal", request->journal}, InUse{"the trial ledger", request->ledger}};
            Result<void> apart = check_apart("--to", request->to, in_use);
            apart = apart ? check_apart("--log-file", wiring.log_file, in_use) : apart;
            if (!apart) {
                return Result<int>(tl::make_unexpected(apart.error()));
            }
            if (Result<void> good = check_replaced(request->to, wiring.json    ? kJsonReport
                                                                : request->csv ? kCsvReport
                                                                               : kHtmlReport);
                !good) {
                return Result<int>(tl::make_unexpected(good.error()));
            }
            return read_isolated(wiring, "the journal " + request->journal, [&] { return report(*request, wiring); });
        });
    journal_option(command, request->journal).required();
    commands.prints_times(command);
    command.option("--to", request->to,
                   "The file to write; default: JOURNAL.html, of --json and --csv standard output, which is -");
    command.option("--benchmark", request->benchmark,
                   "Compare with buying this instrument and holding it; default: what strategies name, in equal parts");
    command.option("--ledger", request->ledger, "The trial ledger that says how much was tried").shows_default();
    command.flag("--csv", request->csv, "Every statistic as CSV instead: section,name,metric,value,unit");
    command.flag("--plot", request->plot, "Also draw the equity in the terminal");
}

}  // namespace alpha
