#pragma once
/// How another process of the same user talks to a running session: `alpha status`, `alpha kill`. One line asks, one text answers.
///
/// The meeting place is a Unix socket in the abstract namespace, named after the journal's folder itself (device and inode):
/// it needs no path, leaves nothing behind when a process is killed, and follows the folder when it is renamed. Each side
/// asks the system who the other is, and speaks with its own user and root alone.

#include "events/result.hpp"

#include <functional>
#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace alpha {

class Control {
public:
    /// Gives the answer to one line; it may be given later, from any thread, and must be given once.
    using Answer = std::function<void(std::string)>;
    using Handler = std::function<void(const std::string& line, Answer answer)>;

    virtual ~Control() = default;

    /// Listens for the journal at `path`, whose folder is there, on a thread of its own; `handler` is called on that thread.
    /// SIGHUP, if `on_hangup` is given, is taken from then on: it calls that.
    static Result<std::unique_ptr<Control>> listen(const std::string& path, Handler handler,
                                                   std::function<void()> on_hangup,
                                                   std::shared_ptr<spdlog::logger> log);
};

/// Asks the session at the journal one line and returns its answer. Refuses (kind usage) a journal at which none runs, and (kind
/// internal) one that does not answer within ten seconds.
Result<std::string> ask_session(const std::string& path, const std::string& line);
/// Whether a session runs at the journal.
bool is_session_running(const std::string& path);

}  // namespace alpha
