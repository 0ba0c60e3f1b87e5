#include "events/result.hpp"

namespace alpha {

const char* name_of(ErrorCode code) {
    switch (code) {
    case ErrorCode::unspecified: return "unspecified";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::already_exists: return "already_exists";
    case ErrorCode::in_use: return "in_use";
    case ErrorCode::moved: return "moved";
    case ErrorCode::no_space: return "no_space";
    case ErrorCode::no_descriptors: return "no_descriptors";
    case ErrorCode::no_threads: return "no_threads";
    case ErrorCode::no_memory: return "no_memory";
    case ErrorCode::file_too_large: return "file_too_large";
    case ErrorCode::not_permitted: return "not_permitted";
    case ErrorCode::not_a_journal: return "not_a_journal";
    case ErrorCode::newer_format: return "newer_format";
    case ErrorCode::damaged: return "damaged";
    case ErrorCode::altered: return "altered";
    case ErrorCode::lost_events: return "lost_events";
    case ErrorCode::bad_scenario: return "bad_scenario";
    case ErrorCode::bad_record: return "bad_record";
    case ErrorCode::other_session: return "other_session";
    case ErrorCode::data_changed: return "data_changed";
    case ErrorCode::decided_otherwise: return "decided_otherwise";
    }
    return "unspecified";
}

}  // namespace alpha
