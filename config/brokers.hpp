#pragma once
/// The kinds of brokers that a scenario can name.

#include "events/broker_spec.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace alpha {

/// All of them. The first is what a scenario has that names none.
std::span<const BrokerSpec> broker_catalog();
/// Null when there is none of that kind.
const BrokerSpec* find_broker(std::string_view kind);
/// The same, with those that no scenario can name yet: a journal may hold them.
const BrokerSpec* find_any_broker(std::string_view kind);
std::vector<std::string_view> broker_kinds();

}  // namespace alpha
