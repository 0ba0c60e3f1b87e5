#pragma once
/// What trading costs, line by line, by dated tables.
///
/// A plan is a list of rows. A row says what one line (brokerage, a tax, the exchange's charge ...) takes of one kind of execution between
/// two days, who says so, and how sure that is. Three things are read off a plan:
///
///   charges_of      what one execution adds to its order, exact to 1e-8: what a fill's fact carries
///   contract_note   the day's note: every line rounded as the exchange does, and beside it what Kite's API would say
///   ledger_of       what is booked beside the note: depository and square-off charges
///
/// | amount                     | exact in                    | rounded                                                     |
/// |----------------------------|-----------------------------|-------------------------------------------------------------|
/// | a line of an order         | 1e-22 (turnover x rate)     | half-even to 1e-8, once: cumulative after minus before      |
/// | GST of an order            | 1e-36 (sum of lines x rate) | half-even to 1e-8, once: cumulative after minus before      |
/// | a line of the note         | 1e-22, summed over the day  | half up to the rupee or paisa, as the row says, once        |
/// | GST of the note            | 1e-22                       | half up to the paisa, once a column, of the printed lines   |
/// | a line as the API shows it | 1e-22                       | half up to the paisa, once an order                         |
///
/// **Charges of an order do not depend on how its fills are cut**: each fill gets the charges of the order with it less those without it,
/// so a cap and a rounding come out once, whatever the number of fills.
///
/// What the market's rules leave open is open here: where a row is in doubt, it says so (`doubt`), and every line of a note names its rows.
/// Sources of the rules: markets/data/charges.csv, row by row.

#include "events/event.hpp"
#include "events/fixed.hpp"
#include "events/market.hpp"
#include "events/result.hpp"
#include "events/time.hpp"
#include "markets/rows.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alpha::markets {

/// Whether it is a tax on trades (stt, ctt, stamp): where shares trade, computed of a scrip's whole day and not order by order.
constexpr bool is_tax_on_trades(ChargeLine line) {
    return line == ChargeLine::stt || line == ChargeLine::ctt || line == ChargeLine::stamp;
}

// ---- plans ---------------------------------------------------------------------------------------------------------------

/// What rows without an end say: 9999-12-31. Without a beginning: 0001-01-01.
inline constexpr Date kLastChargeDay{2'932'896};
inline constexpr Date kFirstChargeDay{-719'162};

/// "0.15% of premium, selling options on NFO, from 2026-04-01; NSE/FATAX/73524 [official]", and what is in doubt.
std::string describe(const ChargeRow& row);

/// The plans within the program: "zerodha", and "india", which lacks what a broker asks.
Result<ChargePlan> embedded_charges(std::string_view name);

/// Reads a plan of CSV as read_csv_rows does. A line "extends: india" may stand before the header: the rows of that embedded plan count too.
/// Columns, in any order; all but the first three may be absent or empty:
///
///   line, base                as the enumerators are called
///   value                     "0.1%", "306.99/cr" (per crore, 1e7), or an amount: "20"
///   exchange, group           names, or several separated by spaces; * or empty: any
///   segment, product, side, liquidity  enumerators, likewise
///   minimum, maximum          amounts; a maximum may be "1%" of turnover
///   shown, rounding, gst (yes, no), column, from, to, doubt   as in ChargeRow
///   source, grade             as in Source; a user's own are `stated`
///
/// Refused with file:line: unknown names, values off their scale, a base that does not fit its line or value, days that end before they
/// begin, and two rows of a line that hold for the same execution. Tables with tiers by the month's turnover are refused: an engine that
/// decides by the day cannot know them yet.
Result<ChargePlan> read_charges(std::string_view text, const std::string& file, std::string name);
/// The same of rows that come from elsewhere (YAML); `extends` may be empty.
Result<ChargePlan> read_charges(std::span<const Row> rows, const std::string& file, std::string name,
                                std::string_view extends);

// ---- one execution ---------------------------------------------------------------------------------------------------------

/// Which rows hold: what of an execution they ask for.
struct ChargeKey {
    std::string exchange;
    ChargeSegment segment = ChargeSegment::equity;
    std::string group = "ordinary";
    ChargeProduct product = ChargeProduct::delivery;
    Side side = Side::buy;
    friend auto operator<=>(const ChargeKey&, const ChargeKey&) = default;
};

/// The key of what an order trades, on the exchange that the instrument names, or its name before a colon. Only MIS is intraday; where a market has no products it is delivery, the dearer one in India.
ChargeKey charge_key(const Instrument& instrument, Product product, Side side);
/// By what a scrip is the same on all exchanges: its ISIN, else its name.
inline const std::string& scrip_of(const Instrument& instrument) {
    return instrument.isin.empty() ? instrument.name : instrument.isin;
}

/// The rows that hold for one key on one day. Points into its plan, which must outlive it unchanged. Can be kept for the day.
struct ChargeRates {
    /// By line; nullptr: the plan has no such line there.
    std::array<const ChargeRow*, kChargeLines> taker{};
    std::array<const ChargeRow*, kChargeLines> maker{};
};

/// Refused, saying which: a plan that knows nothing of the exchange and segment, or that has a line for them but no row for this day, group,
/// product or side. A line is never taken for nothing because its row is missing. O(rows).
Result<ChargeRates> charge_rates(const ChargePlan& plan, const ChargeKey& key, Date day);

/// What an order has executed on a day.
struct Executed {
    Money turnover;  ///< sum of price x quantity, not negative
    Qty quantity;
    Money maker_turnover;  ///< of these
    Qty maker_quantity;
    friend bool operator==(const Executed&, const Executed&) = default;

    void add(Liquidity liquidity, Money fill_turnover, Qty fill_quantity) {
        turnover += fill_turnover;
        quantity += fill_quantity;
        if (liquidity == Liquidity::maker) {
            maker_turnover += fill_turnover;
            maker_quantity += fill_quantity;
        }
    }
};

/// Amounts by line.
struct ChargeAmounts {
    std::array<Money, kChargeLines> by_line{};
    Money operator[](ChargeLine line) const { return by_line[static_cast<std::size_t>(line)]; }
    Money& operator[](ChargeLine line) { return by_line[static_cast<std::size_t>(line)]; }
    Money total() const;
    friend bool operator==(const ChargeAmounts&, const ChargeAmounts&) = default;
};

/// All that an order costs which executed so much on a day: exact, each line half-even once to 1e-8. Not negative but for rebates.
ChargeAmounts charges_of(const ChargeRates& rates, const Executed& executed);

/// What a fill adds: the charges after it less those before it.
ChargeAmounts charges_of_fill(const ChargeRates& rates, const Executed& before, Liquidity liquidity, Money turnover,
                              Qty quantity);

// ---- the day -----------------------------------------------------------------------------------------------------------------

/// An execution of the day; also an option's exercise or a delivery (segment).
struct DayExecution {
    std::uint64_t order = 0;  ///< executions of one order have one key and scrip
    ChargeKey key;            ///< its product is that of the order
    std::string scrip;        ///< what was traded, by a name that is the same on all exchanges (ISIN): only of equity
    Liquidity liquidity = Liquidity::taker;
    Qty quantity;                ///< positive
    Money turnover;              ///< price x quantity, not negative
    bool is_square_off = false;  ///< by the broker, which asks for it
};

/// The orders in which an option is exercised: parts of at most `freeze`; zero: there is no limit. (3,000 at 1,800: 1,800 and 1,200.)
std::vector<Qty> exercise_legs(Qty quantity, Qty freeze);

/// Of what one scrip traded on one exchange and day: the quantity that was bought and sold is intraday, the rest of the greater side is
/// delivery, each at its side's average price: so NSE reckons the tax (NSE/CMTR/5588), whatever the orders' products say. Turnover is
/// divided half-even once; what is left is delivery.
struct IntradaySplit {
    Money intraday_bought, intraday_sold, delivery_bought, delivery_sold;
    Qty intraday;  ///< of each side
    Qty delivery_bought_quantity, delivery_sold_quantity;
    friend bool operator==(const IntradaySplit&, const IntradaySplit&) = default;
};
IntradaySplit split_intraday(Money bought, Qty bought_quantity, Money sold, Qty sold_quantity);

/// A row's part in a line of the note.
struct NotePart {
    std::uint32_t row = 0;    ///< in ChargePlan::rows: rate, period, base, source, doubt
    Money turnover;           ///< of what it was asked (of GST: the sum of the lines it taxes)
    std::uint32_t count = 0;  ///< of how many orders, or parts of orders
    Money exact;              ///< what it came to, half-even to 1e-8
    friend bool operator==(const NotePart&, const NotePart&) = default;
};

struct NoteLine {
    ChargeLine line = ChargeLine::brokerage;
    Money exact;    ///< sum over the day, half-even once to 1e-8
    Money rounded;  ///< what the contract note prints
    Money api;  ///< what Kite's API would say: the sum of each order's line to the paisa, by the order's own product
    ChargeRounding rounding = ChargeRounding::none;
    bool is_in_doubt = false;  ///< some row is, and took something or might have
    std::vector<NotePart> parts;
    friend bool operator==(const NoteLine&, const NoteLine&) = default;
};

/// What was done on one exchange's segment (NSE, NFO ...).
struct NoteSection {
    std::string exchange;
    Money bought, sold;           ///< turnover; what was exercised is in neither
    std::vector<NoteLine> lines;  ///< in the order of ChargeLine, without GST
    friend bool operator==(const NoteSection&, const NoteSection&) = default;
};

/// A column of the note: the exchanges for which GST is added up once.
struct NoteColumn {
    std::string name;
    std::vector<NoteSection> sections;  ///< by name of the exchange
    std::vector<NoteLine> extra;        ///< what is due once a note: GST and the like
    Money obligation;                   ///< sold - bought + exercised + carried: above 0 the client receives
    Money charges;                      ///< all rounded lines
    Money api_charges;                  ///< all API lines
    Money net;                          ///< obligation - charges
    friend bool operator==(const NoteColumn&, const NoteColumn&) = default;
};

struct ContractNote {
    Date day;
    std::vector<NoteColumn> columns;  ///< by name
    friend bool operator==(const ContractNote&, const ContractNote&) = default;
};

/// What daily settlement adds to an exchange's obligation beside the day's trades: less the value of futures carried in, at the last
/// settlement price, plus the value of those carried out, at today's (a short's values are negative).
struct CarriedFutures {
    std::string exchange;
    Money amount;
};

/// The note of a day. Executions in any order: the note is the same. Taxes on shares (stt, stamp) are reckoned by IntradaySplit; of an order for
/// delivery, the part that came out intraday pays intraday brokerage, orders of the product intraday first, the others in proportion.
/// Whether the rupee of a tax is rounded per exchange's segment, as here, or per security is not known.
/// Refused: rows that are missing (charge_rates), an order with two keys or scrips, a quantity or turnover that cannot be.
Result<ContractNote> contract_note(const ChargePlan& plan, Date day, std::span<const DayExecution> executions,
                                   std::span<const CarriedFutures> carried = {});

/// Something booked beside the note, with its own GST.
struct LedgerCharge {
    ChargeLine line = ChargeLine::dp;
    std::string scrip;        ///< of dp and dp_btst
    std::uint64_t order = 0;  ///< of square_off
    Money amount, gst;        ///< each half up to the paisa
    std::uint32_t row = 0;    ///< in ChargePlan::rows
    friend bool operator==(const LedgerCharge&, const LedgerCharge&) = default;
};

/// What a day adds to the ledger: dp of each scrip of which more was sold than bought on some exchange, once, by the name of the scrip;
/// dp_btst instead where `btst` names it: shares bought the day before that had not arrived (all that were sold). Then square_off of each
/// order so marked. Amounts of 0 are left out.
Result<std::vector<LedgerCharge>> ledger_of(const ChargePlan& plan, Date day, std::span<const DayExecution> executions,
                                            std::span<const std::string> btst);

}  // namespace alpha::markets
