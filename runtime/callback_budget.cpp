#include "runtime/callback_budget.hpp"

#include "events/result.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <spdlog/logger.h>
#include <thread>
#include <time.h>
#include <unistd.h>

namespace alpha {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPatience = 10;  // so many times as long as a callback may take
/// The watchdog looks so often within its patience; a callback that it finds at half of them took too long.
constexpr std::uint64_t kLooks = 8;
/// Asking for a thread's processor time takes longer than most callbacks: it is known to so much.
constexpr std::chrono::milliseconds kCpuKnownTo{50};

std::chrono::nanoseconds thread_cpu_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

/// Looks at the callback at hand from time to time.
class CallbackBudget::Watchdog {
public:
    Watchdog(std::chrono::milliseconds patience, spdlog::logger& log)
        : patience_(patience), log_(log), thread_([this] { run(); }) {}
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    ~Watchdog() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

    /// The texts stay good for as long as this is there.
    void enter(const char* strategy, const char* callback) {
        strategy_.store(strategy, std::memory_order_relaxed);
        callback_.store(callback, std::memory_order_relaxed);
        callbacks_.store(++entered_, std::memory_order_release);
    }
    /// Whether it was found at work at half of the looks that it has.
    bool leave() {
        callbacks_.store(0, std::memory_order_release);
        return seen_.load(std::memory_order_acquire) == entered_ &&
               looks_.load(std::memory_order_acquire) >= kLooks / 2;
    }

private:
    void run() {
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, patience_ / kLooks, [this] { return ended_; })) {
            const std::uint64_t callback = callbacks_.load(std::memory_order_acquire);
            const bool is_same = callback != 0 && callback == seen_.load(std::memory_order_relaxed);
            looks_.store(is_same ? looks_.load(std::memory_order_relaxed) + 1 : 0, std::memory_order_release);
            seen_.store(callback, std::memory_order_release);
            if (is_same && looks_.load(std::memory_order_relaxed) >= kLooks) {
                log_.critical(
                    "the strategy {} has not returned from {} for {} s; the process ends here, its journal can "
                    "be resumed",
                    strategy_.load(std::memory_order_relaxed), callback_.load(std::memory_order_relaxed),
                    std::chrono::duration_cast<std::chrono::seconds>(patience_).count());
                log_.flush();
                _exit(static_cast<int>(ErrorKind::internal));
            }
        }
    }

    const std::chrono::milliseconds patience_;
    spdlog::logger& log_;
    std::atomic<const char*> strategy_{nullptr};
    std::atomic<const char*> callback_{nullptr};
    std::uint64_t entered_ = 0;                // callbacks so far
    std::atomic<std::uint64_t> callbacks_{0};  // the number of the one at hand; zero: there is none
    std::atomic<std::uint64_t> seen_{0};       // at the last look
    std::atomic<std::uint64_t> looks_{0};      // that have found the same one since the first
    std::mutex mutex_;
    std::condition_variable changed_;
    bool ended_ = false;
    std::thread thread_;  // last: it uses all of the above
};

/// A strategy with a clock around it.
class CallbackBudget::Watched final : public Strategy {
public:
    Watched(std::unique_ptr<Strategy> strategy, StrategyId id, const StrategyConfig& config, CallbackBudget& budget)
        : strategy_(std::move(strategy)),
          id_(id),
          name_(fmt::format("'{}' ({})", config.name, config.use)),
          budget_(budget) {}

    void on_quote(const QuoteTick& quote, Context& context) override {
        const Timed timed(*this, "on_quote");
        strategy_->on_quote(quote, context);
    }
    void on_trade(const TradeTick& trade, Context& context) override {
        const Timed timed(*this, "on_trade");
        strategy_->on_trade(trade, context);
    }
    void on_bar_opened(const BarOpened& bar, Context& context) override {
        const Timed timed(*this, "on_bar_opened");
        strategy_->on_bar_opened(bar, context);
    }
    void on_bar(const BarClosed& bar, Context& context) override {
        const Timed timed(*this, "on_bar");
        strategy_->on_bar(bar, context);
    }
    void on_timer(TimerId timer, Context& context) override {
        const Timed timed(*this, "on_timer");
        strategy_->on_timer(timer, context);
    }
    void on_order(const OrderUpdate& update, Context& context) override {
        const Timed timed(*this, "on_order");
        strategy_->on_order(update, context);
    }
    void on_fill(const OrderFilled& fill, Context& context) override {
        const Timed timed(*this, "on_fill");
        strategy_->on_fill(fill, context);
    }
    void save(ByteBuffer& out) const override { strategy_->save(out); }
    Result<void> load(Bytes bytes) override { return strategy_->load(bytes); }

private:
    class Timed {
    public:
        Timed(Watched& watched, const char* callback) : watched_(watched), callback_(callback) {
            if (Watchdog* const watchdog = watched_.budget_.watchdog_.get(); watchdog != nullptr) {
                begun_ = Clock::now();
                if (begun_ - watched_.budget_.cpu_known_at_ > kCpuKnownTo) {
                    watched_.budget_.cpu_known_ = thread_cpu_time();
                    watched_.budget_.cpu_known_at_ = begun_;
                }
                watchdog->enter(watched_.name_.c_str(), callback_);
            }
        }
        ~Timed() {
            if (begun_ == Clock::time_point{}) {
                return;
            }
            CallbackBudget& budget = watched_.budget_;
            const bool waited = budget.watchdog_->leave();
            const Clock::duration taken = Clock::now() - begun_;
            if (taken <= budget.most_) [[likely]] {
                return;
            }
            // At the callback's beginning the thread had used no more than what it had before, and all of the time since.
            const std::chrono::nanoseconds cpu =
                thread_cpu_time() - budget.cpu_known_ - (begun_ - budget.cpu_known_at_);
            if (cpu > budget.most_) {
                watched_.overran(callback_, cpu, "of processor time");
            } else if (waited) {
                watched_.overran(callback_, taken, "of real time");
            }
        }
        Timed(const Timed&) = delete;
        Timed& operator=(const Timed&) = delete;

    private:
        Watched& watched_;
        const char* callback_;
        Clock::time_point begun_{};
    };

    void overran(const char* callback, Clock::duration taken, const char* of) {
        budget_.overruns_.push_back(
            {id_, fmt::format("{} took {} ms {}; a callback may take {} ms of processor time", callback,
                              std::chrono::duration_cast<std::chrono::milliseconds>(taken).count(), of,
                              budget_.most_.count())});
    }

    std::unique_ptr<Strategy> strategy_;
    StrategyId id_;
    std::string name_;
    CallbackBudget& budget_;
};

CallbackBudget::CallbackBudget(std::chrono::milliseconds most, std::shared_ptr<spdlog::logger> log,
                               std::chrono::milliseconds least_patience)
    : most_(most), patience_(std::max(least_patience, kPatience * most)), log_(std::move(log)) {}
CallbackBudget::~CallbackBudget() = default;

void CallbackBudget::watch(std::vector<std::unique_ptr<Strategy>>& strategies, const RunConfigured& config,
                           std::span<const StrategySpec> catalog) {
    if (most_.count() == 0) {
        return;
    }
    for (std::uint32_t i = 0; i < strategies.size(); ++i) {
        const StrategySpec* const spec = find_strategy(config.strategies[i].use, catalog);
        if (spec != nullptr && spec->is_plugin) {
            strategies[i] =
                std::make_unique<Watched>(std::move(strategies[i]), StrategyId{i}, config.strategies[i], *this);
            watches_ = true;
        }
    }
}

void CallbackBudget::start() {
    if (watches_ && watchdog_ == nullptr) {
        watchdog_ = std::make_unique<Watchdog>(patience_, *log_);
    }
}

}  // namespace alpha
