#include "tests/live/trader.hpp"

#include "events/cursor.hpp"

#include <algorithm>

namespace alpha::test {

namespace {

constexpr std::size_t kRemembered = 8;

}  // namespace

void Trader::note(OrderId order, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        orders_.push_back(OrderId{order.value + i});
    }
    if (orders_.size() > kRemembered) {
        orders_.erase(orders_.begin(), orders_.end() - kRemembered);
    }
}

void Trader::on_quote(const QuoteTick& quote, Context& context) {
    if (random_.below(1'000) < per_thousand_) {
        act(quote.instrument, context);
    }
}

// Seldom: what follows an answer at once is where a half-done step would show.
void Trader::on_fill(const OrderFilled& fill, Context& context) {
    if (random_.below(4'000) < per_thousand_) {
        act(fill.instrument, context);
    }
}

void Trader::on_order(const OrderUpdate& update, Context& context) {
    const Order* const order = context.view().order(update.order);
    if (order != nullptr && random_.below(8'000) < per_thousand_) {
        act(order->terms.instrument, context);
    }
}

void Trader::act(InstrumentId instrument, Context& context) {
    const View& view = context.view();
    const Market& market = view.market(instrument);
    const Price tick = view.instrument(instrument).tick;
    const auto away = [&](Price from, std::int64_t ticks) { return Price{from.raw + ticks * tick.raw}; };
    const Side side = random_.one_in(2) ? Side::buy : Side::sell;
    const std::int64_t sign = side == Side::buy ? 1 : -1;
    const Price touch = market.touch(side);
    if (touch.raw <= 100 * tick.raw) {
        return;
    }
    const Qty quantity = qty_of(random_.between(1, 12));
    switch (random_.below(16)) {
    case 0:
    case 1: return note(context.market(instrument, side, quantity));
    case 2:
    case 3:
    case 4: return note(context.limit(instrument, side, quantity, away(touch, sign * random_.between(-6, 2))));
    case 5: return note(context.stop(instrument, side, quantity, away(touch, sign * random_.between(1, 8))));
    case 6: {
        const Price stop = away(touch, sign * random_.between(1, 8));
        return note(context.stop_limit(instrument, side, quantity, stop, away(stop, sign * random_.between(0, 4))));
    }
    case 7:
    case 8: {
        OrderTerms entry{instrument, side, OrderType::limit, TimeInForce::day, quantity, {}, {}};
        entry.limit_price = away(touch, sign * random_.between(-2, 2));
        const Price stop = away(entry.limit_price, -sign * random_.between(3, 9));
        return note(context.bracket(entry, stop, away(entry.limit_price, sign * random_.between(2, 9))).entry, 3);
    }
    case 9: {
        OrderTerms one{instrument, side, OrderType::limit, TimeInForce::day, quantity, {}, {}};
        one.limit_price = away(touch, -sign * random_.between(1, 6));
        OrderTerms other{instrument, side, OrderType::stop, TimeInForce::day, quantity, {}, {}};
        other.stop_price = away(touch, sign * random_.between(1, 6));
        return note(context.one_cancels_other(one, other), 2);
    }
    case 10: {
        const Qty net = view.position(instrument).net;
        if (net.raw != 0) {
            OrderTerms closing{
                instrument, net.raw > 0 ? Side::sell : Side::buy, OrderType::market, TimeInForce::gtc, abs(net), {},
                {}};
            closing.reduce_only = true;
            note(context.place(closing));
        }
        return;
    }
    default: break;
    }
    if (orders_.empty()) {
        return;
    }
    const OrderId id = orders_[random_.below(orders_.size())];
    const Order* const order = view.order(id);
    const bool cancels = random_.one_in(2);
    const std::int64_t ticks = random_.between(-4, 4);
    const Qty more = qty_of(random_.between(-2, 4));
    if (order == nullptr || cancels) {
        return context.cancel(id);
    }
    const OrderTerms& terms = order->terms;
    const auto moved = [&](Price price) { return price.raw == 0 ? price : away(price, ticks); };
    context.modify(id, std::max(terms.quantity + more, qty_of(1)), moved(terms.limit_price), moved(terms.stop_price));
}

void Trader::save(ByteBuffer& out) const {
    OutCursor cursor(out);
    cursor(random_.state());
    cursor.count(orders_.size());
    for (const OrderId order : orders_) {
        cursor(order);
    }
}

Result<void> Trader::load(Bytes bytes) {
    InCursor cursor(bytes);
    std::uint64_t state = 0;
    cursor(state);
    random_ = Random(state);
    orders_.clear();
    for (std::size_t n = cursor.count(8); n > 0 && cursor.ok(); --n) {
        cursor(orders_.emplace_back());
    }
    return cursor.ok() && cursor.left() == 0 ? Result<void>{} : fail(ErrorKind::data, "the trader's bytes are damaged");
}

}  // namespace alpha::test
