#pragma once
/// The protocol of orders at a broker outside of the process: what is known of each between deciding it and knowing what became of it.
///
/// Three rules carry it. A message leaves once at most by itself: what may have reached the broker is never sent again. Nothing is guessed: an
/// order that nobody can tell the state of stays open, with its quantity reserved, until the broker's book or a person says what it is. And
/// fills are trades by their ids, never differences of totals.
///
/// A pure fold: the same words give the same state and the same facts. docs/orders-outside.md has the table for people, and
/// tests/kernel/outside_test.cpp a test for each of its cells.

#include "events/outside.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace alpha {

/// Values are in snapshots: do not renumber.
enum class WireState : std::uint8_t {
    held = 1,      ///< decided, and nothing of it has left
    sending = 2,   ///< its message may be on the way
    doubtful = 3,  ///< the broker says it has not taken it, in a way that can be wrong
    unknown = 4,   ///< nobody knows whether the broker has it
    stale = 5,     ///< the same, and a person has been asked
    live = 6,      ///< the broker has it, under an id that is known
    stray = 7,     ///< it was over here, and is alive at the broker: reserved again, to be cancelled
    ended = 8
};
const char* name_of(WireState state);

/// Why an order is over.
enum class WireEnd : std::uint8_t {
    none = 0,
    not_sent = 1,
    refused = 2,      ///< by the broker's answer
    doubted = 3,      ///< doubtful, and no complete read has shown it for long enough
    resolved = 4,     ///< by a person: never placed
    by_evidence = 5,  ///< the day's final read does not have it, and positions agree
    closed = 6,       ///< by a person
    filled = 7,
    cancelled = 8,
    rejected = 9,  ///< in the broker's book
    expired = 10
};
const char* name_of(WireEnd end);

/// A cancel or a modify, beside the order.
enum class ChangeState : std::uint8_t { none = 0, wanted = 1, sending = 2, acked = 3, refused = 4, unknown = 5 };

/// One more order at the broker that bears an order's tag.
struct OtherOrder {
    ChangeState cancel = ChangeState::wanted;
    Time ended_at;  ///< its cancel's message
    friend bool operator==(const OtherOrder&, const OtherOrder&) = default;
};

/// What is known of one order.
struct Wire {
    InstrumentId instrument;
    Side side = Side::buy;
    Product product = Product::none;
    Date day;  ///< of trading on which it was sent
    WireState state = WireState::held;
    WireEnd end = WireEnd::none;
    std::uint8_t attempts = 0;
    std::uint8_t clean_reads = 0;  ///< complete ones without it
    Time decided;                  ///< when it was asked for
    Time sent_at;
    Seq sent = kNoSeq;         ///< the event that says so
    Time ended_at;             ///< its message
    Time live_since;           ///< when it became live; meaningful then
    std::string broker_order;  ///< empty: not known
    std::string told_id;       ///< what a person said that it is, and no row has shown yet
    Qty confirmed;             ///< the total that the broker has
    Qty asked;                 ///< the larger total that a modify may have made of it
    Qty announced;             ///< what a row that is pending has; zero: none is
    Qty booked;                ///< of trades of broker_order
    Qty broker_filled;         ///< what rows say
    RowStatus row = RowStatus::pending;
    Price price;  ///< as its row last said
    Price trigger;
    Price asked_price;  ///< what a change that is under way asks for, as is the next
    Price asked_trigger;
    std::uint8_t modifications = 0;  ///< that were begun
    bool must_go = false;            ///< a rule wants it cancelled, not its strategy alone: it is tried without end
    bool is_ending = false;          ///< its row is terminal, and trades may be missing
    std::uint8_t short_reads = 0;
    ChangeState cancel = ChangeState::none;
    std::uint8_t cancels = 0;
    std::uint8_t cancel_attempt = 0;  ///< whose answer counts
    Time cancel_ended_at;
    ChangeState modify = ChangeState::none;
    std::uint8_t modify_attempt = 0;
    std::uint8_t modify_reads = 0;
    Time modify_ended_at;
    bool is_conflict = false;
    bool has_final_read = false;               ///< of its own day
    bool has_row = false;                      ///< one was seen
    bool is_pending = true;                    ///< its row does not say yet what its terms are
    bool is_missing = false;                   ///< it was told that the order, or fills of it, are not in the book
    std::string row_text;                      ///< why the broker ended it
    std::map<std::string, OtherOrder> others;  ///< further orders that bear its tag

    /// Whether it may still fill: its quantity stays reserved.
    bool is_reserved() const { return state != WireState::ended; }
    bool is_nobody_sure() const {
        return state == WireState::sending || state == WireState::doubtful || state == WireState::unknown ||
               state == WireState::stale;
    }
    /// What it may come to.
    Qty total() const { return std::max({confirmed, asked, announced}); }
    friend bool operator==(const Wire&, const Wire&) = default;
};

/// What follows from a word.
enum class OutsideFactKind : std::uint8_t {
    accepted = 1,  ///< the broker has it, under `text`
    rejected,      ///< `text`: why
    cancelled,     ///< `text`: why
    expired,
    triggered,
    modified,  ///< `quantity`, `price` and `trigger` are its terms
    cancel_rejected,
    modify_rejected,
    filled,          ///< `trade`
    moved,           ///< `trade` had been booked outside, and is this order's
    outside_filled,  ///< `trade`, which nobody here asked for
    outcome_unknown,
    outcome_stale,  ///< a person is to be asked
    conflict,       ///< `text`: what; the broker's portfolios are latched
    differs,        ///< `text`: what; `freezes`: no more entries in the instrument
    revived         ///< it was over here and is alive at the broker: to be reserved again, and cancelled
};
const char* name_of(OutsideFactKind kind);

struct OutsideFact {
    OutsideFactKind kind = OutsideFactKind::accepted;
    OrderId order{};  ///< 0: none of ours
    std::string text{};
    Qty quantity{};
    Price price{};
    Price trigger{};
    BrokerTradeSeen trade{};
    bool freezes = false;
    friend bool operator==(const OutsideFact&, const OutsideFact&) = default;
};

/// Who wants an order cancelled.
enum class CancelBy : std::uint8_t {
    strategy,
    rule,  ///< of the kernel's: it is tried without end
    kill   ///< the same, for the kill switch
};

/// What may be sent next.
struct SendWish {
    OrderId order;
    Send what = Send::place;
    std::string broker_order;  ///< whom a cancel or a modify is for
    friend bool operator==(const SendWish&, const SendWish&) = default;
};

/// All that is known of one broker outside. Each call is one word or one decision of the kernel's; what follows is added to `facts`, in the
/// order in which it is to be recorded. O(log orders), a read O(open orders + parked trades).
class OutsideBook {
public:
    using Facts = std::vector<OutsideFact>;

    explicit OutsideBook(std::uint32_t log_number, OutsideRules rules = {}) : log_(log_number), rules_(rules) {}

    // What the kernel decides. An order's number is new, what is cancelled or modified is there.
    void intend(OrderId order, InstrumentId instrument, Side side, Product product, Qty quantity, Date day,
                Time decided = {});
    void cancel(OrderId order, Facts& facts, CancelBy by = CancelBy::strategy);
    bool can_modify(OrderId order) const;
    /// To another total and other prices. False, and nothing done, where it cannot be now.
    bool modify(OrderId order, Qty quantity, Facts& facts, Price price = {}, Price trigger = {});
    /// All of it is to be cancelled, and nothing else is sent until `release`.
    void latch(Facts& facts);
    void release();
    /// What has waited too long to be sent.
    void overdue(OrderId order, Facts& facts);

    // What comes from outside, at the time at which it came.
    void on(const SendStarted& started, Time now, Date day, Seq seq = kNoSeq);
    void on(const SendEnded& ended, Time now, Facts& facts);
    void on(const BrokerOrderSeen& row, Facts& facts);
    void on(const BrokerTradeSeen& trade, Facts& facts);
    void on(const BookRead& read, Time now, Facts& facts);
    void on(SessionChange change, Facts& facts);
    /// Its acceptance was recorded: from then on it counts how long a market order rests.
    void note_live(OrderId order, Time now);
    /// Refused (false) where the order is not one that a person is asked about, or the broker's order is another's. `closed` is for one that
    /// the broker has no more, or of which trades are missing.
    bool on(const OrderResolved& resolved, Facts& facts);

    /// After a read of a later day: what nobody can tell of any more is dropped. The orders that it was of; they are over.
    std::vector<OrderId> forget(const BookRead& read);

    /// Cancels first, then modifies, then orders as they were decided. O(orders that are not over).
    std::vector<SendWish> wishes() const;
    /// Grows whenever something may have become to be wished.
    std::uint64_t changes() const { return changes_; }

    const Wire* find(OrderId order) const;
    /// Whose the broker's order is, by its number or its tag.
    std::optional<OrderId> order_of(std::string_view broker_order, std::string_view order_tag) const;
    std::uint32_t log_number() const { return log_; }
    const OutsideRules& rules() const { return rules_; }
    void set_rules(const OutsideRules& rules) { rules_ = rules; }
    bool is_up() const { return is_up_; }
    bool is_latched() const { return is_latched_; }
    bool is_frozen(InstrumentId instrument) const { return frozen_.contains(instrument); }
    /// A person looked at it.
    void thaw(InstrumentId instrument) { frozen_.erase(instrument); }
    void freeze(InstrumentId instrument) { frozen_.insert(instrument); }
    const std::set<InstrumentId>& frozen() const { return frozen_; }
    /// Orders that may still fill, and those of which another one at the broker is to be cancelled.
    const std::map<OrderId, Wire>& wires() const { return wires_; }
    /// Orders that are over, as long as something of them may come.
    const std::map<OrderId, Wire>& ended() const { return ended_; }
    /// Of them, those that nothing of was sent yet.
    std::size_t waiting() const;

    friend bool operator==(const OutsideBook& a, const OutsideBook& b) {
        return a.log_ == b.log_ && a.rules_ == b.rules_ && a.wires_ == b.wires_ && a.ended_ == b.ended_ &&
               a.pruned_on_ == b.pruned_on_ && a.of_broker_ == b.of_broker_ && a.parked_ == b.parked_ &&
               a.outside_ == b.outside_ && a.booked_ == b.booked_ && a.strangers_ == b.strangers_ &&
               a.frozen_ == b.frozen_ && a.is_up_ == b.is_up_ && a.is_latched_ == b.is_latched_;
    }

private:
    using TradeKey = std::tuple<std::string, std::string, std::string>;  // exchange, broker order, trade
    static TradeKey key_of(const BrokerTradeSeen& trade) { return {trade.exchange, trade.broker_order, trade.trade}; }

    friend struct OutsideBookBytes;

    /// One that is over and that something comes of all the same is among the others until the call is done.
    Wire& wire(OrderId order);
    template <class F>
    void for_all(F&& each) const;
    void put_away(OrderId order);
    void put_away_all();
    bool fits(const Wire& wire, const BrokerOrderSeen& row) const;
    bool may_be_a_stranger(const Wire& wire) const;
    std::optional<OrderId> order_of(const BrokerOrderSeen& row) const;
    void end_place(OrderId order, const SendEnded& ended, Time now, Facts& facts);
    static void end_change(Wire& wire, const SendEnded& ended, Time now);
    void adopt(OrderId order, const BrokerOrderSeen& row, Facts& facts);
    void see(OrderId order, const BrokerOrderSeen& row, Facts& facts);
    bool resolve(const OrderResolved& resolved, Facts& facts);
    void revive(OrderId order, Facts& facts);
    void learn(OrderId order, const std::string& broker_order, Facts& facts);
    void learn_of_answer(OrderId order, const std::string& broker_order, Facts& facts);
    void take_trades(OrderId order, const std::string& broker_order, Facts& facts);
    void book(OrderId order, const BrokerTradeSeen& trade, OutsideFactKind kind, Facts& facts);
    void second(OrderId order, const std::string& broker_order, bool is_over, Facts& facts);
    void judge(OrderId order, const BrokerOrderSeen& row, Facts& facts);
    void finish(OrderId order, Facts& facts);
    void close(OrderId order, WireEnd end, OutsideFactKind kind, std::string text, Facts& facts);
    void read_one(OrderId order, const BookRead& read, Time now, Facts& facts);
    void conflict(OrderId order, std::string text, Facts& facts);
    void differ(OrderId order, std::string text, bool freezes, Facts& facts);
    void put_outside(const BrokerTradeSeen& trade, Facts& facts);
    void read_changes(OrderId order, const BookRead& read, Facts& facts);

    std::uint32_t log_;
    OutsideRules rules_;
    std::map<OrderId, Wire> wires_;
    std::map<OrderId, Wire> ended_;
    std::map<std::string, OrderId, std::less<>> of_broker_;  ///< own orders and second ones, by the broker's id
    std::map<TradeKey, BrokerTradeSeen> parked_;             ///< of orders that no row has named yet
    std::map<TradeKey, BrokerTradeSeen> outside_;
    std::map<TradeKey, Date> booked_;
    /// Of somebody else's orders the row as last seen. It stays over the next day, for what a person may say of it.
    struct Stranger {
        BrokerOrderSeen row;
        bool is_old = false;
        friend bool operator==(const Stranger&, const Stranger&) = default;
    };
    std::map<std::string, Stranger, std::less<>> strangers_;
    std::set<InstrumentId> frozen_;
    bool is_up_ = false;
    bool is_latched_ = false;
    Date pruned_on_;  ///< the day of the read that something was dropped after
    std::uint64_t changes_ = 0;
};

}  // namespace alpha
