#include "adapters/zerodha/tradebook.hpp"
#include "events/text.hpp"
#include "results/export.hpp"
#include "results/tradebook_books.hpp"
#include "results/tradebook_compare.hpp"
#include "tests/kernel/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <map>
#include <string>
#include <vector>

using namespace alpha;
using namespace alpha::test;

namespace {

const std::string kHeader = std::string(kTradebookColumns) + "\n";
const std::string kLongHeader = std::string(kTradebookColumns) + ",expiry_date\n";

/// Files as one tradebook; the n-th is called "n.csv".
Result<Tradebook> read(const std::vector<std::string>& files) {
    TradebookReader reader;
    int number = 0;
    for (const std::string& text : files) {
        if (const Result<void> added = reader.add(std::to_string(++number) + ".csv", text); !added) {
            return tl::make_unexpected(added.error());
        }
    }
    return reader.finish();
}

/// What is wrong with a file.
std::string refusal(const std::string& text) {
    const Result<Tradebook> tradebook = read({text});
    return tradebook ? "taken" : tradebook.error().message;
}

const ScripBook& scrip(const TradebookBooks& books, const std::string& name) {
    const auto found = std::ranges::find(books.scrips, name, &ScripBook::name);
    REQUIRE(found != books.scrips.end());
    return *found;
}

// Newest first, as Console lists them. INFY on two exchanges is one share by its ISIN.
const std::string kYears =
    kLongHeader +
    "SBIN,INE062A01020,2024-01-03,NSE,EQ,EQ,buy,false,20.000000,638.000000,5005,1205,2024-01-03T15:10:00,\n"
    "INFY,INE009A01021,2024-01-03,NSE,EQ,EQ,sell,false,50.000000,1620.050000,5004,1204,2024-01-03T12:00:00,\n"
    "INFY,INE009A01021,2024-01-03,BSE,EQ,A,buy,false,10.000000,1619.950000,77,1203,2024-01-03T11:00:00,\n"
    "NIFTY24JAN21500CE,,2024-01-03,NSE,FO,,buy,false,20.000000,100.300000,902,1302,2024-01-03T10:30:01,2024-01-25\n"
    "NIFTY24JAN21500CE,,2024-01-03,NSE,FO,,buy,false,30.000000,100.250000,901,1302,2024-01-03T10:30:00,2024-01-25\n"
    "SBIN,INE062A01020,2024-01-03,NSE,EQ,EQ,sell,false,20.000000,640.100000,5001,1201,2024-01-03T09:20:00,\n"
    "BANKNIFTY2410348000CE,,2024-01-02,NSE,FO,,buy,false,15.000000,10.000000,800,1301,2024-01-02T14:00:00,2024-01-03\n"
    "NIFTY24JAN21500CE,,2024-01-02,NSE,FO,,sell,false,50.000000,120.500000,700,1300,2024-01-02T10:00:00,2024-01-25\n"
    "INFY,INE009A01021,2024-01-02,NSE,EQ,EQ,sell,false,30.000000,1600.000000,4000,1200,2024-01-02T09:30:00,\n"
    "INFY,INE009A01021,2023-01-02,NSE,EQ,EQ,buy,false,100.000000,1500.000000,1000,1100,2023-01-02T10:00:00,\n";

}  // namespace

TEST_CASE("a tradebook of shares and contracts comes to books that were worked out by hand", "[results][tradebook]") {
    const Result<Tradebook> tradebook = read({kYears});
    REQUIRE(tradebook);
    CHECK(tradebook->rows.front().time == parse_timestamp("2023-01-02T10:00:00+05:30")->time);
    CHECK(tradebook->place_of(tradebook->rows.front()) == "1.csv:11");
    const Result<TradebookBooks> books = books_of(tradebook->rows);
    REQUIRE(books);
    REQUIRE(books->scrips.size() == 4);

    // 100 at 1500. 30 of them sold at 1600 on the anniversary, which is not more than a year: 3,000. Then 50 at 1620.05: 50 x 120.05 = 6,002.50,
    // for more than a year. Held: 20 at 1500 and 10 at 1619.95 = 46,199.50, by 30 = 1,539.98333333...
    const ScripBook& infy = scrip(*books, "NSE:INFY");
    CHECK(infy.trades == 4);
    CHECK(infy.bought == qty("110"));
    CHECK(infy.sold == qty("80"));
    CHECK(infy.short_term == money("3000"));
    CHECK(infy.long_term == money("6002.5"));
    CHECK(infy.intraday == money("0"));
    CHECK(infy.realized == money("9002.5"));
    CHECK(infy.cost == money("46199.5"));
    CHECK(infy.average == px("1539.98333333"));

    // Sold at 640.10, bought back at 638 on the same day: 20 x 2.10.
    const ScripBook& sbin = scrip(*books, "NSE:SBIN");
    CHECK(sbin.net() == qty("0"));
    CHECK(sbin.intraday == money("42"));
    CHECK(sbin.realized == money("42"));
    CHECK(sbin.average == px("0"));

    // Written at 120.50: 6,025; bought back for 30 x 100.25 + 20 x 100.30 = 5,013.50.
    const ScripBook& nifty = scrip(*books, "NFO:NIFTY24JAN21500CE");
    CHECK(nifty.contracts == money("1011.5"));
    CHECK(nifty.realized == money("1011.5"));
    CHECK(scrip(*books, "NFO:BANKNIFTY2410348000CE").net() == qty("15"));
    CHECK(books->results.realized_pnl == money("10056"));

    // Only the share's sale is one beyond what was bought; an option is written.
    REQUIRE(books->oversold);
    CHECK(tradebook->place_of(tradebook->rows[books->oversold->row]) == "1.csv:7");
    CHECK(books->oversold->beyond == qty("20"));
    CHECK(books->oversold->shares == 1);
    CHECK(books->last == parse_date("2024-01-03").value());

    // Two pieces of one order are one lot.
    const std::string csv = trades_csv(books->results, books->results.lots);
    CHECK(std::ranges::count(csv, '\n') == 1 + 2 + 1 + 1 + 2 + 1);
    CHECK(csv.find(",NFO:NIFTY24JAN21500CE,SELL,50,120.5,100.27,1011.5,0,1011.5,") != std::string::npos);
}

TEST_CASE("a sale beyond what is held is short, and says by how much", "[results][tradebook]") {
    // 10 bought, 25 sold: 15 too many; then 15 bought. The first ten gain 10 x 1, the short loses 15 x 2.
    const Result<Tradebook> tradebook =
        read({kHeader + "X,,2024-01-02,NSE,EQ,EQ,buy,false,10,100,1,1,2024-01-02T10:00:00\n"
                        "X,,2024-01-03,NSE,EQ,EQ,sell,false,25,101,2,2,2024-01-03T10:00:00\n"
                        "X,,2024-01-04,NSE,EQ,EQ,buy,false,15,103,3,3,2024-01-04T10:00:00\n"});
    REQUIRE(tradebook);
    const Result<TradebookBooks> books = books_of(tradebook->rows);
    REQUIRE(books);
    REQUIRE(books->oversold);
    CHECK(books->oversold->beyond == qty("15"));
    CHECK(books->scrips.front().realized == money("-20"));
    CHECK(books->scrips.front().short_term == money("-20"));
}

TEST_CASE("what a short in a tradebook cost is not below zero, as in a portfolio's books", "[results][tradebook]") {
    const Result<Tradebook> tradebook =
        read({kHeader + "X,,2024-01-02,NSE,EQ,EQ,sell,false,10,101.5,1,1,2024-01-02T10:00:00\n"});
    const ScripBook book = books_of(tradebook.value().rows).value().scrips.front();
    CHECK(book.cost == money("-1015"));
    CHECK(book.average == px("101.5"));
    CHECK(book.net() == qty("-10"));
}

TEST_CASE("an execution after midnight is not of the trade date before", "[results][tradebook]") {
    const Result<Tradebook> tradebook =
        read({kHeader + "GOLD,,2024-01-02,MCX,COM,,buy,false,1,100,1,1,2024-01-02T23:59:59\n"
                        "GOLD,,2024-01-02,MCX,COM,,sell,false,1,101,2,2,2024-01-03T00:10:00\n"});
    REQUIRE(tradebook);
    CHECK(tradebook->rows[0].executed_on() == tradebook->rows[0].date);
    CHECK(tradebook->rows[1].executed_on().days == tradebook->rows[1].date.days + 1);
    const std::vector<Trade> lots = books_of(tradebook->rows).value().results.lots;
    REQUIRE(lots.size() == 1);
    CHECK(lots.front().exit.date == lots.front().entry.date);
}

TEST_CASE("units of funds are owned, and their charges are not those of shares", "[results][tradebook]") {
    const Result<Tradebook> tradebook =
        read({kHeader + "A FUND,INF000A01010,2023-01-02,BSE,MF,,buy,false,10.5,100,1,1,2023-01-02T00:00:00\n"
                        "A FUND,INF000A01010,2024-01-03,BSE,MF,,sell,false,10.5,110,2,2,2024-01-03T00:00:00\n"});
    REQUIRE(tradebook);
    const Result<TradebookBooks> books = books_of(tradebook->rows);
    REQUIRE(books);
    CHECK(books->scrips.front().long_term == money("105"));
    CHECK_FALSE(charges_of_tradebook(markets::embedded_charges("zerodha").value(), tradebook->rows));
}

TEST_CASE("trades of one second go by their ids as numbers", "[results][tradebook]") {
    // As texts, 10 would come before 9, and the sale before the purchase.
    const Result<Tradebook> tradebook =
        read({kHeader + "X,,2024-01-02,NSE,EQ,EQ,sell,false,1,100,10,2,2024-01-02T10:00:00\n"
                        "X,,2024-01-02,NSE,EQ,EQ,buy,false,1,100,9,1,2024-01-02 10:00:00\n"});
    REQUIRE(tradebook);
    CHECK(tradebook->rows.front().trade == "9");
    CHECK_FALSE(books_of(tradebook->rows)->oversold);
}

TEST_CASE("a tradebook is known by its header, whatever the order of columns", "[results][tradebook]") {
    const std::string text =
        "\xEF\xBB\xBF\"Order Execution "
        "Time\",Price,quantity,remark,trade_type,segment,exchange,trade_date,symbol,order_id,TRADE_ID\r\n"
        "\r\n2024-01-02T10:00:00,\"100.05\",3,\"a, \"\"b\"\"\",BUY,EQ,NSE,2024-01-02,'=X,7,8\r\n";
    const Result<Tradebook> tradebook = read({text});
    CAPTURE(tradebook ? "" : tradebook.error().message);
    REQUIRE(tradebook);
    REQUIRE(tradebook->rows.size() == 1);
    const TradebookRow& row = tradebook->rows.front();
    CHECK(row.symbol == "=X");
    CHECK(row.price == px("100.05"));
    CHECK(row.trade == "8");
    CHECK(row.order == "7");
    CHECK(row.line == 3);
    // What alpha writes is what it reads; what a spreadsheet would take for a formula is none.
    const std::string written = tradebook_csv(tradebook->rows);
    CHECK(written == kHeader + "'=X,,2024-01-02,NSE,EQ,,buy,false,3.000000,100.050000,8,7,2024-01-02T10:00:00\n");
    const Result<Tradebook> again = read({written});
    REQUIRE(again);
    CHECK(tradebook_csv(again->rows) == written);

    CHECK_THAT(refusal("date,open\n"), Catch::StartsWith("1.csv:1: this is no header of a tradebook"));
    CHECK_THAT(refusal("symbol,isin,price\n"),
               Catch::Contains("the header lacks trade_date, exchange, segment, trade_type"));
    CHECK_THAT(refusal("symbol,Symbol\n"), Catch::Contains("names the column symbol twice"));
    CHECK_THAT(refusal(""), Catch::StartsWith("1.csv:1: the file is empty"));
    CHECK(refusal(kHeader) == "taken");
}

TEST_CASE("a trade that two files have counts once, unless they say it otherwise", "[results][tradebook]") {
    const std::string first = "X,,2024-01-02,NSE,EQ,EQ,buy,false,10,100,1,1,2024-01-02T10:00:00\n";
    const std::string second = "X,,2024-01-03,NSE,EQ,EQ,sell,false,10,101,2,2,2024-01-03T10:00:00\n";
    // The same ids on another day and on another exchange are other trades.
    const std::string third = "X,,2024-01-04,NSE,EQ,EQ,buy,false,5,102,1,1,2024-01-04T10:00:00\n"
                              "X,,2024-01-04,BSE,EQ,A,buy,false,5,102,1,1,2024-01-04T10:00:00\n";
    const std::string older = fmt::format("{}{}{}", kHeader, first, second);
    const std::string newer = fmt::format("{}{}{}", kHeader, third, second);
    const std::string turned = fmt::format("{}{}{}", kHeader, second, first);
    for (const auto& files : {std::vector{older, newer}, std::vector{newer, turned}}) {
        const Result<Tradebook> tradebook = read(files);
        REQUIRE(tradebook);
        CHECK(tradebook->rows.size() == 4);
        CHECK(tradebook->duplicates == 1);
    }
    const std::string otherwise = "X,,2024-01-03,NSE,EQ,EQ,sell,false,10,101.05,2,2,2024-01-03T10:00:00\n";
    const Result<Tradebook> tradebook = read({older, kHeader + otherwise});
    REQUIRE_FALSE(tradebook);
    CHECK(tradebook.error().message ==
          "2.csv:2: trade 2 of order 2 stands in 1.csv:3 as well, and otherwise: price 101 there, 101.05 here; one of "
          "them was changed, download both again");
}

TEST_CASE("a bad row is refused with its line and how to mend it, field by field", "[results][tradebook]") {
    struct Bad {
        std::size_t column;
        const char* text;
        const char* said;
    };
    const std::vector<std::string> good{"X", "",  "2024-01-02",          "NSE", "EQ", "EQ", "buy", "false", "10", "100",
                                        "1", "1", "2024-01-02T10:00:00", ""};
    const std::string before = "Y,,2024-01-02,NSE,EQ,EQ,buy,false,1,1,90,90,2024-01-02T10:00:00,\n";
    const auto line_of = [&](std::size_t column, const std::string& text) {
        std::string line;
        for (std::size_t i = 0; i < good.size(); ++i) {
            line += (i == 0 ? "" : ",") + (i == column ? text : good[i]);
        }
        return kLongHeader + before + line + "\n";
    };
    for (const Bad& bad : std::vector<Bad>{
             {0, "", "symbol '': a trade is of something"},
             {0, "A123456789012345678901234567890123456789012345678901234567890123456789", "the name is too long"},
             {2, "02-01-2024", "trade_date '02-01-2024': "},
             {2, "", "write it as 2024-01-31"},
             {6, "hold", "trade_type 'hold': write buy or sell"},
             {7, "no", "auction 'no': write true or false"},
             {8, "0", "quantity '0': it is above 0"},
             {8, "-5", "quantity '-5': it is above 0"},
             {8, "\"1,000\"", "quantity '1,000': "},
             {8, "20000000000", "it is more than 10000000000"},
             {9, "", "price '': "},
             {9, "1e3", "write a plain decimal such as 1234.05"},
             {10, "", "trade_id '': without it"},
             {10, "2.4E+15", "trade_id '2.4E+15': a spreadsheet has cut its digits"},
             {11, "1.1E+15", "order_id '1.1E+15': a spreadsheet has cut its digits"},
             {12, "10:00:00", "order_execution_time '10:00:00': write the time in India as"},
             {12, "2024-01-02T10:00:00Z", "without a zone"},
             {12, "2024-01-01T23:59:59", "it is on another day than the trade_date 2024-01-02"},
             {12, "2024-01-04T00:00:00", "it is on another day than the trade_date 2024-01-02"},
             {13, "25JAN", "expiry_date '25JAN': "},
         }) {
        CAPTURE(bad.column, bad.text);
        const std::string said = refusal(line_of(bad.column, bad.text));
        CHECK_THAT(said, Catch::StartsWith("1.csv:3: "));
        CHECK_THAT(said, Catch::Contains(bad.said));
    }
    CHECK_THAT(refusal(kHeader + "X,1\n"), Catch::StartsWith("1.csv:2: 2 cells, but the header has 13"));
    CHECK_THAT(refusal(kHeader + "\"X,1\n"), Catch::StartsWith("1.csv:2: a quote is not closed"));
    // Sums stay within what books hold.
    std::string many = kHeader;
    for (int i = 1; i <= 3; ++i) {
        many += fmt::format("X,,2024-01-02,NSE,EQ,EQ,buy,false,10000000000,1,{0},{0},2024-01-02T10:00:00\n", i);
    }
    const Result<Tradebook> tradebook = read({many});
    REQUIRE(tradebook);
    const Result<TradebookBooks> books = books_of(tradebook->rows);
    REQUIRE_FALSE(books);
    CHECK_THAT(books.error().message, Catch::Contains("more than 20000000000 of NSE:X bought in all"));
}

TEST_CASE("two tradebooks are the same whatever cuts an order into trades", "[results][tradebook]") {
    const auto rows = [](const std::string& text) { return read({kHeader + text})->rows; };
    const std::string buy = "X,,2024-01-02,NSE,EQ,EQ,buy,false,100,100,1,11,2024-01-02T10:00:00\n";
    const auto ours = rows(buy + "X,,2024-01-02,NSE,EQ,EQ,sell,false,100,101,2,12,2024-01-02T11:00:00\n");
    SECTION("the same") {
        const TradebookComparison same = compare_tradebooks(ours, ours);
        CHECK(same.is_same());
        CHECK(same.same == 2);
        CHECK(same.cut_otherwise == 0);
    }
    SECTION("by ids, a report may come later") {
        const auto theirs = rows(buy + "X,,2024-01-02,NSE,EQ,EQ,sell,false,100,101,2,12,2024-01-02T10:59:58\n");
        const TradebookComparison same = compare_tradebooks(ours, theirs);
        CHECK(same.is_same());
        CHECK(same.apart_s_max == 2);
    }
    SECTION("an order in pieces") {
        const auto theirs = rows(buy + "X,,2024-01-02,NSE,EQ,EQ,sell,false,60,101,2,12,2024-01-02T11:00:00\n"
                                       "X,,2024-01-02,NSE,EQ,EQ,sell,false,40,101,3,12,2024-01-02T11:00:01\n");
        const TradebookComparison same = compare_tradebooks(ours, theirs);
        CHECK(same.is_same());
        CHECK(same.cut_otherwise == 1);
        CHECK(compare_tradebooks(theirs, ours).is_same());
    }
    SECTION("an order in pieces that are not all there") {
        const auto theirs = rows(buy + "X,,2024-01-02,NSE,EQ,EQ,sell,false,60,101,2,12,2024-01-02T11:00:00\n");
        const TradebookComparison found = compare_tradebooks(ours, theirs);
        REQUIRE(found.differences.size() == 1);
        CHECK(found.differences.front().columns == std::vector<std::string>{"quantity"});
        REQUIRE(found.positions.size() == 1);
        CHECK(found.positions.front().ours == qty("0"));
        CHECK(found.positions.front().theirs == qty("40"));
    }
    SECTION("other ids") {
        const auto theirs = rows("X,,2024-01-02,NSE,EQ,EQ,buy,false,100,100,901,911,2024-01-02T10:00:00\n"
                                 "X,,2024-01-02,NSE,EQ,EQ,sell,false,100,101,902,912,2024-01-02T11:00:00\n");
        CHECK(compare_tradebooks(ours, theirs).is_same());
    }
    SECTION("other ids, another price, and a trade that nobody booked") {
        const auto theirs = rows("X,,2024-01-02,NSE,EQ,EQ,buy,false,100,100.01,901,911,2024-01-02T10:00:00\n"
                                 "X,,2024-01-02,NSE,EQ,EQ,sell,false,100,101,902,912,2024-01-02T11:00:00\n"
                                 "Y,,2024-01-01,NSE,EQ,EQ,sell,false,7,5,903,913,2024-01-01T11:00:00\n");
        const TradebookComparison found = compare_tradebooks(ours, theirs);
        REQUIRE(found.differences.size() == 2);
        CHECK_FALSE(found.differences[0].ours);
        CHECK(theirs[*found.differences[0].theirs].symbol == "Y");
        CHECK(found.differences[1].ours == 0U);
        CHECK(found.differences[1].columns == std::vector<std::string>{"price"});
        CHECK(found.same == 1);
    }
    SECTION("another side") {
        const auto theirs = rows(buy + "X,,2024-01-02,NSE,EQ,EQ,buy,false,100,101,2,12,2024-01-02T11:00:00\n");
        const TradebookComparison found = compare_tradebooks(ours, theirs);
        REQUIRE(found.differences.size() == 1);
        CHECK(found.differences.front().columns == std::vector<std::string>{"trade_type"});
    }
}

TEST_CASE("charges of a tradebook are those of its days' contract notes", "[results][tradebook]") {
    const Result<markets::ChargePlan> plan = markets::embedded_charges("zerodha");
    REQUIRE(plan);
    // 100 at 100: STT 10, exchange 0.31, SEBI 0.01, stamp 1.50 -> 2, GST of 0.32 -> 0.06, and a paisa for investors' protection: 12.39
    // (tests/cli/market_test.cpp has the same day of a session).
    const Result<Tradebook> bought =
        read({kHeader + "TCS,,2026-08-03,NSE,EQ,EQ,buy,false,100,100,1,1,2026-08-03T10:00:00\n"});
    REQUIRE(bought);
    const Result<TradebookCharges> charges = charges_of_tradebook(*plan, bought->rows);
    CAPTURE(charges ? "" : charges.error().message);
    REQUIRE(charges);
    CHECK(charges->notes == money("12.39"));
    CHECK(charges->ledger == money("0"));
    CHECK(charges->days == 1);
    const Result<Tradebook> gold =
        read({kHeader + "GOLD26AUGFUT,,2026-08-03,MCX,COM,,buy,false,1,100000,1,1,2026-08-03T10:00:00\n"});
    REQUIRE(gold);
    const Result<TradebookCharges> refused = charges_of_tradebook(*plan, gold->rows);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, Catch::Contains("MCX:GOLD26AUGFUT of 2026-08-03 is traded in lots"));
}
