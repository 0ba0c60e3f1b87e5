#include "store/trial_ledger.hpp"
#include "tests/store/support.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/file.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace alpha;

namespace {

TrialRow tried(const std::string& head, std::int64_t equity = 1'000) {
    TrialRow row;
    row.when = parse_timestamp("2026-11-28T06:00:00Z").value().time;
    row.family = "sma_cross on X";
    row.log_head = head;
    row.initial_cash = money_of(1'000);
    row.days = {{parse_date("2024-01-01").value(), money_of(equity)},
                {parse_date("2024-01-02").value(), parse_money("1001.25").value()}};
    return row;
}

std::string read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}
void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

/// A folder of its own, removed at the end.
class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "ledger-XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string ledger() const { return path_ + "/runs/ledger.tsv"; }

private:
    std::string path_;
};

}  // namespace

TEST_CASE("what was tried is read back, row by row", "[ledger]") {
    const Folder here;
    CHECK(read_trials(here.ledger()).value().empty());
    REQUIRE(append_trial(here.ledger(), tried("aa")));
    REQUIRE(append_trial(here.ledger(), tried("bb", 990)));
    const std::vector<TrialRow> rows = read_trials(here.ledger()).value();
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].number == 1);
    CHECK(rows[1].number == 2);
    CHECK(rows[1].previous == rows[0].hash);
    CHECK(rows[1].log_head == "bb");
    CHECK(rows[1].family == "sma_cross on X");
    CHECK(rows[1].initial_cash == money_of(1'000));
    REQUIRE(rows[1].days.size() == 2);
    CHECK(rows[1].days[0] == std::pair{parse_date("2024-01-01").value(), money_of(990)});
    CHECK(to_string(rows[1].days[1].second) == "1001.25");
    CHECK(read(here.ledger())
              .starts_with("number\twhen\tfamily\tlog_head\tinitial_cash\tdays\tprevious\thash\n"
                           "1\t2026-11-28T06:00:00Z\tsma_cross on X\taa\t1000\t2024-01-01=1000 "
                           "2024-01-02=1001.25\t0000"));
}

TEST_CASE("a row that is changed, left out or moved shows, with its line", "[ledger]") {
    const Folder here;
    for (const char* const head : {"aa", "bb", "cc"}) {
        REQUIRE(append_trial(here.ledger(), tried(head)));
    }
    const std::string whole = read(here.ledger());
    std::vector<std::string> lines;
    std::istringstream in(whole);
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line + '\n');
    }
    REQUIRE(lines.size() == 4);
    const auto refusal = [&](const std::string& text) {
        write(here.ledger(), text);
        const auto rows = read_trials(here.ledger());
        return rows ? std::string("none") : rows.error().message.substr(here.ledger().size());
    };
    CHECK(refusal(whole) == "none");
    const char* const more = "; rows are only ever added to the trial ledger: restore the file, or move it away and "
                             "begin a new one, which knows of "
                             "no trial before";
    CHECK(refusal(lines[0] + lines[1] + lines[3]) ==
          std::string(":3: does not follow from the row before it: rows are missing") + more);
    CHECK(refusal(lines[0] + lines[2] + lines[3]) ==
          std::string(":2: does not follow from the row before it: rows are missing") + more);
    std::string changed = whole;
    changed.replace(changed.find("=1000 "), 6, "=1900 ");
    CHECK(refusal(changed) == std::string(":2: is not as it was written") + more);
    CHECK(refusal("a,b\n") == std::string(":1: is not the header of a trial ledger") + more);
    // Every byte counts.
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string flipped = whole;
        flipped[i] = static_cast<char>(flipped[i] ^ 1);
        INFO(i);
        REQUIRE((refusal(flipped) != "none" || i + 1 == whole.size()));
    }
}

TEST_CASE("what a process that was killed left of a row is cut off by the next one", "[ledger]") {
    const Folder here;
    REQUIRE(append_trial(here.ledger(), tried("aa")));
    const std::string one = read(here.ledger());
    for (const std::string left : {"2\t2026", "x", ""}) {
        write(here.ledger(), one + left);
        CHECK(read_trials(here.ledger()).value().size() == 1);
        REQUIRE(append_trial(here.ledger(), tried("bb")));
        CHECK(read_trials(here.ledger()).value().size() == 2);
    }
    write(here.ledger(), "number\twhen");  // not even the header
    REQUIRE(append_trial(here.ledger(), tried("aa")));
    CHECK(read(here.ledger()) == one);
    write(here.ledger(), "some notes of mine\n");
    CHECK_FALSE(append_trial(here.ledger(), tried("aa")));
    CHECK(read(here.ledger()) == "some notes of mine\n");
}

TEST_CASE("runs that end at the same moment each have their row", "[ledger]") {
    const Folder here;
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&here, t] {
            for (int i = 0; i < 25; ++i) {
                TrialRow row = tried(std::to_string(t) + "." + std::to_string(i));
                row.days.resize(1 + static_cast<std::size_t>(i) * 300, row.days[0]);
                static_cast<void>(append_trial(here.ledger(), row));
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const auto rows = read_trials(here.ledger());
    REQUIRE(rows);
    CHECK(rows->size() == 100);
}

TEST_CASE("a family is what was tried, whatever its parameters and its name", "[ledger]") {
    RunConfigured config;
    for (const char* const name : {"A", "B", "C", "D", "E", "F"}) {
        Instrument of;
        of.name = name;
        config.instruments.push_back(of);
    }
    StrategyConfig strategy;
    strategy.use = "sma_cross";
    strategy.instruments = {InstrumentId{1}, InstrumentId{0}};
    config.strategies = {strategy};
    CHECK(trial_family(config) == "sma_cross on A, B");
    config.name = "other";
    config.strategies[0].params = {{"fast", "3"}};
    config.strategies.push_back(strategy);
    CHECK(trial_family(config) == "sma_cross on A, B");
    config.strategies[1].use = "buy_and_hold";
    CHECK(trial_family(config) == "buy_and_hold+sma_cross on A, B");
    for (std::uint32_t i = 2; i < 6; ++i) {
        config.strategies[0].instruments.push_back(InstrumentId{i});
    }
    const std::string many = trial_family(config);
    CHECK(many.starts_with("buy_and_hold+sma_cross on A, B, C, D and 2 more ("));
    config.strategies[0].instruments.pop_back();
    CHECK(trial_family(config) != many);
}

TEST_CASE("a ledger that another process keeps locked is waited for without end", "[ledger]") {
    const Folder here;
    REQUIRE(append_trial(here.ledger(), tried("aa")));
    const std::string before = read(here.ledger());
    const int other = ::open(here.ledger().c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(::flock(other, LOCK_EX) == 0);
    std::atomic<bool> stop = true;
    LedgerWait wait;
    wait.stop = &stop;
    const Result<void> ended = append_trial(here.ledger(), tried("bb"), wait);
    REQUIRE(!ended);
    CHECK(ended.error().message == here.ledger() + ": another process has it locked, and the wait for it was ended");
    stop = false;
    wait.most = std::chrono::milliseconds(1'200);
    std::vector<std::string> told;
    wait.tell = [&](const std::string& what) { told.push_back(what); };
    const Result<void> given_up = append_trial(here.ledger(), tried("bb"), wait);
    REQUIRE(!given_up);
    CHECK(given_up.error().kind == ErrorKind::transient);
    CHECK_THAT(given_up.error().message, Catch::Contains("another process has had it locked for 1 s"));
    CHECK(told == std::vector<std::string>{here.ledger() + ", which another process has locked"});
    CHECK(read(here.ledger()) == before);
    ::close(other);
    stop = true;  // nobody waits for what is free
    CHECK(append_trial(here.ledger(), tried("bb"), wait));
}
