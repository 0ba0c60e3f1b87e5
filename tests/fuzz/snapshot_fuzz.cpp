/// States from any bytes: what loads comes back from what it is saved to, and a kernel can go on from it.

#include "adapters/paper/paper_broker.hpp"
#include "kernel/kernel.hpp"
#include "kernel/snapshot.hpp"
#include "tests/fuzz/input.hpp"

namespace alpha::fuzz {

namespace {

/// Asks for something about whatever it sees, the orders it finds included.
class Asker final : public Strategy {
public:
    void on_quote(const QuoteTick& quote, Context& context) override {
        const View& view = context.view();
        static_cast<void>(view.valuation());
        context.limit(quote.instrument, Side::buy, view.instrument(quote.instrument).lot, quote.bid);
        context.market(quote.instrument, Side::sell, view.instrument(quote.instrument).lot);
        for (std::uint64_t id = 1; id < 6; ++id) {
            if (const Order* order = view.order(OrderId{id}); order != nullptr && id % 2 == 0) {
                context.modify(OrderId{id}, order->terms.quantity, quote.bid, order->terms.stop_price);
            }
            context.cancel(OrderId{id});
        }
        context.set_timer(TimerId{1}, view.now() + Duration{kSecondNs});
    }
};

void go_on(State state) {
    if (state.next_seq == 0 || state.now >= kMaxTime - Duration{8 * kDayNs}) {
        return;
    }
    Kernel::Components parts;
    for (std::size_t i = 0; i < state.config.strategies.size(); ++i) {
        parts.strategies.push_back(std::make_unique<Asker>());
    }
    std::vector<std::unique_ptr<Venue>> brokers;
    for (std::size_t i = 0; i < state.config.brokers.size(); ++i) {
        brokers.push_back(make_paper_broker({}));
        parts.venues.push_back(brokers.back().get());
    }
    Frame frame;
    frame.begin(state.next_seq);
    const auto instruments = static_cast<std::uint32_t>(std::min<std::size_t>(state.instruments.size(), 4));
    const auto portfolios = static_cast<std::uint32_t>(std::min<std::size_t>(state.portfolios.size(), 4));
    Time now = state.now;
    Kernel kernel(std::move(state), std::move(parts), frame);
    check_invariants(kernel.state());
    for (const std::int64_t wait : {std::int64_t{1}, 30 * kSecondNs, kDayNs, 5 * kDayNs}) {
        now = now + Duration{wait};
        for (std::uint32_t i = 0; i < instruments; ++i) {
            kernel.take(now, QuoteTick{InstrumentId{i}, price_of(100), price_of(101), qty_of(5), qty_of(5)});
            const Duration interval{60 * kSecondNs};
            kernel.take(now, BarClosed{InstrumentId{i}, price_of(100), price_of(110), price_of(90), price_of(95),
                                       qty_of(1), now - interval, interval});
        }
        for (std::uint32_t p = 0; p < portfolios; ++p) {
            kernel.take(now, ReleaseRequest{PortfolioId{p}});
            if (wait >= kDayNs) {
                kernel.take(now,
                            KillRequest{PortfolioId{p}, wait == kDayNs ? LatchScope::entries : LatchScope::flatten});
            }
        }
        BrokerReport late;
        late.order = OrderId{1};
        late.kind = ReportKind::filled;
        late.quantity = qty_of(1);
        late.price = price_of(100);
        late.trade = "late" + std::to_string(wait);
        kernel.take(now, late);
        check_invariants(kernel.state());
    }
    ByteBuffer after;
    save_state(kernel.state(), after);
    const auto again = load_state(after.view());
    ALPHA_ASSERT(again && *again == kernel.state(), "what a kernel makes of a state can be loaded");
}

}  // namespace

}  // namespace alpha::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace alpha;
    const Bytes bytes{data, size};
    auto state = load_state(bytes);
    if (!state) {
        ALPHA_ASSERT(state.error().kind == ErrorKind::data, "a refused snapshot is bad data");
        return 0;
    }
    ByteBuffer saved;
    save_state(*state, saved);
    // The same bytes, unless a newer program put more into a struct than we know.
    const auto again = load_state(saved.view());
    ALPHA_ASSERT(saved.size() <= bytes.size() && again && *again == *state, "a state comes back from its bytes");
    fuzz::go_on(std::move(*state));
    return 0;
}
