#pragma once
/// Funds and margins (rule `margin`): what of a portfolio's equity its positions and open orders bind, by the session's MarginRules. What is
/// not bound is free; an order that binds more is refused where more than equity would be. Sums of the log's amounts, and nothing else.
///
/// V is what a position is worth at its mark, C what it cost, both without their sign; r, e and s are a row's rate, exposure and spread.
///
/// | held                          | binds                                        | in words                                          |
/// |-------------------------------|----------------------------------------------|---------------------------------------------------|
/// | shares, long                  | V - (1 - r) x min(V, C)                      | the broker lends 1 - r of what it cost, no more than it is worth; in full (r = 1): all it is worth |
/// | shares, short                 | r x V + max(0, C - V)                        | a gain is not free before it is taken; a loss counts |
/// | option, long                  | V                                            | paid in full                                      |
/// | future                        | gain since it was settled + its family's part | the same                                          |
/// | option, short                 | max(0, C - V) + its family's part            | the same                                          |
///
/// A family is what is written on one thing, under one product. Its part is the larger of what a rise and what a fall may take, and e:
///
/// | part     | what                                                                                                                |
/// |----------|---------------------------------------------------------------------------------------------------------------------|
/// | rise     | r x V of the futures that are short, less that of those that are long; of calls of one expiry the worst over all prices X of the underlying: each that is sold is taken to lose X - strike, from 0 to r x U, and each that is held to win it |
/// | fall     | the same of the futures that are long, and of puts, strike - X                                                |
/// | spread   | s x the dearest month's price for each unit of futures of one month against another; on a contract's last day, and without s, it is asked for by itself, r + e of V on top of all |
/// | exposure | e x V of the larger side of futures; e x U of each option that is sold, on its last day the row's expiry_exposure on top |
///
/// U is what the underlying is worth: its mark, or the strike where the session does not know it. So a call that is sold asks r x U, one with
/// another of the same expiry bought k above it at most k, a strangle the dearer of its sides.
///
/// What no row names goes by the account's leverage L: r = 1 / L, e = s = 0; without it (`none`) it binds nothing.
///
/// Open orders: whatever of them fills, in whatever order, at prices no worse than they were valued at, no more is bound than was reserved, as
/// long as marks are as they were when they were decided (of resting ones: come to their price). What closes reserves nothing: it is taken to
/// close at the mark or better. Of several that close and open, the dearest open, and what only reduces fills before them. The others reserve what
/// they cost less what the broker lends, or what they may lose at once, and their charges; of a family, quantities are taken at their
/// worst: what adds as if it had filled, what protects as if it had been sold. A change reserves the larger of what was and what is asked until
/// the broker answers. A move of marks may bind more than there is: nothing is closed for that, and only what binds no more passes. So who
/// holds two months against each other may come to where neither can be closed alone: an operator's orders (`kill --flatten`, a
/// square-off) are not judged.
///
/// Legs of a group that are to buy and to sell the same option reserve both, though one of them fills. Options that are held protect options
/// that are sold, and no future.
///
/// A session without margin rules is not judged by any of this: buying_power is (kernel/risk.hpp).

#include "kernel/risk.hpp"
#include "kernel/state.hpp"

namespace alpha {

/// rate x amount, the rate's part below one rounded half-even once. Requires a rate of at least 0.
Money times(Money amount, Decimal rate);

/// Computes State::margin from the rules, the config and the instruments. O(instruments x rows), and nothing where margins are silent.
void derive_margins(State& state);
/// Only what is asked for one instrument: it has a new day, or is new. O(rows).
void derive_margin_terms(State& state, InstrumentId instrument);
/// An instrument was listed behind those that State::margin knows. O(rows), and more where contracts on it were listed before.
void note_margin_listing(State& state, InstrumentId instrument);
/// Notes in the sums that an instrument is used by a portfolio, or is no longer. O(log used instruments), more where that has changed.
void note_margin_use(State& state, PortfolioId portfolio, InstrumentId instrument, bool uses);
/// Notes that its mark moved whatever is bound by contracts written on it. O(portfolios that use them).
void note_margin_mark(State& state, InstrumentId instrument);

/// What a unit of an order binds beside its family's part, as things are. Zero for what only reduces, and where margins are silent.
Price funds_per_unit(const State& state, const OrderTerms& terms, Price valued_at);

/// What all positions and orders of the portfolio bind, the charges of what is open not among it. O(what has changed since it was settled).
Money margin_bound(const State& state, PortfolioId portfolio);
/// Brings the portfolio's sums up to date. O(what has changed: instruments used of its families, and their open orders in rare cases).
void settle_margins(State& state, PortfolioId portfolio);
/// What the portfolio binds now, and with the order that is judged.
struct MarginChange {
    Money before;
    Money after;
};
MarginChange margin_with(const RiskQuestion& q);

}  // namespace alpha
