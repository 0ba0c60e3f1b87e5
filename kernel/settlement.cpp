#include "kernel/settlement.hpp"

#include "events/limits.hpp"

#include <algorithm>
#include <utility>

namespace alpha {

namespace {

/// Whether who is long of the contract receives the shares: of a put it is who wrote it.
bool long_receives(const Instrument& contract) {
    return contract.kind != InstrumentKind::put;
}

/// What becomes of a contract of which `net` is held, in shares.
Qty shares_of(const Instrument& contract, Qty net) {
    const Qty units = contract.units(net);
    return long_receives(contract) ? units : -units;
}

}  // namespace

Date last_day_of(const State& state, InstrumentId contract) {
    const Date expiry = state.instruments[contract.value].expiry;
    const markets::Calendar* const calendar = state.times[contract.value].calendar();
    if (calendar == nullptr || !calendar->knows(expiry)) {
        return expiry;
    }
    // A holiday with an hour of trading at Diwali is a holiday: NIFTY's of 2025-10-21 was the 20th (INDIA.md 3.3).
    const markets::DayRow* const listed = calendar->listed(expiry);
    const bool is_muhurat = listed != nullptr && listed->set == "muhurat";
    return calendar->day(expiry).trades() && !is_muhurat ? expiry
                                                         : calendar->previous_trading_day(expiry).value_or(expiry);
}

Time expires_at(const State& state, InstrumentId contract) {
    return state.times[contract.value].close_on(last_day_of(state, contract));
}

std::optional<Decimal> settlement_price(const State& state, InstrumentId instrument, Date date) {
    const Market& market = state.market(instrument);
    if (market.settlement_date == date) {
        return market.settlement;
    }
    return market.mark.raw == 0 ? std::nullopt : std::optional(Decimal{market.mark.raw});
}

Settlement final_settlement(const State& state, InstrumentId contract, std::optional<InstrumentId> underlying,
                            Date date) {
    const Instrument& its = state.instruments[contract.value];
    const Market& market = state.market(contract);
    const std::optional<Decimal> of_underlying = underlying ? settlement_price(state, *underlying, date) : std::nullopt;
    Settlement settlement;
    settlement.date = date;
    settlement.price = Decimal{market.mark.raw};
    if (market.settlement_date == date) {  // an option is never worth less than nothing
        settlement.price = its.is_option() ? std::max(market.settlement, Decimal{}) : market.settlement;
    } else if (of_underlying && its.is_option()) {
        const Int128 above = of_underlying->raw - its.strike.raw;
        settlement.price = Decimal{std::max<Int128>(its.kind == InstrumentKind::call ? above : -above, 0)};
    } else if (of_underlying) {
        settlement.price = *of_underlying;
    }
    settlement.kind = !its.is_option()           ? SettlementKind::cash
                      : settlement.price.raw > 0 ? SettlementKind::exercised
                                                 : SettlementKind::worthless;
    const bool has_price = of_underlying && of_underlying->raw > 0 && of_underlying->raw <= limits::kMaxPrice.raw;
    const bool is_of_shares = underlying && state.instruments[underlying->value].kind == InstrumentKind::share;
    if (its.is_delivered && is_of_shares && has_price && settlement.price.raw > 0) {
        settlement.kind = SettlementKind::delivered;
        settlement.shares = underlying;
        settlement.shares_price = Price{static_cast<std::int64_t>(of_underlying->raw)};
    }
    return settlement;
}

PositionSettled settled(PortfolioId portfolio, InstrumentId contract, const Instrument& its, const Holding& held,
                        const Settlement& settlement) {
    const Money value = notional(settlement.price, its.units(held.net));
    PositionSettled fact;
    fact.portfolio = portfolio;
    fact.instrument = contract;
    fact.product = held.product;
    fact.kind = settlement.kind;
    fact.date = settlement.date;
    fact.price = settlement.price;
    fact.settled = held.net;
    fact.realized_pnl = value - held.cost;
    fact.cash = its.is_marked_daily() ? fact.realized_pnl : value;
    if (settlement.kind == SettlementKind::daily) {
        fact.quantity = held.net;
        fact.cost = value;
    }
    return fact;
}

PositionSettled shares_for(PortfolioId portfolio, const Instrument& contract, const Holding& held, Product product,
                           const Position& shares, const Settlement& settlement) {
    const Qty moved = shares_of(contract, held.net);
    const Side side = moved.raw < 0 ? Side::sell : Side::buy;
    const Money paid = notional(settlement.shares_price, abs(moved));
    const PositionChange change =
        with_fill(shares, product, side, abs(moved), settlement.shares_price, paid, Instrument{});
    PositionSettled fact;
    fact.portfolio = portfolio;
    fact.instrument = *settlement.shares;
    fact.product = product;
    fact.kind = SettlementKind::shares;
    fact.date = settlement.date;
    fact.price = Decimal{settlement.shares_price.raw};
    fact.settled = moved;
    fact.quantity = change.after.of(product).net;
    fact.cost = change.after.of(product).cost;
    fact.cash = side == Side::buy ? -paid : paid;
    fact.realized_pnl = change.realized_pnl;
    return fact;
}

std::vector<SettledLeg> legs_of(const Instrument& contract, const PositionSettled& fact) {
    std::vector<SettledLeg> legs;
    if (fact.kind == SettlementKind::delivered) {
        const Qty moved = shares_of(contract, fact.settled);
        const Price price = contract.is_option() ? contract.strike : Price{static_cast<std::int64_t>(fact.price.raw)};
        SettledLeg& leg = legs.emplace_back();
        leg.segment = markets::ChargeSegment::physical;
        leg.side = moved.raw < 0 ? Side::sell : Side::buy;
        leg.executed.add(markets::Liquidity::taker, notional(price, abs(moved)), abs(moved));
    } else if (fact.kind == SettlementKind::exercised) {
        for (const Qty quantity : markets::exercise_legs(abs(fact.settled), contract.freeze)) {
            SettledLeg& leg = legs.emplace_back();
            leg.side = fact.settled.raw < 0 ? Side::sell : Side::buy;
            leg.executed.add(markets::Liquidity::taker, notional(fact.price, contract.units(quantity)), quantity);
        }
    }
    return legs;
}

}  // namespace alpha
