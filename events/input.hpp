#pragma once
/// Everything that reaches the kernel from outside while it runs: market data, a broker's reports, requests of the operator and of the
/// runtime. This is the one list of it. Each is handed over by Kernel::take; what it becomes in the log, input_of finds there again, so
/// that replay, resume and fork give the kernel what the session gave it.
///
/// Not in the list: event 0 and RunReconfigured, with which the kernel gets its strategies and brokers.
///
/// To add an input: its struct and its place in Input here, its line in input.cpp, and Kernel::on (kernel/kernel.hpp). Where one is
/// missing the build fails.

#include "events/event.hpp"
#include "events/venue.hpp"

#include <concepts>
#include <optional>
#include <string>
#include <variant>

namespace alpha {

/// A record of the market: one event of the same type.
using MarketInput = std::variant<QuoteTick, BarOpened, BarClosed>;

/// An instrument that is to be known from now on. It gets the next free id.
struct ListInstrument {
    Instrument definition;
    friend bool operator==(const ListInstrument&, const ListInstrument&) = default;
};

/// From a person: latches the portfolio's kill switch. Nothing happens where a person's reaches as far already, or one of wider scope
/// stands.
///   entries   cancels what may increase a position; what reduces one lives on, as reduce-only.
///   all       cancels every open order.
///   flatten   cancels every open order and sends a reduce-only market order of kOperator for each position; `all` follows once these
///             have ended. Also where `all` stands.
struct KillRequest {
    PortfolioId portfolio;
    LatchScope scope = LatchScope::all;
    friend bool operator==(const KillRequest&, const KillRequest&) = default;
};

/// From a person: lets the portfolio trade again. Nothing happens where it is not latched.
struct ReleaseRequest {
    PortfolioId portfolio;
    friend bool operator==(const ReleaseRequest&, const ReleaseRequest&) = default;
};

/// From a person: a halted strategy gets callbacks again, first those for what it has missed of its orders and timers. Nothing happens
/// where it is not halted.
struct ResumeRequest {
    StrategyId strategy;
    friend bool operator==(const ResumeRequest&, const ResumeRequest&) = default;
};

/// From whoever watches strategies from outside (one took too long, say): it gets no callback any more. Its open orders and timers stay
/// as they are, to be filled, cancelled or fired like any other. Nothing happens where it is halted.
struct HaltRequest {
    StrategyId strategy;
    std::string reason;
    friend bool operator==(const HaltRequest&, const HaltRequest&) = default;
};

using Input = std::variant<QuoteTick, BarOpened, BarClosed, ListInstrument, BrokerReport, KillRequest, ReleaseRequest,
                           ResumeRequest, HaltRequest>;

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

/// Whether it comes between two records of the market, before what falls due at the same instant: a request of a person or the runtime.
bool is_request(const Input& input);

}  // namespace alpha
