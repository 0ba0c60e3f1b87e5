#include "runtime/control.hpp"

#include "store/machine.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <istream>
#include <optional>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace alpha {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;

namespace {

constexpr std::size_t kLongestLine = 4'096;
constexpr std::size_t kLongestAnswer = 16U << 20U;
constexpr std::chrono::seconds kPatience{10};
/// How long a session that ended stays for answers on their way.
constexpr std::chrono::milliseconds kLastWords{200};
/// How long nobody is let in when letting somebody in has failed.
constexpr std::chrono::milliseconds kAcceptAgain{100};

/// The address of the session at the journal; nothing where no folder is.
std::optional<stream_protocol::endpoint> meeting_place(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        return std::nullopt;
    }
    std::string name(1, '\0');  // the abstract namespace
    name += fmt::format("alpha-session-{:x}-{:x}", status.st_dev, status.st_ino);
    return stream_protocol::endpoint(name);
}

/// False when no session listens there.
bool connect(stream_protocol::socket& socket, const std::string& path) {
    const auto place = meeting_place(path);
    error_code failed;
    if (place) {
        static_cast<void>(socket.connect(*place, failed));
    }
    return place && !failed;
}

/// Whether the other side is a process of our user or of root.
bool is_trusted(stream_protocol::socket& socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == ::geteuid() || peer.uid == 0);
}

/// One connection: a line in, a text out, the end.
class Conversation : public std::enable_shared_from_this<Conversation> {
public:
    Conversation(std::shared_ptr<asio::io_context> io, stream_protocol::socket socket, const Control::Handler& handler)
        : io_(std::move(io)), socket_(std::move(socket)), asked_(kLongestLine), handler_(&handler), patience_(*io_) {}

    void begin() {
        patience_.expires_after(kPatience);
        patience_.async_wait([self = shared_from_this()](error_code failed) {
            if (!failed) {
                error_code ignored;
                static_cast<void>(self->socket_.close(ignored));
            }
        });
        asio::async_read_until(socket_, asked_, '\n', [self = shared_from_this()](error_code failed, std::size_t) {
            if (!failed) {
                self->handle();
            } else {
                self->patience_.cancel();
            }
        });
    }

private:
    void handle() {
        std::istream in(&asked_);
        std::string line;
        std::getline(in, line);
        // The answer may come from another thread: it is written on this one.
        (*handler_)(line, [self = shared_from_this()](std::string text) {
            asio::post(*self->io_, [self, text = std::move(text)]() mutable {
                self->answer_ = std::move(text);
                asio::async_write(self->socket_, asio::buffer(self->answer_), [self](error_code, std::size_t) {
                    error_code ignored;
                    static_cast<void>(self->socket_.shutdown(stream_protocol::socket::shutdown_send, ignored));
                    self->patience_.cancel();
                });
            });
        });
    }

    std::shared_ptr<asio::io_context> io_;  // an answer may come when nobody listens any more
    stream_protocol::socket socket_;
    asio::streambuf asked_;
    const Control::Handler* handler_;
    asio::steady_timer patience_;
    std::string answer_;
};

class ControlImpl final : public Control {
public:
    ControlImpl(const stream_protocol::endpoint& place, Handler handler, std::function<void()> on_hangup,
                std::shared_ptr<spdlog::logger> log)
        : handler_(std::move(handler)),
          on_hangup_(std::move(on_hangup)),
          log_(std::move(log)),
          acceptor_(*io_, place),
          hangups_(*io_) {
        accept();
        if (on_hangup_) {
            hangups_.add(SIGHUP);
            wait_for_hangup();
        }
        thread_ = std::thread([this] {
            // What one question came to grief by, memory say, must not keep the next one from being heard.
            for (Result<void> ran = fail(ErrorKind::internal, ""); !ran;) {
                ran = no_exceptions([this] { return io_->run(), Result<void>{}; });
                if (!ran) {
                    log_->error("a request could not be answered: {}", ran.error().message);
                }
            }
        });
    }
    ControlImpl(const ControlImpl&) = delete;
    ControlImpl& operator=(const ControlImpl&) = delete;
    ~ControlImpl() override {
        // What was answered is still sent.
        asio::post(*io_, [this] {
            closing_.expires_after(kLastWords);
            closing_.async_wait([this](error_code) { io_->stop(); });
            error_code ignored;
            again_.cancel();
            static_cast<void>(acceptor_.close(ignored));
            static_cast<void>(hangups_.cancel(ignored));
        });
        thread_.join();
    }

private:
    void accept() {
        acceptor_.async_accept([this](error_code failed, stream_protocol::socket socket) {
            if (failed == asio::error::operation_aborted || !acceptor_.is_open()) {
                if (io_.use_count() == 1) {  // no conversation holds it
                    closing_.cancel();
                }
                return;
            }
            if (failed) {  // no descriptors, say: at once it would fail again
                again_.expires_after(kAcceptAgain);
                again_.async_wait([this](error_code) { accept(); });
                return;
            }
            if (is_trusted(socket)) {
                std::make_shared<Conversation>(io_, std::move(socket), handler_)->begin();
            } else {
                log_->warn("somebody else tried to talk to this session, and was not heard");
            }
            accept();
        });
    }
    void wait_for_hangup() {
        hangups_.async_wait([this](error_code failed, int) {
            if (!failed) {
                on_hangup_();
                wait_for_hangup();
            }
        });
    }

    Handler handler_;
    std::function<void()> on_hangup_;
    std::shared_ptr<spdlog::logger> log_;
    std::shared_ptr<asio::io_context> io_ = std::make_shared<asio::io_context>(1);
    stream_protocol::acceptor acceptor_;
    asio::signal_set hangups_;
    asio::steady_timer closing_{*io_};
    asio::steady_timer again_{*io_};
    std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Control>> Control::listen(const std::string& path, Handler handler,
                                                 std::function<void()> on_hangup, std::shared_ptr<spdlog::logger> log) {
    const auto place = meeting_place(path);
    if (!place) {
        return fail(ErrorKind::internal, fmt::format("{}: is not there to listen for", path));
    }
    try {
        return std::make_unique<ControlImpl>(*place, std::move(handler), std::move(on_hangup), std::move(log));
    } catch (const boost::system::system_error& refused) {
        return fail(ErrorKind::internal, fmt::format("{}: alpha status and alpha kill cannot reach this session: {}",
                                                     path, refused.code().message()));
    }
}

Result<std::string> ask_session(const std::string& path, const std::string& line) {
    asio::io_context io{1};
    stream_protocol::socket socket(io);
    if (!connect(socket, path)) {
        return fail(ErrorKind::usage, fmt::format("{}: no session runs there", path));
    }
    if (!is_trusted(socket)) {
        return fail(ErrorKind::usage, fmt::format("{}: its session is another user's", path));
    }
    std::string answer;
    bool answered = false;
    const std::string asked = line + "\n";
    asio::async_write(socket, asio::buffer(asked), [](error_code, std::size_t) {});
    std::array<char, 4'096> piece{};
    std::function<void()> read = [&] {
        socket.async_read_some(asio::buffer(piece), [&](error_code ended, std::size_t bytes) {
            answer.append(piece.data(), bytes);
            if (!ended && answer.size() < kLongestAnswer) {
                read();
            } else {
                answered = ended == asio::error::eof && !answer.empty();
            }
        });
    };
    read();
    io.run_for(kPatience);
    if (!answered) {
        return fail(ErrorKind::internal,
                    fmt::format("{}: its session did not answer; it may be ending, or busy. Ask again.", path));
    }
    return answer;
}

bool is_session_running(const std::string& path) {
    asio::io_context io{1};
    stream_protocol::socket socket(io);
    return connect(socket, path);
}

}  // namespace alpha
