#include "store/verify.hpp"

#include "store/machine.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace alpha {

namespace {

/// A range is what one thread takes on at a time: small enough to keep all busy, large enough that finding its place in the
/// log costs nothing.
constexpr Seq kRangeLeaves = 64;
constexpr Seq kRangeEvents = kRangeLeaves * kLeafEvents;

struct Range {
    Seq from = 0;
    Seq to = 0;
    std::vector<Digest> leaves;          ///< full ones
    std::optional<Digest> partial;       ///< of the last leaf of the log
    bool promise_met = false;            ///< a frame ends at the promised event
    std::optional<Digest> promise_leaf;  ///< the partial leaf there; none between two leaves
    Time first = kBeforeAll;
    Time last = kBeforeAll;
    Result<void> outcome;
};

void check_range(const LogReader& log, std::optional<Seq> promised, Range& range) {
    ChainHasher hasher;
    hasher.resume(range.from, Digest{});
    hasher.keep_leaves(&range.leaves);
    Result<void> outcome;
    const Result<void> scanned = log.scan(range.from, [&](const Frame& frame) {
        hasher.append(frame);
        if (promised && *promised == frame.next_seq()) {
            range.promise_met = true;
            range.promise_leaf = hasher.partial_leaf();
        }
        const Result<bool> visited = visit_events(frame, range.from, [&](const Envelope& envelope, const auto&) {
            if (envelope.seq >= range.to) {
                return false;
            }
            if (range.first == kBeforeAll) {
                range.first = envelope.time;
            }
            if (envelope.time < range.last) {
                outcome = fail(ErrorKind::data,
                               "event " + std::to_string(envelope.seq) + " is earlier than the one before it");
                return false;
            }
            range.last = envelope.time;
            return true;
        });
        if (!visited) {
            outcome = tl::make_unexpected(visited.error());
        }
        return outcome && frame.next_seq() < range.to;
    });
    range.outcome = scanned ? outcome : scanned;
    range.partial = hasher.partial_leaf();
}

}  // namespace

Result<Verified> verify_chain(const LogReader& log, const std::optional<std::pair<Seq, Digest>>& promised,
                              unsigned threads, const VerifyProgress& progress) {
    const Seq end = log.next_seq();
    std::vector<Range> ranges;
    for (Seq from = 0; from < end; from += kRangeEvents) {
        Range range;
        range.from = from;
        range.to = std::min(end, from + kRangeEvents);
        ranges.push_back(std::move(range));
    }
    const std::optional<Seq> promised_seq = promised ? std::optional(promised->first) : std::nullopt;
    std::atomic<std::size_t> next_range{0};
    std::atomic<bool> failed{false};
    std::mutex progress_mutex;
    Seq done = 0;
    const auto work = [&] {
        for (std::size_t i = next_range++; i < ranges.size() && !failed; i = next_range++) {
            const Result<void> checked = no_exceptions([&]() -> Result<void> {
                check_range(log, promised_seq, ranges[i]);
                if (progress) {
                    const std::lock_guard lock(progress_mutex);
                    done += ranges[i].to - ranges[i].from;
                    progress(done, end);
                }
                return ranges[i].outcome;
            });
            ranges[i].outcome = checked;
            failed = failed || !checked;
        }
    };
    std::vector<std::jthread> others;
    try {
        for (unsigned i = 1; i < std::min<std::size_t>(threads, ranges.size()); ++i) {
            others.emplace_back(work);
        }
    } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): no more threads; those that are there do it
    }
    work();
    others.clear();

    Digest chain{};
    bool promise_met = !promised || (promised->first == 0 && promised->second == Digest{});
    Time last = kBeforeAll;
    for (const Range& range : ranges) {
        if (!range.outcome) {
            return tl::make_unexpected(range.outcome.error());
        }
        if (range.first < last) {
            return fail(ErrorKind::data, "event " + std::to_string(range.from) + " is earlier than the one before it");
        }
        last = range.last;
        // A range's last frame may reach into the next range: what counts of it are the leaves up to the range's end.
        const auto full = static_cast<std::size_t>((range.to - range.from) / kLeafEvents);
        if (range.leaves.size() < full) {
            return fail(ErrorKind::data, "the log ends before event " + std::to_string(range.to));
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
    }
    if (!ranges.empty() && end % kLeafEvents != 0) {
        chain = chain_link(chain, ranges.back().partial.value_or(Digest{}));
    }
    if (chain != log.head()) {
        return fail(ErrorKind::data, "The log was altered: the hash chain of its " + std::to_string(end) +
                                         " events ends at " + to_hex(chain) + ", its recorded head is " +
                                         to_hex(log.head()) + ".");
    }
    if (!promise_met) {
        return fail(ErrorKind::data, "The log is not the one that was committed: its hash at event " +
                                         std::to_string(promised->first) + " is not what the anchor holds.");
    }
    return Verified{end, chain};
}

Result<Verified> verify_journal(const Journal& journal, unsigned threads, const VerifyProgress& progress) {
    if (Result<void> ok = journal.check_rest(); !ok) {
        return tl::make_unexpected(ok.error());
    }
    return verify_chain(journal, journal.promised(), threads, progress);
}

}  // namespace alpha
