#include "include/alpha/plugin.h"
#include "runtime/callback_budget.hpp"
#include "runtime/fold.hpp"
#include "runtime/logging.hpp"
#include "runtime/reexecution.hpp"
#include "runtime/session.hpp"
#include "store/journal.hpp"
#include "tests/runtime/support.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstddef>
#include <dlfcn.h>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace alpha;
using namespace alpha::runtime_test;

namespace {

std::string library(const std::string& name) {
    return ALPHA_TEST_PLUGINS "/lib" + name + ".so";
}

/// Two strategies on quotes: the one under test first, and one that trades on its own account.
std::string on_quotes(const std::string& plugin, const std::string& use, const std::string& params) {
    return fmt::format(R"(name: s
account: {{currency: INR, cash: 1000000}}
data: [{{synth: {{seed: 3, ticks: 4000, instruments: [A]}}}}]
plugins: [{}]
portfolios: {{own: {{cash: 100000}}, main: {{cash: 900000}}}}
strategies:
  - {{id: wild, use: {}, portfolio: own, instruments: [A], params: {}}}
  - {{id: cross, use: ema_cross, portfolio: main, instruments: [A], params: {{fast: 5, slow: 20, quantity: 1}}}}
)",
                       library(plugin), use, params);
}

/// Three thousand minutes of bars that go up and down.
void write_bars(const std::string& path) {
    std::string text = "timestamp,open,high,low,close,volume\n";
    for (int i = 0; i < 3'000; ++i) {
        const int cents = 10'000 + (i * i) % 301 + (i / 40 % 2 == 0 ? 5 : -5) * (i % 40);
        const std::string price = fmt::format("{}.{:02}", cents / 100, cents % 100);
        text += fmt::format("2024-01-{:02}T{:02}:{:02}:00Z,{},{},{},{},100\n", 1 + i / 1'440, i / 60 % 24, i % 60,
                            price, price, price, price);
    }
    write_text(path, text);
}

std::string on_bars(const std::string& plugins, const std::string& use) {
    return fmt::format(R"(name: s
account: {{currency: USD, cash: 1000000}}
data: [{{file: bars.csv, kind: bars, instrument: IBM, interval: 1m}}]
{}broker: {{paper: {{fill: next_open}}}}
strategies:
  - {{id: cross, use: {}, instruments: [IBM], params: {{fast: 3, slow: 9, quantity: 10}}}}
)",
                       plugins, use);
}

Scenario scenario_of(const std::string& text, const TempFolder& folder) {
    Result<Scenario> scenario = parse_scenario(text, folder / "s.yaml");
    INFO((scenario ? std::string() : scenario.error().message));
    REQUIRE(scenario);
    return std::move(*scenario);
}

void run(const Scenario& scenario, LogWriter& log, std::chrono::milliseconds budget = std::chrono::milliseconds(0)) {
    const Loggers loggers({.verbosity = -1, .file = "/dev/null"});
    RunOptions options;
    options.log = loggers.of("session");
    options.callback_budget = budget;
    options.snapshot_events = 2'048;
    const Result<RunResult> ran = run_scenario(scenario, log, options);
    INFO((ran ? std::string() : ran.error().message));
    REQUIRE(ran);
}

template <class E>
std::vector<std::pair<Envelope, E>> all_of(const LogReader& log) {
    std::vector<std::pair<Envelope, E>> found;
    for (const DecodedEvent& each : events_of(log)) {
        if (const auto* event = std::get_if<E>(&each.event)) {
            found.emplace_back(each.envelope, *event);
        }
    }
    return found;
}

ComponentsMaker made_with(const Plugins& plugins) {
    return [&plugins](const RunConfigured& config) { return make_components(config, plugins.catalog()); };
}

std::unique_ptr<Journal> journal_of(const Scenario& scenario, const std::string& path) {
    {
        Result<std::unique_ptr<LogWriter>> writer = create_journal(path);
        REQUIRE(writer);
        run(scenario, **writer);
    }
    Result<std::unique_ptr<Journal>> journal = open_journal(path);
    REQUIRE(journal);
    return std::move(*journal);
}

/// The complaint about a library named in a scenario, from the place on.
std::string refusal(const std::string& path) {
    const TempFolder folder;
    const auto scenario = parse_scenario(
        fmt::format("name: s\naccount: {{currency: INR, cash: 1}}\ndata: [{{synth: }}]\nplugins: [{}]\n", path),
        folder / "s.yaml");
    REQUIRE_FALSE(scenario);
    CHECK(scenario.error().kind == ErrorKind::usage);
    const std::string& message = scenario.error().message;
    CHECK(std::ranges::count(message, '\n') == 0);
    return message.substr(message.find("s.yaml") + 6);
}

}  // namespace

// ---- trading ---------------------------------------------------------------------------------------------------------------

TEST_CASE("a strategy from a library trades as the built-in one that it copies", "[plugin]") {
    const TempFolder folder;
    write_bars(folder / "bars.csv");
    const auto own = make_memory_log();
    const auto twin = make_memory_log();
    run(scenario_of(on_bars("", "sma_cross"), folder), *own);
    run(scenario_of(on_bars("plugins: [" + library("sma_twin") + "]\n", "sma_twin"), folder), *twin);
    const std::vector<DecodedEvent> expected = events_of(*own);
    const std::vector<DecodedEvent> got = events_of(*twin);
    CHECK(all_of<OrderFilled>(*own).size() > 50);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 1; i < got.size(); ++i) {
        REQUIRE(got[i].envelope == expected[i].envelope);
        REQUIRE(got[i].event == expected[i].event);
    }
}

TEST_CASE("linked orders, tags and bars of a library's strategy are others than a script's", "[plugin]") {
    const TempFolder folder;
    write_text(folder / "quotes.csv", "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n"
                                      "1704186900000000000,A,99,500,100,60\n"
                                      "1704186901000000000,A,101,500,102,500\n"
                                      "1704186902000000000,A,103,30,104,500\n"
                                      "1704186903000000000,A,99,500,100,500\n"
                                      "1704186904000000000,A,94,500,95,500\n"
                                      "1704186905000000000,A,89,500,90,500\n");
    write_text(folder / "bars.csv", "timestamp,instrument,open,high,low,close,volume\n"
                                    "2024-01-02T09:15:00Z,A,100,104,89,90,100\n");
    const auto scenario = [](const std::string& strategy, const std::string& plugins) {
        return fmt::format(R"(name: s
account: {{currency: INR, cash: 1000000}}
data: [{{file: quotes.csv, kind: quotes}}, {{file: bars.csv, kind: bars, interval: 1m}}]
broker: {{paper: {{use_size: true}}}}
{}strategies:
  - id: trader
    instruments: [A]
    use: {}
)",
                           plugins, strategy);
    };
    // Counted with the bar's open, which is told after the first quote.
    const auto own = make_memory_log();
    run(scenario_of(scenario(R"(script
    params:
      orders: |
        at 1 buy 100 A limit 100 tag long then stop 98 target 103
        at 3 sell 5 A limit 110 or sell 5 A stop 95
        at 3 buy 20 A
        at 3 sell 500 A stop 90 reduce_only tag guard
        at 3 buy 10 A then stop 80
)",
                             ""),
                    folder),
        *own);
    const auto twin = make_memory_log();
    run(scenario_of(scenario("links\n    params: {interval: 1m}\n", "plugins: [" + library("links") + "]\n"), folder),
        *twin);
    CHECK(all_of<StrategyHalted>(*twin).empty());
    CHECK(all_of<OrderFilled>(*own).size() > 6);
    CHECK(std::ranges::any_of(all_of<OrderFilled>(*own),
                              [](const auto& fill) { return fill.second.order_tag == "guard"; }));
    const std::vector<DecodedEvent> expected = events_of(*own);
    const std::vector<DecodedEvent> got = events_of(*twin);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 1; i < got.size(); ++i) {
        INFO(i);
        REQUIRE(got[i].envelope == expected[i].envelope);
        REQUIRE(got[i].event == expected[i].event);
    }
}

TEST_CASE("orders of a library's strategy that mean nothing are sent", "[plugin]") {
    struct Wrong {
        const char* how;
        const char* reason;
    };
    const TempFolder folder;
    for (const Wrong& wrong : std::array{
             Wrong{"nine orders", "in on_quote: too many orders that are linked"},
             Wrong{"no orders", "in on_quote: an order that means nothing"},
             Wrong{"a long tag", "in on_quote: a tag of more than 32 bytes"},
             Wrong{"a tag that cannot be shown", "in on_quote: an order that means nothing"},
             Wrong{"no side", "in on_quote: an order that means nothing"},
         }) {
        CAPTURE(wrong.how);
        const auto log = make_memory_log();
        run(scenario_of(on_quotes("links", "links", fmt::format("{{how: {}}}", wrong.how)), folder), *log);
        const auto halted = all_of<StrategyHalted>(*log);
        REQUIRE(halted.size() == 1);
        CHECK(halted[0].second.reason == wrong.reason);
        CHECK(std::ranges::none_of(all_of<OrderIntended>(*log),
                                   [](const auto& order) { return order.second.strategy == StrategyId{0}; }));
    }
    // What can be meant, and is not allowed, is refused by a rule.
    const auto log = make_memory_log();
    run(scenario_of(on_quotes("links", "links", "{how: another instrument}"), folder), *log);
    CHECK(all_of<StrategyHalted>(*log).empty());
    const auto refused = all_of<OrderRefused>(*log);
    REQUIRE_FALSE(refused.empty());
    CHECK(refused[0].second.rule == Rule::links);
}

TEST_CASE("a library that needs more than an older host has is loaded by it", "[plugin]") {
    void* const handle = dlopen(library("links").c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE(handle != nullptr);
    auto* const entry = reinterpret_cast<decltype(&alpha_plugin_entry)>(dlsym(handle, "alpha_plugin_entry"));
    REQUIRE(entry != nullptr);
    CHECK(entry(ALPHA_ABI_VERSION, sizeof(alpha_host)) != nullptr);
    CHECK(entry(ALPHA_ABI_VERSION, sizeof(alpha_host) + 8) != nullptr);
    CHECK(entry(ALPHA_ABI_VERSION, offsetof(alpha_host, place_linked)) == nullptr);
}

TEST_CASE("a library's strategy is not told of trades, or of others", "[plugin]") {
    const TempFolder folder;
    write_text(folder / "trades.csv", "ts_ns,instrument,price,quantity,volume,open_interest,exchange_ns\n"
                                      "1704186900000000000,A,100.5,7,200,3,1704186899999999995\n"
                                      "1704186901000000000,A,101,7,200,3,1704186900999999995\n");
    const auto log = make_memory_log();
    run(scenario_of("name: s\naccount: {currency: INR, cash: 1000}\ndata: [{file: trades.csv, kind: trades}]\n"
                    "plugins: [" +
                        library("hears_trades") + "]\nstrategies: [{id: one, use: hears_trades, instruments: [A]}]\n",
                    folder),
        *log);
    CHECK(all_of<StrategyHalted>(*log).empty());
    const auto fills = all_of<OrderFilled>(*log);
    REQUIRE(fills.size() == 1);
    CHECK(fills[0].second.price == Price{10'050'000'000});
}

TEST_CASE("a library that was built before there were trades is refused, or called with one", "[plugin]") {
    const TempFolder folder;
    write_text(folder / "trades.csv", "ts_ns,instrument,price,quantity\n1704186900000000000,A,100,7\n");
    write_text(folder / "quotes.csv", "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n1704186901000000000,A,99,1,101,1\n");
    const auto log = make_memory_log();
    run(scenario_of("name: s\naccount: {currency: INR, cash: 1000}\n"
                    "data: [{file: trades.csv, kind: trades}, {file: quotes.csv, kind: quotes}]\nplugins: [" +
                        library("before_trades") + "]\nstrategies: [{id: one, use: plain_c, instruments: [A]}]\n",
                    folder),
        *log);
    CHECK(all_of<StrategyHalted>(*log).empty());
    CHECK(all_of<OrderFilled>(*log).size() == 1);
}

TEST_CASE("event 0 holds a library's strategy with all of its parameters, and no path", "[plugin]") {
    const TempFolder folder;
    write_bars(folder / "bars.csv");
    std::string text = on_bars("plugins: [" + library("sma_twin") + "]\n", "sma_twin");
    text.replace(text.find(", quantity: 10"), 14, "");
    const Scenario scenario = scenario_of(text, folder);
    const StrategyConfig& strategy = scenario.config.strategies.at(0);
    CHECK(strategy.use == "sma_twin");
    CHECK(strategy.params == std::vector<Setting>{{"fast", "3"}, {"quantity", "10"}, {"slow", "9"}});
    ByteBuffer bytes;
    encode(bytes, Envelope{}, scenario.config);
    const std::string event(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    CHECK(event.find("sma_twin") != std::string::npos);
    CHECK(event.find('/') == std::string::npos);
    CHECK(event.find(".so") == std::string::npos);
}

// ---- refusals --------------------------------------------------------------------------------------------------------------

TEST_CASE("a library that cannot be used is refused where the scenario names it", "[plugin]") {
    struct Flaw {
        const char* library;
        const char* why;
    };
    for (const Flaw& flaw : std::array{
             Flaw{"other_version", "was built for version 2 of the interface, and this alpha has 1"},
             Flaw{"small_table", "its table has 16 bytes"},
             Flaw{"used_tail", "uses more of the interface than this alpha has"},
             Flaw{"built_in_name", "names its strategy sma_cross, as one of alpha's own is already"},
             Flaw{"no_callback", "has none of on_quote, on_trade, on_bar_opened and on_bar"},
             Flaw{"bad_param", "its parameter 1 (times) cannot be: 'a few' is no number"},
             Flaw{"only_save", "only one of save and load"},
             Flaw{"null_table", "was built for another version of the interface than this alpha's 1"},
             Flaw{"no_entry", "does not export alpha_plugin_entry"},
         }) {
        const std::string message = refusal(library(flaw.library));
        CAPTURE(flaw.library, message);
        CHECK_THAT(message, Catch::StartsWith(":4:11: plugins: '" + library(flaw.library) + "' "));
        CHECK_THAT(message, Catch::Contains(flaw.why));
    }
    CHECK_THAT(refusal(ALPHA_SOURCE_DIR "/README.md"), Catch::Contains("cannot be loaded: invalid ELF header"));
    CHECK_THAT(refusal(ALPHA_SOURCE_DIR), Catch::Contains("is no library"));
    CHECK_THAT(refusal("none.so"), Catch::Contains("none.so' does not exist; write the path of a library"));
    CHECK_THAT(refusal(library("plain_c") + ", " + library("plain_c")),
               Catch::Contains("names its strategy plain_c, as another library does already"));
}

TEST_CASE("a parameter of a library's strategy is checked as a built-in one's, and by its constructor", "[plugin]") {
    const TempFolder folder;
    const auto errors = [&](const std::string& params) {
        const auto scenario = parse_scenario(on_quotes("misbehaves", "misbehaves", params), folder / "s.yaml");
        return scenario ? std::string() : scenario.error().message.substr(scenario.error().message.find("s.yaml") + 6);
    };
    CHECK(errors("{how: throws, at: 4}").empty());
    CHECK_THAT(errors("{how: throws, att: 4}"),
               Catch::Contains("misbehaves has no parameter 'att'; did you mean 'at'?"));
    CHECK_THAT(errors("{how: throws, at: 0}"), Catch::Contains("at must be a whole number from 1 to 10000000000"));
    CHECK_THAT(errors("{at: 1}"), Catch::Contains("how is missing: in which way"));
    CHECK(errors("{how: refuses}") == ":7:75: strategies.params: not with me");
    const auto misspelt = parse_scenario(on_quotes("misbehaves", "misbehave", "{how: throws}"), folder / "s.yaml");
    REQUIRE_FALSE(misspelt);
    CHECK_THAT(misspelt.error().message, Catch::Contains("did you mean 'misbehaves'?"));
}

// ---- going wrong -----------------------------------------------------------------------------------------------------------

TEST_CASE("an exception or an error halts a library's strategy, undoes its callback, and touches no other",
          "[plugin]") {
    struct Wrong {
        const char* how;
        const char* reason;
    };
    const TempFolder folder;
    for (const Wrong& wrong : std::array{
             Wrong{"throws", "in on_quote: all is ?[31m lost"},
             Wrong{"throws a number", "in on_quote: it threw something that is no std::exception"},
             Wrong{"asks for what there is not", "in on_quote: there is no such instrument"},
         }) {
        CAPTURE(wrong.how);
        const auto log = make_memory_log();
        const Scenario scenario =
            scenario_of(on_quotes("misbehaves", "misbehaves", fmt::format("{{how: {}}}", wrong.how)), folder);
        run(scenario, *log);
        const auto halted = all_of<StrategyHalted>(*log);
        REQUIRE(halted.size() == 1);
        CHECK(halted[0].second.strategy == StrategyId{0});
        CHECK(halted[0].second.reason == wrong.reason);
        CHECK_FALSE(halted[0].first.is_root());
        std::size_t own = 0;
        std::size_t others_after = 0;
        for (const auto& [envelope, order] : all_of<OrderIntended>(*log)) {
            own += order.strategy == StrategyId{0} ? 1U : 0U;
            others_after += order.strategy == StrategyId{1} && envelope.seq > halted[0].first.seq ? 1U : 0U;
        }
        CHECK(own == 1);  // that of the first quote; of the third one nothing remains
        CHECK(others_after > 10);
        const Result<Reexecuted> again = reexecute(*log, made_with(scenario.plugins));
        REQUIRE(again);
        CHECK_FALSE(again->disagreement);
    }
}

TEST_CASE("an error that a strategy in C returns halts it", "[plugin]") {
    const TempFolder folder;
    const auto log = make_memory_log();
    run(scenario_of(on_quotes("plain_c", "plain_c", "{}"), folder), *log);
    const auto halted = all_of<StrategyHalted>(*log);
    REQUIRE(halted.size() == 1);
    CHECK(halted[0].second.reason == "in on_quote: it returned error 7");
    CHECK(std::ranges::count_if(all_of<OrderIntended>(*log),
                                [](const auto& order) { return order.second.strategy == StrategyId{0}; }) == 4);
}

// ---- taking too long -------------------------------------------------------------------------------------------------------

TEST_CASE("a strategy that takes too long is halted by an input of the log, which a replay repeats", "[plugin]") {
    const TempFolder folder;
    const Scenario scenario =
        scenario_of(on_quotes("misbehaves", "misbehaves", "{how: spins, at: 3, ms: 200}"), folder);
    const auto live = make_memory_log();
    run(scenario, *live, std::chrono::milliseconds(20));
    const auto halted = all_of<StrategyHalted>(*live);
    REQUIRE(halted.size() == 1);
    CHECK(halted[0].first.is_root());
    CHECK(halted[0].second.strategy == StrategyId{0});
    CHECK_THAT(
        halted[0].second.reason,
        Catch::Matches("on_quote took [0-9]+ ms of processor time; a callback may take 20 ms of processor time"));
    // It returned, so what it asked for stands.
    CHECK(std::ranges::count_if(all_of<OrderIntended>(*live),
                                [](const auto& order) { return order.second.strategy == StrategyId{0}; }) == 2);
    const Result<Reexecuted> again = reexecute(*live, made_with(scenario.plugins));
    REQUIRE(again);
    CHECK_FALSE(again->disagreement);
    CHECK(again->compared == live->next_seq());

    const auto unbounded = make_memory_log();
    run(scenario, *unbounded);
    CHECK(all_of<StrategyHalted>(*unbounded).empty());
}

TEST_CASE("a strategy that never returns ends the process, named in the last line of the log", "[plugin]") {
    const TempFolder folder;
    const Scenario scenario = scenario_of(on_quotes("misbehaves", "misbehaves", "{how: loops, at: 1}"), folder);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const Loggers loggers({.verbosity = -1, .file = folder / "log"});
        CallbackBudget budget(std::chrono::milliseconds(5), loggers.of("session"), std::chrono::milliseconds(100));
        Result<Components> parts = make_components(scenario.config, scenario.plugins.catalog());
        budget.watch(parts->strategies, scenario.config, scenario.plugins.catalog());
        budget.start();
        Frame frame;
        std::freopen("/dev/null", "w", stderr);
        Kernel kernel({std::move(parts->strategies), parts->venue_pointers(), nullptr}, frame);
        kernel.configure(scenario.config);
        kernel.take(Time{kSecondNs},
                    QuoteTick{InstrumentId{0}, Price{kScale}, Price{kScale}, Qty{kScale}, Qty{kScale}});
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == static_cast<int>(ErrorKind::internal));
    const std::string log = read_text(folder / "log");
    const std::string last = log.substr(log.rfind('\n', log.size() - 2) + 1);
    CHECK_THAT(last,
               Catch::Contains("critical session: the strategy 'wild' (misbehaves) has not returned from on_quote"));
}

TEST_CASE("a callback's budget is processor time: waiting has a wider bound, and a machine that stands still none",
          "[plugin]") {
    const TempFolder folder;
    const std::string params = GENERATE("{how: sleeps, at: 1, ms: 30}", "{how: sleeps, at: 1, ms: 1100}",
                                        "{how: spins, at: 1, ms: 300}", "{how: stops, at: 1}");
    CAPTURE(params);
    const Scenario scenario = scenario_of(on_quotes("misbehaves", "misbehaves", params), folder);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const Loggers loggers({.verbosity = -1, .file = folder / "log"});
        // Waiting is bounded by 0.8 s here, and a callback that does not return by 1.6; who spins may take its time on a busy machine.
        const bool spins = params.find("spins") != std::string::npos;
        CallbackBudget budget(std::chrono::milliseconds(20), loggers.of("session"),
                              std::chrono::milliseconds(spins ? 60'000 : 1'600));
        Result<Components> parts = make_components(scenario.config, scenario.plugins.catalog());
        budget.watch(parts->strategies, scenario.config, scenario.plugins.catalog());
        budget.start();
        Frame frame;
        Kernel kernel({std::move(parts->strategies), parts->venue_pointers(), nullptr}, frame);
        kernel.configure(scenario.config);
        kernel.take(Time{kSecondNs},
                    QuoteTick{InstrumentId{0}, Price{kScale}, Price{kScale}, Qty{kScale}, Qty{kScale}});
        std::string said;
        for (const CallbackBudget::Overrun& overrun : budget.take()) {
            said += overrun.reason;
        }
        write_text(folder / "said", said);
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, WUNTRACED) == child);
    if (params.find("stops") != std::string::npos) {
        REQUIRE(WIFSTOPPED(status));
        std::this_thread::sleep_for(std::chrono::seconds(1));  // no wait for anything: it is the test
        REQUIRE(::kill(child, SIGCONT) == 0);
        REQUIRE(waitpid(child, &status, 0) == child);
    }
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
    const std::string said = read_text(folder / "said");
    if (params.find("spins") != std::string::npos) {
        CHECK_THAT(said, Catch::Contains("ms of processor time; a callback may take 20 ms"));
    } else if (params.find("1100") != std::string::npos) {
        CHECK_THAT(said, Catch::Contains("ms of real time; a callback may take 20 ms"));
    } else {
        CHECK(said.empty());
    }
}

// ---- taking up -------------------------------------------------------------------------------------------------------------

TEST_CASE("a strategy that saves its state is taken up from a checkpoint, one that does not from the first event",
          "[plugin]") {
    const TempFolder folder;
    write_bars(folder / "bars.csv");
    for (const std::string name : {"sma_twin", "sma_forgets"}) {
        CAPTURE(name);
        const Scenario scenario = scenario_of(on_bars("plugins: [" + library(name) + "]\n", name), folder);
        const std::unique_ptr<Journal> journal = journal_of(scenario, folder / name);
        const Seq end = journal->next_seq();
        const Result<Reexecuted> again = reexecute(*journal, end - 1, end, made_with(scenario.plugins));
        REQUIRE(again);
        CHECK_FALSE(again->disagreement);
        CHECK((again->begun > 0) == (name == "sma_twin"));
        CHECK(again->compared == end - again->begun);
        // Folding needs no strategy at all.
        Seq begun = 0;
        REQUIRE(state_before(*journal, end, &begun));
        CHECK(begun > 0);
    }
}

TEST_CASE("a session that was stopped goes on with its libraries as if it had never been", "[plugin]") {
    struct Case {
        const char* library;
        bool from_checkpoint;
        bool halts;
    };
    const TempFolder folder;
    write_bars(folder / "bars.csv");
    const Case each =
        GENERATE(Case{"sma_twin", true, false}, Case{"sma_forgets", false, false}, Case{"misbehaves", false, true});
    CAPTURE(each.library);
    const Scenario scenario =
        scenario_of(each.halts ? on_quotes(each.library, each.library, "{how: spins, at: 3, ms: 200}")
                               : on_bars(fmt::format("plugins: [{}]\n", library(each.library)), each.library),
                    folder);
    const auto go_on = [&](std::uint64_t packets) {
        Result<std::unique_ptr<LogWriter>> log = continue_journal(folder / "journal");
        REQUIRE(log);
        Result<std::unique_ptr<Journal>> stored = open_journal(folder / "journal");
        REQUIRE(stored);
        std::ostringstream said;
        std::atomic<bool> stop = false;
        RunOptions options;
        options.log =
            std::make_shared<spdlog::logger>("session", std::make_shared<spdlog::sinks::ostream_sink_mt>(said));
        options.callback_budget = std::chrono::milliseconds(each.halts ? 20 : 0);
        options.snapshot_events = 512;
        options.stop = &stop;
        options.on_progress = [&](const FeedProgress&, const State&) { stop = --packets == 0; };
        const Result<RunResult> ran = run_scenario(scenario, **log, options, std::move(*stored));
        INFO((ran ? std::string() : ran.error().message));
        REQUIRE(ran);
        return said.str();
    };
    go_on(each.halts ? 1 : 4);
    const std::string said = go_on(1'000'000);
    CHECK_THAT(said, Catch::Contains("resumed at event"));
    CHECK((said.find("decided again from event 0\n") == std::string::npos) == each.from_checkpoint);
    const Result<std::unique_ptr<Journal>> journal = open_journal(folder / "journal");
    REQUIRE(journal);
    CHECK(all_of<StrategyHalted>(**journal).size() == (each.halts ? 1U : 0U));
    const Result<Reexecuted> again = reexecute(**journal, 0, (*journal)->next_seq(), made_with(scenario.plugins));
    REQUIRE(again);
    CHECK_FALSE(again->disagreement);
    if (!each.halts) {
        const auto whole = make_memory_log();
        run(scenario, *whole);
        CHECK((*journal)->head() == whole->head());
    }
}

TEST_CASE("a checkpoint of another strategy's state is not taken up", "[plugin]") {
    const TempFolder folder;
    write_bars(folder / "bars.csv");
    const Scenario scenario = scenario_of(on_bars("plugins: [" + library("sma_twin") + "]\n", "sma_twin"), folder);
    Result<Components> parts = make_components(scenario.config, scenario.plugins.catalog());
    REQUIRE(parts);
    Strategy& strategy = *parts->strategies[0];
    ByteBuffer saved;
    strategy.save(saved);
    REQUIRE(strategy.load(saved.view()));
    const Bytes bytes = saved.view();
    for (const Bytes wrong : {Bytes{}, bytes.first(1), bytes.first(bytes.size() - 1), bytes.subspan(1)}) {
        const Result<void> loaded = strategy.load(wrong);
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().kind == ErrorKind::data);
        CHECK_THAT(loaded.error().message, Catch::StartsWith("the strategy 'cross' (sma_twin)"));
    }
}

TEST_CASE("a journal is not decided again without its library, and says when it is another one", "[plugin]") {
    const TempFolder folder;
    write_bars(folder / "bars.csv");
    const Scenario scenario = scenario_of(on_bars("plugins: [" + library("sma_twin") + "]\n", "sma_twin"), folder);
    const std::unique_ptr<Journal> journal = journal_of(scenario, folder / "journal");
    const Result<Reexecuted> without = reexecute(*journal, 0, journal->next_seq());
    REQUIRE_FALSE(without);
    CHECK(without.error().kind == ErrorKind::data);
    CHECK_THAT(without.error().message,
               Catch::Contains("there is no strategy named 'sma_twin'") && Catch::Contains("--plugin PATH"));

    const Notes& notes = journal->info().notes;
    CHECK(notes == scenario.plugins.notes());
    REQUIRE(notes.contains("plugin/sma_twin"));
    CHECK(notes.at("plugin/sma_twin").size() == 64);
    CHECK(scenario.plugins.differences(notes).empty());
    const std::vector<std::string> differences = scenario.plugins.differences({{"plugin/sma_twin", "ab\x1b"}});
    REQUIRE(differences.size() == 1);
    CHECK_THAT(differences[0], Catch::StartsWith("the library of the strategy sma_twin is not the one") &&
                                   Catch::EndsWith("and it was ab?"));
}
