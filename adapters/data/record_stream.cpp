#include "adapters/data/record_stream.hpp"

#include "events/limits.hpp"
#include "events/text.hpp"

#include <algorithm>
#include <fmt/format.h>

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
               : fmt::format("time {} is outside 1970 to 2199; times are nanoseconds since 1970-01-01 UTC", time.ns);
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

std::string bar_refusal(const BarClosed& bar) {
    for (std::string why :
         {price_refusal("open", bar.open), price_refusal("high", bar.high), price_refusal("low", bar.low),
          price_refusal("close", bar.close), quantity_refusal("volume", bar.volume)}) {
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

Error changed_before(std::string_view file, std::string_view place) {
    return {ErrorKind::data,
            fmt::format("{}: the data changed: what stands before {} is not what was read there before; "
                        "restore the file, or begin a new session",
                        file, place)};
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
