#include "markets/margins.hpp"

#include "markets/charges.hpp"
#include "markets/data/margins.csv.hpp"
#include "markets/products.hpp"
#include "markets/rows.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace alpha::markets {

namespace {

/// "20%" as a part of one; an empty cell is none.
Decimal part_of_one(Cells& cells, std::string_view column) {
    std::string_view text = cells.optional(column);
    if (text.empty()) {
        return {};
    }
    const auto number = text.ends_with('%') ? parse_decimal(text.substr(0, text.size() - 1)) : Result<Decimal>{};
    if (!text.ends_with('%') || !number || number->raw < 0 || number->raw > Int128{100} * kScale ||
        number->raw % 100 != 0) {
        cells.refuse(column, "is no part of a value: write 20%, at most 100% with six decimals");
        return {};
    }
    return Decimal{number->raw / 100};
}

/// "NIFTY; NIFTY 50"; one empty name where there is none.
std::vector<std::string> names_of(std::string_view cell) {
    std::vector<std::string> names;
    for (std::size_t at = 0; at <= cell.size();) {
        const std::size_t end = std::min(cell.find(';', at), cell.size());
        std::string_view name = cell.substr(at, end - at);
        name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
        name = name.substr(0, name.find_last_not_of(' ') + 1);
        names.emplace_back(name);
        at = end + 1;
    }
    return names;
}

Result<std::vector<MarginRow>> rows_of(const Row& from) {
    Cells cells(from, {"product", "exchange", "kind", "underlying", "rate", "exposure", "expiry_exposure", "spread",
                       "from", "to", "doubt", "source", "grade"});
    MarginRow row;
    row.line_number = static_cast<std::uint32_t>(from.place.line);
    std::vector<Product> products;
    for (const std::string& product : cells.words("product")) {
        if (const auto named = named_as(product, Product::mtf); named) {
            products.push_back(*named);
        } else {
            cells.refuse("product", "names no product: write cnc, mis, nrml, mtf or none, with spaces between them");
        }
    }
    const std::string_view kind = cells.text("kind");
    if (const auto named = named_as(kind, MarginKind::option, MarginKind::share); named) {
        row.kind = *named;
    } else if (!kind.empty()) {
        cells.refuse("kind", "is no kind: write share, future or option");
    }
    cells.text("rate");
    row.rate = part_of_one(cells, "rate");
    row.exposure = part_of_one(cells, "exposure");
    row.expiry_exposure = part_of_one(cells, "expiry_exposure");
    row.spread = part_of_one(cells, "spread");
    row.from = cells.optional("from").empty() ? kFirstChargeDay : cells.date("from");
    row.to = cells.optional("to").empty() ? kLastChargeDay : cells.date("to");
    row.doubt = cells.optional("doubt");
    row.source = cells.source_if_any();
    const std::vector<std::string> exchanges = cells.words("exchange");
    const std::vector<std::string> underlyings = names_of(cells.optional("underlying"));
    if (row.kind == MarginKind::share && !underlyings.front().empty()) {
        cells.refuse("underlying", "cannot be: a share is written on nothing");
    }
    if (underlyings.size() > 1 && std::ranges::any_of(underlyings, &std::string::empty)) {
        cells.refuse("underlying", "has an empty name");
    }
    if (row.exposure.raw != 0 && row.kind == MarginKind::share) {
        cells.refuse("exposure", "is for futures and options: a share's rate is all that is asked");
    }
    if (row.expiry_exposure.raw != 0 && row.kind != MarginKind::option) {
        cells.refuse("expiry_exposure", "is for options that are sold");
    }
    if (row.spread.raw != 0 && row.kind != MarginKind::future) {
        cells.refuse("spread", "is for futures");
    }
    if (row.spread > row.rate) {  // or what protects would ask for more
        cells.refuse("spread", "is more than the rate");
    }
    if (row.from > row.to) {
        cells.refuse("to", "is before the row begins");
    }
    if (!cells.ok()) {
        return cells.failure();
    }
    std::vector<MarginRow> rows;
    for (const Product product : products) {
        for (const std::string& exchange : exchanges) {
            for (const std::string& underlying : underlyings) {
                rows.push_back(row);
                rows.back().product = product;
                rows.back().exchange = exchange;
                rows.back().underlying = underlying;
            }
        }
    }
    return rows;
}

Result<MarginRules> rules_of(const std::vector<Row>& from, const std::string& file, std::string name) {
    MarginRules rules;
    rules.name = std::move(name);
    for (const Row& each : from) {
        Result<std::vector<MarginRow>> rows = rows_of(each);
        if (!rows) {
            return tl::unexpected(rows.error());
        }
        rules.rows.insert(rules.rows.end(), rows->begin(), rows->end());
    }
    const Result<void> ordered = order_by_day(
        rules.rows, file,
        [](const MarginRow& row) { return std::tie(row.exchange, row.product, row.kind, row.underlying); },
        [](const MarginRow& row) {
            return fmt::format("{} of {} in {}{}{}", name_of(row.kind), row.exchange, name_of(row.product),
                               row.underlying.empty() ? "" : " on ", row.underlying);
        });
    if (!ordered) {
        return tl::unexpected(ordered.error());
    }
    if (rules.rows.empty()) {
        return refuse_at({file, 0, 0}, "a table of margins has at least one row");
    }
    return rules;
}

}  // namespace

MarginKind margin_kind(const Instrument& instrument) {
    return instrument.is_option()                      ? MarginKind::option
           : instrument.kind == InstrumentKind::future ? MarginKind::future
                                                       : MarginKind::share;
}

namespace {

/// How near a row is to an instrument: 0 not at all, 1 of its kind, 2 of what it is written on.
int nearness(const MarginRow& row, const Instrument& instrument, Product product) {
    if (row.product != product || row.kind != margin_kind(instrument) || row.exchange != exchange_of(instrument)) {
        return 0;
    }
    const std::string_view on = std::string_view(instrument.underlying).substr(instrument.underlying.find(':') + 1);
    const bool is_named = row.underlying == on || row.underlying == instrument.group;
    return row.underlying.empty() ? 1 : is_named ? 2 : 0;
}

}  // namespace

const MarginRow* find_margin(const MarginRules& rules, const Instrument& instrument, Product product, Date day) {
    const MarginRow* nearest = nullptr;
    int its = 0;
    for (const MarginRow& row : rules.rows) {
        if (row.from <= day && day <= row.to && nearness(row, instrument, product) > its) {
            nearest = &row;
            its = nearness(row, instrument, product);
        }
    }
    return nearest;
}

bool has_margin(const MarginRules& rules, const Instrument& instrument, Product product) {
    return std::ranges::any_of(rules.rows,
                               [&](const MarginRow& row) { return nearness(row, instrument, product) > 0; });
}

Result<MarginRules> embedded_margins(std::string_view name) {
    return read_plan("margins.csv", embedded::kMarginsCsv, "margins", name).and_then([&](const std::vector<Row>& rows) {
        return rules_of(rows, "margins.csv", std::string(name));
    });
}

Result<MarginRules> read_margins(std::string_view text, const std::string& file, std::string name) {
    const Result<std::vector<Row>> rows = read_csv_rows(file, text);
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    return rules_of(*rows, file, std::move(name));
}

}  // namespace alpha::markets
