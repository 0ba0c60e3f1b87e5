#include "kernel/kernel.hpp"
#include "tests/kernel/support.hpp"

#include <stdexcept>

namespace alpha::test {

namespace {

constexpr TradingHours kIndia{19'800, hms(9, 15), hms(15, 30)};
/// The same hours in seconds after midnight UTC.
constexpr std::int64_t kOpen = hms(9, 15) - 19'800;
constexpr std::int64_t kClose = hms(15, 30) - 19'800;

Setup indian() {
    return Setup()
        .instrument("IBM", kIndia)
        .instrument("BAC", kIndia)
        .portfolio("main", "100000")
        .broker("desk")
        .strategy("one", {kIbm, kBac});
}
Setup two_strategies() {
    return Setup::without_strategy().strategy("one", {kIbm}).strategy("two", {kIbm});
}
Setup two_portfolios() {
    return Setup::without_strategy().portfolio("side", "500").strategy("one", {kIbm}).strategy("two", {kIbm}, kSide);
}

/// A DAY limit order that nothing fills.
OrderTerms day_order(InstrumentId instrument = kIbm) {
    return limit_order(Side::buy, "1", "1", instrument, TimeInForce::day);
}

}  // namespace

// ---- the order of things within a step ----------------------------------------------------------

TEST_CASE("the mark moves, then resting orders fill, then strategies speak in the scenario's order", "[kernel]") {
    Floor floor(two_strategies());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "5", "90"));
    floor.said();
    floor.broker().resting = {filled(1, "5", "90", "t1")};
    std::string seen;
    floor.strategy(0).on_fill = [&](const OrderFilled&, Context& c) {
        seen += "marked " + to_string(c.view().market(kIbm).mark) + "; ";
    };
    floor.strategy(0).on_quote = [](const QuoteTick&, Context& c) { c.place(market_order(Side::buy, "1")); };
    floor.strategy(1).on_quote = [&](const QuoteTick&, Context& c) {
        const Position& p = c.view().position(kIbm);
        seen += "two sees " + to_string(p.net) + " and " + to_string(p.open_buys) + " working";
    };
    floor.quote(at(2), "89", "91");
    CHECK(floor.said() == Lines{"6 2024-01-01T00:00:02Z quote instrument=IBM bid=89 ask=91 bid_qty=100 ask_qty=100",
                                "7 2024-01-01T00:00:02Z order_filled order=1 strategy=one portfolio=main "
                                "instrument=IBM side=buy "
                                "quantity=5 price=90 notional=450 charges=0 realized_pnl=0 trade=t1 cause=6 root=3",
                                "8 2024-01-01T00:00:02Z order_intended order=2 strategy=one portfolio=main "
                                "broker=desk instrument=IBM "
                                "side=buy order_type=market tif=gtc quantity=1 valued_at=91 cause=6 root=6",
                                "9 2024-01-01T00:00:02Z order_accepted order=2 cause=8 root=6"});
    CHECK(seen == "marked 90; two sees 5 and 1 working");
    CHECK(floor.heard(0) == Lines{"quote", "order 1 working", "fill 1", "order 1 filled", "quote", "order 2 working"});
}

TEST_CASE("a strategy sees the fill that the one before it got on the same tick", "[kernel]") {
    Floor floor(two_strategies());
    floor.broker().fill_at("100");
    floor.strategy(0).once([](Context& c) { c.place(market_order(Side::buy, "7")); });
    Qty seen;
    floor.strategy(1).once([&](Context& c) { seen = c.view().position(kIbm).net; });
    floor.quote(at(1), "100", "100");
    CHECK(seen == qty("7"));
}

TEST_CASE("a fill leads back to its order, and that to the tick it was decided on", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().fill_at("100");
    floor.place(at(1), market_order(Side::buy, "1"));
    Lines chain;
    Seq seq = floor.state().next_seq - 1;
    for (; seq != kNoSeq; seq = floor.events().at(seq).envelope.causation) {
        chain.emplace_back(type_name(floor.events().at(seq).event));
    }
    CHECK(chain == Lines{"order_filled", "order_intended", "quote"});
}

TEST_CASE("requests are judged first in, first out, with their answers behind them", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.act(at(1), [](Context& c) {
        c.signal(kIbm, Direction::lengthen);
        const OrderId first = c.place(limit_order(Side::buy, "1", "90"));
        c.place(limit_order(Side::buy, "2", "91"));
        c.modify(first, qty("3"), px("92"), {});
        c.cancel(first);
    });
    CHECK(floor.said() ==
          Lines{"2 2024-01-01T00:00:01Z session_opened instrument=IBM date=2024-01-01",
                "3 2024-01-01T00:00:01Z quote instrument=IBM bid=99.99 ask=100.01 bid_qty=100 ask_qty=100",
                "4 2024-01-01T00:00:01Z signal strategy=one instrument=IBM direction=long cause=3 root=3",
                std::string("5 2024-01-01T00:00:01Z order_intended order=1 strategy=one portfolio=main broker=desk ") +
                    "instrument=IBM side=buy order_type=limit tif=gtc quantity=1 limit_price=90 valued_at=90 cause=3 "
                    "root=3",
                std::string("6 2024-01-01T00:00:01Z order_intended order=2 strategy=one portfolio=main broker=desk ") +
                    "instrument=IBM side=buy order_type=limit tif=gtc quantity=2 limit_price=91 valued_at=91 cause=3 "
                    "root=3",
                std::string("7 2024-01-01T00:00:01Z modify_intended order=1 quantity=3 limit_price=92 rule=none ") +
                    "valued_at=92 cause=3 root=3",
                "8 2024-01-01T00:00:01Z cancel_intended order=1 rule=none cause=3 root=3",
                "9 2024-01-01T00:00:01Z order_accepted order=1 cause=5 root=3",
                "10 2024-01-01T00:00:01Z order_accepted order=2 cause=6 root=3",
                "11 2024-01-01T00:00:01Z order_modified order=1 quantity=3 limit_price=92 rule=none cause=7 root=3",
                "12 2024-01-01T00:00:01Z order_cancelled order=1 reason=asked cause=8 root=3"});
    CHECK(floor.heard() ==
          Lines{"quote", "order 1 working", "order 2 working", "order 1 working", "order 1 cancelled"});
    CHECK(floor.position().open_buys == qty("2"));
}

TEST_CASE("what a fill's callback asks is caused by the fill and belongs to its chain", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "1", "90"));
    floor.said();
    floor.broker().resting = {filled(1, "1", "90", "t1")};
    floor.strategy().on_fill = [](const OrderFilled&, Context& c) { c.place(limit_order(Side::sell, "1", "95")); };
    floor.quote(at(2), "90", "90");
    const Lines lines = floor.said();
    REQUIRE(lines.size() == 4);
    CHECK(lines[1].find("order_filled order=1") != std::string::npos);
    CHECK(lines[1].find("cause=6 root=3") != std::string::npos);
    CHECK(lines[2].find("order_intended order=2") != std::string::npos);
    CHECK(lines[2].find("cause=7 root=3") != std::string::npos);
    CHECK(lines[3].find("order_accepted order=2 cause=8 root=3") != std::string::npos);
}

TEST_CASE("only strategies that trade an instrument hear of it", "[kernel]") {
    Floor floor(Setup::without_strategy().strategy("ibm", {kIbm}).strategy("both", {kBac, kIbm}));
    floor.quote(at(1), "1", "1", kBac);
    floor.quote(at(2), "1", "1", kIbm);
    CHECK(floor.heard(0) == Lines{"quote"});
    CHECK(floor.heard(1) == Lines{"quote", "quote"});
}

TEST_CASE("an order for an instrument that is not the strategy's, or not there at all, is refused", "[kernel]") {
    Floor floor(Setup::without_strategy().strategy("ibm", {kIbm}));
    floor.act(at(1), [](Context& c) {
        c.place(market_order(Side::buy, "1", kBac));
        c.place(market_order(Side::buy, "1", InstrumentId{7}));
    });
    CHECK(floor.said_of("order_refused") ==
          Lines{"order_refused order=1 strategy=ibm portfolio=main instrument=BAC side=buy "
                "order_type=market tif=gtc "
                "quantity=1 rule=unknown_instrument limit=0 observed=1 cause=3 root=3",
                "order_refused order=2 strategy=ibm portfolio=main instrument=#7 side=buy "
                "order_type=market tif=gtc "
                "quantity=1 rule=unknown_instrument limit=0 observed=7 cause=3 root=3"});
    CHECK(floor.broker().effects.empty());
}

TEST_CASE("observers are shown orders, refusals and fills as they are decided", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().fill_at("100");
    floor.act(at(1), [](Context& c) {
        c.place(market_order(Side::buy, "0"));
        c.place(market_order(Side::buy, "1"));
    });
    CHECK(floor.seen() == Lines{"refusal 1", "order 2", "fill 2"});
}

TEST_CASE("each strategy's orders go to its own broker", "[kernel]") {
    Floor floor(
        Setup::without_strategy().broker("other").strategy("one", {kIbm}).strategy("two", {kIbm}, kMain, BrokerId{1}));
    floor.strategy(0).once([](Context& c) { c.place(market_order(Side::buy, "1")); });
    floor.strategy(1).once([](Context& c) { c.place(market_order(Side::buy, "2")); });
    floor.quote(at(1), "1", "1");
    REQUIRE(floor.broker(0).effects.size() == 1);
    REQUIRE(floor.broker(1).effects.size() == 1);
    CHECK(std::get<PlaceOrder>(floor.broker(1).effects[0]).order == OrderId{2});
    floor.kill(at(2));
    CHECK(std::get<CancelOrder>(floor.broker(0).effects.at(1)).order == OrderId{1});
    CHECK(std::get<CancelOrder>(floor.broker(1).effects.at(1)).order == OrderId{2});
}

// ---- marks --------------------------------------------------------------------------------------

TEST_CASE("the mark is the mid of both sides, half to even, and with one side only the last one kept within it",
          "[kernel]") {
    Floor floor(Setup::simple());
    const auto mark = [&] { return to_string(floor.state().market(kIbm).mark); };
    floor.quote(at(1), "0", "3");
    CHECK(mark() == "3");  // the only side there is
    floor.quote(at(2), "1", "2");
    CHECK(mark() == "1.5");
    floor.quote(at(3), "0", "9");
    CHECK(mark() == "1.5");
    floor.quote(at(4), "1", "0");
    CHECK(mark() == "1.5");
    floor.quote(at(4), "9", "0");  // nobody sells for less than is bid
    CHECK(mark() == "9");
    floor.quote(at(4), "0", "4");  // nobody pays more than is asked
    CHECK(mark() == "4");
    floor.quote(at(4), "0", "0");
    CHECK(mark() == "4");
    floor.quote(at(5), "0.00000001", "0.00000002");
    CHECK(mark() == "0.00000002");  // 1.5 raw -> 2
    floor.quote(at(6), "0.00000002", "0.00000003");
    CHECK(mark() == "0.00000002");  // 2.5 raw -> 2
    floor.quote(at(7), "5", "3");   // crossed quotes are data
    CHECK(mark() == "4");
    floor.bar_opened(at(8), "7");
    CHECK(mark() == "7");
    floor.bar_closed(at(68), "8");
    CHECK(mark() == "8");
    CHECK(floor.state().market(kIbm).updated == at(68));
    CHECK(floor.state().quotes == 10);
    CHECK(floor.state().bars == 1);
}

namespace {

/// Which prices brokers were told of: "quote", "open 100 shortest", "open 100", "close 101".
struct Told {
    Lines lines;
    explicit Told(Floor& floor) {
        floor.broker().on_open = [this](const BarOpened& bar, bool is_shortest) {
            lines.push_back("open " + to_string(bar.open) + (is_shortest ? " shortest" : ""));
        };
        floor.broker().on_close = [this](const BarClosed& bar) { lines.push_back("close " + to_string(bar.close)); };
    }
    Lines since() { return std::exchange(lines, {}); }
};

}  // namespace

TEST_CASE("the mark swings between trades and mids, or stays at a trade that the quotes have left behind", "[kernel]") {
    Floor floor(Setup::simple());
    const auto mark = [&] { return to_string(floor.state().market(kIbm).mark); };
    floor.quote(at(1), "99", "101");
    CHECK(mark() == "100");
    floor.trade(at(2), "100.5");
    CHECK(mark() == "100.5");
    floor.quote(at(3), "99", "101");
    CHECK(mark() == "100.5");
    floor.quote(at(4), "90", "91");
    CHECK(mark() == "91");
    floor.quote(at(5), "80", "101");  // it says nothing that is not known
    CHECK(mark() == "91");
    floor.quote(at(6), "95", "0");
    CHECK(mark() == "95");
    floor.quote(at(7), "99", "97");  // crossed
    CHECK(mark() == "98");
    floor.trade(at(8), "105");  // newer than the quote
    CHECK(mark() == "105");
    floor.bar_opened(at(60), "103");
    floor.bar_closed(at(120), "102");
    CHECK(mark() == "102");
}

TEST_CASE("what a trade says is not known of its market, or takes the place of a quote", "[kernel]") {
    Floor floor(Setup::simple());
    const Market& market = floor.state().market(kIbm);
    CHECK(market.traded == kBeforeAll);
    floor.trade(at(1), "100");
    CHECK(market.touch(Side::buy) == px("100"));
    floor.quote(at(2), "99", "101");
    floor.trade(at(3), "102");
    CHECK(market.touch(Side::buy) == px("101"));
    CHECK(market.touch(Side::sell) == px("99"));
    CHECK(market.last == px("102"));
    CHECK(market.last_qty == qty("10"));
    CHECK(market.volume == Volume{qty("500")});
    CHECK(market.open_interest == Volume{qty("70")});
    CHECK(market.traded == at(3));
    CHECK(market.updated == at(3));
    CHECK(market.quoted == at(2));
    CHECK(floor.state().trades == 2);
    CHECK(floor.strategy(0).heard == Lines{"trade", "quote", "trade"});
}

TEST_CASE("a bar in which a trade came is a price", "[kernel]") {
    Floor floor(Setup::simple());
    Told told(floor);
    floor.bar_opened(at(60), "100");
    floor.trade(at(90), "101");
    CHECK(told.since() == Lines{"open 100 shortest"});
    floor.bar_closed(at(120), "102");
    floor.bar_opened(at(120), "103");
    CHECK(told.since() == Lines{});
    CHECK(floor.state().market(kIbm).mark == px("101"));
    floor.bar_closed(at(180), "104");  // nothing came in this one
    CHECK(told.since() == Lines{"close 104"});
}

TEST_CASE("a bar in which a quote came is shadowed: it tells strategies, and is no price", "[kernel]") {
    Floor floor(Setup::simple());
    Told told(floor);
    const auto mark = [&] { return to_string(floor.state().market(kIbm).mark); };
    floor.bar_opened(at(0), "100");
    CHECK(told.since() == Lines{"open 100 shortest"});
    floor.bar_closed(at(60), "101");
    CHECK(told.since() == Lines{"close 101"});
    CHECK(mark() == "101");
    // A quote at the very label is within the bar.
    floor.bar_opened(at(60), "102");
    floor.quote(at(60), "109", "111");
    CHECK(mark() == "110");
    CHECK(floor.state().market(kIbm).has_touch);
    floor.heard();
    told.since();
    floor.bar_closed(at(120), "104");
    CHECK(told.since().empty());
    CHECK(mark() == "110");
    CHECK(floor.state().market(kIbm).has_touch);
    CHECK(floor.state().market(kIbm).updated == at(60));
    CHECK(floor.heard() == Lines{"bar"});
    // The open after a shadowed bar is none either: finer prices are on their way.
    floor.bar_opened(at(120), "105");
    CHECK(told.since().empty());
    CHECK(mark() == "110");
    // This bar had no quote: its close counts, ends the quote's standing, and the next open counts again.
    floor.bar_closed(at(180), "106");
    CHECK(told.since() == Lines{"close 106"});
    CHECK(mark() == "106");
    CHECK_FALSE(floor.state().market(kIbm).has_touch);
    floor.bar_opened(at(180), "107");
    CHECK(told.since() == Lines{"open 107 shortest"});
    CHECK(mark() == "107");
    // A quote just before a bar begins shadows nothing of it.
    floor.bar_closed(at(240), "108");
    floor.quote(at(299, 999'999'999), "1", "3");
    floor.bar_opened(at(300), "109");
    floor.bar_closed(at(360), "110");
    CHECK(mark() == "110");
}

TEST_CASE("a bar in which shorter bars came is shadowed, and an order waits for the shortest's open", "[kernel]") {
    Floor floor(Setup::simple());
    Told told(floor);
    constexpr Duration kFive{300 * kSecondNs};
    const auto mark = [&] { return to_string(floor.state().market(kIbm).mark); };
    // The first five minutes: their open comes first and counts, for nothing shorter was known.
    floor.bar_opened(at(0), "100", kIbm, kFive);
    CHECK(told.since() == Lines{"open 100 shortest"});
    for (std::int64_t minute = 0; minute < 5; ++minute) {
        floor.bar_opened(at(minute * 60), std::to_string(100 + minute));
        floor.bar_closed(at(minute * 60 + 60), std::to_string(101 + minute));
    }
    told.since();
    CHECK(mark() == "105");
    floor.bar_closed(at(300), "999", kIbm, kFive);
    CHECK(told.since().empty());
    CHECK(mark() == "105");
    floor.bar_opened(at(300), "998", kIbm, kFive);
    CHECK(told.since().empty());
    CHECK(mark() == "105");
    floor.bar_opened(at(300), "106");
    CHECK(told.since() == Lines{"open 106 shortest"});
    // A longer bar is not shadowed by the last minute of the time before it, nor a shorter one by the longer.
    floor.bar_closed(at(360), "107");
    CHECK(told.since() == Lines{"close 107"});
    floor.bar_closed(at(600), "110", kIbm, kFive);  // one minute came in it
    CHECK(told.since().empty());
    floor.bar_opened(at(600), "111", kIbm, kFive);
    floor.bar_closed(at(900), "112", kIbm, kFive);  // none came: what is left is the longer bar
    CHECK(told.since() == Lines{"close 112"});
    floor.bar_opened(at(900), "113", kIbm, kFive);
    CHECK(told.since() == Lines{"open 113"});
    CHECK(mark() == "113");
    CHECK(floor.state().market(kIbm).is_shortest(kMinute));
    floor.restart();
    floor.bar_closed(at(1'200), "114", kIbm, kFive);
    CHECK(mark() == "114");
}

TEST_CASE("bars of one instrument shadow none of another", "[kernel]") {
    Floor floor(Setup::simple());
    floor.bar_opened(at(0), "100");
    floor.quote(at(1), "49", "51", kBac);
    floor.bar_closed(at(60), "101");
    CHECK(to_string(floor.state().market(kIbm).mark) == "101");
}

TEST_CASE("an instrument first named by the data gets the next id and a market of its own", "[kernel]") {
    Floor floor(Setup::simple());
    Instrument definition;
    definition.name = "XYZ";
    CHECK(floor.list(at(1), definition) == InstrumentId{2});
    CHECK(floor.said() ==
          Lines{"2 2024-01-01T00:00:01Z instrument_listed instrument=XYZ definition={\"name\":\"XYZ\","
                "\"tick\":\"0.01\",\"lot\":\"1\",\"utc_offset_s\":0,\"open_s\":0,\"close_s\":86400,\"calendar\":\"\","
                "\"exchange\":\"\",\"kind\":\"share\",\"group\":\"\",\"isin\":\"\",\"underlying\":\"\","
                "\"multiplier\":1,\"freeze\":\"0\",\"strike\":\"0\",\"expiry\":null,\"is_delivered\":false}"});
    floor.quote(at(1), "5", "7", InstrumentId{2});
    CHECK(floor.state().market(InstrumentId{2}).mark == px("6"));
    CHECK(floor.heard().empty());
}

// ---- portfolios ---------------------------------------------------------------------------------

TEST_CASE("a portfolio is opened by its first strategy, once, and never when none uses it", "[kernel]") {
    const Floor floor(two_strategies().portfolio("idle", "7"));
    CHECK(floor.count_of("portfolio_opened") == 1);
    CHECK(floor.portfolio(kMain).is_open);
    CHECK(floor.portfolio(kMain).cash == money("100000"));
    CHECK_FALSE(floor.portfolio(PortfolioId{1}).is_open);
    CHECK(floor.portfolio(PortfolioId{1}).cash == Money{});
    CHECK(floor.events().at(1).envelope.causation == 0);
}

// ---- timers -------------------------------------------------------------------------------------

TEST_CASE("timers fire in the order they are due, before the input that passes them, at their own time", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.act(at(1), [](Context& c) {
        c.set_timer(TimerId{1}, at(10));
        c.set_timer(TimerId{2}, at(5));
    });
    floor.said();
    floor.strategy().on_timer = [](TimerId id, Context& c) {
        CHECK(c.view().now() == (id == TimerId{1} ? at(10) : at(5)));
        if (id == TimerId{2}) {
            c.place(limit_order(Side::buy, "1", "90"));
        }
    };
    floor.quote(at(10), "1", "1");
    CHECK(floor.said() ==
          Lines{"6 2024-01-01T00:00:05Z timer_fired strategy=one timer=2",
                std::string("7 2024-01-01T00:00:05Z order_intended order=1 strategy=one portfolio=main broker=desk ") +
                    "instrument=IBM side=buy order_type=limit tif=gtc quantity=1 limit_price=90 valued_at=90 cause=6 "
                    "root=6",
                "8 2024-01-01T00:00:05Z order_accepted order=1 cause=7 root=6",
                "9 2024-01-01T00:00:10Z timer_fired strategy=one timer=1",
                "10 2024-01-01T00:00:10Z quote instrument=IBM bid=1 ask=1 bid_qty=100 ask_qty=100"});
    CHECK(floor.heard() == Lines{"quote", "timer 2", "order 1 working", "timer 1", "quote"});
    floor.quote(at(100), "1", "1");
    CHECK(floor.heard() == Lines{"quote"});  // each fired once
}

TEST_CASE("a timer is moved by setting it again, and gone when cancelled", "[kernel]") {
    Floor floor(two_strategies());
    floor.strategy(1).once([](Context& c) { c.set_timer(TimerId{1}, at(7)); });
    floor.act(at(1), [](Context& c) {
        c.set_timer(TimerId{1}, at(5));
        c.set_timer(TimerId{1}, at(8));
        c.set_timer(TimerId{2}, at(6));
        c.cancel_timer(TimerId{2});
        c.cancel_timer(TimerId{3});  // never set: nothing to record
    });
    CHECK(floor.said_of("timer_cancelled") == Lines{"timer_cancelled strategy=one timer=2 cause=3 root=3"});
    floor.quote(at(20), "1", "1");
    CHECK(floor.said_of("timer_fired") ==
          Lines{"timer_fired strategy=two timer=1", "timer_fired strategy=one timer=1"});
    CHECK(floor.heard(0) == Lines{"quote", "timer 1", "quote"});
}

TEST_CASE("a timer set for the past or at once waits a millisecond, so that it cannot stop time", "[kernel]") {
    Floor floor(Setup::simple());
    int fired = 0;
    floor.strategy().on_timer = [&](TimerId id, Context& c) {
        ++fired;
        c.set_timer(id, c.view().now());
    };
    floor.act(at(1), [](Context& c) { c.set_timer(TimerId{1}, at(0)); });
    CHECK(floor.state().timers.front().due == at(1, 1'000'000));
    floor.quote(at(1, 10'000'000), "1", "1");
    CHECK(fired == 10);
}

TEST_CASE("a timer due beyond the end of time is set for the end of time", "[kernel]") {
    Floor floor(Setup::simple());
    floor.act(at(1), [](Context& c) { c.set_timer(TimerId{1}, kNever); });
    CHECK(floor.state().timers.front().due == kMaxTime);
    floor.act(Time{kMaxTime.ns - 1}, [](Context& c) { c.set_timer(TimerId{2}, at(2)); });
    CHECK(std::prev(floor.state().timers.end())->due == kMaxTime);
}

TEST_CASE("timers due at the same time fire in the order of strategy and id", "[kernel]") {
    Floor floor(two_strategies());
    floor.strategy(1).once([](Context& c) { c.set_timer(TimerId{1}, at(5)); });
    floor.act(at(1), [](Context& c) {
        c.set_timer(TimerId{9}, at(5));
        c.set_timer(TimerId{2}, at(5));
    });
    floor.quote(at(6), "1", "1");
    CHECK(floor.said_of("timer_fired") == Lines{"timer_fired strategy=one timer=2", "timer_fired strategy=one timer=9",
                                                "timer_fired strategy=two timer=1"});
}

TEST_CASE("a strategy that piles up timers is halted at the bound, and hears none of them", "[kernel]") {
    Floor floor(Setup::simple());
    const auto pile = [](std::uint64_t first, std::uint64_t last) {
        return [=](Context& c) {
            for (std::uint64_t i = first; i <= last; ++i) {
                c.set_timer(TimerId{i}, at(1'000));
            }
        };
    };
    floor.act(at(1), pile(1, 500));
    floor.act(at(2), pile(501, 1'000));
    floor.act(at(3), pile(1'000, 1'000));  // moving one is no more
    CHECK(floor.state().timers.size() == 1'000);
    floor.act(at(4), pile(1'001, 1'001));
    CHECK(floor.state().strategies[0].halted);
    floor.heard();
    floor.quote(at(1'001), "99", "101");
    CHECK(floor.state().timers.empty());
    CHECK(floor.heard().empty());
}

// ---- P&L snapshots ------------------------------------------------------------------------------

TEST_CASE("several boundaries crossed give one snapshot, at the first: nothing moved until the next input",
          "[kernel]") {
    Floor floor(Setup::simple().snapshots_every(300));
    floor.broker().fill_at("100");
    floor.place(at(20), market_order(Side::buy, "10"));
    floor.quote(at(299, 999'999'999), "120", "120");
    CHECK(floor.count_of("pnl_snapshot") == 0);
    floor.said();
    floor.quote(at(1'000), "150", "150");
    CHECK(floor.said() == Lines{"8 2024-01-01T00:05:00Z pnl_snapshot portfolio=main cash=99000 market_value=1200 "
                                "equity=100200 "
                                "realized_pnl=0 unrealized_pnl=200 charges=0 gross_exposure=1200 open_orders=0",
                                "9 2024-01-01T00:16:40Z quote instrument=IBM bid=150 ask=150 bid_qty=100 ask_qty=100"});
    floor.quote(at(1'199), "160", "160");
    floor.said();
    floor.quote(at(1'200), "170", "170");  // exactly on the boundary: before the input still
    CHECK(floor.said_of("pnl_snapshot") ==
          Lines{"pnl_snapshot portfolio=main cash=99000 market_value=1600 equity=100600 realized_pnl=0 "
                "unrealized_pnl=600 charges=0 gross_exposure=1600 open_orders=0"});
    floor.quote(at(1'200), "180", "180");
    CHECK(floor.said_of("pnl_snapshot").empty());
}

TEST_CASE("a night takes one snapshot, not one for each boundary that nobody was there to see", "[kernel]") {
    Floor floor(indian().snapshots_every(300));
    floor.quote(at(kOpen + 10), "100", "100");
    floor.said();
    floor.quote(at(kDaySeconds + kOpen + 10), "100", "100");
    CHECK(floor.said() == Lines{"4 2024-01-01T03:50:00Z pnl_snapshot portfolio=main cash=100000 market_value=0 "
                                "equity=100000 "
                                "realized_pnl=0 unrealized_pnl=0 charges=0 gross_exposure=0 open_orders=0",
                                "5 2024-01-01T10:00:00Z session_closed instrument=IBM date=2024-01-01",
                                "6 2024-01-02T03:45:10Z session_opened instrument=IBM date=2024-01-02",
                                "7 2024-01-02T03:45:10Z quote instrument=IBM bid=100 ask=100 bid_qty=100 ask_qty=100"});
}

TEST_CASE("what falls due, or is asked for without a fill, moves no books: no snapshot", "[kernel]") {
    Floor floor(Setup::simple().snapshots_every(60));
    floor.broker().obey();
    floor.strategy().on_timer = [](TimerId, Context& c) { c.place(limit_order(Side::buy, "1", "90")); };
    floor.act(at(1), [](Context& c) {
        c.set_timer(TimerId{1}, at(90));
        c.set_timer(TimerId{2}, at(200));
    });
    floor.tell(at(300), report(ReportKind::accepted, 99));
    CHECK(floor.said_of("pnl_snapshot").size() == 1);  // of the quote, at 00:01
    // A fill without any market input moves them.
    floor.tell(at(301), filled(1, "1", "90", "t1"));
    floor.kill(at(900));
    const Lines lines = floor.said();
    REQUIRE(lines.size() >= 2);
    CHECK(lines[1] == "15 2024-01-01T00:06:00Z pnl_snapshot portfolio=main cash=99910 market_value=100 equity=100010 "
                      "realized_pnl=0 unrealized_pnl=10 charges=0 gross_exposure=100 open_orders=1");
}

TEST_CASE("all open portfolios are seen in one step, the first as its root", "[kernel]") {
    Floor floor(two_portfolios().portfolio("idle", "1").snapshots_every(60));
    floor.quote(at(1), "100", "100");
    floor.said();
    floor.quote(at(61), "100", "100");
    const Lines lines = floor.said();
    REQUIRE(lines.size() == 3);
    CHECK(lines[0] == "5 2024-01-01T00:01:00Z pnl_snapshot portfolio=main cash=100000 "
                      "market_value=0 equity=100000 "
                      "realized_pnl=0 unrealized_pnl=0 charges=0 gross_exposure=0 open_orders=0");
    CHECK(lines[1] == "6 2024-01-01T00:01:00Z pnl_snapshot portfolio=side cash=500 market_value=0 equity=500 "
                      "realized_pnl=0 unrealized_pnl=0 charges=0 gross_exposure=0 open_orders=0 cause=5 root=5");
}

TEST_CASE("what fires between boundaries is seen in the snapshot, a timer on the boundary itself too", "[kernel]") {
    Floor floor(Setup::simple().snapshots_every(60));
    floor.broker().fill_at("100");
    floor.strategy().on_timer = [](TimerId, Context& c) { c.place(market_order(Side::buy, "1")); };
    floor.act(at(1), [](Context& c) {
        c.set_timer(TimerId{1}, at(30));
        c.set_timer(TimerId{2}, at(60));
        c.set_timer(TimerId{3}, at(61));
    });
    floor.quote(at(90), "200", "200");
    CHECK(floor.said_of("pnl_snapshot") ==
          Lines{"pnl_snapshot portfolio=main cash=99800 market_value=200 equity=100000 realized_pnl=0 "
                "unrealized_pnl=0 charges=0 gross_exposure=200 open_orders=0"});
    CHECK(floor.position().net == qty("3"));
}

TEST_CASE("without an interval there are no snapshots", "[kernel]") {
    Floor floor(Setup::simple());
    floor.quote(at(1), "1", "1");
    floor.quote(at(kDaySeconds * 3), "1", "1");
    CHECK(floor.count_of("pnl_snapshot") == 0);
}

// ---- sessions and DAY orders --------------------------------------------------------------------

TEST_CASE("a session opens with its first input and closes at its time, before the input that passes it", "[kernel]") {
    Floor floor(indian());
    floor.quote(at(kOpen), "1", "1");
    floor.quote(at(kClose, -1), "1", "1");
    CHECK(floor.said() == Lines{"2 2024-01-01T03:45:00Z session_opened instrument=IBM date=2024-01-01",
                                "3 2024-01-01T03:45:00Z quote instrument=IBM bid=1 ask=1 bid_qty=100 ask_qty=100",
                                "4 2024-01-01T09:59:59.999999999Z quote instrument=IBM bid=1 ask=1 bid_qty=100 "
                                "ask_qty=100"});
    floor.quote(at(kClose), "1", "1");
    CHECK(floor.said() == Lines{"5 2024-01-01T10:00:00Z session_closed instrument=IBM date=2024-01-01",
                                "6 2024-01-01T10:00:00Z quote instrument=IBM bid=1 ask=1 bid_qty=100 ask_qty=100"});
    floor.quote(at(kClose + 60), "1", "1");  // after hours: no session for it
    CHECK(floor.said_of("session_opened").empty());
}

TEST_CASE("a trading day begins at local midnight, not at UTC's", "[kernel]") {
    Floor floor(indian());
    floor.quote(at(-19'800 - 1), "1", "1");
    floor.quote(at(-19'800), "1", "1");
    CHECK(floor.said_of("session_opened") ==
          Lines{"session_opened instrument=IBM date=2023-12-31", "session_opened instrument=IBM date=2024-01-01"});
}

TEST_CASE("sessions that end together close in the order of their instruments", "[kernel]") {
    Floor floor(indian());
    floor.quote(at(kOpen), "1", "1", kBac);
    floor.quote(at(kOpen), "1", "1", kIbm);
    floor.said();
    floor.quote(at(kClose + 1), "1", "1", kBac);
    CHECK(floor.said_of("session_closed") ==
          Lines{"session_closed instrument=IBM date=2024-01-01", "session_closed instrument=BAC date=2024-01-01"});
}

TEST_CASE("a bar that closes with its session belongs to it, and its orders to the next", "[kernel]") {
    Floor floor(indian());
    floor.broker().obey();
    floor.bar_opened(at(kClose - 60), "100");
    floor.strategy().on_bar = [](const BarClosed&, Context& c) { c.place(day_order()); };
    floor.said();
    floor.bar_closed(at(kClose), "101");
    CHECK(floor.said() == Lines{"4 2024-01-01T10:00:00Z bar_closed instrument=IBM open=101 "
                                "high=101 low=101 close=101 volume=1000 label=2024-01-01T09:59:00Z interval_ns=1m",
                                "5 2024-01-01T10:00:00Z order_intended order=1 strategy=one "
                                "portfolio=main broker=desk instrument=IBM "
                                "side=buy order_type=limit tif=day quantity=1 limit_price=1 "
                                "valued_at=1 cause=4 root=4",
                                "6 2024-01-01T10:00:00Z order_accepted order=1 cause=5 root=4"});
    floor.strategy().on_bar = nullptr;
    floor.bar_opened(at(kDaySeconds + kOpen), "100");
    CHECK(floor.said_of("session_closed") == Lines{"session_closed instrument=IBM date=2024-01-01"});
    CHECK(floor.order(1).status == OrderStatus::working);
    CHECK(to_iso(floor.order(1).good_until) == "2024-01-02");  // the session that has opened gave it its day
}

TEST_CASE("a whole-day bar that closes at midnight belongs to the day it was, and its orders to the next", "[kernel]") {
    Floor floor(Setup::simple());
    floor.bar_opened(at(0), "100");
    floor.strategy().on_bar = [](const BarClosed&, Context& c) { c.place(day_order()); };
    floor.bar_closed(at(kDaySeconds), "101");
    CHECK(floor.count_of("session_opened") == 1);
    CHECK(floor.order(1).good_until == Date{});
    floor.bar_opened(at(kDaySeconds), "100");
    CHECK(to_iso(floor.order(1).good_until) == "2024-01-02");
    CHECK(floor.count_of("session_closed") == 1);
    CHECK(floor.count_of("session_opened") == 2);
}

TEST_CASE("a DAY order is good until the close that is to come, once its market is open", "[kernel]") {
    struct Row {
        const char* fear;
        std::int64_t now;
        const char* good_until;  // where its market has opened
        const char* next;        // what the next session makes of it where it had not
    };
    const char* const none = "1970-01-01";
    const Row rows[] = {
        {"before the open", kOpen - 60, "2024-01-01", "2024-01-01"},
        {"at the open", kOpen, "2024-01-01", "2024-01-01"},
        {"just before the close", kClose - 1, "2024-01-01", "2024-01-02"},
        {"at the close", kClose, none, "2024-01-02"},
        {"in the evening", kClose + 3'600, none, "2024-01-02"},
    };
    for (const Row& row : rows) {
        INFO(row.fear);
        Floor floor(indian());
        floor.place(at(row.now), day_order());
        CHECK(to_iso(floor.order(1).good_until) == row.good_until);
        // Asked for on another's tick: no session of its own has opened, so its day is not known yet.
        Floor other(indian());
        other.place(at(row.now), day_order(kBac));
        CHECK(to_iso(other.order(1).good_until) == none);
        CHECK(other.state().market(kBac).undated == std::vector<OrderId>{OrderId{1}});
        other.restart();
        const std::int64_t opens = row.now < kOpen ? kOpen : row.now == kOpen ? kOpen + 1 : kDaySeconds + kOpen;
        other.quote(at(opens), "1", "1", kBac);
        CHECK(to_iso(other.order(1).good_until) == row.next);
        CHECK(other.state().market(kBac).undated.empty());
    }
    Floor floor(indian());
    floor.place(at(kOpen), limit_order(Side::buy, "1", "1"));
    CHECK(floor.order(1).good_until == Date{});  // GTC knows no day
    CHECK(floor.state().market(kIbm).undated.empty());
}

TEST_CASE("a DAY order made on a Friday evening or at the weekend ends with Monday's session", "[kernel]") {
    // 2024-01-05 is a Friday; BAC only ticks at all so that somebody asks.
    for (const std::int64_t made : {4 * kDaySeconds + kClose + 60, 5 * kDaySeconds + hms(6, 0), 6 * kDaySeconds}) {
        Floor floor(indian());
        floor.broker().obey();
        Lines closes;
        floor.broker().at_session_close = [&](Time, const TradingSessionClosed& session, Reports& out) {
            closes.push_back(to_iso(session.date));
            if (session.date == Date{19'730}) {
                out.push_back(report(ReportKind::expired, 1));
            }
        };
        floor.quote(at(4 * kDaySeconds + kClose - 1), "99", "101");  // Friday's session
        floor.strategy().once([](Context& c) { c.place(day_order()); });
        floor.quote(at(made), "1", "1", kBac);
        CHECK(floor.order(1).good_until == Date{});
        floor.quote(at(7 * kDaySeconds + kOpen), "99", "101");
        CHECK(to_iso(floor.order(1).good_until) == "2024-01-08");
        CHECK(floor.order(1).status == OrderStatus::working);
        floor.quote(at(7 * kDaySeconds + kClose + 1), "99", "101", kBac);
        CHECK(floor.order(1).status == OrderStatus::expired);
        CHECK(closes.front() == "2024-01-05");
    }
}

TEST_CASE("what a session's end expires is told within its step, at its time", "[kernel]") {
    Floor floor(indian());
    floor.broker().obey();
    floor.place(at(kOpen), day_order());
    floor.broker().at_session_close = [](Time now, const TradingSessionClosed& session, Reports& out) {
        CHECK(now == at(kClose));
        CHECK(session.date == Date{19'723});
        out.push_back(report(ReportKind::expired, 1));
    };
    floor.said();
    floor.quote(at(kClose + 100), "1", "1");
    const Lines lines = floor.said();
    CHECK(lines.at(0) == "6 2024-01-01T10:00:00Z session_closed instrument=IBM date=2024-01-01");
    CHECK(lines.at(1) == "7 2024-01-01T10:00:00Z order_expired order=1 cause=6 root=3");
    CHECK(floor.heard() == Lines{"quote", "order 1 working", "order 1 expired", "quote"});
    CHECK(floor.position().open_buys == Qty{});
}

TEST_CASE("a DAY order of an instrument without data waits for the session that its data opens", "[kernel]") {
    Floor floor(indian());
    floor.broker().obey();
    floor.place(at(kOpen), day_order(kBac));
    floor.quote(at(kDaySeconds + kOpen), "1", "1");
    floor.said();
    floor.quote(at(kDaySeconds + kOpen + 1), "1", "1", kBac);
    CHECK(floor.said() == Lines{"9 2024-01-02T03:45:01Z session_opened instrument=BAC date=2024-01-02",
                                "10 2024-01-02T03:45:01Z quote instrument=BAC bid=1 ask=1 bid_qty=100 ask_qty=100"});
    CHECK(floor.order(1).status == OrderStatus::working);
    CHECK(to_iso(floor.order(1).good_until) == "2024-01-02");
}

TEST_CASE("a day's start equity is taken once, by the first instrument that enters the day", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().fill_at("100");
    floor.place(at(1), market_order(Side::buy, "10"));
    floor.quote(at(2), "5", "5", kBac);
    floor.quote(at(kDaySeconds + 1), "110", "110");
    CHECK(floor.portfolio().day_start_equity == money("100000"));  // from the mark before: 100
    floor.quote(at(kDaySeconds + 2), "6", "6", kBac);
    CHECK(floor.portfolio().day_start_equity == money("100000"));
    CHECK(floor.state().trading_date == Date{19'724});
}

// ---- reports ------------------------------------------------------------------------------------

TEST_CASE("a second report of one trade changes nothing", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.tell(at(2), filled(1, "4", "90", "t1"));
    floor.said();
    const State before = floor.state();
    floor.tell(at(3), filled(1, "4", "90", "t1"));
    CHECK(floor.said() == Lines{"7 2024-01-01T00:00:03Z report_ignored order=1 kind=filled "
                                "quantity=4 price=90 trade=t1 "
                                "why=\"this trade is booked already\" cause=4 root=3"});
    State after = floor.state();
    after.next_seq = before.next_seq;
    after.now = before.now;
    CHECK(after == before);
    floor.tell(at(4), filled(1, "6", "90", "t2"));
    floor.tell(at(5), filled(1, "4", "90", "t1"));  // after the end as well
    CHECK(floor.position().net == qty("10"));
    CHECK_FALSE(floor.portfolio().killed());
}

TEST_CASE("a late fill after a cancel is booked, and the order stays cancelled", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.act(at(2), [](Context& c) { c.cancel(OrderId{1}); });
    floor.heard();
    floor.tell(at(3), filled(1, "10", "90", "t1"));
    CHECK(floor.order(1).status == OrderStatus::cancelled);
    CHECK(floor.order(1).filled == qty("10"));
    CHECK(floor.position().net == qty("10"));
    CHECK(floor.position().open_buys == Qty{});
    CHECK(floor.portfolio().cash == money("99100"));
    CHECK_FALSE(floor.portfolio().killed());
    CHECK(floor.heard() == Lines{"fill 1", "order 1 cancelled"});
}

TEST_CASE("a fill of more than was asked is booked whole and latches the portfolio", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.place(at(2), limit_order(Side::buy, "10", "80"));
    floor.tell(at(3), filled(1, "4", "90", "t1"));
    floor.said();
    floor.tell(at(4), filled(1, "8", "90", "t2"));
    CHECK(floor.said() == Lines{"10 2024-01-01T00:00:04Z order_filled order=1 strategy=one portfolio=main "
                                "instrument=IBM side=buy "
                                "quantity=8 price=90 notional=720 charges=0 realized_pnl=0 trade=t2 cause=4 root=3",
                                "11 2024-01-01T00:00:04Z kill_switch_latched portfolio=main rule=overfill limit=10 "
                                "observed=12 scope=all "
                                "cause=10 root=3",
                                "12 2024-01-01T00:00:04Z cancel_intended order=2 rule=overfill cause=11 root=3",
                                "13 2024-01-01T00:00:04Z order_cancelled order=2 reason=asked cause=12 root=6"});
    CHECK(floor.position().net == qty("12"));
    CHECK(floor.order(1).status == OrderStatus::filled);
}

TEST_CASE("a late fill beyond the order is an overfill too", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.tell(at(2), filled(1, "10", "90", "t1"));
    CHECK_FALSE(floor.portfolio().killed());
    floor.tell(at(3), filled(1, "1", "90", "t2"));
    CHECK(floor.portfolio().killed_by == Rule::overfill);
    CHECK(floor.position().net == qty("11"));
    floor.release(at(4));
    floor.said();
    floor.tell(at(5), filled(1, "2", "90", "t3"));  // what came before is not forgotten
    CHECK(floor.said_of("kill_switch_latched") ==
          Lines{"kill_switch_latched portfolio=main rule=overfill limit=10 observed=13 scope=all cause=10 "
                "root=3"});
}

TEST_CASE("a fill that no order explains latches every portfolio, and is kept whole", "[kernel]") {
    Floor floor(two_portfolios().portfolio("idle", "1"));
    floor.quote(at(1), "1", "1");
    floor.said();
    floor.tell(at(2), filled(77, "3", "90", "t1"));
    CHECK(floor.said() == Lines{"5 2024-01-01T00:00:02Z report_ignored order=77 kind=filled "
                                "quantity=3 price=90 trade=t1 "
                                "why=\"no such order\"",
                                "6 2024-01-01T00:00:02Z kill_switch_latched portfolio=main "
                                "rule=unmatched_fill limit=0 observed=3 scope=all "
                                "cause=5 root=5",
                                "7 2024-01-01T00:00:02Z kill_switch_latched portfolio=side "
                                "rule=unmatched_fill limit=0 observed=3 scope=all "
                                "cause=5 root=5"});
    CHECK_FALSE(floor.portfolio(PortfolioId{2}).killed());  // never opened
}

TEST_CASE("an implausible execution is not booked, and latches only the portfolio of its order", "[kernel]") {
    struct Row {
        const char* fear;
        BrokerReport report;
    };
    const Row rows[] = {
        {"no quantity", filled(1, "0", "90", "t1")},
        {"a negative quantity", filled(1, "-1", "90", "t1")},
        {"an absurd quantity", filled(1, "10000000000.00000001", "90", "t1")},
        {"no price", filled(1, "1", "0", "t1")},
        {"a negative price", filled(1, "1", "-90", "t1")},
        {"an absurd price", filled(1, "1", "10000000000.00000001", "t1")},
        {"no trade id: it could be booked twice", filled(1, "1", "90", "")},
    };
    for (const Row& row : rows) {
        INFO(row.fear);
        Floor floor(two_portfolios());
        floor.broker().obey();
        floor.place(at(1), limit_order(Side::buy, "10", "90"));
        floor.tell(at(2), row.report);
        CHECK(floor.count_of("order_filled") == 0);
        CHECK(floor.count_of("report_ignored") == 1);
        CHECK(floor.portfolio(kMain).killed_by == Rule::unmatched_fill);
        CHECK_FALSE(floor.portfolio(kSide).killed());
    }
}

TEST_CASE("a broker that fills without end or changes orders without measure cannot stop the engine", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    for (int i = 0; i < 8; ++i) {
        floor.place(at(i), limit_order(Side::buy, "1", "90"));
    }
    for (int i = 1; i <= 8; ++i) {
        floor.tell(at(10), modified(static_cast<std::uint64_t>(i), "10000000000", "90"));
    }
    CHECK(floor.position().open_buys == qty("30000000005"));  // three were believed
    for (int i = 0; i < 20; ++i) {
        floor.tell(at(20), filled(1, "10000000000", "10000000000", "t" + std::to_string(i)));
    }
    CHECK(floor.position().net == qty("20000000000"));
    CHECK(floor.count_of("order_filled") == 2);
    CHECK(floor.portfolio().killed());
    CHECK(floor.said_of("report_ignored").size() == 5 + 18);
}

TEST_CASE("a report that cannot be is recorded and changes nothing else", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.place(at(2), limit_order(Side::buy, "10", "90"));
    floor.act(at(3), [](Context& c) { c.cancel(OrderId{2}); });
    floor.heard();
    const BrokerReport impossible[] = {
        report(ReportKind::accepted, 1),
        report(ReportKind::accepted, 2),
        report(ReportKind::rejected, 2),
        report(ReportKind::triggered, 2),
        report(ReportKind::cancelled, 2),
        report(ReportKind::expired, 2),
        modified(2, "5", "90"),
        modified(1, "0", "90"),
        modified(1, "-5", "90"),
        modified(1, "5", "-1"),
        modified(1, "5", "90", "-1"),
        modified(1, "20000000000", "90"),
        report(ReportKind::cancelled, 99),
        modified(99, "5", "90"),
    };
    for (const BrokerReport& r : impossible) {
        INFO(name_of(r.kind) << " of " << r.order.value);
        const State before = floor.state();
        floor.said();
        floor.tell(at(4), r);
        const Lines lines = floor.said();
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].find(" report_ignored order=" + std::to_string(r.order.value)) != std::string::npos);
        State after = floor.state();
        after.next_seq = before.next_seq;
        after.now = before.now;
        CHECK(after == before);
    }
    CHECK(floor.heard().empty());
}

TEST_CASE("every end of an order frees what it had reserved, and tells its strategy", "[kernel]") {
    struct Row {
        BrokerReport report;
        const char* heard;
    };
    const Row rows[] = {
        {report(ReportKind::rejected, 1, "no"), "order 1 rejected"},
        {report(ReportKind::cancelled, 1, "no"), "order 1 cancelled"},
        {report(ReportKind::expired, 1), "order 1 expired"},
    };
    for (const Row& row : rows) {
        Floor floor(Setup::simple());
        floor.place(at(1), limit_order(Side::sell, "10", "110"));
        CHECK(floor.position().open_sells == qty("10"));
        CHECK(floor.portfolio().open_orders == 1);
        floor.heard();
        floor.tell(at(2), row.report);
        CHECK(floor.heard() == Lines{row.heard});
        CHECK(floor.position().open_sells == Qty{});
        CHECK(floor.portfolio().open_orders == 0);
        CHECK(floor.state().open_orders.empty());
        CHECK(floor.state().closed_orders.size() == 1);
    }
}

TEST_CASE("a stop's trigger is remembered and told", "[kernel]") {
    Floor floor(Setup::simple());
    floor.place(at(1), {kIbm, Side::sell, OrderType::stop, TimeInForce::gtc, qty("1"), {}, px("90")});
    floor.heard();
    floor.tell(at(2), report(ReportKind::triggered, 1));
    CHECK(floor.order(1).triggered);
    CHECK(floor.order(1).status == OrderStatus::working);
    CHECK(floor.heard() == Lines{"order 1 working"});
}

TEST_CASE("partial fills leave the rest reserved until the last", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.heard();
    floor.tell(at(2), filled(1, "4", "90", "t1"));
    CHECK(floor.position().open_buys == qty("6"));
    CHECK(floor.order(1).status == OrderStatus::working);
    CHECK(floor.heard() == Lines{"fill 1"});
    floor.tell(at(3), filled(1, "6", "89", "t2"));
    CHECK(floor.position().open_buys == Qty{});
    CHECK(floor.heard() == Lines{"fill 1", "order 1 filled"});
    CHECK(floor.position().cost == money("894"));
}

TEST_CASE("the broker's own order id is kept", "[kernel]") {
    Floor floor(Setup::simple());
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.said();
    floor.tell(at(2), report(ReportKind::accepted, 1, "240101000000001"));
    CHECK(floor.order(1).broker_order == "240101000000001");
    CHECK(floor.said_of("order_accepted") ==
          Lines{"order_accepted order=1 broker_order=240101000000001 cause=4 root=3"});
    floor.tell(at(3), report(ReportKind::accepted, 1, "240101000000002"));
    CHECK(floor.order(1).broker_order == "240101000000001");
    CHECK(floor.count_of("report_ignored") == 1);
}

TEST_CASE("a fill that overtakes the acceptance does not cost the order its name at the broker", "[kernel]") {
    Floor floor(Setup::simple());
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.tell(at(2), filled(1, "4", "90", "t1"));
    CHECK(floor.order(1).status == OrderStatus::working);
    floor.tell(at(2), report(ReportKind::accepted, 1, "240101000000001"));
    CHECK(floor.order(1).broker_order == "240101000000001");
    CHECK(floor.order(1).status == OrderStatus::working);
    CHECK(floor.order(1).filled == qty("4"));
    CHECK(floor.count_of("report_ignored") == 0);
}

TEST_CASE("closed orders are forgotten in the order in which they closed, however old they are", "[kernel]") {
    Floor floor(Setup::simple());
    floor.place(at(0), limit_order(Side::buy, "1", "90"));
    floor.broker().answer = [](Time, const Effect& effect, Reports& out) {
        if (const auto* place = std::get_if<PlaceOrder>(&effect)) {
            out.push_back(report(ReportKind::rejected, place->order.value, "no"));
        }
    };
    std::int64_t second = 0;
    while (floor.state().closed_orders.size() < limits::kMaxClosedOrders) {
        floor.act(at(++second), [](Context& c) {
            for (int i = 0; i < 330; ++i) {
                c.place(limit_order(Side::buy, "1", "90"));
            }
        });
    }
    floor.heard();
    const OrderId first = floor.state().closings.front();
    const OrderId second_to_close = floor.state().closings[1];
    floor.tell(at(++second), report(ReportKind::cancelled, 1));
    CHECK(floor.heard() == Lines{"order 1 cancelled"});
    CHECK(floor.state().closed_orders.size() == limits::kMaxClosedOrders);
    CHECK(floor.order(1).status == OrderStatus::cancelled);
    CHECK(floor.state().find_order(first) == nullptr);
    REQUIRE(floor.state().find_order(second_to_close) != nullptr);
    const auto loaded = load_state(floor.saved());
    REQUIRE(loaded);
    CHECK(*loaded == floor.state());  // so a session that goes on from it forgets the same ones
    for (int i = 0; i < 3; ++i) {
        floor.act(at(++second), [](Context& c) {
            for (int n = 0; n < 330; ++n) {
                c.place(limit_order(Side::buy, "1", "90"));
            }
        });
    }
    CHECK(floor.state().find_order(second_to_close) == nullptr);
    CHECK(floor.state().closings.size() == limits::kMaxClosedOrders);
    floor.said();
    floor.tell(at(++second), report(ReportKind::cancelled, 1));  // said twice, and known as such
    CHECK_THAT(floor.said_of("report_ignored").at(0), Catch::Contains("the order cannot do that in its state"));
}

// ---- cancel and modify --------------------------------------------------------------------------

TEST_CASE("an order that is closed, unknown or another's cannot be cancelled or modified", "[kernel]") {
    Floor floor(two_strategies());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.act(at(2), [](Context& c) { c.cancel(OrderId{1}); });
    floor.place(at(3), limit_order(Side::buy, "10", "90"));
    floor.heard(0);
    floor.heard(1);
    floor.said();
    floor.strategy(0).once([](Context& c) {
        c.cancel(OrderId{1});
        c.modify(OrderId{1}, qty("5"), px("90"), {});
        c.cancel(OrderId{99});
    });
    floor.strategy(1).once([](Context& c) {
        c.cancel(OrderId{2});
        c.modify(OrderId{2}, qty("5"), px("90"), {});
    });
    floor.quote(at(4), "99", "101");
    const auto refused = [](const char* order, const char* strategy) {
        return std::string("change_refused order=") + order + " strategy=" + strategy +
               " rule=not_open limit=0 observed=0 cause=12 root=12";
    };
    CHECK(floor.said_of("change_refused") == Lines{refused("1", "one"), refused("1", "one"), refused("99", "one"),
                                                   refused("2", "two"), refused("2", "two")});
    CHECK(floor.heard(0) == Lines{"quote", "order 1 cancelled by not_open change failed",
                                  "order 1 cancelled by not_open change failed",
                                  "order 99 refused by not_open change failed"});
    CHECK(floor.heard(1) ==
          Lines{"quote", "order 2 working by not_open change failed", "order 2 working by not_open change failed"});
    CHECK(floor.order(2).status == OrderStatus::working);
}

TEST_CASE("a cancel that the broker will not carry out leaves the order as it was", "[kernel]") {
    Floor floor(Setup::simple());
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.tell(at(2), report(ReportKind::accepted, 1));
    floor.act(at(3), [](Context& c) { c.cancel(OrderId{1}); });
    CHECK(floor.order(1).cancel_pending);
    floor.heard();
    floor.said();
    floor.tell(at(4), report(ReportKind::cancel_rejected, 1, "too late"));
    CHECK_FALSE(floor.order(1).cancel_pending);
    CHECK(floor.said_of("change_rejected") ==
          Lines{"change_rejected order=1 kind=cancel_rejected reason=\"too late\" cause=4 root=3"});
    CHECK(floor.heard() == Lines{"order 1 working change failed"});
    floor.act(at(5), [](Context& c) { c.cancel(OrderId{1}); });  // and it may be asked again
    CHECK(floor.broker().effects.size() == 3);
}

TEST_CASE("a modify up reserves at once, a modify down frees when confirmed", "[kernel]") {
    Floor floor(Setup::simple());
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.tell(at(2), report(ReportKind::accepted, 1));
    floor.tell(at(3), filled(1, "4", "90", "t1"));
    floor.act(at(4), [](Context& c) { c.modify(OrderId{1}, qty("15"), px("91"), {}); });
    CHECK(floor.position().open_buys == qty("11"));
    CHECK(floor.order(1).terms.quantity == qty("10"));
    CHECK(floor.order(1).modify_pending);
    floor.tell(at(5), modified(1, "15", "91"));
    CHECK(floor.position().open_buys == qty("11"));
    CHECK(floor.order(1).terms.limit_price == px("91"));
    CHECK_FALSE(floor.order(1).modify_pending);
    floor.act(at(6), [](Context& c) { c.modify(OrderId{1}, qty("5"), px("92"), {}); });
    CHECK(floor.position().open_buys == qty("11"));
    floor.tell(at(7), modified(1, "5", "92"));
    CHECK(floor.position().open_buys == qty("1"));
    const auto* asked = std::get_if<ModifyOrder>(&floor.broker().effects.back());
    REQUIRE(asked != nullptr);
    CHECK(asked->quantity == qty("5"));
    CHECK(asked->limit_price == px("92"));
}

TEST_CASE("a second modify waits for the answer to the first", "[kernel]") {
    Floor floor(Setup::simple());
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.tell(at(2), report(ReportKind::accepted, 1));
    floor.heard();
    floor.act(at(3), [](Context& c) {
        c.modify(OrderId{1}, qty("15"), px("90"), {});
        c.modify(OrderId{1}, qty("16"), px("90"), {});
    });
    CHECK(floor.heard() == Lines{"quote", "order 1 working by change_pending change failed"});
    floor.tell(at(4), report(ReportKind::modify_rejected, 1, "no"));
    CHECK(floor.position().open_buys == qty("10"));
    CHECK(floor.heard() == Lines{"order 1 working change failed"});
    floor.act(at(5), [](Context& c) { c.modify(OrderId{1}, qty("16"), px("90"), {}); });
    CHECK(floor.position().open_buys == qty("16"));
}

TEST_CASE("a modify to what has filled already, or less, is refused", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.tell(at(2), filled(1, "4", "90", "t1"));
    floor.said();
    floor.act(at(3), [](Context& c) {
        c.modify(OrderId{1}, qty("4"), px("90"), {});
        c.modify(OrderId{1}, qty("3"), px("90"), {});
        c.modify(OrderId{1}, qty("0"), px("90"), {});
        c.modify(OrderId{1}, qty("5"), px("0"), {});
    });
    CHECK(floor.said_of("change_refused") ==
          Lines{"change_refused order=1 strategy=one rule=invalid_order limit=4 observed=4 cause=7 "
                "root=7",
                "change_refused order=1 strategy=one rule=invalid_order limit=4 observed=3 cause=7 "
                "root=7",
                "change_refused order=1 strategy=one rule=invalid_order limit=10000000000 "
                "observed=0 cause=7 root=7",
                "change_refused order=1 strategy=one rule=invalid_order limit=10000000000 "
                "observed=0 cause=7 root=7"});
}

TEST_CASE("an order that has filled whole is closed at once, whatever change is still on its way", "[kernel]") {
    const auto until_pending = [](Floor& floor) {
        floor.place(at(1), limit_order(Side::buy, "10", "90"));
        floor.tell(at(2), report(ReportKind::accepted, 1));
        floor.act(at(3), [](Context& c) { c.modify(OrderId{1}, qty("15"), px("90"), {}); });
        CHECK(floor.position().open_buys == qty("15"));
        floor.heard();
        floor.tell(at(4), filled(1, "10", "90", "t1"));
        CHECK(floor.order(1).status == OrderStatus::filled);
        CHECK(floor.position().open_buys == Qty{});
        CHECK(floor.portfolio().open_orders == 0);
        CHECK(floor.heard() == Lines{"fill 1", "order 1 filled"});
    };
    Floor refused(Setup::simple());
    until_pending(refused);
    refused.tell(at(5), report(ReportKind::modify_rejected, 1, "too late"));
    CHECK(refused.order(1).status == OrderStatus::filled);
    CHECK(refused.heard() == Lines{"order 1 filled change failed"});
    CHECK_FALSE(refused.portfolio().killed());

    // A broker that took it after all has more than the books have: it says so with a fill, and that latches.
    Floor done(Setup::simple());
    until_pending(done);
    done.said();
    done.tell(at(5), modified(1, "15", "90"));
    CHECK(done.said_of("report_ignored").size() == 1);
    CHECK(done.order(1).status == OrderStatus::filled);
    done.tell(at(6), filled(1, "5", "90", "t2"));
    CHECK(done.order(1).status == OrderStatus::filled);
    CHECK(done.position().net == qty("15"));
    CHECK(done.portfolio().killed_by == Rule::overfill);
}

TEST_CASE("a modify down to what filled meanwhile ends the order", "[kernel]") {
    Floor floor(Setup::simple());
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.tell(at(2), report(ReportKind::accepted, 1));
    floor.act(at(3), [](Context& c) { c.modify(OrderId{1}, qty("5"), px("90"), {}); });
    floor.tell(at(4), filled(1, "5", "90", "t1"));
    CHECK(floor.position().open_buys == qty("5"));  // the modify may still be refused
    floor.heard();
    floor.tell(at(5), modified(1, "5", "90"));
    CHECK(floor.order(1).status == OrderStatus::filled);
    CHECK(floor.position().open_buys == Qty{});
    CHECK(floor.heard() == Lines{"order 1 filled"});
}

TEST_CASE("a change that leaves an order without a price that it needs is no change", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    floor.place(at(1), limit_order(Side::sell, "10", "120"));
    floor.place(at(2), {kIbm, Side::sell, OrderType::stop, TimeInForce::gtc, qty("10"), {}, px("80")});
    floor.said();
    floor.tell(at(3), modified(1, "5", "0", "80"));
    floor.tell(at(4), modified(2, "5", "120", "0"));
    CHECK(floor.said_of("report_ignored").size() == 2);
    CHECK(floor.order(1).terms.limit_price == px("120"));
    CHECK(floor.order(2).terms.stop_price == px("80"));
    floor.kill(at(5), kMain, LatchScope::entries);  // which may change them, and would have had to ask for the same
    CHECK(floor.portfolio().open_orders == 0);
}

// ---- strategies that misbehave ------------------------------------------------------------------

TEST_CASE("a strategy that throws is halted, its half-asked requests are dropped, and the others go on", "[kernel]") {
    Floor floor(two_strategies());
    floor.broker().obey();
    floor.strategy(0).once([](Context& c) {
        c.set_timer(TimerId{1}, at(5));
        c.place(limit_order(Side::buy, "1", "90"));
    });
    floor.quote(at(1), "99", "101");
    floor.said();
    floor.heard(1);
    floor.strategy(0).once([](Context& c) {
        c.place(limit_order(Side::buy, "2", "90"));
        c.set_timer(TimerId{2}, at(6));
        throw std::runtime_error("off the rails");
    });
    floor.strategy(1).once([](Context& c) { c.place(limit_order(Side::buy, "3", "90")); });
    floor.quote(at(2), "99", "101");
    CHECK(floor.said() ==
          Lines{"7 2024-01-01T00:00:02Z quote instrument=IBM bid=99 ask=101 bid_qty=100 ask_qty=100",
                "8 2024-01-01T00:00:02Z strategy_halted strategy=one reason=\"off the rails\" "
                "cause=7 root=7",
                "9 2024-01-01T00:00:02Z order_intended order=2 strategy=two portfolio=main "
                "broker=desk instrument=IBM "
                "side=buy order_type=limit tif=gtc quantity=3 limit_price=90 valued_at=90 cause=7 root=7",
                "10 2024-01-01T00:00:02Z order_accepted order=2 cause=9 root=7"});
    floor.heard(0);
    floor.tell(at(3), filled(1, "1", "90", "t1"));  // its order is still there, and is booked
    floor.quote(at(10), "99", "101");
    CHECK(floor.position().net == qty("1"));
    CHECK(floor.heard(0).empty());  // no fill, no timer, no quote
    CHECK(floor.heard(1) == Lines{"quote", "order 2 working", "quote"});
    CHECK(floor.count_of("timer_fired") == 1);  // and nobody is told
}

TEST_CASE("a strategy that is halted from outside hears nothing more, and its orders stand", "[kernel]") {
    Floor floor(two_strategies());
    floor.broker().obey();
    floor.act(at(1), [](Context& c) {
        c.place(limit_order(Side::buy, "1", "90"));
        c.set_timer(TimerId{1}, at(5));
    });
    floor.said();
    floor.halt(at(2), 0, "too slow");
    CHECK(floor.said() == Lines{"7 2024-01-01T00:00:02Z strategy_halted strategy=one reason=\"too slow\""});
    floor.halt(at(3), 0, "again");
    CHECK(floor.said().empty());
    CHECK(floor.order(1).status == OrderStatus::working);
    CHECK(floor.broker().effects.size() == 1);  // nothing was cancelled
    floor.heard(0);
    floor.tell(at(3), filled(1, "1", "90", "t1"));
    floor.quote(at(10), "99", "101");
    CHECK(floor.position().net == qty("1"));
    CHECK(floor.heard(0).empty());
    CHECK(floor.count_of("timer_fired") == 1);
    CHECK(floor.heard(1).back() == "quote");
}

TEST_CASE("what a halted strategy misses of its orders and timers is told when it resumes, and not what others did",
          "[kernel]") {
    Floor floor(two_strategies());
    floor.broker().obey();
    floor.act(at(1), [](Context& c) {
        c.place(limit_order(Side::buy, "3", "90"));  // 1: fills in two parts
        c.place(limit_order(Side::buy, "5", "80"));  // 2: fills in part, and is cancelled
        c.place(limit_order(Side::buy, "1", "70"));  // 3: nothing happens to it
        c.set_timer(TimerId{4}, at(4));
        c.set_timer(TimerId{60}, at(60));
    });
    floor.act(at(1), [](Context& c) { c.place(limit_order(Side::buy, "1", "60")); }, 1);
    floor.halt(at(2), 0, "too slow");
    floor.heard(0);
    floor.tell(at(3), filled(1, "1", "90", "t1"));
    floor.tell(at(3), filled(2, "2", "80", "t2"));
    floor.tell(at(3), filled(4, "1", "60", "t3"));
    floor.quote(at(5), "99", "101");
    floor.tell(at(6), report(ReportKind::cancelled, 2, "by hand"));
    floor.tell(at(7), filled(1, "2", "89", "t4"));
    CHECK(floor.heard(0).empty());
    floor.restart();  // it is part of the state
    floor.strategy(0).on_fill = [](const OrderFilled& fill, Context& c) {
        OrderTerms exit = limit_order(Side::sell, "1", "120");
        exit.quantity = fill.quantity;
        c.place(exit);
    };
    floor.said();
    floor.resume(at(8), 0);
    CHECK(floor.heard(0) == Lines{"fill 1", "fill 2", "fill 1", "order 1 filled", "order 2 cancelled", "timer 4",
                                  "order 5 working", "order 6 working", "order 7 working"});
    CHECK(floor.order(5).terms.quantity == qty("1"));
    CHECK(floor.order(7).terms.quantity == qty("2"));
    CHECK(floor.state().strategies[0] == StrategyState{});
    floor.resume(at(9), 0);
    floor.quote(at(10), "99", "101");
    CHECK(floor.heard(0) == Lines{"quote"});
}

TEST_CASE("a halt from outside leaves nothing due out, and stands where what is due halts as well", "[kernel]") {
    Floor floor(Setup::simple());
    floor.act(at(1), [](Context& c) { c.set_timer(TimerId{1}, at(5)); });
    floor.strategy().on_timer = [](TimerId, Context&) { throw std::runtime_error("by itself"); };
    floor.said();
    floor.halt(at(6), 0, std::string(100'000, 'x'));
    const Lines lines = floor.said();
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].find("timer_fired") != std::string::npos);
    CHECK(lines[1].find("by itself") != std::string::npos);
    CHECK(lines[2].find("strategy_halted strategy=one reason=xxx") != std::string::npos);
    CHECK(lines[2].find("cause=") == std::string::npos);
    CHECK(lines[2].size() < 2 * limits::kMaxTextBytes);
}

TEST_CASE("a strategy that throws something strange is halted like any other", "[kernel]") {
    Floor floor(Setup::simple());
    floor.act(at(1), [](Context& c) {
        c.place(market_order(Side::buy, "1"));
        throw 42;  // NOLINT(misc-throw-by-value-catch-by-reference,hicpp-exception-baseclass)
    });
    CHECK(floor.said_of("strategy_halted") ==
          Lines{"strategy_halted strategy=one reason=\"it threw something that is no "
                "std::exception\" cause=3 root=3"});
    CHECK(floor.broker().effects.empty());
}

TEST_CASE("what a strategy asked in earlier callbacks is dropped too once it is halted", "[kernel]") {
    Floor floor(Setup::simple());
    floor.strategy().on_order = [](const OrderUpdate&, Context&) { throw std::runtime_error("refused? me?"); };
    floor.act(at(1), [](Context& c) {
        c.place(market_order(Side::buy, "0"));
        c.place(market_order(Side::buy, "1"));
    });
    CHECK(floor.state().strategies[0].halted);
    CHECK(floor.count_of("order_intended") == 0);
    CHECK(floor.broker().effects.empty());
}

TEST_CASE("a reason as long as a book is cut", "[kernel]") {
    Floor floor(Setup::simple());
    floor.act(at(1), [](Context&) { throw std::runtime_error(std::string(100'000, 'x')); });
    const auto* halted = std::get_if<StrategyHalted>(&floor.events().back().event);
    REQUIRE(halted != nullptr);
    CHECK(halted->reason.size() == limits::kMaxTextBytes);
}

TEST_CASE("a strategy may ask so much in a step, past which orders and changes are refused and recorded", "[kernel]") {
    Floor floor(Setup::simple());
    floor.act(at(1), [](Context& c) {
        for (int i = 0; i < 1'010; ++i) {
            c.place(limit_order(Side::buy, "1", "90"));
        }
        c.modify(OrderId{1}, qty("2"), px("90"), {});
    });
    CHECK(floor.broker().effects.size() == 1'000);
    const Lines lines = floor.said();
    const auto refusals = [&](const char* what) {
        return std::ranges::count_if(lines, [&](const std::string& l) { return l.find(what) != std::string::npos; });
    };
    CHECK(refusals("order_refused") == 10);
    CHECK(refusals("rule=step_facts limit=1000 observed=1001 ") == 1);
    CHECK(refusals("rule=step_facts limit=1000 observed=1010 ") == 1);
    CHECK(lines.back().find("change_refused order=1 strategy=one rule=step_facts limit=1000 observed=1011") !=
          std::string::npos);
    CHECK_FALSE(floor.state().strategies[0].halted);
    floor.act(at(2), [](Context& c) { c.place(limit_order(Side::buy, "1", "90")); });
    CHECK(floor.broker().effects.size() == 1'001);  // the next step has room again
}

TEST_CASE("what others do in a step is not held against a strategy", "[kernel]") {
    // A thousand and more orders of one portfolio, all cancelled by its latch in the step in which another asks.
    Floor floor(two_portfolios().limit(Rule::daily_loss, "100"));
    floor.broker(0).obey();
    for (int step = 0; step < 2; ++step) {
        floor.act(at(1 + step), [](Context& c) {
            for (int i = 0; i < 600; ++i) {
                c.place(limit_order(Side::buy, "1", "50"));
            }
        });
    }
    floor.broker(0).fill_at("100");
    floor.place(at(4), market_order(Side::buy, "10"));
    floor.broker(0).obey();
    floor.strategy(1).once([](Context& c) { c.place(limit_order(Side::buy, "1", "50")); });
    floor.quote(at(5), "80", "80");
    CHECK(floor.portfolio(kMain).latch == LatchScope::entries);
    CHECK(floor.portfolio(kMain).open_orders == 0);
    CHECK_FALSE(floor.portfolio(kSide).killed());
    CHECK(floor.portfolio(kSide).open_orders == 1);
    CHECK_FALSE(floor.state().strategies[1].halted);
    // A strategy that asks without end is refused alone.
    floor.release(at(6));
    floor.strategy(0).once([](Context& c) {
        for (int i = 0; i < 1'500; ++i) {
            c.cancel(OrderId{99'999});
        }
    });
    floor.strategy(1).once([](Context& c) { c.place(limit_order(Side::buy, "1", "50")); });
    floor.quote(at(7), "80", "80");
    CHECK(floor.portfolio(kSide).open_orders == 2);
}

TEST_CASE("a strategy that answers every refusal with another request is stopped", "[kernel]") {
    Floor floor(Setup::simple());
    floor.strategy().on_order = [](const OrderUpdate&, Context& c) { c.place(market_order(Side::buy, "0")); };
    floor.act(at(1), [](Context& c) { c.place(market_order(Side::buy, "0")); });
    CHECK(floor.state().strategies[0].halted);
    CHECK(floor.count_of("order_refused") == 2'000);
}

TEST_CASE("order ids only grow, over refusals and restarts alike", "[kernel]") {
    Floor floor(Setup::simple());
    floor.broker().obey();
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < 6; ++i) {
        ids.push_back(floor.place(at(i), limit_order(Side::buy, i % 2 == 0 ? "1" : "0", "90")).value);
        if (i == 3) {
            floor.restart();
        }
    }
    CHECK(ids == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("ids promised to a halted strategy do not part a restarted kernel from one that went on", "[kernel]") {
    for (const bool restarted : {false, true}) {
        Floor floor(two_strategies());
        floor.strategy(0).on_order = [](const OrderUpdate&, Context&) { throw std::runtime_error("no"); };
        floor.strategy(0).once([](Context& c) {
            c.place(market_order(Side::buy, "0"));  // refused, and its callback throws
            c.place(market_order(Side::buy, "1"));  // dropped, though its id was promised
        });
        floor.quote(at(1), "99", "101");
        if (restarted) {
            floor.restart();
        }
        CHECK(floor.place(at(2), market_order(Side::buy, "1"), 1) == OrderId{2});
    }
}

// ---- reports and commands from outside ----------------------------------------------------------

TEST_CASE("what falls due before a report or command comes before it", "[kernel]") {
    Floor floor(indian().snapshots_every(300));
    floor.broker().obey();
    floor.place(at(kOpen), day_order());
    floor.act(at(kOpen + 1), [](Context& c) { c.set_timer(TimerId{1}, at(kOpen + 2)); });
    floor.said();
    floor.tell(at(kOpen + 3), filled(1, "1", "1", "t1"));
    Lines types;
    for (const std::string& line : floor.said()) {
        types.push_back(line.substr(line.find(' ') + 1, 40));
    }
    REQUIRE(types.size() == 2);
    CHECK(types[0] == std::string("2024-01-01T03:45:02Z timer_fired strategy=one timer=1").substr(0, 40));
    floor.kill(at(kClose + 1));
    types = floor.said();
    REQUIRE(types.size() == 3);
    CHECK(types[0].find("03:50:00Z pnl_snapshot") != std::string::npos);
    CHECK(types[1].find("10:00:00Z session_closed") != std::string::npos);
    CHECK(types[2].find("kill_switch_latched") != std::string::npos);
    floor.release(at(kClose + 3'600));
    CHECK(floor.said().size() == 1);  // nothing has moved since
}

TEST_CASE("a session ends before a timer of the same instant, and before the snapshot", "[kernel]") {
    Floor floor(indian().snapshots_every(300));
    floor.broker().fill_at("100");
    floor.act(at(kClose - 10), [](Context& c) {
        c.place(market_order(Side::buy, "1"));
        c.set_timer(TimerId{7}, at(kClose));
    });
    floor.said();
    floor.quote(at(kClose + 60), "99", "101");
    const Lines lines = floor.said();
    REQUIRE(lines.size() >= 3);
    CHECK(lines[0].find("10:00:00Z session_closed") != std::string::npos);
    CHECK(lines[1].find("10:00:00Z timer_fired") != std::string::npos);
    CHECK(lines[2].find("10:00:00Z pnl_snapshot") != std::string::npos);
}

TEST_CASE("a kill of a portfolio with more orders than a step has facts for halts nobody, there or beside it",
          "[kernel]") {
    Setup setup = Setup().instrument("IBM").portfolio("main", "100000000").portfolio("other", "1000").broker("desk");
    setup.strategy("many", {kIbm}).strategy("innocent", {kIbm}, PortfolioId{1});
    Floor floor(setup);
    floor.broker().obey();
    for (int i = 0; i < 3; ++i) {
        floor.act(at(1 + i), [](Context& c) {
            for (int n = 0; n < 400; ++n) {
                c.place(limit_order(Side::buy, "1", "90"));
            }
        });
    }
    REQUIRE(floor.state().open_orders.size() == 1'200);
    floor.place(at(10), limit_order(Side::buy, "1", "90"), 1);
    floor.heard(1);
    floor.kill(at(11));
    CHECK(floor.state().portfolios[0].open_orders == 0);
    CHECK(floor.state().portfolios[1].open_orders == 1);
    CHECK_FALSE(floor.state().portfolios[1].killed());
    CHECK_FALSE(floor.state().strategies[0].halted);
    CHECK_FALSE(floor.state().strategies[1].halted);
    CHECK(floor.count_of("order_refused") == 0);
    floor.place(at(12), limit_order(Side::buy, "1", "90"), 1);
    CHECK(floor.state().portfolios[1].open_orders == 2);
}

TEST_CASE("a command that changes nothing leaves no trace, not even of what ends just then", "[kernel]") {
    // A replay does not know of it, and would otherwise let the session end behind the bar that closes with it.
    Floor floor(indian());
    floor.quote(at(kOpen), "99", "101");
    floor.kill(at(kOpen + 1));
    floor.said();
    floor.kill(at(kClose));
    CHECK(floor.said().empty());
    floor.release(at(kClose));
    const Lines said = floor.said();
    REQUIRE(said.size() == 1);
    CHECK(said[0].find("kill_switch_released") != std::string::npos);
    floor.release(at(kClose));
    CHECK(floor.said().empty());
}

TEST_CASE("a report or command from outside is stamped with its own time, not the last tick's", "[kernel]") {
    Floor floor(Setup::simple());
    floor.place(at(1), limit_order(Side::buy, "10", "90"));
    floor.said();
    floor.tell(at(2), report(ReportKind::accepted, 1));
    CHECK(floor.said() == Lines{"5 2024-01-01T00:00:02Z order_accepted order=1 cause=4 root=3"});
    Time seen;
    floor.strategy().on_fill = [&](const OrderFilled&, Context& c) { seen = c.view().now(); };
    floor.tell(at(3), filled(1, "1", "90", "t1"));
    CHECK(floor.said().at(0).substr(0, 35) == "6 2024-01-01T00:00:03Z order_filled");
    CHECK(seen == at(3));
    floor.tell(at(4), report(ReportKind::accepted, 1));
    CHECK(floor.said().at(0).substr(0, 37) == "7 2024-01-01T00:00:04Z report_ignored");
    floor.kill(at(5));
    const Lines lines = floor.said();
    CHECK(lines.at(0) == "8 2024-01-01T00:00:05Z kill_switch_latched portfolio=main "
                         "rule=operator_kill limit=0 observed=0 scope=all");
    CHECK(lines.at(1) == "9 2024-01-01T00:00:05Z cancel_intended order=1 rule=operator_kill cause=8 root=8");
    CHECK(floor.state().now == at(5));
}

}  // namespace alpha::test
