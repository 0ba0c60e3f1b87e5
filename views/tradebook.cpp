#include "views/tradebook.hpp"

#include "events/text.hpp"
#include "views/csv.hpp"
#include "views/json.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <tuple>

namespace alpha {

namespace {

/// What Kite calls a segment of an exchange, and what Console does.
struct Market {
    std::string_view kite;
    std::string_view exchange;
    std::string_view segment;
};
constexpr std::array<Market, 7> kMarkets{{{"NSE", "NSE", "EQ"},
                                          {"BSE", "BSE", "EQ"},
                                          {"NFO", "NSE", "FO"},
                                          {"BFO", "BSE", "FO"},
                                          {"CDS", "NSE", "CDS"},
                                          {"BCD", "BSE", "CDS"},
                                          {"MCX", "MCX", "COM"}}};

bool is_number(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// A number without its zeros in front, by length; texts behind all numbers.
std::tuple<bool, std::size_t, std::string_view> rank_of(std::string_view id) {
    if (!is_number(id)) {
        return {true, 0, id};
    }
    id.remove_prefix(std::min(id.find_first_not_of('0'), id.size()));
    return {false, id.size(), id};
}

std::string six_decimals(std::string text) {
    constexpr std::size_t kDecimals = 6;
    std::size_t point = text.find('.');
    if (point == std::string::npos) {
        point = text.size();
        text += '.';
    }
    const std::size_t decimals = text.size() - point - 1;
    return text + std::string(decimals < kDecimals ? kDecimals - decimals : 0, '0');
}

std::string expiry_of(const TradebookRow& row) {
    return row.expiry == kNoDay ? std::string() : to_iso(row.expiry);
}

}  // namespace

std::string instrument_of(const TradebookRow& row) {
    if (row.exchange.empty()) {
        return row.symbol;
    }
    const auto* const market = std::ranges::find_if(
        kMarkets, [&](const Market& each) { return each.exchange == row.exchange && each.segment == row.segment; });
    return fmt::format("{}:{}", market == kMarkets.end() ? row.exchange : market->kite, row.symbol);
}

void describe_instrument(TradebookRow& row, const Instrument& of) {
    const std::size_t colon = of.name.find(':');
    const bool has_prefix = colon != std::string::npos;
    row.symbol = has_prefix ? of.name.substr(colon + 1) : of.name;
    const std::string kite = has_prefix ? of.name.substr(0, colon) : of.exchange;
    row.isin = of.isin;
    row.expiry = of.expires() ? of.expiry : kNoDay;
    const auto* const market = std::ranges::find(kMarkets, kite, &Market::kite);
    if (market != kMarkets.end()) {
        row.exchange = market->exchange;
        row.segment = market->segment;
    } else {
        row.exchange = kite;
        row.segment = of.kind == InstrumentKind::share                      ? "EQ"
                      : of.kind == InstrumentKind::future || of.is_option() ? "FO"
                                                                            : "";
    }
    row.series = row.segment == "EQ" ? "EQ" : "";
}

bool is_before(const TradebookRow& a, const TradebookRow& b) {
    const auto key = [](const TradebookRow& row) {
        return std::tuple(row.second(), rank_of(row.trade), rank_of(row.order), std::string_view(row.exchange),
                          std::string_view(row.segment), std::string_view(row.symbol), row.side);
    };
    return key(a) < key(b);
}

std::string india_time(Time t) {
    const Time local{floor_of(t, Duration{kSecondNs}).ns + kIndiaOffsetS * kSecondNs};
    std::string text = to_iso(local);
    text.erase(text.find_first_of(".Z"));
    return text;
}

std::string tradebook_csv(std::span<const TradebookRow> rows) {
    const bool has_expiry = std::ranges::any_of(rows, [](const TradebookRow& row) { return row.expiry != kNoDay; });
    std::string out(kTradebookColumns);
    out += has_expiry ? fmt::format(",{}\n", kTradebookExpiry) : "\n";
    for (const TradebookRow& row : rows) {
        out += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{}", csv_field(row.symbol), csv_field(row.isin),
                           to_iso(row.date), csv_field(row.exchange), csv_field(row.segment), csv_field(row.series),
                           name_of(row.side), row.is_auction ? "true" : "false", six_decimals(to_string(row.quantity)),
                           six_decimals(to_string(row.price)), csv_field(row.trade), csv_field(row.order),
                           india_time(row.time));
        out += has_expiry ? fmt::format(",{}\n", expiry_of(row)) : "\n";
    }
    return out;
}

std::string tradebook_json(const TradebookRow& row) {
    JsonObject object;
    object.text("symbol", row.symbol)
        .text("isin", row.isin)
        .text("trade_date", to_iso(row.date))
        .text("exchange", row.exchange)
        .text("segment", row.segment)
        .text("series", row.series)
        .text("trade_type", name_of(row.side))
        .flag("auction", row.is_auction)
        .decimal("quantity", row.quantity)
        .decimal("price", row.price)
        .text("trade_id", row.trade)
        .text("order_id", row.order)
        .text("order_execution_time", india_time(row.time))
        .json("expiry_date", row.expiry == kNoDay ? "null" : json_string(to_iso(row.expiry)));
    return object.done();
}

}  // namespace alpha
