// The table at the top of adapters/paper/paper_broker.hpp, a row a test or more, and what links, slippage and volume do.

#include "tests/paper/desk.hpp"

#include <catch2/catch.hpp>

namespace alpha::test {
namespace {

const Said kNothing;

PaperSettings next_open() {
    PaperSettings settings;
    settings.fill = FillModel::next_open;
    return settings;
}

PaperSettings late(std::int64_t seconds) {
    PaperSettings settings;
    settings.latency = Duration{seconds * kSecondNs};
    return settings;
}

PaperSettings sharing(std::string_view percent) {
    PaperSettings settings;
    settings.use_size = true;
    settings.volume_share = parse_money(percent).value();
    return settings;
}

PaperSettings through() {
    PaperSettings settings;
    settings.limit_fill = LimitFill::through;
    return settings;
}

// ---- an order arrives ----

TEST_CASE("an order meets a bar's open or close of its very instant", "[paper]") {
    Desk desk;
    desk.opened("100");
    CHECK(desk.place(buy(1)) == Said{"1 accepted", "1 filled 1 at 100 #1"});
    desk.wait(60).closed("100", "110", "90", "105");
    CHECK(desk.place(buy(1)) == Said{"2 accepted", "2 filled 1 at 105 #2"});
    CHECK(desk.place(buy(1).limit("107")) == Said{"3 accepted", "3 filled 1 at 105 #3"});
    CHECK(desk.place(sell(1).stop("105")) == Said{"4 accepted", "4 triggered", "4 filled 1 at 105 #4"});
    CHECK(desk.place(buy(1).limit("104").ioc()) == Said{"5 accepted", "5 cancelled: ioc"});
}

TEST_CASE("an order made a moment after a bar's price waits for the next one, across a night as well", "[paper]") {
    Desk desk;
    desk.opened("100");
    desk.wait(60).closed("100", "100", "100", "100");
    desk.wait(1);
    CHECK(desk.place(buy(1)) == Said{"1 accepted"});
    CHECK(desk.place(buy(1).limit("102")) == Said{"2 accepted"});
    CHECK(desk.place(buy(1).stop("99")) == Said{"3 accepted"});
    CHECK(desk.place(buy(1).limit("98").ioc()) == Said{"4 accepted"});
    CHECK(desk.place(buy(5).limit("97")) == Said{"5 accepted"});
    CHECK(desk.modify(5, 5, "103") == Said{"5 modified 5 limit 103 stop 0"});
    // Each meets the next price as its first: limits at the open, which is better than their limit.
    CHECK(desk.wait(60'000).opened("101") == Said{"1 filled 1 at 101 #1", "2 filled 1 at 101 #2", "3 triggered",
                                                  "3 filled 1 at 101 #3", "4 cancelled: ioc", "5 filled 5 at 101 #4"});
}

TEST_CASE("an order made with a standing quote meets it, however old", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    CHECK(desk.wait(3'600).place(buy(1)) == Said{"1 accepted", "1 filled 1 at 101 #1"});
}

// ---- a bar's range ----

TEST_CASE("an order never fills on the range of the bar that it came in", "[paper]") {
    Desk desk;
    desk.opened("100");
    desk.wait(1);
    desk.place(buy(1).limit("95"));
    desk.place(sell(1).stop("96"));
    desk.place(buy(1).limit("100"));
    // Inside the bar it went to 90, but who knows whether that was before 10:00:01. The close alone comes after.
    CHECK(desk.wait(59).closed("100", "110", "90", "99") == Said{"3 filled 1 at 100 #1"});
    CHECK(desk.opened("99") == kNothing);
    CHECK(desk.wait(60).closed("99", "99", "94", "99") ==
          Said{"2 triggered", "2 filled 1 at 96 #2", "1 filled 1 at 95 #3"});
}

TEST_CASE("an order of the open's very instant sees the range", "[paper]") {
    Desk desk;
    desk.opened("100");
    desk.place(buy(1).limit("95"));
    CHECK(desk.wait(60).closed("100", "110", "90", "105") == Said{"1 filled 1 at 95 #1"});
}

TEST_CASE("who came inside the bar: market and reached stops at the close, limits at their limit", "[paper]") {
    Desk desk;
    desk.opened("100");
    desk.wait(1);
    desk.place(buy(1));
    desk.place(buy(1).stop("103"));
    desk.place(buy(1).stop("106"));
    desk.place(buy(1).limit("108"));
    desk.place(buy(1).stop("103").limit("104"));
    desk.place(buy(1).stop("103").limit("109"));
    CHECK(desk.wait(59).closed("100", "110", "90", "105") ==
          Said{"1 filled 1 at 105 #1", "2 triggered", "2 filled 1 at 105 #2", "4 filled 1 at 108 #3", "5 triggered",
               "6 triggered", "6 filled 1 at 109 #4"});
}

TEST_CASE("what waits through an open that does not count has no part in that bar's range", "[paper]") {
    Desk desk;
    desk.opened("100");
    desk.wait(60).closed("100", "100", "100", "100");
    desk.wait(1);
    desk.place(buy(1).limit("95"));
    desk.place(buy(1).stop("105"));
    // The broker is not told of an open that does not count.
    desk.wait(59).label();
    CHECK(desk.wait(60).closed("100", "110", "90", "100") == kNothing);
    CHECK(desk.opened("100") == kNothing);
    CHECK(desk.wait(60).closed("100", "100", "95", "100") == Said{"1 filled 1 at 95 #1"});
}

TEST_CASE("a stop behind an open that did not count fills at that open, which is worse", "[paper]") {
    Desk desk;
    desk.quote("99", "100");
    desk.place(buy(1).stop("105"));
    desk.wait(60).label();
    CHECK(desk.wait(60).closed("107", "110", "106", "108") == Said{"1 triggered", "1 filled 1 at 107 #1"});
}

// ---- exits ----

TEST_CASE("exits of a fill at the open see the range of that bar, the stop first", "[paper]") {
    Desk desk(next_open());
    CHECK(desk.bracket(buy(10), "95", "105") == Said{"1 accepted", "2 accepted", "3 accepted"});
    CHECK(desk.opened("100") == Said{"1 filled 10 at 100 #1"});
    CHECK(desk.wait(60).closed("100", "106", "94", "100") ==
          Said{"2 triggered", "2 filled 10 at 95 #2", "3 cancelled: linked"});
}

TEST_CASE("of exits born inside a bar the stop fills in it and the target at its close alone", "[paper]") {
    const auto entered = [](const char* low, const char* close) {
        Desk desk;
        desk.opened("100");
        desk.bracket(buy(10).limit("98"), "95", "103");
        return desk.wait(60).closed("100", "110", low, close);
    };
    CHECK(entered("94", "100") ==
          Said{"1 filled 10 at 98 #1", "2 triggered", "2 filled 10 at 95 #2", "3 cancelled: linked"});
    CHECK(entered("95", "104") ==
          Said{"1 filled 10 at 98 #1", "2 triggered", "2 filled 10 at 95 #2", "3 cancelled: linked"});
    // Its high of 110 may have been before the entry.
    CHECK(entered("96", "102") == Said{"1 filled 10 at 98 #1"});
    CHECK(entered("96", "104") == Said{"1 filled 10 at 98 #1", "3 filled 10 at 103 #2", "2 cancelled: linked"});
}

TEST_CASE("a stop born inside a bar never sells dearer than the entry has bought", "[paper]") {
    Desk desk;
    desk.opened("100");
    desk.bracket(buy(10).limit("98"), "99", "103");  // the stop lies above the entry
    CHECK(desk.wait(60).closed("100", "101", "97", "100") ==
          Said{"1 filled 10 at 98 #1", "2 triggered", "2 filled 10 at 98 #2", "3 cancelled: linked"});
}

TEST_CASE("exits meet the quote that has filled their entry", "[paper]") {
    Desk desk;
    desk.quote("100", "101");
    CHECK(desk.bracket(buy(10), "100", "110") == Said{"1 accepted", "2 accepted", "3 accepted", "1 filled 10 at 101 #1",
                                                      "2 triggered", "2 filled 10 at 100 #2", "3 cancelled: linked"});
    CHECK(desk.bracket(buy(10), "90", "99") == Said{"4 accepted", "5 accepted", "6 accepted", "4 filled 10 at 101 #3",
                                                    "6 filled 10 at 100 #4", "5 cancelled: linked"});
}

TEST_CASE("more of a target that comes alive inside a bar waits for the close", "[paper]") {
    Desk desk(sharing("100"));
    desk.quote("99", "100", 5, 4);
    desk.bracket(buy(10).limit("100"), "90", "105");
    desk.wait(60).label();
    // Four were held when the bar began; six were bought while it lasted, before its high of 106 or after it.
    CHECK(desk.wait(60).closed("101", "106", "99", "104", 0, 100) ==
          Said{"1 filled 6 at 100 #2", "3 filled 4 at 105 #3", "2 modified 6 limit 0 stop 90"});
}

// ---- latency ----

TEST_CASE("a late order arrives with the first price at or after it is due, at a close as at a quote", "[paper]") {
    Desk desk(late(90));
    desk.opened("100");
    desk.place(buy(1));
    desk.place(buy(1).limit("107"));
    CHECK(desk.wait(60).closed("100", "100", "100", "100") == kNothing);
    CHECK(desk.opened("101") == kNothing);
    // Due inside this bar: market at the close, the limit at its limit.
    CHECK(desk.wait(60).closed("101", "110", "90", "105") ==
          Said{"1 accepted", "1 filled 1 at 105 #1", "2 accepted", "2 filled 1 at 107 #2"});
    desk.place(buy(1).limit("107"));
    CHECK(desk.wait(90).closed("105", "105", "105", "105") == Said{"3 accepted", "3 filled 1 at 105 #3"});
}

// ---- next_open ----

TEST_CASE("in next_open nothing arrives but at an open of the shortest interval", "[paper]") {
    Desk desk(next_open());
    desk.opened("100");
    desk.place(buy(1));
    CHECK(desk.quote("99", "101") == kNothing);
    CHECK(desk.wait(60).closed("100", "110", "90", "105") == kNothing);
    CHECK(desk.opened("106", 0, false) == kNothing);
    CHECK(desk.opened("107", 0, true) == Said{"1 filled 1 at 107 #1"});
}

// ---- use_size with bars ----

TEST_CASE("what an open would fill is decided at the close, at the open's price, of our share of the volume",
          "[paper]") {
    Desk desk(sharing("10"));
    desk.place(buy(60));
    desk.place(buy(60));
    desk.place(buy(60));
    CHECK(desk.opened("100") == kNothing);
    CHECK(desk.wait(60).closed("100", "110", "90", "105", 0, 1'000) ==
          Said{"1 filled 60 at 100 #1", "2 filled 40 at 100 #2"});
    // What a strategy asks on that close finds nothing left; the rests wait for the next price.
    CHECK(desk.place(sell(5)) == Said{"4 accepted"});
    CHECK(desk.opened("106") == kNothing);
    CHECK(desk.wait(60).closed("106", "106", "106", "106", 0, 259) ==
          Said{"2 filled 20 at 106 #3", "3 filled 5 at 106 #4"});
}

TEST_CASE("a bar without volume fills nothing, and an IOC does not outlive it", "[paper]") {
    Desk desk(sharing("100"));
    desk.opened("100");
    desk.place(buy(1));
    desk.place(buy(1).ioc());
    desk.place(buy(1).limit("95"));
    CHECK(desk.wait(60).closed("100", "110", "90", "105", 0, 0) == Said{"2 cancelled: ioc"});
    CHECK(desk.place(buy(1).ioc()) == Said{"4 accepted", "4 cancelled: ioc"});
    CHECK(desk.opened("106") == kNothing);
    CHECK(desk.wait(60).closed("106", "106", "94", "106", 0, 2) == Said{"1 filled 1 at 106 #1", "3 filled 1 at 95 #2"});
}

TEST_CASE("nobody sells a part of a lot", "[paper]") {
    Desk desk(sharing("10"));
    desk.opened("100");
    desk.place(buy(50).in_lots_of(25));
    desk.place(buy(25).in_lots_of(25));
    CHECK(desk.wait(60).closed("100", "100", "100", "100", 0, 490) == Said{"1 filled 25 at 100 #1"});
    CHECK(desk.opened("101") == kNothing);
    CHECK(desk.wait(60).closed("101", "101", "101", "101", 0, 500) ==
          Said{"1 filled 25 at 101 #2", "2 filled 25 at 101 #3"});
}

TEST_CASE("what an open has promised is void once a newer price comes", "[paper]") {
    Desk desk(sharing("10"));
    desk.place(buy(60));
    desk.place(buy(60).limit("102"));
    desk.opened("100");
    // The bar is shadowed from here on. The limit rests: it gets its own price.
    CHECK(desk.wait(1).quote("100", "101", 100, 100) == Said{"1 filled 60 at 101 #1", "2 filled 40 at 102 #2"});
}

TEST_CASE("the close of another bar does not keep an open's promise", "[paper]") {
    Desk desk(sharing("10"));
    desk.place(buy(60));
    desk.opened("100");
    desk.wait(60).label();
    CHECK(desk.wait(60).closed("107", "107", "107", "107", 0, 1'000) == Said{"1 filled 60 at 107 #1"});
}

TEST_CASE("a market order whose promise was void waits for another open under next_open", "[paper]") {
    PaperSettings settings = sharing("10");
    settings.fill = FillModel::next_open;
    Desk desk(settings);
    desk.place(buy(5));
    desk.opened("100");
    CHECK(desk.wait(1).quote("100", "101") == kNothing);
    CHECK(desk.wait(59).opened("103") == kNothing);
    CHECK(desk.wait(60).closed("103", "103", "103", "103") == Said{"1 filled 5 at 103 #1"});
}

// ---- limit_fill: through ----

TEST_CASE("with limit_fill: through a limit that rests fills only when the price goes beyond it", "[paper]") {
    Desk desk(through());
    desk.quote("99", "101");
    CHECK(desk.place(buy(1).limit("101")) == Said{"1 accepted", "1 filled 1 at 101 #1"});  // it does not rest
    desk.place(buy(1).limit("100"));
    CHECK(desk.quote("99", "100") == kNothing);
    CHECK(desk.quote("99", "99.99") == Said{"2 filled 1 at 100 #2"});
    desk.place(sell(1).limit("105"));
    CHECK(desk.wait(60).opened("105") == kNothing);
    CHECK(desk.wait(60).closed("105", "105", "100", "105") == kNothing);
    CHECK(desk.opened("100") == kNothing);
    CHECK(desk.wait(60).closed("100", "105.01", "100", "100") == Said{"3 filled 1 at 105 #3"});
}

TEST_CASE("with limit_fill: through a close at the limit does not fill who came inside the bar", "[paper]") {
    Desk desk(through());
    desk.opened("100");
    desk.wait(1).place(buy(1).limit("99"));
    CHECK(desk.wait(59).closed("100", "100", "98", "99") == kNothing);
    desk.opened("99");
    CHECK(desk.wait(60).closed("99", "99", "98.99", "99") == Said{"1 filled 1 at 99 #1"});
}

// ---- slippage ----

TEST_CASE("slippage in ticks and in per cent worsens market and stop fills, a part of a tick to a whole one",
          "[paper]") {
    PaperSettings ticks;
    ticks.slippage_ticks = 3;
    Desk by_ticks(ticks);
    by_ticks.quote("99", "101");
    CHECK(by_ticks.place(buy(1)) == Said{"1 accepted", "1 filled 1 at 101.03 #1"});
    CHECK(by_ticks.place(sell(1).stop("99")) == Said{"2 accepted", "2 triggered", "2 filled 1 at 98.97 #2"});
    CHECK(by_ticks.place(sell(1).limit("99")) == Said{"3 accepted", "3 filled 1 at 99 #3"});

    PaperSettings percent;
    percent.slippage_percent = parse_money("0.1").value();
    Desk by_percent(percent);
    by_percent.quote("100", "100");
    CHECK(by_percent.place(buy(1)) == Said{"1 accepted", "1 filled 1 at 100.1 #1"});
    by_percent.quote("100.01", "100.01");  // 0.10001: rounded up
    CHECK(by_percent.place(buy(1)) == Said{"2 accepted", "2 filled 1 at 100.12 #2"});
    CHECK(by_percent.place(sell(1)) == Said{"3 accepted", "3 filled 1 at 99.9 #3"});
    by_percent.quote("0.005", "0.005");
    CHECK(by_percent.place(sell(1)) == Said{"4 accepted", "4 filled 1 at 0.00000001 #4"});

    const auto broker = make_paper_broker(percent);
    CHECK(broker->worst_fill(Side::buy, px("100.01"), px("0.01")) == px("100.12"));
    CHECK(broker->worst_fill(Side::sell, px("100.01"), px("0.05")) == px("99.86"));
}

// ---- links: entry and exits ----

TEST_CASE("exits come alive with their entry's fills, for what has filled", "[paper]") {
    Desk desk(sharing("10"));
    desk.quote("99", "100", 100, 4);
    desk.bracket(buy(10).limit("100"), "95", "105");
    CHECK(desk.quote("105", "106", 100, 100) == Said{"3 filled 4 at 105 #2", "2 modified 6 limit 0 stop 95"});
    CHECK(desk.quote("94", "106", 100, 100) == kNothing);  // nothing is held, so nothing is stopped
    CHECK(desk.quote("96", "99", 100, 100) == Said{"1 filled 6 at 100 #3"});
    CHECK(desk.quote("95", "99", 100, 100) == Said{"2 triggered", "2 filled 6 at 95 #4", "3 cancelled: linked"});
}

TEST_CASE("an entry that ends leaves exits of what has filled, or none", "[paper]") {
    Desk desk(sharing("10"));
    desk.quote("99", "100", 100, 4);
    desk.bracket(buy(10).limit("100"), "95", "105");
    CHECK(desk.cancel(1) == Said{"1 cancelled", "2 modified 4 limit 0 stop 95", "3 modified 4 limit 105 stop 0"});
    CHECK(desk.quote("94", "95") == Said{"2 triggered", "2 filled 4 at 94 #2", "3 cancelled: linked"});

    desk.bracket(buy(10).limit("90"), "85", "95");
    CHECK(desk.cancel(4) ==
          Said{"4 cancelled", "5 cancelled: its entry has ended", "6 cancelled: its entry has ended"});
    desk.bracket(buy(10).limit("90").day(5), "85", "95");
    CHECK(desk.session_closed(5) ==
          Said{"7 expired", "8 cancelled: its entry has ended", "9 cancelled: its entry has ended"});
    desk.quote("99", "100", 100, 4);
    CHECK(desk.bracket(buy(10).ioc(), "95", "105") ==
          Said{"10 accepted", "11 accepted", "12 accepted", "10 filled 4 at 100 #3", "10 cancelled: ioc",
               "11 modified 4 limit 0 stop 95", "12 modified 4 limit 105 stop 0"});
}

TEST_CASE("an entry that is made larger takes its exits with it, as far as they are smaller", "[paper]") {
    Desk desk;
    desk.quote("104", "105");
    desk.bracket(buy(10).limit("100"), "95", "110");
    CHECK(desk.modify(1, 20, "100") ==
          Said{"1 modified 20 limit 100 stop 0", "2 modified 20 limit 0 stop 95", "3 modified 20 limit 110 stop 0"});
    CHECK(desk.modify(1, 15, "100") == Said{"1 modified 15 limit 100 stop 0"});
    CHECK(desk.modify(1, 22, "100") ==
          Said{"1 modified 22 limit 100 stop 0", "2 modified 22 limit 0 stop 95", "3 modified 22 limit 110 stop 0"});
    desk.quote("99", "100");
    CHECK(desk.quote("94", "95") == Said{"2 triggered", "2 filled 22 at 94 #2", "3 cancelled: linked"});
}

TEST_CASE("an exit whose entry has ended cannot be made larger than what has filled", "[paper]") {
    Desk desk;
    desk.quote("99", "100");
    desk.bracket(buy(10), "95", "105");
    CHECK(desk.modify(3, 25, "105") == Said{"3 modified 10 limit 105 stop 0"});
    CHECK(desk.quote("105", "106") == Said{"3 filled 10 at 105 #2", "2 cancelled: linked"});
}

TEST_CASE("DAY legs on their way end with their session, and exits with their entry", "[paper]") {
    Desk desk(late(60));
    desk.quote("99", "100");
    desk.bracket(buy(10).day(5), "95", "105");
    desk.entry_with(buy(10), {sell(10).stop("95").day(5), sell(10).limit("105")});
    CHECK(desk.session_closed(5) ==
          Said{"1 expired", "2 cancelled: its entry has ended", "3 cancelled: its entry has ended", "5 expired"});
    CHECK(desk.wait(60).quote("99", "100") == Said{"4 accepted", "6 accepted", "4 filled 10 at 100 #1"});
}

TEST_CASE("an IOC exit that a bar has stopped takes what there is and ends", "[paper]") {
    Desk desk(sharing("10"));
    desk.opened("100");
    desk.entry_with(buy(8).limit("98"), {sell(8).stop("97").ioc()});
    CHECK(desk.wait(60).closed("100", "100", "96", "97", 0, 100) ==
          Said{"1 filled 8 at 98 #1", "2 triggered", "2 filled 2 at 97 #2", "2 cancelled: ioc"});
}

TEST_CASE("a stop_limit exit that its bar has triggered and not filled is a limit that rests", "[paper]") {
    Desk desk;
    desk.opened("100");
    desk.entry_with(buy(1).limit("98"), {sell(1).stop("97").limit("99")});
    CHECK(desk.wait(60).closed("100", "100", "96", "99.5") == Said{"1 filled 1 at 98 #1", "2 triggered"});
    CHECK(desk.quote("110", "111") == Said{"2 filled 1 at 99 #2"});
}

TEST_CASE("more of a stop_limit exit that its bar has triggered rests with it", "[paper]") {
    Desk desk(sharing("10"));
    desk.quote("99", "100", 5, 4);
    desk.entry_with(buy(6).limit("100"), {sell(6).stop("95").limit("95")});
    desk.wait(60).label();
    CHECK(desk.wait(60).closed("101", "101", "95", "99", 0, 100) ==
          Said{"2 triggered", "2 filled 4 at 95 #2", "1 filled 2 at 100 #3"});
    CHECK(desk.quote("110", "111") == Said{"2 filled 2 at 95 #4"});
}

// ---- links: one cancels the other ----

TEST_CASE("a fill of one leg takes its quantity from the others, and a whole one ends them", "[paper]") {
    Desk desk(sharing("10"));
    desk.quote("99", "101", 4, 4);
    desk.oco({sell(10).limit("105"), sell(10).stop("95")});
    CHECK(desk.quote("105", "106", 4, 4) == Said{"1 filled 4 at 105 #1", "2 modified 6 limit 0 stop 95"});
    CHECK(desk.quote("95", "96", 4, 4) == Said{"2 triggered", "2 filled 4 at 95 #2", "1 modified 6 limit 105 stop 0"});
    CHECK(desk.quote("90", "96", 4, 4) == Said{"2 filled 2 at 90 #3", "1 cancelled: linked"});
}

TEST_CASE("within one bar only one leg fills, the stop", "[paper]") {
    Desk desk;
    desk.opened("100");
    desk.oco({sell(10).limit("105"), sell(10).stop("95")});
    CHECK(desk.wait(60).closed("100", "106", "94", "100") ==
          Said{"2 triggered", "2 filled 10 at 95 #1", "1 cancelled: linked"});
}

TEST_CASE("a leg that fills as it arrives ends the ones behind it", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    CHECK(desk.oco({buy(10).limit("101"), buy(10).stop("101")}) ==
          Said{"1 accepted", "2 accepted", "1 filled 10 at 101 #1", "2 cancelled: linked"});
}

TEST_CASE("a smaller leg ends with what the larger one has filled, the larger one keeps its rest", "[paper]") {
    Desk desk(sharing("10"));
    desk.quote("99", "101", 6, 6);
    desk.oco({sell(10).limit("105"), sell(6).stop("95")});
    CHECK(desk.quote("105", "106", 6, 6) == Said{"1 filled 6 at 105 #1", "2 cancelled: linked"});
    CHECK(desk.quote("105", "106", 6, 6) == Said{"1 filled 4 at 105 #2"});
}

TEST_CASE("a change on its way while another leg fills takes off what the links have taken", "[paper]") {
    PaperSettings settings = sharing("10");
    settings.latency = Duration{10 * kSecondNs};
    Desk desk(settings);
    desk.quote("99", "101", 4, 4);
    desk.oco({sell(10).limit("105"), sell(10).stop("95")});
    CHECK(desk.wait(10).quote("100", "101", 4, 4) == Said{"1 accepted", "2 accepted"});
    desk.modify(2, 12, "0", "96", 10);
    CHECK(desk.wait(5).quote("105", "106", 4, 4) == Said{"1 filled 4 at 105 #1", "2 modified 6 limit 0 stop 95"});
    // Twelve of ten are eight of six.
    CHECK(desk.wait(5).quote("100", "101", 4, 4) == Said{"2 modified 8 limit 0 stop 96"});
    desk.modify(2, 3, "0", "96", 8);
    CHECK(desk.wait(5).quote("105", "106", 3, 4) == Said{"1 filled 3 at 105 #2", "2 modified 5 limit 0 stop 96"});
    CHECK(desk.wait(5).quote("100", "101", 4, 4) == Said{"2 modify_rejected: quantity already filled"});
}

TEST_CASE("a cancelled leg leaves the other", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.oco({sell(10).limit("105"), sell(10).stop("95")});
    CHECK(desk.cancel(1) == Said{"1 cancelled"});
    CHECK(desk.quote("95", "96") == Said{"2 triggered", "2 filled 10 at 95 #1"});
}

// ---- reduce_only ----

TEST_CASE("reduce-only orders keep what the net leaves them, the oldest first", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.place(buy(10));
    desk.place(sell(6).limit("105").reduce_only());
    CHECK(desk.place(sell(6).limit("106").reduce_only()) == Said{"3 accepted", "3 modified 4 limit 106 stop 0"});
    CHECK(desk.place(sell(1).limit("104").reduce_only()) == Said{"4 accepted", "4 cancelled: nothing to reduce"});
    CHECK(desk.place(sell(7)) ==
          Said{"5 accepted", "5 filled 7 at 99 #2", "2 modified 3 limit 105 stop 0", "3 cancelled: nothing to reduce"});
    CHECK(desk.quote("106", "107") == Said{"2 filled 3 at 105 #3"});
}

TEST_CASE("a flat portfolio has nothing to reduce, nor has the other side, nor another portfolio", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    CHECK(desk.place(sell(1).reduce_only()) == Said{"1 accepted", "1 cancelled: nothing to reduce"});
    desk.place(buy(5).of_portfolio(1));
    CHECK(desk.place(sell(1).reduce_only()) == Said{"3 accepted", "3 cancelled: nothing to reduce"});
    CHECK(desk.place(buy(1).reduce_only().of_portfolio(1)) == Said{"4 accepted", "4 cancelled: nothing to reduce"});
    CHECK(desk.place(sell(9).reduce_only().of_portfolio(1)) ==
          Said{"5 accepted", "5 modified 5 limit 0 stop 0", "5 filled 5 at 99 #2"});
}

TEST_CASE("a reduce-only order never turns a position, though several fill at one price", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.place(buy(10));
    desk.place(sell(5).limit("105"));
    desk.place(sell(10).limit("105").reduce_only());
    CHECK(desk.quote("105", "106") ==
          Said{"2 filled 5 at 105 #2", "3 modified 5 limit 105 stop 0", "3 filled 5 at 105 #3"});
}

TEST_CASE("the legs of a group share what they may reduce", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.bracket(buy(10), "95", "105");
    CHECK(desk.place(sell(4)) ==
          Said{"4 accepted", "4 filled 4 at 99 #2", "2 modified 6 limit 0 stop 95", "3 modified 6 limit 105 stop 0"});
    CHECK(desk.place(sell(6)) == Said{"5 accepted", "5 filled 6 at 99 #3", "2 cancelled: nothing to reduce",
                                      "3 cancelled: nothing to reduce"});
}

TEST_CASE("what a late reduce-only order may do is known when it arrives", "[paper]") {
    Desk desk(late(10));
    desk.quote("99", "101");
    desk.place(buy(10));
    desk.place(sell(10).reduce_only());
    CHECK(desk.wait(10).quote("99", "101") ==
          Said{"1 accepted", "1 filled 10 at 101 #1", "2 accepted", "2 filled 10 at 99 #2"});
}

// ---- sessions ----

TEST_CASE("a DAY order made while its market is shut belongs to the session that opens next", "[paper]") {
    Desk desk;
    desk.place(buy(1).limit("90").day(0));  // no day yet
    CHECK(desk.session_closed(10) == kNothing);
    CHECK(desk.session_opened(13) == kNothing);
    CHECK(desk.session_closed(12) == kNothing);
    CHECK(desk.session_closed(13) == Said{"1 expired"});

    Desk slow(late(60));
    slow.place(buy(1).limit("90").day(0));
    slow.session_opened(13);
    CHECK(slow.session_closed(13) == Said{"1 expired"});
}

// ---- links: kernel ----

TEST_CASE("a broker that leaves links to the kernel knows none", "[paper]") {
    PaperSettings settings;
    settings.links = Links::kernel;
    Desk desk(settings);
    CHECK_FALSE(desk.broker().links_orders());
    desk.quote("99", "101");
    CHECK(desk.place(sell(1).reduce_only()) == Said{"1 accepted", "1 filled 1 at 99 #1"});
    CHECK(desk.oco({sell(1).limit("99"), sell(1).limit("99")}) ==
          Said{"2 accepted", "3 accepted", "2 filled 1 at 99 #2", "3 filled 1 at 99 #3"});
}

}  // namespace
}  // namespace alpha::test
