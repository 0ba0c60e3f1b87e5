#pragma once
/// How a session stands.

#include "views/books.hpp"
#include "views/feed_status.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace alpha {

/// A session at one moment, between two batches of market data: whole, and nothing of it changes afterwards.
struct SessionStatus {
    RunResult books;              ///< heads and digests empty
    bool is_catching_up = false;  ///< its feeds have not come to where its journal goes on
    bool is_stopping = false;
    std::string speed;    ///< "max", "10x"
    Seq durable_seq = 0;  ///< every event before it is on disk
    std::uint64_t feed_records = 0;
    FeedProgress feed;
    std::vector<StreamStatus> streams;  ///< of its feeds, in the order of the scenario
    std::chrono::nanoseconds at{0};     ///< the machine's clock, as StreamStatus::heard has it
    std::chrono::nanoseconds since_last_input{0};
    std::chrono::nanoseconds running{0};
    std::vector<RiskHeadroom> risk;  ///< rules that a state can be measured against
};

/// "running", "catching up", "stopping".
const char* standing_of(const SessionStatus& status);
inline double seconds_of(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}
/// How long nothing has come from the stream.
std::chrono::nanoseconds silence_of(const SessionStatus& status, const StreamStatus& stream);

/// What a running session says of itself beside its status.
struct SessionFacts {
    std::string journal;
    std::string mode;   ///< "paper"
    std::uint64_t pid;  ///< of its process
};

}  // namespace alpha
