/// Those who follow a log. In a program of its own: it counts what the thread that appends allocates.

#include "store/background_log.hpp"
#include "store/chain.hpp"
#include "store/journal.hpp"
#include "tests/store/support.hpp"
#include "tests/virtual_clock.hpp"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <cstdlib>
#include <latch>
#include <mutex>
#include <new>
#include <thread>

using namespace alpha;
using namespace alpha::store_test;

namespace {

thread_local std::uint64_t allocations = 0;

constexpr Clock::TimePoint kForEver = Clock::TimePoint::max();
constexpr std::uint32_t kFrameEvents = 1'000;

void append_frame(LogWriter& log, Batch& batch, std::uint32_t events = kFrameEvents) {
    for (std::uint32_t i = 0; i < events; ++i) {
        const Seq seq = batch.frame.next_seq();
        append(batch.frame, dull_envelope(seq), dull_quote(seq));
    }
    const Result<void> appended = log.append(batch);
    INFO((appended ? "" : appended.error().message));
    REQUIRE(appended);
}

std::unique_ptr<BackgroundLog> log_at(const std::string& path, const BackgroundOptions& options = {}) {
    Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
    REQUIRE(log);
    return make_background_log(std::move(*log), options);
}

/// Takes what a follower is handed, and holds it against what it should be.
struct Reader {
    ChainHasher hasher;
    std::string wrong;

    bool take(const Result<SharedFrame>& frame) {
        if (!frame) {
            wrong = frame.error().message;
        } else if (*frame != nullptr && (*frame)->first_seq != hasher.next_seq()) {
            wrong = "a frame begins at " + std::to_string((*frame)->first_seq) + " instead of " +
                    std::to_string(hasher.next_seq());
        } else if (*frame != nullptr) {
            hasher.append(**frame);
        }
        return wrong.empty();
    }
};

}  // namespace

#ifndef ALPHA_SANITIZED  // a sanitizer brings its own, which knows more
namespace {

void* allocate(std::size_t bytes) {
    ++allocations;
    if (void* const memory = std::malloc(bytes == 0 ? 1 : bytes)) {
        return memory;
    }
    throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) {
    return allocate(bytes);
}
void* operator new[](std::size_t bytes) {
    return allocate(bytes);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}
#endif

TEST_CASE("three follow a session at their own pace, and none misses or repeats an event", "[store][tail]") {
#ifdef ALPHA_SANITIZED
    constexpr int kFrames = 400;
#else
    constexpr int kFrames = 2'000;
#endif
    const TempFolder folder;
    BackgroundOptions options;
    options.tail_bytes_max = std::size_t{1} << 20U;
    const std::unique_ptr<BackgroundLog> log = log_at(folder / "journal", options);
    LogTail& tail = log->tail();
    std::latch half(1);
    std::latch all(1);
    constexpr Seq kEnd = Seq{kFrames} * kFrameEvents;
    const auto follow = [&](Reader& reader, auto pause) {
        const auto follower = tail.follow(0);
        while (follower->next_seq() < kEnd && reader.take(follower->next(kForEver))) {
            pause(follower->next_seq());
        }
    };
    Reader fast;
    Reader slow;
    Reader stopped;
    std::uint64_t followed = 0;
    {
        const std::jthread first([&] { follow(fast, [](Seq) {}); });
        const std::jthread second([&] {
            follow(slow, [&, waited = false](Seq at) mutable {
                if (!waited && at > kEnd / 8) {
                    waited = true;
                    half.wait();
                }
            });
        });
        const std::jthread third([&] {
            follow(stopped, [&, waited = false](Seq) mutable {
                if (!std::exchange(waited, true)) {
                    all.wait();
                }
            });
        });
        Batch batch;
        batch.begin(0);
        std::size_t kept = 0;
        for (int i = 0; i < kFrames; ++i) {
            const std::uint64_t before = allocations;
            append_frame(*log, batch);
            followed += i < 100 ? 0 : allocations - before;  // once the queue's memory has gone round
            kept = std::max(kept, tail.kept_bytes());
            if (i == kFrames / 2) {
                half.count_down();
            }
        }
        CHECK(kept <= options.tail_bytes_max);
        REQUIRE(log->commit());
        all.count_down();
    }
    CHECK(fast.wrong.empty());
    CHECK(slow.wrong.empty());
    CHECK(stopped.wrong.empty());
    REQUIRE(log->finish({}));
    CHECK(fast.hasher.head() == log->head());
    CHECK(slow.hasher.head() == log->head());
    CHECK(stopped.hasher.head() == log->head());

    // Whoever appends does the same without followers.
    const std::unique_ptr<BackgroundLog> alone = log_at(folder / "alone", options);
    Batch batch;
    batch.begin(0);
    std::uint64_t unfollowed = 0;
    for (int i = 0; i < kFrames; ++i) {
        const std::uint64_t before = allocations;
        append_frame(*alone, batch);
        unfollowed += i < 100 ? 0 : allocations - before;
    }
    // But for when each of the queue's batches is first used, which is the other thread's doing.
    CHECK(followed <= unfollowed + 50);
    CHECK(unfollowed < kFrames / 2);
    CHECK(alone->tail().kept_bytes() == 0);
}

TEST_CASE("nothing is followed before it is durable", "[store][tail]") {
    /// A log on a disk that syncs when it is told to.
    class SlowDisk final : public LogWriter {
    public:
        explicit SlowDisk(std::latch& may_commit) : may_commit_(may_commit) {}
        Result<void> append(Batch& batch) override { return log_->append(batch); }
        Result<void> commit() override {
            may_commit_.wait();
            return {};
        }
        Result<void> finish(const std::optional<Ending>& ending) override { return log_->finish(ending); }
        Seq next_seq() const override { return log_->next_seq(); }
        Digest head() const override { return log_->head(); }
        std::unique_ptr<FrameCursor> frames(Seq from) const override { return log_->frames(from); }

    private:
        std::latch& may_commit_;
        std::unique_ptr<MemoryLog> log_ = make_memory_log();
    };
    std::latch may_commit(1);
    BackgroundOptions options;
    options.tail_bytes_max = GENERATE(std::size_t{0}, std::size_t{1} << 20U);
    const std::unique_ptr<BackgroundLog> log = make_background_log(std::make_unique<SlowDisk>(may_commit), options);
    const auto follower = log->tail().follow(0);
    Batch batch;
    batch.begin(0);
    append_frame(*log, batch);
    append_frame(*log, batch);
    log->ask_commit([](const Result<void>&) {});
    CHECK(follower->next({}) == SharedFrame());
    may_commit.count_down();
    REQUIRE(log->commit());
    Reader reader;
    CHECK(reader.take(follower->next({})));
    CHECK(reader.take(follower->next({})));
    CHECK(reader.hasher.next_seq() == Seq{2} * kFrameEvents);
    CHECK(follower->next({}) == SharedFrame());
}

TEST_CASE("one may follow from any event, of those that are there and those to come", "[store][tail]") {
    const TempFolder folder;
    const std::unique_ptr<BackgroundLog> log = log_at(folder / "journal");
    Batch batch;
    batch.begin(0);
    for (int i = 0; i < 5; ++i) {
        append_frame(*log, batch);
    }
    REQUIRE(log->commit());
    for (const Seq from : {Seq{0}, Seq{999}, Seq{1'000}, Seq{3'500}, Seq{4'999}}) {
        const auto follower = log->tail().follow(from);
        const Result<SharedFrame> frame = follower->next({});
        REQUIRE(frame);
        REQUIRE(*frame != nullptr);
        CHECK((*frame)->first_seq == from / kFrameEvents * kFrameEvents);
    }
    const auto early = log->tail().follow(6'500);
    CHECK(early->next({}) == SharedFrame());
    append_frame(*log, batch);
    append_frame(*log, batch);
    REQUIRE(log->commit());
    const Result<SharedFrame> frame = early->next({});
    REQUIRE(frame);
    REQUIRE(*frame != nullptr);
    CHECK((*frame)->first_seq == 6'000);
    CHECK(early->next_seq() == 7'000);
}

TEST_CASE("two followers share one frame", "[store][tail]") {
    const TempFolder folder;
    const std::unique_ptr<BackgroundLog> log = log_at(folder / "journal");
    const auto one = log->tail().follow(0);
    const auto other = log->tail().follow(0);
    Batch batch;
    batch.begin(0);
    append_frame(*log, batch);
    REQUIRE(log->commit());
    const Result<SharedFrame> first = one->next({});
    const Result<SharedFrame> second = other->next({});
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first->get() == second->get());
}

TEST_CASE("at the end of a log those near it are handed the rest, and those behind are told where to go on",
          "[store][tail]") {
    const TempFolder folder;
    BackgroundOptions options;
    options.tail_bytes_max = 100'000;  // one frame, and another
    const std::unique_ptr<BackgroundLog> log = log_at(folder / "journal", options);
    const auto near = log->tail().follow(0);
    const auto behind = log->tail().follow(0);
    Batch batch;
    batch.begin(0);
    for (int i = 0; i < 6; ++i) {
        append_frame(*log, batch);
        REQUIRE(log->commit());
        if (i < 5) {
            REQUIRE(near->next({}));
        }
    }
    REQUIRE(behind->next({}));  // its cursor is open when the log closes
    REQUIRE(log->finish({}));
    CHECK(log->tail().has_ended());
    const Result<SharedFrame> last = near->next(kForEver);
    REQUIRE(last);
    REQUIRE(*last != nullptr);
    CHECK((*last)->first_seq == 5'000);
    CHECK(near->next(kForEver) == SharedFrame());
    const Result<SharedFrame> refused = behind->next(kForEver);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::transient);
    CHECK(refused.error().message ==
          "The log was closed before it was followed to its end: go on from event 1000 when it is opened again.");
    // And so it can.
    const std::unique_ptr<BackgroundLog> again = log_at(folder / "journal");
    const auto going_on = again->tail().follow(behind->next_seq());
    const Result<SharedFrame> next = going_on->next({});
    REQUIRE(next);
    REQUIRE(*next != nullptr);
    CHECK((*next)->first_seq == 1'000);
}

TEST_CASE("days that are cut away while somebody is behind are followed through", "[store][tail]") {
    const TempFolder folder;
    BackgroundOptions options;
    options.tail_bytes_max = 0;  // everything is read back, but the newest
    const std::unique_ptr<BackgroundLog> log = log_at(folder / "journal", options);
    const auto follower = log->tail().follow(0);
    Reader reader;
    Batch batch;
    batch.begin(0);
    for (int day = 0; day < 6; ++day) {
        if (day > 0) {
            batch.ended_day = Date{19'723 + day - 1};
        }
        for (int i = 0; i < 4; ++i) {
            append_frame(*log, batch);
        }
        REQUIRE(log->commit());
        REQUIRE(reader.take(follower->next({})));  // a quarter of the pace
    }
    while (follower->next_seq() < Seq{24} * kFrameEvents) {
        INFO(reader.wrong);
        REQUIRE(reader.take(follower->next({})));
    }
    REQUIRE(log->finish({}));
    CHECK(reader.hasher.head() == log->head());
}

TEST_CASE("who waits for the next frame waits by the session's clock", "[store][tail]") {
    test::VirtualClock clock(Time{1'700'000'000 * kSecondNs});
    const test::TakesPart session(clock);
    BackgroundOptions options;
    options.clock = &clock;
    const std::unique_ptr<BackgroundLog> log = make_background_log(make_memory_log(), options);
    const auto follower = log->tail().follow(0);
    const Clock::TimePoint until = clock.now() + std::chrono::hours(5);
    CHECK(follower->next(until) == SharedFrame());
    CHECK(clock.now() == until);
    Batch batch;
    batch.begin(0);
    append_frame(*log, batch);
    const Result<SharedFrame> frame = follower->next(kForEver);
    REQUIRE(frame);
    CHECK(*frame != nullptr);
    // Within what something written may stay uncommitted.
    CHECK(clock.now() - until <= options.commit_interval + std::chrono::milliseconds(2));
}
