#pragma once
/// Inside adapters/data: numbers and times as other programs write them. Nothing is guessed: what can be read in two ways is handed back
/// as it stands, for whoever sees the whole file to decide.

#include "adapters/data/source.hpp"
#include "events/fixed.hpp"
#include "events/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace alpha::foreign {

std::string_view trimmed(std::string_view text);
/// ASCII only.
std::string lower_case(std::string_view text);
/// Whether the field says that there is no number: empty, NaN, null, none, -, n/a.
bool is_absent(std::string_view text);

// ---- numbers ----------------------------------------------------------------------------------------------------------

struct NumberStyle {
    char point = '.';  ///< what stands in front of the decimals; the other of . and , groups digits
    unsigned decimals = unsigned{kScaleDigits};  ///< so many are kept, the last rounded half-even
};
struct Number {
    Int128 raw = 0;  ///< in 1e-8
    bool is_rounded = false;
};
/// Reads a decimal, also with an exponent (1.5e3) and with digits grouped by threes or as in India (1,23,456.00). Null, or what is wrong.
const char* read_number(std::string_view text, const NumberStyle& style, Number& into);

/// What a number with a comma in it shows of how its file writes numbers.
enum class CommaSays : std::uint8_t { nothing, point, group, either };
CommaSays comma_of(std::string_view text);

// ---- times ------------------------------------------------------------------------------------------------------------

const char* name_of(DateOrder order);

/// A time as written.
struct TimeText {
    enum class Shape : std::uint8_t {
        fixed,  ///< the year stands first with four digits, or the month by its name: part[0..2] are year, month, day
        two_year,  ///< two numbers and a year of four digits: part[2] is the year
        three,     ///< three numbers of two digits
        epoch,     ///< a count since 1970
    };
    Shape shape = Shape::fixed;
    int part[3] = {0, 0, 0};
    std::int64_t count = 0;     ///< epoch
    int digits = 0;             ///< epoch: of the count
    std::int64_t fraction = 0;  ///< epoch: of its unit, in 1e-9
    bool has_clock = false;
    std::int64_t clock_ns = 0;  ///< since midnight
    bool has_offset = false;
    std::int32_t offset_s = 0;
};
/// Reads a date, a date and a time of day, or a count since 1970; `clock` is a time of day that stands in a field of its own, else
/// empty. Null, or what is wrong.
const char* read_time(std::string_view text, std::string_view clock, TimeText& into);
/// The day that the text names under this order; false where there is no such day.
bool day_of(const TimeText& time, DateOrder order, Date& into);
/// Nanoseconds a unit of a count with so many digits, as far as they tell; 0 where they do not.
std::int64_t unit_of(int digits);

}  // namespace alpha::foreign
