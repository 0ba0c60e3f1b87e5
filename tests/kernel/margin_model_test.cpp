/// Rule `margin` against kernel/margin.hpp alone: amounts that were computed by hand from its table, and a model of what is held, slow and
/// plain, which knows nothing of orders and computes everything anew.

#include "kernel/margin.hpp"
#include "tests/kernel/market_rules.hpp"
#include "tests/kernel/support.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <sstream>

using namespace alpha;
using namespace alpha::test;

namespace {

constexpr Side buy = Side::buy;
constexpr Side sell = Side::sell;

enum Paper : std::uint32_t { ibm, jan, feb, mar, c100, c110 = 6, gold_fut = 12, kPapers };

/// A share, three months of futures and options on it, in tens, and contracts on gold, which the session does not know.
Setup desk(std::string_view cash, std::string_view charges) {
    Setup setup;
    setup.instrument("IBM");
    std::vector<InstrumentId> all{kIbm};
    for (const char* name :
         {"JAN", "FEB", "MAR", "C100", "C105", "C110", "P100", "P95", "P90", "FEB_C105", "GOLD_C50", "GOLD_FUT"}) {
        const std::string called = name;
        const bool is_gold = called.starts_with("GOLD");
        const std::size_t type = called.find_first_of("CP");
        const bool is_option = type != std::string::npos;
        const bool is_later = is_gold || called.starts_with("FEB");
        setup.instrument(called).contract(!is_option            ? InstrumentKind::future
                                          : called[type] == 'C' ? InstrumentKind::call
                                                                : InstrumentKind::put,
                                          called == "MAR" ? "2024-03-06"
                                          : is_later      ? "2024-02-07"
                                                          : "2024-01-03",
                                          10, is_gold ? "GOLD" : "IBM", is_option ? called.substr(type + 1) : "0");
        all.push_back(InstrumentId{static_cast<std::uint32_t>(all.size())});
    }
    return setup.portfolio("main", cash).broker("desk").strategy("one", all).charges(charges, charges);
}

/// A fifth of gold, 5 % beside it, and no spread.
MarginRules rules_with_gold() {
    MarginRules rules = small_margins();
    for (const MarginKind kind : {MarginKind::future, MarginKind::option}) {
        MarginRow& row = rules.rows.emplace_back(margin_row(Product::nrml, kind, "0.2"));
        row.underlying = "GOLD";
        row.exposure = parse_decimal("0.05").value();
    }
    return rules;
}

/// The share stands at 100, its futures at 100, 102 and 104, gold at 50, each option at 5.
struct Book : Floor {
    explicit Book(std::string_view cash = "100000", std::string_view leverage = "", std::string_view charges = "0")
        : Floor(leverage.empty() ? desk(cash, charges) : desk(cash, charges).limit(Rule::buying_power, leverage)) {
        Floor::margins(now_, rules_with_gold());
        broker().obey();
        broker().links = false;
        for (std::uint32_t i = 0; i < kPapers; ++i) {
            marks(static_cast<Paper>(i), i == feb        ? "102"
                                         : i == mar      ? "104"
                                         : i < c100      ? "100"
                                         : i == gold_fut ? "50"
                                                         : "5");
        }
    }
    Book& marks(std::uint32_t paper, std::string_view price) {
        prices_[paper] = px(price);
        quote_again(paper);
        return *this;
    }
    /// Contracts of January trade for the last time; all are quoted as before.
    Book& on_last_day() {
        now_ = at(2 * kDaySeconds + hms(10, 0));
        for (std::uint32_t i = 0; i < kPapers; ++i) {
            quote_again(i);
        }
        return *this;
    }
    /// With a quote that changes nothing.
    void tells(std::function<void(Context&)> request, std::uint32_t paper = ibm) {
        strategy().once(std::move(request));
        quote_again(paper);
    }
    /// "pass", or who refuses, the limit and what was seen.
    std::string asks(const OrderTerms& terms) {
        const std::size_t before = events().size();
        tells([&](Context& c) { c.place(terms); }, terms.instrument.value);
        for (std::size_t i = before; i < events().size(); ++i) {
            if (const auto* refused = std::get_if<OrderRefused>(&events()[i].event)) {
                return std::string(name_of(refused->rule)) + " " + to_string(refused->limit) + " " +
                       to_string(refused->observed);
            }
        }
        return "pass";
    }
    /// Of "buy 1 C100 5", under nrml unless it says "mis" or "cnc"; "only" where it only reduces.
    OrderTerms order_of(const std::string& text) const {
        std::istringstream words(text);
        std::string side, quantity, name, price;
        words >> side >> quantity >> name >> price;
        OrderTerms terms = limit_order(side == "buy" ? buy : sell, quantity, price, InstrumentId{paper(name)});
        terms.product = text.ends_with("mis") ? Product::mis : text.ends_with("cnc") ? Product::cnc : Product::nrml;
        terms.reduce_only = text.ends_with("only");
        return terms;
    }
    /// Orders that pass, those of `held` filled at their price; "mark C100 3" and "last day" in between.
    Book& does(const std::string& held, const std::string& ordered = {}) {
        std::istringstream lines(held);
        for (std::string line; std::getline(lines >> std::ws, line, ',');) {
            if (line == "last day") {
                on_last_day();
            } else if (line.starts_with("mark")) {
                const std::size_t end = line.rfind(' ');
                marks(paper(line.substr(5, end - 5)), line.substr(end + 1));
            } else {
                const OrderTerms terms = order_of(line);
                REQUIRE(asks(terms) == "pass");
                fills(state().next_order.value - 1, to_string(terms.quantity), to_string(terms.limit_price));
            }
        }
        std::istringstream orders(ordered);
        for (std::string line; std::getline(orders >> std::ws, line, ',');) {
            REQUIRE(asks(order_of(line)) == "pass");
        }
        return *this;
    }
    void fills(std::uint64_t id, std::string_view quantity, std::string_view price) {
        tell(now_, filled(id, quantity, price, "t" + std::to_string(++trades_)));
    }
    Funds funds() const { return funds_of(state(), RiskLimits(state().config), portfolio()).value(); }
    std::string used() const { return to_string(funds().used); }
    std::string equity() const { return to_string(funds().limit); }
    Price half_spread;

private:
    std::uint32_t paper(std::string_view name) const {
        return static_cast<std::uint32_t>(std::ranges::find(state().instruments, name, &Instrument::name) -
                                          state().instruments.begin());
    }
    void quote_again(std::uint32_t i) {
        const Price price = prices_[i];
        quote(now_, to_string(Price{price.raw - half_spread.raw}), to_string(Price{price.raw + half_spread.raw}),
              InstrumentId{i});
    }
    Time now_ = at(hms(10, 0));
    Price prices_[kPapers];
    std::uint64_t trades_ = 0;
};

// ---- the model ----------------------------------------------------------------------------------

Money part(Decimal rate, Money of) {
    return Money{divide_half_even(rate.raw * of.raw, kScale)};
}

class Model {
public:
    explicit Model(const State& state) : state_(state), equity_(state.portfolios[0].equity) {
        for (std::uint32_t i = 0; i < state.instruments.size(); ++i) {
            for (std::size_t p = 0; p < kProducts; ++p) {
                const Holding held = state.portfolios[0].position(InstrumentId{i}).of(static_cast<Product>(p));
                if (held.net.raw != 0) {
                    held_[{i, held.product}] = {held.net, held.cost};
                }
            }
        }
    }
    Qty net(std::uint32_t i, Product product) const {
        const auto at = held_.find({i, product});
        return at == held_.end() ? Qty{} : at->second.net;
    }
    Money equity() const { return equity_; }
    void charge(Money amount) { equity_ -= amount; }
    bool binds(std::uint32_t i, Product product) const { return terms_of(i, product).binds; }
    /// What opens is traded at the price, what closes at the mark where that is better.
    void fill(std::uint32_t i, Product product, Side side, Qty quantity, Price price) {
        Held& held = held_[{i, product}];
        const Qty closes = std::min(quantity, std::max(Qty{}, side == buy ? -held.net : held.net));
        const Qty opens = quantity - closes;
        if (closes.raw > 0) {
            const Price at = side == buy ? std::min(price, mark(i)) : std::max(price, mark(i));
            trade(i, side == buy ? closes : -closes, at);
            const Money gone = pro_rata(abs(held.cost), closes, abs(held.net));
            held.cost -= side == buy ? -gone : gone;
            held.net += side == buy ? closes : -closes;
        }
        const Qty more = side == buy ? opens : -opens;
        trade(i, more, price);
        held.net += more;
        held.cost += worth(i, price, more);
    }
    Money bound() const {
        Money sum;
        std::set<std::pair<std::string, Product>> families;
        for (const auto& [key, held] : held_) {
            const auto& [i, product] = key;
            const Terms terms = terms_of(i, product);
            if (held.net.raw == 0 || !terms.binds) {
                continue;
            }
            const Instrument& its = state_.instruments[i];
            const bool is_long = held.net.raw > 0;
            const Money v = abs(worth(i, mark(i), held.net));
            const Money c = abs(held.cost);
            const Money gain = std::max(Money{}, is_long ? v - c : c - v);
            if (its.kind == InstrumentKind::share) {
                sum += is_long ? v - part(decimal_of(1) - terms.r, std::min(v, c)) : part(terms.r, v) + gain;
                continue;
            }
            sum += its.is_option() && is_long ? v : gain;
            families.insert({its.underlying, product});
        }
        for (const auto& [underlying, product] : families) {
            sum += family(underlying, product);
        }
        return sum;
    }

private:
    struct Held {
        Qty net;
        Money cost;
    };
    struct Terms {
        bool binds = false;
        Decimal r, e, on_last_day, s;
    };
    struct Option {
        bool is_call;
        Qty units;  // negative where it is sold
        Price strike;
        Price reach;
    };
    Price mark(std::uint32_t i) const { return state_.markets[i].mark; }
    Money worth(std::uint32_t i, Price price, Qty quantity) const {
        return notional(state_.instruments[i], price, quantity);
    }
    void trade(std::uint32_t i, Qty quantity, Price price) {
        equity_ += worth(i, mark(i), quantity) - worth(i, price, quantity);
    }
    bool is_last_day(std::uint32_t i) const { return state_.markets[i].session_date == state_.instruments[i].expiry; }
    /// The row that names the underlying, else the one that names none, else the leverage.
    Terms terms_of(std::uint32_t i, Product product) const {
        const Instrument& its = state_.instruments[i];
        const MarginKind kind = its.kind == InstrumentKind::share    ? MarginKind::share
                                : its.kind == InstrumentKind::future ? MarginKind::future
                                                                     : MarginKind::option;
        for (const std::string& named : {its.underlying, std::string()}) {
            for (const MarginRow& row : state_.margin_rules.rows) {
                if (row.product == product && row.kind == kind && row.underlying == named) {
                    return {true, row.rate, row.exposure, is_last_day(i) ? row.expiry_exposure : Decimal{}, row.spread};
                }
            }
        }
        for (const RiskLimit& each : state_.config.risk) {
            if (each.rule == Rule::buying_power) {
                return {true, Decimal{Int128{kScale} * kScale / each.limit.raw}, {}, {}, {}};
            }
        }
        return {};
    }
    /// Over a grid: every strike, what is reached from it and twice that, and points between.
    static Money worst(const std::vector<Option>& options) {
        std::vector<std::int64_t> grid{0};
        for (const Option& each : options) {
            for (std::int64_t step = -8; step <= 8; ++step) {
                grid.push_back(each.strike.raw + each.reach.raw * step / 4);
            }
        }
        Money worst;
        for (const std::int64_t x : grid) {
            Money loss;
            for (const Option& each : options) {
                const std::int64_t beyond = each.is_call ? x - each.strike.raw : each.strike.raw - x;
                const std::int64_t most = each.units.raw < 0 ? each.reach.raw : limits::kMaxPrice.raw;
                loss -= notional(Price{std::clamp<std::int64_t>(beyond, 0, most)}, each.units);
            }
            worst = std::max(worst, loss);
        }
        return worst;
    }
    Price worth_of(const std::string& underlying, Price strike) const {
        for (std::uint32_t i = 0; i < state_.instruments.size(); ++i) {
            if (state_.instruments[i].name == underlying) {
                return mark(i);
            }
        }
        return strike;
    }
    /// Where more than two months are against each other: the dearest.
    Money family(const std::string& underlying, Product product) const {
        std::map<std::pair<bool, Date>, std::vector<Option>> options;
        Qty units[2];  // of futures long and short
        Money value[2];
        Price dearest;
        Terms month;
        Money rise;
        Money fall;
        Money beside;
        for (const auto& [key, held] : held_) {
            const std::uint32_t i = key.first;
            const Instrument& its = state_.instruments[i];
            const Terms terms = terms_of(i, product);
            if (its.underlying != underlying || key.second != product || held.net.raw == 0 || !terms.binds) {
                continue;
            }
            const Money v = abs(worth(i, mark(i), held.net));
            if (its.is_option()) {
                const bool is_call = its.kind == InstrumentKind::call;
                const Price u = worth_of(underlying, its.strike);
                const Price reach{static_cast<std::int64_t>(part(terms.r, Money{u.raw}).raw)};
                options[{is_call, its.expiry}].push_back({is_call, its.units(held.net), its.strike, reach});
                if (held.net.raw < 0) {
                    beside += part(terms.e, worth(i, u, -held.net)) + part(terms.on_last_day, worth(i, u, -held.net));
                }
            } else if (terms.s.raw == 0 || is_last_day(i)) {
                beside += part(terms.r, v) + part(terms.e, v);
            } else {
                const std::size_t side = held.net.raw > 0 ? 0 : 1;
                units[side] += its.units(abs(held.net));
                value[side] += v;
                dearest = std::max(dearest, mark(i));
                month = terms;
            }
        }
        for (const auto& [key, of_one_expiry] : options) {
            (key.first ? rise : fall) += worst(of_one_expiry);
        }
        const Qty both = std::min(units[0], units[1]);
        const Money beyond = value[0] - value[1];
        (beyond.raw > 0 ? fall : rise) += part(month.r, abs(beyond));
        beside += part(month.s, notional(dearest, both)) + part(month.e, std::max(value[0], value[1]));
        return std::max(rise, fall) + beside;
    }

    const State& state_;
    std::map<std::pair<std::uint32_t, Product>, Held> held_;
    Money equity_;
};

// ---- a random session ---------------------------------------------------------------------------

/// Orders of every kind, fills in part and in whole, changes, cancels, marks and a last day. After each move:
///   - where no order is open, exactly what the model says is bound;
///   - whatever of the open orders fills, each whole, half or not, bound less equity is no more by the model than it was by funds_of. Marks
///     stay; prices are the order's own while no mark has moved since, later no worse than that and the touch. What closes does so at
///     the mark or better, for it reserves nothing. Shares that are sold are valued when they are ordered: left out once their mark moves.
/// Orders that only reduce are never beside others of their side here: they have cases of their own.
class RandomRun {
public:
    explicit RandomRun(std::uint64_t seed)
        : log_("seed " + std::to_string(seed)),
          dice_((seed * 0x9E3779B97F4A7C15U) | 1U),
          focus_(seed % 4),
          book_(some({"3000", "20000", "1000000"}), some({"", "4"}), some({"0", "0.001"})) {
        book_.half_spread = px(some({"0", "0.05"}));
    }
    void play(int moves) {
        for (int i = 0; i < moves; ++i) {
            move(i == moves / 2);
            check();
        }
        close_all();
    }
    int settled = 0;
    int foreseen = 0;

private:
    const State& state() const { return book_.state(); }
    std::int64_t roll(std::int64_t n) { return static_cast<std::int64_t>(dice_.next() >> 20U) % n; }
    const char* some(std::initializer_list<const char*> of) { return of.begin()[roll(std::ssize(of))]; }
    /// From `least` to `most` per cent of the mark, in hundredths.
    Price near(std::uint32_t i, std::int64_t least, std::int64_t most) {
        const std::int64_t percent = least + roll(most - least + 1);
        return Price{std::max<std::int64_t>(10, state().markets[i].mark.raw / 1'000'000 * percent / 100) * 1'000'000};
    }
    Order some_order() { return std::next(state().open_orders.begin(), roll(std::ssize(state().open_orders)))->second; }
    void move(bool begins_last_day) {
        const auto kind = begins_last_day ? 0 : 1 + roll(20);
        const bool is_open = !state().open_orders.empty();
        if (begins_last_day) {
            log_ += "\nlast day";
            book_.on_last_day();
            has_moved_ = true;
        } else if (kind < 4 && (!is_open || roll(2) == 0)) {
            const auto i = static_cast<std::uint32_t>(roll(kPapers));
            const std::string price = to_string(near(i, 90, 110));
            log_ += "\nmark " + state().instruments[i].name + " " + price;
            book_.marks(i, price);
            has_moved_ = true;
            has_share_moved_ = has_share_moved_ || i == ibm;
        } else if (kind < 11 && state().open_orders.size() < 6) {
            place();
        } else if (kind < 16 && is_open) {
            fill();
        } else if (kind < 18 && is_open) {
            const Order order = some_order();
            log_ += "\ncancel " + std::to_string(order.id.value);
            book_.tells([&](Context& c) { c.cancel(order.id); });
        } else if (kind < 19 && is_open) {
            change();
        } else {
            cancel_all();
        }
        if (state().open_orders.empty()) {
            has_moved_ = has_share_moved_ = false;
        }
    }
    void cancel_all() {
        log_ += "\ncancel all";
        while (!state().open_orders.empty()) {
            book_.tells([&](Context& c) { c.cancel(state().open_orders.begin()->first); });
        }
    }
    void place() {
        const std::int64_t any = roll(kPapers);
        const auto i = static_cast<std::uint32_t>(focus_ == 0   ? any
                                                  : focus_ == 1 ? jan + roll(5)
                                                  : focus_ == 2 ? c100 + roll(7)
                                                                : (roll(4) == 0 ? any : roll(c110)));
        const Side side = roll(2) == 0 ? buy : sell;
        OrderTerms terms = market_order(side, std::to_string(1 + roll(5)), InstrumentId{i});
        const auto type = roll(4);
        if (type == 1) {
            terms.type = OrderType::stop;
            terms.stop_price = side == buy ? near(i, 102, 115) : near(i, 85, 98);
        } else if (type > 1) {
            terms.type = OrderType::limit;
            terms.limit_price = near(i, 85, 115);
        }
        const Product of_shares[] = {Product::cnc, Product::mis, Product::none};
        terms.product = i == ibm ? of_shares[roll(3)] : roll(4) == 0 && focus_ % 3 == 0 ? Product::mis : Product::nrml;
        terms.reduce_only = roll(8) == 0;
        OrderTerms other = terms;
        other.type = OrderType::limit;
        other.stop_price = {};
        other.quantity = qty_of(1 + roll(5));
        other.limit_price = near(i, 85, 115);
        const bool is_pair = !terms.reduce_only && state().open_orders.size() < 5 && roll(6) == 0;
        for (const auto& [id, order] : state().open_orders) {
            if (order.terms.instrument == terms.instrument && order.terms.product == terms.product &&
                order.terms.side == side && order.terms.reduce_only != terms.reduce_only) {
                return;
            }
        }
        log_ += "\n" + std::to_string(state().next_order.value) + ": " + name_of(side) + " " +
                to_string(terms.quantity) + " " + state().instruments[i].name + " " + name_of(terms.product) +
                " limit " + to_string(terms.limit_price) + " stop " + to_string(terms.stop_price) +
                (terms.reduce_only ? " reduce_only" : "") +
                (is_pair ? " or " + to_string(other.quantity) + " limit " + to_string(other.limit_price) : "");
        if (is_pair) {  // which is not judged as one order is
            return book_.tells([&](Context& c) { c.one_cancels_other(terms, other); }, i);
        }
        judged([&](Context& c) { c.place(terms); }, i);
    }
    void change() {
        const Order order = some_order();
        const auto i = order.terms.instrument.value;
        const Price price = order.terms.type == OrderType::limit ? near(i, 85, 115) : Price{};
        const Qty quantity = order.filled + qty_of(1 + roll(5));
        const bool is_answered = order.terms.type != OrderType::limit || roll(2) == 0;
        log_ +=
            "\nchange " + std::to_string(order.id.value) + " to " + to_string(quantity) + " limit " + to_string(price);
        const auto asks = [&](Context& c) { c.modify(order.id, quantity, price, order.terms.stop_price); };
        if (is_answered) {
            return judged(asks, i);
        }
        book_.broker().answer = nullptr;  // the dearer of each counts for ever, which is not how it was judged
        book_.tells(asks, i);
        book_.broker().obey();
    }
    /// What passes leaves no more used than there is, unless it binds nothing more.
    void judged(const std::function<void(Context&)>& request, std::uint32_t i) {
        const std::size_t first = book_.events().size();
        const Money before = margin_bound(state(), kMain);
        book_.tells(request, i);
        for (std::size_t e = first; e < book_.events().size(); ++e) {
            const auto& event = book_.events()[e].event;
            if (std::holds_alternative<OrderRefused>(event) || std::holds_alternative<ChangeRefused>(event)) {
                log_ += " refused";
                return;
            }
        }
        INFO(log_ << "\nused " << book_.used() << " of " << book_.equity());
        REQUIRE((book_.funds().used <= book_.funds().limit || margin_bound(state(), kMain) <= before));
    }
    void fill() {
        const Order order = some_order();
        Qty most = order.leaves();
        if (order.terms.reduce_only) {
            most = std::min(most, abs(Model(state()).net(order.terms.instrument.value, order.terms.product)));
        }
        if (most.raw > 0) {
            const std::string quantity = to_string(roll(2) == 0 ? most : qty_of(1 + roll(most.raw / kScale)));
            const std::string price =
                to_string(roll(2) == 0 ? state().market(order.terms.instrument).mark : price_of(order));
            log_ += "\nfill " + std::to_string(order.id.value) + " " + quantity + " at " + price;
            book_.fills(order.id.value, quantity, price);
        }
    }
    /// The order's own price, as long as nothing has moved.
    Price price_of(const Order& order) const {
        const OrderTerms& terms = order.terms;
        const Price mark = state().market(terms.instrument).mark;
        const Price touch = state().market(terms.instrument).touch(terms.side);
        const auto better = [&](Price a, Price b) { return terms.side == buy ? std::min(a, b) : std::max(a, b); };
        if (!Model(state()).binds(terms.instrument.value, terms.product) || terms.reduce_only) {
            return mark;  // nothing is reserved
        }
        switch (terms.type) {
        case OrderType::limit: return has_moved_ ? better(terms.limit_price, mark) : terms.limit_price;
        case OrderType::market: return has_moved_ ? better(order.valued_at, touch) : touch;
        default: return better(terms.stop_price, mark);
        }
    }
    void check() {
        INFO(log_);
        const Funds funds = book_.funds();
        const Model now(state());
        if (state().open_orders.empty()) {
            ++settled;
            INFO("used " << to_string(funds.used) << ", by the model " << to_string(now.bound()));
            REQUIRE(abs(funds.used - now.bound()).raw <= 2);  // averages of three months are rounded
            return;
        }
        std::vector<Order> orders;
        std::size_t ways = 1;
        for (const auto& [id, order] : state().open_orders) {
            orders.push_back(order);
            ways *= 3;
        }
        const std::size_t stride = 1 + ways / 81;
        for (std::size_t way = 1 + static_cast<std::size_t>(roll(static_cast<std::int64_t>(stride))); way < ways;
             way += stride) {
            ++foreseen;
            std::ranges::rotate(orders, orders.begin() + 1);  // another one is the first to fill
            Model then(state());
            std::string what;
            std::set<OrderId> groups;
            std::size_t digits = way;
            for (const Order& order : orders) {
                what += fill_in(then, order, static_cast<std::int64_t>(digits % 3), way % 2 == 0, groups);
                digits /= 3;
            }
            const Money needs = then.bound() - then.equity();
            if (needs.raw > (funds.used - now.equity()).raw + 10) {
                FAIL("filled" << what << ": bound " << to_string(then.bound()) << " of " << to_string(then.equity())
                              << ", reserved " << to_string(funds.used) << " of " << to_string(now.equity()));
            }
        }
    }
    /// So many halves of the order, as it is or as a change on its way makes it; of a group one leg only.
    std::string fill_in(Model& then, const Order& order, std::int64_t halves, bool changed, std::set<OrderId>& groups) {
        const auto i = order.terms.instrument.value;
        const Product product = order.terms.product;
        const bool pends = changed && order.pending_value.raw != 0 && then.binds(i, product) && !has_moved_;
        const Qty total = (pends ? order.pending_quantity : order.terms.quantity) - order.filled;
        Qty quantity{std::max<std::int64_t>(0, total.raw) * halves / 2};
        if (order.terms.reduce_only) {
            const Qty net = then.net(i, product);
            quantity = std::min(quantity, std::max(Qty{}, order.terms.side == buy ? -net : net));
        }
        if (quantity.raw == 0 || (has_share_moved_ && i == ibm && order.terms.side == sell) ||
            (order.terms.group.value != 0 && !groups.insert(order.terms.group).second)) {
            return {};
        }
        const Price price = pends ? order.pending_value : price_of(order);
        const ChargesConfig& charges = state().config.charges;
        const Price charged = std::min(price, pends ? order.pending_value : order.valued_at);
        then.charge(charges.per_fill + part(charges.rate, notional(state().instruments[i], charged, quantity)));
        then.fill(i, product, order.terms.side, quantity, price);
        return " " + std::to_string(order.id.value) + " by " + to_string(quantity) + " at " + to_string(price);
    }
    /// The operator's orders close everything. Then nothing is used.
    void close_all() {
        INFO(log_);
        cancel_all();
        book_.kill(state().now, kMain, LatchScope::flatten);
        while (!state().open_orders.empty()) {
            const Order order = state().open_orders.begin()->second;
            const Price mark = state().market(order.terms.instrument).mark;
            book_.fills(order.id.value, to_string(order.leaves()), to_string(mark));
        }
        CHECK(Model(state()).bound() == Money{});
        CHECK(book_.used() == "0");
    }

    std::string log_;
    Dice dice_;
    std::uint64_t focus_;
    Book book_;
    bool has_moved_ = false;
    bool has_share_moved_ = false;
};

}  // namespace

TEST_CASE("what is bound is what a plain model says, and whatever fills binds no more than was reserved",
          "[kernel][margin]") {
    int settled = 0;
    int foreseen = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        RandomRun run(seed);
        run.play(60);
        settled += run.settled;
        foreseen += run.foreseen;
    }
    CHECK(settled > 600);
    CHECK(foreseen > 20'000);
}

TEST_CASE("what is held binds what the table says", "[kernel][margin]") {
    struct Row {
        const char* why;
        const char* held;
        const char* used;
        const char* ordered = "";
    };
    const Row rows[] = {
        {"a fifth of 1,000", "buy 10 IBM 100 mis", "200"},
        {"worth 1,200, of which 800 are lent", "buy 10 IBM 100 mis, mark IBM 120", "400"},
        {"worth 800, of which 640 are lent", "buy 10 IBM 100 mis, mark IBM 80", "160"},
        {"a fifth of 900, and a gain of 100", "sell 10 IBM 100 mis, mark IBM 90", "280"},
        {"a fifth of 1,100", "sell 10 IBM 100 mis, mark IBM 110", "220"},
        {"in full, at its price", "", "900", "buy 10 IBM 90 cnc"},
        {"bought at 90, worth 1,000", "buy 10 IBM 90 cnc", "1000"},
        {"12 % of 1,000, and a gain of 100", "buy 1 JAN 90", "220"},
        {"12 % of 800", "buy 1 JAN 90, mark JAN 80", "96"},
        {"10 % of 20, 1 % and 2 % of 1,020", "buy 1 JAN 100, sell 1 FEB 102", "32.6"},
        {"10 % of 1,980, 1 % of 1,020, 2 % of 3,000", "buy 3 JAN 100, sell 1 FEB 102", "268.2"},
        {"12 % of 1,000 and of 1,020", "buy 1 JAN 100, sell 1 FEB 102, last day", "242.4"},
        {"12 % of 1,000", "sell 1 C100 5", "120"},
        {"the same, and a gain of 20", "sell 1 C100 5, mark C100 3", "140"},
        {"15 % on its last day", "sell 1 C100 5, last day", "150"},
        {"50 between strikes, 2 % of 1,000, 50 paid", "buy 1 C105 5, sell 1 C100 5", "120"},
        {"the other way: 2 % of 1,000, 50 paid", "buy 1 C100 5, sell 1 C105 5", "70"},
        {"at 115 two lose 200 and one wins 150; 4 %, 50 paid", "buy 1 C100 5, sell 2 C105 5", "140"},
        {"of another expiry: 120, and 50 paid", "sell 1 C100 5, buy 1 FEB_C105 5", "170"},
        {"one side of 100, 2 x 2 %", "sell 1 C105 5, sell 1 P95 5", "140"},
        {"one side of 50, 2 x 2 %, 100 paid", "buy 1 C110 5, buy 1 P90 5, sell 1 C105 5, sell 1 P95 5", "190"},
        {"a fall takes 200 whatever the future gains; 2 x 20 and 20.4", "sell 2 P100 5, sell 1 FEB 102", "260.4"},
        {"a rise takes 100 and 102; 20 and 20.4", "sell 1 C100 5, sell 1 FEB 102", "242.4"},
        {"paid in full", "buy 1 C100 5", "50"},
        {"20 % and 5 % of the strike", "sell 1 GOLD_C50 5", "125"},
        {"120, and a quarter of nothing is off it: 50 paid elsewhere", "sell 1 C100 5, buy 1 C105 5 mis", "170"},
        {"a quarter of 1,000 and of 1,020", "buy 1 JAN 100 mis, sell 1 FEB 102 mis", "505"},
        {"12 % of 3,060: what closes reserves nothing", "buy 3 FEB 102", "367.2", "sell 3 FEB 103"},
        {"120: nor does what buys a call back", "sell 1 C100 5", "120", "buy 1 C100 5"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        Book book("100000", "4");
        CHECK(book.does(row.held, row.ordered).used() == row.used);
    }
}

TEST_CASE("an order may bind what is free, and no more", "[kernel][margin]") {
    const auto told = [](Book& book, const char* order) { return book.asks(book.order_of(order)); };
    Book enough("120");
    CHECK(told(enough, "sell 1 C100 5") == "pass");
    Book less("119.99");
    CHECK(told(less, "sell 1 C100 5") == "margin 119.99 120");
    // 120 are bound. Without what protects it the call asks 50 more, until the 50 that were paid come back.
    Book hedged("150");
    hedged.does("buy 1 C105 5, sell 1 C100 5");
    CHECK(told(hedged, "sell 1 C105 5") == "margin 30 50");
    CHECK(told(hedged, "sell 1 C105 5 only") == "margin 30 50");
    CHECK(told(hedged, "buy 1 C100 5") == "pass");
    CHECK(hedged.used() == "120");
}

TEST_CASE("what only reduces may fill before what was to close", "[kernel][margin]") {
    Book book("500");
    book.does("buy 2 FEB 102", "sell 5 FEB 102");
    CHECK(book.used() == "367.2");                                                   // three are opened
    CHECK(book.asks(book.order_of("sell 2 FEB 102 only")) == "margin 132.8 244.8");  // five would be
    Book rich("700");
    rich.does("buy 2 FEB 102", "sell 5 FEB 102, sell 2 FEB 102 only");
    CHECK(rich.used() == "612");
    rich.fills(3, "2", "102");
    CHECK(rich.used() == "612");
}

TEST_CASE("exits sell what their entry has bought, and of a group one leg fills", "[kernel][margin]") {
    const auto bracket = [](Book& book) {
        book.tells([&](Context& c) { c.bracket(book.order_of("buy 2 FEB 100"), px("90"), px("110")); }, feb);
    };
    Book book("1000");
    book.does("buy 2 FEB 102");
    bracket(book);
    CHECK(book.used() == "489.6");
    CHECK(book.asks(book.order_of("sell 2 FEB 105")) == "pass");  // the two that are there
    CHECK(book.used() == "489.6");
    Book pair("1000");
    pair.does("buy 2 FEB 102");
    pair.tells(
        [&](Context& c) { c.one_cancels_other(pair.order_of("sell 2 FEB 110"), pair.order_of("sell 2 FEB 108 only")); },
        feb);
    CHECK(pair.used() == "244.8");
}

TEST_CASE("a butterfly asks for no more than it can lose", "[kernel][margin]") {
    Book book;
    book.does("buy 1 C100 5, buy 1 C110 5, sell 2 C105 5");
    CHECK(book.used() == "140");  // 100 paid, and 2 % of 2,000
}

TEST_CASE("an order away from the mark is worth its own price, and a contract is no other month of itself",
          "[kernel][margin]") {
    CHECK(Book().does("", "sell 1 JAN 110").used() == "132");
    CHECK(Book().does("", "buy 4 FEB 102, sell 4 FEB 102").used() == "489.6");  // 12 % of 4,080, either way
    CHECK(Book().does("", "buy 10 IBM 90 cnc").used() == "900");
    Book book;
    OrderTerms passed = book.order_of("buy 10 IBM 89 cnc");
    passed.type = OrderType::stop;
    std::swap(passed.stop_price, passed.limit_price);
    CHECK(book.asks(passed) == "pass");
    CHECK(book.used() == "1000");  // the market has passed its stop: it fills at the touch
}

/// As kernel/margin.hpp says.
TEST_CASE("what the rule leaves to whoever trades", "[kernel][margin]") {
    SECTION("what closes beyond the mark loses at once, and nothing is reserved for it") {
        Book book("180");
        book.does("sell 1 JAN 100", "buy 2 JAN 105").fills(2, "2", "105");
        CHECK(book.used() == "120");
        CHECK(book.equity() == "80");
    }
    SECTION("legs of a group that are to buy and to sell an option are asked for both") {
        Book less("509");
        less.tells(
            [&](Context& c) { c.one_cancels_other(less.order_of("buy 3 P90 5"), less.order_of("sell 3 P90 5")); },
            less.order_of("buy 3 P90 5").instrument.value);
        CHECK(less.used() == "0");
        Book book("510");
        const OrderTerms buys = book.order_of("buy 3 P90 5");
        const OrderTerms sells = book.order_of("sell 3 P90 5");
        book.tells([&](Context& c) { c.one_cancels_other(buys, sells); }, buys.instrument.value);
        CHECK(book.used() == "510");
    }
    SECTION("who holds a month against another may have to close both at once") {
        Book book("131");
        book.does("buy 1 JAN 100, sell 1 FEB 102, mark FEB 104");
        CHECK(book.used() == "35.2");
        CHECK(book.equity() == "111");
        CHECK(book.asks(book.order_of("sell 1 JAN 100 only")) == "margin 75.8 89.6");
        CHECK(book.asks(book.order_of("buy 1 FEB 102 only")) == "margin 75.8 84.8");
        book.kill(book.state().now, kMain, LatchScope::flatten);
        CHECK(book.state().open_orders.size() == 2);
    }
}
