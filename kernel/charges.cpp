#include "kernel/charges.hpp"

#include "kernel/settlement.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace alpha {

using markets::ChargeAmounts;
using markets::ChargeLine;

Money charges_for(const ChargesConfig& config, Money notional) {
    ALPHA_ASSERT(notional.raw >= 0, "a fill's notional is positive");
    if (config.rate.raw == 0) {
        return config.per_fill;
    }
    // A rate is below one (the scenario reader sees to it), so a part of the notional always fits.
    return config.per_fill + pro_rata(notional, Qty{static_cast<std::int64_t>(config.rate.raw)}, Qty{kScale});
}

std::vector<markets::ChargeAmount> lines_of(const ChargeAmounts& amounts) {
    std::vector<markets::ChargeAmount> lines;
    for (std::size_t i = 0; i < markets::kChargeLines; ++i) {
        if (amounts.by_line[i].raw != 0) {
            lines.push_back({static_cast<ChargeLine>(i), amounts.by_line[i]});
        }
    }
    return lines;
}

const markets::ChargeRates* DayRates::of(const State& state, InstrumentId instrument, Product product, Side side,
                                         Date day) {
    Kept& kept = kept_[{instrument, product, side}];
    if (kept.day != day || !kept.rates) {
        const Instrument& its = state.instruments[instrument.value];
        Result<markets::ChargeRates> rates =
            markets::charge_rates(state.rules.charges, markets::charge_key(its, product, side), day);
        if (!rates) {
            failure_ = rates.error();
        }
        kept = {day, rates ? std::optional(*rates) : std::nullopt};
    }
    return kept.rates ? &*kept.rates : nullptr;
}

namespace {

/// The executions of a day, as notes are made of.
std::vector<markets::DayExecution> executions_of(const State& state, const DayCharges& day) {
    std::vector<markets::DayExecution> executions;
    executions.reserve(day.orders.size());
    for (const DayOrder& order : day.orders) {
        const Instrument& instrument = state.instruments[order.instrument.value];
        markets::DayExecution execution;
        execution.order = order.order.value;
        execution.key = markets::charge_key(instrument, order.product, order.side);
        execution.key.segment = order.segment.value_or(execution.key.segment);
        execution.scrip = markets::scrip_of(instrument);
        execution.quantity = order.executed.quantity;
        execution.turnover = order.executed.turnover;
        execution.is_square_off = order.is_square_off;
        executions.push_back(std::move(execution));
    }
    return executions;
}

/// Of a day's executions those that a depository may ask for: of scrips that were held when the day began. What is sold short, or bought
/// before, comes out of no account.
std::vector<markets::DayExecution> out_of_the_account(const State& state, const Portfolio& portfolio,
                                                      std::vector<markets::DayExecution> executions) {
    std::map<std::string, Int128, std::less<>> held;  // at the day's beginning, by scrip
    for (std::uint32_t i = 0; i < portfolio.positions.size(); ++i) {
        held[markets::scrip_of(state.instruments[i])] += portfolio.positions[i].net.raw;
    }
    for (const markets::DayExecution& each : executions) {
        held[each.scrip] -= signed_qty(each.key.side, each.quantity).raw;
    }
    std::erase_if(executions, [&](const markets::DayExecution& each) { return held[each.scrip] <= 0; });
    return executions;
}

/// Scrips of which nothing was sold on the day but what had been bought before and had not arrived.
std::vector<std::string> sold_unarrived(const State& state, const DayCharges& day) {
    std::map<std::string, std::pair<Qty, Qty>, std::less<>> sold;  // net, and of it what had not arrived
    for (const DayOrder& order : day.orders) {
        auto& [net, unarrived] = sold[markets::scrip_of(state.instruments[order.instrument.value])];
        net -= signed_qty(order.side, order.executed.quantity);
        unarrived += order.unarrived;
    }
    std::vector<std::string> scrips;
    for (const auto& [scrip, of] : sold) {
        if (of.first.raw > 0 && of.second >= of.first) {
            scrips.push_back(scrip);
        }
    }
    return scrips;
}

/// What the ledger takes beside the note: what the depository asks, and what the broker does for closing positions.
Result<std::vector<markets::LedgerCharge>> ledger_charges(const State& state, const Portfolio& portfolio,
                                                          std::vector<markets::DayExecution> executions) {
    const markets::ChargePlan& plan = state.rules.charges;
    const DayCharges& day = portfolio.day;
    auto closing = markets::ledger_of(plan, day.date, executions, {});
    if (!closing) {
        return closing;
    }
    std::erase_if(*closing, [](const markets::LedgerCharge& each) { return each.line != ChargeLine::square_off; });
    auto charges = markets::ledger_of(plan, day.date, out_of_the_account(state, portfolio, std::move(executions)),
                                      sold_unarrived(state, day));
    if (charges) {
        std::erase_if(*charges, [](const markets::LedgerCharge& each) { return each.line == ChargeLine::square_off; });
        charges->insert(charges->end(), closing->begin(), closing->end());
    }
    return charges;
}

}  // namespace

Result<ChargeAmounts> settlement_charges(const State& state, const PositionSettled& settled, Date date) {
    const Instrument& contract = state.instruments[settled.instrument.value];
    ChargeAmounts sum;
    for (const SettledLeg& leg : legs_of(contract, settled)) {
        markets::ChargeKey key = markets::charge_key(contract, settled.product, leg.side);
        key.segment = leg.segment;
        const Result<markets::ChargeRates> rates = markets::charge_rates(state.rules.charges, key, date);
        if (!rates) {
            return tl::unexpected(rates.error());
        }
        const ChargeAmounts amounts = markets::charges_of(*rates, leg.executed);
        for (std::size_t i = 0; i < markets::kChargeLines; ++i) {
            sum.by_line[i] += amounts.by_line[i];
        }
    }
    return sum;
}

std::optional<ChargesBooked> day_end_charges(const State& state, PortfolioId id) {
    const Portfolio& portfolio = state.portfolios[id.value];
    const DayCharges& day = portfolio.day;
    if (!state.has_charge_plan() || day.orders.empty()) {
        return std::nullopt;
    }
    const markets::ChargePlan& plan = state.rules.charges;
    std::vector<markets::DayExecution> executions = executions_of(state, day);
    ChargesBooked booked;
    booked.portfolio = id;
    booked.date = day.date;
    const Result<markets::ContractNote> note = markets::contract_note(plan, day.date, executions);
    const auto ledger = ledger_charges(state, portfolio, std::move(executions));
    if (!note || !ledger) {
        booked.problem = (note ? ledger.error() : note.error()).message;
        booked.problem.resize(std::min(booked.problem.size(), limits::kMaxTextBytes));
        return booked;
    }
    ChargeAmounts asked;
    const auto add = [&](const std::vector<markets::NoteLine>& lines) {
        for (const markets::NoteLine& line : lines) {
            asked[line.line] += line.rounded;
        }
    };
    for (const markets::NoteColumn& column : note->columns) {
        add(column.extra);
        for (const markets::NoteSection& section : column.sections) {
            add(section.lines);
        }
    }
    for (const markets::LedgerCharge& charge : *ledger) {
        asked[charge.line] += charge.amount;
        asked[ChargeLine::gst] += charge.gst;
    }
    // What is booked line by line is printed, some of it, within other lines.
    std::array<ChargeLine, markets::kChargeLines> shown{};
    for (std::size_t i = 0; i < markets::kChargeLines; ++i) {
        shown[i] = static_cast<ChargeLine>(i);
    }
    for (const markets::ChargeRow& row : plan.rows) {
        shown[static_cast<std::size_t>(row.line)] = row.shown;
    }
    for (std::size_t i = 0; i < markets::kChargeLines; ++i) {
        asked[shown[i]] -= day.booked.by_line[i];
    }
    booked.lines = lines_of(asked);
    booked.charges = asked.total();
    return booked.lines.empty() ? std::nullopt : std::optional(std::move(booked));
}

}  // namespace alpha
