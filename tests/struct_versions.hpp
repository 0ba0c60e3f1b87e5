#pragma once
/// What may differ between bytes that were read and those written of what was read.

#include "events/bytes.hpp"

namespace alpha::test {

/// Whether `written` is `read` but for versions of structs: a struct's version and its oldest reader's are one number where we write them
/// (events/cursor.hpp). A newer program's may be a higher version that older readers can skip.
inline bool same_but_for_versions(Bytes written, Bytes read) {
    constexpr std::uint8_t kMostVersions = 8;
    const auto are_versions = [&](std::size_t at) {
        const std::uint8_t ours = written[at];
        return ours >= 1 && ours <= kMostVersions && written[at + 1] == ours && read[at + 1] >= 1 &&
               read[at + 1] <= ours && read[at] >= read[at + 1];
    };
    bool same = written.size() == read.size();
    for (std::size_t i = 0; same && i < read.size(); ++i) {
        same = written[i] == read[i] || (i + 1 < read.size() && are_versions(i)) || (i != 0 && are_versions(i - 1));
    }
    return same;
}

}  // namespace alpha::test
