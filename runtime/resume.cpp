#include "runtime/resume.hpp"

#include "events/text.hpp"
#include "runtime/fold.hpp"
#include "runtime/reexecution.hpp"
#include "store/background_log.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace alpha {

namespace {

class Resuming {
public:
    Resuming(const Journal& journal, Summary& summary, const ResumeOptions& options)
        : stored_(journal),
          summary_(summary),
          config_(options.config),
          make_(options.make),
          frame_(options.frame),
          tells_fills_(options.tells_fills),
          is_stopped_(options.is_stopped),
          log_(options.log) {}

    Result<Resumed> run() {
        if (Result<void> same = compare_configuration(); !same) {
            return tl::unexpected(same.error());
        }
        Result<std::unique_ptr<Reexecution>> reexecution = begin_at_checkpoint();
        if (!reexecution) {
            return tl::unexpected(reexecution.error());
        }
        at_.from = (*reexecution)->next_seq();
        if (Result<void> decided = decide_again(**reexecution); !decided) {
            return tl::unexpected(decided.error());
        }
        Reexecution::Revived revived = (*reexecution)->release();
        at_.venues = std::move(revived.venues);
        at_.kernel = std::move(revived.kernel);
        if (at_.kernel->state().config != config_) {
            return fail(ErrorKind::usage,
                        "the journal is a fork, which went on under another configuration; a live session cannot "
                        "go on with it");
        }
        return std::move(at_);
    }

private:
    Result<void> compare_configuration() const {
        const Result<DecodedEvent> first = read_event(stored_, 0);
        if (!first) {
            return tl::unexpected(first.error());
        }
        const auto* before = std::get_if<RunConfigured>(&first->event);
        if (before == nullptr) {
            return fail(ErrorKind::data, "The log does not begin with its configuration.");
        }
        if (Result<void> same = decides_under(before->rules); !same) {
            return same;
        }
        if (*before == config_) {
            return {};
        }
        return fail(ErrorKind::usage,
                    before->name != config_.name
                        ? fmt::format("the journal is of another scenario: '{}', not '{}'; name another --journal",
                                      before->name, config_.name)
                        : "the configuration is not the one the journal was begun with; put it back, or name another "
                          "--journal. What it was is in the journal's event 0.",
                    ErrorCode::other_session);
    }

    /// From the newest checkpoint that the session can resume from, or from event 0. A checkpoint's state must be what the log folds to: from
    /// the one that an earlier session had folded to itself, or from event 0. Who wants to hear of every fill hears of them all again.
    Result<std::unique_ptr<Reexecution>> begin_at_checkpoint() {
        const Result<std::optional<Seq>> own = stored_.own_snapshot();
        if (!own) {
            return tl::unexpected(own.error());
        }
        const Seq known = *own && !tells_fills_ ? **own : 0;
        std::unique_ptr<Reexecution> found;
        bool is_known = false;  // that one, with what its summary said
        const Result<void> looked = try_snapshots(stored_, stored_.next_seq(), [&](const StoredSnapshot& snapshot) {
            const Result<SessionBytes> session = session_bytes(snapshot.bytes.view());
            Result<std::unique_ptr<Reexecution>> begun = Reexecution::from(snapshot, frame_, &summary_.tally, make_);
            if (!session || !begun) {
                log_.info("the snapshot at event {} is not used: {}", snapshot.next_seq,
                          (session ? begun.error() : session.error()).message);
                return false;
            }
            Result<Projection> projection = Projection::load((*begun)->kernel()->state(), session->projection);
            if (!projection) {
                return false;
            }
            at_.projection = std::move(*projection);
            at_.feed_position.append(session->feed_position);
            if (snapshot.next_seq == known) {
                is_known = summary_.load(session->summary);
            }
            if (!is_known) {
                summary_.forget();
            }
            found = std::move(*begun);
            return true;
        });
        if (!looked) {
            return tl::unexpected(looked.error());
        }
        if (found == nullptr) {
            return std::make_unique<Reexecution>(frame_, &summary_.tally, make_);
        }
        const Result<bool> right = is_known ? Result<bool>(true) : log_folds_into(found->kernel()->state(), known);
        if (!right) {
            return tl::unexpected(right.error());
        }
        if (!*right) {
            log_.warn("the snapshot at event {} is not what the events before it fold to and is not used; please "
                      "report this",
                      found->next_seq());
            at_.projection = Projection();
            at_.feed_position.clear();
            summary_.forget();
            return std::make_unique<Reexecution>(frame_, &summary_.tally, make_);
        }
        at_.records_before = summary_.records;
        summary_.tally.accept();
        summary_.tally.watch(found->kernel()->state());
        return found;
    }

    /// Whether the log, from the snapshot at `known` on, or from event 0, folds into this state; its summary is then this session's.
    Result<bool> log_folds_into(const State& state, Seq known) {
        State folded;
        if (known != 0 && known < state.next_seq) {
            if (Result<void> begun = begin_fold(known, folded); !begun) {
                return tl::unexpected(begun.error());
            }
        }
        summary_.tally.watch(folded);
        summary_.tally.hold();
        if (Result<void> done = fold_up_to(state.next_seq, folded); !done) {
            return tl::unexpected(done.error());
        }
        return folded == state;
    }

    /// The state that a session stood at when it took the snapshot at `seq`, and what its summary said; before event 0 where that cannot
    /// be read.
    Result<void> begin_fold(Seq seq, State& state) {
        const Result<std::optional<StoredSnapshot>> snapshot = stored_.newest_snapshot(seq);
        if (!snapshot) {
            return tl::unexpected(snapshot.error());
        }
        if (*snapshot && (*snapshot)->next_seq == seq) {
            Result<State> loaded = load_checkpoint((*snapshot)->bytes.view());
            const Result<SessionBytes> session = session_bytes((*snapshot)->bytes.view());
            if (loaded && session && summary_.load(session->summary)) {
                state = std::move(*loaded);
            } else {
                summary_.forget();
            }
        }
        return {};
    }

    /// What is not decided again still counts in the summary.
    Result<void> fold_up_to(Seq end, State& state) {
        Result<bool> visited = true;
        const Result<void> scanned = scan_ahead(stored_, state.next_seq, [&](const Frame& frame) {
            visited = visit_events(frame, state.next_seq, [&](const Envelope& envelope, const auto& event) {
                using E = std::decay_t<decltype(event)>;
                if (envelope.seq >= end) {
                    return false;
                }
                summary_.curve.before(envelope.time, state);
                apply(state, envelope, event);
                summary_.note_record(envelope, event);
                if constexpr (std::is_same_v<E, OrderFilled>) {
                    summary_.tally.on_fill(envelope, event);
                } else if constexpr (std::is_same_v<E, OrderIntended>) {
                    summary_.tally.on_order(envelope, event);
                } else if constexpr (std::is_same_v<E, OrderRefused>) {
                    summary_.tally.on_refusal(envelope, event);
                }
                return true;
            });
            return visited && *visited && state.next_seq < end;
        });
        return visited ? scanned : tl::make_unexpected(visited.error());
    }

    Result<void> decide_again(Reexecution& reexecution) {
        const Seq from = reexecution.next_seq();
        Rows rows;
        Result<bool> same = true;
        const Result<void> scanned = scan_ahead(stored_, from, [&](const Frame& frame) {
            if (reexecution.kernel() == nullptr) {  // it is there once event 0 was fed
                same = reexecution.feed(frame, 1);
                if (!same || !*same) {
                    return false;
                }
                summary_.tally.watch(reexecution.kernel()->state());
            }
            same = reexecution.feed(frame);
            if (!same || !*same) {
                return false;
            }
            if (!reexecution.catch_up()) {  // a frame that was cut in a lull
                same = false;
                return false;
            }
            const Result<bool> counted = visit_events(frame, from, [&](const Envelope& envelope, const auto& event) {
                summary_.note_record(envelope, event);
                return true;
            });
            same = counted ? same : tl::make_unexpected(counted.error());
            at_.projection.take(frame, reexecution.kernel()->state(), rows);
            rows.clear();                                                  // they are stored already
            summary_.curve.before(kNever, reexecution.kernel()->state());  // no instant within a frame is seen
            return same.has_value() && !is_stopped_();
        });
        if (!scanned || !same) {
            return scanned ? tl::make_unexpected(same.error()) : scanned;
        }
        if (is_stopped_()) {
            return fail(ErrorKind::interrupted,
                        "interrupted before it had caught up with its journal, which is as it was");
        }
        if (*same && reexecution.end()) {
            return {};
        }
        const Disagreement& d = reexecution.disagreement();
        const auto text = [&](const std::optional<DecodedEvent>& event) {
            return event ? to_text(event->envelope, event->event, d.names) : "nothing";
        };
        return fail(ErrorKind::mismatch,
                    fmt::format("this program decides otherwise than the one that wrote the journal, at event {}:\n"
                                "  then: {}\n  now:  {}",
                                d.seq, text(d.logged), text(d.decided)),
                    ErrorCode::decided_otherwise);
    }

    const Journal& stored_;
    Summary& summary_;
    const RunConfigured& config_;
    const ComponentsMaker& make_;
    Frame& frame_;
    const bool tells_fills_;
    const std::function<bool()>& is_stopped_;
    spdlog::logger& log_;
    Resumed at_;
};

}  // namespace

Result<Resumed> resume(const Journal& journal, Summary& summary, const ResumeOptions& options) {
    return Resuming(journal, summary, options).run();
}

}  // namespace alpha
