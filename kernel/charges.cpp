#include "kernel/charges.hpp"

namespace alpha {

Money charges_for(const ChargesConfig& config, Money notional) {
    ALPHA_ASSERT(notional.raw >= 0, "a fill's notional is positive");
    if (config.rate.raw == 0) {
        return config.per_fill;
    }
    // A rate is below one (the scenario reader sees to it), so a part of the notional always fits.
    return config.per_fill + pro_rata(notional, Qty{static_cast<std::int64_t>(config.rate.raw)}, Qty{kScale});
}

}  // namespace alpha
