#pragma once
/// What must hold of every record of market data, whatever bytes it comes from.

#include "adapters/data/feed.hpp"
#include "events/limits.hpp"
#include "tests/fuzz/input.hpp"

#include <optional>
#include <span>

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
                       [&](const TradeTick& t) {
                           return known(t.instrument) && t.price.raw > 0 && price(t.price) && size(t.quantity) &&
                                  t.volume.is_valid() && t.open_interest.is_valid();
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

/// What must hold of the records of one batch after those of before, the last of them at `last`.
inline void check_batch(std::span<const FeedRecord> records, std::size_t symbols, Time& last) {
    for (const FeedRecord& record : records) {
        ALPHA_ASSERT(record.time >= last && record.time >= kMinTime && record.time <= kMaxTime,
                     "records come in order");
        last = record.time;
        check_record(record, symbols);
    }
}

/// Reads a feed that has an end to it; what it was refused with, if anything.
inline std::optional<Error> read_to_end(Feed& feed) {
    Time last = kBeforeAll;
    while (true) {
        const auto records = feed.next();
        if (!records) {
            return records.error();
        }
        if (records->empty()) {
            return std::nullopt;
        }
        check_batch(*records, feed.symbols().size(), last);
    }
}

}  // namespace alpha::fuzz
