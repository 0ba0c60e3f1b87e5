#pragma once
/// What tests of the order protocol call the state of a cancel or a change (kernel/outside.hpp).

#include "kernel/outside.hpp"

namespace alpha::test {

inline const char* name_of_change(ChangeState state) {
    switch (state) {
    case ChangeState::none: return "none";
    case ChangeState::wanted: return "wanted";
    case ChangeState::sending: return "sending";
    case ChangeState::acked: return "acked";
    case ChangeState::refused: return "refused";
    case ChangeState::unknown: return "unknown";
    }
    return "?";
}

}  // namespace alpha::test
