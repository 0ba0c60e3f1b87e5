#include "cli/command.hpp"
#include "config/suggest.hpp"
#include "events/codec.hpp"
#include "events/text.hpp"
#include "kernel/state.hpp"
#include "runtime/components.hpp"
#include "runtime/fold.hpp"
#include "store/evidence.hpp"
#include "store/journal.hpp"
#include "views/json.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fmt/format.h>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <type_traits>
#include <variant>

namespace alpha {
namespace {

struct LogRequest {
    std::string journal;
    Seq from = 0;
    Seq to = std::numeric_limits<Seq>::max();
    std::vector<std::string> types;
    std::string instrument;
    std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
    std::optional<Seq> caused_by;
    bool follow = false;
    std::optional<Seq> evidence;

    /// Whether it says which events are printed.
    bool chooses() const {
        const LogRequest all;
        return follow || caused_by || from != all.from || to != all.to || limit != all.limit || !types.empty() ||
               !instrument.empty();
    }
};

/// How long a follower waits before it looks again.
constexpr std::chrono::milliseconds kFollowPause{100};
/// How often in a row looking may fail before the journal counts as damaged.
constexpr int kRefreshTries = 10;

/// Every event type's name and wire tag.
struct TypeTag {
    const char* name;
    std::uint16_t tag;
};
#define ALPHA_TYPE_TAG(E) TypeTag{E::name_v, E::tag},
constexpr TypeTag kTypes[] = {ALPHA_EVENTS(ALPHA_TYPE_TAG)};
#undef ALPHA_TYPE_TAG

/// The wire tags of the types asked for; empty: all.
Result<std::set<std::uint16_t>> tags_of(const std::vector<std::string>& types) {
    std::set<std::uint16_t> tags;
    std::string unknown;
    for (const std::string& type : types) {
        const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                         [&type](const TypeTag& each) { return type == each.name; });
        if (found != std::end(kTypes)) {
            tags.insert(found->tag);
            continue;
        }
        std::string all;
        for (const char* name : all_type_names()) {
            all += fmt::format("{}{}", all.empty() ? "" : ", ", name);
        }
        const std::vector<std::string_view> known(all_type_names().begin(), all_type_names().end());
        const std::string meant = did_you_mean(type, known);
        unknown += fmt::format("{}unknown event type {}; {}", unknown.empty() ? "" : "\n", type,
                               meant.empty() ? "there are: " + all : fmt::format("did you mean {}?", meant));
    }
    if (!unknown.empty()) {
        return fail(ErrorKind::usage, unknown);
    }
    return tags;
}

/// Which events concern one instrument. Those that name only their order are found by it, so that
/// what is shown is the whole life of the instrument's orders.
class InstrumentFilter {
public:
    explicit InstrumentFilter(std::string name) : name_(std::move(name)) {}

    bool is_active() const { return !name_.empty(); }
    bool was_found() const { return id_.has_value(); }
    const std::vector<std::string>& seen() const { return seen_; }

    /// Whether the filter must see an event of this type even where it is not printed.
    static bool needs(std::uint16_t tag) { return tag == OrderIntended::tag || tag == OrderRefused::tag; }

    /// Takes note of what a state knows.
    void know(const State& state) {
        for (std::size_t i = 0; i < state.instruments.size(); ++i) {
            note(InstrumentId{static_cast<std::uint32_t>(i)}, state.instruments[i].name);
        }
        for (const auto* orders : {&state.open_orders, &state.closed_orders}) {
            for (const auto& [id, order] : *orders) {
                if (id_ == order.terms.instrument) {
                    orders_.insert(id);
                }
            }
        }
    }

    /// Takes note of the event; true when it concerns the instrument.
    bool concerns(const Event& event) {
        return std::visit([this](const auto& each) { return judge(each); }, event);
    }

private:
    template <class E>
    bool judge(const E& event) {
        if constexpr (std::is_same_v<E, RunConfigured>) {
            for (std::size_t i = 0; i < event.instruments.size(); ++i) {
                note(InstrumentId{static_cast<std::uint32_t>(i)}, event.instruments[i].name);
            }
            return false;
        } else if constexpr (std::is_same_v<E, InstrumentListed>) {
            note(event.instrument, event.definition.name);
            return id_ == event.instrument;
        } else if constexpr (requires { event.terms.instrument; }) {
            const bool ours = id_ == event.terms.instrument;
            if (ours) {
                orders_.insert(event.order);
            }
            return ours;
        } else if constexpr (requires { event.instrument; }) {
            return id_ == event.instrument;
        } else if constexpr (requires { event.order; }) {
            return orders_.contains(event.order);
        } else {
            return false;
        }
    }

    void note(InstrumentId id, const std::string& name) {
        seen_.push_back(name);
        if (name == name_) {
            id_ = id;
        }
    }

    std::string name_;
    std::optional<InstrumentId> id_;
    std::set<OrderId> orders_;
    std::vector<std::string> seen_;
};

/// Which events an event led to, itself included. Causes come before effects, so one pass in order finds all.
class EffectsFilter {
public:
    explicit EffectsFilter(std::optional<Seq> origin) : origin_(origin) {}

    /// Takes note of the event; true when it is one of them. Requires that events come in order.
    bool concerns(const Envelope& at) {
        if (!origin_) {
            return true;
        }
        const bool ours = at.seq == *origin_ || std::ranges::binary_search(effects_, at.causation);
        if (ours) {
            effects_.push_back(at.seq);
        }
        return ours;
    }

private:
    std::optional<Seq> origin_;
    std::vector<Seq> effects_;  // sorted, because they come in order
};

/// Prints the events asked for. An event is decoded only where it is printed or teaches something: names may be given anywhere.
class Printer {
public:
    Printer(const LogRequest& options, std::set<std::uint16_t> tags, Wiring& wiring)
        : options_(&options),
          tags_(std::move(tags)),
          filter_(options.instrument),
          effects_(options.caused_by),
          wiring_(&wiring) {}

    /// Begins at `seq`: the state knows what the events before it taught.
    void begin(Seq seq, const State& known) {
        next_ = seq;
        names_ = names_of(known);
        filter_.know(known);
    }
    /// Where it must begin: at the first event that is printed, or at the one whose effects are.
    Seq wanted() const { return options_->caused_by.value_or(options_->from); }

    /// Takes the events of the frame that it has not seen yet. False when nothing more is to be printed, or an error was met.
    bool frame(const Frame& frame) {
        Bytes rest = frame.bytes.view();
        for (Seq seq = frame.first_seq; seq < frame.next_seq(); ++seq) {
            const Result<EncodedHeader> header = decode_header(rest, seq);
            if (!header) {
                error_ = header.error();
                return false;
            }
            if (seq > options_->to || printed_ >= options_->limit || wiring_->out.closed()) {
                done_ = true;
                return false;
            }
            if (seq == next_) {
                const bool caused = effects_.concerns(header->envelope);
                if (wants(seq, header->tag) && !event(rest, seq, header->tag, caused)) {
                    return false;
                }
                ++next_;
            }
            rest = rest.subspan(header->total_bytes());
        }
        return true;
    }

    const std::optional<Error>& error() const { return error_; }
    /// The first event that it has not seen.
    Seq next() const { return next_; }
    /// Whether nothing that may still come is to be printed.
    bool done() const { return done_; }
    std::uint64_t printed() const { return printed_; }
    const InstrumentFilter& filter() const { return filter_; }

private:
    bool in_range(Seq seq, std::uint16_t tag) const {
        return seq >= options_->from && (tags_.empty() || tags_.contains(tag));
    }

    bool wants(Seq seq, std::uint16_t tag) const {
        return in_range(seq, tag) || tag == RunConfigured::tag || tag == InstrumentListed::tag ||
               (filter_.is_active() && InstrumentFilter::needs(tag));
    }

    bool event(Bytes bytes, Seq seq, std::uint16_t tag, bool caused) {
        const Result<DecodedEvent> decoded = decode(bytes, seq);
        if (!decoded) {
            error_ = decoded.error();
            return false;
        }
        names_.learn(decoded->event);
        const bool concerned = !filter_.is_active() || filter_.concerns(decoded->event);
        if (concerned && caused && in_range(seq, tag)) {
            wiring_->out.write(wiring_->json
                                   ? to_json(decoded->envelope, decoded->event, names_)
                                   : wiring_->zone.show_all(to_text(decoded->envelope, decoded->event, names_)));
            wiring_->out.write("\n");
            ++printed_;
        }
        return true;
    }

    const LogRequest* options_;
    std::set<std::uint16_t> tags_;
    InstrumentFilter filter_;
    EffectsFilter effects_;
    Wiring* wiring_;
    Names names_;
    Seq next_ = 0;
    std::uint64_t printed_ = 0;
    bool done_ = false;
    std::optional<Error> error_;
};

/// Lets the printer begin at a checkpoint, as far on as it can. Names never change, so the newest one tells them all; which orders
/// are of an instrument is told by one that comes before them.
Result<void> begin_late(const Journal& journal, Printer& printer) {
    const Seq wanted = printer.wanted();
    if (wanted == 0) {
        return {};
    }
    return try_snapshots(
        journal, printer.filter().is_active() ? wanted : journal.next_seq(), [&](const StoredSnapshot& snapshot) {
            const Result<State> known = load_checkpoint(snapshot.bytes.view());
            if (known) {
                printer.begin(printer.filter().is_active() ? snapshot.next_seq : std::min(wanted, snapshot.next_seq),
                              *known);
            }
            return known.has_value();
        });
}

/// Prints what the journal holds and the printer has not seen.
Result<void> print_new(const Journal& journal, const LogRequest& options, Printer& printer) {
    Result<void> scanned =
        journal.scan(printer.next(), [&printer](const Frame& frame) { return printer.frame(frame); });
    if (scanned && printer.error().has_value()) {
        return fail(printer.error()->kind, fmt::format("{}: {}", options.journal, printer.error()->message));
    }
    return scanned;
}

/// Prints what is appended until the journal has ended, all that was asked for is printed, or somebody stops it.
Result<int> follow_log(Journal& journal, const LogRequest& options, Printer& printer, Wiring& wiring) {
    const std::atomic<bool>& stop = stop_on_signals();
    int failures = 0;  // in a row: a file may vanish under a writer's hands while it is being opened
    for (;;) {
        // Before the events: what was written by then is all there is when it had ended.
        const bool ended = journal.info().clean_end;
        const Result<void> printed = print_new(journal, options, printer);
        if (!printed) {
            return tl::unexpected(printed.error());
        }
        if (const Result<void> shown = wiring.out.finish(); !shown) {
            return tl::unexpected(shown.error());
        }
        if (ended || printer.done() || wiring.out.closed()) {
            return kExitOk;
        }
        if (stop.load()) {
            return kExitInterrupted;
        }
        std::this_thread::sleep_for(kFollowPause);
        const Result<void> seen = journal.refresh();
        failures = seen ? 0 : failures + 1;
        if (failures == kRefreshTries) {
            return tl::unexpected(seen.error());
        }
    }
}

Result<int> print_log(const LogRequest& options, Wiring& wiring) {
    Result<std::set<std::uint16_t>> tags = tags_of(options.types);
    if (!tags) {
        return tl::unexpected(tags.error());
    }
    if (options.from > options.to) {
        return fail(ErrorKind::usage, fmt::format("--from {} is behind --to {}", options.from, options.to));
    }
    const Result<std::unique_ptr<Journal>> log = open_journal(options.journal);
    if (!log) {
        return tl::unexpected(log.error());
    }
    Printer printer(options, std::move(*tags), wiring);
    if (const Result<void> begun = begin_late(**log, printer); !begun) {
        return tl::unexpected(begun.error());
    }
    if (options.follow) {
        return follow_log(**log, options, printer, wiring);
    }
    if (options.caused_by && *options.caused_by >= (*log)->next_seq()) {
        return fail(ErrorKind::usage, fmt::format("{} holds {} events, numbered from 0; there is no event {}",
                                                  options.journal, show_count((*log)->next_seq()), *options.caused_by));
    }
    if (const Result<void> printed = print_new(**log, options, printer); !printed) {
        return tl::unexpected(printed.error());
    }
    if (printer.filter().is_active() && !printer.filter().was_found()) {
        const std::vector<std::string_view> known(printer.filter().seen().begin(), printer.filter().seen().end());
        const std::string meant = did_you_mean(options.instrument, known);
        return fail(ErrorKind::usage,
                    fmt::format("{}: no instrument {} in this journal{}", options.journal, options.instrument,
                                meant.empty() ? "" : fmt::format("; did you mean {}?", meant)));
    }
    if (printer.printed() == 0 && options.from >= (*log)->next_seq()) {
        wiring.note(fmt::format("{} holds {} events, numbered from 0; nothing at {} or after", options.journal,
                                show_count((*log)->next_seq()), options.from));
    }
    return kExitOk;
}

// ---- evidence ----------------------------------------------------------------------------------------------------------

struct Piece {
    std::uint8_t number = 0;
    std::string bytes;
};

/// Why there is no evidence of an event.
std::string why_none(const Journal& journal, Seq seq, const Event& event) {
    const Seq forgotten = journal.info().forgotten_before;
    if (seq < forgotten) {
        return fmt::format("event {} has no evidence: that of all events before {} was forgotten", seq, forgotten);
    }
    return evidence_said(event).empty()
               ? fmt::format("event {}, {}, has no evidence: only what a broker outside said has some", seq,
                             type_name(event))
               : fmt::format("the evidence of event {} is not in this journal: it was lost, or stayed in the journal "
                             "that this one was forked from",
                             seq);
}

std::string piece_json(Seq seq, const Piece& piece, bool agrees) {
    JsonObject object;
    object.count("seq", seq)
        .count("number", piece.number)
        .text("evidence", evidence_of(piece.bytes))
        .flag("agrees", agrees)
        .count("bytes", piece.bytes.size())
        .text("text", piece.bytes);
    return object.done() + '\n';
}

/// Line by line, for a terminal obeys what stands between lines.
std::string piece_text(std::string_view bytes) {
    std::string text;
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        text += printable(bytes.substr(0, end)) + '\n';
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
    }
    return text;
}

Result<int> print_evidence(const LogRequest& options, Seq seq, Wiring& wiring) {
    if (options.chooses()) {
        return fail(ErrorKind::usage, "--evidence prints what one event has; leave the other options out");
    }
    const Result<std::unique_ptr<Journal>> journal = open_journal(options.journal);
    if (!journal) {
        return tl::unexpected(journal.error());
    }
    const Result<DecodedEvent> event = read_event(**journal, seq);
    if (!event) {
        return tl::unexpected(event.error());
    }
    std::vector<Piece> pieces;
    const Result<void> read = (*journal)->evidence_from(seq, [&](Seq of, std::uint8_t number, std::string_view bytes) {
        if (of == seq) {
            pieces.push_back({number, std::string(bytes)});
        }
        return of == seq;
    });
    if (!read) {
        return tl::unexpected(read.error());
    }
    if (pieces.empty()) {
        return fail(ErrorKind::usage, fmt::format("{}: {}", options.journal, why_none(**journal, seq, event->event)),
                    ErrorCode::not_found);
    }
    const std::string said = evidence_said(event->event);
    Result<void> agree;
    for (const Piece& piece : pieces) {
        const Result<void> agrees = check_evidence(said, piece.number, piece.bytes);
        agree = agree ? agrees : agree;
        if (wiring.json) {
            wiring.out.write(piece_json(seq, piece, agrees.has_value()));
            continue;
        }
        if (!wiring.quiet) {
            wiring.out.write(wiring.out_style.dim(
                                 fmt::format("event {} {} · piece {} · {} bytes · {}", seq, type_name(event->event),
                                             piece.number, show_count(piece.bytes.size()), evidence_of(piece.bytes))) +
                             '\n');
        }
        wiring.out.write(piece_text(piece.bytes));
    }
    if (!agree) {
        return fail(ErrorKind::data,
                    fmt::format("{}: this is not what event {} was decided by: {}", options.journal, seq,
                                agree.error().message),
                    ErrorCode::altered);
    }
    return kExitOk;
}

}  // namespace

void add_log(Commands& commands) {
    auto options = std::make_shared<LogRequest>();
    const Command command = commands.add(commands.program(), "log", "Print a journal's events, one a line",
                                         "Example:\n"
                                         "  alpha log runs/demo --type order_filled --instrument NSE:INFY --limit 20",
                                         [options](Wiring& wiring) {
                                             return read_isolated(wiring, "the journal " + options->journal, [&] {
                                                 return options->evidence
                                                            ? print_evidence(*options, *options->evidence, wiring)
                                                            : print_log(*options, wiring);
                                             });
                                         });
    journal_option(command, options->journal).required();
    commands.prints_times(command);
    command.option("--from", options->from, "First event, by number; default: 0");
    command.option("--to", options->to, "Last event, by number; default: the last there is");
    command.option("--type", options->types, "Only events of this type; repeat or separate by commas for several")
        .separated_by(',');
    command.option("--instrument", options->instrument, "Only events of this instrument and of its orders");
    command.option("--limit", options->limit, "At most so many events");
    command.option("--caused-by", options->caused_by, "Only this event, by number, and all that it led to");
    command.option("--evidence", options->evidence,
                   "The raw bytes behind what a broker outside said in this event, by number, and nothing else");
    command.flag("--follow", options->follow,
                 "Then print what is appended, until the journal has ended or Ctrl-C (exit code 130)");
}

}  // namespace alpha
