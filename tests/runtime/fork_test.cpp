#include "config/scenario.hpp"
#include "runtime/compare.hpp"
#include "runtime/fold.hpp"
#include "runtime/fork.hpp"
#include "runtime/logging.hpp"
#include "runtime/reexecution.hpp"
#include "tests/runtime/support.hpp"
#include "views/row_check.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

using namespace alpha;
using namespace alpha::runtime_test;

namespace {

/// Runs a scenario into a journal, with a snapshot after every frame of a thousand events or so.
std::unique_ptr<Journal> run(const Result<Scenario>& scenario, const std::string& path, Seq snapshot_events = 1) {
    INFO((scenario ? std::string() : scenario.error().message));
    REQUIRE(scenario);
    auto writer = create_journal(path);
    REQUIRE(writer);
    const Loggers loggers({.verbosity = -1, .file = ""});
    RunOptions options;
    options.log = loggers.of("session");
    options.snapshot_events = snapshot_events;
    REQUIRE(run_scenario(*scenario, **writer, options));
    writer->reset();
    auto journal = open_journal(path);
    REQUIRE(journal);
    return std::move(*journal);
}

std::unique_ptr<Journal> run_story(const std::string& name, const std::string& path) {
    return run(load_scenario(std::string(ALPHA_SOURCE_DIR) + "/scenarios/stories/" + name + ".yaml"), path);
}

std::unique_ptr<Journal> run_synth(const std::string& path, Seq snapshot_events = 1) {
    return run(parse_scenario(R"(name: s
account: {currency: INR, cash: 1000000}
data: [{synth: {seed: 3, ticks: 9000}}]
strategies:
  - {id: cross, use: ema_cross, instruments: ["NSE:ALPHA", "NSE:BETA"], params: {fast: 5, slow: 20, quantity: 10}}
  - {id: maker, use: market_maker, instruments: ["NSE:BETA"],
     params: {quantity: 10, half_spread: 0.5, max_inventory: 50, requote: 0.2, refresh: 5}}
risk: {max_order_quantity: 500, max_data_age: 10s, allow_short: true, max_open_orders: 30,
       allowed_instruments: ["NSE:ALPHA", "NSE:BETA"]}
charges: {per_fill: 1, rate: 0.0003}
snapshot_interval: 60s
)",
                              path + ".yaml"),
               path, snapshot_events);
}

Result<Forked> fork_into(LogWriter& log, const Journal& journal, Seq at, std::vector<std::string> settings = {}) {
    ForkOptions options;
    options.at = at;
    options.settings = std::move(settings);
    return fork_journal(journal, log, options);
}

struct Fork {
    std::unique_ptr<MemoryLog> log = make_memory_log();
    Forked forked;
};

Fork good_fork(const Journal& journal, Seq at, std::vector<std::string> settings = {}) {
    Fork fork;
    Result<Forked> made = fork_into(*fork.log, journal, at, std::move(settings));
    INFO((made ? std::string() : made.error().message));
    REQUIRE(made);
    fork.forked = std::move(*made);
    CHECK(fork.forked.at >= at);
    return fork;
}

Error refusal(const Journal& journal, Seq at, std::vector<std::string> settings = {}) {
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    const Result<Forked> made = fork_into(*log, journal, at, std::move(settings));
    REQUIRE_FALSE(made);
    return made.error();
}

template <class E>
std::size_t count_of(const std::vector<DecodedEvent>& events, Seq from = 0, Seq to = kNoSeq) {
    return static_cast<std::size_t>(std::ranges::count_if(events, [&](const DecodedEvent& each) {
        return each.envelope.seq >= from && each.envelope.seq < to && std::holds_alternative<E>(each.event);
    }));
}

/// What holds of every fork: it begins as its journal does, and is decided again as it stands.
std::vector<DecodedEvent> sound(const Journal& journal, const Fork& fork) {
    const auto same = first_difference(journal, *fork.log);
    REQUIRE(same);
    if (fork.forked.reconfigured) {
        CHECK(*same == fork.forked.at);
    } else {
        CHECK_FALSE(*same);
    }
    const Result<Reexecuted> again = reexecute(*fork.log);
    REQUIRE(again);
    CHECK_FALSE(again->disagreement);
    State state;
    REQUIRE(fold(*fork.log, fork.log->next_seq(), state));
    check_invariants(state);
    CHECK(to_hex(state_digest(state)) == fork.forked.now.state_digest);
    return events_of(*fork.log);
}

}  // namespace

TEST_CASE("a fork that changes nothing is its journal, from every event of a story", "[runtime]") {
    for (const char* story :
         {"two-brokers", "kill-switch", "snapshots-overnight", "modify-race", "day-order-expires"}) {
        const TempFolder folder;
        const std::unique_ptr<Journal> journal = run_story(story, folder / "j");
        for (Seq at = 0; at <= journal->next_seq(); ++at) {
            CAPTURE(story, at);
            const Fork fork = good_fork(*journal, at);
            CHECK(fork.log->head() == journal->head());
            CHECK_FALSE(fork.forked.reconfigured);
            CHECK(fork.forked.now.state_digest == fork.forked.then.state_digest);
        }
    }
}

TEST_CASE("a fork that changes nothing is its journal, from checkpoints or event 0, whatever is set to what it is",
          "[runtime]") {
    const TempFolder folder;
    const std::vector<std::string> present{"risk.max_order_quantity=500.0",
                                           "risk.max_data_age=10000ms",
                                           "risk.allowed_instruments=['NSE:BETA', 'NSE:ALPHA']",
                                           "strategies.cross.params.fast=5",
                                           "strategies.maker.params.requote=0.20",
                                           "broker.paper.fill=touch",
                                           "brokers.paper.paper.latency=0ms",
                                           "charges={per_fill: 1, rate: 0.0003}",
                                           "charges.rate=0.00030",
                                           "snapshot_interval=1m",
                                           "risk.max_position="};
    for (const Seq snapshot_events : {Seq{1}, Seq{1} << 40U}) {
        const std::unique_ptr<Journal> journal = run_synth(folder / std::to_string(snapshot_events), snapshot_events);
        REQUIRE(journal->newest_snapshot(5'000)->has_value() == (snapshot_events == 1));
        for (const Seq at : {Seq{1}, Seq{1'024}, Seq{4'097}, Seq{7'777}, journal->next_seq()}) {
            CAPTURE(snapshot_events, at);
            CHECK(good_fork(*journal, at).log->head() == journal->head());
            CHECK(good_fork(*journal, at, {present[at % present.size()]}).log->head() == journal->head());
        }
        CHECK(good_fork(*journal, 3'000, present).log->head() == journal->head());
    }
}

TEST_CASE("a smaller limit refuses every larger order from the fork on, and none before", "[runtime]") {
    const TempFolder folder;
    const std::unique_ptr<Journal> journal = run_synth(folder / "j");
    const Fork fork = good_fork(*journal, 4'000, {"risk.max_order_quantity=9"});
    const std::vector<DecodedEvent> events = sound(*journal, fork);
    const Seq at = fork.forked.at;
    REQUIRE(fork.forked.reconfigured);
    CHECK(events[at].envelope.is_root());
    CHECK(std::get<RunReconfigured>(events[at].event).config.risk.size() == 5);
    CHECK(count_of<OrderRefused>(events, 0, at) == 0);
    CHECK(count_of<OrderIntended>(events, 0, at) > 10);
    CHECK(count_of<OrderIntended>(events, at) == 0);
    CHECK(count_of<OrderRefused>(events, at) > 10);
    for (const DecodedEvent& each : events) {
        if (const auto* refused = std::get_if<OrderRefused>(&each.event)) {
            CHECK(refused->rule == Rule::order_quantity);
            CHECK(refused->limit == money_of(9));
        }
    }
    CHECK(fork.forked.now.orders == count_of<OrderIntended>(events, 0, at));
    CHECK(fork.forked.then.orders == count_of<OrderIntended>(events_of(*journal)));
    CHECK(count_of<QuoteTick>(events) == 9'000);
}

TEST_CASE("a strategy with other parameters begins anew, without its timers, and the others go on", "[runtime]") {
    const TempFolder folder;
    const std::unique_ptr<Journal> journal = run_synth(folder / "j");
    const auto timers_of = [](const State& state, StrategyId strategy) {
        return std::ranges::count(state.timers, strategy, &PendingTimer::strategy);
    };
    Seq at = 4'000;
    for (; at < journal->next_seq() && timers_of(*state_before(*journal, at), StrategyId{1}) == 0; at += 50) {}
    const Fork fork = good_fork(*journal, at, {"strategies.maker.params.half_spread=1"});
    const std::vector<DecodedEvent> events = sound(*journal, fork);
    const Result<State> before = state_before(*journal, fork.forked.at);
    REQUIRE(before);
    const auto cancelled = static_cast<Seq>(timers_of(*before, StrategyId{1}));
    REQUIRE(cancelled > 0);
    for (Seq seq = fork.forked.at + 1; seq <= fork.forked.at + cancelled; ++seq) {
        const auto* timer = std::get_if<TimerCancelled>(&events[seq].event);
        REQUIRE(timer != nullptr);
        CHECK(timer->strategy == StrategyId{1});
        CHECK(events[seq].envelope.causation == fork.forked.at);
    }
    CHECK(std::holds_alternative<QuoteTick>(events[fork.forked.at + cancelled + 1].event));
    // The other one asks for what it asked for before.
    const auto asked_by_cross = [](const std::vector<DecodedEvent>& all) {
        std::vector<std::string> asked;
        for (const DecodedEvent& each : all) {
            if (const auto* order = std::get_if<OrderIntended>(&each.event);
                order != nullptr && order->strategy == StrategyId{0}) {
                asked.push_back(to_iso(each.envelope.time) + name_of(order->terms.side));
            }
        }
        return asked;
    };
    CHECK(asked_by_cross(events) == asked_by_cross(events_of(*journal)));
    CHECK(fork.forked.now.orders != fork.forked.then.orders);
}

TEST_CASE("charges and the interval of P&L snapshots change from the fork on", "[runtime]") {
    const TempFolder folder;
    const std::unique_ptr<Journal> journal = run_synth(folder / "j");
    const Fork fork = good_fork(*journal, 5'000, {"charges=none", "snapshot_interval=10m"});
    const std::vector<DecodedEvent> events = sound(*journal, fork);
    std::size_t fills = 0;
    for (const DecodedEvent& each : events) {
        const bool forked = each.envelope.seq > fork.forked.at;
        if (const auto* fill = std::get_if<OrderFilled>(&each.event)) {
            CHECK((fill->charges == Money{}) == forked);
            fills += forked ? 1U : 0U;
        } else if (std::holds_alternative<PnlSnapshot>(each.event) && forked) {
            CHECK(each.envelope.time.ns % (600 * kSecondNs) == 0);
        }
    }
    CHECK(fills > 0);
    CHECK(count_of<PnlSnapshot>(events, fork.forked.at) > 0);
    const std::vector<DecodedEvent> none = sound(*journal, good_fork(*journal, 5'000, {"snapshot_interval=none"}));
    CHECK(count_of<PnlSnapshot>(none, 5'010) == 0);
    // And back again, by a fork of the fork: the session's opening is not needed to ask for the next boundary.
    const std::unique_ptr<LogWriter> writer = std::move(*create_journal(folder / "f"));
    REQUIRE(fork_into(*writer, *journal, 5'000, {"snapshot_interval=none"}));
    const auto forked = open_journal(folder / "f");
    REQUIRE(forked);
    const std::vector<DecodedEvent> again = sound(**forked, good_fork(**forked, 6'000, {"snapshot_interval=2m"}));
    CHECK(count_of<PnlSnapshot>(again, 6'000) > 0);
}

TEST_CASE("a broker takes other settings where it can hold what it holds, and nowhere else", "[runtime]") {
    const TempFolder folder;
    const std::unique_ptr<Journal> journal = run_story("two-brokers", folder / "j");
    const Seq end = journal->next_seq();
    std::size_t taken = 0;
    std::size_t refused = 0;
    for (Seq at = 1; at <= end; ++at) {
        CAPTURE(at);
        const std::unique_ptr<MemoryLog> log = make_memory_log();
        const Result<Forked> made = fork_into(*log, *journal, at, {"brokers.slow.paper.latency=0s"});
        const Seq place = made ? made->at : good_fork(*journal, at).forked.at;
        // Its two orders travel from events 8 and 12 on; they are there with events 15 and 20.
        const bool on_their_way = place > 8 && place <= 19;
        CHECK(made.has_value() == !on_their_way);
        taken += made ? 1U : 0U;
        refused += made ? 0U : 1U;
        if (made) {
            CHECK_FALSE(reexecute(*log)->disagreement);
        } else {
            CHECK(made.error().kind == ErrorKind::usage);
            CHECK_THAT(made.error().message,
                       Catch::StartsWith("the broker 'slow' cannot go on with these settings at "));
        }
    }
    CHECK(taken > 5);
    CHECK(refused > 5);
    // An order that waits for its first price waits on under the other model, for what is a first price there.
    sound(*journal, good_fork(*journal, 16, {"broker.slow.fill=touch"}));
    const Fork late = good_fork(*journal, 22, {"broker.slow.fill=touch", "broker.slow.slippage=0.5"});
    sound(*journal, late);
    const Fork early = good_fork(*journal, 1, {"broker.slow.fill=touch", "broker.slow.latency=0s"});
    sound(*journal, early);
    // With the settings of the other broker, what shadows it becomes it.
    REQUIRE(early.forked.now.portfolios.size() == 2);
    CHECK(early.forked.now.portfolios[0].cash == early.forked.now.portfolios[1].cash);
    CHECK(early.forked.now.portfolios[0].cash == early.forked.then.portfolios[0].cash);
}

TEST_CASE("what a person did is done in the fork as well", "[runtime]") {
    const TempFolder folder;
    const std::unique_ptr<Journal> base = run_synth(folder / "base");
    const std::vector<DecodedEvent> events = events_of(*base);
    {
        // The journal again, with a kill and a release in it.
        auto writer = create_journal(folder / "j");
        REQUIRE(writer);
        Batch batch;
        Reexecution reexecution(batch.frame, nullptr, make_built_in_components);
        std::size_t frames = 0;
        const Result<void> scanned = base->scan(0, [&](const Frame& frame) {
            if (frames == 0) {
                REQUIRE(reexecution.feed(frame, 2).value_or(false));
                REQUIRE(reexecution.is_between_inputs());
                Batch first;
                first.begin(0);
                for (Seq seq = 0; seq < 2; ++seq) {
                    std::visit([&](const auto& event) { append(first.frame, events[seq].envelope, event); },
                               events[seq].event);
                }
                REQUIRE((*writer)->append(first));
            }
            REQUIRE(reexecution.follow(frame, [] { return true; }));
            Kernel& kernel = *reexecution.kernel();
            if (frames == 3) {
                kernel.take(kernel.state().now, KillRequest{PortfolioId{0}});
            } else if (frames == 6) {
                kernel.take(kernel.state().now, ReleaseRequest{PortfolioId{0}});
            }
            ++frames;
            REQUIRE((*writer)->append(batch));
            return true;
        });
        REQUIRE(scanned);
        REQUIRE((*writer)->finish(std::nullopt));
    }
    const auto journal = open_journal(folder / "j");
    REQUIRE(journal);
    const std::vector<DecodedEvent> killed = events_of(**journal);
    REQUIRE(count_of<KillSwitchReleased>(killed) == 1);
    CHECK(good_fork(**journal, 1'500).log->head() == (*journal)->head());
    const Fork fork = good_fork(**journal, 1'500, {"charges=none"});
    const std::vector<DecodedEvent> again = sound(**journal, fork);
    CHECK(count_of<KillSwitchLatched>(again) == 1);
    CHECK(count_of<KillSwitchReleased>(again) == 1);
    CHECK(count_of<OrderRefused>(again) == count_of<OrderRefused>(killed));
    CHECK(count_of<OrderRefused>(again) > 0);
}

TEST_CASE("a fork of a fork repeats what configured it anew, and cannot undo its own settings", "[runtime]") {
    const TempFolder folder;
    const std::unique_ptr<Journal> journal = run_synth(folder / "j");
    {
        auto writer = create_journal(folder / "f");
        REQUIRE(writer);
        REQUIRE(fork_into(**writer, *journal, 4'000, {"risk.max_order_quantity=9"}));
    }
    const auto forked = open_journal(folder / "f");
    REQUIRE(forked);
    REQUIRE(verify_read_models(**forked));
    const std::vector<DecodedEvent> events = events_of(**forked);
    const auto place = std::ranges::find_if(
        events, [](const DecodedEvent& each) { return std::holds_alternative<RunReconfigured>(each.event); });
    REQUIRE(place != events.end());
    const Seq at = place->envelope.seq;
    for (const Seq again : {Seq{1}, at - 1, at, at + 1, (*forked)->next_seq()}) {
        CAPTURE(again);
        CHECK(good_fork(**forked, again).log->head() == (*forked)->head());
        CHECK(good_fork(**forked, at + 1, {"risk.max_order_quantity=9"}).log->head() == (*forked)->head());
    }
    for (const Seq from : {Seq{0}, Seq{3'000}, at, at + 1, Seq{8'000}}) {
        const Result<Reexecuted> decided = reexecute(**forked, from, (*forked)->next_seq());
        REQUIRE(decided);
        CHECK_FALSE(decided->disagreement);
    }
    const Error undone = refusal(**forked, at - 10, {"charges=none"});
    CHECK(undone.kind == ErrorKind::usage);
    CHECK_THAT(undone.message, Catch::Contains("configures the session anew, which would undo these settings"));
    // Judged beside the settings in force there, not those of event 0.
    {
        auto writer = create_journal(folder / "slow");
        REQUIRE(writer);
        REQUIRE(fork_into(**writer, *journal, 4'000, {"strategies.cross.params.slow=200"}));
    }
    const auto slow = open_journal(folder / "slow");
    REQUIRE(slow);
    CHECK(refusal(*journal, 6'000, {"strategies.cross.params.fast=50"}).kind == ErrorKind::usage);
    sound(**slow, good_fork(**slow, 6'000, {"strategies.cross.params.fast=50"}));
    // Back to what it was: all orders are as they were, but for the time in between.
    const Fork back = good_fork(**forked, at + 1, {"risk.max_order_quantity=500"});
    const std::vector<DecodedEvent> restored = sound(**forked, back);
    CHECK(count_of<RunReconfigured>(restored) == 2);
    CHECK(count_of<OrderRefused>(restored) == 0);
    const auto apart = first_difference(*journal, *back.log, {{1, 1}, {at, at + 2}});
    REQUIRE(apart);
    CHECK_FALSE(*apart);
}

TEST_CASE("a fork that cannot be made says why", "[runtime]") {
    const TempFolder folder;
    const std::unique_ptr<Journal> journal = run_synth(folder / "j");
    const Error behind = refusal(*journal, journal->next_seq() + 1);
    CHECK(behind.kind == ErrorKind::usage);
    CHECK_THAT(behind.message, Catch::Contains("is behind the end: the journal holds"));
    struct Case {
        std::string setting;
        std::string said;
    };
    const std::vector<Case> cases{
        {"fast=5", "'fast' cannot change within a session; what can: risk, risk.KEY, charges, charges.KEY, snapshot_"},
        {"name=x", "'name' cannot change within a session; what can: risk"},
        {"portfolios.main.cash=5", "'portfolios' cannot change within a session; what can: risk"},
        {"rsik.max_position=5", "unknown key 'rsik'; did you mean 'risk'?"},
        {"risk.max_postion=5", "risk: unknown key 'max_postion'; did you mean 'max_position'?"},
        {"risk.max_position=lots",
         "risk.max_position: 'lots' is not a number with at most eight decimal places; write"},
        {"risk.max_position=0", "risk.max_position: '0' is out of range; write a plain number above 0, at most"},
        {"risk.allowed_instruments=[NSE:ALPHQ]", "risk.allowed_instruments: no strategy trades 'NSE:ALPHQ'; did you"},
        {"risk.max_position=[", "the value cannot be read: "},
        {"risk.max_position", "is no setting; write key=value"},
        {"strategies.cross.params.fsat=5",
         "strategies.params: ema_cross has no parameter 'fsat'; did you mean 'fast'?"},
        {"strategies.cross.params.fast=0", "strategies.params: fast must be"},
        {"strategies.cross.params.fast=", "strategies.params: "},
        {"strategies.cross.portfolio=main", "of strategies.cross only params.KEY can change within a session"},
        {"strategies.corss.params.fast=5", "there is no strategy 'corss'; did you mean 'cross'?"},
        {"broker.papre.fill=touch", "there is no broker 'papre'; did you mean 'paper'?"},
        {"broker.paper.fill=tuoch", "brokers.paper.paper.fill: 'tuoch' is unknown; did you mean 'touch'?"},
        {"brokers.paper.fill=touch", "of brokers.paper only paper.KEY can change within a session"},
        {"charges=zerodha", "charges: 'zerodha' is a table, and a fork keeps the session's; write none or"},
        {"charges.rate=1", "charges.rate: '1' is out of range"},
        {"snapshot_interval=5", "snapshot_interval: '5' is not a duration; write none, or a duration"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.setting);
        const Error error = refusal(*journal, 4'000, {"charges=none", each.setting});
        CHECK(error.kind == ErrorKind::usage);
        CHECK_THAT(error.message, Catch::StartsWith(each.setting == "strategies.cross.params.fast="
                                                        ? each.said
                                                        : each.setting + ": " + each.said));
    }
    const Error two = refusal(*journal, 4'000, {"risk.max_position=0", "charges.rate=1"});
    CHECK(std::ranges::count(two.message, '\n') == 1);

    const std::atomic<bool> stop{true};
    ForkOptions options;
    options.at = 4'000;
    options.stop = &stop;
    const std::unique_ptr<MemoryLog> log = make_memory_log();
    const Result<Forked> stopped = fork_journal(*journal, *log, options);
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().kind == ErrorKind::interrupted);
}
