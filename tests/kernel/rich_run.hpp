#pragma once
/// A floor on which everything happens: three strategies that ask for anything, two brokers that answer anything a
/// broker may (late, twice, in part, not at all; one says that it knows links and does not keep to them, the other knows
/// none), nights, timers, kills of every scope, halts and restarts. Each move carries its own dice,
/// so that a run is a list of moves which can be repeated, cut and shrunk.

#include "tests/kernel/market_rules.hpp"
#include "tests/kernel/support.hpp"

#include <map>
#include <stdexcept>

namespace alpha::test {

struct Move {
    std::uint32_t kind = 0;
    std::uint32_t wait_ms = 0;
    std::uint32_t price = 0;
    std::uint64_t dice = 0;
};

inline std::vector<Move> moves_of(std::uint64_t seed, std::size_t count) {
    Dice dice(seed);
    std::vector<Move> moves(count);
    for (Move& move : moves) {
        move.kind = static_cast<std::uint32_t>(dice.next() >> 40U);
        move.wait_ms = static_cast<std::uint32_t>(dice.next() >> 40U);
        move.price = static_cast<std::uint32_t>(dice.next() >> 40U);
        move.dice = dice.next();
    }
    return moves;
}

class RichRun {
public:
    RichRun() : floor_(setup()) {
        for (std::size_t s = 0; s < 3; ++s) {
            ScriptedStrategy& strategy = floor_.strategy(s);
            strategy.on_quote = [this, s](const QuoteTick& q, Context& c) { request(s, q.instrument, c); };
            strategy.on_bar = [this, s](const BarClosed& b, Context& c) { request(s, b.instrument, c); };
            strategy.on_timer = [this, s](TimerId, Context& c) { request(s, kIbm, c); };
            strategy.on_fill = [this, s](const OrderFilled& f, Context& c) {
                if (dice_.below(4) == 0) {
                    request(s, f.instrument, c);
                }
            };
            strategy.on_order = [this, s](const OrderUpdate& u, Context& c) {
                if (u.status == OrderStatus::rejected && dice_.below(4) == 0) {
                    request(s, kIbm, c);
                }
                if (s == 2 && dice_.below(400) == 0) {
                    c.place(market_order(Side::buy, "1"));
                    throw std::runtime_error("bad day");
                }
            };
        }
        for (std::size_t b = 0; b < 2; ++b) {
            ScriptedBroker& broker = floor_.broker(b);
            broker.links = b == 0;
            broker.answer = [this, b](Time, const Effect& e, Reports& out) { answer(b, e, out); };
            broker.at_market = [this, b](Time, InstrumentId i, Price bid, Price ask, Reports& out) {
                trade(b, i, bid, ask, out);
            };
            broker.at_action = [this, b](const CorporateAction& e, std::span<const OrderAdjusted> orders,
                                         Reports& out) { adjust(b, e, orders, out); };
            broker.at_session_close = [this, b](Time, const TradingSessionClosed& e, Reports& out) {
                expire(b, e, out);
            };
        }
    }

    static Setup setup() {
        return Setup()
            .instrument("IBM")
            .instrument("BAC", {19'800, hms(9, 15), hms(15, 30)}, "0.05", "5")
            .instrument("FUT")
            .contract(InstrumentKind::future, "2024-01-04", 5, "IBM")
            .portfolio("main", "100000")
            .portfolio("side", "5000.00000001")
            .broker("desk")
            .broker("other")
            .strategy("one", {kIbm, kBac})
            .strategy("two", {kIbm}, kSide, BrokerId{1})
            .strategy("three", {kBac, kIbm, InstrumentId{2}}, kMain, BrokerId{1})
            .limit(Rule::position, "120")
            .limit(Rule::open_orders, "12")
            .limit(Rule::order_rate, "9")
            .limit(Rule::price_band, "20")
            .limit(Rule::gross_exposure, "14000")
            .limit(Rule::daily_loss, "900")
            .limit(Rule::buying_power, "1.5")
            .charges("0.05", "0.00031")
            .snapshots_every(120);
    }

    void play(const Move& move) {
        dice_ = Dice(move.dice | 1U);
        // Mostly within a second, so that the rate's window matters; now and then a minute, an hour or a night.
        const std::int64_t waits[] = {0, 1, 300, 999, 1'000, 1'001, 7'000, 61'000, 3'600'000, 40'000'000};
        now_ = now_ + Duration{waits[move.wait_ms % std::size(waits)] * 1'000'000};
        const InstrumentId instrument{(move.kind >> 8U) % 3};
        const Price price{(9'000 + static_cast<std::int64_t>(move.price % 2'001)) * 1'000'000 + (move.price % 3)};
        switch (move.kind % 16) {
        case 0: return bar(instrument, price);
        case 1: return floor_.tell(now_, outside());
        case 2:
            return dice_.below(4) == 0 ? floor_.kill(now_, PortfolioId{(move.kind >> 9U) % 2},
                                                     static_cast<LatchScope>(1 + dice_.below(3)))
                                       : quote(instrument, price);
        case 3:
            return dice_.below(4) == 0 ? floor_.resume(now_, static_cast<std::uint32_t>(dice_.below(3)))
                                       : floor_.release(now_, PortfolioId{(move.kind >> 9U) % 2});
        case 4: {
            if (floor_.state().instruments.size() < 5) {
                Instrument found;
                found.name = "X" + std::to_string(floor_.state().instruments.size());
                return void(floor_.list(now_, found));
            }
            return change_market();
        }
        case 5: return dice_.below(4) == 0 ? reconfigure() : quote(instrument, price);
        default: return quote(instrument, price);
        }
    }
    void play(const std::vector<Move>& moves) {
        for (const Move& move : moves) {
            play(move);
        }
    }

    Floor& floor() { return floor_; }
    Time now() const { return now_; }
    /// Every execution reported so far, for telling it twice.
    const Reports& executions() const { return executions_; }

private:
    struct Working {
        OrderTerms terms;
        Date good_until;
        Qty left;
    };

    void quote(InstrumentId instrument, Price price) {
        const Price ask{price.raw + 2'000'000};
        floor_.quote(now_, to_string(price), to_string(ask), instrument);
        if (price.raw % 5 == 0) {
            floor_.trade(now_, to_string(Price{price.raw + 3'000'000}), instrument);
        }
    }
    void bar(InstrumentId instrument, Price price) {
        if (dice_.below(2) == 0) {
            floor_.bar_opened(now_, to_string(price), instrument);
        } else {
            floor_.bar_closed(now_, to_string(price), instrument);
        }
    }

    /// Other limits, charges and boundaries from here on, and perhaps a strategy that begins anew.
    void reconfigure() {
        RunConfigured config = floor_.state().config;
        const RunConfigured first = setup().config();
        for (std::size_t i = 0; i < config.risk.size(); ++i) {
            const auto percent = static_cast<std::int64_t>(50 + dice_.below(101));
            config.risk[i].limit = Money{first.risk[i].limit.raw / 100 * percent};
        }
        config.charges.per_fill = Money{Int128{dice_.below(3)} * 5'000'000};
        config.snapshot_interval = Duration{static_cast<std::int64_t>(dice_.below(4)) * 60 * kSecondNs};
        const std::size_t s = dice_.below(4);
        floor_.reconfigure(config, s < 3 ? std::vector<std::size_t>{s} : std::vector<std::size_t>{});
    }

    /// Another calendar, other charges, products or margins, other terms of an instrument, or another share.
    void change_market() {
        const auto change = dice_.below(8);
        if (change == 7) {
            MarginRules rules = small_margins();
            rules.rows.back().product = Product::none;  // futures, too, where they are traded under none
            rules.rows[2].product = Product::none;
            return floor_.margins(now_, dice_.below(3) == 0 ? MarginRules{} : rules);
        }
        if (change == 6) {
            const InstrumentId settled{static_cast<std::uint32_t>(2 * dice_.below(2))};
            const Date today = floor_.state().market(settled).session_date;
            return floor_.settles(now_, settled, std::max(today, Date{0}), dice_.below(4) == 0 ? "-3.25" : "99.125");
        }
        if (change == 0) {
            return floor_.products(now_, dice_.below(3) == 0 ? ProductRules{} : small_products(dice_.below(2) == 0));
        }
        if (change < 3) {
            return act();
        }
        if (change < 5) {
            markets::MarketRules rules;
            if (dice_.below(3) != 0) {
                rules.calendars = {auction_calendar()};
            }
            if (dice_.below(3) != 0) {
                rules.charges = small_plan();
            }
            rules.unknown_days = dice_.below(2) == 0 ? markets::UnknownDays::strict : markets::UnknownDays::lenient;
            return floor_.rules(now_, rules);
        }
        Instrument changed = floor_.state().instruments[kBac.value];
        changed.calendar = dice_.below(3) == 0 ? "" : "AUCTION";
        changed.freeze = dice_.below(3) == 0 ? qty("40") : Qty{};
        changed.isin = dice_.below(2) == 0 ? "US0605051046" : "";
        floor_.change(now_, kBac, changed);
    }

    void act() {
        const InstrumentId instrument{static_cast<std::uint32_t>(dice_.below(2))};
        const Price paid{static_cast<std::int64_t>(1 + dice_.below(200)) * kScale};
        // One throw a statement: compilers throw the dice among a call's arguments in different orders.
        const auto into = static_cast<std::int64_t>(1 + dice_.below(5));
        const auto from = static_cast<std::int64_t>(1 + dice_.below(3));
        CorporateAction action = split(instrument, into, from, paid);
        switch (dice_.below(8)) {
        case 0:
        case 1: action = dividend(instrument, money("0.37")); break;
        case 2:
            action.kind = ActionKind::merger;
            action.amount = money("1.25");
            action.other = InstrumentId{1 - instrument.value};
            break;
        case 3:
            action.kind = ActionKind::demerger;
            action.cost_part = money("0.3");
            action.other = InstrumentId{1 - instrument.value};
            break;
        default: break;
        }
        floor_.act(now_, action);
    }

    // ---- what strategies ask ----------------------------------------------------------------------

    /// Mostly one that there is, where there are any.
    Product some_product() {
        const bool are_any = !floor_.state().products.is_silent();
        return dice_.below(8) == 0 ? static_cast<Product>(dice_.below(kProducts))
               : are_any           ? static_cast<Product>(1 + dice_.below(3))
                                   : Product::none;
    }
    void request(std::size_t s, InstrumentId instrument, Context& c) {
        if (s == 1 || (s == 0 && instrument.value == 2)) {
            instrument = kIbm;
        }
        const Product product = some_product();
        const auto with = [&](OrderTerms terms) {
            terms.product = product;
            return terms;
        };
        const Side side = dice_.below(2) == 0 ? Side::buy : Side::sell;
        const Qty quantity{static_cast<std::int64_t>(dice_.below(12)) * (instrument == kBac ? 5 : 1) * kScale};
        const Price mark{c.view().market(instrument).mark.raw / 5'000'000 * 5'000'000};
        const Price away{mark.raw + (static_cast<std::int64_t>(dice_.below(101)) - 50) * 5'000'000};
        const TimeInForce tif = static_cast<TimeInForce>(1 + dice_.below(3));
        switch (dice_.below(18)) {
        case 0:
        case 1: c.place(with({instrument, side, OrderType::market, tif, quantity, {}, {}})); return;
        case 2:
        case 3: c.place(with({instrument, side, OrderType::limit, tif, quantity, away, {}})); return;
        case 4: c.stop(instrument, side, quantity, away, tif); return;
        case 5: c.stop_limit(instrument, side, quantity, away, mark, tif); return;
        case 6: c.cancel(some_order(c)); return;
        case 7: c.modify(some_order(c), quantity, away, {}); return;
        case 8: {
            const TimerId timer{dice_.below(3)};
            c.set_timer(timer, c.view().now() + Duration{static_cast<std::int64_t>(dice_.below(90)) * kSecondNs});
            return;
        }
        case 9: c.cancel_timer(TimerId{dice_.below(3)}); return;
        case 10: c.signal(instrument, static_cast<Direction>(1 + dice_.below(3))); return;
        case 11:
        case 12: {
            const std::int64_t step =
                static_cast<std::int64_t>(1 + dice_.below(40)) * 5'000'000 * (side == Side::buy ? 1 : -1);
            c.bracket(with(dice_.below(2) == 0
                               ? OrderTerms{instrument, side, OrderType::market, tif, quantity, {}, {}}
                               : OrderTerms{instrument, side, OrderType::limit, tif, quantity, away, {}}),
                      Price{mark.raw - step}, Price{mark.raw + step});
            return;
        }
        case 13:
            c.one_cancels_other(with({instrument, side, OrderType::limit, tif, quantity, away, {}}),
                                with({instrument,
                                      dice_.below(3) == 0 ? opposite(side) : side,
                                      OrderType::stop,
                                      tif,
                                      dice_.below(2) == 0 ? quantity : qty("5"),
                                      {},
                                      mark}));
            return;
        case 14: {
            OrderTerms reduces{instrument, side, OrderType::limit, tif, quantity, away, {}, true};
            reduces.tag = "exit";
            c.place(with(reduces));
            return;
        }
        case 15: {  // links that may make sense or not
            std::array<OrderTerms, 4> orders;
            for (OrderTerms& order : orders) {
                order = {instrument, dice_.below(2) == 0 ? side : opposite(side), OrderType::limit, tif, quantity, away,
                         {}};
                order.parent = OrderId{dice_.below(3)};
                order.group = OrderId{dice_.below(5)};
            }
            orders[0].parent = OrderId{};
            c.place_linked(std::span(orders).first(dice_.below(5)));
            return;
        }
        default: return;
        }
    }
    OrderId some_order(const Context&) {
        const auto& open = floor_.state().open_orders;
        if (open.empty()) {
            return OrderId{dice_.below(50)};
        }
        return std::next(open.begin(), static_cast<std::ptrdiff_t>(dice_.below(open.size())))->first;
    }

    // ---- what brokers answer ----------------------------------------------------------------------

    void answer(std::size_t b, const Effect& effect, Reports& out) {
        if (const auto* linked = std::get_if<PlaceLinked>(&effect)) {
            for (const PlaceOrder& order : linked->orders) {
                answer(b, order, out);
            }
            return;
        }
        if (const auto* place = std::get_if<PlaceOrder>(&effect)) {
            const auto luck = dice_.below(10);
            if (luck == 0) {
                out.push_back(report(ReportKind::rejected, place->order.value, "no luck"));
                return;
            }
            if (luck != 1) {  // a broker that fills before it acknowledges has acknowledged
                out.push_back(
                    report(ReportKind::accepted, place->order.value, "b" + std::to_string(place->order.value)));
            }
            working_[b][place->order] = {place->terms, place->good_until, place->terms.quantity};
            if (place->terms.type == OrderType::market) {
                const Market& market = floor_.state().market(place->terms.instrument);
                execute(b, place->order, market.mark, out);
            } else if (place->terms.tif == TimeInForce::ioc) {
                working_[b].erase(place->order);
                out.push_back(report(ReportKind::cancelled, place->order.value, "ioc"));
            }
            return;
        }
        const OrderId id = std::holds_alternative<CancelOrder>(effect) ? std::get<CancelOrder>(effect).order
                                                                       : std::get<ModifyOrder>(effect).order;
        const auto found = working_[b].find(id);
        const auto luck = dice_.below(6);
        if (const auto* change = std::get_if<ModifyOrder>(&effect)) {
            if (luck == 0) {
                return;  // no answer, ever
            }
            if (luck == 1 || found == working_[b].end()) {
                out.push_back(report(ReportKind::modify_rejected, id.value, "not now"));
                return;
            }
            found->second.left += change->quantity - found->second.terms.quantity;
            found->second.terms.quantity = change->quantity;
            ScriptedBroker::obeyed(effect, out);
            if (found->second.left.raw <= 0) {
                working_[b].erase(found);
            }
            return;
        }
        if (luck == 0) {
            return;
        }
        if (luck == 1 || found == working_[b].end()) {
            out.push_back(report(ReportKind::cancel_rejected, id.value, "not now"));
            return;
        }
        if (luck == 2) {
            execute(b, id, floor_.state().market(found->second.terms.instrument).mark, out);  // it was faster
        }
        working_[b].erase(id);
        ScriptedBroker::obeyed(effect, out);
    }
    void trade(std::size_t b, InstrumentId instrument, Price bid, Price ask, Reports& out) {
        std::vector<OrderId> due;
        for (const auto& [id, order] : working_[b]) {
            if (order.terms.instrument == instrument && dice_.below(3) == 0) {
                due.push_back(id);
            }
        }
        for (const OrderId id : due) {
            const bool is_stop = working_[b][id].terms.stop_price.raw != 0;
            if (is_stop && dice_.below(2) == 0) {
                out.push_back(report(ReportKind::triggered, id.value));
            }
            execute(b, id, working_[b][id].terms.side == Side::buy ? ask : bid, out);
        }
    }
    void execute(std::size_t b, OrderId id, Price price, Reports& out) {
        Working& order = working_[b].at(id);
        if (price.raw <= 0 || order.left.raw <= 0) {
            return;
        }
        BrokerReport fill = report(ReportKind::filled, id.value);
        fill.quantity =
            dice_.below(2) == 0
                ? order.left
                : Qty{1 + static_cast<std::int64_t>(dice_.below(static_cast<std::uint64_t>(order.left.raw)))};
        fill.price = price;
        fill.trade = "t" + std::to_string(++trades_);
        order.left -= fill.quantity;
        if (order.left.raw == 0) {
            working_[b].erase(id);
        }
        out.push_back(fill);
        executions_.push_back(fill);
        if (dice_.below(20) == 0) {
            out.push_back(fill);  // told twice
        }
    }
    /// Orders are what the facts say; the others end.
    void adjust(std::size_t b, const CorporateAction& action, std::span<const OrderAdjusted> orders, Reports& out) {
        for (auto at = working_[b].begin(); at != working_[b].end();) {
            auto& [id, order] = *at;
            if (order.terms.instrument != action.instrument || action.kind == ActionKind::dividend) {
                ++at;
                continue;
            }
            const auto to = std::ranges::find(orders, id, &OrderAdjusted::order);
            if (to == orders.end()) {
                out.push_back(report(ReportKind::cancelled, id.value, "corporate action"));
                at = working_[b].erase(at);
                continue;
            }
            order.terms.quantity = to->quantity;
            order.terms.limit_price = to->limit_price;
            order.terms.stop_price = to->stop_price;
            order.left = to->quantity - to->filled;
            at = order.left.raw <= 0 ? working_[b].erase(at) : std::next(at);
        }
    }
    void expire(std::size_t b, const TradingSessionClosed& session, Reports& out) {
        std::erase_if(working_[b], [&](const auto& entry) {
            const auto& [id, order] = entry;
            const bool ends = order.terms.instrument == session.instrument && order.terms.tif == TimeInForce::day &&
                              order.good_until <= session.date;
            if (ends) {
                out.push_back(report(ReportKind::expired, id.value));
            }
            return ends;
        });
    }
    /// From outside: something about any order, known or not, possible or not.
    BrokerReport outside() {
        const std::uint64_t order = dice_.below(floor_.state().next_order.value + 2);
        if (dice_.below(4) == 0 && !executions_.empty()) {
            return executions_[dice_.below(executions_.size())];
        }
        BrokerReport r = report(static_cast<ReportKind>(1 + dice_.below(9)), order, "outside");
        r.quantity = Qty{static_cast<std::int64_t>(dice_.below(20)) * kScale};
        r.limit_price = px("95");
        r.price = px("99.123");
        r.trade = "o" + std::to_string(++trades_);
        if (r.kind == ReportKind::filled) {
            executions_.push_back(r);
        }
        return r;
    }

    Dice dice_{1};
    Time now_ = at(0);
    std::map<OrderId, Working> working_[2];
    std::uint64_t trades_ = 0;
    Reports executions_;
    Floor floor_;
};

}  // namespace alpha::test
