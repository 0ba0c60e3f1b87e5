#include "runtime/summary.hpp"

#include "config/suggest.hpp"
#include "events/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

namespace alpha {

namespace {

/// Points of the equity curve kept; when full, every other one is dropped and sampling halves.
constexpr std::size_t kCurvePoints = 512;

/// "did you mean X?", or else what there is.
std::string instead_of(const std::string& name, const std::vector<std::string_view>& known) {
    constexpr std::size_t kListed = 8;
    if (const std::string meant = did_you_mean(name, known); !meant.empty()) {
        return fmt::format("did you mean '{}'?", meant);
    }
    const std::size_t more = known.size() - std::min(known.size(), kListed);
    return fmt::format("they hold {}{}", fmt::join(std::span(known).first(known.size() - more), ", "),
                       more == 0 ? "" : fmt::format(" and {} more", more));
}

}  // namespace

Tally::Tally(const RunConfigured& config, const RunOptions& options)
    : results_(config.strategies.size()), limits_(config), on_fill_(options.on_fill), options_(options) {
    for (std::size_t i = 0; i < results_.size(); ++i) {
        results_[i].strategy = config.strategies[i].name;
        results_[i].portfolio = config.portfolios[config.strategies[i].portfolio.value].name;
    }
}

void Tally::accept() {
    holding_ = false;
    for (const FillRow& fill : std::exchange(held_, {})) {
        on_fill_(fill);
    }
}

void Tally::forget() {
    holding_ = false;
    held_.clear();
    for (StrategyResult& each : results_) {
        each.orders = each.refused = each.fills = 0;
        each.realized_pnl = each.charges = Money{};
    }
    refused_by_.clear();
    lowest_cash_ = Money{};
    beyond_power_.clear();
}

void Tally::on_fill(const Envelope& envelope, const OrderFilled& fill) {
    lowest_cash_ = std::min(lowest_cash_, state_->portfolios[fill.portfolio.value].cash);
    note_gap(fill);
    if (fill.strategy != kOperator) {
        StrategyResult& result = results_[fill.strategy.value];
        ++result.fills;
        result.realized_pnl += fill.realized_pnl;
        result.charges += fill.charges;
    }
    if (on_fill_) {
        const RunConfigured& config = state_->config;
        const FillRow row{envelope.time,
                          state_->instruments[fill.instrument.value].name,
                          fill.side,
                          fill.quantity,
                          fill.price,
                          fill.order,
                          fill.strategy == kOperator ? "operator" : config.strategies[fill.strategy.value].name,
                          config.portfolios[fill.portfolio.value].name,
                          fill.product,
                          fill.notional,
                          fill.charges,
                          fill.realized_pnl,
                          fill.order_tag};
        holding_ ? held_.push_back(row) : on_fill_(row);
    }
}

void Tally::on_order(const Envelope&, const OrderIntended& order) {
    has_idle_products_ = has_idle_products_ || (order.terms.product != Product::none && state_->products.is_silent());
    if (order.strategy != kOperator) {
        ++results_[order.strategy.value].orders;
    }
    if (received_ != Clock::TimePoint{}) {
        latency_.add((options_.clock->now() - received_).count());
    }
}

void Tally::on_refusal(const Envelope&, const OrderRefused& order) {
    ++results_[order.strategy.value].refused;
    ++refused_by_[order.rule];
}

void Tally::on_latch(const Envelope& envelope, const KillSwitchLatched& latched) {
    alarm(fmt::format("{}: kill switch latched ({}) by {} at {}",
                      state_->config.portfolios[latched.portfolio.value].name, name_of(latched.scope),
                      name_of(latched.rule), to_iso(envelope.time)));
}

void Tally::on_halt(const Envelope& envelope, const StrategyHalted& halted) {
    alarm(fmt::format("strategy {} halted at {}: {}", state_->config.strategies[halted.strategy.value].name,
                      to_iso(envelope.time), printable(halted.reason)));
}

void Tally::on_stale(const Envelope& envelope, const OutcomeStale& stale) {
    alarm(fmt::format("order {}: nobody knows since {} whether the broker has it; look there, and say what it is",
                      stale.order.value, to_iso(envelope.time)));
}

void Tally::on_conflict(const Envelope& envelope, const OrderConflict& conflict) {
    alarm(fmt::format("CONFLICT at {}: order {}: {}", to_iso(envelope.time), conflict.order.value,
                      printable(conflict.text)));
}

void Tally::on_difference(const Envelope& envelope, const ReconciliationDiffers& differs) {
    const std::string what = differs.order.value != 0 ? fmt::format("order {}", differs.order.value)
                             : differs.instrument.value < state_->instruments.size()
                                 ? state_->instruments[differs.instrument.value].name
                                 : std::string("the account");
    alarm(fmt::format("{}: broker and books differ at {} ({}): {}", what, to_iso(envelope.time),
                      name_of(differs.action), printable(differs.text)));
}

void Tally::on_session(const Envelope&, const TradingSessionOpened& opened) {
    if (opened.date > today_) {
        if (today_ != kNoDay) {
            days_.push_back({today_, state_->path.equity});
        }
        today_ = opened.date;
    }
    opening_ = {true, opened.instrument, state_->market(opened.instrument).mark};
    const markets::Calendar* const calendar = state_->times[opened.instrument.value].calendar();
    if (calendar == nullptr) {
        return;
    }
    const markets::DayKind kind = calendar->day(opened.date).kind;
    if (kind != markets::DayKind::unknown && kind != markets::DayKind::hours_unknown) {
        return;
    }
    UnknownDays& unknown = unknown_days_[calendar->name()];
    if (opened.date > unknown.last) {  // of several instruments once
        unknown.first = unknown.days == 0 ? opened.date : unknown.first;
        unknown.last = opened.date;
        ++unknown.days;
    }
}

std::vector<DayEquity> Tally::days() const {
    std::vector<DayEquity> all = days_;
    if (today_ != kNoDay) {
        all.push_back({today_, state_->path.equity});
    }
    return all;
}

void Tally::on_day_end(const Envelope&, const ChargesBooked& booked) {
    if (!booked.problem.empty() && first_problem_.empty()) {
        first_problem_ = fmt::format("the contract note of {} could not be made, and its charges stand as they were "
                                     "reckoned order by order: {}",
                                     to_iso(booked.date), booked.problem);
    }
}

void Tally::on_no_charges(const Error& why) {
    if (no_charges_.empty()) {
        no_charges_ = why.message;
    }
}

void Tally::add_market_warnings(std::vector<DataWarning>& warnings) const {
    const bool is_strict = state_ != nullptr && state_->rules.unknown_days == markets::UnknownDays::strict;
    for (const auto& [calendar, unknown] : unknown_days_) {
        const std::string when = unknown.days == 1 ? "on " + to_iso(unknown.first)
                                                   : fmt::format("on {} days, from {} to {}", unknown.days,
                                                                 to_iso(unknown.first), to_iso(unknown.last));
        warnings.push_back(
            {fmt::format("calendar {} does not know when its market trades {}: {}; write the days into a "
                         "table of your own (calendars: {{days: FILE}})",
                         calendar, when, is_strict ? "orders were refused" : "it was taken to trade all day long"),
             true});
    }
    if (!first_problem_.empty()) {
        warnings.push_back({first_problem_, true});
    }
    if (!no_charges_.empty()) {
        warnings.push_back(
            {fmt::format("orders were refused since nobody knows what they cost: {}; alpha charges explain "
                         "says what a table knows",
                         no_charges_),
             true});
    }
    for (std::uint32_t p = 0; state_ != nullptr && p < state_->portfolios.size(); ++p) {
        if (const std::optional<ChargesBooked> rest = day_end_charges(*state_, PortfolioId{p});
            rest && rest->problem.empty()) {
            warnings.push_back(
                {fmt::format("{}: the data end before {} has closed, and {} {} of what its contract note and "
                             "ledger ask is not booked yet",
                             state_->config.portfolios[p].name, to_iso(rest->date), state_->config.currency,
                             to_string(rest->charges)),
                 false});
        }
    }
}

void Tally::save(ByteBuffer& out) const {
    put(out, static_cast<std::uint32_t>(results_.size()));
    for (const StrategyResult& each : results_) {
        put(out, each.orders);
        put(out, each.refused);
        put(out, each.fills);
        put(out, each.realized_pnl.raw);
        put(out, each.charges.raw);
    }
    put(out, static_cast<std::uint32_t>(refused_by_.size()));
    for (const auto& [rule, count] : refused_by_) {
        put(out, static_cast<std::uint8_t>(rule));
        put(out, count);
    }
    put(out, lowest_cash_.raw);
    put(out, static_cast<std::uint32_t>(beyond_power_.size()));
    for (const Money& furthest : beyond_power_) {
        put(out, furthest.raw);
    }
}

void Tally::load(WireReader& in) {
    const std::size_t strategies = in.get<std::uint32_t>();
    for (std::size_t i = 0; i < strategies && i < results_.size(); ++i) {
        results_[i].orders = in.get<std::uint64_t>();
        results_[i].refused = in.get<std::uint64_t>();
        results_[i].fills = in.get<std::uint64_t>();
        results_[i].realized_pnl.raw = in.get<decltype(Money::raw)>();
        results_[i].charges.raw = in.get<decltype(Money::raw)>();
    }
    for (auto left = in.get<std::uint32_t>(); left > 0 && in.ok(); --left) {
        const auto rule = static_cast<Rule>(in.get<std::uint8_t>());
        refused_by_[rule] = in.get<std::uint64_t>();
    }
    lowest_cash_.raw = in.get<decltype(Money::raw)>();
    beyond_power_.clear();
    for (auto left = in.get<std::uint32_t>(); left > 0 && in.ok(); --left) {
        beyond_power_.push_back(Money{in.get<decltype(Money::raw)>()});
    }
}

void Tally::alarm(const std::string& what) const {
    if (options_.is_live) {
        options_.log->warn("{}", what);
    }
    if (options_.on_alarm) {
        options_.on_alarm(what);
    }
}

void Tally::note_gap(const OrderFilled& fill) {
    const Order* const order = state_->find_order(fill.order);
    if (order == nullptr || fill.price <= order->valued_at || order->terms.reduce_only ||
        order->terms.legs != 0) {  // of a group: what its other legs reserve is free once they are cancelled
        return;
    }
    const std::optional<Funds> funds = funds_of(*state_, limits_, state_->portfolios[fill.portfolio.value]);
    if (!funds) {
        return;
    }
    beyond_power_.resize(state_->portfolios.size());
    Money& furthest = beyond_power_[fill.portfolio.value];
    furthest = std::max(furthest, funds->used - funds->limit);
}

void EquityCurve::sample(const State& state) {
    if (skipped_ + 1 < stride_) {
        ++skipped_;
        return;
    }
    skipped_ = 0;
    points_.push_back({state.now, state.path.equity});
    if (points_.size() == kCurvePoints) {
        for (std::size_t i = 0; i < kCurvePoints / 2; ++i) {
            points_[i] = points_[2 * i + 1];
        }
        points_.resize(kCurvePoints / 2);
        stride_ *= 2;
    }
}

void EquityCurve::save(ByteBuffer& out) const {
    put(out, static_cast<std::uint32_t>(points_.size()));
    for (const EquitySample& point : points_) {
        put(out, point.time.ns);
        put(out, point.equity.raw);
    }
    put(out, static_cast<std::uint8_t>(is_priced_));
    put(out, std::uint64_t{stride_});
    put(out, std::uint64_t{skipped_});
}

void EquityCurve::load(WireReader& in) {
    points_.clear();
    for (auto left = in.get<std::uint32_t>(); left > 0 && in.ok(); --left) {
        const auto time = in.get<std::int64_t>();
        points_.push_back({Time{time}, Money{in.get<decltype(Money::raw)>()}});
    }
    is_priced_ = in.get<std::uint8_t>() != 0;
    stride_ = static_cast<std::size_t>(in.get<std::uint64_t>());
    skipped_ = static_cast<std::size_t>(in.get<std::uint64_t>());
}

void Summary::save(ByteBuffer& out) const {
    tally.save(out);
    curve.save(out);
    put(out, records);
    put(out, first.ns);
    put(out, static_cast<std::uint32_t>(appeared.size()));
    for (const MarketKinds& each : appeared) {
        put(out, static_cast<std::uint8_t>(each.quotes));
        put(out, static_cast<std::uint8_t>(each.trades));
        put(out, static_cast<std::uint8_t>(each.bars));
    }
}

bool Summary::load(Bytes bytes) {
    WireReader in(bytes);
    tally.load(in);
    curve.load(in);
    records = in.get<std::uint64_t>();
    first.ns = in.get<std::int64_t>();
    appeared.clear();
    for (auto left = in.get<std::uint32_t>(); left > 0 && in.ok(); --left) {
        MarketKinds& as = appeared.emplace_back();
        for (bool* const kind : {&as.quotes, &as.trades, &as.bars}) {
            *kind = in.get<std::uint8_t>() != 0;
        }
    }
    return in.ok() && in.left() == 0;
}

void Summary::forget() {
    tally.forget();
    curve = EquityCurve();
    records = 0;
    appeared.clear();
    first = kNever;
}

void add_unseen(const State& state, std::span<const StrategySpec> catalog, const std::vector<MarketKinds>& appeared,
                std::vector<DataWarning>& warnings) {
    constexpr std::size_t kNamed = 8;  // of one strategy
    std::vector<std::string_view> known;
    for (std::size_t i = 0; i < appeared.size(); ++i) {
        if (appeared[i].any()) {
            known.emplace_back(state.instruments[i].name);
        }
    }
    if (known.empty()) {  // that the data are empty is said already
        return;
    }
    for (const StrategyConfig& strategy : state.config.strategies) {
        const StrategySpec* const spec = find_strategy(strategy.use, catalog);
        std::vector<std::string> found;
        for (const InstrumentId id : strategy.instruments) {
            const MarketKinds as = id.value < appeared.size() ? appeared[id.value] : MarketKinds{};
            const std::string& name = state.instruments[id.value].name;
            if (!as.any()) {
                found.push_back(fmt::format("'{}' never appeared in the data; {}", name, instead_of(name, known)));
            } else if (spec != nullptr && !(spec->uses & as).any()) {
                found.push_back(fmt::format("{} trades on {}, and the data hold only {} of '{}'", spec->name,
                                            name_of(spec->uses), name_of(as), name));
            }
        }
        for (std::size_t i = 0; i < std::min(found.size(), kNamed); ++i) {
            warnings.push_back({fmt::format("strategy {}: {}", strategy.name, found[i]), true});
        }
        if (found.size() > kNamed) {
            warnings.push_back({fmt::format("strategy {}: so it is with {} more of its {} instruments", strategy.name,
                                            found.size() - kNamed, strategy.instruments.size()),
                                true});
        }
    }
}

}  // namespace alpha
