#include "tests/model/scenario.hpp"

#include <fmt/format.h>

namespace alpha::model {
namespace {

std::string time_text(Nanos time) {
    const Nanos seconds = time / 1'000'000'000;
    const Nanos of_day = seconds % 86'400;
    std::string text =
        fmt::format("day {} {:02}:{:02}:{:02}", seconds / 86'400, of_day / 3'600, of_day / 60 % 60, of_day % 60);
    if (time % 1'000'000'000 != 0) {
        text += fmt::format(".{:03}", time % 1'000'000'000 / 1'000'000);
    }
    return text;
}
std::string price_text(Units price) {
    return price == 0 ? "-" : fmt::format("{}.{:03}", price / 1'000, price % 1'000);
}
std::string quantity_text(Units quantity) {
    return quantity % 100 == 0 ? fmt::format("{}", quantity / 100)
                               : fmt::format("{}.{:02}", quantity / 100, quantity % 100);
}

std::string leg_text(const Leg& leg) {
    constexpr const char* kTypes[] = {"market", "limit", "stop", "stop_limit"};
    constexpr const char* kTifs[] = {"gtc", "day", "ioc"};
    std::string text = fmt::format("{} {} {}", leg.side == Side::buy ? "buy" : "sell", quantity_text(leg.quantity),
                                   kTypes[static_cast<int>(leg.type)]);
    if (leg.stop != 0) {
        text += " stop " + price_text(leg.stop);
    }
    if (leg.limit != 0) {
        text += " limit " + price_text(leg.limit);
    }
    text += fmt::format(" {}", kTifs[static_cast<int>(leg.tif)]);
    return leg.reduce_only ? text + " reduce_only" : text;
}
std::string request_text(const Request& request) {
    std::string text = fmt::format("      strategy {} #{} ", request.strategy, request.key);
    switch (request.kind) {
    case Request::Kind::place: text += "places"; break;
    case Request::Kind::bracket: text += request.is_grouped ? "bracket" : "entry with exits apart"; break;
    case Request::Kind::oco: text += "one cancels other"; break;
    case Request::Kind::cancel: return text + fmt::format("cancels #{}.{}\n", request.target, request.target_leg);
    case Request::Kind::modify:
        return text + fmt::format("modifies #{}.{}: {} stop {} limit {}\n", request.target, request.target_leg,
                                  quantity_text(request.quantity), price_text(request.stop), price_text(request.limit));
    }
    text += fmt::format(" in {}:", request.instrument);
    for (const Leg& leg : request.legs) {
        text += " [" + leg_text(leg) + "]";
    }
    return text + '\n';
}
std::string input_text(const Input& input) {
    std::string text = fmt::format("{} instrument {} ", time_text(input.time), input.instrument);
    const auto minutes = input.bar.interval / 60'000'000'000;
    switch (input.kind) {
    case Input::Kind::quote:
        return text + fmt::format("quote {} x {} : {} x {}\n", price_text(input.quote.bid),
                                  quantity_text(input.quote.bid_size), price_text(input.quote.ask),
                                  quantity_text(input.quote.ask_size));
    case Input::Kind::trade:
        return text + fmt::format("trade {} x {}\n", price_text(input.trade.price), quantity_text(input.trade.size));
    case Input::Kind::bar_opened: return text + fmt::format("opens {}m at {}\n", minutes, price_text(input.bar.open));
    case Input::Kind::bar_closed:
        return text + fmt::format("closes {}m {} {} {} {} volume {}\n", minutes, price_text(input.bar.open),
                                  price_text(input.bar.high), price_text(input.bar.low), price_text(input.bar.close),
                                  quantity_text(input.bar.volume));
    case Input::Kind::session_opened: return text + fmt::format("session {} opened\n", input.date);
    case Input::Kind::session_closed: return text + fmt::format("session {} closed\n", input.date);
    case Input::Kind::timer: break;
    }
    return time_text(input.time) + " timer\n";
}

}  // namespace

std::string to_text(const Scenario& scenario) {
    const Settings& s = scenario.settings;
    std::string text =
        fmt::format("fill {}, limit_fill {}, use_size {}, volume_share {}.{:02}, slippage {} / {} ticks / {}.{:02}%, "
                    "latency {} ms, lot {}\n",
                    s.next_open ? "next_open" : "touch", s.through ? "through" : "reached", s.use_size,
                    s.volume_share / 100, s.volume_share % 100, price_text(s.slippage), s.slippage_ticks,
                    s.slippage_percent / 100, s.slippage_percent % 100, s.latency / 1'000'000, quantity_text(s.lot));
    for (const Input& input : scenario.inputs) {
        text += input_text(input);
        for (const Request& request : input.requests) {
            text += request_text(request);
        }
    }
    return text;
}

std::string to_text(const Outcome& outcome) {
    std::string text;
    for (const Fill& fill : outcome.fills) {
        text += fmt::format("  {} order {} filled {} at {}\n", time_text(fill.time), fill.order,
                            quantity_text(fill.quantity), price_text(fill.price));
    }
    for (const End& end : outcome.ends) {
        text += fmt::format("  {} order {} {}\n", time_text(end.time), end.order, end.how);
    }
    return text;
}

}  // namespace alpha::model
