#pragma once
/// A trading floor for tests: a Kernel with scripted brokers and strategies. After EVERY step it
/// decodes what the kernel wrote, folds it into a second state which must equal the kernel's own,
/// checks the books, and saves and loads the state.

#include "events/codec.hpp"
#include "events/text.hpp"
#include "kernel/kernel.hpp"
#include "kernel/risk.hpp"
#include "kernel/snapshot.hpp"
#include "kernel/visits.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alpha::test {

// ---- short names for values ---------------------------------------------------------------------

inline Price px(std::string_view text) {
    return parse_price(text).value();
}
inline Qty qty(std::string_view text) {
    return parse_qty(text).value();
}
inline Money money(std::string_view text) {
    return parse_money(text).value();
}
/// Seconds (and nanoseconds) after 2024-01-01T00:00:00Z, a Monday.
inline Time at(std::int64_t seconds, std::int64_t ns = 0) {
    return Time{(1'704'067'200 + seconds) * kSecondNs + ns};
}
/// Seconds after midnight.
constexpr std::int64_t hms(int hours, int minutes, int seconds = 0) {
    return hours * 3'600 + minutes * 60 + seconds;
}
inline constexpr std::int64_t kDaySeconds = 86'400;

inline constexpr Duration kMinute{60 * kSecondNs};
inline constexpr InstrumentId kIbm{0};
inline constexpr InstrumentId kBac{1};
inline constexpr PortfolioId kMain{0};
inline constexpr PortfolioId kSide{1};

inline OrderTerms market_order(Side side, std::string_view quantity, InstrumentId instrument = kIbm,
                               TimeInForce tif = TimeInForce::gtc) {
    return {instrument, side, OrderType::market, tif, qty(quantity), {}, {}};
}
inline OrderTerms limit_order(Side side, std::string_view quantity, std::string_view price,
                              InstrumentId instrument = kIbm, TimeInForce tif = TimeInForce::gtc) {
    return {instrument, side, OrderType::limit, tif, qty(quantity), px(price), {}};
}

// ---- the configuration --------------------------------------------------------------------------

/// Builds event 0 piece by piece. Ids follow the order in which things are added.
class Setup {
public:
    Setup() {
        config_.name = "floor";
        config_.currency = "USD";
    }
    Setup& instrument(std::string name, TradingHours hours = {}, std::string_view tick = "0.01",
                      std::string_view lot = "1") {
        config_.instruments.push_back({std::move(name), px(tick), qty(lot), hours});
        return *this;
    }
    /// The instrument that was added last goes by this calendar.
    Setup& calendar(std::string name) {
        config_.instruments.back().calendar = std::move(name);
        return *this;
    }
    /// The instrument that was added last is a contract.
    Setup& contract(InstrumentKind kind, std::string_view expiry, std::int64_t multiplier = 1,
                    std::string underlying = {}, std::string_view strike = "0") {
        Instrument& last = config_.instruments.back();
        last.kind = kind;
        last.expiry = parse_date(expiry).value();
        last.multiplier = multiplier;
        last.underlying = std::move(underlying);
        last.strike = px(strike);
        return *this;
    }
    Setup& portfolio(std::string name, std::string_view cash) {
        config_.portfolios.push_back({std::move(name), money(cash)});
        return *this;
    }
    Setup& broker(std::string name) {
        config_.brokers.push_back({std::move(name), "scripted", {}});
        return *this;
    }
    Setup& strategy(std::string name, std::vector<InstrumentId> instruments, PortfolioId portfolio = kMain,
                    BrokerId broker = {}) {
        config_.strategies.push_back({std::move(name), "scripted", portfolio, broker, std::move(instruments), {}});
        return *this;
    }
    Setup& limit(Rule rule, std::string_view value) {
        config_.risk.push_back({rule, money(value)});
        std::ranges::sort(config_.risk, {}, &RiskLimit::rule);
        return *this;
    }
    Setup& allowed(std::vector<InstrumentId> instruments) {
        config_.allowed_instruments = std::move(instruments);
        return limit(Rule::allowed_instruments, "0");
    }
    Setup& charges(std::string_view per_fill, std::string_view rate) {
        config_.charges = {money(per_fill), money(rate)};
        return *this;
    }
    Setup& snapshots_every(std::int64_t seconds) {
        config_.snapshot_interval = Duration{seconds * kSecondNs};
        return *this;
    }
    const RunConfigured& config() const { return config_; }

    /// IBM and BAC around the clock, one portfolio of 100,000, one broker and one strategy on both.
    static Setup simple() {
        return Setup()
            .instrument("IBM")
            .instrument("BAC")
            .portfolio("main", "100000")
            .broker("desk")
            .strategy("one", {kIbm, kBac});
    }
    /// The same without a strategy yet.
    static Setup without_strategy() {
        return Setup().instrument("IBM").instrument("BAC").portfolio("main", "100000").broker("desk");
    }

private:
    RunConfigured config_;
};

// ---- reports ------------------------------------------------------------------------------------

inline BrokerReport report(ReportKind kind, std::uint64_t order, std::string text = {}) {
    BrokerReport r;
    r.order = OrderId{order};
    r.kind = kind;
    r.text = std::move(text);
    return r;
}
inline BrokerReport filled(std::uint64_t order, std::string_view quantity, std::string_view price, std::string trade) {
    BrokerReport r = report(ReportKind::filled, order);
    r.quantity = qty(quantity);
    r.price = px(price);
    r.trade = std::move(trade);
    return r;
}
inline BrokerReport modified(std::uint64_t order, std::string_view quantity, std::string_view limit_price = "0",
                             std::string_view stop_price = "0") {
    BrokerReport r = report(ReportKind::modified, order);
    r.quantity = qty(quantity);
    r.limit_price = px(limit_price);
    r.stop_price = px(stop_price);
    return r;
}

// ---- a broker that does what the test says ------------------------------------------------------

/// Records every request. Says nothing unless `answer` does; what is put into `resting` is reported at
/// the next market input, and `at_session_close` answers the end of a session.
class ScriptedBroker final : public Venue {
public:
    std::vector<Effect> effects;
    std::function<void(Time, const Effect&, Reports&)> answer;
    std::function<void(Time, const TradingSessionClosed&, Reports&)> at_session_close;
    std::function<void(Time, InstrumentId, Price bid, Price ask, Reports&)> at_market;
    std::function<void(const BarOpened&, bool is_shortest)> on_open;
    std::function<void(const BarClosed&)> on_close;
    Reports resting;

    void on_quote(Time now, const QuoteTick& q, Reports& out) override { market(now, q.instrument, q.bid, q.ask, out); }
    void on_trade(Time now, const TradeTick& t, Reports& out) override {
        market(now, t.instrument, t.price, t.price, out);
    }
    void on_bar_opened(Time now, const BarOpened& b, bool is_shortest, Reports& out) override {
        if (on_open) {
            on_open(b, is_shortest);
        }
        market(now, b.instrument, b.open, b.open, out);
    }
    void on_bar_closed(Time now, const BarClosed& b, Reports& out) override {
        if (on_close) {
            on_close(b);
        }
        market(now, b.instrument, b.close, b.close, out);
    }
    std::vector<AuctionPrices> auctions;  ///< whose prices it was told
    void on_auction(Time now, const AuctionPrices& prices, Reports& out) override {
        auctions.push_back(prices);
        market(now, prices.instrument, prices.bid, prices.ask, out);
    }
    std::vector<InstrumentId> forgotten;  ///< whose prices no longer stand
    void forget_price(InstrumentId instrument) override { forgotten.push_back(instrument); }
    void on_session_opened(Time, const TradingSessionOpened&, Reports&) override {}
    void on_session_closed(Time now, const TradingSessionClosed& session, Reports& out) override {
        if (at_session_close) {
            at_session_close(now, session, out);
        }
    }
    std::vector<CorporateAction> actions;  ///< that it was told of
    std::vector<OrderAdjusted> adjusted;   ///< with the last of them
    std::function<void(const CorporateAction&, std::span<const OrderAdjusted>, Reports&)> at_action;
    void on_corporate_action(Time, const CorporateAction& action, std::span<const OrderAdjusted> orders,
                             std::span<const PositionAdjusted>, Reports& out) override {
        actions.push_back(action);
        adjusted.assign(orders.begin(), orders.end());
        if (at_action) {
            at_action(action, orders, out);
        }
    }
    void perform(Time now, const Effect& effect, Reports& out) override {
        effects.push_back(effect);
        if (answer) {
            answer(now, effect, out);
        }
    }
    Price worst_fill(Side side, Price touch, Price) const override {
        return Price{touch.raw + (side == Side::buy ? slippage.raw : -slippage.raw)};
    }
    bool links_orders() const override { return links; }
    void save(ByteBuffer&) const override {}
    Result<void> load(Bytes) override { return {}; }

    bool links = true;
    Price slippage;

    /// Accepts what is placed, and carries out cancels and modifies at once.
    void obey() {
        answer = [](Time, const Effect& effect, Reports& out) { obeyed(effect, out); };
    }
    /// Accepts what is placed and fills it whole at `price`.
    void fill_at(std::string_view price) {
        answer = [p = px(price)](Time, const Effect& effect, Reports& out) {
            obeyed(effect, out);
            if (const auto* place = std::get_if<PlaceOrder>(&effect)) {
                BrokerReport fill = report(ReportKind::filled, place->order.value);
                fill.quantity = place->terms.quantity;
                fill.price = p;
                fill.trade = "t" + std::to_string(place->order.value);
                out.push_back(fill);
            }
        };
    }
    static void obeyed(const Effect& effect, Reports& out) {
        std::visit(overloaded{[&](const PlaceOrder& e) { out.push_back(report(ReportKind::accepted, e.order.value)); },
                              [&](const PlaceLinked& e) {
                                  for (const PlaceOrder& order : e.orders) {
                                      out.push_back(report(ReportKind::accepted, order.order.value));
                                  }
                              },
                              [&](const CancelOrder& e) {
                                  out.push_back(report(ReportKind::cancelled, e.order.value, "asked"));
                              },
                              [&](const ModifyOrder& e) {
                                  BrokerReport& r = out.emplace_back(report(ReportKind::modified, e.order.value));
                                  r.quantity = e.quantity;
                                  r.limit_price = e.limit_price;
                                  r.stop_price = e.stop_price;
                                  r.reduce_only = e.reduce_only;
                              }},
                   effect);
    }

private:
    void market(Time now, InstrumentId instrument, Price bid, Price ask, Reports& out) {
        out.insert(out.end(), resting.begin(), resting.end());
        resting.clear();
        if (at_market) {
            at_market(now, instrument, bid, ask, out);
        }
    }
};

// ---- a strategy that does what the test says ----------------------------------------------------

/// Writes down what it is told, e.g. "quote", "order 1 working", "fill 1", "timer 7", then does
/// what the test says.
struct ScriptedStrategy {
    std::function<void(const QuoteTick&, Context&)> on_quote;
    std::function<void(const TradeTick&, Context&)> on_trade;
    std::function<void(const BarOpened&, Context&)> on_bar_opened;
    std::function<void(const BarClosed&, Context&)> on_bar;
    std::function<void(TimerId, Context&)> on_timer;
    std::function<void(const OrderUpdate&, Context&)> on_order;
    std::function<void(const OrderFilled&, Context&)> on_fill;
    std::function<void(const CorporateAction&, Context&)> on_action;
    std::vector<std::string> heard;

    /// At its next quote only.
    void once(std::function<void(Context&)> act) {
        on_quote = [this, act = std::move(act)](const QuoteTick&, Context& context) {
            const auto now = act;  // what acts may replace on_quote
            on_quote = nullptr;
            now(context);
        };
    }
};

/// The Strategy that a Kernel owns: passes everything on, so that the script outlives the kernel
/// across a restart.
class Actor final : public Strategy {
public:
    explicit Actor(ScriptedStrategy& script) : script_(script) {}
    void on_quote(const QuoteTick& e, Context& c) override { tell("quote", script_.on_quote, e, c); }
    void on_trade(const TradeTick& e, Context& c) override { tell("trade", script_.on_trade, e, c); }
    void on_bar_opened(const BarOpened& e, Context& c) override { tell("bar_opened", script_.on_bar_opened, e, c); }
    void on_bar(const BarClosed& e, Context& c) override { tell("bar", script_.on_bar, e, c); }
    void on_timer(TimerId id, Context& c) override {
        tell("timer " + std::to_string(id.value), script_.on_timer, id, c);
    }
    void on_order(const OrderUpdate& e, Context& c) override {
        std::string line = "order " + std::to_string(e.order.value) + ' ' + name_of(e.status);
        if (e.rule != Rule::none) {
            line += std::string(" by ") + name_of(e.rule);
        }
        tell(line + (e.change_failed ? " change failed" : ""), script_.on_order, e, c);
    }
    void on_fill(const OrderFilled& e, Context& c) override {
        tell("fill " + std::to_string(e.order.value), script_.on_fill, e, c);
    }
    void on_corporate_action(const CorporateAction& e, Context& c) override {
        tell(name_of(e.kind), script_.on_action, e, c);
    }

private:
    template <class F, class E>
    void tell(std::string line, const F& act, const E& event, Context& context) {
        script_.heard.push_back(std::move(line));
        if (act) {
            const F now = act;  // what acts may replace itself
            now(event, context);
        }
    }
    ScriptedStrategy& script_;
};

// ---- the floor ----------------------------------------------------------------------------------

using Lines = std::vector<std::string>;

/// Writes down what observers are shown: "order 1", "refusal 2", "fill 1".
class Onlooker final : public KernelObserver {
public:
    Lines seen;
    void on_fill(const Envelope&, const OrderFilled& e) override { see("fill ", e.order); }
    void on_order(const Envelope&, const OrderIntended& e) override { see("order ", e.order); }
    void on_refusal(const Envelope&, const OrderRefused& e) override { see("refusal ", e.order); }

private:
    void see(const char* what, OrderId id) { seen.push_back(what + std::to_string(id.value)); }
};

class Floor {
public:
    explicit Floor(const Setup& setup) : Floor(setup.config()) {}
    explicit Floor(const RunConfigured& config) : brokers_(config.brokers.size()), scripts_(config.strategies.size()) {
        kernel_ = std::make_unique<Kernel>(parts(), frame_);
        frame_.begin(0);
        kernel_->configure(config);
        after_step();
        said_ = events_.size();
    }
    Floor(const Floor&) = delete;
    Floor& operator=(const Floor&) = delete;

    ScriptedBroker& broker(std::size_t i = 0) { return brokers_.at(i); }
    ScriptedStrategy& strategy(std::size_t i = 0) { return scripts_.at(i); }
    const State& state() const { return kernel_->state(); }
    const Portfolio& portfolio(PortfolioId id = kMain) const { return state().portfolios.at(id.value); }
    const Position& position(InstrumentId instrument = kIbm, PortfolioId id = kMain) const {
        return portfolio(id).position(instrument);
    }
    const Order& order(std::uint64_t id) const {
        const Order* found = state().find_order(OrderId{id});
        REQUIRE(found != nullptr);
        return *found;
    }
    std::vector<std::uint8_t> saved() const {
        ByteBuffer bytes;
        save_state(state(), bytes);
        return {bytes.view().begin(), bytes.view().end()};
    }

    // ---- inputs -----------------------------------------------------------------------------------

    void quote(Time now, std::string_view bid, std::string_view ask, InstrumentId instrument = kIbm) {
        kernel_->take(now, QuoteTick{instrument, px(bid), px(ask), qty("100"), qty("100")});
        after_step();
    }
    void trade(Time now, std::string_view price, InstrumentId instrument = kIbm) {
        kernel_->take(now, TradeTick{instrument, px(price), qty("10"), qty("500"), qty("70"), now - Duration{1}});
        after_step();
    }
    void bar_opened(Time now, std::string_view open, InstrumentId instrument = kIbm, Duration interval = kMinute) {
        kernel_->take(now, BarOpened{instrument, px(open), now, interval});
        after_step();
    }
    void bar_closed(Time now, std::string_view close, InstrumentId instrument = kIbm, Duration interval = kMinute) {
        const Price price = px(close);
        kernel_->take(now, BarClosed{instrument, price, price, price, price, qty("1000"), now - interval, interval});
        after_step();
    }
    /// What a broker outside says, or a person of it.
    void word(Time now, const Input& said) {
        kernel_->take(now, said);
        after_step();
    }
    void tell(Time now, const BrokerReport& r) {
        kernel_->take(now, r);
        after_step();
    }
    void kill(Time now, PortfolioId id = kMain, LatchScope scope = LatchScope::all) {
        kernel_->take(now, KillRequest{id, scope});
        after_step();
    }
    void release(Time now, PortfolioId id = kMain) {
        kernel_->take(now, ReleaseRequest{id});
        after_step();
    }
    void resume(Time now, std::uint32_t strategy) {
        kernel_->take(now, ResumeRequest{StrategyId{strategy}});
        after_step();
    }
    void halt(Time now, std::uint32_t strategy, std::string reason) {
        kernel_->take(now, HaltRequest{StrategyId{strategy}, std::move(reason)});
        after_step();
    }
    /// The strategies of these numbers begin anew.
    void reconfigure(const RunConfigured& config, const std::vector<std::size_t>& anew) {
        Kernel::Components again = parts();
        for (std::size_t s = 0; s < scripts_.size(); ++s) {
            if (std::ranges::find(anew, s) == anew.end()) {
                again.strategies[s] = nullptr;
            }
        }
        kernel_->reconfigure(config, std::move(again.strategies), std::move(again.venues));
        after_step();
    }
    InstrumentId list(Time now, const Instrument& definition) {
        const InstrumentId id{static_cast<std::uint32_t>(kernel_->state().instruments.size())};
        kernel_->take(now, ListInstrument{definition});
        after_step();
        return id;
    }
    void rules(Time now, const markets::MarketRules& rules) {
        kernel_->take(now, MarketRulesSet{rules});
        after_step();
    }
    void products(Time now, const ProductRules& rules) {
        kernel_->take(now, ProductRulesSet{rules});
        after_step();
    }
    void margins(Time now, const MarginRules& rules) {
        kernel_->take(now, MarginRulesSet{rules});
        after_step();
    }
    void settles(Time now, InstrumentId instrument, Date date, std::string_view price) {
        kernel_->take(now, SettlementPrice{instrument, date, money(price)});
        after_step();
    }
    void act(Time now, const CorporateAction& action) {
        kernel_->take(now, action);
        after_step();
    }
    void change(Time now, InstrumentId instrument, const Instrument& definition) {
        kernel_->take(now, InstrumentChanged{instrument, definition});
        after_step();
    }
    /// A quote of 99.99 : 100.01 on which strategy `i` asks what `act` asks.
    void act(Time now, std::function<void(Context&)> request, std::size_t i = 0, InstrumentId instrument = kIbm) {
        strategy(i).once(std::move(request));
        quote(now, "99.99", "100.01", instrument);
    }
    OrderId place(Time now, const OrderTerms& terms, std::size_t i = 0) {
        OrderId id;
        act(now, [&](Context& c) { id = c.place(terms); }, i);
        return id;
    }

    /// Goes on with a new kernel that knows only the saved state, the brokers and the strategies.
    void restart() {
        const auto bytes = saved();
        auto loaded = load_state(bytes);
        REQUIRE(loaded);
        kernel_ = std::make_unique<Kernel>(std::move(*loaded), parts(), frame_);
    }

    // ---- what was recorded ------------------------------------------------------------------------

    /// Canonical text of everything recorded since this was last asked.
    Lines said() {
        Lines lines;
        for (; said_ < events_.size(); ++said_) {
            lines.push_back(to_text(events_[said_].envelope, events_[said_].event, names_));
        }
        return lines;
    }
    /// The same, of one type only, without sequence number and time.
    Lines said_of(std::string_view type) {
        Lines found;
        for (const std::string& line : said()) {
            const std::string rest = line.substr(line.find(' ', line.find(' ') + 1) + 1);
            if (rest.substr(0, rest.find(' ')) == type) {
                found.push_back(rest);
            }
        }
        return found;
    }
    const std::vector<DecodedEvent>& events() const { return events_; }
    /// The frame bytes of the latest step.
    const std::vector<std::uint8_t>& step_bytes() const { return step_bytes_; }
    std::vector<std::string> heard(std::size_t i = 0) { return std::exchange(strategy(i).heard, {}); }
    const Lines& seen() const { return onlooker_.seen; }
    std::size_t count_of(std::string_view type) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(events_, [&](const DecodedEvent& e) { return type_name(e.event) == type; }));
    }

private:
    Kernel::Components parts() {
        Kernel::Components made;
        for (ScriptedStrategy& script : scripts_) {
            made.strategies.push_back(std::make_unique<Actor>(script));
        }
        for (ScriptedBroker& broker : brokers_) {
            made.venues.push_back(&broker);
        }
        made.observer = &onlooker_;
        return made;
    }

    void after_step() {
        const std::uint64_t counted = visits;  // what is compared here is no work of the kernel's
        Bytes bytes = frame_.bytes.view();
        step_bytes_.assign(bytes.begin(), bytes.end());
        Seq seq = frame_.first_seq;
        while (!bytes.empty()) {
            auto decoded = decode(bytes, seq++);
            REQUIRE(decoded);
            bytes = bytes.subspan(decoded->bytes);
            names_.learn(decoded->event);
            apply(shadow_, decoded->envelope, decoded->event);
            check_links(decoded->envelope);
            events_.push_back(std::move(*decoded));
        }
        REQUIRE(seq == frame_.next_seq());
        // A crowd of closed orders is looked at now and then only: comparing it takes longer than the step.
        if (state().closed_orders.size() < 1'000 || state().next_seq % 64 == 0) {
            REQUIRE(shadow_ == state());
            check_invariants(state());
        }
        if (state().closed_orders.size() < 100) {
            const auto image = saved();
            const auto loaded = load_state(image);
            REQUIRE(loaded);
            REQUIRE(*loaded == state());
            // What is computed as things change is what is computed from nothing.
            const RiskLimits limits(state().config);
            for (std::size_t p = 0; p < state().portfolios.size(); ++p) {
                const auto anew = funds_of(*loaded, limits, loaded->portfolios[p]);
                const auto kept = funds_of(state(), limits, state().portfolios[p]);
                REQUIRE(anew.has_value() == kept.has_value());
                REQUIRE((!anew || (anew->used == kept->used && anew->limit == kept->limit)));
            }
        }
        visits = counted;
        frame_.begin(state().next_seq);
    }
    /// A root has no links; a fact's two links are earlier events, and its correlation is a root.
    void check_links(const Envelope& envelope) const {
        if (envelope.is_root()) {
            REQUIRE(envelope.correlation == kNoSeq);
            return;
        }
        REQUIRE(envelope.causation < envelope.seq);
        REQUIRE(envelope.correlation <= envelope.causation);
        REQUIRE(events_.at(envelope.correlation).envelope.is_root());
    }

    std::vector<ScriptedBroker> brokers_;
    std::vector<ScriptedStrategy> scripts_;
    Frame frame_;
    std::unique_ptr<Kernel> kernel_;
    State shadow_;
    Names names_;
    std::size_t said_ = 0;
    std::vector<DecodedEvent> events_;
    std::vector<std::uint8_t> step_bytes_;
    Onlooker onlooker_;
};

/// Numbers that are the same on every machine (xorshift64).
class Dice {
public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return state_;
    }
    /// From 0 to n - 1.
    std::uint64_t below(std::uint64_t n) { return next() % n; }

private:
    std::uint64_t state_;
};

}  // namespace alpha::test
