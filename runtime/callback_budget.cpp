#include "runtime/callback_budget.hpp"

#include "events/result.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <spdlog/logger.h>
#include <thread>
#include <unistd.h>

namespace alpha {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPatience = 10;  // so many times as long as a callback may take

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
    void enter(Clock::time_point at, const char* strategy, const char* callback) {
        strategy_.store(strategy, std::memory_order_relaxed);
        callback_.store(callback, std::memory_order_relaxed);
        since_.store(at.time_since_epoch().count(), std::memory_order_release);
    }
    void leave() { since_.store(0, std::memory_order_release); }

private:
    void run() {
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, patience_ / 8, [this] { return ended_; })) {
            const Clock::rep since = since_.load(std::memory_order_acquire);
            const Clock::duration taken = Clock::now().time_since_epoch() - Clock::duration(since);
            if (since != 0 && taken > patience_) {
                log_.critical(
                    "the strategy {} has not returned from {} for {} s; the process ends here, its journal can "
                    "be gone on with",
                    strategy_.load(std::memory_order_relaxed), callback_.load(std::memory_order_relaxed),
                    std::chrono::duration_cast<std::chrono::seconds>(taken).count());
                log_.flush();
                _exit(static_cast<int>(ErrorKind::internal));
            }
        }
    }

    const std::chrono::milliseconds patience_;
    spdlog::logger& log_;
    std::atomic<const char*> strategy_{nullptr};
    std::atomic<const char*> callback_{nullptr};
    std::atomic<Clock::rep> since_{0};  // when the callback at hand began; zero: there is none
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
                watchdog->enter(begun_, watched_.name_.c_str(), callback_);
            }
        }
        ~Timed() {
            if (begun_ == Clock::time_point{}) {
                return;
            }
            watched_.budget_.watchdog_->leave();
            const Clock::duration taken = Clock::now() - begun_;
            if (taken > watched_.budget_.most_) [[unlikely]] {
                watched_.overran(callback_, taken);
            }
        }
        Timed(const Timed&) = delete;
        Timed& operator=(const Timed&) = delete;

    private:
        Watched& watched_;
        const char* callback_;
        Clock::time_point begun_{};
    };

    void overran(const char* callback, Clock::duration taken) {
        budget_.overruns_.push_back(
            {id_,
             fmt::format("{} took {} ms; a callback may take {} ms", callback,
                         std::chrono::duration_cast<std::chrono::milliseconds>(taken).count(), budget_.most_.count())});
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

void CallbackBudget::watch(std::vector<std::unique_ptr<Strategy>>& strategies, const SessionConfigured& config,
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
