#pragma once
/// What is said between alpha and a broker outside of the process. The broker's answers and the rows of its book come in as they are; what they
/// mean for an order is decided in kernel/outside.hpp. Texts are cut and cleaned before they come here.

#include "events/fixed.hpp"
#include "events/ids.hpp"
#include "events/product.hpp"
#include "events/side.hpp"
#include "events/time.hpp"

#include <cstdint>
#include <string>

namespace alpha {

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
    OrderId order;
    Send what = Send::place;
    std::uint8_t attempt = 1;
    std::string broker_order;  ///< whom a cancel or a modify is for; empty for a place
    friend bool operator==(const SendStarted&, const SendStarted&) = default;
};

/// A message on its way to its first byte.
struct OutsideMessage {
    SendStarted started;
    Seq seq = 0;        ///< of `started` in the log
    Time decided;       ///< when the order, or its change, was asked for
    Duration age_most;  ///< a place is not begun later than this after it was decided; zero: whenever
    std::string tag;    ///< events/order_tag.hpp
};
/// What is to become of a message whose turn it is.
enum class Turn : std::uint8_t { begin, withhold_killed, withhold_old };

struct SendEnded {
    OrderId order;
    Send what = Send::place;
    std::uint8_t attempt = 1;
    SendOutcome outcome = SendOutcome::unknown;
    std::string broker_order;  ///< where the broker gave one; of a cancel or a modify whom it was for
    std::string text;
    friend bool operator==(const SendEnded&, const SendEnded&) = default;
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
    std::string broker_order;
    std::string tag;
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
    friend bool operator==(const BrokerOrderSeen&, const BrokerOrderSeen&) = default;
};

/// One execution, once. Together `exchange`, `broker_order` and `trade` are its name.
struct BrokerTradeSeen {
    std::string broker_order;
    std::string exchange;
    std::string trade;
    InstrumentId instrument;
    Side side = Side::buy;
    Qty quantity;
    Price price;
    Date day;  ///< of trading
    friend bool operator==(const BrokerTradeSeen&, const BrokerTradeSeen&) = default;
};

/// The broker's book was read whole: everything in it that is new has been told before this.
struct BookRead {
    Time begun_at;
    Date day;                      ///< of trading that the book is of
    bool is_final = false;         ///< nothing of that day comes any more
    bool positions_agree = false;  ///< what the account holds is what the books here say
    friend bool operator==(const BookRead&, const BookRead&) = default;
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
    OrderId order;
    Resolution how = Resolution::not_placed;
    std::string broker_order;  ///< of `placed`
    std::string by;
    friend bool operator==(const OrderResolved&, const OrderResolved&) = default;
};

}  // namespace alpha
