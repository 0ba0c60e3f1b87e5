#include "store/anchor.hpp"
#include "store/background_log.hpp"
#include "store/database.hpp"
#include "store/journal.hpp"
#include "store/verify.hpp"
#include "tests/store/support.hpp"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <rocksdb/file_system.h>
#include <thread>

using namespace alpha;
using namespace alpha::store_test;

namespace {

constexpr std::uint8_t kTable = 3;

/// Appends `events` events, as one frame, with a row that says where they end.
Result<void> write_some(LogWriter& log, std::uint32_t events, std::size_t snapshot_bytes = 0) {
    Batch batch;
    batch.begin(log.next_seq());
    for (std::uint32_t i = 0; i < events; ++i) {
        append_mixed(batch.frame, batch.frame.next_seq());
    }
    batch.rows.add({kTable, "end", std::to_string(batch.frame.next_seq())});
    batch.snapshot.resize(snapshot_bytes);
    std::fill_n(batch.snapshot.data(), snapshot_bytes, static_cast<std::uint8_t>(batch.frame.next_seq()));
    batch.feed_records = batch.frame.next_seq() * 2;
    return log.append(batch);
}

std::unique_ptr<LogWriter> go_on(const std::string& path) {
    Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
    INFO((log ? std::string() : log.error().message));
    REQUIRE(log);
    return std::move(*log);
}

std::unique_ptr<Journal> look_at(const std::string& path) {
    Result<std::unique_ptr<Journal>> journal = open_journal(path);
    INFO((journal ? std::string() : journal.error().message));
    REQUIRE(journal);
    return std::move(*journal);
}

std::string refusal(const std::string& path) {
    const Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
    REQUIRE_FALSE(log);
    CHECK(log.error().kind == ErrorKind::data);
    return log.error().message;
}

Digest head_of(Seq events, std::uint32_t per_frame) {
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    for (const Frame& frame : frames_of(events, per_frame, append_mixed)) {
        REQUIRE(append_frame(*log, frame));
    }
    return log->head();
}

AnchorRecord anchor_of(const std::string& path) {
    const Result<AnchorSlots> slots = read_anchor(*rocksdb::FileSystem::Default(), path);
    REQUIRE(slots);
    return *slots->newest();
}

}  // namespace

TEST_CASE("what a batch notes is found beside the log, and changes nothing in it", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const auto write = [](LogWriter& log, Notes notes) {
        Batch batch;
        batch.begin(log.next_seq());
        append_mixed(batch.frame, batch.frame.next_seq());
        batch.notes = std::move(notes);
        REQUIRE(log.append(batch));
        CHECK(batch.notes.empty());
    };
    {
        const std::unique_ptr<LogWriter> log = make_background_log(go_on(path));
        write(*log, {{"a", "1"}, {"plugin/mine", "abc"}});
        write(*log, {});
        REQUIRE(log->finish(std::nullopt));
    }
    CHECK(look_at(path)->info().notes == Notes{{"a", "1"}, {"plugin/mine", "abc"}});
    CHECK(look_at(path)->head() == head_of(2, 1));
    {
        const std::unique_ptr<LogWriter> log = go_on(path);
        write(*log, {{"plugin/mine", "def"}});
    }
    CHECK(look_at(path)->info().notes == Notes{{"a", "1"}, {"plugin/mine", "def"}});
}

TEST_CASE("a journal that is resumed has the head of one that was never closed", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "deep/er/journal";
    for (int session = 0; session < 5; ++session) {
        const std::unique_ptr<LogWriter> log = go_on(path);
        CHECK(log->next_seq() == static_cast<Seq>(session) * 3'000);
        REQUIRE(write_some(*log, 1'000));
        REQUIRE(write_some(*log, 2'000));
        // Without finish(), as after a crash, every other time.
        if (session % 2 == 0) {
            REQUIRE(log->finish(Ending{7, Digest{1, 2, 3}}));
        }
    }
    const std::unique_ptr<Journal> journal = look_at(path);
    CHECK(journal->next_seq() == 15'000);
    CHECK(journal->head() == head_of(15'000, 1'000));
    CHECK(verify_journal(*journal));
    CHECK(journal->info().format == kJournalFormat);
    CHECK(journal->info().clean_end);
    CHECK(journal->info().ending == Ending{7, Digest{1, 2, 3}});
    CHECK(journal->info().feed_records == 30'000);
}

TEST_CASE("an empty journal verifies, and has no clean end while it is open", "[store]") {
    const TempFolder folder;
    const std::unique_ptr<LogWriter> log = go_on(folder / "journal");
    const std::unique_ptr<Journal> journal = look_at(folder / "journal");
    CHECK(journal->next_seq() == 0);
    CHECK(journal->head() == Digest{});
    CHECK_FALSE(journal->info().clean_end);
    const Result<Verified> verified = verify_journal(*journal);
    REQUIRE(verified);
    CHECK(verified->events == 0);
}

TEST_CASE("nothing is promised before commit returns, and everything is after", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const std::unique_ptr<LogWriter> log = go_on(path);
    REQUIRE(write_some(*log, 100));
    CHECK(anchor_of(path).next_seq == 0);
    REQUIRE(log->commit());
    CHECK(anchor_of(path).next_seq == 100);
    CHECK(anchor_of(path).head == log->head());
    const std::uint64_t generation = anchor_of(path).generation;
    REQUIRE(log->commit());
    CHECK(anchor_of(path).generation == generation);  // nothing new: nothing to do
}

TEST_CASE("a journal whose head is behind its anchor is refused, whoever asks", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const std::string older = folder / "older";
    REQUIRE(write_some(*go_on(path), 100));
    std::filesystem::copy(path, older, std::filesystem::copy_options::recursive);
    {
        const std::unique_ptr<LogWriter> log = go_on(path);
        REQUIRE(write_some(*log, 100));
        REQUIRE(log->commit());
    }
    std::filesystem::copy_file(path + "/anchor", older + "/anchor", std::filesystem::copy_options::overwrite_existing);
    const std::string said = refusal(older);
    CHECK(said.find("lacks events that were committed: it holds 100, and 200 were safely on disk") !=
          std::string::npos);
    CHECK_FALSE(open_journal(older));
}

TEST_CASE("a log that is not the one that was committed is refused though it is long enough", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const std::string other = folder / "other";
    {
        const std::unique_ptr<LogWriter> log = go_on(path);
        REQUIRE(write_some(*log, 100));
        REQUIRE(log->commit());
    }
    {
        const std::unique_ptr<LogWriter> log = go_on(other);
        Batch batch;
        batch.begin(0);
        for (Seq k = 0; k < 200; ++k) {
            append(batch.frame, dull_envelope(k), dull_quote(k + 1));
            if (k == 99) {
                REQUIRE(log->append(batch));
            }
        }
        REQUIRE(log->append(batch));
        REQUIRE(log->finish({}));
    }
    std::filesystem::copy_file(path + "/anchor", other + "/anchor", std::filesystem::copy_options::overwrite_existing);
    CHECK(refusal(other).find("its hash at event 100 is not what the anchor holds") != std::string::npos);
}

TEST_CASE("a journal without an anchor, or with none that can be read, is refused", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    REQUIRE(write_some(*go_on(path), 100));
    std::vector<std::uint8_t> anchor = read_file(path + "/anchor");
    anchor[20] ^= 1U;
    write_file(path + "/anchor", anchor);
    CHECK(verify_journal(*look_at(path)));  // one slot of two, as a torn write leaves it
    anchor[4'096 + 20] ^= 1U;
    write_file(path + "/anchor", anchor);
    CHECK(refusal(path).find("neither of its slots can be read") != std::string::npos);
    std::filesystem::remove(path + "/anchor");
    CHECK(refusal(path).find("anchor") != std::string::npos);
}

TEST_CASE("a clean end is in both slots of the anchor, and is none any more once the journal goes on", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    for (Seq events = 10; events <= 20; events += 10) {
        const std::unique_ptr<LogWriter> log = go_on(path);
        CHECK_FALSE(look_at(path)->info().clean_end);
        REQUIRE(write_some(*log, 10));
        REQUIRE(log->finish({}));
        CHECK(look_at(path)->info().clean_end);
        const Result<AnchorSlots> anchor = read_anchor(*rocksdb::FileSystem::Default(), path);
        REQUIRE(anchor);
        for (const std::optional<AnchorRecord>& slot : anchor->slots) {
            REQUIRE(slot);
            CHECK(slot->next_seq == events);
        }
    }
}

namespace {

/// The machine's files on a disk that is as full as one says.
class FillingDisk final : public rocksdb::FileSystemWrapper {
public:
    FillingDisk() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
    const char* Name() const override { return "FillingDisk"; }
    rocksdb::IOStatus GetFreeSpace(const std::string&, const rocksdb::IOOptions&, std::uint64_t* free,
                                   rocksdb::IODebugContext*) override {
        *free = free_bytes;
        return rocksdb::IOStatus::OK();
    }
    std::atomic<std::uint64_t> free_bytes{std::uint64_t{1} << 40U};
};

}  // namespace

TEST_CASE("nothing is appended behind a batch that could not be, though there is room again", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const auto disk = std::make_shared<FillingDisk>();
    Result<std::unique_ptr<LogWriter>> log = continue_journal(path, {.files = disk});
    REQUIRE(log);
    REQUIRE(write_some(**log, 10));
    REQUIRE((*log)->commit());
    disk->free_bytes = 0;
    constexpr std::size_t kLookedAt = 1U << 20U;  // so much is not appended without a look at the room
    REQUIRE_FALSE(write_some(**log, 10, kLookedAt));
    disk->free_bytes = std::uint64_t{1} << 40U;
    const Result<void> again = write_some(**log, 10);
    REQUIRE_FALSE(again);
    CHECK(again.error().message == "The journal " + path + " could not be written before.");
    CHECK_FALSE((*log)->commit());
    log->reset();
    CHECK(go_on(path)->next_seq() == 10);
}

TEST_CASE("rows come back by table and key, as last written", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    {
        const std::unique_ptr<LogWriter> log = go_on(path);
        for (int i = 0; i < 10; ++i) {
            Batch batch;
            batch.begin(log->next_seq());
            append_mixed(batch.frame, batch.frame.next_seq());
            batch.rows.add({1, "key " + std::to_string(i % 3), "value " + std::to_string(i)});
            batch.rows.add({2, "other table", "x"});
            REQUIRE(log->append(batch));
        }
    }
    std::vector<std::pair<std::string, std::string>> rows;
    REQUIRE(look_at(path)->rows(1, [&](const std::string& key, const std::string& value) {
        rows.emplace_back(key, value);
        return true;
    }));
    CHECK(rows == std::vector<std::pair<std::string, std::string>>{
                      {"key 0", "value 9"}, {"key 1", "value 7"}, {"key 2", "value 8"}});
}

TEST_CASE("snapshots are found by place, pruned as they age, and survive their session", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    for (int session = 0; session < 4; ++session) {
        const std::unique_ptr<LogWriter> log = go_on(path);
        for (int i = 0; i < 25; ++i) {
            REQUIRE(write_some(*log, 10, 300));
        }
    }
    const std::unique_ptr<Journal> journal = look_at(path);
    std::vector<Seq> kept;
    for (Seq seq = journal->next_seq();;) {
        const auto snapshot = journal->newest_snapshot(seq);
        REQUIRE(snapshot);
        if (!*snapshot) {
            break;
        }
        const Bytes bytes = (*snapshot)->bytes.view();
        CHECK(bytes.size() == 300);
        CHECK(bytes[0] == static_cast<std::uint8_t>((*snapshot)->next_seq));
        kept.push_back((*snapshot)->next_seq);
        seq = kept.back() - 1;
    }
    REQUIRE(kept.size() >= 4);
    CHECK(kept.size() == 64);
    CHECK(kept[0] == 1'000);
    CHECK(kept[1] == 990);
    for (std::size_t i = 1; i < kept.size(); ++i) {
        CHECK(kept[i - 1] - kept[i] <= 20);  // of a hundred, no two that are neighbours went
    }
    CHECK(kept.back() <= 20);
    CHECK(verify_journal(*journal));
}

TEST_CASE("a journal with the anchor of another one, at the same event, is not taken for either", "[store]") {
    const TempFolder folder;
    const std::string ours = folder / "ours";
    const std::string theirs = folder / "theirs";
    for (const auto& [path, shift] : {std::pair{ours, 0}, std::pair{theirs, 1}}) {
        const std::unique_ptr<LogWriter> log = go_on(path);
        Batch batch;
        batch.begin(0);
        for (Seq seq = 0; seq < 100; ++seq) {
            append(batch.frame, dull_envelope(seq), dull_quote(seq + static_cast<Seq>(shift)));
        }
        REQUIRE(log->append(batch));
        REQUIRE(log->finish({}));
    }
    std::filesystem::copy_file(theirs + "/anchor", ours + "/anchor", std::filesystem::copy_options::overwrite_existing);
    const Result<std::unique_ptr<Journal>> mixed = open_journal(ours);
    REQUIRE_FALSE(mixed);
    CHECK(mixed.error().kind == ErrorKind::data);
    CHECK(mixed.error().message.find("another log than its anchor promises") != std::string::npos);
    CHECK_FALSE(continue_journal(ours));
    CHECK(open_journal(theirs));
}

TEST_CASE("a second writer is told who is at work, even in its own process", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const std::unique_ptr<LogWriter> first = go_on(path);
    const Result<std::unique_ptr<LogWriter>> second = continue_journal(path);
    REQUIRE_FALSE(second);
    INFO(second.error().message);
    CHECK(second.error().kind == ErrorKind::transient);
    CHECK(second.error().message.find("is being written") != std::string::npos);
    REQUIRE(write_some(*first, 10));
    REQUIRE(first->finish({}));
    CHECK(go_on(path)->next_seq() == 10);
}

TEST_CASE("a follower sees what is written after it opened the journal, and its end", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const std::unique_ptr<LogWriter> log = go_on(path);
    REQUIRE(write_some(*log, 10));
    const std::unique_ptr<Journal> journal = look_at(path);
    CHECK(journal->next_seq() == 10);
    for (Seq end = 20; end <= 200; end += 10) {
        REQUIRE(write_some(*log, 10));
        REQUIRE(journal->refresh());
        REQUIRE(journal->next_seq() == end);
        Seq seen = 0;
        REQUIRE(journal->scan(end - 10, [&](const Frame& frame) {
            seen = frame.next_seq();
            return true;
        }));
        CHECK(seen == end);
    }
    REQUIRE(log->finish({}));
    REQUIRE(journal->refresh());
    CHECK(journal->info().clean_end);
}

TEST_CASE("a journal of format 1 is read as it is, and brought to the present one when resumed", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    std::filesystem::copy(ALPHA_SOURCE_DIR "/tests/store/journals/v1-kill-switch", path,
                          std::filesystem::copy_options::recursive);
    Digest head{};
    {
        const std::unique_ptr<Journal> journal = look_at(path);
        CHECK(journal->info().format == 1);
        CHECK_FALSE(journal->info().anchored_seq);
        CHECK(journal->next_seq() == 20);
        CHECK(verify_journal(*journal));
        const auto snapshot = journal->newest_snapshot(20);
        REQUIRE(snapshot);
        CHECK_FALSE(*snapshot);
        head = journal->head();
    }
    {
        const std::unique_ptr<LogWriter> log = go_on(path);
        CHECK(log->head() == head);
    }
    const std::unique_ptr<Journal> journal = look_at(path);
    CHECK(journal->info().format == kJournalFormat);
    CHECK(journal->info().anchored_seq == 20);
    CHECK(journal->head() == head);
    CHECK(verify_journal(*journal));
}

TEST_CASE("the background log stores what its log would have stored", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    {
        const std::unique_ptr<BackgroundLog> log =
            make_background_log(go_on(path), {.queue_batches = 2, .commit_interval = {}});
        for (int i = 0; i < 50; ++i) {
            REQUIRE(write_some(*log, 100));
        }
        CHECK(log->next_seq() == 5'000);
        REQUIRE(log->commit());
        CHECK(log->durable_seq() == 5'000);
        CHECK(anchor_of(path).next_seq == 5'000);
        CHECK(log->head() == head_of(5'000, 100));
        REQUIRE(write_some(*log, 1));
        REQUIRE(log->finish({}));
        REQUIRE_FALSE(write_some(*log, 1));
    }
    CHECK(look_at(path)->next_seq() == 5'001);
}

TEST_CASE("the background log writes and commits what waits when it is left", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    {
        const std::unique_ptr<BackgroundLog> log =
            make_background_log(go_on(path), {.queue_batches = 8, .commit_interval = std::chrono::hours(1)});
        REQUIRE(write_some(*log, 100));
        REQUIRE(write_some(*log, 100));
    }
    CHECK(anchor_of(path).next_seq == 200);
}

TEST_CASE("a snapshot is written into the memory of the one before, which comes back from behind the queue",
          "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const std::unique_ptr<BackgroundLog> log = make_background_log(go_on(path));
    Batch batch;
    batch.begin(0);
    const std::uint8_t* memory = nullptr;
    for (std::uint8_t round = 1; round <= 3; ++round) {
        CAPTURE(round);
        append_mixed(batch.frame, batch.frame.next_seq());
        batch.snapshot.append(std::vector<std::uint8_t>(100'000, round));
        CHECK((memory == nullptr || batch.snapshot.data() == memory));
        memory = batch.snapshot.data();
        REQUIRE(log->append(batch));
        REQUIRE(log->commit());
        for (int i = 0; i < 20; ++i) {  // whatever else is on its way meanwhile
            CHECK(batch.snapshot.empty());
            append_mixed(batch.frame, batch.frame.next_seq());
            REQUIRE(log->append(batch));
        }
    }
    REQUIRE(log->finish({}));
    const auto newest = look_at(path)->newest_snapshot(kNoSeq);
    REQUIRE(newest);
    REQUIRE(*newest);
    CHECK((*newest)->next_seq == 43);
    CHECK(std::ranges::equal((*newest)->bytes.view(), std::vector<std::uint8_t>(100'000, 3)));
}

TEST_CASE("what goes wrong behind the queue is said to whoever appends next", "[store]") {
    /// A log on a disk that is gone.
    class Broken final : public LogWriter {
    public:
        Result<void> append(Batch&) override { return fail(ErrorKind::data, "the disk is gone"); }
        Result<void> commit() override { return {}; }
        Result<void> finish(const std::optional<Ending>&) override { return {}; }
        Seq next_seq() const override { return 0; }
        Digest head() const override { return {}; }
        std::unique_ptr<FrameCursor> frames(Seq) const override { return nullptr; }
    };
    const std::unique_ptr<BackgroundLog> log = make_background_log(std::make_unique<Broken>());
    Result<void> said = write_some(*log, 1);
    for (int i = 0; i < 1'000 && said; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        said = write_some(*log, 1);
    }
    REQUIRE_FALSE(said);
    CHECK(said.error().message == "the disk is gone");
    CHECK_FALSE(log->commit());
    CHECK_FALSE(log->finish({}));
    CHECK(log->durable_seq() == 0);
}

TEST_CASE("a commit is asked for without waiting, and those that wait for it share one sync", "[store]") {
    /// A log on a disk that syncs when it is told to, or refuses.
    class SlowDisk final : public LogWriter {
    public:
        struct Shared {
            std::mutex mutex;
            std::condition_variable changed;
            int may_commit = 0;
            int commits = 0;
            bool refuses = false;
        };
        explicit SlowDisk(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
        Result<void> append(Batch& batch) override {
            next_ = batch.frame.next_seq();
            batch.begin(next_);
            return {};
        }
        Result<void> commit() override {
            std::unique_lock lock(shared_->mutex);
            ++shared_->commits;
            shared_->changed.notify_all();
            shared_->changed.wait(lock, [&] { return shared_->may_commit > 0; });
            --shared_->may_commit;
            return shared_->refuses ? fail(ErrorKind::data, "the disk is gone") : Result<void>{};
        }
        Result<void> finish(const std::optional<Ending>&) override { return {}; }
        Seq next_seq() const override { return next_; }
        Digest head() const override { return {}; }
        std::unique_ptr<FrameCursor> frames(Seq) const override { return nullptr; }

    private:
        std::shared_ptr<Shared> shared_;
        Seq next_ = 0;
    };
    const auto disk = std::make_shared<SlowDisk::Shared>();
    std::vector<std::pair<int, bool>> heard;  // which, and whether it is durable
    std::mutex mutex;
    const auto hear = [&](int which) {
        return [&, which](const Result<void>& durable) {
            const std::lock_guard lock(mutex);
            heard.emplace_back(which, durable.has_value());
        };
    };
    const auto count = [&] {
        const std::lock_guard lock(mutex);
        return heard.size();
    };
    const auto wait_for_commits = [&](int commits) {
        std::unique_lock lock(disk->mutex);
        disk->changed.wait(lock, [&] { return disk->commits >= commits; });
    };
    const auto let = [&](int commits) {
        const std::lock_guard lock(disk->mutex);
        disk->may_commit += commits;
        disk->changed.notify_all();
    };
    {
        const std::unique_ptr<BackgroundLog> log = make_background_log(
            std::make_unique<SlowDisk>(disk), {.queue_batches = 8, .commit_interval = std::chrono::hours(1)});
        log->ask_commit(hear(0));  // nothing to make durable
        CHECK(count() == 1);
        REQUIRE(write_some(*log, 10));
        log->ask_commit(hear(1));
        wait_for_commits(1);
        for (int order = 2; order <= 5; ++order) {  // the market goes on, and so do orders
            REQUIRE(write_some(*log, 10));
            log->ask_commit(hear(order));
        }
        CHECK(count() == 1);
        CHECK(log->durable_seq() == 0);
        let(1);
        wait_for_commits(2);
        CHECK(log->durable_seq() == 10);
        let(1);
        REQUIRE(log->commit());
        CHECK(log->durable_seq() == 50);
        CHECK(disk->commits == 2);
        for (int i = 0; i < 2'000 && count() < 6; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        REQUIRE(write_some(*log, 10));
        log->ask_commit(hear(6));
        wait_for_commits(3);
        REQUIRE(write_some(*log, 10));
        log->ask_commit(hear(7));
        disk->refuses = true;
        let(1);
        for (int i = 0; i < 2'000 && log->health(); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        CHECK_FALSE(log->health());
        log->ask_commit(hear(8));
    }
    std::ranges::sort(heard);
    const std::vector<std::pair<int, bool>> expected{{0, true}, {1, true},  {2, true},  {3, true}, {4, true},
                                                     {5, true}, {6, false}, {7, false}, {8, false}};
    CHECK(heard == expected);
}

TEST_CASE("frames read ahead are the frames, in order, until told to stop", "[store]") {
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    for (const Frame& frame : frames_of(10'000, 100, append_mixed)) {
        REQUIRE(append_frame(*log, frame));
    }
    std::vector<Seq> begun;
    REQUIRE(scan_ahead(*log, 450, [&](const Frame& frame) {
        begun.push_back(frame.first_seq);
        return true;
    }));
    REQUIRE(begun.size() == 96);
    CHECK(begun.front() == 400);
    CHECK(begun.back() == 9'900);
    int visited = 0;
    REQUIRE(scan_ahead(*log, 0, [&](const Frame&) { return ++visited < 7; }));
    CHECK(visited == 7);
}

TEST_CASE("the chain is the same on any number of threads and from frames of any size", "[store]") {
    const auto per_frame = GENERATE(std::uint32_t{1}, std::uint32_t{777}, std::uint32_t{4'096}, std::uint32_t{9'000});
    const Seq events = per_frame == 1 ? 9'000 : 600'000;
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    for (const Frame& frame : frames_of(events, per_frame, append_mixed)) {
        REQUIRE(append_frame(*log, frame));
    }
    const Seq promised = events / per_frame / 2 * per_frame;
    const Digest promised_head = head_of(promised, per_frame);
    for (const unsigned threads : {1U, 2U, 5U}) {
        const Result<Verified> verified =
            verify_chain(*log, {.promised = std::pair{promised, promised_head}, .threads = threads});
        INFO((verified ? std::string() : verified.error().message));
        REQUIRE(verified);
        CHECK(verified->head == log->head());
        CHECK_FALSE(verify_chain(*log, {.promised = std::pair{promised, log->head()}, .threads = threads}));
        CHECK_FALSE(verify_chain(*log, {.promised = std::pair{events + per_frame, log->head()}, .threads = threads}));
    }
}
