#include "kernel/snapshot.hpp"
#include "tests/kernel/rich_run.hpp"
#include "tests/struct_versions.hpp"

namespace alpha::test {

namespace {

using Image = std::vector<std::uint8_t>;

Image image_of(const State& state) {
    ByteBuffer bytes;
    save_state(state, bytes);
    return {bytes.view().begin(), bytes.view().end()};
}

bool is_rich(const State& state) {
    const auto any_open = [&](auto&& is_such) {
        return std::ranges::any_of(state.open_orders, [&](const auto& entry) { return is_such(entry.second); });
    };
    return any_open([](const Order& order) { return order.held; }) &&
           any_open([](const Order& order) { return order.terms.legs != 0; }) && !state.closed_orders.empty() &&
           state.open_orders.begin()->second.strategy != kOperator && !state.timers.empty() && state.fills > 3 &&
           state.instruments.size() > 3 && state.next_snapshot != kNever && !state.markets[0].series.empty() &&
           state.markets[0].session_closes != kNever && state.portfolios[0].positions.size() >= 2 &&
           std::ranges::any_of(state.markets, [](const Market& market) { return !market.undated.empty(); });
}

/// The first run that ends in a state in which every kind of thing is present.
std::unique_ptr<RichRun> rich_run() {
    for (std::uint64_t seed = 1; seed < 1'000; ++seed) {
        auto run = std::make_unique<RichRun>();
        run->play(moves_of(seed, 60));
        if (is_rich(run->floor().state())) {
            return run;
        }
    }
    FAIL("no run has everything in it");
    return nullptr;
}

Image rich_image() {
    return rich_run()->floor().saved();
}

}  // namespace

TEST_CASE("a saved state comes back equal, and is saved to the same bytes again", "[kernel]") {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        RichRun run;
        run.play(moves_of(seed, 200));
        const Image image = run.floor().saved();
        const auto loaded = load_state(image);
        REQUIRE(loaded);
        CHECK(*loaded == run.floor().state());
        CHECK(image_of(*loaded) == image);
    }
}

TEST_CASE("a state that differs in anything is saved to other bytes", "[kernel]") {
    RichRun run;
    run.play(moves_of(3, 300));
    const State& state = run.floor().state();
    const Image image = image_of(state);
    const auto differs = [&](const char* what, const std::function<void(State&)>& change) {
        INFO(what);
        State other = state;
        change(other);
        CHECK(image_of(other) != image);
    };
    differs("the configuration", [](State& s) { s.config.name += "x"; });
    differs("an instrument", [](State& s) { s.instruments[1].hours.close_s -= 1; });
    differs("a mark", [](State& s) { s.markets[0].mark.raw += 1; });
    differs("a market's age", [](State& s) { s.markets[0].updated.ns += 1; });
    differs("a touch", [](State& s) { s.markets[0].has_touch = !s.markets[0].has_touch; });
    differs("a last trade", [](State& s) { s.markets[0].last.raw += 1; });
    differs("a last trade's size", [](State& s) { s.markets[0].last_qty.raw += 1; });
    differs("a day's volume", [](State& s) { s.markets[0].volume.raw += 1; });
    differs("an open interest", [](State& s) { s.markets[0].open_interest.raw += 1; });
    differs("a trade's age", [](State& s) { s.markets[0].traded = s.now; });
    differs("a quote's age", [](State& s) { s.markets[0].quoted.ns -= 1; });
    differs("a shadow", [](State& s) { s.markets[0].series.push_back({Duration{7}, at(0), at(0), true, false}); });
    differs("an order without a day", [](State& s) { s.markets[0].undated.push_back(OrderId{1}); });
    differs("the equity's peak", [](State& s) { s.path.peak.raw += 1; });
    differs("the deepest fall's peak", [](State& s) { s.path.worst_peak.raw -= 1; });
    differs("the deepest fall's trough", [](State& s) { s.path.worst_trough.raw -= 1; });
    differs("a reserved value", [](State& s) { s.portfolios[0].positions[0].open_sell_value.raw += 1; });
    differs("a session's end", [](State& s) { s.markets[0].session_closes = at(5); });
    differs("a session's date", [](State& s) { s.markets[0].session_date.days += 1; });
    differs("a day's end", [](State& s) { s.markets[0].day_ends.ns += 1; });
    differs("cash", [](State& s) { s.portfolios[0].cash.raw += 1; });
    differs("the kill switch", [](State& s) {
        s.portfolios[0].latch = s.portfolios[0].latch == LatchScope::entries ? LatchScope::all : LatchScope::entries;
    });
    differs("what latched it", [](State& s) { s.portfolios[0].killed_by = Rule::price_band; });
    differs("the day's start", [](State& s) { s.portfolios[0].day_start_equity.raw += 1; });
    differs("the rate's window", [](State& s) { s.portfolios[0].recent_orders.push_back(at(1)); });
    differs("a cost", [](State& s) { s.portfolios[0].positions[0].cost.raw += 1; });
    differs("a reservation", [](State& s) { s.portfolios[0].positions[0].open_buys.raw += 1; });
    differs("a halted strategy", [](State& s) { s.strategies[0].halted = !s.strategies[0].halted; });
    const auto misses = [&](const char* what, auto miss) {
        differs(what, [&](State& s) {
            s.strategies[0].halted = true;
            miss(s.strategies[0]);
        });
    };
    misses("a missed fill", [](StrategyState& s) { s.missed_fills.emplace_back(); });
    misses("a missed update", [](StrategyState& s) { s.missed_orders.emplace_back(); });
    misses("a missed timer", [](StrategyState& s) { s.missed_timers.emplace_back(); });
    differs("a timer", [](State& s) { s.timers.set(StrategyId{0}, TimerId{9}, at(1)); });
    differs("a booked trade", [](State& s) { s.closed_orders.begin()->second.trades.book("x"); });
    differs("a closed order", [](State& s) { s.closed_orders.erase(s.closed_orders.begin()); });
    differs("the order of closing", [](State& s) { std::swap(s.closings.front(), s.closings.back()); });
    differs("the next event", [](State& s) { s.next_seq += 1; });
    differs("the next order", [](State& s) { s.next_order.value += 1; });
    differs("the time", [](State& s) { s.now.ns += 1; });
    differs("the trading date", [](State& s) { s.trading_date.days += 1; });
    differs("the next snapshot", [](State& s) { s.next_snapshot.ns -= 1; });
    differs("a count", [](State& s) { s.quotes += 1; });
}

TEST_CASE("a state before anything happened can be saved", "[kernel]") {
    const Image image = image_of(State{});
    const auto loaded = load_state(image);
    REQUIRE(loaded);
    CHECK(*loaded == State{});
}

TEST_CASE("a snapshot that was cut short, went on, or is of another version is refused", "[kernel]") {
    Image image = rich_image();
    for (std::size_t size = 0; size < image.size(); ++size) {
        const auto loaded = load_state(Bytes(image).first(size));
        REQUIRE((!loaded && loaded.error().kind == ErrorKind::data));
    }
    image.push_back(0);
    CHECK_FALSE(load_state(image));
    image.pop_back();
    CHECK(load_state(image));
    image[0] += 1;
    CHECK(load_state(image).error().message == "the state snapshot is of another version");
}

TEST_CASE("no damaged byte crashes the reader, and what it accepts is what it would write", "[kernel]") {
    const Image image = rich_image();
    Dice dice(20'240'101);
    std::size_t accepted = 0;
    for (int i = 0; i < 5'000; ++i) {
        Image damaged = image;
        for (std::uint64_t n = 1 + dice.below(3); n > 0; --n) {
            damaged[dice.below(damaged.size())] = static_cast<std::uint8_t>(dice.next());
        }
        const auto loaded = load_state(damaged);
        if (loaded) {
            ++accepted;
            REQUIRE(same_but_for_versions(image_of(*loaded), damaged));
        }
    }
    CHECK(accepted > 0);  // a changed price is a price: the snapshot's own digest must find it
    CHECK(accepted < 5'000);
}

TEST_CASE("orders out of order or twice are refused: the reader would not write them so", "[kernel]") {
    const RunConfigured config = RichRun::setup().config();
    Floor floor(config);
    floor.place(at(1), limit_order(Side::buy, "1", "100"));
    floor.place(at(2), limit_order(Side::buy, "1", "100"));
    const Image image = floor.saved();
    // Each order begins with its id, u64; both stand near the end of the image.
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i + 16 <= image.size(); ++i) {
        const std::uint8_t first[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        if (std::equal(std::begin(first), std::end(first), image.begin() + static_cast<std::ptrdiff_t>(i))) {
            places.push_back(i);
        }
    }
    std::size_t refused = 0;
    for (const std::size_t place : places) {
        for (const std::uint8_t id : {std::uint8_t{2}, std::uint8_t{9}}) {
            Image swapped = image;
            swapped[place] = id;
            refused += load_state(swapped) ? 0U : 1U;
        }
    }
    CHECK(refused >= 2);
}

TEST_CASE("a state that no log folds into is refused, whatever is wrong with it", "[kernel]") {
    const auto run = rich_run();
    const State& state = run->floor().state();
    REQUIRE(load_state(image_of(state)));
    const auto refused = [&](const char* why, const std::function<void(State&)>& change) {
        State forged = state;
        change(forged);
        INFO(why);
        REQUIRE_FALSE(forged == state);
        const auto loaded = load_state(image_of(forged));
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().kind == ErrorKind::data);
        CHECK(loaded.error().message == std::string("the state snapshot is damaged: ") + why);
    };
    const auto open_order = [](State& s) -> Order& { return s.open_orders.begin()->second; };
    const auto closed_order = [](State& s) -> Order& { return s.closed_orders.begin()->second; };

    const char* unknown = "a strategy is configured with an id that does not exist";
    refused(unknown, [](State& s) { s.config.strategies[0].portfolio.value = 2; });
    refused(unknown, [](State& s) { s.config.strategies[1].broker.value = 2; });
    refused(unknown, [](State& s) { s.config.strategies[2].instruments[0].value = 3; });
    const char* stepless = "an instrument has a step, terms or hours that none can have";
    refused(stepless, [](State& s) { s.instruments.back().tick = {}; });
    refused(stepless, [](State& s) { s.instruments.back().lot = {}; });
    refused(stepless, [](State& s) { s.instruments.back().hours.open_s = s.instruments.back().hours.close_s; });
    refused(stepless, [](State& s) { s.instruments.back().hours.utc_offset_s = 2'000'000'000; });
    refused(stepless, [](State& s) { s.config.default_instrument.lot = {}; });
    const char* out_of_range = "charges or the interval of snapshots are out of range";
    refused(out_of_range, [](State& s) { s.config.charges.rate = money_of(2); });
    refused(out_of_range, [](State& s) { s.config.charges.per_fill.raw = -1; });
    refused(out_of_range, [](State& s) { s.config.snapshot_interval.ns = -1; });

    const char* others = "its instruments are not those configured and listed";
    refused(others, [](State& s) { s.instruments.pop_back(); });
    refused(others, [](State& s) { s.markets.pop_back(); });
    refused(others, [](State& s) { s.instruments.emplace_back(); });
    const char* market = "a market has a price, a size or a time that none can have";
    refused(market, [](State& s) { s.markets[0].mark.raw = -1; });
    refused(market, [](State& s) { s.markets[0].bid_qty.raw = limits::kMaxQty.raw + 1; });
    refused(market, [](State& s) { s.markets[0].updated = s.now + Duration{1}; });
    refused(market, [](State& s) { s.markets[0].quoted = s.now + Duration{1}; });
    const char* bars = "a market has bars that none can have";
    refused(bars, [](State& s) { s.markets[0].series[0].label = s.now + Duration{1}; });
    refused(bars, [](State& s) { s.markets[0].series[0].closed = kNever; });
    refused(bars, [](State& s) { s.markets[0].series[0].interval.ns = -1; });
    refused(bars, [](State& s) { s.markets[0].series.push_back(s.markets[0].series.back()); });
    const char* session = "a market's session is not one of its date";
    refused(session, [](State& s) { s.markets[0].session_date.days = 2'000'000'000; });
    refused(session, [](State& s) { s.markets[0].session_closes = s.markets[0].day_ends + Duration{1}; });
    refused(session, [](State& s) { s.markets[0].day_ends.ns += 5 * kDayNs; });
    const char* contract = "an instrument has a step, terms or hours that none can have";
    refused(contract, [](State& s) { s.instruments[0].multiplier = 0; });
    refused(contract, [](State& s) { s.instruments[0].freeze.raw = -1; });
    const char* day = "a day's executions or charges are none that can be";
    refused(day, [](State& s) {
        s.portfolios[0].day.orders.push_back({s.next_order, kIbm, Side::buy, {}, {}, false, {}, {}});
    });
    refused(day, [](State& s) { s.portfolios[0].day.date.days = -62'100; });
    refused(day, [](State& s) { s.portfolios[0].day.booked.by_line[0].raw = Int128{1} << 110U; });

    const char* nobody = "an order names an id that does not exist";
    refused(nobody, [&](State& s) { open_order(s).strategy.value = 3; });
    refused(nobody, [&](State& s) { open_order(s).portfolio.value = 2; });
    refused(nobody, [&](State& s) { open_order(s).broker.value = 2; });
    refused(nobody, [&](State& s) { open_order(s).terms.instrument.value = 99; });
    refused(nobody, [&](State& s) { closed_order(s).strategy.value = 0xFFFF'FFFF; });
    refused(nobody, [&](State& s) { closed_order(s).terms.instrument.value = 0xFFFF'FFFF; });
    const char* terms = "an order has a number, a size, a price or a day that none can have";
    refused(terms, [&](State& s) { open_order(s).terms.quantity = {}; });
    refused(terms, [&](State& s) { open_order(s).terms.limit_price.raw = -1; });
    refused(terms, [&](State& s) { open_order(s).filled.raw = -1; });
    refused(terms, [&](State& s) { open_order(s).pending_quantity.raw = limits::kMaxQty.raw + 1; });
    refused(terms, [&](State& s) { open_order(s).good_until.days = -2'000'000'000; });
    refused(terms, [&](State& s) { open_order(s).intent = s.next_seq; });
    refused(terms, [&](State& s) { open_order(s).correlation = kNoSeq; });
    refused(terms, [](State& s) { s.next_order = s.open_orders.begin()->first; });
    refused(terms, [&](State& s) { open_order(s).terms.legs = limits::kMaxLegs + 1; });
    refused(terms, [&](State& s) { open_order(s).terms.group = OrderId{open_order(s).id.value + 1}; });
    refused(terms, [&](State& s) { open_order(s).terms.parent = open_order(s).id; });
    refused(terms, [&](State& s) { open_order(s).terms.tag = std::string(limits::kMaxTagBytes + 1, 'x'); });
    refused(terms, [&](State& s) { open_order(s).valued_at.raw = -1; });
    refused("an open order is not open", [&](State& s) { open_order(s).status = OrderStatus::expired; });
    refused("a closed order is not closed", [&](State& s) { closed_order(s).status = OrderStatus::working; });

    const char* beyond = "a portfolio has positions in instruments that were never listed";
    refused(beyond, [](State& s) { s.portfolios[0].positions.resize(s.instruments.size() + 1); });
    const char* position = "a position holds what none can";
    refused(position, [](State& s) { s.portfolios[0].positions[0].net.raw = limits::kMaxPosition.raw + 1; });
    refused(position, [](State& s) { s.portfolios[0].positions[0].cost.raw = Int128{1} << 120U; });
    const char* reserved = "what positions reserve is not what the open orders may still fill";
    refused(reserved, [](State& s) { s.portfolios[0].positions[0].open_buys.raw += 1; });
    refused(reserved, [](State& s) { s.portfolios[0].positions[0].open_sells.raw += 1; });
    refused(reserved, [](State& s) { s.portfolios[0].positions[0].open_buy_value.raw += 1; });
    refused(reserved, [](State& s) { s.portfolios[0].positions[0].open_sell_value.raw += 1; });
    const char* path = "the path of its equity is not one that its books can have taken";
    refused(path, [](State& s) { s.path.equity.raw += 1; });
    refused(path, [](State& s) { s.path.peak.raw = s.path.equity.raw - 1; });
    refused(path, [](State& s) { s.path.worst_peak.raw = s.path.peak.raw + 1; });
    refused(path, [](State& s) { s.path.worst_trough.raw = s.path.worst_peak.raw + 1; });
    refused(path, [](State& s) { s.path.worst_trough.raw = -(Int128{1} << 120U); });
    const char* books = "the books of a portfolio do not balance";
    refused(books, [](State& s) { s.portfolios[0].cash.raw += 1; });
    refused(books, [](State& s) { s.portfolios[0].realized_pnl.raw += 1; });
    refused(books, [](State& s) { s.portfolios[0].fills += 1; });
    refused(books, [](State& s) { s.portfolios[0].open_orders += 1; });
    refused(books, [](State& s) { s.portfolios[1].day_start_equity.raw = Int128{1} << 120U; });
    refused("the times at which orders were sent are in no order",
            [](State& s) { s.portfolios[0].recent_orders.push_back(kNever); });
    const char* missing = "it has not the portfolios and strategies that are configured";
    refused(missing, [](State& s) { s.portfolios.emplace_back(); });
    refused(missing, [](State& s) { s.strategies.pop_back(); });
    refused("its fills are not those of its portfolios", [](State& s) { s.fills += 1; });

    const char* timer = "a timer is set that nobody can have set";
    refused(timer, [](State& s) { s.timers.set(StrategyId{3}, TimerId{1}, at(1)); });
    refused(timer, [](State& s) { s.timers.set(StrategyId{0}, TimerId{99}, kNever); });
    const char* never = "a strategy has missed what cannot have happened";
    const auto misses = [&](auto what) {
        refused(never, [&](State& s) {
            s.strategies[0].halted = true;
            what(s.strategies[0]);
        });
    };
    const MissedUpdate first{OrderId{1}, OrderStatus::filled, false};
    misses([&](StrategyState& s) { s.missed_orders = {first, first}; });
    misses([&](StrategyState& s) { s.missed_orders = {{OrderId{1'000'000}, OrderStatus::filled, false}}; });
    misses([&](StrategyState& s) { s.missed_fills.emplace_back().strategy = StrategyId{1}; });
    misses([&](StrategyState& s) { s.missed_fills.emplace_back(); });

    const char* further = "it has come further than a log can";
    refused(further, [](State& s) { s.now = kNever; });
    refused(further, [](State& s) { s.next_seq = kNoSeq; });
    refused(further, [](State& s) { s.next_order.value = 0; });
    refused(further, [](State& s) { s.trading_date.days = 2'000'000'000; });
    const char* unasked = "a snapshot is due that was never asked for";
    refused(unasked, [](State& s) { s.config.snapshot_interval = {}; });
    refused(unasked, [](State& s) { s.next_snapshot = kBeforeAll; });
    refused("it holds something although nothing has happened", [](State& s) { s.next_seq = 0; });
}

TEST_CASE("timers out of order or set twice are refused", "[kernel]") {
    Floor floor(Setup::simple());
    floor.act(at(1), [](Context& c) {
        c.set_timer(TimerId{7}, at(5));
        c.set_timer(TimerId{8}, at(6));
    });
    const Image image = floor.saved();
    const auto bytes_of = [](std::int64_t due, std::uint64_t timer) {  // as they stand in a state: i64, u32, u64
        Image bytes(20);
        std::memcpy(bytes.data(), &due, sizeof due);
        std::memcpy(bytes.data() + 12, &timer, sizeof timer);
        return bytes;
    };
    const Image first = bytes_of(at(5).ns, 7);
    const auto place = std::search(image.begin(), image.end(), first.begin(), first.end()) - image.begin();
    const auto with = [&](const Image& one, const Image& two) {
        Image changed = image;
        std::ranges::copy(one, changed.begin() + place);
        std::ranges::copy(two, changed.begin() + place + 20);
        return load_state(changed).has_value();
    };
    CHECK(with(first, bytes_of(at(6).ns, 8)));
    CHECK_FALSE(with(bytes_of(at(6).ns, 8), first));
    CHECK_FALSE(with(first, first));
    CHECK_FALSE(with(first, bytes_of(at(6).ns, 7)));
}

TEST_CASE("an order of closing that is not that of the closed orders is refused", "[kernel]") {
    const auto run = rich_run();
    for (const auto& change : {std::function<void(State&)>([](State& s) { s.closings.pop_back(); }),
                               std::function<void(State&)>([](State& s) { s.closings.front() = s.closings.back(); }),
                               std::function<void(State&)>([](State& s) { s.closings.emplace_back(1'000'000U); })}) {
        State forged = run->floor().state();
        REQUIRE(forged.closings.size() > 1);
        change(forged);
        CHECK_FALSE(load_state(image_of(forged)));
    }
}

TEST_CASE("a strategy's portfolio that was never opened is refused", "[kernel]") {
    Floor floor(Setup::simple().config());
    State forged = floor.state();
    forged.portfolios[0] = Portfolio{};
    const auto loaded = load_state(image_of(forged));
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().message ==
          "the state snapshot is damaged: a strategy trades in a portfolio that was never opened");
}

TEST_CASE("a restarted kernel goes on byte for byte as the one that never stopped", "[kernel]") {
    for (const std::uint64_t seed : {11U, 12U, 13U}) {
        const std::vector<Move> moves = moves_of(seed, 200);
        RichRun whole;
        RichRun broken;
        for (std::size_t i = 0; i < moves.size(); ++i) {
            INFO("seed " << seed << ", move " << i);
            whole.play(moves[i]);
            broken.play(moves[i]);
            REQUIRE(broken.floor().step_bytes() == whole.floor().step_bytes());
            broken.floor().restart();
        }
        CHECK(broken.floor().saved() == whole.floor().saved());
        CHECK(whole.floor().state().fills > 10);
    }
}

}  // namespace alpha::test
