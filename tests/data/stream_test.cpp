#include "adapters/data/stream.hpp"
#include "tests/data/support.hpp"

#include <arpa/inet.h>
#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using namespace alpha;
using namespace alpha::test;

namespace {

const HoursOf kAnyHours = [](const std::string&) { return TradingHours{}; };
const std::string kHeader = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";

std::string line(int n) {
    return std::to_string(1'700'000'000'000'000'000 + n) + ",NSE:X,100." + std::to_string(n % 90 + 10) + ",1,101,1\n";
}
std::string lines(int from, int to) {
    std::string text;
    for (int n = from; n < to; ++n) {
        text += line(n);
    }
    return text;
}

/// A sender's end of a connection.
class Sender {
public:
    explicit Sender(const std::string& stream) {
        for (int attempt = 0; attempt < 500 && !connect(stream); ++attempt) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));  // it listens once it was opened
        }
        REQUIRE(socket_ >= 0);
    }
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;
    ~Sender() { ::close(socket_); }
    /// False where nobody takes it.
    bool send(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return false;
            }
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

private:
    bool connect(const std::string& stream) {
        if (stream.starts_with("unix:")) {
            sockaddr_un address{};
            address.sun_family = AF_UNIX;
            stream.copy(address.sun_path, sizeof address.sun_path - 1, 5);
            return connect(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        }
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(stream.substr(stream.rfind(':') + 1))));
        return connect(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    bool connect(int family, const sockaddr* address, socklen_t size) {
        const int opened = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(opened >= 0);
        if (::connect(opened, address, size) != 0) {
            ::close(opened);
            return false;
        }
        socket_ = opened;
        return true;
    }
    int socket_ = -1;
};

/// A port that nobody used a moment ago.
std::string free_port() {
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(probe >= 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(probe, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    ::close(probe);
    return std::to_string(ntohs(address.sin_port));
}

/// What is read from a stream on another thread, until it is interrupted or fails.
class StreamReading {
public:
    explicit StreamReading(const std::string& stream, const std::vector<std::uint8_t>& position = {}) {
        source_.stream = stream;
        source_.interrupt = &interrupt_;
        thread_ = std::thread([this, position] {
            auto feed = position.empty() ? open_feed({source_}, kAnyHours) : open_feed({source_}, kAnyHours, position);
            if (!feed) {
                error_ = feed.error();
                return;
            }
            for (;;) {
                const auto batch = (*feed)->next();
                if (!batch) {
                    error_ = batch.error();
                    return;
                }
                for (const FeedRecord& record : *batch) {
                    times_.push_back(record.time.ns - 1'700'000'000'000'000'000);
                }
                position_.clear();
                (*feed)->save_position(batch->size(), position_);
                taken_.store(times_.size());
                if (batch->empty()) {
                    return;
                }
            }
        });
    }
    StreamReading(const StreamReading&) = delete;
    StreamReading& operator=(const StreamReading&) = delete;
    ~StreamReading() { end(); }
    bool wait_for(std::size_t records) const {
        for (int i = 0; i < 1'000 && taken_.load() < records; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return taken_.load() == records;
    }
    void end() {
        interrupt_.set();
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    /// Waits for it to end by itself.
    void join() { thread_.join(); }

    // After end() or join().
    const std::vector<std::int64_t>& times() const { return times_; }
    const std::optional<Error>& error() const { return error_; }
    std::vector<std::uint8_t> position() const { return {position_.view().begin(), position_.view().end()}; }

private:
    Interrupt interrupt_;
    DataSource source_;
    std::vector<std::int64_t> times_;
    std::atomic<std::size_t> taken_{0};
    ByteBuffer position_;
    std::optional<Error> error_;
    std::thread thread_;
};

std::vector<std::int64_t> up_to(std::int64_t end) {
    std::vector<std::int64_t> all;
    all.reserve(static_cast<std::size_t>(end));
    for (std::int64_t n = 0; n < end; ++n) {
        all.push_back(n);
    }
    return all;
}

}  // namespace

TEST_CASE("lines of a socket are taken as they come, once, however often the sender begins again", "[data]") {
    const TempDir folder;
    const bool tcp = GENERATE(true, false);
    const std::string stream = tcp ? "tcp:127.0.0.1:" + free_port() : "unix:" + folder.path("feed.sock");
    StreamReading reading(stream);
    {
        const Sender sender(stream);
        REQUIRE(sender.send(kHeader + lines(0, 3)));
        CHECK(reading.wait_for(3));                            // though nothing more comes
        REQUIRE(sender.send(line(3) + line(4).substr(0, 9)));  // it dies within a line
        CHECK(reading.wait_for(4));
    }
    {
        const Sender sender(stream);  // nothing new yet
        REQUIRE(sender.send(kHeader + lines(0, 2)));
    }
    {
        const Sender sender(stream);
        REQUIRE(sender.send(kHeader + lines(0, 6)));
        CHECK(reading.wait_for(6));
    }
    reading.end();
    REQUIRE(reading.error());
    CHECK(reading.error()->kind == ErrorKind::interrupted);
    CHECK(reading.times() == up_to(6));
}

TEST_CASE("a sender that tells another story when it connects again is refused", "[data]") {
    const TempDir folder;
    const std::string stream = "unix:" + folder.path("feed.sock");
    StreamReading reading(stream);
    {
        const Sender sender(stream);
        REQUIRE(sender.send(kHeader + lines(0, 3)));
        CHECK(reading.wait_for(3));
    }
    const Sender sender(stream);
    REQUIRE(sender.send(kHeader + lines(0, 2) + line(7) + line(8)));
    reading.join();
    REQUIRE(reading.error());
    CHECK(reading.error()->kind == ErrorKind::data);
    CHECK(reading.error()->message.find("the data changed: a sender that connected again") != std::string::npos);
    CHECK(reading.times() == up_to(3));
}

TEST_CASE("started again at its position, a stream is skipped up to there and compared", "[data]") {
    const TempDir folder;
    const std::string stream = "unix:" + folder.path("feed.sock");
    std::vector<std::uint8_t> position;
    {
        StreamReading reading(stream);
        const Sender sender(stream);
        REQUIRE(sender.send(kHeader + lines(0, 100)));
        CHECK(reading.wait_for(100));
        reading.end();
        position = reading.position();
    }
    SECTION("the same lines") {
        StreamReading again(stream, position);
        const Sender sender(stream);
        REQUIRE(sender.send(kHeader + lines(0, 103)));
        CHECK(again.wait_for(3));
        again.end();
        CHECK(again.times() == std::vector<std::int64_t>{100, 101, 102});
    }
    SECTION("others") {
        StreamReading again(stream, position);
        const Sender sender(stream);
        REQUIRE(sender.send(kHeader + lines(1, 104)));
        again.join();
        REQUIRE(again.error());
        CHECK(again.error()->kind == ErrorKind::data);
        CHECK(again.error()->message.find("the data changed") != std::string::npos);
    }
}

TEST_CASE("a reader that is slow holds the sender back, and nothing is lost", "[data]") {
    const TempDir folder;
    const std::string stream = "unix:" + folder.path("feed.sock");
    Interrupt interrupt;
    DataSource source;
    source.stream = stream;
    source.interrupt = &interrupt;
    constexpr int kLines = 60'000;
    std::future<bool> sent = std::async(std::launch::async, [&] {
        const Sender sender(stream);
        return sender.send(kHeader + lines(0, kLines));
    });
    auto feed = open_feed({source}, kAnyHours);
    REQUIRE(feed);
    CHECK(sent.wait_for(std::chrono::milliseconds(200)) == std::future_status::timeout);
    std::int64_t next = 0;
    while (next < kLines) {
        const auto batch = (*feed)->next();
        REQUIRE(batch);
        for (const FeedRecord& record : *batch) {
            REQUIRE(record.time.ns == 1'700'000'000'000'000'000 + next);
            ++next;
        }
    }
    CHECK(sent.get());
}

TEST_CASE("a socket is its user's alone, is removed at the end, and one that is in use is refused", "[data]") {
    const TempDir folder;
    const std::string path = folder.path("feed.sock");
    {
        StreamReading reading("unix:" + path);
        { const Sender sender("unix:" + path); }
        struct stat status{};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & (S_IRWXG | S_IRWXO)) == 0);
        StreamReading second("unix:" + path);
        second.join();
        REQUIRE(second.error());
        CHECK(second.error()->kind == ErrorKind::usage);
        CHECK(second.error()->message.find("cannot be listened on") != std::string::npos);
    }
    CHECK(::access(path.c_str(), F_OK) != 0);
    // Left behind by a process that was killed: nobody listens, so it is taken over.
    const int left = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(left >= 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(left);
    StreamReading reading("unix:" + path);
    const Sender sender("unix:" + path);
    REQUIRE(sender.send(kHeader + lines(0, 1)));
    CHECK(reading.wait_for(1));
}

TEST_CASE("what is no stream is refused, and so is one that strangers could reach", "[data]") {
    for (const char* good : {"stdin", "unix:feed.sock", "tcp:127.0.0.1:7001", "tcp:localhost:1", "tcp:[::1]:65535"}) {
        CAPTURE(good);
        CHECK(stream_refusal(good).empty());
    }
    for (const char* bad : {"", "stdout", "unix:", "tcp:", "tcp:7001", "tcp:127.0.0.1:", "tcp:127.0.0.1:0",
                            "tcp:127.0.0.1:65536", "tcp:127.0.0.1:70x", "tcp:nowhere:7001", "http://x"}) {
        CAPTURE(bad);
        CHECK_FALSE(stream_refusal(bad).empty());
    }
    CHECK(stream_refusal("tcp:0.0.0.0:7001").find("not asked who they are") != std::string::npos);
    CHECK_FALSE(stream_refusal("tcp:10.0.0.1:7001").empty());
    CHECK_FALSE(stream_refusal("unix:" + std::string(108, 'x')).empty());
}

TEST_CASE("a line without an end is refused before it fills the memory", "[data]") {
    const TempDir folder;
    const std::string stream = "unix:" + folder.path("feed.sock");
    StreamReading reading(stream);
    const Sender sender(stream);
    static_cast<void>(sender.send(kHeader + std::string(2U << 20U, 'x')));
    reading.join();
    REQUIRE(reading.error());
    CHECK(reading.error()->message.find("a line is longer than") != std::string::npos);
}
