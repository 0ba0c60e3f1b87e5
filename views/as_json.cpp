#include "views/as_json.hpp"

#include <algorithm>
#include <chrono>
#include <map>

namespace alpha {

namespace {

/// Net quantities over all portfolios, by instrument, zero ones left out.
std::map<std::string, Qty> positions_of(const std::vector<PortfolioResult>& portfolios) {
    std::map<std::string, Qty> positions;
    for (const PortfolioResult& portfolio : portfolios) {
        for (const InstrumentResult& each : portfolio.instruments) {
            positions[each.instrument] += each.net;
        }
    }
    std::erase_if(positions, [](const auto& position) { return position.second == Qty{}; });
    return positions;
}

std::string quantities_json(const std::map<std::string, Qty>& positions) {
    JsonObject object;
    for (const auto& [instrument, quantity] : positions) {
        object.decimal(instrument, quantity);
    }
    return object.done();
}

/// `{rule: orders}`.
std::string refused_json(const RunResult& result) {
    JsonObject refused;
    for (const auto& [rule, count] : result.refused_by) {
        refused.count(name_of(rule), count);
    }
    return refused.done();
}

std::string portfolios_json(const RunResult& result) {
    JsonObject portfolios;
    for (const PortfolioResult& each : result.portfolios) {
        JsonObject portfolio;
        portfolio.json("broker", each.broker.empty() ? "null" : json_string(each.broker))
            .decimal("initial_cash", each.initial_cash)
            .decimal("cash", each.cash)
            .decimal("equity", each.equity)
            .decimal("realized_pnl", each.realized_pnl)
            .decimal("unrealized_pnl", each.unrealized_pnl)
            .decimal("charges", each.charges)
            .count("fills", each.fills)
            .flag("killed", each.killed)
            .text("kill_switch", name_of(each.latch))
            .json("positions", quantities_json(positions_of({each})));
        portfolios.json(each.portfolio, portfolio.done());
    }
    return portfolios.done();
}

std::string kill_switches_json(const RunResult& books) {
    JsonObject switches;
    for (const PortfolioResult& portfolio : books.portfolios) {
        switches.flag(portfolio.portfolio, portfolio.killed);
    }
    return switches.done();
}

std::string streams_json(const SessionStatus& s) {
    std::vector<std::string> rows;
    rows.reserve(s.streams.size());
    for (const StreamStatus& each : s.streams) {
        rows.push_back(JsonObject()
                           .text("stream", each.name)
                           .flag("connected", each.is_connected)
                           .flag("ended", each.has_ended)
                           .flag("left_out", each.is_left_out)
                           .measured("silent_s", seconds_of(silence_of(s, each)))
                           .count("records", each.records)
                           .count("refused_senders", each.refused_senders)
                           .count("refused_records", each.refused_records)
                           .text("last_refusal", each.last_refusal)
                           .done());
    }
    return json_array(rows);
}

/// `{tick: {count, p50_ns, ...}, order: {...}}`.
std::string latency_json(const RunResult& result) {
    const auto one = [](const LatencyHistogram& h) {
        return JsonObject()
            .count("count", h.count())
            .count("p50_ns", h.quantile_ns(0.5))
            .count("p99_ns", h.quantile_ns(0.99))
            .count("p999_ns", h.quantile_ns(0.999))
            .count("max_ns", h.max_ns())
            .done();
    };
    JsonObject latency;
    latency.json("tick", one(result.tick_latency)).json("order", one(result.order_latency));
    if (result.due_latency.count() != 0) {
        latency.json("due", one(result.due_latency));
    }
    return latency.done();
}

std::string risk_json(const std::vector<RiskHeadroom>& risk) {
    std::vector<std::string> rows;
    rows.reserve(risk.size());
    for (const RiskHeadroom& each : risk) {
        rows.push_back(JsonObject()
                           .text("portfolio", each.portfolio)
                           .text("rule", name_of(each.rule))
                           .decimal("limit", each.limit)
                           .decimal("used", each.used)
                           .decimal("room", each.room)
                           .done());
    }
    return json_array(rows);
}

}  // namespace

std::string brokers_json(const RunResult& result) {
    JsonObject brokers;
    for (const BrokerResult& each : result.brokers) {
        JsonObject broker;
        broker.text("kind", each.kind).texts("portfolios", each.portfolios);
        brokers.json(each.broker, broker.done());
    }
    return brokers.done();
}

JsonObject& add_books(JsonObject& json, const RunResult& result) {
    return json.decimal("cash", result.cash)
        .decimal("equity", result.equity)
        .decimal("realized_pnl", result.realized_pnl)
        .decimal("unrealized_pnl", result.unrealized_pnl)
        .decimal("charges", result.charges)
        .json("positions", quantities_json(positions_of(result.portfolios)))
        .json("portfolios", portfolios_json(result));
}

namespace {

/// The fields that a session and a journal at rest have in common.
JsonObject& add_standing(JsonObject& json, const RunResult& books) {
    json.count("events", books.events)
        .time_ns("ts_ns", books.last)
        .count("ticks", books.ticks)
        .count("bars", books.bars)
        .count("orders", books.orders)
        .count("fills", books.fills);
    return add_books(json, books)
        .json("kill_switch", kill_switches_json(books))
        .texts("halted_strategies", halted_of(books));
}

}  // namespace

std::string run_json(const RunResult& result, const std::vector<std::string>& warnings, const RunFacts& facts) {
    JsonObject strategies;
    for (const StrategyResult& each : result.strategies) {
        JsonObject strategy;
        strategy.text("portfolio", each.portfolio)
            .count("orders", each.orders)
            .count("refused", each.refused)
            .count("fills", each.fills)
            .decimal("realized_pnl", each.realized_pnl)
            .decimal("charges", each.charges)
            .flag("halted", each.halted);
        strategies.json(each.strategy, strategy.done());
    }
    JsonObject object;
    object.text("scenario", result.scenario)
        .text("currency", result.currency)
        .count("events", result.events)
        .count("ticks", result.ticks)
        .count("bars", result.bars)
        .count("orders", result.orders)
        .count("refused", result.refused)
        .json("refused_by", refused_json(result))
        .json("max_drawdown",
              JsonObject().decimal("peak", result.drawdown_peak).decimal("trough", result.drawdown_trough).done())
        .count("open_orders", result.open_orders)
        .count("fills", result.fills)
        .time_ns("first_ts_ns", result.first)
        .time_ns("last_ts_ns", result.last)
        .decimal("initial_cash", result.initial_cash);
    add_books(object, result)
        .json("brokers", brokers_json(result))
        .json("strategies", strategies.done())
        .texts("warnings", warnings)
        .flag("interrupted", result.interrupted)
        .text("log_head", result.log_head)
        .text("state_digest", result.state_digest)
        .text("journal", facts.journal)
        .measured("wall_s", facts.wall_s)
        .measured("events_per_s", events_per_s(result, facts))
        .measured("peak_rss_mb", facts.peak_rss_mb);
    if (result.tick_latency.count() != 0) {
        object.json("latency", latency_json(result));
    }
    return object.done();
}

std::string status_json(const SessionStatus& s, const SessionFacts& facts) {
    JsonObject json;
    json.text("journal", facts.journal)
        .text("scenario", s.books.scenario)
        .text("mode", facts.mode)
        .text("state", standing_of(s))
        .count("pid", facts.pid)
        .text("speed", s.speed)
        .count("durable_events", s.durable_seq)
        .count("lag_events", s.books.events - std::min(s.durable_seq, s.books.events))
        .count("feed_records", s.feed_records)
        .measured("since_last_input_s", seconds_of(s.since_last_input))
        .measured("running_s", seconds_of(s.running))
        .count("open_orders", s.books.open_orders)
        .json("streams", streams_json(s));
    return add_standing(json, s.books).json("risk", risk_json(s.risk)).json("latency", latency_json(s.books)).done();
}

std::string journal_json(const std::string& journal, const RunResult& books, bool clean_end,
                         const std::vector<RiskHeadroom>& risk) {
    JsonObject json;
    json.text("journal", journal)
        .text("scenario", books.scenario)
        .text("state", "not running")
        .flag("clean_end", clean_end)
        .count("open_orders", books.open_orders);
    return add_standing(json, books).json("risk", risk_json(risk)).done();
}

std::string portfolio_json(const PortfolioView& each, const RunConfigured& config) {
    JsonObject positions;
    for (const PositionView& position : each.positions) {
        JsonObject object;
        object.decimal("net", position.net)
            .decimal("average_price", position.average_price())
            .decimal("cost", position.cost)
            .decimal("realized_pnl", position.realized_pnl)
            .decimal("charges", position.charges)
            .decimal("traded", position.traded)
            .count("fills", position.fills);
        if (!position.holdings.empty()) {
            JsonObject products;
            for (const HoldingView& held : position.holdings) {
                products.json(name_of(held.product),
                              JsonObject()
                                  .decimal("net", held.net)
                                  .decimal("average_price", position.average_price(held.cost, held.net))
                                  .decimal("cost", held.cost)
                                  .done());
            }
            object.json("products", products.done());
        }
        positions.json(position.instrument, object.done());
    }
    JsonObject object;
    const BrokerConfig* broker = broker_of(config, each.id);
    object.text("portfolio", each.name)
        .json("broker", broker == nullptr ? "null" : json_string(broker->name))
        .text("currency", each.currency)
        .flag("is_open", each.is_open)
        .decimal("initial_cash", each.initial_cash)
        .decimal("cash", each.cash)
        .decimal("realized_pnl", each.realized_pnl)
        .decimal("charges", each.charges)
        .flag("killed", each.killed)
        .text("killed_by", name_of(each.killed_by))
        .count("open_orders", each.open_orders)
        .count("fills", each.fills)
        .json("positions", positions.done());
    return object.done();
}

std::string order_json(const OrderView& each) {
    JsonObject object;
    object.count("order", each.id.value)
        .text("strategy", each.strategy)
        .text("portfolio", each.portfolio)
        .text("broker", each.broker)
        .text("instrument", each.instrument)
        .text("product", name_of(each.terms.product))
        .text("side", name_of(each.terms.side))
        .text("order_type", name_of(each.terms.type))
        .text("tif", name_of(each.terms.tif))
        .decimal("quantity", each.terms.quantity)
        .decimal("limit_price", each.terms.limit_price)
        .decimal("stop_price", each.terms.stop_price)
        .json("good_until", each.terms.tif == TimeInForce::day && each.status != OrderStatus::refused
                                ? json_string(to_iso(each.good_until))
                                : "null")
        .text("status", name_of(each.status))
        .decimal("filled", each.filled)
        .decimal("filled_notional", each.filled_notional)
        .decimal("average_price", each.average_price())
        .flag("triggered", each.triggered)
        .flag("cancel_pending", each.cancel_pending)
        .flag("modify_pending", each.modify_pending)
        .text("refused_by", name_of(each.refused_by))
        .decimal("limit", each.limit)
        .decimal("observed", each.observed)
        .text("broker_order", each.broker_order)
        .text("reason", each.reason)
        .count("created_event", each.created)
        .time_ns("created_ts_ns", each.created_time)
        .count("updated_event", each.updated)
        .time_ns("updated_ts_ns", each.updated_time);
    return object.done();
}

std::string fill_json(const FillView& each) {
    JsonObject object;
    object.count("event", each.event)
        .time_ns("ts_ns", each.time)
        .count("order", each.order.value)
        .text("strategy", each.strategy)
        .text("portfolio", each.portfolio)
        .text("instrument", each.instrument)
        .text("product", name_of(each.product))
        .text("side", name_of(each.side))
        .decimal("quantity", each.quantity)
        .decimal("price", each.price)
        .decimal("notional", each.notional)
        .decimal("charges", each.charges)
        .decimal("realized_pnl", each.realized_pnl)
        .text("trade", each.trade);
    return object.done();
}

}  // namespace alpha
