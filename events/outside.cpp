#include "events/outside.hpp"

namespace alpha {

const char* name_of(Send what) {
    switch (what) {
    case Send::place: return "place";
    case Send::cancel: return "cancel";
    case Send::modify: return "modify";
    }
    return "";
}

const char* name_of(SendOutcome outcome) {
    switch (outcome) {
    case SendOutcome::acked: return "acked";
    case SendOutcome::refused: return "refused";
    case SendOutcome::doubtful: return "doubtful";
    case SendOutcome::not_started: return "not_started";
    case SendOutcome::withheld: return "withheld";
    case SendOutcome::unknown: return "unknown";
    }
    return "";
}

const char* name_of(RowStatus status) {
    switch (status) {
    case RowStatus::pending: return "pending";
    case RowStatus::open: return "open";
    case RowStatus::trigger_pending: return "trigger_pending";
    case RowStatus::complete: return "complete";
    case RowStatus::cancelled: return "cancelled";
    case RowStatus::rejected: return "rejected";
    }
    return "";
}

const char* name_of(SessionChange change) {
    switch (change) {
    case SessionChange::restarted: return "restarted";
    case SessionChange::down: return "down";
    case SessionChange::login_needed: return "login_needed";
    case SessionChange::reconciling: return "reconciling";
    case SessionChange::up: return "up";
    case SessionChange::halted: return "halted";
    }
    return "";
}

const char* name_of(Resolution how) {
    switch (how) {
    case Resolution::placed: return "placed";
    case Resolution::not_placed: return "not_placed";
    case Resolution::closed: return "closed";
    }
    return "";
}

const char* name_of(AccountRowKind value) {
    switch (value) {
    case AccountRowKind::position: return "position";
    case AccountRowKind::holding: return "holding";
    }
    return "";
}

const char* name_of(DifferenceKind value) {
    switch (value) {
    case DifferenceKind::order: return "order";
    case DifferenceKind::position: return "position";
    case DifferenceKind::holding: return "holding";
    case DifferenceKind::clock: return "clock";
    case DifferenceKind::journal_older: return "journal_older";
    }
    return "";
}

const char* name_of(DifferenceAction value) {
    switch (value) {
    case DifferenceAction::noted: return "noted";
    case DifferenceAction::frozen: return "frozen";
    case DifferenceAction::halted: return "halted";
    }
    return "";
}

const char* name_of(FeedState value) {
    switch (value) {
    case FeedState::up: return "up";
    case FeedState::down: return "down";
    case FeedState::stale: return "stale";
    }
    return "";
}

}  // namespace alpha
