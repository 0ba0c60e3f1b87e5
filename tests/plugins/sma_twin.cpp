// sma_cross over again, with nothing but the installed header: it has to trade just as the built-in one does.
#include <alpha/strategy.hpp>
#include <cstdlib>
#include <map>
#include <vector>

namespace {

__extension__ typedef __int128 Wide;

class Average {
public:
    explicit Average(std::size_t periods) : periods_(periods) {}
    void push(std::int64_t value) {
        values_.push_back(value);
        sum_ += value;
        if (values_.size() > periods_) {
            sum_ -= values_.front();
            values_.erase(values_.begin());
        }
    }
    bool full() const { return values_.size() == periods_; }
    const std::vector<std::int64_t>& values() const { return values_; }
    static int compare(const Average& a, const Average& b) {
        const Wide left = Wide(a.sum_) * Wide(b.periods_);
        const Wide right = Wide(b.sum_) * Wide(a.periods_);
        return (left > right ? 1 : 0) - (left < right ? 1 : 0);
    }

private:
    std::size_t periods_;
    std::vector<std::int64_t> values_;
    std::int64_t sum_ = 0;
};

class Twin final : public alpha::Strategy {
public:
#ifdef FORGETS
    static constexpr const char* name = "sma_forgets";
#else
    static constexpr const char* name = "sma_twin";
#endif
    static constexpr const char* summary = "what sma_cross does";
    static constexpr alpha::Param params[] = {
        alpha::integer("fast", "bars of the fast average; below slow").at_least("1").at_most("1000000"),
        alpha::integer("slow", "bars of the slow average").at_least("1").at_most("1000000"),
        alpha::decimal("quantity", "how much to buy").at_least("0.00000001").by_default("010.0"),
    };

    explicit Twin(const alpha::Settings& settings)
        : fast_(static_cast<std::size_t>(settings.integer("fast"))),
          slow_(static_cast<std::size_t>(settings.integer("slow"))),
          quantity_(settings.quantity("quantity")) {
        if (fast_ >= slow_) {
            throw std::invalid_argument("fast must be below slow");
        }
        for (const alpha::Instrument& instrument : settings.instruments()) {
            trends_.emplace(instrument.id, Trend(fast_, slow_));
        }
    }

    void on_bar(const alpha::Bar& bar, alpha::Context& context) override {
        Trend& trend = trends_.at(bar.instrument);
        trend.fast.push(bar.close.raw);
        trend.slow.push(bar.close.raw);
        if (!trend.slow.full()) {
            return;
        }
        const int before = trend.sign;
        trend.sign = Average::compare(trend.fast, trend.slow);
        if (trend.order != 0) {
            return;
        }
        if (!trend.held && before == -1 && trend.sign == 1) {
            context.signal(bar.instrument, alpha::Direction::lengthen);
            trend.order = context.buy(bar.instrument, quantity_);
        } else if (trend.held && before == 1 && trend.sign == -1) {
            context.signal(bar.instrument, alpha::Direction::flat);
            trend.order = context.sell(bar.instrument, trend.held);
        }
    }
    void on_order(const alpha::OrderUpdate& update, alpha::Context&) override {
        for (auto& each : trends_) {
            if (alpha::is_terminal(update.status) && each.second.order == update.order) {
                each.second.order = 0;
            }
        }
    }
    void on_fill(const alpha::Fill& fill, alpha::Context&) override {
        Trend& trend = trends_.at(fill.instrument);
        trend.held = fill.side == alpha::Side::buy ? trend.held + fill.quantity : trend.held - fill.quantity;
    }

#ifndef FORGETS
    void save(alpha::StateWriter& out) const override {
        for (const auto& each : trends_) {
            const Trend& trend = each.second;
            out.put(static_cast<std::uint64_t>(trend.slow.values().size()));
            for (const std::int64_t value : trend.slow.values()) {
                out.put(value);
            }
            out.put(trend.sign);
            out.put(trend.held.raw);
            out.put(trend.order);
        }
    }
    void load(alpha::StateReader& in) override {
        for (auto& each : trends_) {
            Trend& trend = each.second;
            for (auto left = in.get<std::uint64_t>(); left > 0; --left) {
                const auto value = in.get<std::int64_t>();
                trend.fast.push(value);
                trend.slow.push(value);
            }
            trend.sign = in.get<int>();
            trend.held.raw = in.get<std::int64_t>();
            trend.order = in.get<alpha::OrderId>();
        }
    }
#endif

private:
    struct Trend {
        Trend(std::size_t fast_periods, std::size_t slow_periods) : fast(fast_periods), slow(slow_periods) {}
        Average fast;
        Average slow;
        int sign = 2;
        alpha::Quantity held;
        alpha::OrderId order = 0;
    };
    std::size_t fast_;
    std::size_t slow_;
    alpha::Quantity quantity_;
    std::map<alpha::InstrumentId, Trend> trends_;
};

}  // namespace

ALPHA_STRATEGY(Twin)
