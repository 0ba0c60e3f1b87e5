#pragma once
/// What may differ between bytes that were read and those written of what was read.

#include "events/bytes.hpp"

namespace alpha::test {

/// Whether `written` is `read` but for versions of structs. What a newer struct has more is skipped, so its version alone may be
/// another one: it stands before the oldest reader's, which are both 1 so far (events/cursor.hpp).
inline bool same_but_for_versions(Bytes written, Bytes read) {
    bool same = written.size() == read.size();
    for (std::size_t i = 0; same && i < read.size(); ++i) {
        const bool is_version = i + 1 < read.size() && written[i] == 1 && read[i] > 1 && written[i + 1] == 1;
        same = written[i] == read[i] || is_version;
    }
    return same;
}

}  // namespace alpha::test
