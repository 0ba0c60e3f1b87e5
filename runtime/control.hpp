#pragma once
/// How another process of the same user talks to a running session: `alpha status`, `alpha kill`. One line asks, one text answers.
/// Where they meet: runtime/meeting_place.hpp. Each side asks the system who the other is, and speaks with its own user and root
/// alone.

#include "events/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace alpha {

/// How much one session hears. A line has at most 4,095 bytes and its line feed.
struct ControlLimits {
    /// Connections at once. Who comes beyond them takes the place of the one that has said nothing for longest; where each has
    /// asked and waits, it is not let in.
    std::size_t connections = 32;
    std::chrono::milliseconds silence{5'000};  ///< from connecting until the line has come
    std::chrono::milliseconds wait{15'000};    ///< from then on, until the answer has been read
};

class Control {
public:
    /// Who asked, and waits. Any thread may use it, also when the connection or the Control is gone.
    class Asker {
    public:
        virtual ~Asker() = default;
        /// False once it has hung up, been let go, or its Control has ended.
        virtual bool is_there() const = 0;
        /// Gives the one answer: what `text` returns on the control's own thread. Later calls do nothing.
        virtual void answer(std::function<std::string()> text) = 0;
    };
    /// Called on the control's thread for each line; the asker may be answered later, from any thread.
    using Handler = std::function<void(const std::string& line, std::shared_ptr<Asker> asker)>;

    /// Connections so far of which nothing was heard.
    struct Counts {
        std::uint64_t strangers = 0;    ///< of other users
        std::uint64_t turned_away = 0;  ///< said nothing or too much, or came when there was no room
    };

    /// Ends it: nobody is let in any more, answers that were given are still sent, for 0.2 seconds at most.
    virtual ~Control() = default;
    /// Any thread.
    virtual Counts counts() const = 0;
    /// Where others reach the session; empty: nowhere, the log says why.
    virtual std::string where() const = 0;

    /// Listens for the journal at `path`, whose lock the caller holds, on a thread of its own. SIGHUP, if `on_hangup` is given, is
    /// taken from then on: it calls that. Where others cannot reach the session, that is logged as an error and everything else
    /// works.
    static Result<std::unique_ptr<Control>> listen(const std::string& path, Handler handler,
                                                   std::function<void()> on_hangup, std::shared_ptr<spdlog::logger> log,
                                                   const ControlLimits& limits = {});
};

/// Asks the session at the journal one line and returns its answer. Refuses (kind usage) a journal at which none runs and a line
/// that is too long or several, and (kind transient) a session that does not answer within `patience`. The request of one who has
/// returned without an answer does not happen, unless it was being carried out.
Result<std::string> ask_session(const std::string& path, const std::string& line,
                                std::chrono::milliseconds patience = std::chrono::seconds(10));
/// Whether a session of our user runs at the journal.
bool is_session_running(const std::string& path);

}  // namespace alpha
