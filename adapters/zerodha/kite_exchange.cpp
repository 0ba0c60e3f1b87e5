/// Who asks, what is answered, and what is shown. The life of orders is in kite_orders.cpp.

#include "adapters/zerodha/kite_exchange.hpp"

#include "events/assert.hpp"

#include <algorithm>

namespace alpha::kite {

namespace {

constexpr const char* kInput = "InputException";

bool is_of_orders(Route route) {
    return route == Route::place || route == Route::modify || route == Route::cancel;
}

bool is_multiple(Price price, Price tick) {
    return price.raw % tick.raw == 0;
}

/// Whether a stop that has triggered could not trade at once.
bool is_beyond(Side side, Price trigger, Price price) {
    return side == Side::buy ? price < trigger : price > trigger;
}

FaultEffect merged(FaultEffect a, const FaultEffect& b) {
    const auto take = [](auto& into, const auto& from) {
        if (from) {
            into = from;
        }
    };
    take(a.answer, b.answer);
    take(a.rms_rejects, b.rms_rejects);
    take(a.odd_status, b.odd_status);
    take(a.late_fill, b.late_fill);
    a.is_lost |= b.is_lost;
    a.is_untagged |= b.is_untagged;
    a.is_doubled |= b.is_doubled;
    a.is_permuted |= b.is_permuted;
    a.late.ns += b.late.ns;
    a.stuck.ns += b.stuck.ns;
    a.lag.ns += b.lag.ns;
    a.again += b.again;
    a.missing += b.missing;
    return a;
}

Reply answered(Reply own, const FaultEffect& effect) {
    const Answer* other = effect.answer ? &*effect.answer : nullptr;
    const Answer silence{ReplyKind::timed_out, 0};
    if (other == nullptr && effect.is_lost) {
        other = &silence;
    }
    if (other != nullptr) {
        own.kind = other->kind;
        own.http = other->http;
        own.error_type = other->error_type;
        own.message = other->message;
        own.order_id.clear();
        own.data = {};
    }
    return own;
}

}  // namespace

std::size_t places_of(const Ledger& ledger, std::string_view tag) {
    return static_cast<std::size_t>(std::ranges::count_if(
        ledger, [&](const LedgerRow& row) { return row.what == LedgerWhat::place && row.tag == tag; }));
}

std::int64_t net_of(const Ledger& ledger, std::string_view account, std::string_view exchange,
                    std::string_view tradingsymbol) {
    std::int64_t net = 0;
    for (const LedgerRow& row : ledger) {
        if (row.what == LedgerWhat::trade && row.account == account && row.terms.exchange == exchange &&
            row.terms.tradingsymbol == tradingsymbol) {
            net += row.terms.transaction_type == Side::buy ? row.quantity : -row.quantity;
        }
    }
    return net;
}

// splitmix64: the library's generators may be the same everywhere, its distributions are not.
std::uint64_t KiteExchange::Random::next() {
    std::uint64_t x = state += 0x9E37'79B9'7F4A'7C15U;
    x = (x ^ (x >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D0'49BB'1331'11EBU;
    return x ^ (x >> 31U);
}

std::int64_t KiteExchange::Random::below(std::int64_t n) {
    ALPHA_ASSERT(n > 0, "a number below nothing");
    return static_cast<std::int64_t>((static_cast<UInt128>(next()) * static_cast<UInt128>(n)) >> 64U);
}

KiteExchange::KiteExchange(Settings settings, std::uint64_t seed) : settings_(std::move(settings)), random_{seed} {
    for (const Instrument& instrument : settings_.instruments) {
        ALPHA_ASSERT(instrument.tick.raw > 0 && instrument.lot > 0, "an instrument without tick or lot");
        ALPHA_ASSERT(!find_market(instrument.exchange, instrument.tradingsymbol), "an instrument is there twice");
        markets_.push_back({instrument, {}, 0, 0, {}});
    }
    for (const AccountSettings& given : settings_.accounts) {
        ALPHA_ASSERT(!find_account(given.user_id), "an account is there twice");
        Account account;
        account.settings = given;
        for (const HoldingRow& holding : given.holdings) {
            const std::optional<std::size_t> market = find_market(holding.exchange, holding.tradingsymbol);
            ALPHA_ASSERT(market.has_value(), "a holding of no instrument");
            account.holdings[*market] = holding;
        }
        accounts_.push_back(std::move(account));
    }
    for (const Walk& walk : settings_.walks) {
        ALPHA_ASSERT(find_market(walk.exchange, walk.tradingsymbol), "a walk of no instrument");
        ALPHA_ASSERT(walk.step.ns > 0 && walk.size > 0 && walk.ticks >= 0, "a walk that does not go on");
        walks_.push_back(walk.start);
    }
}

void KiteExchange::quote(Time now, std::string_view exchange, std::string_view tradingsymbol, const Quote& quote) {
    advance(now);
    const std::optional<std::size_t> market = find_market(exchange, tradingsymbol);
    ALPHA_ASSERT(market.has_value(), "a quote of no instrument");
    set_quote(*market, quote);
}

// ---- sessions -------------------------------------------------------------------------------------------------------

std::string KiteExchange::login(Time now, std::string_view user_id) {
    advance(now);
    Account& account = account_of(user_id);
    const Time dies{kCashHours.midnight(kCashHours.date_of(now_)).ns + settings_.token_dies_s * kSecondNs};
    account.token_dies = dies > now_ ? dies : dies + Duration{kDayNs};
    account.token = "token" + std::to_string(++token_number_) + "of" + account.settings.user_id;
    return account.token;
}

Reply KiteExchange::logout(Time now, const Caller& caller) {
    return read(now, Route::any, caller, [](Account& account, const FaultEffect&, Reply&) { account.token.clear(); });
}

// ---- the gate -------------------------------------------------------------------------------------------------------

Reply KiteExchange::reply() const {
    Reply reply;
    reply.date = stamp();
    return reply;
}

Reply KiteExchange::refusal(std::uint16_t http, const char* error_type, std::string message) const {
    Reply refusal = reply();
    refusal.http = http;
    refusal.error_type = error_type;
    refusal.message = std::move(message);
    return refusal;
}

std::optional<Reply> KiteExchange::gate(Route route, const Caller& caller, std::size_t& account) {
    if (!caller.phone_of.empty()) {
        const std::optional<std::size_t> found = find_account(caller.phone_of);
        ALPHA_ASSERT(found.has_value(), "the phone of no account");
        account = *found;
        return std::nullopt;
    }
    const auto whose = std::ranges::find_if(accounts_, [&](const Account& each) {
        return !each.token.empty() && each.token == caller.access_token && now_ < each.token_dies;
    });
    if (whose == accounts_.end()) {
        return refusal(403, "TokenException", "Incorrect `api_key` or `access_token`.");
    }
    account = static_cast<std::size_t>(whose - accounts_.begin());
    const std::int64_t second = stamp().ns / kSecondNs;
    const auto is_used_up = [](Count& count, std::int64_t window, std::uint32_t most) {
        if (count.window != window) {
            count = {window, 0};
        }
        return count.used >= most;
    };
    if (is_of_orders(route)) {
        if (!whose->settings.addresses.empty() && !whose->settings.addresses.contains(caller.address)) {
            return refusal(403, "PermissionException", "Orders are taken from registered addresses only.");
        }
        const Limits& limits = settings_.limits;
        const std::array<std::int64_t, 3> windows{second, second / 60, kCashHours.date_of(server_time()).days};
        const std::array<std::uint32_t, 3> most{limits.orders_per_second, limits.orders_per_minute,
                                                limits.orders_per_day};
        for (std::size_t i = 0; i < windows.size(); ++i) {
            if (is_used_up(whose->orders.at(i), windows.at(i), most.at(i))) {
                return refusal(429, "NetworkException", "Too many requests");
            }
        }
        for (Count& count : whose->orders) {
            ++count.used;
        }
    } else {
        if (is_used_up(whose->reads, second, settings_.limits.reads_per_second)) {
            return refusal(429, "NetworkException", "Too many requests");
        }
        ++whose->reads.used;
    }
    return std::nullopt;
}

FaultEffect KiteExchange::effect_of(Route route, const Caller& caller, std::string_view tag) {
    FaultEffect effect;
    if (!caller.phone_of.empty()) {
        return effect;
    }
    for (ScriptedFault& each : faults_) {
        const FaultWhen& when = each.fault.when;
        if ((when.route != Route::any && when.route != route) || (!when.tag.empty() && when.tag != tag) ||
            now_ < when.from || now_ >= when.until) {
            continue;
        }
        ++each.fitted;
        if ((when.nth != 0 && when.nth != each.fitted) || (when.times != 0 && each.fired >= when.times)) {
            continue;
        }
        if (when.per_thousand < 1000 && random_.below(1000) >= when.per_thousand) {
            continue;
        }
        ++each.fired;
        effect = merged(std::move(effect), each.fault.effect);
    }
    return effect;
}

// ---- what is wrong with a request -----------------------------------------------------------------------------------

std::optional<std::string> KiteExchange::closed_to(const PlaceOrder& order, const Market& market) const {
    if (!is_open(market)) {
        return "Markets are closed right now.";
    }
    const Instrument& instrument = market.instrument;
    if (order.product == Product::mis && instrument.square_off_s != 0 &&
        now_.ns >= instrument.hours.midnight(instrument.hours.date_of(now_)).ns + instrument.square_off_s * kSecondNs) {
        return "MIS orders are not taken any more today.";
    }
    return std::nullopt;
}

std::optional<std::string> KiteExchange::wrong_with(const PlaceOrder& order) const {
    const std::optional<std::size_t> found = find_market(order.exchange, order.tradingsymbol);
    if (!found) {
        return "The instrument you are placing an order for has either expired or does not exist.";
    }
    const Market& market = markets_[*found];
    const Instrument& instrument = market.instrument;
    if (order.variety != Variety::regular || order.validity == Validity::ttl || order.product == Product::mtf) {
        return "Not simulated: variety, validity or product.";
    }
    if (order.product == (instrument.is_derivative ? Product::cnc : Product::nrml)) {
        return "Invalid `product` for the instrument.";
    }
    if (order.quantity <= 0 || order.quantity % instrument.lot != 0) {
        return "Quantity should be a multiple of the lot size " + std::to_string(instrument.lot) + ".";
    }
    if (order.tag.size() > kMaxTag) {
        return "Invalid `tag`: at most 20 characters.";
    }
    const bool has_price = order.order_type == OrderType::limit || order.order_type == OrderType::sl;
    const bool has_trigger = order.order_type == OrderType::sl || order.order_type == OrderType::sl_m;
    if (has_price && (order.price.raw <= 0 || !is_multiple(order.price, instrument.tick))) {
        return "Price should be a multiple of the tick size " + to_string(instrument.tick) + ".";
    }
    if (has_trigger && (order.trigger_price.raw <= 0 || !is_multiple(order.trigger_price, instrument.tick))) {
        return "Trigger price should be a multiple of the tick size " + to_string(instrument.tick) + ".";
    }
    if (order.order_type == OrderType::sl &&
        (order.transaction_type == Side::buy ? order.price < order.trigger_price : order.price > order.trigger_price)) {
        return "Trigger price lies beyond the price.";
    }
    if (has_trigger && order.validity == Validity::ioc) {
        return "Invalid `validity` of a stop.";
    }
    if (!has_price && order.market_protection == kNoProtection) {
        return "Market orders without market protection are not allowed via API.";
    }
    if (order.market_protection < kAutoProtection || order.market_protection > 10'000) {
        return "Invalid `market_protection`.";
    }
    return closed_to(order, market);
}

std::optional<std::string> KiteExchange::wrong_with_cancel(const std::string& order_id, std::size_t account) const {
    const Order* order = find_order(order_id);
    if (order == nullptr || order->account != account) {
        return "Could not find an order of that `order_id`.";
    }
    if (order->status != Status::open && order->status != Status::trigger_pending) {
        return "Order cannot be modified or cancelled as it is being processed.";
    }
    return std::nullopt;
}

std::optional<std::string> KiteExchange::wrong_with(const ModifyOrder& change, std::size_t account) const {
    if (std::optional<std::string> wrong = wrong_with_cancel(change.order_id, account)) {
        return wrong;
    }
    const Order& order = *find_order(change.order_id);
    if (order.modifications >= settings_.limits.modifications) {
        return "Maximum allowed order modifications exceeded.";
    }
    const Instrument& instrument = markets_[order.instrument].instrument;
    if (change.quantity && (*change.quantity <= 0 || *change.quantity % instrument.lot != 0)) {
        return "Quantity should be a multiple of the lot size " + std::to_string(instrument.lot) + ".";
    }
    for (const std::optional<Price>& price : {change.price, change.trigger_price}) {
        if (price && (price->raw <= 0 || !is_multiple(*price, instrument.tick))) {
            return "Prices should be a multiple of the tick size " + to_string(instrument.tick) + ".";
        }
    }
    if (order.terms.order_type == OrderType::sl &&
        is_beyond(order.terms.transaction_type, change.trigger_price.value_or(order.terms.trigger_price),
                  change.price.value_or(order.terms.price))) {
        return "Trigger price lies beyond the price.";
    }
    return std::nullopt;
}

// ---- routes that change ---------------------------------------------------------------------------------------------

Reply KiteExchange::place(Time now, const Caller& caller, const PlaceOrder& order) {
    advance(now);
    std::size_t account = 0;
    if (std::optional<Reply> refused = gate(Route::place, caller, account)) {
        return *std::move(refused);
    }
    const FaultEffect effect = effect_of(Route::place, caller, order.tag);
    if (std::optional<std::string> wrong = wrong_with(order)) {
        return answered(refusal(400, kInput, *std::move(wrong)), effect);
    }
    if (settings_.checks_at_request) {
        Order looked_at;
        looked_at.account = account;
        looked_at.instrument = *find_market(order.exchange, order.tradingsymbol);
        looked_at.terms = order;
        std::vector<std::string> tags;
        (void)protect(looked_at.terms, markets_[looked_at.instrument], tags);
        if (const auto wrong = rms(looked_at, looked_at.terms)) {
            return answered(refusal(400, wrong->first, wrong->second), effect);
        }
    }
    Reply own = reply();
    if (!effect.is_lost) {
        own.taken = true;
        for (std::uint32_t copy = 0; copy <= effect.again; ++copy) {
            PlaceDue due{next_order_id(), account, caller.phone_of.empty() ? Origin::api : Origin::phone, order,
                         effect};
            if (copy == 0) {
                own.order_id = due.order_id;
            }
            if (effect.late.ns > 0) {
                schedule(now_ + effect.late, std::move(due));
            } else {
                accept(due);
            }
        }
    }
    return answered(std::move(own), effect);
}

Reply KiteExchange::modify(Time now, const Caller& caller, const ModifyOrder& change) {
    advance(now);
    std::size_t account = 0;
    if (std::optional<Reply> refused = gate(Route::modify, caller, account)) {
        return *std::move(refused);
    }
    const Order* order = find_order(change.order_id);
    const FaultEffect effect = effect_of(Route::modify, caller, order == nullptr ? "" : order->terms.tag);
    if (std::optional<std::string> wrong = wrong_with(change, account)) {
        return answered(refusal(400, kInput, *std::move(wrong)), effect);
    }
    Reply own = reply();
    own.order_id = change.order_id;
    if (!effect.is_lost) {
        own.taken = true;
        const ModifyDue due{change, caller.phone_of.empty() ? Origin::api : Origin::phone};
        if (effect.late.ns > 0) {
            schedule(now_ + effect.late, due);
        } else {
            run(due);
        }
    }
    return answered(std::move(own), effect);
}

Reply KiteExchange::cancel(Time now, const Caller& caller, const std::string& order_id) {
    advance(now);
    std::size_t account = 0;
    if (std::optional<Reply> refused = gate(Route::cancel, caller, account)) {
        return *std::move(refused);
    }
    const Order* order = find_order(order_id);
    const FaultEffect effect = effect_of(Route::cancel, caller, order == nullptr ? "" : order->terms.tag);
    if (std::optional<std::string> wrong = wrong_with_cancel(order_id, account)) {
        return answered(refusal(400, kInput, *std::move(wrong)), effect);
    }
    Reply own = reply();
    own.order_id = order_id;
    if (!effect.is_lost) {
        own.taken = true;
        const CancelDue due{order_id, caller.phone_of.empty() ? Origin::api : Origin::phone, effect.late_fill};
        if (effect.late.ns > 0) {
            schedule(now_ + effect.late, due);
        } else {
            run(due);
        }
    }
    return answered(std::move(own), effect);
}

// ---- routes that read -----------------------------------------------------------------------------------------------

template <class Fill>
Reply KiteExchange::read(Time now, Route route, const Caller& caller, Fill fill) {
    advance(now);
    std::size_t account = 0;
    if (std::optional<Reply> refused = gate(route, caller, account)) {
        return *std::move(refused);
    }
    const FaultEffect effect = effect_of(route, caller, {});
    Reply own = reply();
    fill(accounts_[account], effect, own);
    return answered(std::move(own), effect);
}

template <class Row>
void KiteExchange::spoil(std::vector<Row>& rows, const FaultEffect& effect) {
    rows.resize(rows.size() - std::min<std::size_t>(rows.size(), effect.missing));
    if (effect.is_doubled) {
        std::vector<Row> twice;
        for (const Row& row : rows) {
            twice.push_back(row);
            twice.push_back(row);
        }
        rows = std::move(twice);
    }
    if (effect.is_permuted) {
        for (std::size_t i = rows.size(); i > 1; --i) {
            std::swap(rows[i - 1], rows[static_cast<std::size_t>(random_.below(static_cast<std::int64_t>(i)))]);
        }
    }
}

Time KiteExchange::rows_seen(Account& account, const FaultEffect& effect) {
    account.rows_seen = std::max(account.rows_seen, now_ - draw(settings_.rows_lag));
    return account.rows_seen - effect.lag;
}

std::vector<TradeRow> KiteExchange::trades_seen(Account& account, const FaultEffect& effect) {
    account.trades_seen = std::max(account.trades_seen, now_ - draw(settings_.trades_lag));
    std::vector<TradeRow> rows;
    for (const Trade& trade : account.trades) {
        if (trade.at <= account.trades_seen - effect.lag) {
            rows.push_back(trade.row);
        }
    }
    return rows;
}

Reply KiteExchange::orders(Time now, const Caller& caller) {
    return read(now, Route::orders, caller, [&](Account& account, const FaultEffect& effect, Reply& own) {
        const Time seen = rows_seen(account, effect);
        std::vector<OrderRow> rows;
        for (const auto& [id, order] : orders_) {
            if (&accounts_[order.account] != &account) {
                continue;
            }
            const auto after =
                std::ranges::find_if(order.states, [&](const auto& state) { return state.first > seen; });
            if (after != order.states.begin()) {
                rows.push_back(std::prev(after)->second);
            }
        }
        spoil(rows, effect);
        own.data = std::move(rows);
    });
}

Reply KiteExchange::order(Time now, const Caller& caller, const std::string& order_id) {
    return read(now, Route::order, caller, [&](Account& account, const FaultEffect& effect, Reply& own) {
        const Time seen = rows_seen(account, effect);
        std::vector<OrderRow> rows;
        const Order* order = find_order(order_id);
        if (order != nullptr && &accounts_[order->account] == &account) {
            for (const auto& [at, row] : order->states) {
                if (at <= seen) {
                    rows.push_back(row);
                }
            }
        }
        if (rows.empty()) {
            own = refusal(404, "GeneralException", "Could not find an order of that `order_id`.");
            return;
        }
        spoil(rows, effect);
        own.data = std::move(rows);
    });
}

Reply KiteExchange::trades(Time now, const Caller& caller) {
    return read(now, Route::trades, caller, [&](Account& account, const FaultEffect& effect, Reply& own) {
        std::vector<TradeRow> rows = trades_seen(account, effect);
        spoil(rows, effect);
        own.data = std::move(rows);
    });
}

Reply KiteExchange::order_trades(Time now, const Caller& caller, const std::string& order_id) {
    return read(now, Route::trades, caller, [&](Account& account, const FaultEffect& effect, Reply& own) {
        std::vector<TradeRow> rows = trades_seen(account, effect);
        std::erase_if(rows, [&](const TradeRow& row) { return row.order_id != order_id; });
        spoil(rows, effect);
        own.data = std::move(rows);
    });
}

PositionRow KiteExchange::row_of(std::size_t instrument, Product product, const Position& position) const {
    const Market& market = markets_[instrument];
    PositionRow row;
    row.tradingsymbol = market.instrument.tradingsymbol;
    row.exchange = market.instrument.exchange;
    row.instrument_token = market.instrument.token;
    row.product = product;
    row.quantity = position.net();
    row.overnight_quantity = position.overnight;
    row.day_buy_quantity = position.bought;
    row.day_buy_value = position.buy_value;
    row.day_sell_quantity = position.sold;
    row.day_sell_value = position.sell_value;
    row.last_price = market.quote.last;
    row.close_price = market.instrument.close;
    return row;
}

Reply KiteExchange::positions(Time now, const Caller& caller) {
    return read(now, Route::positions, caller, [&](Account& account, const FaultEffect& effect, Reply& own) {
        std::vector<PositionRow> rows;
        rows.reserve(account.positions.size());
        for (const auto& [key, position] : account.positions) {
            rows.push_back(row_of(key.first, key.second, position));
        }
        spoil(rows, effect);
        own.data = std::move(rows);
    });
}

Reply KiteExchange::holdings(Time now, const Caller& caller) {
    return read(now, Route::holdings, caller, [&](Account& account, const FaultEffect& effect, Reply& own) {
        std::vector<HoldingRow> rows;
        for (const auto& [instrument, holding] : account.holdings) {
            const Market& market = markets_[instrument];
            HoldingRow& row = rows.emplace_back(holding);
            row.instrument_token = market.instrument.token;
            row.isin = market.instrument.isin;
            row.last_price = market.quote.last;
            row.close_price = market.instrument.close;
            row.opening_quantity = holding.quantity + holding.t1_quantity;
            const auto position = account.positions.find({instrument, Product::cnc});
            if (position != account.positions.end()) {
                row.used_quantity = std::max<std::int64_t>(0, -position->second.net());
            }
        }
        spoil(rows, effect);
        own.data = std::move(rows);
    });
}

Reply KiteExchange::margins(Time now, const Caller& caller) {
    return read(now, Route::margins, caller, [&](const Account& account, const FaultEffect&, Reply& own) {
        const auto index = static_cast<std::size_t>(&account - accounts_.data());
        const Money held = used(index) + blocked(index, nullptr, nullptr);
        own.data = Margins{account.settings.cash, held, account.settings.cash - held};
    });
}

Reply KiteExchange::profile(Time now, const Caller& caller) {
    return read(now, Route::profile, caller, [](const Account& account, const FaultEffect&, Reply& own) {
        Profile profile;
        profile.user_id = account.settings.user_id;
        own.data = std::move(profile);
    });
}

std::vector<OrderRow> KiteExchange::take_updates(Time now, std::string_view user_id) {
    advance(now);
    Account& account = account_of(user_id);
    std::ranges::stable_sort(account.updates, {}, [](const auto& update) { return update.first; });
    std::vector<OrderRow> rows;
    std::size_t count = 0;
    for (const auto& [due, row] : account.updates) {
        if (due > now_) {
            break;
        }
        rows.push_back(row);
        ++count;
    }
    if (rows.empty()) {
        return rows;
    }
    const FaultEffect effect = effect_of(Route::updates, {}, {});
    if (effect.late.ns > 0) {
        for (std::size_t i = 0; i < count; ++i) {
            account.updates[i].first = now_ + effect.late;
        }
        return {};
    }
    account.updates.erase(account.updates.begin(), account.updates.begin() + static_cast<std::ptrdiff_t>(count));
    if (effect.is_lost) {
        return {};
    }
    spoil(rows, effect);
    return rows;
}

void KiteExchange::square_off(Time now, std::string_view user_id) {
    advance(now);
    const std::optional<std::size_t> account = find_account(user_id);
    ALPHA_ASSERT(account.has_value(), "no account of that name");
    square_off(*account, std::nullopt);
}

// ---- who is who -----------------------------------------------------------------------------------------------------

std::optional<std::size_t> KiteExchange::find_account(std::string_view user_id) const {
    const auto found =
        std::ranges::find_if(accounts_, [&](const Account& each) { return each.settings.user_id == user_id; });
    if (found == accounts_.end()) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - accounts_.begin());
}

KiteExchange::Account& KiteExchange::account_of(std::string_view user_id) {
    const std::optional<std::size_t> found = find_account(user_id);
    ALPHA_ASSERT(found.has_value(), "no account of that name");
    return accounts_[*found];
}

std::optional<std::size_t> KiteExchange::find_market(std::string_view exchange, std::string_view tradingsymbol) const {
    const auto found = std::ranges::find_if(markets_, [&](const Market& each) {
        return each.instrument.tradingsymbol == tradingsymbol && each.instrument.exchange == exchange;
    });
    if (found == markets_.end()) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - markets_.begin());
}

KiteExchange::Order* KiteExchange::find_order(const std::string& order_id) {
    const auto found = orders_.find(order_id);
    return found == orders_.end() ? nullptr : &found->second;
}

const KiteExchange::Order* KiteExchange::find_order(const std::string& order_id) const {
    const auto found = orders_.find(order_id);
    return found == orders_.end() ? nullptr : &found->second;
}

}  // namespace alpha::kite
