#pragma once
/// What executions cost. The result is written into the fill, so the fold never consults a rate.

#include "events/event.hpp"

namespace alpha {

/// per_fill + rate x notional, the product rounded half-even once to 1e-8. `notional` is positive.
Money charges_for(const ChargesConfig& config, Money notional);

}  // namespace alpha
