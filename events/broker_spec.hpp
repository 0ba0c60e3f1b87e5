#pragma once
/// What a kind of broker says of itself, beside its adapter: what can be set, how it is made, and what it says of the data that it is
/// to fill orders from. The scenario reader validates and fills in defaults with it, the reference page documents, a session
/// builds, a fork replaces. config/brokers.hpp lists all kinds.

#include "events/event.hpp"
#include "events/key.hpp"
#include "events/result.hpp"
#include "events/venue.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// What a scenario's data hold.
struct DataHeld {
    bool quotes = false;  ///< or trades
    bool bars = false;
};

/// What is to be said of a setting that is good by itself.
struct SettingRemark {
    std::string_view key;
    std::string text;
    bool refuses = false;  ///< else it warns
};

struct BrokerSpec {
    std::string_view kind;  ///< BrokerConfig::kind, and its name in a scenario
    std::string_view help;
    std::string_view example;  ///< of its settings, as a scenario holds them
    std::span<const Key> keys;

    /// Settings in any order and spelling, as BrokerConfig holds them: sorted, all present, values in their shortest spelling. Refuses
    /// (kind usage) a key that does not exist or that is given twice, and a value that means nothing.
    Result<std::vector<Setting>> (*canonical)(const std::vector<Setting>& given);
    /// What is to be said of canonical settings where the data are such.
    std::vector<SettingRemark> (*remarks)(const std::vector<Setting>& settings, DataHeld data);
    /// Refuses as `canonical` does: settings may come from a log of another version, or a forged one.
    Result<std::unique_ptr<Venue>> (*make)(const std::vector<Setting>& settings);
    /// One under `settings` that holds everything that `held` does, which is of this kind and was made with `before`. Refuses
    /// settings under which a broker could not have come to hold that.
    Result<std::unique_ptr<Venue>> (*hold)(const std::vector<Setting>& settings, const std::vector<Setting>& before,
                                           const Venue& held);
};

}  // namespace alpha
