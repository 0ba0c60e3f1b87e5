#include "markets/charges.hpp"
#include "tests/properties/exact_model.hpp"

#include <algorithm>
#include <iterator>
#include <rapidcheck/catch.h>

namespace alpha::markets {

namespace {

using Line = ChargeLine;
using Segment = ChargeSegment;
using Product = ChargeProduct;

Date day(const char* text) {
    return parse_date(text).value();
}
Money money(const char* text) {
    return parse_money(text).value();
}
Qty qty(const char* text) {
    return parse_qty(text).value();
}

const ChargePlan& zerodha() {
    static const ChargePlan plan = embedded_charges("zerodha").value();
    return plan;
}

ChargePlan plan_of(const std::string& text) {
    auto plan = read_charges(text, "my.csv", "my");
    INFO((plan ? std::string() : plan.error().message));
    REQUIRE(plan);
    return *plan;
}

ChargeRates rates(const ChargePlan& plan, const ChargeKey& key, const char* on) {
    auto found = charge_rates(plan, key, day(on));
    INFO((found ? std::string() : found.error().message));
    REQUIRE(found);
    return *found;
}

/// What one order of one fill costs.
ChargeAmounts cost(const ChargeKey& key, const char* on, const char* turnover, const char* quantity = "1",
                   const ChargePlan& plan = zerodha()) {
    return charges_of_fill(rates(plan, key, on), {}, Liquidity::taker, money(turnover), qty(quantity));
}

const ChargeKey kDeliveryBuy{"NSE", Segment::equity, "ordinary", Product::delivery, Side::buy};
const ChargeKey kDeliverySell{"NSE", Segment::equity, "ordinary", Product::delivery, Side::sell};
const ChargeKey kIntradayBuy{"NSE", Segment::equity, "ordinary", Product::intraday, Side::buy};
const ChargeKey kIntradaySell{"NSE", Segment::equity, "ordinary", Product::intraday, Side::sell};
const ChargeKey kOptionBuy{"NFO", Segment::options, "NIFTY", Product::delivery, Side::buy};
const ChargeKey kOptionSell{"NFO", Segment::options, "NIFTY", Product::delivery, Side::sell};
const ChargeKey kFutureBuy{"NFO", Segment::futures, "NIFTY", Product::delivery, Side::buy};
const ChargeKey kFutureSell{"NFO", Segment::futures, "NIFTY", Product::delivery, Side::sell};

DayExecution execution(std::uint64_t order, const ChargeKey& key, const char* quantity, const char* turnover,
                       const char* scrip = "") {
    DayExecution e;
    e.order = order;
    e.key = key;
    e.scrip = scrip;
    e.quantity = qty(quantity);
    e.turnover = money(turnover);
    return e;
}

ContractNote note_of(const char* on, const std::vector<DayExecution>& executions,
                     const std::vector<CarriedFutures>& carried = {}, const ChargePlan& plan = zerodha()) {
    auto note = contract_note(plan, day(on), executions, carried);
    INFO((note ? std::string() : note.error().message));
    REQUIRE(note);
    return *note;
}

/// The lines of a column, added over its sections: "brokerage 20 stt 5 ...", as the note prints them or as the API would.
std::string lines_of(const NoteColumn& column, Money NoteLine::* which = &NoteLine::rounded) {
    std::array<Money, kChargeLines> sums{};
    std::array<bool, kChargeLines> is_there{};
    const auto add = [&](const std::vector<NoteLine>& lines) {
        for (const NoteLine& line : lines) {
            sums[static_cast<std::size_t>(line.line)] += line.*which;
            is_there[static_cast<std::size_t>(line.line)] = true;
        }
    };
    for (const NoteSection& section : column.sections) {
        add(section.lines);
    }
    add(column.extra);
    std::string text;
    for (std::size_t i = 0; i < kChargeLines; ++i) {
        if (is_there[i]) {
            text += std::string(text.empty() ? "" : " ") + name_of(static_cast<Line>(i)) + " " + to_string(sums[i]);
        }
    }
    return text;
}

const NoteColumn& only_column(const ContractNote& note) {
    REQUIRE(note.columns.size() == 1);
    return note.columns.front();
}

/// The lines of an order that are not nothing, and their sum.
std::string text(const ChargeAmounts& amounts) {
    std::string out;
    for (std::size_t i = 0; i < kChargeLines; ++i) {
        if (amounts.by_line[i].raw != 0) {
            out += std::string(name_of(static_cast<Line>(i))) + " " + to_string(amounts.by_line[i]) + ", ";
        }
    }
    return out + "total " + to_string(amounts.total());
}

}  // namespace

// ---- notes and answers that exist (the numbers are those of the documents) ------------------------------------------

TEST_CASE("V1: a commodity note of 2025-06-18", "[charges][vectors]") {
    const ChargeKey buy{"MCX", Segment::options, "ordinary", Product::delivery, Side::buy};
    ChargeKey sell = buy;
    sell.side = Side::sell;
    // 20 at 491.45 bought and 20 at 475.60 sold, in two orders each.
    const auto note = note_of("2025-06-18", {execution(1, buy, "10", "4914.50"), execution(2, buy, "10", "4914.50"),
                                             execution(3, sell, "10", "4756"), execution(4, sell, "10", "4756")});
    const NoteColumn& column = only_column(note);
    CHECK(column.name == "commodity");
    CHECK(lines_of(column) == "brokerage 80 ctt 5 exchange 8.08 sebi 0.02 stamp 0.29 gst 15.86");
    CHECK(to_string(column.obligation) == "-317");
    CHECK(to_string(column.net) == "-426.25");
}

TEST_CASE("V3: Kite's answer of 2026-09-25", "[charges][vectors]") {
    const auto note = note_of("2026-09-25", {execution(1, kOptionSell, "65", "5635.50")});
    const NoteColumn& column = only_column(note);
    CHECK(lines_of(column, &NoteLine::api) == "brokerage 20 stt 8.45 exchange 2 sebi 0.01 stamp 0 gst 3.96");
    CHECK(to_string(column.api_charges) == "34.42");
    // The note of that day rounds the tax to the rupee.
    CHECK(lines_of(column) == "brokerage 20 stt 8 exchange 2 sebi 0.01 stamp 0 gst 3.96");
}

TEST_CASE("V4: an undated cash note, whose exchange charge alone does not follow from one exchange's rate",
          "[charges][vectors]") {
    const auto note = note_of("2025-06-18", {execution(1, kDeliveryBuy, "10", "20419.25", "A")});
    const NoteColumn& column = only_column(note);
    CHECK(lines_of(column).starts_with("brokerage 0.01 stt 20 exchange 0.63 sebi 0.02 stamp 3"));
    // With its exchange charge as printed, GST and net are as printed.
    const ChargePlan printed = plan_of("line,base,value,rounding,gst,exchange,side\n"
                                       "brokerage,order,0.01,paisa,yes,NSE,\n"
                                       "exchange,order,0.69,paisa,yes,NSE,\n"
                                       "sebi,turnover,10/cr,paisa,yes,NSE,\n"
                                       "stt,turnover,0.1%,rupee,no,NSE,\n"
                                       "stamp,turnover,0.015%,rupee,no,NSE,buy\n"
                                       "stamp,turnover,0%,rupee,no,NSE,sell\n"
                                       "gst,charges,18%,paisa,no,NSE,\n");
    const auto as_printed = note_of("2025-06-18", {execution(1, kDeliveryBuy, "10", "20419.25", "A")}, {}, printed);
    CHECK(lines_of(only_column(as_printed)) == "brokerage 0.01 stt 20 exchange 0.69 sebi 0.02 stamp 3 gst 0.13");
    CHECK(to_string(only_column(as_printed).net) == "-20443.1");
}

TEST_CASE("V5: a note of futures and options of 2026-05-26", "[charges][vectors]") {
    // Its trades are not known. 96 orders; 8.33 of SEBI's fee, 124.84 of stamp duty and 2926.53 of exchange charges follow from premiums of
    // 4,161,333 bought and 4,168,978 sold (7,645 more), of which 1,096,700 on BSE: 3,553 and 3,250 per crore.
    ChargeKey bse_buy{"BFO", Segment::options, "SENSEX", Product::delivery, Side::buy};
    ChargeKey bse_sell = bse_buy;
    bse_sell.side = Side::sell;
    std::vector<DayExecution> executions{
        execution(1, kOptionBuy, "100", "3600000"), execution(2, bse_buy, "100", "561333"),
        execution(3, kOptionSell, "100", "3633611"), execution(4, bse_sell, "100", "535367")};
    for (std::uint64_t order = 5; order <= 96; ++order) {
        executions.push_back(execution(order, kOptionBuy, "1", "0"));
    }
    const auto note = note_of("2026-05-26", executions);
    const NoteColumn& column = only_column(note);
    CHECK(column.name == "derivatives");
    CHECK(column.sections.size() == 2);
    // 0.18 x (1920 + 2926.53 + 8.33) = 873.8748: once for both exchanges. The note has 6,252 of STT, a rupee less than
    // follows from its turnover.
    CHECK(lines_of(column) == "brokerage 1920 stt 6253 exchange 2926.53 sebi 8.33 stamp 125 gst 873.87");
    CHECK(to_string(column.obligation) == "7645");
    CHECK(to_string(column.net + money("1")) == "-4460.73");
}

TEST_CASE("V6 to V8: a calculator's totals at the rates of October 2024 to March 2026", "[charges][vectors]") {
    const auto round_trip = [](const ChargeKey& buy, const ChargeKey& sell) {
        const auto in = cost(buy, "2025-06-02", "500000", "500");
        const auto out = cost(sell, "2025-06-02", "500000", "500");
        ChargeAmounts sum;
        for (std::size_t i = 0; i < kChargeLines; ++i) {
            sum.by_line[i] = in.by_line[i] + out.by_line[i];
        }
        return text(sum);
    };
    // 40 + 125 + 30.70 + 1 + 15 + 12.91 = 224.61
    CHECK(round_trip(kIntradayBuy, kIntradaySell) ==
          "brokerage 40, stt 125, exchange 29.7, sebi 1, ipft 1, stamp 15, gst 12.906, total 224.606");
    // 0 + 1000 + 30.70 + 1 + 75 + 5.71 = 1112.41
    CHECK(round_trip(kDeliveryBuy, kDeliverySell) ==
          "stt 1000, exchange 29.7, sebi 1, ipft 1, stamp 75, gst 5.706, total 1112.406");
    // 40 + 100 + 18.30 + 1 + 10 + 10.67 = 179.97
    CHECK(round_trip(kFutureBuy, kFutureSell) ==
          "brokerage 40, stt 100, exchange 17.3, sebi 1, ipft 1, stamp 10, gst 10.674, total 179.974");
}

TEST_CASE("V10: another broker's note of 2024-11-13, two units of a liquid fund", "[charges][vectors]") {
    const ChargePlan india = embedded_charges("india").value();
    ChargeKey key = kDeliveryBuy;
    key.group = "other_fund";
    const auto note = note_of("2024-11-13", {execution(1, key, "2", "210.68", "LIQUID")}, {}, india);
    CHECK(lines_of(only_column(note)) == "stt 0 exchange 0.01 sebi 0 stamp 0 gst 0");
    CHECK(to_string(only_column(note).net) == "-210.69");
}

TEST_CASE("V11 and V12: what exercise costs, split by the freeze quantity", "[charges][vectors]") {
    const ChargeKey exercise{"NFO", Segment::exercise, "NIFTY", Product::delivery, Side::buy};
    CHECK(to_string(cost(exercise, "2023-08-31", "300000", "3000")[Line::stt]) == "375");
    CHECK(to_string(cost(exercise, "2022-01-27", "750000", "7500")[Line::stt]) == "937.5");
    CHECK(to_string(cost(exercise, "2026-04-01", "750000", "7500")[Line::stt]) == "1125");

    const auto legs = exercise_legs(qty("3000"), qty("1800"));
    CHECK(legs == std::vector<Qty>{qty("1800"), qty("1200")});
    CHECK(exercise_legs(qty("3600"), qty("1800")).size() == 2);
    CHECK(exercise_legs(qty("1800"), qty("1800")).size() == 1);
    CHECK(exercise_legs(qty("1800"), qty("0")) == std::vector<Qty>{qty("1800")});
    CHECK(exercise_legs(qty("0"), qty("1800")).empty());

    // 3,000 at 100 in the money: two orders of 20, and the holder receives 300,000.
    const auto note =
        note_of("2023-08-31", {execution(1, exercise, "1800", "180000"), execution(2, exercise, "1200", "120000")});
    CHECK(lines_of(only_column(note)) == "brokerage 40 stt 375 gst 7.2");
    CHECK(to_string(only_column(note).obligation) == "300000");
    CHECK(to_string(only_column(note).net) == "299577.8");
    // The writer pays the other way round, without the tax.
    ChargeKey written = exercise;
    written.side = Side::sell;
    const auto assigned = note_of("2023-08-31", {execution(1, written, "1800", "180000")});
    CHECK(lines_of(only_column(assigned)) == "brokerage 20 stt 0 gst 3.6");
    CHECK(to_string(only_column(assigned).obligation) == "-180000");
    CHECK(only_column(assigned).sections[0].lines[0].is_in_doubt);
}

TEST_CASE("V13: 51 paise of tax are a rupee on the note", "[charges][vectors]") {
    const auto note = note_of(
        "2023-08-31", {execution(1, kIntradayBuy, "20", "2071", "A"), execution(2, kIntradaySell, "20", "2071", "A")});
    const NoteColumn& column = only_column(note);
    const auto stt = std::find_if(column.sections[0].lines.begin(), column.sections[0].lines.end(),
                                  [](const NoteLine& line) { return line.line == Line::stt; });
    CHECK(to_string(stt->exact) == "0.51775");
    CHECK(to_string(stt->rounded) == "1");
    CHECK(to_string(stt->api) == "0.52");
}

TEST_CASE("V16: a cash note at 307 per crore", "[charges][vectors]") {
    const auto note = note_of(
        "2026-05-04", {execution(1, kDeliveryBuy, "3", "20000.15", "A"), execution(2, kDeliveryBuy, "5", "9424", "B")});
    const NoteColumn& column = only_column(note);
    CHECK(lines_of(column) == "brokerage 0.01 stt 29 exchange 0.9 sebi 0.03 stamp 4 gst 0.17");
    CHECK(to_string(column.net) == "-29458.26");
}

TEST_CASE("V17 to V22: Kite's mocks of January and July 2023", "[charges][vectors]") {
    // virtual_contract_note.json. It shows no stamp duty; all else is exact.
    const auto sbin = cost(kDeliveryBuy, "2023-07-10", "560");
    CHECK(text(sbin) == "stt 0.56, exchange 0.0182, sebi 0.00056, ipft 0.00056, stamp 0.084, gst 0.0033768, "
                        "total 0.6666968");
    CHECK(to_string(sbin[Line::exchange] + sbin[Line::ipft]) == "0.01876");
    CHECK(to_string(sbin.total() - sbin[Line::stamp]) == "0.5826968");
    const ChargeKey gold{"MCX", Segment::futures, "ordinary", Product::delivery, Side::sell};
    CHECK(text(cost(gold, "2023-07-04", "5862")) == "brokerage 1.7586, ctt 0.5862, exchange 0.152412, sebi 0.005862, "
                                                    "gst 0.34503732, total 2.84811132");
    const auto put = cost(kOptionBuy, "2023-07-10", "150", "100");
    CHECK(to_string(put[Line::exchange] + put[Line::ipft]) == "0.07575");
    CHECK(to_string(put[Line::sebi]) == "0.00015");
    CHECK(to_string(put[Line::gst]) == "3.613527");
    CHECK(to_string(put.total() - put[Line::stamp]) == "23.689427");

    // order_margins.json: INFY, 1498, January 2023. Its brokerage of 0.01 is the note's, and taxed.
    const auto infy = cost(kDeliveryBuy, "2023-01-15", "1498");
    CHECK(to_string(infy[Line::stt]) == "1.498");
    CHECK(to_string(infy[Line::exchange]) == "0.051681");
    CHECK(to_string(infy[Line::sebi]) == "0.001498");
    CHECK(to_string(infy[Line::stamp]) == "0.2247");
    CHECK(to_string(infy[Line::gst] + money("0.0018")) == "0.01137222");

    // basket_margins.json, before the investor protection fund was in the answers. GST 3.841118775 and 3.647006325: halves go to even.
    const auto sold = cost(kOptionSell, "2023-07-10", "2673.75", "50");
    CHECK(to_string(sold[Line::stt]) == "1.67109375");
    CHECK(to_string(sold[Line::exchange]) == "1.336875");
    CHECK(to_string(sold[Line::sebi]) == "0.00267375");
    CHECK(to_string(sold[Line::gst]) == "3.84111878");
    const auto bought = cost(kOptionBuy, "2023-07-10", "521.25", "50");
    CHECK(to_string(bought[Line::stt]) == "0");
    CHECK(to_string(bought[Line::exchange]) == "0.260625");
    CHECK(to_string(bought[Line::sebi]) == "0.00052125");
    CHECK(to_string(bought[Line::gst]) == "3.64700632");
}

// ---- years ---------------------------------------------------------------------------------------------------------------

TEST_CASE("the same trade in 2022, 2023, 2025 and 2026", "[charges]") {
    SECTION("options sold for 100,000") {
        // 2022: STT 0.05 %; 5,300 per crore; IPFT 0.01 per crore, not taxed. GST 0.18 x (20 + 53 + 0.1) = 13.158
        CHECK(text(cost(kOptionSell, "2022-06-15", "100000", "1000")) ==
              "brokerage 20, stt 50, exchange 53, sebi 0.1, ipft 0.0001, gst 13.158, total 136.2581");
        // 2023: STT 0.0625 %; 5,000; IPFT 50, not taxed. GST 0.18 x (20 + 50 + 0.1) = 12.618
        CHECK(text(cost(kOptionSell, "2023-06-15", "100000", "1000")) ==
              "brokerage 20, stt 62.5, exchange 50, sebi 0.1, ipft 0.5, gst 12.618, total 145.718");
        // 2025: STT 0.1 %; 3,503; IPFT 50, taxed. GST 0.18 x (20 + 35.03 + 0.5 + 0.1) = 10.0134
        CHECK(text(cost(kOptionSell, "2025-06-16", "100000", "1000")) ==
              "brokerage 20, stt 100, exchange 35.03, sebi 0.1, ipft 0.5, gst 10.0134, total 165.6434");
        // 2026: STT 0.15 %; 3,552; IPFT 1, taxed. GST 0.18 x (20 + 35.52 + 0.01 + 0.1) = 10.0134
        CHECK(text(cost(kOptionSell, "2026-06-15", "100000", "1000")) ==
              "brokerage 20, stt 150, exchange 35.52, sebi 0.1, ipft 0.01, gst 10.0134, total 215.6434");
    }
    SECTION("futures sold for 1,000,000: 0.03 % would be 300, so brokerage is 20") {
        // 2022: STT 0.01 %; 200 per crore; IPFT 0.01. GST 0.18 x (20 + 20 + 1) = 7.38
        CHECK(text(cost(kFutureSell, "2022-06-15", "1000000", "75")) ==
              "brokerage 20, stt 100, exchange 20, sebi 1, ipft 0.001, gst 7.38, total 148.381");
        // 2023: STT 0.0125 %; 190; IPFT 10. GST 0.18 x (20 + 19 + 1) = 7.2
        CHECK(text(cost(kFutureSell, "2023-06-15", "1000000", "75")) ==
              "brokerage 20, stt 125, exchange 19, sebi 1, ipft 1, gst 7.2, total 173.2");
        // 2025: STT 0.02 %; 173; IPFT 10, taxed. GST 0.18 x (20 + 17.3 + 1 + 1) = 7.074
        CHECK(text(cost(kFutureSell, "2025-06-16", "1000000", "75")) ==
              "brokerage 20, stt 200, exchange 17.3, sebi 1, ipft 1, gst 7.074, total 246.374");
        // 2026: STT 0.05 %; 182.99; IPFT 0.01, taxed. GST 0.18 x (20 + 18.299 + 0.001 + 1) = 7.074
        CHECK(text(cost(kFutureSell, "2026-06-15", "1000000", "75")) ==
              "brokerage 20, stt 500, exchange 18.299, sebi 1, ipft 0.001, gst 7.074, total 546.374");
    }
    SECTION("shares bought for 100,000 and delivered: 2026 only moved 10 per crore from one line to the other") {
        CHECK(text(cost(kDeliveryBuy, "2022-06-15", "100000")) ==
              "stt 100, exchange 3.45, sebi 0.1, ipft 0.0001, stamp 15, gst 0.639, total 119.1891");
        CHECK(text(cost(kDeliveryBuy, "2023-06-15", "100000")) ==
              "stt 100, exchange 3.25, sebi 0.1, ipft 0.1, stamp 15, gst 0.603, total 119.053");
        CHECK(text(cost(kDeliveryBuy, "2025-06-16", "100000")) ==
              "stt 100, exchange 2.97, sebi 0.1, ipft 0.1, stamp 15, gst 0.5706, total 118.7406");
        CHECK(text(cost(kDeliveryBuy, "2026-06-15", "100000")) ==
              "stt 100, exchange 3.0699, sebi 0.1, ipft 0.0001, stamp 15, gst 0.5706, total 118.7406");
    }
    SECTION("a row's first and last days") {
        const auto stt = [](const char* on) { return to_string(cost(kOptionSell, on, "100000")[Line::stt]); };
        CHECK(stt("2023-03-31") == "50");
        CHECK(stt("2023-04-01") == "62.5");
        CHECK(stt("2024-09-30") == "62.5");
        CHECK(stt("2024-10-01") == "100");
        CHECK(stt("2026-03-31") == "100");
        CHECK(stt("2026-04-01") == "150");
        const auto sebi = [](const char* on) { return to_string(cost(kOptionSell, on, "10000000")[Line::sebi]); };
        CHECK(sebi("2020-05-31") == "10");
        CHECK(sebi("2020-06-01") == "5");
        CHECK(sebi("2021-03-31") == "5");
        CHECK(sebi("2021-04-01") == "10");
    }
}

// ---- what is known, and what is not -----------------------------------------------------------------------------------

TEST_CASE("every day has exactly one row for each needed line", "[charges]") {
    struct Market {
        ChargeKey key;
        const char* from;
        std::vector<Line> lines;
    };
    using enum ChargeLine;
    const std::vector<Market> markets{
        {{"NSE", Segment::equity, "ordinary"}, "2020-01-01", {brokerage, stt, exchange, sebi, ipft, stamp, gst}},
        {{"NSE", Segment::equity, "equity_fund"}, "2020-01-01", {brokerage, stt, exchange, sebi, ipft, stamp, gst}},
        {{"NSE", Segment::equity, "other_fund"}, "2020-01-01", {brokerage, stt, exchange, sebi, ipft, stamp, gst}},
        {{"BSE", Segment::equity, "ordinary"}, "2020-01-01", {brokerage, stt, exchange, sebi, stamp, gst}},
        {{"BSE", Segment::equity, "x"}, "2020-01-01", {brokerage, stt, exchange, sebi, stamp, gst}},
        {{"BSE", Segment::equity, "ss"}, "2020-01-01", {brokerage, stt, exchange, sebi, stamp, gst}},
        {{"NFO", Segment::futures, "NIFTY"}, "2020-01-01", {brokerage, stt, exchange, sebi, ipft, stamp, gst}},
        {{"NFO", Segment::options, "stock"}, "2020-01-01", {brokerage, stt, exchange, sebi, ipft, stamp, gst}},
        {{"NFO", Segment::exercise, "NIFTY"}, "2020-01-01", {brokerage, stt, gst}},
        {{"NFO", Segment::physical, "stock"}, "2020-01-01", {brokerage, stt, stamp, gst}},
        {{"BFO", Segment::futures, "SENSEX"}, "2024-10-01", {brokerage, stt, exchange, sebi, stamp, gst}},
        {{"BFO", Segment::options, "SENSEX"}, "2024-10-01", {brokerage, stt, exchange, sebi, stamp, gst}},
        {{"BFO", Segment::options, "stock"}, "2024-10-01", {brokerage, stt, exchange, sebi, stamp, gst}},
        {{"BFO", Segment::exercise, "SENSEX"}, "2020-01-01", {brokerage, stt, gst}},
        {{"CDS", Segment::futures, "USDINR"}, "2020-01-01", {brokerage, exchange, sebi, ipft, stamp, gst}},
        {{"CDS", Segment::options, "USDINR"}, "2020-01-01", {brokerage, exchange, sebi, ipft, stamp, gst}},
        {{"BCD", Segment::futures, "USDINR"}, "2024-10-01", {brokerage, exchange, sebi, stamp, gst}},
        {{"BCD", Segment::options, "USDINR"}, "2024-10-01", {brokerage, exchange, sebi, stamp, gst}},
        {{"MCX", Segment::futures, "ordinary"}, "2020-01-01", {brokerage, ctt, exchange, sebi, stamp, gst}},
        {{"MCX", Segment::options, "ordinary"}, "2020-01-01", {brokerage, ctt, exchange, sebi, stamp, gst}},
    };
    for (const Market& market : markets) {
        for (const Side side : {Side::buy, Side::sell}) {
            for (const Product product : {Product::delivery, Product::intraday}) {
                ChargeKey key = market.key;
                key.side = side;
                key.product = product;
                // By hand, over the rows.
                std::array<std::vector<const ChargeRow*>, kChargeLines> rows;
                for (const ChargeRow& row : zerodha().rows) {
                    if (row.exchange == key.exchange && row.segment == key.segment &&
                        (row.group.empty() || row.group == key.group) && row.product.value_or(product) == product &&
                        row.side.value_or(side) == side) {
                        rows[static_cast<std::size_t>(row.line)].push_back(&row);
                    }
                }
                for (Date d = day(market.from); d <= day("2026-11-26"); d.days += 1) {
                    const auto found = charge_rates(zerodha(), key, d);
                    if (!found) {
                        FAIL(found.error().message);
                    }
                    for (std::size_t line = 0; line <= static_cast<std::size_t>(gst); ++line) {
                        const auto holding = std::count_if(rows[line].begin(), rows[line].end(), [&](const auto* row) {
                            return row->from <= d && d <= row->to;
                        });
                        const bool is_needed = std::find(market.lines.begin(), market.lines.end(),
                                                         static_cast<Line>(line)) != market.lines.end();
                        if (holding != (is_needed ? 1 : 0) || (found->taker[line] != nullptr) != is_needed ||
                            found->taker[line] != found->maker[line]) {
                            FAIL(key.exchange << " " << name_of(*rows[line].front()->segment) << " "
                                              << name_of(static_cast<Line>(line)) << " " << to_iso(d) << ": "
                                              << holding);
                        }
                    }
                }
            }
        }
    }
}

TEST_CASE("every row within the program says who says so", "[charges]") {
    for (const ChargeRow& row : zerodha().rows) {
        INFO(describe(row));
        CHECK_FALSE(row.source.text.empty());
        CHECK(row.source.grade != Grade::stated);
        CHECK((row.source.grade != Grade::unknown && row.source.grade != Grade::general) ==
              (row.source.text != "none"));
        CHECK((row.source.text != "none" || !row.doubt.empty()));
        CHECK_FALSE(row.exchange.empty());
        CHECK(row.segment.has_value());
        CHECK(row.from >= day("2020-01-01"));
        CHECK(row.rate.e14 >= 0);
    }
}

TEST_CASE("what a plan does not know is refused, and said why", "[charges]") {
    const auto why = [](const ChargeKey& key, const char* on) {
        const auto found = charge_rates(zerodha(), key, day(on));
        return found ? "known" : found.error().message;
    };
    CHECK(why(kDeliveryBuy, "2019-12-31") ==
          "charges of the plan 'zerodha': no row of brokerage holds for buying equity (ordinary, delivery) on NSE on "
          "2019-12-31; its rows there are of days from 2020-01-01 to 9999-12-31");
    CHECK(why({"BFO", Segment::options, "SENSEX"}, "2024-09-30") ==
          "charges of the plan 'zerodha': no row of exchange holds for buying options (SENSEX, delivery) on BFO on "
          "2024-09-30; its rows there are of days from 2024-10-01 to 9999-12-31");
    CHECK(why({"BFO", Segment::options, "ordinary"}, "2025-09-30") ==
          "charges of the plan 'zerodha': no row of exchange holds for buying options (ordinary, delivery) on BFO on "
          "2025-09-30; the groups there are BANKEX, SENSEX, SENSEX50, stock");
    CHECK(why({"NSE", Segment::futures, "NIFTY"}, "2025-09-30") ==
          "charges of the plan 'zerodha': it knows nothing of futures on 'NSE'");
    CHECK(why({"XNYS", Segment::equity, "ordinary"}, "2025-09-30") ==
          "charges of the plan 'zerodha': it knows nothing of equity on 'XNYS'");
    CHECK_FALSE(embedded_charges("upstox"));
    CHECK(to_iso(kFirstChargeDay) == "0001-01-01");
    CHECK(to_iso(kLastChargeDay) == "9999-12-31");
}

TEST_CASE("a row tells rate, kind, period, source and doubt", "[charges]") {
    const auto found = rates(zerodha(), kOptionSell, "2026-09-25");
    const auto of = [&](Line line) { return describe(*found.taker[static_cast<std::size_t>(line)]); };
    CHECK(of(Line::stt) ==
          "0.15% of premium, selling options on NFO, from 2026-04-01; NSE/FATAX/73524; Kite's answer of "
          "2026-09-25 (exact) [official]");
    CHECK(of(Line::exchange) ==
          "0.03552% of premium, options on NFO, from 2026-03-01; NSE/FA/73061; Kite's answer of 2026-09-25 (exact) "
          "[official]");
    CHECK(of(Line::ipft) == "0.00001% of premium, options on NFO, from 2026-03-01; NSE/FA/73061 [official]; in "
                            "doubt: the circular's table says 1; its text says the level before April 2023 (0.01)");
    CHECK(of(Line::gst).starts_with("18% of the lines it taxes, options on NFO, from 2020-01-01; "));
    const auto shares = rates(zerodha(), kIntradaySell, "2026-09-25");
    CHECK(describe(*shares.taker[0])
              .starts_with("0.03% of turnover, at most 20, intraday equity on NSE, from 2020-01-01"));
    const auto delivered = rates(zerodha(), kDeliverySell, "2022-09-25");
    CHECK(describe(*delivered.taker[static_cast<std::size_t>(Line::dp)])
              .starts_with("13.5 a scrip and day, selling delivery equity on NSE, from 2020-01-01, to 2024-09-30"));
}

// ---- fills --------------------------------------------------------------------------------------------------------------

TEST_CASE("a cap is met once, over all fills of an order", "[charges]") {
    const ChargeRates intraday = rates(zerodha(), kIntradaySell, "2025-06-16");
    Executed order;
    const auto fill = [&](const char* turnover) {
        const auto added = charges_of_fill(intraday, order, Liquidity::taker, money(turnover), qty("1"));
        order.add(Liquidity::taker, money(turnover), qty("1"));
        return to_string(added[Line::brokerage]);
    };
    CHECK(fill("40000") == "12");  // 0.03 % of 40,000
    CHECK(fill("40000") == "8");   // 24 in all, capped at 20
    CHECK(fill("40000") == "0");
}

TEST_CASE("a row that holds for makers and takers sees the whole order", "[charges]") {
    const ChargeRates options = rates(zerodha(), kOptionSell, "2025-06-16");
    Executed order;
    order.add(Liquidity::taker, money("100"), qty("1"));
    const auto added = charges_of_fill(options, order, Liquidity::maker, money("100"), qty("1"));
    CHECK(to_string(added[Line::brokerage]) == "0");
    order.add(Liquidity::maker, money("100"), qty("1"));
    CHECK(to_string(charges_of(options, order)[Line::brokerage]) == "20");
}

TEST_CASE("a tax just above half of 1e-8 goes up", "[charges]") {
    // 1e-8 x (1 - 1e-14) x (0.5 + 1e-14) is half of 1e-8 and 5e-23 besides, less than what 22 decimals hold.
    const ChargePlan plan = plan_of("line,base,value,gst\n"
                                    "fee,turnover,9999999.9999999/cr,yes\n"
                                    "gst,charges,5000000.0000001/cr,\n");
    CHECK(to_string(cost({"X", Segment::equity}, "2025-06-16", "0.00000001", "1", plan)[Line::gst]) == "0.00000001");
    const ChargePlan half = plan_of("line,base,value,gst\n"
                                    "fee,turnover,100%,yes\n"
                                    "gst,charges,50%,\n");
    CHECK(to_string(cost({"X", Segment::equity}, "2025-06-16", "0.00000001", "1", half)[Line::gst]) == "0");
}

TEST_CASE("other markets: per share with bounds, makers and takers, a flat part of turnover", "[charges]") {
    SECTION("0.005 a share, at least 1, at most 1 % of what was traded; a fee of sales; another of shares") {
        const ChargePlan plan = plan_of("line,base,value,minimum,maximum,side\n"
                                        "brokerage,share,0.005,1,1%,\n"
                                        "fee,turnover,0.00278%,,,sell\n"
                                        "fee,turnover,0%,,,buy\n"
                                        "levy,share,0.000166,,8.30,sell\n"
                                        "levy,share,0,,,buy\n");
        const ChargeKey sell{"XNYS", Segment::equity, "ordinary", Product::delivery, Side::sell};
        CHECK(describe(plan.rows.front()) == "0.005 a share, at least 1, at most 1% of turnover [stated]");
        CHECK(text(cost(sell, "2025-06-16", "15000", "100", plan)) ==
              "brokerage 1, fee 0.417, levy 0.0166, total 1.4336");
        CHECK(to_string(cost(sell, "2025-06-16", "150000", "1000", plan)[Line::brokerage]) == "5");
        CHECK(to_string(cost(sell, "2025-06-16", "20", "100", plan)[Line::brokerage]) == "0.2");  // 1 % of 20
        CHECK(to_string(cost(sell, "2025-06-16", "15000000", "100000", plan)[Line::levy]) == "8.3");
        // Many fills of a share each: the minimum is met once.
        const ChargeRates found = rates(plan, sell, "2025-06-16");
        Executed order;
        ChargeAmounts sum;
        for (int i = 0; i < 300; ++i) {
            const auto added = charges_of_fill(found, order, Liquidity::taker, money("150"), qty("1"));
            order.add(Liquidity::taker, money("150"), qty("1"));
            sum[Line::brokerage] += added[Line::brokerage];
            CHECK(to_string(added[Line::brokerage]) == (i == 0 ? "1" : i < 200 ? "0" : "0.005"));
        }
        CHECK(to_string(sum[Line::brokerage]) == "1.5");
    }
    SECTION("a maker's rebate") {
        const ChargePlan plan = plan_of("line,liquidity,base,value\n"
                                        "fee,taker,turnover,0.04%\n"
                                        "fee,maker,turnover,-0.01%\n");
        CHECK(describe(plan.rows.back()) == "-0.01% of turnover, as a maker [stated]");
        const ChargeRates found = rates(plan, {"BINANCE", Segment::equity}, "2025-06-16");
        CHECK(text(charges_of_fill(found, {}, Liquidity::maker, money("1000"), qty("1"))) == "fee -0.1, total -0.1");
        CHECK(text(charges_of_fill(found, {}, Liquidity::taker, money("1000"), qty("1"))) == "fee 0.4, total 0.4");
        Executed both;
        both.add(Liquidity::maker, money("1000"), qty("1"));
        both.add(Liquidity::taker, money("500"), qty("1"));
        CHECK(text(charges_of(found, both)) == "fee 0.1, total 0.1");
        // Half of 1e-8, either way, goes to even: 0.00005 x 0.0001 = 5e-9; 0.00015 x 0.0001 = 1.5e-8.
        CHECK(text(charges_of_fill(found, {}, Liquidity::maker, money("0.00005"), qty("1"))) == "total 0");
        CHECK(text(charges_of_fill(found, {}, Liquidity::maker, money("0.00015"), qty("1"))) ==
              "fee -0.00000002, total -0.00000002");
    }
    SECTION("another broker of India") {
        const ChargePlan plan =
            plan_of("# flat\nextends: india\nline,exchange,segment,base,value,maximum,rounding,gst\n"
                    "brokerage,NSE BSE,equity,turnover,0.1%,20,paisa,yes\n");
        CHECK(text(cost(kDeliveryBuy, "2026-06-15", "10000", "1", plan)) ==
              "brokerage 10, stt 10, exchange 0.30699, sebi 0.01, ipft 0.00001, stamp 1.5, gst 1.85706, "
              "total 23.67406");
        CHECK_FALSE(charge_rates(plan, kDeliveryBuy, day("2019-06-15")));
    }
}

// ---- the day --------------------------------------------------------------------------------------------------------------

TEST_CASE("what was bought and sold of a scrip is intraday, the rest delivery", "[charges][note]") {
    // 100 bought at 200, 30 of them sold at 210: 30 intraday at each side's average, 70 delivered.
    const IntradaySplit split = split_intraday(money("20000"), qty("100"), money("6300"), qty("30"));
    CHECK(to_string(split.intraday_bought) == "6000");
    CHECK(to_string(split.intraday_sold) == "6300");
    CHECK(to_string(split.delivery_bought) == "14000");
    CHECK(to_string(split.delivery_sold) == "0");
    CHECK(split.intraday == qty("30"));
    CHECK(split.delivery_bought_quantity == qty("70"));
    CHECK(split.delivery_sold_quantity == qty("0"));
    CHECK(split_intraday(money("0"), qty("0"), money("0"), qty("0")) == IntradaySplit{});

    // Ordered for delivery both. STT 14,000 x 0.1 % + 6,300 x 0.025 % = 14 + 1.575 -> 16; stamp 14,000 x 0.015 % + 6,000 x
    // 0.003 % = 2.28 -> 2; brokerage 0.03 % of 6,000 and of 6,300 = 1.80 + 1.89, and the note's 0.01; exchange 26,300 x 307
    // per crore = 0.81; SEBI 0.0263 -> 0.03; GST 0.18 x (3.70 + 0.81 + 0.03) = 0.8172 -> 0.82.
    const auto note = note_of("2025-06-16", {execution(1, kDeliveryBuy, "100", "20000", "A"),
                                             execution(2, kDeliverySell, "30", "6300", "A")});
    const NoteColumn& column = only_column(note);
    CHECK(lines_of(column) == "brokerage 3.7 stt 16 exchange 0.81 sebi 0.03 stamp 2 gst 0.82");
    // The API goes by the orders' product: STT 20 + 6.30, stamp 3; exchange 0.61 + 0.19; GST 0.18 x 0.634 = 0.11 and 0.18 x
    // 0.19971 = 0.04.
    CHECK(lines_of(column, &NoteLine::api) == "brokerage 0 stt 26.3 exchange 0.8 sebi 0.03 stamp 3 gst 0.15");

    // The same under the product intraday for what was intraday.
    const auto by_product = note_of("2025-06-16", {execution(1, kDeliveryBuy, "70", "14000", "A"),
                                                   execution(2, kIntradayBuy, "30", "6000", "A"),
                                                   execution(3, kIntradaySell, "30", "6300", "A")});
    CHECK(lines_of(only_column(by_product)) == lines_of(column));
    // On two exchanges nothing is intraday.
    ChargeKey bse_sell = kDeliverySell;
    bse_sell.exchange = "BSE";
    const auto apart = note_of(
        "2025-06-16", {execution(1, kDeliveryBuy, "100", "20000", "A"), execution(2, bse_sell, "30", "6300", "A")});
    CHECK(lines_of(only_column(apart)).starts_with("brokerage 0.01 stt 26 "));
}

TEST_CASE("columns stand apart, open futures count by what daily settlement adds", "[charges][note]") {
    // 75 sold at 25,000, of which none were carried in; at the day's end they are worth 25,100: a short of -1,882,500.
    const auto note = note_of(
        "2026-06-15", {execution(1, kFutureSell, "75", "1875000"), execution(2, kDeliveryBuy, "10", "1000", "A")},
        {{"NFO", money("-1882500")}});
    REQUIRE(note.columns.size() == 2);
    CHECK(note.columns[0].name == "derivatives");
    CHECK(to_string(note.columns[0].obligation) == "-7500");
    CHECK(note.columns[1].name == "equity");
    CHECK(to_string(note.columns[1].obligation) == "-1000");
    // Carried futures alone make a column, without charges.
    const auto carried = note_of("2026-06-15", {}, {{"NFO", money("500")}});
    CHECK(only_column(carried).name == "derivatives");
    CHECK(to_string(only_column(carried).net) == "500");
    CHECK(note_of("2026-06-15", {}).columns.empty());
}

TEST_CASE("a line of the note names its rows, and says where one is in doubt", "[charges][note]") {
    const auto note = note_of("2020-03-02", {execution(1, kDeliveryBuy, "10", "10000", "A")});
    const NoteSection& section = only_column(note).sections.at(0);
    for (const NoteLine& line : section.lines) {
        REQUIRE_FALSE(line.parts.empty());
        Money sum;
        for (const NotePart& part : line.parts) {
            REQUIRE(part.row < zerodha().rows.size());
            CHECK(zerodha().rows[part.row].shown == line.line);
            sum += part.exact;
        }
        CHECK(sum == line.exact);
        if (line.line == Line::stamp) {
            CHECK(line.is_in_doubt);  // each state had its own
            CHECK(line.rounded.raw == 0);
        }
        if (line.line == Line::sebi) {
            CHECK_FALSE(line.is_in_doubt);
        }
        if (line.line == Line::exchange) {
            CHECK(line.parts.size() == 2);  // the investor protection fund is shown within
        }
    }
}

TEST_CASE("a day that cannot be is refused", "[charges][note]") {
    const auto why = [](const std::vector<DayExecution>& executions) {
        const auto note = contract_note(zerodha(), day("2026-06-15"), executions);
        return note ? "a note" : note.error().message;
    };
    CHECK(why({execution(7, kDeliveryBuy, "0", "100", "A")}) ==
          "charges of the day: order 7 has an execution without a positive quantity and a turnover of 0 or more");
    CHECK(why({execution(7, kDeliveryBuy, "1", "-100", "A")}).find("order 7") != std::string::npos);
    CHECK(why({execution(7, kDeliveryBuy, "1", "100", "A"), execution(7, kDeliverySell, "1", "100", "A")}) ==
          "charges of the day: order 7 has executions of two instruments, products or sides");
    CHECK(why({execution(7, kDeliveryBuy, "1", "100", "A"), execution(7, kDeliveryBuy, "1", "100", "B")}) ==
          "charges of the day: order 7 has executions of two instruments, products or sides");
    ChargeKey fund = kDeliveryBuy;
    fund.group = "equity_fund";
    CHECK(why({execution(7, kDeliveryBuy, "1", "100", "A"), execution(8, fund, "1", "100", "A")}) ==
          "charges of the day: A on NSE is of two groups, ordinary and equity_fund");
    CHECK(why({execution(7, {"XNYS", Segment::equity}, "1", "100", "A")}).find("knows nothing") != std::string::npos);
}

TEST_CASE("GST of the note is of the lines as printed", "[charges][note]") {
    const ChargePlan plan = plan_of("line,base,value,rounding,gst\n"
                                    "fee,order,10.015,paisa,yes\n"
                                    "levy,order,10.005,paisa,yes\n"
                                    "gst,charges,18%,paisa,\n");
    const auto note = note_of("2026-06-15", {execution(1, {"X", Segment::equity}, "1", "100", "A")}, {}, plan);
    // 0.18 x (10.02 + 10.01) = 3.6054; of the exact lines it would be 3.6036.
    CHECK(lines_of(only_column(note)) == "fee 10.02 levy 10.01 gst 3.61");
    CHECK(to_string(only_column(note).extra[0].exact) == "3.6036");
    CHECK(lines_of(only_column(note), &NoteLine::api) == "fee 10.02 levy 10.01 gst 3.6");
}

TEST_CASE("one column has one rate of GST", "[charges][note]") {
    const ChargePlan plan = plan_of("line,exchange,base,value,column\n"
                                    "gst,A,charges,18%,all\n"
                                    "gst,B,charges,12%,all\n");
    const std::vector<DayExecution> executions{execution(1, {"A", Segment::equity}, "1", "100", "X"),
                                               execution(2, {"B", Segment::equity}, "1", "100", "X")};
    const auto note = contract_note(plan, day("2026-06-15"), executions);
    REQUIRE_FALSE(note);
    CHECK(note.error().message ==
          "charges of the plan 'my': the column all of the note has two rates of GST on 2026-06-15");
    CHECK(note_of("2026-06-15", {executions[0]}, {}, plan).columns.size() == 1);
}

TEST_CASE("the ledger: depository and square-off charges, each with its GST", "[charges][ledger]") {
    const auto ledger = [](const char* on, const std::vector<DayExecution>& executions,
                           const std::vector<std::string>& btst = {}) {
        const auto charges = ledger_of(zerodha(), day(on), executions, btst);
        REQUIRE(charges);
        std::string all;
        for (const LedgerCharge& charge : *charges) {
            all += std::string(name_of(charge.line)) + " " + charge.scrip +
                   (charge.order == 0 ? "" : std::to_string(charge.order)) + " " + to_string(charge.amount) + " + " +
                   to_string(charge.gst) + "; ";
        }
        return all;
    };
    const auto sold = execution(1, kDeliverySell, "10", "1000", "A");
    CHECK(ledger("2022-06-15", {sold}) == "dp A 13.5 + 2.43; ");  // 15.93
    CHECK(ledger("2026-06-15", {sold}) == "dp A 13 + 2.34; ");    // 15.34
    // Once a scrip and day, on however many exchanges and in however many orders.
    ChargeKey bse = kDeliverySell;
    bse.exchange = "BSE";
    CHECK(ledger("2026-06-15", {sold, execution(2, kDeliverySell, "5", "500", "A"), execution(3, bse, "5", "500", "A"),
                                execution(4, kDeliverySell, "5", "500", "B")}) == "dp A 13 + 2.34; dp B 13 + 2.34; ");
    // Nothing leaves the account where as much was bought on the day, or of derivatives.
    CHECK(ledger("2026-06-15", {sold, execution(2, kDeliveryBuy, "10", "1000", "A")}).empty());
    CHECK(ledger("2026-06-15", {execution(1, kFutureSell, "10", "1000")}).empty());
    // Shares that had not arrived: free until 2021-06-01.
    CHECK(ledger("2021-06-01", {sold}, {"A"}).empty());
    CHECK(ledger("2021-06-02", {sold}, {"A"}) == "dp_btst A 13.5 + 2.43; ");
    // 50 + 18 % = 59 an order that the broker had to place.
    auto squared = execution(9, kIntradaySell, "10", "1000", "C");
    squared.is_square_off = true;
    auto again = squared;
    CHECK(ledger("2026-06-15", {execution(8, kIntradayBuy, "20", "2000", "C"), squared, again}) ==
          "square_off 9 50 + 9; ");
}

// ---- tables ---------------------------------------------------------------------------------------------------------------

TEST_CASE("bad tables are refused by line", "[charges][reader]") {
    const auto why = [](const std::string& text) {
        const auto plan = read_charges(text, "my.csv", "my");
        return plan ? "read" : plan.error().message;
    };
    const std::string header = "line,exchange,segment,product,side,base,value,minimum,maximum,gst,from,to\n";
    const auto row = [&](const char* text) { return why(header + text + "\n"); };
    CHECK(row("fee,XNYS,equity,,,turnover,0.1%,,,,,") == "read");
    CHECK(why("") == "my.csv: the table of charges has no rows");
    CHECK(why(header) == "my.csv: the table of charges has no rows");
    CHECK(row("fee,XNYS") == "my.csv:2: 2 cells, but the header has 12");
    const auto at = [&](const char* cells, const std::string& expected) {
        const std::string message = row(cells);
        INFO(cells << ": " << message);
        CHECK(message.starts_with("my.csv:2: column '" + expected));
    };
    at("tax,XNYS,equity,,,turnover,0.1%,,,,,", "line' has 'tax': it is none of brokerage, stt, ");
    at(",XNYS,equity,,,turnover,0.1%,,,,,", "line' is missing or empty");
    at("fee,XNYS,equity,,,,0.1%,,,,,", "base' is missing or empty");
    at("fee,XNYS,equity,,,percent,0.1%,,,,,", "base' has 'percent': it is none of turnover, ");
    at("fee,XNYS,swaps,,,turnover,0.1%,,,,,", "segment' has 'swaps': it is not known");
    at("fee,XNYS,equity,,both,turnover,0.1%,,,,,", "side' has 'both': it is not known");
    at("fee,XNYS,equity *,,,turnover,0.1%,,,,,", "segment' has 'equity *': it is not known");
    at("fee,NSE|BSE,equity,,,turnover,0.1%,,,,,", "exchange' has 'NSE|BSE': it is no name");
    at("fee,NSE *,equity,,,turnover,0.1%,,,,,", "exchange' has 'NSE *': it is no name");
    at("fee,XNYS,equity,,,turnover,0.1,,,,,", "value' has '0.1': it is no rate: write 0.1% or, per crore, 306.99/cr");
    at("fee,XNYS,equity,,,turnover,,,,,,", "value' has '': it is no rate");
    at("fee,XNYS,equity,,,order,,,,,,", "value' has '': it is not a decimal number");
    at("fee,XNYS,equity,,,turnover,x%,,,,,", "value' has 'x%': it is not a decimal number");
    at("fee,XNYS,equity,,,turnover,100.0001%,,,,,", "value' has '100.0001%': it is more than the whole turnover");
    at("fee,XNYS,equity,,,turnover,99999999999999999999%,,,,,",
       "value' has '99999999999999999999%': it is more than the whole turnover");
    at("fee,XNYS,equity,,,turnover,0.00000001/cr,,,,,",
       "value' has '0.00000001/cr': it has more than seven decimal places");
    CHECK(row("fee,XNYS,equity,,,turnover,0.0000001/cr,,,,,") == "read");
    at("fee,XNYS,equity,,,turnover,-0.1%,,,,,", "value' has '-0.1%': it is below 0: only makers have rebates");
    at("fee,XNYS,equity,,,order,-1,,,,,", "value' has '-1': it is not between 0 and 1000000000");
    at("fee,XNYS,equity,,,order,1%,,,,,", "value' has '1%': it is not a decimal number");
    at("fee,XNYS,equity,,,order,1,2,1,,,", "maximum' has '1': it is below the minimum");
    at("fee,XNYS,equity,,,order,1,,0,,,", "maximum' has '0': it is not above 0");
    at("fee,XNYS,equity,,,premium,1%,,,,,", "base' has 'premium': it is of options only");
    at("fee,XNYS,equity,,,intrinsic,1%,,,,,", "base' has 'intrinsic': it is of exercise only");
    at("fee,XNYS,equity,,,charges,1%,,,,,", "base' has 'charges': it does not fit: charges is the base of gst");
    at("gst,XNYS,equity,,,turnover,1%,,,,,", "base' has 'turnover': it does not fit: charges is the base of gst");
    at("gst,XNYS,equity,,,charges,1%,,,yes,,", "gst' has 'yes': it cannot be a part of its own base");
    at("fee,XNYS,equity,,,note,1,,,,,", "base' has 'note': it does not fit: note is the base of the line note");
    at("dp,XNYS,equity,,,order,1,,,,,", "base' has 'order': it does not fit: scrip_day is the base of dp");
    at("square_off,XNYS,equity,,,share,1,,,,,",
       "base' has 'share': it does not fit: square_off is an amount per order");
    at("stt,XNYS,equity,,,order,1,,,,,", "base' has 'order': it does not fit: taxes on trades are parts of turnover");
    at("stt,XNYS,equity,,,turnover,1%,1,,,,", "line' has 'stt': it has no minimum or maximum");
    at("fee,XNYS,equity,,,turnover,1%,,,maybe,,", "gst' has 'maybe': it is neither yes nor no");
    at("fee,XNYS,equity,,,turnover,1%,,,,2025-13-01,", "from' has '2025-13-01': it ");
    at("fee,XNYS,equity,,,turnover,1%,,,,2025-02-01,2025-01-31", "to' has '2025-01-31': it is before the first day");
    std::string many = "A";
    for (int i = 0; i < 99; ++i) {
        many += " A";
    }
    CHECK(why("line,base,value,exchange,group\nfee,order,1," + many + "," + many + "\n") ==
          "my.csv:2: column 'line' has 'fee': it stands for too many rows");
    CHECK(why("line,base,value,tier\nfee,order,1,100\n").find("tiers by the month's turnover") != std::string::npos);
    CHECK(why("line,base,value,colour\nfee,order,1,red\n")
              .starts_with("my.csv:2: there is no column 'colour'; known are "));
    CHECK(why("line,base,value,plan\nfee,order,1,x\n").starts_with("my.csv:2: there is no column 'plan'"));
    CHECK(why("extends: mars\nline,base,value\nfee,order,1\n")
              .starts_with("my.csv: there is no plan of charges called 'mars'"));
    CHECK(why("# x\n\nextends:\nline,base,value\nfee,order,1\n")
              .starts_with("my.csv: there is no plan of charges called 'nothing'"));
    CHECK(why("line,base,value\nextends: india\n") == "my.csv:2: 1 cells, but the header has 3");

    // Two rows for one execution, by any of their keys.
    CHECK(row("fee,XNYS,equity,,,turnover,1%,,,,,2025-01-31\nfee,XNYS,equity,,,turnover,2%,,,,2025-02-01,") == "read");
    CHECK(row("fee,XNYS,equity,,,turnover,1%,,,,,2025-02-01\nfee,XNYS,equity,,,turnover,2%,,,,2025-02-01,") ==
          "my.csv:3: fee holds for the same executions as line 2");
    CHECK(row("fee,XNYS,equity,,buy,turnover,1%,,,,,\nfee,,,,,turnover,2%,,,,,") ==
          "my.csv:3: fee holds for the same executions as line 2");
    CHECK(row("fee,XNYS,equity,,buy,turnover,1%,,,,,\nfee,XNYS,equity,,sell,turnover,2%,,,,,") == "read");
    CHECK(row("fee,NSE NSE,equity,,buy,turnover,1%,,,,,") == "my.csv:2: fee holds for the same executions as line 2");
    CHECK(why("extends: india\nline,base,value,exchange\nstt,turnover,1%,NSE\n")
              .starts_with("my.csv:3: stt holds for the same executions as line "));
    CHECK(why("line,base,value,rounding,shown,side\nfee,order,1,paisa,,\nlevy,order,1,rupee,fee,\n") ==
          "my.csv:3: levy is shown in one line, but rounded otherwise than line 2");
}

TEST_CASE("rows that come cut up, as YAML's do, are the same plan", "[charges][reader]") {
    const std::string csv = "line,base,value,maximum\r\nbrokerage,turnover,0.03%,20\r\nfee,order,1,\r\n";
    const std::vector<Row> rows{
        {{"my.yaml", 2, 1}, {{"line", "brokerage"}, {"base", "turnover"}, {"value", "0.03%"}, {"maximum", "20"}}},
        {{"my.yaml", 3, 1}, {{"line", "fee"}, {"base", "order"}, {"value", "1"}}}};
    const auto plan = read_charges(rows, "my.yaml", "my", "");
    REQUIRE(plan);
    CHECK(*plan == plan_of(csv));
    CHECK(plan->rows.size() == 2);
}

// ---- laws -----------------------------------------------------------------------------------------------------------------

namespace {

struct Fill {
    bool is_maker = false;
    std::int64_t turnover = 0;
    std::int64_t quantity = 1;
};
std::ostream& operator<<(std::ostream& out, const Fill& f) {
    return out << (f.is_maker ? "made " : "took ") << f.quantity << " for " << f.turnover;
}

rc::Gen<std::vector<Fill>> fills() {
    const auto amount = [](std::int64_t least) {
        return rc::gen::oneOf(rc::gen::inRange<std::int64_t>(least, 9),
                              rc::gen::inRange<std::int64_t>(least, 100 * kScale),
                              rc::gen::inRange<std::int64_t>(least, 1'000'000 * kScale));
    };
    return rc::gen::container<std::vector<Fill>>(rc::gen::build<Fill>(rc::gen::set(&Fill::is_maker),
                                                                      rc::gen::set(&Fill::turnover, amount(0)),
                                                                      rc::gen::set(&Fill::quantity, amount(1))));
}

ChargeKey any_key() {
    static const std::vector<std::pair<std::string, Segment>> markets{
        {"NSE", Segment::equity},   {"BSE", Segment::equity},   {"NFO", Segment::futures}, {"NFO", Segment::options},
        {"NFO", Segment::physical}, {"NFO", Segment::exercise}, {"MCX", Segment::futures}, {"MCX", Segment::options},
        {"CDS", Segment::futures},  {"CDS", Segment::options}};
    const auto [exchange, segment] = *rc::gen::elementOf(markets);
    return {exchange, segment, "ordinary", *rc::gen::element(Product::delivery, Product::intraday),
            *rc::gen::element(Side::buy, Side::sell)};
}
Date any_day() {
    return Date{*rc::gen::inRange(day("2020-01-01").days, day("2026-11-26").days + 1)};
}

}  // namespace

TEST_CASE("the charges of an order do not depend on how its fills are cut", "[charges][properties]") {
    static const ChargePlan abroad = plan_of("line,liquidity,base,value,minimum,maximum,gst\n"
                                             "brokerage,,share,0.005,1,1%,yes\n"
                                             "fee,maker,turnover,0.013%,0.5,,yes\n"
                                             "fee,taker,share,0.00021,0.1,8.30,no\n"
                                             "levy,,turnover,0.0000001%,,3,yes\n"
                                             "gst,,charges,8.875%,,,\n");
    rc::prop("sums are those of the whole; no line of a fill is below nothing", [] {
        const bool is_abroad = *rc::gen::arbitrary<bool>();
        const auto found = charge_rates(is_abroad ? abroad : zerodha(), any_key(), any_day()).value();
        Executed order;
        ChargeAmounts sum;
        for (const Fill& fill : *fills()) {
            const auto liquidity = fill.is_maker ? Liquidity::maker : Liquidity::taker;
            const auto added = charges_of_fill(found, order, liquidity, Money{fill.turnover}, Qty{fill.quantity});
            order.add(liquidity, Money{fill.turnover}, Qty{fill.quantity});
            for (std::size_t i = 0; i < kChargeLines; ++i) {
                // 1 % of turnover caps the brokerage: that grows with turnover as well.
                RC_ASSERT(added.by_line[i].raw >= 0);
                sum.by_line[i] += added.by_line[i];
            }
        }
        RC_ASSERT(sum == charges_of(found, order));
    });
}

TEST_CASE("lines are those of the exact model", "[charges][properties]") {
    rc::prop("intraday shares sold on NSE in June 2025", [] {
        static const ChargeRates found = charge_rates(zerodha(), kIntradaySell, day("2025-06-16")).value();
        const model::Wide turnover = *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, 5'000),
                                                     rc::gen::inRange<std::int64_t>(0, 200'000 * kScale));
        Executed executed;
        executed.add(Liquidity::taker, Money{turnover}, Qty{kScale});
        const ChargeAmounts charges = charges_of(found, executed);
        // In units of 1e-8 over 1e9: rates as they are quoted.
        constexpr model::Wide kOver = 1'000'000'000;
        const model::Wide brokerage = std::min(turnover * 300'000, 20 * model::kOne * kOver);
        const model::Wide exchange = turnover * 29'700;
        const model::Wide ipft = turnover * 1'000;
        const model::Wide sebi = turnover * 1'000;
        RC_ASSERT(charges[Line::brokerage].raw == model::nearest({brokerage, kOver}));
        RC_ASSERT(charges[Line::stt].raw == model::nearest({turnover * 250'000, kOver}));
        RC_ASSERT(charges[Line::exchange].raw == model::nearest({exchange, kOver}));
        RC_ASSERT(charges[Line::ipft].raw == model::nearest({ipft, kOver}));
        RC_ASSERT(charges[Line::sebi].raw == model::nearest({sebi, kOver}));
        RC_ASSERT(charges[Line::gst].raw == model::nearest({18 * (brokerage + exchange + ipft + sebi), 100 * kOver}));
        RC_ASSERT(charges[Line::stamp].raw == 0);
    });
    rc::prop("a tax of many digits on a line of many digits is exact", [] {
        static const ChargePlan plan = plan_of("line,base,value,gst\n"
                                               "fee,turnover,0.1234567/cr,yes\n"
                                               "gst,charges,12.345678%,\n"
                                               "levy,turnover,0.00000001%,no\n");
        static const ChargeRates found = charge_rates(plan, {"X", Segment::equity}, day("2025-06-16")).value();
        const model::Wide turnover = *rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 62U);
        constexpr model::Wide kOver = 100'000'000'000'000;
        Executed executed;
        executed.add(Liquidity::taker, Money{turnover}, Qty{kScale});
        const ChargeAmounts charges = charges_of(found, executed);
        RC_ASSERT(charges[Line::fee].raw == model::nearest({turnover * 1'234'567, kOver}));
        RC_ASSERT(charges[Line::gst].raw == model::nearest({turnover * 1'234'567 * 12'345'678, kOver * 100'000'000}));
        RC_ASSERT(charges[Line::levy].raw == model::nearest({turnover, 10'000'000'000}));
    });
}

TEST_CASE("a note does not depend on the order or the cut of its executions", "[charges][properties]") {
    rc::prop("reversed, and each execution cut in two", [] {
        const Date on = any_day();
        std::vector<DayExecution> whole;
        const auto count = *rc::gen::inRange(1, 9);
        for (int i = 1; i <= count; ++i) {
            DayExecution e;
            e.order = static_cast<std::uint64_t>(i);
            e.key = any_key();
            e.scrip = *rc::gen::element(std::string("A"), std::string("B"));
            e.quantity = qty_of(2 * *rc::gen::inRange<std::int64_t>(1, 100));
            e.turnover = Money{2 * static_cast<Int128>(*rc::gen::inRange<std::int64_t>(0, 100'000 * kScale))};
            whole.push_back(e);
        }
        std::vector<DayExecution> cut;
        for (auto e = whole.rbegin(); e != whole.rend(); ++e) {
            DayExecution half = *e;
            half.quantity = Qty{e->quantity.raw / 2};
            half.turnover = Money{e->turnover.raw / 2};
            cut.push_back(half);
            cut.insert(cut.begin(), half);
        }
        const auto note = contract_note(zerodha(), on, whole);
        RC_ASSERT(note.has_value());
        RC_ASSERT(*note == contract_note(zerodha(), on, cut).value());
        RC_ASSERT(ledger_of(zerodha(), on, whole, {}).value() == ledger_of(zerodha(), on, cut, {}).value());
        Money turnover;
        for (const NoteColumn& column : note->columns) {
            Money charges;
            const auto add = [&](const NoteLine& line) {
                RC_ASSERT(line.rounded.raw >= 0);
                charges += line.rounded;
                const std::int64_t half = line.rounding == ChargeRounding::rupee ? kScale / 2 : kScale / 200;
                // GST is of the printed lines: at most 0.18 x half a paisa for each of its few lines besides.
                const std::int64_t slack = line.line == Line::gst ? kScale / 100 : 0;
                RC_ASSERT(abs(line.rounded - line.exact).raw <= half + slack);
            };
            for (const NoteSection& section : column.sections) {
                turnover += section.bought + section.sold;
                std::for_each(section.lines.begin(), section.lines.end(), add);
            }
            std::for_each(column.extra.begin(), column.extra.end(), add);
            RC_ASSERT(charges == column.charges);
            RC_ASSERT(column.net == column.obligation - charges);
        }
        Money asked;
        for (const DayExecution& e : whole) {
            asked += e.key.segment == Segment::exercise ? Money{} : e.turnover;
        }
        RC_ASSERT(turnover == asked);
    });
}

TEST_CASE("any text is a plan or is refused by file", "[charges][properties]") {
    rc::prop("a plan with bytes cut, changed and put in", [] {
        std::string text =
            "extends: india\nline,exchange,segment,side,liquidity,base,value,minimum,maximum,gst,from,to\n"
            "brokerage,NSE BSE,equity,buy sell,,turnover,0.03%,1,20,yes,2025-01-01,2025-12-31\n"
            "fee,NSE,equity,*,maker,turnover,-306.99/cr,,,no,,\n"
            "levy,NSE,equity,,,share,0.005,,1%,no,,\n";
        for (int i = *rc::gen::inRange(0, 6); i > 0; --i) {
            const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
            const char byte = *rc::gen::element(',', '|', '\n', '%', '-', '9', '.', 'x', '*', '\0', ':', '#', '\xff');
            switch (*rc::gen::inRange(0, 3)) {
            case 0: text.erase(at, 1); break;
            case 1: text[at] = byte; break;
            default: text.insert(at, 1, byte);
            }
        }
        if (const auto plan = read_charges(text, "my.csv", "my")) {
            for (const ChargeRow& row : plan->rows) {
                RC_ASSERT(!describe(row).empty());
            }
        } else {
            RC_ASSERT(plan.error().message.starts_with("my.csv"));
            RC_ASSERT(plan.error().place.file == "my.csv");
        }
    });
}

TEST_CASE("a scrip's day is split without a rest", "[charges][properties]") {
    rc::prop("turnovers and quantities add up", [] {
        const auto amount = rc::gen::inRange<std::int64_t>(0, 1'000'000 * kScale);
        const Qty bought_quantity{*amount};
        const Qty sold_quantity{*amount};
        const Money bought{bought_quantity.raw == 0 ? 0 : *amount};
        const Money sold{sold_quantity.raw == 0 ? 0 : *amount};
        const IntradaySplit split = split_intraday(bought, bought_quantity, sold, sold_quantity);
        RC_ASSERT(split.intraday_bought + split.delivery_bought == bought);
        RC_ASSERT(split.intraday_sold + split.delivery_sold == sold);
        RC_ASSERT(split.intraday + split.delivery_bought_quantity == bought_quantity);
        RC_ASSERT(split.intraday + split.delivery_sold_quantity == sold_quantity);
        RC_ASSERT(split.delivery_bought.raw >= 0);
        RC_ASSERT(split.delivery_sold.raw >= 0);
        RC_ASSERT((split.delivery_bought_quantity.raw == 0 || split.delivery_sold_quantity.raw == 0));
    });
}

}  // namespace alpha::markets
