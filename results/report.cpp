#include "results/report.hpp"

#include "results/charts.hpp"
#include "results/report.css.hpp"
#include "results/svg.hpp"
#include "views/format.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <iterator>

namespace alpha {
namespace {

constexpr std::size_t kTradesListed = 500;
constexpr std::size_t kGroupRows = 20;
constexpr std::size_t kSectionsShown = 8;
constexpr std::size_t kNamesShown = 8;
constexpr std::size_t kFewTrades = 30;
constexpr std::size_t kYearOfDays = 250;

// Okabe and Ito's blue and vermilion, which no common colour blindness takes for each other; texts are darker (on dark: lighter) shades of them, of
// a contrast of at least 4.5.
constexpr const char* kLight =
    "--bg:#f4f6f8;--panel:#fff;--ink:#15191e;--soft:#535e6b;--rule:#d9dee4;--grid:#e9ecf0;--gain:#00649f;--loss:#"
    "ad4500;"
    "--gain-fill:#0072b2;--loss-fill:#d55e00;--other:#8c4a73;--warn:#e69f00;--fall:rgba(213,94,0,.09);--under:rgba(0,"
    "114,178,.08);"
    "--within:rgba(0,114,178,.28);--lost:rgba(213,94,0,.2);--hover:rgba(0,0,0,.06);--g1:rgba(0,114,178,.1);--g2:rgba(0,"
    "114,178,.18);"
    "--g3:rgba(0,114,178,.26);--g4:rgba(0,114,178,.34);--g5:rgba(0,114,178,.44);--l1:rgba(213,94,0,.1);--l2:rgba(213,"
    "94,0,.19);"
    "--l3:rgba(213,94,0,.28);--l4:rgba(213,94,0,.38);--l5:rgba(213,94,0,.5);color-scheme:light";
constexpr const char* kDark =
    "--bg:#0d1115;--panel:#161b21;--ink:#e9edf1;--soft:#a4aeb9;--rule:#2b333c;--grid:#222930;--gain:#6fbdf0;--loss:#"
    "ff9d5c;"
    "--gain-fill:#56b4e9;--loss-fill:#e8751a;--other:#d99bc0;--warn:#e69f00;--fall:rgba(232,117,26,.11);--under:rgba("
    "86,180,233,.09);"
    "--within:rgba(86,180,233,.3);--lost:rgba(232,117,26,.24);--hover:rgba(255,255,255,.08);--g1:rgba(86,180,233,.1);"
    "--g2:rgba(86,180,233,.18);--g3:rgba(86,180,233,.26);--g4:rgba(86,180,233,.34);--g5:rgba(86,180,233,.42);--l1:rgba("
    "232,117,26,.12);"
    "--l2:rgba(232,117,26,.21);--l3:rgba(232,117,26,.3);--l4:rgba(232,117,26,.39);--l5:rgba(232,117,26,.47);color-"
    "scheme:dark";

double number_of(Money amount) {
    return static_cast<double>(amount.raw) / static_cast<double>(kScale);
}

std::string unsigned_percent(double ratio) {
    const std::string text = show_percent(ratio);
    return text.front() == '+' ? text.substr(1) : text;
}

/// Whether a rise of it is a gain, so that a plus says something.
bool is_gain(std::string_view id, std::string_view group) {
    static constexpr std::array<std::string_view, 16> kGains{
        "cagr",          "best_day",      "worst_day",   "best_month",   "worst_month", "best_trade",
        "worst_trade",   "average_trade", "average_win", "average_loss", "expectancy",  "alpha",
        "average_month", "average_day",   "best_year",   "worst_year"};
    return group == "return" || std::ranges::find(kGains, id) != kGains.end();
}

std::string show_held(Duration held) {
    const std::int64_t s = held.ns / kSecondNs;
    if (held.ns < 0) {
        return "n/a";
    }
    if (s >= 86'400) {
        return fmt::format("{} d {:02} h", s / 86'400, s / 3600 % 24);
    }
    if (s >= 3600) {
        return fmt::format("{} h {:02} min", s / 3600, s / 60 % 60);
    }
    if (s >= 60) {
        return fmt::format("{} min {:02} s", s / 60, s % 60);
    }
    return s >= 10 ? fmt::format("{} s", s) : fmt::format("{}.{:03} s", s, held.ns / 1'000'000 % 1000);
}

bool can_be_said(const Metric& metric) {
    return !std::holds_alternative<std::monostate>(metric.value);
}

// ---- pieces of HTML ----------------------------------------------------------------------------------------------------------------

/// An amount with its sign, coloured.
std::string gain(Money amount, std::string_view currency) {
    const std::string text = escaped(show_gain(amount, currency));
    return amount.raw == 0 ? text : fmt::format("<span class=\"{}\">{}</span>", amount.raw > 0 ? "gain" : "loss", text);
}

/// A command or a name as it is typed. Lines break between its words, not behind the hyphens of an option.
std::string in_code(std::string_view text) {
    std::string html = "<code>";
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        html += word.starts_with('-') ? fmt::format("<span class=\"whole\">{}</span>", escaped(word)) : escaped(word);
        html += word.size() < text.size() ? " " : "";
        text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    return html + "</code>";
}

struct Column {
    std::string title;
    bool is_text = false;
    const char* style = "";
};

/// A table in a box of its own, which scrolls where the screen is narrow. Cells are HTML; the first of a row is its heading.
class HtmlTable {
public:
    HtmlTable(std::string_view caption, std::vector<Column> columns, std::string_view style = {})
        : columns_(std::move(columns)) {
        html_ = fmt::format("<div class=\"scroll {}\" tabindex=\"0\" role=\"region\" "
                            "aria-label=\"{}\"><table><caption>{}</caption><thead><tr>",
                            style, escaped(caption), escaped(caption));
        for (const Column& column : columns_) {
            html_ += fmt::format("<th scope=\"col\"{}>{}</th>",
                                 column.is_text || &column == &columns_.front() ? " class=\"text\"" : "",
                                 escaped(column.title));
        }
        html_ += "</tr></thead><tbody>\n";
    }
    /// `attributes` of the row, such as its anchor.
    void row(const std::vector<std::string>& cells, std::string_view attributes = {}) {
        ALPHA_ASSERT(cells.size() == columns_.size(), "a table row with too many or too few cells");
        html_ += fmt::format("<tr{}><th scope=\"row\">{}</th>", attributes, cells.front());
        for (std::size_t i = 1; i < cells.size(); ++i) {
            const Column& column = columns_[i];
            const std::string style = fmt::format("{}{}{}", column.is_text ? "text" : "",
                                                  column.is_text && *column.style != '\0' ? " " : "", column.style);
            html_ += style.empty() ? "<td>" : fmt::format("<td class=\"{}\">", style);
            html_ += cells[i];
            html_ += "</td>";
        }
        html_ += "</tr>\n";
    }
    /// A heading over the rows that follow.
    void group(std::string_view title) {
        html_ += fmt::format("</tbody><tbody><tr class=\"group\"><th colspan=\"{}\" scope=\"rowgroup\">{}</th></tr>\n",
                             columns_.size(), escaped(title));
    }
    std::string finish() const { return html_ + "</tbody></table></div>\n"; }

private:
    std::vector<Column> columns_;
    std::string html_;
};

std::string panel(std::string_view html) {
    return fmt::format("<div class=\"panel\">{}</div>\n", html);
}

std::string absent(std::string_view text) {
    return fmt::format("<p class=\"absent\">{}</p>\n", escaped(text));
}

/// Their names, the first few.
std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) {
        text += (i == 0 ? "" : ", ") + names[i];
    }
    return names.size() > kNamesShown ? fmt::format("{} and {} more", text, names.size() - kNamesShown) : text;
}

std::string name_at(const std::vector<std::string>& names, std::uint32_t id) {
    return id < names.size() ? names[id] : fmt::format("#{}", id);
}

// ---- the page ----------------------------------------------------------------------------------------------------------------------

class Page {
public:
    explicit Page(const Results& results) : r_(results) {
        for (const Trade& trade : r_.lots) {
            closed_ += trade.is_open() ? 0U : 1U;
            lost_ += !trade.is_open() && trade.net().raw < 0 ? 1U : 0U;
            won_ += !trade.is_open() && trade.net().raw > 0 ? 1U : 0U;
            traded_ += trade.entry.notional + (trade.is_open() ? Money{} : trade.exit.notional);
        }
        for (const Trade& trade : r_.rounds) {
            open_ += trade.is_open() ? 1U : 0U;
        }
    }

    std::string html() const;

private:
    std::string money(Money amount) const { return show_money(amount, r_.currency); }
    Money net() const { return r_.equity - r_.initial_cash; }
    Money gross() const { return net() + r_.charges; }
    bool has_benchmark() const { return !r_.benchmark.empty(); }
    std::string log_command(Seq event) const {
        return fmt::format("alpha log {} --from {} --limit 10", shell_path(r_.journal), event);
    }
    /// An event's number, with the command that shows it.
    std::string event(Seq seq) const {
        return seq == kNoSeq
                   ? std::string("-")
                   : fmt::format("<span class=\"mono\" title=\"{}\">{}</span>", escaped(log_command(seq)), seq);
    }
    std::string strategy_of(const Trade& trade) const {
        return trade.strategy == kOperator ? "operator" : name_at(r_.strategies, trade.strategy.value);
    }

    std::string why_not(const Metric& metric) const;
    std::string head() const;
    std::string card(const char* id, std::string_view sub, std::string_view help) const;
    std::string cards() const;
    std::string charges_card() const;
    std::string mind() const;
    std::string equity() const;
    std::string trades() const;
    std::string costs() const;
    std::string group(std::string_view title, const std::vector<GroupRow>& all, bool is_ordered) const;
    std::string groups() const;
    std::string statistics() const;
    std::string findings() const;
    std::string assumptions() const;
    std::string trials() const;
    std::string formulas() const;
    std::string commands() const;

    const Results& r_;
    std::size_t closed_ = 0;  ///< lots, as statistics count trades; so the next two
    std::size_t won_ = 0;
    std::size_t lost_ = 0;
    std::size_t open_ = 0;  ///< positions
    Money traded_;
};

std::string Page::why_not(const Metric& metric) const {
    const std::string_view id = metric.id;
    const std::string_view group = metric.group;
    if (id == "deflated_sharpe" && !r_.trials) {
        return "how many variants were tried is not known";
    }
    if (group == "benchmark" || id.find("buy_hold") != std::string_view::npos) {
        if (!has_benchmark()) {
            return "there is no benchmark";
        }
    }
    if (group == "trade") {
        if (closed_ == 0) {
            return "no trade was closed";
        }
        if (lost_ == 0) {
            return "no trade lost";
        }
        if (won_ == 0) {
            return "no trade won";
        }
    }
    if (r_.days.size() < 2) {
        return "there are fewer than two trading days";
    }
    return "its formula gives no number here";
}

std::string Page::head() const {
    std::vector<std::string> traded;
    traded.reserve(r_.traded.size());
    for (const TradedInstrument& each : r_.traded) {
        traded.push_back(each.name);
    }
    const bool has_days = !r_.days.empty();
    const std::string from = has_days ? to_iso(r_.days.front().date) : to_iso(r_.first);
    const std::string to = has_days ? to_iso(r_.days.back().date) : to_iso(r_.last);
    std::string html = "<header>\n<label class=\"scheme\" for=\"scheme\">Light / dark</label>\n<p class=\"kind\">alpha "
                       "· report of a run</p>\n";
    html += fmt::format("<h1>{}</h1>\n", escaped(r_.scenario));
    std::string lede = traded.empty() ? "Nothing was traded" : escaped(listed(traded));
    lede += fmt::format(", <span class=\"whole\">{}</span> to <span class=\"whole\">{}</span>: ", from, to);
    lede +=
        fmt::format("<strong>{}</strong> after charges of {}.", gain(net(), r_.currency), escaped(money(r_.charges)));
    html += fmt::format("<p class=\"lede\">{}</p>\n<dl class=\"facts\">\n", lede);
    const auto fact = [&](std::string_view name, const std::string& value) {
        html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
    };
    const auto digest = [](const std::string& value) {
        constexpr std::size_t kShort = 16;
        return value.empty() ? std::string("n/a")
                             : fmt::format("<span class=\"mono\" title=\"{}\">{}{}</span>", escaped(value),
                                           escaped(value.substr(0, kShort)), value.size() > kShort ? "…" : "");
    };
    fact("first and last day",
         fmt::format("<span class=\"whole\">{}</span> <span class=\"whole\">{}</span>", from, to));
    fact("trading days", show_count(r_.days.size()));
    fact("began with", escaped(fmt::format("{} ({})", money(r_.initial_cash), r_.currency)));
    fact("ended with", escaped(money(r_.equity)));
    fact("bars, quotes", fmt::format("{}, {}", show_count(r_.bars), show_count(r_.quotes)));
    if (r_.trade_ticks != 0) {
        fact("trades of the market", show_count(r_.trade_ticks));
    }
    fact("orders, refused, fills",
         fmt::format("{}, {}, {}", show_count(r_.orders), show_count(r_.refused), show_count(r_.fills)));
    fact("strategies", r_.strategies.empty() ? "none" : escaped(listed(r_.strategies)));
    fact("portfolios", r_.portfolios.empty() ? "none" : escaped(listed(r_.portfolios)));
    fact("journal", escaped(r_.journal));
    fact("events", show_count(r_.events));
    fact("log head", digest(r_.log_head));
    fact("state digest", digest(r_.state_digest));
    return html + "</dl>\n";
}

std::string Page::card(const char* id, std::string_view sub, std::string_view help) const {
    const Metric* const metric = r_.statistics.find(id);
    const bool is_said = metric != nullptr && can_be_said(*metric);
    const std::string title = metric == nullptr ? id : metric->title;
    std::string style = "value";
    if (is_said && std::string_view(metric->group) != "trade" && metric->unit == MetricUnit::percent) {
        const double value = r_.statistics.number(id).value_or(0);
        if (is_gain(id, metric->group) || value < 0) {
            style += value > 0 ? " gain up" : value < 0 ? " loss down" : "";
        }
    }
    std::string html = fmt::format("<li><a href=\"#f-{}\" title=\"{}\">{}</a>", id, escaped(help), escaped(title));
    html += fmt::format("<p class=\"{}\" data-metric=\"{}\">{}</p>", style, id,
                        is_said ? escaped(metric_text(*metric, r_.currency)) : "n/a");
    const std::string why = metric == nullptr ? "it is not among the statistics" : why_not(*metric);
    html += fmt::format("<p class=\"sub\">{}</p></li>\n", is_said ? std::string(sub) : escaped(why));
    return html;
}

std::string Page::charges_card() const {
    const bool is_said = gross().raw > 0;
    std::string html = "<li><a href=\"#f-charges\" title=\"What part of what was earned before charges went to the "
                       "broker, the exchange and the state\">"
                       "charges, share of gross</a>";
    html += fmt::format("<p class=\"value\">{}</p>",
                        is_said ? unsigned_percent(number_of(r_.charges) / number_of(gross())) : "n/a");
    const Metric* const charges = r_.statistics.find("charges");
    const std::string amount =
        charges != nullptr && can_be_said(*charges) ? metric_text(*charges, r_.currency) : money(r_.charges);
    html += fmt::format("<p class=\"sub\">{}<span data-metric=\"charges\">{}</span></p></li>\n",
                        is_said ? "" : "nothing was earned before charges; they were ", escaped(amount));
    return html;
}

std::string Page::cards() const {
    const auto text = [&](const char* id) {
        const Metric* const metric = r_.statistics.find(id);
        return metric != nullptr && can_be_said(*metric)
                   ? fmt::format("<span data-metric=\"{}\">{}</span>", id, escaped(metric_text(*metric, r_.currency)))
                   : std::string();
    };
    const auto with = [&](std::string_view before, const char* id, std::string_view after = {}) {
        const std::string value = text(id);
        return value.empty() ? std::string() : fmt::format("{}{}{}", before, value, after);
    };
    std::string sharpe = with("deflated: ", "deflated_sharpe");
    if (sharpe.empty()) {
        sharpe = r_.trials ? "not deflated" : "not deflated: no ledger of trials";
    } else if (r_.trials) {
        sharpe += fmt::format(" after {}", counted(r_.trials->distinct, "trial"));
    }
    const bool is_short = r_.days.size() < kYearOfDays;
    std::string html = "<ul class=\"cards\">\n";
    html += card("net_return", with("", "gross_return", " before charges"),
                 "What the account gained or lost of what it began with, after all charges");
    html += card("cagr",
                 is_short ? "drawn out from " + counted(r_.days.size(), "trading day")
                          : with("volatility ", "annual_volatility", " a year"),
                 "The steady yearly growth that leads from the first day to the last");
    html +=
        card("max_drawdown", with("the longest lasted ", "max_drawdown_days"),
             "The deepest fall of equity from an earlier peak, by the ends of days; alpha backtest prints it by every "
             "mark, as deep or deeper");
    html += card("sharpe", sharpe,
                 "Average daily return over its deviation, for a year; above 1 is good, above 3 is suspect");
    html += card("profit_factor", with("average win over average loss ", "payoff"),
                 "What winning trades made for each unit that losing ones lost");
    html += card("trades", with("won ", "win_rate"), "Trades that were closed");
    html += card("exposure_time", with("turnover ", "turnover"), "The part of the time in which anything was held");
    html += charges_card();
    return html + "</ul>\n";
}

std::string Page::mind() const {
    std::vector<std::string> all;
    if (closed_ == 0) {
        all.emplace_back("No trade was closed: there is nothing to judge by.");
    } else if (closed_ < kFewTrades) {
        all.push_back(fmt::format("Only {} closed: luck alone could look like this.",
                                  closed_ == 1 ? "1 trade was" : fmt::format("{} trades were", closed_)));
    }
    if (r_.days.size() < kYearOfDays) {
        all.push_back(fmt::format("It covers {}: what is given for a year is drawn out from them.",
                                  counted(r_.days.size(), "trading day")));
    }
    Money best;
    for (const Trade& trade : r_.lots) {
        best = std::max(best, trade.net());
    }
    if (net().raw > 0 && closed_ > 1 && best + best > net()) {
        all.push_back(
            fmt::format("One trade made {} of the net.", unsigned_percent(number_of(best) / number_of(net()))));
    }
    if (gross().raw > 0 && r_.charges + r_.charges > gross()) {
        all.push_back(fmt::format("Charges took {} of what was earned.",
                                  unsigned_percent(number_of(r_.charges) / number_of(gross()))));
    }
    if (has_benchmark() && r_.benchmark.back() > number_of(r_.equity)) {
        all.push_back(fmt::format("Buying {} and holding it would have ended with more.", escaped(r_.benchmark_name)));
    }
    if (open_ != 0) {
        all.push_back(
            fmt::format("{} still open at the end, valued at the last mark: {} of the result is not realized.",
                        open_ == 1 ? "1 position was" : fmt::format("{} positions were", open_),
                        escaped(show_gain(r_.unrealized_pnl, r_.currency))));
    }
    if (r_.refused != 0) {
        all.push_back(fmt::format("{} refused: {} says why.",
                                  r_.refused == 1 ? "1 order was" : show_count(r_.refused) + " orders were",
                                  in_code(fmt::format("alpha log {} --type order_refused", shell_path(r_.journal)))));
    }
    if (!r_.findings.empty()) {
        all.push_back(fmt::format("There {} in the data.",
                                  r_.findings.size() == 1
                                      ? "is <a href=\"#data\">1 finding</a>"
                                      : fmt::format("are <a href=\"#data\">{} findings</a>", r_.findings.size())));
    }
    if (!r_.trials) {
        all.emplace_back(
            "How many variants were tried before this one is not known; the best of many looks good by chance.");
    } else if (r_.trials->distinct > 1) {
        all.push_back(fmt::format("It is one of <a href=\"#trials\">{} that were tried</a>.",
                                  counted(r_.trials->distinct, "configuration")));
    }
    if (!r_.assumptions.empty()) {
        all.push_back(
            fmt::format("It rests on <a href=\"#assumptions\">{}</a>.", counted(r_.assumptions.size(), "assumption")));
    }
    std::string html =
        "<aside class=\"mind\" aria-label=\"Before you believe it\"><h2>Before you believe it</h2><ul>\n";
    for (const std::string& each : all) {
        html += fmt::format("<li>{}</li>\n", each);
    }
    return html + "</ul></aside>\n";
}

std::string Page::equity() const {
    std::string html = equity_figure(r_);
    const std::vector<DrawdownPeriod> worst = worst_drawdowns(r_);
    if (worst.empty()) {
        return html + absent("No day ended below an earlier one's peak, so there are no drawdowns to list.");
    }
    HtmlTable table("Worst drawdowns", {{"#"}, {"depth"}, {"peak"}, {"trough"}, {"made up for"}, {"trading days"}});
    for (std::size_t i = 0; i < worst.size(); ++i) {
        const DrawdownPeriod& each = worst[i];
        table.row({std::to_string(i + 1), fmt::format("<span class=\"loss\">{}</span>", show_percent(each.depth)),
                   to_iso(each.peak), to_iso(each.trough),
                   each.recovered == kNoDay ? "not yet" : to_iso(each.recovered), show_count(each.days)});
    }
    return html + panel(table.finish());
}

std::string Page::trades() const {
    std::string html = trade_figures(r_);
    if (r_.rounds.empty()) {
        return html;
    }
    html += fmt::format("<p>A trade here is what happened between being flat and being flat again, at average prices, "
                        "which is how it was lived through; "
                        "statistics and groups count lots, first in, first out, a row for each pair of an entry order "
                        "and an exit order, so they may count more. "
                        "Times are local to the instrument. Any number can be walked to the events behind it: {} shows "
                        "them, with EVENT from the last column (or from a pointer "
                        "resting on it).</p>\n",
                        in_code(fmt::format("alpha log {} --from EVENT --limit 10", shell_path(r_.journal))));
    const bool has_strategies = r_.strategies.size() > 1;
    std::vector<Column> columns{{"trade"}, {"instrument", true}};
    if (has_strategies) {
        columns.push_back({"strategy", true});
    }
    columns.push_back({"side", true});
    for (const char* const name : {"quantity", "entered", "at", "left", "at", "net"}) {
        columns.push_back({name});
    }
    columns.push_back({"ended by", true});
    for (const char* const name : {"held", "gross", "charges", "most down", "most up"}) {
        columns.push_back({name});
    }
    columns.push_back({"entry tag", true});
    columns.push_back({"events"});
    HtmlTable table("Trades", columns, "tall");
    const std::size_t shown = std::min(r_.rounds.size(), kTradesListed);
    for (std::size_t i = 0; i < shown; ++i) {
        const Trade& trade = r_.rounds[i];
        const std::int32_t offset_s = utc_offset_of(r_, trade.instrument);
        std::vector<std::string> cells{std::to_string(i + 1), escaped(name_at(r_.instruments, trade.instrument.value))};
        if (has_strategies) {
            cells.push_back(escaped(strategy_of(trade)));
        }
        const std::string end = trade.is_open()           ? "open"
                                : !trade.exit.tag.empty() ? trade.exit.tag
                                                          : name_of(trade.end);
        for (std::string& cell : std::vector<std::string>{
                 trade.side == Side::buy ? "long" : "short", show_qty(abs(trade.quantity), r_.currency),
                 show_minute(trade.entry.time, offset_s), show_price(trade.entry.price, r_.currency),
                 trade.is_open() ? "open" : show_minute(trade.exit.time, offset_s),
                 show_price(trade.exit.price, r_.currency), gain(trade.net(), r_.currency), escaped(end),
                 show_held(trade.held()), escaped(show_gain(trade.gross, r_.currency)), escaped(money(trade.charges)),
                 escaped(money(trade.worst)), escaped(money(trade.best)), escaped(trade.entry.tag),
                 event(trade.entry.event) + " to " + event(trade.exit.event)}) {
            cells.push_back(std::move(cell));
        }
        table.row(cells);
    }
    html += panel(table.finish());
    const std::string all = fmt::format("alpha show trades {} --rounds", shell_path(r_.journal));
    if (shown < r_.rounds.size()) {
        html += fmt::format("<p>{} more: {}</p>\n", show_count(r_.rounds.size() - shown), in_code(all));
    } else {
        html += fmt::format("<p>The same for programs: {}</p>\n", in_code(all + " --csv"));
    }
    return html;
}

std::string Page::costs() const {
    if (std::ranges::all_of(r_.costs, [](const CostRow& row) { return row.amount.raw == 0; })) {
        return cost_figure(r_);
    }
    HtmlTable table("Costs", {{"step"}, {"amount"}, {"of what prices gave"}, {"of what was traded"}});
    const Money first = r_.costs.front().amount;
    const auto row = [&](std::string_view name, Money amount, std::string_view attributes = {}) {
        constexpr double kBasisPoints = 10'000;
        table.row(
            {escaped(name), gain(amount, r_.currency),
             first.raw > 0 ? unsigned_percent(number_of(amount) / number_of(first)) : "n/a",
             traded_.raw > 0 ? fmt::format("{:.2f} bp", number_of(amount) / number_of(traded_) * kBasisPoints) : "n/a"},
            attributes);
    };
    Money sum;
    for (const CostRow& each : r_.costs) {
        row(each.name, each.amount);
        sum += each.amount;
    }
    row("net", sum, " class=\"sum\"");
    std::string html = "<div class=\"split\">\n" + cost_figure(r_) + panel(table.finish()) + "</div>\n";
    html += fmt::format("<p>\"price\" is what positions gave at the marks at which orders were decided; slippage is "
                        "what fills differed from "
                        "those. Bought and sold together: {}. 1 bp is a hundredth of a per cent.</p>\n",
                        escaped(money(traded_)));
    return html;
}

std::string Page::group(std::string_view title, const std::vector<GroupRow>& all, bool is_ordered) const {
    std::vector<GroupRow> rows;
    for (const GroupRow& row : all) {
        if (row.trades != 0) {
            rows.push_back(row);
        }
    }
    if (rows.empty()) {
        return {};
    }
    if (!is_ordered) {
        std::ranges::stable_sort(rows, [](const GroupRow& a, const GroupRow& b) { return a.net() > b.net(); });
    }
    if (rows.size() > kGroupRows && !is_ordered) {
        // The best and the worst are kept.
        GroupRow rest{fmt::format("{} others", rows.size() - kGroupRows), 0, 0, {}, {}};
        const auto from = rows.begin() + kGroupRows / 2;
        const auto to = rows.end() - kGroupRows / 2;
        for (auto at = from; at != to; ++at) {
            rest.trades += at->trades;
            rest.wins += at->wins;
            rest.gross += at->gross;
            rest.charges += at->charges;
        }
        *from = rest;
        rows.erase(from + 1, to);
    }
    double low = 0;
    double high = 0;
    for (const GroupRow& row : rows) {
        low = std::min(low, number_of(row.net()));
        high = std::max(high, number_of(row.net()));
    }
    const double width = high > low ? high - low : 1;
    HtmlTable table(title, {{""}, {"", true, "bars"}, {"net"}, {"trades"}, {"won"}, {"gross"}, {"charges"}}, "groups");
    for (const GroupRow& row : rows) {
        const double net = number_of(row.net());
        const double zero = -low / width * 100;
        const double size = std::abs(net) / width * 100;
        const std::string bar = fmt::format(
            "<span class=\"bar\" aria-hidden=\"true\"><i class=\"{}\" style=\"left:{:.2f}%;width:{:.2f}%\"></i>"
            "<i class=\"middle\" style=\"left:{:.2f}%\"></i></span>",
            net < 0 ? "gone" : "won", net < 0 ? zero - size : zero, size, std::min(zero, 99.5));
        table.row({escaped(row.name.empty() ? "no tag" : row.name), bar, gain(row.net(), r_.currency),
                   show_count(row.trades),
                   unsigned_percent(static_cast<double>(row.wins) / static_cast<double>(row.trades)),
                   escaped(show_gain(row.gross, r_.currency)), escaped(money(row.charges))});
    }
    return panel(table.finish());
}

std::string Page::groups() const {
    const std::string html =
        group("By tag of the entry", r_.by_tag, false) + group("By instrument", r_.by_instrument, false) +
        group("By weekday of the entry", r_.by_weekday, true) + group("By hour of the entry, local", r_.by_hour, true) +
        group("By how it ended", r_.by_exit, false);
    return html.empty()
               ? absent("No trade was closed, so there is nothing to put together.")
               : "<p>Trades here are lots, first in, first out, as statistics and taxes count them.</p>\n" + html;
}

std::string Page::statistics() const {
    struct Shown {
        std::string title;
        const Statistics* statistics;
    };
    std::vector<Shown> shown{{"account", &r_.statistics}};
    for (const Section& section : r_.sections) {
        if (shown.size() <= kSectionsShown) {
            shown.push_back({fmt::format("{} {}", section.kind, section.name), &section.statistics});
        }
    }
    std::vector<Column> columns{{"statistic"}};
    for (const Shown& each : shown) {
        columns.push_back({each.title});
    }
    HtmlTable table("All statistics", columns, "wide-table");
    std::string_view group;
    for (const Metric& metric : r_.statistics.metrics) {
        if (group != metric.group) {
            group = metric.group;
            table.group(group);
        }
        std::vector<std::string> cells{fmt::format("<a href=\"#f-{}\">{}</a>", metric.id, escaped(metric.title))};
        for (const Shown& each : shown) {
            const bool is_account = each.statistics == &r_.statistics;
            const Metric* const own = is_account ? &metric : each.statistics->find(metric.id);
            if (own != nullptr && can_be_said(*own)) {
                cells.push_back(fmt::format("<span{}>{}</span>",
                                            is_account ? fmt::format(" id=\"m-{}\"", metric.id) : "",
                                            escaped(metric_text(*own, r_.currency))));
            } else if (is_account) {
                cells.push_back(fmt::format("<span class=\"na\" id=\"m-{}\" title=\"{}\">n/a</span>", metric.id,
                                            escaped(why_not(metric))));
            } else {
                cells.emplace_back("n/a");
            }
        }
        table.row(cells);
    }
    std::string html = panel(table.finish());
    if (r_.sections.size() > kSectionsShown) {
        html += fmt::format("<p>{} more sections: {}</p>\n", r_.sections.size() - kSectionsShown,
                            in_code(fmt::format("alpha report {} --csv", shell_path(r_.journal))));
    }
    return html;
}

std::string Page::findings() const {
    if (r_.findings.empty()) {
        return absent("Nothing odd was found: no gaps within sessions, no duplicates, no outliers, no crossed quotes. "
                      "That is what was looked for, "
                      "not proof that the data is right.");
    }
    HtmlTable table(
        "Findings",
        {{"kind"}, {"how bad"}, {"instrument", true}, {"times"}, {"what it is", true, "long"}, {"first event"}},
        "prose");
    for (const Finding& each : r_.findings) {
        table.row({escaped(each.kind), escaped(each.gravity),
                   escaped(each.instrument.empty() ? "all" : each.instrument), show_count(each.count),
                   escaped(each.text), event(each.event)});
    }
    return panel(table.finish());
}

std::string Page::assumptions() const {
    if (r_.assumptions.empty()) {
        return absent("None are known.");
    }
    std::string html = "<dl class=\"notes\">\n";
    for (const Assumption& each : r_.assumptions) {
        html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(each.title), escaped(each.text));
    }
    return panel(html + "</dl>\n");
}

std::string Page::trials() const {
    if (!r_.trials) {
        return absent("No ledger of trials was kept for this run. The best of many variants looks good by chance "
                      "alone, and nothing here accounts "
                      "for that.");
    }
    const Trials& trials = *r_.trials;
    HtmlTable table("The ledger", {{"of"}, {"is", true}}, "prose");
    table.row({"family", escaped(trials.family)});
    table.row({"different runs of it", fmt::format("{}, this one {}", show_count(trials.distinct),
                                                   trials.is_recorded ? "among them" : "not recorded")});
    table.row({"probability that the true Sharpe ratio is above zero after so many (deflated Sharpe ratio)",
               trials.deflated_sharpe ? unsigned_percent(*trials.deflated_sharpe) : "n/a"});
    table.row({"probability of overfitting, by combinatorial cross-validation over runs of the same days",
               trials.overfitting_probability ? unsigned_percent(*trials.overfitting_probability)
                                              : "n/a: it needs several that differ, and one of them the best"});
    table.row({"ledger's head", in_code(trials.head)});
    return panel(table.finish());
}

std::string Page::formulas() const {
    HtmlTable table("Formulas", {{"statistic"}, {"formula, and whose it is", true}}, "prose");
    for (const MetricSpec& spec : metric_specs()) {
        table.row({escaped(spec.title) + "<br/>" + in_code(spec.id),
                   fmt::format("{}<br/><span class=\"source\">{}</span>", escaped(spec.formula), escaped(spec.source))},
                  fmt::format(" id=\"f-{}\"", spec.id));
    }
    return fmt::format("<p>E0 is what the account began with, Ei its equity at the end of the i-th of n trading days; "
                       "r are the days' returns, "
                       "Ei / E(i-1) - 1, and b those of the benchmark, B0 .. Bn. P, the days of a year, is {:.0f} "
                       "here. mean and sd are of r; sd "
                       "is that of a sample (n - 1). Q is a quantile, N the normal distribution, Z its inverse. The "
                       "risk-free rate is zero.</p>\n",
                       r_.periods_per_year) +
           panel(table.finish());
}

std::string Page::commands() const {
    const std::string journal = shell_path(r_.journal);
    std::string html =
        "<p>Whether the journal is whole and unaltered, and whether alpha still decides as it says:</p>\n";
    html += fmt::format("<pre>{}\n{}</pre>\n", in_code("alpha verify " + journal),
                        in_code(fmt::format("alpha replay {} --verify", journal)));
    html += "<p>Both show these, or say where they part:</p>\n";
    html += fmt::format("<pre>log head      {}\nstate digest  {}</pre>\n",
                        escaped(r_.log_head.empty() ? "n/a" : r_.log_head),
                        escaped(r_.state_digest.empty() ? "n/a" : r_.state_digest));
    html +=
        fmt::format("<p>Recorded data and the same scenario give this log again, to the byte: {} with the file of the "
                    "scenario {}, whose place no journal knows.</p>\n",
                    in_code("alpha backtest"), escaped(r_.scenario));
    return html;
}

std::string Page::html() const {
    struct Part {
        const char* id;
        const char* title;
        std::string html;
    };
    const std::vector<Part> parts{
        {"verdict", "Verdict", cards() + mind()},
        {"equity", "Equity", equity()},
        {"returns", "Returns", monthly_figure(r_) + return_figures(r_)},
        {"rolling", "Rolling", rolling_figures(r_)},
        {"prices", "Prices and fills", price_figures(r_)},
        {"trades", "Trades", trades()},
        {"costs", "Costs", costs()},
        {"groups", "Where it came from", groups()},
        {"statistics", "Statistics", statistics()},
        {"data", "Data", findings()},
        {"assumptions", "Assumptions", assumptions()},
        {"trials", "Trials", trials()},
        {"formulas", "Formulas", formulas()},
        {"again", "Make it again", commands()},
    };
    std::string html =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; "
        "form-action 'none'\"/>\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
        "<meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n";
    html += fmt::format("<title>{}: {} - alpha report</title>\n<style>\n", escaped(r_.scenario),
                        escaped(show_gain(net(), r_.currency)));
    html += fmt::format(
        ".page{{{0}}}\n@media (prefers-color-scheme:dark){{.page{{{1}}}}}\n.scheme-box:checked ~ .page{{{1}}}\n"
        "@media (prefers-color-scheme:dark){{.scheme-box:checked ~ .page{{{0}}}}}\n@media "
        "print{{.page.page.page.page{{{0}}}}}\n",
        kLight, kDark);
    html += embedded::kReportCss;
    html += "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the verdict</a>\n"
            "<input class=\"scheme-box\" type=\"checkbox\" id=\"scheme\" aria-label=\"Swap the light and the dark "
            "colours\"/>\n<div class=\"page\">\n";
    html += head();
    html += "<nav aria-label=\"Parts of this report\"><ul>\n";
    for (const Part& part : parts) {
        html += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", part.id, part.title);
    }
    html += "</ul></nav>\n</header>\n<main id=\"main\">\n";
    for (const Part& part : parts) {
        html += fmt::format(
            "<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{1}</h2>\n{2}</section>\n",
            part.id, part.title, part.html);
    }
    html += "</main>\n<footer>Made by alpha from the journal's events alone: the same journal gives the same bytes. "
            "This page asks for nothing from "
            "outside and runs no script.</footer>\n</div>\n</body>\n</html>\n";
    return html;
}

}  // namespace

std::string report_html(const Results& results) {
    return Page(results).html();
}

std::string metric_text(const Metric& metric, std::string_view currency) {
    const bool is_signed = is_gain(metric.id, metric.group);
    const auto number = [&](double value) {
        if (!std::isfinite(value)) {
            return std::string("n/a");
        }
        if (metric.unit == MetricUnit::percent) {
            return is_signed ? show_percent(value) : unsigned_percent(value);
        }
        constexpr double kLong = 1e9;
        const std::string text = std::abs(value) < kLong ? fmt::format("{:.2f}", value) : fmt::format("{:.2e}", value);
        return text == "-0.00" ? std::string("0.00") : text;
    };
    struct Say {
        const Metric& metric;
        std::string_view currency;
        bool is_signed;
        const decltype(number)& say;
        std::string operator()(std::monostate) const { return "n/a"; }
        std::string operator()(double value) const { return say(value); }
        std::string operator()(Money amount) const {
            return is_signed ? show_gain(amount, currency) : show_money(amount, currency);
        }
        std::string operator()(std::uint64_t count) const {
            return metric.unit == MetricUnit::days ? counted(count, "day") : show_count(count);
        }
        std::string operator()(Duration held) const { return show_held(held); }
        std::string operator()(Date date) const { return date == kNoDay ? "n/a" : to_iso(date); }
    };
    return std::visit(Say{metric, currency, is_signed, number}, metric.value);
}

}  // namespace alpha
