#include "store/verify.hpp"

#include "store/evidence.hpp"
#include "store/frame.hpp"
#include "store/machine.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace alpha {

namespace {

/// A range is what one thread takes on at a time: small enough that a few of them take little memory, large enough that the frame
/// which two of them share does not matter.
constexpr Seq kRangeLeaves = 8;
constexpr Seq kRangeEvents = kRangeLeaves * kLeafEvents;
constexpr unsigned kMaxThreads = 16;

struct Range {
    Seq from = 0;
    Seq to = 0;
    std::vector<StoredFrame> stored;     ///< the first may begin before, the last end behind
    std::vector<Frame> frames;           ///< the same, decoded, where somebody wants to see them
    std::vector<Digest> leaves;          ///< full ones
    std::optional<Digest> partial;       ///< of the last leaf of the log
    bool promise_met = false;            ///< a frame ends at the promised event
    std::optional<Digest> promise_leaf;  ///< the partial leaf there; none between two leaves
    Time first = kBeforeAll;
    Time last = kBeforeAll;
    Result<void> outcome;
};

/// Hands out the stored frames of a log range by range.
class RangeReader {
public:
    RangeReader(const LogReader& log, Seq from) : end_(log.next_seq()), from_(from), cursor_(log.frames(from)) {}

    bool at_end() const { return from_ >= end_; }
    /// Requires that the end has not come.
    void next(Range& range) {
        range.from = from_;
        range.to = std::min(end_, from_ + kRangeEvents);
        from_ = range.to;
        Seq come_to = 0;
        if (shared_) {
            come_to = shared_->first_seq + events_in(shared_->bytes.view());
            range.stored.push_back(*std::move(shared_));
            shared_.reset();
        }
        while (come_to < range.to) {
            StoredFrame frame;
            const Result<bool> read = cursor_->next(frame);
            if (!read || !*read) {
                range.outcome = read ? Result<void>{} : tl::make_unexpected(read.error());
                return;
            }
            come_to = frame.first_seq + events_in(frame.bytes.view());
            range.stored.push_back(std::move(frame));
        }
        if (come_to > range.to && !at_end()) {
            const StoredFrame& last = range.stored.back();
            shared_.emplace(StoredFrame{last.first_seq, ByteBuffer(last.bytes.size())});
            shared_->bytes.append(last.bytes.view());
        }
    }

private:
    Seq end_;
    Seq from_;
    std::unique_ptr<FrameCursor> cursor_;
    std::optional<StoredFrame> shared_;  // with the range before
};

/// Decodes and hashes a range whose frames were read.
Result<void> check_range(const LogReader& log, std::optional<Seq> promised, bool keep_frames, Range& range) {
    ChainHasher hasher;
    hasher.resume(range.from, Digest{});
    hasher.keep_leaves(&range.leaves);
    FrameCheck check(log.name(), range.from, log.next_seq());
    Frame scratch;
    for (const StoredFrame& stored : range.stored) {
        Frame& frame = keep_frames ? range.frames.emplace_back() : scratch;
        if (Result<void> ok = check.take(stored, frame); !ok) {
            return ok;
        }
        hasher.append(frame);
        if (promised && *promised == frame.next_seq()) {
            range.promise_met = true;
            range.promise_leaf = hasher.partial_leaf();
        }
        Result<void> outcome;
        const Result<bool> visited = visit_events(frame, range.from, [&](const Envelope& envelope, const auto&) {
            if (envelope.seq >= range.to) {
                return false;
            }
            if (range.first == kBeforeAll) {
                range.first = envelope.time;
            }
            if (envelope.time < range.last) {
                outcome = fail(ErrorKind::data,
                               "event " + std::to_string(envelope.seq) + " is earlier than the one before it",
                               ErrorCode::altered);
                return false;
            }
            range.last = envelope.time;
            return true;
        });
        if (!visited || !outcome) {
            return visited ? outcome : tl::make_unexpected(visited.error());
        }
    }
    range.partial = hasher.partial_leaf();
    return check.has_come_to(range.to);
}

/// Ranges, read by one thread at a time, checked by any, taken in order by the one that asks for them.
class Ranges {
public:
    Ranges(const LogReader& log, const VerifyOptions& options)
        : log_(log),
          promised_(options.promised ? std::optional(options.promised->first) : std::nullopt),
          keep_frames_(options.visit != nullptr),
          ahead_(std::size_t{2} * options.threads),
          reader_(log, options.from.seq) {
        try {
            for (unsigned i = 1; i < options.threads; ++i) {
                others_.emplace_back([this] { help(); });
            }
            // NOLINTNEXTLINE(bugprone-empty-catch): no more threads are to be had; those that are there do it
        } catch (const std::system_error&) {}
    }
    Ranges(const Ranges&) = delete;
    Ranges& operator=(const Ranges&) = delete;
    ~Ranges() {
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
        }
        changed_.notify_all();
    }

    /// The next one, checked; null at the end.
    std::unique_ptr<Range> next() {
        std::unique_lock lock(mutex_);
        for (;;) {
            if (auto found = checked_.extract(taken_); !found.empty()) {
                ++taken_;
                lock.unlock();
                changed_.notify_all();
                return std::move(found.mapped());
            }
            if (taken_ == begun_ && !reading_ && reader_.at_end()) {
                return nullptr;
            }
            if (!may_begin()) {
                changed_.wait(lock);
            } else {
                check_one(lock);
            }
        }
    }

private:
    bool may_begin() const { return !reading_ && !reader_.at_end() && begun_ < taken_ + ahead_; }

    void help() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return stopped_ || may_begin() || (!reading_ && reader_.at_end()); });
            if (stopped_ || !may_begin()) {
                return;
            }
            check_one(lock);
        }
    }

    void check_one(std::unique_lock<std::mutex>& lock) {
        const std::size_t number = begun_++;
        auto range = std::make_unique<Range>();
        reading_ = true;
        lock.unlock();
        const Result<void> read = no_exceptions([&]() -> Result<void> {
            reader_.next(*range);
            return range->outcome;
        });
        lock.lock();
        reading_ = false;
        lock.unlock();
        changed_.notify_all();
        range->outcome =
            read ? no_exceptions([&] { return check_range(log_, promised_, keep_frames_, *range); }) : read;
        range->stored.clear();
        lock.lock();
        checked_.emplace(number, std::move(range));
        changed_.notify_all();
    }

    const LogReader& log_;
    std::optional<Seq> promised_;
    bool keep_frames_;
    std::size_t ahead_;
    std::mutex mutex_;
    std::condition_variable changed_;
    RangeReader reader_;  // whose is it while reading_ is set
    bool reading_ = false;
    bool stopped_ = false;
    std::size_t begun_ = 0;
    std::size_t taken_ = 0;
    std::map<std::size_t, std::unique_ptr<Range>> checked_;  // by number, not taken yet
    std::vector<std::jthread> others_;                       // last: they use all of the above
};

}  // namespace

unsigned all_processors() {
    return std::clamp(std::thread::hardware_concurrency(), 1U, kMaxThreads);
}

Result<Verified> verify_chain(const LogReader& log, const VerifyOptions& options) {
    const Seq end = log.next_seq();
    const std::optional<std::pair<Seq, Digest>>& promised = options.promised;
    Digest chain = options.from.chain;
    bool promise_met =
        !promised || promised->first < options.from.seq || (promised->first == 0 && promised->second == Digest{});
    if (promised && promised->first == options.from.seq) {
        promise_met = promised->second == chain;
    }
    Time last = kBeforeAll;
    Verified verified{end, {}, options.from};
    std::optional<Digest> partial;
    Ranges ranges(log, options);
    while (const std::unique_ptr<Range> taken = ranges.next()) {
        Range& range = *taken;
        if (!range.outcome) {
            return tl::make_unexpected(range.outcome.error());
        }
        if (range.first < last) {
            return fail(ErrorKind::data, "event " + std::to_string(range.from) + " is earlier than the one before it",
                        ErrorCode::altered);
        }
        last = range.last;
        // A range's last frame may reach into the next range: what counts of it are the leaves up to the range's end.
        const auto full = static_cast<std::size_t>((range.to - range.from) / kLeafEvents);
        if (range.leaves.size() < full) {
            return fail(ErrorKind::data, "the log ends before event " + std::to_string(range.to),
                        ErrorCode::lost_events);
        }
        Digest at_promise = chain;
        const Seq promise_leaves =
            promised && promised->first > range.from ? (promised->first - range.from) / kLeafEvents : 0;
        for (std::size_t i = 0; i < full; ++i) {
            chain = chain_link(chain, range.leaves[i]);
            at_promise = i < promise_leaves ? chain : at_promise;
        }
        if (range.promise_met && promised->first > range.from && promised->first <= range.to) {
            const Digest head = range.promise_leaf ? chain_link(at_promise, *range.promise_leaf) : at_promise;
            promise_met = head == promised->second;
        }
        verified.last_leaf = {range.from + full * kLeafEvents, chain};
        partial = range.partial;
        for (Frame& frame : range.frames) {
            // The frame that two ranges share is the earlier one's.
            const bool is_new = frame.first_seq >= range.from || range.from == options.from.seq;
            if (is_new && !options.visit(frame)) {
                return fail(ErrorKind::interrupted, "Verifying the log was given up.");
            }
        }
        if (options.progress) {
            options.progress(range.to, end);
        }
    }
    if (end > options.from.seq && end % kLeafEvents != 0) {
        chain = chain_link(chain, partial.value_or(Digest{}));
    }
    if (chain != log.head()) {
        return fail(ErrorKind::data,
                    "The log was altered: the hash chain of its " + std::to_string(end) + " events ends at " +
                        to_hex(chain) + ", its recorded head is " + to_hex(log.head()) + ".",
                    ErrorCode::altered);
    }
    if (!promise_met) {
        return fail(ErrorKind::data,
                    "The log is not the one that was committed: its hash at event " + std::to_string(promised->first) +
                        " is not what the anchor holds.",
                    ErrorCode::altered);
    }
    verified.head = chain;
    return verified;
}

Result<void> check_evidence(const Journal& journal) {
    EventReader events(journal);
    Result<void> outcome;
    const Result<void> read = journal.evidence_from(0, [&](Seq seq, std::uint8_t number, std::string_view bytes) {
        if (seq >= journal.next_seq()) {
            outcome = fail(ErrorKind::data,
                           journal.name() + " has evidence of event " + std::to_string(seq) +
                               ", which its log does not hold.",
                           ErrorCode::altered);
            return false;
        }
        const Result<DecodedEvent> event = events.read(seq);
        outcome =
            event ? check_evidence(evidence_said(event->event), number, bytes) : tl::make_unexpected(event.error());
        if (event && !outcome) {
            outcome = fail(ErrorKind::data,
                           journal.name() + " has evidence of event " + std::to_string(seq) +
                               " that is not its own: " + outcome.error().message + ".",
                           ErrorCode::altered);
        }
        return outcome.has_value();
    });
    return read ? outcome : read;
}

Result<Verified> verify_journal(const Journal& journal, VerifyOptions options) {
    if (Result<void> ok = journal.check_rest(); !ok) {
        return tl::make_unexpected(ok.error());
    }
    options.promised = journal.promised();
    Result<Verified> verified = verify_chain(journal, options);
    const Result<void> agrees = verified ? check_evidence(journal) : Result<void>{};
    return agrees ? verified : tl::make_unexpected(agrees.error());
}

}  // namespace alpha
