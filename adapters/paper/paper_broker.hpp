#pragma once
/// The paper broker: a pure fold of market inputs and effects into reports. No clock, no
/// randomness, one state that can be saved and loaded between any two calls.
///
/// What it models, in the words a trader would check it by. "Better", "worse" and "through" are seen from the order's
/// side; buys look at the ask and sells at the bid.
///
/// TAKING HOLD. A wish (place, cancel, modify) takes hold inside perform when the latency is zero. Otherwise it takes hold
/// at the first quote, bar open or bar close of its own instrument whose time is at least the time of the wish plus the
/// latency, wishes in the order they were made: at a quote or open before any other order is matched on it, at a bar's
/// close after, because the bar's range was traded before they came. An order never sees an input that was matched before
/// it took hold, so an order made because of a bar's close cannot trade inside that bar.
///   place    `accepted`, then whatever follows on arrival.
///   cancel   `cancelled`; `cancel_rejected` ("order is not open") when the order finished meanwhile.
///   modify   `modified` with the new total quantity and prices, then matched again as on arrival. `modify_rejected` when
///            the order finished meanwhile ("order is not open") or as much has filled already ("quantity already filled").
///            The order keeps its place in the queue, and is not matched again, when nothing but a smaller quantity
///            changed; else it goes to the back.
/// A cancel or modify of an order that has finished before the wish was made is answered at once.
///
/// THE TOUCH is the latest quote's ask or bid. An instrument without a quote so far has its latest bar price (the open once
/// a bar opened, the close once it closed) on both sides.
///
/// MARKET ORDERS
///   touch      fill on arrival at the touch. While that side has no price they wait for one (IOC: cancelled, "no quote").
///   next_open  fill at the open of the instrument's next bar, IOC too: that open is their arrival.
///
/// LIMIT ORDERS
///   touch      that can trade on arrival fill at the touch, which is their limit or better. The others rest (IOC:
///              cancelled, "ioc").
///   next_open  arrive with the instrument's next bar open (IOC: filled there, or cancelled, "ioc").
/// A resting limit fills at its own limit on a quote which reaches it, however far the quote goes beyond: who waits gets the
/// price he asked for. At a bar's open it fills at the open when that is its limit or better; at a bar's close at its limit
/// when the bar's low (buy) or high (sell) has reached it.
///
/// STOPS trigger when the touch of a quote, a bar's open, or a bar's high (buy) or low (sell) is at the stop or through it;
/// in the touch model also on arrival, in next_open from the next bar's open on. `triggered` is reported first. An IOC stop
/// that does not trigger on arrival is cancelled ("ioc").
///   stop        fills at the touch or the open, wherever a gap has left them; at a bar's close at the stop itself, since the
///               open was not through it.
///   stop_limit  becomes a limit order: fills at the touch, the open, or (at a bar's close) the stop, if that is within its
///               limit; else it rests from then on. On the bar close that triggered it, it does not fill at its limit: what
///               followed inside the bar is unknown.
///
/// SLIPPAGE worsens every market and stop fill (not limits), to no less than one raw price unit and no more than
/// limits::kMaxPrice.
///
/// SIZE (use_size) is what a quote displays: ask_qty for buys, bid_qty for sells, shared by all orders until the instrument's
/// next quote. A market order's rest waits for that quote, a limit's rest rests, an IOC's rest is cancelled ("ioc"). Bars
/// have no size. Each execution is a `filled` of its own, its trade id a decimal that counts this broker's executions from 1.
///
/// ORDER OF MATCHING on one input: wishes that take hold (bar close: last), then open orders in the order they arrived; on a
/// bar's close first the stops, then the rest, each in the order they arrived: the path inside the bar is unknown, so what
/// hurts comes first.
///
/// SESSION CLOSE. DAY orders of the instrument which are good until that date or earlier are reported `expired`, those still
/// on their way too. GTC and IOC stay.

#include "events/broker.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace alpha {

/// How market orders find their price. docs/reference.md describes each for traders.
enum class FillModel : std::uint8_t {
    touch = 1,     ///< at once at the bid or ask
    next_open = 2  ///< at the instrument's next BarOpened
};

/// Longest latency that can be configured: a longer one is surely a slip of the unit.
inline constexpr Duration kMaxPaperLatency{kDayNs};

struct PaperSettings {
    FillModel fill = FillModel::touch;
    Price slippage;         ///< added against us to every market and stop fill; 0..limits::kMaxPrice
    Duration latency;       ///< event time from a wish to its arrival; 0..kMaxPaperLatency
    bool use_size = false;  ///< fill at most the displayed quantity per quote
    friend bool operator==(const PaperSettings&, const PaperSettings&) = default;
};

/// The canonical settings of BrokerConfig: "fill", "latency", "slippage", "use_size"; sorted, all
/// present, values in their shortest spelling.
std::vector<Setting> to_settings(const PaperSettings& settings);
/// Reads settings in any order and any spelling that events/ can parse; a missing one has its
/// default. Unknown or repeated keys and values that mean nothing are refused (kind usage), naming
/// what is known.
Result<PaperSettings> paper_settings(const std::vector<Setting>& settings);

/// `settings` must be in the ranges given above. Requires of its caller: order ids are never
/// reused, terms have passed Rule::invalid_order, times never go back, prices and quantities of
/// market inputs are within limits.hpp. A quote of an instrument without orders costs a few ns and
/// no allocation.
std::unique_ptr<Broker> make_paper_broker(const PaperSettings& settings);

}  // namespace alpha
