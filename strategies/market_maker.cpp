/// Quotes a buy below and a sell above the mid, and lives on the difference.
///
/// At most one order rests on each side of each instrument. Its price is mid -/+ half_spread,
/// rounded away from the market to the instrument's tick; its quantity is rounded down to the lot
/// and to the room that max_inventory leaves. A quote moves (is modified) when the mid has moved
/// more than `requote` since it was priced, and is cancelled when its side has no room any more or,
/// with `refresh`, when it has rested that many seconds; what is gone is quoted anew at the next
/// tick. While a request is under way its side does nothing else, and a quote waits while it would
/// meet the other one, so the strategy never trades with itself. Crossed quotes and those without
/// both sides say nothing of the mid and move nothing.
///
/// A side whose order was refused, rejected, cancelled by someone else or could not be changed
/// rests until the mid has moved more than `requote`, or the refresh timer fires. All arithmetic is
/// in integers.

#include "strategies/built_in.hpp"
#include "strategies/indicators.hpp"
#include "strategies/strategy_state.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace alpha {

namespace {

class MarketMaker final : public Strategy {
public:
    explicit MarketMaker(const StrategyConfig& config)
        : quantity_(qty_param(config.params, "quantity")),
          half_spread_(price_param(config.params, "half_spread")),
          requote_(price_param(config.params, "requote")),
          max_inventory_(qty_param(config.params, "max_inventory")),
          refresh_{count_param(config.params, "refresh") * kSecondNs},
          books_(config.instruments, {}) {}

    void on_quote(const QuoteTick& quote, Context& context) override {
        if (!has_both_sides(quote) || quote.bid > quote.ask || context.view().portfolio().killed()) {
            return;
        }
        const TwiceMid twice_mid = TwiceMid{quote.bid.raw} + quote.ask.raw;
        quote_side(quote.instrument, Side::buy, twice_mid, context);
        quote_side(quote.instrument, Side::sell, twice_mid, context);
    }

    /// Pulls what has rested too long, and lets sides that were refused try again. Sets itself
    /// again only while something rests, so that it does not fire through the night; nor for a
    /// quote whose change is under way, which may take as long: on_order sets it then.
    void on_timer(TimerId /*timer*/, Context& context) override {
        timer_set_ = false;
        const Time now = context.view().now();
        Time next = kNever;
        for (const InstrumentId id : books_.ids()) {
            for (Quote* mine : {&books_[id].bid, &books_[id].ask}) {
                mine->resting = false;
                const Order* order = live_order(*mine, context);
                if (order == nullptr) {
                    continue;
                }
                const Time stale = mine->priced_at + refresh_;
                if (stale > now) {
                    next = std::min(next, stale);
                } else if (!is_busy(*order)) {
                    next = std::min(next, now + refresh_);
                    cancel(*mine, context);
                }
            }
        }
        if (next != kNever) {
            set_timer(next, context);
        }
    }

    void on_order(const OrderUpdate& update, Context& context) override {
        Quote* mine = find(update.order);
        if (mine == nullptr) {
            return;
        }
        if (is_terminal(update.status)) {
            const bool unasked = update.status == OrderStatus::cancelled && !mine->cancelled;
            mine->resting = unasked || update.status == OrderStatus::refused || update.status == OrderStatus::rejected;
            let_go(*mine);
        } else if (update.change_failed) {
            mine->resting = true;
            mine->cancelled = false;
            mine->priced_at = context.view().now();
            if (const Order* order = context.view().order(update.order); order != nullptr) {
                mine->price = order->terms.limit_price;
            }
        }
        if (!is_terminal(update.status) && refresh_.ns > 0 && !timer_set_) {
            set_timer(mine->priced_at + refresh_, context);
        }
    }

    void on_fill(const OrderFilled& fill, Context& context) override {
        Book& book = books_[fill.instrument];
        book.position += signed_qty(fill.side, fill.quantity);
        Quote& mine = fill.side == Side::buy ? book.bid : book.ask;
        if (mine.order != fill.order) {
            return;  // late: the order had ended
        }
        mine.filled += fill.quantity;
        if (live_order(mine, context) == nullptr) {
            let_go(mine);
        }
    }

    /// Its quotes are what the action has made of them; what they were priced at is a price of before.
    void on_corporate_action(const CorporateAction& action, Context& context) override {
        Book& book = books_[action.instrument];
        book.position = position_after(book.position, action, context.view());
        for (Quote* mine : {&book.bid, &book.ask}) {
            mine->twice_mid = 2 * mark_after(Price{mine->twice_mid / 2}, Price{}, action).raw;
            if (const Order* order = live_order(*mine, context); order != nullptr) {
                mine->price = order->terms.limit_price;
                mine->filled = order->filled;
            }
        }
    }

    void save(ByteBuffer& bytes) const override {
        OutCursor out(bytes);
        out(timer_set_);
        for (const InstrumentId id : books_.ids()) {
            const Book& book = books_[id];
            out(book.position);
            for (const Quote* mine : {&book.bid, &book.ask}) {
                out(mine->order, mine->price, mine->filled, mine->twice_mid, mine->priced_at, mine->cancelled,
                    mine->resting);
            }
        }
    }

    Result<void> load(Bytes bytes) override {
        InCursor in(bytes);
        bool timer_set = false;
        in(timer_set);
        PerInstrument<Book> books = books_;
        std::map<OrderId, Place> places;
        for (const InstrumentId id : books.ids()) {
            Book& book = books[id];
            in(book.position);
            in.require(is_position(book.position));
            for (Quote* mine : {&book.bid, &book.ask}) {
                in(mine->order, mine->price, mine->filled, mine->twice_mid, mine->priced_at, mine->cancelled,
                   mine->resting);
                if (mine->order != OrderId{}) {
                    in.require(
                        places.emplace(mine->order, Place{id, mine == &book.bid ? Side::buy : Side::sell}).second);
                }
                in.require(mine->price.raw >= 0 && mine->price <= limits::kMaxPrice);
                in.require(mine->filled.raw >= 0 && mine->filled <= limits::kMaxPosition);
                in.require(mine->twice_mid >= 0 && mine->twice_mid <= 2 * limits::kMaxPrice.raw);
                in.require(mine->priced_at >= kMinTime && mine->priced_at <= kMaxTime);
            }
        }
        return check_read(in, "market_maker").map([&] {
            timer_set_ = timer_set;
            books_ = std::move(books);
            places_ = std::move(places);
        });
    }

private:
    /// bid + ask, which unlike the mid is always whole. Below 2^62, see limits::kMaxPrice.
    using TwiceMid = std::int64_t;

    /// One side of one instrument. What became of the order is read from the state, not kept twice.
    struct Quote {
        OrderId order;           // the one at the market; zero: none
        Price price;             // the last one asked for; the order has it or, while a modify is under way,
                                 // will
        Qty filled;              // of `order`
        TwiceMid twice_mid = 0;  // as it was when the quote was last priced
        Time priced_at;
        bool cancelled = false;  // a cancel of `order` was asked for
        bool resting = false;    // the last request failed: not to be repeated at once
    };
    /// Which quote an order is.
    struct Place {
        InstrumentId instrument;
        Side side = Side::buy;
    };
    struct Book {
        Qty position;  // of this strategy alone
        Quote bid;
        Quote ask;
    };

    /// Null when there is none at the market, or when it was placed in this very callback.
    static const Order* live_order(const Quote& quote, Context& context) {
        if (quote.order == OrderId{}) {
            return nullptr;
        }
        const Order* order = context.view().order(quote.order);
        return order != nullptr && !is_terminal(order->status) ? order : nullptr;
    }

    static bool is_busy(const Order& order) {
        return order.status == OrderStatus::intended || order.modify_pending || order.cancel_pending;
    }

    /// mid -/+ half_spread on the tick that is farther from the market; zero where there is no such
    /// price.
    Price target_price(Side side, TwiceMid twice_mid, Price tick) const {
        const Int128 step = static_cast<Int128>(tick.raw) * 2;
        const Int128 spread = static_cast<Int128>(half_spread_.raw) * 2;
        const Int128 ticks = side == Side::buy ? (twice_mid - spread) / step : (twice_mid + spread + step - 1) / step;
        const Int128 price = ticks * tick.raw;
        return price > 0 && price <= limits::kMaxPrice.raw ? Price{static_cast<std::int64_t>(price)} : Price{0};
    }

    /// What may still be bought or sold before the inventory limit.
    Qty room(const Book& book, Side side) const { return max_inventory_ - signed_qty(side, book.position); }

    void quote_side(InstrumentId id, Side side, TwiceMid twice_mid, Context& context) {
        Book& book = books_[id];
        Quote& mine = side == Side::buy ? book.bid : book.ask;
        const Order* order = live_order(mine, context);
        if (mine.order != OrderId{}) {
            // An end or a fill that the state has and we were not told of yet would make the
            // inventory wrong: wait.
            if (order == nullptr || is_busy(*order) || order->filled != mine.filled) {
                return;
            }
        }
        const Int128 moved = static_cast<Int128>(twice_mid) - mine.twice_mid;
        const bool far = (moved < 0 ? -moved : moved) > static_cast<Int128>(requote_.raw) * 2;
        if (mine.resting && !far) {
            return;
        }
        const Instrument& instrument = context.view().instrument(id);
        const Price price = target_price(side, twice_mid, instrument.tick);
        const Qty wanted = std::min(quantity_, room(book, side));
        const Qty amount{wanted.raw > 0 ? wanted.raw - wanted.raw % instrument.lot.raw : 0};
        const bool may_quote = price.raw > 0 && amount.raw > 0;
        if (order == nullptr) {
            if (may_quote && !meets_other(book, side, price, context)) {
                mine = Quote{};
                const OrderId placed = context.limit(id, side, amount, price);
                // A number that was promised to a callback which failed is given again: that order never came to be.
                if (Quote* const never = find(placed); never != nullptr) {
                    let_go(*never);
                }
                places_.emplace(placed, Place{id, side});
                mine.order = placed;
                note_priced(mine, price, twice_mid, context);
            }
        } else if (!may_quote || order->leaves() > room(book, side)) {
            mine.twice_mid = twice_mid;
            cancel(mine, context);
        } else if (far && price != order->terms.limit_price && !meets_other(book, side, price, context)) {
            mine.resting = false;
            context.modify(mine.order, order->filled + amount, price, Price{0});
            note_priced(mine, price, twice_mid, context);
        }
    }

    /// Whether an order at `price` could trade with the one on the other side, at its present price
    /// or the one asked for.
    static bool meets_other(const Book& book, Side side, Price price, Context& context) {
        const Quote& other = side == Side::buy ? book.ask : book.bid;
        if (other.order == OrderId{}) {
            return false;
        }
        const Order* order = context.view().order(other.order);
        const Price confirmed = order == nullptr ? other.price : order->terms.limit_price;
        return side == Side::buy ? price >= std::min(confirmed, other.price)
                                 : price <= std::max(confirmed, other.price);
    }

    void note_priced(Quote& mine, Price price, TwiceMid twice_mid, Context& context) {
        mine.price = price;
        mine.twice_mid = twice_mid;
        mine.priced_at = context.view().now();
        if (refresh_.ns > 0 && !timer_set_) {
            set_timer(mine.priced_at + refresh_, context);
        }
    }

    void set_timer(Time due, Context& context) {
        context.set_timer(kRefresh, std::max(due, context.view().now() + Duration{limits::kMinTimerDelayNs}));
        timer_set_ = true;
    }

    static void cancel(Quote& mine, Context& context) {
        mine.cancelled = true;
        context.cancel(mine.order);
    }

    Quote* find(OrderId order) {
        const auto found = places_.find(order);
        if (found == places_.end()) {
            return nullptr;
        }
        Book& book = books_[found->second.instrument];
        return found->second.side == Side::buy ? &book.bid : &book.ask;
    }
    void let_go(Quote& mine) {
        places_.erase(mine.order);
        mine.order = {};
    }

    static constexpr TimerId kRefresh{1};

    Qty quantity_;
    Price half_spread_;
    Price requote_;
    Qty max_inventory_;
    Duration refresh_;
    bool timer_set_ = false;
    PerInstrument<Book> books_;
    std::map<OrderId, Place> places_;  // of the orders at the market; not saved
};

std::vector<ParamError> check_inventory(const StrategyConfig& config, std::span<const Instrument> /*listed*/) {
    const Qty quantity = qty_param(config.params, "quantity");
    const Qty max_inventory = qty_param(config.params, "max_inventory");
    if (max_inventory >= quantity) {
        return {};
    }
    return {{"max_inventory", "max_inventory must be at least quantity, and " + to_string(max_inventory) +
                                  " is below " + to_string(quantity)}};
}

constexpr Decimal kMaxPriceParam{limits::kMaxPrice.raw};

constexpr std::array kParams = {
    positive_param("half_spread", kMaxPriceParam, "how far from the mid to quote, in currency"),
    quantity_param("max_inventory", "the most to hold, long or short, of each instrument"),
    quantity_param("quantity", "how much to quote on each side"),
    ParamSpec{"refresh", ParamKind::count, "0", decimal_of(0), decimal_of(86'400),
              "seconds after which a resting quote is replaced; 0: never"},
    positive_param("requote", kMaxPriceParam, "how far the mid may move before a quote follows, in currency"),
};

}  // namespace

StrategySpec market_maker_spec() {
    StrategySpec spec;
    spec.name = "market_maker";
    spec.summary = "quotes both sides around the mid, within an inventory limit";
    spec.params = kParams;
    spec.uses = {.quotes = true};
    spec.check = check_inventory;
    spec.make = [](const StrategyConfig& config, std::span<const Instrument>) -> std::unique_ptr<Strategy> {
        return std::make_unique<MarketMaker>(config);
    };
    return spec;
}

}  // namespace alpha
