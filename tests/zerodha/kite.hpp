#pragma once
/// A small world around the simulator: one Friday, two shares and a future, two accounts.

#include "adapters/zerodha/kite_exchange.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

namespace alpha::kite {

inline constexpr Date kFriday{20'784};  // 2026-11-27

/// Of local time, on that Friday or `days` later.
inline Time ist(int hour, int minute, int second = 0, int ms = 0, int days = 0) {
    return kCashHours.midnight(Date{kFriday.days + days}) +
           Duration{(hour * 3'600 + minute * 60 + second) * kSecondNs + ms * 1'000'000LL};
}
inline constexpr Duration ms(std::int64_t count) {
    return Duration{count * 1'000'000};
}
inline constexpr Duration seconds(std::int64_t count) {
    return Duration{count * kSecondNs};
}
/// 1000.05 is paise(100'005).
inline constexpr Price paise(std::int64_t count) {
    return Price{count * (kScale / 100)};
}
inline constexpr Price rupees(std::int64_t count) {
    return price_of(count);
}

inline Settings small_world() {
    Instrument share;
    share.tradingsymbol = "INFY";
    share.token = 408'065;
    share.isin = "INE009A01021";
    share.tick = paise(5);
    share.freeze = 10'000;
    share.lower_circuit = rupees(900);
    share.upper_circuit = rupees(1'100);
    share.close = rupees(1'000);
    Instrument other = share;
    other.tradingsymbol = "SBIN";
    other.token = 779'521;
    Instrument future = share;
    future.exchange = "NFO";
    future.tradingsymbol = "NIFTY26DECFUT";
    future.token = 12'345'602;
    future.lot = 65;
    future.freeze = 1'755;
    future.is_derivative = true;
    future.square_off_s = 55'500;
    HoldingRow held;
    held.exchange = "NSE";
    held.tradingsymbol = "SBIN";
    held.quantity = 50;
    held.average_price = rupees(800);
    Settings settings;
    settings.instruments = {share, other, future};
    settings.accounts = {{"AB1234", money_of(1'000'000), {held}, {}}, {"CD5678", money_of(1'000'000), {}, {}}};
    return settings;
}

struct World {
    explicit World(Settings settings = small_world(), std::uint64_t seed = 1, Time at = ist(10, 0))
        : kite(std::move(settings), seed), now(at), token(kite.login(now, "AB1234")) {
        quote("INFY", rupees(999), 100, rupees(1'000), 100, rupees(1'000));
    }
    void quote(const char* symbol, Price bid, std::int64_t bids, Price ask, std::int64_t asks, Price last) {
        kite.quote(now, symbol[0] == 'N' ? "NFO" : "NSE", symbol, {bid, bids, ask, asks, last});
    }
    /// Lets so much time go by.
    void pass(Duration time) {
        now = now + time;
        kite.advance(now);
    }
    /// Longer than any order needs to come to rest.
    void settle() { pass(ms(200)); }
    Caller api() const { return Caller::api(token); }
    Reply place(const PlaceOrder& order) { return kite.place(now, api(), order); }
    Reply modify(const ModifyOrder& change) { return kite.modify(now, api(), change); }
    Reply cancel(const std::string& id) { return kite.cancel(now, api(), id); }
    std::string id_of(const PlaceOrder& order) {
        const Reply reply = place(order);
        INFO(reply.message);
        REQUIRE(reply.is_success());
        return reply.order_id;
    }
    /// Placed and at rest.
    std::string open(const PlaceOrder& order) {
        std::string id = id_of(order);
        settle();
        return id;
    }
    // By phone, for that one is neither counted nor lied to.
    template <class Row>
    static std::vector<Row> rows(const Reply& reply) {
        REQUIRE(std::holds_alternative<std::vector<Row>>(reply.data));
        return std::get<std::vector<Row>>(reply.data);
    }
    std::vector<OrderRow> orders() { return rows<OrderRow>(kite.orders(now, Caller::phone("AB1234"))); }
    std::vector<OrderRow> history(const std::string& id) {
        return rows<OrderRow>(kite.order(now, Caller::phone("AB1234"), id));
    }
    OrderRow row(const std::string& id) { return history(id).back(); }
    std::vector<TradeRow> trades() { return rows<TradeRow>(kite.trades(now, Caller::phone("AB1234"))); }
    std::vector<PositionRow> positions() { return rows<PositionRow>(kite.positions(now, Caller::phone("AB1234"))); }
    std::vector<HoldingRow> holdings() { return rows<HoldingRow>(kite.holdings(now, Caller::phone("AB1234"))); }
    Margins margins() { return std::get<Margins>(kite.margins(now, Caller::phone("AB1234")).data); }
    std::vector<std::string> statuses(const std::string& id) {
        std::vector<std::string> texts;
        for (const OrderRow& state : history(id)) {
            texts.push_back(state.status);
        }
        return texts;
    }

    KiteExchange kite;
    Time now;
    std::string token;
};

inline PlaceOrder limit(Side side, std::int64_t quantity, Price price, std::string tag = "") {
    PlaceOrder order;
    order.tradingsymbol = "INFY";
    order.transaction_type = side;
    order.quantity = quantity;
    order.price = price;
    order.tag = std::move(tag);
    return order;
}
inline PlaceOrder intraday(PlaceOrder order) {
    order.product = Product::mis;
    return order;
}
inline PlaceOrder market(Side side, std::int64_t quantity, std::int32_t protection) {
    PlaceOrder order = limit(side, quantity, {});
    order.order_type = OrderType::market;
    order.market_protection = protection;
    return order;
}
inline PlaceOrder stop(Side side, std::int64_t quantity, Price trigger, Price price) {
    PlaceOrder order = intraday(limit(side, quantity, price));
    order.order_type = OrderType::sl;
    order.trigger_price = trigger;
    return order;
}

using Texts = std::vector<std::string>;

}  // namespace alpha::kite
