#include "config/settings.hpp"

#include "config/keys.hpp"
#include "config/reader.hpp"
#include "events/text.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <utility>

namespace alpha {

namespace config {

namespace {

constexpr std::string_view kChangeable =
    "risk, risk.KEY, charges, charges.KEY, snapshot_interval, strategies.ID.params.KEY and broker.NAME.KEY";

/// What may change of a configuration, as a scenario would hold it, but with the strategies' entries in a map by id. What
/// a setting puts there stands on the line of its number, counted from 1.
class SettingsTree {
public:
    explicit SettingsTree(const RunConfigured& config) : config_(config) {
        add(Item::Kind::map, {});
        for (const BrokerConfig& broker : config.brokers) {
            put_settings({"brokers", broker.name, broker.kind}, broker.settings);
        }
        put({"strategies"}, add(Item::Kind::map, {}));
        for (const StrategyConfig& strategy : config.strategies) {
            put_settings({"strategies", strategy.name, "params"}, strategy.params);
        }
        put_text({"charges", "per_fill"}, to_string(config.charges.per_fill));
        put_text({"charges", "rate"}, to_string(config.charges.rate));
        put({"risk"}, add(Item::Kind::map, {}));
        put_text({"account", "leverage"}, "none");
        for (const RiskLimit& limit : config.risk) {
            put_limit(limit);
        }
        put_text({"risk", "max_daily_loss_latch"},
                 config.daily_loss_latch_ends == LatchEnd::released ? "until_released" : "trading_day");
        put_text({"snapshot_interval"},
                 config.snapshot_interval.ns == 0 ? "none" : to_string(config.snapshot_interval));
    }
    const std::vector<Item>& nodes() const { return nodes_; }

    /// Puts "key=value" in place; what is wrong with it otherwise.
    std::string change(std::string_view setting, Place at) {
        const std::size_t equals = setting.find('=');
        if (equals == std::string_view::npos) {
            return "is no setting; write key=value";
        }
        std::vector<std::string> path;
        if (std::string wrong = find_path(setting.substr(0, equals), path); !wrong.empty()) {
            return wrong;
        }
        Findings findings;
        std::vector<Item> value = parse_yaml(setting.substr(equals + 1), findings);
        if (!findings.errors.empty()) {
            return "the value cannot be read: " + findings.errors.front().text;
        }
        at_ = at;
        if (value.empty() || value.front().kind == Item::Kind::nothing) {
            // A whole section goes back to its defaults.
            if (path.size() == 3) {
                put(path, add(Item::Kind::map, {}));
            } else {
                take(path);
            }
            return {};
        }
        const auto first = static_cast<std::uint32_t>(nodes_.size());
        for (Item& item : value) {
            item.at = at;
            for (Item::Entry& entry : item.entries) {
                entry.at = at;
                entry.value += first;
            }
            nodes_.push_back(std::move(item));
        }
        put(path, first);
        return {};
    }

private:
    using Path = std::vector<std::string>;

    std::uint32_t add(Item::Kind kind, std::string text) {
        nodes_.push_back({kind, at_, std::move(text), {}});
        return static_cast<std::uint32_t>(nodes_.size() - 1);
    }
    /// The map at `path` without its last part; made where there is none.
    std::uint32_t map_above(const Path& path) {
        std::uint32_t map = 0;
        for (std::size_t i = 0; i + 1 < path.size(); ++i) {
            const auto& entries = nodes_[map].entries;
            const auto found = std::ranges::find(entries, path[i], &Item::Entry::key);
            if (found != entries.end() && nodes_[found->value].kind == Item::Kind::map) {
                map = found->value;
                continue;
            }
            const std::uint32_t made = add(Item::Kind::map, {});
            set(map, path[i], made);
            map = made;
        }
        return map;
    }
    void set(std::uint32_t map, const std::string& key, std::uint32_t value) {
        auto& entries = nodes_[map].entries;
        const auto found = std::ranges::find(entries, key, &Item::Entry::key);
        if (found != entries.end()) {
            found->at = at_;
            found->value = value;
        } else {
            entries.push_back({key, at_, value});
        }
    }
    void put(const Path& path, std::uint32_t value) { set(map_above(path), path.back(), value); }
    void take(const Path& path) {
        std::erase_if(nodes_[map_above(path)].entries,
                      [&](const Item::Entry& entry) { return entry.key == path.back(); });
    }
    void put_text(const Path& path, std::string text) { put(path, add(Item::Kind::text, std::move(text))); }
    void put_settings(Path section, const std::vector<Setting>& settings) {
        put(section, add(Item::Kind::map, {}));
        section.emplace_back();
        for (const Setting& setting : settings) {
            section.back() = setting.key;
            put_text(section, setting.value);
        }
    }
    void put_limit(const RiskLimit& limit) {
        for (const LimitKey& each : limit_keys()) {
            if (each.rule == limit.rule) {
                put_text({"risk", std::string(each.key)}, to_string(limit.limit));
            }
        }
        if (limit.rule == Rule::buying_power) {
            put_text({"account", "leverage"}, to_string(limit.limit));
        } else if (limit.rule == Rule::shorting) {
            put_text({"risk", "allow_short"}, "false");
        } else if (limit.rule == Rule::session_hours) {
            put_text({"risk", "session_hours"}, "true");
        } else if (limit.rule == Rule::stale_data) {
            const Duration age{static_cast<std::int64_t>(limit.limit.raw * (kSecondNs / kScale))};
            put_text({"risk", "max_data_age"}, to_string(age));
        } else if (limit.rule == Rule::allowed_instruments) {
            const std::uint32_t list = add(Item::Kind::list, {});
            for (const InstrumentId id : config_.allowed_instruments) {
                const std::uint32_t name = add(Item::Kind::text, config_.instruments[id.value].name);
                nodes_[list].entries.push_back({"", at_, name});
            }
            put({"risk", "allowed_instruments"}, list);
        }
    }

    /// Where a key stands in the tree; what is wrong with it otherwise.
    std::string find_path(std::string_view key, Path& path) const {
        const std::size_t dot = std::min(key.find('.'), key.size());
        const std::string_view top = key.substr(0, dot);
        const std::string_view rest = key.substr(std::min(dot + 1, key.size()));
        if (top == "risk" || top == "charges" || (top == "snapshot_interval" && rest.empty())) {
            path = {std::string(top)};
            if (dot != key.size()) {
                path.emplace_back(rest);
            }
            return {};
        }
        if (key == "account.leverage") {
            path = {"account", "leverage"};
            return {};
        }
        if (top == "strategies") {
            return find_named(
                rest, config_.strategies, top, [](const StrategyConfig&) { return std::string("params"); }, true, path);
        }
        const auto kind = [](const BrokerConfig& broker) { return broker.kind; };
        if (top == "broker") {
            return find_named(rest, config_.brokers, top, kind, false, path);
        }
        if (top == "brokers") {
            return find_named(rest, config_.brokers, top, kind, true, path);
        }
        std::vector<std::string_view> known{"risk", "charges", "strategies", "broker", "brokers", "snapshot_interval"};
        const bool is_fixed = std::ranges::find(kRoot.keys, top, &Key::name) != kRoot.keys.end();
        const std::string meant = is_fixed ? "" : did_you_mean(top, known);
        return meant.empty()
                   ? fmt::format("{} cannot change within a session; what can: {}", in_quotes(top), kChangeable)
                   : fmt::format("unknown key {}; did you mean '{}'?", in_quotes(top), meant);
    }
    /// NAME.SECTION and NAME.SECTION.KEY, or where the section is not written NAME and NAME.KEY; names may hold dots.
    template <class Config, class SectionOf>
    static std::string find_named(std::string_view rest, const std::vector<Config>& all, std::string_view top,
                                  SectionOf section_of, bool is_written, Path& path) {
        const std::string place = top == "strategies" ? "strategies" : "brokers";
        const Config* named = nullptr;
        std::vector<std::string_view> known;
        for (const Config& each : all) {
            known.push_back(each.name);
            const bool begins = rest == each.name || (rest.starts_with(each.name) && rest[each.name.size()] == '.');
            if (begins && (named == nullptr || each.name.size() > named->name.size())) {
                named = &each;
            }
        }
        if (named == nullptr) {
            const std::string_view word = rest.substr(0, rest.find('.'));
            return fmt::format("there is no {} {}; {}", top == "strategies" ? "strategy" : "broker", in_quotes(word),
                               suggestion(word, known));
        }
        rest.remove_prefix(std::min(named->name.size() + 1, rest.size()));
        const std::string section = section_of(*named);
        if (is_written) {
            const bool in_section = rest == section || (rest.starts_with(section) && rest[section.size()] == '.');
            if (!in_section) {
                return fmt::format("of {}.{} only {}.KEY can change within a session", top, named->name, section);
            }
            rest.remove_prefix(std::min(section.size() + 1, rest.size()));
        }
        path = {place, named->name, section};
        if (!rest.empty()) {
            path.emplace_back(rest);
        }
        return {};
    }

    const RunConfigured& config_;
    std::vector<Item> nodes_;
    Place at_{0, 0};
};

}  // namespace

}  // namespace config

using config::Findings;
using config::Place;

Result<RunConfigured> with_settings(const RunConfigured& config, const std::vector<std::string>& settings,
                                    const Plugins& plugins, std::string_view come_from) {
    if (settings.empty()) {
        return config;
    }
    Findings findings;
    config::SettingsTree tree(config);
    for (std::size_t i = 0; i < settings.size(); ++i) {
        const Place at{static_cast<std::int32_t>(i) + 1, 1};
        if (const std::string wrong = tree.change(settings[i], at); !wrong.empty()) {
            findings.error(at, "{}", wrong);
        }
    }
    RunConfigured changed = config::reread(config, tree.nodes(), plugins, findings);
    if (findings.errors.empty()) {
        return changed;
    }
    std::ranges::stable_sort(findings.errors, {}, &Findings::Finding::at);
    std::string lines;
    for (const Findings::Finding& finding : findings.errors) {
        const auto line = static_cast<std::size_t>(std::max(finding.at.line, 0));
        lines += lines.empty() ? "" : "\n";
        lines +=
            printable(line == 0 ? finding.text : fmt::format("{}{}: {}", come_from, settings[line - 1], finding.text));
    }
    return fail(ErrorKind::usage, lines);
}

}  // namespace alpha
