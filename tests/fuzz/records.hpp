#pragma once
/// What must hold of every record of market data, whatever bytes it comes from.

#include "adapters/data/feed.hpp"
#include "events/limits.hpp"
#include "tests/fuzz/input.hpp"

namespace alpha::fuzz {

inline void check_record(const FeedRecord& record, std::size_t symbols) {
    const auto price = [](Price p) { return p.raw >= 0 && p <= limits::kMaxPrice; };
    const auto size = [](Qty q) { return q.raw >= 0 && q <= limits::kMaxQty; };
    const auto known = [&](InstrumentId id) { return id.value < symbols; };
    const bool good =
        std::visit(overloaded{
                       [&](const QuoteTick& q) {
                           return known(q.instrument) && price(q.bid) && price(q.ask) && size(q.bid_qty) &&
                                  size(q.ask_qty) && (q.bid.raw != 0 || q.ask.raw != 0);
                       },
                       [&](const BarOpened& b) { return known(b.instrument) && b.open.raw > 0 && price(b.open); },
                       [&](const BarClosed& b) {
                           return known(b.instrument) && b.low.raw > 0 && b.low <= b.open && b.low <= b.close &&
                                  b.open <= b.high && b.close <= b.high && price(b.high) && b.volume.is_valid();
                       },
                   },
                   record.event);
    ALPHA_ASSERT(good, "a record is within its bounds");
}

}  // namespace alpha::fuzz
