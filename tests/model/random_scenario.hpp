#pragma once
/// Scenarios by chance, and smaller ones of the same kind.

#include "tests/kernel/support.hpp"
#include "tests/model/scenario.hpp"

#include <functional>

namespace alpha::model {

/// Prices on a small grid, so that ties, touches and gaps happen often.
Scenario random_scenario(std::uint64_t seed);
/// With the openings and closings of the sessions that its market inputs make: 10:00 to 10:10, instrument 1 two minutes later.
Scenario with_sessions(Scenario scenario);
/// As little of it as still fails.
Scenario shrunk(Scenario scenario, const std::function<bool(const Scenario&)>& still_fails);

}  // namespace alpha::model
