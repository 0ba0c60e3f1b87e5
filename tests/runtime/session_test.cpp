#include "runtime/components.hpp"
#include "runtime/fold.hpp"
#include "runtime/reexecution.hpp"
#include "runtime/session.hpp"
#include "store/background_log.hpp"
#include "tests/runtime/support.hpp"
#include "views/projection.hpp"
#include "views/row_check.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sstream>

using namespace alpha;
using namespace alpha::runtime_test;

namespace {

/// A market maker, and beside it whatever else is said.
Scenario story(std::uint64_t ticks, const std::string& plugins = "", const std::string& strategies = "") {
    const Result<Scenario> scenario = parse_scenario(
        plugins + "name: story\naccount: {currency: INR, cash: 1000000}\n" +
            "data: [{synth: {seed: 5, ticks: " + std::to_string(ticks) +
            "}}]\n"
            "strategies:\n"
            "  - {id: maker, use: market_maker, instruments: [\"NSE:ALPHA\", \"NSE:BETA\"],\n"
            "     params: {quantity: 5, half_spread: 0.1, max_inventory: 50, requote: 0.1, refresh: 20}}\n" +
            strategies + "broker: {paper: {fill: touch, latency: 500ms}}\nsnapshot_interval: 60s\n",
        "story.yaml");
    REQUIRE(scenario);
    return *scenario;
}

/// What a session logged, and options with such a logger.
struct Logged {
    std::ostringstream text;
    RunOptions options;
    Logged() {
        options.log =
            std::make_shared<spdlog::logger>("session", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
    }
    bool says(const char* part) const { return text.str().find(part) != std::string::npos; }
};

RunResult run(const Scenario& scenario, const std::string& journal, const RunOptions& options) {
    Result<std::unique_ptr<LogWriter>> log = continue_journal(journal);
    REQUIRE(log);
    Result<std::unique_ptr<Journal>> stored = open_journal(journal);
    REQUIRE(stored);
    const std::unique_ptr<BackgroundLog> background = make_background_log(std::move(*log));
    const Result<RunResult> result = run_scenario(scenario, *background, options, std::move(*stored));
    INFO((result ? "" : result.error().message));
    REQUIRE(result);
    return *result;
}

/// What a journal of `from` would be after a crash behind its `frames`th frame, with a checkpoint there that `change` has
/// had its hands on.
template <class Change>
void write_prefix(const LogReader& from, const ComponentsMaker& make, const std::string& path, int frames,
                  Change change) {
    Result<std::unique_ptr<LogWriter>> log = continue_journal(path);
    REQUIRE(log);
    Frame made;
    Reexecution reexecution(made, nullptr, make);
    Projection projection;
    Batch batch;
    batch.begin(0);
    Result<void> written;
    const Result<void> scanned = from.scan(0, [&](const Frame& frame) {
        REQUIRE(reexecution.feed(frame).value_or(false));
        const Kernel& kernel = *reexecution.kernel();
        projection.take(frame, kernel.state(), batch.rows);
        batch.frame.events = frame.events;
        batch.frame.bytes.append(frame.bytes.view());
        batch.frame.leaf_cuts = frame.leaf_cuts;
        --frames;
        if (frames == 0) {
            State state = kernel.state();
            change(state);
            save_checkpoint(state, kernel.parts().strategies, kernel.parts().venues,
                            SessionComponents{projection, {}, {}}, batch.snapshot);
        }
        batch.feed_records = kernel.state().quotes;
        written = (*log)->append(batch);
        return written && frames != 0;
    });
    REQUIRE(scanned);
    REQUIRE(written);
    REQUIRE((*log)->commit());
}

}  // namespace

TEST_CASE("a session resumes from a checkpoint, and one that is not what its events fold to is passed over",
          "[runtime]") {
    const TempFolder folder;
    const bool with_library = GENERATE(false, true);
    CAPTURE(with_library);
    const Scenario scenario = with_library ? story(30'000, "plugins: [" ALPHA_TEST_PLUGINS "/libsma_twin.so]\n",
                                                   "  - {id: twin, use: sma_twin, instruments: [\"NSE:BETA\"], "
                                                   "params: {fast: 3, slow: 9, quantity: 1}}\n")
                                           : story(30'000);
    const ComponentsMaker make = [&](const RunConfigured& config) {
        return make_components(config, scenario.plugins.catalog());
    };
    Logged whole;
    const RunResult expected = run(scenario, folder / "whole", whole.options);
    const Result<std::unique_ptr<Journal>> journal = open_journal(folder / "whole");
    REQUIRE(journal);
    std::vector<FillRow> fills;
    Logged again;
    again.options.on_fill = [&](const FillRow& fill) { fills.push_back(fill); };
    const bool doctored = GENERATE(false, true);
    write_prefix(**journal, make, folder / "cut", 12,
                 [&](State& state) { state.next_order.value += doctored ? 1 : 0; });
    const RunResult resumed = run(scenario, folder / "cut", again.options);
    CHECK(resumed.log_head == expected.log_head);
    CHECK(resumed.state_digest == expected.state_digest);
    CHECK(again.says("is not what the events before it fold to") == doctored);
    CHECK(again.says("decided again from event 0\n") == doctored);
    // Whichever way: the summary counts every order and fill once.
    CHECK(fills.size() == expected.fills);
    REQUIRE(resumed.strategies.size() == (with_library ? 2 : 1));
    CHECK(resumed.strategies[0].orders == expected.strategies[0].orders);
    CHECK(resumed.strategies[0].fills == expected.strategies[0].fills);
    CHECK(resumed.strategies[0].realized_pnl == expected.strategies[0].realized_pnl);
    CHECK(resumed.first == expected.first);
    CHECK(verify_read_models(**open_journal(folder / "cut")));
}

TEST_CASE("what a session stored when it was cut off is what one stores that never was", "[runtime]") {
    const TempFolder folder;
    const Scenario scenario = story(20'000);
    Logged whole;
    whole.options.snapshot_events = 3'000;
    const RunResult expected = run(scenario, folder / "whole", whole.options);
    const Result<std::unique_ptr<Journal>> journal = open_journal(folder / "whole");
    REQUIRE(journal);
    for (const int frames : {1, 2, 7}) {
        CAPTURE(frames);
        const std::string cut = folder / ("cut" + std::to_string(frames));
        write_prefix(**journal, make_built_in_components, cut, frames, [](State&) {});
        Logged first;
        first.options.snapshot_events = 2'000;
        first.options.is_live = true;
        first.options.frame_events = 100;
        const RunResult resumed = run(scenario, cut, first.options);
        CHECK(resumed.log_head == expected.log_head);
        const Result<std::unique_ptr<Journal>> read = open_journal(cut);
        REQUIRE(read);
        CHECK((*read)->info().feed_records == (*journal)->info().feed_records);
        CHECK(verify_read_models(**read));
        // And again, now that nothing is left to do: from the last checkpoint, whose feed position is good.
        Logged second;
        CHECK(run(scenario, cut, second.options).log_head == expected.log_head);
        CHECK_FALSE(second.says("decided again from event 0\n"));
    }
}

TEST_CASE("however often snapshots are asked for, they take a sixteenth of what the log does", "[runtime]") {
    const TempFolder folder;
    const Scenario scenario = story(60'000);
    Logged often;
    often.options.snapshot_events = 1;
    run(scenario, folder / "often", often.options);
    const Result<std::unique_ptr<Journal>> journal = open_journal(folder / "often");
    REQUIRE(journal);
    std::map<Seq, std::size_t> snapshots;  // by their place, how long they are
    REQUIRE(try_snapshots(**journal, (*journal)->next_seq(), [&](const StoredSnapshot& snapshot) {
        snapshots[snapshot.next_seq] = snapshot.bytes.size();
        return false;
    }));
    REQUIRE(snapshots.size() > 2);
    std::map<Seq, std::size_t> logged{{0, 0}};  // by the end of each frame, the bytes up to there
    REQUIRE((*journal)->scan(0, [&](const Frame& frame) {
        logged[frame.next_seq()] = logged.rbegin()->second + frame.bytes.size();
        return true;
    }));
    for (auto later = std::next(snapshots.begin()); later != snapshots.end(); ++later) {
        const auto earlier = std::prev(later);
        CAPTURE(earlier->first, later->first);
        CHECK(logged.at(later->first) - logged.at(earlier->first) >= 16 * earlier->second);
    }
}
