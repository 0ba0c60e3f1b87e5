#pragma once
/// What can be traded, and the steps its orders must keep to.

#include "events/fixed.hpp"
#include "events/ids.hpp"
#include "events/named.hpp"
#include "events/time.hpp"

#include <string>

namespace alpha {

/// An instrument as pinned in the log. Tick and lot bind our orders; market data off the tick is data and accepted.
struct Instrument {
    static constexpr std::uint8_t struct_version = 1;
    std::string name;       ///< e.g. "NSE:INFY"; unique; at most limits::kMaxNameBytes
    Price tick{1'000'000};  ///< smallest price step of an order: 0.01 where the scenario is silent
    Qty lot{kScale};        ///< smallest quantity step of an order: 1 where the scenario is silent
    TradingHours hours;     ///< the trading session; the whole UTC day where the scenario is silent

    friend bool operator==(const Instrument&, const Instrument&) = default;

    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("name", name), named("tick", tick), named("lot", lot), named("utc_offset_s", hours.utc_offset_s),
           named("open_s", hours.open_s), named("close_s", hours.close_s));
    }
};

}  // namespace alpha
