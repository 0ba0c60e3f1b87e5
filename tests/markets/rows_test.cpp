#include "markets/rows.hpp"

#include <catch2/catch.hpp>

using namespace alpha;
using namespace alpha::markets;

namespace {

std::string refusal(std::string_view csv) {
    const auto rows = read_csv_rows("a.csv", csv);
    return rows ? "read" : rows.error().message;
}

/// The only row of a table with one column `a`.
Row row_of(std::string_view cell) {
    return Row{{"a.csv", 2, 0}, {{"a", std::string(cell)}}};
}
std::string time_refusal(std::string_view cell) {
    const Row row = row_of(cell);
    Cells cells(row, {"a"});
    const std::int32_t second = cells.time_s("a");
    return cells.ok() ? std::to_string(second) : cells.failure().value().message;
}

}  // namespace

TEST_CASE("rows of CSV keep their cells and their lines", "[markets]") {
    const auto rows = read_csv_rows("a.csv", "\xEF\xBB\xBF# why\n\nx,y,z\r\n1,,3\n# more\n\"a,\"\"b\"\"\",\"\",\n");
    REQUIRE(rows);
    REQUIRE(rows->size() == 2);
    CHECK((*rows)[0].place.file == "a.csv");
    CHECK((*rows)[0].place.line == 4);
    CHECK((*rows)[0].cells == std::vector<std::pair<std::string, std::string>>{{"x", "1"}, {"y", ""}, {"z", "3"}});
    CHECK((*rows)[1].place.line == 6);
    CHECK((*rows)[1].cells == std::vector<std::pair<std::string, std::string>>{{"x", "a,\"b\""}, {"y", ""}, {"z", ""}});
    CHECK(read_csv_rows("a.csv", "")->empty());
    CHECK(read_csv_rows("a.csv", "x,y")->empty());
}

TEST_CASE("CSV that is none is refused by its line", "[markets]") {
    CHECK(refusal("x,y\n1\n") == "a.csv:2: 1 cells, but the header has 2");
    CHECK(refusal("x,y\n1,2\n1,2,3\n") == "a.csv:3: 3 cells, but the header has 2");
    CHECK(refusal("x\n\"1\n") == "a.csv:2: a quote is not closed, or something stands behind one that is");
    CHECK(refusal("x\n\"1\"2\n") == "a.csv:2: a quote is not closed, or something stands behind one that is");
    CHECK(refusal("x,x\n") == "a.csv:1: the header names column 'x' twice or has one without a name");
    CHECK(refusal("x,\n") == "a.csv:1: the header names column '' twice or has one without a name");
    const auto rows = read_csv_rows("a.csv", "x,y\n1\n");
    CHECK(rows.error().kind == ErrorKind::data);
    CHECK(rows.error().code == ErrorCode::bad_record);
    CHECK(rows.error().place.line == 2);
}

TEST_CASE("times of a day, of the day before and of the day after", "[markets]") {
    CHECK(time_refusal("00:00") == "0");
    CHECK(time_refusal("09:15") == "33300");
    CHECK(time_refusal("09:15:30") == "33330");
    CHECK(time_refusal("23:59:59") == "86399");
    CHECK(time_refusal("24:00") == "86400");
    CHECK(time_refusal("18:00-1") == "-21600");
    CHECK(time_refusal("01:30+1") == "91800");
    for (const char* bad : {"9:15", "09:15:3", "09.15", "24:01", "25:00", "09:60", "09:15:60", "09:15-2", "09:15 ",
                            "-1", "0915", "ab:cd", "09:1\xC2"}) {
        CHECK(time_refusal(bad) == "a.csv:2: column 'a' has '" + std::string(bad) +
                                       "': it is not a time such as 09:15, 09:15:30, 24:00 or 18:00-1");
    }
    CHECK(time_refusal("") == "a.csv:2: column 'a' is missing or empty");
}

TEST_CASE("the first cell that is wrong is told, and nothing after it", "[markets]") {
    const Row row{{"a.csv", 7, 0}, {{"date", "2024-02-30"}, {"yes", "maybe"}, {"source", "s"}, {"grade", "sure"}}};
    Cells cells(row, {"date", "yes", "source", "grade"});
    cells.date("date");
    cells.yes("yes");
    CHECK(cells.source().text.empty());
    REQUIRE_FALSE(cells.ok());
    CHECK(cells.failure().value().message ==
          "a.csv:7: column 'date' has '2024-02-30': it is a day that does not exist");

    Cells grade(row, {"date", "yes", "source", "grade"});
    grade.source();
    CHECK(grade.failure().value().message ==
          "a.csv:7: column 'grade' has 'sure': it must be one of stated, official, exchange, document, broker, "
          "press, code, computed, general, unknown");
    Cells other(row, {"date"});
    CHECK(other.failure().value().message == "a.csv:7: there is no column 'yes'; known are date");
    Cells missing(row, {"date", "yes", "source", "grade", "name"});
    missing.text("name");
    CHECK(missing.failure().value().message == "a.csv:7: column 'name' is missing or empty");
}

TEST_CASE("every grade has its own name", "[markets]") {
    for (std::size_t i = 0; i < kGrades; ++i) {
        const Row row{{"a.csv", 2, 0}, {{"source", "s"}, {"grade", std::string(name_of(static_cast<Grade>(i)))}}};
        Cells cells(row, {"source", "grade"});
        CHECK(cells.source() == Source{"s", static_cast<Grade>(i)});
        CHECK(cells.ok());
    }
}
