/// Memory on the way of a tick: once a session has warmed up, a quote that leads to no order must not ask for any, because whoever
/// asks may have to wait. What orders ask for is bounded here, too.

#include "adapters/paper/paper_broker.hpp"
#include "kernel/kernel.hpp"
#include "strategies/catalog.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

namespace {

std::atomic<std::uint64_t> allocations{0};

void* allocate(std::size_t bytes, std::size_t alignment) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
    if (void* memory = alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__ ? std::aligned_alloc(alignment, whole)
                                                                    : std::malloc(bytes == 0 ? 1 : bytes)) {
        return memory;
    }
    throw std::bad_alloc();
}

}  // namespace

// Every other form of new and delete comes down to these.
void* operator new(std::size_t bytes) {
    return allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

namespace alpha {
namespace {

constexpr std::uint32_t kInstruments = 4;
constexpr std::uint32_t kFrameEvents = 1'024;
constexpr std::int64_t kTickNs = 50'000'000;
constexpr std::int64_t kCent = 1'000'000;
constexpr std::int64_t kFirstPrice = 10'000 * kCent;

StrategyConfig strategy(const char* use, std::vector<Setting> params) {
    StrategyConfig s;
    s.name = s.use = use;
    for (std::uint32_t i = 0; i < kInstruments; ++i) {
        s.instruments.push_back(InstrumentId{i});
    }
    s.params = std::move(params);
    return s;
}

/// A session with every part that a tick can meet: crosses, a market maker with a timer, risk rules, P&L snapshots.
RunConfigured session(const char* requote) {
    RunConfigured c;
    c.name = "allocations";
    c.currency = "INR";
    for (std::uint32_t i = 0; i < kInstruments; ++i) {
        Instrument instrument;
        instrument.name = "instrument " + std::to_string(i);
        c.instruments.push_back(instrument);
    }
    c.portfolios = {{"main", money_of(10'000'000)}};
    c.brokers = {{"paper", "paper", to_settings(PaperSettings{})}};
    c.strategies = {strategy("ema_cross", {{"fast", "10"}, {"quantity", "100"}, {"slow", "100"}}),
                    strategy("market_maker", {{"half_spread", "5"},
                                              {"max_inventory", "100"},
                                              {"quantity", "10"},
                                              {"refresh", "0"},
                                              {"requote", requote}})};
    c.risk = {{Rule::order_quantity, money_of(1'000)},
              {Rule::position, money_of(10'000)},
              {Rule::gross_exposure, money_of(5'000'000)},
              {Rule::order_rate, money_of(1'000)},
              {Rule::daily_loss, money_of(1'000'000)}};
    c.snapshot_interval = Duration{60 * kSecondNs};
    return c;
}

/// The session on the paper broker, its frame used again and again.
class Desk {
public:
    /// `requote` is how far the mid may move before the maker's orders follow.
    explicit Desk(const char* requote)
        : config_(session(requote)), broker_(make_paper_broker(PaperSettings{})), kernel_(parts(), frame_) {
        kernel_.configure(config_);
    }

    /// A quote of `raw` (1e-8) with two ticks of spread.
    void quote(std::int64_t raw) {
        now_.ns += kTickNs;
        const InstrumentId instrument{static_cast<std::uint32_t>(made_++ % kInstruments)};
        kernel_.take(now_, QuoteTick{instrument, Price{raw - kCent}, Price{raw + kCent}, qty_of(100), qty_of(100)});
        if (frame_.events >= kFrameEvents) {
            frame_.begin(frame_.next_seq());
        }
    }
    const State& state() const { return kernel_.state(); }

private:
    Kernel::Components parts() {
        Kernel::Components parts;
        for (const StrategyConfig& each : config_.strategies) {
            parts.strategies.push_back(find_strategy(each.use)->make(each, config_.instruments));
        }
        parts.venues.push_back(broker_.get());
        return parts;
    }

    RunConfigured config_;
    std::unique_ptr<Venue> broker_;
    Frame frame_;
    Kernel kernel_;
    Time now_{1'704'067'200 * kSecondNs};
    std::uint64_t made_ = 0;
};

/// Prices that go up and down again, so that averages cross, after a while in which everything finds its size.
struct Swung {
    std::uint64_t orders = 0;
    std::uint64_t events = 0;
    std::uint64_t allocations = 0;
};
Swung swing(Desk& desk) {
    std::int64_t price = kFirstPrice;
    const auto some = [&](int ticks) {
        for (int i = 0; i < ticks; ++i) {
            price += i / 1'000 % 2 == 0 ? kCent : -kCent;
            desk.quote(price);
        }
    };
    some(20'000);
    const Swung before{desk.state().orders, desk.state().next_seq, allocations.load()};
    some(100'000);
    return {desk.state().orders - before.orders, desk.state().next_seq - before.events,
            allocations.load() - before.allocations};
}

TEST_CASE("a tick without orders allocates nothing once a session is warm") {
    Desk desk("20");
    std::int64_t price = kFirstPrice;
    const auto rise = [&](int ticks) {  // slowly, so that what crossed once stays above
        for (int i = 0; i < ticks; ++i) {
            price += i % 500 == 0 ? kCent : 0;
            desk.quote(price);
        }
    };
    rise(10'000);
    const std::uint64_t orders = desk.state().orders;
    const Seq events = desk.state().next_seq;
    REQUIRE(orders >= 3 * std::uint64_t{kInstruments});  // both strategies are at work
    REQUIRE(desk.state().open_orders.size() == 2 * std::size_t{kInstruments});
    const std::uint64_t before = allocations.load();
    rise(100'000);
    const std::uint64_t after = allocations.load();
    REQUIRE(desk.state().orders == orders);
    REQUIRE(desk.state().next_seq > events + 100'000);  // P&L snapshots are among them
    CHECK(after - before == 0);
}

TEST_CASE("an order allocates its places with the kernel, the broker and its strategy, and the list of its trades") {
    Desk desk("20");
    const Swung swung = swing(desk);
    REQUIRE(swung.orders >= 300);
    // Two with the kernel: by number, and by portfolio and instrument. When it closed is noted in blocks of 64 orders.
    CHECK(swung.allocations >= 5 * swung.orders);
    CHECK(swung.allocations <= 5 * swung.orders + swung.orders / 64 + 1);
}

TEST_CASE("changing an order allocates nothing") {
    Desk still("20");
    Desk busy("0.05");
    const Swung without = swing(still);
    const Swung with = swing(busy);
    REQUIRE(with.orders == without.orders);
    REQUIRE(with.events > without.events + 10'000);
    CHECK(with.allocations == without.allocations);
}

}  // namespace
}  // namespace alpha
