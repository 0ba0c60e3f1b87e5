/// A value that an enum gets is a change of every event and struct that holds one: without a higher version, an older alpha would call
/// an event with it damaged, and not written by a newer one. So how many values each version knows is written down here.

#include "events/cursor.hpp"
#include "events/event.hpp"
#include "events/text.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <utility>

using namespace alpha;

namespace {

template <class T>
constexpr const char* kStruct = nullptr;
template <>
constexpr const char* kStruct<Setting> = "Setting";
template <>
constexpr const char* kStruct<PortfolioConfig> = "PortfolioConfig";
template <>
constexpr const char* kStruct<BrokerConfig> = "BrokerConfig";
template <>
constexpr const char* kStruct<StrategyConfig> = "StrategyConfig";
template <>
constexpr const char* kStruct<RiskLimit> = "RiskLimit";
template <>
constexpr const char* kStruct<ChargesConfig> = "ChargesConfig";
template <>
constexpr const char* kStruct<OrderTerms> = "OrderTerms";
template <>
constexpr const char* kStruct<Instrument> = "Instrument";
template <>
constexpr const char* kStruct<MarginRow> = "MarginRow";
template <>
constexpr const char* kStruct<MarginRules> = "MarginRules";
template <>
constexpr const char* kStruct<OutsideRules> = "OutsideRules";
template <>
constexpr const char* kStruct<ProductRow> = "ProductRow";
template <>
constexpr const char* kStruct<ProductRules> = "ProductRules";
#define ALPHA_NAME(T)                                                                                                  \
    template <>                                                                                                        \
    constexpr const char* kStruct<markets::T> = #T;
ALPHA_NAME(Source)
ALPHA_NAME(ZoneChange)
ALPHA_NAME(Zone)
ALPHA_NAME(KnownRow)
ALPHA_NAME(SessionRow)
ALPHA_NAME(DayRow)
ALPHA_NAME(CalendarTable)
ALPHA_NAME(CalendarRules)
ALPHA_NAME(ChargeRow)
ALPHA_NAME(ChargePlan)
ALPHA_NAME(ChargeAmount)
ALPHA_NAME(MarketRules)
#undef ALPHA_NAME

/// The version of an event or struct, and how many values the enums in it know.
using Known = std::map<std::string, std::pair<int, int>>;

/// Values of all enums among the fields; those within a struct that has a version of its own count there.
class Counting {
public:
    template <class... Ts>
    Counting& operator()(Ts&&... fields) {
        (one(value_of(fields)), ...);
        return *this;
    }
    int enumerators() const { return count_; }
    const Known& structs() const { return structs_; }
    template <class T>
    void nested(T& object) {
        Counting within;
        object.serialize(within);
        structs_.insert(within.structs_.begin(), within.structs_.end());
        static_assert(kStruct<T> != nullptr, "name it above");
        structs_[kStruct<T>] = {T::struct_version, within.count_};
    }

private:
    template <class T>
    void one(T& field) {
        if constexpr (requires { requires std::is_enum_v<typename T::value_type>; }) {  // or nothing
            typename T::value_type value{};
            one(value);
        } else if constexpr (std::is_enum_v<T>) {
            for (int raw = 0; raw < 256; ++raw) {
                count_ += is_valid(static_cast<T>(raw)) ? 1 : 0;
            }
        } else if constexpr (VersionedStruct<T>) {
            nested(field);
        } else if constexpr (requires { field.emplace_back(); } && !std::is_same_v<T, std::string>) {
            typename T::value_type element{};
            one(element);
        } else if constexpr (requires { field.serialize(*this); }) {
            field.serialize(*this);
        }
    }

    int count_ = 0;
    Known structs_;
};

/// Raise the version where a line has to change, and keep what tests/events/frozen_test.cpp has of the one before.
const Known kKnown{
    {"BrokerConfig", {1, 0}},
    {"CalendarRules", {1, 0}},
    {"CalendarTable", {1, 0}},
    {"ChargeAmount", {1, 15}},
    {"ChargePlan", {1, 0}},
    {"ChargeRow", {1, 52}},
    {"ChargesConfig", {1, 0}},
    {"DayRow", {1, 6}},
    {"Instrument", {2, 6}},
    {"KnownRow", {1, 0}},
    {"MarginRow", {1, 8}},
    {"MarginRules", {1, 0}},
    {"MarketRules", {1, 2}},
    {"OrderTerms", {2, 14}},
    {"OutsideRules", {1, 0}},
    {"PortfolioConfig", {1, 0}},
    {"ProductRow", {1, 5}},
    {"ProductRules", {1, 0}},
    {"RiskLimit", {3, 47}},
    {"SessionRow", {1, 12}},
    {"Setting", {1, 0}},
    {"Source", {1, 10}},
    {"StrategyConfig", {2, 5}},
    {"Zone", {1, 0}},
    {"ZoneChange", {1, 0}},
    {"account_read", {1, 7}},
    {"bar_closed", {2, 0}},
    {"bar_opened", {2, 0}},
    {"book_read", {1, 0}},
    {"broker_order_seen", {1, 13}},
    {"broker_rules_set", {1, 0}},
    {"broker_session_changed", {1, 6}},
    {"broker_trade_seen", {1, 7}},
    {"cancel_intended", {4, 47}},
    {"change_refused", {4, 47}},
    {"change_rejected", {1, 9}},
    {"charges_booked", {1, 0}},
    {"contract_expired", {1, 0}},
    {"corporate_action", {1, 4}},
    {"feed_changed", {1, 3}},
    {"funds_read", {1, 0}},
    {"instrument_changed", {1, 0}},
    {"instrument_listed", {2, 0}},
    {"instrument_thawed", {1, 0}},
    {"kill_switch_latched", {4, 51}},
    {"kill_switch_released", {1, 0}},
    {"margin_rules_set", {1, 0}},
    {"market_rules_set", {1, 0}},
    {"modify_intended", {4, 47}},
    {"order_accepted", {1, 0}},
    {"order_adjusted", {1, 0}},
    {"order_cancelled", {1, 0}},
    {"order_conflict", {1, 0}},
    {"order_expired", {1, 0}},
    {"order_filled", {3, 7}},
    {"order_intended", {2, 0}},
    {"order_modified", {4, 47}},
    {"order_overdue", {1, 0}},
    {"order_refused", {4, 47}},
    {"order_rejected", {1, 0}},
    {"order_released", {1, 0}},
    {"order_resolved", {1, 3}},
    {"order_revived", {1, 0}},
    {"order_triggered", {1, 0}},
    {"outcome_stale", {1, 0}},
    {"outcome_unknown", {1, 0}},
    {"outside_assigned", {1, 5}},
    {"outside_filled", {1, 7}},
    {"pnl_snapshot", {2, 0}},
    {"portfolio_opened", {1, 0}},
    {"position_adjusted", {1, 9}},
    {"position_settled", {1, 11}},
    {"product_rules_set", {1, 0}},
    {"quote", {1, 0}},
    {"reconciled", {1, 0}},
    {"reconciliation_differs", {1, 13}},
    {"report_ignored", {1, 9}},
    {"send_ended", {1, 9}},
    {"send_started", {1, 3}},
    {"session_closed", {1, 0}},
    {"session_configured", {2, 2}},
    {"session_opened", {1, 0}},
    {"session_reconfigured", {2, 2}},
    {"settlement_price", {1, 0}},
    {"signal", {1, 3}},
    {"square_off_begun", {1, 0}},
    {"strategy_halted", {1, 0}},
    {"strategy_resumed", {1, 0}},
    {"timer_cancelled", {1, 0}},
    {"timer_fired", {1, 0}},
    {"timer_set", {1, 0}},
    {"trade", {1, 0}},
};

}  // namespace

TEST_CASE("an enum that knows another value has raised the version of all that hold it", "[events]") {
    Known known;
    const auto note = [&]<class E>(E event) {
        Counting fields;
        event.serialize(fields);
        known.insert(fields.structs().begin(), fields.structs().end());
        known[E::name_v] = {E::version, fields.enumerators()};
    };
#define ALPHA_NOTE(E) note(E{});
    ALPHA_EVENTS(ALPHA_NOTE)
#undef ALPHA_NOTE
    CHECK(std::string(name_of(static_cast<Rule>(kRules - 1))) != "?");
    CHECK(std::string(name_of(static_cast<Rule>(kRules))) == "?");  // or kRules was forgotten
    std::string lines;
    for (const auto& [name, versions] : known) {
        const auto row = kKnown.find(name);
        if (row == kKnown.end() || row->second != versions) {
            lines += "    {\"" + name + "\", {" + std::to_string(versions.first) + ", " +
                     std::to_string(versions.second) + "}},\n";
        }
    }
    INFO("as it is now:\n" << lines);
    CHECK(known == kKnown);
}
