// Asks for every kind of linked order, and goes wrong as `how` says; checks what it is told of bars, orders and fills.
#include <alpha/strategy.hpp>

namespace {

using alpha::OrderTerms;
using alpha::Side;
using alpha::TimeInForce;

constexpr alpha::Quantity units(std::int64_t n) {
    return {n * 100'000'000};
}
constexpr alpha::Price price(std::int64_t n) {
    return {n * 100'000'000};
}

void require(bool holds, const char* what) {
    if (!holds) {
        throw std::runtime_error(what);
    }
}

class Links final : public alpha::Strategy {
public:
    static constexpr const char* name = "links";
    static constexpr const char* summary = "asks for linked orders";
    static constexpr alpha::Param params[] = {
        alpha::text("how", "in which way").by_default("well"),
        alpha::interval("interval", "of which bars").by_default("only"),
    };

    explicit Links(const alpha::Settings& settings)
        : how_(settings.text("how")), interval_(settings.interval("interval")) {}

    void on_quote(const alpha::Quote& quote, alpha::Context& context) override {
        const alpha::InstrumentId id = quote.instrument;
        const OrderTerms buy = OrderTerms::limit(id, Side::buy, units(100), price(100), TimeInForce::gtc);
        ++quotes_;
        if (how_ != "well") {
            go_wrong(buy, context);
        } else if (quotes_ == 1) {
            const alpha::Bracket made = context.bracket(buy.with_tag("long"), price(98), price(103));
            require(made.stop == made.entry + 1 && made.target == made.entry + 2, "a bracket's numbers do not follow");
            bracket_ = made;
        } else if (quotes_ == 2) {
            const auto entry = context.order(bracket_.entry);
            const auto stop = context.order(bracket_.stop);
            require(entry && entry->tag == "long" && !entry->reduce_only && entry->parent == 0, "the entry is another");
            require(stop && stop->reduce_only && stop->parent == bracket_.entry && stop->group == bracket_.stop &&
                        stop->tag == "long",
                    "the stop is another");
            context.one_cancels_other(OrderTerms::limit(id, Side::sell, units(5), price(110), TimeInForce::gtc),
                                      OrderTerms::stop(id, Side::sell, units(5), price(95), TimeInForce::gtc));
            context.buy(id, units(20));
            context.place(OrderTerms::stop(id, Side::sell, units(500), price(90), TimeInForce::gtc)
                              .only_reducing()
                              .with_tag("guard"));
            const alpha::Bracket one = context.bracket(OrderTerms::market(id, Side::buy, units(10)), price(80), {});
            require(one.stop == one.entry + 1 && one.target == 0, "a bracket without a target has one");
        }
    }
    void on_bar_opened(const alpha::BarOpened& bar, alpha::Context& context) override {
        require(bar.label == context.now() && bar.interval == interval_, "a bar opens at another time");
    }
    void on_bar(const alpha::Bar& bar, alpha::Context& context) override {
        require(bar.label + bar.interval == context.now() && bar.interval == interval_, "a bar closes at another time");
    }
    void on_fill(const alpha::Fill& fill, alpha::Context& context) override {
        require(context.order(fill.order)->tag == fill.tag, "a fill has another tag than its order");
    }

private:
    void go_wrong(const OrderTerms& order, alpha::Context& context) {
        if (how_ == "nine orders") {
            context.place_linked(std::vector<OrderTerms>(9, order));
        } else if (how_ == "no orders") {
            context.place_linked(std::vector<OrderTerms>());
        } else if (how_ == "a long tag") {
            context.place(order.with_tag(std::string(33, 'x')));
        } else if (how_ == "a tag that cannot be shown") {
            context.place(order.with_tag("\x1b[2J"));
        } else if (how_ == "no side") {
            OrderTerms sideless = order;
            sideless.side = static_cast<Side>(3);
            context.place(sideless);
        } else if (how_ == "another instrument") {
            OrderTerms other = order;
            other.instrument = order.instrument + 1;
            context.one_cancels_other(order, other);
        }
    }

    std::string how_;
    alpha::Time interval_;
    int quotes_ = 0;
    alpha::Bracket bracket_;
};

}  // namespace

ALPHA_STRATEGY(Links)
