#pragma once
/// What is said between alpha and a broker outside of the process, and what follows from it; all of it can stand in the event log (events/event.hpp,
/// whose rules for bytes hold here). The broker's answers and the rows of its book come in as they are; what they mean for an order is decided in
/// kernel/outside.hpp.
///
/// A WORD is an input: it is recorded as it came, and what follows is in facts of their own behind it. Its texts are cut to their bounds and cleaned
/// (events/text.hpp, bounded) before it gets here; is_bounded says whether they are. `evidence` begins the SHA-256 of the bytes that it was read
/// from, in 16 hexadecimal digits; empty: nothing was kept.

#include "events/fixed.hpp"
#include "events/ids.hpp"
#include "events/named.hpp"
#include "events/product.hpp"
#include "events/side.hpp"
#include "events/time.hpp"

#include <cstdint>
#include <string>

namespace alpha {

namespace limits {
/// Longest texts in words from outside, in bytes.
inline constexpr std::size_t kMaxBrokerOrderBytes = 32;
inline constexpr std::size_t kMaxOrderTagBytes = 20;
inline constexpr std::size_t kMaxExchangeBytes = 8;
inline constexpr std::size_t kMaxTradeBytes = 64;
inline constexpr std::size_t kMaxStatusBytes = 32;
inline constexpr std::size_t kMaxErrorTypeBytes = 32;
inline constexpr std::size_t kMaxBrokerTextBytes = 512;
inline constexpr std::size_t kMaxReasonBytes = 256;
inline constexpr std::size_t kMaxEvidenceBytes = 16;
inline constexpr std::size_t kMaxPersonBytes = 64;
inline constexpr std::size_t kMaxSourceBytes = 16;
}  // namespace limits

/// Of an instrument that a broker names and the session does not know; the row's text has its name.
inline constexpr InstrumentId kUnknownInstrument{0xFFFF'FFFF};

/// What a message asks the broker to do.
enum class Send : std::uint8_t { place = 1, cancel = 2, modify = 3 };
const char* name_of(Send what);
constexpr bool is_valid(Send what) {
    return what >= Send::place && what <= Send::modify;
}

/// What came of one message.
enum class SendOutcome : std::uint8_t {
    acked = 1,        ///< the broker took it
    refused = 2,      ///< it surely did not: the answer is on the list of those that never lie
    doubtful = 3,     ///< it says that it did not, and may be wrong (too many requests)
    not_started = 4,  ///< no byte of it was written
    withheld = 5,     ///< no byte of it will be written any more: killed or too old when its turn came
    unknown = 6       ///< anything else: no answer, half an answer, an error that may have come behind the order
};
const char* name_of(SendOutcome outcome);
constexpr bool is_valid(SendOutcome outcome) {
    return outcome >= SendOutcome::acked && outcome <= SendOutcome::unknown;
}

/// Recorded and durable before the first byte of a message leaves.
struct SendStarted {
    static constexpr std::uint16_t tag = 49;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "send_started";
    OrderId order;
    Send what = Send::place;
    std::uint8_t attempt = 1;
    std::string broker_order;  ///< whom a cancel or a modify is for; empty for a place
    std::string order_tag{};   ///< of a place: events/order_tag.hpp
    friend bool operator==(const SendStarted&, const SendStarted&) = default;
    bool is_bounded() const {
        return broker_order.size() <= limits::kMaxBrokerOrderBytes && order_tag.size() <= limits::kMaxOrderTagBytes;
    }
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("what", what), named("attempt", attempt), named("broker_order", broker_order),
           named("tag", order_tag));
    }
};

/// Reads and times after which something counts. `reads` is more than may pass between a message's first byte and its taking effect, and between
/// that and its being seen, together.
struct OutsideRules {
    static constexpr std::uint8_t struct_version = 1;
    std::uint8_t reads = 3;
    std::uint8_t reads_to_ask = 3;        ///< complete reads without an unknown order before a person is asked
    Duration ask_after{120 * kSecondNs};  ///< and not before
    Duration seen_after{5 * kSecondNs};   ///< how long a change may take to be seen
    Duration clock_off{5 * kSecondNs};    ///< the broker's clock may be behind by
    std::uint8_t places_most = 3;         ///< attempts, where none of them began
    std::uint8_t cancels_most = 5;
    Duration market_age{2 * kSecondNs};   ///< from a market order's decision to its first byte, at most
    Duration order_age{5 * kSecondNs};    ///< the same of any other
    Duration market_rest{3 * kSecondNs};  ///< a market order rests at the broker no longer; zero: it may
    std::uint16_t backlog = 20;           ///< places that may wait
    std::uint16_t modifications = 25;     ///< of one order
    bool needs_product = true;            ///< each order says under which product it is to be held
    friend bool operator==(const OutsideRules&, const OutsideRules&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("reads", reads), named("reads_to_ask", reads_to_ask), named("ask_after", ask_after),
           named("seen_after", seen_after), named("clock_off", clock_off), named("places_most", places_most),
           named("cancels_most", cancels_most), named("market_age", market_age), named("order_age", order_age),
           named("market_rest", market_rest), named("backlog", backlog), named("modifications", modifications),
           named("needs_product", needs_product));
    }
};

/// What came of it.
struct SendEnded {
    static constexpr std::uint16_t tag = 50;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "send_ended";
    OrderId order;
    Send what = Send::place;
    std::uint8_t attempt = 1;
    SendOutcome outcome = SendOutcome::unknown;
    std::string broker_order;  ///< where the broker gave one; of a cancel or a modify whom it was for
    std::string text;
    std::uint16_t http = 0;    ///< the answer's status; 0: there was none
    std::string error_type{};  ///< the broker's word for it
    std::string evidence{};
    friend bool operator==(const SendEnded&, const SendEnded&) = default;
    bool is_bounded() const {
        return broker_order.size() <= limits::kMaxBrokerOrderBytes && text.size() <= limits::kMaxBrokerTextBytes &&
               error_type.size() <= limits::kMaxErrorTypeBytes && evidence.size() <= limits::kMaxEvidenceBytes;
    }
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("what", what), named("attempt", attempt), named("outcome", outcome),
           named("broker_order", broker_order), named("http", http), named("error_type", error_type),
           named("text", text), named("evidence", evidence));
    }
};

/// What a row of the broker's book says that an order is. A word that nobody knows is pending.
enum class RowStatus : std::uint8_t {
    pending = 1,
    open = 2,
    trigger_pending = 3,
    complete = 4,
    cancelled = 5,
    rejected = 6
};
const char* name_of(RowStatus status);
constexpr bool is_valid(RowStatus status) {
    return status >= RowStatus::pending && status <= RowStatus::rejected;
}
constexpr bool is_terminal(RowStatus status) {
    return status >= RowStatus::complete;
}

/// One row of the broker's book of orders, when it is new or differs from what it last was.
struct BrokerOrderSeen {
    static constexpr std::uint16_t tag = 51;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "broker_order_seen";
    std::string broker_order;
    std::string order_tag;  ///< empty: it bears none
    InstrumentId instrument;
    Side side = Side::buy;
    Product product = Product::none;
    Qty quantity;
    Qty filled;
    Price price;    ///< of a limit; a protected market order has one that nobody sent
    Price trigger;  ///< of a stop
    RowStatus status = RowStatus::pending;
    std::string text;
    Time placed_at;  ///< on the broker's clock
    BrokerId broker{};
    std::string raw_status{};  ///< the broker's word, where nobody knows it
    std::string evidence{};
    friend bool operator==(const BrokerOrderSeen&, const BrokerOrderSeen&) = default;
    bool is_bounded() const {
        return broker_order.size() <= limits::kMaxBrokerOrderBytes && order_tag.size() <= limits::kMaxOrderTagBytes &&
               text.size() <= limits::kMaxBrokerTextBytes && raw_status.size() <= limits::kMaxStatusBytes &&
               evidence.size() <= limits::kMaxEvidenceBytes;
    }
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("broker", broker), named("broker_order", broker_order), named("tag", order_tag),
           named("instrument", instrument), named("side", side), named("product", product), named("quantity", quantity),
           named("filled", filled), named("limit_price", price), named("stop_price", trigger), named("status", status),
           named("raw_status", raw_status), named("text", text), named("placed_at", placed_at),
           named("evidence", evidence));
    }
};

/// One execution, once. Together `exchange`, `broker_order` and `trade` are its name.
struct BrokerTradeSeen {
    static constexpr std::uint16_t tag = 52;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "broker_trade_seen";
    std::string broker_order;
    std::string exchange;
    std::string trade;
    InstrumentId instrument;
    Side side = Side::buy;
    Qty quantity;
    Price price;
    Date day;  ///< of trading
    BrokerId broker{};
    Product product = Product::none;
    Time traded_at{};  ///< on the exchange's clock
    std::string evidence{};
    friend bool operator==(const BrokerTradeSeen&, const BrokerTradeSeen&) = default;
    bool is_bounded() const {
        return broker_order.size() <= limits::kMaxBrokerOrderBytes && exchange.size() <= limits::kMaxExchangeBytes &&
               trade.size() <= limits::kMaxTradeBytes && evidence.size() <= limits::kMaxEvidenceBytes;
    }
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("broker", broker), named("broker_order", broker_order), named("exchange", exchange),
           named("trade", trade), named("instrument", instrument), named("side", side), named("product", product),
           named("quantity", quantity), named("price", price), named("day", day), named("traded_at", traded_at),
           named("evidence", evidence));
    }
};

/// The broker's book was read whole: everything in it that is new has been told before this.
struct BookRead {
    static constexpr std::uint16_t tag = 53;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "book_read";
    Time begun_at;
    Date day;                      ///< of trading that the book is of
    bool is_final = false;         ///< nothing of that day comes any more
    bool positions_agree = false;  ///< what the account holds is what the books here say: the kernel's verdict
    BrokerId broker{};
    std::uint32_t orders = 0;  ///< rows of the book
    std::uint32_t trades = 0;
    bool with_account = false;  ///< what the account holds was read with it, and told before it
    friend bool operator==(const BookRead&, const BookRead&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("broker", broker), named("begun_at", begun_at), named("day", day), named("orders", orders),
           named("trades", trades), named("with_account", with_account), named("is_final", is_final),
           named("positions_agree", positions_agree));
    }
};

enum class SessionChange : std::uint8_t {
    restarted = 1,
    down = 2,
    login_needed = 3,
    reconciling = 4,
    up = 5,
    halted = 6
};
const char* name_of(SessionChange change);
constexpr bool is_valid(SessionChange change) {
    return change >= SessionChange::restarted && change <= SessionChange::halted;
}

/// How the connection with a broker stands: entries go out only while it is up.
struct BrokerSessionChanged {
    static constexpr std::uint16_t tag = 48;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "broker_session_changed";
    BrokerId broker;
    SessionChange change = SessionChange::down;
    std::string account{};  ///< begins the SHA-256 of the user's id, in hexadecimal digits; empty: not known
    std::string reason{};
    friend bool operator==(const BrokerSessionChanged&, const BrokerSessionChanged&) = default;
    bool is_bounded() const {
        return account.size() <= limits::kMaxEvidenceBytes && reason.size() <= limits::kMaxReasonBytes;
    }
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("broker", broker), named("change", change), named("account", account), named("reason", reason));
    }
};

/// What a broker outside is, and after how many reads and how long something counts. A root at the beginning of a session, and where one that goes
/// on was given others. `log_number` is that of the journal's order tags (events/order_tag.hpp); it stays.
struct BrokerRulesSet {
    static constexpr std::uint16_t tag = 47;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "broker_rules_set";
    BrokerId broker;
    std::uint32_t log_number = 0;
    OutsideRules rules;
    friend bool operator==(const BrokerRulesSet&, const BrokerRulesSet&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("broker", broker), named("log_number", log_number));
        inlined(ar, rules);
    }
};

/// What a person found out about an order that nobody can tell the state of.
enum class Resolution : std::uint8_t {
    placed = 1,      ///< it is the broker's order of that id
    not_placed = 2,  ///< the broker never had it
    closed = 3       ///< it is over, whatever is missing stays on record
};
const char* name_of(Resolution how);
constexpr bool is_valid(Resolution how) {
    return how >= Resolution::placed && how <= Resolution::closed;
}
struct OrderResolved {
    static constexpr std::uint16_t tag = 54;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "order_resolved";
    OrderId order;
    Resolution how = Resolution::not_placed;
    std::string broker_order;  ///< of `placed`
    std::string by;
    std::string why{};
    friend bool operator==(const OrderResolved&, const OrderResolved&) = default;
    bool is_bounded() const {
        return broker_order.size() <= limits::kMaxBrokerOrderBytes && by.size() <= limits::kMaxPersonBytes &&
               why.size() <= limits::kMaxReasonBytes;
    }
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("how", how), named("broker_order", broker_order), named("by", by),
           named("why", why));
    }
};

/// One row of what the account holds, when it is new or differs from what it last was; a quantity of zero: it is gone.
/// A position is what came of the day's trades, a holding what was there in its morning; what is held is both together.
enum class AccountRowKind : std::uint8_t { position = 1, holding = 2 };
const char* name_of(AccountRowKind kind);
constexpr bool is_valid(AccountRowKind kind) {
    return kind == AccountRowKind::position || kind == AccountRowKind::holding;
}
struct AccountRead {
    static constexpr std::uint16_t tag = 55;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "account_read";
    BrokerId broker;
    AccountRowKind kind = AccountRowKind::position;
    InstrumentId instrument;
    Product product = Product::none;
    Qty quantity;          ///< negative: short
    Price average;         ///< zero: not told
    Date day;              ///< of trading
    std::string symbol{};  ///< of an instrument that the session does not know
    std::string evidence{};
    friend bool operator==(const AccountRead&, const AccountRead&) = default;
    bool is_bounded() const {
        return symbol.size() <= limits::kMaxStatusBytes && evidence.size() <= limits::kMaxEvidenceBytes;
    }
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("broker", broker), named("kind", kind), named("instrument", instrument), named("product", product),
           named("quantity", quantity), named("average", average), named("day", day), named("symbol", symbol),
           named("evidence", evidence));
    }
};

/// What the account may use, as the broker says it. For people: nothing is decided by it.
struct FundsRead {
    static constexpr std::uint16_t tag = 56;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "funds_read";
    BrokerId broker;
    Money available;
    Money used;
    Money opening;
    friend bool operator==(const FundsRead&, const FundsRead&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("broker", broker), named("available", available), named("used", used), named("opening", opening));
    }
};

/// From a person: what was bought or sold outside belongs to a portfolio from here on, at this price. Its instrument is no longer frozen once
/// nothing of it is left outside.
struct OutsideAssigned {
    static constexpr std::uint16_t tag = 57;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "outside_assigned";
    PortfolioId portfolio;
    BrokerId broker;
    InstrumentId instrument;
    Product product = Product::none;
    Qty quantity;  ///< negative: it was sold
    Price price;
    std::string by{};
    std::string why{};
    friend bool operator==(const OutsideAssigned&, const OutsideAssigned&) = default;
    bool is_bounded() const { return by.size() <= limits::kMaxPersonBytes && why.size() <= limits::kMaxReasonBytes; }
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("portfolio", portfolio), named("broker", broker), named("instrument", instrument),
           named("product", product), named("quantity", quantity), named("price", price), named("by", by),
           named("why", why));
    }
};

/// From a person: the differences in an instrument were looked at, and entries may go on.
struct InstrumentThawed {
    static constexpr std::uint16_t tag = 58;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "instrument_thawed";
    BrokerId broker;
    InstrumentId instrument;
    std::string by{};
    std::string why{};
    friend bool operator==(const InstrumentThawed&, const InstrumentThawed&) = default;
    bool is_bounded() const { return by.size() <= limits::kMaxPersonBytes && why.size() <= limits::kMaxReasonBytes; }
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("broker", broker), named("instrument", instrument), named("by", by), named("why", why));
    }
};

// ---- what follows -------------------------------------------------------------------------------------------------------

/// A held order is older than it may be, or a market order rests at the broker for longer than it may. Falls due.
struct OrderOverdue {
    static constexpr std::uint16_t tag = 59;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "order_overdue";
    OrderId order;
    friend bool operator==(const OrderOverdue&, const OrderOverdue&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order));
    }
};

/// Nobody knows whether the broker has the order: its strategy opens nothing more in the instrument.
struct OutcomeUnknown {
    static constexpr std::uint16_t tag = 60;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "outcome_unknown";
    OrderId order;
    friend bool operator==(const OutcomeUnknown&, const OutcomeUnknown&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order));
    }
};

/// The same for so long, and over so many reads, that a person is to be asked.
struct OutcomeStale {
    static constexpr std::uint16_t tag = 61;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "outcome_stale";
    OrderId order;
    friend bool operator==(const OutcomeStale&, const OutcomeStale&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order));
    }
};

/// What was over here is alive at the broker: its quantity is reserved again, and it is to be cancelled.
struct OrderRevived {
    static constexpr std::uint16_t tag = 62;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "order_revived";
    OrderId order;
    friend bool operator==(const OrderRevived&, const OrderRevived&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order));
    }
};

/// The broker says of the order what cannot be. Every portfolio of the broker is latched.
struct OrderConflict {
    static constexpr std::uint16_t tag = 63;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "order_conflict";
    OrderId order;
    std::string text;
    friend bool operator==(const OrderConflict&, const OrderConflict&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("order", order), named("text", text));
    }
};

/// A trade that nobody here asked for, booked apart from every portfolio; or one of those that an order turned out to have made (`leaves`), whose
/// OrderFilled follows.
struct OutsideFilled {
    static constexpr std::uint16_t tag = 64;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "outside_filled";
    BrokerId broker;
    std::string broker_order;
    std::string exchange;
    std::string trade;
    InstrumentId instrument;
    Side side = Side::buy;
    Product product = Product::none;
    Qty quantity;
    Price price;
    bool leaves = false;
    bool freezes = false;  ///< the instrument, for new entries
    friend bool operator==(const OutsideFilled&, const OutsideFilled&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("broker", broker), named("broker_order", broker_order), named("exchange", exchange),
           named("trade", trade), named("instrument", instrument), named("side", side), named("product", product),
           named("quantity", quantity), named("price", price), named("leaves", leaves), named("freezes", freezes));
    }
};

/// What a difference is about.
enum class DifferenceKind : std::uint8_t {
    order = 1,         ///< of an order; `text` says what
    position = 2,      ///< the account holds another quantity than the books here
    holding = 3,       ///< of shares held in the depositary
    clock = 4,         ///< between this machine and the broker
    journal_older = 5  ///< the broker knows orders of this journal that it does not have
};
const char* name_of(DifferenceKind kind);
constexpr bool is_valid(DifferenceKind kind) {
    return kind >= DifferenceKind::order && kind <= DifferenceKind::journal_older;
}
/// What was done about it.
enum class DifferenceAction : std::uint8_t { noted = 1, frozen = 2, halted = 3 };
const char* name_of(DifferenceAction action);
constexpr bool is_valid(DifferenceAction action) {
    return action >= DifferenceAction::noted && action <= DifferenceAction::halted;
}
/// Broker and books do not say the same. Nothing is made to fit.
struct ReconciliationDiffers {
    static constexpr std::uint16_t tag = 65;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "reconciliation_differs";
    BrokerId broker;
    DifferenceKind what = DifferenceKind::order;
    DifferenceAction action = DifferenceAction::noted;
    OrderId order;  ///< 0: none
    InstrumentId instrument;
    Product product = Product::none;
    Qty ours;
    Qty theirs;
    std::string text;
    friend bool operator==(const ReconciliationDiffers&, const ReconciliationDiffers&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("broker", broker), named("what", what), named("action", action), named("order", order),
           named("instrument", instrument), named("product", product), named("ours", ours), named("theirs", theirs),
           named("text", text));
    }
};

/// Broker and books were compared: entries are open from here on.
struct Reconciled {
    static constexpr std::uint16_t tag = 66;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "reconciled";
    BrokerId broker;
    std::uint32_t differences = 0;
    friend bool operator==(const Reconciled&, const Reconciled&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("broker", broker), named("differences", differences));
    }
};

// ---- a feed -------------------------------------------------------------------------------------------------------------

enum class FeedState : std::uint8_t { up = 1, down = 2, stale = 3 };
const char* name_of(FeedState state);
constexpr bool is_valid(FeedState state) {
    return state >= FeedState::up && state <= FeedState::stale;
}
/// A live source has gone, or come again: what lies between is lost. No entries while one is not up.
struct FeedChanged {
    static constexpr std::uint16_t tag = 67;
    static constexpr std::uint8_t version = 1;
    static constexpr const char* name_v = "feed_changed";
    std::string source;
    FeedState state = FeedState::up;
    std::string reason{};
    friend bool operator==(const FeedChanged&, const FeedChanged&) = default;
    bool is_bounded() const {
        return source.size() <= limits::kMaxSourceBytes && reason.size() <= limits::kMaxReasonBytes;
    }
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("source", source), named("state", state), named("reason", reason));
    }
};

}  // namespace alpha
