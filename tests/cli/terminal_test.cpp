#include "cli/terminal.hpp"
#include "views/format.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <limits>

using namespace alpha;

namespace {

const Style kPlain(false);
const Style kColoured(true);

Money money(const char* text) {
    return parse_money(text).value();
}
Price price(const char* text) {
    return parse_price(text).value();
}

std::string lines(int from, int to) {
    std::string text;
    for (int i = from; i <= to; ++i) {
        text += fmt::format("line {}\n", i);
    }
    return text;
}

/// What is left of `expected` and `actual` in a diff that shows all of both: lines without their
/// sign.
std::string side_of(const std::string& diff, char other) {
    std::string side;
    std::size_t begin = 0;
    while (begin < diff.size()) {
        const std::size_t end = diff.find('\n', begin);
        if (diff[begin] != other && diff[begin] != '@') {
            side += diff.substr(begin + 1, end - begin);
        }
        begin = end + 1;
    }
    return side;
}

}  // namespace

TEST_CASE("wide characters take two columns, what combines with others none", "[cli]") {
    CHECK(display_columns("") == 0);
    CHECK(display_columns("P&L +₹1,234.50") == 14);
    CHECK(display_columns("日経225") == 7);
    CHECK(display_columns("e\xCC\x81") == 1);  // e and a combining acute accent
    CHECK(display_columns("😀") == 2);
    CHECK(display_columns(kColoured.red("निफ्टी")) == display_columns("निफ्टी"));
    CHECK(display_columns("\xFF\xFE") == 2);  // no UTF-8: a column a byte
    CHECK(display_columns("\xE2\x82") == 2);  // a character that was cut
}

TEST_CASE("a line is cut to the terminal's width, between characters", "[cli]") {
    CHECK(cut_to_columns("equity", 6) == "equity");
    CHECK(cut_to_columns("equity", 5) == "equi…");
    CHECK(cut_to_columns("equity", 1) == "…");
    CHECK(cut_to_columns("equity", 0).empty());
    CHECK(cut_to_columns("日経225", 7) == "日経225");
    CHECK(cut_to_columns("日経225", 6) == "日経2…");
    CHECK(cut_to_columns("日経225", 4) == "日…");  // half a character does not fit
    CHECK(cut_to_columns("e\xCC\x81"
                         "e\xCC\x81"
                         "e\xCC\x81",
                         2) == "e\xCC\x81…");
    for (std::size_t columns = 0; columns < 20; ++columns) {
        for (const char* text : {"P&L +₹1,23,45,678.50", "ニッケイ・フューチャー", "a日b本c語d", "\xFF日\xE2\x82"}) {
            CAPTURE(text, columns);
            CHECK(display_columns(cut_to_columns(text, columns)) <= columns);
        }
    }
}

TEST_CASE("a word is quoted for the shell where it must be", "[cli]") {
    CHECK(shell_word("runs/demo-1") == "runs/demo-1");
    CHECK(shell_word("NSE:INFY") == "NSE:INFY");
    CHECK(shell_word("") == "''");
    CHECK(shell_word("my runs") == "'my runs'");
    CHECK(shell_word("it's") == "'it'\\''s'");
    CHECK(shell_word("~/$HOME") == "'~/$HOME'");
    CHECK(shell_path("-j") == "./-j");
    CHECK(shell_path("- j") == "'./- j'");
}

TEST_CASE("a table that is too wide leaves optional columns out, the last one first", "[cli]") {
    Table table({{"name", Table::Align::left},
                 {"net"},
                 {"fills", Table::Align::right, true},
                 {"mark"},
                 {"traded", Table::Align::right, true}});
    table.row({"A", "1", "2", "3.00", "4"});
    const auto widest = [&](std::size_t columns) {
        const std::string text = table.text(Style(false, columns));
        return text.substr(0, text.find('\n'));
    };
    CHECK(widest(80) == "name  net  fills  mark  traded");
    CHECK(widest(30) == "name  net  fills  mark  traded");
    CHECK(widest(29) == "name  net  fills  mark");
    CHECK(widest(21) == "name  net  mark");
    CHECK(widest(3) == "name  net  mark");  // the others stay
}

TEST_CASE("rupees are grouped in lakhs and crores, dollars in thousands", "[cli]") {
    CHECK(show_money(money("0"), "INR") == "₹0.00");
    CHECK(show_money(money("999.5"), "INR") == "₹999.50");
    CHECK(show_money(money("1000"), "INR") == "₹1,000.00");
    CHECK(show_money(money("99999"), "INR") == "₹99,999.00");
    CHECK(show_money(money("100000"), "INR") == "₹1,00,000.00");
    CHECK(show_money(money("1234567.5"), "INR") == "₹12,34,567.50");
    CHECK(show_money(money("123456789012"), "INR") == "₹1,23,45,67,89,012.00");
    CHECK(show_money(money("1234567.5"), "USD") == "$1,234,567.50");
    CHECK(show_money(money("-1234567"), "EUR") == "-EUR 1,234,567.00");
    CHECK(show_count(0) == "0");
    CHECK(show_count(1'234'567) == "1,234,567");
}

TEST_CASE("money is rounded half-even to the paisa and never shown as minus zero", "[cli]") {
    CHECK(show_money(money("0.005"), "INR") == "₹0.00");
    CHECK(show_money(money("0.015"), "INR") == "₹0.02");
    CHECK(show_money(money("0.025"), "INR") == "₹0.02");
    CHECK(show_money(money("99999.995"), "INR") == "₹1,00,000.00");
    CHECK(show_money(money("-0.015"), "INR") == "-₹0.02");
    CHECK(show_money(money("-0.001"), "INR") == "₹0.00");
    CHECK(show_gain(money("0.001"), "INR") == "₹0.00");
    CHECK(show_gain(money("12"), "INR") == "+₹12.00");
    CHECK(show_gain(money("-12"), "INR") == "-₹12.00");
}

TEST_CASE("prices and quantities keep the decimals that matter", "[cli]") {
    CHECK(show_price(price("1234.5"), "INR") == "1,234.50");
    CHECK(show_price(price("0.12345678"), "USD") == "0.1235");
    CHECK(show_price(price("100.00005"), "USD") == "100.00");
    CHECK(show_qty(parse_qty("-150000").value(), "INR") == "-1,50,000");
    CHECK(show_qty(parse_qty("0.12345678").value(), "INR") == "0.12345678");
    CHECK(show_percent(0.01234) == "+1.23%");
    CHECK(show_percent(-0.5) == "-50.00%");
    CHECK(show_percent(-0.000001) == "0.00%");
    CHECK(show_percent(std::numeric_limits<double>::quiet_NaN()) == "n/a");
}

TEST_CASE("the columns of a table stay in line whatever bytes or colours their cells take", "[cli]") {
    Table table({{"name", Table::Align::left}, {"money"}, {"note", Table::Align::left}});
    table.row({"a", "₹1,00,000.00", ""});
    table.row({"länger", kColoured.red("-₹5.00"), "x"});
    CHECK(table.text(kPlain) == "name           money  note\n"
                                "a       ₹1,00,000.00\n"
                                "länger        \x1b[31m-₹5.00\x1b[0m  x\n");
    CHECK(display_columns("₹▁█") == 3);
    CHECK(display_columns(kColoured.green("ok")) == 2);
    CHECK(kPlain.red("x") == "x");
}

TEST_CASE("a sparkline shows the lowest and the highest value, and a flat series level", "[cli]") {
    const std::vector<double> rising{1, 2, 3, 4, 5, 6, 7, 8};
    CHECK(sparkline(rising, 40, Bucket::last) == "▁▂▃▄▅▆▇█");
    CHECK(sparkline(rising, 4, Bucket::last) == "▁▃▆█");
    const std::vector<double> spike{0, 0, 9, 0, 0, 0};
    CHECK(sparkline(spike, 3, Bucket::last) == "▁▁▁");
    CHECK(sparkline(spike, 3, Bucket::highest) == "▁█▁");
    const std::vector<double> flat{5, 5, 5};
    CHECK(sparkline(flat, 40, Bucket::last) == "▁▁▁");
    CHECK(sparkline({}, 40, Bucket::last).empty());
}

TEST_CASE("equal texts have no diff", "[cli]") {
    CHECK(diff_lines("a\nb\n", "a\nb\n", kPlain).first_line == 0);
    CHECK(diff_lines("", "", kPlain).text.empty());
}

TEST_CASE("a diff names the line, shows its surroundings and nothing else", "[cli]") {
    std::string changed = lines(1, 20);
    changed.replace(changed.find("line 10\n"), 8, "line ten\n");
    const LineDiff diff = diff_lines(lines(1, 20), changed, kPlain);
    CHECK(diff.first_line == 10);
    CHECK(diff.removed == 1);
    CHECK(diff.added == 1);
    CHECK(diff.text == "@@ -7,7 +7,7 @@\n line 7\n line 8\n line 9\n-line 10\n+line ten\n line "
                       "11\n line 12\n line 13\n");
}

TEST_CASE("a line put in shifts what follows without marking it as changed", "[cli]") {
    const LineDiff diff = diff_lines(lines(1, 5), "new\n" + lines(1, 5), kPlain);
    CHECK(diff.removed == 0);
    CHECK(diff.added == 1);
    CHECK(diff.text == "@@ -1,3 +1,4 @@\n+new\n line 1\n line 2\n line 3\n");
}

TEST_CASE("a diff gives back both texts, whatever was changed", "[cli]") {
    // Every pair of texts over a small alphabet, so that every shape of edit is met.
    std::vector<std::string> texts{""};
    for (std::size_t i = 0; i < texts.size() && texts[i].size() < 8; ++i) {
        for (const char* line : {"a\n", "b\n", "c\n"}) {
            texts.push_back(texts[i] + line);
        }
    }
    std::size_t wrong = 0;
    for (const std::string& expected : texts) {
        for (const std::string& actual : texts) {
            const LineDiff diff = diff_lines(expected, actual, kPlain);
            if (expected == actual) {
                continue;
            }
            // Four lines at most lie within three lines of any change, so the hunk holds
            // everything.
            wrong += side_of(diff.text, '+') == expected && side_of(diff.text, '-') == actual ? 0U : 1U;
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("a diff of two long texts ends in time and says how much it left out", "[cli]") {
    const LineDiff diff = diff_lines(lines(1, 20'000), lines(30'000, 50'000), kPlain);
    CHECK(diff.removed == 20'000);
    CHECK(diff.added == 20'001);
    CHECK(diff.text.find("and 39,921 more changed lines") != std::string::npos);
}

TEST_CASE("a missing newline at the end is a difference that can be seen", "[cli]") {
    const LineDiff diff = diff_lines("a\n", "a", kPlain);
    CHECK(diff.first_line != 0);
    CHECK(diff.text.find("newline") != std::string::npos);
}

TEST_CASE("progress tells rate, share and time left, and only the rate when the end is unknown", "[cli]") {
    CHECK(progress_line(50'000'000, 100'000'000, 2.0) == "████████████░░░░░░░░░░░░  50%  25.0 MB/s  2.0 s left");
    CHECK(progress_line(10, 10, 1.0).find("100%") != std::string::npos);
    CHECK(progress_line(10, 10, 1.0).find("left") == std::string::npos);
    CHECK(progress_line(5'000'000, 0, 2.0) == "5.0 MB  2.5 MB/s");
    CHECK(show_seconds(125) == "2 min 05 s");
    CHECK(show_seconds(3'720) == "1 h 02 min");
    CHECK(show_bytes(999) == "999 B");
    CHECK(show_bytes(1'500'000'000) == "1.5 GB");
}
