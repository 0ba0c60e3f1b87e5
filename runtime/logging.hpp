#pragma once
/// Loggers by injection: wiring makes one set, each component is handed its own. Nothing looks one
/// up by name.

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

private:
    struct Sinks;
    std::unique_ptr<Sinks> sinks_;
};

}  // namespace alpha
