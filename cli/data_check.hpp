#pragma once
/// `alpha data check`: what is odd about market data (markets/quality.hpp).

#include "cli/command.hpp"

namespace alpha {

/// Declares it under the group `alpha data`.
void add_data_check(const Command& group, Commands& commands);

}  // namespace alpha
