/// The life of orders in the simulator: what falls due, risk checks, matching, positions and money. Requests are in kite_exchange.cpp.

#include "adapters/zerodha/kite_exchange.hpp"
#include "events/assert.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace alpha::kite {

namespace {

constexpr const char* kByRms = "ADMINSQF";  // who places what RMS squares off [K]

/// YYMMDD.
std::string digits_of(Date day) {
    std::string iso = to_iso(day);
    std::erase(iso, '-');
    return iso.substr(2);
}

std::string padded(std::uint64_t number, std::size_t width) {
    const std::string digits = std::to_string(number);
    return std::string(width - std::min(width, digits.size()), '0') + digits;
}

bool is_stop(const PlaceOrder& terms) {
    return terms.order_type == OrderType::sl || terms.order_type == OrderType::sl_m;
}

bool is_pending_change(Status status) {
    return status >= Status::modify_validation_pending && status <= Status::cancel_pending;
}

}  // namespace

// ---- time -----------------------------------------------------------------------------------------------------------

void KiteExchange::advance(Time now) {
    ALPHA_ASSERT(now >= now_, "the exchange's time goes back");
    if (!has_begun_) {
        has_begun_ = true;
        now_ = now;
        begin();
    }
    while (!tasks_.empty() && tasks_.begin()->first.first <= now) {
        const auto next = tasks_.extract(tasks_.begin());
        now_ = std::max(now_, next.key().first);
        std::visit([&](const auto& due) { run(due); }, next.mapped());
    }
    now_ = now;
}

void KiteExchange::begin() {
    begin_day(kCashHours.date_of(now_));
    for (std::size_t i = 0; i < walks_.size(); ++i) {
        schedule(now_, WalkDue{i});
    }
}

void KiteExchange::begin_day(Date day) {
    const auto at = [&](Time due, Task task) {
        if (due > now_) {
            schedule(due, std::move(task));
        }
    };
    const Time midnight = kCashHours.midnight(day);
    if (is_trading_day(day)) {
        for (std::size_t i = 0; i < markets_.size(); ++i) {
            const Instrument& instrument = markets_[i].instrument;
            if (instrument.square_off_s != 0) {
                at(instrument.hours.midnight(day) + Duration{instrument.square_off_s * kSecondNs}, SquareOffDue{i});
            }
            at(instrument.hours.close_on(day), CloseDue{i});
        }
    }
    at(midnight + Duration{settings_.book_cleared_s * kSecondNs}, ClearDue{});
    at(midnight + Duration{kDayNs}, DayDue{});
}

void KiteExchange::run(const DayDue&) {
    begin_day(kCashHours.date_of(now_));
}

bool KiteExchange::is_trading_day(Date day) const {
    const int weekday = ((day.days + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; 0 is Sunday
    return weekday != 0 && weekday != 6 && !settings_.holidays.contains(day);
}

bool KiteExchange::is_open(const Market& market) const {
    const TradingHours& hours = market.instrument.hours;
    return is_trading_day(hours.date_of(now_)) && hours.is_open_at(now_);
}

Duration KiteExchange::draw(Delay delay) {
    const std::int64_t room = delay.most.ns - delay.least.ns;
    return room <= 0 ? delay.least : Duration{delay.least.ns + random_.below(room + 1)};
}

void KiteExchange::run(const CloseDue& due) {
    const std::set<std::string> working = markets_[due.instrument].working;
    for (const std::string& id : working) {
        end(*find_order(id), Status::cancelled);
    }
}

void KiteExchange::run(const ClearDue&) {
    for (auto& [id, order] : orders_) {
        if (!is_terminal(order.status)) {
            end(order, Status::cancelled);
        }
    }
    orders_.clear();
    trade_numbers_.clear();
    for (Account& account : accounts_) {
        settle(account);
    }
    for (Market& market : markets_) {
        if (market.quote.last.raw != 0) {
            market.instrument.close = market.quote.last;
        }
    }
}

void KiteExchange::settle(Account& account) {
    account.trades.clear();
    for (auto& [instrument, holding] : account.holdings) {
        holding.quantity += std::exchange(holding.t1_quantity, 0);
    }
    for (auto at = account.positions.begin(); at != account.positions.end();) {
        Position& position = at->second;
        account.settings.cash -= position.buy_value - position.sell_value;
        const std::int64_t net = position.net();
        if (at->first.second == Product::cnc) {
            const Instrument& instrument = markets_[at->first.first].instrument;
            HoldingRow& holding = account.holdings[at->first.first];
            holding.tradingsymbol = instrument.tradingsymbol;
            holding.exchange = instrument.exchange;
            if (net > 0) {
                holding.t1_quantity = net;
                holding.average_price = average_price(position.buy_value, qty_of(position.bought));
            } else {
                holding.quantity += net;
            }
            at = account.positions.erase(at);
            continue;
        }
        position.overnight = net;
        position.bought = position.sold = 0;
        position.buy_value = position.sell_value = {};
        at = net == 0 ? account.positions.erase(at) : std::next(at);
    }
}

void KiteExchange::run(const WalkDue& due) {
    const Walk& walk = settings_.walks[due.walk];
    const std::size_t at = *find_market(walk.exchange, walk.tradingsymbol);
    const Instrument& instrument = markets_[at].instrument;
    if (!is_open(markets_[at])) {
        Date day = instrument.hours.date_of(now_);
        while (instrument.hours.open_on(day) <= now_ || !is_trading_day(day)) {
            ++day.days;
        }
        schedule(instrument.hours.open_on(day), due);
        return;
    }
    Price& last = walks_[due.walk];
    last.raw += instrument.tick.raw * (random_.below(2 * walk.ticks + 1) - walk.ticks);
    last.raw = std::max(last.raw, std::max(instrument.lower_circuit.raw, instrument.tick.raw));
    if (instrument.upper_circuit.raw != 0) {
        last = std::min(last, instrument.upper_circuit);
    }
    Quote quote;
    quote.last = last;
    quote.bid = Price{last.raw - instrument.tick.raw};  // of the least price there is none: 0
    quote.ask = Price{last.raw + instrument.tick.raw};
    quote.bid_quantity = (1 + random_.below(walk.size)) * instrument.lot;
    quote.ask_quantity = (1 + random_.below(walk.size)) * instrument.lot;
    schedule(now_ + walk.step, due);
    set_quote(at, quote);
}

// ---- an order's life ------------------------------------------------------------------------------------------------

std::string KiteExchange::next_order_id() {
    return digits_of(kCashHours.date_of(server_time())) + padded(++order_number_, 13);
}

void KiteExchange::run(const PlaceDue& due) {
    accept(due);
}

void KiteExchange::accept(const PlaceDue& due) {
    Order& order = orders_[due.order_id];
    order.account = due.account;
    order.instrument = *find_market(due.order.exchange, due.order.tradingsymbol);
    order.origin = due.origin;
    order.terms = due.order;
    order.stuck = due.effect.stuck;
    order.rms_rejects = due.effect.rms_rejects;
    order.odd_status = due.effect.odd_status;
    OrderRow& row = order.row;
    row.account_id = accounts_[due.account].settings.user_id;
    row.placed_by = due.origin == Origin::rms ? kByRms : row.account_id;
    row.order_id = due.order_id;
    row.guid = "guid" + std::to_string(order_number_);
    row.order_timestamp = stamp();
    row.instrument_token = 1;  // of the first row [M]
    if (!due.order.tag.empty() && !due.effect.is_untagged) {
        row.tag = due.order.tag;
        row.tags.push_back(due.order.tag);
    }
    record(order, LedgerWhat::place, due.origin);
    const Delay delay = settings_.delays.put_order_req_received;
    enter(order, Status::put_order_req_received,
          {Duration{delay.least.ns + order.stuck.ns}, Duration{delay.most.ns + order.stuck.ns}});
    order.row.instrument_token = markets_[order.instrument].instrument.token;
}

void KiteExchange::enter(Order& order, Status status, Delay delay) {
    order.status = status;
    ++order.step;
    show(order);
    schedule(now_ + draw(delay), StepDue{order.row.order_id, order.step});
}

void KiteExchange::run(const StepDue& due) {
    Order* order = find_order(due.order_id);
    if (order != nullptr && order->step == due.step) {
        go_on(*order);
    }
}

void KiteExchange::go_on(Order& order) {
    const Delays& delays = settings_.delays;
    switch (order.status) {
    case Status::put_order_req_received: enter(order, Status::validation_pending, delays.validation_pending); return;
    case Status::validation_pending: validate(order); return;
    case Status::open_pending: open(order); return;
    case Status::modify_validation_pending: validate_change(order); return;
    case Status::modify_pending:
        if (order.asked->quantity <= order.filled) {
            not_modified(order, "The new quantity has traded already.");
            return;
        }
        order.terms = *std::exchange(order.asked, std::nullopt);
        order.rests = false;
        order.row.exchange_timestamp = stamp();
        record(order, LedgerWhat::modify, order.changed_by);
        enter(order, Status::modified, delays.modified);
        return;
    case Status::modified:
        settle_down(order);
        tell(order, kUpdate);
        match(order);
        return;
    case Status::not_modified: settle_down(order); return;
    case Status::cancel_pending: {
        const std::optional<Duration> late_fill = order.late_fill;
        end(order, Status::cancelled);
        if (late_fill) {
            schedule(now_ + *late_fill, LateFillDue{order.row.order_id});
        }
        return;
    }
    case Status::open:
    case Status::trigger_pending:
    case Status::complete:
    case Status::cancelled:
    case Status::rejected: break;
    }
    ALPHA_ASSERT(false, "a state that ends by itself");
}

void KiteExchange::validate(Order& order) {
    const Market& market = markets_[order.instrument];
    if (order.rms_rejects) {
        end(order, Status::rejected, *order.rms_rejects);
        return;
    }
    if (!protect(order.terms, market, order.row.tags)) {
        end(order, Status::rejected, "There is no last price to protect the order by.");
        return;
    }
    if (const auto wrong = rms(order, order.terms)) {
        end(order, Status::rejected, wrong->second);
        return;
    }
    order.is_checked = true;
    enter(order, Status::open_pending, settings_.delays.open_pending);
}

void KiteExchange::open(Order& order) {
    Market& market = markets_[order.instrument];
    if (!is_open(market)) {
        end(order, Status::rejected, "Markets are closed right now.");
        return;
    }
    order.row.exchange_order_id = "1" + padded(std::stoull(order.row.order_id.substr(6)), 15);
    order.row.exchange_timestamp = stamp();
    market.working.insert(order.row.order_id);
    settle_down(order);
    match(order);
    if (!is_terminal(order.status) && order.terms.validity == Validity::ioc) {
        end(order, Status::cancelled);
    }
}

/// Into the state in which it may rest.
void KiteExchange::settle_down(Order& order) {
    order.status = is_stop(order.terms) && !order.is_triggered ? Status::trigger_pending : Status::open;
    ++order.step;
    show(order);
}

void KiteExchange::run(const ModifyDue& due) {
    Order* order = find_order(due.change.order_id);
    // One that comes late may find it gone: the exchange says nothing then.
    if (order == nullptr || wrong_with(due.change, order->account)) {
        return;
    }
    ++order->modifications;
    order->asked = order->terms;
    order->holds_asked = false;
    order->asked->quantity = due.change.quantity.value_or(order->terms.quantity);
    order->asked->price = due.change.price.value_or(order->terms.price);
    order->asked->trigger_price = due.change.trigger_price.value_or(order->terms.trigger_price);
    order->row.order_timestamp = stamp();
    order->row.status_message.reset();
    order->changed_by = due.origin;
    enter(*order, Status::modify_validation_pending, settings_.delays.modify_validation_pending);
}

void KiteExchange::validate_change(Order& order) {
    if (order.asked->quantity <= order.filled) {
        not_modified(order, "The new quantity has traded already.");
    } else if (const auto wrong = rms(order, *order.asked)) {
        not_modified(order, wrong->second);
    } else {
        order.holds_asked = true;
        enter(order, Status::modify_pending, settings_.delays.modify_pending);
    }
}

void KiteExchange::not_modified(Order& order, std::string why) {
    order.asked.reset();
    order.row.status_message = std::move(why);
    enter(order, Status::not_modified, settings_.delays.modified);
}

void KiteExchange::run(const CancelDue& due) {
    Order* order = find_order(due.order_id);
    if (order == nullptr || wrong_with_cancel(due.order_id, order->account)) {
        return;
    }
    order->late_fill = due.late_fill;
    order->row.order_timestamp = stamp();
    record(*order, LedgerWhat::cancel, due.origin);
    enter(*order, Status::cancel_pending, settings_.delays.cancel_pending);
}

void KiteExchange::run(const LateFillDue& due) {
    Order* order = find_order(due.order_id);
    if (order == nullptr) {
        return;  // its day is over
    }
    order->cancelled = 0;
    const Price limit = order->terms.price;
    fill(*order, order->left(), limit.raw != 0 ? limit : markets_[order->instrument].quote.last);
}

void KiteExchange::end(Order& order, Status status, std::string message) {
    order.status = status;
    ++order.step;
    order.asked.reset();
    order.cancelled = status == Status::cancelled ? order.left() : 0;
    markets_[order.instrument].working.erase(order.row.order_id);
    if (!message.empty()) {
        order.row.status_message = message;
        order.row.status_message_raw = std::move(message);
    }
    record(order, LedgerWhat::end, order.origin);
    show(order);
    tell(order, order.row.status.c_str());
}

void KiteExchange::show(Order& order) {
    OrderRow& row = order.row;
    row.status = order.odd_status && order.status <= Status::open ? *order.odd_status : text_of(order.status);
    row.filled_quantity = order.filled;
    row.average_price = order.filled == 0 ? Price{} : average_price(order.value, qty_of(order.filled));
    row.cancelled_quantity = order.cancelled;
    if (order.status != Status::modified) {  // new terms are seen after it [M]
        row.exchange = order.terms.exchange;
        row.tradingsymbol = order.terms.tradingsymbol;
        row.order_type = order.terms.order_type;
        row.transaction_type = order.terms.transaction_type;
        row.validity = order.terms.validity;
        row.product = order.terms.product;
        row.quantity = order.terms.quantity;
        row.price = order.terms.price;
        row.trigger_price = order.terms.trigger_price;
        row.market_protection = order.terms.market_protection;
    }
    row.pending_quantity = order.status == Status::rejected ? 0 : order.left();
    if (row.exchange_order_id) {
        row.exchange_update_timestamp = stamp();
    }
    order.states.emplace_back(now_, row);
}

void KiteExchange::tell(const Order& order, const char* status) {
    OrderRow row = order.row;
    row.status = status;
    accounts_[order.account].updates.emplace_back(now_ + draw(settings_.updates_lag), std::move(row));
}

void KiteExchange::record(const Order& order, LedgerWhat what, Origin origin) {
    LedgerRow row;
    row.time = now_;
    row.what = what;
    row.origin = origin;
    row.account = order.row.account_id;
    row.tag = order.terms.tag;
    row.order_id = order.row.order_id;
    row.terms = order.terms;
    if (what == LedgerWhat::end) {
        row.quantity = order.filled;
        row.status = order.status;
    }
    ledger_.push_back(std::move(row));
}

// ---- risk -----------------------------------------------------------------------------------------------------------

bool KiteExchange::protect(PlaceOrder& terms, const Market& market, std::vector<std::string>& tags) const {
    const bool is_market = terms.order_type == OrderType::market;
    if ((!is_market && terms.order_type != OrderType::sl_m) || terms.market_protection == kNoProtection) {
        return true;
    }
    const Price from = is_market ? market.quote.last : terms.trigger_price;
    if (from.raw == 0) {
        return false;
    }
    const Instrument& instrument = market.instrument;
    const std::int32_t hundredths =
        terms.market_protection == kAutoProtection ? settings_.auto_protection : terms.market_protection;
    const bool is_buy = terms.transaction_type == Side::buy;
    const Int128 exact = Int128{from.raw} * (is_buy ? 10'000 + hundredths : 10'000 - hundredths);
    const Int128 tick = Int128{instrument.tick.raw} * 10'000;
    const Int128 ticks = is_buy ? exact / tick : (exact + tick - 1) / tick;  // towards the market
    terms.price = Price{static_cast<std::int64_t>(ticks) * instrument.tick.raw};
    if (is_buy && instrument.upper_circuit.raw != 0) {
        terms.price = std::min(terms.price, instrument.upper_circuit);
    }
    if (!is_buy) {
        terms.price = std::max({terms.price, instrument.lower_circuit, instrument.tick});
    }
    terms.order_type = is_market ? OrderType::limit : OrderType::sl;
    terms.market_protection = kNoProtection;
    tags.emplace_back("mktp");
    tags.push_back("mktp:" + std::to_string(hundredths / 100) + "." +
                   padded(static_cast<std::uint64_t>(hundredths % 100), 2));
    return true;
}

std::optional<std::pair<const char*, std::string>> KiteExchange::rms(const Order& order,
                                                                     const PlaceOrder& terms) const {
    if (order.origin == Origin::rms) {
        return std::nullopt;
    }
    const Market& market = markets_[order.instrument];
    const Instrument& instrument = market.instrument;
    const auto no = [](const char* type, std::string text) { return std::pair{type, std::move(text)}; };
    if (std::optional<std::string> closed = closed_to(terms, market)) {
        return no("InputException", *std::move(closed));
    }
    if (instrument.freeze != 0 && terms.quantity > instrument.freeze) {
        return no("InputException", "Quantity is above the freeze quantity " + std::to_string(instrument.freeze) + ".");
    }
    for (const Price price : {terms.price, terms.trigger_price}) {
        if (price.raw != 0 && ((instrument.upper_circuit.raw != 0 && price > instrument.upper_circuit) ||
                               price < instrument.lower_circuit)) {
            return no("InputException", "Price is outside of the circuit limits " +
                                            to_string(instrument.lower_circuit) + " and " +
                                            to_string(instrument.upper_circuit) + ".");
        }
    }
    if (terms.product == Product::cnc && terms.transaction_type == Side::sell &&
        terms.quantity - order.filled > sellable(order.account, order.instrument, &order)) {
        return no("HoldingException", "Insufficient stock holding.");
    }
    const Money before = blocked(order.account, nullptr, nullptr);
    const Money after = blocked(order.account, &order, &terms);
    const Money available = accounts_[order.account].settings.cash - used(order.account) - before;
    if (after > before && after - before > available) {
        return no("MarginException", "Insufficient funds. Required margin is " + to_string(after - before) +
                                         " but available margin is " + to_string(available) + ".");
    }
    return std::nullopt;
}

Money KiteExchange::used(std::size_t account) const {
    Money sum;
    for (const auto& [key, position] : accounts_[account].positions) {
        sum += position.used();
    }
    return sum;
}

/// What open orders may come to need, one of them with other terms where `instead` names it. Orders of one side are looked at together: whichever
/// trades first closes what is held, and the rest is paid at the dearest of their prices.
Money KiteExchange::blocked(std::size_t account, const Order* instead, const PlaceOrder* terms) const {
    struct Pool {
        std::int64_t left = 0;
        Price dearest;
    };
    std::map<std::tuple<std::size_t, Product, Side>, Pool> pools;
    Money sum;
    const auto add = [&](const Order& order, std::int64_t quantity, Price price) {
        const bool is_buy = order.terms.transaction_type == Side::buy;
        const std::int64_t left = quantity - order.filled;
        if (order.terms.product == Product::cnc) {
            sum += is_buy ? notional(price, qty_of(left)) : Money{};
            return;
        }
        Pool& pool = pools[{order.instrument, order.terms.product, order.terms.transaction_type}];
        pool.left += left;
        pool.dearest = std::max(pool.dearest, price);
    };
    for (const auto& [id, order] : orders_) {
        if (order.account != account || !order.is_checked || is_terminal(order.status) || &order == instead) {
            continue;
        }
        const PlaceOrder& larger = order.asked && order.holds_asked ? *order.asked : order.terms;
        add(order, std::max(order.terms.quantity, larger.quantity), std::max(order.terms.price, larger.price));
    }
    if (instead != nullptr) {
        add(*instead, std::max(terms->quantity, instead->is_checked ? instead->terms.quantity : 0),
            std::max(terms->price, instead->is_checked ? instead->terms.price : Price{}));
    }
    for (const auto& [key, pool] : pools) {
        const auto& [instrument, product, side] = key;
        const auto& positions = accounts_[account].positions;
        const auto position = positions.find({instrument, product});
        const std::int64_t net = position == positions.end() ? 0 : position->second.net();
        const std::int64_t closes = std::max<std::int64_t>(0, side == Side::buy ? -net : net);
        sum += notional(pool.dearest, qty_of(std::max<std::int64_t>(0, pool.left - closes)));
    }
    return sum;
}

/// Shares that a CNC order may sell: held, arriving and bought today, without what other orders sell.
std::int64_t KiteExchange::sellable(std::size_t account, std::size_t instrument, const Order* but) const {
    const Account& of = accounts_[account];
    std::int64_t shares = 0;
    if (const auto held = of.holdings.find(instrument); held != of.holdings.end()) {
        shares += held->second.quantity + held->second.t1_quantity;
    }
    if (const auto position = of.positions.find({instrument, Product::cnc}); position != of.positions.end()) {
        shares += position->second.net();
    }
    for (const auto& [id, order] : orders_) {
        if (&order != but && order.account == account && order.instrument == instrument && order.is_checked &&
            !is_terminal(order.status) && order.terms.product == Product::cnc &&
            order.terms.transaction_type == Side::sell) {
            shares -=
                std::max(order.left(), order.asked && order.holds_asked ? order.asked->quantity - order.filled : 0);
        }
    }
    return shares;
}

// ---- matching -------------------------------------------------------------------------------------------------------

void KiteExchange::set_quote(std::size_t instrument, const Quote& quote) {
    Market& market = markets_[instrument];
    market.quote = quote;
    market.bid_left = quote.bid_quantity;
    market.ask_left = quote.ask_quantity;
    const std::set<std::string> working = market.working;
    for (const std::string& id : working) {
        match(*find_order(id));
    }
}

void KiteExchange::match(Order& order) {
    Market& market = markets_[order.instrument];
    if (!is_open(market)) {
        return;
    }
    const Quote& quote = market.quote;
    const PlaceOrder& terms = order.terms;
    const bool is_buy = terms.transaction_type == Side::buy;
    if (is_stop(terms) && !order.is_triggered) {
        if (quote.last.raw == 0 || (is_buy ? quote.last < terms.trigger_price : quote.last > terms.trigger_price)) {
            return;
        }
        order.is_triggered = true;
        if (!is_pending_change(order.status)) {
            settle_down(order);
            tell(order, text_of(Status::open));
        }
    }
    const Price other = is_buy ? quote.ask : quote.bid;
    std::int64_t& offered = is_buy ? market.ask_left : market.bid_left;
    const bool has_limit = terms.order_type != OrderType::market;
    const bool meets = other.raw != 0 && (!has_limit || (is_buy ? terms.price >= other : terms.price <= other));
    const bool rested = order.rests;
    order.rests = rested || !meets;
    const std::int64_t offered_lots = offered - offered % market.instrument.lot;
    const std::int64_t quantity = std::min(order.left(), offered_lots);
    if (!meets || quantity <= 0) {
        return;
    }
    offered -= quantity;
    fill(order, quantity, rested && has_limit ? terms.price : other);
}

void KiteExchange::fill(Order& order, std::int64_t quantity, Price price) {
    ALPHA_ASSERT(quantity > 0 && quantity <= order.left(), "more trades than was ordered");
    order.filled += quantity;
    order.value += notional(price, qty_of(quantity));
    book(order, quantity, price);
    const Instrument& instrument = markets_[order.instrument].instrument;
    TradeRow row;
    row.trade_id = std::to_string(10'000'000 + ++trade_numbers_[instrument.exchange]);
    row.order_id = order.row.order_id;
    row.exchange = instrument.exchange;
    row.tradingsymbol = instrument.tradingsymbol;
    row.instrument_token = instrument.token;
    row.product = order.terms.product;
    row.average_price = price;
    row.quantity = quantity;
    row.exchange_order_id = order.row.exchange_order_id.value_or("");
    row.transaction_type = order.terms.transaction_type;
    row.fill_timestamp = row.order_timestamp = row.exchange_timestamp = stamp();
    record(order, LedgerWhat::trade, order.origin);
    ledger_.back().quantity = quantity;
    ledger_.back().price = price;
    ledger_.back().trade_id = row.trade_id;
    accounts_[order.account].trades.push_back({now_, std::move(row)});
    if (order.left() == 0) {
        end(order, Status::complete);
    } else {
        show(order);
        tell(order, kUpdate);
    }
}

void KiteExchange::book(Order& order, std::int64_t quantity, Price price) {
    Position& position = accounts_[order.account].positions[{order.instrument, order.terms.product}];
    const std::int64_t net = position.net();
    const Money value = notional(price, qty_of(quantity));
    if (order.terms.transaction_type == Side::buy) {
        if (net < 0 && order.terms.product != Product::cnc) {
            const Qty covered = qty_of(std::min(quantity, -net));
            position.short_proceeds -= pro_rata(position.short_proceeds, covered, qty_of(-net));
            position.short_margin -= pro_rata(position.short_margin, covered, qty_of(-net));
        }
        position.bought += quantity;
        position.buy_value += value;
        return;
    }
    const std::int64_t opened = quantity - std::clamp<std::int64_t>(net, 0, quantity);
    if (opened > 0 && order.terms.product != Product::cnc) {
        // What was held for the order is held for what it opened, so a better price never needs more.
        const Price held = order.terms.order_type == OrderType::market ? price : order.terms.price;
        position.short_proceeds += notional(price, qty_of(opened));
        position.short_margin += notional(held, qty_of(opened));
    }
    position.sold += quantity;
    position.sell_value += value;
}

// ---- square-off -----------------------------------------------------------------------------------------------------

void KiteExchange::run(const SquareOffDue& due) {
    for (std::size_t account = 0; account < accounts_.size(); ++account) {
        square_off(account, due.instrument);
    }
}

void KiteExchange::square_off(std::size_t account, std::optional<std::size_t> instrument) {
    for (auto& [id, order] : orders_) {
        if (order.account == account && order.terms.product == Product::mis && !is_terminal(order.status) &&
            (!instrument || order.instrument == *instrument)) {
            end(order, Status::cancelled);
        }
    }
    for (const auto& [key, position] : accounts_[account].positions) {
        const std::int64_t net = position.net();
        if (key.second != Product::mis || net == 0 || (instrument && key.first != *instrument)) {
            continue;
        }
        PlaceOrder order;
        order.exchange = markets_[key.first].instrument.exchange;
        order.tradingsymbol = markets_[key.first].instrument.tradingsymbol;
        order.transaction_type = net > 0 ? Side::sell : Side::buy;
        order.order_type = OrderType::market;
        order.product = Product::mis;
        order.quantity = net > 0 ? net : -net;
        accept({next_order_id(), account, Origin::rms, std::move(order), {}});
    }
}

}  // namespace alpha::kite
