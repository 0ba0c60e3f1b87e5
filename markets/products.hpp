#pragma once
/// How positions can be held: products of Indian brokers, by dated tables (markets/data/products.csv or a user's of the same form).
///
/// A table that has a row for an exchange says of all its products whether there are such: an order under one that it does not name, or
/// under none, is refused there (rule product). Of an exchange that it does not name it knows nothing, and only `none` is one there.

#include "events/instrument.hpp"
#include "events/product.hpp"
#include "events/result.hpp"

#include <string>
#include <string_view>

namespace alpha::markets {

/// The segment of an exchange that an instrument is listed on: as it says, or its name before a colon; empty: neither.
std::string_view exchange_of(const Instrument& instrument);

/// Null: the product is none of the instrument's on that day. O(rows).
const ProductRow* find_product(const ProductRules& rules, const Instrument& instrument, Product product, Date day);
/// Whether the rules say anything of the instrument's exchange, on whatever day. O(rows).
bool have_products(const ProductRules& rules, const Instrument& instrument);
/// Whether the product is one of the instrument's exchange on some day: `none` where the rules say nothing of it. O(rows).
bool may_hold(const ProductRules& rules, const Instrument& instrument, Product product);
/// "cnc, mis or mtf": what can be written for the instrument's exchange. Empty: nothing.
std::string products_of(const ProductRules& rules, const Instrument& instrument);

/// The table within the program: "zerodha".
Result<ProductRules> embedded_products(std::string_view name);
/// Reads a table of CSV as read_csv_rows does. Columns, in any order:
///
///   product, exchange    enumerators and names; several exchanges are separated by spaces
///   shorts               yes or no
///   square_off           "00:10": how long before continuous trading ends the broker closes it; empty: it is carried
///   delivery_days        settlement days until bought shares arrive; empty: none are delivered
///   btst                 yes or no: whether they may be sold before that
///   from, to             first and last day; empty: from ever, for ever
///   doubt, source, grade as in charges; a user's own are `stated`
///
/// Refused with file:line: what cannot be read, days that end before they begin, two rows of one product on one day.
Result<ProductRules> read_products(std::string_view text, const std::string& file, std::string name);

}  // namespace alpha::markets
