#pragma once
/// Strategies from shared libraries: include/alpha/plugin.h is what they and alpha see of each other. The only place that loads
/// code.
///
/// A library's strategy is described in a catalog as a built-in one is, and runs as one. An error that one of its callbacks
/// returns is thrown, which halts the strategy (kernel/kernel.hpp); its name is known to plugins/crash.hpp while it runs.

#include "events/result.hpp"
#include "store/event_log.hpp"
#include "strategies/catalog.hpp"

#include <span>
#include <string>
#include <vector>

namespace alpha {

/// The strategies that a session can use: those alpha ships, and those of the libraries it is given.
class Plugins {
public:
    Plugins();

    /// Loads a library, which stays for as long as the process: its own code runs from here on. Refuses (kind usage) what is no
    /// library, holds no strategy or one that contradicts itself, was built for another version of the interface, or has a name
    /// that is taken.
    Result<void> load(const std::string& path);

    /// Sorted by name. Valid until the next load().
    std::span<const StrategySpec> catalog() const { return catalog_; }

    /// Which libraries there are, for a journal: "plugin/NAME" and the SHA-256 of its file.
    const Notes& notes() const { return notes_; }
    /// What a journal notes otherwise, in sentences: its events may be decided differently.
    std::vector<std::string> differences(const Notes& noted) const;

private:
    std::vector<StrategySpec> catalog_;
    Notes notes_;
};

}  // namespace alpha
