#pragma once
/// How a broker lets a position be held, as plain values. A session that goes by any has them in its log (ProductRulesSet), so that a
/// journal needs no table of any program. What they mean is markets/products.hpp.
///
/// ON DISK, DO NOT CHANGE: numbers of enumerators stay, and what is new comes last, with a higher struct_version (events/event.hpp).

#include "events/market.hpp"
#include "events/named.hpp"
#include "events/time.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace alpha {

/// How a position is held at an Indian broker; a market without products has none.
enum class Product : std::uint8_t {
    none = 0,
    cnc = 1,   ///< shares, paid and delivered in full
    mis = 2,   ///< within the day: the broker closes what is left before the market does
    nrml = 3,  ///< derivatives, carried overnight
    mtf = 4    ///< shares, partly paid by the broker
};
inline constexpr std::size_t kProducts = 5;
const char* name_of(Product product);
constexpr bool is_valid(Product product) {
    return product <= Product::mtf;
}

/// What a product is on an exchange's segment between two days.
struct ProductRow {
    static constexpr std::uint8_t struct_version = 1;
    Product product = Product::none;
    std::string exchange;            ///< "NSE", "NFO": a segment of an exchange, as Kite names them
    bool shorts = false;             ///< whether more may be sold than is held
    std::int32_t square_off_s = 0;   ///< the broker closes it so long before continuous trading ends; 0: it is carried
    std::int32_t delivery_days = 0;  ///< settlement days until bought shares arrive; 0: none do
    bool sells_unarrived = false;    ///< whether what was bought on a day before may be sold before it arrives (BTST)
    Date from;                       ///< first day
    Date to;                         ///< last day
    markets::Source source;
    std::string doubt;              ///< what of it is not settled; empty: nothing
    std::uint32_t line_number = 0;  ///< in the file it came from

    friend bool operator==(const ProductRow&, const ProductRow&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("product", product), named("exchange", exchange), named("shorts", shorts),
           named("square_off_s", square_off_s), named("delivery_days", delivery_days),
           named("sells_unarrived", sells_unarrived), named("from", from), named("to", to), named("source", source),
           named("doubt", doubt), named("line_number", line_number));
    }
};

/// The tag of orders by which the broker closes what is held within the day.
inline constexpr const char* kSquareOffTag = "square_off";

struct ProductRules {
    static constexpr std::uint8_t struct_version = 1;
    std::string name;
    std::vector<ProductRow> rows;  ///< by exchange, product and day; none: products decide nothing but charges
    friend bool operator==(const ProductRules&, const ProductRules&) = default;
    /// Whether positions go by no product.
    bool is_silent() const { return rows.empty(); }
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("name", name), named("rows", rows));
    }
};

}  // namespace alpha
