#include "runtime/parts.hpp"

#include "adapters/paper/paper_broker.hpp"
#include "kernel/snapshot.hpp"
#include "store/wire.hpp"
#include "strategies/catalog.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace alpha {

namespace {

constexpr std::uint16_t kCheckpointVersion = 2;

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
        (!session.empty() && session.size() != 2)) {
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

std::vector<Broker*> Parts::broker_pointers() const {
    std::vector<Broker*> pointers;
    pointers.reserve(brokers.size());
    for (const auto& broker : brokers) {
        pointers.push_back(broker.get());
    }
    return pointers;
}

Result<Parts> make_parts(const SessionConfigured& config) {
    Parts parts;
    for (const BrokerConfig& broker : config.brokers) {
        if (broker.kind != "paper") {
            return fail(ErrorKind::usage, fmt::format("there is no broker of kind '{}'; write paper", broker.kind));
        }
        const auto settings = paper_settings(broker.settings);
        if (!settings) {
            return tl::unexpected(settings.error());
        }
        parts.brokers.push_back(make_paper_broker(*settings));
    }
    for (const StrategyConfig& strategy : config.strategies) {
        const StrategySpec* spec = find_strategy(strategy.use);
        if (spec == nullptr) {
            return fail(ErrorKind::usage, fmt::format("there is no strategy named '{}'", strategy.use));
        }
        // The log may be of a version with another catalog, or forged: what `make` relies on is made sure of.
        std::vector<std::string> instruments;
        bool known =
            strategy.portfolio.value < config.portfolios.size() && strategy.broker.value < config.brokers.size();
        for (const InstrumentId id : strategy.instruments) {
            known = known && id.value < config.instruments.size();
            instruments.push_back(known ? config.instruments[id.value].name : "");
        }
        if (!known) {
            return fail(ErrorKind::data,
                        fmt::format("the strategy '{}' names an instrument, portfolio or broker that there is not",
                                    strategy.name));
        }
        const auto canonical = validate_params(*spec, strategy.params, instruments);
        if (!canonical || *canonical != strategy.params) {
            return fail(ErrorKind::usage,
                        fmt::format("the strategy '{}' cannot be made as {} with the parameters it has: {}",
                                    strategy.name, strategy.use,
                                    canonical ? "they are not in canonical form" : canonical.error()[0].message));
        }
        parts.strategies.push_back(spec->make(strategy));
    }
    return parts;
}

Digest state_digest(const State& state) {
    ByteBuffer bytes;
    save_state(state, bytes);
    return sha256(bytes.view());
}

void save_checkpoint(const State& state, const std::vector<std::unique_ptr<Strategy>>& strategies,
                     const std::vector<Broker*>& brokers, const std::optional<SessionBytes>& session, ByteBuffer& out) {
    put(out, kCheckpointVersion);
    put(out, std::uint32_t{1});
    put_part(out, [&] { save_state(state, out); });
    put(out, static_cast<std::uint32_t>(strategies.size()));
    for (const auto& strategy : strategies) {
        put_part(out, [&] { strategy->save(out); });
    }
    put(out, static_cast<std::uint32_t>(brokers.size()));
    for (const Broker* broker : brokers) {
        put_part(out, [&] { broker->save(out); });
    }
    put(out, std::uint32_t{session ? 2U : 0U});
    if (session) {
        put_part(out, [&] { out.append(session->projection); });
        put_part(out, [&] { out.append(session->feed_position); });
    }
}

Result<State> load_checkpoint(Bytes bytes) {
    const Result<Lists> lists = lists_of(bytes);
    return lists ? load_state(lists->state) : tl::make_unexpected(lists.error());
}

Result<State> load_checkpoint(Bytes bytes, Parts& parts) {
    const Result<Lists> lists = lists_of(bytes);
    if (!lists) {
        return tl::make_unexpected(lists.error());
    }
    Result<State> state = load_state(lists->state);
    Result<void> loaded = load_all(parts.strategies, lists->strategies);
    loaded = loaded ? load_all(parts.brokers, lists->brokers) : loaded;
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
    return SessionBytes{lists->session[0], lists->session[1]};
}

}  // namespace alpha
