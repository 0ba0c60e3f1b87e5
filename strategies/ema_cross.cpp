/// Long while the fast exponential average of the mid is above the slow one, else flat.
///
/// An order is placed on a cross and at no other time: after a refusal, a rejection or a cancel the
/// strategy keeps what it has and waits for the next cross, so a rule that says no is asked once a
/// cross, not once a tick. While an order is under way a cross is only noted, and acted on once the
/// order has ended; the strategy sells no more than it holds, whatever part of its buys was filled.

#include "strategies/built_in.hpp"
#include "strategies/indicators.hpp"
#include "strategies/strategy_state.hpp"

#include <array>

namespace alpha {

namespace {

class EmaCross final : public Strategy {
public:
    explicit EmaCross(const StrategyConfig& config)
        : slow_ticks_(static_cast<std::uint32_t>(count_param(config.params, "slow"))),
          fast_weight_(ema_weight(count_param(config.params, "fast"))),
          slow_weight_(ema_weight(count_param(config.params, "slow"))),
          quantity_(qty_param(config.params, "quantity")),
          trends_(config.instruments, {}),
          holdings_(config.instruments) {}

    void on_quote(const QuoteTick& quote, Context& context) override {
        if (!has_both_sides(quote)) {
            return;
        }
        Trend& trend = trends_[quote.instrument];
        const double mid = mid_of(quote);
        if (trend.ticks == 0) {
            trend.fast = mid;
            trend.slow = mid;
        }
        trend.fast = ema_step(trend.fast, fast_weight_, mid);
        trend.slow = ema_step(trend.slow, slow_weight_, mid);
        if (trend.ticks < slow_ticks_) {
            ++trend.ticks;
            if (trend.ticks < slow_ticks_) {
                return;
            }
        }
        const bool want_long = trend.fast > trend.slow;
        if (want_long != trend.want_long || trend.order_due) [[unlikely]] {
            follow(trend, want_long, quote.instrument, context);
        }
    }

    void on_order(const OrderUpdate& update, Context& /*context*/) override { holdings_.on_order(update); }
    void on_fill(const OrderFilled& fill, Context& /*context*/) override { holdings_.on_fill(fill); }
    void on_corporate_action(const CorporateAction& action, Context& context) override {
        Trend& trend = trends_[action.instrument];
        trend.fast = average_after(trend.fast, action);
        trend.slow = average_after(trend.slow, action);
        holdings_.on_action(action, context.view());
    }

    void save(ByteBuffer& bytes) const override {
        OutCursor out(bytes);
        for (const InstrumentId id : trends_.ids()) {
            const Trend& trend = trends_[id];
            write_real(out, trend.fast);
            write_real(out, trend.slow);
            out(trend.ticks, trend.want_long, trend.order_due);
        }
        holdings_.save(out);
    }

    Result<void> load(Bytes bytes) override {
        InCursor in(bytes);
        PerInstrument<Trend> trends = trends_;
        for (const InstrumentId id : trends.ids()) {
            Trend& trend = trends[id];
            trend.fast = read_real(in);
            trend.slow = read_real(in);
            in(trend.ticks, trend.want_long, trend.order_due);
            in.require(trend.ticks <= slow_ticks_ && is_average(trend.fast) && is_average(trend.slow));
        }
        Holdings holdings = holdings_;
        holdings.load(in);
        return check_read(in, "ema_cross").map([&] {
            trends_ = std::move(trends);
            holdings_ = std::move(holdings);
        });
    }

private:
    /// Small, because one is touched for every quote.
    struct Trend {
        double fast = 0;
        double slow = 0;
        std::uint32_t ticks = 0;  // stops counting at slow_ticks_
        bool want_long = false;
        bool order_due = false;  // a cross that has not been answered with an order yet
    };

    /// An average of prices is a price, but for its rounding.
    static bool is_average(double value) { return value >= 0 && value <= 2 * to_double(limits::kMaxPrice); }

    [[gnu::noinline]] void follow(Trend& trend, bool want_long, InstrumentId id, Context& context) {
        if (want_long != trend.want_long) {
            trend.want_long = want_long;
            trend.order_due = true;
            context.signal(id, want_long ? Direction::lengthen : Direction::flat);
        }
        if (holdings_.waiting(id)) {
            return;
        }
        trend.order_due = false;
        const Qty missing = (want_long ? quantity_ : Qty{0}) - holdings_.position(id);
        if (missing.raw != 0) {
            const Side side = missing.raw > 0 ? Side::buy : Side::sell;
            holdings_.ordered(id, context.market(id, side, abs(missing)), abs(missing));
        }
    }

    std::uint32_t slow_ticks_;
    double fast_weight_;
    double slow_weight_;
    Qty quantity_;
    PerInstrument<Trend> trends_;
    Holdings holdings_;
};

constexpr std::array kParams = {
    periods_param("fast", "ticks of the fast average; below slow"),
    periods_param("slow", "ticks of the slow average, and how many pass before the first decision"),
    quantity_param("quantity", "how much to hold while the fast average is above"),
};

}  // namespace

StrategySpec ema_cross_spec() {
    StrategySpec spec;
    spec.name = "ema_cross";
    spec.summary = "long while the fast exponential average of the mid is above the slow one, else flat";
    spec.params = kParams;
    spec.uses = {.quotes = true};
    spec.check = check_fast_below_slow;
    spec.make = [](const StrategyConfig& config, std::span<const Instrument>) -> std::unique_ptr<Strategy> {
        return std::make_unique<EmaCross>(config);
    };
    return spec;
}

}  // namespace alpha
