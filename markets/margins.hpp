#pragma once
/// What a broker asks for positions as margin, by dated tables (markets/data/margins.csv or a user's of the same form). How a portfolio's
/// margin is reckoned from it is kernel/margin.hpp.

#include "events/instrument.hpp"
#include "events/margin.hpp"
#include "events/result.hpp"

#include <string>
#include <string_view>

namespace alpha::markets {

/// What kind of rows is about an instrument.
MarginKind margin_kind(const Instrument& instrument);

/// The row for an instrument under a product on a day: one that names what it is written on, else one that names nothing. Null: the rules do
/// not say what is asked. O(rows).
const MarginRow* find_margin(const MarginRules& rules, const Instrument& instrument, Product product, Date day);

/// Whether the rules ask anything of an instrument under a product on some day. O(rows).
bool has_margin(const MarginRules& rules, const Instrument& instrument, Product product);

/// The table within the program: "zerodha".
Result<MarginRules> embedded_margins(std::string_view name);
/// Reads a table of CSV as read_csv_rows does. Columns, in any order:
///
///   product, exchange    enumerators and names; several are separated by spaces. Product none: where a market has no products
///   kind                 share, future or option: options that are sold, for who buys one pays it in full
///   underlying           "NIFTY; NIFTY 50": contracts whose underlying, its exchange left out, or whose group is called so; empty: all others
///   rate                 "20%": of what it is worth; of an option, of what its underlying is
///   exposure             of futures and options, the same, asked beside it, and for spreads as well; empty: nothing
///   expiry_exposure      the same, on top for options that are sold, on their last day; empty: nothing
///   spread               of the dearer month, for futures of two months against each other; empty: each is asked for itself. At most the rate
///   from, to             first and last day; empty: from ever, for ever
///   doubt, source, grade as in charges; a user's own are `stated`
///
/// Refused with file:line: what cannot be read, days that end before they begin, two rows of one thing on one day.
Result<MarginRules> read_margins(std::string_view text, const std::string& file, std::string name);

}  // namespace alpha::markets
