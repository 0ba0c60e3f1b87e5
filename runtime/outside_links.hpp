#pragma once
/// A session's brokers outside: for each its rules in the log, its thread, and its messages on their way. All calls but `hold` are the session's own.

#include "config/scenario.hpp"
#include "runtime/broker_thread.hpp"
#include "runtime/sends.hpp"
#include "store/event_log.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace alpha {

class Inbox;

/// How a session reaches a broker outside.
struct OutsideBrokerOptions {
    std::string broker;            ///< as the scenario names it
    std::uint32_t log_number = 0;  ///< of a new journal's order tags: random; one that goes on keeps its own
    OutsideRules rules{};
    SendLimits limits{};
    GatewaySettings gateway{};
    BrokerThread::MakeClient make_client;
};

class OutsideLinks {
public:
    /// `wake` is called when a broker has said something, from any thread; it must not wait. Refuses (kind usage) a broker that the scenario does not
    /// have.
    static Result<std::unique_ptr<OutsideLinks>> make(const std::vector<OutsideBrokerOptions>& options,
                                                      const RunConfigured& config);
    ~OutsideLinks();
    OutsideLinks(const OutsideLinks&) = delete;
    OutsideLinks& operator=(const OutsideLinks&) = delete;

    /// What the brokers are, in the log; and of a session that goes on, that it was restarted: nothing that was decided before is sent any more.
    void introduce(Kernel& kernel, bool is_resumed);
    /// From here on they talk; until then nothing is sent. Clock and kernel outlive that.
    void connect(const State& state, Clock& clock, const std::function<void()>& wake);
    /// They say and send nothing any more, and `wake` is not called again.
    void disconnect();

    /// Whether a broker has said something.
    bool any() const;
    /// What they have said, each as an input at `now`, and what is kept of the bytes they said it with.
    void take_words(Kernel& kernel, Time now, std::vector<Evidence>& evidence);
    /// Begins what is wished and may be sent. How many: they leave once they are durable, and set_durable has said so.
    std::size_t start_sends(Kernel& kernel, Time now);
    /// To be called, from any thread, when every event before `seq` is on disk.
    std::function<void()> when_durable(Seq seq) const;
    /// When the session has to look again though nothing came.
    Time next_due() const;

    /// Any thread, at once: no order of the portfolio's broker begins from here on; empty: of no broker.
    void hold(const std::string& portfolio);
    /// A kill was taken: what was decided before it is never begun, and what is decided after it may. Not while another waits in `inbox`.
    void lift(Inbox& inbox, Seq next_seq);

    /// Until what has begun was answered, or `most` has passed.
    void settle(std::chrono::milliseconds most);

private:
    struct Link;
    OutsideLinks() = default;
    std::vector<std::unique_ptr<Link>> links_;
};

}  // namespace alpha
