#pragma once
/// Market data from a sender rather than a file: lines on standard input, or on a Unix or TCP socket.
///
/// A sender always begins at line 1. On a socket that holds for every connection: what was taken from an earlier one is compared
/// with what comes again, and skipped; a sender that says something else is refused. So a sender may be killed and started
/// again, as alpha itself may, without a line lost or taken twice. A last line without its end is not taken from a socket: the
/// sender may have died in the middle of it.

#include "adapters/data/byte_source.hpp"
#include "adapters/data/feed.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace alpha {

/// Ends the reading of streams, from any thread and from a signal handler.
class Interrupt {
public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    void set() const;
    /// Readable once it is set.
    int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

/// What forbids `stream` as the name of one; empty when nothing does:
///
///   stdin                      standard input, to its end
///   unix:PATH                  a socket in the file system, made with access for its user alone
///   tcp:127.0.0.1:PORT         a port of this machine, of the loopback network alone: senders are not asked who they are
std::string stream_refusal(std::string_view stream);

/// How messages call it.
std::string stream_name(std::string_view stream);

/// Opens `source.stream`, whose name is good. Reading waits for senders; a set `source.interrupt` ends it with kind interrupted.
/// Refuses (kind usage) an address that is taken or cannot be listened on.
Result<std::unique_ptr<ByteSource>> open_stream(const DataSource& source);

}  // namespace alpha
