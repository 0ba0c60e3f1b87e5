#include "results/assumptions.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace alpha {

namespace {

std::string_view setting(const BrokerConfig& broker, std::string_view key) {
    const auto at = std::ranges::find(broker.settings, key, &Setting::key);
    return at == broker.settings.end() ? std::string_view{} : at->value;
}

void of_broker(const BrokerConfig& broker, bool has_bars, bool has_quotes, std::vector<Assumption>& all) {
    const auto add = [&](const char* title, std::string text) {
        all.push_back({fmt::format("{}: {}", broker.name, title), std::move(text)});
    };
    const std::string_view fill = setting(broker, "fill");
    if (fill == "touch") {
        std::string text = "Orders fill at once at the bid or ask that is shown";
        text += has_bars ? ", and with bars at the close that the strategy has just seen. A real order arrives later "
                           "and meets the next price: "
                           "results on bars are better than a market would give; compare with fill: next_open."
                         : ".";
        add("fills at the touch", std::move(text));
    } else if (fill == "next_open") {
        add("fills at the next open",
            "Market orders fill at the open of the next bar. Openings are auctions with wide spreads in many "
            "markets; the bar's open is one trade, not the price of your size.");
    }
    if (setting(broker, "slippage") == "0") {
        add("no slippage", "Nothing is added to the price of market and stop orders. A market moves away from a large "
                           "order, and stops fill "
                           "worse than their price in fast markets; set slippage: to see how much the result bears.");
    }
    if (setting(broker, "latency") == "0s") {
        add("no latency", "An order reaches the market in the instant it is decided on. Strategies that trade often "
                          "are flattered by it; set "
                          "latency:.");
    }
    if (setting(broker, "use_size") == "false") {
        add("any size fills", has_quotes ? "An order fills whole at one price, whatever quantity the quote shows; "
                                           "use_size: true fills what is shown."
                                         : "An order fills whole at one price, whatever volume the bar had; use_size: "
                                           "true fills a share of it.");
    }
    if (setting(broker, "limit_fill") == "reached") {
        add("limits fill when reached",
            "A limit order fills as soon as the market reaches its price, as if it stood first in the queue. "
            "limit_fill: through asks the market to go through it.");
    }
}

}  // namespace

std::vector<Assumption> assumptions_of(const State& state, const Results& results) {
    std::vector<Assumption> all;
    for (const BrokerConfig& broker : state.config.brokers) {
        if (broker.kind == "paper") {
            of_broker(broker, results.bars != 0, results.quotes + results.trade_ticks != 0, all);
        }
    }
    if (results.bars != 0 && results.quotes + results.trade_ticks == 0) {
        all.push_back(
            {"bars, not ticks",
             "Within a bar nobody knows whether the high or the low came first; where both an exit at a loss and "
             "one at a profit could have filled, the loss is taken (docs/reference-orders.md). Marks are those of "
             "opens and closes, so drawdown within a bar is not seen."});
    }
    if (!state.has_charge_plan() && state.config.charges == ChargesConfig{}) {
        all.push_back(
            {"no charges",
             "Nothing is charged. Brokerage and taxes decide whether what trades often makes money; charges: zerodha "
             "has them to the paisa."});
    } else if (!state.has_charge_plan()) {
        all.push_back(
            {"flat charges",
             fmt::format(
                 "Each fill costs {} and {} of its notional, whatever its side and product. Real charges differ by "
                 "both; charges: zerodha has them to the paisa.",
                 to_string(state.config.charges.per_fill), to_string(state.config.charges.rate))});
    }
    if (state.rules.calendars.empty()) {
        all.push_back(
            {"no calendar", "Trading hours are the same every day: holidays, half days and auctions are not known."});
    }
    if (state.products.is_silent()) {
        all.push_back(
            {"no products",
             "Whether shares can be sold short, are there to be sold, or must be closed within the day is not asked."});
    }
    if (state.config.risk.end() == std::ranges::find_if(state.config.risk,
                                                        [](const RiskLimit& each) {
                                                            return each.rule == Rule::buying_power ||
                                                                   each.rule == Rule::margin;
                                                        }) &&
        state.margin_rules == MarginRules{}) {
        all.push_back({"no buying power", "No rule asks whether the account can pay for what it holds."});
    }
    all.push_back(
        {"no interest",
         "Cash earns nothing, what is borrowed costs nothing, and the risk-free rate of every ratio is zero."});
    if (const auto open = std::ranges::count_if(results.rounds, [](const Trade& trade) { return trade.is_open(); });
        open != 0) {
        all.push_back(
            {"open positions",
             fmt::format(
                 "{} {} still held at the end. Equity has {} at the last mark, without what closing would cost; "
                 "trade statistics leave {} out.",
                 open, open == 1 ? "position is" : "positions are", open == 1 ? "it" : "them",
                 open == 1 ? "it" : "them")});
    }
    return all;
}

}  // namespace alpha
