#include "adapters/paper/book.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace alpha {

namespace {

template <class Enum, std::size_t N>
using NamesOf = std::array<std::pair<Enum, const char*>, N>;

constexpr auto kFills = [] {
    NamesOf<FillModel, paper::kFillModels.size()> names{};
    std::ranges::transform(paper::kFillModels, names.begin(),
                           [](const paper::FillModelSpec& spec) { return std::pair{spec.model, spec.name}; });
    return names;
}();
constexpr NamesOf<LimitFill, 2> kLimitFills{{{LimitFill::reached, "reached"}, {LimitFill::through, "through"}}};
constexpr NamesOf<Links, 2> kLinks{{{Links::venue, "venue"}, {Links::kernel, "kernel"}}};

constexpr Money kWhole = money_of(100);

template <class Enum, std::size_t N>
std::string name_in(const NamesOf<Enum, N>& names, Enum value) {
    return std::ranges::find(names, value, &std::pair<Enum, const char*>::first)->second;
}

tl::unexpected<Error> refuse_value(const Setting& setting, const std::string& expected) {
    return fail(ErrorKind::usage, "paper broker: '" + setting.key + "' must be " + expected + ", not '" +
                                      setting.value.substr(0, 48) + "'");
}

template <class Enum, std::size_t N>
Result<void> read_name(const Setting& setting, const NamesOf<Enum, N>& names, Enum& value) {
    std::string all;
    for (std::size_t i = 0; i < N; ++i) {
        const auto& [known, name] = names[i];
        if (setting.value == name) {
            value = known;
            return {};
        }
        all += (i == 0 ? "" : i + 1 == N ? " or " : ", ") + std::string(name);
    }
    return refuse_value(setting, all);
}

/// "12.5%" of 0 to 100.
std::optional<Money> percent_in(std::string_view text) {
    if (!text.ends_with('%')) {
        return std::nullopt;
    }
    const Result<Money> value = parse_money(text.substr(0, text.size() - 1));
    return value && *value >= Money{} && *value <= kWhole ? std::optional(*value) : std::nullopt;
}

Result<void> read_slippage(const Setting& setting, PaperSettings& settings) {
    constexpr std::string_view kTicks = " ticks";
    const std::string_view text = setting.value;
    settings.slippage = Price{};
    settings.slippage_ticks = 0;
    settings.slippage_percent = Money{};
    if (const std::optional<Money> percent = percent_in(text)) {
        settings.slippage_percent = *percent;
        return {};
    }
    if (text.ends_with(kTicks)) {
        const Result<Qty> ticks = parse_qty(text.substr(0, text.size() - kTicks.size()));
        if (ticks && ticks->raw >= 0 && ticks->raw % kScale == 0 && *ticks <= qty_of(kMaxSlippageTicks)) {
            settings.slippage_ticks = ticks->raw / kScale;
            return {};
        }
    } else if (const Result<Price> price = parse_price(text); price && paper::in_range(*price)) {
        settings.slippage = *price;
        return {};
    }
    return refuse_value(setting, "a price difference such as 0.05, from 0 to " + to_string(limits::kMaxPrice) +
                                     "; or '2 ticks'; or '0.1%'");
}

std::string slippage_text(const PaperSettings& settings) {
    if (settings.slippage_percent.raw != 0) {
        return to_string(settings.slippage_percent) + "%";
    }
    return settings.slippage_ticks != 0 ? std::to_string(settings.slippage_ticks) + " ticks"
                                        : to_string(settings.slippage);
}

}  // namespace

Result<void> read_paper_setting(const Setting& setting, PaperSettings& settings) {
    if (setting.key == "fill") {
        return read_name(setting, kFills, settings.fill);
    }
    if (setting.key == "limit_fill") {
        return read_name(setting, kLimitFills, settings.limit_fill);
    }
    if (setting.key == "links") {
        return read_name(setting, kLinks, settings.links);
    }
    if (setting.key == "latency") {
        const Result<Duration> latency = parse_duration(setting.value);
        if (!latency || *latency < Duration{0} || *latency > kMaxPaperLatency) {
            return refuse_value(setting, "a duration such as 250ms, from 0s to " + to_string(kMaxPaperLatency));
        }
        settings.latency = *latency;
        return {};
    }
    if (setting.key == "slippage") {
        return read_slippage(setting, settings);
    }
    if (setting.key == "use_size") {
        if (setting.value != "true" && setting.value != "false") {
            return refuse_value(setting, "true or false");
        }
        settings.use_size = setting.value == "true";
        return {};
    }
    if (setting.key == "volume_share") {
        const std::optional<Money> share = percent_in(setting.value);
        if (!share || *share == Money{}) {  // of nothing nothing ever fills
            return refuse_value(setting, "a part of a bar's volume such as 10%, more than 0% and at most 100%");
        }
        settings.volume_share = *share;
        return {};
    }
    return fail(ErrorKind::usage,
                "paper broker: unknown setting '" + setting.key.substr(0, 48) +
                    "'; known are fill, latency, limit_fill, links, slippage, use_size and volume_share");
}

std::vector<Setting> to_settings(const PaperSettings& settings) {
    return {{"fill", name_in(kFills, settings.fill)},
            {"latency", to_string(settings.latency)},
            {"limit_fill", name_in(kLimitFills, settings.limit_fill)},
            {"links", name_in(kLinks, settings.links)},
            {"slippage", slippage_text(settings)},
            {"use_size", settings.use_size ? "true" : "false"},
            {"volume_share", to_string(settings.volume_share) + "%"}};
}

Result<PaperSettings> paper_settings(const std::vector<Setting>& settings) {
    PaperSettings result;
    std::set<std::string> seen;
    for (const Setting& setting : settings) {
        if (const Result<void> read = read_paper_setting(setting, result); !read) {
            return tl::unexpected<Error>(read.error());
        }
        if (!seen.insert(setting.key).second) {
            return fail(ErrorKind::usage, "paper broker: '" + setting.key + "' is given more than once");
        }
    }
    return result;
}

}  // namespace alpha
