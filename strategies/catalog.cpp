#include "strategies/catalog.hpp"

#include "events/assert.hpp"
#include "strategies/built_in.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace alpha {

namespace {

const Setting* find_setting(const std::vector<Setting>& params, std::string_view key) {
    const auto found = std::find_if(params.begin(), params.end(), [&](const Setting& s) { return s.key == key; });
    return found == params.end() ? nullptr : &*found;
}

std::string known_names(const StrategySpec& spec) {
    std::string names;
    for (const ParamSpec& param : spec.params) {
        names += names.empty() ? "" : ", ";
        names += param.name;
    }
    return names.empty() ? "none" : names;
}

std::string what_is_wanted(const ParamSpec& param) {
    std::string text(param.name);
    if (param.kind == ParamKind::flag) {
        return text + " must be true or false";
    }
    if (param.kind == ParamKind::interval) {
        return text + " must be an interval of bars such as 1m or day, or only";
    }
    text += param.kind == ParamKind::count ? " must be a whole number from " : " must be a number from ";
    return text + to_string(param.min) + " to " + to_string(param.max);
}

/// Single spaces; lines joined by "; ". The same words in another layout are the same text; one in double quotes keeps its
/// spaces.
std::string canonical_text(std::string_view text) {
    std::string out;
    const char* between = "";
    bool quoted = false;
    for (const char c : text) {
        quoted = c == '"' ? !quoted : quoted && c != '\n';
        if (c == '\n') {
            between = out.empty() ? "" : "; ";
        } else if (!quoted && (c == ' ' || c == '\t' || c == '\r')) {
            between = out.empty() || *between == ';' ? between : " ";
        } else {
            out += between;
            out += c;
            between = "";
        }
    }
    return out;
}

/// The names of a strategy's instruments.
std::vector<std::string> names_of(const StrategyConfig& config, std::span<const Instrument> listed) {
    std::vector<std::string> names;
    names.reserve(config.instruments.size());
    for (const InstrumentId id : config.instruments) {
        names.push_back(listed[id.value].name);
    }
    return names;
}

/// The canonical text of one value, or what is wrong with it.
tl::expected<std::string, std::string> canonical(const ParamSpec& param, const std::string& text,
                                                 const std::vector<std::string>& instruments) {
    if (param.kind == ParamKind::flag || param.kind == ParamKind::interval) {
        const bool is_flag = param.kind == ParamKind::flag;
        if (is_flag ? text == "true" || text == "false" : text == kOnlyInterval) {
            return text;
        }
        const Result<Duration> interval = is_flag ? Duration{} : parse_duration(text);
        if (interval && *interval > Duration{}) {
            return to_string(*interval);
        }
        return tl::unexpected<std::string>(what_is_wanted(param) + ", not '" + text.substr(0, 48) + "'");
    }
    if (param.kind == ParamKind::text) {
        std::string words = canonical_text(text);
        if (words.empty()) {
            return tl::unexpected<std::string>(std::string(param.name) + " is empty");
        }
        return words;
    }
    if (param.kind == ParamKind::instrument) {
        if (std::find(instruments.begin(), instruments.end(), text) != instruments.end()) {
            return text;
        }
        return tl::unexpected<std::string>(
            std::string(param.name) + " must be one of the strategy's instruments, not '" + text.substr(0, 48) + "'");
    }
    const Result<Decimal> value = parse_decimal(text);
    if (!value) {
        return tl::unexpected<std::string>(what_is_wanted(param) + ": " + value.error().message);
    }
    const bool whole = value->raw % kScale == 0;
    if (*value < param.min || *value > param.max || (param.kind == ParamKind::count && !whole)) {
        return tl::unexpected<std::string>(what_is_wanted(param) + ", not " + to_string(*value));
    }
    return to_string(*value);
}

}  // namespace

std::span<const StrategySpec> strategy_catalog() {
    static const std::array<StrategySpec, 5> kCatalog = {buy_and_hold_spec(), ema_cross_spec(), market_maker_spec(),
                                                         script_spec(), sma_cross_spec()};
    return kCatalog;
}

const StrategySpec* find_strategy(std::string_view name, std::span<const StrategySpec> catalog) {
    for (const StrategySpec& spec : catalog) {
        if (spec.name == name) {
            return &spec;
        }
    }
    return nullptr;
}

tl::expected<std::vector<Setting>, std::vector<ParamError>> validate_params(const StrategySpec& spec,
                                                                            const StrategyConfig& given,
                                                                            std::span<const Instrument> listed) {
    const std::vector<std::string> instruments = names_of(given, listed);
    StrategyConfig config = given;
    std::vector<Setting>& settings = config.params;
    settings.clear();
    std::vector<ParamError> errors;
    for (const ParamSpec& param : spec.params) {
        const std::string name(param.name);
        const Setting* setting = find_setting(given.params, param.name);
        if (setting == nullptr && param.default_value.empty()) {
            errors.push_back({name, name + " is missing: " + std::string(param.help)});
            continue;
        }
        const auto value =
            canonical(param, setting == nullptr ? std::string(param.default_value) : setting->value, instruments);
        if (value) {
            settings.push_back({name, *value});
        } else {
            errors.push_back({name, value.error()});
        }
    }
    for (const Setting& setting : given.params) {
        const bool known = std::any_of(spec.params.begin(), spec.params.end(),
                                       [&](const ParamSpec& param) { return param.name == setting.key; });
        if (!known) {
            errors.push_back({setting.key, "'" + setting.key + "' is not a parameter of " + std::string(spec.name) +
                                               "; it has: " + known_names(spec)});
        } else if (find_setting(given.params, setting.key) != &setting) {
            errors.push_back({setting.key, setting.key + " is given more than once"});
        }
    }
    std::sort(settings.begin(), settings.end(), [](const Setting& a, const Setting& b) { return a.key < b.key; });
    if (errors.empty() && spec.check) {
        errors = spec.check(config, listed);
    }
    if (!errors.empty()) {
        return tl::unexpected<std::vector<ParamError>>(std::move(errors));
    }
    return settings;
}

std::string name_of(MarketKinds kinds) {
    std::vector<std::string_view> names;
    for (const auto& [is_there, name] :
         {std::pair(kinds.quotes, "quotes"), std::pair(kinds.trades, "trades"), std::pair(kinds.bars, "bars")}) {
        if (is_there) {
            names.emplace_back(name);
        }
    }
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        text += i == 0 ? "" : i + 1 == names.size() ? " and " : ", ";
        text += names[i];
    }
    return text;
}

std::string which_interval(std::string_view strategy, std::string_view instrument,
                           std::span<const Duration> intervals) {
    std::string all;
    std::string choice;
    for (std::size_t i = 0; i < intervals.size(); ++i) {
        const std::string name = to_string(intervals[i]);
        const bool is_last = i + 1 == intervals.size();
        all += (i == 0 ? "" : is_last ? " and " : ", ") + name;
        choice += (i == 0 ? "" : is_last ? " or " : ", ") + name;
    }
    return std::string(strategy) + " reads bars of one interval, and " + std::string(instrument) + " has bars of " +
           all + "; say which: write interval: " + choice + " among its params";
}

std::int64_t count_param(const std::vector<Setting>& params, std::string_view key) {
    const Result<Qty> value = parse_qty(text_param(params, key));
    ALPHA_ASSERT(value && value->raw % kScale == 0, "a count was not validated");
    return value->raw / kScale;
}

Qty qty_param(const std::vector<Setting>& params, std::string_view key) {
    const Result<Qty> value = parse_qty(text_param(params, key));
    ALPHA_ASSERT(value, "a quantity was not validated");
    return *value;
}

Price price_param(const std::vector<Setting>& params, std::string_view key) {
    const Result<Price> value = parse_price(text_param(params, key));
    ALPHA_ASSERT(value, "a price was not validated");
    return *value;
}

Duration interval_param(const std::vector<Setting>& params, std::string_view key) {
    const std::string& text = text_param(params, key);
    const Result<Duration> value = text == kOnlyInterval ? Duration{} : parse_duration(text);
    ALPHA_ASSERT(value, "an interval was not validated");
    return *value;
}

const std::string& text_param(const std::vector<Setting>& params, std::string_view key) {
    const Setting* setting = find_setting(params, key);
    ALPHA_ASSERT(setting != nullptr, "a strategy reads a parameter that its spec does not have");
    return setting->value;
}

bool flag_param(const std::vector<Setting>& params, std::string_view key) {
    const std::string& text = text_param(params, key);
    ALPHA_ASSERT(text == "true" || text == "false", "a flag was not validated");
    return text == "true";
}

std::vector<ParamError> check_fast_below_slow(const StrategyConfig& config, std::span<const Instrument> /*listed*/) {
    const std::int64_t fast = count_param(config.params, "fast");
    const std::int64_t slow = count_param(config.params, "slow");
    if (fast < slow) {
        return {};
    }
    return {{"fast", "fast must be below slow, and " + std::to_string(fast) + " is not below " + std::to_string(slow)}};
}

}  // namespace alpha
