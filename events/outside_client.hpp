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
};

/// What a read gave; an error, or a row that cannot be read, gives none.
struct OutsideRead {
    Date day;
    bool is_final = false;
    std::vector<BrokerOrderSeen> orders;
    std::vector<BrokerTradeSeen> trades;
    bool with_account = false;  ///< what the account holds was read with it, whole
    std::vector<AccountRead> account{};
};

}  // namespace alpha
