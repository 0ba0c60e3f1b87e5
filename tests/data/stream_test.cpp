#include "adapters/data/stream.hpp"
#include "tests/data/support.hpp"
#include "tests/sender.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <fmt/format.h>
#include <future>
#include <mutex>
#include <random>
#include <sys/stat.h>
#include <thread>

using namespace alpha;
using namespace alpha::test;

namespace {

const TimesOf kAnyHours = [](const std::string&) { return markets::DayTimes(); };
const std::string kHeader = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";

std::string line(int n) {
    return std::to_string(1'700'000'000'000'000'000 + std::int64_t{n}) + ",NSE:X,100." + std::to_string(n % 90 + 10) +
           ",1,101,1\n";
}
std::string lines(int from, int to) {
    std::string text;
    for (int n = from; n < to; ++n) {
        text += line(n);
    }
    return text;
}

/// A port that nobody used a moment ago.
std::string free_port() {
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(probe >= 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(probe, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    ::close(probe);
    return std::to_string(ntohs(address.sin_port));
}

std::chrono::nanoseconds steady_now() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

constexpr std::int64_t kBegin = 1'700'000'000'000'000'000;
constexpr std::chrono::seconds kLongWait{60};

/// What is read from streams on another thread, until it is interrupted or fails.
class StreamReading {
public:
    struct Options {
        std::vector<std::uint8_t> position{};
        /// What was taken before, by time; empty: it is not asked for.
        std::vector<TakenRecord> taken{};
    };

    explicit StreamReading(const std::string& stream) : StreamReading(std::vector<DataSource>{source_of(stream)}) {}
    explicit StreamReading(std::vector<DataSource> sources) : StreamReading(std::move(sources), Options{}) {}
    StreamReading(std::vector<DataSource> sources, Options options) : sources_(std::move(sources)) {
        for (DataSource& source : sources_) {
            source.interrupt = &interrupt_;
        }
        FeedWatch watch;
        watch.now = steady_now;
        watch.change_status = [this](std::size_t stream, const std::function<void(StreamStatus&)>& change_one) {
            change([&] {
                statuses_.resize(std::max(statuses_.size(), stream + 1));
                change_one(statuses_[stream]);
            });
        };
        watch.tell = [this](const std::string& what, Notice kind) {
            change([&] { told_ += (kind == Notice::loss ? "LOST " : "") + what + "\n"; });
        };
        if (!options.taken.empty()) {
            watch.taken_before = [taken = std::move(options.taken), next = std::size_t{0}]() mutable {
                return Result<std::optional<TakenRecord>>(next == taken.size() ? std::nullopt
                                                                               : std::optional(taken[next++]));
            };
        }
        thread_ = std::thread([this, position = std::move(options.position), watch = std::move(watch)] {
            auto feed = position.empty() ? open_feed(sources_, kAnyHours, watch)
                                         : open_feed(sources_, kAnyHours, position, watch);
            while (feed && !error_) {
                const auto batch = (*feed)->next();
                change([&] {
                    if (!batch) {
                        error_ = batch.error();
                        return;
                    }
                    for (const FeedRecord& record : *batch) {
                        times_.push_back(record.time.ns - kBegin);
                        records_.push_back(text_of(record, (*feed)->symbols()));
                    }
                    position_.clear();
                    (*feed)->save_position(batch->size(), position_);
                });
                if (batch && batch->empty()) {
                    return;
                }
            }
            if (!feed) {
                error_ = feed.error();
            }
        });
    }
    StreamReading(const StreamReading&) = delete;
    StreamReading& operator=(const StreamReading&) = delete;
    ~StreamReading() { end(); }

    static DataSource source_of(const std::string& stream, std::int64_t idle_ms = 0) {
        DataSource source;
        source.stream = stream;
        source.idle = Duration{idle_ms * 1'000'000};
        return source;
    }

    bool wait_for(std::size_t records) {
        return wait_until([&] { return times_.size() >= records; }) && times_.size() == records;
    }
    bool wait_for(std::string_view what) {
        return wait_until([&] { return told_.find(what) != std::string::npos; });
    }
    void end() {
        interrupt_.set();
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    /// Waits for it to end by itself.
    void join() { thread_.join(); }
    StreamStatus status(std::size_t stream = 0) const {
        const std::lock_guard lock(mutex_);
        return statuses_.at(stream);
    }

    // After end() or join().
    const std::vector<std::int64_t>& times() const { return times_; }
    const std::vector<std::string>& records() const { return records_; }
    const std::optional<Error>& error() const { return error_; }
    const std::string& told() const { return told_; }
    std::vector<std::uint8_t> position() const { return {position_.view().begin(), position_.view().end()}; }

private:
    template <class Change>
    void change(Change change) {
        {
            const std::lock_guard lock(mutex_);
            change();
        }
        changed_.notify_all();
    }
    template <class Condition>
    bool wait_until(Condition condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, kLongWait, condition);
    }

    Interrupt interrupt_;
    std::vector<DataSource> sources_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::int64_t> times_;
    std::vector<std::string> records_;
    std::string told_;
    std::vector<StreamStatus> statuses_;
    ByteBuffer position_;
    std::optional<Error> error_;
    std::thread thread_;
};

std::vector<std::int64_t> up_to(std::int64_t end) {
    std::vector<std::int64_t> all;
    all.reserve(static_cast<std::size_t>(end));
    for (std::int64_t n = 0; n < end; ++n) {
        all.push_back(n);
    }
    return all;
}

}  // namespace

TEST_CASE("lines of a socket are taken as they come, once, however often the sender begins again", "[data]") {
    const TempDir folder;
    const bool tcp = GENERATE(true, false);
    const std::string stream = tcp ? "tcp:127.0.0.1:" + free_port() : "unix:" + folder.path("feed.sock");
    StreamReading reading(stream);
    {
        const Sender sender(stream);
        REQUIRE(sender.send(kHeader + lines(0, 3)));
        CHECK(reading.wait_for(3));                            // though nothing more comes
        REQUIRE(sender.send(line(3) + line(4).substr(0, 9)));  // it dies within a line
        CHECK(reading.wait_for(4));
    }
    {
        const Sender sender(stream);  // nothing new yet
        REQUIRE(sender.send(kHeader + lines(0, 2)));
    }
    {
        const Sender sender(stream);
        REQUIRE(sender.send(kHeader + lines(0, 6)));
        CHECK(reading.wait_for(6));
    }
    reading.end();
    REQUIRE(reading.error());
    CHECK(reading.error()->kind == ErrorKind::interrupted);
    CHECK(reading.times() == up_to(6));
}

TEST_CASE("a sender that cannot send again is held to what was taken before, though it says so", "[data]") {
    const TempDir folder;
    const std::string stream = "unix:" + folder.path("feed.sock");
    DataSource source = StreamReading::source_of(stream);
    source.is_clocked = true;
    source.gives_again = false;
    StreamReading reading({source});
    {
        const Sender sender(stream);
        REQUIRE(sender.send(kHeader + lines(0, 3)));
        CHECK(reading.wait_for(3));
    }
    const Sender sender(stream);
    REQUIRE(sender.send(kHeader + line(7) + line(8)));
    CHECK(reading.wait_for(5));
    reading.end();
    CHECK(reading.times() == std::vector<std::int64_t>{0, 1, 2, 7, 8});
    CHECK(reading.status().refused_senders == 0);
}

TEST_CASE("a sender that tells another story when it connects again is sent away, and the next one is heard",
          "[data]") {
    const TempDir folder;
    const std::string stream = "unix:" + folder.path("feed.sock");
    StreamReading reading(stream);
    {
        const Sender sender(stream);
        REQUIRE(sender.send(kHeader + lines(0, 3)));
        CHECK(reading.wait_for(3));
    }
    {
        const Sender other(stream);
        REQUIRE(other.send(kHeader + lines(0, 2) + line(7) + line(8)));
        other.wait_for_close();
    }
    CHECK(reading.wait_for("LOST " + stream + ": the sender has left; the next one is waited for"));
    CHECK(reading.wait_for(
        "the data changed: a sender that connected again did not send again what was taken before line 5"));
    CHECK(reading.status().refused_senders == 1);
    CHECK(reading.status().last_refusal.find(stream + ": the data changed") == 0);
    const Sender sender(stream);
    REQUIRE(sender.send(kHeader + lines(0, 5)));
    CHECK(reading.wait_for(5));
    reading.end();
    CHECK(reading.error()->kind == ErrorKind::interrupted);
    CHECK(reading.times() == up_to(5));
}

TEST_CASE("what is no line costs its sender the connection, not the session", "[data]") {
    struct Bad {
        std::string text;
        std::string reason;
    };
    // Behind the header and three good lines, or behind nothing.
    const bool is_first = GENERATE(false, true);
    std::vector<Bad> all;
    if (is_first) {
        all = {{std::string("\x00\x01\x02\n", 4), ":1: looks binary"},
               {"\n\n", ":1: is blank"},
               {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", ":1: is not a header"},
               {"date,open,high,low,close\n", ":1: is the header of bars"},
               {std::string(100'000, 'x'), ":1: the line is longer than 65536 bytes"}};
    } else {
        all = {
            {"hello\n", ":5: has 1 field where the header has 6"},
            {std::string("\xFF\x00\n", 3), ":5: has 1 field"},
            {"\n" + line(3), ":5: is blank, but more lines follow"},
            {line(1), ":5: time 1700000000000000001 is before"},
            {"1700000000000000003,NSE:X,a,1,101,1\n", ":5: bid 'a'"},
            {"1700000000000000003,,1,1,101,1\n", ":5: the instrument's name is empty"},
            {"99999999999999999999,NSE:X,1,1,101,1\n", ":5: ts_ns"},
            {"1900000000000000003,NSE:X,1,1,101,1\n", ":5: a record at 2030-03-17T17:46:40.000000003Z comes 2314 days"},
            {std::string(100'000, '7'), ":5: the line is longer than 65536 bytes"},
            {std::string(100'000, '7') + "\n", ":5: the line is longer than 65536 bytes"}};
    }
    const TempDir folder;
    const std::string stream = "unix:" + folder.path("feed.sock");
    StreamReading reading(stream);
    std::uint64_t refused = 0;
    for (const Bad& bad : all) {
        CAPTURE(bad.reason);
        const Sender sender(stream);
        static_cast<void>(sender.send((is_first ? "" : kHeader + lines(0, 3)) + bad.text));
        sender.wait_for_close();
        REQUIRE(reading.wait_for(stream + bad.reason));
        CHECK(reading.status().last_refusal.find(stream + bad.reason) == 0);
        CHECK(reading.status().refused_senders == ++refused);
    }
    const Sender sender(stream);
    REQUIRE(sender.send(kHeader + lines(0, 6)));
    CHECK(reading.wait_for(6));
    reading.end();
    CHECK(reading.error()->kind == ErrorKind::interrupted);
    CHECK(reading.times() == up_to(6));
}

TEST_CASE("bars of a sender that is sent away go on with the next one", "[data]") {
    const TempDir folder;
    DataSource source = StreamReading::source_of("unix:" + folder.path("feed.sock"));
    source.kind = DataKind::bars;
    source.interval = kMinute;
    const std::string header = "timestamp,instrument,open,high,low,close,volume\n";
    const auto bar = [](int minute, const std::string& name) {
        return fmt::format("2024-01-01T10:{:02}:00Z,{},10,12,9,11,{}\n", minute, name, minute + 1);
    };
    const std::string all =
        header + bar(0, "A") + bar(0, "B") + bar(1, "A") + bar(2, "B") + bar(3, "A") + bar(5, "A") + bar(6, "B");
    const Reading whole = [&] {
        DataSource file = bars(folder.write("all.csv", all), kMinute);
        return read_all({file});
    }();
    // What waits for later bars does not leave before those are there.
    const std::size_t shown = whole.lines.size() - 3;
    StreamReading reading({source});
    const std::string before = header + bar(0, "A") + bar(0, "B") + bar(1, "A") + bar(2, "B") + bar(3, "A");
    for (const std::string& bad : {bar(0, "A"), std::string("2199-12-31T23:59:30Z,A,10,12,9,11,1\n"),
                                   std::string("nonsense\n"), std::string("2024-01-01T10:03:00Z,A,10,9,9,11,1\n")}) {
        const Sender sender(source.stream);
        REQUIRE(sender.send(before));
        REQUIRE(sender.send(bad));
        sender.wait_for_close();
    }
    {
        const Sender half(source.stream);
        REQUIRE(half.send(header + bar(0, "A") + bar(0, "B") + bar(1, "A") + bar(2, "B").substr(0, 30)));
    }
    const Sender sender(source.stream);
    REQUIRE(sender.send(all));
    CHECK(reading.wait_for(shown));
    reading.end();
    CHECK(reading.status().refused_senders == 4);
    CHECK(reading.records() ==
          std::vector<std::string>(whole.lines.begin(), whole.lines.begin() + static_cast<std::ptrdiff_t>(shown)));

    StreamReading again({source}, {reading.position(), {}});
    {
        const Sender other(source.stream);
        std::string changed = all;
        changed[all.find("11,3\n") + 3] = '4';
        REQUIRE(other.send(changed));
        other.wait_for_close();
    }
    const Sender same(source.stream);
    REQUIRE(same.send(all + bar(7, "B")));
    CHECK(again.wait_for(2));
    again.end();
    CHECK(again.status().refused_senders == 1);
    CHECK(again.records() == std::vector<std::string>(whole.lines.end() - 3, whole.lines.end() - 1));
}

TEST_CASE("who connects and says nothing keeps nobody from being heard", "[data]") {
    const TempDir folder;
    const std::string stream = "unix:" + folder.path("feed.sock");
    StreamReading reading(stream);
    std::vector<std::unique_ptr<Sender>> silent(100);  // more than are let in at a time
    for (std::unique_ptr<Sender>& each : silent) {
        each = std::make_unique<Sender>(stream);
    }
    { const Sender gone(stream); }
    const Sender halting(stream);
    REQUIRE(halting.send("ts_ns,instr"));
    const Sender sender(stream);
    REQUIRE(sender.send(kHeader + lines(0, 3)));
    CHECK(reading.wait_for(3));
    REQUIRE(sender.send(line(3)));
    CHECK(reading.wait_for(4));
    reading.end();
    CHECK(reading.times() == up_to(4));
    CHECK(reading.told().find("a sender fell silent before it had sent its header") != std::string::npos);
}

TEST_CASE("started again at its position, a stream is skipped up to there and compared", "[data]") {
    const TempDir folder;
    const std::string stream = "unix:" + folder.path("feed.sock");
    std::vector<std::uint8_t> position;
    {
        StreamReading reading(stream);
        const Sender sender(stream);
        REQUIRE(sender.send(kHeader + lines(0, 100)));
        CHECK(reading.wait_for(100));
        reading.end();
        position = reading.position();
    }
    StreamReading again({StreamReading::source_of(stream)}, {position, {}});
    for (const auto& [other, reason] :
         {std::pair<std::string, const char*>{kHeader + lines(1, 104), "the data changed"},
          {kHeader + lines(0, 99) + line(105), "the data changed"},
          {"nonsense\n", ":1: is not a header"}}) {
        const Sender sender(stream);
        REQUIRE(sender.send(other));
        sender.wait_for_close();
        CHECK(again.status().last_refusal.find(reason) != std::string::npos);
    }
    { CHECK(Sender(stream).send(kHeader + lines(0, 40))); }  // it leaves too early, and has said nothing wrong
    const Sender sender(stream);
    REQUIRE(sender.send(kHeader + lines(0, 103)));
    CHECK(again.wait_for(3));
    again.end();
    CHECK(again.times() == std::vector<std::int64_t>{100, 101, 102});
    CHECK(again.status().refused_senders == 3);
}

namespace {

/// A line of `name` that many nanoseconds after the beginning.
std::string line_of(const std::string& name, int n) {
    return fmt::format("{},{},100.{},1,101,1\n", kBegin + n, name, n % 90 + 10);
}
std::string lines_of(const std::string& name, std::initializer_list<int> times) {
    std::string text = kHeader;
    for (const int n : times) {
        text += line_of(name, n);
    }
    return text;
}
/// As it was taken before.
TakenRecord taken_of(const char* name, int n) {
    const QuoteTick quote{InstrumentId{0}, *parse_price(fmt::format("100.{}", n % 90 + 10)), *parse_price("101"),
                          *parse_qty("1"), *parse_qty("1")};
    return {{Time{kBegin + n}, quote}, name};
}

}  // namespace

TEST_CASE("without patience the feed waits for a silent stream, and says which", "[data]") {
    const TempDir folder;
    const std::string a = "unix:" + folder.path("a.sock");
    const std::string b = "unix:" + folder.path("b.sock");
    StreamReading reading({StreamReading::source_of(a), StreamReading::source_of(b)});
    const Sender from_a(a);
    REQUIRE(from_a.send(lines_of("A", {0, 2, 4})));
    CHECK(reading.wait_for(a + ": a sender has connected"));
    CHECK_FALSE(reading.status(1).is_connected);
    const Sender from_b(b);
    REQUIRE(from_b.send(lines_of("B", {1, 3})));
    CHECK(reading.wait_for(4));
    reading.end();
    CHECK(reading.times() == up_to(4));
    CHECK(reading.status(0).records == 3);
    CHECK(reading.status(1).records == 2);
}

TEST_CASE("a silent stream is left out when its patience is over, and what comes late is refused and counted",
          "[data]") {
    const TempDir folder;
    const std::string a = "unix:" + folder.path("a.sock");
    const std::string b = "unix:" + folder.path("b.sock");
    const auto sources = [&](std::int64_t idle_ms) {
        return std::vector<DataSource>{StreamReading::source_of(a), StreamReading::source_of(b, idle_ms)};
    };
    const std::vector<std::int64_t> all{0, 1, 5, 15, 20, 30};
    std::vector<std::uint8_t> position;
    {
        StreamReading reading(sources(1));
        const Sender from_a(a);
        REQUIRE(from_a.send(lines_of("A", {0, 1, 5})));
        CHECK(reading.wait_for(3));  // though B has never connected
        CHECK(
            reading.wait_for("LOST " + b + ": silent for 1ms while others have records: the feed goes on without it"));
        CHECK(reading.status(1).is_left_out);
        const Sender from_b(b);
        REQUIRE(from_b.send(lines_of("B", {3, 4, 20})));
        CHECK(reading.wait_for(b + ": sends again, and the feed waits for it as before"));
        CHECK_FALSE(reading.status(1).is_left_out);
        CHECK(reading.status(1).refused_records == 2);
        CHECK(reading.status(1).is_connected);
        REQUIRE(from_a.send(line_of("A", 15)));
        CHECK(reading.wait_for(4));
        REQUIRE(from_a.send(line_of("A", 30)));
        CHECK(reading.wait_for(6));
        reading.end();
        CHECK(reading.times() == all);
        CHECK(reading.told().find(
                  "2 records of 2023-11-14T22:13:20.000000003Z and later came after the feed had gone on to "
                  "2023-11-14T22:13:20.000000005Z, and are refused") != std::string::npos);
        position = reading.position();
    }
    SECTION("a restart at the position agrees when both begin at line 1 again") {
        StreamReading again(sources(3'600'000), {position, {}});
        const Sender from_a(a);
        const Sender from_b(b);
        REQUIRE(from_b.send(lines_of("B", {3, 4, 20, 29, 50})));  // 29 is late still
        REQUIRE(from_a.send(lines_of("A", {0, 1, 5, 15, 30, 40})));
        CHECK(again.wait_for(1));
        again.end();
        CHECK(again.times() == std::vector<std::int64_t>{40});
        CHECK(again.status(1).refused_records == 1);
        CHECK(again.status(0).refused_senders + again.status(1).refused_senders == 0);
    }
    std::vector<TakenRecord> taken;
    for (const auto& [name, n] : {std::pair("A", 0), {"A", 1}, {"A", 5}, {"A", 15}, {"B", 20}, {"A", 30}}) {
        taken.push_back(taken_of(name, n));
    }
    SECTION("so does one without a position: the order is the one of then, not that of the times") {
        StreamReading again(sources(3'600'000), {{}, taken});
        const Sender from_b(b);
        REQUIRE(from_b.send(lines_of("B", {3, 4, 20, 50})));
        const Sender from_a(a);
        REQUIRE(from_a.send(lines_of("A", {0, 1, 5, 15, 30, 40})));
        CHECK(again.wait_for(7));
        again.end();
        CHECK(again.times() == std::vector<std::int64_t>{0, 1, 5, 15, 20, 30, 40});
        CHECK(again.status(1).refused_records == 2);
        CHECK(again.position().size() == position.size());
    }
    SECTION("and one at which the stream is silent again") {
        StreamReading again(sources(1), {{}, taken});
        const Sender from_a(a);
        REQUIRE(from_a.send(lines_of("A", {0, 1, 5, 15, 30, 40})));
        CHECK(again.wait_for(7));
        const Sender from_b(b);
        REQUIRE(from_b.send(lines_of("B", {3, 4, 20, 50})));
        CHECK(again.wait_for("3 records of"));
        REQUIRE(from_a.send(line_of("A", 60)));
        CHECK(again.wait_for(9));
        again.end();
        CHECK(again.times() == std::vector<std::int64_t>{0, 1, 5, 15, 20, 30, 40, 50, 60});
    }
    SECTION("a sender that has other lines than were taken is the one that is sent away") {
        StreamReading again(sources(3'600'000), {{}, taken});
        const Sender from_a(a);
        REQUIRE(from_a.send(lines_of("A", {0, 1, 5, 15, 30, 40})));
        {
            const Sender stray(b);
            REQUIRE(stray.send(kHeader + line_of("B", 3) + fmt::format("{},B,99,1,101,1\n", kBegin + 20)));
            stray.wait_for_close();
            CHECK(again.status(1).last_refusal.find(
                      "a record of 'B' at 2023-11-14T22:13:20.000000020Z comes where one of 'B' at "
                      "2023-11-14T22:13:20.000000020Z with other values was taken before") != std::string::npos);
        }
        {
            const Sender later(b);
            REQUIRE(later.send(lines_of("B", {3, 33})));
            later.wait_for_close();
        }
        const Sender from_b(b);
        REQUIRE(from_b.send(lines_of("B", {3, 4, 20, 50})));
        CHECK(again.wait_for(7));
        again.end();
        CHECK(again.times() == std::vector<std::int64_t>{0, 1, 5, 15, 20, 30, 40});
        CHECK(again.status(0).refused_senders == 0);
        CHECK(again.status(1).refused_senders == 2);
    }
}

TEST_CASE("started again without a position, a stream is compared with what was taken", "[data]") {
    const TempDir folder;
    const std::string stream = "unix:" + folder.path("feed.sock");
    std::vector<TakenRecord> taken;
    taken.reserve(1'500);
    for (int n = 0; n < 1'500; ++n) {  // more than a batch
        taken.push_back(taken_of("NSE:X", n));
    }
    StreamReading reading({StreamReading::source_of(stream)}, {{}, taken});
    {
        const Sender elsewhere(stream);  // it begins where a good one would go on
        REQUIRE(elsewhere.send(kHeader + lines(1'500, 1'502)));
        elsewhere.wait_for_close();
    }
    {
        const Sender half(stream);
        REQUIRE(half.send(kHeader + lines(0, 700)));
    }
    {
        const Sender other(stream);
        REQUIRE(other.send(kHeader + lines(0, 900) + line(901)));
        other.wait_for_close();
    }
    const Sender sender(stream);
    REQUIRE(sender.send(kHeader + lines(0, 1'503)));
    CHECK(reading.wait_for(1'503));
    reading.end();
    CHECK(reading.times() == up_to(1'503));
    CHECK(reading.status().refused_senders == 2);
    CHECK(reading.told().find("comes where one of 'NSE:X'") != std::string::npos);
}

TEST_CASE("whatever strangers send, the session has every line of the good sender once", "[data]") {
    const unsigned seed = GENERATE(1U, 2U, 3U, 4U, 5U, 6U);
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    const TempDir folder;
    const std::string stream = "unix:" + folder.path("feed.sock");
    constexpr int kLines = 400;
    const std::string honest = kHeader + lines(0, kLines);
    const auto noise = [&] {
        constexpr std::string_view kLikely = "0123456789,.\n\r-NSE:X\"";
        std::string text = "x";
        for (std::size_t n = below(2'000); n > 0; --n) {
            text += below(3) == 0 ? static_cast<char>(below(256)) : kLikely[below(kLikely.size())];
        }
        return text + "\n";
    };
    StreamReading reading(stream);
    std::uint64_t strangers = 0;
    std::size_t taken = 0;  // of the honest text
    for (int i = 0; i < 60; ++i) {
        const std::string known = honest.substr(0, below(std::min(honest.size(), taken + 900)));
        std::string text = known;  // it dies, within a line most of the time
        bool is_bad = true;
        switch (below(5)) {
        case 0: text += "\n" + noise(); break;
        case 1: text = noise(); break;
        case 2:
            text = honest.substr(0, std::max(known.rfind('\n') + 1, kHeader.size() + line(0).size())) + line(-1 - i);
            break;
        case 3:
            if (taken > kHeader.size()) {  // another story
                text = honest;
                text[kHeader.size() + 30] = '9';
                break;
            }
            [[fallthrough]];
        default: is_bad = false;
        }
        // What has a header and is no longer than what was taken is not judged: more may come.
        is_bad = is_bad && (text.size() > taken || !text.starts_with(kHeader));
        const Sender sender(stream);
        static_cast<void>(sender.send(text));
        if (is_bad) {
            sender.wait_for_close();
            ++strangers;
        }
        taken = std::max(taken, static_cast<std::size_t>(std::ranges::mismatch(text, honest).in1 - text.begin()));
        taken = honest.rfind('\n', taken - 1) + 1;
    }
    CHECK(reading.status().refused_senders == strangers);
    const Sender sender(stream);
    REQUIRE(sender.send(honest));
    CHECK(reading.wait_for(static_cast<std::size_t>(kLines)));
    reading.end();
    CHECK(reading.error()->kind == ErrorKind::interrupted);
    CHECK(reading.times() == up_to(kLines));
}

TEST_CASE("a reader that is slow holds the sender back, and nothing is lost", "[data]") {
    const TempDir folder;
    const std::string stream = "unix:" + folder.path("feed.sock");
    Interrupt interrupt;
    DataSource source;
    source.stream = stream;
    source.interrupt = &interrupt;
    constexpr int kLines = 60'000;
    std::future<bool> sent = std::async(std::launch::async, [&] {
        const Sender sender(stream);
        return sender.send(kHeader + lines(0, kLines));
    });
    FeedWatch watch;
    watch.now = steady_now;
    auto feed = open_feed({source}, kAnyHours, watch);
    REQUIRE(feed);
    CHECK(sent.wait_for(std::chrono::milliseconds(200)) == std::future_status::timeout);
    std::int64_t next = 0;
    while (next < kLines) {
        const auto batch = (*feed)->next();
        REQUIRE(batch);
        for (const FeedRecord& record : *batch) {
            REQUIRE(record.time.ns == 1'700'000'000'000'000'000 + next);
            ++next;
        }
    }
    CHECK(sent.get());
}

TEST_CASE("a socket is its user's alone, is removed at the end, and one that is in use is refused", "[data]") {
    const TempDir folder;
    const std::string path = folder.path("feed.sock");
    {
        StreamReading reading("unix:" + path);
        { const Sender sender("unix:" + path); }
        struct stat status{};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & ACCESSPERMS) == (S_IRUSR | S_IWUSR));
        StreamReading second("unix:" + path);
        second.join();
        REQUIRE(second.error());
        CHECK(second.error()->kind == ErrorKind::usage);
        CHECK(second.error()->message.find("cannot be listened on") != std::string::npos);
    }
    CHECK(::access(path.c_str(), F_OK) != 0);
    // Left behind by a process that was killed: nobody listens, so it is taken over.
    const int left = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(left >= 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(left);
    StreamReading reading("unix:" + path);
    const Sender sender("unix:" + path);
    REQUIRE(sender.send(kHeader + lines(0, 1)));
    CHECK(reading.wait_for(1));
}

TEST_CASE("what is no stream is refused, and so is one that strangers could reach", "[data]") {
    for (const char* good : {"stdin", "unix:feed.sock", "tcp:127.0.0.1:7001", "tcp:localhost:1", "tcp:[::1]:65535"}) {
        CAPTURE(good);
        CHECK(stream_refusal(good).empty());
    }
    for (const char* bad : {"", "stdout", "unix:", "tcp:", "tcp:7001", "tcp:127.0.0.1:", "tcp:127.0.0.1:0",
                            "tcp:127.0.0.1:65536", "tcp:127.0.0.1:70x", "tcp:nowhere:7001", "http://x"}) {
        CAPTURE(bad);
        CHECK_FALSE(stream_refusal(bad).empty());
    }
    CHECK(stream_refusal("tcp:0.0.0.0:7001").find("not asked who they are") != std::string::npos);
    CHECK_FALSE(stream_refusal("tcp:10.0.0.1:7001").empty());
    CHECK_FALSE(stream_refusal("unix:" + std::string(108, 'x')).empty());
}

namespace {

const std::string kBarHeader = "timestamp,instrument,open,high,low,close,volume\n";

/// Bars of a minute, of two names.
std::string bar_lines(int from, int to, int volume = 7) {
    std::string text;
    for (int minute = from; minute < to; ++minute) {
        for (const char* name : {"A", "B"}) {
            text += fmt::format("2024-01-01T10:{:02}:00Z,{},10,12,9,11,{}\n", minute, name, volume);
        }
    }
    return text;
}

/// All records of the sources, as they were taken.
std::vector<TakenRecord> all_taken(const std::vector<DataSource>& sources) {
    static const std::vector<std::string> kNames{"A", "B"};
    const auto feed = open_feed(sources, kAnyHours);
    REQUIRE(feed.has_value());
    std::vector<TakenRecord> taken;
    for (;;) {
        const auto batch = (*feed)->next();
        REQUIRE(batch.has_value());
        if (batch->empty()) {
            REQUIRE((*feed)->symbols() == kNames);
            return taken;
        }
        for (const FeedRecord& record : *batch) {
            const InstrumentId id = std::visit([](const auto& event) { return event.instrument; }, record.event);
            taken.push_back({record, kNames[id.value]});
        }
    }
}

}  // namespace

TEST_CASE("bars that a file and a sender both have are taken once, also when it all starts again", "[data]") {
    const TempDir folder;
    DataSource stream = StreamReading::source_of("unix:" + folder.path("feed.sock"));
    stream.kind = DataKind::bars;
    stream.interval = kMinute;
    const std::vector<DataSource> sources{bars(folder.write("before.csv", kBarHeader + bar_lines(0, 6)), kMinute),
                                          stream};
    const Reading whole = read_all({bars(folder.write("all.csv", kBarHeader + bar_lines(0, 10)), kMinute)});
    // The last bars wait for later ones, and so do the closes before them.
    const auto until = [&](std::size_t records) {
        return std::vector<std::string>(whole.lines.begin(),
                                        whole.lines.begin() + static_cast<std::ptrdiff_t>(records));
    };
    const std::size_t shown = whole.lines.size() - 6;
    std::vector<std::uint8_t> within;
    {
        StreamReading reading(sources);
        const Sender sender(stream.stream);
        REQUIRE(sender.send(kBarHeader + bar_lines(3, 7)));
        CHECK(reading.wait_for(22));
        reading.end();
        CHECK(reading.records() == until(22));
        within = reading.position();
    }
    // From its position, and from the beginning with what was taken; the sender comes when the file is through.
    const std::vector<TakenRecord> taken = all_taken({bars(folder.path("all.csv"), kMinute)});
    for (const std::size_t known :
         {std::size_t{9}, std::size_t{14}, std::size_t{15}, std::size_t{16}, std::size_t{24}}) {
        const std::vector<TakenRecord> before(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(known));
        StreamReading again(sources, {{}, before});
        const Sender sender(stream.stream);
        REQUIRE(sender.send(kBarHeader + bar_lines(3, 10)));
        CHECK(again.wait_for(shown));
        again.end();
        CHECK(again.status().refused_senders == 0);
        CHECK(again.records() == until(shown));
    }
    StreamReading again(sources, {within, {}});
    const Sender sender(stream.stream);
    REQUIRE(sender.send(kBarHeader + bar_lines(3, 10)));
    CHECK(again.wait_for(shown - 22));
    again.end();
    CHECK(again.status().refused_senders == 0);
    CHECK(again.records() == std::vector<std::string>(whole.lines.begin() + 22, whole.lines.end() - 6));

    // A sender whose bar is another one is sent away, and the next one may have the same.
    StreamReading apart(sources);
    {
        const Sender other(stream.stream);
        REQUIRE(other.send(kBarHeader + bar_lines(3, 4) + bar_lines(4, 5, 8) + bar_lines(5, 7)));
        other.wait_for_close();
        CHECK_THAT(apart.status().last_refusal,
                   Catch::Contains(":4: the 1m bar of 'A' at 2024-01-01T10:04:00Z is at ") &&
                       Catch::Contains("before.csv:10 already, with other values (volume 7 there, 8 here)"));
    }
    const Sender same(stream.stream);
    REQUIRE(same.send(kBarHeader + bar_lines(3, 10)));
    CHECK(apart.wait_for(shown));
    apart.end();
    CHECK(apart.status().refused_senders == 1);
    CHECK(apart.records() == until(shown));
}
