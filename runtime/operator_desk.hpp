#pragma once
/// Where a person's requests wait for the session, which takes them between two packets of market data: on its own thread, as
/// inputs like any other.

#include "events/result.hpp"
#include "runtime/session.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace alpha {

struct OperatorRequest {
    enum class Kind : std::uint8_t {
        status,   ///< how it stands
        kill,     ///< latch the kill switch (Kernel::kill)
        release,  ///< allow orders again
        resume,   ///< let a halted strategy go on
    };
    Kind kind = Kind::status;
    LatchScope scope = LatchScope::all;  ///< kill: how far
    /// kill, release: whose portfolio; empty: every one that trades. resume: which strategy.
    std::string name;
    /// Called on the session's thread, once: how things stand after it, what came of it being durable. Refuses (kind usage) a
    /// portfolio or strategy that there is not.
    std::function<void(const Result<SessionStatus>&)> reply;
};

class OperatorDesk {
public:
    /// Any thread.
    void post(OperatorRequest request) {
        std::function<void()> wake;
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back(std::move(request));
            any_.store(true, std::memory_order_release);
            wake = wake_;
        }
        if (wake) {
            wake();
        }
    }

    // The session's.

    /// `wake` is called whenever something was posted, until it is replaced.
    void on_post(std::function<void()> wake) {
        const std::lock_guard lock(mutex_);
        wake_ = std::move(wake);
    }
    bool any() const { return any_.load(std::memory_order_acquire); }
    std::vector<OperatorRequest> take() {
        const std::lock_guard lock(mutex_);
        any_.store(false, std::memory_order_release);
        return std::exchange(waiting_, {});
    }

private:
    std::mutex mutex_;
    std::vector<OperatorRequest> waiting_;
    std::function<void()> wake_;
    std::atomic<bool> any_{false};
};

}  // namespace alpha
