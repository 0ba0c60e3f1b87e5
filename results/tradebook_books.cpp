#include "results/tradebook_books.hpp"

#include "events/limits.hpp"
#include "results/trades.hpp"
#include "store/background_log.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <map>
#include <tuple>
#include <utility>

namespace alpha {

namespace {

/// What a log says of its fills, in the order of its events.
class TradesOfLog {
public:
    void see(const Envelope&, const RunConfigured& e) {
        instruments_ = e.instruments;
        trades_.currency = e.currency;
        for (const PortfolioConfig& each : e.portfolios) {
            trades_.portfolios.push_back(each.name);
        }
    }
    void see(const Envelope&, const InstrumentListed& e) { instruments_.push_back(e.definition); }
    void see(const Envelope&, const InstrumentChanged& e) { instruments_[e.instrument.value] = e.definition; }
    void see(const Envelope&, const TradingSessionOpened& e) { days_[e.instrument] = e.date; }
    void see(const Envelope&, const OrderAccepted& e) {
        if (!e.broker_order.empty()) {
            broker_orders_[e.order] = e.broker_order;
        }
    }
    void see(const Envelope& envelope, const OrderFilled& e) {
        TradebookRow row;
        describe_instrument(row, instruments_[e.instrument.value]);
        const auto day = days_.find(e.instrument);
        row.date =
            day != days_.end() ? day->second : TradingHours{.utc_offset_s = kIndiaOffsetS}.date_of(envelope.time);
        row.side = e.side;
        row.quantity = e.quantity;
        row.price = e.price;
        row.trade = e.trade;
        const auto order = broker_orders_.find(e.order);
        row.order = order != broker_orders_.end() ? order->second : std::to_string(e.order.value);
        row.time = envelope.time;
        row.line = envelope.seq;
        trades_.rows.push_back(std::move(row));
        trades_.portfolio_of.push_back(e.portfolio);
    }
    template <class E>
    void see(const Envelope&, const E&) {}

    JournalTrades take() { return std::move(trades_); }

private:
    JournalTrades trades_;
    std::vector<Instrument> instruments_;
    std::map<InstrumentId, Date> days_;
    std::map<OrderId, std::string> broker_orders_;
};

/// An id that is a number is the order's; others have none, and their trades stay apart.
OrderId order_of(const std::string& id) {
    OrderId order;
    const char* const end = id.data() + id.size();
    const auto [at, error] = std::from_chars(id.data(), end, order.value);
    return error == std::errc() && at == end ? order : OrderId{};
}

/// By what a scrip is one.
std::string key_of(const TradebookRow& row) {
    return row.is_share() && !row.isin.empty() ? row.isin : instrument_of(row);
}

class Books {
public:
    explicit Books(std::span<const TradebookRow> rows) : rows_(rows) {}

    Result<void> take(std::size_t at) {
        const TradebookRow& row = rows_[at];
        const auto [found, is_new] = ids_.try_emplace(key_of(row), static_cast<std::uint32_t>(scrips_.size()));
        const InstrumentId id{found->second};
        if (is_new) {
            scrips_.emplace_back();
            instruments_.emplace_back();
            is_oversold_.push_back(false);
            marks_.emplace_back();
        }
        ScripBook& scrip = scrips_[id.value];
        scrip.name = instrument_of(row);
        scrip.isin = row.isin;
        scrip.is_share = row.is_share();
        scrip.expiry = row.expiry;
        instruments_[id.value].name = scrip.name;
        Qty& sum = row.side == Side::buy ? scrip.bought : scrip.sold;
        if (sum.raw > limits::kMaxPosition.raw - row.quantity.raw) {
            return fail(ErrorKind::data,
                        fmt::format("more than {} of {} {} in all: a quantity cannot be right",
                                    to_string(limits::kMaxPosition), scrip.name,
                                    row.side == Side::buy ? "bought" : "sold"),
                        ErrorCode::bad_record);
        }
        const Qty before = scrip.net();
        sum += row.quantity;
        (row.side == Side::buy ? scrip.bought_amount : scrip.sold_amount) += row.amount();
        ++scrip.trades;
        note_oversold(at, id, before);
        marks_[id.value] = row.price;
        last_ = std::max(last_, row.date);
        time_ = row.time;

        OrderFilled fill;
        fill.order = order_of(row.order);
        fill.strategy = StrategyId{0};
        fill.instrument = id;
        fill.side = row.side;
        fill.quantity = row.quantity;
        fill.price = row.price;
        fill.notional = row.amount();
        // A row is no event: trades name none. Each is a step of its own.
        const Envelope envelope{kNoSeq, row.time, at, at};
        book_.fill(envelope, row.date, instruments_[id.value], fill);
        return {};
    }

    TradebookBooks finish() {
        book_.finish(time_, last_, [&](InstrumentId id) { return marks_[id.value]; });
        TradebookBooks books;
        Results& results = books.results;
        results.lots = std::move(book_.lots());
        results.rounds = std::move(book_.rounds());
        results.portfolios = {""};
        results.strategies = {""};
        results.fills = rows_.size();
        results.last = time_;
        for (const Trade& lot : results.lots) {
            ScripBook& scrip = scrips_[lot.instrument.value];
            if (lot.is_open()) {
                scrip.cost += lot.side == Side::buy ? lot.entry.notional : -lot.entry.notional;
                continue;
            }
            scrip.realized += lot.gross;
            Money& part = !scrip.is_share                   ? scrip.contracts
                          : lot.entry.date == lot.exit.date ? scrip.intraday
                          : lot.is_long_term                ? scrip.long_term
                                                            : scrip.short_term;
            part += lot.gross;
        }
        for (ScripBook& scrip : scrips_) {
            scrip.average = average_price(scrip.cost, scrip.net());
            results.instruments.push_back(scrip.name);
            results.multipliers.push_back(1);
            results.realized_pnl += scrip.realized;
        }
        books.scrips = std::move(scrips_);
        std::ranges::sort(books.scrips, {}, [](const ScripBook& scrip) { return std::pair(scrip.name, scrip.isin); });
        books.oversold = oversold_;
        books.last = last_;
        return books;
    }

private:
    void note_oversold(std::size_t at, InstrumentId id, Qty before) {
        const ScripBook& scrip = scrips_[id.value];
        const Qty net = scrip.net();
        if (!scrip.is_share || net.raw >= 0 || is_oversold_[id.value]) {
            return;
        }
        is_oversold_[id.value] = true;
        if (!oversold_) {
            oversold_ = Oversold{at, before.raw > 0 ? -net : rows_[at].quantity, 0};
        }
        ++oversold_->shares;
    }

    std::span<const TradebookRow> rows_;
    std::map<std::string, std::uint32_t> ids_;
    std::vector<ScripBook> scrips_;
    std::vector<Instrument> instruments_;
    std::vector<bool> is_oversold_;
    std::vector<Price> marks_;
    std::optional<Oversold> oversold_;
    TradeBook book_;
    Date last_;
    Time time_;
};

/// The kind of a contract, by the end of its name.
std::optional<markets::ChargeSegment> charge_segment_of(const TradebookRow& row) {
    if (row.is_share()) {
        return row.segment == "MF" ? std::nullopt : std::optional(markets::ChargeSegment::equity);
    }
    if (row.symbol.ends_with("FUT")) {
        return markets::ChargeSegment::futures;
    }
    return row.symbol.ends_with("CE") || row.symbol.ends_with("PE") ? std::optional(markets::ChargeSegment::options)
                                                                    : std::nullopt;
}

/// As markets/data/charges.csv calls groups: of a contract at BSE by what it is written on.
std::string charge_group_of(const TradebookRow& row, const std::string& exchange) {
    if (exchange != "BFO") {
        return "ordinary";
    }
    const std::string_view symbol = row.symbol;
    const std::string_view letters = symbol.substr(0, symbol.find_first_of("0123456789"));
    return letters == "SENSEX" || letters == "BANKEX" ? std::string(letters) : "stock";
}

/// Executions of one day.
Result<std::vector<markets::DayExecution>> executions_of(std::span<const TradebookRow* const> rows) {
    std::map<std::tuple<std::string, std::string, Side>, std::uint64_t> orders;
    std::vector<markets::DayExecution> executions;
    for (const TradebookRow* const row : rows) {
        const std::string instrument = instrument_of(*row);
        const std::optional<markets::ChargeSegment> segment = charge_segment_of(*row);
        if (is_in_lots(*row) || !segment) {
            return fail(ErrorKind::data,
                        fmt::format("charges cannot be reckoned: {} of {} {}", instrument, to_iso(row->date),
                                    segment ? "is traded in lots, and a tradebook does not say of how many units"
                                            : "is no share, and its name does not end with FUT, CE or PE"),
                        ErrorCode::bad_record);
        }
        const auto number = orders.try_emplace({row->order, instrument, row->side}, orders.size() + 1).first->second;
        markets::DayExecution execution;
        execution.order = number;
        execution.key.exchange = instrument.substr(0, instrument.find(':'));
        execution.key.segment = *segment;
        execution.key.group = charge_group_of(*row, execution.key.exchange);
        execution.key.side = row->side;
        execution.scrip = row->isin.empty() ? row->symbol : row->isin;
        execution.quantity = row->quantity;
        execution.turnover = row->amount();
        executions.push_back(std::move(execution));
    }
    return executions;
}

}  // namespace

bool is_in_lots(const TradebookRow& row) {
    return row.segment == "COM" || row.segment == "CDS";
}

Result<TradebookCharges> charges_of_tradebook(const markets::ChargePlan& plan, std::span<const TradebookRow> rows) {
    std::map<Date, std::vector<const TradebookRow*>> days;
    for (const TradebookRow& row : rows) {
        days[row.date].push_back(&row);
    }
    TradebookCharges charges;
    charges.days = days.size();
    for (const auto& [day, of_day] : days) {
        const Result<std::vector<markets::DayExecution>> executions = executions_of(of_day);
        if (!executions) {
            return tl::make_unexpected(executions.error());
        }
        const Result<markets::ContractNote> note = markets::contract_note(plan, day, *executions);
        const Result<std::vector<markets::LedgerCharge>> ledger = markets::ledger_of(plan, day, *executions, {});
        if (!note || !ledger) {
            Error error = note ? ledger.error() : note.error();
            error.message = fmt::format("charges of {} cannot be reckoned: {}", to_iso(day), error.message);
            error.kind = ErrorKind::data;
            return tl::make_unexpected(std::move(error));
        }
        for (const markets::NoteColumn& column : note->columns) {
            charges.notes += column.charges;
        }
        for (const markets::LedgerCharge& each : *ledger) {
            charges.ledger += each.amount + each.gst;
        }
    }
    return charges;
}

Result<JournalTrades> trades_of_journal(const LogReader& log) {
    TradesOfLog trades;
    Result<bool> visited = true;
    const Result<void> scanned = scan_ahead(log, 0, [&](const Frame& frame) {
        visited = visit_events(frame, 0, [&](const Envelope& envelope, const auto& event) {
            trades.see(envelope, event);
            return true;
        });
        return visited && *visited;
    });
    if (!scanned || !visited) {
        return tl::make_unexpected(scanned ? visited.error() : scanned.error());
    }
    return trades.take();
}

Result<TradebookBooks> books_of(std::span<const TradebookRow> rows) {
    Books books(rows);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (const Result<void> taken = books.take(i); !taken) {
            return tl::make_unexpected(taken.error());
        }
    }
    return books.finish();
}

}  // namespace alpha
