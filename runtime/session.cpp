#include "runtime/session.hpp"

#include "events/text.hpp"
#include "kernel/actions.hpp"
#include "kernel/kernel.hpp"
#include "kernel/snapshot.hpp"
#include "markets/quality.hpp"
#include "plugins/crash.hpp"
#include "runtime/callback_budget.hpp"
#include "runtime/components.hpp"
#include "runtime/fold.hpp"
#include "runtime/inbox.hpp"
#include "runtime/market_queue.hpp"
#include "runtime/resume.hpp"
#include "runtime/scheduling.hpp"
#include "runtime/stream_board.hpp"
#include "runtime/summary.hpp"
#include "store/background_log.hpp"
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

/// While it lives, what is posted wakes the market queue up. Gone on every way out, an exception's too.
class WokenByInbox {
public:
    WokenByInbox(Inbox* inbox, MarketQueue& queue) : inbox_(inbox) {
        if (inbox_ != nullptr) {
            inbox_->on_post([&queue] { queue.wake(); });
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

constexpr std::uint64_t kSplitWarningsMax = 5;

/// One run: feed -> kernel -> log.
class Session {
public:
    /// `budget` watches the strategies that `make` makes.
    Session(const Scenario& scenario, LogWriter& log, const RunOptions& options, ComponentsMaker make,
            CallbackBudget& budget, std::unique_ptr<OutsideLinks> links)
        : scenario_(scenario),
          log_(log),
          options_(options),
          clock_(*options.clock),
          make_(std::move(make)),
          budget_(budget),
          summary_(scenario.config, options),
          links_(std::move(links)),
          has_links_(!options.outside.empty()) {}

    /// Begins a log with event 0, which comes before all that follows.
    Result<void> begin(Time begins = Time{0}) {
        Result<Components> parts = make_(scenario_.config);
        if (!parts) {
            return tl::unexpected(parts.error());
        }
        std::vector<Venue*> pointers = parts->venue_pointers();
        venues_ = std::move(parts->venues);
        batch_.begin(0);
        batch_.notes = scenario_.plugins.notes();
        kernel_ = std::make_unique<Kernel>(
            Kernel::Components{std::move(parts->strategies), std::move(pointers), &summary_.tally}, batch_.frame);
        summary_.tally.watch(kernel_->state());
        kernel_->configure(scenario_.config, begins);
        if (!scenario_.market.is_silent()) {
            kernel_->take(kernel_->state().now, MarketRulesSet{scenario_.market});
        }
        if (!scenario_.products.is_silent()) {
            kernel_->take(kernel_->state().now, ProductRulesSet{scenario_.products});
        }
        if (!scenario_.margins.is_silent()) {
            kernel_->take(kernel_->state().now, MarginRulesSet{scenario_.margins});
        }
        links_->introduce(*kernel_, false);
        know_instruments();
        begun_with_ = kernel_->state().next_seq;
        return {};
    }

    /// Comes to where the log ends.
    Result<void> resume(std::unique_ptr<Journal> stored) {
        const AbortEnds contradicts("The log of the journal contradicts itself: it is damaged, or no alpha wrote it.",
                                    static_cast<int>(ErrorKind::data));
        stored_ = std::move(stored);
        const Clock::TimePoint begun = clock_.now();
        for (const std::string& difference : scenario_.plugins.differences(stored_->info().notes)) {
            options_.log->warn("{}", difference);
        }
        Result<Resumed> at = alpha::resume(*stored_, summary_,
                                           {scenario_.config, make_, batch_.frame, options_.on_fill != nullptr,
                                            [this] { return stopped(); }, *options_.log});
        if (!at) {
            return tl::unexpected(at.error());
        }
        venues_ = std::move(at->venues);
        kernel_ = std::move(at->kernel);
        projection_ = std::move(at->projection);
        position_ = std::move(at->feed_position);
        records_before_ = at->records_before;
        last_snapshot_ = at->from;
        batch_.feed_records = summary_.records;
        batch_.notes = scenario_.plugins.notes();
        know_instruments();
        if (kernel_->state().rules != scenario_.market) {
            options_.log->warn("calendars or charges are other than those the journal goes by: the new ones hold from "
                               "here on");
            kernel_->take(kernel_->state().now, MarketRulesSet{scenario_.market});
        }
        if (kernel_->state().products != scenario_.products) {
            options_.log->warn("products are other than those the journal goes by: the new ones hold from here on");
            kernel_->take(kernel_->state().now, ProductRulesSet{scenario_.products});
        }
        if (kernel_->state().margin_rules != scenario_.margins) {
            options_.log->warn("margins are other than those the journal goes by: the new ones hold from here on");
            kernel_->take(kernel_->state().now, MarginRulesSet{scenario_.margins});
        }
        links_->introduce(*kernel_, true);
        options_.log->info("resumed at event {} in {:.3f} s: decided again from event {}", kernel_->state().next_seq,
                           std::chrono::duration<double>(clock_.now() - begun).count(), at->from);
        return {};
    }

    Result<void> follow(const TimesOf& times) {
        if (is_clocked() && options_.speed != 0) {
            return fail(ErrorKind::usage,
                        fmt::format("{}: its lines come by the clock, and no faster; leave --speed out",
                                    scenario_.data.front().name()));
        }
        if (!gives_again()) {  // what comes is new: there is nothing to compare it with
            position_.clear();
            records_before_ = summary_.records;
            stored_.reset();
        }
        MarketQueueOptions options{options_.speed,  &clock_,
                                   options_.spin,   std::exchange(position_, ByteBuffer()),
                                   records_before_, summary_.records};
        if (options_.is_live) {
            warn_of_kinds();
        }
        if (options_.cut_days) {
            day_ends_ = summary_.records == 0 ? kBeforeAll : end_of_day(kernel_->state().now);
        }
        // Who waits for a sender must still see signals.
        waits_ = options_.is_live || streams();
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
        if (streams() && stored_ != nullptr) {
            options.watch.taken_before = records_taken_since(options.position.empty() ? 0 : last_snapshot_);
        }
        std::vector<DataSource> sources = scenario_.data;
        for (DataSource& source : sources) {
            source.is_clocked = is_clocked();
        }
        queue_ = (waits_ ? make_threaded_market_queue : make_direct_market_queue)(std::move(sources), times,
                                                                                  std::move(options));
        const WokenByInbox woken(options_.inbox, *queue_);
        const Linked linked(*this);
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
        settle_brokers();
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
        if (summary_.tally.has_idle_products() && !scenario_.declines_products) {
            warnings.push_back({"orders named a product, and no table of products is in force: for it nothing is "
                                "squared off, delivered or "
                                "refused; write products: zerodha, or products: none where that is meant",
                                false});
        }
        if (split_like_ > kSplitWarningsMax) {
            warnings.push_back(
                {fmt::format("{} more sessions opened as after a split", split_like_ - kSplitWarningsMax), false});
        }
        summary_.tally.add_market_warnings(warnings);
        add_unseen(kernel_->state(), scenario_.plugins.catalog(), summary_.appeared, warnings);
        return warnings;
    }
    bool is_interrupted() const { return interrupted_; }

    Result<RunResult> end() {
        summary_.curve.end(kernel_->state());
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

    bool streams() const { return std::ranges::any_of(scenario_.data, &DataSource::is_stream); }
    bool stopped() const { return options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed); }

    /// Strategies that will see nothing they trade on, whatever the instruments turn out to be.
    void warn_of_kinds() const {
        MarketKinds any;
        for (const DataSource& source : scenario_.data) {
            (source.kind == DataKind::quotes   ? any.quotes
             : source.kind == DataKind::trades ? any.trades
                                               : any.bars) = true;
        }
        const State& state = kernel_->state();
        std::vector<DataWarning> warnings;
        add_unseen(state, scenario_.plugins.catalog(), std::vector<MarketKinds>(state.instruments.size(), any),
                   warnings);
        for (const DataWarning& warning : warnings) {
            options_.log->warn("{}", warning.text);
        }
    }

    void know_instruments() {
        const State& state = kernel_->state();
        for (std::uint32_t i = 0; i < state.instruments.size(); ++i) {
            ids_.emplace(state.instruments[i].name, InstrumentId{i});
        }
        // Data may have records of before a rename, and of after it.
        for (std::uint32_t i = 0; i < scenario_.config.instruments.size(); ++i) {
            ids_.emplace(scenario_.config.instruments[i].name, InstrumentId{i});
        }
        for (const Rename& rename : scenario_.renames) {
            ids_.emplace(rename.name, rename.instrument);
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
        to_compare_ = summary_.records - records_before_;
        bool begun = false;
        MarketBatch batch;
        for (;;) {
            if (options_.inbox != nullptr && options_.inbox->any()) [[unlikely]] {
                if (auto served = serve_inbox(); !served) {
                    return served;
                }
            }
            if (auto served = serve_brokers(); !served) {
                return served;
            }
            if (!stopping_ && (stopped() || is_over())) [[unlikely]] {
                stop();
            }
            const auto got = queue_->next(batch, wait_until());
            if (!got) {
                return bad_data(got.error());
            }
            if (*got == MarketQueue::Got::end) {
                return ended();
            }
            is_silent_ = *got == MarketQueue::Got::nothing;
            if (is_silent_) {
                if (auto passed = pass_silence(); !passed || stopped_in_lull_) {
                    return passed;
                }
                // Where files begin is known before anything is stored: event 0 may have to be earlier.
                const bool waits_for_files = !begun && log_.next_seq() == 0 && !streams();
                Result<void> stored = waits_for_files ? Result<void>{} : store_frame(false);
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
                if (auto early = begin_earlier(batch.records.front()); !early) {
                    return early;
                }
            }
            if (auto taken = take(batch); !taken || stopped_in_lull_) {
                return taken;
            }
            if (options_.on_progress) {
                options_.on_progress(batch.progress, kernel_->state());
            }
        }
    }

    /// Event 0 is of 1970 unless the first record is earlier: then of the first moment that there is.
    Result<void> begin_earlier(const FeedRecord& first) {
        if (first.time >= kernel_->state().now || summary_.records != 0 || to_compare_ != 0) {
            return {};
        }
        if (log_.next_seq() != 0 || kernel_->state().next_seq != begun_with_) {  // nothing that was asked for is lost
            return bad_data({ErrorKind::data,
                             fmt::format("The first record is of {}, and the journal begins at {}: begin a new one.",
                                         to_iso(first.time), to_iso(Time{0})),
                             ErrorCode::data_changed});
        }
        return begin(kMinTime);
    }

    bool is_over() const { return options_.duration.count() != 0 && clock_.now() - begun_ >= options_.duration; }
    void stop() {
        stopping_ = true;
        interrupted_ = stopped() || interrupted_;
        options_.log->info("stopping: what was received is taken");
        queue_->stop();
    }
    Clock::TimePoint wait_until() const {
        if (!waits_) {
            return {};
        }
        const Clock::TimePoint now = clock_.now();
        const Clock::TimePoint look =
            batch_.frame.events != 0 ? std::max(now, last_input_ + kFlushAfter) : now + options_.look_for_stop;
        return to_compare_ == 0 ? std::min(look, queue_->passes(std::min(kernel_->next_due(), links_->next_due())))
                                : look;
    }
    /// What falls due while nothing comes happens at its time, not when the next record comes: the log is the same either way.
    Result<void> pass_silence() {
        if (to_compare_ != 0) {
            return {};
        }
        const Time passed = queue_->passed();
        if (std::min(kernel_->next_due(), next_table_row()) >= passed) {
            return {};
        }
        is_silent_ =
            false;  // what is asked for in between has the time that was come to, or all the rest would fall due at once
        Result<void> outcome = pass_lull(passed);
        is_silent_ = true;
        return outcome;
    }
    /// Now it is known where the feeds begin.
    void begin_comparing() {
        if (queue_->from_beginning() && gives_again()) {
            to_compare_ = summary_.records;
        }
        if (to_compare_ != 0) {
            taken_ = std::make_unique<TakenRecords>(*stored_, queue_->from_beginning() ? 0 : last_snapshot_);
        } else {
            stored_.reset();
        }
    }
    Result<void> ended() {
        if (stopping_) {
            return {};
        }
        if (to_compare_ == 0) {
            // Contracts that end on the last day of the data are settled, though nothing comes after its close. A sender that has ended
            // may begin again before it.
            const Time last = streams() ? kNever : kernel_->last_expiry_today();
            return last == kNever ? Result<void>{} : pass_lull(last + Duration{1});
        }
        return bad_data(
            {ErrorKind::data,
             fmt::format("The feeds end where the journal goes on: of the {} records that it took from them, {} are "
                         "not there any more. Give it the data it was begun with.",
                         summary_.records, to_compare_),
             ErrorCode::data_changed});
    }

    Result<void> take(const MarketBatch& batch) {
        last_input_ = batch.received(batch.records.back());
        feed_ = batch.progress;
        const bool times_each = options_.is_live && !options_.commit_orders;
        std::size_t untimed = 0;
        for (std::size_t i = 0; i < batch.records.size(); ++i) {
            const FeedRecord& record = batch.records[i];
            if (to_compare_ != 0) [[unlikely]] {
                if (auto same = compare(record, *batch.symbols); !same) {
                    return same;
                }
                continue;
            }
            if (times_each) {
                summary_.tally.time_orders_from(batch.received(record));
            }
            const std::uint64_t orders = kernel_->state().orders;
            if (auto taken = take(record, *batch.symbols); !taken || stopped_in_lull_) {
                return taken;
            }
            if (has_links_) [[unlikely]] {
                if (auto begun = start_sends(); !begun) {
                    return begun;
                }
            }
            if (options_.commit_orders && kernel_->state().orders != orders) [[unlikely]] {
                if (auto asked = commit_orders(batch.received(record), kernel_->state().orders - orders); !asked) {
                    return asked;
                }
            }
            ++untimed;
            if (untimed == kTimedTogether && times_each) {
                time_ticks(batch, batch.records.subspan(i + 1 - untimed, untimed));
                untimed = 0;
            }
        }
        if (options_.is_live) {
            take_commit_times();
            const Clock::TimePoint now = time_ticks(batch, batch.records.last(untimed));
            if (batch_.frame.events != 0 && now - stored_at_ >= kFlushAfter) {
                return store_frame(true);
            }
        }
        return wants_checkpoint() ? store_frame(true) : Result<void>();
    }
    Clock::TimePoint time_ticks(const MarketBatch& batch, std::span<const FeedRecord> records) {
        const Clock::TimePoint now = clock_.now();
        for (const FeedRecord& record : records) {
            tick_latency_.add((now - batch.received(record)).count());
        }
        if (batch.pace.speed != 0) {
            for (const FeedRecord& record : records) {
                due_latency_.add((now - batch.pace.due(record.time)).count());
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

    /// Instruments that a registry says are others by `now` than the kernel has them.
    [[gnu::noinline]] Result<void> change_instruments(Time now) {
        const bool is_first = next_terms_ == kBeforeAll;
        next_terms_ = kNever;
        std::map<InstrumentId, const Instrument*> holds;  // of several versions the last that has begun
        for (const DatedInstrument& dated : scenario_.dated) {
            const markets::DayTimes& times = kernel_->state().times[dated.instrument.value];
            const Time begins = times.end_of(Date{dated.from.days - 1});
            if (begins > now) {
                next_terms_ = std::min(next_terms_, begins);
            } else {
                holds[dated.instrument] = &dated.definition;
            }
        }
        for (const DatedInstrument& dated : scenario_.dated) {
            if (is_first && !holds.contains(dated.instrument)) {  // the first version, which has not begun
                holds[dated.instrument] = &dated.definition;
                warnings_.add(
                    {fmt::format("the registry knows {} from {} on; for days before it is taken to be what it was "
                                 "then",
                                 dated.definition.name, to_iso(dated.from)),
                     false});
            }
        }
        for (const auto& [instrument, definition] : holds) {
            Instrument present = *definition;
            present.name = kernel_->state().instruments[instrument.value].name;  // what it is called is another matter
            const Instrument& before = kernel_->state().instruments[instrument.value];
            if ((present.multiplier != before.multiplier || present.kind != before.kind) &&
                kernel_->is_in_use(instrument)) {
                return bad_data(
                    {ErrorKind::data,
                     fmt::format("the registry says that {} is a {} with a multiplier of {} from {} on, and "
                                 "it is held as a {} with {}: what is held cannot become another thing",
                                 present.name, name_of(present.kind), present.multiplier, to_iso(now),
                                 name_of(before.kind), before.multiplier)});
            }
            if (before != present) {
                kernel_->take(now, InstrumentChanged{instrument, present});
            }
        }
        return {};
    }

    /// What companies do to their shares by `now`, and what these are called: each when its ex-date begins, and once. What lies before the
    /// first price of an instrument has done its work already.
    [[gnu::noinline]] Result<void> take_actions(Time now) {
        next_action_ = kNever;
        const State& state = kernel_->state();
        const auto begins = [&](InstrumentId instrument, Date day) {
            return state.times[instrument.value].end_of(Date{day.days - 1});
        };
        for (std::size_t i = 0; i < scenario_.actions.size(); ++i) {
            const CorporateAction& action = scenario_.actions[i];
            const Market& market = state.market(action.instrument);
            const Time due = begins(action.instrument, action.ex_date);
            if (due > now) {
                next_action_ = std::min(next_action_, due);
                continue;
            }
            const bool is_another = i == 0 || scenario_.actions[i - 1].instrument != action.instrument ||
                                    scenario_.actions[i - 1].ex_date != action.ex_date;
            acts_ = is_another ? market.session_date != kNoDay && action.ex_date > market.acted : acts_;
            if (!acts_) {
                continue;
            }
            if (action.ex_date <= market.session_date) {
                warnings_.add({fmt::format("the {} of {} on {} came to be known only on {}, and is taken then",
                                           name_of(action.kind), state.instruments[action.instrument.value].name,
                                           to_iso(action.ex_date), to_iso(market.session_date)),
                               false});
            }
            const bool fits = std::ranges::all_of(state.portfolios, [&](const Portfolio& portfolio) {
                const Position& position = portfolio.position(action.instrument);
                return fits_after(position.net, action) && fits_after(position.net_of(Product::none), action) &&
                       std::ranges::all_of(position.holdings,
                                           [&](const Holding& held) { return fits_after(held.net, action); });
            });
            if (!fits) {
                return bad_data(
                    {ErrorKind::data, fmt::format("the {} of {} on {} would make a position larger than one can be",
                                                  name_of(action.kind), state.instruments[action.instrument.value].name,
                                                  to_iso(action.ex_date))});
            }
            for (std::uint32_t c = 0; action.kind != ActionKind::dividend && c < state.instruments.size(); ++c) {
                const Instrument& contract = state.instruments[c];
                if (contract.underlying == scenario_.config.instruments[action.instrument.value].name &&
                    kernel_->is_in_use(InstrumentId{c})) {
                    warnings_.add(
                        {fmt::format("the {} of {} on {} changes the terms of contracts on it, which is not done "
                                     "here: {} stays as it is, and its profit and loss are wrong from there on",
                                     name_of(action.kind), state.instruments[action.instrument.value].name,
                                     to_iso(action.ex_date), contract.name),
                         false});
                }
            }
            kernel_->take(std::max(due, state.now), action);
        }
        for (const Rename& rename : scenario_.renames) {
            const Time due = begins(rename.instrument, rename.from);
            if (due > now) {
                next_action_ = std::min(next_action_, due);
            } else if (const Instrument& present = state.instruments[rename.instrument.value];
                       present.name != rename.name && is_latest(rename, now)) {
                Instrument renamed = present;
                renamed.name = rename.name;
                kernel_->take(std::max(due, state.now), InstrumentChanged{rename.instrument, renamed});
            }
        }
        return {};
    }
    /// Settlement prices that were told by `now`: each as its day's session closes. Those of days before the session began are of no use any more.
    [[gnu::noinline]] void take_settlements(Time now) {
        const State& state = kernel_->state();
        if (!settlements_) {
            settlements_.emplace();
            // A price of what contracts are written on is told before the first of them that ends on that day.
            std::map<std::pair<std::string, Date>, Time> wanted;
            for (std::uint32_t i = 0; i < state.instruments.size(); ++i) {
                const Instrument& contract = state.instruments[i];
                if (contract.expires() && !contract.underlying.empty()) {
                    const Date last = last_day_of(state, InstrumentId{i});
                    const auto at = wanted.try_emplace({contract.underlying, last}, kNever).first;
                    at->second = std::min(at->second, expires_at(state, InstrumentId{i}));
                }
            }
            for (SettlementPrice price : scenario_.settlements) {
                const Instrument& its = state.instruments[price.instrument.value];
                if (its.expires() && price.date == its.expiry) {
                    price.date = last_day_of(state, price.instrument);  // as the calendar has moved it
                }
                const auto at = wanted.find({scenario_.config.instruments[price.instrument.value].name, price.date});
                const Time closes = state.times[price.instrument.value].close_on(price.date);
                settlements_->emplace_back(at == wanted.end() ? closes : std::min(closes, at->second), price);
            }
            std::ranges::stable_sort(*settlements_, {}, &std::pair<Time, SettlementPrice>::first);
        }
        for (; next_settlement_row_ < settlements_->size() && (*settlements_)[next_settlement_row_].first <= now;
             ++next_settlement_row_) {
            const auto& [closes, price] = (*settlements_)[next_settlement_row_];
            const Market& market = state.market(price.instrument);
            if (state.trading_date != kNoDay && price.date >= state.trading_date &&
                price.date > market.settlement_date) {
                kernel_->take(std::max(closes, state.now), price);
            }
        }
        next_settlement_ =
            next_settlement_row_ < settlements_->size() ? (*settlements_)[next_settlement_row_].first : kNever;
    }
    /// Of several renames of an instrument by `now`.
    bool is_latest(const Rename& rename, Time now) const {
        return std::ranges::none_of(scenario_.renames, [&](const Rename& other) {
            return other.instrument == rename.instrument && other.from > rename.from &&
                   kernel_->state().times[other.instrument.value].end_of(Date{other.from.days - 1}) <= now;
        });
    }

    /// A price far from the last of the day before may be a split that nobody has told of.
    [[gnu::noinline]] void look_for_split(const Tally::Opening& opening) {
        const State& state = kernel_->state();
        const Market& market = state.market(opening.instrument);
        if (market.acted == market.session_date) {
            return;
        }
        const std::optional<markets::SplitRatio> ratio = markets::split_like(opening.mark_before, market.mark);
        if (ratio && ++split_like_ <= kSplitWarningsMax) {
            warnings_.add(
                {fmt::format("{} opened on {} at {} after {}: as after a split of {}; if it was one, say so with "
                             "actions, or profit and loss of its holders are wrong",
                             state.instruments[opening.instrument.value].name, to_iso(market.session_date),
                             to_string(market.mark), to_string(opening.mark_before), ratio->text()),
                 false});
        }
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
        if (std::min(kernel_->next_due(), next_table_row()) < record.time) [[unlikely]] {
            if (auto passed = pass_lull(record.time); !passed || stopped_in_lull_) {
                return passed;
            }
        }
        if (record.time >= next_terms_) [[unlikely]] {
            if (auto changed = change_instruments(record.time); !changed) {
                return changed;
            }
        }
        if (record.time >= next_action_) [[unlikely]] {
            // A bar that closes as the day begins is of the day before.
            const bool is_of_before = std::holds_alternative<BarClosed>(record.event);
            if (auto taken = take_actions(is_of_before ? record.time - Duration{1} : record.time); !taken) {
                return taken;
            }
        }
        if (record.time >= day_ends_) [[unlikely]] {
            if (auto begun = begin_day(record.time); !begun) {
                return begun;
            }
        }
        if (summary_.first == kNever) {
            summary_.first = record.time;
        }
        summary_.curve.before(record.time, kernel_->state());
        const auto give = [&]<class E>(E input) {
            input.instrument = instrument_of(input.instrument, record.time, symbols);
            summary_.note_appearance(input);
            kernel_->take(record.time, input);
            if constexpr (!std::is_same_v<E, BarOpened>) {
                summary_.curve.priced();
            }
            if (const Tally::Opening opening = summary_.tally.take_opening(); opening.is_any) [[unlikely]] {
                look_for_split(opening);
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

    /// Its only source's lines are stamped by the machine's clock. To a backtest they are lines like others.
    bool is_clocked() const {
        return options_.is_live && scenario_.data.size() == 1 && scenario_.data.front().is_clocked;
    }
    bool gives_again() const { return !is_clocked() || scenario_.data.front().gives_again; }
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

    /// What falls due before the next record, or in its absence, is many steps, where a timer goes on through a weekend: they are stored
    /// as they come, and who asks for something, or for the end, is heard between them.
    Result<void> pass_lull(Time until) {
        constexpr std::uint32_t kStepsTogether = 512;
        while (next_table_row() < until) {  // what falls due after an action sees the share that it has made
            const Time next = next_table_row();
            if (Result<void> passed = pass_lull(next, kStepsTogether); !passed || stopped_in_lull_) {
                return passed;
            }
            if (next >= next_settlement_) {
                take_settlements(next);
            }
            if (next >= next_action_) {
                if (Result<void> taken = take_actions(next); !taken) {
                    return taken;
                }
            }
        }
        return pass_lull(until, kStepsTogether);
    }
    /// When the next row of a table is due.
    Time next_table_row() const { return std::min(next_action_, next_settlement_); }
    Result<void> pass_lull(Time until, std::uint32_t steps) {
        while (kernel_->advance(until, steps)) {
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
               queue_->has_position();
    }

    /// A checkpoint is taken where the feed can say where it stands: behind a batch.
    Result<void> store_frame(bool behind_batch) {
        stored_at_ = options_.is_live ? clock_.now() : stored_at_;
        const State& state = kernel_->state();
        if (batch_.frame.events == 0) {
            return {};
        }
        projection_.take(batch_.frame, state, batch_.rows);
        logged_bytes_ += batch_.frame.bytes.size();
        if (behind_batch && wants_checkpoint()) {
            position_.clear();
            queue_->save_position(position_);
            saved_summary_.clear();
            summary_.save(saved_summary_);
            save_checkpoint(state, kernel_->parts().strategies, kernel_->parts().venues,
                            SessionComponents{projection_, position_.view(), saved_summary_.view()}, batch_.snapshot);
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
            summary_.tally.latency().add(time.count(), orders);
        }
        commit_times_->taken.clear();
    }

    // ---- brokers outside -------------------------------------------------------------------------------------------------

    /// While it lives, brokers outside talk with the session. Gone on every way out.
    class Linked {
    public:
        explicit Linked(Session& session) : session_(session) {
            if (!session.has_links_) {
                return;
            }
            session.links_->connect(session.kernel_->state(), session.clock_, [&session] { session.queue_->wake(); });
            if (session.options_.inbox != nullptr) {
                session.options_.inbox->on_kill(
                    [&session](const std::string& portfolio) { session.links_->hold(portfolio); });
            }
        }
        Linked(const Linked&) = delete;
        Linked& operator=(const Linked&) = delete;
        ~Linked() {
            if (session_.options_.inbox != nullptr) {
                session_.options_.inbox->on_kill(nullptr);
            }
            session_.links_->disconnect();
        }

    private:
        Session& session_;
    };

    /// What brokers have said is taken, and what is wished after it begun.
    Result<void> serve_brokers() {
        if (!has_links_ || to_compare_ != 0) [[likely]] {
            return {};
        }
        if (links_->any()) {
            links_->take_words(*kernel_, stamp(), batch_.evidence);
            halt_overrun();
        }
        return start_sends();
    }
    Result<void> start_sends() {
        if (links_->start_sends(*kernel_, stamp()) == 0) [[likely]] {
            return {};
        }
        return ask_commit([durable = links_->when_durable(kernel_->state().next_seq)](const Result<void>& done) {
            if (done) {
                durable();
            }
        });
    }
    /// What was begun is answered, or not known: that is written down before the end.
    void settle_brokers() {
        if (!has_links_) {
            return;
        }
        constexpr std::chrono::seconds kMost{8};
        links_->settle(kMost);
        if (links_->any()) {
            links_->take_words(*kernel_, stamp(), batch_.evidence);
        }
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
        links_->lift(*options_.inbox, kernel_->state().next_seq);
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
        return std::visit(
            [&]<class T>(const T& of_kind) -> std::string {
                if constexpr (is_alternative<T, RequestInput>) {
                    return act_of(of_kind);
                } else {
                    return {};
                }
            },
            input);
    }
    std::string act_of(const KillRequest& kill) const {
        return fmt::format("{}: kill switch latched ({}) by the operator",
                           kernel_->state().config.portfolios[kill.portfolio.value].name, name_of(kill.scope));
    }
    std::string act_of(const ReleaseRequest& release) const {
        return fmt::format("{}: kill switch released by the operator",
                           kernel_->state().config.portfolios[release.portfolio.value].name);
    }
    std::string act_of(const ResumeRequest& resume) const {
        return fmt::format("the strategy '{}' is resumed by the operator",
                           kernel_->state().config.strategies[resume.strategy.value].name);
    }
    /// The session's own; whoever halts says why.
    static std::string act_of(const HaltRequest&) { return {}; }
    static Error not_done(const Error& error) {
        return {error.kind, fmt::format("the session ends, and what was asked may not be on disk: {}", error.message)};
    }

    /// The time of an input that is no record. In a silence it is that of the market's clock, where there is one; while records are at
    /// hand that may belong before it, that of the last one.
    Time stamp() const {
        const Time now = kernel_->state().now;
        return is_silent_ && to_compare_ == 0 ? std::max(now, queue_->passed()) : now;
    }

    std::vector<StrategyResult> strategies() const {
        std::vector<StrategyResult> results = summary_.tally.results();
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
        s.books.order_latency = summary_.tally.latency();
        return s;
    }

    RunResult result(const Digest& digest) const {
        const State& state = kernel_->state();
        RunResult r = books_of(state);
        r.first = summary_.first == kNever ? Time{} : summary_.first;
        r.interrupted = interrupted_;
        r.data_warnings = data_warnings();
        r.strategies = strategies();
        for (const StrategyResult& each : r.strategies) {
            r.refused += each.refused;
        }
        r.refused_by = summary_.tally.refused_by();
        r.lowest_cash = summary_.tally.lowest_cash();
        for (std::size_t i = 0; i < r.portfolios.size(); ++i) {
            r.portfolios[i].beyond_power = std::max(r.portfolios[i].beyond_power, summary_.tally.beyond_power(i));
        }
        r.equity_curve = summary_.curve.points();
        r.day_equity = summary_.tally.days();
        r.tick_latency = tick_latency_;
        r.due_latency = due_latency_;
        r.order_latency = summary_.tally.latency();
        r.log_head = to_hex(log_.head());
        r.state_digest = to_hex(digest);
        return r;
    }

    const Scenario& scenario_;
    LogWriter& log_;
    const RunOptions& options_;
    Clock& clock_;
    ComponentsMaker make_;
    CallbackBudget& budget_;
    Summary summary_;
    Batch batch_;
    Projection projection_;
    ByteBuffer saved_summary_;  // of the last checkpoint
    /// How long orders took to be on disk; filled on the log's thread, which may outlive the session.
    struct CommitTimes {
        std::mutex mutex;
        std::vector<std::pair<std::chrono::nanoseconds, std::uint64_t>> taken;
    };
    std::shared_ptr<CommitTimes> commit_times_ = std::make_shared<CommitTimes>();
    std::vector<std::unique_ptr<Venue>> venues_;
    std::unique_ptr<Kernel> kernel_;  // writes into batch_, uses the venues
    std::unique_ptr<OutsideLinks> links_;
    bool has_links_ = false;
    std::map<std::string, InstrumentId> ids_;
    std::vector<std::optional<InstrumentId>> by_symbol_;
    DataWarnings warnings_;
    Time next_terms_ = kBeforeAll;   // when a registry's next version of an instrument begins; at first to be looked at
    Time next_action_ = kBeforeAll;  // when the next corporate action or rename is due; at first to be looked at
    Time next_settlement_ = kBeforeAll;                                         // the same of settlement prices
    std::optional<std::vector<std::pair<Time, SettlementPrice>>> settlements_;  // by when they are told
    std::size_t next_settlement_row_ = 0;
    bool acts_ = false;  // whether the actions of an instrument and day that are being looked at are to be taken
    std::uint64_t split_like_ = 0;  // openings that looked like a split
    Seq begun_with_ = 0;            // events that a new log begins with
    Time day_ends_ = kNever;        // of the day that the journal is cut behind; kBeforeAll: it has not begun
    Seq last_snapshot_ = 0;
    std::size_t snapshot_bytes_ = 0;  // of that one
    std::size_t logged_bytes_ = 0;    // since then
    ByteBuffer position_;             // of the feeds, at the last checkpoint

    // What the log holds already.
    std::shared_ptr<Journal> stored_;
    std::unique_ptr<TakenRecords> taken_;  // of stored_
    std::uint64_t records_before_ = 0;     // that it took from its feeds before the checkpoint,
    std::uint64_t to_compare_ = 0;         // and those that the feeds still have to give again

    StreamBoard board_;  // outlives who writes on it
    std::unique_ptr<MarketQueue> queue_;
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
    const Result<markets::Calendars> calendars = markets::Calendars::make(scenario.market);
    if (!calendars) {
        return tl::unexpected(calendars.error());
    }
    const TimesOf times = [&](const std::string& name) -> std::optional<markets::DayTimes> {
        const auto& named = scenario.config.instruments;
        const auto found = std::ranges::find(named, name, &Instrument::name);
        const markets::DayTimes its =
            calendars->times_of(found != named.end() ? *found : scenario.config.default_instrument);
        const bool is_written = scenario.with_session.contains(name) || scenario.with_session.contains("");
        return is_written || !its.is_always_open() ? std::optional(its) : std::nullopt;
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
    const auto make = [&](const RunConfigured& config) {
        Result<Components> parts = make_components(config, scenario.plugins.catalog());
        if (parts) {
            budget.watch(parts->strategies, config, scenario.plugins.catalog());
        }
        return parts;
    };
    if (!options.outside.empty() && (options.commit_orders || !options.is_live)) {
        return fail(ErrorKind::usage,
                    "orders go to a broker outside in a live session alone, and none of them waits for "
                    "the disk on the thread that decides");
    }
    Result<std::unique_ptr<OutsideLinks>> links = OutsideLinks::make(options.outside, scenario.config);
    if (!links) {
        return tl::unexpected(links.error());
    }
    Session session(scenario, log, options, make, budget, std::move(*links));
    const bool is_new = stored == nullptr || stored->next_seq() == 0;
    if (auto ready = is_new ? session.begin() : session.resume(std::move(stored)); !ready) {
        return tl::unexpected(ready.error());
    }
    budget.start();
    if (auto followed = session.follow(times); !followed) {
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
