#pragma once
/// What a result rests on, in words: where the models of a session are kinder than a market is, and what its settings leave out.

#include "kernel/state.hpp"
#include "results/results.hpp"

#include <vector>

namespace alpha {

/// Of the session that ended in `state`; `results` are its own, all but these.
std::vector<Assumption> assumptions_of(const State& state, const Results& results);

}  // namespace alpha
