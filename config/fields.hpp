#pragma once
/// One map of a scenario, read key by key by its table (config/keys.hpp).

#include "config/findings.hpp"
#include "config/keys.hpp"
#include "config/yaml_tree.hpp"
#include "events/fixed.hpp"
#include "events/instrument.hpp"
#include "events/time.hpp"

#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alpha::config {

/// Whether it can be the name of something in a scenario: 1 to limits::kMaxNameBytes printable bytes, no spaces around them.
bool is_name(std::string_view text);

/// Trading hours as a scenario writes them: "nse", "utc" or "09:15-15:30+05:30". Refused (kind usage) with what is wrong, to go behind the
/// text.
Result<TradingHours> parse_hours(std::string_view text);

/// One map of the file. Complains about unknown keys when made, about the others when they are asked for; an empty answer means
/// absent or complained about.
class Fields {
public:
    /// `node` null: the map is not there, every key has its default.
    Fields(Findings& findings, const std::vector<Item>& nodes, const Section& section, std::string where,
           const Item* node);

    Place at() const { return at_; }
    bool has(std::string_view name) const { return entry(name) != nullptr; }
    /// The value as a node; null when absent.
    const Item* value(std::string_view name) const;
    /// Of the value if there is one, else of the map.
    Place place(std::string_view name) const;
    std::string path(std::string_view name) const;
    /// As value; a required one that is absent is complained about.
    const Item* child(std::string_view name);
    template <class... Args>
    void error(std::string_view name, fmt::format_string<Args...> what, Args&&... args) {
        findings_->error(place(name), "{}: {}", path(name), fmt::format(what, std::forward<Args>(args)...));
    }
    template <class... Args>
    void warn(std::string_view name, fmt::format_string<Args...> what, Args&&... args) {
        findings_->warn(place(name), "{}: {}", path(name), fmt::format(what, std::forward<Args>(args)...));
    }
    void complain_missing(std::string_view name);

    std::optional<std::string> name(std::string_view name);
    std::optional<std::string> file(std::string_view name);
    std::optional<std::string> choice(std::string_view name);
    /// As it is written, for whoever knows what it means.
    std::optional<std::string> text(std::string_view name) { return written(name); }
    std::optional<Decimal> decimal(std::string_view name);
    std::optional<Money> money(std::string_view name);
    std::optional<Price> price(std::string_view name);
    std::optional<std::uint64_t> count(std::string_view name);
    std::optional<Duration> duration(std::string_view name);
    std::optional<bool> flag(std::string_view name);
    std::optional<Date> date(std::string_view name);
    std::optional<TradingHours> hours(std::string_view name);
    std::optional<std::string> currency(std::string_view name);
    /// The value of a key that describes itself, by its form: one of those above, in its shortest spelling.
    std::optional<std::string> setting(const Key& key);

    struct NameAt {
        std::string name;
        Place at;
    };
    /// A list of at least one name, none twice; only the good ones.
    std::vector<NameAt> names(std::string_view name);

    /// A list of paths; only the good ones.
    std::vector<NameAt> files(std::string_view name);

private:
    const Key& key(std::string_view name) const;
    const Item::Entry* entry(std::string_view name) const;
    /// The text of a value, or of its default; empty when it has neither.
    std::optional<std::string> written(std::string_view name);
    void wrong(std::string_view name, std::string_view text, std::string_view why);

    Findings* findings_;
    const std::vector<Item>* nodes_;
    const Section* section_;
    std::string where_;
    const Item* node_ = nullptr;
    Place at_;
    bool present_ = false;
    std::vector<std::string> misspelt_;  ///< known keys that unknown ones were probably meant to be
};

}  // namespace alpha::config
