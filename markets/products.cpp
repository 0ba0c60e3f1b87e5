#include "markets/products.hpp"

#include "markets/charges.hpp"
#include "markets/data/products.csv.hpp"
#include "markets/rows.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <tuple>

namespace alpha::markets {

namespace {

constexpr std::int32_t kDeliveryDaysMax = 10;

/// A number of days, from 1; 0 for an empty cell.
std::int32_t days_of(Cells& cells, std::string_view column) {
    const std::string_view text = cells.optional(column);
    if (text.empty()) {
        return 0;
    }
    std::int32_t days = 0;
    for (const char c : text) {
        days = c >= '0' && c <= '9' && days <= kDeliveryDaysMax ? days * 10 + (c - '0') : kDeliveryDaysMax + 1;
    }
    if (days < 1 || days > kDeliveryDaysMax) {
        cells.refuse(column, "is no number of days from 1 to 10");
    }
    return days;
}

Result<std::vector<ProductRow>> rows_of(const Row& from) {
    Cells cells(from, {"product", "exchange", "shorts", "square_off", "delivery_days", "btst", "from", "to", "doubt",
                       "source", "grade"});
    ProductRow row;
    row.line_number = static_cast<std::uint32_t>(from.place.line);
    const std::string_view product = cells.text("product");
    if (const auto named = named_as(product, Product::mtf, Product::cnc); named) {
        row.product = *named;
    } else if (!product.empty()) {
        cells.refuse("product", "is no product: write cnc, mis, nrml or mtf");
    }
    row.shorts = cells.yes("shorts");
    row.square_off_s = cells.optional("square_off").empty() ? 0 : cells.time_s("square_off");
    row.delivery_days = days_of(cells, "delivery_days");
    row.sells_unarrived = !cells.optional("btst").empty() && cells.yes("btst");
    row.from = cells.optional("from").empty() ? kFirstChargeDay : cells.date("from");
    row.to = cells.optional("to").empty() ? kLastChargeDay : cells.date("to");
    row.doubt = cells.optional("doubt");
    row.source = cells.source_if_any();
    const std::vector<std::string> exchanges = cells.words("exchange");
    const bool is_squared_off = !cells.optional("square_off").empty();
    if (is_squared_off && (row.square_off_s <= 0 || row.square_off_s >= kDayNs / kSecondNs)) {
        cells.refuse("square_off", "is no time before the close, such as 00:10");
    }
    if (row.from > row.to) {
        cells.refuse("to", "is before the row begins");
    }
    if (row.shorts && row.delivery_days != 0) {
        cells.refuse("shorts", "cannot be: what is delivered is not sold short");
    }
    if (!cells.ok()) {
        return cells.failure();
    }
    std::vector<ProductRow> rows;
    for (const std::string& exchange : exchanges) {
        rows.push_back(row);
        rows.back().exchange = exchange;
    }
    return rows;
}

Result<ProductRules> rules_of(const std::vector<Row>& from, const std::string& file, std::string name) {
    ProductRules rules;
    rules.name = std::move(name);
    for (const Row& each : from) {
        Result<std::vector<ProductRow>> rows = rows_of(each);
        if (!rows) {
            return tl::unexpected(rows.error());
        }
        rules.rows.insert(rules.rows.end(), rows->begin(), rows->end());
    }
    const Result<void> ordered = order_by_day(
        rules.rows, file, [](const ProductRow& row) { return std::tie(row.exchange, row.product); },
        [](const ProductRow& row) { return fmt::format("{} of {}", name_of(row.product), row.exchange); });
    if (!ordered) {
        return tl::unexpected(ordered.error());
    }
    if (rules.rows.empty()) {
        return refuse_at({file, 0, 0}, "a table of products has at least one row");
    }
    return rules;
}

}  // namespace

std::string_view exchange_of(const Instrument& instrument) {
    if (!instrument.exchange.empty()) {
        return instrument.exchange;
    }
    const std::size_t colon = instrument.name.find(':');
    return colon == std::string::npos ? std::string_view() : std::string_view(instrument.name).substr(0, colon);
}

const ProductRow* find_product(const ProductRules& rules, const Instrument& instrument, Product product, Date day) {
    const std::string_view exchange = exchange_of(instrument);
    const auto at = std::ranges::find_if(rules.rows, [&](const ProductRow& row) {
        return row.product == product && row.exchange == exchange && row.from <= day && day <= row.to;
    });
    return at == rules.rows.end() ? nullptr : &*at;
}

bool have_products(const ProductRules& rules, const Instrument& instrument) {
    return std::ranges::find(rules.rows, exchange_of(instrument), &ProductRow::exchange) != rules.rows.end();
}

bool may_hold(const ProductRules& rules, const Instrument& instrument, Product product) {
    if (product == Product::none) {
        return !have_products(rules, instrument);
    }
    const std::string_view exchange = exchange_of(instrument);
    return std::ranges::any_of(
        rules.rows, [&](const ProductRow& row) { return row.product == product && row.exchange == exchange; });
}

std::string products_of(const ProductRules& rules, const Instrument& instrument) {
    std::set<Product> products;
    for (const ProductRow& row : rules.rows) {
        if (row.exchange == exchange_of(instrument)) {
            products.insert(row.product);
        }
    }
    std::string text;
    std::size_t left = products.size();
    for (const Product product : products) {
        text += text.empty() ? "" : left == 1 ? " or " : ", ";
        text += name_of(product);
        --left;
    }
    return text;
}

Result<ProductRules> embedded_products(std::string_view name) {
    return read_plan("products.csv", embedded::kProductsCsv, "products", name)
        .and_then([&](const std::vector<Row>& rows) { return rules_of(rows, "products.csv", std::string(name)); });
}

Result<ProductRules> read_products(std::string_view text, const std::string& file, std::string name) {
    const Result<std::vector<Row>> rows = read_csv_rows(file, text);
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    return rules_of(*rows, file, std::move(name));
}

}  // namespace alpha::markets
