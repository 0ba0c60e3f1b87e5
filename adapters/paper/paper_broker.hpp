#pragma once
/// The paper broker: a pure fold of market inputs and effects into reports. No clock, no randomness, one state that can be saved
/// and loaded between any two calls.
///
/// AN ORDER MEETS ONLY PRICES THAT CAME AFTER IT, AND THE NEWEST PRICE WINS. In words a trader can check; the stories of
/// golden/rule-* show each row:
///
/// | case | rule |
/// |---|---|
/// | a bar is shadowed when a quote, a trade, or a bar of a shorter interval, of its instrument came in [label, end) | it tells strategies: no match, no mark, no touch. Its open counts unless the previous bar of that interval was shadowed |
/// | an order arrives | with a standing quote: at once. With a trade, or a bar's open or close, of this very instant: at once. Else the next price of the instrument is its arrival: market, limit, stop, modify, IOC, from timers and across gaps alike |
/// | next_open | the next open of the shortest interval that counts, never a quote, a trade or a close; those between do not take it away (with use_size they do: nobody tells what such a bar trades) |
/// | a bar's range (unshadowed) | orders that had arrived by the open's instant, and exits born of fills at the open; stops first |
/// | arrived inside the bar | market and reached stops: at the close; limits: at their limit if the close reaches it |
/// | exits born inside the bar | the stop, if the extreme lies at or beyond it; the target at the close only: what is not known hurts |
/// | latency | the first price at or after it is due |
/// | quotes stop, bars go on | the quote stands until a bar that is not shadowed |
/// | a trade while a quote stands | fills limits that rest at their limit, where it reaches it; triggers stops, which come to the quote. What arrives or comes alive with it meets the quote, not this trade |
/// | a trade while none stands | is the touch of both sides |
/// | use_size with trades | what one trade fills, but for what comes to a quote, is no more than its quantity; nothing where that is not told |
/// | use_size with bars | at most volume_share of the bar's volume, shared by all orders; what would fill at an open is decided at the close, at the open's price; nothing of a bar without volume |
///
/// An order has arrived once it has met its first price: one that waits when a bar opens and is not shown that open (because it does
/// not count) waits for the close, and its range is nothing to it.
///
/// kernel/state.hpp (Market) decides what is shadowed; the broker is told of bars that count alone. "Better", "worse" and
/// "through" are seen from the order's side; buys look at the ask and sells at the bid.
///
/// ARRIVAL. A request (place, cancel, modify) becomes effective inside perform when the latency is zero, else with the first price
/// whose time is at least that of the request plus the latency, in the order they were made: at a quote, a trade or an open before any other
/// order is matched on it, at a close after.
///   place    `accepted`, then whatever follows on arrival.
///   cancel   `cancelled`; `cancel_rejected` ("order is not open") when the order finished meanwhile.
///   modify   `modified` with the new total and prices, then it arrives anew. `modify_rejected` when the order finished meanwhile
///            ("order is not open") or as much has filled already ("quantity already filled"). The order keeps its place in the
///            queue, and does not arrive anew, when nothing but a smaller quantity changed.
///
/// MARKET ORDERS fill on arrival at the touch or the bar's price. While a standing quote has no price on their side they wait for
/// one (IOC: cancelled, "no quote"). Under next_open they fill at that open.
/// LIMIT ORDERS that can trade on arrival fill at the touch, which is their limit or better; the others rest (IOC: cancelled,
/// "ioc"). A resting limit fills at its own limit on a quote or a trade that reaches it, at a bar's open at the open, inside a bar's
/// range at its limit. `limit_fill: through` wants the price to go beyond the limit of an order that rests.
/// STOPS trigger when the touch, a trade, a bar's open or its extreme is at the stop or through it; `triggered` is reported first. A stop
/// fills at the touch, the open, or inside the bar at the stop itself, or at an open beyond it that did not count; a stop-limit
/// becomes a limit order, which on the bar whose range triggered it fills at the stop or not at all: what followed inside the bar is
/// unknown. Triggered by the close it fills at its limit, like any limit that came while the bar lasted. An IOC stop that does not
/// trigger on arrival is cancelled ("ioc").
///
/// SLIPPAGE worsens every market and stop fill (not limits), to no less than one raw price unit and no more than
/// limits::kMaxPrice: by a price, so many ticks, or a part of the price (rounded up to whole ticks).
///
/// SIZE (use_size) is what a quote displays: ask_qty for buys, bid_qty for sells, shared by all orders until the instrument's next
/// quote; of a trade its quantity; of a bar volume_share of its volume. Fills by trades and bars are cut to whole lots, unless that is all of an order. A market order's rest waits for the next price, a
/// limit's rest rests, an IOC's rest is cancelled ("ioc"). Each execution is a `filled` of its own, its trade id a decimal that
/// counts this broker's executions from 1. What an open has promised is forgotten when another price comes before the bar's close,
/// for the bar is shadowed then: a limit goes on resting, a market or IOC order waits for the next price (under next_open: the next
/// open).
///
/// ORDER OF MATCHING on one input: requests that become effective (bar close: last), then open orders in the order they were accepted
/// or last changed; an exit keeps the place it was accepted at. On a bar's close: what the open had promised (use_size), then stops,
/// then limits, then what meets the close; stops first because the path inside the bar is unknown, those of an entry that a limit
/// has just filled before the next limit.
///
/// LINKS (events/event.hpp, OrderTerms) are enforced after each fill and before the next, so that within one input no two of them
/// fill what only one may: an entry's fill brings its exits to life (they meet its price at once, stops first), a fill in a group shrinks (`modified`, rule linked_fill)
/// or ends (`cancelled`, "linked") its other legs, and reduce-only orders are cut to the portfolio's net position, the oldest first
/// ("nothing to reduce"). The net is this broker's own fills. Of an exit that comes alive inside a bar, or more of it, the stop fills
/// no better than where the bar's price stood when the entry filled. An exit whose entry has ended is never more than what has filled;
/// an entry that is made larger takes its exits with it, as far as they are smaller than it.
///
/// SESSION CLOSE. DAY orders of the instrument that are good until that date or earlier are reported `expired`, those still on
/// their way too. A DAY order made while the market was shut gets its date from the session that opens next.

#include "adapters/paper/fill_models.hpp"
#include "events/key.hpp"
#include "events/venue.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace alpha {

/// When a resting limit fills.
enum class LimitFill : std::uint8_t {
    reached = 1,  ///< the price comes to it
    through = 2   ///< the price goes beyond it: others were before us in the queue
};

/// Who links orders.
enum class Links : std::uint8_t {
    venue = 1,  ///< the broker itself, before each fill
    kernel = 2  ///< the kernel, from its reports: what a broker without linked orders gets
};

/// Longest latency that can be configured: a longer one is surely a slip of the unit.
inline constexpr Duration kMaxPaperLatency{kDayNs};

struct PaperSettings {
    FillModel fill = FillModel::touch;
    LimitFill limit_fill = LimitFill::reached;
    Links links = Links::venue;
    Price slippage{};                       ///< added against us to every market and stop fill; 0..limits::kMaxPrice
    std::int64_t slippage_ticks = 0;        ///< the same in the instrument's ticks; 0..kMaxSlippageTicks
    Decimal slippage_percent{};             ///< the same as a part of the price; 0..100
    Duration latency{};                     ///< event time from a request to its arrival; 0..kMaxPaperLatency
    bool use_size = false;                  ///< fill at most what a quote displays, or our share of what a bar traded
    Decimal volume_share = decimal_of(10);  ///< per cent of a bar's volume that can be ours; 0..100
    friend bool operator==(const PaperSettings&, const PaperSettings&) = default;
};
inline constexpr std::int64_t kMaxSlippageTicks = 1'000'000;

/// The canonical settings of BrokerConfig: sorted, all present, values in their shortest spelling.
std::vector<Setting> to_settings(const PaperSettings& settings);
/// Reads settings in any order, in any spelling that events/ can parse; a missing one has its default. Refuses (kind usage) an unknown
/// key, naming what is known, one that is given twice, and a value that means nothing.
Result<PaperSettings> paper_settings(const std::vector<Setting>& settings);
/// What a scenario says of each setting; defaults are those of PaperSettings.
std::span<const Key> paper_keys();

/// `settings` must be in the ranges given above. Requires of its caller: order ids are never reused, terms have passed
/// Rule::invalid_order and Rule::links, times never go back, prices and quantities of market inputs are within limits.hpp. A quote
/// of an instrument without orders costs a few ns and no allocation; a fill O(orders of its instrument) where links or
/// reduce-only orders are among them.
std::unique_ptr<Venue> make_paper_broker(const PaperSettings& settings);

}  // namespace alpha
