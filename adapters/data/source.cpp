#include "adapters/data/source.hpp"

namespace alpha {

std::string stream_name(std::string_view stream) {
    return stream == "stdin" ? "standard input" : std::string(stream);
}

bool is_empty_range(const DataBound& from, const DataBound& until) {
    if (from.day && until.day) {
        return *from.day > *until.day;
    }
    constexpr std::int32_t kFirstToBegin = 14 * 3'600;
    constexpr std::int32_t kLastToEnd = -12 * 3'600;
    const Time first = from.day ? TradingHours{kFirstToBegin}.midnight(*from.day) : from.time;
    const Time end = until.day ? TradingHours{kLastToEnd}.midnight(Date{until.day->days + 1}) : until.time;
    return first >= end;
}

std::string DataSource::name() const {
    return is_stream() ? stream_name(stream) : synth ? "synthetic data" : shown_as.empty() ? file : shown_as;
}

}  // namespace alpha
