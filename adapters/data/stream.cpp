#include "adapters/data/stream.hpp"

#include "events/assert.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace alpha {

namespace asio = boost::asio;
using boost::system::error_code;

// ---- names ------------------------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kTcp = "tcp:";

struct TcpAddress {
    asio::ip::address host;
    std::uint16_t port = 0;
};

std::optional<TcpAddress> tcp_address(std::string_view stream) {
    stream.remove_prefix(kTcp.size());
    const std::size_t colon = stream.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    std::string host(stream.substr(0, colon));
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    host = host == "localhost" ? "127.0.0.1" : host;
    error_code bad;
    TcpAddress address{asio::ip::make_address(host, bad), 0};
    const std::string_view port = stream.substr(colon + 1);
    const auto read = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (bad || read.ec != std::errc() || read.ptr != port.data() + port.size() || address.port == 0) {
        return std::nullopt;
    }
    return address;
}

}  // namespace

std::string stream_refusal(std::string_view stream) {
    constexpr std::size_t kLongestPath = 107;  // sockaddr_un
    if (stream == "stdin") {
        return {};
    }
    if (stream.starts_with(kUnix) && stream.size() > kUnix.size()) {
        return stream.size() - kUnix.size() <= kLongestPath
                   ? ""
                   : fmt::format(
                         "the socket's path is longer than the {} bytes that systems take; choose another place",
                         kLongestPath);
    }
    if (stream.starts_with(kTcp)) {
        const auto address = tcp_address(stream);
        if (!address) {
            return "is no address; write tcp:127.0.0.1:PORT";
        }
        return address->host.is_loopback()
                   ? ""
                   : "would let everybody on the network send prices, for senders are not asked "
                     "who they are; listen on 127.0.0.1, and let a tunnel end there";
    }
    return "is no stream; write stdin, unix:PATH or tcp:127.0.0.1:PORT";
}

// ---- opening ----------------------------------------------------------------------------------------------------------

namespace {

asio::ip::tcp::acceptor open_tcp(asio::io_context& io, const DataSource& source) {
    const auto address = tcp_address(source.stream);
    ALPHA_ASSERT(address.has_value(), "the name of a stream is judged before it is opened");
    return {io, {address->host, address->port}, true};
}

/// The socket's file appears with access for its user alone. One that nobody listens on any more is in the way and removed.
asio::local::stream_protocol::acceptor open_unix(asio::io_context& io, const DataSource& source) {
    const std::string path = source.stream.substr(kUnix.size());
    const asio::local::stream_protocol::endpoint endpoint(path);
    struct stat status{};
    const bool is_there = ::lstat(path.c_str(), &status) == 0;
    if (is_there && !S_ISSOCK(status.st_mode)) {
        throw boost::system::system_error(ENOTSOCK, boost::system::system_category());
    }
    if (is_there) {
        asio::local::stream_protocol::socket probe(io);
        error_code refused;
        static_cast<void>(probe.connect(endpoint, refused));
        if (refused == asio::error::connection_refused) {
            static_cast<void>(::unlink(path.c_str()));
        }
    }
    asio::local::stream_protocol::acceptor acceptor(io);
    acceptor.open(endpoint.protocol());
    // The file takes the mode of the socket (Linux); the umask is the whole process's, and other threads make files.
    static_cast<void>(::fchmod(acceptor.native_handle(), S_IRUSR | S_IWUSR));
    acceptor.bind(endpoint);
    static_cast<void>(
        ::chmod(path.c_str(), S_IRUSR | S_IWUSR));  // where it does not; nobody can connect before listen()
    acceptor.listen();
    return acceptor;
}

/// The acceptor's socket, which is never waited on alone.
template <class Acceptor>
int socket_of(Acceptor acceptor) {
    acceptor.native_non_blocking(true);
    return acceptor.release();
}

bool is_readable(int descriptor) {
    pollfd one{descriptor, POLLIN, 0};
    return ::poll(&one, 1, 0) > 0;
}

}  // namespace

Result<std::unique_ptr<Senders>> Senders::open(const DataSource& source, Now now) {
    const auto make = [&](int listening, int connection, std::string socket_file) {
        return std::unique_ptr<Senders>(
            new Senders(source.name(), std::move(now), listening, connection, std::move(socket_file)));
    };
    if (source.stream == "stdin") {
        const int flags = ::fcntl(STDIN_FILENO, F_GETFL);
        if (flags < 0 || (flags & O_PATH) != 0) {
            return fail(ErrorKind::data, fmt::format("{}: is closed", source.name()));
        }
        return make(-1, STDIN_FILENO, {});
    }
    try {
        asio::io_context io(1);
        return source.stream.starts_with(kTcp)
                   ? make(socket_of(open_tcp(io, source)), -1, {})
                   : make(socket_of(open_unix(io, source)), -1, source.stream.substr(kUnix.size()));
    } catch (const boost::system::system_error& refused) {
        const int why = refused.code().value();
        const char* const mend = why == EADDRINUSE ? "end whoever uses it, or choose another"
                                 : why == ENOTSOCK ? "something that is no socket has this name; choose another"
                                 : why == ENOENT   ? "make its folder, or choose another"
                                                   : "choose another";
        return fail(ErrorKind::usage,
                    fmt::format("{}: cannot be listened on: {}; {}", source.name(), refused.code().message(), mend));
    }
}

// ---- reading ----------------------------------------------------------------------------------------------------------

class Senders::Text final : public ByteSource {
public:
    explicit Text(Senders& senders) : senders_(senders) {}
    Result<std::size_t> read(std::span<char> into) override {
        ALPHA_ASSERT(senders_.at_ < senders_.received_ || senders_.over_,
                     "a stream is read when something has arrived");
        if (senders_.at_ == senders_.received_ && !senders_.failure_.empty()) {
            return fail(ErrorKind::data, senders_.failure_);
        }
        const std::size_t n = std::min(into.size(), senders_.received_ - senders_.at_);
        std::memcpy(into.data(), senders_.buffer_.data() + senders_.at_, n);
        senders_.at_ += n;
        return n;
    }
    bool is_ready() override { return senders_.receive(); }
    std::uint64_t consumed() const override { return senders_.consumed_; }
    std::uint64_t file_bytes() const override { return 0; }

private:
    Senders& senders_;
};

Senders::Senders(std::string name, Now now, int listening, int connection, std::string socket_file)
    : name_(std::move(name)),
      now_(std::move(now)),
      listening_(listening),
      connection_(connection),
      socket_file_(std::move(socket_file)) {
    constexpr std::size_t kReadBytes = 64U << 10U;
    buffer_.resize(kReadBytes);
}

Senders::~Senders() {
    if (listening_ >= 0) {
        dismiss();
        for (const int silent : silent_) {
            static_cast<void>(::close(silent));
        }
        static_cast<void>(::close(listening_));
    }
    if (!socket_file_.empty()) {
        static_cast<void>(::unlink(socket_file_.c_str()));
    }
}

std::unique_ptr<ByteSource> Senders::text() {
    return std::make_unique<Text>(*this);
}

void Senders::dismiss() {
    if (connection_ >= 0) {
        static_cast<void>(::close(connection_));
    }
    connection_ = -1;
    at_ = received_ = 0;
    over_ = is_kept_ = within_line_ = false;
    failure_.clear();
    waits_ = true;
}

bool Senders::receive() {
    waits_ = false;
    if (at_ < received_ || over_) {
        return true;
    }
    if (connection_ < 0) {
        const auto heard = first_heard();
        if (heard == silent_.end()) {
            waits_ = true;
            return false;
        }
        connection_ = *heard;
        silent_.erase(heard);
        heard_ = now_();
    }
    ssize_t got = -1;
    errno = EAGAIN;
    if (listening_ >= 0) {
        got = ::recv(connection_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    } else if (is_readable(
                   connection_)) {  // standard input may be anything, and shared with those who want to wait for it
        got = ::read(connection_, buffer_.data(), buffer_.size());
    }
    if (got > 0) {
        at_ = 0;
        received_ = static_cast<std::size_t>(got);
        consumed_ += received_;
        within_line_ = buffer_[received_ - 1] != '\n';
        heard_ = now_();
        return true;
    }
    const int why = errno;
    if (got == 0) {
        over_ = true;
    } else if (why != EAGAIN && why != EWOULDBLOCK && why != EINTR) {  // a sender that was killed, say
        over_ = true;
        failure_ =
            listening_ >= 0 ? "" : fmt::format("{}: cannot be read: {}", name_, std::generic_category().message(why));
    } else if (now_() >= safe_until() && first_heard() != silent_.end()) {
        over_ = true;
        failure_ = fmt::format(
            "{}: a sender fell silent before it had sent its header and what was taken before, and another one "
            "spoke",
            name_);
    }
    waits_ = !over_;
    return over_;
}

std::chrono::nanoseconds Senders::safe_until() const {
    constexpr std::chrono::seconds kSilence{1};
    return is_kept_ || listening_ < 0 ? kForEver
           : connection_ < 0          ? std::chrono::nanoseconds::min()
                                      : heard_ + kSilence;
}

bool Senders::has_room() {
    constexpr std::size_t kMost = 64;
    if (silent_.size() < kMost) {
        return true;
    }
    const auto longest_silent = std::ranges::find_if_not(silent_, is_readable);
    if (longest_silent == silent_.end()) {
        return false;
    }
    static_cast<void>(::close(*longest_silent));
    silent_.erase(longest_silent);
    return true;
}

std::vector<int>::iterator Senders::first_heard() {
    while (now_() >= next_accept_ && is_readable(listening_) && has_room()) {
        const int accepted = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted >= 0) {
            silent_.push_back(accepted);
            continue;
        }
        // Without a descriptor or memory for it a sender stays in the queue, and looking again at once would not help.
        const bool nobody = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED;
        next_accept_ = nobody ? std::chrono::nanoseconds::min() : now_() + std::chrono::milliseconds(100);
        break;
    }
    // Who has gone again without a word, to see whether somebody listens, say, is nobody.
    std::erase_if(silent_, [](int each) {
        char first = 0;
        const ssize_t seen = ::recv(each, &first, 1, MSG_PEEK | MSG_DONTWAIT);
        const bool gone = seen == 0 || (seen < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
        return gone && ::close(each) <= 0;
    });
    return std::ranges::find_if(silent_, is_readable);
}

bool wait_for_any(std::span<Senders* const> senders, const Interrupt* interrupt, std::chrono::nanoseconds most) {
    // Poll passes over negative descriptors.
    std::vector<pollfd> descriptors{{interrupt == nullptr ? -1 : interrupt->descriptor(), POLLIN, 0}};
    for (const Senders* each : senders) {
        if (!each->waits_) {
            continue;
        }
        descriptors.push_back({each->connection_, POLLIN, 0});
        const std::chrono::nanoseconds safe_until = each->safe_until();
        if (safe_until == Senders::kForEver) {
            continue;
        }
        const std::chrono::nanoseconds now = each->now_();
        if (now < safe_until) {
            most = std::min(most, safe_until - now);
            continue;
        }
        for (const int silent : each->silent_) {
            descriptors.push_back({silent, POLLIN, 0});
        }
        if (now < each->next_accept_) {
            most = std::min(most, each->next_accept_ - now);
        } else {
            descriptors.push_back({each->listening_, POLLIN, 0});
        }
    }
    const timespec timeout{most.count() / kSecondNs, most.count() % kSecondNs};
    static_cast<void>(
        ::ppoll(descriptors.data(), descriptors.size(), most == Senders::kForEver ? nullptr : &timeout, nullptr));
    return (descriptors.front().revents & POLLIN) == 0;
}

}  // namespace alpha
