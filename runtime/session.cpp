#include "runtime/session.hpp"

#include "config/suggest.hpp"
#include "events/text.hpp"
#include "kernel/kernel.hpp"
#include "kernel/snapshot.hpp"
#include "plugins/crash.hpp"
#include "runtime/callback_budget.hpp"
#include "runtime/fold.hpp"
#include "runtime/inbox.hpp"
#include "runtime/intake.hpp"
#include "runtime/parts.hpp"
#include "runtime/reexecution.hpp"
#include "runtime/scheduling.hpp"
#include "runtime/stream_board.hpp"
#include "store/background_log.hpp"
#include "store/wire.hpp"
#include "views/books.hpp"
#include "views/projection.hpp"
#include "views/status.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <mutex>
#include <optional>
#include <spdlog/spdlog.h>
#include <utility>

namespace alpha {

namespace {

/// How long something that was decided may wait for its frame to fill.
constexpr std::chrono::milliseconds kFlushAfter{2};
/// Ticks that share a reading of the clock, the one behind the last of them.
constexpr std::uint64_t kTimedTogether = 4;
/// Points of the equity curve kept; when full, every other one is dropped and sampling halves.
constexpr std::size_t kCurvePoints = 512;

/// Counts per strategy what the log records, for the summary, and takes the time of orders.
class Tally final : public KernelObserver {
public:
    Tally(const SessionConfigured& config, const RunOptions& options)
        : results_(config.strategies.size()), limits_(config), on_fill_(options.on_fill), options_(options) {
        for (std::size_t i = 0; i < results_.size(); ++i) {
            results_[i].strategy = config.strategies[i].name;
            results_[i].portfolio = config.portfolios[config.strategies[i].portfolio.value].name;
        }
    }
    /// Whose instruments the facts name.
    void watch(const State& state) { state_ = &state; }
    /// Until accept(), fills are kept back; forget() begins anew.
    void hold() { holding_ = true; }
    void accept() {
        holding_ = false;
        for (const FillRow& fill : std::exchange(held_, {})) {
            on_fill_(fill);
        }
    }
    void forget() {
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
    /// From here on orders are timed, from the moment that their input was received.
    void time_orders_from(Clock::TimePoint received) { received_ = received; }

    void on_fill(const Envelope& envelope, const OrderFilled& fill) override {
        lowest_cash_ = std::min(lowest_cash_, state_->portfolios[fill.portfolio.value].cash);
        note_gap(fill);
        if (fill.strategy != kOperator) {
            StrategyResult& result = results_[fill.strategy.value];
            ++result.fills;
            result.realized_pnl += fill.realized_pnl;
            result.charges += fill.charges;
        }
        if (on_fill_) {
            const FillRow row{envelope.time, state_->instruments[fill.instrument.value].name, fill.side, fill.quantity,
                              fill.price};
            holding_ ? held_.push_back(row) : on_fill_(row);
        }
    }
    void on_order(const Envelope&, const OrderIntended& order) override {
        if (order.strategy != kOperator) {
            ++results_[order.strategy.value].orders;
        }
        if (received_ != Clock::TimePoint{}) {
            latency_.add((options_.clock->now() - received_).count());
        }
    }
    void on_refusal(const Envelope&, const OrderRefused& order) override {
        ++results_[order.strategy.value].refused;
        ++refused_by_[order.rule];
    }

    void on_latch(const Envelope& envelope, const KillSwitchLatched& latched) override {
        alarm(fmt::format("{}: kill switch latched ({}) by {} at {}",
                          state_->config.portfolios[latched.portfolio.value].name, name_of(latched.scope),
                          name_of(latched.rule), to_iso(envelope.time)));
    }
    void on_halt(const Envelope& envelope, const StrategyHalted& halted) override {
        alarm(fmt::format("strategy {} halted at {}: {}", state_->config.strategies[halted.strategy.value].name,
                          to_iso(envelope.time), printable(halted.reason)));
    }

    const std::vector<StrategyResult>& results() const { return results_; }
    Money lowest_cash() const { return lowest_cash_; }
    /// The furthest that a fill has taken the portfolio beyond its buying power.
    Money beyond_power(std::size_t portfolio) const {
        return portfolio < beyond_power_.size() ? beyond_power_[portfolio] : Money{};
    }
    const std::map<Rule, std::uint64_t>& refused_by() const { return refused_by_; }
    LatencyHistogram& latency() { return latency_; }
    const LatencyHistogram& latency() const { return latency_; }

    void save(ByteBuffer& out) const {
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
    void load(WireReader& in) {
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

private:
    /// In a live session nobody waits for the summary.
    void alarm(const std::string& what) const {
        if (options_.is_live) {
            options_.log->warn("{}", what);
        }
        if (options_.on_alarm) {
            options_.on_alarm(what);
        }
    }
    /// An order was judged at what it was taken to cost: only where it filled for more is there something to look at.
    void note_gap(const OrderFilled& fill) {
        const Order* const order = state_->find_order(fill.order);
        if (order == nullptr || fill.price <= order->valued_at || order->terms.reduce_only ||
            !limits_.of(Rule::buying_power)) {
            return;
        }
        const Portfolio& portfolio = state_->portfolios[fill.portfolio.value];
        beyond_power_.resize(state_->portfolios.size());
        Money& furthest = beyond_power_[fill.portfolio.value];
        furthest = std::max(furthest, buying_power_used(*state_, portfolio) - buying_power_of(limits_, portfolio));
    }

    std::vector<StrategyResult> results_;
    std::map<Rule, std::uint64_t> refused_by_;
    RiskLimits limits_;
    const std::function<void(const FillRow&)>& on_fill_;
    const RunOptions& options_;
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

    void save(ByteBuffer& out) const {
        put(out, static_cast<std::uint32_t>(points_.size()));
        for (const EquitySample& point : points_) {
            put(out, point.time.ns);
            put(out, point.equity.raw);
        }
        put(out, static_cast<std::uint8_t>(is_priced_));
        put(out, std::uint64_t{stride_});
        put(out, std::uint64_t{skipped_});
    }
    void load(WireReader& in) {
        points_.clear();
        for (auto left = in.get<std::uint32_t>(); left > 0 && in.ok(); --left) {
            const auto time = in.get<std::int64_t>();
            points_.push_back({Time{time}, Money{in.get<decltype(Money::raw)>()}});
        }
        is_priced_ = in.get<std::uint8_t>() != 0;
        stride_ = static_cast<std::size_t>(in.get<std::uint64_t>());
        skipped_ = static_cast<std::size_t>(in.get<std::uint64_t>());
    }

private:
    void sample(const State& state) {
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

    std::vector<EquitySample> points_;
    bool is_priced_ = false;
    std::size_t stride_ = 1;
    std::size_t skipped_ = 0;
};

bool is_from_a_feed(const Event& event) {
    return std::visit([]<class E>(const E&) { return MarketInputType<E>; }, event);
}

/// What a log took from its feeds, one record after the other.
class TakenRecords {
public:
    TakenRecords(const Journal& journal, Seq from) : frames_(journal, from), from_(from) {}

    /// The next one; nothing at the end.
    Result<std::optional<DecodedEvent>> next() {
        for (;;) {
            while (rest_.empty()) {
                const Frame* const frame = frames_.next();
                if (frame == nullptr) {
                    return frames_.outcome().map([] { return std::optional<DecodedEvent>(); });
                }
                rest_ = frame->bytes.view();
                seq_ = frame->first_seq;
            }
            Result<DecodedEvent> event = decode(rest_, seq_);
            if (!event) {
                return tl::unexpected(event.error());
            }
            rest_ = rest_.subspan(event->bytes);
            if (seq_++ >= from_ && is_from_a_feed(event->event)) {
                return std::optional(std::move(*event));
            }
        }
    }

private:
    ReadAhead frames_;
    Seq from_;
    Bytes rest_;
    Seq seq_ = 0;
};

/// What the feeds warn of, on whichever thread reads them.
class DataWarnings {
public:
    void add(DataWarning warning) {
        const std::lock_guard lock(mutex_);
        warnings_.push_back(std::move(warning));
    }
    std::vector<DataWarning> all() const {
        const std::lock_guard lock(mutex_);
        return warnings_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<DataWarning> warnings_;
};

/// As what an instrument appeared in the data.
struct Appeared {
    bool quotes = false;
    bool bars = false;
};

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

/// The instruments that strategies are to trade and that never appeared, or only as what the strategy does not look at.
/// `appeared` goes by instrument.
void add_unseen(const State& state, std::span<const StrategySpec> catalog, const std::vector<Appeared>& appeared,
                std::vector<DataWarning>& warnings) {
    constexpr std::size_t kNamed = 8;  // of one strategy
    std::vector<std::string_view> known;
    for (std::size_t i = 0; i < appeared.size(); ++i) {
        if (appeared[i].quotes || appeared[i].bars) {
            known.emplace_back(state.instruments[i].name);
        }
    }
    if (known.empty()) {  // that the data are empty is said already
        return;
    }
    for (const StrategyConfig& strategy : state.config.strategies) {
        const StrategySpec* const spec = find_strategy(strategy.use, catalog);
        const bool is_choosy = spec != nullptr && spec->uses_quotes != spec->uses_bars;
        std::vector<std::string> found;
        for (const InstrumentId id : strategy.instruments) {
            const Appeared as = id.value < appeared.size() ? appeared[id.value] : Appeared{};
            const std::string& name = state.instruments[id.value].name;
            if (!as.quotes && !as.bars) {
                found.push_back(fmt::format("'{}' never appeared in the data; {}", name, instead_of(name, known)));
            } else if (is_choosy && (spec->uses_quotes ? !as.quotes : !as.bars)) {
                found.push_back(fmt::format("{} trades on {}, and the data hold only {} of '{}'", spec->name,
                                            spec->uses_quotes ? "quotes" : "bars",
                                            spec->uses_quotes ? "bars" : "quotes", name));
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

/// While it lives, what is posted wakes the intake up. Gone on every way out, an exception's too.
class WokenByInbox {
public:
    WokenByInbox(Inbox* inbox, Intake& intake) : inbox_(inbox) {
        if (inbox_ != nullptr) {
            inbox_->on_post([&intake] { intake.wake(); });
        }
    }
    WokenByInbox(const WokenByInbox&) = delete;
    WokenByInbox& operator=(const WokenByInbox&) = delete;
    ~WokenByInbox() {
        if (inbox_ != nullptr) {
            inbox_->on_post(nullptr);
        }
    }

private:
    Inbox* inbox_;
};

/// One run: feed -> kernel -> log.
class Session {
public:
    /// `budget` watches the strategies that `make` makes.
    Session(const Scenario& scenario, LogWriter& log, const RunOptions& options, PartsMaker make,
            CallbackBudget& budget)
        : scenario_(scenario),
          log_(log),
          options_(options),
          clock_(*options.clock),
          make_(std::move(make)),
          budget_(budget),
          tally_(scenario.config, options) {}

    /// Begins a log with event 0.
    Result<void> begin() {
        Result<Parts> parts = make_(scenario_.config);
        if (!parts) {
            return tl::unexpected(parts.error());
        }
        std::vector<Venue*> pointers = parts->broker_pointers();
        brokers_ = std::move(parts->brokers);
        batch_.begin(0);
        batch_.notes = scenario_.plugins.notes();
        kernel_ = std::make_unique<Kernel>(Kernel::Parts{std::move(parts->strategies), std::move(pointers), &tally_},
                                           batch_.frame);
        tally_.watch(kernel_->state());
        kernel_->configure(scenario_.config);
        know_instruments();
        return {};
    }

    /// Comes to where the log ends.
    Result<void> resume(std::unique_ptr<Journal> stored) {
        const AbortEnds contradicts("The log of the journal contradicts itself: it is damaged, or no alpha wrote it.",
                                    static_cast<int>(ErrorKind::data));
        stored_ = std::move(stored);
        const Clock::TimePoint begun = clock_.now();
        if (Result<void> same = compare_configuration(); !same) {
            return same;
        }
        for (const std::string& difference : scenario_.plugins.differences(stored_->info().notes)) {
            options_.log->warn("{}", difference);
        }
        Result<std::unique_ptr<Reexecution>> reexecution = begin_at_checkpoint();
        if (!reexecution) {
            return tl::unexpected(reexecution.error());
        }
        const Seq from = (*reexecution)->next_seq();
        if (Result<void> decided = decide_again(**reexecution); !decided) {
            return decided;
        }
        Reexecution::Revived revived = (*reexecution)->release();
        brokers_ = std::move(revived.brokers);
        kernel_ = std::move(revived.kernel);
        if (kernel_->state().config != scenario_.config) {
            return fail(ErrorKind::usage,
                        "the journal is a fork, which went on under another configuration; a live session cannot "
                        "go on with it");
        }
        last_snapshot_ = from;
        batch_.feed_records = records_known_;
        batch_.notes = scenario_.plugins.notes();
        know_instruments();
        options_.log->info("resumed at event {} in {:.3f} s: decided again from event {}", kernel_->state().next_seq,
                           std::chrono::duration<double>(clock_.now() - begun).count(), from);
        return {};
    }

    Result<void> follow(const HoursOf& hours) {
        IntakeOptions options{options_.speed,  &clock_,       options_.spin, std::exchange(position_, ByteBuffer()),
                              records_before_, records_known_};
        if (options_.is_live) {
            warn_of_kinds();
        }
        if (options_.cut_days) {
            day_ends_ = records_known_ == 0 ? kBeforeAll : end_of_day(kernel_->state().now);
        }
        // Who waits for a sender must still see signals.
        const bool streams = std::ranges::any_of(scenario_.data, &DataSource::is_stream);
        waits_ = options_.is_live || streams;
        options.watch.now = [this] { return std::chrono::nanoseconds(clock_.now().time_since_epoch()); };
        options.watch.change_status = [this](std::size_t stream, const auto& change) { board_.change(stream, change); };
        options.watch.tell = [&log = options_.log, &on_alarm = options_.on_alarm](const std::string& what,
                                                                                  Notice kind) {
            log->log(kind == Notice::note ? spdlog::level::info : spdlog::level::warn, "{}", what);
            if (kind == Notice::loss && on_alarm) {
                on_alarm(what);
            }
        };
        options.watch.warn = [this](DataWarning warning) {
            if (options_.is_live) {  // nobody waits for its summary
                options_.log->warn("{}", warning.text);
            }
            warnings_.add(std::move(warning));
        };
        if (streams && stored_ != nullptr) {
            options.watch.taken_before = records_taken_since(options.position.empty() ? 0 : last_snapshot_);
        }
        intake_ = (waits_ ? make_threaded_intake : make_direct_intake)(scenario_.data, hours, std::move(options));
        const WokenByInbox woken(options_.inbox, *intake_);
        if (waits_) {
            prefer_latency();
        }
        if (options_.cpu) {
            if (Result<void> moved = move_to_cpu(*options_.cpu); !moved) {
                return moved;
            }
        }
        begun_ = last_input_ = clock_.now();
        options_.log->debug("feeds: reading");
        Result<void> outcome = loop();
        options_.log->debug("feeds: {}", outcome ? "ended" : outcome.error().message);
        return outcome;
    }

    /// What is to be said where the session ends because of its data. A live one is sealed: what was taken before stands. Where files are
    /// not those that the journal was begun with, it stays as it was.
    Error end_of_bad_data(Error error) {
        const bool can_be_mended = to_compare_ != 0 && std::ranges::none_of(scenario_.data, &DataSource::is_stream);
        if (!options_.is_live || !bad_data_ || can_be_mended) {
            return error;
        }
        if (const Result<RunResult> sealed = end(); !sealed) {
            return sealed.error();
        }
        const std::size_t open = kernel_->state().open_orders.size();
        error.message += fmt::format("\nthe session has ended: its journal is sealed behind what came before, {}",
                                     open == 0   ? "and no order is open"
                                     : open == 1 ? "and 1 order stays open"
                                                 : fmt::format("and {} orders stay open", open));
        if (options_.on_alarm) {
            options_.on_alarm(error.message);
        }
        return error;
    }

    /// Of all that was read so far.
    std::vector<DataWarning> data_warnings() const {
        std::vector<DataWarning> warnings = warnings_.all();
        add_unseen(kernel_->state(), scenario_.plugins.catalog(), appeared_, warnings);
        return warnings;
    }
    bool is_interrupted() const { return interrupted_; }

    Result<RunResult> end() {
        curve_.end(kernel_->state());
        if (auto stored = store_frame(false); !stored) {
            return tl::unexpected(stored.error());
        }
        const Digest digest = state_digest(kernel_->state());
        if (auto finished = log_.finish(Ending{kStateVersion, digest}); !finished) {
            return tl::unexpected(finished.error());
        }
        options_.log->debug("journal: sealed");
        take_commit_times();
        return result(digest);
    }

private:
    /// The records that the log took from its feeds from event `from` on. Read on another thread, while the log is compared here.
    std::function<Result<std::optional<TakenRecord>>()> records_taken_since(Seq from) const {
        struct Reading {
            Reading(std::shared_ptr<Journal> of, Seq seq, const State& state)
                : journal(std::move(of)), records(*journal, seq), names(names_of_instruments(state)) {}
            std::shared_ptr<Journal> journal;
            TakenRecords records;
            std::vector<std::string> names;
        };
        return [reading = std::make_shared<Reading>(stored_, from, kernel_->state())] {
            return reading->records.next().map([&](const std::optional<DecodedEvent>& event) {
                std::optional<TakenRecord> taken;
                if (event) {
                    std::visit(
                        [&]<class E>(const E& of_feed) {
                            if constexpr (MarketInputType<E>) {
                                taken = TakenRecord{{event->envelope.time, of_feed},
                                                    reading->names[of_feed.instrument.value]};
                            }
                        },
                        event->event);
                }
                return taken;
            });
        };
    }
    static std::vector<std::string> names_of_instruments(const State& state) {
        std::vector<std::string> names;
        names.reserve(state.instruments.size());
        for (const Instrument& instrument : state.instruments) {
            names.push_back(instrument.name);
        }
        return names;
    }
    /// The data, not the log, is why the session cannot go on.
    tl::unexpected<Error> bad_data(Error error) {
        bad_data_ = error.kind == ErrorKind::data;
        return tl::unexpected(std::move(error));
    }

    bool stopped() const { return options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed); }

    // ---- going on --------------------------------------------------------------------------------------------------------

    Result<void> compare_configuration() const {
        const Result<DecodedEvent> first = read_event(*stored_, 0);
        if (!first) {
            return tl::unexpected(first.error());
        }
        const auto* before = std::get_if<SessionConfigured>(&first->event);
        if (before == nullptr) {
            return fail(ErrorKind::data, "The log does not begin with its configuration.");
        }
        if (Result<void> same = decides_under(before->rules); !same) {
            return same;
        }
        if (*before == scenario_.config) {
            return {};
        }
        return fail(ErrorKind::usage,
                    before->name != scenario_.config.name
                        ? fmt::format("the journal is of another scenario: '{}', not '{}'; name another --journal",
                                      before->name, scenario_.config.name)
                        : "the configuration is not the one the journal was begun with; put it back, or name another "
                          "--journal. What it was is in the journal's event 0.",
                    ErrorCode::other_session);
    }

    /// From the newest checkpoint that can be gone on from, or from event 0. A checkpoint's state must be what the log folds to: from
    /// the one that an earlier session had folded to itself, or from event 0. Who wants to hear of every fill hears of them all again.
    Result<std::unique_ptr<Reexecution>> begin_at_checkpoint() {
        const Result<std::optional<Seq>> own = stored_->own_snapshot();
        if (!own) {
            return tl::unexpected(own.error());
        }
        const Seq known = *own && !options_.on_fill ? **own : 0;
        std::unique_ptr<Reexecution> found;
        bool is_known = false;  // that one, with what its summary said
        const Result<void> looked = try_snapshots(*stored_, stored_->next_seq(), [&](const StoredSnapshot& snapshot) {
            const Result<SessionBytes> session = session_bytes(snapshot.bytes.view());
            Result<std::unique_ptr<Reexecution>> begun = Reexecution::from(snapshot, batch_.frame, &tally_, make_);
            if (!session || !begun) {
                options_.log->info("the snapshot at event {} is not used: {}", snapshot.next_seq,
                                   (session ? begun.error() : session.error()).message);
                return false;
            }
            Result<Projection> projection = Projection::load((*begun)->kernel()->state(), session->projection);
            if (!projection) {
                return false;
            }
            projection_ = std::move(*projection);
            position_.append(session->feed_position);
            if (snapshot.next_seq == known) {
                is_known = load_summary(session->summary);
            }
            if (!is_known) {
                forget_summary();
            }
            found = std::move(*begun);
            return true;
        });
        if (!looked) {
            return tl::unexpected(looked.error());
        }
        if (found == nullptr) {
            return std::make_unique<Reexecution>(batch_.frame, &tally_, make_);
        }
        const Result<bool> right = is_known ? Result<bool>(true) : log_folds_into(found->kernel()->state(), known);
        if (!right) {
            return tl::unexpected(right.error());
        }
        if (!*right) {
            options_.log->warn(
                "the snapshot at event {} is not what the events before it fold to and is not used; please "
                "report this",
                found->next_seq());
            projection_ = Projection();
            position_.clear();
            forget_summary();
            return std::make_unique<Reexecution>(batch_.frame, &tally_, make_);
        }
        records_before_ = records_known_;
        tally_.accept();
        tally_.watch(found->kernel()->state());
        return found;
    }

    /// Whether the log, from the snapshot at `known` on, or from event 0, folds into this state; its summary is then this session's.
    Result<bool> log_folds_into(const State& state, Seq known) {
        State folded;
        if (known != 0 && known < state.next_seq) {
            if (Result<void> begun = begin_fold(known, folded); !begun) {
                return tl::unexpected(begun.error());
            }
        }
        tally_.watch(folded);
        tally_.hold();
        if (Result<void> done = fold_up_to(state.next_seq, folded); !done) {
            return tl::unexpected(done.error());
        }
        return folded == state;
    }

    /// The state that a session stood at when it took the snapshot at `seq`, and what its summary said; before event 0 where that cannot
    /// be read.
    Result<void> begin_fold(Seq seq, State& state) {
        const Result<std::optional<StoredSnapshot>> snapshot = stored_->newest_snapshot(seq);
        if (!snapshot) {
            return tl::unexpected(snapshot.error());
        }
        if (*snapshot && (*snapshot)->next_seq == seq) {
            Result<State> loaded = load_checkpoint((*snapshot)->bytes.view());
            const Result<SessionBytes> session = session_bytes((*snapshot)->bytes.view());
            if (loaded && session && load_summary(session->summary)) {
                state = std::move(*loaded);
            } else {
                forget_summary();
            }
        }
        return {};
    }

    void save_summary(ByteBuffer& out) const {
        tally_.save(out);
        curve_.save(out);
        put(out, records_known_);
        put(out, first_.ns);
        put(out, static_cast<std::uint32_t>(appeared_.size()));
        for (const Appeared& each : appeared_) {
            put(out, static_cast<std::uint8_t>(each.quotes));
            put(out, static_cast<std::uint8_t>(each.bars));
        }
    }
    /// False where the bytes are none of these.
    bool load_summary(Bytes bytes) {
        WireReader in(bytes);
        tally_.load(in);
        curve_.load(in);
        records_known_ = in.get<std::uint64_t>();
        first_.ns = in.get<std::int64_t>();
        appeared_.clear();
        for (auto left = in.get<std::uint32_t>(); left > 0 && in.ok(); --left) {
            const bool quotes = in.get<std::uint8_t>() != 0;
            appeared_.push_back({quotes, in.get<std::uint8_t>() != 0});
        }
        return in.ok() && in.left() == 0;
    }
    void forget_summary() {
        tally_.forget();
        curve_ = EquityCurve();
        records_known_ = 0;
        appeared_.clear();
        first_ = kNever;
    }

    /// What is not decided again still counts in the summary.
    Result<void> fold_up_to(Seq end, State& state) {
        Result<bool> visited = true;
        const Result<void> scanned = scan_ahead(*stored_, state.next_seq, [&](const Frame& frame) {
            visited = visit_events(frame, state.next_seq, [&](const Envelope& envelope, const auto& event) {
                using E = std::decay_t<decltype(event)>;
                if (envelope.seq >= end) {
                    return false;
                }
                curve_.before(envelope.time, state);
                apply(state, envelope, event);
                note_record(envelope, event);
                if constexpr (std::is_same_v<E, OrderFilled>) {
                    tally_.on_fill(envelope, event);
                } else if constexpr (std::is_same_v<E, OrderIntended>) {
                    tally_.on_order(envelope, event);
                } else if constexpr (std::is_same_v<E, OrderRefused>) {
                    tally_.on_refusal(envelope, event);
                }
                return true;
            });
            return visited && *visited && state.next_seq < end;
        });
        return visited ? scanned : tl::make_unexpected(visited.error());
    }

    template <class E>
    void note_record(const Envelope& envelope, const E& event) {
        if constexpr (MarketInputType<E>) {
            ++records_known_;
            first_ = std::min(first_, envelope.time);
            if constexpr (!std::is_same_v<E, BarOpened>) {
                curve_.priced();
            }
            note_appearance(event);
        }
    }
    template <class E>
    void note_appearance(const E& event) {
        const std::size_t instrument = event.instrument.value;
        if (instrument >= appeared_.size()) [[unlikely]] {
            appeared_.resize(instrument + 1);
        }
        (std::is_same_v<E, QuoteTick> ? appeared_[instrument].quotes : appeared_[instrument].bars) = true;
    }
    /// Strategies that will see nothing they trade on, whatever the instruments turn out to be.
    void warn_of_kinds() const {
        Appeared any;
        for (const DataSource& source : scenario_.data) {
            (source.kind == DataKind::quotes ? any.quotes : any.bars) = true;
        }
        const State& state = kernel_->state();
        std::vector<DataWarning> warnings;
        add_unseen(state, scenario_.plugins.catalog(), std::vector<Appeared>(state.instruments.size(), any), warnings);
        for (const DataWarning& warning : warnings) {
            options_.log->warn("{}", warning.text);
        }
    }

    Result<void> decide_again(Reexecution& reexecution) {
        const Seq from = reexecution.next_seq();
        Result<bool> same = true;
        const Result<void> scanned = scan_ahead(*stored_, from, [&](const Frame& frame) {
            if (reexecution.kernel() == nullptr) {  // it is there once event 0 was fed
                same = reexecution.feed(frame, 1);
                if (!same || !*same) {
                    return false;
                }
                tally_.watch(reexecution.kernel()->state());
            }
            same = reexecution.feed(frame);
            if (!same || !*same) {
                return false;
            }
            if (!reexecution.catch_up()) {  // a frame that was cut in a lull
                same = false;
                return false;
            }
            const Result<bool> counted = visit_events(frame, from, [&](const Envelope& envelope, const auto& event) {
                note_record(envelope, event);
                return true;
            });
            same = counted ? same : tl::make_unexpected(counted.error());
            projection_.take(frame, reexecution.kernel()->state(), batch_.rows);
            batch_.rows.clear();                                   // they are stored already
            curve_.before(kNever, reexecution.kernel()->state());  // no instant within a frame is seen
            return same.has_value() && !stopped();
        });
        if (!scanned || !same) {
            return scanned ? tl::make_unexpected(same.error()) : scanned;
        }
        if (stopped()) {
            return fail(ErrorKind::interrupted,
                        "interrupted before it had caught up with its journal, which is as it was");
        }
        if (*same && reexecution.end()) {
            return {};
        }
        const Disagreement& d = reexecution.disagreement();
        const auto text = [&](const std::optional<DecodedEvent>& event) {
            return event ? to_text(event->envelope, event->event, d.names) : "nothing";
        };
        return fail(ErrorKind::mismatch,
                    fmt::format("this program decides otherwise than the one that wrote the journal, at event {}:\n"
                                "  then: {}\n  now:  {}",
                                d.seq, text(d.logged), text(d.decided)),
                    ErrorCode::decided_otherwise);
    }

    void know_instruments() {
        const State& state = kernel_->state();
        for (std::uint32_t i = 0; i < state.instruments.size(); ++i) {
            ids_.emplace(state.instruments[i].name, InstrumentId{i});
        }
    }

    /// What the feed gives again must be what was taken from it.
    Result<void> compare(const FeedRecord& record, const std::vector<std::string>& symbols) {
        const Result<std::optional<DecodedEvent>> taken = taken_->next();
        if (!taken) {
            return tl::unexpected(taken.error());
        }
        ALPHA_ASSERT(taken->has_value(), "there are as many records in the log as were counted");
        const DecodedEvent& logged = **taken;
        Event now = std::visit([](const auto& event) { return Event(event); }, record.event);
        const InstrumentId symbol = std::visit([](const auto& event) { return event.instrument; }, record.event);
        const auto known = ids_.find(symbols[symbol.value]);
        // A name that the log does not have gets an id that it cannot have either.
        const InstrumentId id =
            known != ids_.end() ? known->second : InstrumentId{static_cast<std::uint32_t>(ids_.size())};
        std::visit(
            [id](auto& event) {
                if constexpr (requires { event.instrument = id; }) {
                    event.instrument = id;
                }
            },
            now);
        if (logged.envelope.time == record.time && logged.event == now) {
            if (--to_compare_ == 0) {
                taken_.reset();
                stored_.reset();
                options_.log->info("feeds: come to where the journal goes on");
            }
            return {};
        }
        Names names = names_of(kernel_->state());
        if (known == ids_.end()) {
            Instrument unknown = scenario_.config.default_instrument;
            unknown.name = symbols[symbol.value];
            names.learn(InstrumentListed{id, unknown});
        }
        Envelope envelope = logged.envelope;
        envelope.time = record.time;
        return bad_data(
            {ErrorKind::data,
             fmt::format("the data changed under the journal, at event {}:\n  then: {}\n  now:  {}", envelope.seq,
                         to_text(logged.envelope, logged.event, names), to_text(envelope, now, names))});
    }

    // ---- the loop --------------------------------------------------------------------------------------------------------

    Result<void> loop() {
        to_compare_ = records_known_ - records_before_;
        bool begun = false;
        Packet packet;
        for (;;) {
            if (options_.inbox != nullptr && options_.inbox->any()) [[unlikely]] {
                if (auto served = serve_inbox(); !served) {
                    return served;
                }
            }
            if (!stopping_ && (stopped() || is_over())) [[unlikely]] {
                stop();
            }
            const auto got = intake_->next(packet, wait_until());
            if (!got) {
                return bad_data(got.error());
            }
            if (*got == Intake::Got::end) {
                return ended();
            }
            is_silent_ = *got == Intake::Got::nothing;
            if (is_silent_) {
                if (auto passed = pass_silence(); !passed || stopped_in_lull_) {
                    return passed;
                }
                Result<void> stored = store_frame(false);
                // A quiet market tells nobody that the disk has gone.
                stored = stored && options_.background != nullptr ? options_.background->health() : stored;
                if (!stored) {
                    return stored;
                }
                continue;
            }
            if (!begun) {
                begun = true;
                begin_comparing();
            }
            if (auto taken = take(packet); !taken || stopped_in_lull_) {
                return taken;
            }
            if (options_.on_progress) {
                options_.on_progress(packet.progress, kernel_->state());
            }
        }
    }

    bool is_over() const { return options_.duration.count() != 0 && clock_.now() - begun_ >= options_.duration; }
    void stop() {
        stopping_ = true;
        interrupted_ = stopped() || interrupted_;
        options_.log->info("stopping: what was received is taken");
        intake_->stop();
    }
    Clock::TimePoint wait_until() const {
        if (!waits_) {
            return {};
        }
        const Clock::TimePoint now = clock_.now();
        const Clock::TimePoint look =
            batch_.frame.events != 0 ? std::max(now, last_input_ + kFlushAfter) : now + options_.look_for_stop;
        return to_compare_ == 0 ? std::min(look, intake_->passes(kernel_->next_due())) : look;
    }
    /// What falls due while nothing comes happens at its time, not when the next record comes: the log is the same either way.
    Result<void> pass_silence() {
        if (to_compare_ != 0) {
            return {};
        }
        const Time passed = intake_->passed();
        return kernel_->next_due() < passed ? pass_lull(passed) : Result<void>();
    }
    /// Now it is known where the feeds begin.
    void begin_comparing() {
        if (intake_->from_beginning()) {
            to_compare_ = records_known_;
        }
        if (to_compare_ != 0) {
            taken_ = std::make_unique<TakenRecords>(*stored_, intake_->from_beginning() ? 0 : last_snapshot_);
        } else {
            stored_.reset();
        }
    }
    Result<void> ended() {
        if (to_compare_ == 0 || stopping_) {
            return {};
        }
        return bad_data(
            {ErrorKind::data,
             fmt::format("The feeds end where the journal goes on: of the {} records that it took from them, {} are "
                         "not there any more. Give it the data it was begun with.",
                         records_known_, to_compare_),
             ErrorCode::data_changed});
    }

    Result<void> take(const Packet& packet) {
        last_input_ = packet.received(packet.records.back());
        feed_ = packet.progress;
        const bool times_each = options_.is_live && !options_.commit_orders;
        std::size_t untimed = 0;
        for (std::size_t i = 0; i < packet.records.size(); ++i) {
            const FeedRecord& record = packet.records[i];
            if (to_compare_ != 0) [[unlikely]] {
                if (auto same = compare(record, *packet.symbols); !same) {
                    return same;
                }
                continue;
            }
            if (times_each) {
                tally_.time_orders_from(packet.received(record));
            }
            const std::uint64_t orders = kernel_->state().orders;
            if (auto taken = take(record, *packet.symbols); !taken || stopped_in_lull_) {
                return taken;
            }
            if (options_.commit_orders && kernel_->state().orders != orders) [[unlikely]] {
                if (auto asked = commit_orders(packet.received(record), kernel_->state().orders - orders); !asked) {
                    return asked;
                }
            }
            ++untimed;
            if (untimed == kTimedTogether && times_each) {
                time_ticks(packet, packet.records.subspan(i + 1 - untimed, untimed));
                untimed = 0;
            }
        }
        if (options_.is_live) {
            take_commit_times();
            const Clock::TimePoint now = time_ticks(packet, packet.records.last(untimed));
            if (batch_.frame.events != 0 && now - stored_at_ >= kFlushAfter) {
                return store_frame(true);
            }
        }
        return wants_checkpoint() ? store_frame(true) : Result<void>();
    }
    Clock::TimePoint time_ticks(const Packet& packet, std::span<const FeedRecord> records) {
        const Clock::TimePoint now = clock_.now();
        for (const FeedRecord& record : records) {
            tick_latency_.add((now - packet.received(record)).count());
        }
        if (packet.pace.speed != 0) {
            for (const FeedRecord& record : records) {
                due_latency_.add((now - packet.pace.due(record.time)).count());
            }
        }
        return now;
    }

    /// The instrument behind a feed's symbol; one that the scenario does not name is listed when data first names it.
    InstrumentId instrument_of(InstrumentId symbol, Time now, const std::vector<std::string>& symbols) {
        if (symbol.value >= by_symbol_.size() || !by_symbol_[symbol.value]) [[unlikely]] {
            learn_instrument(symbol.value, now, symbols[symbol.value]);
        }
        return *by_symbol_[symbol.value];
    }
    /// Apart, so that what it takes stays out of the way of each record.
    [[gnu::noinline]] void learn_instrument(std::size_t symbol, Time now, const std::string& name) {
        by_symbol_.resize(std::max(by_symbol_.size(), symbol + 1));
        const auto found = ids_.find(name);
        if (found != ids_.end()) {
            by_symbol_[symbol] = found->second;
            return;
        }
        Instrument definition = scenario_.config.default_instrument;
        definition.name = name;
        const InstrumentId listed{static_cast<std::uint32_t>(kernel_->state().instruments.size())};
        kernel_->take(now, ListInstrument{definition});
        by_symbol_[symbol] = listed;
        ids_.emplace(name, listed);
    }

    Result<void> take(const FeedRecord& record, const std::vector<std::string>& symbols) {
        if (record.time < kernel_->state().now) [[unlikely]] {
            if (is_clocked()) {
                refuse_late(record.time);
                return {};
            }
            return bad_data({ErrorKind::data, fmt::format("the feed went back in time, from {} to {}",
                                                          to_iso(kernel_->state().now), to_iso(record.time))});
        }
        if (kernel_->next_due() < record.time) [[unlikely]] {
            if (auto passed = pass_lull(record.time); !passed || stopped_in_lull_) {
                return passed;
            }
        }
        if (record.time >= day_ends_) [[unlikely]] {
            if (auto begun = begin_day(record.time); !begun) {
                return begun;
            }
        }
        if (first_ == kNever) {
            first_ = record.time;
        }
        curve_.before(record.time, kernel_->state());
        const auto give = [&]<class E>(E input) {
            input.instrument = instrument_of(input.instrument, record.time, symbols);
            note_appearance(input);
            kernel_->take(record.time, input);
            if constexpr (!std::is_same_v<E, BarOpened>) {
                curve_.priced();
            }
        };
        if (const auto* quote = std::get_if<QuoteTick>(&record.event)) [[likely]] {
            give(*quote);
        } else {
            std::visit(give, record.event);
        }
        ++batch_.feed_records;
        halt_overrun();
        if (batch_.frame.events >= options_.frame_events) [[unlikely]] {
            return store_frame(false);
        }
        return {};
    }

    /// Its only source's lines are stamped by the machine's clock.
    bool is_clocked() const { return scenario_.data.size() == 1 && scenario_.data.front().is_clocked; }
    /// Something fell due before it came, and stays as it was decided. Said once, then counted: a sender whose clock is slow sends
    /// nothing else.
    void refuse_late(Time time) {
        if (std::exchange(is_any_late_, true) == false) {
            options_.log->warn(
                "{}: a record of {} came when the session's clock had gone on to {}, and is refused; is the sender's "
                "clock slow? alpha status counts such records.",
                scenario_.data.front().name(), to_iso(time), to_iso(kernel_->state().now));
        }
        board_.change(0, [](StreamStatus& status) { ++status.refused_records; });
    }

    /// The hours that days are counted by: those of the first instrument that the scenario names, or of all others.
    const TradingHours& day_hours() const {
        return scenario_.config.instruments.empty() ? scenario_.config.default_instrument.hours
                                                    : scenario_.config.instruments.front().hours;
    }

    Time end_of_day(Time now) const { return day_hours().midnight(Date{day_hours().date_of(now).days + 1}); }

    /// The record at `now` is the first of another day: what was there before is stored, and the next frame says so.
    Result<void> begin_day(Time now) {
        if (day_ends_ != kBeforeAll) {
            if (auto stored = store_frame(false); !stored) {
                return stored;
            }
            batch_.ended_day = day_hours().date_of(day_ends_ - Duration{1});
        }
        day_ends_ = end_of_day(now);
        return {};
    }

    /// What falls due before the next record, or in its absence, is many steps, where a timer goes on through a weekend: they are stored as they come, and
    /// who asks for something, or for the end, is heard between them.
    Result<void> pass_lull(Time until) {
        constexpr std::uint32_t kStepsTogether = 512;
        while (kernel_->advance(until, kStepsTogether)) {
            halt_overrun();
            if (batch_.frame.events >= options_.frame_events) {
                if (auto stored = store_frame(false); !stored) {
                    return stored;
                }
            }
            if (options_.inbox != nullptr && options_.inbox->any()) {
                if (auto served = serve_inbox(); !served) {
                    return served;
                }
            }
            if (stopped() || is_over()) {
                stop();
                stopped_in_lull_ = true;  // the record that ends it, if it has come, is not taken
                return {};
            }
        }
        return {};
    }

    /// Strategies that took too long for a callback get no other one.
    void halt_overrun() {
        if (budget_.any()) [[unlikely]] {
            halt_those_over();
        }
    }
    void halt_those_over() {
        for (CallbackBudget::Overrun& overrun : budget_.take()) {
            options_.log->warn("the strategy '{}' is halted: {}",
                               scenario_.config.strategies[overrun.strategy.value].name, overrun.reason);
            kernel_->take(kernel_->state().now, HaltRequest{overrun.strategy, std::move(overrun.reason)});
        }
    }

    // ---- storing ---------------------------------------------------------------------------------------------------------

    bool wants_checkpoint() const {
        return kernel_->state().next_seq - last_snapshot_ >= options_.snapshot_events &&
               logged_bytes_ >= snapshot_bytes_ * options_.snapshot_growth && to_compare_ == 0 &&
               intake_->has_position();
    }

    /// A checkpoint is taken where the feed can say where it stands: behind a packet.
    Result<void> store_frame(bool behind_packet) {
        stored_at_ = options_.is_live ? clock_.now() : stored_at_;
        const State& state = kernel_->state();
        if (batch_.frame.events == 0) {
            return {};
        }
        projection_.take(batch_.frame, state, batch_.rows);
        logged_bytes_ += batch_.frame.bytes.size();
        if (behind_packet && wants_checkpoint()) {
            position_.clear();
            intake_->save_position(position_);
            summary_.clear();
            save_summary(summary_);
            save_checkpoint(state, kernel_->parts().strategies, kernel_->parts().venues,
                            SessionParts{projection_, position_.view(), summary_.view()}, batch_.snapshot);
            last_snapshot_ = state.next_seq;
            snapshot_bytes_ = batch_.snapshot.size();
            logged_bytes_ = 0;
        }
        return log_.append(batch_);
    }

    /// What was decided so far is to be durable, and then `on_durable` called, on whichever thread: the market does not wait for the disk.
    Result<void> ask_commit(std::function<void(const Result<void>&)> on_durable) {
        if (Result<void> stored = store_frame(false); !stored) {
            return stored;
        }
        if (options_.background != nullptr) {
            options_.background->ask_commit(std::move(on_durable));
            return {};
        }
        Result<void> committed = log_.commit();
        on_durable(committed);
        return committed;
    }

    /// The orders decided on a record that was received then leave once that is on disk.
    Result<void> commit_orders(Clock::TimePoint received, std::uint64_t orders) {
        return ask_commit([times = commit_times_, &clock = clock_, received, orders](const Result<void>& durable) {
            if (durable) {
                const std::lock_guard lock(times->mutex);
                times->taken.emplace_back(clock.now() - received, orders);
            }
        });
    }
    void take_commit_times() {
        if (!options_.commit_orders) {
            return;
        }
        const std::lock_guard lock(commit_times_->mutex);
        for (const auto& [time, orders] : commit_times_->taken) {
            tally_.latency().add(time.count(), orders);
        }
        commit_times_->taken.clear();
    }

    // ---- the inbox -------------------------------------------------------------------------------------------------------

    /// Each message that is taken is answered; where one cannot be made durable, it and those behind it hear why.
    Result<void> serve_inbox() {
        Result<void> stored;
        for (Message& message : options_.inbox->take()) {
            Reply& reply = message.asker.reply;
            if (!stored) {
                reply(tl::make_unexpected(not_done(stored.error())));
            } else if (!message.asker.has_gone()) {  // else its asker was told that it did not happen
                stored = carry_out(message);
            }
        }
        if (options_.inbox->is_status_wanted()) {
            options_.inbox->publish(std::make_shared<const SessionStatus>(status()));
        }
        return stored;
    }
    Result<void> carry_out(Message& message) {
        const Result<std::vector<Input>> inputs = message.inputs(kernel_->state());
        if (!inputs) {
            message.asker.reply(tl::make_unexpected(inputs.error()));
            return {};
        }
        for (const Input& input : *inputs) {
            if (const std::string what = act_of(input); !what.empty()) {
                options_.log->warn("{}", what);
            }
            kernel_->take(stamp(), input);
        }
        halt_overrun();
        if (!message.asker.reply.is_expected()) {
            return {};
        }
        const auto after = std::make_shared<const SessionStatus>(status());
        options_.inbox->publish(after);  // nobody is to be shown what was before it any more
        const auto reply = std::make_shared<Reply>(std::move(message.asker.reply));
        Result<void> stored = ask_commit([reply, after](const Result<void>& durable) {
            if (!durable) {
                return (*reply)(tl::make_unexpected(not_done(durable.error())));
            }
            auto known = std::make_shared<SessionStatus>(*after);
            known->durable_seq = std::max(known->durable_seq, known->books.events);
            (*reply)(std::move(known));
        });
        if (!stored) {
            (*reply)(tl::make_unexpected(not_done(stored.error())));
        }
        return stored;
    }
    /// What a person did, in a sentence; empty for what no person does.
    std::string act_of(const Input& input) const {
        const SessionConfigured& config = kernel_->state().config;
        if (const auto* kill = std::get_if<KillRequest>(&input)) {
            return fmt::format("{}: kill switch latched ({}) by the operator",
                               config.portfolios[kill->portfolio.value].name, name_of(kill->scope));
        }
        if (const auto* release = std::get_if<ReleaseRequest>(&input)) {
            return fmt::format("{}: kill switch released by the operator",
                               config.portfolios[release->portfolio.value].name);
        }
        if (const auto* resume = std::get_if<ResumeRequest>(&input)) {
            return fmt::format("the strategy '{}' is let go on by the operator",
                               config.strategies[resume->strategy.value].name);
        }
        return {};
    }
    static Error not_done(const Error& error) {
        return {error.kind, fmt::format("the session ends, and what was asked may not be on disk: {}", error.message)};
    }

    /// The time of an input that is no record. In a silence it is that of the market's clock, where there is one; while records are at
    /// hand that may belong before it, that of the last one.
    Time stamp() const {
        const Time now = kernel_->state().now;
        return is_silent_ && to_compare_ == 0 ? std::max(now, intake_->passed()) : now;
    }

    std::vector<StrategyResult> strategies() const {
        std::vector<StrategyResult> results = tally_.results();
        for (std::size_t s = 0; s < results.size(); ++s) {
            results[s].halted = kernel_->state().strategies[s].halted;
        }
        return results;
    }

    SessionStatus status() {
        const State& state = kernel_->state();
        const Clock::TimePoint now = clock_.now();
        SessionStatus s;
        s.books = books_of(state);
        s.books.strategies = strategies();
        s.is_catching_up = to_compare_ != 0;
        s.is_stopping = stopping_;
        s.speed = options_.speed == 0 ? "max" : fmt::format("{}x", options_.speed);
        s.durable_seq = options_.background != nullptr ? options_.background->durable_seq() : log_.next_seq();
        s.feed_records = batch_.feed_records;
        s.feed = feed_;
        s.streams = board_.streams();
        s.at = now.time_since_epoch();
        s.since_last_input = now - last_input_;
        s.running = now - begun_;
        s.risk = risk_headroom(state);
        s.books.tick_latency = tick_latency_;
        s.books.due_latency = due_latency_;
        s.books.order_latency = tally_.latency();
        return s;
    }

    RunResult result(const Digest& digest) const {
        const State& state = kernel_->state();
        RunResult r = books_of(state);
        r.first = first_ == kNever ? Time{} : first_;
        r.interrupted = interrupted_;
        r.data_warnings = data_warnings();
        r.strategies = strategies();
        for (const StrategyResult& each : r.strategies) {
            r.refused += each.refused;
        }
        r.refused_by = tally_.refused_by();
        r.lowest_cash = tally_.lowest_cash();
        for (std::size_t i = 0; i < r.portfolios.size(); ++i) {
            r.portfolios[i].beyond_power = std::max(r.portfolios[i].beyond_power, tally_.beyond_power(i));
        }
        r.equity_curve = curve_.points();
        r.tick_latency = tick_latency_;
        r.due_latency = due_latency_;
        r.order_latency = tally_.latency();
        r.log_head = to_hex(log_.head());
        r.state_digest = to_hex(digest);
        return r;
    }

    const Scenario& scenario_;
    LogWriter& log_;
    const RunOptions& options_;
    Clock& clock_;
    PartsMaker make_;
    CallbackBudget& budget_;
    Tally tally_;
    Batch batch_;
    Projection projection_;
    EquityCurve curve_;
    ByteBuffer summary_;  // of the last checkpoint
    /// How long orders took to be on disk; filled on the log's thread, which may outlive the session.
    struct CommitTimes {
        std::mutex mutex;
        std::vector<std::pair<std::chrono::nanoseconds, std::uint64_t>> taken;
    };
    std::shared_ptr<CommitTimes> commit_times_ = std::make_shared<CommitTimes>();
    std::vector<std::unique_ptr<Venue>> brokers_;
    std::unique_ptr<Kernel> kernel_;  // writes into batch_, uses the brokers
    std::map<std::string, InstrumentId> ids_;
    std::vector<std::optional<InstrumentId>> by_symbol_;
    std::vector<Appeared> appeared_;  // by instrument
    DataWarnings warnings_;
    Time first_ = kNever;
    Time day_ends_ = kNever;  // of the day that the journal is cut behind; kBeforeAll: it has not begun
    Seq last_snapshot_ = 0;
    std::size_t snapshot_bytes_ = 0;  // of that one
    std::size_t logged_bytes_ = 0;    // since then
    ByteBuffer position_;             // of the feeds, at the last checkpoint

    // What the log holds already.
    std::shared_ptr<Journal> stored_;
    std::unique_ptr<TakenRecords> taken_;  // of stored_
    std::uint64_t records_known_ = 0;      // that it took from its feeds,
    std::uint64_t records_before_ = 0;     // of those, before the checkpoint,
    std::uint64_t to_compare_ = 0;         // and those that the feeds still have to give again

    StreamBoard board_;  // outlives who writes on it
    std::unique_ptr<Intake> intake_;
    bool waits_ = false;  // for records, on a clock
    FeedProgress feed_;
    LatencyHistogram tick_latency_;
    LatencyHistogram due_latency_;
    Clock::TimePoint begun_;
    Clock::TimePoint last_input_;
    Clock::TimePoint stored_at_;
    bool stopping_ = false;
    bool interrupted_ = false;
    bool stopped_in_lull_ = false;
    bool is_silent_ = false;  // no record was at hand when it looked last
    bool is_any_late_ = false;
    bool bad_data_ = false;
};

}  // namespace

std::optional<Error> strict_error(const std::vector<DataWarning>& warnings) {
    std::string text;
    for (const DataWarning& warning : warnings) {
        if (warning.lacks) {
            text += (text.empty() ? "" : "\n") + warning.text;
        }
    }
    return text.empty() ? std::nullopt : std::optional(Error{ErrorKind::data, text});
}

Result<RunResult> run_scenario(const Scenario& scenario, LogWriter& log, const RunOptions& options,
                               std::unique_ptr<Journal> stored) {
    const HoursOf hours = [&](const std::string& name) -> std::optional<TradingHours> {
        const auto& named = scenario.config.instruments;
        const auto found = std::ranges::find(named, name, &Instrument::name);
        const TradingHours& its = found != named.end() ? found->hours : scenario.config.default_instrument.hours;
        const bool is_written = scenario.with_session.contains(name) || scenario.with_session.contains("");
        return is_written || !its.whole_day() ? std::optional(its) : std::nullopt;
    };
    options.log->info("{}: {} strategies, {} data sources", scenario.config.name, scenario.config.strategies.size(),
                      scenario.data.size());
    for (const BrokerConfig& broker : scenario.config.brokers) {
        options.log->debug("broker {}: {} is ready", broker.name, broker.kind);
    }
    for (const StrategyConfig& strategy : scenario.config.strategies) {
        options.log->debug("strategy {}: {} is ready", strategy.name, strategy.use);
    }
    CallbackBudget budget(options.callback_budget, options.log);
    const auto make = [&](const SessionConfigured& config) {
        Result<Parts> parts = make_parts(config, scenario.plugins.catalog());
        if (parts) {
            budget.watch(parts->strategies, config, scenario.plugins.catalog());
        }
        return parts;
    };
    Session session(scenario, log, options, make, budget);
    const bool is_new = stored == nullptr || stored->next_seq() == 0;
    if (auto ready = is_new ? session.begin() : session.resume(std::move(stored)); !ready) {
        return tl::unexpected(ready.error());
    }
    budget.start();
    if (auto followed = session.follow(hours); !followed) {
        const Error error = session.end_of_bad_data(followed.error());
        options.log->info("stopped: {}", error.message);
        return tl::unexpected(error);
    }
    if (options.is_strict && !options.is_live && !session.is_interrupted()) {
        if (std::optional<Error> lacking = strict_error(session.data_warnings())) {
            options.log->info("stopped: {}", lacking->message);
            return tl::make_unexpected(*std::move(lacking));
        }
    }
    auto result = session.end();
    if (result) {
        options.log->info("{} events, head {}", result->events, result->log_head);
    }
    return result;
}

}  // namespace alpha
