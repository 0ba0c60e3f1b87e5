#include "runtime/broker_thread.hpp"

#include "events/event.hpp"
#include "store/evidence.hpp"

#include <algorithm>
#include <concepts>
#include <optional>
#include <utility>

namespace alpha {

BrokerThread::BrokerThread(Options options)
    : options_(std::move(options)),
      outbox_([this] { post(nullptr); }),
      thread_(start_thread(*options_.clock, [this] { run(); })) {}

BrokerThread::~BrokerThread() {
    stop();
}

void BrokerThread::stop() {
    {
        const std::lock_guard lock(mutex_);
        stops_ = true;
    }
    options_.clock->notify_all(wake_);
    if (thread_.joinable()) {
        thread_.join();
    }
}

void BrokerThread::post(Task task) {
    {
        const std::lock_guard lock(mutex_);
        if (task) {
            tasks_.push_back(std::move(task));
        }
        is_woken_ = true;
    }
    options_.clock->notify_all(wake_);
}

void BrokerThread::expect(std::size_t unsure, std::size_t working) {
    post([unsure, working](Gateway& gateway, Time) { gateway.expect(unsure, working); });
}

std::vector<BrokerThread::Heard> BrokerThread::take() {
    const std::lock_guard lock(mutex_);
    any_.store(false, std::memory_order_release);
    return std::exchange(words_, {});
}

bool BrokerThread::settle(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    const auto is_settled = [this] { return in_flight_ == 0 && outbox_.size() == 0; };
    options_.clock->wait_until(lock, settled_, options_.clock->now() + most, is_settled);
    return is_settled();
}

void BrokerThread::say(const OutsideWord& word, std::string_view raw) {
    Heard heard = std::visit(
        overloaded{[this](SessionChange change) { return Heard{BrokerSessionChanged{options_.broker, change}}; },
                   [&](auto said) {
                       Heard its;
                       if constexpr (requires { said.broker = options_.broker; }) {
                           said.broker = options_.broker;
                       }
                       if constexpr (requires { said.evidence; }) {
                           const bool is_row = !std::same_as<decltype(said), SendEnded>;
                           if (!raw.empty()) {
                               its.evidence = kept_evidence(raw, is_row ? kMaxEvidenceRowBytes : kMaxEvidenceBodyBytes);
                               said.evidence = evidence_of(its.evidence);
                           }
                       }
                       its.word = std::move(said);
                       return its;
                   }},
        word);
    {
        const std::lock_guard lock(mutex_);
        words_.push_back(std::move(heard));
        any_.store(true, std::memory_order_release);
    }
    if (options_.on_words) {
        options_.on_words();
    }
}

void BrokerThread::run() {
    const std::unique_ptr<OutsideClient> client = options_.make_client([this](Task task) { post(std::move(task)); });
    Gateway gateway(
        *client, [this](const OutsideWord& word, std::string_view raw) { say(word, raw); },
        [this](const OutsideMessage& message, Time now) { return outbox_.turn_of(message, now); }, options_.gateway,
        [this] { return Time{event_time_.load(std::memory_order_acquire)}; });
    std::vector<Task> tasks;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            in_flight_ = gateway.in_flight();
            if (in_flight_ == 0) {
                options_.clock->notify_all(settled_);
            }
            const auto is_called = [this] { return is_woken_ || stops_; };
            const Time due = gateway.next_due();
            const std::int64_t left = due.ns - options_.clock->wall().ns;
            options_.clock->wait_until(lock, wake_,
                                       due == kNever ? Clock::TimePoint::max()
                                                     : options_.clock->now() + std::chrono::nanoseconds(left),
                                       is_called);
            if (stops_) {
                return;
            }
            is_woken_ = false;
            tasks.swap(tasks_);
        }
        for (const Task& task : tasks) {
            task(gateway, options_.clock->wall());
        }
        tasks.clear();
        while (const std::optional<OutsideMessage> message = outbox_.take()) {
            gateway.send(*message, options_.clock->wall());
        }
        gateway.tick(options_.clock->wall());
    }
}

}  // namespace alpha
