#pragma once
/// The time zone that times are shown in to a person. Programs (--json, files, the log itself) have UTC.

#include "events/time.hpp"

#include <string>
#include <string_view>

namespace date {
class time_zone;
}

namespace alpha {

/// UTC unless it was named.
class Zone {
public:
    Zone() = default;
    /// An IANA name (Asia/Kolkata), an offset (+05:30), or UTC. Refuses (kind usage) what is none, with what was probably meant.
    static Result<Zone> named(const std::string& name);

    /// Whether somebody asked for it.
    bool is_named() const { return is_named_; }
    /// "2024-01-01T09:15:00.390+05:30"; in UTC as to_iso has it.
    std::string show(Time t) const;
    /// "2024-01-01".
    std::string show_date(Time t) const;
    /// The time that somebody wrote: with its own offset ("2024-01-01T09:15+05:30"), or, where the zone was named, as its clocks show it
    /// ("2024-01-01 09:15:00.5"); of two such moments the first. Refuses (kind usage) anything else, naming the option.
    Result<Time> read(std::string_view option, const std::string& text) const;
    /// The text with each UTC time in it as show() has it.
    std::string show_all(std::string_view text) const;
    /// "Asia/Kolkata", "+05:30", "UTC".
    const std::string& name() const { return name_; }

private:
    std::int32_t offset_s_at(Time t) const;

    std::string name_ = "UTC";
    bool is_named_ = false;
    const date::time_zone* rules_ = nullptr;  // of the system's time zone database; null: the offset is fixed
    std::int32_t offset_s_ = 0;
};

}  // namespace alpha
