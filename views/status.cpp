#include "views/status.hpp"

#include <algorithm>

namespace alpha {

const char* standing_of(const SessionStatus& status) {
    return status.is_stopping ? "stopping" : status.is_catching_up ? "catching up" : "running";
}

std::chrono::nanoseconds silence_of(const SessionStatus& status, const StreamStatus& stream) {
    return std::max(status.at - stream.heard, std::chrono::nanoseconds{0});
}

}  // namespace alpha
