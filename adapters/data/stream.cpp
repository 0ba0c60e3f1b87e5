#include "adapters/data/stream.hpp"

#include "adapters/data/text_hash.hpp"
#include "events/assert.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace alpha {

namespace asio = boost::asio;
using boost::system::error_code;

// ---- interrupt --------------------------------------------------------------------------------------------------------

Interrupt::Interrupt() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    ALPHA_ASSERT(descriptor_ >= 0, "the system has an event descriptor to spare");
}
Interrupt::~Interrupt() {
    static_cast<void>(::close(descriptor_));
}
void Interrupt::set() const {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(descriptor_, &one, sizeof one));  // full is set, too
}

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

std::string stream_name(std::string_view stream) {
    return stream == "stdin" ? "standard input" : std::string(stream);
}

// ---- reading ----------------------------------------------------------------------------------------------------------

namespace {

constexpr std::size_t kReadBytes = 64U << 10U;

/// What streams have in common: one operation at a time, which ends when the interrupt is set.
class Waiting {
public:
    Waiting(std::string name, const Interrupt* interrupt) : name_(std::move(name)), interrupt_(io_) {
        if (interrupt != nullptr) {
            interrupt_.assign(::dup(interrupt->descriptor()));
            interrupt_.async_wait(asio::posix::stream_descriptor::wait_read,
                                  [this](error_code failed) { interrupted_ = !failed; });
        }
    }

    asio::io_context& io() { return io_; }
    const std::string& name() const { return name_; }

    /// Runs until the operation on `object` that `begin` begins has called its handler. Refuses (kind interrupted) when the
    /// interrupt is set first. Whichever way, the operation is over: handlers refer to what is on the stack, here and there.
    template <class Object, class Begin>
    Result<void> wait(Object& object, Begin begin) {
        bool done = false;
        if (!interrupted_) {
            begin([&done] { done = true; });
        }
        while (!done && !interrupted_) {
            io_.restart();
            io_.run_one();
        }
        if (!interrupted_) {
            return {};
        }
        error_code ignored;
        static_cast<void>(object.cancel(ignored));
        io_.restart();
        io_.run();
        return fail(ErrorKind::interrupted, fmt::format("{}: reading was ended", name_));
    }
    tl::unexpected<Error> failed(const char* what, error_code why, ErrorKind kind = ErrorKind::data) const {
        return fail(kind, fmt::format("{}: {}: {}", name_, what, why.message()));
    }

private:
    asio::io_context io_{1};
    std::string name_;
    asio::posix::stream_descriptor interrupt_;
    bool interrupted_ = false;
};

class StandardInput final : public ByteSource {
public:
    explicit StandardInput(const DataSource& source)
        : waiting_(source.name(), source.interrupt), input_(waiting_.io()) {
        error_code failed;
        static_cast<void>(input_.assign(STDIN_FILENO, failed));
        is_open_ = !failed;
    }
    ~StandardInput() override {
        error_code ignored;
        static_cast<void>(input_.native_non_blocking(false, ignored));  // it may be shared with the shell
        static_cast<void>(input_.release());
    }
    StandardInput(const StandardInput&) = delete;
    StandardInput& operator=(const StandardInput&) = delete;

    Result<std::size_t> read(std::span<char> into) override {
        if (!is_open_) {
            return fail(ErrorKind::data, fmt::format("{}: is closed", waiting_.name()));
        }
        error_code outcome;
        std::size_t got = 0;
        Result<void> waited = waiting_.wait(input_, [&](auto done) {
            input_.async_read_some(asio::buffer(into.data(), into.size()),
                                   [&outcome, &got, done](error_code failed, std::size_t bytes) {
                                       outcome = failed;
                                       got = bytes;
                                       done();
                                   });
        });
        if (!waited) {
            return tl::unexpected(waited.error());
        }
        if (outcome && outcome != asio::error::eof) {
            return waiting_.failed("cannot be read", outcome);
        }
        consumed_ += got;
        return got;
    }
    std::uint64_t consumed() const override { return consumed_; }
    std::uint64_t file_bytes() const override { return 0; }

private:
    Waiting waiting_;
    asio::posix::stream_descriptor input_;
    bool is_open_ = false;
    std::uint64_t consumed_ = 0;
};

/// Senders that connect one after the other, each beginning with line 1. Hands out whole lines only.
template <class Protocol>
class Listening final : public ByteSource {
public:
    Listening(const DataSource& source, typename Protocol::acceptor (*open)(asio::io_context&, const DataSource&))
        : waiting_(source.name(), source.interrupt),
          acceptor_(open(waiting_.io(), source)),
          connection_(waiting_.io()),
          socket_file_(source.stream.starts_with(kUnix) ? source.stream.substr(kUnix.size()) : std::string()) {}
    ~Listening() override {
        if (!socket_file_.empty()) {
            static_cast<void>(::unlink(socket_file_.c_str()));
        }
    }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;

    Result<std::size_t> read(std::span<char> into) override {
        while (at_ == whole_) {
            if (Result<void> more = receive(); !more) {
                return tl::unexpected(more.error());
            }
        }
        const std::size_t n = std::min(into.size(), whole_ - at_);
        std::memcpy(into.data(), buffer_.data() + at_, n);
        at_ += n;
        return n;
    }
    std::uint64_t consumed() const override { return taken_; }
    std::uint64_t file_bytes() const override { return 0; }

private:
    /// Reads until some line ends that was not taken yet. Requires that what was whole is handed out.
    Result<void> receive() {
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(whole_));
        at_ = whole_ = 0;
        if (!connection_.is_open()) {
            if (Result<void> accepted = accept(); !accepted) {
                return accepted;
            }
        }
        const std::size_t held = buffer_.size();
        buffer_.resize(held + kReadBytes);
        error_code outcome;
        std::size_t got = 0;
        Result<void> waited = waiting_.wait(connection_, [&](auto done) {
            connection_.async_read_some(asio::buffer(buffer_.data() + held, kReadBytes),
                                        [&outcome, &got, done](error_code failed, std::size_t bytes) {
                                            outcome = failed;
                                            got = bytes;
                                            done();
                                        });
        });
        if (!waited) {
            return waited;
        }
        buffer_.resize(held + got);
        if (outcome) {  // it ended or broke: the next one begins again
            error_code ignored;
            static_cast<void>(connection_.close(ignored));
            buffer_.clear();
            return {};
        }
        return skip_what_was_taken();
    }

    /// Sets `whole_` to the end of the last whole line of what is new.
    Result<void> skip_what_was_taken() {
        if (again_ < taken_) {
            const auto known = static_cast<std::size_t>(std::min<std::uint64_t>(taken_ - again_, buffer_.size()));
            again_hash_.update({buffer_.data(), known});
            again_ += known;
            buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(known));
            if (again_ == taken_ && again_hash_.digest() != hash_.digest()) {
                return fail(
                    ErrorKind::data,
                    fmt::format("{}: the data changed: a sender that connected again did not send again what was "
                                "taken from it ({} bytes, from its header on); send the same lines from line 1, "
                                "or begin a new session",
                                waiting_.name(), taken_));
            }
        }
        std::size_t end = buffer_.size();
        while (end > 0 && buffer_[end - 1] != '\n') {
            --end;
        }
        whole_ = end;
        hash_.update({buffer_.data(), whole_});
        taken_ += whole_;
        again_ += whole_;
        constexpr std::size_t kEndless = 1U << 20U;
        if (buffer_.size() - whole_ > kEndless) {
            return fail(ErrorKind::data,
                        fmt::format("{}: a line is longer than {} bytes; is this a CSV?", waiting_.name(), kEndless));
        }
        return {};
    }

    Result<void> accept() {
        error_code outcome;
        Result<void> waited = waiting_.wait(acceptor_, [&](auto done) {
            acceptor_.async_accept(connection_, [&outcome, done](error_code failed) {
                outcome = failed;
                done();
            });
        });
        if (!waited) {
            return waited;
        }
        if (outcome) {
            return waiting_.failed("no sender can connect", outcome);
        }
        again_ = 0;
        again_hash_ = {};
        return {};
    }

    Waiting waiting_;
    typename Protocol::acceptor acceptor_;
    typename Protocol::socket connection_;
    std::string socket_file_;
    std::vector<char> buffer_;
    std::size_t at_ = 0;       // in the buffer: handed out
    std::size_t whole_ = 0;    // in the buffer: the end of its last whole line
    std::uint64_t taken_ = 0;  // bytes of whole lines, over all connections
    TextHash hash_;            // of those
    std::uint64_t again_ = 0;  // bytes of this connection, compared or new
    TextHash again_hash_;      // of those compared
};

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
    if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
        asio::local::stream_protocol::socket probe(io);
        error_code refused;
        static_cast<void>(probe.connect(endpoint, refused));
        if (refused == asio::error::connection_refused) {
            static_cast<void>(::unlink(path.c_str()));
        }
    }
    asio::local::stream_protocol::acceptor acceptor(io);
    acceptor.open(endpoint.protocol());
    const mode_t before = ::umask(S_IRWXG | S_IRWXO);
    error_code failed;
    static_cast<void>(acceptor.bind(endpoint, failed));
    ::umask(before);
    boost::asio::detail::throw_error(failed, "bind");
    acceptor.listen();
    return acceptor;
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_stream(const DataSource& source) {
    if (source.stream == "stdin") {
        return std::make_unique<StandardInput>(source);
    }
    try {
        if (source.stream.starts_with(kTcp)) {
            return std::make_unique<Listening<asio::ip::tcp>>(source, open_tcp);
        }
        return std::make_unique<Listening<asio::local::stream_protocol>>(source, open_unix);
    } catch (const boost::system::system_error& refused) {
        return fail(ErrorKind::usage,
                    fmt::format("{}: cannot be listened on: {}; end whoever uses it, or choose another", source.name(),
                                refused.code().message()));
    }
}

}  // namespace alpha
