#pragma once
/// Where two logs part.

#include "events/result.hpp"
#include "store/event_log.hpp"

#include <optional>
#include <vector>

namespace alpha {

/// The first event from `from` on in which the two logs differ, their bytes aligned by number; the end of the shorter one where
/// it is the beginning of the other; nothing when they are the same. Frames may be cut differently.
Result<std::optional<Seq>> first_difference(const LogReader& a, const LogReader& b, Seq from = 0);

/// A place in two logs: from here on, an event of one stands beside one of the other.
struct Alignment {
    Seq a = 0;
    Seq b = 0;
    friend bool operator==(const Alignment&, const Alignment&) = default;
};
/// The same where events were put into one log and not into the other: compares from the last alignment on. `alignments` grow; a cause
/// that lies behind one of them is the same when it lies as far behind it in the other log.
Result<std::optional<Alignment>> first_difference(const LogReader& a, const LogReader& b,
                                                  const std::vector<Alignment>& alignments);

}  // namespace alpha
