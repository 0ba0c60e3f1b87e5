#pragma once
/// What every benchmark runs on: the same ticks from the same seed, and the session that trades them.

#include "adapters/data/feed.hpp"
#include "adapters/paper/paper_broker.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace alpha {

inline constexpr std::uint64_t kTicks = 1'000'000;
inline constexpr std::uint32_t kFrameEvents = 1'024;

struct Tick {
    Time time;
    QuoteTick quote;
};

[[noreturn]] inline void give_up(const std::string& why) {
    std::fprintf(stderr, "benchmark: %s\n", why.c_str());
    std::exit(1);
}

/// Synthetic NSE days of four instruments, made once.
inline const std::vector<Tick>& ticks() {
    static const std::vector<Tick> made = [] {
        SynthSpec spec;
        spec.seed = 7;
        spec.ticks = kTicks;
        spec.instruments = {"NSE:A", "NSE:B", "NSE:C", "NSE:D"};
        DataSource source;
        source.synth = spec;
        auto feed = open_feed({source}, [](const std::string&) { return TradingHours{}; });
        if (!feed) {
            give_up(feed.error().message);
        }
        std::vector<Tick> all;
        all.reserve(kTicks);
        for (;;) {
            const auto batch = (*feed)->next();
            if (!batch) {
                give_up(batch.error().message);
            }
            if (batch->empty()) {
                return all;
            }
            for (const FeedRecord& record : *batch) {
                all.push_back({record.time, std::get<QuoteTick>(record.event)});
            }
        }
    }();
    return made;
}

/// A session that follows crosses in them.
inline RunConfigured config(bool with_risk) {
    RunConfigured c;
    c.name = "bench";
    c.currency = "INR";
    StrategyConfig strategy;
    strategy.name = "cross";
    strategy.use = "ema_cross";
    for (std::uint32_t i = 0; i < 4; ++i) {
        Instrument instrument;
        instrument.name = std::string("NSE:") + static_cast<char>('A' + i);
        c.instruments.push_back(instrument);
        strategy.instruments.push_back(InstrumentId{i});
    }
    c.portfolios = {{"main", money_of(10'000'000)}};
    c.brokers = {{"paper", "paper", to_settings(PaperSettings{})}};
    strategy.params = {{"fast", "100"}, {"quantity", "100"}, {"slow", "1000"}};
    c.strategies = {strategy};
    if (with_risk) {
        c.risk = {{Rule::order_quantity, money_of(1'000)},
                  {Rule::position, money_of(10'000)},
                  {Rule::gross_exposure, money_of(5'000'000)},
                  {Rule::order_rate, money_of(10)},
                  {Rule::daily_loss, money_of(1'000'000)}};
    }
    c.snapshot_interval = Duration{300 * kSecondNs};
    return c;
}

}  // namespace alpha
