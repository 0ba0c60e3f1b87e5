/// The kernel under any sequence of inputs and requests, with two paper brokers (one links orders, for the other the kernel does),
/// a broker outside that says anything, people who kill and release, and restarts. After every step the log folds to an equal state, the books balance, and the state can be saved and loaded.

#include "adapters/paper/paper_broker.hpp"
#include "events/codec.hpp"
#include "kernel/kernel.hpp"
#include "kernel/snapshot.hpp"
#include "tests/fuzz/input.hpp"

#include <array>
#include <stdexcept>

namespace alpha::fuzz {

namespace {

constexpr std::size_t kStrategies = 3;
constexpr std::size_t kBrokers = 2;
constexpr unsigned kMostSteps = 64;

RunConfigured session_of(Input& input) {
    RunConfigured config;
    config.name = "fuzz";
    config.currency = "USD";
    config.instruments = {{"IBM", {1'000'000}, {kScale}, {}},
                          {"NSE:BAC", {5'000'000}, {5 * kScale}, {19'800, 33'300, 55'800}}};
    config.portfolios = {{"main", money_of(100'000)}, {"side", money_of(1'000)}};
    config.brokers = {{"paper", "paper", {}}, {"slow", "paper", {}}};
    config.strategies = {{"one", "asks", {0}, {0}, {{0}, {1}}, {}},
                         {"two", "asks", {0}, {1}, {{1}, {0}}, {}},
                         {"three", "asks", {1}, {1}, {{0}}, {}}};
    const std::array<RiskLimit, 13> rules{{{Rule::allowed_instruments, {}},
                                           {Rule::session_hours, {}},
                                           {Rule::stale_data, money_of(30)},
                                           {Rule::price_band, money_of(20)},
                                           {Rule::order_quantity, money_of(500)},
                                           {Rule::order_notional, money_of(50'000)},
                                           {Rule::shorting, {}},
                                           {Rule::position, money_of(700)},
                                           {Rule::gross_exposure, money_of(90'000)},
                                           {Rule::open_orders, money_of(6)},
                                           {Rule::order_rate, money_of(5)},
                                           {Rule::daily_loss, money_of(300)},
                                           {Rule::buying_power, money_of(2)}}};
    const auto chosen = input.number<std::uint16_t>();
    for (std::size_t r = 0; r < rules.size(); ++r) {
        if ((chosen >> r & 1U) != 0) {
            config.risk.push_back(rules[r]);
        }
    }
    config.allowed_instruments = {{0}};
    if ((chosen >> 13U & 1U) != 0) {
        config.charges = {Money{5'000'001}, Decimal{31'007}};
    }
    if ((chosen >> 14U & 1U) != 0) {
        config.snapshot_interval = Duration{60 * kSecondNs};
    }
    if ((chosen >> 15U & 1U) != 0) {
        config.daily_loss_latch_ends = LatchEnd::released;
    }
    return config;
}

std::unique_ptr<Venue> broker_of(std::size_t i) {
    PaperSettings settings;
    if (i == 1) {
        settings.fill = FillModel::next_open;
        settings.latency = Duration{250'000'000};
        settings.slippage = Price{3'000'000};
        settings.links = Links::kernel;
    } else {
        settings.use_size = true;
    }
    return make_paper_broker(settings);
}

/// Asks for whatever the next bytes say, in any callback.
class Asker final : public Strategy {
public:
    /// `placed` outlives it: the ids of its orders, refused ones too, in the order they were given.
    Asker(Input& input, std::vector<OrderId>& placed) : input_(input), placed_(placed) {}

    void on_quote(const QuoteTick& quote, Context& context) override { ask(quote.instrument, context, 3); }
    void on_trade(const TradeTick& trade, Context& context) override { ask(trade.instrument, context, 2); }
    void on_bar_opened(const BarOpened& bar, Context& context) override { ask(bar.instrument, context, 2); }
    void on_bar(const BarClosed& bar, Context& context) override { ask(bar.instrument, context, 3); }
    void on_timer(TimerId, Context& context) override { ask({}, context, 3); }
    void on_order(const OrderUpdate& update, Context& context) override {
        if (input_.below(8) == 1) {
            ask({}, context, 2);
        }
        if (update.change_failed && input_.byte() == 0xFF) {
            throw std::runtime_error("a bad day");
        }
    }
    void on_fill(const OrderFilled& fill, Context& context) override {
        if (input_.below(4) == 1) {
            ask(fill.instrument, context, 2);
        }
    }

private:
    void ask(InstrumentId instrument, Context& context, unsigned most) {
        for (unsigned n = input_.below(most); n > 0; --n) {
            ask_once(instrument, context);
        }
    }
    void ask_once(InstrumentId instrument, Context& context) {
        const unsigned kind = input_.below(16);
        switch (kind) {
        case 0: return context.cancel(some_order());
        case 1: return modify(instrument, context);
        case 2: return context.set_timer(TimerId{input_.below(3)}, due(context));
        case 3: return context.cancel_timer(TimerId{input_.below(3)});
        case 4: return context.signal(instrument, input_.choice<Direction>());
        case 5: return linked(instrument, context);
        case 6: return bracket(instrument, context);
        default: break;
        }
        placed_.push_back(context.place(terms_of(kind == 7 ? InstrumentId{input_.below(4)} : instrument, context)));
    }
    OrderTerms terms_of(InstrumentId instrument, Context& context) {
        OrderTerms terms;
        terms.instrument = instrument;
        terms.side = input_.choice<Side>();
        terms.type = input_.choice<OrderType>();
        terms.tif = input_.choice<TimeInForce>();
        terms.quantity = quantity(instrument);
        const bool stop = terms.type == OrderType::stop || terms.type == OrderType::stop_limit;
        const bool limit = terms.type == OrderType::limit || terms.type == OrderType::stop_limit;
        terms.limit_price = limit ? price(context, instrument) : Price{};
        terms.stop_price = stop ? price(context, instrument) : Price{};
        terms.reduce_only = input_.below(8) == 1;
        return terms;
    }
    /// An entry with exits around it, or a pair.
    void bracket(InstrumentId instrument, Context& context) {
        const OrderTerms one = terms_of(instrument, context);
        const Price stop = price(context, instrument);
        const Price target = price(context, instrument);
        if (input_.flag()) {
            note(context.bracket(one, stop, target).entry, 3);
        } else {
            note(context.one_cancels_other(one, terms_of(instrument, context)), 2);
        }
    }
    /// Links that may make sense or not.
    void linked(InstrumentId instrument, Context& context) {
        std::vector<OrderTerms> orders(input_.below(10));
        for (OrderTerms& order : orders) {
            order = terms_of(instrument, context);
            order.parent.value = input_.below(4);
            order.group.value = input_.below(5);
        }
        note(context.place_linked(orders), orders.size());
    }
    void note(OrderId first, std::size_t orders) {
        for (std::size_t i = 0; i < orders; ++i) {
            placed_.push_back(OrderId{first.value + i});
        }
    }
    void modify(InstrumentId instrument, Context& context) {
        const OrderId id = some_order();
        const Order* const order = context.view().order(id);
        const bool has_stop = order != nullptr && order->terms.stop_price.raw != 0;
        const bool has_limit = order == nullptr || order->terms.limit_price.raw != 0;
        const Qty total = quantity(instrument);
        const Price limit = has_limit ? price(context, instrument) : Price{};
        context.modify(id, total, limit, has_stop ? price(context, instrument) : Price{});
    }
    /// One of the newest of its own, which may still be open; or any.
    OrderId some_order() {
        const std::uint8_t back = input_.byte();
        return back >= 240 || placed_.empty()
                   ? OrderId{back}
                   : *(placed_.rbegin() + back % std::min<std::ptrdiff_t>(8, std::ssize(placed_)));
    }
    Qty quantity(InstrumentId instrument) {
        const std::uint8_t kind = input_.byte();
        if (kind == 0xFF) {
            return Qty{input_.number<std::int64_t>()};
        }
        return Qty{static_cast<std::int64_t>(kind) * (instrument.value == 1 ? 5 : 1) * kScale};
    }
    Price price(const Context& context, InstrumentId instrument) {
        const std::uint8_t kind = input_.byte();
        if (kind == 0xFF) {
            return Price{input_.number<std::int64_t>()};
        }
        const bool is_listed = context.view().is_listed(instrument);  // an order may name one that does not exist
        const std::int64_t mark =
            is_listed ? context.view().market(instrument).mark.raw / 5'000'000 * 5'000'000 : 100 * kScale;
        return Price{mark + (static_cast<std::int64_t>(kind) - 128) * 5'000'000};
    }
    Time due(const Context& context) {
        const std::uint8_t kind = input_.byte();
        return kind == 0xFF ? Time{input_.number<std::int64_t>()}
                            : context.view().now() + Duration{static_cast<std::int64_t>(kind) * kSecondNs / 2};
    }

    Input& input_;
    std::vector<OrderId>& placed_;
};

class Machine {
public:
    explicit Machine(Input& input) : input_(input) {
        build(State{});
        kernel_->configure(session_of(input));
        check();
    }

    void run() {
        for (unsigned step = 0; step < kMostSteps && !input_.empty(); ++step) {
            move();
            check();
        }
    }

private:
    void build(State state) {
        Kernel::Components parts;
        for (std::size_t i = 0; i < kStrategies; ++i) {
            parts.strategies.push_back(std::make_unique<Asker>(input_, placed_[i]));
        }
        for (std::size_t i = 0; i < kBrokers; ++i) {
            auto broker = broker_of(i);
            if (brokers_[i] != nullptr) {
                ByteBuffer saved;
                brokers_[i]->save(saved);
                const auto loaded = broker->load(saved.view());
                ALPHA_ASSERT(loaded.has_value(), "a broker reads what it wrote");
                ByteBuffer again;
                broker->save(again);
                ALPHA_ASSERT(std::ranges::equal(saved.view(), again.view()), "a broker's state is its bytes");
            }
            brokers_[i] = std::move(broker);
            parts.venues.push_back(brokers_[i].get());
        }
        kernel_ = std::make_unique<Kernel>(std::move(state), std::move(parts), frame_);
    }

    void move() {
        // Mostly within a second; now and then a minute, a night, a long weekend.
        static constexpr std::int64_t kWaitsMs[] = {0,          1,           250,   999,       1'000,   1'001,
                                                    7'000,      0,           300,   61'000,    600'000, 3'600'000,
                                                    40'000'000, 300'000'000, 5'000, 86'400'000};
        const std::uint8_t opcode = input_.byte();
        now_ = std::min(now_ + Duration{kWaitsMs[opcode >> 4U] * 1'000'000}, kMaxTime - Duration{1});
        const auto instruments = static_cast<unsigned>(kernel_->state().instruments.size());
        const InstrumentId instrument{input_.below(instruments)};
        const PortfolioId portfolio{instrument.value % 2};
        switch (opcode & 15U) {
        case 0: {
            const Duration interval = length();
            return kernel_->take(now_, BarOpened{instrument, price(), now_, interval});
        }
        case 1:
        case 2: return kernel_->take(now_, bar(instrument));
        case 3: return kernel_->take(now_, KillRequest{portfolio, static_cast<LatchScope>(1 + input_.below(3))});
        case 4: return kernel_->take(now_, ReleaseRequest{portfolio});
        case 5: {
            const StrategyId strategy{input_.below(kStrategies)};
            return input_.flag() ? kernel_->take(now_, HaltRequest{strategy, "by hand"})
                                 : kernel_->take(now_, ResumeRequest{strategy});
        }
        case 6: return list();
        case 7: return kernel_->take(now_, report());
        case 8: return build(kernel_->state());
        case 9: {
            const Price last = price();
            return kernel_->take(now_, TradeTick{instrument, last, qty_of(input_.below(16)), {}, {}, {}});
        }
        default: return kernel_->take(now_, quote(instrument));
        }
    }

    Price price() {
        const auto kind = input_.number<std::uint16_t>();
        // Around 100, at times anything there can be.
        return kind >= 0xFF00 ? Price{1 + static_cast<std::int64_t>(input_.number<std::uint64_t>() %
                                                                    static_cast<std::uint64_t>(limits::kMaxPrice.raw))}
                              : Price{8'000'000'000 + static_cast<std::int64_t>(kind) * 61'111};
    }
    QuoteTick quote(InstrumentId instrument) {
        const Price bid = price();
        const std::uint8_t width = input_.byte();
        QuoteTick quote{instrument, bid,
                        Price{std::min(bid.raw + std::int64_t{width} * 100'000, limits::kMaxPrice.raw)}, qty_of(width),
                        qty_of(width % 16)};
        if (width == 0xFF) {
            quote.bid = {};
        } else if (width == 0xFE) {
            quote.ask = {};
        }
        return quote;
    }
    BarClosed bar(InstrumentId instrument) {
        const Price a = price();
        const Price b = price();
        const Duration interval = length();
        return {instrument, a, std::max(a, b), std::min(a, b), b, qty_of(3), now_ - interval, interval};
    }
    Duration length() {
        static constexpr std::int64_t kSeconds[] = {1, 60, 300, 86'400};
        return Duration{kSeconds[input_.below(std::size(kSeconds))] * kSecondNs};
    }
    void list() {
        if (kernel_->state().instruments.size() < 5) {
            Instrument found = kernel_->state().config.default_instrument;
            found.name = "X" + std::to_string(kernel_->state().instruments.size());
            kernel_->take(now_, ListInstrument{found});
        }
    }
    BrokerReport report() {
        BrokerReport report;
        report.order.value = input_.byte() % (kernel_->state().next_order.value + 2);
        report.kind = input_.choice<ReportKind>();
        const std::uint8_t kind = input_.byte();
        report.quantity = kind == 0xFF ? Qty{input_.number<std::int64_t>()} : qty_of(kind % 32);
        report.price = kind == 0xFE ? Price{input_.number<std::int64_t>()} : price();
        report.limit_price = price();
        report.stop_price = kind % 2 == 0 ? Price{} : price();
        report.trade = "o" + std::to_string(kind % 8);
        return report;
    }

    /// What was written since the last step is folded into a second state, which must equal the kernel's own.
    void check() {
        const Bytes bytes = frame_.bytes.view();
        std::size_t at = 0;
        while (at < bytes.size()) {
            const auto decoded = decode(bytes.subspan(at), folded_.next_seq);
            ALPHA_ASSERT(decoded.has_value(), "the log can be read");
            apply(folded_, decoded->envelope, decoded->event);
            at += decoded->bytes;
        }
        const State& state = kernel_->state();
        ALPHA_ASSERT(folded_.next_seq == frame_.next_seq() && folded_ == state, "the log folds to the kernel's state");
        frame_.begin(state.next_seq);
        check_invariants(state);
        saved_.clear();
        save_state(state, saved_);
        const auto loaded = load_state(saved_.view());
        ALPHA_ASSERT(loaded.has_value() && *loaded == state, "a saved state comes back");
    }

    Input& input_;
    Time now_{1'704'067'200 * kSecondNs};
    Frame frame_;
    State folded_;
    ByteBuffer saved_;
    std::array<std::unique_ptr<Venue>, kBrokers> brokers_;
    std::array<std::vector<OrderId>, kStrategies> placed_;
    std::unique_ptr<Kernel> kernel_;
};

}  // namespace

}  // namespace alpha::fuzz

/// u16 which rules hold, then moves; strategies take what they ask for from the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    alpha::fuzz::Input input({data, size});
    alpha::fuzz::Machine(input).run();
    return 0;
}
