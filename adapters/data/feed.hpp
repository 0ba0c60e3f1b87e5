#pragma once
/// Market data from files and from a seed, as one stream in the documented order: time, then bar
/// close < quote and trade < bar open, then source index, then record ordinal. Constant memory whatever the
/// length.

#include "adapters/data/source.hpp"
#include "events/bytes.hpp"
#include "events/input.hpp"
#include "events/result.hpp"
#include "events/time.hpp"
#include "markets/calendar.hpp"
#include "views/feed_status.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// A market record on its way into the engine. The event's `instrument` is an index into the feed's symbols() until the session has given
/// the symbol an instrument id.
struct FeedRecord {
    Time time;
    MarketInput event;
};

/// When a scenario says that an instrument trades, for bars: what a date's open and close are. Nothing where it is silent, which means the
/// whole UTC day but does not say so.
using TimesOf = std::function<std::optional<markets::DayTimes>(const std::string& instrument)>;

/// What is said of a file whose last line was taken although its end is not there.
inline constexpr const char* kLacksEnd =
    "its last line is taken, but has no line feed; if the file was cut short there, so may be its last number: end the "
    "line, or copy the file again";

/// A record that was taken from a feed before, and the name of its instrument.
struct TakenRecord {
    FeedRecord record;
    std::string_view instrument;
};

/// How much of a person's attention something takes that a feed tells.
enum class Notice : std::uint8_t {
    note,     ///< a sender has connected
    warning,  ///< somebody was refused
    loss  ///< nothing comes from a stream any more that records came from: its sender has left, was sent away, or is silent
};

/// What a feed tells and asks, of its streams above all, on the thread that reads it.
struct FeedWatch {
    /// Told once each: bars that two sources hold, a source that ends without a record, a stream of bars that lie farther apart
    /// than their interval. May be missing.
    std::function<void(DataWarning)> warn;
    /// Time as it passes on the machine, from some moment on: for patience, never for data. Required where there are streams.
    std::function<std::chrono::nanoseconds()> now;
    /// Has a stream's status changed; streams count from 0, in the order of the sources. May be missing, as may what follows.
    std::function<void(std::size_t stream, const std::function<void(StreamStatus&)>& change)> change_status;
    /// What a person may want to know of a stream.
    std::function<void(const std::string& what, Notice kind)> tell;
    /// The records behind the feed's position that were taken from these sources before, one after the other; at last nothing. They
    /// are handed out in this order again, and a sender that has others is refused: the order in which records of several
    /// senders were taken may have depended on who was silent for longer than its patience.
    std::function<Result<std::optional<TakenRecord>>()> taken_before;
};

class Feed {
public:
    virtual ~Feed() = default;
    /// The next records in order, as many as are at hand; empty at the end. Whatever is good before
    /// an error is returned first; the error (kind data, "file:line: what and how to mend it") ends
    /// the feed. Valid until the next call.
    virtual Result<std::span<const FeedRecord>> next() = 0;
    /// Names by symbol index; grows as the feed is read.
    virtual const std::vector<std::string>& symbols() const = 0;
    virtual FeedProgress progress() const = 0;
    /// Appends where the feed stands once the first `taken` records of the last batch are consumed, for open_feed: some
    /// hundred bytes a source, the names seen so far, and bars of the present label where several sources have bars. `taken` is 0 before the first batch, at the end and after an
    /// error. Takes microseconds: of CSV the text of the last batch is hashed up to the record.
    virtual void save_position(std::size_t taken, ByteBuffer& out) const = 0;
};

/// Opens every source and merges them. A file that is missing or of no known form is refused here,
/// with its name; so is a file of bars that lie farther apart than their interval.
///
/// A bar (instrument, interval, label) that several sources hold is one bar: where they agree on it, it is taken from the
/// first of them; where they do not, the feed ends with an error that names both places.
///
/// A record that is farther ahead of the one before it than its source's max_gap ends the feed with an error, too, or its sender's
/// stay; both are data's mistakes like a line that cannot be read.
///
/// A stream can be sent to from here on; whoever sends what cannot be taken is sent away, and the feed waits for the
/// next one.
Result<std::unique_ptr<Feed>> open_feed(const std::vector<DataSource>& sources, const TimesOf& times,
                                        const FeedWatch& watch = {});
/// The same from `position` on, which save_position() wrote: exactly the records behind it, and symbols() as it was there.
/// What was read before is not parsed again: a data set is sought in, CSV text is only hashed, synthetic data are made.
/// Refuses (kind data, with the source's name) other sources, other content before the position, less of it, or, here or
/// from next(), new records that belong before it; and bytes that are no position. What follows the position may change,
/// except in a data set, whose content hash is that of all of it.
Result<std::unique_ptr<Feed>> open_feed(const std::vector<DataSource>& sources, const TimesOf& times, Bytes position,
                                        const FeedWatch& watch = {});

}  // namespace alpha
