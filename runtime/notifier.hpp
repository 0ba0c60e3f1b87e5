#pragma once
/// Runs a command of the user's when something happens that a person should know of: a kill switch that latches, a strategy that is
/// halted, a feed that is lost. On a thread of its own: whoever says it does not wait.

#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace alpha {

class Notifier {
public:
    virtual ~Notifier() = default;
    /// Any thread. Beyond a hundred sentences that wait, the newest are dropped and counted in the log.
    virtual void say(const std::string& sentence) = 0;
};

/// `command` is run by /bin/sh, once a sentence, with the sentence in its environment as ALPHA_NOTIFY and nothing on its standard
/// input. One that takes longer than thirty seconds is ended. The destructor waits for those that were said.
std::unique_ptr<Notifier> make_notifier(std::string command, std::shared_ptr<spdlog::logger> log);

}  // namespace alpha
