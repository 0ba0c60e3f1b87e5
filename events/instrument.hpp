#pragma once
/// What can be traded, and the steps its orders must keep to.

#include "events/assert.hpp"
#include "events/fixed.hpp"
#include "events/ids.hpp"
#include "events/named.hpp"
#include "events/time.hpp"

#include <cstdint>
#include <string>

namespace alpha {

/// The numbers are on disk.
enum class InstrumentKind : std::uint8_t {
    share = 1,   ///< what is owned when it is bought: shares, units of funds, coins
    index = 2,   ///< a number that is published; it cannot be traded
    future = 3,  ///< profit and loss change hands, not its price
    call = 4,
    put = 5,
    other = 6
};

/// An instrument as pinned in the log. Tick and lot bind our orders; market data off the tick is data and accepted.
struct Instrument {
    static constexpr std::uint8_t struct_version = 2;
    std::string name;       ///< e.g. "NSE:INFY"; unique; at most limits::kMaxNameBytes
    Price tick{1'000'000};  ///< smallest price step of an order: 0.01 where the scenario is silent
    Qty lot{kScale};        ///< smallest quantity step of an order: 1 where the scenario is silent
    TradingHours hours;     ///< the trading session; the whole UTC day where the scenario is silent

    // Since version 2: what a market says of it.
    std::string calendar{};  ///< of the session's market rules; empty: `hours`, every day
    std::string exchange{};  ///< "NSE", "NFO": a segment of an exchange, as Kite names them; empty: none is known
    InstrumentKind kind = InstrumentKind::share;
    std::string group{};          ///< of its exchange's charges, "equity_fund"; empty: "ordinary"
    std::string isin{};           ///< the same share on all exchanges; empty: not known
    std::string underlying{};     ///< of a derivative: the instrument whose price settles it
    std::int64_t multiplier = 1;  ///< units of the underlying in a quantity of one
    Qty freeze{};                 ///< the largest quantity that the exchange takes in one order; 0: none is known
    Price strike{};               ///< of an option
    Date expiry{};                ///< a derivative's last day; absent (1970-01-01): it has none
    bool is_delivered = false;    ///< a derivative that is settled by delivery, not in cash

    friend bool operator==(const Instrument&, const Instrument&) = default;

    bool expires() const { return expiry.days != 0; }
    bool is_option() const { return kind == InstrumentKind::call || kind == InstrumentKind::put; }
    /// Whether it is paid by the day's profit and loss, and not by its price.
    bool is_marked_daily() const { return kind == InstrumentKind::future; }
    /// What a quantity stands for, in units of the underlying. Requires what limits::kMaxPosition bounds (kernel/risk.hpp, invalid_order).
    Qty units(Qty quantity) const {
        if (multiplier == 1) [[likely]] {
            return quantity;
        }
        Qty units;
        ALPHA_ASSERT(!__builtin_mul_overflow(quantity.raw, multiplier, &units.raw), "units overflow");
        return units;
    }

    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("name", name), named("tick", tick), named("lot", lot), named("utc_offset_s", hours.utc_offset_s),
           named("open_s", hours.open_s), named("close_s", hours.close_s));
        since(ar, 2, named("calendar", calendar), named("exchange", exchange), named("kind", kind),
              named("group", group), named("isin", isin), named("underlying", underlying),
              named("multiplier", multiplier), named("freeze", freeze), named("strike", strike),
              named("expiry", expiry), named("is_delivered", is_delivered));
    }
};

/// price x quantity x multiplier, rounded half-even once to 1e-8.
inline Money notional(const Instrument& of, Price price, Qty quantity) {
    return notional(price, of.units(quantity));
}

}  // namespace alpha
