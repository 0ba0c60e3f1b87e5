#include "cli/summary.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace alpha {
namespace {

constexpr std::size_t kSparkColumns = 32;
constexpr std::size_t kNamesInHeader = 3;
constexpr std::size_t kShownDigest = 16;

/// For display only: statistics at the edge are IEEE doubles.
double to_double(Money amount) {
    return static_cast<double>(amount.raw) / static_cast<double>(kScale);
}

int sign_of(Money amount) {
    return amount.raw == 0 ? 0 : (amount.raw > 0 ? 1 : -1);
}

int sign_of(double value) {
    return value == 0.0 ? 0 : (value > 0.0 ? 1 : -1);
}

/// Gain over the money the run began with; not a number without any.
double net_return(const RunResult& result) {
    return to_double(result.equity) / to_double(result.initial_cash) - 1.0;
}

/// At each sample, how far equity stands below its highest so far, as a fraction of it.
std::vector<double> drawdowns(const RunResult& result) {
    std::vector<double> depths;
    depths.reserve(result.equity_curve.size());
    double peak = to_double(result.initial_cash);
    for (const EquitySample& sample : result.equity_curve) {
        const double equity = to_double(sample.equity);
        peak = std::max(peak, equity);
        depths.push_back(peak > 0 ? 1.0 - equity / peak : 0.0);
    }
    return depths;
}

/// The scenario's own hours tell which day a trader calls it.
const TradingHours& hours_of(const Scenario& scenario) {
    return scenario.config.instruments.empty() ? scenario.config.default_instrument.hours
                                               : scenario.config.instruments.front().hours;
}

std::string zone_name(const TradingHours& hours) {
    const std::int32_t minutes = hours.utc_offset_s / 60;
    if (minutes == 0) {
        return "UTC";
    }
    if (minutes == 330) {
        return "IST";
    }
    return fmt::format("UTC{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60, std::abs(minutes) % 60);
}

std::string header(const Scenario& scenario, const RunResult& result, const Zone& zone, const Style& style) {
    const std::vector<Instrument>& instruments = scenario.config.instruments;
    std::string days;
    if (result.ticks + result.bars != 0) {
        const TradingHours& hours = hours_of(scenario);
        days = zone.is_named() ? fmt::format(" · {} → {} {}", zone.show_date(result.first), zone.show_date(result.last),
                                             zone.name())
                               : fmt::format(" · {} → {} {}", to_iso(hours.date_of(result.first)),
                                             to_iso(hours.date_of(result.last)), zone_name(hours));
    }
    const auto with_names = [&](std::size_t count) {
        std::string names;
        for (std::size_t i = 0; i < count; ++i) {
            names += (i == 0 ? " · " : ", ") + instruments[i].name;
        }
        if (count < instruments.size()) {
            names += count == 0 ? fmt::format(" · {} instruments", instruments.size())
                                : fmt::format(" and {} more", instruments.size() - count);
        }
        return style.bold(result.scenario) + names + days;
    };
    std::size_t names = std::min(instruments.size(), kNamesInHeader);
    while (names > 0 && display_columns(with_names(names)) > style.columns()) {
        --names;
    }
    return with_names(names) + '\n';
}

std::string volume_line(const RunResult& result, const RunFacts& facts, const Style& style) {
    std::vector<std::string> parts;
    if (result.ticks != 0) {
        parts.push_back(show_count(result.ticks) + " ticks");
    }
    if (result.bars != 0) {
        parts.push_back(show_count(result.bars) + " bars");
    }
    parts.push_back(show_count(result.events) + " events");
    parts.push_back(show_seconds(facts.wall_s));
    parts.push_back(fmt::format("{:.1f} M events/s", events_per_s(result, facts) / 1e6));
    parts.push_back(fmt::format("{:.0f} MB", facts.peak_rss_mb));
    parts.emplace_back("alpha " ALPHA_VERSION);
    std::string line = fmt::format("{}", fmt::join(parts, " · "));
    while (parts.size() > 1 && display_columns(line) > style.columns()) {  // the last ones matter least
        parts.pop_back();
        line = fmt::format("{}", fmt::join(parts, " · "));
    }
    return style.dim(line) + '\n';
}

/// The figures, in two columns of label and value and one of counts.
std::string figures(const RunResult& result, const Style& style) {
    const std::string& currency = result.currency;
    const double gain = net_return(result);
    const double deepest =
        result.drawdown_peak.raw > 0 ? 1.0 - to_double(result.drawdown_trough) / to_double(result.drawdown_peak) : 0.0;
    const auto money = [&](Money amount) { return style.gain(sign_of(amount), show_gain(amount, currency)); };

    Table table({{"", Table::Align::left},
                 {""},
                 {"  ", Table::Align::left},
                 {"", Table::Align::left},
                 {""},
                 {"  ", Table::Align::left},
                 {"", Table::Align::left},
                 {""}});
    table.row({"Net return", style.gain(sign_of(gain), show_percent(gain)), "", "Equity",
               style.bold(show_money(result.equity, currency)), "", "Orders", show_count(result.orders)});
    table.row({"Max drawdown", show_percent(-deepest), "", "Realized", money(result.realized_pnl), "", "Refused",
               show_count(result.refused)});
    table.row({"Started with", show_money(result.initial_cash, currency), "", "Unrealized",
               money(result.unrealized_pnl), "", "Fills", show_count(result.fills)});
    table.row({"Cash", show_money(result.cash, currency), "", "Charges", money(-result.charges), "", "", ""});
    const std::string text = table.text(Style(false));
    return text.substr(text.find('\n') + 1);  // the columns need no titles
}

std::string sparklines(const RunResult& result) {
    if (result.equity_curve.size() < 2) {
        return {};
    }
    std::vector<double> equity;
    equity.reserve(result.equity_curve.size());
    for (const EquitySample& sample : result.equity_curve) {
        equity.push_back(to_double(sample.equity));
    }
    return fmt::format("Equity  {}   DD  {}\n", sparkline(equity, kSparkColumns, Bucket::last),
                       sparkline(drawdowns(result), kSparkColumns, Bucket::highest));
}

std::string strategy_table(const RunResult& result, const Style& style) {
    const std::string& currency = result.currency;
    Table table({{"strategy", Table::Align::left},
                 {"portfolio", Table::Align::left},
                 {"orders"},
                 {"refused"},
                 {"fills"},
                 {"realized"},
                 {"charges", Table::Align::right, true},
                 {"realized, net"},
                 {"", Table::Align::left}});
    for (const StrategyResult& each : result.strategies) {
        const Money net = each.realized_pnl - each.charges;
        table.row({each.strategy, each.portfolio, show_count(each.orders), show_count(each.refused),
                   show_count(each.fills),
                   style.gain(sign_of(each.realized_pnl), show_gain(each.realized_pnl, currency)),
                   show_money(each.charges, currency), style.gain(sign_of(net), show_gain(net, currency)),
                   each.halted ? style.red("halted") : std::string()});
    }
    return table.text(style);
}

/// What did not end with the run; empty when nothing.
std::string left_over(const RunResult& result, const std::string& journal) {
    std::size_t held = 0;
    for (const PortfolioResult& portfolio : result.portfolios) {
        held += static_cast<std::size_t>(std::ranges::count_if(
            portfolio.instruments, [](const InstrumentResult& each) { return each.net != Qty{}; }));
    }
    std::vector<std::string> parts;
    if (result.open_orders != 0) {
        parts.push_back(counted(result.open_orders, "order"));
    }
    if (held != 0) {
        parts.push_back(counted(held, "position"));
    }
    if (parts.empty()) {
        return {};
    }
    const std::string more =
        result.open_orders == 0 ? "" : fmt::format(" (alpha show orders {} --open)", shell_path(journal));
    return fmt::format("Still open: {}{}\n", fmt::join(parts, ", "), more);
}

bool limits_cash(const RunConfigured& config) {
    return std::ranges::any_of(config.risk, [](const RiskLimit& limit) { return limit.rule == Rule::buying_power; });
}

}  // namespace

std::vector<std::string> halts_of(const RunResult& result, const std::string& journal) {
    std::vector<std::string> halts;
    for (const PortfolioResult& each : result.portfolios) {
        if (each.killed) {
            halts.push_back(
                each.latch == LatchScope::entries
                    ? fmt::format("portfolio {}: the kill switch is latched (entries); since then it only reduces",
                                  each.portfolio)
                    : fmt::format("portfolio {}: the kill switch is latched; its orders are refused since",
                                  each.portfolio));
        }
    }
    for (const StrategyResult& each : result.strategies) {
        if (each.halted) {
            halts.push_back(fmt::format("strategy {} was halted; alpha log {} --type strategy_halted says why",
                                        each.strategy, shell_path(journal)));
        }
    }
    return halts;
}

std::vector<std::string> warnings_of(const Scenario& scenario, const RunResult& result, const std::string& journal) {
    std::vector<std::string> warnings = scenario.warnings;
    for (const DataWarning& each : result.data_warnings) {
        warnings.push_back(each.text);
    }
    for (std::string& halt : halts_of(result, journal)) {
        warnings.push_back(std::move(halt));
    }
    if (result.refused != 0) {
        std::vector<std::string> rules;
        rules.reserve(result.refused_by.size());
        for (const auto& [rule, count] : result.refused_by) {
            rules.push_back(fmt::format("{} by {}", show_count(count), name_of(rule)));
        }
        warnings.push_back(fmt::format("{}: {}; alpha log {} --type order_refused lists them",
                                       result.refused == 1 ? "an order was refused" : "orders were refused",
                                       fmt::join(rules, ", "), shell_path(journal)));
    }
    for (const PortfolioResult& each : result.portfolios) {
        if (each.beyond_power > Money{}) {
            warnings.push_back(
                fmt::format("portfolio {}: a loss or a gap took what it holds and orders {} beyond its {}",
                            each.portfolio, show_money(each.beyond_power, result.currency),
                            scenario.margins.is_silent() ? "buying power (account.leverage)" : "margin (margins)"));
        }
    }
    if (result.lowest_cash < Money{} && scenario.margins.is_silent() && !limits_cash(scenario.config)) {
        warnings.push_back(fmt::format("cash fell to {}: account.leverage is none, so nothing limits what is bought",
                                       show_money(result.lowest_cash, result.currency)));
    }
    if (result.interrupted) {
        warnings.emplace_back("interrupted: the data was not read to its end; the journal is whole up to here");
    }
    return warnings;
}

std::string portfolio_table(const RunResult& result, const Style& style) {
    const std::string& currency = result.currency;
    const bool several = result.brokers.size() > 1;
    std::vector<Table::Column> columns{{"portfolio", Table::Align::left}};
    if (several) {
        columns.push_back({"broker", Table::Align::left});
    }
    for (const char* title : {"cash", "equity", "realized", "unrealized"}) {
        columns.push_back({title});
    }
    for (const char* title : {"charges", "fills"}) {
        columns.push_back({title, Table::Align::right, true});
    }
    columns.push_back({"", Table::Align::left});
    Table table(std::move(columns));
    for (const PortfolioResult& each : result.portfolios) {
        std::vector<std::string> cells{each.portfolio};
        if (several) {
            cells.push_back(each.broker.empty() ? "-" : each.broker);
        }
        cells.push_back(show_money(each.cash, currency));
        cells.push_back(show_money(each.equity, currency));
        cells.push_back(style.gain(sign_of(each.realized_pnl), show_gain(each.realized_pnl, currency)));
        cells.push_back(style.gain(sign_of(each.unrealized_pnl), show_gain(each.unrealized_pnl, currency)));
        cells.push_back(show_money(each.charges, currency));
        cells.push_back(show_count(each.fills));
        cells.push_back(each.killed ? style.red(each.latch == LatchScope::entries ? "entries shut" : "killed")
                                    : std::string());
        table.row(std::move(cells));
    }
    return table.text(style);
}

std::string instrument_table(const RunResult& result, const Style& style) {
    const std::string& currency = result.currency;
    const bool several = result.portfolios.size() > 1;
    std::vector<Table::Column> columns{{"instrument", Table::Align::left}};
    if (several) {
        columns.push_back({"portfolio", Table::Align::left});
    }
    for (const char* title : {"net", "average", "mark", "realized", "unrealized"}) {
        columns.push_back({title});
    }
    for (const char* title : {"charges", "fills", "traded"}) {
        columns.push_back({title, Table::Align::right, true});
    }
    Table table(std::move(columns));
    bool any = false;
    for (const PortfolioResult& portfolio : result.portfolios) {
        for (const InstrumentResult& each : portfolio.instruments) {
            any = true;
            std::vector<std::string> cells{each.instrument};
            if (several) {
                cells.push_back(portfolio.portfolio);
            }
            cells.push_back(show_qty(each.net, currency));
            cells.push_back(each.net == Qty{} ? "-" : show_price(each.average, currency));
            cells.push_back(show_price(each.mark, currency));
            cells.push_back(style.gain(sign_of(each.realized_pnl), show_gain(each.realized_pnl, currency)));
            cells.push_back(style.gain(sign_of(each.unrealized_pnl), show_gain(each.unrealized_pnl, currency)));
            cells.push_back(show_money(each.charges, currency));
            cells.push_back(show_count(each.fills));
            cells.push_back(show_money(each.traded, currency));
            table.row(std::move(cells));
        }
    }
    return any ? table.text(style) : std::string();
}

std::string short_digest(const std::string& digest) {
    return digest.size() > kShownDigest ? digest.substr(0, kShownDigest) + "…" : digest;
}

std::string run_summary(const Scenario& scenario, const RunResult& result, const RunFacts& facts, const Zone& zone,
                        const Style& style) {
    std::string text = header(scenario, result, zone, style) + volume_line(result, facts, style) + '\n';
    text += figures(result, style);
    text += sparklines(result) + '\n';
    if (result.portfolios.size() > 1) {
        text += portfolio_table(result, style) + '\n';
    }
    const std::string instruments = instrument_table(result, style);
    text += instruments + (instruments.empty() ? "" : "\n");
    if (!result.strategies.empty()) {
        text += strategy_table(result, style) + '\n';
    }
    text += left_over(result, facts.journal);
    for (const std::string& warning : warnings_of(scenario, result, facts.journal)) {
        text += style.yellow("! " + warning) + '\n';
    }
    text += fmt::format("log head {}  state {}\n", short_digest(result.log_head), short_digest(result.state_digest));
    text += fmt::format("journal: {}\n", facts.journal);
    for (const auto& [what, file] : {std::pair<const char*, const std::string&>{"fills", facts.fills_file},
                                     {"trades", facts.trades_file},
                                     {"report", facts.report_file}}) {
        text += file.empty() ? "" : fmt::format("{}: {}\n", what, file);
    }
    text += fmt::format("reproduce: {}\n", facts.command);
    return text;
}

std::string run_summary_line(const RunResult& result, const RunFacts& facts) {
    return fmt::format("{}: net {}, equity {}, {} fills, journal {}\n", result.scenario,
                       show_percent(net_return(result)), show_money(result.equity, result.currency),
                       show_count(result.fills), facts.journal);
}

}  // namespace alpha
