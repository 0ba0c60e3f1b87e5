#pragma once
/// What settlement does to a position of a contract, as pure functions; the kernel asks them when a session closes and when a contract
/// expires, and what they say stands in the log.
///
/// | what              | when                        | price                                                        | books                                   |
/// |-------------------|-----------------------------|--------------------------------------------------------------|-----------------------------------------|
/// | future            | its session closes          | its settlement price, else its last price                    | profit since the last one comes in      |
/// | future            | it expires                  | its settlement price, else its underlying's, else its last   | the same, and it ends                   |
/// | option            | it expires                  | its own, else what it is worth by its underlying, else its last | that comes in or goes out, and it ends |
/// | either, delivered | it expires, not worthless   | as above                                                     | and shares change hands at the underlying's price |
///
/// The price of an underlying is its settlement price of the day, else its last price. A call is worth what the underlying stands above its
/// strike, a put below; never less than nothing. Delivery at the underlying's price after the option was settled at its worth is delivery at
/// the strike. A contract that is delivered is settled in cash all the same where its underlying is no share, nobody lists it, it has no price above zero, or what it
/// would bring is more than the books can hold.
///
/// Charges: of an option that is exercised those of the segment `exercise`, leg by leg as the freeze quantity cuts it, of holder and writer;
/// of a delivery those of `physical`, on the shares' value at the settlement price of a future and at the strike of an option.

#include "events/event.hpp"
#include "kernel/portfolio.hpp"
#include "kernel/state.hpp"

#include <optional>

namespace alpha {

/// The contract's last day: its expiry, or where its calendar does not trade then but for an hour at Diwali, the trading day before it.
Date last_day_of(const State& state, InstrumentId contract);
/// When its session closes on that day.
Time expires_at(const State& state, InstrumentId contract);

struct Settlement {
    SettlementKind kind = SettlementKind::daily;
    Date date;
    Decimal price;                       ///< per unit of what is settled
    std::optional<InstrumentId> shares;  ///< of a delivery: what changes hands
    Price shares_price;
};

/// What the instrument is settled at on a day: a settlement price that was told, else its mark. Nothing where it has neither.
std::optional<Decimal> settlement_price(const State& state, InstrumentId instrument, Date date);
/// How a contract is settled at its end. `underlying`: the instrument that it is written on; nothing where nobody lists it.
Settlement final_settlement(const State& state, InstrumentId contract, std::optional<InstrumentId> underlying,
                            Date date);

/// What the settlement does to what is held of the contract under one product: without its charges and its change of equity.
PositionSettled settled(PortfolioId portfolio, InstrumentId contract, const Instrument& its, const Holding& held,
                        const Settlement& settlement);
/// The shares that change hands for it, as they are held after it.
PositionSettled shares_for(PortfolioId portfolio, const Instrument& contract, const Holding& held, Product product,
                           const Position& shares, const Settlement& settlement);

/// One leg of an exercise, or a delivery, as charges are reckoned.
struct SettledLeg {
    markets::ChargeSegment segment = markets::ChargeSegment::exercise;
    Side side = Side::buy;  ///< who holds the option, or receives the shares, buys
    markets::Executed executed;
};
/// Empty where nothing is charged. O(quantity / freeze quantity).
std::vector<SettledLeg> legs_of(const Instrument& contract, const PositionSettled& settled);

}  // namespace alpha
