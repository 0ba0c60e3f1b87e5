#include "events/fixed.hpp"
#include "events/limits.hpp"
#include "tests/events/support.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <rapidcheck.h>

using namespace alpha;
using alpha::test::money;

namespace {

constexpr std::int64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMinInt64 = std::numeric_limits<std::int64_t>::min();
constexpr Int128 kMaxInt128 = static_cast<Int128>((~UInt128{0}) >> 1U);

std::string refusal(std::string_view text) {
    const auto value = parse_price(text);
    return value ? "accepted as " + to_string(*value) : value.error().message;
}

}  // namespace

TEST_CASE("a decimal is read exactly and printed in its shortest form", "[events]") {
    struct Row {
        const char* text;
        std::int64_t raw;
        const char* printed;
    };
    // clang-format off
    const Row rows[] = {
        {"0",                      0,                   "0"},
        {"-0",                     0,                   "0"},
        {"-0.00",                  0,                   "0"},
        {"1",                      100'000'000,         "1"},
        {"1.0",                    100'000'000,         "1"},
        {"007.50",                 750'000'000,         "7.5"},
        {"-12.50",                 -1'250'000'000,      "-12.5"},
        {"0.1",                    10'000'000,          "0.1"},
        {"0.00000001",             1,                   "0.00000001"},
        {"-0.00000001",            -1,                  "-0.00000001"},
        {"100",                    10'000'000'000,      "100"},
        {"1.00000000",             100'000'000,         "1"},
        {"1.00000000000000000000", 100'000'000,         "1"},
        {"0.123456780",            12'345'678,          "0.12345678"},
        {"181.69",                 18'169'000'000,      "181.69"},
        {"92233720368.54775807",   kMaxInt64,           "92233720368.54775807"},
        {"-92233720368.54775807",  -kMaxInt64,          "-92233720368.54775807"},
    };
    // clang-format on
    for (const Row& row : rows) {
        INFO(row.text);
        REQUIRE(parse_price(row.text).has_value());
        CHECK(parse_price(row.text)->raw == row.raw);
        CHECK(parse_qty(row.text).value().raw == row.raw);
        CHECK(parse_money(row.text).value() == Money{row.raw});
        CHECK(to_string(Price{row.raw}) == row.printed);
        CHECK(to_string(Qty{row.raw}) == row.printed);
        CHECK(to_string(Money{row.raw}) == row.printed);
    }
}

TEST_CASE("what is not a plain decimal is refused instead of guessed at", "[events]") {
    for (const char* text : {"",      "-",     ".",     "-.",          ".5",           "-.5",      "5.",  "5.-",
                             "+1",    "--1",   "1-",    "1..2",        "1.2.3",        "1e5",      "1E5", "1e-5",
                             "0x10",  "nan",   "NaN",   "inf",         "-inf",         "infinity", " 1",  "1 ",
                             "1,000", "1_000", "1'000", "1.0000 0001", "1.000000000x", "\t1",      "1\n", "\xD9\xA1"}) {
        INFO(text);
        CHECK_THAT(refusal(text), Catch::EndsWith("is not a decimal number"));
    }
    CHECK_FALSE(parse_price(std::string_view("1\0", 2)).has_value());
}

TEST_CASE("a ninth decimal place is refused, never rounded away", "[events]") {
    CHECK(refusal("0.000000001") == "'0.000000001' has more than eight decimal places");
    CHECK(refusal("1.123456789") == "'1.123456789' has more than eight decimal places");
    CHECK(refusal("1.1000000001") == "'1.1000000001' has more than eight decimal places");
    CHECK(refusal("-0.000000009") == "'-0.000000009' has more than eight decimal places");
}

TEST_CASE("a decimal that does not fit is refused, never wrapped", "[events]") {
    for (const char* text : {"92233720368.54775808", "-92233720368.54775808", "92233720369", "100000000000",
                             "9223372036854775807", "18446744073709551616", "340282366920938463463374607431768211456",
                             "99999999999999999999999999999999999999999999999999999999999999"}) {
        INFO(text);
        CHECK_THAT(refusal(text), Catch::EndsWith("is too large"));
        CHECK_FALSE(parse_qty(text).has_value());
    }
    CHECK(parse_money("1701411834604692317316873037158.84105727").value() == Money{kMaxInt128});
    CHECK(parse_money("-1701411834604692317316873037158.84105727").value() == Money{-kMaxInt128});
    CHECK_FALSE(parse_money("1701411834604692317316873037158.84105728").has_value());
    CHECK_FALSE(parse_money("1701411834604692317316873037159").has_value());
    CHECK_FALSE(parse_money("17014118346046923173168730371588").has_value());
    CHECK_FALSE(parse_money(std::string(100'000, '9')).has_value());
    CHECK(parse_money(std::string(100'000, '0')).value() == Money{0});
}

TEST_CASE("the refusal of a long text quotes only its beginning", "[events]") {
    CHECK(refusal(std::string(100'000, 'x')).size() < 100);
}

TEST_CASE("the least values print, although parsing keeps to the symmetrical range", "[events]") {
    CHECK(to_string(Price{kMinInt64}) == "-92233720368.54775808");
    CHECK(to_string(Money{-kMaxInt128 - 1}) == "-1701411834604692317316873037158.84105728");
    CHECK_FALSE(parse_money("-1701411834604692317316873037158.84105728").has_value());
}

TEST_CASE("whatever amount there is, what is printed reads back as the same", "[events]") {
    CHECK(rc::check("price", [](std::int64_t raw) {
        RC_PRE(raw != kMinInt64);
        RC_ASSERT(parse_price(to_string(Price{raw})).value().raw == raw);
    }));
    CHECK(rc::check("money", [](std::int64_t high, std::uint64_t low) {
        const Money value{(static_cast<Int128>(high) << 64U) | low};
        RC_PRE(value.raw != -kMaxInt128 - 1);
        RC_ASSERT(parse_money(to_string(value)).value() == value);
    }));
}

TEST_CASE("appending a decimal leaves what stands before it", "[events]") {
    std::string out = "price=";
    append_decimal(out, -1);
    CHECK(out == "price=-0.00000001");
}

TEST_CASE("division rounds ties to the even neighbour on both sides of zero", "[events]") {
    struct Row {
        Int128 value;
        Int128 divisor;
        Int128 quotient;
    };
    // clang-format off
    const Row rows[] = {
        { 0, 1,  0}, { 0, 10,  0},
        { 1, 2,  0}, { 3, 2,  2}, { 5, 2,  2}, { 7, 2,  4}, { 9, 2,  4},
        {-1, 2,  0}, {-3, 2, -2}, {-5, 2, -2}, {-7, 2, -4}, {-9, 2, -4},
        { 4, 10, 0}, { 5, 10, 0}, { 6, 10, 1}, {14, 10, 1}, {15, 10, 2}, {16, 10, 2}, {25, 10, 2}, {26, 10, 3}, {35, 10, 4},
        {-4, 10, 0}, {-5, 10, 0}, {-6, 10, -1}, {-14, 10, -1}, {-15, 10, -2}, {-16, 10, -2}, {-25, 10, -2}, {-26, 10, -3},
        { 1, 3,  0}, { 2, 3,  1}, { 4, 3,  1}, { 5, 3,  2}, {-1, 3, 0}, {-2, 3, -1}, {-4, 3, -1}, {-5, 3, -2},
        {17, 1, 17}, {-17, 1, -17},
        {kMaxInt128, 1, kMaxInt128}, {-kMaxInt128 - 1, 1, -kMaxInt128 - 1},
        {kMaxInt128, kMaxInt128, 1}, {kMaxInt128 - 1, kMaxInt128, 1}, {-kMaxInt128 - 1, kMaxInt128, -1},
        {kMaxInt128 / 2, kMaxInt128, 0}, {kMaxInt128 / 2 + 1, kMaxInt128, 1},
        // 2^127 - 1 = 2 x (2^126 - 1) + 1: a tie above an odd number.
        {kMaxInt128, 2, kMaxInt128 / 2 + 1}, {-kMaxInt128, 2, -(kMaxInt128 / 2 + 1)}, {-kMaxInt128 - 1, 2, -(kMaxInt128 / 2) - 1},
    };
    // clang-format on
    for (const Row& row : rows) {
        INFO(to_string(Money{row.value}) << " / " << to_string(Money{row.divisor}) << " (x 1e-8)");
        CHECK(Money{divide_half_even(row.value, row.divisor)} == Money{row.quotient});
    }
}

TEST_CASE("a notional rounds once, ties to even, with the sign of the quantity", "[events]") {
    CHECK(notional(test::px("181.69"), qty_of(100)) == money("18169"));
    CHECK(notional(test::px("181.69"), qty_of(-100)) == money("-18169"));
    CHECK(notional(Price{0}, qty_of(5)) == Money{0});
    CHECK(notional(Price{1}, test::qty("0.4")) == Money{0});
    CHECK(notional(Price{1}, test::qty("0.5")) == Money{0});
    CHECK(notional(Price{1}, test::qty("0.50000001")) == Money{1});
    CHECK(notional(Price{1}, test::qty("1.5")) == Money{2});
    CHECK(notional(Price{1}, test::qty("2.5")) == Money{2});
    CHECK(notional(Price{1}, test::qty("-0.5")) == Money{0});
    CHECK(notional(Price{1}, test::qty("-1.5")) == Money{-2});
    CHECK(notional(Price{1}, test::qty("-2.5")) == Money{-2});
    CHECK(notional(Price{3}, test::qty("0.5")) == Money{2});
    // (2^63 - 1)^2 / 10^8, and the largest that an order may be.
    CHECK(to_string(notional(Price{kMaxInt64}, Qty{kMaxInt64})) == "8507059173023461584739.69077842");
    CHECK(to_string(notional(Price{kMaxInt64}, Qty{-kMaxInt64})) == "-8507059173023461584739.69077842");
    CHECK(notional(limits::kMaxPrice, limits::kMaxQty) == money("100000000000000000000"));
}

TEST_CASE("a share of an amount agrees with Python's integers", "[events]") {
    struct Row {
        const char* amount;
        std::int64_t part;
        std::int64_t whole;
        const char* share;
    };
    // Made once with Python: divmod(abs(amount x part), whole), rounded half-even, at 1e-8.
    // clang-format off
    const Row rows[] = {
        {"0.00000001", 1, 2, "0"},
        {"0.00000003", 1, 2, "0.00000002"},
        {"-0.00000001", 1, 2, "0"},
        {"-0.00000003", 1, 2, "-0.00000002"},
        {"0.00000005", 1, 2, "0.00000002"},
        {"0.00000007", 1, 2, "0.00000004"},
        {"0.0000001", 1, 3, "0.00000003"},
        {"0.0000002", 1, 3, "0.00000007"},
        {"-0.0000002", 1, 3, "-0.00000007"},
        {"0", 5, 7, "0"},
        {"0.00012345", 0, 7, "0"},
        {"-0.00012345", 0, 7, "0"},
        {"0.00012345", 7, 7, "0.00012345"},
        {"1701411834604692317316873037158.84105727", 9223372036854775807, 9223372036854775807, "1701411834604692317316873037158.84105727"},
        {"1701411834604692317316873037158.84105727", 0, 9223372036854775807, "0"},
        {"1701411834604692317316873037158.84105727", 1, 9223372036854775807, "184467440737.09551618"},
        {"1701411834604692317316873037158.84105727", 9223372036854775806, 9223372036854775807, "1701411834604692317132405596421.74554109"},
        {"-1701411834604692317316873037158.84105727", 9223372036854775806, 9223372036854775807, "-1701411834604692317132405596421.74554109"},
        {"1701411834604692317316873037158.84105727", 1, 2, "850705917302346158658436518579.42052864"},
        {"-1701411834604692317316873037158.84105727", 1, 2, "-850705917302346158658436518579.42052864"},
        {"1701411834604692317316873037158.84105726", 1, 2, "850705917302346158658436518579.42052863"},
        {"1701411834604692317316873037158.84105727", 4611686018427387903, 9223372036854775807, "850705917302346158566202798210.87277054"},
        {"-1701411834604692317316873037158.84105727", 1, 1, "-1701411834604692317316873037158.84105727"},
        {"1701411834604692317316873037158.84105727", 3, 4, "1276058875953519237987654777869.13079295"},
        {"850705917302346158658436518579.42052864", 9223372036854775807, 9223372036854775807, "850705917302346158658436518579.42052864"},
        {"184467440737.09551616", 1, 9223372036854775807, "0.00000002"},
        {"184467440737.09551615", 9223372036854775806, 9223372036854775807, "184467440737.09551613"},
        {"184467440737.09551617", 4611686018427387904, 9223372036854775806, "92233720368.54775811"},
        {"1701411834604692317224639316790.2932992", 1, 4611686018427387904, "368934881474.1910323"},
        {"12676506002282294014967.03205377", 1, 2, "6338253001141147007483.51602688"},
        {"12676506002282294014967.03205379", 1, 2, "6338253001141147007483.5160269"},
        {"-12676506002282294014967.03205379", 1, 2, "-6338253001141147007483.5160269"},
        {"37138201178561408268.4485632", 1, 4294967296, "8646911284.55135232"},
        {"12379400392853802770.46607872", 1, 4294967296, "2882303761.51711744"},
        {"-9710843342477.25052318", 3017, 6197, "-4727709272914.93703864"},
        {"857105.61201192", 150087473633161, 183092355782532, "702600.69238754"},
        {"107.60427441", 150, 171, "94.38971439"},
        {"-8.95247103", 9076791553, 12541857247, "-6.47908135"},
        {"2563249895589613004863.99015565", 0, 3, "0"},
        {"19848849.76228115", 12501441950441358, 332828649741285011, "745546.52455272"},
        {"-1006108562299.45853322", 25076507451972, 27644163996342, "-912658775404.95393257"},
        {"0.25864535", 41943158200, 133856491701, "0.08104503"},
        {"5761513058174645346.28719305", 1894746110038394, 2174194956408300, "5020986927936627749.30395625"},
        {"-2547936088225.29405041", 207000933174, 283318797826, "-1861596025316.55795882"},
        {"-10214776116469.16470623", 2233687713, 2858231463, "-7982775432208.94498553"},
        {"-285854042922979054690948699.88025066", 1772067023, 6947152319, "-72915131207019920781665482.24239622"},
        {"-8427057.05381857", 30332453513, 76379193437, "-3346635.44918406"},
        {"1.87683643", 102257, 103872, "1.84765541"},
        {"-256003786490.43645647", 120218417790944, 357100113387859, "-86184151184.91888196"},
        {"266673097058536801.95009518", 6108529, 12878723, "126486170010946485.3215193"},
    };
    // clang-format on
    for (const Row& row : rows) {
        INFO(row.amount << " x " << row.part << " / " << row.whole);
        CHECK(to_string(pro_rata(money(row.amount), Qty{row.part}, Qty{row.whole})) == row.share);
    }
}

TEST_CASE("the whole of an amount is that amount, even the least there is", "[events]") {
    const Money least{-kMaxInt128 - 1};
    CHECK(pro_rata(least, Qty{kMaxInt64}, Qty{kMaxInt64}) == least);
    CHECK(pro_rata(least, Qty{1}, Qty{1}) == least);
    CHECK(pro_rata(least, Qty{1}, Qty{2}) == Money{least.raw / 2});
}

TEST_CASE("a share is never on the other side of zero nor beyond the whole", "[events]") {
    CHECK(rc::check([](std::int64_t high, std::uint64_t low, std::int64_t a, std::int64_t b) {
        RC_PRE(a >= 0 && b >= 0 && (a > 0 || b > 0));
        const Money amount{(static_cast<Int128>(high) << 64U) | low};
        const Money share = pro_rata(amount, Qty{std::min(a, b)}, Qty{std::max(a, b)});
        RC_ASSERT(share >= std::min(amount, Money{0}));
        RC_ASSERT(share <= std::max(amount, Money{0}));
    }));
}

TEST_CASE("the average price is the cost of one, for long and short positions", "[events]") {
    CHECK(average_price(money("18169"), qty_of(100)) == test::px("181.69"));
    CHECK(average_price(money("-18169"), qty_of(-100)) == test::px("181.69"));
    CHECK(average_price(money("10"), qty_of(3)) == test::px("3.33333333"));
    CHECK(average_price(money("20"), qty_of(3)) == test::px("6.66666667"));
    CHECK(average_price(Money{1}, qty_of(2)) == Price{0});
    CHECK(average_price(Money{3}, qty_of(2)) == Price{2});
    CHECK(average_price(Money{-3}, qty_of(-2)) == Price{2});
    CHECK(average_price(Money{-3}, qty_of(2)) == Price{-2});
    CHECK(average_price(money("5"), test::qty("0.00000001")) == price_of(500'000'000));
    CHECK(average_price(money("100000000000000000000"), limits::kMaxQty) == limits::kMaxPrice);
}

TEST_CASE("a flat position has no average price", "[events]") {
    CHECK(average_price(money("5"), Qty{0}) == Price{0});
}

TEST_CASE("sums and differences are exact up to the edge", "[events]") {
    CHECK(Qty{kMaxInt64 - 1} + Qty{1} == Qty{kMaxInt64});
    CHECK(Qty{kMinInt64 + 1} - Qty{1} == Qty{kMinInt64});
    CHECK(-Qty{kMaxInt64} == Qty{-kMaxInt64});
    CHECK(abs(Qty{-5}) == Qty{5});
    CHECK(abs(Qty{5}) == Qty{5});
    CHECK(Money{kMaxInt128 - 1} + Money{1} == Money{kMaxInt128});
    CHECK(Money{-kMaxInt128} - Money{1} == Money{-kMaxInt128 - 1});
    CHECK(abs(Money{-kMaxInt128}) == Money{kMaxInt128});
    Money sum = money("0.1");
    sum += money("0.2");
    sum -= money("0.3");
    CHECK(sum == Money{0});
}

TEST_CASE("what is accepted from outside stays far from the edge of the arithmetic", "[events]") {
    // A million of the largest orders, in one book, at the largest price.
    const Int128 largest = notional(limits::kMaxPrice, limits::kMaxQty).raw;
    CHECK(largest < kMaxInt128 / 1'000'000);
    CHECK(limits::kMaxCash.raw < kMaxInt128 / 1'000'000);
    // The price of a book is found by multiplying its cost once more by the scale.
    CHECK(largest < kMaxInt128 / kScale);
}

TEST_CASE("a volume is exact where a quantity can be, and a whole number beyond", "[events]") {
    const auto read = [](std::string_view text) {
        const auto volume = parse_volume(text);
        return volume ? to_string(*volume) + (volume->raw < 0 ? " whole" : "") : volume.error().message;
    };
    CHECK(read("0") == "0");
    CHECK(read("12.00000001") == "12.00000001");
    CHECK(read("92233720368.54775807") == "92233720368.54775807");
    CHECK(read("92233720368.54775808") == "92233720368 whole");  // the first that is none
    CHECK(read("92233720369.9") == "92233720369 whole");
    CHECK(read("390000000000") == "390000000000 whole");
    CHECK(read("9223372036854775807") == "9223372036854775807 whole");
    CHECK(read("9223372036854775808").find("is too large") != std::string::npos);
    CHECK(read("1.000000001").find("more than eight decimal places") != std::string::npos);
    CHECK(parse_volume("9223372036854775807")->as_quantity() == Qty{kMaxInt64});
    CHECK(parse_volume("5")->as_quantity() == qty_of(5));
    CHECK(parse_volume("390000000000")->scaled() == Int128{390'000'000'000} * kScale);
    // What is below zero is whole units, and only where there is no other way to write it.
    CHECK(parse_volume("92233720369")->is_valid());
    CHECK(parse_volume("92233720368.54775808")->is_valid());
    Volume small;
    small.raw = -5;
    CHECK_FALSE(small.is_valid());
    small.raw = kMinInt64;
    CHECK_FALSE(small.is_valid());
}
