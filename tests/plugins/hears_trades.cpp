// Buys one with the first trade of an instrument, at what it has just been told of it.
#include <alpha/strategy.hpp>

namespace {

class HearsTrades final : public alpha::Strategy {
public:
    static constexpr const char* name = "hears_trades";
    static constexpr const char* summary = "buys with the first trade";

    explicit HearsTrades(const alpha::Settings&) {}

    void on_trade(const alpha::Trade& trade, alpha::Context& context) override {
        if (context.market(trade.instrument).mark != trade.price) {
            throw std::runtime_error("the mark is not the trade's price");
        }
        if (trade.quantity.raw != 700'000'000 || trade.volume.raw != 20'000'000'000 ||
            trade.open_interest.raw != 300'000'000 || trade.exchange_time != context.now() - alpha::Time(5)) {
            throw std::runtime_error("the trade is another");
        }
        if (!bought_) {
            bought_ = true;
            context.buy(trade.instrument, {100'000'000});
        }
    }

private:
    bool bought_ = false;
};

}  // namespace

ALPHA_STRATEGY(HearsTrades)
