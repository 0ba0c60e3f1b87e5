#include "runtime/market_queue.hpp"

#include "adapters/data/stream.hpp"
#include "events/assert.hpp"
#include "runtime/scheduling.hpp"
#include "store/machine.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace alpha {

namespace {

/// A feed opened at a position, or from its beginning where that can be done and the position is not of these sources.
struct Opened {
    std::unique_ptr<Feed> feed;
    bool from_beginning = false;
};

Result<Opened> open_at(const std::vector<DataSource>& sources, const TimesOf& times, const ByteBuffer& position,
                       const FeedWatch& watch) {
    if (position.empty()) {
        return open_feed(sources, times, watch).map([](auto feed) { return Opened{std::move(feed), true}; });
    }
    Result<std::unique_ptr<Feed>> feed = open_feed(sources, times, position.view(), watch);
    if (feed) {
        return Opened{std::move(*feed), false};
    }
    const bool again = std::ranges::none_of(sources, &DataSource::is_stream);
    if (feed.error().kind != ErrorKind::data || !again) {
        return tl::unexpected(feed.error());
    }
    return open_feed(sources, times, watch).map([](auto whole) { return Opened{std::move(whole), true}; });
}

class DirectMarketQueue final : public MarketQueue {
public:
    DirectMarketQueue(std::vector<DataSource> sources, TimesOf times, MarketQueueOptions options)
        : sources_(std::move(sources)),
          times_(std::move(times)),
          options_(std::move(options)),
          clock_(*options_.clock) {
        for (DataSource& source : sources_) {
            source.interrupt = &interrupt_;
        }
    }

    Result<Got> next(MarketBatch& batch, Clock::TimePoint) override {
        batch.records = {};
        taken_ = 0;
        if (stopped_.load(std::memory_order_relaxed)) {
            return Got::end;
        }
        if (opened_.feed == nullptr) {
            Result<Opened> opened = open_at(sources_, times_, options_.position, std::exchange(options_.watch, {}));
            if (!opened) {
                return ending(opened.error());
            }
            opened_ = std::move(*opened);
        }
        const auto records = opened_.feed->next();
        if (!records) {
            return ending(records.error());
        }
        batch.records = *records;
        batch.symbols = &opened_.feed->symbols();
        batch.read = clock_.now();
        batch.progress = opened_.feed->progress();
        taken_ = records->size();
        return records->empty() ? Got::end : Got::records;
    }
    Time passed() const override { return kBeforeAll; }
    Clock::TimePoint passes(Time) const override { return Clock::TimePoint::max(); }
    bool from_beginning() const override { return opened_.from_beginning; }
    bool has_position() const override { return true; }
    void save_position(ByteBuffer& out) const override { opened_.feed->save_position(taken_, out); }
    void wake() override {}
    void stop() override {
        stopped_.store(true, std::memory_order_relaxed);
        interrupt_.set();
    }

private:
    /// A stream whose reading was ended on purpose has just ended.
    Result<Got> ending(const Error& error) const {
        if (stopped_.load() && error.kind == ErrorKind::interrupted) {
            return Got::end;
        }
        return tl::unexpected(error);
    }

    std::vector<DataSource> sources_;
    TimesOf times_;
    MarketQueueOptions options_;
    Clock& clock_;
    Interrupt interrupt_;
    Opened opened_;
    std::size_t taken_ = 0;
    std::atomic<bool> stopped_{false};
};

/// Batches that may wait, each of at most a feed's: some 2 MB.
constexpr std::size_t kSlots = 64;
/// Records between two places from which a feed can be resumed.
constexpr std::uint64_t kPositionRecords = 8'192;
/// A reader without a free slot looks again after so long, and is woken when half of them are free: waking it for each would cost
/// the session more than its work on a tick.
constexpr std::chrono::milliseconds kLookForSlots{10};

class ThreadedMarketQueue final : public MarketQueue {
public:
    ThreadedMarketQueue(std::vector<DataSource> sources, TimesOf times, MarketQueueOptions options)
        : sources_(std::move(sources)),
          times_(std::move(times)),
          options_(std::move(options)),
          clock_(*options_.clock) {
        for (DataSource& source : sources_) {
            source.interrupt = &interrupt_;
        }
        thread_ = start_thread(clock_, [this] {
            if (const Result<void> read_all = no_exceptions([this] { return read(), Result<void>{}; }); !read_all) {
                end(read_all.error());
            }
        });
    }
    ThreadedMarketQueue(const ThreadedMarketQueue&) = delete;
    ThreadedMarketQueue& operator=(const ThreadedMarketQueue&) = delete;
    ~ThreadedMarketQueue() override {
        abandoned_.store(true);
        stop();
        notify();
    }

    Result<Got> next(MarketBatch& batch, Clock::TimePoint until) override {
        const Clock::TimePoint asked = clock_.now();
        Clock::TimePoint found = asked;
        batch.records = {};
        if (slot_ != nullptr && given_ != 0 && given_ == slot_->records.size()) {
            free_taken_slot();
        }
        const bool is_new = slot_ == nullptr;
        if (is_new && !take_slot(until)) {
            return Got::nothing;
        }
        if (slot_->error) {
            return tl::unexpected(*slot_->error);
        }
        if (slot_->records.empty()) {
            return Got::end;
        }
        std::span<const FeedRecord> records = std::span<const FeedRecord>(slot_->records).subspan(given_);
        if (options_.speed == 0 || unpaced_ != 0) {
            records =
                records.first(options_.speed == 0 ? records.size() : std::min<std::uint64_t>(records.size(), unpaced_));
            unpaced_ -= std::min<std::uint64_t>(unpaced_, records.size());
        } else {
            if (stopped_.load(std::memory_order_relaxed)) {
                return Got::end;
            }
            if (pace_.speed == 0) {
                pace_ = {records.front().time, clock_.now(), options_.speed};
            }
            // Who asks did not know yet how long the silence will be.
            if (!wait_for(pace_.due(records.front().time), is_new ? asked : until)) {
                return Got::nothing;
            }
            found = clock_.now();
            std::size_t n = 1;
            while (n < records.size() && pace_.due(records[n].time) <= found) {
                ++n;
            }
            records = records.first(n);
        }
        given_ += records.size();
        batch = {records, &symbols_, slot_->read, asked, found, pace_, slot_->progress};
        return Got::records;
    }
    Time passed() const override {
        if (is_clocked_) {
            return clock_.wall();
        }
        if (!is_next_known()) {
            return kBeforeAll;
        }
        const Time next = slot_->records[given_].time;
        const Clock::TimePoint now = clock_.now();
        if (now >= pace_.due(next)) {
            return next;
        }
        // Before the next record is due, what has passed is less than what lies between it and the first: the product fits.
        return Time{pace_.from.ns + std::chrono::nanoseconds(now - pace_.at).count() * pace_.speed};
    }
    Clock::TimePoint passes(Time time) const override {
        constexpr Clock::TimePoint kNobodyKnows = Clock::TimePoint::max();
        if (time == kNever) {
            return kNobodyKnows;
        }
        if (is_clocked_) {
            return clock_.now() + std::chrono::nanoseconds(std::max<std::int64_t>(time.ns - clock_.wall().ns, 0) + 1);
        }
        const bool is_before_next = is_next_known() && time < slot_->records[given_].time;
        return is_before_next ? pace_.due(time) + std::chrono::nanoseconds(1) : kNobodyKnows;
    }
    bool from_beginning() const override { return from_beginning_.load(); }
    bool has_position() const override {
        return slot_ != nullptr && given_ == slot_->records.size() && !slot_->position.empty();
    }
    void save_position(ByteBuffer& out) const override { out.append(slot_->position.view()); }
    void wake() override {
        woken_.store(true);
        notify_if(session_sleeps_);
    }
    void stop() override {
        stopped_.store(true);
        interrupt_.set();
        notify();
    }

private:
    /// Filled by the reader, then the session's until it has taken all of it.
    struct Slot {
        std::vector<FeedRecord> records;
        std::vector<std::string> names;  ///< of symbols first seen in them
        ByteBuffer position;             ///< behind them; empty where none was taken
        FeedProgress progress;
        Clock::TimePoint read;
        std::optional<Error> error;
    };

    // ---- the session -----------------------------------------------------------------------------------------------------

    /// Whether a record is held back until it falls due.
    bool is_next_known() const {
        return pace_.speed != 0 && unpaced_ == 0 && slot_ != nullptr && given_ < slot_->records.size();
    }
    /// False when none came until then, or it was woken.
    bool take_slot(Clock::TimePoint until) {
        const std::uint64_t mine = taken_.load(std::memory_order_relaxed);
        const auto is_called = [&] { return filled_.load() != mine || (woken_.load() && woken_.exchange(false)); };
        const Clock::TimePoint look_until = std::min(until, clock_.now() + options_.spin);
        bool called = is_called();
        while (!called && clock_.now() < look_until) {
            for (int i = 0; i < 64 && !called; ++i) {
                pause();
                called = is_called();
            }
        }
        if (!called) {
            sleep(until, is_called);
        }
        if (filled_.load() == mine) {
            return false;
        }
        slot_ = &slots_[mine % kSlots];
        given_ = 0;
        symbols_.insert(symbols_.end(), slot_->names.begin(), slot_->names.end());
        if (mine == 0) {
            unpaced_ = options_.records_known - (from_beginning() ? 0 : options_.records_before);
        }
        return true;
    }
    void free_taken_slot() {
        slot_ = nullptr;
        const std::uint64_t taken = taken_.load(std::memory_order_relaxed) + 1;
        taken_.store(taken);
        if (reader_sleeps_.load() && filled_.load() - taken <= kSlots / 2) {
            notify();
        }
    }
    /// False when `until` came first, or it was woken. Sleeps until shortly before: waking up may take long.
    bool wait_for(Clock::TimePoint due, Clock::TimePoint until) {
        for (;;) {
            const Clock::TimePoint now = clock_.now();
            if (now >= due) {
                return true;
            }
            if (now >= until || (woken_.load() && woken_.exchange(false))) {
                return false;
            }
            if (now < std::min(due - options_.spin, until)) {
                sleep(std::min(due - options_.spin, until), [&] { return woken_.load(); });
            } else {
                pause();
            }
        }
    }
    template <class Called>
    void sleep(Clock::TimePoint until, Called called) {
        std::unique_lock lock(mutex_);
        session_sleeps_.store(true);  // before the last look: who calls looks at this afterwards
        clock_.wait_until(lock, changed_, until, called);
        session_sleeps_.store(false);
    }
    static void pause() {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }

    void notify_if(const std::atomic<bool>& sleeps) {
        if (sleeps.load()) {
            notify();
        }
    }
    void notify() {
        { const std::lock_guard lock(mutex_); }
        clock_.notify_all(changed_);
    }

    // ---- the reader ------------------------------------------------------------------------------------------------------

    void read() {
        prefer_latency();
        Result<Opened> opened = open_at(sources_, times_, options_.position, std::exchange(options_.watch, {}));
        if (!opened) {
            return end(opened.error());
        }
        from_beginning_.store(opened->from_beginning);
        Feed& feed = *opened->feed;
        known_symbols_ = opened->from_beginning ? 0 : feed.symbols().size();
        first_names_.assign(feed.symbols().begin(),
                            feed.symbols().begin() + static_cast<std::ptrdiff_t>(known_symbols_));
        while (!stopped_.load(std::memory_order_relaxed)) {
            const auto records = feed.next();
            if (!records) {
                return end(records.error());
            }
            if (records->empty()) {
                return end(std::nullopt);
            }
            if (!hand_over(*records, feed)) {
                break;
            }
        }
        end(std::nullopt);
    }

    /// False when nobody will take it.
    bool hand_over(std::span<const FeedRecord> records, const Feed& feed) {
        Slot* const slot = free_slot();
        if (slot == nullptr) {
            return false;
        }
        slot->records.assign(records.begin(), records.end());
        slot->read = clock_.now();
        read_ += records.size();
        slot->position.clear();
        if (read_ - position_at_ >= kPositionRecords) {
            feed.save_position(records.size(), slot->position);
            position_at_ = read_;
        }
        slot->progress = feed.progress();
        slot->names = std::move(first_names_);
        first_names_.clear();
        slot->names.insert(slot->names.end(), feed.symbols().begin() + static_cast<std::ptrdiff_t>(known_symbols_),
                           feed.symbols().end());
        known_symbols_ = feed.symbols().size();
        publish();
        return true;
    }

    /// Null when nobody will take it any more.
    Slot* free_slot() {
        const std::uint64_t mine = filled_.load(std::memory_order_relaxed);
        const auto is_free = [&] { return mine - taken_.load() < kSlots || abandoned_.load(); };
        std::unique_lock lock(mutex_, std::defer_lock);
        while (!is_free()) {
            lock.lock();
            reader_sleeps_.store(true);  // before the last look
            clock_.wait_until(lock, changed_, clock_.now() + kLookForSlots, is_free);
            reader_sleeps_.store(false);
            lock.unlock();
        }
        return abandoned_.load() ? nullptr : &slots_[mine % kSlots];
    }
    void publish() {
        filled_.store(filled_.load(std::memory_order_relaxed) + 1);
        notify_if(session_sleeps_);
    }
    void end(std::optional<Error> error) {
        if (Slot* const slot = free_slot(); slot != nullptr) {
            slot->records.clear();
            slot->names = std::move(first_names_);
            const bool on_purpose = error && error->kind == ErrorKind::interrupted && stopped_.load();
            slot->error = on_purpose ? std::nullopt : std::move(error);
            publish();
        }
    }

    std::vector<DataSource> sources_;
    TimesOf times_;
    MarketQueueOptions options_;
    Clock& clock_;
    Interrupt interrupt_;

    std::array<Slot, kSlots> slots_;
    alignas(64) std::atomic<std::uint64_t> filled_{0};  // by the reader
    alignas(64) std::atomic<std::uint64_t> taken_{0};   // by the session
    std::atomic<bool> reader_sleeps_{false};
    std::atomic<bool> session_sleeps_{false};
    std::atomic<bool> woken_{false};
    std::atomic<bool> stopped_{false};
    std::atomic<bool> abandoned_{false};
    std::atomic<bool> from_beginning_{false};
    std::mutex mutex_;
    std::condition_variable changed_;

    // The session's.
    const bool is_clocked_ = std::ranges::any_of(sources_, &DataSource::is_clocked);
    std::vector<std::string> symbols_;
    const Slot* slot_ = nullptr;  // being taken,
    std::size_t given_ = 0;       // so many of its records so far
    std::uint64_t unpaced_ = 0;   // records that the journal has, still to come
    Pace pace_;

    // The reader's.
    std::size_t known_symbols_ = 0;
    std::vector<std::string> first_names_;
    std::uint64_t read_ = 0;
    std::uint64_t position_at_ = 0;
    std::jthread thread_;
};

}  // namespace

std::unique_ptr<MarketQueue> make_direct_market_queue(std::vector<DataSource> sources, TimesOf times,
                                                      MarketQueueOptions options) {
    return std::make_unique<DirectMarketQueue>(std::move(sources), std::move(times), std::move(options));
}

std::unique_ptr<MarketQueue> make_threaded_market_queue(std::vector<DataSource> sources, TimesOf times,
                                                        MarketQueueOptions options) {
    return std::make_unique<ThreadedMarketQueue>(std::move(sources), std::move(times), std::move(options));
}

}  // namespace alpha
