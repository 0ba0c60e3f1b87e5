#include "markets/instrument.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

using namespace alpha;
using namespace alpha::markets;

namespace {

constexpr const char* kKiteHead =
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,"
    "segment,exchange\n";

Date day(const char* text) {
    return *parse_date(text);
}

/// `text` must outlive what is returned.
ListingFile read(const std::string& text, std::optional<Date> from = day("2026-01-05")) {
    Result<ListingFile> file = ListingFile::read("dump.csv", text, from);
    if (!file) {
        FAIL(file.error().message);
    }
    return std::move(*file);
}

std::string refusal(const std::string& text, std::optional<Date> from = day("2026-01-05")) {
    const Result<ListingFile> file = ListingFile::read("dump.csv", text, from);
    return file ? "" : file.error().message;
}

std::vector<Listing> listings(const ListingFile& file) {
    std::vector<Listing> all;
    for (const ListingFile::Entry& entry : file.entries()) {
        if (!entry.is_bad) {
            all.push_back(file.listing(entry));
        }
    }
    return all;
}

/// Why the only row of a plain file is bad, as "LINE why"; empty: it is not.
std::string why_bad(const std::string& header, const std::string& row) {
    const std::string text = header + '\n' + row + '\n';
    const ListingFile file = read(text);
    return file.bad_rows().empty() ? "" : std::to_string(file.bad_rows()[0].line) + ' ' + file.bad_rows()[0].why;
}

bool says(const std::string& text, std::string_view part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("Kite's rows of every segment are read for what they are", "[instruments]") {
    const std::string text = std::string(kKiteHead) +
                             "408065,1594,INFY,INFOSYS,1500.5,,0.0,0.05,1,EQ,NSE,NSE\n"
                             "128053508,500209,INFY,INFOSYS,0,,0,0.05,1,EQ,BSE,BSE\n"
                             "256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE\n"
                             "12345602,48225,NIFTY26JANFUT,NIFTY,0.0,2026-01-27,0.0,0.1,65,FUT,NFO-FUT,NFO\n"
                             "12345858,48226,NIFTY26JAN25000CE,NIFTY,0.0,2026-01-27,25000.0,0.05,65,CE,NFO-OPT,NFO\n"
                             "12346114,48227,M&M26JAN3000PE,M&M,0.0,2026-01-27,3000.0,0.05,200,PE,NFO-OPT,NFO\n"
                             "112345607,438850,CRUDEOIL26JANFUT,\"CRUDEOIL\",0,2026-01-19,0,1,1,FUT,MCX-FUT,MCX\n"
                             "523267,2044,USDINR26JANFUT,USDINR,0,2026-01-28,0,0.0025,1,FUT,CDS-FUT,CDS\n"
                             "99001,386,0MOFSL25,SOMETHING ELSE,0,,0,0.01,1,XX,NSE,NSE\n";
    const ListingFile file = read(text);
    CHECK(std::string(file.form()) == "kite");
    CHECK(file.bad_row_count() == 0);
    CHECK(file.good_rows() == 9);
    const std::vector<Listing> all = listings(file);
    REQUIRE(all.size() == 9);
    std::vector<std::string> names;
    for (const Listing& listing : all) {
        names.push_back(full_name(listing) + ' ' + std::string(name_of(listing.kind)));
        CHECK(listing.from == day("2026-01-05"));
        CHECK(listing.multiplier == decimal_of(1));
        CHECK(listing.freeze == Qty{0});
    }
    CHECK(names == std::vector<std::string>{"BSE:INFY share", "CDS:USDINR26JANFUT future",
                                            "MCX:CRUDEOIL26JANFUT future", "NFO:M&M26JAN3000PE put",
                                            "NFO:NIFTY26JAN25000CE call", "NFO:NIFTY26JANFUT future",
                                            "NSE:0MOFSL25 other", "NSE:INFY share", "NSE:NIFTY 50 index"});
    const Listing& call = all[4];
    CHECK(call.token == 12'345'858);
    CHECK(call.underlying == "NIFTY");
    CHECK(call.segment == "NFO-OPT");
    CHECK(call.expiry == day("2026-01-27"));
    CHECK(call.strike == price_of(25'000));
    CHECK(call.tick == Price{5'000'000});
    CHECK(call.lot == qty_of(65));
    CHECK(all[3].underlying == "M&M");
    CHECK(all[2].name == "CRUDEOIL");
    CHECK(all[1].tick == Price{250'000});
    CHECK(all[7].underlying.empty());
    CHECK(all[7].expiry == kNoExpiry);
    CHECK(all[8].tick == Price{0});
    CHECK(all[8].lot == Qty{0});
    // What Kite does not say is not taken from it.
    CHECK_FALSE(file.fields()[static_cast<std::size_t>(Field::isin)]);
    CHECK_FALSE(file.fields()[static_cast<std::size_t>(Field::freeze)]);
    CHECK(file.fields()[static_cast<std::size_t>(Field::underlying)]);
}

TEST_CASE("decimals are exact, and the noise of binary floats is rounded away", "[instruments]") {
    const std::string head = "exchange,symbol,tick,lot,strike,multiplier\n";
    const auto first = [&](const std::string& row) {
        const std::string text = head + row + '\n';
        const ListingFile file = read(text);
        REQUIRE(file.bad_row_count() == 0);
        return listings(file)[0];
    };
    CHECK(first("X,A,0.05000000074505806,1,0,1").tick == Price{5'000'000});
    CHECK(first("X,A,0.30000000000000004,1,0,1").tick == Price{30'000'000});
    CHECK(first("X,A,0.0999999999999999,1,0,1").tick == Price{10'000'000});
    CHECK(first("X,A,0.000000015,1,0,1").tick == Price{2});      // half to even, up
    CHECK(first("X,A,0.000000025,1,0,1").tick == Price{2});      // half to even, down
    CHECK(first("X,A,0.0000000250001,1,0,1").tick == Price{3});  // more than half
    CHECK(first("X,A,0.0000000149999,1,0,1").tick == Price{1});  // less than half
    CHECK(first("X,A,99999999.12345678,0.001,0,0.0001").tick == Price{9'999'999'912'345'678});
    CHECK(first("X,A,10000000000,0.001,0,0.0001").tick == price_of(10'000'000'000));
    CHECK(first("X,A,1,0.001,0,0.0001").lot == Qty{100'000});
    CHECK(first("X,A,1,0.001,0,0.0001").multiplier == Decimal(10'000));
    CHECK(first("X,A,1,1,-0.0,1").strike == Price{0});
    CHECK(first("X,A,,,,") == first("X,A,0.01,1,0,1"));  // what a cell does not say is as where nobody says
}

TEST_CASE("a bad cell is named with its line, its column and what it is", "[instruments]") {
    const std::string head = "exchange,symbol,tick,lot,expiry,kind,token,isin,strike";
    CHECK(why_bad(head, "NSE,A,0.05,1,,share,1,INE009A01021,0").empty());
    for (const auto& [row, part] : std::vector<std::pair<const char*, const char*>>{
             {"NSE,A,-0.05,1,,share,,,", "2 column 'tick' has '-0.05': it is negative"},
             {"NSE,A,five,1,,share,,,", "column 'tick' has 'five': it is not a number"},
             {"NSE,A,1e-2,1,,share,,,", "is not a number"},
             {"NSE,A,.5,1,,share,,,", "is not a number"},
             {"NSE,A,5.,1,,share,,,", "is not a number"},
             {"NSE,A,nan,1,,share,,,", "is not a number"},
             {"NSE,A,10000000000.00000001,1,,share,,,", "column 'tick' has '10000000000.00000001': it is too large"},
             {"NSE,A,99999999999999999999999999,1,,share,,,", "is too large"},
             {"NSE,A,0,1,,share,,,", "the tick is 0"},
             {"NSE,A,0.05,0,,share,,,", "the lot is 0"},
             {"NSE,A,0.05,0.0,,future,,,", "needs its expiry"},
             {"NSE,A,0.05,1,2026-02-30,future,,,", "column 'expiry' has '2026-02-30': it is not a date"},
             {"NSE,A,0.05,1,1969-12-31,future,,,", "is not a date from 1970 to 2199"},
             {"NSE,A,0.05,1,2200-01-01,future,,,", "is not a date from 1970 to 2199"},
             {"NSE,A,0.05,1,2026-01-27,call,,,0", "an option needs a strike"},
             {"NSE,A,0.05,1,,bond,,,", "must be share, index, future, call, put or other"},
             {"NSE,A,0.05,1,,share,4294967296,,", "column 'token' has '4294967296': it is too large"},
             {"NSE,A,0.05,1,,share,-1,,", "is not a whole number"},
             {"NSE,A,0.05,1,,share,,INE009A01022,", "is not an ISIN"},
             {"NSE,A,0.05,1,,share,,ine009a01021,", "is not an ISIN"},
             {"NSE,,0.05,1,,share,,,", "symbol ''"},
             {"NSE, A,0.05,1,,share,,,", "symbol ' A'"},
             {"NSE,\"A\"\"B\",0.05,1,,share,,,", "holds a quote"},
             {"N:E,A,0.05,1,,share,,,", "exchange 'N:E'"},
             {",A,0.05,1,,share,,,", "exchange ''"},
             {"NSE,A\x01,0.05,1,,share,,,", "symbol"},
             {"NSE,A,0.05,1,,share,,", "8 cells, but the header has 9"},
             {"NSE,\"A,0.05,1,,share,,,", "a quote that is not closed"},
             {"NSE,\"A\"x,0.05,1,,share,,,", "something behind a quote"},
         }) {
        CAPTURE(row);
        CHECK(says(why_bad(head, row), part));
    }
    const std::string kite = std::string(kKiteHead) + "1,1,A,A,0,,0,-1,1,EQ,NSE,NSE\n2,1,B,B,0,,0,,1,EQ,NSE,NSE\n";
    const ListingFile file = read(kite);
    REQUIRE(file.bad_rows().size() == 2);
    CHECK(says(file.bad_rows()[0].why, "column 'tick_size' has '-1': it is negative"));
    CHECK(says(file.bad_rows()[1].why, "column 'tick_size' has '': it must not be empty"));
}

TEST_CASE("an index may have neither tick nor lot, and names may hold what names hold", "[instruments]") {
    const std::string text = "exchange,symbol,name,kind,tick,lot\r\n"
                             "# a remark\r\n"
                             "\r\n"
                             "NSE,NIFTY 50,\"Nifty \"\"Fifty\"\", the index\",index,0,0\r\n"
                             "NSE,M&M,Mahindra & Mahindra,share,0.05,1\r\n"
                             "NSE,\"BAJAJ-AUTO\",Bajaj Auto — क,share,0.05,1";
    const ListingFile file = read(text);
    CHECK(file.bad_row_count() == 0);
    const std::vector<Listing> all = listings(file);
    REQUIRE(all.size() == 3);
    CHECK(all[0].symbol == "BAJAJ-AUTO");
    CHECK(all[0].name == "Bajaj Auto — क");
    CHECK(all[1].name == "Mahindra & Mahindra");
    CHECK(all[2].name == "Nifty \"Fifty\", the index");
    CHECK(text_of(all[2], Field::kind) == "index");
}

TEST_CASE("an instrument or a token that comes twice is bad, and both lines are said", "[instruments]") {
    const std::string text = "exchange,symbol,token\n"
                             "NSE,B,7\n"
                             "NSE,A,5\n"
                             "NSE,B,8\n"
                             "BSE,B,9\n"
                             "BSE,C,5\n"
                             "BSE,D,0\n"
                             "BSE,E,\n"
                             "BSE,F,5\n";
    const ListingFile file = read(text);
    CHECK(file.good_rows() == 5);
    CHECK(file.bad_row_count() == 3);
    REQUIRE(file.bad_rows().size() == 3);
    CHECK(file.bad_rows()[0].line == 4);
    CHECK(file.bad_rows()[0].why == "NSE:B stands in line 2 already");
    CHECK(file.bad_rows()[1].line == 6);
    CHECK(file.bad_rows()[1].why == "token 5 is that of NSE:A in line 3 already");
    CHECK(file.bad_rows()[2].line == 9);
    CHECK(says(file.bad_rows_refusal().value().message, "dump.csv:4: NSE:B stands in line 2 already\n"));
    CHECK(says(file.bad_rows_refusal().value().message, "3 of 8 rows are bad"));
    CHECK(says(file.bad_rows_refusal().value().message, "--skip-bad"));
    // A history may say something of one instrument on several days, and a token may move on.
    const std::string history = "exchange,symbol,token,from\n"
                                "NSE,A,5,2026-01-05\nNSE,A,5,2026-01-06\nNSE,B,5,2026-01-07\nNSE,A,6,2026-01-06\n";
    const ListingFile dated = read(history, std::nullopt);
    CHECK(dated.has_from());
    REQUIRE(dated.bad_row_count() == 1);
    CHECK(dated.bad_rows()[0].line == 5);
}

TEST_CASE("of very many bad rows the first thousand are kept and all are counted", "[instruments]") {
    std::string text = "exchange,symbol,tick\nNSE,GOOD,0.05\n";
    for (int i = 0; i < 3'000; ++i) {
        text += "NSE,S" + std::to_string(i % 2'000) + (i < 500 ? ",-1\n" : ",1\n");
    }
    const ListingFile file = read(text);
    CHECK(file.bad_row_count() == 500 + 500);  // S500 to S999 come a second time
    CHECK(file.bad_rows().size() == 1'000);
    CHECK(file.good_rows() == 1 + 2'000);
    std::string worse = "exchange,symbol,tick\n";
    for (int i = 0; i < 3'000; ++i) {
        worse += "NSE,S" + std::to_string(i) + ",-1\n";
    }
    const ListingFile all_bad = read(worse);
    CHECK(all_bad.bad_row_count() == 3'000);
    CHECK(all_bad.bad_rows().size() == kMaxBadRowsKept);
    CHECK(all_bad.bad_rows().back().line == 1'001);
    CHECK(all_bad.good_rows() == 0);
}

TEST_CASE("a file of no known form, or that does not say from when, is refused", "[instruments]") {
    CHECK(says(refusal("a,b\n1,2\n"), "dump.csv:1: the header is neither Kite's"));
    CHECK(says(refusal("exchange,symbol,tik\nNSE,A,1\n"), "there is no column 'tik'; known are exchange, symbol"));
    CHECK(says(refusal("exchange,symbol,symbol\nNSE,A,1\n"), "names column 'symbol' twice"));
    CHECK(
        says(refusal("instrument_token,tradingsymbol,exchange\n1,A,NSE\n"), "column 'name' of Kite's form is missing"));
    CHECK(says(refusal(""), "there is no instrument in it"));
    CHECK(says(refusal("exchange,symbol\n"), "there is no instrument in it"));
    CHECK(says(refusal("\"exchange,symbol\n"), "dump.csv:1: the header has a quote that is not closed"));
    CHECK(says(refusal("exchange,symbol\nNSE,A\n", std::nullopt), "--date YYYY-MM-DD"));
    CHECK(refusal("exchange,symbol,from\nNSE,A,2026-01-05\n", std::nullopt).empty());
    CHECK(refusal("\xEF\xBB\xBF"
                  "exchange,symbol\nNSE,A\n")
              .empty());
    const std::string undated = "exchange,symbol,from\nNSE,A,\n";
    CHECK(says(read(undated, std::nullopt).bad_rows().at(0).why, "'from' is empty"));
    CHECK(listings(read(undated))[0].from == day("2026-01-05"));
    std::string too_many = "exchange,symbol\n";
    for (std::size_t i = 0; i <= kMaxListingRows; ++i) {
        too_many += "N,1\n";
    }
    CHECK(says(refusal(too_many), "dump.csv:1000002: a file of instruments has at most 1,000,000 rows"));
}

TEST_CASE("fields are compared, copied and shown one by one", "[instruments]") {
    Listing a;
    Listing b;
    CHECK(changed_fields(a, b).none());
    b.token = 1;
    b.isin = "INE009A01021";
    b.name = "n";
    b.segment = "s";
    b.kind = InstrumentKind::put;
    b.underlying = "u";
    b.expiry = day("2026-01-27");
    b.strike = Price{1};
    b.tick = Price{2};
    b.lot = Qty{3};
    b.freeze = Qty{4};
    b.multiplier = Decimal(5);
    CHECK(changed_fields(a, b).all());
    std::set<std::string> texts;
    for (std::size_t i = 0; i < kFields; ++i) {
        const auto field = static_cast<Field>(i);
        CAPTURE(name_of(field));
        CHECK(text_of(a, field) != text_of(b, field));
        texts.insert(text_of(b, field));
        Listing copy = a;
        copy_fields(copy, b, FieldSet().set(i));
        CHECK(changed_fields(a, copy) == FieldSet().set(i));
    }
    CHECK(texts.size() == kFields);
    CHECK(texts.contains("0.00000005"));
    CHECK(texts.contains("2026-01-27"));
}

TEST_CASE("Kite's recorded dumps are read without a bad row", "[instruments][shared]") {
    for (const char* const name : {"instruments_all.csv", "instruments_nse.csv"}) {
        const std::string path = std::string(ALPHA_SOURCE_DIR "/../shared/kite/mocks/") + name;
        if (!std::filesystem::exists(path)) {
            std::cerr << "SKIPPED: " << path << " is not here, so Kite's own rows are not tried\n";
            continue;
        }
        std::ifstream in(path, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        const ListingFile file = read(text);
        CAPTURE(path);
        CHECK(file.bad_row_count() == 0);
        CHECK(file.good_rows() >= 98);
        const std::vector<Listing> all = listings(file);
        const auto found = std::ranges::find(all, "CENTRALBK-BE", &Listing::symbol);
        REQUIRE(found != all.end());
        CHECK(found->token == 3'813'889);
        CHECK(found->name == "CENTRAL BANK OF INDIA");
        CHECK(found->tick == Price{5'000'000});
        CHECK(found->kind == InstrumentKind::share);
    }
}
