/// One cell of the determinism matrix: runs a scenario into a journal, reads it back, and writes down what every event is, what
/// the state is after it, and what the strategies and brokers hold. tests/matrix/run builds it in many ways, runs it under many
/// conditions and compares what it writes. docs/determinism.md says why.
///
///   determinism_probe SCENARIO --journal NEW [--ticks N] [--frame-events N] [--live yes] [--dump FILE] [--show SEQ] [--spoil SEQ]
///
/// --dump   24 bytes an event, thirds of 8: the event's own bytes; the state; strategies and brokers. Each the front of a SHA-256.
/// --show   a line a part, "name<TAB>value", of the event SEQ and of everything after it
/// --ticks  of synthetic data, no more than so many
/// --live   reads on a thread of its own and goes on with a journal commit by commit, as `alpha live` does
/// --spoil  a fault for the comparison to find: flips a bit of the folded state after the event SEQ
///
/// The state is saved and hashed whole after every event, but for closed orders, of which there may be thousands: those an event
/// touches are chained into the hash as they change, and all of them are hashed with the rest every kWholeEvents.

#include "events/text.hpp"
#include "kernel/snapshot.hpp"
#include "runtime/fold.hpp"
#include "runtime/reexecution.hpp"
#include "runtime/session.hpp"
#include "store/background_log.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <string>
#include <string_view>
#include <utility>

namespace alpha {
namespace {

/// How far apart the places are at which closed orders are hashed, too, that no event has touched.
constexpr Seq kWholeEvents = 16'384;

struct Request {
    std::string scenario;
    std::string journal;
    std::string dump;
    std::uint64_t ticks = 0;  // 0: as many as the scenario says
    std::uint32_t frame_events = RunOptions{}.frame_events;
    bool live = false;
    Seq show = kNoSeq;
    Seq spoil = kNoSeq;
};

std::string hex(Bytes bytes) {
    std::string text;
    text.reserve(2 * bytes.size());
    for (const std::uint8_t byte : bytes) {
        fmt::format_to(std::back_inserter(text), "{:02x}", byte);
    }
    return text;
}

/// The order an event is about, if it is about one.
OrderId order_of(const Event& event) {
    return std::visit(
        [](const auto& e) {
            if constexpr (requires { OrderId{e.order}; }) {
                return OrderId{e.order};
            } else {
                return OrderId{};
            }
        },
        event);
}

/// Folds a log and decides it again beside that, one event at a time.
class Witness {
public:
    explicit Witness(Seq spoil) : spoil_(spoil), reexecution_(made_, nullptr, make_built_in_components) {}

    /// Takes the next event. Refuses (kind data) one that cannot be decoded, or that is decided otherwise than it is logged.
    Result<void> take(const DecodedEvent& decoded, Bytes bytes) {
        apply(state_, decoded.envelope, decoded.event);
        if (decoded.envelope.seq == spoil_) {
            state_.markets.front().bid_qty.raw ^= 1;
        }
        if (const auto closed = state_.closed_orders.find(order_of(decoded.event));
            closed != state_.closed_orders.end()) {
            chain_closed(closed->second);
        }
        event_.begin(decoded.envelope.seq);
        event_.bytes.append(bytes);
        event_.events = 1;
        const Result<bool> same = reexecution_.feed(event_);
        if (!same) {
            return tl::unexpected(same.error());
        }
        return *same ? Result<void>{} : decided_otherwise();
    }
    /// After the last event.
    Result<void> end() { return reexecution_.end() ? Result<void>{} : decided_otherwise(); }

    const State& state() const { return state_; }

    Digest event_digest() const { return sha256(event_.bytes.view()); }
    Digest state_digest() {
        scratch_.clear();
        const bool whole = state_.next_seq % kWholeEvents == 0;
        std::map<OrderId, Order> closed;
        if (!whole) {
            closed.swap(state_.closed_orders);
        }
        append_canonical(state_, scratch_);
        if (!whole) {
            closed.swap(state_.closed_orders);
        }
        scratch_.append(closed_);
        const std::uint64_t span[] = {state_.closed_orders.size(), oldest_closed().value};
        for (std::uint64_t value : span) {
            for (unsigned i = 0; i < sizeof value; ++i, value >>= 8U) {
                *scratch_.extend(1) = static_cast<std::uint8_t>(value);
            }
        }
        return sha256(scratch_.view());
    }
    Digest parts_digest() {
        scratch_.clear();
        for (const auto& strategy : reexecution_.kernel()->parts().strategies) {
            strategy->save(scratch_);
        }
        for (const auto& broker : reexecution_.kernel()->parts().venues) {
            broker->save(scratch_);
        }
        return sha256(scratch_.view());
    }

    /// Everything by name, for people: a line a part.
    std::string shown(const DecodedEvent& event);

private:
    Result<void> decided_otherwise() const {
        const Disagreement& at = reexecution_.disagreement();
        const auto text = [&](const std::optional<DecodedEvent>& event) {
            return event ? to_text(event->envelope, event->event, at.names) : std::string("nothing");
        };
        return fail(ErrorKind::data,
                    fmt::format("event {} was not decided again as it is logged\nlogged  {}\ndecided {}", at.seq,
                                text(at.logged), text(at.decided)));
    }
    void chain_closed(const Order& order) {
        State alone;
        alone.closed_orders.emplace(order.id, order);
        scratch_.clear();
        scratch_.append(closed_);
        append_canonical(alone, scratch_);
        closed_ = sha256(scratch_.view());
    }
    OrderId oldest_closed() const { return state_.closings.empty() ? OrderId{} : state_.closings.front(); }
    /// The bytes of a state that holds one part only.
    static std::string digest_of(const State& alone) {
        ByteBuffer bytes;
        append_canonical(alone, bytes);
        return hex(Bytes(sha256(bytes.view())).first(8));
    }

    State state_;
    Seq spoil_;
    Digest closed_{};  // over closed orders as they changed
    ByteBuffer scratch_;
    Frame event_;
    Frame made_;
    Reexecution reexecution_;
};

std::string Witness::shown(const DecodedEvent& event) {
    const Names names = names_of(state_);
    std::string text;
    const auto line = [&](const std::string& name, const std::string& value) { text += name + '\t' + value + '\n'; };
    line("event", to_text(event.envelope, event.event, names));
    line("event bytes", hex(event_.bytes.view()));
    {
        State counted;
        counted.next_seq = state_.next_seq;
        counted.next_order = state_.next_order;
        counted.now = state_.now;
        counted.trading_date = state_.trading_date;
        counted.next_snapshot = state_.next_snapshot;
        counted.path = state_.path;
        counted.quotes = state_.quotes;
        counted.bars = state_.bars;
        counted.orders = state_.orders;
        counted.fills = state_.fills;
        line("state: counters", fmt::format("{} events, {} quotes, {} bars, {} orders, {} fills, now {}, digest {}",
                                            state_.next_seq, state_.quotes, state_.bars, state_.orders, state_.fills,
                                            to_iso(state_.now), digest_of(counted)));
    }
    State configured;
    configured.config = state_.config;
    configured.instruments = state_.instruments;
    line("state: configuration and instruments", digest_of(configured));
    for (std::size_t i = 0; i < state_.markets.size(); ++i) {
        const Market& market = state_.markets[i];
        State alone;
        alone.markets = {market};
        line("state: market of " + state_.instruments[i].name,
             fmt::format("mark {}, bid {} for {}, ask {} for {}, digest {}", to_string(market.mark),
                         to_string(market.bid), to_string(market.bid_qty), to_string(market.ask),
                         to_string(market.ask_qty), digest_of(alone)));
    }
    for (std::size_t p = 0; p < state_.portfolios.size(); ++p) {
        const Portfolio& portfolio = state_.portfolios[p];
        State alone;
        alone.portfolios = {portfolio};
        line("state: portfolio " + state_.config.portfolios[p].name,
             fmt::format("cash {}, realized {}, charges {}, {} fills, {} open orders, {}, digest {}",
                         to_string(portfolio.cash), to_string(portfolio.realized_pnl), to_string(portfolio.charges),
                         portfolio.fills, portfolio.open_orders,
                         portfolio.killed() ? name_of(portfolio.latch) : "trading", digest_of(alone)));
    }
    for (const auto& [id, order] : state_.open_orders) {
        State alone;
        alone.open_orders.emplace(id, order);
        line(fmt::format("state: open order {}", id.value),
             fmt::format("{}, {} of {} filled, limit {}, digest {}", name_of(order.status), to_string(order.filled),
                         to_string(order.terms.quantity), to_string(order.terms.limit_price), digest_of(alone)));
    }
    State closed;
    closed.closed_orders = state_.closed_orders;
    line("state: closed orders", fmt::format("{}, digest {}, as they changed {}", closed.closed_orders.size(),
                                             digest_of(closed), hex(Bytes(closed_).first(8))));
    State waiting;
    waiting.timers = state_.timers;
    waiting.strategies = state_.strategies;
    line("state: timers and halts", fmt::format("{} pending, digest {}", state_.timers.size(), digest_of(waiting)));
    const auto& strategies = reexecution_.kernel()->parts().strategies;
    for (std::size_t s = 0; s < strategies.size(); ++s) {
        ByteBuffer bytes;
        strategies[s]->save(bytes);
        line("strategy " + state_.config.strategies[s].name, hex(bytes.view()));
    }
    for (std::size_t b = 0; b < reexecution_.kernel()->parts().venues.size(); ++b) {
        ByteBuffer bytes;
        reexecution_.kernel()->parts().venues[b]->save(bytes);
        line("broker " + state_.config.brokers[b].name, hex(bytes.view()));
    }
    return text;
}

Result<RunResult> run_session(const Request& request) {
    Result<Scenario> scenario = load_scenario(request.scenario);
    if (!scenario) {
        return tl::unexpected(scenario.error());
    }
    for (DataSource& source : scenario->data) {
        if (source.synth && request.ticks != 0) {
            source.synth->ticks = std::min(source.synth->ticks, request.ticks);
        }
    }
    Result<std::unique_ptr<LogWriter>> journal =
        request.live ? continue_journal(request.journal) : create_journal(request.journal);
    if (!journal) {
        return tl::unexpected(journal.error());
    }
    const std::unique_ptr<BackgroundLog> log = make_background_log(std::move(*journal));
    RunOptions options;
    options.frame_events = request.frame_events;
    options.is_live = request.live;
    options.log = std::make_shared<spdlog::logger>("probe");
    return run_scenario(*scenario, *log, options);
}

/// Writes the dump, or shows one event, of the journal that the session left.
Result<void> look_at(const Journal& journal, const Request& request, Digest& final_state) {
    std::FILE* const dump = request.dump.empty() ? nullptr : std::fopen(request.dump.c_str(), "wb");
    if (dump == nullptr && !request.dump.empty()) {
        return fail(ErrorKind::usage, request.dump + ": cannot be written");
    }
    Witness witness(request.spoil);
    Result<void> outcome;
    const Result<void> scanned = scan_ahead(journal, 0, [&](const Frame& frame) {
        Bytes rest = frame.bytes.view();
        for (Seq seq = frame.first_seq; outcome && seq < frame.next_seq(); ++seq) {
            const Result<DecodedEvent> event = decode(rest, seq);
            if (!event) {
                outcome = tl::unexpected(event.error());
                break;
            }
            outcome = witness.take(*event, rest.first(event->bytes));
            rest = rest.subspan(event->bytes);
            if (outcome && dump != nullptr) {
                for (const Digest& each : {witness.event_digest(), witness.state_digest(), witness.parts_digest()}) {
                    std::fwrite(each.data(), 1, 8, dump);
                }
            }
            if (outcome && seq == request.show) {
                std::fputs(witness.shown(*event).c_str(), stdout);
            }
        }
        return outcome.has_value();
    });
    if (dump != nullptr && std::fclose(dump) != 0) {
        return fail(ErrorKind::usage, request.dump + ": could not be written");
    }
    if (outcome && !scanned) {
        outcome = scanned;
    }
    final_state = state_digest(witness.state());
    return outcome ? witness.end() : outcome;
}

Result<void> probe(const Request& request) {
    const Result<RunResult> result = run_session(request);
    if (!result) {
        return tl::unexpected(result.error());
    }
    const Result<std::unique_ptr<Journal>> journal = open_journal(request.journal);
    if (!journal) {
        return tl::unexpected(journal.error());
    }
    Digest final_state{};
    if (const Result<void> looked = look_at(**journal, request, final_state); !looked) {
        return looked;
    }
    if (request.show == kNoSeq) {
        fmt::print("events {}\nhead {}\nstate {}\nstored {}\n", result->events, result->log_head, result->state_digest,
                   to_hex((*journal)->head()));
    }
    const bool same = result->state_digest == to_hex(final_state) || request.spoil != kNoSeq;
    return same ? Result<void>{} : fail(ErrorKind::data, "the folded state is not the session's");
}

bool read_number(std::string_view text, auto& number) {
    return std::from_chars(text.data(), text.data() + text.size(), number).ptr == text.data() + text.size();
}

bool read_arguments(int argc, char** argv, Request& request) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (!name.starts_with("--")) {
            request.scenario = name;
            continue;
        }
        if (++i == argc) {
            return false;
        }
        const std::string_view value = argv[i];
        const bool known = name == "--journal"        ? (request.journal = value, true)
                           : name == "--dump"         ? (request.dump = value, true)
                           : name == "--ticks"        ? read_number(value, request.ticks)
                           : name == "--frame-events" ? read_number(value, request.frame_events)
                           : name == "--live"         ? (request.live = value == "yes", true)
                           : name == "--show"         ? read_number(value, request.show)
                           : name == "--spoil"        ? read_number(value, request.spoil)
                                                      : false;
        if (!known) {
            return false;
        }
    }
    return !request.scenario.empty() && !request.journal.empty() && request.frame_events != 0;
}

}  // namespace
}  // namespace alpha

int main(int argc, char** argv) {
    alpha::Request request;
    if (!alpha::read_arguments(argc, argv, request)) {
        std::fputs(
            "usage: determinism_probe SCENARIO --journal NEW [--ticks N] [--frame-events N] [--live yes] [--dump FILE] "
            "[--show SEQ] [--spoil SEQ]\n",
            stderr);
        return 2;
    }
    if (const alpha::Result<void> done = alpha::probe(request); !done) {
        std::fprintf(stderr, "determinism_probe: %s\n", done.error().message.c_str());
        return 1;
    }
    return 0;
}
