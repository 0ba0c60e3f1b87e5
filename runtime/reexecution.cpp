#include "runtime/reexecution.hpp"

#include "runtime/fold.hpp"
#include "store/background_log.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace alpha {

namespace {

/// Ids in event 0 that index nothing would take the kernel out of its bounds; no scenario makes any.
bool is_consistent(const RunConfigured& config) {
    const auto listed = [&](InstrumentId id) { return id.value < config.instruments.size(); };
    return std::ranges::all_of(config.allowed_instruments, listed) &&
           std::ranges::all_of(config.strategies, [&](const StrategyConfig& strategy) {
               return strategy.portfolio.value < config.portfolios.size() &&
                      strategy.broker.value < config.brokers.size() &&
                      std::ranges::all_of(strategy.instruments, listed);
           });
}

/// Components for a configuration that comes from a log: what this program does not have is the log's doing, not the user's.
Result<Components> parts_of(const RunConfigured& config, const ComponentsMaker& make) {
    Result<Components> parts = make(config);
    if (!parts) {
        return fail(ErrorKind::data,
                    fmt::format("This program cannot decide the session '{}' again: {}. Use the program that wrote it, "
                                "and give each library of strategies that it had with --plugin PATH.",
                                config.name, parts.error().message));
    }
    return parts;
}

/// Logged events that wait for their input, and due steps that the kernel takes before they are compared: flat memory in any lull.
constexpr std::size_t kMostWaitingBytes = 256U << 10U;
constexpr std::uint32_t kDueStepsTogether = 256;

std::optional<InstrumentId> instrument_of(const Input& input) {
    return std::visit(
        []<class E>(const E& of_kind) {
            if constexpr (MarketInputType<E>) {
                return std::optional(of_kind.instrument);
            } else {
                return std::optional<InstrumentId>();
            }
        },
        input);
}

}  // namespace

Result<void> decides_under(std::uint16_t rules) {
    if (rules == kRulesEdition) {
        return {};
    }
    return fail(
        ErrorKind::data,
        fmt::format("The journal was written under rules {}, and this alpha decides under rules {}: it shows, "
                    "verifies and folds the journal, but cannot decide it again or go on with it. Use the alpha "
                    "that wrote it, or run the scenario again.",
                    rules, kRulesEdition));
}

struct Reexecution::Work {
    Work(Frame& made_frame, KernelObserver* kernel_observer, ComponentsMaker parts_maker)
        : made(&made_frame), observer(kernel_observer), make(std::move(parts_maker)) {}

    Result<bool> take(const EncodedHeader& header, Bytes event);
    template <class Tick>
    Result<bool> take_tick(const Envelope& envelope, const Tick& tick, Bytes event);
    Result<bool> follow(Bytes bytes, Seq seq);

    Frame* made;  // what the kernel decides; all of it up to made_bytes is compared
    std::size_t made_bytes = 0;
    KernelObserver* observer;
    ComponentsMaker make;
    std::vector<std::unique_ptr<Venue>> venues;
    std::unique_ptr<Kernel> kernel;
    Seq next = 0;        // what is fed next
    Seq compared = 0;    // what is compared next
    ByteBuffer waiting;  // logged events from `compared` on that the kernel has not come to yet
    Time waiting_until;  // when the last of them was
    std::optional<Disagreement> disagreement;
    bool reconfigured = false;  // other than the log

    void make_kernel(Components parts, State state);
    Result<void> check_input(const Envelope& envelope, std::optional<InstrumentId> instrument) const;
    Result<bool> decide(const DecodedEvent& logged);
    bool knows_named(const Input& input) const;
    bool knows_named_in(const auto& word) const;
    Result<void> repeat_reconfiguration(const Envelope& at, const RunReconfigured& event);
    bool compare_waiting();
    bool compare_made();
    bool compare_each(bool all);
    bool come_to(Time time);
    bool catch_up();
    bool differ(Seq seq, Bytes logged);
    void begin_anew();
};

void Reexecution::Work::make_kernel(Components parts, State state) {
    std::vector<Venue*> pointers = parts.venue_pointers();
    venues = std::move(parts.venues);
    kernel = std::make_unique<Kernel>(
        std::move(state), Kernel::Components{std::move(parts.strategies), std::move(pointers), observer}, *made);
}

/// All that was made is compared: the frame is used anew.
void Reexecution::Work::begin_anew() {
    if (compared == made->next_seq() && made->events != 0) {
        made->begin(compared);
        made_bytes = 0;
    }
}

/// What the kernel requires of its caller (kernel/kernel.hpp) is the log's to keep here.
Result<void> Reexecution::Work::check_input(const Envelope& envelope, std::optional<InstrumentId> instrument) const {
    if (kernel == nullptr) {
        return fail(ErrorKind::data, "The log does not begin with its configuration.");
    }
    if (envelope.time < kernel->state().now) {
        return fail(ErrorKind::data, fmt::format("Event {} is earlier than the one before it.", envelope.seq));
    }
    if (instrument && instrument->value >= kernel->state().instruments.size()) {
        return fail(ErrorKind::data, fmt::format("Event {} names an instrument that was never listed.", envelope.seq));
    }
    return {};
}

Result<void> Reexecution::Work::repeat_reconfiguration(const Envelope& at, const RunReconfigured& event) {
    if (Result<void> ok = check_input(at, std::nullopt); !ok) {
        return ok;
    }
    if (reconfigured) {
        return fail(ErrorKind::usage,
                    fmt::format("event {} of the journal configures the session anew, which would undo these settings; "
                                "fork it behind that event, or fork the journal that it was forked from",
                                at.seq));
    }
    const Result<void> done =
        is_consistent(event.config)
            ? alpha::reconfigure(*kernel, venues, event.config, make)
            : fail(ErrorKind::data, "it names an instrument, portfolio or broker that does not exist");
    if (!done) {
        return fail(ErrorKind::data,
                    fmt::format("Event {} configures what cannot be run: {}.", at.seq, done.error().message));
    }
    return {};
}

/// Hands the kernel what the log holds, if it is an input. False when the kernel must come to it by itself.
Result<bool> Reexecution::Work::decide(const DecodedEvent& logged) {
    const Envelope& at = logged.envelope;
    if (const auto* config = std::get_if<RunConfigured>(&logged.event)) {
        if (at.seq != 0 || !is_consistent(*config)) {
            return fail(ErrorKind::data, fmt::format("Event {} configures what cannot be run.", at.seq));
        }
        if (Result<void> same = decides_under(config->rules); !same) {
            return tl::make_unexpected(same.error());
        }
        Result<Components> parts = parts_of(*config, make);
        if (!parts) {
            return tl::make_unexpected(parts.error());
        }
        make_kernel(std::move(*parts), State{});
        kernel->configure(*config, at.time);
        return true;
    }
    if (const auto* again = std::get_if<RunReconfigured>(&logged.event); again != nullptr && at.is_root()) {
        return repeat_reconfiguration(at, *again).map([] { return true; });
    }
    const std::optional<Input> input = input_of(at, logged.event);
    if (!input || !knows_named(*input)) {
        return false;
    }
    return check_input(at, instrument_of(*input)).map([&] {
        kernel->take(at.time, *input);
        return true;
    });
}

/// Whether the portfolio or strategy that a request names is there.
bool Reexecution::Work::knows_named(const Input& input) const {
    return std::visit(
        [&](const auto& of_kind) {
            using T = std::remove_cvref_t<decltype(of_kind)>;
            if constexpr (is_alternative<T, WordInput>) {
                return kernel != nullptr && knows_named_in(of_kind);
            } else if constexpr (requires { of_kind.portfolio; }) {
                return kernel != nullptr && of_kind.portfolio.value < kernel->state().portfolios.size();
            } else if constexpr (requires { of_kind.strategy; }) {
                return kernel != nullptr && of_kind.strategy.value < kernel->state().strategies.size();
            } else {
                static_assert(!is_alternative<std::remove_cvref_t<decltype(of_kind)>, RequestInput>,
                              "a request names its portfolio or strategy so that it can be checked here");
                return true;
            }
        },
        input);
}

/// Whether what a word from outside names is there, and its texts are within their bounds.
bool Reexecution::Work::knows_named_in(const auto& word) const {
    const State& state = kernel->state();
    bool is_known = true;
    if constexpr (requires { word.is_bounded(); }) {
        is_known = word.is_bounded();
    }
    if constexpr (std::same_as<std::remove_cvref_t<decltype(word)>, BrokerRulesSet>) {
        const OutsideBroker* const outside = state.outside_of(word.broker);
        const bool is_another = outside != nullptr && outside->book.log_number() != word.log_number;
        is_known = is_known && word.broker.value < state.config.brokers.size() && !is_another;
    } else if constexpr (requires { word.broker; }) {
        is_known = is_known && state.outside_of(word.broker) != nullptr;
    }
    if constexpr (requires { word.order; }) {
        is_known = is_known && state.outside_of(word.order) != nullptr && state.find_order(word.order) != nullptr;
    }
    if constexpr (requires { word.instrument; }) {
        const bool is_listed = word.instrument.value < state.instruments.size();
        is_known = is_known && (is_listed || word.instrument == kUnknownInstrument);
    }
    if constexpr (requires { word.portfolio; }) {
        is_known = is_known && word.portfolio.value < state.portfolios.size();
    }
    return is_known;
}

/// Notes the difference at `seq`; `logged` is empty where the log ends.
bool Reexecution::Work::differ(Seq seq, Bytes logged) {
    Disagreement found;
    found.seq = seq;
    if (!logged.empty()) {
        if (Result<DecodedEvent> event = decode(logged, seq)) {
            found.logged = std::move(*event);
        }
    }
    if (seq < made->next_seq()) {
        if (Result<DecodedEvent> event = decode(made->bytes.view().subspan(made_bytes), seq)) {
            found.decided = std::move(*event);
        }
    }
    if (kernel != nullptr) {
        found.names = names_of(kernel->state());
    }
    disagreement = std::move(found);
    return false;
}

/// Compares the events that wait with as much as was made. The kernel had its input: what it did not come to, it never will.
bool Reexecution::Work::compare_waiting() {
    const Bytes fresh = made->bytes.view().subspan(made_bytes);
    const Bytes rest = waiting.view();
    if (rest.size() <= fresh.size() && std::memcmp(rest.data(), fresh.data(), rest.size()) == 0) [[likely]] {
        made_bytes += rest.size();
        compared = next;
        waiting.clear();
        return true;
    }
    return compare_each(true);
}

/// Compares as much of what waits as was made: what falls due in a lull is many steps, and the log may be cut between two.
bool Reexecution::Work::compare_made() {
    const std::size_t made_now = made->bytes.size() - made_bytes;
    return made_now >= waiting.size() ? compare_waiting() : compare_each(false);
}

/// The same event by event, each as this program writes it: an older one has written it in another version, and meant the same.
bool Reexecution::Work::compare_each(bool all) {
    Bytes rest = waiting.view();
    ByteBuffer anew;
    while (!rest.empty() && (all || made_bytes < made->bytes.size())) {
        const Result<EncodedHeader> header = decode_header(rest, compared);
        const Bytes logged = header ? rest.first(header->total_bytes()) : rest;
        const Bytes now = made->bytes.view().subspan(made_bytes);
        const auto begins = [&](Bytes event) {
            return now.size() >= event.size() && std::memcmp(event.data(), now.data(), event.size()) == 0;
        };
        Bytes same = logged;
        if (!begins(logged)) {
            anew.clear();
            if (const Result<DecodedEvent> event = decode(logged, compared); event) {
                encode(anew, event->envelope, event->event);
            }
            same = anew.view();
            if (same.empty() || !begins(same)) {
                return differ(compared, rest);
            }
        }
        made_bytes += same.size();
        rest = rest.subspan(logged.size());
        ++compared;
    }
    ByteBuffer left;
    left.append(rest);
    waiting = std::move(left);
    return true;
}

/// What waits fell due before an input that is not in the log, or not yet: the kernel comes to it step by step.
bool Reexecution::Work::catch_up() {
    if (kernel == nullptr || !come_to(waiting_until)) {
        return kernel == nullptr;
    }
    // Of that very moment the log may have less than all, and a session's end before or behind the rest.
    while (!waiting.empty()) {
        const Result<EncodedHeader> header = decode_header(waiting.view(), compared);
        const bool ends = header && (header->tag == TradingSessionClosed::tag || header->tag == ContractExpired::tag);
        if (!kernel->step_due(waiting_until, ends)) {
            return true;  // what waits is of something else
        }
        if (!compare_made()) {
            return false;
        }
        begin_anew();
    }
    return true;
}

/// Lets the kernel come to what waits and fell due before `time`.
bool Reexecution::Work::come_to(Time time) {
    while (!waiting.empty() && kernel->next_due() < time) {
        kernel->advance(time, kDueStepsTogether);
        if (!compare_made()) {
            return false;
        }
        begin_anew();
    }
    return true;
}

template <class Tick>
Result<bool> Reexecution::Work::take_tick(const Envelope& envelope, const Tick& tick, Bytes event) {
    ++next;
    waiting.append(event);
    if (envelope.seq < made->next_seq()) {
        return compare_waiting();
    }
    begin_anew();
    if (Result<void> ok = check_input(envelope, tick.instrument); !ok) {
        return tl::make_unexpected(ok.error());
    }
    kernel->take(envelope.time, tick);
    return compare_waiting();
}

Result<bool> Reexecution::Work::follow(Bytes bytes, Seq seq) {
    Envelope envelope;
    QuoteTick quote;
    if (decode_tick(bytes, seq, envelope, quote) != 0) [[likely]] {
        return check_input(envelope, quote.instrument).map([&] {
            kernel->take(envelope.time, quote);
            return true;
        });
    }
    const Result<DecodedEvent> logged = decode(bytes, seq);
    return logged ? decide(*logged) : tl::make_unexpected(logged.error());
}

Result<bool> Reexecution::Work::take(const EncodedHeader& header, Bytes event) {
    std::optional<Result<DecodedEvent>> decoded;  // once, and not where the kernel has made it already
    const auto read = [&]() -> const Result<DecodedEvent>& {
        return decoded ? *decoded : decoded.emplace(decode(event, header.envelope.seq));
    };
    // What is asked for in a lull comes between two things that fall due, and does not lead to the first.
    if (!waiting.empty() && read()) {
        const std::optional<Input> input = input_of(read()->envelope, read()->event);
        if (input && is_between_records(*input) && !catch_up()) {
            return false;
        }
    }
    ++next;
    waiting.append(event);
    if (header.envelope.seq < made->next_seq()) {
        return compare_waiting();
    }
    const Result<DecodedEvent>& logged = read();
    if (!logged) {
        return tl::make_unexpected(logged.error());
    }
    begin_anew();
    Result<bool> decided = decide(*logged);
    if (!decided) {
        return decided;
    }
    if (*decided) {
        return compare_waiting();
    }
    waiting_until = header.envelope.time;
    // So much fell due in a lull: what came before the last of it needs no input to be come to.
    return waiting.size() <= kMostWaitingBytes || kernel == nullptr || come_to(waiting_until);
}

Reexecution::Reexecution(Frame& frame, KernelObserver* observer, ComponentsMaker make)
    : work_(std::make_unique<Work>(frame, observer, std::move(make))) {
    frame.begin(0);
}
Reexecution::~Reexecution() = default;

Result<std::unique_ptr<Reexecution>> Reexecution::from(const StoredSnapshot& checkpoint, Frame& frame,
                                                       KernelObserver* observer, const ComponentsMaker& make) {
    const Result<State> alone = load_checkpoint(checkpoint.bytes.view());
    if (!alone) {
        return tl::make_unexpected(alone.error());
    }
    Result<Components> parts = parts_of(alone->config, make);
    if (!parts) {
        return tl::make_unexpected(parts.error());
    }
    Result<State> state = load_checkpoint(checkpoint.bytes.view(), *parts);
    if (!state) {
        return tl::make_unexpected(state.error());
    }
    if (state->next_seq != checkpoint.next_seq || state->next_seq == 0) {
        return fail(ErrorKind::data, fmt::format("The snapshot at event {} is of another place.", checkpoint.next_seq));
    }
    auto reexecution = std::make_unique<Reexecution>(frame, observer, make);
    frame.begin(checkpoint.next_seq);
    reexecution->work_->next = reexecution->work_->compared = checkpoint.next_seq;
    reexecution->work_->make_kernel(std::move(*parts), std::move(*state));
    return reexecution;
}

Seq Reexecution::next_seq() const {
    return work_->next;
}

Result<bool> Reexecution::feed(const Frame& logged, Seq end) {
    Work& work = *work_;
    ALPHA_ASSERT(!work.disagreement, "after a difference nothing can be compared");
    ALPHA_ASSERT(logged.first_seq <= work.next, "a log is fed without gaps");
    Bytes rest = logged.bytes.view();
    end = std::min(end, logged.next_seq());
    for (Seq seq = logged.first_seq; seq < end; ++seq) {
        Envelope envelope;
        QuoteTick quote;
        TradeTick trade;
        std::size_t bytes = decode_tick(rest, seq, envelope, quote);
        Result<bool> same = true;
        if (bytes != 0) [[likely]] {
            if (seq >= work.next) {
                same = work.take_tick(envelope, quote, rest.first(bytes));
            }
        } else if (bytes = decode_tick(rest, seq, envelope, trade); bytes != 0) {
            if (seq >= work.next) {
                same = work.take_tick(envelope, trade, rest.first(bytes));
            }
        } else {
            const Result<EncodedHeader> header = decode_header(rest, seq);
            if (!header) {
                return tl::make_unexpected(header.error());
            }
            bytes = header->total_bytes();
            if (seq >= work.next) {
                same = work.take(*header, rest.first(bytes));
            }
        }
        if (!same || !*same) {
            return same;
        }
        rest = rest.subspan(bytes);
    }
    work.begin_anew();
    return true;
}

bool Reexecution::catch_up() {
    return work_->catch_up();
}

bool Reexecution::end() {
    if (!work_->catch_up()) {
        return false;
    }
    if (!work_->waiting.empty()) {
        return work_->differ(work_->compared, work_->waiting.view());
    }
    return work_->compared == work_->made->next_seq() || work_->differ(work_->compared, {});
}

bool Reexecution::is_between_inputs() const {
    return work_->kernel != nullptr && work_->waiting.empty() && work_->compared == work_->kernel->state().next_seq;
}

Result<void> Reexecution::reconfigure(const RunConfigured& config) {
    ALPHA_ASSERT(is_between_inputs(), "a session is reconfigured between two inputs");
    Result<void> done = alpha::reconfigure(*work_->kernel, work_->venues, config, work_->make);
    work_->reconfigured = work_->reconfigured || done.has_value();
    return done;
}

Result<void> Reexecution::follow(const Frame& logged, const std::function<bool()>& after_input) {
    Work& work = *work_;
    ALPHA_ASSERT(work.kernel != nullptr && work.waiting.empty(), "a log is followed from between two inputs on");
    Bytes rest = logged.bytes.view();
    for (Seq seq = logged.first_seq; seq < logged.next_seq(); ++seq) {
        const Result<EncodedHeader> header = decode_header(rest, seq);
        if (!header) {
            return tl::make_unexpected(header.error());
        }
        if (seq >= work.next) {
            const Result<bool> is_input = work.follow(rest, seq);
            if (!is_input) {
                return tl::make_unexpected(is_input.error());
            }
            ++work.next;
            if (*is_input && !after_input()) {
                return {};
            }
        }
        rest = rest.subspan(header->total_bytes());
    }
    return {};
}

const Disagreement& Reexecution::disagreement() const {
    ALPHA_ASSERT(work_->disagreement.has_value(), "there is a disagreement only after feed() or end() said so");
    return *work_->disagreement;
}

Kernel* Reexecution::kernel() {
    return work_->kernel.get();
}
Reexecution::Revived Reexecution::release() {
    return {std::move(work_->venues), std::move(work_->kernel)};
}

namespace {

Result<Reexecuted> run_reexecution(const LogReader& log, Reexecution& reexecution, Seq end) {
    Reexecuted result;
    result.begun = reexecution.next_seq();
    Result<void> outcome;
    bool same = true;
    if (result.begun < end) {
        const Result<void> scanned = scan_ahead(log, result.begun, [&](const Frame& frame) {
            const Result<bool> fed = reexecution.feed(frame, end);
            if (!fed) {
                outcome = tl::make_unexpected(fed.error());
            }
            same = fed.value_or(false);
            return same && frame.next_seq() < end;
        });
        if (outcome && !scanned) {
            outcome = scanned;
        }
    }
    if (!outcome) {
        return tl::make_unexpected(outcome.error());
    }
    if (same && end == log.next_seq()) {
        same = reexecution.end();
    }
    if (!same) {
        result.disagreement = reexecution.disagreement();
    }
    result.compared = (same ? end : result.disagreement->seq) - std::min(result.begun, end);
    return result;
}

}  // namespace

Result<std::unique_ptr<Reexecution>> begin_reexecution(const Journal& journal, Seq seq, Frame& frame,
                                                       const ComponentsMaker& make) {
    std::unique_ptr<Reexecution> reexecution;
    const Result<void> looked = try_snapshots(journal, seq, [&](const StoredSnapshot& snapshot) {
        Result<std::unique_ptr<Reexecution>> loaded = Reexecution::from(snapshot, frame, nullptr, make);
        if (loaded) {
            reexecution = std::move(*loaded);
        }
        return loaded.has_value();
    });
    if (!looked) {
        return tl::make_unexpected(looked.error());
    }
    if (reexecution == nullptr) {
        reexecution = std::make_unique<Reexecution>(frame, nullptr, make);
    }
    return reexecution;
}

Result<Reexecuted> reexecute(const Journal& journal, Seq from, Seq end, const ComponentsMaker& make) {
    Frame frame;
    const Result<std::unique_ptr<Reexecution>> reexecution = begin_reexecution(journal, from, frame, make);
    return reexecution ? run_reexecution(journal, **reexecution, end) : tl::make_unexpected(reexecution.error());
}

Result<Reexecuted> reexecute(const LogReader& log, const ComponentsMaker& make) {
    Frame frame;
    Reexecution reexecution(frame, nullptr, make);
    return run_reexecution(log, reexecution, log.next_seq());
}

}  // namespace alpha
