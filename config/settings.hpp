#pragma once
/// Settings of a configuration that are changed one by one, as `alpha fork --set` does.

#include "events/event.hpp"
#include "events/result.hpp"
#include "plugins/plugin.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// The configuration with some of its settings changed, judged as a scenario's are. Each setting is "key=value": a key of a
/// scenario with its sections before it (risk.max_position, strategies.ID.params.fast, broker.NAME.slippage or
/// brokers.NAME.paper.slippage, charges, charges.rate, snapshot_interval), and what a scenario would hold there; nothing
/// behind the '=' takes away what is set. `plugins` knows the strategies. An error (kind usage) holds one line a mistake,
/// beginning with `come_from` (an option's name, say) and the setting.
Result<RunConfigured> with_settings(const RunConfigured& config, const std::vector<std::string>& settings,
                                    const Plugins& plugins = {}, std::string_view come_from = {});

}  // namespace alpha
