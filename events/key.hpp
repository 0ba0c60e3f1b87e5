#pragma once
/// One key of a configuration as it describes itself: what is written there, its default, its bounds and what it means. Validation,
/// defaults, help and docs/reference-scenario.md come from these alone.

#include "events/fixed.hpp"

#include <cstdint>
#include <string_view>

namespace alpha {

/// What is written for a key.
enum class KeyForm : std::uint8_t {
    name,      ///< 1 to limits::kMaxNameBytes printable bytes
    choice,    ///< one of Key::choices
    decimal,   ///< exact, at most eight places
    count,     ///< whole
    duration,  ///< bounds in seconds
    flag,
    date,
    hours,
    currency,
    file,
    stream,
    files,  ///< paths
    names,
    text,      ///< as whoever it is for reads it
    interval,  ///< of bars, or "only"
    map,
    list,
    charges,  ///< none, a plan's name or file, or a map
    table,    ///< none, a table's name or file
    actions   ///< a file, or a list of files
};

/// The texts outlive it.
struct Key {
    std::string_view name;
    KeyForm form = KeyForm::name;
    /// What holds where the key is absent: a value as one would write it, kRequired, or, in
    /// parentheses, words for what the code makes of its absence.
    std::string_view fallback{};
    Decimal min{};  ///< bounds are inclusive, of a duration in seconds; only numbers and durations have them
    Decimal max{};
    std::string_view choices{};  ///< separated by '|'
    std::string_view help{};
};

inline constexpr std::string_view kRequired = "required";

}  // namespace alpha
