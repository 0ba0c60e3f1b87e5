#pragma once
/// What asks a broker outside (a transport and a translation), and what it answers with.

#include "events/outside_message.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace alpha {

/// One transmission.
using SendToken = std::uint64_t;

/// Asks a broker. Nothing here may wait, and no answer may come before the call returned.
class OutsideClient {
public:
    virtual ~OutsideClient() = default;
    virtual void begin(SendToken token, const OutsideMessage& message) = 0;
    /// Nobody waits for it any more: its connection is not used again.
    virtual void abandon(SendToken token) = 0;
    /// Orders first, then trades, which can only be more whole.
    virtual void read_book() = 0;
};

struct SendAnswer {
    SendOutcome outcome = SendOutcome::unknown;
    std::string broker_order;
    std::string text;
    bool needs_login = false;  ///< the broker knows this session no more
    std::uint16_t http = 0;    ///< the answer's status; 0: there was none
    std::string error_type{};  ///< the broker's word for it
    std::string raw{};         ///< the answer's body, JSON, as it came
};

/// A row of a read, and the JSON that it was read from as it came. What is kept of that is the evidence of the word (store/evidence.hpp); that a
/// row has changed is seen by its word alone.
template <class Word>
struct OutsideRow {
    Word word;
    std::string raw{};
    friend bool operator==(const OutsideRow& a, const OutsideRow& b) { return a.word == b.word; }
};

/// What a read gave; an error, or a row that cannot be read, gives none.
struct OutsideRead {
    Date day;
    bool is_final = false;
    std::vector<OutsideRow<BrokerOrderSeen>> orders;
    std::vector<OutsideRow<BrokerTradeSeen>> trades;
    bool with_account = false;  ///< what the account holds was read with it, whole
    std::vector<OutsideRow<AccountRead>> account{};
};

}  // namespace alpha
