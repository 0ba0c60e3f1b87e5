#include "markets/charges.hpp"

#include "cli/command.hpp"
#include "config/market.hpp"
#include "config/suggest.hpp"
#include "kernel/settlement.hpp"
#include "runtime/fold.hpp"
#include "store/background_log.hpp"
#include "views/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace alpha {

namespace {

using namespace markets;

struct NoteRequest {
    std::string journal;
    std::string day;
    std::string portfolio;
};

struct ExplainRequest {
    std::string plan = "zerodha";
    std::string exchange = "NSE";
    std::string segment = "equity";
    std::string group = "ordinary";
    std::string product = "delivery";
    std::string side = "buy";
    std::string date;
    std::string price;
    std::string quantity;
};

// ---- the contract note of a day ----------------------------------------------------------------------------------------

/// What a log says of one trading day, in the order of its events.
class DayOfLog {
public:
    explicit DayOfLog(Date day) : day_(day) {}

    void see(const RunConfigured& e) {
        config_ = e;
        instruments_ = e.instruments;
    }
    void see(const RunReconfigured& e) { config_ = e.config; }
    void see(const InstrumentListed& e) { instruments_.push_back(e.definition); }
    void see(const InstrumentChanged& e) { instruments_[e.instrument.value] = e.definition; }
    void see(const MarketRulesSet& e) { plan_ = e.rules.charges; }
    void see(const TradingSessionOpened& e) {
        dates_[e.instrument] = e.date;
        latest_ = std::max(latest_, e.date);
        if (e.date == day_ && !plan_of_day_) {
            plan_of_day_ = plan_;
        }
    }
    void see(const OrderFilled& e) {
        if (dates_[e.instrument] != day_) {
            return;
        }
        const Instrument& instrument = instruments_[e.instrument.value];
        DayExecution execution;
        execution.order = e.order.value;
        execution.key = charge_key(instrument, e.product, e.side);
        execution.scrip = scrip_of(instrument);
        execution.quantity = e.quantity;
        execution.turnover = e.notional;
        executions_[e.portfolio].push_back(std::move(execution));
        booked_[e.portfolio] += e.charges;
    }
    void see(const PositionSettled& e) {
        if (e.date != day_ || e.lines.empty()) {
            return;
        }
        const Instrument& instrument = instruments_[e.instrument.value];
        std::vector<DayExecution>& executions = executions_[e.portfolio];
        for (const SettledLeg& leg : legs_of(instrument, e)) {
            DayExecution execution;
            execution.order = kFirstSettlement.value + executions.size();
            execution.key = charge_key(instrument, e.product, leg.side);
            execution.key.segment = leg.segment;
            execution.scrip = scrip_of(instrument);
            execution.quantity = leg.executed.quantity;
            execution.turnover = leg.executed.turnover;
            executions.push_back(std::move(execution));
        }
        booked_[e.portfolio] += e.charges;
        plan_of_day_ = plan_of_day_ ? plan_of_day_ : plan_;
    }
    void see(const ChargesBooked& e) {
        if (e.date == day_) {
            booked_[e.portfolio] += e.charges;
        }
    }
    template <class E>
    void see(const E&) {}

    Date day() const { return day_; }
    Date latest() const { return latest_; }
    const RunConfigured& config() const { return config_; }
    /// Null where the session went by no plan on that day.
    const ChargePlan* plan() const { return plan_of_day_ && !plan_of_day_->rows.empty() ? &*plan_of_day_ : nullptr; }
    const std::map<PortfolioId, std::vector<DayExecution>>& executions() const { return executions_; }
    Money booked(PortfolioId portfolio) const {
        const auto found = booked_.find(portfolio);
        return found == booked_.end() ? Money{} : found->second;
    }

private:
    Date day_;
    Date latest_ = kNoDay;
    RunConfigured config_;
    std::vector<Instrument> instruments_;
    ChargePlan plan_;
    std::optional<ChargePlan> plan_of_day_;
    std::map<InstrumentId, Date> dates_;
    std::map<PortfolioId, std::vector<DayExecution>> executions_;
    std::map<PortfolioId, Money> booked_;
};

std::string line_json(const NoteLine& line, const ChargePlan& plan) {
    std::vector<std::string> parts;
    parts.reserve(line.parts.size());
    for (const NotePart& part : line.parts) {
        parts.push_back(JsonObject()
                            .text("rule", describe(plan.rows[part.row]))
                            .decimal("turnover", part.turnover)
                            .count("count", part.count)
                            .decimal("exact", part.exact)
                            .done());
    }
    return JsonObject()
        .text("line", name_of(line.line))
        .decimal("exact", line.exact)
        .decimal("note", line.rounded)
        .decimal("api", line.api)
        .text("rounding", name_of(line.rounding))
        .flag("in_doubt", line.is_in_doubt)
        .json("parts", json_array(parts))
        .done();
}

std::string lines_json(const std::vector<NoteLine>& lines, const ChargePlan& plan) {
    std::vector<std::string> all;
    all.reserve(lines.size());
    for (const NoteLine& line : lines) {
        all.push_back(line_json(line, plan));
    }
    return json_array(all);
}

std::string note_json(const ContractNote& note, const ChargePlan& plan, const std::string& portfolio, Money booked) {
    std::vector<std::string> columns;
    columns.reserve(note.columns.size());
    for (const NoteColumn& column : note.columns) {
        std::vector<std::string> sections;
        sections.reserve(column.sections.size());
        for (const NoteSection& section : column.sections) {
            sections.push_back(JsonObject()
                                   .text("exchange", section.exchange)
                                   .decimal("bought", section.bought)
                                   .decimal("sold", section.sold)
                                   .json("lines", lines_json(section.lines, plan))
                                   .done());
        }
        columns.push_back(JsonObject()
                              .text("column", column.name)
                              .json("sections", json_array(sections))
                              .json("extra", lines_json(column.extra, plan))
                              .decimal("obligation", column.obligation)
                              .decimal("charges", column.charges)
                              .decimal("api_charges", column.api_charges)
                              .decimal("net", column.net)
                              .done());
    }
    return JsonObject()
        .text("date", to_iso(note.day))
        .text("portfolio", portfolio)
        .text("plan", plan.name)
        .json("columns", json_array(columns))
        .decimal("booked", booked)
        .done();
}

std::string note_text(const ContractNote& note, const ChargePlan& plan, const std::string& portfolio, Money booked,
                      const std::string& currency, const Style& style) {
    const auto money = [&](Money amount) { return show_money(amount, currency); };
    std::string text = fmt::format("{} · {} · charges: {}\n", portfolio, to_iso(note.day), plan.name);
    for (const NoteColumn& column : note.columns) {
        Table table({{"exchange", Table::Align::left},
                     {"line", Table::Align::left},
                     {"exact"},
                     {"note"},
                     {"API"},
                     {"rounded to", Table::Align::left},
                     {"", Table::Align::left}});
        const auto add = [&](const std::string& exchange, const NoteLine& line) {
            table.row({exchange, name_of(line.line), to_string(line.exact), money(line.rounded), money(line.api),
                       name_of(line.rounding), line.is_in_doubt ? "in doubt" : ""});
        };
        for (const NoteSection& section : column.sections) {
            text +=
                fmt::format("{}: bought {}, sold {}\n", section.exchange, money(section.bought), money(section.sold));
            for (const NoteLine& line : section.lines) {
                add(section.exchange, line);
            }
        }
        for (const NoteLine& line : column.extra) {
            add(column.name, line);
        }
        text += "\n" + table.text(style);
        text +=
            fmt::format("\n{}: obligation {}, charges {} (by the API {}), net {}\n", column.name,
                        money(column.obligation), money(column.charges), money(column.api_charges), money(column.net));
    }
    return text + fmt::format("booked by the session, with what the depository asks: {}\n", money(booked));
}

Result<int> show_note(const NoteRequest& request, Wiring& wiring) {
    const Result<Date> day = date_option("--note", request.day);
    if (!day) {
        return tl::unexpected(day.error());
    }
    const Result<std::unique_ptr<Journal>> journal = open_journal(request.journal);
    if (!journal) {
        return tl::unexpected(journal.error());
    }
    DayOfLog log(*day);
    Result<bool> visited = true;
    const Result<void> scanned = scan_ahead(**journal, 0, [&](const Frame& frame) {
        visited = visit_events(frame, 0, [&](const Envelope&, const auto& event) {
            log.see(event);
            return log.latest() <= log.day();
        });
        return visited && *visited;
    });
    if (!scanned || !visited) {
        return tl::unexpected(scanned ? visited.error() : scanned.error());
    }
    const std::vector<PortfolioConfig>& portfolios = log.config().portfolios;
    std::vector<std::string_view> names;
    names.reserve(portfolios.size());
    for (const PortfolioConfig& each : portfolios) {
        names.emplace_back(each.name);
    }
    if (!request.portfolio.empty() && std::ranges::find(names, request.portfolio) == names.end()) {
        return fail(ErrorKind::usage, fmt::format("no portfolio {}; {}", request.portfolio,
                                                  config::suggestion(request.portfolio, names, true)));
    }
    if (log.executions().empty()) {
        return fail(ErrorKind::usage, fmt::format("nothing was traded on {}; alpha show fills {} lists the days",
                                                  to_iso(*day), shell_path(request.journal)));
    }
    if (log.plan() == nullptr) {
        return fail(ErrorKind::usage, "the session went by no table of charges on that day; write charges: zerodha, or "
                                      "a table of your own, into its scenario");
    }
    std::vector<std::string> notes;
    for (const auto& [portfolio, executions] : log.executions()) {
        const std::string& name = portfolios[portfolio.value].name;
        if (!request.portfolio.empty() && name != request.portfolio) {
            continue;
        }
        const Result<ContractNote> note = contract_note(*log.plan(), *day, executions);
        if (!note) {
            return tl::unexpected(note.error());
        }
        notes.push_back(wiring.json ? note_json(*note, *log.plan(), name, log.booked(portfolio)) + "\n"
                                    : note_text(*note, *log.plan(), name, log.booked(portfolio), log.config().currency,
                                                wiring.out_style));
    }
    for (std::size_t i = 0; i < notes.size(); ++i) {
        wiring.out.write((i == 0 || wiring.json ? "" : "\n") + notes[i]);
    }
    return kExitOk;
}

// ---- where each line comes from -----------------------------------------------------------------------------------------

template <class E>
Result<E> option_as(const char* option, const std::string& text, E last, E first = E{}) {
    if (const auto value = named_as(text, last, first)) {
        return *value;
    }
    std::vector<std::string_view> known;
    for (auto at = static_cast<unsigned>(first); at <= static_cast<unsigned>(last); ++at) {
        known.emplace_back(name_of(static_cast<E>(at)));
    }
    return fail(ErrorKind::usage, fmt::format("{} {}: {}", option, text, config::suggestion(text, known, true)));
}

/// What one order of this size would be charged; nothing where no size is given.
Result<std::optional<Executed>> order_of(const ExplainRequest& request) {
    if (request.price.empty() != request.quantity.empty()) {
        return fail(ErrorKind::usage, "write both --price and --quantity, or neither");
    }
    if (request.price.empty()) {
        return std::optional<Executed>();
    }
    const Result<Price> price = parse_price(request.price);
    const Result<Qty> quantity = parse_qty(request.quantity);
    if (!price || price->raw <= 0 || *price > limits::kMaxPrice) {
        return fail(ErrorKind::usage, fmt::format("--price {}: write a number above 0", request.price));
    }
    if (!quantity || quantity->raw <= 0 || *quantity > limits::kMaxQty) {
        return fail(ErrorKind::usage, fmt::format("--quantity {}: write a number above 0", request.quantity));
    }
    Executed executed;
    executed.add(Liquidity::taker, notional(*price, *quantity), *quantity);
    return std::optional(executed);
}

Result<int> explain(const ExplainRequest& request, Wiring& wiring) {
    const Result<ChargePlan> plan =
        config::is_table_file(request.plan) ? config::charges_of_file(request.plan) : embedded_charges(request.plan);
    const Result<ChargeSegment> segment = option_as("--segment", request.segment, ChargeSegment::physical);
    const Result<ChargeProduct> product = option_as("--product", request.product, ChargeProduct::intraday);
    const Result<Side> side = option_as("--side", request.side, Side::sell, Side::buy);
    const Result<Date> day = request.date.empty() ? Result<Date>(TradingHours{}.date_of(time_of_machine()))
                                                  : date_option("--date", request.date);
    const Result<std::optional<Executed>> order = order_of(request);
    if (!plan) {
        return tl::unexpected(plan.error());
    }
    if (!segment || !product || !side || !day || !order) {
        return tl::unexpected(!segment   ? segment.error()
                              : !product ? product.error()
                              : !side    ? side.error()
                              : !day     ? day.error()
                                         : order.error());
    }
    const ChargeKey key{request.exchange, *segment, request.group, *product, *side};
    const Result<ChargeRates> rates = charge_rates(*plan, key, *day);
    if (!rates) {
        return tl::unexpected(rates.error());
    }
    const ChargeAmounts amounts = *order ? charges_of(*rates, **order) : ChargeAmounts{};
    Table table({{"line", Table::Align::left}, {*order ? "amount" : ""}, {"rule", Table::Align::left}});
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < kChargeLines; ++i) {
        const ChargeRow* const row = rates->taker[i];
        if (row == nullptr) {
            continue;
        }
        const Money amount = amounts.by_line[i];
        table.row({name_of(row->line), *order ? to_string(amount) : std::string(), describe(*row)});
        JsonObject json;
        json.text("line", name_of(row->line)).text("base", name_of(row->base)).text("rule", describe(*row));
        json.text("from", to_iso(row->from)).text("to", to_iso(row->to)).text("source", row->source.text);
        json.text("grade", name_of(row->source.grade)).text("doubt", row->doubt);
        if (*order) {
            json.decimal("amount", amount);
        }
        lines.push_back(json.done());
    }
    if (wiring.json) {
        JsonObject json;
        json.text("plan", plan->name).text("date", to_iso(*day)).json("lines", json_array(lines));
        if (*order) {
            json.decimal("turnover", (*order)->turnover).decimal("charges", amounts.total());
        }
        wiring.out.write(json.done() + "\n");
        return kExitOk;
    }
    wiring.out.write(fmt::format("{}: {} {} on {} ({}, {}), {}\n\n{}", plan->name,
                                 *side == Side::buy ? "buying" : "selling", request.segment, request.exchange,
                                 request.group, request.product, to_iso(*day), table.text(wiring.out_style)));
    if (*order) {
        wiring.out.write(
            fmt::format("\nturnover {}, charges {}\n", to_string((*order)->turnover), to_string(amounts.total())));
    }
    return kExitOk;
}

}  // namespace

void add_charges(Commands& commands) {
    auto note = std::make_shared<NoteRequest>();
    const Command command = commands.add(
        commands.program(), "charges", "The contract note of a day, and where each charge comes from",
        "Example:\n"
        "  alpha charges runs/demo --note 2026-08-03",
        [note](Wiring& wiring) -> Result<int> {
            if (note->journal.empty() || note->day.empty()) {
                return fail(ErrorKind::usage, "write a journal and a day, as in alpha charges runs/demo "
                                              "--note 2026-08-03; or alpha charges explain");
            }
            return read_isolated(wiring, "the journal " + note->journal, [&] { return show_note(*note, wiring); });
        });
    journal_option(command, note->journal);
    command.option("--note", note->day, "The trading day, YYYY-MM-DD");
    command.option("--portfolio", note->portfolio, "Only this one's; default: a note for each");

    auto request = std::make_shared<ExplainRequest>();
    const Command explaining = commands.add(
        command, "explain", "Each line's rate, period, base and source, for one kind of execution",
        "Example:\n  alpha charges explain --exchange NSE --side sell --date 2026-08-03 --price 100 --quantity 50",
        [request](Wiring& wiring) { return explain(*request, wiring); });
    explaining.option("--plan", request->plan, "zerodha, india, or the path of a table; default: zerodha");
    explaining.option("--exchange", request->exchange, "Its segment of an exchange: NSE (the default), BSE, NFO, MCX");
    explaining.option("--segment", request->segment, "equity (the default), futures, options, exercise or physical");
    explaining.option("--group", request->group, "As the table tells some apart: equity_fund; default: ordinary");
    explaining.option("--product", request->product, "delivery (the default) or intraday");
    explaining.option("--side", request->side, "buy (the default) or sell");
    explaining.option("--date", request->date, "The day, YYYY-MM-DD; default: today");
    explaining.option("--price", request->price, "With --quantity: what one order is charged");
    explaining.option("--quantity", request->quantity, "Of that order");
}

}  // namespace alpha
