#pragma once
/// Where market data come from: what a scenario says of it.

#include "events/market.hpp"
#include "events/time.hpp"
#include "store/data_set.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

/// In which order a date of numbers gives day, month and year.
enum class DateOrder : std::uint8_t { unknown, dmy, mdy, ymd };
/// What becomes of two different bars of one instrument and time.
enum class Duplicates : std::uint8_t { refuse, first, last };

/// A moment, or a whole day in the time that the data are written in.
struct DataBound {
    std::optional<Date> day;
    Time time;
};

/// Whether nothing lies between them, in whatever zone a day is meant.
bool is_empty_range(const DataBound& from, const DataBound& until);

/// How the files of other programs are read, where they leave it open (adapters/data/foreign.hpp).
struct ForeignOptions {
    std::vector<std::pair<std::string, std::string>> columns;  ///< what is meant, and the column that holds it
    std::optional<markets::Zone> zone;                         ///< of times without an offset
    std::optional<DataBound> from;                             ///< the first that is taken
    std::optional<DataBound> to;                               ///< a day: the last; a time: the first that is not
    std::optional<std::uint32_t> decimals;                     ///< that prices keep, up to 8
    DateOrder dates = DateOrder::unknown;
    Duplicates duplicates = Duplicates::refuse;
    Duration resample;              ///< zero: the rows stay as they are
    std::vector<std::string> only;  ///< the instruments to keep; empty: all

    /// Whether alpha's own CSV, too, is to be read so, and not as it stands.
    bool changes_content() const {
        return !columns.empty() || from || to || decimals || dates != DateOrder::unknown ||
               duplicates != Duplicates::refuse || resample.ns != 0 || !only.empty();
    }
};

/// One entry of a scenario's `data:`: a file, a stream or synthetic data.
struct DataSource {
    std::string
        file;  ///< CSV, plain, .gz or .zst, or a data set; several at once: a folder, or a pattern such as data/*.csv
    std::vector<std::string> more;  ///< further ones, read together with it
    std::string shown_as;           ///< how messages call it; empty: by its path
    std::string stream;             ///< CSV from a sender: where it comes from (adapters/data/stream.hpp)
    DataKind kind = DataKind::quotes;
    std::string instrument;  ///< bars whose file has no instrument column
    Duration interval;       ///< bars
    /// A stream's patience, in real time: how long the feed waits for its next record while other sources have one. Zero: for ever.
    Duration idle;
    /// A stream whose lines are stamped by the clock of this machine: while none comes, time goes on all the same, and what falls due
    /// in the silence happens. A line that comes too late for that is refused and counted. It is then the only source.
    bool is_clocked = false;
    /// A stream with a clock: whether its sender can send once more what it has sent. Else what a sender begins with is new, whatever was
    /// taken before, and what was sent while nobody listened is lost.
    bool gives_again = true;
    /// A record of it may come at most so long after the feed's record before it: what is farther ahead has a slip in its time, and
    /// timers would fire all the way there.
    Duration max_gap = kUsualGap;
    ForeignOptions foreign;
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
