#include "events/market.hpp"

#include <algorithm>
#include <array>

namespace alpha::markets {

namespace {

constexpr std::array<std::string_view, kGrades> kGradeNames{"stated", "official", "exchange", "document", "broker",
                                                            "press",  "code",     "computed", "general",  "unknown"};
constexpr std::array<std::string_view, kPhases> kPhaseNames{
    "unknown",        "closed",          "pre_open",      "pre_open_limit",
    "pre_open_match", "pre_open_buffer", "continuous",    "closing_reference",
    "closing_entry",  "closing_limit",   "closing_match", "post_close"};
constexpr std::array<std::string_view, 6> kKindNames{"unknown", "closed",  "holiday",
                                                     "regular", "special", "hours_unknown"};

}  // namespace

// ---- names ------------------------------------------------------------------------------------------------------------

std::string_view name_of(Grade grade) {
    const auto at = static_cast<std::size_t>(grade);
    return at < kGrades ? kGradeNames[at] : "unknown";
}

std::string_view name_of(Phase phase) {
    const auto at = static_cast<std::size_t>(phase);
    return at < kPhases ? kPhaseNames[at] : kPhaseNames[0];
}

std::string_view name_of(DayKind kind) {
    const auto at = static_cast<std::size_t>(kind);
    return at < kKindNames.size() ? kKindNames[at] : kKindNames[0];
}

const char* name_of(ChargeLine line) {
    switch (line) {
    case ChargeLine::brokerage: return "brokerage";
    case ChargeLine::stt: return "stt";
    case ChargeLine::ctt: return "ctt";
    case ChargeLine::exchange: return "exchange";
    case ChargeLine::clearing: return "clearing";
    case ChargeLine::sebi: return "sebi";
    case ChargeLine::ipft: return "ipft";
    case ChargeLine::stamp: return "stamp";
    case ChargeLine::fee: return "fee";
    case ChargeLine::levy: return "levy";
    case ChargeLine::gst: return "gst";
    case ChargeLine::note: return "note";
    case ChargeLine::dp: return "dp";
    case ChargeLine::dp_btst: return "dp_btst";
    case ChargeLine::square_off: return "square_off";
    }
    return "?";
}

const char* name_of(ChargeSegment segment) {
    switch (segment) {
    case ChargeSegment::equity: return "equity";
    case ChargeSegment::futures: return "futures";
    case ChargeSegment::options: return "options";
    case ChargeSegment::exercise: return "exercise";
    case ChargeSegment::physical: return "physical";
    }
    return "?";
}

const char* name_of(ChargeProduct product) {
    switch (product) {
    case ChargeProduct::delivery: return "delivery";
    case ChargeProduct::intraday: return "intraday";
    }
    return "?";
}

const char* name_of(Liquidity liquidity) {
    switch (liquidity) {
    case Liquidity::taker: return "taker";
    case Liquidity::maker: return "maker";
    }
    return "?";
}

const char* name_of(ChargeBase base) {
    switch (base) {
    case ChargeBase::turnover: return "turnover";
    case ChargeBase::premium: return "premium";
    case ChargeBase::intrinsic: return "intrinsic";
    case ChargeBase::charges: return "charges";
    case ChargeBase::order: return "order";
    case ChargeBase::share: return "share";
    case ChargeBase::note: return "note";
    case ChargeBase::scrip_day: return "scrip_day";
    }
    return "?";
}

const char* name_of(ChargeRounding rounding) {
    switch (rounding) {
    case ChargeRounding::none: return "none";
    case ChargeRounding::paisa: return "paisa";
    case ChargeRounding::rupee: return "rupee";
    }
    return "?";
}

std::string_view name_of(UnknownDays days) {
    return days == UnknownDays::strict ? "strict" : "lenient";
}

// ---- zones ------------------------------------------------------------------------------------------------------------

std::int32_t Zone::offset_s_at(Time t) const {
    const auto after = std::ranges::upper_bound(changes, t, {}, &ZoneChange::from);
    return after == changes.begin() ? 0 : std::prev(after)->offset_s;
}

Time Zone::utc_of(Date date, std::int32_t second) const {
    const std::int64_t local_ns = date.days * kDayNs + second * kSecondNs;
    // The first stretch at whose end the clocks show more than this.
    std::size_t low = 0;
    std::size_t high = changes.size() - 1;
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (local_ns < changes[middle + 1].from.ns + changes[middle].offset_s * kSecondNs) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return std::max(Time{local_ns - changes[low].offset_s * kSecondNs}, changes[low].from);
}

}  // namespace alpha::markets
