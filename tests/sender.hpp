#pragma once
/// Who sends market data to a stream under test: one connection to its socket.

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace alpha::test {

class Sender {
public:
    /// Connects to `unix:PATH` or `tcp:HOST:PORT`, once somebody listens there.
    explicit Sender(const std::string& stream) {
        for (int attempt = 0; attempt < 1'000 && !connect(stream); ++attempt) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
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
    /// Waits until the other side has closed the connection.
    void wait_for_close() const {
        char nothing = 0;
        static_cast<void>(
            ::recv(socket_, &nothing, 1, 0));  // NOLINT(clang-analyzer-unix.BlockInCriticalSection): no lock is held
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

}  // namespace alpha::test
