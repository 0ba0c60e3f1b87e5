#pragma once
/// Where market data come from: what a scenario says of it.

#include "events/time.hpp"
#include "store/data_set.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// What the length of a bar and a number of synthetic quotes may be, wherever a person types them.
inline constexpr Duration kShortestBar{kSecondNs / 1'000};
inline constexpr Duration kLongestBar{366 * kDayNs};
/// How far apart a record and the one before it can be, where nobody says otherwise, and whatever anybody says.
inline constexpr Duration kUsualGap{366 * kDayNs};
inline constexpr Duration kLongestGap{100'000 * kDayNs};
inline constexpr std::uint64_t kMaxSynthTicks = 10'000'000'000;

/// A synthetic NSE-like market from a seed: the same bytes for the same settings, everywhere and
/// always.
struct SynthSpec {
    std::uint64_t seed = 1;
    std::uint64_t ticks = 100'000;
    std::vector<std::string> instruments{"NSE:ALPHA", "NSE:BETA"};
    Date first_day{19'723};  ///< 2024-01-01; weekdays only
};

class Interrupt;  // adapters/data/interrupt.hpp

/// One entry of a scenario's `data:`: a file, a stream or synthetic data.
struct DataSource {
    std::string file;    ///< CSV, plain, .gz or .zst, or a data set
    std::string stream;  ///< CSV from a sender: where it comes from (adapters/data/stream.hpp)
    DataKind kind = DataKind::quotes;
    std::string instrument;  ///< bars whose file has no instrument column
    Duration interval;       ///< bars
    /// A stream's patience, in real time: how long the feed waits for its next record while other sources have one. Zero: for ever.
    Duration idle;
    /// A stream whose lines are stamped by the clock of this machine: while none comes, time goes on all the same, and what falls due
    /// in the silence happens. A line that comes too late for that is refused and counted. It is then the only source.
    bool is_clocked = false;
    /// A record of it may come at most so long after the feed's record before it: what is farther ahead has a slip in its time, and
    /// timers would fire all the way there.
    Duration max_gap = kUsualGap;
    std::optional<SynthSpec> synth;
    const Interrupt* interrupt =
        nullptr;  ///< what ends the reading of a stream; null: nothing does. It outlives the feed.

    bool is_stream() const { return !stream.empty(); }
    /// How messages call it.
    std::string name() const;
};

/// How messages call a stream.
std::string stream_name(std::string_view stream);

}  // namespace alpha
