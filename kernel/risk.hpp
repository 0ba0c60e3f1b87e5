#pragma once
/// Pre-trade risk: every rule a small function of its own, asked in the order of `kChecks` (risk.cpp). The first that is broken names
/// itself, its limit and what it saw. Limits are maxima: reaching one is allowed, passing it is not.
/// Positions and open orders are bounded without a rule too (limits::kMaxQty, limits::kMaxOpenOrders).
///
/// | rule                | scenario key          | compares                                                        | unit     |
/// |---------------------|-----------------------|------------------------------------------------------------------|----------|
/// | order_quantity      | max_order_quantity    | the order's quantity                                             | units    |
/// | order_notional      | max_order_notional    | quantity x reference price                                       | currency |
/// | position            | max_position          | the position if every working order and this one fill            | units    |
/// | gross_exposure      | max_gross_exposure    | the same over all instruments, at marks; never refuses a reduction | currency |
/// | open_orders         | max_open_orders       | open orders with this one                                        | count    |
/// | order_rate          | max_orders_per_second | orders and modifications in the last second of event time, with this one | count |
/// | price_band          | price_band_percent    | distance of limit and stop from the mark                         | per cent |
/// | daily_loss          | max_daily_loss        | loss since the trading day began; latches the kill switch        | currency |
/// | stale_data          | max_data_age          | time since the instrument's last market input                    | seconds  |
/// | shorting            | allow_short: false    | the position if every working sell and this one fill             | units    |
/// | freeze_quantity     | (the instrument's)    | the order's quantity                                             | units    |
/// | broker_down         | (its broker's)        | whether a broker outside is there, and known to be in order     |          |
/// | not_supported       | (its broker's)        | whether a broker outside has such orders: none that last for longer than a day, and none without a product where it needs one | |
/// | feed_down           | (its source's)        | whether every live source of prices is there; never refuses a reduction | count |
/// | frozen_instrument   | (its broker's)        | whether broker and books differ in it; never refuses a reduction | |
/// | unknown_outcome     | (its broker's)        | whether anybody knows what became of the strategy's orders in it | order    |
/// | send_backlog        | (its broker's)        | orders that wait to be sent, with this one                       | count    |
/// | modifications       | (its broker's)        | how often the order was changed, with this one                   | count    |
/// | expired             | (the instrument's)    | the day against the contract's last one                          | day      |
/// | unknown_day         | calendar: strict      | whether the instrument's calendar knows the day                  |          |
/// | market_phase        | (its calendar's)      | what the market takes now: no stops in a closing auction, say    | phase    |
/// | product             | products: a table     | whether the product is one of the instrument's exchange          | product  |
/// | holdings            | (its product's)       | what is sold of shares that cannot be sold short, against what is there | units |
/// | square_off          | (its product's)       | the time of day against when the broker closes what is held within it | seconds |
/// | no_charges          | (charges: a table)    | whether the table says what the order would cost                 |          |
/// | session_hours       | session_hours: true   | the time of day against the instrument's session                 | seconds  |
/// | allowed_instruments | allowed_instruments   | membership                                                       | id       |
/// | buying_power        | account.leverage      | what increases: all that buying_power_used counts; without margins only  | currency |
/// | margin              | margins: a table      | what the order binds beside what is bound, against what is free: kernel/margin.hpp | currency |
///
/// What only reduces (reduce_only, exits of a bracket) passes kill_switch while the scope is `entries`, daily_loss, shorting,
/// position, gross_exposure and buying_power: it is cut to the position, so it can add to nothing.

#include "kernel/state.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace alpha {

/// The configured limits, by rule; compiled once from event 0.
class RiskLimits {
public:
    explicit RiskLimits(const RunConfigured& config);
    const std::optional<Decimal>& of(Rule rule) const { return limits_[static_cast<std::size_t>(rule)]; }
    bool allows(InstrumentId instrument) const;

private:
    std::array<std::optional<Decimal>, kRules> limits_;
    std::vector<InstrumentId> allowed_;  // sorted
};

/// A rule that was broken, or Rule::none.
struct Verdict {
    Rule rule = Rule::none;
    Decimal limit;
    Decimal observed;
    bool refused() const { return rule != Rule::none; }
};

/// What is judged: new terms, for a portfolio in a state.
struct RiskQuestion {
    const State& state;
    const RiskLimits& limits;
    StrategyId strategy;
    OrderTerms terms;
    /// What it is taken to cost per unit: its limit, its stop, or the touch worsened by its broker's slippage; for sells at least
    /// the mark. Zero: none known.
    Price valued_at;
    /// A modification: what the order it changes reserves with its group (and frees), what the group's other legs reserve all the
    /// same, and what it has filled. Zero for a new one.
    Reserved replaced{};
    Reserved standing{};
    Qty filled{};
    bool is_modification = false;
    const Order* changed = nullptr;  ///< a modification: the order as it stands
    const RiskQuestion* beside =
        nullptr;  ///< an order of the other side that is placed with it: only one of them is to fill, and both reserve
    Time moment = kBeforeAll;            ///< by which calendars are asked; kBeforeAll: the state's present
    std::uint32_t placed_together = 1;   ///< orders that links bind, this one among them
    std::uint32_t entries_together = 1;  ///< those of them that are no exits: what order_rate counts

    const StrategyConfig& config() const { return state.config.strategies[strategy.value]; }
    const Portfolio& portfolio() const { return state.portfolios[config().portfolio.value]; }
    const Instrument& instrument() const { return state.instruments[terms.instrument.value]; }
    const Market& market() const { return state.markets[terms.instrument.value]; }
    const markets::DayTimes& times() const { return state.times[terms.instrument.value]; }
    /// What is held under the order's product, and may be by other orders.
    Holding held() const { return portfolio().position(terms.instrument).of(terms.product); }
    /// What a unit of it binds of the portfolio's funds beside its family's margin.
    Price funds_at() const;
    Time asked_at() const { return moment == kBeforeAll ? state.now : moment; }
    /// What this order would add to the working quantity of its side.
    Qty added() const { return std::max(terms.quantity - filled, standing.quantity) - replaced.quantity; }
    /// The price its notional is computed at: its limit, its stop, the touch it would take, or the mark. Zero: none known.
    Price reference_price() const;
    /// How much of what it adds opens or extends what is held under its product: all but what the net, less other orders of its side, offers
    /// to close. O(1).
    Qty opening() const;
    /// Whether it only takes off a position, whatever else fills first.
    bool reduces() const { return terms.reduce_only || opening().raw <= 0; }
};

/// All rules in turn; the first refusal, or none. With buying_power or gross_exposure O(positions that have changed, and in rare cases their open orders); else
/// O(log instruments of the strategy).
Verdict judge(const RiskQuestion& q);
/// One rule alone. Requires one that orders are judged by.
Verdict judge(Rule rule, const RiskQuestion& q);
/// Of an exit whose entry is judged with it: whether it is an order that could stand.
Verdict judge_exit(const RiskQuestion& q);
/// Computes what has changed of the sums that the limits ask for, so that the next judgement need not. O(positions that have changed, and
/// their open orders): all judgements together cost what happens, not how much there is. Under other limits than before every position
/// has changed: see derive().
void settle_sums(State& state, const RiskLimits& limits, PortfolioId portfolio);
/// What a portfolio may use, and uses as it stands.
struct Funds {
    Rule rule = Rule::none;  ///< margin, or buying_power: by which it is limited
    Money limit;
    Money used;
};
/// Nothing where cash is no limit.
std::optional<Funds> funds_of(const State& state, const RiskLimits& limits, const Portfolio& portfolio);

/// Whether the portfolio has lost more than max_daily_loss since its trading day began. O(1).
Verdict check_daily_loss(const RiskLimits& limits, const Portfolio& portfolio);
/// What it may still lose before that. Requires a limit. O(1).
Money daily_loss_room(const RiskLimits& limits, const Portfolio& portfolio);

}  // namespace alpha
