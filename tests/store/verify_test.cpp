/// Verifying cuts a log into ranges that threads take on; what lies where two of them meet belongs to neither alone.

#include "store/verify.hpp"
#include "tests/store/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>

using namespace alpha;
using namespace alpha::store_test;

namespace {

constexpr Seq kRangeEvents = Seq{8} * kLeafEvents;  // as store/verify.cpp cuts them
constexpr unsigned kThreads[] = {1, 2, 5};

/// Three ranges and a bit.
std::unique_ptr<MemoryLog> log_of(std::uint32_t per_frame, std::optional<Seq> back_in_time = {}) {
    std::unique_ptr<MemoryLog> log = make_memory_log();
    const auto add = [&](Frame& frame, Seq seq) {
        Envelope envelope = dull_envelope(seq);
        if (back_in_time && seq >= *back_in_time) {
            envelope.time = dull_envelope(seq - 2).time;  // from there on in order again
        }
        append(frame, envelope, dull_quote(seq));
    };
    for (const Frame& frame : frames_of(3 * kRangeEvents + 100, per_frame, add)) {
        REQUIRE(append_frame(*log, frame));
    }
    return log;
}

/// The same log with one frame not there.
class Lacking final : public LogReader {
public:
    Lacking(const LogReader& log, Seq lacks) : log_(log), lacks_(lacks) {}
    Seq next_seq() const override { return log_.next_seq(); }
    Digest head() const override { return log_.head(); }
    std::string name() const override { return log_.name(); }
    std::unique_ptr<FrameCursor> frames(Seq from) const override {
        return std::make_unique<Cursor>(log_.frames(from), lacks_);
    }

private:
    class Cursor final : public FrameCursor {
    public:
        Cursor(std::unique_ptr<FrameCursor> frames, Seq lacks) : frames_(std::move(frames)), lacks_(lacks) {}
        void seek(Seq from) override { frames_->seek(from); }
        Result<bool> next(StoredFrame& frame) override {
            Result<bool> read = frames_->next(frame);
            return read && *read && frame.first_seq == lacks_ ? frames_->next(frame) : read;
        }

    private:
        std::unique_ptr<FrameCursor> frames_;
        Seq lacks_;
    };

    const LogReader& log_;
    Seq lacks_;
};

/// The head after so many events, which must be a number of whole frames.
Digest head_at(const LogReader& log, Seq seq) {
    ChainHasher hasher;
    REQUIRE(log.scan(0, [&](const Frame& frame) {
        if (frame.next_seq() <= seq) {
            hasher.append(frame);
        }
        return frame.next_seq() < seq;
    }));
    REQUIRE(hasher.next_seq() == seq);
    return hasher.head();
}

std::string refusal_of(const LogReader& log, const VerifyOptions& options) {
    const Result<Verified> verified = verify_chain(log, options);
    return verified ? "" : verified.error().message;
}

}  // namespace

TEST_CASE("time that runs backwards where two ranges meet is found, on any number of threads", "[store]") {
    for (const std::uint32_t per_frame : {4'096U, 5'000U}) {
        for (const Seq event : {kRangeEvents - 1, kRangeEvents, kRangeEvents + 1, 2 * kRangeEvents, 3 * kRangeEvents}) {
            const std::unique_ptr<MemoryLog> log = log_of(per_frame, event);
            for (const unsigned threads : kThreads) {
                CAPTURE(per_frame, event, threads);
                CHECK(refusal_of(*log, {.threads = threads}) ==
                      "event " + std::to_string(event) + " is earlier than the one before it");
            }
        }
        const std::unique_ptr<MemoryLog> in_order = log_of(per_frame);
        for (const unsigned threads : kThreads) {
            CHECK(refusal_of(*in_order, {.threads = threads}).empty());
        }
    }
}

TEST_CASE("a frame that is missing where two ranges meet is missed, on any number of threads", "[store]") {
    for (const std::uint32_t per_frame : {4'096U, 5'000U}) {
        const std::unique_ptr<MemoryLog> log = log_of(per_frame);
        const Seq at_edge = kRangeEvents / per_frame * per_frame;  // begins there, or reaches over it
        for (const Seq lacks : {Seq{0}, at_edge - per_frame, at_edge, at_edge + per_frame,
                                (log->next_seq() - 1) / per_frame * per_frame}) {
            const Lacking lacking(*log, lacks);
            for (const unsigned threads : kThreads) {
                CAPTURE(per_frame, lacks, threads);
                CHECK(refusal_of(lacking, {.threads = threads}).find("lacks events") != std::string::npos);
            }
        }
    }
}

TEST_CASE("a promise where two ranges meet is kept or broken, on any number of threads", "[store]") {
    for (const std::uint32_t per_frame : {4'096U, 5'000U}) {
        const std::unique_ptr<MemoryLog> log = log_of(per_frame);
        const Seq at_edge = kRangeEvents / per_frame * per_frame;
        for (const Seq promised : {at_edge - per_frame, at_edge, at_edge + per_frame, log->next_seq()}) {
            const Digest head = promised == log->next_seq() ? log->head() : head_at(*log, promised);
            Digest other = head;
            other[0] ^= 1;
            for (const unsigned threads : kThreads) {
                CAPTURE(per_frame, promised, threads);
                CHECK(refusal_of(*log, {.promised = std::pair{promised, head}, .threads = threads}).empty());
                for (const std::pair<Seq, Digest>& broken :
                     {std::pair{promised, other}, std::pair{promised - 1, head}, std::pair{promised + 1, head}}) {
                    CHECK(refusal_of(*log, {.promised = broken, .threads = threads})
                              .starts_with("The log is not the one that was committed"));
                }
                // Gone on with from the very promise.
                const Seq leaf = promised / kLeafEvents * kLeafEvents;
                if (leaf == promised) {
                    const ChainPlace from{promised, head};
                    CHECK(refusal_of(*log, {.promised = std::pair{promised, head}, .from = from, .threads = threads})
                              .empty());
                    CHECK_FALSE(
                        refusal_of(*log, {.promised = std::pair{promised, other}, .from = from, .threads = threads})
                            .empty());
                }
            }
        }
    }
}

TEST_CASE("whoever looks on sees each frame once and in order, also one that two ranges share", "[store]") {
    for (const std::uint32_t per_frame : {4'096U, 5'000U}) {
        const std::unique_ptr<MemoryLog> log = log_of(per_frame);
        for (const unsigned threads : kThreads) {
            CAPTURE(per_frame, threads);
            const auto seen_from = [&](const ChainPlace& from) {
                std::vector<Seq> seen;
                const Result<Verified> verified =
                    verify_chain(*log, {.from = from, .threads = threads, .visit = [&](const Frame& frame) {
                                            seen.push_back(frame.first_seq);
                                            return true;
                                        }});
                REQUIRE(verified);
                return std::pair{seen, verified->last_leaf};
            };
            std::vector<Seq> all;
            for (Seq seq = 0; seq < log->next_seq(); seq += per_frame) {
                all.push_back(seq);
            }
            const auto [seen, last_leaf] = seen_from({});
            CHECK(seen == all);
            REQUIRE(last_leaf.seq == 3 * kRangeEvents);
            CHECK(seen_from(last_leaf).first == std::vector<Seq>{3 * kRangeEvents / per_frame * per_frame});
        }
    }
}
