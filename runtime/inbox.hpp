#pragma once
/// The one way into a session for everything that is not market data: what an operator asks for, what a broker outside or a network
/// says. Any thread posts. The session takes what waits between two batches of records, on its own thread, gives each a time, and
/// hands it to the kernel like any other input: replay finds it in the log.
///
/// Beside it lies how the session stands, as one text that does not change any more and that all who ask share. The session makes a
/// new one only when somebody asks, and at most every 100 ms, whoever asks how often.

#include "events/input.hpp"
#include "events/result.hpp"
#include "store/clock.hpp"
#include "views/status.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace alpha {

/// The answer to one who asked, given once: where nobody gives it, by its destructor, as a refusal (kind transient).
class Reply {
public:
    using Outcome = Result<std::shared_ptr<const SessionStatus>>;
    /// Called on the thread that answers: the session's, its log's or the poster's own.
    using Give = std::function<void(Outcome)>;

    /// To nobody.
    Reply() = default;
    template <class F>
        requires std::is_constructible_v<Give, F>
    Reply(F give) : give_(std::move(give)) {}  // NOLINT(google-explicit-constructor): `message.reply = [] ...`
    Reply(Reply&& other) noexcept : give_(std::exchange(other.give_, nullptr)) {}
    Reply& operator=(Reply&& other) noexcept {
        std::swap(give_, other.give_);
        return *this;
    }
    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;
    ~Reply();

    bool is_expected() const { return give_ != nullptr; }
    /// The first call counts.
    void operator()(Outcome outcome) {
        if (const Give give = std::exchange(give_, nullptr)) {
            give(std::move(outcome));
        }
    }

private:
    Give give_;
};

/// One who waits for an answer.
struct Asker {
    /// Whether he still waits; asked on any thread, last on the session's, before anything is done. Empty: yes.
    std::function<bool()> is_there;
    Reply reply;

    bool has_gone() const { return is_there && !is_there(); }
};

/// What happens, or not at all.
struct Message {
    /// The inputs that it means, by the state of the moment at which it is taken: it may name what only the state knows. A refusal (kind
    /// usage) is the answer, and nothing happens.
    std::function<Result<std::vector<Input>>(const State&)> inputs;
    /// Answered once all that it led to is durable. Who expects no answer waits for no disk.
    Asker asker;
    /// A kill: of whose portfolio, empty: of all. Orders on their way to a broker outside are held back before the session has heard of it.
    std::optional<std::string> kills{};
};

class Inbox {
public:
    static constexpr std::size_t kMessagesMax = 1'000;
    static constexpr std::chrono::milliseconds kStatusAge{100};

    explicit Inbox(Clock& clock = real_clock()) : clock_(clock) {}

    // Any thread, at any time.

    /// Where there is no room, or the session has ended, the answer comes at once. Those whose asker has gone are dropped.
    void post(Message message);
    /// How the session stands, now or at most 100 ms ago.
    void ask_status(Asker asker);
    /// What waits, and whatever is posted from now on, is answered that the session has ended.
    void close();

    // The session's.

    /// `wake` is called whenever something was posted, on the poster's thread, and not any more once this was called again.
    void on_post(std::function<void()> wake);
    /// `hold` is called with whose portfolio as a kill is posted, on the poster's thread, before it waits with the others; it must not wait.
    void on_kill(std::function<void(const std::string& portfolio)> hold);
    /// Whether anybody waits for anything. As cheap as it looks.
    bool any() const { return any_.load(std::memory_order_acquire); }
    /// Calls `lift` unless a kill waits; none is posted while it runs. Whoever has taken one lifts what it has held.
    void unless_killing(const std::function<void()>& lift);
    /// The messages that wait, first come first.
    std::vector<Message> take();
    /// Whether publish() would be heard.
    bool is_status_wanted() const;
    /// Answers those who asked how it stands.
    void publish(std::shared_ptr<const SessionStatus> status);

private:
    static tl::unexpected<Error> has_ended() { return fail(ErrorKind::usage, "the session has just ended"); }
    /// Calls the session with the lock held: on_post returns once nobody is in here.
    void wake();

    Clock& clock_;
    mutable std::mutex mutex_;
    std::vector<Message> waiting_;
    std::vector<Asker> curious_;
    std::shared_ptr<const SessionStatus> published_;
    Clock::TimePoint published_at_;
    std::function<void()> wake_;
    std::function<void(const std::string&)> hold_;
    bool closed_ = false;
    std::atomic<bool> any_{false};
};

}  // namespace alpha
