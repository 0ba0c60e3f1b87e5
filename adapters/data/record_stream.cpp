#include "adapters/data/record_stream.hpp"

#include "events/limits.hpp"
#include "events/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <numeric>
#include <utility>

namespace alpha {

namespace {

std::string price_refusal(const char* field, Price price) {
    if (price.raw < 0) {
        return fmt::format("{} {} is negative; prices are positive", field, to_string(price));
    }
    if (price > limits::kMaxPrice) {
        return fmt::format("{} {} is above the largest price, {}; check the columns", field, to_string(price),
                           to_string(limits::kMaxPrice));
    }
    return {};
}

std::string volume_refusal(const char* field, Volume volume) {
    return volume.is_valid()
               ? std::string()
               : fmt::format("{} {} is negative; volumes are zero or more", field, to_string(Qty{volume.raw}));
}

std::string quantity_refusal(const char* field, Qty quantity) {
    if (quantity.raw < 0) {
        return fmt::format("{} {} is negative; quantities are zero or more", field, to_string(quantity));
    }
    if (quantity > limits::kMaxQty) {
        return fmt::format("{} {} is above the largest quantity, {}; check the columns", field, to_string(quantity),
                           to_string(limits::kMaxQty));
    }
    return {};
}

}  // namespace

std::uint32_t SymbolTable::add(std::string_view name) {
    const auto index = static_cast<std::uint32_t>(names_.size());
    names_.emplace_back(name);
    const bool added = index_.emplace(names_.back(), index).second;
    ALPHA_ASSERT(added, "a symbol was added twice");
    return index;
}

std::string name_refusal(std::string_view name) {
    if (name.empty()) {
        return "the instrument's name is empty; give every record one";
    }
    if (name.size() > limits::kMaxNameBytes) {
        return fmt::format("instrument {} has {} bytes; names have at most {}", in_quotes(name), name.size(),
                           limits::kMaxNameBytes);
    }
    if (!is_printable(name)) {
        return fmt::format("instrument {} holds a control character or is not UTF-8; use printable names",
                           in_quotes(name));
    }
    if (name.front() == ' ' || name.back() == ' ') {
        return fmt::format("instrument {} begins or ends with a space; remove it", in_quotes(name));
    }
    return {};
}

std::string time_refusal(Time time) {
    return is_good(time)
               ? std::string()
               : fmt::format("time {} ({}) is outside 1800 to 2199; times are nanoseconds since 1970-01-01 UTC",
                             time.ns, to_iso(time));
}

std::string stamp_refusal(Time time) {
    constexpr std::array<std::pair<const char*, std::int64_t>, 3> kUnits{
        {{"seconds", 1'000'000'000}, {"milliseconds", 1'000'000}, {"microseconds", 1'000}}};
    for (const auto& [unit, ns] : kUnits) {
        if (time.ns >= kFirstStamp.ns / ns && time.ns < kMaxTime.ns / ns) {
            return fmt::format("ts_ns {} looks like {} ({}); write nanoseconds: {}", time.ns, unit,
                               to_iso(Time{time.ns * ns}), time.ns * ns);
        }
    }
    return time_refusal(time);
}

std::string quote_refusal(const QuoteTick& quote) {
    for (std::string why : {price_refusal("bid", quote.bid), price_refusal("ask", quote.ask),
                            quantity_refusal("bid_qty", quote.bid_qty), quantity_refusal("ask_qty", quote.ask_qty)}) {
        if (!why.empty()) {
            return why;
        }
    }
    if (quote.bid.raw == 0 && quote.ask.raw == 0) {
        return "bid and ask are both 0, which says nothing; remove the line";
    }
    return {};
}

std::string trade_refusal(const TradeTick& trade) {
    for (std::string why :
         {price_refusal("price", trade.price), quantity_refusal("quantity", trade.quantity),
          volume_refusal("volume", trade.volume), volume_refusal("open_interest", trade.open_interest)}) {
        if (!why.empty()) {
            return why;
        }
    }
    if (trade.price.raw == 0) {
        return "price is 0; a trade has one, so remove the line";
    }
    return is_good(trade.exchange_time) ? std::string() : time_refusal(trade.exchange_time);
}

std::string bar_refusal(const BarClosed& bar) {
    for (std::string why :
         {price_refusal("open", bar.open), price_refusal("high", bar.high), price_refusal("low", bar.low),
          price_refusal("close", bar.close), volume_refusal("volume", bar.volume)}) {
        if (!why.empty()) {
            return why;
        }
    }
    const Price least = std::min({bar.open, bar.high, bar.low, bar.close});
    if (least.raw == 0) {
        return "a price is 0; bars need four prices above 0: remove the line";
    }
    if (least != bar.low) {
        return fmt::format("low {} is above another price of its bar ({}); check the columns' order",
                           to_string(bar.low), to_string(least));
    }
    const Price most = std::max({bar.open, bar.high, bar.low, bar.close});
    if (most != bar.high) {
        return fmt::format("high {} is below another price of its bar ({}); check the columns' order",
                           to_string(bar.high), to_string(most));
    }
    return {};
}

std::string interval_refusal(Duration interval) {
    constexpr Duration kLongest{366 * kDayNs};
    if (interval.ns <= 0) {
        return "bars need an interval above zero; write one, such as interval: 1m or interval: day";
    }
    if (interval > kLongest) {
        return fmt::format("an interval of {} is longer than a year; write one such as 1m or day", to_string(interval));
    }
    return {};
}

std::string BarOrder::text(Time label) const {
    return date_only_ ? to_iso(TradingHours{}.date_of(label)) : to_iso(label);
}

std::string BarOrder::refusal(std::uint32_t symbol, Time label) {
    if (label < last_) {
        return fmt::format("the bar at {} comes after one at {}; sort the file by time", text(label), text(last_));
    }
    if (symbol >= last_of_.size()) {
        last_of_.resize(symbol + std::size_t{1}, kBeforeAll);
    }
    Time& before = last_of_[symbol];
    if (label == before) {
        return fmt::format("the bar at {} is there twice; remove one of the two", text(label));
    }
    if (before != kBeforeAll && label < before + interval_) {
        return fmt::format("the bar at {} overlaps the one at {}, which lasts {}; check the interval", text(label),
                           text(before), to_string(interval_));
    }
    before = label;
    last_ = label;
    return {};
}

void Spacing::see(std::uint32_t symbol, Time label, std::uint64_t line, const markets::DayTimes& times) {
    if (symbol >= last_of_.size()) {
        last_of_.resize(symbol + std::size_t{1}, kBeforeAll);
    }
    const Time before = std::exchange(last_of_[symbol], std::max(last_of_[symbol], label));
    if (before == kBeforeAll || label <= before || times.date_of(before) != times.date_of(label) ||
        !times.is_open_at(before) || !times.is_open_at(label)) {
        return;
    }
    const Duration gap = label - before;
    if (gaps_++ == 0) {
        shortest_ = kNever - Time{};
    }
    if (gap < shortest_) {
        shortest_ = gap;
        line_ = line;
    }
    common_ = Duration{std::gcd(common_.ns, gap.ns)};
}

std::string Spacing::refusal(std::string_view mend) const {
    constexpr std::uint64_t kEnough = 3;
    if (gaps_ < kEnough || shortest_ <= interval_ || shortest_ != common_) {
        return {};
    }
    return fmt::format(
        "the interval is {}, but within sessions bars begin {} apart or a multiple of it, without exception; "
        "each would close before its prices were traded: {}{}",
        to_string(interval_), to_string(shortest_), mend, to_string(shortest_));
}

Result<void> judge_interval(BarRows& rows, const TimesOf& times, std::string_view mend) {
    // What has not shown its spacing in so many rows, a few milliseconds' reading, hardly has one.
    constexpr std::size_t kRows = 65'536;
    if (rows.interval().ns >= kDayNs) {  // no two such bars begin in one session
        return {};
    }
    Spacing spacing(rows.interval());
    std::vector<markets::DayTimes> times_of;
    for (std::size_t seen = 0; seen < kRows && !spacing.is_settled();) {
        const auto batch = rows.next();
        if (!batch || batch->empty()) {
            break;
        }
        for (const BarRow& row : *batch) {
            const std::uint32_t symbol = row.bar.instrument.value;
            while (times_of.size() <= symbol) {
                const auto given = times ? times(rows.symbols()[times_of.size()]) : std::nullopt;
                times_of.push_back(given.value_or(markets::DayTimes()));
            }
            spacing.see(symbol, row.label, row.line, times_of[symbol]);
        }
        seen += batch->size();
    }
    const std::string why = spacing.refusal(mend);
    return why.empty() ? Result<void>() : fail(ErrorKind::data, fmt::format("{}: {}", rows.place(spacing.line()), why));
}

Error changed_before(std::string_view file, std::string_view place) {
    return {ErrorKind::data,
            fmt::format("{}: the data changed: what stands before {} is not what was read there before; "
                        "restore the file, or begin a new session",
                        file, place),
            ErrorCode::data_changed,
            {std::string(file)}};
}

std::string in_quotes(std::string_view text) {
    constexpr std::size_t kShown = 48;
    std::string out = "'";
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = printable_length(text.substr(at));
        if (out.size() + length > kShown) {
            out += "...";
            break;
        }
        if (length == 0) {
            out += '?';
            ++at;
        } else {
            out.append(text, at, length);
            at += length;
        }
    }
    return out + "'";
}

}  // namespace alpha
