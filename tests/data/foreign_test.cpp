/// Files as other programs write them: one for each format and each trap (tests/data/imports), what becomes of it worked out by hand.

#include "adapters/data/foreign.hpp"
#include "adapters/data/import.hpp"
#include "events/bytes.hpp"
#include "tests/data/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>

using namespace alpha;
using namespace alpha::test;

namespace {

const std::string kT = "timestamp,open,high,low,close,volume,instrument\n";
const std::string kD = "date,open,high,low,close,volume,instrument\n";

std::string folder() {
    return ALPHA_IMPORTS;
}

/// All of a text, or how it ends badly, the folder left out.
std::string text_of(const DataSource& source, const TimesOf& times) {
    const auto bytes = open_text(source, times);
    std::string text;
    std::optional<Error> error = bytes ? std::nullopt : std::optional(bytes.error());
    std::vector<char> block(100);
    while (!error) {
        const auto got = (*bytes)->read(block);
        if (!got) {
            error = got.error();
        } else if (*got == 0) {
            return text;
        } else {
            text.append(block.data(), *got);
        }
    }
    CHECK(error->kind == ErrorKind::data);
    std::string message = error->message;
    for (std::size_t at = message.find(folder() + '/'); at != std::string::npos; at = message.find(folder() + '/')) {
        message.erase(at, folder().size() + 1);
    }
    return message;
}

markets::Zone fixed_zone(std::int32_t offset_s) {
    return {"Asia/Kolkata", {{kBeforeAll, offset_s}}};
}
/// As of 2024: daylight saving from 10 March, 07:00 UTC, to 3 November, 06:00 UTC.
markets::Zone new_york() {
    return {"America/New_York",
            {{kBeforeAll, -18'000},
             {Time{1'710'054'000 * kSecondNs}, -14'400},
             {Time{1'730'613'600 * kSecondNs}, -18'000}}};
}

struct Case {
    std::string file;
    std::string becomes;  ///< the text, or the refusal
    std::function<void(DataSource&)> given = [](DataSource&) {};
    TimesOf times = {};
};

std::optional<markets::DayTimes> nse_times(const std::string& /*instrument*/) {
    return markets::DayTimes(TradingHours{19'800, 33'300, 55'800});
}
const auto kKolkata = [](DataSource& source) { source.foreign.zone = fixed_zone(19'800); };
const auto kNewYork = [](DataSource& source) { source.foreign.zone = new_york(); };
const auto kDmy = [](DataSource& source) { source.foreign.dates = DateOrder::dmy; };
const auto kMdy = [](DataSource& source) { source.foreign.dates = DateOrder::mdy; };
auto resampled(std::int64_t minutes) {
    return [=](DataSource& source) { source.foreign.resample = Duration{minutes * 60 * kSecondNs}; };
}

const std::string kNoZone = "has no UTC offset, and nobody says where its clock stands; name the zone, as in tz: "
                            "Asia/Kolkata in the scenario or --tz "
                            "Asia/Kolkata on the command line";
const std::string kKiteForm =
    R"(candles look like {"data":{"candles":[["2024-01-02T09:15:00+0530",1704.5,1705,1699.25,1702.8,2499]]}})";

std::vector<Case> cases() {
    return {
        {"yfinance.csv", kD + "2024-01-02,10.5,11.25,10,11,1000,yfinance\n2024-01-03,11,12,10.5,11.5,2000,yfinance\n"},
        {"yfinance.csv",
         kD + "2024-01-02,10.40454545,11.14772727,9.90909091,10.9,1000,yfinance\n"
              "2024-01-03,10.90434783,11.89565217,10.40869565,11.4,2000,yfinance\n",
         [](DataSource& source) { source.foreign.columns = {{"close", "Adj Close"}}; }},
        {"yfinance.csv",
         "yfinance.csv:1: there is no column 'Adjusted' for close; the columns are 'date, open, high, low, close, adj "
         "close, "
         "volume'",
         [](DataSource& source) { source.foreign.columns = {{"close", "Adjusted"}}; }},
        {"yfinance-noise.csv", kD + "2024-01-02,187.1499939,188.44000244,183.88999939,185.63999939,82488700,AAPL\n"},
        {"yfinance-noise.csv", kD + "2024-01-02,187.15,188.44,183.89,185.64,82488700,AAPL\n",
         [](DataSource& source) { source.foreign.decimals = 2; }},
        {"yfinance-wide.csv",
         kD + "2024-01-02,10,12,9,11,100,AA\n2024-01-02,20,22,19,21,200,BB\n2024-01-03,11.5,13,11,12,300,AA\n"},
        {"yfinance-wide.csv", kD + "2024-01-02,20,22,19,21,200,BB\n",
         [](DataSource& source) { source.instrument = "BB"; }},
        {"yfinance-wide.csv",
         "yfinance-wide.csv:1: the file holds no row of instrument 'CC'; check its name; the file holds BB",
         [](DataSource& source) { source.foreign.only = {"AA", "CC"}; }},
        {"yfinance-grouped.csv", kD + "2024-01-02,10,12,9,11,100,AA\n2024-01-02,20,22,19,21,200,BB\n"},
        {"yfinance-intraday.csv", kT + "2024-01-02T09:30:00-05:00,10,12,9,11,100,yfinance-intraday\n"
                                       "2024-01-02T09:35:00-05:00,11,12,10,11.5,0,yfinance-intraday\n"},
        {"kite.json", kT + "2017-12-15T09:15:00+05:30,1704.5,1705,1699.25,1702.8,2499,kite\n"
                           "2017-12-15T09:16:00+05:30,1702,1702,1698.15,1698.15,1271,kite\n"},
        {"kite-array.json", kD + "2017-12-15,1704.5,1705,1699.25,1702.8,2499,NSE:INFY\n",
         [](DataSource& source) { source.instrument = "NSE:INFY"; }},
        {"kite-error.json",
         "kite-error.json:1: is an answer that tells of an error ('Invalid token'), and holds no candles; ask again"},
        {"kite-other.json", "kite-other.json:1: is JSON, but holds no candles; " + kKiteForm},
        {"kite-short.json", "kite-short.json:1: a candle has 3 values, not 6 or 7; " + kKiteForm},
        {"nse-bhavcopy.csv", kD + "2024-01-02,640,645.5,638,641.95,1000,NSE:SBIN\n2024-01-02,10,10,9.5,9.5,5,NSE:XYZ\n"
                                  "2024-01-02,20,21,20,21,7,NSE:ABC-SM\n"},
        {"nse-fo-bhavcopy.csv", kD + "2024-01-02,21800,21900,21700,21850,10,NFO:NIFTY24JANFUT\n2024-01-02,100,120,90,"
                                     "110.5,20,NFO:NIFTY2410421700CE\n"
                                     "2024-01-02,90,95,80,85,30,NFO:NIFTY24JAN21700.5PE\n"},
        {"udiff-cm.csv",
         kD + "2024-07-08,860,866.5,851.1,854.75,1000,NSE:SBIN\n2024-07-08,7000,7000,7000,7000,1,NSE:SGBX-GB\n"
              "2024-07-08,860,866,851,854,900,BSE:SBIN\n"},
        {"udiff-fo.csv",
         kD + "2024-07-08,24300,24400,24200,24350,10,NFO:NIFTY24JULFUT\n2024-07-08,50,60,40,55,20,NFO:"
              "NIFTY2471124500CE\n"
              "2024-07-08,70,80,60,75,30,NFO:NIFTY24JUL24500PE\n2024-07-08,1,2,1,2,40,BFO:SENSEX24O1180000CE\n"
              "2024-07-08,3,4,3,4,50,BFO:SENSEX24OCT80000CE\n"},
        {"nse-full.csv", kD + "2024-01-02,641,645,639,642.5,5000,NSE:SBIN\n"},
        {"nse-site.csv", kD + "2024-01-01,123400,123500,122000,123000,1000000,nse-site\n"
                              "2024-01-02,123456,124000,123000.5,123600,12345,nse-site\n"},
        {"tradingview.csv", kT + "2024-01-02T14:00:00Z,10,12,9,11,100,tradingview\n"
                                 "2024-01-02T14:05:00Z,11,12,10,11.5,50,tradingview\n"},
        {"tradingview-iso.csv", kT + "2024-01-02T09:15:00+05:30,10,12,9,11,100,tradingview-iso\n"
                                     "2024-01-02T09:20:00+05:30,11,12,10,11.5,50,tradingview-iso\n"},
        {"mt4.csv", "mt4.csv:1: '2024-01-02T00:05:00' " + kNoZone},
        {"mt4.csv",
         kT + "2024-01-02T00:05:00+05:30,1.1,1.2,1.05,1.15,100,mt4\n2024-01-02T00:10:00+05:30,1.15,1.25,1.1,1.2,50,"
              "mt4\n",
         kKolkata},
        {"mt5.csv", "mt5.csv:2: '2024-01-02T00:05:00' " + kNoZone},
        {"mt5.csv",
         kT + "2024-01-02T00:05:00-05:00,1.1,1.2,1.05,1.15,100,mt5\n2024-01-02T00:10:00-05:00,1.15,1.25,1.1,1.2,50,"
              "mt5\n",
         kNewYork},
        {"mt5-daily.csv", kD + "2024-01-02,1.1,1.2,1.05,1.15,7,mt5-daily\n",
         [](DataSource& source) { source.foreign.columns = {{"volume", "<VOL>"}}; }},
        {"binance.csv", kT + "2024-01-01T00:01:00Z,42283.58,42554.57,42261.02,42475.23,1271.68108,binance\n"
                             "2024-01-01T00:02:00Z,42475.23,42775,42431.65,42613.56,1196.37856,binance\n"},
        {"binance-header.csv",
         kT + "2025-01-01T00:01:00Z,93576,94509.42,93489.03,94401.14,755.9901,binance-header\n"
              "2025-01-01T00:02:00Z,94401.14,94408.72,93578.77,93607.74,586.53456,binance-header\n"},
        {"epochs-mixed.csv",
         "epochs-mixed.csv:3: counts its time in another unit than line 2, to judge by its size; write all "
         "times alike"},
        {"dmy.csv", kD + "2024-01-05,10,12,9,11,0,dmy\n2024-01-15,11,12,10,11.5,0,dmy\n"},
        {"mdy.csv", kD + "2024-01-05,10,12,9,11,0,mdy\n2024-01-15,11,12,10,11.5,0,mdy\n"},
        {"either.csv",
         "either.csv:2: has a date whose day and month no row of the file tells apart; say which comes first: dates: "
         "dmy or mdy in the scenario, --dates dmy or mdy on the command line"},
        {"either.csv", kD + "2024-02-01,10,12,9,11,0,either\n2024-03-01,11,12,10,11.5,0,either\n", kDmy},
        {"either.csv", kD + "2024-01-02,10,12,9,11,0,either\n2024-01-03,11,12,10,11.5,0,either\n", kMdy},
        {"both.csv",
         "both.csv:3: has a date that the order of day and month in line 2 does not allow; write all dates alike, best "
         "as YYYY-MM-DD"},
        {"dmy.csv", "dmy.csv:3: has a day that does not exist in the order mdy; check the date", kMdy},
        {"short-year.csv", kD + "2024-01-15,10,12,9,11,0,short-year\n2024-01-31,11,12,10,11.5,0,short-year\n", kDmy},
        {"named-month.csv", kD + "2024-01-02,10,12,9,11,0,named-month\n2024-01-03,11,12,10,11.5,0,named-month\n"},
        {"compact.csv", kD + "2024-01-02,10,12,9,11,0,compact\n2024-01-03,11,12,10,11.5,0,compact\n"},
        {"semicolons.csv",
         kD + "2024-01-02,1010.5,1020.25,1000,1015.75,1000,semicolons\n2024-01-15,10.5,11,10,10.75,2,semicolons\n"},
        {"semicolons-either.csv",
         "semicolons-either.csv:2: has a number such as 1,234, which may be 1.234 or 1234, and no row of "
         "the file shows which; write its numbers with a point"},
        {"semicolons-point.csv", kD + "2024-01-02,1234.5,1235,1233,1234,1000,semicolons-point\n"},
        {"tabs.csv",
         kT + "2024-01-02T09:30:00-05:00,10,12,9,11,0,tabs\n2024-01-02T09:31:00-05:00,11,12,10,11.5,0,tabs\n",
         kNewYork},
        {"pipes.csv", kD + "2024-01-02,10,12,9,11,0,pipes\n"},
        {"afternoon.csv",
         kT + "2024-01-02T12:30:00+05:30,10,12,9,11,0,afternoon\n2024-01-02T13:00:00+05:30,11,12,10,11.5,0,afternoon\n",
         kKolkata},
        {"fraction.csv", kT + "2024-01-02T09:15:00.250+05:30,10,12,9,11,0,fraction\n"
                              "2024-01-02T09:15:01.500+05:30,11,12,10,11.5,0,fraction\n"},
        {"date-short-names.csv", kD + "2024-01-02,10,12,9,11,5,date-short-names\n"},
        {"short-names.csv", kD + "2024-01-02,10,12,9,11,5,short-names\n",
         [](DataSource& source) { source.foreign.columns = {{"date", "t"}}; }},
        {"one-after-the-other.csv",
         kD + "2024-01-02,20,22,19,21,0,BB\n2024-01-02,10,12,9,11,0,AA\n2024-01-03,21,22,20,21.5,0,BB\n"
              "2024-01-03,11,12,10,11.5,0,AA\n"},
        {"newest-first.csv", kD + "2024-01-02,10,12,9,11,0,newest-first\n2024-01-03,11,12,10,11.5,0,newest-first\n"
                                  "2024-01-04,12,12,11,11,0,newest-first\n"},
        {"repeated.csv", kD + "2024-01-02,10,12,9,11,0,AA\n"},
        {"contradicting.csv",
         "contradicting.csv:4: holds another bar of 'AA' at 2024-01-02 than line 2; remove one, or say which "
         "counts: duplicates: first or last (--duplicates first|last)"},
        {"contradicting.csv", kD + "2024-01-02,10,12,9,11,0,AA\n2024-01-02,10,12,9,11,0,BB\n",
         [](DataSource& source) { source.foreign.duplicates = Duplicates::first; }},
        {"contradicting.csv", kD + "2024-01-02,10,12,9,11.5,0,AA\n2024-01-02,10,12,9,11,0,BB\n",
         [](DataSource& source) { source.foreign.duplicates = Duplicates::last; }},
        {"empty-rows.csv", kD + "2024-01-02,10,12,9,11,0,empty-rows\n2024-01-04,11,12,10,11.5,7,empty-rows\n"},
        {"half-empty.csv",
         "half-empty.csv:2: low is empty, but another price of the bar is not; give all four, or none"},
        {"footer.csv", kD + "2024-01-02,10,12,9,11,0,AA\n2024-01-03,11,12,10,11.5,0,AA\n"},
        {"crlf.csv", kD + "2024-01-02,10,12,9,11,0,AA\n"},
        {"lone-cr.csv", kD + "2024-01-02,10,12,9,11,0,lone-cr\n2024-01-03,11,12,10,11.5,0,lone-cr\n"},
        {"tradebook.csv",
         "tradebook.csv:1: is Zerodha's tradebook: the trades of an account, not prices of a market; download "
         "candles of the instruments instead, such as Kite's historical candles or the exchange's bhavcopy"},
        {"orders.csv",
         "orders.csv:1: is a list of an account's orders, not prices of a market; download candles of the instruments "
         "instead, such as Kite's historical candles or the exchange's bhavcopy"},
        {"excel.xlsx", "excel.xlsx: is an Excel workbook; open it and save the sheet as CSV"},
        {"old-excel.xls", "old-excel.xls:1: is an old Excel workbook (.xls); open it and save the sheet as CSV"},
        {"archive.zip", kD + "2024-01-02,10.5,11.25,10,11,1000,archive\n"},
        {"several.zip",
         "several.zip: is a zip archive of 2 files, a.csv and others; unpack it and name the file, or the folder where "
         "they belong together"},
        {"utf16.csv", "date,open,high,low,close\n2024-01-02,10,12,9,11\n"},
        {"page.csv", "page.csv:1: is a web page or XML, not a table: the site answered with a page, perhaps to log in "
                     "or that it was "
                     "busy; download the CSV again in a browser, and look into it before"},
        {"skipped-hour.csv",
         "skipped-hour.csv:3: the clocks of America/New_York never showed 2024-03-10T02:30:00, because they "
         "were changed; write the time with its UTC offset",
         kNewYork},
        {"repeated-hour.csv",
         "repeated-hour.csv:3: the clocks of America/New_York showed twice 2024-11-03T01:30:00, because they "
         "were changed; write the time with its UTC offset",
         kNewYork},
        {"scientific.csv", kD + "2024-01-02,10.5,12,9,11,1500000,AA\n"},
        {"grouped.csv", kD + "2024-01-02,1000.5,1100,999,1050,1234567,AA\n"},
        {"badly-grouped.csv",
         "badly-grouped.csv:2: open '10,00' has its digits grouped neither by threes nor as in India; write a "
         "decimal such as 10.05"},
        {"trades.csv",
         "trades.csv:1: holds single prices, not bars; say how long the bars made of them are to last, as in "
         "resample: 1m (--resample 1m on the command line)"},
        {"trades.csv",
         kT + "2024-01-02T09:15:00+05:30,100,102,99.5,99.5,8,trades\n2024-01-02T09:16:00+05:30,101,101,101,101,3,"
              "trades\n",
         resampled(1)},
        {"bids.csv", kT + "2024-01-02T09:15:00Z,100.01,100.505,100.01,100.505,0,bids\n", resampled(1)},
        {"minutes.csv",
         kT + "2024-01-02T09:15:00+05:30,10,13,9,12,11,A\n2024-01-02T09:30:00+05:30,12,12,8,9,7,A\n"
              "2024-01-02T15:15:00+05:30,9,9.5,9,9.25,8,A\n",
         resampled(15), nse_times},
        {"minutes.csv", kD + "2024-01-02,10,13,8,9.25,26,A\n", resampled(1'440), nse_times},
        {"minutes.csv",
         "minutes.csv:1: the bars lie 1m apart, and such bars do not add up to bars of 30s; resample to a multiple",
         [](DataSource& source) { source.foreign.resample = Duration{30 * kSecondNs}; }},
        {"minutes.csv", kT + "2024-01-02T09:15:00+05:30,10,12,9,11,5,A\n2024-01-02T09:29:00+05:30,11,13,10,12,6,A\n",
         [](DataSource& source) {
             source.foreign.from = *parse_bound("2024-01-02T03:45:00Z");
             source.foreign.to = *parse_bound("2024-01-02T09:30:00+05:30");
         }},
        {"dmy.csv", kD + "2024-01-15,11,12,10,11.5,0,dmy\n",
         [](DataSource& source) {
             source.foreign.from = *parse_bound("2024-01-06");
             source.foreign.to = *parse_bound("2024-01-15");
         }},
        {"local.csv", "local.csv:2: '2024-01-02T09:15:00' " + kNoZone},
        {"local.csv",
         kT + "2024-01-02T09:15:00+05:30,10,12,9,11,0,local\n2024-01-02T09:16:00+05:30,11,12,10,11.5,0,local\n",
         [](DataSource&) {}, nse_times},
        {"cut.csv", "cut.csv:2: has 4 fields where the header has 6; is the line cut short?"},
        {"no-such-day.csv", "no-such-day.csv:2: has a day that does not exist; check the date"},
        {"daily-midnight-epoch.csv",
         kT + "2024-01-08T00:00:00+05:30,100,101,99,100,5,daily-midnight-epoch\n"
              "2024-01-09T00:00:00+05:30,101,102,100,101,5,daily-midnight-epoch\n"
              "2024-01-10T00:00:00+05:30,102,103,101,102,5,daily-midnight-epoch\n",
         kKolkata},
        {"daily-midnight-utc.csv",
         kT + "2024-01-08T00:00:00+05:30,100,101,99,100,5,daily-midnight-utc\n"
              "2024-01-09T00:00:00+05:30,101,102,100,101,5,daily-midnight-utc\n",
         kKolkata},
        {"daily-midnight-epoch.csv",
         kT + "2024-01-09T00:00:00+05:30,101,102,100,101,5,daily-midnight-epoch\n"
              "2024-01-10T00:00:00+05:30,102,103,101,102,5,daily-midnight-epoch\n",
         [](DataSource& source) { source.foreign.from = DataBound{Date{19'731}, {}}; }, nse_times},
        {"nse-fo-weekly-after.csv", kD + "2024-01-02,48000,48010,47990,48000,9,NFO:BANKNIFTY24JANFUT\n"
                                         "2024-01-02,1000,1010,990,1000,9,NFO:BANKNIFTY24JAN48000CE\n"
                                         "2024-01-02,1200,1210,1190,1200,9,NFO:BANKNIFTY2413148000CE\n"},
        {"written-out.csv",
         kT + "2024-01-02T09:15:00+05:30,10,12,9,11,1,written-out\n"
              "2024-01-02T09:16:00+05:30,11,12,10,11.5,2,written-out\n",
         kKolkata},
        {"written-out-seconds.csv",
         kT + "2024-01-02T09:15:00+05:30,10,12,9,11,0,written-out-seconds\n"
              "2024-01-02T09:16:00+05:30,11,12,10,11.5,0,written-out-seconds\n",
         kKolkata},
        {"leading-zero.csv", "leading-zero.csv:2: has a day that does not exist; check the date", kKolkata},
        {"mt5-ticks.csv",
         kT + "2024-03-08T00:00:00+05:30,1.10455,1.10455,1.1043,1.1043,0,mt5-ticks\n"
              "2024-03-08T00:01:00+05:30,1.105,1.105,1.105,1.105,0,mt5-ticks\n"
              "2024-03-08T00:02:00+05:30,1.1051,1.1051,1.1051,1.1051,0,mt5-ticks\n",
         [](DataSource& source) {
             source.foreign.zone = fixed_zone(19'800);
             source.foreign.resample = kMinute;
         }},
        {"one-sided.csv", kT + "2024-01-02T09:15:00Z,10.5,10.5,10.5,10.5,0,A\n", resampled(1)},
        {"short-volume.csv",
         kD + "2024-01-02,10,12,9,11,100,short-volume\n2024-01-03,11,12,10,11.5,200,short-volume\n"},
        {"bse.csv", kD + "2024-01-02,640,645.5,638,641.95,100000,bse\n2024-01-03,642,646,640,645,20000,bse\n"},
        {"grouped-tabs.csv", "grouped-tabs.csv:2: has a number such as 1,234, which may be 1.234 or 1234, and no row "
                             "of the file shows which; write its numbers with a point"},
        {"quoted-commas.csv", "quoted-commas.csv:2: has a number such as 1,234, which may be 1.234 or 1234, and no row "
                              "of the file shows which; write its numbers with a point"},
        {"grouped-tabs-shown.csv", kD + "2024-01-02,1085,1090,1080,1086.5,10,grouped-tabs-shown\n"
                                        "2024-01-03,999.5,1090,990,1000,10,grouped-tabs-shown\n"},
        {"nse-options.csv", kD + "2024-01-05,187,188,186,187.5,10,NIFTY-20240125-C-21700\n"
                                 "2024-01-08,100,101,99,100,20,NIFTY-20240125-P-21800.5\n"},
        {"nse-futures.csv", kD + "2024-01-05,187,188,186,187.5,0,NIFTY-20240125\n"
                                 "2024-01-05,287,288,286,287.5,0,NIFTY-20240229\n"},
        {"RELIANCE.NS.csv", kD + "2024-01-02,10,12,9,11,7,NSE:RELIANCE\n"},
        {"yfinance-india.csv", kD + "2024-01-02,10,12,9,11,0,NSE:RELIANCE\n2024-01-02,20,22,19,21,0,BSE:TCS\n"},
        {"yfinance-india.csv",
         "yfinance-india.csv:1: the file holds no row of instrument 'RELIANCE.NS'; check its name; the file holds "
         "NSE:RELIANCE, BSE:TCS",
         [](DataSource& source) { source.instrument = "RELIANCE.NS"; }},
        {"adjusted-wide.csv", kD + "2024-01-02,50,55,45,50,7,IBM\n",
         [](DataSource& source) { source.foreign.columns = {{"close", "Adj Close"}}; }},
        {"date-and-time.csv",
         "date-and-time.csv:2: holds a date, but line 3 a time of day; give every row the one or every row the other"},
    };
}

std::string content_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

DataSource source_of(const std::string& file) {
    DataSource source;
    source.file = file;
    source.kind = DataKind::bars;
    return source;
}

}  // namespace

TEST_CASE("another program's file becomes other bars than it holds, or is refused without its reason",
          "[data][foreign]") {
    for (const Case& each : cases()) {
        CAPTURE(each.file);
        DataSource source = source_of(folder() + "/" + each.file);
        each.given(source);
        CHECK(text_of(source, each.times) == each.becomes);
    }
}

TEST_CASE("what is wrong with a bar is told at a line of the translation", "[data][foreign]") {
    DataSource source = source_of(folder() + "/impossible.csv");
    source.interval = kDay;
    CHECK(read_all({source}).error ==
          source.file + ":3: high 9.5 is below another price of its bar (10); check the columns' order");
    source.file = folder() + "/newest-first.csv";
    source.interval = kMinute;
    CHECK_THAT(read_all({source}).error,
               Catch::StartsWith(source.file + ":4: '2024-01-02' is a date, but the bars last 1m"));
    source.file = folder() + "/kite-cut.json";
    CHECK_THAT(read_all({source}).error, Catch::StartsWith(source.file + ":1: is not whole JSON"));
}

/// Of tests/data/lean: what becomes of each.
std::vector<Case> lean_cases() {
    const auto ticks = [](DataSource& source) {
        source.foreign.zone = new_york();
        source.foreign.resample = kMinute;
    };
    const auto sbin = [](DataSource& source) { source.instrument = "NSE:SBIN"; };
    return {
        {"equity/usa/daily/aapl.zip", kD + "1998-01-02,13.63,16.25,13.5,16.25,6315000,AAPL\n"
                                           "1998-01-05,16.5001,16.56,15.19,15.88,5677300,AAPL\n"},
        {"equity/usa/hour/aapl.zip", "equity/usa/hour/aapl.zip:1: '2024-01-02T09:00:00' " + kNoZone},
        {"equity/usa/hour/aapl.zip",
         kT + "2024-01-02T09:00:00-05:00,136.3,162.5,135,162.5,63,AAPL\n"
              "2024-01-02T10:00:00-05:00,165,165.6,151.9,158.8,56,AAPL\n",
         kNewYork},
        {"equity/usa/minute/aapl/*_trade.zip",
         kT + "2024-01-02T09:30:00-05:00,136.3,162.5,135,162.5,6315,AAPL\n"
              "2024-01-02T09:31:00-05:00,165,165.6,151.9,158.8,56773,AAPL\n"
              "2024-07-05T09:30:00-04:00,136.3,162.5,135,162.5,6315,AAPL\n"
              "2024-07-05T09:31:00-04:00,165,165.6,151.9,158.8,56773,AAPL\n",
         kNewYork},
        {"equity/usa/minute/aapl/20240102_quote.zip",
         kT + "2024-01-02T09:30:00-05:00,0.01005,0.01105,0.00905,0.01005,0,AAPL\n"
              "2024-01-02T09:31:00-05:00,165,165.6,151.9,158.8,0,AAPL\n",
         kNewYork},
        {"equity/usa/minute/aapl",
         "equity/usa/minute/aapl/20240102_trade.zip: holds other ticks than equity/usa/minute/aapl/20240102_quote.zip; "
         "name those of trades or those of quotes alone, as with *_trade.zip",
         kNewYork},
        {"equity/usa/tick/aapl/20240102_trade.zip",
         "equity/usa/tick/aapl/20240102_trade.zip:1: holds single prices, not bars; say how long the bars made of them "
         "are to last, as in resample: 1m (--resample 1m on the command line)",
         kNewYork},
        {"equity/usa/tick/aapl/20240102_trade.zip",
         kT + "2024-01-02T09:30:00-05:00,137.45,137.46,137.45,137.46,300,AAPL\n", ticks},
        {"equity/usa/tick/aapl/20240102_quote.zip",
         "equity/usa/tick/aapl/20240102_quote.zip:1: holds LEAN's ticks of quotes of a share, each of which gives one "
         "side of the book alone; name its quotes by the second or the minute",
         ticks},
        {"equity/india/minute/sbin/20240102_trade.zip",
         kT + "2024-01-02T09:15:00+05:30,640,645.5,638,641.95,10,NSE:SBIN\n", sbin, nse_times},
        {"forex/oanda/daily/eurusd.zip", kD + "2024-01-02,1.10005,1.2001,1.0001,1.1501,0,EURUSD\n"},
        {"forex/oanda/tick/eurusd/20240102_quote.zip",
         kT + "2024-01-02T00:00:00-05:00,1.1001,1.2001,1.1001,1.2001,0,EURUSD\n", ticks},
        {"crypto/coinbase/minute/btcusd/20240102_trade.zip",
         kT + "2024-01-02T00:00:00Z,42000.5,42001,41999.25,42000,1.5,BTCUSD\n"
              "2024-01-02T00:01:00Z,42000,42010,41990,42005.12345678,0.25,BTCUSD\n"},
        {"crypto/coinbase/daily/btcusd_trade.zip", kD + "2024-01-02,42000,43000,41000,42500,1000.5,BTCUSD\n"},
        {"future/cme/minute/es/20240102_trade.zip", kT + "2024-01-02T00:00:00Z,4800,4801,4799,4800.25,10,ES-20240315\n"
                                                         "2024-01-02T00:00:00Z,4850,4851,4849,4850.25,3,ES-20240621\n"
                                                         "2024-01-02T00:01:00Z,4850,4850,4850,4850,1,ES-20240621\n"},
        {"future/cme/minute/es/20240102_trade.zip", kT + "2024-01-02T00:00:00Z,4800,4801,4799,4800.25,10,ES-20240315\n",
         [](DataSource& source) { source.instrument = "ES-20240315"; }},
        {"future/cme/minute/es/20240102_openinterest.zip", "future/cme/minute/es/20240102_openinterest.zip:1: holds "
                                                           "LEAN's open interest, not prices; name the archive of "
                                                           "trades or quotes, as with *_trade.zip"},
        {"future/cme/daily/nq_trade.zip",
         "future/cme/daily/nq_trade.zip: nq_trade.csv in it does not end with a contract's expiry as LEAN's do; unpack "
         "it and leave that file out"},
        {"option/usa/minute/goog", kT + "2024-01-02T09:30:00-05:00,12.08,12.56,12.08,12.5,404,GOOG-20240119-P-712.5\n",
         kNewYork},
        {"equity/usa/daily/bad.zip", "equity/usa/daily/bad.zip:2: price '1o000' is not a number"},
        {"equity/usa/daily/short.zip",
         "equity/usa/daily/short.zip:1: has 5 fields, where LEAN writes 6 for bars of trades"},
        {"equity/usa/daily/other.zip",
         "equity/usa/daily/other.zip:1: '2024-01-02' is no time as LEAN writes it here, such as 20131001 09:00"},
    };
}

TEST_CASE("an archive of LEAN's does not become the right bars or the right refusal", "[data][foreign]") {
    const std::string lean = std::filesystem::path(folder()).parent_path() / "lean";
    for (const Case& each : lean_cases()) {
        CAPTURE(each.file);
        DataSource source = source_of(lean + "/" + each.file);
        each.given(source);
        std::string text = text_of(source, each.times);
        for (std::size_t at = text.find(lean); at != std::string::npos; at = text.find(lean)) {
            text.erase(at, lean.size() + 1);
        }
        CHECK(text == each.becomes);
    }
    DataSource ticks = source_of(lean + "/equity/usa/tick/aapl/20240102_trade.zip");
    ticks.foreign.zone = new_york();
    ticks.foreign.resample = kMinute;
    const auto told = look_at_foreign(ticks, {});
    REQUIRE((told.has_value() && told->has_value()));
    CHECK((*told)->read_as == "LEAN equity tick trades, times America/New_York");
    CHECK((*told)->did == std::vector<std::string>{"left out 1 row that LEAN marks as suspicious or without a price",
                                                   "made bars of 1m of 2 rows"});
}

TEST_CASE("a row of LEAN's outside of its folders is guessed at", "[data][foreign]") {
    const TempDir dir;
    for (const char* row :
         {"19980102 00:00,136300,162500,135000,162500,6315000\n", "34200000,136300,162500,135000,162500,6315000\n"}) {
        CHECK_THAT(
            text_of(source_of(dir.write("aapl.csv", row)), {}),
            Catch::Contains("aapl.csv:1: looks like a row of QuantConnect's LEAN, whose folders say of what day"));
    }
}

TEST_CASE("bars of which nothing says how long they last are taken for shorter ones", "[data][foreign]") {
    const auto told = [](const std::string& file, bool tells_interval) {
        DataSource source = source_of(folder() + "/" + file);
        source.interval = tells_interval ? Duration{} : kDay;
        const auto report = complete_from_csv(source, false);
        return report ? to_string(source.interval) : report.error().message.substr(folder().size() + 1);
    };
    CHECK_THAT(told("months.csv", true), Catch::StartsWith("months.csv: the bars lie 28d apart or more, so they seem"));
    CHECK_THAT(told("half-hour-first.csv", true),
               Catch::StartsWith("half-hour-first.csv: most bars lie 1h apart, but some only 30m"));
    CHECK_THAT(told("muhurat.csv", true), Catch::StartsWith("muhurat.csv: most bars lie 1d apart, but some only") &&
                                              Catch::Contains("interval: 1d"));
    CHECK(told("muhurat.csv", false) == "1d");
    // Bars are missing where nothing was traded.
    const TempDir dir;
    std::string sparse = "timestamp,open,high,low,close\n";
    for (const int minute : {0, 2, 4, 5, 7, 9, 10, 12}) {
        sparse += fmt::format("2024-01-02T09:{:02}:00Z,1,1,1,1\n", minute);
    }
    DataSource source = source_of(dir.write("sparse.csv", sparse));
    REQUIRE(complete_from_csv(source, false).has_value());
    CHECK(source.interval == kMinute);
}

TEST_CASE("bars counted from midnight overlap where the clocks change", "[data][foreign]") {
    const auto read = [](std::int64_t from_hour, std::int64_t hours, std::int64_t length) {
        const TempDir dir;
        std::string text = "timestamp,open,high,low,close\n";
        for (std::int64_t hour = from_hour; hour < from_hour + hours; ++hour) {  // 9 March 2024, 05:00 UTC: midnight
            text += to_iso(Time{(1'709'960'400 + hour * 3'600) * kSecondNs}) + ",1,1,1,1\n";
        }
        DataSource source = source_of(dir.write("h.csv", text));
        source.foreign.zone = new_york();
        source.foreign.resample = Duration{length * 3'600 * kSecondNs};
        return text_of(source, {});
    };
    CHECK_THAT(read(0, 72, 4), Catch::Contains("bars of 4h counted from midnight do not fit the day of 2024-03-10"));
    // Nothing is traded in the night of a change: what comes later begins when it does on other days.
    CHECK_THAT(read(24 + 4, 40, 4), Catch::Contains("\n2024-03-10T04:00:00-04:00,") &&
                                        Catch::Contains("\n2024-03-10T20:00:00-04:00,") &&
                                        Catch::Contains("\n2024-03-11T00:00:00-04:00,"));
    CHECK_THAT(read(0, 72, 1), Catch::Contains("\n2024-03-10T03:00:00-04:00,"));
    CHECK_THAT(read(0, 24, 7), Catch::Contains("bars of 7h counted from midnight do not fit the day of 2024-03-09"));
}

TEST_CASE("a damaged zip archive is not refused", "[data][foreign]") {
    const TempDir dir;
    const std::string whole = content_of(folder() + "/archive.zip");
    const std::string good = text_of(source_of(dir.write("archive.zip", whole)), {});
    CHECK(good == kD + "2024-01-02,10.5,11.25,10,11,1000,archive\n");
    std::size_t refused = 0;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string text = whole;
        text[at] = static_cast<char>(text[at] ^ 0x15);
        const std::string read = text_of(source_of(dir.write("archive.zip", text)), {});
        // A date of the archive's own may be another; what it holds may not.
        CHECK((read == good || read.find(",archive\n") == std::string::npos));
        refused += read == good ? 0U : 1U;
        CHECK(text_of(source_of(dir.write("cut.zip", whole.substr(0, at))), {}) != good);
    }
    CHECK(refused > whole.size() / 4);
}

TEST_CASE("UTF-16 is not read, or read as something else", "[data][foreign]") {
    const TempDir dir;
    const std::string text =
        "Date;Open;High;Low;Close;Instrument\r\n02.01.2024;10;12;9;11;\xE2\x82\xB9\xF0\x9D\x84\x9E\r\n";
    const auto wide = [&text](bool is_little) {
        std::string bytes = is_little ? "\xFF\xFE" : "\xFE\xFF";
        const auto add = [&](unsigned unit) {
            const char low = static_cast<char>(unit & 0xFFU);
            const char high = static_cast<char>(unit >> 8U);
            bytes += is_little ? low : high;
            bytes += is_little ? high : low;
        };
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text.compare(i, 3, "\xE2\x82\xB9") == 0) {
                add(0x20B9);
                i += 2;
            } else if (text.compare(i, 4, "\xF0\x9D\x84\x9E") == 0) {
                add(0xD834);
                add(0xDD1E);
                i += 3;
            } else {
                add(static_cast<unsigned char>(text[i]));
            }
        }
        return bytes;
    };
    const auto read = [&](std::string_view bytes) {
        DataSource source = source_of(dir.write("wide.csv", bytes));
        source.foreign.dates = DateOrder::dmy;
        return text_of(source, {});
    };
    const std::string good = read(text);
    CHECK(good == kD + "2024-01-02,10,12,9,11,0,\xE2\x82\xB9\xF0\x9D\x84\x9E\n");
    CHECK(read(wide(true)) == good);
    CHECK(read(wide(false)) == good);
    CHECK(read(gzip(wide(true))) == good);
    const std::string cut = wide(true).substr(0, wide(true).size() - 1);
    CHECK_THAT(read(cut), Catch::Contains("wide.csv: begins as UTF-16 text and goes on as none; save it as UTF-8"));
    // A half of a character at every place where a block of it may end.
    std::string more = wide(true);
    for (std::size_t size = 0; size < (1U << 20U); size += 66) {
        more += std::string("\r\0\n\0", 4);
    }
    CHECK(read(more) == good);
}

TEST_CASE("what was done to a file is not told", "[data][foreign]") {
    const auto told = [](
                          const std::string& file, const std::function<void(DataSource&)>& given = [](DataSource&) {}) {
        DataSource source = source_of(folder() + "/" + file);
        given(source);
        const auto report = look_at_foreign(source, {});
        REQUIRE(report.has_value());
        REQUIRE(report->has_value());
        return fmt::format("{} | {} | {} of {}", (*report)->read_as, fmt::join((*report)->did, "; "), (*report)->bars,
                           to_string((*report)->interval));
    };
    CHECK(told("yfinance-noise.csv") == "yfinance, 3 header lines, dates | rounded 4 prices to 8 decimals | 1 of 1d");
    CHECK(told("nse-fo-bhavcopy.csv") ==
          "NSE's F&O bhavcopy, dates | dropped 1 row in which nothing was traded | 3 of 1d");
    CHECK(told("empty-rows.csv") == "plain table, dates | dropped 1 empty row; took 1 empty volume as 0 | 2 of 1d");
    CHECK(told("newest-first.csv") == "plain table, dates | sorted the rows by time | 3 of 1d");
    CHECK(told("repeated.csv") == "plain table, dates | dropped 1 repeated row | 1 of 1d");
    CHECK(told("semicolons.csv") == "plain table, semicolons, decimal commas, dates dmy |  | 2 of 1d");
    CHECK(told("binance.csv") == "Binance, times in milliseconds since 1970 |  | 2 of 1m");
    CHECK(told("mt4.csv", kKolkata) == "MetaTrader 4, times Asia/Kolkata |  | 2 of 5m");
    CHECK(told("trades.csv", resampled(1)) == "plain table | made bars of 1m of 4 rows | 2 of 1m");
    // Alpha's own is not another program's.
    const TempDir dir;
    for (const char* text :
         {"date,open,high,low,close\n2024-01-02,1,1,1,1\n", "timestamp,open,high,low,close,volume,oi\n"
                                                            "2024-01-02 09:15:00+05:30,1,1,1,1,1,0\n"}) {
        CHECK_FALSE(look_at_foreign(source_of(dir.write("own.csv", text)), {})->has_value());
    }
}

TEST_CASE("several files are not read as one, or in an order of the file system's", "[data][foreign]") {
    const TempDir dir;
    const std::string head = "date,open,high,low,close\n";
    dir.write("B.csv", head + "2024-01-02,2,2,2,2\n2024-01-03,3,3,3,3\n");
    dir.write("A.csv", head + "2024-01-02,1,1,1,1\n");
    dir.write(".hidden", "x");
    const std::string both = kD + "2024-01-02,1,1,1,1,0,A\n2024-01-02,2,2,2,2,0,B\n2024-01-03,3,3,3,3,0,B\n";
    CHECK(text_of(source_of(dir.path("")), {}) == both);
    CHECK(text_of(source_of(dir.path("*.csv")), {}) == both);
    CHECK(text_of(source_of(dir.path("?.c*v")), {}) == both);
    CHECK(text_of(source_of(dir.path("*.txt")), {}) ==
          dir.path("*.txt") + ": no file fits this pattern; check it, and the folder it is relative to");
    DataSource listed = source_of(dir.path("A.csv"));
    listed.more = {dir.path("B.csv")};
    CHECK(text_of(listed, {}) == both);
    dir.write("C.csv.gz", gzip(head + "2024-01-02,4,4,4,4\n"));
    CHECK_THAT(text_of(source_of(dir.path("")), {}), Catch::Contains("2024-01-02,4,4,4,4,0,C\n"));
    dir.write("D.csv", "Dear reader\n");
    CHECK_THAT(text_of(source_of(dir.path("")), {}), Catch::Contains("D.csv: is no table of bars"));
}

TEST_CASE("a session that stopped within another program's file goes on elsewhere", "[data][foreign]") {
    for (const char* file : {"one-after-the-other.csv", "yfinance-wide.csv", "kite.json"}) {
        CAPTURE(file);
        DataSource source = source_of(folder() + "/" + file);
        source.interval = std::string(file) == "kite.json" ? kMinute : kDay;
        const Reading whole = read_all({source});
        REQUIRE(whole.error.empty());
        for (std::size_t taken = 0; taken <= 2; ++taken) {
            ByteBuffer position;
            const auto first = open_feed({source}, {});
            REQUIRE(first.has_value());
            const auto front = (*first)->next();
            REQUIRE(front.has_value());
            if (taken > front->size()) {
                continue;
            }
            (*first)->save_position(taken, position);
            const auto feed = open_feed({source}, {}, position.view());
            REQUIRE(feed.has_value());
            std::vector<std::string> lines(whole.lines.begin(),
                                           whole.lines.begin() + static_cast<std::ptrdiff_t>(taken));
            for (auto rest = (*feed)->next(); rest.has_value() && !rest->empty(); rest = (*feed)->next()) {
                for (const FeedRecord& record : *rest) {
                    lines.push_back(test::text_of(record, (*feed)->symbols()));
                }
            }
            CHECK(lines == whole.lines);
        }
    }
}

TEST_CASE("a mangled file of another program crashes the translation", "[data][foreign]") {
    const TempDir dir;
    std::vector<std::string> texts;
    for (const auto& each : std::filesystem::directory_iterator(folder())) {
        texts.push_back(each.path().string());
    }
    std::ranges::sort(texts);
    std::mt19937_64 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same every time
    const std::string signs = "0123456789,;.\t|\"-/: \n\r{}[]eEnaTZ+<>\xEF\x80";
    std::size_t read = 0;
    std::size_t refused = 0;
    for (std::size_t round = 0; round < 3'000; ++round) {
        std::string text = content_of(texts[round % texts.size()]);
        for (std::size_t n = 1 + random() % 4; n != 0 && !text.empty(); --n) {
            const std::size_t at = random() % text.size();
            switch (random() % 4) {
            case 0: text[at] = signs[random() % signs.size()]; break;
            case 1: text.erase(at, 1 + random() % 9); break;
            case 2: text.insert(at, 1, signs[random() % signs.size()]); break;
            default: text.insert(random() % text.size(), text.substr(at, random() % 40)); break;
            }
        }
        DataSource source = source_of(dir.write("m.csv", text));
        source.foreign.zone = new_york();
        source.foreign.dates = round % 3 == 0 ? DateOrder::dmy : DateOrder::unknown;
        source.foreign.resample = round % 5 == 0 ? kMinute : Duration{};
        if (const auto told = complete_from_csv(source, false); !told) {
            CHECK(told.error().kind == ErrorKind::data);
        }
        source.interval = source.interval.ns == 0 ? kDay : source.interval;
        const Reading reading = read_all({source});
        ++(reading.error.empty() ? read : refused);
        if (!reading.error.empty()) {
            CAPTURE(reading.error, text);
            CHECK((reading.kind == ErrorKind::data || reading.kind == ErrorKind::usage));
            CHECK(std::none_of(reading.error.begin(), reading.error.end(),
                               [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
        }
    }
    CHECK(read > 80);
    CHECK(refused > 300);
}
