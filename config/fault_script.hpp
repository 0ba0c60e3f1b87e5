#pragma once
/// What goes wrong at a simulated Kite, as a person writes it: a YAML list of entries with `when` and `do`. What each key means:
/// docs/reference-fault-script.md.

#include "adapters/zerodha/kite_exchange.hpp"
#include "events/result.hpp"
#include "events/time.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace alpha {

/// Durations and counts of faults add up: so few of them stay in range.
inline constexpr std::size_t kMaxFaults = 1'000;

/// The faults in the order of the file. Times of day are India's on `day`, which is one that parse_date reads. Refused (kind usage) with all
/// that is wrong, a line each: "path:line:column: what is wrong; what to write instead".
Result<std::vector<kite::Fault>> read_fault_script(std::string_view text, const std::string& path, Date day);

/// The keys of `when` and of `do`, a table in Markdown each, as the reference page has them.
std::vector<std::string> fault_script_tables();

}  // namespace alpha
