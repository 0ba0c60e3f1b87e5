#include "store/background_log.hpp"

#include "store/machine.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace alpha {

namespace {

/// Items on their way from one thread to another, and spent ones on their way back, so that their memory is used again. A side
/// that waits is woken when half of all items are there for it: one wake-up for many items, where waking costs as much as
/// a frame.
template <class T>
class Exchange {
public:
    explicit Exchange(std::size_t capacity) : enough_(capacity / 2) {
        for (std::size_t i = 0; i < capacity; ++i) {
            spent_.push_back(std::make_unique<T>());
        }
    }

    /// A spent item, once there is one; null after close().
    std::unique_ptr<T> take_spent() {
        std::unique_lock lock(mutex_);
        freed_.wait(lock, [&] { return closed_ || !spent_.empty(); });
        if (closed_) {
            return nullptr;
        }
        std::unique_ptr<T> item = std::move(spent_.back());
        spent_.pop_back();
        return item;
    }
    void put(std::unique_ptr<T> item) {
        bool enough = false;
        {
            const std::lock_guard lock(mutex_);
            full_.push_back(std::move(item));
            enough = full_.size() >= enough_;
        }
        if (enough) {
            arrived_.notify_one();
        }
    }
    /// The next item, once there is one; null when there will be none.
    std::unique_ptr<T> take() {
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [&] { return closed_ || ended_ || !full_.empty(); });
        if (full_.empty() || closed_) {
            return nullptr;
        }
        std::unique_ptr<T> item = std::move(full_.front());
        full_.pop_front();
        return item;
    }
    void give_back(std::unique_ptr<T> item) {
        bool enough = false;
        {
            const std::lock_guard lock(mutex_);
            spent_.push_back(std::move(item));
            enough = spent_.size() >= enough_;
        }
        if (enough) {
            freed_.notify_one();
        }
    }
    /// Nothing more will be put.
    void end() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        arrived_.notify_all();
    }
    /// Nothing more will be taken.
    void close() {
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
        }
        arrived_.notify_all();
        freed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::condition_variable freed_;
    std::size_t enough_;
    std::deque<std::unique_ptr<T>> full_;
    std::vector<std::unique_ptr<T>> spent_;
    bool ended_ = false;
    bool closed_ = false;
};

/// Whoever appends decides on orders and has no time to wake the thread, which costs dozens of microseconds: while there is
/// work now and then, the thread looks for it so often by itself, and only a queue half full wakes it at once.
constexpr std::chrono::milliseconds kLook{2};
constexpr std::chrono::milliseconds kAwake{100};
constexpr Clock::TimePoint kForEver = Clock::TimePoint::max();

class BackgroundLogImpl final : public BackgroundLog {
public:
    BackgroundLogImpl(std::unique_ptr<LogWriter> log, const BackgroundOptions& options)
        : log_(std::move(log)),
          options_(options),
          clock_(*options.clock),
          next_seq_(log_->next_seq()),
          durable_seq_(log_->next_seq()),
          tail_([this](Seq from) { return log_->frames(from); }, log_->next_seq(), clock_, options.tail_bytes_max) {
        for (std::size_t i = 0; i < options.queue_batches; ++i) {
            spent_.push_back(std::make_unique<Batch>());
        }
        thread_ = start_thread(clock_, [this] {
            Result<void> ran = no_exceptions([this] { return run(); });
            std::unique_lock lock(mutex_);
            if (!ran) {
                health_ = std::move(ran);
                clock_.notify_all(changed_);
            }
            answer_asked(lock);
            if (!health_) {
                tail_.end();
            }
        });
    }
    BackgroundLogImpl(const BackgroundLogImpl&) = delete;
    BackgroundLogImpl& operator=(const BackgroundLogImpl&) = delete;
    ~BackgroundLogImpl() override {
        stop();
        tail_.close_stored();
        tail_.end();
    }

    Result<void> append(Batch& batch) override {
        std::unique_lock lock(mutex_);
        if (Result<void> ok = check_appendable(batch.frame, next_seq_, finished_); !ok) {
            return ok;
        }
        clock_.wait_until(lock, changed_, kForEver, [&] { return !health_ || !spent_.empty(); });
        if (!health_) {
            return health_;
        }
        if (batch.frame.events != 0) {
            std::unique_ptr<Batch> slot = std::move(spent_.back());
            spent_.pop_back();
            std::swap(*slot, batch);
            if (slot->snapshot.empty()) {
                std::swap(slot->snapshot, batch.snapshot);
            }
            if (room_) {
                batch.snapshot = *std::exchange(room_, std::nullopt);
            }
            next_seq_ = slot->frame.next_seq();
            batch.feed_records = slot->feed_records;
            waiting_.push_back(std::move(slot));
            const bool wake = sleeps_ || waiting_.size() >= options_.queue_batches / 2;
            lock.unlock();
            if (wake) {
                clock_.notify_all(arrived_);
            }
        }
        batch.begin(next_seq_);
        return {};
    }

    Result<void> commit() override {
        std::unique_lock lock(mutex_);
        const Seq wanted = next_seq_;
        asked_seq_ = std::max(asked_seq_, wanted);
        clock_.notify_all(arrived_);
        clock_.wait_until(lock, changed_, kForEver, [&] { return !health_ || durable_seq_.load() >= wanted; });
        return health_;
    }

    void ask_commit(std::function<void(const Result<void>&)> on_durable) override {
        Result<void> now;
        {
            const std::lock_guard lock(mutex_);
            now = health_;
            if (now && durable_seq_.load() < next_seq_) {
                asked_.push_back({next_seq_, std::move(on_durable)});
                asked_seq_ = next_seq_;
                clock_.notify_all(arrived_);
                return;
            }
        }
        on_durable(now);
    }

    Result<void> finish(const std::optional<Ending>& ending) override {
        stop();
        if (!health_ || finished_) {
            return health_;
        }
        finished_ = true;
        tail_.close_stored();
        health_ = log_->finish(ending);
        if (health_) {
            tail_.advance(log_->next_seq());
        }
        tail_.end();
        return health_;
    }

    Result<void> health() const override {
        const std::lock_guard lock(mutex_);
        return health_;
    }
    LogTail& tail() override { return tail_; }
    std::unique_ptr<FrameCursor> frames(Seq from) const override { return log_->frames(from); }
    Seq next_seq() const override { return next_seq_; }
    Seq durable_seq() const override { return durable_seq_.load(std::memory_order_acquire); }
    Digest head() const override {
        std::unique_lock lock(mutex_);
        clock_.wait_until(lock, changed_, kForEver, [&] { return !health_ || (waiting_.empty() && !writing_); });
        return log_->head();
    }

private:
    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        clock_.notify_all(arrived_);
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    /// The thread: writes what waits; commits when asked, when the interval is over, and before it ends.
    Result<void> run() {
        std::unique_lock lock(mutex_);
        bool uncommitted = false;  // something is written and not committed
        Clock::TimePoint commit_at{};
        Clock::TimePoint awake_until{};
        while (health_) {
            const auto called = [&] { return stopping_ || !waiting_.empty() || asked_seq_ > durable_seq_.load(); };
            const Clock::TimePoint now = clock_.now();
            if (uncommitted || now < awake_until) {
                clock_.wait_until(lock, arrived_, uncommitted ? std::min(commit_at, now + kLook) : now + kLook, called);
            } else {
                sleeps_ = true;
                clock_.wait_until(lock, arrived_, kForEver, called);
                sleeps_ = false;
            }
            const bool asked = waiting_.empty() && (stopping_ || asked_seq_ > durable_seq_.load());
            if (uncommitted && (asked || clock_.now() >= commit_at)) {
                commit(lock);
                uncommitted = false;
            } else if (!waiting_.empty()) {
                write_next(lock);
                awake_until = clock_.now() + kAwake;
                commit_at = uncommitted ? commit_at : clock_.now() + options_.commit_interval;
                uncommitted = true;
            } else if (asked && !stopping_) {
                durable_seq_.store(next_seq_);  // nothing was appended since the last commit
            }
            answer_asked(lock);
            clock_.notify_all(changed_);
            if (stopping_ && waiting_.empty() && !uncommitted) {
                break;
            }
        }
        clock_.notify_all(changed_);
        return health_;
    }

    /// Tells those whose events are durable, and all of them where nothing will be any more.
    void answer_asked(std::unique_lock<std::mutex>& lock) {
        while (!asked_.empty() && (!health_ || asked_.front().seq <= durable_seq_.load())) {
            const Asked asked = std::move(asked_.front());
            asked_.pop_front();
            const Result<void> health = health_;
            lock.unlock();
            asked.on_durable(health);
            lock.lock();
        }
    }

    void write_next(std::unique_lock<std::mutex>& lock) {
        std::unique_ptr<Batch> batch = std::move(waiting_.front());
        waiting_.pop_front();
        writing_ = true;
        lock.unlock();
        const bool has_snapshot = !batch->snapshot.empty();
        SharedFrame shared = tail_.copy_for_followers(batch->frame);
        Result<void> written = log_->append(*batch);
        if (written && shared != nullptr) {
            tail_.keep(std::move(shared));
        }
        lock.lock();
        if (has_snapshot) {
            room_ = std::exchange(batch->snapshot, ByteBuffer());
        }
        writing_ = false;
        health_ = std::move(written);
        spent_.push_back(std::move(batch));
    }

    void commit(std::unique_lock<std::mutex>& lock) {
        const Seq written = log_->next_seq();
        writing_ = true;
        lock.unlock();
        Result<void> committed = log_->commit();
        if (committed) {
            tail_.advance(written);
        }
        lock.lock();
        writing_ = false;
        if (committed) {
            durable_seq_.store(written, std::memory_order_release);
        }
        health_ = std::move(committed);
    }

    std::unique_ptr<LogWriter> log_;  // the thread's alone while it runs
    BackgroundOptions options_;
    Clock& clock_;
    mutable std::mutex mutex_;
    std::condition_variable arrived_;          // something for the thread to do
    mutable std::condition_variable changed_;  // something the others wait for
    std::deque<std::unique_ptr<Batch>> waiting_;
    std::vector<std::unique_ptr<Batch>> spent_;
    /// The memory of the last snapshot, on its way back to whoever appends, who keeps it: megabytes that are new to the process cost
    /// more than writing into them.
    std::optional<ByteBuffer> room_;
    Result<void> health_;  // or the first thing that went wrong behind the queue
    Seq next_seq_;
    Seq asked_seq_ = 0;  // somebody waits for everything before this to be durable
    struct Asked {
        Seq seq = 0;
        std::function<void(const Result<void>&)> on_durable;
    };
    std::deque<Asked> asked_;  // in the order of their events
    std::atomic<Seq> durable_seq_;
    bool writing_ = false;
    bool sleeps_ = false;  // until it is woken
    bool stopping_ = false;
    bool finished_ = false;
    LogTail tail_;
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<BackgroundLog> make_background_log(std::unique_ptr<LogWriter> log, const BackgroundOptions& options) {
    return std::make_unique<BackgroundLogImpl>(std::move(log), options);
}

struct ReadAhead::Work {
    static constexpr std::size_t kFramesAhead = 16;
    Exchange<Frame> frames{kFramesAhead};
    std::unique_ptr<Frame> taken;
    Result<void> scanned;  // the thread's until it has ended
    std::jthread thread;
};

ReadAhead::ReadAhead(const LogReader& log, Seq from) : work_(std::make_unique<Work>()) {
    work_->thread = std::jthread([&log, from, &work = *work_] {
        const auto hand_over = [&work](Frame& frame) {
            std::unique_ptr<Frame> slot = work.frames.take_spent();
            if (slot == nullptr) {
                return false;
            }
            std::swap(*slot, frame);
            work.frames.put(std::move(slot));
            return true;
        };
        work.scanned = no_exceptions([&] { return log.scan(from, hand_over); });
        work.frames.end();
    });
}

ReadAhead::~ReadAhead() {
    work_->frames.close();
}

Frame* ReadAhead::next() {
    if (work_->taken != nullptr) {
        work_->frames.give_back(std::move(work_->taken));
    }
    work_->taken = work_->frames.take();
    if (work_->taken == nullptr && work_->thread.joinable()) {
        work_->thread.join();
    }
    return work_->taken.get();
}

Result<void> ReadAhead::outcome() const {
    return work_->scanned;
}

Result<void> scan_ahead(const LogReader& log, Seq from, const FrameVisit& visit) {
    ReadAhead frames(log, from);
    while (Frame* frame = frames.next()) {
        if (!visit(*frame)) {
            return {};
        }
    }
    return frames.outcome();
}

}  // namespace alpha
