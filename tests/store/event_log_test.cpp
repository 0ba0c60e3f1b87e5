#include "store/event_log.hpp"
#include "store/frame.hpp"
#include "store/journal.hpp"
#include "store/verify.hpp"
#include "tests/store/raw_database.hpp"
#include "tests/store/support.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <rocksdb/db.h>

using namespace alpha;
using namespace alpha::store_test;

namespace {

/// Reads a whole log, as one string of canonical bytes.
std::vector<std::uint8_t> contents(const LogReader& log, Seq from = 0) {
    std::vector<std::uint8_t> bytes;
    const Result<void> ok = log.scan(from, [&](const Frame& frame) {
        bytes.insert(bytes.end(), frame.bytes.view().begin(), frame.bytes.view().end());
        return true;
    });
    REQUIRE(ok);
    return bytes;
}

void append_all(LogWriter& log, const std::vector<Frame>& frames) {
    for (const Frame& frame : frames) {
        REQUIRE(append_frame(log, frame));
    }
}

/// A finished journal, opened again.
std::unique_ptr<Journal> finished_journal(const std::string& path, const std::vector<Frame>& frames) {
    Result<std::unique_ptr<LogWriter>> log = create_journal(path);
    REQUIRE(log);
    append_all(**log, frames);
    REQUIRE((*log)->finish({}));
    Result<std::unique_ptr<Journal>> journal = open_journal(path);
    REQUIRE(journal);
    return std::move(*journal);
}

/// Alters a journal as somebody with RocksDB at hand can.
template <class Change>
void alter(const std::string& path, Change change) {
    const RawDatabase db(path);
    change(*db.get(), db.family("default"), db.family("log"));
}

/// What opening and then verifying a journal says, if it says anything.
Result<void> open_and_verify(const std::string& path) {
    const Result<std::unique_ptr<Journal>> log = open_journal(path);
    const Result<Verified> verified = log ? verify_journal(**log) : tl::make_unexpected(log.error());
    return verified ? Result<void>{} : tl::make_unexpected(verified.error());
}

}  // namespace

TEST_CASE("a journal holds what the memory log holds, under the same head", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const std::vector<Frame> frames = frames_of(12'345, 1'000, append_mixed);
    const std::unique_ptr<MemoryLog> memory = make_memory_log();
    append_all(*memory, frames);
    REQUIRE(memory->finish({}));

    static_cast<void>(finished_journal(path, frames));
    const Result<std::unique_ptr<Journal>> stored = open_journal(path);
    REQUIRE(stored);
    CHECK((*stored)->head() == memory->head());
    CHECK((*stored)->next_seq() == 12'345);

    std::vector<std::uint8_t> expected;
    for (const Frame& frame : frames) {
        expected.insert(expected.end(), frame.bytes.view().begin(), frame.bytes.view().end());
    }
    CHECK(contents(*memory) == expected);
    CHECK(contents(**stored) == expected);
}

TEST_CASE("a scan begins with the frame that holds the event asked for", "[store]") {
    const TempFolder folder;
    const std::vector<Frame> frames = frames_of(1'000, 100, append_mixed);
    const std::unique_ptr<MemoryLog> memory = make_memory_log();
    append_all(*memory, frames);
    const std::unique_ptr<Journal> journal = finished_journal(folder / "journal", frames);
    for (const LogReader* const log :
         {static_cast<const LogReader*>(memory.get()), static_cast<const LogReader*>(journal.get())}) {
        for (const auto& [from, first] :
             std::vector<std::pair<Seq, Seq>>{{0, 0}, {1, 0}, {99, 0}, {100, 100}, {555, 500}, {999, 900}}) {
            std::vector<Seq> begun;
            REQUIRE(log->scan(from, [&](const Frame& frame) {
                begun.push_back(frame.first_seq);
                return begun.size() < 2;
            }));
            REQUIRE_FALSE(begun.empty());
            CHECK(begun.front() == first);
            CHECK(begun.size() == (first == 900 ? 1U : 2U));
        }
        int visited = 0;
        CHECK(log->scan(1'000, [&](const Frame&) { return ++visited > 0; }));
        CHECK(log->scan(kNoSeq, [&](const Frame&) { return ++visited > 0; }));
        CHECK(visited == 0);
    }
}

TEST_CASE("every event is decoded with its number, from the one asked for until told to stop", "[store]") {
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    append_all(*log, frames_of(1'000, 64, append_mixed));
    std::vector<Seq> seen;
    REQUIRE(for_each_event(*log, 100, [&](const Envelope& envelope, const Event& event) {
        seen.push_back(envelope.seq);
        CHECK(envelope.time == dull_envelope(envelope.seq).time);
        CHECK(std::holds_alternative<SignalRaised>(event) == (envelope.seq % 13 == 5));
        return envelope.seq < 777;
    }));
    REQUIRE(seen.size() == 678);
    CHECK(seen.front() == 100);
    CHECK(seen.back() == 777);
}

TEST_CASE("a journal never takes the place of something", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    std::filesystem::create_directory(path);
    for (const std::string& spelling : {path, path + "/"}) {
        const Result<std::unique_ptr<LogWriter>> log = create_journal(spelling);
        REQUIRE_FALSE(log);
        CHECK(log.error().kind == ErrorKind::usage);
        CHECK(log.error().message.find(path) != std::string::npos);
        CHECK(log.error().message.find("choose another --journal or remove it") != std::string::npos);
    }
    CHECK(folder.names() == std::vector<std::string>{"journal"});
}

TEST_CASE("a journal whose name was taken meanwhile does not replace what took it", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    Result<std::unique_ptr<LogWriter>> log = create_journal(path);
    REQUIRE(log);
    append_all(**log, frames_of(10, 10, append_mixed));
    write_file(path, {1, 2, 3});
    const Result<void> ok = (*log)->finish({});
    REQUIRE_FALSE(ok);
    CHECK(ok.error().kind == ErrorKind::usage);
    log->reset();
    CHECK(folder.names() == std::vector<std::string>{"journal"});
    CHECK(read_file(path) == std::vector<std::uint8_t>{1, 2, 3});
}

TEST_CASE("a journal that is not finished leaves nothing behind", "[store]") {
    const TempFolder folder;
    {
        Result<std::unique_ptr<LogWriter>> log = create_journal(folder / "deep/er/journal");
        REQUIRE(log);
        append_all(**log, frames_of(5'000, 500, append_mixed));
        CHECK_FALSE(std::filesystem::exists(folder / "deep/er/journal"));
    }
    CHECK(std::filesystem::is_empty(folder / "deep/er"));
}

TEST_CASE("a journal that is being built keeps its name from others, and is left alone", "[store]") {
    const TempFolder folder;
    Result<std::unique_ptr<LogWriter>> first = create_journal(folder / "journal");
    REQUIRE(first);
    const Result<std::unique_ptr<LogWriter>> second = create_journal(folder / "journal");
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ErrorKind::transient);
    CHECK(second.error().message.find("process " + std::to_string(::getpid())) != std::string::npos);
    append_all(**first, frames_of(10, 10, append_mixed));
    REQUIRE((*first)->finish({}));
    CHECK((*open_journal(folder / "journal"))->next_seq() == 10);
    CHECK(folder.names().size() == 1);
}

TEST_CASE("each of many that want a numbered journal gets a number of its own", "[store]") {
    const TempFolder folder;
    std::filesystem::create_directory(folder / "run-2");
    std::filesystem::create_directory(folder / "run-4.partial-1-0");  // of a process that is gone
    std::filesystem::create_directory(folder / "run-notes");
    std::vector<NamedJournal> begun;
    for (const char* const expected : {"run-1", "run-3", "run-4"}) {
        Result<NamedJournal> journal = create_numbered_journal(folder / "run-");
        REQUIRE(journal);
        CHECK(journal->path == folder / expected);
        begun.push_back(std::move(*journal));
    }
    CHECK_FALSE(std::filesystem::exists(folder / "run-4.partial-1-0"));
    for (const NamedJournal& journal : begun) {
        REQUIRE(journal.log->finish({}));
        CHECK(open_journal(journal.path));
    }
    CHECK(folder.names().size() == 5);
}

TEST_CASE("nothing is appended to a finished log", "[store]") {
    const TempFolder folder;
    const std::vector<Frame> frames = frames_of(20, 10, append_mixed);
    const std::unique_ptr<MemoryLog> memory = make_memory_log();
    Result<std::unique_ptr<LogWriter>> journal = create_journal(folder / "journal");
    REQUIRE(journal);
    for (LogWriter* const log : {static_cast<LogWriter*>(memory.get()), journal->get()}) {
        REQUIRE(append_frame(*log, frames[0]));
        REQUIRE(log->finish({}));
        CHECK_FALSE(append_frame(*log, frames[1]));
        CHECK(log->finish({}));
        CHECK(log->next_seq() == 10);
    }
}

TEST_CASE("an empty frame is no event, and an empty journal is a journal", "[store]") {
    const TempFolder folder;
    Batch empty;
    empty.begin(0);
    Result<std::unique_ptr<LogWriter>> log = create_journal(folder / "journal");
    REQUIRE(log);
    REQUIRE((*log)->append(empty));
    REQUIRE((*log)->finish({}));
    const Result<std::unique_ptr<Journal>> stored = open_journal(folder / "journal");
    REQUIRE(stored);
    CHECK((*stored)->head() == Digest{});
    CHECK(contents(**stored).empty());
}

TEST_CASE("a journal that is not there is a slip of the user, another folder is bad data", "[store]") {
    const TempFolder folder;
    const Result<std::unique_ptr<Journal>> missing = open_journal(folder / "none");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == ErrorKind::usage);
    CHECK(missing.error().message.find("no journal at") != std::string::npos);
    std::filesystem::create_directory(folder / "empty");
    REQUIRE_FALSE(open_journal(folder / "empty"));
    CHECK(open_journal(folder / "empty").error().kind == ErrorKind::data);
    CHECK(std::filesystem::is_empty(folder / "empty"));
}

TEST_CASE("reading a journal writes nothing to it", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    static_cast<void>(finished_journal(path, frames_of(5'000, 500, append_mixed)));
    const auto files = [&] {
        std::vector<std::pair<std::string, std::vector<std::uint8_t>>> all;
        for (const auto& entry : std::filesystem::directory_iterator(path)) {
            all.emplace_back(entry.path().filename().string(), read_file(entry.path().string()));
        }
        std::sort(all.begin(), all.end());
        return all;
    };
    const auto before = files();
    REQUIRE(open_and_verify(path));
    CHECK(files() == before);
}

TEST_CASE("a journal does not tell where it was written", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    static_cast<void>(finished_journal(path, frames_of(100, 100, append_mixed)));
    std::array<char, 256> host{};
    REQUIRE(::gethostname(host.data(), host.size() - 1) == 0);
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
        const std::vector<std::uint8_t> bytes = read_file(entry.path().string());
        const std::string text(bytes.begin(), bytes.end());
        INFO(entry.path().filename().string());
        CHECK(text.find(path) == std::string::npos);
        CHECK(text.find(std::string("host.identity") + host.data()) == std::string::npos);
    }
}

TEST_CASE("a journal with altered records is refused", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const std::vector<Frame> frames = frames_of(1'000, 100, append_mixed);
    static_cast<void>(finished_journal(path, frames));
    REQUIRE(open_and_verify(path));
    std::string expected;
    const auto put = [](rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const std::string& key,
                        const std::string& value) { REQUIRE(db.Put({}, family, key, value).ok()); };

    SECTION("the recorded head is another") {
        alter(path, [&](rocksdb::DB& db, rocksdb::ColumnFamilyHandle* meta, rocksdb::ColumnFamilyHandle*) {
            std::string head;
            REQUIRE(db.Get({}, meta, "head", &head).ok());
            head.back() = static_cast<char>(head.back() ^ 1);
            put(db, meta, "head", head);
        });
        expected = "was altered";
    }
    SECTION("the recorded end is earlier or later") {
        const char change = GENERATE(char{1}, char{100});
        alter(path, [&](rocksdb::DB& db, rocksdb::ColumnFamilyHandle* meta, rocksdb::ColumnFamilyHandle*) {
            std::string head;
            REQUIRE(db.Get({}, meta, "head", &head).ok());
            head[0] = static_cast<char>(head[0] ^ change);
            put(db, meta, "head", head);
        });
        expected = "events";
    }
    SECTION("the head record is cut short") {
        alter(path, [&](rocksdb::DB& db, rocksdb::ColumnFamilyHandle* meta, rocksdb::ColumnFamilyHandle*) {
            put(db, meta, "head", "short");
        });
        expected = "records no head";
    }
    SECTION("the format is of another version") {
        alter(path, [&](rocksdb::DB& db, rocksdb::ColumnFamilyHandle* meta, rocksdb::ColumnFamilyHandle*) {
            put(db, meta, "format", "alpha journal 4");
        });
        expected = "alpha journal 4";
    }
    SECTION("the first, a middle or the last frame is missing") {
        const Seq which = GENERATE(Seq{0}, Seq{500}, Seq{900});
        alter(path, [&](rocksdb::DB& db, rocksdb::ColumnFamilyHandle*, rocksdb::ColumnFamilyHandle* log) {
            REQUIRE(db.Delete({}, log, raw_key_of(which)).ok());
        });
        expected = "lacks events";
    }
    SECTION("a frame follows the end") {
        alter(path, [&](rocksdb::DB& db, rocksdb::ColumnFamilyHandle*, rocksdb::ColumnFamilyHandle* log) {
            Frame more;
            more.begin(1'000);
            append_mixed(more, 1'000);
            ByteBuffer stored;
            encode_frame(more, stored);
            const std::vector<std::uint8_t> bytes = bytes_of(stored);
            put(db, log, raw_key_of(1'000), std::string(bytes.begin(), bytes.end()));
        });
        expected = "past its recorded end";
    }
    SECTION("a frame was replaced by another that is whole in itself") {
        alter(path, [&](rocksdb::DB& db, rocksdb::ColumnFamilyHandle*, rocksdb::ColumnFamilyHandle* log) {
            Frame other;
            other.begin(500);
            for (Seq k = 500; k < 600; ++k) {
                append(other, dull_envelope(k), dull_quote(k + 1));
            }
            ByteBuffer stored;
            encode_frame(other, stored);
            const std::vector<std::uint8_t> bytes = bytes_of(stored);
            put(db, log, raw_key_of(500), std::string(bytes.begin(), bytes.end()));
        });
        expected = "was altered";
    }
    SECTION("a frame was damaged") {
        alter(path, [&](rocksdb::DB& db, rocksdb::ColumnFamilyHandle*, rocksdb::ColumnFamilyHandle* log) {
            std::string stored;
            REQUIRE(db.Get({}, log, raw_key_of(500), &stored).ok());
            stored[stored.size() / 2] = static_cast<char>(stored[stored.size() / 2] ^ 4);
            put(db, log, raw_key_of(500), stored);
        });
        expected = "frame at event 500 is damaged";
    }
    SECTION("a key is no number") {
        alter(path, [&](rocksdb::DB& db, rocksdb::ColumnFamilyHandle*, rocksdb::ColumnFamilyHandle* log) {
            put(db, log, raw_key_of(500) + "x", "");
        });
        expected = "no event number";
    }

    const Result<void> ok = open_and_verify(path);
    REQUIRE_FALSE(ok);
    CHECK(ok.error().kind == ErrorKind::data);
    INFO(ok.error().message);
    CHECK(ok.error().message.find(expected) != std::string::npos);
}

TEST_CASE("a flipped bit in a journal's data files is never read as something else", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    const std::vector<Frame> frames = frames_of(2'000, 500, append_mixed);
    const std::unique_ptr<Journal> journal = finished_journal(path, frames);
    const std::vector<std::uint8_t> expected = contents(*journal);
    int refused = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
        if (entry.path().extension() != ".sst") {
            continue;
        }
        const std::string file = entry.path().string();
        const std::vector<std::uint8_t> good = read_file(file);
        for (std::size_t i = 0; i < 40; ++i) {
            std::vector<std::uint8_t> bad = good;
            bad[i * good.size() / 40] ^= 0x10U;
            write_file(file, bad);
            std::vector<std::uint8_t> read;
            const Result<std::unique_ptr<Journal>> log = open_journal(path);
            const Result<void> ok = !log ? tl::make_unexpected(log.error()) : (*log)->scan(0, [&](const Frame& frame) {
                read.insert(read.end(), frame.bytes.view().begin(), frame.bytes.view().end());
                return true;
            });
            refused += ok ? 0 : 1;
            CHECK((!ok || read == expected));
        }
        write_file(file, good);
    }
    CHECK(refused > 10);
    CHECK(open_and_verify(path));
}

TEST_CASE("a step too large to be stored is an error, not a crash", "[store]") {
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    Frame frame;
    frame.begin(0);
    RunConfigured configured;
    configured.instruments.resize(60'000);
    while (frame.bytes.size() <= kMaxFrameBytes) {
        append(frame, Envelope{frame.next_seq(), {}, kNoSeq, kNoSeq}, configured);
    }
    const Result<void> ok = append_frame(*log, frame);
    REQUIRE_FALSE(ok);
    CHECK(ok.error().kind == ErrorKind::internal);
    CHECK(log->next_seq() == 0);
}

TEST_CASE("a frame that ends before the event that is asked for is not handed out in its place", "[store]") {
    const TempFolder folder;
    const std::string path = folder / "journal";
    finished_journal(path, frames_of(300, 100, append_mixed));
    alter(path, [](rocksdb::DB& db, rocksdb::ColumnFamilyHandle*, rocksdb::ColumnFamilyHandle* log) {
        REQUIRE(db.Delete({}, log, raw_key_of(100)).ok());
    });
    const Result<std::unique_ptr<Journal>> journal = open_journal(path);
    REQUIRE(journal);
    int seen = 0;
    // Whoever stops at the first frame never comes to the gap behind it.
    const Result<void> scanned = (*journal)->scan(150, [&](const Frame&) {
        ++seen;
        return false;
    });
    REQUIRE_FALSE(scanned);
    CHECK(scanned.error().message.find("the frame of event 150 is missing") != std::string::npos);
    CHECK(seen == 0);
}

TEST_CASE("a frame may reach to the recorded end of its log and no further", "[store]") {
    const std::vector<Frame> frames = frames_of(100, 100, append_mixed);
    StoredFrame stored;
    encode_frame(frames.front(), stored.bytes);
    Frame frame;
    CHECK(FrameCheck("The log", 0, 100).take(stored, frame));
    const Result<void> taken = FrameCheck("The log", 0, 99).take(stored, frame);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().message == "The log has events past its recorded end at 99.");
}
