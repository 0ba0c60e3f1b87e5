#pragma once
/// A stage for one strategy: a hand-made State, a market that the test moves, and a broker that
/// answers as the test says.

#include "events/limits.hpp"
#include "kernel/strategy.hpp"
#include "strategies/catalog.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace alpha {

/// The same pseudo-random numbers on every machine (xorshift64).
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
    std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(n)); }
    /// From -n to n.
    std::int64_t around(std::int64_t n) { return below(2 * n + 1) - n; }

private:
    std::uint64_t state_;
};

/// What becomes of an order on arrival.
enum class Answer { fill, rest, refuse, reject };
/// What becomes of a cancel or modify.
enum class ChangeAnswer { done, refuse, ignore };

class Stage final : public Context {
public:
    Stage(std::string_view use, const std::vector<Setting>& params, std::uint32_t instruments = 1)
        : view_(state_, StrategyId{0}) {
        spec_ = find_strategy(use);
        REQUIRE(spec_ != nullptr);
        StrategyConfig config;
        config.name = "under-test";
        config.use = use;
        config.params = params;
        for (std::uint32_t i = 0; i < instruments; ++i) {
            Instrument instrument;
            instrument.name = "I" + std::to_string(i);
            state_.instruments.push_back(instrument);
            config.instruments.push_back(InstrumentId{i});
        }
        auto valid = validate_params(*spec_, config, state_.instruments);
        REQUIRE(valid);
        config.params = *valid;
        state_.config.strategies.push_back(config);
        state_.markets.resize(instruments);
        for (Market& market : state_.markets) {
            market.session_date = Date{0};
        }
        state_.portfolios.resize(1);
        state_.strategies.resize(1);
        state_.now = Time{kSecondNs};
        net_.resize(instruments);
        strategy_ = make();
    }

    // ---- how the broker and the rules behave --------------------------------------------------------------------------

    std::function<Answer(const OrderTerms&)> on_arrival = [](const OrderTerms&) { return Answer::fill; };
    ChangeAnswer on_change = ChangeAnswer::done;

    // ---- what the strategy did ----------------------------------------------------------------------------------------

    std::vector<OrderTerms> placed;
    std::size_t placed_together = 0;  ///< by place_linked, all in all
    struct Changed {
        OrderId order;
        Qty quantity;
        Price limit_price;
        Price stop_price;
        friend bool operator==(const Changed&, const Changed&) = default;
    };
    std::vector<Changed> changed;
    std::vector<std::pair<InstrumentId, Direction>> signals;
    std::size_t cancels = 0;
    std::size_t modifies = 0;
    std::optional<Time> timer;
    /// The strategy's true position, from all fills.
    Qty net(InstrumentId id = {}) const { return net_[id.value]; }

    // ---- the world ----------------------------------------------------------------------------------------------------

    State& state() { return state_; }
    Strategy& strategy() { return *strategy_; }

    void quote(Price bid, Price ask, InstrumentId id = {}) {
        Market& market = state_.markets[id.value];
        market.bid = bid;
        market.ask = ask;
        market.updated = state_.now;
        strategy_->on_quote({id, bid, ask, qty_of(100), qty_of(100)}, *this);
        settle();
    }
    void bar(Price close, InstrumentId id = {}, Duration interval = {}) {
        state_.markets[id.value].mark = close;
        strategy_->on_bar({id, close, close, close, close, qty_of(1), {}, interval}, *this);
        settle();
    }
    /// Time passes; a timer that falls due fires on the way.
    void pass(Duration duration) {
        const Time until = state_.now + duration;
        while (timer && *timer <= until) {
            state_.now = *timer;
            timer.reset();
            strategy_->on_timer(TimerId{1}, *this);
            settle();
        }
        state_.now = until;
    }

    void fill(OrderId id, Qty quantity) {
        Order& order = open(id);
        REQUIRE(quantity <= order.leaves());
        order.filled += quantity;
        const OrderTerms terms = order.terms;
        net_[terms.instrument.value] += signed_qty(terms.side, quantity);
        const bool full = order.filled >= terms.quantity;
        if (full) {
            close(id, OrderStatus::filled);
        }
        strategy_->on_fill({id, {}, {}, terms.instrument, terms.side, quantity, terms.limit_price, {}, {}, {}, "t"},
                           *this);
        if (full) {
            strategy_->on_order({id, OrderStatus::filled}, *this);
        }
        settle();
    }
    void fill_all() {
        while (!state_.open_orders.empty()) {
            const Order& order = state_.open_orders.begin()->second;
            fill(order.id, order.leaves());
        }
    }
    /// Ends an open order as the broker or the calendar may.
    void end(OrderId id, OrderStatus how) {
        close(id, how);
        strategy_->on_order({id, how}, *this);
        settle();
    }
    /// The cancel that ChangeAnswer::ignore left pending is not done.
    void refuse_cancel(OrderId id) {
        open(id).cancel_pending = false;
        strategy_->on_order({id, OrderStatus::working, Rule::none, true}, *this);
        settle();
    }
    /// Ends the change that ChangeAnswer::ignore left pending.
    void answer_modify(OrderId id, bool accept) {
        Order& order = open(id);
        REQUIRE(order.modify_pending);
        const ModifyOrder change = asked_.at(id);
        order.modify_pending = false;
        order.pending_quantity = {};
        if (accept) {
            order.terms.quantity = change.quantity;
            order.terms.limit_price = change.limit_price;
        }
        strategy_->on_order({id, order.status, Rule::none, !accept}, *this);
        settle();
    }
    std::vector<const Order*> open_orders(InstrumentId id, Side side) const {
        std::vector<const Order*> found;
        for (const auto& [order_id, order] : state_.open_orders) {
            if (order.terms.instrument == id && order.terms.side == side) {
                found.push_back(&order);
            }
        }
        return found;
    }
    /// The only open order of a side.
    const Order& only(Side side, InstrumentId id = {}) const {
        const auto found = open_orders(id, side);
        REQUIRE(found.size() == 1);
        return *found.front();
    }

    // ---- snapshots ----------------------------------------------------------------------------------------------------

    std::unique_ptr<Strategy> make() const { return spec_->make(state_.config.strategies[0], state_.instruments); }
    static std::vector<std::uint8_t> saved(const Strategy& strategy) {
        ByteBuffer bytes;
        strategy.save(bytes);
        return {bytes.view().begin(), bytes.view().end()};
    }
    /// Goes on with a strategy that was loaded from what the present one saved.
    void restart() {
        const auto bytes = saved(*strategy_);
        auto loaded = make();
        REQUIRE(loaded->load(bytes));
        REQUIRE(saved(*loaded) == bytes);
        strategy_ = std::move(loaded);
    }
    /// Every cut, and every extra byte, is refused and leaves the strategy as it was.
    void check_damage_is_refused() const {
        const auto bytes = saved(*strategy_);
        auto fresh = make();
        const auto untouched = saved(*fresh);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const Result<void> result = fresh->load(Bytes(bytes).first(size));
            REQUIRE(!result);
            REQUIRE(result.error().kind == ErrorKind::data);
        }
        auto longer = bytes;
        longer.push_back(0);
        REQUIRE(!fresh->load(longer));
        REQUIRE(saved(*fresh) == untouched);
    }

    // ---- Context ------------------------------------------------------------------------------------------------------

    const View& view() const override { return view_; }
    OrderId place(const OrderTerms& terms) override {
        const OrderId id = state_.next_order;
        state_.next_order = OrderId{id.value + 1};
        requests_.emplace_back(PlaceOrder{id, terms, {}});
        return id;
    }
    OrderId place_linked(std::span<const OrderTerms> orders) override {
        PlaceLinked linked;
        for (const OrderTerms& terms : orders) {
            linked.orders.push_back({OrderId{state_.next_order.value + linked.orders.size()}, terms, {}});
        }
        const OrderId first = state_.next_order;
        state_.next_order = OrderId{first.value + orders.size()};
        requests_.emplace_back(std::move(linked));
        return first;
    }
    void cancel(OrderId order) override { requests_.emplace_back(CancelOrder{order}); }
    void modify(OrderId order, Qty quantity, Price limit_price, Price stop_price) override {
        requests_.emplace_back(ModifyOrder{order, quantity, limit_price, stop_price});
    }
    void set_timer(TimerId id, Time due) override {
        REQUIRE(id == TimerId{1});
        REQUIRE(due >= state_.now + Duration{limits::kMinTimerDelayNs});
        timer = due;
    }
    void cancel_timer(TimerId) override { timer.reset(); }
    void signal(InstrumentId instrument, Direction direction) override { signals.emplace_back(instrument, direction); }

private:
    Order& open(OrderId id) {
        const auto found = state_.open_orders.find(id);
        REQUIRE(found != state_.open_orders.end());
        return found->second;
    }
    void close(OrderId id, OrderStatus how) {
        Order& order = open(id);
        order.status = how;
        order.cancel_pending = false;
        order.modify_pending = false;
        order.pending_quantity = {};
        state_.closed_orders.insert(state_.open_orders.extract(id));
        state_.closings.push_back(id);
    }

    /// Judges requests one by one, oldest first, those that the answers lead to included.
    void settle() {
        for (int judged = 0; !requests_.empty(); ++judged) {
            REQUIRE(judged < 1'000);  // a strategy that answers each answer would never end
            const Effect request = requests_.front();
            requests_.pop_front();
            std::visit([&](const auto& w) { judge(w); }, request);
        }
    }
    void judge(const PlaceOrder& request) {
        placed.push_back(request.terms);
        const Answer answer = on_arrival(request.terms);
        if (answer == Answer::refuse) {
            strategy_->on_order({request.order, OrderStatus::refused, Rule::position}, *this);
            return;
        }
        Order order;
        order.id = request.order;
        order.terms = request.terms;
        state_.open_orders.emplace(request.order, order);
        strategy_->on_order({request.order, OrderStatus::intended}, *this);
        if (answer == Answer::reject) {
            end(request.order, OrderStatus::rejected);
            return;
        }
        open(request.order).status = OrderStatus::working;
        strategy_->on_order({request.order, OrderStatus::working}, *this);
        if (answer == Answer::fill) {
            fill(request.order, request.terms.quantity);
        }
    }
    void judge(const PlaceLinked& request) {
        placed_together += request.orders.size();
        for (const PlaceOrder& order : request.orders) {
            judge(order);
        }
    }
    void judge(const CancelOrder& request) {
        ++cancels;
        if (state_.open_orders.count(request.order) == 0 || on_change == ChangeAnswer::refuse) {
            strategy_->on_order({request.order, OrderStatus::working, Rule::not_open, true}, *this);
        } else if (on_change == ChangeAnswer::ignore) {
            open(request.order).cancel_pending = true;
        } else {
            end(request.order, OrderStatus::cancelled);
        }
    }
    void judge(const ModifyOrder& request) {
        ++modifies;
        changed.push_back({request.order, request.quantity, request.limit_price, request.stop_price});
        Order& order = open(request.order);
        REQUIRE(!order.modify_pending);
        REQUIRE(request.quantity > order.filled);
        if (on_change == ChangeAnswer::refuse) {
            strategy_->on_order({request.order, order.status, Rule::order_rate, true}, *this);
            return;
        }
        order.modify_pending = true;
        order.pending_quantity = request.quantity;
        asked_[request.order] = request;
        if (on_change == ChangeAnswer::done) {
            answer_modify(request.order, true);
        }
    }

    State state_;
    View view_;
    const StrategySpec* spec_ = nullptr;
    std::unique_ptr<Strategy> strategy_;
    std::deque<Effect> requests_;
    std::map<OrderId, ModifyOrder> asked_;
    std::vector<Qty> net_;
};

inline Price cents(std::int64_t n) {
    return Price{n * 1'000'000};
}

}  // namespace alpha
