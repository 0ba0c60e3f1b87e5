#pragma once
/// The thread that talks with one broker outside. It takes messages out of the outbox once they may leave, hands them to the gateway, and keeps what
/// the gateway says until the session takes it: every word, in its order, however many.
///
/// Only this thread calls gateway and client. Others put messages into the outbox, say what is durable, and post.

#include "adapters/outside/gateway.hpp"
#include "events/input.hpp"
#include "runtime/outbox.hpp"
#include "store/clock.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace alpha {

class BrokerThread {
public:
    /// Runs on the broker's thread.
    using Task = std::function<void(Gateway&, Time)>;
    /// How a client's answers come back, from whichever thread.
    using Post = std::function<void(Task)>;
    /// Called on the broker's thread, once.
    using MakeClient = std::function<std::unique_ptr<OutsideClient>(Post)>;

    struct Options {
        BrokerId broker;
        MakeClient make_client;
        GatewaySettings gateway{};
        Clock* clock = &real_clock();    ///< outlives the thread
        std::function<void()> on_words;  ///< there is something to take; on the broker's thread, must not wait
    };

    explicit BrokerThread(Options options);
    ~BrokerThread();
    /// It says and sends nothing any more. Messages that have begun are given up: what became of them is for the next session to find out.
    void stop();
    BrokerThread(const BrokerThread&) = delete;
    BrokerThread& operator=(const BrokerThread&) = delete;

    Outbox& outbox() { return outbox_; }
    /// Any thread.
    void post(Task task);
    /// The session: event time has come to `time`. What a read says of orders is judged by when it began in that time, so that a session that lags
    /// never takes a read for later than it was.
    void set_event_time(Time time) { event_time_.store(time.ns, std::memory_order_release); }
    /// The session: how many orders wait for something to become of them, and how many rest.
    void expect(std::size_t unsure, std::size_t working);

    /// What the broker said, and what is kept of the bytes it was read from; empty: there were none. The word says their hash.
    struct Heard {
        Input word;
        std::string evidence{};
    };
    /// The session: whether there are words, and all of them.
    bool any() const { return any_.load(std::memory_order_acquire); }
    std::vector<Heard> take();

    /// Until nothing that has begun waits for its answer any more, or `most` has passed. True: nothing waits.
    bool settle(std::chrono::milliseconds most);

private:
    void run();
    void say(const OutsideWord& word, std::string_view raw);

    Options options_;
    Outbox outbox_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable settled_;
    std::vector<Task> tasks_;
    std::vector<Heard> words_;
    std::size_t in_flight_ = 0;
    bool is_woken_ = false;
    bool stops_ = false;
    std::atomic<bool> any_{false};
    std::atomic<std::int64_t> event_time_{0};
    std::jthread thread_;
};

}  // namespace alpha
