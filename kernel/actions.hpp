#pragma once
/// What corporate actions do, as pure functions; the kernel asks them when an ex-date begins, and what they say stands in the log.
///
/// | action   | position                                   | cost                          | cash                              |
/// |----------|--------------------------------------------|-------------------------------|-----------------------------------|
/// | split    | x new / old, whole shares                  | stays, less the fraction's    | fraction x price of a new share   |
/// | dividend | stays                                      | stays                         | amount x quantity; a short pays   |
/// | merger   | ends; quantity x new / old shares of other | goes with it, less the fraction's | amount x quantity, and the fraction |
/// | demerger | stays; and so many shares of other         | cost_part of it goes with them | the fraction                     |
///
/// A bonus of 1 for 2 is a split of 3 for 2. A dividend, and the cash of a merger, is realized profit of the instrument that pays it. The
/// fraction of a share is paid at the price that the action states, else at the mark, which a split has changed by its ratio. Amounts are
/// rounded half-even to 1e-8, once each; quantities are cut off towards zero.
///
/// The mark follows by what the action takes out of the price, so that equity does not move by the action itself: a split divides it, a
/// dividend lowers it (to no less than the smallest price), a cash merger stands at what is paid, and a demerger takes what the other share is
/// marked at. A share that has not traded yet is marked by the action: by what a merger gives it for, or at a demerger's fraction price.
///
/// Open orders: a split changes quantity and prices, so that an order asks for the same part of the company at the same price; quantities
/// are cut off to whole lots, and prices rounded to the tick, so that it fills rather later than before: limits away from the market, stops as
/// well. Nothing left, or more than an order can ask for: it is cancelled. A merger or demerger cancels them (rule corporate_action), a dividend leaves them.

#include "events/event.hpp"
#include "kernel/orders.hpp"
#include "kernel/portfolio.hpp"

#include <optional>

namespace alpha {

/// new / old of it, cut off towards zero. Fits wherever what is held fits limits::kMaxPosition before and after.
Qty with_ratio(Qty quantity, const CorporateAction& action);
/// old / new of it, half-even; at least the smallest price above zero where it was above zero.
Price with_ratio(Price price, const CorporateAction& action);
/// The whole shares among what a split leaves of a quantity, which are what is held then. `lot`: of the instrument, where it is less than one.
Qty whole_shares_after(Qty before, Qty lot, const CorporateAction& action);
/// What the action leaves of a mark; `other_mark`: of the other share, zero where there is none.
Price mark_after(Price mark, Price other_mark, const CorporateAction& action);

/// What a share of the other is taken for before it has traded: of a merger by what it is given for, of a demerger the price that the action
/// states for parts of one.
Price first_mark_of_other(Price mark, const CorporateAction& action);

/// What the action does to what is held of its instrument under one product, whose mark was `mark` before it. Nothing where nothing is held.
/// Requires that what comes of it fits (fits_after).
std::optional<PositionAdjusted> adjusted(PortfolioId portfolio, const Holding& held, const Instrument& instrument,
                                         Price mark, const CorporateAction& action);
/// A merger's or demerger's other side: what `held` of the instrument becomes in `other`, of which `others` is held already.
std::optional<PositionAdjusted> received(PortfolioId portfolio, const Holding& held, const Holding& others,
                                         const Instrument& other, Price other_mark, const CorporateAction& action);
/// Whether what becomes of a quantity is within what the books can hold.
bool fits_after(Qty held, const CorporateAction& action);

/// What a split does to an order. A quantity as large as what has filled: nothing is left of it. Requires quantities that fit.
OrderAdjusted adjusted(const Order& order, const Instrument& instrument, const CorporateAction& action);

}  // namespace alpha
