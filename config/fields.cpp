#include "config/fields.hpp"

#include "events/assert.hpp"
#include "events/limits.hpp"
#include "events/result.hpp"
#include "events/text.hpp"

#include <algorithm>
#include <set>

namespace alpha::config {

namespace {

constexpr std::int64_t kDaySeconds = kDayNs / kSecondNs;

/// HH:MM at the front of `text`, in seconds; -1 when there is none.
std::int32_t clock_seconds(std::string_view text) {
    const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
    if (text.size() < 5 || !digit(0) || !digit(1) || text[2] != ':' || !digit(3) || !digit(4)) {
        return -1;
    }
    const std::int32_t hour = (text[0] - '0') * 10 + (text[1] - '0');
    const std::int32_t minute = (text[3] - '0') * 10 + (text[4] - '0');
    return minute > 59 ? -1 : hour * 3'600 + minute * 60;
}

}  // namespace

Result<TradingHours> parse_hours(std::string_view text) {
    if (text == "utc") {
        return TradingHours{};
    }
    const std::string_view form = text == "nse" ? "09:15-15:30+05:30" : text;
    const auto refuse = [](const char* why) { return fail(ErrorKind::usage, why); };
    TradingHours hours;
    hours.open_s = clock_seconds(form);
    hours.close_s = form.size() >= 11 && form[5] == '-' ? clock_seconds(form.substr(6)) : -1;
    if (hours.open_s < 0 || hours.close_s < 0) {
        return refuse("are no trading hours");
    }
    const std::string_view zone = form.substr(11);
    if (zone.empty()) {
        return refuse("have no UTC offset");
    }
    if (zone != "Z") {
        constexpr std::int32_t kMaxOffset = 14 * 3'600;
        const std::int32_t offset = zone.size() == 6 ? clock_seconds(zone.substr(1)) : -1;
        if ((zone[0] != '+' && zone[0] != '-') || offset < 0 || offset > kMaxOffset) {
            return refuse("have a UTC offset that does not exist");
        }
        hours.utc_offset_s = zone[0] == '-' ? -offset : offset;
    }
    if (hours.close_s > kDaySeconds) {
        return refuse("end after 24:00");
    }
    if (hours.open_s >= hours.close_s) {
        return refuse("do not end after they begin (sessions across midnight are not supported)");
    }
    return hours;
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= limits::kMaxNameBytes && is_printable(text) && text.front() != ' ' &&
           text.back() != ' ';
}

Fields::Fields(Findings& findings, const std::vector<Item>& nodes, const Section& section, std::string where,
               const Item* node)
    : findings_(&findings), nodes_(&nodes), section_(&section), where_(std::move(where)) {
    if (node == nullptr || node->kind == Item::Kind::nothing) {
        at_ = node == nullptr ? Place{} : node->at;
        present_ = node != nullptr;
        return;
    }
    at_ = node->at;
    if (node->kind != Item::Kind::map) {
        findings.error(at_, "{}: expects a map, found {}; write {}", where_, kind_text(*node), section.example);
        return;
    }
    present_ = true;
    node_ = node;
    std::vector<std::string_view> known;
    known.reserve(section.keys.size());
    for (const Key& key : section.keys) {
        known.push_back(key.name);
    }
    for (const Item::Entry& entry : node->entries) {
        if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
            misspelt_.push_back(findings.wants_suggestions() ? did_you_mean(entry.key, known) : "");
            findings.error(entry.at, "{}unknown key {}; {}", where_.empty() ? "" : where_ + ": ", in_quotes(entry.key),
                           findings.suggestion(entry.key, known));
        }
    }
}

const Item* Fields::value(std::string_view name) const {
    const Item::Entry* found = entry(name);
    return found == nullptr ? nullptr : &(*nodes_)[found->value];
}

Place Fields::place(std::string_view name) const {
    const Item* node = value(name);
    return node == nullptr ? at_ : node->at;
}

std::string Fields::path(std::string_view name) const {
    return where_.empty() ? std::string(name) : fmt::format("{}.{}", where_, name);
}

const Item* Fields::child(std::string_view name) {
    const Item* node = value(name);
    if (node == nullptr && key(name).fallback == kRequired) {
        complain_missing(name);
    }
    return node;
}

void Fields::complain_missing(std::string_view name) {
    // The map itself was refused, or the key is there under a misspelt name: one complaint is
    // enough.
    if (!present_ || std::find(misspelt_.begin(), misspelt_.end(), name) != misspelt_.end()) {
        return;
    }
    findings_->error(at_, "{}'{}' is missing; write {}: and {}", where_.empty() ? "" : where_ + ": ", name, name,
                     describe(key(name)));
}

std::optional<std::string> Fields::name(std::string_view name) {
    auto text = written(name);
    if (text && !is_name(*text)) {
        wrong(name, *text, "is not a name");
        return std::nullopt;
    }
    return text;
}

std::optional<std::string> Fields::file(std::string_view name) {
    auto text = written(name);
    if (text && (text->empty() || !is_printable(*text))) {
        wrong(name, *text, "is not a path");
        return std::nullopt;
    }
    return text;
}

std::optional<std::string> Fields::choice(std::string_view name) {
    auto text = written(name);
    const auto known = choices_of(key(name));
    if (text && std::find(known.begin(), known.end(), *text) == known.end()) {
        error(name, "{} is unknown; {}", in_quotes(*text), findings_->suggestion(*text, known));
        return std::nullopt;
    }
    return text;
}

std::optional<Decimal> Fields::decimal(std::string_view name) {
    const auto text = written(name);
    if (!text) {
        return std::nullopt;
    }
    const auto number = parse_decimal(*text);
    if (!number) {
        wrong(name, *text, "is not a number with at most eight decimal places");
        return std::nullopt;
    }
    if (*number < key(name).min || *number > key(name).max) {
        wrong(name, *text, "is out of range");
        return std::nullopt;
    }
    return *number;
}

std::optional<Money> Fields::money(std::string_view name) {
    const auto number = decimal(name);
    return number ? std::optional(Money{number->raw}) : std::nullopt;
}

std::optional<Price> Fields::price(std::string_view name) {
    const auto number = decimal(name);
    return number ? std::optional(Price{static_cast<std::int64_t>(number->raw)}) : std::nullopt;
}

std::optional<std::uint64_t> Fields::count(std::string_view name) {
    const auto number = decimal(name);
    if (number && number->raw % kScale != 0) {
        wrong(name, to_string(*number), "is not whole");
        return std::nullopt;
    }
    return number ? std::optional(static_cast<std::uint64_t>(number->raw / kScale)) : std::nullopt;
}

std::optional<Duration> Fields::duration(std::string_view name) {
    const auto text = written(name);
    if (!text) {
        return std::nullopt;
    }
    if (*text == "none" && key(name).fallback == "none") {
        return Duration{};
    }
    const auto duration = parse_duration(*text);
    if (!duration) {
        wrong(name, *text, "is not a duration");
        return std::nullopt;
    }
    const Int128 scaled = static_cast<Int128>(duration->ns) * kScale;
    if (scaled < key(name).min.raw * kSecondNs || scaled > key(name).max.raw * kSecondNs) {
        wrong(name, *text, "is out of range");
        return std::nullopt;
    }
    return *duration;
}

std::optional<bool> Fields::flag(std::string_view name) {
    const auto text = written(name);
    if (text && *text != "true" && *text != "false") {
        wrong(name, *text, "is neither true nor false");
        return std::nullopt;
    }
    return text ? std::optional(*text == "true") : std::nullopt;
}

std::optional<Date> Fields::date(std::string_view name) {
    const auto text = written(name);
    const auto day = text ? parse_date(*text) : fail(ErrorKind::usage, "");
    const bool in_range = day && day->days * kDayNs >= kMinTime.ns && day->days < kMaxTime.ns / kDayNs;
    if (text && !in_range) {
        wrong(name, *text, "is not a day from 1800 to 2199");
    }
    return in_range ? std::optional(*day) : std::nullopt;
}

std::optional<TradingHours> Fields::hours(std::string_view name) {
    const auto text = written(name);
    const auto hours = text ? parse_hours(*text) : fail(ErrorKind::usage, "");
    if (text && !hours) {
        wrong(name, *text, hours.error().message);
    }
    return hours ? std::optional(*hours) : std::nullopt;
}

std::optional<std::string> Fields::currency(std::string_view name) {
    auto text = written(name);
    const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (text && (text->size() != 3 || !std::all_of(text->begin(), text->end(), capital))) {
        wrong(name, *text, "is not a currency");
        return std::nullopt;
    }
    return text;
}

std::optional<std::string> Fields::setting(const Key& key) {
    const auto shortest = [](const auto& value) { return value ? std::optional(to_string(*value)) : std::nullopt; };
    switch (key.form) {
    case Form::choice: return choice(key.name);
    case Form::decimal: return shortest(decimal(key.name));
    case Form::count: {
        const auto value = count(key.name);
        return value ? std::optional(std::to_string(*value)) : std::nullopt;
    }
    case Form::duration: return shortest(duration(key.name));
    case Form::flag: {
        const auto value = flag(key.name);
        return value ? std::optional<std::string>(*value ? "true" : "false") : std::nullopt;
    }
    case Form::text: return text(key.name);
    default: ALPHA_ASSERT(false, "a form that no setting has"); return std::nullopt;
    }
}

std::vector<Fields::NameAt> Fields::names(std::string_view name) {
    const Item* node = child(name);
    std::vector<NameAt> out;
    if (node == nullptr) {
        const std::string_view fallback = key(name).fallback;
        std::string_view rest = fallback.starts_with('[') ? fallback.substr(1, fallback.size() - 2) : "";
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find(", "), rest.size());
            out.push_back({std::string(rest.substr(0, end)), at_});
            rest.remove_prefix(std::min(end + 2, rest.size()));
        }
        return out;
    }
    if (node->kind != Item::Kind::list || node->entries.empty()) {
        error(name, "expects a list of names, found {}; write {}",
              node->kind == Item::Kind::list ? "an empty one" : kind_text(*node),
              node->kind == Item::Kind::text && is_name(node->text) ? fmt::format("[{}]", node->text)
                                                                    : "one such as [IBM, BAC]");
        return out;
    }
    std::set<std::string_view> seen;
    for (const Item::Entry& entry : node->entries) {
        const Item& item = (*nodes_)[entry.value];
        if (item.kind != Item::Kind::text || !is_name(item.text)) {
            findings_->error(item.at, "{}: {} is not a name; write 1 to {} printable characters", path(name),
                             kind_text(item), limits::kMaxNameBytes);
        } else if (!seen.insert(item.text).second) {
            findings_->error(item.at, "{}: {} is already in the list; keep it once", path(name), in_quotes(item.text));
        } else {
            out.push_back({item.text, item.at});
        }
    }
    return out;
}

std::vector<Fields::NameAt> Fields::files(std::string_view name) {
    const Item* node = child(name);
    std::vector<NameAt> out;
    if (node == nullptr || node->kind == Item::Kind::nothing) {
        return out;
    }
    if (node->kind != Item::Kind::list) {
        error(name, "expects a list of paths, found {}; write {}", kind_text(*node),
              node->kind == Item::Kind::text ? fmt::format("[{}]", node->text) : "one such as [./libmine.so]");
        return out;
    }
    for (const Item::Entry& entry : node->entries) {
        const Item& item = (*nodes_)[entry.value];
        if (item.kind != Item::Kind::text || item.text.empty() || !is_printable(item.text)) {
            findings_->error(item.at, "{}: {} is not a path; write the path of a library", path(name), kind_text(item));
        } else {
            out.push_back({item.text, item.at});
        }
    }
    return out;
}

const Key& Fields::key(std::string_view name) const {
    const auto found =
        std::find_if(section_->keys.begin(), section_->keys.end(), [&](const Key& key) { return key.name == name; });
    ALPHA_ASSERT(found != section_->keys.end(), "a key that no table holds");
    return *found;
}

const Item::Entry* Fields::entry(std::string_view name) const {
    if (node_ == nullptr) {
        return nullptr;
    }
    const auto found = std::find_if(node_->entries.begin(), node_->entries.end(),
                                    [&](const Item::Entry& entry) { return entry.key == name; });
    return found == node_->entries.end() ? nullptr : &*found;
}

std::optional<std::string> Fields::written(std::string_view name) {
    const Item* node = child(name);
    const std::string_view fallback = key(name).fallback;
    if (node == nullptr) {
        const bool literal = fallback != kRequired && !fallback.starts_with('(');
        return literal ? std::optional<std::string>(fallback) : std::nullopt;
    }
    if (node->kind != Item::Kind::text) {
        error(name, "expects a value, found {}; write {}", kind_text(*node), describe(key(name)));
        return std::nullopt;
    }
    return node->text;
}

void Fields::wrong(std::string_view name, std::string_view text, std::string_view why) {
    error(name, "{} {}; write {}", in_quotes(text), why, describe(key(name)));
}

}  // namespace alpha::config
