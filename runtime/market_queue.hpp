#pragma once
/// Market data on its way to the kernel: read and parsed where the session runs, or on a thread of its own behind a bounded
/// queue. A full queue holds the reader back, and through it the sender: nothing is dropped, memory stays bounded.

#include "adapters/data/feed.hpp"
#include "store/clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace alpha {

/// Recorded time that passes in real time, or so many times as fast.
struct Pace {
    Time from;  ///< was due
    Clock::TimePoint at;
    std::uint32_t speed = 0;  ///< 0: everything is due at once

    Clock::TimePoint due(Time time) const {
        return speed == 0 ? at : at + std::chrono::nanoseconds((time.ns - from.ns) / speed);
    }
};

/// Records that are there together.
struct MarketBatch {
    std::span<const FeedRecord> records;
    /// The feed's names, by the records' instrument.
    const std::vector<std::string>* symbols = nullptr;
    Clock::TimePoint read;   ///< when the reader had them
    Clock::TimePoint asked;  ///< when the session had nothing else to do,
    Clock::TimePoint found;  ///< and saw that these were due
    Pace pace;               ///< under which they fell due
    FeedProgress progress;

    /// When a record was there to be acted on. One that falls due while the session is at work waits for it from then on; one
    /// that falls due while it waits is received when it is seen, like a line from a sender when it is read.
    Clock::TimePoint received(const FeedRecord& record) const {
        const auto due = pace.due(record.time);
        return std::max(read, due <= asked ? due : found);
    }
};

struct MarketQueueOptions {
    /// Recorded time passes so many times as fast as real time; 0: as fast as it is read.
    std::uint32_t speed = 0;
    Clock* clock = &real_clock();  ///< outlives the queue
    /// How long who waits looks before it sleeps. Waking up costs more than this on many machines, milliseconds on some.
    std::chrono::nanoseconds spin{std::chrono::microseconds{200}};
    /// Where the feed goes on (adapters/data/feed.hpp); empty: from its beginning.
    ByteBuffer position{};
    /// Records before the position, and those that the journal has: none of these is held back.
    std::uint64_t records_before = 0;
    std::uint64_t records_known = 0;
    FeedWatch watch{};
};

class MarketQueue {
public:
    enum class Got : std::uint8_t { records, nothing, end };

    virtual ~MarketQueue() = default;
    /// Waits until there are records, the feed ends, `until` has passed, or wake() was called. The batch is valid until the
    /// next call. Whatever is good before an error is handed out first.
    virtual Result<Got> next(MarketBatch& batch, Clock::TimePoint until) = 0;
    /// Where event time goes on while no record comes, paced data and sources with a clock: up to when none will come that belongs
    /// before it. kBeforeAll: not known, and so always for a sender's lines, which may be on their way. Asked when next() returned nothing.
    virtual Time passed() const = 0;
    /// When passed() will have come past `time`, as things stand; TimePoint::max(): nobody knows.
    virtual Clock::TimePoint passes(Time time) const = 0;
    /// Whether the first batch begins at the beginning although a position was given: the sources are not those of the
    /// position, but can be read again, so that whoever compares records can say what differs. Known once next() returned.
    virtual bool from_beginning() const = 0;
    /// Whether it is known where the feed stands behind the last batch, and that place, for open_feed.
    virtual bool has_position() const = 0;
    virtual void save_position(ByteBuffer& out) const = 0;
    /// Makes next() return. Any thread.
    virtual void wake() = 0;
    /// Nothing more is read: next() hands out what is there and due already, then the end. Any thread.
    virtual void stop() = 0;
};

/// Reads when it is asked, on the thread that asks, without waiting: `until` and the speed mean nothing to it.
std::unique_ptr<MarketQueue> make_direct_market_queue(std::vector<DataSource> sources, TimesOf times,
                                                      MarketQueueOptions options);
/// Reads ahead on a thread of its own. Paced data are held back by the thread that asks, to the microsecond: it waits for the next
/// record to fall due, and is handed all that are. Sources and times are kept.
std::unique_ptr<MarketQueue> make_threaded_market_queue(std::vector<DataSource> sources, TimesOf times,
                                                        MarketQueueOptions options);

}  // namespace alpha
