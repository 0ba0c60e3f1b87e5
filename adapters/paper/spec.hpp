#pragma once
/// The paper broker as it describes itself.

#include "events/broker_spec.hpp"

namespace alpha {

const BrokerSpec& paper_spec();

}  // namespace alpha
