#pragma once
/// What a person may ask of a running session beside how it stands: kill switches and halted strategies, by name.

#include "events/input.hpp"
#include "events/result.hpp"
#include "kernel/state.hpp"

#include <string>
#include <vector>

namespace alpha {

struct OperatorRequest {
    enum class Kind : std::uint8_t {
        kill,     ///< latch the kill switch (KillRequest)
        release,  ///< allow orders again
        resume,   ///< let a halted strategy go on
    };
    Kind kind = Kind::kill;
    LatchScope scope = LatchScope::all;  ///< kill: how far
    /// kill, release: whose portfolio; empty: every one that trades. resume: which strategy.
    std::string name;
};

/// The inputs that it means. Refuses (kind usage) a portfolio or strategy that does not exist.
Result<std::vector<Input>> inputs_of(const OperatorRequest& request, const State& state);

}  // namespace alpha
