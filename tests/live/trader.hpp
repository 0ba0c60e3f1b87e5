#pragma once
/// A strategy that asks for anything at any time, the same for the same quotes: what it asks depends on them, on its own orders and on numbers it
/// draws, and on nothing of the broker's but what it is told.

#include "kernel/strategy.hpp"
#include "tests/live/timeline.hpp"

#include <cstdint>
#include <vector>

namespace alpha::test {

class Trader final : public Strategy {
public:
    /// Of its callbacks `per_thousand` ask for something.
    Trader(std::uint64_t seed, std::uint64_t per_thousand) : random_(seed), per_thousand_(per_thousand) {}

    void on_quote(const QuoteTick& quote, Context& context) override;
    void on_fill(const OrderFilled& fill, Context& context) override;
    void on_order(const OrderUpdate& update, Context& context) override;
    void save(ByteBuffer& out) const override;
    Result<void> load(Bytes bytes) override;

private:
    void act(InstrumentId instrument, Context& context);
    void note(OrderId order, std::size_t count = 1);

    Random random_;
    std::uint64_t per_thousand_;
    std::vector<OrderId> orders_;  ///< its latest
};

}  // namespace alpha::test
