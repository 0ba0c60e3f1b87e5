#pragma once
/// What a feed of market data tells those who look at it: how far it has come, how its streams stand, what is odd about it.

#include <chrono>
#include <cstdint>
#include <string>

namespace alpha {

/// Something odd about the data that is no reason to refuse them.
struct DataWarning {
    std::string text;
    bool lacks = false;  ///< something is missing that somebody counts on; an error to who is strict
};

/// Progress of a long read: bytes consumed of bytes in all (both 0 when unknown).
struct FeedProgress {
    std::uint64_t done = 0;
    std::uint64_t total = 0;
};

/// How a stream stands.
struct StreamStatus {
    std::string name;
    bool is_connected = false;
    bool has_ended = false;    ///< standard input: nothing more comes
    bool is_left_out = false;  ///< its patience is over, and the feed goes on without it
    std::uint64_t records = 0;
    std::uint64_t refused_senders = 0;
    std::uint64_t refused_records = 0;  ///< because they came after the feed had gone on without them
    std::string last_refusal;           ///< of a sender, with place and reason
    std::chrono::nanoseconds heard{0};  ///< FeedWatch::now() when it last sent; before it has, when it was opened
};

}  // namespace alpha
