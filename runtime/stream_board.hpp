#pragma once
/// How the streams of a session's feeds stand: written by the thread that reads them, looked at from any.

#include "adapters/data/feed.hpp"

#include <mutex>
#include <vector>

namespace alpha {

class StreamBoard {
public:
    std::vector<StreamStatus> streams() const {
        const std::lock_guard lock(mutex_);
        return streams_;
    }
    /// As FeedWatch::change_status.
    void change(std::size_t stream, const std::function<void(StreamStatus&)>& change) {
        const std::lock_guard lock(mutex_);
        streams_.resize(std::max(streams_.size(), stream + 1));
        change(streams_[stream]);
    }

private:
    mutable std::mutex mutex_;
    std::vector<StreamStatus> streams_;
};

}  // namespace alpha
