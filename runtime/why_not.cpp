#include "config/suggest.hpp"
#include "runtime/fold.hpp"
#include "runtime/why.hpp"
#include "strategies/catalog.hpp"
#include "strategies/indicators.hpp"
#include "views/read_models.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <type_traits>
#include <utility>

namespace alpha {

namespace {

/// What a strategy trades on.
struct Reads {
    bool quotes = true;
    bool trades = true;
    bool bars = true;
    bool opens = true;  ///< of bars
};

Reads reads_of(const StrategyConfig& config) {
    const StrategySpec* const spec = find_strategy(config.use);
    if (spec == nullptr) {
        return {};  // from a library: nobody knows
    }
    const MarketKinds uses = spec->uses;
    return {uses.quotes, uses.trades, uses.bars, uses.bars && config.use == "script"};
}

/// Follows a log step by step and notes those in which a strategy was called. What a broker outside reports between two inputs has no root
/// of its own, and counts to the step before it.
class StepFollower {
public:
    struct Step {
        Seq called_with = kNoSeq;
        std::uint64_t calls = 0;
        std::vector<Seq> asked;
        Seq end = 0;
    };

    StepFollower(StrategyId strategy, const StrategyConfig& config, std::span<const InstrumentId> of)
        : strategy_(strategy), reads_(reads_of(config)), of_(of.begin(), of.end()) {
        std::ranges::sort(of_);
    }

    /// Before the event is folded.
    template <class E>
    void look_at(const State& state, const Envelope& envelope, const E& event) {
        if (envelope.is_root()) {
            end_step(envelope.seq);
        }
        if (calls(state, event)) {
            ++now_.calls;
            now_.called_with = now_.called_with == kNoSeq ? envelope.seq : now_.called_with;
        }
        if constexpr (!std::is_same_v<E, QuoteTick> && !std::is_same_v<E, TradeTick>) {
            if (is_asked(state, event)) {
                now_.asked.push_back(envelope.seq);
            }
            if constexpr (std::is_same_v<E, StrategyHalted>) {
                halted_by_ = event.strategy == strategy_ ? std::optional(envelope.seq) : halted_by_;
            }
        }
    }
    /// The step ends before event `end`.
    void end_step(Seq end) {
        if (now_.called_with != kNoSeq) {
            now_.end = end;
            latest_ = std::exchange(now_, {});
        }
    }

    /// The latest step that has ended and in which it was called.
    const std::optional<Step>& latest() const { return latest_; }
    void forget_latest() { latest_.reset(); }
    std::optional<Seq> halted_by() const { return halted_by_; }

private:
    template <class E>
    bool calls(const State& state, const E& event) const {
        if constexpr (std::is_same_v<E, QuoteTick>) {
            return reads_.quotes && is_told(state, event.instrument);
        } else if constexpr (std::is_same_v<E, TradeTick>) {
            return reads_.trades && is_told(state, event.instrument);
        } else if constexpr (std::is_same_v<E, BarClosed>) {
            return reads_.bars && is_told(state, event.instrument);
        } else if constexpr (std::is_same_v<E, BarOpened>) {
            return reads_.opens && is_told(state, event.instrument);
        } else if constexpr (std::is_same_v<E, CorporateAction>) {
            return is_told(state, event.instrument);
        } else if constexpr (std::is_same_v<E, TimerFired> || std::is_same_v<E, OrderRefused> ||
                             std::is_same_v<E, ChangeRefused>) {
            return event.strategy == strategy_ && !halted(state);
        } else if constexpr (std::is_same_v<E, StrategyResumed>) {
            return event.strategy == strategy_;
        } else if constexpr (std::is_same_v<E, OrderFilled> || std::is_same_v<E, OrderCancelled> ||
                             std::is_same_v<E, OrderExpired> || std::is_same_v<E, OrderRejected> ||
                             std::is_same_v<E, OrderAccepted> || std::is_same_v<E, OrderTriggered> ||
                             std::is_same_v<E, OrderModified> || std::is_same_v<E, ChangeRejected>) {
            return is_own(state, event.order) && !halted(state);
        } else {
            return false;
        }
    }

    template <class E>
    bool is_asked(const State& state, const E& event) const {
        if constexpr (std::is_same_v<E, SignalRaised> || std::is_same_v<E, OrderIntended> ||
                      std::is_same_v<E, OrderRefused> || std::is_same_v<E, ChangeRefused> ||
                      std::is_same_v<E, TimerSet> || std::is_same_v<E, TimerCancelled>) {
            return event.strategy == strategy_;
        } else if constexpr (std::is_same_v<E, CancelIntended> || std::is_same_v<E, ModifyIntended>) {
            return event.rule == Rule::none && is_own(state, event.order);
        } else {
            return false;
        }
    }

    bool halted(const State& state) const {
        return state.strategies.size() <= strategy_.value || state.strategies[strategy_.value].halted;
    }
    bool is_told(const State& state, InstrumentId instrument) const {
        return std::ranges::binary_search(of_, instrument) && !halted(state);
    }
    bool is_own(const State& state, OrderId id) const {
        const Order* const order = state.find_order(id);
        return order != nullptr && order->strategy == strategy_;
    }

    StrategyId strategy_;
    Reads reads_;
    std::vector<InstrumentId> of_;
    Step now_;
    std::optional<Step> latest_;
    std::optional<Seq> halted_by_;
};

std::optional<Price> average_of(const ExactSma& closes) {
    if (!closes.full()) {
        return std::nullopt;
    }
    Int128 sum = 0;
    for (std::size_t i = 0; i < closes.size(); ++i) {
        sum += closes.at(i).raw;
    }
    return Price{static_cast<std::int64_t>(divide_half_even(sum, static_cast<Int128>(closes.size())))};
}

/// The lines of a script as event 0 has them: "at 1 buy 10 X; at 3 sell 10 X". Semicolons within quotes are no ends.
std::vector<std::pair<std::uint64_t, std::string>> script_lines(std::string_view script) {
    std::vector<std::pair<std::uint64_t, std::string>> lines;
    bool quoted = false;
    std::string line;
    const auto end_line = [&] {
        const std::size_t first = line.find_first_not_of(" \t\r\n");
        const std::string text = first == std::string::npos ? "" : line.substr(first);
        constexpr std::string_view kAt = "at ";
        if (text.starts_with(kAt)) {
            std::uint64_t at = 0;
            std::from_chars(text.data() + kAt.size(), text.data() + text.size(), at);
            lines.emplace_back(at, text);
        }
        line.clear();
    };
    for (const char c : script) {
        quoted = quoted != (c == '"');
        if (!quoted && (c == ';' || c == '\n')) {
            end_line();
        } else {
            line += c;
        }
    }
    end_line();
    return lines;
}

/// Counts what a strategy that alpha ships waits for, from event 0 on, as the strategy does.
class Counter {
public:
    explicit Counter(StrategyId strategy) : strategy_(strategy) {}

    /// Whether it counts anything of such a strategy.
    static bool knows(const std::string& use) {
        return use == "sma_cross" || use == "ema_cross" || use == "script" || use == "buy_and_hold";
    }

    /// False once nothing more is to be counted.
    template <class E>
    bool take(const Envelope&, const E& event) {
        if constexpr (std::is_same_v<E, RunConfigured>) {
            begin(event.strategies[strategy_.value]);
        } else if constexpr (std::is_same_v<E, RunReconfigured>) {
            const std::vector<StrategyConfig>& next = event.config.strategies;
            if (strategy_.value < next.size() && next[strategy_.value].params != config_.params) {
                begin(next[strategy_.value]);
            }
        } else if constexpr (std::is_same_v<E, StrategyHalted> || std::is_same_v<E, StrategyResumed>) {
            halted_ = event.strategy == strategy_ ? std::is_same_v<E, StrategyHalted> : halted_;
        } else if constexpr (std::is_same_v<E, QuoteTick>) {
            Count* const count = count_of(event.instrument);
            if (count != nullptr && (is_script_ || (reads_quotes_ && has_both_sides(event)))) {
                ++count->seen;
            }
        } else if constexpr (std::is_same_v<E, BarOpened> || std::is_same_v<E, TradeTick>) {
            Count* const count = count_of(event.instrument);
            if (count != nullptr && is_script_) {
                ++count->seen;
            }
        } else if constexpr (std::is_same_v<E, BarClosed>) {
            if (Count* const count = count_of(event.instrument); count != nullptr) {
                take_bar(event, *count);
            }
        } else if constexpr (std::is_same_v<E, CorporateAction>) {
            if (Count* const count = count_of(event.instrument); count != nullptr && reads_bars_) {
                count->fast.adjust(event);
                count->slow.adjust(event);
                count->now = count->slow.full() ? compare(count->fast, count->slow) : count->now;
            }
        }
        return true;
    }

    /// `wanted`: empty, or one of its instruments.
    std::vector<Waiting> waiting(const State& state, std::span<const InstrumentId> of) const {
        std::vector<Waiting> all;
        if (is_script_) {
            all.push_back(waiting_script());
            return all;
        }
        for (const Count& count : counts_) {
            if (std::ranges::find(of, count.instrument) == of.end()) {
                continue;
            }
            Waiting each;
            each.instrument = state.instruments[count.instrument.value].name;
            each.seen = count.seen;
            if (config_.use == "buy_and_hold") {
                each.what = Waiting::For::holding;
                each.quantity = qty_param(config_.params, "quantity");
                each.held = state.portfolios[config_.portfolio.value].position(count.instrument).net;
                all.push_back(std::move(each));
                continue;
            }
            each.needed = static_cast<std::uint64_t>(count_param(config_.params, "slow"));
            each.what = reads_quotes_ ? Waiting::For::quotes : Waiting::For::bars;
            each.seen = std::min(each.seen, each.needed);
            if (reads_bars_ && count.slow.full()) {
                each.what = Waiting::For::cross;
                each.seen = count.seen;
                each.fast = average_of(count.fast).value_or(Price{});
                each.slow = average_of(count.slow).value_or(Price{});
                each.before = count.before;
                each.now = count.now;
                each.quantity = qty_param(config_.params, "quantity");
                each.held = state.portfolios[config_.portfolio.value].position(count.instrument).net;
            }
            all.push_back(std::move(each));
        }
        return all;
    }

private:
    static constexpr int kUnknown = 2;
    struct Count {
        InstrumentId instrument;
        std::uint64_t seen = 0;
        ExactSma fast{1};
        ExactSma slow{1};
        int before = kUnknown;
        int now = kUnknown;
    };

    void begin(const StrategyConfig& config) {
        config_ = config;
        counts_.clear();
        is_script_ = config.use == "script";
        reads_quotes_ = config.use == "ema_cross";
        reads_bars_ = config.use == "sma_cross";
        interval_ = reads_bars_ ? interval_param(config.params, "interval") : Duration{};
        for (const InstrumentId id : config.instruments) {
            Count& count = counts_.emplace_back();
            count.instrument = id;
            if (reads_bars_) {
                count.fast = ExactSma(count_param(config.params, "fast"));
                count.slow = ExactSma(count_param(config.params, "slow"));
            }
        }
        places_.clear();
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            const std::size_t id = counts_[i].instrument.value;
            places_.resize(std::max(places_.size(), id + 1), kNone);
            places_[id] = i;
        }
    }

    void take_bar(const BarClosed& bar, Count& count) {
        if (is_script_) {
            ++count.seen;
        } else if (reads_bars_ && (interval_ == Duration{} || bar.interval == interval_)) {
            ++count.seen;
            count.fast.push(bar.close);
            count.slow.push(bar.close);
            if (count.slow.full()) {
                count.before = count.now;
                count.now = compare(count.fast, count.slow);
            }
        }
    }

    Waiting waiting_script() const {
        Waiting waiting;
        for (const Count& count : counts_) {
            waiting.seen += count.seen;
        }
        waiting.what = Waiting::For::script_end;
        for (const auto& [at, text] : script_lines(text_param(config_.params, "orders"))) {
            waiting.needed = at;
            if (at > waiting.seen) {
                waiting.what = Waiting::For::script_line;
                waiting.text = text;
                break;
            }
        }
        return waiting;
    }

    Count* count_of(InstrumentId id) {
        const std::size_t place = id.value < places_.size() ? places_[id.value] : kNone;
        return place == kNone || halted_ ? nullptr : &counts_[place];
    }

    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    StrategyId strategy_;
    StrategyConfig config_;
    bool is_script_ = false;
    bool reads_quotes_ = false;
    bool reads_bars_ = false;
    bool halted_ = false;
    Duration interval_;
    std::vector<Count> counts_;
    std::vector<std::size_t> places_;  // by instrument, in counts_
};

/// The first event that is later than `time`. O(log events) reads of a frame.
Result<Seq> first_after(const Journal& journal, Time time) {
    EventReader events(journal);
    Seq low = 0;
    Seq high = journal.next_seq();
    while (low < high) {
        const Seq middle = low + (high - low) / 2;
        const Result<DecodedEvent> read = events.read(middle);
        if (!read) {
            return tl::make_unexpected(read.error());
        }
        if (read->envelope.time > time) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/// "; did you mean cross?", or what there is.
std::string hint(const std::string& word, const std::vector<std::string>& names) {
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string meant = did_you_mean(word, known);
    return meant.empty() ? fmt::format("; there is {}", config::one_of(known))
                         : fmt::format("; did you mean {}?", meant);
}

std::vector<Obstacle> obstacles_of(const State& state, InstrumentId id, const Reads& reads, Time time) {
    std::vector<Obstacle> found;
    const Market& market = state.market(id);
    const markets::DayTimes& times = state.times[id.value];
    if (market.is_expired) {
        found.push_back(Obstacle::expired);
    }
    if (market.mark.raw == 0) {
        found.push_back(Obstacle::no_price);
    }
    if (reads.bars && !reads.quotes &&
        std::ranges::all_of(market.series, [](const BarSeries& each) { return each.closed == kBeforeAll; })) {
        found.push_back(Obstacle::no_bar);
    }
    if (reads.quotes && !reads.bars && market.quoted == kBeforeAll) {
        found.push_back(Obstacle::no_quote);
    }
    if (const markets::Calendar* const calendar = times.calendar(); calendar != nullptr) {
        const markets::Moment moment = calendar->at(time);
        if (times.refuses(moment)) {
            found.push_back(Obstacle::unknown_day);
        } else if (!times.trades(moment)) {
            found.push_back(Obstacle::closed);
        }
    } else if (market.session_date == kNoDay) {
        found.push_back(Obstacle::not_open_yet);
    } else if (market.session_closes == kNever || time >= market.session_closes) {
        found.push_back(Obstacle::closed);
    }
    return found;
}

/// Finds out all of it; one call of find() an object.
class WhyNotFinder {
public:
    WhyNotFinder(const Journal& journal, WhyNot& found, StrategyId strategy, std::vector<InstrumentId> of)
        : journal_(journal), found_(found), strategy_(strategy), of_(std::move(of)) {}

    Result<void> find(const AskedAt& at) {
        // Where an event is named, the moment ends with its step, which is behind it.
        const Seq about = at.event.value_or(found_.end);
        Result<State> state = snapshot_before(journal_, about);
        if (!state) {
            return tl::make_unexpected(state.error());
        }
        const Seq begun = state->next_seq;
        Result<void> ok = around(*state, at);
        ok = ok ? further_back(begun) : ok;
        ok = ok ? read_steps() : ok;
        ok = ok ? orders_around() : ok;
        return ok ? count() : ok;
    }

private:
    using Step = StepFollower::Step;

    StepFollower follower() const { return {strategy_, found_.strategy, of_}; }

    /// From the checkpoint to the moment, and on to the next step in which it is called.
    Result<void> around(State& state, const AskedAt& at) {
        StepFollower steps = follower();
        bool passed = false;
        const auto is_behind = [&](const Envelope& envelope) {
            return at.event ? envelope.is_root() && envelope.seq > *at.event : envelope.seq >= found_.end;
        };
        const auto reach = [&](const State& now, Seq end) {
            passed = true;
            found_.end = end;
            steps.end_step(end);
            last_ = steps.latest();
            halted_by_ = steps.halted_by();
            steps.forget_latest();
            know(now, at);
        };
        Result<void> walked = walk(
            journal_, state,
            [&](const State& now, const Envelope& envelope, const auto& event) {
                if (!passed && is_behind(envelope)) {
                    reach(now, envelope.seq);
                }
                steps.look_at(now, envelope, event);
                return !passed || !steps.latest();
            },
            [](const State&, const Envelope&, const auto&) {});
        if (!walked) {
            return walked;
        }
        if (!passed) {
            reach(state, state.next_seq);
        } else if (!steps.latest()) {
            steps.end_step(journal_.next_seq());
        }
        next_ = steps.latest();
        return {};
    }

    /// What it has done before that checkpoint: from the one before it, and so on.
    Result<void> further_back(Seq begun) {
        while (begun > 0 && (!last_ || (found_.halted && !halted_by_))) {
            Result<State> state = snapshot_before(journal_, begun - 1);
            if (!state) {
                return tl::make_unexpected(state.error());
            }
            const Seq end = std::exchange(begun, state->next_seq);
            StepFollower steps = follower();
            Result<void> walked = walk(
                journal_, *state,
                [&](const State& now, const Envelope& envelope, const auto& event) {
                    if (envelope.seq >= end) {
                        return false;
                    }
                    steps.look_at(now, envelope, event);
                    return true;
                },
                [](const State&, const Envelope&, const auto&) {});
            if (!walked) {
                return walked;
            }
            steps.end_step(end);
            last_ = last_ ? last_ : steps.latest();
            halted_by_ = halted_by_ ? halted_by_ : steps.halted_by();
        }
        return {};
    }

    /// What the state at the moment says.
    void know(const State& state, const AskedAt& at) {
        found_.names = names_of(state);
        found_.time = at.event ? state.now : at.time;
        if (state.next_seq == 0) {
            return;
        }
        found_.strategy = state.config.strategies[strategy_.value];
        const Portfolio& portfolio = state.portfolios[found_.strategy.portfolio.value];
        const Reads reads = reads_of(found_.strategy);
        const RiskLimits limits(state.config);
        found_.halted = state.strategies[strategy_.value].halted;
        found_.latch = portfolio.latch;
        found_.latched_by = portfolio.killed_by;
        for (const InstrumentId id : of_) {
            KnownInstrument& known = found_.instruments.emplace_back();
            known.id = id;
            known.name = state.instruments[id.value].name;
            known.market = state.market(id);
            known.held = portfolio.position(id).net;
            known.cost = portfolio.position(id).cost;
            known.obstacles = obstacles_of(state, id, reads, std::max(found_.time, state.now));
            known.may_trade = limits.allows(id);
        }
        for (const auto& [id, order] : state.open_orders) {
            if (order.strategy == strategy_ && std::ranges::find(of_, order.terms.instrument) != of_.end()) {
                found_.open_orders.push_back(order);
            }
        }
        for (const PendingTimer& timer : state.timers) {
            if (timer.strategy == strategy_) {
                found_.timers.push_back(timer);
            }
        }
        for (RiskHeadroom& room : risk_headroom(state)) {
            if (room.portfolio == found_.portfolio && room.room.raw <= 0) {
                found_.exhausted.push_back(std::move(room));
            }
        }
        next_order_ = state.next_order;
        at_moment_ = state;
    }

    Result<std::optional<StrategyStep>> read_step(EventReader& events, const std::optional<Step>& step) const {
        if (!step) {
            return std::nullopt;
        }
        StrategyStep read;
        Result<DecodedEvent> called = events.read(step->called_with);
        if (!called) {
            return tl::make_unexpected(called.error());
        }
        read.called_with = std::move(*called);
        read.calls = step->calls;
        read.end = step->end;
        for (const Seq seq : step->asked) {
            Result<DecodedEvent> asked = events.read(seq);
            if (!asked) {
                return tl::make_unexpected(asked.error());
            }
            read.asked.push_back(std::move(*asked));
        }
        return read;
    }

    Result<void> read_steps() {
        EventReader events(journal_);
        const auto read = [&](const std::optional<Step>& step, std::optional<StrategyStep>& into) -> Result<void> {
            Result<std::optional<StrategyStep>> found = read_step(events, step);
            if (!found) {
                return tl::make_unexpected(found.error());
            }
            into = std::move(*found);
            return {};
        };
        Result<void> ok = read(last_, found_.last);
        ok = ok ? read(next_, found_.next) : ok;
        if (ok && found_.halted && halted_by_) {
            Result<DecodedEvent> halted = events.read(*halted_by_);
            if (!halted) {
                return tl::make_unexpected(halted.error());
            }
            found_.halted_by = std::move(*halted);
        }
        return ok;
    }

    /// The rows of orders are by number, which is the order in which they were asked for.
    Result<void> orders_around() {
        const Result<ReadModels> models = ReadModels::of(journal_);
        if (!models) {
            return tl::make_unexpected(models.error());
        }
        const auto is_own = [&](const OrderView& row) {
            return row.strategy == found_.strategy.name && std::ranges::find(of_, row.terms.instrument) != of_.end();
        };
        Result<void> ok = models->orders(next_order_, [&](const OrderView& row) {
            found_.next_order = is_own(row) ? std::optional(row) : std::nullopt;
            return !found_.next_order;
        });
        constexpr std::uint64_t kAtOnce = 1'000;
        for (OrderId end = next_order_; ok && end.value > 1 && !found_.last_order;) {
            const OrderId begin{end.value > kAtOnce ? end.value - kAtOnce : 1};
            ok = models->orders(begin, [&](const OrderView& row) {
                if (row.id < end && is_own(row)) {
                    found_.last_order = row;
                }
                return row.id < end;
            });
            end = begin;
        }
        return ok;
    }

    Result<void> count() {
        if (!Counter::knows(found_.strategy.use) || found_.end == 0) {
            return {};
        }
        Counter counter(strategy_);
        Result<void> outcome;
        const Result<void> scanned = scan_ahead(journal_, 0, [&](const Frame& frame) {
            const Result<bool> visited = visit_events(frame, 0, [&](const Envelope& envelope, const auto& event) {
                return envelope.seq < found_.end && counter.take(envelope, event);
            });
            if (!visited) {
                outcome = tl::make_unexpected(visited.error());
            }
            return visited && *visited;
        });
        if (scanned && outcome) {
            found_.waiting = counter.waiting(at_moment_, of_);
        }
        return scanned ? outcome : scanned;
    }

    const Journal& journal_;
    WhyNot& found_;
    StrategyId strategy_;
    std::vector<InstrumentId> of_;  // that are asked about
    std::optional<Step> last_;
    std::optional<Step> next_;
    std::optional<Seq> halted_by_;
    OrderId next_order_{1};  // at the moment
    State at_moment_;
};

}  // namespace

const char* name_of(Obstacle obstacle) {
    switch (obstacle) {
    case Obstacle::no_price: return "no_price";
    case Obstacle::no_bar: return "no_bar";
    case Obstacle::no_quote: return "no_quote";
    case Obstacle::not_open_yet: return "not_open_yet";
    case Obstacle::closed: return "closed";
    case Obstacle::unknown_day: return "unknown_day";
    case Obstacle::expired: break;
    }
    return "expired";
}

const char* name_of(Waiting::For what) {
    switch (what) {
    case Waiting::For::bars: return "bars";
    case Waiting::For::quotes: return "quotes";
    case Waiting::For::cross: return "cross";
    case Waiting::For::script_line: return "script_line";
    case Waiting::For::script_end: return "script_end";
    case Waiting::For::holding: break;
    }
    return "holding";
}

const char* name_of(Answer answer) {
    switch (answer) {
    case Answer::not_begun: return "not_begun";
    case Answer::halted: return "halted";
    case Answer::asked: return "asked";
    case Answer::refused: return "refused";
    case Answer::waiting: return "waiting";
    case Answer::not_called: return "not_called";
    case Answer::looked: break;
    }
    return "looked";
}

namespace {

template <class E>
bool has_asked(const StrategyStep& step) {
    return std::ranges::any_of(step.asked,
                               [](const DecodedEvent& each) { return std::holds_alternative<E>(each.event); });
}

}  // namespace

Answer answer_of(const WhyNot& why_not) {
    if (why_not.halted) {
        return Answer::halted;
    }
    if (!why_not.last) {
        return Answer::not_begun;
    }
    if (has_asked<OrderIntended>(*why_not.last)) {
        return Answer::asked;
    }
    if (has_asked<OrderRefused>(*why_not.last)) {
        return Answer::refused;
    }
    const bool has_enough = std::ranges::any_of(why_not.waiting, [](const Waiting& each) {
        return (each.what != Waiting::For::bars && each.what != Waiting::For::quotes) || each.seen >= each.needed;
    });
    if (!why_not.waiting.empty() && !has_enough) {
        return Answer::waiting;
    }
    const bool is_over = why_not.last->end < why_not.end && why_not.last->called_with.envelope.time < why_not.time;
    return is_over ? Answer::not_called : Answer::looked;
}

Result<WhyNot> why_not(const Journal& journal, const std::string& strategy, const AskedAt& at,
                       const std::string& instrument) {
    const Result<DecodedEvent> first = read_event(journal, 0);
    if (!first) {
        return tl::make_unexpected(first.error());
    }
    const auto* const config = std::get_if<RunConfigured>(&first->event);
    if (config == nullptr) {
        return fail(ErrorKind::data, fmt::format("{} does not begin with its configuration", journal.name()));
    }
    const auto found = std::ranges::find(config->strategies, strategy, &StrategyConfig::name);
    if (found == config->strategies.end()) {
        std::vector<std::string> names;
        names.reserve(config->strategies.size());
        for (const StrategyConfig& each : config->strategies) {
            names.push_back(each.name);
        }
        return fail(ErrorKind::usage,
                    fmt::format("{} has no strategy {}{}", journal.name(), strategy, hint(strategy, names)),
                    ErrorCode::not_found);
    }
    // Nothing is folded yet that would have looked whether ids are of anything.
    if (found->portfolio.value >= config->portfolios.size() || found->broker.value >= config->brokers.size() ||
        std::ranges::any_of(found->instruments,
                            [&](InstrumentId id) { return id.value >= config->instruments.size(); })) {
        return fail(ErrorKind::data, fmt::format("{} gives strategy {} ids of nothing", journal.name(), strategy));
    }
    Names known;
    known.learn(first->event);
    std::vector<InstrumentId> of = found->instruments;
    if (!instrument.empty()) {
        std::vector<std::string> names;
        names.reserve(found->instruments.size());
        for (const InstrumentId id : found->instruments) {
            names.push_back(known.instrument(id));
        }
        const auto place = std::ranges::find(names, instrument);
        if (place == names.end()) {
            return fail(ErrorKind::usage,
                        fmt::format("{} has no instrument {}{}", strategy, instrument, hint(instrument, names)),
                        ErrorCode::not_found);
        }
        of = {found->instruments[static_cast<std::size_t>(place - names.begin())]};
    }
    WhyNot answer;
    answer.strategy = *found;
    answer.portfolio = known.portfolio(found->portfolio);
    answer.broker = known.broker(found->broker);
    answer.currency = config->currency;
    answer.events = journal.next_seq();
    const Reads reads = reads_of(*found);
    answer.reads_quotes = reads.quotes;
    answer.reads_bars = reads.bars;
    if (at.event && *at.event >= answer.events) {
        return fail(ErrorKind::usage,
                    fmt::format("{} holds {} events, numbered from 0; there is no event {}", journal.name(),
                                answer.events, *at.event),
                    ErrorCode::not_found);
    }
    if (!at.event) {
        const Result<Seq> end = first_after(journal, at.time);
        if (!end) {
            return tl::make_unexpected(end.error());
        }
        answer.end = *end;
    }
    const StrategyId id{static_cast<std::uint32_t>(found - config->strategies.begin())};
    const Result<void> told = WhyNotFinder(journal, answer, id, std::move(of)).find(at);
    return told ? Result<WhyNot>(std::move(answer)) : tl::make_unexpected(told.error());
}

}  // namespace alpha
