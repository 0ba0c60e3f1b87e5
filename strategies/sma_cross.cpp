/// Buys when the fast simple average of closes crosses above the slow one, sells what it holds when
/// it crosses below.
///
/// A cross is below on one bar and above on the very next, or the reverse; averages that touch in
/// between are no cross. Averages are compared as exact sums. What is held is known from fills, and
/// nothing is ordered while an order is under way; a refused order is not repeated, the next cross
/// is the next chance.
///
/// Averages are of one interval's bars. Where an instrument has bars of several, `interval` must say
/// which: else the strategy is halted at the first bar that makes it a question.

#include "strategies/built_in.hpp"
#include "strategies/indicators.hpp"
#include "strategies/strategy_state.hpp"

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace alpha {

namespace {

class SmaCross final : public Strategy {
public:
    explicit SmaCross(const StrategyConfig& config)
        : empty_{ExactSma(count_param(config.params, "fast")), ExactSma(count_param(config.params, "slow")), kUnknown},
          quantity_(qty_param(config.params, "quantity")),
          interval_(interval_param(config.params, "interval")),
          trends_(config.instruments, empty_),
          holdings_(config.instruments) {}

    void on_bar(const BarClosed& bar, Context& context) override {
        const InstrumentId id = bar.instrument;
        if (interval_ == Duration{}) {
            require_one_interval(id, context.view());
        } else if (bar.interval != interval_) {
            return;
        }
        Trend& trend = trends_[id];
        trend.fast.push(bar.close);
        trend.slow.push(bar.close);
        if (!trend.slow.full()) {
            return;
        }
        const int before = trend.sign;
        trend.sign = compare(trend.fast, trend.slow);
        if (holdings_.waiting(id)) {
            return;
        }
        const Qty held = holdings_.position(id);
        if (held.raw == 0 && before == kBelow && trend.sign == kAbove) {
            context.signal(id, Direction::lengthen);
            holdings_.ordered(id, context.market(id, Side::buy, quantity_), quantity_);
        } else if (held.raw > 0 && before == kAbove && trend.sign == kBelow) {
            context.signal(id, Direction::flat);
            holdings_.ordered(id, context.market(id, Side::sell, held), held);
        }
    }

    void on_order(const OrderUpdate& update, Context& /*context*/) override { holdings_.on_order(update); }
    void on_fill(const OrderFilled& fill, Context& /*context*/) override { holdings_.on_fill(fill); }
    void on_corporate_action(const CorporateAction& action, Context& context) override {
        Trend& trend = trends_[action.instrument];
        trend.fast.adjust(action);
        trend.slow.adjust(action);
        trend.sign = trend.slow.full() ? compare(trend.fast, trend.slow) : trend.sign;
        holdings_.on_action(action, context.view());
    }

    /// The slow window holds the fast one, and both sums and the sign follow from it.
    void save(ByteBuffer& bytes) const override {
        OutCursor out(bytes);
        for (const InstrumentId id : trends_.ids()) {
            const ExactSma& closes = trends_[id].slow;
            out.count(closes.size());
            for (std::size_t i = 0; i < closes.size(); ++i) {
                out(closes.at(i));
            }
        }
        holdings_.save(out);
    }

    Result<void> load(Bytes bytes) override {
        InCursor in(bytes);
        PerInstrument<Trend> trends(trends_.ids(), empty_);
        for (const InstrumentId id : trends.ids()) {
            Trend& trend = trends[id];
            std::uint32_t closes = 0;
            in(closes);
            for (std::uint32_t i = 0; i < closes && in.ok(); ++i) {
                in.require(!trend.slow.full());
                Price close;
                in(close);
                in.require(close.raw >= 0 && close <= limits::kMaxPrice);
                trend.fast.push(close);
                trend.slow.push(close);
            }
            if (trend.slow.full()) {
                trend.sign = compare(trend.fast, trend.slow);
            }
        }
        Holdings holdings = holdings_;
        holdings.load(in);
        return check_read(in, "sma_cross").map([&] {
            trends_ = std::move(trends);
            holdings_ = std::move(holdings);
        });
    }

private:
    // The fast average against the slow one, as of the last bar.
    static constexpr int kBelow = -1;
    static constexpr int kAbove = 1;
    static constexpr int kUnknown = 2;

    struct Trend {
        ExactSma fast;
        ExactSma slow;
        int sign;
    };

    static void require_one_interval(InstrumentId id, const View& view) {
        const std::vector<BarSeries>& series = view.market(id).series;
        if (series.size() <= 1) [[likely]] {
            return;
        }
        std::vector<Duration> intervals;
        intervals.reserve(series.size());
        for (const BarSeries& each : series) {
            intervals.push_back(each.interval);
        }
        throw std::runtime_error(which_interval("sma_cross", view.instrument(id).name, intervals));
    }

    Trend empty_;
    Qty quantity_;
    Duration interval_;  // zero: the only one there is
    PerInstrument<Trend> trends_;
    Holdings holdings_;
};

constexpr std::array kParams = {
    periods_param("fast", "bars of the fast average; below slow"),
    periods_param("slow", "bars of the slow average"),
    quantity_param("quantity", "how much to buy on a cross from below"),
    ParamSpec{"interval",
              ParamKind::interval,
              kOnlyInterval,
              {},
              {},
              "of the bars to average, such as 5m; needed where an instrument has bars of several"},
};

}  // namespace

StrategySpec sma_cross_spec() {
    StrategySpec spec;
    spec.name = "sma_cross";
    spec.summary = "buys when the fast simple average of closes crosses above the slow one, sells "
                   "on the way back";
    spec.params = kParams;
    spec.uses = {.bars = true};
    spec.check = check_fast_below_slow;
    spec.make = [](const StrategyConfig& config, std::span<const Instrument>) -> std::unique_ptr<Strategy> {
        return std::make_unique<SmaCross>(config);
    };
    return spec;
}

}  // namespace alpha
