#include "results/fold.hpp"

#include "events/text.hpp"
#include "kernel/portfolio.hpp"
#include "kernel/risk.hpp"
#include "markets/quality.hpp"
#include "results/assumptions.hpp"
#include "results/trades.hpp"
#include "store/background_log.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <map>
#include <utility>

namespace alpha {

namespace {

/// Points of a curve that is drawn; when it is full, every two become one.
constexpr std::size_t kBands = 512;
/// Sections of a kind beyond these would be a book.
constexpr std::size_t kSections = 64;
constexpr std::int64_t kHourNs = 3'600 * kSecondNs;

double units(Int128 raw) {
    return static_cast<double>(raw) / static_cast<double>(kScale);
}

/// A curve as bands of the same number of samples.
class Curve {
public:
    void add(Time time, double value) {
        if (in_last_ == 0) {
            bands_.push_back({time, time, value, value, value, value});
        } else {
            Band& band = bands_.back();
            band.last = time;
            band.low = std::min(band.low, value);
            band.high = std::max(band.high, value);
            band.close = value;
        }
        in_last_ = (in_last_ + 1) % each_;
        if (bands_.size() == kBands && in_last_ == 0) {
            halve();
        }
    }
    std::vector<Band> take() { return std::move(bands_); }

private:
    void halve() {
        for (std::size_t i = 0; i < kBands / 2; ++i) {
            const Band& a = bands_[2 * i];
            const Band& b = bands_[2 * i + 1];
            bands_[i] = {a.first, b.last, a.open, std::min(a.low, b.low), std::max(a.high, b.high), b.close};
        }
        bands_.resize(kBands / 2);
        each_ *= 2;
    }

    std::vector<Band> bands_;
    std::size_t each_ = 1;
    std::size_t in_last_ = 0;
};

constexpr std::uint32_t kUnwatched = std::numeric_limits<std::uint32_t>::max();

/// What an instrument of the log did.
struct Track {
    Curve prices;
    Price first;
    double held =
        1;  ///< what one unit of account, put into it at its first price, is worth for each unit of its mark now
    std::vector<Money> profits;          ///< at the end of each day since it was first traded, after charges
    std::size_t first_day = 0;           ///< that day
    std::uint32_t watched = kUnwatched;  ///< its number where the quality of data is judged
    bool is_traded = false;
    bool is_benchmark = false;
};

/// A strategy's whole portfolio is its own.
bool trades_alone(const RunConfigured& config, StrategyId strategy) {
    const PortfolioId portfolio = config.strategies[strategy.value].portfolio;
    return std::ranges::count(config.strategies, portfolio, &StrategyConfig::portfolio) == 1;
}

std::int32_t offset_at(const markets::DayTimes& times, Time t) {
    return times.calendar() == nullptr ? times.hours().utc_offset_s : times.calendar()->zone().offset_s_at(t);
}

/// Puts rows together by name, in the order of names.
class Groups {
public:
    void add(const std::string& name, const Trade& trade) {
        GroupRow& row = rows_[name];
        row.name = name;
        ++row.trades;
        row.wins += trade.net().raw > 0 ? 1U : 0U;
        row.gross += trade.gross;
        row.charges += trade.charges;
    }
    std::vector<GroupRow> take() const {
        std::vector<GroupRow> rows;
        rows.reserve(rows_.size());
        for (const auto& [name, row] : rows_) {
            rows.push_back(row);
        }
        return rows;
    }

private:
    std::map<std::string, GroupRow> rows_;
};

class Fold {
public:
    explicit Fold(const ResultsOptions& options) : options_(options) {}

    template <class E>
    void take(const Envelope& envelope, const E& event) {
        if (was_priced_ && envelope.time != state_.now) {
            was_priced_ = false;
            curve_.add(state_.now, units(state_.path.equity.raw));
        }
        before(envelope, event);
        apply(state_, envelope, event);
        after(envelope, event);
        if (trades_.is_flat() == is_held_) {
            note_holding(envelope.time);
        }
    }

    const State& state() const { return state_; }
    Seq next_seq() const { return state_.next_seq; }
    /// Nothing follows. Refuses (kind usage) a benchmark that never appeared.
    Result<FoldedResults> finish() {
        curve_.add(state_.now, units(state_.path.equity.raw));
        end_day();
        if (is_held_) {
            held_ = Duration{held_.ns + (state_.now - held_since_).ns};
        }
        trades_.finish(state_.now, state_.trading_date == kNoDay ? Date{} : state_.trading_date,
                       [&](InstrumentId id) { return state_.markets[id.value].mark; });
        Results& r = results_;
        r.lots = std::move(trades_.lots());
        r.rounds = std::move(trades_.rounds());
        if (Result<void> compared = compare(); !compared) {
            return tl::make_unexpected(compared.error());
        }
        sum_up();
        group();
        const StatisticsInput input = input_of(
            initial_, r.days, [](const DayPoint& day) { return day.equity; }, [](const Trade&) { return true; }, true);
        r.periods_per_year = input.periods_per_year;
        r.statistics = statistics_of(input);
        section();
        for (markets::DataFinding& found : quality_.finish()) {
            r.findings.push_back({std::string(markets::name_of(found.flaw)),
                                  std::string(markets::name_of(found.gravity)), std::move(found.instrument),
                                  found.count, std::move(found.sentence),
                                  found.first_record == 0 ? kNoSeq : found.first_record});
        }
        r.assumptions = assumptions_of(state_, r);
        return FoldedResults{std::move(results_), std::move(state_)};
    }

private:
    Track& track_of(InstrumentId id) {
        if (id.value >= tracks_.size()) [[unlikely]] {
            tracks_.resize(id.value + 1);
        }
        return tracks_[id.value];
    }
    const Instrument& instrument(InstrumentId id) const { return state_.instruments[id.value]; }
    Date day_of(InstrumentId id) const {
        const Date date = state_.markets[id.value].session_date;
        return date == kNoDay ? Date{} : date;
    }

    // ---- before an event is folded --------------------------------------------------------------------------------------------

    template <class E>
    void before(const Envelope&, const E&) {}
    void before(const Envelope&, const TradingSessionOpened& e) {
        if (e.date > state_.trading_date && state_.trading_date != kNoDay) {
            end_day();
        }
    }
    void before(const Envelope&, const CorporateAction& e) {
        const Price mark =
            e.instrument.value < state_.markets.size() ? state_.markets[e.instrument.value].mark : Price{};
        mark_before_ = mark;
    }

    /// The first record of a later day has come, and nothing of it is folded.
    void end_day() {
        if (state_.trading_date == kNoDay) {
            return;
        }
        Money gross;
        Results& r = results_;
        portfolio_days_.resize(state_.portfolios.size());
        for (std::size_t p = 0; p < state_.portfolios.size(); ++p) {
            const Portfolio& portfolio = state_.portfolios[p];
            const Valuation valued = value(state_, portfolio);
            gross += valued.gross_exposure;
            portfolio_days_[p].push_back(
                {state_.trading_date, portfolio.is_open ? portfolio.equity : state_.config.portfolios[p].cash, 0});
        }
        const Money equity = state_.path.equity;
        r.days.push_back({state_.trading_date, equity, equity.raw > 0 ? units(gross.raw) / units(equity.raw) : 0});
        for (std::size_t i = 0; i < tracks_.size(); ++i) {
            if (tracks_[i].is_traded) {
                tracks_[i].profits.push_back(profit_in(InstrumentId{static_cast<std::uint32_t>(i)}));
            }
        }
        benchmark_days_.push_back(benchmark_now());
    }

    /// What all portfolios have made of the instrument, after its charges.
    Money profit_in(InstrumentId id) const {
        Money sum;
        for (const Portfolio& portfolio : state_.portfolios) {
            const Position& position = portfolio.position(id);
            sum += position.realized_pnl + unrealized_pnl(instrument(id), position, state_.markets[id.value].mark) -
                   position.charges;
        }
        return sum;
    }

    /// What one unit of account is worth that was put into the benchmark.
    double benchmark_now() const {
        double sum = 0;
        std::size_t count = 0;
        for (std::size_t i = 0; i < tracks_.size(); ++i) {
            if (tracks_[i].is_benchmark && tracks_[i].first.raw != 0) {
                sum += static_cast<double>(state_.markets[i].mark.raw) * tracks_[i].held;
                ++count;
            }
        }
        return count == 0 ? 1 : sum / static_cast<double>(count);
    }

    // ---- after it is folded -----------------------------------------------------------------------------------------------------

    template <class E>
    void after(const Envelope&, const E&) {}

    void after(const Envelope&, const RunConfigured& e) {
        results_.config = e;
        initial_ = {};
        for (const PortfolioConfig& portfolio : e.portfolios) {
            initial_ += portfolio.cash;
        }
        for (std::size_t i = 0; i < e.instruments.size(); ++i) {
            note_instrument(InstrumentId{static_cast<std::uint32_t>(i)});
        }
    }
    void after(const Envelope&, const InstrumentListed& e) { note_instrument(e.instrument); }

    void note_instrument(InstrumentId id) {
        Track& track = track_of(id);
        track.is_benchmark = options_.benchmark.empty()
                                 ? std::ranges::any_of(results_.config.strategies,
                                                       [&](const StrategyConfig& strategy) {
                                                           return std::ranges::find(strategy.instruments, id) !=
                                                                  strategy.instruments.end();
                                                       })
                                 : instrument(id).name == options_.benchmark;
    }

    /// Its hours are known by its first record: rules of markets come after event 0.
    std::uint32_t watched(InstrumentId id) {
        Track& track = track_of(id);
        if (track.watched == kUnwatched) [[unlikely]] {
            const Instrument& of = instrument(id);
            // A tick that nobody gave is a cent, which says nothing about the data.
            track.watched = quality_.watch({of.name, state_.times[id.value], of.exchange.empty() ? Price{} : of.tick,
                                            of.is_option() || of.is_marked_daily()});
        }
        return track.watched;
    }
    void after(const Envelope& envelope, const QuoteTick& e) {
        quality_.see(watched(e.instrument), envelope.time, e, envelope.seq);
        note_mark(envelope, e.instrument);
    }
    void after(const Envelope& envelope, const TradeTick& e) { note_mark(envelope, e.instrument); }
    void after(const Envelope& envelope, const BarOpened& e) {
        if (state_.markets[e.instrument.value].counts(e.interval)) {
            note_mark(envelope, e.instrument);
        }
    }
    void after(const Envelope& envelope, const BarClosed& e) {
        quality_.see(watched(e.instrument), envelope.time, e, envelope.seq);
        if (!state_.markets[e.instrument.value].counts(e.interval)) {
            return;
        }
        trades_.range(e.instrument, std::max({e.high, e.open, e.close}), std::min({e.low, e.open, e.close}),
                      envelope.seq);
        note_price(envelope, e.instrument);
    }

    void note_mark(const Envelope& envelope, InstrumentId id) {
        const Price mark = state_.markets[id.value].mark;
        trades_.mark(id, mark);
        note_price(envelope, id);
    }
    void note_price(const Envelope& envelope, InstrumentId id) {
        was_priced_ = true;
        const Price mark = state_.markets[id.value].mark;
        if (mark.raw == 0) {
            return;
        }
        Track& track = track_of(id);
        if (track.first.raw == 0) [[unlikely]] {
            track.first = mark;
            track.held = 1 / static_cast<double>(mark.raw);
        }
        first_ = std::min(first_, envelope.time);
        track.prices.add(envelope.time, units(mark.raw));
    }

    void after(const Envelope& envelope, const OrderIntended& e) {
        decided_at_.emplace(e.order, state_.market(e.terms.instrument).mark);
        first_ = std::min(first_, envelope.time);
    }
    void after(const Envelope&, const OrderRefused&) { ++results_.refused; }
    void after(const Envelope&, const OrderRejected& e) { decided_at_.erase(e.order); }
    void after(const Envelope&, const OrderCancelled& e) { decided_at_.erase(e.order); }
    void after(const Envelope&, const OrderExpired& e) { decided_at_.erase(e.order); }
    /// Its prices are those of another share.
    void after(const Envelope&, const OrderAdjusted& e) { decided_at_.erase(e.order); }

    void after(const Envelope& envelope, const OrderFilled& e) {
        note_traded(e.instrument);
        trades_.fill(envelope, day_of(e.instrument), instrument(e.instrument), e);
        add_charges(e.charges, e.lines);
        traded_ += e.notional;
        if (const auto decided = decided_at_.find(e.order); decided != decided_at_.end()) {
            if (decided->second.raw != 0) {
                const Money at_decision = notional(instrument(e.instrument), decided->second, e.quantity);
                slippage_ += e.side == Side::buy ? e.notional - at_decision : at_decision - e.notional;
            }
            const Order* const order = state_.find_order(e.order);
            if (order == nullptr || is_terminal(order->status)) {
                decided_at_.erase(decided);
            }
        }
    }
    void after(const Envelope&, const ChargesBooked& e) { add_charges(e.charges, e.lines); }
    void after(const Envelope& envelope, const PositionSettled& e) {
        note_traded(e.instrument);
        trades_.settle(envelope, instrument(e.instrument), e);
        add_charges(e.charges, e.lines);
    }
    void after(const Envelope&, const CorporateAction& e) {
        action_ = e;
        Track& track = track_of(e.instrument);
        if (track.watched != kUnwatched) {
            quality_.announce(track.watched, e.ex_date);
        }
        const Price mark = state_.markets[e.instrument.value].mark;
        if (mark.raw != 0 && mark_before_.raw != 0) {  // who holds it is no poorer for it
            track.held *= static_cast<double>(mark_before_.raw) / static_cast<double>(mark.raw);
        }
    }
    void after(const Envelope& envelope, const PositionAdjusted& e) {
        note_traded(e.instrument);
        trades_.adjust(envelope, action_, instrument(e.instrument), e, action_.ex_date);
        if (e.kind == ActionKind::dividend) {
            dividends_ += e.cash;
        }
    }

    void note_traded(InstrumentId id) {
        Track& track = track_of(id);
        if (!track.is_traded) {
            track.is_traded = true;
            track.first_day = results_.days.size();
        }
    }

    void add_charges(Money whole, const std::vector<markets::ChargeAmount>& lines) {
        if (lines.empty()) {
            plain_charges_ += whole;
            return;
        }
        for (const markets::ChargeAmount& each : lines) {
            charges_[each.line] += each.amount;
        }
    }

    void note_holding(Time now) {
        if (is_held_) {
            held_ = Duration{held_.ns + (now - held_since_).ns};
        }
        is_held_ = !is_held_;
        held_since_ = now;
    }

    // ---- the end ------------------------------------------------------------------------------------------------------------------

    Result<void> compare() {
        Results& r = results_;
        std::vector<std::string_view> known;
        std::size_t count = 0;
        for (std::size_t i = 0; i < tracks_.size(); ++i) {
            if (tracks_[i].first.raw != 0) {
                known.emplace_back(state_.instruments[i].name);
                if (tracks_[i].is_benchmark) {
                    r.benchmark_name = state_.instruments[i].name;
                    ++count;
                }
            }
        }
        if (count == 0) {
            if (!options_.benchmark.empty()) {
                constexpr std::size_t kNamed = 8;
                known.resize(std::min(known.size(), kNamed));
                return fail(ErrorKind::usage,
                            fmt::format("no price of {} is in the log, so there is nothing to compare "
                                        "with; it holds {}",
                                        options_.benchmark, fmt::join(known, ", ")));
            }
            return {};
        }
        if (count > 1) {
            r.benchmark_name = fmt::format("{} instruments in equal parts", count);
        }
        for (const double each : benchmark_days_) {
            r.benchmark.push_back(units(initial_.raw) * each);
        }
        return {};
    }

    void sum_up() {
        Results& r = results_;
        r.scenario = state_.config.name;
        r.currency = state_.config.currency;
        r.events = state_.next_seq;
        r.quotes = state_.quotes;
        r.trade_ticks = state_.trades;
        r.bars = state_.bars;
        r.orders = state_.orders;
        r.fills = state_.fills;
        r.first = first_ == kNever ? state_.now : first_;
        r.last = state_.now;
        r.initial_cash = initial_;
        r.equity = state_.path.equity;
        for (const Portfolio& portfolio : state_.portfolios) {
            r.realized_pnl += portfolio.realized_pnl;
            r.charges += portfolio.charges;
        }
        r.unrealized_pnl = r.equity - initial_ - r.realized_pnl + r.charges;
        for (const PortfolioConfig& each : state_.config.portfolios) {
            r.portfolios.push_back(each.name);
        }
        for (const StrategyConfig& each : state_.config.strategies) {
            r.strategies.push_back(each.name);
        }
        for (const Instrument& each : state_.instruments) {
            r.instruments.push_back(each.name);
            r.multipliers.push_back(each.multiplier);
            r.utc_offsets_s.push_back(offset_at(state_.times[r.utc_offsets_s.size()], state_.now));
        }
        r.equity_curve = curve_.take();
        for (std::size_t i = 0; i < tracks_.size(); ++i) {
            if (tracks_[i].is_traded) {
                r.traded.push_back({InstrumentId{static_cast<std::uint32_t>(i)}, state_.instruments[i].name,
                                    tracks_[i].prices.take(), tracks_[i].first, state_.markets[i].mark});
            }
        }
        const Money gross = r.equity - initial_ + r.charges;
        r.costs.push_back({"price", gross + slippage_ - dividends_});
        r.costs.push_back({"slippage", -slippage_});
        if (dividends_.raw != 0) {
            r.costs.push_back({"dividends", dividends_});
        }
        for (std::size_t i = 0; i < markets::kChargeLines; ++i) {
            const auto line = static_cast<markets::ChargeLine>(i);
            if (charges_[line].raw != 0) {
                r.costs.push_back({markets::name_of(line), -charges_[line]});
            }
        }
        if (plain_charges_.raw != 0) {
            r.costs.push_back({"charges", -plain_charges_});
        }
    }

    void group() {
        static constexpr std::array<const char*, 7> kDays{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                          "Friday", "Saturday", "Sunday"};
        Results& r = results_;
        Groups tags;
        Groups instruments;
        Groups exits;
        for (const char* const day : kDays) {
            r.by_weekday.push_back({day, 0, 0, {}, {}});
        }
        for (int hour = 0; hour < 24; ++hour) {
            r.by_hour.push_back({fmt::format("{:02}", hour), 0, 0, {}, {}});
        }
        for (const Trade& trade : r.lots) {
            if (trade.is_open()) {
                continue;
            }
            tags.add(trade.entry.tag, trade);
            instruments.add(r.instruments[trade.instrument.value], trade);
            exits.add(!trade.exit.tag.empty() ? trade.exit.tag : name_of(trade.end), trade);
            const std::int64_t local =
                trade.entry.time.ns +
                std::int64_t{offset_at(state_.times[trade.instrument.value], trade.entry.time)} * kSecondNs;
            const std::int64_t day = floor_of(Time{local}, Duration{kDayNs}).ns / kDayNs;
            constexpr std::int64_t kThursday = 3;  // 1970-01-01
            const auto add = [&](GroupRow& row) {
                ++row.trades;
                row.wins += trade.net().raw > 0 ? 1U : 0U;
                row.gross += trade.gross;
                row.charges += trade.charges;
            };
            add(r.by_weekday[static_cast<std::size_t>(((day + kThursday) % 7 + 7) % 7)]);
            add(r.by_hour[static_cast<std::size_t>((local - day * kDayNs) / kHourNs)]);
        }
        r.by_tag = tags.take();
        r.by_instrument = instruments.take();
        r.by_exit = exits.take();
    }

    template <class Days, class EquityOf, class Passes>
    StatisticsInput input_of(Money initial, const Days& days, EquityOf equity_of, Passes passes,
                             bool is_account) const {
        StatisticsInput input;
        input.initial = initial;
        for (const DayPoint& day : days) {
            input.days.push_back(day.date);
            input.equity.push_back(equity_of(day));
        }
        for (const Trade& trade : results_.lots) {
            if (passes(trade)) {
                input.trades.push_back({trade.gross, trade.net(), trade.entry.notional, trade.best, trade.worst,
                                        trade.held(), trade.is_open(), trade.side == Side::buy});
                input.charges += trade.charges;
                input.traded += trade.entry.notional + (trade.is_open() ? Money{} : trade.exit.notional);
            }
        }
        input.periods_per_year = periods_per_year(input.days);
        input.lasted = results_.last - results_.first;
        if (is_account) {
            for (const DayPoint& day : days) {
                input.exposure.push_back(day.exposure);
            }
            input.benchmark = results_.benchmark;
            input.charges = results_.charges;
            input.traded = traded_;
            input.held = held_;
            input.trials = options_.trials;
            input.trial_sharpe_variance = options_.trial_sharpe_variance;
        } else {
            input.held = held_by(input.trades.size(), passes);
        }
        return input;
    }

    /// How long any of the trades was open: they are in the order of their exits.
    template <class Passes>
    Duration held_by(std::size_t count, Passes passes) const {
        std::vector<std::pair<Time, Time>> spans;
        spans.reserve(count);
        for (const Trade& trade : results_.rounds) {
            if (passes(trade)) {
                spans.emplace_back(trade.entry.time, trade.exit.time);
            }
        }
        std::ranges::sort(spans);
        std::int64_t held_ns = 0;
        Time until = kBeforeAll;
        for (const auto& [from, to] : spans) {
            const Time begin = std::max(from, until);
            held_ns += to > begin ? (to - begin).ns : 0;
            until = std::max(until, to);
        }
        return Duration{held_ns};
    }

    void section() {
        Results& r = results_;
        const auto equity = [](const DayPoint& day) { return day.equity; };
        if (!r.benchmark.empty()) {
            StatisticsInput input;
            input.initial = initial_;
            for (std::size_t i = 0; i < r.days.size(); ++i) {
                input.days.push_back(r.days[i].date);
                input.equity.push_back(Money{static_cast<Int128>(r.benchmark[i] * static_cast<double>(kScale))});
            }
            input.periods_per_year = periods_per_year(input.days);
            input.held = input.lasted = r.last - r.first;
            r.sections.push_back({"benchmark", r.benchmark_name, statistics_of(input)});
        }
        if (r.portfolios.size() > 1) {
            for (std::size_t p = 0; p < std::min(portfolio_days_.size(), kSections); ++p) {
                const auto passes = [&](const Trade& trade) { return trade.portfolio.value == p; };
                r.sections.push_back({"portfolio", r.portfolios[p],
                                      statistics_of(input_of(state_.config.portfolios[p].cash, portfolio_days_[p],
                                                             equity, passes, false))});
            }
        }
        if (r.strategies.size() > 1) {
            for (std::size_t s = 0; s < std::min(r.strategies.size(), kSections); ++s) {
                const StrategyId id{static_cast<std::uint32_t>(s)};
                const std::size_t p = state_.config.strategies[s].portfolio.value;
                const auto passes = [&](const Trade& trade) { return trade.strategy == id; };
                // Of a portfolio that several trade nobody knows whose equity it is.
                const bool is_alone = trades_alone(state_.config, id) && p < portfolio_days_.size();
                r.sections.push_back({"strategy", r.strategies[s],
                                      statistics_of(input_of(state_.config.portfolios[p].cash,
                                                             is_alone ? portfolio_days_[p] : std::vector<DayPoint>{},
                                                             equity, passes, false))});
            }
        }
        if (r.traded.size() > 1) {
            for (std::size_t i = 0; i < std::min(r.traded.size(), kSections); ++i) {
                const InstrumentId id = r.traded[i].id;
                const Track& track = tracks_[id.value];
                std::vector<DayPoint> days;
                for (std::size_t d = 0; d < r.days.size(); ++d) {
                    const bool is_before = d < track.first_day || d - track.first_day >= track.profits.size();
                    days.push_back(
                        {r.days[d].date, initial_ + (is_before ? Money{} : track.profits[d - track.first_day]), 0});
                }
                const auto passes = [&](const Trade& trade) { return trade.instrument == id; };
                r.sections.push_back(
                    {"instrument", r.traded[i].name, statistics_of(input_of(initial_, days, equity, passes, false))});
            }
        }
    }

    const ResultsOptions& options_;
    State state_;
    Results results_;
    TradeBook trades_;
    markets::DataQuality quality_;
    Curve curve_;
    std::vector<Track> tracks_;  ///< by instrument
    std::vector<std::vector<DayPoint>> portfolio_days_;
    std::vector<double> benchmark_days_;
    std::map<OrderId, Price> decided_at_;  ///< mark at which an order that may still fill was decided on
    CorporateAction action_;
    Price mark_before_;
    Money initial_;
    Money slippage_;
    Money dividends_;
    Money plain_charges_;
    markets::ChargeAmounts charges_;
    Money traded_;
    Time first_ = kNever;
    Duration held_{};
    Time held_since_;
    bool is_held_ = false;
    bool was_priced_ = false;
};

}  // namespace

double periods_per_year(std::span<const Date> days) {
    constexpr std::size_t kEnough = 5;
    if (days.size() < kEnough) {
        return 252;
    }
    std::vector<std::int32_t> gaps;
    std::size_t weekends = 0;
    for (std::size_t i = 0; i < days.size(); ++i) {
        const std::int32_t weekday = ((days[i].days + 3) % 7 + 7) % 7;  // 0 is Monday
        weekends += weekday >= 5 ? 1U : 0U;
        if (i != 0) {
            gaps.push_back(days[i].days - days[i - 1].days);
        }
    }
    std::ranges::nth_element(gaps, gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2));
    const std::int32_t usual = gaps[gaps.size() / 2];
    if (usual >= 25) {
        return 12;
    }
    if (usual >= 5) {
        return 52;
    }
    return weekends * 5 > days.size() ? 365 : 252;
}

Result<FoldedResults> results_of(const LogReader& log, Seq end, const ResultsOptions& options) {
    Fold fold(options);
    Result<void> outcome;
    const Result<void> scanned = scan_ahead(log, 0, [&](const Frame& frame) {
        const Result<bool> visited =
            visit_events(frame, fold.next_seq(), [&](const Envelope& envelope, const auto& event) {
                if (envelope.seq >= end) {
                    return false;
                }
                fold.take(envelope, event);
                return true;
            });
        if (!visited) {
            outcome = tl::make_unexpected(visited.error());
            return false;
        }
        if (options.on_progress) {
            options.on_progress(fold.next_seq());
        }
        return *visited && fold.next_seq() < end;
    });
    if (!scanned || !outcome) {
        return tl::make_unexpected(scanned ? outcome.error() : scanned.error());
    }
    return fold.finish();
}

}  // namespace alpha
