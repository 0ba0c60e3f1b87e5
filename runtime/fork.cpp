#include "runtime/fork.hpp"

#include "config/settings.hpp"
#include "kernel/snapshot.hpp"
#include "runtime/components.hpp"
#include "runtime/fold.hpp"
#include "runtime/reexecution.hpp"
#include "store/background_log.hpp"
#include "views/projection.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace alpha {

namespace {

/// Events per stored frame, as a session stores them.
constexpr std::uint32_t kFrameEvents = 1'024;

class Fork {
public:
    Fork(const Journal& journal, LogWriter& log, const ForkOptions& options)
        : journal_(journal), log_(log), options_(options) {}

    Result<Forked> make() {
        batch_.notes = options_.plugins.notes();
        Result<void> ok = decide_up_to_fork();
        ok = ok ? read_settings() : ok;
        ok = ok ? copy() : ok;
        ok = ok ? follow() : ok;
        return ok ? conclude() : tl::make_unexpected(ok.error());
    }

private:
    bool stopped() const { return options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed); }
    static Result<void> interrupted() { return fail(ErrorKind::interrupted, "interrupted; the fork is not there"); }
    void progress(Seq done) const {
        if (options_.on_progress) {
            options_.on_progress(done, 2 * journal_.next_seq());
        }
    }

    /// Brings the kernel to the first place at or behind the one asked for that lies between two inputs.
    Result<void> decide_up_to_fork() {
        if (journal_.next_seq() == 0) {
            return fail(ErrorKind::usage, "the journal is empty; there is nothing to fork");
        }
        if (options_.at > journal_.next_seq()) {
            return fail(ErrorKind::usage, fmt::format("--at {} is behind the end: the journal holds {} events",
                                                      options_.at, journal_.next_seq()));
        }
        Result<std::unique_ptr<Reexecution>> begun =
            begin_reexecution(journal_, options_.at, batch_.frame, [this](const RunConfigured& config) {
                return make_components(config, options_.plugins.catalog());
            });
        if (!begun) {
            return tl::make_unexpected(begun.error());
        }
        reexecution_ = std::move(*begun);
        Result<void> outcome;
        const auto differs = [&] {
            return fail(ErrorKind::mismatch,
                        fmt::format("This program decides event {} differently.", reexecution_->disagreement().seq));
        };
        const auto feed = [&](const Frame& frame, Seq end) {
            const Result<bool> same = reexecution_->feed(frame, end);
            outcome = !same ? Result<void>(tl::make_unexpected(same.error())) : *same ? Result<void>{} : differs();
            return outcome.has_value();
        };
        if (!is_there()) {
            const Result<void> scanned = scan_ahead(journal_, reexecution_->next_seq(), [&](const Frame& frame) {
                if (!feed(frame, std::max(options_.at, reexecution_->next_seq()))) {
                    return false;
                }
                while (!is_there() && reexecution_->next_seq() < frame.next_seq()) {
                    if (!feed(frame, reexecution_->next_seq() + 1)) {
                        return false;
                    }
                }
                if (stopped()) {
                    outcome = interrupted();
                    return false;
                }
                progress(frame.next_seq());
                return !is_there();
            });
            outcome = outcome ? scanned : outcome;
        }
        if (!outcome) {
            return outcome;
        }
        if (!is_there()) {
            return fail(ErrorKind::data, "The journal ends within what one input led to.");
        }
        at_ = reexecution_->next_seq();
        return {};
    }
    bool is_there() const { return reexecution_->next_seq() >= options_.at && reexecution_->is_between_inputs(); }

    /// What the settings make of the configuration in force there.
    Result<void> read_settings() {
        if (const Result<bool> sends = is_any_sent_behind(); !options_.settings.empty() && (!sends || *sends)) {
            return sends ? fail(ErrorKind::usage,
                                "behind there the journal's orders went to a broker outside, and nobody can say what "
                                "it would have answered to others; fork without other settings, or run the scenario "
                                "on paper")
                         : tl::make_unexpected(sends.error());
        }
        return with_settings(reexecution_->kernel()->state().config, options_.settings, options_.plugins,
                             options_.settings_come_from)
            .map([this](RunConfigured changed) { config_ = std::move(changed); });
    }

    /// Stores everything before the fork as it stands, with the journal's snapshots.
    Result<void> copy() {
        Result<std::vector<Seq>> places = snapshot_places();
        if (!places) {
            return tl::make_unexpected(places.error());
        }
        State state;
        Result<void> outcome;
        const Result<void> scanned = scan_ahead(journal_, 0, [&](Frame& frame) {
            outcome = copy(frame, *places, state);
            if (outcome && stopped()) {
                outcome = interrupted();
            }
            progress(state.next_seq);
            return outcome.has_value() && state.next_seq < at_;
        });
        outcome = outcome ? scanned : outcome;
        if (outcome && !(state == reexecution_->kernel()->state())) {
            return fail(ErrorKind::data, "A snapshot of the journal is not what its log folds into.");
        }
        return outcome;
    }
    Result<void> copy(Frame& frame, const std::vector<Seq>& places, State& state) {
        Batch batch;
        if (frame.next_seq() <= at_) {
            std::swap(batch.frame, frame);
        } else if (Result<void> cut = copy_front(frame, batch.frame); !cut) {
            return cut;
        }
        const Result<bool> folded =
            visit_events(batch.frame, state.next_seq, [&](const Envelope& envelope, const auto& event) {
                apply(state, envelope, event);
                return true;
            });
        if (!folded) {
            return tl::make_unexpected(folded.error());
        }
        if (state.next_seq == at_) {
            save(batch.snapshot);
        } else if (std::ranges::binary_search(places, state.next_seq)) {
            const Result<std::optional<StoredSnapshot>> stored = journal_.newest_snapshot(state.next_seq);
            if (stored && *stored && (*stored)->next_seq == state.next_seq) {
                batch.snapshot.append((*stored)->bytes.view());
            }
        }
        projection_.take(batch.frame, state, batch.rows);
        return log_.append(batch);
    }
    /// The events of a frame that come before the fork.
    Result<void> copy_front(const Frame& frame, Frame& front) const {
        std::size_t bytes = 0;
        for (Seq seq = frame.first_seq; seq < at_; ++seq) {
            const Result<EncodedHeader> header = decode_header(frame.bytes.view().subspan(bytes), seq);
            if (!header) {
                return tl::make_unexpected(header.error());
            }
            bytes += header->total_bytes();
        }
        front.begin(frame.first_seq);
        front.events = static_cast<std::uint32_t>(at_ - frame.first_seq);
        front.bytes.append(frame.bytes.view().first(bytes));
        std::ranges::copy_if(frame.leaf_cuts, std::back_inserter(front.leaf_cuts),
                             [&](std::size_t cut) { return cut < bytes; });
        return {};
    }
    Result<std::vector<Seq>> snapshot_places() const {
        std::vector<Seq> places;
        const Result<void> looked = try_snapshots(journal_, at_, [&](const StoredSnapshot& snapshot) {
            places.push_back(snapshot.next_seq);
            return false;
        });
        if (!looked) {
            return tl::make_unexpected(looked.error());
        }
        std::ranges::reverse(places);
        return places;
    }

    /// Everything behind the fork.
    Result<void> follow() {
        const Kernel& kernel = *reexecution_->kernel();
        last_snapshot_ = at_;
        if (kernel.state().has_charge_plan() && config_.charges != kernel.state().config.charges) {
            return fail(ErrorKind::usage,
                        fmt::format("the session is charged by the table {}, and a fork keeps it: leave charges out",
                                    kernel.state().rules.charges.name));
        }
        if (config_ != kernel.state().config) {
            reconfigured_ = true;
            if (Result<void> done = reexecution_->reconfigure(config_); !done) {
                return done;
            }
        }
        Result<void> outcome;
        if (at_ < journal_.next_seq()) {
            const auto after_input = [&] {
                outcome = batch_.frame.events >= kFrameEvents ? store_frame() : outcome;
                return outcome.has_value();
            };
            const Result<void> scanned = scan_ahead(journal_, at_, [&](const Frame& frame) {
                const Result<void> followed = reexecution_->follow(frame, after_input);
                outcome = followed ? outcome : followed;
                if (outcome && stopped()) {
                    outcome = interrupted();
                }
                progress(journal_.next_seq() + frame.next_seq());
                return outcome.has_value();
            });
            outcome = outcome ? scanned : outcome;
        }
        return outcome ? store_frame() : outcome;
    }
    /// Whether the journal has an order that was sent to a broker outside behind the fork. Reads what lies there where one is known.
    Result<bool> is_any_sent_behind() const {
        bool is_any = false;
        if (reexecution_->kernel()->state().outside.empty()) {
            return is_any;
        }
        const Result<void> scanned = scan_ahead(journal_, at_, [&](const Frame& frame) {
            Bytes rest = frame.bytes.view();
            for (Seq seq = frame.first_seq; seq < frame.next_seq() && !is_any; ++seq) {
                const Result<EncodedHeader> header = decode_header(rest, seq);
                is_any = header && header->tag == SendStarted::tag && seq >= at_;
                rest = rest.subspan(header ? header->total_bytes() : rest.size());
            }
            return !is_any;
        });
        return scanned.map([&] { return is_any; });
    }
    Result<void> store_frame() {
        const State& state = reexecution_->kernel()->state();
        if (batch_.frame.events == 0) {
            return {};
        }
        if (state.next_seq - last_snapshot_ >= options_.snapshot_events) {
            save(batch_.snapshot);
            last_snapshot_ = state.next_seq;
        }
        projection_.take(batch_.frame, state, batch_.rows);
        return log_.append(batch_);
    }
    void save(ByteBuffer& snapshot) const {
        const Kernel& kernel = *reexecution_->kernel();
        save_checkpoint(kernel.state(), kernel.parts().strategies, kernel.parts().venues, std::nullopt, snapshot);
    }

    Result<Forked> conclude() {
        const Result<State> then = state_before(journal_, journal_.next_seq());
        if (!then) {
            return tl::make_unexpected(then.error());
        }
        const State& now = reexecution_->kernel()->state();
        const Digest digest = state_digest(now);
        if (Result<void> finished = log_.finish(Ending{kStateVersion, digest}); !finished) {
            return tl::make_unexpected(finished.error());
        }
        Forked forked{at_, reconfigured_, books_of(*then), books_of(now)};
        forked.then.log_head = to_hex(journal_.head());
        forked.then.state_digest = to_hex(state_digest(*then));
        forked.now.log_head = to_hex(log_.head());
        forked.now.state_digest = to_hex(digest);
        return forked;
    }

    const Journal& journal_;
    LogWriter& log_;
    const ForkOptions& options_;
    Batch batch_;  // what the kernel writes into
    std::unique_ptr<Reexecution> reexecution_;
    Projection projection_;
    Seq at_ = 0;
    RunConfigured config_;  // in force from there on
    bool reconfigured_ = false;
    Seq last_snapshot_ = 0;
};

}  // namespace

Result<Forked> fork_journal(const Journal& journal, LogWriter& log, const ForkOptions& options) {
    return Fork(journal, log, options).make();
}

}  // namespace alpha
