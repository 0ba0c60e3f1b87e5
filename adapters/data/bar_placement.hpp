#pragma once
/// Inside adapters/data: bars placed in time. Each becomes its opening, at its label, and its close.

#include "adapters/data/record_stream.hpp"

#include <functional>
#include <memory>

namespace alpha {

/// Looks out for an interval that is too short, of a stream: over all of its senders, whose labels go on from one to the next.
struct IntervalWatch {
    Spacing spacing;
    std::function<void(DataWarning)> warn;  ///< null once there is nothing to warn of any more
};

class BarPlacement : public RecordStream {
public:
    /// What the rows are of. At the end of a file, or of standard input, what waits has nothing left to wait for; the rows of a
    /// sender that left or was sent away are resumed by the next one.
    enum class Text : std::uint8_t { file, only_sender, one_of_senders };

    /// What forbids the instruments known so far, before any bar is read; empty when nothing does.
    virtual std::string refusal_of_symbols() = 0;
};

/// `beside_intraday`: other sources of the same feed know times of day. `interval_watch`: null for a file, which was judged.
std::unique_ptr<BarPlacement> place_bars(std::unique_ptr<BarRows> rows, const TimesOf& times, bool beside_intraday,
                                         BarPlacement::Text text = BarPlacement::Text::file,
                                         std::shared_ptr<IntervalWatch> interval_watch = nullptr);

}  // namespace alpha
