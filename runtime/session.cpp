#include "runtime/session.hpp"

#include "kernel/kernel.hpp"
#include "kernel/snapshot.hpp"
#include "runtime/parts.hpp"
#include "runtime/read_models.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <spdlog/spdlog.h>
#include <thread>

namespace alpha {

namespace {

/// Events per stored frame: ARCHITECTURE's measurements show nothing to gain beyond this.
constexpr std::uint32_t kFrameEvents = 1'024;
/// Points of the equity curve kept; when full, every other one is dropped and sampling halves.
constexpr std::size_t kCurvePoints = 512;

/// Counts per strategy what the log records, for the summary.
class Tally final : public KernelObserver {
public:
    Tally(const SessionConfigured& config, const std::function<void(const FillRow&)>& on_fill)
        : results_(config.strategies.size()), on_fill_(on_fill) {
        for (std::size_t i = 0; i < results_.size(); ++i) {
            results_[i].strategy = config.strategies[i].name;
            results_[i].portfolio = config.portfolios[config.strategies[i].portfolio.value].name;
        }
    }
    void watch(const State& state) { state_ = &state; }

    void on_fill(const Envelope& envelope, const OrderFilled& fill) override {
        StrategyResult& result = results_[fill.strategy.value];
        ++result.fills;
        result.realized_pnl += fill.realized_pnl;
        result.charges += fill.charges;
        if (on_fill_) {
            on_fill_(
                {envelope.time, state_->instruments[fill.instrument.value].name, fill.side, fill.quantity, fill.price});
        }
    }
    void on_order(const Envelope&, const OrderIntended& order) override { ++results_[order.strategy.value].orders; }
    void on_refusal(const Envelope&, const OrderRefused& order) override { ++results_[order.strategy.value].refused; }

    const std::vector<StrategyResult>& results() const { return results_; }

private:
    std::vector<StrategyResult> results_;
    const std::function<void(const FillRow&)>& on_fill_;
    const State* state_ = nullptr;
};

class EquityCurve {
public:
    void sample(const State& state) {
        if (skipped_ + 1 < stride_) {
            ++skipped_;
            return;
        }
        skipped_ = 0;
        Money equity;
        for (std::size_t p = 0; p < state.portfolios.size(); ++p) {  // one that is not open yet still holds its cash
            const Portfolio& portfolio = state.portfolios[p];
            equity += portfolio.is_open ? alpha::equity(state, portfolio) : state.config.portfolios[p].cash;
        }
        points_.push_back({state.now, equity});
        if (points_.size() == kCurvePoints) {
            for (std::size_t i = 0; i < kCurvePoints / 2; ++i) {
                points_[i] = points_[2 * i + 1];
            }
            points_.resize(kCurvePoints / 2);
            stride_ *= 2;
        }
    }
    const std::vector<EquitySample>& points() const { return points_; }

private:
    std::vector<EquitySample> points_;
    std::size_t stride_ = 1;
    std::size_t skipped_ = 0;
};

PortfolioResult portfolio_result(const State& state, std::size_t index) {
    const Portfolio& portfolio = state.portfolios[index];
    PortfolioResult r;
    r.portfolio = state.config.portfolios[index].name;
    if (!portfolio.is_open) {  // never used: it still holds what the scenario gave it
        r.initial_cash = r.cash = r.equity = state.config.portfolios[index].cash;
        return r;
    }
    const Valuation v = value(state, portfolio);
    r.initial_cash = portfolio.initial_cash;
    r.cash = v.cash;
    r.equity = v.equity;
    r.realized_pnl = v.realized_pnl;
    r.unrealized_pnl = v.unrealized_pnl;
    r.charges = v.charges;
    r.killed = portfolio.killed;
    r.fills = portfolio.fills;
    for (std::size_t i = 0; i < portfolio.positions.size(); ++i) {
        const Position& position = portfolio.positions[i];
        if (position.fills != 0) {
            const Price mark = state.markets[i].mark;
            r.instruments.push_back({state.instruments[i].name, position.net,
                                     average_price(position.cost, position.net), mark, position.realized_pnl,
                                     alpha::unrealized_pnl(position, mark), position.charges, position.traded,
                                     position.fills});
        }
    }
    return r;
}

/// One run: feed -> kernel -> log.
class Session {
public:
    Session(const Scenario& scenario, LogWriter& log, const RunOptions& options, Parts parts)
        : scenario_(scenario),
          log_(log),
          options_(options),
          parts_(std::move(parts)),
          tally_(scenario.config, options.on_fill),
          kernel_(Kernel::Parts{std::move(parts_.strategies), parts_.broker_pointers(), &tally_}, batch_.frame) {
        tally_.watch(kernel_.state());
    }

    void begin() {
        kernel_.configure(scenario_.config);
        for (std::uint32_t i = 0; i < scenario_.config.instruments.size(); ++i) {
            ids_.emplace(scenario_.config.instruments[i].name, InstrumentId{i});
        }
    }

    /// Reads the feed to its end, or until asked to stop.
    Result<void> follow(Feed& feed) {
        while (!stopped()) {
            const auto batch = feed.next();
            if (!batch) {
                return tl::unexpected(batch.error());
            }
            if (batch->empty()) {
                return {};
            }
            for (const FeedRecord& record : *batch) {
                if (options_.speed != 0) [[unlikely]] {
                    if (auto waited = wait_for(record.time); !waited || stopped()) {
                        interrupted_ = stopped();
                        return waited;
                    }
                }
                if (auto taken = take(record, feed); !taken) {
                    return taken;
                }
            }
            if (options_.on_progress) {
                options_.on_progress(feed.progress());
            }
        }
        interrupted_ = true;
        return {};
    }

    Result<RunResult> end() {
        if (interrupted_ && log_.is_catching_up()) {
            return fail(ErrorKind::interrupted,
                        "interrupted before it had caught up with its journal, which is as it was");
        }
        curve_.sample(kernel_.state());
        if (auto stored = store_frame(); !stored) {
            return tl::unexpected(stored.error());
        }
        const Digest digest = state_digest(kernel_.state());
        if (auto finished = log_.finish(Ending{kStateVersion, digest}); !finished) {
            return tl::unexpected(finished.error());
        }
        return result(digest);
    }

private:
    bool stopped() const { return options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed); }

    /// Sleeps until recorded time has come to `time`; what was made so far is stored before.
    Result<void> wait_for(Time time) {
        using Clock = std::chrono::steady_clock;
        if (log_.is_catching_up()) {
            return {};
        }
        if (recorded_from_ == kNever) {
            recorded_from_ = time;
            real_from_ = Clock::now();
        }
        const Clock::time_point due =
            real_from_ + std::chrono::nanoseconds((time.ns - recorded_from_.ns) / options_.speed);
        if (due <= Clock::now()) {
            return {};
        }
        Result<void> stored = store_frame();
        constexpr std::chrono::milliseconds slice{50};  // how long Ctrl-C may go unseen
        while (stored && !stopped() && Clock::now() < due) {
            std::this_thread::sleep_until(std::min(due, Clock::now() + slice));
        }
        return stored;
    }

    /// The instrument behind a feed's symbol; one that the scenario does not name is listed when data first names it.
    InstrumentId instrument_of(InstrumentId symbol, Time now, const Feed& feed) {
        while (by_symbol_.size() <= symbol.value) {
            by_symbol_.emplace_back();
        }
        auto& known = by_symbol_[symbol.value];
        if (!known) {
            const std::string& name = feed.symbols()[symbol.value];
            const auto found = ids_.find(name);
            if (found != ids_.end()) {
                known = found->second;
            } else {
                Instrument definition = scenario_.config.default_instrument;
                definition.name = name;
                known = kernel_.list_instrument(now, definition);
                ids_.emplace(name, *known);
            }
        }
        return *known;
    }

    Result<void> take(const FeedRecord& record, const Feed& feed) {
        if (record.time < kernel_.state().now) {
            return fail(ErrorKind::data, fmt::format("the feed went back in time, from {} to {}",
                                                     to_iso(kernel_.state().now), to_iso(record.time)));
        }
        if (first_ == kNever) {
            first_ = record.time;
        }
        if (const auto* quote = std::get_if<QuoteTick>(&record.event)) [[likely]] {
            QuoteTick input = *quote;
            input.instrument = instrument_of(quote->instrument, record.time, feed);
            kernel_.on_quote(record.time, input);
        } else if (const auto* opened = std::get_if<BarOpened>(&record.event)) {
            BarOpened input = *opened;
            input.instrument = instrument_of(opened->instrument, record.time, feed);
            kernel_.on_bar_opened(record.time, input);
        } else {
            BarClosed input = std::get<BarClosed>(record.event);
            input.instrument = instrument_of(input.instrument, record.time, feed);
            kernel_.on_bar_closed(record.time, input);
        }
        ++batch_.feed_records;
        if (batch_.frame.events >= kFrameEvents) [[unlikely]] {
            curve_.sample(kernel_.state());
            return store_frame();
        }
        return {};
    }

    Result<void> store_frame() {
        const State& state = kernel_.state();
        if (batch_.frame.events == 0) {
            return {};
        }
        if (state.next_seq - last_snapshot_ >= options_.snapshot_events) {
            save_checkpoint(state, kernel_.parts().strategies, kernel_.parts().brokers, batch_.snapshot);
            last_snapshot_ = state.next_seq;
        }
        projection_.take(batch_.frame, state, batch_.rows);
        return log_.append(batch_);
    }

    RunResult result(const Digest& digest) const {
        const State& state = kernel_.state();
        RunResult r = books_of(state);
        r.first = first_ == kNever ? Time{} : first_;
        r.interrupted = interrupted_;
        r.strategies = tally_.results();
        for (std::size_t s = 0; s < r.strategies.size(); ++s) {
            r.refused += r.strategies[s].refused;
            r.strategies[s].halted = state.strategies[s].halted;
        }
        r.equity_curve = curve_.points();
        r.log_head = to_hex(log_.head());
        r.state_digest = to_hex(digest);
        return r;
    }

    const Scenario& scenario_;
    LogWriter& log_;
    const RunOptions& options_;
    Parts parts_;  // its strategies are the kernel's
    Tally tally_;
    Batch batch_;
    Kernel kernel_;
    Projection projection_;
    EquityCurve curve_;
    std::map<std::string, InstrumentId> ids_;
    std::vector<std::optional<InstrumentId>> by_symbol_;
    Time first_ = kNever;
    Time recorded_from_ = kNever;  // where pacing began, and when
    std::chrono::steady_clock::time_point real_from_;
    Seq last_snapshot_ = 0;
    bool interrupted_ = false;
};

}  // namespace

RunResult books_of(const State& state) {
    RunResult r;
    r.scenario = state.config.name;
    r.currency = state.config.currency;
    r.events = state.next_seq;
    r.ticks = state.quotes;
    r.bars = state.bars;
    r.orders = state.orders;
    r.fills = state.fills;
    r.last = state.now;
    for (std::size_t p = 0; p < state.portfolios.size(); ++p) {
        PortfolioResult portfolio = portfolio_result(state, p);
        r.initial_cash += portfolio.initial_cash;
        r.cash += portfolio.cash;
        r.equity += portfolio.equity;
        r.realized_pnl += portfolio.realized_pnl;
        r.unrealized_pnl += portfolio.unrealized_pnl;
        r.charges += portfolio.charges;
        r.portfolios.push_back(std::move(portfolio));
    }
    return r;
}

Result<RunResult> run_scenario(const Scenario& scenario, LogWriter& log, const RunOptions& options) {
    auto parts = make_parts(scenario.config);
    if (!parts) {
        return tl::unexpected(parts.error());
    }
    const HoursOf hours = [&](const std::string& name) {
        const auto& named = scenario.config.instruments;
        const auto found = std::ranges::find(named, name, &Instrument::name);
        return found != named.end() ? found->hours : scenario.config.default_instrument.hours;
    };
    auto feed = open_feed(scenario.data, hours);
    if (!feed) {
        return tl::unexpected(feed.error());
    }
    options.log->info("{}: {} strategies, {} data sources", scenario.config.name, parts->strategies.size(),
                      scenario.data.size());
    Session session(scenario, log, options, std::move(*parts));
    session.begin();
    if (auto followed = session.follow(**feed); !followed) {
        options.log->info("stopped: {}", followed.error().message);
        return tl::unexpected(followed.error());
    }
    auto result = session.end();
    if (result) {
        options.log->info("{} events, head {}", result->events, result->log_head);
    }
    return result;
}

}  // namespace alpha
