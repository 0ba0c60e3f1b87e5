#include "config/scenario.hpp"
#include "runtime/components.hpp"
#include "runtime/inbox.hpp"
#include "runtime/operator.hpp"
#include "runtime/reexecution.hpp"
#include "runtime/session.hpp"
#include "store/background_log.hpp"
#include "store/journal.hpp"
#include "tests/runtime/support.hpp"
#include "tests/virtual_clock.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <random>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>
#include <thread>

using namespace alpha;
using namespace alpha::runtime_test;
using alpha::test::TakesPart;
using alpha::test::VirtualClock;

namespace {

/// 2024-01-01, a Monday, in India.
Time india(int hour, int minute, int second = 0) {
    return Time{(19'723LL * 86'400 + (hour * 60LL + minute) * 60 + second - 19'800) * kSecondNs};
}

/// Some quotes of a day, the first at its open; the last one after the close, so that the close falls into a silence.
void write_quotes(const std::string& path, std::uint64_t seed, int quotes) {
    std::mt19937_64 random(seed);
    std::string text = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
    const std::int64_t day = india(15, 29).ns - india(9, 15).ns;
    std::vector<std::int64_t> times{india(9, 15).ns};
    for (int i = 0; i < quotes; ++i) {
        times.push_back(india(9, 15).ns + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(day)));
    }
    std::ranges::sort(times);
    times.push_back(india(15, 45).ns);
    std::int64_t paise = 10'000;
    for (const std::int64_t time : times) {
        paise += static_cast<std::int64_t>(random() % 101) - 50;
        const std::int64_t ask = paise + 5;
        text += fmt::format("{},NSE:A,{}.{:02},75,{}.{:02},75\n", time, paise / 100, paise % 100, ask / 100, ask % 100);
    }
    write_text(path, text);
}

Scenario story(const std::string& data, int refresh_s, int snapshot_s, int latency_ms) {
    const Result<Scenario> scenario = parse_scenario(
        fmt::format("name: day\naccount: {{currency: INR, cash: 1000000}}\ndata: [{{file: {}, kind: quotes}}]\n"
                    "default_instrument: {{tick: 0.05, lot: 1, session: nse}}\n"
                    "strategies:\n  - {{id: maker, use: market_maker, instruments: [\"NSE:A\"],\n"
                    "     params: {{quantity: 5, half_spread: 0.1, max_inventory: 50, requote: 0.1, refresh: {}}}}}\n"
                    "broker: {{paper: {{fill: touch, latency: {}ms}}}}\nsnapshot_interval: {}s\n",
                    data, refresh_s, latency_ms, snapshot_s),
        "day.yaml");
    INFO((scenario ? "" : scenario.error().message));
    REQUIRE(scenario);
    return *scenario;
}

RunOptions quiet() {
    RunOptions options;
    options.log = std::make_shared<spdlog::logger>("session", std::make_shared<spdlog::sinks::null_sink_mt>());
    return options;
}
RunOptions live_at(VirtualClock& clock, std::uint32_t speed) {
    RunOptions options = quiet();
    options.is_live = true;
    options.speed = speed;
    options.clock = &clock;
    options.spin = std::chrono::nanoseconds(0);
    options.look_for_stop = std::chrono::hours(24);
    return options;
}

/// One session in virtual time on the journal there; `meanwhile` is called on a thread of its own.
template <class Meanwhile>
RunResult trade(const Scenario& scenario, const std::string& journal, VirtualClock& clock, RunOptions options,
                Meanwhile meanwhile) {
    Result<std::unique_ptr<LogWriter>> log = continue_journal(journal);
    INFO((log ? "" : log.error().message));
    REQUIRE(log);
    Result<std::unique_ptr<Journal>> stored = open_journal(journal);
    REQUIRE(stored);
    std::jthread beside;  // outlives the session's part in time
    const TakesPart session(clock);
    BackgroundOptions how;
    how.clock = &clock;
    const std::unique_ptr<BackgroundLog> background = make_background_log(std::move(*log), how);
    options.background = background.get();
    beside = start_thread(clock, [&] { meanwhile(); });
    Result<RunResult> result = run_scenario(scenario, *background, options, std::move(*stored));
    INFO((result ? "" : result.error().message));
    REQUIRE(result);
    return *result;
}

}  // namespace

TEST_CASE("a day of a live session in virtual time", "[runtime][virtual]") {
    const TempFolder folder;
    write_quotes(folder / "quotes.csv", 7, 150);
    const Scenario scenario = story(folder / "quotes.csv", 60, 300, 700);
    const std::string journal = folder / "journal";
    VirtualClock morning(india(9, 15));
    Inbox inbox(morning);
    std::atomic<bool> stop{false};
    std::vector<Seq> answers;
    const auto asker = [&] {
        return Asker{{},
                     [&](const Reply::Outcome& given) { answers.push_back(given ? (*given)->durable_seq : kNoSeq); }};
    };
    const auto ask = [&](OperatorRequest::Kind kind) {
        inbox.post({[kind](const State& state) { return inputs_of(OperatorRequest{kind, LatchScope::all, ""}, state); },
                    asker()});
    };

    // The morning: kill at 11:00, release at 11:30, the machine is shut down at 12:00.
    RunOptions options = live_at(morning, 1);
    options.inbox = &inbox;
    options.stop = &stop;
    const RunResult before = trade(scenario, journal, morning, options, [&] {
        test::sleep(morning, india(11, 0));
        ask(OperatorRequest::Kind::kill);
        test::sleep(morning, india(11, 30));
        ask(OperatorRequest::Kind::release);
        test::sleep(morning, india(12, 0));
        stop = true;
        inbox.ask_status(asker());
    });
    REQUIRE(answers.size() == 3);
    CHECK(std::ranges::count(answers, kNoSeq) == 0);
    CHECK(before.interrupted);
    CHECK(before.last <= india(12, 0));
    CHECK(before.last > india(11, 58));  // its timers did not wait for a quote
    CHECK(before.fills != 0);

    // And the rest of the day.
    stop = false;
    VirtualClock afternoon(india(12, 5));
    options = live_at(afternoon, 1);
    const RunResult after = trade(scenario, journal, afternoon, options, [] {});
    CHECK(after.last == india(15, 45));
    CHECK(after.fills > before.fills);

    const Result<std::unique_ptr<Journal>> stored = open_journal(journal);
    REQUIRE(stored);
    std::map<std::string, int> seen;
    for (const DecodedEvent& each : events_of(**stored)) {
        std::visit(
            [&]<class E>(const E&) {
                if constexpr (std::is_same_v<E, KillSwitchLatched>) {
                    CHECK(each.envelope.time == india(11, 0));
                    ++seen["killed"];
                } else if constexpr (std::is_same_v<E, KillSwitchReleased>) {
                    CHECK(each.envelope.time == india(11, 30));
                    ++seen["released"];
                } else if constexpr (std::is_same_v<E, TradingSessionOpened>) {
                    ++seen["opened"];
                } else if constexpr (std::is_same_v<E, TradingSessionClosed>) {
                    CHECK(each.envelope.time == india(15, 30));
                    ++seen["closed"];
                } else if constexpr (std::is_same_v<E, TimerFired>) {
                    ++seen["timers"];
                }
            },
            each.event);
    }
    CHECK(seen["killed"] == 1);
    CHECK(seen["released"] == 1);
    CHECK(seen["opened"] == 1);
    CHECK(seen["closed"] == 1);
    CHECK(seen["timers"] > 50);

    // Decided again from its inputs alone, by a kernel that nobody prompts.
    Frame made;
    Reexecution again(made, nullptr, make_built_in_components);
    REQUIRE(
        (*stored)->scan(0, [&](const Frame& frame) { return again.feed(frame).value_or(false) && again.catch_up(); }));
    CHECK(again.end());
    CHECK(again.next_seq() == (*stored)->next_seq());
}

TEST_CASE("what falls due in a silence is on disk moments later, not with the next record", "[runtime][virtual]") {
    const TempFolder folder;
    write_quotes(folder / "quotes.csv", 3, 2'000);
    const Scenario scenario = story(folder / "quotes.csv", 5, 60, 700);
    VirtualClock clock(india(9, 15));
    RunOptions options = live_at(clock, 1);
    BackgroundOptions how;
    how.clock = &clock;
    const std::unique_ptr<BackgroundLog> log = make_background_log(make_memory_log(), how);
    options.background = log.get();
    int due = 0;
    std::int64_t latest_ns = 0;
    Result<RunResult> result = fail(ErrorKind::internal, "");
    {
        const std::jthread watcher = start_thread(clock, [&] {
            const auto follower = log->tail().follow(0);
            while (true) {
                const Result<SharedFrame> frame = follower->next(Clock::TimePoint::max());
                if (!frame || *frame == nullptr) {
                    return;
                }
                const Time seen = clock.wall();
                static_cast<void>(visit_events(**frame, 0, [&]<class E>(const Envelope& envelope, const E&) {
                    if constexpr (std::is_same_v<E, TimerFired> || std::is_same_v<E, TradingSessionClosed>) {
                        ++due;
                        latest_ns = std::max(latest_ns, seen.ns - envelope.time.ns);
                    }
                    return true;
                }));
            }
        });
        const TakesPart session(clock);
        result = run_scenario(scenario, *log, options);
    }
    INFO((result ? "" : result.error().message));
    REQUIRE(result);
    CHECK(due > 1'000);
    CHECK(latest_ns < kSecondNs / 10);
}

TEST_CASE("a paced session that is prompted in every silence writes what a backtest does", "[runtime][virtual]") {
    const TempFolder folder;
#ifdef ALPHA_SANITIZED
    const int seeds = 50;
#else
    const int seeds = 1'000;
#endif
    for (int seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(static_cast<std::uint64_t>(seed));
        const auto any = [&](int from, int to) {
            return from + static_cast<int>(random() % static_cast<std::uint64_t>(to - from + 1));
        };
        write_quotes(folder / "quotes.csv", random(), any(2, 40));
        const Scenario scenario = story(folder / "quotes.csv", any(30, 900), any(60, 1'800), any(0, 3'000));

        const std::unique_ptr<MemoryLog> unprompted = make_memory_log();
        const Result<RunResult> backtest = run_scenario(scenario, *unprompted, quiet());
        REQUIRE(backtest);

        VirtualClock clock(india(9, 15));
        Inbox inbox(clock);
        RunOptions options = live_at(clock, static_cast<std::uint32_t>(any(1, 20)));
        options.inbox = &inbox;
        options.frame_events = static_cast<std::uint32_t>(any(1, 64));
        const std::unique_ptr<MemoryLog> log = make_memory_log();
        std::atomic<int> answered{0};
        const int asked = any(0, 10);
        Result<RunResult> live = fail(ErrorKind::internal, "");
        {
            // Whoever asks how it stands wakes it at any moment.
            const std::jthread asker = start_thread(clock, [&, wakes = std::mt19937_64(random())]() mutable {
                for (int i = 0; i < asked; ++i) {
                    test::sleep(clock, std::chrono::seconds(wakes() % 600));
                    inbox.ask_status({{}, [&](const Reply::Outcome&) { ++answered; }});
                }
            });
            const TakesPart session(clock);  // until it is over: the asker may sleep longer
            live = run_scenario(scenario, *log, options);
            inbox.close();
        }
        REQUIRE(live);
        CHECK(answered == asked);
        REQUIRE(live->log_head == backtest->log_head);
        REQUIRE(live->state_digest == backtest->state_digest);
    }
}
