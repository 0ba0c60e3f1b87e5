#pragma once
/// Everything the log folds into, and the fold itself. `apply` cannot fail and reads nothing but the state and the fact: a
/// fact that contradicts the state is our own mistake (or a forged log) and stops the process.

#include "events/event.hpp"
#include "events/limits.hpp"
#include "kernel/orders.hpp"
#include "kernel/outside.hpp"
#include "kernel/portfolio.hpp"
#include "kernel/timers.hpp"
#include "markets/calendar.hpp"
#include "markets/products.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <ranges>
#include <set>
#include <string>
#include <vector>

namespace alpha {

/// Bars of one interval of an instrument.
struct BarSeries {
    Duration interval;
    Time label = kBeforeAll;   ///< of the latest that opened
    Time closed = kBeforeAll;  ///< when the latest closed
    bool is_shadowed = false;  ///< the latest that closed was: something finer came while it lasted
    bool counts = false;       ///< the latest open or close is a price, not just something to tell
    friend bool operator==(const BarSeries&, const BarSeries&) = default;
};

/// What is known of an instrument's market. Shared by all portfolios: positions are marked from here, never copied.
///
/// The newest price wins. A bar is shadowed when a quote, a trade, or a bar of a shorter interval, of its instrument came between
/// its label and its end: its close is old news then, and its range has been traded in finer steps. It tells strategies and nothing
/// else. An open counts unless the bar of its interval before it was shadowed: then finer prices are on their way again.
///
/// THE MARK is the price of a trade, a bar's open or close, and of a quote the mid. Where trades are told of, or a quote has one side
/// only, a quote says less than that: the mark stays as it was, brought within the quote. So it does not swing between mid and last
/// trade, and a trade of an hour ago is no price that the market has left behind (docs/decisions/0029).
struct Market {
    Price mark;
    Price bid;  ///< of the latest quote
    Price ask;
    Qty bid_qty;
    Qty ask_qty;
    Time quoted = kBeforeAll;        ///< when the latest quote came
    bool has_touch = false;          ///< that quote stands: no bar that counts has come since
    Price last;                      ///< of the latest trade; zero: none was told
    Qty last_qty;                    ///< what the latest trade said, as TradeTick does: zero where it did not say
    Volume volume;                   ///< as above
    Volume open_interest;            ///< as above
    Time traded = kBeforeAll;        ///< when it came
    Time updated = kBeforeAll;       ///< when the newest price that counts came
    std::vector<BarSeries> series;   ///< by interval, the shortest first
    std::vector<OrderId> undated;    ///< DAY orders made while it was shut: the session that opens next is theirs
    std::vector<PortfolioId> users;  ///< portfolios with a position or with orders that add to one; sorted, not saved
    Date session_date = kNoDay;      ///< the trading day of the last market input
    Time day_ends = kBeforeAll;      ///< when a later day begins: the first input at or after it opens a new session
    Time session_closes = kNever;    ///< when TradingSessionClosed falls due; kNever once it was recorded
    bool is_expired = false;         ///< ContractExpired was recorded, and nothing has filled since
    Date settlement_date = kNoDay;   ///< of the latest settlement price that was told
    Decimal settlement;              ///< that price; it may be below zero
    Date acted = kNoDay;             ///< the ex-date of the last corporate action
    Time squares_off = kNever;  ///< when SquareOffBegun falls due; kNever where nothing of it is held within the day
    friend bool operator==(const Market&, const Market&) = default;

    /// Whether the latest open or close of a bar of this interval counts, and whether no shorter bars are known.
    bool counts(Duration interval) const {
        const auto at = std::ranges::find(series, interval, &BarSeries::interval);
        return at != series.end() && at->counts;
    }
    bool is_shortest(Duration interval) const { return !series.empty() && series.front().interval == interval; }
    /// What an order of this side would meet: the standing quote's price, else the mark. Zero: none known.
    Price touch(Side side) const {
        const Price quoted_price = !has_touch ? Price{} : side == Side::buy ? ask : bid;
        return quoted_price.raw != 0 ? quoted_price : mark;
    }
};

/// The account's equity, all portfolios together, at every mark and fill: exact, whatever the batching.
struct EquityPath {
    Money equity;
    Money peak;  ///< the highest so far
    /// The deepest fall relative to its peak: from this peak to this trough. Equal where there was none.
    Money worst_peak;
    Money worst_trough;
    friend bool operator==(const EquityPath&, const EquityPath&) = default;
};

/// The newest word on an order that its strategy has not heard.
struct MissedUpdate {
    OrderId order;
    OrderStatus status = OrderStatus::intended;
    bool change_failed = false;
    friend bool operator==(const MissedUpdate&, const MissedUpdate&) = default;
};

/// While it is halted a strategy hears nothing. What it misses of its orders and timers is told when it resumes, or it would trade on
/// a position that it does not have. At most the fills of the orders it had open.
struct StrategyState {
    bool halted = false;
    std::vector<OrderFilled> missed_fills;        ///< in their order
    std::vector<MissedUpdate> missed_orders;      ///< by order, one each
    std::vector<TimerId> missed_timers;           ///< in the order in which they fired
    std::vector<CorporateAction> missed_actions;  ///< in their order
    friend bool operator==(const StrategyState&, const StrategyState&) = default;
};

/// An open order by where it belongs.
struct PlacedOrder {
    PortfolioId portfolio;
    InstrumentId instrument;
    OrderId order;
    friend auto operator<=>(const PlacedOrder&, const PlacedOrder&) = default;
};

/// What is asked as margin for an instrument under one product on its present day: parts of a value.
struct MarginTerms {
    Decimal rate;
    Decimal exposure;
    Decimal spread;      ///< zero: it is asked for by itself
    bool binds = false;  ///< false: nothing is asked
};

/// What the margin rules mean for the instruments; kernel/margin.hpp computes it. A family is what is written on one thing, that among it.
struct MarginBook {
    std::vector<std::array<MarginTerms, kProducts>> terms;    ///< by instrument, then product
    std::vector<std::uint32_t> family;                        ///< by instrument: that which it is reckoned with
    std::vector<std::uint32_t> own;                           ///< by instrument: that of what is written on it
    std::map<std::string, std::uint32_t, std::less<>> names;  ///< of families
    std::vector<std::optional<InstrumentId>>
        heads;  ///< by family: what it is written on; nothing: the session does not know it
    std::vector<std::vector<PortfolioId>> users;  ///< by family: portfolios that use any of it; sorted
    /// It says nothing that the rest of the state does not.
    friend bool operator==(const MarginBook&, const MarginBook&) { return true; }

    /// What the contract is written on.
    std::optional<InstrumentId> head_of(InstrumentId contract) const { return heads[family[contract.value]]; }
};

/// What is held of an instrument under a product that no portfolio here asked for.
struct OutsideHolding {
    Qty net;     ///< negative: short
    Money cost;  ///< of it: what was paid, negative of a short
    friend bool operator==(const OutsideHolding&, const OutsideHolding&) = default;
};

/// A row of what an account says that it holds.
struct AccountRow {
    Qty quantity;   ///< negative: short
    Price average;  ///< zero: not told
    friend bool operator==(const AccountRow&, const AccountRow&) = default;
};

/// What an account holds more than the books, in one instrument.
struct Suspected {
    Qty more;
    bool is_said = false;  ///< as a difference
    bool froze = false;    ///< then
    friend bool operator==(const Suspected&, const Suspected&) = default;
};

/// A broker outside of the process.
struct OutsideBroker {
    explicit OutsideBroker(std::uint32_t log_number = 0) : book(log_number) {}

    OutsideBook book;
    SessionChange session = SessionChange::down;
    std::string account;  ///< as BrokerSessionChanged gave it first
    std::map<std::pair<InstrumentId, Product>, OutsideHolding> outside;
    /// What the account says that it holds, as last read; O(1) rows an instrument.
    std::map<std::tuple<AccountRowKind, InstrumentId, Product>, AccountRow> account_rows;
    /// By instrument, when both were compared last: a row may lag a fill, and what lasts is said once.
    std::map<InstrumentId, Suspected> suspected;
    bool is_reconciled = false;      ///< once, so that what was there before the journal is booked
    std::uint32_t differences = 0;   ///< since the session began to be reconciled
    std::vector<Time> recent_sends;  ///< of the last minute, in order
    Date sends_day;
    std::uint32_t sends_today = 0;

    OutsideBook::Facts follows;  ///< what follows from the last fact folded, for the kernel to record: not saved
    friend bool operator==(const OutsideBroker& a, const OutsideBroker& b) {
        return a.book == b.book && a.session == b.session && a.account == b.account && a.outside == b.outside &&
               a.account_rows == b.account_rows && a.suspected == b.suspected && a.is_reconciled == b.is_reconciled &&
               a.differences == b.differences && a.recent_sends == b.recent_sends && a.sends_day == b.sends_day &&
               a.sends_today == b.sends_today;
    }
};

struct State {
    RunConfigured config;                 ///< as event 0 gave it, or the last RunReconfigured
    markets::MarketRules rules;           ///< as the last MarketRulesSet gave them
    ProductRules products;                ///< as the last ProductRulesSet gave them
    MarginRules margin_rules;             ///< as the last MarginRulesSet gave them
    std::vector<Instrument> instruments;  ///< by id
    std::vector<Market> markets;          ///< by id
    std::vector<Portfolio> portfolios;    ///< by id
    std::vector<StrategyState> strategies;
    std::map<OrderId, Order> open_orders;
    std::map<OrderId, Order> closed_orders;
    /// Those of them that no link binds to an open order, in the order in which that came about: the first is forgotten first.
    std::deque<OrderId> closings;
    std::map<BrokerId, OutsideBroker> outside;                ///< those that execute elsewhere
    std::map<std::string, FeedState, std::less<>> bad_feeds;  ///< live sources that are not up
    Timers timers;
    Seq next_seq = 0;
    OrderId next_order{1};
    Time now = kBeforeAll;
    Date trading_date = kNoDay;   ///< the latest session date of any instrument
    Time next_snapshot = kNever;  ///< the boundary at which P&L snapshots fall due
    EquityPath path;
    std::uint64_t quotes = 0;
    std::uint64_t bars = 0;
    std::uint64_t trades = 0;  ///< that live sources told of
    std::uint64_t orders = 0;  ///< intended, refused ones not counted
    std::uint64_t fills = 0;

    // Derived from the above, and not saved.
    std::set<PlacedOrder> placed;                   ///< the open orders
    std::vector<std::vector<InstrumentId>> traded;  ///< by strategy, the instruments it may trade; sorted
    markets::Calendars calendars;                   ///< of the rules
    std::vector<markets::DayTimes> times;           ///< by instrument, when it trades
    MarginBook margin;                              ///< empty without margin rules
    friend bool operator==(const State&, const State&) = default;

    const Market& market(InstrumentId id) const { return markets[id.value]; }
    /// Whether executions are charged by a plan, line by line.
    bool has_charge_plan() const { return !rules.charges.rows.empty(); }
    /// What the rules say of a product of an instrument on a day; null: it is none there. O(rows).
    const ProductRow* product_row(InstrumentId instrument, Product product, Date day) const {
        return markets::find_product(products, instruments[instrument.value], product, day);
    }
    const Order* find_order(OrderId id) const;
    /// The broker outside that has the order, or had it; null: none.
    const OutsideBroker* outside_of(OrderId id) const;
    const OutsideBroker* outside_of(BrokerId id) const {
        const auto at = outside.find(id);
        return at == outside.end() ? nullptr : &at->second;
    }
    /// A portfolio's open orders, by instrument, then by number. O(log open orders), and each as it is come to.
    auto orders_of(PortfolioId portfolio) const {
        return std::ranges::subrange(placed.lower_bound({portfolio, {}, {}}),
                                     placed.lower_bound({PortfolioId{portfolio.value + 1}, {}, {}}));
    }
    /// Those of one instrument, by number.
    auto orders_of(PortfolioId portfolio, InstrumentId instrument) const {
        return std::ranges::subrange(placed.lower_bound({portfolio, instrument, {}}),
                                     placed.lower_bound({portfolio, InstrumentId{instrument.value + 1}, {}}));
    }
};

/// Of what instruments an account at a broker outside holds another quantity than the broker's portfolios and what is booked outside: how much more
/// it holds. By instrument. O(positions, rows).
std::map<InstrumentId, Qty> differing_positions(const State& state, BrokerId broker);

/// Computes what is derived from the rest of a state and not saved with it. Requires rules that derive_times took. O(state).
void derive(State& state);
/// When the broker closes what is held of an instrument under a product within a day; kNever: it does not. O(rows).
Time square_off_time(const State& state, InstrumentId instrument, Product product, Date day);
/// When what portfolios hold of the instrument within its open session, or may by an order, is closed next: after `now`, and at once where
/// it should have been a day before. kNever where nothing is, or no session is open. O(portfolios, products).
Time next_square_off(const State& state, InstrumentId instrument, Time now);

/// Only the calendars, and when each instrument trades. Refused (kind data) where the rules' calendars are none.
Result<void> derive_times(State& state);

/// Sums of one portfolio at the present marks. O(positions).
struct Valuation {
    Money cash;
    Money market_value;
    Money equity;
    Money realized_pnl;
    Money unrealized_pnl;
    Money charges;
    Money gross_exposure;
};
Valuation value(const State& state, const Portfolio& portfolio);
/// What the order may still add on its side; for one of a group, what the largest leg of that side may. An exit that only reduces
/// adds nothing. O(legs).
struct Reserved {
    Qty quantity;
    Money value;  ///< at the price the order is valued at
    Money funds;  ///< what it binds beside its family's margin
};
Reserved reserved_by(const State& state, const Order& order);
/// The same without the order itself.
Reserved reserved_by_other_legs(const State& state, const Order& order);
/// What the order may fill as things are: an exit only for what its entry has filled, and no leg of it has taken. O(legs).
Qty alive_leaves(const State& state, const Order& order);
/// What links leave the order in all, its own fills among it: less what other legs have filled, nothing more once one of them has
/// filled whole, and of an exit at most what its entry has filled. O(legs).
Qty linked_total(const State& state, const Order& order);
/// Whether a link binds the order to one that is open: as its entry, its exit or another leg. What a closed leg or entry has filled
/// decides what the open one may still fill, so it is remembered as long. O(log open orders).
bool is_bound(const State& state, const Order& order);
/// Whether the order is the one that stands for its group's side where all open orders are summed up.
bool leads_reservation(const State& state, const Order& order);
/// Whether falling from `peak` to `trough` is deeper, as a part of the peak, than from `other_peak` to `other_trough`. Exact;
/// peaks are positive.
bool is_deeper(Money peak, Money trough, Money other_peak, Money other_trough);

/// Folds one fact. O(portfolios that use the instrument) for market inputs; O(log open orders) for order facts.
template <class E>
void apply(State& state, const Envelope& envelope, const E& event);
void apply(State& state, const Envelope& envelope, const Event& event);

/// Panics unless the books balance: see kernel/portfolio.hpp, and counts agree with what they count. For tests, and
/// for a live engine every so many events. O(everything).
void check_invariants(const State& state);

}  // namespace alpha
