#include "kernel/margin.hpp"

#include "kernel/open_orders.hpp"
#include "kernel/settlement.hpp"
#include "kernel/visits.hpp"
#include "markets/charges.hpp"
#include "markets/margins.hpp"

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

namespace alpha {

Money times(Money amount, Decimal rate) {
    return Money{amount.raw * (rate.raw / kScale)} +
           pro_rata(amount, Qty{static_cast<std::int64_t>(rate.raw % kScale)}, Qty{kScale});
}

namespace {

Price scaled(Price price, Decimal rate) {
    const Money scaled = times(Money{price.raw}, rate);
    return Price{static_cast<std::int64_t>(std::min<Int128>(scaled.raw, limits::kMaxPrice.raw))};
}

const MarginTerms& terms_of(const State& state, InstrumentId instrument, Product product) {
    return state.margin.terms[instrument.value][static_cast<std::size_t>(product)];
}

/// The leverage as what it asks of a value, rounded up; nothing where none is configured.
std::optional<Decimal> rate_of_leverage(const RunConfigured& config) {
    for (const RiskLimit& limit : config.risk) {
        if (limit.rule == Rule::buying_power) {
            const Int128 one = static_cast<Int128>(kScale) * kScale;
            return Decimal{(one + limit.limit.raw - 1) / limit.limit.raw};
        }
    }
    return std::nullopt;
}

/// The present day of an instrument: its session's, and before its first one the newest that rules know.
Date margin_day(const State& state, InstrumentId instrument) {
    const Date date = state.market(instrument).session_date;
    return date != kNoDay ? date : markets::kLastChargeDay;
}

MarginTerms terms_on(const State& state, InstrumentId instrument, Product product, Date day) {
    const Instrument& its = state.instruments[instrument.value];
    MarginTerms terms;
    const MarginRow* const row = markets::find_margin(state.margin_rules, its, product, day);
    if (row == nullptr) {
        const std::optional<Decimal> rate = rate_of_leverage(state.config);
        terms.binds = rate.has_value();
        terms.rate = rate.value_or(Decimal{});
        return terms;
    }
    const bool is_last_day = its.expires() && day >= last_day_of(state, instrument);
    terms.binds = true;
    terms.rate = row->rate;
    terms.exposure = Decimal{row->exposure.raw + (is_last_day ? row->expiry_exposure.raw : 0)};
    terms.spread = is_last_day ? Decimal{} : row->spread;
    return terms;
}

Qty clamped(Int128 units, std::int64_t multiplier = 1) {
    return Qty{static_cast<std::int64_t>(std::min<Int128>(units, limits::kMaxPosition.raw / multiplier))};
}

/// What is held under one product, and may be, of one instrument: with what is judged among it.
struct Leg {
    InstrumentId instrument;
    const Instrument* of = nullptr;
    const MarginTerms* terms = nullptr;
    Product product = Product::none;
    Holding held;  ///< without what is to come
    Price mark;
    bool is_judged = false;
    Qty reducing_buys;  ///< what orders that only reduce may buy, beside the open buys
    Qty reducing_sells;

    bool is_empty() const { return held.net.raw == 0 && held.open_buys.raw == 0 && held.open_sells.raw == 0; }
    Money value() const { return abs(notional(*of, mark, held.net)); }
    Money gain() const { return std::max(Money{}, notional(*of, mark, held.net) - held.cost); }
    /// What is surely left of it for orders of that side to close: what only reduces may fill before them.
    Int128 to_close(Side side) const {
        const bool buys = side == Side::buy;
        const Int128 net = buys ? -Int128{held.net.raw} : Int128{held.net.raw};
        return std::max<Int128>(0, net - (buys ? reducing_buys : reducing_sells).raw);
    }
    // The quantities that orders may lead to, each at its largest and at its least.
    Int128 long_max() const {
        return std::max<Int128>(0, std::max<Int128>(0, held.net.raw) + held.open_buys.raw - to_close(Side::buy));
    }
    Int128 short_max() const {
        return std::max<Int128>(0, std::max<Int128>(0, -Int128{held.net.raw}) + held.open_sells.raw -
                                       to_close(Side::sell));
    }
    Int128 long_min() const { return std::max<Int128>(0, to_close(Side::sell) - held.open_sells.raw); }
    Int128 short_min() const { return std::max<Int128>(0, to_close(Side::buy) - held.open_buys.raw); }
};

/// One option of a family: how much of it may be short, what of it is surely long, from where on it pays, and how far.
struct OptionLeg {
    Price strike;
    Price reach;  ///< r x U: the most that a move is taken to go into it
    Qty sold;     ///< in units of the underlying
    Qty bought;
};

/// What a family's orders and positions under one product may lose, by the table in the header.
class FamilyPart {
public:
    explicit FamilyPart(const State& state) : state_(state) {}

    void add(const Leg& leg) { leg.of->is_option() ? add_option(leg) : add_future(leg); }

    /// What it asks is least within what orders may lead to, so the worst is at one of its corners.
    Money sum() {
        const Money calls = options(InstrumentKind::call);
        const Money puts = options(InstrumentKind::put);
        Money worst;
        for (const Futures& longs : {longs_max_, longs_min_}) {
            for (const Futures& shorts : {shorts_max_, shorts_min_}) {
                const Money rise = calls + std::max(Money{}, shorts.risk - longs.risk);
                const Money fall = puts + std::max(Money{}, longs.risk - shorts.risk);
                // A month is no other month of itself.
                const Int128 matched = months_ > 1 ? std::min(longs.units, shorts.units) : 0;
                const Money spread = notional(spread_at_, clamped(matched));
                worst = std::max(worst, std::max(rise, fall) + spread + std::max(longs.exposure, shorts.exposure));
            }
        }
        return sum_ + worst;
    }

private:
    struct Futures {
        Int128 units = 0;
        Money risk;
        Money exposure;

        void add(const Leg& leg, Int128 quantity) {
            const Money value = notional(*leg.of, leg.mark, clamped(quantity, leg.of->multiplier));
            units += quantity * leg.of->multiplier;
            risk += times(value, leg.terms->rate);
            exposure += times(value, leg.terms->exposure);
        }
    };

    void add_future(const Leg& leg) {
        if (leg.terms->spread.raw == 0) {  // it is asked for by itself
            Futures own;
            own.add(leg, std::max(leg.long_max(), leg.short_max()));
            sum_ += own.risk + own.exposure;
            return;
        }
        ++months_;
        longs_max_.add(leg, leg.long_max());
        longs_min_.add(leg, leg.long_min());
        shorts_max_.add(leg, leg.short_max());
        shorts_min_.add(leg, leg.short_min());
        spread_at_ = std::max(spread_at_, scaled(leg.mark, leg.terms->spread));
    }

    void add_option(const Leg& leg) {
        const std::optional<InstrumentId> head = state_.margin.head_of(leg.instrument);
        const Price known = head ? state_.market(*head).mark : Price{};
        const Price underlying = known.raw != 0 ? known : leg.of->strike;
        const Int128 multiplier = leg.of->multiplier;
        OptionLeg option{leg.of->strike, scaled(underlying, leg.terms->rate), clamped(leg.short_max() * multiplier),
                         clamped(leg.long_min() * multiplier)};
        if (option.sold.raw == 0 && option.bought.raw == 0) {
            return;
        }
        sum_ += times(notional(underlying, option.sold), leg.terms->exposure);
        options_.emplace_back(std::tuple(leg.of->kind, leg.of->expiry), option);
    }

    /// The worst of each expiry, all of them together. O(k^2) in the options of one.
    Money options(InstrumentKind kind) {
        std::ranges::stable_sort(options_, {}, [](const auto& each) { return each.first; });
        Money sum;
        for (auto at = options_.begin(); at != options_.end();) {
            const auto end =
                std::find_if(at, options_.end(), [&](const auto& other) { return other.first != at->first; });
            if (std::get<0>(at->first) == kind) {
                sum += worst_of({at, end}, kind == InstrumentKind::call ? 1 : -1);
            }
            at = end;
        }
        return sum;
    }

    /// What is lost grows where one that is sold begins to pay, and no more once it has gone all its way or one that is held pays as well:
    /// the worst price is one of those. `up`: 1 for calls, -1 for puts.
    static Money worst_of(std::span<const std::pair<std::tuple<InstrumentKind, Date>, OptionLeg>> legs, int up) {
        Money worst;
        const auto loss_at = [&](Int128 price) {
            Money loss;
            for (const auto& [expiry, leg] : legs) {
                ++visits;
                const auto into = [&](Int128 most) {
                    return Price{static_cast<std::int64_t>(std::clamp<Int128>((price - leg.strike.raw) * up, 0, most))};
                };
                loss += notional(into(leg.reach.raw), leg.sold) - notional(into(limits::kMaxPrice.raw), leg.bought);
            }
            return loss;
        };
        for (const auto& [expiry, leg] : legs) {
            if (leg.sold.raw != 0) {
                worst = std::max(worst, loss_at(Int128{leg.strike.raw} + Int128{leg.reach.raw} * up));
            }
            if (leg.bought.raw != 0) {
                worst = std::max(worst, loss_at(leg.strike.raw));
            }
        }
        return worst;
    }

    const State& state_;
    Money sum_;
    Futures longs_max_;
    Futures longs_min_;
    Futures shorts_max_;
    Futures shorts_min_;
    Price spread_at_;
    int months_ = 0;
    std::vector<std::pair<std::tuple<InstrumentKind, Date>, OptionLeg>> options_;
};

/// What one portfolio's positions and orders bind, family by family.
class Binding {
public:
    /// `judged`: an order that is not among the open ones yet, or changes one of them. May be null.
    Binding(const State& state, PortfolioId portfolio, const RiskQuestion* judged)
        : state_(state), id_(portfolio), portfolio_(state.portfolios[portfolio.value]), judged_(judged) {}

    Money of(std::uint32_t family) const {
        Money sum;
        for (std::size_t p = 0; p < kProducts; ++p) {
            sum += of(family, static_cast<Product>(p));
        }
        return sum;
    }

private:
    Money of(std::uint32_t family, Product product) const {
        FamilyPart part(state_);
        Money sum;
        bool has_judged = judged_ == nullptr || state_.margin.family[judged_->terms.instrument.value] != family;
        const auto add = [&](InstrumentId instrument) {
            ++visits;
            has_judged = has_judged || judged_->terms.instrument == instrument;
            const Leg leg = leg_of(instrument, product);
            if (!leg.terms->binds || leg.is_empty()) {
                return;
            }
            if (markets::margin_kind(*leg.of) == MarginKind::share) {
                sum += shares(leg);
            } else {
                sum += contract(leg);
                part.add(leg);
            }
        };
        if (family < portfolio_.sums.used.size()) {
            std::ranges::for_each(portfolio_.sums.used[family], add);
        }
        if (!has_judged) {
            add(judged_->terms.instrument);
        }
        return sum + part.sum();
    }

    Leg leg_of(InstrumentId instrument, Product product) const {
        Leg leg;
        leg.instrument = instrument;
        leg.of = &state_.instruments[instrument.value];
        leg.terms = &terms_of(state_, instrument, product);
        leg.product = product;
        leg.held = portfolio_.position(instrument).book_of(product);
        leg.mark = state_.market(instrument).mark;
        const auto is_of = [&](const RiskQuestion* q) {
            return q != nullptr && q->terms.instrument == instrument && q->terms.product == product;
        };
        leg.is_judged = is_of(judged_);
        if (leg.held.orders.reducing_buys.raw != 0) {
            leg.reducing_buys = reducing(leg, Side::buy);
        }
        if (leg.held.orders.reducing_sells.raw != 0) {
            leg.reducing_sells = reducing(leg, Side::sell);
        }
        if (leg.is_judged) {
            add_judged(leg, *judged_);
            if (is_of(judged_->beside)) {
                add_judged(leg, *judged_->beside);
            }
        }
        return leg;
    }

    /// What orders that only reduce may take beside the others of their side: exits no more than their entry has filled, and of a group its
    /// largest leg, less what one that is not only to reduce may fill in its place. O(open orders of the instrument).
    Qty reducing(const Leg& leg, Side side) const {
        std::vector<std::pair<OrderId, Qty>> groups;
        Qty sum;
        for (const PlacedOrder& placed : state_.orders_of(id_, leg.instrument)) {
            ++visits;
            const Order& order = state_.open_orders.at(placed.order);
            const bool is_changed =
                judged_ != nullptr && judged_->changed != nullptr && judged_->changed->id == order.id;
            if (!order.terms.reduce_only || order.terms.side != side || order.terms.product != leg.product ||
                is_changed) {
                continue;
            }
            const Qty alone = alive_leaves(state_, order);
            const Qty beside = reserved_by_other_legs(state_, order).quantity;
            const Qty more = std::max(Qty{}, alone - beside);
            if (order.terms.legs == 0) {
                sum += more;
                continue;
            }
            const auto at = std::ranges::find(groups, order.terms.group, &std::pair<OrderId, Qty>::first);
            Qty& largest = at != groups.end() ? at->second : groups.emplace_back(order.terms.group, Qty{}).second;
            sum += std::max(Qty{}, more - largest);
            largest = std::max(largest, more);
        }
        return sum;
    }

    static void add_judged(Leg& leg, const RiskQuestion& q) {
        const bool buys = q.terms.side == Side::buy;
        if (q.terms.reduce_only) {
            (buys ? leg.reducing_buys : leg.reducing_sells) += q.terms.quantity - q.filled;
            return;
        }
        const Weighed own = weighed_funds(q);
        (buys ? leg.held.open_buys : leg.held.open_sells) += own.quantity - q.replaced.quantity;
        (buys ? leg.held.orders.buy_funds : leg.held.orders.sell_funds) += own.value - q.replaced.funds;
    }

    /// What the orders of one side bind that open or add to a position.
    Money opening(const Leg& leg, Side side) const {
        const bool buys = side == Side::buy;
        const Int128 open = (buys ? leg.held.open_buys : leg.held.open_sells).raw;
        const Int128 closing = leg.to_close(side);
        if (closing == 0 || open == 0) {
            return buys ? leg.held.orders.buy_funds : leg.held.orders.sell_funds;
        }
        return open <= closing
                   ? Money{}
                   : dearest(weighed_orders(state_, id_, leg.instrument, side, leg.product, Weight::funds,
                                            leg.is_judged && !judged_->terms.reduce_only ? judged_ : nullptr),
                             clamped(open - closing));
    }

    Money shares(const Leg& leg) const {
        const Money value = leg.value();
        const Money cost = abs(leg.held.cost);
        const bool is_long = leg.held.net.raw > 0;
        const Money bound = is_long ? value - std::min(value, cost) + times(std::min(value, cost), leg.terms->rate)
                                    : times(value, leg.terms->rate) + leg.gain();
        const Money buying = opening(leg, Side::buy) + (leg.held.net.raw >= 0 ? bound : Money{});
        const Money selling = opening(leg, Side::sell) + (leg.held.net.raw <= 0 ? bound : Money{});
        return std::max({bound, buying, selling});
    }

    /// Beside its family's part.
    Money contract(const Leg& leg) const {
        const bool is_paid = leg.of->is_option() && leg.held.net.raw > 0;
        return (is_paid ? leg.value() : leg.gain()) + opening(leg, Side::buy) + opening(leg, Side::sell);
    }

    const State& state_;
    PortfolioId id_;
    const Portfolio& portfolio_;
    const RiskQuestion* judged_;
};

/// The families that something has changed of since they were settled, each once.
std::vector<std::uint32_t> changed_families(const State& state, const Portfolio& portfolio) {
    std::vector<std::uint32_t> families;
    for (const InstrumentId instrument : portfolio.sums.changed) {
        families.push_back(state.margin.family[instrument.value]);
        families.push_back(state.margin.own[instrument.value]);  // contracts are written on it
    }
    std::ranges::sort(families);
    families.erase(std::unique(families.begin(), families.end()), families.end());
    return families;
}

Money settled(const PositionSums& sums, std::uint32_t family) {
    return family < sums.margins.size() ? sums.margins[family] : Money{};
}

}  // namespace

// ---- what is derived ---------------------------------------------------------------------------------------------------

void derive_margin_terms(State& state, InstrumentId instrument) {
    if (state.margin_rules.is_silent()) {
        return;
    }
    MarginBook& book = state.margin;
    const Date day = margin_day(state, instrument);
    for (std::size_t p = 0; p < kProducts; ++p) {
        book.terms[instrument.value][p] = terms_on(state, instrument, static_cast<Product>(p), day);
    }
    for (const PortfolioId user : state.markets[instrument.value].users) {
        state.portfolios[user.value].sums.note_change(instrument);
    }
}

namespace {

std::uint32_t family_called(MarginBook& book, const std::string& name) {
    const auto [at, is_new] = book.names.emplace(name, static_cast<std::uint32_t>(book.heads.size()));
    if (is_new) {
        book.heads.emplace_back();
        book.users.emplace_back();
    }
    return at->second;
}

/// What is called otherwise since is still what contracts were written on.
void enter_name(State& state, InstrumentId instrument) {
    MarginBook& book = state.margin;
    const std::vector<Instrument>& configured = state.config.instruments;
    const std::string& present = state.instruments[instrument.value].name;
    const std::uint32_t own =
        family_called(book, instrument.value < configured.size() ? configured[instrument.value].name : present);
    book.own.push_back(own);
    book.heads[own] = book.heads[own].value_or(instrument);
    book.names.emplace(present, own);
}

/// Requires that it has entered its name.
void enter_instrument(State& state, InstrumentId instrument) {
    MarginBook& book = state.margin;
    const Instrument& its = state.instruments[instrument.value];
    const bool is_written = markets::margin_kind(its) != MarginKind::share && !its.underlying.empty();
    book.family.push_back(is_written ? family_called(book, its.underlying) : book.own[instrument.value]);
    book.terms.emplace_back();
    derive_margin_terms(state, instrument);
}

}  // namespace

void derive_margins(State& state) {
    state.margin = {};
    for (Portfolio& portfolio : state.portfolios) {
        portfolio.sums.used.clear();
        portfolio.sums.margins.clear();
        portfolio.sums.margin = {};
    }
    if (state.margin_rules.is_silent()) {
        return;
    }
    for (std::uint32_t i = 0; i < state.instruments.size(); ++i) {
        enter_name(state, InstrumentId{i});
    }
    for (std::uint32_t i = 0; i < state.instruments.size(); ++i) {
        enter_instrument(state, InstrumentId{i});
        for (const PortfolioId user : state.markets[i].users) {
            note_margin_use(state, user, InstrumentId{i}, true);
        }
    }
}

void note_margin_listing(State& state, InstrumentId instrument) {
    if (state.margin_rules.is_silent()) {
        return;
    }
    enter_name(state, instrument);
    enter_instrument(state, instrument);
    note_margin_mark(state, instrument);  // contracts that were listed before it know what they are written on
}

void note_margin_use(State& state, PortfolioId portfolio, InstrumentId instrument, bool uses) {
    if (state.margin_rules.is_silent()) {
        return;
    }
    const std::uint32_t family = state.margin.family[instrument.value];
    std::vector<std::vector<InstrumentId>>& used = state.portfolios[portfolio.value].sums.used;
    if (family >= used.size()) {
        used.resize(family + 1);
    }
    const auto put = [](auto& sorted, auto each, bool is_in) {
        const auto at = std::ranges::lower_bound(sorted, each);
        const bool was_in = at != sorted.end() && *at == each;
        if (is_in && !was_in) {
            sorted.insert(at, each);
        } else if (!is_in && was_in) {
            sorted.erase(at);
        }
    };
    put(used[family], instrument, uses);
    put(state.margin.users[family], portfolio, !used[family].empty());
}

void note_margin_mark(State& state, InstrumentId instrument) {
    if (state.margin_rules.is_silent()) [[likely]] {
        return;
    }
    const std::uint32_t own = state.margin.own[instrument.value];
    for (const PortfolioId user : state.margin.users[own]) {
        ++visits;
        state.portfolios[user.value].sums.note_change(instrument);
    }
}

// ---- what is bound --------------------------------------------------------------------------------------------------------

Price funds_per_unit(const State& state, const OrderTerms& terms, Price valued_at) {
    if (state.margin_rules.is_silent() || terms.reduce_only || valued_at.raw == 0) {
        return {};
    }
    const MarginTerms& its = terms_of(state, terms.instrument, terms.product);
    const Instrument& of = state.instruments[terms.instrument.value];
    const bool buys = terms.side == Side::buy;
    if (!its.binds) {
        return {};
    }
    const Market& market = state.market(terms.instrument);
    // Prices per unit, wide enough for what is added to them.
    const Int128 touch = market.touch(terms.side).raw;
    const Int128 written = needs_limit(terms.type)  ? terms.limit_price.raw
                           : needs_stop(terms.type) ? terms.stop_price.raw
                                                    : 0;
    const Int128 mark = market.mark.raw != 0 ? market.mark.raw : written != 0 ? written : touch;
    // A stop that the market has passed is a market order.
    const bool is_market = terms.type == OrderType::stop && touch != 0;
    const Int128 own = !is_market ? written : buys ? std::max(written, touch) : std::min(written, touch);
    const Int128 stop = needs_stop(terms.type) ? terms.stop_price.raw : mark;
    // The mark once it can fill, and what it pays or gets then at the worst.
    const Int128 then = buys ? std::max(mark, stop) : std::min(mark, stop);
    const Int128 worst = own != 0 ? own : buys ? Int128{valued_at.raw} : std::min(touch, mark);
    const Int128 valued = buys ? (written != 0 ? written : worst) : std::max(written, mark);
    const Int128 charges = std::max<Int128>(0, valued_at.raw - valued);
    const auto rate = [&](Int128 price) {
        return times(Money{price}, its.rate).raw + times(Money{price}, its.exposure).raw;
    };
    Int128 funds = 0;
    if (buys && of.is_option()) {  // paid in full
        funds = worst + charges;
    } else if (buys) {
        const Int128 lent_on = std::min(worst, then);
        funds = worst + charges - lent_on + rate(lent_on);
    } else {
        funds = rate(std::max(own, mark)) + charges + std::max<Int128>(0, then - worst);
    }
    if (markets::margin_kind(of) != MarginKind::share && !(buys && of.is_option())) {
        // The mark's part is the family's; of an option that is sold all of it is.
        const Int128 loss = buys ? worst - then : then - worst;
        funds = of.is_option() ? charges + std::max<Int128>(0, loss)
                               : std::max(charges + std::max<Int128>(0, loss), funds - rate(mark));
    }
    return Price{static_cast<std::int64_t>(std::clamp<Int128>(funds, 0, limits::kMaxPrice.raw))};
}

Money margin_bound(const State& state, PortfolioId id) {
    const Portfolio& portfolio = state.portfolios[id.value];
    const Binding binding(state, id, nullptr);
    Money bound = portfolio.sums.margin;
    for (const std::uint32_t family : changed_families(state, portfolio)) {
        bound += binding.of(family) - settled(portfolio.sums, family);
    }
    return bound;
}

void settle_margins(State& state, PortfolioId id) {
    Portfolio& portfolio = state.portfolios[id.value];
    const Binding binding(state, id, nullptr);
    portfolio.sums.margins.resize(state.margin.heads.size());
    for (const std::uint32_t family : changed_families(state, portfolio)) {
        Money& part = portfolio.sums.margins[family];
        const Money now = binding.of(family);
        portfolio.sums.margin += now - part;
        part = now;
    }
}

MarginChange margin_with(const RiskQuestion& q) {
    const PortfolioId id = q.config().portfolio;
    const PositionSums& sums = q.portfolio().sums;
    const std::uint32_t family = q.state.margin.family[q.terms.instrument.value];
    const Money its = sums.changed.empty() ? settled(sums, family) : Binding(q.state, id, nullptr).of(family);
    MarginChange change;
    change.before = margin_bound(q.state, id);
    change.after = change.before - its + Binding(q.state, id, &q).of(family);
    return change;
}

}  // namespace alpha
