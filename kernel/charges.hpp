#pragma once
/// What executions cost. The result is written into the facts, so the fold never consults a rate.

#include "events/event.hpp"
#include "kernel/state.hpp"
#include "markets/charges.hpp"

#include <map>
#include <optional>
#include <tuple>

namespace alpha {

/// per_fill + rate x notional, the product rounded half-even once to 1e-8. `notional` is positive.
Money charges_for(const ChargesConfig& config, Money notional);

/// The lines that are not zero.
std::vector<markets::ChargeAmount> lines_of(const markets::ChargeAmounts& amounts);

/// The rates of the session's plan of charges, kept for the day they were asked for.
class DayRates {
public:
    /// Null where the plan does not say what it costs. Requires a state with a plan, the same as before or forget() between. O(log keys),
    /// and once a day O(rows).
    const markets::ChargeRates* of(const State& state, InstrumentId instrument, Product product, Side side, Date day);
    void forget() { kept_.clear(); }
    /// Why the last one asked for was null.
    const Error& failure() const { return failure_; }

private:
    struct Kept {
        Date day = kNoDay;
        std::optional<markets::ChargeRates> rates;
    };
    std::map<std::tuple<InstrumentId, Product, Side>, Kept> kept_;
    Error failure_;
};

/// What a settlement costs by the session's plan of charges, all its legs together. Refused where the plan does not say it. O(legs x rows).
Result<markets::ChargeAmounts> settlement_charges(const State& state, const PositionSettled& settled, Date date);

/// What the day's contract note and ledger ask of the portfolio beside what was booked: nothing where it is what was booked. O(orders that
/// have executed on the day).
std::optional<ChargesBooked> day_end_charges(const State& state, PortfolioId portfolio);

}  // namespace alpha
