#pragma once
/// What is said to Kite and by it, as values: its words, requests and rows. Prices are events/fixed.hpp's, quantities units of the instrument, times
/// UTC. A row's `serialize` names its fields as Kite's JSON does; what of those is left out stands in tests/zerodha/kite_fields_test.cpp.

#include "events/fixed.hpp"
#include "events/named.hpp"
#include "events/side.hpp"
#include "events/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace alpha::kite {

inline constexpr std::int32_t kIstOffset_s = 19'800;
inline constexpr TradingHours kCashHours{kIstOffset_s, 33'300, 55'800};  ///< 09:15 to 15:30

enum class Product : std::uint8_t { cnc = 1, mis, nrml, mtf };
enum class OrderType : std::uint8_t { market = 1, limit, sl, sl_m };
enum class Variety : std::uint8_t { regular = 1, amo, co, iceberg, auction };
enum class Validity : std::uint8_t { day = 1, ioc, ttl };
enum class Status : std::uint8_t {
    put_order_req_received = 1,
    validation_pending,
    open_pending,
    open,
    trigger_pending,
    modify_validation_pending,
    modify_pending,
    modified,
    not_modified,
    cancel_pending,
    complete,
    cancelled,
    rejected
};
constexpr bool is_terminal(Status status) {
    return status >= Status::complete;
}
/// As Kite writes them.
const char* text_of(Product product);
const char* text_of(OrderType type);
const char* text_of(Variety variety);
const char* text_of(Validity validity);
const char* text_of(Status status);
const char* text_of(Side side);

/// Of an update that is no change of status.
inline constexpr const char* kUpdate = "UPDATE";

/// market_protection: hundredths of a per cent, or these.
inline constexpr std::int32_t kNoProtection = 0;
inline constexpr std::int32_t kAutoProtection = -1;

inline constexpr std::size_t kMaxTag = 20;

struct PlaceOrder {
    std::string exchange = "NSE";
    std::string tradingsymbol;
    Side transaction_type = Side::buy;
    OrderType order_type = OrderType::limit;
    Product product = Product::cnc;
    std::int64_t quantity = 0;
    Price price{};
    Price trigger_price{};
    std::string tag{};
    Validity validity = Validity::day;
    Variety variety = Variety::regular;
    std::int32_t market_protection = kNoProtection;
    friend bool operator==(const PlaceOrder&, const PlaceOrder&) = default;
};

/// What is not said stays. Other parameters of Kite's are not simulated.
struct ModifyOrder {
    std::string order_id;
    std::optional<std::int64_t> quantity{};  ///< the new total
    std::optional<Price> price{};
    std::optional<Price> trigger_price{};
};

struct OrderRow {
    std::string account_id;
    std::string placed_by;
    std::string order_id;
    std::optional<std::string> exchange_order_id;
    std::optional<std::string> parent_order_id;
    std::string status;
    std::optional<std::string> status_message;
    std::optional<std::string> status_message_raw;
    Time order_timestamp;
    std::optional<Time> exchange_update_timestamp;
    std::optional<Time> exchange_timestamp;
    Variety variety = Variety::regular;
    bool modified = false;
    std::string exchange;
    std::string tradingsymbol;
    std::uint32_t instrument_token = 0;
    OrderType order_type = OrderType::limit;
    Side transaction_type = Side::buy;
    Validity validity = Validity::day;
    Product product = Product::cnc;
    std::int64_t quantity = 0;
    std::int64_t disclosed_quantity = 0;
    Price price;
    Price trigger_price;
    Price average_price;
    std::int64_t filled_quantity = 0;
    std::int64_t pending_quantity = 0;
    std::int64_t cancelled_quantity = 0;
    std::int32_t market_protection = 0;
    std::optional<std::string> tag;
    std::vector<std::string> tags;
    std::optional<std::string> guid;
    friend bool operator==(const OrderRow&, const OrderRow&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("account_id", account_id), named("placed_by", placed_by), named("order_id", order_id),
           named("exchange_order_id", exchange_order_id), named("parent_order_id", parent_order_id),
           named("status", status), named("status_message", status_message),
           named("status_message_raw", status_message_raw), named("order_timestamp", order_timestamp),
           named("exchange_update_timestamp", exchange_update_timestamp),
           named("exchange_timestamp", exchange_timestamp), named("variety", variety), named("modified", modified),
           named("exchange", exchange), named("tradingsymbol", tradingsymbol),
           named("instrument_token", instrument_token), named("order_type", order_type),
           named("transaction_type", transaction_type), named("validity", validity), named("product", product),
           named("quantity", quantity), named("disclosed_quantity", disclosed_quantity), named("price", price),
           named("trigger_price", trigger_price), named("average_price", average_price),
           named("filled_quantity", filled_quantity), named("pending_quantity", pending_quantity),
           named("cancelled_quantity", cancelled_quantity), named("market_protection", market_protection),
           named("tag", tag), named("tags", tags), named("guid", guid));
    }
};

struct TradeRow {
    std::string trade_id;  ///< once an exchange and day
    std::string order_id;
    std::string exchange;
    std::string tradingsymbol;
    std::uint32_t instrument_token = 0;
    Product product = Product::cnc;
    Price average_price;  ///< of this trade
    std::int64_t quantity = 0;
    std::string exchange_order_id;
    Side transaction_type = Side::buy;
    Time fill_timestamp;
    Time order_timestamp;  ///< Kite writes the time of day alone
    Time exchange_timestamp;
    friend bool operator==(const TradeRow&, const TradeRow&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("trade_id", trade_id), named("order_id", order_id), named("exchange", exchange),
           named("tradingsymbol", tradingsymbol), named("instrument_token", instrument_token),
           named("product", product), named("average_price", average_price), named("quantity", quantity),
           named("exchange_order_id", exchange_order_id), named("transaction_type", transaction_type),
           named("fill_timestamp", fill_timestamp), named("order_timestamp", order_timestamp),
           named("exchange_timestamp", exchange_timestamp));
    }
};

struct PositionRow {
    std::string tradingsymbol;
    std::string exchange;
    std::uint32_t instrument_token = 0;
    Product product = Product::cnc;
    std::int64_t quantity = 0;  ///< overnight, and bought less sold today
    std::int64_t overnight_quantity = 0;
    std::int64_t day_buy_quantity = 0;
    Money day_buy_value;
    std::int64_t day_sell_quantity = 0;
    Money day_sell_value;
    Price last_price;
    Price close_price;
    friend bool operator==(const PositionRow&, const PositionRow&) = default;
};

struct Margins {
    Money opening_balance;
    Money used;  ///< by positions and open orders
    Money net;   ///< what may still be used
    friend bool operator==(const Margins&, const Margins&) = default;
};

struct Profile {
    std::string user_id;
    std::string broker = "ZERODHA";
    friend bool operator==(const Profile&, const Profile&) = default;
};

struct HoldingRow {
    std::string tradingsymbol;
    std::string exchange;
    std::uint32_t instrument_token = 0;
    std::string isin;
    std::int64_t quantity = 0;     ///< settled
    std::int64_t t1_quantity = 0;  ///< bought the day before
    std::int64_t used_quantity = 0;
    std::int64_t opening_quantity = 0;
    Price average_price;
    Price last_price;
    Price close_price;
    friend bool operator==(const HoldingRow&, const HoldingRow&) = default;
    template <class Ar>
    void serialize(Ar& ar) {
        ar(named("tradingsymbol", tradingsymbol), named("exchange", exchange),
           named("instrument_token", instrument_token), named("isin", isin), named("quantity", quantity),
           named("t1_quantity", t1_quantity), named("used_quantity", used_quantity),
           named("opening_quantity", opening_quantity), named("average_price", average_price),
           named("last_price", last_price), named("close_price", close_price));
    }
};

}  // namespace alpha::kite
