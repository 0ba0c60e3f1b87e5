#pragma once
/// What stands in a venue's place where a broker executes outside of the process: it fills nothing and holds nothing. What the broker says comes
/// in as words (events/outside.hpp), and what is known of its orders is in the state (kernel/outside.hpp).

#include "events/broker_spec.hpp"

namespace alpha {

/// Refuses (kind usage) settings that the kind does not have. A market order is valued at the touch and `protection` per cent on top.
Result<std::unique_ptr<Venue>> make_outside_venue(const std::vector<Setting>& settings);

/// Brokers of Zerodha's. A session without its gateway can verify, fork and show what one did with it; no order leaves by this.
const BrokerSpec& zerodha_spec();

}  // namespace alpha
