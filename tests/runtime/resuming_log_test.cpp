#include "events/text.hpp"
#include "runtime/resuming_log.hpp"

#include <catch2/catch.hpp>

using namespace alpha;

namespace {

constexpr Seq kEvents = 20'000;

SessionConfigured configured(const std::string& name) {
    SessionConfigured config;
    config.name = name;
    return config;
}

/// Event k of a session: the configuration, then quotes with now and then a signal.
void append_nth(Frame& frame, Seq k, const std::string& name = "story", Seq different = kNoSeq) {
    const Envelope root{k, Time{1'000 * static_cast<std::int64_t>(k)}, kNoSeq, kNoSeq};
    const std::int64_t price = 100'000'000 + static_cast<std::int64_t>(k % 7) + (k == different ? 1 : 0);
    if (k == 0) {
        append(frame, root, configured(name));
    } else if (k % 10 == 9) {
        append(frame, Envelope{k, root.time, k - 1, k - 1},
               SignalRaised{StrategyId{k == different ? 5U : 1U}, InstrumentId{0}, Direction::lengthen});
    } else {
        append(frame, root, QuoteTick{InstrumentId{0}, Price{price}, Price{price + 1}, Qty{1}, Qty{1}});
    }
}

/// Appends the events up to `end`, so many a frame; the first refusal, or nothing.
Result<void> append_up_to(LogWriter& log, Seq end, std::uint32_t per_frame, const std::string& name = "story",
                          Seq different = kNoSeq) {
    Batch batch;
    batch.begin(log.next_seq());
    while (batch.frame.next_seq() < end) {
        append_nth(batch.frame, batch.frame.next_seq(), name, different);
        if (batch.frame.events == per_frame || batch.frame.next_seq() == end) {
            if (Result<void> ok = log.append(batch); !ok) {
                return ok;
            }
        }
    }
    return {};
}

std::unique_ptr<MemoryLog> stored_log(Seq end) {
    std::unique_ptr<MemoryLog> log = make_memory_log();
    REQUIRE(append_up_to(*log, end, 1'000));
    return log;
}

}  // namespace

TEST_CASE("a log that was resumed anywhere, with frames cut anyhow, has the head of one that never was", "[runtime]") {
    const std::unique_ptr<MemoryLog> whole = stored_log(kEvents);
    const auto stored = GENERATE(Seq{0}, Seq{1}, Seq{999}, Seq{4'096}, Seq{8'200}, kEvents - 1, kEvents);
    const auto per_frame = GENERATE(1U, 700U, 4'096U, 30'000U);
    CAPTURE(stored, per_frame);
    std::unique_ptr<MemoryLog> owned = stored_log(stored);
    const MemoryLog* const log = owned.get();
    ResumingLog resuming(stored_log(stored), std::move(owned));  // two: one is read ahead while the other is written
    CHECK(resuming.is_catching_up() == (stored > 0));
    REQUIRE(append_up_to(resuming, kEvents, per_frame));
    CHECK_FALSE(resuming.is_catching_up());
    CHECK(resuming.next_seq() == kEvents);
    REQUIRE(resuming.finish({}));
    CHECK(log->head() == whole->head());
}

TEST_CASE("what was changed under a journal is named and nothing is appended", "[runtime]") {
    std::unique_ptr<MemoryLog> owned = stored_log(5'000);
    const MemoryLog* const log = owned.get();
    const Digest before = log->head();
    ResumingLog resuming(stored_log(5'000), std::move(owned));
    Result<void> said;
    ErrorKind kind = ErrorKind::data;
    std::string expected;
    SECTION("the feed") {
        said = append_up_to(resuming, kEvents, 512, "story", 4'001);
        expected = "the data changed under the journal, at event 4001";
    }
    SECTION("what is decided") {
        said = append_up_to(resuming, kEvents, 512, "story", 4'009);
        kind = ErrorKind::mismatch;
        expected = "decides otherwise than the one that began the journal, at event 4009";
    }
    SECTION("the scenario") {
        said = append_up_to(resuming, kEvents, 512, "tale");
        kind = ErrorKind::usage;
        expected = "the journal is of another scenario: 'story', not 'tale'";
    }
    REQUIRE_FALSE(said);
    CHECK(said.error().kind == kind);
    INFO(said.error().message);
    CHECK(said.error().message.find(expected) != std::string::npos);
    CHECK(log->next_seq() == 5'000);
    CHECK(log->head() == before);
}

TEST_CASE("a session whose feeds end before its journal does is not finished", "[runtime]") {
    ResumingLog resuming(stored_log(5'000), stored_log(5'000));
    REQUIRE(append_up_to(resuming, 4'500, 512));
    const Result<void> finished = resuming.finish({});
    REQUIRE_FALSE(finished);
    CHECK(finished.error().kind == ErrorKind::data);
    CHECK(finished.error().message.find("they lead to 4500 events, and it holds 5000") != std::string::npos);
}

TEST_CASE("of a batch that reaches beyond the journal, rows and snapshot are stored whole", "[runtime]") {
    class Watching final : public LogWriter {
    public:
        explicit Watching(Seq next) : next_(next) {}
        Result<void> append(Batch& batch) override {
            rows += batch.rows.size();
            snapshot_bytes += batch.snapshot.size();
            next_ = batch.frame.next_seq();
            batch.begin(next_);
            return {};
        }
        Result<void> commit() override { return {}; }
        Result<void> finish(const std::optional<Ending>&) override { return {}; }
        Seq next_seq() const override { return next_; }
        Digest head() const override { return {}; }

        std::size_t rows = 0;
        std::size_t snapshot_bytes = 0;

    private:
        Seq next_;
    };
    auto owned = std::make_unique<Watching>(150);
    const Watching& watching = *owned;
    ResumingLog resuming(stored_log(150), std::move(owned));
    for (int i = 0; i < 3; ++i) {
        Batch batch;
        batch.begin(resuming.next_seq());
        for (int k = 0; k < 100; ++k) {
            append_nth(batch.frame, batch.frame.next_seq());
        }
        batch.rows.push_back({1, "key", "value"});
        batch.snapshot.resize(10);
        REQUIRE(resuming.append(batch));
        CHECK(batch.frame.first_seq == resuming.next_seq());
    }
    CHECK(watching.next_seq() == 300);
    CHECK(watching.rows == 2);
    CHECK(watching.snapshot_bytes == 20);
}
