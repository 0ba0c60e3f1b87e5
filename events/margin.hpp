#pragma once
/// What a broker asks for positions as margin, as plain values. A session that goes by any has them in its log (MarginRulesSet), so that a
/// journal needs no table of any program. What they mean is markets/margins.hpp.
///
/// ON DISK, DO NOT CHANGE: numbers of enumerators stay, and what is new comes last, with a higher struct_version (events/event.hpp).

#include "events/market.hpp"
#include "events/named.hpp"
#include "events/product.hpp"
#include "events/time.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace alpha {

/// What a row of margins is of: shares and the like, futures, options that are sold.
enum class MarginKind : std::uint8_t { share = 1, future = 2, option = 3 };
const char* name_of(MarginKind kind);
constexpr bool is_valid(MarginKind kind) {
    return kind >= MarginKind::share && kind <= MarginKind::option;
}

/// What is asked under a product on an exchange's segment between two days: parts of a value, 1 being all of it.
struct MarginRow {
    static constexpr std::uint8_t struct_version = 1;
    Product product = Product::none;
    std::string exchange;  ///< "NSE", "NFO": a segment of an exchange, as Kite names them
    MarginKind kind = MarginKind::share;
    std::string underlying;  ///< "NIFTY": only contracts on it; empty: those that no other row names
    Decimal rate;      ///< of what a position is worth, of an option of what its underlying is: what a move may take
    Decimal exposure;  ///< asked beside it, and for spreads as well
    Decimal expiry_exposure;  ///< asked on top of that for options that are sold, on their last day
    Decimal spread;           ///< of the dearer month, for futures of two months against each other; 0: they are not
    Date from;                ///< first day
    Date to;                  ///< last day
    markets::Source source;
    std::string doubt;              ///< what of it is not settled; empty: nothing
    std::uint32_t line_number = 0;  ///< in the file it came from

    friend bool operator==(const MarginRow&, const MarginRow&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("product", product), named("exchange", exchange), named("kind", kind), named("underlying", underlying),
           named("rate", rate), named("exposure", exposure), named("expiry_exposure", expiry_exposure),
           named("spread", spread), named("from", from), named("to", to), named("source", source),
           named("doubt", doubt), named("line_number", line_number));
    }
};

struct MarginRules {
    static constexpr std::uint8_t struct_version = 1;
    std::string name;
    std::vector<MarginRow> rows;  ///< by exchange, product, kind, underlying and day; none: margins decide nothing
    friend bool operator==(const MarginRules&, const MarginRules&) = default;
    /// Whether nothing is asked.
    bool is_silent() const { return rows.empty(); }
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("name", name), named("rows", rows));
    }
};

}  // namespace alpha
