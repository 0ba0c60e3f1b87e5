#pragma once
/// Why an order is there and what became of it; why a strategy asked for none. Found out from the log alone: nothing is decided again,
/// so what only a strategy knows (its averages, say) is told where it can be counted, and else not at all.

#include "events/text.hpp"
#include "kernel/risk.hpp"
#include "kernel/state.hpp"
#include "store/journal.hpp"
#include "views/books.hpp"
#include "views/rows.hpp"

#include <optional>
#include <string>
#include <vector>

namespace alpha {

// ---- an order ----------------------------------------------------------------------------------------------------------------

/// What a market and a book showed at a moment.
struct Seen {
    Price mark;  ///< zero: no price had been seen
    Price bid;   ///< with `ask` zero unless the latest quote stood
    Price ask;
    Price touch;   ///< what an order of its side would have met
    Time updated;  ///< when the newest price that counts came; kBeforeAll: none had
    Qty held;      ///< by the portfolio, under the order's product
    Money cost;    ///< of that
    Qty net;       ///< by the portfolio, under all products
};

/// How an order is bound to another.
enum class LinkKind : std::uint8_t {
    entry,  ///< what it exits: it comes alive with that one's fills
    exit,   ///< an exit of it
    leg     ///< of the same group: one cancels the other
};
const char* name_of(LinkKind kind);

struct LinkedOrder {
    OrderId order;
    LinkKind kind = LinkKind::leg;
    OrderTerms terms;  ///< as it was asked for
    Seq event = 0;     ///< that intended or refused it
};

/// A fact of the order's life, behind the one that intended it.
struct OrderFact {
    DecodedEvent fact;
    std::optional<DecodedEvent> cause;   ///< what directly led to it; none of fills, whose `seen` says all
    std::optional<DecodedEvent> linked;  ///< what had last happened to an order it is linked with, in the same step
    Seen seen;                           ///< right before it
    Qty held_after;                      ///< by the portfolio, under the order's product
    Money cost_after;
    Qty net_after;  ///< under all products
};

/// Who or what ended an order.
enum class EndedBy : std::uint8_t {
    nothing,           ///< it may still fill
    refusal,           ///< a rule, before it went anywhere
    fill,              ///< it has filled whole
    strategy,          ///< its own
    kill_switch,       ///< of its portfolio
    linked_order,      ///< one that it was linked with has filled or ended
    session_end,       ///< a DAY order
    no_fill_at_once,   ///< an IOC order
    rule,              ///< of the market or the broker: EndedBy says less than the cancel's rule
    corporate_action,  ///< what it stood for is no more what it was
    expiry,            ///< of its contract
    broker             ///< who says why, or not
};
const char* name_of(EndedBy by);

struct OrderEnd {
    EndedBy by = EndedBy::nothing;
    Rule rule = Rule::none;  ///< what it was cancelled for, where a rule says so
    std::string reason;      ///< the broker's words
    /// The place in `facts` of the cancel that was asked for, of what ended it; none where there is none.
    std::optional<std::size_t> asked;
    std::optional<std::size_t> ended;
};

/// Sums over an order's fills. What prices were worse by is per unit, and below zero where they were better.
struct FillSums {
    std::uint64_t fills = 0;
    Qty quantity;
    Money notional;
    Price average;  ///< half-even
    Money charges;
    Money realized_pnl;     ///< gross
    Price worse_than_mark;  ///< the average against the mark at the decision
};

struct OrderStory {
    OrderView order;  ///< as it stands at the end of the journal
    std::string currency;
    Names names;
    DecodedEvent decision;              ///< OrderIntended or OrderRefused
    std::vector<DecodedEvent> causes;   ///< of the decision, the nearest first, the root last
    std::vector<DecodedEvent> signals;  ///< the strategy's in this instrument, of the same callback
    Seen seen;                          ///< right before the decision
    std::vector<LinkedOrder> linked;    ///< by number
    std::vector<RiskLimit> limits;      ///< that were set
    bool by_margins = false;            ///< whether rule margin was in force
    Reserved reserved;                  ///< by it, right after; of a group's by its largest leg. Zero: nothing
    std::optional<Funds> funds;         ///< of the portfolio, right after; nothing where cash is no limit
    bool held_back = false;             ///< by the kernel, until the orders it is linked with let it go
    std::vector<OrderFact> facts;       ///< in their order
    FillSums fills;
    OrderEnd end;
    Seq last_event = 0;  ///< of what the story tells

    bool is_refused() const { return order.status == OrderStatus::refused; }
};

/// What happened to an order. Refuses (kind usage) one that the journal does not have, with how many it has.
///
/// Costs a fold from the newest snapshot before what led to the order to the last event that changed it, about 40 ns an event; where the
/// journal has no rows, a fold of all of it.
Result<OrderStory> story_of(const Journal& journal, OrderId order);

/// The order that an event is about: of a fill, a refusal, a cancel. Refuses (kind usage) an event that is not there, or about none.
Result<OrderId> order_of_event(const Journal& journal, Seq event);

/// A limit that was broken, as a number: by how much what was seen passed it. Zero of a rule that compares nothing.
Decimal excess_of(const OrderView& order);

// ---- no order ------------------------------------------------------------------------------------------------------------------

/// A step in which a strategy was called: what with, and what it asked for.
struct StrategyStep {
    DecodedEvent called_with;         ///< the first event of the step that it was told
    std::uint64_t calls = 0;          ///< how many of its events it was told
    std::vector<DecodedEvent> asked;  ///< signals, orders (as intended or refused), changes of orders, timers
    Seq end = 0;                      ///< the first event behind it
};

/// What stood in the way of an order, or what its strategy could not know.
enum class Obstacle : std::uint8_t {
    no_price,      ///< none had come
    no_bar,        ///< of a strategy that reads bars: none had closed
    no_quote,      ///< of one that reads quotes: none had come
    not_open_yet,  ///< no session has opened
    closed,        ///< its session is over, the next has not begun
    unknown_day,   ///< its calendar does not know the day
    expired        ///< the contract's last day is over
};
const char* name_of(Obstacle obstacle);

struct KnownInstrument {
    InstrumentId id;
    std::string name;
    Market market;  ///< as of the moment
    Qty held;       ///< by the portfolio, all products
    Money cost;
    std::vector<Obstacle> obstacles;
    bool may_trade = true;  ///< by allowed_instruments
};

/// What a strategy that alpha ships is waiting for, as far as it can be counted from the log.
struct Waiting {
    enum class For : std::uint8_t {
        bars,         ///< `needed` closed bars; has seen `seen`
        quotes,       ///< the same of quotes with both sides
        cross,        ///< it has seen enough: the averages are below, where they have to cross
        script_line,  ///< `text` at its market event number `needed`; has seen `seen`
        script_end,   ///< nothing: all lines were carried out by its market event number `needed`
        holding       ///< nothing: `seen` of `needed` units are held
    };
    For what = For::bars;
    std::string instrument;  ///< empty of a script, which counts the events of all of its own
    std::uint64_t needed = 0;
    std::uint64_t seen = 0;
    std::string text;
    Price fast;  ///< of a cross: averages of closes, half-even; zero where they cannot be told (a corporate action)
    Price slow;
    int before =
        0;         ///< the fast average against the slow one at the latest close but one: -1, 0, 1; 2: it was not known
    int now = 0;   ///< and at the latest
    Qty quantity;  ///< of holding: wanted
    Qty held;
};
const char* name_of(Waiting::For what);

struct WhyNot {
    StrategyConfig strategy;  ///< as configured at the moment
    std::string portfolio;
    std::string broker;
    std::string currency;
    Names names;
    Seq events = 0;  ///< of the journal
    Seq end = 0;     ///< the first event behind the moment; 0: the journal holds nothing as early as that
    Time time;       ///< of the moment: as asked, or of the event

    bool halted = false;
    std::optional<DecodedEvent> halted_by;  ///< why, where that lies in what was read
    LatchScope latch = LatchScope::none;
    Rule latched_by = Rule::none;
    bool reads_quotes = true;  ///< what it trades on; of a strategy from a library everything
    bool reads_bars = true;
    std::vector<KnownInstrument> instruments;  ///< that it may see, or the one asked for
    std::vector<Order> open_orders;            ///< its own, in these instruments, by number
    std::vector<PendingTimer> timers;          ///< its own, the next first
    std::vector<RiskHeadroom> exhausted;       ///< limits of its portfolio that leave no room
    std::optional<StrategyStep> last;          ///< the latest step at or before the moment in which it was called
    std::optional<StrategyStep> next;          ///< the first one behind
    std::optional<OrderView> last_order;  ///< the latest it asked for at or before the moment, refused ones among them
    std::optional<OrderView> next_order;  ///< the first one behind
    std::vector<Waiting> waiting;
};

/// In one word, why there is no order from the moment: the first of these that holds.
enum class Answer : std::uint8_t {
    not_begun,   ///< it had not been called yet
    halted,      ///< it is told nothing
    asked,       ///< there is one: it asked when it was last called, and that passed
    refused,     ///< it asked when it was last called, and rules refused it
    waiting,     ///< it has not seen as much as it needs
    not_called,  ///< since it was last called only what it is not told of came, at a later time
    looked       ///< it was called, and asked for no order
};
const char* name_of(Answer answer);
Answer answer_of(const WhyNot& why_not);

/// The moment that is asked about: behind all events up to a time, or behind the step that an event belongs to.
struct AskedAt {
    std::optional<Seq> event;
    Time time{};  ///< where no event is named
};

/// What a strategy knew at a moment, and what it asked around it. `instrument` narrows to one of its own; empty: all of them. Refuses (kind
/// usage) names that are none, with what was probably meant, and an event that is not there.
///
/// Costs a fold from the newest snapshot before the moment to the next step in which it is called; where it was not called since that
/// snapshot, from the one before it, and so on. Bars and quotes that it waits for are counted from the beginning, at 10 ns an event.
Result<WhyNot> why_not(const Journal& journal, const std::string& strategy, const AskedAt& at,
                       const std::string& instrument = {});

}  // namespace alpha
