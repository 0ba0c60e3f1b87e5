#include "config/scenario.hpp"
#include "runtime/inbox.hpp"
#include "runtime/operator.hpp"
#include "runtime/session.hpp"
#include "tests/virtual_clock.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace alpha;

namespace {

/// What became of a question.
struct Heard {
    int answers = 0;
    std::optional<Error> error;  ///< of the last one
    std::shared_ptr<const SessionStatus> status;
};

Asker asker(std::shared_ptr<Heard> heard) {
    return {{}, [heard = std::move(heard)](const Reply::Outcome& given) {
                ++heard->answers;
                heard->error = given ? std::nullopt : std::optional(given.error());
                heard->status = given ? *given : nullptr;
            }};
}

Message message(std::shared_ptr<Heard> heard, OperatorRequest request = {}) {
    return {[request = std::move(request)](const State& state) { return inputs_of(request, state); },
            asker(std::move(heard))};
}
OperatorRequest release() {
    OperatorRequest request;
    request.kind = OperatorRequest::Kind::release;
    return request;
}

Scenario story() {
    const Result<Scenario> scenario = parse_scenario(
        "name: story\naccount: {currency: INR, cash: 1000000}\ndata: [{synth: {seed: 5, ticks: 2000}}]\n"
        "strategies:\n  - {id: cross, use: ema_cross, instruments: [\"NSE:ALPHA\"], params: {fast: 5, slow: 20, "
        "quantity: 1}}\nbroker: {paper: {fill: touch}}\n",
        "story.yaml");
    REQUIRE(scenario);
    return *scenario;
}

RunOptions options_with(Inbox& inbox) {
    RunOptions options;
    options.is_live = true;
    options.inbox = &inbox;
    options.log = std::make_shared<spdlog::logger>("session", std::make_shared<spdlog::sinks::null_sink_mt>());
    return options;
}

/// A log on a disk that is full.
class FullLog final : public LogWriter {
public:
    Result<void> append(Batch& batch) override { return log_->append(batch); }
    Result<void> commit() override { return fail(ErrorKind::transient, "no space left"); }
    Result<void> finish(const std::optional<Ending>&) override { return commit(); }
    Seq next_seq() const override { return log_->next_seq(); }
    Digest head() const override { return log_->head(); }
    std::unique_ptr<FrameCursor> frames(Seq from) const override { return log_->frames(from); }

private:
    std::unique_ptr<MemoryLog> log_ = make_memory_log();
};

}  // namespace

TEST_CASE("a message is answered once, whatever becomes of it", "[runtime]") {
    const auto heard = std::make_shared<Heard>();
    SECTION("dropped") {
        static_cast<void>(message(heard));
        REQUIRE(heard->error);
        CHECK(heard->error->kind == ErrorKind::transient);
    }
    SECTION("answered, and then dropped") {
        Message one = message(heard);
        one.asker.reply(std::make_shared<const SessionStatus>());
        one.asker.reply(std::make_shared<const SessionStatus>());
        CHECK_FALSE(heard->error);
    }
    SECTION("taken by one that throws") {
        Inbox inbox;
        inbox.post(message(heard));
        const auto careless = [&] {
            const std::vector<Message> taken = inbox.take();
            throw std::runtime_error("no memory");
        };
        CHECK_THROWS(careless());
        CHECK(heard->error);
    }
    SECTION("waiting when the inbox closes") {
        Inbox inbox;
        inbox.post(message(heard));
        inbox.close();
        CHECK_FALSE(inbox.any());
        CHECK(inbox.take().empty());
        CHECK(heard->error->message == "the session has just ended");
    }
    SECTION("posted when it has closed") {
        Inbox inbox;
        inbox.close();
        inbox.post(message(heard));
        CHECK_FALSE(inbox.any());
        CHECK(heard->error->message == "the session has just ended");
    }
    SECTION("a question of how it stands, when it closes") {
        Inbox inbox;
        inbox.ask_status(asker(heard));
        inbox.close();
        CHECK(heard->error->message == "the session has just ended");
    }
    CHECK(heard->answers == 1);
}

TEST_CASE("who has gone waits no longer", "[runtime]") {
    Inbox inbox;
    const auto gone = std::make_shared<Heard>();
    const auto here = std::make_shared<Heard>();
    for (std::size_t i = 0; i < 2 * Inbox::kMessagesMax; ++i) {
        Message one = message(gone);
        one.asker.is_there = [] { return false; };
        inbox.post(std::move(one));
        Asker curious = asker(gone);
        curious.is_there = [] { return false; };
        inbox.ask_status(std::move(curious));
    }
    inbox.post(message(here));
    inbox.ask_status(asker(here));
    CHECK(gone->answers == 4 * Inbox::kMessagesMax);
    CHECK(inbox.take().size() == 1);
    CHECK(here->answers == 1);  // dropped just now
}

TEST_CASE("an inbox has room for so many messages, and says so", "[runtime]") {
    Inbox inbox;
    const auto in = std::make_shared<Heard>();
    const auto beyond = std::make_shared<Heard>();
    for (std::size_t i = 0; i < Inbox::kMessagesMax; ++i) {
        inbox.post(message(in));
    }
    CHECK(in->answers == 0);
    inbox.post(message(beyond));
    REQUIRE(beyond->error);
    CHECK(beyond->error->kind == ErrorKind::transient);
    CHECK(inbox.take().size() == Inbox::kMessagesMax);
    inbox.post(message(in));
    CHECK(inbox.any());
}

TEST_CASE("those who ask how it stands share one answer, a tenth of a second old at most", "[runtime]") {
    test::VirtualClock clock(Time{1'700'000'000 * kSecondNs});
    const test::TakesPart session(clock);
    Inbox inbox(clock);
    int woken = 0;
    inbox.on_post([&] { ++woken; });
    const auto heard = std::make_shared<Heard>();
    for (int i = 0; i < 50; ++i) {
        inbox.ask_status(asker(heard));
    }
    CHECK(inbox.is_status_wanted());
    CHECK(heard->answers == 0);
    const auto first = std::make_shared<const SessionStatus>();
    inbox.publish(first);
    CHECK(heard->answers == 50);
    CHECK(heard->status == first);
    CHECK_FALSE(inbox.any());
    woken = 0;
    test::sleep(clock, Inbox::kStatusAge - std::chrono::nanoseconds(1));
    inbox.ask_status(asker(heard));
    CHECK(heard->answers == 51);
    CHECK(woken == 0);  // the session has nothing to do for it
    test::sleep(clock, std::chrono::nanoseconds(1));
    inbox.ask_status(asker(heard));
    CHECK(heard->answers == 51);
    CHECK(woken == 1);
    inbox.publish(std::make_shared<const SessionStatus>());
    CHECK(heard->answers == 52);
    CHECK(heard->status != first);
}

TEST_CASE("a session that ends waits until nobody is waking it up any more", "[runtime]") {
    Inbox inbox;
    std::promise<void> inside;
    std::promise<void> go;
    std::atomic<bool> is_gone{false};
    std::atomic<bool> woke_the_dead{false};
    inbox.on_post([&] {
        inside.set_value();
        go.get_future().wait();
        woke_the_dead = is_gone.load();
    });
    std::thread poster([&] { inbox.post(Message{}); });
    inside.get_future().wait();
    std::future<void> ended = std::async(std::launch::async, [&] {
        inbox.on_post(nullptr);
        is_gone = true;
    });
    CHECK(ended.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout);
    go.set_value();
    poster.join();
    ended.get();
    CHECK_FALSE(woke_the_dead);
    inbox.post(Message{});  // wakes nobody: a promise is kept once
}

TEST_CASE("messages may be posted at any moment of a session's life", "[runtime]") {
    const Scenario scenario = story();
    for (int i = 0; i < 5; ++i) {
        Inbox inbox;
        std::atomic<int> posted{0};
        std::atomic<int> answered{0};
        std::atomic<bool> over{false};
        const auto counted = [&] { return Asker{{}, [&](const Reply::Outcome&) { ++answered; }}; };
        std::thread poster([&] {
            while (!over || posted < 10) {
                posted += 2;
                inbox.ask_status(counted());
                inbox.post({[](const State& state) { return inputs_of(release(), state); }, counted()});
                std::this_thread::yield();
            }
        });
        const std::unique_ptr<MemoryLog> log = make_memory_log();
        const Result<RunResult> result = run_scenario(scenario, *log, options_with(inbox));
        inbox.close();
        over = true;
        poster.join();
        CHECK(result);
        CHECK(answered == posted);
    }
}

TEST_CASE("a message whose asker has gone does not happen", "[runtime]") {
    Inbox inbox;
    const auto first = std::make_shared<Heard>();
    const auto gone = std::make_shared<Heard>();
    inbox.post(message(first, release()));
    Message kill = message(gone);
    // It goes while the one in front of it is answered, after all were taken.
    kill.asker.is_there = [first] { return first->answers == 0; };
    inbox.post(std::move(kill));
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    const Result<RunResult> result = run_scenario(story(), *log, options_with(inbox));
    REQUIRE(result);
    REQUIRE(first->status);
    CHECK(first->status->books.events != 0);
    CHECK(gone->error);
    REQUIRE(result->portfolios.size() == 1);
    CHECK_FALSE(result->portfolios[0].killed);
    CHECK(result->fills != 0);
}

TEST_CASE("what names nothing is refused, and changes nothing", "[runtime]") {
    Inbox inbox;
    const auto portfolio = std::make_shared<Heard>();
    const auto strategy = std::make_shared<Heard>();
    OperatorRequest request = release();
    request.name = "mine";
    inbox.post(message(portfolio, request));
    request.kind = OperatorRequest::Kind::resume;
    inbox.post(message(strategy, request));
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    REQUIRE(run_scenario(story(), *log, options_with(inbox)));
    REQUIRE(portfolio->error);
    CHECK(portfolio->error->kind == ErrorKind::usage);
    CHECK(portfolio->error->message == "there is no portfolio 'mine'; the session has main");
    REQUIRE(strategy->error);
    CHECK(strategy->error->message == "there is no strategy 'mine'; the session has cross");
}

TEST_CASE("messages that were taken are answered when what they did cannot be made durable", "[runtime]") {
    Inbox inbox;
    std::vector<std::shared_ptr<Heard>> all;
    for (const OperatorRequest& request : {OperatorRequest{}, release(), OperatorRequest{}}) {
        all.push_back(std::make_shared<Heard>());
        inbox.post(message(all.back(), request));
    }
    FullLog log;
    const Result<RunResult> result = run_scenario(story(), log, options_with(inbox));
    REQUIRE_FALSE(result);
    for (const auto& heard : all) {
        CHECK(heard->answers == 1);
        REQUIRE(heard->error);
        CHECK(heard->error->kind == ErrorKind::transient);
        CHECK(heard->error->message == "the session ends, and what was asked may not be on disk: no space left");
    }
}

TEST_CASE("who expects no answer has no disk waited for", "[runtime]") {
    Inbox inbox;
    inbox.post({[](const State& state) { return inputs_of(OperatorRequest{}, state); }, {}});
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    const Result<RunResult> result = run_scenario(story(), *log, options_with(inbox));
    REQUIRE(result);
    CHECK(result->portfolios[0].killed);
}
