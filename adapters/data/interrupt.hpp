#pragma once
/// What ends a wait for senders.

namespace alpha {

/// Ends the reading of streams, from any thread and from a signal handler.
class Interrupt {
public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    void set() const;
    /// Readable once it is set.
    int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

}  // namespace alpha
