#pragma once
/// Loggers by injection: wiring makes one set, each component is handed its own. Nothing looks one
/// up by name.

#include <functional>
#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace alpha {

struct LogOptions {
    int verbosity = 0;  ///< -1 quiet (errors), 0 warnings, 1 info, 2 debug, 3 trace
    std::string file;   ///< also append to this file, at debug or finer; empty: none
};

class Loggers {
public:
    /// A file that cannot be opened is reported on stderr and done without: a full disk must not
    /// keep a session from being wound down.
    explicit Loggers(const LogOptions& options);
    ~Loggers();
    /// The component's own logger, on the shared sinks (stderr and the file). Made on first use,
    /// the same one ever after; callable from any thread, and it may outlive the Loggers.
    std::shared_ptr<spdlog::logger> of(const std::string& component) const;
    /// Opens the file by its name again, for programs that rename it when it has grown. Any thread.
    void reopen() const;

    /// Until end_aside() lines are written by threads of their own, one for stderr and one for the file: who logs never waits for a
    /// terminal that is held, a pipe that nobody reads or a full disk. A thousand lines wait for each; what comes beyond them, or
    /// cannot be written, is lost, and their number logged once writing works again. Throws (std::system_error) where there are no
    /// more threads.
    void begin_aside() const;
    /// Returns once all is written, after a second at most for each; what cannot be written by then is lost, and so is all that
    /// follows. Nothing to do is no error. Not while others call begin_aside() or end_aside().
    void end_aside() const;
    /// Whether stderr has taken everything so far.
    bool is_terminal_free() const;
    /// Writes what `text` returns to stderr as it is, behind all that was logged; `text` is called on the thread that writes.
    void show(std::function<std::string()> text) const;

private:
    struct Sinks;
    std::unique_ptr<Sinks> sinks_;
};

}  // namespace alpha
