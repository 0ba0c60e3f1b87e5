#include "runtime/components.hpp"

#include "config/brokers.hpp"
#include "config/suggest.hpp"
#include "events/assert.hpp"
#include "kernel/kernel.hpp"
#include "kernel/snapshot.hpp"
#include "store/wire.hpp"
#include "views/projection.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace alpha {

namespace {

constexpr std::uint16_t kCheckpointVersion = 4;
/// Of a checkpoint: configuration, markets, positions, open orders, parts.
constexpr std::size_t kRoomForTheRest = std::size_t{64} * 1024;

/// Of a session: what SessionComponents holds.
constexpr std::uint32_t kSessionParts = 3;

/// One part's bytes behind their length, which is known only afterwards.
template <class Save>
void put_part(ByteBuffer& out, Save save) {
    const std::size_t at = out.size();
    put(out, std::uint32_t{0});
    save();
    store(out.data() + at, static_cast<std::uint32_t>(out.size() - at - sizeof(std::uint32_t)));
}

tl::unexpected<Error> damaged() {
    return fail(ErrorKind::data, "the snapshot is damaged or of another version");
}

std::vector<Bytes> take_list(WireReader& rest) {
    std::vector<Bytes> parts;
    for (auto left = rest.get<std::uint32_t>(); left > 0 && rest.ok(); --left) {
        parts.push_back(rest.take(rest.get<std::uint32_t>()));
    }
    return parts;
}

struct Lists {
    Bytes state;
    std::vector<Bytes> strategies;
    std::vector<Bytes> brokers;
    std::vector<Bytes> session;
};

Result<Lists> lists_of(Bytes bytes) {
    WireReader rest(bytes);
    const auto version = rest.get<std::uint16_t>();
    const std::vector<Bytes> state = take_list(rest);
    const std::vector<Bytes> strategies = take_list(rest);
    const std::vector<Bytes> brokers = take_list(rest);
    const std::vector<Bytes> session = take_list(rest);
    if (!rest.ok() || rest.left() != 0 || version != kCheckpointVersion || state.size() != 1 ||
        (!session.empty() && session.size() != kSessionParts)) {
        return damaged();
    }
    return Lists{state[0], strategies, brokers, session};
}

template <class Each>
Result<void> load_all(const std::vector<std::unique_ptr<Each>>& parts, const std::vector<Bytes>& saved) {
    if (parts.size() != saved.size()) {
        return damaged();
    }
    ByteBuffer again;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (Result<void> ok = parts[i]->load(saved[i]); !ok) {
            return ok;
        }
        again.clear();
        parts[i]->save(again);
        if (!std::ranges::equal(again.view(), saved[i])) {
            return fail(ErrorKind::data, "the snapshot does not restore what was saved in it");
        }
    }
    return {};
}

}  // namespace

std::vector<Venue*> Components::venue_pointers() const {
    std::vector<Venue*> pointers;
    pointers.reserve(venues.size());
    for (const auto& venue : venues) {
        pointers.push_back(venue.get());
    }
    return pointers;
}

Result<Components> make_components(const RunConfigured& config, std::span<const StrategySpec> catalog) {
    Components parts;
    for (const BrokerConfig& broker : config.brokers) {
        const BrokerSpec* spec = find_any_broker(broker.kind);
        if (spec == nullptr) {
            return fail(ErrorKind::usage, fmt::format("there is no broker of kind '{}'; write {}", broker.kind,
                                                      config::one_of(broker_kinds())));
        }
        Result<std::unique_ptr<Venue>> made = spec->make(broker.settings);
        if (!made) {
            return tl::unexpected(made.error());
        }
        parts.venues.push_back(std::move(*made));
    }
    for (const StrategyConfig& strategy : config.strategies) {
        const StrategySpec* spec = find_strategy(strategy.use, catalog);
        if (spec == nullptr) {
            return fail(ErrorKind::usage, fmt::format("there is no strategy named '{}'", strategy.use));
        }
        // The log may be of a version with another catalog, or forged: what `make` relies on is made sure of.
        const bool known =
            strategy.portfolio.value < config.portfolios.size() && strategy.broker.value < config.brokers.size() &&
            std::ranges::all_of(
                strategy.instruments, [&](InstrumentId id) { return id.value < config.instruments.size(); });
        if (!known) {
            return fail(ErrorKind::data,
                        fmt::format("the strategy '{}' names an instrument, portfolio or broker that does not exist",
                                    strategy.name));
        }
        const auto canonical = validate_params(*spec, strategy, config.instruments);
        if (!canonical || *canonical != strategy.params) {
            return fail(ErrorKind::usage,
                        fmt::format("the strategy '{}' cannot be made as {} with the parameters it has: {}",
                                    strategy.name, strategy.use,
                                    canonical ? "they are not in canonical form" : canonical.error()[0].message));
        }
        parts.strategies.push_back(spec->make(strategy, config.instruments));
    }
    return parts;
}

Result<void> check_reconfiguration(const RunConfigured& present, const RunConfigured& next) {
    const auto refuse = [](std::string what) -> Result<void> {
        return fail(ErrorKind::usage, fmt::format("{} cannot change within a session", what));
    };
    if (next.name != present.name || next.currency != present.currency) {
        return refuse("its name and currency");
    }
    if (next.instruments != present.instruments || next.default_instrument != present.default_instrument) {
        return refuse("its instruments");
    }
    if (next.portfolios != present.portfolios) {
        return refuse("its portfolios");
    }
    const bool same_brokers =
        std::ranges::equal(next.brokers, present.brokers, [](const BrokerConfig& a, const BrokerConfig& b) {
            return a.name == b.name && a.kind == b.kind;
        });
    if (!same_brokers) {
        return refuse("which brokers it has");
    }
    const bool same_strategies =
        std::ranges::equal(next.strategies, present.strategies, [](const StrategyConfig& a, StrategyConfig b) {
            b.params = a.params;
            return a == b;
        });
    return same_strategies ? Result<void>{} : refuse("which strategies it has, and all but their parameters,");
}

Result<void> reconfigure(Kernel& kernel, std::vector<std::unique_ptr<Venue>>& venues, const RunConfigured& config,
                         const ComponentsMaker& make) {
    const RunConfigured& present = kernel.state().config;
    if (Result<void> allowed = check_reconfiguration(present, config); !allowed) {
        return allowed;
    }
    Result<Components> parts = make(config);
    if (!parts) {
        return tl::unexpected(parts.error());
    }
    for (std::size_t b = 0; b < venues.size(); ++b) {
        if (config.brokers[b] == present.brokers[b]) {
            parts->venues[b] = nullptr;
            continue;
        }
        const BrokerSpec* spec = find_any_broker(config.brokers[b].kind);
        ALPHA_ASSERT(spec != nullptr, "a broker was made of a kind that does not exist");
        Result<std::unique_ptr<Venue>> broker =
            spec->hold(config.brokers[b].settings, present.brokers[b].settings, *venues[b]);
        if (!broker) {
            return fail(ErrorKind::usage,
                        fmt::format("the broker '{}' cannot go on with these settings at event {}, where it holds what "
                                    "they allow no broker to hold: {}; choose a place where no order waits there",
                                    config.brokers[b].name, kernel.state().next_seq, broker.error().message));
        }
        parts->venues[b] = std::move(*broker);
    }
    for (std::size_t s = 0; s < parts->strategies.size(); ++s) {
        if (config.strategies[s] == present.strategies[s]) {
            parts->strategies[s] = nullptr;
        }
    }
    std::vector<Venue*> pointers;
    pointers.reserve(venues.size());
    for (std::size_t b = 0; b < venues.size(); ++b) {
        pointers.push_back(parts->venues[b] != nullptr ? parts->venues[b].get() : venues[b].get());
    }
    kernel.reconfigure(config, std::move(parts->strategies), std::move(pointers));
    for (std::size_t b = 0; b < venues.size(); ++b) {
        if (parts->venues[b] != nullptr) {
            venues[b] = std::move(parts->venues[b]);
        }
    }
    return {};
}

Result<Components> make_built_in_components(const RunConfigured& config) {
    return make_components(config);
}

Digest state_digest(const State& state) {
    ByteBuffer bytes;
    append_canonical(state, bytes);
    return sha256(bytes.view());
}

void save_checkpoint(const State& state, const std::vector<std::unique_ptr<Strategy>>& strategies,
                     const std::vector<Venue*>& venues, const std::optional<SessionComponents>& session,
                     ByteBuffer& out) {
    if (session) {  // the rest is small; making room twice would copy all of it
        out.reserve(out.size() + session->projection.closed_orders().bytes() + session->projection.saved_bytes() +
                    kRoomForTheRest);
    }
    put(out, kCheckpointVersion);
    put(out, std::uint32_t{1});
    put_part(out,
             [&] { session ? save_state(state, session->projection.closed_orders(), out) : save_state(state, out); });
    put(out, static_cast<std::uint32_t>(strategies.size()));
    for (const auto& strategy : strategies) {
        put_part(out, [&] { strategy->save(out); });
    }
    put(out, static_cast<std::uint32_t>(venues.size()));
    for (const Venue* venue : venues) {
        put_part(out, [&] { venue->save(out); });
    }
    put(out, session ? kSessionParts : 0U);
    if (session) {
        put_part(out, [&] { session->projection.save(out); });
        put_part(out, [&] { out.append(session->feed_position); });
        put_part(out, [&] { out.append(session->summary); });
    }
}

Result<State> load_checkpoint(Bytes bytes) {
    const Result<Lists> lists = lists_of(bytes);
    return lists ? load_state(lists->state) : tl::make_unexpected(lists.error());
}

Result<State> load_checkpoint(Bytes bytes, Components& parts) {
    const Result<Lists> lists = lists_of(bytes);
    if (!lists) {
        return tl::make_unexpected(lists.error());
    }
    Result<State> state = load_state(lists->state);
    Result<void> loaded = load_all(parts.strategies, lists->strategies);
    loaded = loaded ? load_all(parts.venues, lists->brokers) : loaded;
    return loaded ? std::move(state) : tl::make_unexpected(loaded.error());
}

Result<SessionBytes> session_bytes(Bytes bytes) {
    const Result<Lists> lists = lists_of(bytes);
    if (!lists) {
        return tl::make_unexpected(lists.error());
    }
    if (lists->session.empty()) {
        return fail(ErrorKind::data, "no session goes on from this snapshot");
    }
    return SessionBytes{lists->session[0], lists->session[1], lists->session[2]};
}

}  // namespace alpha
