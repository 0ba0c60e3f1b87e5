#pragma once
/// What the summary of a session says beside its state: counted as events come by, saved with each checkpoint, and told again by the
/// fold of a log.

#include "kernel/kernel.hpp"
#include "kernel/risk.hpp"
#include "runtime/session.hpp"
#include "store/clock.hpp"
#include "store/wire.hpp"
#include "strategies/catalog.hpp"
#include "views/books.hpp"

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace alpha {

/// Counts per strategy what the log records, for the summary, and takes the time of orders.
class Tally final : public KernelObserver {
public:
    Tally(const RunConfigured& config, const RunOptions& options);
    /// Whose instruments the facts name.
    void watch(const State& state) { state_ = &state; }
    /// Until accept(), fills are kept back; forget() begins anew.
    void hold() { holding_ = true; }
    void accept();
    void forget();
    /// A session that has opened with the latest record, and its mark until then.
    struct Opening {
        bool is_any = false;
        InstrumentId instrument;
        Price mark_before;
    };
    Opening take_opening() { return std::exchange(opening_, {}); }
    /// From here on orders are timed, from the moment that their input was received.
    void time_orders_from(Clock::TimePoint received) { received_ = received; }

    void on_fill(const Envelope& envelope, const OrderFilled& fill) override;
    void on_order(const Envelope& envelope, const OrderIntended& order) override;
    void on_refusal(const Envelope& envelope, const OrderRefused& order) override;

    void on_latch(const Envelope& envelope, const KillSwitchLatched& latched) override;
    void on_halt(const Envelope& envelope, const StrategyHalted& halted) override;
    void on_session(const Envelope& envelope, const TradingSessionOpened& opened) override;
    void on_day_end(const Envelope& envelope, const ChargesBooked& booked) override;
    void on_no_charges(const Error& why) override;
    void on_stale(const Envelope& envelope, const OutcomeStale& stale) override;
    void on_conflict(const Envelope& envelope, const OrderConflict& conflict) override;
    void on_difference(const Envelope& envelope, const ReconciliationDiffers& differs) override;
    /// The account at the end of each trading day that has begun since this process did, the present one last.
    std::vector<DayEquity> days() const;
    /// Days that calendars do not know, and notes that could not be made, since this process began.
    void add_market_warnings(std::vector<DataWarning>& warnings) const;

    /// Whether orders named a product while no table said what it means.
    bool has_idle_products() const { return has_idle_products_; }

    const std::vector<StrategyResult>& results() const { return results_; }
    Money lowest_cash() const { return lowest_cash_; }
    /// The furthest that a fill has taken the portfolio beyond its buying power.
    Money beyond_power(std::size_t portfolio) const {
        return portfolio < beyond_power_.size() ? beyond_power_[portfolio] : Money{};
    }
    const std::map<Rule, std::uint64_t>& refused_by() const { return refused_by_; }
    LatencyHistogram& latency() { return latency_; }
    const LatencyHistogram& latency() const { return latency_; }

    void save(ByteBuffer& out) const;
    void load(WireReader& in);

private:
    /// In a live session nobody waits for the summary.
    void alarm(const std::string& what) const;
    /// An order was judged at what it was taken to cost: only where it filled for more is there something to look at.
    void note_gap(const OrderFilled& fill);

    std::vector<StrategyResult> results_;
    std::map<Rule, std::uint64_t> refused_by_;
    RiskLimits limits_;
    const std::function<void(const FillRow&)>& on_fill_;
    const RunOptions& options_;
    struct UnknownDays {
        Date first;
        Date last = kNoDay;
        std::uint64_t days = 0;
    };
    std::map<std::string, UnknownDays> unknown_days_;  ///< by calendar
    std::string first_problem_;                        ///< of a contract note
    bool has_idle_products_ = false;                   ///< orders named one, and no table says what it means
    std::string no_charges_;                           ///< why orders were refused
    std::vector<DayEquity> days_;                      ///< but the present one
    Date today_ = kNoDay;
    Opening opening_;
    Money lowest_cash_;
    std::vector<Money> beyond_power_;  ///< by portfolio
    const State* state_ = nullptr;
    bool holding_ = false;
    std::vector<FillRow> held_;
    Clock::TimePoint received_;
    LatencyHistogram latency_;
};

/// The account's equity at the end of each instant at which prices came.
class EquityCurve {
public:
    /// Called before whatever happens at `next`.
    void before(Time next, const State& state) {
        if (is_priced_ && next != state.now) {
            is_priced_ = false;
            sample(state);
        }
    }
    /// A price came; the open of a bar is none, for its close follows.
    void priced() { is_priced_ = true; }
    /// Nothing comes after this.
    void end(const State& state) {
        skipped_ = stride_;  // how it ends is shown whatever the stride
        before(kNever, state);
    }

    const std::vector<EquitySample>& points() const { return points_; }

    void save(ByteBuffer& out) const;
    void load(WireReader& in);

private:
    void sample(const State& state);

    std::vector<EquitySample> points_;
    bool is_priced_ = false;
    std::size_t stride_ = 1;
    std::size_t skipped_ = 0;
};

/// All of it.
struct Summary {
    Summary(const RunConfigured& config, const RunOptions& options) : tally(config, options) {}

    Tally tally;
    EquityCurve curve;
    std::uint64_t records = 0;          ///< taken from the feeds
    Time first = kNever;                ///< of them
    std::vector<MarketKinds> appeared;  ///< by instrument, as what it appeared in the data

    void save(ByteBuffer& out) const;
    /// False where the bytes are none of these.
    bool load(Bytes bytes);
    void forget();

    /// A record that a log holds.
    template <class E>
    void note_record(const Envelope& envelope, const E& event) {
        if constexpr (MarketInputType<E>) {
            ++records;
            first = std::min(first, envelope.time);
            if constexpr (!std::is_same_v<E, BarOpened>) {
                curve.priced();
            }
            note_appearance(event);
        }
    }
    template <class E>
    void note_appearance(const E& event) {
        const std::size_t instrument = event.instrument.value;
        if (instrument >= appeared.size()) [[unlikely]] {
            appeared.resize(instrument + 1);
        }
        MarketKinds& as = appeared[instrument];
        (std::is_same_v<E, QuoteTick> ? as.quotes : std::is_same_v<E, TradeTick> ? as.trades : as.bars) = true;
    }
};

/// Adds the instruments that strategies are to trade and that never appeared, or only as what the strategy does not look at.
void add_unseen(const State& state, std::span<const StrategySpec> catalog, const std::vector<MarketKinds>& appeared,
                std::vector<DataWarning>& warnings);

}  // namespace alpha
