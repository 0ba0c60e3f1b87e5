#include "events/input.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

using namespace alpha;

namespace {

constexpr Envelope kRoot{7, Time{1}, kNoSeq, kNoSeq};
constexpr Envelope kFollows{8, Time{1}, 7, 7};

/// Names of all event types, each made empty, that are the record of an input.
template <std::size_t... Is>
std::set<std::string> inputs_among(const Envelope& envelope, std::index_sequence<Is...>) {
    std::set<std::string> found;
    const auto look = [&]<class E>(const E& event) {
        if (input_of(envelope, event)) {
            found.insert(E::name_v);
        }
    };
    (look(std::variant_alternative_t<Is, Event>{}), ...);
    return found;
}

}  // namespace

TEST_CASE("which events are records of inputs", "[input]") {
    constexpr auto kAll = std::make_index_sequence<std::variant_size_v<Event>>();
    CHECK(inputs_among(kRoot, kAll) == std::set<std::string>{"account_read",
                                                             "bar_closed",
                                                             "bar_opened",
                                                             "book_read",
                                                             "broker_order_seen",
                                                             "broker_rules_set",
                                                             "broker_session_changed",
                                                             "broker_trade_seen",
                                                             "corporate_action",
                                                             "feed_changed",
                                                             "funds_read",
                                                             "instrument_changed",
                                                             "instrument_listed",
                                                             "instrument_thawed",
                                                             "kill_switch_released",
                                                             "margin_rules_set",
                                                             "market_rules_set",
                                                             "order_resolved",
                                                             "outside_assigned",
                                                             "product_rules_set",
                                                             "quote",
                                                             "send_ended",
                                                             "send_started",
                                                             "settlement_price",
                                                             "strategy_halted",
                                                             "strategy_resumed",
                                                             "trade"});
    // What carries links may be an input all the same: a broker's answer names the order that led to it.
    CHECK(inputs_among(kFollows, kAll) == std::set<std::string>{"account_read",
                                                                "bar_closed",
                                                                "bar_opened",
                                                                "book_read",
                                                                "broker_order_seen",
                                                                "broker_rules_set",
                                                                "broker_session_changed",
                                                                "broker_trade_seen",
                                                                "corporate_action",
                                                                "feed_changed",
                                                                "funds_read",
                                                                "instrument_changed",
                                                                "instrument_listed",
                                                                "instrument_thawed",
                                                                "margin_rules_set",
                                                                "market_rules_set",
                                                                "order_resolved",
                                                                "outside_assigned",
                                                                "product_rules_set",
                                                                "quote",
                                                                "send_ended",
                                                                "send_started",
                                                                "settlement_price",
                                                                "strategy_resumed",
                                                                "trade"});
}

TEST_CASE("an input is found in its event as it was given", "[input]") {
    KillSwitchLatched latched;
    latched.portfolio = PortfolioId{3};
    latched.scope = LatchScope::flatten;
    for (const Rule rule : {Rule::operator_kill, Rule::daily_loss, Rule::none}) {
        latched.rule = rule;
        const std::optional<Input> input = input_of(kRoot, latched);
        CHECK(input.has_value() == (rule == Rule::operator_kill));
        CHECK_FALSE(input_of(kFollows, latched));
    }
    latched.rule = Rule::operator_kill;
    CHECK(input_of(kRoot, latched) == Input(KillRequest{PortfolioId{3}, LatchScope::flatten}));
    CHECK(input_of(kRoot, KillSwitchReleased{PortfolioId{2}}) == Input(ReleaseRequest{PortfolioId{2}}));
    CHECK(input_of(kRoot, StrategyHalted{StrategyId{1}, "too slow"}) == Input(HaltRequest{StrategyId{1}, "too slow"}));
    CHECK(input_of(kRoot, StrategyResumed{StrategyId{1}}) == Input(ResumeRequest{StrategyId{1}}));
    Instrument definition;
    definition.name = "NSE:A";
    CHECK(input_of(kRoot, InstrumentListed{InstrumentId{5}, definition}) == Input(ListInstrument{definition}));
    const QuoteTick quote{InstrumentId{1}, Price{2}, Price{3}, Qty{4}, Qty{5}};
    CHECK(input_of(kRoot, quote) == Input(quote));

    CHECK(is_between_records(KillRequest{}));
    CHECK(is_between_records(ReleaseRequest{}));
    CHECK(is_between_records(ResumeRequest{}));
    CHECK(is_between_records(HaltRequest{}));
    CHECK(is_between_records(SendEnded{}));
    CHECK_FALSE(is_between_records(quote));
    CHECK_FALSE(is_between_records(ListInstrument{}));
    CHECK_FALSE(is_between_records(BrokerReport{}));
}
