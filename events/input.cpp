#include "events/input.hpp"

namespace alpha {

namespace {

using Found = std::optional<Input>;

Found find(const Envelope&, const QuoteTick& e) {
    return e;
}
Found find(const Envelope&, const BarOpened& e) {
    return e;
}
Found find(const Envelope&, const BarClosed& e) {
    return e;
}
Found find(const Envelope&, const InstrumentListed& e) {
    return ListInstrument{e.definition};
}
/// One that follows from something ends a flattening.
Found find(const Envelope& envelope, const KillSwitchLatched& e) {
    return e.rule == Rule::operator_kill && envelope.is_root() ? Found(KillRequest{e.portfolio, e.scope})
                                                               : std::nullopt;
}
/// One that follows from something ends with a trading day.
Found find(const Envelope& envelope, const KillSwitchReleased& e) {
    return envelope.is_root() ? Found(ReleaseRequest{e.portfolio}) : std::nullopt;
}
/// One that follows from something asked for too much in its step.
Found find(const Envelope& envelope, const StrategyHalted& e) {
    return envelope.is_root() ? Found(HaltRequest{e.strategy, e.reason}) : std::nullopt;
}
Found find(const Envelope&, const StrategyResumed& e) {
    return ResumeRequest{e.strategy};
}

/// What the kernel comes to by itself, and the two that bring it its parts. No type is left to a rule that takes all the others: of one
/// that is added, somebody has to say here which it is.
template <class E>
concept IsNoInput = is_alternative<
    E, std::variant<RunConfigured, RunReconfigured, TradingSessionOpened, TradingSessionClosed, TimerFired, PnlSnapshot,
                    PortfolioOpened, SignalRaised, OrderIntended, OrderRefused, CancelIntended, ModifyIntended,
                    ChangeRefused, TimerSet, TimerCancelled, OrderAccepted, OrderRejected, OrderTriggered, OrderFilled,
                    OrderCancelled, OrderExpired, OrderModified, ChangeRejected, ReportIgnored, OrderReleased>>;
template <IsNoInput E>
Found find(const Envelope&, const E&) {
    return std::nullopt;
}

template <class E>
concept IsRequest = is_alternative<E, std::variant<KillRequest, ReleaseRequest, ResumeRequest, HaltRequest>>;
template <class E>
concept IsNoRequest = MarketInputType<E> || is_alternative<E, std::variant<ListInstrument, BrokerReport>>;

}  // namespace

std::optional<Input> input_of(const Envelope& envelope, const Event& event) {
    return std::visit([&](const auto& e) { return find(envelope, e); }, event);
}

bool is_request(const Input& input) {
    return std::visit(
        []<class E>(const E&) {
            static_assert(IsRequest<E> != IsNoRequest<E>, "an input is a request or none: say which above");
            return IsRequest<E>;
        },
        input);
}

}  // namespace alpha
