// Several brokers on one feed: what one does is no business of the others.

#include "runtime/logging.hpp"
#include "runtime/reexecution.hpp"
#include "runtime/session.hpp"
#include "tests/runtime/support.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace alpha;
using namespace alpha::runtime_test;

namespace {

struct Ran {
    std::unique_ptr<MemoryLog> log;
    RunResult result;
};

/// Brokers as `brokers:` takes them; the first is that of the portfolio main, the second that of shadow.
struct Desk {
    std::string name;
    std::string settings;
};

/// Random walks of two instruments as minute bars and as quotes in between, so that every fill model has its market.
void write_market(const TempFolder& folder, std::uint64_t seed) {
    std::string bars = "timestamp,instrument,open,high,low,close,volume\n";
    std::string quotes = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
    std::uint64_t dice = seed * 2 + 1;
    const auto roll = [&](std::uint64_t sides) {
        dice = dice * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
        return static_cast<std::int64_t>((dice >> 33U) % sides);
    };
    const std::int64_t start = 1'704'186'900;  // 2024-01-02T09:15+05:30
    std::int64_t price[2]{10'000, 25'000};     // in 0.01
    const auto text = [](std::int64_t cents) { return fmt::format("{}.{:02}", cents / 100, cents % 100); };
    for (std::int64_t minute = 0; minute < 180; ++minute) {
        std::map<std::int64_t, std::string> by_time;
        for (int i = 0; i < 2; ++i) {
            const std::int64_t open = price[i] + roll(21) - 10;
            const std::int64_t close = open + roll(81) - 40;
            const std::int64_t high = std::max(open, close) + roll(30);
            const std::int64_t low = std::min(open, close) - roll(30);
            bars += fmt::format("{},{},{},{},{},{},100\n", to_iso(Time{(start + minute * 60) * 1'000'000'000}),
                                i == 0 ? "AAA" : "BBB", text(open), text(high), text(low), text(close));
            for (int q = 0; q < 4; ++q) {
                const std::int64_t bid = low + roll(static_cast<std::uint64_t>(high - low + 1));
                const std::int64_t at = (start + minute * 60 + 3 + std::int64_t{q} * 13 + i) * 1'000'000'000;
                by_time[at] = fmt::format("{},{},{},{},{},{}\n", at, i == 0 ? "AAA" : "BBB", text(bid), 1 + roll(40),
                                          text(bid + 1 + roll(8)), 1 + roll(40));
            }
            price[i] = close;
        }
        for (const auto& [at, line] : by_time) {
            quotes += line;
        }
    }
    write_text(folder / "bars.csv", bars);
    write_text(folder / "quotes.csv", quotes);
}

std::string strategies_in(const std::string& portfolio) {
    return fmt::format(R"(
  - {{id: {0}-cross, use: ema_cross, portfolio: {0}, instruments: [AAA, BBB], params: {{fast: 3, slow: 9, quantity: 30}}}}
  - {{id: {0}-maker, use: market_maker, portfolio: {0}, instruments: [BBB],
     params: {{quantity: 10, half_spread: 0.10, max_inventory: 50, requote: 0.05}}}})",
                       portfolio);
}

Ran run(const TempFolder& folder, const std::vector<Desk>& desks, const std::vector<std::string>& portfolios) {
    std::string text = "name: desks\naccount: {currency: INR}\ndata:\n  - {file: quotes.csv, kind: quotes}\n"
                       "  - {file: bars.csv, kind: bars, interval: 1m}\nsnapshot_interval: 300s\n"
                       "risk: {max_open_orders: 6, max_position: 80, max_daily_loss: 20000}\n"
                       "charges: {per_fill: 1, rate: 0.0003}\nbrokers:\n";
    for (const Desk& desk : desks) {
        text += fmt::format("  {}: {{paper: {}}}\n", desk.name, desk.settings);
    }
    text += "portfolios:\n";
    for (std::size_t i = 0; i < portfolios.size(); ++i) {
        text += fmt::format("  {}: {{cash: 1000000, broker: {}}}\n", portfolios[i], desks[i].name);
    }
    text += "strategies:";
    for (const std::string& portfolio : portfolios) {
        text += strategies_in(portfolio);
    }
    const Result<Scenario> scenario = parse_scenario(text + "\n", folder / "s.yaml");
    INFO(text << (scenario ? std::string() : scenario.error().message));
    REQUIRE(scenario);
    Ran ran{make_memory_log(), {}};
    const Loggers loggers({.verbosity = -1, .file = ""});
    RunOptions options;
    options.log = loggers.of("session");
    Result<RunResult> result = run_scenario(*scenario, *ran.log, options);
    INFO((result ? std::string() : result.error().message));
    REQUIRE(result);
    ran.result = std::move(*result);
    return ran;
}

/// Everything that happened in a portfolio, without the numbers that count over all of them.
std::vector<std::string> story_of(const LogReader& log, PortfolioId portfolio) {
    std::vector<std::string> story;
    std::map<OrderId, std::size_t> ours;
    REQUIRE(for_each_event(log, 0, [&](const Envelope& at, const Event& event) {
        if (const auto* order = std::get_if<OrderIntended>(&event); order != nullptr && order->portfolio == portfolio) {
            ours.emplace(order->order, ours.size());
            story.push_back(fmt::format("{} ask {} {} {} {}", at.time.ns, ours[order->order],
                                        name_of(order->terms.side), to_string(order->terms.quantity),
                                        to_string(order->terms.limit_price)));
        } else if (const auto* fill = std::get_if<OrderFilled>(&event);
                   fill != nullptr && fill->portfolio == portfolio) {
            story.push_back(fmt::format("{} fill {} {} {} charges {} realized {} trade {}", at.time.ns,
                                        ours[fill->order], to_string(fill->quantity), to_string(fill->price),
                                        to_string(fill->charges), to_string(fill->realized_pnl), fill->trade));
        } else if (const auto* gone = std::get_if<OrderCancelled>(&event);
                   gone != nullptr && ours.contains(gone->order)) {
            story.push_back(fmt::format("{} cancelled {}", at.time.ns, ours[gone->order]));
        } else if (const auto* books = std::get_if<PnlSnapshot>(&event);
                   books != nullptr && books->portfolio == portfolio) {
            story.push_back(fmt::format("{} cash {} equity {} open {}", at.time.ns, to_string(books->cash),
                                        to_string(books->equity), books->open_orders));
        } else if (const auto* refused = std::get_if<OrderRefused>(&event);
                   refused != nullptr && refused->portfolio == portfolio) {
            story.push_back(fmt::format("{} refused {}", at.time.ns, name_of(refused->rule)));
        }
        return true;
    }));
    return story;
}

const std::vector<Desk> kDesks{{"touch", "{fill: touch}"},
                               {"slow", "{fill: next_open}"},
                               {"late", "{fill: touch, latency: 40s, slippage: 0.03}"},
                               {"later", "{fill: next_open, latency: 90s}"},
                               {"thin", "{fill: touch, use_size: true}"}};

}  // namespace

TEST_CASE("a broker beside the first changes nothing of the first's orders, fills, cash and equity", "[runtime]") {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        const TempFolder folder;
        write_market(folder, seed);
        const Desk& first = kDesks[seed % kDesks.size()];
        const Desk& second = kDesks[(seed + 1 + seed % 3) % kDesks.size()];
        REQUIRE(first.name != second.name);
        CAPTURE(seed, first.name, second.name);
        const Ran alone = run(folder, {first}, {"main"});
        const Ran shadow_alone = run(folder, {second}, {"shadow"});
        const Ran both = run(folder, {first, second}, {"main", "shadow"});
        const std::vector<std::string> main = story_of(*alone.log, PortfolioId{0});
        const std::vector<std::string> shadow = story_of(*shadow_alone.log, PortfolioId{0});
        CHECK(alone.result.fills > 20);
        CHECK(shadow_alone.result.fills > 20);
        CHECK(main != shadow);  // else the two could not be told apart
        CHECK(story_of(*both.log, PortfolioId{0}) == main);
        CHECK(story_of(*both.log, PortfolioId{1}) == shadow);
        REQUIRE(both.result.portfolios.size() == 2);
        CHECK(both.result.portfolios[0].cash == alone.result.cash);
        CHECK(both.result.portfolios[0].equity == alone.result.equity);
        CHECK(both.result.portfolios[1].cash == shadow_alone.result.cash);
        CHECK(both.result.portfolios[1].equity == shadow_alone.result.equity);
        CHECK(both.result.portfolios[0].broker == first.name);
        CHECK(both.result.brokers[1].portfolios == std::vector<std::string>{"shadow"});
        CHECK_FALSE(reexecute(*both.log)->disagreement);
    }
}

TEST_CASE("each broker's orders come back from a checkpoint to it and to no other", "[runtime]") {
    const TempFolder folder;
    write_market(folder, 11);
    const Ran both = run(folder, {kDesks[3], kDesks[4]}, {"main", "shadow"});
    Frame made;
    Reexecution reexecution(made, nullptr, make_built_in_components);
    std::size_t with_orders_at_both = 0;
    REQUIRE(both.log->scan(0, [&](const Frame& frame) {
        REQUIRE(reexecution.feed(frame).value_or(false));
        Kernel& kernel = *reexecution.kernel();
        std::array<bool, 2> resting{};
        for (const auto& [id, order] : kernel.state().open_orders) {
            resting[order.broker.value] = true;
        }
        with_orders_at_both += resting[0] && resting[1] ? 1U : 0U;
        std::array<ByteBuffer, 2> states;
        for (const std::size_t b : {0U, 1U}) {
            kernel.parts().venues[b]->save(states[b]);
        }
        CHECK_FALSE(std::ranges::equal(states[0].view(), states[1].view()));
        StoredSnapshot checkpoint;
        checkpoint.next_seq = kernel.state().next_seq;
        save_checkpoint(kernel.state(), kernel.parts().strategies, kernel.parts().venues, std::nullopt,
                        checkpoint.bytes);
        Frame again;
        const auto loaded = Reexecution::from(checkpoint, again, nullptr, make_built_in_components);
        REQUIRE(loaded);
        for (const std::size_t b : {0U, 1U}) {
            ByteBuffer restored;
            (*loaded)->kernel()->parts().venues[b]->save(restored);
            CHECK(std::ranges::equal(restored.view(), states[b].view()));
        }
        // From here on it decides what the log holds: a request at the wrong broker would fill otherwise.
        bool same = true;
        REQUIRE(both.log->scan(checkpoint.next_seq, [&](const Frame& rest) {
            same = (*loaded)->feed(rest).value_or(false);
            return same;
        }));
        CHECK(same);
        return true;
    }));
    CHECK(with_orders_at_both > 0);
}
