#pragma once
/// Fill models: which price is an entry's first. A model is an enumerator and an object of the table below; nothing else lists them.
/// docs/reference-scenario.md takes its words for traders from here.

#include <algorithm>
#include <array>
#include <cstdint>

namespace alpha {

/// How orders find their first price.
enum class FillModel : std::uint8_t {
    touch = 1,     ///< at once at the bid or ask
    next_open = 2  ///< at the instrument's next BarOpened
};

namespace paper {

/// Where a price comes from that an order meets.
enum class PriceKind : std::uint8_t {
    touch,  ///< a quote's, or a trade's or a bar's at this very instant
    open,   ///< of the bar that opens now
    close   ///< of the bar that closes now, for who came while it lasted
};

/// Asked once an order and price, of entries that wait for their first price. What rests, and exits, meet every price.
struct FillModelSpec {
    FillModel model;
    const char* name;  ///< in scenarios and logs
    const char* help;  ///< when an order fills, for the reference page
    /// `at_shortest_open`: a bar of the instrument's shortest interval opens now.
    bool (*takes_first)(PriceKind kind, bool at_shortest_open);
    /// Whether the open of a bar that does not count, since quotes or trades came in the bar before, is a price to it all the same.
    bool takes_shadowed_opens;
};

inline constexpr std::array kFillModels{
    FillModelSpec{FillModel::touch, "touch", "at once at the bid or ask (with bars: at the close just seen)",
                  [](PriceKind, bool) { return true; }, false},
    FillModelSpec{FillModel::next_open, "next_open", "at the open of the next bar",
                  [](PriceKind kind, bool at_shortest_open) { return kind == PriceKind::open && at_shortest_open; },
                  true},
};

inline const FillModelSpec& spec_of(FillModel model) {
    return *std::ranges::find(kFillModels, model, &FillModelSpec::model);
}

}  // namespace paper

}  // namespace alpha
