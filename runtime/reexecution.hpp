#pragma once
/// A log decided again: whether this program makes of its inputs, byte for byte, what is in it; and a kernel that can go on where it
/// ends.

#include "events/text.hpp"
#include "kernel/kernel.hpp"
#include "runtime/components.hpp"
#include "store/journal.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace alpha {

/// Refuses (kind data) an edition of the rules that this program does not decide under. A log's is in its event 0.
Result<void> decides_under(std::uint16_t rules);

/// Where what was decided parts from what the log holds.
struct Disagreement {
    Seq seq = 0;
    std::optional<DecodedEvent> logged;   ///< nothing: the log ends here
    std::optional<DecodedEvent> decided;  ///< nothing: no event was decided here
    Names names;
};

/// Decides a log again: builds the kernel, the strategies and the brokers that event 0 names, feeds them the inputs that the log
/// holds (what a person or a watchdog did among them), and compares every event that the kernel makes, byte for byte, with the log's. What falls due by itself
/// (sessions, timers, P&L snapshots) is the kernel's own to make.
///
/// Fed with all of a log, it holds a kernel that can go on where the log ends.
class Reexecution {
public:
    /// Before event 0. The kernel writes into `frame`, which outlives this; `observer` may be null; its strategies and brokers
    /// are made by `make`.
    Reexecution(Frame& frame, KernelObserver* observer, ComponentsMaker make);
    /// From a checkpoint (runtime/components.hpp), at its place in the log. Refuses (kind data) one that cannot be read, and what
    /// `make` refuses.
    static Result<std::unique_ptr<Reexecution>> from(const StoredSnapshot& checkpoint, Frame& frame,
                                                     KernelObserver* observer, const ComponentsMaker& make);
    ~Reexecution();
    Reexecution(const Reexecution&) = delete;
    Reexecution& operator=(const Reexecution&) = delete;

    /// The event to be fed next.
    Seq next_seq() const;

    /// Takes the events of the frame from next_seq() up to `end`, not included. False once something differs:
    /// disagreement() says what. Refuses (kind data) events that cannot be decoded and inputs that no session could have had.
    Result<bool> feed(const Frame& logged, Seq end = kNoSeq);
    /// The log ends here: what it holds beyond the last input must have been decided, and the other way round.
    bool end();
    /// Lets the kernel come to what was fed last and fell due by itself, though the input that follows was not fed: for a log that ends
    /// in a lull, or a frame of one that was cut there. False where something else falls due.
    bool catch_up();

    /// Whether all that was fed has come of inputs that were fed, so that the kernel stands right before next_seq(). It does
    /// not where the next input has yet to lead to what fell due before it.
    bool is_between_inputs() const;
    /// The session goes on under another configuration, and by itself: only follow() is called from here on. Requires
    /// is_between_inputs(); refuses what reconfigure (runtime/components.hpp) does.
    Result<void> reconfigure(const RunConfigured& config);
    /// Hands the kernel the inputs among the events of the frame from next_seq() on, and compares nothing: what it makes of
    /// them is in its frame, the caller's to store whenever `after_input` is called. That returns false to stop. Requires
    /// is_between_inputs() when called first. Refuses what feed() refuses, and (kind usage) a log that is reconfigured itself
    /// behind a reconfigure().
    Result<void> follow(const Frame& logged, const std::function<bool()>& after_input);

    /// Meaningful after feed() or end() returned false.
    const Disagreement& disagreement() const;

    /// Null before event 0. Whatever it makes next goes into the frame, which is begun at next_seq() after a feed.
    Kernel* kernel();

    /// What goes on where the log ends. Requires end() to have returned true.
    struct Revived {
        std::vector<std::unique_ptr<Venue>> venues;
        std::unique_ptr<Kernel> kernel;  ///< uses the venues
    };
    Revived release();

private:
    struct Work;
    std::unique_ptr<Work> work_;
};

/// At the newest checkpoint at or before `seq` that can be read, or before event 0.
Result<std::unique_ptr<Reexecution>> begin_reexecution(const Journal& journal, Seq seq, Frame& frame,
                                                       const ComponentsMaker& make);

struct Reexecuted {
    Seq begun = 0;     ///< where it began: 0, or the place of a snapshot
    Seq compared = 0;  ///< how many events
    std::optional<Disagreement> disagreement;
};

/// Decides the events of `journal` up to `end` (not included) again, from the newest checkpoint at or before `from` that can be
/// read. Refuses (kind data) a journal whose strategies or brokers this program does not have.
Result<Reexecuted> reexecute(const Journal& journal, Seq from, Seq end,
                             const ComponentsMaker& make = make_built_in_components);
/// The same for any log, from event 0 on.
Result<Reexecuted> reexecute(const LogReader& log, const ComponentsMaker& make = make_built_in_components);

}  // namespace alpha
