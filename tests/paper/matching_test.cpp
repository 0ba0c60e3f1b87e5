#include "tests/paper/desk.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

namespace alpha::test {
namespace {

const Said kNothing;

PaperSettings next_open() {
    PaperSettings settings;
    settings.fill = FillModel::next_open;
    return settings;
}

PaperSettings with_size() {
    PaperSettings settings;
    settings.use_size = true;
    return settings;
}

PaperSettings with_latency(std::int64_t seconds, FillModel fill = FillModel::touch) {
    PaperSettings settings;
    settings.fill = fill;
    settings.latency = Duration{seconds * kSecondNs};
    return settings;
}

PaperSettings with_slippage(std::string_view price, FillModel fill = FillModel::touch) {
    PaperSettings settings;
    settings.fill = fill;
    settings.slippage = px(price);
    return settings;
}

// ---- market orders ----

TEST_CASE("a market order crosses the whole spread: buys pay the ask, sells get the bid", "[paper]") {
    Desk desk;
    desk.quote("99", "101", 1, 1);
    // Sizes are ignored unless asked for: 500 fill against a displayed 1.
    CHECK(desk.place(buy(500)) == Said{"1 accepted", "1 filled 500 at 101 #1"});
    CHECK(desk.place(sell(500)) == Said{"2 accepted", "2 filled 500 at 99 #2"});
}

TEST_CASE("a filled order never fills again", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.place(buy(10));
    CHECK(desk.quote("99", "101") == kNothing);
    CHECK(desk.opened("100") == kNothing);
    CHECK(desk.closed("100", "120", "80", "100") == kNothing);
}

TEST_CASE("a market order never fills at the price zero of an absent side", "[paper]") {
    Desk desk;
    CHECK(desk.place(buy(10)) == Said{"1 accepted"});
    CHECK(desk.place(sell(10)) == Said{"2 accepted"});
    CHECK(desk.quote("0", "0") == kNothing);
    CHECK(desk.quote("99", "0") == Said{"2 filled 10 at 99 #1"});
    CHECK(desk.quote("0", "101") == Said{"1 filled 10 at 101 #2"});
}

TEST_CASE("an IOC market order does not wait for a quote", "[paper]") {
    Desk desk;
    // Rule "an order arrives": nothing has been seen yet, so the next price is its arrival.
    CHECK(desk.place(buy(10).ioc()) == Said{"1 accepted"});
    CHECK(desk.quote("99", "0") == Said{"1 cancelled: no quote"});
    CHECK(desk.place(buy(10).ioc()) == Said{"2 accepted", "2 cancelled: no quote"});
    CHECK(desk.quote("99", "101") == kNothing);
}

TEST_CASE("an instrument that only has bars fills at its latest bar price, no older one", "[paper]") {
    Desk desk;
    CHECK(desk.place(buy(1)) == Said{"1 accepted"});
    CHECK(desk.opened("100") == Said{"1 filled 1 at 100 #1"});
    CHECK(desk.place(sell(1)) == Said{"2 accepted", "2 filled 1 at 100 #2"});
    desk.closed("100", "110", "90", "105");
    CHECK(desk.place(buy(1)) == Said{"3 accepted", "3 filled 1 at 105 #3"});
    CHECK(desk.place(sell(1).ioc()) == Said{"4 accepted", "4 filled 1 at 105 #4"});
}

TEST_CASE("a waiting market order does not miss a bar of which only the close is seen", "[paper]") {
    Desk desk;
    desk.place(buy(1));
    CHECK(desk.closed("100", "110", "90", "105") == Said{"1 filled 1 at 105 #1"});
}

TEST_CASE("quotes stop, bars go on: the quote stands until a bar that counts", "[paper]") {
    Desk desk;
    desk.quote("99", "0");
    desk.place(buy(1));
    CHECK(desk.wait(1).place(buy(1)) == Said{"2 accepted"});
    CHECK(desk.place(sell(1)) == Said{"3 accepted", "3 filled 1 at 99 #1"});
    CHECK(desk.wait(60).opened("100") == Said{"1 filled 1 at 100 #2", "2 filled 1 at 100 #3"});
    // The quote is history: who comes between two bars waits for the next price.
    CHECK(desk.wait(1).place(sell(1)) == Said{"4 accepted"});
    CHECK(desk.wait(59).closed("100", "110", "90", "105") == Said{"4 filled 1 at 105 #4"});
}

TEST_CASE("slippage never improves a price, reaches zero or leaves the accepted range", "[paper]") {
    Desk desk(with_slippage("0.25"));
    desk.quote("99", "101");
    CHECK(desk.place(buy(1)) == Said{"1 accepted", "1 filled 1 at 101.25 #1"});
    CHECK(desk.place(sell(1)) == Said{"2 accepted", "2 filled 1 at 98.75 #2"});
    desk.quote("0.25", "10000000000");
    CHECK(desk.place(sell(1)) == Said{"3 accepted", "3 filled 1 at 0.00000001 #3"});
    CHECK(desk.place(buy(1)) == Said{"4 accepted", "4 filled 1 at 10000000000 #4"});
}

TEST_CASE("slippage never moves a limit order past its limit", "[paper]") {
    Desk desk(with_slippage("0.25"));
    desk.quote("99", "101");
    CHECK(desk.place(buy(1).limit("101")) == Said{"1 accepted", "1 filled 1 at 101 #1"});
    desk.place(buy(1).limit("100"));
    CHECK(desk.quote("98", "99") == Said{"2 filled 1 at 100 #2"});
}

TEST_CASE("one instrument's market never fills another's orders", "[paper]") {
    Desk desk;
    desk.place(buy(1).of(2));
    CHECK(desk.quote("99", "101", 100, 100, 0) == kNothing);
    CHECK(desk.opened("100", 1) == kNothing);
    CHECK(desk.closed("100", "100", "100", "100", 3) == kNothing);
    CHECK(desk.quote("9", "11", 100, 100, 2) == Said{"1 filled 1 at 11 #1"});
}

// ---- next open ----

TEST_CASE("an order made on a bar's close never fills on that same close", "[paper]") {
    Desk desk(next_open());
    desk.opened("100");
    desk.closed("100", "110", "90", "105");
    CHECK(desk.place(buy(10)) == Said{"1 accepted"});
    CHECK(desk.place(buy(10).ioc()) == Said{"2 accepted"});
    CHECK(desk.quote("99", "101") == kNothing);
    CHECK(desk.closed("100", "110", "90", "105") == kNothing);
    CHECK(desk.opened("107") == Said{"1 filled 10 at 107 #1", "2 filled 10 at 107 #2"});
    CHECK(desk.opened("108") == kNothing);
}

TEST_CASE("an order made on a bar's open never fills at that open", "[paper]") {
    Desk desk(next_open());
    desk.opened("100");
    CHECK(desk.place(sell(10)) == Said{"1 accepted"});
    CHECK(desk.closed("100", "110", "90", "105") == kNothing);
    CHECK(desk.opened("104") == Said{"1 filled 10 at 104 #1"});
}

TEST_CASE("slippage is not forgotten at the next open", "[paper]") {
    Desk desk(with_slippage("0.5", FillModel::next_open));
    desk.place(buy(1));
    desk.place(sell(1));
    CHECK(desk.opened("100") == Said{"1 filled 1 at 100.5 #1", "2 filled 1 at 99.5 #2"});
}

TEST_CASE("in next_open a limit order never trades before the next open", "[paper]") {
    Desk desk(next_open());
    desk.quote("99", "101");
    CHECK(desk.place(buy(1).limit("105")) == Said{"1 accepted"});
    CHECK(desk.place(buy(1).limit("100")) == Said{"2 accepted"});
    CHECK(desk.quote("94", "95") == kNothing);
    CHECK(desk.closed("100", "110", "90", "100") == kNothing);
    CHECK(desk.opened("103") == Said{"1 filled 1 at 103 #1"});
    CHECK(desk.closed("103", "104", "100", "101") == Said{"2 filled 1 at 100 #2"});
}

TEST_CASE("an IOC order never outlives the open it arrives at", "[paper]") {
    Desk desk(next_open());
    desk.place(buy(1).limit("100").ioc());
    desk.place(buy(1).limit("99").ioc());
    desk.place(buy(1).stop("100").ioc());
    desk.place(buy(1).stop("101").ioc());
    CHECK(desk.opened("100") ==
          Said{"1 filled 1 at 100 #1", "2 cancelled: ioc", "3 triggered", "3 filled 1 at 100 #2", "4 cancelled: ioc"});
    CHECK(desk.closed("100", "110", "90", "100") == kNothing);
}

TEST_CASE("in next_open a stop never triggers before the next open", "[paper]") {
    Desk desk(next_open());
    desk.opened("100");
    CHECK(desk.place(buy(1).stop("105")) == Said{"1 accepted"});
    CHECK(desk.closed("100", "110", "90", "104") == kNothing);
    CHECK(desk.opened("103") == kNothing);
    CHECK(desk.closed("103", "106", "103", "104") == Said{"1 triggered", "1 filled 1 at 105 #1"});
}

// ---- limit orders ----

TEST_CASE("a marketable limit does not overpay when the market offers better", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    CHECK(desk.place(buy(1).limit("105")) == Said{"1 accepted", "1 filled 1 at 101 #1"});
    CHECK(desk.place(sell(1).limit("95")) == Said{"2 accepted", "2 filled 1 at 99 #2"});
    CHECK(desk.place(buy(1).limit("101")) == Said{"3 accepted", "3 filled 1 at 101 #3"});
}

TEST_CASE("a resting limit never gets a better price than its own", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    CHECK(desk.place(buy(1).limit("100")) == Said{"1 accepted"});
    CHECK(desk.place(sell(1).limit("100")) == Said{"2 accepted"});
    CHECK(desk.quote("99", "100.01") == kNothing);
    CHECK(desk.quote("80", "90") == Said{"1 filled 1 at 100 #1"});
    CHECK(desk.quote("110", "120") == Said{"2 filled 1 at 100 #2"});
}

TEST_CASE("no limit or stop takes an absent price for a low one", "[paper]") {
    Desk desk;
    desk.place(buy(1).limit("100"));
    desk.place(buy(1).stop("100").limit("101"));
    desk.place(sell(1).stop("90"));
    CHECK(desk.quote("0", "0") == kNothing);
    CHECK(desk.quote("99", "0") == kNothing);
    CHECK(desk.opened("0") == kNothing);
    CHECK(desk.closed("0", "0", "0", "0") == kNothing);
    CHECK(desk.quote("99", "100") == Said{"1 filled 1 at 100 #1", "2 triggered", "2 filled 1 at 100 #2"});
}

TEST_CASE("an open beyond a limit fills at the better open", "[paper]") {
    Desk desk;
    desk.closed("100", "100", "100", "100");
    desk.place(buy(1).limit("95"));
    desk.place(sell(1).limit("105"));
    CHECK(desk.opened("90") == Said{"1 filled 1 at 90 #1"});
    CHECK(desk.opened("120") == Said{"2 filled 1 at 120 #2"});
}

TEST_CASE("a bar that has not reached a limit never fills it", "[paper]") {
    Desk desk;
    desk.opened("100");
    desk.place(buy(1).limit("95"));
    desk.place(sell(1).limit("105"));
    CHECK(desk.closed("100", "104.99", "95.01", "100") == kNothing);
    CHECK(desk.closed("100", "100", "94", "100") == Said{"1 filled 1 at 95 #1"});
    CHECK(desk.closed("100", "105", "100", "100") == Said{"2 filled 1 at 105 #2"});
}

TEST_CASE("a limit or stop that came while a bar lasted never trades in its range, which may be from before",
          "[paper]") {
    Desk desk;
    desk.label().wait(30).quote("100", "101");
    desk.place(buy(1).limit("95"));
    desk.place(sell(1).stop("92"));
    CHECK(desk.wait(30).closed("100", "101", "90", "100") == kNothing);
    CHECK(desk.label().wait(60).closed("100", "101", "93", "100") == Said{"1 filled 1 at 95 #1"});
    CHECK(desk.label().wait(60).closed("100", "101", "91", "100") == Said{"2 triggered", "2 filled 1 at 92 #2"});
}

TEST_CASE("an IOC limit never rests", "[paper]") {
    Desk desk;
    CHECK(desk.place(buy(1).limit("100").ioc()) == Said{"1 accepted"});  // no price yet: the next one is its arrival
    CHECK(desk.quote("99", "101") == Said{"1 cancelled: ioc"});
    CHECK(desk.place(buy(1).limit("100").ioc()) == Said{"2 accepted", "2 cancelled: ioc"});
    CHECK(desk.place(buy(1).limit("102").ioc()) == Said{"3 accepted", "3 filled 1 at 101 #1"});
    CHECK(desk.quote("90", "91") == kNothing);
}

// ---- stops ----

TEST_CASE("a gap over a stop fills at the gap, not at the stop", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.place(buy(1).stop("105"));
    desk.place(sell(1).stop("95"));
    CHECK(desk.quote("103", "104.99") == kNothing);
    CHECK(desk.quote("109", "110") == Said{"1 triggered", "1 filled 1 at 110 #1"});
    CHECK(desk.quote("80", "82") == Said{"2 triggered", "2 filled 1 at 80 #2"});

    Desk bars;
    bars.closed("100", "100", "100", "100");
    bars.place(buy(1).stop("105"));
    bars.place(sell(1).stop("95"));
    CHECK(bars.opened("110") == Said{"1 triggered", "1 filled 1 at 110 #1"});
    CHECK(bars.opened("80") == Said{"2 triggered", "2 filled 1 at 80 #2"});
}

TEST_CASE("a stop inside a bar fills at the stop and never without being reached", "[paper]") {
    Desk desk(with_slippage("0.5"));
    desk.opened("100");
    desk.place(buy(1).stop("105"));
    desk.place(sell(1).stop("95"));
    CHECK(desk.closed("100", "104.99", "95.01", "100") == kNothing);
    CHECK(desk.closed("100", "112", "96", "110") == Said{"1 triggered", "1 filled 1 at 105.5 #1"});
    CHECK(desk.closed("100", "112", "90", "110") == Said{"2 triggered", "2 filled 1 at 94.5 #2"});
}

TEST_CASE("a stop that is already through does not sleep until the next quote", "[paper]") {
    Desk desk(with_slippage("0.5"));
    desk.quote("99", "101");
    CHECK(desk.place(buy(1).stop("101")) == Said{"1 accepted", "1 triggered", "1 filled 1 at 101.5 #1"});
    CHECK(desk.place(sell(1).stop("100")) == Said{"2 accepted", "2 triggered", "2 filled 1 at 98.5 #2"});
}

TEST_CASE("a stop never triggers on the other side of the quote", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    CHECK(desk.place(buy(1).stop("101.5")) == Said{"1 accepted"});
    CHECK(desk.place(sell(1).stop("98.5")) == Said{"2 accepted"});
    // Bid through the buy's stop and ask through the sell's: a crossed quote, neither on its own
    // side.
    CHECK(desk.quote("102", "98") == kNothing);
}

TEST_CASE("an IOC stop never waits for its trigger", "[paper]") {
    Desk desk;
    CHECK(desk.place(buy(1).stop("105").ioc()) == Said{"1 accepted"});  // no price yet: the next one is its arrival
    CHECK(desk.quote("99", "101") == Said{"1 cancelled: ioc"});
    CHECK(desk.place(buy(1).stop("105").ioc()) == Said{"2 accepted", "2 cancelled: ioc"});
    CHECK(desk.place(buy(1).stop("100").ioc()) == Said{"3 accepted", "3 triggered", "3 filled 1 at 101 #1"});
    CHECK(desk.place(buy(1).stop("100").limit("100.5").ioc()) == Said{"4 accepted", "4 triggered", "4 cancelled: ioc"});
}

TEST_CASE("a gap never fills a stop_limit beyond its limit", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.place(buy(1).stop("105").limit("107"));
    desk.place(buy(1).stop("105").limit("111"));
    // The second is within its limit and takes the touch; the first is a resting limit from here
    // on.
    CHECK(desk.quote("109", "110") == Said{"1 triggered", "2 triggered", "2 filled 1 at 110 #1"});
    CHECK(desk.quote("100", "102") == Said{"1 filled 1 at 107 #2"});

    Desk bars;
    bars.closed("100", "100", "100", "100");
    bars.place(sell(1).stop("95").limit("93"));
    bars.place(sell(1).stop("95").limit("85"));
    CHECK(bars.opened("90") == Said{"1 triggered", "2 triggered", "2 filled 1 at 90 #1"});
    CHECK(bars.closed("90", "94", "88", "89") == Said{"1 filled 1 at 93 #2"});
}

TEST_CASE("a stop_limit never rests and fills inside the very bar that triggered it", "[paper]") {
    Desk desk;
    desk.opened("100");
    desk.place(buy(1).stop("105").limit("103"));
    // Triggered at 105; whether the bar came back to 103 afterwards nobody knows, though its low
    // was 90.
    CHECK(desk.closed("100", "110", "90", "108") == Said{"1 triggered"});
    CHECK(desk.closed("108", "110", "103", "108") == Said{"1 filled 1 at 103 #1"});

    desk.place(buy(1).stop("112").limit("113"));
    CHECK(desk.closed("108", "120", "107", "118") == Said{"2 triggered", "2 filled 1 at 112 #2"});
}

TEST_CASE("a stop_limit triggered before a bar's close does not miss that close", "[paper]") {
    Desk desk;
    desk.opened("100");
    desk.place(buy(1).stop("105").limit("103"));
    CHECK(desk.opened("110") == Said{"1 triggered"});
    CHECK(desk.closed("110", "110", "102", "105") == Said{"1 filled 1 at 103 #1"});
    CHECK(desk.place(buy(1).stop("105").limit("104")) == Said{"2 accepted", "2 triggered"});
    CHECK(desk.closed("105", "106", "104", "105") == Said{"2 filled 1 at 104 #2"});
}

TEST_CASE("inside one bar the stop comes before the target", "[paper]") {
    Desk desk;
    desk.opened("100");
    desk.place(sell(1).limit("105"));
    desk.place(sell(1).stop("95"));
    desk.place(sell(1).limit("104"));
    CHECK(desk.closed("100", "106", "94", "100") ==
          Said{"2 triggered", "2 filled 1 at 95 #1", "1 filled 1 at 105 #2", "3 filled 1 at 104 #3"});
}

TEST_CASE("orders are matched in the order they arrived, whatever their type", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.place(buy(1).limit("98"));
    desk.place(sell(1).stop("98"));
    desk.place(buy(1).limit("99"));
    CHECK(desk.quote("96", "97") ==
          Said{"1 filled 1 at 98 #1", "2 triggered", "2 filled 1 at 96 #2", "3 filled 1 at 99 #3"});
}

// ---- displayed size ----

TEST_CASE("two orders cannot both take the same displayed size", "[paper]") {
    Desk desk(with_size());
    desk.quote("99", "101", 70, 100);
    CHECK(desk.place(buy(60)) == Said{"1 accepted", "1 filled 60 at 101 #1"});
    CHECK(desk.place(buy(60)) == Said{"2 accepted", "2 filled 40 at 101 #2"});
    CHECK(desk.place(buy(60)) == Said{"3 accepted"});
    // The other side is a size of its own.
    CHECK(desk.place(sell(60)) == Said{"4 accepted", "4 filled 60 at 99 #3"});
    CHECK(desk.quote("100", "102", 70, 50) == Said{"2 filled 20 at 102 #4", "3 filled 30 at 102 #5"});
    CHECK(desk.quote("100", "103", 70, 50) == Said{"3 filled 30 at 103 #6"});
}

TEST_CASE("late comers do not get the size that resting orders took", "[paper]") {
    Desk desk(with_size());
    desk.quote("99", "101");
    desk.place(buy(60).limit("100"));
    desk.place(buy(60).limit("100.5"));
    CHECK(desk.quote("98", "99", 10, 100) == Said{"1 filled 60 at 100 #1", "2 filled 40 at 100.5 #2"});
    CHECK(desk.place(buy(1)) == Said{"3 accepted"});
    CHECK(desk.quote("98", "99", 10, 100) == Said{"2 filled 20 at 100.5 #3", "3 filled 1 at 99 #4"});
}

TEST_CASE("the rest of a marketable limit rests at its own limit", "[paper]") {
    Desk desk(with_size());
    desk.quote("99", "101", 10, 10);
    CHECK(desk.place(buy(25).limit("105")) == Said{"1 accepted", "1 filled 10 at 101 #1"});
    CHECK(desk.quote("99", "106", 10, 10) == kNothing);
    CHECK(desk.quote("99", "103", 10, 10) == Said{"1 filled 10 at 105 #2"});
}

TEST_CASE("what an IOC cannot take of the displayed size never stays", "[paper]") {
    Desk desk(with_size());
    desk.quote("99", "101", 10, 10);
    CHECK(desk.place(buy(25).ioc()) == Said{"1 accepted", "1 filled 10 at 101 #1", "1 cancelled: ioc"});
    CHECK(desk.place(buy(25).ioc()) == Said{"2 accepted", "2 cancelled: ioc"});
    desk.quote("99", "101", 10, 10);
    CHECK(desk.place(buy(25).limit("102").ioc()) == Said{"3 accepted", "3 filled 10 at 101 #2", "3 cancelled: ioc"});
    desk.quote("99", "101", 10, 0);
    CHECK(desk.place(buy(25).ioc()) == Said{"4 accepted", "4 cancelled: ioc"});
}

TEST_CASE("a triggered stop's rest waits for size, not for its stop again", "[paper]") {
    Desk desk(with_size());
    desk.quote("99", "101", 10, 10);
    desk.place(buy(25).stop("105"));
    CHECK(desk.quote("105", "106", 10, 10) == Said{"1 triggered", "1 filled 10 at 106 #1"});
    // Below the stop again: the rest is a market order and waits for size, not for the stop.
    CHECK(desk.quote("99", "101", 10, 10) == Said{"1 filled 10 at 101 #2"});
    CHECK(desk.opened("103") == kNothing);
    CHECK(desk.quote("99", "102", 10, 10) == Said{"1 filled 5 at 102 #3"});
}

// ---- cancel and modify ----

TEST_CASE("a cancelled order never fills", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.place(buy(1).limit("100"));
    CHECK(desk.cancel(1) == Said{"1 cancelled"});
    CHECK(desk.quote("99", "100") == kNothing);
    CHECK(desk.cancel(1) == Said{"1 cancel_rejected: order is not open"});
}

TEST_CASE("a change of an order that is done, or was never here, is not believed", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.place(buy(1));
    CHECK(desk.cancel(1) == Said{"1 cancel_rejected: order is not open"});
    CHECK(desk.modify(1, 5) == Said{"1 modify_rejected: order is not open"});
    CHECK(desk.cancel(77) == Said{"77 cancel_rejected: order is not open"});
    CHECK(desk.modify(77, 5) == Said{"77 modify_rejected: order is not open"});
}

TEST_CASE("a modified limit that has become marketable does not sleep or overpay", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.place(buy(10).limit("95"));
    CHECK(desk.modify(1, 20, "100") == Said{"1 modified 20 limit 100 stop 0"});
    CHECK(desk.modify(1, 20, "105") == Said{"1 modified 20 limit 105 stop 0", "1 filled 20 at 101 #1"});
}

TEST_CASE("a stop moved through the market triggers at once", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.place(sell(10).stop("90"));
    CHECK(desk.modify(1, 10, "0", "99") ==
          Said{"1 modified 10 limit 0 stop 99", "1 triggered", "1 filled 10 at 99 #1"});
}

TEST_CASE("an order cannot shrink to what it has filled", "[paper]") {
    Desk desk(with_size());
    desk.quote("99", "101", 10, 10);
    desk.place(buy(25).limit("101"));
    CHECK(desk.modify(1, 10, "101") == Said{"1 modify_rejected: quantity already filled"});
    CHECK(desk.modify(1, 9, "101") == Said{"1 modify_rejected: quantity already filled"});
    CHECK(desk.modify(1, 12, "101") == Said{"1 modified 12 limit 101 stop 0"});
    CHECK(desk.quote("99", "101", 10, 10) == Said{"1 filled 2 at 101 #2"});
}

TEST_CASE("only a smaller quantity keeps an order's place in the queue", "[paper]") {
    const auto first_to_fill = [](std::int64_t quantity, std::string_view limit) {
        Desk desk(with_size());
        desk.quote("99", "101");
        desk.place(buy(10).limit("100"));
        desk.place(buy(10).limit("100"));
        desk.modify(1, quantity, limit);
        return desk.quote("99", "99", 1, 1);
    };
    CHECK(first_to_fill(9, "100") == Said{"1 filled 1 at 100 #1"});
    CHECK(first_to_fill(10, "100") == Said{"1 filled 1 at 100 #1"});
    CHECK(first_to_fill(11, "100") == Said{"2 filled 1 at 100 #1"});
    CHECK(first_to_fill(9, "100.5") == Said{"2 filled 1 at 100 #1"});
    CHECK(first_to_fill(10, "99.5") == Said{"2 filled 1 at 100 #1"});
}

TEST_CASE("in next_open changed terms never trade before the next open", "[paper]") {
    Desk desk(next_open());
    desk.opened("100");
    desk.place(buy(10).limit("90"));
    desk.opened("100");
    CHECK(desk.modify(1, 5, "90") == Said{"1 modified 5 limit 90 stop 0"});
    CHECK(desk.modify(1, 5, "99") == Said{"1 modified 5 limit 99 stop 0"});
    CHECK(desk.closed("100", "100", "98", "99") == kNothing);
    CHECK(desk.opened("97") == Said{"1 filled 5 at 97 #1"});
}

// ---- latency ----

TEST_CASE("a late order never trades on a price from before it arrived", "[paper]") {
    Desk desk(with_latency(5));
    desk.quote("99", "101");
    CHECK(desk.place(buy(1)) == kNothing);
    CHECK(desk.wait(4).quote("98", "102") == kNothing);
    CHECK(desk.wait(1).quote("97", "103") == Said{"1 accepted", "1 filled 1 at 103 #1"});
}

TEST_CASE("another instrument's input lets no order arrive", "[paper]") {
    Desk desk(with_latency(5));
    desk.place(buy(1));
    CHECK(desk.wait(9).quote("97", "103", 100, 100, 1) == kNothing);
    CHECK(desk.opened("97") == Said{"1 accepted", "1 filled 1 at 97 #1"});
}

TEST_CASE("requests do not overtake each other on their way", "[paper]") {
    Desk desk(with_latency(5));
    desk.quote("99", "101");
    desk.place(buy(10).limit("100"));
    desk.place(sell(3));
    desk.wait(1).modify(1, 20, "100.5");
    desk.wait(1).cancel(1);
    CHECK(desk.wait(4).quote("99", "101") ==
          Said{"1 accepted", "2 accepted", "2 filled 3 at 99 #1", "1 modified 20 limit 100.5 stop 0"});
    CHECK(desk.wait(1).quote("99", "101") == Said{"1 cancelled"});
}

TEST_CASE("a cancel that arrives after the fill is rejected", "[paper]") {
    Desk desk(with_latency(5));
    desk.quote("99", "101");
    desk.place(buy(1).limit("100"));
    CHECK(desk.wait(5).quote("99", "101") == Said{"1 accepted"});
    CHECK(desk.cancel(1) == kNothing);
    CHECK(desk.modify(1, 2, "100") == kNothing);
    CHECK(desk.wait(4).quote("99", "100") == Said{"1 filled 1 at 100 #1"});
    CHECK(desk.wait(1).quote("99", "100") ==
          Said{"1 cancel_rejected: order is not open", "1 modify_rejected: order is not open"});
}

TEST_CASE("a cancel that arrives with a quote is not too late for it", "[paper]") {
    Desk desk(with_latency(5));
    desk.quote("99", "101");
    desk.place(buy(1).limit("100"));
    desk.wait(5).quote("99", "101");
    desk.cancel(1);
    CHECK(desk.wait(5).quote("99", "100") == Said{"1 cancelled"});
}

TEST_CASE("a late limit that crosses on arrival fills at the touch it meets", "[paper]") {
    Desk desk(with_latency(5));
    desk.quote("99", "101");
    desk.place(buy(1).limit("100"));
    CHECK(desk.wait(5).quote("90", "91") == Said{"1 accepted", "1 filled 1 at 91 #1"});
}

TEST_CASE("in next_open a late order never fills at an open before its arrival", "[paper]") {
    Desk desk(with_latency(5, FillModel::next_open));
    desk.opened("100");
    desk.place(buy(1));
    CHECK(desk.wait(4).opened("101") == kNothing);
    CHECK(desk.wait(1).opened("102") == Said{"1 accepted", "1 filled 1 at 102 #1"});
    desk.place(buy(1).ioc());
    CHECK(desk.wait(5).closed("102", "103", "101", "102") == Said{"2 accepted"});
    CHECK(desk.opened("104") == Said{"2 filled 1 at 104 #2"});
}

TEST_CASE("a late stop_limit never uses a bar's range from before it triggered", "[paper]") {
    Desk desk(with_latency(5));
    desk.opened("100");
    desk.place(buy(1).stop("105").limit("103"));
    CHECK(desk.wait(5).closed("100", "110", "90", "108") == Said{"1 accepted", "1 triggered"});
    // It came inside that bar; the range of the next one is the first that it sees.
    CHECK(desk.opened("108") == kNothing);
    CHECK(desk.closed("108", "110", "90", "108") == Said{"1 filled 1 at 103 #1"});
}

// ---- session close ----

TEST_CASE("a DAY order neither outlives its session nor ends with another's", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.place(buy(1).limit("90").day(10));
    desk.place(buy(1).limit("90").day(11));
    desk.place(buy(1).limit("90"));
    desk.place(buy(1).limit("90").day(10).of(1));
    CHECK(desk.session_closed(9) == kNothing);
    CHECK(desk.session_closed(10) == Said{"1 expired"});
    CHECK(desk.session_closed(10, 1) == Said{"4 expired"});
    CHECK(desk.session_closed(12) == Said{"2 expired"});
    CHECK(desk.quote("89", "90") == Said{"3 filled 1 at 90 #1"});
    CHECK(desk.cancel(1) == Said{"1 cancel_rejected: order is not open"});
}

TEST_CASE("a DAY order on its way never arrives after its session", "[paper]") {
    Desk desk(with_latency(5));
    desk.place(buy(1).day(10));
    desk.place(buy(1).day(11));
    desk.place(buy(1));
    desk.cancel(1);
    CHECK(desk.session_closed(10) == Said{"1 expired"});
    CHECK(desk.wait(5).quote("99", "101") == Said{"2 accepted", "2 filled 1 at 101 #1", "3 accepted",
                                                  "3 filled 1 at 101 #2", "1 cancel_rejected: order is not open"});
}

TEST_CASE("a session's close does not end an IOC that still awaits its open", "[paper]") {
    Desk desk(next_open());
    desk.place(buy(1).ioc());
    CHECK(desk.session_closed(20'000) == kNothing);
    CHECK(desk.opened("100") == Said{"1 filled 1 at 100 #1"});
}

// ---- our own mistakes ----

TEST_CASE("a second order under a number in use stops the engine", "[paper]") {
    for (const std::int64_t latency_s : {0, 5}) {
        const pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            close(STDERR_FILENO);
            // The test is about the abort: neither Catch2's handler nor a core dump should follow
            // it.
            (void)std::signal(SIGABRT, SIG_DFL);
            const auto broker = make_paper_broker(with_latency(latency_s));
            Reports reports;
            for (int i = 0; i < 2; ++i) {
                broker->perform(Time{0}, PlaceOrder{OrderId{1}, buy(1).limit("1").terms, {}}, reports);
            }
            _exit(0);
        }
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status));
        CHECK(WTERMSIG(status) == SIGABRT);
    }
}

TEST_CASE("paper orders do not wait for the disk", "[paper]") {}

// ---- auctions ----

TEST_CASE("all that an auction has collected meets its one price", "[paper]") {
    Desk desk;
    desk.place(buy(1));               // 1
    desk.place(buy(2).limit("105"));  // 2: would have paid more
    desk.place(buy(3).limit("100"));  // 3: just as much
    desk.place(buy(4).limit("99"));   // 4: less
    desk.place(sell(5).limit("95"));  // 5
    CHECK(desk.auction("100", "100") ==
          Said{"1 filled 1 at 100 #1", "2 filled 2 at 100 #2", "3 filled 3 at 100 #3", "5 filled 5 at 100 #4"});
}

TEST_CASE("what has rested for long gets the auction's price as well", "[paper]") {
    Desk desk;
    desk.quote("100", "101");
    desk.place(buy(1).limit("99"));
    CHECK(desk.auction("97", "98") == Said{"1 filled 1 at 98 #1"});
}

TEST_CASE("stops and IOC orders take no part in an auction, and meet the first price behind it", "[paper]") {
    Desk desk;
    desk.place(buy(1).stop("100"));
    desk.place(buy(2).limit("105").ioc());
    desk.place(buy(3).ioc());
    desk.place(buy(4).stop("100").limit("105"));
    CHECK(desk.auction("100", "100") == kNothing);
    CHECK(desk.quote("100", "101") == Said{"1 triggered", "1 filled 1 at 101 #1", "2 filled 2 at 101 #2",
                                           "3 filled 3 at 101 #3", "4 triggered", "4 filled 4 at 101 #4"});
}

TEST_CASE("an auction's price stands for nobody who comes later, and a forgotten quote for none", "[paper]") {
    Desk desk;
    desk.auction("100", "100");
    CHECK(desk.place(buy(1)) == Said{"1 accepted"});
    CHECK(desk.quote("100", "101") == Said{"1 filled 1 at 101 #1"});
    desk.forget();
    CHECK(desk.place(buy(2)) == Said{"2 accepted"});
    CHECK(desk.place(buy(3).limit("200")) == Said{"3 accepted"});
    CHECK(desk.quote("100", "102") == Said{"2 filled 2 at 102 #2", "3 filled 3 at 102 #3"});
}

TEST_CASE("an auction is an opening price to who waits for an open, and has the size that is told", "[paper]") {
    Desk waiting(next_open());
    waiting.quote("99", "101");
    waiting.place(buy(1));
    CHECK(waiting.auction("100", "100") == Said{"1 filled 1 at 100 #1"});
    Desk sized(with_size());
    sized.place(buy(10).limit("101"));
    CHECK(sized.auction("100", "100", 4) == Said{"1 filled 4 at 100 #1"});
    CHECK(sized.auction("100", "100") == Said{"1 filled 6 at 100 #2"});  // no size is told: none binds
}

TEST_CASE("exits of what an auction fills come alive, and their stops wait for trading", "[paper]") {
    Desk desk;
    desk.bracket(buy(1).limit("100"), "99", "105");
    CHECK(desk.auction("98", "98") == Said{"1 filled 1 at 98 #1"});
    CHECK(desk.quote("98", "98.5") == Said{"2 triggered", "2 filled 1 at 98 #2", "3 cancelled: linked"});
}

TEST_CASE("a DAY order whose session never came ends when a later one opens", "[paper]") {
    Desk desk;
    desk.place(buy(1).limit("90").day(10));
    desk.place(buy(2).limit("90").day(12));
    CHECK(desk.session_opened(12) == Said{"1 expired"});
    CHECK(desk.session_closed(12) == Said{"2 expired"});
}

// ---- trades ----

TEST_CASE("a trade that touches a resting limit does not fill it at its limit", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    CHECK(desk.place(buy(10).limit("100")) == Said{"1 accepted"});
    CHECK(desk.trade("100.5") == kNothing);
    CHECK(desk.trade("100") == Said{"1 filled 10 at 100 #1"});
    CHECK(desk.place(sell(10).limit("100.5")) == Said{"2 accepted"});
    CHECK(desk.trade("100.7") == Said{"2 filled 10 at 100.5 #2"});
}

TEST_CASE("limit_fill: through fills a resting limit by a trade at it", "[paper]") {
    PaperSettings settings;
    settings.limit_fill = LimitFill::through;
    Desk desk(settings);
    desk.quote("99", "101");
    desk.place(buy(10).limit("100"));
    CHECK(desk.trade("100") == kNothing);
    CHECK(desk.trade("99.99") == Said{"1 filled 10 at 100 #1"});
}

TEST_CASE("a trade is an offer while a quote stands", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.trade("100");
    CHECK(desk.place(buy(10)) == Said{"1 accepted", "1 filled 10 at 101 #1"});
    desk.quote("99", "0");
    desk.place(buy(10));
    CHECK(desk.trade("100") == kNothing);
    CHECK(desk.quote("99", "101") == Said{"2 filled 10 at 101 #2"});
}

TEST_CASE("a stop that a trade triggers fills elsewhere than at the quote", "[paper]") {
    Desk desk(with_slippage("0.05"));
    desk.quote("99", "101");
    desk.place(sell(10).stop("98"));
    desk.place(sell(10).stop("98").limit("99.5"));
    CHECK(desk.trade("98.01") == kNothing);
    CHECK(desk.trade("98") == Said{"1 triggered", "1 filled 10 at 98.95 #1", "2 triggered"});
    CHECK(desk.trade("99.5") == Said{"2 filled 10 at 99.5 #2"});
    desk.quote("0", "101");
    desk.place(sell(10).stop("98"));
    CHECK(desk.trade("97") == Said{"3 triggered"});
    CHECK(desk.quote("97.5", "101") == Said{"3 filled 10 at 97.45 #3"});
}

TEST_CASE("without a quote the last trade is no touch of both sides, or outlives its instant", "[paper]") {
    Desk desk;
    CHECK(desk.place(buy(10)) == Said{"1 accepted"});
    CHECK(desk.trade("100") == Said{"1 filled 10 at 100 #1"});
    CHECK(desk.place(sell(10)) == Said{"2 accepted", "2 filled 10 at 100 #2"});
    desk.place(buy(10).limit("99"));
    desk.place(sell(10).stop("99.5"));
    CHECK(desk.wait(1).place(buy(10)) == Said{"5 accepted"});
    CHECK(desk.trade("99.2") == Said{"4 triggered", "4 filled 10 at 99.2 #3", "5 filled 10 at 99.2 #4"});
    CHECK(desk.trade("98") == Said{"3 filled 10 at 99 #5"});
}

TEST_CASE("use_size fills more by a trade than its quantity, or anything where that is not told", "[paper]") {
    Desk desk(with_size());
    desk.quote("99", "101", 5, 5);
    desk.place(buy(100).limit("100"));
    desk.place(buy(100).limit("100"));
    CHECK(desk.trade("100", 0) == kNothing);
    CHECK(desk.trade("100", 130) == Said{"1 filled 100 at 100 #1", "2 filled 30 at 100 #2"});
    desk.place(buy(10));  // the quote's size is another
    CHECK(desk.trade("100.5", 1'000) == kNothing);
    CHECK(desk.trade("99.5", 1'000) == Said{"2 filled 70 at 100 #4"});
    Desk unquoted(with_size());
    unquoted.place(buy(100));
    CHECK(unquoted.trade("100", 40) == Said{"1 filled 40 at 100 #1"});
    CHECK(unquoted.place(sell(10)) == Said{"2 accepted"});  // the trade is used up
    CHECK(unquoted.trade("101", 80) == Said{"1 filled 60 at 101 #2", "2 filled 10 at 101 #3"});
}

TEST_CASE("an exit meets the very trade that filled its entry, although a quote stands", "[paper]") {
    Desk desk;
    desk.quote("99", "101");
    desk.bracket(buy(10).limit("100"), "99.9", "100.4");
    // The bid of 99 is through the stop: that is what the market pays.
    CHECK(desk.trade("100") ==
          Said{"1 filled 10 at 100 #1", "2 triggered", "2 filled 10 at 99 #2", "3 cancelled: linked"});
    desk.quote("99", "101");
    desk.bracket(buy(10).limit("100"), "98", "99.5");
    CHECK(desk.trade("99.8") == Said{"4 filled 10 at 100 #3"});
    CHECK(desk.trade("99.8") == Said{"6 filled 10 at 99.5 #4", "5 cancelled: linked"});
}

TEST_CASE("what a latency has held back comes to the trade, not to the quote that stands", "[paper]") {
    Desk desk(with_latency(5));
    desk.quote("99", "101");
    desk.place(buy(10).limit("100"));
    desk.place(buy(10));
    CHECK(desk.wait(5).trade("100") == Said{"1 accepted", "2 accepted", "2 filled 10 at 101 #1"});
    CHECK(desk.trade("100") == Said{"1 filled 10 at 100 #2"});
}

TEST_CASE("next_open takes a trade for an open", "[paper]") {
    Desk desk(next_open());
    desk.place(buy(10));
    CHECK(desk.trade("100") == kNothing);
    CHECK(desk.opened("101") == Said{"1 filled 10 at 101 #1"});
}

}  // namespace
}  // namespace alpha::test
