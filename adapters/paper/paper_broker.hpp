#pragma once
/// The paper broker: a pure fold of market inputs and effects into reports. No clock, no randomness, one state that can be
/// saved and loaded between any two calls.

#include "events/broker.hpp"

#include <memory>

namespace alpha {

/// How market orders find their price. docs/reference.md describes each for traders.
enum class FillModel : std::uint8_t {
    touch = 1,     ///< at once at the bid or ask
    next_open = 2  ///< at the instrument's next BarOpened
};

struct PaperSettings {
    FillModel fill = FillModel::touch;
    Price slippage;        ///< added against us to every market and stop fill
    Duration latency;      ///< event time from a wish to its arrival at the market
    bool use_size = false; ///< fill at most the displayed quantity per quote; the rest waits for the next one
};

/// To and from the canonical settings of BrokerConfig ("fill", "latency", "slippage", "use_size"; sorted, all present).
std::vector<Setting> to_settings(const PaperSettings& settings);
Result<PaperSettings> paper_settings(const std::vector<Setting>& settings);

std::unique_ptr<Broker> make_paper_broker(const PaperSettings& settings);

}  // namespace alpha
