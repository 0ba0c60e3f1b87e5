#include "adapters/data/byte_source.hpp"
#include "adapters/data/csv.hpp"
#include "tests/data/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <random>

using namespace alpha;
using namespace alpha::test;

namespace {

const std::string kHead = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
constexpr std::int64_t kT = 1'381'152'600'072'000'000;

std::string row(std::int64_t ts, const std::string& bid = "10.00", const std::string& ask = "10.01",
                const std::string& instrument = "BAC") {
    return fmt::format("{},{},{},100,{},100\n", ts, instrument, bid, ask);
}

struct Bad {
    std::string name;
    std::string text;
    int line;
    std::string says;
};

/// Each text is refused at its line, by a message that begins with file:line and says what it
/// should.
void check_refused(const std::vector<Bad>& cases, const std::function<DataSource(const std::string&)>& source) {
    const TempDir dir;
    for (const Bad& bad : cases) {
        CAPTURE(bad.name);
        const std::string file = dir.write(bad.name + ".csv", bad.text);
        const Reading reading = read_all({source(file)});
        CHECK(reading.kind == ErrorKind::data);
        CHECK_THAT(reading.error, Catch::StartsWith(fmt::format("{}:{}: ", file, bad.line)));
        CHECK_THAT(reading.error, Catch::Contains(bad.says));
        const bool printable = std::none_of(reading.error.begin(), reading.error.end(),
                                            [](char c) { return static_cast<unsigned char>(c) < 0x20; });
        CHECK(printable);
    }
}

/// About 300 kB of quotes of several instruments: more than one block and one batch.
std::string many_quotes() {
    std::string text = kHead;
    const std::array<std::string, 5> names{"BAC", "IBM", "NSE:NIFTY 50", "NSE:INFY", "BÖRSE"};
    for (std::int64_t i = 0; i < 6'000; ++i) {
        text += row(kT + i / 3, fmt::format("{}.{:02}", 10 + i % 7, i % 100), "123.45678901",
                    names[static_cast<std::size_t>(i * i) % names.size()]);
    }
    return text;
}

}  // namespace

TEST_CASE("a bad quote is let in, or refused without its place", "[data]") {
    const std::string good = kHead + row(kT);
    check_refused(
        {
            {"nan", good + row(kT + 1, "nan"), 3, "bid 'nan' is not a decimal number"},
            {"inf", good + row(kT + 1, "inf"), 3, "bid 'inf'"},
            {"exponent", good + row(kT + 1, "1e3"), 3, "bid '1e3'"},
            {"plus", good + row(kT + 1, "+1"), 3, "bid '+1'"},
            {"space", good + row(kT + 1, " 1"), 3, "bid ' 1'"},
            {"empty-number", good + row(kT + 1, ""), 3, "bid ''"},
            {"bare-point", good + row(kT + 1, "1."), 3, "bid '1.'"},
            {"two-points", good + row(kT + 1, "1.2.3"), 3, "bid '1.2.3'"},
            {"escape", good + row(kT + 1, "\x1b[31m1"), 3, "bid '?[31m1'"},
            {"nine-decimals", good + row(kT + 1, "1.123456789"), 3, "more than eight decimal places"},
            {"negative", kHead + row(kT, "-3"), 2, "bid -3 is negative"},
            {"negative-quantity", kHead + "1,BAC,1,-5,2,5\n", 2, "bid_qty -5 is negative"},
            {"huge", kHead + row(kT, std::string(40, '9')), 2, "bid '9999"},
            {"price-limit", kHead + row(kT, "10000000000.00000001"), 2, "above the largest price"},
            {"quantity-limit", kHead + "1,BAC,1,5,2,10000000001\n", 2, "ask_qty 10000000001 is above"},
            {"both-absent", kHead + row(kT, "0", "0.00"), 2, "both 0"},
            {"time-text", kHead + "noon,BAC,1,1,2,1\n", 2, "ts_ns 'noon'"},
            {"time-fraction", kHead + "12.5,BAC,1,1,2,1\n", 2, "ts_ns '12.5'"},
            {"time-empty", kHead + ",BAC,1,1,2,1\n", 2, "ts_ns ''"},
            {"time-early", kHead + row(kMinTime.ns - 1), 2, "(1799-12-31T23:59:59.999999999Z) is outside 1800 to 2199"},
            {"time-late", kHead + row(kMaxTime.ns), 2, "outside 1800 to 2199"},
            {"time-seconds", kHead + row(kT / 1'000'000'000), 2,
             "ts_ns 1381152600 looks like seconds (2013-10-07T13:30:00Z); write nanoseconds: 1381152600000000000"},
            {"time-milliseconds", kHead + row(kT / 1'000'000), 2,
             "ts_ns 1381152600072 looks like milliseconds (2013-10-07T13:30:00.072Z); write nanoseconds: "
             "1381152600072000000"},
            {"time-microseconds", kHead + row(kT / 1'000), 2, "ts_ns 1381152600072000 looks like microseconds"},
            {"time-seconds-1990", kHead + row(631'152'000), 2, "looks like seconds (1990-01-01T00:00:00Z)"},
            {"time-seconds-2199", kHead + row(kMaxTime.ns / 1'000'000'000 - 1), 2, "looks like seconds (2199-12-31"},
            {"time-overflow", kHead + "99999999999999999999,BAC,1,1,2,1\n", 2, "ts_ns"},
            {"backwards", good + row(kT - 1), 3,
             "time 1381152600071999999 is before 1381152600072000000 of line 2; sort the file"},
            {"short", good + "1,BAC,10\n", 3, "has 3 fields where the header has 6"},
            {"long", good + "1,BAC,10,1,2,3,4\n", 3, "has 7 fields where the header has 6"},
            {"no-name", kHead + row(kT, "1", "2", ""), 2, "name is empty"},
            {"long-name", kHead + row(kT, "1", "2", std::string(65, 'A')), 2, "names have at most 64"},
            {"control-name", kHead + row(kT, "1", "2", "B\tC"), 2, "control character"},
            {"c1-name", kHead + row(kT, "1", "2", "B\xC2\x85"), 2, "control character"},
            {"not-utf8-name", kHead + row(kT, "1", "2", "B\xFF"), 2, "UTF-8"},
            {"overlong-utf8-name", kHead + row(kT, "1", "2", "B\xC0\xAF"), 2, "UTF-8"},
            {"cut-utf8-name", kHead + row(kT, "1", "2", "B\xE2\x82"), 2, "UTF-8"},
            {"spaced-name", kHead + row(kT, "1", "2", "BAC "), 2, "ends with a space"},
            {"nul", good + std::string("\0\0\0", 3) + "\n", 3, "has 1 field "},
            {"open-quote", good + "1,\"BAC,1,1,2,1\n", 3, "quotation mark"},
            {"text-after-quote", good + "1,\"BAC\"x,1,1,2,1\n", 3, "quotation mark"},
            {"blank-line", good + "\n" + row(kT), 3, "is blank"},
            {"long-line", good + std::string(70'000, '7') + "\n", 3, "longer than 65536"},
            {"endless-line", good + std::string(700'000, '7'), 3, "longer than 65536"},
        },
        quotes);
}

TEST_CASE("a trade's columns are lost, or taken for each other's", "[data]") {
    const TempDir dir;
    const auto read = [&](const std::string& text) {
        const Reading reading = read_all({trades(dir.write("trades.csv", text))});
        CHECK(reading.error.empty());
        return reading.lines;
    };
    CHECK(read(fmt::format("ts_ns,instrument,price,quantity\n{},BAC,10.05,7\n", kT)) ==
          std::vector{fmt::format("{} trade BAC 10.05 7 0 0 0", kT)});
    CHECK(read(fmt::format("exchange_ns,Volume,price,open_interest,quantity,instrument,ts_ns\n"
                           "{},123456789012345678,10.05,3.5,0,\"B,C\",{}\n",
                           kT - 1, kT)) ==
          std::vector{fmt::format("{} trade B,C 10.05 0 123456789012345678 3.5 {}", kT, kT - 1)});
}

TEST_CASE("a bad trade is let in, or refused without its place", "[data]") {
    const std::string head = "ts_ns,instrument,price,quantity,volume,open_interest,exchange_ns\n";
    const auto bad = [&](const std::string& values) { return fmt::format("{}{},BAC,{}\n", head, kT, values); };
    check_refused({{"zero", bad("0,1,1,1,0"), 2, "price is 0; a trade has one"},
                   {"negative", bad("-1,1,1,1,0"), 2, "price -1 is negative"},
                   {"quantity", bad("1,-1,1,1,0"), 2, "quantity -1 is negative"},
                   {"volume", bad("1,1,-1,1,0"), 2, "volume -1 is negative"},
                   {"volume-text", bad("1,1,some,1,0"), 2, "volume 'some'"},
                   {"open-interest", bad("1,1,1,-1,0"), 2, "open_interest -1 is negative"},
                   {"exchange-text", bad("1,1,1,1,noon"), 2, "exchange_ns 'noon' is not a time"},
                   {"exchange-late", bad("1,1,1,1,8000000000000000000"), 2, "outside 1800 to 2199"},
                   {"missing", "ts_ns,instrument,price\n", 1, "the header lacks quantity"},
                   {"misspelt", "ts_ns,instrument,price,quantity,volum\n", 1, "did you mean volume?"},
                   {"quotes", kHead + row(kT), 1, "is the header of quotes, not of trades; write kind: quotes"}},
                  trades);
    check_refused({{"trades", "ts_ns,instrument,price,quantity\n", 1,
                    "is the header of trades, not of quotes; write kind: trades (--kind trades on the command line)"}},
                  quotes);
}

TEST_CASE("a file that is no CSV of quotes is taken for one", "[data]") {
    const std::string data = row(kT);
    check_refused(
        {
            {"empty", "", 1, "the file is empty"},
            {"only-blanks", "\n\r\n\n", 1, "the file is empty"},
            {"no-header", data, 1,
             "is not a header; the first line should be ts_ns,instrument,bid,bid_qty,ask,ask_qty"},
            {"binary",
             [] {
                 std::string s;
                 for (int i = 0; i < 50; ++i) {
                     s += std::string("\0\1\2\3", 4);
                 }
                 return s;
             }(),
             1, "looks binary"},
            {"endless-binary", std::string(300'000, '\0'), 1, "looks binary"},
            {"misspelt", "ts_ns,instrument,bid,bid_qty,ask,ask_qtty\n" + data, 1, "did you mean ask_qty?"},
            {"extra", "ts_ns,instrument,bid,bid_qty,ask,ask_qty,exchange\n", 1,
             "column 'exchange' is unknown; remove it"},
            {"twice", "ts_ns,instrument,bid,bid_qty,ask,ask\n", 1, "column ask is there twice"},
            {"missing", "ts_ns,instrument,bid,bid_qty\n", 1, "the header lacks ask, ask_qty"},
            {"semicolons", "ts_ns;instrument;bid\n", 1, "semicolons"},
            {"bars", "date,open,high,low,close\n", 1, "write kind: bars"},
            {"blank-first", "\n" + kHead, 1, "is blank"},
        },
        quotes);
}

TEST_CASE("a missing file, a folder or a device hangs or crashes the feed", "[data]") {
    const TempDir dir;
    const Reading missing = read_all({quotes(dir.path("nowhere.csv"))});
    CHECK(missing.kind == ErrorKind::data);
    CHECK_THAT(missing.error, Catch::Contains("nowhere.csv: there is no such file"));
    CHECK_THAT(read_all({quotes(dir.path("."))}).error, Catch::Contains("not a regular file"));
    CHECK_THAT(read_all({quotes("/dev/zero")}).error, Catch::Contains("not a regular file"));
}

TEST_CASE("the records depend on how the text is written: line ends, byte-order mark, encoding, column "
          "order, quotation",
          "[data]") {
    const TempDir dir;
    const Reading plain = read_all({quotes(dir.write("plain.csv", kHead + "5,BAC,1.5,100,2,7\n6,IBM,0,0,3,1\n"))});
    REQUIRE(plain.error.empty());
    REQUIRE(plain.lines == std::vector<std::string>{"5 quote BAC 1.5 100 2 7", "6 quote IBM 0 0 3 1"});
    const std::string in_quotes = "\"ts_ns\",\"instrument\",BID,bid_qty,ask,ask_qty\n\"5\",\"BAC\",\"1.5\",100,2,7\n"
                                  "6,\"IBM\",0,0,3,1\n";
    const std::vector<std::string> same{
        "\xEF\xBB\xBF" + kHead + "5,BAC,1.5,100,2,7\n6,IBM,0,0,3,1\n",
        "ts_ns,instrument,bid,bid_qty,ask,ask_qty\r\n5,BAC,1.5,100,2,7\r\n6,IBM,0,0,3,1\r\n",
        kHead + "5,BAC,1.5,100,2,7\n6,IBM,0,0,3,1",
        kHead + "5,BAC,1.5,100,2,7\n6,IBM,0,0,3,1\n\n\r\n\n",
        "ask,ask_qty,ts_ns,bid_qty,instrument,bid\n2,7,5,100,BAC,1.5\n3,1,6,0,IBM,0\n",
        in_quotes,
        [&] {
            std::string wide = "\xFF\xFE";
            for (const char c : kHead + "5,BAC,1.5,100,2,7\n6,IBM,0,0,3,1\n") {
                wide += std::string{c, '\0'};
            }
            return wide;
        }(),
        kHead + "5,BAC,001.500000000000,100.0,2.00000000,7\n06,IBM,0.0,0,3,1\n",
    };
    for (const std::string& text : same) {
        CAPTURE(text);
        const Reading other = read_all({quotes(dir.write("other.csv", text))});
        CHECK(other.error.empty());
        CHECK(other.lines == plain.lines);
    }
}

TEST_CASE("quoted names lose their commas and quotation marks", "[data]") {
    const TempDir dir;
    const Reading reading = read_all(
        {quotes(dir.write("q.csv", kHead + "1,\"A,B\",1,1,2,1\n2,\"say \"\"hi\"\"\",1,1,2,1\n3,\"A,B\",1,1,2,1\n"))});
    CHECK(reading.error.empty());
    CHECK(reading.symbols == std::vector<std::string>{"A,B", "say \"hi\""});
    CHECK(reading.lines.size() == 3);
}

TEST_CASE("what a market really sends is refused: crossed, one-sided, repeated, at the limits", "[data]") {
    const TempDir dir;
    const Reading reading = read_all({whatever_gaps(
        quotes(dir.write("odd.csv", kHead + "0,A,10,1,9,1\n0,A,0,0,9,1\n0,A,10,1,0,0\n0,A,10,1,0,"
                                            "0\n7258118399999999999,A,10000000000,10000000000,0.00000001,0\n")))});
    CHECK(reading.error.empty());
    CHECK(reading.lines.back() == "7258118399999999999 quote A 10000000000 10000000000 0.00000001 0");
    CHECK(reading.lines.size() == 5);
}

TEST_CASE("good records before a bad line are lost", "[data]") {
    const TempDir dir;
    std::string text = kHead;
    for (int i = 0; i < 1'500; ++i) {
        text += row(kT + i);
    }
    const Reading reading = read_all({quotes(dir.write("late.csv", text + "x\n" + row(kT)))});
    CHECK(reading.lines.size() == 1'500);
    CHECK_THAT(reading.error, Catch::Contains("late.csv:1502: "));
}

TEST_CASE("compression changes the records, or is told by the file's name", "[data]") {
    const TempDir dir;
    const std::string text = many_quotes();
    const Reading plain = read_all({quotes(dir.write("a.csv", text))});
    REQUIRE(plain.error.empty());
    REQUIRE(plain.lines.size() == 6'000);
    const std::size_t half = text.size() / 2;  // in the middle of a line
    const std::vector<std::string> forms{gzip(text), zstd(text), gzip(text.substr(0, half)) + gzip(text.substr(half)),
                                         zstd(text.substr(0, half)) + zstd(text.substr(half)),
                                         std::string("\x50\x2A\x4D\x18\x03\0\0\0abc", 11) + zstd(text)};
    for (const std::string& form : forms) {
        const Reading other = read_all({quotes(dir.write("a.txt", form))});
        CHECK(other.error.empty());
        CHECK(other.lines == plain.lines);
        CHECK(other.symbols == plain.symbols);
    }
}

TEST_CASE("what was packed with a long window is called corrupt", "[data]") {
    const TempDir dir;
    const std::string text = kHead + row(kT) + row(kT + 1);
    // As `zstd --long=N` begins a frame: no checksum, no size, the window; then one block that is stored as it is.
    const auto frame = [&](int window_log) {
        const auto block = static_cast<unsigned>(text.size() << 3U | 1U);
        const std::string head{'\x28', '\xB5', '\x2F', '\xFD', '\0', static_cast<char>((window_log - 10) << 3)};
        return head +
               std::string{static_cast<char>(block), static_cast<char>(block >> 8U), static_cast<char>(block >> 16U)} +
               text;
    };
    const Reading plain = read_all({quotes(dir.write("q.csv", text))});
    for (const int window_log : {27, 28}) {
        const Reading packed = read_all({quotes(dir.write("q.zst", frame(window_log)))});
        CHECK(packed.error.empty());
        CHECK(packed.lines == plain.lines);
    }
    const Reading huge = read_all({quotes(dir.write("q.zst", frame(41)))});
    CHECK(huge.kind == ErrorKind::data);
    CHECK_THAT(huge.error, Catch::StartsWith(dir.path("q.zst") + ": ") &&
                               Catch::Contains("needs more memory than there is; unpack it"));
}

TEST_CASE("a compressed file that is cut short or damaged passes for a whole one", "[data]") {
    const TempDir dir;
    const std::string text = many_quotes();
    for (const std::string& whole : {gzip(text), zstd(text)}) {
        for (const std::size_t missing : {std::size_t{1}, std::size_t{4}, whole.size() / 3, whole.size() - 8}) {
            const Reading cut = read_all({quotes(dir.write("cut.csv", whole.substr(0, whole.size() - missing)))});
            CAPTURE(missing, cut.error);
            CHECK(cut.kind == ErrorKind::data);
            CHECK_THAT(cut.error, Catch::StartsWith(dir.path("cut.csv")) && Catch::Contains("cut short"));
        }
        std::string tail = whole + "rubbish";
        CHECK_THAT(read_all({quotes(dir.write("tail.csv", tail))}).error, Catch::Contains("corrupt"));
    }
    std::string damaged = gzip(text);
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x10);
    const Reading reading = read_all({quotes(dir.write("bad.csv", damaged))});
    CHECK(reading.kind == ErrorKind::data);
    CHECK_THAT(reading.error, Catch::Contains("bad.csv"));
}

TEST_CASE("a long file is held in memory, or its progress cannot be told", "[data]") {
    const TempDir dir;
    std::string text;
    while (text.size() < 3U << 20U) {
        text += many_quotes();
    }
    for (const std::string& stored : {text, gzip(text), zstd(text)}) {
        const auto bytes = open_bytes(dir.write("long.csv", stored));
        REQUIRE(bytes.has_value());
        CHECK((*bytes)->file_bytes() == stored.size());
        std::vector<char> block(64U << 10U);
        std::string back;
        std::uint64_t largest_step = 0;
        for (std::uint64_t before = 0;;) {
            const auto got = (*bytes)->read(block);
            REQUIRE(got.has_value());
            largest_step = std::max(largest_step, (*bytes)->consumed() - before);
            before = (*bytes)->consumed();
            if (*got == 0) {
                break;
            }
            back.append(block.data(), *got);
        }
        const bool equal = back == text;
        CHECK(equal);
        CHECK((*bytes)->consumed() == stored.size());
        CHECK(largest_step <= 256U << 10U);
    }
}

TEST_CASE("a mangled CSV crashes the reader or gives records out of order or out of range", "[data]") {
    const TempDir dir;
    const std::string quotes_text = kHead + row(kT) + row(kT + 1, "0", "2.5", "\"I,BM\"") +
                                    row(kT + 2, "12.345678", "13", "IBM") + row(kT + 2) + row(kT + 3);
    const std::string bars_text =
        "timestamp,instrument,open,high,low,close,volume\n"
        "2024-01-01T09:15:00+05:30,A,10,12,9,11,100\n2024-01-01T09:15:00+05:30,B,10,12,9,11,5\n"
        "2024-01-01T09:16:00+05:30,A,11,12,9,10.5,7\n2024-01-01T09:17:00+05:30,B,10,12,9,11,1\n";
    const std::string bytes("\0\n\r\",.-+09aZ\x7F\xC3\xFF e:", 18);
    std::mt19937 random(20'240'101);  // NOLINT(cert-msc51-cpp): the same mutations in every run
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
    std::size_t refused = 0;
    for (int round = 0; round < 2'000; ++round) {
        const bool is_bars = round % 2 == 1;
        std::string text = is_bars ? bars_text : quotes_text;
        for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
            const std::size_t at = below(text.size());
            switch (below(4)) {
            case 0: text[at] = bytes[below(bytes.size())]; break;
            case 1: text.insert(at, 1, bytes[below(bytes.size())]); break;
            case 2: text.erase(at, 1 + below(12)); break;
            default: text.insert(at, text.substr(below(text.size()), below(40))); break;
            }
            text += text.empty() ? "x" : "";
        }
        const std::string file = dir.write("m.csv", text);
        const auto feed = open_feed({is_bars ? bars(file, kMinute) : quotes(file)}, {});
        if (!feed) {
            CHECK(feed.error().kind == ErrorKind::data);
            ++refused;
            continue;
        }
        Time last = kMinTime;
        while (true) {
            const auto records = (*feed)->next();
            if (!records) {
                CHECK_THAT(records.error().message, Catch::StartsWith(file + ":"));
                ++refused;
                break;
            }
            if (records->empty()) {
                break;
            }
            for (const FeedRecord& record : *records) {
                REQUIRE(record.time >= last);
                REQUIRE(record.time < kMaxTime);
                last = record.time;
                if (const auto* quote = std::get_if<QuoteTick>(&record.event)) {
                    REQUIRE(is_good(*quote));
                    REQUIRE(quote->instrument.value < (*feed)->symbols().size());
                }
            }
        }
    }
    CHECK(refused > 1'000);
    CHECK(refused < 2'000);
}

TEST_CASE("a bad bar is let in, or refused without its place", "[data]") {
    const std::string head = "timestamp,open,high,low,close,volume\n";
    const std::string first = "2024-01-01T09:15:00+05:30,10,12,9,11,100\n";
    const auto minute = [](const std::string& file) { return bars(file, kMinute, "A"); };
    check_refused(
        {
            {"no-offset", head + "2024-01-01T09:15:00,10,12,9,11,1\n", 2, "has no UTC offset: write one"},
            {"no-such-day", head + "2024-02-30T09:15:00Z,10,12,9,11,1\n", 2, "does not exist"},
            {"date-in-minutes", head + "2024-01-01,10,12,9,11,1\n", 2, "write interval: day"},
            {"not-a-time", head + "soon,10,12,9,11,1\n", 2, "'soon' is not a time such as"},
            {"too-early", head + "1799-12-31T23:59:59Z,10,12,9,11,1\n", 2, "outside 1800"},
            {"closes-too-late", head + "2199-12-31T23:59:30Z,10,12,9,11,1\n", 2, "outside 1800"},
            {"nan", head + first + "2024-01-01T09:16:00+05:30,10,NaN,9,11,1\n", 3, "high 'NaN'"},
            {"zero", head + "2024-01-01T09:15:00Z,10,12,0,11,1\n", 2, "a price is 0"},
            {"negative", head + "2024-01-01T09:15:00Z,10,12,-9,11,1\n", 2, "low -9 is negative"},
            {"negative-volume", head + "2024-01-01T09:15:00Z,10,12,9,11,-1\n", 2, "volume -1 is negative"},
            {"high-too-low", head + "2024-01-01T09:15:00Z,10,10.5,9,11,1\n", 2,
             "high 10.5 is below another price of its bar (11)"},
            {"low-too-high", head + "2024-01-01T09:15:00Z,10,12,10.5,11,1\n", 2,
             "low 10.5 is above another price of its bar (10)"},
            {"twice", head + first + first, 3, "is there twice"},
            {"backwards", head + first + "2024-01-01T09:14:00+05:30,10,12,9,11,1\n", 3,
             "the bar at 2024-01-01T03:44:00Z comes after one at 2024-01-01T03:45:00Z; sort"},
            {"overlap", head + first + "2024-01-01T09:15:59+05:30,10,12,9,11,1\n", 3,
             "overlaps the one at 2024-01-01T03:45:00Z, which lasts 1m"},
            {"short", head + "2024-01-01T09:15:00Z,10,12\n", 2, "has 3 fields where the header has 6"},
            {"no-header", first, 1, "is not a header"},
            {"no-time", "open,high,low,close,volume\n", 1, "lacks date or timestamp"},
            {"no-close", "date,open,high,low\n", 1, "the header lacks close"},
            {"misspelt", "timestamp,open,high,low,close,volumee\n", 1, "did you mean volume?"},
            {"quotes", kHead, 1, "write kind: quotes"},
        },
        minute);
}

TEST_CASE("bars are taken for another instrument's, or for no one's", "[data]") {
    const TempDir dir;
    const std::string named =
        dir.write("named.csv", "Timestamp,Instrument,Open,High,Low,Close\n2024-01-01T09:15:00Z,A,1,"
                               "1,1,1\n2024-01-01T09:15:00Z,B,1,1,1,1\n");
    const std::string nameless =
        dir.write("nameless.csv", "Timestamp,Open,High,Low,Close\n2024-01-01T09:15:00Z,1,1,1,1\n");
    CHECK(read_all({bars(named, kMinute)}).symbols == std::vector<std::string>{"A", "B"});
    CHECK(read_all({bars(nameless, kMinute, "X")}).symbols == std::vector<std::string>{"X"});
    const Reading other = read_all({bars(named, kMinute, "A")});
    CHECK(other.kind == ErrorKind::data);
    CHECK_THAT(other.error, Catch::Contains("named.csv:3: instrument 'B' is not 'A'"));
    const Reading none = read_all({bars(nameless, kMinute)});
    CHECK_THAT(none.error, Catch::Contains("nameless.csv:1: there is no instrument column"));
    const Reading no_interval = read_all({bars(nameless, Duration{}, "X")});
    CHECK(no_interval.kind == ErrorKind::usage);
    CHECK_THAT(no_interval.error, Catch::Contains("interval: 1m"));
}

TEST_CASE("columns that alpha does not know keep a file of bars out", "[data]") {
    const TempDir dir;
    const Reading reading = read_all({bars(dir.write("y.csv", "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02 "
                                                              "00:00:00-05:00,1,3,0.5,2,1.9,1000\n"),
                                           kDay, "IBM")});
    CHECK(reading.error.empty());
    CHECK(reading.lines ==
          std::vector<std::string>{"1704153600000000000 open IBM 1", "1704240000000000000 close IBM 1 3 0.5 2 1000"});
}
