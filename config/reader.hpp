#pragma once
/// What the keys of a scenario mean together, read from its tree.

#include "config/findings.hpp"
#include "config/scenario.hpp"
#include "config/yaml_tree.hpp"

#include <string>
#include <vector>

namespace alpha::config {

/// The scenario in the tree, whose root is a map; complete if `findings` has no errors then. `path` is its file.
Scenario read_scenario(const std::vector<Item>& nodes, const std::string& path, Findings& findings);

/// The configuration with what may change read anew: from a tree that holds a scenario's risk, charges, leverage, snapshot_interval,
/// brokers and, in a map by id, the strategies' parameters.
RunConfigured reread(const RunConfigured& present, const std::vector<Item>& nodes, const Plugins& plugins,
                     Findings& findings);

}  // namespace alpha::config
