#include "results/trades.hpp"

#include "events/assert.hpp"
#include "kernel/actions.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace alpha {

namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

Qty smaller(Qty a, Qty b) {
    return std::min(a, b);
}

/// The part of an amount that goes with `part` of `whole`, taken away from it: what is taken last takes all that is left.
Money take_part(Money& amount, Qty part, Qty whole) {
    const Money taken = part == whole ? amount : pro_rata(amount, part, whole);
    amount -= taken;
    return taken;
}

/// A share that is sold on the day on which it was bought a year before was held for twelve months, not for more.
bool is_longer_than_a_year(Date from, Date to) {
    using std::chrono::days;
    using std::chrono::sys_days;
    using std::chrono::year_month_day;
    using std::chrono::years;
    year_month_day anniversary = year_month_day{sys_days{days{from.days}}} + years{1};
    if (!anniversary.ok()) {  // of a 29th of February
        anniversary = year_month_day{anniversary.year(), anniversary.month(), std::chrono::day{28}};
    }
    return to.days > sys_days{anniversary}.time_since_epoch().count();
}

Money profit(Side side, Money entry, Money exit) {
    return side == Side::buy ? exit - entry : entry - exit;
}

Price average(const Instrument& of, Money notional, Qty quantity) {
    return average_price(notional, of.units(quantity));
}

}  // namespace

const char* name_of(TradeEnd end) {
    switch (end) {
    case TradeEnd::open: return "open";
    case TradeEnd::fill: return "fill";
    case TradeEnd::settlement: return "settlement";
    case TradeEnd::action: return "action";
    }
    return "";
}

// ---- extremes -----------------------------------------------------------------------------------------------------------------

void ExtremesSince::settle() {
    if (!front_.empty()) {
        return;
    }
    Extremes behind;
    for (; !back_.empty(); back_.pop_back()) {
        behind.add(back_.back());
        front_.push_back(behind);
    }
    since_ = {};
}

Extremes ExtremesSince::front() {
    settle();
    ALPHA_ASSERT(!front_.empty(), "there is a first moment");
    Extremes all = front_.back();
    all.add(since_);
    return all;
}

void ExtremesSince::pop() {
    settle();
    ALPHA_ASSERT(!front_.empty(), "there is a first moment");
    front_.pop_back();
}

// ---- marks --------------------------------------------------------------------------------------------------------------------

void TradeBook::range(InstrumentId instrument, Price high, Price low, Seq step) {
    Market& market = market_of(instrument);
    if (market.active.empty()) {
        return;
    }
    flush(market);
    apply_range(market);
    market.range = {low.raw, high.raw};
    market.range_step = step;
}

void TradeBook::see(Book& book, const Extremes& seen) {
    if (!seen.is_any()) {
        return;
    }
    book.seen.add(seen);
    Round& round = book.round;
    const Qty units{round.net.raw * multiplier_[book.key.instrument.value]};
    for (const std::int64_t raw : {seen.low, seen.high}) {
        const Money value = notional(Price{raw}, units);
        const Money up = book.side == Side::buy ? round.cash + value : round.cash - value;
        round.trade.best = std::max(round.trade.best, up);
        round.trade.worst = std::min(round.trade.worst, up);
    }
}

void TradeBook::flush(Market& market) {
    for (Book* const book : market.active) {
        see(*book, market.segment);
    }
    market.segment = {};
}

void TradeBook::apply_range(Market& market) {
    if (market.range_step == kNoSeq) {
        return;
    }
    for (Book* const book : market.active) {
        if (book->range_step != market.range_step) {
            see(*book, market.range);
            book->range_step = market.range_step;
        }
    }
    market.range_step = kNoSeq;
}

// ---- moves --------------------------------------------------------------------------------------------------------------------

TradeBook::Book& TradeBook::book_of(const Instrument& of, InstrumentId instrument, PortfolioId portfolio,
                                    Product product) {
    if (instrument.value >= multiplier_.size()) {
        multiplier_.resize(instrument.value + 1, 1);
    }
    multiplier_[instrument.value] = of.multiplier;
    Book& book = books_[{instrument, portfolio, product}];
    book.key = {instrument, portfolio, product};
    return book;
}

void TradeBook::set_active(Book& book, bool is_active) {
    if (book.is_active == is_active) {
        return;
    }
    Market& market = market_of(book.key.instrument);
    book.is_active = is_active;
    if (is_active) {
        market.active.push_back(&book);
        ++held_;
    } else {
        std::erase(market.active, &book);
        --held_;
    }
}

void TradeBook::execute(Book& book, const Instrument& of, Seq step, Move move) {
    Market& market = market_of(book.key.instrument);
    flush(market);
    if (market.range_step != step) {
        apply_range(market);
    }
    if (book.is_active && move.side != book.side) {
        const Qty held = book.round.net;
        Move closing = move;
        closing.quantity = smaller(move.quantity, held);
        if (closing.quantity != move.quantity) {
            // As the books do (kernel/portfolio.hpp, with_fill): it closes at its price, and opens with the rest.
            closing.notional = move.end == TradeEnd::fill ? notional(of, move.leg.price, closing.quantity)
                                                          : pro_rata(move.notional, closing.quantity, move.quantity);
            closing.charges = pro_rata(move.charges, closing.quantity, move.quantity);
        }
        close(book, of, closing);
        move.quantity -= closing.quantity;
        move.notional -= closing.notional;
        move.charges -= closing.charges;
    }
    if (market.range_step == step && book.is_active && book.range_step != step) {
        see(book, market.range);
    }
    book.range_step = market.range_step == step ? step : book.range_step;
    if (move.quantity.raw > 0) {
        open(book, of, move);
    }
}

void TradeBook::open(Book& book, const Instrument& of, const Move& move) {
    Round& round = book.round;
    if (!book.is_active) {
        book.side = move.side;
        round = {};
        round.trade.portfolio = book.key.portfolio;
        round.trade.instrument = book.key.instrument;
        round.trade.product = book.key.product;
        round.trade.side = move.side;
        round.trade.strategy = move.strategy;
        round.trade.entry = move.leg;
        round.trade.entry.notional = {};
        book.last_lot_trade = kNone;
        set_active(book, true);
    }
    const bool is_same_order = !book.lots.empty() && move.leg.order.value != 0 &&
                               book.lots.back().entry.order == move.leg.order &&
                               book.lots.back().entry.date == move.leg.date;
    if (!is_same_order) {
        book.lots.push_back({move.leg, move.strategy, {}, {}, {}, {}, 0});
        book.lots.back().entry.notional = {};
        book.seen.push();
    }
    Lot& lot = book.lots.back();
    lot.left += move.quantity;
    lot.notional += move.notional;
    lot.charges += move.charges;
    ++lot.fills;
    lot.entry.price = average(of, lot.notional, lot.left);

    round.net += move.quantity;
    round.entered += move.quantity;
    round.cash += book.side == Side::buy ? -move.notional : move.notional;
    round.trade.entry.notional += move.notional;
    round.trade.charges += move.charges;
    round.trade.quantity = std::max(round.trade.quantity, round.net);
    ++round.trade.fills;
}

void TradeBook::close(Book& book, const Instrument& of, const Move& move) {
    close_lots(book, of, move);
    Round& round = book.round;
    round.net -= move.quantity;
    round.left += move.quantity;
    round.cash += book.side == Side::buy ? move.notional : -move.notional;
    round.trade.exit.notional += move.notional;
    round.trade.charges += move.charges;
    ++round.trade.fills;
    if (round.net.raw == 0) {
        Trade& trade = round.trade;
        const Money sold = trade.exit.notional;
        trade.exit = move.leg;
        trade.exit.notional = sold;
        trade.exit.price = average(of, sold, round.left);
        trade.entry.price = average(of, trade.entry.notional, round.entered);
        trade.end = move.end;
        trade.gross = round.cash;
        trade.best = std::max(trade.best, trade.gross);
        trade.worst = std::min(trade.worst, trade.gross);
        rounds_.push_back(std::move(trade));
        set_active(book, false);
    }
}

void TradeBook::close_lots(Book& book, const Instrument& of, const Move& move) {
    Qty quantity = move.quantity;
    Money bought_back = move.notional;
    Money charges = move.charges;
    while (quantity.raw > 0) {
        ALPHA_ASSERT(!book.lots.empty(), "what is closed is held");
        Lot& lot = book.lots.front();
        const Qty part = smaller(lot.left, quantity);
        Trade trade;
        trade.portfolio = book.key.portfolio;
        trade.strategy = lot.strategy;
        trade.instrument = book.key.instrument;
        trade.product = book.key.product;
        trade.side = book.side;
        trade.quantity = part;
        trade.entry = lot.entry;
        trade.entry.notional = take_part(lot.notional, part, lot.left);
        trade.exit = move.leg;
        trade.exit.notional = take_part(bought_back, part, quantity);
        trade.charges = take_part(lot.charges, part, lot.left) + take_part(charges, part, quantity);
        const Money income = take_part(lot.income, part, lot.left);
        trade.gross = profit(book.side, trade.entry.notional, trade.exit.notional) + income;
        trade.end = move.end;
        trade.fills = 2;
        trade.is_long_term = is_longer_than_a_year(trade.entry.date, trade.exit.date);
        note_excursion(trade, of, book.seen.front());
        lot.left -= part;
        quantity -= part;
        add_lot_trade(book, of, std::move(trade));
        if (lot.left.raw == 0) {
            book.lots.pop_front();
            book.seen.pop();
        }
    }
}

void TradeBook::note_excursion(Trade& trade, const Instrument& of, const Extremes& seen) {
    trade.best = std::max(Money{}, trade.gross);
    trade.worst = std::min(Money{}, trade.gross);
    if (seen.is_any()) {
        for (const std::int64_t raw : {seen.low, seen.high}) {
            const Money up = profit(trade.side, trade.entry.notional, notional(of, Price{raw}, trade.quantity));
            trade.best = std::max(trade.best, up);
            trade.worst = std::min(trade.worst, up);
        }
    }
}

/// An order that filled in pieces is one entry, or one exit.
void TradeBook::add_lot_trade(Book& book, const Instrument& of, Trade trade) {
    if (book.last_lot_trade != kNone) {
        Trade& last = lots_[book.last_lot_trade];
        const bool is_same = trade.entry.order.value != 0 && trade.exit.order.value != 0 &&
                             last.entry.order == trade.entry.order && last.entry.date == trade.entry.date &&
                             last.exit.order == trade.exit.order && last.exit.date == trade.exit.date;
        if (is_same) {
            last.quantity += trade.quantity;
            last.entry.notional += trade.entry.notional;
            last.exit.notional += trade.exit.notional;
            last.entry.price = average(of, last.entry.notional, last.quantity);
            last.exit.price = average(of, last.exit.notional, last.quantity);
            last.exit.time = trade.exit.time;
            last.gross += trade.gross;
            last.charges += trade.charges;
            last.best += trade.best;
            last.worst += trade.worst;
            ++last.fills;
            return;
        }
    }
    book.last_lot_trade = lots_.size();
    lots_.push_back(std::move(trade));
}

// ---- facts --------------------------------------------------------------------------------------------------------------------

void TradeBook::fill(const Envelope& envelope, Date date, const Instrument& of, const OrderFilled& fill) {
    end_moving(envelope);
    Move move;
    move.side = fill.side;
    move.quantity = fill.quantity;
    move.notional = fill.notional;
    move.charges = fill.charges;
    move.leg = {envelope.time, date, envelope.seq, fill.order, fill.price, {}, fill.order_tag};
    move.strategy = fill.strategy;
    execute(book_of(of, fill.instrument, fill.portfolio, fill.product), of, envelope.correlation, std::move(move));
}

void TradeBook::settle(const Envelope& envelope, const Instrument& of, const PositionSettled& settled) {
    end_moving(envelope);
    if (settled.kind == SettlementKind::daily || settled.settled.raw == 0) {
        return;
    }
    const bool are_shares = settled.kind == SettlementKind::shares;
    const bool is_plus = settled.settled.raw > 0;
    Move move;
    move.side = is_plus == are_shares ? Side::buy : Side::sell;  // what is held ends; shares come
    move.quantity = abs(settled.settled);
    move.notional = notional(settled.price, of.units(move.quantity));
    move.charges = settled.charges;
    const auto price = static_cast<std::int64_t>(settled.price.raw);
    move.leg = {envelope.time, settled.date, envelope.seq, {}, Price{price}, {}, name_of(settled.kind)};
    move.end = TradeEnd::settlement;
    move.strategy = kOperator;
    execute(book_of(of, settled.instrument, settled.portfolio, settled.product), of, envelope.correlation,
            std::move(move));
}

void TradeBook::scale(Book& book, Qty to) {
    const Qty from = book.round.net;
    if (from == to || from.raw == 0) {
        return;
    }
    const auto grown = [&](Int128 raw) { return static_cast<std::int64_t>(raw * to.raw / from.raw); };
    Int128 before = 0;
    std::int64_t given = 0;
    for (Lot& lot : book.lots) {
        before += lot.left.raw;
        const std::int64_t until = grown(before);
        lot.left = Qty{until - given};
        given = until;
        lot.entry.price = Price{static_cast<std::int64_t>(Int128{lot.entry.price.raw} * from.raw / to.raw)};
    }
    book.seen.change_all([&](std::int64_t raw) { return static_cast<std::int64_t>(Int128{raw} * from.raw / to.raw); });
    Round& round = book.round;
    round.net = to;
    round.entered = Qty{grown(round.entered.raw)};
    round.left = Qty{grown(round.left.raw)};
    round.trade.quantity = Qty{grown(round.trade.quantity.raw)};
}

void TradeBook::pay(Book& book, Money amount) {
    Money left = amount;
    Qty of = book.round.net;
    for (Lot& lot : book.lots) {
        if (of.raw > 0) {
            lot.income += take_part(left, smaller(lot.left, of), of);
            of -= smaller(lot.left, of);
        }
    }
    book.round.cash += amount;
}

void TradeBook::adjust(const Envelope& envelope, const CorporateAction& action, const Instrument& of,
                       const PositionAdjusted& adjusted, Date date) {
    end_moving(envelope);
    Market& market = market_of(adjusted.instrument);
    flush(market);
    apply_range(market);
    Book& book = book_of(of, adjusted.instrument, adjusted.portfolio, adjusted.product);
    const bool is_other = adjusted.instrument != action.instrument;
    const TradeLeg leg{envelope.time, date, envelope.seq, {}, {}, {}, name_of(action.kind)};
    const auto sell_fraction = [&] {
        if (adjusted.fraction.raw == 0 || !book.is_active) {
            return;
        }
        Move move;
        move.side = opposite(book.side);
        move.quantity = smaller(abs(adjusted.fraction), book.round.net);
        move.notional = abs(adjusted.cash);
        move.leg = leg;
        move.leg.price = average(of, move.notional, move.quantity);
        move.end = TradeEnd::action;
        move.strategy = kOperator;
        execute(book, of, envelope.correlation, std::move(move));
    };
    if (is_other) {
        receive(book, of, envelope, adjusted, leg);
        sell_fraction();
        return;
    }
    if (!book.is_active) {
        return;
    }
    switch (action.kind) {
    case ActionKind::dividend: pay(book, adjusted.cash); return;
    case ActionKind::split:
        scale(book, abs(adjusted.quantity) + abs(adjusted.fraction));
        sell_fraction();
        return;
    case ActionKind::merger: {
        pay(book, adjusted.cash);
        Moving moving;
        moving.step = envelope.correlation;
        moving.key = book.key;
        moving.side = book.side;
        moving.lots = std::move(book.lots);
        moving.round = std::move(book.round);
        moving.leg = leg;
        moving_.push_back(std::move(moving));
        book.lots.clear();
        book.seen = {};
        set_active(book, false);
        return;
    }
    case ActionKind::demerger: {
        Moving moving;
        moving.step = envelope.correlation;
        moving.key = book.key;
        moving.side = book.side;
        moving.leg = leg;
        moving.round.net = book.round.net;
        moving.round.trade = book.round.trade;
        moving.round.trade.entry.notional = {};
        moving.round.trade.charges = {};
        moving.round.trade.fills = 0;
        for (Lot& lot : book.lots) {
            Lot part = lot;
            part.notional = Money{divide_half_even(lot.notional.raw * action.cost_part.raw, kScale)};
            part.charges = part.income = {};
            part.fills = 0;
            lot.notional -= part.notional;
            lot.entry.price = average(of, lot.notional, lot.left);
            moving.round.trade.entry.notional += part.notional;
            moving.lots.push_back(std::move(part));
        }
        const Money moved = moving.round.trade.entry.notional;
        book.round.trade.entry.notional -= moved;
        const Money signed_moved = book.side == Side::buy ? moved : -moved;
        book.round.cash += signed_moved;
        moving.round.cash = -signed_moved;
        moving_.push_back(std::move(moving));
        return;
    }
    }
}

/// What was held of one share is held of another: the same entries at the same cost.
void TradeBook::receive(Book& book, const Instrument& of, const Envelope& envelope, const PositionAdjusted& adjusted,
                        const TradeLeg& leg) {
    const auto found = std::ranges::find_if(moving_, [&](const Moving& each) {
        return each.key.portfolio == adjusted.portfolio && each.key.product == adjusted.product;
    });
    if (found == moving_.end()) {
        return;
    }
    Moving moving = std::move(*found);
    moving_.erase(found);
    const Qty held = !book.is_active ? Qty{} : book.side == Side::buy ? book.round.net : -book.round.net;
    const Qty came = abs(adjusted.quantity - held) + abs(adjusted.fraction);
    if (came.raw == 0) {
        return;
    }
    Book whole;  // what moves, in new shares
    whole.key = book.key;
    whole.side = moving.side;
    whole.lots = std::move(moving.lots);
    whole.round = std::move(moving.round);
    scale(whole, came);
    if (!book.is_active) {
        book.side = moving.side;
        book.lots = std::move(whole.lots);
        book.seen = {};
        for (std::size_t i = 0; i < book.lots.size(); ++i) {
            book.seen.push();
        }
        book.round = std::move(whole.round);
        book.round.entered = book.round.net;
        book.round.left = {};
        book.round.trade.instrument = book.key.instrument;
        book.round.trade.quantity = book.round.net;
        book.last_lot_trade = kNone;
        set_active(book, true);
        return;
    }
    for (Lot& lot : whole.lots) {  // joins, or closes, what is there
        Move move;
        move.side = moving.side;
        move.quantity = lot.left;
        move.notional = lot.notional;
        move.charges = lot.charges;
        move.strategy = lot.strategy;
        const bool closes = book.is_active && book.side != moving.side;
        move.leg = closes ? leg : lot.entry;
        move.end = TradeEnd::action;
        if (move.quantity.raw > 0) {
            execute(book, of, envelope.correlation, std::move(move));
        }
    }
}

/// What no share came for has ended.
void TradeBook::end_moving(const Envelope& envelope) {
    if (moving_.empty()) [[likely]] {
        return;
    }
    for (auto at = moving_.begin(); at != moving_.end();) {
        if (at->step == envelope.correlation) {
            ++at;
            continue;
        }
        for (Lot& lot : at->lots) {
            Trade trade = at->round.trade;
            trade.strategy = lot.strategy;
            trade.quantity = lot.left;
            trade.entry = lot.entry;
            trade.entry.notional = lot.notional;
            trade.exit = at->leg;
            trade.gross = profit(at->side, lot.notional, {}) + lot.income;
            trade.charges = lot.charges;
            trade.best = std::max(Money{}, trade.gross);
            trade.worst = std::min(Money{}, trade.gross);
            trade.end = TradeEnd::action;
            trade.fills = lot.fills;
            trade.is_long_term = is_longer_than_a_year(trade.entry.date, trade.exit.date);
            if (lot.notional.raw != 0 || lot.income.raw != 0) {
                lots_.push_back(std::move(trade));
            }
        }
        Trade& trade = at->round.trade;
        trade.exit = at->leg;
        trade.gross = at->round.cash;
        trade.best = std::max(trade.best, trade.gross);
        trade.worst = std::min(trade.worst, trade.gross);
        trade.end = TradeEnd::action;
        rounds_.push_back(std::move(trade));
        at = moving_.erase(at);
    }
}

// ---- the end ------------------------------------------------------------------------------------------------------------------

void TradeBook::value_open(Book& book, const Instrument& of, Time now, Date today, Price mark) {
    if (!book.is_active) {
        return;
    }
    TradeLeg leg;
    leg.time = now;
    leg.date = today;
    leg.price = mark;
    for (; !book.lots.empty(); book.lots.pop_front()) {
        Lot& lot = book.lots.front();
        Trade trade;
        trade.portfolio = book.key.portfolio;
        trade.strategy = lot.strategy;
        trade.instrument = book.key.instrument;
        trade.product = book.key.product;
        trade.side = book.side;
        trade.quantity = lot.left;
        trade.entry = lot.entry;
        trade.entry.notional = lot.notional;
        trade.exit = leg;
        trade.exit.notional = notional(of, mark, lot.left);
        trade.gross = profit(book.side, lot.notional, trade.exit.notional) + lot.income;
        trade.charges = lot.charges;
        trade.fills = lot.fills;
        trade.is_long_term = is_longer_than_a_year(trade.entry.date, today);
        note_excursion(trade, of, book.seen.front());
        book.seen.pop();
        lots_.push_back(std::move(trade));
    }
    Round& round = book.round;
    Trade& trade = round.trade;
    const Money value = notional(of, mark, round.net);
    trade.gross = round.cash + (book.side == Side::buy ? value : -value);
    trade.exit = leg;
    trade.exit.notional = value;
    trade.entry.price = average(of, trade.entry.notional, round.entered);
    trade.best = std::max(trade.best, trade.gross);
    trade.worst = std::min(trade.worst, trade.gross);
    rounds_.push_back(std::move(trade));
    set_active(book, false);
}

void TradeBook::finish(const std::vector<Instrument>& instruments, Time now, Date today,
                       const std::function<Price(InstrumentId)>& mark_of) {
    end_moving({});
    for (Market& market : markets_) {
        flush(market);
        apply_range(market);
    }
    for (auto& [key, book] : books_) {
        value_open(book, instruments[key.instrument.value], now, today, mark_of(key.instrument));
    }
}

}  // namespace alpha
