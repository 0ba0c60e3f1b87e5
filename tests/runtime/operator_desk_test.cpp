#include "runtime/operator_desk.hpp"
#include "runtime/scenario.hpp"

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

/// What became of a request.
struct Outcome {
    int answers = 0;
    std::optional<Error> error;  ///< of the last one
    std::uint64_t events = 0;    ///< that the books had then
};

OperatorRequest ask(std::shared_ptr<Outcome> outcome, OperatorRequest::Kind kind = OperatorRequest::Kind::status) {
    OperatorRequest request;
    request.kind = kind;
    request.reply = [outcome = std::move(outcome)](const Result<SessionStatus>& given) {
        ++outcome->answers;
        outcome->error = given ? std::nullopt : std::optional(given.error());
        outcome->events = given ? given->books.events : 0;
    };
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

RunOptions options_at(OperatorDesk& desk) {
    RunOptions options;
    options.is_live = true;
    options.desk = &desk;
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

private:
    std::unique_ptr<MemoryLog> log_ = make_memory_log();
};

}  // namespace

TEST_CASE("a request is answered once, whatever becomes of it", "[runtime]") {
    const auto outcome = std::make_shared<Outcome>();
    SECTION("dropped") {
        static_cast<void>(ask(outcome));
        REQUIRE(outcome->error);
        CHECK(outcome->error->kind == ErrorKind::transient);
    }
    SECTION("answered, and then dropped") {
        OperatorRequest request = ask(outcome);
        request.reply(SessionStatus{});
        request.reply(SessionStatus{});
        CHECK_FALSE(outcome->error);
    }
    SECTION("taken by one that throws") {
        OperatorDesk desk;
        desk.post(ask(outcome));
        const auto careless = [&] {
            const std::vector<OperatorRequest> taken = desk.take();
            throw std::runtime_error("no memory");
        };
        CHECK_THROWS(careless());
        CHECK(outcome->error);
    }
    SECTION("waiting when the desk closes") {
        OperatorDesk desk;
        desk.post(ask(outcome));
        desk.close();
        CHECK_FALSE(desk.any());
        CHECK(desk.take().empty());
        CHECK(outcome->error->message == "the session has just ended");
    }
    SECTION("posted when it has closed") {
        OperatorDesk desk;
        desk.close();
        desk.post(ask(outcome));
        CHECK_FALSE(desk.any());
        CHECK(outcome->error->message == "the session has just ended");
    }
    CHECK(outcome->answers == 1);
}

TEST_CASE("who has gone waits no longer", "[runtime]") {
    OperatorDesk desk;
    const auto gone = std::make_shared<Outcome>();
    const auto here = std::make_shared<Outcome>();
    for (int i = 0; i < 1'000; ++i) {
        OperatorRequest request = ask(gone);
        request.is_wanted = [] { return false; };
        desk.post(std::move(request));
    }
    desk.post(ask(here));
    CHECK(gone->answers == 1'000);
    CHECK(desk.take().size() == 1);
    CHECK(here->answers == 1);  // dropped just now
}

TEST_CASE("a session that ends waits until nobody is waking it up any more", "[runtime]") {
    OperatorDesk desk;
    std::promise<void> inside;
    std::promise<void> go;
    std::atomic<bool> is_gone{false};
    std::atomic<bool> woke_the_dead{false};
    desk.on_post([&] {
        inside.set_value();
        go.get_future().wait();
        woke_the_dead = is_gone.load();
    });
    std::thread poster([&] { desk.post(OperatorRequest{}); });
    inside.get_future().wait();
    std::future<void> ended = std::async(std::launch::async, [&] {
        desk.on_post(nullptr);
        is_gone = true;
    });
    CHECK(ended.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout);
    go.set_value();
    poster.join();
    ended.get();
    CHECK_FALSE(woke_the_dead);
    desk.post(OperatorRequest{});  // wakes nobody: a promise is kept once
}

TEST_CASE("requests may be posted at any moment of a session's life", "[runtime]") {
    const Scenario scenario = story();
    for (int i = 0; i < 5; ++i) {
        OperatorDesk desk;
        std::atomic<int> posted{0};
        std::atomic<int> answered{0};
        std::atomic<bool> over{false};
        std::thread poster([&] {
            while (!over || posted < 10) {
                OperatorRequest request;
                request.reply = [&](const Result<SessionStatus>&) { ++answered; };
                ++posted;
                desk.post(std::move(request));
                std::this_thread::yield();
            }
        });
        const std::unique_ptr<MemoryLog> log = make_memory_log();
        const Result<RunResult> result = run_scenario(scenario, *log, options_at(desk));
        desk.close();
        over = true;
        poster.join();
        CHECK(result);
        CHECK(answered == posted);
    }
}

TEST_CASE("a request whose asker has gone does not happen", "[runtime]") {
    OperatorDesk desk;
    const auto status = std::make_shared<Outcome>();
    const auto gone = std::make_shared<Outcome>();
    desk.post(ask(status));
    OperatorRequest kill = ask(gone, OperatorRequest::Kind::kill);
    // It goes while the one in front of it is answered, after all were taken.
    kill.is_wanted = [status] { return status->answers == 0; };
    desk.post(std::move(kill));
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    const Result<RunResult> result = run_scenario(story(), *log, options_at(desk));
    REQUIRE(result);
    CHECK(status->events != 0);
    CHECK(gone->error);
    REQUIRE(result->portfolios.size() == 1);
    CHECK_FALSE(result->portfolios[0].killed);
    CHECK(result->fills != 0);
}

TEST_CASE("requests that were taken are answered when what they did cannot be made durable", "[runtime]") {
    OperatorDesk desk;
    std::vector<std::shared_ptr<Outcome>> outcomes;
    for (const auto kind :
         {OperatorRequest::Kind::kill, OperatorRequest::Kind::release, OperatorRequest::Kind::status}) {
        outcomes.push_back(std::make_shared<Outcome>());
        desk.post(ask(outcomes.back(), kind));
    }
    FullLog log;
    const Result<RunResult> result = run_scenario(story(), log, options_at(desk));
    REQUIRE_FALSE(result);
    for (const auto& outcome : outcomes) {
        CHECK(outcome->answers == 1);
        REQUIRE(outcome->error);
        CHECK(outcome->error->kind == ErrorKind::transient);
        CHECK(outcome->error->message == "the session ends, and what was asked may not be on disk: no space left");
    }
}
