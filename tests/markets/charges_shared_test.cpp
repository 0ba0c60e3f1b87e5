/// Charges against the collections beside the project (../shared), which it does not need: skipped, loudly, where they are not there.

#include "markets/charges.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <yaml-cpp/yaml.h>

namespace alpha::markets {

namespace {

const std::string kShared = ALPHA_SOURCE_DIR "/../shared/";

bool is_there(const std::string& file) {
    if (std::filesystem::exists(kShared + file)) {
        return true;
    }
    WARN("SKIPPED: ../shared/" << file << " is not there");
    return false;
}

const ChargePlan& zerodha() {
    static const ChargePlan plan = embedded_charges("zerodha").value();
    return plan;
}

double shown(Money amount) {
    return static_cast<double>(amount.raw) / static_cast<double>(kScale);
}

Money decimal(const YAML::Node& node) {
    return parse_money(node.as<std::string>()).value();
}

/// A field of the API, without stamp duty, which these mocks leave out or round.
void check_against(const ChargeAmounts& charges, const YAML::Node& api) {
    const auto near = [](const YAML::Node& node, Money ours) {
        INFO(node.as<std::string>() << " instead of " << to_string(ours));
        CHECK(std::abs(node.as<double>() - shown(ours)) <= 1e-8);
    };
    near(api["transaction_tax"], charges[ChargeLine::stt] + charges[ChargeLine::ctt]);
    near(api["exchange_turnover_charge"], charges[ChargeLine::exchange] + charges[ChargeLine::ipft]);
    near(api["sebi_turnover_charge"], charges[ChargeLine::sebi]);
    near(api["brokerage"], charges[ChargeLine::brokerage]);
    near(api["gst"]["total"], charges[ChargeLine::gst]);
    near(api["total"], charges.total() - charges[ChargeLine::stamp]);
}

}  // namespace

TEST_CASE("the rows of Kite's virtual contract note", "[charges][shared]") {
    const std::string file = "kite/mocks/virtual_contract_note.json";
    if (!is_there(file)) {
        return;
    }
    const YAML::Node rows = YAML::LoadFile(kShared + file)["data"];
    CHECK(rows.size() == 3);
    for (const YAML::Node& row : rows) {
        const auto symbol = row["tradingsymbol"].as<std::string>();
        const auto exchange = row["exchange"].as<std::string>();
        INFO(symbol);
        ChargeKey key;
        key.exchange = exchange;
        key.segment = exchange == "NSE"         ? ChargeSegment::equity
                      : symbol.ends_with("FUT") ? ChargeSegment::futures
                                                : ChargeSegment::options;
        key.product = row["product"].as<std::string>() == "MIS" ? ChargeProduct::intraday : ChargeProduct::delivery;
        key.side = row["transaction_type"].as<std::string>() == "BUY" ? Side::buy : Side::sell;
        const auto rates = charge_rates(zerodha(), key, parse_date("2023-07-10").value());
        REQUIRE(rates);
        const Qty quantity = qty_of(row["quantity"].as<int>());
        const Money turnover = notional(Price{static_cast<std::int64_t>(decimal(row["price"]).raw)}, quantity);
        check_against(charges_of_fill(*rates, {}, Liquidity::taker, turnover, quantity), row["charges"]);
    }
}

TEST_CASE("our dated table against the collected one", "[charges][shared]") {
    const std::string file = "india/charges.csv";
    if (!is_there(file)) {
        return;
    }
    struct Where {
        const char* component;
        const char* product;
        ChargeLine line;
        std::vector<ChargeKey> keys;
    };
    using enum ChargeLine;
    const auto key = [](const char* exchange, ChargeSegment segment, Side side, const char* group = "ordinary",
                        ChargeProduct product = ChargeProduct::delivery) {
        return ChargeKey{exchange, segment, group, product, side};
    };
    using enum ChargeSegment;
    const std::vector<Where> table{
        {"STT", "equity delivery", stt, {key("NSE", equity, Side::buy), key("BSE", equity, Side::sell)}},
        {"STT", "equity intraday", stt, {key("NSE", equity, Side::sell, "ordinary", ChargeProduct::intraday)}},
        {"STT", "equity-oriented fund unit (ETF)", stt, {key("NSE", equity, Side::sell, "equity_fund")}},
        {"STT", "futures", stt, {key("NFO", futures, Side::sell)}},
        {"STT", "options premium", stt, {key("NFO", options, Side::sell)}},
        {"STT", "option exercised (cash settled) intrinsic", stt, {key("NFO", exercise, Side::buy)}},
        {"STT", "option exercised intrinsic", stt, {key("BFO", exercise, Side::buy)}},
        {"ETC", "NSE cash", exchange, {key("NSE", equity, Side::buy), key("NSE", equity, Side::sell, "equity_fund")}},
        {"ETC", "NSE futures", exchange, {key("NFO", futures, Side::buy)}},
        {"ETC", "NSE options premium", exchange, {key("NFO", options, Side::buy)}},
        {"IPFT", "NSE cash & futures", ipft, {key("NSE", equity, Side::buy), key("NFO", futures, Side::sell)}},
        {"IPFT", "NSE options", ipft, {key("NFO", options, Side::buy)}},
        {"IPFT", "NSE currency futures", ipft, {key("CDS", futures, Side::buy)}},
        {"IPFT", "NSE currency options", ipft, {key("CDS", options, Side::buy)}},
        {"ETC", "BSE Sensex & Bankex options", exchange, {key("BFO", options, Side::buy, "SENSEX")}},
        {"ETC", "BSE Sensex50 & stock options", exchange, {key("BFO", options, Side::buy, "stock")}},
        {"ETC", "BSE futures", exchange, {key("BFO", futures, Side::buy)}},
        {"ETC", "NSE currency futures", exchange, {key("CDS", futures, Side::sell)}},
        {"ETC", "NSE currency options", exchange, {key("CDS", options, Side::sell)}},
        {"ETC", "BSE currency futures", exchange, {key("BCD", futures, Side::sell)}},
        {"ETC", "BSE currency options", exchange, {key("BCD", options, Side::sell)}},
        {"ETC", "MCX futures", exchange, {key("MCX", futures, Side::sell)}},
        {"ETC", "MCX options premium", exchange, {key("MCX", options, Side::sell)}},
        {"CTT", "MCX non-agri futures", ctt, {key("MCX", futures, Side::sell)}},
        {"CTT", "MCX options premium", ctt, {key("MCX", options, Side::sell)}},
        {"SEBI", "same", sebi, {key("NSE", equity, Side::sell), key("MCX", options, Side::buy)}},
        {"STAMP", "equity delivery", stamp, {key("NSE", equity, Side::buy)}},
        {"STAMP", "equity intraday", stamp, {key("BSE", equity, Side::buy, "ordinary", ChargeProduct::intraday)}},
        {"STAMP",
         "futures equity & commodity",
         stamp,
         {key("NFO", futures, Side::buy), key("MCX", futures, Side::buy)}},
        {"STAMP",
         "options equity & commodity",
         stamp,
         {key("NFO", options, Side::buy), key("MCX", options, Side::buy)}},
        {"STAMP", "currency & IRD", stamp, {key("CDS", futures, Side::buy)}},
        {"STAMP", "physically delivered derivative", stamp, {key("NFO", physical, Side::buy)}},
    };
    std::ifstream csv(kShared + file);
    std::string line;
    int compared = 0;
    while (std::getline(csv, line)) {
        std::vector<std::string> fields;
        std::istringstream cells(line);
        for (std::string cell; std::getline(cells, cell, ',');) {
            fields.push_back(cell);
        }
        if (fields.size() < 7 || (fields[4] != "%" && fields[4] != "Rs/cr")) {
            continue;
        }
        const auto at = std::find_if(table.begin(), table.end(), [&](const Where& where) {
            return fields[0] == where.component && fields[1] == where.product;
        });
        const auto from = parse_date(fields[5]);
        if (at == table.end()) {
            continue;
        }
        const Date first = from.value_or(parse_date("2024-09-30").value());  // "2021?": some day before its end
        const Date last = fields[6].empty() ? parse_date("2026-11-26").value() : parse_date(fields[6]).value();
        for (const ChargeKey& k : at->keys) {
            for (const Date on : {first, last}) {
                INFO(line << " on " << to_iso(on));
                const auto rates = charge_rates(zerodha(), k, on);
                REQUIRE(rates);
                const ChargeRow* row = rates->taker[static_cast<std::size_t>(at->line)];
                REQUIRE(row != nullptr);
                const double scale = fields[4] == "%" ? 1e12 : 1e7;
                CHECK(row->rate.e14 == std::llround(std::stod(fields[3]) * scale));
                ++compared;
            }
        }
    }
    CHECK(compared > 100);
}

}  // namespace alpha::markets
