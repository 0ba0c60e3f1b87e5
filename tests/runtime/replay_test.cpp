#include "runtime/compare.hpp"
#include "runtime/fold.hpp"
#include "runtime/logging.hpp"
#include "runtime/reexecution.hpp"
#include "runtime/session.hpp"
#include "store/verify.hpp"
#include "tests/runtime/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>

using namespace alpha;
using namespace alpha::runtime_test;

namespace {

/// The same numbers every time: a failure must come back when the test is run again.
std::mt19937_64 random_from(std::uint64_t seed) {
    return std::mt19937_64(seed);
}

/// Runs a scenario into a memory log.
std::unique_ptr<MemoryLog> run(const Scenario& scenario, RunResult* result = nullptr) {
    std::unique_ptr<MemoryLog> log = make_memory_log();
    const Loggers loggers({.verbosity = -1, .file = ""});
    RunOptions options;
    options.log = loggers.of("session");
    const Result<RunResult> ran = run_scenario(scenario, *log, options);
    INFO((ran ? std::string() : ran.error().message));
    REQUIRE(ran);
    if (result != nullptr) {
        *result = *ran;
    }
    return log;
}

std::unique_ptr<MemoryLog> run_synth(int ticks) {
    const TempFolder folder;
    const auto scenario = parse_scenario(R"(name: s
account: {currency: INR, cash: 1000000}
data: [{synth: {seed: 3, ticks: )" + std::to_string(ticks) +
                                             R"(}}]
strategies:
  - {id: cross, use: ema_cross, instruments: ["NSE:ALPHA", "NSE:BETA"], params: {fast: 5, slow: 20, quantity: 10}}
  - {id: maker, use: market_maker, instruments: ["NSE:BETA"],
     params: {quantity: 10, half_spread: 0.5, max_inventory: 50, requote: 0.2}}
broker: {paper: {fill: touch}}
charges: none
snapshot_interval: 60s
)",
                                         folder / "s.yaml");
    INFO((scenario ? std::string() : scenario.error().message));
    REQUIRE(scenario);
    return run(*scenario);
}

std::vector<std::string> stories() {
    std::vector<std::string> paths;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(ALPHA_SOURCE_DIR) + "/scenarios/stories")) {
        if (entry.path().extension() == ".yaml") {
            paths.push_back(entry.path().string());
        }
    }
    std::ranges::sort(paths);
    return paths;
}

std::unique_ptr<MemoryLog> run_story(const std::string& name) {
    const auto scenario = load_scenario(std::string(ALPHA_SOURCE_DIR) + "/scenarios/stories/" + name + ".yaml");
    REQUIRE(scenario);
    return run(*scenario);
}

/// A log of these events, hashed anew, `per_frame` a frame. They are numbered as they stand.
std::unique_ptr<MemoryLog> log_of(const std::vector<DecodedEvent>& events, std::size_t per_frame = 64) {
    std::unique_ptr<MemoryLog> log = make_memory_log();
    Batch batch;
    batch.begin(0);
    for (std::size_t i = 0; i < events.size(); ++i) {
        Envelope envelope = events[i].envelope;
        envelope.seq = i;
        std::visit([&](const auto& event) { append(batch.frame, envelope, event); }, events[i].event);
        if (batch.frame.events == per_frame || i + 1 == events.size()) {
            REQUIRE(log->append(batch));
        }
    }
    return log;
}

/// The place of the n-th event of a type.
template <class E>
Seq place_of(const std::vector<DecodedEvent>& events, std::size_t n = 0) {
    for (Seq seq = 0; seq < events.size(); ++seq) {
        if (std::holds_alternative<E>(events[seq].event) && n-- == 0) {
            return seq;
        }
    }
    FAIL("no such event");
    return kNoSeq;
}

/// The journal of a log, with a checkpoint of the kernel that decided it after every `every`-th frame.
std::unique_ptr<Journal> journal_with_checkpoints(const LogReader& log, const std::string& path, std::size_t every) {
    auto writer = create_journal(path);
    REQUIRE(writer);
    Frame decided;
    Reexecution reexecution(decided, nullptr, make_built_in_components);
    Batch batch;
    batch.begin(0);
    std::size_t frames = 0;
    REQUIRE(log.scan(0, [&](const Frame& frame) {
        REQUIRE(reexecution.feed(frame).value_or(false));
        batch.frame.events = frame.events;
        batch.frame.leaf_cuts = frame.leaf_cuts;
        batch.frame.bytes.append(frame.bytes.view());
        if (++frames % every == 0) {
            Kernel& kernel = *reexecution.kernel();
            save_checkpoint(kernel.state(), kernel.parts().strategies, kernel.parts().venues, std::nullopt,
                            batch.snapshot);
        }
        REQUIRE((*writer)->append(batch));
        return true;
    }));
    REQUIRE((*writer)->finish(std::nullopt));
    auto journal = open_journal(path);
    REQUIRE(journal);
    REQUIRE((*journal)->head() == log.head());
    return std::move(*journal);
}

State folded(const LogReader& log, Seq end) {
    State state;
    REQUIRE(fold(log, end, state));
    return state;
}

}  // namespace

TEST_CASE("the fold from a snapshot is the fold from zero, wherever it begins", "[runtime]") {
    const TempFolder folder;
    const std::unique_ptr<MemoryLog> log = run_synth(20'000);
    const std::unique_ptr<Journal> journal = journal_with_checkpoints(*log, folder / "j", 4);
    std::mt19937_64 random = random_from(5);
    std::size_t from_snapshots = 0;
    for (int i = 0; i < 20; ++i) {
        const Seq seq = i == 0 ? log->next_seq() : random() % log->next_seq();
        Seq begun = kNoSeq;
        const Result<State> state = state_before(*journal, seq, &begun);
        REQUIRE(state);
        CHECK(*state == folded(*log, seq));
        CHECK(begun <= seq);
        CHECK(seq - begun < Seq{6} * 1'100);
        from_snapshots += begun != 0 ? 1U : 0U;
        State whole = *state;
        REQUIRE(fold(*journal, journal->next_seq(), whole));
        CHECK(whole.next_seq == log->next_seq());
        CHECK(state_digest(whole) == state_digest(folded(*log, log->next_seq())));
    }
    CHECK(from_snapshots > 10);
}

TEST_CASE("a journal is decided again from any of its checkpoints", "[runtime]") {
    const TempFolder folder;
    const std::unique_ptr<MemoryLog> log = run_synth(12'000);
    const std::unique_ptr<Journal> journal = journal_with_checkpoints(*log, folder / "j", 3);
    std::mt19937_64 random = random_from(6);
    for (int i = 0; i < 6; ++i) {
        const Seq from = random() % log->next_seq();
        const Seq end = i % 2 == 0 ? log->next_seq() : from + random() % (log->next_seq() - from);
        const Result<Reexecuted> again = reexecute(*journal, from, end);
        REQUIRE(again);
        CHECK_FALSE(again->disagreement);
        CHECK(again->begun <= from);
        CHECK(again->compared == end - std::min(again->begun, end));
    }
    CHECK(reexecute(*journal, log->next_seq() - 1, log->next_seq())->begun > 0);
}

TEST_CASE("every story is decided again as it was, and folds into the state it ended with", "[runtime]") {
    const std::vector<std::string> paths = stories();
    REQUIRE(paths.size() >= 20);
    for (const std::string& path : paths) {
        CAPTURE(path);
        const auto scenario = load_scenario(path);
        REQUIRE(scenario);
        RunResult result;
        const std::unique_ptr<MemoryLog> log = run(*scenario, &result);
        const Result<Reexecuted> again = reexecute(*log);
        REQUIRE(again);
        CHECK_FALSE(again->disagreement);
        CHECK(again->compared == log->next_seq());
        CHECK(to_hex(state_digest(folded(*log, log->next_seq()))) == result.state_digest);
        // Frames cut anywhere, even within a step, are the same log.
        const std::unique_ptr<MemoryLog> cut = log_of(events_of(*log), 1);
        CHECK(cut->head() == log->head());
        CHECK_FALSE(reexecute(*cut)->disagreement);
    }
}

TEST_CASE("a fact that was changed is named, with what is decided in its place and what both come from", "[runtime]") {
    std::vector<DecodedEvent> events = events_of(*run_story("round-trip"));
    const Seq seq = place_of<OrderFilled>(events, 1);
    std::get<OrderFilled>(events[seq].event).price.raw += 1;
    const std::unique_ptr<MemoryLog> log = log_of(events);
    const Result<Reexecuted> again = reexecute(*log);
    REQUIRE(again);
    REQUIRE(again->disagreement);
    CHECK(again->disagreement->seq == seq);
    CHECK(again->compared == seq);
    REQUIRE(again->disagreement->logged);
    REQUIRE(again->disagreement->decided);
    const auto& logged = std::get<OrderFilled>(again->disagreement->logged->event);
    const auto& decided = std::get<OrderFilled>(again->disagreement->decided->event);
    CHECK(logged.price.raw == decided.price.raw + 1);
    CHECK(again->disagreement->names.instrument(logged.instrument) == "ACME");

    const auto chain = causes(*log, *again->disagreement->decided);
    REQUIRE(chain);
    CHECK(chain->size() >= 3);
    CHECK(chain->front().envelope.seq == seq);
    CHECK(chain->back().envelope.is_root());
    CHECK(std::holds_alternative<QuoteTick>(chain->back().event));
    for (std::size_t i = 1; i < chain->size(); ++i) {
        CHECK((*chain)[i].envelope.seq == (*chain)[i - 1].envelope.causation);
    }
}

namespace {

Frame in_one_frame(const LogReader& log) {
    Frame whole;
    whole.begin(0);
    REQUIRE(log.scan(0, [&](const Frame& frame) {
        whole.bytes.append(frame.bytes.view());
        whole.events += frame.events;
        return true;
    }));
    return whole;
}

/// Whether this program decides a whole log, in one frame, as it stands.
bool is_decided(const Frame& log) {
    Frame made;
    Reexecution reexecution(made, nullptr, make_built_in_components);
    return reexecution.feed(log).value_or(false) && reexecution.end();
}

}  // namespace

TEST_CASE("of a fact every byte is compared, to the last one", "[runtime]") {
    // As canonical bytes, where nothing but the decision holds them: no hash, no checksum.
    Frame whole = in_one_frame(*run_story("round-trip"));
    REQUIRE(is_decided(whole));
    std::size_t facts = 0;
    std::size_t begin = 0;
    for (Seq seq = 0; seq < whole.events; ++seq) {
        const Result<EncodedHeader> header = decode_header(whole.bytes.view().subspan(begin), seq);
        REQUIRE(header);
        const std::size_t end = begin + header->total_bytes();
        if (!header->envelope.is_root()) {
            INFO("event " << seq);
            ++facts;
            for (const std::size_t at : {end - 1, begin + header->total_bytes() / 2, end - header->payload_bytes}) {
                whole.bytes.data()[at] ^= 1U;
                CHECK_FALSE(is_decided(whole));
                whole.bytes.data()[at] ^= 1U;
            }
        }
        begin = end;
    }
    CHECK(facts > 5);
}

TEST_CASE("of what falls due in a lull every byte is compared, though the log ends in it", "[runtime]") {
    Frame whole = in_one_frame(*run_story("snapshots-overnight"));
    // Two that fall due, one behind the other: the kernel comes to the first of them by itself, and the log is longer by then.
    int pairs = 0;
    std::size_t begin = 0;
    std::size_t due_end = 0;  // of the event before, where that fell due
    for (Seq seq = 0; seq < whole.events; ++seq) {
        const Result<EncodedHeader> header = decode_header(whole.bytes.view().subspan(begin), seq);
        REQUIRE(header);
        begin += header->total_bytes();
        const bool is_due = header->tag == TradingSessionClosed::tag || header->tag == PnlSnapshot::tag;
        if (is_due && due_end != 0 && header->envelope.is_root()) {
            INFO("event " << seq);
            ++pairs;
            Frame cut;
            cut.begin(0);
            cut.bytes.append(whole.bytes.view().first(begin));
            cut.events = static_cast<std::uint32_t>(seq + 1);
            CHECK(is_decided(cut));
            for (const std::size_t at : {due_end - 1, begin - 1}) {
                cut.bytes.data()[at] ^= 1U;
                CHECK_FALSE(is_decided(cut));
                cut.bytes.data()[at] ^= 1U;
            }
        }
        due_end = is_due ? begin : 0;
    }
    CHECK(pairs > 0);
}

TEST_CASE("a fact that was left out or put in is a difference, wherever it stands", "[runtime]") {
    const std::vector<DecodedEvent> events = events_of(*run_story("snapshots-overnight"));
    REQUIRE_FALSE(reexecute(*log_of(events))->disagreement);

    SECTION("the last facts of the last step") {
        std::vector<DecodedEvent> cut = events_of(*run_story("round-trip"));
        while (cut.back().envelope.is_root()) {
            cut.pop_back();
        }
        cut.pop_back();
        const Result<Reexecuted> again = reexecute(*log_of(cut));
        REQUIRE(again);
        REQUIRE(again->disagreement);
        CHECK(again->disagreement->seq == cut.size());
        CHECK_FALSE(again->disagreement->logged);
        CHECK(again->disagreement->decided);
    }
    SECTION("what fell due by itself, in the middle") {
        std::vector<DecodedEvent> cut = events;
        const Seq seq = place_of<PnlSnapshot>(cut);
        cut.erase(cut.begin() + static_cast<std::ptrdiff_t>(seq));
        const Result<Reexecuted> again = reexecute(*log_of(cut));
        REQUIRE(again);
        REQUIRE(again->disagreement);
        CHECK(again->disagreement->seq == seq);
        REQUIRE(again->disagreement->decided);
        CHECK(std::holds_alternative<PnlSnapshot>(again->disagreement->decided->event));
    }
    SECTION("a snapshot behind the end that no input led to") {
        std::vector<DecodedEvent> more = events;
        DecodedEvent forged = more[place_of<PnlSnapshot>(more)];
        forged.envelope = Envelope{more.size(), more.back().envelope.time, kNoSeq, kNoSeq};
        more.push_back(forged);
        const Result<Reexecuted> again = reexecute(*log_of(more));
        REQUIRE(again);
        REQUIRE(again->disagreement);
        CHECK(again->disagreement->seq == more.size() - 1);
        CHECK(again->disagreement->logged);
        CHECK_FALSE(again->disagreement->decided);
    }
    SECTION("an order that nobody asked for") {
        std::vector<DecodedEvent> more = events_of(*run_story("round-trip"));
        const Seq seq = place_of<QuoteTick>(more, 1) + 1;
        DecodedEvent forged = more[place_of<OrderIntended>(more)];
        forged.envelope = Envelope{seq, more[seq - 1].envelope.time, seq - 1, seq - 1};
        more.insert(more.begin() + static_cast<std::ptrdiff_t>(seq), forged);
        for (Seq i = seq + 1; i < more.size(); ++i) {
            for (Seq* link : {&more[i].envelope.correlation, &more[i].envelope.causation}) {
                *link += *link != kNoSeq && *link >= seq ? 1U : 0U;
            }
        }
        const Result<Reexecuted> again = reexecute(*log_of(more));
        REQUIRE(again);
        REQUIRE(again->disagreement);
        CHECK(again->disagreement->seq == seq);
    }
}

TEST_CASE("what is fed again holds a kernel that goes on, and what a person did is decided again", "[runtime]") {
    const std::unique_ptr<MemoryLog> log = run_synth(2'000);
    Batch batch;
    Reexecution reexecution(batch.frame, nullptr, make_built_in_components);
    REQUIRE(log->scan(0, [&](const Frame& frame) { return reexecution.feed(frame).value_or(false); }));
    REQUIRE(reexecution.end());
    REQUIRE(reexecution.next_seq() == log->next_seq());
    const Reexecution::Revived revived = reexecution.release();
    Kernel& kernel = *revived.kernel;
    CHECK(kernel.state() == folded(*log, log->next_seq()));
    CHECK(revived.venues.size() == 1);

    std::unique_ptr<MemoryLog> longer = log_of(events_of(*log));
    const Time later = kernel.state().now + Duration{kSecondNs};
    QuoteTick quote{InstrumentId{0}, Price{90'000'000'000}, Price{90'100'000'000}, Qty{kScale}, Qty{kScale}};
    kernel.take(later, KillRequest{PortfolioId{0}});
    kernel.take(later, quote);
    kernel.take(later, KillRequest{PortfolioId{0}});  // latched already: nothing happens
    kernel.take(later, ReleaseRequest{PortfolioId{0}});
    kernel.take(later + Duration{kSecondNs}, quote);
    REQUIRE(longer->append(batch));
    CHECK(longer->next_seq() >= log->next_seq() + 4);
    const Result<Reexecuted> again = reexecute(*longer);
    REQUIRE(again);
    CHECK_FALSE(again->disagreement);
    CHECK(again->compared == longer->next_seq());
}

TEST_CASE("a strategy that was halted from outside is halted again at the same place", "[runtime]") {
    const std::unique_ptr<MemoryLog> log = run_synth(2'000);
    Batch batch;
    Reexecution reexecution(batch.frame, nullptr, make_built_in_components);
    REQUIRE(log->scan(0, [&](const Frame& frame) { return reexecution.feed(frame).value_or(false); }));
    Kernel& kernel = *reexecution.kernel();
    QuoteTick quote{InstrumentId{0}, Price{90'000'000'000}, Price{90'100'000'000}, Qty{kScale}, Qty{kScale}};
    // A minute later a P&L snapshot is due, which the halt finds as the next quote would.
    const Time later = kernel.state().now + Duration{100 * kSecondNs};
    kernel.take(later, HaltRequest{StrategyId{0}, "it took too long"});
    kernel.take(later, HaltRequest{StrategyId{0}, "it took too long"});
    for (int i = 0; i < 100; ++i) {
        quote.bid.raw += i % 20 < 10 ? 100'000'000 : -100'000'000;
        quote.ask = Price{quote.bid.raw + 10'000'000};
        kernel.take(later + Duration{i * kSecondNs}, quote);
    }
    std::unique_ptr<MemoryLog> longer = log_of(events_of(*log));
    REQUIRE(longer->append(batch));
    std::vector<DecodedEvent> events = events_of(*longer);
    const Seq halted = place_of<StrategyHalted>(events);
    CHECK(events[halted].envelope.is_root());
    CHECK(std::ranges::none_of(events.begin() + static_cast<std::ptrdiff_t>(halted), events.end(), [](const auto& e) {
        const auto* order = std::get_if<OrderIntended>(&e.event);
        return order != nullptr && order->strategy == StrategyId{0};
    }));
    const Result<Reexecuted> again = reexecute(*longer);
    REQUIRE(again);
    CHECK_FALSE(again->disagreement);
    CHECK(again->compared == longer->next_seq());

    // Without it the strategy trades on, which the log does not have.
    events.erase(events.begin() + static_cast<std::ptrdiff_t>(halted));
    CHECK(reexecute(*log_of(events))->disagreement);
    // One that names a strategy there is not was halted by nobody.
    std::get<StrategyHalted>(events
                                 .emplace_back(DecodedEvent{{0, events.back().envelope.time, kNoSeq, kNoSeq},
                                                            StrategyHalted{StrategyId{7}, "who?"},
                                                            0})
                                 .event);
    CHECK(reexecute(*log_of(events))->disagreement);
}

namespace {

/// A session that goes on from a run of strategies, so that what a person does to it can be decided again.
class GoingOn {
public:
    explicit GoingOn(int ticks = 2'000)
        : log_(run_synth(ticks)), reexecution_(batch_.frame, nullptr, make_built_in_components) {
        REQUIRE(log_->scan(0, [&](const Frame& frame) { return reexecution_.feed(frame).value_or(false); }));
        now_ = kernel().state().now;
    }
    Kernel& kernel() { return *reexecution_.kernel(); }
    const Portfolio& portfolio() { return kernel().state().portfolios[0]; }
    Time later(std::int64_t seconds = 1) { return now_ = now_ + Duration{seconds * kSecondNs}; }
    /// Prices that rise and fall by a tenth, so that every strategy wants to trade again and again.
    void quotes(int count) {
        for (; count > 0; --count, ++told_) {
            const InstrumentId instrument{static_cast<std::uint32_t>(told_ % 2)};
            const std::int64_t step = std::abs(told_ / 2 % 24 - 12);
            const Price bid = price_of(1'000 + 10 * step);
            kernel().take(later(), QuoteTick{instrument, bid, Price{bid.raw + 50'000'000}, qty_of(100), qty_of(100)});
        }
    }
    /// Everything since event 0, as a log.
    std::unique_ptr<MemoryLog> whole() {
        std::unique_ptr<MemoryLog> longer = log_of(events_of(*log_));
        REQUIRE(longer->append(batch_));
        return longer;
    }

private:
    std::unique_ptr<MemoryLog> log_;
    Batch batch_;
    Reexecution reexecution_;
    Time now_;
    std::int64_t told_ = 0;
};

/// The log without one event, and with what follows linked as before.
std::vector<DecodedEvent> without(std::vector<DecodedEvent> events, Seq seq) {
    events.erase(events.begin() + static_cast<std::ptrdiff_t>(seq));
    for (Seq i = seq; i < events.size(); ++i) {
        for (Seq* link : {&events[i].envelope.correlation, &events[i].envelope.causation}) {
            *link -= *link != kNoSeq && *link > seq ? 1U : 0U;
        }
    }
    return events;
}

std::size_t count_latches(const std::vector<DecodedEvent>& events, LatchScope scope) {
    return static_cast<std::size_t>(std::ranges::count_if(events, [&](const DecodedEvent& event) {
        const auto* latched = std::get_if<KillSwitchLatched>(&event.event);
        return latched != nullptr && latched->scope == scope;
    }));
}

}  // namespace

TEST_CASE("a kill of every scope, a flattening, and a strategy let go on are decided again as they were", "[runtime]") {
    static constexpr StrategyId kMaker{1};  // it orders with every other quote
    GoingOn session;
    Kernel& kernel = session.kernel();
    session.quotes(50);
    kernel.take(session.later(), KillRequest{PortfolioId{0}, LatchScope::entries});
    session.quotes(50);
    kernel.take(session.later(), KillRequest{PortfolioId{0}, LatchScope::entries});  // it stands already: no trace
    kernel.take(session.later(), ReleaseRequest{PortfolioId{0}});
    session.quotes(200);
    kernel.take(session.later(), HaltRequest{kMaker, "too slow"});
    session.quotes(50);
    kernel.take(session.later(), ResumeRequest{kMaker});
    kernel.take(session.later(), ResumeRequest{kMaker});
    session.quotes(200);
    REQUIRE(std::ranges::any_of(session.portfolio().positions, [](const Position& p) { return p.net.raw != 0; }));
    kernel.take(session.later(), KillRequest{PortfolioId{0}, LatchScope::flatten});
    session.quotes(10);
    CHECK(session.portfolio().latch == LatchScope::all);
    CHECK(std::ranges::all_of(session.portfolio().positions, [](const Position& p) { return p.net.raw == 0; }));
    kernel.take(session.later(), KillRequest{PortfolioId{0}, LatchScope::all});  // stands already
    kernel.take(session.later(100), ReleaseRequest{PortfolioId{0}});
    session.quotes(50);

    const std::unique_ptr<MemoryLog> log = session.whole();
    const std::vector<DecodedEvent> events = events_of(*log);
    CHECK(count_latches(events, LatchScope::entries) == 1);
    CHECK(count_latches(events, LatchScope::flatten) == 1);
    CHECK(count_latches(events, LatchScope::all) == 1);
    CHECK(std::ranges::any_of(events, [](const DecodedEvent& event) {
        const auto* fill = std::get_if<OrderFilled>(&event.event);
        return fill != nullptr && fill->strategy == kOperator;
    }));
    const Result<Reexecuted> again = reexecute(*log);
    REQUIRE(again);
    CHECK_FALSE(again->disagreement);
    CHECK(again->compared == log->next_seq());
    CHECK(state_digest(folded(*log, log->next_seq())) == state_digest(kernel.state()));

    // Had nobody let it go on, it would not have ordered anything.
    const Seq resumed = place_of<StrategyResumed>(events);
    const auto orders = [](const DecodedEvent& event) {
        const auto* order = std::get_if<OrderIntended>(&event.event);
        return order != nullptr && order->strategy == kMaker;
    };
    const auto first_order = std::find_if(events.begin() + static_cast<std::ptrdiff_t>(resumed), events.end(), orders);
    REQUIRE(first_order != events.end());
    const Result<Reexecuted> halted = reexecute(*log_of(without(events, resumed)));
    REQUIRE(halted);
    REQUIRE(halted->disagreement);
    CHECK(halted->disagreement->seq > resumed);
    CHECK(halted->disagreement->seq < first_order->envelope.seq);
    REQUIRE(halted->disagreement->logged);
    // And under another scope nothing would have been closed.
    for (const auto& [was, is] :
         {std::pair(LatchScope::flatten, LatchScope::all), std::pair(LatchScope::flatten, LatchScope::entries)}) {
        std::vector<DecodedEvent> other = events;
        for (DecodedEvent& event : other) {
            auto* latched = std::get_if<KillSwitchLatched>(&event.event);
            if (latched != nullptr && latched->scope == was) {
                latched->scope = is;
            }
        }
        const Result<Reexecuted> decided = reexecute(*log_of(other));
        REQUIRE(decided);
        CHECK(decided->disagreement);
    }
}

TEST_CASE("a strategy that was let go on which there is not was let go on by nobody", "[runtime]") {
    std::vector<DecodedEvent> events = events_of(*run_story("round-trip"));
    events.push_back({{0, events.back().envelope.time, kNoSeq, kNoSeq}, StrategyResumed{StrategyId{7}}, 0});
    const Result<Reexecuted> again = reexecute(*log_of(events));
    REQUIRE(again);
    CHECK(again->disagreement);
}

TEST_CASE("a journal of rules 1 folds and verifies, and cannot be decided again", "[runtime]") {
    struct Row {
        const char* name;
        Seq events;
        const char* head;
    };
    // As tests/store/journals/heads.txt has them.
    const Row rows[] = {
        {"v1-two-portfolios", 12, "92f0998819ee3715e6f937789e3e1ee00485aecaf1b9b62cd868e2e6e34072ea"},
        {"v1-kill-switch", 20, "f27e44c2a37f658d6e5c339e47c939c7ebbbe7b4c36409b2a78f1a1e777ca525"},
        {"v2-two-portfolios", 12, "92f0998819ee3715e6f937789e3e1ee00485aecaf1b9b62cd868e2e6e34072ea"},
        {"v2-kill-switch", 20, "f27e44c2a37f658d6e5c339e47c939c7ebbbe7b4c36409b2a78f1a1e777ca525"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const TempFolder folder;
        std::filesystem::copy(std::string(ALPHA_SOURCE_DIR) + "/tests/store/journals/" + row.name, folder / "old",
                              std::filesystem::copy_options::recursive);
        const auto journal = open_journal(folder / "old");
        REQUIRE(journal);
        CHECK((*journal)->next_seq() == row.events);
        CHECK(to_hex((*journal)->head()) == row.head);
        CHECK(verify_journal(**journal));
        const State state = folded(**journal, row.events);
        CHECK(state.config.rules == 1);
        check_invariants(state);
        for (const Portfolio& portfolio : state.portfolios) {
            CHECK((portfolio.latch == LatchScope::none || portfolio.latch == LatchScope::all));
        }
        const Result<Reexecuted> again = reexecute(**journal);
        REQUIRE_FALSE(again);
        CHECK(again.error().kind == ErrorKind::data);
        CHECK(again.error().message.find("written under rules 1") != std::string::npos);
    }
}

TEST_CASE("a log that no session of this program can have written is refused", "[runtime]") {
    std::vector<DecodedEvent> events = events_of(*run_story("round-trip"));
    const auto refused = [&] {
        const Result<Reexecuted> again = reexecute(*log_of(events));
        REQUIRE_FALSE(again);
        CHECK(again.error().kind == ErrorKind::data);
        return again.error().message;
    };
    SECTION("a strategy that does not exist") {
        std::get<RunConfigured>(events[0].event).strategies[0].use = "crystal_ball";
        const std::string message = refused();
        CHECK(message.find("crystal_ball") != std::string::npos);
    }
    SECTION("a portfolio that does not exist") {
        std::get<RunConfigured>(events[0].event).strategies[0].portfolio = PortfolioId{7};
        refused();
    }
    SECTION("an instrument that was never listed") {
        std::get<QuoteTick>(events[place_of<QuoteTick>(events)].event).instrument = InstrumentId{99};
        refused();
    }
    SECTION("time that runs backwards") {
        events[place_of<QuoteTick>(events, 2)].envelope.time = Time{1};
        refused();
    }
    SECTION("a log without its configuration") {
        events.erase(events.begin());
        for (DecodedEvent& event : events) {
            event.envelope.correlation = event.envelope.causation = kNoSeq;
        }
        events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(place_of<QuoteTick>(events)));
        refused();
    }
}

TEST_CASE("two logs differ where their events first do, however their frames are cut", "[runtime]") {
    const std::vector<DecodedEvent> events = events_of(*run_synth(3'000));
    const std::unique_ptr<MemoryLog> a = log_of(events, 100);
    for (const std::size_t per_frame : {1U, 7U, 100U, 333U, 1'000'000U}) {
        const std::unique_ptr<MemoryLog> b = log_of(events, per_frame);
        const auto same = first_difference(*a, *b);
        REQUIRE(same);
        CHECK_FALSE(*same);
    }
    std::mt19937_64 random = random_from(8);
    for (int i = 0; i < 30; ++i) {
        std::vector<DecodedEvent> other = events;
        const Seq seq = i == 0 ? 0 : random() % other.size();
        other[seq].envelope.time.ns += 1;
        const std::unique_ptr<MemoryLog> b = log_of(other, 1 + random() % 400);
        CHECK(first_difference(*a, *b).value() == seq);
        CHECK(first_difference(*b, *a).value() == seq);
        CHECK_FALSE(first_difference(*a, *b, seq + 1).value());

        other.resize(1 + random() % (other.size() - 1));
        other[std::min<Seq>(seq, other.size() - 1)].envelope.time =
            events[std::min<Seq>(seq, other.size() - 1)].envelope.time;
        const std::unique_ptr<MemoryLog> shorter = log_of(other, 1 + random() % 400);
        CHECK(first_difference(*a, *shorter).value() == other.size());
        CHECK(first_difference(*shorter, *a).value() == other.size());
    }
    const std::unique_ptr<MemoryLog> empty = make_memory_log();
    CHECK(first_difference(*empty, *a).value() == 0);
    CHECK_FALSE(first_difference(*empty, *empty).value());
}
