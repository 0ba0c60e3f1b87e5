/// Ticks per second through the kernel in memory, whole and by stage, on a synthetic market (`make bench`). Every figure is
/// items per second of one thread; compare within one run, these machines are noisy.

#include "adapters/paper/paper_broker.hpp"
#include "bench/market.hpp"
#include "kernel/kernel.hpp"
#include "store/chain.hpp"
#include "strategies/catalog.hpp"

#include <benchmark/benchmark.h>

namespace alpha {
namespace {

void per_tick(benchmark::State& state) {
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(ticks().size()));
}

void run_kernel(benchmark::State& state, bool with_risk, bool hashed) {
    const RunConfigured c = config(with_risk);
    std::uint64_t fills = 0;
    for (auto _ : state) {
        const auto broker = make_paper_broker(PaperSettings{});
        Kernel::Components parts;
        parts.strategies.push_back(find_strategy("ema_cross")->make(c.strategies[0], c.instruments));
        parts.venues.push_back(broker.get());
        Frame frame;
        ChainHasher chain;
        Kernel kernel(std::move(parts), frame);
        kernel.configure(c);
        for (const Tick& tick : ticks()) {
            kernel.take(tick.time, tick.quote);
            if (frame.events >= kFrameEvents) {
                if (hashed) {
                    chain.append(frame);
                }
                frame.begin(frame.next_seq());
            }
        }
        fills = kernel.state().fills;
    }
    per_tick(state);
    state.counters["fills"] = static_cast<double>(fills);
}

void BM_kernel_ema_cross_marking_risk_paper(benchmark::State& state) {
    run_kernel(state, true, false);
}
BENCHMARK(BM_kernel_ema_cross_marking_risk_paper)->Unit(benchmark::kMillisecond);

void BM_kernel_without_risk_rules(benchmark::State& state) {
    run_kernel(state, false, false);
}
BENCHMARK(BM_kernel_without_risk_rules)->Unit(benchmark::kMillisecond);

void BM_kernel_with_hash_chain_on_the_same_thread(benchmark::State& state) {
    run_kernel(state, true, true);
}
BENCHMARK(BM_kernel_with_hash_chain_on_the_same_thread)->Unit(benchmark::kMillisecond);

Frame encoded_frame() {
    Frame frame;
    frame.begin(0);
    for (Seq seq = 0; seq < ticks().size(); ++seq) {
        append(frame, Envelope{seq, ticks()[seq].time, kNoSeq, kNoSeq}, ticks()[seq].quote);
    }
    return frame;
}

void BM_stage_decode(benchmark::State& state) {
    const Frame frame = encoded_frame();
    for (auto _ : state) {
        Bytes rest = frame.bytes.view();
        Seq seq = 0;
        while (!rest.empty()) {
            const auto header = decode_header(rest, seq);
            QuoteTick quote;
            const bool good =
                header && decode_payload(rest.subspan(header->header_bytes, header->payload_bytes), quote);
            if (!good) {
                give_up("a frame does not decode");
            }
            benchmark::DoNotOptimize(quote);
            rest = rest.subspan(header->total_bytes());
            ++seq;
        }
    }
    per_tick(state);
}
BENCHMARK(BM_stage_decode)->Unit(benchmark::kMillisecond);

void BM_stage_mark(benchmark::State& state) {
    for (auto _ : state) {
        State books;
        RunConfigured c = config(false);
        apply(books, Envelope{0, Time{0}, kNoSeq, kNoSeq}, c);
        for (const Tick& tick : ticks()) {
            apply(books, Envelope{books.next_seq, tick.time, kNoSeq, kNoSeq}, tick.quote);
        }
        benchmark::DoNotOptimize(books.markets.data());
    }
    per_tick(state);
}
BENCHMARK(BM_stage_mark)->Unit(benchmark::kMillisecond);

void BM_stage_paper_broker(benchmark::State& state) {
    const auto broker = make_paper_broker(PaperSettings{});
    Reports reports;
    for (auto _ : state) {
        for (const Tick& tick : ticks()) {
            broker->on_quote(tick.time, tick.quote, reports);
        }
        benchmark::DoNotOptimize(reports.size());
    }
    per_tick(state);
}
BENCHMARK(BM_stage_paper_broker)->Unit(benchmark::kMillisecond);

/// Takes a strategy's requests and forgets them.
class Deaf final : public Context {
public:
    explicit Deaf(const State& state) : view_(state, StrategyId{0}) {}
    const View& view() const override { return view_; }
    OrderId place(const OrderTerms&) override { return OrderId{++placed_}; }
    OrderId place_linked(std::span<const OrderTerms>) override { return OrderId{++placed_}; }
    void cancel(OrderId) override {}
    void modify(OrderId, Qty, Price, Price) override {}
    void set_timer(TimerId, Time) override {}
    void cancel_timer(TimerId) override {}
    void signal(InstrumentId, Direction) override {}

private:
    View view_;
    std::uint64_t placed_ = 0;
};

void BM_stage_strategy_ema_cross(benchmark::State& state) {
    const RunConfigured c = config(false);
    State books;
    apply(books, Envelope{0, Time{0}, kNoSeq, kNoSeq}, c);
    Deaf context(books);
    for (auto _ : state) {
        const auto strategy = find_strategy("ema_cross")->make(c.strategies[0], c.instruments);
        for (const Tick& tick : ticks()) {
            strategy->on_quote(tick.quote, context);
        }
    }
    per_tick(state);
}
BENCHMARK(BM_stage_strategy_ema_cross)->Unit(benchmark::kMillisecond);

void BM_stage_encode(benchmark::State& state) {
    Frame frame;
    for (auto _ : state) {
        Seq seq = 0;
        frame.begin(seq);
        for (const Tick& tick : ticks()) {
            append(frame, Envelope{seq, tick.time, kNoSeq, kNoSeq}, tick.quote);
            if (++seq % kFrameEvents == 0) {
                frame.begin(seq);
            }
        }
        benchmark::DoNotOptimize(frame.bytes.data());
    }
    per_tick(state);
}
BENCHMARK(BM_stage_encode)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace alpha

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    alpha::ticks();  // made before anything is timed
    benchmark::RunSpecifiedBenchmarks();
}
