#pragma once
/// The books: positions with their cost, cash, realized and unrealized profit. Small pure functions over values; the fold
/// (kernel/state.hpp) is their only writer.
///
/// For every portfolio and at every moment, exactly:
///   cash   = initial + sum over fills of (-signed notional - charges) - day-end charges, where nothing is marked daily
///   cash   = initial - sum of costs of what is not marked daily + realized - charges
///   equity = cash + market value = initial + realized + unrealized - charges
///   sum of signed notionals = sum of costs - realized

#include "events/event.hpp"
#include "events/fixed.hpp"
#include "markets/charges.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace alpha {

/// Shares that were bought and have not been delivered.
struct Arrival {
    Date bought;
    Date arrives;  ///< the settlement day: from the day after on they are there
    Qty quantity;
    friend bool operator==(const Arrival&, const Arrival&) = default;
};

/// Of what is held within the day: whether a session has closed over it. Values are in snapshots.
enum class LeftOver : std::uint8_t {
    no = 0,
    waits = 1,   ///< it is still there, and the broker closes it as soon as the next session opens
    closing = 2  ///< the broker is doing that: nothing new is begun under the product until it is flat
};
constexpr bool is_valid(LeftOver left_over) {
    return left_over <= LeftOver::closing;
}

/// What open orders ask beside their quantities and values. It follows from the orders and is not saved.
struct OrderFunds {
    Money
        buy_funds;  ///< what orders that open or add bind beside their family's margin (kernel/margin.hpp), as their quantities are summed
    Money sell_funds;
    Qty reducing_buys;  ///< what orders that only reduce may buy: they are not among the open buys
    Qty reducing_sells;
    friend bool operator==(const OrderFunds&, const OrderFunds&) = default;

    void add(const OrderFunds& other, int sign);
};

/// The part of a position that is held under one product: a book of its own, with its own cost and profit.
struct Holding {
    Product product = Product::none;
    Qty net;        ///< positive long, negative short
    Money cost;     ///< what the open part cost: positive long, negative short (the proceeds)
    Qty open_buys;  ///< as in Position
    Qty open_sells;
    LeftOver left_over = LeftOver::no;
    std::vector<Arrival> to_come;  ///< by day; of long ones that are delivered. At most `net` in all
    OrderFunds orders{};           ///< as in Position
    friend bool operator==(const Holding&, const Holding&) = default;

    /// What was bought on a day before `on` and is not there then.
    Qty unarrived(Date on) const;
};

/// What a portfolio holds of one instrument. Products are booked apart, and the sums are those of all: who is long under one and short
/// under another may have a net of zero and a cost.
struct Position {
    Qty net;             ///< positive long, negative short
    Money cost;          ///< what the open parts cost: positive long, negative short (the proceeds)
    Money realized_pnl;  ///< gross, of the parts closed so far
    Money charges;
    Money traded;          ///< sum of notionals, both sides
    Qty open_buys;         ///< what working orders may still buy; exits that only reduce are not among them,
    Qty open_sells;        ///< and of a group its largest leg is; what working orders may still sell
    Money open_buy_value;  ///< the same at the prices that the orders are valued at
    Money open_sell_value;
    std::uint64_t fills = 0;
    std::vector<Holding> holdings;  ///< by product, none not among them: its part is what the others leave of the sums
    OrderFunds orders{};            ///< of all its open orders
    friend bool operator==(const Position&, const Position&) = default;

    /// What is held under a product, orders among it; of one that nothing was done under, nothing. O(products).
    Holding of(Product product) const;
    /// The same without what is to come: no allocation.
    Holding book_of(Product product) const;
    /// The net of it alone.
    Qty net_of(Product product) const;
    /// The row of a product that is not none, made where there is none.
    Holding& row(Product product);
    /// Forgets a row that says nothing.
    void tidy(Product product);
};

/// How one execution moves a position. `notional` is positive.
struct PositionChange {
    Position after;
    Money realized_pnl;  ///< of this execution, gross
};

/// `of`: whose multiplier counts. Opens, adds to, reduces, closes or flips what is held under `product`. A reduction removes cost in proportion to quantity, half-even; what closes
/// the position removes all that is left, so nothing is lost to rounding. A flip closes at price x closing quantity and opens
/// with the rest of the notional.
PositionChange with_fill(const Position& before, Product product, Side side, Qty quantity, Price price, Money notional,
                         const Instrument& of = {});

/// Adds a part of a position that comes from elsewhere, with its cost; what it closes is realized, at what it cost. Returns that profit.
Money join(Holding& held, Qty quantity, Money cost);

/// Books what was bought or sold for delivery on a day. What was bought the same day is sold first, for the exchange nets a day; then what
/// is there; then, the oldest first, what has not arrived: how much of the sale that is, is returned. `arrives`: absent where nobody says.
Qty note_delivery(Holding& after, Side side, Qty quantity, Date on, Date arrives);

/// What a position adds to its portfolio's equity beside cash: what selling all (or buying back all) at `mark` would bring, negative for a
/// short; of what is marked daily only what that differs from its cost, for its price was never paid.
inline Money market_value(const Instrument& of, const Position& position, Price mark) {
    const Money value = notional(of, mark, position.net);
    return of.is_marked_daily() ? value - position.cost : value;
}
Money unrealized_pnl(const Instrument& of, const Position& position, Price mark);

/// The change of cash from one execution: a sell adds, a buy takes, charges always take. Of what is marked daily the profit alone comes in.
Money cash_change(const Instrument& of, Side side, Money notional, Money realized_pnl, Money charges);

/// The most that `position` may become, either way, if its working orders fill, with `buying` or `selling` added.
Qty worst_case_long(const Position& position, Qty buying);
Qty worst_case_short(const Position& position, Qty selling);

/// What limits add up over a portfolio's positions, each position's part as it was when it was last computed, and which have changed
/// since: an order costs what has changed, not every position. kernel/risk.hpp computes them.
struct PositionSums {
    std::vector<Money> exposures;  ///< by instrument: what buying_power counts of each
    std::vector<Money> gross;      ///< what gross_exposure does
    Money exposure;                ///< their sums
    Money gross_exposure;
    std::vector<Money> margins;  ///< by family: what rule margin counts of each
    Money margin;
    std::vector<std::vector<InstrumentId>>
        used;  ///< by family, where there are margins: what the portfolio holds or has orders in; sorted
    std::vector<InstrumentId> changed;  ///< each once
    std::vector<bool> is_changed;       ///< by instrument

    /// The position, one of its orders or its mark is not what it was. O(1).
    void note_change(InstrumentId instrument) {
        // Many marks come between two orders.
        if (instrument.value >= is_changed.size() || !is_changed[instrument.value]) [[unlikely]] {
            note_first_change(instrument);
        }
    }
    /// They say nothing that the books do not.
    friend bool operator==(const PositionSums&, const PositionSums&) { return true; }

private:
    void note_first_change(InstrumentId instrument);
};

/// Numbers from here on are those of settlements, which no order has led to: each leg of an exercise is one of its own.
inline constexpr OrderId kFirstSettlement{std::uint64_t{1} << 62U};

/// What an order has executed on one trading day, or what was settled in one go.
struct DayOrder {
    OrderId order;
    InstrumentId instrument;
    Side side = Side::buy;
    Product product = Product::none;
    std::optional<markets::ChargeSegment> segment{};  ///< of a settlement: exercise or physical; else the instrument's
    bool is_square_off = false;                       ///< by the broker, which asks for it
    Qty unarrived;  ///< of what it sold, what had been bought on a day before and had not arrived
    markets::Executed executed;
    friend bool operator==(const DayOrder&, const DayOrder&) = default;
};

/// What charges are reckoned by, where a plan gives them: brokerage has a cap an order, taxes are those of a scrip's whole day. It grows
/// with the orders that execute on a day, and begins anew with the first fill of the next.
struct DayCharges {
    Date date = kNoDay;
    std::vector<DayOrder> orders;   ///< by order
    markets::ChargeAmounts booked;  ///< what executions and day ends have taken so far
    friend bool operator==(const DayCharges&, const DayCharges&) = default;

    /// What the order has executed so far, where `on` is this day.
    markets::Executed executed_by(OrderId order, Date on) const;
};

struct Portfolio {
    bool is_open = false;  ///< false until first use
    Money initial_cash;
    Money cash;
    Money realized_pnl;
    Money charges;
    Money day_start_equity;               ///< equity when the current trading day began
    LatchScope latch = LatchScope::none;  ///< how far its kill switch reaches
    Rule killed_by = Rule::none;          ///< what latched it
    std::uint32_t open_orders = 0;
    std::uint64_t fills = 0;
    std::vector<Position> positions;  ///< by instrument id; grows with the instruments this portfolio touches
    std::vector<Time> recent_orders;  ///< times of orders within the last second, oldest first (the rate window)
    Money day_end_charges;            ///< of `charges`, what contract notes and ledgers asked, of no one instrument
    DayCharges day;                   ///< of the latest trading day with a fill, where a plan gives the charges

    // Derived from the books and the marks, and not saved.
    Money equity;      ///< cash and what the positions are worth
    Money open_value;  ///< of all its open orders, as its positions reserve it
    PositionSums sums;
    friend bool operator==(const Portfolio&, const Portfolio&) = default;

    bool killed() const { return latch != LatchScope::none; }
    const Position& position(InstrumentId instrument) const {
        static constexpr Position kFlat{};
        return instrument.value < positions.size() ? positions[instrument.value] : kFlat;
    }
};

}  // namespace alpha
