#include "runtime/resuming_log.hpp"

#include "events/text.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace alpha {

namespace {

bool is_from_a_feed(const Event& event) {
    return std::holds_alternative<QuoteTick>(event) || std::holds_alternative<BarOpened>(event) ||
           std::holds_alternative<BarClosed>(event) || std::holds_alternative<InstrumentListed>(event);
}

/// The event of the frame that the byte at `at` belongs to, and where it begins.
std::pair<Seq, std::size_t> event_at(const Frame& frame, std::size_t at) {
    Seq seq = frame.first_seq;
    std::size_t begin = 0;
    for (; seq < frame.next_seq(); ++seq) {
        const auto header = decode_header(frame.bytes.view().subspan(begin), seq);
        ALPHA_ASSERT(header.has_value(), "a frame that was just made holds whole events");
        if (at < begin + header->total_bytes()) {
            break;
        }
        begin += header->total_bytes();
    }
    return {seq, begin};
}

}  // namespace

ResumingLog::ResumingLog(std::unique_ptr<LogReader> stored, std::unique_ptr<LogWriter> log)
    : log_(std::move(log)), reader_(std::move(stored)), stored_(*reader_, 0), end_(reader_->next_seq()) {
    ALPHA_ASSERT(end_ == log_->next_seq(), "the reader shows the log as the writer found it");
}

Result<void> ResumingLog::append(Batch& batch) {
    if (Result<void> ok = check_appendable(batch.frame, next_, false); !ok) {
        return ok;
    }
    if (next_ >= end_) {
        Result<void> stored = log_->append(batch);
        next_ = log_->next_seq();
        return stored;
    }
    const Bytes made = batch.frame.bytes.view();
    std::size_t at = 0;
    while (at < made.size()) {
        if (frame_ == nullptr || compared_ == frame_->bytes.size()) {
            frame_ = stored_.next();
            compared_ = 0;
            if (frame_ == nullptr) {
                const Result<void> read = stored_.outcome();
                return read ? append_behind(batch, at) : read;
            }
        }
        const Bytes stored = frame_->bytes.view().subspan(compared_);
        const std::size_t bytes = std::min(stored.size(), made.size() - at);
        if (std::memcmp(stored.data(), made.data() + at, bytes) != 0) {
            const auto differs = std::mismatch(stored.begin(), stored.begin() + static_cast<std::ptrdiff_t>(bytes),
                                               made.begin() + static_cast<std::ptrdiff_t>(at));
            return differ(batch.frame, static_cast<std::size_t>(differs.second - made.begin()));
        }
        compared_ += bytes;
        at += bytes;
    }
    next_ = batch.frame.next_seq();
    batch.begin(next_);
    return {};
}

Result<void> ResumingLog::commit() {
    return log_->commit();
}

Result<void> ResumingLog::finish(const std::optional<Ending>& ending) {
    if (is_catching_up()) {
        return fail(
            ErrorKind::data,
            fmt::format("The feeds end where the journal goes on: they lead to {} events, and it holds {}. Give it the "
                        "data it was begun with.",
                        next_, end_));
    }
    return log_->finish(ending);
}

/// The stored log ends within the batch, at the byte `at` of its frame: what is behind is new.
Result<void> ResumingLog::append_behind(Batch& batch, std::size_t at) {
    const auto [seq, begin] = event_at(batch.frame, at);
    ALPHA_ASSERT(seq == end_ && begin == at, "events that are the same have the same length");
    Batch rest;
    rest.begin(end_);
    rest.frame.events = static_cast<std::uint32_t>(batch.frame.next_seq() - end_);
    rest.frame.bytes.append(batch.frame.bytes.view().subspan(at));
    for (const std::size_t cut : batch.frame.leaf_cuts) {
        if (cut >= at) {
            rest.frame.leaf_cuts.push_back(cut - at);
        }
    }
    rest.rows = std::move(batch.rows);
    std::swap(rest.snapshot, batch.snapshot);
    rest.feed_records = batch.feed_records;
    Result<void> stored = log_->append(rest);
    next_ = log_->next_seq();
    batch.begin(next_);
    return stored;
}

Result<void> ResumingLog::differ(const Frame& made, std::size_t at) const {
    const auto [seq, begin] = event_at(made, at);
    const Result<DecodedEvent> stored = read_event(*reader_, seq);
    if (!stored) {
        return tl::make_unexpected(stored.error());
    }
    const Result<DecodedEvent> now = decode(made.bytes.view().subspan(begin), seq);
    ALPHA_ASSERT(now.has_value(), "what the kernel made can be read");
    if (seq == 0) {
        const auto* before = std::get_if<SessionConfigured>(&stored->event);
        const auto* given = std::get_if<SessionConfigured>(&now->event);
        const bool another = before != nullptr && given != nullptr && before->name != given->name;
        return fail(ErrorKind::usage,
                    another
                        ? fmt::format("the journal is of another scenario: '{}', not '{}'; name another --journal",
                                      before->name, given->name)
                        : "the configuration is not the one the journal was begun with; put it back, or name another "
                          "--journal (alpha log --to 0 shows what it was)");
    }
    Names names;
    const Result<DecodedEvent> configured = read_event(*reader_, 0);
    if (configured) {
        names.learn(configured->event);
    }
    const std::string both = fmt::format("  then: {}\n  now:  {}", to_text(stored->envelope, stored->event, names),
                                         to_text(now->envelope, now->event, names));
    if (is_from_a_feed(stored->event) || is_from_a_feed(now->event)) {
        return fail(ErrorKind::data, fmt::format("the data changed under the journal, at event {}:\n{}", seq, both));
    }
    return fail(
        ErrorKind::mismatch,
        fmt::format("this program decides otherwise than the one that began the journal, at event {}:\n{}", seq, both));
}

}  // namespace alpha
