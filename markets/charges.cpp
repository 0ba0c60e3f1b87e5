#include "markets/charges.hpp"

#include "markets/products.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace alpha::markets {

ChargeKey charge_key(const Instrument& instrument, Product product, Side side) {
    ChargeKey key;
    key.exchange = exchange_of(instrument);
    switch (instrument.kind) {
    case InstrumentKind::future: key.segment = ChargeSegment::futures; break;
    case InstrumentKind::call:
    case InstrumentKind::put: key.segment = ChargeSegment::options; break;
    case InstrumentKind::share:
    case InstrumentKind::index:
    case InstrumentKind::other: break;
    }
    if (!instrument.group.empty()) {
        key.group = instrument.group;
    }
    key.product = product == Product::mis ? ChargeProduct::intraday : ChargeProduct::delivery;
    key.side = side;
    return key;
}

namespace {

constexpr std::int64_t kOne = kChargeRateOne;
/// A sum of turnovers above this is a mistake of ours: limits.hpp keeps one execution below 1e28, in units of 1e-8.
constexpr Int128 kMaxTurnover = static_cast<Int128>(1'000'000'000'000'000'000) * 100'000'000'000'000;

// ---- exact amounts -----------------------------------------------------------------------------------------------------

/// `units` of 1e-8 and `rest` of 1e-22 above them; `more`: and something smaller still above that. 0 <= rest < 1e14.
struct Exact {
    Int128 units = 0;
    std::int64_t rest = 0;
    bool more = false;

    friend bool operator<(const Exact& a, const Exact& b) {
        return a.units != b.units ? a.units < b.units : a.rest < b.rest;
    }
    Exact& operator+=(const Exact& other) {
        ALPHA_ASSERT(!__builtin_add_overflow(units, other.units, &units), "charges overflow");
        rest += other.rest;
        if (rest >= kOne) {
            rest -= kOne;
            ++units;
        }
        more = more || other.more;
        return *this;
    }
};

Exact negative(const Exact& value) {
    return value.rest == 0 ? Exact{-value.units, 0, false} : Exact{-value.units - 1, kOne - value.rest, false};
}

/// value x rate, exact. Requires 0 <= value, 0 <= rate <= 1.
Exact times(Int128 value, std::int64_t rate) {
    ALPHA_ASSERT(value >= 0 && value <= kMaxTurnover * 100, "a turnover that no book can have");
    const Int128 low = (value % kOne) * rate;
    return {value / kOne * rate + low / kOne, static_cast<std::int64_t>(low % kOne), false};
}

/// turnover x rate, exact; a rebate where the rate is below 0.
Exact part_of(Money turnover, ChargeRate rate) {
    ALPHA_ASSERT(turnover.raw <= kMaxTurnover, "a turnover that no book can have");
    return rate.e14 < 0 ? negative(times(turnover.raw, -rate.e14)) : times(turnover.raw, rate.e14);
}

/// A tax of `rate` on a sum of lines. What lies below 1e-22 of it is told by `more`.
Exact tax_on(const Exact& sum, ChargeRate rate) {
    Exact tax = times(sum.units, rate.e14);
    const Int128 below = static_cast<Int128>(sum.rest) * rate.e14;
    tax += {0, static_cast<std::int64_t>(below / kOne), below % kOne != 0};
    return tax;
}

Money half_even(const Exact& value) {
    const std::int64_t other_half = kOne - value.rest;
    const bool is_above = value.rest > other_half || (value.rest == other_half && value.more);
    const bool is_tie = value.rest == other_half && !value.more;
    return Money{value.units + (is_above || (is_tie && (value.units & 1) != 0) ? 1 : 0)};
}

/// To the nearest whole `quantum` of 1e-8, halves up.
Money half_up(const Exact& value, std::int64_t quantum) {
    const Int128 raised = value.units + quantum / 2;  // what is below 1e-8 cannot lift it to a half
    Int128 whole = raised / quantum;
    if (raised % quantum < 0) {
        --whole;
    }
    return Money{whole * quantum};
}

constexpr std::int64_t kRupee = kScale;
constexpr std::int64_t kPaisa = kScale / 100;

Money rounded(const Exact& value, ChargeRounding rounding) {
    switch (rounding) {
    case ChargeRounding::none: return half_even(value);
    case ChargeRounding::paisa: return half_up(value, kPaisa);
    case ChargeRounding::rupee: return half_up(value, kRupee);
    }
    return half_even(value);
}

// ---- lines of an order -----------------------------------------------------------------------------------------------

constexpr auto index_of(ChargeLine line) {
    return static_cast<std::size_t>(line);
}
constexpr auto line_at(std::size_t index) {
    return static_cast<ChargeLine>(index);
}
/// Lines of an execution, without the tax on them.
constexpr std::size_t kOrderLines = index_of(ChargeLine::gst);

struct Traded {
    Money turnover;
    Qty quantity;
};
Traded made(const Executed& executed) {
    return {executed.maker_turnover, executed.maker_quantity};
}
Traded taken(const Executed& executed) {
    return {executed.turnover - executed.maker_turnover, executed.quantity - executed.maker_quantity};
}

/// What a row takes of what an order executed under it.
Exact charge_of(const ChargeRow& row, const Traded& traded) {
    if (traded.quantity.raw == 0) {
        return {};
    }
    Exact charge;
    switch (row.base) {
    case ChargeBase::turnover:
    case ChargeBase::premium:
    case ChargeBase::intrinsic: charge = part_of(traded.turnover, row.rate); break;
    case ChargeBase::share: {
        const Int128 product = row.amount.raw * traded.quantity.raw;  // 1e-16 of one; 1e17 x 2^63 at most
        charge = {product / kScale, static_cast<std::int64_t>(product % kScale) * (kOne / kScale), false};
        break;
    }
    case ChargeBase::order:
    case ChargeBase::note:
    case ChargeBase::scrip_day: charge = {row.amount.raw, 0, false}; break;
    case ChargeBase::charges: ALPHA_ASSERT(false, "a tax on charges is no part of a trade"); break;
    }
    if (const Exact least{row.minimum.raw, 0, false}; row.minimum.raw != 0 && charge < least) {
        charge = least;
    }
    if (const Exact most{row.maximum.raw, 0, false}; row.maximum.raw != 0 && most < charge) {
        charge = most;
    }
    if (row.maximum_rate.e14 != 0) {
        charge = std::min(charge, part_of(traded.turnover, row.maximum_rate));
    }
    return charge;
}

struct RowTraded {
    const ChargeRow* row;
    Traded traded;
};

/// The rows of one line under which the order executed, each once: a row that holds for several parts of it sees their sum.
class RowsOfLine {
public:
    void add(const ChargeRow* row, const Traded& traded) {
        if (row == nullptr || traded.quantity.raw == 0) {
            return;
        }
        for (std::size_t i = 0; i < count_; ++i) {
            if (rows_[i].row == row) {
                rows_[i].traded.turnover += traded.turnover;
                rows_[i].traded.quantity += traded.quantity;
                return;
            }
        }
        rows_[count_++] = {row, traded};
    }
    void add(const ChargeRates& rates, std::size_t line, const Executed& executed) {
        add(rates.taker[line], taken(executed));
        add(rates.maker[line], made(executed));
    }
    const RowTraded* begin() const { return rows_.data(); }
    const RowTraded* end() const { return rows_.data() + count_; }

private:
    std::array<RowTraded, 4> rows_{};  // maker and taker, intraday and delivery
    std::size_t count_ = 0;
};

/// An order's lines before they are rounded.
struct ExactCharges {
    std::array<Exact, kOrderLines> by_line{};
    Exact gst;
};

ExactCharges exact_charges(const ChargeRates& rates, const Executed& executed) {
    ExactCharges charges;
    Exact taxed;
    for (std::size_t line = 0; line < kOrderLines; ++line) {
        RowsOfLine rows;
        rows.add(rates, line, executed);
        for (const auto& [row, traded] : rows) {
            const Exact charge = charge_of(*row, traded);
            charges.by_line[line] += charge;
            if (row->in_gst_base) {
                taxed += charge;
            }
        }
    }
    if (const ChargeRow* gst = rates.taker[index_of(ChargeLine::gst)]; gst != nullptr) {
        charges.gst = tax_on(taxed, gst->rate);
    }
    return charges;
}

// ---- rows --------------------------------------------------------------------------------------------------------------

bool is_due_per_execution(ChargeLine line) {
    return line <= ChargeLine::gst;
}
bool is_of_market(const ChargeRow& row, const ChargeKey& key) {
    return (row.exchange.empty() || row.exchange == key.exchange) && (!row.segment || *row.segment == key.segment);
}
bool is_of_group(const ChargeRow& row, const ChargeKey& key) {
    return row.group.empty() || row.group == key.group;
}
bool is_of_kind(const ChargeRow& row, const ChargeKey& key) {
    return (!row.product || *row.product == key.product) && (!row.side || *row.side == key.side);
}
bool is_doubtful(const ChargeRow& row) {
    return !row.doubt.empty() || row.source.grade == Grade::unknown;
}
bool holds_on(const ChargeRow& row, Date day) {
    return row.from <= day && day <= row.to;
}

std::string what(const ChargeKey& key) {
    return fmt::format("{} {} ({}, {}) on {}", key.side == Side::buy ? "buying" : "selling", name_of(key.segment),
                       key.group, name_of(key.product), key.exchange);
}

/// Why no row of `line` holds: the day, or the group, or neither is the reason.
tl::unexpected<Error> no_row(const ChargePlan& plan, ChargeLine line, const ChargeKey& key, Date day) {
    std::string hint;
    Date first = kLastChargeDay;
    Date last = kFirstChargeDay;
    std::set<std::string> groups;
    for (const ChargeRow& row : plan.rows) {
        if (row.line != line || !is_of_market(row, key)) {
            continue;
        }
        groups.insert(row.group);
        if (is_of_group(row, key) && is_of_kind(row, key)) {
            first = std::min(first, row.from);
            last = std::max(last, row.to);
        }
    }
    if (first <= last) {
        hint = fmt::format("; its rows there are of days from {} to {}", to_iso(first), to_iso(last));
    } else if (!groups.contains("") && !groups.contains(key.group)) {
        hint = fmt::format("; the groups there are {}", fmt::join(groups, ", "));
    }
    return fail(ErrorKind::usage, fmt::format("charges of the plan '{}': no row of {} holds for {} on {}{}", plan.name,
                                              name_of(line), what(key), to_iso(day), hint));
}

}  // namespace

Money ChargeAmounts::total() const {
    Money sum;
    for (const Money amount : by_line) {
        sum += amount;
    }
    return sum;
}

Result<ChargeRates> charge_rates(const ChargePlan& plan, const ChargeKey& key, Date day) {
    ChargeRates rates;
    std::array<bool, kChargeLines> is_there{};
    bool is_known = false;
    for (const ChargeRow& row : plan.rows) {
        if (!is_of_market(row, key)) {
            continue;
        }
        const std::size_t line = index_of(row.line);
        is_known = true;
        is_there[line] = true;
        if (!holds_on(row, day) || !is_of_group(row, key) || !is_of_kind(row, key)) {
            continue;
        }
        if (row.liquidity != Liquidity::maker) {
            rates.taker[line] = &row;
        }
        if (row.liquidity != Liquidity::taker) {
            rates.maker[line] = &row;
        }
    }
    if (!is_known) {
        return fail(ErrorKind::usage, fmt::format("charges of the plan '{}': it knows nothing of {} on '{}'", plan.name,
                                                  name_of(key.segment), key.exchange));
    }
    for (std::size_t line = 0; line < kChargeLines; ++line) {
        if (is_there[line] && is_due_per_execution(line_at(line)) &&
            (rates.taker[line] == nullptr || rates.maker[line] == nullptr)) {
            return no_row(plan, line_at(line), key, day);
        }
    }
    return rates;
}

ChargeAmounts charges_of(const ChargeRates& rates, const Executed& executed) {
    const ExactCharges exact = exact_charges(rates, executed);
    ChargeAmounts amounts;
    for (std::size_t line = 0; line < kOrderLines; ++line) {
        amounts.by_line[line] = half_even(exact.by_line[line]);
    }
    amounts[ChargeLine::gst] = half_even(exact.gst);
    return amounts;
}

ChargeAmounts charges_of_fill(const ChargeRates& rates, const Executed& before, Liquidity liquidity, Money turnover,
                              Qty quantity) {
    Executed after = before;
    after.add(liquidity, turnover, quantity);
    ChargeAmounts added = charges_of(rates, after);
    const ChargeAmounts already = charges_of(rates, before);
    for (std::size_t line = 0; line < kChargeLines; ++line) {
        added.by_line[line] -= already.by_line[line];
    }
    return added;
}

// ---- the day -----------------------------------------------------------------------------------------------------------

std::vector<Qty> exercise_legs(Qty quantity, Qty freeze) {
    std::vector<Qty> legs;
    while (freeze.raw > 0 && quantity > freeze) {
        legs.push_back(freeze);
        quantity -= freeze;
    }
    if (quantity.raw > 0) {
        legs.push_back(quantity);
    }
    return legs;
}

IntradaySplit split_intraday(Money bought, Qty bought_quantity, Money sold, Qty sold_quantity) {
    IntradaySplit split;
    split.intraday = std::min(bought_quantity, sold_quantity);
    if (split.intraday.raw > 0) {
        split.intraday_bought = pro_rata(bought, split.intraday, bought_quantity);
        split.intraday_sold = pro_rata(sold, split.intraday, sold_quantity);
    }
    split.delivery_bought = bought - split.intraday_bought;
    split.delivery_sold = sold - split.intraday_sold;
    split.delivery_bought_quantity = bought_quantity - split.intraday;
    split.delivery_sold_quantity = sold_quantity - split.intraday;
    return split;
}

namespace {

struct DayOrder {
    ChargeKey key;
    std::string scrip;
    Executed executed;
    bool is_square_off = false;
};
using DayOrders = std::map<std::uint64_t, DayOrder>;

Result<DayOrders> orders_of(std::span<const DayExecution> executions) {
    DayOrders orders;
    for (const DayExecution& execution : executions) {
        const auto refuse = [&](const char* why) {
            return fail(ErrorKind::usage, fmt::format("charges of the day: order {} {}", execution.order, why));
        };
        if (execution.quantity.raw <= 0 || execution.turnover.raw < 0) {
            return refuse("has an execution without a positive quantity and a turnover of 0 or more");
        }
        const auto [at, is_new] =
            orders.try_emplace(execution.order, DayOrder{execution.key, execution.scrip, {}, false});
        DayOrder& order = at->second;
        if (!is_new && (order.key != execution.key || order.scrip != execution.scrip)) {
            return refuse("has executions of two instruments, products or sides");
        }
        order.executed.add(execution.liquidity, execution.turnover, execution.quantity);
        order.is_square_off = order.is_square_off || execution.is_square_off;
    }
    return orders;
}

/// What one scrip did on one exchange.
struct ScripDay {
    std::string group;
    Executed bought, sold;
    Qty bought_as_intraday, sold_as_intraday;  ///< of these, under the product intraday

    IntradaySplit split() const {
        return split_intraday(bought.turnover, bought.quantity, sold.turnover, sold.quantity);
    }
};
using ScripDays = std::map<std::pair<std::string, std::string>, ScripDay>;  // by exchange and scrip

Result<ScripDays> scrips_of(const DayOrders& orders) {
    ScripDays scrips;
    for (const auto& [id, order] : orders) {
        if (order.key.segment != ChargeSegment::equity) {
            continue;
        }
        const auto [at, is_new] =
            scrips.try_emplace({order.key.exchange, order.scrip}, ScripDay{order.key.group, {}, {}, {}, {}});
        ScripDay& day = at->second;
        if (day.group != order.key.group) {
            return fail(ErrorKind::usage, fmt::format("charges of the day: {} on {} is of two groups, {} and {}",
                                                      order.scrip, order.key.exchange, day.group, order.key.group));
        }
        const bool is_buy = order.key.side == Side::buy;
        (is_buy ? day.bought : day.sold).add(Liquidity::taker, order.executed.turnover, order.executed.quantity);
        if (order.key.product == ChargeProduct::intraday) {
            (is_buy ? day.bought_as_intraday : day.sold_as_intraday) += order.executed.quantity;
        }
    }
    return scrips;
}

Executed share_of(const Executed& executed, Qty part, Qty whole) {
    const auto of = [&](Money amount) { return pro_rata(amount, part, whole); };
    const auto of_quantity = [&](Qty quantity) { return Qty{static_cast<std::int64_t>(of(Money{quantity.raw}).raw)}; };
    return {of(executed.turnover), of_quantity(executed.quantity), of(executed.maker_turnover),
            of_quantity(executed.maker_quantity)};
}
Executed less(const Executed& a, const Executed& b) {
    return {a.turnover - b.turnover, a.quantity - b.quantity, a.maker_turnover - b.maker_turnover,
            a.maker_quantity - b.maker_quantity};
}

/// Of an order for delivery, what came out intraday.
Executed intraday_part(const DayOrder& order, const ScripDay& day) {
    const bool is_buy = order.key.side == Side::buy;
    const Qty side_quantity = is_buy ? day.bought.quantity : day.sold.quantity;
    const Qty as_intraday = is_buy ? day.bought_as_intraday : day.sold_as_intraday;
    const Qty left = day.split().intraday - as_intraday;  // the product intraday comes first
    const Qty as_delivery = side_quantity - as_intraday;
    return left.raw <= 0 ? Executed{} : share_of(order.executed, left, as_delivery);
}

/// What the rows took of one line, or of several that are shown as one.
struct LineSum {
    Exact sum;
    Exact taxed;  ///< of it, what is in the base of GST
    struct Part {
        Money turnover;
        std::uint32_t count = 0;
        Exact exact;
    };
    std::map<std::uint32_t, Part> parts;  ///< by the row's place in the plan
    Money api;

    void add(const ChargeRow& row, std::uint32_t place, const Traded& traded) {
        const Exact charge = charge_of(row, traded);
        sum += charge;
        if (row.in_gst_base) {
            taxed += charge;
        }
        Part& part = parts[place];
        part.turnover += traded.turnover;
        ++part.count;
        part.exact += charge;
    }
};

struct SectionSums {
    std::array<LineSum, kOrderLines> by_shown{};
    const ChargeRow* gst = nullptr;
    const ChargeRow* note = nullptr;  ///< due once a column
    Money bought, sold, obligation, gst_api;
};

/// Adds up a day. Keys of everything are names, so that the order of the executions leaves no trace.
class NoteWriter {
public:
    NoteWriter(const ChargePlan& plan, Date day) : plan_(plan), day_(day) {}

    Result<ContractNote> write(std::span<const DayExecution> executions, std::span<const CarriedFutures> carried) {
        const auto orders = orders_of(executions);
        if (!orders) {
            return tl::unexpected(orders.error());
        }
        const auto scrips = scrips_of(*orders);
        if (!scrips) {
            return tl::unexpected(scrips.error());
        }
        for (const auto& [id, order] : *orders) {
            add_order(order, *scrips);
        }
        for (const auto& [place, scrip] : *scrips) {
            add_taxes(place.first, scrip);
        }
        for (const CarriedFutures& futures : carried) {
            sections_[futures.exchange].obligation += futures.amount;
        }
        if (error_) {
            return tl::unexpected(*error_);
        }
        return note();
    }

private:
    /// nullptr: refused.
    const ChargeRates* rates_of(const ChargeKey& key) {
        const auto [at, is_new] = rates_.try_emplace(key);
        if (is_new) {
            if (auto rates = charge_rates(plan_, key, day_)) {
                at->second = *rates;
            } else if (!error_) {
                error_ = std::move(rates.error());
            }
        }
        return error_ ? nullptr : &at->second;
    }

    void add_order(const DayOrder& order, const ScripDays& scrips) {
        const bool is_equity = order.key.segment == ChargeSegment::equity;
        const ChargeRates* own = rates_of(order.key);
        if (own == nullptr) {
            return;
        }
        SectionSums& section = sections_[order.key.exchange];
        section.gst = own->taker[index_of(ChargeLine::gst)];
        add_turnover(section, order);
        add_api(section, *own, order.executed);

        // An order for delivery has up to two parts.
        Executed changed;
        const ChargeRates* other = own;
        if (is_equity && order.key.product == ChargeProduct::delivery) {
            changed = intraday_part(order, scrips.at({order.key.exchange, order.scrip}));
            if (changed.quantity.raw > 0) {
                ChargeKey key = order.key;
                key.product = ChargeProduct::intraday;
                other = rates_of(key);
            }
        }
        if (other == nullptr) {
            return;
        }
        const Executed kept = less(order.executed, changed);
        for (std::size_t line = 0; line < kOrderLines; ++line) {
            if (is_equity && is_tax_on_trades(line_at(line))) {
                continue;
            }
            RowsOfLine rows;
            rows.add(*own, line, kept);
            rows.add(*other, line, changed);
            for (const auto& [row, traded] : rows) {
                add(section, *row, traded);
            }
        }
        if (const ChargeRow* row = own->taker[index_of(ChargeLine::note)]; row != nullptr && kept.quantity.raw > 0) {
            section.note = row;
        }
    }

    static void add_turnover(SectionSums& section, const DayOrder& order) {
        const Money turnover = order.executed.turnover;
        const bool is_buy = order.key.side == Side::buy;
        if (order.key.segment == ChargeSegment::exercise) {
            section.obligation += is_buy ? turnover : -turnover;  // who holds the option receives its worth
            return;
        }
        (is_buy ? section.bought : section.sold) += turnover;
        section.obligation += is_buy ? -turnover : turnover;
    }

    static void add_api(SectionSums& section, const ChargeRates& rates, const Executed& executed) {
        const ExactCharges exact = exact_charges(rates, executed);
        std::array<Exact, kOrderLines> shown{};
        for (std::size_t line = 0; line < kOrderLines; ++line) {
            if (const ChargeRow* row = rates.taker[line]; row != nullptr) {
                shown[index_of(row->shown)] += exact.by_line[line];
            }
        }
        for (std::size_t line = 0; line < kOrderLines; ++line) {
            section.by_shown[line].api += half_up(shown[line], kPaisa);
        }
        section.gst_api += half_up(exact.gst, kPaisa);
    }

    void add_taxes(const std::string& exchange, const ScripDay& scrip) {
        const IntradaySplit split = scrip.split();
        const auto tax = [&](Side side, ChargeProduct product, Money turnover, Qty quantity) {
            if (quantity.raw == 0) {
                return;
            }
            const ChargeRates* rates = rates_of({exchange, ChargeSegment::equity, scrip.group, product, side});
            for (std::size_t line = 0; rates != nullptr && line < kOrderLines; ++line) {
                const ChargeRow* row = rates->taker[line];
                if (is_tax_on_trades(line_at(line)) && row != nullptr) {
                    add(sections_[exchange], *row, {turnover, quantity});
                }
            }
        };
        tax(Side::buy, ChargeProduct::intraday, split.intraday_bought, split.intraday);
        tax(Side::sell, ChargeProduct::intraday, split.intraday_sold, split.intraday);
        tax(Side::buy, ChargeProduct::delivery, split.delivery_bought, split.delivery_bought_quantity);
        tax(Side::sell, ChargeProduct::delivery, split.delivery_sold, split.delivery_sold_quantity);
    }

    void add(SectionSums& section, const ChargeRow& row, const Traded& traded) const {
        section.by_shown[index_of(row.shown)].add(row, place_of(row), traded);
    }

    /// The column in which an exchange stands: what its row of GST says.
    std::string column_of(const std::string& exchange) const {
        for (const ChargeRow& row : plan_.rows) {
            if (row.line == ChargeLine::gst && !row.column.empty() && holds_on(row, day_) &&
                (row.exchange.empty() || row.exchange == exchange)) {
                return row.column;
            }
        }
        return exchange;
    }

    Result<ContractNote> note() {
        ContractNote note;
        note.day = day_;
        std::map<std::string, std::vector<std::pair<const std::string, SectionSums>*>> columns;
        for (auto& section : sections_) {
            columns[column_of(section.first)].push_back(&section);
        }
        for (auto& [name, sections] : columns) {
            NoteColumn& column = note.columns.emplace_back();
            column.name = name;
            const auto noted = std::find_if(sections.begin(), sections.end(),
                                            [](const auto* section) { return section->second.note != nullptr; });
            if (noted != sections.end()) {
                SectionSums& section = (*noted)->second;
                add(section, *section.note, {Money{}, qty_of(1)});
            }
            GstSum gst;
            for (auto* section : sections) {
                column.sections.push_back(section_of(section->first, section->second, gst));
                column.obligation += section->second.obligation;
            }
            if (gst.is_mixed) {
                return fail(
                    ErrorKind::usage,
                    fmt::format("charges of the plan '{}': the column {} of the note has two rates of GST on {}",
                                plan_.name, name, to_iso(day_)));
            }
            if (gst.row != nullptr) {
                column.extra.push_back(gst_line(gst));
            }
            for (const NoteSection& section : column.sections) {
                add_up(column, section.lines);
            }
            add_up(column, column.extra);
            column.net = column.obligation - column.charges;
        }
        return note;
    }

    static void add_up(NoteColumn& column, const std::vector<NoteLine>& lines) {
        for (const NoteLine& line : lines) {
            column.charges += line.rounded;
            column.api_charges += line.api;
        }
    }

    struct GstSum {
        const ChargeRow* row = nullptr;
        bool is_mixed = false;
        Exact exact;    ///< what it is a part of, exactly
        Money printed;  ///< and as printed
        Money api;
        std::uint32_t count = 0;
    };

    NoteSection section_of(const std::string& exchange, const SectionSums& sums, GstSum& gst) const {
        NoteSection section{exchange, sums.bought, sums.sold, {}};
        if (sums.gst != nullptr) {
            gst.is_mixed = gst.is_mixed || (gst.row != nullptr && gst.row->rate != sums.gst->rate);
            gst.row = sums.gst;
        }
        gst.api += sums.gst_api;
        for (std::size_t line = 0; line < kOrderLines; ++line) {
            const LineSum& sum = sums.by_shown[line];
            if (sum.parts.empty()) {
                continue;
            }
            // Rows that are shown together are rounded alike (read_charges).
            const ChargeRounding rounding = plan_.rows[sum.parts.begin()->first].rounding;
            NoteLine& shown = section.lines.emplace_back(
                NoteLine{line_at(line), half_even(sum.sum), rounded(sum.sum, rounding), sum.api, rounding, false, {}});
            for (const auto& [place, part] : sum.parts) {
                const ChargeRow& row = plan_.rows[place];
                shown.is_in_doubt = shown.is_in_doubt || is_doubtful(row);
                shown.parts.push_back({place, part.turnover, part.count, half_even(part.exact)});
            }
            gst.exact += sum.taxed;
            gst.printed += rounded(sum.taxed, rounding);
            ++gst.count;
        }
        return section;
    }

    NoteLine gst_line(const GstSum& gst) const {
        const Exact exact = tax_on(gst.exact, gst.row->rate);
        const Money printed = rounded(part_of(gst.printed, gst.row->rate), gst.row->rounding);
        return {ChargeLine::gst,
                half_even(exact),
                printed,
                gst.api,
                gst.row->rounding,
                is_doubtful(*gst.row),
                {{place_of(*gst.row), gst.printed, gst.count, half_even(exact)}}};
    }

    std::uint32_t place_of(const ChargeRow& row) const { return static_cast<std::uint32_t>(&row - plan_.rows.data()); }

    const ChargePlan& plan_;
    Date day_;
    std::map<ChargeKey, ChargeRates> rates_;
    std::map<std::string, SectionSums> sections_;
    std::optional<Error> error_;
};

}  // namespace

Result<ContractNote> contract_note(const ChargePlan& plan, Date day, std::span<const DayExecution> executions,
                                   std::span<const CarriedFutures> carried) {
    return NoteWriter(plan, day).write(executions, carried);
}

Result<std::vector<LedgerCharge>> ledger_of(const ChargePlan& plan, Date day, std::span<const DayExecution> executions,
                                            std::span<const std::string> btst) {
    const auto orders = orders_of(executions);
    if (!orders) {
        return tl::unexpected(orders.error());
    }
    const auto scrips = scrips_of(*orders);
    if (!scrips) {
        return tl::unexpected(scrips.error());
    }
    std::vector<LedgerCharge> ledger;
    std::optional<Error> error;
    const auto book = [&](ChargeLine line, const ChargeKey& key, const std::string& scrip, std::uint64_t order) {
        auto rates = charge_rates(plan, key, day);
        if (!rates) {
            error = std::move(rates.error());
            return;
        }
        const ChargeRow* row = rates->taker[index_of(line)];
        if (row == nullptr || row->amount.raw == 0) {
            return;
        }
        LedgerCharge& charge = ledger.emplace_back();
        charge = {line,    scrip,
                  order,   rounded({row->amount.raw, 0, false}, row->rounding),
                  Money{}, static_cast<std::uint32_t>(row - plan.rows.data())};
        if (const ChargeRow* gst = rates->taker[index_of(ChargeLine::gst)]; gst != nullptr && row->in_gst_base) {
            charge.gst = rounded(part_of(charge.amount, gst->rate), gst->rounding);
        }
    };

    std::map<std::string, ChargeKey> delivered;  // the first exchange, by name, stands for all
    for (const auto& [place, scrip] : *scrips) {
        if (scrip.split().delivery_sold_quantity.raw > 0) {
            delivered.try_emplace(place.second, ChargeKey{place.first, ChargeSegment::equity, scrip.group,
                                                          ChargeProduct::delivery, Side::sell});
        }
    }
    for (const auto& [scrip, key] : delivered) {
        const bool is_btst = std::find(btst.begin(), btst.end(), scrip) != btst.end();
        book(is_btst ? ChargeLine::dp_btst : ChargeLine::dp, key, scrip, 0);
    }
    for (const auto& [id, order] : *orders) {
        if (order.is_square_off) {
            book(ChargeLine::square_off, order.key, "", id);
        }
    }
    if (error) {
        return tl::unexpected(std::move(*error));
    }
    return ledger;
}

}  // namespace alpha::markets
