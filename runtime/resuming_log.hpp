#pragma once
/// How a session that was ended in the middle goes on: it does everything again, from the same configuration and the same feeds,
/// and what it makes is compared, byte for byte, with what its journal holds. Where the journal ends, storing begins. Nothing
/// of a session (pending orders, timers, a broker's resting orders, a strategy's averages) has to be restored by a way of its
/// own, and a changed configuration, feed or program cannot go on unseen.

#include "store/background_log.hpp"
#include "store/event_log.hpp"

#include <memory>

namespace alpha {

class ResumingLog final : public LogWriter {
public:
    /// `stored` shows the log as `log` found it when it was opened to go on with.
    ResumingLog(std::unique_ptr<LogReader> stored, std::unique_ptr<LogWriter> log);

    /// Compares what the stored log has of the batch, and appends the rest. Where they differ it refuses and names both events:
    /// kind usage when it is the configuration, data when it is what a feed gave, mismatch when it is what was decided.
    Result<void> append(Batch& batch) override;
    Result<void> commit() override;
    /// Refuses (kind data) as long as the stored log goes on behind what was appended: the feeds have become shorter.
    Result<void> finish(const std::optional<Ending>& ending) override;
    Seq next_seq() const override { return next_; }
    Digest head() const override { return log_->head(); }

    bool is_catching_up() const override { return next_ < end_; }

private:
    Result<void> differ(const Frame& made, std::size_t at) const;
    Result<void> append_behind(Batch& batch, std::size_t at);

    std::unique_ptr<LogWriter> log_;
    std::unique_ptr<LogReader> reader_;
    ReadAhead stored_;        // of reader_
    Frame* frame_ = nullptr;  // of the stored log
    std::size_t compared_ = 0;
    Seq end_;
    Seq next_ = 0;
};

}  // namespace alpha
