#pragma once
/// Everything that reaches the kernel from outside while it runs: market data, a broker's reports, requests of the operator and of the
/// runtime. This is the one list of it. Each is handed over by Kernel::take; what it becomes in the log, input_of finds there again, so
/// that replay, resume and fork give the kernel what the session gave it.
///
/// Not in the list: event 0 and RunReconfigured, with which the kernel gets its strategies and brokers.
///
/// To add an input: its struct and its place in a list here, and Kernel::on in kernel/kernel.cpp. One that is no event itself says of which
/// event it is found again: `Record`, and `of`. Where any of it is missing the build fails.

#include "events/event.hpp"
#include "events/venue.hpp"

#include <concepts>
#include <optional>
#include <string>
#include <variant>

namespace alpha {

/// An instrument that is to be known from now on. It gets the next free id.
struct ListInstrument {
    using Record = InstrumentListed;
    Instrument definition;
    static std::optional<ListInstrument> of(const Envelope&, const Record& e) { return ListInstrument{e.definition}; }
    friend bool operator==(const ListInstrument&, const ListInstrument&) = default;
};

/// From a person: latches the portfolio's kill switch. Nothing happens where a person's reaches as far already, or one of wider scope
/// stands.
///   entries   cancels what may increase a position; what reduces one lives on, as reduce-only.
///   all       cancels every open order.
///   flatten   cancels every open order and sends a reduce-only market order of kOperator for each position; `all` follows once these
///             have ended. Also where `all` stands.
struct KillRequest {
    using Record = KillSwitchLatched;
    PortfolioId portfolio;
    LatchScope scope = LatchScope::all;
    /// One that follows from something ends a flattening.
    static std::optional<KillRequest> of(const Envelope& envelope, const Record& e) {
        return e.rule == Rule::operator_kill && envelope.is_root() ? std::optional(KillRequest{e.portfolio, e.scope})
                                                                   : std::nullopt;
    }
    friend bool operator==(const KillRequest&, const KillRequest&) = default;
};

/// From a person: lets the portfolio trade again. Nothing happens where it is not latched.
struct ReleaseRequest {
    using Record = KillSwitchReleased;
    PortfolioId portfolio;
    /// One that follows from something ends with a trading day.
    static std::optional<ReleaseRequest> of(const Envelope& envelope, const Record& e) {
        return envelope.is_root() ? std::optional(ReleaseRequest{e.portfolio}) : std::nullopt;
    }
    friend bool operator==(const ReleaseRequest&, const ReleaseRequest&) = default;
};

/// From a person: a halted strategy gets callbacks again, first those for what it has missed of its orders and timers. Nothing happens
/// where it is not halted.
struct ResumeRequest {
    using Record = StrategyResumed;
    StrategyId strategy;
    static std::optional<ResumeRequest> of(const Envelope&, const Record& e) { return ResumeRequest{e.strategy}; }
    friend bool operator==(const ResumeRequest&, const ResumeRequest&) = default;
};

/// From whoever watches strategies from outside (one took too long, say): it gets no callback any more. Its open orders and timers stay
/// as they are, to be filled, cancelled or fired like any other. Nothing happens where it is halted.
struct HaltRequest {
    using Record = StrategyHalted;
    StrategyId strategy;
    std::string reason;
    /// One that follows from something asked for too much in its step.
    static std::optional<HaltRequest> of(const Envelope& envelope, const Record& e) {
        return envelope.is_root() ? std::optional(HaltRequest{e.strategy, e.reason}) : std::nullopt;
    }
    friend bool operator==(const HaltRequest&, const HaltRequest&) = default;
};

// clang-format off
/// Records of the market: each an event of the same type.
#define ALPHA_MARKET_INPUTS(X) X(QuoteTick) X(TradeTick) X(BarOpened) X(BarClosed)
/// What a broker outside says, what becomes of messages to it, and what a person says about it; each an event of the same type. It comes between
/// two records of the market, as a request does.
#define ALPHA_WORDS(X)                                                                                                \
    X(BrokerRulesSet) X(BrokerSessionChanged) X(SendStarted) X(SendEnded) X(BrokerOrderSeen) X(BrokerTradeSeen)       \
    X(BookRead) X(OrderResolved) X(AccountRead) X(FundsRead) X(OutsideAssigned) X(InstrumentThawed) X(FeedChanged)
/// What a person or the runtime asks for: it comes between two records of the market, before what falls due at the same instant.
#define ALPHA_REQUESTS(X) X(KillRequest) X(ReleaseRequest) X(ResumeRequest) X(HaltRequest)
#define ALPHA_INPUTS(X)                                                                                               \
    ALPHA_MARKET_INPUTS(X) X(ListInstrument) X(MarketRulesSet) X(ProductRulesSet) X(MarginRulesSet) \
    X(InstrumentChanged) X(CorporateAction) X(SettlementPrice) X(BrokerReport) ALPHA_WORDS(X) ALPHA_REQUESTS(X)
// clang-format on

#define ALPHA_AND(T) , T
using MarketInput = VariantOf<void ALPHA_MARKET_INPUTS(ALPHA_AND)>;
using RequestInput = VariantOf<void ALPHA_REQUESTS(ALPHA_AND)>;
using WordInput = VariantOf<void ALPHA_WORDS(ALPHA_AND)>;
using Input = VariantOf<void ALPHA_INPUTS(ALPHA_AND)>;
#undef ALPHA_AND

template <class T, class Variant>
inline constexpr bool is_alternative = false;
template <class T, class... Ts>
inline constexpr bool is_alternative<T, std::variant<Ts...>> = (std::same_as<T, Ts> || ...);

template <class T>
concept MarketInputType = is_alternative<T, MarketInput>;
template <class T>
concept InputType = is_alternative<T, Input>;

/// The input that the event is the record of; nothing where the kernel came to the event by itself.
std::optional<Input> input_of(const Envelope& envelope, const Event& event);

/// Whether it comes between two records of the market: before what falls due at the same instant, and not by what falls due before it.
bool is_between_records(const Input& input);

}  // namespace alpha
