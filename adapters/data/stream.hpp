#pragma once
/// Market data from a sender rather than a file: lines on standard input, or on a Unix or TCP socket.
///
/// A sender always begins at line 1. On a socket that holds for every connection: what was taken from earlier ones is compared
/// with what comes again, and skipped. So a sender may be killed and started again, as alpha itself may, without a line lost or
/// taken twice. Whoever sends something else is refused, and the next one is waited for (adapters/data/sender_records.hpp).

#include "adapters/data/byte_source.hpp"
#include "adapters/data/interrupt.hpp"
#include "adapters/data/source.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// What forbids `stream` as the name of one; empty when nothing does:
///
///   stdin                      standard input, to its end
///   unix:PATH                  a socket in the file system, made with access for its user alone
///   tcp:127.0.0.1:PORT         a port of this machine, of the loopback network alone: senders are not asked who they are
std::string stream_refusal(std::string_view stream);

/// Who sends on one stream, one after the other; on standard input there is one only. Nothing here waits but wait_for_any().
class Senders {
public:
    /// As FeedWatch::now.
    using Now = std::function<std::chrono::nanoseconds()>;
    static constexpr std::chrono::nanoseconds kForEver = std::chrono::nanoseconds::max();

    /// Opens `source.stream`, whose name is good: from now on senders can connect. Refuses (kind usage) an address that is taken
    /// or cannot be listened on.
    static Result<std::unique_ptr<Senders>> open(const DataSource& source, Now now);
    ~Senders();
    Senders(const Senders&) = delete;
    Senders& operator=(const Senders&) = delete;

    /// What the present sender says, or, where none is there, the next one. Its end is the end of the connection. This outlives it.
    std::unique_ptr<ByteSource> text();
    /// Closes the connection to the present sender: what text() gives afterwards is the next one's.
    void dismiss();
    /// The present sender has shown that it is the right one. Until then it gives way to another one when it falls silent.
    void keep() { is_kept_ = true; }
    /// Whether another one may follow.
    bool has_next() const { return listening_ >= 0; }

    bool is_connected() const { return (connection_ >= 0 && !over_) || !silent_.empty(); }
    /// Whether what was received from the present one ends within a line.
    bool is_within_line() const { return within_line_; }

private:
    class Text;
    friend bool wait_for_any(std::span<Senders* const>, const Interrupt*, std::chrono::nanoseconds);

    Senders(std::string name, Now now, int listening, int connection, std::string socket_file);
    /// Whether there are bytes, or it is over; takes in what has arrived.
    bool receive();
    /// Lets in those who have connected. The first of the silent ones that has sent something.
    std::vector<int>::iterator first_heard();
    /// For one more of those; the longest silent one makes it where need be.
    bool has_room();
    /// Until when the present sender need not give way to another one.
    std::chrono::nanoseconds safe_until() const;

    std::string name_;
    Now now_;
    int listening_;            ///< -1: standard input
    int connection_;           ///< to the present sender; -1: nobody
    std::vector<int> silent_;  ///< connected, and not heard yet: whoever speaks first is the next one
    std::string socket_file_;  ///< to be removed at the end
    std::vector<char> buffer_;
    std::size_t at_ = 0;        ///< in the buffer: handed out
    std::size_t received_ = 0;  ///< in the buffer
    std::uint64_t consumed_ = 0;
    bool over_ = false;
    bool is_kept_ = false;
    std::chrono::nanoseconds heard_{0};  ///< the present one, or let in
    bool within_line_ = false;
    std::string failure_;  ///< why nothing more comes from the present one, other than by its own doing
    bool waits_ = true;    ///< nothing was there when it was looked at last
    std::chrono::nanoseconds next_accept_ =
        std::chrono::nanoseconds::min();  ///< not before: the last one failed for want of descriptors or memory
};

/// Returns once something has arrived from one of those that had nothing when they were last asked, or after `most`. False when the
/// interrupt, which may be null, is set.
bool wait_for_any(std::span<Senders* const> senders, const Interrupt* interrupt, std::chrono::nanoseconds most);

}  // namespace alpha
