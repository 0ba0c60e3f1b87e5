#include "results/export.hpp"

#include "events/text.hpp"
#include "views/csv.hpp"
#include "views/json.hpp"

#include <cmath>
#include <fmt/format.h>

namespace alpha {

namespace {

constexpr const char* kTradeColumns = "entry_ts_ns,exit_ts_ns,instrument,side,quantity,entry_price,exit_price,gross_"
                                      "pnl,charges,net_pnl,return,mae,mfe,held_s,"
                                      "strategy,portfolio,product,entry_tag,exit_tag,ended,entry_order,exit_order,"
                                      "entry_event,exit_event,fills,term,entry_time,"
                                      "exit_time";

const char* product_of(const Trade& trade) {
    return trade.product == Product::none ? "" : name_of(trade.product);
}
const char* term_of(const Trade& trade) {
    return trade.is_long_term ? "long" : "short";
}
std::string return_of(const Trade& trade) {
    return trade.entry.notional.raw <= 0 ? std::string()
                                         : fmt::format("{}", static_cast<double>(trade.net().raw) /
                                                                 static_cast<double>(trade.entry.notional.raw));
}
std::string seconds(Duration d) {
    return fmt::format("{}", static_cast<double>(d.ns) / static_cast<double>(kSecondNs));
}
std::string event_of(Seq event) {
    return event == kNoSeq ? std::string() : std::to_string(event);
}
std::string order_of(OrderId order) {
    return order.value == 0 ? std::string() : std::to_string(order.value);
}

std::string number(const std::string& text) {
    return text.empty() ? "null" : text;
}

const char* unit_name(MetricUnit unit) {
    switch (unit) {
    case MetricUnit::ratio: return "ratio";
    case MetricUnit::percent: return "fraction";
    case MetricUnit::money: return "money";
    case MetricUnit::count: return "count";
    case MetricUnit::duration: return "s";
    case MetricUnit::days: return "days";
    case MetricUnit::date: return "date";
    }
    return "";
}

std::string statistics_json(const Statistics& statistics) {
    JsonObject object;
    for (const Metric& metric : statistics.metrics) {
        const std::string text = plain_text(metric.value);
        const bool is_text = std::holds_alternative<Money>(metric.value) || std::holds_alternative<Date>(metric.value);
        object.json(metric.id, text.empty() ? "null" : is_text ? json_string(text) : text);
    }
    return object.done();
}

std::string groups_json(const std::vector<GroupRow>& rows) {
    std::vector<std::string> all;
    for (const GroupRow& row : rows) {
        if (row.trades != 0) {
            JsonObject object;
            object.text("name", row.name)
                .count("trades", row.trades)
                .count("wins", row.wins)
                .decimal("gross", row.gross)
                .decimal("charges", row.charges)
                .decimal("net", row.net());
            all.push_back(object.done());
        }
    }
    return json_array(all);
}

void add_statistics(std::string& out, const std::string& kind, const std::string& name, const Statistics& statistics) {
    for (const Metric& metric : statistics.metrics) {
        if (const std::string text = plain_text(metric.value); !text.empty()) {
            out += fmt::format("{},{},{},{},{}\n", kind, csv_field(name), metric.id, text, unit_name(metric.unit));
        }
    }
}

}  // namespace

std::string strategy_of(const Results& results, const Trade& trade) {
    return trade.strategy == kOperator ? "operator" : results.strategies[trade.strategy.value];
}

std::string plain_text(const MetricValue& value) {
    return std::visit(
        overloaded{[](std::monostate) { return std::string(); },
                   [](double number) { return std::isfinite(number) ? fmt::format("{:.12g}", number) : std::string(); },
                   [](Money amount) { return to_string(amount); },
                   [](std::uint64_t count) { return std::to_string(count); },
                   [](Duration duration) { return seconds(duration); }, [](Date date) { return to_iso(date); }},
        value);
}

std::string trades_csv(const Results& results, const std::vector<Trade>& trades) {
    std::string out = kTradeColumns;
    out += '\n';
    for (const Trade& trade : trades) {
        out += fmt::format(
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
            trade.entry.time.ns, trade.exit.time.ns, csv_field(results.instruments[trade.instrument.value]),
            trade.side == Side::buy ? "BUY" : "SELL", to_string(trade.quantity), to_string(trade.entry.price),
            to_string(trade.exit.price), to_string(trade.gross), to_string(trade.charges), to_string(trade.net()),
            return_of(trade), to_string(trade.worst), to_string(trade.best), seconds(trade.held()),
            csv_field(strategy_of(results, trade)), csv_field(results.portfolios[trade.portfolio.value]),
            product_of(trade), csv_field(trade.entry.tag), csv_field(trade.exit.tag), name_of(trade.end),
            order_of(trade.entry.order), order_of(trade.exit.order), event_of(trade.entry.event),
            event_of(trade.exit.event), trade.fills, term_of(trade), to_iso(trade.entry.time), to_iso(trade.exit.time));
    }
    return out;
}

std::string trade_json(const Results& results, const Trade& trade) {
    JsonObject object;
    object.time_ns("entry_ts_ns", trade.entry.time)
        .time_ns("exit_ts_ns", trade.exit.time)
        .text("instrument", results.instruments[trade.instrument.value])
        .text("side", name_of(trade.side))
        .decimal("quantity", trade.quantity)
        .decimal("entry_price", trade.entry.price)
        .decimal("exit_price", trade.exit.price)
        .decimal("gross_pnl", trade.gross)
        .decimal("charges", trade.charges)
        .decimal("net_pnl", trade.net())
        .json("return", number(return_of(trade)))
        .decimal("mae", trade.worst)
        .decimal("mfe", trade.best)
        .json("held_s", seconds(trade.held()))
        .text("strategy", strategy_of(results, trade))
        .text("portfolio", results.portfolios[trade.portfolio.value])
        .text("product", product_of(trade))
        .text("entry_tag", trade.entry.tag)
        .text("exit_tag", trade.exit.tag)
        .text("ended", name_of(trade.end))
        .json("entry_order", number(order_of(trade.entry.order)))
        .json("exit_order", number(order_of(trade.exit.order)))
        .json("entry_event", number(event_of(trade.entry.event)))
        .json("exit_event", number(event_of(trade.exit.event)))
        .count("fills", trade.fills)
        .text("term", term_of(trade));
    return object.done();
}

std::string statistics_csv(const Results& results) {
    std::string out = "section,name,metric,value,unit\n";
    add_statistics(out, "account", results.scenario, results.statistics);
    for (const Section& section : results.sections) {
        add_statistics(out, section.kind, section.name, section.statistics);
    }
    return out;
}

std::string results_json(const Results& results) {
    std::vector<std::string> sections;
    for (const Section& section : results.sections) {
        JsonObject object;
        object.text("kind", section.kind)
            .text("name", section.name)
            .json("statistics", statistics_json(section.statistics));
        sections.push_back(object.done());
    }
    std::vector<std::string> days;
    for (std::size_t i = 0; i < results.days.size(); ++i) {
        JsonObject object;
        object.text("date", to_iso(results.days[i].date)).decimal("equity", results.days[i].equity);
        if (i < results.benchmark.size()) {
            object.json("benchmark", fmt::format("{}", results.benchmark[i]));
        }
        days.push_back(object.done());
    }
    std::vector<std::string> costs;
    for (const CostRow& row : results.costs) {
        JsonObject object;
        object.text("name", row.name).decimal("amount", row.amount);
        costs.push_back(object.done());
    }
    std::vector<std::string> findings;
    for (const Finding& each : results.findings) {
        JsonObject object;
        object.text("kind", each.kind)
            .text("gravity", each.gravity)
            .text("instrument", each.instrument)
            .count("count", each.count)
            .text("text", each.text)
            .json("event", number(event_of(each.event)));
        findings.push_back(object.done());
    }
    std::vector<std::string> assumptions;
    for (const Assumption& each : results.assumptions) {
        JsonObject object;
        object.text("title", each.title).text("text", each.text);
        assumptions.push_back(object.done());
    }
    JsonObject object;
    object.text("scenario", results.scenario)
        .text("currency", results.currency)
        .text("journal", results.journal)
        .text("log_head", results.log_head)
        .text("state_digest", results.state_digest)
        .count("events", results.events)
        .count("quotes", results.quotes)
        .count("trade_ticks", results.trade_ticks)
        .count("bars", results.bars)
        .count("orders", results.orders)
        .count("refused", results.refused)
        .count("fills", results.fills)
        .time_ns("first_ts_ns", results.first)
        .time_ns("last_ts_ns", results.last)
        .decimal("initial_cash", results.initial_cash)
        .decimal("equity", results.equity)
        .decimal("realized_pnl", results.realized_pnl)
        .decimal("unrealized_pnl", results.unrealized_pnl)
        .decimal("charges", results.charges)
        .text("benchmark", results.benchmark_name)
        .json("statistics", statistics_json(results.statistics))
        .json("sections", json_array(sections))
        .json("days", json_array(days))
        .json("costs", json_array(costs))
        .json("by_tag", groups_json(results.by_tag))
        .json("by_instrument", groups_json(results.by_instrument))
        .json("by_weekday", groups_json(results.by_weekday))
        .json("by_hour", groups_json(results.by_hour))
        .json("by_exit", groups_json(results.by_exit))
        .json("findings", json_array(findings))
        .json("assumptions", json_array(assumptions));
    if (results.trials) {
        JsonObject trials;
        trials.text("family", results.trials->family)
            .text("head", results.trials->head)
            .count("distinct", results.trials->distinct)
            .flag("is_recorded", results.trials->is_recorded)
            .json("deflated_sharpe",
                  results.trials->deflated_sharpe ? fmt::format("{}", *results.trials->deflated_sharpe) : "null")
            .json("overfitting_probability", results.trials->overfitting_probability
                                                 ? fmt::format("{}", *results.trials->overfitting_probability)
                                                 : "null");
        object.json("trials", trials.done());
    }
    return object.done();
}

}  // namespace alpha
