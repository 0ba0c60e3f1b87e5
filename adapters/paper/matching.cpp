#include "adapters/paper/matching.hpp"

#include <algorithm>
#include <utility>

namespace alpha::paper {

namespace {

/// Whether `price` is the limit or better.
bool within_limit(const OpenOrder& order, Price price) {
    return order.terms.side == Side::buy ? price <= order.terms.limit_price : price >= order.terms.limit_price;
}

/// Whether `price` is at the stop or through it.
bool through_stop(const OpenOrder& order, Price price) {
    return order.terms.side == Side::buy ? price >= order.terms.stop_price : price <= order.terms.stop_price;
}

/// The bar that would have decided on it has proved to be old news. What fills at its first price alone waits for another.
void forget_promise(OpenOrder& order) {
    if (std::exchange(order.promised, Price{}) != Price{}) {
        order.awaits = order.awaits || order.terms.type == OrderType::market || order.terms.tif == TimeInForce::ioc;
    }
}

/// Whether the order was there while the whole of the bar traded: it had met its first price by then.
bool saw_range(const Pass& pass, const OpenOrder& order) {
    return !order.is_asleep() && !order.awaits && order.arrived <= pass.bar->label;
}

bool came_with_trade(const Pass& pass, const OpenOrder& order) {
    return std::ranges::find(pass.came_to_quote, order.id) != pass.came_to_quote.end();
}

void trigger(OpenOrder& order, Reports& out) {
    order.triggered = true;
    report(order.id, ReportKind::triggered, "", out);
}

}  // namespace

void Matching::at_quote(Pass& pass) {
    match_each(pass, [&](OpenOrder& order) { meet(pass, order, touch_for(pass.book, order.terms.side)); });
}

void Matching::at_trade(Pass& pass) {
    const Offer offer{PriceKind::touch, pass.trade->price, size_left(pass.book)};
    const bool has_quote = pass.book.has_quote;
    match_each(pass, [&](OpenOrder& order) {
        if (has_quote && (order.awaits || order.is_asleep() || came_with_trade(pass, order))) {
            return;
        }
        if (has_quote && order.is_armed_stop()) {
            trigger_by_trade(pass, order);
        } else if (!has_quote || order.has_limit()) {
            meet(pass, order, offer);
        }
    });
}

void Matching::at_open(Pass& pass, Price open) {
    match_each(pass, [&](OpenOrder& order) { meet(pass, order, {PriceKind::open, open, nullptr}); });
}

void Matching::at_shadowed_open(Pass& pass, Price open) {
    match_each(pass, [&](OpenOrder& order) {
        if (order.awaits && !order.is_exit()) {
            meet(pass, order, {PriceKind::open, open, nullptr});
        }
    });
}

void Matching::at_close(Pass& pass, bool had_its_open) {
    match_each(pass, [&](OpenOrder& order) { had_its_open ? keep_promise(pass, order) : forget_promise(order); });
    match_range_stops(pass);
    match_each(pass, [&](OpenOrder& order) {
        match_range_limit(pass, order);
        if (pass.has_born) {  // the stops of an entry that has filled just now go before the next limit
            match_range_stops(pass);
        }
    });
    match_each(pass, [&](OpenOrder& order) { match_close(pass, order); });
}

void Matching::arrive(Pass& pass, OpenOrder& order) {
    if (order.is_asleep()) {
        return;
    }
    order.awaits = true;
    order.promised = Price{};
    if (pass.meets_close) {
        meet(pass, order, {PriceKind::close, pass.bar->close, size_left(pass.book)});
    } else if (pass.awaited_open > Price{0}) {
        meet(pass, order, {PriceKind::open, pass.awaited_open, nullptr});
    } else if (pass.book.has_quote) {
        if (pass.trade != nullptr) {
            pass.came_to_quote.push_back(order.id);
        }
        meet(pass, order, touch_for(pass.book, order.terms.side));
    } else if (pass.book.last_time == pass.now && pass.book.last_price > Price{0}) {
        const auto kind = pass.book.last_is_open ? PriceKind::open : PriceKind::touch;
        meet(pass, order, {kind, pass.book.last_price, pass.book.last_is_open ? nullptr : size_left(pass.book)});
    }
}

Offer Matching::touch_for(Book& book, Side side) const {
    const bool buys = side == Side::buy;
    Qty* left = buys ? &book.ask_left : &book.bid_left;
    return {PriceKind::touch, buys ? book.ask : book.bid, settings_.use_size ? left : nullptr};
}

/// The order meets a price: as its first, or at rest.
void Matching::meet(Pass& pass, OpenOrder& order, Offer offer) {
    if (order.is_asleep() || (pass.is_auction && (order.is_armed_stop() || order.terms.tif == TimeInForce::ioc))) {
        return;
    }
    forget_promise(order);
    if (order.awaits && !order.is_exit() && !pass.is_auction &&
        !fill_model_.takes_first(offer.kind, pass.is_shortest_open)) {
        return;
    }
    const bool arrives = std::exchange(order.awaits, false);
    order.arrived = arrives ? pass.now : order.arrived;
    const bool waits_for_close = offer.kind == PriceKind::open && settings_.use_size;
    // A stop-limit fills at its stop on the bar that triggered it, or not at all.
    const bool is_over = order.triggered_now && order.has_limit();
    if (offer.price > Price{0} && !is_over) {
        take(pass, order, offer, arrives, waits_for_close);
    }
    if (!order.is_done && order.promised == Price{} && order.terms.tif == TimeInForce::ioc && arrives) {
        const bool unpriced = order.terms.type == OrderType::market && offer.price <= Price{0};
        end_ioc(pass, order, unpriced ? "no quote" : "ioc");
    }
}

void Matching::take(Pass& pass, OpenOrder& order, const Offer& offer, bool arrives, bool waits_for_close) {
    if (order.is_armed_stop()) {
        if (!through_stop(order, offer.price)) {
            return;
        }
        trigger(order, pass.out);
        arrives = true;  // from here on it comes to the market rather than rests in it
    }
    Price price = worsened(order.terms.side, offer.price, order.tick);
    if (order.has_limit()) {
        const bool rests = (!arrives || offer.kind == PriceKind::close) && !pass.is_auction;
        if (rests ? !reaches(order, offer.price) : !within_limit(order, offer.price)) {
            return;
        }
        // Who waits gets the price he asked for; an open is the first price of all, so it is his as well.
        price = rests && offer.kind != PriceKind::open ? order.terms.limit_price : offer.price;
    }
    if (waits_for_close) {
        order.promised = price;
        return;
    }
    fill(pass, order, offer.left, price);
}

/// What it becomes comes to the standing quote, as it does at an exchange.
void Matching::trigger_by_trade(Pass& pass, OpenOrder& order) {
    if (!through_stop(order, pass.trade->price)) {
        return;
    }
    trigger(order, pass.out);
    if (const Offer touch = touch_for(pass.book, order.terms.side); touch.price > Price{0}) {
        take(pass, order, touch, true, false);
    }
}

/// It has met its first price. An entry's end waits until the exits of what has filled have met it, too.
void Matching::end_ioc(Pass& pass, OpenOrder& order, const char* why) {
    if (order.is_exit()) {
        finish(pass, order, ReportKind::cancelled, why);
    } else {
        pass.over.push_back({order.id, why});
    }
}

/// Whether a price that comes to a resting limit fills it.
bool Matching::reaches(const OpenOrder& order, Price price) const {
    return within_limit(order, price) &&
           (settings_.limit_fill == LimitFill::reached || price != order.terms.limit_price);
}

/// use_size: what the bar's open would have given, of what the bar traded.
void Matching::keep_promise(Pass& pass, OpenOrder& order) {
    const Price price = std::exchange(order.promised, Price{});
    if (price == Price{}) {
        return;
    }
    const bool was_ioc = order.terms.tif == TimeInForce::ioc;
    fill(pass, order, &pass.book.volume_left, price, Moment::at_open);
    if (was_ioc && !order.is_done) {
        end_ioc(pass, order, "ioc");
    }
}

void Matching::match_range_stops(Pass& pass) {
    do {
        pass.has_born = false;
        match_each(pass, [&](OpenOrder& order) { match_range_stop(pass, order); });
    } while (pass.has_born);
}

void Matching::match_range_stop(Pass& pass, OpenOrder& order) {
    // More of an exit that the bar has stopped already is stopped as well.
    const bool is_more_of_it = order.triggered_now && order.born_inside && !order.has_limit();
    if (order.is_asleep() ||
        !(is_more_of_it || (order.is_armed_stop() && (saw_range(pass, order) || order.born_inside)))) {
        return;
    }
    const bool buys = order.terms.side == Side::buy;
    const Price extreme = buys ? pass.bar->high : pass.bar->low;
    if (extreme <= Price{0} || !through_stop(order, extreme)) {
        return;
    }
    if (!order.triggered) {
        trigger(order, pass.out);
    }
    order.triggered_now = true;
    order.awaits = false;
    const bool was_born = std::exchange(order.born_inside, false);
    // An open through the stop was seen by whoever could meet it; for the others it is worse than the stop. So is the
    // price at which the entry has filled.
    const Price first = was_born ? order.born_at : pass.bar->open;
    const Price at = first > Price{0} && through_stop(order, first) ? first : order.terms.stop_price;
    if (!order.has_limit()) {
        fill(pass, order, size_left(pass.book), worsened(order.terms.side, at, order.tick), Moment::inside, at);
    } else if (within_limit(order, at)) {
        fill(pass, order, size_left(pass.book), at, Moment::inside, at);
    }
    if (!order.is_done && order.terms.tif == TimeInForce::ioc) {  // an exit that has come alive inside the bar
        finish(pass, order, ReportKind::cancelled, "ioc");
    }
}

void Matching::match_range_limit(Pass& pass, OpenOrder& order) {
    if (!order.has_limit() || order.is_armed_stop() || order.triggered_now || order.born_inside ||
        !saw_range(pass, order)) {
        return;
    }
    const Price extreme = order.terms.side == Side::buy ? pass.bar->low : pass.bar->high;
    if (extreme > Price{0} && order.fresh < order.leaves() && reaches(order, extreme)) {
        fill(pass, order, size_left(pass.book), order.terms.limit_price, Moment::inside, order.terms.limit_price);
    }
}

/// What meets the bar's close alone: who came while the bar lasted, and market orders that are left.
void Matching::match_close(Pass& pass, OpenOrder& order) {
    const bool rests = order.has_limit() || order.is_armed_stop();
    if (order.triggered_now || (rests && !order.awaits && saw_range(pass, order) && order.fresh == Qty{})) {
        return;
    }
    meet(pass, order, {PriceKind::close, pass.bar->close, size_left(pass.book)});
}

// ---- prices and sizes ----

Price Matching::worsened(Side side, Price price, Price tick) const {
    Int128 amount = settings_.slippage.raw + static_cast<Int128>(settings_.slippage_ticks) * tick.raw;
    if (settings_.slippage_percent.raw != 0) {
        constexpr Int128 kWhole = Int128{100} * kScale;
        const Int128 step = kWhole * tick.raw;
        const Int128 part = static_cast<Int128>(price.raw) * settings_.slippage_percent.raw;
        amount += (part + step - 1) / step * tick.raw;
    }
    const Int128 worse = side == Side::buy ? price.raw + amount : price.raw - amount;
    return Price{static_cast<std::int64_t>(std::clamp<Int128>(worse, Int128{1}, Int128{limits::kMaxPrice.raw}))};
}

/// Our share of what a bar traded.
Qty Matching::share_of(Volume volume) const {
    constexpr Int128 kWhole = Int128{100} * kScale;
    return Qty{static_cast<std::int64_t>(
        std::min<Int128>(volume.scaled() * settings_.volume_share.raw / kWhole, limits::kMaxQty.raw))};
}

}  // namespace alpha::paper
