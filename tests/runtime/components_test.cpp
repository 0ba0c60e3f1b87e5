#include "config/scenario.hpp"
#include "kernel/kernel.hpp"
#include "runtime/components.hpp"
#include "views/projection.hpp"

#include <catch2/catch.hpp>

using namespace alpha;

namespace {

RunConfigured sound_config() {
    const Result<Scenario> scenario = load_scenario(ALPHA_SOURCE_DIR "/scenarios/demo.yaml");
    REQUIRE(scenario);
    REQUIRE(make_components(scenario->config));
    return scenario->config;
}

}  // namespace

TEST_CASE("parts of a forged or foreign configuration are refused, not made", "[runtime]") {
    RunConfigured config = sound_config();
    REQUIRE_FALSE(config.strategies.empty());
    StrategyConfig& strategy = config.strategies[0];
    SECTION("a parameter is missing") {
        strategy.params.pop_back();
    }
    SECTION("a parameter is out of its range") {
        strategy.params[0].value = "-5";
    }
    SECTION("a parameter is no number") {
        strategy.params[0].value = "lots";
    }
    SECTION("a parameter is not in canonical form") {
        strategy.params[0].value = "0" + strategy.params[0].value;
    }
    SECTION("there is no such strategy") {
        strategy.use = "luck";
    }
    SECTION("there is no such instrument") {
        strategy.instruments[0] = InstrumentId{1'000'000};
    }
    SECTION("there is no such portfolio") {
        strategy.portfolio = PortfolioId{77};
    }
    SECTION("there is no such broker") {
        strategy.broker = BrokerId{77};
    }
    SECTION("there is no such kind of broker") {
        config.brokers[0].kind = "friend";
    }
    const Result<Components> parts = make_components(config);
    REQUIRE_FALSE(parts);
    CHECK_FALSE(parts.error().message.empty());
}

TEST_CASE("a checkpoint brings back the parts and the state it was taken of", "[runtime]") {
    const RunConfigured config = sound_config();
    Result<Components> parts = make_components(config);
    REQUIRE(parts);
    Frame frame;
    Kernel kernel(Kernel::Components{std::move(parts->strategies), parts->venue_pointers(), nullptr}, frame);
    kernel.configure(config);
    const State& state = kernel.state();
    const Projection projection;
    ByteBuffer projected;
    projection.save(projected);
    const std::vector<std::uint8_t> position{4};
    const std::vector<std::uint8_t> summary{5, 6};
    const bool whole = GENERATE(true, false);
    const std::optional<SessionComponents> session =
        whole ? std::optional(SessionComponents{projection, position, summary}) : std::nullopt;
    ByteBuffer bytes;
    save_checkpoint(state, kernel.parts().strategies, kernel.parts().venues, session, bytes);
    const Result<State> alone = load_checkpoint(bytes.view());
    Result<Components> fresh = make_components(config);
    const Result<State> with_parts = load_checkpoint(bytes.view(), *fresh);
    REQUIRE(alone);
    REQUIRE(with_parts);
    CHECK(*alone == state);
    CHECK(*with_parts == state);
    ByteBuffer again;
    save_checkpoint(*with_parts, fresh->strategies, fresh->venue_pointers(), session, again);
    CHECK(std::ranges::equal(bytes.view(), again.view()));
    const Result<SessionBytes> told = session_bytes(bytes.view());
    CHECK(told.has_value() == whole);
    if (whole) {
        CHECK(std::ranges::equal(told->projection, projected.view()));
        CHECK(std::ranges::equal(told->feed_position, position));
        CHECK(std::ranges::equal(told->summary, summary));
    }
    for (std::size_t cut = 0; cut < bytes.size(); cut += 7) {
        CHECK_FALSE(load_checkpoint(bytes.view().first(cut)));
        CHECK_FALSE(session_bytes(bytes.view().first(cut)));
    }
    bytes.append(std::vector<std::uint8_t>{0});
    CHECK_FALSE(load_checkpoint(bytes.view()));
}

TEST_CASE("a checkpoint whose part does not bring back all that it saved is not resumed from", "[runtime]") {
    /// Saves how often it was asked, and forgets it: what a broker would be that drops its resting orders.
    class Forgetful final : public Venue {
    public:
        void on_quote(Time, const QuoteTick&, Reports&) override {}
        void on_bar_opened(Time, const BarOpened&, bool, Reports&) override {}
        void on_bar_closed(Time, const BarClosed&, Reports&) override {}
        void on_auction(Time, const AuctionPrices&, Reports&) override {}
        void forget_price(InstrumentId) override {}
        void on_session_opened(Time, const TradingSessionOpened&, Reports&) override {}
        void on_session_closed(Time, const TradingSessionClosed&, Reports&) override {}
        void on_corporate_action(Time, const CorporateAction&, std::span<const OrderAdjusted>,
                                 std::span<const PositionAdjusted>, Reports&) override {}
        void perform(Time, const Effect&, Reports&) override {}
        Price worst_fill(Side, Price touch, Price) const override { return touch; }
        bool links_orders() const override { return true; }
        void save(ByteBuffer& out) const override { out.append(std::vector<std::uint8_t>(orders, 1)); }
        Result<void> load(Bytes) override { return {}; }
        std::size_t orders = 0;
    };
    const RunConfigured config = sound_config();
    Result<Components> parts = make_components(config);
    REQUIRE(parts);
    auto broker = std::make_unique<Forgetful>();
    broker->orders = GENERATE(std::size_t{0}, std::size_t{1});
    const bool has_orders = broker->orders != 0;
    parts->venues[0] = std::move(broker);
    Frame frame;
    Kernel kernel(Kernel::Components{std::move(parts->strategies), parts->venue_pointers(), nullptr}, frame);
    kernel.configure(config);
    ByteBuffer bytes;
    save_checkpoint(kernel.state(), kernel.parts().strategies, kernel.parts().venues, std::nullopt, bytes);
    Result<Components> fresh = make_components(config);
    fresh->venues[0] = std::make_unique<Forgetful>();
    const Result<State> loaded = load_checkpoint(bytes.view(), *fresh);
    CHECK(loaded.has_value() == !has_orders);
}
