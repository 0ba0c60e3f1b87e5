#pragma once
/// A running session as another process sees it, and how that process asks.

#include "cli/command.hpp"
#include "runtime/control.hpp"
#include "runtime/inbox.hpp"
#include "views/status.hpp"

#include <string>

namespace alpha {

/// Answers other processes' requests by posting them at the desk, which outlives the session.
Control::Handler answer_requests(Inbox& inbox, SessionFacts facts);

/// One line for a terminal on which a session runs: "2024-01-01T09:15:00+05:30  12,345 events  40 orders, 2 open  38 fills  P&L
/// +₹1,234.50".
std::string live_line(const RunResult& books, const Zone& zone);

/// Shows it on standard error, rewritten at most four times a second, and not while the terminal is held; wiped at the end. Put into
/// words and written by the loggers' thread: the session does not wait for it.
class LiveLine {
public:
    /// Both outlive it.
    LiveLine(bool shown, const Zone& zone, const Loggers& loggers) : shown_(shown), zone_(zone), loggers_(loggers) {}
    ~LiveLine() { clear(); }
    LiveLine(const LiveLine&) = delete;
    LiveLine& operator=(const LiveLine&) = delete;
    void update(const State& state);
    void clear();

private:
    bool shown_;
    const Zone& zone_;
    const Loggers& loggers_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point next_;
};

}  // namespace alpha
