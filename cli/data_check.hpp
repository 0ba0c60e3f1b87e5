#pragma once
/// `alpha data check`: what is odd about market data (markets/quality.hpp).

#include "cli/command.hpp"
#include "markets/calendar.hpp"

#include <optional>
#include <string>

namespace alpha {

/// Declares it under the group `alpha data`.
void add_data_check(const Command& group, Commands& commands);

/// When markets trade, as typed: `--calendar NSE_EQ` or `--session 09:15-15:30+05:30`, each empty where it was not. Refuses (kind usage)
/// what is neither, and both together.
Result<std::optional<markets::DayTimes>> asked_times(const std::string& calendar, const std::string& session);

}  // namespace alpha
