#pragma once
/// The facts: everything that can stand in the event log, in the past tense. Pure values; what they mean for a portfolio is
/// kernel/state.hpp, how they become bytes is events/codec.hpp, how they read is events/text.hpp.
///
/// ON DISK, DO NOT CHANGE: a wire tag is never reused or renumbered. A new field comes with `since` (events/named.hpp), which
/// reads older bytes without it, and raises the `version` of its event or the `struct_version` of its struct; so does a new
/// enumerator, so that an older program says "written by a newer alpha" rather than "damaged". A struct that events hold stands
/// in them with its own version and length: one more field in it changes no event. tests/events/frozen_test.cpp keeps the bytes
/// of every version.

#include "events/fixed.hpp"
#include "events/ids.hpp"
#include "events/instrument.hpp"
#include "events/margin.hpp"
#include "events/market.hpp"
#include "events/named.hpp"
#include "events/outside.hpp"
#include "events/product.hpp"
#include "events/side.hpp"
#include "events/time.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace alpha {

// ---- vocabulary (values are on disk) ----------------------------------------------------------------------------------

enum class OrderType : std::uint8_t {
    market = 1,     ///< fills at the best price there is
    limit = 2,      ///< fills at its limit or better
    stop = 3,       ///< becomes a market order once the market trades through its stop
    stop_limit = 4  ///< becomes a limit order once the market trades through its stop
};

enum class TimeInForce : std::uint8_t {
    day = 1,  ///< until the instrument's session closes; entered at or after a close, until the next session's close
    gtc = 2,  ///< until cancelled
    ioc = 3   ///< what cannot fill on arrival is cancelled
};

enum class Direction : std::uint8_t { flat = 1, lengthen = 2, shorten = 3 };

/// The rules an order can break, each with its number in the log; kernel/risk.hpp says what each compares. One that is added comes last.
// clang-format off
#define ALPHA_RULES(X)                                                                                                \
    X(none, 0)                                                                                                        \
    X(invalid_order, 1) /* not positive, absurdly large, or without the price its type needs */                       \
    X(unknown_instrument, 2) /* outside the strategy's instruments */                                                 \
    X(kill_switch, 3) /* latched for this portfolio */                                                                \
    X(strategy_halted, 4)                                                                                             \
    X(tick_size, 5)                                                                                                   \
    X(lot_size, 6)                                                                                                    \
    X(allowed_instruments, 7)                                                                                         \
    X(session_hours, 8)                                                                                               \
    X(no_market, 9) /* no price seen yet */                                                                           \
    X(stale_data, 10)                                                                                                 \
    X(price_band, 11)                                                                                                 \
    X(order_quantity, 12)                                                                                             \
    X(order_notional, 13)                                                                                             \
    X(shorting, 14)                                                                                                   \
    X(position, 15)                                                                                                   \
    X(gross_exposure, 16)                                                                                             \
    X(open_orders, 17)                                                                                                \
    X(order_rate, 18)                                                                                                 \
    X(daily_loss, 19)                                                                                                 \
    X(step_facts, 20) /* limits::kMaxFactsPerStep */                                                                  \
    X(not_open, 21) /* cancel or modify of an order that is not open */                                               \
    X(operator_kill, 22) /* kill switch pulled by a person */                                                         \
    X(overfill, 23) /* a broker filled more than was asked */                                                         \
    X(unmatched_fill, 24) /* a broker reported an execution that no known order explains */                           \
    X(buying_power, 25) /* more than the account can pay for */                                                       \
    X(links, 26) /* links that make no sense: another instrument, an exit on its entry's side */                      \
    X(change_pending, 27) /* an earlier change of this order is still under way */                                    \
    X(linked_fill, 28) /* a linked order has filled, or what it would reduce is gone */                               \
    X(market_phase, 29) /* the market does not take such an order at this time of its day */                          \
    X(unknown_day, 30) /* the calendar does not know the day, and is strict */                                        \
    X(freeze_quantity, 31) /* more than the exchange takes in one order */                                            \
    X(expired, 32) /* the contract's last day is over */                                                              \
    X(no_charges, 33) /* the table of charges does not say what it would cost */                                      \
    X(product, 34) /* a product that there is not, or that does not allow this */                                     \
    X(holdings, 35) /* shares that are not there to be sold */                                                        \
    X(square_off, 36) /* too late for a position of the day, or the broker closes it */                               \
    X(margin, 37) /* more margin than there is */                                                                     \
    X(corporate_action, 38) /* what it stood for is no more what it was */                                            \
    X(broker_down, 39) /* the broker outside is not there, or not yet known to be in order */                         \
    X(unknown_outcome, 40) /* nobody knows what became of an earlier order of the strategy in the instrument */       \
    X(feed_down, 41) /* a live source of prices is not there */                                                       \
    X(frozen_instrument, 42) /* broker and books differ in it, and nobody has looked */                               \
    X(not_supported, 43) /* the broker has no such order */                                                           \
    X(conflict, 44) /* the broker says of an order what cannot be */                                                  \
    X(send_backlog, 45) /* too many orders wait to be sent */                                                         \
    X(modifications, 46) /* the order was changed as often as the broker allows */
// clang-format on
enum class Rule : std::uint8_t {
#define ALPHA_VALUE(NAME, NUMBER) NAME = (NUMBER),
    ALPHA_RULES(ALPHA_VALUE)
#undef ALPHA_VALUE
};
/// A table by rule has this many rows.
#define ALPHA_COUNT(NAME, NUMBER) +1
inline constexpr std::size_t kRules = 0 ALPHA_RULES(ALPHA_COUNT);
#undef ALPHA_COUNT

/// How far a kill switch reaches. Values are in snapshots, too.
enum class LatchScope : std::uint8_t {
    none = 0,
    entries = 1,  ///< nothing that may increase a position; what reduces one lives on and passes
    flatten =
        2,   ///< as entries, while the operator's own orders close every position; `all` follows when they have ended
    all = 3  ///< no order passes
};

/// What ends a latch that max_daily_loss has set.
enum class LatchEnd : std::uint8_t {
    trading_day = 1,  ///< the next trading day begins
    released = 2      ///< a person
};

/// The edition of the rules that decide (docs/decisions/0013): which facts follow from which inputs. A journal folds under any;
/// it can be decided again, and resumed, only under the one it was written under.
inline constexpr std::uint16_t kRulesEdition = 3;

/// What a broker can say of an order.
enum class ReportKind : std::uint8_t {
    accepted = 1,
    rejected = 2,
    triggered = 3,
    filled = 4,
    cancelled = 5,
    expired = 6,
    modified = 7,
    cancel_rejected = 8,
    modify_rejected = 9
};

const char* name_of(OrderType type);
const char* name_of(TimeInForce tif);
const char* name_of(InstrumentKind kind);
const char* name_of(Direction direction);
const char* name_of(Rule rule);
const char* name_of(LatchScope scope);
const char* name_of(LatchEnd end);
const char* name_of(ReportKind kind);

/// Which prices an order of the type has.
constexpr bool needs_limit(OrderType type) {
    return type == OrderType::limit || type == OrderType::stop_limit;
}
constexpr bool needs_stop(OrderType type) {
    return type == OrderType::stop || type == OrderType::stop_limit;
}
constexpr Side opposite(Side side) {
    return side == Side::buy ? Side::sell : Side::buy;
}
/// +quantity for a buy, -quantity for a sell.
inline Qty signed_qty(Side side, Qty quantity) {
    return side == Side::buy ? quantity : -quantity;
}

// ---- configuration, as event 0 pins it --------------------------------------------------------------------------------

/// A named setting of a strategy or broker, its value in canonical text.
struct Setting {
    static constexpr std::uint8_t struct_version = 1;
    std::string key;
    std::string value;
    friend bool operator==(const Setting&, const Setting&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("key", key), named("value", value));
    }
};

struct PortfolioConfig {
    static constexpr std::uint8_t struct_version = 1;
    std::string name;
    Money cash;
    friend bool operator==(const PortfolioConfig&, const PortfolioConfig&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("name", name), named("cash", cash));
    }
};

struct BrokerConfig {
    static constexpr std::uint8_t struct_version = 1;
    std::string name;  ///< unique in the scenario, e.g. "paper"
    std::string kind;  ///< which adapter
    std::vector<Setting> settings;
    friend bool operator==(const BrokerConfig&, const BrokerConfig&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("name", name), named("kind", kind), named("settings", settings));
    }
};

struct StrategyConfig {
    static constexpr std::uint8_t struct_version = 2;
    std::string name;  ///< unique in the scenario ("id" in YAML)
    std::string use;   ///< the catalog's name for its code
    PortfolioId portfolio;
    BrokerId broker;
    std::vector<InstrumentId> instruments;  ///< the only ones it sees and trades
    std::vector<Setting> params;            ///< sorted by key, defaults filled in
    Product product = Product::none;        ///< since version 2: of orders that name none
    friend bool operator==(const StrategyConfig&, const StrategyConfig&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("name", name), named("use", use), named("portfolio", portfolio), named("broker", broker),
           named("instruments", instruments), named("params", params));
        since(ar, 2, named("product", product));
    }
};

/// One configured limit. Units depend on the rule: shares, currency, seconds, per cent or a count.
struct RiskLimit {
    static constexpr std::uint8_t struct_version = 3;
    Rule rule = Rule::none;
    Decimal limit;
    friend bool operator==(const RiskLimit&, const RiskLimit&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("rule", rule), named("limit", limit));
    }
};

/// What a fill costs: `per_fill` plus `rate` of its notional, rounded half-even once.
struct ChargesConfig {
    static constexpr std::uint8_t struct_version = 1;
    Money per_fill;
    Decimal rate;  ///< a fraction: 0.0003 is 3 basis points
    friend bool operator==(const ChargesConfig&, const ChargesConfig&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("per_fill", per_fill), named("rate", rate));
    }
};

/// Event 0: the effective configuration, every default filled in, free of paths and machines. Instruments named here have
/// the ids 0, 1, ... in this order; those only found in the data follow as InstrumentListed.
struct RunConfigured {
    static constexpr std::uint16_t tag = 1;
    static constexpr std::uint8_t version = 2;
    static constexpr std::uint8_t bare_version = 1;
    static constexpr const char* name_v = "session_configured";
    std::uint16_t rules = kRulesEdition;  ///< since version 2: the edition of the rules; before there was only 1
    std::string name;
    std::string currency;
    std::vector<Instrument> instruments;
    Instrument default_instrument;  ///< tick, lot and hours of instruments that the scenario does not name; name empty
    std::vector<PortfolioConfig> portfolios;
    std::vector<BrokerConfig> brokers;
    std::vector<StrategyConfig> strategies;
    std::vector<RiskLimit> risk;                    ///< sorted by rule; applies to each portfolio by itself
    std::vector<InstrumentId> allowed_instruments;  ///< consulted only where risk holds Rule::allowed_instruments
    ChargesConfig charges;
    Duration snapshot_interval;                              ///< zero: no P&L snapshots
    LatchEnd daily_loss_latch_ends = LatchEnd::trading_day;  ///< since version 2
    friend bool operator==(const RunConfigured&, const RunConfigured&) = default;
    /// What bytes of an older version mean by what they lack.
    void came_from(std::uint8_t written) { rules = written < 2 ? std::uint16_t{1} : rules; }
    template <class Ar>
    void serialize(Ar& ar) {
        since(ar, 2, named("rules", rules));
        ar(named("name", name), named("currency", currency), named("instruments", instruments),
           named("default_instrument", default_instrument), named("portfolios", portfolios), named("brokers", brokers),
           named("strategies", strategies), named("risk", risk), named("allowed_instruments", allowed_instruments),
           named("charges", charges), named("snapshot_interval_ns", snapshot_interval));
        since(ar, 2, named("daily_loss_latch_ends", daily_loss_latch_ends));
    }
};

/// The broker that a portfolio belongs to: that of its strategies, or the only one. Null where nobody trades it.
inline const BrokerConfig* broker_of(const RunConfigured& config, PortfolioId portfolio) {
    if (config.brokers.size() == 1) {
        return &config.brokers.front();
    }
    for (const StrategyConfig& strategy : config.strategies) {
        if (strategy.portfolio == portfolio && strategy.broker.value < config.brokers.size()) {
            return &config.brokers[strategy.broker.value];
        }
    }
    return nullptr;
}

// ---- market inputs ------------------------------------------------------------------------------------------------------

/// The next instrument id is given to this instrument, because data names it for the first time.
struct InstrumentListed {
    static constexpr std::uint16_t tag = 2;
    static constexpr std::uint8_t version = 2;
    static constexpr std::uint8_t bare_version = 1;
    static constexpr const char* name_v = "instrument_listed";
    InstrumentId instrument;
    Instrument definition;
    friend bool operator==(const InstrumentListed&, const InstrumentListed&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("instrument", instrument), named("definition", definition));
    }
};

/// The best bid and ask. A side that is absent has price and quantity zero. Crossed quotes are data and accepted.
struct QuoteTick {
    static constexpr std::uint16_t tag = 3;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "quote";
    InstrumentId instrument;
    Price bid;
    Price ask;
    Qty bid_qty;
    Qty ask_qty;
    friend bool operator==(const QuoteTick&, const QuoteTick&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("instrument", instrument), named("bid", bid), named("ask", ask), named("bid_qty", bid_qty),
           named("ask_qty", ask_qty));
    }
};

/// A bar begins, at its label; only its open is known yet.
struct BarOpened {
    static constexpr std::uint16_t tag = 4;
    static constexpr std::uint8_t version = 2;
    static constexpr const char* name_v = "bar_opened";
    InstrumentId instrument;
    Price open;
    Time label{};         ///< since version 2: when the bar begins, which is now
    Duration interval{};  ///< since version 2: which of the instrument's bars it is one of
    friend bool operator==(const BarOpened&, const BarOpened&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("instrument", instrument), named("open", open));
        since(ar, 2, named("label", label), named("interval_ns", interval));
    }
};

/// A bar is complete: at label + interval, or with the trading session where that ends earlier.
struct BarClosed {
    static constexpr std::uint16_t tag = 5;
    static constexpr std::uint8_t version = 2;
    static constexpr const char* name_v = "bar_closed";
    InstrumentId instrument;
    Price open;
    Price high;
    Price low;
    Price close;
    Volume volume;
    Time label{};         ///< since version 2: when it began; what its BarOpened says
    Duration interval{};  ///< since version 2
    friend bool operator==(const BarClosed&, const BarClosed&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("instrument", instrument), named("open", open), named("high", high), named("low", low),
           named("close", close), named("volume", volume));
        since(ar, 2, named("label", label), named("interval_ns", interval));
    }
};

/// A trade that a live source tells of. A snapshot feed tells of the last one only: what was traded in between is in `volume`.
struct TradeTick {
    static constexpr std::uint16_t tag = 46;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "trade";
    InstrumentId instrument;
    Price price;
    Qty quantity;          ///< zero: not told
    Volume volume;         ///< traded so far on the day; zero: not told
    Volume open_interest;  ///< zero: not told
    Time exchange_time;    ///< on the exchange's clock; 0: not told
    friend bool operator==(const TradeTick&, const TradeTick&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("instrument", instrument), named("price", price), named("quantity", quantity), named("volume", volume),
           named("open_interest", open_interest), named("exchange_time", exchange_time));
    }
};

// ---- the kernel's own calendar: roots that fall due before the input that passes them -----------------------------------

/// The first market input of a new trading day of an instrument is about to be folded. Daily loss starts anew with the
/// first instrument that enters a later day.
struct TradingSessionOpened {
    static constexpr std::uint16_t tag = 6;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "session_opened";
    InstrumentId instrument;
    Date date;
    friend bool operator==(const TradingSessionOpened&, const TradingSessionOpened&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("instrument", instrument), named("date", date));
    }
};

/// The instrument's session has ended; DAY orders of that date end with it.
struct TradingSessionClosed {
    static constexpr std::uint16_t tag = 7;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "session_closed";
    InstrumentId instrument;
    Date date;
    friend bool operator==(const TradingSessionClosed&, const TradingSessionClosed&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("instrument", instrument), named("date", date));
    }
};

struct TimerFired {
    static constexpr std::uint16_t tag = 8;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "timer_fired";
    StrategyId strategy;
    TimerId timer;
    friend bool operator==(const TimerFired&, const TimerFired&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("strategy", strategy), named("timer", timer));
    }
};

/// A portfolio's books at the first interval boundary after the last event that moved them or a market: until the next such
/// event nothing could have changed, so the boundaries passed over have no snapshot of their own.
/// equity = initial cash + realized_pnl + unrealized_pnl - charges = cash + market_value.
struct PnlSnapshot {
    static constexpr std::uint16_t tag = 9;
    static constexpr std::uint8_t version = 2;
    static constexpr const char* name_v = "pnl_snapshot";
    PortfolioId portfolio;
    Money cash;
    Money market_value;
    Money equity;
    Money realized_pnl;    ///< gross: before charges
    Money unrealized_pnl;  ///< market value less cost
    Money charges;
    Money gross_exposure;           ///< sum of |position| x mark
    std::uint32_t open_orders = 0;  ///< since version 2
    friend bool operator==(const PnlSnapshot&, const PnlSnapshot&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("portfolio", portfolio), named("cash", cash), named("market_value", market_value),
           named("equity", equity), named("realized_pnl", realized_pnl), named("unrealized_pnl", unrealized_pnl),
           named("charges", charges), named("gross_exposure", gross_exposure));
        since(ar, 2, named("open_orders", open_orders));
    }
};

// ---- what was decided -----------------------------------------------------------------------------------------------------

/// First use of a portfolio: it begins with its cash.
struct PortfolioOpened {
    static constexpr std::uint16_t tag = 10;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "portfolio_opened";
    PortfolioId portfolio;
    Money cash;
    friend bool operator==(const PortfolioOpened&, const PortfolioOpened&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("portfolio", portfolio), named("cash", cash));
    }
};

/// What a strategy thinks of an instrument, for whoever listens; it moves nothing.
struct SignalRaised {
    static constexpr std::uint16_t tag = 11;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "signal";
    StrategyId strategy;
    InstrumentId instrument;
    Direction direction = Direction::flat;
    friend bool operator==(const SignalRaised&, const SignalRaised&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("strategy", strategy), named("instrument", instrument), named("direction", direction));
    }
};

/// What is asked of the market. Prices that the type does not use are zero.
///
/// Links bind orders of one strategy in one instrument, placed together:
///   parent   an exit: it comes alive with its parent's fills, for as much as has filled, and ends with it where nothing has.
///   group    orders of which one cancels the others: a fill takes its quantity from what each of the others has left, and
///            one that has filled whole ends them. Named after its first order; its `legs` have consecutive numbers.
/// events/links.hpp says what follows from a fill.
struct OrderTerms {
    static constexpr std::uint8_t struct_version = 2;
    InstrumentId instrument;
    Side side = Side::buy;
    OrderType type = OrderType::market;
    TimeInForce tif = TimeInForce::gtc;
    Qty quantity;
    Price limit_price;
    Price stop_price;
    bool reduce_only = false;  ///< fills only against what the portfolio holds; is cut as that shrinks
    OrderId parent{};          ///< 0: none
    OrderId group{};           ///< 0: none
    std::uint8_t legs = 0;     ///< how many orders the group began with; 0 without one
    std::string tag{};         ///< the strategy's own word, which comes back with fills; at most limits::kMaxTagBytes
    Product product = Product::none;  ///< since version 2; none: its strategy's
    friend bool operator==(const OrderTerms&, const OrderTerms&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("instrument", instrument), named("side", side), named("order_type", type), named("tif", tif),
           named("quantity", quantity), named("limit_price", limit_price), named("stop_price", stop_price));
        since(ar, 1, named("reduce_only", reduce_only), named("parent", parent), named("group", group),
              named("legs", legs), named("tag", tag));
        since(ar, 2, named("product", product));
    }
};

/// The order passed every rule and goes to its broker: the effect PlaceOrder follows from this fact.
struct OrderIntended {
    static constexpr std::uint16_t tag = 12;
    static constexpr std::uint8_t version = 2;
    static constexpr std::uint8_t bare_version = 1;
    static constexpr const char* name_v = "order_intended";
    OrderId order;
    StrategyId strategy;
    PortfolioId portfolio;
    BrokerId broker;
    OrderTerms terms;
    Date good_until;    ///< DAY orders: the trading day whose close ends them; absent while their market is shut
    Price valued_at{};  ///< since version 2, like what follows: what buying power takes it to cost, per unit
    bool held = false;  ///< the kernel keeps it back until the orders it is linked with let it go (OrderReleased)
    friend bool operator==(const OrderIntended&, const OrderIntended&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("strategy", strategy), named("portfolio", portfolio), named("broker", broker));
        inlined(ar, terms);
        ar(named("good_until", good_until));
        since(ar, 2, named("valued_at", valued_at), named("held", held));
    }
};

/// The order broke a rule and went nowhere. `limit` and `observed` are in the rule's units.
struct OrderRefused {
    static constexpr std::uint16_t tag = 13;
    static constexpr std::uint8_t version = 4;
    static constexpr std::uint8_t bare_version = 1;
    static constexpr const char* name_v = "order_refused";
    OrderId order;
    StrategyId strategy;
    PortfolioId portfolio;
    OrderTerms terms;
    Rule rule = Rule::none;
    Decimal limit;
    Decimal observed;
    friend bool operator==(const OrderRefused&, const OrderRefused&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("strategy", strategy), named("portfolio", portfolio));
        inlined(ar, terms);
        ar(named("rule", rule), named("limit", limit), named("observed", observed));
    }
};

/// A cancel goes to the broker. `rule` is none where the strategy asked, else what forced it (kill switch, a linked order).
struct CancelIntended {
    static constexpr std::uint16_t tag = 14;
    static constexpr std::uint8_t version = 4;
    static constexpr const char* name_v = "cancel_intended";
    OrderId order;
    Rule rule = Rule::none;
    friend bool operator==(const CancelIntended&, const CancelIntended&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("rule", rule));
    }
};

/// A change of quantity or prices goes to the broker. `quantity` is the order's new total, fills included.
struct ModifyIntended {
    static constexpr std::uint16_t tag = 15;
    static constexpr std::uint8_t version = 4;
    static constexpr const char* name_v = "modify_intended";
    OrderId order;
    Qty quantity;
    Price limit_price;
    Price stop_price;
    bool reduce_only = false;  ///< since version 2, like what follows
    Rule rule = Rule::none;    ///< none where the strategy asked, else what forced it
    Price valued_at{};         ///< as in OrderIntended
    friend bool operator==(const ModifyIntended&, const ModifyIntended&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("quantity", quantity), named("limit_price", limit_price),
           named("stop_price", stop_price));
        since(ar, 2, named("reduce_only", reduce_only), named("rule", rule), named("valued_at", valued_at));
    }
};

/// A cancel or modify broke a rule and went nowhere.
struct ChangeRefused {
    static constexpr std::uint16_t tag = 16;
    static constexpr std::uint8_t version = 4;
    static constexpr const char* name_v = "change_refused";
    OrderId order;
    StrategyId strategy;
    Rule rule = Rule::none;
    Decimal limit;
    Decimal observed;
    friend bool operator==(const ChangeRefused&, const ChangeRefused&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("strategy", strategy), named("rule", rule), named("limit", limit),
           named("observed", observed));
    }
};

struct TimerSet {
    static constexpr std::uint16_t tag = 17;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "timer_set";
    StrategyId strategy;
    TimerId timer;
    Time due;
    friend bool operator==(const TimerSet&, const TimerSet&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("strategy", strategy), named("timer", timer), named("due", due));
    }
};

struct TimerCancelled {
    static constexpr std::uint16_t tag = 18;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "timer_cancelled";
    StrategyId strategy;
    TimerId timer;
    friend bool operator==(const TimerCancelled&, const TimerCancelled&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("strategy", strategy), named("timer", timer));
    }
};

/// From here on the portfolio's kill switch stands at `scope`, through restarts, until KillSwitchReleased.
struct KillSwitchLatched {
    static constexpr std::uint16_t tag = 19;
    static constexpr std::uint8_t version = 4;
    static constexpr const char* name_v = "kill_switch_latched";
    PortfolioId portfolio;
    Rule rule = Rule::none;  ///< daily_loss, operator_kill, overfill or unmatched_fill
    Decimal limit;
    Decimal observed;
    LatchScope scope = LatchScope::all;  ///< since version 2: before, all was all there was
    friend bool operator==(const KillSwitchLatched&, const KillSwitchLatched&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("portfolio", portfolio), named("rule", rule), named("limit", limit), named("observed", observed));
        since(ar, 2, named("scope", scope));
    }
};

/// A person has released it, or the trading day that its loss belonged to is over (then it is a fact, with links).
struct KillSwitchReleased {
    static constexpr std::uint16_t tag = 20;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "kill_switch_released";
    PortfolioId portfolio;
    friend bool operator==(const KillSwitchReleased&, const KillSwitchReleased&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("portfolio", portfolio));
    }
};

/// The strategy gets no callback any more (it threw, or returned an error); the others go on. A root where it was halted from
/// outside: an input like a market's.
struct StrategyHalted {
    static constexpr std::uint16_t tag = 21;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "strategy_halted";
    StrategyId strategy;
    std::string reason;
    friend bool operator==(const StrategyHalted&, const StrategyHalted&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("strategy", strategy), named("reason", reason));
    }
};

// ---- what brokers said, as judged ---------------------------------------------------------------------------------------

struct OrderAccepted {
    static constexpr std::uint16_t tag = 22;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "order_accepted";
    OrderId order;
    std::string broker_order;  ///< the broker's own id; empty for paper
    friend bool operator==(const OrderAccepted&, const OrderAccepted&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("broker_order", broker_order));
    }
};

struct OrderRejected {
    static constexpr std::uint16_t tag = 23;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "order_rejected";
    OrderId order;
    std::string reason;
    friend bool operator==(const OrderRejected&, const OrderRejected&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("reason", reason));
    }
};

/// A stop was traded through: from here on the order is a market or limit order.
struct OrderTriggered {
    static constexpr std::uint16_t tag = 24;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "order_triggered";
    OrderId order;
    friend bool operator==(const OrderTriggered&, const OrderTriggered&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order));
    }
};

/// One execution, with the amounts it moves. Cash changes by -(signed notional) - charges; realized_pnl is gross.
struct OrderFilled {
    static constexpr std::uint16_t tag = 25;
    static constexpr std::uint8_t version = 3;
    static constexpr const char* name_v = "order_filled";
    OrderId order;
    StrategyId strategy;
    PortfolioId portfolio;
    InstrumentId instrument;
    Side side = Side::buy;
    Qty quantity;
    Price price;
    Money notional;                              ///< price x quantity, half-even, positive
    Money charges;                               ///< what this execution cost; the sum of `lines` where it has any
    Money realized_pnl;                          ///< gained or lost on the part that closed a position
    std::string trade;                           ///< the broker's trade id; a second report of it changes nothing
    std::string order_tag{};                     ///< since version 2: what the strategy called the order
    Product product = Product::none;             ///< since version 3, like what follows: the order's
    std::vector<markets::ChargeAmount> lines{};  ///< its charges line by line, none of zero, by a plan of charges
    Date settles{};                              ///< when bought shares arrive; absent where nobody says
    friend bool operator==(const OrderFilled&, const OrderFilled&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("strategy", strategy), named("portfolio", portfolio),
           named("instrument", instrument), named("side", side), named("quantity", quantity), named("price", price),
           named("notional", notional), named("charges", charges), named("realized_pnl", realized_pnl),
           named("trade", trade));
        since(ar, 2, named("tag", order_tag));
        since(ar, 3, named("product", product), named("charge_lines", lines), named("settles", settles));
    }
};

struct OrderCancelled {
    static constexpr std::uint16_t tag = 26;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "order_cancelled";
    OrderId order;
    std::string reason;
    friend bool operator==(const OrderCancelled&, const OrderCancelled&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("reason", reason));
    }
};

struct OrderExpired {
    static constexpr std::uint16_t tag = 27;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "order_expired";
    OrderId order;
    friend bool operator==(const OrderExpired&, const OrderExpired&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order));
    }
};

struct OrderModified {
    static constexpr std::uint16_t tag = 28;
    static constexpr std::uint8_t version = 4;
    static constexpr const char* name_v = "order_modified";
    OrderId order;
    Qty quantity;
    Price limit_price;
    Price stop_price;
    bool reduce_only = false;  ///< since version 2, like what follows
    Rule rule = Rule::none;    ///< none: what was asked for; else what made the broker change it by itself
    friend bool operator==(const OrderModified&, const OrderModified&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("quantity", quantity), named("limit_price", limit_price),
           named("stop_price", stop_price));
        since(ar, 2, named("reduce_only", reduce_only), named("rule", rule));
    }
};

/// The broker would not cancel or modify; the order stands as it was. `kind` is cancel_rejected or modify_rejected.
struct ChangeRejected {
    static constexpr std::uint16_t tag = 29;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "change_rejected";
    OrderId order;
    ReportKind kind = ReportKind::cancel_rejected;
    std::string reason;
    friend bool operator==(const ChangeRejected&, const ChangeRejected&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("kind", kind), named("reason", reason));
    }
};

/// A report that could not be true of the order it names: recorded whole, changing nothing else. A fill that no known order
/// explains also latches the kill switch, because the account holds something the books do not.
struct ReportIgnored {
    static constexpr std::uint16_t tag = 30;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "report_ignored";
    OrderId order;
    ReportKind kind = ReportKind::accepted;
    Qty quantity;
    Price price;
    Price limit_price;
    Price stop_price;
    std::string trade;
    std::string text;
    std::string why;
    friend bool operator==(const ReportIgnored&, const ReportIgnored&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("kind", kind), named("quantity", quantity), named("price", price),
           named("limit_price", limit_price), named("stop_price", stop_price), named("trade", trade),
           named("text", text), named("why", why));
    }
};

/// From here on the session goes on under this configuration (`alpha fork`): the whole of it, like event 0's. A root, between
/// two steps. kernel/kernel.hpp says what it may change and what becomes of what is under way.
struct RunReconfigured {
    static constexpr std::uint16_t tag = 31;
    static constexpr std::uint8_t version = RunConfigured::version;  // its payload is that one's
    static constexpr std::uint8_t bare_version = RunConfigured::bare_version;
    static constexpr const char* name_v = "session_reconfigured";
    RunConfigured config;
    friend bool operator==(const RunReconfigured&, const RunReconfigured&) = default;
    void came_from(std::uint8_t written) { config.came_from(written); }
    template <class Ar>
    void serialize(Ar& ar) {
        config.serialize(ar);
    }
};

/// An order that the kernel held goes to its broker, which knows no links (`links: kernel`): an exit for as much as its entry has
/// filled, another leg of a group once the ones before it have not filled at once.
struct OrderReleased {
    static constexpr std::uint16_t tag = 32;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "order_released";
    OrderId order;
    Qty quantity;
    friend bool operator==(const OrderReleased&, const OrderReleased&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("quantity", quantity));
    }
};

/// A person lets a halted strategy go on. A root.
struct StrategyResumed {
    static constexpr std::uint16_t tag = 33;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "strategy_resumed";
    StrategyId strategy;
    friend bool operator==(const StrategyResumed&, const StrategyResumed&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("strategy", strategy));
    }
};

/// What the market's calendars and charges are from here on. A root: at the beginning of a session, and where one that goes on was given
/// others.
struct MarketRulesSet {
    static constexpr std::uint16_t tag = 34;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "market_rules_set";
    markets::MarketRules rules;
    friend bool operator==(const MarketRulesSet&, const MarketRulesSet&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("rules", rules));
    }
};

/// The instrument is another from here on: a lot, a tick, a freeze quantity, an expiry, a name. A root, at the beginning of a day.
struct InstrumentChanged {
    static constexpr std::uint16_t tag = 35;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "instrument_changed";
    InstrumentId instrument;
    Instrument definition;
    friend bool operator==(const InstrumentChanged&, const InstrumentChanged&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("instrument", instrument), named("definition", definition));
    }
};

/// What a day's contract note and ledger ask beside what its executions were charged: roundings, taxes of a scrip's whole day, a
/// depository's charge for shares that were sold. Follows from a session that closed, or from the first fill of a later day.
struct ChargesBooked {
    static constexpr std::uint16_t tag = 36;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "charges_booked";
    PortfolioId portfolio;
    Date date;                                 ///< the trading day
    std::vector<markets::ChargeAmount> lines;  ///< none of zero; below zero where less is asked than was charged
    Money charges;                             ///< their sum
    std::string problem;                       ///< why the note could not be made: the charges stay as they were
    friend bool operator==(const ChargesBooked&, const ChargesBooked&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("portfolio", portfolio), named("date", date), named("charge_lines", lines), named("charges", charges),
           named("problem", problem));
    }
};

/// How positions can be held from here on. A root: at the beginning of a session, and where one that goes on was given others.
struct ProductRulesSet {
    static constexpr std::uint16_t tag = 37;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "product_rules_set";
    ProductRules rules;
    friend bool operator==(const ProductRulesSet&, const ProductRulesSet&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("rules", rules));
    }
};

/// The broker closes what is held within the day of the instrument: its orders of such products are cancelled, and what they leave is
/// closed by orders of the operator's with the tag "square_off". A root, on days on which something was held or ordered so.
struct SquareOffBegun {
    static constexpr std::uint16_t tag = 38;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "square_off_begun";
    InstrumentId instrument;
    Date date;
    friend bool operator==(const SquareOffBegun&, const SquareOffBegun&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("instrument", instrument), named("date", date));
    }
};

// ---- corporate actions ----------------------------------------------------------------------------------------------------

/// What a company does to its shares. The numbers are on disk.
enum class ActionKind : std::uint8_t {
    split = 1,     ///< `new_shares` in place of each `old_shares`; a bonus of 1 for 2 is 3 in place of 2
    dividend = 2,  ///< `amount` a share, to who holds it and from who is short
    merger = 3,    ///< `new_shares` of `other` and `amount` in place of each `old_shares`
    demerger = 4   ///< `new_shares` of `other` beside each `old_shares`, which take `cost_part` of the cost with them
};
const char* name_of(ActionKind kind);
constexpr bool is_valid(ActionKind kind) {
    return kind >= ActionKind::split && kind <= ActionKind::demerger;
}

/// A share is another from here on: the beginning of its ex-date, before anything of that day. A root; what it does to each portfolio and
/// each open order follows as facts. kernel/actions.hpp says what that is.
struct CorporateAction {
    static constexpr std::uint16_t tag = 39;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "corporate_action";
    InstrumentId instrument;
    ActionKind kind = ActionKind::split;
    Date ex_date;
    std::int64_t new_shares = 1;  ///< at least 1, at most limits::kMaxActionShares, as is the next
    std::int64_t old_shares = 1;
    Decimal amount;        ///< per share held before: a dividend, the cash of a merger
    Price fraction_price;  ///< what a whole new share is paid at where only a part of one would be due; 0: by the mark
    InstrumentId other;    ///< of a merger or demerger; else the instrument itself
    Decimal cost_part;     ///< of a demerger, from 0 to 1
    markets::Source source;
    friend bool operator==(const CorporateAction&, const CorporateAction&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("instrument", instrument), named("kind", kind), named("ex_date", ex_date),
           named("new_shares", new_shares), named("old_shares", old_shares), named("amount", amount),
           named("fraction_price", fraction_price), named("other", other), named("cost_part", cost_part),
           named("source", source));
    }
};

/// What an action did to what a portfolio held of an instrument under one product. Cash changes by `cash`; of that, less the cost that
/// went with it, `realized_pnl` was gained.
struct PositionAdjusted {
    static constexpr std::uint16_t tag = 40;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "position_adjusted";
    PortfolioId portfolio;
    InstrumentId instrument;
    Product product = Product::none;
    ActionKind kind = ActionKind::split;
    Qty quantity;         ///< after it: negative short
    Money cost;           ///< after it
    Qty fraction;         ///< of a share that was paid in cash
    Money cash;           ///< received; below 0: paid
    Money realized_pnl;   ///< gross
    Money equity_change;  ///< by the action and the mark that follows it; of a portfolio all of it in the last fact
    friend bool operator==(const PositionAdjusted&, const PositionAdjusted&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("portfolio", portfolio), named("instrument", instrument), named("product", product),
           named("kind", kind), named("quantity", quantity), named("cost", cost), named("fraction", fraction),
           named("cash", cash), named("realized_pnl", realized_pnl), named("equity_change", equity_change));
    }
};

/// What an action did to an order: its quantity, fills among it, and its prices are those of the new share.
struct OrderAdjusted {
    static constexpr std::uint16_t tag = 41;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "order_adjusted";
    OrderId order;
    Qty quantity;
    Qty filled;  ///< what it has filled, in new shares; it counts for what is linked with it alone
    Price limit_price;
    Price stop_price;
    friend bool operator==(const OrderAdjusted&, const OrderAdjusted&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("quantity", quantity), named("filled", filled),
           named("limit_price", limit_price), named("stop_price", stop_price));
    }
};

// ---- settlement of contracts ------------------------------------------------------------------------------------------------

/// At what an instrument settles on a day, where a source says it: the daily price of a future, the final price of an underlying, what an
/// option is worth as it expires. It may be below zero. A root, as the day's session closes; without one the last price counts.
struct SettlementPrice {
    static constexpr std::uint16_t tag = 42;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "settlement_price";
    InstrumentId instrument;
    Date date;
    Decimal price;
    friend bool operator==(const SettlementPrice&, const SettlementPrice&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("instrument", instrument), named("date", date), named("price", price));
    }
};

/// The contract's last day is over: its orders end, and what is held of it is settled. A root, where anybody has either.
struct ContractExpired {
    static constexpr std::uint16_t tag = 43;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "contract_expired";
    InstrumentId instrument;
    Date date;
    friend bool operator==(const ContractExpired&, const ContractExpired&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("instrument", instrument), named("date", date));
    }
};

/// How a position of a contract was settled. The numbers are on disk.
enum class SettlementKind : std::uint8_t {
    daily = 1,      ///< a future: the day's profit came in, and the position goes on at the settlement price
    cash = 2,       ///< a future at its end: the last profit came in
    exercised = 3,  ///< an option in the money: what it is worth came in, or went to who held it
    worthless = 4,  ///< an option out of the money
    delivered = 5,  ///< a contract at its end, as cash or exercised; shares change hands for it
    shares = 6      ///< those shares, at the price that the contract was settled at
};
const char* name_of(SettlementKind kind);
constexpr bool is_valid(SettlementKind kind) {
    return kind >= SettlementKind::daily && kind <= SettlementKind::shares;
}

/// What a settlement did to what a portfolio held of an instrument under one product. Cash changes by `cash` less `charges`.
struct PositionSettled {
    static constexpr std::uint16_t tag = 44;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "position_settled";
    PortfolioId portfolio;
    InstrumentId instrument;
    Product product = Product::none;
    SettlementKind kind = SettlementKind::daily;
    Date date;           ///< the trading day that it belongs to
    Decimal price;       ///< per unit: of a future its own, of an option what it is worth, of shares theirs
    Qty settled;         ///< what was held of the contract, negative short; of shares what came, negative: went
    Qty quantity;        ///< held after it
    Money cost;          ///< of that
    Money cash;          ///< received; below 0: paid
    Money realized_pnl;  ///< gross
    Money charges;       ///< the sum of `lines` where there are any
    std::vector<markets::ChargeAmount> lines;
    Money
        equity_change;  ///< by what the price of settlement differs from the mark, and by charges; of a delivery all of it with the shares
    friend bool operator==(const PositionSettled&, const PositionSettled&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("portfolio", portfolio), named("instrument", instrument), named("product", product),
           named("kind", kind), named("date", date), named("price", price), named("settled", settled),
           named("quantity", quantity), named("cost", cost), named("cash", cash), named("realized_pnl", realized_pnl),
           named("charges", charges), named("charge_lines", lines), named("equity_change", equity_change));
    }
};

/// What positions and orders ask as margin from here on. A root: at the beginning of a session, and where one that goes on was given others.
struct MarginRulesSet {
    static constexpr std::uint16_t tag = 45;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "margin_rules_set";
    MarginRules rules;
    friend bool operator==(const MarginRulesSet&, const MarginRulesSet&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("rules", rules));
    }
};

/// Every event type once. Code that must handle each of them is generated from this list, so a new one cannot be forgotten.
// clang-format off
#define ALPHA_EVENTS(X)                                                                                              \
    X(RunConfigured) X(InstrumentListed) X(QuoteTick) X(BarOpened) X(BarClosed) X(TradingSessionOpened) X(TradingSessionClosed)  \
    X(TimerFired) X(PnlSnapshot) X(PortfolioOpened) X(SignalRaised) X(OrderIntended) X(OrderRefused)                  \
    X(CancelIntended) X(ModifyIntended) X(ChangeRefused) X(TimerSet) X(TimerCancelled) X(KillSwitchLatched)           \
    X(KillSwitchReleased) X(StrategyHalted) X(OrderAccepted) X(OrderRejected) X(OrderTriggered) X(OrderFilled)        \
    X(OrderCancelled) X(OrderExpired) X(OrderModified) X(ChangeRejected) X(ReportIgnored) X(RunReconfigured) \
    X(OrderReleased) X(StrategyResumed) X(MarketRulesSet) X(InstrumentChanged) X(ChargesBooked) \
    X(ProductRulesSet) X(SquareOffBegun) X(CorporateAction) X(PositionAdjusted) X(OrderAdjusted) \
    X(SettlementPrice) X(ContractExpired) X(PositionSettled) X(MarginRulesSet) \
    X(TradeTick) X(BrokerRulesSet) X(BrokerSessionChanged) X(SendStarted) X(SendEnded) X(BrokerOrderSeen) \
    X(BrokerTradeSeen) X(BookRead) X(OrderResolved) X(AccountRead) X(FundsRead) X(OutsideAssigned) X(InstrumentThawed) \
    X(OrderOverdue) X(OutcomeUnknown) X(OutcomeStale) X(OrderRevived) X(OrderConflict) X(OutsideFilled) \
    X(ReconciliationDiffers) X(Reconciled) X(FeedChanged)
// clang-format on

/// The types of a list such as the one above, each written as `, T`.
template <class Nothing, class... Ts>
using VariantOf = std::variant<Ts...>;
#define ALPHA_AND(T) , T
using Event = VariantOf<void ALPHA_EVENTS(ALPHA_AND)>;
#undef ALPHA_AND

/// What every event carries beside its payload. A root (an input, or something that fell due) has neither correlation nor
/// causation; a fact has both.
struct Envelope {
    Seq seq = 0;
    Time time;
    Seq correlation = kNoSeq;  ///< the root that began the chain: for an order's life, the input it was decided on
    Seq causation = kNoSeq;    ///< the event that directly caused this one

    bool is_root() const { return causation == kNoSeq; }
    friend bool operator==(const Envelope&, const Envelope&) = default;
};

/// Lets lambdas make up a visitor; a missing event type is a compile error.
template <class... Fs>
struct overloaded : Fs... {
    using Fs::operator()...;
};
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

}  // namespace alpha
