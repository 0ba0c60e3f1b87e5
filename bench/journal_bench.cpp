/// Events per second through each stage between the kernel and the disk and back, on the log of a session over a
/// synthetic market (`make bench`). Journals are made under TMPDIR, whose disk decides what a sync costs. Compare
/// within one run.

#include "bench/market.hpp"
#include "kernel/kernel.hpp"
#include "runtime/fold.hpp"
#include "store/background_log.hpp"
#include "store/frame.hpp"
#include "store/journal.hpp"
#include "store/verify.hpp"
#include "strategies/catalog.hpp"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <chrono>
#include <filesystem>
#include <unistd.h>

namespace alpha {
namespace {

/// Frames as the kernel wrote them: event 0, quotes, orders and fills of a strategy that follows crosses.
struct Log {
    std::vector<Frame> frames;
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
};

Frame copy_of(const Frame& frame) {
    Frame copy;
    copy.first_seq = frame.first_seq;
    copy.events = frame.events;
    copy.leaf_cuts = frame.leaf_cuts;
    copy.bytes.append(frame.bytes.view());
    return copy;
}

const Log& session_log() {
    static const Log made = [] {
        const RunConfigured c = config(false);
        const auto broker = make_paper_broker(PaperSettings{});
        Kernel::Components parts;
        parts.strategies.push_back(find_strategy("ema_cross")->make(c.strategies[0], c.instruments));
        parts.venues.push_back(broker.get());
        Frame frame;
        Kernel kernel(std::move(parts), frame);
        kernel.configure(c);
        Log log;
        const auto keep = [&] {
            log.events += frame.events;
            log.bytes += frame.bytes.size();
            log.frames.push_back(copy_of(frame));
            frame.begin(frame.next_seq());
        };
        for (const Tick& tick : ticks()) {
            kernel.take(tick.time, tick.quote);
            if (frame.events >= kFrameEvents) {
                keep();
            }
        }
        if (frame.events != 0) {
            keep();
        }
        return log;
    }();
    return made;
}

void per_event(benchmark::State& state) {
    const auto events = static_cast<std::int64_t>(session_log().events);
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * events);
}

template <class T>
T must(Result<T> result) {
    if (!result) {
        give_up(result.error().message);
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

/// A folder of this process for journals, empty at first and gone at its end.
class Scratch {
public:
    Scratch() : path_(std::filesystem::temp_directory_path() / ("alpha-journal-bench-" + std::to_string(::getpid()))) {
        std::filesystem::create_directories(path_);
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    std::string fresh(const std::string& name) const {
        const std::filesystem::path path = path_ / name;
        std::filesystem::remove_all(path);
        return path.string();
    }

private:
    std::filesystem::path path_;
};

const Scratch& scratch() {
    static const Scratch here;
    return here;
}

void write(LogWriter& log) {
    Batch batch;
    for (const Frame& frame : session_log().frames) {
        batch.begin(frame.first_seq);
        batch.frame.events = frame.events;
        batch.frame.leaf_cuts = frame.leaf_cuts;
        batch.frame.bytes.append(frame.bytes.view());
        must(log.append(batch));
    }
    must(log.finish(std::nullopt));
}

/// The session's log as a journal, for what reads.
const std::string& journal_path() {
    static const std::string made = [] {
        std::string path = scratch().fresh("read");
        write(*must(create_journal(path)));
        return path;
    }();
    return made;
}

std::unique_ptr<Journal> opened() {
    return must(open_journal(journal_path()));
}

// ---- in memory -----------------------------------------------------------------------------------------------------------

void BM_log_encode_frame(benchmark::State& state) {
    ByteBuffer stored;
    std::uint64_t bytes = 0;
    for (auto _ : state) {
        bytes = 0;
        for (const Frame& frame : session_log().frames) {
            stored.clear();
            encode_frame(frame, stored);
            bytes += stored.size();
        }
        benchmark::DoNotOptimize(stored.data());
    }
    per_event(state);
    const auto events = static_cast<double>(session_log().events);
    state.counters["stored_bytes_per_event"] = static_cast<double>(bytes) / events;
    state.counters["canonical_bytes_per_event"] = static_cast<double>(session_log().bytes) / events;
}
BENCHMARK(BM_log_encode_frame)->Unit(benchmark::kMillisecond);

void BM_log_decode_frame(benchmark::State& state) {
    std::vector<ByteBuffer> stored;
    for (const Frame& frame : session_log().frames) {
        encode_frame(frame, stored.emplace_back());
    }
    Frame frame;
    for (auto _ : state) {
        for (std::size_t i = 0; i < stored.size(); ++i) {
            must(decode_frame(stored[i].view(), session_log().frames[i].first_seq, frame));
        }
        benchmark::DoNotOptimize(frame.bytes.data());
    }
    per_event(state);
}
BENCHMARK(BM_log_decode_frame)->Unit(benchmark::kMillisecond);

void BM_log_hash_chain(benchmark::State& state) {
    for (auto _ : state) {
        ChainHasher chain;
        for (const Frame& frame : session_log().frames) {
            chain.append(frame);
        }
        benchmark::DoNotOptimize(chain.head());
    }
    per_event(state);
}
BENCHMARK(BM_log_hash_chain)->Unit(benchmark::kMillisecond);

void BM_log_visit_and_apply(benchmark::State& state) {
    for (auto _ : state) {
        State books;
        for (const Frame& frame : session_log().frames) {
            must(visit_events(frame, 0, [&](const Envelope& envelope, const auto& event) {
                apply(books, envelope, event);
                return true;
            }));
        }
        benchmark::DoNotOptimize(books.next_seq);
    }
    per_event(state);
}
BENCHMARK(BM_log_visit_and_apply)->Unit(benchmark::kMillisecond);

// ---- writing -------------------------------------------------------------------------------------------------------------

/// With the copy of each frame that a kernel would not make (some 10 GB/s), and the journal durable at the end.
void BM_journal_create_on_this_thread(benchmark::State& state) {
    for (auto _ : state) {
        state.PauseTiming();
        const std::string path = scratch().fresh("created");
        state.ResumeTiming();
        write(*must(create_journal(path)));
    }
    per_event(state);
}
BENCHMARK(BM_journal_create_on_this_thread)->Unit(benchmark::kMillisecond)->UseRealTime();

void BM_journal_create_through_background_log(benchmark::State& state) {
    for (auto _ : state) {
        state.PauseTiming();
        const std::string path = scratch().fresh("created");
        state.ResumeTiming();
        write(*make_background_log(must(create_journal(path))));
    }
    per_event(state);
}
BENCHMARK(BM_journal_create_through_background_log)->Unit(benchmark::kMillisecond)->UseRealTime();

constexpr std::int64_t kBatches = 200;

double quantile_us(std::vector<double>& seconds, double q) {
    const auto at = seconds.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(seconds.size() - 1));
    std::nth_element(seconds.begin(), at, seconds.end());
    return *at * 1e6;
}

/// Batches of state.range(0) quotes, each appended and, when asked, made durable before the next: what a live session
/// waits for. The latencies are those of one batch.
void append_batches(benchmark::State& state, bool committed) {
    const auto size = static_cast<std::uint64_t>(state.range(0));
    const auto log = must(continue_journal(scratch().fresh("continued")));
    Batch batch;
    std::vector<double> seconds;
    Seq seq = 0;
    for (auto _ : state) {
        batch.begin(seq);
        for (const Seq end = seq + size; seq < end; ++seq) {
            const Tick& tick = ticks()[seq];
            append(batch.frame, Envelope{seq, tick.time, kNoSeq, kNoSeq}, tick.quote);
        }
        const auto begun = std::chrono::steady_clock::now();
        must(log->append(batch));
        if (committed) {
            must(log->commit());
        }
        seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
        state.SetIterationTime(seconds.back());
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
    state.counters["p50_us"] = quantile_us(seconds, 0.5);
    state.counters["p99_us"] = quantile_us(seconds, 0.99);
}
static_assert(kBatches * 1'024 <= static_cast<std::int64_t>(kTicks), "time must not run backwards within a journal");

void BM_journal_continue_with_sync(benchmark::State& state) {
    append_batches(state, true);
}
BENCHMARK(BM_journal_continue_with_sync)
    ->ArgName("batch")
    ->Arg(1)
    ->Arg(64)
    ->Arg(1'024)
    ->Iterations(kBatches)
    ->Unit(benchmark::kMicrosecond)
    ->UseManualTime();

void BM_journal_continue_without_sync(benchmark::State& state) {
    append_batches(state, false);
}
BENCHMARK(BM_journal_continue_without_sync)
    ->ArgName("batch")
    ->Arg(1)
    ->Arg(64)
    ->Arg(1'024)
    ->Iterations(kBatches)
    ->Unit(benchmark::kMicrosecond)
    ->UseManualTime();

// ---- reading -------------------------------------------------------------------------------------------------------------

void BM_journal_scan(benchmark::State& state) {
    const auto journal = opened();
    for (auto _ : state) {
        must(journal->scan(0, [](Frame&) { return true; }));
    }
    per_event(state);
}
BENCHMARK(BM_journal_scan)->Unit(benchmark::kMillisecond)->UseRealTime();

void BM_journal_scan_and_fold(benchmark::State& state) {
    const auto journal = opened();
    for (auto _ : state) {
        State books;
        must(journal->scan(0, [&](Frame& frame) {
            must(visit_events(frame, 0, [&](const Envelope& envelope, const auto& event) {
                apply(books, envelope, event);
                return true;
            }));
            return true;
        }));
        benchmark::DoNotOptimize(books.next_seq);
    }
    per_event(state);
}
BENCHMARK(BM_journal_scan_and_fold)->Unit(benchmark::kMillisecond)->UseRealTime();

/// What `alpha replay` does: frames are read on a second thread.
void BM_journal_scan_ahead_and_fold(benchmark::State& state) {
    const auto journal = opened();
    for (auto _ : state) {
        State books;
        must(fold(*journal, journal->next_seq(), books));
        benchmark::DoNotOptimize(books.next_seq);
    }
    per_event(state);
}
BENCHMARK(BM_journal_scan_ahead_and_fold)->Unit(benchmark::kMillisecond)->UseRealTime();

void BM_journal_verify_chain(benchmark::State& state) {
    const auto journal = opened();
    for (auto _ : state) {
        must(verify_chain(*journal,
                          {.promised = journal->promised(), .threads = static_cast<unsigned>(state.range(0))}));
    }
    per_event(state);
}
BENCHMARK(BM_journal_verify_chain)
    ->ArgName("threads_used")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void BM_journal_open_to_read(benchmark::State& state) {
    opened();
    for (auto _ : state) {
        opened();
    }
}
BENCHMARK(BM_journal_open_to_read)->Unit(benchmark::kMillisecond)->UseRealTime();

/// Verifies all of it first, so this grows with the journal: here about a million events.
void BM_journal_open_to_continue(benchmark::State& state) {
    const std::string path = scratch().fresh("reopened");
    std::filesystem::copy(journal_path(), path, std::filesystem::copy_options::recursive);
    for (auto _ : state) {
        must(continue_journal(path));
    }
    per_event(state);
}
BENCHMARK(BM_journal_open_to_continue)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace alpha

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    alpha::session_log();  // made before anything is timed
    benchmark::RunSpecifiedBenchmarks();
}
