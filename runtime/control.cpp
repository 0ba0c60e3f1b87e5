#include "runtime/control.hpp"

#include "runtime/meeting_place.hpp"
#include "store/machine.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <istream>
#include <mutex>
#include <optional>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace alpha {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kLongestLine = 4'096;
constexpr std::size_t kLongestAnswer = 16U << 20U;
/// How long a session that ended stays for answers on their way.
constexpr std::chrono::milliseconds kLastWords{200};
/// How long nobody is let in when letting somebody in has failed.
constexpr std::chrono::milliseconds kAcceptAgain{100};
/// How often who was not heard is logged at most.
constexpr std::chrono::seconds kSayCounts{60};
/// How long one who was not heard waits before asking again.
constexpr std::chrono::milliseconds kAskAgain{50};
/// How long is waited to be let in only to see whether somebody is there.
constexpr std::chrono::milliseconds kLook{1'000};

class Conversation;

/// What a request holds of its connection. It may outlive both connection and control, so it owns neither.
class Ticket final : public Control::Asker, public std::enable_shared_from_this<Ticket> {
public:
    Ticket(asio::io_context& io, Conversation& conversation, int descriptor)
        : io_(&io), conversation_(&conversation), descriptor_(descriptor) {}

    /// Asks the system, at this moment: what the control's thread has seen so far may be old. Who has only shut its sending side
    /// still listens.
    bool is_there() const override {
        const std::lock_guard lock(mutex_);
        pollfd other{descriptor_, 0, 0};
        return descriptor_ >= 0 && ::poll(&other, 1, 0) >= 0 && (other.revents & (POLLHUP | POLLERR)) == 0;
    }
    void answer(std::function<std::string()> text) override;
    /// The connection is closed after this.
    void hang_up() {
        const std::lock_guard lock(mutex_);
        descriptor_ = -1;
    }

private:
    mutable std::mutex mutex_;
    asio::io_context* io_;        // this and the next one are there as long as the descriptor is
    Conversation* conversation_;  // the control thread's
    int descriptor_;              // -1: the connection is closed
    bool answered_ = false;
};

/// What conversations need of their control, all on its thread.
struct Hall {
    asio::io_context& io;
    const Control::Handler& handler;
    const ControlLimits& limits;
    std::function<void(Conversation&)> leave;  ///< takes it off the list
    std::function<void()> turn_away;           ///< counts one
};

/// One connection: a line in, a text out, the end.
class Conversation : public std::enable_shared_from_this<Conversation> {
public:
    Conversation(Hall& hall, stream_protocol::socket socket)
        : hall_(hall),
          socket_(std::move(socket)),
          asked_(kLongestLine),
          patience_(hall.io),
          ticket_(std::make_shared<Ticket>(hall.io, *this, socket_.native_handle())) {}

    bool has_asked() const { return has_asked_; }

    void begin() {
        allow(hall_.limits.silence);
        asio::async_read_until(socket_, asked_, '\n', [self = shared_from_this()](error_code failed, std::size_t) {
            if (!self->is_open_) {
                return;
            }
            if (failed) {
                // One that leaves without a word only looked whether somebody is there.
                if (failed == asio::error::not_found) {
                    self->hall_.turn_away();
                }
                self->close();
                return;
            }
            self->ask();
        });
    }
    void answer(const std::function<std::string()>& text) {
        if (!is_open_) {
            return;
        }
        const Result<void> made = no_exceptions([&] { return answer_ = text(), Result<void>{}; });
        if (!made) {
            close();
            return;
        }
        asio::async_write(socket_, asio::buffer(answer_),
                          [self = shared_from_this()](error_code, std::size_t) { self->close(); });
    }
    void close() {
        if (!is_open_) {
            return;
        }
        is_open_ = false;
        ticket_->hang_up();
        error_code ignored;
        patience_.cancel();
        static_cast<void>(socket_.close(ignored));
        hall_.leave(*this);
    }

private:
    void allow(std::chrono::milliseconds time) {
        patience_.expires_after(time);
        patience_.async_wait([self = shared_from_this()](error_code failed) {
            if (!failed && self->is_open_) {
                if (!self->has_asked_) {
                    self->hall_.turn_away();
                }
                self->close();
            }
        });
    }
    void ask() {
        has_asked_ = true;
        allow(hall_.limits.wait);
        // Its place is free for another as soon as it hangs up.
        socket_.async_wait(stream_protocol::socket::wait_error, [self = shared_from_this()](error_code failed) {
            if (!failed && !self->ticket_->is_there()) {
                self->close();
            }
        });
        std::istream in(&asked_);
        std::string line;
        std::getline(in, line);
        hall_.handler(line, ticket_);
    }

    Hall& hall_;
    stream_protocol::socket socket_;
    asio::streambuf asked_;
    asio::steady_timer patience_;
    std::shared_ptr<Ticket> ticket_;
    std::string answer_;
    bool has_asked_ = false;
    bool is_open_ = true;
};

void Ticket::answer(std::function<std::string()> text) {
    const std::lock_guard lock(mutex_);
    if (descriptor_ < 0 || std::exchange(answered_, true)) {
        return;
    }
    asio::post(*io_, [self = shared_from_this(), text = std::move(text)] {
        bool is_open = false;
        {
            const std::lock_guard still(self->mutex_);
            is_open = self->descriptor_ >= 0;
        }
        if (is_open) {  // only this thread closes it
            self->conversation_->answer(text);
        }
    });
}

class ControlImpl final : public Control {
public:
    ControlImpl(std::optional<MeetingPlace> place, Handler handler, std::function<void()> on_hangup,
                std::shared_ptr<spdlog::logger> log, const ControlLimits& limits)
        : limits_(limits),
          handler_(std::move(handler)),
          on_hangup_(std::move(on_hangup)),
          log_(std::move(log)),
          place_(std::move(place)) {
        if (place_) {
            // Its own descriptor stays with the meeting place, which says whether the socket at the name is still this one.
            acceptor_.assign(stream_protocol(), ::fcntl(place_->descriptor(), F_DUPFD_CLOEXEC, 0));
            wait_for_somebody();
        }
        if (on_hangup_) {
            hangups_.add(SIGHUP);
            wait_for_hangup();
        }
        thread_ = std::thread([this] {
            // What one question came to grief by, memory say, must not keep the next one from being heard.
            for (Result<void> ran = fail(ErrorKind::internal, ""); !ran;) {
                ran = no_exceptions([this] { return io_.run(), Result<void>{}; });
                if (!ran) {
                    log_->error("a request could not be answered: {}", ran.error().message);
                }
            }
        });
    }
    ControlImpl(const ControlImpl&) = delete;
    ControlImpl& operator=(const ControlImpl&) = delete;
    ~ControlImpl() override {
        asio::post(io_, [this] { end(); });
        thread_.join();
        // Requests may still hold the tickets of these.
        for (const std::shared_ptr<Conversation>& each : std::exchange(conversations_, {})) {
            each->close();
        }
        say_counts();
    }

    Counts counts() const override { return {strangers_.load(), turned_away_.load()}; }
    std::string where() const override { return place_ ? place_->where() : ""; }

private:
    void wait_for_somebody() {
        acceptor_.async_wait(stream_protocol::acceptor::wait_read, [this](error_code failed) {
            if (failed || ending_) {
                return;
            }
            // Not asio's accept: programs that are started would inherit the connection, and its end would not be seen.
            const int caller = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (caller >= 0) {
                let_in(caller);
            } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                again_.expires_after(kAcceptAgain);  // no descriptors, say: at once it would fail again
                again_.async_wait([this](error_code cancelled) {
                    if (!cancelled && !ending_) {
                        wait_for_somebody();
                    }
                });
                return;
            }
            wait_for_somebody();
        });
    }
    void let_in(int caller) {
        stream_protocol::socket socket(io_);
        error_code failed;
        if (socket.assign(stream_protocol(), caller, failed); failed) {
            ::close(caller);
            return;
        }
        if (!is_trusted(caller)) {
            count(strangers_);
            return;
        }
        if (conversations_.size() >= limits_.connections) {
            count(turned_away_);
            const auto silent = std::ranges::find_if(
                conversations_, [](const std::shared_ptr<Conversation>& each) { return !each->has_asked(); });
            if (silent == conversations_.end()) {
                return;
            }
            const auto leaves = (*silent)->shared_from_this();  // it takes itself off the list
            leaves->close();
        }
        conversations_.push_back(std::make_shared<Conversation>(hall_, std::move(socket)));
        const std::shared_ptr<Conversation> begins = conversations_.back();
        begins->begin();
    }
    void leave(const Conversation& conversation) {
        std::erase_if(conversations_,
                      [&](const std::shared_ptr<Conversation>& each) { return each.get() == &conversation; });
        if (ending_ && conversations_.empty()) {
            io_.stop();
        }
    }
    /// Whoever has asked may still hear the answer; the session has given all it had to give.
    void end() {
        ending_ = true;
        error_code ignored;
        static_cast<void>(acceptor_.close(ignored));
        static_cast<void>(hangups_.cancel(ignored));
        again_.cancel();
        counts_.cancel();
        const std::vector<std::shared_ptr<Conversation>> all = conversations_;
        for (const std::shared_ptr<Conversation>& each : all) {
            if (!each->has_asked()) {
                each->close();
            }
        }
        if (conversations_.empty()) {
            io_.stop();
            return;
        }
        closing_.expires_after(kLastWords);
        closing_.async_wait([this](error_code) { io_.stop(); });
    }
    void wait_for_hangup() {
        hangups_.async_wait([this](error_code failed, int) {
            if (!failed) {
                on_hangup_();
                wait_for_hangup();
            }
        });
    }

    void count(std::atomic<std::uint64_t>& which) {
        ++which;
        if (quiet_) {
            return;
        }
        say_counts();
        quiet_ = true;
        counts_.expires_after(kSayCounts);
        counts_.async_wait([this](error_code cancelled) {
            quiet_ = false;
            if (!cancelled) {
                say_counts();
            }
        });
    }
    void say_counts() {
        const std::uint64_t strangers = strangers_;
        const std::uint64_t turned_away = turned_away_;
        if (strangers + turned_away == std::exchange(said_, strangers + turned_away)) {
            return;
        }
        log_->warn("so far {} connections of other users and {} that said nothing, too much, or found no room, were "
                   "not heard",
                   strangers, turned_away);
    }

    asio::io_context io_{1};  // first: all below is tied to it
    ControlLimits limits_;
    Handler handler_;
    std::function<void()> on_hangup_;
    std::shared_ptr<spdlog::logger> log_;
    std::optional<MeetingPlace> place_;
    stream_protocol::acceptor acceptor_{io_};
    asio::signal_set hangups_{io_};
    asio::steady_timer closing_{io_};
    asio::steady_timer again_{io_};
    asio::steady_timer counts_{io_};
    Hall hall_{io_, handler_, limits_, [this](const Conversation& each) { leave(each); },
               [this] { count(turned_away_); }};
    std::vector<std::shared_ptr<Conversation>> conversations_;  // open, in the order in which they came
    std::atomic<std::uint64_t> strangers_{0};
    std::atomic<std::uint64_t> turned_away_{0};
    std::uint64_t said_ = 0;  // of both, what was logged
    bool quiet_ = false;      // something was logged lately
    bool ending_ = false;
    std::thread thread_;
};

enum class Heard : std::uint8_t { answer, nothing, too_late };

/// Asks once. `nothing`: the connection was closed without an answer, so the request was not taken.
Heard ask_once(int descriptor, const std::string& asked, Clock::time_point until, std::string& answer) {
    // The line fits into what the system holds for a socket: this does not wait.
    if (::send(descriptor, asked.data(), asked.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(asked.size())) {
        return Heard::nothing;
    }
    std::array<char, 65'536> piece{};
    while (answer.size() < kLongestAnswer) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
        pollfd session{descriptor, POLLIN, 0};
        const int ready = left > 0 ? ::poll(&session, 1, static_cast<int>(left)) : 0;
        if (ready == 0) {
            return Heard::too_late;
        }
        const ssize_t n = ready < 0 ? -1 : ::recv(descriptor, piece.data(), piece.size(), MSG_DONTWAIT);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (n <= 0) {
            return n == 0 && !answer.empty() ? Heard::answer : Heard::nothing;
        }
        answer.append(piece.data(), static_cast<std::size_t>(n));
    }
    return Heard::too_late;
}

}  // namespace

Result<std::unique_ptr<Control>> Control::listen(const std::string& path, Handler handler,
                                                 std::function<void()> on_hangup, std::shared_ptr<spdlog::logger> log,
                                                 const ControlLimits& limits) {
    Result<MeetingPlace> taken = MeetingPlace::take(path);
    std::optional<MeetingPlace> place;
    if (!taken) {
        log->error("alpha status and alpha kill cannot reach this session: {}", taken.error().message);
    } else {
        place.emplace(std::move(*taken));
        if (!place->detour().empty()) {
            log->warn("{}; alpha status and alpha kill reach this session at {}", place->detour(), place->where());
        }
    }
    return no_exceptions([&]() -> Result<std::unique_ptr<Control>> {
        return std::make_unique<ControlImpl>(std::move(place), std::move(handler), std::move(on_hangup), std::move(log),
                                             limits);
    });
}

Result<std::string> ask_session(const std::string& path, const std::string& line, std::chrono::milliseconds patience) {
    const std::string asked = line + "\n";
    if (asked.size() > kLongestLine || line.find('\n') != std::string::npos) {
        return fail(ErrorKind::usage, "what a session is asked is one line of at most 4,095 bytes");
    }
    const Clock::time_point until = Clock::now() + patience;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        if (left.count() <= 0) {
            break;
        }
        const Result<File> session = call_session(path, left);
        if (!session && session.error().kind != ErrorKind::transient) {
            return tl::unexpected(session.error());
        }
        std::string answer;
        const Heard heard = session ? ask_once(session->descriptor(), asked, until, answer) : Heard::nothing;
        if (heard == Heard::answer) {
            return answer;
        }
        if (heard == Heard::too_late) {
            break;
        }
        std::this_thread::sleep_for(kAskAgain);
    }
    return fail(ErrorKind::transient,
                fmt::format("{}: its session did not answer; it may be ending, or busy. What was asked is not done any "
                            "more unless it was just at it. Ask again.",
                            path));
}

bool is_session_running(const std::string& path) {
    const Result<File> session = call_session(path, kLook);
    return session || session.error().kind == ErrorKind::transient;
}

}  // namespace alpha
