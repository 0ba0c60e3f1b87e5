/// What a broker outside costs the thread that decides, beside paper: a tick, an order; and how many orders a second are on disk before they leave.
/// Compare within one run (`make bench`), these machines are noisy.

#include "adapters/outside/outside_venue.hpp"
#include "bench/market.hpp"
#include "kernel/kernel.hpp"
#include "runtime/sends.hpp"
#include "store/background_log.hpp"
#include "store/journal.hpp"

#include <benchmark/benchmark.h>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <unistd.h>

namespace alpha {
namespace {

constexpr BrokerId kOutside{1};
constexpr std::uint32_t kLog = 1;

/// Buys and sells one share in turn, `every` so many quotes; zero: never. Nothing of it needs to be saved.
class Trader final : public Strategy {
public:
    explicit Trader(std::uint64_t every) : every_(every) {}
    void on_quote(const QuoteTick& quote, Context& context) override {
        if (every_ != 0 && ++seen_ % every_ == 0) {
            buys_ = !buys_;
            context.limit(quote.instrument, buys_ ? Side::buy : Side::sell, qty_of(1), buys_ ? quote.ask : quote.bid);
        }
    }
    void save(ByteBuffer&) const override {}
    Result<void> load(Bytes) override { return {}; }

private:
    std::uint64_t every_;
    std::uint64_t seen_ = 0;
    bool buys_ = false;
};

/// One portfolio on paper and one at a broker outside; the trader is at one of them.
RunConfigured two_brokers(bool is_outside) {
    RunConfigured c = config(false);
    c.risk.clear();
    c.brokers.push_back({"zerodha", "zerodha", {{"protection", "1%"}}});
    c.portfolios.push_back({"outside", money_of(1'000'000'000)});
    c.strategies.resize(1);
    c.strategies[0].portfolio = is_outside ? PortfolioId{1} : PortfolioId{0};
    c.strategies[0].broker = is_outside ? kOutside : BrokerId{0};
    return c;
}

/// A kernel with both brokers, the one outside up.
struct Desk {
    std::unique_ptr<Venue> paper = make_paper_broker(PaperSettings{});
    std::unique_ptr<Venue> outside = *make_outside_venue({});
    Frame frame;
    std::unique_ptr<Kernel> kernel;
    Outbox outbox;
    std::optional<Sends> sends;
    std::uint64_t trades = 0;

    Desk(const RunConfigured& c, std::uint64_t every, SendLimits limits) {
        Kernel::Components parts;
        parts.strategies.push_back(std::make_unique<Trader>(every));
        parts.venues = {paper.get(), outside.get()};
        kernel = std::make_unique<Kernel>(std::move(parts), frame);
        kernel->configure(c);
        OutsideRules rules;
        rules.needs_product = false;
        rules.backlog = 10'000;
        rules.order_age = Duration{30 * kDayNs};  // a hundred ticks may lie on both sides of a weekend
        kernel->take(Time{0}, BrokerRulesSet{kOutside, kLog, rules});
        kernel->take(Time{0}, BrokerSessionChanged{kOutside, SessionChange::up});
        sends.emplace(kernel->state(), kOutside, outbox, limits);
    }
    /// What the broker says of a message: taken, filled, and over.
    void answer(Time now, const OutsideMessage& message) {
        const OrderId order = message.started.order;
        const std::string id = std::to_string(order.value);
        const OrderTerms& terms = message.terms;
        kernel->take(now, SendEnded{order, Send::place, message.started.attempt, SendOutcome::acked, id, ""});
        BrokerTradeSeen trade{id, "NSE", id, terms.instrument, terms.side, terms.quantity, terms.limit_price, Date{}};
        trade.broker = kOutside;
        kernel->take(now, trade);
        BrokerOrderSeen row;
        row.broker = kOutside;
        row.broker_order = id;
        row.order_tag = message.tag;
        row.instrument = terms.instrument;
        row.side = terms.side;
        row.quantity = row.filled = terms.quantity;
        row.price = terms.limit_price;
        row.status = RowStatus::complete;
        row.placed_at = now;
        kernel->take(now, row);
    }
    void store() {
        if (frame.events >= kFrameEvents) {
            frame.begin(frame.next_seq());
        }
    }
};

/// No limit but the machine's.
SendLimits unlimited() {
    SendLimits limits;
    limits.in_window = limits.in_minute = limits.in_day = 1'000'000'000;
    return limits;
}

void run_ticks(benchmark::State& state, std::uint64_t every, bool is_outside, bool asks) {
    std::uint64_t orders = 0;
    std::uint64_t events = 0;
    for (auto _ : state) {
        Desk desk(two_brokers(is_outside), every, unlimited());
        for (const Tick& tick : ticks()) {
            desk.kernel->take(tick.time, tick.quote);
            if (asks && desk.sends->start(*desk.kernel, tick.time) != 0) {
                desk.outbox.set_durable(desk.kernel->state().next_seq);
                while (const std::optional<OutsideMessage> message = desk.outbox.take()) {
                    desk.answer(tick.time, *message);
                }
            }
            desk.store();
        }
        orders = desk.kernel->state().orders;
        events = desk.kernel->state().next_seq;
        if (every != 0 && desk.kernel->state().fills == 0) {
            give_up("no order has filled");
        }
    }
    const auto ran = static_cast<std::int64_t>(state.iterations());
    state.SetItemsProcessed(ran * static_cast<std::int64_t>(every == 0 ? ticks().size() : orders));
    state.counters["events"] = static_cast<double>(events);
}

void BM_tick_on_paper_alone(benchmark::State& state) {
    run_ticks(state, 0, false, false);
}
BENCHMARK(BM_tick_on_paper_alone)->Unit(benchmark::kMillisecond);
void BM_tick_beside_a_broker_outside(benchmark::State& state) {
    run_ticks(state, 0, true, true);
}
BENCHMARK(BM_tick_beside_a_broker_outside)->Unit(benchmark::kMillisecond);
/// An order every ten ticks.
void BM_order_on_paper(benchmark::State& state) {
    run_ticks(state, 10, false, false);
}
BENCHMARK(BM_order_on_paper)->Unit(benchmark::kMillisecond);
void BM_order_at_a_broker_outside(benchmark::State& state) {
    run_ticks(state, 10, true, true);
}
BENCHMARK(BM_order_at_a_broker_outside)->Unit(benchmark::kMillisecond);

/// So many orders at once, from their decision to when they may leave: intended, begun, and on disk.
void BM_durable_orders(benchmark::State& state) {
    const auto at_once = static_cast<std::uint64_t>(state.range(0));
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("alpha-outside-bench-" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder);
    {
        Result<std::unique_ptr<LogWriter>> journal = continue_journal(folder.string());
        if (!journal) {
            give_up(journal.error().message);
        }
        const std::unique_ptr<BackgroundLog> log = make_background_log(std::move(*journal), {});
        Desk desk(two_brokers(true), 1, unlimited());
        Batch batch;
        batch.begin(0);
        std::mutex mutex;
        std::condition_variable changed;
        Seq durable = 0;
        std::size_t next = 0;
        std::vector<double> seconds;
        const auto hand_over = [&] {
            std::swap(batch.frame, desk.frame);
            if (!log->append(batch)) {
                give_up("the log does not append");
            }
            desk.frame.begin(desk.kernel->state().next_seq);
        };
        for (auto _ : state) {
            const auto begun = std::chrono::steady_clock::now();
            for (std::uint64_t i = 0; i < at_once; ++i, ++next) {
                const Tick& tick = ticks()[next % ticks().size()];
                desk.kernel->take(std::max(tick.time, desk.kernel->state().now), tick.quote);
            }
            const Time now = desk.kernel->state().now;
            if (desk.sends->start(*desk.kernel, now) != at_once) {
                give_up("not every order was begun");
            }
            const Seq seq = desk.kernel->state().next_seq;
            hand_over();
            log->ask_commit([&, seq](const Result<void>&) {
                const std::lock_guard lock(mutex);
                durable = seq;
                changed.notify_one();
            });
            {
                std::unique_lock lock(mutex);
                changed.wait(lock, [&] { return durable == seq; });
            }
            seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
            state.SetIterationTime(seconds.back());
            desk.outbox.set_durable(seq);
            while (const std::optional<OutsideMessage> message = desk.outbox.take()) {
                desk.answer(now, *message);
            }
        }
        std::ranges::sort(seconds);
        state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
        state.counters["p50_us"] = seconds[seconds.size() / 2] * 1e6;
        state.counters["p99_us"] = seconds[seconds.size() * 99 / 100] * 1e6;
    }
    std::filesystem::remove_all(folder);
}
BENCHMARK(BM_durable_orders)
    ->ArgName("at_once")
    ->Arg(1)
    ->Arg(10)
    ->Arg(100)
    ->Iterations(500)
    ->Unit(benchmark::kMicrosecond)
    ->UseManualTime();

}  // namespace
}  // namespace alpha

BENCHMARK_MAIN();
