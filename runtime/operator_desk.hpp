#pragma once
/// Where a person's requests wait for the session, which takes them between two packets of market data: on its own thread, as
/// inputs like any other.

#include "events/result.hpp"
#include "runtime/session.hpp"
#include "store/machine.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <iterator>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace alpha {

/// The answer to one request, given once: where nobody gives it, by its destructor, as a refusal (kind transient).
class OperatorReply {
public:
    /// Called on the thread that answers.
    using Give = std::function<void(Result<SessionStatus>)>;

    OperatorReply() = default;
    template <class F>
        requires std::is_constructible_v<Give, F>
    OperatorReply(F give) : give_(std::move(give)) {}  // NOLINT(google-explicit-constructor): `request.reply = [] ...`
    OperatorReply(OperatorReply&& other) noexcept : give_(std::exchange(other.give_, nullptr)) {}
    OperatorReply& operator=(OperatorReply&& other) noexcept {
        std::swap(give_, other.give_);
        return *this;
    }
    OperatorReply(const OperatorReply&) = delete;
    OperatorReply& operator=(const OperatorReply&) = delete;
    ~OperatorReply() {
        static_cast<void>(no_exceptions([this] {
            (*this)(fail(ErrorKind::transient, "the session ended before it came to this; nothing was done"));
            return Result<void>{};
        }));
    }
    /// The first call counts.
    void operator()(Result<SessionStatus> outcome) {
        if (const Give give = std::exchange(give_, nullptr)) {
            give(std::move(outcome));
        }
    }

private:
    Give give_;
};

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
    /// Whether its asker still waits; asked on any thread, last on the session's, before anything is done. Empty: yes.
    std::function<bool()> is_wanted;
    /// How things stand after it, what came of it being durable; given on the session's thread or its log's, or where the session does
    /// not take it. Refuses (kind usage) a portfolio or strategy that there is not.
    OperatorReply reply;
};

class OperatorDesk {
public:
    /// Any thread, at any time: once the desk is closed, the answer comes at once. Requests whose asker has gone are dropped, so
    /// that no more of them wait than there are askers.
    void post(OperatorRequest request) {
        std::vector<OperatorRequest> gone;
        {
            const std::lock_guard lock(mutex_);
            if (!closed_) {
                const auto wanted = std::stable_partition(waiting_.begin(), waiting_.end(), is_wanted);
                std::move(wanted, waiting_.end(), std::back_inserter(gone));
                waiting_.erase(wanted, waiting_.end());
                waiting_.push_back(std::move(request));
                any_.store(true, std::memory_order_release);
                if (wake_) {
                    wake_();  // within the lock: on_post returns once nobody is in here
                }
                return;
            }
        }
        request.reply(has_ended());
    }
    /// Any thread: what waits, and whatever is posted from now on, is answered that the session has ended.
    void close() {
        std::vector<OperatorRequest> late;
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
            any_.store(false, std::memory_order_release);
            late = std::exchange(waiting_, {});
        }
        for (OperatorRequest& request : late) {
            request.reply(has_ended());
        }
    }

    // The session's.

    /// `wake` is called whenever something was posted, on the poster's thread, and not any more once this was called again.
    void on_post(std::function<void()> wake) {
        const std::lock_guard lock(mutex_);
        wake_ = std::move(wake);
    }
    bool any() const { return any_.load(std::memory_order_acquire); }
    /// What waits, first come first.
    std::vector<OperatorRequest> take() {
        const std::lock_guard lock(mutex_);
        any_.store(false, std::memory_order_release);
        return std::exchange(waiting_, {});
    }
    static bool is_wanted(const OperatorRequest& request) { return !request.is_wanted || request.is_wanted(); }

private:
    static tl::unexpected<Error> has_ended() { return fail(ErrorKind::usage, "the session has just ended"); }

    std::mutex mutex_;
    std::vector<OperatorRequest> waiting_;
    std::function<void()> wake_;
    bool closed_ = false;
    std::atomic<bool> any_{false};
};

}  // namespace alpha
