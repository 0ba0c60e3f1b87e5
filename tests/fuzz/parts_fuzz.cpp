/// The saved states of strategies and of the paper broker, from any bytes: what loads is saved to the same bytes, and then
/// gets through a few quotes and bars.

#include "adapters/paper/paper_broker.hpp"
#include "kernel/kernel.hpp"
#include "strategies/catalog.hpp"
#include "tests/fuzz/input.hpp"

namespace alpha::fuzz {

namespace {

constexpr InstrumentId kIbm{0};
constexpr InstrumentId kBac{1};

template <class Part>
bool loads_as_it_saves(Part& part, Bytes bytes) {
    const auto loaded = part.load(bytes);
    if (!loaded) {
        ALPHA_ASSERT(loaded.error().kind == ErrorKind::data, "a refused state is bad data");
        return false;
    }
    ByteBuffer saved;
    part.save(saved);
    ALPHA_ASSERT(std::ranges::equal(saved.view(), bytes), "a saved state is its bytes");
    return true;
}

QuoteTick quote_of(InstrumentId instrument, std::int64_t cents) {
    const Price bid{cents * 1'000'000};
    return {instrument, bid, Price{bid.raw + 2'000'000}, qty_of(7), qty_of(9)};
}
BarClosed bar_of(InstrumentId instrument, std::int64_t cents) {
    const Price close{cents * 1'000'000};
    return {instrument, close, Price{close.raw + 3'000'000}, Price{close.raw - 3'000'000}, close, qty_of(1)};
}

/// Prices that go up and down by more than any of the settings below bears.
constexpr std::int64_t kCents[] = {10'000, 10'100, 9'800, 9'900, 10'700, 11'000, 9'000, 9'100, 10'000};

// ---- strategies ---------------------------------------------------------------------------------------------------------

struct Seat {
    const char* use;
    std::vector<Setting> params;
};

const std::vector<Seat>& seats() {
    static const std::vector<Seat> kSeats{
        {"ema_cross", {{"fast", "2"}, {"slow", "3"}, {"quantity", "10"}}},
        {"sma_cross", {{"fast", "2"}, {"slow", "3"}, {"quantity", "10"}}},
        {"buy_and_hold", {{"quantity", "10"}}},
        {"market_maker",
         {{"quantity", "5"}, {"half_spread", "0.5"}, {"max_inventory", "20"}, {"requote", "0.25"}, {"refresh", "3"}}},
        {"script",
         {{"orders",
           "at 2 buy 5 IBM limit 99 as a; at 3 modify a 7 limit 101; at 4 sell 2 BAC stop 95; at 6 cancel a"}}},
    };
    return kSeats;
}

RunConfigured session_of(const Seat& seat) {
    const StrategySpec* const spec = find_strategy(seat.use);
    ALPHA_ASSERT(spec != nullptr, "the catalog has every strategy named here");
    RunConfigured config;
    config.name = "parts";
    config.currency = "USD";
    for (const char* name : {"IBM", "BAC"}) {
        Instrument instrument;
        instrument.name = name;
        config.instruments.push_back(instrument);
    }
    config.portfolios.push_back({"main", money_of(100'000)});
    config.brokers.push_back({"paper", "paper", {}});
    config.strategies.push_back({"one", seat.use, {}, {}, {kIbm, kBac}, seat.params});
    auto params = validate_params(*spec, config.strategies[0], config.instruments);
    ALPHA_ASSERT(params.has_value(), "the parameters named here are good");
    config.strategies[0].params = *params;
    return config;
}

void strategy_goes_on(const Seat& seat, Bytes bytes) {
    const RunConfigured config = session_of(seat);
    auto strategy = find_strategy(seat.use)->make(config.strategies[0], config.instruments);
    if (!loads_as_it_saves(*strategy, bytes)) {
        return;
    }
    const auto broker = make_paper_broker({});
    Frame frame;
    Kernel::Components parts;
    parts.strategies.push_back(std::move(strategy));
    parts.venues.push_back(broker.get());
    Kernel kernel(std::move(parts), frame);
    kernel.configure(config);
    Time now{1'704'067'200 * kSecondNs};
    for (const std::int64_t cents : kCents) {
        for (const InstrumentId instrument : {kIbm, kBac}) {
            kernel.take(now, quote_of(instrument, cents));
            kernel.take(now, bar_of(instrument, cents));
        }
        now = now + Duration{2 * kSecondNs};
    }
    kernel.take(now + Duration{kDayNs}, quote_of(kIbm, 9'500));
    check_invariants(kernel.state());
    ALPHA_ASSERT(!kernel.state().strategies[0].halted, "a strategy does not stumble over its own state");
}

// ---- the paper broker ---------------------------------------------------------------------------------------------------

void broker_goes_on(const PaperSettings& settings, Bytes bytes) {
    const auto broker = make_paper_broker(settings);
    if (!loads_as_it_saves(*broker, bytes)) {
        return;
    }
    Reports reports;
    Time now{1'704'067'200 * kSecondNs};
    for (const std::int64_t cents : kCents) {
        for (const InstrumentId instrument : {kIbm, kBac, InstrumentId{17}}) {
            broker->on_quote(now, quote_of(instrument, cents), reports);
            broker->on_bar_opened(now, {instrument, Price{cents * 1'000'000}, now, Duration{3'600 * kSecondNs}}, true,
                                  reports);
            broker->on_bar_closed(now, bar_of(instrument, cents), reports);
        }
        now = now + Duration{3'600 * kSecondNs};
    }
    now = kMaxTime - Duration{1};
    for (const InstrumentId instrument : {kIbm, kBac}) {
        broker->on_quote(now, quote_of(instrument, 10'000), reports);
        broker->on_session_closed(now, {instrument, Date{20'000}}, reports);
    }
    for (const BrokerReport& report : reports) {
        const bool fill = report.kind == ReportKind::filled;
        ALPHA_ASSERT(report.order.value != 0, "a report is of an order");
        ALPHA_ASSERT(!fill || (report.quantity.raw > 0 && report.price.raw > 0), "a fill is of something");
    }
    ByteBuffer saved;
    broker->save(saved);
    const auto again = make_paper_broker(settings);
    ALPHA_ASSERT(loads_as_it_saves(*again, saved.view()), "what became of a loaded state can be loaded");
}

}  // namespace

}  // namespace alpha::fuzz

/// u8 whose state the rest is: a strategy's, or that of a paper broker with one of four settings.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace alpha;
    fuzz::Input input({data, size});
    const auto strategies = static_cast<unsigned>(fuzz::seats().size());
    const unsigned part = input.below(strategies + 4);
    if (part < strategies) {
        fuzz::strategy_goes_on(fuzz::seats()[part], input.rest());
        return 0;
    }
    PaperSettings settings;
    settings.fill = (part - strategies) % 2 == 0 ? FillModel::touch : FillModel::next_open;
    settings.use_size = part - strategies >= 2;
    settings.latency = settings.use_size ? Duration{250'000'000} : Duration{};
    settings.slippage = Price{1'000'000};
    fuzz::broker_goes_on(settings, input.rest());
    return 0;
}
