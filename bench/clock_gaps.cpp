/// What this machine adds to any latency: a thread looks at the clock and does nothing else, as if a tick came every ten
/// microseconds, and counts how late it sees each. Interrupts and whoever else has the processor show up as the tail.
///
///   clock_gaps SECONDS    prints the quantiles as JSON

#include "views/latency.hpp"

#include <chrono>
#include <cstdlib>
#include <fmt/format.h>

int main(int argc, char** argv) {
    const std::int64_t seconds = argc == 2 ? std::atoll(argv[1]) : 0;
    if (seconds <= 0) {
        fmt::print(stderr, "usage: clock_gaps SECONDS\n");
        return 2;
    }
    using Clock = std::chrono::steady_clock;
    alpha::LatencyHistogram late;
    Clock::time_point due = Clock::now();
    const Clock::time_point end = due + std::chrono::seconds(seconds);
    for (Clock::time_point now = due; now < end; now = Clock::now()) {
        for (; due <= now; due += std::chrono::microseconds(10)) {
            late.add((now - due).count());
        }
    }
    fmt::print("{{\"count\": {}, \"p50_ns\": {}, \"p99_ns\": {}, \"p999_ns\": {}, \"max_ns\": {}}}\n", late.count(),
               late.quantile_ns(0.5), late.quantile_ns(0.99), late.quantile_ns(0.999), late.max_ns());
}
