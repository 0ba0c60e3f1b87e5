#include "results/trades.hpp"

#include "events/assert.hpp"
#include "kernel/actions.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace alpha {

namespace {

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

void History::add(const Extremes& seen) {
    Extremes all = seen;
    for (std::size_t n = 0;; ++n) {
        if (n == levels_.size()) {
            levels_.emplace_back();
        }
        std::vector<Extremes>& level = levels_[n];
        level.push_back(all);
        if (level.size() % 2 != 0) {
            return;
        }
        all.add(level[level.size() - 2]);
    }
}

Extremes History::between(Moment from, Moment to) const {
    Extremes all;
    for (std::size_t n = 0; from < to; ++n, from /= 2, to /= 2) {
        if (from % 2 != 0) {
            all.add(levels_[n][from++]);
        }
        if (to % 2 != 0) {
            all.add(levels_[n][--to]);
        }
    }
    return all;
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
    for (const std::int64_t raw : {seen.low, seen.high}) {
        const Money value = notional(Price{raw}, units(book.key.instrument, round.net));
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

void TradeBook::execute(Book& book, Seq step, Move move) {
    ++moves_;
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
            closing.notional = move.end == TradeEnd::fill
                                   ? notional(move.leg.price, units(book.key.instrument, closing.quantity))
                                   : pro_rata(move.notional, closing.quantity, move.quantity);
            closing.charges = pro_rata(move.charges, closing.quantity, move.quantity);
        }
        close(book, closing);
        move.quantity -= closing.quantity;
        move.notional -= closing.notional;
        move.charges -= closing.charges;
    }
    if (market.range_step == step && book.is_active && book.range_step != step) {
        see(book, market.range);
    }
    book.range_step = market.range_step == step ? step : book.range_step;
    if (move.quantity.raw > 0) {
        open(book, move);
    }
}

void TradeBook::open(Book& book, const Move& move) {
    Round& round = book.round;
    if (!book.is_active) {
        if (move.leg.date != book.rows_date) {
            end_rows(book);  // and what was seen is forgotten
        }
        book.side = move.side;
        round = {};
        round.trade.portfolio = book.key.portfolio;
        round.trade.instrument = book.key.instrument;
        round.trade.product = book.key.product;
        round.trade.side = move.side;
        round.trade.strategy = move.strategy;
        round.trade.entry = move.leg;
        round.trade.entry.notional = {};
        set_active(book, true);
    }
    const bool is_same_order = !book.lots.empty() && move.leg.order.value != 0 &&
                               book.lots.back().entry.order == move.leg.order &&
                               book.lots.back().entry.date == move.leg.date;
    if (!is_same_order) {
        Lot& lot = book.lots.emplace_back();
        lot.entry = move.leg;
        lot.strategy = move.strategy;
    }
    Lot& lot = book.lots.back();
    lot.left += move.quantity;
    lot.notional += move.notional;
    lot.charges += move.charges;
    lot.entry.price = average_price(lot.notional, units(book.key.instrument, lot.left));
    lot.fills.push_back({moves_, book.seen.now(), move.quantity, move.notional});

    round.net += move.quantity;
    round.entered += move.quantity;
    round.cash += book.side == Side::buy ? -move.notional : move.notional;
    round.trade.entry.notional += move.notional;
    round.trade.charges += move.charges;
    round.trade.quantity = std::max(round.trade.quantity, round.net);
    ++round.trade.fills;
}

void TradeBook::close(Book& book, const Move& move) {
    close_lots(book, move);
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
        trade.exit.price = average_price(sold, units(trade.instrument, round.left));
        trade.entry.price = average_price(trade.entry.notional, units(trade.instrument, round.entered));
        trade.end = move.end;
        trade.gross = round.cash;
        trade.best = std::max(trade.best, trade.gross);
        trade.worst = std::min(trade.worst, trade.gross);
        rounds_.push_back(std::move(trade));
        set_active(book, false);
    }
}

void TradeBook::close_lots(Book& book, const Move& move) {
    if (move.leg.order.value != 0 && move.leg.date != book.rows_date) {
        end_rows(book);
        book.rows_date = move.leg.date;
    }
    Qty quantity = move.quantity;
    Money bought_back = move.notional;
    Money charges = move.charges;
    while (quantity.raw > 0) {
        ALPHA_ASSERT(!book.lots.empty(), "what is closed is held");
        const Qty part = smaller(book.lots.front().left, quantity);
        TradeLeg exit = move.leg;
        exit.notional = take_part(bought_back, part, quantity);
        const Money charged = take_part(charges, part, quantity);
        quantity -= part;
        leave(book, part, exit, charged, move.end);
    }
}

/// So much of the first lot ends.
void TradeBook::leave(Book& book, Qty part, const TradeLeg& exit, Money charges, TradeEnd end) {
    Lot& lot = book.lots.front();
    const bool is_long = book.side == Side::buy;
    Trade trade;
    trade.portfolio = book.key.portfolio;
    trade.strategy = lot.strategy;
    trade.instrument = book.key.instrument;
    trade.product = book.key.product;
    trade.side = book.side;
    trade.quantity = part;
    trade.entry = lot.entry;
    trade.entry.notional = take_part(lot.notional, part, lot.left);
    trade.exit = exit;
    trade.charges = take_part(lot.charges, part, lot.left) + charges;
    const Money income = take_part(lot.income, part, lot.left);
    trade.gross = profit(book.side, trade.entry.notional, exit.notional) + income;
    trade.end = end;
    trade.is_long_term = is_longer_than_a_year(trade.entry.date, exit.date);
    Row& row = add_part(book, std::move(trade));
    add_entries(row, lot, part, is_long);
    for (Cash& later : lot.later) {
        row.steps.push_back({later.at, {}, take_part(later.amount, part, lot.left)});
    }
    row.steps.push_back({book.seen.now(), -part, is_long ? exit.notional : -exit.notional});
    lot.left -= part;
    if (lot.left.raw == 0) {
        book.lots.pop_front();
    }
}

void TradeBook::add_entries(Row& row, Lot& lot, Qty part, bool is_long) {
    for (Qty rest = part; rest.raw > 0;) {
        Fill& fill = lot.fills[lot.first];
        const Qty quantity = smaller(fill.left, rest);
        const Money paid = take_part(fill.notional, quantity, fill.left);
        row.steps.push_back({fill.at, quantity, is_long ? -paid : paid});
        fill.left -= quantity;
        rest -= quantity;
        lots_[row.at].fills += lot.is_filled_here && row.last_entry != fill.move ? 1 : 0;
        row.last_entry = fill.move;
        lot.first += fill.left.raw == 0 ? 1 : 0;
    }
}

/// What an order bought on a day and another sold on a day is one trade, whatever lies between.
TradeBook::Row& TradeBook::add_part(Book& book, Trade part) {
    const auto key = [](const TradeLeg& leg, std::uint64_t move) {
        return LegKey{leg.order, leg.date, leg.order.value == 0 ? move : 0};
    };
    const auto [found, is_new] =
        book.rows.try_emplace({key(part.entry, book.lots.front().fills.front().move), key(part.exit, moves_)});
    Row& row = found->second;
    const std::uint32_t exit_fills = row.last_exit != moves_ && !part.is_open() ? 1 : 0;
    row.last_exit = moves_;
    if (is_new) {
        row.at = lots_.size();
        part.fills = exit_fills;
        lots_.push_back(std::move(part));
        return row;
    }
    Trade& whole = lots_[row.at];
    whole.fills += exit_fills;
    whole.quantity += part.quantity;
    const auto join = [&](TradeLeg& all, const TradeLeg& leg) {
        all.notional += leg.notional;
        if (all.price != leg.price) {
            all.price = average_price(all.notional, units(whole.instrument, whole.quantity));
        }
    };
    join(whole.entry, part.entry);
    join(whole.exit, part.exit);
    whole.exit.time = part.exit.time;
    whole.exit.event = part.exit.event;
    whole.gross += part.gross;
    whole.charges += part.charges;
    return row;
}

/// Nothing more comes to the trades that have ended.
void TradeBook::end_rows(Book& book) {
    for (auto& [legs, row] : book.rows) {
        note_excursion(lots_[row.at], book.seen, row.steps);
    }
    book.rows.clear();
    if (book.lots.empty()) {
        book.seen = {};
    }
}

/// What its parts made that are closed, and the others at each mark.
void TradeBook::note_excursion(Trade& trade, const History& seen, std::vector<Step>& steps) const {
    trade.best = std::max(Money{}, trade.gross);
    trade.worst = std::min(Money{}, trade.gross);
    // Where an order's fills went into several trades they did so at one price: what each was filled at differs from that.
    Money apart = trade.gross;
    for (const Step& step : steps) {
        apart -= step.cash;
    }
    Qty rest = trade.quantity;
    for (Step& step : steps) {
        if (step.held.raw > 0) {
            step.cash += take_part(apart, step.held, rest);
            rest -= step.held;
        }
    }
    std::ranges::stable_sort(steps, {}, &Step::at);
    Qty held;
    Money cash;
    for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
        held += steps[i].held;
        cash += steps[i].cash;
        const Extremes range = seen.between(steps[i].at, steps[i + 1].at);
        if (held.raw == 0 || !range.is_any()) {
            continue;
        }
        for (const std::int64_t raw : {range.low, range.high}) {
            const Money value = notional(Price{raw}, units(trade.instrument, held));
            const Money up = trade.side == Side::buy ? cash + value : cash - value;
            trade.best = std::max(trade.best, up);
            trade.worst = std::min(trade.worst, up);
        }
    }
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
    execute(book_of(of, fill.instrument, fill.portfolio, fill.product), envelope.correlation, std::move(move));
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
    execute(book_of(of, settled.instrument, settled.portfolio, settled.product), envelope.correlation, std::move(move));
}

void TradeBook::scale(Book& book, Qty to) {
    const Qty from = book.round.net;
    if (from == to || from.raw == 0) {
        return;
    }
    end_rows(book);
    const auto grown = [&](Int128 raw) { return static_cast<std::int64_t>(raw * to.raw / from.raw); };
    Int128 before = 0;
    std::int64_t given = 0;
    for (Lot& lot : book.lots) {
        lot.left = {};
        for (std::size_t i = lot.first; i < lot.fills.size(); ++i) {
            Qty& left = lot.fills[i].left;
            before += left.raw;
            const std::int64_t until = grown(before);
            left = Qty{until - given};
            given = until;
            lot.left += left;
        }
        lot.entry.price = average_price(lot.notional, units(book.key.instrument, lot.left));
    }
    book.seen.change_all(
        [&](std::int64_t raw) { return static_cast<std::int64_t>(divide_half_even(Int128{raw} * from.raw, to.raw)); });
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
            const Money part = take_part(left, smaller(lot.left, of), of);
            lot.income += part;
            lot.later.push_back({book.seen.now(), part});
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
        move.leg.price = average_price(move.notional, of.units(move.quantity));
        move.end = TradeEnd::action;
        move.strategy = kOperator;
        execute(book, envelope.correlation, std::move(move));
    };
    if (is_other) {
        receive(book, envelope, adjusted, leg);
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
        end_rows(book);
        Moving moving;
        moving.step = envelope.correlation;
        moving.key = book.key;
        moving.side = book.side;
        moving.lots = std::move(book.lots);
        moving.seen = std::move(book.seen);
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
            part.is_filled_here = false;
            part.fills = {{lot.fills.front().move, 0, lot.left, part.notional}};
            part.first = 0;
            part.later.clear();
            lot.notional -= part.notional;
            lot.entry.price = average_price(lot.notional, of.units(lot.left));
            lot.later.push_back({book.seen.now(), book.side == Side::buy ? part.notional : -part.notional});
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
void TradeBook::receive(Book& book, const Envelope& envelope, const PositionAdjusted& adjusted, const TradeLeg& leg) {
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
    whole.seen = std::move(moving.seen);
    whole.round = std::move(moving.round);
    scale(whole, came);
    if (!book.is_active) {
        end_rows(book);
        book.side = moving.side;
        book.lots = std::move(whole.lots);
        book.seen = std::move(whole.seen);
        book.round = std::move(whole.round);
        book.round.entered = book.round.net;
        book.round.left = {};
        book.round.trade.instrument = book.key.instrument;
        book.round.trade.quantity = book.round.net;
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
            execute(book, envelope.correlation, std::move(move));
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
        ++moves_;
        Book gone;
        gone.key = at->key;
        gone.side = at->side;
        gone.lots = std::move(at->lots);
        gone.seen = std::move(at->seen);
        while (!gone.lots.empty()) {
            if (const Lot& lot = gone.lots.front(); lot.notional.raw != 0 || lot.income.raw != 0) {
                leave(gone, lot.left, at->leg, {}, TradeEnd::action);
            } else {
                gone.lots.pop_front();
            }
        }
        end_rows(gone);
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

void TradeBook::value_open(Book& book, Time now, Date today, Price mark) {
    if (!book.is_active) {
        return;
    }
    TradeLeg leg;
    leg.time = now;
    leg.date = today;
    leg.price = mark;
    while (!book.lots.empty()) {
        const Qty left = book.lots.front().left;
        leg.notional = notional(mark, units(book.key.instrument, left));
        leave(book, left, leg, {}, TradeEnd::open);
    }
    Round& round = book.round;
    Trade& trade = round.trade;
    const Money value = notional(mark, units(book.key.instrument, round.net));
    trade.gross = round.cash + (book.side == Side::buy ? value : -value);
    trade.exit = leg;
    trade.exit.notional = value;
    trade.entry.price = average_price(trade.entry.notional, units(book.key.instrument, round.entered));
    trade.best = std::max(trade.best, trade.gross);
    trade.worst = std::min(trade.worst, trade.gross);
    rounds_.push_back(std::move(trade));
    set_active(book, false);
}

void TradeBook::finish(Time now, Date today, const std::function<Price(InstrumentId)>& mark_of) {
    end_moving({});
    for (Market& market : markets_) {
        flush(market);
        apply_range(market);
    }
    ++moves_;
    for (auto& [key, book] : books_) {
        value_open(book, now, today, mark_of(key.instrument));
        end_rows(book);
    }
    std::ranges::stable_sort(lots_, {}, [](const Trade& trade) { return std::pair(trade.is_open(), trade.exit.time); });
}

}  // namespace alpha
