/// Buys each instrument once, at its first price, and keeps it: what other strategies are compared
/// with.
///
/// What a refusal, a rejection or a cancel left unbought is tried again on the instrument's next
/// trading day, not at its next tick: a rule that says no will mostly say so all day.

#include "strategies/built_in.hpp"
#include "strategies/strategy_state.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace alpha {

namespace {

class BuyAndHold final : public Strategy {
public:
    explicit BuyAndHold(const StrategyConfig& config)
        : wanted_(config.instruments, qty_param(config.params, "quantity")),
          last_tried_(config.instruments, kNotYet),
          holdings_(config.instruments) {}

    /// Only an ask can be bought from.
    void on_quote(const QuoteTick& quote, Context& context) override {
        if (quote.ask.raw > 0) {
            buy_what_is_missing(quote.instrument, context);
        }
    }
    void on_trade(const TradeTick& trade, Context& context) override { buy_what_is_missing(trade.instrument, context); }
    void on_bar(const BarClosed& bar, Context& context) override { buy_what_is_missing(bar.instrument, context); }

    void on_order(const OrderUpdate& update, Context& /*context*/) override { holdings_.on_order(update); }
    void on_fill(const OrderFilled& fill, Context& /*context*/) override { holdings_.on_fill(fill); }
    /// What is wanted changes with what is held: it neither buys nor sells for a split.
    void on_corporate_action(const CorporateAction& action, Context& context) override {
        const Qty missing = wanted_[action.instrument] - holdings_.position(action.instrument);
        holdings_.on_action(action, context.view());
        wanted_[action.instrument] =
            action.kind == ActionKind::merger
                ? Qty{}
                : std::min(holdings_.position(action.instrument) + position_after(missing, action, context.view()),
                           limits::kMaxQty);
    }

    void save(ByteBuffer& bytes) const override {
        OutCursor out(bytes);
        for (const InstrumentId id : last_tried_.ids()) {
            out(std::int64_t{last_tried_[id].days}, wanted_[id]);
        }
        holdings_.save(out);
    }

    Result<void> load(Bytes bytes) override {
        InCursor in(bytes);
        PerInstrument<Date> last_tried = last_tried_;
        PerInstrument<Qty> wanted = wanted_;
        for (const InstrumentId id : last_tried.ids()) {
            std::int64_t days = 0;
            in(days, wanted[id]);
            in.require(wanted[id].raw >= 0 && wanted[id] <= limits::kMaxQty);
            in.require(days >= kNotYet.days && days <= std::numeric_limits<std::int32_t>::max());
            last_tried[id] = Date{static_cast<std::int32_t>(days)};
        }
        Holdings holdings = holdings_;
        holdings.load(in);
        return check_read(in, "buy_and_hold").map([&] {
            last_tried_ = std::move(last_tried);
            wanted_ = std::move(wanted);
            holdings_ = std::move(holdings);
        });
    }

private:
    static constexpr Date kNotYet{std::numeric_limits<std::int32_t>::min()};

    void buy_what_is_missing(InstrumentId id, Context& context) {
        const Qty missing = wanted_[id] - holdings_.position(id);
        if (missing.raw <= 0 || holdings_.waiting(id)) {
            return;
        }
        const Date today = context.view().market(id).session_date;
        if (last_tried_[id] == today) {
            return;
        }
        last_tried_[id] = today;
        context.signal(id, Direction::lengthen);
        holdings_.ordered(id, context.market(id, Side::buy, missing), missing);
    }

    PerInstrument<Qty> wanted_;
    PerInstrument<Date> last_tried_;
    Holdings holdings_;
};

constexpr std::array kParams = {
    quantity_param("quantity", "how much of each instrument to buy"),
};

}  // namespace

StrategySpec buy_and_hold_spec() {
    StrategySpec spec;
    spec.name = "buy_and_hold";
    spec.summary = "buys each instrument once, at its first price, and keeps it";
    spec.params = kParams;
    spec.uses = {.quotes = true, .trades = true, .bars = true};
    spec.make = [](const StrategyConfig& config, std::span<const Instrument>) -> std::unique_ptr<Strategy> {
        return std::make_unique<BuyAndHold>(config);
    };
    return spec;
}

}  // namespace alpha
