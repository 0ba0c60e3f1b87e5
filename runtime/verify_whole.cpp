#include "runtime/verify_whole.hpp"

#include "kernel/snapshot.hpp"
#include "runtime/components.hpp"
#include "views/row_check.hpp"

#include <algorithm>
#include <vector>

namespace alpha {

namespace {

/// Where snapshots stand, in order.
Result<std::vector<Seq>> places_of_snapshots(const Journal& journal) {
    std::vector<Seq> places;
    for (Seq seq = journal.next_seq();; seq = places.back() - 1) {
        const Result<std::optional<StoredSnapshot>> found = journal.newest_snapshot(seq);
        if (!found) {
            return tl::make_unexpected(found.error());
        }
        if (!*found) {
            break;
        }
        places.push_back((*found)->next_seq);
        if (places.back() == 0) {
            break;
        }
    }
    std::ranges::reverse(places);
    return places;
}

/// Folds frames, and compares the state with every snapshot on the way.
class Fold {
public:
    Fold(const Journal& journal, std::vector<Seq> places, WholeVerified& whole)
        : journal_(journal), places_(std::move(places)), whole_(whole) {}

    Result<void> take(const Frame& frame) {
        Result<void> ok;
        const Result<bool> visited =
            visit_events(frame, whole_.state.next_seq, [&](const Envelope& at, const auto& event) {
                ok = compare_at(at.seq);
                if (ok) {
                    apply(whole_.state, at, event);
                }
                return ok.has_value();
            });
        if (!visited) {
            return tl::make_unexpected(visited.error());
        }
        if (ok) {
            rows_.take(frame, whole_.state);
        }
        return ok;
    }

    Result<void> end() {
        Result<void> ok = compare_at(whole_.state.next_seq);
        return ok ? rows_.compare(journal_) : ok;
    }

private:
    Result<void> compare_at(Seq seq) {
        if (next_ == places_.size() || places_[next_] != seq) {
            return {};
        }
        ++next_;
        const Result<std::optional<StoredSnapshot>> found = journal_.newest_snapshot(seq);
        if (!found) {
            return tl::make_unexpected(found.error());
        }
        const Result<State> stored = *found ? load_checkpoint((*found)->bytes.view()) : State{};
        if (!stored) {
            return {};  // of another version: never used
        }
        if (*stored != whole_.state) {
            return fail(ErrorKind::mismatch,
                        "The snapshot at event " + std::to_string(seq) + " is not what the log folds into there.");
        }
        ++whole_.snapshots;
        return {};
    }

    const Journal& journal_;
    std::vector<Seq> places_;
    std::size_t next_ = 0;
    WholeVerified& whole_;
    RowCheck rows_;
};

}  // namespace

Result<WholeVerified> verify_whole(const Journal& journal) {
    Result<std::vector<Seq>> places = places_of_snapshots(journal);
    if (!places) {
        return tl::make_unexpected(places.error());
    }
    WholeVerified whole;
    Fold fold(journal, std::move(*places), whole);
    Result<void> folded;
    VerifyOptions options;
    options.visit = [&](const Frame& frame) {
        folded = fold.take(frame);
        return folded.has_value();
    };
    const Result<Verified> verified = verify_journal(journal, options);
    if (!verified) {
        return tl::make_unexpected(folded ? verified.error() : folded.error());
    }
    whole.log = *verified;
    const std::optional<Ending>& ending = journal.info().ending;
    if (Result<void> ok = fold.end(); !ok) {
        return tl::make_unexpected(ok.error());
    }
    const Digest digest = state_digest(whole.state);
    if (ending && ending->state_version == kStateVersion && ending->state_digest != digest) {
        return fail(ErrorKind::mismatch,
                    "The log folds into the state " + to_hex(digest) + "; the session that wrote it ended with " +
                        to_hex(ending->state_digest) + ".",
                    ErrorCode::decided_otherwise);
    }
    return whole;
}

}  // namespace alpha
