/// The table of margins: the program's, and how one of a user's is read.

#include "markets/margins.hpp"

#include <catch2/catch.hpp>

using namespace alpha;
using namespace alpha::markets;

namespace {

const MarginRules& brokers() {
    static const MarginRules rules = embedded_margins("zerodha").value();
    return rules;
}

Instrument share(std::string name) {
    Instrument its;
    its.name = std::move(name);
    return its;
}
Instrument contract(InstrumentKind kind, std::string underlying, std::string group = "") {
    Instrument its = share("NFO:X");
    its.kind = kind;
    its.underlying = std::move(underlying);
    its.group = std::move(group);
    return its;
}

/// "20%", or "10% + 2%, 2% more, spread 1.75%", or "none".
std::string asked(const Instrument& instrument, Product product, std::string_view day,
                  const MarginRules& rules = brokers()) {
    const MarginRow* const row = find_margin(rules, instrument, product, parse_date(day).value());
    if (row == nullptr) {
        return "none";
    }
    const auto percent = [](Decimal part) { return to_string(Decimal{part.raw * 100}) + "%"; };
    return percent(row->rate) + (row->exposure.raw == 0 ? "" : " + " + percent(row->exposure)) +
           (row->expiry_exposure.raw == 0 ? "" : ", " + percent(row->expiry_exposure) + " more") +
           (row->spread.raw == 0 ? "" : ", spread " + percent(row->spread));
}

std::string refusal(const std::string& row,
                    const std::string& columns = "product,exchange,kind,underlying,rate,spread,from,to") {
    const Result<MarginRules> read = read_margins(columns + '\n' + row + '\n', "m.csv", "m");
    return read ? "read" : read.error().message;
}

}  // namespace

TEST_CASE("the program's margins of shares, by their day", "[markets][margins]") {
    const Instrument tcs = share("NSE:TCS");
    CHECK(asked(tcs, Product::cnc, "2020-01-01") == "100%");
    CHECK(asked(tcs, Product::mis, "2021-02-28") == "5%");
    CHECK(asked(tcs, Product::mis, "2021-03-01") == "10%");
    CHECK(asked(tcs, Product::mis, "2021-06-01") == "15%");
    CHECK(asked(tcs, Product::mis, "2021-08-31") == "15%");
    CHECK(asked(tcs, Product::mis, "2021-09-01") == "20%");
    CHECK(asked(tcs, Product::mis, "2026-11-28") == "20%");
    CHECK(asked(share("BSE:TCS"), Product::mtf, "2026-11-28") == "50%");
    CHECK(asked(tcs, Product::none, "2026-11-28") == "none");
    CHECK(asked(share("NYSE:IBM"), Product::cnc, "2026-11-28") == "none");
    CHECK(asked(share("MCX:GOLD"), Product::nrml, "2026-11-28") == "none");
}

TEST_CASE("an index is told by what is written on it, or by the contract's group", "[markets][margins]") {
    const std::string index = "10% + 2%, spread 1.75%";
    const std::string stock = "16.5% + 3.5%, spread 2.2%";
    for (const char* name : {"NIFTY", "NSE:NIFTY 50", "NIFTY BANK", "BSE:SENSEX", "BANKEX"}) {
        CAPTURE(name);
        CHECK(asked(contract(InstrumentKind::future, name), Product::nrml, "2026-01-01") == index);
    }
    CHECK(asked(contract(InstrumentKind::future, "", "NIFTY"), Product::mis, "2026-01-01") == index);
    CHECK(asked(contract(InstrumentKind::future, "NSE:TCS", "stock"), Product::nrml, "2026-01-01") == stock);
    CHECK(asked(contract(InstrumentKind::future, "NSE:NIFTY 500"), Product::nrml, "2026-01-01") == stock);
    CHECK(asked(contract(InstrumentKind::call, "NSE:NIFTY 50"), Product::nrml, "2024-11-19") == "10% + 2%");
    CHECK(asked(contract(InstrumentKind::put, "NSE:NIFTY 50"), Product::nrml, "2024-11-20") == "10% + 2%, 2% more");
    CHECK(asked(contract(InstrumentKind::put, "NSE:TCS"), Product::nrml, "2026-01-01") == "16.5% + 3.5%");
    CHECK(has_margin(brokers(), contract(InstrumentKind::put, "NSE:TCS"), Product::mis));
    CHECK_FALSE(has_margin(brokers(), contract(InstrumentKind::put, "NSE:TCS"), Product::none));
}

TEST_CASE("a table of one's own, and what is wrong with one", "[markets][margins]") {
    const auto rules = read_margins("product,exchange,kind,underlying,rate,exposure,from,to\n"
                                    "mis cnc,NSE BSE,share,,12.500001%,,2024-01-01,2024-12-31\n"
                                    "none,NYSE,share,,50%,,,\n",
                                    "m.csv", "m");
    REQUIRE(rules);
    CHECK(rules->rows.size() == 5);
    CHECK(rules->rows.front().source.grade == Grade::stated);
    CHECK(asked(share("BSE:X"), Product::cnc, "2024-12-31", *rules) == "12.500001%");
    CHECK(asked(share("BSE:X"), Product::cnc, "2025-01-01", *rules) == "none");
    CHECK(asked(share("NYSE:X"), Product::none, "1999-01-01", *rules) == "50%");
    CHECK(refusal("mis,NSE,share,,20%,,,") == "read");
    CHECK(refusal("mis,NSE,share,,0.2,,,") ==
          "m.csv:2: column 'rate' has '0.2': it is no part of a value: write 20%, at most 100% with six decimals");
    CHECK(refusal("mis,NSE,share,,101%,,,").find("at most 100%") != std::string::npos);
    CHECK(refusal("mis,NSE,share,,-1%,,,").find("is no part of a value") != std::string::npos);
    CHECK(refusal("mis,NSE,share,,0.0000001%,,,").find("six decimals") != std::string::npos);
    CHECK(refusal("mis,NSE,share,,,,,") == "m.csv:2: column 'rate' is missing or empty");
    CHECK(refusal("mis,,share,,20%,,,").find("column 'exchange'") != std::string::npos);
    CHECK(refusal("xyz,NSE,share,,20%,,,").find("names no product") != std::string::npos);
    CHECK(refusal("mis,NSE,index,,20%,,,").find("is no kind: write share, future or option") != std::string::npos);
    CHECK(refusal("mis,NSE,share,NIFTY,20%,,,").find("a share is written on nothing") != std::string::npos);
    CHECK(refusal("mis,NFO,future,NIFTY;,20%,,,").find("has an empty name") != std::string::npos);
    CHECK(refusal("mis,NFO,option,,20%,1%,,").find("is for futures") != std::string::npos);
    CHECK(refusal("mis,NFO,future,,2%,3%,,").find("is more than the rate") != std::string::npos);
    CHECK(refusal("mis,NSE,share,,20%,,2024-02-01,2024-01-01").find("before the row begins") != std::string::npos);
    CHECK(refusal("mis,NSE,share,,20%,,,\nmis cnc,NSE,share,,25%,,,") ==
          "m.csv:3: share of NSE in mis has another row for 0001-01-01, in line 2");
    CHECK(refusal("mis,NSE,share,,20%,1%", "product,exchange,kind,underlying,rate,expiry_exposure")
              .find("is for options that are sold") != std::string::npos);
    CHECK(refusal("mis,NSE,share,,20%,1%", "product,exchange,kind,underlying,rate,exposure")
              .find("is for futures and options") != std::string::npos);
    CHECK(refusal("", "product,exchange,kind,rate") == "m.csv: a table of margins has at least one row");
    CHECK(embedded_margins("nobody").error().message ==
          "there is no table of margins called 'nobody'; there is zerodha, or a file of your own");
}
