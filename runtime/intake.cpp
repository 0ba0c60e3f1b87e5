#include "runtime/intake.hpp"

#include "adapters/data/stream.hpp"
#include "events/assert.hpp"
#include "runtime/scheduling.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace alpha {

namespace {

using Clock = Intake::Clock;

/// A feed opened at a position, or from its beginning where that can be done and the position is not of these sources.
struct Opened {
    std::unique_ptr<Feed> feed;
    bool from_beginning = false;
};

Result<Opened> open_at(const std::vector<DataSource>& sources, const HoursOf& hours, const ByteBuffer& position) {
    if (position.empty()) {
        return open_feed(sources, hours).map([](auto feed) { return Opened{std::move(feed), true}; });
    }
    Result<std::unique_ptr<Feed>> feed = open_feed(sources, hours, position.view());
    if (feed) {
        return Opened{std::move(*feed), false};
    }
    const bool again = std::ranges::none_of(sources, &DataSource::is_stream);
    if (feed.error().kind != ErrorKind::data || !again) {
        return tl::unexpected(feed.error());
    }
    return open_feed(sources, hours).map([](auto whole) { return Opened{std::move(whole), true}; });
}

class DirectIntake final : public Intake {
public:
    DirectIntake(std::vector<DataSource> sources, HoursOf hours, IntakeOptions options)
        : sources_(std::move(sources)), hours_(std::move(hours)), options_(std::move(options)) {
        for (DataSource& source : sources_) {
            source.interrupt = &interrupt_;
        }
    }

    Result<Got> next(Packet& packet, Clock::time_point) override {
        packet.records = {};
        taken_ = 0;
        if (stopped_.load(std::memory_order_relaxed)) {
            return Got::end;
        }
        if (opened_.feed == nullptr) {
            Result<Opened> opened = open_at(sources_, hours_, options_.position);
            if (!opened) {
                return ending(opened.error());
            }
            opened_ = std::move(*opened);
        }
        const auto batch = opened_.feed->next();
        if (!batch) {
            return ending(batch.error());
        }
        packet.records = *batch;
        packet.symbols = &opened_.feed->symbols();
        packet.received = Clock::now();
        packet.progress = opened_.feed->progress();
        taken_ = batch->size();
        return batch->empty() ? Got::end : Got::records;
    }
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
    HoursOf hours_;
    IntakeOptions options_;
    Interrupt interrupt_;
    Opened opened_;
    std::size_t taken_ = 0;
    std::atomic<bool> stopped_{false};
};

/// Packets that may wait, each of at most a feed's batch: some 2 MB.
constexpr std::size_t kSlots = 64;
/// Records between two places from which a feed can be gone on with.
constexpr std::uint64_t kPositionRecords = 8'192;
/// The reader of paced data hands over what has fallen due in so long: waking up for each record of a busy market would leave
/// the machine time for little else.
constexpr std::chrono::microseconds kShortestNap{80};
/// How long it sleeps at most before it looks whether it is to stop.
constexpr std::chrono::milliseconds kNap{20};

class ThreadedIntake final : public Intake {
public:
    ThreadedIntake(std::vector<DataSource> sources, HoursOf hours, IntakeOptions options)
        : sources_(std::move(sources)), hours_(std::move(hours)), options_(std::move(options)) {
        for (DataSource& source : sources_) {
            source.interrupt = &interrupt_;
        }
        thread_ = std::jthread([this] { read(); });
    }
    ThreadedIntake(const ThreadedIntake&) = delete;
    ThreadedIntake& operator=(const ThreadedIntake&) = delete;
    ~ThreadedIntake() override {
        abandoned_.store(true);
        stop();
        notify();
    }

    Result<Got> next(Packet& packet, Clock::time_point until) override {
        packet.records = {};
        if (holding_) {  // its memory was the caller's until now
            holding_ = false;
            taken_.store(taken_.load(std::memory_order_relaxed) + 1);
            notify_if(reader_sleeps_);
        }
        const std::uint64_t mine = taken_.load(std::memory_order_relaxed);
        if (!wait_until(session_sleeps_, until,
                        [&] { return filled_.load() != mine || (woken_.load() && woken_.exchange(false)); }) ||
            filled_.load() == mine) {
            return Got::nothing;
        }
        Slot& slot = slots_[mine % kSlots];
        symbols_.insert(symbols_.end(), slot.names.begin(), slot.names.end());
        if (slot.error) {
            return tl::unexpected(*slot.error);
        }
        if (slot.records.empty()) {
            return Got::end;
        }
        holding_ = true;
        position_ = &slot.position;
        packet = {slot.records, &symbols_, slot.received, slot.progress};
        return Got::records;
    }
    bool from_beginning() const override { return from_beginning_.load(); }
    bool has_position() const override { return holding_ && !position_->empty(); }
    void save_position(ByteBuffer& out) const override { out.append(position_->view()); }
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
    /// Filled by the reader, then the session's until it asks for the next.
    struct Slot {
        std::vector<FeedRecord> records;
        std::vector<std::string> names;  ///< of symbols first seen in them
        ByteBuffer position;             ///< behind them; empty where none was taken
        FeedProgress progress;
        Clock::time_point received;
        std::optional<Error> error;
    };

    /// Looks for a while, then sleeps. False when the time is over.
    template <class Ready>
    bool wait_until(std::atomic<bool>& sleeps, Clock::time_point until, Ready ready) {
        if (ready()) {
            return true;
        }
        const Clock::time_point look_until = std::min(until, Clock::now() + options_.spin);
        do {
            for (int i = 0; i < 64; ++i) {
                if (ready()) {
                    return true;
                }
#if defined(__x86_64__)
                __builtin_ia32_pause();
#endif
            }
        } while (Clock::now() < look_until);
        std::unique_lock lock(mutex_);
        sleeps.store(true);  // before the last look: who makes it ready looks at this afterwards
        const bool came = changed_.wait_until(lock, until, ready);
        sleeps.store(false);
        return came;
    }
    void notify_if(const std::atomic<bool>& sleeps) {
        if (sleeps.load()) {
            notify();
        }
    }
    void notify() {
        { const std::lock_guard lock(mutex_); }
        changed_.notify_all();
    }

    // ---- the reader ------------------------------------------------------------------------------------------------------

    void read() {
        prefer_latency();
        Result<Opened> opened = open_at(sources_, hours_, options_.position);
        if (!opened) {
            return end(opened.error());
        }
        from_beginning_.store(opened->from_beginning);
        unpaced_ = options_.records_known - (opened->from_beginning ? 0 : options_.records_before);
        Feed& feed = *opened->feed;
        known_symbols_ = opened->from_beginning ? 0 : feed.symbols().size();
        first_names_.assign(feed.symbols().begin(),
                            feed.symbols().begin() + static_cast<std::ptrdiff_t>(known_symbols_));
        while (!stopped_.load(std::memory_order_relaxed)) {
            const auto batch = feed.next();
            if (!batch) {
                return end(batch.error());
            }
            if (batch->empty()) {
                return end(std::nullopt);
            }
            if (!hand_over(*batch, feed)) {
                break;
            }
        }
        end(std::nullopt);
    }

    /// Cuts the batch where the next record is not due yet. False when it is to stop.
    bool hand_over(std::span<const FeedRecord> batch, const Feed& feed) {
        std::size_t from = 0;
        while (from < batch.size()) {
            std::size_t to = batch.size();
            if (options_.speed != 0 && read_ + (batch.size() - from) > unpaced_) {
                const std::uint64_t unpaced = unpaced_ - std::min(unpaced_, read_);
                to = from + static_cast<std::size_t>(unpaced);
                if (to == from && !wait_for(batch[from].time)) {
                    return false;
                }
                const Clock::time_point now = Clock::now();
                while (to < batch.size() && (to == from || due(batch[to].time) <= now)) {
                    ++to;
                }
            }
            Slot* const slot = free_slot();
            if (slot == nullptr) {
                return false;
            }
            slot->records.assign(batch.begin() + static_cast<std::ptrdiff_t>(from),
                                 batch.begin() + static_cast<std::ptrdiff_t>(to));
            slot->received = Clock::now();
            read_ += to - from;
            slot->position.clear();
            if (read_ - position_at_ >= kPositionRecords) {
                feed.save_position(to, slot->position);
                position_at_ = read_;
            }
            slot->progress = feed.progress();
            slot->names = std::move(first_names_);
            first_names_.clear();
            slot->names.insert(slot->names.end(), feed.symbols().begin() + static_cast<std::ptrdiff_t>(known_symbols_),
                               feed.symbols().end());
            known_symbols_ = feed.symbols().size();
            publish();
            from = to;
        }
        return true;
    }

    Clock::time_point due(Time time) {
        if (paced_from_ == kNever) {
            paced_from_ = time;
            paced_at_ = Clock::now();
        }
        return paced_at_ + std::chrono::nanoseconds((time.ns - paced_from_.ns) / options_.speed);
    }
    bool wait_for(Time time) {
        const Clock::time_point at = due(time);
        for (Clock::time_point now = Clock::now(); now < at; now = Clock::now()) {
            if (stopped_.load(std::memory_order_relaxed)) {
                return false;
            }
            std::this_thread::sleep_for(std::clamp<Clock::duration>(at - now, kShortestNap, kNap));
        }
        return true;
    }

    /// Null when nobody will take it any more.
    Slot* free_slot() {
        const std::uint64_t mine = filled_.load(std::memory_order_relaxed);
        const auto is_free = [&] { return mine - taken_.load() < kSlots || abandoned_.load(); };
        while (!wait_until(reader_sleeps_, Clock::now() + std::chrono::seconds(1), is_free)) {}
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
    HoursOf hours_;
    IntakeOptions options_;
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
    std::vector<std::string> symbols_;
    bool holding_ = false;
    const ByteBuffer* position_ = nullptr;

    // The reader's.
    std::size_t known_symbols_ = 0;
    std::vector<std::string> first_names_;
    std::uint64_t read_ = 0;
    std::uint64_t position_at_ = 0;
    std::uint64_t unpaced_ = 0;
    Time paced_from_ = kNever;
    Clock::time_point paced_at_;
    std::jthread thread_;
};

}  // namespace

std::unique_ptr<Intake> make_direct_intake(std::vector<DataSource> sources, HoursOf hours, IntakeOptions options) {
    return std::make_unique<DirectIntake>(std::move(sources), std::move(hours), std::move(options));
}

std::unique_ptr<Intake> make_threaded_intake(std::vector<DataSource> sources, HoursOf hours, IntakeOptions options) {
    return std::make_unique<ThreadedIntake>(std::move(sources), std::move(hours), std::move(options));
}

}  // namespace alpha
