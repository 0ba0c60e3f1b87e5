#pragma once
/// A message to a broker outside, as it goes from the session to the thread that talks with the broker. It is not recorded: its SendStarted is.

#include "events/event.hpp"

#include <cstdint>
#include <string>

namespace alpha {

/// A message on its way to its first byte.
struct OutsideMessage {
    SendStarted started;
    Seq seq = 0;                ///< of `started` in the log
    Time decided;               ///< when the order, or its change, was asked for
    Duration age_most;          ///< a place is not begun later than this after it was decided; zero: whenever
    std::string tag;            ///< events/order_tag.hpp
    bool is_withdrawn = false;  ///< a place whose order was to be cancelled while it waited
    OrderTerms terms{};         ///< of a place what is asked for, of a modify what it is to become
};
/// What is to become of a message whose turn it is.
enum class Turn : std::uint8_t { begin, withhold_killed, withhold_cancelled, withhold_old };

}  // namespace alpha
