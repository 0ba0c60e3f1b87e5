#include "adapters/paper/book.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

constexpr Decimal kWhole = decimal_of(100);

/// "a, b or c".
std::string joined(const std::vector<std::string>& words, std::string_view between, std::string_view last) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        out += i == 0 ? "" : i + 1 == words.size() ? last : between;
        out += words[i];
    }
    return out;
}

template <class Enum, std::size_t N>
std::vector<std::string> names_in(const NamesOf<Enum, N>& names) {
    std::vector<std::string> out;
    out.reserve(N);
    for (const auto& [known, name] : names) {
        out.emplace_back(name);
    }
    return out;
}

std::vector<std::string> fill_helps() {
    std::vector<std::string> out;
    out.reserve(paper::kFillModels.size());
    for (const paper::FillModelSpec& model : paper::kFillModels) {
        out.emplace_back(model.help);
    }
    return out;
}

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
    for (const auto& [known, name] : names) {
        if (setting.value == name) {
            value = known;
            return {};
        }
    }
    return refuse_value(setting, joined(names_in(names), ", ", " or "));
}

/// "12.5%" of 0 to 100.
std::optional<Decimal> percent_in(std::string_view text) {
    if (!text.ends_with('%')) {
        return std::nullopt;
    }
    const Result<Decimal> value = parse_decimal(text.substr(0, text.size() - 1));
    return value && *value >= Decimal{} && *value <= kWhole ? std::optional(*value) : std::nullopt;
}

Result<void> read_slippage(const Setting& setting, PaperSettings& settings) {
    constexpr std::string_view kTicks = " ticks";
    const std::string_view text = setting.value;
    settings.slippage = Price{};
    settings.slippage_ticks = 0;
    settings.slippage_percent = Decimal{};
    if (const std::optional<Decimal> percent = percent_in(text)) {
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

Result<void> read_latency(const Setting& setting, PaperSettings& settings) {
    const Result<Duration> latency = parse_duration(setting.value);
    if (!latency || *latency < Duration{0} || *latency > kMaxPaperLatency) {
        return refuse_value(setting, "a duration such as 250ms, from 0s to " + to_string(kMaxPaperLatency));
    }
    settings.latency = *latency;
    return {};
}

Result<void> read_use_size(const Setting& setting, PaperSettings& settings) {
    if (setting.value != "true" && setting.value != "false") {
        return refuse_value(setting, "true or false");
    }
    settings.use_size = setting.value == "true";
    return {};
}

Result<void> read_volume_share(const Setting& setting, PaperSettings& settings) {
    const std::optional<Decimal> share = percent_in(setting.value);
    if (!share || *share == Decimal{}) {  // of nothing nothing ever fills
        return refuse_value(setting, "a part of a bar's volume such as 10%, more than 0% and at most 100%");
    }
    settings.volume_share = *share;
    return {};
}

/// All about one setting.
struct Row {
    Key key;  ///< without its default, which is that of PaperSettings
    Result<void> (*read)(const Setting& setting, PaperSettings& settings);
    std::string (*text)(const PaperSettings& settings);  ///< canonical
};

/// In the order in which the reference page has them.
std::span<const Row> rows() {
    static const std::string kFillChoices = joined(names_in(kFills), "|", "|");
    static const std::string kFillHelp =
        "How market orders find their price: " + joined(fill_helps(), ", ", ", or ") + ".";
    static const std::string kLimitFillChoices = joined(names_in(kLimitFills), "|", "|");
    static const std::string kLinksChoices = joined(names_in(kLinks), "|", "|");
    static const std::array kRows{
        Row{{.name = "fill", .form = KeyForm::choice, .choices = kFillChoices, .help = kFillHelp},
            [](const Setting& setting, PaperSettings& settings) { return read_name(setting, kFills, settings.fill); },
            [](const PaperSettings& settings) { return name_in(kFills, settings.fill); }},
        Row{{.name = "limit_fill",
             .form = KeyForm::choice,
             .choices = kLimitFillChoices,
             .help =
                 "When a limit order that rests fills: once the price comes to its limit, or only once it goes beyond, "
                 "since others were before us in the queue."},
            [](const Setting& setting, PaperSettings& settings) {
                return read_name(setting, kLimitFills, settings.limit_fill);
            },
            [](const PaperSettings& settings) { return name_in(kLimitFills, settings.limit_fill); }},
        Row{{.name = "slippage",
             .form = KeyForm::text,
             .help = "Added to the price of every market and stop fill, always against us: a price (`0.05`), ticks (`2 "
                     "ticks`) or a part of the price (`0.1%`, rounded up to whole ticks)."},
            read_slippage,
            slippage_text},
        Row{{.name = "latency",
             .form = KeyForm::duration,
             .max = decimal_of(kMaxPaperLatency.ns / kSecondNs),
             .help = "Event time an order travels before it reaches the market."},
            read_latency,
            [](const PaperSettings& settings) { return to_string(settings.latency); }},
        Row{{.name = "use_size",
             .form = KeyForm::flag,
             .help = "Fill at most the quantity each quote displays, or `volume_share` of what a bar traded; the rest "
                     "waits for the next."},
            read_use_size,
            [](const PaperSettings& settings) { return std::string(settings.use_size ? "true" : "false"); }},
        Row{{.name = "volume_share",
             .form = KeyForm::text,
             .help = "use_size with bars: the part of a bar's volume that all our orders together can be."},
            read_volume_share,
            [](const PaperSettings& settings) { return to_string(settings.volume_share) + "%"; }},
        Row{{.name = "links",
             .form = KeyForm::choice,
             .choices = kLinksChoices,
             .help =
                 "Who links orders: the broker, before each fill; or the kernel, from the broker's reports, as with "
                 "brokers that know no linked orders."},
            [](const Setting& setting, PaperSettings& settings) { return read_name(setting, kLinks, settings.links); },
            [](const PaperSettings& settings) { return name_in(kLinks, settings.links); }},
    };
    return kRows;
}

Result<void> read_setting(const Setting& setting, PaperSettings& settings) {
    std::vector<std::string> known;
    for (const Row& row : rows()) {
        if (row.key.name == setting.key) {
            return row.read(setting, settings);
        }
        known.emplace_back(row.key.name);
    }
    std::ranges::sort(known);
    return fail(ErrorKind::usage, "paper broker: unknown setting '" + setting.key.substr(0, 48) + "'; known are " +
                                      joined(known, ", ", " and "));
}

}  // namespace

std::vector<Setting> to_settings(const PaperSettings& settings) {
    std::vector<Setting> out;
    for (const Row& row : rows()) {
        out.push_back({std::string(row.key.name), row.text(settings)});
    }
    std::ranges::sort(out, {}, &Setting::key);
    return out;
}

std::span<const Key> paper_keys() {
    static const std::vector<Setting> kDefaults = to_settings({});
    static const std::vector<Key> kKeys = [] {
        std::vector<Key> keys;
        for (const Row& row : rows()) {
            keys.push_back(row.key);
            keys.back().fallback = std::ranges::find(kDefaults, row.key.name, &Setting::key)->value;
        }
        return keys;
    }();
    return kKeys;
}

Result<PaperSettings> paper_settings(const std::vector<Setting>& settings) {
    PaperSettings result;
    std::set<std::string> seen;
    for (const Setting& setting : settings) {
        if (const Result<void> read = read_setting(setting, result); !read) {
            return tl::unexpected<Error>(read.error());
        }
        if (!seen.insert(setting.key).second) {
            return fail(ErrorKind::usage, "paper broker: '" + setting.key + "' is given more than once");
        }
    }
    return result;
}

}  // namespace alpha
